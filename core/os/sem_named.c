/* The C library's named semaphores, see sem.h. */
#include <fcntl.h>
#include <semaphore.h>
#include <time.h>

#include "os/sem.h"


int neap__sem_named_create(const char *name, uint32_t mode, uint32_t initial,
                           void **ret_semaphore)
{
    sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, (mode_t)mode, initial);
    if (semaphore == SEM_FAILED)
        return -errno;
    *ret_semaphore = semaphore;
    return 0;
}


int neap__sem_named_open(const char *name, void **ret_semaphore)
{
    sem_t *semaphore = sem_open(name, 0);
    if (semaphore == SEM_FAILED)
        return -errno;
    *ret_semaphore = semaphore;
    return 0;
}


void neap__sem_named_close(void *semaphore)
{
    sem_close(semaphore);
}


int neap__sem_named_unlink(const char *name)
{
    return sem_unlink(name) < 0 ? -errno : 0;
}


int neap__sem_named_take(void *semaphore, int64_t deadline)
{
    if (deadline == NEAP_NOW)
        return sem_trywait(semaphore) < 0 ? -errno : 0;
    if (deadline == NEAP_FOREVER)
        return sem_wait(semaphore) < 0 ? -errno : 0;
    struct timespec until = {deadline / 1000000000, deadline % 1000000000};
    return sem_clockwait(semaphore, CLOCK_MONOTONIC, &until) < 0 ? -errno : 0;
}


int neap__sem_named_give(void *semaphore)
{
    return sem_post(semaphore) < 0 ? -errno : 0;
}


int neap__sem_named_value(void *semaphore)
{
    int value;
    return sem_getvalue(semaphore, &value) < 0 ? -errno : value;
}


uint64_t neap__sem_named_size(void)
{
    return sizeof(sem_t);
}
