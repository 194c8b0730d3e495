/*
 * Watches. One thread of the process sleeps on the words of all objects that
 * are watched, as one who waits for any of them does (sync/any.c), and rings a
 * bell for each that can be had.
 *
 * W1 All that stands here is under `mutex`, which the thread holds whenever it
 *    is not asleep. It is taken before locks of the lower layers, at forks too.
 * W2 A watch that has rung is no longer looked at until it is rearmed. The wake
 *    that it may have had is passed on: whoever watches does not always take.
 * W3 Whoever changes something raises `changes`, on which the thread sleeps
 *    too. A heap that a closed watch kept is left before the close returns.
 * W4 Without a seat (a heap that is read only, or has no slot left) no sleep
 *    can be announced: then the thread looks every few milliseconds.
 */
#include "neap/watch.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "neap/semaphore.h"
#include "recovery/lock.h"
#include "recovery/reap.h"
#include "recovery/wait.h"
#include "sync/semaphore.h"

#define LOOK_TIME INT64_C(10000000)

struct neap_watch {
    union { /* a copy of the handle */
        struct neap__object object;
        neap_semaphore semaphore;
    } what;
    uint32_t kind;
    int fd;
    bool armed;
    struct neap_watch *next;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t noticed = PTHREAD_COND_INITIALIZER;
static struct neap_watch *watches;
static size_t count;
static _Atomic uint32_t changes;
static uint32_t seen; /* of changes, by the thread */
static bool running, removed, ending;
static uint32_t generation; /* of the process whose thread that is */

/* The thread's. */
static struct neap__futex futexes[1 + 2 * NEAP_WATCHES_MAX];
static int asleep_on;
static bool unsure; /* W4 */


/* -- what the thread does -------------------------------------------------- */

/* The word of a mutex is free once its owner is reaped. */
static bool is_free(struct neap__object *object)
{
    struct neap_heap *heap = object->heap;
    uint32_t word = atomic_load(&object->entry->lock.word);
    uint32_t index = word & NEAP_SH_TAG_SLOT;
    if (!word || heap->read_only ||
        index >= atomic_load(&neap__header(heap)->slots_ready))
        return !word;
    (void)neap__reap_slot(heap, index);
    return atomic_load(&object->entry->lock.word) == 0;
}


static bool can_be_had(struct neap_watch *watch)
{
    struct neap__object *object = &watch->what.object;
    int64_t permits = 0;
    if (neap__object_gone(object))
        return true;
    switch (watch->kind) {
    case NEAP_OBJECT_EVENT:
        return atomic_load(&object->entry->value) == 1;
    case NEAP_OBJECT_LATCH:
        return atomic_load(&object->entry->value) == 0;
    case NEAP_OBJECT_SEMAPHORE:
        return neap_semaphore_get(&watch->what.semaphore, &permits) < 0 ||
               permits > 0;
    default:
        return is_free(object);
    }
}


static bool ring_if_ready(struct neap_watch *watch)
{
    bool ready = can_be_had(watch);
    if (ready)
        neap__bell_ring(watch->fd);
    watch->armed = !ready;
    return ready;
}


static void announce(struct neap_watch *watch)
{
    struct neap__object *object = &watch->what.object;
    struct neap__futex *at = futexes + asleep_on;
    struct neap__seat *seat;
    if (neap__seat(object->heap, &seat) < 0) {
        unsure = true;
        return;
    }
    neap__wait_on(seat, NEAP_SH_MANY);
    if (watch->kind == NEAP_OBJECT_MUTEX) {
        asleep_on += neap__lock_announce(object->heap, &object->entry->lock,
                                         at);
        return;
    }
    *at = (struct neap__futex){&object->entry->seq,
                               neap__wait_announce(object->entry)};
    asleep_on++;
}


/* Keeps W2. */
static void pass_on(struct neap_watch *watch)
{
    struct neap__object *object = &watch->what.object;
    struct neap__seat *seat;
    if (neap__seat(object->heap, &seat) < 0)
        return;
    if (watch->kind == NEAP_OBJECT_MUTEX)
        neap__lock_wake(&object->entry->lock, 1);
    else
        neap__woken(seat, object->entry, 1);
}


/* Keeps W3: its seats are given up, and taken anew for what is still there. */
static void notice_changes(void)
{
    if (removed)
        neap__thread_end();
    removed = false;
    seen = atomic_load(&changes);
    pthread_cond_broadcast(&noticed);
}


static void announce_all(void)
{
    unsure = false;
    asleep_on = 1;
    futexes[0] = (struct neap__futex){&changes, seen};
    for (struct neap_watch *watch = watches; watch; watch = watch->next)
        if (watch->armed)
            announce(watch);
    neap__fence_heavy();
    for (struct neap_watch *watch = watches; watch; watch = watch->next)
        if (watch->armed && ring_if_ready(watch))
            pass_on(watch);
}


/* Not neap__wait_expired: the binding is not asked in this thread. */
static void look_for_the_dead(int64_t *cap)
{
    *cap = *cap * 2 > NEAP__WAIT_CAP_LAST ? NEAP__WAIT_CAP_LAST : *cap * 2;
    for (struct neap_watch *watch = watches; watch; watch = watch->next)
        if (!watch->what.object.heap->read_only)
            (void)neap__reap(watch->what.object.heap);
}


static void *look_after_all(void *unused)
{
    (void)unused;
    int64_t cap = NEAP__WAIT_CAP_FIRST;
    pthread_mutex_lock(&mutex);
    while (watches && !ending) {
        notice_changes();
        announce_all();
        int64_t sleep = unsure ? LOOK_TIME : cap;
        pthread_mutex_unlock(&mutex);
        int status = neap__futex_wait_any(
            futexes, asleep_on,
            neap__wait_until(neap_now(), NEAP_FOREVER, sleep));
        pthread_mutex_lock(&mutex);
        if (status == -ETIMEDOUT && sleep == cap)
            look_for_the_dead(&cap);
    }
    neap__thread_end();
    running = false;
    notice_changes();
    pthread_mutex_unlock(&mutex);
    return NULL;
}


/* -- what others do, with the mutex ---------------------------------------- */

static int start_thread(void)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&thread, NULL, look_after_all, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status)
        return -status;
    pthread_detach(thread);
    running = true;
    return 0;
}


/* See that it runs, and looks. */
static int rouse(void)
{
    atomic_fetch_add(&changes, 1);
    if (!running)
        return start_thread();
    neap__futex_wake(&changes, 1);
    return 0;
}


static void wait_until_noticed(void)
{
    uint32_t wanted = atomic_load(&changes);
    while (running && (int32_t)(seen - wanted) < 0)
        pthread_cond_wait(&noticed, &mutex);
}


/* In a child there is no thread, and whoever waited is not there either; bells
 * are still the parent's. */
static void notice_fork(void)
{
    uint32_t now = neap__fork_generation();
    if (generation == now)
        return;
    generation = now;
    running = removed = ending = false;
    pthread_cond_init(&noticed, NULL);
    for (struct neap_watch *watch = watches; watch; watch = watch->next) {
        (void)neap__bell_renew(watch->fd);
        watch->armed = true;
    }
    if (watches)
        (void)rouse();
}


static void take_mutex(void)
{
    pthread_mutex_lock(&mutex);
}


static void give_mutex(void)
{
    pthread_mutex_unlock(&mutex);
}


/* Later than those of the lower layers: at a fork it comes before them (W1). */
static void prepare_forks(void)
{
    pthread_atfork(take_mutex, give_mutex, give_mutex);
    generation = neap__fork_generation();
}


static void enter(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare_forks);
    pthread_mutex_lock(&mutex);
    notice_fork();
}


/* A slot that nobody gave up would be a death. */
__attribute__((destructor)) static void end_process(void)
{
    pthread_mutex_lock(&mutex);
    if (running && generation == neap__fork_generation()) {
        ending = true;
        (void)rouse();
        wait_until_noticed();
    }
    pthread_mutex_unlock(&mutex);
}


/* -- watches --------------------------------------------------------------- */

static int fill(struct neap_watch *watch, void *handle)
{
    struct neap__object *object = handle;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    watch->kind = neap_sh_what_kind(atomic_load(&object->entry->what));
    switch (watch->kind) {
    case NEAP_OBJECT_SEMAPHORE:
        memcpy(&watch->what.semaphore, handle, sizeof watch->what.semaphore);
        return 0;
    case NEAP_OBJECT_EVENT:
    case NEAP_OBJECT_LATCH:
    case NEAP_OBJECT_MUTEX:
        watch->what.object = *object;
        return 0;
    default:
        return neap__fail(-EINVAL, "heap %s: '%s' cannot be watched; events, "
                          "latches, semaphores and mutexes can",
                          object->heap->address.text, object->name);
    }
}


/* Under the mutex. */
static int add(struct neap_watch *watch)
{
    if (count >= NEAP_WATCHES_MAX)
        return neap__fail(-ENOSPC, "heap %s: cannot watch '%s': this process "
                          "watches %d objects, and no more can be; close one",
                          watch->what.object.heap->address.text,
                          watch->what.object.name, NEAP_WATCHES_MAX);
    watch->next = watches;
    watches = watch;
    int status = ring_if_ready(watch) ? 0 : rouse();
    if (status < 0) {
        watches = watch->next;
        return neap__fail_why(status, "heap %s: cannot watch '%s': no thread",
                              watch->what.object.heap->address.text,
                              watch->what.object.name);
    }
    count++;
    return 0;
}


int neap_watch_open(void *object, neap_watch **ret_watch)
{
    if (!object)
        return neap__fail(-EINVAL, "cannot watch NULL");
    neap_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return neap__fail_why(-ENOMEM, "cannot watch an object");
    int status = fill(watch, object);
    if (status < 0)
        goto fail;
    status = watch->fd = neap__bell_open();
    if (status < 0) {
        status = neap__fail_why(status, "heap %s: cannot watch '%s'",
                                watch->what.object.heap->address.text,
                                watch->what.object.name);
        goto fail;
    }
    neap__attachment_retain(watch->what.object.heap);
    enter();
    status = add(watch);
    pthread_mutex_unlock(&mutex);
    if (status < 0) {
        neap__attachment_release(watch->what.object.heap);
        neap__bell_close(watch->fd);
        goto fail;
    }
    *ret_watch = watch;
    return 0;

fail:
    free(watch);
    return status;
}


void neap_watch_close(neap_watch *watch)
{
    if (!watch)
        return;
    enter();
    struct neap_watch **link = &watches;
    while (*link != watch)
        link = &(*link)->next;
    *link = watch->next;
    count--;
    if (running) {
        removed = true;
        (void)rouse();
        wait_until_noticed();
    }
    pthread_mutex_unlock(&mutex);
    neap__bell_close(watch->fd);
    neap__attachment_release(watch->what.object.heap);
    free(watch);
}


int neap_watch_fd(neap_watch *watch)
{
    enter();
    pthread_mutex_unlock(&mutex);
    return watch->fd;
}


int neap_watch_rearm(neap_watch *watch)
{
    enter();
    neap__bell_silence(watch->fd);
    bool ready = ring_if_ready(watch);
    if (!ready)
        (void)rouse();
    pthread_mutex_unlock(&mutex);
    return ready;
}


const char *neap_watch_name(neap_watch *watch)
{
    return watch->what.object.name;
}
