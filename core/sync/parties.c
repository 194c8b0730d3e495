/* Who is a party of a barrier, and what is left when one goes. */
#include "sync/barrier.h"

#include "recovery/share.h"
#include "recovery/wait.h"


/* -- what changes it, within a change and under the entry's lock ---------- */

void neap__barrier_set_waiting(struct neap__tx *tx, struct neap_sh_entry *entry,
                               uint32_t waiting, uint64_t limit,
                               uint64_t returns)
{
    uint64_t phase = atomic_load(&entry->value) >> 32;
    if (returns & NEAP__RESETTING && waiting == 0)
        returns = 0;
    /* Of those who wait one may have to act first: it is woken, and will. */
    if (!returns && waiting > 0 && waiting >= limit) {
        phase = (uint32_t)(phase + 1);
        waiting = 0;
    }
    neap__tx_set(tx, &entry->value, phase << 32 | waiting);
    neap__tx_set(tx, &entry->limit, limit);
    neap__tx_set(tx, &entry->returns, returns);
}


bool neap__barrier_waits(const struct neap_sh_entry *entry, uint64_t share)
{
    uint64_t value = atomic_load(&entry->value);
    return (value >> 32) + 1 == (share & NEAP_SH_SHARE_VALUE) &&
           (uint32_t)value > 0;
}


void neap__barrier_finish(struct neap__tx *tx, struct neap_sh_entry *entry,
                          uint64_t share)
{
    uint32_t kind = neap_sh_what_variant(atomic_load(&entry->what));
    bool waits = neap__barrier_waits(entry, share);
    bool member = share & NEAP_SH_MEMBER;
    if (!waits && !member)
        return;
    uint64_t limit = atomic_load(&entry->limit);
    uint64_t returns = atomic_load(&entry->returns);
    if (limit > 0 && (kind & NEAP_BARRIER_SHRINKS || member))
        limit--;
    if (!(kind & NEAP_BARRIER_SHRINKS))
        returns |= NEAP__BROKEN;
    if (waits)
        returns = neap__barrier_without(returns, share);
    uint32_t waiting = (uint32_t)atomic_load(&entry->value) - waits;
    neap__barrier_set_waiting(tx, entry, waiting, limit, returns);
}


/* -- who is a party ------------------------------------------------------- */

struct neap_sh_share *neap__barrier_member(struct neap__seat *seat,
                                          const struct neap__object *object)
{
    return neap__share_find(seat, neap__offset(object->heap, object->entry),
                            object->id);
}


int neap__barrier_no_share(const struct neap__object *object)
{
    return neap__fail(-EAGAIN, "heap %s: cannot be a party of '%s': this "
                      "thread has shares of %d objects, and no more are "
                      "recorded", object->heap->address.text, object->name,
                      NEAP_SH_SHARES);
}


int neap__barrier_no_party(const struct neap__object *object)
{
    return neap__fail(-EPERM, "heap %s: this thread is no party of barrier "
                      "'%s', which counts those who joined; join it first",
                      object->heap->address.text, object->name);
}


static int join_locked(struct neap__seat *seat, struct neap__object *object)
{
    struct neap_sh_entry *entry = object->entry;
    const char *heap = object->heap->address.text;
    uint64_t limit = atomic_load(&entry->limit);
    if (neap__barrier_member(seat, object))
        return neap__fail(-EALREADY, "heap %s: this thread is a party of "
                          "barrier '%s' already", heap, object->name);
    if (limit >= NEAP__PARTIES_MAX)
        return neap__fail(-EOVERFLOW, "heap %s: barrier '%s' has %d parties, "
                          "and no more can join", heap, object->name,
                          NEAP__PARTIES_MAX);
    struct neap_sh_share *share = neap__share_room(seat);
    if (!share)
        return neap__barrier_no_share(object);
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    neap__tx_set(&tx, &entry->limit, limit + 1);
    neap__tx_set(&tx, &share->value, NEAP_SH_MEMBER);
    neap__tx_set(&tx, &share->id, object->id);
    neap__tx_set(&tx, &share->entry, neap__offset(object->heap, entry));
    return neap__tx_commit(&tx);
}


static int part_locked(struct neap__seat *seat, struct neap__object *object)
{
    struct neap_sh_entry *entry = object->entry;
    struct neap_sh_share *share = neap__barrier_member(seat, object);
    if (!share)
        return neap__barrier_no_party(object);
    if (neap__barrier_waits(entry, atomic_load(&share->value)))
        return neap__fail(-EBUSY, "heap %s: this thread waits at barrier '%s', "
                          "and cannot leave it meanwhile",
                          object->heap->address.text, object->name);
    uint64_t limit = atomic_load(&entry->limit);
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    neap__barrier_set_waiting(&tx, entry, (uint32_t)atomic_load(&entry->value),
                              limit ? limit - 1 : 0,
                              atomic_load(&entry->returns));
    neap__tx_set(&tx, &share->entry, 0);
    neap__tx_set(&tx, &share->id, 0);
    neap__tx_set(&tx, &share->value, 0);
    return neap__tx_commit(&tx);
}


/* Call `f` under the lock, if the barrier's parties are counted. */
static int with_parties(neap_barrier *barrier,
                        int f(struct neap__seat *, struct neap__object *))
{
    struct neap__object *object = &barrier->object;
    struct neap_sh_entry *entry = object->entry;
    if (!neap__barrier_is_counted(object))
        return neap__fail(-EINVAL, "heap %s: barrier '%s' has a fixed number "
                          "of parties; make it a counted one, for others to "
                          "join and leave", object->heap->address.text,
                          object->name);
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (status == 0)
        status = neap__lock_inside(seat, &entry->lock);
    if (status < 0)
        return status;
    neap__waking(seat, entry);
    status = neap__object_gone(object) ? neap__object_dropped(object)
                                       : f(seat, object);
    neap__unlock(seat, &entry->lock);
    neap__woken(seat, entry, INT_MAX);
    return status;
}


int neap_barrier_join(neap_barrier *barrier)
{
    return with_parties(barrier, join_locked);
}


int neap_barrier_leave(neap_barrier *barrier)
{
    return with_parties(barrier, part_locked);
}
