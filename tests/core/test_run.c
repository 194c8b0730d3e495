/* neap_run: fork n workers, run a function in each, wait for all. */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "lib/harness.h"
#include "neap/team.h"

static _Atomic uint32_t *shared;


static void share_words(size_t words)
{
    shared = mmap(NULL, words * sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
}


static void nobody_is_left(void)
{
    CHECK_INT(waitpid(-1, NULL, 0), -1);
    CHECK_INT(errno, ECHILD);
}


static _Noreturn void sleep_for_ever(void)
{
    for (;;)
        pause();
}


static int note_id(neap_worker *worker, void *argument)
{
    CHECK_INT(worker->workers, 5);
    shared[worker->id] = worker->id + *(uint32_t *)argument;
    return 0;
}


TEST(run_runs_the_function_in_each_worker)
{
    share_words(5);
    uint32_t base = 100;
    CHECK_STATUS(neap_run(5, note_id, &base), 0);
    for (uint32_t i = 0; i < 5; i++)
        CHECK_INT(shared[i], 100 + i);
    nobody_is_left();
}


static int return_value(neap_worker *worker, void *argument)
{
    if (worker->id == 1)
        return *(int *)argument;
    sleep_for_ever();
}


TEST(value_that_is_not_zero_stops_the_others)
{
    int value = 7;
    CHECK_FAILS(neap_run(4, return_value, &value), NEAP_EWORKER,
                "worker 1 of 4 returned 7");
    nobody_is_left();
}


TEST(value_is_not_cut_to_eight_bits)
{
    int value = 256;
    CHECK_FAILS(neap_run(2, return_value, &value), NEAP_EWORKER,
                "worker 1 of 2 returned 256");
}


static int return_failure(neap_worker *worker, void *argument)
{
    (void)argument;
    neap_range *range;
    return neap_range_open(worker->team, 3, 9, 0, 0, &range);
}


TEST(failure_of_a_worker_comes_with_its_text)
{
    CHECK_FAILS(neap_run(1, return_failure, NULL), NEAP_EWORKER,
                "worker 0 of 1 returned -22 (EINVAL): cannot open a range from "
                "3 to 9 with step 0");
}


static int kill_one(neap_worker *worker, void *argument)
{
    if (worker->id == 2) {
        shared[0] = (uint32_t)getpid();
        raise(*(int *)argument);
    }
    sleep_for_ever();
}


TEST(killed_worker_is_named_with_its_signal)
{
    share_words(1);
    int number = SIGKILL;
    char words[128];
    CHECK_STATUS(neap_run(4, kill_one, &number), NEAP_EKILLED);
    snprintf(words, sizeof words,
             "worker 2 of 4 (pid %u) was killed by SIGKILL", shared[0]);
    CHECK_STR(neap_error_text(), words);
    nobody_is_left();
    number = SIGTERM;
    CHECK_FAILS(neap_run(3, kill_one, &number), NEAP_EKILLED, "SIGTERM");
}


static int exit_early(neap_worker *worker, void *argument)
{
    (void)worker;
    _exit(*(int *)argument);
}


TEST(worker_that_exits_by_itself_is_told_by_its_code)
{
    int code = 3;
    CHECK_FAILS(neap_run(1, exit_early, &code), NEAP_EWORKER,
                "ended with exit code 3 before its function returned");
    code = 0;
    CHECK_STATUS(neap_run(2, exit_early, &code), 0);
}


static int answer_and_exit(neap_worker *worker, void *argument)
{
    (void)worker;
    char bytes[2000];
    memset(bytes, 0xff, sizeof bytes);
    CHECK_STATUS(neap_process_answer(bytes, sizeof bytes), 0);
    if (argument)
        neap_process_exit(0);
    return 0;
}


TEST(answer_of_the_functions_own_is_not_taken_for_its_value)
{
    CHECK_STATUS(neap_run(2, answer_and_exit, "exit"), 0);
    CHECK_STATUS(neap_run(2, answer_and_exit, NULL), 0);
}


static int never_called(neap_worker *worker, void *argument)
{
    (void)worker;
    (void)argument;
    return 1;
}


TEST(number_of_workers_is_checked)
{
    CHECK_FAILS(neap_run(0, never_called, NULL), -EINVAL, "1 to 1024");
    CHECK_FAILS(neap_run(1025, never_called, NULL), -EINVAL, "1 to 1024");
}


/* -- signals --------------------------------------------------------------- */

static void ignore(int number)
{
    (void)number;
}


static void handle(int number)
{
    struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};
    CHECK_INT(sigaction(number, &action, NULL), 0);
}


static int sleep_in(neap_worker *worker, void *argument)
{
    (void)worker;
    (void)argument;
    sleep_for_ever();
}


TEST(signal_to_the_caller_stops_all)
{
    struct itimerval often = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};
    handle(SIGALRM);
    CHECK_INT(setitimer(ITIMER_REAL, &often, NULL), 0);
    CHECK_FAILS(neap_run(4, sleep_in, NULL), -EINTR, "interrupted");
    CHECK_INT(setitimer(ITIMER_REAL, &never, NULL), 0);
    nobody_is_left();
}


TEST(handler_of_sigchld_does_not_disturb)
{
    share_words(5);
    uint32_t base = 1;
    handle(SIGCHLD);
    CHECK_STATUS(neap_run(5, note_id, &base), 0);
}


TEST(program_that_ignores_sigchld_is_told_so)
{
    share_words(5);
    uint32_t base = 1;
    signal(SIGCHLD, SIG_IGN);
    CHECK_FAILS(neap_run(5, note_id, &base), -ECHILD, "SIGCHLD");
    signal(SIGCHLD, SIG_DFL);
}


/* -- nesting, and the death of the caller ---------------------------------- */

static int run_inner(neap_worker *worker, void *argument)
{
    shared += 5 * worker->id;
    return neap_run(5, note_id, argument);
}


TEST(worker_may_run_workers)
{
    share_words(10);
    uint32_t base = 100;
    CHECK_STATUS(neap_run(2, run_inner, &base), 0);
    for (uint32_t i = 0; i < 10; i++)
        CHECK_INT(shared[i], 100 + i % 5);
}


static int note_pid_and_sleep(neap_worker *worker, void *argument)
{
    (void)argument;
    shared[worker->id] = (uint32_t)getpid();
    sleep_for_ever();
}


static int run_sleepers(void *argument)
{
    (void)argument;
    return neap_run(3, note_pid_and_sleep, NULL);
}


TEST(workers_die_with_the_process_that_ran_them)
{
    share_words(3);
    CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t pid = test_fork(run_sleepers, NULL);
    WAIT_UNTIL(shared[0] && shared[1] && shared[2]);
    test_kill(pid);
    for (int i = 0; i < 3; i++)
        CHECK_INT(test_wait((pid_t)shared[i]), -SIGKILL);
}
