/*
 * Waiting for an object's value to change: an event count in its entry.
 *
 *     sleeper                              waker
 *     waiting_on = entry                   neap__waking(seat, entry)
 *     seen = seq                           change the value
 *     sleepers = sleepers + 2, odd         neap__woken(seat, entry, n)
 *     heavy fence                            light fence
 *     look at the value again                if sleepers is odd: seq += 1, wake;
 *     sleep while seq == seen                woke fewer than n: sleepers even
 *
 * I1 The sleeper stores `sleepers` and then loads the value; the waker stores
 *    the value and then loads `sleepers`; each has its fence between, so one of
 *    them sees the other. Where a heavy fence cannot be had sleeps are short.
 * I2 `sleepers` is made even only by one who woke fewer than it would have, so
 *    that nobody was asleep, and only if nobody announced a sleep since it was
 *    loaded: that would have changed it. (Left odd, it would cost every change
 *    of the value a call of the kernel for ever after the first sleep.)
 * I3 A waker that dies between its two steps is named by slot.waking, a sleeper
 *    that dies with a wake in hand by slot.waiting_on; the reaper then wakes
 *    everybody, and those who find nothing sleep again. One who waits for many
 *    objects (sync/any.c) says so, and the reaper wakes everybody on each
 *    object of the heap.
 */
#ifndef NEAP_WAIT_H
#define NEAP_WAIT_H

#include <limits.h>

#include "recovery/deadlock.h"
#include "recovery/sabotage.h"
#include "recovery/seat.h"

/* @return how many woke. */
NEAP__INLINE int neap__wake_entry(struct neap_sh_entry *entry, int count)
{
    atomic_fetch_add(&entry->seq, 1);
    return neap__futex_wake(&entry->seq, count);
}

/* Announce a wake, before the change that it tells of. */
NEAP__INLINE void neap__waking(struct neap__seat *seat,
                               struct neap_sh_entry *entry)
{
    if (!NEAP__SABOTAGED(NEAP__WITHOUT_INTENT))
        atomic_store_explicit(&seat->slot->waking,
                              neap__offset(seat->heap, entry),
                              memory_order_relaxed);
    neap__crash_order();
}

/* Wake up to `count` of those who sleep; keeps I2. */
void neap__wake_sleepers(struct neap_sh_entry *entry, uint32_t sleepers,
                         int count);

/* Wake up to `count` of those who sleep, after the change. */
NEAP__INLINE void neap__woken(struct neap__seat *seat,
                              struct neap_sh_entry *entry, int count)
{
    neap__fence_light(seat->light);
    uint32_t sleepers = atomic_load(&entry->sleepers);
    if (NEAP__UNLIKELY(sleepers & 1))
        neap__wake_sleepers(entry, sleepers, count);
    neap__crash_order();
    atomic_store_explicit(&seat->slot->waking, 0, memory_order_relaxed);
}

/* Say that this thread will sleep. A heavy fence is to follow, and a look at
 * the value. @return what seq is while nobody wakes. */
NEAP__INLINE uint32_t neap__wait_announce(struct neap_sh_entry *entry)
{
    uint32_t seen = atomic_load(&entry->seq);
    uint32_t sleepers = atomic_load(&entry->sleepers);
    while (!atomic_compare_exchange_weak(&entry->sleepers, &sleepers,
                                         (sleepers + 2) | 1))
        ;
    return seen;
}

/* Say on what: an entry's offset, or NEAP_SH_MANY. */
NEAP__INLINE void neap__wait_on(struct neap__seat *seat, uint64_t what)
{
    atomic_store_explicit(&seat->slot->waiting_on, what, memory_order_relaxed);
    neap__crash_order();
}

/* Begin to wait; look at the value again before neap__wait_sleep. `exchanged`
 * as in neap__wait_for_exchanged. */
NEAP__INLINE uint32_t neap__wait_begin(struct neap__seat *seat,
                                       struct neap_sh_entry *entry,
                                       bool exchanged)
{
    neap__wait_on(seat, neap__offset(seat->heap, entry));
    uint32_t seen = neap__wait_announce(entry);
    if (!exchanged)
        neap__fence_heavy();
    return seen;
}

/*
 * Sleep until woken, until `deadline`, or for a while: the dead are looked for
 * now and then. @return 0 look again; -ETIMEDOUT; -EINTR; NEAP__CYCLE;
 * NEAP_ECORRUPT.
 */
int neap__wait_sleep(struct neap__seat *seat, struct neap_sh_entry *entry,
                     uint32_t seen, int64_t deadline, int64_t *cap);

/* No sleep is longer than the cap, which doubles from 0.1 to 1 second. */
#define NEAP__WAIT_CAP_FIRST INT64_C(100000000)
#define NEAP__WAIT_CAP_LAST INT64_C(1000000000)

/* What it is where a wake may be missed. */
#define NEAP__WAIT_CAP_UNSURE INT64_C(1000000)

/* The end of one sleep on the way to a deadline. */
int64_t neap__wait_until(int64_t now, int64_t deadline, int64_t cap);

/* Ask the binding whether a signal came just before the sleep. */
bool neap__wait_is_over(void);

/* A sleep was as long as its cap: reap, double it, ask the binding. No wait ends
 * because the dead cannot be reaped just now. @return 0; -EINTR;
 * NEAP_ECORRUPT. */
int neap__wait_expired(struct neap_heap *heap, int64_t *cap);

/* Try what may have to be waited for: 0 and more it is done, -EBUSY not yet,
 * else it failed. */
typedef int neap__attempt(struct neap__seat *seat, void *argument);

/*
 * Attempt until it is done, asleep on the entry between. Whoever gives up looks
 * once more, for it may have been woken to go on, and passes the wake on if it
 * still leaves without.
 * @return as the attempt; -ETIMEDOUT; -EBUSY with NEAP_NOW; -EINTR.
 */
int neap__wait_for(struct neap__seat *seat, struct neap_sh_entry *entry,
                   neap__attempt *attempt, void *argument, int64_t deadline);

/*
 * The same for a value that is only ever changed by one sequentially consistent
 * exchange, and looked at by such a load. With `sleepers`, which is treated so
 * too, that is an order of all four in which one sees the other (I1): no fence
 * is needed on either side.
 */
int neap__wait_for_exchanged(struct neap__seat *seat,
                             struct neap_sh_entry *entry,
                             neap__attempt *attempt, void *argument,
                             int64_t deadline);

NEAP__INLINE void neap__wait_end(struct neap__seat *seat)
{
    atomic_store_explicit(&seat->slot->waiting_on, 0, memory_order_relaxed);
    neap__blocked_end(seat);
}

#endif
