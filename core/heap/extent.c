/*
 * The allocator: extents, first fit by size class, under the heap's lock.
 *
 * E1 The extent records cover [heap_offset, size) without gap or overlap, and
 *    every free one is in the bin of its size.
 * E2 Two free extents are never neighbours.
 * E3 At least NEAP_SH_EXTENTS_KEPT records are unused before a change begins,
 *    so that a meta chunk, which needs a record, can always be had to make more
 *    of them.
 * E4 Meta chunks come from growth only, hence from addresses that were never
 *    anything else (System V: from one chunk that is there at birth).
 *
 * Records lie out of band: a write past the end of an array spoils other data
 * perhaps, never these.
 */
#include <string.h>

#include "heap/extent.h"
#include "os/pages.h"

#define PAGE UINT64_C(4096)
#define STEP_LARGE (UINT64_C(1) << 20)
#define LARGE_HEAP (UINT64_C(8) << 20)
#define TRIES_IN_BIN 32


/* Four bins to a power of two, in grains: exact up to 7. */
uint32_t neap__bin_of(uint64_t bytes)
{
    uint64_t grains = bytes / NEAP_SH_GRAIN;
    if (grains < 4)
        return (uint32_t)grains;
    uint32_t log = 63 - (uint32_t)__builtin_clzll(grains);
    uint32_t bin = 4 * (log - 1) + (uint32_t)(grains >> (log - 2) & 3);
    return bin < NEAP_SH_BINS ? bin : NEAP_SH_BINS - 1;
}


static bool is_free(uint64_t state)
{
    return state == NEAP_SH_FREE || state == NEAP_SH_BARE;
}


int neap__extent_corrupt(struct neap_heap *heap, const char *what,
                         uint64_t offset)
{
    return neap__fail(NEAP_ECORRUPT,
                      "heap %s: %s at offset %llu cannot be right; run "
                      "`neap check`", heap->address.text, what,
                      (unsigned long long)offset);
}


/* Follow a link within a change; a bad one spoils the change. */
static struct neap_sh_extent *follow(struct neap__tx *tx,
                                     const neap_sh_word *link)
{
    uint64_t offset = neap__tx_get(tx, link);
    struct neap_sh_extent *extent = neap__extent_at(tx->seat->heap, offset);
    if (!extent)
        neap__tx_fail(tx, neap__extent_corrupt(tx->seat->heap, "a link between extents",
                                  offset));
    return extent;
}


/* Whether the bytes that it describes can be its own: never a header or a slot,
 * which zeroing it, or giving its pages back, would destroy. */
static bool is_sane(const struct neap_heap *heap,
                    const struct neap_sh_extent *extent)
{
    return extent->start >= neap__header(heap)->heap_offset &&
           neap__inside(heap, extent->start, extent->size, NEAP_SH_GRAIN);
}


/* -- bins ----------------------------------------------------------------- */

static void bin_insert(struct neap__tx *tx, struct neap_sh_extent *extent)
{
    struct neap_sh_header *header = neap__header(tx->seat->heap);
    uint64_t self = neap__offset(tx->seat->heap, extent);
    uint32_t bin = neap__bin_of(neap__tx_get(tx, &extent->size));
    uint64_t head = neap__tx_get(tx, &header->bins[bin]);
    if (head) {
        struct neap_sh_extent *first = follow(tx, &header->bins[bin]);
        if (!first)
            return;
        neap__tx_set(tx, &first->previous, self);
    } else {
        neap_sh_word *map = &header->bin_map[bin / 64];
        neap__tx_set(tx, map, neap__tx_get(tx, map) | UINT64_C(1) << bin % 64);
    }
    neap__tx_set(tx, &extent->next, head);
    neap__tx_set(tx, &extent->previous, 0);
    neap__tx_set(tx, &header->bins[bin], self);
}


static void bin_remove(struct neap__tx *tx, struct neap_sh_extent *extent)
{
    struct neap_sh_header *header = neap__header(tx->seat->heap);
    uint32_t bin = neap__bin_of(neap__tx_get(tx, &extent->size));
    uint64_t next = neap__tx_get(tx, &extent->next);
    uint64_t previous = neap__tx_get(tx, &extent->previous);
    struct neap_sh_extent *neighbour;
    if (previous) {
        if ((neighbour = follow(tx, &extent->previous)))
            neap__tx_set(tx, &neighbour->next, next);
    } else {
        neap__tx_set(tx, &header->bins[bin], next);
        neap_sh_word *map = &header->bin_map[bin / 64];
        if (!next)
            neap__tx_set(tx, map, neap__tx_get(tx, map) &
                                      ~(UINT64_C(1) << bin % 64));
    }
    if (next && (neighbour = follow(tx, &extent->next)))
        neap__tx_set(tx, &neighbour->previous, previous);
}


/* In the bin of the wanted size some may be too small; give up after a few. */
static struct neap_sh_extent *search_bin(struct neap_heap *heap, uint32_t bin,
                                         uint64_t bytes)
{
    uint64_t offset = atomic_load(&neap__header(heap)->bins[bin]);
    for (int tries = 0; offset && tries < TRIES_IN_BIN; tries++) {
        struct neap_sh_extent *extent = neap__extent_at(heap, offset);
        if (!extent || !is_free(extent->state) || !is_sane(heap, extent)) {
            neap__extent_corrupt(heap, "a free extent", offset);
            return NULL;
        }
        if (extent->size >= bytes)
            return extent;
        offset = atomic_load(&extent->next);
    }
    return NULL;
}


static struct neap_sh_extent *search(struct neap_heap *heap, uint64_t bytes)
{
    struct neap_sh_header *header = neap__header(heap);
    uint32_t bin = neap__bin_of(bytes);
    struct neap_sh_extent *extent = search_bin(heap, bin, bytes);
    for (bin++; !extent && bin < NEAP_SH_BINS; bin++)
        if (header->bin_map[bin / 64] >> bin % 64 & 1)
            extent = search_bin(heap, bin, bytes);
    return extent;
}


/* -- records -------------------------------------------------------------- */

static struct neap_sh_extent *record_take(struct neap__tx *tx)
{
    struct neap_sh_header *header = neap__header(tx->seat->heap);
    struct neap_sh_extent *record = follow(tx, &header->extent_unused);
    if (!record)
        return NULL;
    neap__tx_set(tx, &header->extent_unused, neap__tx_get(tx, &record->next));
    neap__tx_set(tx, &header->extent_spare,
                 neap__tx_get(tx, &header->extent_spare) - 1);
    return record;
}


static void record_give(struct neap__tx *tx, struct neap_sh_extent *record)
{
    struct neap_sh_header *header = neap__header(tx->seat->heap);
    neap__tx_set(tx, &record->state, NEAP_SH_UNUSED);
    neap__tx_set(tx, &record->next, neap__tx_get(tx, &header->extent_unused));
    neap__tx_set(tx, &header->extent_unused,
                 neap__offset(tx->seat->heap, record));
    neap__tx_set(tx, &header->extent_spare,
                 neap__tx_get(tx, &header->extent_spare) + 1);
}


/* A record for new bytes right above `below`, which may be the last. */
struct neap_sh_extent *neap__extent_above(struct neap__tx *tx,
                                          struct neap_sh_extent *below,
                                          uint64_t start, uint64_t size,
                                          uint64_t state)
{
    struct neap_heap *heap = tx->seat->heap;
    struct neap_sh_extent *record = record_take(tx);
    if (!record)
        return NULL;
    uint64_t self = neap__offset(heap, record);
    uint64_t above = neap__tx_get(tx, &below->above);
    neap__tx_set(tx, &record->start, start);
    neap__tx_set(tx, &record->size, size);
    neap__tx_set(tx, &record->state, state);
    neap__tx_set(tx, &record->below, neap__offset(heap, below));
    neap__tx_set(tx, &record->above, above);
    neap__tx_set(tx, &below->above, self);
    if (above) {
        struct neap_sh_extent *neighbour = follow(tx, &record->above);
        if (neighbour)
            neap__tx_set(tx, &neighbour->below, self);
    } else {
        neap__tx_set(tx, &neap__header(heap)->extent_last, self);
    }
    return record;
}


/* -- growth --------------------------------------------------------------- */

static int cannot_grow(struct neap_heap *heap, uint64_t bytes)
{
    struct neap_sh_header *header = neap__header(heap);
    if (!heap->growable)
        return neap__fail(-ENOSPC,
                          "heap %s is full: %llu more bytes are needed and a "
                          "System V heap cannot grow; make it anew with a "
                          "larger size", heap->address.text,
                          (unsigned long long)bytes);
    if (header->size + bytes > header->reserved)
        return neap__fail(-ENOSPC,
                          "heap %s is full: %llu more bytes would exceed the "
                          "%llu reserved for it; make it anew with a larger "
                          "reserve", heap->address.text,
                          (unsigned long long)bytes,
                          (unsigned long long)header->reserved);
    return neap__fail(-ENOMEM,
                      "heap %s: this process may not map more than %llu bytes "
                      "of it; raise the limit of addresses (ulimit -v)",
                      heap->address.text, (unsigned long long)heap->mapped);
}


/* Set `bytes` above the heap's end aside. The heap's size is unchanged, so
 * that a death here leaves a file that is longer than it need be. */
int neap__extent_set_aside_above(struct neap_heap *heap, uint64_t bytes)
{
    uint64_t size = neap__header(heap)->size;
    if (!heap->growable || size + bytes > neap__header(heap)->reserved ||
        size + bytes > heap->mapped)
        return cannot_grow(heap, bytes);
    int status = neap__set_aside(heap->fd, size, bytes);
    return status < 0 ? neap__no_room(status, heap->fd, heap->address.text,
                                      bytes) : 0;
}


struct neap_sh_extent *neap__extent_last(struct neap_heap *heap)
{
    return neap__extent_at(heap, neap__header(heap)->extent_last);
}


/* Grow so that the last extent is free and has `bytes` at least. */
static int grow(struct neap__seat *seat, uint64_t bytes)
{
    struct neap_heap *heap = seat->heap;
    struct neap_sh_header *header = neap__header(heap);
    struct neap_sh_extent *last = neap__extent_last(heap);
    if (!last)
        return neap__extent_corrupt(heap, "the last extent", header->extent_last);
    bool joins = is_free(last->state);
    uint64_t step = header->size < LARGE_HEAP ? NEAP_SH_STEP : STEP_LARGE;
    uint64_t more = neap__round_up(joins && last->size < bytes
                                       ? bytes - last->size : bytes, step);
    if (header->size + more > header->reserved)
        more = neap__round_up(bytes, PAGE);
    int status = neap__extent_set_aside_above(heap, more);
    if (status < 0)
        return status;

    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    struct neap_sh_extent *grown = last;
    if (joins) {
        bin_remove(&tx, last);
        neap__tx_set(&tx, &last->size, last->size + more);
    } else {
        grown = neap__extent_above(&tx, last, header->size, more, NEAP_SH_FREE);
    }
    if (grown)
        bin_insert(&tx, grown);
    neap__tx_set(&tx, &header->size, header->size + more);
    return neap__tx_commit(&tx);
}


/* -- taking and giving ---------------------------------------------------- */

int neap__extent_find(struct neap__seat *seat, uint64_t bytes,
                      struct neap_sh_extent **ret_extent,
                      uint64_t *ret_zeroed_from)
{
    struct neap_heap *heap = seat->heap;
    bytes = neap__round_up(bytes, NEAP_SH_GRAIN);
    int status = neap__meta_keep_records(seat);
    if (status < 0)
        return status;
    uint64_t fresh = UINT64_MAX;
    struct neap_sh_extent *extent = search(heap, bytes);
    if (!extent) {
        fresh = neap__header(heap)->size;
        status = grow(seat, bytes);
        if (status < 0)
            return status;
        extent = neap__extent_last(heap);
    }
    if (!extent || extent->size < bytes || !is_free(extent->state) ||
        !is_sane(heap, extent))
        return neap__extent_corrupt(heap, "a free extent", neap__header(heap)->extent_last);
    *ret_extent = extent;
    *ret_zeroed_from = fresh;
    return 0;
}


/* Whole pages of [start, start + size), as [first, end). */
static bool whole_pages(uint64_t start, uint64_t size, uint64_t *first,
                        uint64_t *end)
{
    *first = neap__round_up(start, PAGE);
    *end = (start + size) / PAGE * PAGE;
    return *end > *first;
}


/* From here on whoever takes it sets its pages aside first. */
static int make_bare(struct neap__seat *seat, struct neap_sh_extent *extent)
{
    if (extent->state == NEAP_SH_BARE)
        return 0;
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    neap__tx_set(&tx, &extent->state, NEAP_SH_BARE);
    return neap__tx_commit(&tx);
}


static int set_aside_bare(struct neap_heap *heap, uint64_t start,
                          uint64_t bytes)
{
    uint64_t first = start / PAGE * PAGE;
    uint64_t end = neap__round_up(start + bytes, PAGE);
    int status = neap__set_aside(heap->fd, first, end - first);
    return status < 0 ? neap__no_room(status, heap->fd, heap->address.text,
                                      bytes) : 0;
}


int neap__extent_zero(struct neap__seat *seat, struct neap_sh_extent *extent,
                      uint64_t bytes, uint64_t zeroed_from)
{
    struct neap_heap *heap = seat->heap;
    uint64_t start = extent->start;
    uint64_t end = start + bytes < zeroed_from ? start + bytes : zeroed_from;
    if (end <= start)
        return 0;
    uint64_t first, last;
    bool punch = heap->growable && end - start >= NEAP_SH_RETURN_PAGES &&
                 whole_pages(start, end - start, &first, &last);
    int status = punch ? make_bare(seat, extent) : 0;
    if (status == 0 && punch)
        punch = neap__pages_punch(heap->fd, first, last - first) == 0;
    if (status == 0 && extent->state == NEAP_SH_BARE)
        status = set_aside_bare(heap, start, bytes);
    if (status < 0)
        return status;
    if (punch) {
        memset(heap->base + start, 0, first - start);
        memset(heap->base + last, 0, end - last);
    } else {
        memset(heap->base + start, 0, end - start);
    }
    return 0;
}


void neap__extent_take(struct neap__tx *tx, struct neap_sh_extent *extent,
                       uint64_t bytes, uint64_t owner)
{
    struct neap_sh_header *header = neap__header(tx->seat->heap);
    bytes = neap__round_up(bytes, NEAP_SH_GRAIN);
    uint64_t size = neap__tx_get(tx, &extent->size);
    bin_remove(tx, extent);
    if (size > bytes) {
        struct neap_sh_extent *rest =
            neap__extent_above(tx, extent, neap__tx_get(tx, &extent->start) + bytes,
                         size - bytes, neap__tx_get(tx, &extent->state));
        if (!rest)
            return;
        bin_insert(tx, rest);
        neap__tx_set(tx, &extent->size, bytes);
    }
    neap__tx_set(tx, &extent->state, NEAP_SH_USED);
    neap__tx_set(tx, &extent->owner, owner);
    neap__tx_set(tx, &header->used, neap__tx_get(tx, &header->used) + bytes);
}


/* Let `lower` swallow its neighbour above. */
static void join(struct neap__tx *tx, struct neap_sh_extent *lower,
                 struct neap_sh_extent *upper)
{
    struct neap_heap *heap = tx->seat->heap;
    uint64_t above = neap__tx_get(tx, &upper->above);
    if (neap__tx_get(tx, &upper->state) == NEAP_SH_BARE)
        neap__tx_set(tx, &lower->state, NEAP_SH_BARE);
    neap__tx_set(tx, &lower->size, neap__tx_get(tx, &lower->size) +
                                       neap__tx_get(tx, &upper->size));
    neap__tx_set(tx, &lower->above, above);
    if (above) {
        struct neap_sh_extent *neighbour = follow(tx, &upper->above);
        if (neighbour)
            neap__tx_set(tx, &neighbour->below, neap__offset(heap, lower));
    } else {
        neap__tx_set(tx, &neap__header(heap)->extent_last,
                     neap__offset(heap, lower));
    }
    record_give(tx, upper);
}


void neap__extent_free(struct neap__tx *tx, struct neap_sh_extent *extent)
{
    struct neap_heap *heap = tx->seat->heap;
    struct neap_sh_header *header = neap__header(heap);
    uint64_t size = neap__tx_get(tx, &extent->size);
    if (neap__tx_get(tx, &extent->state) != NEAP_SH_USED ||
        !is_sane(heap, extent)) {
        neap__tx_fail(tx, neap__extent_corrupt(heap, "an extent to be freed",
                                  neap__offset(heap, extent)));
        return;
    }
    neap__tx_set(tx, &extent->state,
                 heap->growable && size >= NEAP_SH_RETURN_PAGES ? NEAP_SH_BARE
                                                        : NEAP_SH_FREE);
    neap__tx_set(tx, &extent->owner, 0);
    neap__tx_set(tx, &header->used, neap__tx_get(tx, &header->used) - size);

    struct neap_sh_extent *neighbour;
    if (neap__tx_get(tx, &extent->above) &&
        (neighbour = follow(tx, &extent->above)) &&
        is_free(neap__tx_get(tx, &neighbour->state))) {
        bin_remove(tx, neighbour);
        join(tx, extent, neighbour);
    }
    if (neap__tx_get(tx, &extent->below) &&
        (neighbour = follow(tx, &extent->below)) &&
        is_free(neap__tx_get(tx, &neighbour->state))) {
        bin_remove(tx, neighbour);
        join(tx, neighbour, extent);
        extent = neighbour;
    }
    bin_insert(tx, extent);
}


void neap__extent_return_pages(struct neap_heap *heap, uint64_t start,
                               uint64_t size)
{
    uint64_t first, end;
    if (heap->growable && size >= NEAP_SH_RETURN_PAGES &&
        whole_pages(start, size, &first, &end))
        neap__pages_punch(heap->fd, first, end - first);
}
