/* The public face of segments: checks what may be asked, then asks the kind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory/ops.h"

static const struct neap__segment_ops *const kinds[] = {
    &neap__posix_ops, &neap__sysv_ops, &neap__file_ops, &neap__anonymous_ops,
    &neap__memfd_ops,
};


static const struct neap__segment_ops *find_ops(neap_kind kind)
{
    for (size_t i = 0; i < NEAP__COUNT(kinds); i++)
        if (kinds[i]->kind == kind)
            return kinds[i];
    return NULL;
}


static int closed(const char *tried)
{
    return neap__fail(NEAP_ECLOSED, "cannot %s a segment whose handle is "
                      "closed: open it again", tried);
}


static struct neap_segment *make_handle(const struct neap__address *address,
                                        bool read_only)
{
    struct neap_segment *segment = calloc(1, sizeof *segment);
    struct neap__address *copy = malloc(sizeof *copy);
    if (!segment || !copy) {
        free(segment);
        free(copy);
        return NULL;
    }
    *copy = *address;
    segment->ops = find_ops(address->kind);
    segment->address = copy;
    segment->read_only = read_only;
    segment->fd = segment->id = segment->pages = -1;
    return segment;
}


static void free_handle(struct neap_segment *segment)
{
    free(segment->address);
    free(segment);
}


static int check_size(const struct neap__address *address, uint64_t size)
{
    if (size == 0)
        return neap__fail(-EINVAL, "cannot create segment %s of 0 bytes: ask "
                          "for 1 or more", address->text);
    if (size > INT64_MAX)
        return neap__fail(-EINVAL, "cannot create segment %s of %llu bytes: "
                          "that is more than a segment can have (was it a "
                          "negative number?)", address->text,
                          (unsigned long long)size);
    return 0;
}


static int create_pages(struct neap_segment *segment, uint64_t size,
                        const neap_segment_options *options)
{
    uint32_t mode = options->mode ? options->mode : 0600;
    int status = options->flags
                     ? neap__huge_create(segment, size, mode, options) : 0;
    if (!options->flags || (status < 0 &&
                            options->flags & NEAP_SEGMENT_HUGE_TRY))
        status = segment->ops->create(segment, size, mode);
    return status;
}


static int create_at(const struct neap__address *address, uint64_t size,
                     const neap_segment_options *options,
                     neap_segment **ret_segment)
{
    int status = check_size(address, size);
    if (status == 0)
        status = neap__huge_check(address->text, options);
    if (status == 0)
        status = neap__mode_check(address, options->mode);
    if (status < 0)
        return status;

    struct neap_segment *segment = make_handle(address, false);
    if (!segment)
        return neap__fail_why(-ENOMEM, "cannot create %s", address->text);
    status = create_pages(segment, size, options);
    if (status < 0) {
        free_handle(segment);
        return status;
    }
    *ret_segment = segment;
    return 0;
}


static int open_at(const struct neap__address *address, bool read_only,
                   neap_segment **ret_segment)
{
    struct neap_segment *segment = make_handle(address, read_only);
    if (!segment)
        return neap__fail_why(-ENOMEM, "cannot open %s", address->text);

    int status;
    if (segment->ops->open)
        status = segment->ops->open(segment);
    else
        status = neap__fail(-EINVAL, "cannot open %s: %s segments have no name "
                            "to open them by; create one and fork, or use "
                            "another kind", address->text,
                            neap_kind_name(address->kind));
    if (status < 0) {
        free_handle(segment);
        return status;
    }
    *ret_segment = segment;
    return 0;
}


int neap__segment_adopt(int fd, bool read_only, neap_segment **ret_segment)
{
    struct neap__address address;
    int status = neap__address_parse("memfd:received", &address);
    if (status < 0)
        return status;
    struct neap_segment *segment = make_handle(&address, read_only);
    if (!segment)
        return neap__fail_why(-ENOMEM, "cannot receive a segment");
    segment->fd = fd;
    *ret_segment = segment;
    return 0;
}


int neap_segment_create_with(const char *address, uint64_t size,
                             const neap_segment_options *options,
                             neap_segment **ret_segment)
{
    struct neap__address parsed;
    int status = neap__address_parse(address, &parsed);
    return status < 0 ? status : create_at(&parsed, size, options, ret_segment);
}


int neap_segment_create(const char *address, uint64_t size, uint32_t mode,
                        neap_segment **ret_segment)
{
    neap_segment_options options = {.size = sizeof options, .mode = mode};
    return neap_segment_create_with(address, size, &options, ret_segment);
}


int neap_segment_open(const char *address, bool read_only,
                      neap_segment **ret_segment)
{
    struct neap__address parsed;
    int status = neap__address_parse(address, &parsed);
    return status < 0 ? status : open_at(&parsed, read_only, ret_segment);
}


int neap_segment_open_or_create(const char *address, uint64_t size,
                                uint32_t mode, neap_segment **ret_segment)
{
    /* Enough for any crowd of creators and unlinkers; a link that leads
     * nowhere, which exists and cannot be opened, would go round for ever. */
    enum { ROUNDS = 1000 };
    neap_segment_options options = {.size = sizeof options, .mode = mode};
    struct neap__address parsed;
    int status = neap__address_parse(address, &parsed);
    if (status < 0)
        return status;

    for (int i = 0; i < ROUNDS; i++) {
        status = find_ops(parsed.kind)->open
                     ? open_at(&parsed, false, ret_segment) : -ENOENT;
        if (status != -ENOENT)
            return status;
        status = create_at(&parsed, size, &options, ret_segment);
        if (status != -EEXIST)
            return status < 0 ? status : NEAP_CREATED;
    }
    return neap__fail(-ELOOP, "cannot open %s: it exists and leads nowhere; "
                      "is it a link to a file that is gone?", parsed.text);
}


void neap_segment_close(neap_segment *segment)
{
    if (!segment)
        return;
    segment->ops->close(segment);
    free_handle(segment);
}


int neap_segment_status(neap_segment *segment, neap_segment_stat *ret_stat)
{
    if (!segment)
        return closed("look at");
    return segment->ops->status(segment, ret_stat);
}


int neap_segment_size(neap_segment *segment, uint64_t *ret_size)
{
    if (segment && segment->ops->size)
        return segment->ops->size(segment, ret_size);
    neap_segment_stat stat;
    int status = neap_segment_status(segment, &stat);
    if (status == 0)
        *ret_size = stat.size;
    return status;
}


int neap_segment_resize(neap_segment *segment, uint64_t size)
{
    if (!segment)
        return closed("resize");
    if (!segment->ops->resize)
        return neap__fail(-ENOTSUP, "cannot resize %s: %s segments keep the "
                          "size that they were created with; posix, file and "
                          "memfd segments can be resized%s",
                          segment->address->text,
                          neap_kind_name(segment->ops->kind),
                          segment->ops->kind == NEAP_KIND_ANONYMOUS
                              ? ", and a memfd is shared over a fork too" : "");
    if (segment->read_only)
        return neap__fail(-EACCES, "cannot resize %s: it was opened read-only",
                          segment->address->text);
    int status = check_size(segment->address, size);
    return status < 0 ? status : segment->ops->resize(segment, size);
}


int neap_segment_punch(neap_segment *segment, uint64_t offset, uint64_t length)
{
    uint64_t size;
    int status = neap_segment_size(segment, &size);
    if (status < 0)
        return status;
    const char *name = segment->address->text;
    if (!segment->ops->punch)
        return neap__fail(-ENOTSUP, "cannot make a hole in %s: %s segments "
                          "have no file that could have one", name,
                          neap_kind_name(segment->ops->kind));
    if (segment->read_only)
        return neap__fail(-EACCES, "cannot make a hole in %s: it was opened "
                          "read-only", name);
    if (offset >= size || length == 0 || length > size - offset)
        return neap__fail(-ERANGE, "cannot make a hole of %llu bytes in %s from "
                          "byte %llu on: it has %llu bytes",
                          (unsigned long long)length, name,
                          (unsigned long long)offset, (unsigned long long)size);
    status = segment->ops->punch(segment, offset, length);
    return status < 0 ? neap__fail_why(status, "cannot make a hole in %s", name)
                      : 0;
}


/* Of a kind that has owners and modes. */
static int check_owned(neap_segment *segment)
{
    if (!segment)
        return closed("change the owner or mode of");
    if (!segment->ops->set_mode)
        return neap__fail(-ENOTSUP, "cannot change the owner or mode of %s: "
                          "nobody but this process's children can have it",
                          segment->address->text);
    return 0;
}


static int say_refused(neap_segment *segment, int status, const char *what)
{
    if (status == -EPERM || status == -EACCES)
        return neap__fail(-EPERM, "cannot change the %s of %s: only its owner "
                          "may, and root", what, segment->address->text);
    return status < 0 ? neap__fail_why(status, "cannot change the %s of %s",
                                       what, segment->address->text) : 0;
}


int neap_segment_set_mode(neap_segment *segment, uint32_t mode)
{
    int status = check_owned(segment);
    if (status == 0 && mode & ~0777u)
        status = neap__fail(-EINVAL, "cannot give %s the mode %o: a mode has "
                            "permission bits only, 0 to 0777 in octal",
                            segment->address->text, mode);
    if (status < 0)
        return status;
    return say_refused(segment, segment->ops->set_mode(segment, mode), "mode");
}


int neap_segment_set_owner(neap_segment *segment, uint32_t uid, uint32_t gid)
{
    int status = check_owned(segment);
    if (status < 0)
        return status;
    return say_refused(segment, segment->ops->set_owner(segment, uid, gid),
                       "owner");
}


const char *neap_segment_address(neap_segment *segment)
{
    if (!segment)
        return "";
    /*
     * The path of a memfd goes through the process that asks, and a child has
     * the same descriptor under its own number. Threads that ask for the
     * first time after a fork write the same bytes.
     */
    pid_t pid = getpid();
    if (segment->ops->kind == NEAP_KIND_MEMFD &&
        atomic_load_explicit(&segment->address_of,
                             memory_order_acquire) != pid) {
        snprintf(segment->address->text, sizeof segment->address->text,
                 "file:/proc/%ld/fd/%d", (long)pid, segment->fd);
        atomic_store_explicit(&segment->address_of, pid, memory_order_release);
    }
    return segment->address->text;
}


neap_kind neap_segment_kind(neap_segment *segment)
{
    return segment ? segment->ops->kind : (neap_kind)0;
}


int neap_segment_descriptor(neap_segment *segment)
{
    return segment ? segment->fd : -1;
}


static int nameless(neap_kind kind)
{
    return neap__fail(-ENOTSUP, "cannot unlink: %s segments have no name; they "
                      "go away with their last user", neap_kind_name(kind));
}


int neap_segment_unlink(neap_segment *segment)
{
    if (!segment)
        return closed("unlink");
    return segment->ops->unlink ? segment->ops->unlink(segment)
                                : nameless(segment->ops->kind);
}


int neap_unlink(const char *address)
{
    struct neap__address parsed;
    int status = neap__address_parse(address, &parsed);
    if (status < 0)
        return status;
    const struct neap__segment_ops *ops = find_ops(parsed.kind);
    return ops->unlink_address ? ops->unlink_address(&parsed)
                               : nameless(parsed.kind);
}
