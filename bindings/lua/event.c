/*
 * Events and latches: signals that go one way.
 *
 * @module neap
 */
#include "lneap.h"


static void close_event(struct lneap_handle *handle)
{
    neap_event_close(handle->core);
}


static void close_latch(struct lneap_handle *handle)
{
    neap_latch_close(handle->core);
}


const struct lneap_class lneap_event_class = {
    .noun = "event",
    .name = "neap.event",
    .size = sizeof(struct lneap_object),
    .close = close_event,
};

const struct lneap_class lneap_latch_class = {
    .noun = "latch",
    .name = "neap.latch",
    .size = sizeof(struct lneap_object),
    .close = close_latch,
};


static neap_event *check_event(lua_State *L)
{
    struct lneap_handle *handle = lneap_check(L, 1, &lneap_event_class);

    return handle->core;
}


static neap_latch *check_latch(lua_State *L)
{
    struct lneap_handle *handle = lneap_check(L, 1, &lneap_latch_class);

    return handle->core;
}


/***
 * Open the event of that name, or make it, not set.
 *
 * @usage local go = heap:event("go")
 * @function heap:event
 * @tparam string name
 * @tparam[opt] table options {spin = "auto" or microseconds}
 * @treturn event the event, or nil, text and code
 * @treturn boolean true if this call made it
 */
int lneap_heap_event(lua_State *L)
{
    static const char *const known[] = {"spin", NULL};
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);
    const char *name = lneap_check_name(L, 2);
    lneap_check_options(L, 3, known);
    int64_t spin = lneap_option_spin(L, 3);
    struct lneap_handle *handle =
        lneap_object_new(L, &lneap_event_class, heap, name);
    neap_event *core;

    int status = neap_event_open(heap->handle.core, name, &core);
    if (status >= 0) {
        handle->core = core;
        (void)neap_set_spin(core, spin);
    }
    return lneap_object_opened(L, status);
}


/***
 * Events: a flag that is set or not, and that anyone may wait for.
 * @type event
 */

/***
 * Set it and wake all who wait.
 *
 * @usage go:set()
 * @function event:set
 * @treturn boolean true, or nil, text and code
 */
static int event_set(lua_State *L)
{
    return lneap_done(L, neap_event_set(check_event(L)));
}


/***
 * Make it not set.
 *
 * @usage go:clear()
 * @function event:clear
 * @treturn boolean true, or nil, text and code
 */
static int event_clear(lua_State *L)
{
    return lneap_done(L, neap_event_clear(check_event(L)));
}


/***
 * Is it set?
 *
 * @usage if go:is_set() then print("they went") end
 * @function event:is_set
 * @treturn boolean or nil, text and code
 */
static int event_is_set(lua_State *L)
{
    int status = neap_event_is_set(check_event(L));

    if (status < 0)
        return lneap_fail(L, status);
    lua_pushboolean(L, status);
    return 1;
}


/***
 * Wait until it is set.
 *
 * @usage if go:wait(2.5) then print("go") else print("too late") end
 * @function event:wait
 * @tparam[opt] number timeout seconds; nil waits for ever, 0 looks once
 * @treturn boolean true; false and "timeout"; or nil, text and code
 */
static int event_wait(lua_State *L)
{
    neap_event *event = check_event(L);
    int64_t deadline = lneap_check_deadline(L, 2);
    int status;

    LNEAP_WAIT(L, status, neap_event_wait(event, deadline));
    return lneap_waited(L, status);
}


/***
 * Open the latch of that name, or make it with `count`. Without `count` it
 * must be there.
 *
 * @usage local loaded = heap:latch("loaded", 4)
 * @function heap:latch
 * @tparam string name
 * @tparam[opt] integer count 1 to 2147483647, ignored when the latch is there
 * @tparam[opt] table options {spin = "auto" or microseconds}
 * @treturn latch the latch, or nil, text and code
 * @treturn boolean true if this call made it
 */
int lneap_heap_latch(lua_State *L)
{
    static const char *const known[] = {"spin", NULL};
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);
    const char *name = lneap_check_name(L, 2);
    lneap_check_options(L, 4, known);
    int64_t spin = lneap_option_spin(L, 4);
    neap_object_info there;
    int64_t count = 1;
    neap_latch *core;
    int status;

    if (!lua_isnoneornil(L, 3))
        count = lneap_check_count(L, 3, INT32_MAX, "a latch counts down from 1 "
                                  "to 2147483647");
    else if ((status = neap_heap_find(heap->handle.core, name, &there)) < 0)
        return lneap_fail(L, status);

    struct lneap_handle *handle =
        lneap_object_new(L, &lneap_latch_class, heap, name);
    status = neap_latch_open(heap->handle.core, name, count, &core);
    if (status >= 0) {
        handle->core = core;
        (void)neap_set_spin(core, spin);
    }
    return lneap_object_opened(L, status);
}


/***
 * Latches: count down to nothing, once.
 * @type latch
 */

/***
 * Take n from what is left. More than is left is "EOVERFLOW", and takes
 * nothing.
 *
 * @usage assert(loaded:count_down())
 * @function latch:count_down
 * @tparam[opt=1] integer n
 * @treturn boolean true, or nil, text and code
 */
static int latch_count_down(lua_State *L)
{
    neap_latch *latch = check_latch(L);
    int64_t n = 1;

    if (!lua_isnoneornil(L, 2))
        n = lneap_check_count(L, 2, INT64_MAX, "a latch counts down by 1 or "
                              "more");
    return lneap_done(L, neap_latch_count_down(latch, n));
}


/***
 * What is left.
 *
 * @usage print(loaded:left(), "have not loaded yet")
 * @function latch:left
 * @treturn integer or nil, text and code
 */
static int latch_left(lua_State *L)
{
    int64_t left;
    int status = neap_latch_get(check_latch(L), &left);

    if (status < 0)
        return lneap_fail(L, status);
    lua_pushinteger(L, left);
    return 1;
}


/***
 * Wait until nothing is left.
 *
 * @usage assert(loaded:wait(60))
 * @function latch:wait
 * @tparam[opt] number timeout seconds; nil waits for ever, 0 looks once
 * @treturn boolean true; false and "timeout"; or nil, text and code
 */
static int latch_wait(lua_State *L)
{
    neap_latch *latch = check_latch(L);
    int64_t deadline = lneap_check_deadline(L, 2);
    int status;

    LNEAP_WAIT(L, status, neap_latch_wait(latch, deadline));
    return lneap_waited(L, status);
}


void lneap_open_event(lua_State *L)
{
    static const luaL_Reg event[] = {
        {"set", event_set},       {"clear", event_clear},
        {"is_set", event_is_set}, {"wait", event_wait},
        {"name", lneap_object_name},
        {NULL, NULL},
    };
    static const luaL_Reg latch[] = {
        {"count_down", latch_count_down},
        {"left", latch_left},
        {"wait", latch_wait},
        {"name", lneap_object_name},
        {NULL, NULL},
    };
    static const luaL_Reg meta[] = {{"__eq", lneap_object_eq}, {NULL, NULL}};

    lneap_class_open(L, &lneap_event_class, event, meta, NULL);
    lneap_class_open(L, &lneap_latch_class, latch, meta, NULL);
}
