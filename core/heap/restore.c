/* A heap made of a checkpoint, see neap/checkpoint.h and image.h. */
#include <stdlib.h>
#include <string.h>

#include "heap/image.h"
#include "heap/opening.h"
#include "os/file.h"
#include "recovery/reap.h"

struct source {
    const char *path;
    const char *address; /* of the heap that is made */
    int fd;
    struct neap__image image;
    struct neap__image_block *index;
};


static int cannot_fill(const struct source *source, int fd, int status)
{
    return neap__no_room(status, fd, source->address, source->image.size);
}


/* The last block may lie across the end of the heap. */
static int copy_block(const struct source *source, uint64_t i, int fd,
                      char *bytes)
{
    uint64_t offset = source->index[i].number * NEAP__IMAGE_BLOCK;
    uint64_t left = source->image.size - offset;
    int status = neap__image_read(source->fd, source->path, &source->index[i],
                                  bytes);
    if (status < 0)
        return status;
    if (left > NEAP__IMAGE_BLOCK)
        left = NEAP__IMAGE_BLOCK;
    status = neap__file_write(fd, offset, bytes, left);
    return status < 0 ? cannot_fill(source, fd, status) : 0;
}


static int copy_blocks(const struct source *source, int fd)
{
    char *bytes = malloc(NEAP__IMAGE_BLOCK);
    int status = bytes ? 0 : neap__fail_why(-ENOMEM, "cannot restore %s",
                                            source->path);
    for (uint64_t i = 0; status == 0 && i < source->image.blocks; i++)
        status = copy_block(source, i, fd, bytes);
    free(bytes);
    return status;
}


/* The header and the slots in use, and all above the slots. */
static int set_aside(const struct source *source, int fd,
                     struct neap_sh_header *header)
{
    uint64_t slots = neap__round_up(
        NEAP_SH_HEADER_SIZE + (uint64_t)header->slots_ready * NEAP_SH_SLOT_SIZE,
        NEAP__IMAGE_PAGE);
    int status = neap__set_aside(fd, 0, slots);
    if (status == 0)
        status = neap__set_aside(fd, header->heap_offset,
                                 header->size - header->heap_offset);
    return status < 0 ? cannot_fill(source, fd, status) : 0;
}


/* What the file's first page says of the heap, as it will be here. */
static int read_header(const struct source *source, int fd, struct opening *o,
                       struct neap_sh_header *header)
{
    if (neap__file_read(fd, 0, header, sizeof *header) !=
        (ssize_t)sizeof *header)
        return neap__fail_why(-EIO, "cannot read heap %s", o->address.text);
    int status = neap__header_validate(header, source->image.size,
                                       source->path);
    if (status < 0)
        return status;
    o->shape.size = header->size;
    o->shape.slots = header->slot_count;
    if (o->shape.reserved < header->size)
        o->shape.reserved = header->size;
    o->shape.reserved = neap__round_up(o->shape.reserved, NEAP__IMAGE_PAGE);
    neap__header_renew(header, &o->shape);
    return 0;
}


static int fill(const struct source *source, struct opening *o, int fd)
{
    struct neap_sh_header header;
    int status = neap__file_resize(fd, source->image.size);
    if (status < 0)
        return cannot_fill(source, fd, status);
    status = copy_blocks(source, fd);
    if (status == 0)
        status = read_header(source, fd, o, &header);
    if (status == 0)
        status = set_aside(source, fd, &header);
    if (status < 0)
        return status;
    status = neap__file_write(fd, 0, &header, sizeof header);
    return status < 0 ? cannot_fill(source, fd, status) : 0;
}


static int fill_from_image(struct opening *o, int fd)
{
    struct source source = *(const struct source *)o->source;
    source.address = o->address.text;
    int status = fill(&source, o, fd);
    if (status == 0)
        status = neap__opening_map_newborn(o, fd);
    if (status == 0)
        status = neap__opening_settle_newborn(o);
    if (status == 0)
        status = neap__heap_mark_the_lost(o->heap);
    if (status == 0)
        status = neap__reap(o->heap);
    return status < 0 ? status : 0;
}


int neap_restore(const char *path, const char *address,
                 const neap_heap_options *options, neap_heap **ret_heap)
{
    neap_heap_options all = options ? *options : (neap_heap_options){0};
    struct source *source = calloc(1, sizeof *source);
    if (!source)
        return neap__fail_why(-ENOMEM, "cannot restore %s", path);
    all.flags = (all.flags & NEAP_OPEN_EPHEMERAL) | NEAP_OPEN_NEW;
    source->path = path;
    source->fd = neap__image_open(path, &source->image, &source->index);
    int status = source->fd;
    if (status >= 0) {
        status = neap__opening_fill(address, &all, fill_from_image, source,
                                    ret_heap);
        neap__file_close(source->fd);
        free(source->index);
    }
    free(source);
    return status;
}
