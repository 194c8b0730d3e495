/*
 * Memory without a name or a descriptor, shared with children over fork alone.
 * The handle keeps it mapped; each mapping is another view of the same pages,
 * with a protection of its own, and outlives the handle.
 *
 * In huge pages there is a file behind after all: the kernel maps those a
 * second time from a descriptor only. It is the handle's and nobody else sees
 * it.
 */
#include <time.h>
#include <unistd.h>

#include "memory/ops.h"
#include "os/huge.h"


static int create_huge(struct neap_segment *segment, uint64_t size)
{
    const char *name = segment->address->text;
    int fd = neap__huge_memfd("neap", segment->page);
    int status = fd < 0 ? fd : neap__set_aside(fd, 0, size);
    if (status < 0) {
        if (fd >= 0)
            neap__file_close(fd);
        return neap__huge_refused(status, name, size, segment->page);
    }
    segment->pages = fd;
    segment->size = size;
    return 0;
}


static int create(struct neap_segment *segment, uint64_t size, uint32_t mode)
{
    (void)mode; /* nobody can open it, so nobody is to be kept out */
    if (segment->page)
        return create_huge(segment, size);
    int status = neap__map_anonymous(size, &segment->base);
    if (status < 0) {
        char text[32];
        return neap__fail_why(status, "cannot create an anonymous segment of "
                              "%s", neap__bytes_text(size, text));
    }
    segment->size = size;
    return 0;
}


static void close_base(struct neap_segment *segment)
{
    if (segment->base)
        neap__map_remove(segment->base, segment->size);
    if (segment->pages >= 0)
        neap__file_close(segment->pages);
}


static int get_status(struct neap_segment *segment, neap_segment_stat *ret_stat)
{
    *ret_stat = (neap_segment_stat){
        .kind = NEAP_KIND_ANONYMOUS,
        .size = segment->size,
        .allocated = neap__round_up(segment->size, neap__page_size()),
        .mode = 0600,
        .uid = geteuid(),
        .gid = getegid(),
        .attached = -1,
        .id = -1,
        .page = neap__segment_page(segment),
    };
    return 0;
}


static int map(struct neap_segment *segment, const struct neap__wish *wish,
               void **base, size_t *length, size_t *skip)
{
    (void)skip;
    if (segment->pages >= 0)
        return neap__map_file_at(segment->pages, wish->offset, *length,
                                 wish->protection, wish->copied, wish->where,
                                 base);
    if (wish->copied)
        return -ENOTSUP;
    int status = wish->where ? neap__map_keep(wish->where, *length) : 0;
    if (status == 0)
        status = neap__map_again((char *)segment->base + wish->offset, *length,
                                 wish->where, base);
    if (status < 0 || wish->protection == (NEAP_PROT_READ | NEAP_PROT_WRITE))
        return status;
    status = neap__map_protect(*base, *length, wish->protection);
    if (status < 0)
        neap__map_remove(*base, *length);
    return status;
}


const struct neap__segment_ops neap__anonymous_ops = {
    .kind = NEAP_KIND_ANONYMOUS,
    .huge = true,
    .create = create,
    .close = close_base,
    .status = get_status,
    .map = map,
    .unmap = neap__map_remove,
};
