/*
 * Overlays: parts of what is larger than memory, loaded on demand. The loop
 * over windows and the windowed array are in neap/overlay.lua.
 *
 * @module neap
 */
#include <string.h>

#include "lneap.h"


static void close_overlay(struct lneap_handle *handle)
{
    neap_overlay_close(handle->core);
}


static const struct lneap_class overlay_class = {
    .noun = "overlay",
    .name = "neap.overlay",
    .size = sizeof(struct lneap_handle),
    .close = close_overlay,
};


static neap_overlay *check_overlay(lua_State *L)
{
    struct lneap_handle *handle = lneap_check(L, 1, &overlay_class);

    return handle->core;
}


static uint64_t check_bytes(lua_State *L, int arg)
{
    lua_Integer bytes = luaL_checkinteger(L, arg);

    luaL_argcheck(L, bytes >= 0, arg, "bytes from 0 up expected");
    return (uint64_t)bytes;
}


/* {mode = "shared" | "copy"} */
static bool option_copy(lua_State *L, int arg)
{
    if (lua_isnoneornil(L, arg) || lua_getfield(L, arg, "mode") == LUA_TNIL)
        return false;
    const char *mode = lua_tostring(L, -1);
    bool copy = mode && strcmp(mode, "copy") == 0;
    if (!copy && (!mode || strcmp(mode, "shared") != 0))
        luaL_argerror(L, arg, "option 'mode': 'shared' or 'copy' expected");
    lua_pop(L, 1);
    return copy;
}


/***
 * Make an overlay over the segment, which has a descriptor (posix, file,
 * memfd): a zone of addresses, divided into frames, into which parts of it are
 * loaded on demand, each replacing the one that was used longest ago.
 *
 * Options: zone ("64M"), frames (8), mode "shared" (what is written is the
 * segment's at once) or "copy" (written back when it is replaced, flushed or
 * closed), read_only, address.
 *
 * @usage local overlay = assert(segment:overlay{zone = "64M"})
 * @function segment:overlay
 * @tparam[opt] table options
 * @treturn overlay the overlay, or nil, text and code
 */
int lneap_segment_overlay(lua_State *L)
{
    static const char *const known[] = {"zone", "frames", "mode", "read_only",
                                        "address", NULL};
    struct lneap_handle *segment = lneap_check(L, 1, &lneap_segment_class);
    neap_overlay *core;

    lneap_check_options(L, 2, known);
    uint64_t frames = lneap_option_size(L, 2, "frames");
    luaL_argcheck(L, frames <= 4096, 2, "option 'frames': 1 to 4096 expected");
    neap_overlay_options options = {
        .zone = lneap_option_size(L, 2, "zone"),
        .frames = (uint32_t)frames,
        .copy = option_copy(L, 2),
        .read_only = lneap_option_bool(L, 2, "read_only", false),
        .address = (void *)(uintptr_t)lneap_option_size(L, 2, "address"),
    };
    struct lneap_handle *handle = lneap_new(L, &overlay_class, segment->label);
    int status = neap_overlay_open(segment->core, &options, &core);
    if (status < 0)
        return lneap_fail(L, status);
    handle->core = core;
    return 1;
}


/***
 * Overlays. Offsets count bytes from 0.
 * @type overlay
 */

/* Arrays over parts that nobody can reach any more may still hold the frames:
 * let the collector see to them, once. */
static int load_part(lua_State *L, neap_overlay *overlay, uint64_t offset,
                     uint64_t length, bool write, neap_mapping **ret_part)
{
    int status = neap_overlay_load(overlay, offset, length, write, ret_part);

    if (status != -EBUSY)
        return status;
    lua_gc(L, LUA_GCCOLLECT, 0);
    return neap_overlay_load(overlay, offset, length, write, ret_part);
}


/***
 * Load a part and have it as a mapping; until it, and all arrays over it, are
 * closed its frame stays.
 *
 * @usage local part <close> = assert(overlay:load(4096, 65536))
 * @function overlay:load
 * @tparam integer offset
 * @tparam integer length bytes, no more than fit into a frame
 * @tparam[opt="r"] string prot "r", or "rw" for what is to be written
 * @treturn mapping the part, or nil, text and code ("EBUSY": all frames are in
 * use)
 */
static int overlay_load(lua_State *L)
{
    neap_overlay *overlay = check_overlay(L);
    uint64_t offset = check_bytes(L, 2), length = check_bytes(L, 3);
    const char *prot = luaL_optstring(L, 4, "r");
    bool write = strcmp(prot, "rw") == 0;
    struct lneap_handle *self = lua_touserdata(L, 1);
    neap_mapping *part;

    luaL_argcheck(L, write || strcmp(prot, "r") == 0, 4,
                  "a part is loaded 'r' or 'rw'");
    struct lneap_handle *handle = lneap_new(L, &lneap_mapping_class,
                                            self->label);
    int status = load_part(L, overlay, offset, length, write, &part);
    if (status < 0)
        return lneap_fail(L, status);
    handle->core = part;
    return 1;
}


/***
 * Read an element, wherever it is.
 *
 * @usage local n = overlay:read(5000000000, "f64")
 * @function overlay:read
 * @tparam integer offset
 * @tparam string type
 * @return the element (two numbers for complex), or nil, text and code
 */
static int overlay_read(lua_State *L)
{
    neap_overlay *overlay = check_overlay(L);
    uint64_t offset = check_bytes(L, 2);
    neap_type type = lneap_check_type(L, 3);
    neap_value value;
    int status = neap_overlay_read(overlay, offset, type, &value);

    if (status == -EBUSY) {
        lua_gc(L, LUA_GCCOLLECT, 0);
        status = neap_overlay_read(overlay, offset, type, &value);
    }
    return status < 0 ? lneap_fail(L, status)
                      : lneap_push_value(L, type, &value);
}


/***
 * Write an element.
 *
 * @usage assert(overlay:write(5000000000, "f64", 2.5))
 * @function overlay:write
 * @tparam integer offset
 * @tparam string type
 * @param value (two numbers for complex)
 * @treturn boolean true, or nil, text and code
 */
static int overlay_write(lua_State *L)
{
    neap_overlay *overlay = check_overlay(L);
    uint64_t offset = check_bytes(L, 2);
    neap_type type = lneap_check_type(L, 3);
    neap_value value = lneap_check_value(L, 4, type);

    int status = neap_overlay_write(overlay, offset, type, value);

    if (status == -EBUSY) {
        lua_gc(L, LUA_GCCOLLECT, 0);
        status = neap_overlay_write(overlay, offset, type, value);
    }
    return lneap_done(L, status);
}


/***
 * Write what was changed in copies back; with `sync` also to the disk.
 *
 * @usage assert(overlay:flush())
 * @function overlay:flush
 * @tparam[opt=false] boolean sync
 * @treturn boolean true, or nil, text and code
 */
static int overlay_flush(lua_State *L)
{
    return lneap_done(L, neap_overlay_flush(check_overlay(L),
                                            lua_toboolean(L, 2)));
}


/***
 * Bytes of the segment now.
 *
 * @usage print(overlay:size())
 * @function overlay:size
 * @treturn integer bytes, or nil, text and code
 */
static int overlay_size(lua_State *L)
{
    uint64_t size;
    int status = neap_overlay_size(check_overlay(L), &size);

    if (status < 0)
        return lneap_fail(L, status);
    lua_pushinteger(L, (lua_Integer)size);
    return 1;
}


/***
 * The zone: its address in this process, its bytes, and those of a frame.
 *
 * @usage print(overlay:zone())
 * @function overlay:zone
 * @treturn integer address
 * @treturn integer bytes
 * @treturn integer bytes of a frame
 */
static int overlay_zone(lua_State *L)
{
    neap_overlay *overlay = check_overlay(L);

    lua_pushinteger(L, (lua_Integer)(uintptr_t)neap_overlay_zone(overlay));
    lua_pushinteger(L, (lua_Integer)neap_overlay_zone_size(overlay));
    lua_pushinteger(L, (lua_Integer)neap_overlay_frame_size(overlay));
    return 3;
}


/***
 * What has been done: loads, hits (parts that were there already), replaced,
 * loaded and written (bytes), frames, used and pinned.
 *
 * @usage print(overlay:stats().hits)
 * @function overlay:stats
 * @treturn table
 */
static int overlay_stats(lua_State *L)
{
    neap_overlay_stats stats;

    neap_overlay_look(check_overlay(L), &stats);
    lua_createtable(L, 0, 8);
    lneap_set_unsigned(L, "loads", stats.loads);
    lneap_set_unsigned(L, "hits", stats.hits);
    lneap_set_unsigned(L, "replaced", stats.replaced);
    lneap_set_unsigned(L, "loaded", stats.loaded);
    lneap_set_unsigned(L, "written", stats.written);
    lneap_set_integer(L, "frames", stats.frames);
    lneap_set_integer(L, "used", stats.used);
    lneap_set_integer(L, "pinned", stats.pinned);
    return 1;
}


/***
 * The address of its segment.
 *
 * @usage print(overlay:address())
 * @function overlay:address
 * @treturn string
 */
static int overlay_address(lua_State *L)
{
    lua_pushstring(L, neap_overlay_address(check_overlay(L)));
    return 1;
}


/***
 * May nothing be written?
 *
 * @usage print(overlay:read_only())
 * @function overlay:read_only
 * @treturn boolean
 */
static int overlay_read_only(lua_State *L)
{
    lua_pushboolean(L, neap_overlay_read_only(check_overlay(L)));
    return 1;
}


void lneap_open_overlay(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"load", overlay_load},       {"read", overlay_read},
        {"write", overlay_write},     {"flush", overlay_flush},
        {"size", overlay_size},       {"zone", overlay_zone},
        {"stats", overlay_stats},     {"address", overlay_address},
        {"read_only", overlay_read_only},
        {NULL, NULL},
    };

    lneap_class_open(L, &overlay_class, methods, NULL, NULL);
}
