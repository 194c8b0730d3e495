/*
 * Evidence of death, where the kernel's mark alone misleads: threads of several
 * PID namespaces with equal numbers, and exec by a thread that is not its
 * process's first (recovery/gate.h, recovery/reap.c).
 */
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/heaps.h"
#include "recovery/reap.h"

enum { COMERS = 6, KILLS = 1500 };

struct arrivals {
    _Atomic int32_t pids[COMERS];
    _Atomic uint64_t false_deaths, rounds;
    neap_heap *heap;
};


/* Come and go; while here, nobody may take this thread for dead. */
static _Noreturn void come_and_go(struct arrivals *board)
{
    for (;;) {
        struct neap__seat *seat;
        if (neap__seat(board->heap, &seat) < 0)
            _exit(3);
        uint32_t incarnation = seat->tag >> 12;
        for (int i = 0; i < 20; i++)
            if (neap__life_look(&seat->slot->life) != NEAP__LIFE_ALIVE ||
                atomic_load(&seat->slot->incarnation) != incarnation) {
                atomic_fetch_add(&board->false_deaths, 1);
                _exit(4);
            }
        neap__thread_end();
        atomic_fetch_add(&board->rounds, 1);
    }
}


/* In a namespace of its own each comer is process and thread number 1. */
static pid_t start_comer(struct arrivals *board, int i)
{
    atomic_store(&board->pids[i], 0);
    pid_t keeper = fork();
    if (keeper == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWPID) < 0)
            _exit(77);
        pid_t comer = fork();
        if (comer == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            come_and_go(board);
        }
        atomic_store(&board->pids[i], comer);
        waitpid(comer, NULL, 0);
        _exit(0);
    }
    WAIT_UNTIL(atomic_load(&board->pids[i]) ||
               waitpid(keeper, NULL, WNOHANG) == keeper);
    return atomic_load(&board->pids[i]) ? keeper : -1;
}


static void end_comer(struct arrivals *board, int i, pid_t keeper)
{
    kill(atomic_load(&board->pids[i]), SIGKILL);
    waitpid(keeper, NULL, 0);
}


TEST_WITHIN(equal_numbers_in_other_namespaces_are_no_evidence, 60)
{
    struct arrivals *board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    neap_heap_options options = {.slots = 64};
    CHECK_STATUS(neap_heap_open(NULL, &options, &board->heap), NEAP_CREATED);
    pid_t keepers[COMERS];
    for (int i = 0; i < COMERS; i++) {
        keepers[i] = start_comer(board, i);
        if (keepers[i] < 0)
            test_skip("needs to make PID namespaces");
    }
    for (int k = 0; k < KILLS; k++) {
        uint64_t seen = atomic_load(&board->rounds);
        WAIT_UNTIL(atomic_load(&board->rounds) > seen + (uint64_t)(k % 7));
        end_comer(board, k % COMERS, keepers[k % COMERS]);
        keepers[k % COMERS] = start_comer(board, k % COMERS);
    }
    for (int i = 0; i < COMERS; i++)
        end_comer(board, i, keepers[i]);
    CHECK_INT(atomic_load(&board->false_deaths), 0);
    end_heap(board->heap);
}


static void *lock_and_exec(void *mutex)
{
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_FOREVER), 0);
    execl("/bin/sleep", "sleep", "60", (char *)NULL);
    return NULL;
}


static int exec_from_another_thread(void *mutex)
{
    pthread_t thread;
    pthread_create(&thread, NULL, lock_and_exec, mutex);
    pthread_join(thread, NULL);
    return 1;
}


/* The process lives on, as another program. */
TEST(exec_by_any_thread_counts_as_death)
{
    neap_heap *heap = make_heap(NULL);
    neap_mutex *mutex = open_mutex(heap, "lock");
    pid_t child = test_fork(exec_from_another_thread, mutex);
    int32_t holder = 0;
    WAIT_UNTIL(neap_mutex_holder(mutex, &holder) == 0 && holder == child);
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_FOREVER), NEAP_ABANDONED);
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    CHECK_INT(kill(child, 0), 0);
    test_kill(child);
    neap_mutex_close(mutex);
    end_heap(heap);
}
