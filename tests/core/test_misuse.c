/* What every object says to who misuses it: its name, and what to do. */
#include "core/heaps.h"

static neap_mutex *beside; /* the mutex that waits for a condition take */

#define OPEN(call)                                                             \
    void *thing;                                                               \
    must_open(call);                                                           \
    return thing

#define OPENS(name, call) static void *name(neap_heap *heap) { OPEN(call); }

OPENS(a_mutex, neap_mutex_open(heap, "thing", (neap_mutex **)&thing))
OPENS(a_recursive, neap_mutex_open_kind(heap, "thing", NEAP_MUTEX_RECURSIVE,
                                        (neap_mutex **)&thing))
OPENS(a_semaphore, neap_semaphore_open(heap, "thing", 0, NEAP_SEMAPHORE_CLASSIC,
                                       (neap_semaphore **)&thing))
OPENS(an_undo, neap_semaphore_open(heap, "thing", 1, NEAP_SEMAPHORE_UNDO,
                                   (neap_semaphore **)&thing))
OPENS(an_event, neap_event_open(heap, "thing", (neap_event **)&thing))
OPENS(a_latch, neap_latch_open(heap, "thing", 1, (neap_latch **)&thing))
OPENS(a_condition, neap_condition_open(heap, "thing",
                                       (neap_condition **)&thing))
OPENS(a_rwlock, neap_rwlock_open(heap, "thing", (neap_rwlock **)&thing))
OPENS(a_barrier, neap_barrier_open(heap, "thing", 2, (neap_barrier **)&thing))
OPENS(a_counted, neap_barrier_open_kind(
                     heap, "thing", 0, NEAP_BARRIER_COUNTED |
                     NEAP_BARRIER_BREAKS, (neap_barrier **)&thing))
OPENS(a_once, neap_once_open(heap, "thing", (neap_once **)&thing))

static void close_it(void *thing, void *(*open)(neap_heap *))
{
    if (open == a_mutex || open == a_recursive)
        neap_mutex_close(thing);
    else if (open == a_semaphore || open == an_undo)
        neap_semaphore_close(thing);
    else if (open == an_event)
        neap_event_close(thing);
    else if (open == a_latch)
        neap_latch_close(thing);
    else if (open == a_condition)
        neap_condition_close(thing);
    else if (open == a_rwlock)
        neap_rwlock_close(thing);
    else if (open == a_once)
        neap_once_close(thing);
    else
        neap_barrier_close(thing);
}


static int lock(void *t, int64_t d) { return neap_mutex_lock(t, d); }
static int unlock(void *t) { return neap_mutex_unlock(t); }
static int acquire(void *t, int64_t d) { return neap_semaphore_acquire(t, d); }
static int release(void *t) { return neap_semaphore_release(t); }
static int await_event(void *t, int64_t d) { return neap_event_wait(t, d); }
static int await_latch(void *t, int64_t d) { return neap_latch_wait(t, d); }
static int read_it(void *t, int64_t d) { return neap_rwlock_read(t, d); }
static int write_it(void *t, int64_t d) { return neap_rwlock_write(t, d); }
static int leave_it(void *t) { return neap_rwlock_unlock(t); }
static int come(void *t, int64_t d) { return neap_barrier_wait(t, d, NULL); }
static int part(void *t) { return neap_barrier_leave(t); }
static int begin(void *t, int64_t d) { return neap_once_begin(t, d); }
static int end(void *t) { return neap_once_end(t, true); }

static int await_condition(void *t, int64_t deadline)
{
    CHECK(neap_mutex_lock(beside, NEAP_FOREVER) >= 0);
    int status = neap_condition_wait(t, beside, deadline);
    CHECK(neap_mutex_unlock(beside) >= 0);
    return status;
}

static int await_as_stranger(void *t)
{
    return neap_condition_wait(t, beside, NEAP_NOW);
}

static const struct kind {
    const char *name;
    void *(*open)(neap_heap *);
    int (*wait)(void *, int64_t);  /* for what another one has, or never comes */
    int (*take)(void *, int64_t);  /* which that one calls; NULL: not needed */
    int (*strange)(void *);        /* -EPERM; NULL: there are no strangers */
    bool deadlocks;                /* who has it and takes it again is told so */
} kinds[] = {
    {"mutex", a_mutex, lock, lock, unlock, true},
    {"recursive mutex", a_recursive, lock, lock, unlock, false},
    {"semaphore", a_semaphore, acquire, NULL, NULL, false},
    {"undo semaphore", an_undo, acquire, acquire, release, false},
    {"event", an_event, await_event, NULL, NULL, false},
    {"latch", a_latch, await_latch, NULL, NULL, false},
    {"condition", a_condition, await_condition, NULL, await_as_stranger, false},
    {"rwlock, reading", a_rwlock, read_it, write_it, leave_it, true},
    {"rwlock, writing", a_rwlock, write_it, read_it, leave_it, true},
    {"barrier", a_barrier, come, NULL, NULL, false},
    {"counted barrier", a_counted, NULL, NULL, part, false},
    {"once", a_once, begin, begin, end, true},
};

enum { COUNT = sizeof kinds / sizeof kinds[0] };

struct place {
    const struct kind *kind;
    void *thing;
    struct board *board;
};


static int have_it(void *argument)
{
    struct place *place = argument;
    CHECK(place->kind->take(place->thing, NEAP_NOW) >= 0);
    place->board->words[0] = 1;
    WAIT_UNTIL(place->board->words[1]);
    return 0; /* it goes with the process */
}


static int wait_in_vain(void *argument)
{
    struct place *place = argument;
    CHECK_FAILS(place->kind->wait(place->thing, NEAP_FOREVER), -EIDRM,
                "'thing'");
    return 0;
}


static bool waits(neap_heap *heap, pid_t pid)
{
    uint64_t cursor = 0;
    neap_lock_use use;
    while (neap_heap_next_use(heap, &cursor, &use) == NEAP_MORE)
        if (use.role == NEAP_USE_WAITS && use.pid == pid)
            return true;
    return false;
}


static void check_kind(neap_heap *heap, const struct kind *kind)
{
    struct place place = {kind, kind->open(heap), share_board()};
    pid_t holder = 0;
    if (kind->strange)
        CHECK_FAILS(kind->strange(place.thing), -EPERM, "'thing'");
    CHECK_FAILS(neap_set_spin(place.thing, -2), -EINVAL, "'thing'");
    CHECK_FAILS(neap_set_spin(place.thing, NEAP_SPIN_MOST + 1), -EINVAL,
                "before it sleeps");
    CHECK_STATUS(neap_set_spin(place.thing, NEAP_SPIN_AUTO), 0);
    if (kind->deadlocks) {
        CHECK(kind->take(place.thing, NEAP_NOW) >= 0);
        CHECK_FAILS(kind->take(place.thing, NEAP_NOW), -EDEADLK, "'thing'");
        CHECK_STATUS(kind->strange(place.thing), 0);
    }
    if (kind->open == a_once) { /* that did it */
        close_it(place.thing, kind->open);
        return;
    }
    if (kind->take) {
        holder = test_fork(have_it, &place);
        WAIT_UNTIL(place.board->words[0]);
    }
    if (kind->wait) {
        pid_t waiter = test_fork(wait_in_vain, &place);
        WAIT_UNTIL(waits(heap, waiter));
        CHECK_STATUS(neap_heap_drop(heap, "thing"), 0);
        CHECK_INT(test_wait(waiter), 0);
        CHECK_FAILS(kind->wait(place.thing, NEAP_NOW), -EIDRM, "'thing'");
    }
    place.board->words[1] = 1;
    if (holder)
        CHECK_INT(test_wait(holder), 0);
    close_it(place.thing, kind->open);
}


static const char *const names[] = {
    "mutex", "recursive mutex", "semaphore", "undo semaphore", "event", "latch",
    "condition", "rwlock, reading", "rwlock, writing", "barrier",
    "counted barrier", "once", NULL};

TEST_EACH(a_stranger_is_named_and_a_drop_wakes_who_waits, names)
{
    neap_heap *heap = make_heap(NULL);
    beside = open_mutex(heap, "beside");
    for (int i = 0; i < COUNT; i++)
        if (strcmp(kinds[i].name, parameter) == 0)
            check_kind(heap, &kinds[i]);
    CHECK(neap_heap_reap(heap) >= 0);
    neap_mutex_close(beside);
    end_heap(heap);
}


static const char *const wishes[] = {"0", "200", NULL};

TEST_EACH(a_handle_s_spin_changes_nothing_but_time, wishes)
{
    neap_heap *heap = make_heap(NULL);
    beside = open_mutex(heap, "beside");
    for (int i = 0; i < COUNT - 1; i++) {
        struct place place = {&kinds[i], kinds[i].open(heap), share_board()};
        pid_t holder = 0;
        CHECK_STATUS(neap_set_spin(place.thing, atoi(parameter)), 0);
        if (kinds[i].take) {
            holder = test_fork(have_it, &place);
            WAIT_UNTIL(place.board->words[0]);
        }
        if (kinds[i].wait)
            CHECK_STATUS(kinds[i].wait(place.thing, after_ms(2)), -ETIMEDOUT);
        place.board->words[1] = 1;
        if (holder)
            CHECK_INT(test_wait(holder), 0);
        if (kinds[i].wait && kinds[i].take) {
            CHECK(neap_heap_reap(heap) >= 0);
            CHECK(kinds[i].wait(place.thing, after_ms(2000)) >= 0);
        }
        CHECK_STATUS(neap_heap_drop(heap, "thing"), 0);
        close_it(place.thing, kinds[i].open);
    }
    neap_mutex_close(beside);
    end_heap(heap);
}


TEST(a_dropped_once_wakes_who_waits)
{
    neap_heap *heap = make_heap(NULL);
    struct place place = {&kinds[COUNT - 1], a_once(heap),
                          share_board()};
    pid_t holder = test_fork(have_it, &place);
    WAIT_UNTIL(place.board->words[0]);
    pid_t waiter = test_fork(wait_in_vain, &place);
    WAIT_UNTIL(waits(heap, waiter));
    CHECK_STATUS(neap_heap_drop(heap, "thing"), 0);
    CHECK_INT(test_wait(waiter), 0);
    place.board->words[1] = 1;
    CHECK_INT(test_wait(holder), 0);
    CHECK(neap_heap_reap(heap) >= 0);
    neap_once_close(place.thing);
    end_heap(heap);
}
