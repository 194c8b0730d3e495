/* Extents as check.c finds them: their records, bins and bookkeeping. */
#include "heap/check.h"

static bool is_state(uint64_t state)
{
    return state == NEAP_SH_FREE || state == NEAP_SH_BARE ||
           state == NEAP_SH_USED || state == NEAP_SH_META;
}


static void check_owner(struct neap__walk *walk, struct neap_sh_extent *extent)
{
    uint64_t self = neap__offset(walk->heap, extent);
    uint64_t owner = atomic_load(&extent->owner);
    struct neap_sh_entry *entry = neap__entry_at(walk->heap, owner);
    walk->extents_used++;
    if (!entry || !atomic_load(&entry->id) ||
        neap_sh_what_kind(atomic_load(&entry->what)) != NEAP_OBJECT_ARRAY)
        neap__problem(walk, &walk->report->leaks, "%llu bytes at offset %llu "
                      "belong to no array", (ull)extent->size,
                      (ull)extent->start);
    else if (atomic_load(&entry->extent) != self)
        neap__problem(walk, &walk->report->doubles, "array '%.*s' has two "
                      "extents, or shares one", NEAP_NAME_MAX, entry->name);
}


static void count_extent(struct neap__walk *walk, struct neap_sh_extent *extent)
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
static bool check_extent(struct neap__walk *walk, uint64_t at, uint64_t above,
                         uint64_t *end)
{
    struct neap_sh_extent *extent = neap__extent_at(walk->heap, at);
    if (!extent || !is_state(atomic_load(&extent->state))) {
        neap__problem(walk, &walk->report->torn, "there is no extent at offset "
                      "%llu", (ull)at);
        return false;
    }
    uint64_t start = extent->start, size = extent->size;
    if (start + size != *end || start > *end || !size ||
        start % NEAP_SH_GRAIN || atomic_load(&extent->above) != above) {
        neap__problem(walk, &walk->report->torn, "the extent at offset %llu "
                      "does not meet the next", (ull)start);
        return false;
    }
    count_extent(walk, extent);
    *end = start;
    return true;
}


/* From the last extent down to the first, without gap or overlap. */
static void check_each(struct neap__walk *walk)
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
        neap__problem(walk, &report->torn, "no extent describes the bytes "
                      "below offset %llu", (ull)end);
    if (report->used_bytes != atomic_load(&walk->header->used))
        neap__problem(walk, &report->torn, "%llu bytes are in use, and %llu "
                      "are said to be", (ull)report->used_bytes,
                      (ull)atomic_load(&walk->header->used));
}


static void check_binned(struct neap__walk *walk, uint32_t bin,
                         struct neap_sh_extent *extent, uint64_t previous)
{
    if (neap__bin_of(extent->size) != bin ||
        atomic_load(&extent->previous) != previous)
        neap__problem(walk, &walk->report->torn, "free list %u is wrong about "
                      "the extent at offset %llu", bin, (ull)extent->start);
}


static uint64_t check_bin(struct neap__walk *walk, uint32_t bin, uint64_t most)
{
    uint64_t n = 0, previous = 0;
    uint64_t at = atomic_load(&walk->header->bins[bin]);
    bool marked = walk->header->bin_map[bin / 64] >> bin % 64 & 1;
    if (marked != (at != 0))
        neap__problem(walk, &walk->report->torn, "the map of free lists is "
                      "wrong about list %u", bin);
    while (at && n <= most) {
        struct neap_sh_extent *extent = neap__extent_at(walk->heap, at);
        uint64_t state = extent ? atomic_load(&extent->state) : 0;
        if (state != NEAP_SH_FREE && state != NEAP_SH_BARE) {
            neap__problem(walk, &walk->report->doubles, "free list %u holds "
                          "what is not free, at offset %llu", bin, (ull)at);
            return n;
        }
        check_binned(walk, bin, extent, previous);
        n++;
        previous = at;
        at = atomic_load(&extent->next);
    }
    return n;
}


static void check_bins(struct neap__walk *walk)
{
    uint64_t most = walk->report->free_blocks, n = 0;
    for (uint32_t bin = 0; bin < NEAP_SH_BINS; bin++)
        n += check_bin(walk, bin, most);
    if (n > most)
        neap__problem(walk, &walk->report->doubles, "an extent is in two free "
                      "lists");
    if (n < most)
        neap__problem(walk, &walk->report->leaks, "%llu free extents are in no "
                      "list", (ull)(most - n));
}


static void check_records(struct neap__walk *walk)
{
    uint64_t n = 0, spare = atomic_load(&walk->header->extent_spare);
    uint64_t at = atomic_load(&walk->header->extent_unused);
    while (at && n <= spare) {
        struct neap_sh_extent *record = neap__extent_at(walk->heap, at);
        if (!record || atomic_load(&record->state) != NEAP_SH_UNUSED) {
            neap__problem(walk, &walk->report->doubles, "the list of unused "
                          "extent records holds one in use, at offset %llu",
                          (ull)at);
            break;
        }
        n++;
        at = atomic_load(&record->next);
    }
    uint64_t total = atomic_load(&walk->header->extent_total);
    if (n != spare || n + walk->extents_in_use != total)
        neap__problem(walk, &walk->report->leaks, "of %llu extent records %llu "
                      "are in use and %llu unused", (ull)total,
                      (ull)walk->extents_in_use, (ull)n);
}


/* Every byte of the meta chunks is somebody's, or known to be nobody's. */
static void check_meta(struct neap__walk *walk)
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
        neap__problem(walk, &walk->report->leaks, "%llu bytes of bookkeeping "
                      "are accounted for, of %llu", (ull)known,
                      (ull)walk->meta_bytes);
}


void neap__check_extents(struct neap__walk *walk)
{
    check_each(walk);
    check_bins(walk);
    check_records(walk);
    check_meta(walk);
}
