/**
 * Once: something is done exactly once among all processes.
 *
 *     if (neap_once_begin(once, NEAP_FOREVER) == NEAP_MORE) {
 *         ... do it ...
 *         neap_once_end(once, true);
 *     }
 *
 * If whoever does it dies half-way, the next one to begin does it again.
 */
#ifndef NEAP_ONCE_H
#define NEAP_ONCE_H

#include "neap/heap.h"

typedef struct neap_once neap_once;

/** @return 0; NEAP_CREATED; NEAP_ETYPE; -EINVAL; -ENOSPC. */
NEAP_API NEAP_MUST_CHECK
int neap_once_open(neap_heap *heap, const char *name, neap_once **ret_once);
/** NULL is fine. */
NEAP_API void neap_once_close(neap_once *once);
NEAP_API const char *neap_once_name(neap_once *once);

/**
 * Wait until it is done, or be the one to do it.
 *
 * Blocks: while another one does it, or until `deadline`. Crash: of the doer
 * lets another one do it. Signals: -EINTR. Fork: the child is not the doer.
 *
 * @return 0 it is done; NEAP_MORE do it, then call end; -ETIMEDOUT (-EBUSY);
 * -EINTR; -EDEADLK this thread is doing it; -EIDRM; -EAGAIN; NEAP_ESLOTS.
 */
NEAP_API NEAP_MUST_CHECK
int neap_once_begin(neap_once *once, int64_t deadline);

/** The doer has `done` it, or gives up and lets another one.
 * @return 0; -EPERM this thread is not doing it. */
NEAP_API int neap_once_end(neap_once *once, bool done);

/** @return 1 it is done; 0 not; -EIDRM. */
NEAP_API NEAP_MUST_CHECK
int neap_once_is_done(neap_once *once);

#endif
