/* What must be conserved, counted. */
#include <stdio.h>

#include "stress/storm.h"

typedef long long ll;


/* -- making ---------------------------------------------------------------- */

static bool make_counter(neap_heap *heap, const char *kind, int i,
                         neap_counter_kind as)
{
    char name[32];
    neap_counter *counter;
    snprintf(name, sizeof name, "%s-%d", kind, i);
    if (neap_counter_open_as(heap, name, as, &counter) < 0)
        return false;
    neap_counter_close(counter);
    return true;
}


static bool make_bank(neap_heap *heap, int b)
{
    char name[32];
    neap_array *array;
    neap_mutex *mutex;
    snprintf(name, sizeof name, "bank-%d", b);
    if (neap_array_open(heap, name, NEAP_TYPE_I64, 1,
                        &(uint64_t){BANK_CELLS}, &array) < 0)
        return false;
    neap_array_close(array);
    snprintf(name, sizeof name, "lock-%d", b);
    if (neap_mutex_open_kind(heap, name, is_recursive((uint32_t)b)
                                             ? NEAP_MUTEX_RECURSIVE
                                             : NEAP_MUTEX_PLAIN, &mutex) < 0)
        return false;
    neap_mutex_close(mutex);
    return true;
}


bool storm_make(neap_heap *heap)
{
    bool made = make_counter(heap, "double", 0, NEAP_COUNTER_DOUBLE);
    for (int i = 0; i < PLAIN; i++)
        made = made && make_counter(heap, "plain", i, NEAP_COUNTER_PLAIN);
    for (int i = 0; i < STRIPED; i++)
        made = made && make_counter(heap, "striped", i, NEAP_COUNTER_STRIPED);
    for (int b = 0; b < BANKS; b++)
        made = made && make_bank(heap, b);
    if (!made)
        fprintf(stderr, "%s\n", neap_error_text());
    return made;
}


/* -- the heap -------------------------------------------------------------- */

static void check_heap(struct board *board, neap_heap *heap, const char *when)
{
    neap_check_report report;
    int status = neap_heap_check(heap, &report);
    if (status < 0)
        violation(board, "%s: cannot check: %s", when, neap_error_text());
    else if (report.problems)
        violation(board, "%s: %lld problems (%lld leaks, %lld doubles, %lld "
                  "torn):\n%s", when, (ll)report.problems, (ll)report.leaks,
                  (ll)report.doubles, (ll)report.torn, report.text);
}


uint64_t verify_live(struct board *board, neap_heap *heap)
{
    uint64_t before = board->violations;
    check_heap(board, heap, "while it rages");
    return board->violations - before;
}


/* -- the sums -------------------------------------------------------------- */

static void within(struct board *board, const char *name, int64_t value,
                   int64_t least, int64_t most)
{
    if (value < least)
        violation(board, "%s is %lld: %lld acknowledged were lost", name,
                  (ll)value, (ll)(least - value));
    else if (value > most)
        violation(board, "%s is %lld: %lld more than were begun", name,
                  (ll)value, (ll)(value - most));
}


static void verify_sum(struct board *board, const char *name, int thing,
                       int64_t value)
{
    int64_t base = board->base[thing];
    within(board, name, value, base + (int64_t)board_done(board, thing),
           base + (int64_t)board_begun(board, thing));
    board->base[thing] = value;
}


static int64_t counter_value(struct board *board, neap_heap *heap,
                             const char *name, int64_t *ret_real)
{
    neap_object_info info = {0};
    if (neap_heap_find(heap, name, &info) < 0)
        violation(board, "%s: %s", name, neap_error_text());
    if (ret_real)
        *ret_real = (int64_t)info.real;
    return info.value;
}


static void verify_counters(struct board *board, neap_heap *heap)
{
    char name[32];
    int64_t real;
    for (int i = 0; i < PLAIN; i++) {
        snprintf(name, sizeof name, "plain-%d", i);
        verify_sum(board, name, THING_PLAIN + i,
                   counter_value(board, heap, name, NULL));
    }
    for (int i = 0; i < STRIPED; i++) {
        snprintf(name, sizeof name, "striped-%d", i);
        verify_sum(board, name, THING_STRIPED + i,
                   counter_value(board, heap, name, NULL));
    }
    counter_value(board, heap, "double-0", &real);
    verify_sum(board, "double-0", THING_DOUBLE, real);
}


static void verify_cells(struct board *board, neap_heap *heap)
{
    char name[32];
    neap_array *array;
    neap_value value;
    if (neap_array_open(heap, "cells", NEAP_TYPE_U64, 1, &(uint64_t){CELLS},
                        &array) < 0) {
        violation(board, "cells: %s", neap_error_text());
        return;
    }
    for (uint64_t i = 0; i < CELLS; i++) {
        snprintf(name, sizeof name, "cell %d", (int)i);
        if (neap_array_get(array, i, &value) < 0)
            violation(board, "%s: %s", name, neap_error_text());
        else
            verify_sum(board, name, THING_CELL + (int)i, (int64_t)value.as.u);
    }
    neap_array_close(array);
}


static int64_t permits(struct board *board, neap_heap *heap, const char *name,
                       int64_t initial, neap_semaphore_kind kind)
{
    neap_semaphore *semaphore;
    int64_t value = 0;
    if (neap_semaphore_open(heap, name, initial, kind, &semaphore) < 0 ||
        neap_semaphore_get(semaphore, &value) < 0)
        violation(board, "%s: %s", name, neap_error_text());
    else
        neap_semaphore_close(semaphore);
    return value;
}


static void verify_permits(struct board *board, neap_heap *heap)
{
    int64_t undo = permits(board, heap, "undo", UNDO_PERMITS,
                           NEAP_SEMAPHORE_UNDO);
    if (undo != UNDO_PERMITS)
        violation(board, "undo: %lld permits are there, nobody has one, and "
                  "there should be %d", (ll)undo, UNDO_PERMITS);
    int64_t bounded = permits(board, heap, "bounded", BOUNDED_PERMITS,
                              NEAP_SEMAPHORE_UNDO);
    if (bounded != BOUNDED_PERMITS)
        violation(board, "bounded: %lld permits are there, nobody has one, and "
                  "there should be %d", (ll)bounded, BOUNDED_PERMITS);
    int64_t value = permits(board, heap, "classic", CLASSIC_PERMITS,
                            NEAP_SEMAPHORE_CLASSIC);
    int64_t base = CLASSIC_PERMITS + board->base[THING_RELEASED];
    within(board, "classic", value,
           base + (int64_t)board_done(board, THING_RELEASED) -
               (int64_t)board_begun(board, THING_ACQUIRED),
           base + (int64_t)board_begun(board, THING_RELEASED) -
               (int64_t)board_done(board, THING_ACQUIRED));
    board->base[THING_RELEASED] = value - CLASSIC_PERMITS;
}


/* Nobody is there, so every lock is to be had at once. What its last owner left
 * half-done is mended, as by any other owner. */
static void verify_bank(struct board *board, neap_heap *heap, uint32_t b)
{
    char name[32];
    neap_array *array;
    neap_mutex *mutex;
    snprintf(name, sizeof name, "bank-%u", b);
    if (neap_array_open(heap, name, NEAP_TYPE_I64, 0, NULL, &array) < 0) {
        violation(board, "%s", neap_error_text());
        return;
    }
    snprintf(name, sizeof name, "lock-%u", b);
    int status = neap_mutex_open(heap, name, &mutex);
    if (status >= 0)
        status = neap_mutex_lock(mutex, NEAP_NOW);
    if (status < 0) {
        violation(board, "nobody is there, but: %s", neap_error_text());
        return;
    }
    int64_t sum = bank_sum(neap_array_data(array));
    if (sum != 0 && status != NEAP_ABANDONED)
        violation(board, "bank %u was left half-changed, and nobody was told",
                  b);
    *(int64_t *)neap_array_data(array) -= sum;
    board->inside[b] = 0;
    if (neap_mutex_unlock(mutex) < 0)
        violation(board, "%s", neap_error_text());
    neap_mutex_close(mutex);
    neap_array_close(array);
}


static void name_slots(struct board *board, neap_heap *heap)
{
    neap_slot_info slot;
    uint64_t cursor = 0;
    while (neap_heap_next_slot(heap, &cursor, &slot) == NEAP_MORE)
        violation(board, "slot %u, incarnation %u, of process %d, thread %d, "
                  "is %s", slot.index, slot.incarnation, slot.pid, slot.tid,
                  slot.dead ? "dead" : "in use");
}


static void verify_slots(struct board *board, neap_heap *heap)
{
    neap_heap_info info;
    if (neap_heap_status(heap, &info) < 0)
        violation(board, "status: %s", neap_error_text());
    else if (info.dead || info.attached > 1)
        name_slots(board, heap);
}


uint64_t verify_quiet(struct board *board, neap_heap *heap)
{
    uint64_t before = board->violations;
    if (neap_heap_reap(heap) < 0)
        violation(board, "reap: %s", neap_error_text());
    check_heap(board, heap, "in the quiet");
    verify_slots(board, heap);
    verify_counters(board, heap);
    verify_cells(board, heap);
    verify_permits(board, heap);
    for (uint32_t b = 0; b < BANKS; b++)
        verify_bank(board, heap, b);
    verify_shelf(board, heap);
    verify_waits(board, heap);
    board_clear(board);
    return board->violations - before;
}
