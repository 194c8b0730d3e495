/*
 * Opening a heap, and its birth.
 *
 *   a file (posix, file, memfd)  is formatted without a name, which appears
 *                                last; the second maker gets EEXIST and opens
 *   System V                     is born visible and zeroed: makers take turns
 *                                under a lock that dies with its holder, and
 *                                whoever finds one unformatted formats it
 *
 * Every attached process holds a shared flock on the file. An opener that gets
 * it exclusively knows that nobody else is here; if then the machine was booted
 * anew or the file is a copy, no kernel has marked the owners of its slots, and
 * the opener does.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heap/heap.h"
#include "os/pages.h"

#define DEFAULT_SLOTS 1024
#define DEFAULT_RESERVE (UINT64_C(64) << 30)
#define LARGEST_RESERVE (UINT64_C(1) << 42)
#define DEFAULT_SYSV_SIZE (UINT64_C(64) << 20)
#define SLOTS_AT_BIRTH 2
#define TRIES 1000 /* to open what is there or make what is not */
#define ANONYMOUS_LABEL "neap"
#define SYSV_MODE_IN_BIRTH 0611

struct opening {
    struct neap__address address;
    struct neap__shape shape;
    uint32_t flags, mode;
    bool unnamed;        /* a memfd of this process */
    struct neap_heap *heap;
};


/* -- what is asked for --------------------------------------------------------- */

static int read_options(const neap_heap_options *options, struct opening *o)
{
    static const neap_heap_options defaults;
    if (!options)
        options = &defaults;
    o->flags = options->flags;
    if (o->flags & NEAP_OPEN_READ_ONLY)
        o->flags |= NEAP_OPEN_EXISTING;
    o->mode = options->mode ? options->mode : 0600;
    o->shape = (struct neap__shape){
        .slots = options->slots ? options->slots : DEFAULT_SLOTS,
        .reserved = options->reserve ? options->reserve : DEFAULT_RESERVE,
        .size = options->size,
        .flags = options->flags & NEAP_OPEN_EPHEMERAL,
        .kind = o->address.kind,
    };
    if ((o->flags & NEAP_OPEN_EXISTING) && (o->flags & NEAP_OPEN_NEW))
        return neap__fail(-EINVAL, "heap %s: `existing` and `new` exclude each "
                          "other", o->address.text);
    if (options->mode > 07777)
        return neap__fail(-EINVAL, "heap %s: mode %#o is no permission bits; "
                          "0600 is the default", o->address.text,
                          options->mode);
    if (o->shape.slots > NEAP_SH_SLOTS_MAX)
        return neap__fail(-EINVAL, "heap %s: %u slots asked for, at most %d "
                          "can be", o->address.text, o->shape.slots,
                          NEAP_SH_SLOTS_MAX);
    return 0;
}


/* Round what is asked for to what can be; sysv is all there from the start. */
static int settle_sizes(struct opening *o)
{
    struct neap__shape *shape = &o->shape;
    uint64_t smallest = neap__heap_smallest(shape->slots);
    bool sysv = shape->kind == NEAP_KIND_SYSV;
    if (!shape->size)
        shape->size = sysv ? DEFAULT_SYSV_SIZE : smallest;
    if (shape->size > LARGEST_RESERVE || shape->reserved > LARGEST_RESERVE)
        return neap__fail(-EINVAL, "heap %s: more than 4 TiB cannot be "
                          "reserved", o->address.text);
    if (sysv && shape->size < smallest)
        return neap__fail(-EINVAL, "heap %s: %llu bytes are too few; %u slots "
                          "need at least %llu", o->address.text,
                          (unsigned long long)shape->size, shape->slots,
                          (unsigned long long)smallest);
    if (shape->size < smallest)
        shape->size = smallest;
    shape->size = neap__round_up(shape->size, 4096);
    if (sysv)
        shape->reserved = shape->size;
    else if (shape->reserved < shape->size)
        shape->reserved = shape->size;
    shape->reserved = neap__round_up(shape->reserved, 4096);
    shape->slots_ready = sysv || shape->slots < SLOTS_AT_BIRTH
                             ? shape->slots : SLOTS_AT_BIRTH;
    return 0;
}


static int read_address(const char *address, struct opening *o)
{
    if (!address || !*address)
        address = "memfd:" ANONYMOUS_LABEL;
    int status = neap__address_parse(address, &o->address);
    if (status < 0)
        return status;
    if (o->address.kind == NEAP_KIND_ANONYMOUS)
        return neap__fail(-EINVAL, "a heap needs a descriptor to grow; for one "
                          "without a name open \"\" (memfd), not %s", address);
    o->unnamed = o->address.kind == NEAP_KIND_MEMFD;
    return 0;
}


/* -- attaching ------------------------------------------------------------------ */

static void drop_heap(struct neap_heap *heap)
{
    if (heap->base && heap->sysv_id >= 0)
        neap__sysv_detach(heap->base);
    else if (heap->base)
        munmap(heap->base, heap->mapped);
    if (heap->fd >= 0)
        close(heap->fd);
    free(heap);
}


static struct neap_heap *make_heap(const struct opening *o)
{
    struct neap_heap *heap = calloc(1, sizeof *heap);
    if (!heap)
        return NULL;
    heap->fd = heap->sysv_id = -1;
    heap->read_only = o->flags & NEAP_OPEN_READ_ONLY;
    heap->address = o->address;
    return heap;
}


static int map_file(struct neap_heap *heap, uint64_t reserved, uint64_t size)
{
    void *base;
    heap->mapped = reserved;
    heap->growable = true;
    int status = neap__pages_reserve(heap->fd, heap->read_only, size,
                                     &heap->mapped, &base);
    if (status < 0)
        return neap__fail_why(status, "heap %s: cannot map its %llu bytes; "
                              "raise the limit of addresses (ulimit -v)",
                              heap->address.text, (unsigned long long)size);
    heap->base = base;
    return 0;
}


/* Nobody else is here: what slots say of their owners is a matter of whether
 * it was this kernel, and this very file, on which they lived. */
static void mark_the_lost(struct neap_heap *heap)
{
    struct neap_sh_header *header = neap__header(heap);
    uint64_t boot[2];
    neap__boot_id(boot);
    if (header->boot[0] == boot[0] && header->boot[1] == boot[1] &&
        header->inode == heap->ino)
        return;
    for (uint32_t i = 0; i < header->slots_high; i++)
        neap__life_declare_dead(&neap__slot_at(heap, i)->life);
    header->inode = heap->ino;
    header->boot[0] = boot[0];
    header->boot[1] = boot[1];
}


static int identify(struct neap_heap *heap)
{
    struct stat st;
    if (fstat(heap->fd, &st) < 0)
        return neap__fail_why(-errno, "heap %s: cannot look at it",
                              heap->address.text);
    heap->dev = st.st_dev;
    heap->ino = st.st_ino;
    return 0;
}


/* -- existing files --------------------------------------------------------------- */

static int read_header(int fd, struct neap_sh_header *header, uint64_t *bytes,
                       const char *address)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return neap__fail_why(-errno, "cannot look at %s", address);
    memset(header, 0, sizeof *header);
    ssize_t n = pread(fd, header, sizeof *header, 0);
    if (n < 0)
        return neap__fail_why(-errno, "cannot read %s", address);
    *bytes = (uint64_t)st.st_size;
    return 0;
}


/* 1: an ephemeral heap whose last user is gone; it does not count as there. */
static int settle_who_is_here(struct neap_heap *heap)
{
    bool alone = flock(heap->fd, LOCK_EX | LOCK_NB) == 0;
    if (alone && !heap->read_only) {
        if (neap__header(heap)->flags & NEAP_OPEN_EPHEMERAL)
            return 1;
        mark_the_lost(heap);
    }
    int status;
    do
        status = flock(heap->fd, LOCK_SH);
    while (status < 0 && errno == EINTR);
    return 0;
}


static int attach_file(struct opening *o, int fd)
{
    struct neap_sh_header header;
    uint64_t bytes = 0;
    int status = read_header(fd, &header, &bytes, o->address.text);
    if (status == 0)
        status = neap__header_validate(&header, bytes, o->address.text);
    if (status < 0) {
        close(fd);
        return status;
    }
    o->heap = make_heap(o);
    if (!o->heap) {
        close(fd);
        return neap__fail_why(-ENOMEM, "cannot open heap %s", o->address.text);
    }
    o->heap->fd = fd;
    status = identify(o->heap);
    if (status == 0)
        status = map_file(o->heap, header.reserved, header.size);
    if (status == 0)
        status = settle_who_is_here(o->heap);
    if (status == 1) {
        status = neap__name_unlink_if(&o->address, o->heap->dev, o->heap->ino);
        status = status == 0 ? -ENOENT : status;
    }
    if (status != 0) {
        drop_heap(o->heap);
        o->heap = NULL;
    }
    return status;
}


/* -- birth of a file ---------------------------------------------------------------- */

/* The header with the first slots, and the first bytes above all slots. */
static int set_aside_at_birth(int fd, const struct neap__shape *shape)
{
    uint64_t slots = NEAP_SH_HEADER_SIZE +
                     (uint64_t)shape->slots_ready * NEAP_SH_SLOT_SIZE;
    uint64_t above = neap__heap_offset(shape->slots);
    int status = neap__set_aside(fd, 0, neap__round_up(slots, 4096));
    if (status == 0)
        status = neap__set_aside(fd, above, shape->size - above);
    return status;
}


static int fill_file(struct opening *o, int fd)
{
    int status = set_aside_at_birth(fd, &o->shape);
    if (status < 0)
        return neap__no_room(status, fd, o->address.text, o->shape.size);
    o->heap = make_heap(o);
    if (!o->heap)
        return neap__fail_why(-ENOMEM, "cannot make heap %s", o->address.text);
    o->heap->fd = fd;
    status = identify(o->heap);
    if (status == 0)
        status = map_file(o->heap, o->shape.reserved, o->shape.size);
    if (status < 0)
        return status;
    neap__header_format(neap__header(o->heap), &o->shape);
    mark_the_lost(o->heap);
    while (flock(fd, LOCK_SH) < 0 && errno == EINTR)
        ;
    return 0;
}


static void abandon_birth(struct opening *o, struct neap__birth *birth)
{
    if (o->heap) {
        o->heap->fd = -1;
        drop_heap(o->heap);
        o->heap = NULL;
    }
    neap__birth_abort(birth);
}


static int create_file(struct opening *o)
{
    struct neap__birth birth;
    int status = neap__birth_begin(&o->address, o->mode, &birth);
    if (status == 0)
        status = fill_file(o, birth.fd);
    if (status == 0)
        status = neap__birth_publish(&birth);
    if (status < 0) {
        abandon_birth(o, &birth);
        return status;
    }
    return NEAP_CREATED;
}


static int create_memfd(struct opening *o)
{
    int fd = memfd_create(o->address.path, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return neap__fail_why(-errno, "cannot make an anonymous heap");
    int status = fchmod(fd, o->mode) < 0 ? -errno : fill_file(o, fd);
    if (status < 0) {
        if (o->heap)
            drop_heap(o->heap);
        else
            close(fd);
        o->heap = NULL;
        return status;
    }
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
    return NEAP_CREATED;
}


static int is_there_already(const struct opening *o)
{
    return neap__fail(-EEXIST, "%s is there already; open it, or remove it "
                      "first", o->address.text);
}


static int open_existing_file(struct opening *o)
{
    int fd = neap__name_open(&o->address, o->flags & NEAP_OPEN_READ_ONLY);
    int status = fd < 0 ? fd : attach_file(o, fd);
    if (status == -ENOENT || !(o->flags & NEAP_OPEN_NEW))
        return status;
    if (status == 0) {
        drop_heap(o->heap);
        o->heap = NULL;
    }
    return is_there_already(o);
}


static int open_or_create_file(struct opening *o)
{
    for (int i = 0; i < TRIES; i++) {
        int status = open_existing_file(o);
        if (status != -ENOENT)
            return status;
        if (o->flags & NEAP_OPEN_EXISTING)
            return neap__fail(-ENOENT, "there is no heap %s; `neap ls` lists "
                              "those that are", o->address.text);
        status = create_file(o);
        if (status != -EEXIST)
            return status;
    }
    return neap__fail(-ELOOP, "heap %s can neither be opened nor made: its name "
                      "comes and goes, or is a link to nothing; remove it or "
                      "choose another", o->address.text);
}


/* -- System V ------------------------------------------------------------------------ */

static int attach_sysv(struct opening *o, int id)
{
    struct neap__sysv_stat st;
    int status = neap__sysv_status(id, &st);
    if (status < 0)
        return status;
    o->heap = make_heap(o);
    if (!o->heap)
        return neap__fail_why(-ENOMEM, "cannot open heap %s", o->address.text);
    void *base;
    status = neap__sysv_attach(id, o->heap->read_only, NULL, &base);
    if (status < 0) {
        drop_heap(o->heap);
        o->heap = NULL;
        return status;
    }
    o->heap->base = base;
    o->heap->sysv_id = id;
    o->heap->mapped = st.size;
    return 0;
}


static bool is_blank(const struct neap_heap *heap)
{
    static const char none[8];
    return heap->mapped >= NEAP_SH_HEADER_SIZE &&
           memcmp(neap__header(heap)->magic, none, sizeof none) == 0;
}


/*
 * A segment without magic is one in birth only if it still has the mode that
 * it was born with, which nobody else gives: a blank segment of another program
 * is never touched. The lock tells whose maker is at it from whose maker died.
 */
static int format_sysv(struct opening *o)
{
    struct neap_heap *heap = o->heap;
    struct neap__shape *shape = &o->shape;
    shape->size = heap->mapped / 4096 * 4096;
    shape->reserved = shape->size;
    /* Whoever finishes another's birth may have asked for more slots. */
    while (shape->slots > 1 && shape->size < neap__heap_smallest(shape->slots))
        shape->slots /= 2;
    if (shape->size < neap__heap_smallest(shape->slots))
        return 0;
    shape->slots_ready = shape->slots;
    memset(heap->base, 0, neap__heap_smallest(shape->slots));
    neap__header_format(neap__header(heap), shape);
    return NEAP_CREATED;
}


static int finish_sysv_birth(struct opening *o)
{
    struct neap__sysv_stat st;
    int status = neap__sysv_status(o->heap->sysv_id, &st);
    if (status < 0 || st.mode != SYSV_MODE_IN_BIRTH)
        return status;
    status = is_blank(o->heap) ? format_sysv(o) : 0;
    if (is_blank(o->heap))
        return 0;
    int mode = neap__sysv_set_mode(o->heap->sysv_id, o->mode);
    return mode < 0 ? mode : status;
}


static int open_sysv_locked(struct opening *o)
{
    int id, status = -ENOENT;
    if (!(o->flags & NEAP_OPEN_NEW))
        status = neap__sysv_open(&o->address, o->flags & NEAP_OPEN_READ_ONLY,
                                 &id);
    if (status == -ENOENT && !(o->flags & NEAP_OPEN_EXISTING))
        status = neap__sysv_create(&o->address, o->shape.size,
                                   SYSV_MODE_IN_BIRTH, &id);
    if (status < 0)
        return status == -EEXIST ? is_there_already(o) : status;
    status = attach_sysv(o, id);
    if (status == 0 && !o->heap->read_only)
        status = finish_sysv_birth(o);
    if (status < 0 && o->heap) {
        drop_heap(o->heap);
        o->heap = NULL;
    }
    return status;
}


static int open_sysv(struct opening *o)
{
    int lock = neap__sysv_lock();
    if (lock < 0)
        return lock;
    int status = open_sysv_locked(o);
    neap__sysv_unlock(lock);
    if (status < 0)
        return status;
    int valid = neap__header_validate(neap__header(o->heap), o->heap->mapped,
                                      o->address.text);
    if (valid < 0) {
        drop_heap(o->heap);
        o->heap = NULL;
        return valid;
    }
    return status;
}


/* -- the call -------------------------------------------------------------------------- */

int neap_heap_open(const char *address, const neap_heap_options *options,
                   neap_heap **ret_heap)
{
    struct opening *o = calloc(1, sizeof *o);
    if (!o)
        return neap__fail_why(-ENOMEM, "cannot open a heap");
    int status = read_address(address, o);
    if (status == 0)
        status = read_options(options, o);
    if (status == 0)
        status = settle_sizes(o);
    if (status == 0)
        status = o->unnamed                                ? create_memfd(o)
                 : o->address.kind == NEAP_KIND_SYSV ? open_sysv(o)
                                                     : open_or_create_file(o);
    if (status >= 0) {
        neap__attachment_add(o->heap);
        *ret_heap = o->heap;
    }
    free(o);
    return status;
}
