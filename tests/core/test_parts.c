/* Tests of what is told of a heap's parts: what they are, what of them is in
 * memory, and in whose. */
#include "lib/harness.h"

enum { COUNT = 100000 };


static neap_heap_part find_array(neap_heap *heap)
{
    neap_heap_part part;
    uint64_t cursor = 0;
    while (neap_heap_next_part(heap, &cursor, &part) == NEAP_MORE)
        if (part.kind == NEAP_PART_ARRAY)
            return part;
    FAIL("there is no array");
}


static neap_array *fill(neap_heap *heap, double value)
{
    neap_array *array;
    uint64_t count = COUNT;
    CHECK(neap_array_open(heap, "a", NEAP_TYPE_F64, 1, &count, &array) >= 0);
    CHECK_STATUS(neap_array_fill(array, (neap_value){.kind = 'f',
                                                     .as.f = value}), 0);
    return array;
}


struct other {
    const char *name;
    int ready[2], done[2];
};


static int be_another(void *argument)
{
    struct other *other = argument;
    neap_heap *heap;
    char byte = 0;
    close(other->done[1]);
    CHECK_STATUS(neap_heap_open(other->name, NULL, &heap), 0);
    neap_array *array = fill(heap, 2);
    CHECK(write(other->ready[1], &byte, 1) == 1);
    CHECK(read(other->done[0], &byte, 1) == 0);
    neap_array_close(array);
    neap_heap_close(heap);
    return 0;
}


TEST(parts_tell_what_other_processes_have_in_memory)
{
    struct other other = {.name = test_name("parts")};
    neap_heap *heap;
    char byte;
    int32_t pids[4];
    CHECK(pipe(other.ready) == 0 && pipe(other.done) == 0);
    CHECK_STATUS(neap_heap_open(other.name, NULL, &heap), NEAP_CREATED);
    pid_t pid = test_fork(be_another, &other);
    CHECK(read(other.ready[0], &byte, 1) == 1);

    neap_array *array = fill(heap, 1);
    neap_heap_part part = find_array(heap);
    CHECK_STR(part.name, "a");
    CHECK(part.resident >= COUNT * 8 - 4096 && part.resident <= part.size);
    if (part.others >= 0) /* the kernel tells */
        CHECK_INT(part.others, part.resident);
    /* The child was born with the mapping, and has made one of its own. */
    CHECK_INT(neap_heap_processes(heap, pids, 4), 2);
    CHECK(pids[0] == pid || pids[1] == pid);
    CHECK(pids[0] == getpid() || pids[1] == getpid());

    close(other.done[1]);
    CHECK_INT(test_wait(pid), 0);
    CHECK_INT(neap_heap_processes(heap, pids, 0), 1);
    part = find_array(heap);
    if (part.others >= 0)
        CHECK_INT(part.others, 0);
    neap_array_close(array);
    CHECK_STATUS(neap_heap_unlink(heap), 0);
    neap_heap_close(heap);
    close(other.ready[0]);
    close(other.ready[1]);
    close(other.done[0]);
}
