/* Trying the kernel's features, see neap/system.h. */
#include "neap/system.h"

#include <fcntl.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "memory/memory.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif


static bool closed(int fd)
{
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}


/* Without anything to wait for it says EINVAL; where it is missing, ENOSYS. */
static bool has_futex_waitv(void)
{
    return syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0) == 0 ||
           errno == EINVAL;
}


static bool has_membarrier(void)
{
    long known = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    return known > 0 && known & MEMBARRIER_CMD_GLOBAL_EXPEDITED;
}


static bool has_memfd_seals(void)
{
    int fd = (int)syscall(SYS_memfd_create, "neap", 3u /* CLOEXEC, SEALING */);
    bool sealed = fd >= 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0;
    closed(fd);
    return sealed;
}


static bool has_tmpfile(void)
{
    return closed(open(neap__shm_directory, O_RDWR | O_TMPFILE | O_CLOEXEC,
                       0600));
}


static bool has_pidfd(void)
{
    return closed((int)syscall(SYS_pidfd_open, getpid(), 0));
}


static bool has_wipe_on_fork(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool has = page != MAP_FAILED && madvise(page, size, MADV_WIPEONFORK) == 0;
    if (page != MAP_FAILED)
        munmap(page, size);
    return has;
}


static bool has_proc(void)
{
    return access("/proc/self/maps", R_OK) == 0;
}


static bool has_frames(void)
{
    return closed(open("/proc/kpagecount", O_RDONLY | O_CLOEXEC));
}


static const struct probed {
    neap_feature feature;
    bool (*try)(void);
} all[] = {
    {{"proc", "/proc: who is there, what is mapped, a heap's file reopened",
      "no checkpoints of heaps in use, no neap maps"}, has_proc},
    {{"tmpfile", "O_TMPFILE in /dev/shm: nothing half-made has a name (3.11)",
      "births have a name for a moment; neap gc sweeps what is left"},
     has_tmpfile},
    {{"memfd_seals", "memfd_create and seals: heaps without a name (3.17)",
      "no heaps and segments without a name"}, has_memfd_seals},
    {{"wipe_on_fork", "MADV_WIPEONFORK: a child knows that it is one (4.14)",
      "each call asks for the process number"}, has_wipe_on_fork},
    {{"membarrier", "membarrier GLOBAL_EXPEDITED: unlocking without a locked "
      "instruction (4.16)", "locks cost some nanoseconds more"},
     has_membarrier},
    {{"pidfd", "pidfd_open: waiting for workers without races (5.3)",
      "workers are waited for by number"}, has_pidfd},
    {{"futex_waitv", "futex_waitv: sleepers see the death of an owner at once "
      "(5.16)", "a death is noticed within a tenth of a second"},
     has_futex_waitv},
    {{"frames", "/proc/kpagecount: physical frames and who points to them",
      "neap.translate leaves frames out; only root is told"}, has_frames},
};


const neap_feature *neap_feature_at(uint32_t n)
{
    return n < NEAP__COUNT(all) ? &all[n].feature : NULL;
}


int neap_feature_present(const char *name)
{
    for (size_t i = 0; i < NEAP__COUNT(all); i++)
        if (name && strcmp(all[i].feature.name, name) == 0)
            return all[i].try();
    return neap__fail(-EINVAL, "there is no feature '%s'; neap doctor lists "
                      "those that there are", name ? name : "");
}
