/* What objects want done when one who has a share of them dies. */
#include "recovery/reap.h"
#include "sync/barrier.h"
#include "sync/condition.h"
#include "sync/semaphore.h"


neap__finisher *neap__finisher_of(uint32_t kind)
{
    switch (kind) {
    case NEAP_OBJECT_BARRIER:
        return neap__barrier_finish;
    case NEAP_OBJECT_CONDITION:
        return neap__condition_finish;
    case NEAP_OBJECT_SEMAPHORE:
        return neap__semaphore_finish;
    default:
        return NULL;
    }
}
