/* Read-write locks against glibc's. */
#include <pthread.h>

#include "ours.h"

const char bench_noun[] = "rwlock";

static neap_rwlock *ours;
static pthread_rwlock_t *theirs;


static void open_ours(void)
{
    BENCH_OURS(neap_rwlock_open(bench_heap(), "rwlock", &ours));
}


static void read_ours(long n)
{
    for (long i = 0; i < n; i++) {
        BENCH_OURS(neap_rwlock_read(ours, NEAP_FOREVER));
        BENCH_OURS(neap_rwlock_unlock(ours));
    }
}


static void write_ours(long n)
{
    for (long i = 0; i < n; i++) {
        BENCH_OURS(neap_rwlock_write(ours, NEAP_FOREVER));
        BENCH_OURS(neap_rwlock_unlock(ours));
    }
}


static void close_ours(void)
{
    neap_rwlock_close(ours);
}


static void make_theirs(void)
{
    theirs = bench_shared(4096);
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_rwlock_init(theirs, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}


static void read_theirs(long n)
{
    for (long i = 0; i < n; i++) {
        BENCH_MUST(-pthread_rwlock_rdlock(theirs));
        BENCH_MUST(-pthread_rwlock_unlock(theirs));
    }
}


static void write_theirs(long n)
{
    for (long i = 0; i < n; i++) {
        BENCH_MUST(-pthread_rwlock_wrlock(theirs));
        BENCH_MUST(-pthread_rwlock_unlock(theirs));
    }
}


void bench_rows(void)
{
    const struct bench_subject reads[] = {
        {"neap", open_ours, read_ours, close_ours},
        {"glibc, shared", make_theirs, read_theirs, NULL},
    };
    const struct bench_subject writes[] = {
        {"neap", open_ours, write_ours, close_ours},
        {"glibc, shared", make_theirs, write_theirs, NULL},
    };
    bench_row("read and unlock", "ns", reads, 2);
    bench_row_both("read and unlock, two processes", "ns", reads, 2);
    bench_row("write and unlock", "ns", writes, 2);
}
