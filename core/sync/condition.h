/* A condition from inside, for the table of finishers. */
#ifndef NEAP_SYNC_CONDITION_H
#define NEAP_SYNC_CONDITION_H

#include "heap/object.h"
#include "neap/condition.h"
#include "recovery/redo.h"

/* A waiter died; `share` is what it had. */
void neap__condition_finish(struct neap__tx *tx, struct neap_sh_entry *entry,
                            uint64_t share);

#endif
