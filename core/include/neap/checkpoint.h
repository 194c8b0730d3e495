/**
 * Checkpoints: a heap as a file, and the way back.
 *
 * A checkpoint is the heap as if every process that uses it had been killed at
 * one instant, which is a state that a heap is made to survive. So it may be
 * taken while others work; they stand still for the time that it takes to find
 * and copy what has changed since the copying began. neap_restore makes a new
 * heap of it: locks that were held come back abandoned, permits and shares are
 * given back, a change that was committed is finished, one that was not has
 * never been.
 */
#ifndef NEAP_CHECKPOINT_H
#define NEAP_CHECKPOINT_H

#include "neap/heap.h"

/** Told now and then how far it is, in bytes; other than 0 ends the call with
 * -ECANCELED. */
typedef int neap_progress_function(void *context, uint64_t done,
                                   uint64_t total);

/** The level at which zstd is fast, and files get as small as is worth it. */
#define NEAP_COMPRESS 3

/** Zero in a member means the default, NULL for all of them. */
typedef struct neap_checkpoint_options {
    uint32_t mode;        /* permissions of the file; default 0600 */
    bool nobody_writes;   /* the caller knows that; nobody is stopped */
    int32_t compress;     /* level of zstd, 1 to 22; NEAP_COMPRESS is a good one;
                             default: not compressed */
    neap_progress_function *progress;
    void *context;
} neap_checkpoint_options;

typedef struct neap_checkpoint_report {
    uint64_t size;        /* bytes of the heap */
    uint64_t stored;      /* bytes of it in the file: those not zero, packed */
    uint64_t changed;     /* bytes copied while all stood still */
    int64_t pause;        /* nanoseconds for which they did */
    int64_t took;         /* nanoseconds in all */
    uint32_t stopped;     /* processes that were made to stand still */
} neap_checkpoint_report;

/**
 * Write the heap to the file `path`. A file that is a checkpoint already is
 * replaced in one step; until then, and if anything goes wrong, the old one
 * stays. Anything else of that name is left alone.
 *
 * Blocks: for the disk. Crash: all or nothing; whoever stood still goes on.
 * Signals: -EINTR, nothing written. Fork: both may call. Threads of the caller
 * stand still like everybody else; a forked child does the work.
 *
 * @return 0; -EPERM somebody uses the heap who may not be stopped; -ETIMEDOUT
 * somebody did not stop within five seconds; -EEXIST something else has that
 * name; -ENOSPC; -EINTR; -ECANCELED; -EINVAL; -ENOSYS it is to be compressed,
 * and libzstd.so.1 is not installed; -errno.
 */
NEAP_API NEAP_MUST_CHECK
int neap_heap_checkpoint(neap_heap *heap, const char *path,
                         const neap_checkpoint_options *options,
                         neap_checkpoint_report *ret_report);

/** What a checkpoint's file says of itself. */
typedef struct neap_checkpoint_info {
    neap_kind kind;       /* of the heap that it was taken of */
    uint64_t size;        /* bytes of the heap */
    uint64_t stored;      /* bytes of it in the file */
    int64_t taken;        /* seconds since 1970 */
    char uuid[37];        /* of the heap */
    char host[65];        /* machine where it was taken */
    char address[201];    /* of the heap there; perhaps cut short */
} neap_checkpoint_info;

/**
 * Look at a checkpoint, read all of it and compare checksums.
 *
 * @return 0; -ENOENT; NEAP_EFOREIGN it is none; NEAP_ELAYOUT of another layout
 * or byte order; NEAP_ECORRUPT cut short or damaged; -ENOSYS it is compressed,
 * and libzstd.so.1 is not installed; -errno.
 */
NEAP_API NEAP_MUST_CHECK
int neap_checkpoint_look(const char *path, neap_checkpoint_info *ret_info);

/**
 * Make a heap of a checkpoint, under an address that nobody has yet (NULL or
 * "": without a name), with a uuid of its own, and open it. What the lost were
 * doing is finished or undone before the name appears. Of the options mode,
 * reserve and NEAP_OPEN_EPHEMERAL count.
 *
 * Blocks: for the disk. Crash: all or nothing. Signals: none. Fork: both may
 * call.
 *
 * @return NEAP_CREATED; -EEXIST; -ENOSPC; -ENOTSUP a System V address; as
 * neap_checkpoint_look.
 */
NEAP_API NEAP_MUST_CHECK
int neap_restore(const char *path, const char *address,
                 const neap_heap_options *options, neap_heap **ret_heap);

#endif
