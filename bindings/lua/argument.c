/*
 * Arguments: names, sizes, modes, times, shapes and tables of options, checked
 * so that a mistake is told where it was made.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lneap.h"


const char *lneap_check_name(lua_State *L, int arg)
{
    size_t length;

    luaL_checktype(L, arg, LUA_TSTRING);
    const char *name = lua_tolstring(L, arg, &length);
    luaL_argcheck(L, strlen(name) == length, arg, "has a zero byte in it");
    return name;
}


int64_t lneap_check_deadline(lua_State *L, int arg)
{
    if (lua_isnoneornil(L, arg))
        return NEAP_FOREVER;

    luaL_checktype(L, arg, LUA_TNUMBER);
    lua_Number seconds = lua_tonumber(L, arg);
    luaL_argcheck(L, seconds >= 0, arg,
                  "a timeout is seconds from 0 up, or nil to wait for ever");
    if (seconds >= 9e9)
        return NEAP_FOREVER;
    return seconds > 0 ? neap_deadline_after((int64_t)ceil(seconds * 1e9))
                       : NEAP_NOW;
}


int64_t lneap_check_count(lua_State *L, int arg, int64_t most,
                          const char *why)
{
    luaL_checktype(L, arg, LUA_TNUMBER);
    lua_Integer count = luaL_checkinteger(L, arg);
    luaL_argcheck(L, count >= 1 && count <= most, arg, why);
    return count;
}


/* The factor of a suffix: "", "K", "MB", "GiB"; all are powers of 1024. */
static double size_factor(const char *suffix)
{
    static const char letters[] = "KMGT";
    const char *letter = *suffix ? strchr(letters, *suffix) : NULL;
    double factor = 1;

    if (!letter)
        return *suffix ? 0 : 1;
    for (const char *at = letters; at <= letter; at++)
        factor *= 1024;
    suffix++;
    if (*suffix == 'i')
        suffix++;
    if (*suffix == 'B')
        suffix++;
    return *suffix ? 0 : factor;
}


/* True and the bytes if what is at `index` says a size. */
static bool read_size(lua_State *L, int index, uint64_t *ret_size)
{
    double bytes;

    if (lua_type(L, index) == LUA_TSTRING) {
        const char *text = lua_tostring(L, index);
        char *suffix;

        if (*text < '0' || *text > '9')
            return false;
        bytes = strtod(text, &suffix) * size_factor(suffix);
        if (!(bytes > 0) && strcmp(text, "0") != 0)
            return false;
    } else if (lua_type(L, index) == LUA_TNUMBER) {
        int exact;
        lua_Integer n = lua_tointegerx(L, index, &exact);

        *ret_size = (uint64_t)n;
        return exact && n >= 0;
    } else {
        return false;
    }

    *ret_size = (uint64_t)bytes;
    return bytes < 9.2e18 && floor(bytes) == bytes;
}


static const char bad_size[] =
    "bytes expected: a whole number from 0 up, or text such as '64K', '1M' "
    "or '2G'";


uint64_t lneap_check_size(lua_State *L, int arg)
{
    uint64_t size;

    if (!read_size(L, arg, &size))
        luaL_argerror(L, arg, bad_size);
    return size;
}


static const struct {
    const char *name;
    int protection;
} protections[] = {
    {"rw", NEAP_PROT_READ | NEAP_PROT_WRITE},
    {"r", NEAP_PROT_READ},
    {"none", NEAP_PROT_NONE},
    {"rx", NEAP_PROT_READ | NEAP_PROT_EXEC},
    {"rwx", NEAP_PROT_READ | NEAP_PROT_WRITE | NEAP_PROT_EXEC},
};
#define PROTECTIONS (sizeof protections / sizeof protections[0])


static int protection_named(const char *name)
{
    for (size_t i = 0; name && i < PROTECTIONS; i++)
        if (strcmp(protections[i].name, name) == 0)
            return protections[i].protection;
    return -1;
}


int lneap_check_protection(lua_State *L, int arg)
{
    int protection = protection_named(luaL_optstring(L, arg, "rw"));

    luaL_argcheck(L, protection >= 0, arg,
                  "a protection is 'rw', 'r' or 'none'");
    return protection;
}


const char *lneap_protection_name(int protection)
{
    for (size_t i = 0; i < PROTECTIONS; i++)
        if (protections[i].protection == protection)
            return protections[i].name;
    return protection & NEAP_PROT_WRITE ? "rw" : "r";
}


neap_type lneap_check_type(lua_State *L, int arg)
{
    const char *name = luaL_checkstring(L, arg);
    neap_type type = neap_type_from_name(name);

    if (type != NEAP_TYPE_ANY)
        return type;
    luaL_argerror(L, arg, lua_pushfstring(L,
        "no type '%s'; there are bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 "
        "c64 c128", name));
    return NEAP_TYPE_ANY;
}


uint32_t lneap_check_shape(lua_State *L, int arg, int last,
                           uint64_t shape[NEAP_DIMENSIONS_MAX])
{
    int count = last - arg + 1;

    if (count > NEAP_DIMENSIONS_MAX)
        luaL_argerror(L, arg + NEAP_DIMENSIONS_MAX,
                      "an array has at most 8 dimensions");
    for (int i = 0; i < count; i++) {
        luaL_checktype(L, arg + i, LUA_TNUMBER);
        lua_Integer length = luaL_checkinteger(L, arg + i);
        luaL_argcheck(L, length > 0, arg + i,
                      "a dimension's length is 1 or more");
        shape[i] = (uint64_t)length;
    }
    return count > 0 ? (uint32_t)count : 0;
}


static bool is_known(const char *key, const char *const known[])
{
    for (; *known; known++)
        if (strcmp(key, *known) == 0)
            return true;
    return false;
}


static void unknown_option(lua_State *L, int arg, const char *const known[])
{
    luaL_Buffer text;

    luaL_tolstring(L, -2, NULL);
    const char *key = lua_tostring(L, -1);
    luaL_buffinit(L, &text);
    luaL_addstring(&text, "no option '");
    luaL_addstring(&text, key);
    luaL_addstring(&text, "'; there are");
    for (; *known; known++) {
        luaL_addchar(&text, ' ');
        luaL_addstring(&text, *known);
    }
    luaL_pushresult(&text);
    luaL_argerror(L, arg, lua_tostring(L, -1));
}


void lneap_check_options(lua_State *L, int arg, const char *const known[])
{
    if (lua_isnoneornil(L, arg)) {
        lua_settop(L, lua_gettop(L) < arg ? arg : lua_gettop(L));
        return;
    }
    luaL_checktype(L, arg, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1))
        if (lua_type(L, -2) != LUA_TSTRING
            || !is_known(lua_tostring(L, -2), known))
            unknown_option(L, arg, known);
}


/* Push the option and tell whether it is there. */
static bool get_option(lua_State *L, int arg, const char *key)
{
    if (lua_isnoneornil(L, arg))
        lua_pushnil(L);
    else
        lua_getfield(L, arg, key);
    return !lua_isnil(L, -1);
}


static void bad_option(lua_State *L, int arg, const char *key,
                       const char *why)
{
    luaL_argerror(L, arg, lua_pushfstring(L, "option '%s': %s", key, why));
}


bool lneap_option_bool(lua_State *L, int arg, const char *key, bool otherwise)
{
    bool value = otherwise;

    if (get_option(L, arg, key)) {
        if (!lua_isboolean(L, -1))
            bad_option(L, arg, key, "true or false expected");
        value = lua_toboolean(L, -1);
    }
    lua_pop(L, 1);
    return value;
}


uint32_t lneap_option_word(lua_State *L, int arg, const char *key,
                           const char *const words[])
{
    uint32_t at = 0;

    if (!lua_istable(L, arg) || lua_getfield(L, arg, key) == LUA_TNIL)
        return 0;
    const char *word = lua_tostring(L, -1);
    do
        at++;
    while (words[at] && (!word || strcmp(words[at], word) != 0));
    if (!words[at])
        luaL_argerror(L, arg, lua_pushfstring(L, "option '%s': %s expected",
                                              key, words[0]));
    lua_pop(L, 1);
    return at;
}


/* "auto" is NEAP_SPIN_AUTO; or microseconds. */
int64_t lneap_option_spin(lua_State *L, int arg)
{
    static const char wanted[] = "'auto' or 0 to 1000000 microseconds expected";
    int64_t spin = NEAP_SPIN_AUTO;

    if (get_option(L, arg, "spin")
        && !(lua_type(L, -1) == LUA_TSTRING
             && strcmp(lua_tostring(L, -1), "auto") == 0)) {
        if (!lua_isinteger(L, -1))
            bad_option(L, arg, "spin", wanted);
        spin = lua_tointeger(L, -1);
        if (spin < 0 || spin > NEAP_SPIN_MOST)
            bad_option(L, arg, "spin", wanted);
    }
    lua_pop(L, 1);
    return spin;
}


uint64_t lneap_option_size(lua_State *L, int arg, const char *key)
{
    uint64_t size = 0;

    if (get_option(L, arg, key) && !read_size(L, -1, &size))
        bad_option(L, arg, key, bad_size);
    lua_pop(L, 1);
    return size;
}


/*
 * Lua has no octal numbers, and 600 for '0600' is an easy slip: what has bits
 * beyond the nine is refused, so that slip is told.
 */
static bool read_mode(lua_State *L, int index, uint32_t *ret_mode)
{
    long mode = -1;

    if (lua_type(L, index) == LUA_TSTRING) {
        const char *text = lua_tostring(L, index);
        char *end;

        mode = strtol(text, &end, 8);
        if (*text < '0' || *text > '7' || *end)
            mode = -1;
    } else if (lua_isinteger(L, index)) {
        mode = (long)lua_tointeger(L, index);
    }
    *ret_mode = (uint32_t)mode;
    return mode > 0 && mode <= 0777;
}


uint32_t lneap_check_mode(lua_State *L, int arg)
{
    uint32_t mode;

    luaL_argcheck(L, read_mode(L, arg, &mode), arg,
                  "permission bits expected, such as '0600'");
    return mode;
}


uint32_t lneap_option_mode(lua_State *L, int arg, const char *key)
{
    uint32_t mode = 0;

    if (get_option(L, arg, key) && !read_mode(L, -1, &mode))
        bad_option(L, arg, key, "permission bits expected, such as '0600'");
    lua_pop(L, 1);
    return mode;
}


int lneap_option_protection(lua_State *L, int arg, const char *key)
{
    int protection = NEAP_PROT_READ | NEAP_PROT_WRITE;

    if (get_option(L, arg, key)) {
        protection = lua_isstring(L, -1) ? protection_named(lua_tostring(L, -1))
                                         : -1;
        if (protection < 0)
            bad_option(L, arg, key, "'rw', 'r' or 'none' expected");
    }
    lua_pop(L, 1);
    return protection;
}
