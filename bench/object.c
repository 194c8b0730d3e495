/* Finding a named object among a thousand, against Boost's segment. */
#include "ours.h"

const char bench_noun[] = "object";

#define OBJECTS 1000
#define WANTED "object-777"


static void make_objects(void)
{
    for (int i = 0; i < OBJECTS; i++) {
        char name[32];
        neap_counter *counter;
        snprintf(name, sizeof name, "object-%d", i);
        BENCH_OURS(neap_counter_open(bench_heap(), name, &counter));
        neap_counter_close(counter);
    }
}


static void find(long n)
{
    for (long i = 0; i < n; i++) {
        neap_object_info info;
        BENCH_OURS(neap_heap_find(bench_heap(), WANTED, &info));
        BENCH_USED(&info);
    }
}


static void open_and_close(long n)
{
    for (long i = 0; i < n; i++) {
        neap_counter *counter;
        BENCH_OURS(neap_counter_open(bench_heap(), WANTED, &counter));
        BENCH_USED(counter);
        neap_counter_close(counter);
    }
}


void bench_rows(void)
{
    struct bench_subject boost = bench_boost("bench_boost_find", "Boost find");
    struct bench_subject finds[] = {{"neap", make_objects, find, NULL}, boost};
    struct bench_subject opens[] = {
        {"neap", make_objects, open_and_close, NULL}, boost};
    bench_row("open by name, close", "ns", opens, 2);
    bench_row("describe by name", "ns", finds, 2);
}
