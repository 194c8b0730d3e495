/* What is done, and what may be left of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "step.h"

#define IGNORE(call) do { int status_ = (call); (void)status_; } while (0)
#define PERMITS 3
#define MANY 20 /* permits; more than have cells, so that they are recorded */

static neap_mutex *mutex, *recursive;
static neap_semaphore *classic, *cells, *many;
static neap_rwlock *rwlock;
static neap_counter *plain, *striped;
static neap_event *event;
static neap_barrier *barrier;
static int64_t plain_was, striped_was, classic_was = PERMITS;


static void must(int status)
{
    if (status >= 0)
        return;
    fprintf(stderr, "step: cannot set up: %s\n", neap_error_text());
    exit(2);
}


void operations_begin(void)
{
    must(neap_mutex_open(heap, "mutex", &mutex));
    must(neap_mutex_open_kind(heap, "recursive", NEAP_MUTEX_RECURSIVE,
                              &recursive));
    must(neap_semaphore_open(heap, "classic", PERMITS, NEAP_SEMAPHORE_CLASSIC,
                             &classic));
    must(neap_semaphore_open(heap, "cells", PERMITS, NEAP_SEMAPHORE_UNDO,
                             &cells));
    must(neap_semaphore_open(heap, "many", MANY, NEAP_SEMAPHORE_UNDO, &many));
    must(neap_rwlock_open(heap, "rwlock", &rwlock));
    must(neap_counter_open(heap, "plain", &plain));
    must(neap_counter_open_as(heap, "striped", NEAP_COUNTER_STRIPED, &striped));
    must(neap_event_open(heap, "event", &event));
    must(neap_barrier_open(heap, "barrier", 1, &barrier));
}


/* -- locks ----------------------------------------------------------------- */

/* `held`: it died inside, and the next owner must be told. */
static const char *mutex_left(neap_mutex *m, bool held)
{
    int status = neap_mutex_lock(m, NEAP_NOW);
    if (status < 0)
        return "its lock is not free";
    if (held && status != NEAP_ABANDONED)
        return "nobody is told that the owner died";
    IGNORE(neap_mutex_repaired(m));
    return neap_mutex_unlock(m) < 0 ? "it cannot be unlocked" : NULL;
}


static void lock(void) { IGNORE(neap_mutex_lock(mutex, NEAP_FOREVER)); }
static void unlock(void) { IGNORE(neap_mutex_unlock(mutex)); }
static const char *lock_left(void) { return mutex_left(mutex, false); }


static void relock(void)
{
    IGNORE(neap_mutex_lock(recursive, NEAP_FOREVER));
}


static void unlock_one(void) { IGNORE(neap_mutex_unlock(recursive)); }
static void relock_twice(void) { relock(); relock(); }
static const char *recursive_left(void) { return mutex_left(recursive, true); }


static void start_reading(void)
{
    IGNORE(neap_rwlock_read(rwlock, NEAP_FOREVER));
}


static void start_writing(void)
{
    IGNORE(neap_rwlock_write(rwlock, NEAP_FOREVER));
}


static void end_it(void) { IGNORE(neap_rwlock_unlock(rwlock)); }


static const char *rwlock_left(void)
{
    if (neap_rwlock_write(rwlock, NEAP_NOW) < 0)
        return "its lock is not free for a writer";
    IGNORE(neap_rwlock_repaired(rwlock));
    IGNORE(neap_rwlock_unlock(rwlock));
    if (neap_rwlock_read(rwlock, NEAP_NOW) < 0)
        return "its lock is not free for a reader";
    IGNORE(neap_rwlock_unlock(rwlock));
    return NULL;
}


/* -- semaphores ------------------------------------------------------------ */

static void take_classic(void)
{
    IGNORE(neap_semaphore_acquire(classic, NEAP_FOREVER));
}


static void give_classic(void) { IGNORE(neap_semaphore_release(classic)); }


/* Its permits are anybody's: one more, or less, or not. */
static const char *classic_left(void)
{
    int64_t left = -1;
    IGNORE(neap_semaphore_get(classic, &left));
    int64_t change = left - classic_was;
    while (left > PERMITS && left-- > 0)
        IGNORE(neap_semaphore_acquire(classic, NEAP_NOW));
    while (left >= 0 && left++ < PERMITS)
        IGNORE(neap_semaphore_release(classic));
    return change < -1 || change > 1 ? "permits are lost or too many" : NULL;
}


static void take_cell(void)
{
    IGNORE(neap_semaphore_acquire(cells, NEAP_FOREVER));
}


static void give_cell(void) { IGNORE(neap_semaphore_release(cells)); }
static void take_two(void)
{
    IGNORE(neap_semaphore_acquire_many(many, 2, NEAP_FOREVER));
}


static void give_two(void) { IGNORE(neap_semaphore_release_many(many, 2)); }


static const char *undo_left(void)
{
    int64_t left = -1, left_many = -1;
    IGNORE(neap_semaphore_get(cells, &left));
    IGNORE(neap_semaphore_get(many, &left_many));
    return left != PERMITS || left_many != MANY
               ? "permits of the dead have not come back" : NULL;
}


/* -- what holds values ----------------------------------------------------- */

/* It has happened, or not. */
static const char *counted(neap_counter *counter, int64_t *was)
{
    int64_t now = -1;
    IGNORE(neap_counter_get(counter, &now));
    bool sound = now == *was || now == *was + 1;
    *was = now;
    return sound ? NULL : "it has happened neither once nor not";
}


static void add_plain(void) { IGNORE(neap_counter_add(plain, 1)); }
static void add_striped(void) { IGNORE(neap_counter_add(striped, 1)); }
static const char *plain_left(void) { return counted(plain, &plain_was); }
static const char *striped_left(void)
{
    return counted(striped, &striped_was);
}


static void set_event(void) { IGNORE(neap_event_set(event)); }
static const char *event_left(void)
{
    return neap_event_is_set(event) < 0 || neap_event_clear(event) < 0
               ? "it can no longer be used" : NULL;
}


static void meet(void)
{
    int64_t place;
    IGNORE(neap_barrier_wait(barrier, NEAP_FOREVER, &place));
}


static const char *barrier_left(void)
{
    int64_t place;
    int status = neap_barrier_wait(barrier, NEAP_NOW, &place);
    if (status == NEAP_EBROKEN)
        status = neap_barrier_reset(barrier);
    return status < 0 ? "it can no longer be used" : NULL;
}


static void make_array(void)
{
    uint64_t shape = 500;
    neap_array *array;
    IGNORE(neap_array_open(heap, "made", NEAP_TYPE_F64, 1, &shape, &array));
}


static void drop_array(void) { IGNORE(neap_heap_drop(heap, "made")); }


/* There or not, and what is left of it is not lost: the check tells. */
static const char *array_left(void)
{
    neap_object_info info;
    int there = neap_heap_find(heap, "made", &info);
    if (there == -ENOENT)
        return NULL;
    return there < 0 || neap_heap_drop(heap, "made") < 0
               ? "what it made cannot be dropped" : NULL;
}


const struct operation operations[] = {
    {"mutex lock", NULL, lock, lock_left},
    {"mutex unlock", lock, unlock, lock_left},
    {"mutex, locked again", relock, relock, recursive_left},
    {"mutex, unlocked once of two", relock_twice, unlock_one, recursive_left},
    {"rwlock read", NULL, start_reading, rwlock_left},
    {"rwlock write", NULL, start_writing, rwlock_left},
    {"rwlock unlock, read", start_reading, end_it, rwlock_left},
    {"rwlock unlock, written", start_writing, end_it, rwlock_left},
    {"semaphore acquire", NULL, take_classic, classic_left},
    {"semaphore release", NULL, give_classic, classic_left},
    {"undo acquire", NULL, take_cell, undo_left},
    {"undo release", take_cell, give_cell, undo_left},
    {"undo acquire, recorded", NULL, take_two, undo_left},
    {"undo release, recorded", take_two, give_two, undo_left},
    {"counter add", NULL, add_plain, plain_left},
    {"counter add, striped", NULL, add_striped, striped_left},
    {"event set", NULL, set_event, event_left},
    {"barrier wait, the last", NULL, meet, barrier_left},
    {"array open, new", NULL, make_array, array_left},
    {"drop", make_array, drop_array, array_left},
};

const size_t operations_count = sizeof operations / sizeof *operations;
