/*
 * Mutexes.
 *
 * @module neap
 */
#include "lneap.h"


static int take_mutex(void *core, int64_t deadline)
{
    return neap_mutex_lock(core, deadline);
}


static int give_mutex(void *core)
{
    return neap_mutex_unlock(core);
}


static void close_core(void *core)
{
    neap_mutex_close(core);
}


static const struct lneap_lock_kind mutex_kind = {
    .take = take_mutex,
    .give = give_mutex,
    .close = close_core,
};


static void close_mutex(struct lneap_handle *handle)
{
    lneap_lock_close((struct lneap_lock *)handle, &mutex_kind);
}


const struct lneap_class lneap_mutex_class = {
    .noun = "mutex",
    .name = "neap.mutex",
    .size = sizeof(struct lneap_lock),
    .close = close_mutex,
};


static struct lneap_lock *check_lock(lua_State *L)
{
    return lneap_check(L, 1, &lneap_mutex_class);
}


static inline neap_mutex *check_mutex(lua_State *L)
{
    struct lneap_handle *handle = lneap_check(L, 1, &lneap_mutex_class);

    return handle->core;
}


/* {recursive = true | false}; without it, whatever is there. */
static neap_mutex_kind check_kind(lua_State *L, int arg)
{
    static const char *const known[] = {"recursive", "spin", NULL};
    neap_mutex_kind kind = NEAP_MUTEX_ANY;

    lneap_check_options(L, arg, known);
    if (lua_isnoneornil(L, arg))
        return kind;
    lua_getfield(L, arg, "recursive");
    if (!lua_isnil(L, -1))
        kind = lneap_option_bool(L, arg, "recursive", false)
                   ? NEAP_MUTEX_RECURSIVE
                   : NEAP_MUTEX_PLAIN;
    lua_pop(L, 1);
    return kind;
}


/***
 * Open the mutex of that name, or make it, unlocked.
 *
 * With {recursive = true} its owner may lock it again, and unlocks it as often.
 *
 * @usage local lock = heap:mutex("lock")
 * @function heap:mutex
 * @tparam string name
 * @tparam[opt] table options
 * @treturn mutex the mutex, or nil, text and code
 * @treturn boolean true if this call made it
 */
int lneap_heap_mutex(lua_State *L)
{
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);
    const char *name = lneap_check_name(L, 2);
    int64_t spin = lneap_option_spin(L, 3);
    neap_mutex_kind kind = check_kind(L, 3);
    struct lneap_handle *handle =
        lneap_object_new(L, &lneap_mutex_class, heap, name);
    neap_mutex *core;

    int status = neap_mutex_open_kind(heap->handle.core, name, kind, &core);
    if (status >= 0) {
        handle->core = core;
        (void)neap_set_spin(core, spin);
    }
    return lneap_object_opened(L, status);
}


/***
 * Mutexes. The owner is a thread; when it dies inside, the next ones to lock
 * are told "abandoned" until one says that all is repaired.
 * @type mutex
 */

/***
 * Lock it.
 *
 * @usage if lock:lock(0.5) then work(); lock:unlock() end
 * @function mutex:lock
 * @tparam[opt] number timeout seconds; nil waits for ever, 0 tries once
 * @treturn boolean true; false on timeout; or nil, text and code
 * @treturn string "abandoned" with true; "timeout" with false
 */
static int mutex_lock(lua_State *L)
{
    neap_mutex *mutex = check_mutex(L);
    int64_t deadline = lneap_check_deadline(L, 2);
    int status;

    LNEAP_WAIT(L, status, neap_mutex_lock(mutex, deadline));
    return lneap_waited(L, status);
}


/***
 * Lock it if it is free.
 *
 * @usage if lock:trylock() then work(); lock:unlock() end
 * @function mutex:trylock
 * @treturn boolean as lock
 */
static int mutex_trylock(lua_State *L)
{
    return lneap_waited(L, neap_mutex_lock(check_mutex(L), NEAP_NOW));
}


/***
 * Unlock it. Only its owner may.
 *
 * @usage assert(lock:unlock())
 * @function mutex:unlock
 * @treturn boolean true, or nil, text and code
 */
static int mutex_unlock(lua_State *L)
{
    return lneap_done(L, neap_mutex_unlock(check_mutex(L)));
}


/***
 * Lock it until the end of a scope. What prevents that raises, except a
 * timeout.
 *
 * @usage do local guard <close> = lock:guard(); work() end
 * @function mutex:guard
 * @tparam[opt] number timeout seconds
 * @treturn guard the guard, or false and "timeout"
 * @treturn string "abandoned" if the last owner died inside
 */
static int mutex_guard(lua_State *L)
{
    return lneap_lock_guard(L, check_lock(L), &mutex_kind);
}


/***
 * Run a function while it is locked, and return what that returns.
 *
 * @usage local n = lock:with(function() return step() end)
 * @function mutex:with
 * @tparam function fn
 * @param ... its arguments
 * @return what fn returns; what it raises is raised
 */
static int mutex_with(lua_State *L)
{
    return lneap_lock_with(L, check_lock(L), &mutex_kind);
}


/***
 * The process that has it.
 *
 * @usage print(lock:holder())
 * @function mutex:holder
 * @treturn integer its pid, 0 for nobody; or nil, text and code
 */
static int mutex_holder(lua_State *L)
{
    int32_t pid;
    int status = neap_mutex_holder(check_mutex(L), &pid);

    if (status < 0)
        return lneap_fail(L, status);
    lua_pushinteger(L, pid);
    return 1;
}


/***
 * Does this thread have it?
 *
 * @usage assert(lock:mine())
 * @function mutex:mine
 * @treturn boolean
 */
static int mutex_mine(lua_State *L)
{
    lua_pushboolean(L, neap_mutex_mine(check_mutex(L)) == 1);
    return 1;
}


/***
 * Say that what it protects is whole again, though an owner died inside.
 *
 * @usage local ok, news = lock:lock(); if news then mend(); lock:repaired() end
 * @function mutex:repaired
 * @treturn boolean true, or nil, text and code
 */
static int mutex_repaired(lua_State *L)
{
    return lneap_done(L, neap_mutex_repaired(check_mutex(L)));
}


/***
 * The owner that died inside, if nobody has repaired that yet.
 *
 * @usage print(lock:abandoned())
 * @function mutex:abandoned
 * @treturn integer its pid, or false; or nil, text and code
 */
static int mutex_abandoned(lua_State *L)
{
    int32_t pid;
    int status = neap_mutex_abandoned(check_mutex(L), &pid);

    return lneap_push_pid(L, status, pid);
}


/***
 * "plain" or "recursive".
 *
 * @usage print(lock:kind())
 * @function mutex:kind
 * @treturn string
 */
static int mutex_kind_name(lua_State *L)
{
    bool recursive = neap_mutex_kind_of(check_mutex(L)) == NEAP_MUTEX_RECURSIVE;

    lua_pushstring(L, recursive ? "recursive" : "plain");
    return 1;
}


void lneap_open_mutex(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"lock", mutex_lock},     {"trylock", mutex_trylock},
        {"unlock", mutex_unlock}, {"guard", mutex_guard},
        {"with", mutex_with},     {"holder", mutex_holder},
        {"mine", mutex_mine},     {"name", lneap_object_name},
        {"kind", mutex_kind_name},
        {"repaired", mutex_repaired},
        {"abandoned", mutex_abandoned},
        {NULL, NULL},
    };
    static const luaL_Reg meta[] = {{"__eq", lneap_object_eq}, {NULL, NULL}};

    lneap_class_open(L, &lneap_mutex_class, methods, meta, NULL);
}
