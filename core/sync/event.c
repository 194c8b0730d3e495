/*
 * Events and latches: one word, and an event count to sleep on. Each call is
 * one store; the wake after it is announced before it (recovery/wait.h).
 */
#include "neap/event.h"

#include "heap/object.h"
#include "recovery/spin.h"
#include "recovery/wait.h"

struct neap_event {
    struct neap__object object;
};

struct neap_latch {
    struct neap__object object;
};


/* Done when the word is what is waited for: an event set, a latch empty. */
static int is_there(struct neap__object *object, uint64_t wanted)
{
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    return atomic_load(&object->entry->value) == wanted ? 0 : -EBUSY;
}


static int look_for_one(struct neap__seat *seat, void *object)
{
    (void)seat;
    return is_there(object, 1);
}


static int look_for_none(struct neap__seat *seat, void *object)
{
    (void)seat;
    return is_there(object, 0);
}


static int look_for_a_while(struct neap__object *object, neap__attempt *look)
{
    struct neap__patience patience = neap__patience_begin(object->entry, object->spin);
    int status = -EBUSY;
    while (neap__patience(&patience) &&
           (status = look(NULL, object)) == -EBUSY)
        ;
    neap__patience_end(&patience, status == 0);
    return status;
}


/* A read-only heap has no seat to wait with, but may look. */
static int wait_until(struct neap__object *object, neap__attempt *look,
                      int64_t deadline, const char *is_not)
{
    struct neap__seat *seat = NULL;
    int status = look(NULL, object);
    if (status == -EBUSY && deadline != NEAP_NOW)
        status = look_for_a_while(object, look);
    if (status == -EBUSY && deadline != NEAP_NOW) {
        status = neap__seat(object->heap, &seat);
        if (status == 0)
            status = neap__wait_for_exchanged(seat, object->entry, look, object,
                                              deadline);
    }
    return neap__object_gave_up(object, status, is_not);
}


/* -- events --------------------------------------------------------------- */

int neap_event_open(neap_heap *heap, const char *name, neap_event **ret_event)
{
    static const struct neap__wanted wanted = {.kind = NEAP_OBJECT_EVENT};
    return neap__handle_open(heap, name, &wanted, sizeof(neap_event),
                             (void **)ret_event);
}


void neap_event_close(neap_event *event)
{
    neap__handle_close(event);
}


const char *neap_event_name(neap_event *event)
{
    return event->object.name;
}


static int event_change(neap_event *event, uint64_t value)
{
    struct neap__object *object = &event->object;
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (status < 0)
        return status;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    neap__waking(seat, object->entry);
    atomic_store(&object->entry->value, value);
    neap__woken(seat, object->entry, INT_MAX);
    return 0;
}


int neap_event_set(neap_event *event)
{
    return event_change(event, 1);
}


int neap_event_clear(neap_event *event)
{
    return event_change(event, 0);
}


int neap_event_is_set(neap_event *event)
{
    int status = is_there(&event->object, 1);
    return status == -EBUSY ? 0 : status < 0 ? status : 1;
}


int neap_event_wait(neap_event *event, int64_t deadline)
{
    return wait_until(&event->object, look_for_one, deadline, "is not set");
}


/* -- latches -------------------------------------------------------------- */

int neap_latch_open(neap_heap *heap, const char *name, int64_t count,
                    neap_latch **ret_latch)
{
    if (count < 1 || count > INT32_MAX)
        return neap__fail(-EINVAL, "latch '%s': a count of %lld; it can be 1 "
                          "to %d", name ? name : "", (long long)count,
                          INT32_MAX);
    struct neap__wanted wanted = {
        .kind = NEAP_OBJECT_LATCH,
        .value = (uint64_t)count,
        .limit = (uint64_t)count,
    };
    return neap__handle_open(heap, name, &wanted, sizeof(neap_latch),
                             (void **)ret_latch);
}


void neap_latch_close(neap_latch *latch)
{
    neap__handle_close(latch);
}


const char *neap_latch_name(neap_latch *latch)
{
    return latch->object.name;
}


static int take_from(struct neap__object *object, uint64_t n)
{
    neap_sh_word *value = &object->entry->value;
    uint64_t seen = atomic_load(value);
    do
        if (seen < n)
            return neap__fail(-EOVERFLOW, "heap %s: latch '%s' has %llu left, "
                              "and %llu were counted down",
                              object->heap->address.text, object->name,
                              (unsigned long long)seen,
                              (unsigned long long)n);
    while (!atomic_compare_exchange_weak(value, &seen, seen - n));
    return 0;
}


int neap_latch_count_down(neap_latch *latch, int64_t n)
{
    struct neap__object *object = &latch->object;
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (status < 0)
        return status;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    if (n < 1)
        return neap__fail(-EINVAL, "heap %s: latch '%s' counts down by 1 or "
                          "more, not %lld", object->heap->address.text,
                          object->name, (long long)n);
    neap__waking(seat, object->entry);
    status = take_from(object, (uint64_t)n);
    neap__woken(seat, object->entry, INT_MAX);
    return status;
}


int neap_latch_get(neap_latch *latch, int64_t *ret_left)
{
    struct neap__object *object = &latch->object;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    *ret_left = (int64_t)atomic_load(&object->entry->value);
    return 0;
}


int neap_latch_wait(neap_latch *latch, int64_t deadline)
{
    return wait_until(&latch->object, look_for_none, deadline,
                      "is not at zero");
}
