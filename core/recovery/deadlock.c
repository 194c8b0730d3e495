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
    bool stuck[NEAP_SH_SLOTS_MAX + 1];
};

/* Told of each slot that another one waits for. @return true to stop. */
typedef bool edge_look(void *context, uint32_t from, uint32_t to);


/* -- what a slot waits for ------------------------------------------------ */

static uint64_t *word_of(struct neap_sh_slot *slot, uint32_t n)
{
    struct neap_sh_store *store = &slot->redo.stores[n / 2];
    return n % 2 ? &store->value : &store->offset;
}


void neap__blocked_add(struct neap__seat *seat, uint32_t n, uint64_t what)
{
    if (n < NEAP__BLOCKED_MOST)
        __atomic_store_n(word_of(seat->slot, n), what, __ATOMIC_RELAXED);
}


void neap__blocked_many(struct neap__seat *seat, uint32_t n, int64_t since)
{
    struct neap_sh_slot *slot = seat->slot;
    neap__blocked_add(seat, n, 0);
    atomic_store_explicit(&slot->blocked_since, (uint64_t)since,
                          memory_order_relaxed);
    atomic_store_explicit(&slot->blocked_on,
                          NEAP__BLOCKED_MANY |
                              (seat->heap->deadlock_error ? NEAP__BLOCKED_ASKS
                                                          : 0),
                          memory_order_release);
}


static bool waits_for_many(struct neap_heap *heap, uint32_t index)
{
    return atomic_load(&neap__slot_at(heap, index)->blocked_on) &
           NEAP__BLOCKED_MANY;
}


/* The nth offset, 0 after the last. */
static uint64_t blocked_word(struct neap_heap *heap, uint32_t index, uint32_t n)
{
    struct neap_sh_slot *slot = neap__slot_at(heap, index);
    uint64_t what = atomic_load(&slot->blocked_on);
    if (!(what & NEAP__BLOCKED_MANY))
        return n ? 0 : what & ~(uint64_t)NEAP__BLOCKED_ASKS;
    if (n >= NEAP__BLOCKED_MOST)
        return 0;
    uint64_t word = __atomic_load_n(word_of(slot, n), __ATOMIC_ACQUIRE);
    return atomic_load(&slot->blocked_on) == what ? word : 0;
}


static struct neap_sh_entry *entry_at(struct neap_heap *heap, uint64_t offset)
{
    return offset < neap__header(heap)->heap_offset
               ? NULL : neap__at(heap, offset, sizeof(struct neap_sh_entry),
                                 NEAP_SH_GRAIN);
}


struct neap_sh_entry *neap__blocked_entry(struct neap_heap *heap,
                                          uint32_t index, uint32_t n)
{
    return entry_at(heap, blocked_word(heap, index, n));
}


/* -- who waits for whom --------------------------------------------------- */

static uint32_t slots_used(struct neap_heap *heap)
{
    uint32_t ready = atomic_load(&neap__header(heap)->slots_ready);
    uint32_t high = atomic_load(&neap__header(heap)->slots_high);
    return high < ready ? high : ready;
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


static bool edge_of(struct neap_heap *heap, uint32_t high, uint32_t index,
                    struct neap_sh_entry *entry, edge_look *look, void *context)
{
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


static bool each_edge(struct neap_heap *heap, uint32_t high, uint32_t index,
                      edge_look *look, void *context)
{
    uint64_t offset;
    for (uint32_t n = 0; (offset = blocked_word(heap, index, n)); n++)
        if (edge_of(heap, high, index, entry_at(heap, offset), look, context))
            return true;
    return false;
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


static bool is_stuck(void *context, uint32_t from, uint32_t to)
{
    (void)from;
    return ((struct walk *)context)->stuck[to];
}


/* Could it, if those went on that are not stuck? Of a semaphore, an event,
 * nobody can be told who will give it. */
static bool can_go_on(struct walk *walk, uint32_t index)
{
    uint64_t offset;
    if (!waits_for_many(walk->heap, index))
        return !each_edge(walk->heap, walk->high, index, is_stuck, walk);
    for (uint32_t n = 0; (offset = blocked_word(walk->heap, index, n)); n++) {
        struct neap_sh_entry *entry = entry_at(walk->heap, offset);
        if (!entry || neap_sh_what_kind(atomic_load(&entry->what)) !=
                          NEAP_OBJECT_MUTEX ||
            !edge_of(walk->heap, walk->high, index, entry, is_stuck, walk))
            return true;
    }
    return false;
}


/* All that the slot can come to are stuck, but for those that can go on, and
 * for whoever waits for these, and so on. */
static bool stays_stuck(struct walk *walk, uint32_t index)
{
    bool changed;
    while (walk->head < walk->tail)
        each_edge(walk->heap, walk->high, walk->queue[walk->head++], come_to,
                  walk);
    for (uint32_t i = 0; i < walk->tail; i++)
        walk->stuck[walk->queue[i]] = true;
    do {
        changed = false;
        for (uint32_t i = 0; i < walk->tail; i++) {
            uint32_t at = walk->queue[i];
            if (walk->stuck[at] && can_go_on(walk, at)) {
                walk->stuck[at] = false;
                changed = true;
            }
        }
    } while (changed);
    return walk->stuck[index];
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
    walk.high = slots_used(heap);
    if (index >= walk.high)
        return false;
    memset(walk.from, 0xff, sizeof walk.from);
    each_edge(heap, walk.high, index, come_to, &walk);
    while (walk.head < walk.tail && walk.from[index] == NOBODY)
        each_edge(heap, walk.high, walk.queue[walk.head++], come_to, &walk);
    if (walk.from[index] == NOBODY || !collect(&walk, index, ret_cycle))
        return false;
    bool many = false;
    for (uint32_t i = 0; i < ret_cycle->count; i++)
        many |= waits_for_many(heap, ret_cycle->slots[i]);
    return (!many || stays_stuck(&walk, index)) &&
           still_there(heap, walk.high, ret_cycle);
}


/* What the one waits for and the other has. */
static struct neap_sh_entry *link_entry(struct neap_heap *heap, uint32_t from,
                                        uint32_t to)
{
    uint64_t offset;
    for (uint32_t n = 0; (offset = blocked_word(heap, from, n)); n++)
        if (edge_of(heap, slots_used(heap), from, entry_at(heap, offset),
                    is_link, &to))
            return entry_at(heap, offset);
    return NULL;
}


void neap__cycle_text(struct neap_heap *heap, const struct neap__cycle *cycle,
                      char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < cycle->count && at < size; i++) {
        uint32_t next = cycle->slots[(i + 1) % cycle->count];
        struct neap_sh_entry *entry = link_entry(heap, cycle->slots[i], next);
        struct neap_sh_slot *waits = neap__slot_at(heap, cycle->slots[i]);
        struct neap_sh_slot *has = neap__slot_at(heap, next);
        int n = snprintf(text + at, size - at, "%sprocess %u (thread %u) waits "
                         "for %s'%.*s', which process %u (thread %u) has",
                         i ? "; " : "", atomic_load(&waits->pid),
                         atomic_load(&waits->tid),
                         waits_for_many(heap, cycle->slots[i])
                             ? "any of several, among them " : "",
                         NEAP_NAME_MAX,
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
