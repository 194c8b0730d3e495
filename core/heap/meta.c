/*
 * Meta chunks: memory for entries, extent records and tables. It is taken from
 * fresh addresses only and never given back (layout.h, L3).
 *
 * M1 What is taken is taken in the same change that links it: a death between
 *    the two leaves nothing behind.
 * M2 Every byte of every meta chunk is accounted for: entries, extent records,
 *    the tables, what is left of the last chunk, and meta_lost, which counts
 *    the ends of earlier chunks and the tables that were outgrown. `check` adds
 *    them up.
 */
#include "heap/extent.h"

#define RECORDS_BYTES (NEAP_SH_EXTENTS_MADE * sizeof(struct neap_sh_extent))


static int grow_meta(struct neap__seat *seat, uint64_t bytes)
{
    struct neap_heap *heap = seat->heap;
    struct neap_sh_header *header = neap__header(heap);
    struct neap_sh_extent *last = neap__extent_last(heap);
    if (!last)
        return neap__extent_corrupt(heap, "the last extent",
                                    header->extent_last);
    uint64_t more = neap__round_up(bytes + RECORDS_BYTES, NEAP_SH_STEP);
    int status = neap__extent_set_aside_above(heap, more);
    if (status < 0)
        return status;
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    neap__extent_above(&tx, last, header->size, more, NEAP_SH_META);
    neap__tx_set(&tx, &header->meta_lost,
                 header->meta_lost + (header->meta_end - header->meta_next));
    neap__tx_set(&tx, &header->meta_next, header->size);
    neap__tx_set(&tx, &header->meta_end, header->size + more);
    neap__tx_set(&tx, &header->used, header->used + more);
    neap__tx_set(&tx, &header->size, header->size + more);
    return neap__tx_commit(&tx);
}


static bool has(struct neap_sh_header *header, uint64_t bytes)
{
    return header->meta_end >= header->meta_next &&
           header->meta_end - header->meta_next >= bytes;
}


/* Where `bytes` can be taken. */
static int find(struct neap__seat *seat, uint64_t bytes, uint64_t *ret_offset)
{
    struct neap_sh_header *header = neap__header(seat->heap);
    int status = has(header, bytes) ? 0 : grow_meta(seat, bytes);
    if (status < 0)
        return status;
    uint64_t offset = header->meta_next;
    if (!neap__inside(seat->heap, offset, bytes, NEAP_SH_GRAIN) ||
        offset < header->heap_offset)
        return neap__extent_corrupt(seat->heap, "the meta chunk", offset);
    *ret_offset = offset;
    return 0;
}


/* The new records are linked privately and join the list at once. */
static int make_records(struct neap__seat *seat, uint64_t first)
{
    struct neap_heap *heap = seat->heap;
    struct neap_sh_header *header = neap__header(heap);
    struct neap_sh_extent *records =
        (struct neap_sh_extent *)(heap->base + first);
    for (uint64_t i = 0; i < NEAP_SH_EXTENTS_MADE; i++) {
        records[i].state = NEAP_SH_UNUSED;
        records[i].next = i + 1 < NEAP_SH_EXTENTS_MADE
                              ? first + (i + 1) * sizeof *records
                              : header->extent_unused;
    }
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    neap__meta_take(&tx, RECORDS_BYTES);
    neap__tx_set(&tx, &header->extent_unused, first);
    neap__tx_set(&tx, &header->extent_spare,
                 header->extent_spare + NEAP_SH_EXTENTS_MADE);
    neap__tx_set(&tx, &header->extent_total,
                 header->extent_total + NEAP_SH_EXTENTS_MADE);
    return neap__tx_commit(&tx);
}


int neap__meta_keep_records(struct neap__seat *seat)
{
    uint64_t first;
    if (neap__header(seat->heap)->extent_spare >= NEAP_SH_EXTENTS_KEPT)
        return 0;
    int status = find(seat, RECORDS_BYTES, &first);
    return status < 0 ? status : make_records(seat, first);
}


int neap__meta_find(struct neap__seat *seat, uint64_t bytes,
                    uint64_t *ret_offset)
{
    int status = neap__meta_keep_records(seat);
    return status < 0 ? status : find(seat, bytes, ret_offset);
}


void neap__meta_take(struct neap__tx *tx, uint64_t bytes)
{
    neap_sh_word *next = &neap__header(tx->seat->heap)->meta_next;
    neap__tx_set(tx, next, neap__tx_get(tx, next) + bytes);
}
