/* System V semaphores, see sem.h. */
#include "os/sem.h"

#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>

/* For the caller to define, as semctl(2) says. */
union argument {
    int value;
    struct semid_ds *facts;
    unsigned short *values;
    struct seminfo *limits;
};


int neap__sem_create(int32_t key, uint32_t count, uint32_t mode)
{
    int id = semget(key, (int)count, (int)mode | IPC_CREAT | IPC_EXCL);
    return id < 0 ? -errno : id;
}


int neap__sem_find(int32_t key, uint32_t count)
{
    int id = semget(key, (int)count, 0);
    return id < 0 ? -errno : id;
}


int neap__sem_facts(int id, struct neap__sem_facts *ret)
{
    struct semid_ds ds;
    if (semctl(id, 0, IPC_STAT, (union argument){.facts = &ds}) < 0)
        return -errno;
    *ret = (struct neap__sem_facts){
        .count = (uint32_t)ds.sem_nsems,
        .mode = ds.sem_perm.mode & 0777u,
        .uid = ds.sem_perm.uid,
        .gid = ds.sem_perm.gid,
        .operated = ds.sem_otime,
        .changed = ds.sem_ctime,
    };
    return 0;
}


int neap__sem_limits(struct neap__sem_limits *ret)
{
    struct seminfo most, now;
    if (semctl(0, 0, IPC_INFO, (union argument){.limits = &most}) < 0 ||
        semctl(0, 0, SEM_INFO, (union argument){.limits = &now}) < 0)
        return -errno;
    *ret = (struct neap__sem_limits){
        .semmsl = (uint64_t)most.semmsl,
        .semmns = (uint64_t)most.semmns,
        .semopm = (uint64_t)most.semopm,
        .semmni = (uint64_t)most.semmni,
        .sets = (uint64_t)now.semusz,
        .semaphores = (uint64_t)now.semaem,
    };
    return 0;
}


int neap__sem_remove(int id)
{
    return semctl(id, 0, IPC_RMID) < 0 ? -errno : 0;
}


int neap__sem_apply(int id, const struct neap__sem_change *changes,
                    size_t count, int64_t deadline)
{
    struct sembuf all[NEAP__SEM_CHANGES];
    struct timespec left = {0, 0};
    if (count > NEAP__COUNT(all))
        return -E2BIG;
    for (size_t i = 0; i < count; i++) {
        int flags = (changes[i].undo ? SEM_UNDO : 0) |
                    (deadline == NEAP_NOW ? IPC_NOWAIT : 0);
        all[i] = (struct sembuf){changes[i].index, changes[i].by,
                                 (short)flags};
    }
    if (deadline != NEAP_FOREVER && deadline != NEAP_NOW) {
        int64_t ns = deadline - neap_now();
        if (ns < 0)
            ns = 0;
        left = (struct timespec){ns / 1000000000, ns % 1000000000};
    }
    return semtimedop(id, all, count,
                      deadline == NEAP_FOREVER ? NULL : &left) < 0 ? -errno : 0;
}


int neap__sem_ask(int id, uint32_t index, enum neap__sem_ask what)
{
    static const int commands[] = {
        [NEAP__SEM_VALUE] = GETVAL,
        [NEAP__SEM_PID] = GETPID,
        [NEAP__SEM_WAITING] = GETNCNT,
        [NEAP__SEM_ZERO] = GETZCNT,
    };
    int answer = semctl(id, (int)index, commands[what]);
    return answer < 0 ? -errno : answer;
}


int neap__sem_set(int id, uint32_t index, int32_t value)
{
    return semctl(id, (int)index, SETVAL, (union argument){.value = value}) < 0
               ? -errno : 0;
}


int neap__sem_set_all(int id, uint32_t count, uint16_t value)
{
    unsigned short *values = malloc(count * sizeof *values);
    if (!values)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        values[i] = value;
    int status = semctl(id, 0, SETALL, (union argument){.values = values}) < 0
                     ? -errno : 0;
    free(values);
    return status;
}
