/**
 * Semaphores of the kernel and the C library, to work beside programs that know
 * nothing of neap:
 *
 *  posix:NAME  one made with sem_open("/NAME"), or NAME alone
 *  sysv:KEY    a set made with semget(KEY, ...): one or more in an array
 *
 * Within neap use neap_semaphore: its undo costs no call of the kernel, its
 * waits see deadlocks, and it has a name, a type and a bound that are checked.
 */
#ifndef NEAP_KERNEL_SEMAPHORE_H
#define NEAP_KERNEL_SEMAPHORE_H

#include "neap/segment.h"

typedef struct neap_kernel_semaphore neap_kernel_semaphore;

typedef struct neap_kernel_semaphore_options {
    bool create;      /* make it when it is missing */
    bool exclusive;   /* -EEXIST when it is there; only with create */
    bool undo;        /* sysv: what this process took returns when it ends
                         (SEM_UNDO); posix: -ENOTSUP */
    uint32_t mode;    /* when made: permission bits, whatever the umask; 0 means
                         0600 */
    uint32_t count;   /* sysv, when made: how many in the set; 0 means 1. When it
                         is there: at least so many, or -EINVAL */
    int64_t initial;  /* when made: the value of each */
} neap_kernel_semaphore_options;

/** Open it, or make it. NULL options: open what is there.
 *
 * Crash: a posix one is made in one step. A set appears with zeros, and gets
 * its values right after; who opens it meanwhile with `create` waits up to a
 * second until it was made (sem_otime, as Stevens, UNIX Network Programming 2,
 * 11.2). Fork: the child may use the handle; it inherits no undo.
 *
 * @return 0; NEAP_CREATED; -ENOENT; -EEXIST; -EACCES; -EINVAL; -ENOTSUP another
 * kind of address; -ENOSPC a limit of the kernel, which the text names;
 * -EMFILE; NEAP_ECORRUPT the file is no semaphore. */
NEAP_API NEAP_MUST_CHECK
int neap_kernel_semaphore_open(const char *address,
                               const neap_kernel_semaphore_options *options,
                               neap_kernel_semaphore **ret_semaphore);

/** NULL is fine. The semaphore stays, and so does what was taken of it. */
NEAP_API void neap_kernel_semaphore_close(neap_kernel_semaphore *semaphore);

NEAP_API const char *
neap_kernel_semaphore_address(neap_kernel_semaphore *semaphore);
NEAP_API neap_kind neap_kernel_semaphore_kind(neap_kernel_semaphore *semaphore);

/** How many are in the set; 1 of a posix one. */
NEAP_API uint32_t
neap_kernel_semaphore_count(neap_kernel_semaphore *semaphore);

/** One change of one semaphore of a set (struct sembuf). */
typedef struct neap_kernel_semaphore_change {
    uint32_t index; /* from 0 */
    int32_t by;     /* > 0 release so many; < 0 wait for them and take them; 0
                       wait until the value is 0 */
} neap_kernel_semaphore_change;

/**
 * Make all changes at once, or wait until all can be made (semop). A posix
 * semaphore has one of them, by 1 or -1.
 *
 * Blocks: until it is done or `deadline`. Crash: all or nothing; a killed posix
 * waiter costs each later release a call of the kernel. Signals: -EINTR.
 *
 * @return 0; -ETIMEDOUT (-EBUSY with NEAP_NOW); -EINTR; -EINVAL; -EFBIG no such
 * index; -E2BIG too many changes; -ERANGE beyond the largest value, or the
 * kernel keeps no more undo values; -ENOTSUP; -EACCES; -EIDRM it was removed,
 * meanwhile or before.
 */
NEAP_API NEAP_MUST_CHECK
int neap_kernel_semaphore_apply(neap_kernel_semaphore *semaphore,
                                const neap_kernel_semaphore_change *changes,
                                size_t count, int64_t deadline);

/** Take n of the one at `index`, and give them back. */
NEAP_API NEAP_MUST_CHECK
int neap_kernel_semaphore_acquire(neap_kernel_semaphore *semaphore,
                                  uint32_t index, int32_t n, int64_t deadline);
NEAP_API int neap_kernel_semaphore_release(neap_kernel_semaphore *semaphore,
                                           uint32_t index, int32_t n);

/** The value now. @return 0; -EFBIG; -EACCES; -EIDRM. */
NEAP_API NEAP_MUST_CHECK
int neap_kernel_semaphore_get(neap_kernel_semaphore *semaphore, uint32_t index,
                              int64_t *ret_value);

/** Set the value of one of a set (SETVAL), which clears what was to be undone
 * of it in every process. @return 0; -ENOTSUP posix; -ERANGE; as get. */
NEAP_API int neap_kernel_semaphore_set(neap_kernel_semaphore *semaphore,
                                       uint32_t index, int64_t value);

typedef struct neap_kernel_semaphore_stat {
    neap_kind kind;
    uint32_t count;
    uint32_t mode, uid, gid;
    int32_t id;       /* sysv; -1 else */
    int64_t operated; /* sysv: seconds since 1970 of the last semop, 0 never */
    int64_t changed;  /* seconds since 1970: made, set, or given a mode */
} neap_kernel_semaphore_stat;

/** What the kernel knows of it. @return 0; -EACCES; -EIDRM; -ENOENT. */
NEAP_API NEAP_MUST_CHECK
int neap_kernel_semaphore_status(neap_kernel_semaphore *semaphore,
                                 neap_kernel_semaphore_stat *ret_stat);

typedef struct neap_kernel_semaphore_use {
    int64_t value;
    int32_t last_pid; /* sysv: who changed it last; 0 nobody */
    uint32_t waiting; /* sysv: for it to grow (GETNCNT) */
    uint32_t waiting_for_zero; /* sysv: GETZCNT */
} neap_kernel_semaphore_use;

/** One of a set, and who waits for it. @return as get. */
NEAP_API NEAP_MUST_CHECK
int neap_kernel_semaphore_look(neap_kernel_semaphore *semaphore, uint32_t index,
                               neap_kernel_semaphore_use *ret_use);

/** Take its name away (posix: whoever has it open goes on; sysv: it is gone,
 * and who waits gets -EIDRM). @return 0; -ENOENT; -EACCES; -ENOTSUP. */
NEAP_API int neap_kernel_semaphore_unlink(const char *address);

/* The semaphores of this machine: posix ones, then System V sets. */
typedef struct neap_kernel_semaphore_list neap_kernel_semaphore_list;

typedef struct neap_kernel_semaphore_info {
    char address[280]; /* "sysv:0" of a set without a key */
    neap_kernel_semaphore_stat stat;
} neap_kernel_semaphore_info;

NEAP_API NEAP_MUST_CHECK
int neap_kernel_semaphore_list_open(neap_kernel_semaphore_list **ret_list);
/** @return NEAP_MORE and one of them; 0 at the end. */
NEAP_API NEAP_MUST_CHECK
int neap_kernel_semaphore_list_next(neap_kernel_semaphore_list *list,
                                    neap_kernel_semaphore_info *ret_info);
NEAP_API void
neap_kernel_semaphore_list_close(neap_kernel_semaphore_list *list);

#endif
