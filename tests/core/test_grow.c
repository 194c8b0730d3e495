/* Tests of mappings that follow the size of their segment. */
#include <sys/mman.h>

#include "lib/harness.h"

enum { PAGE = 4096, SIZE = 4 * PAGE };

static const char *const of_files[] = {"posix", "file", "memfd", NULL};
static const char *const without_files[] = {"sysv", "anonymous", NULL};


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
                         uint64_t length)
{
    neap_mapping *mapping;
    CHECK_STATUS(neap_mapping_open(segment, offset, length, NEAP_PROT_WRITE,
                                   &mapping), 0);
    return mapping;
}


static uint8_t *bytes_of(neap_mapping *mapping)
{
    return neap_mapping_data(mapping);
}


/* A mapping of one page whose next page is `free` or somebody else's. */
static neap_mapping *map_before(neap_segment *segment, bool free)
{
    neap_mapping *mapping;
    uint8_t *where = mmap(NULL, 1000 * PAGE, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(where, free ? 1000 * PAGE : PAGE);
    neap_mapping_options options = {.size = sizeof options, .length = PAGE,
                                    .address = where};
    CHECK_STATUS(neap_mapping_open_with(segment, NEAP_PROT_WRITE, &options,
                                        &mapping), 0);
    return mapping;
}


TEST_EACH(a_mapping_grows_with_its_segment, of_files)
{
    neap_segment *segment = create(parameter);
    neap_mapping *mapping = map(segment, 5, 0);
    neap_value value = {.kind = 'i', .as.i = 7};
    bytes_of(mapping)[0] = 1;
    CHECK_FAILS(neap_mapping_resize(mapping, segment, 5 * SIZE, true), -EINVAL,
                "resize the segment first");
    CHECK_STATUS(neap_segment_resize(segment, 500 * PAGE + 5), 0);
    CHECK_STATUS(neap_mapping_resize(mapping, segment, 0, true), 0);
    CHECK_INT(neap_mapping_length(mapping), 500 * PAGE);
    CHECK_INT(bytes_of(mapping)[0], 1);
    CHECK_INT(bytes_of(mapping)[500 * PAGE - 1], 0);
    CHECK_STATUS(neap_mapping_write(mapping, 500 * PAGE - 1, NEAP_TYPE_I8,
                                    value), 0);
    neap_mapping *other = map(segment, 0, 0);
    CHECK_INT(bytes_of(other)[500 * PAGE + 4], 7);
    neap_mapping_close(other);

    CHECK_STATUS(neap_mapping_resize(mapping, segment, 10, false), 0);
    CHECK_INT(neap_mapping_length(mapping), 10);
    CHECK_STATUS(neap_mapping_write(mapping, 10, NEAP_TYPE_I8, value), -ERANGE);
    neap_mapping_close(mapping);
    end(segment);
}


TEST_EACH(what_is_fixed_in_size_grows_up_to_its_end, without_files)
{
    neap_segment *segment = create(parameter);
    neap_mapping *mapping = map(segment, 0, PAGE), *all = map(segment, 0, 0);
    bytes_of(all)[SIZE - 1] = 3;
    CHECK_STATUS(neap_mapping_resize(mapping, segment, 0, true), 0);
    CHECK_INT(neap_mapping_length(mapping), SIZE);
    CHECK_INT(bytes_of(mapping)[SIZE - 1], 3);
    CHECK_FAILS(neap_mapping_resize(mapping, segment, SIZE + 1, true), -EINVAL,
                "the segment has 16384");
    CHECK_STATUS(neap_mapping_resize(mapping, segment, 1, true), 0);
    neap_mapping_close(mapping);
    neap_mapping_close(all);
    end(segment);
}


TEST_EACH(a_mapping_moves_only_if_it_may, of_files)
{
    neap_segment *segment = create(parameter);
    neap_mapping *mapping = map_before(segment, false);
    uint8_t *where = bytes_of(mapping);
    where[9] = 9;
    CHECK_FAILS(neap_mapping_resize(mapping, segment, 0, false), -ENOMEM,
                "let it move");
    CHECK(bytes_of(mapping) == where);
    CHECK_INT(neap_mapping_length(mapping), PAGE);
    neap_mapping_view(mapping, 1);
    CHECK_FAILS(neap_mapping_resize(mapping, segment, 0, true), -EBUSY,
                "arrays view it (1)");
    CHECK_FAILS(neap_mapping_resize(mapping, segment, 1, true), -EBUSY,
                "shorter");
    neap_mapping_view(mapping, -1);
    CHECK_STATUS(neap_mapping_resize(mapping, segment, 0, true), 0);
    CHECK(bytes_of(mapping) != where);
    CHECK_INT(bytes_of(mapping)[9], 9);
    CHECK_INT(neap_mapping_length(mapping), SIZE);
    neap_mapping_close(mapping);
    end(segment);
}


TEST_EACH(views_do_not_mind_growth_in_place, of_files)
{
    neap_segment *segment = create(parameter);
    neap_mapping *mapping = map_before(segment, true);
    uint8_t *where = bytes_of(mapping);
    neap_mapping_view(mapping, 1);
    CHECK_STATUS(neap_mapping_resize(mapping, segment, 0, false), 0);
    CHECK(bytes_of(mapping) == where);
    where[SIZE - 1] = 1;
    neap_mapping_view(mapping, -1);
    neap_mapping_close(mapping);
    end(segment);
}


TEST_EACH(any_handle_of_the_same_segment_will_do, test_named_kinds)
{
    neap_segment *segment = create(parameter), *same, *other;
    neap_mapping *mapping = map(segment, 0, PAGE);
    CHECK_STATUS(neap_segment_open(neap_segment_address(segment), true, &same),
                 0);
    CHECK_STATUS(neap_mapping_resize(mapping, same, 2 * PAGE, true), 0);
    CHECK_STATUS(neap_segment_create(test_address(parameter, 1), SIZE, 0,
                                     &other), 0);
    CHECK_FAILS(neap_mapping_resize(mapping, other, 0, true), -EINVAL,
                "another segment");
    CHECK_STATUS(neap_mapping_resize(mapping, NULL, 0, true), NEAP_ECLOSED);
    CHECK_STATUS(neap_mapping_resize(NULL, segment, 0, true), NEAP_ECLOSED);
    CHECK_INT(neap_mapping_length(mapping), 2 * PAGE);
    neap_mapping_close(mapping);
    neap_segment_close(same);
    end(other);
    end(segment);
}


TEST(what_cannot_be_resized_says_why)
{
    neap_segment *segment = create("sysv"), *file = create("memfd");
    neap_mapping_options options = {.size = sizeof options,
                                    .flags = NEAP_MAPPING_PRIVATE};
    neap_mapping *copy, *parts = map(file, 0, 2 * PAGE);
    CHECK_STATUS(neap_mapping_open_with(segment, NEAP_PROT_WRITE, &options,
                                        &copy), 0);
    CHECK_FAILS(neap_mapping_resize(copy, segment, 1, true), -ENOTSUP,
                "copied at once");
    CHECK_STATUS(neap_mapping_protect_part(parts, 0, 1, NEAP_PROT_READ), 0);
    CHECK_FAILS(neap_mapping_resize(parts, file, 0, true), -ENOTSUP,
                "protections of their own");
    CHECK_STATUS(neap_mapping_protect(parts, NEAP_PROT_READ), 0);
    CHECK_STATUS(neap_mapping_resize(parts, file, 0, true), 0);
    CHECK_INT(neap_mapping_protection(parts), NEAP_PROT_READ);
    neap_mapping_close(copy);
    neap_mapping_close(parts);
    end(file);
    end(segment);
}


TEST_EACH(a_private_mapping_grows_and_keeps_what_was_written, of_files)
{
    neap_segment *segment = create(parameter);
    neap_mapping_options options = {.size = sizeof options, .length = PAGE,
                                    .flags = NEAP_MAPPING_PRIVATE};
    neap_mapping *mine, *all = map(segment, 0, 0);
    CHECK_STATUS(neap_mapping_open_with(segment, NEAP_PROT_WRITE, &options,
                                        &mine), 0);
    bytes_of(mine)[1] = 1;
    bytes_of(all)[2 * PAGE] = 2;
    CHECK_STATUS(neap_mapping_resize(mine, segment, 0, true), 0);
    CHECK_INT(bytes_of(mine)[1], 1);
    CHECK_INT(bytes_of(mine)[2 * PAGE], 2);
    CHECK_INT(bytes_of(all)[1], 0);
    neap_mapping_close(mine);
    neap_mapping_close(all);
    end(segment);
}
