/* Overlays: their making, their parts, and their end; see overlay.h. */
#include <stdlib.h>
#include <string.h>

#include "memory/access.h"
#include "memory/overlay.h"
#include "os/fault.h"
#include "os/huge.h"

#define DEFAULT_ZONE (UINT64_C(64) << 20)
#define DEFAULT_FRAMES 8
#define MOST_FRAMES 4096
#define LARGEST_ZONE (UINT64_C(1) << 46)

/* All of this process. Its mutex is taken before those of overlays. */
static struct neap_overlay *overlays;
static pthread_mutex_t listing = PTHREAD_MUTEX_INITIALIZER;


/* -- forks ----------------------------------------------------------------- */

/* A thread that is not in the child would hold its mutex there for ever, with
 * frames half changed. So none holds one while there is a fork; O1 says that
 * this is not long. */
static void before_fork(void)
{
    pthread_mutex_lock(&listing);
    for (struct neap_overlay *o = overlays; o; o = o->next)
        pthread_mutex_lock(&o->mutex);
}


static void after_fork(void)
{
    for (struct neap_overlay *o = overlays; o; o = o->next)
        pthread_mutex_unlock(&o->mutex);
    pthread_mutex_unlock(&listing);
}


static void prepare_forks(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
}


static void list(struct neap_overlay *o)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare_forks);
    pthread_mutex_lock(&listing);
    o->next = overlays;
    overlays = o;
    pthread_mutex_unlock(&listing);
}


static void unlist(struct neap_overlay *o)
{
    pthread_mutex_lock(&listing);
    struct neap_overlay **at = &overlays;
    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
    pthread_mutex_unlock(&listing);
}


/* -- bytes of it ----------------------------------------------------------- */

int neap_overlay_at(neap_overlay *o, uint64_t offset, uint64_t length,
                    bool write, void **ret_bytes)
{
    struct neap__frame *frame = NULL;
    pthread_mutex_lock(&o->mutex);
    int status = neap__frame_load(o, offset, length, write, &frame);
    pthread_mutex_unlock(&o->mutex);
    if (status == 0)
        *ret_bytes = neap__frame_bytes(o, frame) + (offset - frame->start);
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
                                      struct neap__frame *frame,
                                      uint64_t offset, uint64_t length,
                                      bool write)
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
    part->data = (uint8_t *)neap__frame_bytes(o, frame) +
                 (offset - frame->start);
    part->base = part->data - in_page;
    part->base_length = neap__round_up(in_page + length, o->page);
    part->page = o->page;
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
    struct neap__frame *frame = NULL;
    pthread_mutex_lock(&o->mutex);
    int status = neap__frame_load(o, offset, length, write, &frame);
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
    unlist(o);
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
    if (neap__file_page(segment->fd) > page)
        return neap__fail(-ENOTSUP, "cannot overlay %s: its pages are huge, and "
                          "parts are loaded by small ones; map it", name);
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
    int status = neap__overlay_look_at_size(o);
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
    list(o);
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
        int one = o->copy ? neap__frame_write_back(o, &o->frames[i]) : 0;
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
    int status = neap__overlay_look_at_size(o);
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
