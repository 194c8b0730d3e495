/**
 * Processes: fork a worker, wait for it, take what it answers.
 *
 * A child is killed when its parent dies, its answer travels through a pipe,
 * and stdio buffers are flushed before the fork so that nothing is printed
 * twice. A child ends with neap_process_exit, which runs no atexit handler and
 * no destructor that belongs to the parent.
 */
#ifndef NEAP_PROCESS_H
#define NEAP_PROCESS_H

#include "neap/api.h"
#include "neap/status.h"

typedef struct neap_process neap_process;

typedef struct neap_exit {
    int32_t pid;
    int32_t code;   /* exit code, when signal is 0 */
    int32_t signal; /* the signal that killed it, or 0 */
    bool core;      /* it left a core dump */
} neap_exit;

/**
 * Fork.
 *
 * Blocks: no. Crash: of the parent kills the child. Signals: none.
 *
 * @return 0 in the parent, with *ret_process; NEAP_CHILD in the child, with
 * *ret_process NULL; -EAGAIN, -ENOMEM.
 */
NEAP_API NEAP_MUST_CHECK
int neap_process_fork(neap_process **ret_process);

/** In the child: send the answer, once (a second call adds to it).
 * @return 0; -EPIPE the parent no longer listens; -ESRCH not a child. */
NEAP_API NEAP_MUST_CHECK
int neap_process_answer(const void *bytes, size_t length);

/** In the child: flush stdio and end at once. */
NEAP_API
#ifndef SWIG
__attribute__((noreturn))
#endif
void neap_process_exit(int code);

NEAP_API int32_t neap_process_pid(neap_process *process);

/** @return 1 running; 0 ended. */
NEAP_API int neap_process_alive(neap_process *process);

/** Send a signal; one that ended is left in peace. @return 0; -EINVAL. */
NEAP_API int neap_process_kill(neap_process *process, int signal);

/**
 * Wait for its end; again after that answers at once. Reads the answer
 * meanwhile, so that a large one cannot block the child.
 *
 * Blocks: until it ends or `deadline`. Signals: -EINTR, ask again.
 *
 * @return 0; -ETIMEDOUT; -EINTR; -ECHILD someone else took its status.
 */
NEAP_API NEAP_MUST_CHECK
int neap_process_wait(neap_process *process, int64_t deadline,
                      neap_exit *ret_exit);

/** What it answered so far; whole after wait. Belongs to the handle. */
NEAP_API const void *neap_process_answered(neap_process *process,
                                           size_t *ret_length);

/** Drop the handle; NULL is fine. A process still running is killed and waited
 * for: nothing of neap leaves zombies or orphans. */
NEAP_API void neap_process_close(neap_process *process);

/** "SIGKILL" for 9 and so on; "signal 77" for what has no name. */
NEAP_API const char *neap_signal_name(int signal);

#endif
