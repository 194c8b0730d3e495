/*
 * Every operation of every object, with what it starts from and how to tell,
 * after its death and the reaping, that it has happened or has not.
 */
#include <stdio.h>
#include <string.h>

#include "crash.h"
#include "recovery/share.h"
#include "sync/barrier.h"

#define RUN(name, call)                                                        \
    static int name(void *unused)                                              \
    {                                                                          \
        (void)unused;                                                          \
        return call;                                                           \
    }

#define IGNORE(call) do { int status_ = (call); (void)status_; } while (0)


/* -- what the states are told by ------------------------------------------ */

static int always(void)
{
    return 1;
}


/* 0 for `before`, 1 for `after`. */
static int either(int64_t value, int64_t before, int64_t after)
{
    return value == after ? 1 : value == before ? 0 : -1;
}


static int64_t value_of(neap_counter *counter)
{
    int64_t value;
    return neap_counter_get(counter, &value) < 0 ? -1000000 : value;
}


static double real_value(void)
{
    double value;
    return neap_counter_get_double(world.real, &value) < 0 ? -1e6 : value;
}


static int64_t permits(neap_semaphore *semaphore)
{
    int64_t value;
    return neap_semaphore_get(semaphore, &value) < 0 ? -1000000 : value;
}


static int object_there(const char *name, neap_object_info *info)
{
    int status = neap_heap_find(world.heap, name, info);
    return status == 0 ? 1 : status == -ENOENT ? 0 : -1;
}


/* -- counters ------------------------------------------------------------- */

RUN(plain_add, neap_counter_add(world.plain, 7))
static int plain_added(void) { return either(value_of(world.plain), 10, 17); }

static int64_t told;
RUN(plain_add_get, neap_counter_add_get(world.plain, 7, &told))
RUN(plain_set, neap_counter_set(world.plain, 17))
RUN(plain_exchange, neap_counter_exchange(world.plain, 17, &told))
RUN(plain_max, neap_counter_max(world.plain, 17, &told))
RUN(plain_get, neap_counter_get(world.plain, &told))
static int plain_same(void) { return value_of(world.plain) == 10 ? 1 : -1; }
static int plain_min(void *unused)
{
    (void)unused;
    return neap_counter_min(world.plain, 3, &told);
}
static int plain_lowered(void) { return either(value_of(world.plain), 10, 3); }
static int plain_compare(void *unused)
{
    (void)unused;
    int64_t expected = 10;
    return neap_counter_compare_exchange(world.plain, &expected, 17);
}

static double real_told;
RUN(real_add, neap_counter_add_double(world.real, 0.5, &real_told))
static int real_added(void)
{
    return either((int64_t)(real_value() * 2), 3, 4);
}
RUN(real_set, neap_counter_set_double(world.real, 2.0))
RUN(real_max, neap_counter_max_double(world.real, 2.0, &real_told))

RUN(striped_add, neap_counter_add(world.striped, 7))
static int striped_added(void)
{
    return either(value_of(world.striped), 5, 12);
}
static void striped_begun(void)
{
    IGNORE(neap_counter_add(world.striped, 100));
}
static int striped_added_again(void)
{
    return either(value_of(world.striped), 105, 112);
}
RUN(striped_set, neap_counter_set(world.striped, 50))
static int striped_was_set(void)
{
    return either(value_of(world.striped), 105, 50);
}
RUN(striped_get, neap_counter_get(world.striped, &told))
static int striped_same(void)
{
    return value_of(world.striped) == 105 ? 1 : -1;
}

/* All places for shares taken: the common value is added to. */
static neap_counter *crowd[NEAP_SH_SHARES];
static void make_crowd(void)
{
    char name[32];
    for (int i = 0; i < NEAP_SH_SHARES; i++) {
        snprintf(name, sizeof name, "crowd%d", i);
        IGNORE(neap_counter_open_as(world.heap, name, NEAP_COUNTER_STRIPED,
                                    &crowd[i]));
    }
}
static void be_crowded(void)
{
    for (int i = 0; i < NEAP_SH_SHARES; i++)
        IGNORE(neap_counter_add(crowd[i], 1));
}
static int crowd_whole(void)
{
    for (int i = 0; i < NEAP_SH_SHARES; i++)
        if (value_of(crowd[i]) != 1)
            return -1;
    return striped_added();
}


/* -- slots ---------------------------------------------------------------- */

static int attach(void *unused)
{
    (void)unused;
    struct neap__seat *seat;
    return neap__seat(world.heap, &seat);
}

static void have_everything(void)
{
    IGNORE(neap_mutex_lock(world.mutex, NEAP_NOW));
    IGNORE(neap_semaphore_acquire(world.undo, NEAP_NOW));
    IGNORE(neap_counter_add(world.striped, 100));
}
static int detach(void *unused)
{
    (void)unused;
    neap__thread_end();
    return 0;
}
/* Whether it died or left: the next owner is told. */
static int everything_back(void)
{
    int status = neap_mutex_lock(world.mutex, NEAP_NOW);
    if (status != NEAP_ABANDONED || neap_mutex_unlock(world.mutex) < 0)
        return -1;
    return permits(world.undo) == 2 && value_of(world.striped) == 105 ? 1 : -1;
}

RUN(reap_the_dead, neap_heap_reap(world.heap))
static void leave_a_corpse(void)
{
    actor_become(SURVIVOR);
    have_everything();
    IGNORE(neap_semaphore_acquire(world.undo, NEAP_NOW));
    actor_bury(SURVIVOR);
    actor_become(OBSERVER);
}


/* -- the directory and the allocator -------------------------------------- */

static int make_counter(void *unused)
{
    (void)unused;
    neap_counter *counter;
    return neap_counter_open(world.heap, "made", &counter);
}
static int counter_made(void)
{
    neap_object_info info;
    int there = object_there("made", &info);
    return there == 1 && (info.kind != NEAP_OBJECT_COUNTER || info.value)
               ? -1 : there;
}
static int open_counter(void *unused)
{
    (void)unused;
    neap_counter *counter;
    return neap_counter_open(world.heap, "plain", &counter);
}

/* More names than the table holds: it is rebuilt, twice as large. */
static void many_names(void)
{
    char name[32];
    neap_counter *counter;
    for (int i = 0; i < 64; i++) {
        struct neap_sh_header *header = neap__header(world.heap);
        if ((header->table_used + 1) * 4 > header->table_words * 3)
            return;
        snprintf(name, sizeof name, "many%d", i);
        if (neap_counter_open(world.heap, name, &counter) >= 0)
            neap_counter_close(counter);
    }
}
/* As many dropped ones: it is rebuilt into its twin. */
static void many_dropped(void)
{
    char name[32];
    neap_counter *counter;
    struct neap_sh_header *header = neap__header(world.heap);
    for (int i = 0; i < 300; i++) {
        if ((header->table_used + 1) * 4 > header->table_words * 3 &&
            (header->objects + 1) * 2 <= header->table_words &&
            header->table_other)
            return;
        snprintf(name, sizeof name, "many%d", i);
        if (neap_counter_open(world.heap, name, &counter) >= 0)
            neap_counter_close(counter);
        IGNORE(neap_heap_drop(world.heap, name));
    }
}

#define ARRAY(name, bytes)                                                     \
    static int make_array_##name(void *unused)                                 \
    {                                                                          \
        (void)unused;                                                          \
        neap_array *array;                                                     \
        uint64_t shape = bytes;                                                \
        return neap_array_open(world.heap, "made", NEAP_TYPE_U8, 1, &shape,    \
                               &array);                                        \
    }
ARRAY(small, 100)
ARRAY(hole, 1024)  /* exactly what a dropped one has left */
ARRAY(large, 40000)

static int array_made(void)
{
    neap_object_info info;
    int there = object_there("made", &info);
    if (there != 1)
        return there;
    neap_array *array;
    if (neap_array_open(world.heap, "made", NEAP_TYPE_ANY, 0, NULL, &array) < 0)
        return -1;
    const unsigned char *bytes = neap_array_data(array);
    int zero = 1;
    for (uint64_t i = 0; i < info.bytes; i++)
        if (bytes[i])
            zero = -1;
    neap_array_close(array);
    return zero;
}

static void make_it(void)
{
    make_array_large(NULL);
    neap_array *array;
    if (neap_array_open(world.heap, "made", NEAP_TYPE_ANY, 0, NULL, &array) < 0)
        return;
    memset(neap_array_data(array), 0x5a, 40000);
    neap_array_close(array);
}
static void make_and_drop_it(void)
{
    make_it();
    IGNORE(neap_heap_drop(world.heap, "made"));
}
static void drop_middle(void)
{
    IGNORE(neap_heap_drop(world.heap, "middle"));
}
static void drop_high(void)
{
    IGNORE(neap_heap_drop(world.heap, "high"));
}
static void drop_both(void)
{
    drop_high();
    neap_array *array;
    uint64_t shape = 64;
    IGNORE(neap_array_open(world.heap, "made", NEAP_TYPE_U8, 1, &shape, &array));
    drop_middle();
}

RUN(drop_made, neap_heap_drop(world.heap, "made"))
RUN(drop_the_middle, neap_heap_drop(world.heap, "middle"))
RUN(drop_plain, neap_heap_drop(world.heap, "plain"))
RUN(drop_mutex, neap_heap_drop(world.heap, "mutex"))
RUN(drop_undo, neap_heap_drop(world.heap, "undo"))
static int gone(const char *name)
{
    neap_object_info info;
    int there = object_there(name, &info);
    return there < 0 ? -1 : !there;
}
static int made_gone(void) { return gone("made"); }
static int middle_gone(void) { return gone("middle"); }
static int plain_gone(void) { return gone("plain"); }
static int undo_gone(void) { return gone("undo"); }

RUN(fetch_add, neap_array_fetch_add(world.middle, 3,
                                    (neap_value){.kind = 'i', .as.i = 1},
                                    &(neap_value){0}))
static int fetch_added(void)
{
    return either(((unsigned char *)neap_array_data(world.middle))[3], 0xa5,
                  0xa6);
}


/* -- mutexes -------------------------------------------------------------- */

static struct neap_sh_entry *entry_of(const char *name)
{
    struct neap__found found;
    return neap__object_find(world.heap, name, &found) == 0 ? found.entry
                                                            : NULL;
}

RUN(make_mutex, neap_mutex_open(world.heap, "made", &(neap_mutex *){NULL}))
static int made_there(void)
{
    neap_object_info info;
    return object_there("made", &info);
}
RUN(lock_mutex, neap_mutex_lock(world.mutex, NEAP_NOW))
static void have_mutex(void)
{
    IGNORE(neap_mutex_lock(world.mutex, NEAP_NOW));
}
static neap_mutex *deep;
static void make_deep(void)
{
    IGNORE(neap_mutex_open_kind(world.heap, "made", NEAP_MUTEX_RECURSIVE,
                                &deep));
}
static void have_deep(void)
{
    IGNORE(neap_mutex_lock(deep, NEAP_NOW));
    IGNORE(neap_mutex_lock(deep, NEAP_NOW));
}
RUN(lock_deep, neap_mutex_lock(deep, NEAP_NOW))
static int unlock_deep(void *unused)
{
    (void)unused;
    int status = neap_mutex_unlock(deep);
    return status < 0 ? status : neap_mutex_unlock(deep);
}
/* However often it was locked: the next owner has it once. */
static int deep_free(void)
{
    if (neap_mutex_lock(deep, NEAP_NOW) < 0 || neap_mutex_unlock(deep) < 0)
        return -1;
    return neap_mutex_unlock(deep) == -EPERM ? 1 : -1;
}
/* It stays abandoned until that is done, and then is not. */
static void have_abandoned(void)
{
    IGNORE(neap_mutex_lock(world.mutex, NEAP_NOW));
    atomic_store(&entry_of("mutex")->abandoned, 4711);
}
static int repair(void *unused)
{
    (void)unused;
    int status = neap_mutex_repaired(world.mutex);
    return status < 0 ? status : neap_mutex_unlock(world.mutex);
}
static int repaired(void)
{
    int status = neap_mutex_lock(world.mutex, NEAP_NOW);
    if (status < 0 || neap_mutex_unlock(world.mutex) < 0)
        return -1;
    return status == 0;
}
/* Free or abandoned, never locked by nobody. */
static int mutex_free(void)
{
    int status = neap_mutex_lock(world.mutex, NEAP_NOW);
    return status < 0 || neap_mutex_unlock(world.mutex) < 0 ? -1 : 1;
}
RUN(unlock_mutex, neap_mutex_unlock(world.mutex))

/* What is measured is no part of what is proved: it must disturb nothing. */
static void measure(void)
{
    IGNORE(neap_heap_measure(world.heap, NULL, true));
}
RUN(measure_all, neap_heap_measure(world.heap, NULL, true))

/* Somebody sleeps on the lock: whoever frees it wakes it. */
static void sleeper_on_mutex(void)
{
    struct neap_sh_entry *entry = entry_of("mutex");
    have_mutex();
    atomic_fetch_or(&entry->lock.parked, 1);
    sim_sleep(&entry->lock.parked);
}
static int sleeper_woken(void)
{
    return sim_all_woken() ? mutex_free() : -1;
}

/* The victim is woken to take the mutex, and another one sleeps behind it. */
static void observer_unlocks(void)
{
    actor_become(OBSERVER);
    IGNORE(neap_mutex_unlock(world.mutex));
    actor_become(VICTIM);
}
static void wait_behind(void)
{
    sim_sleep(&entry_of("mutex")->lock.parked);
    sim.while_asleep = observer_unlocks;
}
RUN(lock_waiting, neap_mutex_lock(world.mutex, neap_now() + 1000000000))
static int lock_was_waited_for(void)
{
    struct neap_sh_entry *entry = entry_of("mutex");
    if (atomic_load(&entry->lock.word) == 0)
        return sim_all_woken() ? 1 : -1;
    return neap_mutex_mine(world.mutex) ? 0 : -1;
}
static int given_up(void *unused)
{
    (void)unused;
    int status = neap_mutex_lock(world.mutex, neap_now() + 1000000);
    return status == -ETIMEDOUT ? 0 : -1;
}
static int still_mine(void)
{
    return neap_mutex_mine(world.mutex) ? 1 : -1;
}
static void let_go(void)
{
    actor_become(OBSERVER);
    have_mutex();
}


/* -- semaphores ----------------------------------------------------------- */

RUN(make_semaphore, neap_semaphore_open(world.heap, "made", 3,
                                        NEAP_SEMAPHORE_UNDO,
                                        &(neap_semaphore *){NULL}))
RUN(acquire_classic, neap_semaphore_acquire(world.classic, NEAP_NOW))
static int classic_acquired(void) { return either(permits(world.classic), 1, 0); }
RUN(release_classic, neap_semaphore_release(world.classic))
static int classic_released(void) { return either(permits(world.classic), 1, 2); }

static void sleeper_on(const char *name)
{
    struct neap_sh_entry *entry = entry_of(name);
    atomic_store(&entry->sleepers, 1);
    sim_sleep(&entry->seq);
}
static void sleeper_on_classic(void)
{
    IGNORE(neap_semaphore_acquire(world.classic, NEAP_NOW));
    sleeper_on("classic");
}
/* A permit that is there while everybody sleeps is a lost wake-up. */
static int classic_told(void)
{
    int64_t value = permits(world.classic);
    if (value == 1 && !sim_all_woken())
        return -1;
    return either(value, 0, 1);
}

RUN(acquire_undo, neap_semaphore_acquire(world.undo, NEAP_NOW))
/* The dead one's permits are back, whatever happened. */
static int undo_whole(void) { return permits(world.undo) == 2 ? 1 : -1; }
static void have_undo(void)
{
    IGNORE(neap_semaphore_acquire(world.undo, NEAP_NOW));
}
static void have_both(void)
{
    have_undo();
    have_undo();
}
/* More than there are cells for: redo records under the entry's lock. */
static neap_semaphore *large;
static void make_large(void)
{
    IGNORE(neap_semaphore_open(world.heap, "made", 20, NEAP_SEMAPHORE_UNDO,
                               &large));
}
static void have_large(void)
{
    IGNORE(neap_semaphore_acquire(large, NEAP_NOW));
}
static void have_two_large(void)
{
    have_large();
    have_large();
}
RUN(acquire_large, neap_semaphore_acquire(large, NEAP_NOW))
RUN(release_large, neap_semaphore_release(large))
static int large_whole(void) { return permits(large) == 20 ? 1 : -1; }
static void sleeper_on_large(void)
{
    have_large();
    sleeper_on("made");
}
static int large_told(void)
{
    return sim_all_woken() ? large_whole() : -1;
}
/* As many semaphores as there are places for shares, with nothing held: the
 * next one gets the place of one of them. */
static neap_semaphore *idle[NEAP_SH_SHARES];
static void make_idle(void)
{
    char name[32];
    for (int i = 0; i < NEAP_SH_SHARES; i++) {
        snprintf(name, sizeof name, "idle%d", i);
        IGNORE(neap_semaphore_open(world.heap, name, 1, NEAP_SEMAPHORE_UNDO,
                                   &idle[i]));
    }
}
static void be_idle(void)
{
    for (int i = 0; i < NEAP_SH_SHARES; i++) {
        IGNORE(neap_semaphore_acquire(idle[i], NEAP_NOW));
        if (i)
            IGNORE(neap_semaphore_release(idle[i]));
    }
}
static int crowd_gave_way(void)
{
    for (int i = 0; i < NEAP_SH_SHARES; i++)
        if (value_of(crowd[i]) != 1)
            return -1;
    return undo_whole();
}
static int idle_whole(void)
{
    for (int i = 0; i < NEAP_SH_SHARES; i++)
        if (permits(idle[i]) != 1)
            return -1;
    return undo_whole();
}
RUN(acquire_two, neap_semaphore_acquire_many(world.undo, 2, NEAP_NOW))
RUN(release_two, neap_semaphore_release_many(world.undo, 2))
RUN(release_three, neap_semaphore_release_many(world.classic, 3))
/* All of them or none, and whoever sleeps is told. */
static int three_released(void)
{
    int64_t value = permits(world.classic);
    return value == 3 && !sim_all_woken() ? -1 : either(value, 0, 3);
}
RUN(release_undo, neap_semaphore_release(world.undo))
static void sleeper_on_undo(void)
{
    have_both();
    sleeper_on("undo");
}
static int undo_told(void)
{
    return sim_all_woken() ? undo_whole() : -1;
}

/* The victim is woken to take a permit, another one sleeps as well. */
static void observer_releases(void)
{
    actor_become(OBSERVER);
    IGNORE(neap_semaphore_release(world.classic));
    actor_become(VICTIM);
}
static void take_the_permit(void)
{
    IGNORE(neap_semaphore_acquire(world.classic, NEAP_NOW));
}
static void wait_for_classic(void)
{
    sleeper_on("classic");
    sim.while_asleep = observer_releases;
}
RUN(acquire_waiting, neap_semaphore_acquire(world.classic,
                                            neap_now() + 1000000000))
static int classic_waited_for(void)
{
    int64_t value = permits(world.classic);
    if (value == 1 && !sim.while_asleep && !sim_all_woken())
        return -1;
    return value == 0 || value == 1 ? value == 0 : -1;
}
static int acquire_given_up(void *unused)
{
    (void)unused;
    int status = neap_semaphore_acquire(world.classic, neap_now() + 1000000);
    return status == -ETIMEDOUT ? 0 : -1;
}
static int classic_empty(void) { return permits(world.classic) == 0 ? 1 : -1; }

/* The victim waits for either, others sleep on each. Both come: it takes the
 * one that is first, and whoever wants the other is woken. */
static void have_neither(void)
{
    actor_become(OBSERVER);
    have_mutex();
    take_the_permit();
}
static void both_come(void)
{
    observer_releases();
    observer_unlocks();
}
static void wait_for_either(void)
{
    sleeper_on("classic");
    sim_sleep(&entry_of("mutex")->lock.parked);
    sim.while_asleep = both_come;
}
static int wait_any_of(void *first, void *second, int64_t time)
{
    void *objects[] = {first, second};
    size_t index;
    int status = neap_wait_any(objects, 2, neap_now() + time, &index);
    return status == NEAP_ABANDONED ? 0 : status;
}
static int wait_mutex_first(void *unused)
{
    (void)unused;
    return wait_any_of(world.mutex, world.classic, 1000000000);
}
static int wait_permit_first(void *unused)
{
    (void)unused;
    return wait_any_of(world.classic, world.mutex, 1000000000);
}
static int either_given_up(void *unused)
{
    (void)unused;
    int status = wait_any_of(world.classic, world.mutex, 1000000);
    return status == -ETIMEDOUT ? 0 : -1;
}
static int either_waited_for(void)
{
    int64_t value = permits(world.classic);
    if (sim.while_asleep) /* it died before they came */
        return value == 0 ? 0 : -1;
    if (value == 1 && !sim.sleepers[0].woken)
        return -1;
    if (atomic_load(&entry_of("mutex")->lock.word) == 0)
        return sim.sleepers[1].woken ? 1 : -1;
    return neap_mutex_mine(world.mutex) ? 1 : -1;
}
static int neither_had(void)
{
    return permits(world.classic) == 0 && neap_mutex_mine(world.mutex) ? 1 : -1;
}

/* Dropped while somebody waits: it is woken to learn so. */
static void sleepers_everywhere(void)
{
    have_both();
    sleeper_on("undo");
}
static int dropped_and_told(void)
{
    int state = undo_gone();
    return state == 1 && !sim_all_woken() ? -1 : state;
}
static void sleeper_on_held_mutex(void)
{
    sleeper_on_mutex();
}
static int mutex_dropped_and_told(void)
{
    int state = gone("mutex");
    return state == 1 && !sim_all_woken() ? -1 : state;
}


/* -- events, latches, conditions, barriers, once, rwlocks ----------------- */

/* Made by whoever prepares; they go with the heap. */
static neap_event *event;
static neap_latch *latch;
static neap_condition *condition;
static neap_barrier *barrier;
static neap_once *once;
static neap_rwlock *rwlock;

static void make_event(void)
{
    IGNORE(neap_event_open(world.heap, "made", &event));
}
static void sleeper_on_event(void)
{
    make_event();
    sleeper_on("made");
}
RUN(set_event, neap_event_set(event))
/* Set while somebody sleeps is a lost wake-up. */
static int event_told(void)
{
    int set = neap_event_is_set(event);
    return set == 1 && !sim_all_woken() ? -1 : set;
}
static void set_it(void)
{
    make_event();
    IGNORE(neap_event_set(event));
}
RUN(clear_event, neap_event_clear(event))
static int event_cleared(void)
{
    int set = neap_event_is_set(event);
    return set < 0 ? -1 : !set;
}

static void make_latch(void)
{
    IGNORE(neap_latch_open(world.heap, "made", 1, &latch));
}
static void sleeper_on_latch(void)
{
    make_latch();
    sleeper_on("made");
}
RUN(count_down, neap_latch_count_down(latch, 1))
static int latch_told(void)
{
    int64_t left;
    if (neap_latch_get(latch, &left) < 0 || (left == 0 && !sim_all_woken()))
        return -1;
    return either(left, 1, 0);
}

static void make_condition(void)
{
    IGNORE(neap_condition_open(world.heap, "made", &condition));
}
/* The observer waits for it, or so it says. */
static void count_waiter(void)
{
    struct neap_sh_entry *entry = entry_of("made");
    struct neap__seat *seat = neap__seat_here(world.heap);
    struct neap_sh_share *share = neap__share_place(seat);
    atomic_store(&share->id, atomic_load(&entry->id));
    atomic_store(&share->value, 1);
    atomic_store(&share->entry, neap__offset(world.heap, entry));
    atomic_store(&entry->limit, neap__offset(world.heap, entry_of("mutex")));
    atomic_store(&entry->value, 1);
    sleeper_on("made");
}
static void sleeper_on_condition(void)
{
    make_condition();
    count_waiter();
}
RUN(notify, neap_condition_notify(condition, 1))
/* A grant that is there while its waiter sleeps is a lost wake-up. */
static int condition_told(void)
{
    uint64_t value = atomic_load(&entry_of("made")->value);
    if (value == (UINT64_C(1) << 32 | 1))
        return sim_all_woken() ? 1 : -1;
    return value == 1 ? 0 : -1;
}
/* Notified once, and the one who was woken dies: the other one must wake. */
static void observer_notifies(void)
{
    actor_become(OBSERVER);
    IGNORE(neap_condition_notify(condition, 1));
    actor_become(VICTIM);
}
static void wait_with_another(void)
{
    have_mutex();
    sim.while_asleep = observer_notifies;
}
/* Whoever came out of the wait has had its wake, and owes it to nobody; so it
 * does when it has its mutex again, which it then leaves abandoned. */
static bool came_out;
static int wait_condition(void *unused)
{
    (void)unused;
    came_out = false;
    int status = neap_condition_wait(condition, world.mutex,
                                     neap_now() + 1000000000);
    came_out = true;
    return status;
}
static int wake_passed_on(void)
{
    int32_t pid = 0;
    if (neap_mutex_abandoned(world.mutex, &pid) < 0 || mutex_free() < 0)
        return -1;
    uint64_t value = atomic_load(&entry_of("made")->value);
    if (sim.while_asleep) /* it was not notified yet */
        return value == 1 ? 0 : -1;
    if (value == 1)
        return came_out || pid ? 1 : -1;
    return value == (UINT64_C(1) << 32 | 1) && sim_all_woken() ? 1 : -1;
}
/* The same for another thread, which for the sake of it is this one. */
static void give_mutex(void *unused)
{
    (void)unused;
    IGNORE(neap_mutex_unlock(world.mutex));
}
static void take_mutex(void *unused)
{
    (void)unused;
    IGNORE(neap_mutex_lock(world.mutex, NEAP_FOREVER));
}
static int rounds_left;
static bool for_some_rounds(void *unused)
{
    (void)unused;
    return --rounds_left > 0;
}
static int stand_in(void *unused)
{
    static const neap_condition_stand_in functions = {
        give_mutex, for_some_rounds, take_mutex, NULL};
    (void)unused;
    came_out = false;
    rounds_left = 100;
    int status = neap_condition_wait_for(condition, world.mutex, &functions);
    came_out = true;
    return status;
}
static int stand_in_in_vain(void *unused)
{
    static const neap_condition_stand_in functions = {
        give_mutex, for_some_rounds, take_mutex, NULL};
    (void)unused;
    rounds_left = 2;
    int status = neap_condition_wait_for(condition, world.mutex, &functions);
    return status == -ECANCELED ? 0 : -1;
}
/* Nobody notifies: it is counted no more. */
static int wait_in_vain(void *unused)
{
    (void)unused;
    int status = neap_condition_wait(condition, world.mutex,
                                     neap_now() + 1000000);
    return status == -ETIMEDOUT ? 0 : -1;
}
static int nobody_counted(void)
{
    return atomic_load(&entry_of("made")->value) == 0 ? mutex_free() : -1;
}

static void make_barrier(void)
{
    IGNORE(neap_barrier_open(world.heap, "made", 2, &barrier));
}
static int barrier_state(int64_t *waiting, bool *broken)
{
    return neap_barrier_status(barrier, NULL, waiting, broken);
}
static int come_and_give_up(void *unused)
{
    (void)unused;
    int64_t place;
    int status = neap_barrier_wait(barrier, neap_now() + 1000000, &place);
    return status == -ETIMEDOUT ? 0 : -1;
}
/* Counted and dead, or gave up: broken. Nobody is counted for ever. */
static int barrier_empty(void)
{
    int64_t waiting;
    bool broken;
    if (barrier_state(&waiting, &broken) < 0 || waiting)
        return -1;
    if (neap_barrier_reset(barrier) < 0 ||
        barrier_state(&waiting, &broken) < 0 || broken)
        return -1;
    return 1;
}
/* The other party has come, and sleeps: the victim opens the next phase. */
static void let_other_wait(void)
{
    struct neap_sh_entry *entry = entry_of("made");
    struct neap__seat *seat = neap__seat_here(world.heap);
    struct neap_sh_share *share = neap__share_place(seat);
    atomic_store(&share->id, atomic_load(&entry->id));
    atomic_store(&share->value, 1);
    atomic_store(&share->entry, neap__offset(world.heap, entry));
    atomic_store(&entry->value, 1);
    sleeper_on("made");
}
static void other_party_waits(void)
{
    make_barrier();
    let_other_wait();
}
static int64_t place_told;
static int act(void *unused)
{
    (void)unused;
    return 0;
}
/* The same, of one that shrinks, and the victim has an action. */
static void other_waits_for_actor(void)
{
    IGNORE(neap_barrier_open_kind(world.heap, "made", 2, NEAP_BARRIER_SHRINKS,
                                  &barrier));
    let_other_wait();
    neap_barrier_set_action(barrier, act, NULL);
}
/* The one who waits has an action, which the last to come leaves to it. */
static void other_actor_waits(void)
{
    make_barrier();
    let_other_wait();
    struct neap_sh_entry *entry = entry_of("made");
    struct neap_sh_share *share = neap__share_find(
        neap__seat_here(world.heap), neap__offset(world.heap, entry),
        atomic_load(&entry->id));
    atomic_store(&share->value, 1 | NEAP__IS_ACTOR);
    atomic_store(&entry->returns, NEAP__ONE_ACTOR);
}
/* Instead of acting it breaks it: who comes last waits as long as that takes,
 * whatever its deadline. */
static void observer_aborts(void)
{
    actor_become(OBSERVER);
    IGNORE(neap_barrier_abort(barrier));
    actor_become(VICTIM);
}
static void abort_meanwhile(void)
{
    sim.while_asleep = observer_aborts;
}
static int come_to_actor(void *unused)
{
    (void)unused;
    int status = neap_barrier_wait(barrier, neap_now() + 1000000, NULL);
    return status == NEAP_EBROKEN ? 0 : -1;
}
/* It never came, or is gone and broke it; the actor is still counted. */
static int actor_told(void)
{
    struct neap_sh_entry *entry = entry_of("made");
    uint64_t returns = atomic_load(&entry->returns);
    if (atomic_load(&entry->value) != 1)
        return -1;
    if (returns == NEAP__ONE_ACTOR)
        return 0;
    return returns == (NEAP__ONE_ACTOR | NEAP__BROKEN) && sim_all_woken() ? 1
                                                                         : -1;
}
RUN(come_last, neap_barrier_wait(barrier, NEAP_NOW, &place_told))
static int phase_opened(void)
{
    struct neap_sh_entry *entry = entry_of("made");
    uint64_t value = atomic_load(&entry->value);
    if (value == UINT64_C(1) << 32)
        return sim_all_woken() ? 1 : -1;
    return value == 1 ? 0 : -1;
}
static void shrinking(int64_t parties, neap_barrier_kind kind)
{
    IGNORE(neap_barrier_open_kind(world.heap, "made", parties, kind, &barrier));
}
static void make_shrinking(void)
{
    shrinking(3, NEAP_BARRIER_SHRINKS);
}
static void make_counted(void)
{
    shrinking(0, NEAP_BARRIER_COUNTED | NEAP_BARRIER_SHRINKS);
}
static int come_and_wait(void *unused)
{
    (void)unused;
    int64_t place;
    int status = neap_barrier_wait(barrier, neap_now() + 1000000, &place);
    return status == -ETIMEDOUT ? 0 : -1;
}
/* One party less if it died counted; never counted for ever; broken only by
 * giving up. */
static int barrier_smaller(void)
{
    int64_t parties, waiting;
    bool broken;
    if (neap_barrier_status(barrier, &parties, &waiting, &broken) < 0 ||
        waiting || parties < 2 || parties > 3 || (broken && parties < 3))
        return -1;
    return neap_barrier_reset(barrier) < 0 ? -1 : 1;
}
static void join_it(void)
{
    IGNORE(neap_barrier_join(barrier));
}
/* A member waits, for one who has not come. */
static void other_member_waits(void)
{
    make_counted();
    join_it();
    struct neap_sh_entry *entry = entry_of("made");
    struct neap__seat *seat = neap__seat_here(world.heap);
    struct neap_sh_share *share = neap__share_find(
        seat, neap__offset(world.heap, entry), atomic_load(&entry->id));
    atomic_store(&share->value, NEAP_SH_MEMBER | 1);
    atomic_store(&entry->value, 1);
    sleeper_on("made");
}
RUN(join_barrier, neap_barrier_join(barrier))
RUN(leave_barrier, neap_barrier_leave(barrier))
/* The victim is no member, whatever happened. */
static int members_left(void)
{
    int64_t parties, waiting;
    bool broken;
    if (neap_barrier_status(barrier, &parties, &waiting, &broken) < 0)
        return -1;
    return parties == 0 && waiting == 0 && !broken ? 1 : -1;
}
/* The other one waits for nobody any more. */
static int other_member_told(void)
{
    int64_t parties, waiting;
    bool broken;
    if (neap_barrier_status(barrier, &parties, &waiting, &broken) < 0)
        return -1;
    return parties == 1 && waiting == 0 && !broken && sim_all_woken() ? 1 : -1;
}
RUN(member_comes, neap_barrier_wait(barrier, NEAP_NOW, &place_told))
RUN(abort_barrier, neap_barrier_abort(barrier))
static int barrier_aborted(void)
{
    int64_t waiting;
    bool broken;
    if (barrier_state(&waiting, &broken) < 0 || waiting != 1)
        return -1;
    return broken && !sim_all_woken() ? -1 : broken;
}

static void make_once(void)
{
    IGNORE(neap_once_open(world.heap, "made", &once));
}
static int do_once(void *unused)
{
    (void)unused;
    int status = neap_once_begin(once, NEAP_NOW);
    if (status != NEAP_MORE)
        return status < 0 ? status : -1;
    status = neap_counter_add(world.plain, 7);
    return status < 0 ? status : neap_once_end(once, true);
}
/* Done, or somebody else can do it. */
static int done_or_not(void)
{
    int done = neap_once_is_done(once);
    if (done != 0)
        return done;
    if (neap_once_begin(once, NEAP_NOW) != NEAP_MORE)
        return -1;
    return neap_once_end(once, false) < 0 ? -1 : 0;
}

static void make_rwlock(void)
{
    IGNORE(neap_rwlock_open(world.heap, "made", &rwlock));
}
static void make_measured_rwlock(void)
{
    make_rwlock();
    measure();
}
static void read_it(void)
{
    IGNORE(neap_rwlock_read(rwlock, NEAP_NOW));
}
static void write_it(void)
{
    IGNORE(neap_rwlock_write(rwlock, NEAP_NOW));
}
RUN(read_lock, neap_rwlock_read(rwlock, NEAP_NOW))
RUN(write_lock, neap_rwlock_write(rwlock, NEAP_NOW))
RUN(rw_unlock, neap_rwlock_unlock(rwlock))
/* Whoever had it is dead: both ways are open. */
static int rwlock_free(void)
{
    if (neap_rwlock_write(rwlock, NEAP_NOW) < 0 ||
        neap_rwlock_unlock(rwlock) < 0 ||
        neap_rwlock_read(rwlock, NEAP_NOW) < 0)
        return -1;
    return neap_rwlock_unlock(rwlock) < 0 ? -1 : 1;
}
/* A writer has the word and sleeps until the victim has read. */
static void writer_waits(void)
{
    make_rwlock();
    actor_become(VICTIM);
    read_it();
    actor_become(OBSERVER);
    struct neap_sh_entry *entry = entry_of("made");
    struct neap__seat *seat = neap__seat_here(world.heap);
    IGNORE(neap__lock(seat, &entry->lock, 0, NEAP_NOW));
    sleeper_on("made");
}
static int writer_told(void)
{
    return sim_all_woken() ? 1 : -1;
}
/* The writer's turn came, and readers sleep on the word. */
static void readers_wait(void)
{
    write_it();
    struct neap_sh_entry *entry = entry_of("made");
    atomic_fetch_or(&entry->lock.parked, 1);
    sim_sleep(&entry->lock.parked);
    sim_sleep(&entry->lock.parked);
}
static int readers_told(void)
{
    return sim_all_woken() ? rwlock_free() : -1;
}
/* Readers enter without a fence; the writer ends that. */
static void make_biased(void)
{
    make_rwlock();
    read_it();
    IGNORE(neap_rwlock_unlock(rwlock));
}
static void reader_is_in(void)
{
    make_rwlock();
    read_it();
}
static int write_given_up(void *unused)
{
    (void)unused;
    int status = neap_rwlock_write(rwlock, neap_now() + 1000000);
    return status == -ETIMEDOUT ? 0 : -1;
}
static int still_read(void)
{
    return neap_rwlock_mine(rwlock) == 1 && !atomic_load(&entry_of("made")->lock.word)
               ? 1 : -1;
}


/* -- the table ------------------------------------------------------------ */

const struct operation operations[] = {
    {"counter add", .run = plain_add, .state = plain_added, .quick = true},
    {"counter add and get", .run = plain_add_get, .state = plain_added},
    {"counter set", .run = plain_set, .state = plain_added},
    {"counter exchange", .run = plain_exchange, .state = plain_added},
    {"counter compare and exchange", .run = plain_compare,
     .state = plain_added},
    {"counter max", .run = plain_max, .state = plain_added},
    {"counter min", .run = plain_min, .state = plain_lowered},
    {"counter get", .run = plain_get, .state = plain_same},
    {"double add", .run = real_add, .state = real_added},
    {"double set", .run = real_set, .state = real_added},
    {"double max", .run = real_max, .state = real_added},
    {"striped first add", .run = striped_add, .state = striped_added},
    {"striped add", .victim = striped_begun, .run = striped_add,
     .state = striped_added_again},
    {"striped add without a place", .prepare = make_crowd,
     .victim = be_crowded, .run = striped_add, .state = crowd_whole},
    {"striped set", .victim = striped_begun, .run = striped_set,
     .state = striped_was_set},
    {"striped get", .victim = striped_begun, .run = striped_get,
     .state = striped_same},
    {"attach", .run = attach, .state = always, .fresh_victim = true},
    {"detach, holding everything", .victim = have_everything, .run = detach,
     .state = everything_back},
    {"reap", .prepare = leave_a_corpse, .run = reap_the_dead,
     .state = everything_back, .asleep = true},
    {"attach to a dead slot", .prepare = leave_a_corpse, .run = attach,
     .state = everything_back, .fresh_victim = true, .asleep = true},
    {"open a counter", .run = open_counter, .state = plain_same},
    {"make a counter", .run = make_counter, .state = counter_made},
    {"make a counter, table grows", .prepare = many_names,
     .run = make_counter, .state = counter_made},
    {"make a counter, table renewed", .prepare = many_dropped,
     .run = make_counter, .state = counter_made},
    {"make a mutex", .run = make_mutex, .state = made_there},
    {"make a semaphore", .run = make_semaphore, .state = made_there},
    {"make an array", .run = make_array_small, .state = array_made},
    {"make an array in a hole", .prepare = drop_middle,
     .run = make_array_hole, .state = array_made},
    {"make an array, heap grows", .run = make_array_large,
     .state = array_made},
    {"make an array on bare memory", .prepare = make_and_drop_it,
     .run = make_array_large, .state = array_made},
    {"drop an array", .run = drop_the_middle, .state = middle_gone},
    {"drop an array below a hole", .prepare = drop_high,
     .run = drop_the_middle, .state = middle_gone},
    {"drop an array between holes", .prepare = drop_both, .run = drop_made,
     .state = made_gone},
    {"drop a large array", .prepare = make_it, .run = drop_made,
     .state = made_gone},
    {"drop a counter", .run = drop_plain, .state = plain_gone},
    {"drop a mutex that one waits for", .prepare = sleeper_on_held_mutex,
     .run = drop_mutex, .state = mutex_dropped_and_told, .asleep = true},
    {"drop a semaphore that one waits for", .prepare = sleepers_everywhere,
     .run = drop_undo, .state = dropped_and_told, .asleep = true},
    {"array fetch and add", .run = fetch_add, .state = fetch_added},
    {"mutex lock", .run = lock_mutex, .state = mutex_free},
    {"begin to measure", .run = measure_all, .state = mutex_free},
    {"mutex lock, measured", .prepare = measure, .run = lock_mutex,
     .state = mutex_free},
    {"mutex unlock, measured", .prepare = measure, .victim = have_mutex,
     .run = unlock_mutex, .state = mutex_free},
    {"mutex lock after a death", .prepare = leave_a_corpse,
     .run = lock_mutex, .state = mutex_free, .asleep = true},
    {"mutex unlock", .victim = have_mutex, .run = unlock_mutex,
     .state = mutex_free},
    {"mutex unlock, one sleeps", .victim = sleeper_on_mutex,
     .run = unlock_mutex, .state = sleeper_woken, .asleep = true},
    {"mutex lock, woken", .prepare = let_go, .victim = wait_behind,
     .run = lock_waiting, .state = lock_was_waited_for, .asleep = true},
    {"mutex lock, given up", .prepare = let_go, .run = given_up,
     .state = still_mine, .asleep = true},
    {"recursive mutex lock", .prepare = make_deep, .run = lock_deep,
     .state = deep_free},
    {"recursive mutex lock, the third", .prepare = make_deep,
     .victim = have_deep, .run = lock_deep, .state = deep_free},
    {"recursive mutex unlock", .prepare = make_deep, .victim = have_deep,
     .run = unlock_deep, .state = deep_free},
    {"mutex repaired", .victim = have_abandoned, .run = repair,
     .state = repaired},
    {"semaphore acquire", .run = acquire_classic, .state = classic_acquired},
    {"semaphore release", .run = release_classic, .state = classic_released},
    {"semaphore release, one sleeps", .prepare = sleeper_on_classic,
     .run = release_classic, .state = classic_told, .asleep = true},
    {"semaphore acquire, woken", .prepare = take_the_permit,
     .victim = wait_for_classic, .run = acquire_waiting,
     .state = classic_waited_for, .asleep = true},
    {"wait any, two come, a mutex first", .prepare = have_neither,
     .victim = wait_for_either, .run = wait_mutex_first,
     .state = either_waited_for, .asleep = true},
    {"wait any, two come, a permit first", .prepare = have_neither,
     .victim = wait_for_either, .run = wait_permit_first,
     .state = either_waited_for, .asleep = true},
    {"wait any, one comes", .prepare = have_neither,
     .victim = wait_for_classic, .run = wait_mutex_first,
     .state = classic_waited_for, .asleep = true},
    {"wait any, given up", .prepare = have_neither,
     .run = either_given_up, .state = neither_had, .asleep = true},
    {"semaphore acquire, given up", .prepare = take_the_permit,
     .run = acquire_given_up, .state = classic_empty, .asleep = true},
    {"undo acquire", .run = acquire_undo, .state = undo_whole},
    {"undo acquire, measured", .prepare = measure, .run = acquire_undo,
     .state = undo_whole},
    {"undo acquire, one held", .victim = have_undo, .run = acquire_undo,
     .state = undo_whole},
    {"semaphore release of three, one sleeps",
     .prepare = sleeper_on_classic, .run = release_three,
     .state = three_released, .asleep = true},
    {"undo acquire of two", .run = acquire_two, .state = undo_whole},
    {"undo release of two", .victim = have_both, .run = release_two,
     .state = undo_whole},
    {"undo acquire, no place left", .prepare = make_idle, .victim = be_idle,
     .run = acquire_undo, .state = idle_whole},
    {"undo acquire, counters give way", .prepare = make_crowd,
     .victim = be_crowded, .run = acquire_undo, .state = crowd_gave_way},
    {"large undo acquire", .prepare = make_large, .run = acquire_large,
     .state = large_whole},
    {"large undo acquire, one held", .prepare = make_large,
     .victim = have_large, .run = acquire_large, .state = large_whole},
    {"large undo release", .prepare = make_large, .victim = have_two_large,
     .run = release_large, .state = large_whole},
    {"large undo release, one sleeps", .prepare = make_large,
     .victim = sleeper_on_large, .run = release_large, .state = large_told,
     .asleep = true},
    {"undo release", .victim = have_both, .run = release_undo,
     .state = undo_whole},
    {"undo release, the last held", .victim = have_undo,
     .run = release_undo, .state = undo_whole},
    {"undo release, one sleeps", .victim = sleeper_on_undo,
     .run = release_undo, .state = undo_told, .asleep = true},
    {"event set, one sleeps", .prepare = sleeper_on_event, .run = set_event,
     .state = event_told, .asleep = true},
    {"event clear", .prepare = set_it, .run = clear_event,
     .state = event_cleared},
    {"latch count down, one sleeps", .prepare = sleeper_on_latch,
     .run = count_down, .state = latch_told, .asleep = true},
    {"condition notify, one sleeps", .prepare = sleeper_on_condition,
     .run = notify, .state = condition_told, .asleep = true},
    {"condition wait, given up", .prepare = make_condition,
     .victim = have_mutex, .run = wait_in_vain, .state = nobody_counted,
     .asleep = true},
    {"condition wait, woken", .prepare = sleeper_on_condition,
     .victim = wait_with_another, .run = wait_condition,
     .state = wake_passed_on, .asleep = true},
    {"condition wait for another, given up", .prepare = make_condition,
     .victim = have_mutex, .run = stand_in_in_vain, .state = nobody_counted,
     .asleep = true},
    {"condition wait for another, woken", .prepare = sleeper_on_condition,
     .victim = wait_with_another, .run = stand_in, .state = wake_passed_on,
     .asleep = true},
    {"barrier wait, given up", .prepare = make_barrier,
     .run = come_and_give_up, .state = barrier_empty, .asleep = true},
    {"barrier wait, the last to come", .prepare = other_party_waits,
     .run = come_last, .state = phase_opened, .asleep = true},
    {"barrier wait, the last to come acts", .prepare = other_waits_for_actor,
     .run = come_last, .state = phase_opened, .asleep = true},
    {"barrier wait, the last to come, another one acts",
     .prepare = other_actor_waits, .victim = abort_meanwhile,
     .run = come_to_actor, .state = actor_told,
     .asleep = true},
    {"barrier wait, given up, shrinks", .prepare = make_shrinking,
     .run = come_and_wait, .state = barrier_smaller, .asleep = true},
    {"barrier join", .prepare = make_counted, .run = join_barrier,
     .state = members_left},
    {"barrier leave, one waits", .prepare = other_member_waits,
     .victim = join_it, .run = leave_barrier, .state = other_member_told,
     .asleep = true},
    {"barrier wait, the last member", .prepare = other_member_waits,
     .victim = join_it, .run = member_comes, .state = other_member_told,
     .asleep = true},
    {"barrier abort, one waits", .prepare = other_party_waits,
     .run = abort_barrier, .state = barrier_aborted, .asleep = true},
    {"once", .prepare = make_once, .run = do_once, .state = done_or_not},
    {"rwlock read", .prepare = make_rwlock, .run = read_lock,
     .state = rwlock_free},
    {"rwlock read unlock", .prepare = make_rwlock, .victim = read_it,
     .run = rw_unlock, .state = rwlock_free},
    {"rwlock read unlock, a writer sleeps", .prepare = writer_waits,
     .run = rw_unlock, .state = writer_told, .asleep = true},
    {"rwlock write", .prepare = make_rwlock, .run = write_lock,
     .state = rwlock_free},
    {"rwlock read, measured", .prepare = make_measured_rwlock,
     .run = read_lock, .state = rwlock_free},
    {"rwlock write, measured", .prepare = make_measured_rwlock,
     .run = write_lock, .state = rwlock_free},
    {"rwlock read, biased", .prepare = make_biased, .run = read_lock,
     .state = rwlock_free},
    {"rwlock write, biased", .prepare = make_biased, .run = write_lock,
     .state = rwlock_free},
    {"rwlock write, given up", .prepare = reader_is_in,
     .run = write_given_up, .state = still_read, .asleep = true},
    {"rwlock write unlock, readers sleep", .prepare = make_rwlock,
     .victim = readers_wait, .run = rw_unlock, .state = readers_told,
     .asleep = true},
};

const size_t operations_count = NEAP__COUNT(operations);
