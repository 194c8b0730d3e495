/*
 * Read-write locks.
 *
 *     read                                   write
 *     held[i] = entry | READ                 held[i] = entry; word: 0 -> tag
 *     if the word is 0: it is had            until no slot has held entry | READ:
 *     else held[i] = 0, wait for the word      wait on the event count
 *                                            held[i] = entry | USER
 *
 * R1 The reader stores its claim and then loads the word; the writer takes the
 *    word and then loads the claims; each has a fence between, so that one of
 *    them sees the other (Dekker). Who ends to read and who waits for that
 *    likewise: a light fence, and the heavy one before a sleep.
 * R2 A reader stores nothing that other readers store to: readers of different
 *    threads do not disturb each other (the visible readers of Dice and Kogan's
 *    BRAVO, in the slot where the reaper finds them).
 *    Where nobody has written for a while the lock is biased, as BRAVO's: the
 *    fence of readers is a light one then. The first writer ends that with a
 *    heavy one (bias = REVOKING; fence; bias = FENCED), the next ones need
 *    none: whoever saw the bias had stored its claim before, so that the fence
 *    has made it visible. (Looking at the bias first would not do: the reader
 *    may rest there for the whole stay of one writer, and slip in beside the
 *    next.) A writer that dies between leaves REVOKING, and the next does it
 * again. Readers bias the lock anew after some number of reads with a fence.
 * R3 A writer bars the way for readers that come later. Readers that had to
 *    wait say so in entry.limit, and the next writer lets them go first, for a
 *    moment: neither side starves.
 */
#include "neap/rwlock.h"

#include "heap/object.h"
#include "recovery/reap.h"
#include "recovery/wait.h"
#include "sync/measure.h"

#define LET_READERS_GO INT64_C(1000000) /* nanoseconds, at most */

struct neap_rwlock {
    struct neap__object object;
    _Atomic uint32_t fenced; /* reads of that kind since the last bias, about */
};


/* -- the handle ----------------------------------------------------------- */

int neap_rwlock_open(neap_heap *heap, const char *name,
                     neap_rwlock **ret_rwlock)
{
    static const struct neap__wanted wanted = {.kind = NEAP_OBJECT_RWLOCK};
    return neap__handle_open(heap, name, &wanted, sizeof(neap_rwlock),
                             (void **)ret_rwlock);
}


void neap_rwlock_close(neap_rwlock *rwlock)
{
    neap__handle_close(rwlock);
}


const char *neap_rwlock_name(neap_rwlock *rwlock)
{
    return rwlock->object.name;
}


static int cannot_lock(const struct neap__object *object, int status)
{
    const char *heap = object->heap->address.text;
    if (status == -EIDRM)
        return neap__object_dropped(object);
    if (status == -EDEADLK)
        return neap__fail(status, "heap %s: this thread holds rwlock '%s' "
                          "already; a lock for reading cannot become one for "
                          "writing, nor be had twice: unlock it first", heap,
                          object->name);
    if (status == NEAP__CYCLE)
        return neap__fail(-EDEADLK, "%s", neap_error_text());
    if (status == -EAGAIN)
        return neap__fail(status, "heap %s: cannot lock '%s': this thread "
                          "holds %d locks, and no more are recorded; unlock "
                          "one first", heap, object->name,
                          NEAP_SH_HELD - NEAP__HELD_INSIDE);
    return neap__object_gave_up(object, status, "was not locked");
}


/* -- claims --------------------------------------------------------------- */

static uint64_t claim_to_read(const struct neap__object *object)
{
    return neap__offset(object->heap, object->entry) | NEAP_SH_HELD_READ;
}


/* Where this thread says that it reads; NULL. */
static neap_sh_word *find_claim(struct neap__seat *seat, uint64_t claim)
{
    int places = neap__held_places(seat->slot);
    for (int i = 0; i < places; i++)
        if (atomic_load_explicit(&seat->slot->held[i],
                                 memory_order_relaxed) == claim)
            return &seat->slot->held[i];
    return NULL;
}


static bool has_claim(struct neap_sh_slot *slot, uint64_t claim)
{
    int places = neap__held_places(slot);
    for (int i = 0; i < places; i++)
        if (atomic_load(&slot->held[i]) == claim)
            return true;
    return false;
}


/* The end of a claim: a writer may be asleep until it is gone. */
static void drop_claim(struct neap__seat *seat, struct neap__object *object,
                       neap_sh_word *held)
{
    neap__waking(seat, object->entry);
    atomic_store_explicit(held, 0, memory_order_release);
    neap__fence_light(seat->light);
    if (NEAP__UNLIKELY(atomic_load(&object->entry->lock.word)))
        neap__woken(seat, object->entry, INT_MAX);
    else
        atomic_store_explicit(&seat->slot->waking, 0, memory_order_relaxed);
}


/* -- the bias ------------------------------------------------------------- */

static bool is_biased(const struct neap__object *object)
{
    return atomic_load(&object->entry->bias) == NEAP_SH_BIASED;
}


/* A reader that is in: no writer is, and the next one will see it. */
static void count_fenced(struct neap__seat *seat, neap_rwlock *rwlock)
{
    uint32_t n = atomic_load_explicit(&rwlock->fenced, memory_order_relaxed);
    bool enough = n + 1 >= NEAP_SH_READS_TO_BIAS && seat->light;
    atomic_store_explicit(&rwlock->fenced, enough ? 0 : n + 1,
                          memory_order_relaxed);
    uint32_t fenced_only = NEAP_SH_FENCED; /* not while a writer ends the last */
    if (enough)
        atomic_compare_exchange_strong(&rwlock->object.entry->bias,
                                       &fenced_only, NEAP_SH_BIASED);
}


/* Is there anybody whose light fences are nothing? */
static bool anybody_light(struct neap_heap *heap)
{
    uint32_t high = atomic_load(&neap__header(heap)->slots_high);
    for (uint32_t i = 0; i < high; i++)
        if (atomic_load(&neap__slot_at(heap, i)->light))
            return true;
    return false;
}


/* The writer's, once it has the word. @return 0; -ENOSYS. */
static int revoke_bias(struct neap__object *object)
{
    struct neap_sh_entry *entry = object->entry;
    if (NEAP__LIKELY(atomic_load(&entry->bias) == NEAP_SH_FENCED))
        return 0;
    atomic_store(&entry->bias, NEAP_SH_REVOKING);
    if (!neap__fence_heavy() && anybody_light(object->heap))
        return neap__fail(-ENOSYS, "heap %s: rwlock '%s' cannot be locked for "
                          "writing: its readers rely on membarrier(2), which "
                          "this process may not call (a sandbox refuses it, or "
                          "the kernel is older than Linux 4.16)",
                          object->heap->address.text, object->name);
    atomic_store(&entry->bias, NEAP_SH_FENCED);
    return 0;
}


/* -- reading -------------------------------------------------------------- */

/* @return 0; -EBUSY a writer has it, or waits for it; -EAGAIN; -EIDRM. */
static int try_read(struct neap__seat *seat, neap_rwlock *rwlock)
{
    struct neap__object *object = &rwlock->object;
    uint64_t claim = claim_to_read(object);
    neap_sh_word *held = &seat->slot->held[0];
    if (atomic_load_explicit(held, memory_order_relaxed))
        held = neap__held_place(seat, object->id);
    if (!held)
        return -EAGAIN;
    atomic_store_explicit(held, claim, memory_order_release);
    neap__fence_light(true);
    bool biased = is_biased(object) && seat->light; /* behind the claim: R2 */
    neap__fence_light(biased);
    bool gone = neap__object_gone(object);
    if (NEAP__LIKELY(!atomic_load(&object->entry->lock.word) && !gone)) {
        if (!biased)
            count_fenced(seat, rwlock);
        return 0;
    }
    drop_claim(seat, object, held);
    return gone ? -EIDRM : -EBUSY;
}


static int wait_to_read(struct neap__seat *seat, neap_rwlock *rwlock,
                        int64_t deadline)
{
    struct neap__object *object = &rwlock->object;
    struct neap_sh_entry *entry = object->entry;
    int64_t cap = NEAP__WAIT_CAP_FIRST;
    int status;
    while ((status = try_read(seat, rwlock)) == -EBUSY) {
        atomic_store(&entry->limit, 1); /* R3 */
        status = neap__lock_wait(seat, &entry->lock, object->id, deadline,
                                 &cap);
        if (status < 0)
            break;
    }
    neap__blocked_end(seat);
    return status;
}


int neap_rwlock_read(neap_rwlock *rwlock, int64_t deadline)
{
    struct neap__object *object = &rwlock->object;
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (status < 0)
        return status;
    if (find_claim(seat, claim_to_read(object)))
        return cannot_lock(object, -EDEADLK);
    int64_t begun = 0;
    status = try_read(seat, rwlock);
    if (status == -EBUSY) {
        begun = neap__measure_begin(object->entry);
        status = wait_to_read(seat, rwlock, deadline);
    }
    if (NEAP__UNLIKELY(status < 0))
        return cannot_lock(object, status);
    if (NEAP__UNLIKELY(neap__measured(object->entry)))
        neap__measure_taken(object->entry, begun, false);
    return 0;
}


/* -- writing -------------------------------------------------------------- */

/* Somebody reads: -EBUSY. The dead do not. Dropped: -EIDRM. */
static int no_reader(struct neap__seat *seat, void *argument)
{
    struct neap__object *object = argument;
    struct neap_heap *heap = object->heap;
    uint64_t claim = claim_to_read(object);
    uint32_t high = atomic_load(&neap__header(heap)->slots_high);
    (void)seat;
    if (neap__object_gone(object))
        return -EIDRM;
    for (uint32_t i = 0; i < high; i++) {
        struct neap_sh_slot *slot = neap__slot_at(heap, i);
        if (!has_claim(slot, claim))
            continue;
        int status = neap__reap_slot(heap, i);
        if (status < 0)
            return status;
        if (has_claim(slot, claim))
            return -EBUSY;
    }
    return 0;
}


/* R3: who waits to read sees the word free, if only for a moment. */
static void let_readers_go(struct neap__object *object)
{
    struct neap_sh_entry *entry = object->entry;
    if (!atomic_load(&entry->limit) || !atomic_exchange(&entry->limit, 0))
        return;
    neap__lock_wake(&entry->lock, INT_MAX);
    int64_t until = neap_deadline_after(LET_READERS_GO);
    while (atomic_load(&entry->lock.word) == 0 && neap_now() < until)
        neap__futex_wait(&entry->lock.word, 0, until);
}


/* The word goes back to all who wait for it, readers and writers. */
static void free_word(struct neap__seat *seat, struct neap_sh_entry *entry,
                      neap_sh_word *held)
{
    if (neap__lock_give(seat, &entry->lock))
        neap__lock_wake(&entry->lock, INT_MAX);
    neap__crash_order();
    atomic_store_explicit(held, 0, memory_order_relaxed);
}


/* The word is had; now the readers that are in. `begun`: when this thread began
 * to wait, or 0. */
static int wait_for_readers(struct neap__seat *seat,
                            struct neap__object *object, neap_sh_word *held,
                            int64_t deadline, int64_t begun)
{
    struct neap_sh_entry *entry = object->entry;
    int status = revoke_bias(object);
    if (neap__measured(entry) && !begun &&
        no_reader(seat, object) == -EBUSY)
        begun = neap_now();
    if (status == 0)
        status = neap__wait_for(seat, entry, no_reader, object, deadline);
    if (status == 0 && neap__object_gone(object))
        status = -EIDRM;
    if (status < 0) {
        free_word(seat, entry, held);
        return status;
    }
    atomic_store_explicit(held,
                          neap__offset(object->heap, entry) | NEAP_SH_HELD_USER,
                          memory_order_relaxed);
    if (neap__measured(entry))
        neap__measure_taken(entry, begun, true);
    return atomic_load(&entry->abandoned) ? NEAP_ABANDONED : 0;
}


int neap_rwlock_write(neap_rwlock *rwlock, int64_t deadline)
{
    struct neap__object *object = &rwlock->object;
    struct neap_sh_entry *entry = object->entry;
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (status < 0)
        return status;
    if (find_claim(seat, claim_to_read(object)))
        return cannot_lock(object, -EDEADLK);
    neap_sh_word *held = neap__held_place(seat, object->id);
    if (!held)
        return cannot_lock(object, -EAGAIN);
    if (deadline != NEAP_NOW)
        let_readers_go(object);
    int64_t begun = 0;
    if (!neap__lock_free(seat, &entry->lock, held, 0)) {
        begun = neap__measure_begin(entry);
        neap__spin_wish = object->spin;
        status = neap__lock_slow(seat, &entry->lock, held, object->id,
                                 deadline);
        neap__spin_wish = 0;
    }
    if (status == 0)
        status = wait_for_readers(seat, object, held, deadline, begun);
    return status < 0 ? cannot_lock(object, status) : status;
}


/* -- giving back ---------------------------------------------------------- */

int neap_rwlock_unlock(neap_rwlock *rwlock)
{
    struct neap__object *object = &rwlock->object;
    struct neap__seat *seat = neap__seat_here(object->heap);
    neap_sh_word *held = NULL;
    if (seat && neap__lock_mine(seat, &object->entry->lock)) {
        held = neap__held_find(seat, neap__offset(object->heap,
                                                  object->entry));
        if (held && neap__measured(object->entry))
            neap__measure_given(object->entry);
        if (held)
            free_word(seat, object->entry, held);
    } else if (seat && (held = find_claim(seat, claim_to_read(object)))) {
        drop_claim(seat, object, held);
    }
    if (!held)
        return neap__fail(-EPERM, "heap %s: this thread does not hold rwlock "
                          "'%s'; only a holder unlocks it",
                          object->heap->address.text, object->name);
    return 0;
}


int neap_rwlock_repaired(neap_rwlock *rwlock)
{
    struct neap__object *object = &rwlock->object;
    if (neap_rwlock_mine(rwlock) != 2)
        return neap__fail(-EPERM, "heap %s: this thread does not hold rwlock "
                          "'%s' for writing; only a writer says that it is "
                          "repaired", object->heap->address.text, object->name);
    atomic_store(&object->entry->abandoned, 0);
    return 0;
}


int neap_rwlock_abandoned(neap_rwlock *rwlock, int32_t *ret_pid)
{
    struct neap__object *object = &rwlock->object;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    *ret_pid = (int32_t)atomic_load(&object->entry->abandoned);
    return 0;
}


int neap_rwlock_mine(neap_rwlock *rwlock)
{
    struct neap__object *object = &rwlock->object;
    struct neap__seat *seat = neap__seat_here(object->heap);
    if (!seat)
        return 0;
    if (neap__lock_mine(seat, &object->entry->lock))
        return 2;
    return find_claim(seat, claim_to_read(object)) != NULL;
}
