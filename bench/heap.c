/*
 * Heaps: to open one, to make and remove one, what an empty one costs; against
 * the bare calls of POSIX shared memory, and Boost's managed segment.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ours.h"

const char bench_noun[] = "heap";

#define POSIX_BYTES 65536
#define KIB 1024.0

static char posix_name[80];


/* -- ours ------------------------------------------------------------------ */

/* Also the address of the heap. */
static const char *address(void)
{
    return bench_name() + 1;
}


static neap_heap *make(uint64_t reserve)
{
    neap_heap_options options = {.flags = NEAP_OPEN_NEW, .reserve = reserve};
    neap_heap *heap;
    BENCH_OURS(neap_heap_open(address(), &options, &heap));
    return heap;
}


static void drop(neap_heap *heap)
{
    BENCH_OURS(neap_heap_unlink(heap));
    neap_heap_close(heap);
}


static void make_existing(void)
{
    neap_heap_close(make(0));
}


static void open_existing(long n)
{
    neap_heap_options options = {.flags = NEAP_OPEN_EXISTING};
    for (long i = 0; i < n; i++) {
        neap_heap *heap;
        BENCH_OURS(neap_heap_open(address(), &options, &heap));
        neap_heap_close(heap);
    }
}


/* With the first thing done to it, for which a slot is taken. */
static void open_and_use(long n)
{
    for (long i = 0; i < n; i++) {
        neap_heap *heap;
        neap_counter *counter;
        BENCH_OURS(neap_heap_open(address(), NULL, &heap));
        BENCH_OURS(neap_counter_open(heap, "counter", &counter));
        BENCH_OURS(neap_counter_add(counter, 1));
        neap_counter_close(counter);
        neap_heap_close(heap);
    }
}


static void remove_existing(void)
{
    neap_heap *heap;
    BENCH_OURS(neap_heap_open(address(), NULL, &heap));
    drop(heap);
}


static void make_and_drop(long n)
{
    for (long i = 0; i < n; i++)
        drop(make(0));
}


/* -- POSIX ----------------------------------------------------------------- */

/* Make it, and touch so much of it. */
static void create_posix(const char *name, size_t touched)
{
    int fd;
    BENCH_MUST(fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
    BENCH_MUST(ftruncate(fd, POSIX_BYTES));
    char *memory = mmap(NULL, POSIX_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
                        fd, 0);
    if (memory == MAP_FAILED)
        bench_failed("mmap", NULL);
    close(fd);
    for (size_t at = 0; at < touched; at += 4096)
        memory[at] = 1;
    munmap(memory, POSIX_BYTES);
}


static void make_posix(void)
{
    snprintf(posix_name, sizeof posix_name, "%s-posix", bench_name());
    create_posix(posix_name, POSIX_BYTES);
}


static void open_posix(long n)
{
    for (long i = 0; i < n; i++) {
        struct stat st;
        int fd;
        BENCH_MUST(fd = shm_open(posix_name, O_RDWR, 0));
        BENCH_MUST(fstat(fd, &st));
        char *memory = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
                            MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
            bench_failed("mmap", NULL);
        BENCH_USED(*memory);
        munmap(memory, (size_t)st.st_size);
        close(fd);
    }
}


static void remove_posix(void)
{
    shm_unlink(posix_name);
}


static void create_and_unlink(long n, size_t touched)
{
    char name[80];
    snprintf(name, sizeof name, "%s-new", bench_name());
    for (long i = 0; i < n; i++) {
        create_posix(name, touched);
        shm_unlink(name);
    }
}


static void touch_one(long n)
{
    create_and_unlink(n, 4096);
}


static size_t empty_bytes; /* that an empty heap has set aside */

static void touch_as_much(long n)
{
    create_and_unlink(n, empty_bytes);
}


/* -- memory ---------------------------------------------------------------- */

static size_t file_bytes(const char *name)
{
    struct stat st;
    int fd;
    BENCH_MUST(fd = shm_open(name, O_RDONLY, 0));
    BENCH_MUST(fstat(fd, &st));
    close(fd);
    return (size_t)st.st_blocks * 512;
}


/* The number behind that word in a file of KiB. */
static double kib_of(const char *path, const char *word)
{
    char line[256];
    double kib = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        bench_failed(path, NULL);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, word, strlen(word)) == 0)
            kib = strtod(line + strlen(word), NULL);
    fclose(file);
    return kib;
}


/* What this process has in memory, page tables included. */
static double resident(void)
{
    return kib_of("/proc/self/smaps_rollup", "Rss:") +
           kib_of("/proc/self/status", "VmPTE:");
}


/* How much larger a process becomes by opening a heap of that reserve; in a
 * fresh process each time, which has opened and closed another one before. */
static double cost_of_opening(uint64_t reserve)
{
    double *ret = bench_shared(sizeof *ret);
    neap_heap_close(make(reserve));
    pid_t child = fork();
    if (child == 0) {
        neap_heap *heap;
        open_existing(1);
        resident();
        double before = resident();
        BENCH_OURS(neap_heap_open(address(), NULL, &heap));
        *ret = resident() - before;
        _exit(0);
    }
    waitpid(child, NULL, 0);
    remove_existing();
    return *ret;
}


static void tell_memory(void)
{
    neap_heap_close(make(0));
    empty_bytes = file_bytes(bench_name());
    remove_existing();
    if (bench_wanted("memory of an empty one"))
        bench_told("memory of an empty one", "KiB", (double)empty_bytes / KIB,
                   "the goal", 256);
    if (bench_wanted("memory to open, 1 TiB reserved"))
        bench_told("memory to open, 1 TiB reserved", "KiB",
                   cost_of_opening(UINT64_C(1) << 40), "neap, 1 MiB reserved",
                   cost_of_opening(UINT64_C(1) << 20));
}


void bench_rows(void)
{
    struct bench_subject posix = {"shm_open, mmap, close", make_posix,
                                  open_posix, remove_posix};
    struct bench_subject boost =
        bench_boost("bench_boost_open", "Boost managed_shared_memory");
    struct bench_subject opens[] = {
        {"neap", make_existing, open_existing, remove_existing}, posix, boost};
    struct bench_subject uses[] = {
        {"neap", make_existing, open_and_use, remove_existing}, posix, boost};
    struct bench_subject creates[] = {
        {"neap", NULL, make_and_drop, NULL},
        {"shm_open, unlink, 1 page touched", NULL, touch_one, NULL},
        {"shm_open, unlink, as much touched", NULL, touch_as_much, NULL},
        bench_boost("bench_boost_create", "Boost managed_shared_memory"),
    };

    tell_memory();
    bench_row("open and close by name", "us", opens, 3);
    bench_row("open, use a counter, close", "us", uses, 3);
    bench_row("create and unlink", "us", creates, 4);
}
