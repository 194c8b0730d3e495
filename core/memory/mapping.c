/*
 * Mappings.
 *
 * M1  [base, base + base_length) is what the kernel mapped: whole pages, and
 *     for sysv the whole segment. [data, data + length) is what was asked for,
 *     inside it, and inside the segment at the moment of mapping.
 * M2  `protection` is what the pages allow. It is stored after it was widened
 *     and before it is narrowed, so that an access that looked at it first is
 *     allowed by the pages too, but for a thread that narrows it meanwhile.
 *
 * If somebody makes the segment shorter afterwards, an access beyond its new
 * end is a SIGBUS: to ask for the size at each access would cost hundreds of
 * times the access.
 */
#include <stdlib.h>
#include <string.h>

#include "memory/access.h"
#include "memory/ops.h"

enum { ALL = NEAP_PROT_READ | NEAP_PROT_WRITE | NEAP_PROT_EXEC };


static int closed(void)
{
    return neap__fail(NEAP_ECLOSED, "cannot use a mapping that is closed: map "
                      "the segment again");
}


static int normalize(int protection, int *ret_protection)
{
    if (protection & ~ALL)
        return neap__fail(-EINVAL, "cannot map with protection %d: it is made "
                          "of NEAP_PROT_READ (1), _WRITE (2) and _EXEC (4)",
                          protection);
    *ret_protection = protection & NEAP_PROT_WRITE
                          ? protection | NEAP_PROT_READ : protection;
    return 0;
}


static int check_writable(const char *address, bool read_only, int protection)
{
    if (read_only && protection & NEAP_PROT_WRITE)
        return neap__fail(-EACCES, "cannot map %s for writing: it was opened "
                          "read-only; open it for writing", address);
    return 0;
}


/* @return 0 and the length, the rest of the segment if it is 0. */
static int check_range(neap_segment *segment, uint64_t offset, uint64_t *length)
{
    uint64_t size;
    int status = neap_segment_size(segment, &size);
    if (status < 0)
        return status;
    if (offset >= size)
        return neap__fail(-EINVAL, "cannot map %s from byte %llu on: it has "
                          "%llu bytes", segment->address->text,
                          (unsigned long long)offset, (unsigned long long)size);
    if (*length > size - offset)
        return neap__fail(-EINVAL, "cannot map %llu bytes of %s from byte %llu "
                          "on: it has %llu bytes, %llu from there",
                          (unsigned long long)*length, segment->address->text,
                          (unsigned long long)offset, (unsigned long long)size,
                          (unsigned long long)(size - offset));
    if (*length == 0)
        *length = size - offset;
    return 0;
}


static int map_pages(struct neap_mapping *mapping, neap_segment *segment,
                     uint64_t offset, int protection)
{
    size_t in_page = offset % neap__page_size(), skip = 0;

    mapping->base_length = mapping->length + in_page;
    int status = segment->ops->map(segment, offset - in_page, protection,
                                   &mapping->base, &mapping->base_length,
                                   &skip);
    if (status < 0)
        return neap__fail_why(status, "cannot map %llu bytes of %s for %s",
                              (unsigned long long)mapping->length,
                              segment->address->text,
                              protection & NEAP_PROT_WRITE ? "writing"
                                                           : "reading");
    mapping->data = (uint8_t *)mapping->base + skip + in_page;
    return 0;
}


int neap_mapping_open(neap_segment *segment, uint64_t offset, uint64_t length,
                      int protection, neap_mapping **ret_mapping)
{
    if (!segment)
        return neap__fail(NEAP_ECLOSED, "cannot map a segment whose handle is "
                          "closed: open it again");
    int status = normalize(protection, &protection);
    if (status == 0)
        status = check_writable(segment->address->text, segment->read_only,
                                protection);
    if (status == 0)
        status = check_range(segment, offset, &length);
    if (status < 0)
        return status;

    struct neap_mapping *mapping = calloc(1, sizeof *mapping);
    char *address = strdup(neap_segment_address(segment));
    if (mapping && address) {
        mapping->ops = segment->ops;
        mapping->address = address;
        mapping->length = length;
        mapping->read_only = segment->read_only;
        atomic_init(&mapping->protection, protection);
        atomic_init(&mapping->references, 1);
        status = map_pages(mapping, segment, offset, protection);
    } else {
        status = neap__fail_why(-ENOMEM, "cannot map %s",
                                segment->address->text);
    }
    if (status < 0) {
        free(address);
        free(mapping);
        return status;
    }
    *ret_mapping = mapping;
    return 0;
}


neap_mapping *neap_mapping_retain(neap_mapping *mapping)
{
    if (mapping)
        atomic_fetch_add_explicit(&mapping->references, 1,
                                  memory_order_relaxed);
    return mapping;
}


void neap_mapping_close(neap_mapping *mapping)
{
    /* The last of us must see all that the others did: acquire and release. */
    if (!mapping || atomic_fetch_sub_explicit(&mapping->references, 1,
                                              memory_order_acq_rel) > 1)
        return;
    mapping->ops->unmap(mapping->base, mapping->base_length);
    free(mapping->address);
    free(mapping);
}


void *neap_mapping_data(neap_mapping *mapping)
{
    return mapping ? mapping->data : NULL;
}


uint64_t neap_mapping_length(neap_mapping *mapping)
{
    return mapping ? mapping->length : 0;
}


int neap_mapping_protection(neap_mapping *mapping)
{
    return mapping ? atomic_load(&mapping->protection) : NEAP_PROT_NONE;
}


void neap_mapping_view(neap_mapping *mapping, int change)
{
    if (mapping)
        atomic_fetch_add(&mapping->views, change);
}


static int apply_protection(struct neap_mapping *mapping, int protection)
{
    int before = atomic_load(&mapping->protection);

    atomic_store(&mapping->protection, before & protection); /* M2 */
    int status = neap__map_protect(mapping->base, mapping->base_length,
                                   protection);
    atomic_store(&mapping->protection, status < 0 ? before : protection);
    return status;
}


int neap_mapping_protect(neap_mapping *mapping, int protection)
{
    if (!mapping)
        return closed();
    int status = normalize(protection, &protection);
    if (status == 0)
        status = check_writable(mapping->address, mapping->read_only,
                                protection);
    if (status < 0)
        return status;

    int taken = neap_mapping_protection(mapping) & ~protection;
    int views = atomic_load(&mapping->views);
    if (taken & (NEAP_PROT_READ | NEAP_PROT_WRITE) && views > 0)
        return neap__fail(-EBUSY, "cannot take %s away from a mapping of %s: "
                          "arrays view it (%d), and would die of a signal; "
                          "close them first",
                          taken & NEAP_PROT_READ ? "reading" : "writing",
                          mapping->address, views);
    status = apply_protection(mapping, protection);
    if (status < 0)
        return neap__fail_why(status, "cannot change the protection of a "
                              "mapping of %s", mapping->address);
    return 0;
}


int neap_mapping_sync(neap_mapping *mapping, bool later)
{
    if (!mapping)
        return closed();
    int status = neap__map_sync(mapping->base, mapping->base_length, later);
    if (status < 0)
        return neap__fail_why(status, "cannot write a mapping of %s to disk",
                              mapping->address);
    return 0;
}
