/* Who has the memory mapped, by /proc; see still.h. */
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>


/* Anything else that keeps us from looking must not pass for that. */
static bool is_gone(int error)
{
    return error == ENOENT || error == ESRCH;
}


bool neap__proc_left_out(int error)
{
    return is_gone(error) || error == EACCES || error == EPERM;
}


int neap__proc_threads(pid_t pid, DIR **ret_directory)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    *ret_directory = opendir(path);
    return *ret_directory ? 1 : is_gone(errno) ? 0 : -errno;
}


pid_t neap__proc_next(DIR *directory)
{
    struct dirent *entry;
    errno = 0;
    while ((entry = readdir(directory)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            return (pid_t)strtol(entry->d_name, NULL, 10);
    return is_gone(errno) ? 0 : -errno;
}


char neap__proc_state(pid_t pid, pid_t tid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)pid, (int)tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    char none = n < 0 && !is_gone(errno) ? '?' : 'X';
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return none;
    text[n] = '\0';
    /* Behind the command's name, in which anything may stand. */
    char *name_end = strrchr(text, ')');
    return name_end && name_end[1] ? name_end[2] : 'X';
}


/* -- maps ----------------------------------------------------------------- */

struct line {
    unsigned long from, to;
    char protection[5];
    char place[64]; /* device and inode, as they stand there */
};


static bool read_line(const char *text, struct line *ret)
{
    char device[24], inode[24];
    if (sscanf(text, "%lx-%lx %4s %*s %23s %23s", &ret->from, &ret->to,
               ret->protection, device, inode) != 5)
        return false;
    snprintf(ret->place, sizeof ret->place, "%s %s", device, inode);
    return true;
}


static FILE *open_maps(pid_t pid)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    return fopen(path, "re");
}


/* Our own line tells how the memory is named in everybody's: what stat says of
 * the device may be something else on some file systems. */
static int find_place(const void *base, char *ret_place)
{
    char text[512];
    struct line line;
    int status = -ENOENT;
    FILE *maps = open_maps(getpid());
    while (maps && status < 0 && fgets(text, sizeof text, maps))
        if (read_line(text, &line) && line.from <= (unsigned long)base &&
            (unsigned long)base < line.to) {
            strcpy(ret_place, line.place);
            status = 0;
        }
    if (status < 0 && (!maps || ferror(maps)))
        status = -errno;
    if (maps)
        fclose(maps);
    return status;
}


/* @return 1 it has; 0; -errno. */
static int has_mapped(pid_t pid, const char *place)
{
    char text[512];
    struct line line;
    bool found = false;
    FILE *maps = open_maps(pid);
    while (maps && !found && fgets(text, sizeof text, maps))
        found = read_line(text, &line) && line.protection[1] == 'w' &&
                line.protection[3] == 's' && strcmp(line.place, place) == 0;
    int error = !maps || ferror(maps) ? errno : 0;
    if (maps)
        fclose(maps);
    return error && !neap__proc_left_out(error) ? -error : found;
}


static uint64_t namespace_of(pid_t pid)
{
    char path[40];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)pid);
    return stat(path, &st) < 0 ? 0 : (uint64_t)st.st_ino;
}


/* -- processes ------------------------------------------------------------ */

/* Where it is, or belongs. */
static size_t place_of(const struct neap__still *still, pid_t pid)
{
    size_t low = 0, high = still->process_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (still->processes[middle].pid < pid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}


static struct neap__still_process *insert(struct neap__still *still, size_t at)
{
    if (still->process_count == still->process_room) {
        size_t room = still->process_room ? 2 * still->process_room : 256;
        void *more = realloc(still->processes, room * sizeof *still->processes);
        if (!more)
            return NULL;
        still->processes = more;
        still->process_room = room;
    }
    struct neap__still_process *process = still->processes + at;
    memmove(process + 1, process, (still->process_count - at) * sizeof *process);
    still->process_count++;
    return process;
}


/* @return 1 new, and it has the memory; 0; -errno. */
static int look_at(struct neap__still *still, pid_t pid)
{
    size_t at = place_of(still, pid);
    if (at < still->process_count && still->processes[at].pid == pid)
        return 0;
    struct neap__still_process *process = insert(still, at);
    if (!process)
        return -ENOMEM;
    bool ours = pid == getpid() || pid == still->guardian;
    int mapped = ours ? 0 : has_mapped(pid, still->place);
    if (mapped < 0)
        return mapped;
    *process = (struct neap__still_process){
        .pid = pid, .mapped = mapped > 0,
        .pid_namespace = mapped ? namespace_of(pid) : 0,
    };
    return mapped;
}


int neap__proc_look_for_new(struct neap__still *still)
{
    int status = 0, found = 0;
    pid_t pid = 1;
    DIR *processes = opendir("/proc");
    if (!processes)
        return -errno;
    while (status >= 0 && (pid = neap__proc_next(processes)) > 0) {
        status = look_at(still, pid);
        found += status > 0;
    }
    closedir(processes);
    return status < 0 ? status : pid < 0 ? pid : found;
}


int neap__still_find(struct neap__still *still, const void *base,
                     bool by_signal)
{
    *still = (struct neap__still){.by_signal = by_signal, .lifeline = -1};
    int status = find_place(base, still->place);
    if (status < 0)
        return status;
    status = neap__proc_look_for_new(still);
    return status < 0 ? status : 0;
}
