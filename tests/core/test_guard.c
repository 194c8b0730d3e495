/* Tests of the guard: what is gone or forbidden is an error, not a death. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#include "heaps.h"
#include "lib/harness.h"
#include "os/fault.h"

enum { PAGE = 4096, SIZE = 16 * PAGE };

static const char *const kinds[] = {"posix", "file", "memfd", NULL};


static void guard(void)
{
    CHECK_INT(neap_guard(true), 0);
    CHECK_INT(neap_guard_is_on(), 1);
}


static neap_segment *create(const char *kind)
{
    neap_segment *segment;
    CHECK_STATUS(neap_segment_create(test_address(kind, 0), SIZE, 0, &segment),
                 0);
    return segment;
}


static neap_mapping *map(neap_segment *segment, int protection)
{
    neap_mapping *mapping;
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, protection, &mapping), 0);
    if (protection & NEAP_PROT_WRITE)
        memset(neap_mapping_data(mapping), 7, SIZE);
    return mapping;
}


static void end(neap_segment *segment)
{
    int status = neap_segment_unlink(segment);
    if (status != -ENOTSUP)
        CHECK_STATUS(status, 0);
    neap_segment_close(segment);
}


static volatile char *bytes_of(neap_mapping *mapping)
{
    return neap_mapping_data(mapping);
}


static void check_fault(int wanted, uint64_t offset, const char *name,
                        const char *words)
{
    neap_fault fault;
    CHECK_FAILS(neap_fault_take(&fault), wanted, words);
    CHECK_INT(fault.offset, offset);
    CHECK_INT(fault.gone, wanted == -ESTALE);
    CHECK_STR(fault.name, name);
    CHECK_INT(neap_fault_take(&fault), 0);
}

/* -- what is gone ---------------------------------------------------------- */

static int touch_last(void *argument)
{
    signal(SIGBUS, SIG_DFL); /* whatever a sanitizer made of it */
    return bytes_of(argument)[SIZE - 1];
}


TEST_EACH(without_it_a_shorter_file_kills, kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *mapping = map(segment, NEAP_PROT_WRITE);
    CHECK_STATUS(neap_segment_resize(segment, PAGE), 0);
    CHECK_INT(neap_guard_is_on(), 0);
    CHECK_INT(test_wait(test_fork(touch_last, mapping)), -SIGBUS);
    neap_mapping_close(mapping);
    end(segment);
}


TEST_EACH(with_it_there_are_zeros_and_an_error, kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *mapping = map(segment, NEAP_PROT_WRITE);
    neap_value value;
    guard();
    CHECK_STATUS(neap_segment_resize(segment, 4 * PAGE), 0);
    CHECK_INT(bytes_of(mapping)[PAGE], 7);
    CHECK_INT(neap_fault_take(NULL), 0);
    CHECK_INT(bytes_of(mapping)[5 * PAGE + 123], 0);
    check_fault(-ESTALE, 5 * PAGE + 123, neap_segment_address(segment),
                "made it shorter while it was mapped");
    bytes_of(mapping)[9 * PAGE] = 1; /* one error for all of them */
    CHECK_INT(bytes_of(mapping)[9 * PAGE], 1);
    CHECK_INT(bytes_of(mapping)[PAGE], 7);
    CHECK_INT(neap_fault_take(NULL), 0);
    CHECK_FAILS(neap_mapping_read(mapping, 0, NEAP_TYPE_U8, &value), -ESTALE,
                "map it again");
    CHECK_STATUS(neap_mapping_write_bytes(mapping, 0, 1, "x"), -ESTALE);
    neap_mapping_close(mapping);

    CHECK_STATUS(neap_segment_resize(segment, SIZE), 0);
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_READ, &mapping), 0);
    CHECK_INT(bytes_of(mapping)[9 * PAGE], 0); /* what was written is nowhere */
    CHECK_STATUS(neap_mapping_read(mapping, 0, NEAP_TYPE_U8, &value), 0);
    CHECK_INT(value.as.u, 7);
    neap_mapping_close(mapping);
    end(segment);
}


TEST(a_sum_over_what_is_gone_is_an_error_afterwards)
{
    neap_segment *segment = create("file");
    neap_mapping *mapping = map(segment, NEAP_PROT_WRITE);
    neap_array *array;
    uint64_t shape = SIZE;
    CHECK_STATUS(neap_array_view(mapping, 0, NEAP_TYPE_U8, 1, &shape, false,
                                 &array), 0);
    guard();
    CHECK_STATUS(neap_segment_resize(segment, 2 * PAGE), 0);
    neap_value sum;
    CHECK_STATUS(neap_array_sum(array, &sum), 0);
    CHECK_INT(sum.as.u, 2 * PAGE * 7);
    check_fault(-ESTALE, 2 * PAGE, neap_segment_address(segment), "shorter");
    neap_array_close(array);
    neap_mapping_close(mapping);
    end(segment);
}


/* Only the frame whose part is gone: what is in the others is the segment's. */
TEST(an_overlay_is_guarded_too)
{
    neap_segment *segment = create("file");
    neap_mapping *mapping = map(segment, NEAP_PROT_WRITE), *kept, *lost;
    neap_overlay *overlay;
    neap_overlay_options options = {.zone = 8 * PAGE, .frames = 4};
    void *bytes = NULL;
    CHECK_STATUS(neap_overlay_open(segment, &options, &overlay), 0);
    CHECK_STATUS(neap_overlay_load(overlay, 8 * PAGE, 1, false, &lost), 0);
    CHECK_STATUS(neap_overlay_load(overlay, 0, 1, true, &kept), 0);
    guard();
    CHECK_STATUS(neap_segment_resize(segment, 4 * PAGE), 0);
    CHECK_INT(bytes_of(lost)[0], 0);
    check_fault(-ESTALE, 0, neap_segment_address(segment), "shorter");
    CHECK_INT(bytes_of(kept)[0], 7);
    bytes_of(kept)[0] = 9;
    CHECK_INT(bytes_of(mapping)[0], 9);
    CHECK_FAILS(neap_overlay_at(overlay, 8 * PAGE, 1, false, &bytes), -EINVAL,
                "has 16384 bytes");
    neap_mapping_close(lost);

    CHECK_STATUS(neap_segment_resize(segment, SIZE), 0);
    CHECK_STATUS(neap_overlay_at(overlay, 8 * PAGE, 1, true, &bytes), 0);
    *(volatile char *)bytes = 5; /* and not to what was put in its place */
    CHECK_INT(bytes_of(mapping)[8 * PAGE], 5);
    neap_mapping_close(kept);
    neap_overlay_close(overlay);
    neap_mapping_close(mapping);
    end(segment);
}


/* A hole for which there is no room takes one page with it, not those
 * behind. */
TEST(what_is_still_there_is_left_alone)
{
    neap_segment *segment = create("file");
    neap_mapping *mapping = map(segment, NEAP_PROT_WRITE);
    guard();
    CHECK_STATUS(neap_segment_resize(segment, 2 * PAGE), 0);
    CHECK_INT(bytes_of(mapping)[SIZE - 1], 0); /* this page alone is replaced */
    CHECK_INT(neap_fault_take(NULL), -ESTALE);
    CHECK_STATUS(neap_segment_resize(segment, SIZE), 0);
    bytes_of(mapping)[4 * PAGE] = 3;
    CHECK_INT(neap_fault_take(NULL), 0);
    neap_mapping *again;
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_READ, &again), 0);
    CHECK_INT(bytes_of(again)[4 * PAGE], 3);
    neap_mapping_close(again);
    neap_mapping_close(mapping);
    end(segment);
}


TEST(many_pages_in_one_call_are_one_piece_of_news)
{
    neap_segment *segment = create("file");
    neap_mapping *mapping = map(segment, NEAP_PROT_WRITE);
    guard();
    CHECK_STATUS(neap_segment_resize(segment, PAGE), 0);
    for (int page = 15; page > 0; page--) /* each a fault of its own */
        CHECK_INT(bytes_of(mapping)[page * PAGE], 0);
    check_fault(-ESTALE, 15 * PAGE, neap_segment_address(segment), "shorter");
    neap_mapping_close(mapping);
    end(segment);
}

/* -- what is forbidden ----------------------------------------------------- */

TEST_EACH(a_store_to_what_is_read_only_changes_nothing, test_kinds)
{
    neap_segment *segment = create(parameter);
    neap_mapping *writer = map(segment, NEAP_PROT_WRITE);
    neap_mapping *reader = map(segment, NEAP_PROT_READ);
    guard();
    bytes_of(reader)[3 * PAGE + 5] = 9;
    check_fault(-EFAULT, 3 * PAGE + 5, neap_segment_address(segment),
                "its protection forbids it");
    CHECK_INT(bytes_of(writer)[3 * PAGE + 5], 7);
    CHECK_INT(bytes_of(reader)[3 * PAGE + 5], 9); /* a page of its own */
    CHECK_INT(bytes_of(reader)[3 * PAGE + 6], 7); /* with what was there */
    CHECK_INT(bytes_of(reader)[4 * PAGE], 7);
    neap_mapping_close(reader);
    neap_mapping_close(writer);
    end(segment);
}


TEST(what_may_not_be_touched_at_all_reads_as_zero)
{
    neap_segment *segment = create("memfd");
    neap_mapping *writer = map(segment, NEAP_PROT_WRITE);
    neap_mapping *none = map(segment, NEAP_PROT_NONE);
    guard();
    CHECK_INT(bytes_of(none)[100], 0);
    check_fault(-EFAULT, 100, neap_segment_address(segment), "forbids");
    bytes_of(none)[2 * PAGE] = 1;
    check_fault(-EFAULT, 2 * PAGE, neap_segment_address(segment), "forbids");
    CHECK_INT(bytes_of(writer)[2 * PAGE], 7);
    neap_mapping_close(none);
    neap_mapping_close(writer);
    end(segment);
}

/* -- heaps ----------------------------------------------------------------- */

TEST(a_heap_whose_file_was_made_shorter_refuses)
{
    char address[300];
    snprintf(address, sizeof address, "file:%s", test_path("sky.neap"));
    neap_heap *heap = make_heap(address);
    neap_counter *hits = open_counter(heap, "hits");
    neap_mutex *mutex = open_mutex(heap, "lock");
    neap_array *bytes = open_bytes(heap, "bytes", 1 << 20);
    volatile char *data = neap_array_data(bytes);
    data[1 << 19] = 5;
    guard();
    CHECK_INT(truncate(test_path("sky.neap"), 4096), 0);
    CHECK_INT(data[1 << 19], 0);
    neap_fault fault;
    CHECK_FAILS(neap_fault_take(&fault), -ESTALE, "sky.neap");
    CHECK_FAILS(neap_counter_add(hits, 1), -ESTALE, "restore it");
    CHECK(neap_mutex_lock(mutex, NEAP_FOREVER) < 0);
    neap_array_close(bytes);
    neap_mutex_close(mutex);
    neap_counter_close(hits);
    neap_heap_close(heap);
    unlink(test_path("sky.neap"));
    (void)neap_fault_take(&fault); /* its end came upon more of that */

    heap = make_heap(address); /* and all others are well */
    hits = open_counter(heap, "hits");
    CHECK_STATUS(neap_counter_add(hits, 1), 0);
    CHECK_INT(count_in(hits), 1);
    neap_counter_close(hits);
    end_heap(heap);
}

/* -- other faults, and others' handlers ------------------------------------ */

static volatile char *volatile nowhere = (volatile char *)16;


static int touch_nothing(void *unused)
{
    (void)unused;
    signal(SIGSEGV, SIG_DFL);
    guard();
    *nowhere = 1;
    return 0;
}


static int send_it(void *number)
{
    signal(*(int *)number, SIG_DFL);
    guard();
    kill(getpid(), *(int *)number);
    while (pause() < 0)
        ;
    return 0;
}


TEST(what_is_not_ours_kills_as_ever)
{
    CHECK_INT(test_wait(test_fork(touch_nothing, NULL)), -SIGSEGV);
    int numbers[] = {SIGBUS, SIGSEGV};
    for (int i = 0; i < 2; i++)
        CHECK_INT(test_wait(test_fork(send_it, &numbers[i])), -numbers[i]);
}


static void leave(int number)
{
    _exit(number);
}


static void leave_with(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    _exit(info->si_addr == (void *)16 ? 77 : 78);
}


static int touch_with_handler(void *with_information)
{
    struct sigaction action = {.sa_handler = leave};
    if (*(bool *)with_information)
        action = (struct sigaction){.sa_sigaction = leave_with,
                                    .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    guard();
    *nowhere = 1;
    return 0;
}


TEST(a_handler_that_was_there_gets_what_is_not_ours)
{
    bool with = false;
    CHECK_INT(test_wait(test_fork(touch_with_handler, &with)), SIGSEGV);
    with = true;
    CHECK_INT(test_wait(test_fork(touch_with_handler, &with)), 77);
}


static int run_data(void *mapping)
{
    signal(SIGSEGV, SIG_DFL);
    guard();
    void (*code)(void);
    memcpy(&code, &(void *){neap_mapping_data(mapping)}, sizeof code);
    code(); /* there are no instructions to go on with */
    return 0;
}


TEST(pages_that_may_not_be_run_are_not_mended_for_ever)
{
    neap_segment *segment = create("memfd");
    neap_mapping *mapping = map(segment, NEAP_PROT_WRITE);
    CHECK_INT(test_wait(test_fork(run_data, mapping)), -SIGSEGV);
    neap_mapping_close(mapping);
    end(segment);
}


TEST(it_is_turned_off_again)
{
    struct sigaction before, after;
    sigaction(SIGBUS, NULL, &before);
    guard();
    CHECK_INT(neap_guard(true), 1);
    CHECK_INT(neap_guard(false), 1);
    CHECK_INT(neap_guard(false), 0);
    CHECK_INT(neap_guard_is_on(), 0);
    sigaction(SIGBUS, NULL, &after);
    CHECK(before.sa_handler == after.sa_handler);
    neap_segment *segment = create("file");
    neap_mapping *mapping = map(segment, NEAP_PROT_WRITE);
    CHECK_STATUS(neap_segment_resize(segment, PAGE), 0);
    CHECK_INT(test_wait(test_fork(touch_last, mapping)), -SIGBUS);
    neap_mapping_close(mapping);
    end(segment);
}

/* -- threads, children, the registry --------------------------------------- */

static void *touch_in_thread(void *argument)
{
    neap_mapping *mapping = argument;
    neap_fault fault = {0};
    char seen = bytes_of(mapping)[SIZE - 1];
    int status = neap_fault_take(&fault);
    return (void *)(uintptr_t)(seen == 0 && status == -ESTALE &&
                               fault.offset == SIZE - 1);
}


TEST(each_thread_is_told_of_its_own)
{
    if (TEST_UNDER_TSAN)
        test_skip("the thread sanitizer delays signals");
    neap_segment *segment = create("file");
    neap_mapping *mappings[4];
    pthread_t threads[4];
    guard();
    for (int i = 0; i < 4; i++)
        mappings[i] = map(segment, NEAP_PROT_WRITE);
    CHECK_STATUS(neap_segment_resize(segment, PAGE), 0);
    CHECK_INT(bytes_of(mappings[0])[2 * PAGE], 0);
    for (int i = 1; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, touch_in_thread,
                                 mappings[i]), 0);
    for (int i = 1; i < 4; i++) {
        void *right;
        pthread_join(threads[i], &right);
        CHECK(right);
    }
    neap_fault fault;
    CHECK_INT(neap_fault_take(&fault), -ESTALE);
    CHECK_INT(fault.offset, 2 * PAGE);
    for (int i = 0; i < 4; i++)
        neap_mapping_close(mappings[i]);
    end(segment);
}


static int touch_in_child(void *mapping)
{
    neap_fault fault;
    return bytes_of(mapping)[SIZE - 1] == 0 &&
           neap_fault_take(&fault) == -ESTALE ? 5 : 0;
}


TEST(a_child_is_guarded_too)
{
    neap_segment *segment = create("file");
    neap_mapping *mapping = map(segment, NEAP_PROT_WRITE);
    guard();
    CHECK_STATUS(neap_segment_resize(segment, PAGE), 0);
    CHECK_INT(test_wait(test_fork(touch_in_child, mapping)), 5);
    neap_mapping_close(mapping);
    end(segment);
}


TEST(a_mapping_that_is_closed_is_no_longer_known)
{
    neap_segment *segment = create("memfd");
    enum { MANY = 300 }; /* more than a block */
    neap_mapping *mappings[MANY];
    void *at[MANY];
    for (int i = 0; i < MANY; i++) {
        mappings[i] = map(segment, NEAP_PROT_READ);
        at[i] = neap_mapping_data(mappings[i]);
    }
    for (int i = 0; i < MANY; i++)
        CHECK(neap__fault_find((char *)at[i] + SIZE - 1) >= 0);
    for (int i = 0; i < MANY; i += 2)
        neap_mapping_close(mappings[i]);
    for (int i = 0; i < MANY; i++)
        CHECK_INT(neap__fault_find(at[i]) >= 0, i % 2);
    for (int i = 1; i < MANY; i += 2)
        neap_mapping_close(mappings[i]);
    CHECK_INT(neap__fault_find(at[1]), -1);
    end(segment);
}


static void *touch_and_end(void *mapping)
{
    (void)bytes_of(mapping)[SIZE - 1];
    return NULL;
}


TEST(news_of_threads_that_ended_do_not_stand_in_the_way)
{
    enum { MANY = 40 }; /* more than are kept */
    neap_segment *segment = create("memfd");
    neap_mapping *mappings[MANY + 1];
    for (int i = 0; i <= MANY; i++)
        mappings[i] = map(segment, NEAP_PROT_WRITE);
    guard();
    CHECK_STATUS(neap_segment_resize(segment, PAGE), 0);
    for (int i = 0; i < MANY; i++) {
        pthread_t thread;
        CHECK_INT(pthread_create(&thread, NULL, touch_and_end, mappings[i]), 0);
        pthread_join(thread, NULL);
    }
    (void)bytes_of(mappings[MANY])[SIZE - 1];
    check_fault(-ESTALE, SIZE - 1, neap_segment_address(segment),
                "made it shorter");
    for (int i = 0; i <= MANY; i++)
        neap_mapping_close(mappings[i]);
    end(segment);
}


static pid_t tid_of_other;

static void *touch_and_tell_number(void *mapping)
{
    tid_of_other = gettid();
    (void)bytes_of(mapping)[SIZE - 1];
    return NULL;
}


/* @return it, if it has the number of the other one, and was told nothing. */
static void *ask_with_that_number(void *mapping)
{
    if (gettid() != tid_of_other)
        return NULL;
    CHECK_INT(neap_fault_take(NULL), 0);
    return mapping;
}


static bool ask_for_next_number(pid_t number)
{
    int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
    char text[16];
    int n = snprintf(text, sizeof text, "%d", (int)number - 1);
    bool asked = fd >= 0 && write(fd, text, (size_t)n) == n;
    if (fd >= 0)
        close(fd);
    return asked;
}


TEST(a_thread_is_not_told_what_another_of_its_number_came_upon)
{
    neap_segment *segment = create("memfd");
    neap_mapping *mapping = map(segment, NEAP_PROT_WRITE);
    pthread_t thread;
    void *had_it = NULL;
    guard();
    CHECK_STATUS(neap_segment_resize(segment, PAGE), 0);
    CHECK_INT(pthread_create(&thread, NULL, touch_and_tell_number, mapping), 0);
    pthread_join(thread, NULL);
    for (int i = 0; i < 100 && !had_it; i++) {
        if (!ask_for_next_number(tid_of_other))
            break;
        CHECK_INT(pthread_create(&thread, NULL, ask_with_that_number, mapping),
                  0);
        pthread_join(thread, &had_it);
    }
    neap_mapping_close(mapping);
    end(segment);
    if (!had_it)
        test_skip("no number can be asked for here");
}
