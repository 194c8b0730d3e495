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
#include <stdlib.h>
#include <string.h>

#include "heap/opening.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/pages.h"
#include "recovery/gate.h"

#define DEFAULT_SLOTS 1024
#define DEFAULT_RESERVE (UINT64_C(64) << 30)
#define LARGEST_RESERVE (UINT64_C(1) << 42)
#define DEFAULT_SYSV_SIZE (UINT64_C(64) << 20)
#define SLOTS_AT_BIRTH 2
#define TRIES 1000 /* to open what is there or make what is not */
#define ANONYMOUS_LABEL "neap"

/* -- what is asked for ---------------------------------------------------- */

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


/* -- attaching ------------------------------------------------------------ */

void neap__opening_drop(struct opening *o)
{
    if (o->heap)
        neap__attachment_undo(o->heap);
    o->heap = NULL;
}


struct neap_heap *neap__opening_attach(const struct opening *o)
{
    struct neap_heap *heap = calloc(1, sizeof *heap);
    if (!heap)
        return NULL;
    heap->fd = heap->sysv_id = heap->watched = -1;
    heap->read_only = o->flags & NEAP_OPEN_READ_ONLY;
    heap->deadlock_error = o->flags & NEAP_OPEN_DEADLOCK_ERROR;
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
        return neap__fail_why(status, "heap %s: cannot map its %llu bytes",
                              heap->address.text, (unsigned long long)size);
    heap->base = base;
    heap->watched = neap__fault_watch(base, heap->mapped, heap->mapped,
                                      heap->address.text, &heap->spoiled, true);
    return 0;
}


static bool is_at_home(struct neap_heap *heap, const uint64_t boot[2])
{
    struct neap_sh_header *header = neap__header(heap);
    return header->boot[0] == boot[0] && header->boot[1] == boot[1] &&
           header->inode == heap->ino;
}


/* From here on the kernel has marked whoever died. */
static void come_home(struct neap_heap *heap, const uint64_t boot[2])
{
    struct neap_sh_header *header = neap__header(heap);
    header->inode = heap->ino;
    header->boot[1] = boot[1];
    neap__crash_order();
    header->boot[0] = boot[0];
}


/*
 * A file that was last opened before the machine was booted, or that is a copy,
 * has slots whose owners no kernel will ever mark. Nobody takes a slot before
 * this is done, so whatever they say is of the lost. One opener does it, alone
 * at the gate; the boot's id is stored last.
 *
 * Every opener passes the gate, with the heap mapped: a checkpoint, which has
 * it while all stand still, has seen that mapping or keeps its owner waiting
 * here.
 */
int neap__heap_mark_the_lost(struct neap_heap *heap)
{
    struct neap_sh_header *header = neap__header(heap);
    uint64_t boot[2];
    neap__boot_id(boot);
    int gate = neap__gate_enter(heap);
    if (gate < 0)
        return gate;
    if (!is_at_home(heap, boot)) {
        for (uint32_t i = 0; i < header->slots_high; i++)
            neap__life_declare_dead(&neap__slot_at(heap, i)->life);
        come_home(heap, boot);
    }
    neap__gate_leave(heap, gate);
    return 0;
}


static int identify(struct neap_heap *heap)
{
    struct neap__file_facts facts;
    int status = neap__file_facts(heap->fd, &facts);
    if (status < 0)
        return neap__fail_why(status, "heap %s: cannot look at it",
                              heap->address.text);
    heap->dev = facts.dev;
    heap->ino = facts.ino;
    return 0;
}


/* -- existing files ------------------------------------------------------- */

/* First the header, then the size: a heap that grows meanwhile is larger than
 * its header said, never smaller. */
static int read_header(int fd, struct neap_sh_header *header, uint64_t *bytes,
                       const char *address)
{
    struct neap__file_facts facts;
    memset(header, 0, sizeof *header);
    ssize_t n = neap__file_read(fd, 0, header, sizeof *header);
    int status = n < 0 ? (int)n : neap__file_facts(fd, &facts);
    if (status < 0)
        return neap__fail_why(status, "cannot read %s", address);
    *bytes = facts.size;
    return 0;
}


/* 1: an ephemeral heap whose last user is gone; it does not count as there. */
static int settle_who_is_here(struct neap_heap *heap)
{
    int status = 0;
    if (!heap->read_only) {
        if (neap__header(heap)->flags & NEAP_OPEN_EPHEMERAL &&
            neap__flock_try(heap->fd) == 0)
            return 1;
        status = neap__heap_mark_the_lost(heap);
    }
    neap__flock_share(heap->fd);
    return status;
}


static int attach_file(struct opening *o, int fd)
{
    struct neap_sh_header header;
    uint64_t bytes = 0;
    int status = read_header(fd, &header, &bytes, o->address.text);
    if (status == 0)
        status = neap__header_validate(&header, bytes, o->address.text);
    if (status < 0) {
        neap__file_close(fd);
        return status;
    }
    o->heap = neap__opening_attach(o);
    if (!o->heap) {
        neap__file_close(fd);
        return neap__fail_why(-ENOMEM, "cannot open heap %s", o->address.text);
    }
    o->heap->fd = fd;
    status = identify(o->heap);
    if (status == 0)
        status = map_file(o->heap, header.reserved, header.size);
    if (status == 0)
        status = settle_who_is_here(o->heap);
    o->heap->ephemeral = header.flags & NEAP_OPEN_EPHEMERAL;
    if (status == 1) {
        status = neap__name_unlink_if(&o->address, o->heap->dev, o->heap->ino);
        status = status == 0 ? -ENOENT : status;
    }
    if (status != 0) {
        neap__opening_drop(o);
    }
    return status;
}


/* -- birth of a file ------------------------------------------------------ */

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


/* Written rather than mapped: a heap's first pages are touched when they are
 * first used, which is a third of the time that a birth takes. */
static int format_file(struct neap_heap *heap, const struct neap__shape *shape)
{
    struct neap_sh_header header = {.inode = heap->ino};
    struct neap_sh_extent extents[NEAP_SH_EXTENTS_AT_BIRTH] = {{0}};
    uint64_t boot[2];
    neap__boot_id(boot);
    header.boot[0] = boot[0];
    header.boot[1] = boot[1];
    neap__header_format(&header, extents, shape);
    int status = neap__file_write(heap->fd, header.heap_offset, extents,
                                  sizeof extents);
    if (status == 0)
        status = neap__file_write(heap->fd, 0, &header, sizeof header);
    return status < 0 ? neap__fail_why(status, "cannot write heap %s",
                                       heap->address.text) : 0;
}


int neap__opening_map_newborn(struct opening *o, int fd)
{
    o->heap = neap__opening_attach(o);
    if (!o->heap)
        return neap__fail_why(-ENOMEM, "cannot make heap %s", o->address.text);
    o->heap->fd = fd;
    int status = identify(o->heap);
    return status < 0 ? status : map_file(o->heap, o->shape.reserved,
                                          o->shape.size);
}


int neap__opening_settle_newborn(struct opening *o)
{
    o->heap->ephemeral = o->shape.flags & NEAP_OPEN_EPHEMERAL;
    neap__flock_share(o->heap->fd);
    return neap__gate_open(o->heap);
}


static int fill_file(struct opening *o, int fd)
{
    int status = set_aside_at_birth(fd, &o->shape);
    if (status < 0)
        return neap__no_room(status, fd, o->address.text, o->shape.size);
    status = neap__opening_map_newborn(o, fd);
    if (status == 0)
        status = format_file(o->heap, &o->shape);
    return status < 0 ? status : neap__opening_settle_newborn(o);
}


static void abandon_birth(struct opening *o, struct neap__birth *birth)
{
    if (o->heap)
        o->heap->fd = -1;
    neap__opening_drop(o);
    neap__birth_abort(birth);
}


static int create_file(struct opening *o)
{
    struct neap__birth birth;
    int status = neap__birth_begin(&o->address, o->mode, &birth);
    if (status == 0)
        status = o->fill(o, birth.fd);
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
    int fd = neap__memfd_create(o->address.path);
    if (fd < 0)
        return neap__fail_why(fd, "cannot make anonymous heap %s",
                              o->address.text);
    int status = neap__file_chmod(fd, o->mode);
    status = status < 0 ? neap__fail_why(status, "cannot make anonymous heap %s",
                                         o->address.text)
                        : o->fill(o, fd);
    if (status < 0) {
        if (!o->heap)
            neap__file_close(fd);
        neap__opening_drop(o);
        return status;
    }
    neap__memfd_never_shrink(fd);
    return NEAP_CREATED;
}


int neap__opening_exists(const struct opening *o)
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
        neap__opening_drop(o);
    }
    return neap__opening_exists(o);
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


/* -- the call ------------------------------------------------------------- */

static int open_one(struct opening *o)
{
    if (o->unnamed)
        return create_memfd(o);
    if (o->address.kind != NEAP_KIND_SYSV)
        return open_or_create_file(o);
    if (o->fill == fill_file)
        return neap__open_sysv(o);
    return neap__fail(-ENOTSUP, "%s: a heap cannot be restored as a System V "
                      "segment, which is fixed in size; use a name, file:PATH "
                      "or none", o->address.text);
}


int neap__opening_fill(const char *address, const neap_heap_options *options,
                       int (*fill)(struct opening *o, int fd),
                       const void *source, neap_heap **ret_heap)
{
    struct opening *o = calloc(1, sizeof *o);
    if (!o)
        return neap__fail_why(-ENOMEM, "cannot open a heap");
    o->fill = fill;
    o->source = source;
    int status = read_address(address, o);
    if (status == 0)
        status = read_options(options, o);
    if (status == 0)
        status = settle_sizes(o);
    if (status == 0)
        status = open_one(o);
    if (status >= 0) {
        neap__attachment_add(o->heap);
        *ret_heap = o->heap;
    }
    free(o);
    return status;
}


int neap_heap_open(const char *address, const neap_heap_options *options,
                   neap_heap **ret_heap)
{
    return neap__opening_fill(address, options, fill_file, NULL, ret_heap);
}


int neap__open_descriptor(const struct neap__address *address, int fd,
                          uint32_t flags, neap_heap **ret_heap)
{
    struct opening *o = calloc(1, sizeof *o);
    if (!o) {
        neap__file_close(fd);
        return neap__fail_why(-ENOMEM, "cannot open a heap");
    }
    o->address = *address;
    o->flags = NEAP_OPEN_EXISTING |
               (flags & (NEAP_OPEN_READ_ONLY | NEAP_OPEN_DEADLOCK_ERROR));
    o->unnamed = true;
    int status = attach_file(o, fd);
    if (status == 0) {
        neap__attachment_add(o->heap);
        *ret_heap = o->heap;
    }
    free(o);
    return status;
}
