/* Cells: the permits of small undo semaphores, see semaphore.h. */
#include "recovery/lock.h"
#include "sync/semaphore.h"


int neap__semaphore_no_share(const struct neap__object *object)
{
    return neap__fail(-EAGAIN, "heap %s: cannot acquire '%s': this thread has "
                      "shares of %d objects, and no more are recorded; release "
                      "one first", object->heap->address.text, object->name,
                      NEAP_SH_SHARES);
}


/* Keeps I1. In use from the store of its entry on, before any claim. */
static int announce(struct neap_semaphore *semaphore, struct neap__seat *seat)
{
    struct neap__object *object = &semaphore->object;
    uint64_t offset = neap__offset(object->heap, object->entry);
    if (neap__cells_known(semaphore, seat))
        return 0;
    struct neap_sh_share *share = neap__share_find(seat, offset, object->id);
    if (!share) {
        share = neap__share_room(seat);
        if (!share)
            return neap__semaphore_no_share(object);
        atomic_store_explicit(&share->id, object->id, memory_order_relaxed);
        neap__crash_order();
        if (!NEAP__SABOTAGED(NEAP__WITHOUT_INTENT))
            atomic_store_explicit(&share->entry, offset, memory_order_relaxed);
        neap__crash_order();
    }
    atomic_store_explicit(&semaphore->hint,
                          (uint32_t)(share - seat->slot->shares),
                          memory_order_relaxed);
    return 0;
}


static bool someone_wants_many(const struct neap_sh_entry *entry)
{
    return atomic_load(&entry->many) != 0;
}


static int under_lock(struct neap_semaphore *semaphore, struct neap__seat *seat,
                      uint64_t n,
                      int take(struct neap_semaphore *, struct neap__seat *,
                               uint64_t))
{
    struct neap_sh_lock *lock = &semaphore->object.entry->lock;
    int status = neap__lock_inside(seat, lock);
    if (status < 0)
        return status;
    status = take(semaphore, seat, n);
    neap__unlock(seat, lock);
    return status;
}


/* Its entry may be another's now: then that gets its own back. */
static int keep(struct neap_semaphore *semaphore, _Atomic uint32_t *cell)
{
    if (!neap__object_gone(&semaphore->object))
        return 0;
    atomic_store(cell, 0);
    return neap__object_dropped(&semaphore->object);
}


static int take_one(struct neap_semaphore *semaphore, struct neap__seat *seat,
                    uint64_t n)
{
    (void)n;
    _Atomic uint32_t *cell = neap__cell_take(semaphore, seat);
    return cell ? keep(semaphore, cell) : -EBUSY;
}


/* Keeps I3: the places of those that it got stand in `taken`. */
static int take_many(struct neap_semaphore *semaphore, struct neap__seat *seat,
                     uint64_t n)
{
    _Atomic uint32_t *taken[NEAP_SH_CELLS];
    uint64_t got = 0;
    int status = 0;
    while (status == 0 && got < n) {
        taken[got] = neap__cell_take(semaphore, seat);
        status = taken[got] ? keep(semaphore, taken[got]) : -EBUSY;
        got += status == 0;
    }
    while (status < 0 && got > 0)
        atomic_store(taken[--got], 0);
    return status;
}


int neap__cells_take(struct neap_semaphore *semaphore, struct neap__seat *seat,
                     uint64_t n)
{
    struct neap_sh_entry *entry = semaphore->object.entry;
    if (neap__object_gone(&semaphore->object))
        return neap__object_dropped(&semaphore->object);
    if (n > semaphore->cells)
        return -EBUSY;
    int status = announce(semaphore, seat);
    if (status < 0)
        return status;
    if (n > 1) {
        atomic_store(&entry->many, 1);
        return under_lock(semaphore, seat, n, take_many);
    }
    status = take_one(semaphore, seat, 1);
    return status == -EBUSY && someone_wants_many(entry)
               ? under_lock(semaphore, seat, 1, take_one) : status;
}


int neap__cells_give(struct neap_semaphore *semaphore, struct neap__seat *seat,
                     uint64_t n, uint64_t *ret_has)
{
    _Atomic uint32_t *cells = semaphore->object.entry->cells;
    _Atomic uint32_t *mine[NEAP_SH_CELLS];
    uint64_t has = 0;
    if (neap__object_gone(&semaphore->object))
        return neap__object_dropped(&semaphore->object);
    for (uint32_t i = 0; i < semaphore->cells; i++)
        if (atomic_load_explicit(&cells[i], memory_order_relaxed) == seat->tag)
            mine[has++] = &cells[i];
    *ret_has = has;
    if (has < n)
        return -EPERM;
    while (n > 0)
        atomic_store_explicit(mine[--n], 0, memory_order_release);
    return 0;
}


/* Each cell by itself: a claim by another that fails must not be lost. Whoever
 * does it again finds none of the dead one's. */
static void empty_cells(struct neap__seat *ghost, struct neap_sh_entry *entry)
{
    _Atomic uint32_t *cells = entry->cells;
    uint32_t n = neap_sh_cell_count(entry);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t dead = ghost->tag;
        atomic_compare_exchange_strong(&cells[i], &dead, 0);
    }
}


void neap__semaphore_finish(struct neap__tx *tx, struct neap_sh_entry *entry,
                            uint64_t share)
{
    if (neap_sh_cell_count(entry)) {
        empty_cells(tx->seat, entry);
        return;
    }
    neap__tx_set(tx, &entry->value, atomic_load(&entry->value) + share);
    neap__tx_set(tx, &entry->returns, atomic_load(&entry->returns) + 1);
}
