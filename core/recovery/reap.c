/*
 * Reaping. The reaper holds the dead slot's proof of life and acts in its
 * name: it uses the dead slot's tag, its list of held locks and its redo
 * record. So a reaper that dies leaves a dead slot in a state that a slot may
 * die in anyway, and the next reaper simply does it again (rule 4).
 *
 * The order, and why:
 *  1 the redo record, while the locks that cover its words are still held;
 *  2 the locks: users' mutexes are marked abandoned first; sleepers are woken
 *    whether or not the word was still the dead one's, for it may have died
 *    between giving the word up and waking the next;
 *  3 the words it was about to wake others on, and slept on itself: it may have
 *    swallowed the wake that was another's;
 *  4 its shares, each in a change of its own under the object's lock;
 *  5 a new incarnation, so that no old tag can be taken for a new owner's.
 */
#include "recovery/reap.h"

#include <limits.h>

#include "recovery/gate.h"
#include "recovery/lock.h"
#include "recovery/redo.h"
#include "recovery/share.h"
#include "recovery/wait.h"


/* Entries lie above all slots; anything else is no entry, whatever says so. */
static struct neap_sh_entry *entry_at(struct neap_heap *heap, uint64_t offset)
{
    return offset < neap__header(heap)->heap_offset
               ? NULL
               : neap__at(heap, offset, sizeof(struct neap_sh_entry),
                          NEAP_SH_GRAIN);
}


/* A held lock: the heap's own, or an entry's. */
static struct neap_sh_lock *lock_at(struct neap_heap *heap, uint64_t offset)
{
    struct neap_sh_header *header = neap__header(heap);
    if (offset == neap__offset(heap, &header->lock))
        return &header->lock;
    struct neap_sh_entry *entry = entry_at(heap, offset);
    return entry ? &entry->lock : NULL;
}


/* The flag lies in the entry whose lock this is. */
static void mark_abandoned(struct neap_sh_lock *lock, uint32_t pid)
{
    struct neap_sh_entry *entry = (struct neap_sh_entry *)lock;
    atomic_store_explicit(&entry->abandoned, pid ? pid : 1,
                          memory_order_relaxed);
}


/* A writer waits until no slot says that it reads: first the word, then the
 * wake; and should the reaper die between, the announcement stays. */
static void end_reading(struct neap__seat *ghost, neap_sh_word *held,
                        struct neap_sh_entry *entry)
{
    neap__waking(ghost, entry);
    atomic_store(held, 0);
    neap__wake_entry(entry, INT_MAX);
}


static void release_held(struct neap__seat *ghost, neap_sh_word *held)
{
    uint64_t claim = atomic_load_explicit(held, memory_order_relaxed);
    uint64_t offset = claim & ~NEAP_SH_HELD_FLAGS;
    struct neap_sh_lock *lock = lock_at(ghost->heap, offset);
    if (claim && lock) {
        if (neap__lock_mine(ghost, lock)) {
            if (claim & NEAP_SH_HELD_USER)
                mark_abandoned(lock, atomic_load(&ghost->slot->pid));
            neap__crash_order();
            atomic_exchange_explicit(&lock->word, 0, memory_order_release);
        }
        neap__lock_wake(lock, INT_MAX);
        if (claim & NEAP_SH_HELD_READ)
            end_reading(ghost, held, (struct neap_sh_entry *)lock);
    }
    neap__crash_order();
    atomic_store_explicit(held, 0, memory_order_relaxed);
}


static void finish_share(struct neap__tx *tx, struct neap_sh_entry *entry,
                         uint64_t value)
{
    neap__finisher *finisher =
        neap__finisher_of(neap_sh_what_kind(atomic_load(&entry->what)));
    if (finisher) {
        finisher(tx, entry, value);
        return;
    }
    neap__tx_set(tx, &entry->value, atomic_load(&entry->value) + value);
    neap__tx_set(tx, &entry->returns, atomic_load(&entry->returns) + 1);
}


int neap__share_return(struct neap__seat *ghost, struct neap_sh_share *share)
{
    uint64_t offset = atomic_load_explicit(&share->entry, memory_order_relaxed);
    struct neap_sh_entry *entry = entry_at(ghost->heap, offset);
    if (!entry)
        return neap__fail(NEAP_ECORRUPT,
                          "heap %s: a slot has a share of an object at offset "
                          "%llu, where none can be; run `neap check`",
                          ghost->heap->address.text,
                          (unsigned long long)offset);
    int status = neap__lock_inside(ghost, &entry->lock);
    if (status < 0)
        return status;

    struct neap__tx tx;
    neap__tx_begin(&tx, ghost);
    if (atomic_load(&entry->id) == atomic_load(&share->id))
        finish_share(&tx, entry, atomic_load(&share->value));
    neap__tx_set(&tx, &share->value, 0);
    neap__tx_set(&tx, &share->id, 0);
    neap__tx_set(&tx, &share->entry, 0);
    neap__waking(ghost, entry);
    status = neap__tx_commit(&tx);
    neap__unlock(ghost, &entry->lock);
    neap__woken(ghost, entry, INT_MAX);
    return status;
}


static int return_shares(struct neap__seat *ghost)
{
    if (NEAP__SABOTAGED(NEAP__WITHOUT_SHARES))
        return 0;
    struct neap_sh_share *shares = ghost->slot->shares;
    for (int i = 0; i < NEAP_SH_SHARES; i++) {
        if (!atomic_load_explicit(&shares[i].entry, memory_order_relaxed))
            continue;
        int status = neap__share_return(ghost, &shares[i]);
        if (status < 0)
            return status;
    }
    return 0;
}


/* What a wake was meant for may be asleep, or about to sleep, on the event
 * count; both learn of it. Any entry's count may be raised at any time. */
static void wake_all_on(struct neap_sh_entry *entry)
{
    neap__wake_entry(entry, INT_MAX);
    neap__lock_wake(&entry->lock, INT_MAX); /* those of a dropped mutex */
}


/*
 * All entries that have a name. Without the heap's lock, which whoever reaps
 * may hold itself: words and then table, for a table is never followed by a
 * smaller one, and holds nothing but entries' offsets for as long as the heap
 * lives. Who is missed because the table is rebuilt meanwhile wakes by its cap.
 */
static void wake_everybody(struct neap_heap *heap)
{
    struct neap_sh_header *header = neap__header(heap);
    uint64_t words = atomic_load(&header->table_words);
    uint64_t offset = atomic_load(&header->table);
    neap_sh_word *table = offset < header->heap_offset || words >> 32
                              ? NULL : neap__at(heap, offset, words * 8, 8);
    for (uint64_t i = 0; table && i < words; i++) {
        struct neap_sh_entry *entry =
            entry_at(heap, atomic_load(&table[i]) & NEAP_SH_TABLE_OFFSET);
        if (entry)
            wake_all_on(entry);
    }
}


static void finish_wake(struct neap_heap *heap, neap_sh_word *named)
{
    uint64_t offset = atomic_load_explicit(named, memory_order_relaxed);
    struct neap_sh_entry *entry = entry_at(heap, offset);
    if (offset == NEAP_SH_MANY)
        wake_everybody(heap);
    else if (entry)
        wake_all_on(entry);
    atomic_store_explicit(named, 0, memory_order_relaxed);
}


/* Tags of the next owner differ from all that the dead one left anywhere. */
static void next_incarnation(struct neap_sh_slot *slot)
{
    uint32_t next = (atomic_load(&slot->incarnation) + 1) &
                    NEAP_SH_TAG_INCARNATIONS;
    atomic_store(&slot->incarnation, next ? next : 1);
    atomic_store(&slot->blocked_on, 0);
    atomic_store(&slot->light, 0);
    atomic_store(&slot->places, 0);
    atomic_store(&slot->pid, 0);
    atomic_store(&slot->tid, 0);
}


int neap__slot_clean(struct neap_heap *heap, uint32_t index)
{
    struct neap_sh_slot *slot = neap__slot_at(heap, index);
    struct neap__seat ghost = {
        .heap = heap,
        .slot = slot,
        .tag = neap__tag(index, atomic_load(&slot->incarnation)),
    };
    if (!NEAP__SABOTAGED(NEAP__WITHOUT_REAP)) {
        int status = neap__redo_replay(heap, slot);
        if (status < 0)
            return status;
        for (int i = 0; i < NEAP_SH_HELD; i++)
            if (atomic_load_explicit(&slot->held[i], memory_order_relaxed))
                release_held(&ghost, &slot->held[i]);
        finish_wake(heap, &slot->waking);
        finish_wake(heap, &slot->waiting_on);
        status = return_shares(&ghost);
        if (status < 0)
            return status;
    }
    neap__crash_order();
    next_incarnation(slot);
    return 0;
}


int neap__slot_claim(struct neap_heap *heap, uint32_t index)
{
    struct neap_sh_life *life = &neap__slot_at(heap, index)->life;
    neap__life_prepare(life);
    if (!neap__life_sound(life))
        return neap__fail(NEAP_ECORRUPT,
                          "heap %s: the proof of life in slot %u is corrupted; "
                          "restore the heap from a copy", heap->address.text,
                          index);
    int gate = neap__gate_enter(heap);
    if (gate < 0)
        return gate;
    int status = neap__life_claim(life);
    bool ours = status == 0 || status == -EOWNERDEAD;
    if (ours)
        atomic_store(&neap__slot_at(heap, index)->tid, 0);
    neap__gate_leave(heap, gate);
    return ours ? status : -EBUSY;
}


static bool has_vanished(const struct neap_sh_slot *slot)
{
    uint32_t tid = atomic_load(&slot->tid);
    return tid && neap__life_thread(&slot->life) == tid &&
           slot->pid_namespace == neap__pid_namespace() &&
           neap__thread_vanished(atomic_load(&slot->pid), tid);
}


/*
 * One death goes unmarked: when a thread that is not its process's first calls
 * exec, the kernel gives it the first one's number before it looks at its
 * robust list, and then finds words that are not its own. Its old number is
 * nobody's from then on. At the gate, where no slot changes hands, a number
 * that is nobody's is proof enough.
 */
static void look_for_vanished(struct neap_heap *heap, uint32_t index)
{
    struct neap_sh_slot *slot = neap__slot_at(heap, index);
    if (!has_vanished(slot))
        return;
    int gate = neap__gate_enter(heap);
    if (gate < 0)
        return; /* another time */
    if (has_vanished(slot))
        neap__life_declare_dead(&slot->life);
    neap__gate_leave(heap, gate);
}


/* Out of turn rather than not at all: memory that is unmapped with a proof of
 * life in it hides the others of this thread from the kernel. Only of System V
 * heaps can it come to that, whose gate is opened each time. */
void neap__slot_release(struct neap_heap *heap, struct neap_sh_slot *slot)
{
    int gate = neap__gate_enter(heap);
    neap__life_release(&slot->life);
    if (gate >= 0)
        neap__gate_leave(heap, gate);
}


int neap__reap_slot(struct neap_heap *heap, uint32_t index)
{
    struct neap_sh_slot *slot = neap__slot_at(heap, index);
    if (neap__life_look(&slot->life) != NEAP__LIFE_DEAD)
        return 0;
    int claimed = neap__slot_claim(heap, index);
    if (claimed == -EBUSY)
        return 0; /* somebody else is at it */
    if (claimed < 0 && claimed != -EOWNERDEAD)
        return claimed;
    int status = neap__slot_clean(heap, index);
    if (status == 0 && claimed == -EOWNERDEAD)
        atomic_fetch_add(&neap__header(heap)->deaths, 1);
    neap__slot_release(heap, slot);
    return status < 0 ? status : claimed == -EOWNERDEAD;
}


int neap__reap(struct neap_heap *heap)
{
    int reaped = 0;
    uint32_t high = atomic_load(&neap__header(heap)->slots_high);
    uint32_t ready = atomic_load(&neap__header(heap)->slots_ready);
    for (uint32_t i = 0; i < high && i < ready; i++) {
        look_for_vanished(heap, i);
        int status = neap__reap_slot(heap, i);
        if (status < 0)
            return status;
        reaped += status;
    }
    return reaped;
}
