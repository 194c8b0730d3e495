/* Proofs of life and fences, for threads that one process plays; see
 * sim_os.c. */
#include <linux/futex.h>

#include "crash.h"

uint32_t sim_actor;


/* -- fences: one thread plays all, in the order of its program ------------- */

bool neap__fence_register(void)
{
    return true;
}


bool neap__fence_heavy(void)
{
    return true;
}


bool neap__fence_works(void)
{
    return true;
}


void neap__fence_full(void)
{
}


/* -- proofs of life ------------------------------------------------------- */

void neap__life_prepare(struct neap_sh_life *life)
{
    (void)life;
}


bool neap__life_sound(const struct neap_sh_life *life)
{
    (void)life;
    return true;
}


int neap__life_claim(struct neap_sh_life *life)
{
    uint32_t word = atomic_load(&life->word);
    if (word && !(word & FUTEX_OWNER_DIED))
        return -EBUSY;
    atomic_store(&life->word, sim_actor + 1);
    return word ? -EOWNERDEAD : 0;
}


void neap__life_release(struct neap_sh_life *life)
{
    atomic_store(&life->word, 0);
}


enum neap__life_state neap__life_look(const struct neap_sh_life *life)
{
    uint32_t word = atomic_load(&life->word);
    return word & FUTEX_OWNER_DIED ? NEAP__LIFE_DEAD
           : word                  ? NEAP__LIFE_ALIVE
                                   : NEAP__LIFE_FREE;
}


uint32_t neap__life_thread(const struct neap_sh_life *life)
{
    (void)life;
    return 0; /* actors have no numbers that the kernel knows */
}


void neap__life_declare_dead(struct neap_sh_life *life)
{
    if (atomic_load(&life->word))
        atomic_store(&life->word, FUTEX_OWNER_DIED);
}


_Atomic uint32_t *neap__life_watch(struct neap_sh_life *life,
                                   uint32_t *ret_expected)
{
    *ret_expected = atomic_load(&life->word);
    return &life->word;
}
