/* Making others stand still, see still.h. Who they are is found in proc.c. */
#include "os/still.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/proc.h"

enum { PAUSE = 100000 }; /* nanoseconds between two looks */


void neap__still_allow(pid_t child)
{
    prctl(PR_SET_PTRACER, (unsigned long)child, 0, 0, 0);
}


static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
}


/* -- the guardian --------------------------------------------------------- */

static void let_go_by_signal(struct neap__still_held *held)
{
    uint32_t count = atomic_load(&held->count);
    for (uint32_t i = 0; i < count; i++) {
        pid_t pid = atomic_load(&held->pids[i]);
        if (pid > 0)
            kill(pid, SIGCONT);
    }
}


/* Wait for the caller's end, whichever way it ends. */
_Noreturn static void guard(struct neap__still_held *held, int lifeline)
{
    char byte;
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    while (read(lifeline, &byte, 1) < 0 && errno == EINTR)
        ;
    let_go_by_signal(held);
    _exit(0);
}


static int make_guardian(struct neap__still *still)
{
    int ends[2];
    void *memory = mmap(NULL, sizeof *still->held, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return -errno;
    still->held = memory;
    if (pipe(ends) < 0)
        return -errno;
    pid_t guardian = fork();
    if (guardian == 0) {
        setpgid(0, 0); /* what is meant for the caller's group is not for it */
        close(ends[1]);
        guard(still->held, ends[0]);
    }
    int status = guardian < 0 ? -errno : 0;
    close(ends[0]);
    still->lifeline = ends[1];
    still->guardian = guardian;
    return status;
}


static void end_guardian(struct neap__still *still)
{
    if (still->held) {
        let_go_by_signal(still->held);
        close(still->lifeline);
        if (still->guardian > 0)
            while (waitpid(still->guardian, NULL, 0) < 0 && errno == EINTR)
                ;
        munmap(still->held, sizeof *still->held);
    }
    still->held = NULL;
}


/* -- by signal ------------------------------------------------------------ */

/* @return 1; 0; -errno. */
static int all_stopped(pid_t pid)
{
    bool all = true;
    pid_t tid = 0;
    DIR *threads;
    int status = neap__proc_threads(pid, &threads);
    if (status <= 0)
        return status < 0 ? status : 1;
    while (all && (tid = neap__proc_next(threads)) > 0)
        all = strchr("TtZX", neap__proc_state(pid, tid)) != NULL;
    closedir(threads);
    return tid < 0 ? tid : all;
}


static int await_all_stopped(pid_t pid, int64_t deadline)
{
    int stopped;
    while ((stopped = all_stopped(pid)) == 0) {
        if (neap_now() >= deadline)
            return -ETIMEDOUT;
        rest();
    }
    return stopped < 0 ? stopped : 0;
}


/* One that was stopped before us, by others, is neither stopped nor let go. */
static int stop_by_signal(struct neap__still *still, pid_t pid,
                          int64_t deadline)
{
    int status = strchr("TZX", neap__proc_state(pid, pid)) ? all_stopped(pid)
                                                            : 0;
    if (status)
        return status < 0 ? status : 0;
    status = still->held ? 0 : make_guardian(still);
    if (status < 0)
        return status;
    uint32_t at = atomic_load(&still->held->count);
    if (at == NEAP__STILL_BY_SIGNAL_MAX)
        return -EAGAIN;
    /* Named before it is stopped: the guardian may have to act in between. */
    atomic_store(&still->held->pids[at], pid);
    atomic_store(&still->held->count, at + 1);
    if (kill(pid, SIGSTOP) < 0) {
        status = errno == ESRCH ? 0 : -errno;
        atomic_store(&still->held->pids[at], 0);
        return status;
    }
    return await_all_stopped(pid, deadline);
}


/* -- by ptrace ------------------------------------------------------------ */

static bool has_thread(const struct neap__still *still, pid_t tid)
{
    for (size_t i = 0; i < still->thread_count; i++)
        if (still->threads[i].tid == tid)
            return true;
    return false;
}


static int add_thread(struct neap__still *still, pid_t pid, pid_t tid)
{
    if (still->thread_count == still->thread_room) {
        size_t room = still->thread_room ? 2 * still->thread_room : 64;
        void *more = realloc(still->threads, room * sizeof *still->threads);
        if (!more)
            return -ENOMEM;
        still->threads = more;
        still->thread_room = room;
    }
    still->threads[still->thread_count++] =
        (struct neap__still_thread){.pid = pid, .tid = tid};
    return 0;
}


/* @return 1 it was seized; 0 it is none that runs; -EPERM. */
static int seize(struct neap__still *still, pid_t pid, pid_t tid)
{
    if (strchr("ZX", neap__proc_state(pid, tid)))
        return 0;
    if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
        return errno == ESRCH || strchr("ZX", neap__proc_state(pid, tid))
                   ? 0 : -EPERM;
    int status = add_thread(still, pid, tid);
    if (status < 0)
        return status;
    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
    return 1;
}


/* All threads of it that are not ours yet. @return how many; -EPERM. */
static int seize_threads(struct neap__still *still, pid_t pid)
{
    int seized = 0;
    pid_t tid = 0;
    DIR *threads;
    int status = neap__proc_threads(pid, &threads);
    if (status <= 0)
        return status;
    while (status >= 0 && (tid = neap__proc_next(threads)) > 0)
        if (!has_thread(still, tid)) {
            status = seize(still, pid, tid);
            seized += status > 0;
        }
    closedir(threads);
    return status < 0 ? status : tid < 0 ? tid : seized;
}


/* Whatever it stops for will do; a signal is remembered. One that has ended
 * is out. */
static int await_stop(struct neap__still_thread *thread, int64_t deadline)
{
    for (;;) {
        int how;
        pid_t got = waitpid(thread->tid, &how, __WALL | WNOHANG);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || (got > 0 && !WIFSTOPPED(how))) {
            thread->tid = 0;
            return 0;
        }
        if (got > 0) {
            if (how >> 16 == 0)
                thread->signal = WSTOPSIG(how);
            return 0;
        }
        if (neap_now() >= deadline)
            return -ETIMEDOUT;
        rest();
    }
}


/* A thread that is not stopped yet may make another. */
static int stop_by_ptrace(struct neap__still *still, pid_t pid,
                          int64_t deadline)
{
    int seized;
    do {
        size_t first = still->thread_count;
        seized = seize_threads(still, pid);
        if (seized < 0)
            return seized;
        for (size_t i = first; i < still->thread_count; i++) {
            int status = await_stop(&still->threads[i], deadline);
            if (status < 0)
                return status;
        }
    } while (seized);
    return 0;
}


/* PTRACE_DETACH works on what is stopped only; the rest the kernel lets go
 * when we end. */
static void detach(struct neap__still *still, pid_t pid)
{
    for (size_t i = 0; i < still->thread_count; i++) {
        struct neap__still_thread *thread = &still->threads[i];
        if (!thread->tid || (pid && thread->pid != pid))
            continue;
        ptrace(PTRACE_DETACH, thread->tid, NULL,
               (void *)(intptr_t)thread->signal);
        thread->tid = 0;
    }
}


/* -- all of them ---------------------------------------------------------- */

static int stop_process(struct neap__still *still,
                        struct neap__still_process *process, int64_t deadline)
{
    int status = -EPERM;
    still->culprit = process->pid;
    if (!still->began)
        still->began = neap_now();
    if (!still->by_signal)
        status = stop_by_ptrace(still, process->pid, deadline);
    if (status == -EPERM) {
        detach(still, process->pid);
        status = stop_by_signal(still, process->pid, deadline);
    }
    if (status < 0)
        return status;
    process->stopped = true;
    still->culprit = 0;
    return 0;
}


/* Until a look at who there is finds nobody new: a process may have forked, or
 * been started, until it stood still. */
int neap__still_stop(struct neap__still *still, int64_t deadline)
{
    int news = 1, stopped = 0;
    while (news > 0) {
        for (size_t i = 0; i < still->process_count; i++) {
            struct neap__still_process *process = &still->processes[i];
            if (!process->mapped || process->stopped)
                continue;
            int status = stop_process(still, process, deadline);
            if (status < 0)
                return status;
        }
        news = neap__proc_look_for_new(still);
    }
    for (size_t i = 0; i < still->process_count; i++)
        stopped += still->processes[i].stopped;
    return news < 0 ? news : stopped;
}


/* SIGCONT of somebody else is enough to let one go. */
int neap__still_holds(struct neap__still *still)
{
    uint32_t count = still->held ? atomic_load(&still->held->count) : 0;
    for (uint32_t i = 0; i < count; i++) {
        pid_t pid = atomic_load(&still->held->pids[i]);
        int stopped = pid > 0 ? all_stopped(pid) : 1;
        still->culprit = pid;
        if (stopped <= 0)
            return stopped;
    }
    still->culprit = 0;
    return 1;
}


bool neap__still_sees(const struct neap__still *still, uint64_t pid_namespace)
{
    for (size_t i = 0; i < still->process_count; i++)
        if (still->processes[i].stopped &&
            still->processes[i].pid_namespace == pid_namespace)
            return true;
    return false;
}


bool neap__still_has(const struct neap__still *still, pid_t pid)
{
    for (size_t i = 0; i < still->process_count; i++)
        if (still->processes[i].stopped && still->processes[i].pid == pid)
            return true;
    return false;
}


void neap__still_end(struct neap__still *still)
{
    detach(still, 0);
    end_guardian(still);
    free(still->threads);
    free(still->processes);
    still->threads = NULL;
    still->processes = NULL;
    still->thread_count = still->process_count = 0;
}
