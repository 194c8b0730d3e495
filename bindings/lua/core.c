/*
 * neap.core: the C half of the Lua binding. Scripts say require "neap", which
 * adds the Lua half (neap/init.lua).
 */
#include "lneap.h"

LUAMOD_API int luaopen_neap_core(lua_State *L);

__attribute__((visibility("default")))
int luaopen_neap_core(lua_State *L)
{
    lneap_generation_init();
    lua_newtable(L);
    lua_newtable(L);
    lneap_open_status(L);
    lneap_open_heap(L);
    lneap_open_checkpoint(L);
    lneap_open_segment(L);
    lneap_open_mapping(L);
    lneap_open_maps(L);
    lneap_open_system(L);
    lneap_open_counter(L);
    lneap_open_array(L);
    lneap_open_mutex(L);
    lneap_open_semaphore(L);
    lneap_open_event(L);
    lneap_open_condition(L);
    lneap_open_rwlock(L);
    lneap_open_barrier(L);
    lneap_open_once(L);
    lneap_open_guard(L);
    lneap_open_fault(L);
    lneap_open_process(L);
    lneap_open_team(L);
    lneap_open_any(L);
    lneap_open_watch(L);
    lneap_open_kernel_semaphore(L);
    lneap_open_overlay(L);
    lneap_open_interrupt(L);
    lneap_open_ipc(L);
    lua_setfield(L, -2, "methods");
    return 1;
}
