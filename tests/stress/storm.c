/*
 * The storm, see storm.h.
 *
 *     build/tests/storm [--seconds N] [--kills N] [--seed S] [--workers N]
 * [--address A]
 *
 * The seed decides what workers do and whom the killer picks; when the kernel
 * lets them run it does not, so that no two storms are the same.
 */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stress/storm.h"

#define SECOND INT64_C(1000000000)
#define STUCK (30 * SECOND)
#define EACH_LIVE SECOND
#define EACH_QUIET (5 * SECOND)

struct watched {
    pid_t pid;
    uint64_t operations[2]; /* of its threads, when they last got on */
    int64_t since[2];
};

static struct board *board;
static neap_heap *heap;
static struct watched watched[WORKERS_MAX];
static uint64_t rng, kills, stops, checks, failed_checks, stuck;
static uint64_t most_kills = UINT64_MAX;
static int own_pids = -1; /* this PID namespace, when others can be made */
static volatile sig_atomic_t interrupted;


static uint64_t draw(uint64_t below)
{
    uint64_t z = rng += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}


static void pause_for(int64_t nanoseconds)
{
    nanosleep(&(struct timespec){nanoseconds / SECOND, nanoseconds % SECOND},
              NULL);
}


/* -- workers --------------------------------------------------------------- */

static void watch(uint32_t w, pid_t pid)
{
    watched[w].pid = pid;
    for (int i = 0; i < 2; i++) {
        watched[w].operations[i] = board->lines[w][i].operations;
        watched[w].since[i] = neap_now();
    }
}


/* Some live in a PID namespace of their own, where all have the same ids. */
static void start(uint32_t w)
{
    bool apart = own_pids >= 0 && w % 4 >= 2 && unshare(CLONE_NEWPID) == 0;
    bool inherits = draw(2);
    board->lines[w][1].active = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(worker_live(board, inherits ? heap : NULL, w));
    if (pid < 0) {
        perror("cannot fork");
        exit(2);
    }
    if (apart && setns(own_pids, CLONE_NEWPID) < 0) {
        perror("cannot return to this PID namespace");
        exit(2);
    }
    watch(w, pid);
}


static void end(uint32_t w)
{
    int status;
    kill(watched[w].pid, SIGKILL);
    while (waitpid(watched[w].pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        violation(board, "worker %u ended by itself, with status %#x", w,
                  (unsigned)status);
}


static void replace(uint32_t w)
{
    end(w);
    kills++;
    start(w);
}


/* -- the killer ------------------------------------------------------------ */

/* From microseconds to milliseconds, short ones as often as long ones. */
static int64_t some_time(void)
{
    return INT64_C(20000) << draw(10);
}


static void strike(void)
{
    uint32_t w = (uint32_t)draw(board->workers);
    pause_for(some_time());
    if (draw(10)) {
        replace(w);
        return;
    }
    kill(watched[w].pid, SIGSTOP);
    stops++;
    pause_for(some_time());
    if (draw(2))
        replace(w); /* it dies while it is stopped */
    else
        kill(watched[w].pid, SIGCONT);
}


static void look_for_stuck(void)
{
    for (uint32_t w = 0; w < board->workers; w++)
        for (int i = 0; i < 2; i++) {
            struct line *line = &board->lines[w][i];
            struct watched *it = &watched[w];
            if (!line->active || line->operations != it->operations[i]) {
                it->operations[i] = line->operations;
                it->since[i] = neap_now();
            } else if (neap_now() - it->since[i] > STUCK) {
                stuck++;
                violation(board, "worker %u, process %ld, thread %d is stuck "
                          "in: %s", w, (long)it->pid, i,
                          operations[line->doing].name);
                it->since[i] = neap_now();
            }
        }
}


/* -- checks ---------------------------------------------------------------- */

static void count_check(uint64_t violations)
{
    checks++;
    failed_checks += violations != 0;
}


/* With the workers go their children, some of them a moment later. */
static void hush(void)
{
    for (uint32_t w = 0; w < board->workers; w++)
        end(w);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        ;
}


static void look_in_the_quiet(void)
{
    hush();
    count_check(verify_quiet(board, heap));
}


static uint64_t operations_so_far(void)
{
    uint64_t sum = 0;
    for (uint32_t w = 0; w < board->workers; w++)
        for (int i = 0; i < LINES; i++)
            sum += board->lines[w][i].operations;
    return sum;
}


static void show_progress(int64_t start_time)
{
    if (!isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r%5" PRId64 " s  %" PRIu64 " kills  %" PRIu64
            " operations  %" PRIu64 " checks  %" PRIu64 " violations ",
            (neap_now() - start_time) / SECOND, kills, operations_so_far(),
            checks, board->violations);
}


static void rage(int64_t seconds)
{
    int64_t began = neap_now(), live = began, quiet = began;
    for (uint32_t w = 0; w < board->workers; w++)
        start(w);
    while (!interrupted && kills < most_kills &&
           neap_now() - began < seconds * SECOND) {
        strike();
        if (neap_now() - live >= EACH_LIVE) {
            count_check(verify_live(board, heap));
            look_for_stuck();
            show_progress(began);
            live = neap_now();
        }
        if (neap_now() - quiet >= EACH_QUIET) {
            look_in_the_quiet();
            for (uint32_t w = 0; w < board->workers; w++)
                start(w);
            quiet = neap_now();
        }
    }
    look_in_the_quiet();
    show_progress(began);
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr);
}


/* -- the end --------------------------------------------------------------- */

static void row(const char *what, uint64_t n)
{
    printf("%-34s %12" PRIu64 "\n", what, n);
}


static int report(void)
{
    neap_heap_info info;
    if (neap_heap_status(heap, &info) == 0) {
        row("slots reaped", info.deaths);
        row("bytes in use at the end", info.used);
    }
    row("kills", kills);
    row("stops", stops);
    row("forks inside a critical section", board->forks);
    row("execs inside a critical section", board->execs);
    row("ends of threads", board->thread_ends);
    row("abandoned mutexes told", board->abandoned);
    row("operations", operations_so_far());
    row("checks", checks);
    row("lost, leaked or torn", board->violations - stuck);
    row("stuck", stuck);
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", checks - failed_checks,
           board->violations ? (failed_checks ? failed_checks : 1) : 0);
    return board->violations ? 1 : 0;
}


static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}


static void make_heap(const char *address)
{
    neap_heap_options options = {.flags = NEAP_OPEN_NEW};
    snprintf(board->address, sizeof board->address, "%s", address);
    if (neap_heap_open(address, &options, &heap) < 0) {
        fprintf(stderr, "%s\n", neap_error_text());
        exit(2);
    }
    if (!storm_make(heap))
        exit(2);
}


/* Whoever may not make PID namespaces storms without. */
static void prepare_namespaces(void)
{
    own_pids = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    if (own_pids >= 0 && unshare(CLONE_NEWPID) == 0 &&
        setns(own_pids, CLONE_NEWPID) == 0)
        return;
    own_pids = -1;
}


static void remember_self(int board_fd)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n < 0 ? 0 : n] = '\0';
    worker_remember(path, board_fd);
}


/* After exec: the same worker, with nothing but the ledger. */
static int go_on(char **argv)
{
    int fd = atoi(argv[2]);
    board = board_map(fd);
    remember_self(fd);
    return worker_live(board, NULL, (uint32_t)atoi(argv[3]));
}


static void usage(const char *program, FILE *out)
{
    fprintf(out, "usage: %s [--seconds N] [--kills N] [--seed S] "
            "[--workers N] [--address A]\n", program);
}


int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"seconds", required_argument, NULL, 't'},
        {"kills", required_argument, NULL, 'k'},
        {"seed", required_argument, NULL, 's'},
        {"workers", required_argument, NULL, 'w'},
        {"address", required_argument, NULL, 'a'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    if (argc == 4 && strcmp(argv[1], "--go-on") == 0)
        return go_on(argv);
    char address[64];
    snprintf(address, sizeof address, "neap-storm-%ld", (long)getpid());
    const char *where = address;
    int64_t seconds = 10;
    uint64_t seed = (uint64_t)time(NULL), workers = 8;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
        switch (option) {
        case 't':
            seconds = strtoll(optarg, NULL, 0);
            break;
        case 'k':
            most_kills = strtoull(optarg, NULL, 0);
            break;
        case 's':
            seed = strtoull(optarg, NULL, 0);
            break;
        case 'w':
            workers = strtoull(optarg, NULL, 0);
            break;
        case 'a':
            where = optarg;
            break;
        default:
            usage(argv[0], option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    if (workers < 1 || workers > WORKERS_MAX) {
        fprintf(stderr, "1 to %d workers\n", WORKERS_MAX);
        return 2;
    }

    int fd;
    board = board_make(&fd);
    board->seed = rng = seed;
    board->workers = (uint32_t)workers;
    remember_self(fd);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    prepare_namespaces();
    make_heap(where);
    printf("%" PRIu64 " workers for %" PRId64 " s, seed %" PRIu64 ", heap %s, "
           "PID namespaces: %s\n", workers, seconds, seed, where,
           own_pids >= 0 ? "yes" : "no");
    rage(seconds);
    int status = report();
    if (neap_heap_unlink(heap) < 0)
        fprintf(stderr, "%s\n", neap_error_text());
    neap_heap_close(heap);
    return status;
}
