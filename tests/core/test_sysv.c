/* Tests of what System V has besides the contract of every kind, and of owners
 * and modes, which it brought into the world. */
#include <fcntl.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include "lib/harness.h"

enum { SIZE = 10000 };

static const char *const owned[] = {"posix", "sysv", "file", "memfd", NULL};


static neap_segment *create(const char *address)
{
    neap_segment *segment;
    CHECK_STATUS(neap_segment_create(address, SIZE, 0, &segment), 0);
    return segment;
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

/* -- keys ------------------------------------------------------------------ */

TEST(ftok_gives_the_key_that_the_system_gives)
{
    int32_t key;
    CHECK_STATUS(neap_ftok("/proc/self/status", 7, &key), 0);
    CHECK_INT(key, ftok("/proc/self/status", 7));
    CHECK_STATUS(neap_ftok("/etc/passwd", 255, &key), 0);
    CHECK_INT(key, ftok("/etc/passwd", 255));
}


TEST(ftok_refuses_what_names_nothing)
{
    int32_t key = 99;
    CHECK_FAILS(neap_ftok("/no/such/file", 7, &key), -ENOENT, "create it first");
    CHECK_FAILS(neap_ftok(NULL, 7, &key), -ENOENT, "no such file");
    CHECK_FAILS(neap_ftok("/etc/passwd", 0, &key), -EINVAL, "from 1 to 255");
    CHECK_FAILS(neap_ftok("/etc/passwd", 256, &key), -EINVAL, "from 1 to 255");
    CHECK_INT(key, 99);
}

/* -- what the kernel knows ------------------------------------------------- */

TEST(status_tells_the_id_and_who_was_last)
{
    neap_segment *segment = create(test_address("sysv", 0));
    neap_mapping *mapping;
    CHECK_INT(status_of(segment).last_pid, 0);
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_READ, &mapping), 0);
    neap_segment_stat stat = status_of(segment);
    CHECK_INT(stat.last_pid, getpid());
    CHECK_INT(stat.attached, 1);
    CHECK(!stat.removed);
    struct shmid_ds ds;
    CHECK_INT(shmctl(stat.id, IPC_STAT, &ds), 0);
    CHECK_INT(ds.shm_segsz, SIZE);
    neap_mapping_close(mapping);
    end(segment);
}


static bool list_has(int32_t id, neap_segment_info *ret_info)
{
    neap_segment_list *list;
    bool found = false;
    CHECK_STATUS(neap_segment_list_open(&list), 0);
    while (!found && neap_segment_list_next(list, ret_info) == NEAP_MORE)
        found = ret_info->stat.kind == NEAP_KIND_SYSV && ret_info->stat.id == id;
    neap_segment_list_close(list);
    return found;
}


TEST(what_is_removed_under_a_mapping_is_shown_as_such)
{
    neap_segment *segment = create(test_address("sysv", 0));
    neap_segment_info info;
    neap_mapping *mapping;
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_WRITE, &mapping),
                 0);
    int32_t id = status_of(segment).id;
    CHECK(list_has(id, &info) && !info.stat.removed);

    CHECK_STATUS(neap_segment_unlink(segment), 0);
    CHECK(status_of(segment).removed);
    CHECK(list_has(id, &info) && info.stat.removed);
    CHECK_STR(info.address, "sysv:0");
    memset(neap_mapping_data(mapping), 1, SIZE);

    neap_mapping_close(mapping);
    neap_segment_stat stat;
    CHECK_STATUS(neap_segment_status(segment, &stat), -EIDRM);
    CHECK_STATUS(neap_segment_set_mode(segment, 0600), -EIDRM);
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_READ, &mapping),
                 -EIDRM);
    CHECK(!list_has(id, &info));
    neap_segment_close(segment);
}

/* -- owners and modes ------------------------------------------------------ */

TEST_EACH(a_segment_takes_another_mode, owned)
{
    neap_segment *segment = create(test_address(parameter, 0));
    CHECK_STATUS(neap_segment_set_mode(segment, 0640), 0);
    CHECK_INT(status_of(segment).mode, 0640);
    CHECK_FAILS(neap_segment_set_mode(segment, 01000), -EINVAL,
                "permission bits only");
    CHECK_INT(status_of(segment).mode, 0640);
    end(segment);
}


static int be_refused(void *segment)
{
    CHECK_INT(setgid(65534), 0);
    CHECK_INT(setuid(65534), 0);
    CHECK_FAILS(neap_segment_set_mode(segment, 0666), -EPERM,
                "only its owner may, and root");
    CHECK_FAILS(neap_segment_set_owner(segment, 65534, UINT32_MAX), -EPERM,
                "only its owner may, and root");
    return 0;
}


TEST_EACH(a_segment_takes_another_owner_from_root_alone, owned)
{
    if (geteuid() != 0)
        test_skip("only root can give a segment away");
    neap_segment *segment = create(test_address(parameter, 0));
    CHECK_INT(test_wait(test_fork(be_refused, segment)), 0);
    CHECK_STATUS(neap_segment_set_owner(segment, 1234, UINT32_MAX), 0);
    CHECK_INT(status_of(segment).uid, 1234);
    CHECK_INT(status_of(segment).gid, getegid());
    CHECK_STATUS(neap_segment_set_owner(segment, UINT32_MAX, 567), 0);
    CHECK_INT(status_of(segment).uid, 1234);
    CHECK_INT(status_of(segment).gid, 567);
    end(segment);
}


TEST(anonymous_memory_has_no_owner)
{
    neap_segment *segment = create("anonymous:");
    CHECK_FAILS(neap_segment_set_mode(segment, 0600), -ENOTSUP, "children");
    CHECK_FAILS(neap_segment_set_owner(segment, 0, 0), -ENOTSUP, "children");
    CHECK_STATUS(neap_segment_set_mode(NULL, 0600), NEAP_ECLOSED);
    CHECK_STATUS(neap_segment_set_owner(NULL, 0, 0), NEAP_ECLOSED);
    neap_segment_close(segment);
}

/* -- limits ---------------------------------------------------------------- */

static bool set_limit(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY);
    bool done = fd >= 0 && write(fd, value, strlen(value)) > 0;
    close(fd);
    return done;
}


/* In an IPC namespace of its own, whose limits are its own. */
static int reach_limits(void *unused)
{
    enum { NO_NAMESPACE = 77 };
    neap_segment *segment, *other;
    (void)unused;
    if (unshare(CLONE_NEWIPC) < 0 ||
        !set_limit("/proc/sys/kernel/shmmax", "65536"))
        return NO_NAMESPACE;
    CHECK_FAILS(neap_segment_create("sysv:1", 65537, 0, &segment), -EINVAL,
                "kernel.shmmax=65537");

    CHECK(set_limit("/proc/sys/kernel/shmall", "16"));
    CHECK_STATUS(neap_segment_create("sysv:1", 40000, 0, &segment), 0);
    CHECK_FAILS(neap_segment_create("sysv:2", 40000, 0, &other), -ENOSPC,
                "kernel.shmall=20");

    CHECK(set_limit("/proc/sys/kernel/shmmni", "1"));
    CHECK_FAILS(neap_segment_create("sysv:2", 1, 0, &other), -ENOSPC,
                "kernel.shmmni=2");
    end(segment);
    return 0;
}


TEST(a_limit_that_is_reached_is_named_with_the_way_to_raise_it)
{
    int status = test_wait(test_fork(reach_limits, NULL));
    if (status == 77)
        test_skip("no IPC namespace can be had here");
    CHECK_INT(status, 0);
}
