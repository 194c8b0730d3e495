/* Processes and threads as /proc shows them, for still.c. */
#ifndef NEAP_OS_PROC_H
#define NEAP_OS_PROC_H

#include <dirent.h>

#include "os/still.h"

/* The threads of a process. @return 1; 0 there is no such process; -errno. */
int neap__proc_threads(pid_t pid, DIR **ret_directory);

/* The next number in a directory of /proc; 0 at the end; -errno. */
pid_t neap__proc_next(DIR *directory);

/* Whether such a failure to look at a process leaves it out: it is gone, or not
 * to be looked at by us. Anything else must not pass for "it has not". */
bool neap__proc_left_out(int error);

/* 'R', 'S', 'D', 'T' stopped, 't' traced, 'Z' ended, 'X' gone; '?' it cannot be
 * told. */
char neap__proc_state(pid_t pid, pid_t tid);

/* Enter the processes that were not there at the last look.
 * @return how many of them have the memory mapped for writing; -errno. */
int neap__proc_look_for_new(struct neap__still *still);

#endif
