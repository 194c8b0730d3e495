/*
 * Arrays: open, look at, index, rows.
 *
 * a[i] is the road that must be fast: __index is a C function that tries an
 * integer first, and looks a method up in its upvalue only then. Reading one
 * past the end gives nil, which is how ipairs ends; any other index that is
 * not there raises.
 *
 * @module neap
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lneap.h"


static void close_array(struct lneap_handle *handle)
{
    neap_array_close(handle->core);
}


const struct lneap_class lneap_array_class = {
    .noun = "array",
    .name = "neap.array",
    .size = sizeof(struct lneap_array),
    .values = 1, /* rows made so far, by index, weak */
    .close = close_array,
};


int lneap_array_error(lua_State *L, const struct lneap_array *array,
                      const char *format, ...)
{
    const char *label = array->object.handle.label;
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return luaL_error(L, *label ? "array '%s': %s" : "array%s: %s", label,
                      text);
}


/* Take what the core opened into the userdata. */
static void fill_in(struct lneap_array *array, neap_array *core)
{
    array->data = neap_array_data(core);
    array->length = neap_array_length(core, 0);
    array->size = neap_array_size(core);
    array->type = neap_array_type(core);
    array->dimensions = neap_array_dimensions(core);
    array->writable = neap_array_writable(core);
    for (uint32_t i = 0; i < array->dimensions; i++)
        array->shape[i] = neap_array_length(core, i);
    array->object.handle.core = core;
}


/***
 * Open the array of that name, or make it, filled with zeros. Without lengths
 * it must be there; without a type too, it may be any.
 *
 * Types: bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 c64 c128.
 *
 * @usage local grid = heap:array("grid", "f64", 512, 512)
 * @function heap:array
 * @tparam string name
 * @tparam[opt] string type
 * @tparam[opt] integer ... up to 8 lengths
 * @treturn array the array, or nil, text and code
 * @treturn boolean true if this call made it
 */
int lneap_heap_array(lua_State *L)
{
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);
    const char *name = lneap_check_name(L, 2);
    neap_type type =
        lua_isnoneornil(L, 3) ? NEAP_TYPE_ANY : lneap_check_type(L, 3);
    uint64_t shape[NEAP_DIMENSIONS_MAX];
    uint32_t dimensions = lneap_check_shape(L, 4, lua_gettop(L), shape);
    neap_array *core;

    luaL_argcheck(L, type != NEAP_TYPE_ANY || dimensions == 0, 3,
                  "a type is needed with lengths");
    struct lneap_array *array =
        lneap_object_new(L, &lneap_array_class, heap, name);
    int status = neap_array_open(heap->handle.core, name, type, dimensions,
                                 shape, &core);
    if (status >= 0)
        fill_in(array, core);
    return lneap_object_opened(L, status);
}


/***
 * See a mapping as an array, from a byte offset on that is a multiple of the
 * element's size. It can be written where the mapping can.
 *
 * @usage local a = map:array("i32", 100, {offset = 64})
 * @function mapping:array
 * @tparam string type
 * @tparam integer ... lengths
 * @tparam[opt] table options offset
 * @treturn array the array, or nil, text and code
 */
int lneap_mapping_array(lua_State *L)
{
    static const char *const known[] = {"offset", NULL};
    struct lneap_handle *mapping = lneap_check(L, 1, &lneap_mapping_class);
    neap_type type = lneap_check_type(L, 2);
    uint64_t shape[NEAP_DIMENSIONS_MAX], offset = 0;
    int last = lua_gettop(L);
    neap_array *core;

    if (lua_istable(L, last)) {
        lneap_check_options(L, last, known);
        offset = lneap_option_size(L, last, "offset");
        last--;
    }
    uint32_t dimensions = lneap_check_shape(L, 3, last, shape);
    luaL_argcheck(L, dimensions > 0, 3, "a length is needed");

    bool writable =
        (neap_mapping_protection(mapping->core) & NEAP_PROT_WRITE) != 0;
    struct lneap_array *array = lneap_new(L, &lneap_array_class, "");
    int status = neap_array_view(mapping->core, offset, type, dimensions,
                                 shape, writable, &core);
    if (status < 0)
        return lneap_fail(L, status);
    fill_in(array, core);
    return 1;
}


/* Push the table of rows made so far. */
static void push_rows(lua_State *L, int array_arg)
{
    if (lua_getiuservalue(L, array_arg, 1), lua_istable(L, -1))
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lneap_set_string(L, "__mode", "v");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, array_arg, 1);
}


static void make_row(lua_State *L, struct lneap_array *array, uint64_t index)
{
    char label[NEAP_NAME_MAX + 8 * 24];
    neap_array *core;

    snprintf(label, sizeof label, "%s[%llu]", array->object.handle.label,
             (unsigned long long)index + 1);
    struct lneap_array *row = lneap_new(L, &lneap_array_class, label);
    int status = neap_array_row(array->object.handle.core, index, &core);
    if (status < 0)
        luaL_error(L, "%s", neap_error_text());
    fill_in(row, core);
    memcpy(row->object.uuid, array->object.uuid, sizeof row->object.uuid);
}


/*
 * Push row `index` from 0. Rows are kept (weakly) with their array, so that
 * grid[i][j] in a loop makes each row once.
 */
static int push_row(lua_State *L, struct lneap_array *array, uint64_t index)
{
    lua_Integer key = (lua_Integer)index + 1;

    push_rows(L, 1);
    lua_rawgeti(L, -1, key);
    struct lneap_array *row = lneap_test(L, -1, &lneap_array_class);
    if (row && row->object.handle.core)
        return 1;
    lua_pop(L, 1);
    make_row(L, array, index);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, key);
    return 1;
}


static int out_of_range(lua_State *L, const struct lneap_array *array,
                        lua_Integer index)
{
    return lneap_array_error(L, array, "index %lld out of range 1..%llu",
                             (long long)index,
                             (unsigned long long)array->length);
}


static int index_integer(lua_State *L, struct lneap_array *array,
                         lua_Integer index)
{
    uint64_t at = (uint64_t)index - 1;

    if (at >= array->length) {
        if (at != array->length)
            return out_of_range(L, array, index);
        lua_pushnil(L);
        return 1;
    }
    if (array->dimensions > 1)
        return push_row(L, array, at);
    if (lneap_is_complex(array->type))
        return lneap_array_error(
            L, array, "elements are complex: get(i) gives both parts");
    return lneap_array_load(L, array, at);
}


static int push_shape(lua_State *L, const struct lneap_array *array)
{
    lua_createtable(L, (int)array->dimensions, 0);
    for (uint32_t i = 0; i < array->dimensions; i++) {
        lneap_push_unsigned(L, array->shape[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}


/* Fields: a.shape, a.type, a.size, a.name, a.writable. */
static int index_field(lua_State *L, const char *key)
{
    static const char *const fields[] = {"shape", "type", "size", "name",
                                         "writable"};
    size_t at = 0;

    while (at < 5 && strcmp(fields[at], key) != 0)
        at++;
    if (at == 5) {
        lua_pushnil(L);
        return 1;
    }

    struct lneap_array *array = lneap_check(L, 1, &lneap_array_class);
    switch (at) {
    case 0:
        return push_shape(L, array);
    case 1:
        lua_pushstring(L, neap_type_name(array->type));
        return 1;
    case 2:
        lneap_push_unsigned(L, array->size);
        return 1;
    case 3:
        lua_pushstring(L, array->object.handle.label);
        return 1;
    default:
        lua_pushboolean(L, array->writable);
        return 1;
    }
}


/* Upvalue 1: the methods. */
static int array_index(lua_State *L)
{
    if (lua_isinteger(L, 2))
        return index_integer(L, lneap_check(L, 1, &lneap_array_class),
                             lua_tointeger(L, 2));
    if (lua_type(L, 2) == LUA_TSTRING) {
        lua_pushvalue(L, 2);
        lua_rawget(L, lua_upvalueindex(1));
        return lua_isnil(L, -1) ? index_field(L, lua_tostring(L, 2)) : 1;
    }
    return index_integer(L, lneap_check(L, 1, &lneap_array_class),
                         luaL_checkinteger(L, 2));
}


static int array_newindex(lua_State *L)
{
    struct lneap_array *array = lneap_check(L, 1, &lneap_array_class);

    if (lua_type(L, 2) != LUA_TNUMBER)
        return lneap_array_error(L, array, "has no field '%s' to set",
                                 luaL_tolstring(L, 2, NULL));
    lua_Integer index = luaL_checkinteger(L, 2);
    uint64_t at = (uint64_t)index - 1;
    if (at >= array->length)
        return out_of_range(L, array, index);

    if (array->dimensions == 1) {
        lneap_array_store(L, array, at, 3);
        return 0;
    }
    push_row(L, array, at);
    return lneap_array_copy_from(
        L, lneap_check(L, -1, &lneap_array_class), 3);
}


/***
 * Arrays. `a[i]` is an element, of more than one dimension a row; `#a` the
 * first dimension; a.shape, a.type, a.size, a.name, a.writable. Indices count
 * from 1; one past the end reads as nil, so that ipairs works, and any other
 * index that is not there raises. So does a value that the type cannot hold.
 * @type array
 */

/***
 * A row of an array of two dimensions or more, as an array over the same
 * memory.
 *
 * @usage grid:row(3):fill(0)
 * @function array:row
 * @tparam integer i
 * @treturn array
 */
static int array_row(lua_State *L)
{
    struct lneap_array *array = lneap_check(L, 1, &lneap_array_class);
    lua_Integer index = luaL_checkinteger(L, 2);
    uint64_t at = (uint64_t)index - 1;

    if (array->dimensions == 1)
        return lneap_array_error(L, array, "has one dimension and no rows");
    if (at >= array->length)
        return out_of_range(L, array, index);
    return push_row(L, array, at);
}


static int array_length(lua_State *L)
{
    struct lneap_array *array = lneap_check(L, 1, &lneap_array_class);

    lneap_push_unsigned(L, array->length);
    return 1;
}


static int array_next(lua_State *L)
{
    struct lneap_array *array = lneap_check(L, 1, &lneap_array_class);
    lua_Integer index = luaL_optinteger(L, 2, 0) + 1;

    if ((uint64_t)index > array->length)
        return 0;
    lua_pushinteger(L, index);
    return 1 + index_integer(L, array, index);
}


static int array_pairs(lua_State *L)
{
    lneap_check(L, 1, &lneap_array_class);
    lua_pushcfunction(L, array_next);
    lua_pushvalue(L, 1);
    return 2;
}


static void add_shape(luaL_Buffer *text, const struct lneap_array *array)
{
    char number[32];

    luaL_addchar(text, ' ');
    luaL_addstring(text, neap_type_name(array->type));
    for (uint32_t i = 0; i < array->dimensions; i++) {
        snprintf(number, sizeof number, "%c%llu", i ? 'x' : ' ',
                 (unsigned long long)array->shape[i]);
        luaL_addstring(text, number);
    }
}


/* neap.array 'grid' f64 512x512 */
static int array_tostring(lua_State *L)
{
    struct lneap_array *array = lneap_test(L, 1, &lneap_array_class);
    luaL_Buffer text;

    if (!array)
        lneap_bad_handle(L, 1, &lneap_array_class);
    luaL_buffinit(L, &text);
    luaL_addstring(&text, lneap_array_class.name);
    if (array->object.handle.label[0]) {
        luaL_addstring(&text, " '");
        luaL_addstring(&text, array->object.handle.label);
        luaL_addchar(&text, '\'');
    }
    if (array->object.handle.core)
        add_shape(&text, array);
    else
        luaL_addstring(&text, " (closed)");
    luaL_pushresult(&text);
    return 1;
}


/* The same memory, or the same name in the same heap. */
static int array_eq(lua_State *L)
{
    struct lneap_array *one = lneap_test(L, 1, &lneap_array_class);
    struct lneap_array *other = lneap_test(L, 2, &lneap_array_class);

    if (one && other && one->object.handle.core && other->object.handle.core
        && one->data == other->data && one->size == other->size
        && one->type == other->type) {
        lua_pushboolean(L, 1);
        return 1;
    }
    if (!one || !one->object.uuid[0]) {
        lua_pushboolean(L, 0);
        return 1;
    }
    return lneap_object_eq(L);
}


void lneap_open_array(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"row", array_row},
        {"get", lneap_array_get},
        {"set", lneap_array_set},
        {"fetch_add", lneap_array_fetch_add},
        {NULL, NULL},
    };
    static const luaL_Reg meta[] = {
        {"__newindex", array_newindex}, {"__len", array_length},
        {"__pairs", array_pairs},       {"__tostring", array_tostring},
        {"__eq", array_eq},             {NULL, NULL},
    };

    lneap_class_open(L, &lneap_array_class, methods, meta, array_index);
    lua_getfield(L, -1, lneap_array_class.noun);
    luaL_setfuncs(L, lneap_array_bulk, 0);
    lua_pop(L, 1);
}
