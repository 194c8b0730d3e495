/*
 * Counters.
 *
 * plain, double: entry.value, one atomic store a call; a death leaves it done
 *     or not done.
 * striped: entry.value and a share in the slot of each thread that adds. A
 *     share is added to with plain stores by its owner alone; it returns to
 *     entry.value when the thread ends (recovery/reap.c). entry.value itself
 *     then changes under the entry's lock only.
 */
#include <stdlib.h>
#include <string.h>

#include "heap/object.h"
#include "neap/counter.h"
#include "recovery/share.h"

#undef neap_counter_add

#define READ_TRIES 1000

struct neap_counter {
    struct neap_sh_entry *plain; /* whose value to change at once; else NULL */
    uint64_t id;                 /* of object, at hand */
    struct neap__object object;
    _Atomic uint32_t hint; /* striped: where the share was found last */
};


/* What the header's inline road relies on. */
_Static_assert(offsetof(struct neap_counter, plain) == 0 &&
               offsetof(struct neap_counter, id) == 8 &&
               offsetof(struct neap_sh_entry, value) == 8 &&
               offsetof(struct neap_sh_entry, id) == 16,
               "neap_counter_head is the beginning of a counter");


/* -- the handle ----------------------------------------------------------- */

int neap_counter_open_as(neap_heap *heap, const char *name,
                         neap_counter_kind kind, neap_counter **ret_counter)
{
    if ((unsigned)kind > NEAP_COUNTER_DOUBLE)
        return neap__fail(-EINVAL, "counter '%s': kind %d is none; plain, "
                          "striped and double are", name ? name : "",
                          (int)kind);
    struct neap__wanted wanted = {
        .kind = NEAP_OBJECT_COUNTER,
        .variant = kind,
        .default_variant = NEAP_COUNTER_PLAIN,
    };
    neap_counter *counter = calloc(1, sizeof *counter);
    if (!counter)
        return neap__fail_why(-ENOMEM, "cannot open counter '%s'", name);
    int status = neap__object_init(&counter->object, heap, name, &wanted);
    if (status < 0) {
        free(counter);
        return status;
    }
    if (counter->object.variant == NEAP_COUNTER_PLAIN && !heap->read_only)
        counter->plain = counter->object.entry;
    counter->id = counter->object.id;
    *ret_counter = counter;
    return status;
}


int neap_counter_open(neap_heap *heap, const char *name,
                      neap_counter **ret_counter)
{
    return neap_counter_open_as(heap, name, NEAP_COUNTER_ANY, ret_counter);
}


void neap_counter_close(neap_counter *counter)
{
    if (!counter)
        return;
    neap__object_release(&counter->object);
    free(counter);
}


neap_counter_kind neap_counter_kind_of(neap_counter *counter)
{
    return (neap_counter_kind)counter->object.variant;
}


const char *neap_counter_name(neap_counter *counter)
{
    return counter->object.name;
}


/* Whether the call suits the counter; the reasons stand in the text. */
static int check(const neap_counter *counter, bool real, bool changes)
{
    const struct neap__object *object = &counter->object;
    const char *heap = object->heap->address.text;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    if (real != (object->variant == NEAP_COUNTER_DOUBLE))
        return neap__fail(NEAP_ETYPE, "heap %s: counter '%s' counts %s; use "
                          "the functions for those", heap, object->name,
                          real ? "integers" : "doubles");
    if (changes && object->heap->read_only)
        return neap__fail(-EACCES, "heap %s was opened read-only; open it for "
                          "writing to change counter '%s'", heap,
                          object->name);
    return 0;
}


static int check_plain(const neap_counter *counter, const char *call)
{
    int status = check(counter, false, true);
    if (status == 0 && !counter->plain)
        return neap__fail(-ENOTSUP, "heap %s: counter '%s' is striped, and %s "
                          "needs one value; make it plain",
                          counter->object.heap->address.text,
                          counter->object.name, call);
    return status;
}


/* -- striped -------------------------------------------------------------- */

/* This thread's share, looked for where the last call found one. */
static struct neap_sh_share *find_share(neap_counter *counter,
                                        struct neap__seat *seat)
{
    struct neap__object *object = &counter->object;
    uint32_t hint = atomic_load_explicit(&counter->hint, memory_order_relaxed);
    struct neap_sh_share *share = &seat->slot->shares[hint];
    uint64_t offset = neap__offset(object->heap, object->entry);
    if (atomic_load_explicit(&share->id, memory_order_relaxed) == object->id &&
        atomic_load_explicit(&share->entry, memory_order_relaxed) == offset)
        return share;
    share = neap__share_find(seat, offset, object->id);
    if (share)
        atomic_store_explicit(&counter->hint,
                              (uint32_t)(share - seat->slot->shares),
                              memory_order_relaxed);
    return share;
}


/* A share of nothing; in use from the store of its entry on. */
static struct neap_sh_share *begin_share(neap_counter *counter,
                                         struct neap__seat *seat)
{
    struct neap__object *object = &counter->object;
    struct neap_sh_share *share = neap__share_place(seat);
    if (!share)
        return NULL;
    atomic_store_explicit(&share->id, object->id, memory_order_release);
    neap__crash_order();
    atomic_store_explicit(&share->entry,
                          neap__offset(object->heap, object->entry),
                          memory_order_release);
    return share;
}


/* Without a share: one store to the common value, which the lock covers. */
static int add_to_value(neap_counter *counter, struct neap__seat *seat,
                        int64_t n)
{
    struct neap_sh_entry *entry = counter->object.entry;
    int status = neap__lock_inside(seat, &entry->lock);
    if (status < 0)
        return status;
    atomic_store(&entry->value, atomic_load(&entry->value) + (uint64_t)n);
    neap__unlock(seat, &entry->lock);
    return 0;
}


static int add_striped(neap_counter *counter, int64_t n)
{
    struct neap__seat *seat;
    int status = neap__seat(counter->object.heap, &seat);
    if (status < 0)
        return status;
    struct neap_sh_share *share = find_share(counter, seat);
    if (NEAP__UNLIKELY(!share) && !(share = begin_share(counter, seat)))
        return add_to_value(counter, seat, n);
    uint64_t value = atomic_load_explicit(&share->value, memory_order_relaxed);
    atomic_store_explicit(&share->value, value + (uint64_t)n,
                          memory_order_relaxed);
    return 0;
}


/* Exact if no share returned meanwhile: while one does, the lock is taken, and
 * afterwards `returns` is another. */
static bool try_sum(neap_counter *counter, int64_t *ret_value)
{
    struct neap_sh_entry *entry = counter->object.entry;
    uint64_t returns = atomic_load(&entry->returns);
    if (atomic_load(&entry->lock.word))
        return false;
    uint64_t sum = atomic_load(&entry->value) +
                   neap__shares_sum(counter->object.heap, counter->object.id);
    *ret_value = (int64_t)sum;
    return atomic_load(&entry->lock.word) == 0 &&
           atomic_load(&entry->returns) == returns;
}


static int get_striped(neap_counter *counter, int64_t *ret_value)
{
    struct neap__object *object = &counter->object;
    for (int i = 0; i < READ_TRIES; i++)
        if (try_sum(counter, ret_value))
            return 0;
    if (object->heap->read_only)
        return neap__fail(-EAGAIN, "heap %s: counter '%s' is being changed, "
                          "perhaps by a process that died; open the heap for "
                          "writing", object->heap->address.text, object->name);
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (status == 0)
        status = neap__lock_inside(seat, &object->entry->lock);
    if (status < 0)
        return status;
    *ret_value = (int64_t)(atomic_load(&object->entry->value) +
                           neap__shares_sum(object->heap, object->id));
    neap__unlock(seat, &object->entry->lock);
    return 0;
}


/* What is added meanwhile comes on top. */
static int set_striped(neap_counter *counter, int64_t value)
{
    struct neap__object *object = &counter->object;
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (status == 0)
        status = neap__lock_inside(seat, &object->entry->lock);
    if (status < 0)
        return status;
    uint64_t shares = neap__shares_sum(object->heap, object->id);
    atomic_store(&object->entry->value, (uint64_t)value - shares);
    neap__unlock(seat, &object->entry->lock);
    return 0;
}


/* -- integers ------------------------------------------------------------- */

static int add_slow(neap_counter *counter, int64_t n)
{
    int status = check(counter, false, true);
    if (status < 0)
        return status;
    return add_striped(counter, n);
}


int neap_counter_add(neap_counter *counter, int64_t n)
{
    struct neap_sh_entry *entry = counter->plain;
    if (NEAP__UNLIKELY(!entry || atomic_load_explicit(&entry->id,
                                                      memory_order_relaxed) !=
                                     counter->id))
        return add_slow(counter, n);
    atomic_fetch_add_explicit(&entry->value, (uint64_t)n,
                              memory_order_seq_cst);
    return 0;
}


int neap_counter_add_get(neap_counter *counter, int64_t n, int64_t *ret_value)
{
    if (NEAP__LIKELY(counter->plain && !neap__object_gone(&counter->object))) {
        *ret_value = (int64_t)(atomic_fetch_add(&counter->plain->value,
                                                (uint64_t)n) + (uint64_t)n);
        return 0;
    }
    int status = add_slow(counter, n);
    return status < 0 ? status : get_striped(counter, ret_value);
}


int neap_counter_get(neap_counter *counter, int64_t *ret_value)
{
    int status = check(counter, false, false);
    if (status < 0)
        return status;
    if (counter->object.variant == NEAP_COUNTER_STRIPED)
        return get_striped(counter, ret_value);
    *ret_value = (int64_t)atomic_load(&counter->object.entry->value);
    return 0;
}


int neap_counter_set(neap_counter *counter, int64_t value)
{
    int status = check(counter, false, true);
    if (status < 0)
        return status;
    if (!counter->plain)
        return set_striped(counter, value);
    atomic_store(&counter->plain->value, (uint64_t)value);
    return 0;
}


int neap_counter_exchange(neap_counter *counter, int64_t value,
                          int64_t *ret_old)
{
    int status = check_plain(counter, "exchange");
    if (status < 0)
        return status;
    *ret_old = (int64_t)atomic_exchange(&counter->plain->value, (uint64_t)value);
    return 0;
}


int neap_counter_compare_exchange(neap_counter *counter, int64_t *expected,
                                  int64_t value)
{
    int status = check_plain(counter, "compare_exchange");
    if (status < 0)
        return status;
    uint64_t seen = (uint64_t)*expected;
    atomic_compare_exchange_strong(&counter->plain->value, &seen, (uint64_t)value);
    *expected = (int64_t)seen;
    return 0;
}


int neap_counter_max(neap_counter *counter, int64_t value, int64_t *ret_value)
{
    int status = check_plain(counter, "max");
    if (status < 0)
        return status;
    uint64_t seen = atomic_load(&counter->plain->value);
    while ((int64_t)seen < value &&
           !atomic_compare_exchange_weak(&counter->plain->value, &seen,
                                         (uint64_t)value))
        ;
    *ret_value = (int64_t)seen < value ? value : (int64_t)seen;
    return 0;
}


int neap_counter_min(neap_counter *counter, int64_t value, int64_t *ret_value)
{
    int status = check_plain(counter, "min");
    if (status < 0)
        return status;
    uint64_t seen = atomic_load(&counter->plain->value);
    while ((int64_t)seen > value &&
           !atomic_compare_exchange_weak(&counter->plain->value, &seen,
                                         (uint64_t)value))
        ;
    *ret_value = (int64_t)seen > value ? value : (int64_t)seen;
    return 0;
}


/* -- doubles -------------------------------------------------------------- */

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}


static double real_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}


typedef double combination(double there, double value);

/* A NaN gives way to any number, as in IEEE 754's maxNum and minNum. */
static double sum_of(double there, double value)
{
    return there + value;
}


static double larger_of(double there, double value)
{
    return value > there || there != there ? value : there;
}


static double lesser_of(double there, double value)
{
    return value < there || there != there ? value : there;
}


/* Replace the value by what `combine` makes of it; one store, like all else. */
static int update(neap_counter *counter, combination *combine, double value,
                  double *ret_value)
{
    int status = check(counter, true, true);
    if (status < 0)
        return status;
    neap_sh_word *word = &counter->object.entry->value;
    uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);
    double fresh;
    do
        fresh = combine(real_of(seen), value);
    while (!atomic_compare_exchange_weak(word, &seen, bits_of(fresh)));
    *ret_value = fresh;
    return 0;
}


int neap_counter_add_double(neap_counter *counter, double n, double *ret_value)
{
    return update(counter, sum_of, n, ret_value);
}


int neap_counter_max_double(neap_counter *counter, double value,
                            double *ret_value)
{
    return update(counter, larger_of, value, ret_value);
}


int neap_counter_min_double(neap_counter *counter, double value,
                            double *ret_value)
{
    return update(counter, lesser_of, value, ret_value);
}


int neap_counter_get_double(neap_counter *counter, double *ret_value)
{
    int status = check(counter, true, false);
    if (status < 0)
        return status;
    *ret_value = real_of(atomic_load(&counter->object.entry->value));
    return 0;
}


int neap_counter_exchange_double(neap_counter *counter, double value,
                                 double *ret_old)
{
    int status = check(counter, true, true);
    if (status < 0)
        return status;
    *ret_old = real_of(atomic_exchange(&counter->object.entry->value,
                                       bits_of(value)));
    return 0;
}


int neap_counter_set_double(neap_counter *counter, double value)
{
    double old;
    return neap_counter_exchange_double(counter, value, &old);
}


int neap_counter_compare_exchange_double(neap_counter *counter,
                                         double *expected, double value)
{
    int status = check(counter, true, true);
    if (status < 0)
        return status;
    uint64_t seen = bits_of(*expected);
    atomic_compare_exchange_strong(&counter->object.entry->value, &seen,
                                   bits_of(value));
    *expected = real_of(seen);
    return 0;
}
