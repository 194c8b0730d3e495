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
    bool returned; /* what it guarded came to its end without an error */
};


void lneap_lock_close(struct lneap_lock *lock,
                      const struct lneap_lock_kind *kind)
{
    if (lock->guards > 0)
        lock->closing = lock->object.handle.core;
    else
        kind->close(lock->object.handle.core);
}


static void give_back(const struct lneap_guard *guard)
{
    if (guard->returned && guard->kind->finish)
        (void)guard->kind->finish(guard->handle.core);
    else
        (void)guard->kind->give(guard->handle.core);
}


static void close_guard(struct lneap_handle *handle)
{
    struct lneap_guard *guard = (struct lneap_guard *)handle;
    struct lneap_lock *lock = guard->lock;

    if (guard->generation == lneap_generation())
        give_back(guard);
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


static void arm(struct lneap_guard *guard, struct lneap_lock *lock,
                const struct lneap_lock_kind *kind)
{
    guard->handle.core = lock->object.handle.core;
    guard->lock = lock;
    guard->kind = kind;
    guard->generation = lneap_generation();
    lock->guards++;
}


int lneap_lock_take(lua_State *L, struct lneap_lock *lock,
                    const struct lneap_lock_kind *kind, int64_t deadline)
{
    struct lneap_guard *guard =
        lneap_new(L, &lneap_guard_class, lock->object.handle.label);
    int status;

    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    LNEAP_WAIT(L, status, kind->take(lock->object.handle.core, deadline));
    if (status >= 0)
        arm(guard, lock, kind);
    else if (status != -ETIMEDOUT && status != -EBUSY && status != -EALREADY)
        luaL_error(L, "%s", neap_error_text());
    return status;
}


int lneap_lock_guard(lua_State *L, struct lneap_lock *lock,
                     const struct lneap_lock_kind *kind)
{
    int status = lneap_lock_take(L, lock, kind, lneap_check_deadline(L, 2));

    if (status < 0)
        return lneap_waited(L, status);
    if (status != NEAP_ABANDONED)
        return 1;
    lua_pushliteral(L, "abandoned");
    return 2;
}


/*
 * Stack: lock, guard, results... The context is 1 for a caller that wants to
 * know that it was done, and not what it gave.
 */
static int finish_call(lua_State *L, int status, lua_KContext context)
{
    struct lneap_guard *guard = lua_touserdata(L, 2);
    bool returned = status == LUA_OK || status == LUA_YIELD;

    guard->returned = returned;
#if LUA_VERSION_NUM < 504
    close_guard(&guard->handle);
    guard->handle.core = NULL;
    if (!returned)
        return lua_error(L);
#endif
    if (context == 0)
        return lua_gettop(L) - 2;
    lua_pushboolean(L, returned);
    return 1;
}


/* In 5.4 the error, if there is one, leaves fn untouched: a message handler
 * further up still sees the whole stack. */
int lneap_lock_call(lua_State *L, int arguments, bool tell)
{
    lua_KContext context = tell;

    lua_insert(L, 2);
#if LUA_VERSION_NUM >= 504
    lua_toclose(L, 2);
    lua_callk(L, arguments, LUA_MULTRET, context, finish_call);
    return finish_call(L, LUA_OK, context);
#else
    return finish_call(L, lua_pcallk(L, arguments, LUA_MULTRET, 0, context,
                                     finish_call), context);
#endif
}


/* Stack: lock, fn, arguments... */
int lneap_lock_with(lua_State *L, struct lneap_lock *lock,
                    const struct lneap_lock_kind *kind)
{
    int arguments = lua_gettop(L) - 2;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    (void)lneap_lock_take(L, lock, kind, NEAP_FOREVER);
    return lneap_lock_call(L, arguments, false);
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
