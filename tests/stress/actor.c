/* One thread of a worker: what it has open, and what it does next. */
#include <string.h>
#include <unistd.h>

#include "stress/storm.h"

const struct operation operations[] = {
    {"count", 300, do_count},
    {"read", 30, do_read},
    {"cell", 60, do_cell},
    {"bank", 150, do_bank},
    {"undo", 120, do_undo},
    {"bounded", 60, do_bounded},
    {"measure", 2, do_measure},
    {"classic", 80, do_classic},
    {"shelf", 100, do_shelf},
    {"talk", 60, do_talk},
    {"gate", 15, do_gate},
    {"names", 60, do_names},
    {"temps", 40, do_temps},
    {"fleeting", 40, do_fleeting},
    {"look", 15, do_look},
    {"reopen", 4, do_reopen},
    {"reap", 4, do_reap},
    {"fork", 3, do_fork},
    {"leave", 2, do_leave},
    {"exec", 1, do_exec},
};

const uint32_t operation_count = sizeof operations / sizeof *operations;


uint64_t actor_random(struct actor *actor, uint64_t below)
{
    uint64_t z = actor->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}


bool must(struct actor *actor, const char *what, int status,
          const int *expected)
{
    if (status >= 0)
        return true;
    for (int i = 0; expected[i]; i++)
        if (status == expected[i])
            return false;
    violation(actor->board, "%s: %s: %s", what, neap_status_name(status),
              neap_error_text());
    return false;
}


void actor_begin(struct actor *actor, struct board *board, neap_heap *heap,
                 uint32_t worker, uint32_t number)
{
    memset(actor, 0, sizeof *actor);
    actor->board = board;
    actor->heap = heap;
    actor->worker = worker;
    actor->number = number;
    actor->line = &board->lines[worker][number];
    actor->line->active = 1;
    uint64_t life = ++board->lives;
    actor->random = board->seed * UINT64_C(1000003) + life;
    actor->id = life;
}


void actor_end(struct actor *actor)
{
    for (int i = 0; i < PLAIN; i++)
        neap_counter_close(actor->plain[i]);
    for (int i = 0; i < STRIPED; i++)
        neap_counter_close(actor->striped[i]);
    neap_counter_close(actor->real);
    neap_array_close(actor->cells);
    for (int i = 0; i < BANKS; i++) {
        neap_array_close(actor->banks[i]);
        neap_mutex_close(actor->mutexes[i]);
    }
    neap_semaphore_close(actor->classic);
    neap_semaphore_close(actor->undo);
    neap_semaphore_close(actor->bounded);
    neap_rwlock_close(actor->shelf);
    neap_condition_close(actor->talk);
    neap_mutex_close(actor->floor);
    neap_barrier_close(actor->gate);
    actor->line->active = 0;
}


static uint32_t choose(struct actor *actor)
{
    static _Atomic uint32_t total;
    if (total == 0) {
        uint32_t sum = 0;
        for (uint32_t i = 0; i < operation_count; i++)
            sum += operations[i].weight;
        total = sum;
    }
    uint32_t at = (uint32_t)actor_random(actor, total);
    for (uint32_t i = 0;; i++) {
        if (at < operations[i].weight)
            return i;
        at -= operations[i].weight;
    }
}


void actor_run(struct actor *actor, uint64_t most)
{
    while (!actor->leaves && most-- > 0) {
        uint32_t i = choose(actor);
        actor->line->doing = i;
        operations[i].run(actor);
        actor->line->operations++;
    }
}
