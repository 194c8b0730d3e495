/**
 * neap: a heap that processes share.
 *
 * One include for everything: segments and mappings, the heap of named,
 * typed objects, what synchronizes itself in it, and workers.
 *
 * The manners of the whole interface:
 *  - a function returns `int`: negative failed and nothing changed, 0 done,
 *    positive done with news (neap/status.h); neap_error_text() then says what
 *    was tried, on what, why it failed and what to do about it;
 *  - out-parameters come last, are called ret_..., and stay untouched on
 *    failure;
 *  - a wait takes an absolute deadline in nanoseconds of CLOCK_MONOTONIC:
 *    NEAP_FOREVER, NEAP_NOW (try once), or neap_deadline_after(ns);
 *  - `close` drops a handle of this process, `unlink` and `drop` the thing;
 *  - a handle may be used by any thread and stays good across fork().
 */
#ifndef NEAP_H
#define NEAP_H

#include "neap/array.h"
#include "neap/barrier.h"
#include "neap/checkpoint.h"
#include "neap/condition.h"
#include "neap/counter.h"
#include "neap/event.h"
#include "neap/guard.h"
#include "neap/heap.h"
#include "neap/kernel_semaphore.h"
#include "neap/locks.h"
#include "neap/mapping.h"
#include "neap/maps.h"
#include "neap/mutex.h"
#include "neap/once.h"
#include "neap/overlay.h"
#include "neap/process.h"
#include "neap/rwlock.h"
#include "neap/segment.h"
#include "neap/semaphore.h"
#include "neap/snapshot.h"
#include "neap/status.h"
#include "neap/system.h"
#include "neap/team.h"
#include "neap/version.h"
#include "neap/wait.h"
#include "neap/watch.h"

#endif
