/*
 * Semaphores.
 *
 * @module neap
 */
#include "lneap.h"


static int take_permit(void *core, int64_t deadline)
{
    return neap_semaphore_acquire(core, deadline);
}


static int give_permit(void *core)
{
    return neap_semaphore_release(core);
}


static void close_core(void *core)
{
    neap_semaphore_close(core);
}


static const struct lneap_lock_kind semaphore_kind = {
    .take = take_permit,
    .give = give_permit,
    .close = close_core,
};


static void close_semaphore(struct lneap_handle *handle)
{
    lneap_lock_close((struct lneap_lock *)handle, &semaphore_kind);
}


const struct lneap_class lneap_semaphore_class = {
    .noun = "semaphore",
    .name = "neap.semaphore",
    .size = sizeof(struct lneap_lock),
    .close = close_semaphore,
};


static struct lneap_lock *check_lock(lua_State *L)
{
    return lneap_check(L, 1, &lneap_semaphore_class);
}


static inline neap_semaphore *check_semaphore(lua_State *L)
{
    struct lneap_handle *handle = lneap_check(L, 1, &lneap_semaphore_class);

    return handle->core;
}


/* {undo = true | false}; without it, whatever is there. */
static neap_semaphore_kind check_kind(lua_State *L, int arg)
{
    static const char *const known[] = {"undo", "bound", "spin", NULL};
    neap_semaphore_kind kind = NEAP_SEMAPHORE_ANY;

    lneap_check_options(L, arg, known);
    if (lua_isnil(L, arg))
        return kind;
    lua_getfield(L, arg, "undo");
    if (!lua_isnil(L, -1))
        kind = lneap_option_bool(L, arg, "undo", false)
                   ? NEAP_SEMAPHORE_UNDO
                   : NEAP_SEMAPHORE_CLASSIC;
    lua_pop(L, 1);
    return kind;
}


/* {bound = n}: 0 without it. */
static int64_t check_bound(lua_State *L, int arg)
{
    uint64_t bound = 0;

    if (!lua_isnil(L, arg)) {
        lua_getfield(L, arg, "bound");
        bool wanted = !lua_isnil(L, -1);
        lua_pop(L, 1);
        bound = lneap_option_size(L, arg, "bound");
        luaL_argcheck(L, !wanted || (bound >= 1 && bound <= NEAP_SEMAPHORE_MAX),
                      arg, "bound: 1 to 2147483647 expected");
    }
    return (int64_t)bound;
}


/* How many at once, 1 unless said. */
static int64_t check_many(lua_State *L, int arg)
{
    lua_Integer n = luaL_optinteger(L, arg, 1);

    luaL_argcheck(L, n >= 1 && n <= NEAP_SEMAPHORE_MAX, arg,
                  "1 to 2147483647 permits at once");
    return n;
}


static int64_t check_initial(lua_State *L, int arg)
{
    luaL_checktype(L, arg, LUA_TNUMBER);
    lua_Integer initial = luaL_checkinteger(L, arg);
    luaL_argcheck(L, initial >= 0 && initial <= NEAP_SEMAPHORE_MAX, arg,
                  "a semaphore has 0 to 2147483647 permits");
    return initial;
}


/***
 * Open the semaphore of that name, or make it with `initial` permits. Without
 * `initial` it must be there.
 *
 * With {undo = true} a permit belongs to who acquired it and returns when that
 * thread ends. With {bound = n} there are never more than n: releasing more
 * than were acquired is EOVERFLOW.
 *
 * @usage local slots = heap:semaphore("slots", 3, {undo = true})
 * @function heap:semaphore
 * @tparam string name
 * @tparam[opt] integer initial ignored when the semaphore is there
 * @tparam[opt] table options
 * @treturn semaphore the semaphore, or nil, text and code
 * @treturn boolean true if this call made it
 */
int lneap_heap_semaphore(lua_State *L)
{
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);
    const char *name = lneap_check_name(L, 2);
    int64_t spin = lneap_option_spin(L, 4);
    neap_semaphore_kind kind = check_kind(L, 4);
    int64_t bound = check_bound(L, 4);
    int64_t initial = 0;
    neap_semaphore *core;
    int status;

    if (lua_isnil(L, 3)) {
        neap_object_info there;
        if ((status = neap_heap_find(heap->handle.core, name, &there)) < 0)
            return lneap_fail(L, status);
    } else {
        initial = check_initial(L, 3);
    }

    struct lneap_handle *handle =
        lneap_object_new(L, &lneap_semaphore_class, heap, name);
    status = neap_semaphore_open_bounded(heap->handle.core, name, initial,
                                         bound, kind, &core);
    if (status >= 0) {
        handle->core = core;
        (void)neap_set_spin(core, spin);
    }
    return lneap_object_opened(L, status);
}


/***
 * Semaphores.
 * @type semaphore
 */

/***
 * Take a permit, or n of them at once.
 *
 * @usage if slots:acquire(2.5) then work(); slots:release() end
 * @function semaphore:acquire
 * @tparam[opt] number timeout seconds; nil waits for ever, 0 tries once
 * @tparam[opt=1] integer n all of them or none
 * @treturn boolean true; false and "timeout"; or nil, text and code
 */
static int semaphore_acquire(lua_State *L)
{
    neap_semaphore *semaphore = check_semaphore(L);
    int64_t deadline = lneap_check_deadline(L, 2);
    int64_t n = check_many(L, 3);
    int status;

    LNEAP_WAIT(L, status, neap_semaphore_acquire_many(semaphore, n, deadline));
    return lneap_waited(L, status);
}


/***
 * Take a permit, or n at once, if there are so many.
 *
 * @usage if slots:try() then work(); slots:release() end
 * @function semaphore:try
 * @tparam[opt=1] integer n
 * @treturn boolean as acquire
 */
static int semaphore_try(lua_State *L)
{
    neap_semaphore *semaphore = check_semaphore(L);
    int64_t n = check_many(L, 2);

    return lneap_waited(L, neap_semaphore_acquire_many(semaphore, n, NEAP_NOW));
}


/***
 * Give a permit back, or n at once.
 *
 * @usage assert(slots:release())
 * @function semaphore:release
 * @tparam[opt=1] integer n
 * @treturn boolean true, or nil, text and code
 */
static int semaphore_release(lua_State *L)
{
    neap_semaphore *semaphore = check_semaphore(L);
    int64_t n = check_many(L, 2);

    return lneap_done(L, neap_semaphore_release_many(semaphore, n));
}


/***
 * How many permits there are now.
 *
 * @usage print(slots:get())
 * @function semaphore:get
 * @treturn integer permits, or nil, text and code
 */
static int semaphore_get(lua_State *L)
{
    int64_t value;
    int status = neap_semaphore_get(check_semaphore(L), &value);

    if (status < 0)
        return lneap_fail(L, status);
    lua_pushinteger(L, value);
    return 1;
}


/***
 * Take a permit until the end of a scope. What prevents that raises, except a
 * timeout.
 *
 * @usage do local guard <close> = slots:guard(); work() end
 * @function semaphore:guard
 * @tparam[opt] number timeout seconds
 * @treturn guard the guard, or false and "timeout"
 */
static int semaphore_guard(lua_State *L)
{
    return lneap_lock_guard(L, check_lock(L), &semaphore_kind);
}


/***
 * Run a function with a permit, and return what that returns.
 *
 * @usage slots:with(function() fetch(url) end)
 * @function semaphore:with
 * @tparam function fn
 * @param ... its arguments
 * @return what fn returns; what it raises is raised
 */
static int semaphore_with(lua_State *L)
{
    return lneap_lock_with(L, check_lock(L), &semaphore_kind);
}


/***
 * "classic" or "undo".
 *
 * @usage print(slots:kind())
 * @function semaphore:kind
 * @treturn string
 */
static int semaphore_kind_name(lua_State *L)
{
    bool undo = neap_semaphore_kind_of(check_semaphore(L))
                == NEAP_SEMAPHORE_UNDO;

    lua_pushstring(L, undo ? "undo" : "classic");
    return 1;
}


/***
 * The most permits that there can be.
 *
 * @usage print(slots:bound())
 * @function semaphore:bound
 * @treturn integer or nil
 */
static int semaphore_bound(lua_State *L)
{
    int64_t bound = neap_semaphore_bound(check_semaphore(L));

    if (bound)
        lua_pushinteger(L, bound);
    else
        lua_pushnil(L);
    return 1;
}


void lneap_open_semaphore(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"acquire", semaphore_acquire},
        {"try", semaphore_try},
        {"release", semaphore_release},
        {"get", semaphore_get},
        {"guard", semaphore_guard},
        {"with", semaphore_with},
        {"kind", semaphore_kind_name},
        {"bound", semaphore_bound},
        {"name", lneap_object_name},
        {NULL, NULL},
    };
    static const luaL_Reg meta[] = {{"__eq", lneap_object_eq}, {NULL, NULL}};

    lneap_class_open(L, &lneap_semaphore_class, methods, meta, NULL);
}
