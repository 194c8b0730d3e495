/* A worker: a process of one or two threads, until somebody kills it. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "stress/storm.h"

static const char *program;
static int board_fd;


void worker_remember(const char *path, int fd)
{
    program = path;
    board_fd = fd;
}


/* -- ends that are deaths, too --------------------------------------------- */

/* Become another program, lock and all; the kernel tells the others. */
static void exec_here(struct actor *actor, uint32_t b)
{
    char fd[16], worker[16];
    (void)b;
    actor->board->execs++;
    snprintf(fd, sizeof fd, "%d", board_fd);
    snprintf(worker, sizeof worker, "%u", actor->worker);
    execl(program, program, "--go-on", fd, worker, (char *)NULL);
}


/* By the main thread only: another one takes over the main thread's id on the
 * way, so that the kernel no longer finds what it owned. */
void do_exec(struct actor *actor)
{
    if (actor->number != 0)
        return;
    with_bank(actor, (uint32_t)actor_random(actor, BANKS), exec_here);
}


/* The thread ends here and now, with what it has. */
static void leave_here(struct actor *actor, uint32_t b)
{
    (void)b;
    actor->board->thread_ends++;
    actor_end(actor);
    free(actor);
    pthread_exit(NULL);
}


void do_leave(struct actor *actor)
{
    if (actor->number != 1)
        return;
    if (actor_random(actor, 2))
        with_bank(actor, (uint32_t)actor_random(actor, BANKS), leave_here);
    actor->leaves = true;
}


/* -- threads --------------------------------------------------------------- */

static struct actor *new_actor(struct board *board, neap_heap *heap,
                               uint32_t worker, uint32_t number)
{
    struct actor *actor = malloc(sizeof *actor);
    if (!actor)
        _exit(2);
    actor_begin(actor, board, heap, worker, number);
    return actor;
}


static void *second(void *argument)
{
    struct actor *actor = argument;
    actor_run(actor, UINT64_MAX);
    actor_end(actor);
    free(actor);
    return NULL;
}


static void start_second(struct actor *first)
{
    pthread_t thread;
    struct actor *actor =
        new_actor(first->board, first->heap, first->worker, 1);
    if (pthread_create(&thread, NULL, second, actor) == 0) {
        pthread_detach(thread);
        return;
    }
    actor_end(actor);
    free(actor);
}


int worker_live(struct board *board, neap_heap *heap, uint32_t worker)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    neap_heap_options options = {.flags = NEAP_OPEN_EXISTING};
    if (!heap && neap_heap_open(board->address, &options, &heap) < 0) {
        violation(board, "worker %u cannot begin: %s", worker,
                  neap_error_text());
        return 1;
    }
    struct actor *actor = new_actor(board, heap, worker, 0);
    board->lines[worker][1].active = 0;
    for (;;) {
        if (worker % 2 && !board->lines[worker][1].active)
            start_second(actor);
        actor_run(actor, 100);
    }
}
