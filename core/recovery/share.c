/* Shares, see share.h. */
#include "recovery/share.h"

#include "recovery/reap.h"


static bool is_dropped(struct neap__seat *seat, struct neap_sh_share *share)
{
    uint64_t offset = atomic_load_explicit(&share->entry, memory_order_relaxed);
    struct neap_sh_entry *entry =
        neap__at(seat->heap, offset, sizeof *entry, NEAP_SH_GRAIN);
    return !entry || atomic_load(&entry->id) !=
                         atomic_load_explicit(&share->id, memory_order_relaxed);
}


bool neap__share_idle(struct neap_heap *heap, uint32_t tag,
                      const struct neap_sh_share *share)
{
    struct neap_sh_entry *entry =
        neap__at(heap, atomic_load_explicit(&share->entry, memory_order_relaxed),
                 sizeof *entry, NEAP_SH_GRAIN);
    return entry && neap_sh_cell_count(entry) > 0 &&
           neap_sh_cells_of(entry, tag) == 0;
}


struct neap_sh_share *neap__share_place(struct neap__seat *seat)
{
    struct neap_sh_share *shares = seat->slot->shares;
    for (int i = 0; i < NEAP_SH_SHARES; i++) {
        if (atomic_load_explicit(&shares[i].entry, memory_order_relaxed) &&
            !is_dropped(seat, &shares[i]) &&
            !neap__share_idle(seat->heap, seat->tag, &shares[i]))
            continue;
        neap__share_forget(&shares[i]);
        return &shares[i];
    }
    return NULL;
}


/* Of an object that has no finisher? */
static bool only_adds(struct neap__seat *seat,
                      const struct neap_sh_share *share)
{
    uint64_t offset = atomic_load_explicit(&share->entry, memory_order_relaxed);
    struct neap_sh_entry *entry =
        neap__at(seat->heap, offset, sizeof *entry, NEAP_SH_GRAIN);
    return entry &&
           !neap__finisher_of(neap_sh_what_kind(atomic_load(&entry->what)));
}


struct neap_sh_share *neap__share_room(struct neap__seat *seat)
{
    struct neap_sh_share *shares = seat->slot->shares;
    struct neap_sh_share *place = neap__share_place(seat);
    for (int i = 0; !place && i < NEAP_SH_SHARES; i++)
        if (only_adds(seat, &shares[i]) &&
            neap__share_return(seat, &shares[i]) == 0)
            place = &shares[i];
    return place;
}


/* Call `each` for all shares of that object in any slot. */
static uint64_t over_shares(struct neap_heap *heap, uint64_t id,
                            uint64_t each(uint64_t value, uint64_t argument),
                            uint64_t argument)
{
    uint64_t sum = 0;
    uint32_t high = atomic_load(&neap__header(heap)->slots_high);
    uint32_t ready = atomic_load(&neap__header(heap)->slots_ready);
    for (uint32_t i = 0; i < high && i < ready; i++) {
        struct neap_sh_share *shares = neap__slot_at(heap, i)->shares;
        for (int k = 0; k < NEAP_SH_SHARES; k++)
            if (atomic_load_explicit(&shares[k].id, memory_order_acquire) == id)
                sum += each(atomic_load_explicit(&shares[k].value,
                                                 memory_order_relaxed),
                            argument);
    }
    return sum;
}


static uint64_t the_value(uint64_t value, uint64_t unused)
{
    (void)unused;
    return value;
}


static uint64_t is_equal(uint64_t value, uint64_t wanted)
{
    return (value & NEAP_SH_SHARE_VALUE) == wanted;
}


uint64_t neap__shares_sum(struct neap_heap *heap, uint64_t id)
{
    return over_shares(heap, id, the_value, 0);
}


uint64_t neap__shares_count(struct neap_heap *heap, uint64_t id, uint64_t value)
{
    return over_shares(heap, id, is_equal, value);
}
