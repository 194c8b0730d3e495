/* One at a time, see gate.h. */
#include "recovery/gate.h"

#include <limits.h>
#include <pthread.h>

#include "os/file.h"

static pthread_mutex_t threads = PTHREAD_MUTEX_INITIALIZER;

#ifdef NEAP_SABOTAGE
int neap__gate_kept = NEAP__GATE_FREE;
#endif


enum { NO_GATE = INT_MAX }; /* entered, and nobody is kept out */


/* What may be had another time, unlike a gate where there is no /proc, or where
 * this user may not open the file any more. */
static bool is_for_now(int status)
{
    return status < 0 && status != -ENOENT && status != -EACCES &&
           status != -EPERM && status != -EROFS;
}


/* An open file description that no other process shares. Without /proc there is
 * none, and nobody to take turns with in other PID namespaces either. */
static int own_file(struct neap_heap *heap)
{
    uint32_t generation = neap__fork_generation();
    if (heap->gate_of == generation && heap->gate >= 0)
        return heap->gate;
    if (heap->gate_of && heap->gate >= 0)
        neap__file_close(heap->gate); /* the parent's */
    heap->gate = neap__file_reopen(heap->fd);
    heap->gate_of = generation;
    return heap->gate;
}


int neap__gate_open(struct neap_heap *heap)
{
    pthread_mutex_lock(&threads);
    int file = own_file(heap);
    pthread_mutex_unlock(&threads);
    return is_for_now(file) ? neap__fail_why(file, "heap %s: no descriptor of "
                                             "its own for this process",
                                             heap->address.text) : 0;
}


static int lock_file(struct neap_heap *heap)
{
    int file = own_file(heap);
    int status = file < 0 ? file : neap__file_lock(file);
    return status < 0 ? status : file;
}


/* That somebody keeps it too long is no -EBUSY: that would be a slot's. */
static int lock(struct neap_heap *heap)
{
    int kept = heap->fd < 0 ? neap__sysv_lock() : lock_file(heap);
    if (kept == -EBUSY)
        kept = -EAGAIN;
    if (is_for_now(kept))
        return neap__fail_why(kept, "heap %s: cannot take turns with others "
                              "for a slot", heap->address.text);
    return kept < 0 ? NO_GATE : kept;
}


int neap__gate_enter(struct neap_heap *heap)
{
    pthread_mutex_lock(&threads);
    int kept = lock(heap);
    if (kept < 0)
        pthread_mutex_unlock(&threads);
#ifdef NEAP_SABOTAGE
    if (kept >= 0)
        neap__gate_kept = kept;
#endif
    return kept;
}


void neap__gate_leave(struct neap_heap *heap, int kept)
{
#ifdef NEAP_SABOTAGE
    neap__gate_kept = NEAP__GATE_FREE;
#endif
    if (kept != NO_GATE && heap->fd < 0)
        neap__sysv_unlock(kept);
    else if (kept != NO_GATE)
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
