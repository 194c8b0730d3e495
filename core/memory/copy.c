/*
 * Private views of System V and anonymous segments. The kernel copies on write
 * from files only, so these are copied at once: what others write later does
 * not show, which mmap(2) leaves open for every private mapping.
 */
#include <string.h>

#include "memory/ops.h"


/* The segment is read through a mapping that is gone afterwards. */
static int fill(struct neap_segment *segment, uint64_t offset, void *to,
                size_t length)
{
    const struct neap__wish wish = {.offset = offset,
                                    .protection = NEAP_PROT_READ};
    size_t from_length = length, skip = 0;
    void *from;
    int status = segment->ops->map(segment, &wish, &from, &from_length, &skip);
    if (status < 0)
        return status;
    memcpy(to, (char *)from + skip, length);
    segment->ops->unmap(from, from_length);
    return 0;
}


int neap__copy_map(struct neap_segment *segment, const struct neap__wish *wish,
                   void **base, size_t length)
{
    void *copy;
    int status = neap__map_private(length, wish->where, &copy);
    if (status < 0)
        return status;
    status = fill(segment, wish->offset, copy, length);
    if (status == 0 && wish->protection != (NEAP_PROT_READ | NEAP_PROT_WRITE))
        status = neap__map_protect(copy, length, wish->protection);
    if (status < 0) {
        neap__map_remove(copy, length);
        return status;
    }
    *base = copy;
    return 0;
}
