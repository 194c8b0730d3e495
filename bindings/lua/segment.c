/*
 * Segments: memory that the kernel lends, of all five kinds.
 *
 * @module neap.segment
 */
#include <string.h>

#include "lneap.h"


static void close_segment(struct lneap_handle *handle)
{
    neap_segment_close(handle->core);
}


const struct lneap_class lneap_segment_class = {
    .noun = "segment",
    .name = "neap.segment",
    .size = sizeof(struct lneap_handle),
    .close = close_segment,
};


static neap_segment *check_segment(lua_State *L)
{
    struct lneap_handle *handle = lneap_check(L, 1, &lneap_segment_class);

    return handle->core;
}


/* A number is a System V key. */
const char *lneap_check_address(lua_State *L, int arg)
{
    if (lua_type(L, arg) == LUA_TNUMBER) {
        lua_pushfstring(L, "sysv:%I", (LUAI_UACINT)luaL_checkinteger(L, arg));
        lua_replace(L, arg);
    }
    const char *address = lneap_check_name(L, arg);

    luaL_argcheck(L, *address, arg, "an address is not empty");
    return address;
}


static uint32_t check_mode(lua_State *L, int arg)
{
    static const char *const known[] = {"mode", NULL};

    lneap_check_options(L, arg, known);
    return lneap_option_mode(L, arg, "mode");
}


static neap_segment_options check_create_options(lua_State *L, int arg)
{
    static const char *const known[] = {"mode", "huge", "huge_page", NULL};
    static const char *const huge[] = {"'try' or 'require'", "try", "require",
                                       NULL};
    static const uint32_t flag_of[] = {0, NEAP_SEGMENT_HUGE_TRY,
                                       NEAP_SEGMENT_HUGE};
    neap_segment_options options = {.size = sizeof options};

    lneap_check_options(L, arg, known);
    options.mode = lneap_option_mode(L, arg, "mode");
    options.flags = flag_of[lneap_option_word(L, arg, "huge", huge)];
    options.huge_page = lneap_option_size(L, arg, "huge_page");
    return options;
}


/***
 * Make a segment of that size, filled with zeros.
 *
 * Addresses: "sky" and "posix:sky", "sysv:5678", "file:results.bin",
 * "memfd:label", "anonymous:"; a number is a System V key.
 *
 * @usage local segment = assert(neap.segment.create("sky", "1M"))
 * @function create
 * @tparam string address
 * @tparam integer|string size bytes, or text such as "64K"
 * @tparam[opt] table options mode, "0600" when not given; huge pages that root
 * has set aside, "try" or "require" (memfd, sysv, anonymous; the size is
 * rounded up to whole ones); huge_page, their size when it is not the machine's
 * default
 * @treturn segment the segment, or nil, text and code
 */
static int segment_create(lua_State *L)
{
    const char *address = lneap_check_address(L, 1);
    uint64_t size = lneap_check_size(L, 2);
    neap_segment_options options = check_create_options(L, 3);
    struct lneap_handle *handle = lneap_new(L, &lneap_segment_class, address);
    neap_segment *core;

    int status = neap_segment_create_with(address, size, &options, &core);
    if (status < 0)
        return lneap_fail(L, status);
    handle->core = core;
    return 1;
}


/***
 * Open a segment that is there, whoever made it.
 *
 * @usage local segment = assert(neap.segment.open("sysv:5678"))
 * @function open
 * @tparam string address
 * @tparam[opt] table options read_only
 * @treturn segment the segment, or nil, text and code
 */
static int segment_open(lua_State *L)
{
    static const char *const known[] = {"read_only", NULL};
    const char *address = lneap_check_address(L, 1);

    lneap_check_options(L, 2, known);
    bool read_only = lneap_option_bool(L, 2, "read_only", false);
    struct lneap_handle *handle = lneap_new(L, &lneap_segment_class, address);
    neap_segment *core;

    int status = neap_segment_open(address, read_only, &core);
    if (status < 0)
        return lneap_fail(L, status);
    handle->core = core;
    return 1;
}


/***
 * Open a segment, or make it when it is missing. Of many callers at once one
 * makes it and all get the same. One that is there keeps its size.
 *
 * @usage local segment, created = neap.segment.open_or_create("sky", 4096)
 * @function open_or_create
 * @tparam string address
 * @tparam integer|string size
 * @tparam[opt] table options mode
 * @treturn segment the segment, or nil, text and code
 * @treturn boolean true if this call made it
 */
static int segment_open_or_create(lua_State *L)
{
    const char *address = lneap_check_address(L, 1);
    uint64_t size = lneap_check_size(L, 2);
    uint32_t mode = check_mode(L, 3);
    struct lneap_handle *handle = lneap_new(L, &lneap_segment_class, address);
    neap_segment *core;

    int status = neap_segment_open_or_create(address, size, mode, &core);
    if (status >= 0)
        handle->core = core;
    return lneap_object_opened(L, status);
}


/* The list is a handle too, so that an error while its table is built does
 * not leak it. */
static void close_list(struct lneap_handle *handle)
{
    neap_segment_list_close(handle->core);
}


static const struct lneap_class list_class = {
    .noun = "segment_list",
    .name = "neap.segment_list",
    .size = sizeof(struct lneap_handle),
    .close = close_list,
};


static void set_stat(lua_State *L, const neap_segment_stat *stat)
{
    lneap_set_string(L, "kind", neap_kind_name(stat->kind));
    lneap_set_unsigned(L, "size", stat->size);
    lneap_set_unsigned(L, "allocated", stat->allocated);
    lneap_set_integer(L, "mode", stat->mode);
    lneap_set_integer(L, "uid", stat->uid);
    lneap_set_integer(L, "gid", stat->gid);
    if (stat->attached >= 0)
        lneap_set_integer(L, "attached", stat->attached);
    if (stat->kind == NEAP_KIND_SYSV) {
        lneap_set_integer(L, "id", stat->id);
        lneap_set_integer(L, "last_pid", stat->last_pid);
        lneap_set_boolean(L, "removed", stat->removed);
    }
    if (stat->creator_pid)
        lneap_set_integer(L, "creator_pid", stat->creator_pid);
    if (stat->page)
        lneap_set_unsigned(L, "page", stat->page);
    lneap_set_integer(L, "accessed", stat->accessed);
    lneap_set_integer(L, "modified", stat->modified);
    lneap_set_integer(L, "changed", stat->changed);
}


/***
 * The posix and sysv segments of this machine: tables with address, is_heap
 * and what segment:stat() tells.
 *
 * @usage for _, item in ipairs(neap.segment.list()) do
 *   print(item.address, item.size)
 * end
 * @function list
 * @treturn table, or nil, text and code
 */
static int segment_list(lua_State *L)
{
    struct lneap_handle *handle = lneap_new(L, &list_class, "");
    neap_segment_list *list;
    neap_segment_info info;

    int status = neap_segment_list_open(&list);
    if (status < 0)
        return lneap_fail(L, status);
    handle->core = list;

    lua_newtable(L);
    for (int n = 1;
         (status = neap_segment_list_next(list, &info)) == NEAP_MORE; n++) {
        lua_createtable(L, 0, 16);
        lneap_set_string(L, "address", info.address);
        lneap_set_boolean(L, "is_heap", info.is_heap);
        set_stat(L, &info.stat);
        lua_rawseti(L, -2, n);
    }
    handle->core = NULL;
    neap_segment_list_close(list);
    return status < 0 ? lneap_fail(L, status) : 1;
}


/***
 * Take away a name, of a segment or a heap; the memory goes with its last
 * user. This is neap.unlink.
 *
 * @usage assert(neap.unlink("sky"))
 * @function unlink
 * @tparam string address
 * @treturn boolean true, or nil, text and code
 */
static int segment_unlink_address(lua_State *L)
{
    return lneap_done(L, neap_unlink(lneap_check_address(L, 1)));
}


/***
 * Segments.
 * @type segment
 */

/***
 * Its size in bytes now.
 *
 * @usage print(segment:size())
 * @function segment:size
 * @treturn integer bytes, or nil, text and code
 */
static int segment_size(lua_State *L)
{
    uint64_t size;
    int status = neap_segment_size(check_segment(L), &size);

    if (status < 0)
        return lneap_fail(L, status);
    lneap_push_unsigned(L, size);
    return 1;
}


/***
 * What the kernel knows of it: kind, size, allocated, mode, uid, gid,
 * attached, creator_pid, accessed, modified, changed; of sysv also id, last_pid
 * and removed (its key is gone, and it lives until its last mapping does).
 *
 * @usage print(string.format("%04o", segment:stat().mode))
 * @function segment:stat
 * @treturn table, or nil, text and code
 */
static int segment_stat(lua_State *L)
{
    neap_segment_stat stat;
    int status = neap_segment_status(check_segment(L), &stat);

    if (status < 0)
        return lneap_fail(L, status);
    lua_createtable(L, 0, 14);
    set_stat(L, &stat);
    return 1;
}


/***
 * Give it another size; new bytes are zero. Not for sysv and anonymous.
 *
 * @usage assert(segment:resize("2M"))
 * @function segment:resize
 * @tparam integer|string size
 * @treturn boolean true, or nil, text and code
 */
static int segment_resize(lua_State *L)
{
    neap_segment *segment = check_segment(L);

    return lneap_done(L, neap_segment_resize(segment, lneap_check_size(L, 2)));
}


/***
 * Give it another mode. Who has it open keeps what he has.
 *
 * @usage assert(segment:set_mode("0640"))
 * @function segment:set_mode
 * @tparam string|integer mode
 * @treturn boolean true, or nil, text and code
 */
static int segment_set_mode(lua_State *L)
{
    neap_segment *segment = check_segment(L);

    return lneap_done(L, neap_segment_set_mode(segment,
                                               lneap_check_mode(L, 2)));
}


static uint32_t check_owner(lua_State *L, int arg)
{
    if (lua_isnoneornil(L, arg))
        return UINT32_MAX;
    luaL_checktype(L, arg, LUA_TNUMBER);
    lua_Integer id = luaL_checkinteger(L, arg);
    luaL_argcheck(L, id >= 0 && id < UINT32_MAX, arg,
                  "a user or a group is a number from 0 up");
    return (uint32_t)id;
}


/***
 * Give it another owner, another group, or both.
 *
 * @usage assert(segment:set_owner(1000, 100))
 * @function segment:set_owner
 * @tparam[opt] integer uid as it is when nil
 * @tparam[opt] integer gid as it is when nil
 * @treturn boolean true, or nil, text and code
 */
static int segment_set_owner(lua_State *L)
{
    neap_segment *segment = check_segment(L);
    uint32_t uid = check_owner(L, 2);

    return lneap_done(L, neap_segment_set_owner(segment, uid,
                                                check_owner(L, 3)));
}


/***
 * The System V key that stands for a file that exists and a number from 1 to
 * 255. This is neap.ftok.
 *
 * @usage local segment = neap.segment.create(neap.ftok("/etc/passwd", 7), 4096)
 * @function ftok
 * @tparam string path
 * @tparam integer number
 * @treturn integer the key, or nil, text and code
 */
static int segment_ftok(lua_State *L)
{
    const char *path = lneap_check_name(L, 1);
    int number = (int)lneap_check_count(L, 2, 255, "1 to 255 expected");
    int32_t key;

    int status = neap_ftok(path, number, &key);
    if (status < 0)
        return lneap_fail(L, status);
    lua_pushinteger(L, key);
    return 1;
}


/***
 * Make a hole: those bytes read as zero, and their pages are given back to the
 * system. Not for sysv and anonymous.
 *
 * @usage assert(segment:punch(4096, "1M"))
 * @function segment:punch
 * @tparam integer|string offset
 * @tparam integer|string length
 * @treturn boolean true, or nil, text and code
 */
static int segment_punch(lua_State *L)
{
    neap_segment *segment = check_segment(L);
    uint64_t offset = lneap_check_size(L, 2);

    return lneap_done(L, neap_segment_punch(segment, offset,
                                            lneap_check_size(L, 3)));
}


static const struct {
    const char *name;
    int seal;
} seal_names[] = {
    {"seal", NEAP_SEAL_SEAL}, {"shrink", NEAP_SEAL_SHRINK},
    {"grow", NEAP_SEAL_GROW}, {"write", NEAP_SEAL_WRITE},
    {"future_write", NEAP_SEAL_FUTURE_WRITE},
};
#define SEALS (sizeof seal_names / sizeof seal_names[0])


static int check_seal(lua_State *L, int arg)
{
    const char *name = luaL_checkstring(L, arg);

    for (size_t i = 0; i < SEALS; i++)
        if (strcmp(seal_names[i].name, name) == 0)
            return seal_names[i].seal;
    return luaL_argerror(L, arg, "a seal is 'write', 'future_write', 'grow', "
                         "'shrink' or 'seal'");
}


/***
 * Seal a memfd segment, for ever and for everybody.
 *
 * @usage assert(segment:seal("write", "grow", "shrink"))
 * @function segment:seal
 * @tparam string ... "write", "future_write", "grow", "shrink", "seal"
 * @treturn boolean true, or nil, text and code
 */
static int segment_seal(lua_State *L)
{
    neap_segment *segment = check_segment(L);
    int seals = check_seal(L, 2);

    for (int arg = 3; arg <= lua_gettop(L); arg++)
        seals |= check_seal(L, arg);
    return lneap_done(L, neap_segment_seal(segment, seals));
}


/***
 * Its seals: a table in which those that it has are true.
 *
 * @usage print(segment:seals().write)
 * @function segment:seals
 * @treturn table, or nil, text and code
 */
static int segment_seals(lua_State *L)
{
    int seals;
    int status = neap_segment_seals(check_segment(L), &seals);

    if (status < 0)
        return lneap_fail(L, status);
    lua_createtable(L, 0, SEALS);
    for (size_t i = 0; i < SEALS; i++)
        if (seals & seal_names[i].seal)
            lneap_set_boolean(L, seal_names[i].name, true);
    return 1;
}


/***
 * Give it to another process, which takes it at that path of a Unix socket.
 *
 * @usage assert(segment:give("/tmp/here", 10))
 * @function segment:give
 * @tparam string path
 * @tparam[opt] number timeout seconds
 * @treturn boolean true; false, "timeout"; or nil, text and code
 */
static int segment_give(lua_State *L)
{
    neap_segment *segment = check_segment(L);
    const char *path = lneap_check_name(L, 2);
    int64_t deadline = lneap_check_deadline(L, 3);
    int status;

    LNEAP_WAIT(L, status, neap_segment_give(segment, path, deadline));
    return lneap_waited(L, status);
}


/***
 * Take what another process gives at that path.
 *
 * @usage local segment = assert(neap.segment.take("/tmp/here", 10))
 * @function take
 * @tparam string path
 * @tparam[opt] number timeout seconds
 * @treturn segment the segment, or nil, text and code
 */
static int segment_take(lua_State *L)
{
    const char *path = lneap_check_name(L, 1);
    int64_t deadline = lneap_check_deadline(L, 2);
    struct lneap_handle *handle = lneap_new(L, &lneap_segment_class, path);
    neap_segment *core;
    int status;

    LNEAP_WAIT(L, status, neap_segment_take(path, deadline, &core));
    if (status < 0)
        return lneap_fail(L, status);
    handle->core = core;
    return 1;
}


/***
 * Take away its name. Not for kinds without one.
 *
 * @usage assert(segment:unlink())
 * @function segment:unlink
 * @treturn boolean true, or nil, text and code
 */
static int segment_unlink(lua_State *L)
{
    return lneap_done(L, neap_segment_unlink(check_segment(L)));
}


/***
 * Where any process finds it.
 *
 * @usage print(segment:address())
 * @function segment:address
 * @treturn string
 */
static int segment_address(lua_State *L)
{
    lua_pushstring(L, neap_segment_address(check_segment(L)));
    return 1;
}


/***
 * "posix", "sysv", "file", "anonymous" or "memfd".
 *
 * @usage print(segment:kind())
 * @function segment:kind
 * @treturn string
 */
static int segment_kind(lua_State *L)
{
    lua_pushstring(L, neap_kind_name(neap_segment_kind(check_segment(L))));
    return 1;
}


/***
 * Drop the handle; the segment and mappings of it stay.
 *
 * @usage segment:close()
 * @function segment:close
 */
void lneap_open_segment(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"create", segment_create},
        {"open", segment_open},
        {"open_or_create", segment_open_or_create},
        {"list", segment_list},
        {"take", segment_take},
        {NULL, NULL},
    };
    static const luaL_Reg methods[] = {
        {"size", segment_size},       {"stat", segment_stat},
        {"resize", segment_resize},   {"unlink", segment_unlink},
        {"address", segment_address}, {"kind", segment_kind},
        {"set_mode", segment_set_mode}, {"set_owner", segment_set_owner},
        {"map", lneap_segment_map},   {"punch", segment_punch},
        {"seal", segment_seal},       {"seals", segment_seals},
        {"give", segment_give},       {"heap", lneap_segment_heap},
        {"overlay", lneap_segment_overlay},
        {NULL, NULL},
    };

    lneap_class_open(L, &list_class, NULL, NULL, NULL);
    lneap_class_open(L, &lneap_segment_class, methods, NULL, NULL);
    luaL_newlib(L, functions);
    lua_setfield(L, -3, "segment");
    lua_pushcfunction(L, segment_unlink_address);
    lua_setfield(L, -3, "unlink");
    lua_pushcfunction(L, segment_ftok);
    lua_setfield(L, -3, "ftok");
}
