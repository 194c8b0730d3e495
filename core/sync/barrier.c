/*
 * Barriers.
 *
 *   entry.value    phase << 32 | how many wait
 *   entry.limit    parties
 *   entry.returns  NEAP__BROKEN; NEAP__RESETTING while those who wait leave and
 *                  nobody may come; NEAP__ACTING while one of them runs its
 *                  action; NEAP__ONE_ACTOR for each of them that has one
 *   share.value    of each who waits: its phase + 1, NEAP__IS_ACTOR, NEAP__ACTS;
 *                  of each who joined a counted one NEAP_SH_MEMBER, too, for as
 *                  long as it is one
 *
 * All of it changes under the entry's lock in redo records. The last party to
 * come opens the next phase; the others then find that theirs is over and
 * forget their shares, which say of which phase they were and so mean nothing
 * any more. One who leaves without that, by time-out or signal, takes itself
 * out and breaks the barrier; one who dies does, too, or leaves one party less,
 * which may be what the others waited for.
 *
 * If one of them has an action the last to come is counted like the others, and
 * whoever finds that all are there and it has one runs it and opens the next
 * phase (action.c). Should it die another one may, if the barrier shrinks.
 */
#include "sync/barrier.h"

#include "recovery/reap.h"
#include "recovery/redo.h"
#include "recovery/share.h"
#include "recovery/spin.h"
#include "recovery/wait.h"


/* -- the handle ----------------------------------------------------------- */

static int check_wanted(const char *name, int64_t parties,
                        neap_barrier_kind kind)
{
    name = name ? name : "";
    if (parties < 0 || parties > NEAP__PARTIES_MAX)
        return neap__fail(-EINVAL, "barrier '%s': %lld parties; it can have 1 "
                          "to %d", name, (long long)parties,
                          NEAP__PARTIES_MAX);
    unsigned counted = (unsigned)kind & NEAP_BARRIER_COUNTED;
    unsigned other = (unsigned)kind & ~(unsigned)NEAP_BARRIER_COUNTED;
    if (other > NEAP_BARRIER_SHRINKS || (counted && !other))
        return neap__fail(-EINVAL, "barrier '%s': kind %d is none; it breaks "
                          "or shrinks, and its parties may be counted", name,
                          (int)kind);
    if (counted && parties)
        return neap__fail(-EINVAL, "barrier '%s': %lld parties of a counted "
                          "barrier; those that join are counted, so give none",
                          name, (long long)parties);
    return 0;
}


int neap_barrier_open_kind(neap_heap *heap, const char *name, int64_t parties,
                           neap_barrier_kind kind, neap_barrier **ret_barrier)
{
    int status = check_wanted(name, parties, kind);
    if (status < 0)
        return status;
    struct neap__wanted wanted = {
        .kind = NEAP_OBJECT_BARRIER,
        .variant = kind,
        .default_variant = NEAP_BARRIER_BREAKS,
        .limit = (uint64_t)parties,
        .must_exist = parties == 0 && !(kind & NEAP_BARRIER_COUNTED),
    };
    return neap__handle_open(heap, name, &wanted, sizeof(neap_barrier),
                             (void **)ret_barrier);
}


int neap_barrier_open(neap_heap *heap, const char *name, int64_t parties,
                      neap_barrier **ret_barrier)
{
    return neap_barrier_open_kind(heap, name, parties, NEAP_BARRIER_ANY,
                                  ret_barrier);
}


void neap_barrier_close(neap_barrier *barrier)
{
    neap__handle_close(barrier);
}


const char *neap_barrier_name(neap_barrier *barrier)
{
    return barrier->object.name;
}


neap_barrier_kind neap_barrier_kind_of(neap_barrier *barrier)
{
    return (neap_barrier_kind)barrier->object.variant;
}


void neap_barrier_set_action(neap_barrier *barrier, neap_barrier_action *action,
                             void *argument)
{
    barrier->action = action;
    barrier->argument = argument;
}


static int broken(const struct neap__object *object)
{
    return neap__fail(NEAP_EBROKEN, "heap %s: barrier '%s' is broken: a party "
                      "died, gave up or aborted it; reset it to go on",
                      object->heap->address.text, object->name);
}


/* -- coming --------------------------------------------------------------- */

static void open_next_phase(struct neap__tx *tx, struct neap_sh_entry *entry,
                            uint32_t phase)
{
    uint32_t next = NEAP__SABOTAGED(NEAP__WITHOUT_PHASE) ? phase : phase + 1;
    neap__tx_set(tx, &entry->value, (uint64_t)next << 32);
}


static int count_in(struct neap__seat *seat, struct neap__party *party)
{
    struct neap_sh_entry *entry = party->object->entry;
    uint64_t value = atomic_load(&entry->value);
    uint64_t flags = (party->share ? NEAP_SH_MEMBER : 0) |
                     (party->action ? NEAP__IS_ACTOR : 0);
    if (!party->share)
        party->share = neap__share_room(seat);
    if (!party->share)
        return neap__barrier_no_share(party->object);
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    neap__tx_set(&tx, &entry->value, value + 1);
    if (party->action)
        neap__tx_set(&tx, &entry->returns,
                     atomic_load(&entry->returns) + NEAP__ONE_ACTOR);
    neap__tx_set(&tx, &party->share->value,
                 ((uint64_t)party->phase + 1) | flags);
    neap__tx_set(&tx, &party->share->id, party->object->id);
    neap__tx_set(&tx, &party->share->entry,
                 neap__offset(party->object->heap, entry));
    party->counted = true;
    if (party->place <= 0 && !party->action) /* another one has to act */
        neap__waking(seat, entry);
    return neap__tx_commit(&tx);
}


/* Of a counted barrier only those who joined are parties, once each. */
static int find_membership(struct neap__seat *seat, struct neap__party *party)
{
    struct neap__object *object = party->object;
    party->share = neap__barrier_member(seat, object);
    if (!party->share)
        return neap__barrier_no_party(object);
    if (!neap__barrier_waits(object->entry, atomic_load(&party->share->value)))
        return 0;
    return neap__fail(-EDEADLK, "heap %s: this thread waits at barrier '%s' "
                      "already", object->heap->address.text, object->name);
}


/* All have come, and one of them acts; the next phase is not yet there. */
static int come_too_early(struct neap__seat *seat, struct neap__party *party)
{
    struct neap__object *object = party->object;
    struct neap_sh_share *share = neap__barrier_member(seat, object);
    if (!share || !(atomic_load(&share->value) & NEAP__ACTS))
        return -EBUSY;
    return neap__fail(-EDEADLK, "heap %s: this thread runs the action of "
                      "barrier '%s', which ends before the next wait begins",
                      object->heap->address.text, object->name);
}


/* It is the last, and did not seem to be: look for the dead first. */
#define LOOK_FIRST 1

/* @return 0 counted, or the last and done; LOOK_FIRST; -EBUSY being reset;
 * or all are there; NEAP_EBROKEN; -EIDRM; -EAGAIN; -EPERM; -EDEADLK. */
static int come_locked(struct neap__seat *seat, struct neap__party *party)
{
    struct neap__object *object = party->object;
    struct neap_sh_entry *entry = object->entry;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    int status = neap__barrier_is_counted(object)
                     ? find_membership(seat, party) : 0;
    if (status < 0)
        return status;
    uint64_t returns = atomic_load(&entry->returns);
    uint64_t value = atomic_load(&entry->value);
    if (returns & NEAP__UNUSABLE)
        return returns & NEAP__RESETTING ? -EBUSY : broken(object);
    if (returns & NEAP__ACTING || neap__barrier_due(entry))
        return come_too_early(seat, party);
    party->phase = (uint32_t)(value >> 32);
    party->place = (int64_t)(atomic_load(&entry->limit) - 1 - (uint32_t)value);
    if (party->place > 0)
        return count_in(seat, party);
    if (!party->looked && (uint32_t)value > 0)
        return LOOK_FIRST;
    if (party->action || returns)
        return count_in(seat, party);
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    open_next_phase(&tx, entry, party->phase);
    neap__waking(seat, entry);
    return neap__tx_commit(&tx);
}


/* Nobody opens the barrier for a party that is dead: whoever seems to be the
 * last to come looks for those first. */
static int look_for_dead_parties(struct neap__party *party)
{
    struct neap_sh_entry *entry = party->object->entry;
    uint64_t waiting = (uint32_t)atomic_load(&entry->value);
    if (waiting > 0 && waiting + 1 == atomic_load(&entry->limit))
        party->looked = true;
    int status = party->looked ? neap__reap(party->object->heap) : 0;
    return status < 0 ? status : 0;
}


static int try_to_come(struct neap__seat *seat, struct neap__party *party)
{
    struct neap_sh_lock *lock = &party->object->entry->lock;
    int status = look_for_dead_parties(party);
    if (status == 0)
        status = neap__lock_inside(seat, lock);
    if (status < 0)
        return status;
    status = come_locked(seat, party);
    neap__unlock(seat, lock);
    return status;
}


static int come(struct neap__seat *seat, void *argument)
{
    struct neap__party *party = argument;
    struct neap_sh_entry *entry = party->object->entry;
    int status = try_to_come(seat, party);
    if (status == LOOK_FIRST) { /* another one came in between */
        party->looked = true;
        status = try_to_come(seat, party);
    }
    if (status == 0 && party->place <= 0 && !party->action)
        neap__woken(seat, entry, INT_MAX);
    return status;
}


/* -- waiting, and leaving ------------------------------------------------- */

static bool is_over(const struct neap__party *party)
{
    return (uint32_t)(atomic_load(&party->object->entry->value) >> 32) !=
           party->phase;
}


/* It is this party's turn to act. */
#define DUE 1

static int look(struct neap__seat *seat, void *argument)
{
    struct neap__party *party = argument;
    (void)seat;
    if (neap__object_gone(party->object))
        return neap__object_dropped(party->object);
    if (is_over(party))
        return 0;
    if (atomic_load(&party->object->entry->returns) & NEAP__UNUSABLE)
        return NEAP_EBROKEN;
    return party->action && neap__barrier_due(party->object->entry) ? DUE
                                                                     : -EBUSY;
}


/* It is counted no more; a member stays one. */
static void forget_wait(struct neap__party *party)
{
    if (neap__barrier_is_counted(party->object))
        atomic_store_explicit(&party->share->value, NEAP_SH_MEMBER,
                              memory_order_relaxed);
    else
        neap__share_forget(party->share);
}


static int leave_locked(struct neap__seat *seat, struct neap__party *party)
{
    struct neap_sh_entry *entry = party->object->entry;
    struct neap_sh_share *share = party->share;
    uint64_t returns = neap__barrier_without(atomic_load(&entry->returns),
                                             atomic_load(&share->value));
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    neap__barrier_set_waiting(&tx, entry,
                              (uint32_t)atomic_load(&entry->value) - 1,
                              atomic_load(&entry->limit),
                              returns | NEAP__BROKEN);
    if (neap__barrier_is_counted(party->object)) {
        neap__tx_set(&tx, &share->value, NEAP_SH_MEMBER);
    } else {
        neap__tx_set(&tx, &share->entry, 0);
        neap__tx_set(&tx, &share->id, 0);
        neap__tx_set(&tx, &share->value, 0);
    }
    neap__waking(seat, entry);
    return neap__tx_commit(&tx);
}


/* All are there, and only the action is waited for: who is late now is not the
 * others' fault, and they not his. */
static bool waits_for_action(const struct neap_sh_entry *entry)
{
    uint64_t returns = atomic_load(&entry->returns);
    return !(returns & NEAP__UNUSABLE) &&
           (returns & NEAP__ACTING || neap__barrier_due(entry));
}


/* Too late to be too late. */
#define STAYS 2

/* Its wait ended with `why`; it may be that the phase did, too, meanwhile. */
static int leave(struct neap__seat *seat, struct neap__party *party, int why)
{
    struct neap_sh_entry *entry = party->object->entry;
    int status = neap__lock_inside(seat, &entry->lock);
    if (status < 0)
        return status;
    bool gone = neap__object_gone(party->object), over = is_over(party);
    bool late = why == -ETIMEDOUT || why == -EBUSY;
    bool stays = late && !gone && !over && waits_for_action(entry);
    if (gone || over)
        forget_wait(party);
    else if (!stays)
        status = leave_locked(seat, party);
    neap__unlock(seat, &entry->lock);
    if (stays)
        return STAYS;
    neap__woken(seat, entry, INT_MAX);
    if (gone)
        return neap__object_dropped(party->object);
    if (status < 0 || over)
        return status;
    if (why == NEAP_EBROKEN)
        return broken(party->object);
    if (party->acts)
        return neap__fail(why, "heap %s: barrier '%s' is broken now: its action "
                          "failed (%d); reset it to go on",
                          party->object->heap->address.text,
                          party->object->name, why);
    return neap__object_gave_up(party->object, why, "is broken now: not all "
                                "parties came");
}


/* Wait, and go on after a signal if whoever waits says so: it stays counted
 * meanwhile. It may have used other heaps then, so its seat is looked up. */
static int wait_through(neap__attempt *attempt, struct neap__party *party)
{
    struct neap__seat *seat;
    int status;
    do {
        status = neap__seat(party->object->heap, &seat);
        if (status == 0)
            status = neap__wait_for(seat, party->object->entry, attempt, party,
                                    party->deadline);
    } while (status == -EINTR && party->goes_on &&
             party->goes_on(party->argument));
    return status;
}


/* As long as has been worth it for this barrier of late. */
static int look_spinning(struct neap__party *party)
{
    struct neap__patience patience = neap__patience_begin(party->object->entry,
                             party->object->spin);
    int status = -EBUSY;
    while (status == -EBUSY && neap__patience(&patience))
        status = look(NULL, party);
    neap__patience_end(&patience, status != -EBUSY);
    return status;
}


/* Counted, until the phase is over. */
static int wait_until_over(struct neap__party *party)
{
    int status;
    do {
        status = party->deadline != NEAP_NOW ? look_spinning(party) : -EBUSY;
        if (status == -EBUSY)
            status = wait_through(look, party);
    }
    while (status == DUE && (status = neap__barrier_act(party)) == -EBUSY);
    if (status == 0) {
        forget_wait(party);
        return 0;
    }
    if (status == -EPERM) /* a child's, in which nothing is counted */
        return status;
    struct neap__seat *seat;
    int again = neap__seat(party->object->heap, &seat);
    return again < 0 ? again : leave(seat, party, status);
}


static int wait_for_others(struct neap__party *party)
{
    int status = wait_until_over(party);
    if (status == STAYS) {
        party->deadline = NEAP_FOREVER;
        status = wait_until_over(party);
    }
    return status;
}


int neap_barrier_wait_through(neap_barrier *barrier, int64_t deadline,
                              neap_goes_on *goes_on, void *argument,
                              int64_t *ret_place)
{
    struct neap__object *object = &barrier->object;
    struct neap__party party = {.object = object, .deadline = deadline,
                          .goes_on = goes_on, .argument = argument,
                          .action = barrier->action,
                          .action_argument = barrier->argument};
    int status = wait_through(come, &party);
    if (status < 0)
        return neap__object_gave_up(object, status, "is being reset, or its "
                                    "action runs");
    if (party.counted)
        status = wait_for_others(&party);
    if (status == 0 && ret_place)
        *ret_place = party.place;
    return status;
}


int neap_barrier_wait(neap_barrier *barrier, int64_t deadline,
                      int64_t *ret_place)
{
    return neap_barrier_wait_through(barrier, deadline, NULL, NULL, ret_place);
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
    else if (add & NEAP__RESETTING && !waited_for)
        atomic_store(&entry->returns, 0);
    else
        atomic_store(&entry->returns, atomic_load(&entry->returns) | add);
    neap__unlock(seat, &entry->lock);
    neap__woken(seat, entry, INT_MAX);
    return status;
}


int neap_barrier_abort(neap_barrier *barrier)
{
    return change(barrier, NEAP__BROKEN);
}


int neap_barrier_reset(neap_barrier *barrier)
{
    return change(barrier, NEAP__RESETTING | NEAP__BROKEN);
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
        *ret_broken = atomic_load(&entry->returns) & NEAP__UNUSABLE;
    return 0;
}
