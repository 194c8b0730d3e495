/*
 * Workers move coins from one purse to another, under a lock. One of them is
 * killed between taking a coin and putting it down, with the lock held. The
 * next one is told so, and picks the coin up.
 *
 *     05_survive_a_crash
 *     LIVE_DANGEROUSLY=1 05_survive_a_crash          with a lock of 1 bit
 */
#include <signal.h>
#include <sys/mman.h>

#include "example.h"

enum { WORKERS = 4, MOVES = 100, COINS = 1000 };

static neap_mutex *mutex;
static neap_semaphore *start;
static neap_counter *repairs;
static volatile int64_t *purses;
static volatile int *bare; /* LIVE_DANGEROUSLY only */


/* What one might write over bare memory: 1 is locked, 0 is free. It has no
 * owner, so nobody learns that he is dead; and two may see the same 0. */
static void lock_dangerously(void)
{
    int64_t deadline = neap_deadline_after(1000000000);

    while (*bare)
        if (neap_now() > deadline)
            neap_process_exit(1);
    *bare = 1;
}


static void lock(void)
{
    if (bare) {
        lock_dangerously();
    } else if (must(neap_mutex_lock(mutex, NEAP_FOREVER)) == NEAP_ABANDONED) {
        purses[1] = COINS - purses[0]; /* only we know a half-done move */
        must(neap_counter_add(repairs, 1));
    }
}


static void unlock(void)
{
    if (bare)
        *bare = 0;
    else
        must(neap_mutex_unlock(mutex));
}


static void move_coins(int number)
{
    if (number > 1) /* the first one dies first */
        must(neap_semaphore_acquire(start, NEAP_FOREVER));
    for (int i = 0; i < MOVES; i++) {
        lock();
        purses[0] -= 1;
        if (number == 1 && i == 10) {
            for (int n = 1; n < WORKERS; n++)
                must(neap_semaphore_release(start));
            raise(SIGKILL);
        }
        purses[1] += 1;
        unlock();
    }
}


static void run_workers(void)
{
    neap_process *workers[WORKERS];
    neap_exit end;

    for (int n = 0; n < WORKERS; n++)
        if (must(neap_process_fork(&workers[n])) == NEAP_CHILD) {
            move_coins(n + 1);
            neap_process_exit(0);
        }
    for (int n = 0; n < WORKERS; n++) {
        must(neap_process_wait(workers[n], NEAP_FOREVER, &end));
        if (end.signal)
            printf("worker %d was killed inside the critical section\n", n + 1);
        else if (end.code)
            printf("worker %d gave up: still locked after 1 s\n", n + 1);
        neap_process_close(workers[n]);
    }
}


int main(void)
{
    const char *dangerous = getenv("LIVE_DANGEROUSLY");
    int64_t times = 0;
    neap_heap *heap;
    neap_array *array;

    must(neap_heap_open(NULL, NULL, &heap));
    must(neap_array_open(heap, "purses", NEAP_TYPE_I64, 1, &(uint64_t){2},
                         &array));
    must(neap_counter_open(heap, "repairs", &repairs));
    must(neap_mutex_open(heap, "mutex", &mutex));
    must(neap_semaphore_open(heap, "start", 0, NEAP_SEMAPHORE_ANY, &start));
    purses = neap_array_data(array);
    purses[0] = COINS;
    if (dangerous && *dangerous)
        bare = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    run_workers();
    if (!bare) {
        lock(); /* the last one may have been the one that was killed */
        unlock();
        must(neap_counter_get(repairs, &times));
        printf("%lld time the lock was abandoned, and the purses were put "
               "right\n", (long long)times);
    }
    printf("%lld + %lld = %lld coins of %d\n", (long long)purses[0],
           (long long)purses[1], (long long)(purses[0] + purses[1]), COINS);
}
