/*
 * The storm: workers do random operations over all objects, a killer kills
 * them at random instants, and what must be conserved is counted.
 *
 * The ledger. Each thread of a worker has a line in memory that is no part of
 * the heap. Before it adds to something it writes the amount down as begun,
 * afterwards as done. So at any time what is in the heap lies between all that
 * is done and all that was begun, however many died in between.
 *
 * Order of waiting, so that the storm itself never deadlocks: permits first,
 * then one mutex; whoever holds a permit asks for a second one without waiting.
 */
#ifndef NEAP_STORM_H
#define NEAP_STORM_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "neap.h"

#define WORKERS_MAX 64
#define LINES 3 /* a worker's main thread, its second thread, its children */
#define LINE_CHILDREN 2

#define PLAIN 2
#define STRIPED 36 /* more than a slot has room for */
#define CELLS 4
#define BANKS 3
#define BANK_CELLS 8
#define TEMPS 6
#define CLASSIC_PERMITS 20
#define UNDO_PERMITS 3
#define BOUNDED_PERMITS 20

/* What is written down. */
enum thing {
    THING_PLAIN,
    THING_STRIPED = THING_PLAIN + PLAIN,
    THING_DOUBLE = THING_STRIPED + STRIPED,
    THING_CELL,
    THING_ACQUIRED = THING_CELL + CELLS,
    THING_RELEASED,
    THINGS
};

struct line {
    _Atomic uint64_t begun[THINGS], done[THINGS];
    _Atomic uint64_t operations;
    _Atomic uint32_t doing;  /* index of the operation in hand */
    _Atomic uint32_t active; /* the thread is there */
};

struct board {
    char address[256];
    uint64_t seed;
    uint32_t workers;
    int64_t base[THINGS];       /* what was there when the lines were cleared */
    _Atomic uint64_t lives;     /* of workers; each has random numbers */
    _Atomic uint64_t inside[BANKS]; /* who is in the critical section */
    _Atomic uint64_t shelf_writer, shelf_changes;
    _Atomic uint64_t violations;
    _Atomic uint64_t forks, execs, thread_ends, abandoned;
    struct line lines[WORKERS_MAX][LINES];
};

/* -- ledger.c -------------------------------------------------------------- */

/* In memory that survives exec; *ret_fd is its descriptor. */
struct board *board_make(int *ret_fd);
struct board *board_map(int fd);

/* Sums over all lines. */
uint64_t board_begun(struct board *board, int thing);
uint64_t board_done(struct board *board, int thing);

/* Nobody is at it: begin anew from what is there. */
void board_clear(struct board *board);

/* Every second bank has a recursive mutex. */
static inline bool is_recursive(uint32_t b)
{
    return b % 2;
}

/* Something must never be, and is: say it and count it. */
__attribute__((format(printf, 2, 3)))
void violation(struct board *board, const char *format, ...);

/* -- actor.c: one thread of a worker --------------------------------------- */

struct actor {
    struct board *board;
    struct line *line;
    neap_heap *heap;
    uint64_t random;
    uint32_t worker, number;
    uint64_t id; /* of this thread; never 0 */
    bool leaves; /* its time has come */
    neap_counter *plain[PLAIN], *striped[STRIPED], *real;
    neap_array *cells, *banks[BANKS];
    neap_mutex *mutexes[BANKS];
    neap_semaphore *classic, *undo, *bounded;
    neap_rwlock *shelf;
    neap_condition *talk;
    neap_mutex *floor;
    neap_barrier *gate;
};

void actor_begin(struct actor *actor, struct board *board, neap_heap *heap,
                 uint32_t worker, uint32_t number);
void actor_end(struct actor *actor);

/* Do random operations until it is time to leave, or `most` of them. */
void actor_run(struct actor *actor, uint64_t most);

uint64_t actor_random(struct actor *actor, uint64_t below);

/* Whether the call succeeded. A failure is a violation, but for those that are
 * expected (MAY). */
#define MUST(actor, call) must(actor, #call, call, (const int[]){0})
#define MAY(actor, call, ...)                                                  \
    must(actor, #call, call, (const int[]){__VA_ARGS__, 0})
bool must(struct actor *actor, const char *what, int status,
          const int *expected);

/* -- operations.c, _shape.c, _rwlock.c, _wait.c ---------------------------- */

struct operation {
    const char *name;
    uint32_t weight;
    void (*run)(struct actor *actor);
};

extern const struct operation operations[];
extern const uint32_t operation_count;

void do_count(struct actor *actor);
void do_read(struct actor *actor);
void do_cell(struct actor *actor);
void do_bank(struct actor *actor);
void do_undo(struct actor *actor);
void do_bounded(struct actor *actor);
void do_measure(struct actor *actor);
void do_classic(struct actor *actor);
void do_shelf(struct actor *actor);
void do_talk(struct actor *actor);
void do_gate(struct actor *actor);
void do_names(struct actor *actor);
void do_temps(struct actor *actor);
void do_fleeting(struct actor *actor);
void do_look(struct actor *actor);
void do_reopen(struct actor *actor);
void do_reap(struct actor *actor);
void do_fork(struct actor *actor);
void do_exec(struct actor *actor);
void do_leave(struct actor *actor);

int64_t bank_sum(const volatile int64_t *cells);

/* The critical section: a transfer in bank `b`; `in_the_middle` may be NULL. */
void with_bank(struct actor *actor, uint32_t b,
               void (*in_the_middle)(struct actor *actor, uint32_t b));

/* -- worker.c -------------------------------------------------------------- */

/* A life of a worker; returns its exit status. `heap` may be the parent's. */
int worker_live(struct board *board, neap_heap *heap, uint32_t worker);

/* So that exec comes back here. */
void worker_remember(const char *program, int board_fd);

/* -- verify.c -------------------------------------------------------------- */

/* Make the objects. @return false with a message. */
bool storm_make(neap_heap *heap);

/* Look at it while it rages; and when nobody is at it. @return violations. */
uint64_t verify_live(struct board *board, neap_heap *heap);
uint64_t verify_quiet(struct board *board, neap_heap *heap);
void verify_shelf(struct board *board, neap_heap *heap);
void verify_waits(struct board *board, neap_heap *heap);

#endif
