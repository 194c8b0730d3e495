/*
 * Address spaces made visible.
 *
 * @module neap
 */
#include "lneap.h"

#define SHARERS_MOST 1024


static void push_protection(lua_State *L, int protection)
{
    char text[4] = {protection & NEAP_PROT_READ ? 'r' : '-',
                    protection & NEAP_PROT_WRITE ? 'w' : '-',
                    protection & NEAP_PROT_EXEC ? 'x' : '-', '\0'};

    lua_pushstring(L, text);
}


static void push_map(lua_State *L, const neap_map_info *info)
{
    lua_createtable(L, 0, 14);
    lneap_set_unsigned(L, "address", info->address);
    lneap_set_unsigned(L, "size", info->size);
    lneap_set_unsigned(L, "offset", info->offset);
    lneap_set_unsigned(L, "device", info->device);
    lneap_set_unsigned(L, "inode", info->inode);
    push_protection(L, info->protection);
    lua_setfield(L, -2, "protection");
    lneap_set_boolean(L, "shared", info->shared);
    lneap_set_boolean(L, "deleted", info->deleted);
    lneap_set_string(L, "kind", neap_map_kind_name(info->kind));
    lneap_set_unsigned(L, "resident", info->resident);
    lneap_set_unsigned(L, "others", info->others);
    lneap_set_unsigned(L, "dirty", info->dirty);
    lneap_set_unsigned(L, "swapped", info->swapped);
    if (*info->name)
        lneap_set_string(L, "name", info->name);
}


static int32_t check_pid(lua_State *L, int arg)
{
    lua_Integer pid = luaL_optinteger(L, arg, 0);

    luaL_argcheck(L, pid >= 0 && pid <= INT32_MAX, arg,
                  "the number of a process expected");
    return (int32_t)pid;
}


static int close_list(lua_State *L)
{
    neap_map_list **list = lua_touserdata(L, 1);

    neap_map_list_close(*list);
    *list = NULL;
    return 0;
}


/* The list is freed whatever memory Lua lacks. */
static neap_map_list **new_list(lua_State *L)
{
    neap_map_list **list = lua_newuserdatauv(L, sizeof *list, 0);

    *list = NULL;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, close_list);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    return list;
}


/***
 * The mappings of a process in order of address: tables with address, size,
 * offset, device, inode, protection ("rw-"), shared, deleted, kind ("posix",
 * "sysv", "file", "anonymous", "memfd", "private", "heap", "stack", "kernel"),
 * name, and in bytes what is resident, in memory of others too, dirty, swapped.
 *
 * @usage for _, m in ipairs(neap.maps()) do print(m.kind, m.size, m.name) end
 * @function maps
 * @tparam[opt] integer pid this process if nil
 * @treturn table list, or nil, text and code
 */
static int maps(lua_State *L)
{
    int32_t pid = check_pid(L, 1);
    neap_map_list **list = new_list(L);
    neap_map_info info;
    lua_Integer n = 0;

    int status = neap_map_list_open(pid, list);
    if (status < 0)
        return lneap_fail(L, status);
    lua_newtable(L);
    while (neap_map_list_next(*list, &info) == NEAP_MORE) {
        push_map(L, &info);
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}


static int push_sharers(lua_State *L, int32_t pid, uint64_t address)
{
    int32_t pids[SHARERS_MOST];
    int count = neap_page_sharers(pid, address, pids, SHARERS_MOST);

    if (count < 0)
        return count;
    lua_newtable(L);
    for (int i = 0; i < count && i < SHARERS_MOST; i++) {
        lua_pushinteger(L, pids[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 0;
}


int lneap_translate(lua_State *L, int32_t pid, uint64_t address)
{
    neap_page_info info;
    int status = neap_translate(pid, address, &info);

    if (status < 0)
        return lneap_fail(L, status);
    lua_createtable(L, 0, 11);
    lneap_set_unsigned(L, "page", info.page);
    lneap_set_unsigned(L, "offset", info.offset);
    lneap_set_unsigned(L, "page_size", info.page_size);
    lneap_set_boolean(L, "present", info.present);
    lneap_set_boolean(L, "swapped", info.swapped);
    if (info.frame_known)
        lneap_set_unsigned(L, "frame", info.frame);
    if (info.mapped_known)
        lneap_set_unsigned(L, "mapped", info.mapped);
    if (info.node >= 0)
        lneap_set_integer(L, "node", info.node);
    push_map(L, &info.map);
    lua_setfield(L, -2, "map");
    status = push_sharers(L, pid, address);
    if (status < 0)
        return lneap_fail(L, status);
    lua_setfield(L, -2, "sharers");
    return 1;
}


/***
 * What is behind an address: page, offset (in the page), page_size, present,
 * swapped, frame (physical; only root is told), mapped (by how many page
 * tables, likewise), node (of memory, if that is known), sharers (pids that
 * have the same page mapped, shared), map (the mapping, as in maps).
 *
 * @usage print(neap.translate(neap.maps()[1].address).present)
 * @function translate
 * @tparam integer address
 * @tparam[opt] integer pid this process if nil
 * @treturn table or nil, text and code
 */
static int translate(lua_State *L)
{
    uint64_t address = (uint64_t)luaL_checkinteger(L, 1);

    return lneap_translate(L, check_pid(L, 2), address);
}


void lneap_open_maps(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"maps", maps},
        {"translate", translate},
        {NULL, NULL},
    };

    lua_pushvalue(L, -2);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
