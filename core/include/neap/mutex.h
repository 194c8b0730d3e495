/**
 * Mutexes between processes, that outlive their owner.
 *
 * The owner is a thread. When it dies inside its critical section the next
 * one to lock gets the mutex and NEAP_ABANDONED: what the section protected may
 * be half-changed, and only the caller can tell. (What neap's own objects hold
 * is always whole.) A thread may hold 30 of a heap's mutexes at once.
 */
#ifndef NEAP_MUTEX_H
#define NEAP_MUTEX_H

#include "neap/heap.h"

typedef struct neap_mutex neap_mutex;

/** Open the mutex of that name, or make it, unlocked.
 * @return 0; NEAP_CREATED; NEAP_ETYPE; -EINVAL; -ENOSPC; -EACCES. */
NEAP_API NEAP_MUST_CHECK
int neap_mutex_open(neap_heap *heap, const char *name, neap_mutex **ret_mutex);

/** NULL is fine. A mutex that this thread holds stays held. */
NEAP_API void neap_mutex_close(neap_mutex *mutex);

NEAP_API const char *neap_mutex_name(neap_mutex *mutex);

/**
 * Lock it.
 *
 * Blocks: until it is free or `deadline`. Crash: of the owner frees it.
 * Signals: -EINTR, not locked. Fork: the child does not own what the parent
 * locked.
 *
 * @return 0; NEAP_ABANDONED, locked too; -ETIMEDOUT (-EBUSY with NEAP_NOW);
 * -EINTR; -EDEADLK this thread has it; -EIDRM dropped; -EAGAIN too many held;
 * NEAP_ESLOTS.
 */
NEAP_API NEAP_MUST_CHECK
int neap_mutex_lock(neap_mutex *mutex, int64_t deadline);

/** Unlock it. @return 0; -EPERM this thread does not have it. */
NEAP_API int neap_mutex_unlock(neap_mutex *mutex);

/** @return 1 this thread has it; 0 not. */
NEAP_API int neap_mutex_mine(neap_mutex *mutex);

/** Who has it: the pid, 0 nobody. @return 0; -EIDRM. */
NEAP_API NEAP_MUST_CHECK
int neap_mutex_holder(neap_mutex *mutex, int32_t *ret_pid);

#endif
