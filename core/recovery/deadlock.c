/* Deadlocks, see deadlock.h. */
#include "recovery/deadlock.h"

#include <stdio.h>
#include <string.h>

#define NOBODY 0xffffu

struct walk {
    struct neap_heap *heap;
    uint32_t high;
    uint16_t from[NEAP_SH_SLOTS_MAX + 1];  /* who waits for it; NOBODY: not yet
                                              come to */
    uint16_t queue[NEAP_SH_SLOTS_MAX + 1];
    uint32_t head, tail;
};

/* Told of each slot that another one waits for. @return true to stop. */
typedef bool edge_look(void *context, uint32_t from, uint32_t to);


struct neap_sh_entry *neap__blocked_entry(struct neap_heap *heap,
                                          uint32_t index)
{
    uint64_t offset = atomic_load(&neap__slot_at(heap, index)->blocked_on) &
                      ~(uint64_t)NEAP__BLOCKED_ASKS;
    return offset < neap__header(heap)->heap_offset
               ? NULL : neap__at(heap, offset, sizeof(struct neap_sh_entry),
                                 NEAP_SH_GRAIN);
}


static bool lives(struct neap_heap *heap, uint32_t index)
{
    return neap__life_look(&neap__slot_at(heap, index)->life) ==
           NEAP__LIFE_ALIVE;
}


static bool reads(struct neap_heap *heap, uint32_t index, uint64_t claim)
{
    struct neap_sh_slot *slot = neap__slot_at(heap, index);
    for (int i = 0; i < NEAP_SH_HELD; i++)
        if (atomic_load(&slot->held[i]) == claim)
            return true;
    return false;
}


/* A writer that has the word waits for all that read. */
static bool each_reader(struct neap_heap *heap, uint32_t high, uint32_t index,
                        struct neap_sh_entry *entry, edge_look *look,
                        void *context)
{
    uint64_t claim = neap__offset(heap, entry) | NEAP_SH_HELD_READ;
    for (uint32_t i = 0; i < high; i++)
        if (i != index && reads(heap, i, claim) && lives(heap, i) &&
            look(context, index, i))
            return true;
    return false;
}


static bool each_edge(struct neap_heap *heap, uint32_t high, uint32_t index,
                      edge_look *look, void *context)
{
    struct neap_sh_entry *entry = neap__blocked_entry(heap, index);
    uint32_t word = entry ? atomic_load(&entry->lock.word) : 0;
    uint32_t owner = word & NEAP_SH_TAG_SLOT;
    if (!word || owner >= high)
        return false;
    if (owner == index)
        return each_reader(heap, high, index, entry, look, context);
    struct neap_sh_slot *slot = neap__slot_at(heap, owner);
    return neap__tag(owner, atomic_load(&slot->incarnation)) == word &&
           lives(heap, owner) && look(context, index, owner);
}


static bool come_to(void *context, uint32_t from, uint32_t to)
{
    struct walk *walk = context;
    if (walk->from[to] == NOBODY) {
        walk->from[to] = (uint16_t)from;
        walk->queue[walk->tail++] = (uint16_t)to;
    }
    return false;
}


static bool is_link(void *context, uint32_t from, uint32_t to)
{
    (void)from;
    return to == *(uint32_t *)context;
}


/* The second look. */
static bool still_there(struct neap_heap *heap, uint32_t high,
                        const struct neap__cycle *cycle)
{
    for (uint32_t i = 0; i < cycle->count; i++) {
        uint32_t next = cycle->slots[(i + 1) % cycle->count];
        if (!each_edge(heap, high, cycle->slots[i], is_link, &next))
            return false;
    }
    return true;
}


/* From the slot backwards along who waits for whom, until it comes again. */
static bool collect(const struct walk *walk, uint32_t index,
                    struct neap__cycle *cycle)
{
    uint32_t back[NEAP__CYCLE_MOST], n = 0, at = index;
    do {
        if (n == NEAP__CYCLE_MOST)
            return false;
        back[n++] = at;
        at = walk->from[at];
    } while (at != index);
    cycle->count = n;
    cycle->slots[0] = index;
    for (uint32_t i = 1; i < n; i++)
        cycle->slots[i] = back[n - i];
    return true;
}


bool neap__cycle_find(struct neap_heap *heap, uint32_t index,
                      struct neap__cycle *ret_cycle)
{
    struct walk walk = {.heap = heap};
    uint32_t ready = atomic_load(&neap__header(heap)->slots_ready);
    walk.high = atomic_load(&neap__header(heap)->slots_high);
    if (walk.high > ready)
        walk.high = ready;
    if (index >= walk.high)
        return false;
    memset(walk.from, 0xff, sizeof walk.from);
    each_edge(heap, walk.high, index, come_to, &walk);
    while (walk.head < walk.tail && walk.from[index] == NOBODY)
        each_edge(heap, walk.high, walk.queue[walk.head++], come_to, &walk);
    return walk.from[index] != NOBODY && collect(&walk, index, ret_cycle) &&
           still_there(heap, walk.high, ret_cycle);
}


void neap__cycle_text(struct neap_heap *heap, const struct neap__cycle *cycle,
                      char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < cycle->count && at < size; i++) {
        struct neap_sh_entry *entry = neap__blocked_entry(heap,
                                                          cycle->slots[i]);
        struct neap_sh_slot *waits = neap__slot_at(heap, cycle->slots[i]);
        struct neap_sh_slot *has = neap__slot_at(
            heap, cycle->slots[(i + 1) % cycle->count]);
        int n = snprintf(text + at, size - at, "%sprocess %u (thread %u) waits "
                         "for '%.*s', which process %u (thread %u) has",
                         i ? "; " : "", atomic_load(&waits->pid),
                         atomic_load(&waits->tid), NEAP_NAME_MAX,
                         entry ? entry->name : "?", atomic_load(&has->pid),
                         atomic_load(&has->tid));
        at += n > 0 ? (size_t)n : 0;
    }
}


/* Of two that ask, the one that came later gives up. */
static bool is_last(struct neap_heap *heap, const struct neap__cycle *cycle)
{
    uint32_t mine = cycle->slots[0];
    uint64_t since = atomic_load(&neap__slot_at(heap, mine)->blocked_since);
    for (uint32_t i = 1; i < cycle->count; i++) {
        struct neap_sh_slot *slot = neap__slot_at(heap, cycle->slots[i]);
        uint64_t other = atomic_load(&slot->blocked_since);
        if (atomic_load(&slot->blocked_on) & NEAP__BLOCKED_ASKS &&
            (other > since || (other == since && cycle->slots[i] > mine)))
            return false;
    }
    return true;
}


int neap__cycle_check(struct neap__seat *seat)
{
    struct neap__cycle cycle;
    char text[600];
    if (!seat->heap->deadlock_error ||
        !neap__cycle_find(seat->heap, seat->tag & NEAP_SH_TAG_SLOT, &cycle) ||
        !is_last(seat->heap, &cycle))
        return 0;
    neap__cycle_text(seat->heap, &cycle, text, sizeof text);
    return neap__fail(NEAP__CYCLE, "heap %s: waiting would close a cycle, in "
                      "which nobody ever goes on: %s; give back what you have, "
                      "and try again", seat->heap->address.text, text);
}
