/* Who holds and waits, see neap/locks.h. */
#include "neap/locks.h"

#include <string.h>

#include "heap/heap.h"
#include "recovery/deadlock.h"

/* Of each slot first the locks, then the shares, then what it waits for. */
enum { PLACES = NEAP_SH_HELD + NEAP_SH_SHARES + NEAP__BLOCKED_MOST };


const char *neap_use_role_name(neap_use_role role)
{
    static const char *const names[] = {"?", "holds", "reads", "waits"};
    return (unsigned)role < NEAP__COUNT(names) ? names[role] : "?";
}


/* False if there is no object any more. */
static bool name_it(struct neap_sh_entry *entry, neap_lock_use *use)
{
    uint64_t id = atomic_load(&entry->id);
    use->kind = (neap_object_kind)neap_sh_what_kind(atomic_load(&entry->what));
    memcpy(use->name, entry->name, NEAP_NAME_MAX);
    use->name[NEAP_NAME_MAX] = '\0';
    return id && atomic_load(&entry->id) == id;
}


static int64_t held_for(struct neap_sh_entry *entry, neap_object_kind kind)
{
    uint64_t since = 0;
    if ((kind == NEAP_OBJECT_MUTEX || kind == NEAP_OBJECT_RWLOCK) &&
        atomic_load(&entry->measured))
        since = atomic_load(&entry->since);
    return since ? neap_now() - (int64_t)since : -1;
}


static bool look_at_lock(struct neap_heap *heap, struct neap_sh_slot *slot,
                         uint32_t place, neap_lock_use *use)
{
    uint64_t claim = atomic_load(&slot->held[place]);
    struct neap_sh_entry *entry =
        neap__entry_at(heap, claim & ~NEAP_SH_HELD_FLAGS);
    if (!claim || !entry || !name_it(entry, use))
        return false;
    uint32_t tag = neap__tag(use->slot, atomic_load(&slot->incarnation));
    if (claim & NEAP_SH_HELD_READ) {
        use->role = NEAP_USE_READS;
        return true;
    }
    use->role = NEAP_USE_HOLDS;
    use->held = held_for(entry, use->kind);
    return claim & NEAP_SH_HELD_USER && atomic_load(&entry->lock.word) == tag;
}


static bool look_at_share(struct neap_heap *heap, struct neap_sh_slot *slot,
                          uint32_t place, neap_lock_use *use)
{
    struct neap_sh_share *share = &slot->shares[place];
    struct neap_sh_entry *entry = neap__entry_at(heap,
                                                 atomic_load(&share->entry));
    uint32_t tag = neap__tag(use->slot, atomic_load(&slot->incarnation));
    use->permits = entry && neap_sh_cell_count(entry)
                       ? neap_sh_cells_of(entry, tag)
                       : atomic_load(&share->value);
    use->role = NEAP_USE_HOLDS;
    return entry && use->permits && name_it(entry, use) &&
           use->kind == NEAP_OBJECT_SEMAPHORE &&
           atomic_load(&share->id) == atomic_load(&entry->id);
}


static bool look_at_wait(struct neap_heap *heap, struct neap_sh_slot *slot,
                         uint32_t place, neap_lock_use *use)
{
    struct neap_sh_entry *entry = neap__blocked_entry(heap, use->slot, place);
    int64_t since = (int64_t)atomic_load(&slot->blocked_since);
    use->role = NEAP_USE_WAITS;
    use->waited = neap_now() - since;
    return entry && name_it(entry, use);
}


static bool look_at(struct neap_heap *heap, uint64_t at, neap_lock_use *use)
{
    uint32_t index = (uint32_t)(at / PLACES), place = (uint32_t)(at % PLACES);
    struct neap_sh_slot *slot = neap__slot_at(heap, index);
    *use = (neap_lock_use){
        .slot = index,
        .pid = (int32_t)atomic_load(&slot->pid),
        .tid = (int32_t)atomic_load(&slot->tid),
        .held = -1,
        .dead = neap__life_look(&slot->life) == NEAP__LIFE_DEAD,
    };
    if (place < NEAP_SH_HELD)
        return look_at_lock(heap, slot, place, use);
    if (place < NEAP_SH_HELD + NEAP_SH_SHARES)
        return look_at_share(heap, slot, place - NEAP_SH_HELD, use);
    return look_at_wait(heap, slot, place - NEAP_SH_HELD - NEAP_SH_SHARES, use);
}


static uint32_t slots_used(struct neap_heap *heap)
{
    uint32_t high = atomic_load(&neap__header(heap)->slots_high);
    uint32_t ready = atomic_load(&neap__header(heap)->slots_ready);
    return high < ready ? high : ready;
}


int neap_heap_next_use(neap_heap *heap, uint64_t *cursor,
                       neap_lock_use *ret_use)
{
    uint64_t end = (uint64_t)slots_used(heap) * PLACES;
    while (*cursor < end)
        if (look_at(heap, (*cursor)++, ret_use))
            return NEAP_MORE;
    return 0;
}


/* Each cycle once: at its lowest slot. */
static bool is_lowest(const struct neap__cycle *cycle)
{
    for (uint32_t i = 1; i < cycle->count; i++)
        if (cycle->slots[i] < cycle->slots[0])
            return false;
    return true;
}


int neap_heap_next_deadlock(neap_heap *heap, uint64_t *cursor,
                            neap_deadlock *ret_deadlock)
{
    struct neap__cycle cycle;
    while (*cursor < slots_used(heap)) {
        uint32_t index = (uint32_t)(*cursor)++;
        if (!neap__blocked_entry(heap, index, 0) ||
            !neap__cycle_find(heap, index, &cycle) || !is_lowest(&cycle))
            continue;
        ret_deadlock->count = cycle.count;
        memcpy(ret_deadlock->slots, cycle.slots, sizeof cycle.slots);
        neap__cycle_text(heap, &cycle, ret_deadlock->text,
                         sizeof ret_deadlock->text);
        return NEAP_MORE;
    }
    return 0;
}
