/*
 * Waiting for any of several objects: asleep on all their words at once.
 *
 * A sleep is announced on each object as its own waiters do it
 * (recovery/wait.h, recovery/lock.h), and slot.waiting_on says NEAP_SH_MANY. So
 *
 * A1 a wake may have been meant for any of the objects, but only one is taken:
 *    whoever leaves wakes one sleeper of each other object, who looks again;
 * A2 whoever dies before it has done so leaves NEAP_SH_MANY, and the reaper
 *    wakes everybody.
 */
#include "neap/wait.h"

#include "heap/object.h"
#include "neap/event.h"
#include "neap/mutex.h"
#include "neap/semaphore.h"
#include "recovery/deadlock.h"
#include "recovery/lock.h"
#include "recovery/spin.h"
#include "recovery/wait.h"

struct any {
    void *const *objects;
    size_t count;
    size_t *ret_index;
    int64_t since;
    int asleep_on; /* of futexes */
    struct neap__futex futexes[NEAP__FUTEXES_MAX];
};

_Static_assert(2 * NEAP_WAIT_MAX <= NEAP__FUTEXES_MAX, "a mutex has two");


static uint32_t kind_of(const struct neap__object *object)
{
    return neap_sh_what_kind(atomic_load(&object->entry->what));
}


static int wrong_kind(const struct neap__object *object)
{
    return neap__fail(-EINVAL, "heap %s: '%s' cannot be waited for among others; "
                      "events, latches, semaphores and mutexes can",
                      object->heap->address.text, object->name);
}


static int attempt(void *handle)
{
    struct neap__object *object = handle;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    switch (kind_of(object)) {
    case NEAP_OBJECT_EVENT:
        return neap_event_wait(handle, NEAP_NOW);
    case NEAP_OBJECT_LATCH:
        return neap_latch_wait(handle, NEAP_NOW);
    case NEAP_OBJECT_SEMAPHORE:
        return neap_semaphore_acquire(handle, NEAP_NOW);
    case NEAP_OBJECT_MUTEX:
        return neap_mutex_lock(handle, NEAP_NOW);
    default:
        return wrong_kind(object);
    }
}


static int attempt_each(struct any *any)
{
    for (size_t i = 0; i < any->count; i++) {
        int status = attempt(any->objects[i]);
        if (status >= 0)
            *any->ret_index = i;
        if (status != -EBUSY)
            return status;
    }
    return -EBUSY;
}


/* A look that changes nothing, and tells nobody why it was in vain. */
static bool seems_ready(void *handle)
{
    const struct neap__object *object = handle;
    const struct neap_sh_entry *entry = object->entry;
    uint64_t value = atomic_load_explicit(&entry->value, memory_order_relaxed);
    int64_t permits;
    switch (kind_of(object)) {
    case NEAP_OBJECT_EVENT:
        return value == 1;
    case NEAP_OBJECT_LATCH:
        return value == 0;
    case NEAP_OBJECT_SEMAPHORE:
        return neap_semaphore_get(handle, &permits) < 0 || permits > 0;
    default:
        return !atomic_load_explicit(&entry->lock.word, memory_order_relaxed);
    }
}


static bool any_seems_ready(const struct any *any)
{
    for (size_t i = 0; i < any->count; i++)
        if (neap__object_gone(any->objects[i]) || seems_ready(any->objects[i]))
            return true;
    return false;
}


/* As long as has been worth it of late for the first of them. */
static int attempt_spinning(struct any *any)
{
    const struct neap__object *first = any->objects[0];
    struct neap__patience patience = neap__patience_begin(first->entry,
                                                          first->spin);
    int status = -EBUSY;
    while (status == -EBUSY && neap__patience(&patience))
        if (any_seems_ready(any))
            status = attempt_each(any);
    neap__patience_end(&patience, status != -EBUSY);
    return status;
}


/* A seat is good until the thread asks for that in another heap. */
static int announce(struct any *any, struct neap__object *object)
{
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (status < 0)
        return status;
    neap__wait_on(seat, NEAP_SH_MANY);
    struct neap_sh_entry *entry = object->entry;
    struct neap__futex *futexes = any->futexes + any->asleep_on;
    if (kind_of(object) == NEAP_OBJECT_MUTEX) {
        any->asleep_on += neap__lock_announce(object->heap, &entry->lock,
                                              futexes);
        return 0;
    }
    *futexes = (struct neap__futex){&entry->seq, neap__wait_announce(entry)};
    any->asleep_on++;
    return 0;
}


/* Say in each heap which of its objects this thread waits for, and whether
 * there are others. What was said before is not true while one is attempted. */
static void tell_heap(const struct any *any, struct neap__seat *seat)
{
    uint32_t n = 0;
    bool elsewhere = false;
    for (size_t i = 0; i < any->count; i++) {
        struct neap__object *object = any->objects[i];
        if (object->heap == seat->heap)
            neap__blocked_add(seat, n++,
                              neap__offset(seat->heap, object->entry));
        else
            elsewhere = true;
    }
    if (elsewhere)
        neap__blocked_add(seat, n++, NEAP_SH_MANY);
    neap__blocked_many(seat, n, any->since);
}


/* @return 0; NEAP__CYCLE. */
static int tell_each(const struct any *any, bool waits)
{
    struct neap__seat *seat;
    struct neap_heap *last = NULL;
    int status = 0;
    for (size_t i = 0; status == 0 && i < any->count; i++) {
        struct neap__object *object = any->objects[i];
        if (object->heap == last || neap__seat(object->heap, &seat) < 0)
            continue;
        last = object->heap;
        if (!waits) {
            neap__blocked_end(seat);
            continue;
        }
        tell_heap(any, seat);
        status = neap__cycle_check(seat);
    }
    return status;
}


static int announce_each(struct any *any)
{
    any->asleep_on = 0;
    for (size_t i = 0; i < any->count; i++) {
        int status = announce(any, any->objects[i]);
        if (status < 0)
            return status;
    }
    neap__fence_heavy();
    return 0;
}


static int look_for_the_dead(struct any *any, int64_t *cap)
{
    struct neap_heap *last = NULL;
    for (size_t i = 0; i < any->count; i++) {
        struct neap__object *object = any->objects[i];
        int status = object->heap == last
                         ? 0 : neap__wait_expired(object->heap, cap);
        if (status < 0)
            return status;
        last = object->heap;
    }
    return 0;
}


static int sleep_once(struct any *any, int64_t deadline, int64_t *cap)
{
    int64_t now = neap_now();
    if (now >= deadline)
        return -ETIMEDOUT;
    int status = tell_each(any, true);
    if (status < 0)
        return status;
    status = neap__futex_wait_any(any->futexes, any->asleep_on,
                                  neap__wait_until(now, deadline, *cap));
    tell_each(any, false);
    return status == -ETIMEDOUT ? look_for_the_dead(any, cap) : status;
}


static int attempt_and_sleep(struct any *any, int64_t deadline)
{
    int64_t cap = NEAP__WAIT_CAP_FIRST;
    any->since = neap_now();
    for (;;) {
        int status = announce_each(any);
        if (status == 0)
            status = attempt_each(any);
        if (status != -EBUSY)
            return status;
        status = sleep_once(any, deadline, &cap);
        if (status < 0)
            return status;
    }
}


/* Keeps A1: not for what was taken, if something was. */
static void leave(struct any *any, int status)
{
    struct neap__seat *seat;
    for (size_t i = 0; i < any->count; i++) {
        struct neap__object *object = any->objects[i];
        if ((status >= 0 && *any->ret_index == i) ||
            neap__seat(object->heap, &seat) < 0)
            continue;
        if (kind_of(object) == NEAP_OBJECT_MUTEX)
            neap__lock_wake(&object->entry->lock, 1);
        else
            neap__woken(seat, object->entry, 1);
    }
    for (size_t i = 0; i < any->count; i++) {
        struct neap__object *object = any->objects[i];
        if (neap__seat(object->heap, &seat) == 0)
            neap__wait_end(seat);
    }
}


static int check_count(void *const objects[], size_t count)
{
    if (count < 1 || count > NEAP_WAIT_MAX)
        return neap__fail(-EINVAL, "cannot wait for any of %zu objects; 1 to %d "
                          "can be waited for", count, NEAP_WAIT_MAX);
    for (size_t i = 0; i < count; i++)
        if (!objects[i])
            return neap__fail(-EINVAL, "cannot wait for any of %zu objects: "
                              "number %zu is NULL", count, i + 1);
    return 0;
}


int neap_wait_any(void *const objects[], size_t count, int64_t deadline,
                  size_t *ret_index)
{
    int status = check_count(objects, count);
    if (status < 0)
        return status;
    size_t index = 0;
    struct any any = {.objects = objects, .count = count, .ret_index = &index};
    status = attempt_each(&any);
    if (status == -EBUSY && deadline != NEAP_NOW)
        status = attempt_spinning(&any);
    if (status == -EBUSY && deadline != NEAP_NOW) {
        status = attempt_and_sleep(&any, deadline);
        leave(&any, status);
    }
    if (status >= 0)
        *ret_index = index;
    if (status == NEAP__CYCLE)
        return neap__fail(-EDEADLK, "%s", neap_error_text());
    if (status == -EBUSY || status == -ETIMEDOUT || status == -EINTR)
        return neap__fail_why(status, "none of %zu objects came", count);
    return status;
}
