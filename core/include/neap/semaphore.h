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

/** NULL is fine. */
NEAP_API void neap_semaphore_close(neap_semaphore *semaphore);

NEAP_API const char *neap_semaphore_name(neap_semaphore *semaphore);
NEAP_API neap_semaphore_kind neap_semaphore_kind_of(neap_semaphore *semaphore);

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
 * -EOVERFLOW beyond NEAP_SEMAPHORE_MAX; -EIDRM. */
NEAP_API int neap_semaphore_release(neap_semaphore *semaphore);

/** How many permits are there now. @return 0; -EIDRM. */
NEAP_API NEAP_MUST_CHECK
int neap_semaphore_get(neap_semaphore *semaphore, int64_t *ret_value);

#endif
