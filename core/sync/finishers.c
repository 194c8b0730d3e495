/* What objects want done when one who has a share of them dies. */
#include "heap/object.h"
#include "recovery/reap.h"
#include "sync/barrier.h"


neap__finisher *neap__finisher_of(uint32_t kind)
{
    return kind == NEAP_OBJECT_BARRIER ? neap__barrier_finish : NULL;
}
