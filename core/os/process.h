/*
 * Processes, as the system sees them: what core/work needs of it.
 *
 * As in os.h, functions return 0 or more, or -errno, and write no error text.
 * All but neap__process_tie are for the parent.
 */
#ifndef NEAP_OS_PROCESS_H
#define NEAP_OS_PROCESS_H

#include <poll.h>
#include <sys/types.h>

#include "base/base.h"
#include "neap/process.h"

/* A descriptor, closed on exec, that becomes readable when `pid` ends. */
int neap__pidfd_open(pid_t pid);

/* Signal it. @return 0, for one that ended too; -EINVAL; -EPERM. */
int neap__pidfd_kill(int pidfd, int signal);

/*
 * Ask without waiting, and reap.
 * @return 1 ended, with *ret_exit; 0 runs; -ECHILD ended and its status is
 * lost: the program ignores SIGCHLD, or waits for children of others.
 */
int neap__pidfd_reap(int pidfd, neap_exit *ret_exit);

/*
 * Wait until one of the descriptors is ready. SIGCHLD does not interrupt: the
 * end of a child is what the caller waits for, and pidfds tell it.
 * @return how many are ready; 0 none, and it is time to look at what else may
 * have come; -ETIMEDOUT; -EINTR.
 */
int neap__poll(struct pollfd *fds, nfds_t count, int64_t deadline);

/*
 * What ties a child to the life of its parent: see process.c. Open it in the
 * parent before the fork; the lifeline is -1 where none is needed.
 */
struct neap__lifeline {
    int parent_end; /* kept open by the parent, by nobody else */
    int child_end;  /* kept open by the child */
};

int neap__lifeline_open(struct neap__lifeline *lifeline);

/*
 * In the child: die when the parent does; at once if it already has. `parent`
 * is a pidfd of the parent, opened by the parent. The child has closed
 * its copy of the lifeline's parent end.
 */
int neap__lifeline_tie(const struct neap__lifeline *lifeline, int parent);

/* Close *fd if it is open, and make it -1. Keeps errno. */
void neap__close(int *fd);

#endif
