/* Threads by their numbers, which mean something in one PID namespace only. */
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/os.h"


/* Looked up once in each process: a child may be in another one. */
uint64_t neap__pid_namespace(void)
{
    static _Atomic uint64_t known;
    static _Atomic uint32_t known_in;
    uint32_t generation = neap__fork_generation();
    if (atomic_load(&known_in) != generation) {
        struct stat st;
        atomic_store(&known, stat("/proc/self/ns/pid", &st) < 0
                                 ? 0 : (uint64_t)st.st_ino);
        atomic_store(&known_in, generation);
    }
    return atomic_load(&known);
}


uint32_t neap__thread_number(void)
{
    return (uint32_t)syscall(SYS_gettid);
}


bool neap__thread_vanished(uint32_t pid, uint32_t tid)
{
    return syscall(SYS_tgkill, pid, tid, 0) < 0 && errno == ESRCH;
}


void neap__yield(void)
{
    sched_yield();
}
