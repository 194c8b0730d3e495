/*
 * Overlays from inside, see neap/overlay.h: overlay.c makes them and gives
 * parts of them, frames.c has what is in their frames.
 *
 * O1  All that changes is under `mutex`, which is never held while anything
 *     else is waited for but the disk.
 * O2  The zone is this overlay's from its making to its end: a frame without a
 *     part is pages that nobody may touch, never a hole that others could map.
 * O3  A frame with pins is not replaced. Each part that was loaded as a mapping
 *     is a pin, and a reference to the overlay, whose end waits for the last.
 * O4  In copies no byte of the segment is in two frames.
 * O5  A fork waits until no mutex is held: a child finds whole frames.
 */
#ifndef NEAP_MEMORY_OVERLAY_H
#define NEAP_MEMORY_OVERLAY_H

#include <pthread.h>

#include "memory/memory.h"
#include "neap/overlay.h"

struct neap__frame {
    uint64_t start, length; /* of the segment; length 0: nothing in it */
    uint64_t used;          /* when last, on the overlay's clock */
    uint32_t pins;
    bool dirty;
    uint8_t *pages;         /* copies: 1 for each page that was changed */
};

struct neap_overlay {
    pthread_mutex_t mutex;
    struct neap_overlay *next; /* of this process */
    _Atomic uint32_t references;
    int fd;
    char *address;          /* of the segment */
    bool read_only, copy;
    char *zone;
    int watched;            /* by the guard */
    _Atomic bool spoiled;   /* it replaced pages of a frame */
    size_t page, frame_size;
    uint32_t count, last;   /* frames; the one that was used last */
    uint64_t size;          /* of the segment, at the last look */
    uint64_t clock;
    neap_overlay_stats stats;
    struct neap__frame *frames;
};

/* What mappings know: a part that was closed leaves its frame. */
void neap__overlay_leave(struct neap_overlay *overlay, uint32_t frame);

/* -- frames.c: under the mutex --------------------------------------------- */

static inline char *neap__frame_bytes(const struct neap_overlay *o,
                                      const struct neap__frame *frame)
{
    return o->zone + (size_t)(frame - o->frames) * o->frame_size;
}

/* The frame with that part in it, loaded if need be. @return as
 * neap_overlay_load. */
int neap__frame_load(struct neap_overlay *o, uint64_t offset, uint64_t length,
                     bool write, struct neap__frame **ret_frame);

/* Of a copy. What fails stays to be written. @return 0; -errno. */
int neap__frame_write_back(struct neap_overlay *o, struct neap__frame *frame);

int neap__overlay_look_at_size(struct neap_overlay *o);

#endif
