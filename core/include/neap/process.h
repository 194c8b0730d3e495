/**
 * Processes: fork a worker, wait for it, take what it answers.
 *
 * A child is killed when its parent dies, its answer travels through a
 * channel of its own, and stdio buffers are flushed before the fork so that
 * nothing is printed twice. A child ends with neap_process_exit, which runs no
 * atexit handler and no destructor that belongs to the parent.
 *
 * Who may do what at the same time: a handle may be waited for, asked and
 * signalled by several threads at once; its close excludes all else.
 *
 * What a fork leaves behind. In a child, and in whatever else the process
 * forks, handles made before are memory and nothing more: closing them touches
 * no process, waiting for them is -ECHILD. Their descriptors are closed there.
 *
 * Orphans. A child dies with its parent *process*; the thread that forked it
 * may end before. Two limits: a child forked by the main thread dies too when
 * that thread alone ends, by pthread_exit; and a child that runs a program of
 * other privileges (set-user-ID) is let go by the kernel.
 *
 * SIGCHLD. The library installs no handler and needs none. A program that
 * ignores SIGCHLD, or that reaps every child it finds (waitpid(-1)), takes the
 * exit status away from here: waits then end as they should, with -ECHILD.
 *
 * Descriptors. A running child costs its parent two, one more if another
 * thread than the main one forked it. All are closed on exec.
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
 * Stdio is flushed first; a thread of yours that is asleep in a read of stdin
 * holds that stream, and the fork waits for it.
 *
 * Blocks: no. Crash: of the parent kills the child. Signals: none.
 * Fork: the child is one, and has no handle of its own.
 *
 * @return 0 in the parent, with *ret_process; NEAP_CHILD in the child, with
 * *ret_process NULL; -EAGAIN; -ENOMEM; -EMFILE.
 */
NEAP_API NEAP_MUST_CHECK
int neap_process_fork(neap_process **ret_process);

/** In the child: send the answer; a second call adds to it. One thread at a
 * time. Waits while the parent does not listen and much was sent.
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

/** @return 1 running; 0 ended, or not a child of this process. */
NEAP_API int neap_process_alive(neap_process *process);

/** Send a signal; one that ended is left in peace. @return 0; -EINVAL; -EPERM;
 * -ECHILD not a child of this process. */
NEAP_API int neap_process_kill(neap_process *process, int signal);

/**
 * Wait for its end; again after that answers at once. Reads the answer
 * meanwhile, so that a large one cannot block the child. `ret_exit` may be
 * NULL.
 *
 * Blocks: until it ends or `deadline`. Crash: none to care for.
 * Signals: -EINTR, ask again; SIGCHLD does not interrupt. Fork: the parent
 * alone may wait.
 *
 * @return 0; -ETIMEDOUT; -EINTR; -ECHILD someone else took its status, or it is
 * no child of this process; -ENOMEM it ended, and its answer did not fit.
 */
NEAP_API NEAP_MUST_CHECK
int neap_process_wait(neap_process *process, int64_t deadline,
                      neap_exit *ret_exit);

/** What it answered so far; whole after wait. Belongs to the handle, and stays
 * where it is once the process has ended. Never NULL. */
NEAP_API const void *neap_process_answered(neap_process *process,
                                           size_t *ret_length);

/** Drop the handle; NULL is fine. A process still running is killed and waited
 * for: nothing of neap leaves zombies or orphans. */
NEAP_API void neap_process_close(neap_process *process);

/** "SIGKILL" for 9 and so on; "signal 77" for what has no name. Valid until
 * the thread asks for another one. Never NULL. */
NEAP_API const char *neap_signal_name(int signal);

#endif
