/*
 * Memory files that are sealed, and that pass to processes which are no
 * relatives: as a descriptor over a Unix socket. Who has received one has the
 * memory itself; no name was needed and nothing stays behind.
 */
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "memory/ops.h"
#include "os/os.h"
#include "os/socket.h"

_Static_assert(NEAP_SEAL_SEAL == F_SEAL_SEAL && NEAP_SEAL_SHRINK ==
               F_SEAL_SHRINK && NEAP_SEAL_GROW == F_SEAL_GROW &&
               NEAP_SEAL_WRITE == F_SEAL_WRITE, "as the kernel numbers them");

enum { ALL_SEALS = NEAP_SEAL_SEAL | NEAP_SEAL_SHRINK | NEAP_SEAL_GROW |
                   NEAP_SEAL_WRITE | NEAP_SEAL_FUTURE_WRITE };


static int check_descriptor(neap_segment *segment, const char *tried)
{
    if (!segment)
        return neap__fail(NEAP_ECLOSED, "cannot %s a segment whose handle is "
                          "closed: open it again", tried);
    if (segment->fd < 0)
        return neap__fail(-ENOTSUP, "cannot %s %s: %s segments have no "
                          "descriptor; memfd segments do", tried,
                          segment->address->text,
                          neap_kind_name(segment->ops->kind));
    return 0;
}


int neap_segment_seal(neap_segment *segment, int seals)
{
    int status = check_descriptor(segment, "seal");
    if (status < 0)
        return status;
    const char *name = segment->address->text;
    if (seals & ~ALL_SEALS || !seals)
        return neap__fail(-EINVAL, "cannot seal %s with %d: there are "
                          "NEAP_SEAL_SEAL (1), _SHRINK (2), _GROW (4), _WRITE "
                          "(8) and _FUTURE_WRITE (16)", name, seals);
    /* What is in /dev/shm has seals, and is sealed against more from birth. */
    status = segment->ops->kind == NEAP_KIND_POSIX
                 ? -EINVAL : neap__seals_add(segment->fd, seals);
    switch (status) {
    case 0:
        break;
    case -EBUSY:
        return neap__fail(status, "cannot seal %s against writing: it is "
                          "mapped for writing, here or elsewhere; close such mappings "
                          "first, or seal it against future writing", name);
    case -EPERM:
        return neap__fail(status, "cannot seal %s: it is sealed against more "
                          "seals, or open for reading only", name);
    case -EINVAL:
        return neap__fail(-ENOTSUP, "cannot seal %s: only memory files have "
                          "seals; create it as memfd", name);
    default:
        return neap__fail_why(status, "cannot seal %s", name);
    }
    if (seals & (NEAP_SEAL_WRITE | NEAP_SEAL_FUTURE_WRITE))
        segment->read_only = true;
    return 0;
}


int neap_segment_seals(neap_segment *segment, int *ret_seals)
{
    int status = check_descriptor(segment, "look at the seals of");
    if (status < 0)
        return status;
    int seals = neap__seals_get(segment->fd);
    *ret_seals = seals < 0 ? 0 : seals; /* what has none is not sealed */
    return 0;
}

/* -- passing --------------------------------------------------------------- */

int neap_segment_send(neap_segment *segment, int socket)
{
    int status = check_descriptor(segment, "send");
    if (status < 0)
        return status;
    status = neap__socket_send(socket, segment->fd,
                               neap_kind_name(segment->ops->kind));
    return status < 0 ? neap__fail_why(status, "cannot send %s over socket %d",
                                       segment->address->text, socket) : 0;
}


/* A regular file, else it is none of ours to have. */
int neap_segment_adopt(int fd, neap_segment **ret_segment)
{
    struct neap__file_facts facts;
    int status = neap__file_facts(fd, &facts);
    if (status < 0)
        return neap__fail_why(status, "cannot make a segment of descriptor %d",
                              fd);
    if (!facts.regular)
        return neap__fail(-EPROTO, "cannot make a segment of descriptor %d: it "
                          "is no memory and no file", fd);
    int seals = neap__seals_get(fd);
    bool sealed = seals > 0 &&
                  seals & (NEAP_SEAL_WRITE | NEAP_SEAL_FUTURE_WRITE);
    return neap__segment_adopt(fd, sealed || neap__file_is_read_only(fd),
                               ret_segment);
}


static int receive(int socket, int64_t deadline, const char *from,
                   neap_segment **ret_segment)
{
    char kind[64];
    int fd = neap__socket_receive(socket, deadline, kind, sizeof kind);
    if (fd >= 0) {
        int status = neap_segment_adopt(fd, ret_segment);
        if (status < 0)
            neap__file_close(fd);
        return status;
    }
    if (fd == -ETIMEDOUT || fd == -EINTR)
        return neap__fail_why(fd, "cannot receive a segment from %s", from);
    if (fd == -ENOMSG)
        return neap__fail(-EPROTO, "cannot receive a segment from %s: what "
                          "came is a message without one", from);
    return neap__fail_why(fd, "cannot receive a segment from %s: its sender is "
                          "gone", from);
}


int neap_segment_receive(int socket, int64_t deadline,
                         neap_segment **ret_segment)
{
    return receive(socket, deadline, "a socket", ret_segment);
}


static int say_no_path(int status, const char *path)
{
    if (status == -EADDRINUSE)
        return neap__fail(status, "cannot give a segment at %.100s: another "
                          "process listens there", path);
    if (status == -EEXIST)
        return neap__fail(status, "cannot give a segment at %.100s: something "
                          "else has that name, which is no socket", path);
    if (status == -ENAMETOOLONG)
        return neap__fail(status, "cannot use the path %.100s...: a socket's "
                          "has at most 107 bytes", path);
    if (status == -ETIMEDOUT)
        return neap__fail(status, "nobody came to %.100s in time", path);
    return neap__fail_why(status, "cannot use a socket at %.100s", path);
}


int neap_segment_give(neap_segment *segment, const char *path, int64_t deadline)
{
    int status = check_descriptor(segment, "give");
    if (status < 0)
        return status;
    int listener = neap__socket_listen(path, 0);
    if (listener < 0)
        return say_no_path(listener, path);
    int socket = neap__socket_accept(listener, deadline);
    neap__file_unlink(path);
    neap__file_close(listener);
    if (socket < 0)
        return neap__fail_why(socket, "cannot give %s at %.100s",
                              segment->address->text, path);
    status = neap_segment_send(segment, socket);
    neap__file_close(socket);
    return status;
}


/* Who gives may come later. */
static int connect_until(const char *path, int64_t deadline)
{
    for (;;) {
        int socket = neap__socket_connect(path);
        if (socket != -ENOENT && socket != -ECONNREFUSED)
            return socket;
        if (deadline != NEAP_FOREVER && neap_now() >= deadline)
            return -ETIMEDOUT;
        if (nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL) < 0)
            return -EINTR;
    }
}


int neap_segment_take(const char *path, int64_t deadline,
                      neap_segment **ret_segment)
{
    int socket = connect_until(path, deadline);
    if (socket < 0)
        return say_no_path(socket, path);
    int status = receive(socket, deadline, path, ret_segment);
    neap__file_close(socket);
    return status;
}
