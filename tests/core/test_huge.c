/* Tests of segments in huge pages. They fill the kernel's pool, which takes
 * root, and leave it as it was; one at a time, for there is one pool. */
#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>

#include "lib/harness.h"
#include "neap/system.h"

enum { HUGE = 2 << 20, PAGE = 4096, WANTED = 8 };

#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"

static const char *const huge_kinds[] = {"sysv", "anonymous", "memfd", NULL};
static const char *const small_kinds[] = {"posix", "file", NULL};

/* -- the pool -------------------------------------------------------------- */

static int pool = -1;
static int before;


static int read_pool(void)
{
    char text[32] = "";
    CHECK(pread(pool, text, sizeof text - 1, 0) > 0);
    return atoi(text);
}


static bool write_pool(int pages)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%d\n", pages);
    return pwrite(pool, text, (size_t)length, 0) == length;
}


/* Whoever ends in the middle of a test is a child of this process, which puts
 * the pool back, whatever that was. */
static void with_pool(int (*test)(void *argument), const char *kind)
{
    pool = open(POOL, O_RDWR | O_CLOEXEC);
    if (pool < 0)
        test_skip("the pool of huge pages is root's: " POOL);
    flock(pool, LOCK_EX);
    before = read_pool();
    bool filled = write_pool(before + WANTED) && read_pool() == before + WANTED;
    int status = filled ? test_wait(test_fork(test, (void *)kind)) : 0;
    write_pool(before);
    close(pool);
    if (!filled)
        test_skip("there is no room for %d huge pages", WANTED);
    CHECK_INT(status, 0);
}


static uint64_t count_free(void)
{
    neap_huge_pool found;
    for (uint32_t n = 0; neap_huge_pool_at(n, &found) == NEAP_MORE; n++)
        if (found.page == HUGE)
            return found.free;
    FAIL("there is no pool of pages of 2 MiB");
}

/* -- segments -------------------------------------------------------------- */

static int try_create(const char *kind, uint64_t size, uint32_t flags,
                      uint64_t huge_page, neap_segment **ret_segment)
{
    neap_segment_options options = {.size = sizeof options, .flags = flags,
                                    .huge_page = huge_page};
    return neap_segment_create_with(test_address(kind, 0), size, &options,
                                    ret_segment);
}


static neap_segment *create(const char *kind, uint64_t size)
{
    neap_segment *segment;
    CHECK_STATUS(try_create(kind, size, NEAP_SEGMENT_HUGE, HUGE, &segment), 0);
    return segment;
}


static void end(neap_segment *segment)
{
    int status = neap_segment_unlink(segment);
    if (status != -ENOTSUP)
        CHECK_STATUS(status, 0);
    neap_segment_close(segment);
}


static neap_segment_stat status_of(neap_segment *segment)
{
    neap_segment_stat stat;
    CHECK_STATUS(neap_segment_status(segment, &stat), 0);
    return stat;
}


static neap_mapping *map(neap_segment *segment, uint64_t offset,
                         uint64_t length, uint32_t flags)
{
    neap_mapping_options options = {.size = sizeof options, .flags = flags,
                                    .offset = offset, .length = length};
    neap_mapping *mapping;
    CHECK_STATUS(neap_mapping_open_with(segment, NEAP_PROT_WRITE, &options,
                                        &mapping), 0);
    return mapping;
}


static uint8_t *bytes_of(neap_mapping *mapping)
{
    return neap_mapping_data(mapping);
}

/* -- with a pool ----------------------------------------------------------- */

static int have_whole_pages(void *kind)
{
    uint64_t free = count_free();
    neap_segment *segment = create(kind, HUGE + 1);
    neap_segment_stat stat = status_of(segment);
    CHECK_INT(stat.size, 2 * HUGE);
    CHECK_INT(stat.page, HUGE);
    CHECK_INT(free - count_free(), 2);
    neap_mapping *all = map(segment, 0, 0, 0);
    for (uint64_t i = 0; i < 2 * HUGE; i += 999)
        CHECK_INT(bytes_of(all)[i], 0);
    neap_mapping_close(all);
    end(segment);
    CHECK_INT(count_free(), free);
    return 0;
}


TEST_EACH(a_size_is_rounded_up_to_whole_huge_pages, huge_kinds)
{
    with_pool(have_whole_pages, parameter);
}


static int map_parts(void *kind)
{
    neap_segment *segment = create(kind, 2 * HUGE);
    neap_mapping *all = map(segment, 0, 0, NEAP_MAPPING_PREFAULT);
    neap_mapping *part = map(segment, HUGE + 5, 3, 0);
    neap_value value;
    uint64_t bytes = 0;
    bytes_of(part)[0] = 7;
    CHECK_INT(bytes_of(all)[HUGE + 5], 7);
    CHECK_INT(neap_mapping_length(part), 3);
    CHECK_FAILS(neap_mapping_read(part, 3, NEAP_TYPE_U8, &value), -ERANGE,
                "it has 3 bytes");
    CHECK_STATUS(neap_mapping_resident(all, 0, 0, &bytes), 0);
    CHECK_INT(bytes, 2 * HUGE);
    /* Whole huge pages change. */
    CHECK_STATUS(neap_mapping_protect_part(all, HUGE + 5, 1, NEAP_PROT_READ),
                 0);
    bytes_of(all)[HUGE - 1] = 1;
    CHECK_STATUS(neap_mapping_read(all, HUGE + 5, NEAP_TYPE_U8, &value), 0);
    CHECK_INT(value.as.u, 7);
    CHECK_FAILS(neap_mapping_write(all, HUGE, NEAP_TYPE_U8, value), -EACCES,
                "that part");
    CHECK_STATUS(neap_mapping_advise(all, 0, 1, NEAP_ADVICE_DONTNEED), 0);
    neap_mapping_close(part);
    neap_mapping_close(all);
    end(segment);
    return 0;
}


TEST_EACH(mappings_of_huge_pages_begin_and_end_anywhere, huge_kinds)
{
    with_pool(map_parts, parameter);
}


static int copy_privately(void *kind)
{
    neap_segment *segment = create(kind, HUGE);
    neap_mapping *all = map(segment, 0, 0, NEAP_MAPPING_HUGE);
    bytes_of(all)[9] = 1;
    neap_mapping *mine = map(segment, 0, 0, NEAP_MAPPING_PRIVATE);
    CHECK_INT(bytes_of(mine)[9], 1);
    bytes_of(mine)[9] = 2;
    CHECK_INT(bytes_of(all)[9], 1);
    neap_mapping_close(mine);
    neap_mapping_close(all);
    end(segment);
    return 0;
}


TEST_EACH(huge_pages_have_private_mappings, huge_kinds)
{
    with_pool(copy_privately, parameter);
}


static int ask_for_too_many(void *kind)
{
    uint64_t free = count_free();
    neap_segment *segment = NULL;
    CHECK_FAILS(try_create(kind, (free + 1) * HUGE, NEAP_SEGMENT_HUGE, HUGE,
                           &segment), -ENOMEM, "nr_hugepages");
    char words[80];
    snprintf(words, sizeof words, "%llu are needed, %llu of ",
             (unsigned long long)free + 1, (unsigned long long)free);
    CHECK_FAILS(try_create(kind, (free + 1) * HUGE, NEAP_SEGMENT_HUGE, HUGE,
                           &segment), -ENOMEM, words);
    CHECK(!segment);
    CHECK_INT(count_free(), free);
    CHECK_STATUS(try_create(kind, (free + 1) * HUGE - 1, NEAP_SEGMENT_HUGE_TRY,
                            HUGE, &segment), 0);
    neap_segment_stat stat = status_of(segment);
    CHECK_INT(stat.page, PAGE);
    CHECK_INT(stat.size, (free + 1) * HUGE - 1);
    CHECK_INT(count_free(), free);
    end(segment);
    return 0;
}


TEST_EACH(too_few_huge_pages_are_counted_or_small_ones_taken, huge_kinds)
{
    with_pool(ask_for_too_many, parameter);
}


static int resize_and_punch(void *kind)
{
    uint64_t free = count_free();
    neap_segment *segment = create(kind, HUGE);
    CHECK_STATUS(neap_segment_resize(segment, HUGE + 1), 0);
    CHECK_INT(status_of(segment).size, 2 * HUGE);
    CHECK_FAILS(neap_segment_resize(segment, (free + 1) * HUGE), -ENOMEM,
                "are needed");
    CHECK_INT(status_of(segment).size, 2 * HUGE);
    CHECK_INT(count_free(), free - 2);
    neap_mapping *all = map(segment, 0, 0, 0);
    memset(bytes_of(all), 1, 2 * HUGE);
    CHECK_STATUS(neap_segment_punch(segment, 0, HUGE), 0);
    CHECK_INT(count_free(), free - 1);
    CHECK_INT(bytes_of(all)[HUGE], 1);
    CHECK_INT(bytes_of(all)[0], 0);
    neap_mapping_close(all);
    CHECK_STATUS(neap_segment_resize(segment, 1), 0);
    CHECK_INT(status_of(segment).size, HUGE);
    end(segment);
    return 0;
}


TEST(a_memfd_in_huge_pages_is_resized_by_whole_ones)
{
    with_pool(resize_and_punch, "memfd");
}


static int look_from_elsewhere(void *kind)
{
    neap_segment *segment = create(kind, HUGE), *other;
    CHECK_STATUS(neap_segment_open(neap_segment_address(segment), false,
                                   &other), 0);
    CHECK_INT(status_of(other).page, strcmp(kind, "sysv") == 0 ? 0 : HUGE);
    neap_mapping *part = map(other, 5, 10, 0);
    CHECK_INT(status_of(other).page, HUGE);
    CHECK_STATUS(neap_mapping_protect_part(part, 0, 1, NEAP_PROT_READ), 0);
    neap_mapping_close(part);
    neap_segment_close(other);
    end(segment);
    return 0;
}


TEST(another_handle_learns_that_pages_are_huge)
{
    with_pool(look_from_elsewhere, "sysv");
    with_pool(look_from_elsewhere, "memfd");
}


static int be_nobody(void *kind)
{
    neap_segment *segment;
    if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
        FAIL("cannot become nobody");
    CHECK_FAILS(try_create(kind, HUGE, NEAP_SEGMENT_HUGE, 0, &segment), -EPERM,
                "vm.hugetlb_shm_group");
    CHECK_STATUS(try_create(kind, HUGE, NEAP_SEGMENT_HUGE_TRY, 0, &segment), 0);
    CHECK_INT(status_of(segment).page, PAGE);
    end(segment);
    CHECK_STATUS(try_create("memfd", HUGE, NEAP_SEGMENT_HUGE, 0, &segment), 0);
    end(segment);
    return 0;
}


TEST(who_may_have_system_v_in_huge_pages_is_told)
{
    with_pool(be_nobody, "sysv");
}


static int overlay_it(void *kind)
{
    neap_segment *segment = create(kind, HUGE);
    neap_overlay_options options = {0};
    neap_overlay *overlay;
    CHECK_FAILS(neap_overlay_open(segment, &options, &overlay), -ENOTSUP,
                "its pages are huge");
    end(segment);
    return 0;
}


TEST(huge_pages_are_not_overlaid)
{
    with_pool(overlay_it, "memfd");
}

/* -- whatever the pool ----------------------------------------------------- */

TEST_EACH(kinds_whose_file_system_decides_say_so, small_kinds)
{
    neap_segment *segment;
    CHECK_FAILS(try_create(parameter, PAGE, NEAP_SEGMENT_HUGE, 0, &segment),
                -ENOTSUP, "memfd, sysv and anonymous");
    CHECK_STATUS(try_create(parameter, 100, NEAP_SEGMENT_HUGE_TRY, 0,
                            &segment), 0);
    CHECK_INT(status_of(segment).page, PAGE);
    CHECK_INT(status_of(segment).size, 100);
    end(segment);
}


TEST_EACH(what_cannot_be_asked_of_huge_pages_is_refused, test_kinds)
{
    neap_segment *segment = NULL;
    neap_segment_options none = {.size = 1};
    CHECK_FAILS(try_create(parameter, PAGE, 3, 0, &segment), -EINVAL,
                "choose one");
    CHECK_FAILS(try_create(parameter, PAGE, 4, 0, &segment), -EINVAL,
                "neap_segment_flags");
    CHECK_FAILS(try_create(parameter, PAGE, 0, HUGE, &segment), -EINVAL,
                "tried or required");
    CHECK_FAILS(try_create(parameter, PAGE, 1, HUGE + 1, &segment), -EINVAL,
                "power of two");
    CHECK_FAILS(try_create(parameter, PAGE, 2, PAGE, &segment), -EINVAL,
                "power of two");
    CHECK_FAILS(neap_segment_create_with(test_address(parameter, 0), PAGE,
                                         &none, &segment), -EINVAL,
                "sizeof(neap_segment_options)");
    CHECK(!segment);
}


TEST_EACH(a_size_of_pages_that_there_is_not_is_named, huge_kinds)
{
    neap_huge_pool first;
    neap_segment *segment;
    if (neap_huge_pool_at(0, &first) != NEAP_MORE)
        test_skip("this kernel has no huge pages");
    CHECK_FAILS(try_create(parameter, PAGE, NEAP_SEGMENT_HUGE, 8192, &segment),
                -EINVAL, "in huge pages of 8192 bytes: this machine has them of ");
    CHECK_STATUS(neap_huge_pool_at(1000, &first), 0);
}
