/*
 * Birth and removal of named heaps: a forked child dies by SIGKILL just before
 * each of its memory accesses in neap_heap_open or neap_heap_unlink, so between
 * any two system calls too. Afterwards the name means nothing, or a sound heap;
 * nothing half-made is left that the next birth does not sweep away.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash.h"

int neap__sabotage;

#define KEY 0x6e656170

static char directory[64], address[128];
static long failures;


static void failed(const char *what, long k, const char *why)
{
    if (failures++ < 20)
        printf("  %s: SIGKILL at %ld: %s\n", what, k, why);
}


static void kill_myself(void)
{
    kill(getpid(), SIGKILL);
}


static int make(void)
{
    neap_heap *heap;
    neap_heap_options options = {.slots = 6, .reserve = 1 << 26,
                                 .size = 1 << 17};
    int status = neap_heap_open(address, &options, &heap);
    if (status >= 0)
        neap_heap_close(heap);
    return status;
}


static int take_away(void)
{
    neap_heap *heap;
    neap_heap_options options = {.flags = NEAP_OPEN_EXISTING};
    int status = neap_heap_open(address, &options, &heap);
    if (status < 0)
        return status;
    status = neap_heap_unlink(heap);
    neap_heap_close(heap);
    return status;
}


/* @return how many points (k 0, alive), or 0 dead at k, or -1. */
static long run_child(int (*action)(void), long k)
{
    int answer[2];
    long points = -1;
    if (pipe(answer) < 0)
        abort();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        hooks_watch(NULL, SIZE_MAX);
        hooks_arm(k, kill_myself);
        int status = action();
        points = status < 0 ? -1 : hooks_disarm();
        if (write(answer[1], &points, sizeof points) != sizeof points)
            _exit(4);
        _exit(0);
    }
    close(answer[1]);
    ssize_t n = read(answer[0], &points, sizeof points);
    close(answer[0]);
    int status;
    waitpid(child, &status, 0);
    if (k)
        return WIFSIGNALED(status) ? 0 : -1;
    return n == sizeof points ? points : -1;
}


/* Files in the directory that are not the heap's own. */
static int residue(void)
{
    int n = 0;
    DIR *d = opendir(directory);
    struct dirent *entry;
    while (d && (entry = readdir(d)))
        n += entry->d_name[0] == '.' && entry->d_name[1] == 'n';
    if (d)
        closedir(d);
    return n;
}


static void look(const char *what, long k)
{
    neap_heap *heap;
    neap_heap_options existing = {.flags = NEAP_OPEN_EXISTING};
    int status = neap_heap_open(address, &existing, &heap);
    bool half_made = strncmp(address, "sysv:", 5) == 0 &&
                     status == NEAP_EFOREIGN;
    if (status < 0 && status != -ENOENT && !half_made) {
        failed(what, k, neap_error_text());
        return;
    }
    if (status < 0 && make() < 0) {
        failed(what, k, neap_error_text());
        return;
    }
    if (status == 0)
        neap_heap_close(heap);
    if (neap_heap_open(address, &existing, &heap) < 0) {
        failed(what, k, neap_error_text());
        return;
    }
    neap_check_report report;
    if (neap_heap_check(heap, &report) < 0 || report.problems)
        failed(what, k, report.text);
    neap_heap_close(heap);
    neap__birth_sweep(directory);
    if (residue())
        failed(what, k, "something half-made is left");
}


static void clean(void)
{
    int status = neap_unlink(address);
    (void)status;
}


static long enumerate(const char *what, int (*action)(void), bool there)
{
    long before = failures;
    clean();
    /* What the process learns once, it shall know in every child. */
    if (make() < 0)
        failed(what, 0, neap_error_text());
    if (!there)
        clean();
    long points = run_child(action, 0);
    if (points < 0)
        failed(what, 0, "it fails without a death");
    for (long k = 1; k <= points; k++) {
        clean();
        if (there && make() < 0)
            failed(what, k, neap_error_text());
        if (run_child(action, k) < 0)
            failed(what, k, "it did not come so far again");
        look(what, k);
    }
    clean();
    printf("%-38s %7ld %9ld\n", what, points, failures - before);
    fflush(stdout);
    return points;
}


static void at_file(void)
{
    snprintf(address, sizeof address, "file:%s/heap", directory);
}


int main(void)
{
    long points = 0;
    snprintf(directory, sizeof directory, "/dev/shm/neap-crash-%d",
             (int)getpid());
    if (mkdir(directory, 0700) < 0)
        return 2;
    printf("%-38s %7s %9s\n", "birth and removal, with SIGKILL", "points",
           "failures");
    at_file();
    points += enumerate("make a file heap", make, false);
    points += enumerate("open a file heap", make, true);
    points += enumerate("unlink a file heap", take_away, true);
    neap__birth_force_named = 1;
    points += enumerate("make it by way of a named file", make, false);
    neap__birth_force_named = 0;
    snprintf(address, sizeof address, "neap-crash-%d-heap", (int)getpid());
    points += enumerate("make a posix heap", make, false);
    points += enumerate("unlink a posix heap", take_away, true);
    snprintf(address, sizeof address, "sysv:%d", KEY ^ (int)getpid());
    points += enumerate("make a System V heap", make, false);
    points += enumerate("unlink a System V heap", take_away, true);
    rmdir(directory);
    printf("%-38s %7ld %9ld\n", "all", points, failures);
    printf("%d passed, %d failed\n", !failures, failures > 0);
    return failures > 0;
}
