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

#include "heap/heap.h"
#include "neap/semaphore.h"
#include "recovery/share.h"

#define LOOKS 100 /* at what may be in the middle of a change */

typedef unsigned long long ull;

struct walk {
    struct neap_heap *heap;
    struct neap_sh_header *header;
    neap_check_report *report;
    uint64_t extents_in_use; /* records that describe bytes */
    uint64_t extents_used;   /* of them, data of arrays */
    uint64_t arrays;
    uint64_t meta_bytes;     /* of meta chunks */
};


__attribute__((format(printf, 3, 4)))
static void problem(struct walk *walk, uint64_t *kind, const char *format, ...)
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

static void check_free_slot(struct walk *walk, uint32_t index,
                            struct neap_sh_slot *slot)
{
    if (atomic_load(&slot->redo.committed))
        problem(walk, &walk->report->torn, "slot %u is free but has a change "
                "in hand", index);
    for (int i = 0; i < NEAP_SH_HELD; i++)
        if (atomic_load(&slot->held[i]))
            problem(walk, &walk->report->leaks, "slot %u is free but holds the "
                    "lock at offset %llu", index,
                    (ull)atomic_load(&slot->held[i]));
    for (int i = 0; i < NEAP_SH_SHARES; i++)
        if (atomic_load(&slot->shares[i].entry))
            problem(walk, &walk->report->leaks, "slot %u is free but has a "
                    "share of object %llu", index,
                    (ull)atomic_load(&slot->shares[i].id));
}


/* Whoever takes or leaves it meanwhile is seen on the second look. */
static void check_slots(struct walk *walk)
{
    uint32_t high = atomic_load(&walk->header->slots_high);
    uint32_t ready = atomic_load(&walk->header->slots_ready);
    for (uint32_t i = 0; i < high && i < ready; i++) {
        struct neap_sh_slot *slot = neap__slot_at(walk->heap, i);
        if (!neap__life_sound(&slot->life))
            problem(walk, &walk->report->torn, "slot %u: its proof of life is "
                    "none", i);
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


/* -- extents -------------------------------------------------------------- */

static bool is_state(uint64_t state)
{
    return state == NEAP_SH_FREE || state == NEAP_SH_BARE ||
           state == NEAP_SH_USED || state == NEAP_SH_META;
}


static void check_owner(struct walk *walk, struct neap_sh_extent *extent)
{
    uint64_t self = neap__offset(walk->heap, extent);
    uint64_t owner = atomic_load(&extent->owner);
    struct neap_sh_entry *entry = neap__entry_at(walk->heap, owner);
    walk->extents_used++;
    if (!entry || !atomic_load(&entry->id) ||
        neap_sh_what_kind(atomic_load(&entry->what)) != NEAP_OBJECT_ARRAY)
        problem(walk, &walk->report->leaks, "%llu bytes at offset %llu belong "
                "to no array", (ull)extent->size, (ull)extent->start);
    else if (atomic_load(&entry->extent) != self)
        problem(walk, &walk->report->doubles, "array '%.*s' has two extents, or "
                "shares one", NEAP_NAME_MAX, entry->name);
}


static void count_extent(struct walk *walk, struct neap_sh_extent *extent)
{
    neap_check_report *report = walk->report;
    uint64_t state = atomic_load(&extent->state);
    report->blocks++;
    if (state == NEAP_SH_FREE || state == NEAP_SH_BARE) {
        report->free_blocks++;
        report->free_bytes += extent->size;
    } else {
        report->used_bytes += extent->size;
    }
    if (state == NEAP_SH_META)
        walk->meta_bytes += extent->size;
    if (state == NEAP_SH_USED)
        check_owner(walk, extent);
}


/* One step down. @return false if there is no going on. */
static bool check_extent(struct walk *walk, uint64_t at, uint64_t above,
                         uint64_t *end)
{
    struct neap_sh_extent *extent = neap__extent_at(walk->heap, at);
    if (!extent || !is_state(atomic_load(&extent->state))) {
        problem(walk, &walk->report->torn, "there is no extent at offset %llu",
                (ull)at);
        return false;
    }
    uint64_t start = extent->start, size = extent->size;
    if (start + size != *end || start > *end || !size ||
        start % NEAP_SH_GRAIN || atomic_load(&extent->above) != above) {
        problem(walk, &walk->report->torn, "the extent at offset %llu does not "
                "meet the next", (ull)start);
        return false;
    }
    count_extent(walk, extent);
    *end = start;
    return true;
}


/* From the last extent down to the first, without gap or overlap. */
static void check_extents(struct walk *walk)
{
    neap_check_report *report = walk->report;
    uint64_t end = atomic_load(&walk->header->size), above = 0;
    uint64_t at = atomic_load(&walk->header->extent_last);
    uint64_t most = end / NEAP_SH_GRAIN;
    while (at && walk->extents_in_use <= most) {
        if (!check_extent(walk, at, above, &end))
            return;
        walk->extents_in_use++;
        above = at;
        at = atomic_load(&neap__extent_at(walk->heap, at)->below);
    }
    if (end != walk->header->heap_offset)
        problem(walk, &report->torn, "no extent describes the bytes below "
                "offset %llu", (ull)end);
    if (report->used_bytes != atomic_load(&walk->header->used))
        problem(walk, &report->torn, "%llu bytes are in use, and %llu are said "
                "to be", (ull)report->used_bytes,
                (ull)atomic_load(&walk->header->used));
}


static void check_binned(struct walk *walk, uint32_t bin,
                         struct neap_sh_extent *extent, uint64_t previous)
{
    if (neap__bin_of(extent->size) != bin ||
        atomic_load(&extent->previous) != previous)
        problem(walk, &walk->report->torn, "free list %u is wrong about the "
                "extent at offset %llu", bin, (ull)extent->start);
}


static uint64_t check_bin(struct walk *walk, uint32_t bin, uint64_t most)
{
    uint64_t n = 0, previous = 0;
    uint64_t at = atomic_load(&walk->header->bins[bin]);
    bool marked = walk->header->bin_map[bin / 64] >> bin % 64 & 1;
    if (marked != (at != 0))
        problem(walk, &walk->report->torn, "the map of free lists is wrong "
                "about list %u", bin);
    while (at && n <= most) {
        struct neap_sh_extent *extent = neap__extent_at(walk->heap, at);
        uint64_t state = extent ? atomic_load(&extent->state) : 0;
        if (state != NEAP_SH_FREE && state != NEAP_SH_BARE) {
            problem(walk, &walk->report->doubles, "free list %u holds what is "
                    "not free, at offset %llu", bin, (ull)at);
            return n;
        }
        check_binned(walk, bin, extent, previous);
        n++;
        previous = at;
        at = atomic_load(&extent->next);
    }
    return n;
}


static void check_bins(struct walk *walk)
{
    uint64_t most = walk->report->free_blocks, n = 0;
    for (uint32_t bin = 0; bin < NEAP_SH_BINS; bin++)
        n += check_bin(walk, bin, most);
    if (n > most)
        problem(walk, &walk->report->doubles, "an extent is in two free lists");
    if (n < most)
        problem(walk, &walk->report->leaks, "%llu free extents are in no list",
                (ull)(most - n));
}


static void check_records(struct walk *walk)
{
    uint64_t n = 0, spare = atomic_load(&walk->header->extent_spare);
    uint64_t at = atomic_load(&walk->header->extent_unused);
    while (at && n <= spare) {
        struct neap_sh_extent *record = neap__extent_at(walk->heap, at);
        if (!record || atomic_load(&record->state) != NEAP_SH_UNUSED) {
            problem(walk, &walk->report->doubles, "the list of unused extent "
                    "records holds one in use, at offset %llu", (ull)at);
            break;
        }
        n++;
        at = atomic_load(&record->next);
    }
    uint64_t total = atomic_load(&walk->header->extent_total);
    if (n != spare || n + walk->extents_in_use != total)
        problem(walk, &walk->report->leaks, "of %llu extent records %llu are in "
                "use and %llu unused", (ull)total, (ull)walk->extents_in_use,
                (ull)n);
}


/* Every byte of the meta chunks is somebody's, or known to be nobody's. */
static void check_meta(struct walk *walk)
{
    struct neap_sh_header *header = walk->header;
    uint64_t tables = atomic_load(&header->table_other) ? 2 : 1;
    uint64_t known =
        atomic_load(&header->entry_total) * sizeof(struct neap_sh_entry) +
        atomic_load(&header->extent_total) * sizeof(struct neap_sh_extent) +
        tables * atomic_load(&header->table_words) * 8 +
        atomic_load(&header->meta_lost) +
        (atomic_load(&header->meta_end) - atomic_load(&header->meta_next));
    if (known != walk->meta_bytes)
        problem(walk, &walk->report->leaks, "%llu bytes of bookkeeping are "
                "accounted for, of %llu", (ull)known, (ull)walk->meta_bytes);
}


/* -- objects -------------------------------------------------------------- */

/* Owned by a slot that is not there, and not for a moment only? */
static bool owner_is_nobody(struct walk *walk, struct neap_sh_lock *lock)
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


static void check_lock(struct walk *walk, struct neap_sh_entry *entry)
{
    if (owner_is_nobody(walk, &entry->lock))
        problem(walk, &walk->report->leaks, "'%.*s' is locked by %#x, which is "
                "nobody", NEAP_NAME_MAX, entry->name,
                atomic_load(&entry->lock.word));
}


/* A cell's tag is somebody's who has a share, so that it will be emptied. */
static bool cell_is_known(struct walk *walk, struct neap_sh_entry *entry,
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


static void check_cells(struct walk *walk, struct neap_sh_entry *entry)
{
    uint32_t n = neap_sh_cell_count(entry);
    for (uint32_t i = 0; i < n; i++)
        if (!cell_is_known(walk, entry, &entry->cells[i]))
            problem(walk, &walk->report->leaks, "semaphore '%.*s': a permit "
                    "belongs to %#x, which is nobody", NEAP_NAME_MAX,
                    entry->name, atomic_load(&entry->cells[i]));
}


static bool permits_add_up(struct walk *walk, struct neap_sh_entry *entry)
{
    for (int i = 0; i < LOOKS; i++)
        if (atomic_load(&entry->value) +
                neap__shares_sum(walk->heap, atomic_load(&entry->id)) ==
            atomic_load(&entry->limit))
            return true;
    return false;
}


/* Each party that waits has a share, which says in which phase. */
static bool parties_add_up(struct walk *walk, struct neap_sh_entry *entry)
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
static bool waiters_add_up(struct walk *walk, struct neap_sh_entry *entry)
{
    for (int i = 0; i < LOOKS; i++)
        if (neap__shares_count(walk->heap, atomic_load(&entry->id), 1) ==
            (atomic_load(&entry->value) & UINT32_MAX))
            return true;
    return false;
}


static void check_array(struct walk *walk, struct neap_sh_entry *entry)
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
        problem(walk, &walk->report->torn, "array '%.*s' has no memory for its "
                "shape", NEAP_NAME_MAX, entry->name);
    else if (atomic_load(&extent->owner) != neap__offset(walk->heap, entry))
        problem(walk, &walk->report->doubles, "the memory of array '%.*s' "
                "belongs to another", NEAP_NAME_MAX, entry->name);
}


static void check_entry(struct walk *walk, struct neap_sh_entry *entry)
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
            problem(walk, &walk->report->leaks, "semaphore '%.*s': permits "
                    "there and held are not the %llu that it has",
                    NEAP_NAME_MAX, entry->name,
                    (ull)atomic_load(&entry->limit));
        break;
    case NEAP_OBJECT_BARRIER:
        if (!parties_add_up(walk, entry))
            problem(walk, &walk->report->leaks, "barrier '%.*s': not as many "
                    "wait as it says", NEAP_NAME_MAX, entry->name);
        break;
    case NEAP_OBJECT_CONDITION:
        if (!waiters_add_up(walk, entry))
            problem(walk, &walk->report->leaks, "condition '%.*s': not as many "
                    "wait as it says", NEAP_NAME_MAX, entry->name);
        break;
    case NEAP_OBJECT_COUNTER:
    case NEAP_OBJECT_MUTEX:
    case NEAP_OBJECT_EVENT:
    case NEAP_OBJECT_LATCH:
    case NEAP_OBJECT_RWLOCK:
    case NEAP_OBJECT_ONCE:
        break;
    default:
        problem(walk, &walk->report->torn, "'%.*s' is of no kind",
                NEAP_NAME_MAX, entry->name);
    }
}


/* A search begins at the word of the hash: none that was never used may lie
 * between there and here, nor the same object. */
static void check_place(struct walk *walk, neap_sh_word *table, uint64_t words,
                        uint64_t place, const struct neap_sh_entry *entry)
{
    uint64_t value = atomic_load(&table[place]);
    for (uint64_t i = entry->hash & (words - 1); i != place;
         i = (i + 1) & (words - 1)) {
        uint64_t before = atomic_load(&table[i]);
        if (before == value)
            problem(walk, &walk->report->doubles, "'%s' is in the directory "
                    "twice", entry->name);
        if (before == 0) {
            problem(walk, &walk->report->leaks, "'%s' cannot be found in the "
                    "directory", entry->name);
            return;
        }
    }
}


static void check_word(struct walk *walk, neap_sh_word *table, uint64_t words,
                       uint64_t place)
{
    uint64_t value = atomic_load(&table[place]);
    struct neap_sh_entry *entry =
        neap__entry_at(walk->heap, value & NEAP_SH_TABLE_OFFSET);
    if (!entry || !atomic_load(&entry->id) ||
        memchr(entry->name, 0, sizeof entry->name) == NULL ||
        neap__name_hash(entry->name) != entry->hash ||
        (entry->hash ^ value) & ~NEAP_SH_TABLE_OFFSET) {
        problem(walk, &walk->report->torn, "word %llu of the directory names "
                "no object", (ull)place);
        return;
    }
    walk->report->objects++;
    check_place(walk, table, words, place, entry);
    check_entry(walk, entry);
}


static void check_directory(struct walk *walk)
{
    uint64_t words, used = 0;
    neap_sh_word *table = neap__table(walk->heap, &words);
    if (!table) {
        problem(walk, &walk->report->torn, "the directory is not where it is "
                "said to be");
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
        problem(walk, &walk->report->torn, "%llu objects in %llu words of the "
                "directory, and %llu in %llu are said to be",
                (ull)walk->report->objects, (ull)used,
                (ull)atomic_load(&walk->header->objects),
                (ull)atomic_load(&walk->header->table_used));
    if (walk->arrays < walk->extents_used)
        problem(walk, &walk->report->leaks, "%llu extents for %llu arrays",
                (ull)walk->extents_used, (ull)walk->arrays);
}


static void check_free_entries(struct walk *walk)
{
    uint64_t n = 0, last = 0;
    uint64_t count = atomic_load(&walk->header->entry_count);
    uint64_t at = atomic_load(&walk->header->entry_head);
    while (at && n <= count) {
        struct neap_sh_entry *entry = neap__entry_at(walk->heap, at);
        if (!entry || atomic_load(&entry->id)) {
            problem(walk, &walk->report->doubles, "the queue of free entries "
                    "holds one in use, at offset %llu", (ull)at);
            break;
        }
        n++;
        last = at;
        at = atomic_load(&entry->next);
    }
    if (n != count || last != atomic_load(&walk->header->entry_tail))
        problem(walk, &walk->report->torn, "the queue of free entries has "
                "%llu, and %llu are said to be", (ull)n, (ull)count);
    uint64_t total = atomic_load(&walk->header->entry_total);
    uint64_t objects = atomic_load(&walk->header->objects);
    if (count + objects != total)
        problem(walk, &walk->report->leaks, "of %llu entries %llu are in use "
                "and %llu free", (ull)total, (ull)objects, (ull)count);
}


/* -- the call ------------------------------------------------------------- */

static void check_all(struct neap_heap *heap, neap_check_report *report)
{
    struct walk walk = {
        .heap = heap,
        .header = neap__header(heap),
        .report = report,
    };
    memset(report, 0, sizeof *report);
    check_slots(&walk);
    check_extents(&walk);
    check_bins(&walk);
    check_records(&walk);
    check_meta(&walk);
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
