/**
 * Who holds what, who waits for what, and who waits for each other for ever.
 *
 * Read without any lock, while all go on: what is told was so a moment ago.
 */
#ifndef NEAP_LOCKS_H
#define NEAP_LOCKS_H

#include "neap/heap.h"

typedef enum neap_use_role {
    NEAP_USE_HOLDS = 1, /* a mutex; an rwlock, to write; a once, doing it; permits
                           of an undo semaphore */
    NEAP_USE_READS,     /* an rwlock */
    NEAP_USE_WAITS
} neap_use_role;

/** "holds", "reads", "waits". */
NEAP_API const char *neap_use_role_name(neap_use_role role);

typedef struct neap_lock_use {
    char name[NEAP_NAME_MAX + 1];
    neap_object_kind kind;
    neap_use_role role;
    uint32_t slot;
    int32_t pid, tid;   /* as their own PID namespace numbers them */
    bool dead;          /* and not reaped yet */
    int64_t waited;     /* nanoseconds so far, of who waits */
    int64_t held;       /* nanoseconds so far, of who holds a mutex, or an rwlock
                           to write, that is measured; -1 not known */
    uint64_t permits;   /* of an undo semaphore */
} neap_lock_use;

/**
 * Walk what all threads hold and wait for: start with *cursor 0.
 * @return NEAP_MORE and an item; 0 at the end.
 */
NEAP_API NEAP_MUST_CHECK
int neap_heap_next_use(neap_heap *heap, uint64_t *cursor,
                       neap_lock_use *ret_use);

/**
 * What is measured of a lock, from when that began: neap_heap_measure. Numbers
 * of others' threads that are just being added may be missing.
 */
typedef struct neap_lock_statistics {
    neap_object_kind kind;
    bool measured;         /* now; what follows stays when it ends */
    bool owned;            /* the last three are known: not of a semaphore */
    uint64_t acquisitions; /* by readers too, and all that a semaphore gave */
    uint64_t contended;    /* of them, those that had to wait */
    int64_t longest_wait;  /* nanoseconds, of waits that did not end in vain */
    int64_t waited;        /* in all, by owners and writers */
    int64_t longest_hold;  /* by owners and writers, that have ended */
    int64_t held;          /* in all */
} neap_lock_statistics;

/**
 * Begin to measure a mutex, an rwlock or a semaphore afresh, or end that; NULL:
 * all of them that are there now. It costs its users the reading of a clock or
 * two each time, and may be done at any time, while they go on.
 *
 * Blocks: for the heap's lock. Crash: begun or not. Signals: none.
 *
 * @return how many, 0 and up; -ENOENT; NEAP_ETYPE it is none of them; -EACCES
 * read-only.
 */
NEAP_API NEAP_MUST_CHECK
int neap_heap_measure(neap_heap *heap, const char *name, bool on);

/** @return 0; -ENOENT; NEAP_ETYPE. */
NEAP_API NEAP_MUST_CHECK
int neap_heap_lock_statistics(neap_heap *heap, const char *name,
                              neap_lock_statistics *ret_statistics);

/** A cycle: each of these threads waits for what the next one has, the last for
 * what the first has. */
typedef struct neap_deadlock {
    uint32_t count;
    uint32_t slots[64];
    char text[1024];    /* in words */
} neap_deadlock;

/**
 * Walk the deadlocks: start with *cursor 0. Whoever opened the heap with
 * NEAP_OPEN_DEADLOCK_ERROR is in none for long: the last one to wait gets
 * -EDEADLK and this text.
 * @return NEAP_MORE and an item; 0 at the end.
 */
NEAP_API NEAP_MUST_CHECK
int neap_heap_next_deadlock(neap_heap *heap, uint64_t *cursor,
                            neap_deadlock *ret_deadlock);

#endif
