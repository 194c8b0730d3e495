/*
 * Ctrl-C for the interactive prompt.
 *
 * The stand-alone interpreter catches SIGINT once a script; a prompt needs it
 * again and again, and wants to be woken while it waits for a key. So the
 * prompt asks for a handler of its own. It does what the interpreter's does:
 * it sets a hook, which raises "interrupted!" at the next step of the script.
 */
#include <poll.h>
#include <signal.h>

#include "lneap.h"

/* Whom a signal interrupts: set before the handler is there, never changed. */
static lua_State *listener;


static void stop(lua_State *L, lua_Debug *where)
{
    (void)where;
    lua_sethook(L, NULL, 0, 0);
    luaL_error(L, "interrupted!");
}


/* lua_sethook is the one function that Lua allows in a handler. */
static void on_interrupt(int number)
{
    (void)number;
    lua_sethook(listener, stop,
                LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}


/* From now on SIGINT raises "interrupted!" in the script. Without SA_RESTART:
 * a read that waits for a line ends too. */
static int catch_interrupt(lua_State *L)
{
    struct sigaction action = {.sa_handler = on_interrupt};

    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    listener = lua_tothread(L, -1);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    return 0;
}


/* Wait for input at a descriptor. A signal ends it, and its hook runs as soon
 * as this has returned. */
static int wait_input(lua_State *L)
{
    struct pollfd wanted = {.fd = (int)luaL_checkinteger(L, 1),
                            .events = POLLIN};

    lua_pushboolean(L, poll(&wanted, 1, -1) > 0);
    return 1;
}


void lneap_open_interrupt(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"catch_interrupt", catch_interrupt},
        {"wait_input", wait_input},
        {NULL, NULL},
    };

    lua_pushvalue(L, -2);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
