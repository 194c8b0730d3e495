/* Semaphores: permits, their owners, deadlines, wakes. */
#include "core/heaps.h"

static const char *const kinds[] = {"classic", "undo", NULL};

static neap_semaphore_kind kind_of(const char *name)
{
    return strcmp(name, "undo") == 0 ? NEAP_SEMAPHORE_UNDO
                                     : NEAP_SEMAPHORE_CLASSIC;
}


/* -- permits --------------------------------------------------------------- */

TEST_EACH(permits_are_taken_and_given_back, kinds)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s = open_semaphore(heap, "slots", 2, kind_of(parameter));
    CHECK_STR(neap_semaphore_name(s), "slots");
    CHECK_INT(neap_semaphore_kind_of(s), kind_of(parameter));
    CHECK_INT(permits_in(s), 2);
    CHECK_STATUS(neap_semaphore_acquire(s, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_semaphore_acquire(s, NEAP_NOW), 0);
    CHECK_INT(permits_in(s), 0);
    CHECK_FAILS(neap_semaphore_acquire(s, NEAP_NOW), -EBUSY, "no permit");
    CHECK_STATUS(neap_semaphore_release(s), 0);
    CHECK_INT(permits_in(s), 1);
    CHECK_STATUS(neap_semaphore_release(s), 0);
    CHECK_INT(permits_in(s), 2);
    neap_semaphore_close(s);
    end_heap(heap);
}


TEST(initial_is_ignored_when_the_semaphore_is_there)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *a, *b;
    a = open_semaphore(heap, "slots", 2, NEAP_SEMAPHORE_UNDO);
    CHECK_STATUS(neap_semaphore_open(heap, "slots", 77, NEAP_SEMAPHORE_ANY, &b),
                 0);
    CHECK_INT(permits_in(b), 2);
    CHECK_INT(neap_semaphore_kind_of(b), NEAP_SEMAPHORE_UNDO);
    neap_semaphore_close(a);
    neap_semaphore_close(b);
    end_heap(heap);
}


TEST(what_cannot_be_a_semaphore_is_refused)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s = NULL;
    CHECK_FAILS(neap_semaphore_open(heap, "s", -1, NEAP_SEMAPHORE_ANY, &s),
                -EINVAL, "-1 permits");
    CHECK_FAILS(neap_semaphore_open(heap, "s", INT64_C(1) << 31,
                                    NEAP_SEMAPHORE_ANY, &s),
                -EINVAL, "2147483647");
    CHECK_FAILS(neap_semaphore_open(heap, "s", 1, (neap_semaphore_kind)3, &s),
                -EINVAL, "kind 3");
    CHECK(s == NULL);
    neap_semaphore_close(open_semaphore(heap, "s", 1, NEAP_SEMAPHORE_UNDO));
    CHECK_FAILS(neap_semaphore_open(heap, "s", 1, NEAP_SEMAPHORE_CLASSIC, &s),
                NEAP_ETYPE, "undo semaphore");
    end_heap(heap);
}


TEST(a_classic_semaphore_has_no_more_permits_than_can_be)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s = open_semaphore(heap, "s", NEAP_SEMAPHORE_MAX - 1,
                                       NEAP_SEMAPHORE_CLASSIC);
    CHECK_STATUS(neap_semaphore_release(s), 0);
    CHECK_FAILS(neap_semaphore_release(s), -EOVERFLOW, "at most");
    CHECK_INT(permits_in(s), NEAP_SEMAPHORE_MAX);
    CHECK_STATUS(neap_semaphore_acquire(s, NEAP_NOW), 0);
    neap_semaphore_close(s);
    end_heap(heap);
}


/* -- who may release ------------------------------------------------------- */

static int release_one(void *argument)
{
    CHECK_STATUS(neap_semaphore_release(argument), 0);
    return 0;
}


TEST(anyone_may_release_a_classic_semaphore)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s = open_semaphore(heap, "s", 0, NEAP_SEMAPHORE_CLASSIC);
    CHECK_INT(test_wait(test_fork(release_one, s)), 0);
    CHECK_STATUS(neap_semaphore_acquire(s, NEAP_NOW), 0);
    neap_semaphore_close(s);
    end_heap(heap);
}


static void *fail_to_release(void *argument)
{
    CHECK_FAILS(neap_semaphore_release(argument), -EPERM, "holds no permit");
    return NULL;
}


static int fail_to_release_in_child(void *argument)
{
    fail_to_release(argument);
    return 0;
}


TEST(only_its_holder_releases_an_undo_permit)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s = open_semaphore(heap, "s", 1, NEAP_SEMAPHORE_UNDO);
    fail_to_release(s);
    CHECK_STATUS(neap_semaphore_acquire(s, NEAP_NOW), 0);
    in_thread(fail_to_release, s);
    CHECK_INT(test_wait(test_fork(fail_to_release_in_child, s)), 0);
    CHECK_STATUS(neap_semaphore_release(s), 0);
    fail_to_release(s);
    CHECK_INT(permits_in(s), 1);
    neap_semaphore_close(s);
    end_heap(heap);
}


TEST(a_thread_has_permits_of_so_many_undo_semaphores_and_no_more)
{
    enum { MANY = 40 };
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s[MANY];
    char name[16];
    int most = 0;
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "s-%d", i);
        s[i] = open_semaphore(heap, name, 1, NEAP_SEMAPHORE_UNDO);
    }
    while (most < MANY && neap_semaphore_acquire(s[most], NEAP_NOW) == 0)
        most++;
    CHECK(most >= 16 && most < MANY);
    CHECK_FAILS(neap_semaphore_acquire(s[most], NEAP_FOREVER), -EAGAIN,
                "release one first");
    CHECK_INT(permits_in(s[most]), 1);
    CHECK_STATUS(neap_semaphore_release(s[3]), 0);
    CHECK_STATUS(neap_semaphore_acquire(s[most], NEAP_NOW), 0);
    CHECK_STATUS(neap_semaphore_acquire(s[3], NEAP_NOW), -EAGAIN);
    check_sound(heap);
    for (int i = 0; i < MANY; i++)
        neap_semaphore_close(s[i]);
    end_heap(heap);
}


/* -- waiting --------------------------------------------------------------- */

static int wait_for_one(void *argument)
{
    CHECK_STATUS(neap_semaphore_acquire(argument, NEAP_FOREVER), 0);
    return 0;
}


TEST_EACH(a_release_wakes_one_who_waits, kinds)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s = open_semaphore(heap, "s", 1, kind_of(parameter));
    CHECK_STATUS(neap_semaphore_acquire(s, NEAP_NOW), 0);
    pid_t child = test_fork(wait_for_one, s);
    WAIT_UNTIL(status_of(heap).attached == 2);
    CHECK_STATUS(neap_semaphore_release(s), 0);
    CHECK_INT(test_wait(child), 0);
    neap_semaphore_close(s);
    check_sound(heap);
    neap_heap_close(heap);
}


TEST_EACH(a_deadline_ends_the_wait_and_takes_nothing, kinds)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s = open_semaphore(heap, "s", 0, kind_of(parameter));
    int64_t deadline = after_ms(20);
    CHECK_FAILS(neap_semaphore_acquire(s, deadline), -ETIMEDOUT, "no permit");
    CHECK(neap_now() >= deadline);
    CHECK_INT(permits_in(s), 0);
    neap_semaphore_close(s);
    end_heap(heap);
}


struct waiter {
    neap_semaphore *semaphore;
    _Atomic int ended;
    int status;
};

static void *wait_forever(void *argument)
{
    struct waiter *waiter = argument;
    waiter->status = neap_semaphore_acquire(waiter->semaphore, NEAP_FOREVER);
    waiter->ended = 1;
    return NULL;
}


static void note_signal(int number)
{
    (void)number;
}


TEST_EACH(a_signal_interrupts_the_wait, kinds)
{
    neap_heap *heap = make_heap(NULL);
    struct waiter waiter = {
        .semaphore = open_semaphore(heap, "s", 0, kind_of(parameter))};
    struct sigaction action = {.sa_handler = note_signal};
    pthread_t thread;
    sigaction(SIGUSR1, &action, NULL);
    pthread_create(&thread, NULL, wait_forever, &waiter);
    WAIT_UNTIL((pthread_kill(thread, SIGUSR1), waiter.ended));
    pthread_join(thread, NULL);
    CHECK_STATUS(waiter.status, -EINTR);
    CHECK_INT(permits_in(waiter.semaphore), 0);
    neap_semaphore_close(waiter.semaphore);
    end_heap(heap);
}


TEST_EACH(whoever_waits_learns_of_a_drop, kinds)
{
    neap_heap *heap = make_heap(NULL);
    struct waiter waiter = {
        .semaphore = open_semaphore(heap, "s", 0, kind_of(parameter))};
    pthread_t thread;
    pthread_create(&thread, NULL, wait_forever, &waiter);
    WAIT_UNTIL(status_of(heap).attached == 2);
    CHECK_STATUS(neap_heap_drop(heap, "s"), 0);
    pthread_join(thread, NULL);
    CHECK_STATUS(waiter.status, -EIDRM);
    int64_t value;
    CHECK_FAILS(neap_semaphore_get(waiter.semaphore, &value), -EIDRM,
                "dropped");
    CHECK_FAILS(neap_semaphore_acquire(waiter.semaphore, NEAP_NOW), -EIDRM,
                "dropped");
    CHECK_FAILS(neap_semaphore_release(waiter.semaphore), -EIDRM, "dropped");
    neap_semaphore_close(waiter.semaphore);
    end_heap(heap);
}


TEST(permits_of_a_dropped_semaphore_do_not_go_to_the_next_of_its_name)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s = open_semaphore(heap, "s", 5, NEAP_SEMAPHORE_UNDO);
    CHECK_STATUS(neap_semaphore_acquire(s, NEAP_NOW), 0);
    CHECK_STATUS(neap_heap_drop(heap, "s"), 0);
    neap_semaphore *fresh = open_semaphore(heap, "s", 3, NEAP_SEMAPHORE_UNDO);
    CHECK_INT(permits_in(fresh), 3);
    CHECK_STATUS(neap_semaphore_release(s), -EIDRM);
    CHECK_STATUS(neap_semaphore_release(fresh), -EPERM);
    CHECK_INT(permits_in(fresh), 3);
    neap_semaphore_close(s);
    neap_semaphore_close(fresh);
    end_heap(heap);
}


/* -- death ----------------------------------------------------------------- */

static int take_two(void *argument)
{
    CHECK_STATUS(neap_semaphore_acquire(argument, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_semaphore_acquire(argument, NEAP_FOREVER), 0);
    return 0;
}


TEST(undo_permits_return_when_their_holder_is_killed)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s = open_semaphore(heap, "s", 3, NEAP_SEMAPHORE_UNDO);
    pid_t child = fork_lingering(take_two, s);
    CHECK_INT(permits_in(s), 1);
    test_kill(child);
    CHECK_INT(neap_heap_reap(heap), 1);
    CHECK_INT(permits_in(s), 3);
    CHECK_INT(neap_heap_reap(heap), 0);
    neap_semaphore_close(s);
    end_heap(heap);
}


/* However many there are: the heap keeps few and many in different ways. */
static const char *const sizes[] = {"1", "2", "12", "13", "100", NULL};

static int take_all(void *argument)
{
    int64_t n = permits_in(argument);
    for (int64_t i = 1; i < n; i++)
        CHECK_STATUS(neap_semaphore_acquire(argument, NEAP_NOW), 0);
    CHECK_STATUS(neap_semaphore_acquire_many(argument, 1, NEAP_NOW), 0);
    CHECK_STATUS(neap_semaphore_acquire(argument, NEAP_NOW), -EBUSY);
    return 0;
}


TEST_EACH(all_permits_of_a_killed_holder_return, sizes)
{
    neap_heap *heap = make_heap(NULL);
    int64_t n = atoi(parameter);
    neap_semaphore *s = open_semaphore(heap, "s", n, NEAP_SEMAPHORE_UNDO);
    pid_t child = fork_lingering(take_all, s);
    CHECK_INT(permits_in(s), 0);
    neap_object_info info;
    CHECK_STATUS(neap_heap_find(heap, "s", &info), 0);
    CHECK_INT(info.value, 0);
    check_sound(heap);
    test_kill(child);
    CHECK_INT(neap_heap_reap(heap), 1);
    CHECK_INT(permits_in(s), n);
    neap_semaphore_close(s);
    end_heap(heap);
}


TEST_EACH(undo_permits_are_given_back_by_the_number, sizes)
{
    neap_heap *heap = make_heap(NULL);
    int64_t n = atoi(parameter);
    neap_semaphore *s = open_semaphore(heap, "s", n, NEAP_SEMAPHORE_UNDO);
    CHECK_STATUS(neap_semaphore_acquire_many(s, n, NEAP_NOW), 0);
    CHECK_STATUS(neap_semaphore_acquire(s, NEAP_NOW), -EBUSY);
    CHECK_STATUS(neap_semaphore_release(s), 0);
    CHECK_FAILS(neap_semaphore_release_many(s, n), -EPERM, "'s'");
    CHECK_STATUS(neap_semaphore_acquire_many(s, n + 1, NEAP_NOW), -EBUSY);
    CHECK_INT(permits_in(s), 1);
    CHECK_STATUS(neap_semaphore_acquire(s, NEAP_NOW), 0);
    CHECK_STATUS(neap_semaphore_release_many(s, n), 0);
    CHECK_INT(permits_in(s), n);
    neap_semaphore_close(s);
    end_heap(heap);
}


TEST(a_thread_may_use_more_undo_semaphores_than_it_can_hold_at_once)
{
    enum { MANY = 100 };
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s[MANY];
    char name[16];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < MANY; i++) {
            snprintf(name, sizeof name, "s-%d", i);
            s[i] = open_semaphore(heap, name, 1 + i % 20, NEAP_SEMAPHORE_UNDO);
            CHECK_STATUS(neap_semaphore_acquire(s[i], NEAP_NOW), 0);
            CHECK_STATUS(neap_semaphore_release(s[i]), 0);
            neap_semaphore_close(s[i]);
        }
    neap_slot_info slot;
    uint64_t cursor = 0;
    CHECK_INT(neap_heap_next_slot(heap, &cursor, &slot), NEAP_MORE);
    CHECK_INT(slot.permits, 0);
    end_heap(heap);
}


TEST(striped_counters_make_room_for_undo_semaphores)
{
    enum { MANY = 40 };
    neap_heap *heap = make_heap(NULL);
    neap_counter *counters[MANY];
    char name[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "c-%d", i);
        must_open(neap_counter_open_as(heap, name, NEAP_COUNTER_STRIPED,
                                       &counters[i]));
        CHECK_STATUS(neap_counter_add(counters[i], i), 0);
    }
    neap_semaphore *few = open_semaphore(heap, "few", 2, NEAP_SEMAPHORE_UNDO);
    neap_semaphore *many = open_semaphore(heap, "many", 99,
                                          NEAP_SEMAPHORE_UNDO);
    CHECK_STATUS(neap_semaphore_acquire(few, NEAP_NOW), 0);
    CHECK_STATUS(neap_semaphore_acquire(many, NEAP_NOW), 0);
    for (int i = 0; i < MANY; i++) {
        CHECK_STATUS(neap_counter_add(counters[i], 1), 0);
        CHECK_INT(count_in(counters[i]), i + 1);
        neap_counter_close(counters[i]);
    }
    check_sound(heap);
    CHECK_STATUS(neap_semaphore_release(few), 0);
    CHECK_STATUS(neap_semaphore_release(many), 0);
    neap_semaphore_close(few);
    neap_semaphore_close(many);
    end_heap(heap);
}


TEST(classic_permits_do_not_return)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s = open_semaphore(heap, "s", 3, NEAP_SEMAPHORE_CLASSIC);
    test_kill(fork_lingering(take_two, s));
    CHECK_INT(neap_heap_reap(heap), 1);
    CHECK_INT(permits_in(s), 1);
    neap_semaphore_close(s);
    end_heap(heap);
}


TEST(those_who_wait_get_the_permits_of_the_killed)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s = open_semaphore(heap, "s", 2, NEAP_SEMAPHORE_UNDO);
    pid_t holder = fork_lingering(take_two, s);
    pid_t a = test_fork(wait_for_one, s), b = test_fork(wait_for_one, s);
    WAIT_UNTIL(status_of(heap).attached == 3 + 1);
    test_kill(holder);
    CHECK_INT(test_wait(a), 0);
    CHECK_INT(test_wait(b), 0);
    CHECK(neap_heap_reap(heap) >= 0);
    CHECK_INT(permits_in(s), 2);
    neap_semaphore_close(s);
    end_heap(heap);
}


static void *take_and_end(void *argument)
{
    take_two(argument);
    return NULL;
}


TEST(undo_permits_return_when_a_thread_ends)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s = open_semaphore(heap, "s", 3, NEAP_SEMAPHORE_UNDO);
    in_thread(take_and_end, s);
    CHECK_INT(permits_in(s), 3);
    CHECK_INT(status_of(heap).deaths, 0);
    neap_semaphore_close(s);
    end_heap(heap);
}


/* -- many ------------------------------------------------------------------ */

struct crowd {
    neap_semaphore *semaphore;
    struct board *board;
};

static int come_and_go(void *argument)
{
    struct crowd *crowd = argument;
    for (int i = 0; i < 1000; i++) {
        CHECK_STATUS(neap_semaphore_acquire(crowd->semaphore, NEAP_FOREVER), 0);
        CHECK(++crowd->board->words[0] <= 3);
        crowd->board->words[0]--;
        CHECK_STATUS(neap_semaphore_release(crowd->semaphore), 0);
    }
    return 0;
}


TEST_EACH(no_more_are_inside_than_there_are_permits, kinds)
{
    neap_heap *heap = make_heap(NULL);
    struct crowd crowd = {open_semaphore(heap, "s", 3, kind_of(parameter)),
                          share_board()};
    pid_t pids[6];
    for (int i = 0; i < 6; i++)
        pids[i] = test_fork(come_and_go, &crowd);
    for (int i = 0; i < 6; i++)
        CHECK_INT(test_wait(pids[i]), 0);
    CHECK(neap_heap_reap(heap) >= 0);
    CHECK_INT(permits_in(crowd.semaphore), 3);
    neap_semaphore_close(crowd.semaphore);
    end_heap(heap);
}


/* -- many at once, and no more than so many -------------------------------- */

TEST_EACH(many_permits_are_taken_at_once_or_not_at_all, kinds)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s = open_semaphore(heap, "slots", 5, kind_of(parameter));
    CHECK_STATUS(neap_semaphore_acquire_many(s, 3, NEAP_NOW), 0);
    CHECK_INT(permits_in(s), 2);
    CHECK_FAILS(neap_semaphore_acquire_many(s, 3, NEAP_NOW), -EBUSY,
                "no permit");
    CHECK_INT(permits_in(s), 2);
    CHECK_STATUS(neap_semaphore_release_many(s, 2), 0);
    CHECK_INT(permits_in(s), 4);
    if (kind_of(parameter) == NEAP_SEMAPHORE_UNDO)
        CHECK_FAILS(neap_semaphore_release_many(s, 2), -EPERM,
                    "holds 1 permit of");
    CHECK_STATUS(neap_semaphore_release(s), 0);
    CHECK_FAILS(neap_semaphore_acquire_many(s, 0, NEAP_NOW), -EINVAL,
                "0 permits");
    CHECK_FAILS(neap_semaphore_release_many(s, -1), -EINVAL, "-1 permits");
    CHECK_INT(permits_in(s), 5);
    neap_semaphore_close(s);
    end_heap(heap);
}


struct wanted {
    neap_semaphore *s;
    int64_t n;
};

static int take_many(void *argument)
{
    struct wanted *wanted = argument;
    CHECK_STATUS(neap_semaphore_acquire_many(wanted->s, wanted->n,
                                             NEAP_FOREVER), 0);
    return 0;
}


static pid_t fork_waiting(struct wanted *wanted)
{
    pid_t child = test_fork(take_many, wanted);
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    return child;
}


/* The one who wants three is woken first, and must not keep the wake. */
TEST_EACH(who_wants_few_is_not_held_up_by_who_wants_many, kinds)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s = open_semaphore(heap, "slots", 3, kind_of(parameter));
    CHECK_STATUS(neap_semaphore_acquire_many(s, 3, NEAP_NOW), 0);
    struct wanted many = {s, 3}, one = {s, 1};
    pid_t first = fork_waiting(&many), second = fork_waiting(&one);
    CHECK_STATUS(neap_semaphore_release(s), 0);
    CHECK_INT(test_wait(second), 0);
    CHECK_STATUS(neap_semaphore_release_many(s, 2), 0);
    if (kind_of(parameter) == NEAP_SEMAPHORE_CLASSIC)
        CHECK_STATUS(neap_semaphore_release(s), 0);
    CHECK_INT(test_wait(first), 0);
    neap_semaphore_close(s);
    end_heap(heap);
}


TEST_EACH(a_bound_is_never_exceeded, kinds)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *s, *other;
    neap_semaphore_kind kind = kind_of(parameter);
    CHECK_STATUS(neap_semaphore_open_bounded(heap, "slots", 2, 2, kind, &s),
                 NEAP_CREATED);
    CHECK_INT(neap_semaphore_bound(s), 2);
    CHECK_FAILS(neap_semaphore_release(s),
                kind == NEAP_SEMAPHORE_UNDO ? -EPERM : -EOVERFLOW, "'slots'");
    CHECK_FAILS(neap_semaphore_acquire_many(s, 3, NEAP_FOREVER), -EINVAL,
                "1 to 2");
    CHECK_STATUS(neap_semaphore_acquire(s, NEAP_NOW), 0);
    CHECK_STATUS(neap_semaphore_release(s), 0);
    CHECK_FAILS(neap_semaphore_open_bounded(heap, "slots", 2, 3, kind, &other),
                NEAP_ETYPE, "a bound of 2, not one of 3");
    CHECK_FAILS(neap_semaphore_open_bounded(heap, "few", 3, 2, kind, &other),
                -EINVAL, "0 to 2");
    CHECK_FAILS(neap_semaphore_open_bounded(heap, "few", 3, -2, kind, &other),
                -EINVAL, "-2");
    CHECK_STATUS(neap_semaphore_open(heap, "slots", 1, NEAP_SEMAPHORE_ANY,
                                     &other), 0);
    CHECK_INT(neap_semaphore_bound(other), 2);
    neap_semaphore_close(other);
    neap_semaphore_close(s);
    end_heap(heap);
}
