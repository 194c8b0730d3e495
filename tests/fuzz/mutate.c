/*
 * Ways to spoil an image. Most aim at a word of a structure, for a change
 * anywhere hits the elements of arrays, which nobody minds.
 */
#include <linux/futex.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "layout/layout.h"

#define HEADER_WORDS (sizeof(struct neap_sh_header) / 8)
#define CONSTANT_WORDS (offsetof(struct neap_sh_header, boot) / 8)


static struct neap_sh_header *header_of(const struct image *image)
{
    return (struct neap_sh_header *)(void *)image->bytes;
}


static uint64_t get(const struct image *image, uint64_t offset)
{
    uint64_t value;
    memcpy(&value, image->bytes + offset, 8);
    return value;
}


static void put(struct image *image, uint64_t offset, uint64_t value)
{
    memcpy(image->bytes + offset, &value, 8);
}


/* -- where ----------------------------------------------------------------- */

static uint64_t anywhere(struct image *image, struct random *random)
{
    return random_below(random, image->size / 8) * 8;
}


static uint64_t inside(struct image *image, struct random *random,
                       uint64_t from, uint64_t bytes)
{
    if (from >= image->size || bytes < 8)
        return anywhere(image, random);
    if (bytes > image->size - from)
        bytes = image->size - from;
    return from + random_below(random, bytes / 8) * 8;
}


static uint64_t in_a_slot(struct image *image, struct random *random)
{
    uint64_t slots = header_of(image)->slots_ready % NEAP_SH_SLOTS_MAX;
    uint64_t slot = NEAP_SH_HEADER_SIZE +
                    random_below(random, slots + 1) * NEAP_SH_SLOT_SIZE;
    /* Half of them in the words that come first. */
    return inside(image, random, slot,
                  random_below(random, 2) ? 192 : NEAP_SH_SLOT_SIZE);
}


/* Entries, extents and tables lie at the beginning of a chunk. */
static uint64_t in_meta(struct image *image, struct random *random)
{
    uint64_t from = header_of(image)->heap_offset % image->size;
    return inside(image, random, from / 8 * 8, 16384);
}


static uint64_t somewhere(struct image *image, struct random *random)
{
    switch (random_below(random, 10)) {
    case 0:
        return anywhere(image, random);
    case 1:
        return random_below(random, CONSTANT_WORDS) * 8;
    case 2:
    case 3:
    case 4:
        return (CONSTANT_WORDS +
                random_below(random, HEADER_WORDS - CONSTANT_WORDS)) * 8;
    case 5:
    case 6:
        return in_a_slot(image, random);
    default:
        return in_meta(image, random);
    }
}


/* -- what ------------------------------------------------------------------ */

static uint64_t special(struct image *image, struct random *random)
{
    static const uint64_t values[] = {
        0, 1, 2, 8, 64, UINT64_MAX, UINT64_MAX - 63, INT64_MAX, UINT32_MAX,
        INT32_MAX, UINT64_C(1) << 40, UINT64_C(1) << 63, NEAP_SH_UNUSED,
        NEAP_SH_FREE, NEAP_SH_BARE, NEAP_SH_USED, NEAP_SH_META, 0x1000, 0x1001,
        FUTEX_OWNER_DIED, FUTEX_OWNER_DIED | 77, 77, FUTEX_WAITERS | 77,
    };
    uint64_t n = random_below(random, sizeof values / sizeof *values + 3);
    if (n < sizeof values / sizeof *values)
        return values[n];
    return image->size + (n & 1 ? 64 : -UINT64_C(64));
}


static uint64_t some_value(struct image *image, struct random *random,
                           uint64_t old)
{
    switch (random_below(random, 8)) {
    case 0:
        return random_next(random);
    case 1:
    case 2:
        return special(image, random);
    case 3:
        return anywhere(image, random);
    case 4:
        return in_meta(image, random) / 64 * 64;
    case 5:
        return get(image, somewhere(image, random));
    case 6:
        return old + random_below(random, 129) - 64;
    default:
        return old ^ UINT64_C(1) << random_below(random, 64);
    }
}


/* -- the ways -------------------------------------------------------------- */

static void change_word(struct image *image, struct random *random)
{
    uint64_t at = somewhere(image, random);
    put(image, at, some_value(image, random, get(image, at)));
}


static void change_half(struct image *image, struct random *random)
{
    uint64_t at = somewhere(image, random), old = get(image, at);
    uint64_t value = some_value(image, random, old) & UINT32_MAX;
    put(image, at, random_below(random, 2)
                       ? (old & ~(uint64_t)UINT32_MAX) | value
                       : (old & UINT32_MAX) | value << 32);
}


static void swap_words(struct image *image, struct random *random)
{
    uint64_t a = somewhere(image, random), b = somewhere(image, random);
    uint64_t value = get(image, a);
    put(image, a, get(image, b));
    put(image, b, value);
}


static void scatter(struct image *image, struct random *random)
{
    uint64_t at = somewhere(image, random);
    uint64_t n = random_below(random, 64) + 1;
    for (uint64_t i = at; i < at + n && i < image->size; i++)
        image->bytes[i] = (char)random_next(random);
}


static void zero_page(struct image *image, struct random *random)
{
    uint64_t at = somewhere(image, random) / 4096 * 4096;
    memset(image->bytes + at, 0,
           image->size - at < 4096 ? image->size - at : 4096);
}


static void copy_line(struct image *image, struct random *random)
{
    uint64_t to = somewhere(image, random) / 64 * 64;
    uint64_t from = somewhere(image, random) / 64 * 64;
    uint64_t bytes = random_below(random, 2) ? 64 : 384;
    if (to + bytes <= image->size && from + bytes <= image->size)
        memmove(image->bytes + to, image->bytes + from, bytes);
}


static void cut(struct image *image, struct random *random)
{
    uint64_t size = random_below(random, 3) ? random_below(random, image->size)
                                            : image->size - 1;
    memset(image->bytes + size, 0, image->size - size);
    image->size = size < 4096 && random_below(random, 2) ? 4096 : size;
}


static void lengthen(struct image *image, struct random *random)
{
    image->size += random_below(random, image->room - image->size + 1);
}


/* A change that somebody had in hand: the most powerful words of all. */
static void commit_redo(struct image *image, struct random *random)
{
    uint64_t slots = header_of(image)->slots_high % NEAP_SH_SLOTS_MAX + 1;
    uint64_t at = NEAP_SH_HEADER_SIZE +
                  random_below(random, slots) * NEAP_SH_SLOT_SIZE;
    if (at + NEAP_SH_SLOT_SIZE > image->size)
        return;
    struct neap_sh_slot slot;
    memcpy(&slot, image->bytes + at, sizeof slot);
    slot.redo.committed = 1;
    slot.redo.count = random_below(random, 20) ? random_below(random, 9)
                                               : random_next(random);
    for (int i = 0; i < 8; i++) {
        uint64_t offset = somewhere(image, random);
        slot.redo.stores[i].offset = offset;
        slot.redo.stores[i].value =
            some_value(image, random, get(image, offset));
    }
    if (random_below(random, 2))
        slot.life.word = FUTEX_OWNER_DIED | 77;
    memcpy(image->bytes + at, &slot, sizeof slot);
}


/* Words that are constant are looked at only if their sum is right. */
void mend_checksum(struct image *image)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < offsetof(struct neap_sh_header, checksum); i++)
        hash = (hash ^ (unsigned char)image->bytes[i]) *
               UINT64_C(0x100000001b3);
    put(image, offsetof(struct neap_sh_header, checksum), hash);
}


void mutate(struct image *image, struct random *random)
{
    static void (*const ways[])(struct image *, struct random *) = {
        change_word, change_word, change_word, change_word, change_word,
        change_word, change_word, change_half, change_half, change_half,
        swap_words, scatter, zero_page, copy_line, commit_redo, commit_redo,
    };
    uint64_t n = random_below(random, 8) ? random_below(random, 4) + 1
                                         : random_below(random, 40) + 1;
    while (n-- > 0)
        ways[random_below(random, sizeof ways / sizeof *ways)](image, random);
    if (random_below(random, 2))
        mend_checksum(image);
    if (random_below(random, 40) == 0)
        cut(image, random);
    else if (random_below(random, 20) == 0)
        lengthen(image, random);
}
