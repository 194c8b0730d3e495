/* Points of a process, see trace.h. */
#include "lib/trace.h"

#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "lib/harness.h"

enum { REFUSED_MOST = 8, TRACED_MOST = 64 };

struct tracing {
    trace_judge *judge;
    void *argument;
    struct refused { /* told when the call would have returned */
        pid_t pid;
        int number;
    } refused[REFUSED_MOST];
    pid_t traced[TRACED_MOST]; /* that live; 0 a free place */
};


static pid_t *find_traced(struct tracing *t, pid_t pid)
{
    for (int i = 0; i < TRACED_MOST; i++)
        if (t->traced[i] == pid)
            return &t->traced[i];
    return NULL;
}


static void add_traced(struct tracing *t, pid_t pid)
{
    if (find_traced(t, pid))
        return;
    pid_t *place = find_traced(t, 0);
    CHECK(place);
    *place = pid;
}


static bool any_traced(const struct tracing *t)
{
    for (int i = 0; i < TRACED_MOST; i++)
        if (t->traced[i])
            return true;
    return false;
}


static void forget_traced(struct tracing *t, pid_t pid)
{
    pid_t *place = find_traced(t, pid);
    if (place)
        *place = 0;
}


/* It may stop before we are told of the fork. */
static void note_fork(struct tracing *t, pid_t pid, int status)
{
    unsigned long made = 0;
    add_traced(t, pid);
    int event = status >> 16;
    if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
        event == PTRACE_EVENT_CLONE) {
        ptrace(PTRACE_GETEVENTMSG, pid, NULL, &made);
        add_traced(t, (pid_t)made);
    }
}


/* In the child: stand still until the first call is to be made. */
static void live(void (*run)(void))
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    run();
    _exit(0);
}


static void go_on(pid_t pid, int signal_number)
{
    ptrace(PTRACE_SYSCALL, pid, NULL,
           (void *)(uintptr_t)(unsigned)signal_number);
}


/* What a stop was for: a call's beginning or end is a point; other signals are
 * passed on. */
static bool is_point(int status)
{
    return WSTOPSIG(status) == (SIGTRAP | 0x80);
}


static int signal_of(int status)
{
    int number = WSTOPSIG(status);
    return is_point(status) || number == SIGTRAP || number == SIGSTOP ? 0
                                                                      : number;
}


static void bury(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
}


#ifdef __x86_64__
bool test_trace_can_refuse(void)
{
    return true;
}


static void poke(pid_t pid, size_t offset, long value)
{
    CHECK_INT(ptrace(PTRACE_POKEUSER, pid, (void *)offset, (void *)value), 0);
}


static void leave_call_out(pid_t pid)
{
    poke(pid, offsetof(struct user_regs_struct, orig_rax), -1);
}


static void return_from_call(pid_t pid, long value)
{
    poke(pid, offsetof(struct user_regs_struct, rax), value);
}
#else
bool test_trace_can_refuse(void)
{
    return false;
}


static void leave_call_out(pid_t pid)
{
    FAIL("cannot refuse process %d a call on this processor", (int)pid);
}


static void return_from_call(pid_t pid, long value)
{
    FAIL("cannot give process %d %ld", (int)pid, value);
}
#endif


static struct trace_point point_of(pid_t pid)
{
    struct __ptrace_syscall_info info = {0};
    CHECK(ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info) > 0);
    struct trace_point point = {.pid = pid, .call = -1};
    point.before = info.op == PTRACE_SYSCALL_INFO_ENTRY;
    if (point.before)
        point.call = (long)info.entry.nr;
    return point;
}


static void refuse(struct tracing *t, pid_t pid, int number)
{
    for (int i = 0; i < REFUSED_MOST; i++)
        if (!t->refused[i].pid) {
            t->refused[i] = (struct refused){pid, number};
            leave_call_out(pid);
            return;
        }
    FAIL("too many calls are refused at once");
}


static void tell_refused(struct tracing *t, pid_t pid)
{
    for (int i = 0; i < REFUSED_MOST; i++)
        if (t->refused[i].pid == pid) {
            return_from_call(pid, -t->refused[i].number);
            t->refused[i].pid = 0;
        }
}


/* @return whether it is killed. */
static bool at_point(struct tracing *t, pid_t pid)
{
    struct trace_point point = point_of(pid);
    if (!point.before)
        tell_refused(t, pid);
    int verdict = t->judge(&point, t->argument);
    if (verdict == TRACE_KILL) {
        bury(pid);
        forget_traced(t, pid);
    } else if (verdict > 0) {
        refuse(t, pid, verdict);
    }
    return verdict == TRACE_KILL;
}


static pid_t begin(void (*run)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0)
        live(run);
    CHECK(waitpid(child, &status, __WALL) == child && WIFSTOPPED(status));
    ptrace(PTRACE_SETOPTIONS, child, NULL,
           PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK |
               PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE);
    go_on(child, 0);
    return child;
}


int test_trace(void (*run)(void), trace_judge *judge, void *argument)
{
    struct tracing t = {.judge = judge, .argument = argument};
    int status, ended = SIGKILL;
    pid_t child = begin(run), pid;
    add_traced(&t, child);
    while (any_traced(&t) && (pid = waitpid(-1, &status, __WALL)) > 0)
        if (WIFSTOPPED(status)) {
            note_fork(&t, pid, status);
            if (!is_point(status) || !at_point(&t, pid))
                go_on(pid, signal_of(status));
        } else {
            forget_traced(&t, pid);
            ended = pid == child ? status : ended;
        }
    return ended;
}
