/**
 * Segments: memory that the kernel lends.
 *
 * An address names a segment, and every function that takes one reads it so:
 *
 *   sky, posix:sky      POSIX shared memory, what shm_open("/sky") opens
 *   sysv:5678           System V shared memory of that key (0x162e works too)
 *   file:results.bin    a mapped file; the path may be relative
 *   memfd:label         an unnamed memory file of this process (to create)
 *   anonymous:          memory shared over fork only (to create)
 *
 * A segment made by any other program opens here as well: a segment is raw
 * bytes, and what they mean is its users' business.
 */
#ifndef NEAP_SEGMENT_H
#define NEAP_SEGMENT_H

#include "neap/api.h"

typedef struct neap_segment neap_segment;

typedef enum neap_kind {
    NEAP_KIND_POSIX = 1,
    NEAP_KIND_SYSV,
    NEAP_KIND_FILE,
    NEAP_KIND_ANONYMOUS,
    NEAP_KIND_MEMFD
} neap_kind;

typedef struct neap_segment_stat {
    neap_kind kind;
    uint64_t size;      /* bytes, as asked for, not rounded to pages */
    uint64_t allocated; /* bytes that the kernel has really set aside */
    uint32_t mode;      /* permission bits, 0600 and so on */
    uint32_t uid, gid;
    int64_t attached;   /* how many mappings (sysv) or processes; -1 unknown */
    int32_t creator_pid;        /* sysv: shm_cpid; else 0 */
    int32_t last_pid;           /* sysv: who attached or detached last; else 0 */
    int32_t id;                 /* sysv: what ipcs calls shmid; else -1 */
    bool removed;               /* sysv: its key is gone already, and it lives
                                   until its last mapping does */
    int64_t accessed, modified, changed; /* seconds since 1970; sysv: last
                                            attach, last detach, last change */
    uint64_t page;      /* bytes of a page of it, more than the system's if they
                           are huge; 0 not known: a sysv segment that another
                           handle made and this one has not mapped */
} neap_segment_stat;

/** "posix", "sysv", "file", "anonymous", "memfd"; "?" for what is no kind. */
NEAP_API const char *neap_kind_name(neap_kind kind);

/**
 * Make a segment of `size` bytes, zero-filled, `mode` 0 meaning 0600. The
 * memory is set aside at once, so a full /dev/shm is -ENOSPC here and never a
 * signal later.
 *
 * Blocks: no. Crash: all or nothing (the name appears last); sysv excepted,
 * whose segment is born visible and zeroed. Signals: none. Fork: the child
 * has the segment too.
 *
 * @return 0; -EEXIST; -ENOSPC; -EINVAL size 0 or a bad address; -EACCES.
 */
NEAP_API NEAP_MUST_CHECK
int neap_segment_create(const char *address, uint64_t size, uint32_t mode,
                        neap_segment **ret_segment);

enum neap_segment_flags {
    NEAP_SEGMENT_HUGE_TRY = 1, /* huge pages of the kernel's pool if it has
                                  enough, else small ones; stat tells */
    NEAP_SEGMENT_HUGE = 2      /* huge pages, or it fails */
};

/** Zero in a member means the default; `size` is sizeof(neap_segment_options),
 * for there may be more members one day. */
typedef struct neap_segment_options {
    uint32_t size;
    uint32_t flags;     /* enum neap_segment_flags */
    uint32_t mode;
    uint64_t huge_page; /* bytes, 2 MiB or 1 GiB on most machines; 0 the
                           machine's default */
} neap_segment_options;

/**
 * The same with more to ask for. In huge pages the size is rounded up to whole
 * ones, here and in neap_segment_resize; mappings of a memfd segment or a file
 * in them begin at a whole one if an address is asked for. They are set aside
 * and never swapped out. Of posix segments and files the file system decides.
 * (The huge pages of neap/mapping.h are transparent ones, which need no pool.)
 *
 * @return as neap_segment_create; with NEAP_SEGMENT_HUGE -ENOMEM too few of
 * them, with how many there are and how to have more; -EPERM sysv, not of the
 * group vm.hugetlb_shm_group; -EINVAL no pages of that size; -ENOTSUP posix,
 * file, or a kernel without.
 */
NEAP_API NEAP_MUST_CHECK
int neap_segment_create_with(const char *address, uint64_t size,
                             const neap_segment_options *options,
                             neap_segment **ret_segment);

/**
 * Open what is there, made by anyone. Falls back to nothing: a segment that
 * may only be read must be asked for with `read_only`.
 *
 * Blocks: no. Crash: changes nothing. Signals: none. Fork: as create.
 *
 * @return 0; -ENOENT; -EACCES; -EINVAL a bad address or a kind without names.
 */
NEAP_API NEAP_MUST_CHECK
int neap_segment_open(const char *address, bool read_only,
                      neap_segment **ret_segment);

/**
 * Open it, or make it when it is missing, without a race: of many callers one
 * creates and all get the same segment. An existing one keeps its size, which
 * neap_segment_size() tells.
 *
 * @return 0 opened; NEAP_CREATED; -ELOOP a link to nothing; else as create and
 * open.
 */
NEAP_API NEAP_MUST_CHECK
int neap_segment_open_or_create(const char *address, uint64_t size,
                                uint32_t mode, neap_segment **ret_segment);

/** Drop the handle; NULL is fine. The segment and mappings of it stay. */
NEAP_API void neap_segment_close(neap_segment *segment);

/** Its size in bytes now. @return 0; -errno. */
NEAP_API NEAP_MUST_CHECK
int neap_segment_size(neap_segment *segment, uint64_t *ret_size);

/** @return 0; -EIDRM a sysv segment that somebody removed; -errno. */
NEAP_API NEAP_MUST_CHECK
int neap_segment_status(neap_segment *segment, neap_segment_stat *ret_stat);

/**
 * Give a posix, file or memfd segment another size; new bytes are zero and set
 * aside at once. A sysv segment has its size for ever (shmget(2)), and so has
 * anonymous memory: mremap(2) would give addresses beyond its end, where every
 * touch is a SIGBUS. To share what grows over a fork, make a memfd.
 * @return 0; -ENOSPC; -ENOTSUP sysv and anonymous; -EACCES; in huge pages
 * -ENOMEM.
 */
NEAP_API NEAP_MUST_CHECK
int neap_segment_resize(neap_segment *segment, uint64_t size);

/**
 * Make `length` bytes from `offset` on a hole: they read as zero, and their
 * whole pages are given back to the system. Mapped or not, everybody sees it.
 * Writing there later needs memory that is then no longer set aside: on a full
 * file system it is a SIGBUS.
 *
 * Blocks: no. Crash: some of it may be a hole. Signals: none.
 *
 * @return 0; -ERANGE past the end; -ENOTSUP sysv, anonymous, or a file system
 * without holes; -EACCES opened read-only; -EPERM sealed.
 */
NEAP_API NEAP_MUST_CHECK
int neap_segment_punch(neap_segment *segment, uint64_t offset,
                       uint64_t length);

/**
 * Give it another mode, permission bits only, or another owner and group, of
 * which UINT32_MAX leaves one as it is. Who has it open or mapped keeps what he
 * has: only later openings are judged by it.
 *
 * Blocks: no. Crash: all or nothing. Signals: none. Fork: for all handles.
 *
 * @return 0; -EPERM neither its owner nor root; -EINVAL no mode; -EIDRM a sysv
 * segment that somebody removed; -ENOTSUP anonymous.
 */
NEAP_API NEAP_MUST_CHECK
int neap_segment_set_mode(neap_segment *segment, uint32_t mode);
NEAP_API NEAP_MUST_CHECK
int neap_segment_set_owner(neap_segment *segment, uint32_t uid, uint32_t gid);

/**
 * The System V key that stands for a file that exists and a number from 1 to
 * 255: ftok(3). The file's inode is what counts, not its name; two files may
 * share a key. The address is "sysv:" and the key in decimal.
 *
 * @return 0; -ENOENT no such file; -EACCES; -EINVAL another number.
 */
NEAP_API NEAP_MUST_CHECK
int neap_ftok(const char *path, int number, int32_t *ret_key);

/** Its address, fit for neap_segment_open in any process where the kind has
 * names. Belongs to the handle. */
NEAP_API const char *neap_segment_address(neap_segment *segment);

NEAP_API neap_kind neap_segment_kind(neap_segment *segment);

/** The descriptor behind it, -1 for sysv and anonymous. Belongs to the
 * handle. */
NEAP_API int neap_segment_descriptor(neap_segment *segment);

/**
 * Take away the name; the memory goes with its last mapping. If the name has
 * meanwhile come to mean another segment, that one is left alone.
 *
 * @return 0; -ENOENT already gone; -EACCES; -ENOTSUP kinds without a name;
 * -EBUSY somebody has held the directory's lock for five seconds.
 */
NEAP_API NEAP_MUST_CHECK
int neap_segment_unlink(neap_segment *segment);

/** The same by address, heaps included. @return as neap_segment_unlink. */
NEAP_API NEAP_MUST_CHECK
int neap_unlink(const char *address);

enum neap_seal {
    NEAP_SEAL_SEAL = 1,    /* no more seals */
    NEAP_SEAL_SHRINK = 2,
    NEAP_SEAL_GROW = 4,
    NEAP_SEAL_WRITE = 8,   /* nobody writes, whoever has it */
    NEAP_SEAL_FUTURE_WRITE = 16 /* only who has it mapped for writing now */
};

/**
 * Seal a memfd segment, for ever and for everybody: a reader knows then that it
 * stays as it is. The handle is read-only after a seal against writing.
 *
 * @return 0; -EBUSY it is mapped for writing; -EPERM sealed against seals;
 * -ENOTSUP no memfd; -EINVAL no such seal.
 */
NEAP_API NEAP_MUST_CHECK
int neap_segment_seal(neap_segment *segment, int seals);

/** Its seals; 0 for what can have none. @return 0; -ENOTSUP sysv, anonymous. */
NEAP_API NEAP_MUST_CHECK
int neap_segment_seals(neap_segment *segment, int *ret_seals);

/**
 * Pass a segment that has a descriptor to whoever is at the other end of a
 * connected Unix socket. The receiver's handle is of kind memfd, and read-only
 * if it is sealed against writing or was opened so.
 *
 * Blocks: receive until `deadline`. Crash: it has passed or not. Signals:
 * -EINTR, nothing received. Fork: as create.
 *
 * @return 0; -ENOTSUP sysv, anonymous; -ETIMEDOUT; -EINTR; -EPROTO what came is
 * no segment; -EPIPE the sender is gone; -errno of the socket.
 */
NEAP_API NEAP_MUST_CHECK
int neap_segment_send(neap_segment *segment, int socket);
NEAP_API NEAP_MUST_CHECK
int neap_segment_receive(int socket, int64_t deadline,
                         neap_segment **ret_segment);

/**
 * A segment of a descriptor that came in another way: inherited over exec, made
 * by memfd_create, received by a library. It becomes the segment's own, or
 * stays the caller's if this fails. @return 0; -EPROTO it is no memory and no
 * file; -EBADF.
 */
NEAP_API NEAP_MUST_CHECK
int neap_segment_adopt(int descriptor, neap_segment **ret_segment);

/**
 * The same with a path as the meeting place: who gives listens there for one
 * taker, who takes waits for a giver. The path is removed afterwards.
 *
 * Blocks: until `deadline`. Crash: the path may stay. Signals: -EINTR.
 *
 * @return as above; -EADDRINUSE the path is taken; -ENAMETOOLONG.
 */
NEAP_API NEAP_MUST_CHECK
int neap_segment_give(neap_segment *segment, const char *path,
                      int64_t deadline);
NEAP_API NEAP_MUST_CHECK
int neap_segment_take(const char *path, int64_t deadline,
                      neap_segment **ret_segment);

/** What neap_segment_next tells of a segment on this machine. */
typedef struct neap_segment_info {
    char address[280]; /* fit for neap_segment_open */
    bool is_heap;      /* formatted by neap */
    neap_segment_stat stat;
} neap_segment_info;

typedef struct neap_segment_list neap_segment_list;

/**
 * List the posix and sysv segments of this machine (System V with no key,
 * IPC_PRIVATE, is listed as "sysv:0" and cannot be opened by address; POSIX
 * semaphores, /dev/shm/sem.*, are left out).
 *
 * @return 0; -ENOMEM; -errno of reading /dev/shm.
 */
NEAP_API NEAP_MUST_CHECK
int neap_segment_list_open(neap_segment_list **ret_list);

/** @return NEAP_MORE and an item, or 0 at the end. */
NEAP_API NEAP_MUST_CHECK
int neap_segment_list_next(neap_segment_list *list, neap_segment_info *ret_info);

/** NULL is fine. */
NEAP_API void neap_segment_list_close(neap_segment_list *list);

#endif
