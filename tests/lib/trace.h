/*
 * Following a process, and those that it forks, from call to call of the kernel
 * by ptrace(2): each call is a point before it and one after it, at which the
 * process may be killed, and before which the call may be refused.
 */
#ifndef NEAP_TEST_TRACE_H
#define NEAP_TEST_TRACE_H

#include <stdbool.h>
#include <sys/types.h>

struct trace_point {
    pid_t pid;
    bool before; /* the call is to be made, else it was */
    long call;   /* its number, SYS_...; -1 after it */
};

enum { TRACE_GO_ON = 0, TRACE_KILL = -1 }; /* above 0: refuse it, with this errno */

typedef int trace_judge(const struct trace_point *point, void *argument);

/*
 * Fork a child that runs `run` and exits with 0, and ask at each point what is
 * to happen.
 * @return what wait(2) said of the child; of those that were killed SIGKILL.
 */
int test_trace(void (*run)(void), trace_judge *judge, void *argument);

/* Whether calls can be refused on this processor. */
bool test_trace_can_refuse(void);

#endif
