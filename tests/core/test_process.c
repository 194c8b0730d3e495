/* Processes: fork a worker, wait for it, take what it answers. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "lib/harness.h"
#include "neap/system.h"
#include "work/work.h"


static neap_exit wait_for(neap_process *process)
{
    neap_exit ended;
    CHECK_STATUS(neap_process_wait(process, NEAP_FOREVER, &ended), 0);
    CHECK_INT(ended.pid, neap_process_pid(process));
    return ended;
}


/* A child that sleeps until it is killed. */
static neap_process *fork_sleeper(void)
{
    neap_process *process;
    int status = neap_process_fork(&process);
    if (status == NEAP_CHILD)
        for (;;)
            pause();
    CHECK_STATUS(status, 0);
    return process;
}


static neap_process *fork_to_exit(int code)
{
    neap_process *process;
    int status = neap_process_fork(&process);
    if (status == NEAP_CHILD)
        neap_process_exit(code);
    CHECK_STATUS(status, 0);
    return process;
}


TEST(child_answers_and_its_parent_hears_it)
{
    neap_process *process;
    int status = neap_process_fork(&process);
    if (status == NEAP_CHILD) {
        CHECK(process == NULL);
        CHECK_STATUS(neap_process_answer("forty", 5), 0);
        CHECK_STATUS(neap_process_answer("two", 4), 0);
        neap_process_exit(42);
    }
    CHECK_STATUS(status, 0);
    neap_exit ended = wait_for(process);
    CHECK_INT(ended.code, 42);
    CHECK_INT(ended.signal, 0);
    CHECK(!ended.core);
    size_t length;
    CHECK_STR(neap_process_answered(process, &length), "fortytwo");
    CHECK_INT(length, 9);
    neap_process_close(process);
}


TEST(no_answer_is_an_empty_one)
{
    neap_process *process = fork_to_exit(0);
    size_t length = 77;
    CHECK(neap_process_answered(process, &length) != NULL);
    CHECK_INT(length, 0);
    wait_for(process);
    CHECK(neap_process_answered(process, &length) != NULL);
    CHECK_INT(length, 0);
    neap_process_close(process);
}


static unsigned char pattern(size_t i)
{
    return (unsigned char)(i * 31 + (i >> 12));
}


TEST(answer_of_a_hundred_megabytes_arrives_whole)
{
    size_t size = 100u << 20;
    neap_process *process;
    int status = neap_process_fork(&process);
    if (status == NEAP_CHILD) {
        unsigned char *bytes = malloc(size);
        CHECK(bytes != NULL);
        for (size_t i = 0; i < size; i++)
            bytes[i] = pattern(i);
        CHECK_STATUS(neap_process_answer(bytes, size), 0);
        neap_process_exit(0);
    }
    CHECK_STATUS(status, 0);
    CHECK_INT(wait_for(process).code, 0);
    size_t length;
    const unsigned char *bytes = neap_process_answered(process, &length);
    CHECK_INT(length, size);
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != pattern(i))
            FAIL("byte %zu is wrong", i);
    neap_process_close(process);
}


TEST(wait_names_the_signal_that_killed)
{
    neap_process *process = fork_sleeper();
    CHECK_STATUS(neap_process_kill(process, SIGUSR1), 0);
    neap_exit ended = wait_for(process);
    CHECK_INT(ended.signal, SIGUSR1);
    CHECK_INT(ended.code, 0);
    neap_process_close(process);
}


TEST(wait_ends_at_its_deadline_and_may_be_repeated)
{
    neap_process *process = fork_sleeper();
    neap_exit ended = {.code = 77};
    CHECK_FAILS(neap_process_wait(process, NEAP_NOW, &ended), -ETIMEDOUT,
                "has not ended in time");
    int64_t deadline = neap_deadline_after(20000000);
    CHECK_STATUS(neap_process_wait(process, deadline, &ended), -ETIMEDOUT);
    CHECK(neap_now() >= deadline);
    CHECK_INT(ended.code, 77);
    CHECK_INT(neap_process_alive(process), 1);

    CHECK_STATUS(neap_process_kill(process, SIGKILL), 0);
    CHECK_INT(wait_for(process).signal, SIGKILL);
    CHECK_STATUS(neap_process_wait(process, NEAP_NOW, &ended), 0);
    CHECK_INT(ended.signal, SIGKILL);
    CHECK_STATUS(neap_process_wait(process, NEAP_NOW, NULL), 0);
    neap_process_close(process);
}


static volatile sig_atomic_t handled;

static void count(int number)
{
    (void)number;
    handled++;
}


static void handle(int number)
{
    struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
    CHECK_INT(sigaction(number, &action, NULL), 0);
}


TEST(wait_is_interrupted_by_a_signal)
{
    neap_process *process = fork_sleeper();
    handle(SIGALRM);
    struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
    CHECK_INT(setitimer(ITIMER_REAL, &often, NULL), 0);
    CHECK_FAILS(neap_process_wait(process, NEAP_FOREVER, NULL), -EINTR,
                "interrupted");
    CHECK_INT(setitimer(ITIMER_REAL, &never, NULL), 0);
    CHECK_INT(neap_process_alive(process), 1);
    neap_process_close(process);
}


TEST(wait_is_not_interrupted_by_the_end_of_children)
{
    handle(SIGCHLD);
    neap_process *process = fork_to_exit(3);
    CHECK_INT(wait_for(process).code, 3);
    CHECK(handled > 0);
    neap_process_close(process);
}


TEST(kill_leaves_in_peace_what_has_ended)
{
    neap_process *process = fork_to_exit(0);
    wait_for(process);
    CHECK_INT(neap_process_alive(process), 0);
    CHECK_STATUS(neap_process_kill(process, SIGKILL), 0);
    CHECK_FAILS(neap_process_kill(process, 4711), -EINVAL, "signal 4711");
    CHECK_FAILS(neap_process_kill(process, -1), -EINVAL, "no such signal");
    neap_process_close(process);
}


TEST(stopped_process_is_alive_and_close_ends_it)
{
    neap_process *process = fork_sleeper();
    pid_t pid = neap_process_pid(process);
    CHECK_STATUS(neap_process_kill(process, SIGSTOP), 0);
    siginfo_t info;
    CHECK_INT(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
    CHECK_INT(neap_process_alive(process), 1);
    neap_process_close(process);
    CHECK_INT(kill(pid, 0), -1);
    CHECK_INT(errno, ESRCH);
}


TEST(close_kills_and_leaves_no_zombie)
{
    neap_process *process = fork_sleeper();
    pid_t pid = neap_process_pid(process);
    neap_process_close(process);
    CHECK_INT(waitpid(pid, NULL, 0), -1);
    CHECK_INT(errno, ECHILD);
    neap_process_close(NULL);
}


/* -- stdio, exit handlers -------------------------------------------------- */

static int print_and_fork(void *path)
{
    CHECK(freopen(path, "w", stdout) != NULL);
    setvbuf(stdout, NULL, _IOFBF, 65536);
    printf("before ");
    neap_process *process;
    int status = neap_process_fork(&process);
    if (status == NEAP_CHILD) {
        printf("child ");
        neap_process_exit(0);
    }
    CHECK_STATUS(status, 0);
    wait_for(process);
    neap_process_close(process);
    printf("after");
    return fclose(stdout);
}


TEST(what_stood_in_a_buffer_is_printed_once)
{
    char path[256], text[64] = "";
    snprintf(path, sizeof path, "%s", test_path("out"));
    CHECK_INT(test_wait(test_fork(print_and_fork, path)), 0);
    FILE *file = fopen(path, "r");
    CHECK(file && fgets(text, sizeof text, file));
    fclose(file);
    unlink(path);
    CHECK_STR(text, "before child after");
}


static _Atomic uint32_t *share_words(size_t words)
{
    void *shared = mmap(NULL, words * sizeof(uint32_t), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    return shared;
}


static _Atomic uint32_t *handlers_run;

static void note_handler(void)
{
    *handlers_run += 1;
}


TEST(exit_runs_no_handler_of_the_parent)
{
    handlers_run = share_words(1);
    CHECK_INT(atexit(note_handler), 0);
    neap_process *process = fork_to_exit(0);
    CHECK_INT(wait_for(process).code, 0);
    CHECK_INT(*handlers_run, 0);
    neap_process_close(process);
}


/* -- answering ------------------------------------------------------------- */

TEST(answer_to_a_parent_that_no_longer_listens_is_epipe_and_no_signal)
{
    neap_process *process;
    int status = neap_process_fork(&process);
    if (status == NEAP_CHILD) {
        char bytes[4096] = {0};
        do
            status = neap_process_answer(bytes, sizeof bytes);
        while (status == 0);
        neap_process_exit(status == -EPIPE ? 7 : 1);
    }
    CHECK_STATUS(status, 0);
    int ours = process->channel;
    CHECK_INT(shutdown(ours, SHUT_RDWR), 0);
    neap_exit ended = wait_for(process);
    CHECK_INT(ended.signal, 0);
    CHECK_INT(ended.code, 7);
    neap_process_close(process);
}


TEST(answer_is_for_children_alone)
{
    CHECK_FAILS(neap_process_answer("x", 1), -ESRCH, "not forked by neap");
    neap_process *process;
    int status = neap_process_fork(&process);
    if (status == NEAP_CHILD) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(neap_process_answer("x", 1) == -ESRCH ? 0 : 1);
        CHECK_INT(test_wait(pid), 0);
        pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (pid == 0)
            _exit(neap_process_answer("x", 1) == -ESRCH ? 0 : 1);
        CHECK_INT(test_wait(pid), 0);
        neap_process_exit(0);
    }
    CHECK_STATUS(status, 0);
    CHECK_INT(wait_for(process).code, 0);
    size_t length;
    neap_process_answered(process, &length);
    CHECK_INT(length, 0);
    neap_process_close(process);
}


/* A raw clone keeps every descriptor, the end of the channel among them. */
static pid_t keep_the_channel(bool write_for_ever)
{
    int channel = neap__kin_channel();
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid != 0)
        return pid;
    char bytes[512] = {'x'};
    while (write_for_ever)
        if (send(channel, bytes, sizeof bytes, MSG_NOSIGNAL) < 0)
            _exit(0);
    for (;;)
        pause();
}


static const char *const habits[] = {"silent", "writing", NULL};

TEST_EACH(grandchild_with_the_channel_does_not_hold_up_the_wait, habits)
{
    CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    _Atomic uint32_t *grandchild = share_words(1);
    neap_process *process;
    int status = neap_process_fork(&process);
    if (status == NEAP_CHILD) {
        CHECK_STATUS(neap_process_answer("done", 4), 0);
        *grandchild = (uint32_t)keep_the_channel(!strcmp(parameter, "writing"));
        neap_process_exit(5);
    }
    CHECK_STATUS(status, 0);
    CHECK_INT(wait_for(process).code, 5);
    size_t length;
    const char *answer = neap_process_answered(process, &length);
    CHECK(length >= 4 && memcmp(answer, "done", 4) == 0);

    CHECK_INT(kill((pid_t)*grandchild, 0), 0);
    neap_process_close(process);
    test_kill((pid_t)*grandchild);
}


/* -- what is inherited ----------------------------------------------------- */

static int count_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}


TEST(siblings_have_none_of_each_others_descriptors)
{
    int ours = count_descriptors();
    neap_process *processes[4];
    for (int i = 0; i < 4; i++) {
        int status = neap_process_fork(&processes[i]);
        if (status == NEAP_CHILD)
            neap_process_exit(count_descriptors());
        CHECK_STATUS(status, 0);
    }
    pid_t other = fork();
    if (other == 0)
        _exit(count_descriptors());

    /* A child has the way to its parent in addition, a plain fork nothing. */
    CHECK_INT(test_wait(other), ours);
    for (int i = 0; i < 4; i++) {
        CHECK_INT(wait_for(processes[i]).code, ours + 1);
        neap_process_close(processes[i]);
    }
    CHECK_INT(count_descriptors(), ours);
}


TEST(child_forgets_its_siblings)
{
    neap_process *sibling = fork_sleeper(), *process;
    int status = neap_process_fork(&process);
    if (status == NEAP_CHILD) {
        CHECK_INT(neap_process_alive(sibling), 0);
        CHECK_FAILS(neap_process_kill(sibling, SIGKILL), -ECHILD,
                    "not a child");
        CHECK_FAILS(neap_process_wait(sibling, NEAP_FOREVER, NULL), -ECHILD,
                    "not a child");
        neap_process_close(sibling);
        neap_process_exit(9);
    }
    CHECK_STATUS(status, 0);
    CHECK_INT(wait_for(process).code, 9);
    CHECK_INT(neap_process_alive(sibling), 1);
    neap_process_close(process);
    neap_process_close(sibling);
}


TEST(child_has_children_of_its_own)
{
    neap_process *process;
    int status = neap_process_fork(&process);
    if (status == NEAP_CHILD) {
        neap_process *inner = fork_to_exit(8);
        neap_exit ended = wait_for(inner);
        neap_process_close(inner);
        CHECK_STATUS(neap_process_answer("mine", 4), 0);
        neap_process_exit(ended.code + 1);
    }
    CHECK_STATUS(status, 0);
    CHECK_INT(wait_for(process).code, 9);
    size_t length;
    neap_process_answered(process, &length);
    CHECK_INT(length, 4);
    neap_process_close(process);
}


/* -- trouble --------------------------------------------------------------- */

static void lose_status(void)
{
    neap_process *process;
    int status = neap_process_fork(&process);
    if (status == NEAP_CHILD) {
        CHECK_STATUS(neap_process_answer("here", 4), 0);
        neap_process_exit(0);
    }
    CHECK_STATUS(status, 0);
    CHECK_FAILS(neap_process_wait(process, NEAP_FOREVER, NULL), -ECHILD,
                "SIGCHLD");
    CHECK_STATUS(neap_process_wait(process, NEAP_NOW, NULL), -ECHILD);
    CHECK_INT(neap_process_alive(process), 0);
    CHECK_STATUS(neap_process_kill(process, SIGKILL), 0);
    size_t length;
    neap_process_answered(process, &length);
    CHECK_INT(length, 4);
    neap_process_close(process);
}


/* Often: the kernel may reap it before its parent has a pidfd, or later. */
TEST(lost_status_is_an_error_and_no_hang)
{
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < 100; i++)
        lose_status();
    signal(SIGCHLD, SIG_DFL);
}


TEST(close_ends_although_sigchld_is_ignored)
{
    signal(SIGCHLD, SIG_IGN);
    neap_process *process = fork_sleeper();
    pid_t pid = neap_process_pid(process);
    neap_process_close(process);
    WAIT_UNTIL(kill(pid, 0) < 0);
    signal(SIGCHLD, SIG_DFL);
}


TEST(full_table_of_descriptors_is_an_error_that_leaves_nothing)
{
    int before = count_descriptors();
    struct rlimit old, few;
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &old), 0);
    for (int more = 0; more < 3; more++) {
        int top = dup(0);
        close(top);
        few = old;
        few.rlim_cur = (rlim_t)(top + more);
        CHECK_INT(setrlimit(RLIMIT_NOFILE, &few), 0);
        neap_process *process = NULL;
        CHECK_FAILS(neap_process_fork(&process), -EMFILE, "ulimit -n");
        CHECK(process == NULL);
        CHECK_INT(setrlimit(RLIMIT_NOFILE, &old), 0);
        CHECK_INT(count_descriptors(), before);
    }
}


/* -- threads --------------------------------------------------------------- */

#define THREADS 8
#define FORKS 6

static void *fork_and_wait(void *argument)
{
    int thread = *(int *)argument;
    for (int i = 0; i < FORKS; i++) {
        neap_process *process;
        int answer = thread * FORKS + i;
        int status = neap_process_fork(&process);
        if (status == NEAP_CHILD) {
            status = neap_process_answer(&answer, sizeof answer);
            neap_process_exit(status == 0 ? 11 : 1);
        }
        CHECK_STATUS(status, 0);
        CHECK_INT(wait_for(process).code, 11);
        size_t length;
        const void *answered = neap_process_answered(process, &length);
        CHECK_INT(length, sizeof answer);
        CHECK(memcmp(answered, &answer, sizeof answer) == 0);
        neap_process_close(process);
    }
    return NULL;
}


TEST(many_threads_fork_at_once)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK_INT(pthread_create(&threads[i], NULL, fork_and_wait,
                                 &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
}


static void *await_sigkill(void *process)
{
    CHECK_INT(wait_for(process).signal, SIGKILL);
    return NULL;
}


TEST(several_threads_may_wait_for_one_process)
{
    neap_process *process = fork_sleeper();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, await_sigkill, process), 0);
    CHECK_STATUS(neap_process_kill(process, SIGKILL), 0);
    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    neap_process_close(process);
}


static int is_over(void)
{
    return 1;
}


TEST(a_signal_that_came_before_the_wait_ends_it)
{
    neap_process *process = fork_sleeper();
    neap_exit end;
    neap_set_wait_check(is_over);
    CHECK_FAILS(neap_process_wait(process, NEAP_FOREVER, &end), -EINTR,
                "interrupted");
    neap_process_close(process);
    neap_set_wait_check(NULL);
}


TEST(signals_have_names)
{
    CHECK_STR(neap_signal_name(SIGKILL), "SIGKILL");
    CHECK_STR(neap_signal_name(SIGSEGV), "SIGSEGV");
    CHECK_STR(neap_signal_name(SIGSYS), "SIGSYS");
    CHECK_STR(neap_signal_name(SIGRTMIN), "SIGRTMIN");
    CHECK_STR(neap_signal_name(SIGRTMIN + 3), "SIGRTMIN+3");
    CHECK_STR(neap_signal_name(77), "signal 77");
    CHECK_STR(neap_signal_name(0), "signal 0");
    CHECK_STR(neap_signal_name(-5), "signal -5");
}
