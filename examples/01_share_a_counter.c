/*
 * Four workers add to one counter at once, and nothing is lost.
 *
 *     cc 01_share_a_counter.c $(pkg-config --cflags --libs neap)
 */
#include "example.h"

enum { WORKERS = 4, TIMES = 100000 };


/* In a process of its own. */
static int work(neap_worker *worker, void *argument)
{
    neap_counter *hits = argument;
    (void)worker;

    for (int i = 0; i < TIMES; i++)
        must(neap_counter_add(hits, 1));
    return 0;
}


int main(void)
{
    neap_heap *heap;
    neap_counter *hits;
    int64_t total;

    /* Without a name: it goes away with its last user. */
    must(neap_heap_open(NULL, NULL, &heap));
    must(neap_counter_open(heap, "hits", &hits));

    must(neap_run(WORKERS, work, hits));

    must(neap_counter_get(hits, &total));
    printf("%d workers counted to %lld\n", WORKERS, (long long)total);

    neap_counter_close(hits);
    neap_heap_close(heap);
}
