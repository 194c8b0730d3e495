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
 * times the access. The guard (os/fault.c) makes an error of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/access.h"
#include "memory/ops.h"
#include "memory/overlay.h"
#include "neap/maps.h"
#include "os/fault.h"

enum { ALL = NEAP_PROT_READ | NEAP_PROT_WRITE | NEAP_PROT_EXEC };


int neap__mapping_closed(void)
{
    return neap__fail(NEAP_ECLOSED, "cannot use a mapping that is closed: map "
                      "the segment again");
}


int neap__mapping_normalize(int protection, int *ret_protection)
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


/* What is in the way, for who asked for an address. */
static int say_taken(const struct neap_mapping *mapping, const void *where,
                     size_t length)
{
    uint64_t first = (uintptr_t)where, last = first + length;
    neap_map_list *list;
    neap_map_info found = {0};

    if (neap_map_list_open(0, &list) == 0) {
        while (neap_map_list_next(list, &found) == NEAP_MORE &&
               found.address + found.size <= first)
            ;
        neap_map_list_close(list);
    }
    bool known = found.address < last && found.address + found.size > first;
    char range[48];
    snprintf(range, sizeof range, ", at %#llx to %#llx",
             (unsigned long long)found.address,
             (unsigned long long)(found.address + found.size));
    return neap__fail(-EEXIST, "cannot map %s at %p: the %zu bytes from there "
                      "are not free%s%s%s%.80s%s; choose another address, or "
                      "none", mapping->address, where, length,
                      known ? ", there is memory of kind " : "",
                      known ? neap_map_kind_name(found.kind) : "",
                      known && *found.name ? ", " : "",
                      known ? found.name : "", known ? range : "");
}


static int say_unmapped(int status, const struct neap_mapping *mapping,
                        const struct neap__wish *wish, size_t skip)
{
    if (status == -ENOMEM && wish->copied && mapping->page > neap__page_size())
        return neap__huge_refused(status, mapping->address,
                                  mapping->base_length, mapping->page);
    if (status == -EEXIST && wish->where)
        return say_taken(mapping, (char *)wish->where - skip,
                         mapping->base_length);
    return neap__fail_why(status, "cannot map %llu bytes of %s for %s",
                          (unsigned long long)mapping->length, mapping->address,
                          wish->protection & NEAP_PROT_WRITE ? "writing"
                                                             : "reading");
}


void neap__mapping_watch(struct neap_mapping *mapping)
{
    size_t whole = neap__round_up(mapping->base_length, mapping->page);
    mapping->watched = neap__fault_watch(mapping->base, whole, whole,
                                         mapping->address, &mapping->spoiled,
                                         false);
}


void neap__mapping_unwatch(struct neap_mapping *mapping)
{
    neap__fault_forget(mapping->watched);
    mapping->watched = -1;
}


/* Of what offsets of mappings are multiples. One of sysv is of the whole. */
static size_t offset_unit(neap_segment *segment)
{
    return segment->ops->kind == NEAP_KIND_SYSV ? neap__page_size()
                                                : neap__segment_page(segment);
}


static int map_pages(struct neap_mapping *mapping, neap_segment *segment,
                     const neap_mapping_options *options, int protection)
{
    size_t page = offset_unit(segment), skip = 0;
    size_t in_page = options->offset % page;
    struct neap__wish wish = {
        .offset = options->offset - in_page,
        .protection = protection,
        .copied = options->flags & NEAP_MAPPING_PRIVATE,
        .where = options->address ? (char *)options->address - in_page : NULL,
    };
    int status = neap__segment_identity(segment, mapping->identity);
    if (status < 0)
        return status;
    mapping->offset = options->offset;
    mapping->page = page;
    mapping->base_length = neap__round_up(mapping->length + in_page, page);
    status = segment->ops->map(segment, &wish, &mapping->base,
                               &mapping->base_length, &skip);
    if (status == -ENOTSUP && wish.copied) {
        mapping->copied = true;
        mapping->unmap = neap__map_remove;
        status = neap__copy_map(segment, &wish, &mapping->base,
                                mapping->base_length);
    }
    if (status < 0)
        return say_unmapped(status, mapping, &wish, skip);
    mapping->page = mapping->copied ? neap__page_size()
                                    : neap__segment_page(segment);
    mapping->data = (uint8_t *)mapping->base + skip + in_page;
    status = neap__mapping_equip(mapping, options);
    if (status < 0)
        mapping->unmap(mapping->base, mapping->base_length);
    else
        neap__mapping_watch(mapping);
    return status;
}


static int check_options(neap_segment *segment,
                         const neap_mapping_options *options)
{
    size_t page = offset_unit(segment);
    uint32_t huge = NEAP_MAPPING_HUGE_TRY | NEAP_MAPPING_HUGE;

    if (options->size != sizeof *options || options->flags & ~31u)
        return neap__fail(-EINVAL, "cannot map %s with such options: size is "
                          "sizeof(neap_mapping_options), flags are of enum "
                          "neap_mapping_flags", segment->address->text);
    if ((options->flags & huge) == huge)
        return neap__fail(-EINVAL, "cannot map %s with huge pages both if "
                          "possible and in any case: choose one",
                          segment->address->text);
    if (options->address &&
        ((uintptr_t)options->address - options->offset) % page != 0)
        return neap__fail(-EINVAL, "cannot map %s at %p: an address lies as "
                          "far into a page of %zu bytes as the offset, %llu, "
                          "does", segment->address->text, options->address,
                          page, (unsigned long long)options->offset);
    return 0;
}


static struct neap_mapping *make_mapping(neap_segment *segment, uint64_t length,
                                         int protection, bool copied)
{
    struct neap_mapping *mapping = calloc(1, sizeof *mapping);
    char *address = strdup(neap_segment_address(segment));
    if (!mapping || !address) {
        free(mapping);
        free(address);
        return NULL;
    }
    mapping->unmap = segment->ops->unmap;
    mapping->address = address;
    mapping->length = length;
    mapping->watched = -1;
    mapping->read_only = segment->read_only && !copied;
    atomic_init(&mapping->protection, protection);
    atomic_init(&mapping->references, 1);
    return mapping;
}


int neap_mapping_open_with(neap_segment *segment, int protection,
                           const neap_mapping_options *options,
                           neap_mapping **ret_mapping)
{
    if (!segment)
        return neap__fail(NEAP_ECLOSED, "cannot map a segment whose handle is "
                          "closed: open it again");
    bool copied = options->flags & NEAP_MAPPING_PRIVATE;
    uint64_t length = options->length;
    int status = check_options(segment, options);
    if (status == 0)
        status = neap__mapping_normalize(protection, &protection);
    if (status == 0)
        status = check_writable(segment->address->text,
                                segment->read_only && !copied, protection);
    if (status == 0)
        status = check_range(segment, options->offset, &length);
    if (status < 0)
        return status;

    struct neap_mapping *mapping = make_mapping(segment, length, protection,
                                                copied);
    status = mapping ? map_pages(mapping, segment, options, protection)
                     : neap__fail_why(-ENOMEM, "cannot map %s",
                                      segment->address->text);
    if (status < 0) {
        free(mapping ? mapping->address : NULL);
        free(mapping);
        return status;
    }
    *ret_mapping = mapping;
    return 0;
}


int neap_mapping_open(neap_segment *segment, uint64_t offset, uint64_t length,
                      int protection, neap_mapping **ret_mapping)
{
    neap_mapping_options options = {.size = sizeof options, .offset = offset,
                                    .length = length};
    return neap_mapping_open_with(segment, protection, &options, ret_mapping);
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
    neap__mapping_unwatch(mapping);
    if (mapping->overlay)
        neap__overlay_leave(mapping->overlay, mapping->frame);
    else
        mapping->unmap(mapping->base, mapping->base_length);
    free(mapping->pages);
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


int neap__mapping_writable(const struct neap_mapping *mapping, int protection)
{
    return check_writable(mapping->address, mapping->read_only, protection);
}


int neap__mapping_unviewed(struct neap_mapping *mapping, int protection)
{
    int taken = neap_mapping_protection(mapping) & ~protection;
    int views = atomic_load(&mapping->views);
    if (taken & (NEAP_PROT_READ | NEAP_PROT_WRITE) && views > 0)
        return neap__fail(-EBUSY, "cannot take %s away from a mapping of %s: "
                          "arrays view it (%d), and would die of a signal; "
                          "close them first",
                          taken & NEAP_PROT_READ ? "reading" : "writing",
                          mapping->address, views);
    return 0;
}


int neap_mapping_sync(neap_mapping *mapping, bool later)
{
    if (!mapping)
        return neap__mapping_closed();
    int status = neap__map_sync(mapping->base, mapping->base_length, later);
    if (status < 0)
        return neap__fail_why(status, "cannot write a mapping of %s to disk",
                              mapping->address);
    return 0;
}
