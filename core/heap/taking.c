/* The memory and the threads of a checkpoint, see checkpoint.h. */
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "heap/checkpoint.h"

#define THREADS_MOST 8
#define PAGES_AT_A_TIME 512
#define ROOM_LEAST 4096 /* pages */


/* Zeroed, and there only where it is touched; freed with the helper. */
static void *lend(uint64_t count, size_t size, int flags)
{
    void *memory = mmap(NULL, count * size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}


int neap__taking_begin(struct neap__taking *t)
{
    t->most = t->heap->mapped / NEAP__IMAGE_PAGE + NEAP__IMAGE_PAGES;
    uint64_t blocks = t->most / NEAP__IMAGE_PAGES + 1;
    t->end = t->synced = NEAP__IMAGE_PAGE;
    t->hashes = lend(t->most, sizeof *t->hashes, MAP_NORESERVE);
    t->places = lend(blocks, sizeof *t->places, MAP_NORESERVE);
    t->index = lend(blocks, sizeof *t->index, MAP_NORESERVE);
    return t->hashes && t->places && t->index ? 0 : -ENOMEM;
}


int neap__taking_make_room(struct neap__taking *t)
{
    if (!t->room)
        t->room = t->blocks * NEAP__IMAGE_PAGES / 8;
    if (t->room < ROOM_LEAST)
        t->room = ROOM_LEAST;
    t->kept = 0;
    t->kept_pages = lend(t->room, sizeof *t->kept_pages, MAP_POPULATE);
    t->kept_bytes = lend(t->room, NEAP__IMAGE_PAGE, MAP_POPULATE);
    return t->kept_pages && t->kept_bytes ? 0 : -ENOMEM;
}


/* -- threads -------------------------------------------------------------- */

struct shared_look {
    struct neap__taking *t;
    neap__look_at_page *look;
    _Atomic uint64_t next;
    uint64_t to;
    _Atomic int status;
};


static void *look_at_parts(void *argument)
{
    struct shared_look *all = argument;
    uint64_t from;
    while ((from = atomic_fetch_add(&all->next, PAGES_AT_A_TIME)) < all->to &&
           atomic_load(&all->status) == 0) {
        uint64_t to = from + PAGES_AT_A_TIME < all->to ? from + PAGES_AT_A_TIME
                                                       : all->to;
        for (uint64_t page = from; page < to; page++) {
            int status = all->look(all->t, page);
            if (status < 0)
                atomic_store(&all->status, status);
        }
    }
    return NULL;
}


static int threads_for(uint64_t pages)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (pages <= PAGES_AT_A_TIME || processors < 2)
        return 1;
    return processors < THREADS_MOST ? (int)processors : THREADS_MOST;
}


int neap__taking_share(struct neap__taking *t, uint64_t from, uint64_t to,
                       neap__look_at_page *look)
{
    struct shared_look all = {.t = t, .look = look, .next = from, .to = to};
    pthread_t threads[THREADS_MOST];
    int wanted = threads_for(to - from) - 1, made = 0;
    while (made < wanted && pthread_create(&threads[made], NULL, look_at_parts,
                                           &all) == 0)
        made++;
    look_at_parts(&all);
    for (int i = 0; i < made; i++)
        pthread_join(threads[i], NULL);
    return atomic_load(&all.status);
}
