/* Tests of what else may be asked of a mapping: where it is, whose writes it
 * sees, what its parts allow, and what of it is in memory. */
#include <sys/mman.h>
#include <sys/resource.h>

#include "lib/harness.h"
#include "neap/maps.h"
#include "neap/system.h"

enum {
    PAGE = 4096,
    SIZE = 16 * PAGE,
    READ = NEAP_PROT_READ,
    WRITE = NEAP_PROT_WRITE
};

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


static int try_with(neap_segment *segment, uint32_t flags, uint64_t offset,
                    void *address, neap_mapping **ret_mapping)
{
    neap_mapping_options options = {.size = sizeof options, .flags = flags,
                                    .offset = offset, .address = address};
    return neap_mapping_open_with(segment, WRITE, &options, ret_mapping);
}


static neap_mapping *map_with(neap_segment *segment, uint32_t flags)
{
    neap_mapping *mapping;
    CHECK_STATUS(try_with(segment, flags, 0, NULL, &mapping), 0);
    return mapping;
}


static uint8_t *bytes_of(neap_mapping *mapping)
{
    return neap_mapping_data(mapping);
}


static neap_value integer(int64_t i)
{
    return (neap_value){.kind = 'i', .as.i = i};
}

/* -- options --------------------------------------------------------------- */

TEST_EACH(what_is_written_to_a_private_mapping_stays_there, test_kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *shared = map_with(segment, 0);
    for (int i = 0; i < SIZE; i++)
        bytes_of(shared)[i] = (uint8_t)(i / 100);
    neap_mapping *mine = map_with(segment, NEAP_MAPPING_PRIVATE);
    CHECK_INT(memcmp(bytes_of(mine), bytes_of(shared), SIZE), 0);
    CHECK_STATUS(neap_mapping_write(mine, 300, NEAP_TYPE_I8, integer(77)), 0);
    CHECK_INT(bytes_of(shared)[300], 3);
    CHECK_INT(bytes_of(mine)[300], 77);
    bytes_of(shared)[300] = 4;
    CHECK_INT(bytes_of(mine)[300], 77);
    neap_mapping_close(mine);
    CHECK_INT(bytes_of(shared)[300], 4);
    neap_mapping_close(shared);
    end(segment);
}


TEST_EACH(a_private_mapping_needs_no_right_to_write, test_named_kinds)
{
    neap_segment *segment = create(parameter), *reader;
    neap_mapping *mine;
    CHECK_STATUS(neap_segment_open(neap_segment_address(segment), true,
                                   &reader), 0);
    CHECK_STATUS(try_with(reader, 0, 0, NULL, &mine), -EACCES);
    mine = map_with(reader, NEAP_MAPPING_PRIVATE);
    CHECK_STATUS(neap_mapping_write(mine, 0, NEAP_TYPE_I8, integer(2)), 0);
    CHECK_STATUS(neap_mapping_protect(mine, READ), 0);
    CHECK_STATUS(neap_mapping_protect(mine, WRITE), 0);
    neap_mapping_close(mine);
    neap_segment_close(reader);
    end(segment);
}


/* A part that begins and ends within pages, after its segment is gone. */
TEST_EACH(a_private_part_has_its_bytes, test_kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *shared = map_with(segment, 0), *mine;
    for (int i = 0; i < SIZE; i++)
        bytes_of(shared)[i] = (uint8_t)(i / 100);
    neap_mapping_options options = {.size = sizeof options, .length = 5000,
                                    .flags = NEAP_MAPPING_PRIVATE,
                                    .offset = 3 * PAGE + 7};
    CHECK_STATUS(neap_mapping_open_with(segment, READ, &options, &mine), 0);
    neap_mapping_close(shared);
    end(segment);
    CHECK_INT(neap_mapping_length(mine), 5000);
    for (int i = 0; i < 5000; i++)
        CHECK_INT(bytes_of(mine)[i], (uint8_t)((3 * PAGE + 7 + i) / 100));
    CHECK_FAILS(neap_mapping_write(mine, 0, NEAP_TYPE_I8, integer(1)), -EACCES,
                "mapped read-only");
    neap_mapping_close(mine);
}


TEST_EACH(a_private_mapping_lies_where_it_is_asked_for, test_kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *mine = map_with(segment, NEAP_MAPPING_PRIVATE), *other = NULL;
    uint8_t *where = bytes_of(mine);
    CHECK_FAILS(try_with(segment, NEAP_MAPPING_PRIVATE, 0, where, &other),
                -EEXIST, "are not free");
    CHECK(!other);
    neap_mapping_close(mine);
    CHECK_STATUS(try_with(segment, NEAP_MAPPING_PRIVATE, 0, where, &mine), 0);
    CHECK(bytes_of(mine) == where);
    neap_mapping_close(mine);
    end(segment);
}


TEST_EACH(the_only_copy_of_a_page_is_not_forgotten, without_files)
{
    neap_segment *segment = create(parameter);
    neap_mapping *shared = map_with(segment, 0);
    bytes_of(shared)[0] = 1;
    neap_mapping *mine = map_with(segment, NEAP_MAPPING_PRIVATE);
    CHECK_FAILS(neap_mapping_advise(mine, 0, 0, NEAP_ADVICE_DONTNEED), -ENOTSUP,
                "the only copy");
    CHECK_STATUS(neap_mapping_advise(mine, 0, 0, NEAP_ADVICE_RANDOM), 0);
    CHECK_INT(bytes_of(mine)[0], 1);
    neap_mapping_close(mine);
    neap_mapping_close(shared);
    end(segment);
}


TEST_EACH(a_mapping_lies_where_it_is_asked_for, test_kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *mapping;
    /* Free again, and nobody else asks for addresses meanwhile. */
    uint8_t *where = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
                          -1, 0);
    munmap(where, SIZE);
    CHECK_STATUS(try_with(segment, 0, 0, where, &mapping), 0);
    CHECK(bytes_of(mapping) == where);
    bytes_of(mapping)[PAGE + 5] = 7;
    neap_mapping_close(mapping);

    CHECK_STATUS(try_with(segment, 0, PAGE + 5, where + PAGE + 5, &mapping), 0);
    CHECK(bytes_of(mapping) == where + PAGE + 5);
    CHECK_INT(*bytes_of(mapping), 7);
    neap_mapping_close(mapping);
    end(segment);
}


TEST_EACH(a_mapping_never_takes_the_place_of_another, test_kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *one = map_with(segment, 0), *other = NULL;
    bytes_of(one)[9] = 9;
    char there[40];
    snprintf(there, sizeof there, ", at %#llx to ",
             (unsigned long long)(uintptr_t)bytes_of(one));
    CHECK_FAILS(try_with(segment, 0, 0, bytes_of(one), &other), -EEXIST,
                "are not free, there is memory of kind");
    CHECK_FAILS(try_with(segment, 0, 0, bytes_of(one), &other), -EEXIST, there);
    CHECK_FAILS(try_with(segment, 0, PAGE, bytes_of(one) + 2 * PAGE, &other),
                -EEXIST, "there is memory of kind");
    CHECK_FAILS(try_with(segment, 0, 0, bytes_of(one) - PAGE, &other), -EEXIST,
                "choose another address");
    CHECK_FAILS(try_with(segment, 0, 0, bytes_of(one) + 1, &other), -EINVAL,
                "as far into a page");
    CHECK(!other);
    CHECK_INT(bytes_of(one)[9], 9);
    neap_mapping_close(one);
    end(segment);
}


TEST_EACH(a_prefaulted_mapping_is_in_memory, test_kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *mapping = map_with(segment, NEAP_MAPPING_PREFAULT);
    uint64_t bytes = 0;
    CHECK_STATUS(neap_mapping_resident(mapping, 0, 0, &bytes), 0);
    CHECK_INT(bytes, SIZE);
    CHECK_STATUS(neap_mapping_resident(mapping, PAGE - 1, 2, &bytes), 0);
    CHECK_INT(bytes, 2 * PAGE);
    neap_mapping_close(mapping);
    end(segment);
}


static int lock_too_much(void *segment)
{
    neap_mapping *mapping;
    struct rlimit limit = {PAGE, PAGE};
    CHECK_INT(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    if (geteuid() == 0)
        CHECK_INT(setuid(65534), 0);
    CHECK_FAILS(try_with(segment, NEAP_MAPPING_LOCKED, 0, NULL, &mapping),
                -ENOMEM, "RLIMIT_MEMLOCK");
    return 0;
}


TEST_EACH(a_limit_on_locked_memory_is_named, test_kinds)
{
    if (TEST_UNDER_ASAN || TEST_UNDER_TSAN)
        test_skip("under a sanitizer nothing is locked");
    neap_segment *segment = create(parameter);
    if (strcmp(parameter, "sysv") == 0) /* whose mode counts at each mapping */
        CHECK_STATUS(neap_segment_set_mode(segment, 0666), 0);
    CHECK_INT(test_wait(test_fork(lock_too_much, segment)), 0);
    neap_mapping *mapping = map_with(segment, NEAP_MAPPING_LOCKED);
    uint64_t bytes = 0;
    CHECK_STATUS(neap_mapping_resident(mapping, 0, 0, &bytes), 0);
    CHECK_INT(bytes, SIZE);
    neap_mapping_close(mapping);
    end(segment);
}


TEST_EACH(huge_pages_are_had_if_possible_or_refused_with_a_reason, test_kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *mapping = map_with(segment, NEAP_MAPPING_HUGE_TRY);
    neap_mapping_close(mapping);
    /* 64 KiB hold no huge page. */
    CHECK_FAILS(try_with(segment, NEAP_MAPPING_HUGE, 0, NULL, &mapping),
                -EINVAL, "must hold a whole one");
    CHECK_FAILS(try_with(segment, NEAP_MAPPING_HUGE | NEAP_MAPPING_HUGE_TRY, 0,
                         NULL, &mapping), -EINVAL, "choose one");
    end(segment);
}


TEST(options_that_are_none_are_refused)
{
    neap_segment *segment = create("memfd");
    neap_mapping *mapping;
    neap_mapping_options options = {.size = 1};
    CHECK_FAILS(neap_mapping_open_with(segment, READ, &options, &mapping),
                -EINVAL, "sizeof(neap_mapping_options)");
    CHECK_STATUS(try_with(segment, 64, 0, NULL, &mapping), -EINVAL);
    CHECK_STATUS(try_with(NULL, 0, 0, NULL, &mapping), NEAP_ECLOSED);
    end(segment);
}


static int map_too_much(void *segment)
{
    neap_mapping *mapping;
    struct rlimit limit = {SIZE, SIZE};
    CHECK_INT(setrlimit(RLIMIT_AS, &limit), 0);
    CHECK_FAILS(try_with(segment, 0, 0, NULL, &mapping), -ENOMEM,
                "cannot map 65536 bytes");
    return 0;
}


TEST_EACH(no_more_address_space_is_enomem, test_kinds)
{
    if (TEST_UNDER_ASAN || TEST_UNDER_TSAN)
        test_skip("a sanitizer needs all addresses");
    neap_segment *segment = create(parameter);
    CHECK_INT(test_wait(test_fork(map_too_much, segment)), 0);
    end(segment);
}

/* -- parts ----------------------------------------------------------------- */

static int poke_second_page(void *mapping)
{
    signal(SIGSEGV, SIG_DFL);
    ((volatile uint8_t *)neap_mapping_data(mapping))[PAGE] = 1;
    return 0;
}


TEST_EACH(a_part_may_have_a_protection_of_its_own, test_kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *mapping = map_with(segment, 0);
    neap_value value;
    CHECK_STATUS(neap_mapping_protect_part(mapping, PAGE, PAGE, READ), 0);
    CHECK_STATUS(neap_mapping_protect_part(mapping, 3 * PAGE + 7, 1,
                                           NEAP_PROT_NONE), 0);
    CHECK_INT(neap_mapping_protection(mapping), NEAP_PROT_NONE);

    CHECK_STATUS(neap_mapping_write(mapping, PAGE - 1, NEAP_TYPE_I8,
                                    integer(1)), 0);
    CHECK_FAILS(neap_mapping_write(mapping, PAGE - 1, NEAP_TYPE_I16,
                                   integer(1)), -EACCES, "that part");
    CHECK_STATUS(neap_mapping_read(mapping, PAGE, NEAP_TYPE_I8, &value), 0);
    CHECK_FAILS(neap_mapping_read(mapping, 3 * PAGE, NEAP_TYPE_I8, &value),
                -EACCES, "read from that part");
    CHECK_INT(test_wait(test_fork(poke_second_page, mapping)), -SIGSEGV);

    CHECK_STATUS(neap_mapping_protect(mapping, WRITE), 0);
    CHECK_INT(neap_mapping_protection(mapping), READ | WRITE);
    CHECK_INT(test_wait(test_fork(poke_second_page, mapping)), 0);
    neap_mapping_close(mapping);
    end(segment);
}


TEST(a_part_keeps_to_the_rules_of_the_whole)
{
    neap_segment *segment = create("posix"), *reader;
    neap_mapping *mapping = map_with(segment, 0);
    CHECK_FAILS(neap_mapping_protect_part(mapping, SIZE, 0, READ), -ERANGE,
                "it has 65536 bytes");
    CHECK_STATUS(neap_mapping_protect_part(mapping, 1, SIZE, READ), -ERANGE);
    CHECK_STATUS(neap_mapping_protect_part(mapping, 0, 1, 64), -EINVAL);
    CHECK_STATUS(neap_mapping_protect_part(NULL, 0, 1, READ), NEAP_ECLOSED);
    neap_mapping_view(mapping, 1);
    CHECK_FAILS(neap_mapping_protect_part(mapping, 0, 1, READ), -EBUSY,
                "view it (1)");
    neap_mapping_view(mapping, -1);
    neap_mapping_close(mapping);

    CHECK_STATUS(neap_segment_open(neap_segment_address(segment), true,
                                   &reader), 0);
    CHECK_STATUS(neap_mapping_open(reader, 0, 0, READ, &mapping), 0);
    CHECK_FAILS(neap_mapping_protect_part(mapping, 0, 1, WRITE), -EACCES,
                "opened read-only");
    neap_mapping_close(mapping);
    neap_segment_close(reader);
    end(segment);
}


TEST_EACH(advice_changes_nothing_that_is_shared, test_kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *mapping = map_with(segment, 0);
    bytes_of(mapping)[5] = 5;
    for (int advice = NEAP_ADVICE_NORMAL; advice <= NEAP_ADVICE_DONTNEED;
         advice++)
        CHECK_STATUS(neap_mapping_advise(mapping, 3, 0, advice), 0);
    CHECK_INT(bytes_of(mapping)[5], 5);
    CHECK_FAILS(neap_mapping_advise(mapping, 0, 0, 99), -EINVAL, "99");
    CHECK_FAILS(neap_mapping_advise(mapping, 0, SIZE + 1, 0), -ERANGE,
                "65536 bytes");
    CHECK_STATUS(neap_mapping_advise(NULL, 0, 0, 0), NEAP_ECLOSED);
    neap_mapping_close(mapping);
    end(segment);
}

/* -- nodes of memory ------------------------------------------------------- */

static uint64_t some_node(void)
{
    neap_node first;
    CHECK_STATUS(neap_node_at(0, &first), NEAP_MORE);
    return UINT64_C(1) << first.node;
}


static int place(neap_mapping *mapping, int placement, uint64_t nodes)
{
    int status = neap_mapping_place(mapping, PAGE + 1, 2 * PAGE, placement,
                                    nodes);
    if (status == -EPERM || status == -ENOSYS)
        test_skip("memory is not placed here: %s", neap_error_text());
    return status;
}


TEST_EACH(pages_are_placed_on_nodes_that_there_are, test_kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *mapping = map_with(segment, 0);
    uint64_t node = some_node();
    neap_page_info page;
    memset(bytes_of(mapping), 1, SIZE);
    CHECK_STATUS(place(mapping, NEAP_PLACE_BIND, node), 0);
    CHECK_STATUS(place(mapping, NEAP_PLACE_PREFER, node), 0);
    CHECK_STATUS(place(mapping, NEAP_PLACE_INTERLEAVE, node), 0);
    CHECK_STATUS(neap_translate(0, (uintptr_t)bytes_of(mapping) + PAGE, &page),
                 0);
    CHECK_INT(UINT64_C(1) << page.node, node);
    CHECK_STATUS(place(mapping, NEAP_PLACE_DEFAULT, 0), 0);
    CHECK_INT(bytes_of(mapping)[PAGE], 1);
    neap_mapping_close(mapping);
    end(segment);
}


TEST(nodes_that_there_are_not_are_refused)
{
    neap_segment *segment = create("memfd");
    neap_mapping *mapping = map_with(segment, 0);
    neap_node node;
    uint64_t nodes = some_node(), first = nodes, none;
    for (uint32_t n = 0; neap_node_at(n, &node) == NEAP_MORE; n++) {
        CHECK(node.total >= node.free);
        nodes |= UINT64_C(1) << node.node;
    }
    CHECK_STATUS(neap_node_at(1000, &node), 0);
    for (none = 1; nodes & none; none <<= 1)
        ;
    CHECK_FAILS(place(mapping, NEAP_PLACE_BIND, none), -EINVAL,
                "there is memory on node ");
    CHECK_FAILS(place(mapping, NEAP_PLACE_INTERLEAVE, first | none), -EINVAL,
                "cannot place");
    CHECK_FAILS(place(mapping, NEAP_PLACE_BIND, 0), -EINVAL, "is not said");
    CHECK_FAILS(place(mapping, NEAP_PLACE_DEFAULT, first), -EINVAL,
                "without nodes");
    CHECK_FAILS(place(mapping, 9, first), -EINVAL, "NEAP_PLACE_INTERLEAVE");
    CHECK_FAILS(neap_mapping_place(mapping, SIZE, 1, NEAP_PLACE_BIND, first),
                -ERANGE, "65536 bytes");
    CHECK_STATUS(neap_mapping_place(NULL, 0, 0, NEAP_PLACE_BIND, first),
                 NEAP_ECLOSED);
    neap_mapping_close(mapping);
    end(segment);
}

/* -- holes ----------------------------------------------------------------- */

TEST_EACH(a_hole_reads_as_zero_and_gives_memory_back, of_files)
{
    neap_segment *segment = create(parameter);
    neap_mapping *mapping = map_with(segment, 0);
    neap_segment_stat before, after;
    memset(bytes_of(mapping), 1, SIZE);
    CHECK_STATUS(neap_segment_status(segment, &before), 0);
    int status = neap_segment_punch(segment, 100, 8 * PAGE);
    if (status == -EOPNOTSUPP)
        test_skip("the file system here has no holes");
    CHECK_STATUS(status, 0);
    CHECK_STATUS(neap_segment_status(segment, &after), 0);
    CHECK_INT(after.size, SIZE);
    CHECK_INT(before.allocated - after.allocated, 7 * PAGE);
    CHECK_INT(bytes_of(mapping)[99], 1);
    CHECK_INT(bytes_of(mapping)[100], 0);
    CHECK_INT(bytes_of(mapping)[8 * PAGE + 99], 0);
    CHECK_INT(bytes_of(mapping)[8 * PAGE + 100], 1);
    bytes_of(mapping)[PAGE] = 2;
    CHECK_FAILS(neap_segment_punch(segment, SIZE, 1), -ERANGE, "65536 bytes");
    CHECK_STATUS(neap_segment_punch(segment, 0, 0), -ERANGE);
    CHECK_STATUS(neap_segment_punch(segment, 1, SIZE), -ERANGE);
    neap_mapping_close(mapping);
    end(segment);
}


TEST_EACH(kinds_without_holes_say_so, without_files)
{
    neap_segment *segment = create(parameter);
    CHECK_FAILS(neap_segment_punch(segment, 0, PAGE), -ENOTSUP,
                "no file that could have one");
    CHECK_STATUS(neap_segment_punch(NULL, 0, PAGE), NEAP_ECLOSED);
    end(segment);
}
