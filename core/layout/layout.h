/*
 * The map of the land: every struct that lives in a heap's shared memory.
 *
 *   0            header, one page
 *   4096         slots, slot_count of them, 2 KiB each; set aside on demand
 *   heap_offset  meta chunks and data, in the order in which the heap grew
 *   size         end of what is set aside
 *   reserved     end of the addresses that every process maps
 *
 * Rules that hold everywhere (docs/layout.md draws all of it):
 *  L1 Links are byte offsets from the base, 0 is none; every process maps the
 *     heap at another address.
 *  L2 What one redo record changes are aligned words of 8 bytes.
 *  L3 Entries, extents and slots are type-stable: their memory never becomes
 *     anything else, so a late look at one finds the same kind of thing. Meta
 *     chunks are taken from fresh addresses only, so a stale view of a dropped
 *     array can never reach them.
 *  L4 A lock word is 0, or the tag of its owner:
 *     tag = incarnation(19) << 12 | slot(12), never 0.
 *  L5 "under the heap's lock" means header.lock; "under the entry's lock" means
 *     entry.lock of that entry.
 *  L6 What sleepers sleep on (lock.parked, entry.seq) may be raised by anybody
 *     at any time: whoever wakes for nothing looks again.
 */
#ifndef NEAP_LAYOUT_H
#define NEAP_LAYOUT_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "neap/heap.h"
#include "neap/semaphore.h"
#include "neap/version.h"
#include "os/life.h"

#define NEAP_SH_MAGIC "NEAPHEAP"
#define NEAP_SH_BYTE_ORDER 0x01020304u

#define NEAP_SH_HEADER_SIZE 4096
#define NEAP_SH_SLOT_SIZE 2048
#define NEAP_SH_SLOTS_MAX 4095
#define NEAP_SH_HELD 32      /* locks that a thread may hold in one heap */
#define NEAP_SH_SHARES 32    /* objects of which a thread may hold shares */
#define NEAP_SH_REDO 55      /* stores of one change */
#define NEAP_SH_BINS 160     /* free lists by size, four to a power of two */
#define NEAP_SH_GRAIN 64     /* every extent is a multiple of it */

#define NEAP_SH_TAG_SLOT 0xfffu
#define NEAP_SH_TAG_INCARNATIONS 0x7ffffu

/* In the low bits of a held lock's offset: */
#define NEAP_SH_HELD_USER 1u /* a user's: the next owner must be told */
#define NEAP_SH_HELD_READ 2u /* held for reading: the word is nobody's or a
                                writer's */
#define NEAP_SH_HELD_FLAGS UINT64_C(3)

/* Undo semaphores of up to so many permits keep them in cells. */
#define NEAP_SH_CELLS 12

/* In slot.waiting_on, for entries of any number; no entry is there. */
#define NEAP_SH_MANY UINT64_C(1)

/* The part of a word of the directory's table that is an entry's offset. */
#define NEAP_SH_TABLE_OFFSET UINT64_C(0xffffffffffff)

/* In the share of who joined a counted barrier. */
#define NEAP_SH_MEMBER (UINT64_C(1) << 40)
/* What is below it, and flags, in the shares of barriers and conditions. */
#define NEAP_SH_SHARE_VALUE (NEAP_SH_MEMBER - 1)

/*
 * How much is made at a time, and from when on memory is given back. The build
 * that enumerates crashes has tiny ones, so that every road is near.
 */
#ifndef NEAP_TINY
#define NEAP_SH_SLOTS_AT_A_TIME 16
#define NEAP_SH_EXTENTS_MADE 64
#define NEAP_SH_EXTENTS_KEPT 8
#define NEAP_SH_ENTRIES_MADE 16
#define NEAP_SH_ENTRIES_RESTING 16
#define NEAP_SH_TABLE_LEAST 64
#define NEAP_SH_EXTENTS_AT_BIRTH 16
#define NEAP_SH_META_AT_BIRTH 8192
#define NEAP_SH_DATA_AT_BIRTH 8192
#define NEAP_SH_STEP (UINT64_C(64) << 10)
#define NEAP_SH_RETURN_PAGES (UINT64_C(1) << 20)
#define NEAP_SH_READS_TO_BIAS 1000
#else
#define NEAP_SH_SLOTS_AT_A_TIME 1
#define NEAP_SH_EXTENTS_MADE 6
#define NEAP_SH_EXTENTS_KEPT 3
#define NEAP_SH_ENTRIES_MADE 2
#define NEAP_SH_ENTRIES_RESTING 1
#define NEAP_SH_TABLE_LEAST 8
#define NEAP_SH_EXTENTS_AT_BIRTH 6
#define NEAP_SH_META_AT_BIRTH 4096
#define NEAP_SH_DATA_AT_BIRTH 4096
#define NEAP_SH_STEP (UINT64_C(4) << 10)
#define NEAP_SH_RETURN_PAGES (UINT64_C(8) << 10)
#define NEAP_SH_READS_TO_BIAS 1
#endif

typedef _Atomic uint64_t neap_sh_word;

/* See recovery/lock.h. */
struct neap_sh_lock {
    _Atomic uint32_t word;   /* 0, or its owner's tag */
    _Atomic uint32_t parked; /* odd: somebody may be asleep on it; + 1 whenever
                                that changes */
};

/* One store of a redo record: *(base + offset) = value. */
struct neap_sh_store {
    uint64_t offset;
    uint64_t value;
};

/*
 * A change of several words. Written by the slot's owner; read by others only
 * when it is proven dead. Absolute values: applying twice is as good as once.
 */
struct neap_sh_redo {
    _Atomic uint64_t committed; /* 1 from the commit until all is applied */
    uint64_t count;             /* of stores, set before committed */
    struct neap_sh_store stores[NEAP_SH_REDO];
};

/*
 * What a slot has of an object's value: permits of an undo semaphore, the part
 * of a striped counter that this thread has counted, a place in a barrier. When
 * the thread ends it goes back to the object.
 */
struct neap_sh_share {
    neap_sh_word entry; /* offset of the object's entry, 0 unused */
    neap_sh_word id;    /* the object's id: a dropped one gets nothing back */
    neap_sh_word value; /* semaphores: under the entry's lock; counters: plain
                           stores of the owner, folded under the lock;
                           barriers: of who waits its phase + 1, and
                           NEAP_SH_MEMBER; conditions: see there */
};

/* A thread's place in a heap. */
struct neap_sh_slot {
    struct neap_sh_life life;    /* held as long as the thread is attached, and
                                    by whoever reaps it after its death */
    _Atomic uint32_t incarnation;/* of the tag; changes when the slot is freed */
    _Atomic uint32_t pid, tid;   /* stored last, tid behind pid; tid is 0 from
                                    the claim until then */
    _Atomic uint16_t light;      /* its light fences are nothing, see os/os.h */
    _Atomic uint16_t places;     /* of held, that may be in use; the first always
                                    may */
    uint64_t since;              /* seconds since 1970, for people */
    neap_sh_word waking;         /* offset of the entry whose sleepers I am about
                                    to wake: set before what I tell is stored,
                                    cleared after the wake */
    neap_sh_word waiting_on;     /* offset of the entry I sleep on, or
                                    NEAP_SH_MANY */
    uint64_t pid_namespace;      /* in which pid and tid are numbers; with them
                                    evidence against a thread that vanished */
    neap_sh_word blocked_on;     /* offset of the entry I sleep on, for whoever
                                    looks; lowest bit: I ask for no deadlock */
    neap_sh_word blocked_since;  /* nanoseconds, monotonic */
    neap_sh_word held[NEAP_SH_HELD]; /* offsets of lock words, stored before
                                        the claim and cleared after the wake;
                                        low bits NEAP_SH_HELD_FLAGS; 0 unused */
    struct neap_sh_share shares[NEAP_SH_SHARES];
    struct neap_sh_redo redo;
};

/*
 * An extent: a run of the heap's bytes. They lie out of band, in meta chunks,
 * and cover [heap_offset, size) without gap or overlap. All fields change under
 * the heap's lock, in redo records.
 */
struct neap_sh_extent {
    neap_sh_word start;     /* offset of its first byte */
    neap_sh_word size;      /* bytes, a multiple of NEAP_SH_GRAIN */
    neap_sh_word state;     /* enum neap_sh_extent_state */
    neap_sh_word below;     /* the extent before it in address, 0 first */
    neap_sh_word above;     /* the one after it, 0 last */
    neap_sh_word next;      /* free: in its bin; unused: in the list of those */
    neap_sh_word previous;  /* free: in its bin, 0 at the head */
    neap_sh_word owner;     /* used: offset of the entry it belongs to */
};

enum neap_sh_extent_state {
    NEAP_SH_UNUSED = 0x756e7573, /* the record describes no bytes */
    NEAP_SH_FREE = 0x66726565,   /* bytes free and set aside */
    NEAP_SH_BARE = 0x62617265,   /* free, given back to the kernel: set aside
                                    before use */
    NEAP_SH_USED = 0x75736564,
    NEAP_SH_META = 0x6d657461    /* entries, extents, tables: for ever */
};

/* An object, or a place for one. The first line is all that hot paths touch. */
struct neap_sh_entry {
    struct neap_sh_lock lock;/* the mutex, the writer; or what guards value and
                                shares */
    neap_sh_word value;      /* counter; double's bits; permits; barriers: phase
                                << 32 | arrived; conditions: grants << 32 |
                                waiters; events, once: 1 set; latches:
                                what is left */
    neap_sh_word id;         /* 0 free; changes under the heap's lock */
    neap_sh_word what;       /* packed, see neap_sh_what; constant per id */
    union {
        neap_sh_word extent;   /* arrays: offset of their extent record */
        neap_sh_word measured; /* mutexes, semaphores, rwlocks: 1 what follows is
                                  kept, see sync/measure.h */
    };
    neap_sh_word limit;      /* semaphores: permits at birth; barriers: parties;
                                conditions: offset of the waiters' mutex;
                                rwlocks: 1 readers wait for their turn */
    _Atomic uint32_t abandoned; /* mutex, writer: pid of an owner that died;
                                   stored by the reaper, cleared by an owner
                                   who says that all is repaired */
    _Atomic uint32_t sleepers;  /* odd: somebody may be asleep on seq; + 2 for
                                   each who says that it will be */
    _Atomic uint32_t seq;    /* event count: who waits for the value sleeps on it */
    _Atomic uint32_t bias;   /* rwlocks: enum neap_sh_bias */
    union {
        uint64_t shape[NEAP_DIMENSIONS_MAX]; /* arrays; constant per id */
        struct {             /* semaphores */
            uint64_t bound;  /* or 0; constant per id */
            neap_sh_word many; /* 1 if somebody wanted more than one permit */
            _Atomic uint32_t cells[NEAP_SH_CELLS]; /* of small ones with undo:
                                each 0, or the tag of who has that permit */
        };
        struct {             /* mutexes, rwlocks; nanoseconds; by who has the
                                lock word */
            neap_sh_word since; /* it has it, on the monotonic clock; or 0 */
            neap_sh_word longest_hold, held, waited;
        };
    };
    neap_sh_word next;       /* free entries: in their queue */
    neap_sh_word returns;    /* counts shares that came back, for readers without
                                lock; barriers: broken, being reset, how many of
                                those who wait have an action, one runs it;
                                conditions: notifications; under the
                                entry's lock */
    uint64_t hash;           /* of the name; constant per id */
    neap_sh_word acquisitions;  /* these three if it is measured */
    neap_sh_word contended;     /* acquisitions that had to wait */
    neap_sh_word longest_wait;  /* of those, nanoseconds */
    char name[NEAP_NAME_MAX + 8]; /* with NUL; constant per id */
};

/* How readers enter an rwlock, see sync/rwlock.c. */
enum neap_sh_bias {
    NEAP_SH_FENCED = 0,   /* with a fence of their own */
    NEAP_SH_BIASED = 1,   /* without */
    NEAP_SH_REVOKING = 2  /* with one; but some may still be inside without */
};

/* The heap itself. */
struct neap_sh_header {
    /* Constant since birth, and covered by `checksum`. */
    char magic[8];
    uint32_t byte_order;
    uint32_t layout_version;
    uint32_t sizes[8];       /* of the structs, in the order of the names that
                                ELAYOUT's text uses (heap/header.c) */
    uint8_t uuid[16];
    uint64_t created;        /* seconds since 1970 */
    uint64_t reserved;       /* bytes of address range */
    uint64_t heap_offset;
    uint32_t slot_count;
    uint32_t kind;           /* neap_kind at birth; a file may be moved */
    uint64_t flags;          /* NEAP_OPEN_EPHEMERAL */
    uint64_t checksum;       /* FNV-1a of the bytes before it */

    /* Who is here. Changed under an exclusive lock of the whole file. */
    neap_sh_word boot[2];    /* of the machine, when last opened by nobody else */
    neap_sh_word inode;      /* likewise: a copied file has another */

    /* Slots. Atomic, they only grow. */
    _Atomic uint32_t slots_ready; /* slots whose memory is set aside */
    _Atomic uint32_t slots_high;  /* no slot from here on was ever taken */
    neap_sh_word deaths;     /* slots reaped since birth */

    /* Under the heap's lock, in redo records. */
    struct neap_sh_lock lock;
    neap_sh_word size;       /* bytes set aside; grows; read by all */
    neap_sh_word version;    /* counts changes, for readers without lock */
    neap_sh_word next_id;
    neap_sh_word objects;
    neap_sh_word table;      /* hash table of the directory: words, each
                                hash(16) << 48 | offset of an entry; 0 never
                                used, 1 dropped */
    neap_sh_word table_words;/* a power of two */
    neap_sh_word table_used; /* words that are not 0 */
    neap_sh_word table_other;/* a second table as large, to rehash into */
    neap_sh_word entry_head, entry_tail; /* queue of free entries, the longest
                                            free first */
    neap_sh_word entry_count;    /* how many of them */
    neap_sh_word entry_total;    /* these and those in use */
    neap_sh_word extent_unused;  /* list of unused extent records */
    neap_sh_word extent_spare;   /* how many of them */
    neap_sh_word extent_total;   /* these and those in use */
    neap_sh_word extent_last;    /* the extent that ends at `size` */
    neap_sh_word meta_next, meta_end; /* what is left of the last meta chunk */
    neap_sh_word meta_lost;  /* bytes of meta chunks that nothing uses any more:
                                their ends, outgrown tables */
    neap_sh_word used;       /* bytes in used and meta extents */
    neap_sh_word bin_map[3]; /* bit set: that bin is not empty */
    neap_sh_word bins[NEAP_SH_BINS]; /* heads, offsets of extent records */
};

_Static_assert(sizeof(struct neap_sh_redo) == 896, "redo fills the slot");
_Static_assert(sizeof(struct neap_sh_slot) == NEAP_SH_SLOT_SIZE, "slot");
_Static_assert(offsetof(struct neap_sh_slot, held) == 128, "slot.held");
_Static_assert(offsetof(struct neap_sh_slot, shares) == 384, "slot.shares");
_Static_assert(offsetof(struct neap_sh_slot, redo) == 1152, "slot.redo");
_Static_assert(sizeof(struct neap_sh_extent) == 64, "extent is one line");
_Static_assert(sizeof(struct neap_sh_entry) == 384, "entry is six lines");
_Static_assert(offsetof(struct neap_sh_entry, lock) == 0, "lock comes first");
_Static_assert(offsetof(struct neap_sh_entry, shape) == 64, "entry.shape");
_Static_assert(offsetof(struct neap_sh_entry, next) == 128, "cells fit in");
_Static_assert(offsetof(struct neap_sh_entry, name) == 176, "entry.name");
_Static_assert(sizeof(struct neap_sh_header) <= NEAP_SH_HEADER_SIZE, "header");
_Static_assert(offsetof(struct neap_sh_header, checksum) == 104, "constants");
_Static_assert(NEAP_SH_BINS <= 3 * 64, "bin_map covers the bins");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "64-bit atomics are free of locks");

/* entry.what: kind, variant, element type and dimensions in one word. */
static inline uint64_t neap_sh_what(uint64_t kind, uint64_t variant,
                                    uint64_t type, uint64_t dimensions)
{
    return kind | variant << 8 | type << 16 | dimensions << 24;
}

static inline uint32_t neap_sh_what_kind(uint64_t what)
{
    return (uint32_t)(what & 0xff);
}

static inline uint32_t neap_sh_what_variant(uint64_t what)
{
    return (uint32_t)(what >> 8 & 0xff);
}

static inline uint32_t neap_sh_what_type(uint64_t what)
{
    return (uint32_t)(what >> 16 & 0xff);
}

static inline uint32_t neap_sh_what_dimensions(uint64_t what)
{
    return (uint32_t)(what >> 24 & 0xff);
}

/* How many cells it has, see sync/semaphore.h: 0 unless it is a small one with
 * undo. */
static inline uint32_t neap_sh_cell_count(const struct neap_sh_entry *entry)
{
    uint64_t what = atomic_load(&entry->what);
    uint64_t limit = atomic_load(&entry->limit);
    return neap_sh_what_kind(what) == NEAP_OBJECT_SEMAPHORE &&
                   neap_sh_what_variant(what) == NEAP_SEMAPHORE_UNDO &&
                   limit <= NEAP_SH_CELLS
               ? (uint32_t)limit : 0;
}

/* How many of them have that tag, 0 for those that are free. */
static inline uint32_t neap_sh_cells_of(const struct neap_sh_entry *entry,
                                        uint32_t tag)
{
    uint32_t count = 0, n = neap_sh_cell_count(entry);
    for (uint32_t i = 0; i < n; i++)
        count += atomic_load(&entry->cells[i]) == tag;
    return count;
}

#endif
