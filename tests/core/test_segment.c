/* Tests of segments: one contract for all kinds, then what each has besides. */
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include "lib/harness.h"

enum { SIZE = 10000 }; /* no multiple of a page */


static neap_segment *create(const char *address, uint64_t size)
{
    neap_segment *segment = NULL;
    CHECK_STATUS(neap_segment_create(address, size, 0, &segment), 0);
    return segment;
}


static neap_segment *open_it(const char *address, bool read_only)
{
    neap_segment *segment = NULL;
    CHECK_STATUS(neap_segment_open(address, read_only, &segment), 0);
    return segment;
}


static uint64_t size_of(neap_segment *segment)
{
    uint64_t size = 0;
    CHECK_STATUS(neap_segment_size(segment, &size), 0);
    return size;
}


static neap_segment_stat status_of(neap_segment *segment)
{
    neap_segment_stat stat;
    CHECK_STATUS(neap_segment_status(segment, &stat), 0);
    return stat;
}


static void end(neap_segment *segment)
{
    int status = neap_segment_unlink(segment);
    if (status != -ENOTSUP)
        CHECK_STATUS(status, 0);
    neap_segment_close(segment);
}


/* Write and read one byte through a mapping of its own. */
static void put(neap_segment *segment, uint64_t offset, int byte)
{
    neap_mapping *mapping;
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_WRITE, &mapping),
                 0);
    ((uint8_t *)neap_mapping_data(mapping))[offset] = (uint8_t)byte;
    neap_mapping_close(mapping);
}


static int get(neap_segment *segment, uint64_t offset)
{
    neap_mapping *mapping;
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_READ, &mapping), 0);
    int byte = ((uint8_t *)neap_mapping_data(mapping))[offset];
    neap_mapping_close(mapping);
    return byte;
}

/* -- the contract of every kind -------------------------------------------- */

TEST_EACH(a_new_segment_has_exactly_the_size_asked_for_and_is_zero, test_kinds)
{
    neap_segment *segment = create(test_address(parameter, 0), SIZE);
    CHECK_INT(size_of(segment), SIZE);
    for (uint64_t i = 0; i < SIZE; i += 999)
        CHECK_INT(get(segment, i), 0);
    CHECK_STR(neap_kind_name(neap_segment_kind(segment)), parameter);
    end(segment);
}


TEST_EACH(a_segment_of_one_byte_works, test_kinds)
{
    neap_segment *segment = create(test_address(parameter, 0), 1);
    CHECK_INT(size_of(segment), 1);
    put(segment, 0, 42);
    CHECK_INT(get(segment, 0), 42);
    end(segment);
}


TEST_EACH(status_tells_kind_size_mode_and_owner, test_kinds)
{
    neap_segment *segment = create(test_address(parameter, 0), SIZE);
    neap_segment_stat stat = status_of(segment);
    CHECK_STR(neap_kind_name(stat.kind), parameter);
    CHECK_INT(stat.size, SIZE);
    CHECK_INT(stat.mode, 0600);
    CHECK_INT(stat.uid, geteuid());
    CHECK_INT(stat.gid, getegid());
    bool sysv = stat.kind == NEAP_KIND_SYSV;
    CHECK_INT(stat.attached, sysv ? 0 : -1);
    CHECK_INT(stat.creator_pid, sysv ? getpid() : 0);
    if (!sysv)
        CHECK(stat.allocated >= SIZE);
    end(segment);
}


static int write_in_child(void *segment)
{
    put(segment, 7000, 99);
    return 0;
}


TEST_EACH(a_child_has_the_segment_too, test_kinds)
{
    neap_segment *segment = create(test_address(parameter, 0), SIZE);
    CHECK_INT(test_wait(test_fork(write_in_child, segment)), 0);
    CHECK_INT(get(segment, 7000), 99);
    end(segment);
}


TEST_EACH(a_size_that_no_segment_has_is_refused, test_kinds)
{
    neap_segment *segment = (neap_segment *)test_kinds;
    const char *address = test_address(parameter, 0);
    CHECK_FAILS(neap_segment_create(address, 0, 0, &segment), -EINVAL,
                "ask for 1 or more");
    CHECK_FAILS(neap_segment_create(address, (uint64_t)-5, 0, &segment),
                -EINVAL, "more than a segment can have");
    CHECK((void *)segment == (void *)test_kinds);
}


TEST_EACH(a_size_beyond_the_machine_is_refused_at_once, test_kinds)
{
    neap_segment *segment;
    CHECK(neap_segment_create(test_address(parameter, 0), INT64_MAX, 0,
                              &segment) < 0);
    CHECK(*neap_error_text());
    CHECK(neap_segment_create(test_address(parameter, 0), UINT64_C(100) << 40,
                              0, &segment) < 0);
    CHECK(strstr(neap_error_text(), "100.0 TiB"));
}


TEST_EACH(a_mode_that_is_more_than_permissions_is_refused, test_kinds)
{
    neap_segment *segment;
    CHECK_FAILS(neap_segment_create(test_address(parameter, 0), SIZE, 01777,
                                    &segment),
                -EINVAL, "permission bits only");
}


TEST(a_closed_handle_is_a_status)
{
    uint64_t size;
    neap_segment_stat stat;
    neap_segment_close(NULL);
    CHECK_FAILS(neap_segment_size(NULL, &size), NEAP_ECLOSED, "closed");
    CHECK_STATUS(neap_segment_status(NULL, &stat), NEAP_ECLOSED);
    CHECK_STATUS(neap_segment_resize(NULL, 1), NEAP_ECLOSED);
    CHECK_STATUS(neap_segment_unlink(NULL), NEAP_ECLOSED);
    CHECK_INT(neap_segment_descriptor(NULL), -1);
    CHECK_STR(neap_segment_address(NULL), "");
}

/* -- kinds with names ------------------------------------------------------ */

TEST_EACH(what_one_handle_writes_another_reads, test_named_kinds)
{
    const char *address = test_address(parameter, 0);
    neap_segment *one = create(address, SIZE), *other = open_it(address, false);
    CHECK_INT(size_of(other), SIZE);
    put(one, SIZE - 1, 17);
    CHECK_INT(get(other, SIZE - 1), 17);
    neap_segment_close(other);
    end(one);
}


TEST_EACH(a_handle_knows_an_address_that_opens_it, test_named_kinds)
{
    neap_segment *one = create(test_address(parameter, 0), SIZE);
    put(one, 0, 1);
    neap_segment *other = open_it(neap_segment_address(one), true);
    CHECK_INT(get(other, 0), 1);
    CHECK_STR(neap_segment_address(other), neap_segment_address(one));
    neap_segment_close(other);
    end(one);
}


TEST_EACH(creating_what_exists_is_eexist_and_changes_nothing, test_named_kinds)
{
    const char *address = test_address(parameter, 0);
    neap_segment *one = create(address, SIZE), *other;
    put(one, 0, 5);
    CHECK_FAILS(neap_segment_create(address, 2 * SIZE, 0, &other), -EEXIST,
                "it exists");
    CHECK_INT(size_of(one), SIZE);
    CHECK_INT(get(one, 0), 5);
    end(one);
}


TEST_EACH(opening_what_is_missing_is_enoent, test_named_kinds)
{
    neap_segment *segment;
    CHECK_FAILS(neap_segment_open(test_address(parameter, 0), false, &segment),
                -ENOENT, "to make it, create it");
    CHECK_FAILS(neap_unlink(test_address(parameter, 0)), -ENOENT,
                "gone already");
}


TEST_EACH(a_mode_is_exact_whatever_the_umask, test_named_kinds)
{
    neap_segment *segment;
    umask(0077);
    CHECK_STATUS(neap_segment_create(test_address(parameter, 0), SIZE, 0664,
                                     &segment), 0);
    CHECK_INT(status_of(segment).mode, 0664);
    end(segment);
}


TEST_EACH(open_or_create_tells_which_it_was, test_named_kinds)
{
    const char *address = test_address(parameter, 0);
    neap_segment *one, *other;
    CHECK_STATUS(neap_segment_open_or_create(address, SIZE, 0640, &one),
                 NEAP_CREATED);
    CHECK_INT(status_of(one).mode, 0640);
    CHECK_STATUS(neap_segment_open_or_create(address, 1, 0, &other), 0);
    CHECK_INT(size_of(other), SIZE);
    neap_segment_close(other);
    end(one);
}


struct race {
    const char *address;
    _Atomic int *here;
};

enum { RACERS = 16 };


static int race(void *argument)
{
    struct race *r = argument;
    neap_segment *segment;
    (*r->here)++;
    while (*r->here < RACERS)
        sched_yield();
    int status = neap_segment_open_or_create(r->address, SIZE, 0, &segment);
    if (status < 0)
        FAIL("%s", neap_error_text());
    CHECK_INT(size_of(segment), SIZE);
    put(segment, 0, 1);
    neap_segment_close(segment);
    return status;
}


TEST_EACH(of_sixteen_that_open_or_create_one_creates, test_named_kinds)
{
    struct race r = {test_address(parameter, 0), NULL};
    r.here = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int round = 0; round < 20; round++) {
        pid_t racers[RACERS];
        int created = 0;
        *r.here = 0;
        for (int i = 0; i < RACERS; i++)
            racers[i] = test_fork(race, &r);
        for (int i = 0; i < RACERS; i++) {
            int status = test_wait(racers[i]);
            CHECK(status == 0 || status == NEAP_CREATED);
            created += status == NEAP_CREATED;
        }
        CHECK_INT(created, 1);
        CHECK_STATUS(neap_unlink(r.address), 0);
    }
}


TEST_EACH(unlink_takes_the_name_and_leaves_the_memory, test_named_kinds)
{
    const char *address = test_address(parameter, 0);
    neap_segment *segment = create(address, SIZE), *other;
    neap_mapping *mapping;
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_WRITE, &mapping),
                 0);
    CHECK_STATUS(neap_segment_unlink(segment), 0);
    CHECK_STATUS(neap_segment_open(address, false, &other), -ENOENT);
    memset(neap_mapping_data(mapping), 1, SIZE);
    CHECK_FAILS(neap_segment_unlink(segment), -ENOENT, "gone already");
    neap_mapping_close(mapping);
    neap_segment_close(segment);
}


TEST_EACH(unlink_by_handle_leaves_another_segment_of_that_name_alone,
          test_named_kinds)
{
    const char *address = test_address(parameter, 0);
    neap_segment *old = create(address, SIZE);
    CHECK_STATUS(neap_unlink(address), 0);
    neap_segment *new = create(address, SIZE);
    CHECK_STATUS(neap_segment_unlink(old), -ENOENT);
    put(new, 0, 3);
    neap_segment *again = open_it(address, false);
    CHECK_INT(get(again, 0), 3);
    neap_segment_close(again);
    neap_segment_close(old);
    end(new);
}


TEST_EACH(a_read_only_handle_does_not_write, test_named_kinds)
{
    const char *address = test_address(parameter, 0);
    neap_segment *segment = create(address, SIZE);
    neap_segment *reader = open_it(address, true);
    neap_mapping *mapping;
    CHECK_FAILS(neap_mapping_open(reader, 0, 0, NEAP_PROT_WRITE, &mapping),
                -EACCES, "opened read-only");
    CHECK(neap_segment_resize(reader, 1) < 0);
    CHECK_INT(get(reader, 0), 0);
    neap_segment_close(reader);
    end(segment);
}


static int be_nobody(void *address)
{
    neap_segment *segment;
    CHECK_INT(setgid(65534), 0);
    CHECK_INT(setuid(65534), 0);
    CHECK_FAILS(neap_segment_open(address, false, &segment), -EACCES,
                "open it read-only");
    segment = open_it(address, true);
    CHECK_STATUS(neap_segment_unlink(segment), -EACCES);
    CHECK_FAILS(neap_unlink(address), -EACCES, "its owner or root may");
    neap_segment_close(segment);
    return 0;
}


TEST_EACH(permissions_are_the_kernels, test_named_kinds)
{
    neap_segment *segment;
    if (geteuid() != 0)
        test_skip("only root can become nobody");
    const char *address = test_address(parameter, 0);
    if (strcmp(parameter, "file") == 0)
        CHECK_INT(chmod(test_tmpdir(), 0755), 0);
    CHECK_STATUS(neap_segment_create(address, SIZE, 0644, &segment), 0);
    CHECK_INT(test_wait(test_fork(be_nobody, (void *)address)), 0);
    end(segment);
}


static int open_what_is_private(void *address)
{
    neap_segment *segment;
    CHECK_INT(setuid(65534), 0);
    CHECK_FAILS(neap_segment_open(address, true, &segment), -EACCES,
                "does not let you");
    return 0;
}


TEST_EACH(a_segment_is_private_unless_asked_otherwise, test_named_kinds)
{
    if (geteuid() != 0)
        test_skip("only root can become nobody");
    const char *address = test_address(parameter, 0);
    neap_segment *segment = create(address, SIZE);
    CHECK_INT(test_wait(test_fork(open_what_is_private, (void *)address)), 0);
    end(segment);
}

/* -- kinds with a descriptor ----------------------------------------------- */

static const char *const resizable[] = {"posix", "file", "memfd", NULL};
static const char *const fixed[] = {"sysv", "anonymous", NULL};
static const char *const nameless[] = {"anonymous", "memfd", NULL};


TEST_EACH(resize_keeps_what_is_there_and_adds_zeros, resizable)
{
    neap_segment *segment = create(test_address(parameter, 0), SIZE);
    put(segment, SIZE - 1, 9);
    CHECK_STATUS(neap_segment_resize(segment, 3 * SIZE), 0);
    CHECK_INT(size_of(segment), 3 * SIZE);
    CHECK(status_of(segment).allocated >= 3 * SIZE);
    CHECK_INT(get(segment, SIZE - 1), 9);
    CHECK_INT(get(segment, 3 * SIZE - 1), 0);
    CHECK_STATUS(neap_segment_resize(segment, 100), 0);
    CHECK_INT(size_of(segment), 100);
    CHECK_STATUS(neap_segment_resize(segment, 0), -EINVAL);
    CHECK(neap_segment_resize(segment, UINT64_C(1) << 50) < 0);
    CHECK_INT(size_of(segment), 100);
    end(segment);
}


TEST_EACH(kinds_of_fixed_size_say_so, fixed)
{
    neap_segment *segment = create(test_address(parameter, 0), SIZE);
    CHECK_FAILS(neap_segment_resize(segment, 1), -ENOTSUP, "can be resized");
    CHECK_INT(neap_segment_descriptor(segment), -1);
    end(segment);
}


TEST_EACH(kinds_without_a_name_say_so, nameless)
{
    const char *address = test_address(parameter, 0);
    neap_segment *segment = create(address, SIZE), *other;
    CHECK_FAILS(neap_segment_unlink(segment), -ENOTSUP, "no name");
    CHECK_FAILS(neap_unlink(address), -ENOTSUP, "no name");
    CHECK_FAILS(neap_segment_open(address, false, &other), -EINVAL,
                "no name to open them by");
    neap_segment_close(segment);
    CHECK_STATUS(neap_segment_open_or_create(address, SIZE, 0, &segment),
                 NEAP_CREATED);
    neap_segment_close(segment);
}


TEST_EACH(a_descriptor_does_not_pass_over_exec, resizable)
{
    neap_segment *segment = create(test_address(parameter, 0), SIZE);
    int flags = fcntl(neap_segment_descriptor(segment), F_GETFD);
    CHECK(flags >= 0 && flags & FD_CLOEXEC);
    end(segment);
}


static int open_and_write(void *address)
{
    neap_segment *segment = open_it(address, false);
    put(segment, 1, 8);
    neap_segment_close(segment);
    return 0;
}


static int compare_address(void *segment)
{
    char pid[32];
    snprintf(pid, sizeof pid, "/proc/%ld/", (long)getpid());
    CHECK(strstr(neap_segment_address(segment), pid));
    return open_and_write((void *)neap_segment_address(segment));
}


TEST(a_memfd_opens_through_proc_in_another_process)
{
    neap_segment *segment = create("memfd:sky", SIZE);
    CHECK_STATUS(neap_mapping_sync(NULL, false), NEAP_ECLOSED);
    void *address = (void *)neap_segment_address(segment);
    CHECK_INT(test_wait(test_fork(open_and_write, address)), 0);
    CHECK_INT(get(segment, 1), 8);
    CHECK_INT(test_wait(test_fork(compare_address, segment)), 0);
    neap_segment_close(segment);
}


TEST(a_sealed_memfd_does_not_shrink)
{
    neap_segment *segment = create("memfd:", SIZE);
    CHECK_INT(fcntl(neap_segment_descriptor(segment), F_ADD_SEALS,
                    F_SEAL_SHRINK), 0);
    CHECK_FAILS(neap_segment_resize(segment, 1), -EPERM, "sealed");
    CHECK_STATUS(neap_segment_resize(segment, 2 * SIZE), 0);
    neap_segment_close(segment);
}
