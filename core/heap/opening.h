/*
 * One call of neap_heap_open on its way: what was asked for, and what there is
 * of the attachment.
 */
#ifndef NEAP_OPENING_H
#define NEAP_OPENING_H

#include "heap/heap.h"

struct opening {
    struct neap__address address;
    struct neap__shape shape;
    uint32_t flags, mode;
    bool unnamed;        /* a memfd of this process */
    struct neap_heap *heap;
};

/* An attachment of that address, of nothing yet; NULL without memory. */
struct neap_heap *neap__opening_attach(const struct opening *o);

/* Take what there is of it apart; fine when there is nothing. */
void neap__opening_drop(struct opening *o);

/* @return -EEXIST, with its text. */
int neap__opening_exists(const struct opening *o);

/* @return 0; NEAP_CREATED; -errno, with nothing attached. */
int neap__open_sysv(struct opening *o);

#endif
