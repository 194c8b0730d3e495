/* Mappings of the address space. */
#include <sys/mman.h>
#include <unistd.h>

#include "neap/mapping.h"
#include "os/file.h"


size_t neap__page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}


static int kernel_protection(int protection)
{
    return (protection & NEAP_PROT_READ ? PROT_READ : 0) |
           (protection & NEAP_PROT_WRITE ? PROT_READ | PROT_WRITE : 0) |
           (protection & NEAP_PROT_EXEC ? PROT_EXEC : 0);
}


static int mapped(void *base, void **ret_base)
{
    if (base == MAP_FAILED)
        return -errno;
    *ret_base = base;
    return 0;
}


int neap__map_file(int fd, uint64_t offset, size_t length, int protection,
                   void **ret_base)
{
    return mapped(mmap(NULL, length, kernel_protection(protection), MAP_SHARED,
                       fd, (off_t)offset), ret_base);
}


int neap__map_file_at(int fd, uint64_t offset, size_t length, int protection,
                      bool copied, void *where, void **ret_base)
{
    int flags = (copied ? MAP_PRIVATE : MAP_SHARED) |
                (where ? MAP_FIXED_NOREPLACE : 0);
    void *base = mmap(where, length, kernel_protection(protection), flags, fd,
                      (off_t)offset);
    /* Before Linux 4.17 the address was a hint. */
    if (where && base != MAP_FAILED && base != where) {
        munmap(base, length);
        return -EEXIST;
    }
    return mapped(base, ret_base);
}


int neap__map_keep(void *where, size_t length)
{
    void *base = mmap(where, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
                      MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (base != MAP_FAILED && base != where) {
        munmap(base, length);
        return -EEXIST;
    }
    return base == MAP_FAILED ? -errno : 0;
}


int neap__map_zone(void *where, size_t length, void **ret_base)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (!where)
        return mapped(mmap(NULL, length, PROT_NONE, flags, -1, 0), ret_base);
    int status = neap__map_keep(where, length);
    if (status == 0)
        *ret_base = where;
    return status;
}


int neap__map_replace(int fd, uint64_t offset, size_t length, int protection,
                      void *where)
{
    void *base = mmap(where, length, kernel_protection(protection),
                      MAP_SHARED | MAP_FIXED, fd, (off_t)offset);
    return base == MAP_FAILED ? -errno : 0;
}


void neap__map_blank(void *where, size_t length)
{
    mmap(where, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
         MAP_NORESERVE | MAP_FIXED, -1, 0);
}


int neap__map_anonymous(size_t length, void **ret_base)
{
    return mapped(mmap(NULL, length, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0), ret_base);
}


int neap__map_private(size_t length, void *where, void **ret_base)
{
    void *base = mmap(where, length, PROT_READ | PROT_WRITE, MAP_PRIVATE |
                      MAP_ANONYMOUS | (where ? MAP_FIXED_NOREPLACE : 0), -1, 0);
    if (where && base != MAP_FAILED && base != where) {
        munmap(base, length);
        return -EEXIST;
    }
    return mapped(base, ret_base);
}


int neap__map_again(void *base, size_t length, void *where, void **ret_base)
{
    /* An old length of zero asks for a copy of a shared mapping (mremap(2)). */
    return mapped(where ? mremap(base, 0, length,
                                 MREMAP_MAYMOVE | MREMAP_FIXED, where)
                        : mremap(base, 0, length, MREMAP_MAYMOVE), ret_base);
}


int neap__map_resize(void *base, size_t length, size_t to, bool move,
                     void **ret_base)
{
    void *resized = mremap(base, length, to, 0);
    if (resized == MAP_FAILED && errno == ENOMEM && move)
        resized = mremap(base, length, to, MREMAP_MAYMOVE);
    return mapped(resized, ret_base);
}


int neap__map_protect(void *base, size_t length, int protection)
{
    return mprotect(base, length, kernel_protection(protection)) < 0 ? -errno
                                                                     : 0;
}


int neap__map_sync(void *base, size_t length, bool later)
{
    return msync(base, length, later ? MS_ASYNC : MS_SYNC) < 0 ? -errno : 0;
}


void neap__map_remove(void *base, size_t length)
{
    munmap(base, length);
}
