/* One at a time, see gate.h. */
#include "recovery/gate.h"

#include <pthread.h>

#include "os/file.h"

static pthread_mutex_t threads = PTHREAD_MUTEX_INITIALIZER;

#ifdef NEAP_SABOTAGE
int neap__gate_kept = NEAP__GATE_FREE;
#endif


/* An open file description that no other process shares. Without /proc there is
 * none, and nobody to take turns with in other PID namespaces either. */
static int own_file(struct neap_heap *heap)
{
    uint32_t generation = neap__fork_generation();
    if (heap->gate_of == generation)
        return heap->gate;
    if (heap->gate_of && heap->gate >= 0)
        neap__file_close(heap->gate); /* the parent's */
    heap->gate = neap__file_reopen(heap->fd);
    heap->gate_of = generation;
    return heap->gate;
}


void neap__gate_open(struct neap_heap *heap)
{
    pthread_mutex_lock(&threads);
    own_file(heap);
    pthread_mutex_unlock(&threads);
}


int neap__gate_enter(struct neap_heap *heap)
{
    pthread_mutex_lock(&threads);
    int kept;
    if (heap->fd < 0) {
        kept = neap__sysv_lock();
    } else {
        kept = own_file(heap);
        if (kept >= 0)
            neap__file_lock(kept);
    }
#ifdef NEAP_SABOTAGE
    neap__gate_kept = kept;
#endif
    return kept;
}


void neap__gate_leave(struct neap_heap *heap, int kept)
{
#ifdef NEAP_SABOTAGE
    neap__gate_kept = NEAP__GATE_FREE;
#endif
    if (heap->fd < 0)
        neap__sysv_unlock(kept);
    else if (kept >= 0)
        neap__file_unlock(kept);
    pthread_mutex_unlock(&threads);
}


void neap__gate_hold(void)
{
    pthread_mutex_lock(&threads);
}


void neap__gate_let_go(void)
{
    pthread_mutex_unlock(&threads);
}
