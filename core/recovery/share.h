/*
 * Shares: what this thread's slot has of an object's value, and returns when
 * the thread ends. A place is in use from the store of its `entry` on.
 */
#ifndef NEAP_SHARE_H
#define NEAP_SHARE_H

#include "recovery/seat.h"

/* This thread's share of that object; NULL if it has none. */
NEAP__INLINE struct neap_sh_share *neap__share_find(struct neap__seat *seat,
                                                    uint64_t entry,
                                                    uint64_t id)
{
    struct neap_sh_share *shares = seat->slot->shares;
    for (int i = 0; i < NEAP_SH_SHARES; i++)
        if (atomic_load_explicit(&shares[i].id, memory_order_relaxed) == id &&
            atomic_load_explicit(&shares[i].entry, memory_order_relaxed) ==
                entry)
            return &shares[i];
    return NULL;
}

/* Is it of a semaphore with cells, none of which is that thread's? Such a share
 * stays until its place is needed. */
bool neap__share_idle(struct neap_heap *heap, uint32_t tag,
                      const struct neap_sh_share *share);

/* A place for one more, shares of dropped objects and idle ones being forgotten
 * on the way; NULL if all are in use. */
struct neap_sh_share *neap__share_place(struct neap__seat *seat);

/* The same for one who cannot do without: then a share that only adds to its
 * object's value goes home before its time. Not within a change, nor after a
 * wake was announced; one lock inside may be held. */
struct neap_sh_share *neap__share_room(struct neap__seat *seat);

/* Give a share back to its object, if that is still the same one. A seat of the
 * dead, too. @return 0; NEAP_ECORRUPT. */
int neap__share_return(struct neap__seat *seat, struct neap_sh_share *share);

/* The sum of all slots' shares of that object, exact only while none
 * returns. */
uint64_t neap__shares_sum(struct neap_heap *heap, uint64_t id);

/* How many slots' shares of that object have that value but for flags,
 * likewise. */
uint64_t neap__shares_count(struct neap_heap *heap, uint64_t id,
                            uint64_t value);

/* Give up a place, its object having nothing to get back. */
NEAP__INLINE void neap__share_forget(struct neap_sh_share *share)
{
    atomic_store_explicit(&share->entry, 0, memory_order_relaxed);
    neap__crash_order();
    atomic_store_explicit(&share->id, 0, memory_order_relaxed);
    atomic_store_explicit(&share->value, 0, memory_order_relaxed);
}

#endif
