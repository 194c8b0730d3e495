/*
 * Proof of life by a robust mutex of the C library.
 *
 * The mutex is used for one thing only: the kernel marks its word with
 * FUTEX_OWNER_DIED when the owner ends in any way, even across PID namespaces.
 * It is never waited for, so what is wrong with waiting on robust mutexes
 * does not concern us. That its word stands first is asserted below.
 */
#include <linux/futex.h>
#include <pthread.h>

#include "os/life.h"

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct neap_sh_life),
               "a mutex fits");
_Static_assert(offsetof(pthread_mutex_t, __data.__lock) == 0,
               "the futex word stands first");


static pthread_mutex_t *mutex_of(struct neap_sh_life *life)
{
    return (pthread_mutex_t *)life;
}


/* The kind of a robust, process-shared mutex, as this C library numbers it. */
static int robust_kind(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t mutex;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return mutex.__data.__kind;
}


void neap__life_prepare(struct neap_sh_life *life)
{
    int *kind = &mutex_of(life)->__data.__kind;
    if (__atomic_load_n(kind, __ATOMIC_RELAXED) == 0)
        __atomic_store_n(kind, robust_kind(), __ATOMIC_RELAXED);
}


bool neap__life_sound(const struct neap_sh_life *life)
{
    int kind = ((const pthread_mutex_t *)life)->__data.__kind;
    return kind == 0 || kind == robust_kind();
}


int neap__life_claim(struct neap_sh_life *life)
{
    int error = pthread_mutex_trylock(mutex_of(life));
    if (error == EOWNERDEAD)
        pthread_mutex_consistent(mutex_of(life));
    return -error;
}


void neap__life_release(struct neap_sh_life *life)
{
    pthread_mutex_unlock(mutex_of(life));
}


enum neap__life_state neap__life_look(const struct neap_sh_life *life)
{
    uint32_t word = atomic_load_explicit(&life->word, memory_order_acquire);
    if (word & FUTEX_OWNER_DIED)
        return NEAP__LIFE_DEAD;
    return word & FUTEX_TID_MASK ? NEAP__LIFE_ALIVE : NEAP__LIFE_FREE;
}


uint32_t neap__life_thread(const struct neap_sh_life *life)
{
    uint32_t word = atomic_load_explicit(&life->word, memory_order_acquire);
    return word & FUTEX_OWNER_DIED ? 0 : word & FUTEX_TID_MASK;
}


void neap__life_declare_dead(struct neap_sh_life *life)
{
    if (neap__life_look(life) == NEAP__LIFE_ALIVE)
        atomic_store_explicit(&life->word, FUTEX_OWNER_DIED,
                              memory_order_release);
}


_Atomic uint32_t *neap__life_watch(struct neap_sh_life *life,
                                   uint32_t *ret_expected)
{
    /* The kernel wakes a sleeper at death only if this bit asks for it; the
     * C library's unlock tolerates it. */
    uint32_t word = atomic_load_explicit(&life->word, memory_order_relaxed);
    while (word & FUTEX_TID_MASK && !(word & FUTEX_WAITERS) &&
           !(word & FUTEX_OWNER_DIED) &&
           !atomic_compare_exchange_weak(&life->word, &word,
                                         word | FUTEX_WAITERS))
        ;
    *ret_expected = word & FUTEX_OWNER_DIED || !(word & FUTEX_TID_MASK)
                        ? ~word : word | FUTEX_WAITERS;
    return &life->word;
}
