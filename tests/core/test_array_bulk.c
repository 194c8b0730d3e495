/* Tests of what is done with whole arrays: each function on each type, compared
 * with a plain loop over the same numbers. */
#include <math.h>

#include "lib/arrays.h"

/* Blocks of the loops begin and end inside. */
static const uint64_t lengths[] = {1, 2, 63, 64, 65, 1000, 2048, 2049, 10001};

#define EACH_LENGTH(n)                                                         \
    for (uint64_t at_ = 0, n;                                                  \
         at_ < sizeof lengths / sizeof lengths[0] && (n = lengths[at_], true); \
         at_++)

/* -- numbers to try: different from one another, exact in double ----------- */

static neap_value number(neap_type type, uint64_t k)
{
    int64_t n = (int64_t)(k * 37 % 101);
    switch (type) {
    case NEAP_TYPE_BOOL: return I(n % 3 == 0);
    case NEAP_TYPE_I8:
    case NEAP_TYPE_I16: return I(n - 50);
    case NEAP_TYPE_I32: return I((n - 50) * 40000000);
    case NEAP_TYPE_I64: return I((n - 50) * (INT64_MAX / 60));
    case NEAP_TYPE_U8: return I(n * 2);
    case NEAP_TYPE_U16: return I(n * 600);
    case NEAP_TYPE_U32: return I(n * 42000000);
    case NEAP_TYPE_U64: return U((uint64_t)n * (UINT64_MAX / 102));
    case NEAP_TYPE_F32:
    case NEAP_TYPE_F64: return F((double)(n - 50) / 8);
    default: return C((double)(n - 50) / 8, (double)(n * 13 % 71) / -4);
    }
}


static neap_array *numbers(neap_heap *heap, neap_type type, uint64_t length,
                           uint64_t from)
{
    neap_array *array = some_array(heap, type, length);
    for (uint64_t i = 0; i < length; i++)
        set(array, i, number(type, from + i));
    return array;
}


/* 64 bits cut to a type, and back. */
static neap_value wrapped(neap_type type, uint64_t bits)
{
    switch (type) {
#define CASE(TYPE, c) case NEAP_TYPE_##TYPE: return I((c)bits);
    CASE(I8, int8_t)
    CASE(I16, int16_t)
    CASE(I32, int32_t)
    CASE(I64, int64_t)
    CASE(U8, uint8_t)
    CASE(U16, uint16_t)
    CASE(U32, uint32_t)
#undef CASE
    default: return U(bits);
    }
}


static neap_value plus(neap_type type, neap_value a, neap_value b)
{
    if (is_whole(type))
        return wrapped(type, a.as.u + b.as.u);
    if (a.kind == 'f')
        return F(a.as.f + b.as.f);
    return C(a.as.c.re + b.as.c.re, a.as.c.im + b.as.c.im);
}


static neap_value times(neap_type type, neap_value a, neap_value b)
{
    if (is_whole(type))
        return wrapped(type, a.as.u * b.as.u);
    if (a.kind == 'f')
        return F(a.as.f * b.as.f);
    return C(a.as.c.re * b.as.c.re - a.as.c.im * b.as.c.im,
             a.as.c.re * b.as.c.im + a.as.c.im * b.as.c.re);
}


/* Sums are of 64 bits whatever the elements are. */
static neap_type sum_type(neap_type type)
{
    return type < NEAP_TYPE_U64 ? NEAP_TYPE_I64 : type;
}

/* -- each function on each type -------------------------------------------- */

TEST_EACH(fill_sets_every_element_and_no_other, types)
{
    neap_heap *heap = new_heap();
    neap_type type = neap_type_from_name(parameter);
    EACH_LENGTH(n) {
        uint64_t shape[] = {3, n};
        neap_array *all, *row;
        char name[32];
        snprintf(name, sizeof name, "all %d", (int)n);
        CHECK_STATUS(neap_array_open(heap, name, type, 2, shape, &all),
                     NEAP_CREATED);
        CHECK_STATUS(neap_array_row(all, 1, &row), 0);
        CHECK_STATUS(neap_array_fill(row, number(type, 9)), 0);
        for (uint64_t i = 0; i < n; i++)
            check_same(get(row, i), number(type, 9));
        check_same(get(all, n - 1), small(type, 0));
        check_same(get(all, 2 * n), small(type, 0));
        CHECK_STATUS(neap_array_fill(row, I(0)), 0);
        for (uint64_t i = 0; i < n; i++)
            check_same(get(row, i), small(type, 0));
        neap_array_close(row);
        neap_array_close(all);
    }
    neap_heap_close(heap);
}


TEST_EACH(sum_and_mean_are_those_of_a_plain_loop, types)
{
    neap_heap *heap = new_heap();
    neap_type type = neap_type_from_name(parameter);
    EACH_LENGTH(n) {
        neap_array *array = numbers(heap, type, n, 0);
        neap_value sum, mean, wanted = small(sum_type(type), 0);
        double re = 0;
        for (uint64_t i = 0; i < n; i++) {
            neap_value x = number(type, i);
            wanted = plus(sum_type(type), wanted, x);
            re += x.kind == 'i' ? (double)x.as.i
                  : x.kind == 'u' ? (double)x.as.u
                  : x.kind == 'f' ? x.as.f : x.as.c.re;
        }
        CHECK_STATUS(neap_array_sum(array, &sum), 0);
        check_same(sum, wanted);
        CHECK_STATUS(neap_array_mean(array, &mean), 0);
        CHECK_INT(mean.kind, type < NEAP_TYPE_C64 ? 'f' : 'c');
        double got = mean.kind == 'f' ? mean.as.f : mean.as.c.re;
        /* 64-bit integers are rounded on their way. */
        CHECK(fabs(got - re / (double)n) <= fabs(re) * 1e-15 + 1e4);
        CHECK(type == NEAP_TYPE_I64 || type == NEAP_TYPE_U64 ||
              got == re / (double)n);
        neap_array_close(array);
    }
    neap_heap_close(heap);
}


static bool less(neap_value a, neap_value b)
{
    return a.kind == 'f' ? a.as.f < b.as.f
           : a.kind == 'u' ? a.as.u < b.as.u : a.as.i < b.as.i;
}


TEST_EACH(min_and_max_are_those_of_a_plain_loop, types)
{
    neap_heap *heap = new_heap();
    neap_type type = neap_type_from_name(parameter);
    EACH_LENGTH(n) {
        neap_array *array = numbers(heap, type, n, 5);
        neap_value min = number(type, 5), max = min, got;
        for (uint64_t i = 0; i < n; i++) {
            neap_value x = number(type, 5 + i);
            min = less(x, min) ? x : min;
            max = less(max, x) ? x : max;
        }
        if (type >= NEAP_TYPE_C64) {
            CHECK_FAILS(neap_array_min(array, &got), -ENOTSUP, "an order");
            CHECK_FAILS(neap_array_max(array, &got), -ENOTSUP, "an order");
        } else {
            CHECK_STATUS(neap_array_min(array, &got), 0);
            check_same(got, min);
            CHECK_STATUS(neap_array_max(array, &got), 0);
            check_same(got, max);
        }
        neap_array_close(array);
    }
    neap_heap_close(heap);
}


TEST_EACH(dot_is_that_of_a_plain_loop, types)
{
    neap_heap *heap = new_heap();
    neap_type type = neap_type_from_name(parameter);
    EACH_LENGTH(n) {
        neap_array *a = numbers(heap, type, n, 0);
        neap_array *b = numbers(heap, type, n, 7);
        neap_type wide = sum_type(type);
        neap_value dot, wanted = small(wide, 0);
        for (uint64_t i = 0; i < n; i++)
            wanted = plus(wide, wanted,
                          times(wide, number(type, i), number(type, 7 + i)));
        CHECK_STATUS(neap_array_dot(a, b, &dot), 0);
        check_same(dot, wanted);
        neap_array_close(a);
        neap_array_close(b);
    }
    neap_heap_close(heap);
}


TEST_EACH(add_is_that_of_a_plain_loop_and_wraps, types)
{
    neap_heap *heap = new_heap();
    neap_type type = neap_type_from_name(parameter);
    EACH_LENGTH(n) {
        neap_array *a = numbers(heap, type, n, 0);
        neap_array *b = numbers(heap, type, n, 7);
        if (type == NEAP_TYPE_BOOL) {
            CHECK_FAILS(neap_array_add(a, b), -ENOTSUP, "these are bool");
        } else {
            CHECK_STATUS(neap_array_add(a, b), 0);
            CHECK_STATUS(neap_array_add(b, b), 0);
            for (uint64_t i = 0; i < n; i++) {
                neap_value x = number(type, i), y = number(type, 7 + i);
                check_same(get(a, i), plus(type, x, y));
                check_same(get(b, i), plus(type, y, y));
            }
        }
        neap_array_close(a);
        neap_array_close(b);
    }
    neap_heap_close(heap);
}


TEST_EACH(a_value_is_added_and_multiplied_as_in_a_plain_loop, types)
{
    neap_heap *heap = new_heap();
    neap_type type = neap_type_from_name(parameter);
    EACH_LENGTH(n) {
        neap_array *a = numbers(heap, type, n, 0);
        neap_array *b = numbers(heap, type, n, 0);
        neap_value by = number(type, 12);
        if (type == NEAP_TYPE_BOOL) {
            CHECK_FAILS(neap_array_add_value(a, by), -ENOTSUP, "numbers");
            CHECK_FAILS(neap_array_scale(a, by), -ENOTSUP, "numbers");
        } else {
            CHECK_STATUS(neap_array_add_value(a, by), 0);
            CHECK_STATUS(neap_array_scale(b, by), 0);
            for (uint64_t i = 0; i < n; i++) {
                neap_value x = number(type, i);
                check_same(get(a, i), plus(type, x, by));
                check_same(get(b, i), times(type, x, by));
            }
        }
        neap_array_close(a);
        neap_array_close(b);
    }
    neap_heap_close(heap);
}


/* -- what cannot be, and what is particular -------------------------------- */

TEST(arrays_that_do_not_match_are_refused)
{
    neap_heap *heap = new_heap();
    neap_array *a = some_array(heap, NEAP_TYPE_F64, 10);
    neap_array *b = some_array(heap, NEAP_TYPE_F32, 10);
    neap_array *c = some_array(heap, NEAP_TYPE_F64, 11);
    neap_value value;
    CHECK_FAILS(neap_array_add(a, b), NEAP_ETYPE, "of f64, and");
    CHECK_FAILS(neap_array_dot(a, b, &value), NEAP_ETYPE, "of f32");
    CHECK_FAILS(neap_array_add(a, c), -EINVAL, "which has 11");
    CHECK_FAILS(neap_array_dot(a, c, &value), -EINVAL, "as many");
    CHECK_FAILS(neap_array_copy(a, c), -EINVAL, "as many");
    neap_array_close(a);
    neap_array_close(b);
    neap_array_close(c);
    neap_heap_close(heap);
}


TEST(an_integer_array_takes_operands_of_its_range_only)
{
    neap_heap *heap = new_heap();
    neap_array *u8 = some_array(heap, NEAP_TYPE_U8, 100);
    neap_array *i8 = some_array(heap, NEAP_TYPE_I8, 100);
    neap_array *u64 = some_array(heap, NEAP_TYPE_U64, 100);
    CHECK_STATUS(neap_array_fill(u8, I(3)), 0);
    CHECK_FAILS(neap_array_fill(u8, I(256)), -EINVAL, "cannot fill array");
    CHECK_FAILS(neap_array_fill(u8, C(1, 1)), -EINVAL, "cannot fill array");
    CHECK_FAILS(neap_array_add_value(u8, I(256)), -EINVAL, "from 0 to 255");
    CHECK_STATUS(neap_array_add_value(u8, I(-256)), -EINVAL);
    CHECK_FAILS(neap_array_scale(u8, F(0.5)), -EINVAL, "f64");
    CHECK_FAILS(neap_array_scale(u8, C(0, 1)), -EINVAL, "c128");
    CHECK_STATUS(neap_array_scale(u8, F(NAN)), -EINVAL);
    CHECK_STATUS(neap_array_scale(i8, I(200)), -EINVAL);
    CHECK_STATUS(neap_array_add_value(i8, I(-129)), -EINVAL);
    check_same(get(u8, 99), I(3));
    CHECK_STATUS(neap_array_add_value(u8, I(-4)), 0); /* subtracts, and wraps */
    check_same(get(u8, 99), I(255));
    CHECK_STATUS(neap_array_scale(u8, F(2)), 0);
    check_same(get(u8, 0), I(254));
    CHECK_STATUS(neap_array_add_value(u64, I(INT64_MIN)), 0);
    check_same(get(u64, 1), U(UINT64_C(1) << 63));
    CHECK_STATUS(neap_array_add_value(u64, F(-1)), 0);
    check_same(get(u64, 2), U(INT64_MAX));
    neap_array_close(u8);
    neap_array_close(i8);
    neap_array_close(u64);
    neap_heap_close(heap);
}


TEST(min_and_max_pass_over_nans)
{
    neap_heap *heap = new_heap();
    neap_type reals[] = {NEAP_TYPE_F32, NEAP_TYPE_F64};
    for (int k = 0; k < 2; k++) {
        neap_array *array = some_array(heap, reals[k], 1000);
        neap_value value;
        CHECK_STATUS(neap_array_fill(array, F(NAN)), 0);
        CHECK_STATUS(neap_array_min(array, &value), 0);
        CHECK(isnan(value.as.f));
        CHECK_STATUS(neap_array_max(array, &value), 0);
        CHECK(isnan(value.as.f));
        set(array, 700, F(INFINITY));
        CHECK_STATUS(neap_array_min(array, &value), 0);
        check_same(value, F(INFINITY));
        set(array, 999, F(-3));
        CHECK_STATUS(neap_array_min(array, &value), 0);
        check_same(value, F(-3));
        CHECK_STATUS(neap_array_max(array, &value), 0);
        check_same(value, F(INFINITY));
        set(array, 700, F(-INFINITY));
        set(array, 999, F(NAN));
        CHECK_STATUS(neap_array_max(array, &value), 0);
        check_same(value, F(-INFINITY));
        CHECK_STATUS(neap_array_sum(array, &value), 0);
        CHECK(isnan(value.as.f));
        neap_array_close(array);
    }
    neap_heap_close(heap);
}


/* A plain loop over as many tenths is wrong in the tenth digit. */
TEST(sums_of_millions_are_right_to_the_last_digits)
{
    neap_heap *heap = new_heap();
    const uint64_t n = 3000001;
    neap_array *f64 = some_array(heap, NEAP_TYPE_F64, n);
    neap_array *f32 = some_array(heap, NEAP_TYPE_F32, n);
    neap_value value;
    CHECK_STATUS(neap_array_fill(f64, F(0.1)), 0);
    CHECK_STATUS(neap_array_fill(f32, F(0.1)), 0);
    CHECK_STATUS(neap_array_sum(f64, &value), 0);
    CHECK(fabs(value.as.f / (0.1 * (double)n) - 1) < 1e-14);
    CHECK_STATUS(neap_array_sum(f32, &value), 0);
    CHECK(fabs(value.as.f / ((double)0.1f * (double)n) - 1) < 1e-14);
    CHECK_STATUS(neap_array_dot(f64, f64, &value), 0);
    CHECK(fabs(value.as.f / (0.1 * 0.1 * (double)n) - 1) < 1e-14);
    CHECK_STATUS(neap_array_mean(f64, &value), 0);
    CHECK(fabs(value.as.f - 0.1) < 1e-15);
    neap_array_close(f64);
    neap_array_close(f32);
    neap_heap_close(heap);
}


/* The sum of these does not fit 64 bits; the mean does. */
TEST(means_of_large_integers_do_not_wrap)
{
    neap_heap *heap = new_heap();
    neap_array *i64 = some_array(heap, NEAP_TYPE_I64, 5000);
    neap_array *u64 = some_array(heap, NEAP_TYPE_U64, 5000);
    neap_value value;
    CHECK_STATUS(neap_array_fill(i64, I(INT64_MIN)), 0);
    CHECK_STATUS(neap_array_fill(u64, U(UINT64_MAX)), 0);
    CHECK_STATUS(neap_array_mean(i64, &value), 0);
    check_same(value, F(-0x1p63));
    CHECK_STATUS(neap_array_mean(u64, &value), 0);
    check_same(value, F(0x1p64));
    neap_array_close(i64);
    neap_array_close(u64);
    neap_heap_close(heap);
}


TEST(a_real_factor_leaves_the_infinities_of_complex_numbers)
{
    neap_heap *heap = new_heap();
    neap_array *array = some_array(heap, NEAP_TYPE_C128, 3);
    set(array, 1, C(INFINITY, 2));
    CHECK_STATUS(neap_array_scale(array, F(2)), 0);
    check_same(get(array, 1), C(INFINITY, 4));
    neap_array_close(array);
    neap_heap_close(heap);
}
