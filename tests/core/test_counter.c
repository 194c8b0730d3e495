/* Counters of all kinds. */
#include <math.h>
#include <sys/wait.h>

#include "core/heaps.h"

static const char *const integers[] = {"plain", "striped", NULL};


static neap_counter *open_kind(neap_heap *heap, const char *kind)
{
    neap_counter *counter;
    CHECK_STATUS(neap_counter_open_as(heap, "hits",
                                      strcmp(kind, "striped") == 0
                                          ? NEAP_COUNTER_STRIPED
                                          : NEAP_COUNTER_PLAIN, &counter),
                 NEAP_CREATED);
    return counter;
}


static neap_counter *open_double(neap_heap *heap)
{
    neap_counter *counter;
    CHECK_STATUS(neap_counter_open_as(heap, "real", NEAP_COUNTER_DOUBLE,
                                      &counter), NEAP_CREATED);
    return counter;
}


/* -- integers -------------------------------------------------------------- */

TEST_EACH(counter_starts_at_zero_and_adds_what_it_is_told, integers)
{
    neap_heap *heap = make_heap(NULL);
    neap_counter *counter = open_kind(heap, parameter);
    int64_t value;
    CHECK_STR(neap_counter_name(counter), "hits");
    CHECK_INT(count_in(counter), 0);
    CHECK_STATUS(neap_counter_add(counter, 5), 0);
    CHECK_STATUS(neap_counter_add(counter, -7), 0);
    CHECK_INT(count_in(counter), -2);
    CHECK_STATUS(neap_counter_add_get(counter, 12, &value), 0);
    CHECK_INT(value, 10);
    CHECK_STATUS(neap_counter_set(counter, -100), 0);
    CHECK_INT(count_in(counter), -100);
    neap_counter_close(counter);
    end_heap(heap);
}


TEST_EACH(integers_wrap_around, integers)
{
    neap_heap *heap = make_heap(NULL);
    neap_counter *counter = open_kind(heap, parameter);
    int64_t value;
    CHECK_STATUS(neap_counter_set(counter, INT64_MAX), 0);
    CHECK_STATUS(neap_counter_add_get(counter, 1, &value), 0);
    CHECK(value == INT64_MIN);
    CHECK_STATUS(neap_counter_add(counter, INT64_MIN), 0);
    CHECK_INT(count_in(counter), 0);
    neap_counter_close(counter);
    end_heap(heap);
}


TEST(plain_counters_exchange_compare_and_limit)
{
    neap_heap *heap = make_heap(NULL);
    neap_counter *counter = open_kind(heap, "plain");
    int64_t old, expected = 8, value;
    CHECK_STATUS(neap_counter_exchange(counter, 7, &old), 0);
    CHECK_INT(old, 0);
    CHECK_STATUS(neap_counter_compare_exchange(counter, &expected, 9), 0);
    CHECK_INT(expected, 7); /* it was not 8 */
    CHECK_STATUS(neap_counter_compare_exchange(counter, &expected, 9), 0);
    CHECK_INT(expected, 7);
    CHECK_INT(count_in(counter), 9);
    CHECK_STATUS(neap_counter_max(counter, 5, &value), 0);
    CHECK_INT(value, 9);
    CHECK_STATUS(neap_counter_max(counter, 11, &value), 0);
    CHECK_INT(value, 11);
    CHECK_STATUS(neap_counter_min(counter, 12, &value), 0);
    CHECK_INT(value, 11);
    CHECK_STATUS(neap_counter_min(counter, INT64_MIN, &value), 0);
    CHECK(value == INT64_MIN && count_in(counter) == INT64_MIN);
    neap_counter_close(counter);
    end_heap(heap);
}


TEST(striped_counters_refuse_what_needs_one_value)
{
    neap_heap *heap = make_heap(NULL);
    neap_counter *counter = open_kind(heap, "striped");
    int64_t value = 1;
    CHECK_FAILS(neap_counter_exchange(counter, 1, &value), -ENOTSUP, "striped");
    CHECK_FAILS(neap_counter_compare_exchange(counter, &value, 1), -ENOTSUP,
                "striped");
    CHECK_FAILS(neap_counter_max(counter, 1, &value), -ENOTSUP, "striped");
    CHECK_FAILS(neap_counter_min(counter, 1, &value), -ENOTSUP, "striped");
    CHECK_INT(value, 1);
    CHECK_INT(count_in(counter), 0);
    neap_counter_close(counter);
    end_heap(heap);
}


/* -- doubles --------------------------------------------------------------- */

static double real_in(neap_counter *counter)
{
    double value;
    CHECK_STATUS(neap_counter_get_double(counter, &value), 0);
    return value;
}


TEST(double_counters_do_all_of_it_in_floating_point)
{
    neap_heap *heap = make_heap(NULL);
    neap_counter *counter = open_double(heap);
    double value, expected = 1.0;
    CHECK(real_in(counter) == 0.0);
    CHECK_STATUS(neap_counter_add_double(counter, 0.5, &value), 0);
    CHECK(value == 0.5);
    CHECK_STATUS(neap_counter_exchange_double(counter, 2.25, &value), 0);
    CHECK(value == 0.5 && real_in(counter) == 2.25);
    CHECK_STATUS(neap_counter_compare_exchange_double(counter, &expected, 3.0),
                 0);
    CHECK(expected == 2.25 && real_in(counter) == 2.25);
    CHECK_STATUS(neap_counter_compare_exchange_double(counter, &expected, 3.0),
                 0);
    CHECK(real_in(counter) == 3.0);
    CHECK_STATUS(neap_counter_max_double(counter, 4.5, &value), 0);
    CHECK(value == 4.5);
    CHECK_STATUS(neap_counter_min_double(counter, -INFINITY, &value), 0);
    CHECK(value == -INFINITY);
    CHECK_STATUS(neap_counter_set_double(counter, 1e300), 0);
    CHECK(real_in(counter) == 1e300);
    neap_counter_close(counter);
    end_heap(heap);
}


TEST(a_nan_gives_way_to_any_number_and_spoils_every_sum)
{
    neap_heap *heap = make_heap(NULL);
    neap_counter *counter = open_double(heap);
    double value;
    CHECK_STATUS(neap_counter_max_double(counter, NAN, &value), 0);
    CHECK(value == 0.0);
    CHECK_STATUS(neap_counter_min_double(counter, NAN, &value), 0);
    CHECK(value == 0.0);
    CHECK_STATUS(neap_counter_add_double(counter, NAN, &value), 0);
    CHECK(isnan(value) && isnan(real_in(counter)));
    CHECK_STATUS(neap_counter_add_double(counter, 1, &value), 0);
    CHECK(isnan(value));
    CHECK_STATUS(neap_counter_max_double(counter, -3.0, &value), 0);
    CHECK(value == -3.0 && real_in(counter) == -3.0);
    neap_counter_close(counter);
    end_heap(heap);
}


/* -- kinds ----------------------------------------------------------------- */

TEST(functions_for_the_other_kind_of_number_are_refused)
{
    neap_heap *heap = make_heap(NULL);
    neap_counter *real = open_double(heap), *hits = open_kind(heap, "plain");
    int64_t i;
    double d;
    CHECK_FAILS(neap_counter_add(real, 1), NEAP_ETYPE, "'real' counts doubles");
    CHECK_FAILS(neap_counter_get(real, &i), NEAP_ETYPE, "doubles");
    CHECK_FAILS(neap_counter_set(real, 1), NEAP_ETYPE, "doubles");
    CHECK_FAILS(neap_counter_add_get(real, 1, &i), NEAP_ETYPE, "doubles");
    CHECK_FAILS(neap_counter_exchange(real, 1, &i), NEAP_ETYPE, "doubles");
    CHECK_FAILS(neap_counter_add_double(hits, 1, &d), NEAP_ETYPE,
                "'hits' counts integers");
    CHECK_FAILS(neap_counter_get_double(hits, &d), NEAP_ETYPE, "integers");
    CHECK_FAILS(neap_counter_set_double(hits, 1), NEAP_ETYPE, "integers");
    CHECK_FAILS(neap_counter_min_double(hits, 1, &d), NEAP_ETYPE, "integers");
    CHECK(count_in(hits) == 0 && real_in(real) == 0);
    neap_counter_close(real);
    neap_counter_close(hits);
    end_heap(heap);
}


TEST(opening_as_another_kind_says_what_is_there)
{
    neap_heap *heap = make_heap(NULL);
    neap_counter *striped = open_kind(heap, "striped"), *other = NULL;
    CHECK_FAILS(neap_counter_open_as(heap, "hits", NEAP_COUNTER_PLAIN, &other),
                NEAP_ETYPE, "a striped counter, not a plain counter");
    CHECK_FAILS(neap_counter_open_as(heap, "x", (neap_counter_kind)4, &other),
                -EINVAL, "kind 4");
    CHECK(other == NULL);
    CHECK_STATUS(neap_counter_open(heap, "hits", &other), 0);
    CHECK_INT(neap_counter_kind_of(other), NEAP_COUNTER_STRIPED);
    neap_counter_close(other);
    neap_counter_close(striped);
    end_heap(heap);
}


TEST(a_dropped_counter_says_so_to_every_call)
{
    neap_heap *heap = make_heap(NULL);
    neap_counter *hits = open_kind(heap, "plain"), *real = open_double(heap);
    int64_t i = 0;
    double d;
    CHECK_STATUS(neap_heap_drop(heap, "hits"), 0);
    CHECK_STATUS(neap_heap_drop(heap, "real"), 0);
    neap_counter *next = open_counter(heap, "hits");
    CHECK_FAILS(neap_counter_add(hits, 1), -EIDRM, "'hits' was dropped");
    CHECK_FAILS(neap_counter_add_get(hits, 1, &i), -EIDRM, "dropped");
    CHECK_FAILS(neap_counter_get(hits, &i), -EIDRM, "dropped");
    CHECK_FAILS(neap_counter_set(hits, 1), -EIDRM, "dropped");
    CHECK_FAILS(neap_counter_max(hits, 1, &i), -EIDRM, "dropped");
    CHECK_FAILS(neap_counter_add_double(real, 1, &d), -EIDRM, "dropped");
    CHECK_INT(count_in(next), 0);
    neap_counter_close(next);
    neap_counter_close(hits);
    neap_counter_close(real);
    end_heap(heap);
}


/* -- many at once ---------------------------------------------------------- */

#define ADDS 20000

static int add_many(void *argument)
{
    for (int i = 0; i < ADDS; i++)
        CHECK_STATUS(neap_counter_add(argument, 1), 0);
    return 0;
}


static void *add_many_in_thread(void *argument)
{
    add_many(argument);
    return NULL;
}


TEST_EACH(nothing_is_lost_between_threads_and_processes, integers)
{
    neap_heap *heap = make_heap(NULL);
    neap_counter *counter = open_kind(heap, parameter);
    pthread_t threads[3];
    pid_t pids[3];
    for (int i = 0; i < 3; i++)
        pids[i] = test_fork(add_many, counter);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, add_many_in_thread, counter);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(test_wait(pids[i]), 0);
    }
    CHECK_INT(count_in(counter), 6 * ADDS);
    CHECK(neap_heap_reap(heap) >= 0);
    CHECK_INT(count_in(counter), 6 * ADDS);
    neap_counter_close(counter);
    end_heap(heap);
}


TEST(doubles_are_added_without_loss)
{
    neap_heap *heap = make_heap(NULL);
    neap_counter *counter = open_double(heap);
    for (int i = 0; i < 4; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            double value;
            for (int k = 0; k < ADDS; k++)
                CHECK_STATUS(neap_counter_add_double(counter, 0.25, &value), 0);
            _exit(0);
        }
    }
    int status;
    while (wait(&status) > 0)
        CHECK_INT(status, 0);
    CHECK(real_in(counter) == ADDS);
    neap_counter_close(counter);
    end_heap(heap);
}


TEST(what_the_killed_have_counted_stays_counted)
{
    neap_heap *heap = make_heap(NULL);
    neap_counter *counter = open_kind(heap, "striped");
    for (int i = 1; i <= 5; i++) {
        test_kill(fork_lingering(add_many, counter));
        CHECK_INT(count_in(counter), i * ADDS);
    }
    /* Each took the slot of the one before, which is how that was reaped. */
    CHECK(neap_heap_reap(heap) >= 0);
    CHECK_INT(status_of(heap).deaths, 5);
    CHECK_INT(count_in(counter), 5 * ADDS);
    neap_counter_close(counter);
    end_heap(heap);
}


static void *add_and_end(void *argument)
{
    CHECK_STATUS(neap_counter_add(argument, 3), 0);
    return NULL;
}


TEST(what_ended_threads_have_counted_stays_counted)
{
    neap_heap *heap = make_heap(NULL);
    neap_counter *counter = open_kind(heap, "striped");
    for (int i = 0; i < 100; i++)
        in_thread(add_and_end, counter);
    CHECK_INT(count_in(counter), 300);
    CHECK_INT(status_of(heap).attached, 1);
    neap_counter_close(counter);
    end_heap(heap);
}


TEST(a_thread_may_count_on_more_striped_counters_than_its_slot_has_room_for)
{
    enum { MANY = 100 };
    neap_heap *heap = make_heap(NULL);
    neap_counter *counters[MANY];
    char name[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "c-%d", i);
        CHECK_STATUS(neap_counter_open_as(heap, name, NEAP_COUNTER_STRIPED,
                                          &counters[i]), NEAP_CREATED);
    }
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < MANY; i++)
            CHECK_STATUS(neap_counter_add(counters[i], i + 1), 0);
    for (int i = 0; i < MANY; i++) {
        CHECK_INT(count_in(counters[i]), 3 * (i + 1));
        CHECK_STATUS(neap_counter_set(counters[i], i), 0);
        CHECK_INT(count_in(counters[i]), i);
        neap_counter_close(counters[i]);
    }
    end_heap(heap);
}


TEST(places_for_shares_are_used_again_when_their_counters_are_dropped)
{
    neap_heap *heap = make_heap(NULL);
    for (int i = 0; i < 200; i++) {
        neap_counter *counter = open_kind(heap, "striped");
        CHECK_STATUS(neap_counter_add(counter, 1), 0);
        CHECK_INT(count_in(counter), 1);
        CHECK_STATUS(neap_heap_drop(heap, "hits"), 0);
        neap_counter_close(counter);
    }
    end_heap(heap);
}


static int read_again_and_again(void *argument)
{
    int64_t last = 0;
    do {
        int64_t value = count_in(argument);
        CHECK(value >= last);
        last = value;
    } while (last < 4 * ADDS);
    return 0;
}


TEST(a_reader_of_a_striped_counter_never_sees_it_fall)
{
    neap_heap *heap = make_heap(NULL);
    neap_counter *counter = open_kind(heap, "striped");
    pid_t reader = test_fork(read_again_and_again, counter), pids[4];
    for (int i = 0; i < 4; i++)
        pids[i] = test_fork(add_many, counter);
    for (int i = 0; i < 4; i++)
        CHECK_INT(test_wait(pids[i]), 0);
    CHECK_INT(test_wait(reader), 0);
    neap_counter_close(counter);
    end_heap(heap);
}
