/* What posix, file and memfd segments share: there is a descriptor behind. */
#include "memory/ops.h"
#include "os/pages.h"


int neap__descriptor_create(struct neap_segment *segment, uint64_t size,
                            uint32_t mode)
{
    struct neap__birth birth;
    int status = neap__birth_begin(segment->address, mode, &birth);
    if (status < 0)
        return status;

    status = neap__set_aside(birth.fd, 0, size);
    if (status < 0) {
        neap__no_room(status, birth.fd, segment->address->text, size);
    } else {
        status = neap__birth_publish(&birth);
    }
    if (status == 0)
        segment->fd = birth.fd;
    else
        neap__birth_abort(&birth);
    return status;
}


int neap__descriptor_open(struct neap_segment *segment)
{
    int fd = neap__name_open(segment->address, segment->read_only);
    if (fd < 0)
        return fd;
    segment->fd = fd;
    return 0;
}


void neap__descriptor_close(struct neap_segment *segment)
{
    neap__file_close(segment->fd);
}


static int look(struct neap_segment *segment, struct neap__file_facts *ret)
{
    int status = neap__file_facts(segment->fd, ret);
    if (status < 0)
        return neap__fail_why(status, "cannot look at segment %s",
                              segment->address->text);
    return 0;
}


int neap__descriptor_status(struct neap_segment *segment,
                            neap_segment_stat *ret_stat)
{
    struct neap__file_facts facts;
    int status = look(segment, &facts);
    if (status < 0)
        return status;
    *ret_stat = (neap_segment_stat){
        .kind = segment->ops->kind,
        .size = facts.size,
        .allocated = facts.allocated,
        .mode = facts.mode & 0777u,
        .uid = facts.uid,
        .gid = facts.gid,
        .attached = -1,
        .id = -1,
        .accessed = facts.accessed,
        .modified = facts.modified,
        .changed = facts.changed,
        .page = neap__segment_page(segment),
    };
    return 0;
}


/* What was had before there were too few stays beyond the end: cut it off. */
static int grow_huge(struct neap_segment *segment, uint64_t from, uint64_t to,
                     uint64_t page)
{
    int status = neap__set_aside(segment->fd, from, to - from);
    if (status == 0)
        return 0;
    (void)neap__file_resize(segment->fd, from);
    return neap__huge_refused(status, segment->address->text, to - from, page);
}


int neap__descriptor_resize(struct neap_segment *segment, uint64_t size)
{
    struct neap__file_facts facts;
    int status = look(segment, &facts);
    if (status < 0)
        return status;

    const char *name = segment->address->text;
    uint64_t page = neap__segment_page(segment);
    bool huge = page > neap__page_size();
    if (huge && size <= INT64_MAX - page)
        size = neap__round_up(size, page);
    if (huge && size > facts.size)
        return grow_huge(segment, facts.size, size, page);
    if (size > facts.size) {
        status = neap__set_aside(segment->fd, facts.size, size - facts.size);
        return status < 0 ? neap__no_room(status, segment->fd, name,
                                          size - facts.size) : 0;
    }
    status = neap__file_resize(segment->fd, size);
    if (status == -EPERM)
        return neap__fail(status, "cannot resize %s: it is sealed against "
                          "shrinking", name);
    return status < 0 ? neap__fail_why(status, "cannot resize %s", name) : 0;
}


int neap__descriptor_set_mode(struct neap_segment *segment, uint32_t mode)
{
    return neap__file_chmod(segment->fd, mode);
}


int neap__descriptor_set_owner(struct neap_segment *segment, uint32_t uid,
                               uint32_t gid)
{
    return neap__file_chown(segment->fd, uid, gid);
}


int neap__descriptor_unlink(struct neap_segment *segment)
{
    struct neap__file_facts facts;
    int status = look(segment, &facts);
    if (status < 0)
        return status;
    return neap__name_unlink_if(segment->address, facts.dev, facts.ino);
}


int neap__descriptor_punch(struct neap_segment *segment, uint64_t offset,
                           uint64_t length)
{
    return neap__pages_punch(segment->fd, offset, length);
}


int neap__descriptor_map(struct neap_segment *segment,
                         const struct neap__wish *wish, void **base,
                         size_t *length, size_t *skip)
{
    (void)skip;
    return neap__map_file_at(segment->fd, wish->offset, *length,
                             wish->protection, wish->copied, wish->where, base);
}
