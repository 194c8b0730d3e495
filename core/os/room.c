/*
 * How much memory there is to be had.
 *
 * A memfd has no limit but the machine's memory, and a /dev/shm may be larger
 * than that. The kernel, asked to set aside more than there is, kills processes
 * until there is enough: so we count before we ask.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "os/file.h"

enum { TMPFS = 0x01021994 };


static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}


/* The number after `word` at the start of a line of a file; 0 if there is none.
 * For a file that is one number, the word is "". */
static uint64_t read_number(const char *path, const char *word)
{
    FILE *file = fopen(path, "re");
    unsigned long long number = 0;
    size_t length = strlen(word);
    char line[256];
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, word, length) == 0 &&
            sscanf(line + length, "%llu", &number) == 1)
            break;
    if (file)
        fclose(file);
    return number;
}


/* Where it cannot be read, nothing is known, and the kernel is asked. */
static uint64_t of_machine(void)
{
    uint64_t memory = read_number("/proc/meminfo", "MemAvailable:");
    return memory ? 1024 * (memory + read_number("/proc/meminfo", "SwapFree:"))
                  : UINT64_MAX;
}


struct dialect {
    const char *root, *limit, *usage, *cache;
};

static const struct dialect
    first = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
             "memory.usage_in_bytes", "total_inactive_file "},
    second = {"/sys/fs/cgroup", "memory.max", "memory.current",
              "inactive_file "};


static uint64_t ask(const struct dialect *d, const char *group,
                    const char *file, const char *word)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%.3000s/%s", d->root, group, file);
    return read_number(path, word);
}


/* What a control group still lets its members have. Cached files count against
 * it and make way. "max" reads as 0, which is no limit. */
static uint64_t of_group(const struct dialect *d, const char *group)
{
    uint64_t limit = ask(d, group, d->limit, "");
    if (limit == 0)
        return UINT64_MAX;
    uint64_t usage = ask(d, group, d->usage, "");
    uint64_t cache = ask(d, group, "memory.stat", d->cache);
    usage = usage > cache ? usage - cache : 0;
    return limit > usage ? limit - usage : 0;
}


/* The limits of a group and of all groups around it. */
static uint64_t of_groups(const struct dialect *d, char *group)
{
    uint64_t room = UINT64_MAX;
    for (char *slash; (slash = strrchr(group, '/')); *slash = '\0')
        room = least(room, of_group(d, group));
    return least(room, of_group(d, ""));
}


/* /proc/self/cgroup has "4:memory:/path" for the first dialect, "0::/path" for
 * the second. */
static uint64_t of_our_groups(void)
{
    FILE *groups = fopen("/proc/self/cgroup", "re");
    char line[PATH_MAX];
    uint64_t room = UINT64_MAX;
    while (groups && fgets(line, sizeof line, groups)) {
        line[strcspn(line, "\n")] = '\0';
        char *controller = strchr(line, ':');
        char *group = controller ? strchr(controller + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        if (strcmp(controller, ":memory") == 0)
            room = least(room, of_groups(&first, group));
        else if (strcmp(controller, ":") == 0)
            room = least(room, of_groups(&second, group));
    }
    if (groups)
        fclose(groups);
    return room;
}


static bool is_memory(int fd)
{
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS;
}


int neap__file_room(int fd, uint64_t *ret_bytes)
{
    struct statvfs st;
    if (fstatvfs(fd, &st) < 0)
        return -errno;
    bool limited = st.f_blocks > 0; /* the file system of memfd is not */
    uint64_t room = limited ? (uint64_t)st.f_bavail * st.f_frsize : UINT64_MAX;
    if (is_memory(fd)) {
        uint64_t memory = least(of_machine(), of_our_groups());
        room = least(room, memory - memory / 16);
    }
    *ret_bytes = room;
    return 0;
}


bool neap__file_has_room(int fd, uint64_t bytes)
{
    /* To look takes as long as to set aside a few hundred KiB. */
    enum { WORTH_LOOKING = 1 << 20 };
    uint64_t room;
    return bytes < WORTH_LOOKING || neap__file_room(fd, &room) < 0 ||
           bytes <= room;
}
