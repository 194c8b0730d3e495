/* Heaps as they are found on a machine: new, used, worn, and full of dead. */
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "layout/layout.h"
#include "neap.h"

#define ROOM_ABOVE (1 << 20)


static int must(int status)
{
    if (status < 0) {
        fprintf(stderr, "cannot make an image: %s\n", neap_error_text());
        exit(2);
    }
    return status;
}


static void add_array(neap_heap *heap, const char *name, neap_type type,
                      uint64_t rows, uint64_t columns)
{
    neap_array *array;
    must(neap_array_open(heap, name, type, columns ? 2 : 1,
                         (uint64_t[]){rows, columns}, &array));
    neap_array_close(array);
}


static void add_counter(neap_heap *heap, const char *name,
                        neap_counter_kind kind)
{
    neap_counter *counter;
    double real;
    must(neap_counter_open_as(heap, name, kind, &counter));
    if (kind == NEAP_COUNTER_DOUBLE)
        must(neap_counter_add_double(counter, 1.5, &real));
    else
        must(neap_counter_add(counter, 42));
    neap_counter_close(counter);
}


static void use_all_kinds(neap_heap *heap)
{
    neap_mutex *mutex;
    neap_semaphore *semaphore;
    add_counter(heap, "plain", NEAP_COUNTER_PLAIN);
    add_counter(heap, "striped", NEAP_COUNTER_STRIPED);
    add_counter(heap, "double", NEAP_COUNTER_DOUBLE);
    add_array(heap, "bytes", NEAP_TYPE_U8, 100, 0);
    add_array(heap, "grid", NEAP_TYPE_F64, 20, 30);
    must(neap_mutex_open(heap, "mutex", &mutex));
    neap_mutex_close(mutex);
    must(neap_semaphore_open(heap, "classic", 3, NEAP_SEMAPHORE_CLASSIC,
                             &semaphore));
    neap_semaphore_close(semaphore);
    must(neap_semaphore_open(heap, "undo", 3, NEAP_SEMAPHORE_UNDO, &semaphore));
    neap_semaphore_close(semaphore);
}


/* Grown, with holes, with names dropped and a larger table. */
static void wear(neap_heap *heap)
{
    char name[32];
    use_all_kinds(heap);
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "array-%d", i);
        add_array(heap, name, NEAP_TYPE_I32, (uint64_t)(i % 7 + 1) * 300, 0);
    }
    for (int i = 0; i < 60; i += 3) {
        snprintf(name, sizeof name, "array-%d", i);
        must(neap_heap_drop(heap, name));
    }
    add_array(heap, "large", NEAP_TYPE_C128, 100, 200);
    must(neap_heap_drop(heap, "large"));
}


/* Die with all that a thread can have. */
static void die(neap_heap *heap)
{
    neap_mutex *mutex;
    neap_semaphore *semaphore;
    neap_counter *counter;
    must(neap_mutex_open(heap, "mutex", &mutex));
    must(neap_mutex_lock(mutex, NEAP_FOREVER));
    must(neap_semaphore_open(heap, "undo", 3, NEAP_SEMAPHORE_ANY, &semaphore));
    must(neap_semaphore_acquire(semaphore, NEAP_FOREVER));
    must(neap_counter_open(heap, "striped", &counter));
    must(neap_counter_add(counter, 7));
    raise(SIGKILL);
}


static void be_many(neap_heap *heap)
{
    use_all_kinds(heap);
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();
        if (pid == 0)
            die(heap);
        waitpid(pid, NULL, 0);
    }
}


/* Of all that waits one each, and the dead at it. */
static void be_many_who_wait(neap_heap *heap)
{
    neap_event *event;
    neap_latch *latch;
    neap_condition *condition;
    neap_rwlock *rwlock;
    neap_barrier *barrier;
    neap_once *once;
    use_all_kinds(heap);
    must(neap_event_open(heap, "event", &event));
    must(neap_latch_open(heap, "latch", 3, &latch));
    must(neap_condition_open(heap, "condition", &condition));
    must(neap_rwlock_open(heap, "rwlock", &rwlock));
    must(neap_barrier_open(heap, "barrier", 3, &barrier));
    must(neap_once_open(heap, "once", &once));
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            must(i < 2 ? neap_rwlock_read(rwlock, NEAP_NOW)
                       : neap_once_begin(once, NEAP_NOW));
            raise(SIGKILL);
        }
        waitpid(pid, NULL, 0);
    }
    neap_event_close(event);
    neap_latch_close(latch);
    neap_condition_close(condition);
    neap_rwlock_close(rwlock);
    neap_barrier_close(barrier);
    neap_once_close(once);
}


static void nothing(neap_heap *heap)
{
    (void)heap;
}


/* What differs from run to run, so that a seed decides everything. */
static void make_constant(struct image *image)
{
    struct neap_sh_header *header = (void *)image->bytes;
    memset(header->uuid, 0, sizeof header->uuid);
    header->created = 1;
    for (uint32_t i = 0; i < header->slots_high; i++) {
        struct neap_sh_slot *slot =
            (void *)(image->bytes + NEAP_SH_HEADER_SIZE +
                     (size_t)i * NEAP_SH_SLOT_SIZE);
        int32_t kind = ((pthread_mutex_t *)&slot->life)->__data.__kind;
        uint32_t word = slot->life.word ? FUTEX_OWNER_DIED | 77 : 0;
        memset(&slot->life, 0, sizeof slot->life);
        slot->life.word = word;
        ((pthread_mutex_t *)&slot->life)->__data.__kind = kind;
        slot->pid = slot->pid ? 77 : 0;
        slot->tid = slot->tid ? 77 : 0;
        slot->since = 1;
    }
    mend_checksum(image);
}


/* A heap with those objects, as its file looks while it is open, or after. */
static struct image photograph(uint32_t slots, void (*fill)(neap_heap *heap),
                               bool while_open)
{
    neap_heap *heap;
    neap_heap_options options = {.slots = slots};
    must(neap_heap_open(NULL, &options, &heap));
    fill(heap);
    int fd = open(neap_heap_address(heap) + sizeof "file:" - 1, O_RDONLY);
    if (!while_open)
        neap_heap_close(heap);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        exit(2);
    struct image image = {.size = (size_t)st.st_size,
                          .room = (size_t)st.st_size + ROOM_ABOVE};
    image.bytes = calloc(1, image.room);
    if (!image.bytes || pread(fd, image.bytes, image.size, 0) !=
                            (ssize_t)image.size)
        exit(2);
    close(fd);
    if (while_open)
        neap_heap_close(heap);
    make_constant(&image);
    return image;
}


void images_make(struct image images[IMAGES])
{
    images[0] = photograph(2, nothing, false);
    images[1] = photograph(4, use_all_kinds, false);
    images[2] = photograph(8, wear, false);
    images[3] = photograph(4, be_many, true);
    images[4] = photograph(100, use_all_kinds, true);
    images[5] = photograph(4, be_many_who_wait, true);
}
