/*
 * Once: something is done exactly once among all processes.
 *
 * While a function runs, a guard stands for the right to do it: an error, or
 * the end of a coroutine that is never resumed, gives the right back undone.
 *
 * @module neap
 */
#include "lneap.h"


/* There is nothing to take when it is done. */
static int take_once(void *core, int64_t deadline)
{
    int status = neap_once_begin(core, deadline);

    return status == 0 ? -EALREADY : status;
}


static int give_once(void *core)
{
    return neap_once_end(core, false);
}


static int finish_once(void *core)
{
    return neap_once_end(core, true);
}


static void close_core(void *core)
{
    neap_once_close(core);
}


static const struct lneap_lock_kind once_kind = {
    .take = take_once,
    .give = give_once,
    .close = close_core,
    .finish = finish_once,
};


static void close_once(struct lneap_handle *handle)
{
    lneap_lock_close((struct lneap_lock *)handle, &once_kind);
}


const struct lneap_class lneap_once_class = {
    .noun = "once",
    .name = "neap.once",
    .size = sizeof(struct lneap_lock),
    .close = close_once,
};


/***
 * Open the once of that name, or make it, not done.
 *
 * @usage local filled = heap:once("filled")
 * @function heap:once
 * @tparam string name
 * @tparam[opt] table options {spin = "auto" or microseconds}
 * @treturn once the once, or nil, text and code
 * @treturn boolean true if this call made it
 */
int lneap_heap_once(lua_State *L)
{
    static const char *const known[] = {"spin", NULL};
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);
    const char *name = lneap_check_name(L, 2);
    lneap_check_options(L, 3, known);
    int64_t spin = lneap_option_spin(L, 3);
    struct lneap_handle *handle =
        lneap_object_new(L, &lneap_once_class, heap, name);
    neap_once *core;

    int status = neap_once_open(heap->handle.core, name, &core);
    if (status >= 0) {
        handle->core = core;
        (void)neap_set_spin(core, spin);
    }
    return lneap_object_opened(L, status);
}


/***
 * Once: something is done exactly once among all processes.
 * @type once
 */

/***
 * Run a function, unless that was done before; while another one does it, wait.
 * If the function raises, it is not done and the error is raised; if its
 * process dies, the next one does it. What prevents all that raises.
 *
 * @usage filled:run(function() grid:fill(1) end)
 * @function once:run
 * @tparam function fn
 * @param ... its arguments
 * @treturn boolean true if this call did it, false if it was done before
 */
static int once_run(lua_State *L)
{
    struct lneap_lock *lock = lneap_check(L, 1, &lneap_once_class);
    int arguments = lua_gettop(L) - 2;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    /* Nearly every call finds it done, and needs no guard. */
    if (neap_once_is_done(lock->object.handle.core) != 1
        && lneap_lock_take(L, lock, &once_kind, NEAP_FOREVER) >= 0)
        return lneap_lock_call(L, arguments, true);
    lua_pushboolean(L, 0);
    return 1;
}


/***
 * Is it done?
 *
 * @usage print(filled:done())
 * @function once:done
 * @treturn boolean or nil, text and code
 */
static int once_done(lua_State *L)
{
    struct lneap_handle *handle = lneap_check(L, 1, &lneap_once_class);
    int status = neap_once_is_done(handle->core);

    if (status < 0)
        return lneap_fail(L, status);
    lua_pushboolean(L, status);
    return 1;
}


void lneap_open_once(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"run", once_run},
        {"done", once_done},
        {"name", lneap_object_name},
        {NULL, NULL},
    };
    static const luaL_Reg meta[] = {{"__eq", lneap_object_eq}, {NULL, NULL}};

    lneap_class_open(L, &lneap_once_class, methods, meta, NULL);
}
