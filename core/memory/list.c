/* The segments of this machine: /dev/shm, then System V's table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/memory.h"

struct neap_segment_list {
    struct neap__listing of;
};

/* SHM_DEST, among the mode's bits. */
#define SYSV_REMOVED 01000u

/* What a heap's first eight bytes are. */
static const char heap_magic[8] = {'N', 'E', 'A', 'P', 'H', 'E', 'A', 'P'};


int neap_segment_list_open(neap_segment_list **ret_list)
{
    struct neap_segment_list *list = malloc(sizeof *list);
    if (!list)
        return neap__fail_why(-ENOMEM, "cannot list segments");
    int status = neap__listing_open(&list->of, "segments", "/proc/sysvipc/shm");
    if (status < 0)
        free(list);
    else
        *ret_list = list;
    return status;
}


void neap_segment_list_close(neap_segment_list *list)
{
    if (list)
        neap__listing_close(&list->of);
    free(list);
}


static bool file_is_heap(const struct neap__address *a)
{
    char head[sizeof heap_magic];
    int fd = neap__file_open(a->path, true, false);
    if (fd < 0)
        return false;
    bool is = neap__file_read(fd, 0, head, sizeof head) == sizeof head &&
              memcmp(head, heap_magic, sizeof head) == 0;
    neap__file_close(fd);
    return is;
}


/* @return false if it is no segment, or has gone since it was listed. */
static bool describe_posix(const char *name, void *ret)
{
    neap_segment_info *ret_info = ret;
    struct neap__address a;
    struct neap__file_facts facts;
    if (strncmp(name, "sem.", 4) == 0 ||
        neap__address_of_posix_name(name, &a) < 0 ||
        neap__file_facts_of(a.path, false, &facts) < 0 || !facts.regular)
        return false;

    *ret_info = (neap_segment_info){
        .is_heap = file_is_heap(&a),
        .stat = {
            .kind = NEAP_KIND_POSIX,
            .size = facts.size,
            .allocated = facts.allocated,
            .mode = facts.mode & 0777u,
            .uid = facts.uid,
            .gid = facts.gid,
            .attached = -1,
            .id = -1,
            .accessed = facts.accessed,
            .modified = facts.modified,
            .changed = facts.changed,
        },
    };
    snprintf(ret_info->address, sizeof ret_info->address, "%.279s", a.text);
    return true;
}


/* To look is to attach for a moment, which is what the kernel offers. */
static bool sysv_is_heap(int id, const neap_segment_stat *stat)
{
    void *base;
    if (stat->size < sizeof heap_magic ||
        neap__shm_attach(id, true, NULL, &base) < 0)
        return false;
    bool is = memcmp(base, heap_magic, sizeof heap_magic) == 0;
    neap__shm_detach(base);
    return is;
}


static bool describe_sysv(const char *line, void *ret)
{
    neap_segment_info *ret_info = ret;
    int key, id, creator, last;
    unsigned mode, uid, gid;
    unsigned long long size, attached, rss, swap;
    long long attach_time, detach_time, change_time;

    /* The head line does not scan. */
    if (sscanf(line, "%d %d %o %llu %d %d %llu %u %u %*u %*u %lld %lld %lld "
               "%llu %llu", &key, &id, &mode, &size, &creator, &last, &attached,
               &uid, &gid, &attach_time, &detach_time, &change_time, &rss,
               &swap) != 14)
        return false;
    *ret_info = (neap_segment_info){
        .stat = {
            .kind = NEAP_KIND_SYSV,
            .size = size,
            .allocated = rss + swap,
            .mode = mode & 0777u,
            .uid = uid,
            .gid = gid,
            .attached = (int64_t)attached,
            .creator_pid = creator,
            .last_pid = last,
            .id = id,
            .removed = mode & SYSV_REMOVED,
            .accessed = attach_time,
            .modified = detach_time,
            .changed = change_time,
        },
    };
    neap__address_of_key(key, ret_info->address, sizeof ret_info->address);
    ret_info->is_heap = key && sysv_is_heap(id, &ret_info->stat);
    return true;
}


int neap_segment_list_next(neap_segment_list *list, neap_segment_info *ret_info)
{
    if (!list)
        return neap__fail(NEAP_ECLOSED, "cannot go on with a list of segments "
                          "that is closed");
    return neap__listing_next(&list->of, describe_posix, describe_sysv,
                              ret_info);
}
