/*
 * Processes that take turns. The core is built as for the enumeration of
 * crashes (tests/crash), with a hook before every access to the heap's memory.
 * Here the hook may hand the processor to another process, or end the process.
 *
 * Two or three logical processes, each with a stack and a seat of its own, run
 * a program of a scenario. All orders of their accesses are gone through in
 * which at most so many times a process is stopped though it could go on (a
 * change when it sleeps or ends is free), and at most so many die. Each order
 * is found by running from the start: a schedule is the list of choices made on
 * the way.
 *
 * S1 Everything a program does between two points is one step: accesses are in
 *    an order that all agree on. What processors reorder is the models' part.
 * S2 Futexes are simulated (os.c). No sleep ends by itself while nobody is
 *    dead, but for those that are short on purpose; so a wake that is lost is
 *    found.
 * S3 The gate (recovery/gate.h) is passed in one step: the kernel's lock of a
 *    file is not simulated.
 */
#ifndef NEAP_SCHED_H
#define NEAP_SCHED_H

#include "crash/crash.h"

#define PROCESSES 3 /* at most; one more looks at what they left */

/* -- history.c: what was called, what came back, in the order of turns ----- */

enum what { LOCK, READ, UNLOCK, TAKE, GIVE, MEET, AWAIT, NOTIFY, SET, DEATH };

struct event {
    int who;
    enum what what;
    bool back;      /* the call returned, with: */
    int status;
    int64_t number; /* permits, a place at a barrier, notifications */
};

void history_clear(void);
void history_call(enum what what, int64_t number);
int history_back(enum what what, int status, int64_t number);
void history_death(int who);
void history_print(void);

/* The call and its return. */
#define CALL(what, number, call)                                               \
    (history_call(what, number), history_back(what, call, number))

/* What in the history no such object would do, or NULL. */
const char *history_of_lock(void);
const char *history_of_semaphore(int64_t permits, int64_t bound, bool undo,
                                 int64_t left);
const char *history_of_barrier(int parties);
const char *history_of_waits(void);

/* -- scenarios.c ----------------------------------------------------------- */

struct scenario {
    const char *name;
    void (*prepare)(void);             /* once, as the observer */
    void (*reset)(void);               /* before each schedule; or NULL */
    void (*programs[PROCESSES])(void); /* 2 or 3 */
    /* As the observer, once somebody died and nobody can go on: do the dead
     * one's part, so that whoever sleeps ends its sleep. NULL: none. */
    void (*help)(void);
    const char *(*wrong)(void);        /* what is wrong at the end, or NULL */
    bool long_one;                     /* it makes do with a preemption less */
};

extern const struct scenario scenarios[];
extern const size_t scenarios_count;

/* -- scheduler.c ----------------------------------------------------------- */

extern int present; /* whose turn it is; PROCESSES: the observer's */

struct limits {
    int preemptions, deaths;
};

struct counts {
    long schedules, points, switches, deaths, failures;
    long expired; /* sleeps that time ended after a death */
};

/* Before the first: the processes take their seats. */
void sched_begin(const struct scenario *scenario, struct limits limits);
/* Run one schedule. @return what went wrong, or NULL. */
const char *sched_play(struct counts *counts);
/* On to the next schedule. @return false if there is none. */
bool sched_next(void);
void sched_end(void);
bool sched_died(void); /* somebody did, in this schedule */
void sched_print(void); /* its choices */

/* -- for os.c -------------------------------------------------------------- */

void sched_point(void);
/* The present process sleeps. @return 0 woken; -ETIMEDOUT. */
int sched_sleep(const struct neap__futex *futexes, int count, int64_t until);
/* @return how many woke, the longest asleep first. */
int sched_wake(_Atomic uint32_t *word, int count);

extern int64_t sim_now;

#endif
