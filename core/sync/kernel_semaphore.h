/* What the files of kernel semaphores share. */
#ifndef NEAP_SYNC_KERNEL_SEMAPHORE_H
#define NEAP_SYNC_KERNEL_SEMAPHORE_H

#include "memory/memory.h"
#include "neap/kernel_semaphore.h"
#include "os/sem.h"

/* What sem_open puts before the name of the file. */
#define NEAP__SEM_PREFIX "sem."

struct neap_kernel_semaphore {
    struct neap__address address;
    bool undo;
    void *named;    /* posix */
    int id;         /* sysv; -1 else */
    uint32_t count; /* when it was opened */
};

/* Where the file of a posix one is. */
void neap__sem_path(const char *name, char ret_path[PATH_MAX]);

/* The address's name, without what is before it. */
const char *neap__sem_name(const struct neap__address *address);

int neap__sem_status(int id, neap_kernel_semaphore_stat *ret_stat);
int neap__sem_named_status(const char *name,
                           neap_kernel_semaphore_stat *ret_stat);

#endif
