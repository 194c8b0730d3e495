/**
 * What is mapped where: the address space of a process, and what is behind an
 * address of it, as the kernel tells in /proc (proc(5)).
 */
#ifndef NEAP_MAPS_H
#define NEAP_MAPS_H

#include "neap/mapping.h"

typedef enum neap_map_kind {
    NEAP_MAP_POSIX = NEAP_KIND_POSIX,
    NEAP_MAP_SYSV = NEAP_KIND_SYSV,
    NEAP_MAP_FILE = NEAP_KIND_FILE,
    NEAP_MAP_ANONYMOUS = NEAP_KIND_ANONYMOUS, /* shared over fork */
    NEAP_MAP_MEMFD = NEAP_KIND_MEMFD,
    NEAP_MAP_PRIVATE, /* memory of this process alone, without a file */
    NEAP_MAP_HEAP,    /* malloc's, not neap's */
    NEAP_MAP_STACK,
    NEAP_MAP_KERNEL   /* vdso and its like */
} neap_map_kind;

/** "posix", "sysv", "file", "anonymous", "memfd", "private", "heap", "stack",
 * "kernel". */
NEAP_API const char *neap_map_kind_name(neap_map_kind kind);

/** A mapping; sizes in bytes. */
typedef struct neap_map_info {
    uint64_t address, size;
    uint64_t offset;   /* in what is mapped */
    uint64_t device;   /* major << 32 | minor, and inode: what is mapped */
    uint64_t inode;    /* sysv: the segment's id */
    int protection;    /* enum neap_protection */
    bool shared;       /* writes reach others */
    bool deleted;      /* its name is gone */
    neap_map_kind kind;
    uint64_t resident; /* in memory */
    uint64_t others;   /* of these, in memory of other processes too */
    uint64_t dirty;    /* of these, changed */
    uint64_t swapped;
    char name[256];    /* path, key or label; "" none; cut to fit */
} neap_map_info;

typedef struct neap_map_list neap_map_list;

/**
 * List the mappings of a process, 0 for this one, in order of address.
 *
 * @return 0; -ESRCH no such process; -EACCES another user's; -ENOENT no /proc;
 * -errno.
 */
NEAP_API NEAP_MUST_CHECK
int neap_map_list_open(int32_t pid, neap_map_list **ret_list);

/** @return NEAP_MORE and an item, or 0 at the end. */
NEAP_API NEAP_MUST_CHECK
int neap_map_list_next(neap_map_list *list, neap_map_info *ret_info);

/** NULL is fine. */
NEAP_API void neap_map_list_close(neap_map_list *list);

/** What is behind an address. */
typedef struct neap_page_info {
    uint64_t page;      /* its number: address / page_size */
    uint64_t offset;    /* of the address in it */
    uint64_t page_size; /* bytes */
    bool present;       /* in memory, and known to this process's page table */
    bool swapped;
    bool file_or_shared;/* of a file or shared memory */
    bool frame_known;   /* the kernel tells only root (CAP_SYS_ADMIN) */
    uint64_t frame;     /* physical: its address is frame * page_size */
    bool mapped_known;  /* likewise */
    uint64_t mapped;    /* how many page tables point to the frame */
    int32_t node;       /* of memory, that it is on; -1 not known */
    neap_map_info map;  /* the mapping that it lies in */
} neap_page_info;

/**
 * Translate an address of a process, 0 for this one.
 *
 * @return 0; -EFAULT nothing is mapped there; as neap_map_list_open.
 */
NEAP_API NEAP_MUST_CHECK
int neap_translate(int32_t pid, uint64_t address, neap_page_info *ret_info);

/**
 * The processes that have the same page of the same memory mapped, shared, the
 * asked one included; those that may not be looked at are left out. Private
 * memory is its process's alone.
 *
 * @return how many there are; the first `most` are in `ret_pids`. As
 * neap_translate.
 */
NEAP_API NEAP_MUST_CHECK
int neap_page_sharers(int32_t pid, uint64_t address, int32_t *ret_pids,
                      int most);

#endif
