/*
 * Proof of life: the one thing in shared memory whose form is the C library's
 * business, and so stands here and not in core/layout.
 */
#ifndef NEAP_OS_LIFE_H
#define NEAP_OS_LIFE_H

#include "base/base.h"

/*
 * A word in shared memory that the kernel marks when the thread that claimed
 * it dies: by SIGKILL, by exec, by any end at all. Zeroed memory is a free one
 * once prepared. Claims of one thread: at most 2048 at once.
 */
struct neap_sh_life {
    _Atomic uint32_t word;  /* thread id of its owner; the kernel marks its death */
    uint8_t libc[60];       /* the rest of pthread_mutex_t */
};

_Static_assert(sizeof(struct neap_sh_life) == 64, "life is one line");

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

/* The number of the thread that has it, as the kernel compares it; 0 if nobody
 * living has. */
uint32_t neap__life_thread(const struct neap_sh_life *life);

/*
 * The word to watch with neap__futex_wait_either to be woken by the owner's
 * death, and the value that it then has to have.
 */
_Atomic uint32_t *neap__life_watch(struct neap_sh_life *life,
                                   uint32_t *ret_expected);

#endif
