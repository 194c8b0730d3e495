/*
 * Segments in huge pages: what is refused and why.
 *
 * A pool is root's to fill. So its state is told with every refusal: how many
 * pages were needed, how many are there, and how to have more.
 */
#include <stdio.h>
#include <string.h>

#include "memory/ops.h"
#include "neap/system.h"
#include "os/huge.h"

enum { POOLS_MOST = 16 };


int neap_huge_pool_at(uint32_t n, neap_huge_pool *ret_pool)
{
    uint64_t pages[POOLS_MOST];
    int count = neap__huge_pools(pages, POOLS_MOST);
    if (n >= (uint32_t)count)
        return 0;
    *ret_pool = (neap_huge_pool){.page = pages[n]};
    neap__huge_count(pages[n], &ret_pool->total, &ret_pool->free);
    return NEAP_MORE;
}


/* "2 MiB, 1 GiB" */
static const char *pools_text(char *buffer, size_t size)
{
    uint64_t pages[POOLS_MOST];
    int count = neap__huge_pools(pages, POOLS_MOST);
    size_t used = 0;
    char text[32];
    snprintf(buffer, size, "none");
    for (int i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(buffer + used, size - used, "%s%s",
                                 i ? ", " : "",
                                 neap__bytes_text(pages[i], text));
    return buffer;
}


static bool is_page(uint64_t bytes)
{
    return bytes > neap__page_size() && (bytes & (bytes - 1)) == 0;
}


int neap__huge_check(const char *name, const neap_segment_options *options)
{
    const uint32_t huge = NEAP_SEGMENT_HUGE | NEAP_SEGMENT_HUGE_TRY;
    if (options->size != sizeof *options || options->flags & ~huge)
        return neap__fail(-EINVAL, "cannot create %s with such options: size is "
                          "sizeof(neap_segment_options), flags are of enum "
                          "neap_segment_flags", name);
    if (options->flags == huge)
        return neap__fail(-EINVAL, "cannot create %s in huge pages both if "
                          "possible and in any case: choose one", name);
    if (options->huge_page && !options->flags)
        return neap__fail(-EINVAL, "cannot create %s: a size of huge pages is "
                          "given, and not whether they are to be tried or "
                          "required", name);
    if (options->huge_page && !is_page(options->huge_page))
        return neap__fail(-EINVAL, "cannot create %s in huge pages of %llu "
                          "bytes: a page is a power of two and more than %zu",
                          name, (unsigned long long)options->huge_page,
                          neap__page_size());
    return 0;
}


int neap__huge_page(const char *name, uint64_t asked, uint64_t *ret_page)
{
    uint64_t pages[POOLS_MOST], page = asked ? asked : neap__huge_default();
    int count = neap__huge_pools(pages, POOLS_MOST);
    char text[32], pools[256];

    for (int i = 0; i < count; i++)
        if (pages[i] == page) {
            *ret_page = page;
            return 0;
        }
    if (!asked)
        return neap__fail(-ENOTSUP, "cannot create %s in huge pages: this "
                          "kernel has none", name);
    return neap__fail(-EINVAL, "cannot create %s in huge pages of %s: this "
                      "machine has them of %s", name,
                      neap__bytes_text(asked, text),
                      pools_text(pools, sizeof pools));
}


int neap__huge_refused(int status, const char *name, uint64_t bytes,
                       uint64_t page)
{
    uint64_t total, free, needed = (bytes + page - 1) / page;
    char asked[32], each[32];

    neap__bytes_text(bytes, asked);
    neap__bytes_text(page, each);
    if (status == -EPERM)
        return neap__fail(status, "cannot have %s of %s in huge pages: System "
                          "V segments in them are for root and the group "
                          "vm.hugetlb_shm_group; root lets yours with sysctl "
                          "-w vm.hugetlb_shm_group=GID; a memfd needs no right",
                          asked, name);
    if (status != -ENOMEM && status != -ENOSPC)
        return neap__fail_why(status, "cannot have %s of %s in huge pages of "
                              "%s", asked, name, each);
    neap__huge_count(page, &total, &free);
    return neap__fail(-ENOMEM, "cannot have %s of %s in huge pages of %s: %llu "
                      "are needed, %llu of %llu are free; root makes it more: "
                      "echo %llu > /sys/kernel/mm/hugepages/hugepages-%llukB/"
                      "nr_hugepages (vm.nr_hugepages)", asked, name, each,
                      (unsigned long long)needed, (unsigned long long)free,
                      (unsigned long long)total,
                      (unsigned long long)(total - free + needed),
                      (unsigned long long)page >> 10);
}


int neap__huge_create(struct neap_segment *segment, uint64_t size,
                      uint32_t mode, const neap_segment_options *options)
{
    const char *name = segment->address->text;
    uint64_t page;
    if (!segment->ops->huge)
        return neap__fail(-ENOTSUP, "cannot create %s in huge pages: %s; "
                          "memfd, sysv and anonymous segments can be in them",
                          name, segment->ops->kind == NEAP_KIND_POSIX
                              ? "the pages of /dev/shm are small"
                              : "its file system decides over a file's pages");
    int status = neap__huge_page(name, options->huge_page, &page);
    if (status < 0)
        return status;
    if (size > INT64_MAX - page)
        return neap__fail(-EINVAL, "cannot create %s of %llu bytes: that is "
                          "more than a segment can have", name,
                          (unsigned long long)size);
    segment->page = page;
    status = segment->ops->create(segment, neap__round_up(size, page), mode);
    if (status < 0)
        segment->page = 0;
    return status;
}


uint64_t neap__segment_page(struct neap_segment *segment)
{
    if (!segment->page && segment->fd >= 0)
        segment->page = neap__file_page(segment->fd);
    return segment->page ? segment->page : neap__page_size();
}
