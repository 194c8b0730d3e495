/*
 * What it takes to bring bytes from one process to another, in the ways that the
 * system has and in neap's: for `neap bench ipc`, so that they are measured on
 * the machine that asks.
 *
 * There are two channels, one each way, and a forked child. For the time of one
 * way a message goes there and back (half of that); for how much goes through,
 * many go there and one comes back. Each process has a processor of its own, where
 * there are two: else it depends on the day.
 *
 * @module neap
 */
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lneap.h"

enum { SLOTS = 4, PATIENCE = 20 }; /* messages under way; seconds */

struct channel {
    size_t size;
    char *buffer;             /* of a copy, or of a message with its type */
    int from, to;             /* descriptors, queues */
    char *slots;              /* shared memory: SLOTS messages */
    unsigned turn;
    sem_t *full, *empty;      /* over a mapped file */
    neap_semaphore *our_full, *our_empty;
};

/* `room` is where a message is to be put, `receive` where it is. */
struct way {
    const char *name;
    int (*open)(struct channel *channel, int which);
    void *(*room)(struct channel *channel);
    int (*send)(struct channel *channel);
    void *(*receive)(struct channel *channel);
    void (*done)(struct channel *channel); /* NULL: nothing to be given back */
    long (*limit)(void);                   /* NULL: none */
};

/* What both processes look at besides. */
struct talk {
    _Atomic long count; /* messages until an answer; 1: each */
    _Atomic int touch;
};


static int failed(void)
{
    return errno ? -errno : -EIO;
}


/* -- streams: pipe, FIFO, socket --------------------------------------------- */

static int open_pipe(struct channel *c, int which)
{
    int ends[2];
    (void)which;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return failed();
    c->from = ends[0];
    c->to = ends[1];
    return 0;
}


static int open_fifo(struct channel *c, int which)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/neap-fifo-%ld-%d", (long)getpid(), which);
    if (mkfifo(path, 0600) < 0)
        return failed();
    int both = open(path, O_RDWR | O_CLOEXEC); /* so that neither waits */
    c->from = open(path, O_RDONLY | O_CLOEXEC);
    c->to = open(path, O_WRONLY | O_CLOEXEC);
    int status = both < 0 || c->from < 0 || c->to < 0 ? failed() : 0;
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
        return failed();
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
            return failed();
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


/* -- message queues ---------------------------------------------------------- */

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
        return failed();
    mq_unlink(name);
    c->from = c->to = (int)queue;
    return 0;
}


static int send_mq(struct channel *c)
{
    return mq_send((mqd_t)c->to, c->buffer + 8, c->size, 0) < 0 ? failed() : 0;
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
    return c->from < 0 ? failed() : 0;
}


static int send_msg(struct channel *c)
{
    *(long *)(void *)c->buffer = 1; /* its type */
    return msgsnd(c->to, c->buffer, c->size, 0) < 0 ? failed() : 0;
}


static void *receive_msg(struct channel *c)
{
    ssize_t n = msgrcv(c->from, c->buffer, c->size, 0, 0);
    return n == (ssize_t)c->size ? c->buffer + 8 : NULL;
}


/* -- a mapped file, with the C library's semaphores ----------------------------- */

static int open_mapped(struct channel *c, int which)
{
    char path[64];
    size_t bytes = 4096 + c->size * SLOTS;
    snprintf(path, sizeof path, "/tmp/neap-mapped-%ld-%d", (long)getpid(),
             which);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed();
    unlink(path);
    int status = -posix_fallocate(fd, 0, (off_t)bytes);
    char *base = status < 0 ? MAP_FAILED
                            : mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_POPULATE, fd, 0);
    close(fd);
    if (base == MAP_FAILED)
        return status < 0 ? status : failed();
    c->full = (sem_t *)(void *)base;
    c->empty = c->full + 1;
    c->slots = base + 4096;
    return sem_init(c->full, 1, 0) < 0 || sem_init(c->empty, 1, SLOTS) < 0
               ? failed() : 0;
}


static int wait_for(sem_t *semaphore)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE;
    while (sem_timedwait(semaphore, &until) < 0)
        if (errno != EINTR)
            return failed();
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
    return sem_post(c->full) < 0 ? failed() : 0;
}


static void *receive_mapped(struct channel *c)
{
    return wait_for(c->full) < 0 ? NULL : slot(c);
}


static void done_mapped(struct channel *c)
{
    sem_post(c->empty);
}


/* -- neap -------------------------------------------------------------------- */

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


static const struct way ways[] = {
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


static void close_channel(const struct way *way, struct channel *c)
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


/* -- the two who talk -------------------------------------------------------- */

static void write_all(void *message, size_t size, uint64_t value)
{
    uint64_t *words = message;
    for (size_t i = 0; i < size / 8; i++)
        words[i] = value + i;
    memset((char *)message + size / 8 * 8, (int)value, size % 8);
}


static uint64_t read_all(const void *message, size_t size)
{
    const uint64_t *words = message;
    const unsigned char *rest = (const unsigned char *)message + size / 8 * 8;
    uint64_t sum = 0;
    for (size_t i = 0; i < size / 8; i++)
        sum += words[i];
    for (size_t i = 0; i < size % 8; i++)
        sum += rest[i];
    return sum;
}


static int say(const struct way *way, struct channel *c, bool touch)
{
    static uint64_t value;
    void *room = way->room(c);
    if (!room)
        return failed();
    if (touch)
        write_all(room, c->size, value++);
    return way->send(c);
}


/* So that what was read is not thrown away unread. */
static uint64_t heard;


static int hear(const struct way *way, struct channel *c, bool touch)
{
    void *message = way->receive(c);
    if (!message)
        return failed();
    if (touch)
        heard += read_all(message, c->size);
    if (way->done)
        way->done(c);
    return 0;
}


/* In the child: an answer to each so-many-th message. */
static void answer(const struct way *way, struct channel channels[2],
                   struct talk *talk)
{
    for (long n = 1;; n++) {
        bool touch = atomic_load(&talk->touch);
        if (hear(way, &channels[0], touch) < 0)
            _exit(1 + (heard == 1));
        if (n < atomic_load(&talk->count))
            continue;
        n = 0;
        if (say(way, &channels[1], touch) < 0)
            _exit(1);
    }
}


/* `count` messages and an answer. */
static int ask(const struct way *way, struct channel channels[2], long count,
               bool touch)
{
    for (long i = 0; i < count; i++) {
        int status = say(way, &channels[0], touch);
        if (status < 0)
            return status;
    }
    return hear(way, &channels[1], touch);
}


/* Nanoseconds for each of `rounds` times `count` messages and an answer. */
static double time_of(const struct way *way, struct channel channels[2],
                      struct talk *talk, long rounds, long count)
{
    atomic_store(&talk->count, count);
    int64_t began = neap_now();
    for (long i = 0; i < rounds; i++)
        if (ask(way, channels, count, atomic_load(&talk->touch)) < 0)
            return -1.0;
    return (double)(neap_now() - began) / (double)rounds;
}


/* Longer and longer, until it takes that time: messages there and back, or many
 * there and one back. Nanoseconds for each. */
static double measure(const struct way *way, struct channel channels[2],
                      struct talk *talk, double seconds, bool there_and_back)
{
    for (long n = 1;; n *= 2) {
        double each = time_of(way, channels, talk, there_and_back ? n : 1,
                              there_and_back ? 1 : n);
        double took = there_and_back ? each * (double)n : each;
        if (each < 0 || took >= seconds * 1e9 || n > 1L << 40)
            return there_and_back ? each : each / (double)n;
    }
}


/* What a measurement holds. */
struct lab {
    cpu_set_t before; /* where this process may run */
    struct channel channels[2];
    struct talk *talk;
    pid_t child;
};


/* The n-th of the processors that it may run on, if there are so many. */
static void settle(const cpu_set_t *allowed, int n)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET((size_t)cpu, allowed) && n-- == 0)
            CPU_SET((size_t)cpu, &one);
    if (CPU_COUNT(&one))
        sched_setaffinity(0, sizeof one, &one);
}


static void close_lab(const struct way *way, struct lab *lab)
{
    sched_setaffinity(0, sizeof lab->before, &lab->before);
    if (lab->child > 0) {
        kill(lab->child, SIGKILL);
        while (waitpid(lab->child, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    for (int i = 0; i < 2; i++)
        close_channel(way, &lab->channels[i]);
    if (lab->talk)
        munmap(lab->talk, sizeof *lab->talk);
    neap_heap_close(heap);
    heap = NULL;
}


static int open_lab(const struct way *way, struct lab *lab, size_t size)
{
    int status = neap_heap_open(NULL, NULL, &heap);
    sched_getaffinity(0, sizeof lab->before, &lab->before);
    for (int i = 0; i < 2; i++)
        lab->channels[i] = (struct channel){.size = size, .from = -1,
                                            .to = -1};
    void *talk = mmap(NULL, sizeof *lab->talk, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    lab->talk = talk == MAP_FAILED ? NULL : talk;
    for (int i = 0; status >= 0 && i < 2; i++) {
        struct channel *c = &lab->channels[i];
        c->buffer = calloc(1, size + 16);
        errno = 0;
        status = c->buffer && lab->talk ? way->open(c, i) : -ENOMEM;
    }
    if (status < 0)
        return status;
    pid_t parent = getpid();
    settle(&lab->before, 0);
    lab->child = fork();
    if (lab->child < 0)
        return failed();
    if (lab->child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        settle(&lab->before, 1);
        answer(way, lab->channels, lab->talk);
    }
    return 0;
}


static const struct way *find_way(lua_State *L, int arg)
{
    const char *name = luaL_checkstring(L, arg);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(ways[i].name, name) == 0)
            return &ways[i];
    luaL_argerror(L, arg, lua_pushfstring(L, "there is no way '%s'", name));
    return NULL;
}


/* A table with latency (nanoseconds, one way), transfer and touched (bytes a
 * second, as they are, and with every byte written and read); or nil, text. */
static int ipc_measure(lua_State *L)
{
    const struct way *way = find_way(L, 1);
    uint64_t size = lneap_check_size(L, 2);
    lua_Number seconds = luaL_checknumber(L, 3);
    struct lab lab = {0};
    double latency = -1, transfer = -1, touched = -1;

    luaL_argcheck(L, size >= 1 && size <= UINT64_C(1) << 30, 2,
                  "1 byte to 1 GiB");
    luaL_argcheck(L, seconds > 0 && seconds <= 3600, 3,
                  "more than 0 seconds");
    if (way->limit && (long)size > way->limit()) {
        lua_pushnil(L);
        lua_pushfstring(L, "at most %d bytes at once", (int)way->limit());
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int status = open_lab(way, &lab, size);
    if (status == 0) {
        (void)measure(way, lab.channels, lab.talk, seconds / 20, true);
        latency = measure(way, lab.channels, lab.talk, seconds / 3, true) / 2;
        transfer = measure(way, lab.channels, lab.talk, seconds / 3, false);
        atomic_store(&lab.talk->touch, 1);
        touched = measure(way, lab.channels, lab.talk, seconds / 3, false);
    }
    close_lab(way, &lab);
    if (status < 0 || latency < 0 || transfer < 0 || touched < 0) {
        lua_pushnil(L);
        lua_pushstring(L, status < 0 ? strerror(-status)
                                     : "the other process is gone");
        return 2;
    }
    lua_createtable(L, 0, 3);
    lua_pushnumber(L, latency);
    lua_setfield(L, -2, "latency");
    lua_pushnumber(L, (double)size / transfer * 1e9);
    lua_setfield(L, -2, "transfer");
    lua_pushnumber(L, (double)size / touched * 1e9);
    lua_setfield(L, -2, "touched");
    return 1;
}


static int ipc_ways(lua_State *L)
{
    lua_newtable(L);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        lua_pushstring(L, ways[i].name);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}


void lneap_open_ipc(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"ipc_measure", ipc_measure},
        {"ipc_ways", ipc_ways},
        {NULL, NULL},
    };

    lua_pushvalue(L, -2);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
