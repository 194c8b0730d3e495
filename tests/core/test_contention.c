/*
 * Threads that contend for each object, over data that is not atomic: under the
 * thread sanitizer (make check SAN=thread) whatever an object does not order is
 * a data race, and a failure. Without it the sums must be right all the same.
 */
#include "heaps.h"
#include "lib/harness.h"

enum { THREADS = 4, TIMES = 2000 };

struct common {
    neap_mutex *mutex;
    neap_rwlock *rwlock;
    neap_semaphore *semaphore;
    neap_condition *condition;
    neap_barrier *barrier;
    neap_event *event;
    neap_latch *latch;
    neap_once *once;
    int64_t sum, items, taken; /* plain, on purpose */
    int64_t cells[THREADS];
};

struct member {
    struct common *common;
    int number;
};


static void run_all(struct common *common, void *(*work)(void *member))
{
    struct member members[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        members[i] = (struct member){common, i};
        CHECK_INT(pthread_create(&threads[i], NULL, work, &members[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}


static void must(int status)
{
    if (status < 0)
        FAIL("%s: %s", neap_status_name(status), neap_error_text());
}

/* -- what excludes --------------------------------------------------------- */

static void *under_mutex(void *argument)
{
    struct common *c = ((struct member *)argument)->common;
    for (int i = 0; i < TIMES; i++) {
        must(neap_mutex_lock(c->mutex, NEAP_FOREVER));
        c->sum++;
        must(neap_mutex_unlock(c->mutex));
    }
    return NULL;
}


static const char *const mutex_kinds[] = {"plain", "recursive", "measured",
                                          NULL};

TEST_EACH(a_mutex_orders_what_is_done_under_it, mutex_kinds)
{
    neap_heap *heap = make_heap(NULL);
    struct common c = {0};
    must(neap_mutex_open_kind(heap, "m", *parameter == 'r'
                                             ? NEAP_MUTEX_RECURSIVE
                                             : NEAP_MUTEX_PLAIN, &c.mutex));
    if (*parameter == 'm')
        must(neap_heap_measure(heap, "m", true));
    run_all(&c, under_mutex);
    CHECK_INT(c.sum, THREADS * TIMES);
    neap_mutex_close(c.mutex);
    end_heap(heap);
}


static void *with_permit(void *argument)
{
    struct common *c = ((struct member *)argument)->common;
    for (int i = 0; i < TIMES; i++) {
        must(neap_semaphore_acquire(c->semaphore, NEAP_FOREVER));
        c->sum++;
        must(neap_semaphore_release(c->semaphore));
    }
    return NULL;
}


static const char *const semaphore_kinds[] = {"classic", "undo", NULL};

TEST_EACH(one_permit_is_a_mutex, semaphore_kinds)
{
    neap_heap *heap = make_heap(NULL);
    struct common c = {0};
    c.semaphore = open_semaphore(heap, "s", 1, *parameter == 'u'
                                                   ? NEAP_SEMAPHORE_UNDO
                                                   : NEAP_SEMAPHORE_CLASSIC);
    run_all(&c, with_permit);
    CHECK_INT(c.sum, THREADS * TIMES);
    neap_semaphore_close(c.semaphore);
    end_heap(heap);
}


/* All cells are alike, whoever looks. */
static void *read_and_write(void *argument)
{
    struct member *m = argument;
    struct common *c = m->common;
    for (int i = 0; i < TIMES; i++) {
        bool write = i % 8 == m->number;
        must(write ? neap_rwlock_write(c->rwlock, NEAP_FOREVER)
                   : neap_rwlock_read(c->rwlock, NEAP_FOREVER));
        for (int k = 0; k < THREADS; k++) {
            if (write)
                c->cells[k]++;
            else if (c->cells[k] != c->cells[0])
                FAIL("a reader saw half of a change");
        }
        must(neap_rwlock_unlock(c->rwlock));
    }
    return NULL;
}


TEST(readers_see_whole_changes)
{
    neap_heap *heap = make_heap(NULL);
    struct common c = {0};
    must(neap_rwlock_open(heap, "rw", &c.rwlock));
    run_all(&c, read_and_write);
    CHECK_INT(c.cells[0], THREADS * (TIMES / 8));
    neap_rwlock_close(c.rwlock);
    end_heap(heap);
}

/* -- what tells ------------------------------------------------------------ */

/* Half of them put in, half take out. */
static void *put_and_take(void *argument)
{
    struct member *m = argument;
    struct common *c = m->common;
    for (int i = 0; i < TIMES; i++) {
        must(neap_mutex_lock(c->mutex, NEAP_FOREVER));
        if (m->number % 2) {
            c->items++;
            must(neap_condition_notify(c->condition, 1));
        } else {
            while (c->items == 0)
                must(neap_condition_wait(c->condition, c->mutex, NEAP_FOREVER));
            c->items--;
            c->taken++;
        }
        must(neap_mutex_unlock(c->mutex));
    }
    return NULL;
}


TEST(a_condition_orders_who_notifies_and_who_waits)
{
    neap_heap *heap = make_heap(NULL);
    struct common c = {.mutex = open_mutex(heap, "m")};
    must(neap_condition_open(heap, "c", &c.condition));
    run_all(&c, put_and_take);
    CHECK_INT(c.items, 0);
    CHECK_INT(c.taken, THREADS / 2 * TIMES);
    neap_condition_close(c.condition);
    neap_mutex_close(c.mutex);
    end_heap(heap);
}


/* Each writes its cell, all meet, each reads all, all meet. */
static void *phase_by_phase(void *argument)
{
    struct member *m = argument;
    struct common *c = m->common;
    for (int i = 1; i <= TIMES / 10; i++) {
        c->cells[m->number] = i;
        must(neap_barrier_wait(c->barrier, NEAP_FOREVER, NULL));
        for (int k = 0; k < THREADS; k++)
            if (c->cells[k] != i)
                FAIL("cell %d is of another phase", k);
        must(neap_barrier_wait(c->barrier, NEAP_FOREVER, NULL));
    }
    return NULL;
}


TEST(a_barrier_orders_its_phases)
{
    neap_heap *heap = make_heap(NULL);
    struct common c = {0};
    must(neap_barrier_open(heap, "b", THREADS, &c.barrier));
    run_all(&c, phase_by_phase);
    neap_barrier_close(c.barrier);
    end_heap(heap);
}


static void *tell_once(void *argument)
{
    struct member *m = argument;
    struct common *c = m->common;
    if (m->number == 0) {
        c->sum = 42;
        must(neap_event_set(c->event));
    }
    must(neap_event_wait(c->event, NEAP_FOREVER));
    if (c->sum != 42)
        FAIL("what was stored before the event was set is not seen");
    c->cells[m->number] = 1;
    must(neap_latch_count_down(c->latch, 1));
    must(neap_latch_wait(c->latch, NEAP_FOREVER));
    for (int k = 0; k < THREADS; k++)
        if (c->cells[k] != 1)
            FAIL("what was stored before the latch fell is not seen");
    int status = neap_once_begin(c->once, NEAP_FOREVER);
    must(status);
    if (status == NEAP_MORE) {
        c->items++;
        must(neap_once_end(c->once, true));
    }
    if (c->items != 1)
        FAIL("it was done %lld times", (long long)c->items);
    return NULL;
}


TEST(events_latches_and_once_order_what_came_before)
{
    for (int i = 0; i < 50; i++) {
        neap_heap *heap = make_heap(NULL);
        struct common c = {0};
        must(neap_event_open(heap, "e", &c.event));
        must(neap_latch_open(heap, "l", THREADS, &c.latch));
        must(neap_once_open(heap, "o", &c.once));
        run_all(&c, tell_once);
        neap_once_close(c.once);
        neap_latch_close(c.latch);
        neap_event_close(c.event);
        end_heap(heap);
    }
}

/* -- the control: without the mutex the sanitizer must see it -------------- */

static void *without_mutex(void *argument)
{
    struct common *c = ((struct member *)argument)->common;
    for (int i = 0; i < TIMES; i++)
        c->sum++;
    return NULL;
}


EXPECT_FAIL(what_nothing_orders_is_a_race, 60, "data race")
{
    struct common c = {0};
    if (!TEST_UNDER_TSAN)
        FAIL("data race: only the thread sanitizer looks for one");
    run_all(&c, without_mutex);
}
