/* The heap on which operations die, and what must hold of it afterwards. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash.h"

struct world world;


static void must(int status, const char *what)
{
    if (status >= 0)
        return;
    fprintf(stderr, "crash: cannot set up: %s: %s: %s\n", what,
            neap_status_name(status), neap_error_text());
    _Exit(2);
}

#define MUST(call) must((call), #call)


static neap_array *make_array(const char *name, uint64_t bytes)
{
    neap_array *array;
    MUST(neap_array_open(world.heap, name, NEAP_TYPE_U8, 1, &bytes, &array));
    memset(neap_array_data(array), 0xa5, bytes);
    return array;
}


void world_make(void)
{
    neap_heap_options options = {.slots = 6, .reserve = 1 << 26};
    MUST(neap_heap_open(NULL, &options, &world.heap));
    MUST(neap_counter_open(world.heap, "plain", &world.plain));
    MUST(neap_counter_open_as(world.heap, "striped", NEAP_COUNTER_STRIPED,
                              &world.striped));
    MUST(neap_counter_open_as(world.heap, "real", NEAP_COUNTER_DOUBLE,
                              &world.real));
    world.low = make_array("low", 256);
    world.middle = make_array("middle", 1024);
    world.high = make_array("high", 256);
    MUST(neap_mutex_open(world.heap, "mutex", &world.mutex));
    MUST(neap_semaphore_open(world.heap, "classic", 1, NEAP_SEMAPHORE_CLASSIC,
                             &world.classic));
    MUST(neap_semaphore_open(world.heap, "undo", 2, NEAP_SEMAPHORE_UNDO,
                             &world.undo));
    MUST(neap_counter_set(world.plain, 10));
    MUST(neap_counter_add(world.striped, 5));
    MUST(neap_counter_set_double(world.real, 1.5));
    hooks_watch(world.heap->base, world.heap->mapped);
}


void *world_copy(uint64_t *ret_size)
{
    *ret_size = neap__header(world.heap)->size;
    void *copy = malloc(*ret_size);
    memcpy(copy, world.heap->base, *ret_size);
    return copy;
}


/* Where the heap grew meanwhile, the file is longer than it says: that is what
 * a death in the middle of growth leaves, too. */
void world_put(const void *copy, uint64_t size)
{
    memcpy(world.heap->base, copy, size);
}


/* The next operation has a heap of its own; this one goes with the process. */
void world_forget(void)
{
    neap__thread_end();
    memset(&world, 0, sizeof world);
}


/* -- what must hold ------------------------------------------------------- */

static const char *wrong_with_slots(void)
{
    neap_slot_info slot;
    uint64_t cursor = 0;
    while (neap_heap_next_slot(world.heap, &cursor, &slot) == NEAP_MORE)
        if (slot.dead)
            return "a dead slot was not reaped";
    return NULL;
}


/* The header's, entries' and extents' records; and the untouched arrays. */
const char *world_wrong(void)
{
    static char text[1200];
    neap_check_report report;
    int status = neap_heap_check(world.heap, &report);
    if (status < 0) {
        snprintf(text, sizeof text, "check: %s: %s", neap_status_name(status),
                 neap_error_text());
        return text;
    }
    if (report.problems) {
        snprintf(text, sizeof text, "%s", report.text);
        return text;
    }
    const unsigned char *bytes = neap_array_data(world.low);
    for (int i = 0; i < 256; i++)
        if (bytes[i] != 0xa5)
            return "an array that nobody touched has changed";
    int64_t permits;
    if (neap_semaphore_get(world.undo, &permits) == 0 && permits > 2)
        return "there are more permits than there were";
    return wrong_with_slots();
}


static int exercise_locks(void)
{
    int status = neap_mutex_lock(world.mutex, NEAP_NOW);
    if (status >= 0)
        status = neap_mutex_unlock(world.mutex);
    if (status >= 0)
        status = neap_semaphore_release(world.classic);
    if (status >= 0)
        status = neap_semaphore_acquire(world.classic, NEAP_NOW);
    if (status >= 0)
        status = neap_semaphore_acquire(world.undo, NEAP_NOW);
    if (status >= 0)
        status = neap_semaphore_release(world.undo);
    return status == -EIDRM || status == -EBUSY ? 0 : status;
}


static int exercise_directory(void)
{
    neap_array *array;
    uint64_t shape = 700;
    int status = neap_array_open(world.heap, "exercise", NEAP_TYPE_U8, 1,
                                 &shape, &array);
    if (status < 0)
        return status;
    neap_array_close(array);
    status = neap_heap_drop(world.heap, "exercise");
    neap_counter *counter;
    if (status == 0)
        status = neap_counter_open(world.heap, "exercise", &counter);
    if (status < 0)
        return status;
    status = neap_counter_add(counter, 1);
    neap_counter_close(counter);
    return status < 0 ? status : neap_heap_drop(world.heap, "exercise");
}


const char *world_exercise(void)
{
    static char text[1200];
    int status = exercise_locks();
    if (status >= 0)
        status = exercise_directory();
    if (status < 0) {
        snprintf(text, sizeof text, "cannot go on: %s: %s",
                 neap_status_name(status), neap_error_text());
        return text;
    }
    return world_wrong();
}


int world_exercise_run(void *ret_wrong)
{
    *(const char **)ret_wrong = world_exercise();
    return 0;
}
