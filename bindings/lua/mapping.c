/*
 * Mappings: bytes of a segment, read and written by type.
 *
 * Offsets count bytes from 0, as they do in every description of a file or
 * structure that a script may want to read; element indices count from 1.
 * Mistakes raise: past the end, or against the protection.
 *
 * @module neap
 */
#include <string.h>

#include "lneap.h"


static void close_mapping(struct lneap_handle *handle)
{
    neap_mapping_close(handle->core);
}


const struct lneap_class lneap_mapping_class = {
    .noun = "mapping",
    .name = "neap.mapping",
    .size = sizeof(struct lneap_handle),
    .close = close_mapping,
};


static neap_mapping *check_mapping(lua_State *L)
{
    struct lneap_handle *handle = lneap_check(L, 1, &lneap_mapping_class);

    return handle->core;
}


static uint64_t check_offset(lua_State *L, int arg)
{
    luaL_checktype(L, arg, LUA_TNUMBER);
    lua_Integer offset = luaL_checkinteger(L, arg);
    luaL_argcheck(L, offset >= 0, arg, "an offset is bytes from 0 up");
    return (uint64_t)offset;
}


static uint32_t check_flags(lua_State *L, int arg)
{
    static const char *const huge[] = {"'try' or 'require'", "try", "require",
                                       NULL};
    static const uint32_t flag_of[] = {0, NEAP_MAPPING_HUGE_TRY,
                                       NEAP_MAPPING_HUGE};
    uint32_t flags = flag_of[lneap_option_word(L, arg, "huge", huge)];

    if (lneap_option_bool(L, arg, "private", false))
        flags |= NEAP_MAPPING_PRIVATE;
    if (lneap_option_bool(L, arg, "prefault", false))
        flags |= NEAP_MAPPING_PREFAULT;
    if (lneap_option_bool(L, arg, "lock", false))
        flags |= NEAP_MAPPING_LOCKED;
    return flags;
}


static int check_map_options(lua_State *L, int arg,
                             neap_mapping_options *options)
{
    static const char *const known[] = {
        "offset", "length", "prot", "private", "address", "prefault", "lock",
        "huge", NULL,
    };

    lneap_check_options(L, arg, known);
    options->offset = lneap_option_size(L, arg, "offset");
    options->length = lneap_option_size(L, arg, "length");
    options->address = (void *)(uintptr_t)lneap_option_size(L, arg, "address");
    options->flags = check_flags(L, arg);
    return lneap_option_protection(L, arg, "prot");
}


/***
 * Map the segment, or a part of it.
 *
 * Options: offset and length in bytes (all of it when not given); prot "rw",
 * "r", "none", "rx" or "rwx"; private, for writes that nobody else sees (of
 * sysv and anonymous segments all is copied at once);
 * address, a number, where nothing may be; prefault; lock, never swapped out;
 * huge pages, "try" or "require". A protection alone will do instead of a
 * table.
 *
 * @usage local map = assert(segment:map{offset = 4096, length = 100})
 * @function segment:map
 * @tparam[opt] table|string options
 * @treturn mapping the mapping, or nil, text and code
 */
int lneap_segment_map(lua_State *L)
{
    struct lneap_handle *segment = lneap_check(L, 1, &lneap_segment_class);
    neap_mapping_options options = {.size = sizeof options};
    neap_mapping *core;

    int protection = lua_type(L, 2) == LUA_TSTRING
                         ? lneap_check_protection(L, 2)
                         : check_map_options(L, 2, &options);
    struct lneap_handle *handle =
        lneap_new(L, &lneap_mapping_class, segment->label);
    int status = neap_mapping_open_with(segment->core, protection, &options,
                                        &core);
    if (status < 0)
        return lneap_fail(L, status);
    handle->core = core;
    return 1;
}


/***
 * Mappings. Offsets count bytes from 0. `#map` is the length in bytes.
 * @type mapping
 */

/* What a script asked of a mapping that cannot be given is its mistake. */
static int raise(lua_State *L)
{
    return luaL_error(L, "%s", neap_error_text());
}


/***
 * Read an element, aligned or not.
 *
 * @usage local n = map:read(16, "i32")
 * @function mapping:read
 * @tparam integer offset
 * @tparam string type
 * @return the element (two numbers for complex)
 */
static int mapping_read(lua_State *L)
{
    neap_mapping *mapping = check_mapping(L);
    uint64_t offset = check_offset(L, 2);
    neap_type type = lneap_check_type(L, 3);
    neap_value value;

    if (neap_mapping_read(mapping, offset, type, &value) < 0)
        return raise(L);
    return lneap_push_value(L, type, &value);
}


/***
 * Write an element, aligned or not.
 *
 * @usage map:write(16, "i32", -7)
 * @function mapping:write
 * @tparam integer offset
 * @tparam string type
 * @param value (two numbers for complex)
 * @treturn boolean true
 */
static int mapping_write(lua_State *L)
{
    neap_mapping *mapping = check_mapping(L);
    uint64_t offset = check_offset(L, 2);
    neap_type type = lneap_check_type(L, 3);
    neap_value value = lneap_check_value(L, 4, type);

    if (neap_mapping_write(mapping, offset, type, value) < 0)
        return raise(L);
    lua_pushboolean(L, 1);
    return 1;
}


/***
 * A run of bytes as a string.
 *
 * @usage local magic = map:bytes(0, 4)
 * @function mapping:bytes
 * @tparam[opt=0] integer offset
 * @tparam[opt] integer count to the end when not given
 * @treturn string
 */
static int mapping_bytes(lua_State *L)
{
    neap_mapping *mapping = check_mapping(L);
    uint64_t offset = lua_isnoneornil(L, 2) ? 0 : check_offset(L, 2);
    uint64_t length = neap_mapping_length(mapping);
    uint64_t count = lua_isnoneornil(L, 3)
                         ? (offset < length ? length - offset : 0)
                         : check_offset(L, 3);
    luaL_Buffer buffer;

    luaL_argcheck(L, offset <= length && count <= length - offset, 3,
                  lua_pushfstring(L, "offset and count reach beyond the "
                                  "mapping's %I bytes", (LUAI_UACINT)length));
    char *bytes = luaL_buffinitsize(L, &buffer, (size_t)count);
    if (count && neap_mapping_read_bytes(mapping, offset, count, bytes) < 0)
        return raise(L);
    luaL_pushresultsize(&buffer, (size_t)count);
    return 1;
}


/***
 * Write a string.
 *
 * @usage map:write_bytes(0, "NEAP")
 * @function mapping:write_bytes
 * @tparam integer offset
 * @tparam string bytes
 * @treturn boolean true
 */
static int mapping_write_bytes(lua_State *L)
{
    neap_mapping *mapping = check_mapping(L);
    uint64_t offset = check_offset(L, 2);
    size_t length;

    luaL_checktype(L, 3, LUA_TSTRING);
    const char *bytes = lua_tolstring(L, 3, &length);
    if (neap_mapping_write_bytes(mapping, offset, length, bytes) < 0)
        return raise(L);
    lua_pushboolean(L, 1);
    return 1;
}


/***
 * Change what may be done with it, or with the pages that hold a part of it.
 *
 * @usage assert(map:protect("r"))
 * @function mapping:protect
 * @tparam string protection "rw", "r", "none", "rx" or "rwx"
 * @tparam[opt] integer offset
 * @tparam[opt] integer length to the end when not given
 * @treturn boolean true, or nil, text and code
 */
static int mapping_protect(lua_State *L)
{
    neap_mapping *mapping = check_mapping(L);

    luaL_checktype(L, 2, LUA_TSTRING);
    int protection = lneap_check_protection(L, 2);
    if (lua_isnoneornil(L, 3))
        return lneap_done(L, neap_mapping_protect(mapping, protection));
    uint64_t offset = check_offset(L, 3);
    uint64_t length = lua_isnoneornil(L, 4) ? 0 : check_offset(L, 4);
    return lneap_done(L, neap_mapping_protect_part(mapping, offset, length,
                                                   protection));
}


/***
 * Tell the kernel how it, or a part of it, will be used: "normal",
 * "sequential", "random", "willneed", "dontneed".
 *
 * @usage assert(map:advise("sequential"))
 * @function mapping:advise
 * @tparam string advice
 * @tparam[opt=0] integer offset
 * @tparam[opt] integer length to the end when not given
 * @treturn boolean true, or nil, text and code
 */
static int mapping_advise(lua_State *L)
{
    static const char *const words[] = {"normal", "sequential", "random",
                                        "willneed", "dontneed", NULL};
    neap_mapping *mapping = check_mapping(L);
    int advice = luaL_checkoption(L, 2, NULL, words);
    uint64_t offset = lua_isnoneornil(L, 3) ? 0 : check_offset(L, 3);
    uint64_t length = lua_isnoneornil(L, 4) ? 0 : check_offset(L, 4);

    return lneap_done(L, neap_mapping_advise(mapping, offset, length, advice));
}


/* A node, or a table of nodes, as bits. */
static uint64_t check_nodes(lua_State *L, int arg)
{
    uint64_t nodes = 0;
    lua_Integer count = lua_istable(L, arg) ? luaL_len(L, arg) : 1;

    if (lua_isnoneornil(L, arg))
        return 0;
    for (lua_Integer i = 1; i <= count; i++) {
        int whole;
        if (lua_istable(L, arg))
            lua_geti(L, arg, i);
        else
            lua_pushvalue(L, arg);
        lua_Integer node = lua_tointegerx(L, -1, &whole);
        luaL_argcheck(L, whole && node >= 0 && node < 64, arg,
                      "a node is a number from 0 to 63");
        nodes |= UINT64_C(1) << node;
        lua_pop(L, 1);
    }
    return nodes;
}


/***
 * On which nodes of memory its pages, or those of a part, are: "bind" on these
 * and no other, "prefer" one, "interleave" several by turns, "default". Pages
 * that are there already move, unless other processes have them mapped too.
 *
 * @usage assert(map:place("interleave", {0, 1}))
 * @function mapping:place
 * @tparam string placement
 * @tparam[opt] integer|table nodes
 * @tparam[opt=0] integer offset
 * @tparam[opt] integer length to the end when not given
 * @treturn boolean true, or nil, text and code
 */
static int mapping_place(lua_State *L)
{
    static const char *const words[] = {"default", "bind", "prefer",
                                        "interleave", NULL};
    neap_mapping *mapping = check_mapping(L);
    int placement = luaL_checkoption(L, 2, NULL, words);
    uint64_t nodes = check_nodes(L, 3);
    uint64_t offset = lua_isnoneornil(L, 4) ? 0 : check_offset(L, 4);
    uint64_t length = lua_isnoneornil(L, 5) ? 0 : check_offset(L, 5);

    return lneap_done(L, neap_mapping_place(mapping, offset, length, placement,
                                            nodes));
}


/***
 * Give it another length, or let it reach to the segment's end, as after
 * segment:resize. It starts where it did. It grows in its place, or with the
 * option move goes to where there is room, unless an array views it.
 *
 * @usage assert(map:resize(segment, "2M", {move = true}))
 * @function mapping:resize
 * @tparam segment segment an open handle of what it is of
 * @tparam[opt] integer|string length to the segment's end when not given
 * @tparam[opt] table options move
 * @treturn boolean true, or nil, text and code
 */
static int mapping_resize(lua_State *L)
{
    static const char *const known[] = {"move", NULL};
    neap_mapping *mapping = check_mapping(L);
    struct lneap_handle *segment = lneap_check(L, 2, &lneap_segment_class);
    uint64_t length = lua_isnoneornil(L, 3) ? 0 : lneap_check_size(L, 3);

    lneap_check_options(L, 4, known);
    bool move = lneap_option_bool(L, 4, "move", false);
    return lneap_done(L, neap_mapping_resize(mapping, segment->core, length,
                                             move));
}


/***
 * How many bytes of it, or of a part of it, are in memory, in whole pages.
 *
 * @usage print(map:resident())
 * @function mapping:resident
 * @tparam[opt=0] integer offset
 * @tparam[opt] integer length to the end when not given
 * @treturn integer bytes, or nil, text and code
 */
static int mapping_resident(lua_State *L)
{
    neap_mapping *mapping = check_mapping(L);
    uint64_t offset = lua_isnoneornil(L, 2) ? 0 : check_offset(L, 2);
    uint64_t length = lua_isnoneornil(L, 3) ? 0 : check_offset(L, 3);
    uint64_t bytes;

    int status = neap_mapping_resident(mapping, offset, length, &bytes);
    if (status < 0)
        return lneap_fail(L, status);
    lneap_push_unsigned(L, bytes);
    return 1;
}


/***
 * Where it is in this process: a number to look at, or for the option address.
 *
 * @usage print(("%#x"):format(map:address()))
 * @function mapping:address
 * @treturn integer
 */
static int mapping_address(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)(uintptr_t)neap_mapping_data(
                           check_mapping(L)));
    return 1;
}


/***
 * Write a file's changed pages to disk.
 *
 * @usage assert(map:sync())
 * @function mapping:sync
 * @tparam[opt=false] boolean later when the kernel likes, instead of now
 * @treturn boolean true, or nil, text and code
 */
static int mapping_sync(lua_State *L)
{
    neap_mapping *mapping = check_mapping(L);

    return lneap_done(L, neap_mapping_sync(mapping, lua_toboolean(L, 2)));
}


/***
 * "rw", "r" or "none".
 *
 * @usage print(map:protection())
 * @function mapping:protection
 * @treturn string
 */
static int mapping_protection(lua_State *L)
{
    int protection = neap_mapping_protection(check_mapping(L));

    lua_pushstring(L, lneap_protection_name(protection));
    return 1;
}


static int mapping_length(lua_State *L)
{
    lneap_push_unsigned(L, neap_mapping_length(check_mapping(L)));
    return 1;
}


/***
 * Unmap. Arrays that view it keep the memory until they are closed.
 *
 * @usage map:close()
 * @function mapping:close
 */
/***
 * What is behind a byte of it, as neap.translate tells.
 *
 * @usage print(map:translate(4096).present)
 * @function mapping:translate
 * @tparam[opt=0] integer offset
 * @treturn table or nil, text and code
 */
static int mapping_translate(lua_State *L)
{
    neap_mapping *mapping = check_mapping(L);
    uint64_t offset = lua_isnoneornil(L, 2) ? 0 : check_offset(L, 2);

    luaL_argcheck(L, offset < neap_mapping_length(mapping), 2,
                  "past the end of the mapping");
    return lneap_translate(L, 0, (uint64_t)neap_mapping_data(mapping) + offset);
}


void lneap_open_mapping(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"read", mapping_read},
        {"write", mapping_write},
        {"bytes", mapping_bytes},
        {"write_bytes", mapping_write_bytes},
        {"array", lneap_mapping_array},
        {"protect", mapping_protect},
        {"protection", mapping_protection},
        {"advise", mapping_advise},
        {"place", mapping_place},
        {"resident", mapping_resident},
        {"resize", mapping_resize},
        {"address", mapping_address},
        {"sync", mapping_sync},
        {"translate", mapping_translate},
        {"length", mapping_length},
        {NULL, NULL},
    };
    static const luaL_Reg meta[] = {{"__len", mapping_length}, {NULL, NULL}};

    lneap_class_open(L, &lneap_mapping_class, methods, meta, NULL);
}
