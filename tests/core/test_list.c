/* Tests of the list of segments, and of segments that other programs made. */
#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include "lib/harness.h"

enum { SIZE = 10000 };


/* @return true if the list has that address, with what it tells of it. */
static bool find(const char *address, neap_segment_info *ret_info)
{
    neap_segment_list *list;
    bool found = false;
    int status;
    CHECK_STATUS(neap_segment_list_open(&list), 0);
    while (!found && (status = neap_segment_list_next(list, ret_info)) != 0) {
        CHECK_STATUS(status, NEAP_MORE);
        found = strcmp(ret_info->address, address) == 0;
    }
    neap_segment_list_close(list);
    return found;
}


static const char *const listed[] = {"posix", "sysv", NULL};


TEST_EACH(the_list_has_a_segment_while_it_lives, listed)
{
    const char *address = test_address(parameter, 0);
    neap_segment *segment;
    neap_segment_info info;
    CHECK(!find(address, &info));
    CHECK_STATUS(neap_segment_create(address, SIZE, 0640, &segment), 0);
    CHECK(find(address, &info));
    CHECK_STR(neap_kind_name(info.stat.kind), parameter);
    CHECK_INT(info.stat.size, SIZE);
    CHECK_INT(info.stat.mode, 0640);
    CHECK_INT(info.stat.uid, geteuid());
    CHECK(!info.is_heap);
    CHECK_STATUS(neap_segment_unlink(segment), 0);
    CHECK(!find(address, &info));
    neap_segment_close(segment);
}


TEST_EACH(the_list_tells_heaps_from_other_segments, listed)
{
    const char *address = test_address(parameter, 0);
    neap_segment *segment;
    neap_segment_info info;
    neap_mapping *mapping;
    CHECK_STATUS(neap_segment_create(address, SIZE, 0, &segment), 0);
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_WRITE, &mapping),
                 0);
    CHECK_STATUS(neap_mapping_write_bytes(mapping, 0, 8, "NEAPHEAP"), 0);
    CHECK(find(address, &info));
    CHECK(info.is_heap);
    neap_mapping_close(mapping);
    CHECK_STATUS(neap_segment_unlink(segment), 0);
    neap_segment_close(segment);
}


TEST(the_list_counts_the_mappings_of_a_system_v_segment)
{
    neap_segment *segment;
    neap_segment_info info;
    neap_segment_stat stat;
    neap_mapping *mapping;
    CHECK_STATUS(neap_segment_create(test_sysv(0), SIZE, 0, &segment), 0);
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_WRITE, &mapping),
                 0);
    memset(neap_mapping_data(mapping), 1, SIZE);
    CHECK(find(test_sysv(0), &info));
    CHECK_INT(info.stat.attached, 1);
    CHECK(info.stat.allocated >= SIZE);
    CHECK_STATUS(neap_segment_status(segment, &stat), 0);
    CHECK_INT(stat.attached, 1);
    CHECK_INT(stat.creator_pid, getpid());
    CHECK(stat.allocated >= SIZE);
    CHECK_STATUS(neap_segment_unlink(segment), 0);
    neap_mapping_close(mapping);
    neap_segment_close(segment);
}


TEST(the_list_leaves_out_semaphores_directories_and_births)
{
    neap_segment_info info;
    char name[256], path[300];
    snprintf(name, sizeof name, "/%s", test_name("s"));
    sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
    CHECK(semaphore != SEM_FAILED);
    snprintf(path, sizeof path, "sem.%s", test_name("s"));
    CHECK(!find(path, &info));
    CHECK_INT(sem_close(semaphore), 0);
    CHECK_INT(sem_unlink(name), 0);

    snprintf(path, sizeof path, "/dev/shm/%s", test_name("d"));
    CHECK_INT(mkdir(path, 0700), 0);
    CHECK(!find(test_name("d"), &info));
    CHECK_INT(rmdir(path), 0);

    snprintf(path, sizeof path, "/dev/shm/.neap-birth-%ld-0", (long)getpid());
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK(!find(path + 9, &info));
    close(fd);
    CHECK_INT(unlink(path), 0);
}


TEST(every_address_in_the_list_opens_or_says_why_not)
{
    neap_segment_list *list;
    neap_segment_info info;
    neap_segment *mine;
    int seen = 0;
    CHECK_STATUS(neap_segment_create(test_name("a:b"), SIZE, 0, &mine),
                 -EINVAL);
    char address[300];
    snprintf(address, sizeof address, "posix:%s", test_name("a:b"));
    CHECK_STATUS(neap_segment_create(address, SIZE, 0, &mine), 0);
    CHECK_STATUS(neap_segment_list_open(&list), 0);
    while (neap_segment_list_next(list, &info) == NEAP_MORE) {
        neap_segment *segment;
        int status = neap_segment_open(info.address, true, &segment);
        seen += strcmp(info.address, address) == 0 && status == 0;
        if (status < 0)
            CHECK(*neap_error_text());
        else
            neap_segment_close(segment);
    }
    neap_segment_list_close(list);
    CHECK_INT(seen, 1);
    CHECK_STATUS(neap_segment_unlink(mine), 0);
    neap_segment_close(mine);
}


TEST(a_list_that_is_closed_is_a_status)
{
    neap_segment_info info;
    neap_segment_list_close(NULL);
    CHECK_STATUS(neap_segment_list_next(NULL, &info), NEAP_ECLOSED);
}


static int list_as_nobody(void *address)
{
    neap_segment_info info;
    CHECK_INT(setuid(65534), 0);
    CHECK(find(address, &info));
    CHECK(!info.is_heap); /* it may not look */
    return 0;
}


TEST_EACH(the_list_has_segments_that_one_may_not_read, listed)
{
    if (geteuid() != 0)
        test_skip("only root can become nobody");
    neap_segment *segment;
    const char *address = test_address(parameter, 0);
    CHECK_STATUS(neap_segment_create(address, SIZE, 0600, &segment), 0);
    CHECK_INT(test_wait(test_fork(list_as_nobody, (void *)address)), 0);
    CHECK_STATUS(neap_segment_unlink(segment), 0);
    neap_segment_close(segment);
}

/* -- made by plain system calls -------------------------------------------- */

TEST(a_segment_of_shmget_opens_by_its_key)
{
    neap_segment *segment;
    neap_mapping *mapping;
    neap_value value;
    int id = shmget(test_key(0), 5678, IPC_CREAT | IPC_EXCL | 0600);
    CHECK(id >= 0);
    int32_t *numbers = shmat(id, NULL, 0);
    numbers[1000] = -7;

    CHECK_STATUS(neap_segment_open(test_sysv(0), false, &segment), 0);
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_WRITE, &mapping),
                 0);
    CHECK_INT(neap_mapping_length(mapping), 5678);
    CHECK_STATUS(neap_mapping_read(mapping, 4000, NEAP_TYPE_I32, &value), 0);
    CHECK_INT(value.as.i, -7);
    value.as.i = 8;
    CHECK_STATUS(neap_mapping_write(mapping, 4000, NEAP_TYPE_I32, value), 0);
    CHECK_INT(numbers[1000], 8);

    neap_mapping_close(mapping);
    CHECK_STATUS(neap_segment_unlink(segment), 0);
    neap_segment_close(segment);
    CHECK_INT(shmdt(numbers), 0);
    CHECK_INT(shmget(test_key(0), 0, 0), -1);
}


TEST(an_object_of_shm_open_opens_by_its_name_and_the_other_way_round)
{
    char name[256];
    neap_segment *segment, *ours;
    neap_mapping *mapping;
    snprintf(name, sizeof name, "/%s", test_name("theirs"));
    int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    CHECK(fd >= 0);
    CHECK_INT(ftruncate(fd, SIZE), 0);
    CHECK_INT(pwrite(fd, "hello", 6, 100), 6);

    CHECK_STATUS(neap_segment_open(test_name("theirs"), true, &segment), 0);
    CHECK_STATUS(neap_mapping_open(segment, 100, 6, NEAP_PROT_READ, &mapping),
                 0);
    CHECK_STR(neap_mapping_data(mapping), "hello");
    neap_mapping_close(mapping);
    neap_segment_close(segment);
    close(fd);
    CHECK_STATUS(neap_unlink(name), 0);

    CHECK_STATUS(neap_segment_create(test_name("ours"), SIZE, 0, &ours), 0);
    snprintf(name, sizeof name, "/%s", test_name("ours"));
    fd = shm_open(name, O_RDWR, 0);
    CHECK(fd >= 0);
    close(fd);
    CHECK_STATUS(neap_segment_unlink(ours), 0);
    neap_segment_close(ours);
}


TEST(a_segment_that_others_removed_is_told_as_gone)
{
    neap_segment *segment;
    neap_segment_stat stat;
    neap_mapping *mapping;
    CHECK_STATUS(neap_segment_create(test_sysv(0), SIZE, 0, &segment), 0);
    CHECK_INT(shmctl(shmget(test_key(0), 0, 0), IPC_RMID, NULL), 0);
    CHECK_STATUS(neap_segment_status(segment, &stat), -EIDRM);
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_READ, &mapping),
                 -EIDRM);
    CHECK_STATUS(neap_segment_unlink(segment), -ENOENT);
    neap_segment_close(segment);
}
