/*
 * The door to the operating system, continued: files, mappings, System V.
 * The same precondition as os.h: 0 or more, or -errno, and no error text.
 */
#ifndef NEAP_OS_FILE_H
#define NEAP_OS_FILE_H

#include <sys/types.h>

#include "base/base.h"

/* -- file.c ---------------------------------------------------------------- */

struct neap__file_facts {
    dev_t dev;
    ino_t ino;
    bool regular;
    uint64_t size, allocated;
    uint64_t links;
    uint32_t mode, uid, gid;
    int64_t accessed, modified, changed; /* seconds since 1970 */
};

int neap__file_facts(int fd, struct neap__file_facts *ret);

/* Of a path; the last link is followed or looked at itself. */
int neap__file_facts_of(const char *path, bool follow,
                        struct neap__file_facts *ret);

/* Open a regular file, O_CLOEXEC; -EINVAL for anything else, without blocking
 * on a pipe or disturbing a device. `follow` a symbolic link or -ELOOP. */
int neap__file_open(const char *path, bool read_only, bool follow);

/* A new file of that name, nobody else's: O_RDWR, mode 0600. -EEXIST. */
int neap__file_create(const char *path);

/*
 * A new file without a name on the directory's file system, mode 0600, for
 * neap__file_name. -EOPNOTSUPP wherever it could not be named later: the file
 * system lacks O_TMPFILE, or /proc is missing.
 */
int neap__file_create_unnamed(const char *directory);

/* Give an unnamed file its name. -EEXIST. */
int neap__file_name(int fd, const char *path);

/* A second name for a named file. -EEXIST. */
int neap__file_link(const char *path, const char *second);

/* Another name for it, never replacing one. -EEXIST; -EINVAL cannot be done. */
int neap__file_rename(const char *path, const char *name);

/* The same, replacing what has that name. */
int neap__file_replace(const char *path, const char *name);

int neap__file_unlink(const char *path);

/* What was written is on the disk, and so is a directory's last change. */
int neap__file_sync(int fd);
int neap__directory_sync(const char *path);

/* Begin to write that part to the disk, without waiting for it. */
void neap__file_sync_soon(int fd, uint64_t offset, uint64_t length);

/* The next byte from `offset` on that is in no hole, or that is in one; both as
 * far as the file system tells. -ENXIO there is none. */
int64_t neap__file_next_data(int fd, uint64_t offset);
int64_t neap__file_next_hole(int fd, uint64_t offset);
int neap__file_chmod(int fd, uint32_t mode);
int neap__file_chown(int fd, uint32_t uid, uint32_t gid);
int neap__file_resize(int fd, uint64_t size);
void neap__file_close(int fd);

/* Another descriptor of it, O_CLOEXEC. */
int neap__file_duplicate(int fd);

/* Up to `length` bytes at `offset`. @return how many were there. */
ssize_t neap__file_read(int fd, uint64_t offset, void *bytes, size_t length);

/* All of them at `offset`. */
int neap__file_write(int fd, uint64_t offset, const void *bytes, size_t length);

/* An unnamed memory file of mode 0600, sealable. */
int neap__memfd_create(const char *label);
void neap__memfd_never_shrink(int fd);

/* -- room.c ---------------------------------------------------------------- */

/*
 * Bytes that can still be set aside on fd's file system by who is not root; for
 * one that lives in memory, no more than the machine and our control
 * groups have.
 */
int neap__file_room(int fd, uint64_t *ret_bytes);

/* False if so much is certainly not to be had. */
bool neap__file_has_room(int fd, uint64_t bytes);

/* -- set_aside.c ----------------------------------------------------------- */

/*
 * Set `length` bytes at `offset` aside, extending the file if they lie beyond
 * its end (never shrinking it). All or nothing: on failure the file's size is
 * what it was. (memory.h, neap__no_room, has the sentence for it.)
 * @return 0; -ENOSPC; -EFBIG; -errno.
 */
int neap__set_aside(int fd, uint64_t offset, uint64_t length);

/* -- flock.c: locks that die with their holder ----------------------------- */

/* Open a directory and take its flock. @return a descriptor for unlock; -EBUSY
 * after `patience` nanoseconds; -errno. */
int neap__directory_lock(const char *path, int64_t patience);
void neap__directory_unlock(int lock); /* less than 0 is fine */

/* Take the flock of an open file, exclusively, at once. @return 0; -EBUSY. */
int neap__flock_try(int fd);
void neap__flock_release(int fd);

/* Share the flock: given up what was had of it, and waited for. */
void neap__flock_share(int fd);

/* Open the same file again, for reading and writing, as an open file
 * description of its own. @return a descriptor; -ENOENT without /proc. */
int neap__file_reopen(int fd);

/* Another lock of an open file, exclusive, waited for: it belongs to this open
 * file description and dies with it. @return 0; -errno, not locked. */
int neap__file_lock(int fd);
void neap__file_unlock(int fd);

/* -- map.c ----------------------------------------------------------------- */

size_t neap__page_size(void);

/* Shared mappings; protection is enum neap_protection, offsets are multiples of
 * the page. */
int neap__map_file(int fd, uint64_t offset, size_t length, int protection,
                   void **ret_base);

/* The same as `copied` on write, and at `where` or anywhere for NULL. -EEXIST
 * something is there. */
int neap__map_file_at(int fd, uint64_t offset, size_t length, int protection,
                      bool copied, void *where, void **ret_base);

/* Keep those addresses, if they are free, for a mapping that replaces this.
 * -EEXIST something is there. */
int neap__map_keep(void *where, size_t length);
int neap__map_anonymous(size_t length, void **ret_base);

/* Memory of this process alone, at `where`, which is free, or NULL. -EEXIST. */
int neap__map_private(size_t length, void *where, void **ret_base);

/* Addresses of which parts are replaced later, at `where` or NULL anywhere;
 * nobody may touch them. @return 0; -EEXIST; -ENOMEM. */
int neap__map_zone(void *where, size_t length, void **ret_base);
/* A shared mapping in place of what is there. */
int neap__map_replace(int fd, uint64_t offset, size_t length, int protection,
                      void *where);
/* Nothing in place of what is there, and still nobody else's. */
void neap__map_blank(void *where, size_t length);

/* Map the pages of a shared mapping a second time, at another address; `where`
 * NULL or kept for it. */
int neap__map_again(void *base, size_t length, void *where, void **ret_base);

/* Another length for a mapping, in its place or, with `move`, at another one.
 * @return 0; -ENOMEM the addresses behind it are not free. */
int neap__map_resize(void *base, size_t length, size_t to, bool move,
                     void **ret_base);

int neap__map_protect(void *base, size_t length, int protection);
int neap__map_sync(void *base, size_t length, bool later);
void neap__map_remove(void *base, size_t length);

/* -- advise.c: addresses are multiples of the page ------------------------- */

int neap__map_advise(void *base, size_t length, int advice);
int neap__map_prefault(void *base, size_t length, bool writable);
int neap__map_lock(void *base, size_t length);

/* RLIMIT_MEMLOCK; UINT64_MAX there is none. */
uint64_t neap__lock_limit(void);

/* Huge pages, when the kernel likes or `now`. -EINVAL there is no whole one in
 * the range, or the kernel cannot. */
int neap__map_huge(void *base, size_t length, bool now);

int neap__map_resident(void *base, size_t length, uint64_t *ret_pages);

/* -- shm.c: System V ------------------------------------------------------- */

struct neap__sysv_stat {
    uint64_t size;
    uint64_t attached; /* mappings, in all processes */
    int32_t key;
    bool removed;      /* IPC_RMID was called; its last mapping ends it */
    uint32_t mode, uid, gid;
    int32_t creator_pid, last_pid;
    int64_t attach_time, detach_time, change_time;
};

int neap__shm_create(int32_t key, uint64_t size, uint32_t mode);
int neap__shm_find(int32_t key, bool read_only);
int neap__shm_find_any(int32_t key); /* whether or not it may be opened */
int neap__shm_attach(int id, bool read_only, void *where, void **ret_base);
void neap__shm_detach(void *base);
int neap__shm_status(int id, struct neap__sysv_stat *ret_stat);
int neap__shm_chmod(int id, uint32_t mode);
/* UINT32_MAX leaves one as it is. */
int neap__shm_chown(int id, uint32_t uid, uint32_t gid);

/* What this IPC namespace may have, and has: kernel.shmmax in bytes, shmall in
 * pages, shmmni in segments. */
struct neap__shm_limits {
    uint64_t shmmax, shmall, shmmni;
    uint64_t pages, segments;
};

int neap__shm_limits(struct neap__shm_limits *ret_limits);

/* ftok(3). */
int neap__shm_key(const char *path, int number, int32_t *ret_key);
int neap__shm_remove(int id);

#endif
