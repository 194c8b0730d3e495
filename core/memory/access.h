/* A mapping from inside, for the two files that share it. */
#ifndef NEAP_MEMORY_ACCESS_H
#define NEAP_MEMORY_ACCESS_H

#include "memory/ops.h"

struct neap_mapping {
    const struct neap__segment_ops *ops;
    char *address;       /* of its segment, for sentences */
    void *base;          /* what the kernel mapped (mapping.c, M1) */
    size_t base_length;
    uint8_t *data;       /* what was asked for */
    uint64_t length;
    bool read_only;      /* as the segment was opened: for ever */
    _Atomic int protection;
    _Atomic int references;
    _Atomic int views;   /* arrays over it */
};

#endif
