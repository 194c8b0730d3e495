/*
 * Processes: what neap.fork stands on. The Lua half (neap/work.lua) runs the
 * function in the child, and turns the answer into a value.
 *
 * @module neap
 */
#include <signal.h>
#include <string.h>

#include "lneap.h"

struct lneap_process {
    struct lneap_handle handle;
    unsigned generation;
};


/* A child that inherited the handle must not end its sibling. */
static void close_process(struct lneap_handle *handle)
{
    struct lneap_process *process = (struct lneap_process *)handle;

    if (process->generation == lneap_generation())
        neap_process_close(handle->core);
}


const struct lneap_class lneap_process_class = {
    .noun = "process",
    .name = "neap.process",
    .size = sizeof(struct lneap_process),
    .close = close_process,
};


static neap_process *check_process(lua_State *L)
{
    struct lneap_handle *handle = lneap_check(L, 1, &lneap_process_class);

    return handle->core;
}


/*
 * In a child: call the function above `function` - 1 with what is above it,
 * and end. This is done here and not in Lua because a pending Ctrl-C raises
 * between any two instructions of Lua: unprotected, it would send the child
 * down its parent's road.
 */
void lneap_live(lua_State *L, int function)
{
    (void)lua_pcall(L, lua_gettop(L) - function, 0, 0);
    neap_process_exit(1);
}


/* fork(fn, ...) gives a process, or fails; the child calls fn and ends. */
static int process_fork(lua_State *L)
{
    struct lneap_process *process = lneap_new(L, &lneap_process_class, "");
    neap_process *core;

    lua_insert(L, 1);
    int status = neap_process_fork(&core);
    if (status < 0)
        return lneap_fail(L, status);
    if (status == NEAP_CHILD)
        lneap_live(L, 2);
    process->handle.core = core;
    process->generation = lneap_generation();
    lua_settop(L, 1);
    return 1;
}


/* answer(bytes): in the child. */
static int process_answer(lua_State *L)
{
    size_t length;
    const char *bytes = luaL_checklstring(L, 1, &length);

    return lneap_done(L, neap_process_answer(bytes, length));
}


/* exit(code): flush stdio and end at once, without lua_close: what the parent
 * will finalize is not finalized here. */
static int process_exit(lua_State *L)
{
    neap_process_exit((int)luaL_optinteger(L, 1, 0));
}


int lneap_push_exit(lua_State *L, const neap_exit *end)
{
    lua_createtable(L, 0, 4);
    lneap_set_integer(L, "pid", end->pid);
    lneap_set_integer(L, "code", end->code);
    if (end->signal)
        lneap_set_string(L, "signal", neap_signal_name(end->signal));
    lneap_set_boolean(L, "core", end->core);
    return 1;
}


/***
 * Processes made by neap.fork. `process.pid` is the number.
 * @type process
 */

/***
 * Wait for its end without a look at the answer.
 *
 * @usage local ended, how = process:status(0)
 * @function process:status
 * @tparam[opt] number timeout
 * @treturn boolean true; false and "timeout"; or nil, text and code
 * @treturn table when true: pid, code, signal ("SIGKILL" or nil), core
 */
static int process_status(lua_State *L)
{
    neap_process *process = check_process(L);
    int64_t deadline = lneap_check_deadline(L, 2);
    neap_exit end;
    int status;

    LNEAP_WAIT(L, status, neap_process_wait(process, deadline, &end));
    if (status < 0)
        return lneap_waited(L, status);
    lua_pushboolean(L, 1);
    return 1 + lneap_push_exit(L, &end);
}


/* The bytes of its answer. */
static int process_answered(lua_State *L)
{
    size_t length;
    const char *bytes = neap_process_answered(check_process(L), &length);

    lua_pushlstring(L, bytes ? bytes : "", bytes ? length : 0);
    return 1;
}


/***
 * Is it still running?
 *
 * @usage while process:alive() do step() end
 * @function process:alive
 * @treturn boolean
 */
static int process_alive(lua_State *L)
{
    lua_pushboolean(L, neap_process_alive(check_process(L)) == 1);
    return 1;
}


/* SIGTERM, "SIGTERM", "TERM" or 15; none is SIGTERM. */
static int check_signal(lua_State *L, int arg)
{
    if (lua_isnoneornil(L, arg))
        return SIGTERM;
    if (lua_isinteger(L, arg)) {
        lua_Integer number = lua_tointeger(L, arg);
        luaL_argcheck(L, number >= 1 && number <= SIGRTMAX, arg,
                      "no such signal");
        return (int)number;
    }

    const char *wanted = luaL_checkstring(L, arg);
    for (int number = 1; number <= SIGRTMAX; number++) {
        const char *name = neap_signal_name(number);
        if (strcmp(name, wanted) == 0 || strcmp(name + 3, wanted) == 0)
            return number;
    }
    return luaL_argerror(L, arg, lua_pushfstring(L,
        "no signal '%s'; SIGTERM, SIGKILL, SIGINT ... or a number", wanted));
}


/***
 * Send a signal, SIGTERM when none is given. One that has ended is left in
 * peace.
 *
 * @usage process:kill("SIGKILL")
 * @function process:kill
 * @tparam[opt="SIGTERM"] string|integer signal
 * @treturn boolean true, or nil, text and code
 */
static int process_kill(lua_State *L)
{
    neap_process *process = check_process(L);

    return lneap_done(L, neap_process_kill(process, check_signal(L, 2)));
}


/***
 * The signals: `neap.signals.SIGKILL` is its number, `neap.signals[9]` its
 * name.
 *
 * @usage print(neap.signals[15], neap.signals.SIGTERM)
 * @table signals
 */
static void push_signals(lua_State *L)
{
    lua_createtable(L, SIGRTMIN, SIGRTMIN + 32);
    for (int number = 1; number <= SIGRTMAX; number++) {
        const char *name = neap_signal_name(number);
        if (strncmp(name, "SIG", 3) != 0)
            continue;
        lua_pushstring(L, name);
        lua_rawseti(L, -2, number);
        lua_pushinteger(L, number);
        lua_setfield(L, -2, name);
    }
}


/* Upvalue 1: the methods; the one field is pid. */
static int process_index(lua_State *L)
{
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    if (!lua_isnil(L, -1) || lua_type(L, 2) != LUA_TSTRING
        || strcmp(lua_tostring(L, 2), "pid") != 0)
        return 1;
    lua_pushinteger(L, neap_process_pid(check_process(L)));
    return 1;
}


void lneap_open_process(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"fork", process_fork},
        {"answer", process_answer},
        {"exit", process_exit},
        {NULL, NULL},
    };
    static const luaL_Reg methods[] = {
        {"status", process_status},
        {"answered", process_answered},
        {"alive", process_alive},
        {"kill", process_kill},
        {NULL, NULL},
    };

    lneap_class_open(L, &lneap_process_class, methods, NULL, process_index);
    lua_pushvalue(L, -2);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
    push_signals(L);
    lua_setfield(L, -3, "signals");
}
