/* What two or three processes do together, and what must hold of it. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "sched.h"
#include "sync/semaphore.h"

#define SHORTLY neap_deadline_after(1000000) /* time may end such a sleep */
#define IGNORE(call) do { int status_ = (call); (void)status_; } while (0)

static neap_mutex *mutex;
static neap_semaphore *semaphore, *signals;
static neap_rwlock *rwlock;
static neap_barrier *barrier;
static neap_condition *condition;
static neap_event *event;
static neap_latch *latch;
static int64_t initial, bound, parties;
static bool undo;
static bool flag; /* what users of a condition share, under the mutex */


static void must(int status)
{
    if (status >= 0)
        return;
    fprintf(stderr, "sched: cannot set up: %s\n", neap_error_text());
    _Exit(2);
}


/* -- mutexes --------------------------------------------------------------- */

static void open_mutex(void)
{
    must(neap_mutex_open(world.heap, "m", &mutex));
}


static void open_recursive(void)
{
    must(neap_mutex_open_kind(world.heap, "m", NEAP_MUTEX_RECURSIVE, &mutex));
}


static void lock_once(void)
{
    if (CALL(LOCK, 1, neap_mutex_lock(mutex, NEAP_FOREVER)) >= 0)
        CALL(UNLOCK, 1, neap_mutex_unlock(mutex));
}


static void lock_twice(void)
{
    lock_once();
    lock_once();
}


static void lock_for_a_while(void)
{
    if (CALL(LOCK, 1, neap_mutex_lock(mutex, SHORTLY)) >= 0)
        CALL(UNLOCK, 1, neap_mutex_unlock(mutex));
}


static void try_lock(void)
{
    if (CALL(LOCK, 1, neap_mutex_lock(mutex, NEAP_NOW)) >= 0)
        CALL(UNLOCK, 1, neap_mutex_unlock(mutex));
}


static void lock_within(void)
{
    if (CALL(LOCK, 1, neap_mutex_lock(mutex, NEAP_FOREVER)) < 0)
        return;
    if (CALL(LOCK, 1, neap_mutex_lock(mutex, NEAP_FOREVER)) >= 0)
        CALL(UNLOCK, 1, neap_mutex_unlock(mutex));
    CALL(UNLOCK, 1, neap_mutex_unlock(mutex));
}


static const char *mutex_wrong(void)
{
    const char *wrong = history_of_lock();
    if (wrong)
        return wrong;
    if (neap_mutex_lock(mutex, NEAP_NOW) < 0 || neap_mutex_unlock(mutex) < 0)
        return "nobody has it, and it cannot be locked";
    return NULL;
}


/* -- semaphores ------------------------------------------------------------ */

static void open_semaphore(int64_t n, int64_t most, neap_semaphore_kind kind)
{
    initial = n;
    bound = most;
    undo = kind == NEAP_SEMAPHORE_UNDO;
    must(neap_semaphore_open_bounded(world.heap, "s", n, most, kind,
                                     &semaphore));
}


static void open_one(void) { open_semaphore(1, 0, NEAP_SEMAPHORE_CLASSIC); }
static void open_none(void) { open_semaphore(0, 0, NEAP_SEMAPHORE_CLASSIC); }
static void open_bounded(void) { open_semaphore(0, 1, NEAP_SEMAPHORE_CLASSIC); }
static void open_undo(void) { open_semaphore(1, 0, NEAP_SEMAPHORE_UNDO); }
static void open_undo_two(void) { open_semaphore(2, 0, NEAP_SEMAPHORE_UNDO); }
static void open_undo_many(void)
{
    open_semaphore(NEAP_SH_CELLS + 1, 0, NEAP_SEMAPHORE_UNDO);
}


/* The handle is the processes' own memory, and all begin with a fresh one. */
static void forget_hint(void)
{
    semaphore->hint = 0;
}


static int take(int64_t n)
{
    return CALL(TAKE, n, neap_semaphore_acquire_many(semaphore, n,
                                                     NEAP_FOREVER));
}


static void give(int64_t n)
{
    CALL(GIVE, n, neap_semaphore_release_many(semaphore, n));
}


static void take_and_give(void)
{
    if (CALL(TAKE, 1, neap_semaphore_acquire(semaphore, NEAP_FOREVER)) == 0)
        CALL(GIVE, 1, neap_semaphore_release(semaphore));
}


static void take_for_a_while(void)
{
    if (CALL(TAKE, 1, neap_semaphore_acquire(semaphore, SHORTLY)) == 0)
        CALL(GIVE, 1, neap_semaphore_release(semaphore));
}


static void take_two_and_give(void)
{
    if (take(2) == 0)
        give(2);
}


static void take_all_and_give(void)
{
    if (take(initial) == 0)
        give(initial);
}


static void take_one(void) { take(1); }
static void give_one(void) { give(1); }
static void take_one_twice(void) { take(1); take(1); }
static void give_one_twice(void) { give(1); give(1); }


static void give_more(void)
{
    CALL(GIVE, 1, neap_semaphore_release(semaphore));
}


static const char *semaphore_wrong(void)
{
    int64_t left;
    if (neap_semaphore_get(semaphore, &left) < 0)
        return neap_error_text();
    return history_of_semaphore(initial, bound, undo, left);
}


/* -- rwlocks --------------------------------------------------------------- */

static void open_rwlock(void)
{
    must(neap_rwlock_open(world.heap, "r", &rwlock));
}


static void read_once(void)
{
    if (CALL(READ, 1, neap_rwlock_read(rwlock, NEAP_FOREVER)) >= 0)
        CALL(UNLOCK, 1, neap_rwlock_unlock(rwlock));
}


static void read_twice(void)
{
    read_once();
    read_once();
}


static void write_once(void)
{
    if (CALL(LOCK, 1, neap_rwlock_write(rwlock, NEAP_FOREVER)) >= 0)
        CALL(UNLOCK, 1, neap_rwlock_unlock(rwlock));
}


static const char *rwlock_wrong(void)
{
    const char *wrong = history_of_lock();
    if (wrong)
        return wrong;
    if (neap_rwlock_write(rwlock, NEAP_NOW) < 0 ||
        neap_rwlock_unlock(rwlock) < 0)
        return "nobody has it, and it cannot be locked for writing";
    if (neap_rwlock_read(rwlock, NEAP_NOW) < 0 ||
        neap_rwlock_unlock(rwlock) < 0)
        return "nobody has it, and it cannot be locked for reading";
    return NULL;
}


/* -- barriers -------------------------------------------------------------- */

static void open_barrier(int64_t n)
{
    parties = n;
    must(neap_barrier_open(world.heap, "b", n, &barrier));
}


static void open_for_two(void) { open_barrier(2); }
static void open_for_three(void) { open_barrier(3); }


static int acted;

static int act(void *unused)
{
    (void)unused;
    acted++;
    return 0;
}


static void open_for_two_who_act(void)
{
    open_barrier(2);
    neap_barrier_set_action(barrier, act, NULL);
}


static void forget_actions(void)
{
    acted = 0;
}


static int meet(void)
{
    int64_t place = 0;
    history_call(MEET, 0);
    int status = neap_barrier_wait(barrier, NEAP_FOREVER, &place);
    return history_back(MEET, status, place);
}


static void meet_once(void)
{
    IGNORE(meet());
}


static void meet_twice(void)
{
    if (meet() == 0)
        IGNORE(meet());
}


static void abort_barrier(void)
{
    IGNORE(neap_barrier_abort(barrier));
}


static const char *barrier_wrong(void)
{
    int64_t waiting;
    bool broken;
    if (neap_barrier_status(barrier, NULL, &waiting, &broken) < 0)
        return neap_error_text();
    if (waiting)
        return "nobody waits, and it counts some";
    if (broken && !sched_died())
        return "it is broken, and nobody died";
    return history_of_barrier((int)parties);
}


static const char *actions_wrong(void)
{
    if (!sched_died() && acted != 2)
        return "two phases, and not two actions";
    return barrier_wrong();
}


/* -- conditions ------------------------------------------------------------ */

static void open_condition(void)
{
    open_mutex();
    must(neap_semaphore_open(world.heap, "signals", 0, NEAP_SEMAPHORE_CLASSIC,
                             &signals));
    must(neap_condition_open(world.heap, "c", &condition));
}


static void lower_flag(void)
{
    flag = false;
}


static int await(void)
{
    return CALL(AWAIT, 1, neap_condition_wait(condition, mutex, NEAP_FOREVER));
}


static void wait_for_flag(void)
{
    if (CALL(LOCK, 1, neap_mutex_lock(mutex, NEAP_FOREVER)) < 0)
        return;
    while (!flag && await() >= 0)
        ;
    CALL(UNLOCK, 1, neap_mutex_unlock(mutex));
}


static void raise_flag(void)
{
    if (CALL(LOCK, 1, neap_mutex_lock(mutex, NEAP_FOREVER)) < 0)
        return;
    flag = true;
    CALL(NOTIFY, 1, neap_condition_notify(condition, 1));
    CALL(UNLOCK, 1, neap_mutex_unlock(mutex));
}


static void raise_flag_then_notify(void)
{
    if (CALL(LOCK, 1, neap_mutex_lock(mutex, NEAP_FOREVER)) < 0)
        return;
    flag = true;
    CALL(UNLOCK, 1, neap_mutex_unlock(mutex));
    CALL(NOTIFY, 1, neap_condition_notify(condition, 1));
}


static void raise_flag_for_all(void)
{
    flag = true;
    IGNORE(neap_condition_notify(condition, INT32_MAX));
    IGNORE(neap_semaphore_release_many(signals, 2));
}


/* It counts as waiting before it gives the mutex up: so whoever has seen the
 * signal and then has the mutex finds it there. */
static void wait_once(void)
{
    if (CALL(LOCK, 1, neap_mutex_lock(mutex, NEAP_FOREVER)) < 0)
        return;
    IGNORE(neap_semaphore_release(signals));
    IGNORE(await());
    CALL(UNLOCK, 1, neap_mutex_unlock(mutex));
}


/* One, and then the other: of two that wait each notification ends one wait. */
static void notify_each(void)
{
    IGNORE(neap_semaphore_acquire(signals, NEAP_FOREVER));
    IGNORE(neap_semaphore_acquire(signals, NEAP_FOREVER));
    for (int i = 0; i < 2; i++)
        if (CALL(LOCK, 1, neap_mutex_lock(mutex, NEAP_FOREVER)) >= 0) {
            CALL(NOTIFY, 1, neap_condition_notify(condition, 1));
            CALL(UNLOCK, 1, neap_mutex_unlock(mutex));
        }
}


static const char *condition_wrong(void)
{
    const char *wrong = sched_died() ? NULL : history_of_waits();
    return wrong ? wrong : mutex_wrong();
}


/* -- events and latches ---------------------------------------------------- */

static void open_event(void)
{
    must(neap_event_open(world.heap, "e", &event));
}


static void set_event(void)
{
    CALL(SET, 1, neap_event_set(event));
}


static void wait_for_event(void)
{
    CALL(AWAIT, 1, neap_event_wait(event, NEAP_FOREVER));
}


static void help_event(void)
{
    IGNORE(neap_event_set(event));
}


static void open_latch(void)
{
    must(neap_latch_open(world.heap, "l", 2, &latch));
}


static void count_down(void)
{
    CALL(SET, 1, neap_latch_count_down(latch, 1));
}


static void count_down_and_wait(void)
{
    count_down();
    CALL(AWAIT, 1, neap_latch_wait(latch, NEAP_FOREVER));
}


static void help_latch(void)
{
    int64_t left;
    if (neap_latch_get(latch, &left) == 0 && left > 0)
        IGNORE(neap_latch_count_down(latch, left));
}


static const char *wait_wrong(void)
{
    return sched_died() ? NULL : history_of_waits();
}


/* -- all ------------------------------------------------------------------- */

#define PAIR(name, prepare, reset, p, q, help, wrong)                          \
    {name, prepare, reset, {p, q, NULL}, help, wrong, false}
#define THREE(name, prepare, reset, p, q, r, help, wrong)                      \
    {name, prepare, reset, {p, q, r}, help, wrong, false}

const struct scenario scenarios[] = {
    PAIR("mutex", open_mutex, NULL, lock_once, lock_once, NULL, mutex_wrong),
    PAIR("mutex, twice", open_mutex, NULL, lock_twice, lock_once, NULL,
         mutex_wrong),
    PAIR("mutex, for a while", open_mutex, NULL, lock_once, lock_for_a_while,
         NULL, mutex_wrong),
    PAIR("mutex, tried", open_mutex, NULL, lock_once, try_lock, NULL,
         mutex_wrong),
    THREE("mutex, three", open_mutex, NULL, lock_once, lock_once, lock_once,
          NULL, mutex_wrong),
    THREE("mutex, one of three gives up", open_mutex, NULL, lock_once,
          lock_once, lock_for_a_while, NULL, mutex_wrong),
    PAIR("recursive mutex", open_recursive, NULL, lock_within, lock_within,
         NULL, mutex_wrong),
    PAIR("semaphore", open_one, forget_hint, take_and_give, take_and_give,
         give_more, semaphore_wrong),
    PAIR("semaphore, as a signal", open_none, forget_hint, take_one_twice,
         give_one_twice, give_more, semaphore_wrong),
    THREE("semaphore, two wait", open_none, forget_hint, take_one, take_one,
          give_one_twice, give_more, semaphore_wrong),
    THREE("semaphore, one of two gives up", open_none, forget_hint, take_one,
          take_for_a_while, give_one, give_more, semaphore_wrong),
    PAIR("bounded semaphore", open_bounded, forget_hint, give_one_twice,
         take_one, give_more, semaphore_wrong),
    PAIR("undo semaphore", open_undo, forget_hint, take_and_give,
         take_and_give, NULL, semaphore_wrong),
    PAIR("undo semaphore, two at once", open_undo_two, forget_hint,
         take_two_and_give, take_and_give, NULL, semaphore_wrong),
    PAIR("undo semaphore, many permits", open_undo_many, forget_hint,
         take_all_and_give, take_all_and_give, NULL, semaphore_wrong),
    PAIR("rwlock, two write", open_rwlock, NULL, write_once, write_once, NULL,
         rwlock_wrong),
    PAIR("rwlock, read and write", open_rwlock, NULL, read_twice, write_once,
         NULL, rwlock_wrong),
    THREE("rwlock, two read", open_rwlock, NULL, read_once, read_once,
          write_once, NULL, rwlock_wrong),
    PAIR("barrier, two phases", open_for_two, NULL, meet_twice, meet_twice,
         abort_barrier, barrier_wrong),
    PAIR("barrier, with an action", open_for_two_who_act, forget_actions,
         meet_twice, meet_twice, abort_barrier, actions_wrong),
    THREE("barrier, three", open_for_three, NULL, meet_once, meet_once,
          meet_once, abort_barrier, barrier_wrong),
    PAIR("condition", open_condition, lower_flag, wait_for_flag, raise_flag,
         raise_flag_for_all, condition_wrong),
    PAIR("condition, without the mutex", open_condition, lower_flag,
         wait_for_flag, raise_flag_then_notify, raise_flag_for_all,
         condition_wrong),
    {"condition, two wait", open_condition, lower_flag,
     {wait_once, wait_once, notify_each}, raise_flag_for_all, condition_wrong,
     true},
    PAIR("event", open_event, NULL, wait_for_event, set_event, help_event,
         wait_wrong),
    THREE("event, two wait", open_event, NULL, wait_for_event, wait_for_event,
          set_event, help_event, wait_wrong),
    PAIR("latch", open_latch, NULL, count_down_and_wait, count_down_and_wait,
         help_latch, wait_wrong),
};

const size_t scenarios_count = NEAP__COUNT(scenarios);
