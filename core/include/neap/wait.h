/**
 * Waiting for whichever of several objects comes first.
 *
 *  event      until it is set
 *  latch      until nothing is left
 *  semaphore  until there is a permit, which is acquired
 *  mutex      until it is free, and then it is locked
 *
 * Of those that can be had at the same time the first one in the list is taken,
 * and nothing of the others. They may lie in different heaps.
 */
#ifndef NEAP_WAIT_ANY_H
#define NEAP_WAIT_ANY_H

#include "neap/heap.h"

#define NEAP_SPIN_AUTO (-1)
#define NEAP_SPIN_MOST 1000000

/**
 * How long a handle's waits look again and again before they sleep, in
 * microseconds: NEAP_SPIN_AUTO, as at first, as long as has been worth it for
 * the object of late, none where there is one processor; 0, for who would
 * rather not use the processor; at most NEAP_SPIN_MOST. To be woken takes some
 * ten to fifty microseconds. (The readers of an rwlock, and who waits for them,
 * sleep at once; wait_any does as its first object says.) `object` is the
 * handle of a mutex, semaphore, event, latch, condition, rwlock, barrier or
 * once. @return 0; -EINVAL.
 */
NEAP_API int neap_set_spin(void *object, int64_t microseconds);

#define NEAP_WAIT_MAX 64 /* objects at once */

/**
 * Wait for one of `count` objects: pointers to neap_event, neap_latch,
 * neap_semaphore, neap_mutex, in any mixture.
 *
 * Blocks: until one can be had or `deadline`. Crash: changes nothing, or one
 * was taken as its own call takes it; a wake that was another's is passed on.
 * Signals: -EINTR, nothing taken. Fork: both may wait.
 *
 * @return 0, with *ret_index counted from 0; NEAP_ABANDONED likewise, of a
 * mutex; -ETIMEDOUT (-EBUSY with NEAP_NOW); -EINTR; -EIDRM one was dropped;
 * -EDEADLK this thread has that mutex, or (if the heap was opened for that) all
 * are mutexes of one heap whose owners wait for this thread or for each other;
 * -EINVAL none, too many, or an object of another kind; as the object's own
 * call.
 */
NEAP_API NEAP_MUST_CHECK
int neap_wait_any(void *const objects[], size_t count, int64_t deadline,
                  size_t *ret_index);

#endif
