/* A mutex from inside, for the condition that gives it up and takes it
 * again. */
#ifndef NEAP_SYNC_MUTEX_H
#define NEAP_SYNC_MUTEX_H

#include "heap/object.h"
#include "neap/mutex.h"

struct neap_mutex {
    struct neap__object object;
};

/* Ours now; what the last owner left is news to this one.
 * @return 0; NEAP_ABANDONED; -EIDRM, unlocked again. */
int neap__mutex_take_over(struct neap__seat *seat,
                          const struct neap__object *object);

/* How often its owner, this thread, has locked it; 0 for a plain one. */
uint64_t neap__mutex_count(const struct neap__object *object);
void neap__mutex_set_count(const struct neap__object *object, uint64_t count);

#endif
