/* Address spaces made visible. */
#include <sys/mman.h>
#include <unistd.h>

#include "lib/harness.h"


static neap_mapping *map_one(const char *address)
{
    neap_segment *segment;
    neap_mapping *mapping;
    CHECK(neap_segment_create(address, 40960, 0, &segment) >= 0);
    CHECK_STATUS(neap_mapping_open(segment, 0, 0,
                                   NEAP_PROT_READ | NEAP_PROT_WRITE, &mapping),
                 0);
    if (strncmp(address, "anonymous", 9) && strncmp(address, "memfd", 5))
        CHECK_STATUS(neap_segment_unlink(segment), 0);
    neap_segment_close(segment);
    return mapping;
}


static neap_map_info find(const void *address)
{
    neap_map_list *list;
    neap_map_info info;
    CHECK_STATUS(neap_map_list_open(0, &list), 0);
    int status;
    while ((status = neap_map_list_next(list, &info)) == NEAP_MORE &&
           (uint64_t)address - info.address >= info.size)
        ;
    neap_map_list_close(list);
    CHECK_INT(status, NEAP_MORE);
    return info;
}


TEST_EACH(a_mapping_is_told_with_its_kind_and_what_is_in_memory, test_kinds)
{
    neap_mapping *mapping = map_one(test_address(parameter, 0));
    char *bytes = neap_mapping_data(mapping);
    bytes[0] = bytes[4096] = bytes[8192] = 1;
    neap_map_info info = find(bytes);
    CHECK_STR(neap_map_kind_name(info.kind), parameter);
    CHECK_INT(info.address, (int64_t)bytes);
    CHECK_INT(info.size, 40960);
    CHECK_INT(info.protection, NEAP_PROT_READ | NEAP_PROT_WRITE);
    CHECK(info.shared && info.resident >= 3 * 4096);
    CHECK(info.resident <= info.size && info.dirty <= info.resident);
    neap_mapping_close(mapping);
}


TEST(other_kinds_are_told_apart)
{
    static int data;
    int local;
    CHECK_STR(neap_map_kind_name(find(&local).kind), "stack");
    CHECK_STR(neap_map_kind_name(find(&data).kind), "file");
    CHECK(!find(&data).shared);
    void *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_STR(neap_map_kind_name(find(page).kind), "private");
    CHECK_INT(find(page).protection, NEAP_PROT_NONE);
    munmap(page, 4096);
}


TEST(an_address_is_translated)
{
    neap_mapping *mapping = map_one("anonymous:");
    char *bytes = neap_mapping_data(mapping);
    neap_page_info info;
    CHECK_STATUS(neap_translate(0, (uint64_t)bytes + 4096 + 77, &info), 0);
    CHECK_INT(info.page, (int64_t)bytes / 4096 + 1);
    CHECK_INT(info.offset, 77);
    CHECK(!info.present && !info.frame_known);
    bytes[4096] = 1;
    CHECK_STATUS(neap_translate(0, (uint64_t)bytes + 4096, &info), 0);
    CHECK(info.present && info.file_or_shared);
    CHECK_INT(info.map.address, (int64_t)bytes);
    if (info.frame_known && info.mapped_known)
        CHECK_INT(info.mapped, 1);
    neap_mapping_close(mapping);
    CHECK_FAILS(neap_translate(0, 0, &info), -EFAULT, "nothing is mapped");
}


static int touch_and_wait(void *bytes)
{
    *(volatile char *)bytes = 2;
    *((volatile char *)bytes + 1) = 1;
    pause();
    return 0;
}


TEST(who_shares_a_page_is_found)
{
    neap_mapping *mapping = map_one("anonymous:");
    char *bytes = neap_mapping_data(mapping);
    int32_t pids[8];
    CHECK_INT(neap_page_sharers(0, (uint64_t)bytes, pids, 8), 1);
    CHECK_INT(pids[0], getpid());
    pid_t child = test_fork(touch_and_wait, bytes);
    WAIT_UNTIL(bytes[1] == 1);
    CHECK_INT(neap_page_sharers(0, (uint64_t)bytes, pids, 8), 2);
    CHECK(pids[0] == child || pids[1] == child);
    CHECK_INT(neap_page_sharers(child, (uint64_t)bytes, pids, 1), 2);
    neap_page_info info;
    CHECK_STATUS(neap_translate(child, (uint64_t)bytes, &info), 0);
    CHECK(info.present);
    if (info.mapped_known)
        CHECK_INT(info.mapped, 2);
    test_kill(child);
    int local;
    CHECK_INT(neap_page_sharers(0, (uint64_t)&local, pids, 8), 0);
    neap_mapping_close(mapping);
}


TEST(a_process_that_is_not_there_is_an_error)
{
    neap_map_list *list;
    pid_t gone = test_fork(touch_and_wait, (char[2]){0});
    test_kill(gone);
    CHECK_FAILS(neap_map_list_open(gone, &list), -ESRCH, "no process");
    CHECK_FAILS(neap_map_list_open(-5, &list), -EINVAL, "-5");
}
