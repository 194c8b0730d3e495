/* Names of a test's own, processes, waiting. */
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "internal.h"

#if defined __SANITIZE_THREAD__
#define SLOWNESS 10
#elif defined __SANITIZE_ADDRESS__
#define SLOWNESS 4
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define SLOWNESS 10
#elif __has_feature(address_sanitizer)
#define SLOWNESS 4
#endif
#endif
#ifndef SLOWNESS
#define SLOWNESS 1
#endif


int test_slowness(void)
{
    return SLOWNESS;
}


/* One of sixteen buffers, taken in turn. */
static char *next_buffer(void)
{
    static _Thread_local char buffers[16][512];
    static _Thread_local unsigned next;
    return buffers[next++ % 16];
}


const char *test_name(const char *x)
{
    char *name = next_buffer();
    snprintf(name, 512, "neap-test-%ld-%s", (long)test_pid, x);
    return name;
}


int32_t test_key(int n)
{
    if (n < 0 || n > 127)
        FAIL("test_key(%d): 0 to 127", n);
    return (int32_t)(0x40000000u | ((uint32_t)test_pid & 0x7fffff) << 7 |
                     (uint32_t)n);
}


const char *test_sysv(int n)
{
    char *address = next_buffer();
    snprintf(address, 512, "sysv:%d", test_key(n));
    return address;
}


const char *const test_kinds[] = {"posix", "sysv", "file", "anonymous", "memfd",
                                  NULL};
const char *const test_named_kinds[] = {"posix", "sysv", "file", NULL};


const char *test_address(const char *kind, int n)
{
    char *address = next_buffer(), label[32];
    snprintf(label, sizeof label, "segment-%d", n);
    if (strcmp(kind, "posix") == 0)
        return test_name(label);
    if (strcmp(kind, "sysv") == 0)
        return test_sysv(n);
    if (strcmp(kind, "file") == 0)
        snprintf(address, 512, "file:%.300s/%s", test_tmpdir(), label);
    else
        snprintf(address, 512, "%s:%s", kind,
                 strcmp(kind, "memfd") == 0 ? label : "");
    return address;
}


const char *test_tmpdir(void)
{
    static char path[256];
    const char *parent = getenv("TMPDIR");
    snprintf(path, sizeof path, "%.200s/neap-test-%ld",
             parent && *parent ? parent : "/tmp", (long)test_pid);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        FAIL("cannot make %s: %s", path, strerror(errno));
    return path;
}


const char *test_path(const char *file)
{
    char *path = next_buffer();
    snprintf(path, 512, "%s/%s", test_tmpdir(), file);
    return path;
}


pid_t test_fork(int (*fn)(void *argument), void *argument)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        FAIL("cannot fork: %s", strerror(errno));
    if (pid == 0) {
        int status = fn(argument);
        fflush(NULL);
        _exit(status);
    }
    return pid;
}


int test_wait(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            FAIL("cannot wait for process %ld: %s", (long)pid, strerror(errno));
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}


void test_kill(pid_t pid)
{
    if (kill(pid, SIGKILL) < 0)
        FAIL("cannot kill process %ld: %s", (long)pid, strerror(errno));
    test_wait(pid);
}


bool test_is_asleep(pid_t pid)
{
    char path[64], state = '?';
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *stat = fopen(path, "re");
    if (stat && fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
        state = '?';
    if (stat)
        fclose(stat);
    return state == 'S';
}


int64_t test_patience(void)
{
    return neap_deadline_after(INT64_C(10000000000) * SLOWNESS);
}


bool test_pause(int64_t until)
{
    nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    return neap_now() < until;
}
