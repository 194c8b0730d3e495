/*
 * The operating system as one process simulates it for the threads that it
 * plays: futexes, and a clock that only sleeping moves. With sim_life.c it
 * replaces core/os/life.c, futex.c, fence.c and time.c.
 *
 * The running actor is woken before the sleepers that a test has put there: it
 * is the one who may die with the wake in its hand.
 */
#include "crash.h"

struct sim sim;
void (*sim_stuck)(void);

static int64_t now = 1000000000;
/* What the running actor sleeps on; how many. */
static const struct neap__futex *running_sleeps_on;
static int running_futexes;

#define EXPIRED_MOST 64


/* -- time ----------------------------------------------------------------- */

int64_t neap_now(void)
{
    return now;
}


int64_t neap_deadline_after(int64_t nanoseconds)
{
    return nanoseconds <= 0 ? NEAP_NOW : now + nanoseconds;
}


/* -- futexes -------------------------------------------------------------- */

void sim_sleep(_Atomic uint32_t *word)
{
    sim.sleepers[sim.sleeping].word = word;
    sim.sleepers[sim.sleeping++].woken = false;
}


bool sim_all_woken(void)
{
    for (int i = 0; i < sim.sleeping; i++)
        if (!sim.sleepers[i].woken)
            return false;
    return true;
}


static bool running_sleeps(const _Atomic uint32_t *word)
{
    for (int i = 0; i < running_futexes; i++)
        if (running_sleeps_on[i].word == word)
            return true;
    return false;
}


int neap__futex_wake(_Atomic uint32_t *word, int count)
{
    int left = count;
    if (left > 0 && running_sleeps(word)) {
        running_futexes = 0;
        left--;
    }
    for (int i = 0; i < sim.sleeping && left > 0; i++)
        if (sim.sleepers[i].word == word && !sim.sleepers[i].woken) {
            sim.sleepers[i].woken = true;
            left--;
        }
    return count - left;
}


int neap__futex_wait_any(const struct neap__futex *futexes, int count,
                         int64_t deadline)
{
    for (int i = 0; i < count; i++)
        if (*(volatile uint32_t *)futexes[i].word != futexes[i].expected)
            return 0;
    if (sim.while_asleep) {
        void (*happens)(void) = sim.while_asleep;
        sim.while_asleep = NULL;
        running_sleeps_on = futexes;
        running_futexes = count;
        hooks_pause(true);
        happens();
        hooks_pause(false);
        if (!running_futexes)
            return 0;
        running_futexes = 0;
    }
    if (++sim.expired > EXPIRED_MOST && sim_stuck)
        sim_stuck();
    if (deadline > now)
        now = deadline;
    return -ETIMEDOUT;
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
    if (*(volatile uint32_t *)other != other_expected)
        return 0;
    return neap__futex_wait(word, expected, deadline);
}
