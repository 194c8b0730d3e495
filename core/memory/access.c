/*
 * Typed reads and writes on a mapping, each checked so that a mistake is a
 * status and never a signal. What is aligned and has up to eight bytes moves
 * at once: another process sees the old value or the new one.
 */
#include <string.h>

#include "memory/access.h"


static int beyond(const struct neap_mapping *mapping, uint64_t offset,
                  uint64_t length)
{
    return neap__fail(-ERANGE, "cannot reach bytes %llu to %llu of a mapping "
                      "of %s: it has %llu bytes", (unsigned long long)offset,
                      (unsigned long long)(offset + length - 1),
                      mapping->address, (unsigned long long)mapping->length);
}


static int forbidden(const struct neap_mapping *mapping, int needed)
{
    if (mapping->pages)
        return neap__fail(-EACCES, "cannot %s that part of a mapping of %s: "
                          "its protection forbids it; change it (protect)",
                          needed == NEAP_PROT_WRITE ? "write to" : "read from",
                          mapping->address);
    return neap__fail(-EACCES, "cannot %s a mapping of %s: it is mapped %s; "
                      "map it for that, or change its protection",
                      needed == NEAP_PROT_WRITE ? "write to" : "read from",
                      mapping->address,
                      neap_mapping_protection((neap_mapping *)mapping) &
                              NEAP_PROT_READ ? "read-only" : "without access");
}


static int spoiled(const struct neap_mapping *mapping)
{
    return neap__fail(-ESTALE, "cannot use a mapping of %s: pages of it were "
                      "gone, or touched against their protection, and are no "
                      "longer its own; close it and map it again",
                      mapping->address);
}


static int check_access(const struct neap_mapping *mapping, uint64_t offset,
                        uint64_t length, int needed)
{
    if (!mapping)
        return neap__fail(NEAP_ECLOSED, "cannot use a mapping that is closed: "
                          "map the segment again");
    int protection = atomic_load_explicit(&mapping->protection,
                                          memory_order_relaxed);
    if (NEAP__UNLIKELY(atomic_load_explicit(&mapping->spoiled,
                                            memory_order_relaxed)))
        return spoiled(mapping);
    if (NEAP__UNLIKELY(offset > mapping->length ||
                       length > mapping->length - offset))
        return protection & needed || mapping->pages
                   ? beyond(mapping, offset, length)
                   : forbidden(mapping, needed);
    if (NEAP__UNLIKELY(!(protection & needed)) &&
        !neap__mapping_part_allows(mapping, offset, length, needed))
        return forbidden(mapping, needed);
    return 0;
}


#define MOVE(c_type, from, to)                                                 \
    do {                                                                       \
        c_type moved_;                                                         \
        memcpy(&moved_, from, sizeof moved_);                                  \
        memcpy(to, &moved_, sizeof moved_);                                    \
    } while (0)

/* One load or store of the whole, where it is aligned. */
static void move(void *to, const void *from, size_t size)
{
    switch (size) {
    case 1: MOVE(uint8_t, from, to); break;
    case 2: MOVE(uint16_t, from, to); break;
    case 4: MOVE(uint32_t, from, to); break;
    case 8: MOVE(uint64_t, from, to); break;
    default: memcpy(to, from, size);
    }
}


int neap_mapping_read(neap_mapping *mapping, uint64_t offset, neap_type type,
                      neap_value *ret_value)
{
    uint8_t element[16];
    size_t size = neap_type_size(type);
    if (size == 0)
        return neap__value_no_type(type);
    int status = check_access(mapping, offset, size, NEAP_PROT_READ);
    if (status < 0)
        return status;
    move(element, mapping->data + offset, size);
    *ret_value = neap__value_of(type, element);
    return 0;
}


int neap_mapping_write(neap_mapping *mapping, uint64_t offset, neap_type type,
                       neap_value value)
{
    uint8_t element[16];
    size_t size = neap_type_size(type);
    if (size == 0)
        return neap__value_no_type(type);
    int status = check_access(mapping, offset, size, NEAP_PROT_WRITE);
    if (status == 0)
        status = neap__value_store(type, value, element);
    if (status < 0)
        return status;
    move(mapping->data + offset, element, size);
    return 0;
}


int neap_mapping_read_bytes(neap_mapping *mapping, uint64_t offset,
                            uint64_t length, void *ret_bytes)
{
    int status = check_access(mapping, offset, length, NEAP_PROT_READ);
    if (status == 0 && length)
        memmove(ret_bytes, mapping->data + offset, length);
    return status;
}


int neap_mapping_write_bytes(neap_mapping *mapping, uint64_t offset,
                             uint64_t length, const void *bytes)
{
    int status = check_access(mapping, offset, length, NEAP_PROT_WRITE);
    if (status == 0 && length)
        memmove(mapping->data + offset, bytes, length);
    return status;
}
