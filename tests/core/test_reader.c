/* Readers, growth, and heaps without a name. */
#include <fcntl.h>
#include <sys/stat.h>

#include "core/heaps.h"

#define MIB (UINT64_C(1) << 20)


/* -- readers --------------------------------------------------------------- */

static void fill(neap_heap *heap)
{
    neap_counter *counter = open_counter(heap, "hits");
    CHECK_STATUS(neap_counter_add(counter, 7), 0);
    neap_counter_close(counter);
    neap_mutex_close(open_mutex(heap, "lock"));
    neap_semaphore_close(open_semaphore(heap, "s", 3, NEAP_SEMAPHORE_UNDO));
    neap_semaphore_close(open_semaphore(heap, "c", 3, NEAP_SEMAPHORE_CLASSIC));
    neap_array *array = open_bytes(heap, "bytes", 100);
    memset(neap_array_data(array), 'x', 100);
    neap_array_close(array);
}


TEST_EACH(a_reader_sees_everything_and_takes_no_slot, test_named_kinds)
{
    neap_heap *heap = make_heap(test_address(parameter, 0));
    fill(heap);
    neap_heap *reader = join_heap_as(test_address(parameter, 0),
                                     NEAP_OPEN_READ_ONLY);
    neap_counter *counter = open_counter(reader, "hits");
    neap_array *array;
    CHECK_INT(count_in(counter), 7);
    CHECK_STATUS(neap_array_open(reader, "bytes", NEAP_TYPE_ANY, 0, NULL,
                                 &array), 0);
    CHECK_INT(((char *)neap_array_data(array))[99], 'x');
    CHECK(!neap_array_writable(array));
    CHECK(status_of(reader).read_only && !status_of(heap).read_only);
    CHECK_INT(status_of(reader).objects, 5);
    CHECK_INT(status_of(heap).attached, 1);
    check_sound(reader);
    CHECK_INT(status_of(heap).attached, 1);
    neap_array_close(array);
    neap_counter_close(counter);
    neap_heap_close(reader);
    end_heap(heap);
}


TEST_EACH(a_reader_cannot_change_anything, test_named_kinds)
{
    neap_heap *heap = make_heap(test_address(parameter, 0));
    fill(heap);
    neap_heap *reader = join_heap_as(test_address(parameter, 0),
                                     NEAP_OPEN_READ_ONLY);
    neap_counter *counter = open_counter(reader, "hits"), *none = NULL;
    neap_mutex *mutex = open_mutex(reader, "lock");
    neap_semaphore *s = open_semaphore(reader, "s", 0, NEAP_SEMAPHORE_ANY);
    neap_semaphore *c = open_semaphore(reader, "c", 0, NEAP_SEMAPHORE_ANY);
    neap_array *array = open_bytes(reader, "bytes", 100);
    neap_value one = {.kind = 'i', .as.i = 1}, old;
    int64_t value;
    CHECK_FAILS(neap_counter_add(counter, 1), -EACCES, "read-only");
    CHECK_FAILS(neap_counter_set(counter, 1), -EACCES, "read-only");
    CHECK_FAILS(neap_counter_max(counter, 1, &value), -EACCES, "read-only");
    CHECK_FAILS(neap_mutex_lock(mutex, NEAP_NOW), -EACCES, "read-only");
    CHECK_FAILS(neap_semaphore_acquire(s, NEAP_NOW), -EACCES, "read-only");
    CHECK_FAILS(neap_semaphore_release(s), -EACCES, "read-only");
    CHECK_FAILS(neap_semaphore_acquire(c, NEAP_NOW), -EACCES, "read-only");
    CHECK_FAILS(neap_semaphore_release(c), -EACCES, "read-only");
    CHECK_STATUS(neap_array_set(array, 0, one), -EACCES);
    CHECK_STATUS(neap_array_fill(array, one), -EACCES);
    CHECK_STATUS(neap_array_fetch_add(array, 0, one, &old), -EACCES);
    CHECK_FAILS(neap_heap_drop(reader, "hits"), -EACCES, "read-only");
    CHECK_FAILS(neap_heap_reap(reader), -EACCES, "read-only");
    CHECK_FAILS(neap_counter_open(reader, "new", &none), -ENOENT, "'new'");
    CHECK(none == NULL);
    CHECK_INT(count_in(counter), 7);
    CHECK_INT(permits_in(s), 3);
    CHECK_INT(permits_in(c), 3);
    neap_array_close(array);
    neap_semaphore_close(c);
    neap_semaphore_close(s);
    neap_mutex_close(mutex);
    neap_counter_close(counter);
    neap_heap_close(reader);
    end_heap(heap);
}


static int write_through(void *argument)
{
    *(volatile char *)argument = 1;
    return 0;
}


TEST(the_mmu_keeps_a_reader_from_writing)
{
    const char *address = test_name("sky");
    neap_heap *heap = make_heap(address);
    fill(heap);
    neap_heap *reader = join_heap_as(address, NEAP_OPEN_READ_ONLY);
    neap_array *array = open_bytes(reader, "bytes", 100);
    signal(SIGSEGV, SIG_DFL); /* whatever a sanitizer made of it */
    CHECK_INT(test_wait(test_fork(write_through, neap_array_data(array))),
              -SIGSEGV);
    neap_array_close(array);
    neap_heap_close(reader);
    end_heap(heap);
}


TEST(a_reader_needs_no_more_than_permission_to_read)
{
    if (geteuid() != 0)
        test_skip("needs to become another user");
    const char *address = test_name("sky");
    neap_heap_options options = {.mode = 0644};
    neap_heap *heap;
    CHECK_STATUS(neap_heap_open(address, &options, &heap), NEAP_CREATED);
    fill(heap);
    pid_t pid = fork();
    if (pid == 0) {
        neap_heap *other;
        CHECK_INT(setuid(65534), 0);
        CHECK_STATUS(neap_heap_open(address, NULL, &other), -EACCES);
        other = join_heap_as(address, NEAP_OPEN_READ_ONLY);
        CHECK_INT(count_in(open_counter(other, "hits")), 7);
        _exit(0);
    }
    CHECK_INT(test_wait(pid), 0);
    end_heap(heap);
}


/* -- a reader beside a busy writer ----------------------------------------- */

struct busy {
    neap_heap *heap;
    _Atomic uint64_t *stop;
};

static int make_and_drop(void *argument)
{
    struct busy *busy = argument;
    char name[16];
    for (int i = 0; !*busy->stop; i++) {
        snprintf(name, sizeof name, "x-%d", i % 40);
        neap_array_close(open_bytes(busy->heap, name, (uint64_t)i % 5000 + 1));
        CHECK_STATUS(neap_heap_drop(busy->heap, name), 0);
    }
    return 0;
}


TEST(a_reader_finds_what_is_there_however_busy_the_writer)
{
    const char *address = test_name("sky");
    struct busy busy = {make_heap(address), &share_board()->words[0]};
    fill(busy.heap);
    neap_heap *reader = join_heap_as(address, NEAP_OPEN_READ_ONLY);
    pid_t writer = test_fork(make_and_drop, &busy);
    for (int i = 0; i < 20000; i++) {
        neap_object_info info;
        CHECK_STATUS(neap_heap_find(reader, "hits", &info), 0);
        CHECK_INT(info.value, 7);
        int status = neap_heap_find(reader, "x-7", &info);
        if (status == 0)
            CHECK_INT(info.kind, NEAP_OBJECT_ARRAY);
        else
            CHECK_STATUS(status, -ENOENT);
    }
    *busy.stop = 1;
    CHECK_INT(test_wait(writer), 0);
    neap_heap_close(reader);
    end_heap(busy.heap);
}


/* -- growth ---------------------------------------------------------------- */

static int grow_much(void *argument)
{
    neap_array *array = open_bytes(argument, "large", 50 * MIB);
    ((char *)neap_array_data(array))[50 * MIB - 1] = 'z';
    neap_array_close(array);
    return 0;
}


TEST(what_was_attached_before_sees_what_was_made_after_growth)
{
    const char *address = test_name("sky");
    neap_heap *heap = make_heap(address);
    neap_heap *reader = join_heap_as(address, NEAP_OPEN_READ_ONLY);
    neap_array *small = open_bytes(heap, "small", 10);
    char *before = neap_array_data(small);
    uint64_t size = status_of(heap).size;
    CHECK_INT(test_wait(test_fork(grow_much, heap)), 0);
    CHECK(status_of(heap).size >= size + 50 * MIB);
    neap_array *large = open_bytes(heap, "large", 50 * MIB);
    CHECK_INT(((char *)neap_array_data(large))[50 * MIB - 1], 'z');
    CHECK(neap_array_data(small) == (void *)before); /* nothing moved */
    neap_array_close(large);
    large = open_bytes(reader, "large", 50 * MIB);
    CHECK_INT(((char *)neap_array_data(large))[50 * MIB - 1], 'z');
    neap_array_close(large);
    neap_array_close(small);
    neap_heap_close(reader);
    end_heap(heap);
}


TEST(what_is_dropped_is_given_back_to_the_kernel)
{
    const char *address = test_name("sky");
    neap_heap *heap = make_heap(address);
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "/dev/shm/%s", address);
    neap_array *array = open_bytes(heap, "large", 50 * MIB);
    memset(neap_array_data(array), 1, 50 * MIB);
    neap_array_close(array);
    CHECK_INT(stat(path, &st), 0);
    CHECK((uint64_t)st.st_blocks * 512 >= 50 * MIB);
    CHECK_STATUS(neap_heap_drop(heap, "large"), 0);
    CHECK_INT(stat(path, &st), 0);
    CHECK((uint64_t)st.st_blocks * 512 < 2 * MIB);
    end_heap(heap);
}


/* -- heaps without a name -------------------------------------------------- */

static int add_one(void *argument)
{
    neap_counter *counter = open_counter(argument, "hits");
    CHECK_STATUS(neap_counter_add(counter, 1), 0);
    return 0;
}


TEST(children_share_an_anonymous_heap)
{
    neap_heap *heap = make_heap(NULL);
    CHECK_INT(status_of(heap).kind, NEAP_KIND_MEMFD);
    for (int i = 0; i < 3; i++)
        CHECK_INT(test_wait(test_fork(add_one, heap)), 0);
    neap_counter *counter = open_counter(heap, "hits");
    CHECK_INT(count_in(counter), 3);
    neap_counter_close(counter);
    end_heap(heap);
}



static int open_what_is_written(void *argument)
{
    struct board *board = argument;
    WAIT_UNTIL(board->words[0]);
    add_one(join_heap(board->text));
    return 0;
}


TEST(an_anonymous_heap_opens_by_its_address_in_any_process)
{
    struct board *board = share_board();
    pid_t stranger = test_fork(open_what_is_written, board);
    neap_heap *heap = make_heap("");
    snprintf(board->text, sizeof board->text, "%s", neap_heap_address(heap));
    board->words[0] = 1;
    CHECK_INT(test_wait(stranger), 0);
    neap_counter *counter = open_counter(heap, "hits");
    CHECK_INT(count_in(counter), 1);
    neap_counter_close(counter);
    end_heap(heap);
}
