/* Tests of what the system refuses: no descriptors, no directory, no room, no
 * permission. Each is told with what was tried, and leaves nothing behind. */
#include <sys/resource.h>
#include <sys/stat.h>

#include "heaps.h"
#include "lib/harness.h"

enum { SIZE = 10000 };

static const char *const described[] = {"posix", "file", "memfd", NULL};


static int create_without_descriptors(void *address)
{
    neap_segment *segment;
    struct rlimit limit = {3, 3};
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    CHECK_FAILS(neap_segment_create(address, SIZE, 0, &segment), -EMFILE,
                "cannot create");
    return 0;
}


TEST_EACH(no_more_descriptors_is_emfile, described)
{
    const char *address = test_address(parameter, 0);
    neap_segment *segment;
    CHECK_INT(test_wait(test_fork(create_without_descriptors,
                                  (void *)address)), 0);
    if (strcmp(parameter, "memfd") != 0)
        CHECK_STATUS(neap_segment_open(address, true, &segment), -ENOENT);
}


static int create_as_nobody(void *address)
{
    neap_segment *segment;
    CHECK_INT(setuid(65534), 0);
    CHECK_FAILS(neap_segment_create(address, SIZE, 0, &segment), -EACCES,
                "cannot create");
    return 0;
}


TEST(a_directory_of_somebody_else_is_eacces)
{
    if (geteuid() != 0)
        test_skip("only root can become nobody");
    CHECK_INT(chmod(test_tmpdir(), 0700), 0);
    CHECK_INT(test_wait(test_fork(create_as_nobody,
                                  (void *)test_address("file", 0))), 0);
}


TEST_EACH(more_than_the_machine_has_is_refused_at_once, described)
{
    const char *address = test_address(parameter, 0);
    neap_segment *segment;
    int status = neap_segment_create(address, UINT64_C(1) << 42, 0, &segment);
    CHECK(status == -ENOSPC || status == -EFBIG); /* 4 TiB */
    CHECK(strstr(neap_error_text(), status == -ENOSPC ? "free; "
                                                      : "than a file can have"));
    if (strcmp(parameter, "memfd") != 0)
        CHECK_STATUS(neap_segment_open(address, true, &segment), -ENOENT);
}


/* The child needs an open file of its own to take turns with others for a slot:
 * without one it takes none, rather than one without its turn. */
static int lock_without_descriptors(void *mutex)
{
    struct rlimit limit;
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 3;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    CHECK_FAILS(neap_mutex_lock(mutex, NEAP_NOW), -EMFILE,
                "take turns with others for a slot: Too many open files");
    limit.rlim_cur = before;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_NOW), 0);
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    return 0;
}


static const char *const heap_kinds[] = {"posix", "file", "sysv", NULL};

TEST_EACH(a_child_without_descriptors_takes_no_slot, heap_kinds)
{
    neap_heap *heap = make_heap(test_address(parameter, 0));
    neap_mutex *mutex = open_mutex(heap, "door");
    CHECK_INT(test_wait(test_fork(lock_without_descriptors, mutex)), 0);
    neap_mutex_close(mutex);
    end_heap(heap);
}
