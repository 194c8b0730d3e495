/*
 * Locks for many readers or one writer.
 *
 * @module neap
 */
#include "lneap.h"


static int take_read(void *core, int64_t deadline)
{
    return neap_rwlock_read(core, deadline);
}


static int take_write(void *core, int64_t deadline)
{
    return neap_rwlock_write(core, deadline);
}


static int give_rwlock(void *core)
{
    return neap_rwlock_unlock(core);
}


static void close_core(void *core)
{
    neap_rwlock_close(core);
}


static const struct lneap_lock_kind read_kind = {
    .take = take_read,
    .give = give_rwlock,
    .close = close_core,
};

static const struct lneap_lock_kind write_kind = {
    .take = take_write,
    .give = give_rwlock,
    .close = close_core,
};


static void close_rwlock(struct lneap_handle *handle)
{
    lneap_lock_close((struct lneap_lock *)handle, &read_kind);
}


const struct lneap_class lneap_rwlock_class = {
    .noun = "rwlock",
    .name = "neap.rwlock",
    .size = sizeof(struct lneap_lock),
    .close = close_rwlock,
};


static struct lneap_lock *check_lock(lua_State *L)
{
    return lneap_check(L, 1, &lneap_rwlock_class);
}


static neap_rwlock *check_rwlock(lua_State *L)
{
    struct lneap_handle *handle = lneap_check(L, 1, &lneap_rwlock_class);

    return handle->core;
}


/***
 * Open the rwlock of that name, or make it, unlocked.
 *
 * @usage local lock = heap:rwlock("table")
 * @function heap:rwlock
 * @tparam string name
 * @tparam[opt] table options {spin = "auto" or microseconds}
 * @treturn rwlock the rwlock, or nil, text and code
 * @treturn boolean true if this call made it
 */
int lneap_heap_rwlock(lua_State *L)
{
    static const char *const known[] = {"spin", NULL};
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);
    const char *name = lneap_check_name(L, 2);
    lneap_check_options(L, 3, known);
    int64_t spin = lneap_option_spin(L, 3);
    struct lneap_handle *handle =
        lneap_object_new(L, &lneap_rwlock_class, heap, name);
    neap_rwlock *core;

    int status = neap_rwlock_open(heap->handle.core, name, &core);
    if (status >= 0) {
        handle->core = core;
        (void)neap_set_spin(core, spin);
    }
    return lneap_object_opened(L, status);
}


/***
 * Locks for many readers or one writer. A thread that has it for reading
 * cannot have it for writing as well: that is "EDEADLK", for two who try would
 * wait for each other.
 * @type rwlock
 */

/***
 * Lock it for reading, beside other readers.
 *
 * @usage if lock:read(0.5) then look(); lock:unlock() end
 * @function rwlock:read
 * @tparam[opt] number timeout seconds; nil waits for ever, 0 tries once
 * @treturn boolean true; false and "timeout"; or nil, text and code
 */
static int rwlock_read(lua_State *L)
{
    neap_rwlock *rwlock = check_rwlock(L);
    int64_t deadline = lneap_check_deadline(L, 2);
    int status;

    LNEAP_WAIT(L, status, neap_rwlock_read(rwlock, deadline));
    return lneap_waited(L, status);
}


/***
 * Lock it for writing, alone.
 *
 * @usage local ok, news = lock:write()
 * if news == "abandoned" then mend() end
 * lock:unlock()
 * @function rwlock:write
 * @tparam[opt] number timeout seconds; nil waits for ever, 0 tries once
 * @treturn boolean true; false on timeout; or nil, text and code
 * @treturn string "abandoned" with true: the last writer died inside;
 * "timeout" with false
 */
static int rwlock_write(lua_State *L)
{
    neap_rwlock *rwlock = check_rwlock(L);
    int64_t deadline = lneap_check_deadline(L, 2);
    int status;

    LNEAP_WAIT(L, status, neap_rwlock_write(rwlock, deadline));
    return lneap_waited(L, status);
}


/***
 * Lock it for reading if nobody writes.
 *
 * @usage if lock:try_read() then look(); lock:unlock() end
 * @function rwlock:try_read
 * @treturn boolean as read
 */
static int rwlock_try_read(lua_State *L)
{
    return lneap_waited(L, neap_rwlock_read(check_rwlock(L), NEAP_NOW));
}


/***
 * Lock it for writing if it is free.
 *
 * @usage if lock:try_write() then change(); lock:unlock() end
 * @function rwlock:try_write
 * @treturn boolean as write
 */
static int rwlock_try_write(lua_State *L)
{
    return lneap_waited(L, neap_rwlock_write(check_rwlock(L), NEAP_NOW));
}


/***
 * Give back what this thread has of it.
 *
 * @usage assert(lock:unlock())
 * @function rwlock:unlock
 * @treturn boolean true, or nil, text and code
 */
static int rwlock_unlock(lua_State *L)
{
    return lneap_done(L, neap_rwlock_unlock(check_rwlock(L)));
}


/***
 * Lock it for reading until the end of a scope. What prevents that raises,
 * except a timeout.
 *
 * @usage do local guard <close> = lock:read_guard(); look() end
 * @function rwlock:read_guard
 * @tparam[opt] number timeout seconds
 * @treturn guard the guard, or false and "timeout"
 */
static int rwlock_read_guard(lua_State *L)
{
    return lneap_lock_guard(L, check_lock(L), &read_kind);
}


/***
 * Lock it for writing until the end of a scope. What prevents that raises,
 * except a timeout.
 *
 * @usage do local guard <close> = lock:write_guard(); change() end
 * @function rwlock:write_guard
 * @tparam[opt] number timeout seconds
 * @treturn guard the guard, or false and "timeout"
 * @treturn string "abandoned" if the last writer died inside
 */
static int rwlock_write_guard(lua_State *L)
{
    return lneap_lock_guard(L, check_lock(L), &write_kind);
}


/***
 * What this thread has of it.
 *
 * @usage assert(lock:mine() == "write")
 * @function rwlock:mine
 * @treturn string "read", "write", or nil
 */
static int rwlock_mine(lua_State *L)
{
    static const char *const held[] = {NULL, "read", "write"};

    lua_pushstring(L, held[neap_rwlock_mine(check_rwlock(L))]);
    return 1;
}


/***
 * Say that what it protects is whole again, though a writer died inside. For
 * who holds it for writing.
 *
 * @usage local ok, news = lock:write(); if news then mend(); lock:repaired() end
 * @function rwlock:repaired
 * @treturn boolean true, or nil, text and code
 */
static int rwlock_repaired(lua_State *L)
{
    return lneap_done(L, neap_rwlock_repaired(check_rwlock(L)));
}


/***
 * The writer that died inside, if nobody has repaired that yet.
 *
 * @usage print(lock:abandoned())
 * @function rwlock:abandoned
 * @treturn integer its pid, or false; or nil, text and code
 */
static int rwlock_abandoned(lua_State *L)
{
    int32_t pid;
    int status = neap_rwlock_abandoned(check_rwlock(L), &pid);

    return lneap_push_pid(L, status, pid);
}


void lneap_open_rwlock(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"read", rwlock_read},
        {"write", rwlock_write},
        {"try_read", rwlock_try_read},
        {"try_write", rwlock_try_write},
        {"unlock", rwlock_unlock},
        {"read_guard", rwlock_read_guard},
        {"write_guard", rwlock_write_guard},
        {"mine", rwlock_mine},
        {"repaired", rwlock_repaired},
        {"abandoned", rwlock_abandoned},
        {"name", lneap_object_name},
        {NULL, NULL},
    };
    static const luaL_Reg meta[] = {{"__eq", lneap_object_eq}, {NULL, NULL}};

    lneap_class_open(L, &lneap_rwlock_class, methods, meta, NULL);
}
