/* Checkpoints: what is in them, who stands still for them, what ends them. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/heaps.h"
#include "memory/memory.h"
#include "recovery/gate.h"

#define ELEMENTS 300000 /* more than some blocks of the file */


static neap_array *open_cells(neap_heap *heap)
{
    neap_array *array = NULL;
    uint64_t shape[] = {ELEMENTS};
    CHECK(neap_array_open(heap, "cells", NEAP_TYPE_I64, 1, shape, &array) >= 0);
    return array;
}


static void fill(neap_heap *heap)
{
    neap_array *array = open_cells(heap);
    int64_t *cells = neap_array_data(array);
    for (int64_t i = 0; i < ELEMENTS; i += 3)
        cells[i] = i * i;
    neap_array_close(array);
    neap_counter *counter;
    CHECK_STATUS(neap_counter_open(heap, "hits", &counter), NEAP_CREATED);
    CHECK_STATUS(neap_counter_set(counter, 77), 0);
    neap_counter_close(counter);
}


static void check_filled(neap_heap *heap)
{
    neap_array *array = open_cells(heap);
    const int64_t *cells = neap_array_data(array);
    for (int64_t i = 0; i < ELEMENTS; i++)
        CHECK_INT(cells[i], i % 3 ? 0 : i * i);
    neap_array_close(array);
    neap_counter *counter;
    int64_t value;
    CHECK_STATUS(neap_counter_open(heap, "hits", &counter), 0);
    CHECK_STATUS(neap_counter_get(counter, &value), 0);
    CHECK_INT(value, 77);
    neap_counter_close(counter);
}


static const char *const kinds[] = {"memfd", "posix", "file", "sysv", NULL};

static const char *address_of(const char *kind)
{
    return strcmp(kind, "memfd") ? test_address(kind, 0) : NULL;
}


TEST_EACH(a_checkpoint_is_restored_as_it_was, kinds)
{
    neap_heap *heap = make_heap(address_of(parameter)), *restored;
    neap_checkpoint_report report;
    neap_checkpoint_info info;
    fill(heap);
    const char *path = test_path("checkpoint");
    CHECK_STATUS(neap_heap_checkpoint(heap, path, NULL, &report), 0);
    CHECK(report.stored >= ELEMENTS * 8 && report.took > report.pause);
    CHECK_INT(report.stopped, 1); /* this process */
    CHECK_STATUS(neap_checkpoint_look(path, &info), 0);
    CHECK_INT(info.size, report.size);
    CHECK_INT(info.stored, report.stored);
    CHECK_STR(info.uuid, status_of(heap).uuid);
    CHECK_STATUS(neap_restore(path, NULL, NULL, &restored), NEAP_CREATED);
    CHECK(strcmp(info.uuid, status_of(restored).uuid) != 0);
    check_filled(restored);
    end_heap(restored);
    CHECK_STATUS(neap_restore(path, test_name("again"), NULL, &restored),
                 NEAP_CREATED);
    check_filled(restored);
    end_heap(restored);
    check_filled(heap);
    end_heap(heap);
    unlink(path);
}


/* -- while others work ----------------------------------------------------- */

struct work {
    neap_mutex *mutex;
    neap_array *array;
    struct board *board;
};

/* All cells are equal, but for who is just changing them. */
static int change_cells(void *argument)
{
    struct work *work = argument;
    int64_t *cells = neap_array_data(work->array);
    for (;;) {
        CHECK(neap_mutex_lock(work->mutex, NEAP_FOREVER) >= 0);
        for (int i = 0; i < ELEMENTS; i += 5000)
            cells[i]++;
        work->board->words[0]++;
        CHECK_STATUS(neap_mutex_unlock(work->mutex), 0);
    }
}


static void check_equal(neap_heap *heap)
{
    neap_array *array = open_cells(heap);
    neap_mutex *mutex = open_mutex(heap, "lock");
    const int64_t *cells = neap_array_data(array);
    int status = neap_mutex_lock(mutex, NEAP_NOW), steps = 0;
    CHECK(status >= 0);
    for (int i = 5000; i < ELEMENTS; i += 5000) {
        CHECK(cells[i] == cells[i - 5000] || cells[i] == cells[i - 5000] - 1);
        steps += cells[i] != cells[i - 5000];
    }
    CHECK(steps <= (status == NEAP_ABANDONED)); /* of one instant */
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    neap_mutex_close(mutex);
    neap_array_close(array);
}


TEST(a_checkpoint_is_of_one_instant_while_others_work)
{
    neap_heap *heap = make_heap(test_name("heap"));
    struct work work = {open_mutex(heap, "lock"), open_cells(heap),
                        share_board()};
    pid_t workers[2] = {test_fork(change_cells, &work),
                        test_fork(change_cells, &work)};
    const char *path = test_path("checkpoint");
    for (int i = 0; i < 20; i++) {
        neap_checkpoint_report report;
        neap_heap *restored;
        uint64_t before = work.board->words[0];
        CHECK_STATUS(neap_heap_checkpoint(heap, path, NULL, &report), 0);
        CHECK_INT(report.stopped, 3);
        WAIT_UNTIL(work.board->words[0] > before); /* they go on */
        CHECK_STATUS(neap_restore(path, NULL, NULL, &restored), NEAP_CREATED);
        check_equal(restored);
        end_heap(restored);
    }
    test_kill(workers[0]);
    test_kill(workers[1]);
    unlink(path);
    neap_array_close(work.array);
    neap_mutex_close(work.mutex);
    end_heap(heap);
}


TEST(what_the_lost_held_is_given_back)
{
    neap_heap *heap = make_heap(NULL), *restored;
    neap_mutex *mutex = open_mutex(heap, "lock");
    neap_semaphore *slots = open_semaphore(heap, "slots", 3,
                                           NEAP_SEMAPHORE_UNDO);
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_NOW), 0);
    CHECK_STATUS(neap_semaphore_acquire_many(slots, 2, NEAP_NOW), 0);
    const char *path = test_path("checkpoint");
    CHECK_STATUS(neap_heap_checkpoint(heap, path, NULL, NULL), 0);
    CHECK_STATUS(neap_semaphore_release_many(slots, 2), 0);
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    neap_semaphore_close(slots);
    neap_mutex_close(mutex);
    end_heap(heap);
    CHECK_STATUS(neap_restore(path, NULL, NULL, &restored), NEAP_CREATED);
    slots = open_semaphore(restored, "slots", 9, NEAP_SEMAPHORE_UNDO);
    CHECK_INT(permits_in(slots), 3);
    mutex = open_mutex(restored, "lock");
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_NOW), NEAP_ABANDONED);
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    neap_semaphore_close(slots);
    neap_mutex_close(mutex);
    end_heap(restored);
    unlink(path);
}


/* -- what ends them -------------------------------------------------------- */

static int checkpoint_for_ever(void *argument)
{
    neap_heap *heap = argument;
    int status = 0;
    while (status == 0)
        status = neap_heap_checkpoint(heap, test_path("checkpoint"), NULL,
                                      NULL);
    return status;
}


static int files_here(void)
{
    int files = 0;
    DIR *directory = opendir(test_tmpdir());
    CHECK(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        files += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(directory);
    return files;
}


TEST(one_that_is_interrupted_leaves_the_old_one)
{
    neap_heap *heap = make_heap(test_name("heap"));
    neap_checkpoint_info info;
    fill(heap);
    const char *path = test_path("checkpoint");
    CHECK_STATUS(neap_heap_checkpoint(heap, path, NULL, NULL), 0);
    for (int i = 0; i < 40; i++) {
        pid_t child = test_fork(checkpoint_for_ever, heap);
        nanosleep(&(struct timespec){.tv_nsec = 500000 * i}, NULL);
        test_kill(child);
        CHECK_STATUS(neap_checkpoint_look(path, &info), 0);
    }
    neap_heap *restored;
    CHECK_STATUS(neap_restore(path, NULL, NULL, &restored), NEAP_CREATED);
    check_filled(restored);
    end_heap(restored);
    /* A helper outlives its caller by a moment; then nothing is left. */
    WAIT_UNTIL((neap__birth_sweep(test_tmpdir()), files_here() == 1));
    unlink(path);
    end_heap(heap);
}


static int stop_at_once(void *context, uint64_t done, uint64_t total)
{
    (void)done, (void)total;
    return ++*(int *)context;
}


TEST(a_caller_may_end_it)
{
    neap_heap *heap = make_heap(NULL);
    int calls = 0;
    uint64_t shape[] = {100000000};
    neap_array *array;
    CHECK_STATUS(neap_array_open(heap, "large", NEAP_TYPE_U8, 1, shape, &array),
                 NEAP_CREATED);
    memset(neap_array_data(array), 1, shape[0]);
    neap_checkpoint_options options = {.progress = stop_at_once,
                                       .context = &calls};
    int status = neap_heap_checkpoint(heap, test_path("checkpoint"), &options,
                                      NULL);
    CHECK(status == -ECANCELED || status == 0); /* done just before */
    CHECK(status == 0 || access(test_path("checkpoint"), F_OK) < 0);
    unlink(test_path("checkpoint"));
    neap_array_close(array);
    end_heap(heap);
}


TEST(what_is_no_checkpoint_is_neither_replaced_nor_restored)
{
    neap_heap *heap = make_heap(NULL), *restored;
    const char *path = test_path("letter");
    FILE *file = fopen(path, "w");
    CHECK(file && fputs("dear reader", file) >= 0 && fclose(file) == 0);
    CHECK_FAILS(neap_heap_checkpoint(heap, path, NULL, NULL), -EEXIST,
                "something else is there");
    CHECK_FAILS(neap_restore(path, NULL, NULL, &restored), NEAP_EFOREIGN,
                "not a checkpoint");
    CHECK_FAILS(neap_restore("/no/such", NULL, NULL, &restored), -ENOENT,
                "/no/such");
    CHECK_FAILS(neap_heap_checkpoint(heap, "/no/such/place", NULL, NULL),
                -ENOENT, "no directory");
    CHECK_FAILS(neap_heap_checkpoint(heap, "", NULL, NULL), -EINVAL, "path");
    unlink(path);
    CHECK_STATUS(neap_heap_checkpoint(heap, path, NULL, NULL), 0);
    CHECK_FAILS(neap_restore(path, "sysv:77", NULL, &restored), -ENOTSUP,
                "System V");
    unlink(path);
    end_heap(heap);
}


/* Every byte counts, wherever it is. */
static bool is_there(neap_heap *heap)
{
    neap_checkpoint_options options = {.compress = NEAP_COMPRESS};
    const char *path = test_path("probe");
    int status = neap_heap_checkpoint(heap, path, &options, NULL);
    if (status != -ENOSYS)
        CHECK_STATUS(status, 0);
    unlink(path);
    return status == 0;
}


TEST_EACH(a_compressed_checkpoint_is_smaller_and_the_same, kinds)
{
    neap_heap *heap = make_heap(address_of(parameter)), *restored;
    const char *path = test_path("checkpoint");
    neap_checkpoint_report plain, packed;
    neap_checkpoint_info info;
    fill(heap);
    if (!is_there(heap))
        test_skip("there is no libzstd.so.1");
    CHECK_STATUS(neap_heap_checkpoint(heap, path, NULL, &plain), 0);
    for (int level = 1; level <= 22; level += 7) {
        neap_checkpoint_options options = {.compress = level};
        CHECK_STATUS(neap_heap_checkpoint(heap, path, &options, &packed), 0);
        CHECK(packed.stored < plain.stored * 3 / 4);
        CHECK_STATUS(neap_checkpoint_look(path, &info), 0);
        CHECK_INT(info.stored, packed.stored);
        CHECK_STATUS(neap_restore(path, NULL, NULL, &restored), NEAP_CREATED);
        check_filled(restored);
        check_sound(restored);
        end_heap(restored);
    }
    end_heap(heap);
    unlink(path);
}


/* Pairs of cells, many pages apart, that are equal at every instant. */
static void write_pairs(neap_heap *heap)
{
    int64_t *cells = neap_array_data(open_cells(heap));
    for (int64_t turn = 1;; turn++)
        for (int64_t i = 0; i < ELEMENTS / 2; i += 512) {
            __atomic_store_n(&cells[i], turn, __ATOMIC_SEQ_CST);
            __atomic_store_n(&cells[i + ELEMENTS / 2], turn, __ATOMIC_SEQ_CST);
        }
}


static void check_pairs(neap_heap *heap)
{
    neap_array *array = open_cells(heap);
    const int64_t *cells = neap_array_data(array);
    int torn = 0;
    for (int64_t i = 0; i < ELEMENTS / 2; i += 512)
        torn += cells[i] != cells[i + ELEMENTS / 2];
    CHECK(torn <= 1); /* it may have been stopped between two */
    neap_array_close(array);
}


TEST(what_changes_meanwhile_is_compressed_once_more)
{
    neap_heap *heap = make_heap(NULL), *restored;
    const neap_checkpoint_options options = {.compress = NEAP_COMPRESS};
    const char *path = test_path("checkpoint");
    neap_checkpoint_report report;
    neap_array_close(open_cells(heap));
    if (!is_there(heap))
        test_skip("there is no libzstd.so.1");
    pid_t writer = fork();
    if (writer == 0)
        write_pairs(heap);
    uint64_t changed = 0;
    for (int i = 0; i < 20; i++) {
        CHECK_STATUS(neap_heap_checkpoint(heap, path, &options, &report), 0);
        changed += report.changed;
        CHECK_STATUS(neap_restore(path, NULL, NULL, &restored), NEAP_CREATED);
        check_pairs(restored);
        end_heap(restored);
    }
    CHECK(changed > 0);
    kill(writer, SIGKILL);
    CHECK(waitpid(writer, NULL, 0) == writer);
    end_heap(heap);
    unlink(path);
}


TEST(levels_that_there_are_not_are_refused)
{
    neap_heap *heap = make_heap(NULL);
    const char *path = test_path("checkpoint");
    const int32_t levels[] = {-1, 23, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        neap_checkpoint_options options = {.compress = levels[i]};
        CHECK_STATUS(neap_heap_checkpoint(heap, path, &options, NULL), -EINVAL);
        CHECK(access(path, F_OK) < 0);
    }
    end_heap(heap);
}


static const char *const forms[] = {"plain", "compressed", NULL};

TEST_EACH(a_damaged_checkpoint_is_refused, forms)
{
    neap_heap *heap = make_heap(NULL), *restored;
    neap_checkpoint_options options = {0};
    const char *path = test_path("checkpoint");
    fill(heap);
    if (strcmp(parameter, "compressed") == 0) {
        options.compress = NEAP_COMPRESS;
        if (!is_there(heap))
            test_skip("there is no libzstd.so.1");
    }
    CHECK_STATUS(neap_heap_checkpoint(heap, path, &options, NULL), 0);
    end_heap(heap);
    struct stat st;
    CHECK(stat(path, &st) == 0);
    int fd = open(path, O_RDWR);
    for (int i = 0; i < 300; i++) {
        off_t at = i < 100 ? i * 41 : (off_t)(random() % st.st_size);
        unsigned char byte, other;
        CHECK(pread(fd, &byte, 1, at) == 1);
        other = byte ^ (unsigned char)(1 << i % 8);
        CHECK(pwrite(fd, &other, 1, at) == 1);
        int status = neap_restore(path, NULL, NULL, &restored);
        if (status >= 0 || (status != NEAP_ECORRUPT && at >= 16))
            FAIL("byte %lld flipped gave %d %s", (long long)at, status,
                 neap_error_text());
        CHECK(pwrite(fd, &byte, 1, at) == 1);
    }
    for (int i = 0; i < 50; i++) {
        CHECK(ftruncate(fd, (off_t)(st.st_size * i / 50)) == 0);
        CHECK(neap_restore(path, NULL, NULL, &restored) < 0);
    }
    close(fd);
    unlink(path);
}


static const char *gated;

static int keep_the_gate(void *shared)
{
    struct board *board = shared;
    neap_heap *heap = join_heap(gated);
    int gate = neap__gate_enter(heap);
    CHECK(gate >= 0);
    board->words[0] = 1;
    WAIT_UNTIL(board->words[1]);
    CHECK_INT(board->words[2], 0);
    neap__gate_leave(heap, gate);
    neap_heap_close(heap);
    return 0;
}


static int open_then_tell(void *shared)
{
    struct board *board = shared;
    neap_heap *heap = join_heap(gated);
    board->words[2] = 1;
    neap_heap_close(heap);
    return 0;
}


static const char *const gated_kinds[] = {"posix", "file", "sysv", NULL};

/* Whoever has the gate is in its pause, and has seen who has the heap
 * mapped. */
TEST_EACH(who_opens_a_heap_while_others_stand_still_waits, gated_kinds)
{
    struct board *board = share_board();
    gated = test_address(parameter, 0);
    neap_heap *heap = make_heap(gated);
    pid_t keeper = test_fork(keep_the_gate, board);
    WAIT_UNTIL(board->words[0]);
    pid_t opener = test_fork(open_then_tell, board);
    WAIT_UNTIL(test_is_asleep(opener));
    board->words[1] = 1;
    CHECK_INT(test_wait(keeper), 0);
    CHECK_INT(test_wait(opener), 0);
    CHECK_INT(board->words[2], 1);
    munmap(board, sizeof *board);
    end_heap(heap);
}
