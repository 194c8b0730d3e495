/* What may be asked of pages that are mapped, see file.h. */
#include <sys/mman.h>
#include <sys/resource.h>
#include <stdlib.h>

#include "neap/mapping.h"
#include "os/file.h"

/* Of kernels later than the C library's headers may be. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum { HUGE = 2 << 20 };


int neap__map_advise(void *base, size_t length, int advice)
{
    static const int known[] = {
        [NEAP_ADVICE_NORMAL] = MADV_NORMAL,
        [NEAP_ADVICE_SEQUENTIAL] = MADV_SEQUENTIAL,
        [NEAP_ADVICE_RANDOM] = MADV_RANDOM,
        [NEAP_ADVICE_WILLNEED] = MADV_WILLNEED,
        [NEAP_ADVICE_DONTNEED] = MADV_DONTNEED,
    };
    if (advice < 0 || (size_t)advice >= NEAP__COUNT(known))
        return -EINVAL;
    return madvise(base, length, known[advice]) < 0 ? -errno : 0;
}


int neap__map_prefault(void *base, size_t length, bool writable)
{
    if (madvise(base, length,
                writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) == 0)
        return 0;
    if (errno != EINVAL)
        return -errno;
    /* Before Linux 5.14: a look at each page brings it. */
    for (size_t at = 0; at < length; at += neap__page_size())
        (void)*((volatile char *)base + at);
    return 0;
}


int neap__map_lock(void *base, size_t length)
{
    return mlock(base, length) < 0 ? -errno : 0;
}


uint64_t neap__lock_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 ||
        limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    return limit.rlim_cur;
}


int neap__map_huge(void *base, size_t length, bool now)
{
    int status = madvise(base, length, MADV_HUGEPAGE) < 0 ? -errno : 0;
    if (!now)
        return status;
    /* Only whole huge pages can be; less than one is none. */
    uintptr_t first = neap__round_up((uintptr_t)base, HUGE);
    uintptr_t last = ((uintptr_t)base + length) / HUGE * HUGE;
    if (first >= last)
        return -EINVAL;
    return madvise((char *)base + (first - (uintptr_t)base), last - first,
                   MADV_COLLAPSE) < 0 ? -errno : 0;
}


int neap__map_resident(void *base, size_t length, uint64_t *ret_pages)
{
    enum { ROUND = 4096 };
    unsigned char in[ROUND];
    size_t page = neap__page_size(), pages = (length + page - 1) / page;
    uint64_t count = 0;

    for (size_t done = 0; done < pages; done += ROUND) {
        size_t some = pages - done < ROUND ? pages - done : ROUND;
        if (mincore((char *)base + done * page, some * page, in) < 0)
            return -errno;
        for (size_t i = 0; i < some; i++)
            count += in[i] & 1;
    }
    *ret_pages = count;
    return 0;
}
