/*
 * Mutexes: the lock of an entry, given to users. See recovery/lock.h.
 *
 * Recursive ones count in entry.value how often their owner has locked them:
 * whoever takes the lock stores 1, and nobody else looks. So the count of a
 * dead owner means nothing.
 */
#include "sync/mutex.h"

#include "recovery/deadlock.h"
#include "sync/measure.h"


int neap_mutex_open_kind(neap_heap *heap, const char *name,
                         neap_mutex_kind kind, neap_mutex **ret_mutex)
{
    if ((unsigned)kind > NEAP_MUTEX_RECURSIVE)
        return neap__fail(-EINVAL, "mutex '%s': kind %d is none; plain and "
                          "recursive are", name ? name : "", (int)kind);
    const struct neap__wanted wanted = {
        .kind = NEAP_OBJECT_MUTEX,
        .variant = kind,
        .default_variant = NEAP_MUTEX_PLAIN,
    };
    return neap__handle_open(heap, name, &wanted, sizeof(neap_mutex),
                             (void **)ret_mutex);
}


int neap_mutex_open(neap_heap *heap, const char *name, neap_mutex **ret_mutex)
{
    return neap_mutex_open_kind(heap, name, NEAP_MUTEX_ANY, ret_mutex);
}


neap_mutex_kind neap_mutex_kind_of(neap_mutex *mutex)
{
    return (neap_mutex_kind)mutex->object.variant;
}


void neap_mutex_close(neap_mutex *mutex)
{
    neap__handle_close(mutex);
}


const char *neap_mutex_name(neap_mutex *mutex)
{
    return mutex->object.name;
}


static int cannot_lock(const struct neap__object *object, int status)
{
    const char *heap = object->heap->address.text;
    switch (status) {
    case -EIDRM:
        return neap__object_dropped(object);
    case -EDEADLK:
        return neap__fail(status, "heap %s: this thread holds mutex '%s' "
                          "already; unlock it first, or make it recursive",
                          heap, object->name);
    case -EAGAIN:
        return neap__fail(status, "heap %s: cannot lock '%s': this thread "
                          "holds %d mutexes, and no more are recorded; unlock "
                          "one first", heap, object->name,
                          NEAP_SH_HELD - NEAP__HELD_INSIDE);
    case NEAP__CYCLE:
        return neap__fail(-EDEADLK, "%s", neap_error_text());
    case -EBUSY:
    case -ETIMEDOUT:
    case -EINTR:
        return neap__fail_why(status, "heap %s: mutex '%s' was not locked",
                              heap, object->name);
    default:
        return status;
    }
}


int neap__mutex_take_over(struct neap__seat *seat,
                          const struct neap__object *object)
{
    struct neap_sh_entry *entry = object->entry;
    if (neap__object_gone(object)) {
        neap__unlock(seat, &entry->lock);
        return neap__object_dropped(object);
    }
    return NEAP__LIKELY(!atomic_load_explicit(&entry->abandoned,
                                              memory_order_relaxed))
               ? 0 : NEAP_ABANDONED;
}


/* The same of one that was not this thread's before. `begun`: when it began to
 * wait, or 0. */
static int take_measured(struct neap__seat *seat,
                         const struct neap__object *object, int64_t begun)
{
    int status = neap__mutex_take_over(seat, object);
    if (status >= 0 && NEAP__UNLIKELY(neap__measured(object->entry)))
        neap__measure_taken(object->entry, begun, true);
    return status;
}


static bool is_recursive(const struct neap__object *object)
{
    return object->variant == NEAP_MUTEX_RECURSIVE;
}


uint64_t neap__mutex_count(const struct neap__object *object)
{
    return is_recursive(object) ? atomic_load(&object->entry->value) : 0;
}


void neap__mutex_set_count(const struct neap__object *object, uint64_t count)
{
    if (is_recursive(object))
        atomic_store_explicit(&object->entry->value, count,
                              memory_order_relaxed);
}


static __attribute__((noinline)) int lock_slow(neap_mutex *mutex,
                                               int64_t deadline)
{
    struct neap__object *object = &mutex->object;
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (status < 0)
        return status;
    if (is_recursive(object) && neap__lock_mine(seat, &object->entry->lock) &&
        !neap__object_gone(object)) {
        neap__mutex_set_count(object, neap__mutex_count(object) + 1);
        return neap__mutex_take_over(seat, object);
    }
    int64_t begun = neap__measure_begin(object->entry);
    if (begun && neap__lock(seat, &object->entry->lock, object->id,
                            NEAP_NOW) == 0)
        begun = 0;
    else
        status = neap__lock_wished(seat, &object->entry->lock, object->id,
                                   deadline, object->spin);
    if (status < 0)
        return cannot_lock(object, status);
    neap__mutex_set_count(object, 1);
    return take_measured(seat, object, begun);
}


int neap_mutex_lock(neap_mutex *mutex, int64_t deadline)
{
    struct neap__object *object = &mutex->object;
    struct neap_sh_entry *entry = object->entry;
    struct neap__seat *seat = neap__seat_fast(object->heap);
    if (NEAP__UNLIKELY(!seat || is_recursive(object) ||
                       !neap__lock_fast(seat, &entry->lock, object->id)))
        return lock_slow(mutex, deadline);
    if (NEAP__UNLIKELY(neap__object_gone(object) || neap__measured(entry) ||
                       atomic_load_explicit(&entry->abandoned,
                                            memory_order_relaxed)))
        return take_measured(seat, object, 0);
    return 0;
}


static int not_mine(const struct neap__object *object, const char *does)
{
    return neap__fail(-EPERM, "heap %s: this thread does not hold mutex '%s'; "
                      "only its owner %s", object->heap->address.text,
                      object->name, does);
}


static __attribute__((noinline)) int unlock_slow(neap_mutex *mutex)
{
    struct neap__object *object = &mutex->object;
    struct neap__seat *seat = neap__seat_here(object->heap);
    if (!seat || !neap__lock_mine(seat, &object->entry->lock))
        return not_mine(object, "unlocks it");
    uint64_t count = neap__mutex_count(object);
    if (count > 1) {
        neap__mutex_set_count(object, count - 1);
        return 0;
    }
    if (neap__measured(object->entry))
        neap__measure_given(object->entry);
    neap__unlock(seat, &object->entry->lock);
    return 0;
}


int neap_mutex_unlock(neap_mutex *mutex)
{
    struct neap__object *object = &mutex->object;
    struct neap__seat *seat = neap__seat_fast(object->heap);
    int done = NEAP__LIKELY(seat && !is_recursive(object) &&
                            !neap__measured(object->entry))
                   ? neap__unlock_fast(seat, &object->entry->lock) : 0;
    if (NEAP__LIKELY(done > 0))
        return 0;
    return done ? neap__unlock_wake(seat, &object->entry->lock)
                : unlock_slow(mutex);
}


int neap_mutex_repaired(neap_mutex *mutex)
{
    if (!neap_mutex_mine(mutex))
        return not_mine(&mutex->object, "says that it is repaired");
    atomic_store(&mutex->object.entry->abandoned, 0);
    return 0;
}


int neap_mutex_abandoned(neap_mutex *mutex, int32_t *ret_pid)
{
    struct neap__object *object = &mutex->object;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    *ret_pid = (int32_t)atomic_load(&object->entry->abandoned);
    return 0;
}


int neap_mutex_mine(neap_mutex *mutex)
{
    struct neap__seat *seat = neap__seat_here(mutex->object.heap);
    return seat && neap__lock_mine(seat, &mutex->object.entry->lock);
}


int neap_mutex_holder(neap_mutex *mutex, int32_t *ret_pid)
{
    struct neap__object *object = &mutex->object;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    uint32_t word = atomic_load(&object->entry->lock.word);
    uint32_t index = word & NEAP_SH_TAG_SLOT;
    struct neap_sh_header *header = neap__header(object->heap);
    *ret_pid = word && index < atomic_load(&header->slots_ready)
                   ? (int32_t)atomic_load(
                         &neap__slot_at(object->heap, index)->pid) : 0;
    return 0;
}
