/*
 * Cells: how small undo semaphores keep their permits.
 *
 * A permit is a cell in the entry, with nothing in it or the tag of the thread
 * that has it: one compare-exchange takes a permit and says whose it is, one
 * plain store gives it back. That is half of what a redo record costs, let
 * alone the lock that has to go with it.
 *
 *  I1 Before its first claim a thread has a share of the semaphore. It keeps it
 *     when it holds nothing, until it needs the place: then the next claim is
 *     free of it.
 *  I2 Only its owner, or who reaps that, empties a cell. So a tag that is found
 *     by its owner stays.
 *  I3 Whoever wants several permits takes them under the entry's lock, and
 *     gives back what it got if there are too few. Whoever finds too few
 *     meanwhile looks again under the lock, for nothing had been taken in
 * truth.
 */
#ifndef NEAP_SYNC_SEMAPHORE_H
#define NEAP_SYNC_SEMAPHORE_H

#include "heap/object.h"
#include "neap/semaphore.h"
#include "recovery/redo.h"
#include "recovery/share.h"

struct neap_semaphore {
    struct neap__object object;
    uint32_t cells;        /* 0: it has none */
    _Atomic uint32_t hint; /* where a thread found its share */
};

/* Threads begin at different cells, so that they seldom meet at one. */
NEAP__INLINE uint32_t neap__cell_first(const struct neap__seat *seat,
                                       uint32_t cells)
{
    return (uint32_t)((uint64_t)(seat->tag * 2654435761u) * cells >> 32);
}

NEAP__INLINE bool neap__cell_claim(struct neap__seat *seat,
                                   _Atomic uint32_t *cell)
{
    uint32_t nobody = 0;
    return atomic_load_explicit(cell, memory_order_relaxed) == 0 &&
           atomic_compare_exchange_strong(cell, &nobody, seat->tag);
}

/* Keeps I1: has this thread a share, where it was found last? */
NEAP__INLINE bool neap__cells_known(struct neap_semaphore *semaphore,
                                    struct neap__seat *seat)
{
    struct neap__object *object = &semaphore->object;
    struct neap_sh_share *share =
        &seat->slot->shares[atomic_load_explicit(&semaphore->hint,
                                                 memory_order_relaxed)];
    return atomic_load_explicit(&share->id, memory_order_relaxed) ==
               object->id &&
           atomic_load_explicit(&share->entry, memory_order_relaxed) ==
               neap__offset(object->heap, object->entry);
}

/* Take one at once, or nothing. @return the cell, or NULL. */
NEAP__INLINE _Atomic uint32_t *neap__cell_take(struct neap_semaphore *semaphore,
                                               struct neap__seat *seat)
{
    _Atomic uint32_t *cells = semaphore->object.entry->cells;
    uint32_t n = semaphore->cells, at = neap__cell_first(seat, n);
    for (uint32_t i = 0; i < n; i++) {
        if (neap__cell_claim(seat, &cells[at]))
            return &cells[at];
        at = at + 1 == n ? 0 : at + 1;
    }
    return NULL;
}

/* One that this thread has, or NULL. */
NEAP__INLINE _Atomic uint32_t *neap__cell_mine(struct neap_semaphore *semaphore,
                                               struct neap__seat *seat)
{
    _Atomic uint32_t *cells = semaphore->object.entry->cells;
    uint32_t n = semaphore->cells, at = neap__cell_first(seat, n);
    for (uint32_t i = 0; i < n; i++) {
        if (atomic_load_explicit(&cells[at], memory_order_relaxed) == seat->tag)
            return &cells[at];
        at = at + 1 == n ? 0 : at + 1;
    }
    return NULL;
}

/* Take n permits. @return 0; -EBUSY there are too few; -EIDRM; -EAGAIN. */
int neap__cells_take(struct neap_semaphore *semaphore, struct neap__seat *seat,
                     uint64_t n);

/* Give n back. @return 0; -EIDRM; -EPERM it has fewer, *ret_has; no text. */
int neap__cells_give(struct neap_semaphore *semaphore, struct neap__seat *seat,
                     uint64_t n, uint64_t *ret_has);

/* @return -EAGAIN, with its text. */
int neap__semaphore_no_share(const struct neap__object *object);

/* A holder died; `share` is what it had of one without cells. */
void neap__semaphore_finish(struct neap__tx *tx, struct neap_sh_entry *entry,
                            uint64_t share);

#endif
