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

/* Wake up to `count` sleepers. Never fails. */
void neap__futex_wake(_Atomic uint32_t *word, int count);

/* -- life.c: proof of life -------------------------------------------------- */

/*
 * A word in shared memory that the kernel marks when the thread that claimed
 * it dies: by SIGKILL, by exec, by any end at all. Zeroed memory is a free one
 * once prepared. Claims of one thread: at most 2048 at once.
 */
struct neap_sh_life;

/* Make zeroed memory fit to be claimed. Others may do so at the same time, or
 * have claimed it already: only a constant is stored. */
void neap__life_prepare(struct neap_sh_life *life);

/* True if its constant part is zero or what prepare stores. Reads only. */
bool neap__life_sound(const struct neap_sh_life *life);

/*
 * Claim it for the calling thread. @return 0 it was free; -EOWNERDEAD its
 * owner died, and it is the caller's now; -EBUSY a living thread has it.
 */
int neap__life_claim(struct neap_sh_life *life);

/* Give it up. The caller must be its owner. */
void neap__life_release(struct neap_sh_life *life);

enum neap__life_state { NEAP__LIFE_FREE, NEAP__LIFE_ALIVE, NEAP__LIFE_DEAD };

enum neap__life_state neap__life_look(const struct neap_sh_life *life);

/*
 * Say that whoever has it is dead, from better evidence than the kernel's (no
 * process at all is attached). A free one stays free.
 */
void neap__life_declare_dead(struct neap_sh_life *life);

/*
 * The word to watch with neap__futex_wait_either to be woken by the owner's
 * death, and the value that it then has to have.
 */
_Atomic uint32_t *neap__life_watch(struct neap_sh_life *life,
                                   uint32_t *ret_expected);

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
