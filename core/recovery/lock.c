/* Locks, the road that waits. See lock.h. */
#include "recovery/lock.h"

#include <unistd.h>

#include "recovery/deadlock.h"
#include "recovery/reap.h"
#include "recovery/spin.h"
#include "recovery/wait.h"


neap_sh_word *neap__held_find(struct neap__seat *seat, uint64_t offset)
{
    neap_sh_word *held = seat->slot->held;
    int places = neap__held_places(seat->slot);
    for (int i = 0; i < places; i++)
        if ((atomic_load_explicit(&held[i], memory_order_relaxed) &
             ~NEAP_SH_HELD_FLAGS) == offset)
            return &held[i];
    return NULL;
}


/* The last places are neap's own: a user who holds as many mutexes as can be
 * can still open and drop objects. */
neap_sh_word *neap__held_place(struct neap__seat *seat, uint64_t id)
{
    neap_sh_word *held = seat->slot->held;
    int places = NEAP_SH_HELD - (id ? NEAP__HELD_INSIDE : 0);
    for (int i = 0; i < places; i++)
        if (!atomic_load_explicit(&held[i], memory_order_relaxed)) {
            if (i >= neap__held_places(seat->slot))
                atomic_store_explicit(&seat->slot->places, (uint16_t)(i + 1),
                                      memory_order_release);
            return &held[i];
        }
    return NULL;
}


int neap__spin_looks(void)
{
    static _Atomic int known = -1;
    int n = atomic_load_explicit(&known, memory_order_relaxed);
    if (n < 0) {
        n = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? NEAP__SPIN_LOOKS : 0;
        atomic_store_explicit(&known, n, memory_order_relaxed);
    }
    return n;
}


static bool take_free(struct neap__seat *seat, struct neap_sh_lock *lock)
{
    uint32_t seen = 0;
    return atomic_compare_exchange_strong_explicit(
        &lock->word, &seen, seat->tag, memory_order_acquire,
        memory_order_relaxed);
}


/* Say that somebody may be asleep. @return what to sleep on. */
static uint32_t park(struct neap_sh_lock *lock)
{
    uint32_t seen = atomic_load_explicit(&lock->parked, memory_order_relaxed);
    while (!(seen & 1))
        if (atomic_compare_exchange_weak(&lock->parked, &seen, seen + 1))
            return seen + 1;
    return seen;
}


void neap__lock_wake(struct neap_sh_lock *lock, int count)
{
    uint32_t seen = atomic_load(&lock->parked);
    if (seen & 1)
        atomic_compare_exchange_strong(&lock->parked, &seen, seen + 1);
    neap__futex_wake(&lock->parked, count);
}


int neap__unlock_wake(struct neap__seat *seat, struct neap_sh_lock *lock)
{
    neap__lock_wake(lock, 1);
    neap__lock_forget(seat, lock);
    return 0;
}


static bool spin(struct neap__seat *seat, struct neap_sh_lock *lock)
{
    struct neap__spin spin = neap__spin_begin(neap__spin_wish);
    neap__spin_wish = 0;
    do {
        uint32_t seen = atomic_load_explicit(&lock->word,
                                             memory_order_relaxed);
        if (seen == 0 && take_free(seat, lock))
            return true;
        if (atomic_load_explicit(&lock->parked, memory_order_relaxed) & 1)
            return false;
    } while (neap__spin(&spin));
    return false;
}


/*
 * Look at the owner that the word names. A word cannot outlive the slot of its
 * owner: locks are given up before the slot is. So a slot that is free or has
 * another incarnation means that the owner has just unlocked, or that the word
 * is garbage; the caller tells these apart by looking at the word again.
 * @return 1 the owner lives; 0 look at the word again; NEAP_ECORRUPT.
 */
static int look_at_owner(struct neap_heap *heap, _Atomic uint32_t *word,
                         uint32_t seen)
{
    uint32_t index = seen & NEAP_SH_TAG_SLOT;
    uint32_t incarnation = seen >> 12;
    bool strange = index >= atomic_load(&neap__header(heap)->slots_ready);
    if (!strange) {
        struct neap_sh_slot *slot = neap__slot_at(heap, index);
        enum neap__life_state life = neap__life_look(&slot->life);
        if (life == NEAP__LIFE_DEAD) {
            int status = neap__reap_slot(heap, index);
            return status < 0 ? status : 0;
        }
        strange = life == NEAP__LIFE_FREE ||
                  atomic_load(&slot->incarnation) != incarnation;
    }
    if (!strange)
        return 1;
    if (atomic_load(word) != seen)
        return 0;
    return neap__fail(NEAP_ECORRUPT,
                      "heap %s: the lock at offset %llu names owner %#x, which "
                      "is nobody; run `neap check`", heap->address.text,
                      (unsigned long long)neap__offset(heap, word), seen);
}


/* Sleep until the lock is given back, its owner dies, or `until`. */
static int sleep_on(struct neap_heap *heap, struct neap_sh_lock *lock,
                    uint32_t parked, uint32_t owned, int64_t until)
{
    struct neap_sh_slot *owner = neap__slot_at(heap, owned & NEAP_SH_TAG_SLOT);
    uint32_t life;
    _Atomic uint32_t *watch = neap__life_watch(&owner->life, &life);
    return neap__futex_wait_either(&lock->parked, parked, watch, life, until);
}


int neap__lock_announce(struct neap_heap *heap, struct neap_sh_lock *lock,
                        struct neap__futex futexes[2])
{
    uint32_t owned = atomic_load_explicit(&lock->word, memory_order_relaxed);
    uint32_t index = owned & NEAP_SH_TAG_SLOT;
    futexes[0] = (struct neap__futex){&lock->parked, park(lock)};
    if (!owned || index >= atomic_load(&neap__header(heap)->slots_ready))
        return 1;
    futexes[1].word = neap__life_watch(&neap__slot_at(heap, index)->life,
                                       &futexes[1].expected);
    return 2;
}


/* One round of waiting. @return 0 try again; -ETIMEDOUT; -EBUSY; -EINTR;
 * -EDEADLK; NEAP__CYCLE; NEAP_ECORRUPT. */
static int wait_round(struct neap__seat *seat, struct neap_sh_lock *lock,
                      int64_t deadline, int64_t *cap)
{
    uint32_t seen = atomic_load_explicit(&lock->word, memory_order_relaxed);
    if (seen == 0)
        return 0;
    if (seen == seat->tag)
        return -EDEADLK;
    int status = look_at_owner(seat->heap, &lock->word, seen);
    if (status <= 0)
        return status;
    if (deadline == NEAP_NOW)
        return -EBUSY;
    uint32_t parked = park(lock);
    neap__fence_heavy();
    if (!NEAP__SABOTAGED(NEAP__WITHOUT_LOOK) &&
        atomic_load(&lock->word) != seen)
        return 0;
    int64_t now = neap_now();
    if (now >= deadline)
        return -ETIMEDOUT;
    neap__blocked_on(seat, lock, now);
    status = neap__cycle_check(seat);
    if (status < 0)
        return status;
    status = sleep_on(seat->heap, lock, parked, seen,
                      neap__wait_until(now, deadline, *cap));
    if (status == -ETIMEDOUT)
        status = neap__wait_expired(seat->heap, cap);
    return status < 0 ? status : 0;
}


/* A user's mutex is the lock of its entry. */
static bool same_object(struct neap_sh_lock *lock, uint64_t id)
{
    return atomic_load(&((struct neap_sh_entry *)lock)->id) == id;
}


int neap__lock_wait(struct neap__seat *seat, struct neap_sh_lock *lock,
                    uint64_t id, int64_t deadline, int64_t *cap)
{
    int status = wait_round(seat, lock, deadline, cap);
    return status == 0 && id && !same_object(lock, id) ? -EIDRM : status;
}


/* Whoever has slept says that others may be asleep (I2), then tries. */
static int wait_and_take(struct neap__seat *seat, struct neap_sh_lock *lock,
                         uint64_t id, int64_t deadline)
{
    int64_t cap = NEAP__WAIT_CAP_FIRST;
    while (!take_free(seat, lock)) {
        int status = id && !same_object(lock, id)
                         ? -EIDRM : wait_round(seat, lock, deadline, &cap);
        if (status < 0)
            return status;
        if (deadline != NEAP_NOW && !NEAP__SABOTAGED(NEAP__WITHOUT_MARK))
            park(lock);
    }
    return 0;
}


int neap__lock_slow(struct neap__seat *seat, struct neap_sh_lock *lock,
                    neap_sh_word *held, uint64_t id, int64_t deadline)
{
    if (deadline != NEAP_NOW && spin(seat, lock))
        return 0;
    int status = wait_and_take(seat, lock, id, deadline);
    neap__blocked_end(seat);
    if (status < 0)
        atomic_store_explicit(held, 0, memory_order_relaxed);
    return status;
}


int neap__lock_inside(struct neap__seat *seat, struct neap_sh_lock *lock)
{
    int status;
    do
        status = neap__lock(seat, lock, 0, NEAP_FOREVER);
    while (status == -EINTR);
    if (status == -EDEADLK || status == -EAGAIN)
        status = neap__fail(NEAP_ECORRUPT,
                            "heap %s: its own lock at offset %llu is held "
                            "already by this thread; run `neap check`",
                            seat->heap->address.text,
                            (unsigned long long)neap__offset(seat->heap, lock));
    return status;
}
