/*
 * What a test left behind. Others use the machine meanwhile, so only names,
 * keys and processes that are the test's own are looked at.
 */
#include <dirent.h>
#include <ftw.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "internal.h"

enum { DESCRIPTORS = 4096 };
static bool open_before[DESCRIPTORS];


/* Call look(name) for each entry of a directory but . and .. */
static int each_entry(const char *directory, int (*look)(const char *name))
{
    int sum = 0;
    struct dirent *entry;
    DIR *dir = opendir(directory);
    while (dir && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            sum += look(entry->d_name);
    if (dir)
        closedir(dir);
    return sum;
}


/* -- in the test's process ------------------------------------------------- */

/* @return false if it is none, or the directory that is being read just now. */
static bool describe(int fd, char *ret_target, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, ret_target, size - 1);
    if (n < 0)
        return false;
    ret_target[n] = '\0';
    return strncmp(ret_target, "/proc/", 6) != 0 || !strstr(ret_target, "/fd");
}


static int remember(const char *name)
{
    char target[256];
    int fd = atoi(name);
    if (fd < DESCRIPTORS && describe(fd, target, sizeof target))
        open_before[fd] = true;
    return 0;
}


void test_remember_descriptors(void)
{
    each_entry("/proc/self/fd", remember);
}


static int left_open(const char *name)
{
    char target[256];
    int fd = atoi(name);
    if ((fd < DESCRIPTORS && open_before[fd]) ||
        !describe(fd, target, sizeof target))
        return 0;
    fprintf(stderr, "left behind: open descriptor %d, %s\n", fd, target);
    return 1;
}


static int left_children(void)
{
    int status;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid < 0)
        return 0;
    if (pid > 0)
        fprintf(stderr, "left behind: child %ld, which has ended and was not "
                "waited for\n", (long)pid);
    else
        fprintf(stderr, "left behind: a child that is still running\n");
    return 1;
}


int test_left_in_process(void)
{
    int left = each_entry("/proc/self/fd", left_open);
    return left + left_children();
}


/* -- in the runner --------------------------------------------------------- */

static pid_t looked_at;
static FILE *report;


static int left(const char *what)
{
    if (report)
        fprintf(report, "left behind: %s\n", what);
    return 1;
}


static int left_in_shm(const char *name)
{
    char own[64], birth[64], path[512];
    snprintf(own, sizeof own, "neap-test-%ld-", (long)looked_at);
    snprintf(birth, sizeof birth, ".neap-birth-%ld-", (long)looked_at);
    const char *plain = strncmp(name, "sem.", 4) == 0 ? name + 4 : name;
    if (strncmp(plain, own, strlen(own)) != 0 &&
        strncmp(name, birth, strlen(birth)) != 0)
        return 0;
    snprintf(path, sizeof path, "/dev/shm/%s", name);
    unlink(path);
    return left(path);
}


static bool is_own_key(int key)
{
    return key > 0x40000000 && ((uint32_t)key >> 7 & 0x7fffff) ==
                                   ((uint32_t)looked_at & 0x7fffff);
}


static int left_semaphores(void)
{
    FILE *list = fopen("/proc/sysvipc/sem", "r");
    char line[512], what[128];
    int key, id, sum = 0;
    while (list && fgets(line, sizeof line, list)) {
        if (sscanf(line, "%d %d", &key, &id) != 2 || !is_own_key(key))
            continue;
        snprintf(what, sizeof what, "System V semaphore set %d, key 0x%x", id,
                 (unsigned)key);
        sum += left(what);
        semctl(id, 0, IPC_RMID);
    }
    if (list)
        fclose(list);
    return sum;
}


static int left_segments(void)
{
    FILE *list = fopen("/proc/sysvipc/shm", "r");
    char line[512], what[128];
    int key, id, creator, sum = 0;
    while (list && fgets(line, sizeof line, list)) {
        if (sscanf(line, "%d %d %*o %*u %d", &key, &id, &creator) != 3)
            continue;
        if (!is_own_key(key) && creator != looked_at)
            continue;
        snprintf(what, sizeof what, "System V segment %d, key 0x%x, made by "
                 "process %d", id, (unsigned)key, creator);
        sum += left(what);
        shmctl(id, IPC_RMID, NULL);
    }
    if (list)
        fclose(list);
    return sum;
}


static int files;

static int remove_file(const char *path, const struct stat *st, int type,
                       struct FTW *ftw)
{
    (void)st;
    (void)type;
    if (ftw->level > 0)
        files += left(path);
    remove(path);
    return 0;
}


static int left_in_tmpdir(void)
{
    char path[256];
    const char *parent = getenv("TMPDIR");
    snprintf(path, sizeof path, "%.200s/neap-test-%ld",
             parent && *parent ? parent : "/tmp", (long)looked_at);
    files = 0;
    nftw(path, remove_file, 16, FTW_DEPTH | FTW_PHYS);
    return files;
}


int test_left_on_machine(pid_t pid, FILE *out)
{
    looked_at = pid;
    report = out;
    return each_entry("/dev/shm", left_in_shm) + left_segments() +
           left_semaphores() + left_in_tmpdir();
}


static int kill_if_child(const char *name)
{
    char path[64], state;
    int pid = atoi(name), parent = 0;
    if (pid <= 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *stat = fopen(path, "r");
    if (!stat)
        return 0;
    int n = fscanf(stat, "%*d (%*[^)]) %c %d", &state, &parent);
    fclose(stat);
    if (n != 2 || parent != getpid() || state == 'Z')
        return 0;
    kill(pid, SIGKILL);
    return 1;
}


/* The runner is a subreaper: orphans of the test become its children, whatever
 * process group they are in. @return true if there are none any more. */
static bool reap_all(void)
{
    pid_t pid;
    do
        pid = waitpid(-1, NULL, WNOHANG);
    while (pid > 0);
    return pid < 0 && errno == ECHILD;
}


int test_end_descendants(pid_t pid)
{
    int64_t grace = neap_deadline_after(INT64_C(2000000000) * test_slowness());
    while (!reap_all())
        if (!test_pause(grace))
            break;
    if (reap_all())
        return 0;

    int killed = 0;
    kill(-pid, SIGKILL);
    do
        killed += each_entry("/proc", kill_if_child);
    while (!reap_all() && test_pause(INT64_MAX));
    return killed ? killed : 1;
}
