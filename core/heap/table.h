/*
 * The directory's table from inside: names to entries, see directory.c.
 */
#ifndef NEAP_TABLE_H
#define NEAP_TABLE_H

#include "heap/heap.h"

struct neap__place {
    struct neap_sh_entry *entry; /* NULL when there is none of that name */
    neap_sh_word *word;          /* of the entry; or the one to use for it */
};

/* Look a name up. @return 0, found or not; NEAP_ECORRUPT. */
int neap__table_search(struct neap_heap *heap, const char *name, uint64_t hash,
                       struct neap__place *ret);

/* Keeps D3: see that there is room for one more name, under the heap's lock.
 * @return 0; -ENOSPC; -ENOMEM; NEAP_ECORRUPT. */
int neap__table_keep(struct neap__seat *seat);

/* @return NEAP_ECORRUPT, with its text. */
int neap__directory_corrupt(struct neap_heap *heap, const char *what);

#endif
