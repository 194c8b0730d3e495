/* Descriptors that become readable when an object can be had. */
#include <poll.h>
#include <unistd.h>

#include "core/heaps.h"

static bool is_readable(neap_watch *watch)
{
    struct pollfd wanted = {.fd = neap_watch_fd(watch), .events = POLLIN};
    return poll(&wanted, 1, 0) == 1;
}


/* One of each kind, none of which can be had, and watches of them. */
struct set {
    neap_heap *heap;
    neap_event *event;
    neap_latch *latch;
    neap_semaphore *semaphore;
    neap_mutex *mutex;
    neap_watch *watches[4];
};

static struct set make_set(void)
{
    struct set set = {.heap = make_heap(NULL)};
    must_open(neap_event_open(set.heap, "event", &set.event));
    must_open(neap_latch_open(set.heap, "latch", 1, &set.latch));
    set.semaphore = open_semaphore(set.heap, "semaphore", 0,
                                   NEAP_SEMAPHORE_CLASSIC);
    set.mutex = open_mutex(set.heap, "mutex");
    CHECK_STATUS(neap_mutex_lock(set.mutex, NEAP_NOW), 0);
    void *objects[] = {set.event, set.latch, set.semaphore, set.mutex};
    for (int i = 0; i < 4; i++) {
        must_open(neap_watch_open(objects[i], &set.watches[i]));
        CHECK(!is_readable(set.watches[i]));
    }
    return set;
}


static void end_set(struct set *set)
{
    for (int i = 0; i < 4; i++)
        neap_watch_close(set->watches[i]);
    neap_mutex_close(set->mutex);
    neap_semaphore_close(set->semaphore);
    neap_latch_close(set->latch);
    neap_event_close(set->event);
    end_heap(set->heap);
}


static void bring(struct set *set, int which)
{
    switch (which) {
    case 0: CHECK_STATUS(neap_event_set(set->event), 0); break;
    case 1: CHECK_STATUS(neap_latch_count_down(set->latch, 1), 0); break;
    case 2: CHECK_STATUS(neap_semaphore_release(set->semaphore), 0); break;
    default: CHECK_STATUS(neap_mutex_unlock(set->mutex), 0);
    }
}


TEST(a_watch_is_readable_when_its_object_can_be_had_and_no_other_is)
{
    struct set set = make_set();
    for (int which = 0; which < 4; which++) {
        bring(&set, which);
        WAIT_UNTIL(is_readable(set.watches[which]));
        for (int i = which + 1; i < 4; i++)
            CHECK(!is_readable(set.watches[i]));
    }
    end_set(&set);
}


TEST(rearming_makes_a_watch_unreadable_unless_it_can_still_be_had)
{
    struct set set = make_set();
    neap_watch *watch = set.watches[2];
    CHECK_INT(neap_watch_rearm(watch), 0);
    CHECK_STATUS(neap_semaphore_release_many(set.semaphore, 2), 0);
    WAIT_UNTIL(is_readable(watch));
    for (int left = 1; left >= 0; left--) {
        CHECK_STATUS(neap_semaphore_acquire(set.semaphore, NEAP_NOW), 0);
        CHECK_INT(neap_watch_rearm(watch), left);
        CHECK_INT(is_readable(watch), left);
    }
    CHECK_STATUS(neap_semaphore_release(set.semaphore), 0);
    WAIT_UNTIL(is_readable(watch));
    end_set(&set);
}


static int acquire_one(void *argument)
{
    struct set *set = argument;
    return neap_semaphore_acquire(set->semaphore, NEAP_FOREVER);
}


TEST(those_who_sleep_get_on_beside_a_watch)
{
    struct set set = make_set();
    pid_t pids[3];
    for (int i = 0; i < 3; i++)
        pids[i] = test_fork(acquire_one, &set);
    for (int i = 0; i < 3; i++) {
        usleep(5000);
        CHECK_STATUS(neap_semaphore_release(set.semaphore), 0);
    }
    for (int i = 0; i < 3; i++)
        CHECK_INT(test_wait(pids[i]), 0);
    end_set(&set);
}


static int lock_it(void *argument)
{
    struct set *set = argument;
    return neap_mutex_lock(set->mutex, NEAP_FOREVER);
}


TEST(a_watch_tells_that_the_owner_of_a_mutex_was_killed)
{
    struct set set = make_set();
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    pid_t owner = fork_lingering(lock_it, &set);
    neap_watch_rearm(set.watches[3]);
    CHECK(!is_readable(set.watches[3]));
    test_kill(owner);
    WAIT_UNTIL(is_readable(set.watches[3]));
    CHECK_STATUS(neap_mutex_lock(set.mutex, NEAP_NOW), NEAP_ABANDONED);
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    end_set(&set);
}


TEST(a_watch_is_readable_when_its_object_is_dropped)
{
    struct set set = make_set();
    CHECK_STATUS(neap_heap_drop(set.heap, "event"), 0);
    WAIT_UNTIL(is_readable(set.watches[0]));
    CHECK_INT(neap_watch_rearm(set.watches[0]), 1);
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    end_set(&set);
}


/* Its descriptor has the same number, and is another. */
static int watch_in_child(void *argument)
{
    struct set *set = argument;
    neap_watch *watch = set->watches[2];
    CHECK_INT(neap_watch_rearm(watch), 0);
    CHECK_STATUS(neap_semaphore_release(set->semaphore), 0);
    WAIT_UNTIL(is_readable(watch));
    CHECK_STATUS(neap_semaphore_acquire(set->semaphore, NEAP_NOW), 0);
    CHECK_INT(neap_watch_rearm(watch), 0);
    CHECK(!is_readable(watch));
    CHECK_STATUS(neap_event_set(set->event), 0);
    WAIT_UNTIL(is_readable(set->watches[0]));
    return 0;
}


TEST(a_child_has_watches_of_its_own)
{
    if (TEST_UNDER_TSAN)
        test_skip("it starts no threads in such a child");
    struct set set = make_set();
    CHECK_INT(test_wait(test_fork(watch_in_child, &set)), 0);
    WAIT_UNTIL(is_readable(set.watches[0]));
    CHECK_INT(test_wait(test_fork(watch_in_child, &set)), 0);
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    end_set(&set);
}


static int leave_open(void *argument)
{
    struct set *set = argument;
    CHECK_INT(neap_watch_rearm(set->watches[2]), 0);
    exit(0);
}


TEST(a_process_that_ends_with_open_watches_is_no_death)
{
    if (TEST_UNDER_TSAN)
        test_skip("it starts no threads in such a child");
    if (TEST_UNDER_ASAN)
        test_skip("its search for leaks waits for ever for a thread at exit");
    struct set set = make_set();
    uint64_t deaths = status_of(set.heap).deaths;
    CHECK_INT(test_wait(test_fork(leave_open, &set)), 0);
    CHECK(neap_heap_reap(set.heap) >= 0);
    CHECK_INT(status_of(set.heap).deaths, deaths);
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    end_set(&set);
}


TEST(a_watch_of_a_read_only_heap_tells_too)
{
    char address[64];
    snprintf(address, sizeof address, "neap-test-%d-watch", (int)getpid());
    neap_heap *heap = make_heap(address);
    neap_event *event, *read;
    neap_watch *watch;
    must_open(neap_event_open(heap, "go", &event));
    neap_heap *reader = join_heap_as(address, NEAP_OPEN_READ_ONLY);
    must_open(neap_event_open(reader, "go", &read));
    must_open(neap_watch_open(read, &watch));
    CHECK(!is_readable(watch));
    CHECK_STATUS(neap_event_set(event), 0);
    WAIT_UNTIL(is_readable(watch));
    neap_watch_close(watch);
    neap_event_close(read);
    neap_heap_close(reader);
    neap_event_close(event);
    end_heap(heap);
}


TEST(what_cannot_be_watched_is_refused)
{
    struct set set = make_set();
    neap_watch *watch = NULL;
    neap_barrier *barrier;
    must_open(neap_barrier_open(set.heap, "barrier", 2, &barrier));
    CHECK_STATUS(neap_watch_open(NULL, &watch), -EINVAL);
    CHECK_STATUS(neap_watch_open(barrier, &watch), -EINVAL);
    CHECK(strstr(neap_error_text(), "barrier"));
    CHECK_STATUS(neap_heap_drop(set.heap, "latch"), 0);
    CHECK_STATUS(neap_watch_open(set.latch, &watch), -EIDRM);
    CHECK(watch == NULL);
    neap_watch_close(NULL);
    neap_barrier_close(barrier);
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    end_set(&set);
}


TEST(as_many_watches_as_can_be_and_no_more)
{
    enum { REST = NEAP_WATCHES_MAX - 4 };
    struct set set = make_set();
    neap_watch *watches[REST], *more = NULL;
    for (int i = 0; i < REST; i++)
        must_open(neap_watch_open(i % 2 ? (void *)set.event
                                        : (void *)set.mutex, &watches[i]));
    CHECK_STATUS(neap_watch_open(set.event, &more), -ENOSPC);
    CHECK_STATUS(neap_event_set(set.event), 0);
    for (int i = 1; i < REST; i += 2)
        WAIT_UNTIL(is_readable(watches[i]));
    for (int i = 0; i < REST; i++)
        neap_watch_close(watches[i]);
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    end_set(&set);
}
