/**
 * Barriers between processes.
 *
 * A party that dies while it waits breaks the barrier: everybody's wait then
 * ends with NEAP_EBROKEN, as threading.Barrier's does, until it is reset. One
 * that shrinks goes on with one party less, for good.
 *
 * The parties are as many as it was made for, whoever comes; then one that dies
 * between two waits is missed by nobody but those who wait for it. Or they are
 * counted: those threads that joined and have not left, none at first. A member
 * that ends or dies anywhere breaks the barrier or makes it smaller.
 */
#ifndef NEAP_BARRIER_H
#define NEAP_BARRIER_H

#include "neap/heap.h"

typedef struct neap_barrier neap_barrier;

typedef enum neap_barrier_kind {
    NEAP_BARRIER_ANY = 0,     /* what is there; a new one breaks */
    NEAP_BARRIER_BREAKS = 1,
    NEAP_BARRIER_SHRINKS = 2,
    NEAP_BARRIER_COUNTED = 4  /* with one of the two others */
} neap_barrier_kind;

/** Open the barrier of that name, or make it for `parties` (1 to 65535; ignored
 * when it is there; 0 it must be there). @return 0; NEAP_CREATED; NEAP_ETYPE;
 * -EINVAL; -ENOENT; -ENOSPC. */
NEAP_API NEAP_MUST_CHECK
int neap_barrier_open(neap_heap *heap, const char *name, int64_t parties,
                      neap_barrier **ret_barrier);
/** The same for one of that kind; counted ones are made for 0 parties.
 * @return likewise; NEAP_ETYPE for one of another kind, too. */
NEAP_API NEAP_MUST_CHECK
int neap_barrier_open_kind(neap_heap *heap, const char *name, int64_t parties,
                           neap_barrier_kind kind, neap_barrier **ret_barrier);
/** NULL is fine. */
NEAP_API void neap_barrier_close(neap_barrier *barrier);
NEAP_API const char *neap_barrier_name(neap_barrier *barrier);
NEAP_API neap_barrier_kind neap_barrier_kind_of(neap_barrier *barrier);

/**
 * Be a party of a counted barrier from its present phase on.
 *
 * Blocks: no. Crash: a member that dies breaks it, or makes it smaller. Fork:
 * the child is no member.
 *
 * @return 0; -EALREADY; -EINVAL it is not counted; -EIDRM; -EAGAIN this thread
 * has shares of too many objects; -EOVERFLOW; NEAP_ESLOTS.
 */
NEAP_API NEAP_MUST_CHECK
int neap_barrier_join(neap_barrier *barrier);
/** Be a party no more; those who wait go on if all others are there.
 * @return 0; -EPERM it is none; -EBUSY it waits, and this is a signal's
 * handler; -EINVAL it is not counted; -EIDRM. */
NEAP_API NEAP_MUST_CHECK
int neap_barrier_leave(neap_barrier *barrier);

/** Called with what it was given. @return 0; a negative status breaks the
 * barrier. */
typedef int neap_barrier_action(void *argument);

/**
 * What one party does in each phase when all are there, before they go on: of
 * this handle, in this process. NULL, as at first: nothing.
 *
 * Of those who come with one the last does it, and exactly one in each phase;
 * as long as it takes the others wait, whatever their deadlines, as in Python's
 * threading; a signal that ends one's wait breaks the barrier. A
 * negative status breaks it, as does the death of who runs it; of a barrier
 * that shrinks another one runs its own then, if it has one. It may do anything
 * but wait at the barrier (-EDEADLK) and close the handle; a child that it
 * forks must end there.
 */
NEAP_API
void neap_barrier_set_action(neap_barrier *barrier, neap_barrier_action *action,
                             void *argument);

/**
 * Wait until as many as there are parties wait. *ret_place is a number from 0
 * on, another one for each party, the last to come having 0 (nobody has it
 * where a death, or a member that left, was what let the others go on). With an
 * action 0 is as always the last to come's, who runs it if it has one.
 *
 * Blocks: until then or `deadline`. Crash: breaks it. Signals: -EINTR breaks
 * it, as a time-out does: the others would wait for nobody. Fork: the child is
 * no party.
 *
 * @return 0; NEAP_EBROKEN; -ETIMEDOUT; -EINTR; -EIDRM; -EAGAIN; NEAP_ESLOTS;
 * -EPERM it is counted, and this thread no member; -EDEADLK from its own
 * action; what this thread's action returned (-ECANCELED for what would mean
 * something else).
 */
NEAP_API NEAP_MUST_CHECK
int neap_barrier_wait(neap_barrier *barrier, int64_t deadline,
                      int64_t *ret_place);

/** Does the wait go on after a signal? Called by who waits, counted. */
typedef bool neap_goes_on(void *argument);

/** The same; a signal breaks it only if `goes_on(argument)` says no. It may do
 * anything but fork. @return likewise. */
NEAP_API NEAP_MUST_CHECK
int neap_barrier_wait_through(neap_barrier *barrier, int64_t deadline,
                              neap_goes_on *goes_on, void *argument,
                              int64_t *ret_place);

/** Break it: who waits, and who comes, gets NEAP_EBROKEN. @return 0; -EIDRM. */
NEAP_API int neap_barrier_abort(neap_barrier *barrier);
/** Make it whole and empty; who waits gets NEAP_EBROKEN. @return 0; -EIDRM. */
NEAP_API int neap_barrier_reset(neap_barrier *barrier);

/** Any of the out-parameters may be NULL. @return 0; -EIDRM. */
NEAP_API NEAP_MUST_CHECK
int neap_barrier_status(neap_barrier *barrier, int64_t *ret_parties,
                        int64_t *ret_waiting, bool *ret_broken);

#endif
