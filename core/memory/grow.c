/*
 * Mappings that follow the size of their segment: mremap(2).
 *
 * A mapping knows what it is of, so that any handle of the same segment may be
 * shown, and no other. What is mapped of sysv is the whole already: there only
 * the mapping's own end moves.
 */
#include <stdlib.h>

#include "memory/access.h"


int neap__segment_identity(neap_segment *segment, uint64_t ret_identity[2])
{
    struct neap__file_facts facts;
    int fd = segment->fd >= 0 ? segment->fd : segment->pages;
    if (fd < 0) {
        ret_identity[0] = UINT64_MAX; /* no device has that number */
        ret_identity[1] = segment->id >= 0 ? (uint64_t)segment->id
                                           : (uintptr_t)segment->base;
        return 0;
    }
    int status = neap__file_facts(fd, &facts);
    if (status < 0)
        return neap__fail_why(status, "cannot look at segment %s",
                              neap_segment_address(segment));
    ret_identity[0] = facts.dev;
    ret_identity[1] = facts.ino;
    return 0;
}


/* @return 0 and the length, all that there is for 0. */
static int check_length(const struct neap_mapping *mapping,
                        neap_segment *segment, uint64_t *length)
{
    uint64_t size;
    int status = neap_segment_size(segment, &size);
    if (status < 0)
        return status;
    uint64_t most = mapping->offset < size ? size - mapping->offset : 0;
    if (most == 0 || *length > most)
        return neap__fail(-EINVAL, "cannot resize a mapping of %s to %llu "
                          "bytes: the segment has %llu, %llu from the "
                          "mapping's start; resize the segment first",
                          mapping->address, (unsigned long long)*length,
                          (unsigned long long)size, (unsigned long long)most);
    if (*length == 0)
        *length = most;
    return 0;
}


static int check(const struct neap_mapping *mapping, neap_segment *segment,
                 uint64_t *length)
{
    uint64_t identity[2];
    if (!mapping)
        return neap__mapping_closed();
    if (!segment)
        return neap__fail(NEAP_ECLOSED, "cannot resize a mapping of %s: the "
                          "handle of its segment is closed; open it again",
                          mapping->address);
    if (mapping->overlay)
        return neap__fail(-ENOTSUP, "cannot resize a part of an overlay of %s: "
                          "load the other part", mapping->address);
    if (mapping->copied)
        return neap__fail(-ENOTSUP, "cannot resize a private mapping of %s: it "
                          "was copied at once; map it again", mapping->address);
    int status = neap__segment_identity(segment, identity);
    if (status < 0)
        return status;
    if (identity[0] != mapping->identity[0] ||
        identity[1] != mapping->identity[1])
        return neap__fail(-EINVAL, "cannot resize a mapping of %s by %s: that "
                          "is another segment", mapping->address,
                          neap_segment_address(segment));
    return check_length(mapping, segment, length);
}


static int cannot_grow(const struct neap_mapping *mapping, int status,
                       bool may_move, int views)
{
    const char *name = mapping->address;
    if (status == -EINVAL && mapping->page > neap__page_size())
        return neap__fail(-ENOTSUP, "cannot grow a mapping of %s: the kernel "
                          "does not for huge pages; map it again", name);
    if (status == -ENOMEM && !may_move)
        return neap__fail(status, "cannot grow a mapping of %s in its place: "
                          "the addresses behind it are not free; let it move",
                          name);
    if (status == -ENOMEM && views)
        return neap__fail(-EBUSY, "cannot grow a mapping of %s in its place: "
                          "the addresses behind it are not free, and it cannot "
                          "move: arrays view it (%d); close them first", name,
                          views);
    return neap__fail_why(status, "cannot resize a mapping of %s", name);
}


/* So that one protection is true of the pages to come. */
static int check_alike(const struct neap_mapping *mapping)
{
    size_t count = mapping->base_length / mapping->page;
    for (size_t i = 1; mapping->pages && i < count; i++)
        if (mapping->pages[i] != mapping->pages[0])
            return neap__fail(-ENOTSUP, "cannot resize a mapping of %s: parts "
                              "of it have protections of their own; give all "
                              "of it one first", mapping->address);
    return 0;
}


static int move_end(struct neap_mapping *mapping, size_t length, bool may_move,
                    int views)
{
    int status = check_alike(mapping);
    if (status < 0)
        return status;
    size_t skip = (size_t)(mapping->data - (uint8_t *)mapping->base);
    neap__mapping_unwatch(mapping);
    status = neap__map_resize(mapping->base, mapping->base_length, length,
                              may_move && views == 0, &mapping->base);
    if (status == 0) {
        mapping->base_length = length;
        mapping->data = (uint8_t *)mapping->base + skip;
        free(mapping->pages);
        mapping->pages = NULL;
    }
    neap__mapping_watch(mapping);
    return status < 0 ? cannot_grow(mapping, status, may_move, views) : 0;
}


int neap_mapping_resize(neap_mapping *mapping, neap_segment *segment,
                        uint64_t length, bool may_move)
{
    int status = check(mapping, segment, &length);
    if (status < 0)
        return status;
    int views = atomic_load(&mapping->views);
    if (length < mapping->length && views > 0)
        return neap__fail(-EBUSY, "cannot make a mapping of %s shorter: arrays "
                          "view it (%d), and would die of a signal; close them "
                          "first", mapping->address, views);
    size_t skip = (size_t)(mapping->data - (uint8_t *)mapping->base);
    size_t whole = neap__round_up(skip + length, mapping->page);
    if (segment->id < 0 && whole != mapping->base_length)
        status = move_end(mapping, whole, may_move, views);
    if (status == 0)
        mapping->length = length;
    return status;
}
