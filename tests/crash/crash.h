/*
 * Enumerating crashes. The core is compiled with -fsanitize=thread and linked
 * with hooks of our own in place of its runtime, so that every access to the
 * heap's memory is a point with a number, and the process may end just before
 * any of them.
 *
 * Programs made of this:
 *   crash_abandon  one process plays several threads; the one that dies is
 *                  abandoned with longjmp, and proofs of life, futexes and the
 *                  clock are simulated (sim_os.c). Microseconds a death: all k,
 *                  and all (k, j) where the reaper dies at its j-th access.
 *   crash_kill     a forked child kills itself with SIGKILL at k; everything
 *                  is real. All k.
 *   sched          two or three processes take turns (tests/sched).
 */
#ifndef NEAP_CRASH_H
#define NEAP_CRASH_H

#include <setjmp.h>

#include "heap/heap.h"
#include "neap.h"
#include "recovery/reap.h"
#include "recovery/sabotage.h"

/* -- hooks.c -------------------------------------------------------------- */

/* Number the accesses to [low, low + size) from now on. */
void hooks_watch(const void *low, size_t size);

/* Count from 0 again; call `die` just before access number `at`, 0 never. */
void hooks_arm(long at, void (*die)(void));
long hooks_disarm(void); /* @return how many there were */

/* What others do meanwhile is no point at which the victim dies. */
void hooks_pause(bool on);

/* Call `look` just before every access from now on; NULL: before none. */
void hooks_each(void (*look)(void));

/* -- actors.c: threads that one process plays ----------------------------- */

enum { OBSERVER, VICTIM, REAPER, SURVIVOR, ACTORS };

/* Go on as that one. */
void actor_become(int actor);

enum outcome { FINISHED, DIED, STUCK };

/* Run `f` as the present actor, dying at access `at` (0: not). */
enum outcome actor_run(int (*f)(void *), void *argument, long at, int *ret,
                       long *points);

/* The kernel's part at a death: mark the proofs of life of that actor; and
 * forget what it had in its own memory. */
void actor_bury(int actor);

/* Keep, and go back to, what the actors and the sleepers know. */
struct cast *actors_copy(void);
void actors_put(const struct cast *cast);
void actors_free(struct cast *cast);

/* -- sim_os.c, sim_life.c -------------------------------------------------- */

#define SLEEPERS 4

/* Somebody is asleep on that word from now on, until it is woken. */
void sim_sleep(_Atomic uint32_t *word);
bool sim_all_woken(void);

struct sim {
    struct {
        _Atomic uint32_t *word;
        bool woken;
    } sleepers[SLEEPERS];
    int sleeping;
    int expired; /* sleeps that ended by time */
    void (*while_asleep)(void); /* what happens, once, while the running actor
                                   is asleep; it may wake it or not */
};
extern struct sim sim;

/* The running actor sleeps and nobody could wake it. */
extern void (*sim_stuck)(void);

extern uint32_t sim_actor;

/* -- world.c -------------------------------------------------------------- */

/* What there is in the heap when an operation begins. */
struct world {
    neap_heap *heap;
    neap_counter *plain, *striped, *real; /* "plain" 10, "striped" 5, "real" */
    neap_array *low, *middle, *high;      /* neighbours, of 4, 16, 4 lines */
    neap_mutex *mutex;
    neap_semaphore *classic, *undo;       /* 1 and 2 permits */
};

extern struct world world;

void world_make(void);
void world_forget(void);

/* Keep, and go back to, what the heap's memory is. */
void *world_copy(uint64_t *ret_size);
void world_put(const void *copy, uint64_t size);

/* What is wrong with the heap after everybody who died was reaped; NULL. */
const char *world_wrong(void);

/* Everything can still be done: NULL, or what cannot. */
const char *world_exercise(void);
int world_exercise_run(void *ret_wrong); /* the same, for actor_run */

/* -- operations.c --------------------------------------------------------- */

struct operation {
    const char *name;
    void (*prepare)(void);   /* as the observer, before the image is taken */
    void (*victim)(void);    /* as the victim, likewise */
    int (*run)(void *);      /* as the victim, dying */
    /* 0 it has not happened, 1 it has, -1 neither */
    int (*state)(void);
    bool fresh_victim;       /* has no slot yet */
    bool asleep;             /* simulated sleep: not for crash_kill */
    bool quick;              /* one store; recovery has nothing to do with it */
};

extern const struct operation operations[];
extern const size_t operations_count;

#endif
