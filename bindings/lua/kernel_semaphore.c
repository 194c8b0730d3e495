/*
 * Semaphores of the kernel and the C library: to work beside programs that know
 * nothing of neap. Within neap use heap:semaphore.
 *
 * @module neap.kernel_semaphore
 */
#include "lneap.h"

/* Most changes in one call: SEMOPM where nobody raised it. */
enum { CHANGES = 500 };


static int take_one(void *core, int64_t deadline)
{
    return neap_kernel_semaphore_acquire(core, 0, 1, deadline);
}


static int give_one(void *core)
{
    return neap_kernel_semaphore_release(core, 0, 1);
}


static void close_core(void *core)
{
    neap_kernel_semaphore_close(core);
}


static const struct lneap_lock_kind lock_kind = {
    .take = take_one,
    .give = give_one,
    .close = close_core,
};


static void close_semaphore(struct lneap_handle *handle)
{
    lneap_lock_close((struct lneap_lock *)handle, &lock_kind);
}


static const struct lneap_class semaphore_class = {
    .noun = "kernel_semaphore",
    .name = "neap.kernel_semaphore",
    .size = sizeof(struct lneap_lock),
    .close = close_semaphore,
};


static neap_kernel_semaphore *check_semaphore(lua_State *L)
{
    struct lneap_handle *handle = lneap_check(L, 1, &semaphore_class);

    return handle->core;
}


/* How many at once, 1 unless said. */
static int32_t check_many(lua_State *L, int arg)
{
    lua_Integer n = luaL_optinteger(L, arg, 1);

    luaL_argcheck(L, n >= 1 && n <= INT32_MAX, arg, "1 or more expected");
    return (int32_t)n;
}


/* Which of a set, from 1, and the first unless said; from 0 for the kernel. */
static uint32_t check_index(lua_State *L, int arg)
{
    uint32_t count = neap_kernel_semaphore_count(check_semaphore(L));
    lua_Integer index = luaL_optinteger(L, arg, 1);

    if (index < 1 || index > count)
        luaL_argerror(L, arg, lua_pushfstring(L, "%s has the indices 1 to %d, "
                      "not %I", neap_kernel_semaphore_address(
                          check_semaphore(L)), (int)count,
                      (LUAI_UACINT)index));
    return (uint32_t)index - 1;
}


/***
 * Open the semaphore of an address, "jobs" or "posix:jobs" of sem_open,
 * "sysv:5678" or 5678 of semget; or make it, with {create = true}.
 *
 * Options: create; exclusive, fail if it is there; mode, "0600" when not given;
 * initial, its value when made, 0 when not given; and of System V's, count, how
 * many in the set, and undo, so that what this process took returns when it
 * ends.
 *
 * @usage local jobs = assert(neap.kernel_semaphore.open("jobs"))
 * @function open
 * @tparam string|integer address
 * @tparam[opt] table options
 * @treturn kernel_semaphore it, or nil, text and code
 * @treturn boolean true if this call made it
 */
static int semaphore_open(lua_State *L)
{
    static const char *const known[] = {"create", "exclusive", "undo", "mode",
                                        "count", "initial", NULL};
    const char *address = lneap_check_address(L, 1);
    neap_kernel_semaphore *core;

    lneap_check_options(L, 2, known);
    uint64_t count = lneap_option_size(L, 2, "count");
    uint64_t initial = lneap_option_size(L, 2, "initial");
    luaL_argcheck(L, count <= UINT16_MAX, 2, "count: 1 to 65535 expected");
    luaL_argcheck(L, initial <= INT32_MAX, 2, "initial: 0 to 2147483647 "
                  "expected");
    neap_kernel_semaphore_options options = {
        .create = lneap_option_bool(L, 2, "create", false),
        .exclusive = lneap_option_bool(L, 2, "exclusive", false),
        .undo = lneap_option_bool(L, 2, "undo", false),
        .mode = lneap_option_mode(L, 2, "mode"),
        .count = (uint32_t)count,
        .initial = (int64_t)initial,
    };

    struct lneap_lock *lock = lneap_new(L, &semaphore_class, address);
    int status = neap_kernel_semaphore_open(address, &options, &core);
    if (status >= 0)
        lock->object.handle.core = core;
    return lneap_object_opened(L, status);
}


/***
 * Take its name away. Who has a posix one open goes on; a System V set is gone,
 * and who waits for it gets EIDRM.
 *
 * @usage assert(neap.kernel_semaphore.unlink("jobs"))
 * @function unlink
 * @tparam string|integer address
 * @treturn boolean true, or nil, text and code
 */
static int semaphore_unlink(lua_State *L)
{
    return lneap_done(L, neap_kernel_semaphore_unlink(
        lneap_check_address(L, 1)));
}


/* The list is a handle too, so that an error while its table is built does
 * not leak it. */
static void close_list(struct lneap_handle *handle)
{
    neap_kernel_semaphore_list_close(handle->core);
}


static const struct lneap_class list_class = {
    .noun = "kernel_semaphore_list",
    .name = "neap.kernel_semaphore_list",
    .size = sizeof(struct lneap_handle),
    .close = close_list,
};


static void set_stat(lua_State *L, const neap_kernel_semaphore_stat *stat)
{
    lneap_set_string(L, "kind", neap_kind_name(stat->kind));
    lneap_set_integer(L, "count", stat->count);
    lneap_set_integer(L, "mode", stat->mode);
    lneap_set_integer(L, "uid", stat->uid);
    lneap_set_integer(L, "gid", stat->gid);
    if (stat->kind == NEAP_KIND_SYSV) {
        lneap_set_integer(L, "id", stat->id);
        lneap_set_integer(L, "operated", stat->operated);
    }
    lneap_set_integer(L, "changed", stat->changed);
}


/***
 * The semaphores of this machine, posix ones and System V's sets: tables with
 * address, kind, count, mode, uid, gid, changed, and of a set id and operated.
 *
 * @usage for _, item in ipairs(neap.kernel_semaphore.list()) do
 *   print(item.address, item.count)
 * end
 * @function list
 * @treturn table, or nil, text and code
 */
static int semaphore_list(lua_State *L)
{
    struct lneap_handle *handle = lneap_new(L, &list_class, "");
    neap_kernel_semaphore_list *list;
    neap_kernel_semaphore_info info;

    int status = neap_kernel_semaphore_list_open(&list);
    if (status < 0)
        return lneap_fail(L, status);
    handle->core = list;

    lua_newtable(L);
    for (int n = 1;
         (status = neap_kernel_semaphore_list_next(list, &info)) == NEAP_MORE;
         n++) {
        lua_createtable(L, 0, 9);
        lneap_set_string(L, "address", info.address);
        set_stat(L, &info.stat);
        lua_rawseti(L, -2, n);
    }
    handle->core = NULL;
    neap_kernel_semaphore_list_close(list);
    return status < 0 ? lneap_fail(L, status) : 1;
}


/***
 * Semaphores of the kernel.
 * @type kernel_semaphore
 */

/***
 * Take one of it, or n; of a set, of that index.
 *
 * @usage if jobs:acquire(2.5) then work() end
 * @function kernel_semaphore:acquire
 * @tparam[opt] number timeout seconds; nil waits for ever, 0 tries once
 * @tparam[opt=1] integer n all or none; posix ones give 1 at a time
 * @tparam[opt=1] integer index from 1: what C calls 0
 * @treturn boolean true; false and "timeout"; or nil, text and code
 */
static int semaphore_acquire(lua_State *L)
{
    neap_kernel_semaphore *semaphore = check_semaphore(L);
    int64_t deadline = lneap_check_deadline(L, 2);
    int32_t n = check_many(L, 3);
    uint32_t index = check_index(L, 4);
    int status;

    LNEAP_WAIT(L, status, neap_kernel_semaphore_acquire(semaphore, index, n,
                                                        deadline));
    return lneap_waited(L, status);
}


/***
 * The same without waiting.
 *
 * @usage if jobs:try() then work() end
 * @function kernel_semaphore:try
 * @tparam[opt=1] integer n
 * @tparam[opt=1] integer index
 * @treturn boolean as acquire
 */
static int semaphore_try(lua_State *L)
{
    neap_kernel_semaphore *semaphore = check_semaphore(L);
    int32_t n = check_many(L, 2);

    return lneap_waited(L, neap_kernel_semaphore_acquire(
        semaphore, check_index(L, 3), n, NEAP_NOW));
}


/***
 * Give one back, or n.
 *
 * @usage assert(jobs:release())
 * @function kernel_semaphore:release
 * @tparam[opt=1] integer n
 * @tparam[opt=1] integer index
 * @treturn boolean true, or nil, text and code
 */
static int semaphore_release(lua_State *L)
{
    neap_kernel_semaphore *semaphore = check_semaphore(L);
    int32_t n = check_many(L, 2);

    return lneap_done(L, neap_kernel_semaphore_release(
        semaphore, check_index(L, 3), n));
}


/* The i-th of a list of {index, by}. */
static neap_kernel_semaphore_change check_change(lua_State *L, int list,
                                                 lua_Integer i)
{
    neap_kernel_semaphore_change change = {0, 0};
    int isindex = 0, isby = 0;

    if (lua_geti(L, list, i) == LUA_TTABLE) {
        lua_geti(L, -1, 1);
        lua_geti(L, -2, 2);
        lua_Integer index = lua_tointegerx(L, -2, &isindex);
        lua_Integer by = lua_tointegerx(L, -1, &isby);
        isindex = isindex && index >= 1 && index <= UINT16_MAX;
        isby = isby && by >= INT32_MIN && by <= INT32_MAX;
        change.index = (uint32_t)index - 1;
        change.by = (int32_t)by;
        lua_pop(L, 2);
    }
    if (!isindex || !isby)
        luaL_error(L, "change %d: {index, by} expected, both integers, the "
                   "index from 1", (int)i);
    lua_pop(L, 1);
    return change;
}


/***
 * Make several changes of a set at once, or wait until all can be made: what C
 * calls semop. A change by 0 waits until that value is 0.
 *
 * @usage set:apply({{1, -1}, {2, 4}}, 2.5)
 * @function kernel_semaphore:apply
 * @tparam table changes {index, by} each
 * @tparam[opt] number timeout seconds
 * @treturn boolean as acquire
 */
static int semaphore_apply(lua_State *L)
{
    neap_kernel_semaphore *semaphore = check_semaphore(L);
    neap_kernel_semaphore_change changes[CHANGES];
    int status;

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_Integer count = luaL_len(L, 2);
    int64_t deadline = lneap_check_deadline(L, 3);
    luaL_argcheck(L, count >= 1 && count <= CHANGES, 2,
                  "1 to 500 changes expected");
    for (lua_Integer i = 0; i < count; i++)
        changes[i] = check_change(L, 2, i + 1);

    LNEAP_WAIT(L, status, neap_kernel_semaphore_apply(
        semaphore, changes, (size_t)count, deadline));
    return lneap_waited(L, status);
}


/***
 * The value now.
 *
 * @usage print(set:get(2))
 * @function kernel_semaphore:get
 * @tparam[opt=1] integer index
 * @treturn integer value, or nil, text and code
 */
static int semaphore_get(lua_State *L)
{
    neap_kernel_semaphore *semaphore = check_semaphore(L);
    int64_t value;
    int status = neap_kernel_semaphore_get(semaphore, check_index(L, 2),
                                           &value);

    if (status < 0)
        return lneap_fail(L, status);
    lua_pushinteger(L, value);
    return 1;
}


/***
 * Set a value, of System V's; what was to be undone of it is forgotten.
 *
 * @usage assert(set:set(3, 2))
 * @function kernel_semaphore:set
 * @tparam integer value 0 to 32767
 * @tparam[opt=1] integer index
 * @treturn boolean true, or nil, text and code
 */
static int semaphore_set(lua_State *L)
{
    neap_kernel_semaphore *semaphore = check_semaphore(L);
    lua_Integer value = luaL_checkinteger(L, 2);

    return lneap_done(L, neap_kernel_semaphore_set(
        semaphore, check_index(L, 3), value));
}


/***
 * One of it, and who is concerned: value, and of System V's last_pid, waiting
 * and waiting_for_zero.
 *
 * @usage print(set:look(2).waiting)
 * @function kernel_semaphore:look
 * @tparam[opt=1] integer index
 * @treturn table, or nil, text and code
 */
static int semaphore_look(lua_State *L)
{
    neap_kernel_semaphore *semaphore = check_semaphore(L);
    neap_kernel_semaphore_use use;
    int status = neap_kernel_semaphore_look(semaphore, check_index(L, 2),
                                            &use);

    if (status < 0)
        return lneap_fail(L, status);
    lua_createtable(L, 0, 4);
    lneap_set_integer(L, "value", use.value);
    if (neap_kernel_semaphore_kind(semaphore) == NEAP_KIND_SYSV) {
        lneap_set_integer(L, "last_pid", use.last_pid);
        lneap_set_integer(L, "waiting", use.waiting);
        lneap_set_integer(L, "waiting_for_zero", use.waiting_for_zero);
    }
    return 1;
}


/***
 * What the kernel knows of it: kind, count, mode, uid, gid, changed; of a set
 * also id and operated.
 *
 * @usage print(string.format("%04o", jobs:stat().mode))
 * @function kernel_semaphore:stat
 * @treturn table, or nil, text and code
 */
static int semaphore_stat(lua_State *L)
{
    neap_kernel_semaphore_stat stat;
    int status = neap_kernel_semaphore_status(check_semaphore(L), &stat);

    if (status < 0)
        return lneap_fail(L, status);
    lua_createtable(L, 0, 8);
    set_stat(L, &stat);
    return 1;
}


/***
 * Take one until the end of a scope. What prevents that raises, except a
 * timeout. The kernel gives it back at a death only with undo.
 *
 * @usage do local guard <close> = jobs:guard(); work() end
 * @function kernel_semaphore:guard
 * @tparam[opt] number timeout seconds
 * @treturn guard the guard, or false and "timeout"
 */
static int semaphore_guard(lua_State *L)
{
    return lneap_lock_guard(L, lneap_check(L, 1, &semaphore_class),
                            &lock_kind);
}


/***
 * Run a function with one of it, and return what that returns.
 *
 * @usage jobs:with(function() fetch(url) end)
 * @function kernel_semaphore:with
 * @tparam function fn
 * @param ... its arguments
 * @return what fn returns; what it raises is raised
 */
static int semaphore_with(lua_State *L)
{
    return lneap_lock_with(L, lneap_check(L, 1, &semaphore_class), &lock_kind);
}


/***
 * "posix" or "sysv".
 *
 * @usage print(jobs:kind())
 * @function kernel_semaphore:kind
 * @treturn string
 */
static int semaphore_kind(lua_State *L)
{
    lua_pushstring(L, neap_kind_name(neap_kernel_semaphore_kind(
        check_semaphore(L))));
    return 1;
}


/***
 * Its address, as open takes it.
 *
 * @usage print(jobs:address())
 * @function kernel_semaphore:address
 * @treturn string
 */
static int semaphore_address(lua_State *L)
{
    lua_pushstring(L, neap_kernel_semaphore_address(check_semaphore(L)));
    return 1;
}


static int semaphore_count(lua_State *L)
{
    lua_pushinteger(L, neap_kernel_semaphore_count(check_semaphore(L)));
    return 1;
}


void lneap_open_kernel_semaphore(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"acquire", semaphore_acquire}, {"try", semaphore_try},
        {"release", semaphore_release}, {"apply", semaphore_apply},
        {"get", semaphore_get},         {"set", semaphore_set},
        {"look", semaphore_look},       {"stat", semaphore_stat},
        {"guard", semaphore_guard},     {"with", semaphore_with},
        {"kind", semaphore_kind},       {"address", semaphore_address},
        {NULL, NULL},
    };
    static const luaL_Reg meta[] = {{"__len", semaphore_count}, {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"open", semaphore_open},
        {"unlink", semaphore_unlink},
        {"list", semaphore_list},
        {NULL, NULL},
    };

    lneap_class_open(L, &list_class, NULL, NULL, NULL);
    lneap_class_open(L, &semaphore_class, methods, meta, NULL);
    luaL_newlib(L, functions);
    lua_setfield(L, -3, "kernel_semaphore");
}
