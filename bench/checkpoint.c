/*
 * A checkpoint of a heap of 1 GiB, of which another process changes a twentieth
 * all the while, against cp of the same bytes to the same disk; both until it
 * has them. Each is done five times, in turn, and the best of each counts.
 */
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sums.h"

const char bench_noun[] = "checkpoint";

enum { ROUNDS = 5, THREADS_MOST = 8, PAGE = 4096, ONE_IN = 20 };
#define BYTES (UINT64_C(1) << 30)

static char image[128], copied[128], back[64];
static neap_heap *heap;
static neap_array *array;
static uint64_t *words;

struct best {
    double write, copy, restore, copy_back, pause, read;
};


static double ms_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}


static void keep_best(double *best, double ms)
{
    if (ms < *best)
        *best = ms;
}


static double time_shell(const char *format, const char *from, const char *to)
{
    char command[512];
    snprintf(command, sizeof command, format, from, to, to);
    double start = ms_now();
    if (system(command) != 0)
        bench_failed(command, "it ended with an error");
    return ms_now() - start;
}


/* -- who changes it -------------------------------------------------------- */

/* A twentieth of the pages, scattered, some ten times a second. */
static pid_t fork_writer(void)
{
    pid_t pid = fork();
    BENCH_MUST(pid);
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (uint64_t turn = 1;; turn++) {
        for (uint64_t page = 0; page < BYTES / PAGE; page += ONE_IN)
            words[page * PAGE / sizeof *words] += turn;
        usleep(100000);
    }
}


/* -- reading as much, with as many threads --------------------------------- */

static int thread_count(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > THREADS_MOST ? THREADS_MOST : (int)n;
}


static void *read_part(void *part)
{
    uint64_t each = BYTES / (uint64_t)thread_count();
    uint64_t sum = sum_words(part, each);
    BENCH_USED(sum);
    return NULL;
}


static double time_reading(void)
{
    pthread_t threads[THREADS_MOST];
    int n = thread_count();
    double start = ms_now();
    for (int i = 0; i < n; i++)
        if (pthread_create(&threads[i], NULL, read_part,
                           (char *)words + BYTES / (uint64_t)n * (uint64_t)i))
            bench_failed("pthread_create", NULL);
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return ms_now() - start;
}


/* -- the rows -------------------------------------------------------------- */

static void begin(void)
{
    static const char disk[] = "/var/tmp"; /* /tmp may be memory */
    snprintf(image, sizeof image, "%s%.90s.image", disk, bench_name());
    snprintf(copied, sizeof copied, "%s%.90s.copied", disk, bench_name());
    snprintf(back, sizeof back, "%.50s-back", bench_name() + 1);
    BENCH_OURS(neap_heap_open(bench_name() + 1, NULL, &heap));
    BENCH_OURS(neap_array_open(heap, "words", NEAP_TYPE_U64, 1,
                               (uint64_t[]){BYTES / sizeof *words}, &array));
    words = neap_array_data(array);
    for (uint64_t i = 0; i < BYTES / sizeof *words; i++)
        words[i] = i * UINT64_C(0x9e3779b97f4a7c15);
}


static void end(void)
{
    unlink(image);
    unlink(copied);
    neap_array_close(array);
    BENCH_OURS(neap_heap_unlink(heap));
    neap_heap_close(heap);
}


static void write_both(struct best *best)
{
    neap_checkpoint_report report;
    pid_t writer = fork_writer();
    BENCH_OURS(neap_heap_checkpoint(heap, image, NULL, &report));
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
    keep_best(&best->write, (double)report.took / 1e6);
    keep_best(&best->pause, (double)report.pause / 1e6);
    keep_best(&best->read, time_reading());
    keep_best(&best->copy, time_shell("cp /dev/shm%s %s && sync %s",
                                      bench_name(), copied));
}


static void bring_both_back(struct best *best)
{
    neap_heap *restored;
    char there[128];
    double start = ms_now();
    BENCH_OURS(neap_restore(image, back, NULL, &restored));
    keep_best(&best->restore, ms_now() - start);
    BENCH_OURS(neap_heap_unlink(restored));
    neap_heap_close(restored);

    snprintf(there, sizeof there, "/dev/shm/%s", back);
    keep_best(&best->copy_back, time_shell("cp %s %s", copied, there));
    unlink(there);
}


void bench_rows(void)
{
    struct best best = {INFINITY, INFINITY, INFINITY, INFINITY, INFINITY,
                        INFINITY};
    if (!bench_wanted("write 1 GiB"))
        return;
    begin();
    for (int i = 0; i < ROUNDS; i++) {
        write_both(&best);
        bring_both_back(&best);
    }
    end();
    bench_told("write 1 GiB", "ms", best.write, "cp and sync", best.copy);
    bench_told("restore 1 GiB", "ms", best.restore, "cp", best.copy_back);
    bench_told("pause of 1 GiB", "ms", best.pause, "reading it, all processors",
               best.read);
}
