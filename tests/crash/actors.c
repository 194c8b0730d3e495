/* Threads that one process plays: each has its own seats. */
#include <stdlib.h>
#include <string.h>

#include "crash.h"
#include "recovery/gate.h"

struct actor {
    bool attached;            /* has a seat in the heap */
    struct neap__seat seat;
};

struct cast {
    struct actor actors[ACTORS];
    struct sim sim;
    uint32_t handles, seats;  /* of the attachment */
};

static int present;
static struct actor actors[ACTORS];
static jmp_buf escape;


/* -- leaving and entering ------------------------------------------------- */

/* The core's own table is made of what the actor has, and read back. */
static void leave_stage(void)
{
    struct neap__thread *self = neap__self;
    uint32_t index = world.heap->index;
    struct actor *actor = &actors[present];
    actor->attached = self && index < self->count && self->seats[index];
    if (actor->attached) {
        actor->seat = *self->seats[index];
        free(self->seats[index]);
        self->seats[index] = NULL;
    }
    neap__here.seat.heap = NULL;
}


static void enter_stage(int actor)
{
    present = actor;
    sim_actor = (uint32_t)actor;
    if (!actors[actor].attached)
        return;
    if (!neap__self) {
        neap__self = calloc(1, sizeof *neap__self);
        neap__self->generation = neap__fork_generation();
    }
    uint32_t index = world.heap->index;
    if (neap__self->count <= index) {
        neap__self->seats =
            realloc(neap__self->seats, (index + 1) * sizeof(void *));
        memset(neap__self->seats, 0, (index + 1) * sizeof(void *));
        neap__self->count = index + 1;
    }
    neap__self->seats[index] = malloc(sizeof(struct neap__seat));
    *neap__self->seats[index] = actors[actor].seat;
    neap__seat_look(world.heap); /* whoever slept goes on with it at hand */
}


void actor_become(int actor)
{
    if (actor == present)
        return;
    leave_stage();
    enter_stage(actor);
}


/* -- living and dying ----------------------------------------------------- */

static void die(void)
{
    longjmp(escape, DIED);
}


static void get_stuck(void)
{
    longjmp(escape, STUCK);
}


enum outcome actor_run(int (*f)(void *), void *argument, long at, int *ret,
                       long *points)
{
    int ended = setjmp(escape);
    if (ended) {
        *points = hooks_disarm();
        if (neap__gate_kept != NEAP__GATE_FREE)
            neap__gate_leave(world.heap, neap__gate_kept);
        return (enum outcome)ended;
    }
    sim_stuck = get_stuck;
    hooks_arm(at, die);
    *ret = f(argument);
    *points = hooks_disarm();
    return FINISHED;
}


void actor_bury(int actor)
{
    if (actor == present)
        leave_stage();
    actors[actor].attached = false;
    present = actor;
    struct neap_sh_header *header = neap__header(world.heap);
    for (uint32_t i = 0; i < header->slots_ready; i++) {
        struct neap_sh_life *life = &neap__slot_at(world.heap, i)->life;
        if (life->word == (uint32_t)actor + 1)
            neap__life_declare_dead(life);
    }
}


/* -- keeping and going back ----------------------------------------------- */

struct cast *actors_copy(void)
{
    struct cast *cast = malloc(sizeof *cast);
    int who = present;
    leave_stage();
    memcpy(cast->actors, actors, sizeof actors);
    cast->sim = sim;
    cast->handles = world.heap->handles;
    cast->seats = world.heap->seats;
    enter_stage(who);
    return cast;
}


void actors_put(const struct cast *cast)
{
    leave_stage();
    memcpy(actors, cast->actors, sizeof actors);
    sim = cast->sim;
    world.heap->handles = cast->handles;
    world.heap->seats = cast->seats;
    enter_stage(OBSERVER);
}


void actors_free(struct cast *cast)
{
    free(cast);
}
