/*
 * The ways from one process to another: pipe, FIFO, socket, message queues, a
 * mapped file with the C library's semaphores, and neap.
 */
#include "ipc.h"

#include <fcntl.h>
#include <mqueue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>


/* -- streams: pipe, FIFO, socket ------------------------------------------- */

static int open_pipe(struct channel *c, int which)
{
    int ends[2];
    (void)which;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return lneap_failed();
    c->from = ends[0];
    c->to = ends[1];
    return 0;
}


static int open_fifo(struct channel *c, int which)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/neap-fifo-%ld-%d", (long)getpid(), which);
    if (mkfifo(path, 0600) < 0)
        return lneap_failed();
    int both = open(path, O_RDWR | O_CLOEXEC); /* so that neither waits */
    c->from = open(path, O_RDONLY | O_CLOEXEC);
    c->to = open(path, O_WRONLY | O_CLOEXEC);
    int status = both < 0 || c->from < 0 || c->to < 0 ? lneap_failed() : 0;
    if (both >= 0)
        close(both);
    unlink(path);
    return status;
}


static int open_socket(struct channel *c, int which)
{
    int ends[2];
    (void)which;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return lneap_failed();
    c->from = ends[0];
    c->to = ends[1];
    return 0;
}


static void *room_in_buffer(struct channel *c)
{
    return c->buffer + 8;
}


static int send_stream(struct channel *c)
{
    const char *at = c->buffer + 8;
    size_t left = c->size;
    while (left > 0) {
        ssize_t n = write(c->to, at, left);
        if (n < 0 && errno != EINTR)
            return lneap_failed();
        if (n > 0) {
            at += n;
            left -= (size_t)n;
        }
    }
    return 0;
}


static void *receive_stream(struct channel *c)
{
    char *at = c->buffer + 8;
    size_t left = c->size;
    while (left > 0) {
        ssize_t n = read(c->from, at, left);
        if (n == 0 || (n < 0 && errno != EINTR))
            return NULL;
        if (n > 0) {
            at += n;
            left -= (size_t)n;
        }
    }
    return c->buffer + 8;
}


/* -- message queues -------------------------------------------------------- */

static long read_limit(const char *path)
{
    FILE *file = fopen(path, "re");
    long limit = 0;
    if (file && fscanf(file, "%ld", &limit) != 1)
        limit = 0;
    if (file)
        fclose(file);
    return limit;
}


static long mq_limit(void)
{
    return read_limit("/proc/sys/fs/mqueue/msgsize_max");
}


static int open_mq(struct channel *c, int which)
{
    char name[64];
    struct mq_attr attributes = {.mq_maxmsg = SLOTS,
                                 .mq_msgsize = (long)c->size};
    snprintf(name, sizeof name, "/neap-mq-%ld-%d", (long)getpid(), which);
    mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600,
                          &attributes);
    if (queue == (mqd_t)-1)
        return lneap_failed();
    mq_unlink(name);
    c->from = c->to = (int)queue;
    return 0;
}


static int send_mq(struct channel *c)
{
    return mq_send((mqd_t)c->to, c->buffer + 8, c->size, 0) < 0
               ? lneap_failed() : 0;
}


static void *receive_mq(struct channel *c)
{
    ssize_t n = mq_receive((mqd_t)c->from, c->buffer + 8, c->size, NULL);
    return n == (ssize_t)c->size ? c->buffer + 8 : NULL;
}


static long msg_limit(void)
{
    return read_limit("/proc/sys/kernel/msgmax");
}


/* Its end is IPC_RMID, in close_channel. */
static int open_msg(struct channel *c, int which)
{
    (void)which;
    c->from = c->to = msgget(IPC_PRIVATE, 0600);
    return c->from < 0 ? lneap_failed() : 0;
}


static int send_msg(struct channel *c)
{
    *(long *)(void *)c->buffer = 1; /* its type */
    return msgsnd(c->to, c->buffer, c->size, 0) < 0 ? lneap_failed() : 0;
}


static void *receive_msg(struct channel *c)
{
    ssize_t n = msgrcv(c->from, c->buffer, c->size, 0, 0);
    return n == (ssize_t)c->size ? c->buffer + 8 : NULL;
}


/* -- a mapped file, with the C library's semaphores ------------------------ */

static int open_mapped(struct channel *c, int which)
{
    char path[64];
    size_t bytes = 4096 + c->size * SLOTS;
    snprintf(path, sizeof path, "/tmp/neap-mapped-%ld-%d", (long)getpid(),
             which);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return lneap_failed();
    unlink(path);
    int status = -posix_fallocate(fd, 0, (off_t)bytes);
    char *base = status < 0 ? MAP_FAILED
                            : mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_POPULATE, fd, 0);
    close(fd);
    if (base == MAP_FAILED)
        return status < 0 ? status : lneap_failed();
    c->full = (sem_t *)(void *)base;
    c->empty = c->full + 1;
    c->slots = base + 4096;
    return sem_init(c->full, 1, 0) < 0 || sem_init(c->empty, 1, SLOTS) < 0
               ? lneap_failed() : 0;
}


static int wait_for(sem_t *semaphore)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE;
    while (sem_timedwait(semaphore, &until) < 0)
        if (errno != EINTR)
            return lneap_failed();
    return 0;
}


static void *slot(struct channel *c)
{
    return c->slots + c->turn++ % SLOTS * c->size;
}


static void *room_in_file(struct channel *c)
{
    return wait_for(c->empty) < 0 ? NULL : slot(c);
}


static int send_mapped(struct channel *c)
{
    return sem_post(c->full) < 0 ? lneap_failed() : 0;
}


static void *receive_mapped(struct channel *c)
{
    return wait_for(c->full) < 0 ? NULL : slot(c);
}


static void done_mapped(struct channel *c)
{
    sem_post(c->empty);
}


/* -- neap ------------------------------------------------------------------ */

static neap_heap *heap; /* of the measurement that runs */


static int open_neap(struct channel *c, int which)
{
    char name[32];
    neap_array *array;
    uint64_t bytes = c->size * SLOTS;
    snprintf(name, sizeof name, "slots %d", which);
    int status = neap_array_open(heap, name, NEAP_TYPE_U8, 1, &bytes, &array);
    if (status < 0)
        return status;
    c->slots = neap_array_data(array);
    memset(c->slots, 1, bytes); /* its pages, as of the others */
    neap_array_close(array);
    snprintf(name, sizeof name, "full %d", which);
    status = neap_semaphore_open_bounded(heap, name, 0, 0,
                                         NEAP_SEMAPHORE_CLASSIC, &c->our_full);
    if (status < 0)
        return status;
    snprintf(name, sizeof name, "empty %d", which);
    status = neap_semaphore_open_bounded(heap, name, SLOTS, 0,
                                         NEAP_SEMAPHORE_CLASSIC,
                                         &c->our_empty);
    return status < 0 ? status : 0;
}


static int acquire(neap_semaphore *semaphore)
{
    return neap_semaphore_acquire(semaphore, neap_deadline_after(
        PATIENCE * INT64_C(1000000000)));
}


static void *room_in_heap(struct channel *c)
{
    return acquire(c->our_empty) < 0 ? NULL : slot(c);
}


static int send_neap(struct channel *c)
{
    return neap_semaphore_release(c->our_full);
}


static void *receive_neap(struct channel *c)
{
    return acquire(c->our_full) < 0 ? NULL : slot(c);
}


static void done_neap(struct channel *c)
{
    neap_semaphore_release(c->our_empty);
}


const struct way lneap_ways[] = {
    {"pipe", open_pipe, room_in_buffer, send_stream, receive_stream, NULL,
     NULL},
    {"fifo", open_fifo, room_in_buffer, send_stream, receive_stream, NULL,
     NULL},
    {"socket", open_socket, room_in_buffer, send_stream, receive_stream, NULL,
     NULL},
    {"posix mq", open_mq, room_in_buffer, send_mq, receive_mq, NULL, mq_limit},
    {"sysv mq", open_msg, room_in_buffer, send_msg, receive_msg, NULL,
     msg_limit},
    {"mapped file", open_mapped, room_in_file, send_mapped, receive_mapped,
     done_mapped, NULL},
    {"neap", open_neap, room_in_heap, send_neap, receive_neap, done_neap, NULL},
};

const size_t lneap_way_count = sizeof lneap_ways / sizeof *lneap_ways;


int lneap_ways_begin(void)
{
    return neap_heap_open(NULL, NULL, &heap);
}


void lneap_ways_end(void)
{
    neap_heap_close(heap);
    heap = NULL;
}


void lneap_channel_close(const struct way *way, struct channel *c)
{
    if (way->send == send_msg && c->from >= 0)
        msgctl(c->from, IPC_RMID, NULL);
    else if (way->send == send_mq && c->from >= 0)
        mq_close((mqd_t)c->from);
    else {
        if (c->from >= 0)
            close(c->from);
        if (c->to >= 0)
            close(c->to);
    }
    if (way->send == send_mapped && c->full)
        munmap((void *)c->full, 4096 + c->size * SLOTS);
    neap_semaphore_close(c->our_full);
    neap_semaphore_close(c->our_empty);
    free(c->buffer);
}
