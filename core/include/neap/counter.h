/**
 * Counters: a 64-bit number that any process may change at any time.
 *
 *  plain    one word, atomic, exact at every instant.
 *  striped  each thread adds to a cell of its own; adding costs less and does
 *           not slow down with more adders, reading adds the cells up. What
 *           add tells is this thread's view; compare_exchange, max, min and
 *           exchange are refused (-ENOTSUP).
 *  double   one word, floating point (IEEE 754 binary64).
 *
 * The functions without `_double` work on plain and striped counters, those
 * with it on double counters; the wrong ones answer NEAP_ETYPE. All of them
 * answer -EIDRM when the counter was dropped, and integers wrap around.
 *
 * Blocks: never (striped: its first add may take a lock for an instant).
 * Crash: each call happened or did not. Signals: none. Fork: both may go on.
 */
#ifndef NEAP_COUNTER_H
#define NEAP_COUNTER_H

#include "neap/heap.h"

typedef struct neap_counter neap_counter;

typedef enum neap_counter_kind {
    NEAP_COUNTER_ANY = 0, /* when opening: whatever is there, else plain */
    NEAP_COUNTER_PLAIN = 1,
    NEAP_COUNTER_STRIPED = 2,
    NEAP_COUNTER_DOUBLE = 3
} neap_counter_kind;

/** Open the counter of that name, or make it, at 0.
 * @return 0; NEAP_CREATED; NEAP_ETYPE; -EINVAL a bad name; -ENOSPC; -ENOENT
 * a read-only heap has no such counter. */
NEAP_API NEAP_MUST_CHECK
int neap_counter_open(neap_heap *heap, const char *name,
                      neap_counter **ret_counter);
NEAP_API NEAP_MUST_CHECK
int neap_counter_open_as(neap_heap *heap, const char *name,
                         neap_counter_kind kind, neap_counter **ret_counter);

/** NULL is fine. */
NEAP_API void neap_counter_close(neap_counter *counter);

NEAP_API neap_counter_kind neap_counter_kind_of(neap_counter *counter);
NEAP_API const char *neap_counter_name(neap_counter *counter);

/** Add n. @return 0; NEAP_ETYPE; -EIDRM; -EACCES. */
NEAP_API int neap_counter_add(neap_counter *counter, int64_t n);

#if !defined SWIG && !defined NEAP_COUNTER_WITHOUT_INLINE
/* The beginning of a counter's handle and of its place in the heap, for the
 * inline road of neap_counter_add only; no part of the interface. */
struct neap_counter_head {
    struct neap_counter_place {
        uint64_t locks;
        uint64_t value;
        uint64_t id;
    } *plain; /* NULL where the function must decide */
    uint64_t id;
};

static inline int neap_counter_add_inline(neap_counter *counter, int64_t n)
{
    struct neap_counter_head *head = (struct neap_counter_head *)(void *)counter;
#ifdef __x86_64__
    /* The line is about to be written: fetched to be read first, it would be
     * fetched twice where others add, too. */
    __asm__ volatile("prefetchw %0" : : "m"(*(head->plain ? &head->plain->value
                                                          : &head->id))
                     : "memory");
#endif
    if (__builtin_expect(!head->plain ||
                             __atomic_load_n(&head->plain->id,
                                             __ATOMIC_RELAXED) != head->id, 0))
        return neap_counter_add(counter, n);
    __atomic_fetch_add(&head->plain->value, (uint64_t)n, __ATOMIC_SEQ_CST);
    return 0;
}

#define neap_counter_add(counter, n) neap_counter_add_inline(counter, n)
#endif

/** Add n and tell the new value. */
NEAP_API NEAP_MUST_CHECK
int neap_counter_add_get(neap_counter *counter, int64_t n, int64_t *ret_value);

NEAP_API NEAP_MUST_CHECK
int neap_counter_get(neap_counter *counter, int64_t *ret_value);
NEAP_API NEAP_MUST_CHECK
int neap_counter_set(neap_counter *counter, int64_t value);

/** Set it and tell what was there. */
NEAP_API NEAP_MUST_CHECK
int neap_counter_exchange(neap_counter *counter, int64_t value,
                          int64_t *ret_old);

/** Set it to `value` if it is `*expected`; `*expected` becomes what was there.
 * Compare it with what you passed to learn whether it was set. */
NEAP_API NEAP_MUST_CHECK
int neap_counter_compare_exchange(neap_counter *counter, int64_t *expected,
                                  int64_t value);

/** Raise to (lower to) `value` if it is less (more); tells the new value. */
NEAP_API NEAP_MUST_CHECK
int neap_counter_max(neap_counter *counter, int64_t value, int64_t *ret_value);
NEAP_API NEAP_MUST_CHECK
int neap_counter_min(neap_counter *counter, int64_t value, int64_t *ret_value);

NEAP_API NEAP_MUST_CHECK
int neap_counter_add_double(neap_counter *counter, double n, double *ret_value);
NEAP_API NEAP_MUST_CHECK
int neap_counter_get_double(neap_counter *counter, double *ret_value);
NEAP_API NEAP_MUST_CHECK
int neap_counter_set_double(neap_counter *counter, double value);
NEAP_API NEAP_MUST_CHECK
int neap_counter_exchange_double(neap_counter *counter, double value,
                                 double *ret_old);
NEAP_API NEAP_MUST_CHECK
int neap_counter_compare_exchange_double(neap_counter *counter,
                                         double *expected, double value);
NEAP_API NEAP_MUST_CHECK
int neap_counter_max_double(neap_counter *counter, double value,
                            double *ret_value);
NEAP_API NEAP_MUST_CHECK
int neap_counter_min_double(neap_counter *counter, double value,
                            double *ret_value);

#endif
