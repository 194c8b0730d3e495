/* Address spaces as /proc shows them, see neap/maps.h. */
#include "neap/maps.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory/memory.h"
#include "os/node.h"
#include "os/proc.h"

struct neap_map_list {
    FILE *file;
    int32_t pid;
    char line[4096]; /* the next one, "" at the end */
};


const char *neap_map_kind_name(neap_map_kind kind)
{
    static const char *const names[] = {
        "?",     "posix",   "sysv", "file",  "anonymous",
        "memfd", "private", "heap", "stack", "kernel"};
    return (unsigned)kind < NEAP__COUNT(names) ? names[kind] : "?";
}


/* -- lines ---------------------------------------------------------------- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}


static neap_map_kind kind_of(const char *path, bool shared)
{
    if (!*path || begins(path, "[anon"))
        return shared ? NEAP_MAP_ANONYMOUS : NEAP_MAP_PRIVATE;
    if (begins(path, "[heap]"))
        return NEAP_MAP_HEAP;
    if (begins(path, "[stack"))
        return NEAP_MAP_STACK;
    if (*path == '[')
        return NEAP_MAP_KERNEL;
    if (begins(path, "/dev/zero"))
        return shared ? NEAP_MAP_ANONYMOUS : NEAP_MAP_PRIVATE;
    if (begins(path, "/SYSV"))
        return NEAP_MAP_SYSV;
    if (begins(path, "/memfd:"))
        return NEAP_MAP_MEMFD;
    return begins(path, "/dev/shm/") ? NEAP_MAP_POSIX : NEAP_MAP_FILE;
}


/* What people call it: the name in /dev/shm, the key, the label. */
static void name_it(neap_map_info *info, const char *path)
{
    size_t length = strlen(path);
    if (info->deleted)
        length -= strlen(" (deleted)");
    if (info->kind == NEAP_MAP_POSIX || info->kind == NEAP_MAP_MEMFD) {
        size_t before = strlen(info->kind == NEAP_MAP_POSIX ? "/dev/shm/"
                                                            : "/memfd:");
        path += before;
        length -= before;
    }
    if (info->kind == NEAP_MAP_SYSV)
        snprintf(info->name, sizeof info->name, "0x%.8s", path + 5);
    else if (info->kind != NEAP_MAP_ANONYMOUS)
        snprintf(info->name, sizeof info->name, "%.*s", (int)length, path);
}


/* A file that was born without a name is shown as "#inode (deleted)" ever
 * after, whatever name it was given. In /dev/shm that one can be found. */
static void find_name(neap_map_info *info)
{
    DIR *directory = info->kind == NEAP_MAP_POSIX && info->name[0] == '#'
                         ? opendir(neap__shm_directory) : NULL;
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        if (entry->d_ino == info->inode && entry->d_name[0] != '.') {
            snprintf(info->name, sizeof info->name, "%s", entry->d_name);
            info->deleted = false;
        }
    if (directory)
        closedir(directory);
}


static int protection_of(const char *flags)
{
    return (flags[0] == 'r' ? NEAP_PROT_READ : 0) |
           (flags[1] == 'w' ? NEAP_PROT_WRITE : 0) |
           (flags[2] == 'x' ? NEAP_PROT_EXEC : 0);
}


/* "7f00-7f10 rw-s 00001000 00:19 77   /dev/shm/sky". @return false for another
 * line. */
static bool read_head(const char *line, neap_map_info *info)
{
    unsigned long from, to, offset, inode;
    unsigned major, minor;
    char flags[5];
    int path = 0;
    if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %n", &from, &to, flags, &offset,
               &major, &minor, &inode, &path) < 7 || !path)
        return false;
    *info = (neap_map_info){
        .address = from, .size = to - from, .offset = offset,
        .device = (uint64_t)major << 32 | minor, .inode = inode,
        .protection = protection_of(flags), .shared = flags[3] == 's',
    };
    char text[4096];
    snprintf(text, sizeof text, "%s", line + path);
    text[strcspn(text, "\n")] = '\0';
    size_t length = strlen(text), gone = strlen(" (deleted)");
    info->deleted = length > gone &&
                    strcmp(text + length - gone, " (deleted)") == 0;
    info->kind = kind_of(text, info->shared);
    name_it(info, text);
    find_name(info);
    return true;
}


/* "Rss:    12 kB" */
static void read_size(const char *line, neap_map_info *info)
{
    static const struct {
        const char *field;
        size_t at, also;
    } fields[] = {
        {"Rss:", offsetof(neap_map_info, resident), 0},
        {"Shared_Clean:", offsetof(neap_map_info, others), 0},
        {"Shared_Dirty:", offsetof(neap_map_info, others),
         offsetof(neap_map_info, dirty)},
        {"Private_Dirty:", offsetof(neap_map_info, dirty), 0},
        {"Swap:", offsetof(neap_map_info, swapped), 0},
    };
    for (size_t i = 0; i < NEAP__COUNT(fields); i++)
        if (begins(line, fields[i].field)) {
            uint64_t bytes = strtoull(line + strlen(fields[i].field), NULL, 10)
                             << 10;
            *(uint64_t *)((char *)info + fields[i].at) += bytes;
            if (fields[i].also)
                *(uint64_t *)((char *)info + fields[i].also) += bytes;
        }
}


/* -- lists ---------------------------------------------------------------- */

static int cannot_look(int32_t pid, int status)
{
    if (status == -ENOENT && access("/proc/self/maps", R_OK) == 0)
        return neap__fail(-ESRCH, "there is no process %d here", pid);
    if (status == -ENOENT)
        return neap__fail(status, "/proc is not mounted: mount -t proc proc "
                          "/proc");
    if (status == -EACCES || status == -EPERM)
        return neap__fail(-EACCES, "the mappings of process %d are another "
                          "user's; ask as that user, or as root", pid);
    return neap__fail_why(status, "cannot look at the mappings of process %d",
                          pid);
}


/* @return 0, with "" at the end; -errno. */
static int advance(neap_map_list *list)
{
    if (fgets(list->line, sizeof list->line, list->file))
        return 0;
    list->line[0] = '\0';
    return ferror(list->file) ? cannot_look(list->pid, -errno) : 0;
}


static FILE *open_of(int32_t pid, const char *file)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid ? pid : getpid(), file);
    return fopen(path, "re");
}


int neap_map_list_open(int32_t pid, neap_map_list **ret_list)
{
    if (pid < 0)
        return neap__fail(-EINVAL, "%d is not the number of a process", pid);
    neap_map_list *list = calloc(1, sizeof *list);
    if (!list)
        return neap__fail_why(-ENOMEM, "cannot list mappings");
    list->pid = pid ? pid : getpid();
    list->file = open_of(pid, "smaps");
    int status = list->file ? advance(list) /* who may is asked only now */
                            : cannot_look(list->pid, -errno);
    if (status < 0) {
        neap_map_list_close(list);
        return status;
    }
    *ret_list = list;
    return 0;
}


int neap_map_list_next(neap_map_list *list, neap_map_info *ret_info)
{
    neap_map_info next;
    int status = 0;
    while (status == 0 && *list->line && !read_head(list->line, ret_info))
        status = advance(list);
    if (status < 0 || !*list->line)
        return status;
    while ((status = advance(list)) == 0 && *list->line &&
           !read_head(list->line, &next))
        read_size(list->line, ret_info);
    return status < 0 ? status : NEAP_MORE;
}


void neap_map_list_close(neap_map_list *list)
{
    if (!list)
        return;
    if (list->file)
        fclose(list->file);
    free(list);
}


/* -- one address ---------------------------------------------------------- */

static int find_map(int32_t pid, uint64_t address, neap_map_info *ret_info)
{
    neap_map_list *list;
    int status = neap_map_list_open(pid, &list);
    if (status < 0)
        return status;
    do
        status = neap_map_list_next(list, ret_info);
    while (status == NEAP_MORE && address - ret_info->address >= ret_info->size);
    neap_map_list_close(list);
    if (status == 0)
        status = neap__fail(-EFAULT, "nothing is mapped at %#llx of process %d",
                            (unsigned long long)address, pid ? pid : getpid());
    return status < 0 ? status : 0;
}


/* Word `number` of a file of 64-bit words. @return false if it is not told. */
static bool read_word(const char *path, uint64_t number, uint64_t *ret_word)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool read = fd >= 0 && pread(fd, ret_word, sizeof *ret_word,
                                 (off_t)(number * sizeof *ret_word)) ==
                               (ssize_t)sizeof *ret_word;
    if (fd >= 0)
        close(fd);
    return read;
}


/* The bits are those of Documentation/admin-guide/mm/pagemap.rst. */
static void read_page(int32_t pid, neap_page_info *info)
{
    char path[64];
    uint64_t word;
    snprintf(path, sizeof path, "/proc/%d/pagemap", pid ? pid : getpid());
    if (!read_word(path, info->page, &word))
        return;
    info->present = word >> 63;
    info->swapped = word >> 62 & 1;
    info->file_or_shared = word >> 61 & 1;
    info->frame = info->present ? word & ((UINT64_C(1) << 55) - 1) : 0;
    info->frame_known = info->frame != 0;
    info->mapped_known = info->frame_known &&
                         read_word("/proc/kpagecount", info->frame,
                                   &info->mapped);
}


int neap_translate(int32_t pid, uint64_t address, neap_page_info *ret_info)
{
    neap_page_info info = {.page_size = (uint64_t)sysconf(_SC_PAGESIZE)};
    int status = find_map(pid, address, &info.map);
    if (status < 0)
        return status;
    info.page = address / info.page_size;
    info.offset = address % info.page_size;
    read_page(pid, &info);
    int node = neap__page_node(pid, address);
    info.node = node < 0 ? -1 : node;
    *ret_info = info;
    return 0;
}


/* -- who else ------------------------------------------------------------- */

/* @return 1 it has; 0; -errno. */
static int has_page(int32_t pid, const neap_map_info *map, uint64_t offset)
{
    char line[4096];
    neap_map_info info;
    bool found = false;
    FILE *maps = open_of(pid, "maps");
    while (maps && !found && fgets(line, sizeof line, maps))
        found = read_head(line, &info) && info.shared &&
                info.device == map->device && info.inode == map->inode &&
                offset >= info.offset && offset - info.offset < info.size;
    int error = !maps || ferror(maps) ? errno : 0;
    if (maps)
        fclose(maps);
    return error && !neap__proc_left_out(error) ? cannot_look(pid, -error)
                                                : found;
}


int neap_page_sharers(int32_t pid, uint64_t address, int32_t *ret_pids,
                      int most)
{
    neap_map_info map;
    int status = find_map(pid, address, &map), count = 0;
    if (status < 0 || !map.shared)
        return status;
    DIR *processes = opendir("/proc");
    if (!processes)
        return neap__fail_why(-errno, "cannot look for processes in /proc");
    uint64_t offset = map.offset + (address - map.address);
    for (struct dirent *entry; status >= 0 && (entry = readdir(processes));) {
        int32_t other = (int32_t)strtol(entry->d_name, NULL, 10);
        status = other > 0 ? has_page(other, &map, offset) : 0;
        if (status > 0 && count < most)
            ret_pids[count] = other;
        count += status > 0;
    }
    closedir(processes);
    return status < 0 ? status : count;
}
