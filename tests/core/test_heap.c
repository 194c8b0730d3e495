/* Opening, making, closing and looking at heaps. */
#include <fcntl.h>
#include <sys/stat.h>

#include "core/heaps.h"

#define OPENERS 16
#define ROUNDS 20

struct race {
    struct board *board;
    const char *address;
};


/* -- the race -------------------------------------------------------------- */

static int open_and_count(void *argument)
{
    struct race *race = argument;
    neap_heap *heap;
    meet(&race->board->words[0], OPENERS);
    int status = neap_heap_open(race->address, NULL, &heap);
    if (status < 0)
        FAIL("%s: %s", neap_status_name(status), neap_error_text());
    race->board->words[1] += status == NEAP_CREATED;
    neap_counter *counter = open_counter(heap, "openers");
    CHECK_STATUS(neap_counter_add(counter, 1), 0);
    neap_counter_close(counter);
    neap_heap_close(heap);
    return 0;
}


TEST_EACH(of_sixteen_processes_that_open_at_once_one_creates, test_named_kinds)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct race race = {share_board(), test_address(parameter, 0)};
        pid_t pids[OPENERS];
        for (int i = 0; i < OPENERS; i++)
            pids[i] = test_fork(open_and_count, &race);
        for (int i = 0; i < OPENERS; i++)
            CHECK_INT(test_wait(pids[i]), 0);
        CHECK_INT(race.board->words[1], 1);
        neap_heap *heap = join_heap(race.address);
        neap_counter *counter = open_counter(heap, "openers");
        CHECK_INT(count_in(counter), OPENERS);
        neap_counter_close(counter);
        end_heap(heap);
        munmap(race.board, sizeof *race.board);
    }
}


/* -- flags and options ----------------------------------------------------- */

static neap_heap *const untouched = (neap_heap *)"untouched";

static void refuse(const char *address, const neap_heap_options *options,
                   int status, const char *words)
{
    neap_heap *heap = untouched;
    CHECK_FAILS(neap_heap_open(address, options, &heap), status, words);
    CHECK(heap == untouched);
}


TEST_EACH(existing_refuses_what_is_not_there, test_named_kinds)
{
    neap_heap_options options = {.flags = NEAP_OPEN_EXISTING};
    refuse(test_address(parameter, 0), &options, -ENOENT, "there is no");
    options.flags = NEAP_OPEN_READ_ONLY;
    refuse(test_address(parameter, 0), &options, -ENOENT, "there is no");
}


TEST_EACH(new_refuses_what_is_there, test_named_kinds)
{
    const char *address = test_address(parameter, 0);
    neap_heap_options options = {.flags = NEAP_OPEN_NEW};
    neap_heap *heap;
    CHECK_STATUS(neap_heap_open(address, &options, &heap), NEAP_CREATED);
    refuse(address, &options, -EEXIST, "is there already");
    end_heap(heap);
}


TEST(options_that_cannot_be_are_refused)
{
    const char *address = test_name("sky");
    refuse(address, &(neap_heap_options){
        .flags = NEAP_OPEN_EXISTING | NEAP_OPEN_NEW}, -EINVAL, "exclude");
    refuse(address, &(neap_heap_options){
        .flags = NEAP_OPEN_READ_ONLY | NEAP_OPEN_NEW}, -EINVAL, "exclude");
    refuse(address, &(neap_heap_options){.mode = 010000}, -EINVAL,
           "permission bits");
    refuse(address, &(neap_heap_options){.slots = 4096}, -EINVAL, "4095");
    refuse(address, &(neap_heap_options){.reserve = UINT64_MAX}, -EINVAL,
           "4 TiB");
    refuse(address, &(neap_heap_options){.size = UINT64_MAX}, -EINVAL,
           "4 TiB");
    refuse("anonymous:", NULL, -EINVAL, "descriptor");
    refuse("sysv:none", NULL, -EINVAL, "sysv");
    refuse(test_sysv(0), &(neap_heap_options){.size = 4096}, -EINVAL,
           "too few");
}


TEST_EACH(the_mode_is_the_one_asked_for_whatever_the_umask, test_named_kinds)
{
    mode_t before = umask(0777);
    neap_heap_options options = {.mode = 0640};
    neap_heap *heap;
    CHECK_STATUS(neap_heap_open(test_address(parameter, 0), &options, &heap),
                 NEAP_CREATED);
    umask(before);
    CHECK_INT(status_of(heap).mode, 0640);
    CHECK_INT(status_of(heap).uid, getuid());
    CHECK_INT(status_of(heap).gid, getgid());
    end_heap(heap);
}


TEST_EACH(the_default_mode_is_0600, test_named_kinds)
{
    neap_heap *heap = make_heap(test_address(parameter, 0));
    CHECK_INT(status_of(heap).mode, 0600);
    end_heap(heap);
}


TEST(options_of_creation_are_ignored_when_the_heap_is_there)
{
    const char *address = test_name("sky");
    neap_heap *heap = make_heap(address), *again;
    neap_heap_options options = {.slots = 7, .reserve = 1 << 24, .mode = 0666};
    CHECK_STATUS(neap_heap_open(address, &options, &again), 0);
    CHECK_INT(status_of(again).slots, 1024);
    CHECK_INT(status_of(again).reserved, INT64_C(64) << 30);
    CHECK_INT(status_of(again).mode, 0600);
    neap_heap_close(again);
    end_heap(heap);
}


/* -- what status tells ----------------------------------------------------- */

TEST(status_tells_what_the_heap_is)
{
    neap_heap_options options = {.slots = 12, .reserve = 1 << 24};
    neap_heap *heap;
    CHECK_STATUS(neap_heap_open(test_name("sky"), &options, &heap),
                 NEAP_CREATED);
    neap_heap_info info = status_of(heap);
    CHECK_INT(info.kind, NEAP_KIND_POSIX);
    CHECK_INT(info.slots, 12);
    CHECK_INT(info.reserved, 1 << 24);
    CHECK_INT(info.layout, NEAP_LAYOUT_VERSION);
    CHECK_INT(info.objects, 0);
    CHECK_INT(info.attached, 0);
    CHECK_INT(info.dead, 0);
    CHECK_INT(info.deaths, 0);
    CHECK(!info.read_only && !info.ephemeral);
    CHECK(info.used <= info.size && info.size <= info.reserved);
    CHECK(info.created > 1700000000);
    CHECK_INT(strlen(info.uuid), 36);
    CHECK_INT(info.uuid[14], '4');
    neap_counter_close(open_counter(heap, "one"));
    CHECK_INT(status_of(heap).objects, 1);
    CHECK_INT(status_of(heap).attached, 1);
    end_heap(heap);
}


TEST(an_empty_heap_is_small_whatever_it_reserves)
{
    neap_heap_options options = {.slots = 4095, .reserve = UINT64_C(1) << 40};
    neap_heap *heap;
    CHECK_STATUS(neap_heap_open(test_name("sky"), &options, &heap),
                 NEAP_CREATED);
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "/dev/shm/%s", test_name("sky"));
    CHECK_INT(stat(path, &st), 0);
    CHECK(st.st_blocks * 512 < 256 * 1024);
    CHECK(status_of(heap).size < 256 * 1024);
    end_heap(heap);
}


TEST(each_heap_has_a_uuid_of_its_own)
{
    neap_heap *a = make_heap(NULL), *b = make_heap("");
    CHECK(strcmp(status_of(a).uuid, status_of(b).uuid) != 0);
    end_heap(a);
    end_heap(b);
}


TEST_EACH(its_address_opens_it_again, test_named_kinds)
{
    neap_heap *heap = make_heap(test_address(parameter, 0));
    neap_heap *again = join_heap(neap_heap_address(heap));
    CHECK_STR(status_of(heap).uuid, status_of(again).uuid);
    neap_heap_close(again);
    end_heap(heap);
}


/* -- handles --------------------------------------------------------------- */

TEST(objects_stay_usable_when_their_heap_is_closed)
{
    neap_heap *heap = make_heap(test_name("sky"));
    neap_counter *counter = open_counter(heap, "hits");
    neap_mutex *mutex = open_mutex(heap, "lock");
    CHECK_STATUS(neap_heap_unlink(heap), 0);
    neap_heap_close(heap);
    CHECK_STATUS(neap_counter_add(counter, 3), 0);
    CHECK_INT(count_in(counter), 3);
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    neap_mutex_close(mutex);
    neap_counter_close(counter);
}


TEST(a_retained_heap_is_closed_as_often)
{
    neap_heap *heap = make_heap(NULL);
    CHECK(neap_heap_retain(heap) == heap);
    neap_heap_close(heap);
    neap_counter_close(open_counter(heap, "still"));
    neap_heap_close(heap);
}


TEST(closing_nothing_is_fine)
{
    neap_heap_close(NULL);
    neap_counter_close(NULL);
    neap_mutex_close(NULL);
    neap_semaphore_close(NULL);
    neap_array_close(NULL);
}


TEST(a_process_may_open_a_heap_a_thousand_times)
{
    const char *address = test_name("sky");
    neap_heap *heap = make_heap(address);
    for (int i = 0; i < 1000; i++) {
        neap_heap *again = join_heap(address);
        neap_counter *counter = open_counter(again, "hits");
        CHECK_STATUS(neap_counter_add(counter, 1), 0);
        neap_counter_close(counter);
        neap_heap_close(again);
    }
    CHECK_INT(status_of(heap).attached, 0);
    CHECK_INT(status_of(heap).deaths, 0);
    neap_counter *counter = open_counter(heap, "hits");
    CHECK_INT(count_in(counter), 1000);
    neap_counter_close(counter);
    end_heap(heap);
}


TEST(two_handles_of_one_process_see_the_same_heap)
{
    const char *address = test_name("sky");
    neap_heap *a = make_heap(address), *b = join_heap(address);
    neap_mutex *in_a = open_mutex(a, "lock"), *in_b = open_mutex(b, "lock");
    CHECK_STATUS(neap_mutex_lock(in_a, NEAP_NOW), 0);
    CHECK_STATUS(neap_mutex_lock(in_b, NEAP_NOW), -EBUSY);
    CHECK_STATUS(neap_mutex_unlock(in_b), -EPERM);
    CHECK_STATUS(neap_mutex_unlock(in_a), 0);
    CHECK_STATUS(neap_mutex_lock(in_b, NEAP_NOW), 0);
    CHECK_STATUS(neap_mutex_unlock(in_b), 0);
    neap_mutex_close(in_a);
    neap_mutex_close(in_b);
    neap_heap_close(b);
    end_heap(a);
}


/* -- names going away ------------------------------------------------------ */

TEST_EACH(unlink_leaves_another_heap_of_that_name_alone, test_named_kinds)
{
    const char *address = test_address(parameter, 0);
    neap_heap *first = make_heap(address);
    CHECK_STATUS(neap_unlink(address), 0);
    neap_heap *second = make_heap(address);
    CHECK_STATUS(neap_heap_unlink(first), -ENOENT);
    neap_heap_close(first);
    neap_heap_close(join_heap(address));
    end_heap(second);
}


TEST_EACH(attached_processes_go_on_after_unlink, test_named_kinds)
{
    neap_heap *heap = make_heap(test_address(parameter, 0));
    CHECK_STATUS(neap_heap_unlink(heap), 0);
    CHECK_STATUS(neap_heap_unlink(heap), -ENOENT);
    neap_counter *counter = open_counter(heap, "hits");
    CHECK_STATUS(neap_counter_add(counter, 1), 0);
    check_sound(heap);
    neap_counter_close(counter);
    neap_heap_close(heap);
}


TEST(an_anonymous_heap_has_no_name_to_unlink)
{
    neap_heap *heap = make_heap(NULL);
    CHECK_FAILS(neap_heap_unlink(heap), -ENOTSUP, "anonymous");
    neap_heap_close(heap);
}


static const neap_heap_options ephemeral = {.flags = NEAP_OPEN_EPHEMERAL};

static int stay_in(void *argument)
{
    neap_heap *heap = join_heap(argument);
    neap_counter_close(open_counter(heap, "hits"));
    return 0;
}


TEST(the_last_close_removes_an_ephemeral_heap)
{
    const char *address = test_name("sky");
    neap_heap *heap, *again;
    CHECK_STATUS(neap_heap_open(address, &ephemeral, &heap), NEAP_CREATED);
    CHECK(status_of(heap).ephemeral);
    again = join_heap(address);
    neap_heap_close(heap);
    neap_heap_close(join_heap(address));
    neap_heap_close(again);
    refuse(address, &(neap_heap_options){.flags = NEAP_OPEN_EXISTING}, -ENOENT,
           "there is no");
}


TEST(an_ephemeral_heap_whose_last_user_was_killed_is_not_there)
{
    char *address = (char *)(uintptr_t)test_name("sky");
    neap_heap *heap;
    CHECK_STATUS(neap_heap_open(address, &ephemeral, &heap), NEAP_CREATED);
    pid_t child = fork_lingering(stay_in, address);
    neap_heap_close(heap);
    neap_heap_close(join_heap(address)); /* the child has it */
    test_kill(child);
    heap = make_heap(address);
    CHECK_INT(status_of(heap).objects, 0);
    end_heap(heap);
}


TEST(a_closing_child_does_not_take_its_parents_ephemeral_heap)
{
    const char *address = test_name("sky");
    neap_heap *heap;
    CHECK_STATUS(neap_heap_open(address, &ephemeral, &heap), NEAP_CREATED);
    pid_t pid = fork();
    if (pid == 0) {
        neap_heap_close(heap);
        _exit(0);
    }
    CHECK_INT(test_wait(pid), 0);
    neap_heap_close(join_heap(address));
    neap_heap_close(heap);
    refuse(address, &(neap_heap_options){.flags = NEAP_OPEN_EXISTING}, -ENOENT,
           "there is no");
}


static int inherit(void *argument)
{
    neap_counter_close(open_counter(argument, "hits"));
    return 0;
}


TEST(an_ephemeral_heap_stays_while_a_child_that_inherited_it_lives)
{
    char *address = (char *)(uintptr_t)test_name("sky");
    neap_heap *heap;
    CHECK_STATUS(neap_heap_open(address, &ephemeral, &heap), NEAP_CREATED);
    pid_t child = fork_lingering(inherit, heap);
    neap_heap_close(heap);
    heap = join_heap(address);
    CHECK_INT(status_of(heap).objects, 1);
    test_kill(child);
    neap_heap_close(heap);
    refuse(address, &(neap_heap_options){.flags = NEAP_OPEN_EXISTING}, -ENOENT,
           "there is no");
}


TEST(a_file_heap_can_be_written_to_disk)
{
    neap_heap *heap = make_heap(test_address("file", 0));
    neap_counter_close(open_counter(heap, "hits"));
    CHECK_STATUS(neap_heap_sync(heap), 0);
    end_heap(heap);
}
