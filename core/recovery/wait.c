/* Sleeping on an event count, see wait.h. */
#include "recovery/wait.h"

#include "neap/system.h"
#include "recovery/deadlock.h"
#include "recovery/reap.h"


void neap__wake_sleepers(struct neap_sh_entry *entry, uint32_t sleepers,
                         int count)
{
    if (neap__wake_entry(entry, count) < count)
        atomic_compare_exchange_strong(&entry->sleepers, &sleepers,
                                       sleepers & ~1u);
}


int64_t neap__wait_until(int64_t now, int64_t deadline, int64_t cap)
{
    if (!neap__fence_works())
        cap = NEAP__WAIT_CAP_UNSURE;
    return deadline - now > cap ? now + cap : deadline;
}


static neap_wait_check *_Atomic check_of_binding;


void neap_set_wait_check(neap_wait_check *check)
{
    atomic_store(&check_of_binding, check);
}


bool neap__wait_is_over(void)
{
    neap_wait_check *check = atomic_load(&check_of_binding);
    return check && check();
}


int neap__wait_expired(struct neap_heap *heap, int64_t *cap)
{
    *cap = *cap * 2 > NEAP__WAIT_CAP_LAST ? NEAP__WAIT_CAP_LAST : *cap * 2;
    int status = neap__reap(heap);
    if (status == NEAP_ECORRUPT)
        return status;
    return neap__wait_is_over() ? -EINTR : 0;
}


int neap__wait_sleep(struct neap__seat *seat, struct neap_sh_entry *entry,
                     uint32_t seen, int64_t deadline, int64_t *cap)
{
    int64_t now = neap_now();
    if (now >= deadline)
        return -ETIMEDOUT;
    neap__blocked_on(seat, entry, now);
    int status = neap__cycle_check(seat);
    if (status < 0)
        return status;
    status = neap__futex_wait(&entry->seq, seen,
                              neap__wait_until(now, deadline, *cap));
    if (status == -ETIMEDOUT)
        status = neap__wait_expired(seat->heap, cap);
    return status < 0 ? status : 0;
}


static int attempt_and_sleep(struct neap__seat *seat,
                             struct neap_sh_entry *entry,
                             neap__attempt *attempt, void *argument,
                             int64_t deadline, bool exchanged)
{
    int64_t cap = NEAP__WAIT_CAP_FIRST;
    for (;;) {
        uint32_t seen = neap__wait_begin(seat, entry, exchanged);
        int status = NEAP__SABOTAGED(NEAP__WITHOUT_LOOK)
                         ? -EBUSY : attempt(seat, argument);
        if (status != -EBUSY)
            return status;
        int slept = neap__wait_sleep(seat, entry, seen, deadline, &cap);
        if (slept == 0 || slept == -ETIMEDOUT)
            status = attempt(seat, argument);
        if (status != -EBUSY)
            return status;
        if (slept < 0)
            return slept;
    }
}


static int wait_for(struct neap__seat *seat, struct neap_sh_entry *entry,
                    neap__attempt *attempt, void *argument, int64_t deadline,
                    bool exchanged)
{
    int status = attempt(seat, argument);
    if (status != -EBUSY || deadline == NEAP_NOW)
        return status;
    status = attempt_and_sleep(seat, entry, attempt, argument, deadline,
                               exchanged);
    neap__wait_end(seat);
    if (status < 0) {
        neap__waking(seat, entry);
        neap__woken(seat, entry, 1);
    }
    return status;
}


int neap__wait_for(struct neap__seat *seat, struct neap_sh_entry *entry,
                   neap__attempt *attempt, void *argument, int64_t deadline)
{
    return wait_for(seat, entry, attempt, argument, deadline, false);
}


int neap__wait_for_exchanged(struct neap__seat *seat,
                             struct neap_sh_entry *entry,
                             neap__attempt *attempt, void *argument,
                             int64_t deadline)
{
    return wait_for(seat, entry, attempt, argument, deadline, true);
}
