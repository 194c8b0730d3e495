/*
 * What it takes to bring bytes from one process to another, in the ways that
 * the system has and in neap's: for `neap bench ipc`, so that they are measured
 * on the machine that asks.
 *
 * There are two channels, one each way, and a forked child. For the time of one
 * way a message goes there and back (half of that); for how much goes through,
 * many go there and one comes back. Each process has a processor of its own,
 * where there are two: else it depends on the day.
 *
 * @module neap
 */
#include "ipc.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What both processes look at besides. */
struct talk {
    _Atomic long count; /* messages until an answer; 1: each */
    _Atomic int touch;
};


/* -- the two who talk ------------------------------------------------------ */

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
        return lneap_failed();
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
        return lneap_failed();
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
        lneap_channel_close(way, &lab->channels[i]);
    if (lab->talk)
        munmap(lab->talk, sizeof *lab->talk);
    lneap_ways_end();
}


static int open_lab(const struct way *way, struct lab *lab, size_t size)
{
    int status = lneap_ways_begin();
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
        return lneap_failed();
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
    for (size_t i = 0; i < lneap_way_count; i++)
        if (strcmp(lneap_ways[i].name, name) == 0)
            return &lneap_ways[i];
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
    for (size_t i = 0; i < lneap_way_count; i++) {
        lua_pushstring(L, lneap_ways[i].name);
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
