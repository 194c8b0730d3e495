/*
 * Guards: what makes sure that a lock is given back on every way out.
 *
 * A guard keeps the core's handle of its lock open: if the script closes the
 * lock meanwhile, the last guard closes it. A guard that a child inherited
 * does nothing there, for the child holds nothing.
 *
 * @module neap
 */
#include "lneap.h"

struct lneap_guard {
    struct lneap_handle handle; /* core is the lock's core */
    struct lneap_lock *lock;    /* user value 1 keeps it alive */
    const struct lneap_lock_kind *kind;
    unsigned generation;
};


void lneap_lock_close(struct lneap_lock *lock,
                      const struct lneap_lock_kind *kind)
{
    if (lock->guards > 0)
        lock->closing = lock->object.handle.core;
    else
        kind->close(lock->object.handle.core);
}


static void close_guard(struct lneap_handle *handle)
{
    struct lneap_guard *guard = (struct lneap_guard *)handle;
    struct lneap_lock *lock = guard->lock;

    if (guard->generation == lneap_generation())
        (void)guard->kind->give(handle->core);
    if (--lock->guards == 0 && lock->closing) {
        guard->kind->close(lock->closing);
        lock->closing = NULL;
    }
}


const struct lneap_class lneap_guard_class = {
    .noun = "guard",
    .name = "neap.guard",
    .size = sizeof(struct lneap_guard),
    .values = 1,
    .close = close_guard,
};


/*
 * Lock and push a guard; the lock is at stack index 1. On failure push what a
 * wait answers (timeouts) or raise: `local g <close> = nil` would go on
 * without a word, and unlocked.
 */
static int push_guard(lua_State *L, struct lneap_lock *lock,
                      const struct lneap_lock_kind *kind, int64_t deadline)
{
    struct lneap_guard *guard =
        lneap_new(L, &lneap_guard_class, lock->object.handle.label);
    int status;

    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    LNEAP_WAIT(L, status, kind->take(lock->object.handle.core, deadline));
    if (status == -ETIMEDOUT || status == -EBUSY)
        return lneap_waited(L, status);
    if (status < 0)
        return luaL_error(L, "%s", neap_error_text());

    guard->handle.core = lock->object.handle.core;
    guard->lock = lock;
    guard->kind = kind;
    guard->generation = lneap_generation();
    lock->guards++;
    if (status != NEAP_ABANDONED)
        return 1;
    lua_pushliteral(L, "abandoned");
    return 2;
}


int lneap_lock_guard(lua_State *L, struct lneap_lock *lock,
                     const struct lneap_lock_kind *kind)
{
    return push_guard(L, lock, kind, lneap_check_deadline(L, 2));
}


#if LUA_VERSION_NUM >= 504

/* Stack: lock, guard (to be closed), results... */
static int finish_with(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    return lua_gettop(L) - 2;
}


/* The error, if there is one, leaves fn untouched: a message handler further
 * up still sees the whole stack. */
static int call_with(lua_State *L, int arguments)
{
    lua_toclose(L, 2);
    lua_callk(L, arguments, LUA_MULTRET, 0, finish_with);
    return finish_with(L, LUA_OK, 0);
}

#else

static int finish_with(lua_State *L, int status, lua_KContext context)
{
    struct lneap_guard *guard = lua_touserdata(L, 2);

    (void)context;
    close_guard(&guard->handle);
    guard->handle.core = NULL;
    if (status != LUA_OK && status != LUA_YIELD)
        return lua_error(L);
    return lua_gettop(L) - 2;
}


static int call_with(lua_State *L, int arguments)
{
    return finish_with(
        L, lua_pcallk(L, arguments, LUA_MULTRET, 0, 0, finish_with), 0);
}

#endif


/* Stack: lock, fn, arguments... becomes lock, guard, fn, arguments... */
int lneap_lock_with(lua_State *L, struct lneap_lock *lock,
                    const struct lneap_lock_kind *kind)
{
    int arguments = lua_gettop(L) - 2;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (push_guard(L, lock, kind, NEAP_FOREVER) > 1)
        lua_pop(L, 1);
    lua_insert(L, 2);
    return call_with(L, arguments);
}


/***
 * What lock:guard() returns: gives the lock back when it goes out of scope.
 * @type guard
 */

/***
 * Give the lock back now rather than at the end of the scope.
 *
 * @usage local guard = lock:guard(); work(); guard:close()
 * @function guard:close
 */
void lneap_open_guard(lua_State *L)
{
    lneap_class_open(L, &lneap_guard_class, NULL, NULL, NULL);
}
