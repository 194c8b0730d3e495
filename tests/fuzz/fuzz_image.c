/*
 * Offer spoiled images of heaps to the library. It may refuse one, and then
 * must leave its bytes as they are; or open it, and then everything that can
 * be done with a heap must give an answer: no crash, no hang, whatever the
 * answer is.
 *
 *     build/tests/fuzz_image [--count N] [--seed S] [--only I] [--verbose]
 *
 * A child does the work and is replaced when it dies or hangs; so one bad image
 * spoils none of the others. With --only there is no child, for a debugger.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "layout/layout.h"
#include "neap.h"

#define DEADLINE INT64_C(10000000000)
#define MOST_OBJECTS 300

/* What child and parent know of each other. */
struct board {
    _Atomic uint64_t at;       /* image in hand */
    _Atomic uint64_t finished; /* images done with */
    _Atomic uint64_t opened;   /* of them, not refused */
    _Atomic uint64_t failed;   /* told by the child */
    char doing[64];
};

static struct board *board;
static struct image images[IMAGES];
static uint64_t seed = 1, count = 3000;
static bool verbose;


static void doing(const char *what)
{
    snprintf(board->doing, sizeof board->doing, "%s", what);
}


static void tell_failure(const char *how)
{
    printf("not ok - image %" PRIu64 " of seed %" PRIu64 " %s; see it again "
           "with --seed %" PRIu64 " --only %" PRIu64 "\n", board->at, seed, how,
           seed, board->at);
    fflush(stdout);
}


/* -- using what opened ----------------------------------------------------- */

static void use_array(neap_heap *heap, const char *name)
{
    neap_array *array;
    neap_value value;
    if (neap_array_open(heap, name, NEAP_TYPE_ANY, 0, NULL, &array) < 0)
        return;
    uint64_t size = neap_array_size(array);
    if (neap_array_get(array, 0, &value) == 0 && neap_array_writable(array) &&
        neap_array_set(array, size - 1, value) == 0 &&
        neap_array_get(array, size, &value) == 0)
        abort(); /* past its end */
    neap_array_close(array);
}


static void use_counter(neap_heap *heap, const char *name)
{
    neap_counter *counter;
    int64_t value;
    double real;
    if (neap_counter_open(heap, name, &counter) < 0)
        return;
    if (neap_counter_add_get(counter, 1, &value) == NEAP_ETYPE &&
        neap_counter_add_double(counter, 1, &real) == 0 &&
        neap_counter_get_double(counter, &real) == 0)
        (void)real;
    if (neap_counter_get(counter, &value) == 0 &&
        neap_counter_set(counter, value) == 0)
        (void)value;
    neap_counter_close(counter);
}


static void use_mutex(neap_heap *heap, const char *name)
{
    neap_mutex *mutex;
    int32_t pid;
    if (neap_mutex_open(heap, name, &mutex) < 0)
        return;
    if (neap_mutex_holder(mutex, &pid) == 0 &&
        neap_mutex_lock(mutex, NEAP_NOW) >= 0)
        neap_mutex_unlock(mutex);
    neap_mutex_close(mutex);
}


static void use_semaphore(neap_heap *heap, const char *name)
{
    neap_semaphore *semaphore;
    int64_t value;
    if (neap_semaphore_open(heap, name, 1, NEAP_SEMAPHORE_ANY, &semaphore) < 0)
        return;
    if (neap_semaphore_acquire(semaphore, NEAP_NOW) == 0)
        neap_semaphore_release(semaphore);
    if (neap_semaphore_get(semaphore, &value) < 0)
        value = 0;
    neap_semaphore_close(semaphore);
}


static void use_object(neap_heap *heap, const neap_object_info *info)
{
    switch (info->kind) {
    case NEAP_OBJECT_ARRAY:
        use_array(heap, info->name);
        break;
    case NEAP_OBJECT_COUNTER:
        use_counter(heap, info->name);
        break;
    case NEAP_OBJECT_MUTEX:
        use_mutex(heap, info->name);
        break;
    case NEAP_OBJECT_SEMAPHORE:
        use_semaphore(heap, info->name);
        break;
    default:
        use_sync(heap, info);
    }
}


static void look_around(neap_heap *heap)
{
    neap_heap_info info;
    neap_slot_info slot;
    neap_object_info object;
    uint64_t cursor = 0;
    doing("status");
    if (neap_heap_status(heap, &info) < 0)
        return;
    doing("next_slot");
    while (neap_heap_next_slot(heap, &cursor, &slot) == NEAP_MORE)
        ;
    doing("find");
    if (neap_heap_find(heap, "grid", &object) < 0)
        return;
}


static void use_objects(neap_heap *heap)
{
    neap_object_info info;
    uint64_t cursor = 0;
    for (int i = 0; i < MOST_OBJECTS; i++) {
        doing("next");
        if (neap_heap_next(heap, &cursor, &info) != NEAP_MORE)
            return;
        doing("using an object");
        use_object(heap, &info);
    }
}


static void make_and_drop(neap_heap *heap)
{
    static const char *const old[] = {"grid", "plain", "array-1", "mutex"};
    char name[32];
    neap_array *array;
    doing("making objects");
    for (uint64_t i = 1; i < 4; i++) {
        snprintf(name, sizeof name, "new-%" PRIu64, i);
        if (neap_array_open(heap, name, NEAP_TYPE_F64, 1,
                            &(uint64_t){i * i * 1500}, &array) >= 0)
            neap_array_close(array);
        use_counter(heap, &name[4]);
    }
    doing("dropping objects");
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        if (neap_heap_drop(heap, old[i]) < 0)
            continue;
    if (neap_heap_drop(heap, "new-2") < 0)
        return;
}


static void check(neap_heap *heap)
{
    neap_check_report report;
    doing("check");
    if (neap_heap_check(heap, &report) == 0 && verbose && report.problems)
        printf("image %" PRIu64 ": %s\n", board->at, report.text);
}


static void use(neap_heap *heap, bool read_only)
{
    check(heap);
    look_around(heap);
    use_objects(heap);
    if (!read_only) {
        make_and_drop(heap);
        doing("reap");
        if (neap_heap_reap(heap) >= 0)
            use_objects(heap);
    }
    check(heap);
    doing("close");
    neap_heap_close(heap);
}


/* As if it had always been here: then the kernel's word on who lives counts. */
static void be_at_home(int fd, struct image *image)
{
    struct stat st;
    if (fstat(fd, &st) == 0)
        ((struct neap_sh_header *)(void *)image->bytes)->inode = st.st_ino;
}


/* -- one image ------------------------------------------------------------- */

static void write_image(int fd, const struct image *image)
{
    if (ftruncate(fd, 0) < 0 || ftruncate(fd, (off_t)image->size) < 0 ||
        pwrite(fd, image->bytes, image->size, 0) != (ssize_t)image->size) {
        perror("cannot write an image");
        _exit(2);
    }
}


static bool is_unchanged(int fd, const struct image *image)
{
    static char *buffer;
    static size_t size;
    if (size < image->size)
        buffer = realloc(buffer, size = image->size);
    off_t length = lseek(fd, 0, SEEK_END);
    return length == (off_t)image->size &&
           pread(fd, buffer, image->size, 0) == (ssize_t)image->size &&
           memcmp(buffer, image->bytes, image->size) == 0;
}


static void fail(const char *how)
{
    tell_failure(how);
    board->failed++;
}


/* The answer to a refused image must be that it is none. An ephemeral heap that
 * nobody uses is to be removed, and this one has no name that one could. */
static bool is_an_answer(const struct image *image, int status)
{
    const struct neap_sh_header *header = (void *)image->bytes;
    return status == NEAP_EFOREIGN || status == NEAP_ELAYOUT ||
           status == NEAP_ECORRUPT ||
           (status == -EACCES && header->flags & NEAP_OPEN_EPHEMERAL);
}


static void judge_refusal(int fd, const struct image *image, int status)
{
    if (verbose)
        printf("image %" PRIu64 ": %s\n", board->at, neap_error_text());
    if (!is_an_answer(image, status))
        fail(neap_status_name(status));
    else if (!is_unchanged(fd, image))
        fail("was refused, and written to");
}


static void try_image(int fd, const char *address, const struct image *image)
{
    neap_heap *heap;
    neap_heap_options options = {.flags = NEAP_OPEN_READ_ONLY};
    write_image(fd, image);
    doing("open read-only");
    int status = neap_heap_open(address, &options, &heap);
    if (status == 0) {
        use(heap, true);
        if (!is_unchanged(fd, image))
            fail("was opened read-only, and written to");
    } else {
        judge_refusal(fd, image, status);
    }
    options.flags = NEAP_OPEN_EXISTING;
    doing("open");
    status = neap_heap_open(address, &options, &heap);
    if (status == 0) {
        board->opened++;
        use(heap, false);
    } else {
        judge_refusal(fd, image, status);
    }
}


/* The kernel's list of what this thread would leave when it dies: memory that
 * is unmapped must not be on it. */
static bool has_left_the_heap(void)
{
    struct robust_list_head *head;
    size_t size;
    return syscall(SYS_get_robust_list, 0, &head, &size) == 0 &&
           head->list.next == &head->list;
}


static void work_through(uint64_t from, uint64_t to)
{
    int fd = memfd_create("image", MFD_CLOEXEC);
    char address[64];
    snprintf(address, sizeof address, "file:/proc/self/fd/%d", fd);
    struct image image = {0};
    for (uint64_t i = from; i < to; i++) {
        struct random random = {seed * UINT64_C(1000000007) + i};
        const struct image *good = &images[random_below(&random, IMAGES)];
        board->at = i;
        image.bytes = realloc(image.bytes, good->room);
        memcpy(image.bytes, good->bytes, good->room);
        image.size = good->size;
        image.room = good->room;
        if (random_below(&random, 2))
            be_at_home(fd, &image);
        mutate(&image, &random);
        try_image(fd, address, &image);
        if (!has_left_the_heap()) {
            fail("leaves this thread's proof of life behind");
            board->finished = i + 1;
            _exit(0);
        }
        board->finished = i + 1;
    }
    free(image.bytes);
    close(fd);
}


/* -- the parent ------------------------------------------------------------ */

/* Wait for the child, as long as it gets on. @return false if it hangs. */
static bool wait_for(pid_t pid, int *status)
{
    uint64_t seen = board->finished;
    int64_t deadline = neap_deadline_after(DEADLINE);
    while (waitpid(pid, status, WNOHANG) == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        if (board->finished != seen) {
            seen = board->finished;
            deadline = neap_deadline_after(DEADLINE);
        } else if (neap_now() >= deadline) {
            return false;
        }
    }
    return true;
}


static void judge_end(pid_t pid)
{
    char how[160];
    int status = 0;
    if (!wait_for(pid, &status)) {
        snprintf(how, sizeof how, "hangs in: %s", board->doing);
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
    } else if (WIFSIGNALED(status)) {
        snprintf(how, sizeof how, "ends in %s in: %s",
                 neap_signal_name(WTERMSIG(status)), board->doing);
    } else if (WEXITSTATUS(status)) {
        snprintf(how, sizeof how, "ends with status %d in: %s",
                 WEXITSTATUS(status), board->doing);
    } else {
        return;
    }
    fail(how);
    board->finished = board->at + 1;
}


static void run(uint64_t from, uint64_t to)
{
    board->finished = from;
    while (board->finished < to) {
        fflush(NULL);
        pid_t pid = fork();
        if (pid < 0) {
            perror("cannot fork");
            exit(2);
        }
        if (pid == 0) {
            work_through(board->finished, to);
            fflush(NULL);
            _exit(0);
        }
        judge_end(pid);
    }
}


static void usage(const char *program, FILE *out)
{
    fprintf(out, "usage: %s [--count N] [--seed S] [--only I] [--verbose]\n",
            program);
}


int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"count", required_argument, NULL, 'c'},
        {"seed", required_argument, NULL, 's'},
        {"only", required_argument, NULL, 'o'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    uint64_t from = 0;
    bool only = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
        switch (option) {
        case 'c':
            count = strtoull(optarg, NULL, 0);
            break;
        case 's':
            seed = strtoull(optarg, NULL, 0);
            break;
        case 'o':
            from = strtoull(optarg, NULL, 0);
            count = 1;
            only = true;
            break;
        case 'v':
            verbose = true;
            break;
        default:
            usage(argv[0], option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    images_make(images);
    if (only)
        work_through(from, from + count);
    else
        run(from, from + count);
    printf("%" PRIu64 " images of seed %" PRIu64 ", %" PRIu64 " of them "
           "opened\n", count, seed, board->opened);
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", count - board->failed,
           board->failed);
    return board->failed ? 1 : 0;
}
