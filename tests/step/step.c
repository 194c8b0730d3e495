/*
 * Killing at each instruction, see step.h.
 *
 *     step [--filter WORDS] [--kills N] [--expect-failures]
 *
 * --kills: at so many instructions of each operation, evenly spread; else all.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "step.h"

#define STEPS_MOST 200000

neap_heap *heap;

enum { BEFORE, INSIDE, AFTER };
static volatile int *where; /* shared: how far the child is */
static long failures;


/* Have a slot, then stop for the parent, then do it. */
static _Noreturn void be_the_child(const struct operation *op)
{
    neap_mutex *first;
    if (neap_mutex_open(heap, "first", &first) < 0 ||
        neap_mutex_lock(first, NEAP_FOREVER) < 0 ||
        neap_mutex_unlock(first) < 0)
        _exit(3);
    if (op->ready)
        op->ready();
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        _exit(4);
    raise(SIGSTOP);
    *where = INSIDE;
    op->run();
    *where = AFTER;
    for (;;)
        pause();
}


/* @return false if it is not stopped, as it should be. */
static bool step(pid_t child)
{
    int status;
    return ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) == 0 &&
           waitpid(child, &status, 0) == child && WIFSTOPPED(status);
}


/* Kill it before instruction `at` of the operation, or when it is done (0).
 * @return how many it has had; -1 it did not run as it should. */
static long kill_at(const struct operation *op, long at)
{
    int status;
    long n = 0;
    *where = BEFORE;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        be_the_child(op);
    bool sound = waitpid(child, &status, 0) == child && WIFSTOPPED(status);
    while (sound && *where == BEFORE)
        sound = step(child);
    while (sound && *where == INSIDE && (at == 0 || n < at) && n < STEPS_MOST) {
        sound = step(child);
        n++;
    }
    kill(child, SIGKILL);
    if (sound)
        waitpid(child, &status, 0);
    return sound && n < STEPS_MOST ? n : -1;
}


static const char *what_is_wrong(const struct operation *op)
{
    static char text[1100];
    neap_check_report report;
    neap_slot_info slot;
    uint64_t cursor = 0;
    if (neap_heap_reap(heap) < 0)
        return neap_error_text();
    while (neap_heap_next_slot(heap, &cursor, &slot) == NEAP_MORE)
        if (slot.dead)
            return "a dead slot was not reaped";
    if (neap_heap_check(heap, &report) < 0)
        return neap_error_text();
    if (report.problems) {
        snprintf(text, sizeof text, "%s", report.text);
        return text;
    }
    return op->left();
}


static void judge(const struct operation *op, long at)
{
    const char *wrong = what_is_wrong(op);
    if (wrong && failures++ < 20)
        printf("  %s: killed at %ld: %s\n", op->name, at, wrong);
}


/* @return at how many instructions it was killed. */
static long kill_everywhere(const struct operation *op, long kills)
{
    long failed = failures, killed = 0, count = kill_at(op, 0);
    judge(op, 0);
    if (count <= 0) {
        failures++;
        printf("  %s: it cannot be stepped through\n", op->name);
    }
    long stride = kills && count > kills ? count / kills : 1;
    for (long at = 1; at <= count && failures - failed < 20; at += stride) {
        if (kill_at(op, at) < 0) {
            failures++;
            printf("  %s: it did not come to %ld\n", op->name, at);
        }
        judge(op, at);
        killed++;
    }
    printf("%-32s %8ld %8ld %8ld\n", op->name, count, killed,
           failures - failed);
    return killed;
}


int main(int argc, char **argv)
{
    const char *filter = "";
    long kills = 0, total = 0;
    bool expected = false;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--expect-failures") == 0)
            expected = true;
        else if (i + 1 < argc && strcmp(argv[i], "--filter") == 0)
            filter = argv[++i];
        else if (i + 1 < argc && strcmp(argv[i], "--kills") == 0)
            kills = atol(argv[++i]);
    char name[40];
    snprintf(name, sizeof name, "neap-step-%d", (int)getpid());
    where = mmap(NULL, sizeof *where, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (where == MAP_FAILED || neap_heap_open(name, NULL, &heap) < 0) {
        fprintf(stderr, "step: %s\n", neap_error_text());
        return 2;
    }
    operations_begin();
    printf("%-32s %8s %8s %8s\n", "operation", "instr.", "kills", "failures");
    for (size_t i = 0; i < operations_count; i++)
        if (strstr(operations[i].name, filter))
            total += kill_everywhere(&operations[i], kills);
    if (neap_heap_unlink(heap) < 0)
        failures++;
    bool good = expected ? failures > 0 : failures == 0;
    printf("%-32s %8s %8ld %8ld\n%d passed, %d failed\n", "all", "", total,
           failures, good, !good);
    return !good;
}
