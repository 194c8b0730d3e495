/* What tests of the heap and of its objects have in common. */
#ifndef NEAP_TEST_HEAPS_H
#define NEAP_TEST_HEAPS_H

#include <dirent.h>
#include <pthread.h>
#include <sys/mman.h>

#include "lib/harness.h"

/* A heap that is not there yet. */
static inline neap_heap *make_heap(const char *address)
{
    neap_heap *heap = NULL;
    CHECK_STATUS(neap_heap_open(address, NULL, &heap), NEAP_CREATED);
    return heap;
}


/* One that is there. */
static inline neap_heap *join_heap_as(const char *address, uint32_t flags)
{
    neap_heap *heap = NULL;
    neap_heap_options options = {.flags = NEAP_OPEN_EXISTING | flags};
    CHECK_STATUS(neap_heap_open(address, &options, &heap), 0);
    return heap;
}


static inline neap_heap *join_heap(const char *address)
{
    return join_heap_as(address, 0);
}


static inline void check_sound(neap_heap *heap)
{
    neap_check_report report;
    CHECK_STATUS(neap_heap_check(heap, &report), 0);
    if (report.problems)
        FAIL("%llu problems:\n%s", (unsigned long long)report.problems,
             report.text);
}


/* The end of a test's heap: it is sound, and goes. */
static inline void end_heap(neap_heap *heap)
{
    neap_heap_info info;
    check_sound(heap);
    CHECK_STATUS(neap_heap_status(heap, &info), 0);
    if (info.kind != NEAP_KIND_MEMFD)
        CHECK_STATUS(neap_heap_unlink(heap), 0);
    neap_heap_close(heap);
}


/* Nothing is in the test's directory but these. */
static inline void check_only(const char *first, const char *second)
{
    struct dirent *entry;
    DIR *directory = opendir(test_tmpdir());
    CHECK(directory);
    while ((entry = readdir(directory))) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
            strcmp(name, first) != 0 && strcmp(name, second) != 0)
            FAIL("%s stayed", name);
    }
    closedir(directory);
}


static inline neap_heap_info status_of(neap_heap *heap)
{
    neap_heap_info info;
    CHECK_STATUS(neap_heap_status(heap, &info), 0);
    return info;
}


static inline int64_t count_in(neap_counter *counter)
{
    int64_t value;
    CHECK_STATUS(neap_counter_get(counter, &value), 0);
    return value;
}


static inline int64_t permits_in(neap_semaphore *semaphore)
{
    int64_t value;
    CHECK_STATUS(neap_semaphore_get(semaphore, &value), 0);
    return value;
}


static inline void must_open(int status)
{
    if (status < 0)
        FAIL("%s: %s", neap_status_name(status), neap_error_text());
}


static inline neap_counter *open_counter(neap_heap *heap, const char *name)
{
    neap_counter *counter;
    must_open(neap_counter_open(heap, name, &counter));
    return counter;
}


static inline neap_mutex *open_mutex(neap_heap *heap, const char *name)
{
    neap_mutex *mutex;
    must_open(neap_mutex_open(heap, name, &mutex));
    return mutex;
}


static inline neap_semaphore *open_semaphore(neap_heap *heap, const char *name,
                                             int64_t initial,
                                             neap_semaphore_kind kind)
{
    neap_semaphore *semaphore;
    must_open(neap_semaphore_open(heap, name, initial, kind, &semaphore));
    return semaphore;
}


/* An array of bytes of one dimension. */
static inline neap_array *open_bytes(neap_heap *heap, const char *name,
                                     uint64_t bytes)
{
    neap_array *array;
    must_open(neap_array_open(heap, name, NEAP_TYPE_U8, 1, &bytes, &array));
    return array;
}


/* Words that a test's processes share besides the heap. */
struct board {
    _Atomic uint64_t words[64];
    char text[512];
};

static inline struct board *share_board(void)
{
    void *board = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(board != MAP_FAILED);
    return board;
}


/* All `n` that call this with the same word go on together. */
static inline void meet(_Atomic uint64_t *word, uint64_t n)
{
    uint64_t round = (*word)++ / n + 1;
    WAIT_UNTIL(*word >= round * n);
}


static inline int64_t after_ms(int64_t milliseconds)
{
    return neap_deadline_after(milliseconds * 1000000);
}


/* Run fn in a thread and wait for it. */
static inline void in_thread(void *(*fn)(void *argument), void *argument)
{
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, fn, argument), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
}


/* A child that runs fn(argument), then says so on board->words[63] and waits
 * to be killed. Returns when it has said so. */
struct lingering {
    int (*fn)(void *argument);
    void *argument;
    _Atomic uint64_t *ready;
};

static inline int linger(void *argument)
{
    struct lingering *l = argument;
    int status = l->fn(l->argument);
    if (status)
        return status;
    *l->ready = 1;
    for (;;)
        pause();
}


static inline pid_t fork_lingering(int (*fn)(void *argument), void *argument)
{
    struct board *board = share_board();
    struct lingering l = {fn, argument, &board->words[63]};
    pid_t pid = test_fork(linger, &l);
    WAIT_UNTIL(board->words[63]);
    munmap(board, sizeof *board);
    return pid;
}

#endif
