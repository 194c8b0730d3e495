/* The semaphores of this machine: /dev/shm/sem.*, then System V's table. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/kernel_semaphore.h"

struct neap_kernel_semaphore_list {
    DIR *posix;
    FILE *sysv; /* NULL where the kernel has no System V */
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
    struct neap_kernel_semaphore_list *list = calloc(1, sizeof *list);
    if (!list)
        return neap__fail_why(-ENOMEM, "cannot list semaphores");
    list->posix = opendir(neap__shm_directory);
    if (!list->posix) {
        int status = -errno;
        free(list);
        return neap__fail_why(status, "cannot list semaphores in %s",
                              neap__shm_directory);
    }
    list->sysv = fopen("/proc/sysvipc/sem", "re");
    *ret_list = list;
    return 0;
}


void neap_kernel_semaphore_list_close(neap_kernel_semaphore_list *list)
{
    if (!list)
        return;
    closedir(list->posix);
    if (list->sysv)
        fclose(list->sysv);
    free(list);
}


static bool describe_posix(const char *file,
                           neap_kernel_semaphore_info *ret_info)
{
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


static bool describe_sysv(const char *line,
                          neap_kernel_semaphore_info *ret_info)
{
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
    struct dirent *entry;
    char line[512];

    while ((entry = readdir(list->posix)))
        if (describe_posix(entry->d_name, ret_info))
            return NEAP_MORE;
    while (list->sysv && fgets(line, sizeof line, list->sysv))
        if (describe_sysv(line, ret_info))
            return NEAP_MORE;
    return 0;
}
