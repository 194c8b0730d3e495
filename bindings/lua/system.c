/*
 * What the machine offers.
 *
 * @module neap
 */
#include "lneap.h"


/***
 * The features of the kernel that neap uses, tried now: tables with name, use,
 * without (what happens where it is missing) and present.
 *
 * @usage for _, f in ipairs(neap.features()) do print(f.name, f.present) end
 * @function features
 * @treturn table list
 */
static int features(lua_State *L)
{
    const neap_feature *feature;

    lua_newtable(L);
    for (uint32_t n = 0; (feature = neap_feature_at(n)); n++) {
        lua_createtable(L, 0, 4);
        lneap_set_string(L, "name", feature->name);
        lneap_set_string(L, "use", feature->use);
        lneap_set_string(L, "without", feature->without);
        lneap_set_boolean(L, "present", neap_feature_present(feature->name) == 1);
        lua_rawseti(L, -2, (lua_Integer)n + 1);
    }
    return 1;
}


/***
 * The pools of huge pages that root has set aside, one for each size: tables
 * with page (bytes), total and free (pages; free ones are not promised either).
 *
 * @usage for _, p in ipairs(neap.huge_pages()) do print(p.page, p.free) end
 * @function huge_pages
 * @treturn table list
 */
static int huge_pages(lua_State *L)
{
    neap_huge_pool pool;

    lua_newtable(L);
    for (uint32_t n = 0; neap_huge_pool_at(n, &pool) == NEAP_MORE; n++) {
        lua_createtable(L, 0, 3);
        lneap_set_unsigned(L, "page", pool.page);
        lneap_set_unsigned(L, "total", pool.total);
        lneap_set_unsigned(L, "free", pool.free);
        lua_rawseti(L, -2, (lua_Integer)n + 1);
    }
    return 1;
}


/***
 * The nodes of memory: tables with node, its number, total and free in bytes.
 *
 * @usage for _, n in ipairs(neap.nodes()) do print(n.node, n.free) end
 * @function nodes
 * @treturn table list
 */
static int nodes(lua_State *L)
{
    neap_node node;

    lua_newtable(L);
    for (uint32_t n = 0; neap_node_at(n, &node) == NEAP_MORE; n++) {
        lua_createtable(L, 0, 3);
        lneap_set_integer(L, "node", node.node);
        lneap_set_unsigned(L, "total", node.total);
        lneap_set_unsigned(L, "free", node.free);
        lua_rawseti(L, -2, (lua_Integer)n + 1);
    }
    return 1;
}


void lneap_open_system(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"features", features},
        {"huge_pages", huge_pages},
        {"nodes", nodes},
        {NULL, NULL},
    };

    lua_pushvalue(L, -2);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
