/* Ranges: each index goes to one worker. */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "lib/harness.h"
#include "work/work.h"

#define LENGTH 100000

static struct board {
    _Atomic uint32_t turn;         /* for tests that take turns */
    _Atomic uint32_t seen[LENGTH]; /* how often each index was handed out */
} *board;


static void share_board(void)
{
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(board != MAP_FAILED);
}


static void take_turn(uint32_t turn)
{
    WAIT_UNTIL(board->turn == turn);
}


static void end_turn(void)
{
    ++board->turn;
}


static neap_range *open_range(neap_team *team, int64_t first, int64_t last,
                              int64_t step, uint64_t chunk)
{
    neap_range *range;
    CHECK_STATUS(neap_range_open(team, first, last, step, chunk, &range), 0);
    return range;
}


/* How many of [0, LENGTH) were handed out n times. */
static uint32_t count_seen(uint32_t n)
{
    uint32_t count = 0;
    for (int i = 0; i < LENGTH; i++)
        count += board->seen[i] == n;
    return count;
}


static void run(uint32_t workers, int (*function)(neap_worker *, void *),
                void *argument)
{
    share_board();
    CHECK_STATUS(neap_run(workers, function, argument), 0);
}


static const char *const chunks[] = {"0", "1", "7", "100000", "200000", NULL};

static int see_all(neap_worker *worker, void *argument)
{
    uint64_t chunk = strtoull(argument, NULL, 10);
    neap_range *range = open_range(worker->team, 0, LENGTH - 1, 1, chunk);
    int64_t index;
    while (neap_range_next(range, &index) == NEAP_MORE) {
        CHECK(index >= 0 && index < LENGTH);
        ++board->seen[index];
    }
    CHECK_STATUS(neap_range_next(range, &index), 0);
    neap_range_close(range);
    return 0;
}


TEST_EACH(each_index_goes_to_one_of_eight_workers, chunks)
{
    run(8, see_all, (void *)parameter);
    CHECK_INT(count_seen(1), LENGTH);
}


/* -- bounds ---------------------------------------------------------------- */

struct bounds {
    int64_t first, last, step;
    uint64_t count;
    int64_t sum; /* of the indices, modulo 2^64 */
};

static const struct bounds all_bounds[] = {
    {1, 10, 1, 10, 55},
    {1, 10, 4, 3, 15},   /* 1 5 9 */
    {10, 1, -1, 10, 55},
    {10, 1, -4, 3, 18},  /* 10 6 2 */
    {5, -5, -5, 3, 0},   /* 5 0 -5 */
    {3, 3, 1, 1, 3},
    {3, 3, -1, 1, 3},
    {3, 3, INT64_MIN, 1, 3},
    {4, 3, 1, 0, 0},
    {3, 4, -1, 0, 0},
    {INT64_MAX, INT64_MIN, 1, 0, 0},
    {INT64_MIN, INT64_MAX, -1, 0, 0},
    {INT64_MIN, INT64_MAX, INT64_MAX, 3, -3}, /* min, -1, max - 1 */
    {INT64_MAX, INT64_MIN, INT64_MIN, 2, INT64_MAX - 1}, /* max, -1 */
    {INT64_MAX - 2, INT64_MAX, 2, 2, -4},
    {INT64_MIN + 1, INT64_MIN, -1, 2, 1},
};


static int take_each(neap_worker *worker, void *argument)
{
    (void)argument;
    for (size_t i = 0; i < NEAP__COUNT(all_bounds); i++) {
        const struct bounds *bounds = &all_bounds[i];
        neap_range *range = open_range(worker->team, bounds->first,
                                       bounds->last, bounds->step, 0);
        uint64_t count = 0, sum = 0;
        int64_t index;
        for (; neap_range_next(range, &index) == NEAP_MORE; count++)
            sum += (uint64_t)index;
        neap_range_close(range);
        CHECK_INT(count, bounds->count);
        CHECK_INT(sum, bounds->sum);
    }
    return 0;
}


TEST(range_has_the_indices_that_its_bounds_say)
{
    run(1, take_each, NULL);
}


/* Of all 2^64 indices the first worker takes all but the last, at once. */
static int take_all_there_are(neap_worker *worker, void *argument)
{
    (void)argument;
    int64_t index;
    uint64_t done, total;
    neap_range *range = open_range(worker->team, INT64_MIN, INT64_MAX, 1,
                                   UINT64_MAX);
    take_turn(worker->id);
    CHECK_STATUS(neap_range_next(range, &index),
                 worker->id < 2 ? NEAP_MORE : 0);
    if (worker->id < 2)
        CHECK_INT(index, worker->id == 0 ? INT64_MIN : INT64_MAX);
    if (worker->id == 1)
        CHECK_STATUS(neap_range_next(range, &index), 0);
    neap_team_progress(worker->team, &done, &total);
    CHECK(done == UINT64_MAX && total == UINT64_MAX);
    end_turn();
    neap_range_close(range);
    return 0;
}


TEST(range_of_all_indices_ends)
{
    run(3, take_all_there_are, NULL);
}


static int open_with_step_zero(neap_worker *worker, void *argument)
{
    (void)argument;
    neap_range *range = NULL;
    if (worker->id == 0)
        CHECK_FAILS(neap_range_open(worker->team, 1, 10, 0, 0, &range), -EINVAL,
                    "step 0");
    CHECK(range == NULL);

    /* It did not count: both workers open their first range here. */
    range = open_range(worker->team, 5, 6, 1, 0);
    neap_range_close(range);
    neap_range_close(NULL);
    return 0;
}


TEST(step_zero_is_refused_and_does_not_count)
{
    run(2, open_with_step_zero, NULL);
}


static int disagree(neap_worker *worker, void *argument)
{
    (void)argument;
    neap_range *range = NULL;
    take_turn(worker->id);
    if (worker->id == 1)
        CHECK_FAILS(neap_range_open(worker->team, 1, 11, 1, 0, &range), -EPROTO,
                    "range number 1 of the team as 1, 11 by 1; another opened "
                    "it as 1, 10 by 1");
    else
        range = open_range(worker->team, 1, 10, 1, worker->id);
    end_turn();
    neap_range_close(range);

    /* The next one is another matter. */
    neap_range_close(open_range(worker->team, 7, 8, 1, 0));
    return 0;
}


TEST(workers_that_disagree_on_bounds_are_told)
{
    run(3, disagree, NULL);
}


static int open_too_many(neap_worker *worker, void *argument)
{
    (void)argument;
    neap_range *range = NULL;
    for (int i = 0; i < 256; i++)
        neap_range_close(open_range(worker->team, 0, i, 1, 0));
    for (int i = 0; i < 3; i++)
        CHECK_FAILS(neap_range_open(worker->team, 0, 1, 1, 0, &range), -ENOSPC,
                    "256 ranges");
    CHECK(range == NULL);
    return 0;
}


TEST(range_257_is_refused)
{
    run(2, open_too_many, NULL);
}


/* -- who may open and take ------------------------------------------------- */

static int fork_in_the_middle(neap_worker *worker, void *argument)
{
    (void)argument;
    neap_range *range = open_range(worker->team, 0, LENGTH - 1, 1, 100);
    int64_t index;
    for (int i = 0; i < 10; i++) {
        CHECK_STATUS(neap_range_next(range, &index), NEAP_MORE);
        ++board->seen[index];
    }
    pid_t pid = fork();
    while (neap_range_next(range, &index) == NEAP_MORE)
        ++board->seen[index];
    if (pid == 0) {
        CHECK_FAILS(neap_range_open(worker->team, 1, 2, 1, 0, &range), -EPERM,
                    "in a worker itself");
        _exit(0);
    }
    CHECK_INT(test_wait(pid), 0);
    neap_range_close(range);
    return 0;
}


TEST(process_that_a_worker_forks_repeats_nothing)
{
    run(1, fork_in_the_middle, NULL);
    CHECK_INT(count_seen(1), LENGTH);
}


TEST(parent_opens_no_range)
{
    neap_team *team;
    neap_range *range = NULL;
    CHECK_STATUS(neap_team_create(2, &team), 0);
    CHECK_FAILS(neap_range_open(team, 1, 2, 1, 0, &range), -EPERM, "worker");
    CHECK(range == NULL);
    neap_team_close(team);
}


static int take_three_of_ten(neap_worker *worker, void *argument)
{
    (void)argument;
    neap_range *range = open_range(worker->team, 1, 10, 1, 1);
    int64_t index;
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(neap_range_next(range, &index), NEAP_MORE);
    uint64_t done, total;
    neap_range_close(open_range(worker->team, 1, 0, 1, 1));
    neap_range_close(open_range(worker->team, 1, 100, 3, 0));
    neap_team_progress(worker->team, &done, &total);
    CHECK_INT(done, 3);
    CHECK_INT(total, 10 + 34);
    neap_range_close(range);
    return 0;
}


TEST(progress_adds_up_what_was_opened)
{
    run(1, take_three_of_ten, NULL);
}


static void *open_ten(void *team)
{
    for (int i = 0; i < 10; i++)
        neap_range_close(open_range(team, 0, 1, 1, 0));
    return NULL;
}


static int open_in_threads(neap_worker *worker, void *argument)
{
    (void)argument;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, open_ten, worker->team), 0);
    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    uint64_t done, total;
    neap_team_progress(worker->team, &done, &total);
    CHECK(total >= 80);
    return 0;
}


TEST(threads_of_a_worker_open_ranges_of_their_own)
{
    run(2, open_in_threads, NULL);
}


/* -- death ----------------------------------------------------------------- */

#define CHUNK 16

static neap_team *start(uint32_t workers,
                        void (*function)(neap_team *team, uint32_t id))
{
    neap_team *team;
    CHECK_STATUS(neap_team_create(workers, &team), 0);
    for (uint32_t id = 0; id < workers; id++) {
        int status = neap_team_fork(team, id);
        if (status == NEAP_CHILD) {
            function(team, id);
            neap_process_exit(0);
        }
        CHECK_STATUS(status, 0);
    }
    return team;
}


static void see_chunks(neap_team *team, uint32_t id)
{
    (void)id;
    neap_range *range = open_range(team, 0, LENGTH - 1, 1, CHUNK);
    int64_t index;
    while (neap_range_next(range, &index) == NEAP_MORE) {
        ++board->seen[index];
        sched_yield();
    }
    neap_range_close(range);
}


/* Wait for all; those that were not killed must have done well. */
static int count_killed(neap_team *team)
{
    int killed = 0;
    uint32_t id;
    neap_exit ended;
    while (neap_team_next(team, NEAP_FOREVER, &id, &ended) == NEAP_MORE) {
        CHECK(ended.signal == SIGKILL || (!ended.signal && !ended.code));
        killed += ended.signal == SIGKILL;
    }
    return killed;
}


TEST(killed_workers_lose_no_more_than_the_chunks_in_their_hands)
{
    share_board();
    neap_team *team = start(8, see_chunks);
    uint64_t done = 0, total;
    for (uint32_t id = 0; id < 7; id++) {
        uint64_t far = (id + 1) * (LENGTH / 10);
        WAIT_UNTIL((neap_team_progress(team, &done, &total), done >= far));
        CHECK_STATUS(neap_process_kill(neap_team_process(team, id), SIGKILL),
                     0);
    }
    int killed = count_killed(team);
    uint32_t lost = count_seen(0);
    CHECK(lost <= (uint32_t)(CHUNK * killed));
    CHECK_INT(count_seen(1) + lost, LENGTH);
    neap_team_progress(team, &done, &total);
    CHECK_INT(done, LENGTH);
    CHECK_INT(total, LENGTH);
    neap_team_close(team);
}


/* Worker 0 is stepped through this by the test, instruction by instruction. */
static void open_and_take_traced(neap_team *team, uint32_t id)
{
    if (id == 0) {
        CHECK_INT(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
        raise(SIGSTOP);
    } else {
        take_turn(1);
    }
    neap_range *range = open_range(team, 0, 9, 1, 2);
    int64_t index;
    while (neap_range_next(range, &index) == NEAP_MORE) {
        ++board->seen[index];
        if (id == 0)
            _exit(0);
    }
}


/* @return false if it has ended. */
static bool await_stop(pid_t pid)
{
    siginfo_t info;
    CHECK_INT(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WNOWAIT), 0);
    if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED)
        return false;
    CHECK_INT(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
    return true;
}


/* @return false if it came to its end in fewer steps. */
static bool kill_after(pid_t pid, int steps)
{
    while (await_stop(pid)) {
        if (steps-- == 0) {
            CHECK_INT(kill(pid, SIGKILL), 0);
            return true;
        }
        CHECK_INT(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
    }
    return false;
}


/* It may have lost the chunk of two in its hands, or one of them. */
static bool survive_death_after(int steps)
{
    board->turn = 0;
    for (int i = 0; i < 10; i++)
        board->seen[i] = 0;
    neap_team *team = start(2, open_and_take_traced);
    pid_t pid = neap_process_pid(neap_team_process(team, 0));
    bool killed = kill_after(pid, steps);
    end_turn();
    CHECK_INT(count_killed(team), killed);

    int lost = 0;
    for (int i = 0; i < 10; i++) {
        CHECK(board->seen[i] <= 1);
        lost += board->seen[i] == 0;
    }
    CHECK(lost <= 2);
    neap_team_close(team);
    return killed;
}


TEST_WITHIN(worker_killed_at_any_instruction_hangs_nobody, 60)
{
    if (test_slowness() > 1)
        test_skip("what a sanitizer adds is not worth stepping through");
    share_board();
    int steps = 0;
    while (survive_death_after(steps))
        steps += 1 + steps / 64;
    CHECK(steps > 100);
}
