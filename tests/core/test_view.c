/* Tests of arrays that view a mapping. */
#include "lib/harness.h"

#define I(n) ((neap_value){.kind = 'i', .as.i = (n)})

enum { SIZE = 8192 };


static neap_mapping *map(int protection, uint64_t offset)
{
    neap_segment *segment;
    neap_mapping *mapping;
    CHECK_STATUS(neap_segment_create("memfd:", SIZE, 0, &segment), 0);
    CHECK_STATUS(neap_mapping_open(segment, offset, 0, protection, &mapping),
                 0);
    neap_segment_close(segment);
    return mapping;
}


static neap_array *view(neap_mapping *mapping, uint64_t offset, neap_type type,
                        uint64_t length, bool writable)
{
    neap_array *array = NULL;
    CHECK_STATUS(neap_array_view(mapping, offset, type, 1, &length, writable,
                                 &array), 0);
    return array;
}


TEST(a_view_shows_the_bytes_of_its_mapping)
{
    neap_mapping *mapping = map(NEAP_PROT_WRITE, 0);
    neap_array *array, *row;
    neap_value value;
    uint64_t shape[] = {10, 20};
    CHECK_STATUS(neap_array_view(mapping, 64, NEAP_TYPE_I32, 2, shape, true,
                                 &array), 0);
    CHECK_STATUS(neap_mapping_write(mapping, 64 + 4 * 41, NEAP_TYPE_I32, I(7)),
                 0);
    CHECK_STATUS(neap_array_row(array, 2, &row), 0);
    CHECK_STATUS(neap_array_get(row, 1, &value), 0);
    CHECK_INT(value.as.i, 7);
    CHECK_STATUS(neap_array_set(array, 0, I(-9)), 0);
    CHECK_STATUS(neap_mapping_read(mapping, 64, NEAP_TYPE_I32, &value), 0);
    CHECK_INT(value.as.i, -9);
    CHECK_STR(neap_array_name(array), "");
    CHECK_STATUS(neap_array_alive(array), 0);
    CHECK_FAILS(neap_array_get(row, 20, &value), -ERANGE, "a row of a view of");
    neap_array_close(row);
    neap_array_close(array);
    neap_mapping_close(mapping);
}


TEST(a_view_keeps_the_memory_of_a_closed_mapping)
{
    neap_mapping *mapping = map(NEAP_PROT_WRITE, 0);
    neap_array *array = view(mapping, 0, NEAP_TYPE_U8, SIZE, true);
    neap_value value;
    neap_mapping_close(mapping);
    CHECK_STATUS(neap_array_set(array, SIZE - 1, I(200)), 0);
    CHECK_STATUS(neap_array_get(array, SIZE - 1, &value), 0);
    CHECK_INT(value.as.i, 200);
    neap_array_close(array);
}


TEST(a_mapping_stays_writable_while_a_writable_view_lives)
{
    neap_mapping *mapping = map(NEAP_PROT_WRITE, 0);
    neap_array *array, *row;
    uint64_t shape[] = {2, 2};
    CHECK_STATUS(neap_array_view(mapping, 0, NEAP_TYPE_F64, 2, shape, true,
                                 &array), 0);
    CHECK_STATUS(neap_array_row(array, 0, &row), 0);
    CHECK_STATUS(neap_mapping_protect(mapping, NEAP_PROT_READ), -EBUSY);
    neap_array_close(array);
    CHECK_STATUS(neap_mapping_protect(mapping, NEAP_PROT_READ), -EBUSY);
    CHECK_STATUS(neap_array_set(row, 0, I(1)), 0);
    neap_array_close(row);
    CHECK_STATUS(neap_mapping_protect(mapping, NEAP_PROT_READ), 0);
    neap_mapping_close(mapping);
}


TEST(a_view_for_reading_lets_its_mapping_be_protected)
{
    neap_mapping *mapping = map(NEAP_PROT_WRITE, 0);
    neap_array *array = view(mapping, 0, NEAP_TYPE_I64, 4, false);
    neap_value value;
    CHECK(!neap_array_writable(array));
    CHECK_FAILS(neap_array_set(array, 0, I(1)), -EACCES, "for reading only");
    CHECK_STATUS(neap_array_fill(array, I(1)), -EACCES);
    CHECK_STATUS(neap_mapping_protect(mapping, NEAP_PROT_READ), 0);
    CHECK_STATUS(neap_array_get(array, 0, &value), 0);
    CHECK_STATUS(neap_mapping_protect(mapping, NEAP_PROT_NONE), 0);
    CHECK_FAILS(neap_array_get(array, 0, &value), -EACCES, "protect");
    CHECK_STATUS(neap_array_sum(array, &value), -EACCES);
    CHECK_STATUS(neap_array_alive(array), 0);
    CHECK_STATUS(neap_mapping_protect(mapping, NEAP_PROT_READ), 0);
    CHECK_STATUS(neap_array_sum(array, &value), 0);
    neap_array_close(array);
    neap_mapping_close(mapping);
}


TEST(a_view_that_its_mapping_does_not_allow_is_refused)
{
    neap_mapping *mapping = map(NEAP_PROT_READ, 0);
    neap_array *array = NULL;
    uint64_t n = 4;
    CHECK_FAILS(neap_array_view(mapping, 0, NEAP_TYPE_I8, 1, &n, true, &array),
                -EACCES, "for writing");
    CHECK_STATUS(neap_mapping_protect(mapping, NEAP_PROT_NONE), 0);
    CHECK_FAILS(neap_array_view(mapping, 0, NEAP_TYPE_I8, 1, &n, false, &array),
                -EACCES, "for reading");
    CHECK(!array);
    neap_mapping_close(mapping);
}


TEST(a_view_past_the_end_or_out_of_step_is_refused)
{
    neap_mapping *mapping = map(NEAP_PROT_WRITE, 0), *odd;
    neap_array *array = NULL;
    uint64_t n = SIZE / 8, more = SIZE / 8 + 1, huge = UINT64_C(1) << 60;
    uint64_t none = 0, ones[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
#define VIEW(offset, type, dimensions, shape)                                  \
    neap_array_view(mapping, offset, type, dimensions, shape, true, &array)
    CHECK_FAILS(VIEW(0, NEAP_TYPE_F64, 1, &more), -ERANGE, "the mapping has");
    CHECK_STATUS(VIEW(8, NEAP_TYPE_F64, 1, &n), -ERANGE);
    CHECK_STATUS(VIEW(UINT64_MAX - 7, NEAP_TYPE_F64, 1, &n), -ERANGE);
    CHECK_STATUS(VIEW(0, NEAP_TYPE_F64, 1, &huge), -EINVAL);
    CHECK_FAILS(VIEW(4, NEAP_TYPE_F64, 1, ones), -EINVAL, "multiple of 8");
    CHECK_FAILS(VIEW(8, NEAP_TYPE_C128, 1, ones), -EINVAL, "multiple of 16");
    CHECK_STATUS(VIEW(0, NEAP_TYPE_ANY, 1, ones), -EINVAL);
    CHECK_STATUS(VIEW(0, (neap_type)77, 1, ones), -EINVAL);
    CHECK_STATUS(VIEW(0, NEAP_TYPE_I8, 0, ones), -EINVAL);
    CHECK_STATUS(VIEW(0, NEAP_TYPE_I8, 9, ones), -EINVAL);
    CHECK_STATUS(VIEW(0, NEAP_TYPE_I8, 1, &none), -EINVAL);
    CHECK_STATUS(VIEW(0, NEAP_TYPE_I8, 1, NULL), -EINVAL);
#undef VIEW
    CHECK_STATUS(neap_array_view(NULL, 0, NEAP_TYPE_I8, 1, ones, true, &array),
                 NEAP_ECLOSED);
    /* A mapping that itself begins in the middle of an element. */
    odd = map(NEAP_PROT_WRITE, 2);
    CHECK_STATUS(neap_array_view(odd, 0, NEAP_TYPE_I32, 1, ones, true, &array),
                 -EINVAL);
    CHECK(!array);
    neap_array_close(view(odd, 0, NEAP_TYPE_I16, 10, true));
    /* A refused view is not counted. */
    CHECK_STATUS(neap_mapping_protect(odd, NEAP_PROT_READ), 0);
    CHECK_STATUS(neap_mapping_protect(mapping, NEAP_PROT_READ), 0);
    neap_mapping_close(odd);
    neap_mapping_close(mapping);
}


TEST(copying_within_one_memory_is_right_or_refused)
{
    neap_mapping *mapping = map(NEAP_PROT_WRITE, 0);
    neap_array *low = view(mapping, 0, NEAP_TYPE_U16, 1000, true);
    neap_array *high = view(mapping, 20, NEAP_TYPE_U16, 1000, true);
    neap_array *wide = view(mapping, 0, NEAP_TYPE_U32, 1000, true);
    neap_array *far = view(mapping, 4096, NEAP_TYPE_U32, 1000, true);
    neap_value value;
    for (uint64_t i = 0; i < 1000; i++)
        CHECK_STATUS(neap_array_set(low, i, I((int64_t)i)), 0);
    CHECK_STATUS(neap_array_copy(high, low), 0);
    for (uint64_t i = 0; i < 1000; i++) {
        CHECK_STATUS(neap_array_get(high, i, &value), 0);
        CHECK_INT(value.as.i, i);
    }
    CHECK_FAILS(neap_array_add(low, high), -EINVAL, "shares");
    CHECK_FAILS(neap_array_copy(wide, low), -EINVAL, "share memory");
    CHECK_FAILS(neap_array_copy(low, wide), -EINVAL, "share memory");
    CHECK_STATUS(neap_array_copy(far, low), 0);
    CHECK_STATUS(neap_array_get(far, 999, &value), 0);
    CHECK_INT(value.as.i, 989);
    neap_array_close(low);
    neap_array_close(high);
    neap_array_close(wide);
    neap_array_close(far);
    neap_mapping_close(mapping);
}


TEST(a_bool_of_foreign_memory_is_true_for_any_byte_but_zero)
{
    neap_mapping *mapping = map(NEAP_PROT_WRITE, 0);
    neap_array *bytes = view(mapping, 0, NEAP_TYPE_U8, 200, true);
    neap_array *bools = view(mapping, 0, NEAP_TYPE_BOOL, 200, true);
    neap_array *ints = view(mapping, 1024, NEAP_TYPE_I32, 200, true);
    neap_value value;
    for (uint64_t i = 0; i < 200; i++)
        CHECK_STATUS(neap_array_set(bytes, i, I((int64_t)i)), 0);
    CHECK_STATUS(neap_array_get(bools, 77, &value), 0);
    CHECK_INT(value.as.i, 1);
    CHECK_STATUS(neap_array_sum(bools, &value), 0);
    CHECK_INT(value.as.i, 199);
    CHECK_STATUS(neap_array_dot(bools, bools, &value), 0);
    CHECK_INT(value.as.i, 199);
    CHECK_STATUS(neap_array_max(bools, &value), 0);
    CHECK_INT(value.as.i, 1);
    CHECK_STATUS(neap_array_copy(ints, bools), 0);
    CHECK_STATUS(neap_array_sum(ints, &value), 0);
    CHECK_INT(value.as.i, 199);
    neap_array_close(bytes);
    neap_array_close(bools);
    neap_array_close(ints);
    neap_mapping_close(mapping);
}
