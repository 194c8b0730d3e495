/*
 * Conditions.
 *
 *   entry.value    what was granted << 32 | how many wait for it
 *   entry.returns  how many notifications there have been
 *   entry.limit    offset of the mutex that those who wait use
 *   share.value    of each who waits: WAITING; then, until it has its mutex
 *                  again, GRANTED
 *
 * All of it changes under the entry's lock in redo records. Who waits says so
 * before it gives up the mutex, so whoever notifies with the mutex held finds
 * it counted. A notification grants as many waits as it says an end, but no
 * more than there are; any of those who waited then may take one, and nobody
 * who came later:
 *
 *  I1 There are no more grants than waiters who came before the last
 *     notification.
 *  I2 Who came since finds `returns` as it was and takes none. The next
 *     notification is for it, too, so that grants are never told apart.
 *
 *  I3 Who finds no grant says that it will sleep before it gives the lock up.
 *     Whoever grants has the lock after that and wakes it, or had it before and
 *     was seen. So no fence is needed here, of which wait.h tells; a drop
 *     raises `seq` in any case.
 *
 * Who gives up looks for a grant once more, with the mutex held. The grant of a
 * dead one goes to another, whoever that is.
 */
#include "sync/condition.h"

#include "recovery/reap.h"
#include "recovery/share.h"
#include "recovery/spin.h"
#include "recovery/wait.h"
#include "sync/measure.h"
#include "sync/measure.h"
#include "sync/mutex.h"

#define ONE_GRANT (UINT64_C(1) << 32)
#define WAITING UINT64_C(1)
#define GRANTED UINT64_C(2)

struct neap_condition {
    struct neap__object object;
};

/* One thread's wait. */
struct wait {
    struct neap__object *object;
    neap_mutex *mutex;
    struct neap_sh_share *share;
    uint64_t since; /* so many notifications ago it began */
    uint32_t seen;  /* what seq is while nobody wakes */
};


int neap_condition_open(neap_heap *heap, const char *name,
                        neap_condition **ret_condition)
{
    static const struct neap__wanted wanted = {.kind = NEAP_OBJECT_CONDITION};
    return neap__handle_open(heap, name, &wanted, sizeof(neap_condition),
                             (void **)ret_condition);
}


void neap_condition_close(neap_condition *condition)
{
    neap__handle_close(condition);
}


const char *neap_condition_name(neap_condition *condition)
{
    return condition->object.name;
}


/* -- what changes it, within a change and under the entry's lock ---------- */

static uint64_t waiters(const struct neap_sh_entry *entry)
{
    return (uint32_t)atomic_load(&entry->value);
}


static uint64_t grants(const struct neap_sh_entry *entry)
{
    return atomic_load(&entry->value) >> 32;
}


/* Keeps I1: no more grants than waiters. */
static void set_waiters(struct neap__tx *tx, struct neap_sh_entry *entry,
                        uint64_t granted, uint64_t waiting)
{
    granted = granted < waiting ? granted : waiting;
    neap__tx_set(tx, &entry->value, granted * ONE_GRANT | waiting);
}


static void count_notification(struct neap__tx *tx, struct neap_sh_entry *entry)
{
    neap__tx_set(tx, &entry->returns, atomic_load(&entry->returns) + 1);
}


/* All may take what it leaves: else it could be kept for one who comes
 * later. */
void neap__condition_finish(struct neap__tx *tx, struct neap_sh_entry *entry,
                            uint64_t share)
{
    uint64_t granted = grants(entry), waiting = waiters(entry);
    if (share == GRANTED)
        granted++;
    else if (waiting > 0)
        waiting--;
    set_waiters(tx, entry, granted, waiting);
    count_notification(tx, entry);
}


static void clear_share(struct neap__tx *tx, struct neap_sh_share *share)
{
    neap__tx_set(tx, &share->entry, 0);
    neap__tx_set(tx, &share->id, 0);
    neap__tx_set(tx, &share->value, 0);
}


/* -- beginning to wait ---------------------------------------------------- */

static int check_heap(struct neap__object *object, neap_mutex *mutex)
{
    if (mutex->object.heap->base != object->heap->base)
        return neap__fail(-EINVAL, "heap %s: condition '%s' cannot wait with "
                          "mutex '%s', which lies in another heap",
                          object->heap->address.text, object->name,
                          mutex->object.name);
    return neap__object_gone(object) ? neap__object_dropped(object) : 0;
}


static int check_mutex(struct neap__object *object, neap_mutex *mutex)
{
    int status = check_heap(object, mutex);
    if (status == 0 && !neap_mutex_mine(mutex))
        return neap__fail(-EPERM, "heap %s: lock mutex '%s' before waiting on "
                          "condition '%s'", object->heap->address.text,
                          mutex->object.name, object->name);
    return status;
}


static bool is_used_with_another(const struct wait *wait)
{
    struct neap_sh_entry *entry = wait->object->entry;
    return waiters(entry) > 0 &&
           atomic_load(&entry->limit) !=
               neap__offset(wait->object->heap, wait->mutex->object.entry);
}


static int other_mutex(const struct wait *wait)
{
    struct neap_heap *heap = wait->object->heap;
    const struct neap_sh_entry *other =
        neap__at(heap, atomic_load(&wait->object->entry->limit), sizeof *other,
                 NEAP_SH_GRAIN);
    return neap__fail(-EINVAL, "heap %s: condition '%s' cannot wait with mutex "
                      "'%s': others wait with mutex '%.*s'; all must use the "
                      "same one", heap->address.text, wait->object->name,
                      wait->mutex->object.name, NEAP_NAME_MAX,
                      other ? other->name : "?");
}


static int count_in_locked(struct neap__seat *seat, struct wait *wait)
{
    struct neap__object *object = wait->object;
    struct neap_sh_entry *entry = object->entry;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    if (is_used_with_another(wait))
        return other_mutex(wait);
    wait->share = neap__share_room(seat);
    if (!wait->share)
        return neap__fail(-EAGAIN, "heap %s: cannot wait on '%s': this thread "
                          "has shares of %d objects, and no more are recorded",
                          object->heap->address.text, object->name,
                          NEAP_SH_SHARES);
    wait->since = atomic_load(&entry->returns);
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    set_waiters(&tx, entry, grants(entry), waiters(entry) + 1);
    neap__tx_set(&tx, &entry->limit,
                 neap__offset(object->heap, wait->mutex->object.entry));
    neap__tx_set(&tx, &wait->share->value, WAITING);
    neap__tx_set(&tx, &wait->share->id, object->id);
    neap__tx_set(&tx, &wait->share->entry, neap__offset(object->heap, entry));
    wait->seen = neap__wait_announce(entry);
    return neap__tx_commit(&tx);
}


static int count_in(struct neap__seat *seat, struct wait *wait)
{
    struct neap_sh_entry *entry = wait->object->entry;
    int status = is_used_with_another(wait) ? neap__reap(wait->object->heap) : 0;
    if (status >= 0)
        status = neap__lock_inside(seat, &entry->lock);
    if (status < 0)
        return status;
    status = count_in_locked(seat, wait);
    neap__unlock(seat, &entry->lock);
    return status;
}


/* -- waiting, and leaving ------------------------------------------------- */

static bool is_granted(const struct wait *wait)
{
    const struct neap_sh_entry *entry = wait->object->entry;
    return atomic_load(&entry->returns) != wait->since && grants(entry) > 0;
}


static int take_locked(struct neap__seat *seat, struct wait *wait)
{
    struct neap_sh_entry *entry = wait->object->entry;
    if (neap__object_gone(wait->object))
        return neap__object_dropped(wait->object);
    if (!is_granted(wait))
        return -EBUSY;
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    set_waiters(&tx, entry, grants(entry) - 1, waiters(entry) - 1);
    neap__tx_set(&tx, &wait->share->value, GRANTED);
    return neap__tx_commit(&tx);
}


/* @return 0 granted; -EBUSY sleep, keeping I3; -EIDRM. */
static int take(struct neap__seat *seat, struct wait *wait)
{
    struct neap_sh_entry *entry = wait->object->entry;
    int status = neap__lock_inside(seat, &entry->lock);
    if (status < 0)
        return status;
    status = take_locked(seat, wait);
    if (status == -EBUSY)
        wait->seen = neap__wait_announce(entry);
    neap__unlock(seat, &entry->lock);
    return status;
}


static bool comes_soon(const struct wait *wait)
{
    struct neap__patience patience = neap__patience_begin(wait->object->entry,
                             wait->object->spin);
    bool got;
    while (!(got = is_granted(wait)) && neap__patience(&patience))
        ;
    neap__patience_end(&patience, got);
    return got;
}


static int sleep_until_granted(struct neap__seat *seat, struct wait *wait,
                               int64_t deadline)
{
    struct neap_sh_entry *entry = wait->object->entry;
    int64_t cap = NEAP__WAIT_CAP_FIRST;
    int status = deadline == NEAP_NOW ? -ETIMEDOUT : -EBUSY;
    if (status == -EBUSY && comes_soon(wait))
        status = take(seat, wait);
    while (status == -EBUSY) {
        status = neap__wait_sleep(seat, entry, wait->seen, deadline, &cap);
        if (status == 0)
            status = take(seat, wait);
    }
    return status == -ETIMEDOUT && deadline == NEAP_NOW ? -EBUSY : status;
}


/* Whoever notified has the mutex for a moment yet, and often cannot run because
 * this thread has just been woken in its place: let it. To spin, or to sleep
 * and be woken once more, takes three times as long. */
static void let_go_on(const neap_mutex *mutex)
{
    const struct neap_sh_lock *lock = &mutex->object.entry->lock;
    for (int i = 0; i < 3 && atomic_load(&lock->word); i++)
        neap__yield();
}


/* The caller has the mutex again, whatever happens meanwhile. */
static int lock_again(struct neap__seat *seat, neap_mutex *mutex,
                      uint64_t count)
{
    struct neap__object *object = &mutex->object;
    struct neap_sh_lock *lock = &object->entry->lock;
    int status;
    let_go_on(mutex);
    int64_t begun = atomic_load(&lock->word)
                        ? neap__measure_begin(object->entry) : 0;
    while ((status = neap__lock(seat, lock, object->id, NEAP_FOREVER)) ==
               -EINTR || status == NEAP__CYCLE)
        if (status == NEAP__CYCLE) /* no reason to come back without it */
            neap__futex_wait(&lock->parked, atomic_load(&lock->parked),
                             neap_deadline_after(NEAP__WAIT_CAP_UNSURE * 10));
    if (status == -EIDRM)
        return neap__object_dropped(object);
    if (status < 0)
        return status;
    neap__mutex_set_count(object, count);
    status = neap__mutex_take_over(seat, object);
    if (status >= 0 && neap__measured(object->entry))
        neap__measure_taken(object->entry, begun, true);
    return status;
}


static int leave_locked(struct neap__seat *seat, struct wait *wait, int why)
{
    struct neap_sh_entry *entry = wait->object->entry;
    if (neap__object_gone(wait->object)) {
        neap__share_forget(wait->share);
        return neap__object_dropped(wait->object);
    }
    bool granted = is_granted(wait);
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    set_waiters(&tx, entry, grants(entry) - granted, waiters(entry) - 1);
    clear_share(&tx, wait->share);
    int status = neap__tx_commit(&tx);
    return status < 0 || granted ? status : why;
}


/* With the mutex held: who was interrupted and goes on to wait would miss what
 * was granted meanwhile. @return 0 notified, or why not. */
static int leave(struct neap__seat *seat, struct wait *wait, int why)
{
    if (why == 0) {
        neap__share_forget(wait->share);
        return 0;
    }
    struct neap_sh_lock *lock = &wait->object->entry->lock;
    int status = neap__lock_inside(seat, lock);
    if (status < 0)
        return status;
    status = leave_locked(seat, wait, why);
    neap__unlock(seat, lock);
    return status;
}


typedef int check_function(struct neap__object *object, neap_mutex *mutex);

static int begin(struct wait *wait, check_function *check,
                 struct neap__seat **ret_seat)
{
    int status = neap__seat(wait->object->heap, ret_seat);
    if (status == 0)
        status = check(wait->object, wait->mutex);
    return status < 0 ? status : count_in(*ret_seat, wait);
}


int neap_condition_wait(neap_condition *condition, neap_mutex *mutex,
                        int64_t deadline)
{
    struct neap__object *object = &condition->object;
    struct wait wait = {.object = object, .mutex = mutex};
    struct neap__seat *seat;
    int status = begin(&wait, check_mutex, &seat);
    if (status < 0)
        return status;
    uint64_t count = neap__mutex_count(&mutex->object);
    neap__wait_on(seat, neap__offset(object->heap, object->entry));
    if (neap__measured(mutex->object.entry))
        neap__measure_given(mutex->object.entry);
    neap__unlock(seat, &mutex->object.entry->lock);
    status = sleep_until_granted(seat, &wait, deadline);
    int locked = lock_again(seat, mutex, count);
    status = leave(seat, &wait, status);
    neap__wait_end(seat);
    /* That an owner died goes before what else happened: who was not notified
     * finds that out by itself. */
    if (locked != 0 || status == 0)
        return locked;
    return neap__object_gave_up(object, status, "was not notified");
}


/* -- standing in ----------------------------------------------------------- */

#define ASK_EVERY INT64_C(50000000) /* nanoseconds */

/* The callbacks may use other heaps, so the seat is looked up after each. */
static int sleep_for_another(struct wait *wait,
                             const neap_condition_stand_in *stand_in)
{
    struct neap_heap *heap = wait->object->heap;
    struct neap__seat *seat;
    int status;
    do {
        status = neap__seat(heap, &seat);
        if (status < 0)
            return status;
        neap__wait_on(seat, neap__offset(heap, wait->object->entry));
        status = sleep_until_granted(seat, wait, neap_deadline_after(ASK_EVERY));
        if (status == -ETIMEDOUT && !stand_in->goes_on(stand_in->context))
            status = -ECANCELED;
    } while (status == -ETIMEDOUT || status == -EINTR);
    return status;
}


/* Who was notified leaves with the mutex locked, so that its death until then
 * passes that on. */
int neap_condition_wait_for(neap_condition *condition, neap_mutex *mutex,
                            const neap_condition_stand_in *stand_in)
{
    struct neap__object *object = &condition->object;
    struct wait wait = {.object = object, .mutex = mutex};
    struct neap__seat *seat;
    int status = begin(&wait, check_heap, &seat);
    if (status < 0)
        return status;
    stand_in->unlock(stand_in->context);
    status = sleep_for_another(&wait, stand_in);
    bool notified = status == 0;
    if (!notified && neap__seat(object->heap, &seat) == 0)
        status = leave(seat, &wait, status);
    stand_in->lock(stand_in->context);
    if (neap__seat(object->heap, &seat) == 0) {
        if (notified)
            status = leave(seat, &wait, 0);
        neap__wait_end(seat);
    }
    return status == -ECANCELED
               ? neap__fail(status, "heap %s: '%s' was not notified: its wait "
                            "was given up", object->heap->address.text,
                            object->name)
               : status;
}


/* -- notifying ------------------------------------------------------------ */

/* Has this thread the mutex that waiters use? Then nobody comes meanwhile. */
static bool keeps_others_out(struct neap__seat *seat,
                             const struct neap_sh_entry *entry)
{
    struct neap_sh_entry *mutex = neap__at(
        seat->heap, atomic_load(&entry->limit), sizeof *mutex, NEAP_SH_GRAIN);
    return mutex && neap__lock_mine(seat, &mutex->lock);
}


/* @return 1 those who sleep are to be woken; 0 they are; -EIDRM. */
static int grant_locked(struct neap__seat *seat, struct neap__object *object,
                        int64_t n)
{
    struct neap_sh_entry *entry = object->entry;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    set_waiters(&tx, entry, grants(entry) + (uint64_t)n, waiters(entry));
    count_notification(&tx, entry);
    neap__waking(seat, entry);
    int status = neap__tx_commit(&tx);
    if (status == 0 && keeps_others_out(seat, entry))
        return 1;
    neap__woken(seat, entry, n > INT_MAX ? INT_MAX : (int)n);
    return status;
}


/* Nobody who comes after the grant, and may take nothing, must be woken in the
 * place of one who may: so it is done under the lock, if not under the waiters'
 * mutex. (Whoever wakes finds the lock taken then, and has to wait again.) */
int neap_condition_notify(neap_condition *condition, int64_t n)
{
    struct neap__object *object = &condition->object;
    struct neap_sh_entry *entry = object->entry;
    struct neap__seat *seat;
    int status = neap__seat(object->heap, &seat);
    if (status < 0)
        return status;
    if (neap__object_gone(object))
        return neap__object_dropped(object);
    if (n < 1)
        return neap__fail(-EINVAL, "heap %s: condition '%s' notifies 1 or "
                          "more, not %lld", object->heap->address.text,
                          object->name, (long long)n);
    if (waiters(entry) == 0)
        return 0;
    status = neap__lock_inside(seat, &entry->lock);
    if (status < 0)
        return status;
    status = grant_locked(seat, object, n);
    neap__unlock(seat, &entry->lock);
    if (status <= 0)
        return status;
    neap__woken(seat, entry, n > INT_MAX ? INT_MAX : (int)n);
    return 0;
}
