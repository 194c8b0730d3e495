/* The handle's own calls. */
#include <stdio.h>
#include <unistd.h>

#include "heap/heap.h"
#include "os/file.h"
#include "os/pages.h"
#include "recovery/reap.h"


void neap_heap_close(neap_heap *heap)
{
    if (heap)
        neap__attachment_release(heap);
}


neap_heap *neap_heap_retain(neap_heap *heap)
{
    neap__attachment_retain(heap);
    return heap;
}


const char *neap_heap_address(neap_heap *heap)
{
    if (heap->address.kind != NEAP_KIND_MEMFD)
        return heap->address.text;
    snprintf(heap->proc_path, sizeof heap->proc_path, "file:/proc/%d/fd/%d",
             (int)getpid(), heap->fd);
    return heap->proc_path;
}


int neap_heap_unlink(neap_heap *heap)
{
    if (heap->address.kind == NEAP_KIND_MEMFD)
        return neap__fail(-ENOTSUP, "an anonymous heap has no name to take "
                          "away; it goes with its last user");
    if (heap->sysv_id >= 0)
        return neap__sysv_remove(heap->sysv_id);
    return neap__name_unlink_if(&heap->address, heap->dev, heap->ino);
}


int neap_heap_reap(neap_heap *heap)
{
    if (heap->read_only)
        return neap__fail(-EACCES, "heap %s was opened read-only; open it for "
                          "writing to reap its dead", heap->address.text);
    return neap__reap(heap);
}


int neap_heap_sync(neap_heap *heap)
{
    if (heap->fd < 0 || heap->read_only)
        return 0;
    int status = neap__pages_sync(heap->base, neap__header(heap)->size);
    if (status < 0)
        return neap__fail_why(status, "cannot write heap %s to disk",
                              heap->address.text);
    return 0;
}
