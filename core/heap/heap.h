/*
 * Inside the heap layer: birth and opening, extents, the directory.
 */
#ifndef NEAP_HEAP_INSIDE_H
#define NEAP_HEAP_INSIDE_H

#include "recovery/lock.h"
#include "recovery/redo.h"
#include "recovery/seat.h"

/* -- header.c: what a heap is, and whether something is one --------------- */

/* What a heap is made like. */
struct neap__shape {
    uint64_t reserved, size;
    uint32_t slots, slots_ready;
    uint32_t flags;
    neap_kind kind;
};

uint64_t neap__heap_offset(uint32_t slots);

/* 36 characters and a NUL. (inspect.c) */
void neap__uuid_text(const uint8_t uuid[16], char *text);

/* Make a copied header that of another heap: with a uuid of its own, at home
 * nowhere, so that whoever opens it takes all its slots' owners for lost. */
void neap__header_renew(struct neap_sh_header *header,
                        const struct neap__shape *shape);

/* Bytes set aside at birth, at least; and for System V in all, at least. */
uint64_t neap__heap_smallest(uint32_t slots);

/*
 * Format zeroed memory, of which the header, the first slots and `size` bytes
 * from heap_offset on are there: the header and, at heap_offset, the first
 * NEAP_SH_EXTENTS_AT_BIRTH extents. The magic is stored last.
 */
void neap__header_format(struct neap_sh_header *header,
                         struct neap_sh_extent *extents,
                         const struct neap__shape *shape);

/*
 * Look at a header, or a copy of one, of a segment of `bytes` bytes.
 * @return 0; NEAP_EFOREIGN; NEAP_ELAYOUT; NEAP_ECORRUPT, with its text.
 */
int neap__header_validate(const struct neap_sh_header *header, uint64_t bytes,
                          const char *address);

/* -- extent.c: the allocator -------------------------------------------------
 * The heap's lock is held by the seat for all of these. */

/*
 * See that an extent of `bytes` can be taken: find one, or grow the heap, and
 * set aside what may be bare. Takes nothing yet. `zeroed_from` is the offset
 * from which on the extent's bytes are known to be zero.
 * @return 0; -ENOSPC; -ENOMEM; NEAP_ECORRUPT.
 */
int neap__extent_find(struct neap__seat *seat, uint64_t bytes,
                      struct neap_sh_extent **ret_extent,
                      uint64_t *ret_zeroed_from);

/* Make the first `bytes` of a found, still free extent zero. */
int neap__extent_zero(struct neap__seat *seat, struct neap_sh_extent *extent,
                      uint64_t bytes, uint64_t zeroed_from);

/* Within a change: take the first `bytes` of a found extent. */
void neap__extent_take(struct neap__tx *tx, struct neap_sh_extent *extent,
                       uint64_t bytes, uint64_t owner);

/* Within a change: give an extent back. */
void neap__extent_free(struct neap__tx *tx, struct neap_sh_extent *extent);

/* After the commit of that: give its pages back to the kernel, if it is worth
 * it (the record says so). */
void neap__extent_return_pages(struct neap_heap *heap, uint64_t start,
                               uint64_t size);

/* -- meta.c: memory for entries, extents and tables --------------------------
 * 64-byte aligned, never freed and never before anything else. */

/*
 * Find `bytes`, a multiple of NEAP_SH_GRAIN, growing the heap if need be; takes
 * nothing yet, so that they can be filled before anything refers to them. Not
 * zeroed: a death may have left its traces there.
 * @return 0; -ENOSPC; -ENOMEM; NEAP_ECORRUPT.
 */
int neap__meta_find(struct neap__seat *seat, uint64_t bytes,
                    uint64_t *ret_offset);

/* Within the change that links what was found last: take it. */
void neap__meta_take(struct neap__tx *tx, uint64_t bytes);

/* An extent record by its offset; NULL for an offset that cannot be one. */
NEAP__INLINE struct neap_sh_extent *
neap__extent_at(const struct neap_heap *heap, uint64_t offset)
{
    return offset < neap__header(heap)->heap_offset
               ? NULL
               : neap__at(heap, offset, sizeof(struct neap_sh_extent),
                          NEAP_SH_GRAIN);
}

uint32_t neap__bin_of(uint64_t bytes);

/* -- directory.c: names --------------------------------------------------- */

/* What to open, and what to make of it when it is missing. */
struct neap__wanted {
    neap_object_kind kind;
    uint32_t variant;      /* 0: any, and `default_variant` when made */
    uint32_t default_variant;
    neap_type type;        /* NEAP_TYPE_ANY: any, then it must be there */
    uint32_t dimensions;   /* 0: any, likewise */
    const uint64_t *shape;
    uint64_t bytes;        /* of an array's elements */
    uint64_t value, limit; /* at birth */
    uint64_t bound;        /* semaphores, at birth: shape[0] */
    bool must_exist;
};

/* The object as found or made; the entry stays type-stable for ever. */
struct neap__found {
    struct neap_sh_entry *entry;
    uint64_t id;
    uint64_t what;
    uint64_t data; /* arrays: offset of the first element */
    uint64_t shape[NEAP_DIMENSIONS_MAX];
};

/* @return 0; NEAP_CREATED; -ENOENT; NEAP_ETYPE; -EINVAL; -ENOSPC; -EACCES;
 * NEAP_ECORRUPT. */
int neap__object_open(struct neap_heap *heap, const char *name,
                      const struct neap__wanted *wanted,
                      struct neap__found *ret_found);

/* Look without a lock: entry, id and what; data is not located.
 * @return 0; -ENOENT; -EINVAL; -EAGAIN; NEAP_ECORRUPT. */
int neap__object_find(struct neap_heap *heap, const char *name,
                      struct neap__found *ret_found);

/* What is wrong with a name, as a status with its text; 0 for a good one. */
int neap__name_check(const struct neap_heap *heap, const char *name);

uint64_t neap__name_hash(const char *name);

NEAP__INLINE struct neap_sh_entry *
neap__entry_at(const struct neap_heap *heap, uint64_t offset)
{
    return offset < neap__header(heap)->heap_offset
               ? NULL
               : neap__at(heap, offset, sizeof(struct neap_sh_entry),
                          NEAP_SH_GRAIN);
}

/* The directory's table; NULL if header.table cannot be right. */
neap_sh_word *neap__table(const struct neap_heap *heap, uint64_t *ret_words);

#define NEAP__TABLE_DROPPED UINT64_C(1)

NEAP__INLINE uint64_t neap__table_word(uint64_t hash, uint64_t offset)
{
    return (hash & ~NEAP_SH_TABLE_OFFSET) | offset;
}

/* "an array of f64, 512 x 512" into 240 bytes; returns them. */
const char *neap__what_text(uint64_t what, const uint64_t *shape, char *buffer);

/* A change under the heap's lock is about to begin. @return 0; -EACCES;
 * NEAP_ESLOTS; NEAP_ECORRUPT. Ends with neap__unlock(seat, &header->lock). */
int neap__heap_lock(struct neap_heap *heap, struct neap__seat **ret_seat);

#endif
