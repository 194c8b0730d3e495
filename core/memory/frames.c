/* The frames of overlays: what is in them, and when it is replaced; see
 * overlay.h. */
#include <string.h>

#include "memory/overlay.h"
#include "os/file.h"

#define FAULT_IN 65536 /* bytes */


static uint64_t end_of(const struct neap__frame *frame)
{
    return frame->start + frame->length;
}


/* -- writing back ---------------------------------------------------------- */

static int write_pages(struct neap_overlay *o, struct neap__frame *frame,
                       size_t first, size_t end)
{
    uint64_t from = first * o->page, to = end * o->page;
    if (to > frame->length)
        to = frame->length;
    const char *bytes = neap__frame_bytes(o, frame);
    int status = neap__file_write(o->fd, frame->start + from, bytes + from,
                                  to - from);
    if (status < 0)
        return neap__fail_why(status, "cannot write %llu bytes of an overlay "
                              "back to %s", (unsigned long long)(to - from),
                              o->address);
    memset(frame->pages + first, 0, end - first);
    o->stats.written += to - from;
    return 0;
}


int neap__frame_write_back(struct neap_overlay *o, struct neap__frame *frame)
{
    size_t pages = (frame->length + o->page - 1) / o->page, i = 0;
    while (frame->dirty && i < pages) {
        size_t first = i;
        while (i < pages && frame->pages[i])
            i++;
        int status = i > first ? write_pages(o, frame, first, i) : 0;
        if (status < 0)
            return status;
        i += i == first;
    }
    frame->dirty = false;
    return 0;
}


static void mark_dirty(struct neap_overlay *o, struct neap__frame *frame,
                       uint64_t offset, uint64_t length)
{
    if (!o->copy)
        return;
    size_t first = (offset - frame->start) / o->page;
    size_t last = (offset + length - 1 - frame->start) / o->page;
    memset(frame->pages + first, 1, last - first + 1);
    frame->dirty = true;
}


/* -- loading --------------------------------------------------------------- */

int neap__overlay_look_at_size(struct neap_overlay *o)
{
    struct neap__file_facts facts;
    int status = neap__file_facts(o->fd, &facts);
    if (status < 0)
        return neap__fail_why(status, "cannot look at %s", o->address);
    o->size = facts.size;
    return 0;
}


static void empty(struct neap_overlay *o, struct neap__frame *frame)
{
    if (!o->copy)
        neap__map_blank(neap__frame_bytes(o, frame), o->frame_size);
    frame->length = 0;
    frame->used = 0;
}


/* What the guard put in the place of pages that were gone is no part of the
 * segment: all shared frames are loaded anew, those in use once they are not.
 * (In a copy nothing is ever gone.) */
static int drop_spoiled(struct neap_overlay *o)
{
    for (uint32_t i = 0; i < o->count; i++) {
        if (o->frames[i].pins)
            o->frames[i].length = 0;
        else
            empty(o, &o->frames[i]);
    }
    return neap__overlay_look_at_size(o);
}


static int check_part(struct neap_overlay *o, uint64_t offset, uint64_t length,
                      bool write)
{
    int status = atomic_exchange(&o->spoiled, false) && !o->copy
                     ? drop_spoiled(o) : 0;
    if (write && o->read_only)
        return neap__fail(-EACCES, "cannot load a part of %s to write it: the "
                          "overlay is read-only", o->address);
    if (status == 0 && /* it may have grown */
        (offset > o->size || length > o->size - offset))
        status = neap__overlay_look_at_size(o);
    if (status == 0 && (length == 0 || offset > o->size ||
                        length > o->size - offset))
        return neap__fail(-EINVAL, "cannot load %llu bytes from byte %llu on: "
                          "%s has %llu bytes", (unsigned long long)length,
                          (unsigned long long)offset, o->address,
                          (unsigned long long)o->size);
    return status;
}


static bool has_part(const struct neap__frame *frame, uint64_t offset,
                     uint64_t length)
{
    return offset >= frame->start && offset + length <= end_of(frame) &&
           frame->length;
}


static struct neap__frame *find_part(struct neap_overlay *o, uint64_t offset,
                               uint64_t length)
{
    for (uint32_t i = 0; i < o->count; i++)
        if (has_part(&o->frames[i], offset, length))
            return &o->frames[i];
    return NULL;
}


/* Where the frame begins that takes this part. @return 0; -EINVAL. */
static int settle_start(const struct neap_overlay *o, uint64_t offset,
                        uint64_t length, uint64_t *ret_start)
{
    uint64_t start = offset / o->frame_size * o->frame_size;
    if (offset + length > start + o->frame_size)
        start = offset / o->page * o->page;
    if (offset + length > start + o->frame_size)
        return neap__fail(-EINVAL, "cannot load %llu bytes of %s at once: a "
                          "frame of the overlay has %zu; take fewer, or make "
                          "it with a larger zone or fewer frames",
                          (unsigned long long)length, o->address,
                          o->frame_size);
    *ret_start = start;
    return 0;
}


/* The frame that nobody uses, and that was used longest ago. */
static struct neap__frame *find_victim(struct neap_overlay *o)
{
    struct neap__frame *victim = NULL;
    for (uint32_t i = 0; i < o->count; i++) {
        struct neap__frame *frame = &o->frames[i];
        if (!frame->pins && (!victim || frame->used < victim->used))
            victim = frame;
    }
    return victim;
}


static int all_pinned(const struct neap_overlay *o)
{
    return neap__fail(-EBUSY, "cannot load another part of %s: all %u frames "
                      "of the overlay are in use; close parts, or arrays over "
                      "them, or make it with more frames", o->address,
                      o->count);
}


/* Keeps O4: parts that begin elsewhere may lie across others. */
static int clear_overlapping(struct neap_overlay *o, uint64_t start,
                             uint64_t length)
{
    for (uint32_t i = 0; o->copy && i < o->count; i++) {
        struct neap__frame *frame = &o->frames[i];
        if (!frame->length || frame->start >= start + length ||
            end_of(frame) <= start)
            continue;
        if (frame->pins)
            return neap__fail(-EBUSY, "cannot load bytes %llu to %llu of %s: "
                              "some of them are in use in another copy; close "
                              "that part first", (unsigned long long)start,
                              (unsigned long long)(start + length - 1),
                              o->address);
        int status = neap__frame_write_back(o, frame);
        if (status < 0)
            return status;
        empty(o, frame);
    }
    return 0;
}


static int read_copy(struct neap_overlay *o, struct neap__frame *frame,
                     uint64_t start, uint64_t length)
{
    char *bytes = neap__frame_bytes(o, frame);
    int status = neap__map_protect(bytes, o->frame_size,
                                   NEAP_PROT_READ | NEAP_PROT_WRITE);
    ssize_t n = status < 0 ? status
                           : neap__file_read(o->fd, start, bytes, length);
    if (n >= 0 && (uint64_t)n < length)
        n = -ENODATA; /* it became shorter just now */
    return n < 0 ? neap__fail_why((int)n, "cannot read %llu bytes of %s",
                                  (unsigned long long)length, o->address) : 0;
}


static int map_part(struct neap_overlay *o, struct neap__frame *frame,
                    uint64_t start, uint64_t length)
{
    char *bytes = neap__frame_bytes(o, frame);
    size_t whole = neap__round_up(length, o->page);
    int protection = NEAP_PROT_READ | (o->read_only ? 0 : NEAP_PROT_WRITE);
    int status = neap__map_replace(o->fd, start, whole, protection, bytes);
    if (status < 0)
        return neap__fail_why(status, "cannot map %llu bytes of %s",
                              (unsigned long long)length, o->address);
    if (whole < frame->length)
        neap__map_blank(bytes + whole, o->frame_size - whole);
    return 0;
}


static int fill(struct neap_overlay *o, struct neap__frame *frame,
                uint64_t start)
{
    uint64_t length = o->size - start < o->frame_size ? o->size - start
                                                      : o->frame_size;
    int status = neap__frame_write_back(o, frame);
    if (status == 0)
        status = clear_overlapping(o, start, length);
    if (status < 0)
        return status;
    bool had = frame->length;
    status = o->copy ? read_copy(o, frame, start, length)
                     : map_part(o, frame, start, length);
    if (status < 0) {
        empty(o, frame);
        return status;
    }
    frame->start = start;
    frame->length = length;
    o->stats.loads++;
    o->stats.replaced += had;
    o->stats.loaded += length;
    return 0;
}


static int bring(struct neap_overlay *o, uint64_t offset, uint64_t length,
                 struct neap__frame **ret_frame)
{
    uint64_t start = 0;
    struct neap__frame *frame = find_part(o, offset, length);
    if (frame) {
        o->stats.hits++;
        *ret_frame = frame;
        return 0;
    }
    int status = settle_start(o, offset, length, &start);
    if (status == 0)
        frame = find_victim(o);
    if (status == 0)
        status = frame ? fill(o, frame, start) : all_pinned(o);
    if (status == 0)
        *ret_frame = frame;
    return status;
}


/* Long parts are read from end to end: one call for all their pages is cheaper
 * than a fault for every sixteen. It is no failure if that cannot be. */
static void fault_in(struct neap_overlay *o, struct neap__frame *frame,
                     uint64_t offset, uint64_t length)
{
    uint64_t first = (offset - frame->start) / o->page * o->page;
    if (!o->copy && length >= FAULT_IN)
        (void)neap__map_prefault(neap__frame_bytes(o, frame) + first,
                                 offset - frame->start - first + length,
                                 false);
}


int neap__frame_load(struct neap_overlay *o, uint64_t offset, uint64_t length,
                     bool write, struct neap__frame **ret_frame)
{
    int status = check_part(o, offset, length, write);
    struct neap__frame *frame = &o->frames[o->last];
    if (status < 0)
        return status;
    if (NEAP__LIKELY(has_part(frame, offset, length)))
        o->stats.hits++;
    else if ((status = bring(o, offset, length, &frame)) < 0)
        return status;
    else
        fault_in(o, frame, offset, length);
    frame->used = ++o->clock;
    o->last = (uint32_t)(frame - o->frames);
    if (write)
        mark_dirty(o, frame, offset, length);
    *ret_frame = frame;
    return 0;
}
