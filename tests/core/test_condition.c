/* Conditions: who is notified, how many, with which mutex. */
#include "core/heaps.h"

/* A condition, its mutex, and how many waits have begun and were notified. */
struct set {
    neap_heap *heap;
    neap_mutex *mutex;
    neap_condition *condition;
    neap_counter *begun, *notified;
    int64_t timeout_ms; /* 0: none */
};

static struct set make_set(void)
{
    struct set set = {.heap = make_heap(NULL)};
    set.mutex = open_mutex(set.heap, "lock");
    must_open(neap_condition_open(set.heap, "changed", &set.condition));
    set.begun = open_counter(set.heap, "begun");
    set.notified = open_counter(set.heap, "notified");
    return set;
}


static void end_set(struct set *set)
{
    neap_counter_close(set->begun);
    neap_counter_close(set->notified);
    neap_condition_close(set->condition);
    neap_mutex_close(set->mutex);
    end_heap(set->heap);
}


static int wait_once(void *argument)
{
    struct set *set = argument;
    int64_t deadline = set->timeout_ms ? after_ms(set->timeout_ms)
                                       : NEAP_FOREVER;
    CHECK_STATUS(neap_mutex_lock(set->mutex, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_counter_add(set->begun, 1), 0);
    int status = neap_condition_wait(set->condition, set->mutex, deadline);
    CHECK(neap_mutex_mine(set->mutex));
    if (status == 0)
        CHECK_STATUS(neap_counter_add(set->notified, 1), 0);
    else
        CHECK_STATUS(status, -ETIMEDOUT);
    CHECK_STATUS(neap_mutex_unlock(set->mutex), 0);
    return 0;
}


/* As many as `n` wait: whoever has said so holds the mutex until it does. */
static void begin_waits(struct set *set, pid_t *pids, int n)
{
    for (int i = 0; i < n; i++)
        pids[i] = test_fork(wait_once, set);
    WAIT_UNTIL(count_in(set->begun) == n);
    CHECK_STATUS(neap_mutex_lock(set->mutex, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_mutex_unlock(set->mutex), 0);
}


static void notify(struct set *set, int64_t n)
{
    CHECK_STATUS(neap_mutex_lock(set->mutex, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_condition_notify(set->condition, n), 0);
    CHECK_STATUS(neap_mutex_unlock(set->mutex), 0);
}


/* So many are, and no more a few looks later: sleeps end by themselves after a
 * tenth of a second, to look for the dead. */
static void stays_notified(struct set *set, int64_t n)
{
    WAIT_UNTIL(count_in(set->notified) >= n);
    usleep(350000);
    CHECK_INT(count_in(set->notified), n);
}


static void all_end(pid_t *pids, int n)
{
    for (int i = 0; i < n; i++)
        CHECK_INT(test_wait(pids[i]), 0);
}


/* -- how many -------------------------------------------------------------- */

TEST(a_notification_ends_as_many_waits_as_it_says_and_no_more)
{
    struct set set = make_set();
    pid_t pids[5];
    begin_waits(&set, pids, 5);
    notify(&set, 1);
    notify(&set, 2);
    stays_notified(&set, 3);
    notify(&set, 2);
    all_end(pids, 5);
    end_set(&set);
}


TEST(to_notify_all_ends_all_waits)
{
    struct set set = make_set();
    pid_t pids[5];
    begin_waits(&set, pids, 5);
    notify(&set, INT32_MAX);
    all_end(pids, 5);
    CHECK_INT(count_in(set.notified), 5);
    end_set(&set);
}


TEST(a_notification_is_not_kept_for_one_who_comes_later)
{
    struct set set = make_set();
    pid_t pid;
    set.timeout_ms = 50;
    notify(&set, 3);
    begin_waits(&set, &pid, 1);
    all_end(&pid, 1);
    CHECK_INT(count_in(set.notified), 0);
    end_set(&set);
}


TEST(whoever_notifies_and_then_waits_does_not_take_its_own_notification)
{
    struct set set = make_set();
    pid_t pid;
    begin_waits(&set, &pid, 1);
    CHECK_STATUS(neap_mutex_lock(set.mutex, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_condition_notify(set.condition, 1), 0);
    CHECK_FAILS(neap_condition_wait(set.condition, set.mutex, after_ms(20)),
                -ETIMEDOUT, "not notified");
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    all_end(&pid, 1);
    CHECK_INT(count_in(set.notified), 1);
    end_set(&set);
}


TEST(one_who_gave_up_is_not_notified_in_the_place_of_another)
{
    struct set set = make_set();
    pid_t pid;
    CHECK_STATUS(neap_mutex_lock(set.mutex, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_condition_wait(set.condition, set.mutex, NEAP_NOW),
                 -EBUSY);
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    begin_waits(&set, &pid, 1);
    notify(&set, 1);
    all_end(&pid, 1);
    CHECK_INT(count_in(set.notified), 1);
    end_set(&set);
}


/* -- death ----------------------------------------------------------------- */

TEST(a_waiter_that_is_killed_leaves_its_notification_to_another)
{
    struct set set = make_set();
    pid_t pids[2];
    begin_waits(&set, pids, 2);
    kill(pids[0], SIGSTOP);
    notify(&set, 1);
    test_kill(pids[0]);
    CHECK_INT(test_wait(pids[1]), 0);
    CHECK(neap_heap_reap(set.heap) >= 0);
    end_set(&set);
}


TEST(a_waiter_that_was_killed_is_counted_no_more)
{
    struct set set = make_set();
    pid_t pids[2];
    begin_waits(&set, pids, 1);
    test_kill(pids[0]);
    CHECK_INT(neap_heap_reap(set.heap), 1);
    check_sound(set.heap);
    CHECK_STATUS(neap_counter_set(set.begun, 0), 0);
    begin_waits(&set, pids, 2);
    notify(&set, 1);
    stays_notified(&set, 1);
    notify(&set, 1);
    all_end(pids, 2);
    end_set(&set);
}


/* -- mutexes --------------------------------------------------------------- */

TEST(all_who_wait_use_the_same_mutex)
{
    struct set set = make_set();
    neap_mutex *other = open_mutex(set.heap, "other");
    pid_t pid;
    begin_waits(&set, &pid, 1);
    CHECK_STATUS(neap_mutex_lock(other, NEAP_NOW), 0);
    CHECK_FAILS(neap_condition_wait(set.condition, other, NEAP_NOW), -EINVAL,
                "'changed' cannot wait with mutex 'other': others wait with "
                "mutex 'lock'");
    CHECK(neap_mutex_mine(other));
    notify(&set, 1);
    all_end(&pid, 1);
    CHECK_STATUS(neap_condition_wait(set.condition, other, NEAP_NOW), -EBUSY);
    CHECK_STATUS(neap_mutex_unlock(other), 0);
    neap_mutex_close(other);
    end_set(&set);
}


TEST(the_mutex_of_a_dead_waiter_binds_nobody)
{
    struct set set = make_set();
    neap_mutex *other = open_mutex(set.heap, "other");
    pid_t pid;
    begin_waits(&set, &pid, 1);
    test_kill(pid);
    CHECK_STATUS(neap_mutex_lock(other, NEAP_NOW), 0);
    CHECK_STATUS(neap_condition_wait(set.condition, other, NEAP_NOW), -EBUSY);
    CHECK_STATUS(neap_mutex_unlock(other), 0);
    neap_mutex_close(other);
    end_set(&set);
}


TEST(a_recursive_mutex_is_given_up_wholly_and_locked_as_often_again)
{
    struct set set = make_set();
    neap_mutex_close(set.mutex);
    must_open(neap_mutex_open_kind(set.heap, "deep", NEAP_MUTEX_RECURSIVE,
                                   &set.mutex));
    pid_t pid;
    CHECK_STATUS(neap_mutex_lock(set.mutex, NEAP_NOW), 0);
    CHECK_STATUS(neap_mutex_lock(set.mutex, NEAP_NOW), 0);
    set.timeout_ms = 20;
    pid = test_fork(wait_once, &set); /* it gets the mutex meanwhile */
    CHECK_STATUS(neap_condition_wait(set.condition, set.mutex, after_ms(100)),
                 -ETIMEDOUT);
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    CHECK(neap_mutex_mine(set.mutex));
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    CHECK_STATUS(neap_mutex_unlock(set.mutex), -EPERM);
    all_end(&pid, 1);
    end_set(&set);
}


/* -- what is refused ------------------------------------------------------- */

TEST(a_wait_without_the_mutex_is_refused)
{
    struct set set = make_set();
    CHECK_FAILS(neap_condition_wait(set.condition, set.mutex, NEAP_NOW),
                -EPERM, "lock mutex 'lock' before");
    CHECK_FAILS(neap_condition_notify(set.condition, 0), -EINVAL, "not 0");
    CHECK_FAILS(neap_condition_notify(set.condition, -1), -EINVAL, "not -1");
    end_set(&set);
}


TEST(whoever_waits_learns_of_a_drop_and_has_its_mutex)
{
    struct set set = make_set();
    CHECK_STATUS(neap_mutex_lock(set.mutex, NEAP_NOW), 0);
    CHECK_STATUS(neap_heap_drop(set.heap, "changed"), 0);
    CHECK_FAILS(neap_condition_wait(set.condition, set.mutex, NEAP_FOREVER),
                -EIDRM, "'changed' was dropped");
    CHECK(neap_mutex_mine(set.mutex));
    CHECK_STATUS(neap_mutex_unlock(set.mutex), 0);
    CHECK_FAILS(neap_condition_notify(set.condition, 1), -EIDRM, "dropped");
    end_set(&set);
}

/* -- standing in for a thread that must not sleep -------------------------- */

struct stand_in {
    struct set *set;
    int wants_status;
    _Atomic uint64_t counted, woken, locked, over; /* steps */
};


static void tell_counted(void *context)
{
    ((struct stand_in *)context)->counted = 1;
}


static bool is_not_over(void *context)
{
    return !((struct stand_in *)context)->over;
}


/* The mutex is the other thread's: it says when it has it. */
static void await_locked(void *context)
{
    struct stand_in *s = context;
    s->woken = 1;
    WAIT_UNTIL(s->locked);
}


static void *stand_in(void *argument)
{
    struct stand_in *s = argument;
    const neap_condition_stand_in functions = {tell_counted, is_not_over,
                                               await_locked, s};
    CHECK(!neap_mutex_mine(s->set->mutex));
    CHECK_STATUS(neap_condition_wait_for(s->set->condition, s->set->mutex,
                                         &functions), s->wants_status);
    return NULL;
}


static pthread_t begin_standing_in(struct stand_in *s)
{
    pthread_t thread;
    CHECK_STATUS(neap_mutex_lock(s->set->mutex, NEAP_FOREVER), 0);
    CHECK_INT(pthread_create(&thread, NULL, stand_in, s), 0);
    WAIT_UNTIL(s->counted);
    CHECK_STATUS(neap_mutex_unlock(s->set->mutex), 0);
    return thread;
}


static void end_standing_in(struct stand_in *s, pthread_t thread)
{
    WAIT_UNTIL(s->woken);
    CHECK_STATUS(neap_mutex_lock(s->set->mutex, NEAP_FOREVER), 0);
    s->locked = 1;
    pthread_join(thread, NULL);
    CHECK_STATUS(neap_mutex_unlock(s->set->mutex), 0);
}


TEST(who_stands_in_is_notified_from_the_moment_it_is_counted)
{
    struct set set = make_set();
    struct stand_in s = {.set = &set};
    pthread_t thread = begin_standing_in(&s);
    notify(&set, 1);
    end_standing_in(&s, thread);
    pid_t pid;
    begin_waits(&set, &pid, 1); /* nothing of it is left over */
    stays_notified(&set, 0);
    notify(&set, 1);
    CHECK_INT(test_wait(pid), 0);
    end_set(&set);
}


TEST(who_stands_in_until_it_is_no_longer_wanted_is_counted_no_more)
{
    struct set set = make_set();
    struct stand_in s = {.set = &set, .wants_status = -ECANCELED};
    pthread_t thread = begin_standing_in(&s);
    s.over = 1;
    end_standing_in(&s, thread);
    pid_t pid;
    begin_waits(&set, &pid, 1);
    notify(&set, 1);
    CHECK_INT(test_wait(pid), 0);
    end_set(&set);
}


static int stand_in_for_ever(void *argument)
{
    struct board *board = argument;
    struct stand_in s = {.set = (struct set *)(uintptr_t)board->words[9]};
    pthread_t thread = begin_standing_in(&s);
    board->words[0] = 1;
    WAIT_UNTIL(s.woken); /* notified, and it has not got the mutex yet */
    board->words[1] = 1;
    pthread_join(thread, NULL);
    return 0;
}


TEST(who_dies_before_it_has_the_mutex_again_leaves_its_notification_to_another)
{
    struct set set = make_set();
    struct board *board = share_board();
    board->words[9] = (uintptr_t)&set;
    pid_t dies = test_fork(stand_in_for_ever, board), other;
    WAIT_UNTIL(board->words[0]);
    notify(&set, 1);
    WAIT_UNTIL(board->words[1]);
    begin_waits(&set, &other, 1);
    stays_notified(&set, 0);
    test_kill(dies);
    CHECK_INT(test_wait(other), 0);
    munmap(board, sizeof *board);
    end_set(&set);
}


TEST(who_stands_in_at_one_that_was_dropped_is_told)
{
    struct set set = make_set();
    struct stand_in s = {.set = &set, .wants_status = -EIDRM};
    pthread_t thread = begin_standing_in(&s);
    CHECK_STATUS(neap_heap_drop(set.heap, "changed"), 0);
    end_standing_in(&s, thread);
    end_set(&set);
}
