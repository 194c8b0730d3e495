/* A barrier from inside, for the table of finishers. */
#ifndef NEAP_SYNC_BARRIER_H
#define NEAP_SYNC_BARRIER_H

#include "recovery/redo.h"

/* A party died; `share` is the phase in which it waited, plus 1. */
void neap__barrier_finish(struct neap__tx *tx, struct neap_sh_entry *entry,
                          uint64_t share);

#endif
