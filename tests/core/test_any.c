/* Waiting for whichever of several objects comes first. */
#include <signal.h>
#include <sys/time.h>

#include "core/heaps.h"

#include "base/base.h"

/* One of each kind, none of which can be had; and what the waiter got. */
struct set {
    neap_heap *heap;
    neap_event *event;
    neap_latch *latch;
    neap_semaphore *semaphore;
    neap_mutex *mutex;
    neap_counter *ready, *got;
    void *objects[4];
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
    set.ready = open_counter(set.heap, "ready");
    set.got = open_counter(set.heap, "got");
    set.objects[0] = set.event;
    set.objects[1] = set.latch;
    set.objects[2] = set.semaphore;
    set.objects[3] = set.mutex;
    return set;
}


static void end_set(struct set *set)
{
    neap_counter_close(set->got);
    neap_counter_close(set->ready);
    neap_mutex_close(set->mutex);
    neap_semaphore_close(set->semaphore);
    neap_latch_close(set->latch);
    neap_event_close(set->event);
    end_heap(set->heap);
}


/* The first call of a child that has just been forked. */
static int wait_for_one(void *argument)
{
    struct set *set = argument;
    size_t index = 99;
    CHECK_STATUS(neap_counter_add(set->ready, 1), 0);
    int status = neap_wait_any(set->objects, 4, NEAP_FOREVER, &index);
    CHECK_STATUS(status, 0);
    CHECK_STATUS(neap_counter_add(set->got, (int64_t)index + 1), 0);
    return 0;
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


TEST(waiting_for_any_wakes_for_each_kind)
{
    for (int which = 0; which < 4; which++) {
        struct set set = make_set();
        pid_t pid = test_fork(wait_for_one, &set);
        WAIT_UNTIL(count_in(set.ready) == 1);
        usleep(10000); /* mostly it is asleep by now; it need not be */
        bring(&set, which);
        CHECK_INT(test_wait(pid), 0);
        CHECK_INT(count_in(set.got), which + 1);
        CHECK_INT(permits_in(set.semaphore), 0);
        end_set(&set);
    }
}


TEST(waiting_for_any_takes_the_first_that_can_be_had_and_nothing_else)
{
    struct set set = make_set();
    size_t index = 99;
    bring(&set, 2);
    bring(&set, 3);
    CHECK_STATUS(neap_wait_any(set.objects, 4, NEAP_NOW, &index), 0);
    CHECK_INT(index, 2);
    CHECK_INT(permits_in(set.semaphore), 0);
    CHECK(!neap_mutex_mine(set.mutex));
    CHECK_STATUS(neap_wait_any(set.objects, 4, NEAP_NOW, &index), 0);
    CHECK_INT(index, 3);
    CHECK(neap_mutex_mine(set.mutex));
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    end_set(&set);
}


TEST(waiting_for_any_ends_at_its_deadline_with_nothing)
{
    struct set set = make_set();
    size_t index = 99;
    int64_t deadline = after_ms(20);
    CHECK_STATUS(neap_wait_any(set.objects, 3, NEAP_NOW, &index), -EBUSY);
    CHECK_STATUS(neap_wait_any(set.objects, 3, deadline, &index), -ETIMEDOUT);
    CHECK(neap_now() >= deadline);
    CHECK_INT(index, 99);
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    end_set(&set);
}


static int have_the_mutex(void *argument)
{
    struct set *set = argument;
    return neap_mutex_lock(set->mutex, NEAP_FOREVER);
}


TEST(waiting_for_any_gets_a_mutex_whose_owner_is_killed_meanwhile)
{
    struct set set = make_set();
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    pid_t owner = fork_lingering(have_the_mutex, &set);
    size_t index = 99;
    CHECK_STATUS(neap_wait_any(set.objects, 4, after_ms(10), &index),
                 -ETIMEDOUT);
    test_kill(owner);
    CHECK_STATUS(neap_wait_any(set.objects, 4, NEAP_FOREVER, &index),
                 NEAP_ABANDONED);
    CHECK_INT(index, 3);
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    end_set(&set);
}


static int wait_for_dropped(void *argument)
{
    struct set *set = argument;
    size_t index = 99;
    CHECK_STATUS(neap_counter_add(set->ready, 1), 0);
    CHECK_STATUS(neap_wait_any(set->objects, 4, NEAP_FOREVER, &index), -EIDRM);
    CHECK_INT(index, 99);
    return 0;
}


TEST(waiting_for_any_is_told_when_one_is_dropped)
{
    static const char *const names[] = {"event", "latch", "semaphore"};
    for (size_t i = 0; i < NEAP__COUNT(names); i++) {
        struct set set = make_set();
        pid_t pid = test_fork(wait_for_dropped, &set);
        WAIT_UNTIL(count_in(set.ready) == 1);
        usleep(10000);
        CHECK_STATUS(neap_heap_drop(set.heap, names[i]), 0);
        CHECK_INT(test_wait(pid), 0);
        CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
        end_set(&set);
    }
}


static void ignore(int number)
{
    (void)number;
}


TEST(a_signal_ends_waiting_for_any_and_nothing_is_taken)
{
    struct set set = make_set();
    struct sigaction action = {.sa_handler = ignore};
    struct itimerval often = {{0, 5000}, {0, 5000}};
    size_t index = 99;
    CHECK_INT(sigaction(SIGALRM, &action, NULL), 0);
    CHECK_INT(setitimer(ITIMER_REAL, &often, NULL), 0);
    int status = neap_wait_any(set.objects, 3, NEAP_FOREVER, &index);
    often = (struct itimerval){0};
    CHECK_INT(setitimer(ITIMER_REAL, &often, NULL), 0);
    CHECK_STATUS(status, -EINTR);
    CHECK_INT(index, 99);
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    end_set(&set);
}


TEST(what_cannot_be_waited_for_among_others_is_refused)
{
    struct set set = make_set();
    neap_barrier *barrier;
    size_t index = 99;
    void *many[NEAP_WAIT_MAX + 1];
    for (size_t i = 0; i <= NEAP_WAIT_MAX; i++)
        many[i] = set.event;
    must_open(neap_barrier_open(set.heap, "barrier", 2, &barrier));
    void *wrong[] = {set.event, barrier};
    void *none[] = {set.event, NULL};
    CHECK_STATUS(neap_wait_any(wrong, 2, NEAP_FOREVER, &index), -EINVAL);
    CHECK(strstr(neap_error_text(), "barrier"));
    CHECK_STATUS(neap_wait_any(none, 2, NEAP_FOREVER, &index), -EINVAL);
    CHECK_STATUS(neap_wait_any(many, 0, NEAP_FOREVER, &index), -EINVAL);
    CHECK_STATUS(neap_wait_any(many, NEAP_WAIT_MAX + 1, NEAP_FOREVER, &index),
                 -EINVAL);
    CHECK_STATUS(neap_wait_any(many, NEAP_WAIT_MAX, after_ms(5), &index),
                 -ETIMEDOUT);
    CHECK_STATUS(neap_wait_any(set.objects, 4, NEAP_FOREVER, &index), -EDEADLK);
    neap_barrier_close(barrier);
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    end_set(&set);
}


/* Permits of two semaphores until none is left and the event is set. */
struct stream {
    neap_heap *heap;
    neap_semaphore *one, *other;
    neap_event *end;
    neap_counter *taken;
};

static int consume(void *argument)
{
    struct stream *stream = argument;
    void *objects[] = {stream->one, stream->other, stream->end};
    size_t index = 0;
    for (;;) {
        CHECK_STATUS(neap_wait_any(objects, 3, NEAP_FOREVER, &index), 0);
        if (index == 2)
            return 0;
        CHECK_STATUS(neap_counter_add(stream->taken, 1), 0);
    }
}


TEST(those_who_wait_for_any_take_each_permit_once)
{
    enum { ROUNDS = 500 };
    struct stream stream = {.heap = make_heap(NULL)};
    pid_t pids[3];
    stream.one = open_semaphore(stream.heap, "one", 0, NEAP_SEMAPHORE_CLASSIC);
    stream.other = open_semaphore(stream.heap, "other", 0,
                                  NEAP_SEMAPHORE_CLASSIC);
    must_open(neap_event_open(stream.heap, "end", &stream.end));
    stream.taken = open_counter(stream.heap, "taken");
    for (int i = 0; i < 3; i++)
        pids[i] = test_fork(consume, &stream);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK_STATUS(neap_semaphore_release(stream.one), 0);
        CHECK_STATUS(neap_semaphore_release(stream.other), 0);
        if (i % 50 == 0)
            usleep(2000);
    }
    WAIT_UNTIL(count_in(stream.taken) == 2 * ROUNDS);
    CHECK_STATUS(neap_event_set(stream.end), 0);
    for (int i = 0; i < 3; i++)
        CHECK_INT(test_wait(pids[i]), 0);
    CHECK_INT(count_in(stream.taken), 2 * ROUNDS);
    neap_counter_close(stream.taken);
    neap_event_close(stream.end);
    neap_semaphore_close(stream.other);
    neap_semaphore_close(stream.one);
    end_heap(stream.heap);
}
