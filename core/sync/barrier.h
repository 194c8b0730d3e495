/* A barrier from inside: its parties, and what the table of finishers wants. */
#ifndef NEAP_SYNC_BARRIER_H
#define NEAP_SYNC_BARRIER_H

#include "heap/object.h"
#include "neap/barrier.h"
#include "recovery/redo.h"

#define NEAP__PARTIES_MAX 65535

/* In entry.returns. */
#define NEAP__RESETTING (UINT64_C(1) << 32)
#define NEAP__BROKEN UINT64_C(1)

struct neap_barrier {
    struct neap__object object;
};

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
