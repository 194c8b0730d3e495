/*
 * Deaths in the pause of a checkpoint: the process that makes all others stand
 * still is killed before and after each call of the kernel by which it changes
 * anything. Whoever stood still goes on, the old checkpoint or the new one is
 * whole, and the next one can be taken.
 *
 *     the test      has the heap, is made to stand still
 *     a writer      has it, too, and counts without end
 *     a watcher     has it no more, and traces the helper
 *     the caller    takes the checkpoint, and forks the helper
 *
 * A call that only reads, or waits, changes nothing: a death before it is the
 * one after the call before. So those are no points.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "heaps.h"
#include "lib/harness.h"
#include "memory/memory.h"

enum { FINISHED = 10, KILLED = 11, WRONG = 12 };

typedef void work(void);

static neap_heap *heap;
static neap_counter *turns;
static pid_t writer;
static char path[300];


/* -- the others ------------------------------------------------------------ */

static void begin(void)
{
    snprintf(path, sizeof path, "%s", test_path("night.ckpt"));
    heap = make_heap(NULL);
    turns = open_counter(heap, "turns");
    CHECK_STATUS(neap_heap_checkpoint(heap, path, NULL, NULL), 0);
    writer = fork();
    if (writer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            CHECK_STATUS(neap_counter_add(turns, 1), 0);
    }
    CHECK(writer > 0);
}


static void end(void)
{
    kill(writer, SIGKILL);
    CHECK(waitpid(writer, NULL, 0) == writer);
    neap_counter_close(turns);
    unlink(path);
    CHECK(neap__birth_sweep(test_tmpdir()) >= 0); /* as the next birth does */
    end_heap(heap);
}


static void check_writer_goes_on(void)
{
    int64_t before = count_in(turns);
    int64_t deadline = neap_deadline_after(10 * INT64_C(1000000000));
    while (count_in(turns) == before)
        if (neap_now() >= deadline)
            FAIL("the writer stands still for ever");
}


static void check_image(void)
{
    neap_heap *restored;
    CHECK_STATUS(neap_restore(path, NULL, NULL, &restored), NEAP_CREATED);
    check_sound(restored);
    neap_heap_close(restored);
}


/* -- the watcher ----------------------------------------------------------- */

static bool changes_something(const struct __ptrace_syscall_info *info)
{
    switch (info->entry.nr) {
    case SYS_read: case SYS_pread64: case SYS_close: case SYS_getdents64:
    case SYS_lseek: case SYS_fstat: case SYS_newfstatat: case SYS_readlinkat:
    case SYS_nanosleep: case SYS_clock_nanosleep: case SYS_wait4:
    case SYS_getpid: case SYS_futex:
        return false;
    case SYS_openat:
        return ((int)info->entry.args[2] & O_ACCMODE) != O_RDONLY;
    default:
        return true;
    }
}


/* The beginning or the end of such a call. An end tells no number. */
static bool is_point(pid_t pid)
{
    static bool began;
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info) <= 0)
        return false;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
        return began = changes_something(&info);
    return info.op == PTRACE_SYSCALL_INFO_EXIT && began;
}


static void go_on(pid_t pid, int status)
{
    int number = WSTOPSIG(status);
    bool of_trace = status >> 16 || number == (SIGTRAP | 0x80);
    ptrace(PTRACE_SYSCALL, pid, NULL,
           (void *)(uintptr_t)(of_trace ? 0u : (unsigned)number));
}


/* The caller has forked the helper, and is to be stopped by that one alone. */
static pid_t follow_helper(pid_t caller)
{
    unsigned long helper = 0;
    ptrace(PTRACE_GETEVENTMSG, caller, NULL, &helper);
    ptrace(PTRACE_DETACH, caller, NULL, NULL);
    return (pid_t)helper;
}


/* @return FINISHED if there is no k-th point. */
static int watch(pid_t caller, long k)
{
    pid_t pid, helper = 0;
    int status, result = FINISHED;
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        if (pid == caller && !WIFSTOPPED(status) && status != 0)
            return WRONG;
        if (!WIFSTOPPED(status))
            continue;
        if (pid == caller && status >> 16 == PTRACE_EVENT_FORK) {
            helper = follow_helper(caller);
            continue;
        }
        if (WSTOPSIG(status) == (SIGTRAP | 0x80) && is_point(pid) &&
            --k == 0) {
            result = KILLED;
            kill(helper, SIGKILL);
            continue;
        }
        go_on(pid, status);
    }
    return result;
}


static pid_t fork_caller(work *run, int begin_now)
{
    pid_t caller = fork();
    if (caller == 0) {
        char byte;
        if (read(begin_now, &byte, 1) == 1)
            run();
        _exit(0);
    }
    return caller;
}


/* In a process of its own. @return its answer. */
static int watch_apart(work *run, long k)
{
    int ends[2], status;
    CHECK(pipe(ends) == 0);
    pid_t watcher = fork();
    if (watcher == 0) {
        pid_t caller = fork_caller(run, ends[0]);
        neap_counter_close(turns);
        neap_heap_close(heap);
        long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
                       PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
        if (ptrace(PTRACE_SEIZE, caller, NULL, (void *)options) < 0 ||
            write(ends[1], "", 1) != 1)
            _exit(WRONG);
        _exit(watch(caller, k));
    }
    close(ends[0]);
    close(ends[1]);
    CHECK(waitpid(watcher, &status, 0) == watcher && WIFEXITED(status));
    return WEXITSTATUS(status);
}


static void enumerate(work *run)
{
    if (TEST_UNDER_ASAN || TEST_UNDER_TSAN)
        test_skip("a sanitizer makes calls of its own");
    int answer = KILLED;
    long k = 0;
    while (answer == KILLED) {
        answer = watch_apart(run, ++k);
        CHECK(answer == FINISHED || answer == KILLED);
        check_writer_goes_on();
        check_image();
    }
    printf("%ld points\n", k - 1);
    CHECK(k > 3); /* it was there, and was enumerated */
}


/* -- the tests ------------------------------------------------------------- */

static void take(void)
{
    neap_checkpoint_report report = {0};
    int status = neap_heap_checkpoint(heap, path, NULL, &report);
    if (status < 0 && status != -EIO)
        _exit(1);
    if (status == 0 && report.stopped < 3) /* the test, the writer, itself */
        _exit(2);
}


TEST_WITHIN(who_makes_all_stand_still_dies_at_any_call, 240)
{
    begin();
    enumerate(take);
    CHECK_STATUS(neap_heap_checkpoint(heap, path, NULL, NULL), 0);
    end();
}


/* As it would be without ptrace and without a guardian. */
static void stop_by_hand(void)
{
    pid_t helper = fork();
    if (helper == 0) {
        kill(writer, SIGSTOP);
        kill(writer, SIGCONT);
        _exit(0);
    }
    waitpid(helper, NULL, 0);
}


EXPECT_FAIL(who_stops_others_by_hand_leaves_them_so, 60,
            "stands still for ever")
{
    if (TEST_UNDER_ASAN || TEST_UNDER_TSAN)
        FAIL("stands still for ever: not looked for here");
    begin();
    enumerate(stop_by_hand);
    end();
}
