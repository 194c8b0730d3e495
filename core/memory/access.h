/* A mapping from inside, for the two files that share it. */
#ifndef NEAP_MEMORY_ACCESS_H
#define NEAP_MEMORY_ACCESS_H

#include "memory/ops.h"

struct neap_mapping {
    char *address;       /* of its segment, for sentences */
    void *base;          /* what the kernel mapped (mapping.c, M1) */
    size_t base_length;
    size_t page;         /* bytes: protection and advice go by whole ones */
    uint8_t *data;       /* what was asked for */
    uint64_t length;
    uint64_t offset;      /* of data, in the segment */
    uint64_t identity[2]; /* of the segment */
    void (*unmap)(void *base, size_t length);
    bool copied;         /* at once: there is no segment behind it */
    bool read_only;      /* as the segment was opened: for ever */
    _Atomic int protection; /* what all its pages allow */
    _Atomic(_Atomic uint8_t *) pages; /* what each page allows from base on;
                                         NULL while they are all alike */
    _Atomic int references;
    _Atomic int views;   /* arrays over it */
    struct neap_overlay *overlay; /* whose part it is, or NULL */
    uint32_t frame;      /* of that */
    int watched;         /* by the guard; -1 not */
    _Atomic bool spoiled;   /* it replaced pages of it */
};

/* -- region.c -------------------------------------------------------------- */

/* True if each page of that part, which lies inside, allows `needed`. */
bool neap__mapping_part_allows(const struct neap_mapping *mapping,
                               uint64_t offset, uint64_t length, int needed);

/* The pages of a part, length 0 to the end. @return 0; -ERANGE; closed. */
int neap__mapping_find(const struct neap_mapping *mapping, uint64_t offset,
                       uint64_t length, void **ret_base, size_t *ret_bytes);

/* What the options ask besides an address, once the pages are there; writes the
 * sentence. */
int neap__mapping_equip(struct neap_mapping *mapping,
                        const neap_mapping_options *options);

/* In mapping.c: what a closed handle, a protection that is none, and writing to
 * what is read-only are told. */
int neap__mapping_closed(void);
int neap__mapping_normalize(int protection, int *ret_protection);
int neap__mapping_writable(const struct neap_mapping *mapping, int protection);
int neap__mapping_unviewed(struct neap_mapping *mapping, int protection);

/* Have its pages guarded, and no longer: before they are unmapped. */
void neap__mapping_watch(struct neap_mapping *mapping);
void neap__mapping_unwatch(struct neap_mapping *mapping);

#endif
