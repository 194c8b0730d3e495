/*
 * Walking everything and saying what is wrong. Reads only; every link is
 * checked before it is followed and every walk is bounded, so that any bytes
 * may be offered. On a heap that can be locked, the heap's lock is held, and
 * what changes without it (lock words, permits) is looked at again before it
 * counts as a problem.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap/check.h"
#include "neap/semaphore.h"
#include "recovery/share.h"

#define LOOKS 100 /* at what may be in the middle of a change */

void neap__problem(struct neap__walk *walk, uint64_t *kind, const char *format,
                   ...)
{
    neap_check_report *report = walk->report;
    report->problems++;
    ++*kind;
    size_t n = strlen(report->text);
    if (n + 2 >= sizeof report->text)
        return;
    if (n)
        report->text[n++] = '\n';
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(report->text + n, sizeof report->text - n, format, arguments);
    va_end(arguments);
}


/* -- slots ---------------------------------------------------------------- */

static void check_free_slot(struct neap__walk *walk, uint32_t index,
                            struct neap_sh_slot *slot)
{
    if (atomic_load(&slot->redo.committed))
        neap__problem(walk, &walk->report->torn, "slot %u is free but has a "
                      "change in hand", index);
    for (int i = 0; i < NEAP_SH_HELD; i++)
        if (atomic_load(&slot->held[i]))
            neap__problem(walk, &walk->report->leaks, "slot %u is free but "
                          "holds the lock at offset %llu", index,
                          (ull)atomic_load(&slot->held[i]));
    for (int i = 0; i < NEAP_SH_SHARES; i++)
        if (atomic_load(&slot->shares[i].entry))
            neap__problem(walk, &walk->report->leaks, "slot %u is free but has "
                          "a share of object %llu", index,
                          (ull)atomic_load(&slot->shares[i].id));
}


/* Whoever takes or leaves it meanwhile is seen on the second look. */
static void check_slots(struct neap__walk *walk)
{
    uint32_t high = atomic_load(&walk->header->slots_high);
    uint32_t ready = atomic_load(&walk->header->slots_ready);
    for (uint32_t i = 0; i < high && i < ready; i++) {
        struct neap_sh_slot *slot = neap__slot_at(walk->heap, i);
        if (!neap__life_sound(&slot->life))
            neap__problem(walk, &walk->report->torn, "slot %u: its proof of "
                          "life is none", i);
        uint32_t incarnation = atomic_load(&slot->incarnation);
        if (neap__life_look(&slot->life) != NEAP__LIFE_FREE)
            continue;
        neap_check_report before = *walk->report;
        check_free_slot(walk, i, slot);
        if (neap__life_look(&slot->life) != NEAP__LIFE_FREE ||
            atomic_load(&slot->incarnation) != incarnation)
            *walk->report = before;
    }
}


/* -- objects -------------------------------------------------------------- */

/* Owned by a slot that is not there, and not for a moment only? */
static bool owner_is_nobody(struct neap__walk *walk, struct neap_sh_lock *lock)
{
    for (int i = 0; i < LOOKS; i++) {
        uint32_t word = atomic_load(&lock->word);
        uint32_t index = word & NEAP_SH_TAG_SLOT;
        if (word == 0)
            return false;
        if (index >= atomic_load(&walk->header->slots_ready))
            return true;
        struct neap_sh_slot *slot = neap__slot_at(walk->heap, index);
        if (neap__life_look(&slot->life) != NEAP__LIFE_FREE &&
            neap__tag(index, atomic_load(&slot->incarnation)) == word)
            return false;
    }
    return true;
}


static void check_lock(struct neap__walk *walk, struct neap_sh_entry *entry)
{
    if (owner_is_nobody(walk, &entry->lock))
        neap__problem(walk, &walk->report->leaks, "'%.*s' is locked by %#x, "
                      "which is nobody", NEAP_NAME_MAX, entry->name,
                      atomic_load(&entry->lock.word));
}


/* A cell's tag is somebody's who has a share, so that it will be emptied. */
static bool cell_is_known(struct neap__walk *walk, struct neap_sh_entry *entry,
                          _Atomic uint32_t *cell)
{
    uint64_t id = atomic_load(&entry->id);
    for (int i = 0; i < LOOKS; i++) {
        uint32_t tag = atomic_load(cell), index = tag & NEAP_SH_TAG_SLOT;
        if (tag == 0)
            return true;
        if (index >= atomic_load(&walk->header->slots_ready))
            continue;
        struct neap_sh_slot *slot = neap__slot_at(walk->heap, index);
        bool same = neap__tag(index, atomic_load(&slot->incarnation)) == tag;
        for (int k = 0; same && k < NEAP_SH_SHARES; k++)
            if (atomic_load(&slot->shares[k].entry) ==
                    neap__offset(walk->heap, entry) &&
                atomic_load(&slot->shares[k].id) == id)
                return true;
    }
    return false;
}


static void check_cells(struct neap__walk *walk, struct neap_sh_entry *entry)
{
    uint32_t n = neap_sh_cell_count(entry);
    for (uint32_t i = 0; i < n; i++)
        if (!cell_is_known(walk, entry, &entry->cells[i]))
            neap__problem(walk, &walk->report->leaks, "semaphore '%.*s': a "
                          "permit belongs to %#x, which is nobody",
                          NEAP_NAME_MAX, entry->name,
                          atomic_load(&entry->cells[i]));
}


static bool permits_add_up(struct neap__walk *walk, struct neap_sh_entry *entry)
{
    for (int i = 0; i < LOOKS; i++)
        if (atomic_load(&entry->value) +
                neap__shares_sum(walk->heap, atomic_load(&entry->id)) ==
            atomic_load(&entry->limit))
            return true;
    return false;
}


/* Each party that waits has a share, which says in which phase. */
static bool parties_add_up(struct neap__walk *walk, struct neap_sh_entry *entry)
{
    for (int i = 0; i < LOOKS; i++) {
        uint64_t value = atomic_load(&entry->value);
        uint64_t id = atomic_load(&entry->id), share = (value >> 32) + 1;
        if (neap__shares_count(walk->heap, id, share) == (value & UINT32_MAX))
            return true;
    }
    return false;
}


/* Likewise of a condition, where a 1 says that it waits. */
static bool waiters_add_up(struct neap__walk *walk, struct neap_sh_entry *entry)
{
    for (int i = 0; i < LOOKS; i++)
        if (neap__shares_count(walk->heap, atomic_load(&entry->id), 1) ==
            (atomic_load(&entry->value) & UINT32_MAX))
            return true;
    return false;
}


static void check_array(struct neap__walk *walk, struct neap_sh_entry *entry)
{
    walk->arrays++;
    struct neap_sh_extent *extent =
        neap__extent_at(walk->heap, atomic_load(&entry->extent));
    uint64_t what = atomic_load(&entry->what);
    uint64_t bytes = neap_type_size((neap_type)neap_sh_what_type(what));
    uint32_t dimensions = neap_sh_what_dimensions(what);
    bool overflow = !dimensions || dimensions > NEAP_DIMENSIONS_MAX || !bytes;
    for (uint32_t i = 0; !overflow && i < dimensions; i++)
        overflow = __builtin_mul_overflow(bytes, entry->shape[i], &bytes);
    if (!extent || overflow || atomic_load(&extent->state) != NEAP_SH_USED ||
        bytes > extent->size)
        neap__problem(walk, &walk->report->torn, "array '%.*s' has no memory "
                      "for its shape", NEAP_NAME_MAX, entry->name);
    else if (atomic_load(&extent->owner) != neap__offset(walk->heap, entry))
        neap__problem(walk, &walk->report->doubles, "the memory of array "
                      "'%.*s' belongs to another", NEAP_NAME_MAX, entry->name);
}


static void check_entry(struct neap__walk *walk, struct neap_sh_entry *entry)
{
    uint64_t what = atomic_load(&entry->what);
    check_lock(walk, entry);
    switch (neap_sh_what_kind(what)) {
    case NEAP_OBJECT_ARRAY:
        check_array(walk, entry);
        break;
    case NEAP_OBJECT_SEMAPHORE:
        check_cells(walk, entry);
        if (neap_sh_what_variant(what) == NEAP_SEMAPHORE_UNDO &&
            !permits_add_up(walk, entry))
            neap__problem(walk, &walk->report->leaks, "semaphore '%.*s': "
                          "permits there and held are not the %llu that it has",
                          NEAP_NAME_MAX, entry->name,
                          (ull)atomic_load(&entry->limit));
        break;
    case NEAP_OBJECT_BARRIER:
        if (!parties_add_up(walk, entry))
            neap__problem(walk, &walk->report->leaks, "barrier '%.*s': not as "
                          "many wait as it says", NEAP_NAME_MAX, entry->name);
        break;
    case NEAP_OBJECT_CONDITION:
        if (!waiters_add_up(walk, entry))
            neap__problem(walk, &walk->report->leaks, "condition '%.*s': not "
                          "as many wait as it says", NEAP_NAME_MAX,
                          entry->name);
        break;
    case NEAP_OBJECT_COUNTER:
    case NEAP_OBJECT_MUTEX:
    case NEAP_OBJECT_EVENT:
    case NEAP_OBJECT_LATCH:
    case NEAP_OBJECT_RWLOCK:
    case NEAP_OBJECT_ONCE:
        break;
    default:
        neap__problem(walk, &walk->report->torn, "'%.*s' is of no kind",
                      NEAP_NAME_MAX, entry->name);
    }
}


/* A search begins at the word of the hash: none that was never used may lie
 * between there and here, nor the same object. */
static void check_place(struct neap__walk *walk, neap_sh_word *table,
                        uint64_t words, uint64_t place,
                        const struct neap_sh_entry *entry)
{
    uint64_t value = atomic_load(&table[place]);
    for (uint64_t i = entry->hash & (words - 1); i != place;
         i = (i + 1) & (words - 1)) {
        uint64_t before = atomic_load(&table[i]);
        if (before == value)
            neap__problem(walk, &walk->report->doubles, "'%s' is in the "
                          "directory twice", entry->name);
        if (before == 0) {
            neap__problem(walk, &walk->report->leaks, "'%s' cannot be found in "
                          "the directory", entry->name);
            return;
        }
    }
}


static void check_word(struct neap__walk *walk, neap_sh_word *table,
                       uint64_t words, uint64_t place)
{
    uint64_t value = atomic_load(&table[place]);
    struct neap_sh_entry *entry =
        neap__entry_at(walk->heap, value & NEAP_SH_TABLE_OFFSET);
    if (!entry || !atomic_load(&entry->id) ||
        memchr(entry->name, 0, sizeof entry->name) == NULL ||
        neap__name_hash(entry->name) != entry->hash ||
        (entry->hash ^ value) & ~NEAP_SH_TABLE_OFFSET) {
        neap__problem(walk, &walk->report->torn, "word %llu of the directory "
                      "names no object", (ull)place);
        return;
    }
    walk->report->objects++;
    check_place(walk, table, words, place, entry);
    check_entry(walk, entry);
}


static void check_directory(struct neap__walk *walk)
{
    uint64_t words, used = 0;
    neap_sh_word *table = neap__table(walk->heap, &words);
    if (!table) {
        neap__problem(walk, &walk->report->torn, "the directory is not where "
                      "it is said to be");
        return;
    }
    for (uint64_t i = 0; i < words; i++) {
        uint64_t value = atomic_load(&table[i]);
        used += value != 0;
        if (value > NEAP__TABLE_DROPPED)
            check_word(walk, table, words, i);
    }
    if (used != atomic_load(&walk->header->table_used) ||
        walk->report->objects != atomic_load(&walk->header->objects))
        neap__problem(walk, &walk->report->torn, "%llu objects in %llu words "
                      "of the directory, and %llu in %llu are said to be",
                      (ull)walk->report->objects, (ull)used,
                      (ull)atomic_load(&walk->header->objects),
                      (ull)atomic_load(&walk->header->table_used));
    if (walk->arrays < walk->extents_used)
        neap__problem(walk, &walk->report->leaks, "%llu extents for %llu "
                      "arrays", (ull)walk->extents_used, (ull)walk->arrays);
}


static void check_free_entries(struct neap__walk *walk)
{
    uint64_t n = 0, last = 0;
    uint64_t count = atomic_load(&walk->header->entry_count);
    uint64_t at = atomic_load(&walk->header->entry_head);
    while (at && n <= count) {
        struct neap_sh_entry *entry = neap__entry_at(walk->heap, at);
        if (!entry || atomic_load(&entry->id)) {
            neap__problem(walk, &walk->report->doubles, "the queue of free "
                          "entries holds one in use, at offset %llu", (ull)at);
            break;
        }
        n++;
        last = at;
        at = atomic_load(&entry->next);
    }
    if (n != count || last != atomic_load(&walk->header->entry_tail))
        neap__problem(walk, &walk->report->torn, "the queue of free entries "
                      "has %llu, and %llu are said to be", (ull)n, (ull)count);
    uint64_t total = atomic_load(&walk->header->entry_total);
    uint64_t objects = atomic_load(&walk->header->objects);
    if (count + objects != total)
        neap__problem(walk, &walk->report->leaks, "of %llu entries %llu are in "
                      "use and %llu free", (ull)total, (ull)objects,
                      (ull)count);
}


/* -- the call ------------------------------------------------------------- */

static void check_all(struct neap_heap *heap, neap_check_report *report)
{
    struct neap__walk walk = {
        .heap = heap,
        .header = neap__header(heap),
        .report = report,
    };
    memset(report, 0, sizeof *report);
    check_slots(&walk);
    neap__check_extents(&walk);
    check_directory(&walk);
    check_free_entries(&walk);
}


/* Without the lock a walk counts only if nothing changed on the way. */
static int check_read_only(struct neap_heap *heap, neap_check_report *report)
{
    struct neap_sh_header *header = neap__header(heap);
    for (int i = 0; i < LOOKS; i++) {
        uint64_t version = atomic_load(&header->version);
        check_all(heap, report);
        if (report->problems == 0 ||
            (atomic_load(&header->version) == version &&
             atomic_load(&header->lock.word) == 0))
            return 0;
    }
    return neap__fail(-EAGAIN, "heap %s changes too fast to be checked without "
                      "its lock; open it for writing", heap->address.text);
}


static int check_locked(struct neap_heap *heap, neap_check_report *report)
{
    struct neap__seat *seat;
    int status = neap__heap_lock(heap, &seat);
    if (status < 0)
        return status;
    check_all(heap, report);
    neap__unlock(seat, &neap__header(heap)->lock);
    return 0;
}


int neap_heap_check(neap_heap *heap, neap_check_report *ret_report)
{
    neap_check_report *report = malloc(sizeof *report);
    if (!report)
        return neap__fail_why(-ENOMEM, "cannot check heap %s",
                              heap->address.text);
    int status = heap->read_only ? check_read_only(heap, report)
                                 : check_locked(heap, report);
    if (status == 0)
        *ret_report = *report;
    free(report);
    return status;
}
