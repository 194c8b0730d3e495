/*
 * Deadlocks: who waits for whom, as the slots tell.
 *
 * A thread that sleeps says on what in slot.blocked_on. An edge leads from it
 * to who owns that lock; from a writer that has its word and waits for readers,
 * to each of them; from one who waits for any of several, to who owns each of
 * them. A cycle of edges is a deadlock, nobody in it can go on before another
 * one does, unless one in it waits for several and can have another of them: it
 * must be owned, and by one who cannot go on either. The slots are read without
 * any lock, so every link of a cycle is looked at twice.
 */
#ifndef NEAP_DEADLOCK_H
#define NEAP_DEADLOCK_H

#include "recovery/seat.h"

#define NEAP__CYCLE_MOST 64

/* In the low bit of slot.blocked_on: it would rather fail than be in a
 * cycle. */
#define NEAP__BLOCKED_ASKS 1u

/* The next one: it waits for any of those that the words of slot.redo name,
 * which nobody else reads while it is committed to nothing. 0 ends them;
 * NEAP_SH_MANY stands for what lies in another heap. */
#define NEAP__BLOCKED_MANY 2u
#define NEAP__BLOCKED_MOST (2 * NEAP_SH_REDO)

/* What a wait inside returns for a cycle; its text is written. */
#define NEAP__CYCLE (-ELOOP)

struct neap__cycle {
    uint32_t count;
    uint32_t slots[NEAP__CYCLE_MOST]; /* each waits for the next, the last for
                                         the first */
};

/* Say on what this thread is about to sleep, and that it does no more. */
NEAP__INLINE void neap__blocked_on(struct neap__seat *seat, const void *what,
                                   int64_t now)
{
    struct neap_sh_slot *slot = seat->slot;
    uint64_t offset = neap__offset(seat->heap, what) |
                      (seat->heap->deadlock_error ? NEAP__BLOCKED_ASKS : 0);
    if (atomic_load_explicit(&slot->blocked_on, memory_order_relaxed) == offset)
        return;
    atomic_store_explicit(&slot->blocked_since, (uint64_t)now,
                          memory_order_relaxed);
    atomic_store_explicit(&slot->blocked_on, offset, memory_order_release);
}

/* The same for any of several: one more of them, the `n`th from 0. */
void neap__blocked_add(struct neap__seat *seat, uint32_t n, uint64_t what);
/* There are `n`, for which it waits since then. */
void neap__blocked_many(struct neap__seat *seat, uint32_t n, int64_t since);

NEAP__INLINE void neap__blocked_end(struct neap__seat *seat)
{
    if (atomic_load_explicit(&seat->slot->blocked_on, memory_order_relaxed))
        atomic_store_explicit(&seat->slot->blocked_on, 0,
                              memory_order_relaxed);
}

/* The entry that slot sleeps on, of several the `n`th from 0; NULL. */
struct neap_sh_entry *neap__blocked_entry(struct neap_heap *heap,
                                          uint32_t index, uint32_t n);

/* A cycle through that slot. @return false there is none. */
bool neap__cycle_find(struct neap_heap *heap, uint32_t index,
                      struct neap__cycle *ret_cycle);

/* In words. */
void neap__cycle_text(struct neap_heap *heap, const struct neap__cycle *cycle,
                      char *text, size_t size);

/* For a thread that has said on what it is about to sleep, and asks: is it the
 * one to give up, the last of those in the cycle that ask? @return 0;
 * NEAP__CYCLE. */
int neap__cycle_check(struct neap__seat *seat);

#endif
