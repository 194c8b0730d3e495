/*
 * The birth of a named file (memory.h draws it).
 *
 * The road of the named file, for file systems without O_TMPFILE, keeps:
 *
 * I1  A file called .neap-birth-* whose flock is free belongs to nobody: its
 *     maker died, or has not yet locked it (then see I2).
 * I2  A maker that has got the lock looks whether the file still has its name;
 *     a sweeper removes the name only while it holds the lock itself. So a file
 *     that was swept under its maker's hands is noticed and made again.
 * I3  The final name appears by link(2), which never replaces. Between it and
 *     the unlink of the first name the file has both; a sweep then takes away
 *     the first alone. Where there are no hard links, as on FAT, a rename that
 *     does not replace takes the place of both.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory/memory.h"

#define PREFIX ".neap-birth-"

int neap__birth_force_named;


static void directory_of(const struct neap__address *a, char *ret_directory)
{
    strcpy(ret_directory, a->path);
    char *slash = strrchr(ret_directory, '/');
    slash[slash == ret_directory] = '\0'; /* of "/x" the "/" stays */
}


static bool still_named(int fd, const char *path)
{
    struct neap__file_facts ours, there;
    return neap__file_facts(fd, &ours) == 0 &&
           neap__file_facts_of(path, false, &there) == 0 &&
           ours.dev == there.dev && ours.ino == there.ino;
}


/* One try. @return a locked descriptor; -EEXIST or -ESTALE to try again. */
static int create_locked(const char *path)
{
    int fd = neap__file_create(path);
    if (fd < 0)
        return fd;
    int status = neap__flock_try(fd);
    if (status == -EBUSY || (status == 0 && !still_named(fd, path)))
        status = -ESTALE; /* I2 */
    else if (status < 0)
        neap__file_unlink(path);
    if (status < 0) {
        neap__file_close(fd);
        return status;
    }
    return fd;
}


enum { TRIES = 100 };

/* A name that is most likely nobody's. */
static int new_name(const char *directory, char *path)
{
    static _Atomic unsigned births;
    uint64_t random = (uint64_t)neap_now() * 0x9e3779b97f4a7c15u + births++;
    int n = snprintf(path, PATH_MAX, "%s/" PREFIX "%ld-%016llx", directory,
                     (long)getpid(), (unsigned long long)random);
    return n >= PATH_MAX ? -ENAMETOOLONG : 0;
}


static int create_named(const char *directory, char *path)
{
    int fd = -EEXIST;

    (void)neap__birth_sweep(directory);
    for (int i = 0; i < TRIES && (fd == -EEXIST || fd == -ESTALE); i++) {
        int status = new_name(directory, path);
        if (status < 0)
            return status;
        fd = create_locked(path);
    }
    return fd;
}


static int begin(const char *directory, uint32_t mode,
                 struct neap__birth *birth)
{
    int fd = -EOPNOTSUPP;
    if (!neap__birth_force_named)
        fd = neap__file_create_unnamed(directory);
    if (fd == -EOPNOTSUPP)
        fd = create_named(directory, birth->named);
    if (fd < 0)
        return fd;
    birth->fd = fd;
    return neap__file_chmod(fd, mode);
}


int neap__birth_begin(const struct neap__address *address, uint32_t mode,
                      struct neap__birth *birth)
{
    *birth = (struct neap__birth){.fd = -1, .address = address};
    int status = neap__mode_check(address, mode);
    if (status < 0)
        return status;

    char directory[PATH_MAX];
    directory_of(address, directory);
    status = begin(directory, mode ? mode : 0600, birth);
    if (status == 0)
        return 0;
    neap__birth_abort(birth);
    if (status == -ENOENT)
        return neap__fail(status, "cannot create %s: there is no directory %s",
                          address->text, directory);
    if (status == -EACCES)
        return neap__fail(status, "cannot create %s: you may not write in %s",
                          address->text, directory);
    return neap__fail_why(status, "cannot create %s in %s", address->text,
                          directory);
}


static int name_named(const char *named, const char *path) /* I3 */
{
    int status = neap__birth_force_named == 2 ? -EPERM
                                              : neap__file_link(named, path);
    if (status == -EPERM || status == -EOPNOTSUPP || status == -ENOSYS)
        return neap__file_rename(named, path);
    if (status == 0)
        neap__file_unlink(named);
    return status;
}


int neap__birth_publish(struct neap__birth *birth)
{
    const char *path = birth->address->path;
    int status = *birth->named ? name_named(birth->named, path)
                               : neap__file_name(birth->fd, path);
    if (status == -EEXIST)
        return neap__fail(status, "cannot create %s: it exists",
                          birth->address->text);
    if (status < 0)
        return neap__fail_why(status, "cannot give a new file the name %s",
                              path);

    if (*birth->named) {
        neap__flock_release(birth->fd);
        *birth->named = '\0';
    }
    birth->address = NULL; /* abort has nothing to do any more */
    return 0;
}


/* Under the lock that keeps sweepers away (I2). */
static int name_for_now(struct neap__birth *birth, const char *directory)
{
    int status = neap__flock_try(birth->fd);
    if (status < 0)
        return status;
    status = -EEXIST;
    for (int i = 0; i < TRIES && status == -EEXIST; i++) {
        status = new_name(directory, birth->named);
        if (status == 0)
            status = neap__file_name(birth->fd, birth->named);
    }
    if (status < 0)
        *birth->named = '\0';
    return status;
}


int neap__birth_replace(struct neap__birth *birth)
{
    char directory[PATH_MAX];
    directory_of(birth->address, directory);
    int status = *birth->named ? 0 : name_for_now(birth, directory);
    if (status == 0)
        status = neap__file_replace(birth->named, birth->address->path);
    if (status < 0)
        return neap__fail_why(status, "cannot give a new file the name %s",
                              birth->address->path);
    neap__flock_release(birth->fd);
    *birth->named = '\0';
    birth->address = NULL;
    return 0;
}


void neap__birth_abort(struct neap__birth *birth)
{
    if (birth->fd < 0 || !birth->address)
        return;
    if (*birth->named)
        neap__file_unlink(birth->named);
    neap__file_close(birth->fd);
    birth->fd = -1;
}


/* @return true if the file lay there without a maker, and is gone. */
static bool sweep(const char *path)
{
    int fd = neap__file_open(path, true, false);
    if (fd == -EACCES)
        fd = neap__file_open(path, false, false);
    if (fd < 0)
        return false;
    bool swept = neap__flock_try(fd) == 0 && still_named(fd, path) &&
                 neap__file_unlink(path) == 0;
    neap__file_close(fd);
    return swept;
}


int neap__birth_sweep(const char *directory)
{
    DIR *dir = opendir(directory);
    if (!dir)
        return -errno;

    int swept = 0;
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        char path[PATH_MAX];
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 &&
            snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) <
                (int)sizeof path)
            swept += sweep(path);
    }
    closedir(dir);
    return swept;
}


/* What to do when the file system is full depends on which it is. */
static const char *advice(int fd)
{
    struct neap__file_facts ours, shm;
    if (neap__file_facts(fd, &ours) == 0 &&
        neap__file_facts_of(neap__shm_directory, true, &shm) == 0 &&
        ours.dev == shm.dev)
        return "remove what is no longer used (neap ls, neap rm), or give it "
               "more room: mount -o remount,size=... /dev/shm";
    return "remove files, or choose another place";
}


int neap__no_room(int status, int fd, const char *whom, uint64_t asked)
{
    char asked_text[32], free_text[32];
    uint64_t room = 0;

    neap__bytes_text(asked, asked_text);
    if (status == -EFBIG)
        return neap__fail(status, "cannot set %s aside for %s: that is more "
                          "than a file can have", asked_text, whom);
    if (status != -ENOSPC || neap__file_room(fd, &room) < 0)
        return neap__fail_why(status, "cannot set %s aside for %s", asked_text,
                              whom);
    return neap__fail(status, "no room for %s: %s asked for, %s free; %s", whom,
                      asked_text, neap__bytes_text(room, free_text),
                      advice(fd));
}
