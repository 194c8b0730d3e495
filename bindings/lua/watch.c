/*
 * Watches: descriptors for event loops.
 *
 * @module neap
 */
#include "lneap.h"


static void close_watch(struct lneap_handle *handle)
{
    neap_watch_close(handle->core);
}


const struct lneap_class lneap_watch_class = {
    .noun = "watch",
    .name = "neap.watch",
    .size = sizeof(struct lneap_handle),
    .close = close_watch,
};


static neap_watch *check_watch(lua_State *L)
{
    struct lneap_handle *handle = lneap_check(L, 1, &lneap_watch_class);

    return handle->core;
}


/***
 * A descriptor that becomes readable when an object can be had: an event that
 * is set, a latch with nothing left, a semaphore with a permit, a mutex that is
 * free; or when it is dropped. Nothing is taken: try with a timeout of 0.
 *
 * @usage local watch = assert(neap.watch(jobs))
 * local poll = uv.new_poll(watch:fd())
 * poll:start("r", function()
 *   while jobs:acquire(0) do work() end
 *   watch:rearm()
 * end)
 * @function watch
 * @param object an event, latch, semaphore or mutex
 * @treturn watch the watch, or nil, text and code
 */
static int watch_open(lua_State *L)
{
    struct lneap_handle *object = lneap_check_waitable(L, 1);
    struct lneap_handle *handle = lneap_new(L, &lneap_watch_class,
                                            object->label);
    neap_watch *core;
    int status = neap_watch_open(object->core, &core);

    if (status < 0)
        return lneap_fail(L, status);
    handle->core = core;
    return 1;
}


/***
 * Watches.
 * @type watch
 */

/***
 * The descriptor. Wait for it to become readable, and do not read from it.
 *
 * @usage local poll = uv.new_poll(watch:fd())
 * @function watch:fd
 * @treturn integer
 */
static int watch_fd(lua_State *L)
{
    lua_pushinteger(L, neap_watch_fd(check_watch(L)));
    return 1;
}


/***
 * Look again: make the descriptor unreadable, unless the object can be had.
 *
 * @usage watch:rearm()
 * @function watch:rearm
 * @treturn boolean is it readable?
 */
static int watch_rearm(lua_State *L)
{
    lua_pushboolean(L, neap_watch_rearm(check_watch(L)));
    return 1;
}


static int watch_name(lua_State *L)
{
    lua_pushstring(L, neap_watch_name(check_watch(L)));
    return 1;
}


void lneap_open_watch(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"fd", watch_fd},
        {"rearm", watch_rearm},
        {"name", watch_name},
        {NULL, NULL},
    };
    static const luaL_Reg functions[] = {
        {"watch", watch_open},
        {NULL, NULL},
    };

    lneap_class_open(L, &lneap_watch_class, methods, NULL, NULL);
    lua_pushvalue(L, -2);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
