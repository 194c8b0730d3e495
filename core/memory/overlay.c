/*
 * Overlays, see neap/overlay.h.
 *
 * O1  All that changes is under `mutex`, which is never held while anything else
 *     is waited for but the disk.
 * O2  The zone is this overlay's from its making to its end: a frame without a
 *     part is pages that nobody may touch, never a hole that others could map.
 * O3  A frame with pins is not replaced. Each part that was loaded as a mapping
 *     is a pin, and a reference to the overlay, whose end waits for the last.
 * O4  In copies no byte of the segment is in two frames.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "memory/access.h"
#include "memory/overlay.h"
#include "neap/overlay.h"
#include "os/fault.h"

#define DEFAULT_ZONE (UINT64_C(64) << 20)
#define DEFAULT_FRAMES 8
#define MOST_FRAMES 4096
#define LARGEST_ZONE (UINT64_C(1) << 46)
#define FAULT_IN 65536 /* bytes */

struct frame {
    uint64_t start, length; /* of the segment; length 0: nothing in it */
    uint64_t used;          /* when last, on the overlay's clock */
    uint32_t pins;
    bool dirty;
    uint8_t *pages;         /* copies: 1 for each page that was changed */
};

struct neap_overlay {
    pthread_mutex_t mutex;
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
    struct frame *frames;
};


static char *bytes_of(const struct neap_overlay *o, const struct frame *frame)
{
    return o->zone + (size_t)(frame - o->frames) * o->frame_size;
}


static uint64_t end_of(const struct frame *frame)
{
    return frame->start + frame->length;
}


/* -- writing back ---------------------------------------------------------- */

static int write_pages(struct neap_overlay *o, struct frame *frame,
                       size_t first, size_t end)
{
    uint64_t from = first * o->page, to = end * o->page;
    if (to > frame->length)
        to = frame->length;
    int status = neap__file_write(o->fd, frame->start + from,
                                  bytes_of(o, frame) + from, to - from);
    if (status < 0)
        return neap__fail_why(status, "cannot write %llu bytes of an overlay "
                              "back to %s", (unsigned long long)(to - from),
                              o->address);
    memset(frame->pages + first, 0, end - first);
    o->stats.written += to - from;
    return 0;
}


/* What fails stays dirty. */
static int write_back(struct neap_overlay *o, struct frame *frame)
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


static void mark_dirty(struct neap_overlay *o, struct frame *frame,
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

static int look_at_size(struct neap_overlay *o)
{
    struct neap__file_facts facts;
    int status = neap__file_facts(o->fd, &facts);
    if (status < 0)
        return neap__fail_why(status, "cannot look at %s", o->address);
    o->size = facts.size;
    return 0;
}


static void empty(struct neap_overlay *o, struct frame *frame)
{
    if (!o->copy)
        neap__map_blank(bytes_of(o, frame), o->frame_size);
    frame->length = 0;
    frame->used = 0;
}


/* What the guard put in the place of pages that were gone is no part of the
 * segment: all shared frames are loaded anew, those in use once they are not. (In
 * a copy nothing is ever gone.) */
static int drop_spoiled(struct neap_overlay *o)
{
    for (uint32_t i = 0; i < o->count; i++) {
        if (o->frames[i].pins)
            o->frames[i].length = 0;
        else
            empty(o, &o->frames[i]);
    }
    return look_at_size(o);
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
        status = look_at_size(o);
    if (status == 0 && (length == 0 || offset > o->size ||
                        length > o->size - offset))
        return neap__fail(-EINVAL, "cannot load %llu bytes from byte %llu on: "
                          "%s has %llu bytes", (unsigned long long)length,
                          (unsigned long long)offset, o->address,
                          (unsigned long long)o->size);
    return status;
}


static bool has_part(const struct frame *frame, uint64_t offset,
                     uint64_t length)
{
    return offset >= frame->start && offset + length <= end_of(frame) &&
           frame->length;
}


static struct frame *find_part(struct neap_overlay *o, uint64_t offset,
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
static struct frame *find_victim(struct neap_overlay *o)
{
    struct frame *victim = NULL;
    for (uint32_t i = 0; i < o->count; i++) {
        struct frame *frame = &o->frames[i];
        if (!frame->pins && (!victim || frame->used < victim->used))
            victim = frame;
    }
    return victim;
}


static int all_pinned(const struct neap_overlay *o)
{
    return neap__fail(-EBUSY, "cannot load another part of %s: all %u frames of "
                      "the overlay are in use; close parts, or arrays over "
                      "them, or make it with more frames", o->address,
                      o->count);
}


/* Keeps O4: parts that begin elsewhere may lie across others. */
static int clear_overlapping(struct neap_overlay *o, uint64_t start,
                             uint64_t length)
{
    for (uint32_t i = 0; o->copy && i < o->count; i++) {
        struct frame *frame = &o->frames[i];
        if (!frame->length || frame->start >= start + length ||
            end_of(frame) <= start)
            continue;
        if (frame->pins)
            return neap__fail(-EBUSY, "cannot load bytes %llu to %llu of %s: "
                              "some of them are in use in another copy; close "
                              "that part first", (unsigned long long)start,
                              (unsigned long long)(start + length - 1),
                              o->address);
        int status = write_back(o, frame);
        if (status < 0)
            return status;
        empty(o, frame);
    }
    return 0;
}


static int read_copy(struct neap_overlay *o, struct frame *frame,
                     uint64_t start, uint64_t length)
{
    char *bytes = bytes_of(o, frame);
    int status = neap__map_protect(bytes, o->frame_size,
                                   NEAP_PROT_READ | NEAP_PROT_WRITE);
    ssize_t n = status < 0 ? status
                           : neap__file_read(o->fd, start, bytes, length);
    if (n >= 0 && (uint64_t)n < length)
        n = -ENODATA; /* it became shorter just now */
    return n < 0 ? neap__fail_why((int)n, "cannot read %llu bytes of %s",
                                  (unsigned long long)length, o->address) : 0;
}


static int map_part(struct neap_overlay *o, struct frame *frame, uint64_t start,
                    uint64_t length)
{
    char *bytes = bytes_of(o, frame);
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


static int fill(struct neap_overlay *o, struct frame *frame, uint64_t start)
{
    uint64_t length = o->size - start < o->frame_size ? o->size - start
                                                      : o->frame_size;
    int status = write_back(o, frame);
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
                 struct frame **ret_frame)
{
    uint64_t start = 0;
    struct frame *frame = find_part(o, offset, length);
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
static void fault_in(struct neap_overlay *o, struct frame *frame,
                     uint64_t offset, uint64_t length)
{
    uint64_t first = (offset - frame->start) / o->page * o->page;
    if (!o->copy && length >= FAULT_IN)
        (void)neap__map_prefault(bytes_of(o, frame) + first,
                                 offset - frame->start - first + length,
                                 false);
}


/* Under the mutex. */
static int load(struct neap_overlay *o, uint64_t offset, uint64_t length,
                bool write, struct frame **ret_frame)
{
    int status = check_part(o, offset, length, write);
    struct frame *frame = &o->frames[o->last];
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


int neap_overlay_at(neap_overlay *o, uint64_t offset, uint64_t length,
                    bool write, void **ret_bytes)
{
    struct frame *frame = NULL;
    pthread_mutex_lock(&o->mutex);
    int status = load(o, offset, length, write, &frame);
    pthread_mutex_unlock(&o->mutex);
    if (status == 0)
        *ret_bytes = bytes_of(o, frame) + (offset - frame->start);
    return status;
}


int neap_overlay_read(neap_overlay *o, uint64_t offset, neap_type type,
                      neap_value *ret_value)
{
    size_t size = neap_type_size(type);
    void *element;
    int status = size ? neap_overlay_at(o, offset, size, false, &element)
                      : neap__value_no_type(type);
    if (status == 0)
        *ret_value = neap__value_of(type, element);
    return status;
}


/* What the type cannot hold must not mark a page. */
int neap_overlay_write(neap_overlay *o, uint64_t offset, neap_type type,
                       neap_value value)
{
    char element[16];
    size_t size = neap_type_size(type);
    void *there;
    int status = size ? neap__value_store(type, value, element)
                      : neap__value_no_type(type);
    if (status == 0)
        status = neap_overlay_at(o, offset, size, true, &there);
    if (status == 0)
        memcpy(there, element, size);
    return status;
}


/* -- parts as mappings ----------------------------------------------------- */

/* Keeps O3. */
static struct neap_mapping *make_part(struct neap_overlay *o,
                                      struct frame *frame, uint64_t offset,
                                      uint64_t length, bool write)
{
    struct neap_mapping *part = calloc(1, sizeof *part);
    char *address = strdup(o->address);
    if (!part || !address) {
        free(part);
        free(address);
        return NULL;
    }
    size_t in_page = (offset - frame->start) % o->page;
    part->address = address;
    part->data = (uint8_t *)bytes_of(o, frame) + (offset - frame->start);
    part->base = part->data - in_page;
    part->base_length = neap__round_up(in_page + length, o->page);
    part->length = length;
    part->read_only = !write;
    part->overlay = o;
    part->watched = -1; /* the zone is */
    part->frame = (uint32_t)(frame - o->frames);
    atomic_init(&part->protection,
                NEAP_PROT_READ | (write ? NEAP_PROT_WRITE : 0));
    atomic_init(&part->references, 1);
    frame->pins++;
    atomic_fetch_add(&o->references, 1);
    return part;
}


int neap_overlay_load(neap_overlay *o, uint64_t offset, uint64_t length,
                      bool write, neap_mapping **ret_part)
{
    struct frame *frame = NULL;
    pthread_mutex_lock(&o->mutex);
    int status = load(o, offset, length, write, &frame);
    struct neap_mapping *part =
        status < 0 ? NULL : make_part(o, frame, offset, length, write);
    pthread_mutex_unlock(&o->mutex);
    if (status == 0 && !part)
        return neap__fail_why(-ENOMEM, "cannot load a part of %s", o->address);
    if (status == 0)
        *ret_part = part;
    return status;
}


static void release(struct neap_overlay *o)
{
    if (atomic_fetch_sub(&o->references, 1) > 1)
        return;
    int status = neap_overlay_flush(o, false);
    (void)status; /* who wants to know has flushed it */
    neap__fault_forget(o->watched);
    neap__map_remove(o->zone, o->count * o->frame_size);
    neap__file_close(o->fd);
    pthread_mutex_destroy(&o->mutex);
    free(o->frames[0].pages);
    free(o->frames);
    free(o->address);
    free(o);
}


void neap__overlay_leave(struct neap_overlay *o, uint32_t frame)
{
    pthread_mutex_lock(&o->mutex);
    o->frames[frame].pins--;
    pthread_mutex_unlock(&o->mutex);
    release(o);
}


/* -- making and looking ---------------------------------------------------- */

static int check_options(const neap_segment *segment,
                         const neap_overlay_options *options, size_t page)
{
    const char *name = segment ? segment->address->text : "";
    if (!segment)
        return neap__fail(NEAP_ECLOSED, "cannot overlay a segment whose handle "
                          "is closed: open it again");
    if (segment->fd < 0)
        return neap__fail(-ENOTSUP, "cannot overlay %s: %s segments have no "
                          "descriptor from which parts could be mapped; posix, "
                          "file and memfd segments have", name,
                          neap_kind_name(segment->ops->kind));
    if (options->frames > MOST_FRAMES)
        return neap__fail(-EINVAL, "cannot overlay %s with %u frames: 1 to %d "
                          "can be", name, options->frames, MOST_FRAMES);
    if (options->zone > LARGEST_ZONE)
        return neap__fail(-EINVAL, "cannot overlay %s with a zone of %llu "
                          "bytes: that is more than there are addresses", name,
                          (unsigned long long)options->zone);
    if ((uintptr_t)options->address % page)
        return neap__fail(-EINVAL, "cannot overlay %s at %p: an address is a "
                          "multiple of the page, %zu", name, options->address,
                          page);
    return 0;
}


static int reserve_zone(struct neap_overlay *o, void *address)
{
    void *zone = NULL;
    size_t size = o->count * o->frame_size;
    int status = neap__map_zone(address, size, &zone);
    if (status == -EEXIST)
        return neap__fail(status, "cannot overlay %s at %p: the %zu bytes from "
                          "there are not free; choose another address, or "
                          "none", o->address, address, size);
    if (status < 0)
        return neap__fail_why(status, "cannot reserve %zu bytes for an overlay "
                              "of %s", size, o->address);
    o->zone = zone;
    o->watched = neap__fault_watch(zone, size, o->frame_size, o->address,
                                   &o->spoiled, false);
    return 0;
}


static int make_frames(struct neap_overlay *o)
{
    size_t pages = o->frame_size / o->page;
    o->frames = calloc(o->count, sizeof *o->frames);
    uint8_t *map = o->frames ? calloc(o->copy ? o->count * pages : 1, 1) : NULL;
    if (!map)
        return neap__fail_why(-ENOMEM, "cannot overlay %s", o->address);
    o->frames[0].pages = map; /* of all */
    for (uint32_t i = 0; o->copy && i < o->count; i++)
        o->frames[i].pages = map + i * pages;
    return 0;
}


static int set_up(struct neap_overlay *o, neap_segment *segment,
                  const neap_overlay_options *options)
{
    uint64_t zone = options->zone ? options->zone : DEFAULT_ZONE;
    o->page = neap__page_size();
    o->count = options->frames ? options->frames : DEFAULT_FRAMES;
    o->frame_size = neap__round_up((zone + o->count - 1) / o->count, o->page);
    o->read_only = options->read_only || segment->read_only;
    o->copy = options->copy;
    o->stats.frames = o->count;
    o->address = strdup(neap_segment_address(segment));
    o->fd = neap__file_duplicate(segment->fd);
    if (!o->address || o->fd < 0)
        return neap__fail_why(o->fd < 0 ? o->fd : -ENOMEM, "cannot overlay %s",
                              segment->address->text);
    int status = look_at_size(o);
    if (status == 0)
        status = make_frames(o);
    return status < 0 ? status : reserve_zone(o, options->address);
}


static void undo(struct neap_overlay *o)
{
    if (o->fd >= 0)
        neap__file_close(o->fd);
    free(o->frames ? o->frames[0].pages : NULL);
    free(o->frames);
    free(o->address);
    free(o);
}


int neap_overlay_open(neap_segment *segment,
                      const neap_overlay_options *options,
                      neap_overlay **ret_overlay)
{
    static const neap_overlay_options defaults;
    options = options ? options : &defaults;
    int status = check_options(segment, options, neap__page_size());
    if (status < 0)
        return status;
    struct neap_overlay *o = calloc(1, sizeof *o);
    if (!o)
        return neap__fail_why(-ENOMEM, "cannot make an overlay");
    status = set_up(o, segment, options);
    if (status < 0) {
        undo(o);
        return status;
    }
    pthread_mutex_init(&o->mutex, NULL);
    atomic_init(&o->references, 1);
    *ret_overlay = o;
    return 0;
}


void neap_overlay_close(neap_overlay *o)
{
    if (o)
        release(o);
}


static int sync_parts(struct neap_overlay *o)
{
    int status = neap__file_sync(o->fd);
    return status < 0 ? neap__fail_why(status, "cannot write %s to the disk",
                                       o->address) : 0;
}


int neap_overlay_flush(neap_overlay *o, bool sync)
{
    int status = 0;
    pthread_mutex_lock(&o->mutex);
    for (uint32_t i = 0; i < o->count; i++) {
        int one = o->copy ? write_back(o, &o->frames[i]) : 0;
        if (one < 0)
            status = one;
    }
    pthread_mutex_unlock(&o->mutex);
    return status == 0 && sync ? sync_parts(o) : status;
}


void neap_overlay_look(neap_overlay *o, neap_overlay_stats *ret_stats)
{
    pthread_mutex_lock(&o->mutex);
    *ret_stats = o->stats;
    for (uint32_t i = 0; i < o->count; i++) {
        ret_stats->used += o->frames[i].length > 0;
        ret_stats->pinned += o->frames[i].pins > 0;
    }
    pthread_mutex_unlock(&o->mutex);
}


int neap_overlay_size(neap_overlay *o, uint64_t *ret_size)
{
    pthread_mutex_lock(&o->mutex);
    int status = look_at_size(o);
    uint64_t size = o->size;
    pthread_mutex_unlock(&o->mutex);
    if (status == 0)
        *ret_size = size;
    return status;
}


const char *neap_overlay_address(neap_overlay *o)
{
    return o->address;
}


void *neap_overlay_zone(neap_overlay *o)
{
    return o->zone;
}


uint64_t neap_overlay_zone_size(neap_overlay *o)
{
    return o->count * o->frame_size;
}


uint64_t neap_overlay_frame_size(neap_overlay *o)
{
    return o->frame_size;
}


bool neap_overlay_read_only(neap_overlay *o)
{
    return o->read_only;
}
