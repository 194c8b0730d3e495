/*
 * Semaphores.
 *
 * classic: entry.value is the number of permits; taking one is a single store,
 *     which happened or did not.
 * undo, of a few permits: each is a cell with its holder's tag, see
 * semaphore.h. undo, of more: value and the holder's share change together, in
 *     one redo record under the entry's lock, so that value and all shares
 *     always add up to `limit`; the share of a thread that ends returns by
 * itself.
 *
 * Both wait on the entry's event count (recovery/wait.h).
 */
#include <limits.h>
#include <stdio.h>

#include "recovery/spin.h"
#include "recovery/wait.h"
#include "sync/measure.h"
#include "sync/semaphore.h"


/* -- the handle ----------------------------------------------------------- */

static int check_wanted(const char *name, int64_t initial, int64_t bound,
                        neap_semaphore_kind kind)
{
    name = name ? name : "";
    if (bound < 0 || bound > NEAP_SEMAPHORE_MAX)
        return neap__fail(-EINVAL, "semaphore '%s': a bound of %lld; it can be "
                          "1 to %d, or 0 for none", name, (long long)bound,
                          NEAP_SEMAPHORE_MAX);
    int64_t most = bound ? bound : NEAP_SEMAPHORE_MAX;
    if (initial < 0 || initial > most)
        return neap__fail(-EINVAL, "semaphore '%s': %lld permits; it can have "
                          "0 to %lld", name, (long long)initial,
                          (long long)most);
    if ((unsigned)kind > NEAP_SEMAPHORE_UNDO)
        return neap__fail(-EINVAL, "semaphore '%s': kind %d is none; classic "
                          "and undo are", name, (int)kind);
    return 0;
}


/* Constant while the object lives. */
static uint64_t bound_of(const struct neap__object *object)
{
    return object->entry->bound;
}


static int other_bound(struct neap__object *object, int64_t bound)
{
    char there[40] = "no bound";
    if (bound_of(object))
        snprintf(there, sizeof there, "a bound of %llu",
                 (unsigned long long)bound_of(object));
    return neap__fail(NEAP_ETYPE, "heap %s: semaphore '%s' has %s, not one of "
                      "%lld; open it without one, drop it, or choose another "
                      "name", object->heap->address.text, object->name, there,
                      (long long)bound);
}


int neap_semaphore_open_bounded(neap_heap *heap, const char *name,
                                int64_t initial, int64_t bound,
                                neap_semaphore_kind kind,
                                neap_semaphore **ret_semaphore)
{
    int status = check_wanted(name, initial, bound, kind);
    if (status < 0)
        return status;
    const struct neap__wanted wanted = {
        .kind = NEAP_OBJECT_SEMAPHORE,
        .variant = kind,
        .default_variant = NEAP_SEMAPHORE_CLASSIC,
        .value = (uint64_t)initial,
        .limit = (uint64_t)initial,
        .bound = (uint64_t)bound,
    };
    neap_semaphore *semaphore;
    status = neap__handle_open(heap, name, &wanted, sizeof *semaphore,
                               (void **)&semaphore);
    if (status < 0)
        return status;
    if (bound && bound_of(&semaphore->object) != (uint64_t)bound) {
        status = other_bound(&semaphore->object, bound);
        neap__handle_close(semaphore);
        return status;
    }
    semaphore->cells = neap_sh_cell_count(semaphore->object.entry);
    *ret_semaphore = semaphore;
    return status;
}


int neap_semaphore_open(neap_heap *heap, const char *name, int64_t initial,
                        neap_semaphore_kind kind,
                        neap_semaphore **ret_semaphore)
{
    return neap_semaphore_open_bounded(heap, name, initial, 0, kind,
                                       ret_semaphore);
}


int64_t neap_semaphore_bound(neap_semaphore *semaphore)
{
    return (int64_t)bound_of(&semaphore->object);
}


void neap_semaphore_close(neap_semaphore *semaphore)
{
    neap__handle_close(semaphore);
}


const char *neap_semaphore_name(neap_semaphore *semaphore)
{
    return semaphore->object.name;
}


neap_semaphore_kind neap_semaphore_kind_of(neap_semaphore *semaphore)
{
    return (neap_semaphore_kind)semaphore->object.variant;
}


/* -- taking --------------------------------------------------------------- */

/* What is wanted of which one. */
struct want {
    neap_semaphore *semaphore;
    uint64_t n;
};


/* @return 0; -EBUSY there are too few; -EIDRM. No text for -EBUSY. */
NEAP__INLINE int take_classic(struct neap__object *object, uint64_t n)
{
    neap_sh_word *value = &object->entry->value;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    uint64_t seen = atomic_load(value);
    if (NEAP__SABOTAGED(NEAP__WITHOUT_CLAIM) && seen >= n) {
        atomic_store(value, seen - n);
        return 0;
    }
    while (seen >= n)
        if (atomic_compare_exchange_weak_explicit(value, &seen, seen - n,
                                                  memory_order_seq_cst,
                                                  memory_order_seq_cst))
            return 0;
    return -EBUSY;
}


/* Under the entry's lock. */
static int take_undo_locked(struct neap__seat *seat,
                            struct neap__object *object, uint64_t n)
{
    struct neap_sh_entry *entry = object->entry;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    uint64_t value = atomic_load(&entry->value);
    if (value < n)
        return -EBUSY;
    uint64_t offset = neap__offset(object->heap, entry);
    struct neap_sh_share *share = neap__share_find(seat, offset, object->id);
    uint64_t has = share ? atomic_load(&share->value) : 0;
    if (!share && !(share = neap__share_room(seat)))
        return neap__semaphore_no_share(object);
    struct neap__tx tx = {.seat = seat};
    neap__tx_add(&tx, &entry->value, value - n);
    neap__tx_add(&tx, &share->value, has + n);
    if (!has) {
        neap__tx_add(&tx, &share->id, object->id);
        neap__tx_add(&tx, &share->entry, offset);
    }
    neap__tx_finish(&tx);
    return 0;
}


static int take(struct neap__seat *seat, const struct want *want)
{
    struct neap__object *object = &want->semaphore->object;
    if (object->variant == NEAP_SEMAPHORE_CLASSIC)
        return take_classic(object, want->n);
    if (want->semaphore->cells)
        return neap__cells_take(want->semaphore, seat, want->n);
    int status = neap__lock_inside(seat, &object->entry->lock);
    if (status < 0)
        return status;
    status = take_undo_locked(seat, object, want->n);
    neap__unlock(seat, &object->entry->lock);
    return status;
}


static uint64_t free_permits(const neap_semaphore *semaphore)
{
    struct neap_sh_entry *entry = semaphore->object.entry;
    return semaphore->cells
               ? neap_sh_cells_of(entry, 0)
               : atomic_load_explicit(&entry->value, memory_order_relaxed);
}


/* @return as take, -EBUSY when it is time to sleep. */
static int take_spinning(struct neap__seat *seat, const struct want *want)
{
    struct neap__patience patience =
        neap__patience_begin(want->semaphore->object.entry,
                             want->semaphore->object.spin);
    int status = -EBUSY;
    while (status == -EBUSY && neap__patience(&patience))
        if (free_permits(want->semaphore) >= want->n)
            status = take(seat, want);
    neap__patience_end(&patience, status == 0);
    return status;
}


static int attempt_to_take(struct neap__seat *seat, void *want)
{
    return take(seat, want);
}


/* Whoever wants more than one may be woken and find too few, while there are
 * enough for another: from now on all are woken, for as long as the object
 * lives. Stored before the sleep is announced, so that who releases sees both.
 * A dropped one's entry rests before it is another's, much longer than this. */
static int take_waiting(struct neap__seat *seat, struct want *want,
                        int64_t deadline)
{
    struct neap__object *object = &want->semaphore->object;
    struct neap_sh_entry *entry = object->entry;
    if (want->n > 1 && !neap__object_gone(object))
        atomic_store(&entry->many, 1);
    if (object->variant == NEAP_SEMAPHORE_CLASSIC)
        return neap__wait_for_exchanged(seat, entry, attempt_to_take, want,
                                        deadline);
    return neap__wait_for(seat, entry, attempt_to_take, want, deadline);
}


static int no_permit(struct neap__object *object, int status)
{
    return neap__object_gave_up(object, status, "gave no permit");
}


static int wrong_n(const struct neap__object *object, int64_t n,
                   const char *what)
{
    uint64_t bound = bound_of(object);
    return neap__fail(-EINVAL, "heap %s: semaphore '%s': %lld permits cannot "
                      "be %s at once; 1 to %llu can",
                      object->heap->address.text, object->name, (long long)n,
                      what,
                      (unsigned long long)(bound ? bound : NEAP_SEMAPHORE_MAX));
}


static bool is_possible(const struct neap__object *object, int64_t n)
{
    uint64_t bound = bound_of(object);
    return n >= 1 && n <= NEAP_SEMAPHORE_MAX && (!bound || (uint64_t)n <= bound);
}


NEAP__INLINE int acquire(neap_semaphore *semaphore, int64_t n,
                         int64_t deadline)
{
    struct neap__object *object = &semaphore->object;
    struct want want = {semaphore, (uint64_t)n};
    struct neap__seat *seat;
    if (n != 1 && NEAP__UNLIKELY(!is_possible(object, n)))
        return wrong_n(object, n, "acquired");
    int status = neap__seat(object->heap, &seat);
    if (NEAP__UNLIKELY(status < 0))
        return status;
    status = object->variant == NEAP_SEMAPHORE_CLASSIC
                 ? take_classic(object, want.n) : take(seat, &want);
    if (NEAP__LIKELY(status == 0 && !neap__measured(object->entry)))
        return 0;
    int64_t begun = status == -EBUSY ? neap__measure_begin(object->entry) : 0;
    if (status == -EBUSY && deadline != NEAP_NOW)
        status = take_spinning(seat, &want);
    if (status == -EBUSY && deadline != NEAP_NOW)
        status = take_waiting(seat, &want, deadline);
    if (status == 0 && neap__measured(object->entry))
        neap__measure_taken(object->entry, begun, false);
    return no_permit(object, status);
}


static __attribute__((noinline)) int acquire_one(neap_semaphore *semaphore,
                                                 int64_t deadline)
{
    return acquire(semaphore, 1, deadline);
}


/* A cell at once, and without a call; see neap__lock_fast. */
NEAP__INLINE bool acquire_fast(neap_semaphore *semaphore)
{
    struct neap__object *object = &semaphore->object;
    struct neap__seat *seat = neap__seat_fast(object->heap);
    if (NEAP__UNLIKELY(!seat || !neap__cells_known(semaphore, seat) ||
                       neap__measured(object->entry) ||
                       neap__object_gone(object)))
        return false;
    _Atomic uint32_t *cell = neap__cell_take(semaphore, seat);
    if (NEAP__UNLIKELY(cell && neap__object_gone(object))) {
        atomic_store(cell, 0); /* perhaps another's now; the slow road tells */
        cell = NULL;
    }
    return cell;
}


int neap_semaphore_acquire(neap_semaphore *semaphore, int64_t deadline)
{
    return semaphore->cells && NEAP__LIKELY(acquire_fast(semaphore))
               ? 0 : acquire_one(semaphore, deadline);
}


int neap_semaphore_acquire_many(neap_semaphore *semaphore, int64_t n,
                                int64_t deadline)
{
    return acquire(semaphore, n, deadline);
}


/* -- giving --------------------------------------------------------------- */

static int beyond_bound(const struct neap__object *object, uint64_t value,
                        uint64_t n)
{
    uint64_t bound = bound_of(object);
    return neap__fail(-EOVERFLOW, "heap %s: cannot release %llu of semaphore "
                      "'%s': it has %llu permits, and %llu at most; more were "
                      "released than acquired", object->heap->address.text,
                      (unsigned long long)n, object->name,
                      (unsigned long long)value,
                      (unsigned long long)(bound ? bound : NEAP_SEMAPHORE_MAX));
}


NEAP__INLINE int give_classic(struct neap__object *object, uint64_t n)
{
    neap_sh_word *value = &object->entry->value;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    uint64_t most = bound_of(object) ? bound_of(object) : NEAP_SEMAPHORE_MAX;
    uint64_t seen = atomic_load_explicit(value, memory_order_relaxed);
    do
        if (n > most || seen > most - n)
            return beyond_bound(object, seen, n);
    while (!atomic_compare_exchange_weak(value, &seen, seen + n));
    return 0;
}


static int holds_too_few(const struct neap__object *object, uint64_t has)
{
    char many[24] = "no";
    if (has)
        snprintf(many, sizeof many, "%llu", (unsigned long long)has);
    return neap__fail(-EPERM, "heap %s: this thread holds %s permit%s of undo "
                      "semaphore '%s'; only a holder releases, and only what it "
                      "holds", object->heap->address.text, many,
                      has > 1 ? "s" : "", object->name);
}


static int give_undo_locked(struct neap__seat *seat,
                            struct neap__object *object, uint64_t n)
{
    struct neap_sh_entry *entry = object->entry;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    struct neap_sh_share *share =
        neap__share_find(seat, neap__offset(object->heap, entry), object->id);
    uint64_t has = share ? atomic_load(&share->value) : 0;
    if (has < n)
        return holds_too_few(object, has);
    struct neap__tx tx = {.seat = seat};
    neap__tx_add(&tx, &entry->value, atomic_load(&entry->value) + n);
    neap__tx_add(&tx, &share->value, has - n);
    if (has == n) {
        neap__tx_add(&tx, &share->id, 0);
        neap__tx_add(&tx, &share->entry, 0);
    }
    neap__tx_finish(&tx);
    return 0;
}


static int give_cells(struct neap__seat *seat, neap_semaphore *semaphore,
                      uint64_t n)
{
    uint64_t has = 0;
    int status = neap__cells_give(semaphore, seat, n, &has);
    return status == -EPERM ? holds_too_few(&semaphore->object, has) : status;
}


static int give_undo(struct neap__seat *seat, neap_semaphore *semaphore,
                     uint64_t n)
{
    struct neap__object *object = &semaphore->object;
    if (semaphore->cells)
        return give_cells(seat, semaphore, n);
    int status = neap__lock_inside(seat, &object->entry->lock);
    if (status < 0)
        return status;
    status = give_undo_locked(seat, object, n);
    neap__unlock(seat, &object->entry->lock);
    return status;
}


/* Wake as many as n permits are for; all if some want more than one. */
NEAP__INLINE void wake_for(struct neap__seat *seat,
                           struct neap_sh_entry *entry, int64_t n)
{
    neap__fence_light(seat->light);
    bool all = atomic_load_explicit(&entry->many,
                                    memory_order_relaxed);
    neap__woken(seat, entry, all ? INT_MAX : (int)n);
}


NEAP__INLINE int release(neap_semaphore *semaphore, int64_t n)
{
    struct neap__object *object = &semaphore->object;
    struct neap__seat *seat;
    if (n != 1 && NEAP__UNLIKELY(!is_possible(object, n)))
        return wrong_n(object, n, "released");
    int status = neap__seat(object->heap, &seat);
    if (NEAP__UNLIKELY(status < 0))
        return status;
    neap__waking(seat, object->entry);
    status = object->variant == NEAP_SEMAPHORE_CLASSIC
                 ? give_classic(object, (uint64_t)n)
                 : give_undo(seat, semaphore, (uint64_t)n);
    wake_for(seat, object->entry, n);
    return status;
}


static __attribute__((noinline)) int release_one(neap_semaphore *semaphore)
{
    return release(semaphore, 1);
}


/* A cell at once, and without a call unless somebody sleeps. */
NEAP__INLINE bool release_fast(neap_semaphore *semaphore)
{
    struct neap__object *object = &semaphore->object;
    struct neap__seat *seat = neap__seat_fast(object->heap);
    _Atomic uint32_t *cell =
        NEAP__LIKELY(seat && !neap__object_gone(object))
            ? neap__cell_mine(semaphore, seat) : NULL;
    if (NEAP__UNLIKELY(!cell))
        return false;
    neap__waking(seat, object->entry);
    atomic_store_explicit(cell, 0, memory_order_release);
    wake_for(seat, object->entry, 1);
    return true;
}


int neap_semaphore_release(neap_semaphore *semaphore)
{
    return semaphore->cells && NEAP__LIKELY(release_fast(semaphore))
               ? 0 : release_one(semaphore);
}


int neap_semaphore_release_many(neap_semaphore *semaphore, int64_t n)
{
    return release(semaphore, n);
}


int neap_semaphore_get(neap_semaphore *semaphore, int64_t *ret_value)
{
    struct neap__object *object = &semaphore->object;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    *ret_value = (int64_t)free_permits(semaphore);
    return 0;
}
