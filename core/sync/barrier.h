/* A barrier from inside: its parties, and what the table of finishers wants. */
#ifndef NEAP_SYNC_BARRIER_H
#define NEAP_SYNC_BARRIER_H

#include "heap/object.h"
#include "neap/barrier.h"
#include "recovery/redo.h"

#define NEAP__PARTIES_MAX 65535

/* In entry.returns. */
#define NEAP__BROKEN UINT64_C(1)
#define NEAP__RESETTING (UINT64_C(1) << 32)
#define NEAP__UNUSABLE (NEAP__BROKEN | NEAP__RESETTING)
#define NEAP__ACTING (UINT64_C(1) << 33)   /* one party runs its action */
#define NEAP__ONE_ACTOR (UINT64_C(1) << 40) /* of those who wait, has one */

/* In the share of one who waits; above what says of which phase. */
#define NEAP__IS_ACTOR (UINT64_C(1) << 41)
#define NEAP__ACTS (UINT64_C(1) << 42)

struct neap_barrier {
    struct neap__object object;
    neap_barrier_action *action; /* or NULL */
    void *argument;
};

/* One party's wait. */
struct neap__party {
    struct neap__object *object;
    int64_t deadline;
    neap_goes_on *goes_on; /* asked after a signal, NULL: no */
    void *argument;
    neap_barrier_action *action;
    void *action_argument;
    struct neap_sh_share *share; /* in which it is counted, or was */
    bool counted;                /* it waits for others */
    bool looked;                 /* for dead parties, before it came */
    bool acts;                   /* it began its action */
    uint32_t phase;
    int64_t place;
};

/* What is left in entry.returns when the one that has this share waits no more:
 * if it acts, another one may. */
NEAP__INLINE uint64_t neap__barrier_without(uint64_t returns, uint64_t share)
{
    if (share & NEAP__ACTS)
        returns &= ~NEAP__ACTING;
    return share & NEAP__IS_ACTOR && returns >= NEAP__ONE_ACTOR
               ? returns - NEAP__ONE_ACTOR : returns;
}

/* All are there, and who of them has an action is to run it? */
NEAP__INLINE bool neap__barrier_due(const struct neap_sh_entry *entry)
{
    uint64_t returns = atomic_load(&entry->returns);
    uint32_t waiting = (uint32_t)atomic_load(&entry->value);
    return returns >= NEAP__ONE_ACTOR &&
           !(returns & (NEAP__UNUSABLE | NEAP__ACTING)) && waiting > 0 &&
           waiting >= atomic_load(&entry->limit);
}

/* Run the party's action, and open the next phase. @return 0; -EBUSY another
 * one does; NEAP_EBROKEN it broke meanwhile; -EIDRM; -EPERM this is a child
 * that was forked meanwhile; what the action returned. */
int neap__barrier_act(struct neap__party *party);

NEAP__INLINE bool neap__barrier_is_counted(const struct neap__object *object)
{
    return object->variant & NEAP_BARRIER_COUNTED;
}

/* Does the party that has this share wait in the present phase? */
bool neap__barrier_waits(const struct neap_sh_entry *entry, uint64_t share);

/* So many wait now, fewer than before, for so many parties. The last to leave
 * ends a reset; those who are left may be all that there are. Under the entry's
 * lock. */
void neap__barrier_set_waiting(struct neap__tx *tx, struct neap_sh_entry *entry,
                               uint32_t waiting, uint64_t limit,
                               uint64_t returns);

/* What this thread has of a counted one, NULL if it has not joined. */
struct neap_sh_share *neap__barrier_member(struct neap__seat *seat,
                                           const struct neap__object *object);

/* @return -EPERM, with its text. */
int neap__barrier_no_party(const struct neap__object *object);
/* @return -EAGAIN, likewise. */
int neap__barrier_no_share(const struct neap__object *object);

/* A party died; `share` is what it had. */
void neap__barrier_finish(struct neap__tx *tx, struct neap_sh_entry *entry,
                          uint64_t share);

#endif
