/* What all handles have in common, see object.h. */
#include "heap/object.h"

#include <stdlib.h>
#include <string.h>

#include "neap/wait.h"


int neap__object_init(struct neap__object *object, struct neap_heap *heap,
                      const char *name, const struct neap__wanted *wanted)
{
    struct neap__found found;
    int status = neap__object_open(heap, name, wanted, &found);
    if (status < 0)
        return status;
    neap__attachment_retain(heap);
    object->heap = heap;
    object->entry = found.entry;
    object->id = found.id;
    object->variant = neap_sh_what_variant(found.what);
    strncpy(object->name, name, NEAP_NAME_MAX);
    object->name[NEAP_NAME_MAX] = '\0';
    return status;
}


void neap__object_release(struct neap__object *object)
{
    neap__attachment_release(object->heap);
}


int neap_set_spin(void *thing, int64_t microseconds)
{
    struct neap__object *object = thing;
    if (microseconds < NEAP_SPIN_AUTO || microseconds > NEAP_SPIN_MOST)
        return neap__fail(-EINVAL, "heap %s: '%s' cannot spin %lld microseconds "
                          "before it sleeps; 0 to %d, or -1 for as long as has "
                          "been worth it", object->heap->address.text,
                          object->name, (long long)microseconds,
                          NEAP_SPIN_MOST);
    object->spin = (int32_t)microseconds + 1;
    return 0;
}


int neap__object_dropped(const struct neap__object *object)
{
    if (atomic_load(&object->heap->spoiled))
        return neap__heap_spoiled(object->heap);
    return neap__fail(-EIDRM, "heap %s: '%s' was dropped; open it again to "
                      "make a new one", object->heap->address.text,
                      object->name);
}


int neap__object_gave_up(const struct neap__object *object, int status,
                         const char *is_not)
{
    if (status != -EBUSY && status != -ETIMEDOUT && status != -EINTR)
        return status;
    return neap__fail_why(status, "heap %s: '%s' %s",
                          object->heap->address.text, object->name, is_not);
}


int neap__handle_open(struct neap_heap *heap, const char *name,
                      const struct neap__wanted *wanted, size_t size,
                      void **ret_handle)
{
    struct neap__object *handle = calloc(1, size);
    if (!handle)
        return neap__fail_why(-ENOMEM, "cannot open '%s'", name ? name : "");
    int status = neap__object_init(handle, heap, name, wanted);
    if (status < 0)
        free(handle);
    else
        *ret_handle = handle;
    return status;
}


void neap__handle_close(void *handle)
{
    if (!handle)
        return;
    neap__object_release(handle);
    free(handle);
}
