/*
 * Barriers.
 *
 *   entry.value    phase << 32 | how many wait
 *   entry.limit    parties
 *   entry.returns  0 whole; else broken, RESETTING added while those who wait
 *                  leave and nobody may come
 *   share.value    of each who waits: its phase + 1
 *
 * All of it changes under the entry's lock in redo records. The last party to
 * come opens the next phase; the others then find that theirs is over and
 * forget their shares, which say of which phase they were and so mean nothing
 * any more. One who leaves without that, by time-out, signal or death, takes
 * itself out and breaks the barrier.
 */
#include "neap/barrier.h"

#include "heap/object.h"
#include "recovery/reap.h"
#include "recovery/redo.h"
#include "recovery/share.h"
#include "recovery/wait.h"
#include "sync/barrier.h"

#define PARTIES_MAX 65535
#define RESETTING (UINT64_C(1) << 32)
#define BROKEN UINT64_C(1)

struct neap_barrier {
    struct neap__object object;
};

/* One party's wait. */
struct party {
    struct neap__object *object;
    struct neap_sh_share *share; /* while it is counted */
    uint32_t phase;
    int64_t place;
};


/* -- the handle ----------------------------------------------------------- */

int neap_barrier_open(neap_heap *heap, const char *name, int64_t parties,
                      neap_barrier **ret_barrier)
{
    if (parties < 0 || parties > PARTIES_MAX)
        return neap__fail(-EINVAL, "barrier '%s': %lld parties; it can have 1 "
                          "to %d", name ? name : "", (long long)parties,
                          PARTIES_MAX);
    struct neap__wanted wanted = {
        .kind = NEAP_OBJECT_BARRIER,
        .limit = (uint64_t)parties,
        .must_exist = parties == 0,
    };
    return neap__handle_open(heap, name, &wanted, sizeof(neap_barrier),
                             (void **)ret_barrier);
}


void neap_barrier_close(neap_barrier *barrier)
{
    neap__handle_close(barrier);
}


const char *neap_barrier_name(neap_barrier *barrier)
{
    return barrier->object.name;
}


static int broken(const struct neap__object *object)
{
    return neap__fail(NEAP_EBROKEN, "heap %s: barrier '%s' is broken: a party "
                      "died, gave up or aborted it; reset it to go on",
                      object->heap->address.text, object->name);
}


/* -- what changes it, within a change and under the entry's lock ---------- */

/* One less waits; the last one to leave ends a reset. */
static void take_out(struct neap__tx *tx, struct neap_sh_entry *entry,
                     uint64_t returns)
{
    uint64_t value = neap__tx_get(tx, &entry->value);
    if (returns & RESETTING && (uint32_t)value == 1)
        returns = 0;
    neap__tx_set(tx, &entry->value, value - 1);
    neap__tx_set(tx, &entry->returns, returns);
}


void neap__barrier_finish(struct neap__tx *tx, struct neap_sh_entry *entry,
                          uint64_t share)
{
    uint64_t value = atomic_load(&entry->value);
    if ((value >> 32) + 1 == share && (uint32_t)value > 0)
        take_out(tx, entry, atomic_load(&entry->returns) | BROKEN);
}


static void open_next_phase(struct neap__tx *tx, struct neap_sh_entry *entry,
                            uint32_t phase)
{
    neap__tx_set(tx, &entry->value, (uint64_t)(phase + 1) << 32);
}


/* -- coming --------------------------------------------------------------- */

static int count_in(struct neap__seat *seat, struct party *party)
{
    struct neap_sh_entry *entry = party->object->entry;
    uint64_t value = atomic_load(&entry->value);
    party->share = neap__share_place(seat);
    if (!party->share)
        return neap__fail(-EAGAIN, "heap %s: cannot wait at '%s': this thread "
                          "has shares of %d objects, and no more are recorded",
                          party->object->heap->address.text,
                          party->object->name, NEAP_SH_SHARES);
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    neap__tx_set(&tx, &entry->value, value + 1);
    neap__tx_set(&tx, &party->share->value, (uint64_t)party->phase + 1);
    neap__tx_set(&tx, &party->share->id, party->object->id);
    neap__tx_set(&tx, &party->share->entry,
                 neap__offset(party->object->heap, entry));
    return neap__tx_commit(&tx);
}


/* @return 0 counted, or the last and done (no share); -EBUSY being reset;
 * NEAP_EBROKEN; -EIDRM; -EAGAIN. */
static int come_locked(struct neap__seat *seat, struct party *party)
{
    struct neap_sh_entry *entry = party->object->entry;
    if (neap__object_gone(party->object))
        return neap__object_dropped(party->object);
    uint64_t returns = atomic_load(&entry->returns);
    uint64_t value = atomic_load(&entry->value);
    if (returns)
        return returns & RESETTING ? -EBUSY : broken(party->object);
    party->phase = (uint32_t)(value >> 32);
    party->place = (int64_t)(atomic_load(&entry->limit) - 1 - (uint32_t)value);
    if (party->place > 0)
        return count_in(seat, party);
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    open_next_phase(&tx, entry, party->phase);
    neap__waking(seat, entry);
    return neap__tx_commit(&tx);
}


/* Nobody opens the barrier for a party that is dead: whoever seems to be the
 * last to come looks for those first. */
static int look_for_dead_parties(struct neap__object *object)
{
    uint64_t waiting = (uint32_t)atomic_load(&object->entry->value);
    bool last = waiting > 0 && waiting + 1 == atomic_load(&object->entry->limit);
    int status = last ? neap__reap(object->heap) : 0;
    return status < 0 ? status : 0;
}


static int come(struct neap__seat *seat, void *argument)
{
    struct party *party = argument;
    struct neap_sh_entry *entry = party->object->entry;
    int status = look_for_dead_parties(party->object);
    if (status == 0)
        status = neap__lock_inside(seat, &entry->lock);
    if (status < 0)
        return status;
    status = come_locked(seat, party);
    neap__unlock(seat, &entry->lock);
    if (status == 0 && !party->share)
        neap__woken(seat, entry, INT_MAX);
    return status;
}


/* -- waiting, and leaving ------------------------------------------------- */

static bool is_over(const struct party *party)
{
    return (uint32_t)(atomic_load(&party->object->entry->value) >> 32) !=
           party->phase;
}


static int look(struct neap__seat *seat, void *argument)
{
    struct party *party = argument;
    (void)seat;
    if (neap__object_gone(party->object))
        return neap__object_dropped(party->object);
    if (is_over(party))
        return 0;
    return atomic_load(&party->object->entry->returns) ? NEAP_EBROKEN : -EBUSY;
}


static int leave_locked(struct neap__seat *seat, struct party *party)
{
    struct neap_sh_entry *entry = party->object->entry;
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    take_out(&tx, entry, atomic_load(&entry->returns) | BROKEN);
    neap__tx_set(&tx, &party->share->entry, 0);
    neap__tx_set(&tx, &party->share->id, 0);
    neap__tx_set(&tx, &party->share->value, 0);
    neap__waking(seat, entry);
    return neap__tx_commit(&tx);
}


/* Its wait ended with `why`; it may be that the phase did, too, meanwhile. */
static int leave(struct neap__seat *seat, struct party *party, int why)
{
    struct neap_sh_entry *entry = party->object->entry;
    int status = neap__lock_inside(seat, &entry->lock);
    if (status < 0)
        return status;
    bool gone = neap__object_gone(party->object), over = is_over(party);
    if (gone || over)
        neap__share_forget(party->share);
    else
        status = leave_locked(seat, party);
    neap__unlock(seat, &entry->lock);
    neap__woken(seat, entry, INT_MAX);
    if (gone)
        return neap__object_dropped(party->object);
    if (status < 0 || over)
        return status;
    if (why == NEAP_EBROKEN)
        return broken(party->object);
    return neap__object_gave_up(party->object, why, "is broken now: not all "
                                "parties came");
}


int neap_barrier_wait(neap_barrier *barrier, int64_t deadline,
                      int64_t *ret_place)
{
    struct neap__object *object = &barrier->object;
    struct party party = {.object = object};
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (status == 0)
        status = neap__wait_for(seat, object->entry, come, &party, deadline);
    if (status < 0)
        return neap__object_gave_up(object, status, "is being reset");
    if (party.share) {
        status = neap__wait_for(seat, object->entry, look, &party, deadline);
        if (status < 0)
            status = leave(seat, &party, status);
        else
            neap__share_forget(party.share);
    }
    if (status == 0 && ret_place)
        *ret_place = party.place;
    return status;
}


/* -- breaking and mending ------------------------------------------------- */

static int change(neap_barrier *barrier, uint64_t add)
{
    struct neap__object *object = &barrier->object;
    struct neap_sh_entry *entry = object->entry;
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (status == 0)
        status = neap__lock_inside(seat, &entry->lock);
    if (status < 0)
        return status;
    bool waited_for = (uint32_t)atomic_load(&entry->value) > 0;
    neap__waking(seat, entry);
    if (neap__object_gone(object))
        status = neap__object_dropped(object);
    else if (add & RESETTING && !waited_for)
        atomic_store(&entry->returns, 0);
    else
        atomic_store(&entry->returns, atomic_load(&entry->returns) | add);
    neap__unlock(seat, &entry->lock);
    neap__woken(seat, entry, INT_MAX);
    return status;
}


int neap_barrier_abort(neap_barrier *barrier)
{
    return change(barrier, BROKEN);
}


int neap_barrier_reset(neap_barrier *barrier)
{
    return change(barrier, RESETTING | BROKEN);
}


int neap_barrier_status(neap_barrier *barrier, int64_t *ret_parties,
                        int64_t *ret_waiting, bool *ret_broken)
{
    struct neap__object *object = &barrier->object;
    struct neap_sh_entry *entry = object->entry;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    if (ret_parties)
        *ret_parties = (int64_t)atomic_load(&entry->limit);
    if (ret_waiting)
        *ret_waiting = (int64_t)(uint32_t)atomic_load(&entry->value);
    if (ret_broken)
        *ret_broken = atomic_load(&entry->returns) != 0;
    return 0;
}
