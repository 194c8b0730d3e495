/* Tests of snapshots: a heap in memory that nobody can change. */
#include <fcntl.h>
#include <sys/stat.h>

#include "heaps.h"
#include "lib/harness.h"


static neap_segment *snapshot_of(neap_heap *heap)
{
    neap_segment *segment = NULL;
    must_open(neap_heap_snapshot(heap, NULL, &segment));
    return segment;
}


static neap_heap *open_segment(neap_segment *segment)
{
    neap_heap *heap = NULL;
    must_open(neap_heap_open_segment(segment, 0, &heap));
    return heap;
}


static neap_heap *furnished(void)
{
    neap_heap *heap = make_heap(test_name("sky"));
    neap_counter *hits = open_counter(heap, "hits");
    CHECK_STATUS(neap_counter_set(hits, 42), 0);
    neap_array *bytes = open_bytes(heap, "bytes", 100000);
    memset(neap_array_data(bytes), 7, 100000);
    neap_array_close(bytes);
    neap_counter_close(hits);
    return heap;
}


TEST(a_snapshot_is_the_heap_as_it_was)
{
    neap_heap *heap = furnished();
    neap_segment *segment = snapshot_of(heap);
    neap_counter *hits = open_counter(heap, "hits");
    CHECK_STATUS(neap_counter_add(hits, 1), 0);
    neap_heap *copy = open_segment(segment);
    neap_segment_close(segment); /* the heap keeps what it needs */
    neap_counter *then = open_counter(copy, "hits");
    CHECK_INT(count_in(then), 42);
    CHECK_INT(count_in(hits), 43);
    neap_array *bytes;
    must_open(neap_array_open(copy, "bytes", NEAP_TYPE_U8, 0, NULL, &bytes));
    const unsigned char *data = neap_array_data(bytes);
    for (int i = 0; i < 100000; i++)
        CHECK_INT(data[i], 7);
    CHECK(status_of(copy).read_only);
    CHECK_INT(status_of(copy).attached, 0);
    check_sound(copy);
    neap_array_close(bytes);
    neap_counter_close(then);
    neap_counter_close(hits);
    neap_heap_close(copy);
    end_heap(heap);
}


static int write_to(void *address)
{
    *(volatile char *)address = 1;
    return 0;
}


TEST(nobody_can_change_it)
{
    neap_heap *heap = furnished();
    neap_segment *segment = snapshot_of(heap);
    int seals = 0, fd = neap_segment_descriptor(segment);
    neap_mapping *none = NULL;
    CHECK_STATUS(neap_segment_seals(segment, &seals), 0);
    CHECK_INT(seals, NEAP_SEAL_SEAL | NEAP_SEAL_SHRINK | NEAP_SEAL_GROW |
                         NEAP_SEAL_WRITE);
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_READ |
                                   NEAP_PROT_WRITE, &none), -EACCES);
    CHECK(ftruncate(fd, 0) < 0 && errno == EPERM);
    CHECK(pwrite(fd, "x", 1, 0) < 0 && errno == EPERM);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, O_RDWR | O_CLOEXEC);
    if (again >= 0) { /* by root, whom its mode does not bind */
        CHECK(pwrite(again, "x", 1, 0) < 0 && errno == EPERM);
        CHECK(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, again, 0) ==
              MAP_FAILED);
        close(again);
    }

    neap_heap *copy = open_segment(segment);
    neap_counter *hits = open_counter(copy, "hits");
    neap_array *bytes;
    must_open(neap_array_open(copy, "bytes", NEAP_TYPE_U8, 0, NULL, &bytes));
    CHECK_STATUS(neap_counter_add(hits, 1), -EACCES);
    if (!TEST_UNDER_ASAN && !TEST_UNDER_TSAN)
        CHECK_INT(test_wait(test_fork(write_to, neap_array_data(bytes))),
                  -SIGSEGV);
    CHECK_INT(count_in(hits), 42);
    neap_array_close(bytes);
    neap_counter_close(hits);
    neap_heap_close(copy);
    neap_segment_close(segment);
    end_heap(heap);
}


/* What is held while it is taken is not held in it. */
TEST(nobody_holds_anything_in_it)
{
    neap_heap *heap = furnished();
    neap_mutex *mutex = open_mutex(heap, "m");
    neap_semaphore *seats = open_semaphore(heap, "seats", 2,
                                           NEAP_SEMAPHORE_UNDO);
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_semaphore_acquire(seats, NEAP_FOREVER), 0);
    neap_segment *segment = snapshot_of(heap);
    neap_heap *copy = open_segment(segment);
    neap_object_info info;
    CHECK_STATUS(neap_heap_find(copy, "m", &info), 0);
    CHECK_INT(info.holder, 0);
    CHECK_STATUS(neap_heap_find(copy, "seats", &info), 0);
    CHECK_INT(info.value, 2);
    check_sound(copy);
    neap_heap_close(copy);
    neap_segment_close(segment);
    CHECK_STATUS(neap_semaphore_release(seats), 0);
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    neap_semaphore_close(seats);
    neap_mutex_close(mutex);
    end_heap(heap);
}


TEST(a_heap_without_a_name_passes_as_a_segment)
{
    neap_heap *heap = make_heap(NULL), *same;
    neap_segment *segment;
    neap_counter *here = open_counter(heap, "n");
    CHECK_STATUS(neap_heap_segment(heap, &segment), 0);
    same = open_segment(segment);
    neap_counter *there = open_counter(same, "n");
    CHECK_STATUS(neap_counter_add(there, 5), 0);
    CHECK_INT(count_in(here), 5);
    neap_counter_close(there);
    neap_counter_close(here);
    neap_segment_close(segment);
    neap_heap_close(same);
    end_heap(heap);
    heap = make_heap(test_name("sky"));
    CHECK_FAILS(neap_heap_segment(heap, &segment), -ENOTSUP, "has a name");
    end_heap(heap);
}


TEST(what_is_no_heap_is_refused)
{
    neap_segment *segment;
    neap_heap *none = NULL;
    must_open(neap_segment_create("memfd:x", 100000, 0, &segment));
    CHECK_STATUS(neap_heap_open_segment(segment, 0, &none), NEAP_EFOREIGN);
    neap_segment_close(segment);
    must_open(neap_segment_create("anonymous:", 100000, 0, &segment));
    CHECK_FAILS(neap_heap_open_segment(segment, 0, &none), -ENOTSUP,
                "has no descriptor");
    neap_segment_close(segment);
    CHECK(!none);
}

/* -- serving --------------------------------------------------------------- */

struct service {
    const char *path;
    neap_heap *heap;
    neap_serve_options options;
};


static int serve(void *argument)
{
    struct service *s = argument;
    uint64_t served = 0;
    int status = neap_heap_serve(s->heap, s->path, &s->options, NEAP_FOREVER,
                                 &served);
    if (status < 0)
        FAIL("%s", neap_error_text());
    return (int)served;
}


static int64_t taken_from(const char *path)
{
    neap_segment *segment;
    must_open(neap_segment_take(path, NEAP_FOREVER, &segment));
    neap_heap *copy = open_segment(segment);
    neap_counter *hits = open_counter(copy, "hits");
    int64_t value = count_in(hits);
    neap_counter_close(hits);
    neap_heap_close(copy);
    neap_segment_close(segment);
    return value;
}


TEST(a_heap_is_served_to_whoever_takes_it)
{
    struct service s = {test_path("socket"), furnished(),
                        {.count = 3, .fresh = 1}};
    neap_counter *hits = open_counter(s.heap, "hits");
    pid_t child = test_fork(serve, &s);
    CHECK_INT(taken_from(s.path), 42);
    CHECK_STATUS(neap_counter_add(hits, 1), 0);
    CHECK_INT(taken_from(s.path), 43);
    CHECK_INT(taken_from(s.path), 43);
    CHECK_INT(test_wait(child), 3);
    CHECK(access(s.path, F_OK) < 0);
    neap_counter_close(hits);
    end_heap(s.heap);
}


TEST(a_snapshot_is_given_again_while_it_is_fresh)
{
    struct service s = {test_path("socket"), furnished(),
                        {.count = 2, .fresh = INT64_MAX}};
    neap_counter *hits = open_counter(s.heap, "hits");
    pid_t child = test_fork(serve, &s);
    CHECK_INT(taken_from(s.path), 42);
    CHECK_STATUS(neap_counter_add(hits, 1), 0);
    CHECK_INT(taken_from(s.path), 42);
    CHECK_INT(test_wait(child), 2);
    neap_counter_close(hits);
    end_heap(s.heap);
}


static int take_as_nobody(void *path)
{
    neap_segment *segment;
    if (setgid(65534) < 0 || setuid(65534) < 0)
        return 1;
    return neap_segment_take(path, NEAP_FOREVER, &segment) == -EACCES
               ? 2 : taken_from(path) == 42 ? 0 : 3;
}


/* The heap itself is its owner's alone. */
static const char *const modes[] = {"0600", "0666", NULL};

TEST_EACH(others_may_take_it_if_the_socket_lets_them, modes)
{
    if (getuid() != 0)
        test_skip("only root becomes somebody else");
    uint32_t mode = (uint32_t)strtoul(parameter, NULL, 8);
    struct service s = {test_path("socket"), furnished(), {.mode = mode}};
    CHECK_INT(chmod(test_tmpdir(), 0755), 0);
    pid_t child = test_fork(serve, &s);
    struct stat st;
    WAIT_UNTIL(stat(s.path, &st) == 0 && (st.st_mode & 0777) == mode);
    CHECK_INT(test_wait(test_fork(take_as_nobody,
                                  (void *)(uintptr_t)s.path)),
              mode == 0666 ? 0 : 2);
    test_kill(child);
    CHECK_INT(access(s.path, F_OK), 0); /* it was killed */
    s.options.count = 1;
    child = test_fork(serve, &s); /* and the next one takes its place */
    CHECK_INT(taken_from(s.path), 42);
    CHECK_INT(test_wait(child), 1);
    end_heap(s.heap);
}


TEST(serving_ends_in_time_and_leaves_no_name)
{
    struct service s = {test_path("socket"), furnished(), {0}};
    uint64_t served = 99;
    CHECK_STATUS(neap_heap_serve(s.heap, s.path, NULL,
                                 neap_deadline_after(10000000), &served), 0);
    CHECK_INT(served, 0);
    CHECK(access(s.path, F_OK) < 0);
    end_heap(s.heap);
}


TEST(a_path_that_is_taken_is_refused)
{
    neap_heap *heap = furnished();
    uint64_t served;
    int fd = open(test_path("file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    close(fd);
    CHECK_FAILS(neap_heap_serve(heap, test_path("file"), NULL, NEAP_NOW,
                                &served), -EEXIST, "is no socket");
    unlink(test_path("file"));
    CHECK_STATUS(neap_heap_serve(heap, "/no/such/place", NULL, NEAP_NOW,
                                 &served), -ENOENT);
    struct service s = {test_path("socket"), heap, {0}};
    pid_t child = test_fork(serve, &s);
    WAIT_UNTIL(access(s.path, F_OK) == 0);
    int64_t patience = test_patience();
    int status;
    while ((status = neap_heap_serve(heap, s.path, NULL, NEAP_NOW, &served)) !=
               -EADDRINUSE && test_pause(patience))
        ;
    CHECK_STATUS(status, -EADDRINUSE);
    test_kill(child);
    unlink(s.path);
    end_heap(heap);
}
