/*
 * The fuzzer of images: real heaps, spoiled in ways that a seed decides, are
 * offered to the library.
 */
#ifndef NEAP_FUZZ_H
#define NEAP_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "neap.h"

struct image {
    char *bytes;
    size_t size;
    size_t room; /* bytes that may be there after a mutation */
};

/* -- random.c: numbers that a seed decides --------------------------------- */

struct random {
    uint64_t state;
};

uint64_t random_next(struct random *random);
/* 0 to n - 1. */
uint64_t random_below(struct random *random, uint64_t n);

/* -- images.c: heaps as they are found ------------------------------------- */

#define IMAGES 6

/* Make them; ends the program if that fails. */
void images_make(struct image images[IMAGES]);

/* -- use_sync.c ------------------------------------------------------------ */

/* Use an object that others wait for; any other is passed over. */
void use_sync(neap_heap *heap, const neap_object_info *info);

/* -- mutate.c -------------------------------------------------------------- */

/* Make the sum of the header's constants right. */
void mend_checksum(struct image *image);

/* Spoil it. */
void mutate(struct image *image, struct random *random);

#endif
