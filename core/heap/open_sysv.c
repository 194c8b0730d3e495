/*
 * Opening a System V heap. Such a segment is born visible and zeroed: makers
 * take turns under a lock that dies with its holder, and whoever finds one in
 * birth whose maker died finishes it.
 */
#include <string.h>

#include "heap/opening.h"

/* Nobody gives a segment this mode but neap, and that only until it is made. */
#define MODE_IN_BIRTH 0611


static int attach_sysv(struct opening *o, int id)
{
    struct neap__sysv_stat st;
    int status = neap__sysv_status(id, &st);
    if (status < 0)
        return status;
    o->heap = neap__opening_attach(o);
    if (!o->heap)
        return neap__fail_why(-ENOMEM, "cannot open heap %s", o->address.text);
    void *base;
    status = neap__sysv_attach(id, o->heap->read_only, NULL, &base);
    if (status < 0) {
        neap__opening_drop(o);
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
    neap__header_format(neap__header(heap),
                        (struct neap_sh_extent *)(heap->base +
                                                  neap__heap_offset(shape->slots)),
                        shape);
    return NEAP_CREATED;
}


static int finish_sysv_birth(struct opening *o)
{
    struct neap__sysv_stat st;
    int status = neap__sysv_status(o->heap->sysv_id, &st);
    if (status < 0 || st.mode != MODE_IN_BIRTH)
        return status;
    status = is_blank(o->heap) ? format_sysv(o) : 0;
    if (is_blank(o->heap))
        return 0;
    int mode = neap__sysv_set_mode(o->heap->sysv_id, o->mode);
    return mode < 0 ? mode : status;
}


static int open_sysv_locked(struct opening *o)
{
    int id, status = -ENOENT, made = -1;
    if (!(o->flags & NEAP_OPEN_NEW))
        status = neap__sysv_open(&o->address, o->flags & NEAP_OPEN_READ_ONLY,
                                 &id);
    if (status == -ENOENT && !(o->flags & NEAP_OPEN_EXISTING))
        status = made = neap__sysv_create(&o->address, o->shape.size,
                                          MODE_IN_BIRTH, &id);
    if (status < 0)
        return status == -EEXIST ? neap__opening_exists(o) : status;
    status = attach_sysv(o, id);
    if (status == 0 && !o->heap->read_only)
        status = finish_sysv_birth(o);
    if (status < 0)
        neap__opening_drop(o);
    if (status < 0 && made == 0)
        (void)neap__shm_remove(id); /* not born: the lock is still ours */
    return status;
}


int neap__open_sysv(struct opening *o)
{
    int lock = neap__sysv_lock();
    if (lock == -EBUSY)
        return neap__fail(lock, "cannot open heap %s: somebody has held the "
                          "lock of all births of System V heaps, %s, for 5 "
                          "seconds; try again", o->address.text,
                          neap__shm_directory);
    if (lock < 0)
        return neap__fail_why(lock, "cannot open heap %s: no lock of %s",
                              o->address.text, neap__shm_directory);
    int status = open_sysv_locked(o);
    neap__sysv_unlock(lock);
    if (status < 0)
        return status;
    int valid = neap__header_validate(neap__header(o->heap), o->heap->mapped,
                                      o->address.text);
    if (valid < 0) {
        neap__opening_drop(o);
        return valid;
    }
    return status;
}
