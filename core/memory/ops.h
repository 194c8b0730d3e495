/*
 * What stands behind a neap_segment: one table of operations for each kind, in
 * the file of that kind. segment.c and mapping.c know no kind by name.
 */
#ifndef NEAP_MEMORY_OPS_H
#define NEAP_MEMORY_OPS_H

#include "memory/memory.h"
#include "neap/mapping.h"
#include "neap/segment.h"

/* What a mapping shall be. `where` NULL is anywhere; else a multiple of the
 * page, and -EEXIST if anything is there already. */
struct neap__wish {
    uint64_t offset; /* a multiple of the page */
    int protection;
    bool copied;     /* writes stay here: copy on write */
    void *where;
};

struct neap_segment {
    const struct neap__segment_ops *ops;
    struct neap__address *address;
    bool read_only;
    int fd;        /* posix, file, memfd; else -1 */
    int id;        /* sysv: shmid; else -1 */
    void *base;    /* anonymous: where it is mapped as long as the handle is */
    uint64_t size; /* anonymous: a segment of that kind has nobody to ask */
    int pages;     /* anonymous: its huge pages' file, nobody else's; else -1 */
    _Atomic uint64_t page; /* bytes, where it is known to be huge; 0 a file may
                              tell (neap__segment_page) */
    _Atomic pid_t address_of; /* memfd: the process that `address` speaks of */
};

/*
 * `segment` comes with its address, read_only, and nothing else set. An absent
 * operation is a kind that has no such thing; segment.c says so to the caller.
 * Operations write the sentence of their failure.
 */
struct neap__segment_ops {
    neap_kind kind;
    bool huge; /* it may be created in huge pages: create heeds `page` */
    int (*create)(struct neap_segment *segment, uint64_t size, uint32_t mode);
    int (*open)(struct neap_segment *segment);
    void (*close)(struct neap_segment *segment);
    int (*status)(struct neap_segment *segment, neap_segment_stat *ret_stat);
    int (*size)(struct neap_segment *segment, uint64_t *ret_size); /* where it
                                          is had for less than a status */
    int (*resize)(struct neap_segment *segment, uint64_t size);
    int (*punch)(struct neap_segment *segment, uint64_t offset,
                 uint64_t length);
    int (*set_mode)(struct neap_segment *segment, uint32_t mode);
    int (*set_owner)(struct neap_segment *segment, uint32_t uid, uint32_t gid);
    int (*unlink)(struct neap_segment *segment);
    int (*unlink_address)(const struct neap__address *address);

    /*
     * Map from `offset`, a multiple of the page. sysv maps the whole segment
     * whatever is asked: then *base is moved back to its start, *length is its
     * size and *skip the bytes from there to the offset. Otherwise *skip is
     * left 0; where the address was not free, these two tell what was tried.
     * The protection is what was asked for. -ENOTSUP for a copy on write that
     * the kind cannot give: neap__copy_map then makes one at once.
     */
    int (*map)(struct neap_segment *segment, const struct neap__wish *wish,
               void **base, size_t *length, size_t *skip);
    void (*unmap)(void *base, size_t length);
};

extern const struct neap__segment_ops neap__posix_ops;
extern const struct neap__segment_ops neap__sysv_ops;
extern const struct neap__segment_ops neap__file_ops;
extern const struct neap__segment_ops neap__anonymous_ops;
extern const struct neap__segment_ops neap__memfd_ops;

/* -- segment.c ------------------------------------------------------------- */

/* A handle of what has no name but this descriptor, which is its from then on.
 * @return 0; -ENOMEM, and the descriptor is the caller's. */
int neap__segment_adopt(int fd, bool read_only, neap_segment **ret_segment);

/* -- huge.c ---------------------------------------------------------------- */

/* @return 0; -EINVAL no such options. */
int neap__huge_check(const char *name, const neap_segment_options *options);

/* Create it in huge pages, or say why not. @return 0; as
 * neap_segment_create_with. */
int neap__huge_create(struct neap_segment *segment, uint64_t size,
                      uint32_t mode, const neap_segment_options *options);

/* The pool's page that was asked for, 0 any. @return 0; -EINVAL; -ENOTSUP. */
int neap__huge_page(const char *name, uint64_t asked, uint64_t *ret_page);

/* The sentence for so many bytes that were not to be had. @return a status. */
int neap__huge_refused(int status, const char *name, uint64_t bytes,
                       uint64_t page);

/* Bytes of a page, of which offsets of its descriptor's mappings are multiples;
 * the system's where it is not known. */
uint64_t neap__segment_page(struct neap_segment *segment);

/* -- grow.c ---------------------------------------------------------------- */

/* Two numbers that no other segment has while this one lives. @return 0;
 * -errno. */
int neap__segment_identity(neap_segment *segment, uint64_t ret_identity[2]);

/* -- copy.c ---------------------------------------------------------------- */

/*
 * A private view of what the kernel does not copy on write: all of it is copied
 * now. It is unmapped with neap__map_remove. @return 0; -ENOMEM; -EEXIST.
 */
int neap__copy_map(struct neap_segment *segment, const struct neap__wish *wish,
                   void **base, size_t length);

/* -- descriptor.c: what the kinds with a descriptor share ------------------ */

/* Born by neap__birth_*: a name, `size` bytes set aside. */
int neap__descriptor_create(struct neap_segment *segment, uint64_t size,
                            uint32_t mode);
int neap__descriptor_open(struct neap_segment *segment);
void neap__descriptor_close(struct neap_segment *segment);
int neap__descriptor_status(struct neap_segment *segment,
                            neap_segment_stat *ret_stat);
int neap__descriptor_resize(struct neap_segment *segment, uint64_t size);
int neap__descriptor_set_mode(struct neap_segment *segment, uint32_t mode);
int neap__descriptor_set_owner(struct neap_segment *segment, uint32_t uid,
                               uint32_t gid);
int neap__descriptor_unlink(struct neap_segment *segment);
int neap__descriptor_punch(struct neap_segment *segment, uint64_t offset,
                           uint64_t length);
int neap__descriptor_map(struct neap_segment *segment,
                         const struct neap__wish *wish, void **base,
                         size_t *length, size_t *skip);

#endif
