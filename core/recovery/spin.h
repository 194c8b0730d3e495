/*
 * Spinning before a sleep: to sleep and to be woken costs some ten
 * microseconds, many times what a short critical section takes.
 *
 *     struct neap__spin spin = neap__spin_begin(0);
 *     do
 *         if (it can be had now)
 *             ...
 *     while (neap__spin(&spin));
 *
 * The looks are far apart, for each takes the word's cache line away from
 * whoever works on it. Two processes that do nothing but lock and unlock took
 * 100 ns an operation with a look at every pause, 25 with one at every 30, 16
 * with one at every 100; glibc's mutex 54.
 */
#ifndef NEAP_SPIN_H
#define NEAP_SPIN_H

#include "base/base.h"

/* How long a handle spins: 0 as has been worth it, else so many microseconds
 * and one more. A lock's is told by who is about to wait for it. */
extern _Thread_local int32_t neap__spin_wish
    __attribute__((tls_model("initial-exec")));

#ifndef NEAP_TINY
#define NEAP__SPIN_LOOKS 10
#define NEAP__SPIN_PAUSES 100 /* between two looks; a microsecond or some */
#else
#define NEAP__SPIN_LOOKS 1
#define NEAP__SPIN_PAUSES 1
#endif

struct neap__spin {
    int looks;
};

/* Zero where the owner cannot run while we spin. */
int neap__spin_looks(void);

/* The same of a wish. */
int neap__spin_looks_for(int32_t wish);

NEAP__INLINE struct neap__spin neap__spin_begin(int32_t wish)
{
    return (struct neap__spin){NEAP__LIKELY(!wish) ? neap__spin_looks()
                                                   : neap__spin_looks_for(wish)};
}

NEAP__INLINE void neap__pause_processor(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

/* @return false when it is time to sleep. */
NEAP__INLINE bool neap__spin(struct neap__spin *spin)
{
    if (spin->looks-- <= 0)
        return false;
    for (int i = 0; i < NEAP__SPIN_PAUSES; i++)
        neap__pause_processor();
    return true;
}

/*
 * Waiting for what another one is about to do, a permit, an event: who does it
 * comes once and leaves the line alone, so the looks are close together. How
 * many there are is learnt for each object: twice what it took of late and some
 * more, and none where they have been in vain; now and then it is tried again.
 *
 *     struct neap__patience patience = neap__patience_begin(entry, 0);
 *     while (!(got = it is there) && neap__patience(&patience))
 *         ;
 *     neap__patience_end(&patience, got);
 */
struct neap__patience {
    struct lesson *lesson; /* NULL: nothing is learnt */
    uint32_t looks, most;
};

struct neap__patience neap__patience_begin(const void *object, int32_t wish);
void neap__patience_end(const struct neap__patience *patience, bool got);

/* @return false when it is time to sleep. */
NEAP__INLINE bool neap__patience(struct neap__patience *patience)
{
    if (patience->looks++ >= patience->most)
        return false;
    neap__pause_processor();
    return true;
}

#endif
