/* Futexes and the clock, for processes that take turns. With crash/sim_life.c
 * in place of core/os/futex.c, time.c, life.c and fence.c. */
#include "sched.h"

int64_t sim_now;


int64_t neap_now(void)
{
    return sim_now;
}


int64_t neap_deadline_after(int64_t nanoseconds)
{
    return nanoseconds <= 0 ? NEAP_NOW : sim_now + nanoseconds;
}


/* To die, or to be stopped, before the call of the kernel is not the same as
 * before the last access: so it is a point. */
int neap__futex_wake(_Atomic uint32_t *word, int count)
{
    sched_point();
    return sched_wake(word, count);
}


/* The looks and the sleep are one step, as under the kernel's locks. */
int neap__futex_wait_any(const struct neap__futex *futexes, int count,
                         int64_t deadline)
{
    sched_point();
    for (int i = 0; i < count; i++)
        if (*(volatile uint32_t *)futexes[i].word != futexes[i].expected)
            return 0;
    return deadline <= sim_now ? -ETIMEDOUT
                               : sched_sleep(futexes, count, deadline);
}


int neap__futex_wait(_Atomic uint32_t *word, uint32_t expected,
                     int64_t deadline)
{
    const struct neap__futex one = {word, expected};
    return neap__futex_wait_any(&one, 1, deadline);
}


int neap__futex_wait_either(_Atomic uint32_t *word, uint32_t expected,
                            _Atomic uint32_t *other, uint32_t other_expected,
                            int64_t deadline)
{
    const struct neap__futex two[] = {{word, expected},
                                      {other, other_expected}};
    return neap__futex_wait_any(two, 2, deadline);
}
