/* Files: making, naming, opening, asking. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"


static int failed(void)
{
    return errno ? -errno : -EIO;
}


static int done(int result)
{
    return result < 0 ? failed() : result;
}


static void take_facts(const struct stat *st, struct neap__file_facts *ret)
{
    *ret = (struct neap__file_facts){
        .dev = st->st_dev,
        .ino = st->st_ino,
        .regular = S_ISREG(st->st_mode),
        .size = (uint64_t)st->st_size,
        .allocated = (uint64_t)st->st_blocks * 512,
        .links = st->st_nlink,
        .mode = st->st_mode & 07777,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .accessed = st->st_atim.tv_sec,
        .modified = st->st_mtim.tv_sec,
        .changed = st->st_ctim.tv_sec,
    };
}


int neap__file_facts(int fd, struct neap__file_facts *ret)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return failed();
    take_facts(&st, ret);
    return 0;
}


int neap__file_facts_of(const char *path, bool follow,
                        struct neap__file_facts *ret)
{
    struct stat st;
    if (fstatat(AT_FDCWD, path, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
        return failed();
    take_facts(&st, ret);
    return 0;
}


static int open_retried(const char *path, int flags, mode_t mode)
{
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return done(fd);
}


int neap__file_open(const char *path, bool read_only, bool follow)
{
    /*
     * Look before opening: to open a device can do something to it. What a
     * racing rename puts there in between is caught by the second look.
     */
    struct neap__file_facts facts;
    int status = neap__file_facts_of(path, follow, &facts);
    if (status == 0 && !facts.regular)
        status = -EINVAL;
    if (status == -EINVAL || status == -ENOENT)
        return status;

    int fd = open_retried(path, (read_only ? O_RDONLY : O_RDWR) | O_NONBLOCK |
                                    (follow ? 0 : O_NOFOLLOW), 0);
    if (fd < 0)
        return fd;
    status = neap__file_facts(fd, &facts);
    if (status == 0 && !facts.regular)
        status = -EINVAL;
    if (status < 0) {
        close(fd);
        return status;
    }
    return fd;
}


int neap__file_create(const char *path)
{
    return open_retried(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
}


/* Without /proc an unnamed file could not be named. Asked once: that it is
 * there does not change while a process runs. */
static bool have_proc(void)
{
    static _Atomic bool known;
    if (!atomic_load(&known) && access("/proc/self/fd", X_OK) == 0)
        atomic_store(&known, true);
    return atomic_load(&known);
}


int neap__file_create_unnamed(const char *directory)
{
    if (!have_proc())
        return -EOPNOTSUPP;
    int fd = open_retried(directory, O_RDWR | O_TMPFILE, 0600);
    /* Kernels before O_TMPFILE see the request to write to a directory. */
    return fd == -EISDIR ? -EOPNOTSUPP : fd;
}


/* By its descriptor the kernel lets root do so, from 6.10 on whoever opened it;
 * it saves the way through /proc. */
int neap__file_name(int fd, const char *path)
{
    static _Atomic bool refused;
    char unnamed[40];
    if (!atomic_load_explicit(&refused, memory_order_relaxed)) {
        int status = done(linkat(fd, "", AT_FDCWD, path, AT_EMPTY_PATH));
        if (status != -ENOENT)
            return status;
        atomic_store_explicit(&refused, true, memory_order_relaxed);
    }
    snprintf(unnamed, sizeof unnamed, "/proc/self/fd/%d", fd);
    return done(linkat(AT_FDCWD, unnamed, AT_FDCWD, path, AT_SYMLINK_FOLLOW));
}


int neap__file_link(const char *path, const char *second)
{
    return done(linkat(AT_FDCWD, path, AT_FDCWD, second, 0));
}


int neap__file_rename(const char *path, const char *name)
{
    return done(renameat2(AT_FDCWD, path, AT_FDCWD, name, RENAME_NOREPLACE));
}


int neap__file_replace(const char *path, const char *name)
{
    return done(rename(path, name));
}


int neap__file_sync(int fd)
{
    return done(fsync(fd));
}


void neap__file_sync_soon(int fd, uint64_t offset, uint64_t length)
{
    (void)sync_file_range(fd, (off_t)offset, (off_t)length,
                          SYNC_FILE_RANGE_WRITE);
}


int neap__directory_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failed();
    int status = done(fsync(fd));
    close(fd);
    return status;
}


int64_t neap__file_next_data(int fd, uint64_t offset)
{
    off_t found = lseek(fd, (off_t)offset, SEEK_DATA);
    if (found < 0 && errno == EINVAL)
        return (int64_t)offset; /* no holes are known here */
    return found < 0 ? failed() : found;
}


int64_t neap__file_next_hole(int fd, uint64_t offset)
{
    off_t found = lseek(fd, (off_t)offset, SEEK_HOLE);
    return found < 0 ? failed() : found;
}


int neap__file_unlink(const char *path)
{
    return done(unlink(path));
}


int neap__file_chmod(int fd, uint32_t mode)
{
    return done(fchmod(fd, mode));
}


int neap__file_chown(int fd, uint32_t uid, uint32_t gid)
{
    return done(fchown(fd, uid, gid));
}


int neap__file_resize(int fd, uint64_t size)
{
    if (size > INT64_MAX)
        return -EFBIG;
    int result;
    do
        result = ftruncate(fd, (off_t)size);
    while (result < 0 && errno == EINTR);
    return done(result);
}


int neap__file_duplicate(int fd)
{
    int other = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return other < 0 ? -errno : other;
}


void neap__file_close(int fd)
{
    if (fd >= 0)
        close(fd);
}


ssize_t neap__file_read(int fd, uint64_t offset, void *bytes, size_t length)
{
    size_t got = 0;
    while (got < length) {
        ssize_t n = pread(fd, (char *)bytes + got, length - got,
                          (off_t)(offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed();
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}


int neap__file_write(int fd, uint64_t offset, const void *bytes, size_t length)
{
    size_t put = 0;
    while (put < length) {
        ssize_t n = pwrite(fd, (const char *)bytes + put, length - put,
                           (off_t)(offset + put));
        if (n < 0 && errno != EINTR)
            return failed();
        if (n > 0)
            put += (size_t)n;
    }
    return 0;
}


int neap__memfd_create(const char *label)
{
    int fd = done(memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (fd >= 0 && fchmod(fd, 0600) < 0) {
        int status = failed();
        close(fd);
        return status;
    }
    return fd;
}


void neap__memfd_never_shrink(int fd)
{
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
}


int neap__file_reopen(int fd)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open_retried(path, O_RDWR, 0);
}
