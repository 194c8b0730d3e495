/*
 * Barriers.
 *
 * @module neap
 */
#include "lneap.h"


static void close_barrier(struct lneap_handle *handle)
{
    neap_barrier_close(handle->core);
}


const struct lneap_class lneap_barrier_class = {
    .noun = "barrier",
    .name = "neap.barrier",
    .size = sizeof(struct lneap_object),
    .values = 2, /* its action and its time-out, or nil */
    .close = close_barrier,
};


static neap_barrier *check_barrier(lua_State *L)
{
    struct lneap_handle *handle = lneap_check(L, 1, &lneap_barrier_class);

    return handle->core;
}


/* {shrink = true | false, counted = true}; without both, whatever is there. */
static neap_barrier_kind check_kind(lua_State *L, int arg)
{
    static const char *const known[] = {"shrink", "counted", "action", "timeout",
                                        "spin", NULL};

    lneap_check_options(L, arg, known);
    if (lua_isnoneornil(L, arg))
        return NEAP_BARRIER_ANY;
    lua_getfield(L, arg, "shrink");
    bool said = !lua_isnil(L, -1);
    lua_pop(L, 1);
    bool counted = lneap_option_bool(L, arg, "counted", false);
    if (!said && !counted)
        return NEAP_BARRIER_ANY;
    neap_barrier_kind kind = lneap_option_bool(L, arg, "shrink", false)
                                 ? NEAP_BARRIER_SHRINKS
                                 : NEAP_BARRIER_BREAKS;
    return kind | (counted ? NEAP_BARRIER_COUNTED : 0);
}


/* Its action, or nil. */
static void push_action(lua_State *L, int options)
{
    if (lua_isnoneornil(L, options)) {
        lua_pushnil(L);
        return;
    }
    lua_getfield(L, options, "action");
    luaL_argcheck(L, lua_isnil(L, -1) || lua_isfunction(L, -1), options,
                  "action must be a function");
}


/* Of a wait that says none, or nil. */
static void push_timeout(lua_State *L, int options)
{
    if (lua_isnoneornil(L, options)) {
        lua_pushnil(L);
        return;
    }
    lua_getfield(L, options, "timeout");
    luaL_argcheck(L, lua_isnil(L, -1) || (lua_type(L, -1) == LUA_TNUMBER
                                          && lua_tonumber(L, -1) >= 0),
                  options, "timeout must be seconds from 0 up");
}


/***
 * Open the barrier of that name, or make it for `parties`. Without `parties`
 * it must be there.
 *
 * With {shrink = true} a party that dies while it waits does not break it: the
 * others go on without it. With {counted = true} its parties are those who
 * joined, and `parties` is nil; one that ends or dies anywhere, without having
 * left, breaks it or makes it smaller.
 *
 * With {action = f} this handle has an action: f is called by exactly one party
 * in each phase when all are there, before any of them goes on. What it raises
 * is raised by that party's wait, and breaks the barrier, as its death does; of
 * one that shrinks another party calls its own then. f can neither yield nor
 * wait at the barrier. {timeout = seconds} is that of this handle's waits that
 * say none.
 *
 * @usage local step = heap:barrier("step", 4)
 * @function heap:barrier
 * @tparam string name
 * @tparam[opt] integer parties 1 to 65535, ignored when the barrier is there
 * @tparam[opt] table options
 * @treturn barrier the barrier, or nil, text and code
 * @treturn boolean true if this call made it
 */
int lneap_heap_barrier(lua_State *L)
{
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);
    const char *name = lneap_check_name(L, 2);
    int64_t spin = lneap_option_spin(L, 4);
    neap_barrier_kind kind = check_kind(L, 4);
    int64_t parties = 0;
    neap_barrier *core;

    luaL_argcheck(L, !(kind & NEAP_BARRIER_COUNTED) || lua_isnil(L, 3), 3,
                  "a counted barrier has the parties that join");
    if (!lua_isnoneornil(L, 3))
        parties = lneap_check_count(L, 3, 65535, "a barrier has 1 to 65535 "
                                    "parties");
    lua_settop(L, 4);
    push_action(L, 4);
    push_timeout(L, 4);
    struct lneap_handle *handle =
        lneap_object_new(L, &lneap_barrier_class, heap, name);
    lua_pushvalue(L, 5);
    lua_setiuservalue(L, 7, 1);
    lua_pushvalue(L, 6);
    lua_setiuservalue(L, 7, 2);
    int status = neap_barrier_open_kind(heap->handle.core, name, parties, kind,
                                        &core);
    if (status >= 0) {
        handle->core = core;
        (void)neap_set_spin(core, spin);
    }
    return lneap_object_opened(L, status);
}


/***
 * Barriers: nobody goes on before all are there. A party that dies, gives up
 * or is interrupted by Ctrl-C while it waits breaks the barrier, for the others
 * would wait for nobody: every wait is then "EBROKEN", until it is reset.
 * @type barrier
 */

/* Called while the wait is still counted: nothing may be raised here. */
static bool goes_on(void *L)
{
    return !lneap_hooked(L);
}


/* Within a wait: nothing may be raised here, what went wrong stays behind. */
static int run_action(void *argument)
{
    lua_State *L = argument;
    lua_getiuservalue(L, 1, 1);
    return lua_pcall(L, 0, 0, 0) == LUA_OK ? 0 : -ECANCELED;
}


/***
 * Wait until all parties wait. A timeout breaks it, unless all are there and
 * only the action of one of them is waited for.
 *
 * @usage for i = 1, 100 do
 *   compute(i)
 *   assert(step:wait())
 * end
 * @function barrier:wait
 * @tparam[opt] number timeout seconds; nil waits as long as the handle's
 * timeout says, or for ever
 * @treturn integer a place from 1 to the number of parties, another one for
 * each, the last to come having 1 (nobody has it where a death was what let the
 * others go on); false and "timeout"; or nil, text and code
 */
static int barrier_wait(lua_State *L)
{
    neap_barrier *barrier = check_barrier(L);
    int64_t place;
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_getiuservalue(L, 1, 2);
        lua_replace(L, 2);
    }
    int64_t deadline = lneap_check_deadline(L, 2);
    lua_settop(L, 1);
    lua_getiuservalue(L, 1, 1);
    neap_barrier_set_action(barrier, lua_isnil(L, 2) ? NULL : run_action, L);
    /* Not LNEAP_WAIT: by then an interruption would have broken it. */
    int status = neap_barrier_wait_through(barrier, deadline, goes_on, L,
                                           &place);

    if (lua_gettop(L) > 2) /* what its action raised */
        return lua_error(L);
    if (status == -EINTR)
        (void)lneap_interrupted(L);
    if (status < 0)
        return lneap_waited(L, status);
    lua_pushinteger(L, place + 1);
    return 1;
}


/***
 * Be a party of a counted barrier, as the thread that this is: one that ends
 * without having left breaks it, or makes it smaller.
 *
 * @usage step:join()
 * @function barrier:join
 * @treturn boolean true, or nil, text and code: "EALREADY" it is one
 */
static int barrier_join(lua_State *L)
{
    return lneap_done(L, neap_barrier_join(check_barrier(L)));
}


/***
 * Be a party no more. Those who wait go on if all others are there.
 *
 * @usage step:leave()
 * @function barrier:leave
 * @treturn boolean true, or nil, text and code: "EPERM" it is none
 */
static int barrier_leave(lua_State *L)
{
    return lneap_done(L, neap_barrier_leave(check_barrier(L)));
}


/***
 * Break it: who waits, and who comes, gets "EBROKEN".
 *
 * @usage step:abort()
 * @function barrier:abort
 * @treturn boolean true, or nil, text and code
 */
static int barrier_abort(lua_State *L)
{
    return lneap_done(L, neap_barrier_abort(check_barrier(L)));
}


/***
 * Make it whole and empty; who waits gets "EBROKEN".
 *
 * @usage if step:broken() then step:reset() end
 * @function barrier:reset
 * @treturn boolean true, or nil, text and code
 */
static int barrier_reset(lua_State *L)
{
    return lneap_done(L, neap_barrier_reset(check_barrier(L)));
}


/***
 * Is it broken?
 *
 * @usage assert(not step:broken())
 * @function barrier:broken
 * @treturn boolean or nil, text and code
 */
static int barrier_broken(lua_State *L)
{
    bool broken;
    int status = neap_barrier_status(check_barrier(L), NULL, NULL, &broken);

    if (status < 0)
        return lneap_fail(L, status);
    lua_pushboolean(L, broken);
    return 1;
}


/***
 * Does a party that dies leave it whole, with one party less?
 *
 * @usage print(step:shrinks())
 * @function barrier:shrinks
 * @treturn boolean
 */
static int barrier_shrinks(lua_State *L)
{
    neap_barrier_kind kind = neap_barrier_kind_of(check_barrier(L));

    lua_pushboolean(L, (kind & NEAP_BARRIER_SHRINKS) != 0);
    return 1;
}


/***
 * Are its parties those who joined?
 *
 * @usage if step:counted() then step:join() end
 * @function barrier:counted
 * @treturn boolean
 */
static int barrier_counted(lua_State *L)
{
    neap_barrier_kind kind = neap_barrier_kind_of(check_barrier(L));

    lua_pushboolean(L, (kind & NEAP_BARRIER_COUNTED) != 0);
    return 1;
}


/***
 * How many have to come.
 *
 * @usage print(step:parties())
 * @function barrier:parties
 * @treturn integer or nil, text and code
 */
static int barrier_parties(lua_State *L)
{
    int64_t parties;
    int status = neap_barrier_status(check_barrier(L), &parties, NULL, NULL);

    if (status < 0)
        return lneap_fail(L, status);
    lua_pushinteger(L, parties);
    return 1;
}


/***
 * How many wait now.
 *
 * @usage print(step:waiting(), "of", step:parties(), "are there")
 * @function barrier:waiting
 * @treturn integer or nil, text and code
 */
static int barrier_waiting(lua_State *L)
{
    int64_t waiting;
    int status = neap_barrier_status(check_barrier(L), NULL, &waiting, NULL);

    if (status < 0)
        return lneap_fail(L, status);
    lua_pushinteger(L, waiting);
    return 1;
}


void lneap_open_barrier(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"wait", barrier_wait},       {"abort", barrier_abort},
        {"reset", barrier_reset},     {"broken", barrier_broken},
        {"parties", barrier_parties}, {"waiting", barrier_waiting},
        {"join", barrier_join},       {"leave", barrier_leave},
        {"shrinks", barrier_shrinks}, {"counted", barrier_counted},
        {"name", lneap_object_name},  {NULL, NULL},
    };
    static const luaL_Reg meta[] = {{"__eq", lneap_object_eq}, {NULL, NULL}};

    lneap_class_open(L, &lneap_barrier_class, methods, meta, NULL);
}
