/*
 * The directory: names to entries, an open-addressed table of words.
 *
 * D1 A word is stored when the entry that it names is complete; so a reader
 *    without a lock never sees half an object.
 * D2 Every change adds one to header.version, last. A reader without a lock
 *    that finds the same version before and after has read nothing of a table
 *    that was rebuilt under its eyes.
 * D3 At most three quarters of the words are in use, dropped ones included:
 *    a search ends at a word that was never used.
 * D4 A free entry waits in a queue, and not the first few: a late user of a
 *    handle still finds that its object is gone, not another one.
 */
#include <stdio.h>
#include <string.h>

#include "heap/table.h"
#include "recovery/wait.h"

#define READ_TRIES 1000
#define ENTRIES_BYTES (NEAP_SH_ENTRIES_MADE * sizeof(struct neap_sh_entry))


static void read_entry(const struct neap_sh_entry *entry,
                       struct neap__found *found)
{
    found->entry = (struct neap_sh_entry *)entry;
    found->id = atomic_load(&entry->id);
    found->what = atomic_load(&entry->what);
    found->data = atomic_load(&entry->extent);
    memcpy(found->shape, entry->shape, sizeof found->shape);
}


/* -- room for one more ---------------------------------------------------- */

static int make_entries(struct neap__seat *seat)
{
    struct neap_heap *heap = seat->heap;
    struct neap_sh_header *header = neap__header(heap);
    uint64_t first;
    int status = neap__meta_find(seat, ENTRIES_BYTES, &first);
    if (status < 0)
        return status;
    struct neap_sh_entry *entries =
        (struct neap_sh_entry *)(heap->base + first);
    memset((void *)entries, 0, ENTRIES_BYTES);
    for (uint64_t i = 0; i < NEAP_SH_ENTRIES_MADE; i++)
        entries[i].next = i + 1 < NEAP_SH_ENTRIES_MADE
                              ? first + (i + 1) * sizeof *entries
                              : header->entry_head;
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    neap__meta_take(&tx, ENTRIES_BYTES);
    neap__tx_set(&tx, &header->entry_head, first);
    if (!header->entry_head)
        neap__tx_set(&tx, &header->entry_tail,
                     first + (NEAP_SH_ENTRIES_MADE - 1) * sizeof *entries);
    neap__tx_set(&tx, &header->entry_count,
                 header->entry_count + NEAP_SH_ENTRIES_MADE);
    neap__tx_set(&tx, &header->entry_total,
                 header->entry_total + NEAP_SH_ENTRIES_MADE);
    return neap__tx_commit(&tx);
}


/* The head of the queue, made fit for use. An entry whose lock is still held,
 * by the last owner of a dropped mutex, is not. */
static int keep_entry(struct neap__seat *seat,
                      struct neap_sh_entry **ret_entry)
{
    struct neap_heap *heap = seat->heap;
    struct neap_sh_header *header = neap__header(heap);
    struct neap_sh_entry *entry = neap__entry_at(heap, header->entry_head);
    if (header->entry_count <= NEAP_SH_ENTRIES_RESTING ||
        (entry && atomic_load(&entry->lock.word))) {
        int status = make_entries(seat);
        if (status < 0)
            return status;
        entry = neap__entry_at(heap, header->entry_head);
    }
    if (!entry || atomic_load(&entry->id))
        return neap__directory_corrupt(heap, "the queue of free entries");
    *ret_entry = entry;
    return 0;
}


/* -- making --------------------------------------------------------------- */

/* Nobody but a late user of an old handle looks at a free entry, and that one
 * only at its id. */
static void fill_entry(struct neap_sh_entry *entry, const char *name,
                       uint64_t hash, const struct neap__wanted *wanted)
{
    uint32_t variant = wanted->variant ? wanted->variant
                                       : wanted->default_variant;
    atomic_store(&entry->value, wanted->value);
    atomic_store(&entry->limit, wanted->limit);
    atomic_store(&entry->returns, 0);
    atomic_store(&entry->abandoned, 0);
    atomic_store(&entry->sleepers, 0);
    atomic_store(&entry->bias, 0);
    atomic_store(&entry->extent, 0);
    atomic_store(&entry->what,
                 neap_sh_what(wanted->kind, variant, wanted->type,
                              wanted->dimensions));
    entry->hash = hash;
    atomic_store(&entry->acquisitions, 0);
    atomic_store(&entry->contended, 0);
    atomic_store(&entry->longest_wait, 0);
    memset(entry->shape, 0, sizeof entry->shape);
    entry->bound = wanted->bound;
    for (uint32_t i = 0; i < wanted->dimensions; i++)
        entry->shape[i] = wanted->shape[i];
    memset(entry->name, 0, sizeof entry->name);
    memcpy(entry->name, name, strlen(name));
}


static void queue_pop(struct neap__tx *tx, struct neap_sh_entry *entry)
{
    struct neap_sh_header *header = neap__header(tx->seat->heap);
    uint64_t next = neap__tx_get(tx, &entry->next);
    neap__tx_set(tx, &header->entry_head, next);
    if (!next)
        neap__tx_set(tx, &header->entry_tail, 0);
    neap__tx_set(tx, &header->entry_count,
                 neap__tx_get(tx, &header->entry_count) - 1);
}


static int find_bytes(struct neap__seat *seat, uint64_t bytes,
                      struct neap_sh_extent **ret_extent)
{
    uint64_t zeroed_from;
    int status = neap__extent_find(seat, bytes, ret_extent, &zeroed_from);
    if (status < 0)
        return status;
    return neap__extent_zero(seat, *ret_extent, bytes, zeroed_from);
}


/* Under the heap's lock, and the name is not there. */
static int make_object(struct neap__seat *seat, const char *name,
                       uint64_t hash, const struct neap__wanted *wanted,
                       struct neap_sh_entry **ret_entry)
{
    struct neap_heap *heap = seat->heap;
    struct neap_sh_header *header = neap__header(heap);
    struct neap_sh_entry *entry = NULL;
    struct neap_sh_extent *extent = NULL;
    struct neap__place place;
    int status = neap__table_keep(seat);
    if (status == 0)
        status = keep_entry(seat, &entry);
    if (status == 0 && wanted->bytes)
        status = find_bytes(seat, wanted->bytes, &extent);
    if (status == 0)
        status = neap__table_search(heap, name, hash, &place);
    if (status < 0)
        return status;

    fill_entry(entry, name, hash, wanted);
    uint64_t offset = neap__offset(heap, entry);
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    if (extent) {
        neap__extent_take(&tx, extent, wanted->bytes, offset);
        neap__tx_set(&tx, &entry->extent, neap__offset(heap, extent));
    }
    queue_pop(&tx, entry);
    neap__tx_set(&tx, &entry->id, header->next_id);
    neap__tx_set(&tx, &header->next_id, header->next_id + 1);
    neap__tx_set(&tx, &header->objects, header->objects + 1);
    if (atomic_load(place.word) == 0)
        neap__tx_set(&tx, &header->table_used, header->table_used + 1);
    neap__tx_set(&tx, place.word, neap__table_word(hash, offset));
    neap__tx_set(&tx, &header->version, header->version + 1);
    status = neap__tx_commit(&tx);
    *ret_entry = entry;
    return status;
}


/* -- opening -------------------------------------------------------------- */

static bool is_wanted(const struct neap__found *found,
                      const struct neap__wanted *wanted)
{
    if (neap_sh_what_kind(found->what) != (uint32_t)wanted->kind)
        return false;
    if (wanted->variant && neap_sh_what_variant(found->what) != wanted->variant)
        return false;
    if (wanted->type &&
        neap_sh_what_type(found->what) != (uint32_t)wanted->type)
        return false;
    if (!wanted->dimensions)
        return true;
    if (neap_sh_what_dimensions(found->what) != wanted->dimensions)
        return false;
    for (uint32_t i = 0; i < wanted->dimensions; i++)
        if (found->shape[i] != wanted->shape[i])
            return false;
    return true;
}


static int other_type(struct neap_heap *heap, const char *name,
                      const struct neap__found *found,
                      const struct neap__wanted *wanted)
{
    char there[240], here[240];
    uint64_t what = neap_sh_what(wanted->kind, wanted->variant, wanted->type,
                                 wanted->dimensions);
    return neap__fail(NEAP_ETYPE, "heap %s: '%s' is %s, not %s; open it as "
                      "what it is, drop it, or choose another name",
                      heap->address.text, name,
                      neap__what_text(found->what, found->shape, there),
                      neap__what_text(what, wanted->shape, here));
}


/* Data of arrays: from the extent record to its bytes, checked. */
static int locate_data(struct neap_heap *heap, struct neap__found *found)
{
    if (neap_sh_what_kind(found->what) != NEAP_OBJECT_ARRAY)
        return 0;
    struct neap_sh_extent *extent = neap__extent_at(heap, found->data);
    uint64_t bytes = neap_type_size((neap_type)neap_sh_what_type(found->what));
    uint32_t dimensions = neap_sh_what_dimensions(found->what);
    bool sound = extent && bytes && dimensions >= 1 &&
                 dimensions <= NEAP_DIMENSIONS_MAX &&
                 extent->state == NEAP_SH_USED;
    for (uint32_t i = 0; sound && i < dimensions; i++)
        sound = !__builtin_mul_overflow(bytes, found->shape[i], &bytes);
    if (!sound || bytes > extent->size ||
        extent->start < neap__header(heap)->heap_offset ||
        !neap__inside(heap, extent->start, bytes, NEAP_SH_GRAIN))
        return neap__directory_corrupt(heap, "an array's extent");
    found->data = extent->start;
    return 0;
}


static int accept(struct neap_heap *heap, const char *name,
                  const struct neap__wanted *wanted, struct neap__found *found)
{
    if (!is_wanted(found, wanted))
        return other_type(heap, name, found, wanted);
    return locate_data(heap, found);
}


static int no_such(struct neap_heap *heap, const char *name)
{
    return neap__fail(-ENOENT, "heap %s has no object '%s'; `neap show` lists "
                      "those that it has", heap->address.text, name);
}


/* Keeps D2. @return 0, found or not; NEAP_ECORRUPT; -EAGAIN. */
static int find_without_lock(struct neap_heap *heap, const char *name,
                             uint64_t hash, struct neap__found *found)
{
    struct neap_sh_header *header = neap__header(heap);
    for (int i = 0; i < READ_TRIES; i++) {
        struct neap__place place = {0};
        uint64_t version = atomic_load(&header->version);
        int status = neap__table_search(heap, name, hash, &place);
        if (status == 0 && place.entry)
            read_entry(place.entry, found);
        if (atomic_load(&header->version) != version)
            continue;
        if (status == 0 && place.entry && found->id == 0)
            continue;
        found->entry = status == 0 ? place.entry : NULL;
        return status;
    }
    return neap__fail(-EAGAIN, "heap %s changes too fast to be read without "
                      "its lock; try again, or open it for writing",
                      heap->address.text);
}


static int open_read_only(struct neap_heap *heap, const char *name,
                          const struct neap__wanted *wanted,
                          struct neap__found *found)
{
    int status = find_without_lock(heap, name, neap__name_hash(name), found);
    if (status < 0)
        return status;
    return found->entry ? accept(heap, name, wanted, found)
                        : no_such(heap, name);
}


int neap__heap_lock(struct neap_heap *heap, struct neap__seat **ret_seat)
{
    struct neap__seat *seat;
    int status = neap__seat(heap, &seat);
    if (status < 0)
        return status;
    status = neap__lock_inside(seat, &neap__header(heap)->lock);
    if (status < 0)
        return status;
    *ret_seat = seat;
    return 0;
}


static int open_locked(struct neap__seat *seat, const char *name,
                       const struct neap__wanted *wanted,
                       struct neap__found *found)
{
    struct neap_heap *heap = seat->heap;
    uint64_t hash = neap__name_hash(name);
    struct neap__place place;
    int status = neap__table_search(heap, name, hash, &place);
    if (status < 0)
        return status;
    bool created = !place.entry;
    if (created && wanted->must_exist)
        return no_such(heap, name);
    if (created)
        status = make_object(seat, name, hash, wanted, &place.entry);
    if (status < 0)
        return status;
    read_entry(place.entry, found);
    status = accept(heap, name, wanted, found);
    return status < 0 ? status : created ? NEAP_CREATED : 0;
}


int neap__object_open(struct neap_heap *heap, const char *name,
                      const struct neap__wanted *wanted,
                      struct neap__found *ret_found)
{
    struct neap__found found = {0};
    int status = neap__name_check(heap, name);
    if (status < 0)
        return status;
    if (heap->read_only) {
        status = open_read_only(heap, name, wanted, &found);
    } else {
        struct neap__seat *seat;
        status = neap__heap_lock(heap, &seat);
        if (status < 0)
            return status;
        status = open_locked(seat, name, wanted, &found);
        neap__unlock(seat, &neap__header(heap)->lock);
    }
    if (status >= 0)
        *ret_found = found;
    return status;
}


/* -- dropping ------------------------------------------------------------- */

static void queue_push(struct neap__tx *tx, struct neap_sh_entry *entry)
{
    struct neap_heap *heap = tx->seat->heap;
    struct neap_sh_header *header = neap__header(heap);
    uint64_t offset = neap__offset(heap, entry);
    struct neap_sh_entry *tail =
        neap__entry_at(heap, neap__tx_get(tx, &header->entry_tail));
    neap__tx_set(tx, &entry->next, 0);
    if (tail)
        neap__tx_set(tx, &tail->next, offset);
    else
        neap__tx_set(tx, &header->entry_head, offset);
    neap__tx_set(tx, &header->entry_tail, offset);
    neap__tx_set(tx, &header->entry_count,
                 neap__tx_get(tx, &header->entry_count) + 1);
}


static int drop_entry(struct neap__seat *seat, struct neap__place *place)
{
    struct neap_heap *heap = seat->heap;
    struct neap_sh_header *header = neap__header(heap);
    struct neap_sh_entry *entry = place->entry;
    struct neap_sh_extent *extent = NULL;
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    if (neap_sh_what_kind(entry->what) == NEAP_OBJECT_ARRAY) {
        extent = neap__extent_at(heap, entry->extent);
        if (!extent)
            return neap__directory_corrupt(heap, "an array's extent");
        neap__extent_free(&tx, extent);
    }
    uint64_t start = extent ? extent->start : 0;
    uint64_t size = extent ? extent->size : 0;
    queue_push(&tx, entry);
    neap__tx_set(&tx, &entry->id, 0);
    neap__tx_set(&tx, place->word, NEAP__TABLE_DROPPED);
    neap__tx_set(&tx, &header->objects, header->objects - 1);
    neap__tx_set(&tx, &header->version, header->version + 1);
    neap__waking(seat, entry);
    int status = neap__tx_commit(&tx);
    if (status == 0 && extent)
        neap__extent_return_pages(heap, start, size);
    return status;
}


/* Everybody who waits for it, in whatever way, finds that it is gone. */
static void wake_all(struct neap__seat *seat, struct neap_sh_entry *entry)
{
    neap__wake_entry(entry, INT_MAX);
    neap__lock_wake(&entry->lock, INT_MAX);
    neap__woken(seat, entry, INT_MAX);
}


int neap_heap_drop(neap_heap *heap, const char *name)
{
    int status = neap__name_check(heap, name);
    if (status < 0)
        return status;
    struct neap__seat *seat;
    status = neap__heap_lock(heap, &seat);
    if (status < 0)
        return status;
    struct neap__place place;
    status = neap__table_search(heap, name, neap__name_hash(name), &place);
    if (status == 0)
        status = place.entry ? drop_entry(seat, &place) : no_such(heap, name);
    neap__unlock(seat, &neap__header(heap)->lock);
    if (status == 0)
        wake_all(seat, place.entry);
    return status;
}


int neap__object_find(struct neap_heap *heap, const char *name,
                      struct neap__found *ret_found)
{
    struct neap__found found = {0};
    int status = neap__name_check(heap, name);
    if (status == 0)
        status = find_without_lock(heap, name, neap__name_hash(name), &found);
    if (status == 0 && !found.entry)
        status = no_such(heap, name);
    if (status == 0)
        *ret_found = found;
    return status;
}
