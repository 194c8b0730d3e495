/*
 * neap's side of the benchmarks: a heap, and calls that must succeed.
 */
#ifndef NEAP_BENCH_OURS_H
#define NEAP_BENCH_OURS_H

#include "bench.h"
#include "neap.h"

/* A call of neap that must succeed. */
#define BENCH_OURS(call)                                                       \
    (__builtin_expect((call) < 0, 0) ? bench_failed(#call, neap_error_text())  \
                                     : (void)0)

/* The heap of this benchmark: anonymous, made at the first call. */
static inline neap_heap *bench_heap(void)
{
    static neap_heap *heap;
    if (!heap)
        BENCH_OURS(neap_heap_open(NULL, NULL, &heap));
    return heap;
}

#endif
