/**
 * Condition variables between processes.
 *
 * A notification ends as many waits as it says, of those that had begun by
 * then. A waiter that dies with one in its hand passes it on to another, which
 * then finds its predicate as it was: look at it again, as with any condition
 * variable. All who wait use the same mutex.
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
 * returns but -EPERM and NEAP_ECORRUPT, the mutex is locked.
 *
 * Blocks: until notified or `deadline`, then for the mutex. Crash: what a
 * waiter was granted goes to another. Signals: -EINTR. Fork: the child does not
 * own the mutex.
 *
 * @return 0 notified; NEAP_ABANDONED the mutex's last owner died holding it,
 * whether notified or not; -ETIMEDOUT; -EINTR; -EIDRM dropped; -EPERM this
 * thread does not hold the mutex; -EINVAL a mutex of another heap, or not the
 * one with which others wait; -EAGAIN this thread has shares of too many
 * objects.
 */
NEAP_API NEAP_MUST_CHECK
int neap_condition_wait(neap_condition *condition, neap_mutex *mutex,
                        int64_t deadline);

/** What a wait does about the mutex where another thread has it. */
typedef struct neap_condition_stand_in {
    void (*unlock)(void *context);  /* the wait is counted: unlock it */
    bool (*goes_on)(void *context); /* asked some times a second */
    void (*lock)(void *context);    /* returns when it is locked again */
    void *context;
} neap_condition_stand_in;

/**
 * The same in the place of a thread that has the mutex and must not sleep, as
 * that of an event loop: this one, which has not, sleeps for it and says when.
 *
 * Blocks: until notified or `goes_on` says no. Crash: as neap_condition_wait.
 * Signals: none end it. Fork: the callbacks may not.
 *
 * @return 0 notified; -ECANCELED; -EIDRM; -EINVAL; -EAGAIN. Whatever it is,
 * `lock` was called if `unlock` was.
 */
NEAP_API NEAP_MUST_CHECK
int neap_condition_wait_for(neap_condition *condition, neap_mutex *mutex,
                            const neap_condition_stand_in *stand_in);

/** End the waits of n of those who wait, or of all if there are fewer;
 * INT32_MAX all. Best called with the mutex held. Crash: all of it or nothing.
 * @return 0; -EINVAL n less than 1; -EIDRM. */
NEAP_API int neap_condition_notify(neap_condition *condition, int64_t n);

#endif
