/*
 * The file of a checkpoint.
 *
 *   0          struct neap__image, one page
 *   4096       blocks of 64 KiB in any order, each from one place of the heap,
 *              or what zstd made of them; what is not there is zero
 *   index      struct neap__image_block for each of them
 *
 * The checksum of a block is the hash of the hashes of its sixteen pages, so
 * that the page of a block that changed is all that has to be hashed again. The
 * header is written last, when everything else is on the disk.
 */
#ifndef NEAP_HEAP_IMAGE_H
#define NEAP_HEAP_IMAGE_H

#include "heap/heap.h"
#include "neap/checkpoint.h"

#define NEAP__IMAGE_MAGIC "NEAPCKPT"
#define NEAP__IMAGE_VERSION 2
#define NEAP__IMAGE_PAGE 4096u
#define NEAP__IMAGE_BLOCK 65536u
#define NEAP__IMAGE_PAGES (NEAP__IMAGE_BLOCK / NEAP__IMAGE_PAGE)

struct neap__image {
    char magic[8];
    uint32_t byte_order;
    uint32_t version;        /* of this format */
    uint32_t layout_version; /* of the heap */
    uint32_t kind;
    uint64_t size;           /* of the heap, a multiple of a page */
    uint64_t blocks;
    uint64_t index;          /* where it begins */
    uint64_t index_hash;
    int64_t taken;
    uint8_t uuid[16];
    char host[64];
    char address[200];
    uint64_t stored;         /* bytes that the blocks have in the file */
    uint32_t packed;         /* 1 some by zstd */
    char zero[3732];
    uint64_t hash;           /* of the page, itself being 0 */
};

struct neap__image_block {
    uint64_t number;         /* of the block in the heap */
    uint64_t hash;
    uint64_t place;          /* in the file */
    uint64_t length;         /* there; less than a block's: packed */
};

_Static_assert(sizeof(struct neap__image) == NEAP__IMAGE_PAGE, "one page");
_Static_assert(sizeof(struct neap__image_block) == 32, "no gaps");

/* Hashes of pages are kept less that of a page of zeros, so that memory that
 * nobody has touched need not be looked at. */
uint64_t neap__image_page_hash(const void *page);
uint64_t neap__image_block_hash(const uint64_t pages[NEAP__IMAGE_PAGES]);
uint64_t neap__image_index_hash(const struct neap__image_block *index,
                                uint64_t count);
uint64_t neap__image_hash(const struct neap__image *image);

/* Is there something that is no checkpoint? @return 0 a checkpoint; -ENOENT;
 * -EEXIST, with its text. */
int neap__image_replaceable(const char *path);

/*
 * Open and check a checkpoint, all of it; *ret_index is to be freed.
 * @return a descriptor; -errno; NEAP_EFOREIGN; NEAP_ELAYOUT; NEAP_ECORRUPT.
 */
int neap__image_open(const char *path, struct neap__image *image,
                     struct neap__image_block **ret_index);

/* A block of the file into `bytes`, without a look at its hash. @return 0;
 * NEAP_ECORRUPT; -errno. */
int neap__image_load(int fd, const char *path,
                     const struct neap__image_block *block, void *bytes);

/* And with one. @return 0; NEAP_ECORRUPT; -errno. */
int neap__image_read(int fd, const char *path,
                     const struct neap__image_block *block, void *bytes);

#endif
