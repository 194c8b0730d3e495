/* Pages of files, see pages.h. */
#include "os/pages.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* Of kernels later than the C library's headers may be. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif


int neap__pages_punch(int fd, uint64_t offset, uint64_t length)
{
    int status;
    do
        status = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                           (off_t)offset, (off_t)length);
    while (status < 0 && errno == EINTR);
    return status < 0 ? -errno : 0;
}


int neap__pages_reserve(int fd, bool read_only, uint64_t least,
                        uint64_t *length, void **ret_address)
{
    int protection = read_only ? PROT_READ : PROT_READ | PROT_WRITE;
    uint64_t wanted = *length;
    for (;;) {
        void *address = mmap(NULL, wanted, protection,
                             MAP_SHARED | MAP_NORESERVE, fd, 0);
        if (address != MAP_FAILED) {
            *length = wanted;
            *ret_address = address;
            return 0;
        }
        if (errno != ENOMEM || wanted / 2 < least)
            return -errno;
        wanted /= 2;
    }
}


void neap__pages_unmap(void *address, uint64_t length)
{
    munmap(address, length);
}


enum { AT_ONCE = 512 }; /* pages */

/* The bits are those of Documentation/admin-guide/mm/pagemap.rst: in memory,
 * and in one page table only. */
static uint64_t count_others(const uint64_t *words, const unsigned char *in,
                             size_t pages)
{
    uint64_t count = 0;
    for (size_t i = 0; i < pages; i++)
        count += in[i] & 1 && words[i] >> 63 && !(words[i] >> 56 & 1);
    return count;
}


/* Each run of those that are in memory; the others may be holes, which a touch
 * would fill. */
static int bring(char *base, size_t page, const unsigned char *in, size_t pages)
{
    for (size_t i = 0, run; i < pages; i += run + 1) {
        for (run = 0; i + run < pages && in[i + run] & 1;)
            run++;
        if (run && madvise(base + i * page, run * page,
                           MADV_POPULATE_READ) < 0 && errno == EINVAL)
            return -ENOSYS;
    }
    return 0;
}


static int look_at_some(int pagemap, char *base, size_t page, size_t pages,
                        uint64_t *count)
{
    uint64_t words[AT_ONCE];
    unsigned char in[AT_ONCE];
    if (mincore(base, pages * page, in) < 0)
        return -errno;
    int status = bring(base, page, in, pages);
    if (status < 0)
        return status;
    ssize_t size = (ssize_t)(pages * sizeof *words);
    ssize_t got = pread(pagemap, words, (size_t)size,
                        (off_t)((uintptr_t)base / page * sizeof *words));
    if (got != size)
        return got < 0 ? -errno : -EIO;
    *count += count_others(words, in, pages);
    return 0;
}


int neap__pages_of_others(void *base, uint64_t length, uint64_t *ret_pages)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = length / page;
    uint64_t count = 0;
    int status = 0, pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (pagemap < 0)
        return -errno;
    for (size_t done = 0; status == 0 && done < pages; done += AT_ONCE)
        status = look_at_some(pagemap, (char *)base + done * page, page,
                              pages - done < AT_ONCE ? pages - done : AT_ONCE,
                              &count);
    close(pagemap);
    if (status == 0)
        *ret_pages = count;
    return status;
}


int neap__pages_sync(void *address, uint64_t length)
{
    return msync(address, length, MS_SYNC) < 0 ? -errno : 0;
}


/* The file holds 36 characters, 32 of them hexadecimal. */
static void read_boot_id(uint64_t ret_id[2])
{
    ret_id[0] = ret_id[1] = 0;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    char text[40] = "";
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    int digits = 0;
    for (ssize_t i = 0; i < n && digits < 32; i++) {
        unsigned digit;
        if (text[i] == '-' || sscanf((char[]){text[i], '\0'}, "%x", &digit) != 1)
            continue;
        ret_id[digits / 16] = ret_id[digits / 16] << 4 | digit;
        digits++;
    }
}


/* It does not change while we run. Two threads may both read it: they read the
 * same. */
void neap__boot_id(uint64_t ret_id[2])
{
    static _Atomic uint64_t known[2];
    static _Atomic bool is_known;
    if (!atomic_load(&is_known)) {
        uint64_t id[2];
        read_boot_id(id);
        atomic_store(&known[0], id[0]);
        atomic_store(&known[1], id[1]);
        atomic_store(&is_known, true);
    }
    ret_id[0] = atomic_load(&known[0]);
    ret_id[1] = atomic_load(&known[1]);
}
