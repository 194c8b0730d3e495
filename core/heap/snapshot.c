/*
 * Snapshots, see neap/snapshot.h: a checkpoint to memory, a heap restored of it
 * in memory, and seals on that.
 *
 * The descriptor that others get is sealed before they do, so that they cannot
 * have mapped it for writing; what was needed on the way is gone by then.
 */
#include "neap/snapshot.h"

#include <fcntl.h>
#include <stdio.h>

#include "heap/checkpoint.h"
#include "heap/opening.h"
#include "memory/ops.h"
#include "os/file.h"
#include "os/socket.h"

#define FRESH INT64_C(1000000000)

enum { ALL_SEALS = NEAP_SEAL_SEAL | NEAP_SEAL_SHRINK | NEAP_SEAL_GROW |
                   NEAP_SEAL_WRITE };


static void path_of(int fd, char *ret_path, size_t size)
{
    snprintf(ret_path, size, "/proc/self/fd/%d", fd);
}


/* What failed on the way was told of descriptors that only we know. */
static int cannot_take(const neap_heap *heap, int status)
{
    return neap__fail(status, "cannot take a snapshot of %s: %s",
                      heap->address.text, neap_error_text());
}


/* An image of the heap in memory. @return a descriptor. */
static int take_image(neap_heap *heap, const neap_checkpoint_options *options)
{
    int fd = neap__memfd_create("neap-image");
    if (fd < 0)
        return neap__fail_why(fd, "no memory for its image");
    int status = neap__checkpoint_to(heap, fd, "snapshot", options);
    if (status == 0)
        return fd;
    neap__file_close(fd);
    return status;
}


/* A heap in memory of that image, which nobody has open any more, and its
 * descriptor. */
static int restore_image(int image, int *ret_fd)
{
    /* It never grows, and whoever gets the descriptor may look. */
    neap_heap_options options = {.reserve = 1, .mode = 0444};
    neap_heap *copy;
    char path[64];
    path_of(image, path, sizeof path);
    int status = neap_restore(path, "memfd:neap-snapshot", &options, &copy);
    if (status < 0)
        return status;
    int fd = neap__file_duplicate(copy->fd);
    neap_heap_close(copy);
    if (fd < 0)
        return neap__fail_why(fd, "no second descriptor");
    *ret_fd = fd;
    return 0;
}


static int seal(int fd, neap_segment **ret_segment)
{
    neap_segment *segment;
    int status = neap__segment_adopt(fd, true, &segment);
    if (status < 0) {
        neap__file_close(fd);
        return status;
    }
    status = neap_segment_seal(segment, ALL_SEALS);
    if (status < 0)
        neap_segment_close(segment);
    else
        *ret_segment = segment;
    return status;
}


int neap_heap_snapshot(neap_heap *heap, const neap_checkpoint_options *options,
                       neap_segment **ret_segment)
{
    int fd = -1, image = take_image(heap, options);
    int status = image < 0 ? image : restore_image(image, &fd);
    if (image >= 0)
        neap__file_close(image);
    if (status == 0)
        status = seal(fd, ret_segment);
    return status < 0 ? cannot_take(heap, status) : 0;
}


int neap_heap_segment(neap_heap *heap, neap_segment **ret_segment)
{
    if (heap->address.kind != NEAP_KIND_MEMFD)
        return neap__fail(-ENOTSUP, "heap %s has a name, by which it is opened; "
                          "only one without needs a segment to pass on",
                          heap->address.text);
    int fd = neap__file_duplicate(heap->fd);
    if (fd < 0)
        return neap__fail_why(fd, "heap %s: no segment of it",
                              heap->address.text);
    int status = neap__segment_adopt(fd, heap->read_only, ret_segment);
    if (status < 0)
        neap__file_close(fd);
    return status;
}


/* Opened anew: the descriptor's own locks and offset are its owner's, and what
 * is sealed can only be mapped by who has it open for reading. */
int neap_heap_open_segment(neap_segment *segment, uint32_t flags,
                           neap_heap **ret_heap)
{
    char path[64];
    if (!segment || segment->fd < 0)
        return neap__fail(-ENOTSUP, "cannot open a heap in %s: it has no "
                          "descriptor; open it by its address",
                          segment ? segment->address->text
                                  : "a closed segment");
    if (segment->read_only)
        flags |= NEAP_OPEN_READ_ONLY;
    path_of(segment->fd, path, sizeof path);
    int fd = neap__file_open(path, flags & NEAP_OPEN_READ_ONLY, true);
    if (fd == -EACCES)
        return neap__fail(fd, "cannot open the heap in %s: its mode does not "
                          "let this user; its owner can give it another "
                          "(neap_segment_set_mode), or pass on a snapshot",
                          segment->address->text);
    if (fd < 0)
        return neap__fail_why(fd, "cannot open the heap in %s",
                              segment->address->text);
    return neap__open_descriptor(segment->address, fd, flags, ret_heap);
}


/* -- serving --------------------------------------------------------------- */

struct service {
    neap_heap *heap;
    const char *path;
    int listener;
    int64_t fresh;
    neap_segment *snapshot; /* the last one, or NULL */
    int64_t taken;
};


static int open_service(struct service *s, uint32_t mode)
{
    s->listener = neap__socket_listen(s->path, mode);
    switch (s->listener) {
    case -EADDRINUSE:
        return neap__fail(-EADDRINUSE, "cannot serve at %.100s: somebody does "
                          "already", s->path);
    case -EEXIST:
        return neap__fail(-EEXIST, "cannot serve at %.100s: something else has "
                          "that name, which is no socket", s->path);
    default:
        return s->listener >= 0 ? 0 : neap__fail_why(s->listener, "cannot serve "
                                                     "at %.100s", s->path);
    }
}


static void close_service(struct service *s)
{
    neap_segment_close(s->snapshot);
    if (s->listener < 0)
        return;
    neap__file_unlink(s->path);
    neap__file_close(s->listener);
}


static int renew_snapshot(struct service *s)
{
    if (s->snapshot && neap_now() - s->taken < s->fresh)
        return 0;
    neap_segment_close(s->snapshot);
    s->snapshot = NULL;
    int status = neap_heap_snapshot(s->heap, NULL, &s->snapshot);
    s->taken = neap_now();
    return status;
}


/* Who has come and is gone again was served too. */
static int serve_one(struct service *s, int64_t deadline)
{
    int socket = neap__socket_accept(s->listener, deadline);
    if (socket < 0)
        return socket;
    int status = renew_snapshot(s);
    int sent = status < 0 ? status : neap_segment_send(s->snapshot, socket);
    (void)sent;
    neap__file_close(socket);
    return status;
}


int neap_heap_serve(neap_heap *heap, const char *path,
                    const neap_serve_options *options, int64_t deadline,
                    uint64_t *ret_served)
{
    static const neap_serve_options defaults;
    options = options ? options : &defaults;
    struct service s = {heap, path ? path : "", -1,
                        options->fresh ? options->fresh : FRESH, NULL, 0};
    uint64_t served = 0;
    int status = open_service(&s, options->mode ? options->mode : 0600);
    while (status == 0 && (!options->count || served < options->count)) {
        status = serve_one(&s, deadline);
        served += status == 0;
    }
    close_service(&s);
    if (status < 0 && status != -ETIMEDOUT && status != -EINTR)
        return status;
    *ret_served = served;
    return status == -EINTR ? neap__fail_why(status, "no longer serving at "
                                             "%.100s", path) : 0;
}
