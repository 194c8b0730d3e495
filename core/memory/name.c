/* Names of posix and file segments: what they mean, and their end. */
#include <stdio.h>
#include <string.h>

#include "memory/memory.h"

#define PATIENCE INT64_C(5000000000) /* for a lock that others hold briefly */


static int cannot_open(int status, const struct neap__address *a,
                       bool read_only)
{
    switch (status) {
    case -ENOENT:
        return neap__fail(status, "cannot open %s: there is no such %s; "
                          "to make it, create it", a->text,
                          a->kind == NEAP_KIND_FILE ? "file" : "shared memory");
    case -EACCES:
        return neap__fail(status, "cannot open %s for %s: its mode does not "
                          "let you%s", a->text,
                          read_only ? "reading" : "writing",
                          read_only ? "" : "; to look only, open it read-only");
    case -EINVAL:
    case -ENXIO:
    case -EISDIR:
        return neap__fail(-EINVAL, "cannot open %s: it is not a regular file",
                          a->text);
    default:
        return neap__fail_why(status, "cannot open %s", a->text);
    }
}


int neap__name_open(const struct neap__address *address, bool read_only)
{
    /* shm_open does not follow links either: /dev/shm is everyone's. */
    bool follow = address->kind == NEAP_KIND_FILE;
    int fd = neap__file_open(address->path, read_only, follow);
    return fd < 0 ? cannot_open(fd, address, read_only) : fd;
}


static int cannot_unlink(int status, const struct neap__address *a)
{
    switch (status) {
    case -ENOENT:
        return neap__fail(status, "cannot unlink %s: it is gone already",
                          a->text);
    case -EBUSY:
        return neap__fail(status, "cannot unlink %s: another process has held "
                          "the lock of its directory for 5 seconds; try again",
                          a->text);
    case -EPERM: /* the sticky bit of /dev/shm: not ours */
    case -EACCES:
        return neap__fail(-EACCES, "cannot unlink %s: you may not; its owner "
                          "or root may", a->text);
    default:
        return neap__fail_why(status, "cannot unlink %s", a->text);
    }
}


static int lock_directory(const struct neap__address *a)
{
    char directory[PATH_MAX];
    strcpy(directory, a->path);
    char *slash = strrchr(directory, '/');
    slash[slash == directory] = '\0';
    return neap__directory_lock(directory, PATIENCE);
}


int neap__name_unlink_if(const struct neap__address *address, dev_t dev,
                         ino_t ino)
{
    int lock = lock_directory(address);
    /* A directory may be writable and not readable: then without the lock. */
    if (lock < 0 && lock != -EACCES)
        return cannot_unlink(lock, address);

    struct neap__file_facts there;
    bool follow = address->kind == NEAP_KIND_FILE;
    int status = neap__file_facts_of(address->path, follow, &there);
    if (status == 0 && (there.dev != dev || there.ino != ino))
        status = -ENOENT;
    if (status == 0)
        status = neap__file_unlink(address->path);
    neap__directory_unlock(lock);
    return status < 0 ? cannot_unlink(status, address) : 0;
}


int neap__name_unlink(const struct neap__address *address)
{
    struct neap__file_facts there;
    bool follow = address->kind == NEAP_KIND_FILE;
    int status = neap__file_facts_of(address->path, follow, &there);
    if (status < 0)
        return cannot_unlink(status, address);
    if (!there.regular)
        return neap__fail(-EINVAL, "cannot unlink %s: it is not a regular file",
                          address->text);
    return neap__name_unlink_if(address, there.dev, there.ino);
}


int neap__sysv_lock(void)
{
    return neap__directory_lock(neap__shm_directory, PATIENCE);
}


void neap__sysv_unlock(int lock)
{
    neap__directory_unlock(lock);
}
