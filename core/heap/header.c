/* What a heap is: formatting one, and telling whether something is one. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "heap/heap.h"

#define PAGE 4096u

/* In the order of header.sizes; the names are what ELAYOUT's text says. */
static const struct {
    const char *name;
    uint32_t value;
} sizes[8] = {
    {"size of a slot", sizeof(struct neap_sh_slot)},
    {"size of an entry", sizeof(struct neap_sh_entry)},
    {"size of an extent record", sizeof(struct neap_sh_extent)},
    {"size of the proof of life", sizeof(struct neap_sh_life)},
    {"length of the redo record", NEAP_SH_REDO},
    {"number of held locks", NEAP_SH_HELD},
    {"number of free lists", NEAP_SH_BINS},
    {"length of names", NEAP_NAME_MAX},
};


static uint64_t checksum(const struct neap_sh_header *header)
{
    const unsigned char *bytes = (const unsigned char *)header;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < offsetof(struct neap_sh_header, checksum); i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}


uint64_t neap__heap_offset(uint32_t slots)
{
    return neap__round_up(
        NEAP_SH_HEADER_SIZE + (uint64_t)slots * NEAP_SH_SLOT_SIZE, PAGE);
}


uint64_t neap__heap_smallest(uint32_t slots)
{
    return neap__heap_offset(slots) + NEAP_SH_META_AT_BIRTH + NEAP_SH_DATA_AT_BIRTH;
}


/* System V heaps cannot grow, so that all of their meta memory, an eighth of
 * the heap, is fresh only at birth. */
static uint64_t meta_size(const struct neap__shape *shape)
{
    uint64_t part = (shape->size - neap__heap_offset(shape->slots)) / 8;
    return shape->kind == NEAP_KIND_SYSV && part > NEAP_SH_META_AT_BIRTH
               ? part / PAGE * PAGE : NEAP_SH_META_AT_BIRTH;
}


static void make_uuid(uint8_t uuid[16])
{
    if (getrandom(uuid, 16, 0) != 16)
        memcpy(uuid, &(int64_t){neap_now()}, sizeof(int64_t));
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}


static void format_constants(struct neap_sh_header *header,
                             const struct neap__shape *shape)
{
    header->byte_order = NEAP_SH_BYTE_ORDER;
    header->layout_version = NEAP_LAYOUT_VERSION;
    for (size_t i = 0; i < NEAP__COUNT(sizes); i++)
        header->sizes[i] = sizes[i].value;
    make_uuid(header->uuid);
    header->created = (uint64_t)time(NULL);
    header->reserved = shape->reserved;
    header->heap_offset = neap__heap_offset(shape->slots);
    header->slot_count = shape->slots;
    header->kind = (uint32_t)shape->kind;
    header->flags = shape->flags;
}


/* The first meta chunk holds extent records, of which two are in use: one for
 * the chunk itself and one for the free bytes above; and the directory. */
static void format_memory(struct neap_sh_header *header,
                          struct neap_sh_extent *extents,
                          const struct neap__shape *shape)
{
    uint64_t meta = header->heap_offset, meta_bytes = meta_size(shape);
    for (uint64_t i = 2; i < NEAP_SH_EXTENTS_AT_BIRTH; i++) {
        extents[i].state = NEAP_SH_UNUSED;
        extents[i].next = i + 1 < NEAP_SH_EXTENTS_AT_BIRTH
                              ? meta + (i + 1) * sizeof *extents : 0;
    }
    uint64_t second = meta + sizeof *extents;
    extents[0].start = meta;
    extents[0].size = meta_bytes;
    extents[0].state = NEAP_SH_META;
    extents[0].above = second;
    extents[1].start = meta + meta_bytes;
    extents[1].size = shape->size - (meta + meta_bytes);
    extents[1].state = NEAP_SH_FREE;
    extents[1].below = meta;

    header->extent_unused = second + sizeof *extents;
    header->extent_spare = NEAP_SH_EXTENTS_AT_BIRTH - 2;
    header->extent_total = NEAP_SH_EXTENTS_AT_BIRTH;
    header->extent_last = second;
    header->table = meta + NEAP_SH_EXTENTS_AT_BIRTH * sizeof *extents;
    header->table_words = NEAP_SH_TABLE_LEAST;
    header->meta_next = header->table + NEAP_SH_TABLE_LEAST * 8;
    header->meta_end = meta + meta_bytes;
    header->used = meta_bytes;
    uint32_t bin = neap__bin_of(extents[1].size);
    header->bins[bin] = second;
    header->bin_map[bin / 64] = UINT64_C(1) << bin % 64;
}


void neap__header_format(struct neap_sh_header *header,
                         struct neap_sh_extent *extents,
                         const struct neap__shape *shape)
{
    format_constants(header, shape);
    format_memory(header, extents, shape);
    header->size = shape->size;
    header->slots_ready = shape->slots_ready;
    header->next_id = 1;
    /* The magic is covered too, but must not be seen before all is there. */
    struct neap_sh_header constants = {.magic = {0}};
    memcpy(&constants, header, offsetof(struct neap_sh_header, checksum));
    memcpy(constants.magic, NEAP_SH_MAGIC, sizeof constants.magic);
    header->checksum = checksum(&constants);
    uint64_t magic;
    memcpy(&magic, NEAP_SH_MAGIC, sizeof magic);
    __atomic_store_n((uint64_t *)header->magic, magic, __ATOMIC_RELEASE);
}


void neap__header_renew(struct neap_sh_header *header,
                        const struct neap__shape *shape)
{
    make_uuid(header->uuid);
    header->boot[0] = header->boot[1] = 0;
    header->reserved = shape->reserved;
    header->kind = (uint32_t)shape->kind;
    header->flags = shape->flags;
    header->checksum = checksum(header);
}


/* -- looking at one ------------------------------------------------------- */

static int other_layout(const char *address, const char *what, uint64_t there,
                        uint64_t here)
{
    return neap__fail(NEAP_ELAYOUT,
                      "heap %s was made by a neap of another layout: %s is "
                      "%llu there and %llu here; use that neap, or make the "
                      "heap anew", address, what, (unsigned long long)there,
                      (unsigned long long)here);
}


static int validate_layout(const struct neap_sh_header *header,
                           const char *address)
{
    if (header->byte_order != NEAP_SH_BYTE_ORDER)
        return other_layout(address, "the byte order", header->byte_order,
                            NEAP_SH_BYTE_ORDER);
    if (header->layout_version != NEAP_LAYOUT_VERSION)
        return other_layout(address, "the layout's version",
                            header->layout_version, NEAP_LAYOUT_VERSION);
    for (size_t i = 0; i < NEAP__COUNT(sizes); i++)
        if (header->sizes[i] != sizes[i].value)
            return other_layout(address, sizes[i].name, header->sizes[i],
                                sizes[i].value);
    return 0;
}


static const char *wrong_number(const struct neap_sh_header *header)
{
    if (header->checksum != checksum(header))
        return "the checksum of its header does not match";
    if (header->slot_count == 0 || header->slot_count > NEAP_SH_SLOTS_MAX)
        return "its number of slots is impossible";
    if (header->heap_offset != neap__heap_offset(header->slot_count))
        return "its parts are not where they belong";
    if (header->slots_ready > header->slot_count ||
        header->slots_high > header->slots_ready)
        return "its slots in use exceed those that there are";
    if (header->size < neap__heap_smallest(header->slot_count) ||
        header->size > header->reserved)
        return "its size is impossible";
    return NULL;
}


int neap__header_validate(const struct neap_sh_header *header, uint64_t bytes,
                          const char *address)
{
    if (bytes < NEAP_SH_HEADER_SIZE ||
        memcmp(header->magic, NEAP_SH_MAGIC, sizeof header->magic) != 0)
        return neap__fail(NEAP_EFOREIGN,
                          "%s is not a neap heap (%llu bytes of something "
                          "else): open it as a segment, or choose another "
                          "name", address, (unsigned long long)bytes);
    int status = validate_layout(header, address);
    if (status < 0)
        return status;
    const char *wrong = wrong_number(header);
    if (wrong)
        return neap__fail(NEAP_ECORRUPT,
                          "heap %s is corrupted: %s; restore it from a copy or "
                          "remove it", address, wrong);
    if (bytes < header->size)
        return neap__fail(NEAP_ECORRUPT,
                          "heap %s is truncated: %llu bytes of %llu are left; "
                          "restore it from a copy or remove it", address,
                          (unsigned long long)bytes,
                          (unsigned long long)header->size);
    return 0;
}
