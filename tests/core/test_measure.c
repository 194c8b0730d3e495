/* Tests of what is measured of locks on request. */
#include "heaps.h"
#include "lib/harness.h"

static const int64_t ms = 1000000;


/* Be busy for so long: what is measured is time. */
static void spend(int64_t nanoseconds)
{
    for (int64_t end = neap_now() + nanoseconds; neap_now() < end;)
        ;
}


static neap_lock_statistics statistics_of(neap_heap *heap, const char *name)
{
    neap_lock_statistics s;
    CHECK_STATUS(neap_heap_lock_statistics(heap, name, &s), 0);
    return s;
}


static neap_mutex *make_mutex(neap_heap *heap, const char *name,
                              neap_mutex_kind kind)
{
    neap_mutex *mutex;
    CHECK_STATUS(neap_mutex_open_kind(heap, name, kind, &mutex), NEAP_CREATED);
    return mutex;
}


static void lock(neap_mutex *mutex)
{
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_FOREVER), 0);
}


static void unlock(neap_mutex *mutex)
{
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
}


TEST(nothing_is_counted_unless_asked)
{
    neap_heap *heap = make_heap(test_name("sky"));
    neap_mutex *mutex = make_mutex(heap, "m", NEAP_MUTEX_PLAIN);
    lock(mutex);
    unlock(mutex);
    neap_lock_statistics s = statistics_of(heap, "m");
    CHECK(!s.measured);
    CHECK(s.owned);
    CHECK_INT(s.kind, NEAP_OBJECT_MUTEX);
    CHECK_INT(s.acquisitions, 0);
    CHECK_INT(s.longest_hold, 0);
    neap_mutex_close(mutex);
    end_heap(heap);
}


static const char *const mutex_kinds[] = {"plain", "recursive", NULL};

TEST_EACH(acquisitions_and_holds_of_a_mutex, mutex_kinds)
{
    neap_heap *heap = make_heap(test_name("sky"));
    bool recursive = *parameter == 'r';
    neap_mutex *mutex = make_mutex(heap, "m", recursive ? NEAP_MUTEX_RECURSIVE
                                                        : NEAP_MUTEX_PLAIN);
    CHECK_INT(neap_heap_measure(heap, "m", true), 1);
    for (int i = 0; i < 3; i++) {
        lock(mutex);
        if (recursive) { /* is one hold */
            lock(mutex);
            unlock(mutex);
        }
        spend(5 * ms);
        unlock(mutex);
    }
    neap_lock_statistics s = statistics_of(heap, "m");
    CHECK(s.measured);
    CHECK_INT(s.acquisitions, 3);
    CHECK_INT(s.contended, 0);
    CHECK_INT(s.longest_wait, 0);
    CHECK(s.longest_hold >= 5 * ms);
    CHECK(s.held >= 15 * ms);
    CHECK(s.held >= s.longest_hold);
    neap_mutex_close(mutex);
    end_heap(heap);
}


struct actors {
    neap_heap *heap;
    neap_mutex *mutex;
    neap_rwlock *rwlock;
    neap_semaphore *semaphore;
    neap_event *event;
};


/* Until somebody does, and a while longer. */
static void wait_for_a_waiter(neap_heap *heap)
{
    neap_lock_use use = {.role = NEAP_USE_HOLDS};
    while (use.role != NEAP_USE_WAITS) {
        uint64_t cursor = 0;
        while (neap_heap_next_use(heap, &cursor, &use) == NEAP_MORE &&
               use.role != NEAP_USE_WAITS)
            ;
    }
    spend(30 * ms);
}


static int hold_for_long(void *argument)
{
    struct actors *a = argument;
    lock(a->mutex);
    CHECK_STATUS(neap_event_set(a->event), 0);
    wait_for_a_waiter(a->heap);
    unlock(a->mutex);
    return 0;
}


/* Of all processes, whoever asked. */
TEST(a_wait_is_counted_with_its_length)
{
    neap_heap *heap = make_heap(test_name("sky"));
    struct actors a = {.heap = heap,
                       .mutex = make_mutex(heap, "m", NEAP_MUTEX_PLAIN)};
    CHECK_STATUS(neap_event_open(heap, "e", &a.event), NEAP_CREATED);
    CHECK_INT(neap_heap_measure(heap, NULL, true), 1);
    pid_t child = test_fork(hold_for_long, &a);
    CHECK_STATUS(neap_event_wait(a.event, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_mutex_lock(a.mutex, NEAP_NOW), -EBUSY);
    lock(a.mutex);
    unlock(a.mutex);
    CHECK_INT(test_wait(child), 0);
    neap_lock_statistics s = statistics_of(heap, "m");
    CHECK_INT(s.acquisitions, 2);
    CHECK_INT(s.contended, 1);
    CHECK(s.longest_wait > 0);
    CHECK_INT(s.waited, s.longest_wait);
    CHECK(s.longest_hold >= 30 * ms);
    neap_mutex_close(a.mutex);
    neap_event_close(a.event);
    end_heap(heap);
}


TEST(it_begins_afresh_and_ends)
{
    neap_heap *heap = make_heap(test_name("sky"));
    neap_mutex *mutex = make_mutex(heap, "m", NEAP_MUTEX_PLAIN);
    CHECK_INT(neap_heap_measure(heap, "m", true), 1);
    lock(mutex);
    unlock(mutex);
    lock(mutex); /* its end comes after a new beginning: no hold of it */
    CHECK_INT(neap_heap_measure(heap, "m", true), 1);
    unlock(mutex);
    neap_lock_statistics s = statistics_of(heap, "m");
    CHECK_INT(s.acquisitions, 0);
    CHECK_INT(s.held, 0);
    lock(mutex);
    CHECK_INT(neap_heap_measure(heap, "m", false), 1);
    unlock(mutex);
    lock(mutex);
    unlock(mutex);
    s = statistics_of(heap, "m");
    CHECK(!s.measured);
    CHECK_INT(s.acquisitions, 1); /* what was measured stays */
    CHECK_INT(s.held, 0);
    neap_mutex_close(mutex);
    end_heap(heap);
}


TEST(a_wait_for_a_condition_is_no_hold)
{
    neap_heap *heap = make_heap(test_name("sky"));
    neap_mutex *mutex = make_mutex(heap, "m", NEAP_MUTEX_PLAIN);
    neap_condition *condition;
    CHECK_STATUS(neap_condition_open(heap, "c", &condition), NEAP_CREATED);
    CHECK_INT(neap_heap_measure(heap, NULL, true), 1);
    int64_t before = neap_now();
    lock(mutex);
    CHECK_STATUS(neap_condition_wait(condition, mutex,
                                     neap_deadline_after(200 * ms)),
                 -ETIMEDOUT);
    unlock(mutex);
    neap_lock_statistics s = statistics_of(heap, "m");
    CHECK_INT(s.acquisitions, 2);
    CHECK(s.held <= neap_now() - before - 200 * ms);
    neap_condition_close(condition);
    neap_mutex_close(mutex);
    end_heap(heap);
}


static int read_for_long(void *argument)
{
    struct actors *a = argument;
    CHECK_STATUS(neap_rwlock_read(a->rwlock, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_event_set(a->event), 0);
    wait_for_a_waiter(a->heap);
    CHECK_STATUS(neap_rwlock_unlock(a->rwlock), 0);
    return 0;
}


TEST(readers_and_writers_of_an_rwlock)
{
    neap_heap *heap = make_heap(test_name("sky"));
    struct actors a = {.heap = heap};
    CHECK_STATUS(neap_rwlock_open(heap, "rw", &a.rwlock), NEAP_CREATED);
    CHECK_STATUS(neap_event_open(heap, "e", &a.event), NEAP_CREATED);
    CHECK_INT(neap_heap_measure(heap, "rw", true), 1);
    CHECK_STATUS(neap_rwlock_write(a.rwlock, NEAP_FOREVER), 0);
    spend(5 * ms);
    CHECK_STATUS(neap_rwlock_unlock(a.rwlock), 0);
    neap_lock_statistics s = statistics_of(heap, "rw");
    CHECK_INT(s.acquisitions, 1);
    CHECK_INT(s.contended, 0);
    CHECK(s.longest_hold >= 5 * ms);

    pid_t child = test_fork(read_for_long, &a);
    CHECK_STATUS(neap_event_wait(a.event, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_rwlock_write(a.rwlock, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_rwlock_unlock(a.rwlock), 0);
    CHECK_INT(test_wait(child), 0);
    s = statistics_of(heap, "rw");
    CHECK_INT(s.acquisitions, 3); /* the reader's too */
    CHECK_INT(s.contended, 1);
    CHECK(s.longest_wait > 0);
    neap_rwlock_close(a.rwlock);
    neap_event_close(a.event);
    end_heap(heap);
}


static int release_later(void *argument)
{
    struct actors *a = argument;
    wait_for_a_waiter(a->heap);
    return neap_semaphore_release(a->semaphore);
}


static const char *const permits[] = {"classic", "undo", "undo, many", NULL};

TEST_EACH(a_semaphore_has_no_owner, permits)
{
    neap_heap *heap = make_heap(test_name("sky"));
    struct actors a = {.heap = heap};
    bool classic = *parameter == 'c';
    int64_t most = strchr(parameter, ',') ? 100 : 2;
    CHECK_STATUS(neap_semaphore_open(heap, "s", most,
                                     classic ? NEAP_SEMAPHORE_CLASSIC
                                             : NEAP_SEMAPHORE_UNDO,
                                     &a.semaphore), NEAP_CREATED);
    CHECK_STATUS(neap_semaphore_acquire(a.semaphore, NEAP_NOW), 0);
    CHECK_STATUS(neap_semaphore_release(a.semaphore), 0);
    CHECK_INT(neap_heap_measure(heap, "s", true), 1);
    CHECK_STATUS(neap_semaphore_acquire(a.semaphore, NEAP_NOW), 0);
    CHECK_STATUS(neap_semaphore_acquire_many(a.semaphore, most - 1, NEAP_NOW),
                 0);
    neap_lock_statistics s = statistics_of(heap, "s");
    CHECK_INT(s.acquisitions, 2);
    CHECK_INT(s.contended, 0);
    CHECK(!s.owned);
    if (classic) {
        pid_t child = test_fork(release_later, &a);
        CHECK_STATUS(neap_semaphore_acquire(a.semaphore, NEAP_FOREVER), 0);
        CHECK_INT(test_wait(child), 0);
        s = statistics_of(heap, "s");
        CHECK_INT(s.acquisitions, 3);
        CHECK_INT(s.contended, 1);
        CHECK(s.longest_wait > 0);
    }
    neap_semaphore_close(a.semaphore);
    end_heap(heap);
}


TEST(who_holds_what_is_measured_is_told_for_how_long)
{
    neap_heap *heap = make_heap(test_name("sky"));
    neap_mutex *measured = make_mutex(heap, "m", NEAP_MUTEX_PLAIN);
    neap_mutex *other = make_mutex(heap, "o", NEAP_MUTEX_PLAIN);
    CHECK_INT(neap_heap_measure(heap, "m", true), 1);
    lock(measured);
    lock(other);
    spend(2 * ms);
    neap_lock_use use;
    uint64_t cursor = 0;
    int seen = 0;
    while (neap_heap_next_use(heap, &cursor, &use) == NEAP_MORE) {
        CHECK_INT(use.role, NEAP_USE_HOLDS);
        if (*use.name == 'm')
            CHECK(use.held >= 2 * ms);
        else
            CHECK_INT(use.held, -1);
        seen++;
    }
    CHECK_INT(seen, 2);
    unlock(other);
    unlock(measured);
    neap_mutex_close(other);
    neap_mutex_close(measured);
    end_heap(heap);
}


TEST(only_locks_are_measured)
{
    neap_heap *heap = make_heap(test_name("sky"));
    neap_event *event;
    neap_lock_statistics s;
    CHECK_INT(neap_heap_measure(heap, NULL, true), 0);
    CHECK_STATUS(neap_event_open(heap, "e", &event), NEAP_CREATED);
    CHECK_FAILS(neap_heap_measure(heap, "e", true), NEAP_ETYPE,
                "mutexes, rwlocks and semaphores");
    CHECK_FAILS(neap_heap_lock_statistics(heap, "e", &s), NEAP_ETYPE,
                "of kind event");
    CHECK_FAILS(neap_heap_measure(heap, "x", true), -ENOENT, "no object 'x'");
    CHECK_FAILS(neap_heap_lock_statistics(heap, "x", &s), -ENOENT, "'x'");
    neap_event_close(event);
    end_heap(heap);
}


/* The entry of a lock that was measured is another object's later. */
TEST(a_new_object_in_its_place_is_not_measured)
{
    neap_heap *heap = make_heap(test_name("sky"));
    char name[16];
    neap_mutex_close(make_mutex(heap, "m", NEAP_MUTEX_PLAIN));
    CHECK_INT(neap_heap_measure(heap, "m", true), 1);
    CHECK_STATUS(neap_heap_drop(heap, "m"), 0);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "n%d", i);
        neap_mutex *mutex = make_mutex(heap, name, NEAP_MUTEX_PLAIN);
        lock(mutex);
        unlock(mutex);
        CHECK_INT(statistics_of(heap, name).acquisitions, 0);
        CHECK(!statistics_of(heap, name).measured);
        neap_mutex_close(mutex);
    }
    end_heap(heap);
}
