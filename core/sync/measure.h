/*
 * What is measured of a lock on request: how often it was taken, how often that
 * meant to wait and how long, how long it was held.
 *
 * Each number is a word of its own, stored after what it tells of: a death
 * between leaves one acquisition uncounted, or a hold without its end, which
 * the next owner begins anew. What lies over other objects' shape is stored by
 * who has the lock word, and while that is not free the entry stays what it is
 * (heap/directory.c).
 */
#ifndef NEAP_SYNC_MEASURE_H
#define NEAP_SYNC_MEASURE_H

#include "heap/object.h"
#include "neap/locks.h"

NEAP__INLINE bool neap__measured(const struct neap_sh_entry *entry)
{
    return atomic_load_explicit(&entry->measured, memory_order_relaxed) != 0;
}

/* Before a wait: now, or 0 if nothing is measured. */
NEAP__INLINE int64_t neap__measure_begin(const struct neap_sh_entry *entry)
{
    return NEAP__UNLIKELY(neap__measured(entry)) ? neap_now() : 0;
}

/* It was taken, after a wait since `begun` if that is not 0; by an `owner`, who
 * has the lock word. */
void neap__measure_taken(struct neap_sh_entry *entry, int64_t begun,
                         bool owner) __attribute__((cold));

/* Its owner is about to give it back. */
void neap__measure_given(struct neap_sh_entry *entry) __attribute__((cold));

#endif
