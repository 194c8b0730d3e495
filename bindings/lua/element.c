/*
 * Elements of arrays: one load or one store, straight into shared memory.
 *
 * Each part of an element is read or written whole and once (volatile keeps
 * the compiler from splitting or repeating it), and nothing more is promised:
 * what has to be atomic uses fetch_add.
 *
 * @module neap
 */
#include "lneap.h"

/* X(type, C type, pushed by) */
#define REALS(X)                                \
    X(NEAP_TYPE_F64, double, lua_pushnumber)    \
    X(NEAP_TYPE_F32, float, lua_pushnumber)
#define INTEGERS(X)                             \
    X(NEAP_TYPE_I64, int64_t, lua_pushinteger)  \
    X(NEAP_TYPE_I32, int32_t, lua_pushinteger)  \
    X(NEAP_TYPE_I16, int16_t, lua_pushinteger)  \
    X(NEAP_TYPE_I8, int8_t, lua_pushinteger)    \
    X(NEAP_TYPE_U64, uint64_t, lneap_push_unsigned) \
    X(NEAP_TYPE_U32, uint32_t, lua_pushinteger) \
    X(NEAP_TYPE_U16, uint16_t, lua_pushinteger) \
    X(NEAP_TYPE_U8, uint8_t, lua_pushinteger)   \
    X(NEAP_TYPE_BOOL, uint8_t, lua_pushboolean)
#define COMPLEX(X)                              \
    X(NEAP_TYPE_C128, neap_c128, lua_pushnumber) \
    X(NEAP_TYPE_C64, neap_c64, lua_pushnumber)


int lneap_array_load(lua_State *L, const struct lneap_array *array,
                     uint64_t at)
{
    switch (array->type) {
#define LOAD(name, type, push)                            \
    case name:                                            \
        push(L, ((const volatile type *)array->data)[at]); \
        return 1;
        REALS(LOAD)
        INTEGERS(LOAD)
#undef LOAD
#define LOAD(name, type, push)                               \
    case name:                                               \
        push(L, ((const volatile type *)array->data)[at].re); \
        push(L, ((const volatile type *)array->data)[at].im); \
        return 2;
        COMPLEX(LOAD)
#undef LOAD
    default:
        return lneap_array_error(L, array, "has a type that is not known");
    }
}


void lneap_array_put(const struct lneap_array *array, uint64_t at,
                     const neap_value *value)
{
    switch (array->type) {
#define PUT(name, type, push)                                        \
    case name:                                                       \
        ((volatile type *)array->data)[at] = (type)value->as.f;      \
        break;
        REALS(PUT)
#undef PUT
/* A u64 and an int64_t are the same 64 bits of the union. */
#define PUT(name, type, push)                                        \
    case name:                                                       \
        ((volatile type *)array->data)[at] = (type)value->as.i;      \
        break;
        INTEGERS(PUT)
#undef PUT
    case NEAP_TYPE_C64:
        ((volatile neap_c64 *)array->data)[at].re = (float)value->as.c.re;
        ((volatile neap_c64 *)array->data)[at].im = (float)value->as.c.im;
        break;
    case NEAP_TYPE_C128:
        ((volatile neap_c128 *)array->data)[at].re = value->as.c.re;
        ((volatile neap_c128 *)array->data)[at].im = value->as.c.im;
        break;
    default:
        break;
    }
}


void lneap_array_store(lua_State *L, const struct lneap_array *array,
                       uint64_t at, int arg)
{
    neap_value value;

    if (!array->writable)
        lneap_array_error(L, array, "is read-only: it was opened so");
    const char *wrong = lneap_take_value(L, arg, array->type, &value);
    if (wrong)
        lneap_array_error(L, array, "%s", wrong);
    lneap_array_put(array, at, &value);
}


static void bad_index(lua_State *L, const struct lneap_array *array, int arg,
                      uint32_t axis)
{
    int exact;
    lua_Integer index = lua_tointegerx(L, arg, &exact);
    unsigned long long length = array->shape[axis];

    if (lua_type(L, arg) != LUA_TNUMBER || !exact)
        lneap_array_error(L, array, "index %u: integer expected, got %s",
                          axis + 1, luaL_tolstring(L, arg, NULL));
    if (array->dimensions == 1)
        lneap_array_error(L, array, "index %lld out of range 1..%llu",
                          (long long)index, length);
    lneap_array_error(L, array,
                      "index %lld of dimension %u out of range 1..%llu",
                      (long long)index, axis + 1, length);
}


uint64_t lneap_array_position(lua_State *L, const struct lneap_array *array,
                              int arg)
{
    uint64_t at = 0;

    for (uint32_t axis = 0; axis < array->dimensions; axis++) {
        uint64_t index =
            (uint64_t)lua_tointegerx(L, arg + (int)axis, NULL) - 1;

        /* What is no integer reads as 0, which is out of range too. */
        if (index >= array->shape[axis])
            bad_index(L, array, arg + (int)axis, axis);
        at = at * array->shape[axis] + index;
    }
    return at;
}


/* `values` more arguments than indices; `spare` of them may be missing. */
static void check_count(lua_State *L, const struct lneap_array *array,
                        int values, int spare)
{
    int expected = (int)array->dimensions + values, got = lua_gettop(L) - 1;

    if (got > expected || got < expected - spare)
        lneap_array_error(L, array, "%u %s%s expected, got %d",
                          array->dimensions,
                          array->dimensions == 1 ? "index" : "indices",
                          values == 0 ? "" : " and a value", got);
}


/***
 * One element by its indices. This is the fast way for more than one
 * dimension, and the only one for complex numbers.
 *
 * @usage local v = grid:get(3, 4)
 * @function array:get
 * @tparam integer ... an index a dimension
 * @return the element; two numbers for complex
 */
int lneap_array_get(lua_State *L)
{
    struct lneap_array *array = lneap_check(L, 1, &lneap_array_class);

    check_count(L, array, 0, 0);
    return lneap_array_load(L, array, lneap_array_position(L, array, 2));
}


/***
 * Set one element by its indices.
 *
 * @usage grid:set(3, 4, 0.5)
 * @function array:set
 * @tparam integer ... an index a dimension
 * @param value two numbers for complex
 */
int lneap_array_set(lua_State *L)
{
    struct lneap_array *array = lneap_check(L, 1, &lneap_array_class);
    bool complex = lneap_is_complex(array->type);

    check_count(L, array, complex ? 2 : 1, complex);
    uint64_t at = lneap_array_position(L, array, 2);
    lneap_array_store(L, array, at, 2 + (int)array->dimensions);
    return 0;
}


/***
 * Add to an element atomically and tell what was there before. Integers wrap.
 *
 * @usage histogram:fetch_add(bin, 1)
 * @function array:fetch_add
 * @tparam integer ... an index a dimension
 * @tparam[opt=1] number n
 * @treturn number the old value, or nil, text and code
 */
int lneap_array_fetch_add(lua_State *L)
{
    struct lneap_array *array = lneap_check(L, 1, &lneap_array_class);
    int arg = 2 + (int)array->dimensions;
    bool real = array->type == NEAP_TYPE_F32 || array->type == NEAP_TYPE_F64;
    neap_value old;

    check_count(L, array, 1, 1);
    uint64_t at = lneap_array_position(L, array, 2);
    if (lua_isnoneornil(L, arg)) {
        lua_settop(L, arg - 1);
        lua_pushinteger(L, 1);
    }
    neap_value n =
        lneap_check_value(L, arg, real ? NEAP_TYPE_F64 : NEAP_TYPE_I64);
    int status = neap_array_fetch_add(array->object.handle.core, at, n, &old);
    if (status < 0)
        return lneap_fail(L, status);
    return lneap_push_value(L, array->type, &old);
}
