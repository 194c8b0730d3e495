/* Semaphores against sem_t, System V's with SEM_UNDO, and Boost's. */
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#include "ours.h"

const char bench_noun[] = "semaphore";

static neap_semaphore *classic, *undo;
static sem_t *posix;
static int sysv;


static void open_classic(void)
{
    BENCH_OURS(neap_semaphore_open(bench_heap(), "classic", 1,
                                   NEAP_SEMAPHORE_CLASSIC, &classic));
}


static void open_undo(void)
{
    BENCH_OURS(neap_semaphore_open(bench_heap(), "undo", 1,
                                   NEAP_SEMAPHORE_UNDO, &undo));
}


static void take_and_give(neap_semaphore *semaphore, long n)
{
    for (long i = 0; i < n; i++) {
        BENCH_OURS(neap_semaphore_acquire(semaphore, NEAP_FOREVER));
        BENCH_OURS(neap_semaphore_release(semaphore));
    }
}


static void take_classic(long n)
{
    take_and_give(classic, n);
}


static void take_undo(long n)
{
    take_and_give(undo, n);
}


static void close_classic(void)
{
    neap_semaphore_close(classic);
}


static void close_undo(void)
{
    neap_semaphore_close(undo);
}


/* -- the peers ------------------------------------------------------------- */

static void make_posix(void)
{
    posix = bench_shared(4096);
    BENCH_MUST(sem_init(posix, 1, 1));
}


static void take_posix(long n)
{
    for (long i = 0; i < n; i++) {
        BENCH_MUST(sem_wait(posix));
        BENCH_MUST(sem_post(posix));
    }
}


static void make_sysv(void)
{
    BENCH_MUST(sysv = semget(IPC_PRIVATE, 1, 0600));
    BENCH_MUST(semctl(sysv, 0, SETVAL, 1));
}


static void take_sysv(long n)
{
    struct sembuf take = {.sem_op = -1, .sem_flg = SEM_UNDO};
    struct sembuf give = {.sem_op = 1, .sem_flg = SEM_UNDO};
    for (long i = 0; i < n; i++) {
        BENCH_MUST(semop(sysv, &take, 1));
        BENCH_MUST(semop(sysv, &give, 1));
    }
}


static void remove_sysv(void)
{
    semctl(sysv, 0, IPC_RMID);
}


void bench_rows(void)
{
    struct bench_subject classics[] = {
        {"neap", open_classic, take_classic, close_classic},
        {"glibc sem_t", make_posix, take_posix, NULL},
        bench_boost("bench_boost_semaphore", "Boost interprocess_semaphore"),
    };
    struct bench_subject undos[] = {
        {"neap", open_undo, take_undo, close_undo},
        {"System V SEM_UNDO", make_sysv, take_sysv, remove_sysv},
    };
    bench_row("acquire and release", "ns", classics, 3);
    bench_row("undo, acquire and release", "ns", undos, 2);
    bench_row_both("acquire and release, two processes", "ns", classics, 3);
    bench_row_both("undo, acquire and release, two processes", "ns", undos, 2);
}
