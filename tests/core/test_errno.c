/* Tests of what the system refuses: no descriptors, no directory, no room, no
 * permission. Each is told with what was tried, and leaves nothing behind. */
#include <sys/resource.h>
#include <sys/stat.h>

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
