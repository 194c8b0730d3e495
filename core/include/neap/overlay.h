/**
 * Overlays: a zone of addresses, fixed in size and place, into which parts of a
 * segment or file much larger than the zone are loaded on demand, each
 * replacing the one that was used longest ago. So a file of any size is worked
 * through with addresses and memory for a part of it, as programs did whose
 * machines had no more.
 *
 * The zone is divided into frames of equal size. A part is loaded whole into
 * one frame; unless it would not fit, a frame holds the bytes from a multiple
 * of its size on, so that neighbouring parts meet in it. As long as a part is
 * in use its frame is not replaced.
 *
 *  shared  the frame's pages are the segment's own: what is written there is
 *          written, at once, for everybody (mmap)
 *  copy    a frame has a copy, read into it; what was written is written back, in
 *          whole pages, when the frame is replaced, flushed, or closed
 */
#ifndef NEAP_OVERLAY_H
#define NEAP_OVERLAY_H

#include "neap/mapping.h"

typedef struct neap_overlay neap_overlay;

/** Zero in a member means the default, NULL for all of them. */
typedef struct neap_overlay_options {
    uint64_t zone;    /* bytes; default 64 MiB, rounded up to whole frames */
    uint32_t frames;  /* 1 to 4096; default 8 */
    bool copy;        /* else shared */
    bool read_only;   /* always, if the segment is */
    void *address;    /* of the zone, a multiple of the page; nothing may be
                         there */
} neap_overlay_options;

/**
 * Make an overlay over a posix, file or memfd segment, whose handle may be
 * closed afterwards.
 *
 * Blocks: no. Crash: what was written in a shared frame is the segment's, what
 * was written in a copy and not flushed is lost. Signals: none. Fork: the child
 * has an overlay of its own, with the same parts in it; copies that were
 * written should be flushed before.
 *
 * @return 0; -ENOTSUP sysv and anonymous: they have no descriptor; -EINVAL;
 * -EEXIST the address is not free; -ENOMEM.
 */
NEAP_API NEAP_MUST_CHECK
int neap_overlay_open(neap_segment *segment,
                      const neap_overlay_options *options,
                      neap_overlay **ret_overlay);

/** Flush it and give the zone back, after the last part of it was closed; NULL
 * is fine. Flush before, to learn whether that failed. */
NEAP_API void neap_overlay_close(neap_overlay *overlay);

NEAP_API const char *neap_overlay_address(neap_overlay *overlay);
NEAP_API void *neap_overlay_zone(neap_overlay *overlay);
NEAP_API uint64_t neap_overlay_zone_size(neap_overlay *overlay);
/** The longest part that fits wherever it begins is a page less than a
 * frame. */
NEAP_API uint64_t neap_overlay_frame_size(neap_overlay *overlay);
NEAP_API bool neap_overlay_read_only(neap_overlay *overlay);

/** Bytes of the segment now. @return 0; -errno. */
NEAP_API NEAP_MUST_CHECK
int neap_overlay_size(neap_overlay *overlay, uint64_t *ret_size);

/**
 * Load `length` bytes from `offset` on, and have them as a mapping: it and the
 * arrays that view it keep the frame until they are closed. Parts that are to
 * be written say so.
 *
 * Blocks: for the disk. Crash, fork: as above. Signals: none. Threads: may call
 * at the same time.
 *
 * @return 0; -EINVAL nothing, past the end, or more than fits into a frame;
 * -EBUSY all frames are in use; -EACCES to write a read-only one; -ENOSPC, -EIO
 * what was in the frame cannot be written back, and is still there; -errno.
 */
NEAP_API NEAP_MUST_CHECK
int neap_overlay_load(neap_overlay *overlay, uint64_t offset, uint64_t length,
                      bool write, neap_mapping **ret_part);

/**
 * The same without a mapping: a pointer that is good until anything else is
 * loaded, for who looks at an element here and there in one thread.
 */
NEAP_API NEAP_MUST_CHECK
int neap_overlay_at(neap_overlay *overlay, uint64_t offset, uint64_t length,
                    bool write, void **ret_bytes);

/** One typed element at a byte offset, aligned or not. @return as
 * neap_overlay_at; -EINVAL no such type, or a value that it cannot hold. */
NEAP_API NEAP_MUST_CHECK
int neap_overlay_read(neap_overlay *overlay, uint64_t offset, neap_type type,
                      neap_value *ret_value);
NEAP_API NEAP_MUST_CHECK
int neap_overlay_write(neap_overlay *overlay, uint64_t offset, neap_type type,
                       neap_value value);

/** Write what was changed in copies back; with `sync` also to the disk. @return
 * 0; -ENOSPC; -EIO; -errno: what could not be written is still to be. */
NEAP_API NEAP_MUST_CHECK
int neap_overlay_flush(neap_overlay *overlay, bool sync);

typedef struct neap_overlay_stats {
    uint64_t loads;      /* parts brought into a frame */
    uint64_t hits;       /* parts that were there already */
    uint64_t replaced;   /* loads that took another part's frame */
    uint64_t loaded;     /* bytes */
    uint64_t written;    /* bytes, back to the segment, of copies */
    uint32_t frames;
    uint32_t used;       /* frames with a part in them */
    uint32_t pinned;     /* of them, those in use */
} neap_overlay_stats;

NEAP_API void neap_overlay_look(neap_overlay *overlay,
                                neap_overlay_stats *ret_stats);

#endif
