/*
 * Many readers or one writer. A writer counts `shelf_changes` when it comes and
 * when it goes, so whoever reads sees one number all the time; a writer that
 * dies leaves its name, and the next one must be told.
 */
#include "stress/storm.h"

#define MILLISECOND INT64_C(1000000)


static void linger(struct actor *actor)
{
    for (uint64_t spins = actor_random(actor, 200); spins > 0; spins--)
        atomic_signal_fence(memory_order_seq_cst);
}


static void read_shelf(struct actor *actor)
{
    uint64_t before = actor->board->shelf_changes;
    linger(actor);
    if (actor->board->shelf_changes != before)
        violation(actor->board, "somebody wrote while another one read");
}


static void write_shelf(struct actor *actor, int status)
{
    struct board *board = actor->board;
    uint64_t there = atomic_exchange(&board->shelf_writer, actor->id);
    if (there && status != NEAP_ABANDONED)
        violation(board, "a writer died or is there, and nobody was told");
    board->shelf_changes++;
    linger(actor);
    board->shelf_changes++;
    if (atomic_exchange(&board->shelf_writer, 0) != actor->id)
        violation(board, "another one wrote, too");
}


void do_shelf(struct actor *actor)
{
    bool writes = actor_random(actor, 4) == 0;
    int64_t deadline = actor_random(actor, 4)
                           ? NEAP_FOREVER
                           : neap_deadline_after(MILLISECOND);
    int status;
    if (!actor->shelf &&
        !MUST(actor, neap_rwlock_open(actor->heap, "shelf", &actor->shelf)))
        return;
    do
        status = writes ? neap_rwlock_write(actor->shelf, deadline)
                        : neap_rwlock_read(actor->shelf, deadline);
    while (status == -EINTR);
    if (!MAY(actor, status, -ETIMEDOUT))
        return;
    if (writes)
        write_shelf(actor, status);
    else
        read_shelf(actor);
    if (status == NEAP_ABANDONED)
        MUST(actor, neap_rwlock_repaired(actor->shelf));
    MUST(actor, neap_rwlock_unlock(actor->shelf));
}


/* Nobody is there. */
void verify_shelf(struct board *board, neap_heap *heap)
{
    neap_rwlock *shelf;
    int status = neap_rwlock_open(heap, "shelf", &shelf);
    if (status >= 0)
        status = neap_rwlock_write(shelf, NEAP_NOW);
    if (status < 0) {
        violation(board, "nobody is there, but: %s", neap_error_text());
        return;
    }
    if (board->shelf_writer && status != NEAP_ABANDONED)
        violation(board, "a writer died, and nobody was told");
    board->shelf_writer = 0;
    if (neap_rwlock_unlock(shelf) < 0)
        violation(board, "%s", neap_error_text());
    neap_rwlock_close(shelf);
}
