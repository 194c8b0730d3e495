/*
 * Reaping: to finish or undo what a dead slot was doing, and to give back what
 * it held. See reap.c for the order of it.
 */
#ifndef NEAP_REAP_H
#define NEAP_REAP_H

#include "recovery/seat.h"

/*
 * Clean a slot whose life the caller holds: its own at the end of a thread, or
 * one whose owner died. Restartable: if the caller dies, whoever claims the
 * slot next does it again. @return 0; NEAP_ECORRUPT.
 */
int neap__slot_clean(struct neap_heap *heap, uint32_t index);

/* Claim a slot's proof of life, if it is one: the C library trusts what stands
 * there. @return as neap__life_claim; NEAP_ECORRUPT. */
int neap__slot_claim(struct neap_heap *heap, uint32_t index);

/* Reap that slot if its owner is dead. @return 1 reaped; 0; NEAP_ECORRUPT. */
int neap__reap_slot(struct neap_heap *heap, uint32_t index);

/* Reap all. @return how many; NEAP_ECORRUPT. */
int neap__reap(struct neap_heap *heap);

#endif
