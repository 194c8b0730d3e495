/**
 * Snapshots: a heap as it is at one instant, in memory that nobody can change.
 *
 * A heap that is attached is trusted: whoever maps it for writing may destroy
 * it. Who should only look, and is trusted less, gets a snapshot: a memfd
 * segment, sealed against writing, growing and shrinking, for which the kernel
 * stands. It is taken as a checkpoint is (neap/checkpoint.h): what was being
 * done is finished or undone in it, and nobody holds anything.
 */
#ifndef NEAP_SNAPSHOT_H
#define NEAP_SNAPSHOT_H

#include "neap/checkpoint.h"

/**
 * Take a snapshot. Of the options `nobody_writes` and `progress` count. The
 * segment goes away with its last descriptor and its last mapping; pass it on
 * with neap_segment_send or neap_segment_give.
 *
 * Blocks, crash, signals, fork: as neap_heap_checkpoint.
 *
 * @return 0; -ENOSPC no memory for a second heap; as neap_heap_checkpoint.
 */
NEAP_API NEAP_MUST_CHECK
int neap_heap_snapshot(neap_heap *heap, const neap_checkpoint_options *options,
                       neap_segment **ret_segment);

/**
 * A segment for a heap without a name itself, to pass on: whoever opens it
 * works in the same heap. @return 0; -ENOTSUP it has a name, by which it is
 * opened.
 */
NEAP_API NEAP_MUST_CHECK
int neap_heap_segment(neap_heap *heap, neap_segment **ret_segment);

/**
 * Open the heap in a segment that has a descriptor, as it was received. It is
 * read only if the segment is: a sealed one always.
 *
 * Of `flags` NEAP_OPEN_READ_ONLY and NEAP_OPEN_DEADLOCK_ERROR count.
 *
 * @return 0; -ENOTSUP no descriptor; NEAP_EFOREIGN; NEAP_ELAYOUT;
 * NEAP_ECORRUPT; -errno.
 */
NEAP_API NEAP_MUST_CHECK
int neap_heap_open_segment(neap_segment *segment, uint32_t flags,
                           neap_heap **ret_heap);

/** Zero in a member means the default, NULL for all of them. */
typedef struct neap_serve_options {
    uint32_t mode;   /* of the socket: who may connect, by its write bits;
                        default 0600 */
    uint64_t count;  /* end after so many were served; default: never */
    int64_t fresh;   /* nanoseconds for which a snapshot is given again to
                        others; default one second. So nobody can make the
                        heap's users stand still all the time. */
} neap_serve_options;

/**
 * Give a snapshot to each process that takes it (neap_segment_take) at the path
 * of a Unix socket, one after the other, until `deadline`.
 *
 * Blocks: until then. Crash: the socket stays, and the next one that serves
 * there takes its place. Signals: -EINTR, the path removed. Fork: both may
 * call, at different paths.
 *
 * @return 0, with *ret_served (and so with -EINTR); -EADDRINUSE somebody serves
 * there; -EEXIST something else has that name; -EINTR; as neap_heap_snapshot.
 */
NEAP_API NEAP_MUST_CHECK
int neap_heap_serve(neap_heap *heap, const char *path,
                    const neap_serve_options *options, int64_t deadline,
                    uint64_t *ret_served);

#endif
