/* What the examples in C share, and is not what they are about. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <neap.h>


/* Examples end at the first failure, and say what it was. */
static inline int must(int status)
{
    if (status < 0) {
        fprintf(stderr, "%s\n", neap_error_text());
        exit(1);
    }
    return status;
}


/* As many workers as the environment says, or as there are cores. */
static inline uint32_t how_many_workers(void)
{
    const char *wanted = getenv("WORKERS");
    long n = wanted && *wanted ? atol(wanted) : sysconf(_SC_NPROCESSORS_ONLN);

    return n > 0 && n <= NEAP_TEAM_MAX ? (uint32_t)n : 1;
}


static inline void draw_bar(const char *name, neap_team *team)
{
    static const char full[] = "##############################";
    static const char empty[] = "..............................";
    const uint64_t width = sizeof full - 1;
    uint64_t done, total;

    neap_team_progress(team, &done, &total);
    if (total == 0 || !isatty(STDERR_FILENO))
        return;
    int part = (int)(width * done / total);
    fprintf(stderr, "\r%s [%.*s%.*s] %llu of %llu", name, part, full,
            (int)width - part, empty, (unsigned long long)done,
            (unsigned long long)total);
}


/* Wait for all workers. Returns false, and stops the others, if one failed. */
static inline bool wait_with_bar(const char *name, neap_team *team)
{
    uint32_t index;
    int status;

    do {
        neap_exit end = {0};
        status = neap_team_next(team, neap_deadline_after(100000000), &index,
                                &end);
        draw_bar(name, team);
        if (status != -ETIMEDOUT && status != -EINTR)
            must(status);
        if (end.code != 0 || end.signal != 0)
            return false;
    } while (status != 0);
    return true;
}


/* neap_run() with a progress bar, from the functions that it is made of. */
static inline void run_with_bar(const char *name, uint32_t workers,
                                int (*function)(neap_worker *, void *),
                                void *argument)
{
    neap_team *team;

    must(neap_team_create(workers, &team));
    for (uint32_t id = 0; id < workers; id++)
        if (must(neap_team_fork(team, id)) == NEAP_CHILD) {
            neap_worker worker = {.id = id, .workers = workers, .team = team};
            neap_process_exit(function(&worker, argument) != 0);
        }
    bool all_well = wait_with_bar(name, team);
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr);
    neap_team_close(team);
    if (!all_well) {
        fprintf(stderr, "%s: a worker failed\n", name);
        exit(1);
    }
}

#endif
