/**
 * Locks for many readers or one writer, between processes.
 *
 * Writers go before readers that come later; readers that had to wait go before
 * the next writer. A lock held for reading cannot become one for writing: that
 * is -EDEADLK, for two who try would wait for each other.
 */
#ifndef NEAP_RWLOCK_H
#define NEAP_RWLOCK_H

#include "neap/heap.h"

typedef struct neap_rwlock neap_rwlock;

/** Open the lock of that name, or make it. @return 0; NEAP_CREATED;
 * NEAP_ETYPE; -EINVAL; -ENOSPC. */
NEAP_API NEAP_MUST_CHECK
int neap_rwlock_open(neap_heap *heap, const char *name,
                     neap_rwlock **ret_rwlock);
/** NULL is fine. */
NEAP_API void neap_rwlock_close(neap_rwlock *rwlock);
NEAP_API const char *neap_rwlock_name(neap_rwlock *rwlock);

/**
 * Lock it for reading, or for writing.
 *
 * Blocks: until it is had or `deadline`. Crash: of a holder frees what it held;
 * the next one to write is told if it was a writer. Signals: -EINTR, not
 * locked. Fork: the child holds nothing.
 *
 * @return 0; NEAP_ABANDONED (writing) locked too; -ETIMEDOUT (-EBUSY with
 * NEAP_NOW); -EINTR; -EDEADLK this thread holds it already; -EIDRM; -EAGAIN too
 * many held; NEAP_ESLOTS.
 */
NEAP_API NEAP_MUST_CHECK
int neap_rwlock_read(neap_rwlock *rwlock, int64_t deadline);
NEAP_API NEAP_MUST_CHECK
int neap_rwlock_write(neap_rwlock *rwlock, int64_t deadline);

/** Give back what this thread holds. @return 0; -EPERM it holds nothing. */
NEAP_API int neap_rwlock_unlock(neap_rwlock *rwlock);

/** As neap_mutex_repaired and neap_mutex_abandoned, for the writer. */
NEAP_API int neap_rwlock_repaired(neap_rwlock *rwlock);
NEAP_API NEAP_MUST_CHECK
int neap_rwlock_abandoned(neap_rwlock *rwlock, int32_t *ret_pid);

/** @return 2 this thread holds it for writing; 1 for reading; 0 not. */
NEAP_API int neap_rwlock_mine(neap_rwlock *rwlock);

#endif
