/*
 * Conditions: nothing but an event count.
 *
 *     wait                                 notify
 *     waiting_on = entry; seen = seq       waking = entry
 *     sleepers = 1                         if sleepers was 1: seq += 1, wake n
 *     unlock the mutex                     waking = 0
 *     sleep while seq == seen
 *     lock the mutex; waiting_on = 0
 *
 * Whoever notifies with the mutex held is seen: the waiter has said that it
 * waits before it unlocked. A waiter that dies anywhere up to the last step may
 * have had the only wake, so all others are woken then.
 */
#include "neap/condition.h"

#include "recovery/wait.h"
#include "sync/mutex.h"

struct neap_condition {
    struct neap__object object;
};


int neap_condition_open(neap_heap *heap, const char *name,
                        neap_condition **ret_condition)
{
    static const struct neap__wanted wanted = {.kind = NEAP_OBJECT_CONDITION};
    return neap__handle_open(heap, name, &wanted, sizeof(neap_condition),
                             (void **)ret_condition);
}


void neap_condition_close(neap_condition *condition)
{
    neap__handle_close(condition);
}


const char *neap_condition_name(neap_condition *condition)
{
    return condition->object.name;
}


static int check_mutex(struct neap__object *object, neap_mutex *mutex)
{
    if (mutex->object.heap->base != object->heap->base)
        return neap__fail(-EINVAL, "heap %s: condition '%s' cannot wait with "
                          "mutex '%s', which lies in another heap",
                          object->heap->address.text, object->name,
                          mutex->object.name);
    if (!neap_mutex_mine(mutex))
        return neap__fail(-EPERM, "heap %s: lock mutex '%s' before waiting on "
                          "condition '%s'", object->heap->address.text,
                          mutex->object.name, object->name);
    return neap__object_gone(object) ? neap__object_dropped(object) : 0;
}


/* @return 0 notified; -ETIMEDOUT; -EINTR; -EIDRM. */
static int sleep_until_notified(struct neap__seat *seat,
                                struct neap__object *object, uint32_t seen,
                                int64_t deadline)
{
    struct neap_sh_entry *entry = object->entry;
    int64_t cap = NEAP__WAIT_CAP_FIRST;
    int status = 0;
    while (status == 0 && atomic_load(&entry->seq) == seen &&
           !neap__object_gone(object))
        status = neap__wait_sleep(seat, entry, seen, deadline, &cap);
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    return atomic_load(&entry->seq) != seen ? 0 : status;
}


/* The caller has the mutex again, whatever happens meanwhile. */
static int lock_again(struct neap__seat *seat, neap_mutex *mutex,
                      uint64_t count)
{
    struct neap__object *object = &mutex->object;
    int status;
    do
        status = neap__lock(seat, &object->entry->lock, object->id,
                            NEAP_FOREVER);
    while (status == -EINTR);
    if (status == -EIDRM)
        return neap__object_dropped(object);
    if (status < 0)
        return status;
    neap__mutex_set_count(object, count);
    return neap__mutex_take_over(seat, object);
}


/* A notification that came after the sleep and before the lock counts: one
 * who was interrupted and goes on to wait would miss it. */
static bool was_notified(const struct neap__object *object, uint32_t seen,
                         int status)
{
    return status == 0 || (status != -EIDRM &&
                           atomic_load(&object->entry->seq) != seen);
}


int neap_condition_wait(neap_condition *condition, neap_mutex *mutex,
                        int64_t deadline)
{
    struct neap__object *object = &condition->object;
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (status == 0)
        status = check_mutex(object, mutex);
    if (status < 0)
        return status;
    uint64_t count = neap__mutex_count(&mutex->object);
    uint32_t seen = neap__wait_begin(seat, object->entry);
    neap__unlock(seat, &mutex->object.entry->lock);
    status = sleep_until_notified(seat, object, seen, deadline);
    int locked = lock_again(seat, mutex, count);
    neap__wait_end(seat);
    /* That an owner died goes before what else happened: who was not notified
     * finds that out by itself. */
    if (locked != 0 || was_notified(object, seen, status))
        return locked;
    return neap__object_gave_up(object, status, "was not notified");
}


int neap_condition_notify(neap_condition *condition, int64_t n)
{
    struct neap__object *object = &condition->object;
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (status < 0)
        return status;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    if (n < 1)
        return neap__fail(-EINVAL, "heap %s: condition '%s' notifies 1 or "
                          "more, not %lld", object->heap->address.text,
                          object->name, (long long)n);
    neap__waking(seat, object->entry);
    neap__woken(seat, object->entry, n > INT_MAX ? INT_MAX : (int)n);
    return 0;
}
