/*
 * Teams: what neap.run stands on. The Lua half (neap/work.lua) runs the
 * function in the workers and collects what they answer.
 *
 * Workers count from 1 here, from 0 in the core.
 *
 * @module neap
 */
#include "lneap.h"

struct lneap_team {
    struct lneap_handle handle;
    unsigned generation;
};


/* A worker that inherited the handle must not stop its colleagues. */
static void close_team(struct lneap_handle *handle)
{
    struct lneap_team *team = (struct lneap_team *)handle;

    if (team->generation == lneap_generation())
        neap_team_close(handle->core);
}


const struct lneap_class lneap_team_class = {
    .noun = "team",
    .name = "neap.team",
    .size = sizeof(struct lneap_team),
    .close = close_team,
};


static void close_range(struct lneap_handle *handle)
{
    neap_range_close(handle->core);
}


const struct lneap_class lneap_range_class = {
    .noun = "range",
    .name = "neap.range",
    .size = sizeof(struct lneap_handle),
    .close = close_range,
};


static neap_team *check_team(lua_State *L)
{
    struct lneap_handle *handle = lneap_check(L, 1, &lneap_team_class);

    return handle->core;
}


static uint32_t check_worker(lua_State *L, neap_team *team, int arg)
{
    lua_Integer id = luaL_checkinteger(L, arg);

    luaL_argcheck(L, id >= 1 && id <= neap_team_workers(team), arg,
                  "no such worker");
    return (uint32_t)id - 1;
}


/* team(n) */
static int team_create(lua_State *L)
{
    lua_Integer workers = luaL_checkinteger(L, 1);

    luaL_argcheck(L, workers >= 1 && workers <= NEAP_TEAM_MAX, 1,
                  "1 to 1024 workers expected");
    struct lneap_team *team = lneap_new(L, &lneap_team_class, "");
    neap_team *core;
    int status = neap_team_create((uint32_t)workers, &core);

    if (status < 0)
        return lneap_fail(L, status);
    team->handle.core = core;
    team->generation = lneap_generation();
    return 1;
}


/* team:fork(id, fn, ...) gives true, or fails; the worker calls fn and ends. */
static int team_fork(lua_State *L)
{
    neap_team *team = check_team(L);
    int status = neap_team_fork(team, check_worker(L, team, 2));

    if (status == NEAP_CHILD)
        lneap_live(L, 3);
    return lneap_done(L, status);
}


/* team:next([timeout]) gives an id and how it ended; nothing when all have;
 * false, "timeout"; or fails. */
static int team_next(lua_State *L)
{
    neap_team *team = check_team(L);
    int64_t deadline = lneap_check_deadline(L, 2);
    uint32_t index;
    neap_exit end;
    int status;

    LNEAP_WAIT(L, status, neap_team_next(team, deadline, &index, &end));
    if (status < 0)
        return lneap_waited(L, status);
    if (status != NEAP_MORE)
        return 0;
    lua_pushinteger(L, (lua_Integer)index + 1);
    return 1 + lneap_push_exit(L, &end);
}


/* team:answered(id) gives the bytes of its answer. */
static int team_answered(lua_State *L)
{
    neap_team *team = check_team(L);
    neap_process *process =
        neap_team_process(team, check_worker(L, team, 2));
    size_t length = 0;
    const char *bytes =
        process ? neap_process_answered(process, &length) : NULL;

    lua_pushlstring(L, bytes ? bytes : "", bytes ? length : 0);
    return 1;
}


/* team:stop([grace seconds]) */
static int team_stop(lua_State *L)
{
    neap_team *team = check_team(L);
    lua_Number grace = luaL_optnumber(L, 2, 0);

    return lneap_done(L, neap_team_stop(team, (int64_t)(grace * 1e9)));
}


/* team:progress() gives how many indices were handed out, and of how many. */
static int team_progress(lua_State *L)
{
    uint64_t done, total;

    neap_team_progress(check_team(L), &done, &total);
    lneap_push_unsigned(L, done);
    lneap_push_unsigned(L, total);
    return 2;
}


/* Upvalue 1: the range. */
static int range_next(lua_State *L)
{
    struct lneap_handle *handle = lua_touserdata(L, lua_upvalueindex(1));
    int64_t index;

    if (!handle->core)
        return 0;
    int status = neap_range_next(handle->core, &index);
    if (status == NEAP_MORE) {
        lua_pushinteger(L, index);
        return 1;
    }
    neap_range_close(handle->core);
    handle->core = NULL;
    return status < 0 ? luaL_error(L, "%s", neap_error_text()) : 0;
}


static lua_Integer check_bound(lua_State *L, int arg)
{
    luaL_checktype(L, arg, LUA_TNUMBER);
    return luaL_checkinteger(L, arg);
}


/* team:range(first, last [, step [, chunk]]) gives an iterator, and the range
 * as what a generic for closes. */
static int team_range(lua_State *L)
{
    neap_team *team = check_team(L);
    lua_Integer first = check_bound(L, 2), last = check_bound(L, 3);
    lua_Integer step = lua_isnoneornil(L, 4) ? 1 : check_bound(L, 4);
    lua_Integer chunk = luaL_optinteger(L, 5, 0);
    neap_range *range;

    luaL_argcheck(L, step != 0, 4, "a step is not 0");
    luaL_argcheck(L, chunk >= 0, 5, "a chunk is 1 or more");
    struct lneap_handle *handle = lneap_new(L, &lneap_range_class, "");
    int status = neap_range_open(team, first, last, step, (uint64_t)chunk,
                                 &range);
    if (status < 0)
        return luaL_error(L, "%s", neap_error_text());
    handle->core = range;

    lua_pushvalue(L, -1);
    lua_pushcclosure(L, range_next, 1);
    lua_pushnil(L);
    lua_pushnil(L);
    lua_pushvalue(L, -4);
    return 4;
}


void lneap_open_team(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"fork", team_fork},         {"next", team_next},
        {"answered", team_answered}, {"stop", team_stop},
        {"progress", team_progress}, {"range", team_range},
        {NULL, NULL},
    };

    lneap_class_open(L, &lneap_range_class, NULL, NULL, NULL);
    lneap_class_open(L, &lneap_team_class, methods, NULL, NULL);
    lua_pushcfunction(L, team_create);
    lua_setfield(L, -3, "team");
}
