/*
 * Answers: what a status becomes in Lua, and the module's own facts.
 */
#include <errno.h>
#include <unistd.h>

#include "lneap.h"


int lneap_fail(lua_State *L, int status)
{
    if (status == -EINVAL || status == -ERANGE)
        return luaL_error(L, "%s", neap_error_text());
    lua_pushnil(L);
    lua_pushstring(L, neap_error_text());
    lua_pushstring(L, neap_status_name(status));
    return 3;
}


int lneap_done(lua_State *L, int status)
{
    if (status < 0)
        return lneap_fail(L, status);
    lua_pushboolean(L, 1);
    return 1;
}


int lneap_waited(lua_State *L, int status)
{
    if (status == -ETIMEDOUT || status == -EBUSY) {
        lua_pushboolean(L, 0);
        lua_pushliteral(L, "timeout");
        return 2;
    }
    if (status < 0)
        return lneap_fail(L, status);
    lua_pushboolean(L, 1);
    if (status != NEAP_ABANDONED)
        return 1;
    lua_pushliteral(L, "abandoned");
    return 2;
}


bool lneap_hooked(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    lua_State *main = lua_tothread(L, -1);
    lua_pop(L, 1);
    return lua_gethook(L) || (main && lua_gethook(main));
}


_Thread_local lua_State *lneap_waiting;


/* A signal that came before the wait has left the interpreter's hook on the
 * main thread: at every event, and after one instruction. */
static int stop_pending(void)
{
    enum { ALL = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT };
    lua_State *L = lneap_waiting;

    if (!L)
        return 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    lua_State *main = lua_tothread(L, -1);
    lua_pop(L, 1);
    return lua_gethook(main) && lua_gethookmask(main) == ALL
           && lua_gethookcount(main) == 1;
}


bool lneap_interrupted(lua_State *L)
{
    if (lua_gethook(L))
        return true;
    if (lneap_hooked(L))
        luaL_error(L, "interrupted!");
    return false;
}


/***
 * Seconds of the monotonic clock, as a float: for measuring, not for dates.
 *
 * @usage local start = neap.now(); work(); print(neap.now() - start)
 * @function now
 * @treturn number seconds
 */
static int status_now(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)neap_now() * 1e-9);
    return 1;
}


/* True if that descriptor is a terminal: decides on the progress bar. */
static int status_terminal(lua_State *L)
{
    lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
    return 1;
}


/* Nothing on the stack but (module, methods). */
void lneap_open_status(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"now", status_now},
        {"terminal", status_terminal},
        {NULL, NULL},
    };

    lua_pushvalue(L, -2);
    neap_set_wait_check(stop_pending);
    luaL_setfuncs(L, functions, 0);
    lua_pushstring(L, neap_version());
    lua_setfield(L, -2, "version");
    lua_pop(L, 1);
}


int lneap_push_pid(lua_State *L, int status, int32_t pid)
{
    if (status < 0)
        return lneap_fail(L, status);
    if (pid)
        lua_pushinteger(L, pid);
    else
        lua_pushboolean(L, false);
    return 1;
}
