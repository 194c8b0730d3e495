/* Using what waits: of each kind all calls, none of which sleeps. */
#include "fuzz/fuzz.h"
#include "neap.h"


static void use_event(neap_heap *heap, const char *name)
{
    neap_event *event;
    if (neap_event_open(heap, name, &event) < 0)
        return;
    if (neap_event_is_set(event) == 0 && neap_event_wait(event, NEAP_NOW) < 0)
        neap_event_set(event);
    neap_event_clear(event);
    neap_event_close(event);
}


static void use_latch(neap_heap *heap, const char *name)
{
    neap_latch *latch;
    int64_t left;
    if (neap_latch_open(heap, name, 2, &latch) < 0)
        return;
    if (neap_latch_get(latch, &left) == 0 &&
        neap_latch_wait(latch, NEAP_NOW) < 0)
        neap_latch_count_down(latch, 1);
    neap_latch_close(latch);
}


static void use_condition(neap_heap *heap, const char *name)
{
    neap_condition *condition;
    neap_mutex *mutex;
    if (neap_condition_open(heap, name, &condition) < 0)
        return;
    neap_condition_notify(condition, 1);
    if (neap_mutex_open(heap, "mutex", &mutex) >= 0) {
        if (neap_mutex_lock(mutex, NEAP_NOW) >= 0 &&
            neap_condition_wait(condition, mutex, NEAP_NOW) <= 0)
            neap_mutex_unlock(mutex);
        neap_mutex_close(mutex);
    }
    neap_condition_close(condition);
}


static void use_rwlock(neap_heap *heap, const char *name)
{
    neap_rwlock *rwlock;
    if (neap_rwlock_open(heap, name, &rwlock) < 0)
        return;
    if (neap_rwlock_read(rwlock, NEAP_NOW) >= 0)
        neap_rwlock_unlock(rwlock);
    if (neap_rwlock_write(rwlock, NEAP_NOW) >= 0 && neap_rwlock_mine(rwlock))
        neap_rwlock_unlock(rwlock);
    neap_rwlock_close(rwlock);
}


static void use_barrier(neap_heap *heap, const char *name)
{
    neap_barrier *barrier;
    int64_t parties, waiting, place;
    bool broken;
    if (neap_barrier_open(heap, name, 2, &barrier) < 0)
        return;
    if (neap_barrier_status(barrier, &parties, &waiting, &broken) == 0 &&
        neap_barrier_wait(barrier, NEAP_NOW, &place) < 0)
        neap_barrier_reset(barrier);
    neap_barrier_abort(barrier);
    neap_barrier_close(barrier);
}


static void use_once(neap_heap *heap, const char *name)
{
    neap_once *once;
    if (neap_once_open(heap, name, &once) < 0)
        return;
    if (neap_once_is_done(once) == 0 && neap_once_begin(once, NEAP_NOW) > 0)
        neap_once_end(once, false);
    neap_once_close(once);
}


void use_sync(neap_heap *heap, const neap_object_info *info)
{
    switch (info->kind) {
    case NEAP_OBJECT_EVENT:
        use_event(heap, info->name);
        break;
    case NEAP_OBJECT_LATCH:
        use_latch(heap, info->name);
        break;
    case NEAP_OBJECT_CONDITION:
        use_condition(heap, info->name);
        break;
    case NEAP_OBJECT_RWLOCK:
        use_rwlock(heap, info->name);
        break;
    case NEAP_OBJECT_BARRIER:
        use_barrier(heap, info->name);
        break;
    case NEAP_OBJECT_ONCE:
        use_once(heap, info->name);
        break;
    default:
        break;
    }
}
