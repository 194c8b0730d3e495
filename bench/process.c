/* Processes and teams, against fork and waitpid. */
#include <sys/wait.h>
#include <unistd.h>

#include "ours.h"

const char bench_noun[] = "process";

#define TEAM 2


static void fork_ours(long n)
{
    for (long i = 0; i < n; i++) {
        neap_process *process;
        int status = neap_process_fork(&process);
        BENCH_OURS(status);
        if (status == NEAP_CHILD)
            neap_process_exit(0);
        BENCH_OURS(neap_process_wait(process, NEAP_FOREVER, NULL));
        neap_process_close(process);
    }
}


static int do_nothing(neap_worker *worker, void *argument)
{
    (void)worker;
    (void)argument;
    return 0;
}


static void run_ours(long n)
{
    for (long i = 0; i < n; i++)
        BENCH_OURS(neap_run(TEAM, do_nothing, NULL));
}


static void fork_many(long n, int workers)
{
    for (long i = 0; i < n; i++) {
        pid_t children[TEAM];
        for (int k = 0; k < workers; k++) {
            BENCH_MUST(children[k] = fork());
            if (children[k] == 0)
                _exit(0);
        }
        for (int k = 0; k < workers; k++)
            BENCH_MUST(waitpid(children[k], NULL, 0));
    }
}


static void fork_one(long n)
{
    fork_many(n, 1);
}


static void fork_team(long n)
{
    fork_many(n, TEAM);
}


void bench_rows(void)
{
    struct bench_subject forks[] = {
        {"neap", NULL, fork_ours, NULL},
        {"fork, waitpid", NULL, fork_one, NULL},
    };
    struct bench_subject runs[] = {
        {"neap", NULL, run_ours, NULL},
        {"2 fork, 2 waitpid", NULL, fork_team, NULL},
    };
    bench_row_free("fork and wait", "us", forks, 2);
    bench_row_free("run a team of 2", "us", runs, 2);
}
