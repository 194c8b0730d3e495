/* Huge pages of the kernel's pool (hugetlbfs), see huge.h. */
#include "os/huge.h"

#include <dirent.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "os/file.h"

#define POOLS "/sys/kernel/mm/hugepages"
#define POOL POOLS "/hugepages-%llukB/%s"

/* How all three calls are told of a size: its logarithm, from this bit on. */
enum { SIZE_SHIFT = 26 };


static int size_bits(uint64_t page)
{
    return __builtin_ctzll(page) << SIZE_SHIFT;
}


static uint64_t read_count(uint64_t page, const char *what)
{
    char path[128];
    unsigned long long count = 0;
    snprintf(path, sizeof path, POOL, (unsigned long long)page >> 10, what);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%llu", &count) != 1)
        count = 0;
    if (file)
        fclose(file);
    return count;
}


uint64_t neap__huge_default(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    char line[256];
    unsigned long long kib = 0;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Hugepagesize: %llu", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib << 10;
}


int neap__huge_pools(uint64_t *ret_pages, int most)
{
    DIR *pools = opendir(POOLS);
    unsigned long long kib;
    int count = 0;
    for (struct dirent *entry; pools && count < most &&
                               (entry = readdir(pools));)
        if (sscanf(entry->d_name, "hugepages-%llukB", &kib) == 1)
            ret_pages[count++] = kib << 10;
    if (pools)
        closedir(pools);
    for (int i = 1; i < count; i++)
        for (int j = i; j > 0 && ret_pages[j] < ret_pages[j - 1]; j--) {
            uint64_t swapped = ret_pages[j];
            ret_pages[j] = ret_pages[j - 1];
            ret_pages[j - 1] = swapped;
        }
    return count;
}


void neap__huge_count(uint64_t page, uint64_t *ret_total, uint64_t *ret_free)
{
    uint64_t free = read_count(page, "free_hugepages");
    uint64_t promised = read_count(page, "resv_hugepages");
    *ret_total = read_count(page, "nr_hugepages");
    *ret_free = free > promised ? free - promised : 0;
}


int neap__huge_memfd(const char *label, uint64_t page)
{
    int fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB |
                                     (unsigned)size_bits(page));
    if (fd < 0)
        return -errno;
    if (fchmod(fd, 0600) < 0) {
        int status = -errno;
        close(fd);
        return status;
    }
    return fd;
}


int neap__huge_shm(int32_t key, uint64_t size, uint32_t mode, uint64_t page)
{
    int id = shmget(key, size, (int)mode | IPC_CREAT | IPC_EXCL | SHM_HUGETLB |
                                   size_bits(page));
    return id < 0 ? -errno : id;
}


uint64_t neap__file_page(int fd)
{
    struct statfs fs;
    if (fstatfs(fd, &fs) == 0 && fs.f_type == HUGETLBFS_MAGIC)
        return (uint64_t)fs.f_bsize;
    return neap__page_size();
}


/* "KernelPageSize:     2048 kB" of the mapping that begins there. */
static uint64_t look_at_page(const void *base)
{
    FILE *file = fopen("/proc/self/smaps", "re");
    char line[4096];
    unsigned long from, to;
    unsigned long long kib = 0;
    bool ours = false;
    while (file && !kib && fgets(line, sizeof line, file)) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            ours = from == (uintptr_t)base;
        else if (ours && sscanf(line, "KernelPageSize: %llu", &kib) == 1)
            break;
    }
    if (file)
        fclose(file);
    return kib ? kib << 10 : neap__page_size();
}


uint64_t neap__map_page(void *base, uint64_t length)
{
    uint64_t page = neap__page_size();
    /* A small page within a huge one is refused, at once. What lies in a locked
     * mapping is too: so we look then, which takes longer. */
    if (length <= page || madvise((char *)base + page, page, MADV_DONTNEED) == 0)
        return page;
    return look_at_page(base);
}
