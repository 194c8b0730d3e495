/*
 * Arrays in bulk: as fast as memory, and not atomic.
 *
 * @module neap
 */
#include "lneap.h"


static struct lneap_array *check_array(lua_State *L, int arg)
{
    return lneap_check(L, arg, &lneap_array_class);
}


/* The array itself, so that calls can be chained; or fail. */
static int self(lua_State *L, int status)
{
    if (status < 0)
        return lneap_fail(L, status);
    lua_settop(L, 1);
    return 1;
}


/***
 * Set every element.
 *
 * @usage grid:row(1):fill(0.5)
 * @function array:fill
 * @param value two numbers for complex
 * @treturn array itself, or nil, text and code
 */
static int array_fill(lua_State *L)
{
    struct lneap_array *array = check_array(L, 1);
    neap_value value = lneap_check_value(L, 2, array->type);

    return self(L, neap_array_fill(array->object.handle.core, value));
}


/* Read one element of a table, on top of the stack, as totable writes it. */
static void take_element(lua_State *L, const struct lneap_array *array,
                         neap_value *ret_value)
{
    int top = lua_gettop(L);
    int at = top;

    if (lneap_is_complex(array->type)) {
        if (lua_istable(L, top)) {
            lua_rawgeti(L, top, 1);
            lua_rawgeti(L, top, 2);
            at = top + 1;
        } else {
            lua_pushnil(L);
        }
    }
    const char *wrong = lneap_take_value(L, at, array->type, ret_value);
    if (wrong)
        lneap_array_error(L, array, "%s", wrong);
    lua_settop(L, top);
}


/*
 * Copy the table on top into the elements from `at` on, dimension `axis`.
 * Without `store` it only looks, so that a mistake in the last element is told
 * before the first one is written.
 */
static uint64_t copy_table(lua_State *L, const struct lneap_array *array,
                           uint32_t axis, uint64_t at, bool store)
{
    uint64_t length = array->shape[axis];
    neap_value value;

    luaL_checkstack(L, 6, "array");
    if (!lua_istable(L, -1))
        lneap_array_error(L, array, "table expected in dimension %u, got %s",
                          axis + 1, luaL_typename(L, -1));
    if (lua_rawlen(L, -1) != length)
        lneap_array_error(L, array,
                          "dimension %u has %llu elements, the table %llu",
                          axis + 1, (unsigned long long)length,
                          (unsigned long long)lua_rawlen(L, -1));

    for (uint64_t i = 1; i <= length; i++, lua_pop(L, 1)) {
        lua_rawgeti(L, -1, (lua_Integer)i);
        if (axis + 1 < array->dimensions) {
            at = copy_table(L, array, axis + 1, at, store);
            continue;
        }
        take_element(L, array, &value);
        if (store)
            lneap_array_put(array, at, &value);
        at++;
    }
    return at;
}


int lneap_array_copy_from(lua_State *L, struct lneap_array *array, int from)
{
    struct lneap_array *other = lneap_test(L, from, &lneap_array_class);

    if (other) {
        other = check_array(L, from);
        return self(L, neap_array_copy(array->object.handle.core,
                                       other->object.handle.core));
    }
    if (!lua_istable(L, from))
        return lneap_array_error(L, array,
                                 "array or table expected, got %s",
                                 luaL_typename(L, from));
    if (!array->writable)
        return lneap_array_error(L, array, "is read-only: it was opened so");
    lua_pushvalue(L, from);
    copy_table(L, array, 0, 0, false);
    copy_table(L, array, 0, 0, true);
    return self(L, 0);
}


/***
 * Copy from an array of as many elements (the types may differ), or from a
 * table (of tables, as deep as the array has dimensions).
 *
 * @usage a:copy(b); a:copy({1, 2, 3})
 * @function array:copy
 * @tparam array|table from
 * @treturn array itself, or nil, text and code
 */
static int array_copy(lua_State *L)
{
    return lneap_array_copy_from(L, check_array(L, 1), 2);
}


typedef int (*fold)(neap_array *, neap_value *);


static int array_fold(lua_State *L, fold function, bool is_element)
{
    struct lneap_array *array = check_array(L, 1);
    neap_value value;
    int status = function(array->object.handle.core, &value);

    if (status < 0)
        return lneap_fail(L, status);
    return lneap_push_value(L, is_element ? array->type : NEAP_TYPE_ANY,
                            &value);
}


/***
 * The sum of all elements. Integers wrap at 64 bits; of bools, how many are
 * true.
 *
 * @usage print(grid:sum())
 * @function array:sum
 * @treturn number (two for complex), or nil, text and code
 */
static int array_sum(lua_State *L)
{
    return array_fold(L, neap_array_sum, false);
}


/***
 * Their mean, a float.
 *
 * @usage print(grid:mean())
 * @function array:mean
 * @treturn number (two for complex), or nil, text and code
 */
static int array_mean(lua_State *L)
{
    return array_fold(L, neap_array_mean, false);
}


/***
 * The least element. NaNs are passed over.
 *
 * @usage print(grid:min())
 * @function array:min
 * @treturn number, or nil, text and code
 */
static int array_min(lua_State *L)
{
    return array_fold(L, neap_array_min, true);
}


/***
 * The greatest element. NaNs are passed over.
 *
 * @usage print(grid:max())
 * @function array:max
 * @treturn number, or nil, text and code
 */
static int array_max(lua_State *L)
{
    return array_fold(L, neap_array_max, true);
}


/***
 * The sum of products with an array of the same type and size.
 *
 * @usage print(a:dot(b))
 * @function array:dot
 * @tparam array other
 * @treturn number (two for complex), or nil, text and code
 */
static int array_dot(lua_State *L)
{
    struct lneap_array *array = check_array(L, 1), *other = check_array(L, 2);
    neap_value value;
    int status = neap_array_dot(array->object.handle.core,
                                other->object.handle.core, &value);

    if (status < 0)
        return lneap_fail(L, status);
    return lneap_push_value(L, NEAP_TYPE_ANY, &value);
}


/***
 * Add an array of the same type and size, or one value to every element.
 *
 * @usage a:add(b):add(1)
 * @function array:add
 * @tparam array|number other
 * @treturn array itself, or nil, text and code
 */
static int array_add(lua_State *L)
{
    struct lneap_array *array = check_array(L, 1);
    neap_array *core = array->object.handle.core;

    if (lneap_test(L, 2, &lneap_array_class))
        return self(L, neap_array_add(core,
                                      check_array(L, 2)->object.handle.core));
    return self(L, neap_array_add_value(
                       core, lneap_check_value(L, 2, array->type)));
}


/***
 * Multiply every element.
 *
 * @usage a:scale(0.5)
 * @function array:scale
 * @tparam number factor two numbers for complex
 * @treturn array itself, or nil, text and code
 */
static int array_scale(lua_State *L)
{
    struct lneap_array *array = check_array(L, 1);
    neap_value factor = lneap_check_value(L, 2, array->type);

    return self(L, neap_array_scale(array->object.handle.core, factor));
}


/* Step to the next element in row-major order. */
static void advance(const struct lneap_array *array, lua_Integer indices[])
{
    for (uint32_t axis = array->dimensions; axis-- > 0;) {
        if ((uint64_t)++indices[axis] <= array->shape[axis])
            return;
        indices[axis] = 1;
    }
}


/***
 * Replace every element by what a function makes of it. The function gets the
 * element and its indices, and returns the new element.
 *
 * @usage a:apply(function(v, i) return v * i end)
 * @function array:apply
 * @tparam function fn
 * @treturn array itself, or nil, text and code
 */
static int array_apply(lua_State *L)
{
    struct lneap_array *array = check_array(L, 1);
    lua_Integer indices[NEAP_DIMENSIONS_MAX];
    int status = neap_array_alive(array->object.handle.core);
    int results = lneap_is_complex(array->type) ? 2 : 1;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    if (status < 0)
        return lneap_fail(L, status);
    for (uint32_t axis = 0; axis < array->dimensions; axis++)
        indices[axis] = 1;

    for (uint64_t at = 0; at < array->size; at++) {
        lua_pushvalue(L, 2);
        int arguments = lneap_array_load(L, array, at);
        for (uint32_t axis = 0; axis < array->dimensions; axis++)
            lua_pushinteger(L, indices[axis]);
        lua_call(L, arguments + (int)array->dimensions, results);
        check_array(L, 1); /* the function may have closed it */
        lneap_array_store(L, array, at, 3);
        lua_settop(L, 2);
        advance(array, indices);
    }
    return self(L, 0);
}


/* Push the elements from `at` on, dimension `axis`, as a table. */
static uint64_t push_table(lua_State *L, const struct lneap_array *array,
                           uint32_t axis, uint64_t at)
{
    uint64_t length = array->shape[axis];

    luaL_checkstack(L, 6, "array");
    lua_createtable(L, length < INT32_MAX ? (int)length : 0, 0);
    for (uint64_t i = 1; i <= length; i++) {
        if (axis + 1 < array->dimensions) {
            at = push_table(L, array, axis + 1, at);
        } else if (lneap_is_complex(array->type)) {
            lua_createtable(L, 2, 0);
            check_array(L, 1); /* a finalizer may have closed it */
            lneap_array_load(L, array, at++);
            lua_rawseti(L, -3, 2);
            lua_rawseti(L, -2, 1);
        } else {
            check_array(L, 1);
            lneap_array_load(L, array, at++);
        }
        lua_rawseti(L, -2, (lua_Integer)i);
    }
    return at;
}


/***
 * A table of the elements; of more than one dimension, of tables. Complex
 * elements become {re, im}.
 *
 * @usage print(table.concat(a:totable(), ", "))
 * @function array:totable
 * @treturn table, or nil, text and code
 */
static int array_totable(lua_State *L)
{
    struct lneap_array *array = check_array(L, 1);
    int status = neap_array_alive(array->object.handle.core);

    if (status < 0)
        return lneap_fail(L, status);
    push_table(L, array, 0, 0);
    return 1;
}


const luaL_Reg lneap_array_bulk[] = {
    {"fill", array_fill},   {"copy", array_copy},   {"sum", array_sum},
    {"mean", array_mean},   {"min", array_min},     {"max", array_max},
    {"dot", array_dot},     {"add", array_add},     {"scale", array_scale},
    {"apply", array_apply}, {"totable", array_totable}, {NULL, NULL},
};
