/*
 * Waiting for whichever of several objects comes first.
 *
 * @module neap
 */
#include <string.h>

#include "lneap.h"


/* The open handle on top of the stack, if it is of a kind that can be waited
 * for; else NULL, and what is wrong is pushed. */
static struct lneap_handle *waitable(lua_State *L)
{
    static const struct lneap_class *const classes[] = {
        &lneap_event_class,
        &lneap_latch_class,
        &lneap_semaphore_class,
        &lneap_mutex_class,
    };

    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (lneap_test(L, -1, classes[i])) {
            struct lneap_handle *handle = lua_touserdata(L, -1);

            if (handle->core)
                return handle;
            lua_pushfstring(L, "%s '%s' is closed", handle->class->noun,
                            handle->label);
            return NULL;
        }
    lua_pushfstring(L, "an event, latch, semaphore or mutex expected, got %s",
                    luaL_typename(L, -1));
    return NULL;
}


struct lneap_handle *lneap_check_waitable(lua_State *L, int arg)
{
    lua_settop(L, arg);
    struct lneap_handle *handle = waitable(L);

    if (!handle)
        luaL_argerror(L, arg, lua_tostring(L, -1));
    return handle;
}


static void *check_object(lua_State *L, int at)
{
    struct lneap_handle *handle = waitable(L);

    if (!handle)
        luaL_error(L, "bad argument #1 to 'wait_any' (number %d: %s)", at,
                   lua_tostring(L, -1));
    return handle->core;
}


static size_t check_objects(lua_State *L, void *objects[NEAP_WAIT_MAX])
{
    lua_Integer count = luaL_len(L, 1);

    luaL_argcheck(L, count >= 1 && count <= NEAP_WAIT_MAX, 1,
                  "1 to 64 objects can be waited for");
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, 1, i);
        objects[i - 1] = check_object(L, i);
        lua_pop(L, 1);
    }
    return (size_t)count;
}


/* A field `timeout`, and no others beside the objects. */
static int64_t check_timeout(lua_State *L)
{
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING
            && strcmp(lua_tostring(L, -2), "timeout") != 0)
            luaL_error(L, "bad argument #1 to 'wait_any' (there is no option "
                       "'%s', only timeout)", lua_tostring(L, -2));
        lua_pop(L, 1);
    }
    lua_getfield(L, 1, "timeout");
    return lneap_check_deadline(L, lua_gettop(L));
}


/***
 * Wait until one of several objects can be had, and take it: an event that is
 * set, a latch with nothing left, a permit of a semaphore, a mutex, which is
 * then locked. Of those that can be had at once it is the first in the list.
 *
 * @usage local i, object = neap.wait_any {stop, jobs, timeout = 2.5}
 * @function wait_any
 * @tparam table objects a list of 1 to 64, and `timeout` in seconds: none waits
 * for ever, 0 looks once
 * @treturn integer which one, from 1; false and "timeout"; or nil, text and
 * code
 * @treturn object that one
 * @treturn[opt] string "abandoned" when that is a mutex whose owner died
 */
static int wait_any(lua_State *L)
{
    void *objects[NEAP_WAIT_MAX];
    size_t index;
    int status;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    size_t count = check_objects(L, objects);
    int64_t deadline = check_timeout(L);
    LNEAP_WAIT(L, status, neap_wait_any(objects, count, deadline, &index));
    if (status < 0)
        return lneap_waited(L, status);
    lua_pushinteger(L, (lua_Integer)index + 1);
    lua_rawgeti(L, 1, (lua_Integer)index + 1);
    if (status != NEAP_ABANDONED)
        return 2;
    lua_pushliteral(L, "abandoned");
    return 3;
}


void lneap_open_any(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"wait_any", wait_any},
        {NULL, NULL},
    };

    lua_pushvalue(L, -2);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
