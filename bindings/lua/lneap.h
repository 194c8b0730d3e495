/*
 * The Lua binding's common ground: check, call, push.
 *
 * Every handle is a full userdata that starts with struct lneap_handle. Its
 * class is a static of this library, so "is this a counter, and open?" is one
 * comparison of pointers and takes no lookup.
 *
 *  L1  The userdata is made before the core is called and holds NULL until the
 *      call has succeeded: a Lua error (out of memory) loses nothing.
 *  L2  No Lua error is raised while the core holds one of its own locks; the
 *      core never calls back into Lua, so this holds by itself.
 *  L3  Wrong arguments raise. What can fail in the world returns nil, a
 *      sentence, and the code's name (lneap_fail).
 */
#ifndef LNEAP_H
#define LNEAP_H

#include <errno.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <neap.h>

#if LUA_VERSION_NUM < 503
#error "neap needs Lua 5.3 or later"
#endif

#if LUA_VERSION_NUM < 504
#define lua_newuserdatauv(L, size, values) \
    ((void)(values), lua_newuserdata((L), (size)))
#define lua_setiuservalue(L, at, n) ((void)(n), lua_setuservalue((L), (at)))
#define lua_getiuservalue(L, at, n) ((void)(n), lua_getuservalue((L), (at)))
#endif

/* -- handles (handle.c) ---------------------------------------------------- */

struct lneap_handle;

struct lneap_class {
    const char *noun; /* for people: "counter" */
    const char *name; /* __name: "neap.counter" */
    size_t size;      /* of the userdata's struct */
    int values;       /* user values that it needs: 0 or 1 */
    void (*close)(struct lneap_handle *handle);
};

struct lneap_handle {
    const struct lneap_class *class;
    void *core;        /* the core's handle, NULL once closed */
    const char *label; /* its name or address; lives as long as the userdata */
};

/*
 * Make the metatable of a class and its table of methods, and leave the
 * methods in the table on top of the stack, under the noun. `index` NULL makes
 * the methods themselves __index.
 */
void lneap_class_open(lua_State *L, const struct lneap_class *class,
                      const luaL_Reg *methods, const luaL_Reg *meta,
                      lua_CFunction index);

/* Push a new handle, closed as yet (L1). */
void *lneap_new(lua_State *L, const struct lneap_class *class,
                const char *label);

/* Whose call is at work in this thread: an access that comes upon memory that
 * is gone raises there (fault.c). */
extern _Thread_local lua_State *lneap_current
    __attribute__((tls_model("initial-exec")));

/* The handle at `arg` if it is one of that class, closed or not, else NULL. */
static inline void *lneap_test(lua_State *L, int arg,
                               const struct lneap_class *class)
{
    struct lneap_handle *handle = lua_touserdata(L, arg);

    lneap_current = L;
    if (handle && lua_rawlen(L, arg) >= class->size && handle->class == class)
        return handle;
    return NULL;
}

/* Say why what is at `arg` will not do: no such handle, or a closed one. */
void lneap_bad_handle(lua_State *L, int arg, const struct lneap_class *class);

/* The open handle at `arg`, or an error. */
static inline void *lneap_check(lua_State *L, int arg,
                                const struct lneap_class *class)
{
    struct lneap_handle *handle = lneap_test(L, arg, class);

    if (__builtin_expect(!handle || !handle->core, 0))
        lneap_bad_handle(L, arg, class);
    return handle;
}

/*
 * A number that differs in a child from what it was in its parent: what only
 * the process that made it may end (guards, processes) compares it.
 */
unsigned lneap_generation(void);
void lneap_generation_init(void);

/* -- answers (status.c) ---------------------------------------------------- */

/* Push nil, the sentence and the code's name; -EINVAL and -ERANGE, which are
 * wrong arguments, raise instead (L3). */
int lneap_fail(lua_State *L, int status);

/* Push true for 0 and more, else fail. */
int lneap_done(lua_State *L, int status);

/* Push what a wait answers: true | true, "abandoned" | false, "timeout", or
 * fail. */
int lneap_waited(lua_State *L, int status);

/*
 * After -EINTR: does a hook wait to be run (Ctrl-C in the stand-alone
 * interpreter sets one)? If not the wait goes on. A coroutine does not see
 * the main thread's hook, so there it raises "interrupted!" itself.
 */
bool lneap_interrupted(lua_State *L);

/* Does one wait, for L or for the main thread? Raises nothing. */
bool lneap_hooked(lua_State *L);

/* Call `wait` again for as long as it is interrupted for nobody's sake. */
#define LNEAP_WAIT(L, status, wait)                             \
    do {                                                        \
        lneap_waiting = (L);                                    \
        (status) = (wait);                                      \
        lneap_waiting = NULL;                                   \
    } while ((status) == -EINTR && !lneap_interrupted(L))

/* Who waits, for the check that neap calls now and then. */
extern _Thread_local lua_State *lneap_waiting;

/* -- arguments (argument.c) ------------------------------------------------ */

/* A string without zero bytes. */
const char *lneap_check_name(lua_State *L, int arg);

/* The address of a segment, not empty; a number is a System V key.
 * (segment.c) */
const char *lneap_check_address(lua_State *L, int arg);

/* Seconds: none or nil for ever, 0 once, fractions welcome, negative raises. */
int64_t lneap_check_deadline(lua_State *L, int arg);

/* Push the pid of a dead owner, false for 0; or what failed. */
int lneap_push_pid(lua_State *L, int status, int32_t pid);

/* A whole number from 1 to `most`; anything else raises `why`. */
int64_t lneap_check_count(lua_State *L, int arg, int64_t most,
                          const char *why);

/* Bytes: a number, or text such as "64K", "1M", "2.5G". */
uint64_t lneap_check_size(lua_State *L, int arg);

/* "r", "rw", "none"; none or nil means "rw". */
int lneap_check_protection(lua_State *L, int arg);
const char *lneap_protection_name(int protection);

/* Permission bits: octal text such as "0600", or a number. */
uint32_t lneap_check_mode(lua_State *L, int arg);

/* A type's name, or an error that lists them. */
neap_type lneap_check_type(lua_State *L, int arg);

/*
 * The lengths of dimensions from `arg` to `last`; returns how many.
 */
uint32_t lneap_check_shape(lua_State *L, int arg, int last,
                           uint64_t shape[NEAP_DIMENSIONS_MAX]);

/* The table of options at `arg`, or none: keys that are not `known` (which
 * ends with NULL) raise. Makes sure that something is at `arg`. */
void lneap_check_options(lua_State *L, int arg, const char *const known[]);

/* One option of it, with what it is when missing. */
bool lneap_option_bool(lua_State *L, int arg, const char *key, bool otherwise);
int64_t lneap_option_spin(lua_State *L, int arg);
uint64_t lneap_option_size(lua_State *L, int arg, const char *key);
uint32_t lneap_option_mode(lua_State *L, int arg, const char *key);
int lneap_option_protection(lua_State *L, int arg, const char *key);

/* The index of an option's word in `words`, which end with NULL and begin with
 * all of them for people; 0, which is nothing asked for, when it is missing. */
uint32_t lneap_option_word(lua_State *L, int arg, const char *key,
                           const char *const words[]);

/* -- values (value.c) ------------------------------------------------------ */

/*
 * Read an element of `type` at `arg` (and arg + 1 for complex). Returns NULL,
 * or what is wrong with it, pushed on the stack.
 */
const char *lneap_take_value(lua_State *L, int arg, neap_type type,
                             neap_value *ret_value);

/* The same; what is wrong is an error about argument `arg`. */
neap_value lneap_check_value(lua_State *L, int arg, neap_type type);

/* Push it (two numbers for complex) and return how many. */
int lneap_push_value(lua_State *L, neap_type type, const neap_value *value);

static inline bool lneap_is_complex(neap_type type)
{
    return type == NEAP_TYPE_C64 || type == NEAP_TYPE_C128;
}

/* Push a Lua integer, or a float for what is beyond it. */
void lneap_push_unsigned(lua_State *L, uint64_t n);

/* Set a field of the table on top. */
void lneap_set_integer(lua_State *L, const char *key, int64_t value);
void lneap_set_unsigned(lua_State *L, const char *key, uint64_t value);
void lneap_set_string(lua_State *L, const char *key, const char *value);
void lneap_set_boolean(lua_State *L, const char *key, bool value);

/* -- heaps and objects (heap.c, object.c) ---------------------------------- */

struct lneap_heap {
    struct lneap_handle handle;
    char uuid[37];
};

/* What lives in a heap starts like this, and knows which heap that was. */
struct lneap_object {
    struct lneap_handle handle;
    char uuid[37];
};

/* -- arrays (array.c, element.c, bulk.c) ----------------------------------- */

/*
 * What element access needs stands in the userdata itself. `data` is good as
 * long as the core's handle is open, so code that calls back into Lua looks at
 * handle.core again afterwards.
 */
struct lneap_array {
    struct lneap_object object;
    void *data;
    uint64_t length; /* of the first dimension */
    uint64_t size;   /* elements in all */
    neap_type type;
    uint32_t dimensions;
    bool writable;
    uint64_t shape[NEAP_DIMENSIONS_MAX];
};

/* Raise "array 'grid': ..." */
int lneap_array_error(lua_State *L, const struct lneap_array *array,
                      const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Element `at` from 0: push it, and how many values that is. */
int lneap_array_load(lua_State *L, const struct lneap_array *array,
                     uint64_t at);

/* Element `at` from 0: set it to what is at `arg`, or raise. */
void lneap_array_store(lua_State *L, const struct lneap_array *array,
                       uint64_t at, int arg);
void lneap_array_put(const struct lneap_array *array, uint64_t at,
                     const neap_value *value);

/* The position from 0 of the element whose indices start at `arg`. */
uint64_t lneap_array_position(lua_State *L, const struct lneap_array *array,
                              int arg);

/* Methods of element.c and bulk.c. */
int lneap_array_get(lua_State *L);
int lneap_array_set(lua_State *L);
int lneap_array_fetch_add(lua_State *L);
extern const luaL_Reg lneap_array_bulk[];

/* Copy what is at `from`, an array or a table, into `array`. */
int lneap_array_copy_from(lua_State *L, struct lneap_array *array, int from);

/* -- nouns ----------------------------------------------------------------- */

/* A mutex, a semaphore, a rwlock, a once: guards of it keep the core's handle
 * open. */
struct lneap_lock {
    struct lneap_object object;
    unsigned guards;
    void *closing; /* closed by the script while a guard had it */
};

/* What a guard needs to know of the lock's kind. */
struct lneap_lock_kind {
    int (*take)(void *core, int64_t deadline);
    int (*give)(void *core);
    void (*close)(void *core);
    int (*finish)(void *core); /* instead of give, when what was called under
                                  it returned; NULL for give */
};

extern const struct lneap_class lneap_heap_class, lneap_segment_class,
    lneap_mapping_class, lneap_counter_class, lneap_array_class,
    lneap_mutex_class, lneap_semaphore_class, lneap_event_class,
    lneap_latch_class, lneap_condition_class, lneap_rwlock_class,
    lneap_barrier_class, lneap_once_class, lneap_guard_class,
    lneap_process_class, lneap_team_class, lneap_range_class,
    lneap_watch_class;

/* Push a new object of `heap`, closed as yet. */
void *lneap_object_new(lua_State *L, const struct lneap_class *class,
                       const struct lneap_heap *heap, const char *name);

/* Finish a method that opens one: the object on top and whether it is new,
 * or fail. */
int lneap_object_opened(lua_State *L, int status);

/* Methods for each class of object: upvalue 1 is the class. */
int lneap_object_name(lua_State *L);
int lneap_object_eq(lua_State *L);

/* any.c: the one argument of a function, an open handle of what can be waited
 * for among others, or an error. */
struct lneap_handle *lneap_check_waitable(lua_State *L, int arg);

/* The methods of heaps and mappings that make what other files own. */
int lneap_heap_counter(lua_State *L);
int lneap_heap_array(lua_State *L);
int lneap_heap_mutex(lua_State *L);
int lneap_heap_semaphore(lua_State *L);
int lneap_heap_event(lua_State *L);
int lneap_heap_latch(lua_State *L);
int lneap_heap_checkpoint(lua_State *L);
int lneap_heap_locks(lua_State *L);
int lneap_heap_snapshot(lua_State *L);
int lneap_heap_segment(lua_State *L);
int lneap_heap_serve(lua_State *L);
int lneap_segment_heap(lua_State *L);
int lneap_heap_measure(lua_State *L);
int lneap_heap_statistics(lua_State *L);
int lneap_heap_condition(lua_State *L);
int lneap_heap_rwlock(lua_State *L);
int lneap_heap_barrier(lua_State *L);
int lneap_heap_once(lua_State *L);
int lneap_mapping_array(lua_State *L);
/* Push what is behind an address, or what failed. (maps.c) */
int lneap_translate(lua_State *L, int32_t pid, uint64_t address);
int lneap_segment_map(lua_State *L);
int lneap_segment_overlay(lua_State *L);

/* process.c: in a child, call the function at that index and end. */
__attribute__((noreturn)) void lneap_live(lua_State *L, int function);

/* process.c: push a table of how a process ended. */
int lneap_push_exit(lua_State *L, const neap_exit *end);

/* directory.c: a heap's list of names. */
int lneap_heap_list(lua_State *L);
int lneap_heap_find(lua_State *L);
int lneap_heap_drop(lua_State *L);
int lneap_heap_object(lua_State *L);

/*
 * guard.c: what the locks have in common; the lock is at stack index 1.
 *
 * Take it and push a guard. A time-out, and -EALREADY for what need not be
 * taken, are returned and leave the guard closed; what else prevents it raises:
 * `local g <close> = nil` would go on without a word, and unlocked.
 */
int lneap_lock_take(lua_State *L, struct lneap_lock *lock,
                    const struct lneap_lock_kind *kind, int64_t deadline);

/* Stack: lock, fn, arguments..., guard. Call fn, close the guard, and return
 * what fn returns, or just true (`tell`). */
int lneap_lock_call(lua_State *L, int arguments, bool tell);

int lneap_lock_guard(lua_State *L, struct lneap_lock *lock,
                     const struct lneap_lock_kind *kind);
int lneap_lock_with(lua_State *L, struct lneap_lock *lock,
                    const struct lneap_lock_kind *kind);
void lneap_lock_close(struct lneap_lock *lock,
                      const struct lneap_lock_kind *kind);

/* Add a file's functions to the module, and its classes' methods to the table
 * above it: (module, methods) are on top of the stack. */
void lneap_open_status(lua_State *L);
void lneap_open_heap(lua_State *L);
void lneap_open_segment(lua_State *L);
void lneap_open_mapping(lua_State *L);
void lneap_open_counter(lua_State *L);
void lneap_open_array(lua_State *L);
void lneap_open_maps(lua_State *L);
void lneap_open_system(lua_State *L);
void lneap_open_mutex(lua_State *L);
void lneap_open_semaphore(lua_State *L);
void lneap_open_event(lua_State *L);
void lneap_open_checkpoint(lua_State *L);
void lneap_open_condition(lua_State *L);
void lneap_open_rwlock(lua_State *L);
void lneap_open_barrier(lua_State *L);
void lneap_open_once(lua_State *L);
void lneap_open_fault(lua_State *L);
void lneap_open_guard(lua_State *L);
void lneap_open_kernel_semaphore(lua_State *L);
void lneap_open_overlay(lua_State *L);
void lneap_open_process(lua_State *L);
void lneap_open_team(lua_State *L);
void lneap_open_any(lua_State *L);
void lneap_open_watch(lua_State *L);
void lneap_open_interrupt(lua_State *L);
void lneap_open_ipc(lua_State *L);

#endif
