/**
 * Events and latches: one-way signals between processes.
 *
 *  event   a flag: set, clear, wait until it is set (threading.Event).
 *  latch   counts down to zero once; whoever waits goes on when it is there.
 *
 * Both survive any death: their state is one word, and whoever changes it
 * announces the wake before the change.
 */
#ifndef NEAP_EVENT_H
#define NEAP_EVENT_H

#include "neap/heap.h"

typedef struct neap_event neap_event;
typedef struct neap_latch neap_latch;

/** Open the event of that name, or make it, not set.
 * @return 0; NEAP_CREATED; NEAP_ETYPE; -EINVAL; -ENOSPC. */
NEAP_API NEAP_MUST_CHECK
int neap_event_open(neap_heap *heap, const char *name, neap_event **ret_event);
/** NULL is fine. */
NEAP_API void neap_event_close(neap_event *event);
NEAP_API const char *neap_event_name(neap_event *event);

/** Set it and wake all who wait. Crash: set or not, and if set all are woken.
 * @return 0; -EIDRM. */
NEAP_API int neap_event_set(neap_event *event);
/** @return 0; -EIDRM. */
NEAP_API int neap_event_clear(neap_event *event);
/** @return 1 set; 0 not; -EIDRM. */
NEAP_API NEAP_MUST_CHECK
int neap_event_is_set(neap_event *event);

/**
 * Wait until it is set.
 *
 * Blocks: until then or `deadline`. Crash: changes nothing. Signals: -EINTR.
 * Fork: both may wait.
 *
 * @return 0 set; -ETIMEDOUT (-EBUSY with NEAP_NOW); -EINTR; -EIDRM.
 */
NEAP_API NEAP_MUST_CHECK
int neap_event_wait(neap_event *event, int64_t deadline);

/** Open the latch of that name, or make it with `count` (1 to INT32_MAX;
 * ignored when it is there). @return as neap_event_open. */
NEAP_API NEAP_MUST_CHECK
int neap_latch_open(neap_heap *heap, const char *name, int64_t count,
                    neap_latch **ret_latch);
/** NULL is fine. */
NEAP_API void neap_latch_close(neap_latch *latch);
NEAP_API const char *neap_latch_name(neap_latch *latch);

/** Take n from what is left. Crash: done or not. @return 0; -EOVERFLOW more
 * than is left, nothing taken; -EINVAL n less than 1; -EIDRM. */
NEAP_API int neap_latch_count_down(neap_latch *latch, int64_t n);
/** What is left. @return 0; -EIDRM. */
NEAP_API NEAP_MUST_CHECK
int neap_latch_get(neap_latch *latch, int64_t *ret_left);
/** Wait until nothing is left. @return as neap_event_wait. */
NEAP_API NEAP_MUST_CHECK
int neap_latch_wait(neap_latch *latch, int64_t deadline);

#endif
