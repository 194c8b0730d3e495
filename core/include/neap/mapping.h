/**
 * Mappings: a segment, or a part of one, at an address of this process.
 *
 * Reads and writes through these functions are checked against the mapping's
 * length and its protection, so a mistake is a status and never a signal. (The
 * segment's size is checked when it is mapped; another program that makes it
 * shorter afterwards takes the pages away, see neap/guard.h.)
 * neap_mapping_data() gives the bare pointer to who wants it.
 */
#ifndef NEAP_MAPPING_H
#define NEAP_MAPPING_H

#include "neap/segment.h"
#include "neap/type.h"

typedef struct neap_mapping neap_mapping;

enum neap_protection {
    NEAP_PROT_NONE = 0,
    NEAP_PROT_READ = 1,
    NEAP_PROT_WRITE = 2, /* implies read */
    NEAP_PROT_EXEC = 4
};

/**
 * Map `length` bytes from `offset` on; length 0 means to the end. The offset
 * need not be a multiple of the page: rounding is done here. The segment's
 * handle may be closed afterwards.
 *
 * Blocks: no. Crash: changes nothing. Signals: none. Fork: the child has it.
 *
 * @return 0; -EINVAL past the end or empty; -EACCES; -ENOMEM.
 */
NEAP_API NEAP_MUST_CHECK
int neap_mapping_open(neap_segment *segment, uint64_t offset, uint64_t length,
                      int protection, neap_mapping **ret_mapping);

enum neap_mapping_flags {
    NEAP_MAPPING_PRIVATE = 1,  /* copy on write: others never see what is
                                  written here. Of sysv and anonymous, which
                                  the kernel does not copy so, all is copied at
                                  once: it costs its memory and a moment, and
                                  later writes of others do not show; of the
                                  other kinds they may, until a page is written
                                  to here */
    NEAP_MAPPING_PREFAULT = 2, /* all pages in the page table at once */
    NEAP_MAPPING_LOCKED = 4,   /* never swapped out: mlock(2) */
    NEAP_MAPPING_HUGE_TRY = 8, /* huge pages where the kernel gives them */
    NEAP_MAPPING_HUGE = 16     /* the whole huge pages of it are such, or it
                                  fails: Linux 6.1 and later */
};

enum neap_advice {
    NEAP_ADVICE_NORMAL,
    NEAP_ADVICE_SEQUENTIAL, /* read ahead much, keep little */
    NEAP_ADVICE_RANDOM,     /* read nothing ahead */
    NEAP_ADVICE_WILLNEED,   /* begin to bring it */
    NEAP_ADVICE_DONTNEED    /* take it from this process's page table; in a
                               private mapping what was written is lost:
                               -ENOTSUP where all was copied */
};

/** Zero in a member means the default; `size` is sizeof(neap_mapping_options),
 * for there may be more members one day. */
typedef struct neap_mapping_options {
    uint32_t size;
    uint32_t flags;            /* enum neap_mapping_flags */
    uint64_t offset, length;   /* as for neap_mapping_open */
    void *address;             /* of the byte at `offset`; never in the place of
                                  what is there */
} neap_mapping_options;

/**
 * The same with more to ask for. A private mapping of a segment that was opened
 * read-only may be written to.
 *
 * @return as neap_mapping_open; -EEXIST the address is not free, with what is
 * there; -ENOMEM and -EPERM may not be locked, with the limit; -EINVAL, -ENOMEM
 * no huge pages.
 */
NEAP_API NEAP_MUST_CHECK
int neap_mapping_open_with(neap_segment *segment, int protection,
                           const neap_mapping_options *options,
                           neap_mapping **ret_mapping);

/**
 * Give the mapping another length, 0 up to the segment's end, as after
 * neap_segment_resize; mremap(2). It starts where it did. `segment` is any open
 * handle of what it is of. It grows in its place, or, with `may_move` and while
 * no array views it, moves to where there is room: bare pointers into it are
 * stale then, and nobody else may use the mapping meanwhile.
 *
 * Blocks: no. Crash: changes nothing. Signals: none. Fork: of this process.
 *
 * @return 0; -EINVAL past the segment's end or another segment; -ENOMEM no room
 * in its place; -EBUSY arrays view what would go or move; -ENOTSUP a copied
 * private mapping, a part of an overlay, huge pages, or parts with protections
 * of their own; -EAGAIN locked, and more may not be.
 */
NEAP_API NEAP_MUST_CHECK
int neap_mapping_resize(neap_mapping *mapping, neap_segment *segment,
                        uint64_t length, bool may_move);

/** Unmap; NULL is fine. Arrays that view it keep the memory mapped until the
 * last of them is closed; the handle itself refuses with NEAP_ECLOSED. */
NEAP_API void neap_mapping_close(neap_mapping *mapping);

/** Another count of the same mapping, for bindings whose objects view it; each
 * is given back with neap_mapping_close. */
NEAP_API neap_mapping *neap_mapping_retain(neap_mapping *mapping);

NEAP_API void *neap_mapping_data(neap_mapping *mapping);
NEAP_API uint64_t neap_mapping_length(neap_mapping *mapping);
/** What all its pages allow. */
NEAP_API int neap_mapping_protection(neap_mapping *mapping);

/**
 * Change what may be done with the whole mapping. Taking writing away while an
 * array views the memory is -EBUSY: the array would die of a signal.
 *
 * @return 0; -EACCES the segment was opened read-only; -EBUSY; -EINVAL.
 */
NEAP_API NEAP_MUST_CHECK
int neap_mapping_protect(neap_mapping *mapping, int protection);

/**
 * The same for the pages that hold `length` bytes from `offset` on; length 0
 * means to the end. Whole pages change, so neighbours on the first and the last
 * one do too. Reads and writes are checked against what their bytes allow.
 *
 * @return as neap_mapping_protect; -ERANGE past the end; -ENOMEM.
 */
NEAP_API NEAP_MUST_CHECK
int neap_mapping_protect_part(neap_mapping *mapping, uint64_t offset,
                              uint64_t length, int protection);

/** Tell the kernel how a part will be used. @return 0; -EINVAL no advice;
 * -ERANGE past the end; -errno. */
NEAP_API NEAP_MUST_CHECK
int neap_mapping_advise(neap_mapping *mapping, uint64_t offset, uint64_t length,
                        int advice);

enum neap_placement {
    NEAP_PLACE_DEFAULT,   /* near who touches a page first */
    NEAP_PLACE_BIND,      /* on these nodes and on no other */
    NEAP_PLACE_PREFER,    /* on this node while it has room */
    NEAP_PLACE_INTERLEAVE /* on these nodes by turns */
};

/**
 * On which nodes of memory the pages of a part are: bit n of `nodes` stands for
 * node n, below 64; mbind(2). Pages that are there already move, unless other
 * processes have them mapped too. For shared memory it is true for all who map
 * that part; for files on a disk the kernel heeds it in private mappings only.
 *
 * @return 0; -EINVAL no such node, with those that there are; -ERANGE past the
 * end; -EIO bound, and not all pages that are there could move; -EPERM;
 * -ENOSYS.
 */
NEAP_API NEAP_MUST_CHECK
int neap_mapping_place(neap_mapping *mapping, uint64_t offset, uint64_t length,
                       int placement, uint64_t nodes);

/** How many bytes of the pages of a part are in memory: mincore(2). @return 0;
 * -ERANGE past the end; -errno. */
NEAP_API NEAP_MUST_CHECK
int neap_mapping_resident(neap_mapping *mapping, uint64_t offset,
                          uint64_t length, uint64_t *ret_bytes);

/** Count a view (+1) or its end (-1), so that protect knows. */
NEAP_API void neap_mapping_view(neap_mapping *mapping, int change);

/** Write dirty pages of a file to disk: at once, or with `later` when the
 * kernel likes. @return 0; -errno. */
NEAP_API NEAP_MUST_CHECK
int neap_mapping_sync(neap_mapping *mapping, bool later);

/**
 * One typed element at a byte offset, aligned or not.
 *
 * @return 0; -ERANGE past the end; -EACCES the protection forbids it; -EINVAL
 * no such type, or (write) a value that the type cannot hold.
 */
NEAP_API NEAP_MUST_CHECK
int neap_mapping_read(neap_mapping *mapping, uint64_t offset, neap_type type,
                      neap_value *ret_value);
NEAP_API NEAP_MUST_CHECK
int neap_mapping_write(neap_mapping *mapping, uint64_t offset, neap_type type,
                       neap_value value);

/** A run of bytes. @return 0; -ERANGE; -EACCES. */
NEAP_API NEAP_MUST_CHECK
int neap_mapping_read_bytes(neap_mapping *mapping, uint64_t offset,
                            uint64_t length, void *ret_bytes);
NEAP_API NEAP_MUST_CHECK
int neap_mapping_write_bytes(neap_mapping *mapping, uint64_t offset,
                             uint64_t length, const void *bytes);

#endif
