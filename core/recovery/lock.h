/*
 * Lock words: 32 bits that name their owner.
 *
 * Both the heap's own locks and users' mutexes. The order of stores decides
 * what a death leaves:
 *
 *   lock     held[i] = word's offset;  claim: word 0 -> tag
 *   unlock   word -> 0;  wake a sleeper;  held[i] = 0
 *
 * so whoever reaps the dead finds every lock that they had, were about to have,
 * or had given up without waking the next, and needs no other trace.
 *
 * A thread that has slept takes the word with WAITERS set, for others may be
 * asleep behind it; that costs at most one futile wake.
 */
#ifndef NEAP_LOCK_H
#define NEAP_LOCK_H

#include "recovery/sabotage.h"
#include "recovery/seat.h"

/*
 * Claim the word: a user's mutex is given with its object's id, neap's own
 * locks with 0.
 * @return 0; -EBUSY (NEAP_NOW) or -ETIMEDOUT; -EINTR; -EDEADLK; -EAGAIN too
 * many held; -EIDRM the object was dropped; NEAP_ECORRUPT. Writes a text for
 * the last one only.
 */
int neap__lock_slow(struct neap__seat *seat, _Atomic uint32_t *word,
                    neap_sh_word *held, uint64_t id, int64_t deadline);

/* Of the places in slot.held, how many are kept for neap's own locks. */
#define NEAP__HELD_INSIDE 2

/* Where to announce the claim: the first place, unless it is in use; NULL if
 * too many are. */
neap_sh_word *neap__held_place(struct neap__seat *seat, uint64_t id);

/* Announce the claim in `held`, then make it, if the word is free. */
NEAP__INLINE bool neap__lock_free(struct neap__seat *seat,
                                  _Atomic uint32_t *word, neap_sh_word *held,
                                  uint64_t id)
{
    if (!NEAP__SABOTAGED(NEAP__WITHOUT_INTENT))
        atomic_store_explicit(held,
                              neap__offset(seat->heap, word) |
                                  (id ? NEAP_SH_HELD_USER : 0),
                              memory_order_relaxed);
    neap__crash_order();
    uint32_t seen = 0;
    return atomic_compare_exchange_strong_explicit(
        word, &seen, seat->tag, memory_order_acquire, memory_order_relaxed);
}

NEAP__INLINE int neap__lock(struct neap__seat *seat, _Atomic uint32_t *word,
                            uint64_t id, int64_t deadline)
{
    neap_sh_word *held = &seat->slot->held[0];
    if (NEAP__UNLIKELY(atomic_load_explicit(held, memory_order_relaxed)) &&
        !(held = neap__held_place(seat, id)))
        return -EAGAIN;
    return NEAP__LIKELY(neap__lock_free(seat, word, held, id))
               ? 0 : neap__lock_slow(seat, word, held, id, deadline);
}

/*
 * The same at once or not at all, and without a call: a function that does
 * this and hands everything else to another one in its last step saves no
 * registers, which is a quarter of its time.
 */
NEAP__INLINE bool neap__lock_fast(struct neap__seat *seat,
                                  _Atomic uint32_t *word, uint64_t id)
{
    neap_sh_word *held = &seat->slot->held[0];
    if (NEAP__UNLIKELY(atomic_load_explicit(held, memory_order_relaxed)))
        return false;
    if (NEAP__LIKELY(neap__lock_free(seat, word, held, id)))
        return true;
    atomic_store_explicit(held, 0, memory_order_relaxed);
    return false;
}

/*
 * Wait once until the word may be free, as who wants it does, but without
 * wanting it. @return 0 look again; -EBUSY; -ETIMEDOUT; -EINTR; -EIDRM;
 * -EDEADLK it is this thread's; NEAP_ECORRUPT.
 */
int neap__lock_wait(struct neap__seat *seat, _Atomic uint32_t *word,
                    uint64_t id, int64_t deadline, int64_t *cap);

/* For locks inside neap, held for an instant: not interruptible.
 * @return 0; NEAP_ECORRUPT. */
int neap__lock_inside(struct neap__seat *seat, _Atomic uint32_t *word);

/* Where the claim of that word was announced. */
neap_sh_word *neap__held_find(struct neap__seat *seat, uint64_t offset);

NEAP__INLINE bool neap__lock_mine(struct neap__seat *seat,
                                  _Atomic uint32_t *word)
{
    return (atomic_load_explicit(word, memory_order_relaxed) &
            ~NEAP_SH_WAITERS) == seat->tag;
}

/* Release a word that is the seat's. */
NEAP__INLINE void neap__unlock(struct neap__seat *seat, _Atomic uint32_t *word)
{
    uint32_t seen = atomic_exchange_explicit(word, 0, memory_order_release);
    if (NEAP__UNLIKELY(seen & NEAP_SH_WAITERS))
        neap__futex_wake(word, 1);
    neap__crash_order();
    neap_sh_word *held = &seat->slot->held[0];
    uint64_t offset = neap__offset(seat->heap, word);
    if (NEAP__UNLIKELY((atomic_load_explicit(held, memory_order_relaxed) &
                        ~NEAP_SH_HELD_FLAGS) != offset))
        held = neap__held_find(seat, offset);
    if (held)
        atomic_store_explicit(held, 0, memory_order_relaxed);
}

/* At once or not at all, and without a call; see neap__lock_fast. */
NEAP__INLINE bool neap__unlock_fast(struct neap__seat *seat,
                                    _Atomic uint32_t *word)
{
    neap_sh_word *held = &seat->slot->held[0];
    if (NEAP__UNLIKELY((atomic_load_explicit(held, memory_order_relaxed) &
                        ~NEAP_SH_HELD_FLAGS) !=
                       neap__offset(seat->heap, word)))
        return false;
    uint32_t seen = seat->tag;
    if (NEAP__UNLIKELY(!atomic_compare_exchange_strong_explicit(
            word, &seen, 0, memory_order_release, memory_order_relaxed)))
        return false;
    neap__crash_order();
    atomic_store_explicit(held, 0, memory_order_relaxed);
    return true;
}

#endif
