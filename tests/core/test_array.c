/* Tests of arrays: opening, rows, and what they outlive. */
#include "lib/arrays.h"

/* -- opening --------------------------------------------------------------- */

TEST_EACH(a_new_array_is_zero_aligned_and_remembered, types)
{
    neap_heap *heap = new_heap();
    neap_type type = neap_type_from_name(parameter);
    neap_array *array, *again;
    uint64_t shape[] = {7, 11};
    CHECK_STATUS(neap_array_open(heap, "grid", type, 2, shape, &array),
                 NEAP_CREATED);
    CHECK_STATUS(neap_array_open(heap, "grid", type, 2, shape, &again), 0);
    CHECK_INT(neap_array_type(again), type);
    CHECK_INT(neap_array_dimensions(again), 2);
    CHECK_INT(neap_array_length(again, 0), 7);
    CHECK_INT(neap_array_length(again, 1), 11);
    CHECK_INT(neap_array_length(again, 2), 0);
    CHECK_INT(neap_array_size(again), 77);
    CHECK(neap_array_writable(again));
    CHECK_STR(neap_array_name(again), "grid");
    CHECK(neap_array_data(again) == neap_array_data(array));
    CHECK_INT((uintptr_t)neap_array_data(array) % 64, 0);
    const char *bytes = neap_array_data(array);
    for (size_t i = 0; i < 77 * neap_type_size(type); i++)
        CHECK_INT(bytes[i], 0);
    neap_array_close(array);
    neap_array_close(again);
    neap_heap_close(heap);
}


TEST(what_the_opener_leaves_open_may_be_anything_that_is_there)
{
    neap_heap *heap = new_heap();
    neap_array *array, *other = NULL;
    uint64_t shape[] = {2, 3, 4};
    CHECK_STATUS(neap_array_open(heap, "a", NEAP_TYPE_U16, 3, shape, &array),
                 NEAP_CREATED);
    neap_array_close(array);
    CHECK_STATUS(neap_array_open(heap, "a", NEAP_TYPE_ANY, 0, NULL, &array), 0);
    CHECK_INT(neap_array_type(array), NEAP_TYPE_U16);
    CHECK_INT(neap_array_size(array), 24);
    neap_array_close(array);
    CHECK_STATUS(neap_array_open(heap, "a", NEAP_TYPE_U16, 0, NULL, &array), 0);
    CHECK_INT(neap_array_dimensions(array), 3);
    neap_array_close(array);
    CHECK_STATUS(neap_array_open(heap, "a", NEAP_TYPE_ANY, 3, shape, &array),
                 0);
    neap_array_close(array);
    CHECK_FAILS(neap_array_open(heap, "b", NEAP_TYPE_ANY, 3, shape, &other),
                -ENOENT, "'b'");
    CHECK_FAILS(neap_array_open(heap, "b", NEAP_TYPE_F64, 0, NULL, &other),
                -ENOENT, "'b'");
    CHECK(!other);
    neap_heap_close(heap);
}


TEST(an_array_of_another_type_or_shape_is_refused_with_what_is_there)
{
    neap_heap *heap = new_heap();
    neap_array *other = NULL;
    neap_counter *counter;
    uint64_t n = 10, m = 11, square[] = {10, 10};
    neap_array_close(new_array(heap, "a", NEAP_TYPE_F64, n));
    CHECK_FAILS(neap_array_open(heap, "a", NEAP_TYPE_I32, 1, &n, &other),
                NEAP_ETYPE, "an array of f64, 10, not an array of i32, 10");
    CHECK_FAILS(neap_array_open(heap, "a", NEAP_TYPE_F64, 1, &m, &other),
                NEAP_ETYPE, "not an array of f64, 11");
    CHECK_FAILS(neap_array_open(heap, "a", NEAP_TYPE_F64, 2, square, &other),
                NEAP_ETYPE, "10 x 10");
    CHECK_FAILS(neap_array_open(heap, "a", NEAP_TYPE_I8, 0, NULL, &other),
                NEAP_ETYPE, "an array of i8");
    CHECK_STATUS(neap_counter_open(heap, "c", &counter), NEAP_CREATED);
    CHECK_FAILS(neap_array_open(heap, "c", NEAP_TYPE_I8, 1, &n, &other),
                NEAP_ETYPE, "counter");
    CHECK(!other);
    neap_counter_close(counter);
    neap_heap_close(heap);
}


TEST(a_shape_that_cannot_be_is_refused)
{
    neap_heap *heap = new_heap();
    neap_array *array = NULL;
    uint64_t ones[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    uint64_t none[] = {4, 0, 4}, huge[] = {UINT64_MAX, 2};
    uint64_t wraps[] = {UINT64_C(1) << 32, UINT64_C(1) << 32};
    uint64_t tera = UINT64_C(1) << 39;
    CHECK_FAILS(neap_array_open(heap, "a", NEAP_TYPE_I8, 9, ones, &array),
                -EINVAL, "at most 8");
    CHECK_FAILS(neap_array_open(heap, "a", NEAP_TYPE_I8, 3, none, &array),
                -EINVAL, "each dimension must be 1 or more");
    CHECK_FAILS(neap_array_open(heap, "a", NEAP_TYPE_I8, 2, huge, &array),
                -EINVAL, "4 TiB");
    CHECK_FAILS(neap_array_open(heap, "a", NEAP_TYPE_I8, 2, wraps, &array),
                -EINVAL, "4 TiB");
    CHECK_FAILS(neap_array_open(heap, "a", NEAP_TYPE_F64, 1, &tera, &array),
                -EINVAL, "4 TiB");
    CHECK_FAILS(neap_array_open(heap, "a", NEAP_TYPE_I8, 1, NULL, &array),
                -EINVAL, "shape is missing");
    CHECK_FAILS(neap_array_open(heap, "a", (neap_type)99, 1, ones, &array),
                -EINVAL, "99");
    CHECK_FAILS(neap_array_open(heap, "", NEAP_TYPE_I8, 1, ones, &array),
                -EINVAL, "name");
    CHECK_FAILS(neap_array_open(heap, NULL, NEAP_TYPE_I8, 1, ones, &array),
                -EINVAL, "name");
    CHECK_STATUS(neap_array_open(NULL, "a", NEAP_TYPE_I8, 1, ones, &array),
                 NEAP_ECLOSED);
    CHECK(!array);
    CHECK_STATUS(neap_array_open(heap, "a", NEAP_TYPE_I8, 8, ones, &array),
                 NEAP_CREATED);
    neap_array_close(array);
    neap_heap_close(heap);
}


TEST(an_array_larger_than_the_heap_may_grow_is_refused_and_leaves_nothing)
{
    neap_heap_options options = {.reserve = UINT64_C(64) << 20};
    neap_heap *heap;
    neap_array *array = NULL;
    neap_object_info info;
    uint64_t much = UINT64_C(128) << 20, cursor = 0;
    CHECK_STATUS(neap_heap_open(NULL, &options, &heap), NEAP_CREATED);
    CHECK_STATUS(neap_array_open(heap, "a", NEAP_TYPE_U8, 1, &much, &array),
                 -ENOSPC);
    CHECK(!array);
    CHECK_STATUS(neap_heap_next(heap, &cursor, &info), 0);
    neap_heap_close(heap);
}


TEST(a_gigabyte_is_an_array_like_any_other)
{
    if (sysconf(_SC_AVPHYS_PAGES) < (INT64_C(3) << 30) / sysconf(_SC_PAGESIZE))
        test_skip("less than 3 GiB of free memory");
    neap_heap *heap = new_heap();
    uint64_t n = (UINT64_C(3) << 29) / sizeof(double);
    neap_array *array = new_array(heap, "big", NEAP_TYPE_F64, n);
    set(array, 0, F(1.5));
    set(array, n - 1, F(2.5));
    check_same(get(array, 0), F(1.5));
    check_same(get(array, n / 2), F(0));
    check_same(get(array, n - 1), F(2.5));
    neap_array_close(array);
    CHECK_STATUS(neap_heap_drop(heap, "big"), 0);
    neap_heap_info info;
    CHECK_STATUS(neap_heap_status(heap, &info), 0);
    CHECK(info.used < UINT64_C(1) << 20);
    neap_heap_close(heap);
}


TEST(memory_of_a_dropped_array_is_zero_when_it_comes_back)
{
    static const uint64_t lengths[] = {1,    63,   64,    65,
                                       1000, 5000, 70000, 300000};
    neap_heap *heap = new_heap();
    for (int round = 0; round < 40; round++) {
        uint64_t n = lengths[(round * 5) % 8];
        neap_array *array = new_array(heap, "a", NEAP_TYPE_U8, n);
        neap_value sum = {0};
        CHECK_STATUS(neap_array_sum(array, &sum), 0);
        CHECK_INT(sum.as.i, 0);
        CHECK_INT((uintptr_t)neap_array_data(array) % 64, 0);
        CHECK_STATUS(neap_array_fill(array, I(0xee)), 0);
        neap_array_close(array);
        CHECK_STATUS(neap_heap_drop(heap, "a"), 0);
    }
    neap_heap_close(heap);
}

/* -- rows ------------------------------------------------------------------ */

TEST(rows_of_rows_are_the_same_memory)
{
    neap_heap *heap = new_heap();
    neap_array *array, *plane, *row, *none = NULL;
    uint64_t shape[] = {3, 4, 5};
    CHECK_STATUS(neap_array_open(heap, "cube", NEAP_TYPE_I16, 3, shape, &array),
                 NEAP_CREATED);
    for (uint64_t i = 0; i < 60; i++)
        set(array, i, I((int64_t)i));
    CHECK_STATUS(neap_array_row(array, 2, &plane), 0);
    CHECK_INT(neap_array_dimensions(plane), 2);
    CHECK_INT(neap_array_length(plane, 0), 4);
    CHECK_INT(neap_array_length(plane, 1), 5);
    CHECK_INT(neap_array_length(plane, 2), 0);
    CHECK_INT(neap_array_size(plane), 20);
    check_same(get(plane, 0), I(40));
    CHECK_STATUS(neap_array_row(plane, 3, &row), 0);
    CHECK_INT(neap_array_dimensions(row), 1);
    check_same(get(row, 4), I(59));
    set(row, 4, I(-1));
    check_same(get(array, 59), I(-1));
    CHECK_STR(neap_array_name(row), "cube");
    CHECK_FAILS(neap_array_row(array, 3, &none), -ERANGE, "row 3 of array");
    CHECK_FAILS(neap_array_row(row, 0, &none), -EINVAL, "one dimension");
    CHECK_FAILS(neap_array_set(row, 5, I(0)), -ERANGE, "a row of array 'cube'");
    CHECK(!none);
    neap_array_close(array);
    neap_array_close(plane);
    neap_heap_close(heap);
    check_same(get(row, 4), I(-1)); /* it outlives what it came from */
    neap_array_close(row);
}


TEST(bulk_functions_on_a_row_stay_in_it)
{
    neap_heap *heap = new_heap();
    neap_array *array, *row;
    neap_value sum;
    uint64_t shape[] = {3, 100};
    CHECK_STATUS(neap_array_open(heap, "a", NEAP_TYPE_U8, 2, shape, &array),
                 NEAP_CREATED);
    CHECK_STATUS(neap_array_row(array, 1, &row), 0);
    CHECK_STATUS(neap_array_fill(row, I(2)), 0);
    CHECK_STATUS(neap_array_add_value(row, I(1)), 0);
    CHECK_STATUS(neap_array_sum(array, &sum), 0);
    CHECK_INT(sum.as.i, 300);
    check_same(get(array, 99), I(0));
    check_same(get(array, 100), I(3));
    check_same(get(array, 199), I(3));
    check_same(get(array, 200), I(0));
    neap_array_close(row);
    neap_array_close(array);
    neap_heap_close(heap);
}

/* -- what handles outlive -------------------------------------------------- */

TEST(an_array_outlives_the_handle_of_its_heap)
{
    neap_heap *heap = new_heap();
    neap_array *array = new_array(heap, "a", NEAP_TYPE_F32, 10);
    neap_heap_close(heap);
    set(array, 9, F(0.5));
    check_same(get(array, 9), F(0.5));
    CHECK(neap_array_retain(array) == array);
    neap_array_close(array);
    check_same(get(array, 9), F(0.5));
    neap_array_close(array);
    neap_array_close(NULL);
    CHECK(!neap_array_retain(NULL));
}


static int store_in_child(void *argument)
{
    return neap_array_set(argument, 3, I(42)) == 0 ? 0 : 1;
}


TEST(a_child_writes_to_its_parents_array)
{
    neap_heap *heap = new_heap();
    neap_array *array = new_array(heap, "a", NEAP_TYPE_I64, 10);
    CHECK_INT(test_wait(test_fork(store_in_child, array)), 0);
    check_same(get(array, 3), I(42));
    neap_array_close(array);
    neap_heap_close(heap);
}


/* Every call that a dropped or closed array must refuse. */
static void check_all_refuse(neap_array *array, neap_array *good, int status,
                             const char *words)
{
    neap_value value;
    CHECK_FAILS(neap_array_alive(array), status, words);
    CHECK_FAILS(neap_array_get(array, 0, &value), status, words);
    CHECK_FAILS(neap_array_set(array, 0, I(1)), status, words);
    CHECK_FAILS(neap_array_fetch_add(array, 0, I(1), &value), status, words);
    CHECK_FAILS(neap_array_fill(array, I(1)), status, words);
    CHECK_FAILS(neap_array_copy(array, good), status, words);
    CHECK_FAILS(neap_array_copy(good, array), status, words);
    CHECK_FAILS(neap_array_sum(array, &value), status, words);
    CHECK_FAILS(neap_array_mean(array, &value), status, words);
    CHECK_FAILS(neap_array_min(array, &value), status, words);
    CHECK_FAILS(neap_array_max(array, &value), status, words);
    CHECK_FAILS(neap_array_dot(array, good, &value), status, words);
    CHECK_FAILS(neap_array_dot(good, array, &value), status, words);
    CHECK_FAILS(neap_array_add(array, good), status, words);
    CHECK_FAILS(neap_array_add(good, array), status, words);
    CHECK_FAILS(neap_array_add_value(array, I(1)), status, words);
    CHECK_FAILS(neap_array_scale(array, I(1)), status, words);
}


TEST(a_dropped_array_refuses_everything_and_so_do_its_rows)
{
    neap_heap *heap = new_heap();
    neap_array *array, *row, *again, *good;
    uint64_t shape[] = {4, 8}, eight = 8;
    CHECK_STATUS(neap_array_open(heap, "a", NEAP_TYPE_I32, 2, shape, &array),
                 NEAP_CREATED);
    CHECK_STATUS(neap_array_row(array, 1, &row), 0);
    good = new_array(heap, "good", NEAP_TYPE_I32, 32);
    CHECK_STATUS(neap_array_alive(array), 0);
    CHECK_STATUS(neap_heap_drop(heap, "a"), 0);
    check_all_refuse(array, good, -EIDRM, "array 'a': it was dropped");
    check_all_refuse(row, good, -EIDRM, "a row of array 'a': it was dropped");
    /* Nor does it come back with another of its name. */
    again = new_array(heap, "a", NEAP_TYPE_I32, eight);
    check_all_refuse(array, good, -EIDRM, "open it again");
    set(again, 0, I(5));
    check_same(get(again, 0), I(5));
    neap_array_close(again);
    neap_array_close(good);
    neap_array_close(row);
    neap_array_close(array);
    neap_heap_close(heap);
}


TEST(a_closed_array_refuses_everything)
{
    neap_heap *heap = new_heap();
    neap_array *good = new_array(heap, "good", NEAP_TYPE_I32, 32), *row;
    check_all_refuse(NULL, good, NEAP_ECLOSED, "closed");
    CHECK_STATUS(neap_array_row(NULL, 0, &row), NEAP_ECLOSED);
    CHECK(!neap_array_data(NULL) && !neap_array_writable(NULL));
    CHECK_INT(neap_array_size(NULL) + neap_array_dimensions(NULL), 0);
    CHECK_STR(neap_array_name(NULL), "");
    neap_array_close(good);
    neap_heap_close(heap);
}


TEST(an_array_of_a_read_only_heap_can_be_read_and_not_written)
{
    const char *name = test_name("sky");
    neap_heap_options reading = {.flags = NEAP_OPEN_READ_ONLY};
    neap_heap *heap, *reader;
    neap_array *array, *other = NULL;
    neap_value value;
    uint64_t n = 10;
    CHECK_STATUS(neap_heap_open(name, NULL, &heap), NEAP_CREATED);
    array = new_array(heap, "a", NEAP_TYPE_I32, n);
    set(array, 3, I(33));
    neap_array_close(array);
    CHECK_STATUS(neap_heap_open(name, &reading, &reader), 0);
    CHECK_STATUS(neap_array_open(reader, "b", NEAP_TYPE_I32, 1, &n, &other),
                 -ENOENT);
    CHECK_STATUS(neap_array_open(reader, "a", NEAP_TYPE_I32, 1, &n, &array), 0);
    CHECK(!neap_array_writable(array));
    check_same(get(array, 3), I(33));
    CHECK_STATUS(neap_array_sum(array, &value), 0);
    CHECK_INT(value.as.i, 33);
    CHECK_FAILS(neap_array_set(array, 3, I(1)), -EACCES, "for reading only");
    CHECK_STATUS(neap_array_fetch_add(array, 3, I(1), &value), -EACCES);
    CHECK_STATUS(neap_array_fill(array, I(1)), -EACCES);
    CHECK_STATUS(neap_array_copy(array, array), -EACCES);
    CHECK_STATUS(neap_array_add(array, array), -EACCES);
    CHECK_STATUS(neap_array_add_value(array, I(1)), -EACCES);
    CHECK_STATUS(neap_array_scale(array, I(1)), -EACCES);
    CHECK_STATUS(neap_heap_drop(heap, "a"), 0); /* by another than the reader */
    CHECK_STATUS(neap_array_get(array, 3, &value), -EIDRM);
    CHECK_STATUS(neap_heap_unlink(heap), 0);
    neap_array_close(array);
    neap_heap_close(reader);
    neap_heap_close(heap);
}
