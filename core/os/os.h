/*
 * The only door to the operating system, for what more than one noun needs.
 * One file a feature; where the system lacks it, that file answers -ENOSYS.
 *
 * Preconditions are stated here once. Functions return 0 or more, or -errno,
 * and write no error text: the caller knows what it was trying to do.
 */
#ifndef NEAP_OS_H
#define NEAP_OS_H

#include <sys/types.h>

#include "base/base.h"

/* -- futex.c: sleeping on a 32-bit word that processes share --------------- */

/*
 * Sleep while *word == expected, at most until the monotonic deadline.
 * @return 0 woken (or nothing to wait for); -ETIMEDOUT; -EINTR.
 */
int neap__futex_wait(_Atomic uint32_t *word, uint32_t expected,
                     int64_t deadline);

/*
 * The same on two words at once: wakes when either is woken or differs.
 * Where the kernel lacks futex_waitv (before 5.16) only `word` is watched.
 */
int neap__futex_wait_either(_Atomic uint32_t *word, uint32_t expected,
                            _Atomic uint32_t *other, uint32_t other_expected,
                            int64_t deadline);

struct neap__futex {
    _Atomic uint32_t *word;
    uint32_t expected;
};

#define NEAP__FUTEXES_MAX 128 /* the kernel's FUTEX_WAITV_MAX */

/*
 * The same on any number of words. Where they are more than NEAP__FUTEXES_MAX,
 * or the kernel lacks futex_waitv, they are looked at every few milliseconds.
 */
int neap__futex_wait_any(const struct neap__futex *futexes, int count,
                         int64_t deadline);

/* The road without futex_waitv, for the test of it. */
int neap__futex_poll(const struct neap__futex *futexes, int count,
                     int64_t deadline);

/* Wake up to `count` sleepers. @return how many woke. Never fails. */
int neap__futex_wake(_Atomic uint32_t *word, int count);

/* -- fence.c: fences that one side pays for -------------------------------- */

/*
 * Two threads, each of which stores and then looks at what the other stores,
 * need a fence between the two so that one of them sees the other. Here the one
 * that seldom comes pays for both:
 *
 *     often                                seldom
 *     store a                              store b
 *     neap__fence_light(light)             neap__fence_heavy()
 *     load b                               load a
 *
 * membarrier(2), MEMBARRIER_CMD_GLOBAL_EXPEDITED: the heavy one makes every
 * thread that runs in a process which has registered pass a full fence.
 */

/* Register this process, now and in each child. @return whether its light
 * fences may be nothing. */
bool neap__fence_register(void);

/* @return false where the kernel does not do it: light fences of others that
 * are nothing may then be passed only at some later time. */
bool neap__fence_heavy(void);

/* False once a heavy fence has failed in this process. */
bool neap__fence_works(void);

/* A full fence of the processor. */
void neap__fence_full(void) __attribute__((cold));

NEAP__INLINE void neap__fence_light(bool registered)
{
    if (NEAP__UNLIKELY(!registered))
        neap__fence_full();
    atomic_signal_fence(memory_order_seq_cst);
}

/* -- bell.c: a descriptor that is readable from a ring until it is silenced
 * -- */

/* @return it, not inherited over exec; -EMFILE; -ENFILE; -ENOMEM. */
int neap__bell_open(void);
/* In a child: another one under the same number. @return 0; as open. */
int neap__bell_renew(int fd);
void neap__bell_ring(int fd);
void neap__bell_silence(int fd);
void neap__bell_close(int fd);

/* -- thread.c ------------------------------------------------------------- */

/* This process's PID namespace, as a number; 0 where it cannot be told. */
uint64_t neap__pid_namespace(void);

/* The kernel's number of this thread, in that namespace. */
uint32_t neap__thread_number(void);

/* Let others run that wait for this processor. */
void neap__yield(void);

/* True if that process has no such thread, or there is no such process. Numbers
 * are those of this process's PID namespace. */
bool neap__thread_vanished(uint32_t pid, uint32_t tid);

/* -- fork.c: noticing that we are a child ---------------------------------- */

/*
 * A number that differs in every process of a line of forks, raw clone()
 * included; read it and compare to learn whether what is cached is another
 * process's.
 */
uint32_t neap__fork_generation_slow(void);
extern uint32_t *neap__fork_page;

NEAP__INLINE uint32_t neap__fork_generation(void)
{
    uint32_t generation =
        neap__fork_page ? __atomic_load_n(neap__fork_page, __ATOMIC_RELAXED)
                        : 0;
    return NEAP__LIKELY(generation) ? generation : neap__fork_generation_slow();
}

#endif
