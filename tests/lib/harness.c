/* The runner: one process group a test, a deadline, a line. */
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "internal.h"

enum { DEFAULT_SECONDS = 30 };

static struct test *tests, **last_test = &tests;
static const char *filter = "";
static bool verbose;
static volatile pid_t running;
static int passed, failed, skipped;

pid_t test_pid;


void test_register(struct test *test)
{
    *last_test = test;
    last_test = &test->next;
}

/* -- in the test's process ------------------------------------------------- */

static void call_test(const struct test *test, const char *parameter)
{
    if (parameter)
        test->run_with(parameter);
    else
        test->run();
}


static _Noreturn void be_the_test(const struct test *test,
                                  const char *parameter, int out,
                                  volatile bool *came_to_its_end)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    test_pid = getpid();

    test_remember_descriptors();
    call_test(test, parameter);
    if (getpid() != test_pid)
        FAIL("a child came back from the test; let it end by _exit");
    int left = test_left_in_process();
    *came_to_its_end = true;
    exit(left ? TEST_FAILED : 0);
}

/* -- in the runner --------------------------------------------------------- */

/* @return true if it ended; false if the deadline came first. */
static bool wait_for_end(pid_t pid, int64_t deadline)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd watched = {.fd = pidfd, .events = POLLIN};
    int ready = 0;
    int64_t left;
    while (ready <= 0 && (left = deadline - neap_now()) > 0)
        ready = poll(&watched, pidfd >= 0, (int)(left / 1000000) + 1);
    close(pidfd);
    return ready > 0;
}


static int end_test(pid_t pid, int seconds, FILE *report)
{
    int status;
    bool ended = wait_for_end(
        pid, neap_deadline_after(INT64_C(1000000000) * seconds));
    if (!ended) {
        fprintf(report, "did not end within its deadline of %d s\n", seconds);
        kill(-pid, SIGKILL);
    }
    waitpid(pid, &status, 0);
    if (!ended)
        return TEST_FAILED;
    if (WIFSIGNALED(status)) {
        fprintf(report, "killed by signal %d, %s\n", WTERMSIG(status),
                strsignal(WTERMSIG(status)));
        return TEST_FAILED;
    }
    return WEXITSTATUS(status);
}


/* What the test and we wrote: we append to what it has written. */
static int run_to_report(const struct test *test, const char *parameter,
                         FILE *report, volatile bool *came_to_its_end)
{
    int seconds = (test->seconds ? test->seconds : DEFAULT_SECONDS) *
                  test_slowness();
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        fprintf(report, "cannot fork: %s\n", strerror(errno));
        return TEST_FAILED;
    }
    if (pid == 0)
        be_the_test(test, parameter, fileno(report), came_to_its_end);
    setpgid(pid, pid);
    running = pid;

    int status = end_test(pid, seconds, report);
    int orphans = test_end_descendants(pid);
    running = 0;
    if (status == 0 && !*came_to_its_end) {
        fprintf(report, "ended itself before the end of the test\n");
        status = TEST_FAILED;
    }
    if (orphans && status == 0) {
        fprintf(report, "left behind: %d processes, still running\n", orphans);
        status = TEST_FAILED;
    }
    /* What a failed test leaves is a consequence: remove it silently. */
    int left = test_left_on_machine(pid, status == 0 ? report : NULL);
    return status == 0 && left ? TEST_FAILED : status;
}


static void show(FILE *report)
{
    char line[4096];
    rewind(report);
    while (fgets(line, sizeof line, report))
        printf("    %s%s", line, strchr(line, '\n') ? "" : "\n");
}


static bool says(FILE *report, const char *words)
{
    char text[65536];
    rewind(report);
    size_t n = fread(text, 1, sizeof text - 1, report);
    text[n] = '\0';
    return strstr(text, words);
}


/* A test of the harness passes by failing, for the right reason. */
static int judge(const struct test *test, int status, FILE *report)
{
    if (!test->must_fail_saying)
        return status;
    if (status != 0 && status != TEST_SKIPPED &&
        says(report, test->must_fail_saying))
        return 0;
    fseek(report, 0, SEEK_END);
    fprintf(report, "should have failed and said: %s\n",
            test->must_fail_saying);
    return TEST_FAILED;
}


static void tell(const char *name, int status, int64_t nanoseconds,
                 FILE *report)
{
    int number = passed + failed + skipped + 1;
    const char *word = status == 0 || status == TEST_SKIPPED ? "ok" : "not ok";
    printf("%s %d - %s%s (%lld ms)\n", word, number, name,
           status == TEST_SKIPPED ? " # SKIP" : "",
           (long long)(nanoseconds / 1000000));
    if (status != 0 || verbose)
        show(report);
    fflush(stdout);
    if (status == 0)
        passed++;
    else if (status == TEST_SKIPPED)
        skipped++;
    else
        failed++;
}


static FILE *open_report(void)
{
    int fd = memfd_create("report", MFD_CLOEXEC);
    FILE *report = fd < 0 ? NULL : fdopen(fd, "w+");
    if (!report) {
        perror("cannot make a report");
        exit(2);
    }
    setvbuf(report, NULL, _IONBF, 0);
    return report;
}


static void run(const struct test *test, const char *parameter,
                const char *name)
{
    FILE *report = open_report();
    bool *came_to_its_end = mmap(NULL, sizeof(bool), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int64_t start = neap_now();
    int status = run_to_report(test, parameter, report, came_to_its_end);
    int64_t took = neap_now() - start;
    tell(name, judge(test, status, report), took, report);
    munmap(came_to_its_end, sizeof(bool));
    fclose(report);
}


static void visit(const struct test *test, const char *parameter, bool list)
{
    char name[512];
    snprintf(name, sizeof name, parameter ? "%s[%s]" : "%s", test->name,
             parameter);
    if (!strstr(name, filter))
        return;
    if (list)
        puts(name);
    else
        run(test, parameter, name);
}


static void visit_all(bool list)
{
    for (const struct test *test = tests; test; test = test->next) {
        if (!test->parameters)
            visit(test, NULL, list);
        for (int i = 0; test->parameters && test->parameters[i]; i++)
            visit(test, test->parameters[i], list);
    }
}


static void stop(int signal_number)
{
    if (running)
        kill(-running, SIGKILL);
    _exit(128 + signal_number);
}


static void usage(const char *program, FILE *out)
{
    fprintf(out, "usage: %s [--list] [--filter WORDS] [--verbose]\n", program);
}


int main(int argc, char **argv)
{
    bool list = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0)
            list = true;
        else if (strcmp(argv[i], "--verbose") == 0)
            verbose = true;
        else if (strcmp(argv[i], "--filter") == 0 && i + 1 < argc)
            filter = argv[++i];
        else if (strcmp(argv[i], "--help") == 0)
            return usage(argv[0], stdout), 0;
        else
            return usage(argv[0], stderr), 2;
    }

    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    visit_all(list);
    if (list)
        return 0;
    printf("1..%d\n%d passed, %d failed", passed + failed + skipped, passed,
           failed);
    printf(skipped ? ", %d skipped\n" : "\n", skipped);
    return failed ? 1 : 0;
}
