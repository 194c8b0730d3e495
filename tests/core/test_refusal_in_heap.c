/* Refusals at every call of the kernel (lib/refuse.h): overlays, what passes
 * from process to process, heaps, checkpoints, kernel semaphores. */
#include <fcntl.h>
#include <sys/socket.h>

#include "heaps.h"
#include "lib/harness.h"
#include "lib/refuse.h"

enum { SIZE = 16 * 4096 };

static char address[320], path[300];


/* -- overlays -------------------------------------------------------------- */

static neap_segment *segment;
static neap_overlay *overlay;
static bool copied;

static void begin_segment(const char *kind)
{
    snprintf(address, sizeof address, "%s", test_address(kind, 0));
    CHECK_STATUS(neap_segment_create(address, SIZE, 0600, &segment), 0);
}


static void end_segment(void)
{
    if (neap_segment_kind(segment) != NEAP_KIND_MEMFD)
        CHECK_STATUS(neap_segment_unlink(segment), 0);
    neap_segment_close(segment);
}


static int make_overlay(neap_overlay **ret_overlay)
{
    const neap_overlay_options options = {.zone = 4 * 4096, .frames = 2,
                                          .copy = copied};
    return neap_overlay_open(segment, &options, ret_overlay);
}


static int open_overlay(void)
{
    neap_overlay *o;
    int status = make_overlay(&o);
    if (status == 0)
        neap_overlay_close(o);
    return status;
}


static void prepare_overlay(void)
{
    CHECK_STATUS(make_overlay(&overlay), 0);
}


static void end_overlay(bool finished)
{
    (void)finished;
    neap_overlay_close(overlay);
}


/* Three parts in two frames: the last takes the place of one that was written.
 * After a failure the same is asked for again, and must be there. */
static int work_in_overlay(void)
{
    void *bytes;
    int first = 0;
    for (uint64_t i = 0; i < 3; i++) {
        int status = neap_overlay_at(overlay, i * 2 * 4096, 16, true, &bytes);
        if (status < 0 && first < 0)
            return status;
        if (status < 0) {
            first = status;
            char text[1024];
            snprintf(text, sizeof text, "%s", neap_error_text());
            i--;
            continue;
        }
        memset(bytes, (int)i + 1, 16);
    }
    int status = neap_overlay_flush(overlay, true);
    if (status < 0 && first == 0) {
        first = status;
        CHECK_STATUS(neap_overlay_flush(overlay, true), 0);
    }
    return first;
}


/* Whatever was refused, on the second try it was done: nothing is lost. */
static void check_overlay(bool finished)
{
    char bytes[16], wanted[16];
    neap_mapping *all;
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_READ, &all), 0);
    for (uint64_t i = 0; i < 3; i++) {
        memset(wanted, (int)i + 1, sizeof wanted);
        CHECK_STATUS(neap_mapping_read_bytes(all, i * 2 * 4096, sizeof bytes,
                                             bytes), 0);
        CHECK(memcmp(bytes, wanted, sizeof bytes) == 0);
    }
    neap_mapping_close(all);
    CHECK_STATUS(neap_segment_punch(segment, 0, SIZE), 0);
    end_overlay(finished);
}


static const char *const ways[] = {"shared", "copy", NULL};

TEST_EACH(making_an_overlay, ways)
{
    static const struct refuse_work work = {NULL, open_overlay,
                                            NULL, 0};
    copied = strcmp(parameter, "copy") == 0;
    begin_segment("file");
    test_refuse_each(&work, address, address);
    end_segment();
}


TEST_EACH(working_in_an_overlay, ways)
{
    static const struct refuse_work work = {prepare_overlay, work_in_overlay,
                                            check_overlay, 0};
    copied = strcmp(parameter, "copy") == 0;
    begin_segment("file");
    test_refuse_each(&work, address, address);
    end_segment();
}

/* -- from process to process ----------------------------------------------- */

static int send_and_receive(void)
{
    int ends[2];
    neap_segment *received;
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    int status = neap_segment_send(segment, ends[0]);
    if (status == 0)
        status = neap_segment_receive(ends[1], after_ms(2000), &received);
    if (status == 0)
        neap_segment_close(received);
    close(ends[0]);
    close(ends[1]);
    return status;
}


TEST(sending_a_segment)
{
    static const struct refuse_work work = {NULL, send_and_receive,
                                            NULL, 0};
    begin_segment("memfd");
    test_refuse_each(&work, "segment", "file:/proc/");
    end_segment();
}


static int adopt(void)
{
    neap_segment *adopted;
    int fd = fcntl(neap_segment_descriptor(segment), F_DUPFD_CLOEXEC, 100);
    if (fd < 0) /* is refused too */
        return 0;
    int status = neap_segment_adopt(fd, &adopted);
    if (status == 0)
        neap_segment_close(adopted);
    else
        close(fd);
    return status;
}


TEST(adopting_a_descriptor)
{
    static const struct refuse_work work = {NULL, adopt, NULL,
                                            0};
    begin_segment("memfd");
    test_refuse_each(&work, "descriptor", "segment");
    end_segment();
}


/* Nobody comes. */
static int give(void)
{
    int status = neap_segment_give(segment, path, after_ms(2));
    return status == -ETIMEDOUT ? 0 : status;
}


static int take(void)
{
    neap_segment *taken;
    int status = neap_segment_take(path, after_ms(2), &taken);
    return status == -ETIMEDOUT ? 0 : status;
}


/* A socket whose removal was refused stays, and the next giver replaces it. */
static void check_given(bool finished)
{
    (void)finished;
    CHECK_STATUS(give(), 0);
    check_only("", "");
}


TEST(giving_a_segment)
{
    static const struct refuse_work work = {NULL, give, check_given, 0};
    snprintf(path, sizeof path, "%s", test_path("news"));
    begin_segment("memfd");
    test_refuse_each(&work, path, "file:/proc/");
    end_segment();
}


TEST(taking_a_segment)
{
    static const struct refuse_work work = {NULL, take, NULL, 0};
    snprintf(path, sizeof path, "%s", test_path("news"));
    test_refuse_each(&work, path, path);
}

/* -- heaps ----------------------------------------------------------------- */

static neap_heap *heap;

static int open_new_heap(void)
{
    neap_heap *made;
    const neap_heap_options options = {.flags = NEAP_OPEN_NEW};
    int status = neap_heap_open(address, &options, &made);
    if (status >= 0)
        neap_heap_close(made);
    return status;
}


static void check_new_heap(bool finished)
{
    neap_heap *made;
    const neap_heap_options options = {.flags = NEAP_OPEN_EXISTING};
    int status = neap_heap_open(address, &options, &made);
    CHECK_STATUS(status, finished ? 0 : -ENOENT);
    if (status == 0)
        end_heap(made);
    check_only("", "");
}


static const char *const heap_kinds[] = {"posix", "file", "sysv", NULL};

TEST_EACH(making_a_heap, heap_kinds)
{
    static const struct refuse_work work = {NULL, open_new_heap,
                                            check_new_heap, 0};
    snprintf(address, sizeof address, "%s", test_address(parameter, 0));
    test_refuse_each(&work, address, strcmp(parameter, "file") == 0
                                         ? address + 5
                                         : "System V segment of id");
}


static int open_old_heap(void)
{
    neap_heap *opened;
    const neap_heap_options options = {.flags = NEAP_OPEN_EXISTING};
    int status = neap_heap_open(address, &options, &opened);
    if (status >= 0)
        neap_heap_close(opened);
    return status;
}


static void begin_heap(const char *kind)
{
    snprintf(address, sizeof address, "%s", test_address(kind, 0));
    heap = make_heap(address);
}


TEST_EACH(opening_a_heap, heap_kinds)
{
    static const struct refuse_work work = {NULL, open_old_heap,
                                            NULL, 0};
    begin_heap(parameter);
    test_refuse_each(&work, address, "System V segment of id");
    end_heap(heap);
}


static int grow_heap(void)
{
    neap_array *array;
    uint64_t bytes = 8 << 20;
    int status = neap_array_open(heap, "sky", NEAP_TYPE_U8, 1, &bytes, &array);
    if (status >= 0)
        neap_array_close(array);
    return status;
}


static void check_array(bool finished)
{
    CHECK_STATUS(neap_heap_drop(heap, "sky"), finished ? 0 : -ENOENT);
    check_sound(heap);
}


/* Each time in a heap that has not grown yet. */
static void prepare_heap(void)
{
    heap = make_heap(address);
}


static void check_and_end(bool finished)
{
    check_array(finished);
    end_heap(heap);
}


TEST_EACH(growing_a_heap, heap_kinds)
{
    static const struct refuse_work work = {prepare_heap, grow_heap,
                                            check_and_end, 0};
    snprintf(address, sizeof address, "%s", test_address(parameter, 0));
    test_refuse_each(&work, address, "sky");
}


static int sync_heap(void)
{
    return neap_heap_sync(heap);
}


TEST(writing_a_heap_to_the_disk)
{
    static const struct refuse_work work = {NULL, sync_heap,
                                            NULL, 0};
    begin_heap("file");
    test_refuse_each(&work, address, address);
    end_heap(heap);
}


static int unlink_heap(void)
{
    return neap_heap_unlink(heap);
}


static void check_unlinked(bool finished)
{
    if (!finished)
        CHECK_STATUS(neap_heap_unlink(heap), 0);
    CHECK_STATUS(neap_unlink(address), -ENOENT);
    neap_heap_close(heap);
    check_only("", "");
}


TEST_EACH(unlinking_a_heap, heap_kinds)
{
    static const struct refuse_work work = {prepare_heap, unlink_heap,
                                            check_unlinked, 0};
    snprintf(address, sizeof address, "%s", test_address(parameter, 0));
    test_refuse_each(&work, address, "System V segment of id");
}


static int look_at_parts(void)
{
    neap_heap_part part;
    uint64_t cursor = 0;
    int status;
    while ((status = neap_heap_next_part(heap, &cursor, &part)) == NEAP_MORE)
        ;
    return status;
}


static int find_processes(void)
{
    int32_t pids[4];
    int status = neap_heap_processes(heap, pids, 4);
    return status < 0 ? status : 0;
}


TEST(looking_at_the_parts_of_a_heap)
{
    static const struct refuse_work work = {NULL, look_at_parts,
                                            NULL, 0};
    begin_heap("posix");
    test_refuse_each(&work, address, address);
    end_heap(heap);
}


TEST_WITHIN(finding_the_processes_of_a_heap, 240)
{
    static const struct refuse_work work = {NULL, find_processes,
                                            NULL, 0};
    begin_heap("posix");
    test_refuse_each(&work, address, "process");
    end_heap(heap);
}

/* -- checkpoints ----------------------------------------------------------- */

static int64_t hits_then;

static void count_up(void)
{
    neap_counter *hits = open_counter(heap, "hits");
    CHECK_STATUS(neap_counter_add_get(hits, 1, &hits_then), 0);
    neap_counter_close(hits);
}


static int64_t hits_in(neap_heap *where)
{
    neap_counter *hits = open_counter(where, "hits");
    int64_t value = count_in(hits);
    neap_counter_close(hits);
    return value;
}


/* Nobody is made to stand still: the one who refuses has the heap. */
static const neap_checkpoint_options quiet = {.nobody_writes = true};

static int write_checkpoint(void)
{
    return neap_heap_checkpoint(heap, path, &quiet, NULL);
}


static void check_checkpoint(bool finished)
{
    neap_heap *restored;
    CHECK_STATUS(neap_restore(path, NULL, NULL, &restored), NEAP_CREATED);
    CHECK_INT(hits_in(restored), finished ? hits_then : hits_then - 1);
    check_sound(restored);
    neap_heap_close(restored);
    check_only("night.ckpt", "");
    if (!finished) /* so that the next one finds it so */
        CHECK_STATUS(neap_heap_checkpoint(heap, path, &quiet, NULL), 0);
}


static void begin_checkpoints(void)
{
    snprintf(path, sizeof path, "%s", test_path("night.ckpt"));
    heap = make_heap(NULL);
    count_up();
    CHECK_STATUS(neap_heap_checkpoint(heap, path, &quiet, NULL), 0);
}


static void end_checkpoints(void)
{
    unlink(path);
    end_heap(heap);
}


TEST_WITHIN(writing_a_checkpoint_over_another_one, 240)
{
    static const struct refuse_work work = {count_up, write_checkpoint,
                                            check_checkpoint, 0};
    begin_checkpoints();
    test_refuse_each(&work, path, "memfd:neap");
    end_checkpoints();
}


static int look_at_checkpoint(void)
{
    neap_checkpoint_info info;
    return neap_checkpoint_look(path, &info);
}


TEST(looking_at_a_checkpoint)
{
    static const struct refuse_work work = {NULL, look_at_checkpoint,
                                            NULL, 0};
    begin_checkpoints();
    test_refuse_each(&work, path, path);
    end_checkpoints();
}


static int restore(void)
{
    neap_heap *restored;
    int status = neap_restore(path, address, NULL, &restored);
    if (status >= 0)
        neap_heap_close(restored);
    return status;
}


static void check_restored(bool finished)
{
    neap_heap *restored;
    const neap_heap_options options = {.flags = NEAP_OPEN_EXISTING};
    int status = neap_heap_open(address, &options, &restored);
    CHECK_STATUS(status, finished ? 0 : -ENOENT);
    if (status == 0) {
        CHECK_INT(hits_in(restored), hits_then);
        end_heap(restored);
    }
    check_only("night.ckpt", "");
}


static const char *const restorable[] = {"posix", "file", NULL};

TEST_EACH(restoring_a_heap, restorable)
{
    static const struct refuse_work work = {NULL, restore, check_restored,
                                            0};
    begin_checkpoints();
    snprintf(address, sizeof address, "%s", test_address(parameter, 1));
    test_refuse_each(&work, path, strcmp(parameter, "file") == 0 ? address + 5
                                                                : address);
    end_checkpoints();
}


static int take_snapshot(void)
{
    neap_segment *taken;
    int status = neap_heap_snapshot(heap, &quiet, &taken);
    if (status == 0)
        neap_segment_close(taken);
    return status;
}


static int open_snapshot(void)
{
    neap_heap *opened;
    int status = neap_heap_open_segment(segment, 0, &opened);
    if (status == 0) {
        CHECK_INT(hits_in(opened), hits_then);
        neap_heap_close(opened);
    }
    return status;
}


TEST_WITHIN(taking_a_snapshot, 120)
{
    static const struct refuse_work work = {NULL, take_snapshot,
                                            NULL, 0};
    begin_checkpoints();
    test_refuse_each(&work, "snapshot of ", "snapshot of ");
    end_checkpoints();
}


TEST(opening_a_snapshot)
{
    static const struct refuse_work work = {NULL, open_snapshot,
                                            NULL, 0};
    begin_checkpoints();
    CHECK_STATUS(neap_heap_snapshot(heap, &quiet, &segment), 0);
    test_refuse_each(&work, "memfd:received", "file:/proc/");
    neap_segment_close(segment);
    end_checkpoints();
}

/* -- kernel semaphores ----------------------------------------------------- */

static int open_semaphore_of_kernel(void)
{
    const neap_kernel_semaphore_options options = {
        .create = true, .initial = 3,
    };
    neap_kernel_semaphore *semaphore;
    int64_t value = 3;
    int status = neap_kernel_semaphore_open(address, &options, &semaphore);
    if (status < 0)
        return status;
    int got = neap_kernel_semaphore_get(semaphore, 0, &value);
    CHECK_INT(value, 3);
    neap_kernel_semaphore_close(semaphore);
    return got;
}


static void remove_semaphore(bool finished)
{
    (void)finished;
    int status = neap_kernel_semaphore_unlink(address);
    CHECK(status == 0 || status == -ENOENT);
}


static const char *const semaphores[] = {"posix", "sysv", NULL};

TEST_EACH(making_a_kernel_semaphore, semaphores)
{
    static const struct refuse_work work = {NULL, open_semaphore_of_kernel,
                                            remove_semaphore, -ENOENT};
    snprintf(address, sizeof address, "%s", test_address(parameter, 0));
    test_refuse_each(&work, address, address);
}
