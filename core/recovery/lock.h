/*
 * Lock words: 32 bits that name their owner.
 *
 * Both the heap's own locks and users' mutexes. The order of stores decides
 * what a death leaves:
 *
 *   lock     held[i] = its offset;  claim: word 0 -> tag
 *   unlock   word = 0;  wake a sleeper;  held[i] = 0
 *
 * so whoever reaps the dead finds every lock that they had, were about to have,
 * or had given up without waking the next, and needs no other trace.
 *
 * Sleeping, on the second word:
 *
 *     sleeper                              owner
 *     seen = parked, made odd              word = 0
 *     heavy fence                          light fence
 *     look at the word again               if parked is odd:
 *     sleep while parked == seen             make it even; wake one
 *
 * I1 Between the two stores and the two looks lies a fence on each side: the
 *    owner sees that somebody may be asleep, or the sleeper that the word is
 *    free. So an unlock is a plain store, without a locked instruction.
 * I2 While anybody is asleep `parked` is odd, or one who has been woken is
 *    about to make it so: who has slept makes it odd again before it tries the
 *    word, for others may be asleep behind it. That costs one futile wake at
 *    the end. If it dies before, its `held` names the lock, and all are woken.
 * I3 Making `parked` even changes it before the wake: who is not asleep yet
 *    will not fall asleep, even if the same owner has the word again by then.
 */
#ifndef NEAP_LOCK_H
#define NEAP_LOCK_H

#include "recovery/sabotage.h"
#include "recovery/seat.h"
#include "recovery/spin.h"

/*
 * Claim the word: a user's mutex is given with its object's id, neap's own
 * locks with 0.
 * @return 0; -EBUSY (NEAP_NOW) or -ETIMEDOUT; -EINTR; -EDEADLK; -EAGAIN too
 * many held; -EIDRM the object was dropped; NEAP__CYCLE; NEAP_ECORRUPT. Writes
 * a text for the last two only.
 */
int neap__lock_slow(struct neap__seat *seat, struct neap_sh_lock *lock,
                    neap_sh_word *held, uint64_t id, int64_t deadline);

/* Of the places in slot.held, how many are kept for neap's own locks. */
#define NEAP__HELD_INSIDE 2

/* How many places of slot.held may be in use. */
NEAP__INLINE int neap__held_places(const struct neap_sh_slot *slot)
{
    int places = atomic_load_explicit(&slot->places, memory_order_acquire);
    return places == 0 ? 1 : places < NEAP_SH_HELD ? places : NEAP_SH_HELD;
}

/* Where to announce the claim: the first place, unless it is in use; NULL if
 * too many are. */
neap_sh_word *neap__held_place(struct neap__seat *seat, uint64_t id);

/* Announce the claim in `held`, then make it, if the word is free. */
NEAP__INLINE bool neap__lock_free(struct neap__seat *seat,
                                  struct neap_sh_lock *lock,
                                  neap_sh_word *held, uint64_t id)
{
    if (!NEAP__SABOTAGED(NEAP__WITHOUT_INTENT))
        atomic_store_explicit(held,
                              neap__offset(seat->heap, lock) |
                                  (id ? NEAP_SH_HELD_USER : 0),
                              memory_order_relaxed);
    neap__crash_order();
    if (NEAP__SABOTAGED(NEAP__WITHOUT_CLAIM) && !atomic_load(&lock->word)) {
        atomic_store(&lock->word, seat->tag);
        return true;
    }
    uint32_t seen = 0;
    return atomic_compare_exchange_strong_explicit(
        &lock->word, &seen, seat->tag, memory_order_acquire,
        memory_order_relaxed);
}

NEAP__INLINE int neap__lock(struct neap__seat *seat, struct neap_sh_lock *lock,
                            uint64_t id, int64_t deadline)
{
    neap_sh_word *held = &seat->slot->held[0];
    if (NEAP__UNLIKELY(atomic_load_explicit(held, memory_order_relaxed)) &&
        !(held = neap__held_place(seat, id)))
        return -EAGAIN;
    return NEAP__LIKELY(neap__lock_free(seat, lock, held, id))
               ? 0 : neap__lock_slow(seat, lock, held, id, deadline);
}

/* The same for the lock of an object whose handle has such a wish. */
NEAP__INLINE int neap__lock_wished(struct neap__seat *seat,
                                   struct neap_sh_lock *lock, uint64_t id,
                                   int64_t deadline, int32_t wish)
{
    neap__spin_wish = wish;
    int status = neap__lock(seat, lock, id, deadline);
    neap__spin_wish = 0;
    return status;
}

/*
 * The same at once or not at all, and without a call: a function that does
 * this and hands everything else to another one in its last step saves no
 * registers, which is a quarter of its time.
 */
NEAP__INLINE bool neap__lock_fast(struct neap__seat *seat,
                                  struct neap_sh_lock *lock, uint64_t id)
{
    neap_sh_word *held = &seat->slot->held[0];
    if (NEAP__UNLIKELY(atomic_load_explicit(held, memory_order_relaxed)))
        return false;
    if (NEAP__LIKELY(neap__lock_free(seat, lock, held, id)))
        return true;
    atomic_store_explicit(held, 0, memory_order_relaxed);
    return false;
}

/*
 * Wait once until the word may be free, as who wants it does, but without
 * wanting it. @return 0 look again; -EBUSY; -ETIMEDOUT; -EINTR; -EIDRM;
 * -EDEADLK it is this thread's; NEAP_ECORRUPT.
 */
int neap__lock_wait(struct neap__seat *seat, struct neap_sh_lock *lock,
                    uint64_t id, int64_t deadline, int64_t *cap);

/*
 * Say that this thread will sleep until the word is free, though it may not
 * want it then; I2 holds for it too. A heavy fence is to follow, and a look at
 * the word. @return of how many futexes it is to be the sleep: of the lock, and
 * of its owner's life.
 */
int neap__lock_announce(struct neap_heap *heap, struct neap_sh_lock *lock,
                        struct neap__futex futexes[2]);

/* For locks inside neap, held for an instant: not interruptible.
 * @return 0; NEAP_ECORRUPT. */
int neap__lock_inside(struct neap__seat *seat, struct neap_sh_lock *lock);

/* Wake up to `count` of those who sleep on the lock; keeps I2 and I3. */
void neap__lock_wake(struct neap_sh_lock *lock, int count);

/* Where the claim of that word was announced. */
neap_sh_word *neap__held_find(struct neap__seat *seat, uint64_t offset);

NEAP__INLINE bool neap__lock_mine(struct neap__seat *seat,
                                  struct neap_sh_lock *lock)
{
    return atomic_load_explicit(&lock->word, memory_order_relaxed) ==
           seat->tag;
}

/* The first half of an unlock. @return true if somebody may have to be
 * woken. */
NEAP__INLINE bool neap__lock_give(struct neap__seat *seat,
                                  struct neap_sh_lock *lock)
{
    if (NEAP__SABOTAGED(NEAP__WITHOUT_ORDER))
        neap__lock_wake(lock, 1);
    atomic_store_explicit(&lock->word, 0, memory_order_release);
    if (NEAP__SABOTAGED(NEAP__WITHOUT_ORDER))
        return false;
    neap__fence_light(seat->light);
    return atomic_load_explicit(&lock->parked, memory_order_relaxed) & 1;
}

/* The end of an unlock: the claim is no more. */
NEAP__INLINE void neap__lock_forget(struct neap__seat *seat,
                                    struct neap_sh_lock *lock)
{
    neap__crash_order();
    neap_sh_word *held = &seat->slot->held[0];
    uint64_t offset = neap__offset(seat->heap, lock);
    if (NEAP__UNLIKELY((atomic_load_explicit(held, memory_order_relaxed) &
                        ~NEAP_SH_HELD_FLAGS) != offset))
        held = neap__held_find(seat, offset);
    if (held)
        atomic_store_explicit(held, 0, memory_order_relaxed);
}

/* Release a lock that is the seat's. */
NEAP__INLINE void neap__unlock(struct neap__seat *seat,
                               struct neap_sh_lock *lock)
{
    if (NEAP__UNLIKELY(neap__lock_give(seat, lock)))
        neap__lock_wake(lock, 1);
    neap__lock_forget(seat, lock);
}

/* Wake one, and forget the claim: what is left of an unlock after the word. */
int neap__unlock_wake(struct neap__seat *seat, struct neap_sh_lock *lock);

/*
 * At once or not at all, and without a call; see neap__lock_fast.
 * @return 1 done; 0 nothing done; -1 the word is given back, neap__unlock_wake
 * is to follow.
 */
NEAP__INLINE int neap__unlock_fast(struct neap__seat *seat,
                                   struct neap_sh_lock *lock)
{
    neap_sh_word *held = &seat->slot->held[0];
    if (NEAP__UNLIKELY((atomic_load_explicit(held, memory_order_relaxed) &
                        ~NEAP_SH_HELD_FLAGS) !=
                           neap__offset(seat->heap, lock) ||
                       !neap__lock_mine(seat, lock) || !seat->light ||
                       NEAP__SABOTAGED(NEAP__WITHOUT_ORDER)))
        return 0;
    atomic_store_explicit(&lock->word, 0, memory_order_release);
    neap__fence_light(true);
    if (NEAP__UNLIKELY(atomic_load_explicit(&lock->parked,
                                            memory_order_relaxed) & 1))
        return -1;
    neap__crash_order();
    atomic_store_explicit(held, 0, memory_order_relaxed);
    return 1;
}

#endif
