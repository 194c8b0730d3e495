/* Tests of overlays: parts of what is larger than the zone. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "lib/harness.h"

enum { PAGE = 4096, SIZE = 40 * PAGE + 100 };

static const char *const kinds[] = {"posix", "file", "memfd", NULL};
static const char *const modes[] = {"shared", "copy", NULL};


/* Each word is its own number. */
static neap_segment *numbered(const char *address)
{
    neap_segment *segment;
    neap_mapping *mapping;
    CHECK_STATUS(neap_segment_create(address, SIZE, 0, &segment), 0);
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_WRITE, &mapping),
                 0);
    uint32_t *words = neap_mapping_data(mapping);
    for (uint32_t i = 0; i < SIZE / 4; i++)
        words[i] = i;
    neap_mapping_close(mapping);
    return segment;
}


static void end(neap_segment *segment)
{
    int status = neap_segment_unlink(segment);
    if (status != -ENOTSUP)
        CHECK_STATUS(status, 0);
    neap_segment_close(segment);
}


static neap_overlay *overlay_of(neap_segment *segment,
                                neap_overlay_options options)
{
    neap_overlay *overlay;
    if (neap_overlay_open(segment, &options, &overlay) < 0)
        FAIL("%s", neap_error_text());
    return overlay;
}


/* A zone of four frames of two pages. */
static neap_overlay *small_one(neap_segment *segment, const char *mode)
{
    return overlay_of(segment, (neap_overlay_options){
        .zone = 8 * PAGE, .frames = 4, .copy = strcmp(mode, "copy") == 0,
    });
}


static uint32_t word_at(neap_overlay *overlay, uint64_t offset)
{
    void *bytes;
    uint32_t word;
    if (neap_overlay_at(overlay, offset, sizeof word, false, &bytes) < 0)
        FAIL("%s", neap_error_text());
    memcpy(&word, bytes, sizeof word);
    return word;
}


static void put_word(neap_overlay *overlay, uint64_t offset, uint32_t word)
{
    void *bytes;
    if (neap_overlay_at(overlay, offset, sizeof word, true, &bytes) < 0)
        FAIL("%s", neap_error_text());
    memcpy(bytes, &word, sizeof word);
}


static neap_overlay_stats stats_of(neap_overlay *overlay)
{
    neap_overlay_stats stats;
    neap_overlay_look(overlay, &stats);
    return stats;
}


static neap_mapping *load(neap_overlay *overlay, uint64_t offset,
                          uint64_t length, bool write)
{
    neap_mapping *part;
    if (neap_overlay_load(overlay, offset, length, write, &part) < 0)
        FAIL("%s", neap_error_text());
    return part;
}

/* -- reading --------------------------------------------------------------- */

TEST_EACH(all_of_it_is_seen_through_a_small_zone, kinds)
{
    neap_segment *segment = numbered(test_address(parameter, 0));
    for (int i = 0; modes[i]; i++) {
        neap_overlay *overlay = small_one(segment, modes[i]);
        for (uint32_t word = 0; word < SIZE / 4; word++)
            CHECK_INT(word_at(overlay, word * 4), word);
        neap_overlay_stats stats = stats_of(overlay);
        CHECK_INT(stats.loads, 21);
        CHECK_INT(stats.replaced, 17);
        CHECK_INT(stats.loads + stats.hits, SIZE / 4);
        CHECK_INT(stats.loaded, SIZE);
        CHECK_INT(stats.used, 4);
        CHECK_INT(stats.pinned, 0);
        CHECK_INT(stats.written, 0);
        neap_overlay_close(overlay);
    }
    end(segment);
}


TEST_EACH(any_order_will_do, modes)
{
    neap_segment *segment = numbered(test_address("memfd", 0));
    neap_overlay *overlay = small_one(segment, parameter);
    uint32_t word = 1;
    for (int i = 0; i < 20000; i++) {
        word = (word * 1103515245u + 12345) % (SIZE / 4);
        CHECK_INT(word_at(overlay, word * 4), word);
    }
    neap_overlay_close(overlay);
    end(segment);
}


/* 10 GiB, of which there is a word here and there. */
TEST_WITHIN(a_file_is_larger_than_its_zone_and_than_memory, 240)
{
    const uint64_t gib = UINT64_C(1) << 30;
    neap_segment *segment;
    int fd = open(test_path("large"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && ftruncate(fd, (off_t)(10 * gib)) == 0);
    char address[300];
    snprintf(address, sizeof address, "file:%s", test_path("large"));
    CHECK_STATUS(neap_segment_open(address, false, &segment), 0);
    neap_overlay *overlay = overlay_of(segment, (neap_overlay_options){0});
    CHECK_INT(neap_overlay_zone_size(overlay), 64 << 20);
    CHECK_INT(neap_overlay_frame_size(overlay), 8 << 20);
    for (uint64_t i = 0; i < 10; i++)
        put_word(overlay, i * gib + 12345, (uint32_t)i + 7);
    uint64_t sum = 0, frame = neap_overlay_frame_size(overlay), size;
    CHECK_STATUS(neap_overlay_size(overlay, &size), 0);
    CHECK_INT(size, 10 * gib);
    for (uint64_t at = 0; at < size; at += frame)
        sum += word_at(overlay, at + 12345 % frame);
    CHECK_INT(sum, 115);
    for (uint64_t i = 0; i < 10; i++) {
        uint32_t word;
        CHECK(pread(fd, &word, sizeof word, (off_t)(i * gib + 12345)) == 4);
        CHECK_INT(word, i + 7);
    }
    neap_overlay_close(overlay);
    neap_segment_close(segment);
    close(fd);
    unlink(test_path("large"));
}


TEST_EACH(a_part_may_lie_across_frames, modes)
{
    neap_segment *segment = numbered(test_address("memfd", 0));
    neap_overlay *overlay = small_one(segment, parameter);
    neap_mapping *part = load(overlay, 2 * PAGE - 400, 800, false);
    CHECK_INT(neap_mapping_length(part), 800);
    const uint32_t *words = neap_mapping_data(part);
    for (uint32_t i = 0; i < 200; i++)
        CHECK_INT(words[i], (2 * PAGE - 400) / 4 + i);
    neap_mapping_close(part);
    CHECK_INT(word_at(overlay, 2 * PAGE - 400), (2 * PAGE - 400) / 4);
    CHECK_INT(word_at(overlay, 0), 0);
    neap_overlay_close(overlay);
    end(segment);
}


TEST_EACH(what_was_used_longest_ago_is_replaced, modes)
{
    neap_segment *segment = numbered(test_address("memfd", 0));
    neap_overlay *overlay = small_one(segment, parameter);
    for (uint64_t i = 0; i < 4; i++)
        word_at(overlay, i * 2 * PAGE);
    word_at(overlay, 0); /* now the second one is the oldest */
    word_at(overlay, 10 * PAGE);
    CHECK_INT(stats_of(overlay).loads, 5);
    word_at(overlay, 0);
    word_at(overlay, 4 * PAGE);
    CHECK_INT(stats_of(overlay).loads, 5);
    word_at(overlay, 2 * PAGE);
    CHECK_INT(stats_of(overlay).loads, 6);
    neap_overlay_close(overlay);
    end(segment);
}

/* -- parts that are in use ------------------------------------------------- */

TEST_EACH(a_part_in_use_is_not_replaced, modes)
{
    neap_segment *segment = numbered(test_address("memfd", 0));
    neap_overlay *overlay = small_one(segment, parameter);
    neap_mapping *parts[4], *none = NULL;
    for (uint64_t i = 0; i < 4; i++)
        parts[i] = load(overlay, i * 2 * PAGE, 4, false);
    CHECK_INT(stats_of(overlay).pinned, 4);
    CHECK_FAILS(neap_overlay_load(overlay, 20 * PAGE, 4, false, &none), -EBUSY,
                "all 4 frames");
    CHECK(!none);
    for (uint32_t i = 0; i < 4; i++) /* what is there can be had all the same */
        CHECK_INT(word_at(overlay, i * 2 * PAGE + 8), i * 2 * PAGE / 4 + 2);
    neap_array *array;
    uint64_t shape = 1;
    CHECK_STATUS(neap_array_view(parts[2], 0, NEAP_TYPE_U32, 1, &shape, false,
                                 &array), 0);
    neap_mapping_close(parts[2]); /* the array keeps it */
    CHECK_STATUS(neap_overlay_load(overlay, 20 * PAGE, 4, false, &none),
                 -EBUSY);
    neap_array_close(array);
    CHECK_INT(word_at(overlay, 20 * PAGE), 20 * PAGE / 4);
    for (uint32_t i = 0; i < 4; i++)
        if (i != 2) {
            CHECK_INT(*(uint32_t *)neap_mapping_data(parts[i]),
                      i * 2 * PAGE / 4);
            neap_mapping_close(parts[i]);
        }
    CHECK_INT(stats_of(overlay).pinned, 0);
    neap_overlay_close(overlay);
    end(segment);
}


TEST_EACH(a_part_outlives_its_overlay_and_its_segment, modes)
{
    neap_segment *segment = numbered(test_address("posix", 0));
    neap_overlay *overlay = small_one(segment, parameter);
    neap_mapping *part = load(overlay, 8 * PAGE, 4, false);
    void *zone = neap_overlay_zone(overlay);
    end(segment);
    neap_overlay_close(overlay);
    CHECK_INT(*(uint32_t *)neap_mapping_data(part), 8 * PAGE / 4);
    neap_mapping_close(part);
    unsigned char seen;
    CHECK(mincore(zone, PAGE, &seen) < 0 && errno == ENOMEM); /* given back */
}

/* -- writing --------------------------------------------------------------- */

static uint32_t in_segment(neap_segment *segment, uint64_t offset)
{
    neap_mapping *mapping;
    CHECK_STATUS(neap_mapping_open(segment, offset, 4, NEAP_PROT_READ,
                                   &mapping), 0);
    uint32_t word = *(uint32_t *)neap_mapping_data(mapping);
    neap_mapping_close(mapping);
    return word;
}


TEST(what_is_written_in_a_shared_frame_is_the_segments_at_once)
{
    neap_segment *segment = numbered(test_address("file", 0));
    neap_overlay *overlay = small_one(segment, "shared");
    put_word(overlay, 12 * PAGE, 99);
    CHECK_INT(in_segment(segment, 12 * PAGE), 99);
    CHECK_STATUS(neap_overlay_flush(overlay, true), 0);
    CHECK_INT(stats_of(overlay).written, 0);
    neap_overlay_close(overlay);
    end(segment);
}


TEST(what_is_written_in_a_copy_is_kept_when_it_is_replaced)
{
    neap_segment *segment = numbered(test_address("file", 0));
    neap_overlay *overlay = small_one(segment, "copy");
    for (uint64_t at = 0; at < SIZE - 4; at += PAGE)
        put_word(overlay, at, 0xabcd);
    CHECK_INT(in_segment(segment, 0), 0xabcd);
    CHECK_INT(in_segment(segment, 4), 1);
    CHECK_INT(in_segment(segment, 39 * PAGE), 39 * PAGE / 4); /* not yet */
    CHECK_INT(word_at(overlay, 39 * PAGE), 0xabcd);
    CHECK_STATUS(neap_overlay_flush(overlay, false), 0);
    CHECK_INT(in_segment(segment, 39 * PAGE), 0xabcd);
    CHECK_INT(stats_of(overlay).written, SIZE);
    CHECK_STATUS(neap_overlay_flush(overlay, true), 0);
    CHECK_INT(stats_of(overlay).written, SIZE); /* no second time */
    put_word(overlay, 40, 5);
    neap_overlay_close(overlay);
    CHECK_INT(in_segment(segment, 40), 5);
    uint64_t size;
    CHECK_STATUS(neap_segment_size(segment, &size), 0);
    CHECK_INT(size, SIZE); /* the last page was not whole */
    end(segment);
}


/* Only pages that were written: others may write the rest meanwhile. */
TEST(a_copy_writes_back_no_more_than_its_pages)
{
    neap_segment *segment = numbered(test_address("memfd", 0));
    neap_overlay *overlay = small_one(segment, "copy");
    neap_overlay *other = small_one(segment, "shared");
    put_word(overlay, 0, 1000);
    put_word(other, PAGE, 2000);
    neap_overlay_close(overlay);
    CHECK_INT(in_segment(segment, 0), 1000);
    CHECK_INT(in_segment(segment, PAGE), 2000);
    neap_overlay_close(other);
    end(segment);
}


TEST(copies_that_would_overlap_are_one_after_the_other)
{
    neap_segment *segment = numbered(test_address("memfd", 0));
    neap_overlay *overlay = small_one(segment, "copy");
    put_word(overlay, 2 * PAGE, 77);
    neap_mapping *part = load(overlay, 2 * PAGE - 8, 16, true), *none;
    CHECK_INT(((uint32_t *)neap_mapping_data(part))[2], 77);
    ((uint32_t *)neap_mapping_data(part))[3] = 78;
    CHECK_FAILS(neap_overlay_load(overlay, 0, 4, false, &none), -EBUSY,
                "in another copy");
    neap_mapping_close(part);
    CHECK_INT(word_at(overlay, 2 * PAGE + 4), 78);
    neap_overlay_close(overlay);
    end(segment);
}


TEST_EACH(read_only_is_read_only, modes)
{
    neap_segment *segment = numbered(test_address("memfd", 0));
    neap_overlay *overlay = overlay_of(segment, (neap_overlay_options){
        .zone = 8 * PAGE, .read_only = true, .copy = *parameter == 'c',
    });
    void *bytes;
    neap_mapping *part;
    CHECK(neap_overlay_read_only(overlay));
    CHECK_FAILS(neap_overlay_at(overlay, 0, 4, true, &bytes), -EACCES,
                "is read-only");
    CHECK_FAILS(neap_overlay_load(overlay, 0, 4, true, &part), -EACCES,
                "is read-only");
    part = load(overlay, 0, 4, false);
    CHECK_STATUS(neap_mapping_write(part, 0, NEAP_TYPE_U32,
                                    (neap_value){.kind = 'u'}), -EACCES);
    CHECK_FAILS(neap_mapping_protect(part, NEAP_PROT_READ | NEAP_PROT_WRITE),
                -ENOTSUP, "other parts' too");
    CHECK_FAILS(neap_mapping_advise(part, 0, 0, NEAP_ADVICE_DONTNEED), -ENOTSUP,
                "cannot forget");
    neap_mapping_close(part);
    neap_overlay_close(overlay);
    end(segment);
}

TEST_EACH(elements_are_read_and_written_by_type, modes)
{
    neap_segment *segment = numbered(test_address("memfd", 0));
    neap_overlay *overlay = small_one(segment, parameter);
    neap_value value = {.kind = 'i', .as.i = -5};
    uint64_t across = 4 * PAGE - 3; /* frames, and not aligned */
    CHECK_STATUS(neap_overlay_write(overlay, across, NEAP_TYPE_I64, value), 0);
    value.as.i = 0;
    CHECK_STATUS(neap_overlay_read(overlay, across, NEAP_TYPE_I64, &value), 0);
    CHECK_INT(value.as.i, -5);
    value.as.i = 1000;
    CHECK_FAILS(neap_overlay_write(overlay, 0, NEAP_TYPE_U8, value), -EINVAL,
                "255");
    CHECK_INT(word_at(overlay, 0), 0);
    CHECK_STATUS(neap_overlay_read(overlay, 0, (neap_type)77, &value), -EINVAL);
    CHECK_STATUS(neap_overlay_read(overlay, SIZE - 7, NEAP_TYPE_I64, &value),
                 -EINVAL);
    neap_overlay_close(overlay);
    end(segment);
}

/* -- the segment changes --------------------------------------------------- */

TEST_EACH(what_was_added_since_is_seen, modes)
{
    neap_segment *segment = numbered(test_address("file", 0));
    neap_overlay *overlay = small_one(segment, parameter);
    CHECK_INT(word_at(overlay, SIZE - 4), SIZE / 4 - 1);
    CHECK_STATUS(neap_segment_resize(segment, SIZE + 3 * PAGE), 0);
    CHECK_INT(word_at(overlay, SIZE), 0);
    put_word(overlay, SIZE + 2 * PAGE, 3);
    CHECK_STATUS(neap_overlay_flush(overlay, false), 0);
    CHECK_INT(in_segment(segment, SIZE + 2 * PAGE), 3);
    CHECK_INT(word_at(overlay, SIZE - 4), SIZE / 4 - 1);
    neap_overlay_close(overlay);
    end(segment);
}

/* -- processes ------------------------------------------------------------- */

static int write_in_child(void *argument)
{
    put_word(argument, 4 * PAGE, 4711);
    CHECK_STATUS(neap_overlay_flush(argument, false), 0);
    return 0;
}


TEST_EACH(a_child_goes_on_with_one_of_its_own, modes)
{
    neap_segment *segment = numbered(test_address("memfd", 0));
    neap_overlay *overlay = small_one(segment, parameter);
    word_at(overlay, 0);
    CHECK_INT(test_wait(test_fork(write_in_child, overlay)), 0);
    CHECK_INT(word_at(overlay, 4 * PAGE), 4711);
    neap_overlay_close(overlay);
    end(segment);
}


static int write_and_die(void *argument)
{
    put_word(argument, 0, 1);
    put_word(argument, 4 * PAGE, 2);
    for (uint64_t i = 4; i < 10; i++) /* both are replaced */
        put_word(argument, i * 2 * PAGE, 3);
    put_word(argument, 30 * PAGE, 4); /* this one is not */
    kill(getpid(), SIGKILL);
    return 0;
}


TEST_EACH(a_death_leaves_what_was_written_back, modes)
{
    neap_segment *segment = numbered(test_address("memfd", 0));
    neap_overlay *overlay = small_one(segment, parameter);
    CHECK_INT(test_wait(test_fork(write_and_die, overlay)), -SIGKILL);
    CHECK_INT(in_segment(segment, 0), 1);
    CHECK_INT(in_segment(segment, 4 * PAGE), 2);
    CHECK_INT(in_segment(segment, 30 * PAGE),
              *parameter == 's' ? 4 : 30 * PAGE / 4);
    neap_overlay_close(overlay);
    end(segment);
}

/* -- mistakes -------------------------------------------------------------- */

TEST(what_does_not_fit_is_refused)
{
    neap_segment *segment = numbered(test_address("memfd", 0));
    neap_overlay *overlay = small_one(segment, "shared");
    void *bytes = NULL;
    CHECK_FAILS(neap_overlay_at(overlay, SIZE, 1, false, &bytes), -EINVAL,
                "has 163940 bytes");
    CHECK_FAILS(neap_overlay_at(overlay, SIZE - 3, 4, false, &bytes), -EINVAL,
                "has 163940 bytes");
    CHECK_FAILS(neap_overlay_at(overlay, 0, 0, false, &bytes), -EINVAL,
                "cannot load 0 bytes");
    CHECK_FAILS(neap_overlay_at(overlay, UINT64_MAX, 2, false, &bytes), -EINVAL,
                "bytes");
    CHECK_FAILS(neap_overlay_at(overlay, 0, 2 * PAGE + 1, false, &bytes),
                -EINVAL, "a frame of the overlay has 8192");
    CHECK(!bytes);
    neap_overlay_close(overlay);
    neap_overlay_close(NULL);
    end(segment);
}


TEST(bad_options_are_refused)
{
    neap_segment *segment = numbered(test_address("memfd", 0)), *other;
    neap_overlay *none = NULL;
    neap_overlay_options options = {.frames = 5000};
    CHECK_FAILS(neap_overlay_open(segment, &options, &none), -EINVAL,
                "1 to 4096");
    options = (neap_overlay_options){.zone = UINT64_C(1) << 60};
    CHECK_FAILS(neap_overlay_open(segment, &options, &none), -EINVAL,
                "more than there are addresses");
    options = (neap_overlay_options){.address = (void *)12345};
    CHECK_FAILS(neap_overlay_open(segment, &options, &none), -EINVAL,
                "a multiple of the page");
    void *taken = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                       0);
    options = (neap_overlay_options){.address = taken, .zone = 8 * PAGE};
    CHECK_FAILS(neap_overlay_open(segment, &options, &none), -EEXIST,
                "are not free");
    munmap(taken, PAGE);
    CHECK_STATUS(neap_overlay_open(NULL, NULL, &none), NEAP_ECLOSED);
    static const char *const without[] = {"sysv", "anonymous"};
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(neap_segment_create(test_address(without[i], 1), SIZE, 0,
                                         &other), 0);
        CHECK_FAILS(neap_overlay_open(other, NULL, &none), -ENOTSUP,
                    "have no descriptor");
        end(other);
    }
    CHECK(!none);
    end(segment);
}


TEST(the_zone_is_where_it_was_asked_for)
{
    neap_segment *segment = numbered(test_address("memfd", 0));
    char *free_place = mmap(NULL, 64 * PAGE, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(free_place, 64 * PAGE);
    neap_overlay *overlay = overlay_of(segment, (neap_overlay_options){
        .address = free_place, .zone = 8 * PAGE, .frames = 1,
    });
    CHECK(neap_overlay_zone(overlay) == free_place);
    void *bytes;
    for (uint64_t at = 0; at + 8 * PAGE < SIZE; at += 8 * PAGE) {
        CHECK_STATUS(neap_overlay_at(overlay, at, 8 * PAGE, false, &bytes), 0);
        CHECK(bytes == free_place); /* each replaces the last */
        CHECK_INT(*(uint32_t *)bytes, at / 4);
    }
    neap_overlay_close(overlay);
    end(segment);
}


/* -- forks of a process with threads --------------------------------------- */

struct busy {
    neap_overlay *overlays[2];
    _Atomic bool over;
    _Atomic uint64_t loads;
};


/* Each part replaces another, so that the mutex is held nearly always. */
static void *keep_loading(void *argument)
{
    struct busy *busy = argument;
    for (uint64_t at = 0; !atomic_load(&busy->over); at += 2 * PAGE) {
        neap_mapping *part;
        CHECK_STATUS(neap_overlay_load(busy->overlays[at / PAGE / 2 % 2],
                                       at % (SIZE - PAGE), 4, false, &part), 0);
        neap_mapping_close(part);
        atomic_fetch_add(&busy->loads, 1);
    }
    return NULL;
}


static int load_in_child(void *argument)
{
    struct busy *busy = argument;
    for (uint64_t at = 0; at < SIZE - PAGE; at += 2 * PAGE)
        for (int i = 0; i < 2; i++)
            if (word_at(busy->overlays[i], at) != at / 4)
                return 1;
    return 5;
}


TEST(a_child_does_not_wait_for_threads_of_its_parent)
{
    neap_segment *segment = numbered(test_address("memfd", 0));
    struct busy busy = {{small_one(segment, "shared"),
                         small_one(segment, "shared")}, false, 0};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, keep_loading, &busy), 0);
    while (atomic_load(&busy.loads) < 100)
        sched_yield();
    for (int i = 0; i < 100; i++)
        CHECK_INT(test_wait(test_fork(load_in_child, &busy)), 5);
    atomic_store(&busy.over, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    neap_overlay_close(busy.overlays[1]); /* in either order */
    neap_overlay_close(busy.overlays[0]);
    end(segment);
}
