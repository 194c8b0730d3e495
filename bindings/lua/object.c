/*
 * What all objects of a heap have in common.
 */
#include <string.h>

#include "lneap.h"


void *lneap_object_new(lua_State *L, const struct lneap_class *class,
                       const struct lneap_heap *heap, const char *name)
{
    struct lneap_object *object = lneap_new(L, class, name);

    memcpy(object->uuid, heap->uuid, sizeof object->uuid);
    return object;
}


int lneap_object_opened(lua_State *L, int status)
{
    if (status < 0)
        return lneap_fail(L, status);
    lua_pushboolean(L, status == NEAP_CREATED);
    return 2;
}


int lneap_object_name(lua_State *L)
{
    const struct lneap_class *class = lua_touserdata(L, lua_upvalueindex(1));
    struct lneap_handle *handle = lneap_check(L, 1, class);

    lua_pushstring(L, handle->label);
    return 1;
}


/* Two handles are equal when they name the same object of the same heap. */
int lneap_object_eq(lua_State *L)
{
    const struct lneap_class *class = lua_touserdata(L, lua_upvalueindex(1));
    struct lneap_object *one = lneap_test(L, 1, class);
    struct lneap_object *other = lneap_test(L, 2, class);

    lua_pushboolean(L, one && other && one->handle.core && other->handle.core
                           && strcmp(one->uuid, other->uuid) == 0
                           && strcmp(one->handle.label,
                                     other->handle.label) == 0);
    return 1;
}
