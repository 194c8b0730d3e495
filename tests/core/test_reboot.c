/*
 * Files that outlive their machine: a heap that was copied while it was in use,
 * or whose users went down with the power. No kernel has marked them dead.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "core/heaps.h"
#include "heap/heap.h"

struct things {
    neap_heap *heap;
    neap_mutex *mutex;
    neap_semaphore *undo;
    neap_counter *striped, *plain;
};


static struct things open_things(neap_heap *heap)
{
    struct things t = {.heap = heap};
    t.mutex = open_mutex(heap, "lock");
    t.undo = open_semaphore(heap, "undo", 5, NEAP_SEMAPHORE_UNDO);
    must_open(neap_counter_open_as(heap, "striped", NEAP_COUNTER_STRIPED,
                                   &t.striped));
    t.plain = open_counter(heap, "plain");
    return t;
}


static void close_things(struct things *t)
{
    neap_mutex_close(t->mutex);
    neap_semaphore_close(t->undo);
    neap_counter_close(t->striped);
    neap_counter_close(t->plain);
}


static int hold_all(void *argument)
{
    struct things *t = argument;
    CHECK_STATUS(neap_mutex_lock(t->mutex, NEAP_NOW), 0);
    CHECK_STATUS(neap_semaphore_acquire(t->undo, NEAP_NOW), 0);
    CHECK_STATUS(neap_semaphore_acquire(t->undo, NEAP_NOW), 0);
    CHECK_STATUS(neap_counter_add(t->striped, 7), 0);
    return 0;
}


static void copy_file(const char *from, const char *to)
{
    char buffer[65536];
    ssize_t n;
    int in = open(from, O_RDONLY), out = open(to, O_CREAT | O_WRONLY, 0600);
    CHECK(in >= 0 && out >= 0);
    while ((n = read(in, buffer, sizeof buffer)) > 0)
        CHECK_INT(write(out, buffer, (size_t)n), n);
    close(in);
    close(out);
}


static const char *file_address(const char *file)
{
    static char addresses[4][512];
    static unsigned next;
    char *address = addresses[next++ % 4];
    snprintf(address, 512, "file:%.480s", test_path(file));
    return address;
}


/* All that the lost had has come back, and is there for others. */
static void check_given_back(struct things *t)
{
    CHECK_STATUS(neap_mutex_lock(t->mutex, NEAP_FOREVER), NEAP_ABANDONED);
    CHECK_STATUS(neap_mutex_unlock(t->mutex), 0);
    CHECK(neap_heap_reap(t->heap) >= 0);
    CHECK_INT(permits_in(t->undo), 5);
    CHECK_INT(count_in(t->striped), 7);
    CHECK_INT(status_of(t->heap).dead, 0);
    CHECK_INT(status_of(t->heap).attached, 1);
}


/* -- copies ---------------------------------------------------------------- */

TEST(in_a_copy_of_a_heap_the_users_of_the_original_are_dead)
{
    neap_heap *heap = make_heap(file_address("heap"));
    struct things t = open_things(heap);
    pid_t child = fork_lingering(hold_all, &t);
    copy_file(test_path("heap"), test_path("copy"));

    neap_heap *copy = join_heap(file_address("copy"));
    struct things u = open_things(copy);
    check_given_back(&u);
    close_things(&u);
    end_heap(copy);

    CHECK_STATUS(neap_mutex_lock(t.mutex, NEAP_NOW), -EBUSY);
    CHECK_INT(permits_in(t.undo), 3);
    CHECK_INT(status_of(heap).attached, 2);
    test_kill(child);
    check_given_back(&t);
    close_things(&t);
    end_heap(heap);
}


TEST(what_counts_as_alive_after_the_first_opener_is_not_declared_dead)
{
    neap_heap *heap = make_heap(file_address("heap"));
    struct things t = open_things(heap);
    pid_t child = fork_lingering(hold_all, &t);
    neap_heap *again = join_heap(file_address("heap"));
    CHECK_INT(status_of(again).dead, 0);
    CHECK_INT(status_of(again).attached, 2);
    CHECK_INT(neap_heap_reap(again), 0);
    CHECK_STATUS(neap_mutex_lock(t.mutex, NEAP_NOW), -EBUSY);
    neap_heap_close(again);
    test_kill(child);
    close_things(&t);
    end_heap(heap);
}


TEST(a_child_that_inherits_a_heap_keeps_its_parents_kin_alive)
{
    neap_heap *heap = make_heap(file_address("heap"));
    struct things t = open_things(heap);
    pid_t child = fork_lingering(hold_all, &t);
    close_things(&t);
    neap_heap_close(heap); /* the child is the last, and has the same lock */
    heap = join_heap(file_address("heap"));
    t = open_things(heap);
    CHECK_STATUS(neap_mutex_lock(t.mutex, NEAP_NOW), -EBUSY);
    CHECK_INT(status_of(heap).dead, 0);
    test_kill(child);
    check_given_back(&t);
    close_things(&t);
    end_heap(heap);
}


/* -- the power went -------------------------------------------------------- */

/* The file as a machine leaves it that stops: somebody had all that, had a
 * change in hand, and its thread id is one that lives here. */
static void cut_the_power(const char *path)
{
    neap_heap *heap = make_heap(file_address("heap"));
    struct things t = open_things(heap);
    pid_t child = fork_lingering(hold_all, &t);
    struct neap_sh_entry *entry = NULL;
    struct neap__found found;
    CHECK_STATUS(neap__object_find(heap, "plain", &found), 0);
    entry = found.entry;
    copy_file(test_path("heap"), path);

    int fd = open(path, O_RDWR);
    void *base = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(base != MAP_FAILED);
    struct neap_sh_header *header = base;
    struct neap_sh_slot *slot =
        (void *)((char *)base + NEAP_SH_HEADER_SIZE + NEAP_SH_SLOT_SIZE);
    struct stat st;
    CHECK_INT(fstat(fd, &st), 0);
    header->inode = st.st_ino; /* it was no copy */
    header->boot[0] = 77;
    CHECK_INT(slot->pid, child);
    slot->life.word = (uint32_t)getpid();
    slot->redo.count = 1;
    slot->redo.stores[0].offset = neap__offset(heap, &entry->value);
    slot->redo.stores[0].value = 99;
    slot->redo.committed = 1;
    munmap(base, 1 << 20);
    close(fd);
    test_kill(child);
    close_things(&t);
    end_heap(heap);
}


TEST(after_a_reboot_all_users_of_a_heap_are_dead)
{
    cut_the_power(test_path("lost"));
    neap_heap *heap = join_heap(file_address("lost"));
    struct things t = open_things(heap);
    check_given_back(&t);
    CHECK_INT(count_in(t.plain), 99);
    close_things(&t);
    end_heap(heap);
}


/* A reader comes first, and stays. */
TEST(a_reader_does_not_keep_the_lost_alive)
{
    cut_the_power(test_path("lost"));
    neap_heap *reader = join_heap_as(file_address("lost"), NEAP_OPEN_READ_ONLY);
    neap_heap *heap = join_heap(file_address("lost"));
    struct things t = open_things(heap);
    check_given_back(&t);
    CHECK_INT(count_in(t.plain), 99);
    close_things(&t);
    neap_heap_close(reader);
    end_heap(heap);
}
