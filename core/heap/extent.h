/* What extents and the meta chunks, which are some of them, share. */
#ifndef NEAP_EXTENT_H
#define NEAP_EXTENT_H

#include "heap/heap.h"

/* @return NEAP_ECORRUPT, with its text. */
int neap__extent_corrupt(struct neap_heap *heap, const char *what,
                         uint64_t offset);

/* The extent that ends where the heap does; NULL if there is none. */
struct neap_sh_extent *neap__extent_last(struct neap_heap *heap);

/* Set `bytes` above the heap's end aside. The heap's size is unchanged, so that
 * a death here leaves a file that is longer than it need be. */
int neap__extent_set_aside_above(struct neap_heap *heap, uint64_t bytes);

/* Within a change: a record for new bytes right above `below`. */
struct neap_sh_extent *neap__extent_above(struct neap__tx *tx,
                                          struct neap_sh_extent *below,
                                          uint64_t start, uint64_t size,
                                          uint64_t state);

/* Keeps E3. @return 0; -ENOSPC; -ENOMEM; NEAP_ECORRUPT. */
int neap__meta_keep_records(struct neap__seat *seat);

#endif
