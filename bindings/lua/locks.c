/*
 * Who holds what, who waits for what, and deadlocks.
 *
 * @module neap
 */
#include "lneap.h"


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
    if (use->role == NEAP_USE_WAITS) {
        lua_pushnumber(L, (lua_Number)use->waited / 1e9);
        lua_setfield(L, -2, "waited");
    }
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
 * ("holds", "reads", "waits"), slot, pid, tid, dead, and waited (seconds so far)
 * or permits. And the deadlocks: a list of tables with text and slots, each of
 * which waits for the next.
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
