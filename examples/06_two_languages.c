/*
 * A Lua and a Python process work on one heap at once: they take turns, Lua
 * writes the squares of odd numbers, Python those of even ones.
 *
 *     06_two_languages [DIRECTORY]
 *
 * This makes the heap and starts both: 06_two_languages.lua and .py of that
 * directory, by default the examples/ above this program. PYTHON and LUA
 * name the interpreters, if not python3 and lua5.4.
 */
#include <limits.h>
#include <string.h>

#include "example.h"


/* From build/examples/06_two_languages up to where examples/ is. */
static const char *find_scripts(char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 64);
    char *slash;

    path[length < 0 ? 0 : length] = '\0';
    while ((slash = strrchr(path, '/')) != NULL) {
        strcpy(slash, "/examples/06_two_languages.lua");
        if (access(path, R_OK) == 0) {
            *strrchr(path, '/') = '\0';
            return path;
        }
        *slash = '\0';
    }
    fputs("usage: 06_two_languages DIRECTORY (that of the examples)\n", stderr);
    exit(2);
}


static neap_process *start(const char *variable, const char *otherwise,
                           const char *directory, const char *script,
                           const char *address)
{
    const char *interpreter = getenv(variable);
    neap_process *process;
    char path[PATH_MAX + 64];

    if (!interpreter || !*interpreter)
        interpreter = otherwise;
    snprintf(path, sizeof path, "%s/%s", directory, script);
    if (must(neap_process_fork(&process)) == NEAP_CHILD) {
        execlp(interpreter, interpreter, path, address, (char *)NULL);
        perror(interpreter);
        neap_process_exit(127);
    }
    return process;
}


static void finish(neap_process *process)
{
    neap_exit end;

    must(neap_process_wait(process, NEAP_FOREVER, &end));
    neap_process_close(process);
    if (end.code != 0 || end.signal != 0)
        exit(1); /* it has said why */
}


static long long value_of(neap_heap *heap, const char *name)
{
    neap_counter *counter;
    int64_t value;

    must(neap_counter_open(heap, name, &counter));
    must(neap_counter_get(counter, &value));
    neap_counter_close(counter);
    return value;
}


int main(int argc, char **argv)
{
    char found[PATH_MAX];
    const char *directory = argc > 1 ? argv[1] : find_scripts(found);
    neap_heap *heap;
    neap_semaphore *turn;
    neap_array *squares;
    neap_value sum;

    must(neap_heap_open(NULL, NULL, &heap));
    must(neap_semaphore_open(heap, "turn of lua", 1, 0, &turn));
    neap_semaphore_close(turn);
    must(neap_semaphore_open(heap, "turn of python", 0, 0, &turn));
    neap_semaphore_close(turn);

    const char *address = neap_heap_address(heap);
    neap_process *lua = start("LUA", "lua5.4", directory,
                              "06_two_languages.lua", address);
    neap_process *python = start("PYTHON", "python3", directory,
                                 "06_two_languages.py", address);
    finish(lua);
    finish(python);

    must(neap_array_open(heap, "squares", NEAP_TYPE_I64, 0, NULL, &squares));
    must(neap_array_sum(squares, &sum));
    printf("Lua wrote %lld squares and Python %lld; their sum is %lld\n",
           value_of(heap, "by lua"), value_of(heap, "by python"),
           (long long)sum.as.i);
    neap_array_close(squares);
    neap_heap_close(heap);
}
