/*
 * Snapshots: a heap as it is at one instant, in memory that nobody can change.
 *
 * @module neap
 */
#include "lneap.h"


static neap_heap *check_heap(lua_State *L)
{
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);

    return heap->handle.core;
}


static int push_segment(lua_State *L, struct lneap_handle *handle, int status,
                        neap_segment *core)
{
    if (status < 0)
        return lneap_fail(L, status);
    handle->core = core;
    return 1;
}


/***
 * The heap as it is at one instant, in memory that nobody can change: a sealed
 * memfd segment. Pass it on with segment:give; segment:heap opens it. It is
 * taken as a checkpoint is.
 *
 * @usage assert(heap:snapshot()):give("sky.sock")
 * @function heap:snapshot
 * @tparam[opt] table options nobody_writes: then nobody is stopped
 * @treturn segment the segment, or nil, text and code
 */
int lneap_heap_snapshot(lua_State *L)
{
    static const char *const known[] = {"nobody_writes", NULL};
    neap_heap *heap = check_heap(L);
    neap_segment *core;
    int status;

    lneap_check_options(L, 2, known);
    neap_checkpoint_options options = {
        .nobody_writes = lneap_option_bool(L, 2, "nobody_writes", false),
    };
    struct lneap_handle *handle = lneap_new(L, &lneap_segment_class,
                                            "memfd:snapshot");
    LNEAP_WAIT(L, status, neap_heap_snapshot(heap, &options, &core));
    return push_segment(L, handle, status, core);
}


/***
 * A segment of a heap without a name, to pass on: whoever opens it works in the
 * same heap.
 *
 * @usage assert(heap:segment()):give("sky.sock")
 * @function heap:segment
 * @treturn segment the segment, or nil, text and code
 */
int lneap_heap_segment(lua_State *L)
{
    neap_heap *heap = check_heap(L);
    struct lneap_handle *handle = lneap_new(L, &lneap_segment_class,
                                            "memfd:heap");
    neap_segment *core;
    int status = neap_heap_segment(heap, &core);

    return push_segment(L, handle, status, core);
}


/* {mode, count, fresh, timeout}; @return the deadline. */
static int64_t check_serving(lua_State *L, int arg, neap_serve_options *ret)
{
    static const char *const known[] = {"mode", "count", "fresh", "timeout",
                                        NULL};
    int64_t deadline = NEAP_FOREVER;

    lneap_check_options(L, arg, known);
    if (lua_isnoneornil(L, arg))
        return deadline;
    ret->mode = lneap_option_mode(L, arg, "mode");
    ret->count = lneap_option_size(L, arg, "count");
    lua_getfield(L, arg, "fresh");
    if (!lua_isnil(L, -1)) {
        lua_Number seconds = luaL_checknumber(L, -1);
        luaL_argcheck(L, seconds >= 0 && seconds < 9e9, arg,
                      "option 'fresh': 0 or more seconds expected");
        ret->fresh = (int64_t)(seconds * 1e9) + 1;
    }
    lua_getfield(L, arg, "timeout");
    deadline = lneap_check_deadline(L, lua_gettop(L));
    lua_pop(L, 2);
    return deadline;
}


/***
 * Give a snapshot to each process that takes it (neap.segment.take) at the path
 * of a Unix socket, one after the other.
 *
 * Options: timeout (seconds), count (end after so many), mode ("0600": who may
 * connect, by its write bits), fresh (seconds, 1 when not given, for which a
 * snapshot is given again to others, so that nobody can make the heap's users
 * stand still all the time).
 *
 * @usage heap:serve("/run/sky.sock", {mode = "0666"})
 * @function heap:serve
 * @tparam string path
 * @tparam[opt] table options
 * @treturn integer how many were served, or nil, text and code
 */
int lneap_heap_serve(lua_State *L)
{
    neap_heap *heap = check_heap(L);
    const char *path = lneap_check_name(L, 2);
    neap_serve_options options = {0};
    int64_t deadline = check_serving(L, 3, &options);
    uint64_t all = 0, served, most = options.count;
    int status;

    do {
        served = 0;
        options.count = most - all;
        lneap_waiting = L;
        status = neap_heap_serve(heap, path, &options, deadline, &served);
        lneap_waiting = NULL;
        all += served;
    } while (status == -EINTR && (!most || all < most)
             && !lneap_interrupted(L));
    if (status < 0 && !(status == -EINTR && most && all == most))
        return lneap_fail(L, status);
    lneap_push_unsigned(L, all);
    return 1;
}
