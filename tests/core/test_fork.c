/* Noticing that we are a child. */
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/harness.h"
#include "os/os.h"

#define DEPTH 6

static uint32_t cached[DEPTH]; /* what each ancestor saw */


static pid_t raw_clone(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}


/* Each descendant must differ from all it descends from. */
static int descend(int depth, pid_t (*fork_by)(void))
{
    uint32_t mine = neap__fork_generation();
    if (mine == 0 || mine != neap__fork_generation())
        return 1;
    for (int i = 0; i < depth; i++)
        if (cached[i] == mine)
            return 2;
    cached[depth] = mine;
    if (depth + 1 == DEPTH)
        return 0;
    pid_t pid = fork_by();
    if (pid == 0)
        _exit(descend(depth + 1, fork_by));
    return test_wait(pid);
}


TEST(generation_differs_along_a_line_of_forks)
{
    CHECK_INT(descend(0, fork), 0);
}


TEST(generation_differs_along_a_line_of_raw_clones)
{
    CHECK_INT(descend(0, raw_clone), 0);
}


TEST(generation_of_the_parent_stays)
{
    uint32_t before = neap__fork_generation();
    for (int i = 0; i < 10; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(neap__fork_generation() == before);
        CHECK_INT(test_wait(pid), 0);
        CHECK_INT(neap__fork_generation(), before);
    }
}


/* A raw clone that never asked hands on what its own child must not meet. */
TEST(generation_differs_from_a_grandparents_that_nobody_read_between)
{
    uint32_t ours = neap__fork_generation();
    pid_t pid = raw_clone();
    if (pid == 0) {
        pid_t grandchild = raw_clone();
        if (grandchild == 0)
            _exit(neap__fork_generation() == ours);
        _exit(test_wait(grandchild));
    }
    CHECK_INT(test_wait(pid), 0);
}


static void *ask(void *argument)
{
    *(uint32_t *)argument = neap__fork_generation_slow();
    return NULL;
}


/* The child's threads ask all at once, the first of them takes the number. */
static int ask_in_threads(void *argument)
{
    (void)argument;
    pthread_t threads[8];
    uint32_t seen[8];
    for (int i = 0; i < 8; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, ask, &seen[i]), 0);
    for (int i = 0; i < 8; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 8; i++)
        CHECK_INT(seen[i], neap__fork_generation());
    return 0;
}


TEST(threads_of_a_child_agree_on_its_generation)
{
    CHECK_INT(test_wait(test_fork(ask_in_threads, NULL)), 0);
}
