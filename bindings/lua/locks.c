/*
 * Who holds what, who waits for what, and deadlocks.
 *
 * @module neap
 */
#include "lneap.h"


static void set_seconds(lua_State *L, const char *key, int64_t nanoseconds)
{
    lua_pushnumber(L, (lua_Number)nanoseconds / 1e9);
    lua_setfield(L, -2, key);
}


static void push_use(lua_State *L, const neap_lock_use *use)
{
    lua_createtable(L, 0, 9);
    lneap_set_string(L, "name", use->name);
    lneap_set_string(L, "kind", neap_object_kind_name(use->kind));
    lneap_set_string(L, "role", neap_use_role_name(use->role));
    lneap_set_integer(L, "slot", use->slot);
    lneap_set_integer(L, "pid", use->pid);
    lneap_set_integer(L, "tid", use->tid);
    lneap_set_boolean(L, "dead", use->dead);
    if (use->role == NEAP_USE_WAITS)
        set_seconds(L, "waited", use->waited);
    if (use->held >= 0)
        set_seconds(L, "held", use->held);
    if (use->permits)
        lneap_set_unsigned(L, "permits", use->permits);
}


static void push_deadlocks(lua_State *L, neap_heap *heap)
{
    uint64_t cursor = 0;
    neap_deadlock deadlock;
    lua_Integer n = 0;

    lua_newtable(L);
    while (neap_heap_next_deadlock(heap, &cursor, &deadlock) == NEAP_MORE) {
        lua_createtable(L, 0, 2);
        lneap_set_string(L, "text", deadlock.text);
        lua_newtable(L);
        for (uint32_t i = 0; i < deadlock.count; i++) {
            lua_pushinteger(L, deadlock.slots[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        lua_setfield(L, -2, "slots");
        lua_rawseti(L, -2, ++n);
    }
}


/***
 * Who holds what and who waits for what: a list of tables with name, kind, role
 * ("holds", "reads", "waits"), slot, pid, tid, dead, and waited (seconds so
 * far), held (of what is measured) or permits. And the deadlocks: a list of
 * tables with text and slots, each of which waits for the next.
 *
 * @usage for _, use in ipairs(heap:locks()) do print(use.name, use.role) end
 * @function heap:locks
 * @treturn table list
 * @treturn table deadlocks
 */
int lneap_heap_locks(lua_State *L)
{
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);
    uint64_t cursor = 0;
    neap_lock_use use;
    lua_Integer n = 0;

    lua_newtable(L);
    while (neap_heap_next_use(heap->handle.core, &cursor, &use) == NEAP_MORE) {
        push_use(L, &use);
        lua_rawseti(L, -2, ++n);
    }
    push_deadlocks(L, heap->handle.core);
    return 2;
}


/***
 * Begin to measure a mutex, an rwlock or a semaphore afresh, or end that.
 * Without a name: all that are there now. It costs their users a look at the
 * clock or two each time.
 *
 * @usage heap:measure("lock")
 * @function heap:measure
 * @tparam[opt] string name
 * @tparam[opt=true] boolean on
 * @treturn integer how many, or nil, text and code
 */
int lneap_heap_measure(lua_State *L)
{
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);
    const char *name = lua_isnoneornil(L, 2) ? NULL : lneap_check_name(L, 2);
    bool on = lua_isnoneornil(L, 3) || lua_toboolean(L, 3);
    int status = neap_heap_measure(heap->handle.core, name, on);

    if (status < 0)
        return lneap_fail(L, status);
    lua_pushinteger(L, status);
    return 1;
}


/***
 * What was measured of a lock: kind, measured (still?), acquisitions, contended
 * (of them, those that had to wait), longest_wait, and of a mutex or rwlock
 * waited, longest_hold and held in all, by owners and writers; in seconds.
 *
 * @usage print(heap:statistics("lock").longest_hold)
 * @function heap:statistics
 * @tparam string name
 * @treturn table, or nil, text and code
 */
int lneap_heap_statistics(lua_State *L)
{
    struct lneap_heap *heap = lneap_check(L, 1, &lneap_heap_class);
    neap_lock_statistics s;
    int status = neap_heap_lock_statistics(heap->handle.core,
                                           lneap_check_name(L, 2), &s);

    if (status < 0)
        return lneap_fail(L, status);
    lua_createtable(L, 0, 8);
    lneap_set_string(L, "kind", neap_object_kind_name(s.kind));
    lneap_set_boolean(L, "measured", s.measured);
    lneap_set_unsigned(L, "acquisitions", s.acquisitions);
    lneap_set_unsigned(L, "contended", s.contended);
    set_seconds(L, "longest_wait", s.longest_wait);
    if (s.owned) {
        set_seconds(L, "waited", s.waited);
        set_seconds(L, "longest_hold", s.longest_hold);
        set_seconds(L, "held", s.held);
    }
    return 1;
}
