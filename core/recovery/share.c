/* Shares, see share.h. */
#include "recovery/share.h"


static bool is_dropped(struct neap__seat *seat, struct neap_sh_share *share)
{
    uint64_t offset = atomic_load_explicit(&share->entry, memory_order_relaxed);
    struct neap_sh_entry *entry =
        neap__at(seat->heap, offset, sizeof *entry, NEAP_SH_GRAIN);
    return !entry || atomic_load(&entry->id) !=
                         atomic_load_explicit(&share->id, memory_order_relaxed);
}


struct neap_sh_share *neap__share_place(struct neap__seat *seat)
{
    struct neap_sh_share *shares = seat->slot->shares;
    for (int i = 0; i < NEAP_SH_SHARES; i++) {
        if (atomic_load_explicit(&shares[i].entry, memory_order_relaxed) &&
            !is_dropped(seat, &shares[i]))
            continue;
        atomic_store_explicit(&shares[i].entry, 0, memory_order_relaxed);
        neap__crash_order();
        atomic_store_explicit(&shares[i].id, 0, memory_order_relaxed);
        atomic_store_explicit(&shares[i].value, 0, memory_order_relaxed);
        return &shares[i];
    }
    return NULL;
}


uint64_t neap__shares_sum(struct neap_heap *heap, uint64_t id)
{
    uint64_t sum = 0;
    uint32_t high = atomic_load(&neap__header(heap)->slots_high);
    uint32_t ready = atomic_load(&neap__header(heap)->slots_ready);
    for (uint32_t i = 0; i < high && i < ready; i++) {
        struct neap_sh_share *shares = neap__slot_at(heap, i)->shares;
        for (int k = 0; k < NEAP_SH_SHARES; k++)
            if (atomic_load_explicit(&shares[k].id, memory_order_acquire) == id)
                sum += atomic_load_explicit(&shares[k].value,
                                            memory_order_relaxed);
    }
    return sum;
}
