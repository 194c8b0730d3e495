/*
 * System V shared memory: known by a number, of a fixed size, visible and
 * zeroed from birth on. It lives until IPC_RMID, then until its last mapping
 * is gone.
 */
#include <stdio.h>
#include <string.h>

#include "memory/ops.h"
#include "os/huge.h"


/* The sentence for what a limit of the kernel forbids: which, how much of it is
 * used, and how to raise it. */
static int beyond_limit(int status, const struct neap__address *address,
                        uint64_t size)
{
    struct neap__shm_limits limit;
    char asked[32], most[32], used[32];
    uint64_t page = neap__page_size(), pages = (size + page - 1) / page;

    neap__bytes_text(size, asked);
    if (neap__shm_limits(&limit) < 0)
        return neap__fail_why(status, "cannot create %s with %s: a limit on "
                              "System V segments (sysctl kernel.shmmax, "
                              "kernel.shmall, kernel.shmmni)", address->text,
                              asked);
    if (size > limit.shmmax)
        return neap__fail(status, "cannot create %s: %s is more than "
                          "kernel.shmmax lets a System V segment have, which "
                          "is %s; root raises it with sysctl -w "
                          "kernel.shmmax=%llu", address->text, asked,
                          neap__bytes_text(limit.shmmax, most),
                          (unsigned long long)size);
    if (limit.segments >= limit.shmmni)
        return neap__fail(status, "cannot create %s: there are %llu System V "
                          "segments, and kernel.shmmni allows %llu; remove "
                          "what is no longer used (neap ls, neap rm), or root "
                          "raises it with sysctl -w kernel.shmmni=%llu",
                          address->text, (unsigned long long)limit.segments,
                          (unsigned long long)limit.shmmni,
                          (unsigned long long)limit.shmmni * 2);
    return neap__fail(status, "cannot create %s: with %s, System V segments "
                      "would pass kernel.shmall, of which %s of %s are used; "
                      "remove what is no longer used (neap ls, neap rm), or "
                      "root raises it with sysctl -w kernel.shmall=%llu, in "
                      "pages", address->text, asked,
                      neap__bytes_text(limit.pages * page, used),
                      neap__bytes_text(limit.shmall * page, most),
                      (unsigned long long)(limit.pages + pages));
}


/* `page` 0 is small ones. */
static int create_in(const struct neap__address *address, uint64_t size,
                     uint32_t mode, uint64_t page, int *ret_id)
{
    char asked[32];
    int id = neap__mode_check(address, mode);
    if (id < 0)
        return id;

    mode = mode ? mode : 0600;
    id = page ? neap__huge_shm(address->key, size, mode, page)
              : neap__shm_create(address->key, size, mode);
    if (page && (id == -ENOMEM || id == -EPERM))
        return neap__huge_refused(id, address->text, size, page);
    switch (id < 0 ? id : 0) {
    case 0:
        *ret_id = id;
        return 0;
    case -EEXIST:
        return neap__fail(id, "cannot create %s: it exists", address->text);
    case -EINVAL:
    case -ENOSPC:
        return beyond_limit(id, address, size);
    default:
        return neap__fail_why(id, "cannot create %s with %s", address->text,
                              neap__bytes_text(size, asked));
    }
}


int neap__sysv_create(const struct neap__address *address, uint64_t size,
                      uint32_t mode, int *ret_id)
{
    return create_in(address, size, mode, 0, ret_id);
}


int neap__sysv_open(const struct neap__address *address, bool read_only,
                    int *ret_id)
{
    int id = neap__shm_find(address->key, read_only);
    if (id >= 0) {
        *ret_id = id;
        return 0;
    }
    if (id == -ENOENT)
        return neap__fail(id, "cannot open %s: there is no System V segment of "
                          "that key; to make it, create it", address->text);
    if (id == -EACCES)
        return neap__fail(id, "cannot open %s for %s: its mode does not let "
                          "you%s", address->text,
                          read_only ? "reading" : "writing",
                          read_only ? "" : "; to look only, open it read-only");
    return neap__fail_why(id, "cannot open %s", address->text);
}


/* EINVAL and EIDRM both mean that no such id is any more. */
static int gone_is_eidrm(int status)
{
    return status == -EINVAL ? -EIDRM : status;
}


int neap__sysv_attach(int id, bool read_only, void *where, void **ret_base)
{
    int status = neap__shm_attach(id, read_only, where, ret_base);
    if (!where)
        status = gone_is_eidrm(status);
    if (status < 0)
        return neap__fail_why(status, "cannot map the System V segment of id "
                              "%d for %s", id,
                              read_only ? "reading" : "writing");
    return 0;
}


void neap__sysv_detach(void *base)
{
    neap__shm_detach(base);
}


int neap__sysv_status(int id, struct neap__sysv_stat *ret_stat)
{
    int status = gone_is_eidrm(neap__shm_status(id, ret_stat));
    if (status < 0)
        return neap__fail_why(status, "cannot look at the System V segment of "
                              "id %d", id);
    return 0;
}


int neap__sysv_set_mode(int id, uint32_t mode)
{
    int status = neap__shm_chmod(id, mode & 0777);
    if (status == -EPERM)
        status = -EACCES;
    status = gone_is_eidrm(status);
    if (status < 0)
        return neap__fail_why(status, "cannot give the System V segment of id "
                              "%d the mode %o", id, mode);
    return 0;
}


int neap_ftok(const char *path, int number, int32_t *ret_key)
{
    if (number < 1 || number > 255)
        return neap__fail(-EINVAL, "cannot make a System V key with the number "
                          "%d: ftok takes one from 1 to 255", number);
    int status = neap__shm_key(path ? path : "", number, ret_key);
    if (status == -ENOENT)
        return neap__fail(status, "cannot make a System V key of \"%.200s\": "
                          "there is no such file, and one must exist; create "
                          "it first", path ? path : "");
    return status < 0 ? neap__fail_why(status, "cannot make a System V key of "
                                       "\"%.200s\"", path) : 0;
}


int neap__sysv_remove(int id)
{
    struct neap__sysv_stat stat;
    int status = neap__shm_status(id, &stat);
    /* To remove it a second time is no error of the kernel's, but its name
     * is gone already: the kernel made it private. */
    if (status == 0 && stat.removed)
        status = -EIDRM;
    if (status == 0 || status == -EACCES) /* its owner may without reading */
        status = neap__shm_remove(id);

    switch (status) {
    case 0:
        return 0;
    case -EINVAL:
    case -EIDRM:
        return neap__fail(-ENOENT, "cannot unlink the System V segment of id "
                          "%d: it is gone already", id);
    case -EPERM:
    case -EACCES:
        return neap__fail(-EACCES, "cannot unlink the System V segment of id "
                          "%d: you may not; its owner or root may", id);
    default:
        return neap__fail_why(status, "cannot unlink the System V segment of "
                              "id %d", id);
    }
}


/* -- as the operations of a segment ---------------------------------------- */

static int create(struct neap_segment *segment, uint64_t size, uint32_t mode)
{
    uint64_t page = segment->page;
    int status = create_in(segment->address, size, mode, page, &segment->id);
    if (status == 0 && !page)
        segment->page = neap__page_size();
    return status;
}


static int open_id(struct neap_segment *segment)
{
    return neap__sysv_open(segment->address, segment->read_only, &segment->id);
}


static void forget_id(struct neap_segment *segment)
{
    segment->id = -1;
}


/* What the kernel has really given, which shmctl does not tell of one segment:
 * the columns rss and swap of the list. */
static uint64_t find_allocated(int id)
{
    FILE *list = fopen("/proc/sysvipc/shm", "re");
    unsigned long long rss, swap, allocated = 0;
    char line[512];
    int it;

    while (list && fgets(line, sizeof line, list))
        if (sscanf(line, "%*d %d %*o %*u %*d %*d %*u %*u %*u %*u %*u %*u %*u "
                   "%*u %llu %llu", &it, &rss, &swap) == 3 && it == id)
            allocated = rss + swap;
    if (list)
        fclose(list);
    return allocated;
}


static int get_status(struct neap_segment *segment, neap_segment_stat *ret_stat)
{
    struct neap__sysv_stat stat;
    int status = neap__sysv_status(segment->id, &stat);
    if (status < 0)
        return status;
    *ret_stat = (neap_segment_stat){
        .kind = NEAP_KIND_SYSV,
        .size = stat.size,
        .allocated = find_allocated(segment->id),
        .mode = stat.mode,
        .uid = stat.uid,
        .gid = stat.gid,
        .attached = (int64_t)stat.attached,
        .creator_pid = stat.creator_pid,
        .last_pid = stat.last_pid,
        .id = segment->id,
        .removed = stat.removed,
        .accessed = stat.attach_time,
        .modified = stat.detach_time,
        .changed = stat.change_time,
        .page = segment->page,
    };
    return 0;
}


/* Without what find_allocated reads. */
static int get_size(struct neap_segment *segment, uint64_t *ret_size)
{
    struct neap__sysv_stat stat;
    int status = neap__sysv_status(segment->id, &stat);
    if (status == 0)
        *ret_size = stat.size;
    return status;
}


static int set_mode(struct neap_segment *segment, uint32_t mode)
{
    return gone_is_eidrm(neap__shm_chmod(segment->id, mode));
}


static int set_owner(struct neap_segment *segment, uint32_t uid, uint32_t gid)
{
    return gone_is_eidrm(neap__shm_chown(segment->id, uid, gid));
}


static int unlink_id(struct neap_segment *segment)
{
    return neap__sysv_remove(segment->id);
}


static int unlink_key(const struct neap__address *address)
{
    int id = neap__shm_find_any(address->key);
    if (id == -ENOENT)
        return neap__fail(id, "cannot unlink %s: it is gone already",
                          address->text);
    if (id < 0)
        return neap__fail_why(id, "cannot unlink %s", address->text);
    return neap__sysv_remove(id);
}


/* For writing whenever that is allowed: what is attached for reading can never
 * be given writing back. */
static int attach(struct neap_segment *segment, void *where, size_t size,
                  void **base)
{
    if (!where)
        return gone_is_eidrm(neap__shm_attach(segment->id, segment->read_only,
                                              NULL, base));
    int status = neap__map_keep(where, size);
    if (status < 0)
        return status;
    status = neap__shm_attach(segment->id, segment->read_only, where, base);
    if (status < 0)
        neap__map_remove(where, size);
    return status;
}


static int map(struct neap_segment *segment, const struct neap__wish *wish,
               void **base, size_t *length, size_t *skip)
{
    struct neap__sysv_stat stat;
    int status = wish->copied ? -ENOTSUP
                              : neap__sysv_status(segment->id, &stat);
    if (status < 0)
        return status;
    *length = stat.size;
    *skip = wish->offset;
    status = attach(segment, wish->where ? (char *)wish->where - wish->offset
                                         : NULL, stat.size, base);
    if (status < 0)
        return status;
    if (!segment->page)
        segment->page = neap__map_page(*base, stat.size);

    int protection = wish->protection;
    int given = segment->read_only ? NEAP_PROT_READ
                                   : NEAP_PROT_READ | NEAP_PROT_WRITE;
    if (protection != given)
        status = neap__map_protect(*base, *length, protection);
    if (status < 0)
        neap__shm_detach(*base);
    return status;
}


static void unmap(void *base, size_t length)
{
    (void)length;
    neap__shm_detach(base);
}


const struct neap__segment_ops neap__sysv_ops = {
    .kind = NEAP_KIND_SYSV,
    .huge = true,
    .create = create,
    .open = open_id,
    .close = forget_id,
    .status = get_status,
    .size = get_size,
    .set_mode = set_mode,
    .set_owner = set_owner,
    .unlink = unlink_id,
    .unlink_address = unlink_key,
    .map = map,
    .unmap = unmap,
};
