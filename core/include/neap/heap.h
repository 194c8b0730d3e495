/**
 * The heap: a formatted segment that holds named, typed objects.
 *
 * Who may do what at the same time: everything here may be called by any
 * thread of any process at any time, with one exception: a handle must not be
 * used after it was closed. A process killed at any instruction leaves each
 * call either done or not begun; the next process that meets its remains
 * finishes or undoes them (docs/crash-model.md).
 *
 * Addresses are those of neap/segment.h. NULL or "" means an anonymous heap
 * (memfd): children share it, and it goes away with its last user.
 */
#ifndef NEAP_HEAP_H
#define NEAP_HEAP_H

#include "neap/segment.h"
#include "neap/type.h"

typedef struct neap_heap neap_heap;

#define NEAP_NAME_MAX 200 /* bytes of an object's name, without the NUL */

enum neap_open_flags {
    NEAP_OPEN_EXISTING = 1, /* do not create: -ENOENT when missing */
    NEAP_OPEN_NEW = 2,      /* do not open: -EEXIST when there */
    NEAP_OPEN_READ_ONLY = 4, /* implies EXISTING; takes no slot; the MMU keeps
                                this process from writing */
    NEAP_OPEN_EPHEMERAL = 8, /* when creating: the last detach removes it, a
                                death included (then at the next open or gc) */
    NEAP_OPEN_DEADLOCK_ERROR = 16 /* of this process: a wait for a mutex, an
                               rwlock or a once that would close a cycle of
                               waiting threads is -EDEADLK, with the cycle in the
                               text */
};

/** Zero in a member means the default, NULL for all of them. What concerns
 * creation is ignored when the heap is there already. */
typedef struct neap_heap_options {
    uint32_t flags;   /* enum neap_open_flags */
    uint32_t mode;    /* permissions; default 0600 */
    uint32_t slots;   /* threads attached at once; default 1024, at most 4095 */
    uint64_t reserve; /* bytes it may grow to; default 64 GiB; costs nothing */
    uint64_t size;    /* sysv: its fixed size, default 64 MiB; else what is set
                         aside at birth, default as little as possible */
} neap_heap_options;

/**
 * Open a heap, or make it when it is missing. Of many callers at once one
 * creates and all get the same heap; nobody ever sees a half-made one.
 *
 * Blocks: for a sysv heap while another process formats it. Crash: all or
 * nothing. Signals: none. Fork: parent and child may both go on.
 *
 * @return 0 opened; NEAP_CREATED; -ENOENT; -EEXIST; -EACCES; -ENOSPC;
 * NEAP_EFOREIGN, NEAP_ELAYOUT, NEAP_ECORRUPT for what is not a sound heap,
 * which is then left exactly as it was; -ELOOP a link to nothing.
 */
NEAP_API NEAP_MUST_CHECK
int neap_heap_open(const char *address, const neap_heap_options *options,
                   neap_heap **ret_heap);

/** Drop the handle; NULL is fine. Objects opened from it stay usable until
 * they are closed; the memory is unmapped after the last of them. */
NEAP_API void neap_heap_close(neap_heap *heap);

/** Another count of the same handle, given back with neap_heap_close. */
NEAP_API neap_heap *neap_heap_retain(neap_heap *heap);

/**
 * Take away its name; attached processes go on. If the name has come to mean
 * another heap, that one is left alone. Blocks: no. Crash: all or nothing.
 *
 * @return 0; -ENOENT; -EACCES; -ENOTSUP an anonymous heap.
 */
NEAP_API NEAP_MUST_CHECK
int neap_heap_unlink(neap_heap *heap);

/** Its address, fit for neap_heap_open. For an anonymous heap the path under
 * /proc of this process's descriptor, good while this process lives and has
 * the heap open. Belongs to the handle. */
NEAP_API const char *neap_heap_address(neap_heap *heap);

typedef struct neap_heap_info {
    neap_kind kind;
    uint32_t mode, uid, gid;
    uint32_t layout;     /* version of the layout */
    uint64_t size;       /* bytes set aside so far */
    uint64_t used;       /* bytes of them in use, bookkeeping included */
    uint64_t reserved;   /* bytes it may grow to */
    uint64_t objects;    /* named objects */
    uint32_t slots;      /* threads that may attach at once */
    uint32_t attached;   /* slots in use by the living */
    uint32_t dead;       /* slots of the dead that nobody has reaped yet */
    uint64_t deaths;     /* slots reaped since birth */
    bool read_only;      /* this handle */
    bool ephemeral;
    char uuid[37];
    int64_t created;     /* seconds since 1970 */
} neap_heap_info;

/** @return 0. */
NEAP_API NEAP_MUST_CHECK
int neap_heap_status(neap_heap *heap, neap_heap_info *ret_info);

typedef enum neap_object_kind {
    NEAP_OBJECT_ANY = 0,
    NEAP_OBJECT_COUNTER = 1,
    NEAP_OBJECT_ARRAY,
    NEAP_OBJECT_MUTEX,
    NEAP_OBJECT_SEMAPHORE,
    NEAP_OBJECT_EVENT,
    NEAP_OBJECT_LATCH,
    NEAP_OBJECT_CONDITION,
    NEAP_OBJECT_RWLOCK,
    NEAP_OBJECT_BARRIER,
    NEAP_OBJECT_ONCE
} neap_object_kind;

typedef struct neap_object_info {
    char name[NEAP_NAME_MAX + 1];
    neap_object_kind kind;
    uint32_t variant;   /* enum neap_counter_kind, neap_semaphore_kind */
    neap_type type;     /* arrays */
    uint32_t dimensions;
    uint64_t shape[NEAP_DIMENSIONS_MAX];
    uint64_t bytes;     /* arrays: of their elements */
    int64_t value;      /* counters; permits; events 1 when set, once 1 when
                           done; what is left of a latch; parties that wait at
                           a barrier */
    double real;        /* counters of kind double */
    int32_t holder;     /* mutexes, once, writers: pid of who holds it, 0 nobody */
    uint64_t id;        /* of this object, never used again in this heap */
} neap_object_info;

/** "counter", "array", "mutex" and so on; "?" for what is no kind. */
NEAP_API const char *neap_object_kind_name(neap_object_kind kind);

/**
 * Walk the objects, in no order: start with *cursor 0. What is made or dropped
 * meanwhile may or may not be seen; everything else is seen once.
 *
 * @return NEAP_MORE and an item; 0 at the end; NEAP_ECORRUPT.
 */
NEAP_API NEAP_MUST_CHECK
int neap_heap_next(neap_heap *heap, uint64_t *cursor,
                   neap_object_info *ret_info);

typedef enum neap_part_kind {
    NEAP_PART_HEADER = 1,
    NEAP_PART_SLOTS,   /* places for threads; most have no memory yet */
    NEAP_PART_META,    /* objects, names, and the records of all this */
    NEAP_PART_ARRAY,   /* the elements of an array */
    NEAP_PART_FREE,    /* set aside, and in no use */
    NEAP_PART_BARE,    /* free, and its memory given back to the system */
    NEAP_PART_RESERVE  /* addresses to grow into, without memory */
} neap_part_kind;

/** "header", "slots", "records", "array", "free", "bare", "reserve". */
NEAP_API const char *neap_part_kind_name(neap_part_kind kind);

typedef struct neap_heap_part {
    neap_part_kind kind;
    uint64_t offset, size; /* bytes */
    uint64_t resident;     /* of them, in memory now, in whole pages */
    int64_t others;        /* of these, in pages that other processes have in
                              their page tables now; -1 not known */
    char name[NEAP_NAME_MAX + 1]; /* of the array */
} neap_heap_part;

/**
 * Walk what a heap's bytes are used for, from the last byte to the first: start
 * with *cursor 0. Read without a lock, while others go on: what is told was so
 * a moment ago.
 *
 * @return NEAP_MORE and a part; 0 at the end.
 */
NEAP_API NEAP_MUST_CHECK
int neap_heap_next_part(neap_heap *heap, uint64_t *cursor,
                        neap_heap_part *ret_part);

/**
 * The processes that have the heap mapped, this one included; those that may
 * not be looked at (another user's) are left out.
 *
 * @return how many; the first `most` are in `ret_pids`; -ENOENT no /proc;
 * -errno.
 */
NEAP_API NEAP_MUST_CHECK
int neap_heap_processes(neap_heap *heap, int32_t *ret_pids, int most);

/** What is behind one name. @return 0; -ENOENT; -EINVAL a bad name. */
NEAP_API NEAP_MUST_CHECK
int neap_heap_find(neap_heap *heap, const char *name,
                   neap_object_info *ret_info);

/**
 * Take an object away, its memory included; whoever waits on it or uses a
 * handle to it gets -EIDRM. It is like free(): a view of the array that
 * somebody still has (a numpy array, a bare pointer) stays mapped, but its
 * memory may become another array's.
 *
 * Blocks: for the heap's lock. Crash: all or nothing. Signals: none.
 * Fork: both may call.
 *
 * @return 0; -ENOENT; -EINVAL a bad name; -EACCES read-only.
 */
NEAP_API NEAP_MUST_CHECK
int neap_heap_drop(neap_heap *heap, const char *name);

/**
 * Finish or undo what the dead were doing and give back what they held. Waits
 * do this by themselves; here it is at once.
 *
 * @return how many slots were reaped, 0 and up; NEAP_ECORRUPT; -EACCES.
 */
NEAP_API NEAP_MUST_CHECK
int neap_heap_reap(neap_heap *heap);

typedef struct neap_slot_info {
    uint32_t index;
    uint32_t incarnation;
    bool dead;
    int32_t pid, tid;   /* as its own PID namespace numbers them */
    uint32_t held;      /* locks */
    uint32_t permits;   /* kinds of undo permits */
} neap_slot_info;

/** Walk the slots in use: start with *cursor 0. @return NEAP_MORE; 0. */
NEAP_API NEAP_MUST_CHECK
int neap_heap_next_slot(neap_heap *heap, uint64_t *cursor,
                        neap_slot_info *ret_info);

typedef struct neap_check_report {
    uint64_t problems;      /* all of the below, and 0 for a sound heap */
    uint64_t leaks;         /* blocks that nothing refers to */
    uint64_t doubles;       /* blocks that two things refer to, or that are
                               both free and in use */
    uint64_t torn;          /* records that contradict themselves */
    uint64_t blocks, free_blocks;
    uint64_t used_bytes, free_bytes;
    uint64_t objects;
    char text[1024];        /* the first problems, a line each */
} neap_check_report;

/**
 * Walk everything: header, slots, blocks, free lists, directory, objects. It
 * reads only; on a heap in use it holds the heap's lock meanwhile.
 *
 * @return 0 and a report, whose `problems` may not be 0; -errno.
 */
NEAP_API NEAP_MUST_CHECK
int neap_heap_check(neap_heap *heap, neap_check_report *ret_report);

/** Write a file heap to disk, for what kill -9 does not cover: power loss.
 * @return 0; -errno. */
NEAP_API NEAP_MUST_CHECK
int neap_heap_sync(neap_heap *heap);

#endif
