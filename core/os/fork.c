/*
 * Noticing that we are a child.
 *
 * The number stands in a page that the kernel empties in every child
 * (MADV_WIPEONFORK), by whatever call the child was made; pthread_atfork would
 * miss a raw clone(). A child that shares its parent's memory (vfork) is not
 * told apart, and need not be.
 *
 * I1 `last` is at least every number ever published in this process or in the
 *    ones it descends from: it is raised before the page is written, and it
 *    lies in ordinary memory, which a child inherits.
 * I2 hence a number taken from `last` differs from whatever a child may have
 *    inherited in a cache. Siblings may have the same number; they inherit
 *    nothing from each other.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/os.h"

uint32_t *neap__fork_page;

static _Atomic uint32_t last;

/*
 * For kernels and emulators that cannot empty a page: the word that everybody
 * reads stays 0, so that each question comes here and is settled by the
 * process number. Slow, and right but for a clone() into a PID namespace of
 * its own.
 */
static uint32_t always_zero;
static _Atomic uint64_t number_of_pid; /* number << 32 | pid */


/* The next number, never 0. */
static uint32_t take_number(void)
{
    uint32_t number;
    do
        number = atomic_fetch_add(&last, 1) + 1;
    while (number == 0);
    return number;
}


static uint32_t *map_page(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return &always_zero;
    if (madvise(page, size, MADV_WIPEONFORK) == 0)
        return page;
    munmap(page, size);
    return &always_zero;
}


/* No lock: a raw clone() in another thread would leave it held in the child. */
static uint32_t *find_page(void)
{
    uint32_t *page = __atomic_load_n(&neap__fork_page, __ATOMIC_ACQUIRE);
    if (page)
        return page;
    uint32_t *fresh = map_page();
    if (__atomic_compare_exchange_n(&neap__fork_page, &page, fresh, false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return fresh;
    if (fresh != &always_zero)
        munmap(fresh, (size_t)sysconf(_SC_PAGESIZE));
    return page;
}


static uint32_t number_by_pid(void)
{
    uint32_t pid = (uint32_t)getpid();
    uint64_t known = atomic_load(&number_of_pid);
    while ((uint32_t)known != pid) {
        uint64_t fresh = (uint64_t)take_number() << 32 | pid;
        if (atomic_compare_exchange_strong(&number_of_pid, &known, fresh))
            known = fresh;
    }
    return (uint32_t)(known >> 32);
}


uint32_t neap__fork_generation_slow(void)
{
    uint32_t *page = find_page();
    if (page == &always_zero)
        return number_by_pid();

    uint32_t seen = __atomic_load_n(page, __ATOMIC_RELAXED);
    if (seen)
        return seen;
    uint32_t fresh = take_number();
    if (__atomic_compare_exchange_n(page, &seen, fresh, false,
                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return fresh;
    return seen;
}


static void take_number_early(void)
{
    neap__fork_generation_slow();
}


/*
 * The header reads the page, and the pointer to it, as plain memory. So both
 * are written before there are threads: at the start, and in a child of fork()
 * before it returns there. A raw clone() is left to its first question.
 */
__attribute__((constructor)) static void prepare(void)
{
    take_number_early();
    pthread_atfork(NULL, NULL, take_number_early);
}
