/* Semaphores against sem_t, System V's with SEM_UNDO, and Boost's. */
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

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


/* -- hand-overs: a partner answers each permit with one -------------------- */

static neap_semaphore *there, *back;
static sem_t *pair;
static pid_t partner, posix_partner;


static pid_t fork_partner(void (*answer)(void))
{
    pid_t pid = fork();
    BENCH_MUST(pid);
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        answer();
}


static void end_partner(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}


static void answer(void)
{
    BENCH_OURS(neap_semaphore_acquire(there, NEAP_FOREVER));
    BENCH_OURS(neap_semaphore_release(back));
}


static void answer_posix(void)
{
    BENCH_MUST(sem_wait(&pair[0]));
    BENCH_MUST(sem_post(&pair[1]));
}


static void begin_handing(void)
{
    BENCH_OURS(neap_semaphore_open(bench_heap(), "there", 0,
                                   NEAP_SEMAPHORE_CLASSIC, &there));
    BENCH_OURS(neap_semaphore_open(bench_heap(), "back", 0,
                                   NEAP_SEMAPHORE_CLASSIC, &back));
    partner = fork_partner(answer);
}


static void hand_over(long n)
{
    for (long i = 0; i < n; i++) {
        BENCH_OURS(neap_semaphore_release(there));
        BENCH_OURS(neap_semaphore_acquire(back, NEAP_FOREVER));
    }
}


static void end_handing(void)
{
    end_partner(partner);
    neap_semaphore_close(back);
    neap_semaphore_close(there);
}


static void begin_posix(void)
{
    pair = bench_shared(4096);
    BENCH_MUST(sem_init(&pair[0], 1, 0));
    BENCH_MUST(sem_init(&pair[1], 1, 0));
    posix_partner = fork_partner(answer_posix);
}


static void hand_over_posix(long n)
{
    for (long i = 0; i < n; i++) {
        BENCH_MUST(sem_post(&pair[0]));
        BENCH_MUST(sem_wait(&pair[1]));
    }
}


static void end_posix(void)
{
    end_partner(posix_partner);
}


/* -- the same, but each on a processor of its own ------------------------- */

static pid_t first_of_two;


static bool is_first(void)
{
    return getpid() == first_of_two;
}


static void open_two(void)
{
    first_of_two = getpid();
    BENCH_OURS(neap_semaphore_open(bench_heap(), "there", 0,
                                   NEAP_SEMAPHORE_CLASSIC, &there));
    BENCH_OURS(neap_semaphore_open(bench_heap(), "back", 0,
                                   NEAP_SEMAPHORE_CLASSIC, &back));
}


/* As after a long wait: neither looks before it sleeps. */
static void open_two_parked(void)
{
    open_two();
    BENCH_OURS(neap_set_spin(there, 0));
    BENCH_OURS(neap_set_spin(back, 0));
}


static void run_two(long n)
{
    neap_semaphore *mine = is_first() ? back : there;
    neap_semaphore *other = is_first() ? there : back;
    if (is_first())
        BENCH_OURS(neap_semaphore_release(other));
    for (long i = 0; i < n; i++) {
        BENCH_OURS(neap_semaphore_acquire(mine, NEAP_FOREVER));
        if (i < n - 1 || !is_first())
            BENCH_OURS(neap_semaphore_release(other));
    }
}


static void close_two(void)
{
    neap_semaphore_close(back);
    neap_semaphore_close(there);
}


static void make_two_posix(void)
{
    first_of_two = getpid();
    pair = bench_shared(4096);
    BENCH_MUST(sem_init(&pair[0], 1, 0));
    BENCH_MUST(sem_init(&pair[1], 1, 0));
}


static void run_two_posix(long n)
{
    sem_t *mine = &pair[is_first()], *other = &pair[!is_first()];
    if (is_first())
        BENCH_MUST(sem_post(other));
    for (long i = 0; i < n; i++) {
        BENCH_MUST(sem_wait(mine));
        if (i < n - 1 || !is_first())
            BENCH_MUST(sem_post(other));
    }
}


/* The least that it can take: one word in one cache line, and both spin. */
static struct {
    _Alignas(64) _Atomic long word; /* odd: the second one's turn */
} *bare;


static void make_two_bare(void)
{
    first_of_two = getpid();
    bare = bench_shared(4096);
}


static void run_two_bare(long n)
{
    long word = atomic_load_explicit(&bare->word, memory_order_acquire) & ~1l;
    for (long i = 0; i < n; i++) {
        if (is_first())
            atomic_store_explicit(&bare->word, word + 1, memory_order_release);
        long mine = is_first() ? word + 2 : word + 1;
        while (atomic_load_explicit(&bare->word, memory_order_acquire) != mine)
            BENCH_PAUSE();
        word += 2;
        if (!is_first())
            atomic_store_explicit(&bare->word, word, memory_order_release);
    }
}


void bench_rows(void)
{
    struct bench_subject twos[] = {
        {"neap", open_two, run_two, close_two},
        {"bare ping-pong", make_two_bare, run_two_bare, NULL},
        {"glibc sem_t", make_two_posix, run_two_posix, NULL},
    };
    struct bench_subject hands[] = {
        {"neap", begin_handing, hand_over, end_handing},
        {"glibc sem_t", begin_posix, hand_over_posix, end_posix},
    };
    struct bench_subject parked[] = {
        {"neap", open_two_parked, run_two, close_two},
        {"glibc sem_t", make_two_posix, run_two_posix, NULL},
    };
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
    bench_row_free("permit there and back", "ns", hands, 2);
    bench_row("permit there and back, one processor", "ns", hands, 2);
    bench_row_turns("permit handed over, two processors", "ns", twos, 3);
    bench_row_turns("permit handed over, parked", "ns", parked, 2);
}
