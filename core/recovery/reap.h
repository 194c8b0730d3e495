/*
 * Reaping: to finish or undo what a dead slot was doing, and to give back what
 * it held. See reap.c for the order of it.
 */
#ifndef NEAP_REAP_H
#define NEAP_REAP_H

#include "recovery/seat.h"

struct neap__tx;

/*
 * What an object wants done, within a change and under its entry's lock, when
 * one who has a share of it dies. An object of a kind without a finisher gets
 * the share's value back. The table stands in core/sync/finishers.c: recovery
 * itself knows no noun.
 */
typedef void neap__finisher(struct neap__tx *tx, struct neap_sh_entry *entry,
                            uint64_t share);

neap__finisher *neap__finisher_of(uint32_t kind);

/*
 * Clean a slot whose life the caller holds: its own at the end of a thread, or
 * one whose owner died. Restartable: if the caller dies, whoever claims the
 * slot next does it again. @return 0; NEAP_ECORRUPT.
 */
int neap__slot_clean(struct neap_heap *heap, uint32_t index);

/* Claim a slot's proof of life, if it is one: the C library trusts what stands
 * there. @return 0 it was free; -EOWNERDEAD its owner died; -EBUSY it is
 * somebody's; NEAP_ECORRUPT, and as neap__gate_enter. */
int neap__slot_claim(struct neap_heap *heap, uint32_t index);

/* Give up the life of a slot that the caller holds. */
void neap__slot_release(struct neap_heap *heap, struct neap_sh_slot *slot);

/* Reap that slot if its owner is dead. @return 1 reaped; 0; NEAP_ECORRUPT. */
int neap__reap_slot(struct neap_heap *heap, uint32_t index);

/* Reap all. @return how many; NEAP_ECORRUPT. */
int neap__reap(struct neap_heap *heap);

#endif
