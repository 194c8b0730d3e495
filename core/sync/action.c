/*
 * The action of a barrier: what one of its parties does when all are there,
 * before any of them goes on.
 *
 * It runs without the entry's lock, the one who runs it being counted all the
 * while. So nobody opens the phase meanwhile, and whoever gives up, dies or
 * resets does as at any other time; the one who acts finds that afterwards.
 */
#include "sync/barrier.h"

#include "recovery/redo.h"
#include "recovery/wait.h"


static int begin_locked(struct neap__seat *seat, struct neap__party *party)
{
    struct neap_sh_entry *entry = party->object->entry;
    uint64_t value = atomic_load(&entry->value);
    if (neap__object_gone(party->object))
        return neap__object_dropped(party->object);
    if ((uint32_t)(value >> 32) != party->phase || !neap__barrier_due(entry))
        return -EBUSY;
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    neap__tx_set(&tx, &entry->returns,
                 atomic_load(&entry->returns) | NEAP__ACTING);
    neap__tx_set(&tx, &party->share->value,
                 atomic_load(&party->share->value) | NEAP__ACTS);
    return neap__tx_commit(&tx);
}


static int open_locked(struct neap__seat *seat, struct neap__party *party)
{
    struct neap_sh_entry *entry = party->object->entry;
    if (neap__object_gone(party->object))
        return neap__object_dropped(party->object);
    if (atomic_load(&entry->returns) & NEAP__UNUSABLE)
        return NEAP_EBROKEN;
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    neap__tx_set(&tx, &entry->value, (uint64_t)(party->phase + 1) << 32);
    neap__tx_set(&tx, &entry->returns, 0);
    neap__waking(seat, entry);
    return neap__tx_commit(&tx);
}


static int locked(struct neap__seat *seat, struct neap__party *party,
                  int f(struct neap__seat *, struct neap__party *))
{
    struct neap_sh_lock *lock = &party->object->entry->lock;
    int status = neap__lock_inside(seat, lock);
    if (status < 0)
        return status;
    status = f(seat, party);
    neap__unlock(seat, lock);
    return status;
}


static int was_forked(const struct neap__object *object)
{
    return neap__fail(-EPERM, "heap %s: barrier '%s': the process that runs its "
                      "action forked, and the child is no party; let the child "
                      "end in the action", object->heap->address.text,
                      object->name);
}


/* The action may do anything, and so this thread's seat may be another one. */
int neap__barrier_act(struct neap__party *party)
{
    struct neap_heap *heap = party->object->heap;
    struct neap__seat *seat;
    int status = neap__seat(heap, &seat);
    if (status == 0)
        status = locked(seat, party, begin_locked);
    if (status < 0)
        return status;
    uint32_t tag = seat->tag;
    party->acts = true;
    int done = party->action(party->action_argument);
    status = neap__seat(heap, &seat);
    if (status == 0 && seat->tag != tag)
        status = was_forked(party->object);
    if (status < 0)
        return status;
    if (done < 0)
        return done == -EBUSY || done == NEAP_EBROKEN || done == -EPERM
                   ? -ECANCELED : done;
    status = locked(seat, party, open_locked);
    if (status == 0)
        neap__woken(seat, party->object->entry, INT_MAX);
    return status;
}
