/*
 * Memory files without a name. They pass to children over fork, and to any
 * process that may look at this one's descriptors under /proc.
 */
#include <stdio.h>

#include "memory/ops.h"
#include "os/huge.h"


static int set_aside(struct neap_segment *segment, int fd, uint64_t size)
{
    int status = neap__set_aside(fd, 0, size);
    if (status < 0 && segment->page) {
        (void)neap__file_resize(fd, 0); /* so that what it got counts as free */
        return neap__huge_refused(status, segment->address->text, size,
                                  segment->page);
    }
    return status < 0 ? neap__no_room(status, fd, segment->address->text, size)
                      : 0;
}


static int create(struct neap_segment *segment, uint64_t size, uint32_t mode)
{
    const char *label = *segment->address->path ? segment->address->path
                                                : "neap";
    int fd = segment->page ? neap__huge_memfd(label, segment->page)
                           : neap__memfd_create(label);
    if (fd < 0)
        return neap__fail_why(fd, "cannot create %s", segment->address->text);

    int status = set_aside(segment, fd, size);
    if (status == 0 && (status = neap__file_chmod(fd, mode)) < 0)
        neap__fail_why(status, "cannot give %s the mode %o",
                       segment->address->text, mode);
    if (status < 0)
        neap__file_close(fd);
    else
        segment->fd = fd;
    return status;
}


const struct neap__segment_ops neap__memfd_ops = {
    .kind = NEAP_KIND_MEMFD,
    .huge = true,
    .create = create,
    .close = neap__descriptor_close,
    .status = neap__descriptor_status,
    .resize = neap__descriptor_resize,
    .punch = neap__descriptor_punch,
    .set_mode = neap__descriptor_set_mode,
    .set_owner = neap__descriptor_set_owner,
    .map = neap__descriptor_map,
    .unmap = neap__map_remove,
};
