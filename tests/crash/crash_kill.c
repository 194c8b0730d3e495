/*
 * All k with a real death: a forked child attaches, comes to the operation and
 * sends itself SIGKILL just before its k-th access; the parent reaps. Proofs of
 * life, futexes and the clock are the kernel's.
 *
 *     crash_kill [--filter WORDS]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash.h"

int neap__sabotage;

static long failures;


static void failed(const struct operation *op, long k, const char *why)
{
    if (failures++ < 20)
        printf("  %s: SIGKILL at %ld: %s\n", op->name, k, why);
}


static void kill_myself(void)
{
    kill(getpid(), SIGKILL);
}


/* In the child. At 0 it lives, and tells how many points there were. */
static _Noreturn void be_the_victim(const struct operation *op, long k,
                                    int answer)
{
    struct neap__seat *seat;
    if (!op->fresh_victim && neap__seat(world.heap, &seat) < 0)
        _exit(3);
    if (op->victim)
        op->victim();
    hooks_arm(k, kill_myself);
    int status = op->run(NULL);
    long points = hooks_disarm();
    if (write(answer, &points, sizeof points) != sizeof points)
        _exit(4);
    _exit(status < 0 ? 5 : 0);
}


/* @return how many points, at k 0; else 1 if it died there, 0 if it did not. */
static long fork_victim(const struct operation *op, long k)
{
    int answer[2];
    long points = -1;
    if (pipe(answer) < 0)
        abort();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        be_the_victim(op, k, answer[1]);
    close(answer[1]);
    ssize_t n = read(answer[0], &points, sizeof points);
    close(answer[0]);
    int status;
    waitpid(child, &status, 0);
    if (k)
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    return n == sizeof points && WIFEXITED(status) && !WEXITSTATUS(status)
               ? points : -1;
}


static void judge(const struct operation *op, long k)
{
    const char *wrong = NULL;
    if (neap_heap_reap(world.heap) < 0)
        wrong = neap_error_text();
    if (!wrong)
        wrong = world_wrong();
    if (!wrong && op->state() < 0)
        wrong = "it has neither happened nor not happened";
    if (!wrong)
        wrong = world_exercise();
    if (wrong)
        failed(op, k, wrong);
}


static long enumerate(const struct operation *op)
{
    world_make();
    if (op->prepare)
        op->prepare();
    uint64_t size;
    void *before = world_copy(&size);
    long failures_before = failures, points = fork_victim(op, 0);
    if (points < 0)
        failed(op, 0, "it fails without a death");
    judge(op, 0);
    for (long k = 1; k <= points; k++) {
        world_put(before, size);
        if (!fork_victim(op, k))
            failed(op, k, "the operation did not come so far again");
        judge(op, k);
    }
    printf("%-38s %7ld %9ld\n", op->name, points, failures - failures_before);
    fflush(stdout);
    free(before);
    world_forget();
    return points;
}


int main(int argc, char **argv)
{
    const char *filter = argc > 2 && strcmp(argv[1], "--filter") == 0 ? argv[2]
                                                                      : "";
    long points = 0;
    printf("%-38s %7s %9s\n", "operation, with SIGKILL", "points", "failures");
    for (size_t i = 0; i < operations_count; i++)
        if (strstr(operations[i].name, filter) && !operations[i].asleep)
            points += enumerate(&operations[i]);
    printf("%-38s %7ld %9ld\n", "all", points, failures);
    printf("%d passed, %d failed\n", !failures, failures > 0);
    return failures > 0;
}
