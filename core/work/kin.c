/*
 * Who is related to whom: the children of this process, and its parent.
 *
 * A child must not keep what belongs to its parent and siblings. An open copy
 * of a lifeline would let an orphan live on, one of a channel would hide the
 * end of an answer, and a pidfd would be one descriptor more for each
 * child forked before. So all of them stand in a list, and a fork handler
 * closes them in every child, of whoever in this process calls fork().
 *
 *  K1 Descriptors are opened, entered and closed under `lock`, which the fork
 *     handler takes too: no fork sees a descriptor that is not in the list.
 *  K2 The handler leaves to the child what belongs to it, known by `forking`,
 *     which is set in the thread that forks.
 *  K3 In a child the list is empty. The handles that it inherited are memory
 *     and nothing else; their generation tells them (neap__process_foreign).
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work/work.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static neap_process *children;
static _Thread_local neap_process *forking;

/* What makes us a child of neap. Written while there is one thread only. */
static struct {
    uint32_t generation;
    int channel;
    int lifeline;
} parent = {.channel = -1, .lifeline = -1};


static void close_all(neap_process *process)
{
    neap__close(&process->pidfd);
    neap__close(&process->channel);
    neap__close(&process->child_channel);
    neap__close(&process->lifeline.parent_end);
    neap__close(&process->lifeline.child_end);
}


static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}


static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&lock);
}


static void after_fork_in_child(void)
{
    for (neap_process *process = children; process; process = process->next)
        if (process != forking)
            close_all(process);
    children = NULL;
    neap__close(&parent.channel);
    neap__close(&parent.lifeline);
    pthread_mutex_unlock(&lock);
}


static void install_fork_handlers(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}


static int open_descriptors(neap_process *process)
{
    process->pidfd = neap__pidfd_open(getpid());
    if (process->pidfd < 0)
        return process->pidfd;
    int status = neap__lifeline_open(&process->lifeline);
    if (status < 0)
        return status;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    process->channel = ends[0];
    process->child_channel = ends[1];
    return 0;
}


static void link_locked(neap_process *process)
{
    process->next = children;
    process->link = &children;
    if (children)
        children->link = &process->next;
    children = process;
}


int neap__kin_enter(neap_process *process)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_fork_handlers);

    process->pidfd = process->channel = process->child_channel = -1;
    process->lifeline = (struct neap__lifeline){-1, -1};
    pthread_mutex_lock(&lock);
    int status = open_descriptors(process);
    if (status < 0)
        close_all(process);
    else
        link_locked(process);
    pthread_mutex_unlock(&lock);
    return status;
}


pid_t neap__kin_fork(neap_process *process)
{
    forking = process;
    pid_t pid = fork();
    int failed = errno;
    forking = NULL;
    errno = failed;
    return pid;
}


/*
 * The pidfd that named us until now makes room for the child's, so that a full
 * table of descriptors is met before the fork and not after it. Who ignores
 * SIGCHLD may have lost the child already: then there is none.
 */
int neap__kin_keep(neap_process *process, pid_t pid)
{
    process->pid = (int32_t)pid;
    process->exit.pid = process->pid;
    pthread_mutex_lock(&lock);
    neap__close(&process->child_channel);
    neap__close(&process->lifeline.child_end);
    neap__close(&process->pidfd);
    int fd = neap__pidfd_open(pid);
    if (fd >= 0)
        process->pidfd = fd;
    pthread_mutex_unlock(&lock);
    return fd >= 0 || fd == -ESRCH ? 0 : fd;
}


int neap__kin_become_child(neap_process *process)
{
    neap__close(&process->channel);
    neap__close(&process->lifeline.parent_end);
    int status = neap__lifeline_tie(&process->lifeline, process->pidfd);
    neap__close(&process->pidfd);
    parent.channel = process->child_channel;
    parent.lifeline = process->lifeline.child_end;
    parent.generation = neap__fork_generation();
    free(process);
    return status;
}


void neap__kin_leave(neap_process *process)
{
    pthread_mutex_lock(&lock);
    close_all(process);
    *process->link = process->next;
    if (process->next)
        process->next->link = process->link;
    pthread_mutex_unlock(&lock);
}


int neap__kin_channel(void)
{
    return parent.generation == neap__fork_generation() ? parent.channel : -1;
}
