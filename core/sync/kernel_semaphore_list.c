/* The semaphores of this machine: /dev/shm/sem.*, then System V's table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/kernel_semaphore.h"

struct neap_kernel_semaphore_list {
    struct neap__listing of;
};


int neap__sem_named_status(const char *name,
                           neap_kernel_semaphore_stat *ret_stat)
{
    struct neap__file_facts facts;
    char path[PATH_MAX];
    neap__sem_path(name, path);
    int status = neap__file_facts_of(path, true, &facts);
    if (status < 0)
        return status;
    if (!facts.regular || facts.size < neap__sem_named_size())
        return NEAP_ECORRUPT;
    *ret_stat = (neap_kernel_semaphore_stat){
        .kind = NEAP_KIND_POSIX,
        .count = 1,
        .mode = facts.mode & 0777u,
        .uid = facts.uid,
        .gid = facts.gid,
        .id = -1,
        .changed = facts.changed,
    };
    return 0;
}


int neap__sem_status(int id, neap_kernel_semaphore_stat *ret_stat)
{
    struct neap__sem_facts facts;
    int status = neap__sem_facts(id, &facts);
    if (status < 0)
        return status;
    *ret_stat = (neap_kernel_semaphore_stat){
        .kind = NEAP_KIND_SYSV,
        .count = facts.count,
        .mode = facts.mode,
        .uid = facts.uid,
        .gid = facts.gid,
        .id = id,
        .operated = facts.operated,
        .changed = facts.changed,
    };
    return 0;
}


int neap_kernel_semaphore_list_open(neap_kernel_semaphore_list **ret_list)
{
    struct neap_kernel_semaphore_list *list = malloc(sizeof *list);
    if (!list)
        return neap__fail_why(-ENOMEM, "cannot list semaphores");
    int status = neap__listing_open(&list->of, "semaphores",
                                    "/proc/sysvipc/sem");
    if (status < 0)
        free(list);
    else
        *ret_list = list;
    return status;
}


void neap_kernel_semaphore_list_close(neap_kernel_semaphore_list *list)
{
    if (list)
        neap__listing_close(&list->of);
    free(list);
}


static bool describe_posix(const char *file, void *ret)
{
    neap_kernel_semaphore_info *ret_info = ret;
    const size_t prefix = sizeof NEAP__SEM_PREFIX - 1;
    struct neap__address address;
    if (strncmp(file, NEAP__SEM_PREFIX, prefix) != 0 ||
        neap__address_of_posix_name(file + prefix, &address) < 0 ||
        neap__sem_named_status(file + prefix, &ret_info->stat) < 0)
        return false;
    snprintf(ret_info->address, sizeof ret_info->address, "%.279s",
             address.text);
    return true;
}


static bool describe_sysv(const char *line, void *ret)
{
    neap_kernel_semaphore_info *ret_info = ret;
    int key, id;
    unsigned mode, uid, gid, count;
    long long operated, changed;

    /* The head line does not scan. */
    if (sscanf(line, "%d %d %o %u %u %u %*u %*u %lld %lld", &key, &id, &mode,
               &count, &uid, &gid, &operated, &changed) != 8)
        return false;
    ret_info->stat = (neap_kernel_semaphore_stat){
        .kind = NEAP_KIND_SYSV,
        .count = count,
        .mode = mode & 0777u,
        .uid = uid,
        .gid = gid,
        .id = id,
        .operated = operated,
        .changed = changed,
    };
    neap__address_of_key(key, ret_info->address, sizeof ret_info->address);
    return true;
}


int neap_kernel_semaphore_list_next(neap_kernel_semaphore_list *list,
                                    neap_kernel_semaphore_info *ret_info)
{
    return neap__listing_next(&list->of, describe_posix, describe_sysv,
                              ret_info);
}
