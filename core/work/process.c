/*
 * Processes: fork a worker, wait for it, take what it answers.
 *
 * A wait listens to two things at once, the pidfd and the channel, and reads
 * while it waits. The end of the process ends it, not the end of the channel:
 * that may be in other hands.
 *
 *  P1 The descriptors of a handle stay open from the fork to the close, so that
 *     several threads may poll them while one takes the status.
 *  P2 Signals go through the pidfd. A process number is for people: it may be
 *     another's by the time it is used.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work/work.h"

#include "recovery/wait.h"

/* What one look reads, so that it comes to an end. */
#define AT_A_TIME (1024 * 1024)


static neap_process *new_process(void)
{
    neap_process *process = calloc(1, sizeof *process);
    if (!process)
        return NULL;
    pthread_mutex_init(&process->lock, NULL);
    process->generation = neap__fork_generation();
    return process;
}


static void free_process(neap_process *process)
{
    pthread_mutex_destroy(&process->lock);
    free(process->answer.bytes);
    free(process);
}


static int cannot_fork(neap_process *process, int status)
{
    neap__kin_leave(process);
    free_process(process);
    return neap__fail_why(status, "cannot fork; `ulimit -u` and the memory of "
                          "the machine limit how many processes there may be");
}


/* Nobody to tell: who cannot be tied to the parent must not live. */
static int start_child(neap_process *process)
{
    if (neap__kin_become_child(process) < 0)
        _exit(EXIT_FAILURE);
    return NEAP_CHILD;
}


static void kill_nameless(neap_process *process)
{
    kill(process->pid, SIGKILL);
    while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}


int neap_process_fork(neap_process **ret_process)
{
    neap_process *process = new_process();
    if (!process)
        return neap__fail_why(-ENOMEM, "cannot fork");
    int status = neap__kin_enter(process);
    if (status < 0) {
        free_process(process);
        return neap__fail_why(status, "cannot open what ties a child to its "
                              "parent; each takes two or three descriptors, "
                              "see `ulimit -n`");
    }

    /* What is in a buffer now would be printed by both. */
    fflush(NULL);

    pid_t pid = neap__kin_fork(process);
    if (pid == 0) {
        *ret_process = NULL;
        return start_child(process);
    }
    if (pid < 0)
        return cannot_fork(process, -errno);
    status = neap__kin_keep(process, pid);
    if (status < 0) {
        kill_nameless(process);
        return cannot_fork(process, status);
    }
    if (process->pidfd < 0)
        neap__process_look(process);
    *ret_process = process;
    return 0;
}


void neap_process_exit(int code)
{
    fflush(NULL);
    _exit(code);
}


int32_t neap_process_pid(neap_process *process)
{
    return process->pid;
}


static int look_locked(neap_process *process)
{
    if (process->ended)
        return process->ended;
    int ended = process->pidfd < 0
                    ? -ECHILD
                    : neap__pidfd_reap(process->pidfd, &process->exit);
    if (ended == 0) {
        if (!process->silent)
            process->silent = neap__answer_take(
                &process->answer, process->channel, AT_A_TIME);
        return 0;
    }
    if (!process->silent)
        neap__answer_take_rest(&process->answer, process->channel);
    process->silent = true;
    process->ended = ended;
    return ended;
}


int neap__process_look(neap_process *process)
{
    pthread_mutex_lock(&process->lock);
    int ended = look_locked(process);
    pthread_mutex_unlock(&process->lock);
    return ended;
}


int neap__process_ended(neap_process *process)
{
    pthread_mutex_lock(&process->lock);
    int ended = process->ended;
    pthread_mutex_unlock(&process->lock);
    return ended;
}


void neap__process_watch(neap_process *process, struct pollfd fds[2])
{
    pthread_mutex_lock(&process->lock);
    fds[0] = (struct pollfd){.fd = process->pidfd, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = process->silent ? -1 : process->channel,
                             .events = POLLIN};
    pthread_mutex_unlock(&process->lock);
}


/* A signal that came just before the poll did not end it, and its handler may
 * be the binding's to run: so that is asked whenever a poll was in vain.
 * @return neap_process.ended, not 0; -ETIMEDOUT; -EINTR. */
static int await(neap_process *process, int64_t deadline, bool asks)
{
    for (;;) {
        int ended = neap__process_look(process);
        if (ended)
            return ended;
        struct pollfd fds[2];
        neap__process_watch(process, fds);
        int status = neap__poll(fds, 2, deadline);
        if (status < 0)
            return status;
        if (status == 0 && asks && neap__wait_is_over())
            return -EINTR;
    }
}


static int fail_foreign(neap_process *process)
{
    return neap__fail(-ECHILD, "process %d is not a child of this process: the "
                      "handle came here through a fork; wait in the process "
                      "that forked it", process->pid);
}


static int fail_wait(neap_process *process, int status)
{
    switch (status) {
    case -ECHILD:
        return neap__fail(status, "process %d has ended and its status is "
                          "lost: the program ignores SIGCHLD or waits for "
                          "children that are not its own; set SIGCHLD to "
                          "SIG_DFL, wait for single processes", process->pid);
    case -ETIMEDOUT:
        return neap__fail(status, "process %d has not ended in time",
                          process->pid);
    case -EINTR:
        return neap__fail(status, "a signal interrupted the wait for process "
                          "%d; wait again, or close it", process->pid);
    default:
        return neap__fail_why(status, "cannot wait for process %d",
                              process->pid);
    }
}


int neap_process_wait(neap_process *process, int64_t deadline,
                      neap_exit *ret_exit)
{
    if (neap__process_foreign(process))
        return fail_foreign(process);
    int ended = await(process, deadline, true);
    if (ended < 0)
        return fail_wait(process, ended);
    if (process->answer.cut)
        return neap__fail_why(-ENOMEM, "cannot hold what process %d answered",
                              process->pid);
    if (ret_exit)
        *ret_exit = process->exit;
    return 0;
}


int neap_process_alive(neap_process *process)
{
    return !neap__process_foreign(process) && neap__process_look(process) == 0;
}


int neap_process_kill(neap_process *process, int signal)
{
    if (signal < 0 || signal >= _NSIG)
        return neap__fail(-EINVAL, "cannot send signal %d to process %d: there "
                          "is no such signal", signal, process->pid);
    if (neap__process_foreign(process))
        return fail_foreign(process);
    if (neap__process_look(process))
        return 0;
    int status = neap__pidfd_kill(process->pidfd, signal);
    return status < 0 ? neap__fail_why(status, "cannot send %s to process %d",
                                       neap_signal_name(signal), process->pid)
                      : 0;
}


void neap_process_close(neap_process *process)
{
    if (!process)
        return;
    if (!neap__process_foreign(process)) {
        if (neap__process_look(process) == 0)
            neap__pidfd_kill(process->pidfd, SIGKILL);
        while (await(process, NEAP_FOREVER, false) == -EINTR)
            ;
        neap__kin_leave(process);
    }
    free_process(process);
}
