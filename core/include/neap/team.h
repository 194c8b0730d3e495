/**
 * Teams: n workers that run the same function and share out work.
 *
 * The parent makes a team, starts the workers, and takes events until all have
 * ended. A worker asks for its ranges; the k-th range that it opens is the
 * same for every worker of the team, and each index of it goes to one of them.
 * neap_run() is all of that in one call, for C.
 *
 * Who may do what at the same time: a team, and a range, is for one thread at a
 * time; neap_team_progress, and neap_process_kill of a worker, for any.
 * A worker may make teams of its own.
 */
#ifndef NEAP_TEAM_H
#define NEAP_TEAM_H

#include "neap/process.h"

typedef struct neap_team neap_team;
typedef struct neap_range neap_range;

#define NEAP_TEAM_MAX 1024

/** @return 0; -EINVAL not 1 to NEAP_TEAM_MAX workers; -ENOMEM. */
NEAP_API NEAP_MUST_CHECK
int neap_team_create(uint32_t workers, neap_team **ret_team);

/** Start worker `index` (from 0), once. @return as neap_process_fork; -EINVAL
 * no such index; -EEXIST started before; -EPERM not in the process that made
 * the team. In the child the team handle is good for ranges. */
NEAP_API NEAP_MUST_CHECK
int neap_team_fork(neap_team *team, uint32_t index);

NEAP_API uint32_t neap_team_workers(neap_team *team);

/** The worker's process, for kill and answered; it belongs to the team. NULL if
 * not started, and in a worker. */
NEAP_API neap_process *neap_team_process(neap_team *team, uint32_t index);

/**
 * In the parent: the next worker that ended, each told once. Reads the answers
 * of all meanwhile.
 *
 * Blocks: until one ends or `deadline`. Crash: that of a worker is its end.
 * Signals: -EINTR, ask again; SIGCHLD does not interrupt. Fork: the parent
 * alone may ask.
 *
 * @return NEAP_MORE with *ret_index and *ret_exit; 0 when all have been told;
 * -ETIMEDOUT; -EINTR; -EPERM not the parent; -ECHILD, -ENOMEM as
 * neap_process_wait, of worker *ret_index, which counts as told.
 */
NEAP_API NEAP_MUST_CHECK
int neap_team_next(neap_team *team, int64_t deadline, uint32_t *ret_index,
                   neap_exit *ret_exit);

/** Ask every running worker to end (SIGTERM, and SIGCONT so that a stopped one
 * hears it), after `grace` nanoseconds make it (SIGKILL), and wait. Signals do
 * not interrupt it. Zero makes it at once. @return 0; -EPERM not the parent. */
NEAP_API int neap_team_stop(neap_team *team, int64_t grace);

/** How far its ranges are: indices handed out, and in all, over all ranges
 * opened so far. */
NEAP_API void neap_team_progress(neap_team *team, uint64_t *ret_done,
                                 uint64_t *ret_total);

/** NULL is fine. In the parent: stops what still runs, at once. Ranges of the
 * team are closed before. */
NEAP_API void neap_team_close(neap_team *team);

/**
 * In a worker: open the next range: first, first + step, ... up to and with
 * `last` if the steps meet it. `chunk` is how many indices are taken at a
 * time; 0 chooses (large at first, one by one towards the end).
 *
 * Blocks: never. Crash: a worker that dies here has opened it or has not; the
 * others go on. Signals: none. Fork: what a worker forks opens none.
 *
 * @return 0; -EINVAL step 0; -EPROTO another worker opened its range of this
 * number with other bounds; -ENOSPC more than 256 ranges in a run; -EPERM not
 * in a worker of this team.
 */
NEAP_API NEAP_MUST_CHECK
int neap_range_open(neap_team *team, int64_t first, int64_t last, int64_t step,
                    uint64_t chunk, neap_range **ret_range);

/** The next index for this worker. Blocks: never. Crash: an index taken by a
 * worker that dies is not handed out again. @return NEAP_MORE; 0 at the end. */
NEAP_API NEAP_MUST_CHECK
int neap_range_next(neap_range *range, int64_t *ret_index);

/** NULL is fine. */
NEAP_API void neap_range_close(neap_range *range);

/** What neap_run passes to the function. */
typedef struct neap_worker {
    uint32_t id;      /* from 0 */
    uint32_t workers; /* of the team */
    neap_team *team;  /* for ranges */
} neap_worker;

/**
 * Fork n workers, run `function` in each, wait for all. A worker that answers
 * other than 0 or is killed stops the others.
 *
 * Blocks: until all have ended. Crash: of the caller kills the workers.
 * Signals: -EINTR, all workers stopped. Fork: workers may run teams too.
 *
 * @return 0; NEAP_EWORKER a worker returned another value than 0 (the text has
 * its id, the value and, if it is a status, its text); NEAP_EKILLED one was
 * killed (the text has its id, pid and signal); -EINTR; -EINVAL; -EAGAIN;
 * -ENOMEM; -EMFILE; -ECHILD.
 */
NEAP_API NEAP_MUST_CHECK
int neap_run(uint32_t workers,
             int (*function)(neap_worker *worker, void *argument),
             void *argument);

#endif
