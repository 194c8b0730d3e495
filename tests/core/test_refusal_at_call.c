/* Refusals at every call of the kernel (lib/refuse.h): segments and
 * mappings. */
#include <fcntl.h>

#include "base/base.h"
#include "heaps.h"
#include "lib/harness.h"
#include "lib/refuse.h"
#include "lib/trace.h"

enum { SIZE = 5 * 4096, LARGER = 9 * 4096 };

static char address[320];
static const char *named_in_text, *or_so; /* what each sentence has of both */


static void enumerate(const struct refuse_work *work)
{
    test_refuse_each(work, named_in_text, or_so);
}


static void begin(const char *kind)
{
    snprintf(address, sizeof address, "%s", test_address(kind, 0));
    named_in_text = or_so = address;
    if (strcmp(kind, "anonymous") == 0)
        named_in_text = kind;
    if (strcmp(kind, "memfd") == 0)
        or_so = "file:/proc/"; /* what it is opened by */
    if (strcmp(kind, "sysv") == 0)
        or_so = "System V segment of id ";
    if (strcmp(kind, "file") == 0)
        or_so = address + strlen("file:");
}

/* -- segments -------------------------------------------------------------- */

static int create(void)
{
    neap_segment *segment;
    int status = neap_segment_create(address, SIZE, 0640, &segment);
    if (status == 0)
        neap_segment_close(segment);
    return status;
}


static void check_created(bool finished)
{
    neap_segment *segment;
    neap_segment_stat stat;
    check_only("segment-0", "");
    CHECK_STATUS(neap_segment_open(address, false, &segment),
                 finished ? 0 : -ENOENT);
    if (!finished)
        return;
    CHECK_STATUS(neap_segment_status(segment, &stat), 0);
    CHECK_INT(stat.size, SIZE);
    CHECK_INT(stat.mode, 0640);
    CHECK_STATUS(neap_segment_unlink(segment), 0);
    neap_segment_close(segment);
}


static const char *const nameless[] = {"anonymous", "memfd", NULL};

TEST_EACH(creating_a_segment, test_named_kinds)
{
    static const struct refuse_work work = {NULL, create, check_created, 0};
    begin(parameter);
    enumerate(&work);
}


TEST_EACH(creating_a_segment_without_a_name, nameless)
{
    static const struct refuse_work work = {NULL, create, NULL,
                                            0};
    begin(parameter);
    enumerate(&work);
}


static void make_it(void)
{
    neap_segment *segment;
    CHECK_STATUS(neap_segment_create(address, SIZE, 0600, &segment), 0);
    neap_segment_close(segment);
}


static void remove_it(bool finished)
{
    (void)finished;
    CHECK_STATUS(neap_unlink(address), 0);
    check_only("", "");
}


static int open_and_look(void)
{
    neap_segment *segment;
    neap_segment_stat stat;
    int status = neap_segment_open(address, false, &segment);
    if (status < 0)
        return status;
    status = neap_segment_status(segment, &stat);
    CHECK(status < 0 || stat.size == SIZE);
    neap_segment_close(segment);
    return status;
}


TEST_EACH(opening_a_segment, test_named_kinds)
{
    static const struct refuse_work work = {make_it, open_and_look, remove_it,
                                            0};
    begin(parameter);
    enumerate(&work);
}


static int open_or_create(void)
{
    neap_segment *segment;
    int status = neap_segment_open_or_create(address, SIZE, 0640, &segment);
    if (status >= 0)
        neap_segment_close(segment);
    return status;
}


TEST_EACH(opening_or_creating_a_segment, test_named_kinds)
{
    static const struct refuse_work work = {NULL, open_or_create,
                                            check_created, 0};
    begin(parameter);
    enumerate(&work);
}

/* What follows is run on the segment that the parent has open. */
static neap_segment *it;

static void make_and_keep(void)
{
    CHECK_STATUS(neap_segment_create(address, SIZE, 0600, &it), 0);
}


static void let_go(bool finished)
{
    (void)finished;
    if (neap_segment_kind(it) != NEAP_KIND_MEMFD &&
        neap_segment_kind(it) != NEAP_KIND_ANONYMOUS)
        CHECK_STATUS(neap_segment_unlink(it), 0);
    neap_segment_close(it);
    check_only("", "");
}


static uint64_t size_of_it(void)
{
    uint64_t size;
    CHECK_STATUS(neap_segment_size(it, &size), 0);
    return size;
}


static int grow(void)
{
    return neap_segment_resize(it, LARGER);
}


static void check_grown(bool finished)
{
    CHECK_INT(size_of_it(), finished ? LARGER : SIZE);
    let_go(finished);
}


static int shrink(void)
{
    return neap_segment_resize(it, SIZE / 2);
}


static void check_shrunk(bool finished)
{
    CHECK_INT(size_of_it(), finished ? SIZE / 2 : SIZE);
    let_go(finished);
}


static const char *const resizable[] = {"posix", "file", "memfd", NULL};

TEST_EACH(growing_a_segment, resizable)
{
    static const struct refuse_work work = {make_and_keep, grow, check_grown,
                                            0};
    begin(parameter);
    enumerate(&work);
}


TEST_EACH(shrinking_a_segment, resizable)
{
    static const struct refuse_work work = {make_and_keep, shrink, check_shrunk,
                                            0};
    begin(parameter);
    enumerate(&work);
}


static int punch(void)
{
    return neap_segment_punch(it, 4096, 4096);
}


TEST_EACH(punching_a_hole, resizable)
{
    static const struct refuse_work work = {make_and_keep, punch, let_go, 0};
    begin(parameter);
    enumerate(&work);
}


static int set_mode(void)
{
    return neap_segment_set_mode(it, 0444);
}


static void check_mode(bool finished)
{
    neap_segment_stat stat;
    CHECK_STATUS(neap_segment_status(it, &stat), 0);
    CHECK_INT(stat.mode, finished ? 0444 : 0600);
    let_go(finished);
}


static const char *const owned[] = {"posix", "file", "memfd", "sysv", NULL};

TEST_EACH(changing_a_mode, owned)
{
    static const struct refuse_work work = {make_and_keep, set_mode, check_mode,
                                            0};
    begin(parameter);
    enumerate(&work);
}


static int set_owner(void)
{
    return neap_segment_set_owner(it, geteuid(), UINT32_MAX);
}


TEST_EACH(changing_an_owner, owned)
{
    static const struct refuse_work work = {make_and_keep, set_owner, let_go,
                                            0};
    begin(parameter);
    enumerate(&work);
}


static int take_name_away(void)
{
    return neap_segment_unlink(it);
}


static int unlink_address(void)
{
    return neap_unlink(address);
}


static void check_removed(bool finished)
{
    if (!finished)
        CHECK_STATUS(neap_segment_unlink(it), 0);
    CHECK_STATUS(neap_unlink(address), -ENOENT);
    neap_segment_close(it);
    check_only("", "");
}


TEST_EACH(unlinking_a_segment, test_named_kinds)
{
    static const struct refuse_work work = {make_and_keep, take_name_away,
                                     check_removed, 0};
    begin(parameter);
    enumerate(&work);
}


TEST_EACH(unlinking_an_address, test_named_kinds)
{
    static const struct refuse_work work = {make_and_keep, unlink_address,
                                     check_removed, 0};
    begin(parameter);
    enumerate(&work);
}


static int seal(void)
{
    return neap_segment_seal(it, NEAP_SEAL_WRITE | NEAP_SEAL_SHRINK);
}


static void check_sealed(bool finished)
{
    int seals;
    CHECK_STATUS(neap_segment_seals(it, &seals), 0);
    CHECK_INT(seals, finished ? NEAP_SEAL_WRITE | NEAP_SEAL_SHRINK : 0);
    let_go(finished);
}


TEST(sealing_a_segment)
{
    static const struct refuse_work work = {make_and_keep, seal, check_sealed,
                                            0};
    begin("memfd");
    enumerate(&work);
}


static int list_segments(void)
{
    neap_segment_list *list;
    neap_segment_info info;
    bool seen = false;
    int status = neap_segment_list_open(&list);
    if (status < 0)
        return status;
    while ((status = neap_segment_list_next(list, &info)) == NEAP_MORE)
        seen |= strstr(address, info.address) != NULL;
    neap_segment_list_close(list);
    (void)seen;
    return status;
}


TEST(listing_segments)
{
    static const struct refuse_work work = {make_and_keep, list_segments,
                                            let_go, 0};
    begin("posix");
    named_in_text = "segments";
    enumerate(&work);
}

/* -- mappings -------------------------------------------------------------- */

static int map_with(uint32_t flags)
{
    neap_mapping_options options = {.size = sizeof options, .flags = flags};
    neap_mapping *mapping;
    neap_value value = {.kind = 'i', .as.i = 7};
    int status = neap_mapping_open_with(it, NEAP_PROT_READ | NEAP_PROT_WRITE,
                                        &options, &mapping);
    if (status < 0)
        return status;
    CHECK_STATUS(neap_mapping_write(mapping, SIZE - 8, NEAP_TYPE_I64, value), 0);
    neap_mapping_close(mapping);
    return 0;
}


static int map_shared(void)
{
    return map_with(NEAP_MAPPING_PREFAULT | NEAP_MAPPING_LOCKED);
}


static int map_private(void)
{
    return map_with(NEAP_MAPPING_PRIVATE);
}


TEST_EACH(mapping_a_segment, test_kinds)
{
    static const struct refuse_work work = {make_and_keep, map_shared, let_go,
                                            0};
    begin(parameter);
    enumerate(&work);
}


TEST_EACH(mapping_a_private_view, test_kinds)
{
    static const struct refuse_work work = {make_and_keep, map_private, let_go,
                                            0};
    begin(parameter);
    enumerate(&work);
}


static neap_mapping *view;

static void make_and_map(void)
{
    make_and_keep();
    CHECK_STATUS(neap_mapping_open(it, 0, 2 * 4096,
                                   NEAP_PROT_READ | NEAP_PROT_WRITE, &view), 0);
}


static void unmap(bool finished)
{
    neap_mapping_close(view);
    let_go(finished);
}


static int resize_mapping(void)
{
    int status = neap_mapping_resize(view, it, SIZE, true);
    CHECK_INT(neap_mapping_length(view), status < 0 ? 2 * 4096 : SIZE);
    return status;
}


TEST_EACH(growing_a_mapping, resizable)
{
    static const struct refuse_work work = {make_and_map, resize_mapping, unmap,
                                            0};
    begin(parameter);
    enumerate(&work);
}


static int protect_all(void)
{
    int status = neap_mapping_protect(view, NEAP_PROT_READ);
    neap_value value = {.kind = 'i', .as.i = 7};
    CHECK_STATUS(neap_mapping_write(view, 0, NEAP_TYPE_I64, value),
                 status < 0 ? 0 : -EACCES);
    return status;
}


static int protect_part(void)
{
    int status = neap_mapping_protect_part(view, 0, 1, NEAP_PROT_READ);
    neap_value value = {.kind = 'i', .as.i = 7};
    CHECK_STATUS(neap_mapping_write(view, 4096, NEAP_TYPE_I64, value), 0);
    CHECK_STATUS(neap_mapping_write(view, 0, NEAP_TYPE_I64, value),
                 status < 0 ? 0 : -EACCES);
    return status;
}


TEST_EACH(protecting_a_mapping, test_kinds)
{
    static const struct refuse_work work = {make_and_map, protect_all, unmap,
                                            0};
    begin(parameter);
    enumerate(&work);
}


TEST_EACH(protecting_a_part, test_kinds)
{
    static const struct refuse_work work = {make_and_map, protect_part, unmap,
                                            0};
    begin(parameter);
    enumerate(&work);
}


static int advise(void)
{
    return neap_mapping_advise(view, 0, 4096, NEAP_ADVICE_WILLNEED);
}


static int place(void)
{
    return neap_mapping_place(view, 0, 4096, NEAP_PLACE_PREFER, 1);
}


static int count_resident(void)
{
    uint64_t bytes;
    return neap_mapping_resident(view, 0, 4096, &bytes);
}


static int write_to_disk(void)
{
    return neap_mapping_sync(view, false);
}


TEST(advising_a_mapping)
{
    static const struct refuse_work work = {make_and_map, advise, unmap, 0};
    begin("posix");
    enumerate(&work);
}


TEST(placing_a_mapping)
{
    static const struct refuse_work work = {make_and_map, place, unmap, 0};
    begin("posix");
    neap_node node;
    if (neap_node_at(0, &node) != NEAP_MORE)
        test_skip("this kernel knows nothing of nodes");
    enumerate(&work);
}


TEST(counting_what_is_resident)
{
    static const struct refuse_work work = {make_and_map, count_resident, unmap,
                                            0};
    begin("posix");
    enumerate(&work);
}


TEST(writing_a_mapping_to_the_disk)
{
    static const struct refuse_work work = {make_and_map, write_to_disk, unmap,
                                            0};
    begin("file");
    enumerate(&work);
}


static int list_maps(void)
{
    neap_map_list *list;
    neap_map_info info;
    int status = neap_map_list_open(0, &list);
    if (status < 0)
        return status;
    while ((status = neap_map_list_next(list, &info)) == NEAP_MORE)
        ;
    neap_map_list_close(list);
    return status;
}


static int translate(void)
{
    neap_page_info info;
    return neap_translate(0, (uint64_t)(uintptr_t)neap_mapping_data(view),
                          &info);
}


static int find_sharers(void)
{
    int32_t pids[4];
    int status = neap_page_sharers(0,
        (uint64_t)(uintptr_t)neap_mapping_data(view), pids, 4);
    return status < 0 ? status : 0;
}


TEST(listing_mappings)
{
    static const struct refuse_work work = {make_and_map, list_maps, unmap, 0};
    begin("posix");
    named_in_text = "process";
    enumerate(&work);
}


TEST(translating_an_address)
{
    static const struct refuse_work work = {make_and_map, translate, unmap, 0};
    begin("posix");
    named_in_text = "process";
    enumerate(&work);
}


TEST_WITHIN(finding_who_shares_a_page, 120)
{
    static const struct refuse_work work = {make_and_map, find_sharers, unmap,
                                            0};
    begin("posix");
    named_in_text = "process";
    enumerate(&work);
}

/* -- the controls ---------------------------------------------------------- */

static int create_in_two_steps(void)
{
    const char *path = test_path("segment-0");
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0640);
    int status = fd < 0 ? -errno : -posix_fallocate(fd, 0, SIZE);
    if (fd >= 0)
        close(fd);
    return status;
}


static void enumerate_control(int (*run)(void), void (*check)(bool finished),
                              const char *words)
{
    const struct refuse_work work = {NULL, run, check, 0};
    if (TEST_UNDER_ASAN || TEST_UNDER_TSAN || !test_trace_can_refuse())
        FAIL("%s: not looked for here", words);
    begin("file");
    enumerate(&work);
}


EXPECT_FAIL(what_is_made_in_two_steps_stays_half_made, 30, "gave 0 OK, not -2")
{
    enumerate_control(create_in_two_steps, check_created, "gave 0 OK, not -2");
}


static int open_two(const char *tried)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return neap__fail_why(-errno, "cannot open %s", address);
    if (lseek(fd, 0, SEEK_CUR) < 0) {
        int status = -errno;
        if (*tried)
            close(fd);
        return *tried ? neap__fail(status, "%s", tried) : status;
    }
    close(fd);
    return 0;
}


static int keep_the_first(void)
{
    return open_two("");
}


static int say_only_what(void)
{
    char text[400];
    snprintf(text, sizeof text, "cannot look at %s: %s", address,
             neap_status_text(-EIO));
    return open_two(text);
}


EXPECT_FAIL(a_descriptor_that_is_kept_is_noticed, 30, "kept a descriptor")
{
    enumerate_control(keep_the_first, NULL, "kept a descriptor");
}


EXPECT_FAIL(a_sentence_without_advice_is_noticed, 30, "or what to do")
{
    enumerate_control(say_only_what, NULL, "or what to do");
}
