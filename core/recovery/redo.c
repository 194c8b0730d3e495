/* Micro-transactions, see redo.h. */
#include "recovery/redo.h"

#include <sys/stat.h>


void neap__tx_begin(struct neap__tx *tx, struct neap__seat *seat)
{
    *tx = (struct neap__tx){.seat = seat};
}


/* Where the word is staged, or NULL. From the end: the latest come up most. */
static struct neap_sh_store *find_staged(struct neap__tx *tx, uint64_t offset)
{
    struct neap_sh_store *stores = tx->seat->slot->redo.stores;
    for (uint32_t i = tx->count; i-- > 0;)
        if (stores[i].offset == offset)
            return &stores[i];
    return NULL;
}


uint64_t neap__tx_get(struct neap__tx *tx, const neap_sh_word *word)
{
    struct neap_sh_store *staged =
        find_staged(tx, neap__offset(tx->seat->heap, word));
    return staged ? staged->value
                  : atomic_load_explicit(word, memory_order_relaxed);
}


void neap__tx_set(struct neap__tx *tx, neap_sh_word *word, uint64_t value)
{
    uint64_t offset = neap__offset(tx->seat->heap, word);
    struct neap_sh_store *staged = find_staged(tx, offset);
    if (!staged) {
        if (tx->count == NEAP_SH_REDO) {
            neap__tx_fail(tx, neap__fail(NEAP_ECORRUPT,
                                         "a change of heap %s needs more than "
                                         "%d stores; run `neap check`",
                                         tx->seat->heap->address.text,
                                         NEAP_SH_REDO));
            return;
        }
        staged = &tx->seat->slot->redo.stores[tx->count++];
        staged->offset = offset;
    }
    staged->value = value;
}


int neap__tx_fail(struct neap__tx *tx, int status)
{
    if (tx->status == 0)
        tx->status = status;
    return status;
}


int neap__tx_commit(struct neap__tx *tx)
{
    if (tx->status < 0)
        return tx->status;
    neap__tx_finish(tx);
    return 0;
}


/* Bytes that can be there at all. */
static uint64_t bytes_there(struct neap_heap *heap)
{
    struct stat st;
    if (heap->fd < 0)
        return heap->mapped;
    return fstat(heap->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}


/*
 * Changes are made in three places: the header's part under the heap's lock,
 * the slot's own shares, and above all slots. A record that says otherwise,
 * for one that it would change a proof of life, which the C library trusts,
 * was never written by neap.
 */
static bool is_sound(struct neap_heap *heap, struct neap_sh_slot *slot,
                     const struct neap_sh_store *store)
{
    struct neap_sh_header *header = neap__header(heap);
    uint64_t offset = store->offset;
    uint64_t shares = neap__offset(heap, slot->shares);
    if (!neap__inside(heap, offset, 8, 8))
        return false;
    if (offset == neap__offset(heap, &header->size))
        return store->value >= header->heap_offset &&
               store->value <= heap->mapped && store->value <= bytes_there(heap);
    return offset >= header->heap_offset ||
           (offset >= neap__offset(heap, &header->size) &&
            offset < sizeof *header) ||
           (offset >= shares && offset < shares + sizeof slot->shares);
}


int neap__redo_replay(struct neap_heap *heap, struct neap_sh_slot *slot)
{
    struct neap_sh_redo *redo = &slot->redo;
    if (!atomic_load_explicit(&redo->committed, memory_order_acquire))
        return 0;
    uint64_t count = redo->count;
    bool sound = count <= NEAP_SH_REDO;
    for (uint64_t i = 0; sound && i < count; i++)
        sound = is_sound(heap, slot, &redo->stores[i]);
    if (!sound)
        return neap__fail(NEAP_ECORRUPT,
                          "heap %s: the redo record of process %u is "
                          "corrupted; restore the heap from a copy",
                          heap->address.text, slot->pid);
    neap__redo_apply(heap, redo, count);
    neap__crash_order();
    atomic_store_explicit(&redo->committed, 0, memory_order_release);
    return 0;
}
