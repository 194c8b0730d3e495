/*
 * The death of a parent takes its children along, and nothing else does.
 *
 * A parent here is a child of the test, which adopts whom it leaves behind.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lib/harness.h"
#include "os/os.h"

static struct shared {
    _Atomic uint32_t pid;   /* of the child, once it runs its function */
    _Atomic uint32_t later; /* of the second one */
    _Atomic uint32_t other; /* of another process */
    _Atomic uint32_t go;
} *shared;


static void begin(void)
{
    CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
}


static _Noreturn void sleep_for_ever(void)
{
    for (;;)
        pause();
}


static _Noreturn void become_sleep(void)
{
    execlp("sleep", "sleep", "1000", (char *)NULL);
    _exit(1);
}


/* Says "I run" and never ends by itself. */
static void *fork_sleeper(void *then)
{
    neap_process *process;
    int status = neap_process_fork(&process);
    if (status == NEAP_CHILD) {
        *(shared->pid ? &shared->later : &shared->pid) = (uint32_t)getpid();
        ((void (*)(void))then)();
    }
    CHECK_STATUS(status, 0);
    return NULL;
}


static void in_another_thread(void *(*function)(void *), void *argument)
{
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, function, argument), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
}


static int fork_from_main(void *then)
{
    fork_sleeper(then);
    sleep_for_ever();
}


static int fork_from_thread(void *then)
{
    in_another_thread(fork_sleeper, then);
    sleep_for_ever();
}


static bool executes_sleep(uint32_t pid)
{
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/%u/comm", pid);
    FILE *file = fopen(path, "r");
    bool is = file && fgets(name, sizeof name, file) &&
              strcmp(name, "sleep\n") == 0;
    if (file)
        fclose(file);
    return is;
}


static const char *const where[] = {"main thread", "other thread", NULL};

static void kill_parent_of(const char *thread, void (*then)(void))
{
    begin();
    pid_t parent = test_fork(strcmp(thread, where[0]) ? fork_from_thread
                                                      : fork_from_main,
                             (void *)then);
    WAIT_UNTIL(shared->pid);
    if (then == become_sleep)
        WAIT_UNTIL(executes_sleep(shared->pid));
    test_kill(parent);
    CHECK_INT(test_wait((pid_t)shared->pid), -SIGKILL);
}


TEST_EACH(child_dies_when_its_parent_is_killed, where)
{
    kill_parent_of(parameter, sleep_for_ever);
}


TEST_EACH(child_dies_with_its_parent_after_an_exec_too, where)
{
    kill_parent_of(parameter, become_sleep);
}


/* Killed before, while and after the child ties itself: it never survives. */
TEST_EACH(child_dies_however_early_its_parent_is_killed, where)
{
    begin();
    for (int delay = 0; delay < 40; delay++) {
        shared->pid = 0;
        pid_t parent = test_fork(strcmp(parameter, where[0]) ? fork_from_thread
                                                             : fork_from_main,
                                 (void *)sleep_for_ever);
        for (int64_t end = neap_now() + delay * 20000; neap_now() < end;)
            continue;
        test_kill(parent);

        /* We adopt what it leaves; nothing goes on. */
        while (waitpid(-1, NULL, 0) > 0)
            continue;
        CHECK_INT(errno, ECHILD);
    }
}


static bool thread_exists(uint32_t tid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%u", tid);
    return access(path, F_OK) == 0;
}


struct forked {
    uint32_t tid;
    neap_process *process;
};


static void *fork_waiter(void *argument)
{
    struct forked *forked = argument;
    forked->tid = (uint32_t)gettid();
    int status = neap_process_fork(&forked->process);
    if (status == NEAP_CHILD) {
        shared->pid = 1;
        while (!shared->go)
            neap__futex_wait(&shared->go, 0, NEAP_FOREVER);
        neap_process_exit(5);
    }
    CHECK_STATUS(status, 0);
    WAIT_UNTIL(shared->pid);
    return NULL;
}


TEST(child_outlives_the_thread_that_forked_it)
{
    begin();
    struct forked forked;
    in_another_thread(fork_waiter, &forked);
    WAIT_UNTIL(!thread_exists(forked.tid));
    shared->go = 1;
    neap__futex_wake(&shared->go, 1);
    neap_exit ended;
    CHECK_STATUS(neap_process_wait(forked.process, NEAP_FOREVER, &ended), 0);
    CHECK_INT(ended.signal, 0);
    CHECK_INT(ended.code, 5);
    neap_process_close(forked.process);
}


/* What the program forks by other means must not keep the lifeline open. */
static int fork_from_thread_and_otherwise(void *then)
{
    in_another_thread(fork_sleeper, then);
    WAIT_UNTIL(shared->pid);
    pid_t pid = fork();
    if (pid == 0)
        sleep_for_ever();
    shared->other = (uint32_t)pid;
    in_another_thread(fork_sleeper, then);
    sleep_for_ever();
}


TEST(child_dies_although_another_process_of_its_parent_lives)
{
    begin();
    pid_t parent = test_fork(fork_from_thread_and_otherwise,
                             (void *)sleep_for_ever);
    WAIT_UNTIL(shared->later);
    test_kill(parent);
    CHECK_INT(test_wait((pid_t)shared->pid), -SIGKILL);
    CHECK_INT(test_wait((pid_t)shared->later), -SIGKILL);
    CHECK_INT(kill((pid_t)shared->other, 0), 0);
    test_kill((pid_t)shared->other);
}


/* In a PID namespace of its own a child sees no parent: getppid() is 0. */
static int fork_into_namespace(void *argument)
{
    (void)argument;
    if (unshare(CLONE_NEWPID) < 0)
        return 77;
    neap_process *process;
    int status = neap_process_fork(&process);
    if (status == NEAP_CHILD) {
        CHECK_INT(getpid(), 1);
        CHECK_INT(getppid(), 0);
        shared->other = 1;
        sleep_for_ever();
    }
    CHECK_STATUS(status, 0);
    shared->pid = (uint32_t)neap_process_pid(process);
    sleep_for_ever();
}


static bool has_ended(pid_t pid, int *ret_status)
{
    return waitpid(pid, ret_status, WNOHANG) == pid;
}


TEST(child_in_a_pid_namespace_dies_with_its_parent)
{
    begin();
    int status = 0;
    pid_t parent = test_fork(fork_into_namespace, NULL);
    WAIT_UNTIL((shared->pid && shared->other) || has_ended(parent, &status));
    if (status)
        test_skip("a PID namespace needs privileges");
    test_kill(parent);
    CHECK_INT(test_wait((pid_t)shared->pid), -SIGKILL);
}
