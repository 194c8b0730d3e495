/*
 * Handles: the userdata behind every noun, and the end of each.
 */
#include <pthread.h>
#include <string.h>

#include "lneap.h"

static unsigned generation;


static void count_fork(void)
{
    generation++;
}


static void count_forks(void)
{
    pthread_atfork(NULL, NULL, count_fork);
}


/* Once a process, however many Lua states load the module. */
void lneap_generation_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, count_forks);
}


unsigned lneap_generation(void)
{
    return generation;
}


void *lneap_new(lua_State *L, const struct lneap_class *class,
                const char *label)
{
    size_t length = strlen(label) + 1;
    struct lneap_handle *handle =
        lua_newuserdatauv(L, class->size + length, class->values);

    memset(handle, 0, class->size);
    handle->class = class;
    handle->label = memcpy((char *)handle + class->size, label, length);
    lua_rawgetp(L, LUA_REGISTRYINDEX, class);
    lua_setmetatable(L, -2);
    return handle;
}


void lneap_bad_handle(lua_State *L, int arg, const struct lneap_class *class)
{
    struct lneap_handle *handle = lneap_test(L, arg, class);
    const char *text;

    if (!handle)
        text = lua_pushfstring(L, "%s expected, got %s", class->name,
                               luaL_typename(L, arg));
    else if (handle->label[0])
        text = lua_pushfstring(L, "%s '%s' is closed", class->noun,
                               handle->label);
    else
        text = lua_pushfstring(L, "the %s is closed", class->noun);
    luaL_argerror(L, arg, text);
}


/* What the metatables share; the class is upvalue 1. */
static const struct lneap_class *class_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}


static int handle_close(lua_State *L)
{
    const struct lneap_class *class = class_of(L);
    struct lneap_handle *handle = lneap_test(L, 1, class);

    if (!handle)
        lneap_bad_handle(L, 1, class);
    if (handle->core) {
        class->close(handle);
        handle->core = NULL;
    }
    return 0;
}


static int handle_tostring(lua_State *L)
{
    const struct lneap_class *class = class_of(L);
    struct lneap_handle *handle = lneap_test(L, 1, class);

    if (!handle)
        lneap_bad_handle(L, 1, class);
    lua_pushfstring(L, handle->label[0] ? "%s '%s'%s" : "%s%s%s", class->name,
                    handle->label, handle->core ? "" : " (closed)");
    return 1;
}


static int handle_eq(lua_State *L)
{
    const struct lneap_class *class = class_of(L);
    struct lneap_handle *one = lneap_test(L, 1, class);
    struct lneap_handle *other = lneap_test(L, 2, class);

    lua_pushboolean(L, one && other && one->core && one->core == other->core);
    return 1;
}


static const luaL_Reg common[] = {
    {"__gc", handle_close},
    {"__close", handle_close},
    {"__tostring", handle_tostring},
    {"__eq", handle_eq},
    {NULL, NULL},
};


static void set_functions(lua_State *L, const struct lneap_class *class,
                          const luaL_Reg *functions)
{
    if (!functions)
        return;
    lua_pushlightuserdata(L, (void *)(uintptr_t)class);
    luaL_setfuncs(L, functions, 1);
}


/* On the stack: ..., the methods of all classes. */
void lneap_class_open(lua_State *L, const struct lneap_class *class,
                      const luaL_Reg *methods, const luaL_Reg *meta,
                      lua_CFunction index)
{
    static const luaL_Reg close[] = {{"close", handle_close}, {NULL, NULL}};

    lua_newtable(L);
    set_functions(L, class, close);
    set_functions(L, class, methods);

    lua_newtable(L);
    set_functions(L, class, common);
    set_functions(L, class, meta);
    lua_pushstring(L, class->name);
    lua_setfield(L, -2, "__name");
    lua_pushvalue(L, -2);
    if (index)
        lua_pushcclosure(L, index, 1);
    lua_setfield(L, -2, "__index");
    lua_rawsetp(L, LUA_REGISTRYINDEX, class);

    lua_setfield(L, -2, class->noun);
}
