/* Once: done by one among all, and done again if that one dies. */
#include "core/heaps.h"

static neap_once *open_once(neap_heap *heap)
{
    neap_once *once;
    must_open(neap_once_open(heap, "set-up", &once));
    return once;
}


static void end_once(neap_heap *heap, neap_once *once)
{
    neap_once_close(once);
    end_heap(heap);
}


TEST(the_first_does_it_and_the_others_find_it_done)
{
    neap_heap *heap = make_heap(NULL);
    neap_once *once = open_once(heap);
    CHECK_STR(neap_once_name(once), "set-up");
    CHECK_INT(neap_once_is_done(once), 0);
    CHECK_STATUS(neap_once_begin(once, NEAP_NOW), NEAP_MORE);
    CHECK_INT(neap_once_is_done(once), 0);
    CHECK_STATUS(neap_once_end(once, true), 0);
    CHECK_INT(neap_once_is_done(once), 1);
    CHECK_STATUS(neap_once_begin(once, NEAP_FOREVER), 0);
    end_once(heap, once);
}


TEST(one_who_gives_up_lets_another_one_do_it)
{
    neap_heap *heap = make_heap(NULL);
    neap_once *once = open_once(heap);
    CHECK_STATUS(neap_once_begin(once, NEAP_NOW), NEAP_MORE);
    CHECK_STATUS(neap_once_end(once, false), 0);
    CHECK_INT(neap_once_is_done(once), 0);
    CHECK_STATUS(neap_once_begin(once, NEAP_NOW), NEAP_MORE);
    CHECK_STATUS(neap_once_end(once, true), 0);
    end_once(heap, once);
}


static int begin(void *once)
{
    CHECK_STATUS(neap_once_begin(once, NEAP_FOREVER), NEAP_MORE);
    return 0;
}


TEST(if_its_doer_is_killed_half_way_the_next_one_does_it)
{
    neap_heap *heap = make_heap(NULL);
    neap_once *once = open_once(heap);
    pid_t doer = fork_lingering(begin, once);
    CHECK_FAILS(neap_once_begin(once, NEAP_NOW), -EBUSY, "'set-up'");
    CHECK_FAILS(neap_once_begin(once, after_ms(10)), -ETIMEDOUT, "'set-up'");
    test_kill(doer);
    CHECK_STATUS(neap_once_begin(once, NEAP_FOREVER), NEAP_MORE);
    CHECK_STATUS(neap_once_end(once, true), 0);
    end_once(heap, once);
}


static int do_it(void *argument)
{
    void **both = argument;
    int status = neap_once_begin(both[0], NEAP_FOREVER);
    if (status == NEAP_MORE) {
        CHECK_STATUS(neap_counter_add(both[1], 1), 0);
        status = neap_once_end(both[0], true);
    }
    CHECK_STATUS(status, 0);
    return 0;
}


TEST(of_many_processes_one_does_it)
{
    neap_heap *heap = make_heap(NULL);
    neap_once *once = open_once(heap);
    neap_counter *times = open_counter(heap, "times");
    void *both[] = {once, times};
    pid_t pids[4];
    for (int i = 0; i < 4; i++)
        pids[i] = test_fork(do_it, both);
    for (int i = 0; i < 4; i++)
        CHECK_INT(test_wait(pids[i]), 0);
    CHECK_INT(count_in(times), 1);
    CHECK(neap_heap_reap(heap) >= 0);
    neap_counter_close(times);
    end_once(heap, once);
}


TEST(only_its_doer_ends_it_and_it_does_not_begin_it_twice)
{
    neap_heap *heap = make_heap(NULL);
    neap_once *once = open_once(heap);
    CHECK_FAILS(neap_once_end(once, true), -EPERM, "'set-up'");
    CHECK_STATUS(neap_once_begin(once, NEAP_NOW), NEAP_MORE);
    CHECK_FAILS(neap_once_begin(once, NEAP_FOREVER), -EDEADLK, "'set-up'");
    CHECK_STATUS(neap_once_end(once, true), 0);
    CHECK_STATUS(neap_once_end(once, true), -EPERM);
    end_once(heap, once);
}


static void *wait_for_it(void *argument)
{
    void **both = argument;
    *(_Atomic int *)both[1] = neap_once_begin(both[0], NEAP_FOREVER);
    return NULL;
}


TEST(whoever_waits_for_it_learns_of_a_drop)
{
    neap_heap *heap = make_heap(NULL);
    neap_once *once = open_once(heap);
    _Atomic int status = 1;
    void *both[] = {once, (void *)&status};
    pthread_t thread;
    CHECK_STATUS(neap_once_begin(once, NEAP_NOW), NEAP_MORE);
    pthread_create(&thread, NULL, wait_for_it, both);
    WAIT_UNTIL(status_of(heap).attached == 2);
    CHECK_STATUS(neap_heap_drop(heap, "set-up"), 0);
    pthread_join(thread, NULL);
    CHECK_STATUS(status, -EIDRM);
    CHECK_FAILS(neap_once_is_done(once), -EIDRM, "'set-up' was dropped");
    CHECK_FAILS(neap_once_begin(once, NEAP_NOW), -EIDRM, "dropped");
    CHECK(neap_once_end(once, true) <= 0);
    end_once(heap, once);
}
