/*
 * Arrays: to make and drop one, against memory from malloc and from Boost's
 * segment; and the bulk functions, against a loop.
 */
#include <string.h>

#include "ours.h"

const char bench_noun[] = "array";

#define ELEMENTS 100000


/* -- making and dropping --------------------------------------------------- */

static void make_and_drop(long n, uint64_t bytes)
{
    for (long i = 0; i < n; i++) {
        neap_array *array;
        BENCH_OURS(neap_array_open(bench_heap(), "array", NEAP_TYPE_U8, 1,
                                   &bytes, &array));
        neap_array_close(array);
        BENCH_OURS(neap_heap_drop(bench_heap(), "array"));
    }
}


/* Zero-filled too, and really: calloc alone leaves large ones to later. */
static void allocate(long n, size_t bytes)
{
    for (long i = 0; i < n; i++) {
        void *memory = malloc(bytes);
        if (!memory)
            bench_failed("malloc", NULL);
        memset(memory, 0, bytes);
        BENCH_USED(memory);
        free(memory);
    }
}


#define SIZES(X) X(64, 64) X(4k, 4096) X(64k, 65536) X(1m, 1048576)

#define DEFINE_SIZE(id, bytes)                                                 \
    static void make_##id(long n)                                              \
    {                                                                          \
        make_and_drop(n, bytes);                                               \
    }                                                                          \
    static void allocate_##id(long n)                                          \
    {                                                                          \
        allocate(n, bytes);                                                    \
    }

SIZES(DEFINE_SIZE)

#define BENCH_SIZE(id, bytes)                                                  \
    do {                                                                       \
        struct bench_subject subjects[] = {                                    \
            {"neap", NULL, make_##id, NULL},                                   \
            {"malloc, memset, free", NULL, allocate_##id, NULL},               \
            bench_boost("bench_boost_array_" #id, "Boost construct, destroy"), \
        };                                                                     \
        bench_row("create and drop " #bytes " bytes", "ns", subjects, 3);      \
    } while (0);


/* -- in bulk --------------------------------------------------------------- */

static neap_array *a, *b;
static double *x, *y;

static void open_ours(void)
{
    uint64_t length = ELEMENTS;
    neap_value two = {.kind = 'f', .as.f = 2};
    BENCH_OURS(neap_array_open(bench_heap(), "a", NEAP_TYPE_F64, 1, &length,
                               &a));
    BENCH_OURS(neap_array_open(bench_heap(), "b", NEAP_TYPE_F64, 1, &length,
                               &b));
    BENCH_OURS(neap_array_fill(a, two));
    BENCH_OURS(neap_array_fill(b, two));
}


static void close_ours(void)
{
    neap_array_close(a);
    neap_array_close(b);
}


static void allocate_theirs(void)
{
    x = bench_shared(ELEMENTS * sizeof *x);
    y = bench_shared(ELEMENTS * sizeof *y);
    for (int i = 0; i < ELEMENTS; i++)
        x[i] = y[i] = 2;
}


static void sum_ours(long n)
{
    neap_value value;
    for (long i = 0; i < n; i++)
        BENCH_OURS(neap_array_sum(a, &value));
}


static void sum_theirs(long n)
{
    for (long i = 0; i < n; i++) {
        double sum = 0;
        for (int k = 0; k < ELEMENTS; k++)
            sum += x[k];
        BENCH_USED(&sum);
    }
}


static void fill_ours(long n)
{
    neap_value two = {.kind = 'f', .as.f = 2};
    for (long i = 0; i < n; i++)
        BENCH_OURS(neap_array_fill(a, two));
}


static void fill_theirs(long n)
{
    for (long i = 0; i < n; i++) {
        for (int k = 0; k < ELEMENTS; k++)
            x[k] = 2;
        BENCH_USED(x);
    }
}


static void dot_ours(long n)
{
    neap_value value;
    for (long i = 0; i < n; i++)
        BENCH_OURS(neap_array_dot(a, b, &value));
}


static void dot_theirs(long n)
{
    for (long i = 0; i < n; i++) {
        double sum = 0;
        for (int k = 0; k < ELEMENTS; k++)
            sum += x[k] * y[k];
        BENCH_USED(&sum);
    }
}


static void add_ours(long n)
{
    for (long i = 0; i < n; i++)
        BENCH_OURS(neap_array_add(a, b));
}


static void add_theirs(long n)
{
    for (long i = 0; i < n; i++) {
        for (int k = 0; k < ELEMENTS; k++)
            x[k] += y[k];
        BENCH_USED(x);
    }
}


static void bench_bulk(const char *what, void (*ours)(long),
                       void (*theirs)(long))
{
    struct bench_subject subjects[] = {
        {"neap", open_ours, ours, close_ours},
        {"a loop in C", allocate_theirs, theirs, NULL},
    };
    bench_row(what, "us", subjects, 2);
}


void bench_rows(void)
{
    SIZES(BENCH_SIZE)
    bench_bulk("sum of 100,000 f64", sum_ours, sum_theirs);
    bench_bulk("fill 100,000 f64", fill_ours, fill_theirs);
    bench_bulk("dot of 100,000 f64", dot_ours, dot_theirs);
    bench_bulk("add 100,000 f64", add_ours, add_theirs);
}
