/* A descriptor that is readable from a ring until it is silenced. */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "os/os.h"


int neap__bell_open(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}


int neap__bell_renew(int fd)
{
    int fresh = neap__bell_open();
    if (fresh < 0)
        return fresh;
    int status = dup3(fresh, fd, O_CLOEXEC) < 0 ? -errno : 0;
    close(fresh);
    return status;
}


void neap__bell_ring(int fd)
{
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof one);
    (void)written; /* it can fail only when it has rung 2^64 times */
}


void neap__bell_silence(int fd)
{
    uint64_t rings;
    ssize_t got = read(fd, &rings, sizeof rings);
    (void)got; /* it can fail only when it had not rung */
}


void neap__bell_close(int fd)
{
    close(fd);
}
