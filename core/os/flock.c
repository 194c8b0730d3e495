/* flock: advisory locks that the kernel drops when their holder dies. */
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "os/file.h"

enum { PAUSE = 1000000 }; /* nanoseconds between two tries */


int neap__flock_try(int fd)
{
    int result;
    do
        result = flock(fd, LOCK_EX | LOCK_NB);
    while (result < 0 && errno == EINTR);
    if (result == 0)
        return 0;
    return errno == EWOULDBLOCK ? -EBUSY : -errno;
}


void neap__flock_release(int fd)
{
    flock(fd, LOCK_UN);
}


void neap__flock_share(int fd)
{
    while (flock(fd, LOCK_SH) < 0 && errno == EINTR)
        ;
}


static int set_file_lock(int fd, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_len = 1};
    int result;
    do
        result = fcntl(fd, F_OFD_SETLKW, &lock);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}


int neap__file_lock(int fd)
{
    return set_file_lock(fd, F_WRLCK);
}


void neap__file_unlock(int fd)
{
    set_file_lock(fd, F_UNLCK);
}


/*
 * Tried again and again rather than slept in: flock has no timeout, and
 * anybody who may read the directory may hold its lock for ever.
 */
int neap__directory_lock(const char *path, int64_t patience)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;

    int64_t deadline = neap_deadline_after(patience);
    int status;
    while ((status = neap__flock_try(fd)) == -EBUSY && neap_now() < deadline)
        nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
    if (status < 0) {
        close(fd);
        return status;
    }
    return fd;
}


void neap__directory_unlock(int lock)
{
    if (lock < 0)
        return;
    /* To close is not enough: a child forked meanwhile has it open too. */
    neap__flock_release(lock);
    close(lock);
}
