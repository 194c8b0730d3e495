/* What a heap's bytes are used for, part by part. Nothing is changed. */
#include <string.h>

#include "heap/heap.h"
#include "os/file.h"

/* What the cursor is besides the offset of an extent's record, which is more. */
enum { BEGIN, EXTENTS, SLOTS, HEADER, END };


const char *neap_part_kind_name(neap_part_kind kind)
{
    static const char *const names[] = {"?", "header", "slots", "records",
                                        "array", "free", "bare", "reserve"};
    return (unsigned)kind < NEAP__COUNT(names) ? names[kind] : "?";
}


static uint64_t resident(const struct neap_heap *heap, uint64_t offset,
                         uint64_t size)
{
    uint64_t page = neap__page_size(), pages = 0;
    uint64_t first = offset / page * page;
    uint64_t end = neap__round_up(offset + size, page);
    if (end > heap->mapped || first >= end ||
        neap__map_resident(heap->base + first, end - first, &pages) < 0)
        return 0;
    return pages * page < size ? pages * page : size;
}


static void describe(struct neap_heap *heap, neap_part_kind kind,
                     uint64_t offset, uint64_t size, neap_heap_part *ret)
{
    *ret = (neap_heap_part){
        .kind = kind,
        .offset = offset,
        .size = size,
        .resident = kind == NEAP_PART_RESERVE ? 0
                                              : resident(heap, offset, size),
    };
}


static neap_part_kind kind_of(uint64_t state)
{
    switch (state) {
    case NEAP_SH_META: return NEAP_PART_META;
    case NEAP_SH_FREE: return NEAP_PART_FREE;
    case NEAP_SH_BARE: return NEAP_PART_BARE;
    default: return NEAP_PART_ARRAY;
    }
}


/* @return false if there is no such record any more. */
static bool describe_extent(struct neap_heap *heap, uint64_t at,
                            uint64_t *below, neap_heap_part *ret)
{
    struct neap_sh_extent *extent = neap__extent_at(heap, at);
    if (!extent)
        return false;
    uint64_t start = atomic_load(&extent->start);
    uint64_t size = atomic_load(&extent->size);
    uint64_t all = atomic_load(&neap__header(heap)->size);
    if (start > all || size > all - start)
        return false;
    describe(heap, kind_of(atomic_load(&extent->state)), start, size, ret);
    struct neap_sh_entry *entry =
        ret->kind == NEAP_PART_ARRAY
            ? neap__entry_at(heap, atomic_load(&extent->owner)) : NULL;
    if (entry)
        memcpy(ret->name, entry->name, NEAP_NAME_MAX);
    *below = atomic_load(&extent->below);
    return true;
}


static int next_extent(struct neap_heap *heap, uint64_t *cursor,
                       neap_heap_part *ret)
{
    uint64_t at = *cursor, below = 0;
    if (at == EXTENTS)
        at = atomic_load(&neap__header(heap)->extent_last);
    if (at <= END || !describe_extent(heap, at, &below, ret)) {
        *cursor = SLOTS;
        return 0;
    }
    *cursor = below > END ? below : SLOTS;
    return NEAP_MORE;
}


int neap_heap_next_part(neap_heap *heap, uint64_t *cursor,
                        neap_heap_part *ret_part)
{
    struct neap_sh_header *header = neap__header(heap);
    uint64_t size = atomic_load(&header->size);
    if (*cursor == BEGIN) {
        *cursor = EXTENTS;
        if (header->reserved > size) {
            describe(heap, NEAP_PART_RESERVE, size, header->reserved - size,
                     ret_part);
            return NEAP_MORE;
        }
    }
    if (*cursor == EXTENTS || *cursor > END)
        if (next_extent(heap, cursor, ret_part) == NEAP_MORE)
            return NEAP_MORE;
    if (*cursor == SLOTS) {
        *cursor = HEADER;
        describe(heap, NEAP_PART_SLOTS, NEAP_SH_HEADER_SIZE,
                 header->heap_offset - NEAP_SH_HEADER_SIZE, ret_part);
        return NEAP_MORE;
    }
    if (*cursor == HEADER) {
        *cursor = END;
        describe(heap, NEAP_PART_HEADER, 0, NEAP_SH_HEADER_SIZE, ret_part);
        return NEAP_MORE;
    }
    return 0;
}
