/* Operations whose sum is written down, and those under a mutex. */
#include <stdio.h>
#include <string.h>

#include "stress/storm.h"

#define MILLISECOND INT64_C(1000000)


static void begin(struct actor *actor, int thing, uint64_t n)
{
    actor->line->begun[thing] += n;
}


static void done(struct actor *actor, int thing, uint64_t n)
{
    actor->line->done[thing] += n;
}


/* -- counters -------------------------------------------------------------- */

static neap_counter *counter_of(struct actor *actor, neap_counter **place,
                                const char *kind, int number)
{
    char name[32];
    snprintf(name, sizeof name, "%s-%d", kind, number);
    if (!*place)
        MUST(actor, neap_counter_open(actor->heap, name, place));
    return *place;
}


static void count_on(struct actor *actor, neap_counter *counter, int thing)
{
    uint64_t n = actor_random(actor, 5) + 1;
    if (!counter)
        return;
    begin(actor, thing, n);
    if (MUST(actor, neap_counter_add(counter, (int64_t)n)))
        done(actor, thing, n);
}


static void count_double(struct actor *actor)
{
    double value;
    neap_counter *counter = counter_of(actor, &actor->real, "double", 0);
    begin(actor, THING_DOUBLE, 1);
    if (MUST(actor, neap_counter_add_double(counter, 1, &value)))
        done(actor, THING_DOUBLE, 1);
}


static neap_counter *any_striped(struct actor *actor, int *ret_number)
{
    int i = (int)actor_random(actor, STRIPED);
    *ret_number = i;
    return counter_of(actor, &actor->striped[i], "striped", i);
}


void do_count(struct actor *actor)
{
    int i;
    neap_counter *counter;
    switch (actor_random(actor, 4)) {
    case 0:
        count_double(actor);
        break;
    case 1:
        i = (int)actor_random(actor, PLAIN);
        counter = counter_of(actor, &actor->plain[i], "plain", i);
        count_on(actor, counter, THING_PLAIN + i);
        break;
    default:
        counter = any_striped(actor, &i);
        count_on(actor, counter, THING_STRIPED + i);
    }
}


/* What is done was there before we looked, what is there was begun by then. */
void do_read(struct actor *actor)
{
    int i;
    neap_counter *counter = any_striped(actor, &i);
    int thing = THING_STRIPED + i;
    int64_t base = actor->board->base[thing], value;
    int64_t least = base + (int64_t)board_done(actor->board, thing);
    if (!counter || !MUST(actor, neap_counter_get(counter, &value)))
        return;
    int64_t most = base + (int64_t)board_begun(actor->board, thing);
    if (value < least || value > most)
        violation(actor->board, "striped-%d is %lld, not %lld to %lld", i,
                  (long long)value, (long long)least, (long long)most);
}


void do_cell(struct actor *actor)
{
    neap_value n = {'u', {.u = actor_random(actor, 9) + 1}}, old;
    uint64_t i = actor_random(actor, CELLS);
    if (!actor->cells &&
        !MUST(actor, neap_array_open(actor->heap, "cells", NEAP_TYPE_U64, 1,
                                     &(uint64_t){CELLS}, &actor->cells)))
        return;
    begin(actor, THING_CELL + (int)i, n.as.u);
    if (MUST(actor, neap_array_fetch_add(actor->cells, i, n, &old)))
        done(actor, THING_CELL + (int)i, n.as.u);
}


/* -- the critical section -------------------------------------------------- */

static bool open_bank(struct actor *actor, uint32_t b)
{
    char name[32];
    snprintf(name, sizeof name, "bank-%u", b);
    if (!actor->banks[b] &&
        !MUST(actor, neap_array_open(actor->heap, name, NEAP_TYPE_I64, 1,
                                     &(uint64_t){BANK_CELLS},
                                     &actor->banks[b])))
        return false;
    snprintf(name, sizeof name, "lock-%u", b);
    return actor->mutexes[b] ||
           MUST(actor, neap_mutex_open_kind(actor->heap, name,
                                            is_recursive(b)
                                                ? NEAP_MUTEX_RECURSIVE
                                                : NEAP_MUTEX_PLAIN,
                                            &actor->mutexes[b]));
}


/* Once more by its owner; a plain one says that it cannot be. */
static void lock_deeper(struct actor *actor, uint32_t b)
{
    int status = neap_mutex_lock(actor->mutexes[b], NEAP_FOREVER);
    if (!is_recursive(b) && status != -EDEADLK)
        violation(actor->board, "bank %u was locked twice: %d", b, status);
    if (is_recursive(b) && MUST(actor, status))
        MUST(actor, neap_mutex_unlock(actor->mutexes[b]));
}


int64_t bank_sum(const volatile int64_t *cells)
{
    int64_t sum = 0;
    for (int i = 0; i < BANK_CELLS; i++)
        sum += cells[i];
    return sum;
}


/* After a death anything may be; a repairer that dies is another death. */
static void enter_bank(struct actor *actor, uint32_t b, int status,
                       volatile int64_t *cells)
{
    uint64_t there = atomic_exchange(&actor->board->inside[b], actor->id);
    if (status == NEAP_ABANDONED) {
        actor->board->abandoned++;
        cells[0] -= bank_sum(cells);
        return;
    }
    if (there)
        violation(actor->board, "two are in bank %u", b);
    if (bank_sum(cells) != 0)
        violation(actor->board, "bank %u was left half-changed, and nobody "
                  "was told", b);
}


static void transfer(struct actor *actor, volatile int64_t *cells)
{
    int64_t n = (int64_t)actor_random(actor, 100);
    uint64_t from = actor_random(actor, BANK_CELLS);
    uint64_t to = actor_random(actor, BANK_CELLS);
    cells[from] -= n;
    for (uint64_t spins = actor_random(actor, 50); spins > 0; spins--)
        atomic_signal_fence(memory_order_seq_cst);
    cells[to] += n;
}


static int lock_bank(struct actor *actor, neap_mutex *mutex)
{
    int64_t deadline = actor_random(actor, 4)
                           ? NEAP_FOREVER
                           : neap_deadline_after(MILLISECOND);
    int status;
    do
        status = neap_mutex_lock(mutex, deadline);
    while (status == -EINTR);
    MAY(actor, status, -ETIMEDOUT);
    return status;
}


void with_bank(struct actor *actor, uint32_t b,
               void (*in_the_middle)(struct actor *actor, uint32_t b))
{
    if (!open_bank(actor, b))
        return;
    int status = lock_bank(actor, actor->mutexes[b]);
    if (status < 0)
        return;
    volatile int64_t *cells = neap_array_data(actor->banks[b]);
    enter_bank(actor, b, status, cells);
    transfer(actor, cells);
    if (actor_random(actor, 8) == 0)
        lock_deeper(actor, b);
    if (in_the_middle)
        in_the_middle(actor, b);
    transfer(actor, cells);
    uint64_t there = atomic_exchange(&actor->board->inside[b], 0);
    if (there != actor->id)
        violation(actor->board, "another one was in bank %u too", b);
    if (status == NEAP_ABANDONED)
        MUST(actor, neap_mutex_repaired(actor->mutexes[b]));
    MUST(actor, neap_mutex_unlock(actor->mutexes[b]));
}


void do_bank(struct actor *actor)
{
    with_bank(actor, (uint32_t)actor_random(actor, BANKS), NULL);
}


/* -- semaphores ------------------------------------------------------------ */

static int acquire(struct actor *actor, neap_semaphore *semaphore,
                   int64_t deadline)
{
    int status;
    do
        status = neap_semaphore_acquire(semaphore, deadline);
    while (status == -EINTR);
    MAY(actor, status, -ETIMEDOUT, -EBUSY, -EAGAIN);
    return status;
}


void do_undo(struct actor *actor)
{
    if (!actor->undo &&
        !MUST(actor, neap_semaphore_open(actor->heap, "undo", UNDO_PERMITS,
                                         NEAP_SEMAPHORE_UNDO, &actor->undo)))
        return;
    if (acquire(actor, actor->undo, NEAP_FOREVER) < 0)
        return;
    bool two = actor_random(actor, 4) == 0 &&
               acquire(actor, actor->undo, NEAP_NOW) == 0;
    if (actor_random(actor, 4) == 0)
        do_bank(actor);
    MUST(actor, neap_semaphore_release(actor->undo));
    if (two)
        MUST(actor, neap_semaphore_release(actor->undo));
}


/* Many at a time, of more than have cells, and never more than there were. */
void do_bounded(struct actor *actor)
{
    int64_t n = (int64_t)actor_random(actor, 9) + 1;
    if (!actor->bounded &&
        !MUST(actor, neap_semaphore_open_bounded(actor->heap, "bounded",
                                                 BOUNDED_PERMITS,
                                                 BOUNDED_PERMITS,
                                                 NEAP_SEMAPHORE_UNDO,
                                                 &actor->bounded)))
        return;
    int status;
    do
        status = neap_semaphore_acquire_many(actor->bounded, n, NEAP_FOREVER);
    while (status == -EINTR);
    if (!MAY(actor, status, -EAGAIN))
        return;
    if (actor_random(actor, 8) == 0)
        do_bank(actor);
    MUST(actor, neap_semaphore_release_many(actor->bounded, n));
}


/* Whatever is measured disturbs nobody. */
void do_measure(struct actor *actor)
{
    MUST(actor, neap_heap_measure(actor->heap, NULL, actor_random(actor, 2)));
}


/* A permit that a killed worker had is gone: whoever finds none puts one in. */
void do_classic(struct actor *actor)
{
    if (!actor->classic &&
        !MUST(actor, neap_semaphore_open(actor->heap, "classic",
                                         CLASSIC_PERMITS,
                                         NEAP_SEMAPHORE_CLASSIC,
                                         &actor->classic)))
        return;
    begin(actor, THING_ACQUIRED, 1);
    int status = acquire(actor, actor->classic,
                         neap_deadline_after(MILLISECOND));
    if (status < 0)
        actor->line->begun[THING_ACQUIRED]--;
    else
        done(actor, THING_ACQUIRED, 1);
    begin(actor, THING_RELEASED, 1);
    if (MUST(actor, neap_semaphore_release(actor->classic)))
        done(actor, THING_RELEASED, 1);
}
