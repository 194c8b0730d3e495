/* System V shared memory. */
#include <sys/ipc.h>
#include <sys/shm.h>

#include "os/file.h"


int neap__shm_create(int32_t key, uint64_t size, uint32_t mode)
{
    int id = shmget(key, size, (int)mode | IPC_CREAT | IPC_EXCL);
    return id < 0 ? -errno : id;
}


int neap__shm_find(int32_t key, bool read_only)
{
    int id = shmget(key, 0, read_only ? 0400 : 0600);
    return id < 0 ? -errno : id;
}


int neap__shm_find_any(int32_t key)
{
    int id = shmget(key, 0, 0);
    return id < 0 ? -errno : id;
}


int neap__shm_attach(int id, bool read_only, void *where, void **ret_base)
{
    void *base = shmat(id, where, (read_only ? SHM_RDONLY : 0) |
                                      (where ? SHM_REMAP : 0));
    if (base == (void *)-1)
        return -errno;
    *ret_base = base;
    return 0;
}


void neap__shm_detach(void *base)
{
    shmdt(base);
}


int neap__shm_status(int id, struct neap__sysv_stat *ret_stat)
{
    struct shmid_ds ds;
    if (shmctl(id, IPC_STAT, &ds) < 0)
        return -errno;
    *ret_stat = (struct neap__sysv_stat){
        .size = ds.shm_segsz,
        .attached = ds.shm_nattch,
        .key = ds.shm_perm.__key,
        .removed = ds.shm_perm.mode & SHM_DEST,
        .mode = ds.shm_perm.mode & 0777u,
        .uid = ds.shm_perm.uid,
        .gid = ds.shm_perm.gid,
        .creator_pid = ds.shm_cpid,
        .last_pid = ds.shm_lpid,
        .attach_time = ds.shm_atime,
        .detach_time = ds.shm_dtime,
        .change_time = ds.shm_ctime,
    };
    return 0;
}


int neap__shm_chmod(int id, uint32_t mode)
{
    struct shmid_ds ds;
    if (shmctl(id, IPC_STAT, &ds) < 0)
        return -errno;
    ds.shm_perm.mode = (unsigned short)mode;
    return shmctl(id, IPC_SET, &ds) < 0 ? -errno : 0;
}


int neap__shm_chown(int id, uint32_t uid, uint32_t gid)
{
    struct shmid_ds ds;
    if (shmctl(id, IPC_STAT, &ds) < 0)
        return -errno;
    if (uid != UINT32_MAX)
        ds.shm_perm.uid = uid;
    if (gid != UINT32_MAX)
        ds.shm_perm.gid = gid;
    return shmctl(id, IPC_SET, &ds) < 0 ? -errno : 0;
}


int neap__shm_limits(struct neap__shm_limits *ret_limits)
{
    struct shminfo limits;
    struct shm_info now;
    /* The cast is the interface's: these two commands fill other structs. */
    if (shmctl(0, IPC_INFO, (struct shmid_ds *)(void *)&limits) < 0 ||
        shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&now) < 0)
        return -errno;
    *ret_limits = (struct neap__shm_limits){
        .shmmax = limits.shmmax,
        .shmall = limits.shmall,
        .shmmni = limits.shmmni,
        .pages = now.shm_tot,
        .segments = (uint64_t)now.used_ids,
    };
    return 0;
}


int neap__shm_key(const char *path, int number, int32_t *ret_key)
{
    key_t key = ftok(path, number);
    if (key == -1)
        return -errno;
    *ret_key = key;
    return 0;
}


int neap__shm_remove(int id)
{
    return shmctl(id, IPC_RMID, NULL) < 0 ? -errno : 0;
}
