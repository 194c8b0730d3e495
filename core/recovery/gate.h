/*
 * The gate: one at a time claims a slot's proof of life, or gives it up
 * (neap__slot_claim, neap__slot_release in reap.c).
 *
 * Why. To claim, and to give up, a robust mutex the C library tells the kernel
 * first which one it is about to touch (list_op_pending). If the thread dies
 * just then, the kernel compares the word with the thread's number, in its own
 * PID namespace, and marks the owner dead if they are equal. Two containers
 * both have a thread number 1: the second may have claimed the very mutex that
 * the first, dying, was about to claim or had just given up, and would be
 * declared dead alive. So nobody may touch a proof of life while another one's
 * kernel-side announcement of it stands.
 *
 * How. A lock of the heap's file that the kernel drops at its holder's death,
 * after it has done with the holder's mutexes (a process gives up its memory,
 * and the robust list with it, before its files). It belongs to an open file
 * description of this process alone; threads of one process take turns at a
 * mutex, which fork() takes, too, so that no child has a part in the lock.
 * System V heaps have no file: there it is the lock of their births.
 */
#ifndef NEAP_GATE_H
#define NEAP_GATE_H

#include "recovery/seat.h"

/*
 * What `enter` returns is what `leave` wants back. Nothing that waits, and
 * nothing that forks, belongs between the two.
 *
 * @return 0 and more; -errno not entered, for want of a descriptor, of memory
 * or of locks: whoever may, lets it be. Where a gate cannot be had at all, as
 * without /proc, it counts as entered.
 */
int neap__gate_enter(struct neap_heap *heap);
void neap__gate_leave(struct neap_heap *heap, int kept);

/* Have its descriptor from now on, so that no later call of this process needs
 * one. @return 0; -errno as `enter`. */
int neap__gate_open(struct neap_heap *heap);

#ifdef NEAP_SABOTAGE
/* Where death is simulated, so is the kernel's dropping of the lock: what the
 * one at the gate keeps, or nobody. */
enum { NEAP__GATE_FREE = -1000 };
extern int neap__gate_kept;
#endif

/* Around fork(). */
void neap__gate_hold(void);
void neap__gate_let_go(void);

#endif
