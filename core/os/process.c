/*
 * Processes, as the system sees them.
 *
 * How a child is made to die with its parent. PR_SET_PDEATHSIG is the plain
 * way, but it fires when the *thread* that forked ends, whether or not its
 * process lives on. So it serves for forks from the main thread, which lives as
 * long as its process unless it calls pthread_exit. A child of another
 * thread gets a lifeline: a pipe whose writing end only the parent has, and
 * whose reading end asks the kernel for SIGKILL as its I/O signal. Nothing is
 * ever written to it; the one event it can have is that the last writer is
 * gone. Neither way needs a helper process, a thread or a handler in the
 * child, and both outlive an exec.
 *
 * The lifeline depends on nobody else holding its writing end: core/work/kin.c
 * closes it in whatever is forked, and exec closes it by itself.
 */
#include "os/process.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif


int neap__pidfd_open(pid_t pid)
{
    long fd = syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : (int)fd;
}


int neap__pidfd_kill(int pidfd, int signal)
{
    if (syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0)
        return 0;
    return errno == ESRCH ? 0 : -errno;
}


int neap__pidfd_reap(int pidfd, neap_exit *ret_exit)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    while (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info,
                  WEXITED | WNOHANG) < 0)
        if (errno != EINTR)
            return -errno;
    if (info.si_pid == 0)
        return 0;

    bool exited = info.si_code == CLD_EXITED;
    *ret_exit = (neap_exit){
        .pid = info.si_pid,
        .code = exited ? info.si_status : 0,
        .signal = exited ? 0 : info.si_status,
        .core = info.si_code == CLD_DUMPED,
    };
    return 1;
}


/*
 * How long one call of ppoll may last. It ends now and then even if the
 * deadline is far, so that a SIGCHLD for somebody else is not held back long.
 */
static struct timespec time_slice(int64_t deadline)
{
    int64_t left = deadline == NEAP_FOREVER ? INT64_MAX : deadline - neap_now();
    if (left < 0)
        left = 0;
    if (left >= 1000000000)
        return (struct timespec){.tv_sec = 1};
    return (struct timespec){.tv_nsec = (long)left};
}


int neap__poll(struct pollfd *fds, nfds_t count, int64_t deadline)
{
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    sigaddset(&mask, SIGCHLD);
    struct timespec slice = time_slice(deadline);
    int n = ppoll(fds, count, &slice, &mask);
    if (n != 0)
        return n > 0 ? n : -errno;
    return deadline != NEAP_FOREVER && neap_now() >= deadline ? -ETIMEDOUT : 0;
}


int neap__lifeline_open(struct neap__lifeline *lifeline)
{
    lifeline->parent_end = lifeline->child_end = -1;
    if (getpid() == gettid())
        return 0;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    lifeline->child_end = ends[0];
    lifeline->parent_end = ends[1];
    return 0;
}


/* A parent that was gone before the tie was made sends no signal any more. */
static bool readable(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};
    return poll(&look, 1, 0) > 0;
}


int neap__lifeline_tie(const struct neap__lifeline *lifeline, int parent)
{
    int end = lifeline->child_end;
    if (end < 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
            return -errno;
    } else if (fcntl(end, F_SETOWN, getpid()) < 0 ||
               fcntl(end, F_SETSIG, SIGKILL) < 0 ||
               fcntl(end, F_SETFL, O_ASYNC) < 0 ||
               fcntl(end, F_SETFD, 0) < 0) {
        return -errno;
    }
    if (readable(end < 0 ? parent : end)) {
        raise(SIGKILL);
        _exit(1); /* the first process of a PID namespace survives that */
    }
    return 0;
}


void neap__close(int *fd)
{
    int before = errno;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = before;
}
