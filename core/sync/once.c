/*
 * Once: the entry's lock, held by whoever does it, and value 1 when it is done.
 * A doer that dies leaves the lock to the next and the value at 0.
 */
#include "neap/once.h"

#include "heap/object.h"
#include "recovery/deadlock.h"

struct neap_once {
    struct neap__object object;
};


int neap_once_open(neap_heap *heap, const char *name, neap_once **ret_once)
{
    static const struct neap__wanted wanted = {.kind = NEAP_OBJECT_ONCE};
    return neap__handle_open(heap, name, &wanted, sizeof(neap_once),
                             (void **)ret_once);
}


void neap_once_close(neap_once *once)
{
    neap__handle_close(once);
}


const char *neap_once_name(neap_once *once)
{
    return once->object.name;
}


static bool is_done(const struct neap__object *object)
{
    return atomic_load_explicit(&object->entry->value, memory_order_acquire);
}


static int cannot_begin(struct neap__object *object, int status)
{
    if (status == -EIDRM)
        return neap__object_dropped(object);
    if (status == -EDEADLK)
        return neap__fail(status, "heap %s: this thread is doing '%s' already; "
                          "end it first", object->heap->address.text,
                          object->name);
    if (status == -EAGAIN)
        return neap__fail(status, "heap %s: cannot do '%s': this thread holds "
                          "%d locks, and no more are recorded",
                          object->heap->address.text, object->name,
                          NEAP_SH_HELD - NEAP__HELD_INSIDE);
    if (status == NEAP__CYCLE)
        return neap__fail(-EDEADLK, "%s", neap_error_text());
    return neap__object_gave_up(object, status, "is being done by another");
}


int neap_once_begin(neap_once *once, int64_t deadline)
{
    struct neap__object *object = &once->object;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    if (is_done(object))
        return 0;
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (status < 0)
        return status;
    status = neap__lock_wished(seat, &object->entry->lock, object->id, deadline,
                               object->spin);
    if (status < 0)
        return cannot_begin(object, status);
    bool gone = neap__object_gone(object);
    if (!gone && !is_done(object))
        return NEAP_MORE;
    neap__unlock(seat, &object->entry->lock);
    return gone ? neap__object_dropped(object) : 0;
}


int neap_once_end(neap_once *once, bool done)
{
    struct neap__object *object = &once->object;
    struct neap__seat *seat = neap__seat_here(object->heap);
    if (!seat || !neap__lock_mine(seat, &object->entry->lock))
        return neap__fail(-EPERM, "heap %s: this thread is not doing '%s'; "
                          "begin it first", object->heap->address.text,
                          object->name);
    if (done)
        atomic_store_explicit(&object->entry->value, 1, memory_order_release);
    neap__unlock(seat, &object->entry->lock);
    return 0;
}


int neap_once_is_done(neap_once *once)
{
    struct neap__object *object = &once->object;
    return neap__object_gone(object) ? neap__object_dropped(object)
                                     : is_done(object);
}
