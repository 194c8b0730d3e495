/* Tests of single elements of arrays: get, set, atomic addition. */
#include <math.h>
#include <pthread.h>

#include "lib/arrays.h"

/* -- one element ----------------------------------------------------------- */

static void check_round_trip(neap_array *array, uint64_t index,
                             neap_value value)
{
    set(array, index, value);
    check_same(get(array, index), value);
    set(array, index, I(0));
}


/* The edges of each type. */
TEST(an_element_holds_what_its_type_holds)
{
    static const struct {
        neap_type type;
        neap_value least, most;
    } edges[] = {
        {NEAP_TYPE_BOOL, {'i', {0}}, {'i', {1}}},
        {NEAP_TYPE_I8, {'i', {INT8_MIN}}, {'i', {INT8_MAX}}},
        {NEAP_TYPE_I16, {'i', {INT16_MIN}}, {'i', {INT16_MAX}}},
        {NEAP_TYPE_I32, {'i', {INT32_MIN}}, {'i', {INT32_MAX}}},
        {NEAP_TYPE_I64, {'i', {INT64_MIN}}, {'i', {INT64_MAX}}},
        {NEAP_TYPE_U8, {'i', {0}}, {'i', {UINT8_MAX}}},
        {NEAP_TYPE_U16, {'i', {0}}, {'i', {UINT16_MAX}}},
        {NEAP_TYPE_U32, {'i', {0}}, {'i', {UINT32_MAX}}},
        {NEAP_TYPE_U64, {'u', {0}}, {'u', {.u = UINT64_MAX}}},
        {NEAP_TYPE_F32, {'f', {.f = -0.0}}, {'f', {.f = 0x1.fffffep127}}},
        {NEAP_TYPE_F64, {'f', {.f = 5e-324}}, {'f', {.f = 1.7e308}}},
        {NEAP_TYPE_C64, {'c', {.c = {-1.5, 2}}}, {'c', {.c = {0x1p100, -1}}}},
        {NEAP_TYPE_C128, {'c', {.c = {-1.5, 2}}}, {'c', {.c = {1e300, -1}}}},
    };
    neap_heap *heap = new_heap();
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        const char *name = neap_type_name(edges[i].type);
        neap_array *array = new_array(heap, name, edges[i].type, 5);
        for (uint64_t k = 0; k < 5; k++) {
            check_round_trip(array, k, edges[i].least);
            check_round_trip(array, k, edges[i].most);
        }
        /* The neighbours are left alone. */
        set(array, 2, edges[i].most);
        for (uint64_t k = 0; k < 5; k++)
            if (k != 2)
                CHECK_INT(get(array, k).as.i, 0);
        neap_array_close(array);
    }
    neap_heap_close(heap);
}


TEST(a_value_that_does_not_fit_is_refused_and_nothing_is_stored)
{
    neap_heap *heap = new_heap();
    neap_array *bytes = new_array(heap, "bytes", NEAP_TYPE_U8, 3);
    neap_array *reals = new_array(heap, "reals", NEAP_TYPE_F64, 3);
    set(bytes, 1, I(7));
    CHECK_FAILS(neap_array_set(bytes, 1, I(256)), -EINVAL,
                "element 1 (from 0) of array 'bytes'");
    CHECK_FAILS(neap_array_set(bytes, 1, I(-1)), -EINVAL, "from 0 to 255");
    CHECK_FAILS(neap_array_set(bytes, 1, F(1.5)), -EINVAL, "1.5");
    CHECK_FAILS(neap_array_set(bytes, 1, F(NAN)), -EINVAL, "nan");
    CHECK_FAILS(neap_array_set(reals, 1, C(1, 2)), -EINVAL, "1+2i");
    check_same(get(bytes, 1), I(7));
    neap_array_close(bytes);
    neap_array_close(reals);
    neap_heap_close(heap);
}


TEST(an_index_past_the_end_is_refused)
{
    neap_heap *heap = new_heap();
    neap_array *array = new_array(heap, "a", NEAP_TYPE_I32, 10);
    neap_value value;
    CHECK_FAILS(neap_array_get(array, 10, &value), -ERANGE,
                "element 10 of array 'a': it has 10");
    CHECK_STATUS(neap_array_set(array, 10, I(0)), -ERANGE);
    CHECK_STATUS(neap_array_set(array, UINT64_MAX, I(0)), -ERANGE);
    CHECK_STATUS(neap_array_fetch_add(array, 10, I(0), &value), -ERANGE);
    neap_array_close(array);
    neap_heap_close(heap);
}

/* -- atomic addition ------------------------------------------------------- */

TEST(fetch_add_tells_what_was_there_and_wraps)
{
    static const struct {
        neap_type type;
        int64_t from, add, to;
    } cases[] = {
        {NEAP_TYPE_I8, 127, 1, -128},
        {NEAP_TYPE_I16, -32768, -1, 32767},
        {NEAP_TYPE_I32, INT32_MAX, 2, INT32_MIN + 1},
        {NEAP_TYPE_I64, INT64_MAX, 1, INT64_MIN},
        {NEAP_TYPE_U8, 0, -1, 255},
        {NEAP_TYPE_U16, 65535, 65535, 65534},
        {NEAP_TYPE_U32, 1, -2, UINT32_MAX},
        {NEAP_TYPE_U64, 5, -6, -1}, /* compared bit for bit */
    };
    neap_heap *heap = new_heap();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *name = neap_type_name(cases[i].type);
        neap_array *array = new_array(heap, name, cases[i].type, 3);
        neap_value old;
        set(array, 1, I(cases[i].from));
        CHECK_STATUS(neap_array_fetch_add(array, 1, I(cases[i].add), &old), 0);
        CHECK_INT(old.as.i, cases[i].from);
        CHECK_INT(get(array, 1).as.i, cases[i].to);
        CHECK_INT(get(array, 0).as.i, 0);
        CHECK_INT(get(array, 2).as.i, 0);
        neap_array_close(array);
    }
    neap_heap_close(heap);
}


TEST(fetch_add_takes_reals_and_refuses_what_it_cannot_add)
{
    neap_heap *heap = new_heap();
    neap_array *f32 = new_array(heap, "f32", NEAP_TYPE_F32, 2);
    neap_array *f64 = new_array(heap, "f64", NEAP_TYPE_F64, 2);
    neap_array *u8 = new_array(heap, "u8", NEAP_TYPE_U8, 2);
    neap_array *bools = new_array(heap, "bools", NEAP_TYPE_BOOL, 2);
    neap_array *c64 = new_array(heap, "c64", NEAP_TYPE_C64, 2);
    neap_value old;
    CHECK_STATUS(neap_array_fetch_add(f32, 1, F(1.5), &old), 0);
    CHECK_STATUS(neap_array_fetch_add(f32, 1, I(2), &old), 0);
    check_same(old, F(1.5));
    check_same(get(f32, 1), F(3.5));
    CHECK_STATUS(neap_array_fetch_add(f64, 1, F(0.1), &old), 0);
    check_same(old, F(0));
    check_same(get(f64, 1), F(0.1));
    CHECK_FAILS(neap_array_fetch_add(u8, 0, I(256), &old), -EINVAL, "'u8'");
    CHECK_STATUS(neap_array_fetch_add(u8, 0, I(-256), &old), -EINVAL);
    CHECK_STATUS(neap_array_fetch_add(u8, 0, F(0.5), &old), -EINVAL);
    CHECK_STATUS(neap_array_fetch_add(f64, 0, C(1, 1), &old), -EINVAL);
    CHECK_FAILS(neap_array_fetch_add(bools, 0, I(1), &old), -ENOTSUP,
                "these are bool");
    CHECK_STATUS(neap_array_fetch_add(c64, 0, I(1), &old), -ENOTSUP);
    check_same(get(u8, 0), I(0));
    neap_array_close(f32);
    neap_array_close(f64);
    neap_array_close(u8);
    neap_array_close(bools);
    neap_array_close(c64);
    neap_heap_close(heap);
}


enum { ADDERS = 4, ADDS = 20000 };

static int add_many(void *argument)
{
    neap_value old;
    for (int i = 0; i < ADDS; i++)
        if (neap_array_fetch_add(argument, (uint64_t)i % 2, I(1), &old) < 0)
            return 1;
    return 0;
}


TEST_EACH(fetch_add_loses_nothing_between_processes, types)
{
    neap_heap *heap = new_heap();
    neap_type type = neap_type_from_name(parameter);
    neap_array *array = new_array(heap, "a", type, 2);
    bool adds = type != NEAP_TYPE_BOOL && type < NEAP_TYPE_C64;
    pid_t pids[ADDERS];
    for (int i = 0; i < ADDERS; i++)
        pids[i] = test_fork(add_many, array);
    for (int i = 0; i < ADDERS; i++)
        CHECK_INT(test_wait(pids[i]), adds ? 0 : 1);
    neap_value value = get(array, 1);
    uint64_t bits = neap_type_size(type) * 8;
    uint64_t total = ADDERS * ADDS / 2; /* in each of the two elements */
    if (type == NEAP_TYPE_F32 || type == NEAP_TYPE_F64)
        CHECK(value.as.f == (double)total);
    else if (adds)
        CHECK_INT(value.as.u << (64 - bits), total << (64 - bits));
    neap_array_close(array);
    neap_heap_close(heap);
}


static void *add_and_read(void *argument)
{
    neap_value value;
    int64_t last = 0;
    for (int i = 0; i < ADDS; i++) {
        CHECK_STATUS(neap_array_fetch_add(argument, 0, I(1), &value), 0);
        CHECK_STATUS(neap_array_get(argument, 0, &value), 0);
        CHECK(value.as.i > last); /* what others add never goes back */
        last = value.as.i;
        CHECK_STATUS(neap_array_set(argument, 1, I(i)), 0);
    }
    return NULL;
}


TEST(threads_of_one_process_share_a_handle)
{
    neap_heap *heap = new_heap();
    neap_array *array = new_array(heap, "a", NEAP_TYPE_I64, 2);
    pthread_t threads[ADDERS];
    for (int i = 0; i < ADDERS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, add_and_read, array), 0);
    for (int i = 0; i < ADDERS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    check_same(get(array, 0), I(ADDERS * ADDS));
    check_same(get(array, 1), I(ADDS - 1));
    neap_array_close(array);
    neap_heap_close(heap);
}
