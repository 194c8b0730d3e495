/*
 * Teams: n workers that run the same function.
 *
 * The team's control block lies in an anonymous shared mapping that is made
 * before the first fork, so that every worker inherits it at the same address.
 * In a worker the same handle is good for ranges; the processes in it are its
 * siblings', and it leaves them alone.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "work/work.h"

#include "recovery/wait.h"


static struct neap_sh_team *map_shared(uint32_t workers, size_t *ret_size)
{
    size_t size = sizeof(struct neap_sh_team) +
                  (size_t)NEAP_SH_RANGES * workers *
                      sizeof(struct neap_sh_bounds);

    /* Most teams open a range or two: pages that nobody touches cost nothing,
     * and need not be promised. */
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (shared == MAP_FAILED)
        return NULL;
    *ret_size = size;
    return shared;
}


static void free_team(neap_team *team)
{
    if (!team)
        return;
    if (team->shared)
        munmap(team->shared, team->size);
    free(team->polled);
    free(team);
}


int neap_team_create(uint32_t workers, neap_team **ret_team)
{
    if (workers < 1 || workers > NEAP_TEAM_MAX)
        return neap__fail(-EINVAL, "cannot make a team of %u workers: it may "
                          "have 1 to %d", workers, NEAP_TEAM_MAX);
    neap_team *team = calloc(1, sizeof *team +
                                    workers * sizeof team->members[0]);
    if (!team)
        goto fail;
    team->polled = calloc(workers, 2 * sizeof team->polled[0]);
    team->shared = map_shared(workers, &team->size);
    if (!team->polled || !team->shared)
        goto fail;
    team->shared->workers = workers;
    team->workers = workers;
    team->self = -1;
    team->generation = neap__fork_generation();
    *ret_team = team;
    return 0;

fail:
    free_team(team);
    return neap__fail_why(-ENOMEM, "cannot make a team of %u workers", workers);
}


/* True in the process that made the team. */
static bool is_parent(const neap_team *team)
{
    return team->self < 0 && team->generation == neap__fork_generation();
}


static int fail_not_parent(const char *what)
{
    return neap__fail(-EPERM, "cannot %s: the team was made by another process "
                      "and came here through a fork; make a team of its own in "
                      "this one", what);
}


int neap_team_fork(neap_team *team, uint32_t index)
{
    if (!is_parent(team))
        return fail_not_parent("start a worker");
    if (index >= team->workers)
        return neap__fail(-EINVAL, "cannot start worker %u: the team has %u, "
                          "counted from 0", index, team->workers);
    if (team->members[index].process)
        return neap__fail(-EEXIST, "worker %u of %u was started before: each "
                          "is started once", index, team->workers);
    int status = neap_process_fork(&team->members[index].process);
    if (status == NEAP_CHILD) {
        team->self = index;
        team->generation = neap__fork_generation();
    }
    return status;
}


uint32_t neap_team_workers(neap_team *team)
{
    return team->workers;
}


neap_process *neap_team_process(neap_team *team, uint32_t index)
{
    if (index >= team->workers || !is_parent(team))
        return NULL;
    return team->members[index].process;
}


/*
 * A member that has ended and of which nobody was told.
 * @return its index; -1 none, with *ret_running of those that go on.
 */
static int64_t find_ended(const neap_team *team, uint32_t *ret_running)
{
    *ret_running = 0;
    for (uint32_t i = 0; i < team->workers; i++) {
        const struct neap__member *member = &team->members[i];
        if (!member->process || member->told)
            continue;
        if (neap__process_ended(member->process))
            return i;
        ++*ret_running;
    }
    return -1;
}


static void watch_all(neap_team *team)
{
    for (uint32_t i = 0; i < team->workers; i++) {
        neap_process *process = team->members[i].process;
        struct pollfd *fds = &team->polled[2 * i];
        if (process && !neap__process_ended(process))
            neap__process_watch(process, fds);
        else
            fds[0].fd = fds[1].fd = -1;
    }
}


/* Only at those that have something to say: a team may be large. */
static void look_at_ready(neap_team *team)
{
    for (uint32_t i = 0; i < team->workers; i++) {
        const struct pollfd *fds = &team->polled[2 * i];
        if ((fds[0].fd >= 0 && fds[0].revents) ||
            (fds[1].fd >= 0 && fds[1].revents))
            neap__process_look(team->members[i].process);
    }
}


/* Listen until one has something to say. @return 0; -ETIMEDOUT; -EINTR. */
static int listen_to_all(neap_team *team, int64_t deadline)
{
    watch_all(team);
    int n = neap__poll(team->polled, 2 * (nfds_t)team->workers, deadline);
    if (n > 0)
        look_at_ready(team);
    if (n == 0 && neap__wait_is_over()) /* as a single process is waited for */
        return -EINTR;
    return n < 0 ? n : 0;
}


static int tell(neap_team *team, uint32_t index, uint32_t *ret_index,
                neap_exit *ret_exit)
{
    neap_process *process = team->members[index].process;
    neap_exit ended;
    team->members[index].told = true;
    int status = neap_process_wait(process, NEAP_NOW, &ended);
    *ret_index = index;
    if (status < 0)
        return status;
    *ret_exit = ended;
    return NEAP_MORE;
}


int neap_team_next(neap_team *team, int64_t deadline, uint32_t *ret_index,
                   neap_exit *ret_exit)
{
    if (!is_parent(team))
        return fail_not_parent("wait for the workers");
    for (;;) {
        uint32_t running;
        int64_t ended = find_ended(team, &running);
        if (ended >= 0)
            return tell(team, (uint32_t)ended, ret_index, ret_exit);
        if (running == 0)
            return 0;
        int status = listen_to_all(team, deadline);
        if (status == -ETIMEDOUT)
            return neap__fail(status, "%u of %u workers have not ended in time",
                              running, team->workers);
        if (status == -EINTR)
            return neap__fail(status, "a signal interrupted the wait for %u of "
                              "%u workers; wait again, or stop the team",
                              running, team->workers);
        if (status < 0)
            return neap__fail_why(status, "cannot wait for %u of %u workers",
                                  running, team->workers);
    }
}


static bool any_runs(const neap_team *team)
{
    for (uint32_t i = 0; i < team->workers; i++) {
        neap_process *process = team->members[i].process;
        if (process && !neap__process_ended(process))
            return true;
    }
    return false;
}


/* A stopped process meets SIGTERM only when it goes on. */
static void signal_all(const neap_team *team, int signal)
{
    for (uint32_t i = 0; i < team->workers; i++) {
        neap_process *process = team->members[i].process;
        if (!process || neap__process_look(process))
            continue;
        neap__pidfd_kill(process->pidfd, signal);
        if (signal != SIGKILL)
            neap__pidfd_kill(process->pidfd, SIGCONT);
    }
}


int neap_team_stop(neap_team *team, int64_t grace)
{
    if (!is_parent(team))
        return fail_not_parent("stop the workers");
    if (grace > 0) {
        int64_t deadline = neap_deadline_after(grace);
        signal_all(team, SIGTERM);
        while (any_runs(team))
            if (listen_to_all(team, deadline) == -ETIMEDOUT)
                break;
    }
    signal_all(team, SIGKILL);
    while (any_runs(team))
        listen_to_all(team, NEAP_FOREVER);
    return 0;
}


void neap_team_close(neap_team *team)
{
    if (!team)
        return;
    if (is_parent(team))
        neap_team_stop(team, 0);

    /* In a worker this only forgets the siblings. */
    for (uint32_t i = 0; i < team->workers; i++)
        neap_process_close(team->members[i].process);
    free_team(team);
}
