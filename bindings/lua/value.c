/*
 * Values: one element of any type between Lua and the core.
 *
 * An integer element takes an integer, or a float with an integral value; what
 * its type cannot hold is an error that names the range. A u64 of 2^63 or more
 * has no Lua integer and is pushed as a float; who needs its bits uses i64.
 */
#include <math.h>

#include "lneap.h"

#define TWO_TO_63 9223372036854775808.0
#define TWO_TO_64 18446744073709551616.0

static const struct {
    int64_t min, max;
} ranges[] = {
    [NEAP_TYPE_I8] = {INT8_MIN, INT8_MAX},
    [NEAP_TYPE_I16] = {INT16_MIN, INT16_MAX},
    [NEAP_TYPE_I32] = {INT32_MIN, INT32_MAX},
    [NEAP_TYPE_I64] = {INT64_MIN, INT64_MAX},
    [NEAP_TYPE_U8] = {0, UINT8_MAX},
    [NEAP_TYPE_U16] = {0, UINT16_MAX},
    [NEAP_TYPE_U32] = {0, UINT32_MAX},
    [NEAP_TYPE_U64] = {0, INT64_MAX}, /* beyond: large_unsigned */
};


static const char *wrong_type(lua_State *L, int arg, const char *expected)
{
    return lua_pushfstring(L, "%s expected, got %s", expected,
                           luaL_typename(L, arg));
}


static const char *out_of_range(lua_State *L, int arg, neap_type type)
{
    const char *value = luaL_tolstring(L, arg, NULL);

    if (type == NEAP_TYPE_U64)
        return lua_pushfstring(L, "%s is out of the range of u64, 0 to 2^64-1",
                               value);
    return lua_pushfstring(L, "%s is out of the range of %s, %I to %I", value,
                           neap_type_name(type), (LUAI_UACINT)ranges[type].min,
                           (LUAI_UACINT)ranges[type].max);
}


/* A float that is no Lua integer: perhaps it fits a u64, perhaps it is merely
 * too large, perhaps it has a fraction. */
static const char *take_odd_float(lua_State *L, int arg, neap_type type,
                                  neap_value *ret_value)
{
    lua_Number number = lua_tonumber(L, arg);

    if (floor(number) != number && !isnan(number))
        return lua_pushfstring(L, "%s has a fraction, and %s holds integers",
                               luaL_tolstring(L, arg, NULL),
                               neap_type_name(type));
    if (type != NEAP_TYPE_U64 || !(number >= TWO_TO_63 && number < TWO_TO_64))
        return out_of_range(L, arg, type);
    ret_value->kind = 'u';
    ret_value->as.u = (uint64_t)number;
    return NULL;
}


static const char *take_integer(lua_State *L, int arg, neap_type type,
                                neap_value *ret_value)
{
    int exact;
    lua_Integer n = lua_tointegerx(L, arg, &exact);

    if (lua_type(L, arg) != LUA_TNUMBER)
        return wrong_type(L, arg, "integer");
    if (!exact)
        return take_odd_float(L, arg, type, ret_value);
    if (n < ranges[type].min || n > ranges[type].max)
        return out_of_range(L, arg, type);
    if (type == NEAP_TYPE_U64) {
        ret_value->kind = 'u';
        ret_value->as.u = (uint64_t)n;
    } else {
        ret_value->kind = 'i';
        ret_value->as.i = n;
    }
    return NULL;
}


static const char *take_complex(lua_State *L, int arg, neap_value *ret_value)
{
    if (lua_type(L, arg) != LUA_TNUMBER)
        return wrong_type(L, arg, "number");
    if (!lua_isnoneornil(L, arg + 1) && lua_type(L, arg + 1) != LUA_TNUMBER)
        return wrong_type(L, arg + 1, "number (the imaginary part)");
    ret_value->kind = 'c';
    ret_value->as.c.re = lua_tonumber(L, arg);
    ret_value->as.c.im = lua_tonumber(L, arg + 1);
    return NULL;
}


const char *lneap_take_value(lua_State *L, int arg, neap_type type,
                             neap_value *ret_value)
{
    switch (type) {
    case NEAP_TYPE_BOOL:
        if (!lua_isboolean(L, arg))
            return wrong_type(L, arg, "boolean");
        ret_value->kind = 'i';
        ret_value->as.i = lua_toboolean(L, arg);
        return NULL;
    case NEAP_TYPE_F32:
    case NEAP_TYPE_F64:
        if (lua_type(L, arg) != LUA_TNUMBER)
            return wrong_type(L, arg, "number");
        ret_value->kind = 'f';
        ret_value->as.f = lua_tonumber(L, arg);
        return NULL;
    case NEAP_TYPE_C64:
    case NEAP_TYPE_C128:
        return take_complex(L, arg, ret_value);
    default:
        return take_integer(L, arg, type, ret_value);
    }
}


neap_value lneap_check_value(lua_State *L, int arg, neap_type type)
{
    neap_value value;
    const char *wrong = lneap_take_value(L, arg, type, &value);

    if (wrong)
        luaL_argerror(L, arg, wrong);
    return value;
}


void lneap_push_unsigned(lua_State *L, uint64_t n)
{
    if (n <= INT64_MAX)
        lua_pushinteger(L, (lua_Integer)n);
    else
        lua_pushnumber(L, (lua_Number)n);
}


int lneap_push_value(lua_State *L, neap_type type, const neap_value *value)
{
    switch (value->kind) {
    case 'i':
        if (type == NEAP_TYPE_BOOL)
            lua_pushboolean(L, value->as.i != 0);
        else
            lua_pushinteger(L, value->as.i);
        return 1;
    case 'u':
        lneap_push_unsigned(L, value->as.u);
        return 1;
    case 'f':
        lua_pushnumber(L, value->as.f);
        return 1;
    default:
        lua_pushnumber(L, value->as.c.re);
        lua_pushnumber(L, value->as.c.im);
        return 2;
    }
}


void lneap_set_integer(lua_State *L, const char *key, int64_t value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, key);
}


void lneap_set_unsigned(lua_State *L, const char *key, uint64_t value)
{
    lneap_push_unsigned(L, value);
    lua_setfield(L, -2, key);
}


void lneap_set_string(lua_State *L, const char *key, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, key);
}


void lneap_set_boolean(lua_State *L, const char *key, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, key);
}
