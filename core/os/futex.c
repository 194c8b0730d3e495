/*
 * Sleeping on a word that processes share.
 *
 * All futexes here are shared ones (no PRIVATE flag): the kernel finds them by
 * page and offset, so sleepers may have the word mapped at any address.
 *
 * Every sleep carries an absolute timeout, the endless one too. A wait without
 * one is restarted by the kernel after a handler installed with SA_RESTART,
 * and Ctrl-C would then never reach the script; with one it ends in EINTR.
 * futex_waitv alone restarts in either case, until its deadline: callers of
 * neap__futex_wait_either come back now and then anyway, to look for the dead.
 */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/os.h"

/* Headers older than 5.16 know nothing of futex_waitv. */
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

#define POLL_TIME INT64_C(2000000)

#define SHARED_32_BITS 0x02 /* FUTEX2_SIZE_U32, without FUTEX2_PRIVATE */

struct waited_word { /* the kernel's struct futex_waitv */
    uint64_t value;
    uint64_t address;
    uint32_t flags;
    uint32_t reserved;
};

_Static_assert(sizeof(struct waited_word) == 24, "the kernel's layout");


/*
 * Forever is a moment that no machine will see. It stays clear of INT64_MAX,
 * where the kernel's timers have a meaning of their own.
 */
static struct timespec moment(int64_t deadline)
{
    if (deadline > INT64_MAX / 2)
        deadline = INT64_MAX / 2;
    if (deadline < 0)
        deadline = 0;
    struct timespec when = {
        .tv_sec = (time_t)(deadline / 1000000000),
        .tv_nsec = (long)(deadline % 1000000000),
    };
    return when;
}


/* EAGAIN: the word has changed, there is nothing to wait for. */
static int result_of(long returned)
{
    if (returned >= 0 || errno == EAGAIN)
        return 0;
    return -errno;
}


int neap__futex_wait(_Atomic uint32_t *word, uint32_t expected,
                     int64_t deadline)
{
    struct timespec when = moment(deadline);
    return result_of(syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected,
                             &when, NULL, FUTEX_BITSET_MATCH_ANY));
}


static _Atomic bool lacking;


/* @return as neap__futex_wait; -ENOSYS where there is no such call. */
static int wait_in_kernel(const struct neap__futex *futexes, int count,
                          int64_t deadline)
{
    if (atomic_load_explicit(&lacking, memory_order_relaxed))
        return -ENOSYS;
    struct waited_word waited[NEAP__FUTEXES_MAX];
    for (int i = 0; i < count; i++)
        waited[i] = (struct waited_word){
            .value = futexes[i].expected,
            .address = (uintptr_t)futexes[i].word,
            .flags = SHARED_32_BITS,
        };
    struct timespec when = moment(deadline);
    long n = syscall(SYS_futex_waitv, waited, count, 0, &when,
                     CLOCK_MONOTONIC);

    /* A sandbox that does not know the call says EPERM instead of ENOSYS. */
    if (n < 0 && (errno == ENOSYS || errno == EPERM)) {
        atomic_store_explicit(&lacking, true, memory_order_relaxed);
        return -ENOSYS;
    }
    return result_of(n);
}


int neap__futex_wait_either(_Atomic uint32_t *word, uint32_t expected,
                            _Atomic uint32_t *other, uint32_t other_expected,
                            int64_t deadline)
{
    const struct neap__futex both[2] = {
        {word, expected},
        {other, other_expected},
    };
    int status = wait_in_kernel(both, 2, deadline);
    return status == -ENOSYS ? neap__futex_wait(word, expected, deadline)
                             : status;
}


static bool has_changed(const struct neap__futex *futexes, int count)
{
    for (int i = 0; i < count; i++)
        if (atomic_load(futexes[i].word) != futexes[i].expected)
            return true;
    return false;
}


/* Asleep on one, then on the next. A wake for another one wakes nobody, but
 * whoever wakes changes the word first. */
int neap__futex_poll(const struct neap__futex *futexes, int count,
                     int64_t deadline)
{
    for (int i = 0; !has_changed(futexes, count); i = (i + 1) % count) {
        int64_t now = neap_now();
        int64_t until = deadline - now > POLL_TIME ? now + POLL_TIME : deadline;
        int status = neap__futex_wait(futexes[i].word, futexes[i].expected,
                                      until);
        if (status != -ETIMEDOUT || until == deadline)
            return status;
    }
    return 0;
}


int neap__futex_wait_any(const struct neap__futex *futexes, int count,
                         int64_t deadline)
{
    int status = count > NEAP__FUTEXES_MAX
                     ? -ENOSYS : wait_in_kernel(futexes, count, deadline);
    return status == -ENOSYS ? neap__futex_poll(futexes, count, deadline)
                             : status;
}


int neap__futex_wake(_Atomic uint32_t *word, int count)
{
    int before = errno;
    long woken = syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
    errno = before;
    return woken > 0 ? (int)woken : 0;
}
