/* What a heap's bytes are used for, part by part. Nothing is changed. */
#include <string.h>

#include "heap/heap.h"
#include "neap/maps.h"
#include "os/file.h"
#include "os/pages.h"

/* What the cursor is besides the offset of an extent's record, which is
 * more. */
enum { BEGIN, EXTENTS, SLOTS, HEADER, END };


const char *neap_part_kind_name(neap_part_kind kind)
{
    static const char *const names[] = {"?", "header", "slots", "records",
                                        "array", "free", "bare", "reserve"};
    return (unsigned)kind < NEAP__COUNT(names) ? names[kind] : "?";
}


/* The whole pages that hold some bytes of the heap. @return false they are not
 * all mapped. */
static bool find_pages(const struct neap_heap *heap, uint64_t offset,
                       uint64_t size, char **base, uint64_t *length)
{
    uint64_t page = neap__page_size();
    uint64_t first = offset / page * page;
    uint64_t end = neap__round_up(offset + size, page);
    *base = heap->base + first;
    *length = end - first;
    return end <= heap->mapped && first < end;
}


/* Bytes of whole pages, of a part that may begin and end within one. */
static uint64_t bytes_of(uint64_t pages, uint64_t size)
{
    uint64_t bytes = pages * neap__page_size();
    return bytes < size ? bytes : size;
}


/* A reserve has no memory. */
static void look_at_memory(const struct neap_heap *heap, neap_heap_part *part)
{
    char *base;
    uint64_t length, pages = 0;
    if (part->kind == NEAP_PART_RESERVE)
        return;
    part->others = -1;
    if (!find_pages(heap, part->offset, part->size, &base, &length))
        return;
    if (neap__map_resident(base, length, &pages) == 0)
        part->resident = bytes_of(pages, part->size);
    if (neap__pages_of_others(base, length, &pages) == 0)
        part->others = (int64_t)bytes_of(pages, part->size);
}


static void describe(struct neap_heap *heap, neap_part_kind kind,
                     uint64_t offset, uint64_t size, neap_heap_part *ret)
{
    *ret = (neap_heap_part){.kind = kind, .offset = offset, .size = size};
    look_at_memory(heap, ret);
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


int neap_heap_processes(neap_heap *heap, int32_t *ret_pids, int most)
{
    return neap_page_sharers(0, (uintptr_t)heap->base, ret_pids, most);
}
