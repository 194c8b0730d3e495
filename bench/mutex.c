/* Mutexes against those of the C library and of Boost.Interprocess. */
#include <pthread.h>

#include "ours.h"

const char bench_noun[] = "mutex";

static neap_mutex *ours;
static pthread_mutex_t *plain, *robust;


static void open_ours(void)
{
    BENCH_OURS(neap_mutex_open(bench_heap(), "mutex", &ours));
}


static void lock_ours(long n)
{
    for (long i = 0; i < n; i++) {
        BENCH_OURS(neap_mutex_lock(ours, NEAP_FOREVER));
        BENCH_OURS(neap_mutex_unlock(ours));
    }
}


static void close_ours(void)
{
    neap_mutex_close(ours);
}


static pthread_mutex_t *make(int robustness)
{
    pthread_mutex_t *mutex = bench_shared(4096);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, robustness);
    pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return mutex;
}


static void make_plain(void)
{
    plain = make(PTHREAD_MUTEX_STALLED);
}


static void make_robust(void)
{
    robust = make(PTHREAD_MUTEX_ROBUST);
}


static void lock_them(pthread_mutex_t *mutex, long n)
{
    for (long i = 0; i < n; i++) {
        BENCH_MUST(-pthread_mutex_lock(mutex));
        BENCH_MUST(-pthread_mutex_unlock(mutex));
    }
}


static void lock_plain(long n)
{
    lock_them(plain, n);
}


static void lock_robust(long n)
{
    lock_them(robust, n);
}


void bench_rows(void)
{
    struct bench_subject subjects[] = {
        {"neap", open_ours, lock_ours, close_ours},
        {"glibc, shared", make_plain, lock_plain, NULL},
        {"glibc, robust", make_robust, lock_robust, NULL},
        bench_boost("bench_boost_mutex", "Boost interprocess_mutex"),
    };
    bench_row("lock and unlock", "ns", subjects, 4);
    bench_row_both("lock and unlock, two processes", "ns", subjects, 4);
}
