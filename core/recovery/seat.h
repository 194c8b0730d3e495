/*
 * Who is here: a process's attachment to a heap, and a thread's seat in it.
 *
 *   struct neap_heap    this process maps that segment        (one an open)
 *   struct neap__seat   this thread has that slot of it       (taken when first
 *                                                               needed)
 *
 * A forked child inherits the attachment and none of the seats: it notices by
 * the fork generation and takes seats of its own.
 *
 * Who may call what: everything here, any thread, any time. A seat belongs to
 * its thread; the ghost of a dead one to whoever reaps it.
 */
#ifndef NEAP_SEAT_H
#define NEAP_SEAT_H

#include "base/base.h"
#include "layout/layout.h"
#include "memory/memory.h"
#include "os/os.h"

struct neap_heap {
    char *base;          /* of the mapping */
    uint64_t mapped;     /* bytes of address range; more than size */
    int fd;              /* -1 for sysv; holds a shared flock */
    int sysv_id;
    int gate;            /* the same file, opened again by this process alone */
    uint32_t gate_of;    /* fork generation of that process; 0 not opened */
    bool read_only;
    bool growable;
    bool deadlock_error; /* NEAP_OPEN_DEADLOCK_ERROR */
    bool ephemeral;      /* header.flags, without a look at the header */
    uint32_t index;      /* this heap's place in every thread's table */
    uint32_t handles;    /* registry lock: handles, objects' included */
    uint32_t seats;      /* registry lock: threads of this process in it */
    struct neap_heap *next; /* registry lock */
    dev_t dev;           /* of fd */
    ino_t ino;
    struct neap__address address;
    int watched;         /* by the guard; -1 not */
    _Atomic bool spoiled; /* it replaced pages of it: nobody takes a seat */
    char proc_path[64];  /* address of an anonymous heap; by its caller's pid */
};

struct neap__seat {
    struct neap_heap *heap;
    struct neap_sh_slot *slot;
    uint32_t tag;
    bool light;          /* this process's light fences are nothing */
};

/* The seat that this thread used last, at hand: hot paths look here first. */
struct neap__here {
    struct neap__seat seat;
    uint32_t generation;
};

struct neap__thread {
    uint32_t generation; /* of the process that this was made in */
    uint32_t count;
    struct neap__seat **seats; /* by heap->index */
};

extern _Thread_local struct neap__thread *neap__self
    __attribute__((tls_model("initial-exec")));
extern _Thread_local struct neap__here neap__here
    __attribute__((tls_model("initial-exec")));

NEAP__INLINE struct neap_sh_header *neap__header(const struct neap_heap *heap)
{
    return (struct neap_sh_header *)heap->base;
}

NEAP__INLINE struct neap_sh_slot *neap__slot_at(const struct neap_heap *heap,
                                                uint32_t index)
{
    return (struct neap_sh_slot *)(heap->base + NEAP_SH_HEADER_SIZE +
                                   (size_t)index * NEAP_SH_SLOT_SIZE);
}

NEAP__INLINE uint64_t neap__offset(const struct neap_heap *heap,
                                   const volatile void *address)
{
    return (uint64_t)((const volatile char *)address - heap->base);
}

NEAP__INLINE uint32_t neap__tag(uint32_t index, uint32_t incarnation)
{
    return (incarnation & NEAP_SH_TAG_INCARNATIONS) << 12 | index;
}

/* True if [offset, offset + size) is set aside, mapped here, and aligned. */
NEAP__INLINE bool neap__inside(const struct neap_heap *heap, uint64_t offset,
                               uint64_t size, uint64_t alignment)
{
    uint64_t end = atomic_load_explicit(&neap__header(heap)->size,
                                        memory_order_acquire);
    if (end > heap->mapped)
        end = heap->mapped;
    return offset % alignment == 0 && size <= end && offset <= end - size;
}

/* The same, as a pointer; NULL for an offset that cannot be right. */
NEAP__INLINE void *neap__at(const struct neap_heap *heap, uint64_t offset,
                            uint64_t size, uint64_t alignment)
{
    return NEAP__LIKELY(neap__inside(heap, offset, size, alignment))
               ? heap->base + offset : NULL;
}

/* Take a seat for this thread. @return 0; -EACCES read-only; NEAP_ESLOTS;
 * -ENOSPC; -ENOMEM; NEAP_ECORRUPT. */
int neap__seat_take(struct neap_heap *heap, struct neap__seat **ret_seat);

/* The guard replaced pages of it. @return -ESTALE, with its text. */
int neap__heap_spoiled(const struct neap_heap *heap);

/* This thread's seat if it used it last, without a call. */
NEAP__INLINE struct neap__seat *neap__seat_fast(struct neap_heap *heap)
{
    struct neap__here *here = &neap__here;
    uint32_t *page = neap__fork_page;
    return NEAP__LIKELY(here->seat.heap == heap && page &&
                        here->generation == __atomic_load_n(page, __ATOMIC_RELAXED))
               ? &here->seat : NULL;
}

/* The same from the thread's table; NULL if it has none yet. */
struct neap__seat *neap__seat_look(struct neap_heap *heap);

/*
 * This thread's seat, or NULL if it has none yet. Takes a nanosecond. It is
 * good until this thread asks for its seat in another heap; no call of neap
 * works on two at once.
 */
NEAP__INLINE struct neap__seat *neap__seat_here(struct neap_heap *heap)
{
    struct neap__seat *seat = neap__seat_fast(heap);
    return NEAP__LIKELY(seat) ? seat : neap__seat_look(heap);
}

NEAP__INLINE int neap__seat(struct neap_heap *heap,
                            struct neap__seat **ret_seat)
{
    struct neap__seat *seat = neap__seat_here(heap);
    if (NEAP__UNLIKELY(!seat))
        return neap__seat_take(heap, ret_seat);
    *ret_seat = seat;
    return 0;
}

/* Give up all seats of this thread, as its end does; it may take others. */
void neap__thread_end(void);

/* Enter a fresh attachment, with one handle, into this process's registry. */
void neap__attachment_add(struct neap_heap *heap);
/* Take apart one that was not entered, whole or half-made. */
void neap__attachment_undo(struct neap_heap *heap);
void neap__attachment_retain(struct neap_heap *heap);
/* Give a handle back; the last one gives up this thread's seat, and the last
 * seat unmaps. */
void neap__attachment_release(struct neap_heap *heap);

#endif
