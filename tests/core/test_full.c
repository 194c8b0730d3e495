/* Heaps that cannot grow: an error, nothing changed, and never a signal. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "core/heaps.h"

#define KIB UINT64_C(1024)
#define MIB (UINT64_C(1) << 20)


static neap_heap *make_with(const char *address, neap_heap_options options)
{
    neap_heap *heap;
    CHECK_STATUS(neap_heap_open(address, &options, &heap), NEAP_CREATED);
    return heap;
}


/* Make arrays of that size until there is no room. @return how many. */
static int fill_with(neap_heap *heap, const char *prefix, uint64_t bytes,
                     int wanted, const char *words)
{
    char name[64];
    neap_array *array;
    for (int i = 0;; i++) {
        snprintf(name, sizeof name, "%s-%d", prefix, i);
        uint64_t objects = status_of(heap).objects;
        int status = neap_array_open(heap, name, NEAP_TYPE_U8, 1, &bytes,
                                     &array);
        if (status >= 0) {
            memset(neap_array_data(array), 0xee, bytes);
            neap_array_close(array);
            continue;
        }
        CHECK_FAILS(status, wanted, words);
        CHECK_INT(status_of(heap).objects, objects);
        check_sound(heap);
        return i;
    }
}


static void still_works(neap_heap *heap)
{
    neap_array *array = open_bytes(heap, "a-0", 100 * KIB);
    CHECK_INT(((unsigned char *)neap_array_data(array))[100 * KIB - 1], 0xee);
    neap_array_close(array);
    CHECK_STATUS(neap_heap_drop(heap, "a-0"), 0);
    array = open_bytes(heap, "a-0", 100 * KIB);
    CHECK_INT(((unsigned char *)neap_array_data(array))[100 * KIB - 1], 0);
    memset(neap_array_data(array), 0xee, 100 * KIB);
    neap_array_close(array);
}


/* -- what is reserved ------------------------------------------------------ */

TEST(a_heap_does_not_grow_beyond_what_is_reserved)
{
    neap_heap *heap = make_with(
        NULL, (neap_heap_options){.slots = 8, .reserve = 2 * MIB});
    int n = fill_with(heap, "a", 100 * KIB, -ENOSPC, "larger reserve");
    CHECK(n >= 15 && n <= 20);
    still_works(heap);
    CHECK(fill_with(heap, "b", 1, -ENOSPC, "larger reserve") > 10);
    CHECK(status_of(heap).size <= 2 * MIB);
    still_works(heap);
    end_heap(heap);
}


TEST(an_array_larger_than_all_that_is_reserved_is_refused_at_once)
{
    neap_heap *heap = make_heap(NULL);
    neap_array *array = NULL;
    CHECK_FAILS(neap_array_open(heap, "a", NEAP_TYPE_U8, 1,
                                &(uint64_t){UINT64_C(65) << 30}, &array),
                -ENOSPC, "larger reserve");
    CHECK_FAILS(neap_array_open(heap, "a", NEAP_TYPE_F64, 1,
                                &(uint64_t){UINT64_MAX / 4}, &array),
                -EINVAL, "");
    CHECK(array == NULL);
    CHECK_INT(status_of(heap).objects, 0);
    end_heap(heap);
}


TEST(a_system_v_heap_does_not_grow)
{
    neap_heap *heap = make_with(test_sysv(0),
                                (neap_heap_options){.slots = 8, .size = MIB});
    CHECK_INT(status_of(heap).size, MIB);
    CHECK(fill_with(heap, "a", 100 * KIB, -ENOSPC, "larger size") >= 7);
    still_works(heap);
    fill_with(heap, "b", 64, -ENOSPC, "larger size");
    still_works(heap);
    end_heap(heap);
}


TEST(an_address_space_that_is_too_small_is_told_from_a_full_heap)
{
    if (test_slowness() > 1)
        test_skip("sanitizers need the address space themselves");
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit limit = {100 * MIB, 100 * MIB};
        CHECK_INT(setrlimit(RLIMIT_AS, &limit), 0);
        neap_heap *heap = make_heap(NULL);
        CHECK(fill_with(heap, "a", 5 * MIB, -ENOMEM, "ulimit -v") >= 1);
        neap_heap_close(heap);
        _exit(0);
    }
    CHECK_INT(test_wait(pid), 0);
}


/* -- a full /dev/shm ------------------------------------------------------- */

/* A /dev/shm of this process's own, of that size, gone with the process. */
static void be_alone_with_shm(const char *size)
{
    char options[64];
    snprintf(options, sizeof options, "size=%s", size);
    if (unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", "/dev/shm", "tmpfs", 0, options) < 0)
        test_skip("needs to mount a small /dev/shm: %s", strerror(errno));
}


TEST(a_full_dev_shm_is_an_error_and_changes_nothing)
{
    be_alone_with_shm("2m");
    neap_heap *heap = make_heap("sky");
    int n = fill_with(heap, "a", 100 * KIB, -ENOSPC, "/dev/shm");
    CHECK(n >= 15 && n <= 20);
    still_works(heap);
    fill_with(heap, "b", 3000, -ENOSPC, "/dev/shm");
    still_works(heap);
    end_heap(heap);
}


static void eat_all_of_shm(void)
{
    char page[4096] = {1};
    int fd = open("/dev/shm/eater", O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0);
    while (write(fd, page, sizeof page) > 0)
        ;
    CHECK_INT(errno, ENOSPC);
    close(fd);
}


TEST(memory_that_was_given_back_is_set_aside_again_before_use)
{
    be_alone_with_shm("4m");
    neap_heap *heap = make_heap("sky");
    neap_array *array = open_bytes(heap, "large", 2 * MIB);
    neap_array_close(array);
    array = open_bytes(heap, "guard", 100);
    neap_array_close(array);
    CHECK_STATUS(neap_heap_drop(heap, "large"), 0);
    eat_all_of_shm();
    uint64_t bytes = 2 * MIB;
    for (int i = 0; i < 2; i++) {
        CHECK_FAILS(neap_array_open(heap, "large", NEAP_TYPE_U8, 1, &bytes,
                                    &array), -ENOSPC, "/dev/shm");
        check_sound(heap);
        CHECK_INT(status_of(heap).objects, 1);
    }
    CHECK_INT(unlink("/dev/shm/eater"), 0);
    array = open_bytes(heap, "large", bytes);
    memset(neap_array_data(array), 1, bytes);
    neap_array_close(array);
    end_heap(heap);
}


struct sitter {
    neap_heap *heap;
    int status;
    struct board *board;
};

static int take_a_slot(void *argument)
{
    struct sitter *sitter = argument;
    neap_counter *counter;
    int status = neap_counter_open(sitter->heap, "hits", &counter);
    sitter->board->words[0]++;
    if (status == -ENOSPC) {
        sitter->board->words[1]++;
        return 0;
    }
    CHECK_STATUS(status, 0);
    WAIT_UNTIL(sitter->board->words[2]);
    return 0;
}


TEST(a_slot_that_has_no_memory_is_an_error)
{
    enum { MANY = 40 };
    be_alone_with_shm("1m");
    struct sitter sitter = {.heap = make_heap("sky"), .board = share_board()};
    pid_t pids[MANY];
    neap_counter_close(open_counter(sitter.heap, "hits"));
    eat_all_of_shm();
    for (int i = 0; i < MANY; i++) {
        pids[i] = test_fork(take_a_slot, &sitter);
        WAIT_UNTIL(sitter.board->words[0] == (uint64_t)i + 1);
    }
    CHECK(sitter.board->words[1] > 0 && sitter.board->words[1] < MANY);
    sitter.board->words[2] = 1;
    for (int i = 0; i < MANY; i++)
        CHECK_INT(test_wait(pids[i]), 0);
    CHECK_INT(unlink("/dev/shm/eater"), 0);
    end_heap(sitter.heap);
}


static bool is_empty(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    int n = 0;
    CHECK(directory);
    while ((entry = readdir(directory)))
        n += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(directory);
    return n == 0;
}


TEST(a_heap_that_cannot_be_born_leaves_nothing_behind)
{
    be_alone_with_shm("1m");
    eat_all_of_shm();
    neap_heap *heap = NULL;
    CHECK_FAILS(neap_heap_open("sky", NULL, &heap), -ENOSPC, "/dev/shm");
    CHECK(heap == NULL);
    CHECK_INT(unlink("/dev/shm/eater"), 0);
    CHECK(is_empty("/dev/shm"));
}
