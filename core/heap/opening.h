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
    /* Fills a file that has no name yet, and attaches it. */
    int (*fill)(struct opening *o, int fd);
    const void *source;  /* of what it is filled with */
};

/* As neap_heap_open, for a heap that is not there and is filled so. */
int neap__opening_fill(const char *address, const neap_heap_options *options,
                       int (*fill)(struct opening *o, int fd),
                       const void *source, neap_heap **ret_heap);

/* Attach the heap that is in the file `fd`, which becomes its own or is closed.
 * Of the flags those that say how to open count. */
int neap__open_descriptor(const struct neap__address *address, int fd,
                          uint32_t flags, neap_heap **ret_heap);

/* For `fill`: map the file's `size` bytes, of which the reserve is the shape's;
 * then, when they are filled, be at home in it. */
int neap__opening_map_newborn(struct opening *o, int fd);
int neap__opening_settle_newborn(struct opening *o);

/* An attachment of that address, of nothing yet; NULL without memory. */
struct neap_heap *neap__opening_attach(const struct opening *o);

/* Take what there is of it apart; fine when there is nothing. */
void neap__opening_drop(struct opening *o);

/* Declare the owners dead that no kernel will mark: of a file from before the
 * last boot, or that is a copy. */
int neap__heap_mark_the_lost(struct neap_heap *heap);

/* @return -EEXIST, with its text. */
int neap__opening_exists(const struct opening *o);

/* @return 0; NEAP_CREATED; -errno, with nothing attached. */
int neap__open_sysv(struct opening *o);

#endif
