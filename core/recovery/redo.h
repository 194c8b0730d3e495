/*
 * Micro-transactions: a change of several words that is made whole.
 *
 *     struct neap__tx tx;
 *     neap__tx_begin(&tx, seat);
 *     neap__tx_set(&tx, &header->objects, n + 1);
 *     ...
 *     status = neap__tx_commit(&tx);
 *
 * I1 A committed record is applied before any lock that covers its words is
 *    released.
 * I2 Values are absolute, so that whoever applies it again does no harm.
 * I3 Every word written is covered by a lock that the seat holds, or is the
 *    seat's own.
 * I4 Until the commit nothing has changed; what was prepared in memory that
 *    nobody refers to needs no record.
 */
#ifndef NEAP_REDO_H
#define NEAP_REDO_H

#include "recovery/sabotage.h"
#include "recovery/seat.h"

struct neap__tx {
    struct neap__seat *seat;
    uint32_t count;
    int status; /* of the first failure; commit then changes nothing */
};

void neap__tx_begin(struct neap__tx *tx, struct neap__seat *seat);

/* The word as it will be after the commit. */
uint64_t neap__tx_get(struct neap__tx *tx, const neap_sh_word *word);

void neap__tx_set(struct neap__tx *tx, neap_sh_word *word, uint64_t value);

/* Remember a failure, for commit to return. @return `status`. */
int neap__tx_fail(struct neap__tx *tx, int status);

/* The same for a word that this change has not set yet; for the few stores of
 * hot paths. */
NEAP__INLINE void neap__tx_add(struct neap__tx *tx, neap_sh_word *word,
                               uint64_t value)
{
    struct neap_sh_store *store = &tx->seat->slot->redo.stores[tx->count++];
    store->offset = neap__offset(tx->seat->heap, word);
    store->value = value;
}

/* Release each store: readers without a lock follow links. */
NEAP__INLINE void neap__redo_apply(struct neap_heap *heap,
                                   const struct neap_sh_redo *redo,
                                   uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        neap_sh_word *word =
            (neap_sh_word *)(heap->base + redo->stores[i].offset);
        atomic_store_explicit(word, redo->stores[i].value,
                              memory_order_release);
    }
}

/* Commit and apply a change of which nothing failed. */
NEAP__INLINE void neap__tx_finish(struct neap__tx *tx)
{
    struct neap_sh_redo *redo = &tx->seat->slot->redo;
    redo->count = tx->count;
    neap__crash_order();
    if (!NEAP__SABOTAGED(NEAP__WITHOUT_REDO))
        atomic_store_explicit(&redo->committed, 1, memory_order_release);
    neap__crash_order();
    neap__redo_apply(tx->seat->heap, redo, tx->count);
    neap__crash_order();
    atomic_store_explicit(&redo->committed, 0, memory_order_release);
}

int neap__tx_commit(struct neap__tx *tx);

/* Apply what a dead slot had committed. @return 0; NEAP_ECORRUPT. */
int neap__redo_replay(struct neap_heap *heap, struct neap_sh_slot *slot);

#endif
