/*
 * Counters.
 *
 * Each method has two roads, for integers and for doubles; the kind is kept in
 * the userdata, so that choosing costs one comparison.
 *
 * @module neap
 */
#include <string.h>

#include "lneap.h"

struct lneap_counter {
    struct lneap_object object;
    bool is_double;
};


static void close_counter(struct lneap_handle *handle)
{
    neap_counter_close(handle->core);
}


const struct lneap_class lneap_counter_class = {
    .noun = "counter",
    .name = "neap.counter",
    .size = sizeof(struct lneap_counter),
    .close = close_counter,
};


static inline struct lneap_counter *check_counter(lua_State *L)
{
    return lneap_check(L, 1, &lneap_counter_class);
}


static lua_Integer check_integer(lua_State *L, int arg)
{
    luaL_checktype(L, arg, LUA_TNUMBER);
    return luaL_checkinteger(L, arg);
}


static lua_Number check_number(lua_State *L, int arg)
{
    luaL_checktype(L, arg, LUA_TNUMBER);
    return lua_tonumber(L, arg);
}


static inline int push_integer(lua_State *L, int status, int64_t value)
{
    if (status < 0)
        return lneap_fail(L, status);
    lua_pushinteger(L, value);
    return 1;
}


static inline int push_double(lua_State *L, int status, double value)
{
    if (status < 0)
        return lneap_fail(L, status);
    lua_pushnumber(L, value);
    return 1;
}


static neap_counter_kind check_kind(lua_State *L, int arg)
{
    static const char *const known[] = {"kind", NULL};
    static const char *const kinds[] = {"plain", "striped", "double", NULL};
    neap_counter_kind kind = NEAP_COUNTER_ANY;

    lneap_check_options(L, arg, known);
    if (lua_isnil(L, arg))
        return kind;
    lua_getfield(L, arg, "kind");
    if (!lua_isnil(L, -1)) {
        const char *name = lua_isstring(L, -1) ? lua_tostring(L, -1) : "";
        int i = 0;

        while (kinds[i] && strcmp(kinds[i], name) != 0)
            i++;
        luaL_argcheck(L, kinds[i], arg,
                      "option 'kind': 'plain', 'striped' or 'double' expected");
        kind = (neap_counter_kind)(i + 1);
    }
    lua_pop(L, 1);
    return kind;
}


/***
 * Open the counter of that name, or make it, at 0.
 *
 * Kinds: "plain", "striped" (adding costs less with many adders, the total is
 * not instant) and "double" (floating point). Without one, what is there.
 *
 * @usage local hits = heap:counter("hits")
 * @function heap:counter
 * @tparam string name
 * @tparam[opt] table options {kind = "striped"}
 * @treturn counter the counter, or nil, text and code
 * @treturn boolean true if this call made it
 */
int lneap_heap_counter(lua_State *L)
{
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);
    const char *name = lneap_check_name(L, 2);
    neap_counter_kind kind = check_kind(L, 3);
    struct lneap_counter *counter =
        lneap_object_new(L, &lneap_counter_class, heap, name);
    neap_counter *core;

    int status = neap_counter_open_as(heap->handle.core, name, kind, &core);
    if (status >= 0) {
        counter->object.handle.core = core;
        counter->is_double = neap_counter_kind_of(core) == NEAP_COUNTER_DOUBLE;
    }
    return lneap_object_opened(L, status);
}


/***
 * Counters. A double counter takes and gives floats, the others integers that
 * wrap around at 64 bits.
 * @type counter
 */

/***
 * Add n and tell the new value (of a striped counter, as this thread sees it).
 *
 * @usage local n = hits:add()
 * @function counter:add
 * @tparam[opt=1] number n
 * @treturn number the new value, or nil, text and code
 */
static int counter_add(lua_State *L)
{
    struct lneap_counter *counter = check_counter(L);
    neap_counter *core = counter->object.handle.core;

    if (counter->is_double) {
        double n = lua_isnoneornil(L, 2) ? 1 : check_number(L, 2), value = 0;
        int status = neap_counter_add_double(core, n, &value);

        return push_double(L, status, value);
    }

    int64_t n = lua_isnoneornil(L, 2) ? 1 : check_integer(L, 2), value = 0;
    int status = neap_counter_add_get(core, n, &value);
    return push_integer(L, status, value);
}


/***
 * Its value now.
 *
 * @usage print(hits:get())
 * @function counter:get
 * @treturn number the value, or nil, text and code
 */
static int counter_get(lua_State *L)
{
    struct lneap_counter *counter = check_counter(L);
    neap_counter *core = counter->object.handle.core;

    if (counter->is_double) {
        double value = 0;
        int status = neap_counter_get_double(core, &value);

        return push_double(L, status, value);
    }

    int64_t value = 0;
    int status = neap_counter_get(core, &value);
    return push_integer(L, status, value);
}


/***
 * Set it.
 *
 * @usage assert(hits:set(0))
 * @function counter:set
 * @tparam number value
 * @treturn boolean true, or nil, text and code
 */
static int counter_set(lua_State *L)
{
    struct lneap_counter *counter = check_counter(L);
    neap_counter *core = counter->object.handle.core;

    return lneap_done(L, counter->is_double
                             ? neap_counter_set_double(core, check_number(L, 2))
                             : neap_counter_set(core, check_integer(L, 2)));
}


/***
 * Set it and tell what was there.
 *
 * @usage local had = hits:exchange(0)
 * @function counter:exchange
 * @tparam number value
 * @treturn number the old value, or nil, text and code
 */
static int counter_exchange(lua_State *L)
{
    struct lneap_counter *counter = check_counter(L);
    neap_counter *core = counter->object.handle.core;

    if (counter->is_double) {
        double old = 0;
        int status =
            neap_counter_exchange_double(core, check_number(L, 2), &old);

        return push_double(L, status, old);
    }

    int64_t old = 0;
    int status = neap_counter_exchange(core, check_integer(L, 2), &old);
    return push_integer(L, status, old);
}


/***
 * Set it to `value` if it is `expected`.
 *
 * @usage if state:compare_exchange(0, 1) then start() end
 * @function counter:compare_exchange
 * @tparam number expected
 * @tparam number value
 * @treturn boolean true if it was set; false if not; or nil, text and code
 * @treturn number when false, what was there
 */
static int counter_compare_exchange(lua_State *L)
{
    struct lneap_counter *counter = check_counter(L);
    neap_counter *core = counter->object.handle.core;

    if (counter->is_double) {
        double expected = check_number(L, 2), actual = expected;
        int status = neap_counter_compare_exchange_double(
            core, &actual, check_number(L, 3));

        if (status < 0)
            return lneap_fail(L, status);
        lua_pushboolean(L, actual == expected);
        return actual == expected ? 1 : 1 + push_double(L, 0, actual);
    }

    int64_t expected = check_integer(L, 2), actual = expected;
    int status = neap_counter_compare_exchange(core, &actual,
                                               check_integer(L, 3));
    if (status < 0)
        return lneap_fail(L, status);
    lua_pushboolean(L, actual == expected);
    return actual == expected ? 1 : 1 + push_integer(L, 0, actual);
}


typedef int (*bound_integer)(neap_counter *, int64_t, int64_t *);
typedef int (*bound_double)(neap_counter *, double, double *);


static int counter_bound(lua_State *L, bound_integer integer,
                         bound_double number)
{
    struct lneap_counter *counter = check_counter(L);
    neap_counter *core = counter->object.handle.core;

    if (counter->is_double) {
        double value = 0;
        int status = number(core, check_number(L, 2), &value);

        return push_double(L, status, value);
    }

    int64_t value = 0;
    int status = integer(core, check_integer(L, 2), &value);
    return push_integer(L, status, value);
}


/***
 * Raise it to `value` if it is less, and tell the new value.
 *
 * @usage highest:max(score)
 * @function counter:max
 * @tparam number value
 * @treturn number the new value, or nil, text and code
 */
static int counter_max(lua_State *L)
{
    return counter_bound(L, neap_counter_max, neap_counter_max_double);
}


/***
 * Lower it to `value` if it is more, and tell the new value.
 *
 * @usage lowest:min(score)
 * @function counter:min
 * @tparam number value
 * @treturn number the new value, or nil, text and code
 */
static int counter_min(lua_State *L)
{
    return counter_bound(L, neap_counter_min, neap_counter_min_double);
}


/***
 * "plain", "striped" or "double".
 *
 * @usage print(hits:kind())
 * @function counter:kind
 * @treturn string
 */
static int counter_kind(lua_State *L)
{
    struct lneap_counter *counter = check_counter(L);

    switch (neap_counter_kind_of(counter->object.handle.core)) {
    case NEAP_COUNTER_STRIPED:
        lua_pushliteral(L, "striped");
        break;
    case NEAP_COUNTER_DOUBLE:
        lua_pushliteral(L, "double");
        break;
    default:
        lua_pushliteral(L, "plain");
    }
    return 1;
}


/***
 * Its name.
 *
 * @usage print(hits:name())
 * @function counter:name
 * @treturn string
 */
void lneap_open_counter(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"add", counter_add},
        {"get", counter_get},
        {"set", counter_set},
        {"exchange", counter_exchange},
        {"compare_exchange", counter_compare_exchange},
        {"max", counter_max},
        {"min", counter_min},
        {"kind", counter_kind},
        {"name", lneap_object_name},
        {NULL, NULL},
    };
    static const luaL_Reg meta[] = {{"__eq", lneap_object_eq}, {NULL, NULL}};

    lneap_class_open(L, &lneap_counter_class, methods, meta, NULL);
}
