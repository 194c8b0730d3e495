/*
 * Deaths at every call of the kernel: what is made, resized, written, restored,
 * passed on or removed is killed before and after each of its system calls, and
 * so is the process that helps it. Whatever is there then is whole, and nothing
 * half-made stays.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "heaps.h"
#include "lib/harness.h"
#include "lib/trace.h"
#include "memory/memory.h"

enum { SIZE = 3 * 4096, LARGER = 9 * 4096 };

struct work {
    void (*prepare)(void);
    void (*run)(void);
    void (*check)(bool finished);
};

static char address[320], path[300], other[300];


/* Kill who comes to the last of these points. */
static int kill_at(const struct trace_point *point, void *left)
{
    (void)point;
    return --*(long *)left == 0 ? TRACE_KILL : TRACE_GO_ON;
}


/* Run it, and kill who comes to the k-th point there. @return whether there was
 * no such point. */
static bool run_until(void (*run)(void), long k)
{
    int status = test_trace(run, kill_at, &k);
    CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
    return k > 0;
}


static void enumerate(const struct work *work)
{
    if (TEST_UNDER_ASAN || TEST_UNDER_TSAN)
        test_skip("a sanitizer makes calls of its own");
    long k = 1;
    for (bool finished = false; !finished; k++) {
        work->prepare();
        finished = run_until(work->run, k);
        work->check(finished);
    }
    printf("%ld points\n", k - 2);
    CHECK(k > 3); /* it was there, and was enumerated */
}


static void must(int status)
{
    if (status < 0) /* in the child, whose helper was killed: fine */
        _exit(0);
}


/* Files that are being made may stay under names of their own: the next birth
 * there sweeps them. Nothing else may be there but `expected`. */
static void check_directory(const char *first, const char *second)
{
    CHECK(neap__birth_sweep(test_tmpdir()) >= 0);
    check_only(first, second);
}


static void nothing(void)
{
}

/* -- segments -------------------------------------------------------------- */

static void create(void)
{
    neap_segment *segment;
    must(neap_segment_create(address, SIZE, 0640, &segment));
}


static void check_created(bool finished)
{
    neap_segment *segment;
    neap_segment_stat stat;
    int status = neap_segment_open(address, false, &segment);
    if (status < 0 || finished)
        CHECK_STATUS(status, finished ? 0 : -ENOENT);
    if (status == 0) {
        CHECK_STATUS(neap_segment_status(segment, &stat), 0);
        CHECK_INT(stat.size, SIZE);
        CHECK_INT(stat.mode, 0640);
        CHECK_STATUS(neap_segment_unlink(segment), 0);
        neap_segment_close(segment);
    }
    check_directory("", "");
}


static const char *const named[] = {"posix", "file", "sysv", NULL};

TEST_EACH(creating_a_segment, named)
{
    static const struct work work = {nothing, create, check_created};
    snprintf(address, sizeof address, "%s", test_address(parameter, 0));
    enumerate(&work);
}


static void make_it(void)
{
    neap_segment *segment;
    CHECK_STATUS(neap_segment_create(address, SIZE, 0600, &segment), 0);
    neap_segment_close(segment);
}


static void resize(void)
{
    neap_segment *segment;
    must(neap_segment_open(address, false, &segment));
    must(neap_segment_resize(segment, LARGER));
    must(neap_segment_resize(segment, SIZE / 2));
}


static void check_resized(bool finished)
{
    neap_segment *segment;
    uint64_t size = 0;
    CHECK_STATUS(neap_segment_open(address, false, &segment), 0);
    CHECK_STATUS(neap_segment_size(segment, &size), 0);
    CHECK(size == SIZE / 2 || (!finished && (size == SIZE || size == LARGER)));
    CHECK_STATUS(neap_segment_unlink(segment), 0);
    neap_segment_close(segment);
}


static const char *const resizable[] = {"posix", "file", NULL};

TEST_EACH(resizing_a_segment, resizable)
{
    static const struct work work = {make_it, resize, check_resized};
    snprintf(address, sizeof address, "%s", test_address(parameter, 0));
    enumerate(&work);
}


static void remove_it(void)
{
    must(neap_unlink(address));
}


static void check_removed(bool finished)
{
    neap_segment *segment;
    int status = neap_segment_open(address, false, &segment);
    CHECK_STATUS(status, status == 0 && !finished ? 0 : -ENOENT);
    if (status == 0) {
        CHECK_STATUS(neap_segment_unlink(segment), 0);
        neap_segment_close(segment);
    }
    check_directory("", "");
}


TEST_EACH(unlinking_a_segment, named)
{
    static const struct work work = {make_it, remove_it, check_removed};
    snprintf(address, sizeof address, "%s", test_address(parameter, 0));
    enumerate(&work);
}

/* -- checkpoints ----------------------------------------------------------- */

static neap_heap *heap;
static int64_t hits_then;


static void count_up(void)
{
    neap_counter *hits = open_counter(heap, "hits");
    CHECK_STATUS(neap_counter_add_get(hits, 1, &hits_then), 0);
    neap_counter_close(hits);
}


/* Nobody is made to stand still: who watches the calls is one who has the heap,
 * and has to go on. */
static void write_checkpoint(void)
{
    const neap_checkpoint_options options = {.nobody_writes = true};
    must(neap_heap_checkpoint(heap, path, &options, NULL));
}


static int64_t hits_in(neap_heap *restored)
{
    neap_counter *hits = open_counter(restored, "hits");
    int64_t value = count_in(hits);
    neap_counter_close(hits);
    return value;
}


/* The old one or the new one, whole. */
static void check_checkpoint(bool finished)
{
    neap_heap *restored;
    CHECK_STATUS(neap_restore(path, NULL, NULL, &restored), NEAP_CREATED);
    int64_t hits = hits_in(restored);
    CHECK(hits == hits_then || (!finished && hits == hits_then - 1));
    check_sound(restored);
    neap_heap_close(restored);
    check_directory("night.ckpt", "");
    if (hits != hits_then) /* so that the next one finds it so */
        CHECK_STATUS(neap_heap_checkpoint(heap, path, NULL, NULL), 0);
}


static void begin_checkpoints(void)
{
    snprintf(path, sizeof path, "%s", test_path("night.ckpt"));
    heap = make_heap(NULL);
    count_up();
    CHECK_STATUS(neap_heap_checkpoint(heap, path, NULL, NULL), 0);
}


TEST_WITHIN(writing_a_checkpoint_over_another_one, 240)
{
    static const struct work work = {count_up, write_checkpoint,
                                     check_checkpoint};
    begin_checkpoints();
    enumerate(&work);
    unlink(path);
    end_heap(heap);
}


static void restore(void)
{
    neap_heap *restored;
    must(neap_restore(path, address, NULL, &restored));
}


static void check_restored(bool finished)
{
    neap_heap *restored;
    neap_heap_options options = {.flags = NEAP_OPEN_EXISTING};
    int status = neap_heap_open(address, &options, &restored);
    CHECK_STATUS(status, status == 0 || finished ? 0 : -ENOENT);
    if (status == 0) {
        CHECK_INT(hits_in(restored), hits_then);
        end_heap(restored);
    }
    check_directory("night.ckpt", "");
}


TEST_WITHIN(restoring_a_heap, 120)
{
    static const struct work work = {nothing, restore, check_restored};
    begin_checkpoints();
    snprintf(address, sizeof address, "file:%s", test_path("day.neap"));
    enumerate(&work);
    unlink(path);
    end_heap(heap);
}

/* -- passing on ------------------------------------------------------------ */

static void give(void)
{
    neap_segment *segment;
    must(neap_segment_create("memfd:news", SIZE, 0, &segment));
    must(neap_segment_seal(segment, NEAP_SEAL_WRITE | NEAP_SEAL_SHRINK));
    int status = neap_segment_give(segment, other, neap_deadline_after(1000000));
    must(status == -ETIMEDOUT ? 0 : status);
}


/* A socket that stays is replaced by the next one that gives there. */
static void check_given(bool finished)
{
    struct stat st;
    CHECK(!finished || stat(other, &st) < 0);
    neap_segment *segment;
    CHECK_STATUS(neap_segment_create("memfd:news", SIZE, 0, &segment), 0);
    CHECK_STATUS(neap_segment_give(segment, other, neap_deadline_after(1)),
                 -ETIMEDOUT);
    neap_segment_close(segment);
    check_directory("", "");
}


TEST(giving_a_segment)
{
    static const struct work work = {nothing, give, check_given};
    snprintf(other, sizeof other, "%s/news", test_tmpdir());
    enumerate(&work);
}

/* -- the control ----------------------------------------------------------- */

static void create_in_two_steps(void)
{
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0640);
    must(fd);
    must(-posix_fallocate(fd, 0, SIZE));
}


EXPECT_FAIL(what_is_made_in_two_steps_is_found_half_made, 30, "stat.size is 0")
{
    static const struct work work = {nothing, create_in_two_steps,
                                     check_created};
    if (TEST_UNDER_ASAN || TEST_UNDER_TSAN)
        FAIL("stat.size is 0: not looked for here");
    snprintf(path, sizeof path, "%s", test_path("naive"));
    snprintf(address, sizeof address, "file:%s", path);
    enumerate(&work);
}
