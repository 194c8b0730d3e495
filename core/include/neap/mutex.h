/**
 * Mutexes between processes, that outlive their owner.
 *
 * The owner is a thread. When it dies inside its critical section the next
 * one to lock gets the mutex and NEAP_ABANDONED: what the section protected may
 * be half-changed, and only the caller can tell. (What neap's own objects hold
 * is always whole.) So is everybody after it told, until one says that all is
 * well again: neap_mutex_repaired. A thread may hold 30 of a heap's mutexes at
 * once.
 *
 *  plain      locking it twice from one thread is -EDEADLK.
 *  recursive  its owner may lock it again, and unlocks it as often.
 */
#ifndef NEAP_MUTEX_H
#define NEAP_MUTEX_H

#include "neap/heap.h"

typedef struct neap_mutex neap_mutex;

typedef enum neap_mutex_kind {
    NEAP_MUTEX_ANY = 0, /* when opening: whatever is there, else plain */
    NEAP_MUTEX_PLAIN = 1,
    NEAP_MUTEX_RECURSIVE = 2
} neap_mutex_kind;

/** Open the mutex of that name, or make it, unlocked and plain.
 * @return 0; NEAP_CREATED; NEAP_ETYPE; -EINVAL; -ENOSPC; -EACCES. */
NEAP_API NEAP_MUST_CHECK
int neap_mutex_open(neap_heap *heap, const char *name, neap_mutex **ret_mutex);

/** The same for one of that kind. NEAP_ETYPE if it is of the other. */
NEAP_API NEAP_MUST_CHECK
int neap_mutex_open_kind(neap_heap *heap, const char *name,
                         neap_mutex_kind kind, neap_mutex **ret_mutex);

/** NULL is fine. A mutex that this thread holds stays held. */
NEAP_API void neap_mutex_close(neap_mutex *mutex);

NEAP_API const char *neap_mutex_name(neap_mutex *mutex);
NEAP_API neap_mutex_kind neap_mutex_kind_of(neap_mutex *mutex);

/**
 * Lock it.
 *
 * Blocks: until it is free or `deadline`. Crash: of the owner frees it.
 * Signals: -EINTR, not locked. Fork: the child does not own what the parent
 * locked.
 *
 * @return 0; NEAP_ABANDONED, locked too; -ETIMEDOUT (-EBUSY with NEAP_NOW);
 * -EINTR; -EDEADLK it is plain, and this thread has it; -EIDRM dropped; -EAGAIN
 * too many held; NEAP_ESLOTS.
 */
NEAP_API NEAP_MUST_CHECK
int neap_mutex_lock(neap_mutex *mutex, int64_t deadline);

/** Unlock it: a recursive one, once. @return 0; -EPERM this thread does not
 * have it. */
NEAP_API int neap_mutex_unlock(neap_mutex *mutex);

/**
 * Say that what the mutex protects is whole, though an owner died inside: the
 * next to lock is told nothing any more. For its owner, and no harm when there
 * is nothing to repair. Crash: said or not. @return 0; -EPERM this thread does
 * not have it.
 */
NEAP_API int neap_mutex_repaired(neap_mutex *mutex);

/** The pid of an owner that died inside, of which nobody has said yet that it
 * is repaired; 0 none. @return 0; -EIDRM. */
NEAP_API NEAP_MUST_CHECK
int neap_mutex_abandoned(neap_mutex *mutex, int32_t *ret_pid);

/** @return 1 this thread has it; 0 not. */
NEAP_API int neap_mutex_mine(neap_mutex *mutex);

/** Who has it: the pid, 0 nobody. @return 0; -EIDRM. */
NEAP_API NEAP_MUST_CHECK
int neap_mutex_holder(neap_mutex *mutex, int32_t *ret_pid);

#endif
