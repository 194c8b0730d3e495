/* Tests of mappings and of typed access to them. */
#include <fcntl.h>
#include <math.h>

#include "lib/harness.h"

enum { SIZE = 10000, READ = NEAP_PROT_READ, WRITE = NEAP_PROT_WRITE };


static neap_segment *create(const char *kind)
{
    neap_segment *segment;
    CHECK_STATUS(neap_segment_create(test_address(kind, 0), SIZE, 0, &segment),
                 0);
    return segment;
}


static void end(neap_segment *segment)
{
    int status = neap_segment_unlink(segment);
    if (status != -ENOTSUP)
        CHECK_STATUS(status, 0);
    neap_segment_close(segment);
}


static neap_mapping *map(neap_segment *segment, uint64_t offset,
                         uint64_t length, int protection)
{
    neap_mapping *mapping;
    CHECK_STATUS(neap_mapping_open(segment, offset, length, protection,
                                   &mapping), 0);
    return mapping;
}


/* A mapping for writing whose segment is gone already. */
static neap_mapping *map_anew(const char *kind)
{
    neap_segment *segment = create(kind);
    neap_mapping *mapping = map(segment, 0, 0, WRITE);
    end(segment);
    return mapping;
}


static neap_value integer(int64_t i)
{
    return (neap_value){.kind = 'i', .as.i = i};
}


static neap_value natural(uint64_t u)
{
    return (neap_value){.kind = 'u', .as.u = u};
}


static neap_value real(double f)
{
    return (neap_value){.kind = 'f', .as.f = f};
}


static neap_value read_one(neap_mapping *mapping, uint64_t offset,
                           neap_type type)
{
    neap_value value;
    CHECK_STATUS(neap_mapping_read(mapping, offset, type, &value), 0);
    return value;
}

/* -- mapping --------------------------------------------------------------- */

TEST_EACH(a_mapping_outlives_the_handle_of_its_segment, test_kinds)
{
    neap_mapping *mapping = map_anew(parameter);
    CHECK_INT(neap_mapping_length(mapping), SIZE);
    memset(neap_mapping_data(mapping), 7, SIZE);
    CHECK_INT(read_one(mapping, SIZE - 1, NEAP_TYPE_U8).as.i, 7);
    neap_mapping_close(mapping);
}


TEST_EACH(a_part_is_mapped_at_any_offset, test_kinds)
{
    static const uint64_t offsets[] = {0, 1, 4095, 4096, 4097, 9999};
    neap_segment *segment = create(parameter);
    neap_mapping *whole = map(segment, 0, 0, WRITE);
    for (size_t i = 0; i < SIZE; i++)
        ((uint8_t *)neap_mapping_data(whole))[i] = (uint8_t)(i % 251);
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        neap_mapping *rest = map(segment, offsets[i], 0, READ);
        neap_mapping *one = map(segment, offsets[i], 1, WRITE);
        CHECK_INT(neap_mapping_length(rest), SIZE - offsets[i]);
        CHECK_INT(neap_mapping_length(one), 1);
        CHECK_INT(*(uint8_t *)neap_mapping_data(rest), offsets[i] % 251);
        CHECK_INT(*(uint8_t *)neap_mapping_data(one), offsets[i] % 251);
        CHECK_INT(read_one(rest, SIZE - 1 - offsets[i], NEAP_TYPE_U8).as.i,
                  (SIZE - 1) % 251);
        neap_mapping_close(rest);
        neap_mapping_close(one);
    }
    neap_mapping_close(whole);
    end(segment);
}


TEST_EACH(two_mappings_show_the_same_memory, test_kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *one = map(segment, 0, 0, WRITE);
    neap_mapping *other = map(segment, 5000, 0, READ);
    CHECK(neap_mapping_data(one) != neap_mapping_data(other));
    CHECK_STATUS(neap_mapping_write(one, 5100, NEAP_TYPE_F64, real(2.5)), 0);
    CHECK(read_one(other, 100, NEAP_TYPE_F64).as.f == 2.5);
    neap_mapping_close(other);
    neap_mapping_close(one);
    end(segment);
}


TEST_EACH(what_lies_past_the_end_is_not_mapped, test_kinds)
{
    neap_mapping *mapping;
    neap_segment *segment = create(parameter);
    CHECK_FAILS(neap_mapping_open(segment, SIZE, 0, READ, &mapping), -EINVAL,
                "it has 10000 bytes");
    CHECK_FAILS(neap_mapping_open(segment, 1, SIZE, READ, &mapping), -EINVAL,
                "9999 from there");
    CHECK_STATUS(neap_mapping_open(segment, UINT64_MAX, 1, READ, &mapping),
                 -EINVAL);
    CHECK_STATUS(neap_mapping_open(segment, 1, UINT64_MAX, READ, &mapping),
                 -EINVAL);
    CHECK_FAILS(neap_mapping_open(segment, 0, 0, 64, &mapping), -EINVAL,
                "protection 64");
    end(segment);
}


TEST(the_size_that_counts_is_the_real_one)
{
    neap_mapping *mapping;
    neap_segment *segment = create("posix");
    CHECK_INT(ftruncate(neap_segment_descriptor(segment), 100), 0);
    CHECK_STATUS(neap_mapping_open(segment, 0, 101, READ, &mapping), -EINVAL);
    mapping = map(segment, 0, 0, READ);
    CHECK_INT(neap_mapping_length(mapping), 100);
    neap_mapping_close(mapping);
    CHECK_INT(ftruncate(neap_segment_descriptor(segment), 0), 0);
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, READ, &mapping), -EINVAL);
    end(segment);
}


TEST(a_closed_mapping_is_a_status)
{
    neap_value value;
    neap_mapping *mapping;
    neap_mapping_close(NULL);
    neap_mapping_view(NULL, 1);
    CHECK(!neap_mapping_retain(NULL));
    CHECK(!neap_mapping_data(NULL));
    CHECK_INT(neap_mapping_length(NULL), 0);
    CHECK_STATUS(neap_mapping_open(NULL, 0, 0, READ, &mapping), NEAP_ECLOSED);
    CHECK_STATUS(neap_mapping_protect(NULL, READ), NEAP_ECLOSED);
    CHECK_STATUS(neap_mapping_read(NULL, 0, NEAP_TYPE_I8, &value),
                 NEAP_ECLOSED);
    CHECK_STATUS(neap_mapping_write(NULL, 0, NEAP_TYPE_I8, integer(0)),
                 NEAP_ECLOSED);
}


TEST_EACH(a_retained_mapping_closes_with_the_last_count, test_kinds)
{
    neap_mapping *mapping = map_anew(parameter);
    CHECK(neap_mapping_retain(mapping) == mapping);
    neap_mapping_close(mapping);
    memset(neap_mapping_data(mapping), 1, SIZE);
    neap_mapping_close(mapping);
}

/* -- protection ------------------------------------------------------------ */

TEST_EACH(a_read_only_mapping_refuses_writes, test_kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *mapping = map(segment, 0, 0, READ);
    CHECK_INT(neap_mapping_protection(mapping), READ);
    CHECK_FAILS(neap_mapping_write(mapping, 0, NEAP_TYPE_I8, integer(1)),
                -EACCES, "read-only");
    CHECK_STATUS(neap_mapping_write_bytes(mapping, 0, 1, "x"), -EACCES);
    CHECK_INT(read_one(mapping, 0, NEAP_TYPE_I8).as.i, 0);
    neap_mapping_close(mapping);
    end(segment);
}


static int poke(void *mapping)
{
    signal(SIGSEGV, SIG_DFL);
    *(volatile char *)neap_mapping_data(mapping) = 1;
    return 0;
}


TEST_EACH(the_mmu_keeps_writers_from_a_read_only_mapping, test_kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *reader = map(segment, 0, 0, READ);
    neap_mapping *writer = map(segment, 0, 0, WRITE);
    CHECK_INT(test_wait(test_fork(poke, reader)), -SIGSEGV);
    CHECK_INT(test_wait(test_fork(poke, writer)), 0);
    CHECK_INT(read_one(reader, 0, NEAP_TYPE_I8).as.i, 1);
    neap_mapping_close(reader);
    neap_mapping_close(writer);
    end(segment);
}


TEST_EACH(protection_can_be_taken_away_and_given_back, test_kinds)
{
    neap_value value;
    neap_mapping *mapping = map_anew(parameter);
    CHECK_INT(neap_mapping_protection(mapping), READ | WRITE);
    CHECK_STATUS(neap_mapping_protect(mapping, READ), 0);
    CHECK_INT(test_wait(test_fork(poke, mapping)), -SIGSEGV);
    CHECK_STATUS(neap_mapping_write(mapping, 0, NEAP_TYPE_I8, integer(1)),
                 -EACCES);
    CHECK_STATUS(neap_mapping_protect(mapping, NEAP_PROT_NONE), 0);
    CHECK_FAILS(neap_mapping_read(mapping, 0, NEAP_TYPE_I8, &value), -EACCES,
                "without access");
    CHECK_STATUS(neap_mapping_protect(mapping, WRITE), 0);
    CHECK_STATUS(neap_mapping_write(mapping, 0, NEAP_TYPE_I8, integer(1)), 0);
    CHECK_STATUS(neap_mapping_protect(mapping, -1), -EINVAL);
    neap_mapping_close(mapping);
}


TEST_EACH(mapping_without_access_and_protecting_later_works, test_kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *mapping = map(segment, 0, 0, NEAP_PROT_NONE);
    CHECK_STATUS(neap_mapping_write(mapping, 0, NEAP_TYPE_I8, integer(1)),
                 -EACCES);
    CHECK_STATUS(neap_mapping_protect(mapping, WRITE), 0);
    CHECK_STATUS(neap_mapping_write(mapping, 0, NEAP_TYPE_I8, integer(1)), 0);
    neap_mapping_close(mapping);
    end(segment);
}


TEST_EACH(a_mapping_of_a_read_only_handle_never_becomes_writable,
          test_named_kinds)
{
    neap_segment *segment = create(parameter), *reader;
    CHECK_STATUS(neap_segment_open(neap_segment_address(segment), true,
                                   &reader), 0);
    neap_mapping *mapping = map(reader, 0, 0, READ);
    CHECK_FAILS(neap_mapping_protect(mapping, WRITE), -EACCES,
                "opened read-only");
    CHECK_INT(neap_mapping_protection(mapping), READ);
    neap_mapping_close(mapping);
    neap_segment_close(reader);
    end(segment);
}


TEST(protection_stays_while_arrays_view_the_memory)
{
    neap_mapping *mapping = map_anew("memfd");
    neap_mapping_view(mapping, 1);
    CHECK_FAILS(neap_mapping_protect(mapping, READ), -EBUSY, "view it (1)");
    CHECK_STATUS(neap_mapping_protect(mapping, NEAP_PROT_NONE), -EBUSY);
    CHECK_STATUS(neap_mapping_protect(mapping, WRITE), 0);
    CHECK_STATUS(neap_mapping_write(mapping, 0, NEAP_TYPE_I8, integer(1)), 0);
    neap_mapping_view(mapping, -1);
    CHECK_STATUS(neap_mapping_protect(mapping, READ), 0);
    neap_mapping_close(mapping);
}


TEST_EACH(sync_is_fine_with_every_kind, test_kinds)
{
    neap_mapping *mapping = map_anew(parameter);
    CHECK_STATUS(neap_mapping_sync(mapping, true), 0);
    CHECK_STATUS(neap_mapping_sync(mapping, false), 0);
    neap_mapping_close(mapping);
}


TEST(a_synced_file_has_what_was_written)
{
    char bytes[6] = "";
    neap_segment *segment = create("file");
    neap_mapping *mapping = map(segment, 4097, 100, WRITE);
    CHECK_STATUS(neap_mapping_write_bytes(mapping, 1, 5, "hello"), 0);
    CHECK_STATUS(neap_mapping_sync(mapping, false), 0);
    CHECK_INT(pread(neap_segment_descriptor(segment), bytes, 5, 4098), 5);
    CHECK_STR(bytes, "hello");
    neap_mapping_close(mapping);
    end(segment);
}

/* -- typed access ---------------------------------------------------------- */

TEST(access_past_the_end_is_erange)
{
    neap_value value;
    uint8_t bytes[8] = {0};
    neap_segment *segment = create("memfd");
    neap_mapping *mapping = map(segment, 100, 16, WRITE);
    CHECK_STATUS(neap_mapping_read(mapping, 8, NEAP_TYPE_I64, &value), 0);
    CHECK_FAILS(neap_mapping_read(mapping, 9, NEAP_TYPE_I64, &value), -ERANGE,
                "bytes 9 to 16");
    CHECK_FAILS(neap_mapping_write(mapping, 1, NEAP_TYPE_C128, real(0)),
                -ERANGE, "it has 16 bytes");
    CHECK_STATUS(neap_mapping_read(mapping, UINT64_MAX, NEAP_TYPE_I8, &value),
                 -ERANGE);
    CHECK_STATUS(neap_mapping_read(mapping, UINT64_MAX - 7, NEAP_TYPE_I64,
                                   &value), -ERANGE);
    CHECK_STATUS(neap_mapping_read_bytes(mapping, 9, 8, bytes), -ERANGE);
    CHECK_STATUS(neap_mapping_read_bytes(mapping, 1, UINT64_MAX, bytes),
                 -ERANGE);
    CHECK_STATUS(neap_mapping_write_bytes(mapping, 9, 8, bytes), -ERANGE);
    CHECK_STATUS(neap_mapping_write_bytes(mapping, 16, 0, NULL), 0);
    CHECK_STATUS(neap_mapping_write_bytes(mapping, 17, 0, NULL), -ERANGE);
    neap_mapping_close(mapping);
    end(segment);
}


TEST(what_is_no_type_is_refused)
{
    neap_value value;
    neap_mapping *mapping = map_anew("memfd");
    CHECK_FAILS(neap_mapping_read(mapping, 0, NEAP_TYPE_ANY, &value), -EINVAL,
                "there is none of that number");
    CHECK_STATUS(neap_mapping_read(mapping, 0, (neap_type)99, &value), -EINVAL);
    CHECK_STATUS(neap_mapping_write(mapping, 0, (neap_type)99, value), -EINVAL);
    value = (neap_value){.kind = 'x'};
    CHECK_FAILS(neap_mapping_write(mapping, 0, NEAP_TYPE_I8, value), -EINVAL,
                "unknown kind");
    neap_mapping_close(mapping);
}


static const struct range {
    neap_type type;
    int64_t min, max;
} ranges[] = {
    {NEAP_TYPE_BOOL, 0, 1},
    {NEAP_TYPE_I8, INT8_MIN, INT8_MAX},
    {NEAP_TYPE_I16, INT16_MIN, INT16_MAX},
    {NEAP_TYPE_I32, INT32_MIN, INT32_MAX},
    {NEAP_TYPE_I64, INT64_MIN, INT64_MAX},
    {NEAP_TYPE_U8, 0, UINT8_MAX},
    {NEAP_TYPE_U16, 0, UINT16_MAX},
    {NEAP_TYPE_U32, 0, UINT32_MAX},
};


static void check_range(neap_mapping *mapping, const struct range *r)
{
    /* Aligned and not, and nothing beside the element is touched. */
    for (uint64_t at = 8; at < 12; at++) {
        size_t size = neap_type_size(r->type);
        memset(neap_mapping_data(mapping), 0x55, 32);
        CHECK_STATUS(neap_mapping_write(mapping, at, r->type, integer(r->min)),
                     0);
        CHECK_INT(read_one(mapping, at, r->type).as.i, r->min);
        CHECK_STATUS(neap_mapping_write(mapping, at, r->type, integer(r->max)),
                     0);
        CHECK_INT(read_one(mapping, at, r->type).as.i, r->max);
        CHECK_INT(read_one(mapping, at, r->type).kind, 'i');
        CHECK_INT(read_one(mapping, at - 1, NEAP_TYPE_U8).as.i, 0x55);
        CHECK_INT(read_one(mapping, at + size, NEAP_TYPE_U8).as.i, 0x55);
    }
    if (r->type == NEAP_TYPE_I64)
        return;
    CHECK_STATUS(neap_mapping_write(mapping, 0, r->type, integer(r->max + 1)),
                 -EINVAL);
    CHECK_STATUS(neap_mapping_write(mapping, 0, r->type, integer(r->min - 1)),
                 -EINVAL);
    CHECK_INT(read_one(mapping, 0, NEAP_TYPE_U8).as.i, 0x55);
}


TEST(every_integer_type_holds_its_range_and_no_more)
{
    neap_mapping *mapping = map_anew("memfd");
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        check_range(mapping, &ranges[i]);
    CHECK_FAILS(neap_mapping_write(mapping, 0, NEAP_TYPE_I8, integer(300)),
                -EINVAL, "cannot store 300 as i8: it holds whole numbers from "
                         "-128 to 127");
    CHECK_FAILS(neap_mapping_write(mapping, 0, NEAP_TYPE_BOOL, integer(2)),
                -EINVAL, "from 0 to 1");
    neap_mapping_close(mapping);
}


TEST(a_bool_of_another_program_reads_as_one)
{
    neap_mapping *mapping = map_anew("memfd");
    CHECK_STATUS(neap_mapping_write_bytes(mapping, 0, 1, "\x80"), 0);
    CHECK_INT(read_one(mapping, 0, NEAP_TYPE_BOOL).as.i, 1);
    neap_mapping_close(mapping);
}


TEST(u64_holds_what_int64_does_not)
{
    neap_mapping *mapping = map_anew("memfd");
    CHECK_STATUS(neap_mapping_write(mapping, 0, NEAP_TYPE_U64,
                                    natural(UINT64_MAX)), 0);
    CHECK(read_one(mapping, 0, NEAP_TYPE_U64).as.u == UINT64_MAX);
    CHECK_INT(read_one(mapping, 0, NEAP_TYPE_U64).kind, 'u');
    CHECK_STATUS(neap_mapping_write(mapping, 0, NEAP_TYPE_U64, integer(5)), 0);
    CHECK(read_one(mapping, 0, NEAP_TYPE_U64).as.u == 5);
    CHECK_FAILS(neap_mapping_write(mapping, 0, NEAP_TYPE_U64, integer(-1)),
                -EINVAL, "from 0 to 18446744073709551615");
    CHECK_FAILS(neap_mapping_write(mapping, 0, NEAP_TYPE_I64,
                                   natural(UINT64_MAX)),
                -EINVAL, "cannot store 18446744073709551615 as i64");
    CHECK_STATUS(neap_mapping_write(mapping, 0, NEAP_TYPE_I64, natural(5)), 0);
    neap_mapping_close(mapping);
}


TEST(a_float_that_is_whole_is_a_good_integer)
{
    static const double wrong[] = {2.5, 1e300, -1e300, NAN, INFINITY, 0x1p63};
    neap_mapping *mapping = map_anew("memfd");
    CHECK_STATUS(neap_mapping_write(mapping, 0, NEAP_TYPE_I64, real(-3.0)), 0);
    CHECK_INT(read_one(mapping, 0, NEAP_TYPE_I64).as.i, -3);
    CHECK_STATUS(neap_mapping_write(mapping, 0, NEAP_TYPE_U64, real(0x1p63)),
                 0);
    CHECK(read_one(mapping, 0, NEAP_TYPE_U64).as.u == UINT64_C(1) << 63);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_STATUS(neap_mapping_write(mapping, 0, NEAP_TYPE_I64,
                                        real(wrong[i])), -EINVAL);
    CHECK_FAILS(neap_mapping_write(mapping, 0, NEAP_TYPE_I32, real(2.5)),
                -EINVAL, "cannot store 2.5 as i32");
    CHECK_STATUS(neap_mapping_write(mapping, 0, NEAP_TYPE_U64, real(0x1p64)),
                 -EINVAL);
    CHECK_STATUS(neap_mapping_write(mapping, 0, NEAP_TYPE_U64, real(-1)),
                 -EINVAL);
    neap_mapping_close(mapping);
}


TEST(floats_take_any_real_number)
{
    neap_mapping *mapping = map_anew("memfd");
    CHECK_STATUS(neap_mapping_write(mapping, 3, NEAP_TYPE_F32, real(0.1)), 0);
    CHECK(read_one(mapping, 3, NEAP_TYPE_F32).as.f == (double)0.1f);
    CHECK_STATUS(neap_mapping_write(mapping, 3, NEAP_TYPE_F32, real(1e300)), 0);
    CHECK(isinf(read_one(mapping, 3, NEAP_TYPE_F32).as.f));
    CHECK_STATUS(neap_mapping_write(mapping, 3, NEAP_TYPE_F64, real(NAN)), 0);
    CHECK(isnan(read_one(mapping, 3, NEAP_TYPE_F64).as.f));
    CHECK_STATUS(neap_mapping_write(mapping, 3, NEAP_TYPE_F64, integer(7)), 0);
    CHECK(read_one(mapping, 3, NEAP_TYPE_F64).as.f == 7);
    neap_value i = {.kind = 'c', .as.c = {0, 1}};
    CHECK_FAILS(neap_mapping_write(mapping, 3, NEAP_TYPE_F64, i), -EINVAL,
                "cannot store 0+1i as f64");
    neap_mapping_close(mapping);
}


TEST(complex_numbers_go_in_and_come_out)
{
    neap_mapping *mapping = map_anew("memfd");
    neap_value c = {.kind = 'c', .as.c = {1.5, -2.5}};
    for (neap_type type = NEAP_TYPE_C64; type <= NEAP_TYPE_C128; type++) {
        CHECK_STATUS(neap_mapping_write(mapping, 5, type, c), 0);
        neap_value got = read_one(mapping, 5, type);
        CHECK_INT(got.kind, 'c');
        CHECK(got.as.c.re == 1.5 && got.as.c.im == -2.5);
        CHECK_STATUS(neap_mapping_write(mapping, 5, type, integer(4)), 0);
        got = read_one(mapping, 5, type);
        CHECK(got.as.c.re == 4 && got.as.c.im == 0);
    }
    CHECK_STATUS(neap_mapping_write(mapping, 5, NEAP_TYPE_I64, c), -EINVAL);
    neap_mapping_close(mapping);
}
