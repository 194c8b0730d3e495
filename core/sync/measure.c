/* Measuring locks, see measure.h. */
#include "sync/measure.h"

#include "recovery/lock.h"


static void raise_to(neap_sh_word *word, uint64_t value)
{
    uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);
    while (seen < value && !atomic_compare_exchange_weak(word, &seen, value))
        ;
}


void neap__measure_taken(struct neap_sh_entry *entry, int64_t begun, bool owner)
{
    int64_t now = neap_now();
    atomic_fetch_add_explicit(&entry->acquisitions, 1, memory_order_relaxed);
    if (owner)
        atomic_store(&entry->since, (uint64_t)now);
    if (!begun)
        return;
    uint64_t waited = (uint64_t)(now - begun);
    atomic_fetch_add_explicit(&entry->contended, 1, memory_order_relaxed);
    raise_to(&entry->longest_wait, waited);
    if (owner)
        atomic_fetch_add(&entry->waited, waited);
}


void neap__measure_given(struct neap_sh_entry *entry)
{
    int64_t since = (int64_t)atomic_exchange(&entry->since, 0);
    if (!since) /* it was taken before all this began */
        return;
    uint64_t hold = (uint64_t)(neap_now() - since);
    atomic_fetch_add(&entry->held, hold);
    raise_to(&entry->longest_hold, hold);
}


static bool has_owner(neap_object_kind kind)
{
    return kind == NEAP_OBJECT_MUTEX || kind == NEAP_OBJECT_RWLOCK;
}


static bool can_be_measured(neap_object_kind kind)
{
    return has_owner(kind) || kind == NEAP_OBJECT_SEMAPHORE;
}


static int find_lock(neap_heap *heap, const char *name,
                     struct neap_sh_entry **ret_entry,
                     neap_object_kind *ret_kind)
{
    struct neap__found found;
    int status = neap__object_find(heap, name, &found);
    if (status < 0)
        return status;
    neap_object_kind kind = (neap_object_kind)neap_sh_what_kind(found.what);
    if (!can_be_measured(kind))
        return neap__fail(NEAP_ETYPE, "heap %s: '%s' is of kind %s; mutexes, "
                          "rwlocks and semaphores are measured",
                          heap->address.text, name,
                          neap_object_kind_name(kind));
    *ret_entry = found.entry;
    *ret_kind = kind;
    return 0;
}


static void begin(struct neap_sh_entry *entry, neap_object_kind kind)
{
    atomic_store(&entry->acquisitions, 0);
    atomic_store(&entry->contended, 0);
    atomic_store(&entry->longest_wait, 0);
    if (has_owner(kind)) {
        atomic_store(&entry->since, 0);
        atomic_store(&entry->longest_hold, 0);
        atomic_store(&entry->held, 0);
        atomic_store(&entry->waited, 0);
    }
    atomic_store(&entry->measured, 1);
}


/* Under the heap's lock nothing is made or dropped. @return 1; -ENOENT;
 * NEAP_ETYPE. */
static int measure_locked(neap_heap *heap, const char *name, bool on)
{
    neap_object_kind kind;
    struct neap_sh_entry *entry;
    int status = find_lock(heap, name, &entry, &kind);
    if (status < 0)
        return status;
    if (on)
        begin(entry, kind);
    else
        atomic_store(&entry->measured, 0);
    return 1;
}


static int measure_all_locked(neap_heap *heap, bool on)
{
    neap_object_info info;
    uint64_t cursor = 0;
    int count = 0, status;
    while ((status = neap_heap_next(heap, &cursor, &info)) == NEAP_MORE)
        if (can_be_measured(info.kind)) {
            status = measure_locked(heap, info.name, on);
            if (status < 0)
                return status;
            count++;
        }
    return status < 0 ? status : count;
}


int neap_heap_measure(neap_heap *heap, const char *name, bool on)
{
    struct neap__seat *seat;
    int status = neap__heap_lock(heap, &seat);
    if (status < 0)
        return status;
    status = name ? measure_locked(heap, name, on)
                  : measure_all_locked(heap, on);
    neap__unlock(seat, &neap__header(heap)->lock);
    return status;
}


int neap_heap_lock_statistics(neap_heap *heap, const char *name,
                              neap_lock_statistics *ret_statistics)
{
    neap_object_kind kind;
    struct neap_sh_entry *entry;
    int status = find_lock(heap, name, &entry, &kind);
    if (status < 0)
        return status;
    *ret_statistics = (neap_lock_statistics){
        .kind = kind,
        .measured = neap__measured(entry),
        .owned = has_owner(kind),
        .acquisitions = atomic_load(&entry->acquisitions),
        .contended = atomic_load(&entry->contended),
        .longest_wait = (int64_t)atomic_load(&entry->longest_wait),
    };
    if (has_owner(kind)) {
        ret_statistics->waited = (int64_t)atomic_load(&entry->waited);
        ret_statistics->longest_hold =
            (int64_t)atomic_load(&entry->longest_hold);
        ret_statistics->held = (int64_t)atomic_load(&entry->held);
    }
    return 0;
}
