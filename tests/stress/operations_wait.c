/*
 * Waiting for each other: a condition with its mutex, and a barrier that those
 * who come join and leave. Both are used for a moment only; that nobody is
 * counted who is not there any more, the heap's check tells.
 */
#include "stress/storm.h"

#define MILLISECOND INT64_C(1000000)


static bool goes_on(void *unused)
{
    (void)unused;
    return true;
}


static bool open_talk(struct actor *actor)
{
    return (actor->talk ||
            MUST(actor, neap_condition_open(actor->heap, "talk",
                                            &actor->talk))) &&
           (actor->floor || MUST(actor, neap_mutex_open(actor->heap, "floor",
                                                        &actor->floor)));
}


/* Whoever has the floor waits, or tells some or all. */
void do_talk(struct actor *actor)
{
    int status;
    if (!open_talk(actor))
        return;
    do
        status = neap_mutex_lock(actor->floor, NEAP_FOREVER);
    while (status == -EINTR);
    if (!MUST(actor, status))
        return;
    uint64_t n = actor_random(actor, 4);
    if (n == 0)
        status = neap_condition_wait(
            actor->talk, actor->floor,
            neap_deadline_after((int64_t)actor_random(actor, 3) * MILLISECOND));
    else
        status = neap_condition_notify(actor->talk,
                                       n == 3 ? INT32_MAX : (int64_t)n);
    MAY(actor, status, -ETIMEDOUT, -EBUSY, -EINTR);
    if (!neap_mutex_mine(actor->floor))
        violation(actor->board, "whoever waited has not the mutex again");
    MUST(actor, neap_mutex_repaired(actor->floor));
    MUST(actor, neap_mutex_unlock(actor->floor));
}


void do_gate(struct actor *actor)
{
    if (!actor->gate &&
        !MUST(actor, neap_barrier_open_kind(
                         actor->heap, "gate", 0,
                         NEAP_BARRIER_COUNTED | NEAP_BARRIER_SHRINKS,
                         &actor->gate)))
        return;
    int joined = neap_barrier_join(actor->gate);
    if (!MAY(actor, joined, -EALREADY) && joined != -EALREADY)
        return;
    for (uint64_t n = actor_random(actor, 3); n > 0; n--) {
        int status = neap_barrier_wait_through(
            actor->gate, neap_deadline_after(2 * MILLISECOND), goes_on, NULL,
            NULL);
        MAY(actor, status, -ETIMEDOUT, NEAP_EBROKEN);
        if (status < 0)
            MUST(actor, neap_barrier_reset(actor->gate));
    }
    if (actor_random(actor, 8)) /* else it stays a member, perhaps to its end */
        MUST(actor, neap_barrier_leave(actor->gate));
}


/* Nobody is there, and nobody is counted. */
void verify_waits(struct board *board, neap_heap *heap)
{
    neap_object_info info;
    if (neap_heap_find(heap, "talk", &info) == 0 && info.value)
        violation(board, "talk: %lld wait, and nobody is there",
                  (long long)info.value);
    neap_barrier *gate;
    int64_t parties, waiting;
    if (neap_barrier_open(heap, "gate", 0, &gate) < 0)
        return;
    if (neap_barrier_status(gate, &parties, &waiting, NULL) < 0)
        violation(board, "%s", neap_error_text());
    else if (parties || waiting)
        violation(board, "gate: %lld parties, of which %lld wait, and nobody is "
                  "there", (long long)parties, (long long)waiting);
    neap_barrier_close(gate);
}
