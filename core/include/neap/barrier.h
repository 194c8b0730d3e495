/**
 * Barriers between processes.
 *
 * A party that dies while it waits breaks the barrier: everybody's wait then
 * ends with NEAP_EBROKEN, as threading.Barrier's does, until it is reset.
 */
#ifndef NEAP_BARRIER_H
#define NEAP_BARRIER_H

#include "neap/heap.h"

typedef struct neap_barrier neap_barrier;

/** Open the barrier of that name, or make it for `parties` (1 to 65535; ignored
 * when it is there; 0 it must be there). @return 0; NEAP_CREATED; NEAP_ETYPE;
 * -EINVAL; -ENOENT; -ENOSPC. */
NEAP_API NEAP_MUST_CHECK
int neap_barrier_open(neap_heap *heap, const char *name, int64_t parties,
                      neap_barrier **ret_barrier);
/** NULL is fine. */
NEAP_API void neap_barrier_close(neap_barrier *barrier);
NEAP_API const char *neap_barrier_name(neap_barrier *barrier);

/**
 * Wait until as many as there are parties wait. *ret_place is a number from 0
 * on, another one for each party, the last to come having 0.
 *
 * Blocks: until then or `deadline`. Crash: breaks it. Signals: -EINTR breaks
 * it, as a time-out does: the others would wait for nobody. Fork: the child is
 * no party.
 *
 * @return 0; NEAP_EBROKEN; -ETIMEDOUT; -EINTR; -EIDRM; -EAGAIN; NEAP_ESLOTS.
 */
NEAP_API NEAP_MUST_CHECK
int neap_barrier_wait(neap_barrier *barrier, int64_t deadline,
                      int64_t *ret_place);

/** Break it: who waits, and who comes, gets NEAP_EBROKEN. @return 0; -EIDRM. */
NEAP_API int neap_barrier_abort(neap_barrier *barrier);
/** Make it whole and empty; who waits gets NEAP_EBROKEN. @return 0; -EIDRM. */
NEAP_API int neap_barrier_reset(neap_barrier *barrier);

/** Any of the out-parameters may be NULL. @return 0; -EIDRM. */
NEAP_API NEAP_MUST_CHECK
int neap_barrier_status(neap_barrier *barrier, int64_t *ret_parties,
                        int64_t *ret_waiting, bool *ret_broken);

#endif
