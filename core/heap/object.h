/*
 * What the handle of every object in a heap has in common: which heap, which
 * entry, and the id by which it notices that the object was dropped.
 */
#ifndef NEAP_OBJECT_H
#define NEAP_OBJECT_H

#include "heap/heap.h"

struct neap__object {
    struct neap_heap *heap;
    struct neap_sh_entry *entry;
    uint64_t id;
    uint32_t variant;
    int32_t spin; /* as recovery/spin.h has it */
    char name[NEAP_NAME_MAX + 1]; /* the entry's may be another's later */
};

/* Open it, keeping the heap mapped. @return as neap__object_open. */
int neap__object_init(struct neap__object *object, struct neap_heap *heap,
                      const char *name, const struct neap__wanted *wanted);

void neap__object_release(struct neap__object *object);

NEAP__INLINE bool neap__object_gone(const struct neap__object *object)
{
    return NEAP__UNLIKELY(atomic_load_explicit(&object->entry->id,
                                               memory_order_relaxed) !=
                          object->id);
}

/* The text for -EBUSY, -ETIMEDOUT and -EINTR: the object, and that it `is not`
 * what was waited for. Other statuses have theirs. @return `status`. */
int neap__object_gave_up(const struct neap__object *object, int status,
                         const char *is_not);

/* Open an object for a handle of `size` bytes that begins with the object.
 * @return as neap__object_open, with *ret_handle. */
int neap__handle_open(struct neap_heap *heap, const char *name,
                      const struct neap__wanted *wanted, size_t size,
                      void **ret_handle);
void neap__handle_close(void *handle);

/* @return -EIDRM, with its text. */
int neap__object_dropped(const struct neap__object *object);

#endif
