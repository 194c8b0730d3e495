/*
 * The names of a heap: list, find, drop, open whatever is there.
 *
 * @module neap
 */
#include "lneap.h"


static neap_heap *check_heap(lua_State *L)
{
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);

    return heap->handle.core;
}


static const char *variant_name(const neap_object_info *info)
{
    static const char *const counters[] = {"plain", "striped", "double"};
    static const char *const semaphores[] = {"classic", "undo"};
    static const char *const mutexes[] = {"plain", "recursive"};
    uint32_t at = info->variant - 1;

    if (info->kind == NEAP_OBJECT_COUNTER && at < 3)
        return counters[at];
    if (info->kind == NEAP_OBJECT_SEMAPHORE && at < 2)
        return semaphores[at];
    if (info->kind == NEAP_OBJECT_MUTEX && at < 2)
        return mutexes[at];
    return NULL;
}


static void set_shape(lua_State *L, const neap_object_info *info)
{
    lneap_set_string(L, "type", neap_type_name(info->type));
    lua_createtable(L, (int)info->dimensions, 0);
    for (uint32_t i = 0; i < info->dimensions; i++) {
        lneap_push_unsigned(L, info->shape[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "shape");
    lneap_set_unsigned(L, "bytes", info->bytes);
}


static void set_value(lua_State *L, const neap_object_info *info)
{
    if (info->kind == NEAP_OBJECT_COUNTER
        && info->variant == NEAP_COUNTER_DOUBLE) {
        lua_pushnumber(L, info->real);
        lua_setfield(L, -2, "value");
    } else {
        lneap_set_integer(L, "value", info->value);
    }
}


static void push_info(lua_State *L, const neap_object_info *info)
{
    lua_createtable(L, 0, 7);
    lneap_set_string(L, "name", info->name);
    lneap_set_string(L, "kind", neap_object_kind_name(info->kind));
    lneap_set_unsigned(L, "id", info->id);
    if (variant_name(info))
        lneap_set_string(L, "variant", variant_name(info));

    switch (info->kind) {
    case NEAP_OBJECT_ARRAY:
        set_shape(L, info);
        break;
    case NEAP_OBJECT_COUNTER:
    case NEAP_OBJECT_SEMAPHORE:
    case NEAP_OBJECT_EVENT:
    case NEAP_OBJECT_LATCH:
    case NEAP_OBJECT_BARRIER:
    case NEAP_OBJECT_ONCE:
        set_value(L, info);
        break;
    default:
        break;
    }
    if (info->holder)
        lneap_set_integer(L, "holder", info->holder);
}


static int by_name(lua_State *L)
{
    lua_getfield(L, 1, "name");
    lua_getfield(L, 2, "name");
    lua_pushboolean(L, lua_compare(L, -2, -1, LUA_OPLT));
    return 1;
}


/***
 * What is in it, sorted by name: tables with name, kind and, where they have
 * a meaning, variant, type, shape, bytes, value, holder, id. The value of an
 * event is 1 when it is set, of a once 1 when it is done; of a latch what is
 * left, of a barrier how many wait.
 *
 * @usage for _, item in ipairs(heap:list()) do print(item.kind, item.name) end
 * @function heap:list
 * @treturn table
 */
int lneap_heap_list(lua_State *L)
{
    neap_heap *heap = check_heap(L);
    neap_object_info info;
    uint64_t cursor = 0;
    int status;

    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_newtable(L);
    for (int n = 1;
         (status = neap_heap_next(heap, &cursor, &info)) == NEAP_MORE; n++) {
        push_info(L, &info);
        lua_rawseti(L, -2, n);
    }
    if (status < 0)
        return lneap_fail(L, status);

    lua_getfield(L, -2, "table");
    lua_getfield(L, -1, "sort");
    lua_pushvalue(L, -3);
    lua_pushcfunction(L, by_name);
    lua_call(L, 2, 0);
    lua_pop(L, 1);
    return 1;
}


/***
 * What is behind one name, as in heap:list().
 *
 * @usage local item = heap:find("hits"); print(item and item.value)
 * @function heap:find
 * @tparam string name
 * @treturn table the item, or nil, text and code
 */
int lneap_heap_find(lua_State *L)
{
    neap_object_info info;
    int status = neap_heap_find(check_heap(L), lneap_check_name(L, 2), &info);

    if (status < 0)
        return lneap_fail(L, status);
    push_info(L, &info);
    return 1;
}


/***
 * Take an object away, its memory included.
 *
 * @usage assert(heap:drop("hits"))
 * @function heap:drop
 * @tparam string name
 * @treturn boolean true, or nil, text and code
 */
int lneap_heap_drop(lua_State *L)
{
    neap_heap *heap = check_heap(L);

    return lneap_done(L, neap_heap_drop(heap, lneap_check_name(L, 2)));
}


/***
 * Open whatever is behind a name, by its kind.
 *
 * @usage print(assert(heap:object("hits")):get())
 * @function heap:object
 * @tparam string name
 * @return the object, or nil, text and code
 */
int lneap_heap_object(lua_State *L)
{
    static const lua_CFunction openers[] = {
        [NEAP_OBJECT_COUNTER] = lneap_heap_counter,
        [NEAP_OBJECT_ARRAY] = lneap_heap_array,
        [NEAP_OBJECT_MUTEX] = lneap_heap_mutex,
        [NEAP_OBJECT_SEMAPHORE] = lneap_heap_semaphore,
        [NEAP_OBJECT_EVENT] = lneap_heap_event,
        [NEAP_OBJECT_LATCH] = lneap_heap_latch,
        [NEAP_OBJECT_CONDITION] = lneap_heap_condition,
        [NEAP_OBJECT_RWLOCK] = lneap_heap_rwlock,
        [NEAP_OBJECT_BARRIER] = lneap_heap_barrier,
        [NEAP_OBJECT_ONCE] = lneap_heap_once,
    };
    neap_object_info info;

    lua_settop(L, 2);
    int status = neap_heap_find(check_heap(L), lneap_check_name(L, 2), &info);
    if (status < 0)
        return lneap_fail(L, status);
    if ((size_t)info.kind >= sizeof openers / sizeof openers[0]
        || !openers[info.kind])
        return luaL_error(L, "'%s' is a %s, which this version cannot open",
                          info.name, neap_object_kind_name(info.kind));
    return openers[info.kind](L);
}
