/**
 * Condition variables between processes.
 *
 * A waiter that dies with a notification in its hand passes it on: everybody is
 * then woken. So a wait may end without a notification meant for it, and the
 * caller looks at its predicate again, as with any condition variable.
 */
#ifndef NEAP_CONDITION_H
#define NEAP_CONDITION_H

#include "neap/mutex.h"

typedef struct neap_condition neap_condition;

/** Open the condition of that name, or make it.
 * @return 0; NEAP_CREATED; NEAP_ETYPE; -EINVAL; -ENOSPC. */
NEAP_API NEAP_MUST_CHECK
int neap_condition_open(neap_heap *heap, const char *name,
                        neap_condition **ret_condition);
/** NULL is fine. */
NEAP_API void neap_condition_close(neap_condition *condition);
NEAP_API const char *neap_condition_name(neap_condition *condition);

/**
 * Unlock the mutex, wait for a notification, lock the mutex again. Whatever it
 * returns but -EPERM, -EINVAL and NEAP_ECORRUPT, the mutex is locked.
 *
 * Blocks: until notified or `deadline`, then for the mutex. Crash: of a waiter
 * wakes the others. Signals: -EINTR. Fork: the child does not own the mutex.
 *
 * @return 0 notified; NEAP_ABANDONED the mutex's last owner died holding it,
 * whether notified or not; -ETIMEDOUT; -EINTR; -EIDRM dropped; -EPERM this
 * thread does not hold the mutex; -EINVAL a mutex of another heap.
 */
NEAP_API NEAP_MUST_CHECK
int neap_condition_wait(neap_condition *condition, neap_mutex *mutex,
                        int64_t deadline);

/** Wake up to n of those who wait; INT32_MAX all. Best called with the mutex
 * held. @return 0; -EINVAL n less than 1; -EIDRM. */
NEAP_API int neap_condition_notify(neap_condition *condition, int64_t n);

#endif
