/*
 * Setting a file's memory aside before it is touched, so that a full file
 * system is a status at once and never a signal later.
 */
#include <fcntl.h>
#include <unistd.h>

#include "os/file.h"

/* From this size on it is asked first whether there is so much at all. */
#define ASK_FOR_ROOM (UINT64_C(1) << 20)


static int allocate(int fd, int mode, uint64_t offset, uint64_t length)
{
    return fallocate(fd, mode, (off_t)offset, (off_t)length) < 0 ? -errno : 0;
}


/*
 * tmpfs gives up an allocation wholly when a signal arrives. Under a timer
 * that ticks faster than the whole takes, it would never be done: take ever
 * smaller pieces. The size stays until the last, for all or nothing.
 */
static int allocate_in_pieces(int fd, uint64_t offset, uint64_t length)
{
    uint64_t piece = length, at = offset, end = offset + length;
    while (at < end) {
        if (piece > end - at)
            piece = end - at;
        int status = allocate(fd, FALLOC_FL_KEEP_SIZE, at, piece);
        if (status == 0)
            at += piece;
        else if (status == -EINTR)
            piece = piece > 2 * neap__page_size() ? piece / 2 : piece;
        else
            return status;
    }
    int status;
    do
        status = allocate(fd, 0, end - 1, 1);
    while (status == -EINTR);
    return status;
}


static int write_zeros(int fd, uint64_t at, uint64_t end)
{
    static const char zeros[64 * 1024];
    while (at < end) {
        size_t n = end - at < sizeof zeros ? (size_t)(end - at) : sizeof zeros;
        ssize_t wrote = pwrite(fd, zeros, n, (off_t)at);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return wrote < 0 ? -errno : -ENOSPC;
        at += (uint64_t)wrote;
    }
    return 0;
}


/* The file system has no fallocate: zeros, beyond the end only, because what
 * is within is somebody's data. */
static int set_aside_by_writing(int fd, uint64_t size, uint64_t end)
{
    return end > size ? write_zeros(fd, size, end) : 0;
}


/* Give back what a failed attempt took beyond the old end. */
static void undo(int fd, uint64_t size, uint64_t offset, uint64_t end)
{
    uint64_t from = offset > size ? offset : size;
    if (from < end)
        (void)allocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from,
                       end - from);
}


/* The least that has to be added: what the file has may lie in the range. */
static uint64_t needed(const struct neap__file_facts *file, uint64_t offset,
                       uint64_t length)
{
    uint64_t within = offset < file->size ? file->size - offset : 0;
    uint64_t had = within < length ? within : length;
    if (had > file->allocated)
        had = file->allocated;
    return length - had;
}


/* The kernel's own way failed in a manner that another may not. */
static int set_aside_otherwise(int fd, uint64_t offset, uint64_t length,
                               int why)
{
    struct neap__file_facts before;
    int status = neap__file_facts(fd, &before);
    if (status < 0)
        return status;
    if (why == -EINTR) {
        status = allocate_in_pieces(fd, offset, length);
        if (status < 0)
            undo(fd, before.size, offset, offset + length);
        return status;
    }
    status = set_aside_by_writing(fd, before.size, offset + length);
    if (status < 0)
        (void)neap__file_resize(fd, before.size);
    return status;
}


int neap__set_aside(int fd, uint64_t offset, uint64_t length)
{
    struct neap__file_facts before;
    if (length == 0)
        return 0;
    if (offset > INT64_MAX || length > INT64_MAX - offset)
        return -EFBIG;
    if (length >= ASK_FOR_ROOM) {
        int status = neap__file_facts(fd, &before);
        if (status < 0)
            return status;
        if (!neap__file_has_room(fd, needed(&before, offset, length)))
            return -ENOSPC;
    }
    int status = allocate(fd, 0, offset, length);
    if (status == -EINTR || status == -EOPNOTSUPP || status == -ENOSYS)
        return set_aside_otherwise(fd, offset, length, status);
    return status;
}
