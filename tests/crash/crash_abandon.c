/*
 * All k: the victim dies just before each access of the operation; all (k, j):
 * whoever reaps it dies just before each access of that, and another one reaps
 * both. After each the heap is walked, the operation must have happened wholly
 * or not at all, and everybody can go on.
 *
 *     crash_abandon [--filter WORDS] [--without redo|intent|reap|shares]
 *
 * With --without a mechanism is taken out, and the program fails unless it
 * finds states that are not repaired: the negative control.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crash.h"

int neap__sabotage;

struct tally {
    long points, states, pairs, failures;
    uint64_t *seen; /* hashes of dead states, open-addressed */
    size_t seen_size, seen_count;
};

static bool verbose = true;
static long shown;


/* -- states seen ---------------------------------------------------------- */

static uint64_t hash_bytes(const void *bytes, size_t size)
{
    const uint64_t *words = bytes;
    uint64_t hash = UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = 0; i < size / 8; i++) {
        hash = (hash ^ words[i]) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 32;
    }
    return hash ? hash : 1;
}


/* The same dead state is reaped in the same way: once is enough. */
static bool is_new(struct tally *tally, uint64_t hash)
{
    if (tally->seen_count * 2 >= tally->seen_size) {
        size_t size = tally->seen_size ? tally->seen_size * 2 : 1024;
        uint64_t *seen = calloc(size, sizeof *seen);
        for (size_t i = 0; i < tally->seen_size; i++)
            if (tally->seen[i]) {
                size_t k = tally->seen[i] & (size - 1);
                while (seen[k])
                    k = (k + 1) & (size - 1);
                seen[k] = tally->seen[i];
            }
        free(tally->seen);
        tally->seen = seen;
        tally->seen_size = size;
    }
    size_t k = hash & (tally->seen_size - 1);
    while (tally->seen[k] && tally->seen[k] != hash)
        k = (k + 1) & (tally->seen_size - 1);
    bool fresh = !tally->seen[k];
    tally->seen[k] = hash;
    tally->seen_count += fresh;
    return fresh;
}


/* -- judging -------------------------------------------------------------- */

static void failed(struct tally *tally, const struct operation *op, long k,
                   long j, const char *why)
{
    tally->failures++;
    if (!verbose || ++shown > 20)
        return;
    printf("  %s: death at %ld", op->name, k);
    if (j)
        printf(", of its reaper at %ld", j);
    printf(": %s\n", why);
}


static int reap(void *unused)
{
    (void)unused;
    return neap_heap_reap(world.heap);
}


static int look(void *argument)
{
    const struct operation *op = argument;
    return op->state();
}


/* What is wrong with the world now that the dead are reaped; NULL. */
static const char *judge(const struct operation *op)
{
    int state = 0, ret;
    long points;
    actor_become(OBSERVER);
    const char *wrong = world_wrong();
    if (wrong)
        return wrong;
    if (actor_run(look, (void *)op, 0, &state, &points) != FINISHED)
        return "whoever looks at it gets stuck";
    if (state < 0)
        return "it has neither happened nor not happened";
    actor_become(SURVIVOR);
    if (actor_run(world_exercise_run, &wrong, 0, &ret,
                  &points) != FINISHED)
        return "whoever goes on gets stuck";
    neap__thread_end();
    actor_become(OBSERVER);
    return wrong;
}


/* Reap as that actor, dying at j. */
static enum outcome reap_as(int actor, long j, long *points, int *ret)
{
    actor_become(actor);
    enum outcome outcome = actor_run(reap, NULL, j, ret, points);
    if (outcome == DIED)
        actor_bury(actor);
    return outcome;
}


static void reap_and_judge(struct tally *tally, const struct operation *op,
                           int actor, long k, long j)
{
    long points;
    int ret = 0;
    if (reap_as(actor, 0, &points, &ret) != FINISHED)
        failed(tally, op, k, j, "its reaper gets stuck");
    else if (ret < 0)
        failed(tally, op, k, j, neap_error_text());
    else {
        const char *wrong = judge(op);
        if (wrong)
            failed(tally, op, k, j, wrong);
    }
}


/* -- deaths --------------------------------------------------------------- */

/* From one dead state: the reaper dies at each of its accesses. */
static void enumerate_reapers(struct tally *tally, const struct operation *op,
                              long k)
{
    uint64_t size;
    void *dead = world_copy(&size);
    struct cast *cast = actors_copy();
    long points = 0, unused;
    int ret = 0;
    reap_as(REAPER, 0, &points, &ret);
    for (long j = 1; j <= points; j++) {
        world_put(dead, size);
        actors_put(cast);
        reap_as(REAPER, j, &unused, &ret);
        reap_and_judge(tally, op, SURVIVOR, k, j);
        tally->pairs++;
    }
    world_put(dead, size);
    actors_put(cast);
    actors_free(cast);
    free(dead);
}


static void die_at(struct tally *tally, const struct operation *op, long k)
{
    long points;
    int ret = 0;
    actor_become(VICTIM);
    enum outcome outcome = actor_run(op->run, NULL, k, &ret, &points);
    if (outcome != DIED) {
        failed(tally, op, k, 0, "the operation did not come so far again");
        return;
    }
    actor_bury(VICTIM);
    actor_become(OBSERVER);
    uint64_t hash = hash_bytes(world.heap->base,
                               neap__header(world.heap)->size) ^
                    hash_bytes(&sim, sizeof sim);
    bool fresh = is_new(tally, hash);
    tally->states += fresh;
    if (fresh)
        enumerate_reapers(tally, op, k);
    reap_and_judge(tally, op, REAPER, k, 0);
}


static void set_up(const struct operation *op)
{
    memset(&sim, 0, sizeof sim);
    actor_become(OBSERVER);
    world_make();
    actor_become(VICTIM);
    struct neap__seat *seat;
    if (!op->fresh_victim && neap__seat(world.heap, &seat) < 0)
        abort();
    actor_become(OBSERVER);
    if (op->prepare)
        op->prepare();
    actor_become(VICTIM);
    if (op->victim)
        op->victim();
    actor_become(OBSERVER);
}


/* The operation without a death: how many points, and does it work at all? */
static long rehearse(struct tally *tally, const struct operation *op)
{
    long points = 0;
    int ret = 0;
    actor_become(VICTIM);
    enum outcome outcome = actor_run(op->run, NULL, 0, &ret, &points);
    actor_become(OBSERVER);
    if (outcome != FINISHED || ret < 0)
        failed(tally, op, 0, 0, outcome == FINISHED ? neap_error_text()
                                                    : "it gets stuck");
    actor_bury(VICTIM);
    reap_and_judge(tally, op, REAPER, 0, 0);
    return points;
}


static void enumerate(const struct operation *op, struct tally *total)
{
    struct tally tally = {0};
    set_up(op);
    uint64_t size;
    void *before = world_copy(&size);
    struct cast *cast = actors_copy();
    tally.points = rehearse(&tally, op);
    for (long k = 1; k <= tally.points; k++) {
        world_put(before, size);
        actors_put(cast);
        die_at(&tally, op, k);
    }
    printf("%-38s %7ld %7ld %9ld %9ld\n", op->name, tally.points, tally.states,
           tally.pairs, tally.failures);
    fflush(stdout);
    total->points += tally.points;
    total->states += tally.states;
    total->pairs += tally.pairs;
    total->failures += tally.failures;
    actors_free(cast);
    free(before);
    free(tally.seen);
    world_forget();
}


/* -- the program ---------------------------------------------------------- */

static int sabotage_named(const char *name)
{
    static const struct {
        const char *name;
        int what;
    } known[] = {{"redo", NEAP__WITHOUT_REDO},
                 {"intent", NEAP__WITHOUT_INTENT},
                 {"reap", NEAP__WITHOUT_REAP},
                 {"shares", NEAP__WITHOUT_SHARES}};
    for (size_t i = 0; i < NEAP__COUNT(known); i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].what;
    fprintf(stderr, "crash_abandon: --without redo, intent, reap or shares, "
                    "not %s\n", name);
    exit(2);
}


int main(int argc, char **argv)
{
    const char *filter = "", *without = NULL;
    for (int i = 1; i + 1 < argc; i += 2)
        if (strcmp(argv[i], "--filter") == 0)
            filter = argv[i + 1];
        else if (strcmp(argv[i], "--without") == 0)
            neap__sabotage = sabotage_named(without = argv[i + 1]);
    verbose = !without || getenv("NEAP_CRASH_VERBOSE");

    printf("%-38s %7s %7s %9s %9s\n", "operation", "points", "states",
           "pairs k,j", "failures");
    struct tally total = {0};
    for (size_t i = 0; i < operations_count; i++)
        if (strstr(operations[i].name, filter))
            enumerate(&operations[i], &total);
    printf("%-38s %7ld %7ld %9ld %9ld\n", "all", total.points, total.states,
           total.pairs, total.failures);
    bool good = without ? total.failures > 0 : total.failures == 0;
    if (without)
        printf("without %s: %s\n", without,
               good ? "found, as it must be" : "NOT FOUND");
    printf("%d passed, %d failed\n", good, !good);
    fflush(stdout);
    _exit(!good);
}
