/*
 * Checkpoints: a heap as a file, and the way back.
 *
 * @module neap
 */
#include <string.h>

#include "lneap.h"


/* The script's function, called while a checkpoint is on its way. */
struct progress {
    lua_State *L;
    int function; /* its place on the stack; 0 none */
    bool raised;  /* its error lies on top */
};


static int tell(void *context, uint64_t done, uint64_t total)
{
    struct progress *progress = context;
    lua_State *L = progress->L;

    lua_pushvalue(L, progress->function);
    lneap_push_unsigned(L, done);
    lneap_push_unsigned(L, total);
    progress->raised = lua_pcall(L, 2, 0, 0) != LUA_OK;
    return progress->raised;
}


/* true or "zstd"; a level; false or nil. */
static int32_t option_compress(lua_State *L, int arg)
{
    int32_t level = 0;

    if (lua_getfield(L, arg, "compress") == LUA_TNUMBER) {
        int whole;
        lua_Integer n = lua_tointegerx(L, -1, &whole);
        luaL_argcheck(L, whole && n >= 1 && n <= 22, arg,
                      "option 'compress': a level is a number from 1 to 22");
        level = (int32_t)n;
    } else if (lua_type(L, -1) == LUA_TSTRING) {
        luaL_argcheck(L, strcmp(lua_tostring(L, -1), "zstd") == 0, arg,
                      "option 'compress': \"zstd\" is what there is");
        level = NEAP_COMPRESS;
    } else {
        luaL_argcheck(L, lua_isboolean(L, -1) || lua_isnil(L, -1), arg,
                      "option 'compress': true, \"zstd\" or a level expected");
        level = lua_toboolean(L, -1) ? NEAP_COMPRESS : 0;
    }
    lua_pop(L, 1);
    return level;
}


static void read_options(lua_State *L, int arg,
                         neap_checkpoint_options *ret_options,
                         struct progress *ret_progress)
{
    static const char *const known[] = {"mode", "nobody_writes", "compress",
                                        "progress", NULL};

    *ret_progress = (struct progress){.L = L};
    lneap_check_options(L, arg, known);
    if (lua_isnoneornil(L, arg))
        return;
    ret_options->mode = lneap_option_mode(L, arg, "mode");
    ret_options->nobody_writes = lneap_option_bool(L, arg, "nobody_writes",
                                                   false);
    ret_options->compress = option_compress(L, arg);
    lua_getfield(L, arg, "progress");
    if (lua_isnil(L, -1))
        return;
    luaL_argcheck(L, lua_isfunction(L, -1), arg,
                  "option 'progress': a function expected");
    ret_progress->function = lua_gettop(L);
    ret_options->progress = tell;
    ret_options->context = ret_progress;
}


static void push_report(lua_State *L, const neap_checkpoint_report *report)
{
    lua_createtable(L, 0, 6);
    lneap_set_unsigned(L, "size", report->size);
    lneap_set_unsigned(L, "stored", report->stored);
    lneap_set_unsigned(L, "changed", report->changed);
    lneap_set_integer(L, "stopped", report->stopped);
    lua_pushnumber(L, (double)report->pause / 1e9);
    lua_setfield(L, -2, "pause");
    lua_pushnumber(L, (double)report->took / 1e9);
    lua_setfield(L, -2, "took");
}


/***
 * Write the heap to a file, as it is at one instant, while others go on with
 * it: they stand still only while what changed meanwhile is copied. A
 * checkpoint that is there already is replaced in one step.
 *
 * Options: mode ("0600"), nobody_writes (then nobody is stopped), compress
 * (true or "zstd", or a level of it from 1 to 22), progress (a function that
 * gets the bytes done and in all; an error in it ends the call).
 *
 * @usage print(assert(heap:checkpoint("night.ckpt")).pause)
 * @function heap:checkpoint
 * @tparam string path
 * @tparam[opt] table options
 * @treturn table size, stored, changed (bytes), stopped (processes), pause,
 * took (seconds); or nil, text and code
 */
int lneap_heap_checkpoint(lua_State *L)
{
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);
    const char *path = lneap_check_name(L, 2);
    neap_checkpoint_options options = {0};
    neap_checkpoint_report report;
    struct progress progress;
    int status;

    read_options(L, 3, &options, &progress);
    LNEAP_WAIT(L, status, neap_heap_checkpoint(heap->handle.core, path,
                                               &options, &report));
    if (progress.raised)
        return lua_error(L);
    if (status < 0)
        return lneap_fail(L, status);
    push_report(L, &report);
    return 1;
}


/***
 * What a checkpoint says of itself; all of it is read, and its checksums are
 * compared.
 *
 * @usage print(assert(neap.checkpoint_info("night.ckpt")).size)
 * @function checkpoint_info
 * @tparam string path
 * @treturn table kind, size, stored, taken, uuid, host, address; or nil, text
 * and code
 */
static int checkpoint_info(lua_State *L)
{
    neap_checkpoint_info info;
    int status = neap_checkpoint_look(lneap_check_name(L, 1), &info);

    if (status < 0)
        return lneap_fail(L, status);
    lua_createtable(L, 0, 7);
    lneap_set_string(L, "kind", neap_kind_name(info.kind));
    lneap_set_unsigned(L, "size", info.size);
    lneap_set_unsigned(L, "stored", info.stored);
    lneap_set_integer(L, "taken", info.taken);
    lneap_set_string(L, "uuid", info.uuid);
    lneap_set_string(L, "host", info.host);
    lneap_set_string(L, "address", info.address);
    return 1;
}


void lneap_open_checkpoint(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"checkpoint_info", checkpoint_info},
        {NULL, NULL},
    };

    lua_pushvalue(L, -2);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
