/*
 * Semaphores.
 *
 * classic: entry.value is the number of permits; taking one is a single store,
 *     which happened or did not.
 * undo: value and the holder's share change together, in one redo record under
 *     the entry's lock, so that value and all shares always add up to `limit`;
 *     the share of a thread that ends returns by itself (recovery/reap.c).
 *
 * Both wait on the entry's event count (recovery/wait.h).
 */
#include <stdlib.h>

#include "heap/object.h"
#include "neap/semaphore.h"
#include "recovery/redo.h"
#include "recovery/share.h"
#include "recovery/spin.h"
#include "recovery/wait.h"

struct neap_semaphore {
    struct neap__object object;
};


/* -- the handle ----------------------------------------------------------- */

int neap_semaphore_open(neap_heap *heap, const char *name, int64_t initial,
                        neap_semaphore_kind kind,
                        neap_semaphore **ret_semaphore)
{
    if (initial < 0 || initial > NEAP_SEMAPHORE_MAX)
        return neap__fail(-EINVAL, "semaphore '%s': %lld permits; it can have "
                          "0 to %d", name ? name : "", (long long)initial,
                          NEAP_SEMAPHORE_MAX);
    if ((unsigned)kind > NEAP_SEMAPHORE_UNDO)
        return neap__fail(-EINVAL, "semaphore '%s': kind %d is none; classic "
                          "and undo are", name ? name : "", (int)kind);
    struct neap__wanted wanted = {
        .kind = NEAP_OBJECT_SEMAPHORE,
        .variant = kind,
        .default_variant = NEAP_SEMAPHORE_CLASSIC,
        .value = (uint64_t)initial,
        .limit = (uint64_t)initial,
    };
    neap_semaphore *semaphore = calloc(1, sizeof *semaphore);
    if (!semaphore)
        return neap__fail_why(-ENOMEM, "cannot open semaphore '%s'", name);
    int status = neap__object_init(&semaphore->object, heap, name, &wanted);
    if (status < 0) {
        free(semaphore);
        return status;
    }
    *ret_semaphore = semaphore;
    return status;
}


void neap_semaphore_close(neap_semaphore *semaphore)
{
    if (!semaphore)
        return;
    neap__object_release(&semaphore->object);
    free(semaphore);
}


const char *neap_semaphore_name(neap_semaphore *semaphore)
{
    return semaphore->object.name;
}


neap_semaphore_kind neap_semaphore_kind_of(neap_semaphore *semaphore)
{
    return (neap_semaphore_kind)semaphore->object.variant;
}


/* -- taking --------------------------------------------------------------- */

/* @return 0; -EBUSY there is none; -EIDRM. No text for -EBUSY. */
static int take_classic(struct neap__object *object)
{
    neap_sh_word *value = &object->entry->value;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    uint64_t seen = atomic_load(value);
    while (seen > 0)
        if (atomic_compare_exchange_weak_explicit(value, &seen, seen - 1,
                                                  memory_order_seq_cst,
                                                  memory_order_seq_cst))
            return 0;
    return -EBUSY;
}


static int too_many_shares(struct neap__object *object)
{
    return neap__fail(-EAGAIN, "heap %s: cannot acquire '%s': this thread has "
                      "shares of %d objects (undo semaphores and striped "
                      "counters), and no more are recorded; release one first",
                      object->heap->address.text, object->name,
                      NEAP_SH_SHARES);
}


/* Under the entry's lock. */
static int take_undo_locked(struct neap__seat *seat,
                            struct neap__object *object)
{
    struct neap_sh_entry *entry = object->entry;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    uint64_t value = atomic_load(&entry->value);
    if (value == 0)
        return -EBUSY;
    uint64_t offset = neap__offset(object->heap, entry);
    struct neap_sh_share *share = neap__share_find(seat, offset, object->id);
    uint64_t has = share ? atomic_load(&share->value) : 0;
    if (!share && !(share = neap__share_place(seat)))
        return too_many_shares(object);
    struct neap__tx tx = {.seat = seat};
    neap__tx_add(&tx, &entry->value, value - 1);
    neap__tx_add(&tx, &share->value, has + 1);
    if (!has) {
        neap__tx_add(&tx, &share->id, object->id);
        neap__tx_add(&tx, &share->entry, offset);
    }
    neap__tx_finish(&tx);
    return 0;
}


static int take(struct neap__seat *seat, struct neap__object *object)
{
    if (object->variant == NEAP_SEMAPHORE_CLASSIC)
        return take_classic(object);
    int status = neap__lock_inside(seat, &object->entry->lock);
    if (status < 0)
        return status;
    status = take_undo_locked(seat, object);
    neap__unlock(seat, &object->entry->lock);
    return status;
}


/* Where others sleep already there is more to wait for than a moment. @return as
 * take, -EBUSY when it is time to sleep. */
static int take_spinning(struct neap__seat *seat, struct neap__object *object)
{
    struct neap_sh_entry *entry = object->entry;
    struct neap__spin spin = neap__spin_begin();
    int status = -EBUSY;
    while (status == -EBUSY && !(atomic_load(&entry->sleepers) & 1) &&
           neap__spin(&spin))
        if (atomic_load_explicit(&entry->value, memory_order_relaxed) > 0)
            status = take(seat, object);
    return status;
}


static int attempt_to_take(struct neap__seat *seat, void *object)
{
    return take(seat, object);
}


static int no_permit(struct neap__object *object, int status)
{
    if (status == -EBUSY || status == -ETIMEDOUT || status == -EINTR)
        return neap__fail_why(status, "heap %s: no permit of semaphore '%s' "
                              "was acquired", object->heap->address.text,
                              object->name);
    return status;
}


int neap_semaphore_acquire(neap_semaphore *semaphore, int64_t deadline)
{
    struct neap__object *object = &semaphore->object;
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (NEAP__UNLIKELY(status < 0))
        return status;
    status = take(seat, object);
    if (NEAP__LIKELY(status == 0))
        return 0;
    if (status == -EBUSY && deadline != NEAP_NOW)
        status = take_spinning(seat, object);
    if (status == -EBUSY && deadline != NEAP_NOW)
        status = neap__wait_for(seat, object->entry, attempt_to_take, object,
                                deadline);
    return no_permit(object, status);
}


/* -- giving --------------------------------------------------------------- */

static int give_classic(struct neap__object *object)
{
    neap_sh_word *value = &object->entry->value;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    uint64_t seen = atomic_load_explicit(value, memory_order_relaxed);
    do
        if (seen >= NEAP_SEMAPHORE_MAX)
            return neap__fail(-EOVERFLOW, "heap %s: semaphore '%s' has %d "
                              "permits, the most that there can be",
                              object->heap->address.text, object->name,
                              NEAP_SEMAPHORE_MAX);
    while (!atomic_compare_exchange_weak(value, &seen, seen + 1));
    return 0;
}


static int give_undo_locked(struct neap__seat *seat,
                            struct neap__object *object)
{
    struct neap_sh_entry *entry = object->entry;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    struct neap_sh_share *share =
        neap__share_find(seat, neap__offset(object->heap, entry), object->id);
    if (!share)
        return neap__fail(-EPERM, "heap %s: this thread holds no permit of "
                          "undo semaphore '%s'; only a holder releases one",
                          object->heap->address.text, object->name);
    uint64_t has = atomic_load(&share->value);
    struct neap__tx tx = {.seat = seat};
    neap__tx_add(&tx, &entry->value, atomic_load(&entry->value) + 1);
    neap__tx_add(&tx, &share->value, has - 1);
    if (has == 1) {
        neap__tx_add(&tx, &share->id, 0);
        neap__tx_add(&tx, &share->entry, 0);
    }
    neap__tx_finish(&tx);
    return 0;
}


static int give_undo(struct neap__seat *seat, struct neap__object *object)
{
    int status = neap__lock_inside(seat, &object->entry->lock);
    if (status < 0)
        return status;
    status = give_undo_locked(seat, object);
    neap__unlock(seat, &object->entry->lock);
    return status;
}


int neap_semaphore_release(neap_semaphore *semaphore)
{
    struct neap__object *object = &semaphore->object;
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (NEAP__UNLIKELY(status < 0))
        return status;
    neap__waking(seat, object->entry);
    status = object->variant == NEAP_SEMAPHORE_CLASSIC
                 ? give_classic(object) : give_undo(seat, object);
    neap__woken(seat, object->entry, 1);
    return status;
}


int neap_semaphore_get(neap_semaphore *semaphore, int64_t *ret_value)
{
    struct neap__object *object = &semaphore->object;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    *ret_value = (int64_t)atomic_load(&object->entry->value);
    return 0;
}
