/*
 * Heaps: open, look at, close. What lives in one is made by its own file; the
 * list of names is in directory.c.
 *
 * @module neap
 */
#include <errno.h>
#include <string.h>

#include "lneap.h"


static void close_heap(struct lneap_handle *handle)
{
    neap_heap_close(handle->core);
}


const struct lneap_class lneap_heap_class = {
    .noun = "heap",
    .name = "neap.heap",
    .size = sizeof(struct lneap_heap),
    .close = close_heap,
};


static neap_heap *check_heap(lua_State *L)
{
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);

    return heap->handle.core;
}


static const char *const creation[] = {
    "create", "read_only", "ephemeral", "mode", "slots", "reserve", "size",
    "deadlock", NULL,
};


/* create = true | false | "new" */
static uint32_t creation_flags(lua_State *L, int arg)
{
    uint32_t flags = 0;

    if (lua_isnoneornil(L, arg))
        return 0;
    lua_getfield(L, arg, "create");
    if (lua_type(L, -1) == LUA_TSTRING
        && strcmp(lua_tostring(L, -1), "new") == 0)
        flags = NEAP_OPEN_NEW;
    else if (lua_isboolean(L, -1) && !lua_toboolean(L, -1))
        flags = NEAP_OPEN_EXISTING;
    else if (!lua_isnil(L, -1) && !lua_isboolean(L, -1))
        luaL_argerror(L, arg,
                      "option 'create': true, false or 'new' expected");
    lua_pop(L, 1);
    return flags;
}


/* deadlock = "error" | "wait" */
static uint32_t deadlock_flag(lua_State *L, int arg)
{
    uint32_t flag = 0;

    if (lua_isnoneornil(L, arg))
        return 0;
    lua_getfield(L, arg, "deadlock");
    const char *what = lua_isnil(L, -1) ? "wait" : lua_tostring(L, -1);
    if (what && strcmp(what, "error") == 0)
        flag = NEAP_OPEN_DEADLOCK_ERROR;
    else if (!what || strcmp(what, "wait") != 0)
        luaL_argerror(L, arg, "option 'deadlock': 'error' or 'wait' expected");
    lua_pop(L, 1);
    return flag;
}


static void read_creation(lua_State *L, int arg, neap_heap_options *ret_options)
{
    lneap_check_options(L, arg, creation);
    ret_options->flags = creation_flags(L, arg) | deadlock_flag(L, arg);
    if (lneap_option_bool(L, arg, "read_only", false))
        ret_options->flags |= NEAP_OPEN_READ_ONLY;
    if (lneap_option_bool(L, arg, "ephemeral", false))
        ret_options->flags |= NEAP_OPEN_EPHEMERAL;
    ret_options->mode = lneap_option_mode(L, arg, "mode");
    uint64_t slots = lneap_option_size(L, arg, "slots");
    luaL_argcheck(L, slots <= 4095, arg, "option 'slots': 1 to 4095 expected");
    ret_options->slots = (uint32_t)slots;
    ret_options->reserve = lneap_option_size(L, arg, "reserve");
    ret_options->size = lneap_option_size(L, arg, "size");
}


/* Push whether it was made; or what failed. The heap is on top. */
static int finish_open(lua_State *L, struct lneap_heap *heap, neap_heap *core,
                       int status)
{
    neap_heap_info info;

    heap->handle.core = core;
    int known = neap_heap_status(core, &info);
    if (known < 0)
        return lneap_fail(L, known);
    memcpy(heap->uuid, info.uuid, sizeof heap->uuid);
    lua_pushboolean(L, status == NEAP_CREATED);
    return 2;
}


/* `image`: of a checkpoint, or NULL. */
static int open_heap(lua_State *L, const char *address, int options_arg,
                     const char *image)
{
    neap_heap_options options = {0};
    neap_heap *core;

    read_creation(L, options_arg, &options);
    struct lneap_heap *heap = lneap_new(L, &lneap_heap_class,
                                        address ? address : "");
    int status = image ? neap_restore(image, address, &options, &core)
                       : neap_heap_open(address, &options, &core);
    if (status < 0)
        return lneap_fail(L, status);
    return finish_open(L, heap, core, status);
}


/***
 * Open the heap in a segment that has a descriptor, as it was taken. It is
 * read-only if the segment is, as a snapshot always.
 *
 * @usage local heap = assert(assert(neap.segment.take("sky.sock")):heap())
 * @function segment:heap
 * @tparam[opt] table options read_only, deadlock
 * @treturn heap the heap, or nil, text and code
 */
int lneap_segment_heap(lua_State *L)
{
    static const char *const known[] = {"read_only", "deadlock", NULL};
    struct lneap_handle *segment = lneap_check(L, 1, &lneap_segment_class);
    neap_heap *core;

    lneap_check_options(L, 2, known);
    uint32_t flags = deadlock_flag(L, 2);
    if (lneap_option_bool(L, 2, "read_only", false))
        flags |= NEAP_OPEN_READ_ONLY;
    struct lneap_heap *heap = lneap_new(L, &lneap_heap_class, segment->label);
    int status = neap_heap_open_segment(segment->core, flags, &core);
    if (status < 0)
        return lneap_fail(L, status);
    return finish_open(L, heap, core, status) == 2 ? (lua_pop(L, 1), 1) : 3;
}


/***
 * Open a heap, or make it when it is missing. Of many callers at once one
 * creates it and all get the same.
 *
 * Options: create (true; false must be there; "new" must not), read_only,
 * ephemeral (the last user's end removes it), mode ("0600"), slots (threads
 * attached at once), reserve and size (bytes, "64G"), deadlock ("error": a wait
 * that would close a cycle of waiting threads is EDEADLK; "wait").
 *
 * @usage local heap <close> = assert(neap.open("sky"))
 * @function open
 * @tparam string address "sky", "sysv:5678", "file:results.neap"
 * @tparam[opt] table options
 * @treturn heap the heap, or nil, text and code
 * @treturn boolean true if this call made it
 */
static int heap_open(lua_State *L)
{
    const char *address = lneap_check_name(L, 1);

    luaL_argcheck(L, *address, 1,
                  "an address is not empty; neap.heap() makes a heap without");
    return open_heap(L, address, 2, NULL);
}


/***
 * Make a heap without a name (memfd): children share it, and it goes away
 * with its last user.
 *
 * @usage local heap = neap.heap()
 * neap.run(4, function() heap:counter("n"):add() end)
 * print(heap:counter("n"):get())  --> 4
 * @function heap
 * @tparam[opt] table options as for open
 * @treturn heap the heap, or nil, text and code
 */
static int heap_anonymous(lua_State *L)
{
    return open_heap(L, NULL, 1, NULL);
}


/***
 * Make a heap of a checkpoint, with a uuid of its own, under an address that
 * nobody has yet, and open it. Whatever those were doing who used the old one
 * is finished or undone, as after a kill.
 *
 * @usage local heap <close> = assert(neap.restore("night.ckpt", "sky"))
 * @function restore
 * @tparam string path of the checkpoint
 * @tparam[opt] string address nil makes a heap without a name
 * @tparam[opt] table options mode, reserve, ephemeral, as for open
 * @treturn heap the heap, or nil, text and code
 */
static int heap_restore(lua_State *L)
{
    const char *image = lneap_check_name(L, 1);
    const char *address = lua_isnoneornil(L, 2) ? NULL : lneap_check_name(L, 2);

    return open_heap(L, address, 3, image);
}


/***
 * Heaps.
 * @type heap
 */

/***
 * Where any process finds it.
 *
 * @usage print(heap:address())
 * @function heap:address
 * @treturn string
 */
static int heap_address(lua_State *L)
{
    lua_pushstring(L, neap_heap_address(check_heap(L)));
    return 1;
}


/***
 * Take away its name; who has it open goes on.
 *
 * @usage assert(heap:unlink())
 * @function heap:unlink
 * @treturn boolean true, or nil, text and code
 */
static int heap_unlink(lua_State *L)
{
    return lneap_done(L, neap_heap_unlink(check_heap(L)));
}


static void push_info(lua_State *L, const neap_heap_info *info)
{
    lua_createtable(L, 0, 17);
    lneap_set_string(L, "kind", neap_kind_name(info->kind));
    lneap_set_integer(L, "mode", info->mode);
    lneap_set_integer(L, "uid", info->uid);
    lneap_set_integer(L, "gid", info->gid);
    lneap_set_integer(L, "layout", info->layout);
    lneap_set_unsigned(L, "size", info->size);
    lneap_set_unsigned(L, "used", info->used);
    lneap_set_unsigned(L, "reserved", info->reserved);
    lneap_set_unsigned(L, "objects", info->objects);
    lneap_set_integer(L, "slots", info->slots);
    lneap_set_integer(L, "attached", info->attached);
    lneap_set_integer(L, "dead", info->dead);
    lneap_set_unsigned(L, "deaths", info->deaths);
    lneap_set_boolean(L, "read_only", info->read_only);
    lneap_set_boolean(L, "ephemeral", info->ephemeral);
    lneap_set_string(L, "uuid", info->uuid);
    lneap_set_integer(L, "created", info->created);
}


/***
 * Its facts: kind, mode, uid, gid, layout, size, used, reserved, objects,
 * slots, attached, dead, deaths, read_only, ephemeral, uuid, created.
 *
 * @usage print(heap:info().used)
 * @function heap:info
 * @treturn table
 */
static int heap_info(lua_State *L)
{
    neap_heap_info info;
    int status = neap_heap_status(check_heap(L), &info);

    if (status < 0)
        return lneap_fail(L, status);
    push_info(L, &info);
    return 1;
}


/***
 * The threads attached for writing: a list of tables with index, incarnation,
 * dead, pid, tid, held (locks) and permits.
 *
 * @usage for _, slot in ipairs(heap:slots()) do print(slot.pid) end
 * @function heap:slots
 * @treturn table
 */
static int heap_slots(lua_State *L)
{
    neap_heap *heap = check_heap(L);
    neap_slot_info info;
    uint64_t cursor = 0;
    int status;

    lua_newtable(L);
    for (int n = 1;
         (status = neap_heap_next_slot(heap, &cursor, &info)) == NEAP_MORE;
         n++) {
        lua_createtable(L, 0, 7);
        lneap_set_integer(L, "index", info.index);
        lneap_set_integer(L, "incarnation", info.incarnation);
        lneap_set_boolean(L, "dead", info.dead);
        lneap_set_integer(L, "pid", info.pid);
        lneap_set_integer(L, "tid", info.tid);
        lneap_set_integer(L, "held", info.held);
        lneap_set_integer(L, "permits", info.permits);
        lua_rawseti(L, -2, n);
    }
    return status < 0 ? lneap_fail(L, status) : 1;
}


/***
 * Walk the whole heap and report: ok, problems, leaks, doubles, torn, blocks,
 * free_blocks, used_bytes, free_bytes, objects, text (the first problems).
 *
 * @usage assert(heap:check().ok)
 * @function heap:check
 * @treturn table the report, or nil, text and code
 */
static int heap_check(lua_State *L)
{
    neap_heap *heap = check_heap(L);
    neap_check_report report;
    int status = neap_heap_check(heap, &report);

    if (status < 0)
        return lneap_fail(L, status);
    lua_createtable(L, 0, 11);
    lneap_set_boolean(L, "ok", report.problems == 0);
    lneap_set_unsigned(L, "problems", report.problems);
    lneap_set_unsigned(L, "leaks", report.leaks);
    lneap_set_unsigned(L, "doubles", report.doubles);
    lneap_set_unsigned(L, "torn", report.torn);
    lneap_set_unsigned(L, "blocks", report.blocks);
    lneap_set_unsigned(L, "free_blocks", report.free_blocks);
    lneap_set_unsigned(L, "used_bytes", report.used_bytes);
    lneap_set_unsigned(L, "free_bytes", report.free_bytes);
    lneap_set_unsigned(L, "objects", report.objects);
    lneap_set_string(L, "text", report.text);
    return 1;
}


/***
 * Finish what the dead were doing, now rather than when someone meets it.
 *
 * @usage print(heap:reap(), "dead slots reaped")
 * @function heap:reap
 * @treturn integer how many, or nil, text and code
 */
static int heap_reap(lua_State *L)
{
    int status = neap_heap_reap(check_heap(L));

    if (status < 0)
        return lneap_fail(L, status);
    lua_pushinteger(L, status);
    return 1;
}


/***
 * Write a file heap to disk, against power loss.
 *
 * @usage assert(heap:sync())
 * @function heap:sync
 * @treturn boolean true, or nil, text and code
 */
static int heap_sync(lua_State *L)
{
    return lneap_done(L, neap_heap_sync(check_heap(L)));
}


static int heap_eq(lua_State *L)
{
    struct lneap_heap *one = lneap_test(L, 1, &lneap_heap_class);
    struct lneap_heap *other = lneap_test(L, 2, &lneap_heap_class);

    lua_pushboolean(L, one && other && one->handle.core && other->handle.core
                           && strcmp(one->uuid, other->uuid) == 0);
    return 1;
}


/***
 * Drop the handle; what was opened from the heap stays usable.
 *
 * @usage heap:close()
 * @function heap:close
 */
/***
 * What its bytes are used for, from the first to the last: a list of tables
 * with kind ("header", "slots", "records", "array", "free", "bare", "reserve"),
 * offset, size, resident (bytes), others (of these, in memory of other
 * processes too, if that is known), and the name of an array.
 *
 * @usage for _, part in ipairs(heap:parts()) do print(part.kind, part.size) end
 * @function heap:parts
 * @treturn table list
 */
static int heap_parts(lua_State *L)
{
    neap_heap *heap = check_heap(L);
    uint64_t cursor = 0;
    neap_heap_part part;
    lua_Integer n = 0;

    lua_newtable(L);
    while (neap_heap_next_part(heap, &cursor, &part) == NEAP_MORE) {
        lua_createtable(L, 0, 6);
        lneap_set_string(L, "kind", neap_part_kind_name(part.kind));
        lneap_set_unsigned(L, "offset", part.offset);
        lneap_set_unsigned(L, "size", part.size);
        lneap_set_unsigned(L, "resident", part.resident);
        if (part.others >= 0)
            lneap_set_integer(L, "others", part.others);
        if (*part.name)
            lneap_set_string(L, "name", part.name);
        lua_rawseti(L, -2, ++n);
    }
    for (lua_Integer i = 1; i < n - i + 1; i++) { /* the first one first */
        lua_rawgeti(L, -1, i);
        lua_rawgeti(L, -2, n - i + 1);
        lua_rawseti(L, -3, i);
        lua_rawseti(L, -2, n - i + 1);
    }
    return 1;
}


/***
 * The numbers of the processes that have the heap mapped, this one included;
 * those that may not be looked at are left out.
 *
 * @usage print(#heap:processes())
 * @function heap:processes
 * @treturn table list, or nil, text and code
 */
static int heap_processes(lua_State *L)
{
    enum { MOST = 1024 };
    int32_t pids[MOST];
    int count = neap_heap_processes(check_heap(L), pids, MOST);

    if (count < 0)
        return lneap_fail(L, count);
    lua_newtable(L);
    for (int i = 0; i < count && i < MOST; i++) {
        lua_pushinteger(L, pids[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}


void lneap_open_heap(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"open", heap_open},
        {"heap", heap_anonymous},
        {"restore", heap_restore},
        {NULL, NULL},
    };
    static const luaL_Reg methods[] = {
        {"address", heap_address}, {"unlink", heap_unlink},
        {"info", heap_info},       {"slots", heap_slots},
        {"check", heap_check},     {"reap", heap_reap},
        {"sync", heap_sync},       {"counter", lneap_heap_counter},
        {"checkpoint", lneap_heap_checkpoint},
        {"locks", lneap_heap_locks},
        {"parts", heap_parts},
        {"processes", heap_processes},
        {"snapshot", lneap_heap_snapshot},
        {"segment", lneap_heap_segment},
        {"serve", lneap_heap_serve},
        {"measure", lneap_heap_measure},
        {"statistics", lneap_heap_statistics},
        {"array", lneap_heap_array},
        {"mutex", lneap_heap_mutex},
        {"semaphore", lneap_heap_semaphore},
        {"event", lneap_heap_event},
        {"latch", lneap_heap_latch},
        {"condition", lneap_heap_condition},
        {"rwlock", lneap_heap_rwlock},
        {"barrier", lneap_heap_barrier},
        {"once", lneap_heap_once},
        {"object", lneap_heap_object},
        {"list", lneap_heap_list}, {"find", lneap_heap_find},
        {"drop", lneap_heap_drop}, {NULL, NULL},
    };
    static const luaL_Reg meta[] = {{"__eq", heap_eq}, {NULL, NULL}};

    lneap_class_open(L, &lneap_heap_class, methods, meta, NULL);
    lua_pushvalue(L, -2);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
