/* Counters against what the processor offers: one atomic word. */
#include <stdatomic.h>

#include "ours.h"

const char bench_noun[] = "counter";

static neap_counter *plain, *striped, *real;
static _Atomic int64_t *word;
static _Atomic double *real_word;


static void open_plain(void)
{
    BENCH_OURS(neap_counter_open(bench_heap(), "plain", &plain));
}


static void add_plain(long n)
{
    for (long i = 0; i < n; i++)
        BENCH_OURS(neap_counter_add(plain, 1));
}


static void add_get_plain(long n)
{
    int64_t value;
    for (long i = 0; i < n; i++)
        BENCH_OURS(neap_counter_add_get(plain, 1, &value));
}


static void get_plain(long n)
{
    int64_t value;
    for (long i = 0; i < n; i++)
        BENCH_OURS(neap_counter_get(plain, &value));
}


static void close_plain(void)
{
    neap_counter_close(plain);
}


static void open_striped(void)
{
    BENCH_OURS(neap_counter_open_as(bench_heap(), "striped",
                                    NEAP_COUNTER_STRIPED, &striped));
}


static void add_striped(long n)
{
    for (long i = 0; i < n; i++)
        BENCH_OURS(neap_counter_add(striped, 1));
}


static void close_striped(void)
{
    neap_counter_close(striped);
}


static void open_real(void)
{
    BENCH_OURS(neap_counter_open_as(bench_heap(), "real", NEAP_COUNTER_DOUBLE,
                                    &real));
}


static void add_real(long n)
{
    double value;
    for (long i = 0; i < n; i++)
        BENCH_OURS(neap_counter_add_double(real, 1, &value));
}


static void close_real(void)
{
    neap_counter_close(real);
}


/* -- the peers ------------------------------------------------------------- */

static void make_word(void)
{
    if (!word)
        word = bench_shared(4096);
    real_word = (_Atomic double *)(word + 8);
}


static void add_word(long n)
{
    for (long i = 0; i < n; i++)
        atomic_fetch_add(word, 1);
}


static void load_word(long n)
{
    for (long i = 0; i < n; i++)
        BENCH_USED(atomic_load(word));
}


static void add_real_word(long n)
{
    for (long i = 0; i < n; i++) {
        double seen = atomic_load_explicit(real_word, memory_order_relaxed);
        while (!atomic_compare_exchange_weak(real_word, &seen, seen + 1))
            ;
    }
}


void bench_rows(void)
{
    struct bench_subject fetch_add = {"fetch_add", make_word, add_word, NULL};
    struct bench_subject load = {"atomic load", make_word, load_word, NULL};
    struct bench_subject cas = {"compare and swap loop", make_word,
                                add_real_word, NULL};
    struct bench_subject add[] = {
        {"neap", open_plain, add_plain, close_plain}, fetch_add};
    struct bench_subject add_get[] = {
        {"neap", open_plain, add_get_plain, close_plain}, fetch_add};
    struct bench_subject get[] = {
        {"neap", open_plain, get_plain, close_plain}, load};
    struct bench_subject stripes[] = {
        {"neap", open_striped, add_striped, close_striped}, fetch_add};
    struct bench_subject doubles[] = {
        {"neap", open_real, add_real, close_real}, cas};

    bench_row("add", "ns", add, 2);
    bench_row("add and tell the value", "ns", add_get, 2);
    bench_row("get", "ns", get, 2);
    bench_row("striped, add", "ns", stripes, 2);
    bench_row("double, add", "ns", doubles, 2);
    bench_row_both("add, two processes", "ns", add, 2);
    bench_row_both("striped, add, two processes", "ns", stripes, 2);
    bench_row_both("double, add, two processes", "ns", doubles, 2);
}
