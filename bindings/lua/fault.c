/*
 * Accesses to mapped memory that is gone, or that its protection forbids, as
 * errors of the script: what the core's guard comes upon is raised at the end
 * of the call that did it.
 *
 * @module neap
 */
#include <stdlib.h>
#include <string.h>

#include "lneap.h"

_Thread_local lua_State *lneap_current
    __attribute__((tls_model("initial-exec")));

/* The hook that somebody else has there, to be put back. */
struct hook {
    lua_Hook function;
    int mask, count;
};

static _Thread_local struct hook before
    __attribute__((tls_model("initial-exec")));


static void raise_fault(lua_State *L, lua_Debug *where)
{
    (void)where;
    lua_sethook(L, before.function, before.mask, before.count);
    if (neap_fault_take(NULL) < 0)
        luaL_error(L, "%s", neap_error_text());
}


/* In the handler of the signal: lua_sethook is what Lua allows there. */
static void on_fault(void)
{
    lua_State *L = lneap_current;

    if (!L || lua_gethook(L) == raise_fault)
        return;
    before = (struct hook){lua_gethook(L), lua_gethookmask(L),
                           lua_gethookcount(L)};
    lua_sethook(L, raise_fault,
                LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}


/***
 * Turn the guard of mapped memory on or off, or just ask. It is on when neap is
 * loaded, unless NEAP_GUARD=0 is in the environment: an access to a page that
 * is gone, for another program made the file shorter, or that its protection
 * forbids, raises; without it the process dies of SIGBUS or SIGSEGV.
 *
 * @usage neap.guard(false)
 * @function guard
 * @tparam[opt] boolean on
 * @treturn boolean was it on before? or nil, text and code
 */
static int guard(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_pushboolean(L, neap_guard_is_on());
        return 1;
    }
    luaL_checktype(L, 1, LUA_TBOOLEAN);
    int status = neap_guard(lua_toboolean(L, 1));

    if (status < 0)
        return lneap_fail(L, status);
    lua_pushboolean(L, status);
    return 1;
}


void lneap_open_fault(lua_State *L)
{
    static const luaL_Reg functions[] = {{"guard", guard}, {NULL, NULL}};
    const char *wanted = getenv("NEAP_GUARD");

    neap_set_fault_hook(on_fault);
    if (!wanted || strcmp(wanted, "0") != 0)
        (void)neap_guard(true);
    lua_pushvalue(L, -2);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
