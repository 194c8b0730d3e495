/* Events and latches: flags, counts, who waits for them. */
#include "core/heaps.h"

static neap_event *open_event(neap_heap *heap)
{
    neap_event *event;
    must_open(neap_event_open(heap, "ready", &event));
    return event;
}


static neap_latch *open_latch(neap_heap *heap, int64_t count)
{
    neap_latch *latch;
    must_open(neap_latch_open(heap, "left", count, &latch));
    return latch;
}


static int64_t left_of(neap_latch *latch)
{
    int64_t left;
    CHECK_STATUS(neap_latch_get(latch, &left), 0);
    return left;
}


/* A thread that waits, for either. */
struct waiter {
    int (*wait)(void *object);
    void *object;
    int status;
    _Atomic bool ended;
    pthread_t thread;
};

static int wait_event(void *event)
{
    return neap_event_wait(event, NEAP_FOREVER);
}


static int wait_latch(void *latch)
{
    return neap_latch_wait(latch, NEAP_FOREVER);
}


static void *wait_in_thread(void *argument)
{
    struct waiter *waiter = argument;
    waiter->status = waiter->wait(waiter->object);
    waiter->ended = true;
    return NULL;
}


static void begin_wait(struct waiter *waiter, neap_heap *heap)
{
    uint64_t before = status_of(heap).attached;
    CHECK_INT(pthread_create(&waiter->thread, NULL, wait_in_thread, waiter), 0);
    WAIT_UNTIL(status_of(heap).attached == before + 1);
}


static void note_signal(int number)
{
    (void)number;
}


static void interrupt(struct waiter *waiter)
{
    struct sigaction action = {.sa_handler = note_signal};
    sigaction(SIGUSR1, &action, NULL);
    WAIT_UNTIL((pthread_kill(waiter->thread, SIGUSR1), waiter->ended));
    pthread_join(waiter->thread, NULL);
}


/* -- events ---------------------------------------------------------------- */

TEST(an_event_is_set_until_it_is_cleared)
{
    neap_heap *heap = make_heap(NULL);
    neap_event *event = open_event(heap);
    CHECK_STR(neap_event_name(event), "ready");
    CHECK_INT(neap_event_is_set(event), 0);
    CHECK_FAILS(neap_event_wait(event, NEAP_NOW), -EBUSY, "'ready'");
    CHECK_STATUS(neap_event_set(event), 0);
    CHECK_STATUS(neap_event_set(event), 0);
    CHECK_INT(neap_event_is_set(event), 1);
    CHECK_STATUS(neap_event_wait(event, NEAP_NOW), 0);
    CHECK_STATUS(neap_event_wait(event, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_event_clear(event), 0);
    CHECK_INT(neap_event_is_set(event), 0);
    neap_event_close(event);
    end_heap(heap);
}


static int wait_in_child(void *event)
{
    CHECK_STATUS(neap_event_wait(event, NEAP_FOREVER), 0);
    return 0;
}


TEST(setting_an_event_wakes_all_processes_that_wait)
{
    neap_heap *heap = make_heap(NULL);
    neap_event *event = open_event(heap);
    pid_t pids[3];
    uint64_t before = status_of(heap).attached;
    for (int i = 0; i < 3; i++)
        pids[i] = test_fork(wait_in_child, event);
    WAIT_UNTIL(status_of(heap).attached == before + 3);
    CHECK_STATUS(neap_event_set(event), 0);
    for (int i = 0; i < 3; i++)
        CHECK_INT(test_wait(pids[i]), 0);
    CHECK(neap_heap_reap(heap) >= 0);
    neap_event_close(event);
    end_heap(heap);
}


static int set_in_child(void *event)
{
    CHECK_STATUS(neap_event_set(event), 0);
    return 0;
}


TEST(an_event_stays_set_when_who_set_it_is_killed)
{
    neap_heap *heap = make_heap(NULL);
    neap_event *event = open_event(heap);
    test_kill(fork_lingering(set_in_child, event));
    CHECK_STATUS(neap_event_wait(event, NEAP_NOW), 0);
    CHECK_INT(neap_heap_reap(heap), 1);
    CHECK_INT(neap_event_is_set(event), 1);
    neap_event_close(event);
    end_heap(heap);
}


TEST(a_wait_for_an_event_ends_at_its_deadline)
{
    neap_heap *heap = make_heap(NULL);
    neap_event *event = open_event(heap);
    int64_t deadline = after_ms(20);
    CHECK_FAILS(neap_event_wait(event, deadline), -ETIMEDOUT, "'ready'");
    CHECK(neap_now() >= deadline);
    CHECK_STATUS(neap_event_wait(event, neap_deadline_after(-5)), -EBUSY);
    neap_event_close(event);
    end_heap(heap);
}


TEST(a_signal_interrupts_a_wait_for_an_event)
{
    neap_heap *heap = make_heap(NULL);
    neap_event *event = open_event(heap);
    struct waiter waiter = {.wait = wait_event, .object = event};
    begin_wait(&waiter, heap);
    interrupt(&waiter);
    CHECK_STATUS(waiter.status, -EINTR);
    CHECK_INT(neap_event_is_set(event), 0);
    neap_event_close(event);
    end_heap(heap);
}


TEST(whoever_waits_for_an_event_learns_of_a_drop)
{
    neap_heap *heap = make_heap(NULL);
    neap_event *event = open_event(heap);
    struct waiter waiter = {.wait = wait_event, .object = event};
    begin_wait(&waiter, heap);
    CHECK_STATUS(neap_heap_drop(heap, "ready"), 0);
    pthread_join(waiter.thread, NULL);
    CHECK_STATUS(waiter.status, -EIDRM);
    CHECK_FAILS(neap_event_set(event), -EIDRM, "'ready' was dropped");
    CHECK_FAILS(neap_event_clear(event), -EIDRM, "'ready' was dropped");
    CHECK_FAILS(neap_event_is_set(event), -EIDRM, "'ready' was dropped");
    CHECK_FAILS(neap_event_wait(event, NEAP_NOW), -EIDRM, "open it again");
    neap_event_close(event);
    end_heap(heap);
}


/* -- latches --------------------------------------------------------------- */

TEST(a_latch_lets_all_go_when_nothing_is_left)
{
    neap_heap *heap = make_heap(NULL);
    neap_latch *latch = open_latch(heap, 3);
    struct waiter waiter = {.wait = wait_latch, .object = latch};
    CHECK_STR(neap_latch_name(latch), "left");
    begin_wait(&waiter, heap);
    CHECK_STATUS(neap_latch_count_down(latch, 1), 0);
    CHECK_INT(left_of(latch), 2);
    CHECK_FAILS(neap_latch_wait(latch, after_ms(5)), -ETIMEDOUT, "'left'");
    CHECK(!waiter.ended);
    CHECK_STATUS(neap_latch_count_down(latch, 2), 0);
    pthread_join(waiter.thread, NULL);
    CHECK_STATUS(waiter.status, 0);
    CHECK_STATUS(neap_latch_wait(latch, NEAP_NOW), 0);
    neap_latch_close(latch);
    end_heap(heap);
}


TEST(a_latch_counts_down_no_further_than_to_zero)
{
    neap_heap *heap = make_heap(NULL);
    neap_latch *latch = open_latch(heap, 2);
    CHECK_FAILS(neap_latch_count_down(latch, 3), -EOVERFLOW, "'left'");
    CHECK_INT(left_of(latch), 2);
    CHECK_FAILS(neap_latch_count_down(latch, 0), -EINVAL, "'left'");
    CHECK_FAILS(neap_latch_count_down(latch, -1), -EINVAL, "'left'");
    CHECK_STATUS(neap_latch_count_down(latch, 2), 0);
    CHECK_STATUS(neap_latch_count_down(latch, 1), -EOVERFLOW);
    CHECK_INT(left_of(latch), 0);
    neap_latch_close(latch);
    end_heap(heap);
}


TEST(what_cannot_be_a_latch_is_refused)
{
    neap_heap *heap = make_heap(NULL);
    neap_latch *latch = NULL;
    CHECK_FAILS(neap_latch_open(heap, "x", 0, &latch), -EINVAL, "'x'");
    CHECK_FAILS(neap_latch_open(heap, "x", -1, &latch), -EINVAL, "'x'");
    CHECK_FAILS(neap_latch_open(heap, "x", INT64_C(1) << 31, &latch), -EINVAL,
                "2147483647");
    CHECK(latch == NULL);
    neap_event *event = open_event(heap);
    CHECK_FAILS(neap_latch_open(heap, "ready", 1, &latch), NEAP_ETYPE,
                "an event");
    neap_event_close(event);
    end_heap(heap);
}


TEST(whoever_waits_for_a_latch_learns_of_a_drop)
{
    neap_heap *heap = make_heap(NULL);
    neap_latch *latch = open_latch(heap, 1);
    struct waiter waiter = {.wait = wait_latch, .object = latch};
    begin_wait(&waiter, heap);
    CHECK_STATUS(neap_heap_drop(heap, "left"), 0);
    pthread_join(waiter.thread, NULL);
    CHECK_STATUS(waiter.status, -EIDRM);
    CHECK_FAILS(neap_latch_count_down(latch, 1), -EIDRM, "'left' was dropped");
    int64_t left;
    CHECK_FAILS(neap_latch_get(latch, &left), -EIDRM, "'left' was dropped");
    neap_latch_close(latch);
    end_heap(heap);
}


TEST(a_signal_interrupts_a_wait_for_a_latch)
{
    neap_heap *heap = make_heap(NULL);
    neap_latch *latch = open_latch(heap, 1);
    struct waiter waiter = {.wait = wait_latch, .object = latch};
    begin_wait(&waiter, heap);
    interrupt(&waiter);
    CHECK_STATUS(waiter.status, -EINTR);
    CHECK_INT(left_of(latch), 1);
    neap_latch_close(latch);
    end_heap(heap);
}
