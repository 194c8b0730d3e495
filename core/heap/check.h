/* What the parts of the check have in common, see check.c. */
#ifndef NEAP_HEAP_CHECK_H
#define NEAP_HEAP_CHECK_H

#include "heap/heap.h"

typedef unsigned long long ull;

struct neap__walk {
    struct neap_heap *heap;
    struct neap_sh_header *header;
    neap_check_report *report;
    uint64_t extents_in_use; /* records that describe bytes */
    uint64_t extents_used;   /* of them, data of arrays */
    uint64_t arrays;
    uint64_t meta_bytes;     /* of meta chunks */
};

/* Count it, under its kind of the report, and write the sentence there. */
__attribute__((format(printf, 3, 4)))
void neap__problem(struct neap__walk *walk, uint64_t *kind, const char *format,
                   ...);

/* -- check_extents.c ------------------------------------------------------- */

/* Records, bins and bookkeeping: every byte is of one extent, every free one in
 * its bin. */
void neap__check_extents(struct neap__walk *walk);

#endif
