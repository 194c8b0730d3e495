/**
 * Counting semaphores between processes.
 *
 *  classic  anyone may release; a holder's death changes nothing.
 *  undo     a permit belongs to the thread that acquired it and returns when
 *           that thread ends, by death or otherwise (System V's SEM_UNDO). Only
 *           the holder may release it.
 */
#ifndef NEAP_SEMAPHORE_H
#define NEAP_SEMAPHORE_H

#include "neap/heap.h"

typedef struct neap_semaphore neap_semaphore;

#define NEAP_SEMAPHORE_MAX INT32_MAX

typedef enum neap_semaphore_kind {
    NEAP_SEMAPHORE_ANY = 0, /* when opening: whatever is there, else classic */
    NEAP_SEMAPHORE_CLASSIC = 1,
    NEAP_SEMAPHORE_UNDO = 2
} neap_semaphore_kind;

/** Open the semaphore of that name, or make it with `initial` permits (0 to
 * NEAP_SEMAPHORE_MAX; ignored when it is there).
 * @return 0; NEAP_CREATED; NEAP_ETYPE; -EINVAL; -ENOSPC; -EACCES. */
NEAP_API NEAP_MUST_CHECK
int neap_semaphore_open(neap_heap *heap, const char *name, int64_t initial,
                        neap_semaphore_kind kind,
                        neap_semaphore **ret_semaphore);

/** The same for one that never has more than `bound` permits (1 to
 * NEAP_SEMAPHORE_MAX; 0: whatever is there, else no bound but that).
 * NEAP_ETYPE too if it has another bound; -EINVAL too if `initial` exceeds
 * it. */
NEAP_API NEAP_MUST_CHECK
int neap_semaphore_open_bounded(neap_heap *heap, const char *name,
                                int64_t initial, int64_t bound,
                                neap_semaphore_kind kind,
                                neap_semaphore **ret_semaphore);

/** NULL is fine. */
NEAP_API void neap_semaphore_close(neap_semaphore *semaphore);

NEAP_API const char *neap_semaphore_name(neap_semaphore *semaphore);
NEAP_API neap_semaphore_kind neap_semaphore_kind_of(neap_semaphore *semaphore);
/** 0: none. */
NEAP_API int64_t neap_semaphore_bound(neap_semaphore *semaphore);

/**
 * Take one permit.
 *
 * Blocks: until there is one or `deadline`. Crash: taken or not; with undo it
 * returns. Signals: -EINTR, none taken. Fork: a child holds none of its
 * parent's permits.
 *
 * @return 0; -ETIMEDOUT (-EBUSY with NEAP_NOW); -EINTR; -EIDRM; -EAGAIN this
 * thread holds permits of 32 undo semaphores already; NEAP_ESLOTS.
 */
NEAP_API NEAP_MUST_CHECK
int neap_semaphore_acquire(neap_semaphore *semaphore, int64_t deadline);

/** Give one permit back. @return 0; -EPERM undo, and this thread holds none;
 * -EOVERFLOW beyond its bound or NEAP_SEMAPHORE_MAX; -EIDRM. */
NEAP_API int neap_semaphore_release(neap_semaphore *semaphore);

/**
 * The same for n permits (1 to NEAP_SEMAPHORE_MAX), all at once or none. Who
 * wants many may wait while others, who want fewer, go first.
 * @return as above; -EINVAL n, or more than the bound can ever be.
 */
NEAP_API NEAP_MUST_CHECK
int neap_semaphore_acquire_many(neap_semaphore *semaphore, int64_t n,
                                int64_t deadline);
NEAP_API int neap_semaphore_release_many(neap_semaphore *semaphore, int64_t n);

/** How many permits are there now. @return 0; -EIDRM. */
NEAP_API NEAP_MUST_CHECK
int neap_semaphore_get(neap_semaphore *semaphore, int64_t *ret_value);

#endif
