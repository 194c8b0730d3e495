/* Tests of copying between arrays of all types. */
#include <math.h>

#include "lib/arrays.h"


/* 0 and 1 fit every type: all pairs of types. */
TEST_EACH(copy_converts_to_every_type, types)
{
    neap_heap *heap = new_heap();
    neap_type type = neap_type_from_name(parameter);
    neap_array *from = some_array(heap, type, 1000);
    for (uint64_t i = 0; i < 1000; i++)
        set(from, i, I(i % 3 == 1));
    for (const char *const *other = types; *other; other++) {
        neap_type to = neap_type_from_name(*other);
        neap_array *array = some_array(heap, to, 1000);
        CHECK_STATUS(neap_array_fill(array, I(1)), 0);
        CHECK_STATUS(neap_array_copy(array, from), 0);
        for (uint64_t i = 0; i < 1000; i++)
            check_same(get(array, i), small(to, i % 3 == 1));
        neap_array_close(array);
    }
    neap_array_close(from);
    neap_heap_close(heap);
}

/* -- copies that change a number, or cannot be ----------------------------- */

static const struct {
    const char *from, *to;
    neap_value value, becomes; /* kind 0: it does not fit */
} conversions[] = {
    {"i32", "i8", {'i', {-128}}, {'i', {-128}}},
    {"i32", "i8", {'i', {128}}, {0}},
    {"i32", "u8", {'i', {255}}, {'i', {255}}},
    {"i32", "u8", {'i', {-1}}, {0}},
    {"i32", "bool", {'i', {2}}, {0}},
    {"i64", "u64", {'i', {INT64_MAX}}, {'u', {.u = INT64_MAX}}},
    {"i64", "u64", {'i', {-1}}, {0}},
    {"u64", "i64", {'u', {.u = UINT64_MAX}}, {0}},
    {"u64", "u32", {'u', {.u = UINT32_MAX}}, {'i', {UINT32_MAX}}},
    {"u64", "f64", {'u', {.u = UINT64_MAX}}, {'f', {.f = 0x1p64}}},
    {"u64", "c128", {'u', {.u = 7}}, {'c', {.c = {7, 0}}}},
    {"i64", "f64", {'i', {INT64_MIN}}, {'f', {.f = -0x1p63}}},
    {"f64", "i32", {'f', {.f = 2.9}}, {'i', {2}}},
    {"f64", "i32", {'f', {.f = -2.9}}, {'i', {-2}}},
    {"f64", "u8", {'f', {.f = -0.9}}, {'i', {0}}},
    {"f64", "u8", {'f', {.f = 255.9}}, {'i', {255}}},
    {"f64", "u8", {'f', {.f = 256}}, {0}},
    {"f64", "i64", {'f', {.f = 0x1p63}}, {0}},
    {"f64", "i64", {'f', {.f = -0x1p63}}, {'i', {INT64_MIN}}},
    {"f64", "u64", {'f', {.f = 0x1p64}}, {0}},
    {"f64", "u64", {'f', {.f = 0x1p63}}, {'u', {.u = UINT64_C(1) << 63}}},
    {"f64", "u64", {'f', {.f = -1}}, {0}},
    {"f64", "i32", {'f', {.f = (double)NAN}}, {0}},
    {"f64", "u64", {'f', {.f = (double)INFINITY}}, {0}},
    {"f64", "f32", {'f', {.f = 0.1}}, {'f', {.f = (double)0.1f}}},
    {"f32", "c128", {'f', {.f = 0.5}}, {'c', {.c = {0.5, 0}}}},
    {"c128", "c64", {'c', {.c = {0.1, 2}}}, {'c', {.c = {(double)0.1f, 2}}}},
    {"c64", "f64", {'c', {.c = {3.5, 0}}}, {'f', {.f = 3.5}}},
    {"c64", "f64", {'c', {.c = {3.5, 1}}}, {0}},
    {"c64", "i16", {'c', {.c = {-3.5, 0}}}, {'i', {-3}}},
    {"c128", "u64", {'c', {.c = {-3.5, 0}}}, {0}},
};


/* One such number in the last place of many good ones: nothing is written. */
TEST(copy_truncates_rounds_or_refuses_as_a_whole)
{
    enum { N = 700 };
    neap_heap *heap = new_heap();
    for (size_t k = 0; k < sizeof conversions / sizeof conversions[0]; k++) {
        neap_type from_type = neap_type_from_name(conversions[k].from);
        neap_type type = neap_type_from_name(conversions[k].to);
        neap_array *from = some_array(heap, from_type, N);
        neap_array *array = some_array(heap, type, N);
        CHECK_STATUS(neap_array_fill(from, I(1)), 0);
        set(from, N - 1, conversions[k].value);
        if (conversions[k].becomes.kind) {
            CHECK_STATUS(neap_array_copy(array, from), 0);
            check_same(get(array, N - 1), conversions[k].becomes);
            CHECK(get(array, 0).as.u != 0);
        } else {
            CHECK_FAILS(neap_array_copy(array, from), -EINVAL,
                        "element 699 (from 0)");
            for (uint64_t i = 0; i < N; i++)
                check_same(get(array, i), small(type, 0));
        }
        neap_array_close(from);
        neap_array_close(array);
    }
    neap_heap_close(heap);
}


/* Both kinds of misfit in one block: the first is the one that is named. */
TEST(copy_names_the_first_number_that_does_not_fit)
{
    neap_heap *heap = new_heap();
    neap_array *from = some_array(heap, NEAP_TYPE_C128, 20);
    neap_array *array = some_array(heap, NEAP_TYPE_I8, 20);
    set(from, 9, C(0, 1));
    CHECK_FAILS(neap_array_copy(array, from), -EINVAL, "element 9 ");
    set(from, 7, C(300, 0));
    CHECK_FAILS(neap_array_copy(array, from), -EINVAL, "element 7 ");
    set(from, 5, C(1e300, 0));
    CHECK_FAILS(neap_array_copy(array, from), -EINVAL, "element 5 ");
    neap_array_close(from);
    neap_array_close(array);
    neap_heap_close(heap);
}
