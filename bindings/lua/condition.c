/*
 * Conditions. condition:wait_for, the loop around wait, is in
 * neap/condition.lua, so that a predicate may yield.
 *
 * @module neap
 */
#include "lneap.h"


static void close_condition(struct lneap_handle *handle)
{
    neap_condition_close(handle->core);
}


const struct lneap_class lneap_condition_class = {
    .noun = "condition",
    .name = "neap.condition",
    .size = sizeof(struct lneap_object),
    .close = close_condition,
};


static neap_condition *check_condition(lua_State *L)
{
    struct lneap_handle *handle = lneap_check(L, 1, &lneap_condition_class);

    return handle->core;
}


/***
 * Open the condition of that name, or make it.
 *
 * @usage local changed = heap:condition("changed")
 * @function heap:condition
 * @tparam string name
 * @tparam[opt] table options {spin = "auto" or microseconds}
 * @treturn condition the condition, or nil, text and code
 * @treturn boolean true if this call made it
 */
int lneap_heap_condition(lua_State *L)
{
    static const char *const known[] = {"spin", NULL};
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);
    const char *name = lneap_check_name(L, 2);
    lneap_check_options(L, 3, known);
    int64_t spin = lneap_option_spin(L, 3);
    struct lneap_handle *handle =
        lneap_object_new(L, &lneap_condition_class, heap, name);
    neap_condition *core;

    int status = neap_condition_open(heap->handle.core, name, &core);
    if (status >= 0) {
        handle->core = core;
        (void)neap_set_spin(core, spin);
    }
    return lneap_object_opened(L, status);
}


/***
 * Conditions: sleep until somebody says that things have changed.
 * @type condition
 */

/***
 * Unlock the mutex, wait to be notified, lock the mutex again. It is locked
 * afterwards, whatever this returns, unless this thread did not hold it
 * ("EPERM"). A wait may end because another waiter died who was notified: look
 * again, or use wait_for. All who wait use the same mutex.
 *
 * @usage do
 *   local guard <close> = lock:guard()
 *   while jobs:get() == 0 do changed:wait(lock) end
 * end
 * @function condition:wait
 * @tparam mutex mutex one of the same heap, which this thread holds
 * @tparam[opt] number timeout seconds; nil waits for ever
 * @treturn boolean true; false on timeout; or nil, text and code
 * @treturn string "abandoned" with true: the mutex's last owner died inside;
 * "timeout" with false
 */
static int condition_wait(lua_State *L)
{
    neap_condition *condition = check_condition(L);
    struct lneap_handle *mutex = lneap_check(L, 2, &lneap_mutex_class);
    int64_t deadline = lneap_check_deadline(L, 3);
    int status = neap_condition_wait(condition, mutex->core, deadline);

    /*
     * Not LNEAP_WAIT: between the signal and the mutex somebody may have
     * notified, and a second wait would not hear of it.
     */
    if (status == -EINTR && !lneap_interrupted(L))
        status = 0;
    return lneap_waited(L, status);
}


/***
 * Wake up to n of those who wait. Call it with the mutex held.
 *
 * @usage lock:with(function() jobs:add(); changed:notify() end)
 * @function condition:notify
 * @tparam[opt=1] integer n
 * @treturn boolean true, or nil, text and code
 */
static int condition_notify(lua_State *L)
{
    neap_condition *condition = check_condition(L);
    int64_t n = 1;

    if (!lua_isnoneornil(L, 2))
        n = lneap_check_count(L, 2, INT64_MAX, "a condition notifies 1 or "
                              "more");
    return lneap_done(L, neap_condition_notify(condition, n));
}


/***
 * Wake all who wait.
 *
 * @usage changed:notify_all()
 * @function condition:notify_all
 * @treturn boolean true, or nil, text and code
 */
static int condition_notify_all(lua_State *L)
{
    return lneap_done(L, neap_condition_notify(check_condition(L), INT32_MAX));
}


void lneap_open_condition(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"wait", condition_wait},
        {"notify", condition_notify},
        {"notify_all", condition_notify_all},
        {"name", lneap_object_name},
        {NULL, NULL},
    };
    static const luaL_Reg meta[] = {{"__eq", lneap_object_eq}, {NULL, NULL}};

    lneap_class_open(L, &lneap_condition_class, methods, meta, NULL);
}
