/* The harness, see bench.h. */
#include "bench.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SUBJECTS_MAX 8
#define REPETITION_NS 1e6     /* how long one should take: less than what the
                                 scheduler gives at a time */
#define REPETITIONS 40        /* at least; and so many after the last better */
#define REPETITIONS_MAX 1000
#define ROW_NS 3e9            /* and then it is enough */

enum manner { ALONE, BOTH, TURNS, FREE };

struct row {
    const char *what, *unit;
    enum manner manner;
    const struct bench_subject *subjects;
    size_t count;
    long n[SUBJECTS_MAX];
    int repetitions;
    double times[SUBJECTS_MAX][REPETITIONS_MAX]; /* ns an operation */
};

static const char *filter;
static cpu_set_t allowed;


/* -- small things ---------------------------------------------------------- */

void bench_failed(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s failed: %s\n", bench_noun, what,
            why ? why : strerror(errno));
    exit(1);
}


const char *bench_name(void)
{
    static char name[64];
    if (!*name)
        snprintf(name, sizeof name, "/neap-bench-%ld", (long)getpid());
    return name;
}


void *bench_shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        bench_failed("mmap", NULL);
    return memory;
}


struct bench_subject bench_boost(const char *symbol, const char *name)
{
    static void *library;
    char path[PATH_MAX] = "";
    if (!library && readlink("/proc/self/exe", path, sizeof path - 16) > 0) {
        strcpy(strrchr(path, '/'), "/boost.so");
        library = dlopen(path, RTLD_NOW);
    }
    struct bench_subject *found = library ? dlsym(library, symbol) : NULL;
    return found ? *found : (struct bench_subject){.name = name};
}


static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}


/* -- processors ------------------------------------------------------------ */

/* The i-th of the processors that we may use, from the last one on: the first
 * is where most systems serve their devices. */
static void stay_on(int i)
{
    int seen = 0, wanted = i % CPU_COUNT(&allowed);
    for (size_t cpu = CPU_SETSIZE; cpu-- > 0;) {
        if (!CPU_ISSET(cpu, &allowed) || seen++ != wanted)
            continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        sched_setaffinity(0, sizeof one, &one);
        return;
    }
}


static void roam(void)
{
    sched_setaffinity(0, sizeof allowed, &allowed);
}


enum { FIRST_TURNS = 64 };

/* -- one repetition -------------------------------------------------------- */

static double run_one(const struct bench_subject *subject, long n)
{
    double start = now();
    subject->run(n);
    return (now() - start) / (double)n;
}


/* Who is ready, and off they go; spun on, for a sleep would part them. The
 * other one may have to be moved away from this processor first. */
static void meet(_Atomic int *ready)
{
    atomic_fetch_add(ready, 1);
    while (atomic_load(ready) < 2)
        sched_yield();
}


/* What a new process does once is not measured: the first calls of the child,
 * or, where they take turns, of both. */
static double run_both(const struct bench_subject *subject, long n, bool turns)
{
    static _Atomic int *ready;
    if (!ready)
        ready = bench_shared(sizeof *ready);
    atomic_store(ready, 0);
    pid_t child = fork();
    if (child < 0)
        bench_failed("fork", NULL);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        stay_on(1);
        subject->run(turns ? FIRST_TURNS : n / 8 + 1);
        meet(ready);
        subject->run(n);
        _exit(0);
    }
    stay_on(0);
    if (turns)
        subject->run(FIRST_TURNS);
    meet(ready);
    double start = now();
    subject->run(n);
    double mine = now() - start;
    int status;
    waitpid(child, &status, 0);
    if (status != 0)
        bench_failed("the other process", subject->name);
    /* How long this one was at it; both did as much. */
    return mine / (double)(2 * n);
}


/* ns an operation, of n for everybody. */
static double repeat(const struct row *row, size_t i, long n)
{
    const struct bench_subject *subject = &row->subjects[i];
    return row->manner == BOTH || row->manner == TURNS
               ? run_both(subject, n, row->manner == TURNS)
               : run_one(subject, n);
}


/* Find n such that a repetition takes its time; that is the warm-up too. */
static long calibrate(const struct row *row, size_t i)
{
    long n = 1;
    for (;;) {
        double cost = (row->manner == TURNS ? 2 * repeat(row, i, n)
                                            : run_one(&row->subjects[i], n)) *
                      (double)n;
        if (cost >= REPETITION_NS || n >= 1L << 40)
            return n;
        double factor = cost > 0 ? REPETITION_NS / cost * 1.1 : 100;
        n = (long)((double)n * (factor > 100 ? 100 : factor)) + 1;
    }
}


/* -- a row ----------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}


struct figure {
    double value, spread; /* spread: how far the upper quartile lies above */
};

static struct figure figure(struct row *row, size_t i, double scale)
{
    double *times = row->times[i];
    int count = row->repetitions;
    qsort(times, (size_t)count, sizeof *times, compare);
    double value = times[row->manner == ALONE ? 0 : count / 2];
    double upper = times[count * 3 / 4];
    return (struct figure){value / scale, upper / value - 1};
}


static void print_line(const char *what, const char *unit,
                       const char *statistic, struct figure ours,
                       const char *peer, struct figure theirs)
{
    printf("C\t%s\t%s\t%s\t%s\t%.6g\t%.3f\t%s\t", bench_noun, what, unit,
           statistic, ours.value, ours.spread, peer);
    if (isnan(theirs.value))
        printf("-\t-\n");
    else
        printf("%.6g\t%.3f\n", theirs.value, theirs.spread);
    fflush(stdout);
}


static void print_row(struct row *row)
{
    double scale = strcmp(row->unit, "us") == 0 ? 1e3 : 1;
    struct figure ours = figure(row, 0, scale);
    for (size_t i = 1; i < row->count; i++)
        print_line(row->what, row->unit,
                   row->manner == ALONE ? "minimum" : "median", ours,
                   row->subjects[i].name,
                   row->subjects[i].run ? figure(row, i, scale)
                                        : (struct figure){NAN, NAN});
}


static void begin_row(struct row *row)
{
    if (row->manner == FREE)
        roam();
    else
        stay_on(0);
    for (size_t i = 0; i < row->count; i++) {
        const struct bench_subject *subject = &row->subjects[i];
        if (subject->run && subject->begin)
            subject->begin();
        row->n[i] = subject->run ? calibrate(row, i) : 0;
    }
}


/* One repetition of each. @return true if one was better than any before. */
static bool run_round(struct row *row, double best[])
{
    bool better = false;
    int r = row->repetitions++;
    for (size_t i = 0; i < row->count; i++) {
        if (!row->subjects[i].run)
            continue;
        double time = repeat(row, i, row->n[i]);
        row->times[i][r] = time;
        if (r == 0 || time < best[i] * 0.99) {
            best[i] = time;
            better = true;
        }
    }
    return better;
}


/* Until nothing becomes better any more: a busy machine needs more. */
static void run_rounds(struct row *row)
{
    double best[SUBJECTS_MAX];
    double end = now() + ROW_NS;
    int last = 0;
    while (row->repetitions < REPETITIONS ||
           (row->repetitions - last < REPETITIONS && now() < end &&
            row->repetitions < REPETITIONS_MAX))
        if (run_round(row, best))
            last = row->repetitions;
}


static void run_row(struct row *row)
{
    if (!bench_wanted(row->what))
        return;
    begin_row(row);
    run_rounds(row);
    for (size_t i = 0; i < row->count; i++)
        if (row->subjects[i].run && row->subjects[i].end)
            row->subjects[i].end();
    print_row(row);
}


static void make_row(const char *what, const char *unit, enum manner manner,
                     const struct bench_subject *subjects, size_t count)
{
    static struct row row;
    row = (struct row){.what = what, .unit = unit, .manner = manner,
                       .subjects = subjects, .count = count};
    if (count > SUBJECTS_MAX)
        bench_failed(what, "too many subjects");
    run_row(&row);
}


void bench_row(const char *what, const char *unit,
               const struct bench_subject *subjects, size_t count)
{
    make_row(what, unit, ALONE, subjects, count);
}


void bench_row_both(const char *what, const char *unit,
                    const struct bench_subject *subjects, size_t count)
{
    make_row(what, unit, BOTH, subjects, count);
}


void bench_row_turns(const char *what, const char *unit,
                     const struct bench_subject *subjects, size_t count)
{
    make_row(what, unit, TURNS, subjects, count);
}


void bench_row_free(const char *what, const char *unit,
                    const struct bench_subject *subjects, size_t count)
{
    make_row(what, unit, FREE, subjects, count);
}


bool bench_wanted(const char *what)
{
    char name[256];
    snprintf(name, sizeof name, "C %s: %s", bench_noun, what);
    return !filter || strcasestr(name, filter);
}


void bench_told(const char *what, const char *unit, double neap,
                const char *peer, double theirs)
{
    print_line(what, unit, "once", (struct figure){neap, 0}, peer,
               (struct figure){theirs, 0});
}


int main(int argc, char **argv)
{
    filter = argc > 1 && *argv[1] ? argv[1] : NULL;
    sched_getaffinity(0, sizeof allowed, &allowed);
    bench_rows();
    return 0;
}
