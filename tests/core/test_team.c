/* Teams: n workers that run the same function. */
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "lib/harness.h"
#include "neap/team.h"


static neap_team *new_team(uint32_t workers)
{
    neap_team *team;
    CHECK_STATUS(neap_team_create(workers, &team), 0);
    CHECK_INT(neap_team_workers(team), workers);
    return team;
}


static _Noreturn void sleep_for_ever(void)
{
    for (;;)
        pause();
}


/* Start all workers with one function. */
static neap_team *start_team(uint32_t workers,
                             void (*function)(neap_team *team, uint32_t id))
{
    neap_team *team = new_team(workers);
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


static void exit_with_id(neap_team *team, uint32_t id)
{
    (void)team;
    neap_process_exit((int)id + 10);
}


static void sleep_in(neap_team *team, uint32_t id)
{
    (void)team;
    (void)id;
    sleep_for_ever();
}


TEST(next_tells_each_worker_once)
{
    neap_team *team = start_team(8, exit_with_id);
    bool told[8] = {false};
    for (int i = 0; i < 8; i++) {
        uint32_t id = 77;
        neap_exit ended;
        CHECK_STATUS(neap_team_next(team, NEAP_FOREVER, &id, &ended),
                     NEAP_MORE);
        CHECK(id < 8 && !told[id]);
        told[id] = true;
        CHECK_INT(ended.code, id + 10);
        CHECK_INT(ended.pid, neap_process_pid(neap_team_process(team, id)));
    }
    uint32_t id = 77;
    neap_exit ended = {.code = 77};
    CHECK_STATUS(neap_team_next(team, NEAP_FOREVER, &id, &ended), 0);
    CHECK_INT(id, 77);
    CHECK_INT(ended.code, 77);
    neap_team_close(team);
}


TEST(next_tells_of_workers_that_were_waited_for_singly)
{
    neap_team *team = start_team(3, exit_with_id);
    CHECK_STATUS(neap_process_wait(neap_team_process(team, 1), NEAP_FOREVER,
                                   NULL), 0);
    int sum = 0;
    uint32_t id;
    neap_exit ended;
    while (neap_team_next(team, NEAP_FOREVER, &id, &ended) == NEAP_MORE)
        sum += ended.code;
    CHECK_INT(sum, 10 + 11 + 12);
    neap_team_close(team);
}


#define ANSWER_SIZE (3u << 20)

static void answer_much(neap_team *team, uint32_t id)
{
    (void)team;
    char *bytes = malloc(ANSWER_SIZE);
    CHECK(bytes != NULL);
    memset(bytes, 'a' + (int)id, ANSWER_SIZE);
    CHECK_STATUS(neap_process_answer(bytes, ANSWER_SIZE), 0);
}


TEST(next_collects_the_answers_of_all_at_once)
{
    neap_team *team = start_team(6, answer_much);
    uint32_t id;
    neap_exit ended;
    while (neap_team_next(team, NEAP_FOREVER, &id, &ended) == NEAP_MORE) {
        CHECK_INT(ended.code, 0);
        size_t length;
        const char *bytes = neap_process_answered(neap_team_process(team, id),
                                                  &length);
        CHECK_INT(length, ANSWER_SIZE);
        for (size_t i = 0; i < length; i++)
            if (bytes[i] != (char)('a' + (int)id))
                FAIL("byte %zu of worker %u is wrong", i, id);
    }
    neap_team_close(team);
}


TEST(next_ends_at_its_deadline)
{
    neap_team *team = start_team(2, sleep_in);
    uint32_t id = 77;
    neap_exit ended;
    int64_t deadline = neap_deadline_after(20000000);
    CHECK_FAILS(neap_team_next(team, deadline, &id, &ended), -ETIMEDOUT,
                "2 of 2 workers");
    CHECK(neap_now() >= deadline);
    CHECK_STATUS(neap_team_next(team, NEAP_NOW, &id, &ended), -ETIMEDOUT);
    CHECK_INT(id, 77);
    neap_team_close(team);
}


static void ignore(int number)
{
    (void)number;
}


TEST(next_is_interrupted_by_a_signal)
{
    neap_team *team = start_team(2, sleep_in);
    struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
    CHECK_INT(sigaction(SIGALRM, &action, NULL), 0);
    CHECK_INT(setitimer(ITIMER_REAL, &often, NULL), 0);
    uint32_t id;
    neap_exit ended;
    CHECK_FAILS(neap_team_next(team, NEAP_FOREVER, &id, &ended), -EINTR,
                "interrupted");
    CHECK_INT(setitimer(ITIMER_REAL, &never, NULL), 0);
    neap_team_close(team);
}


TEST(worker_whose_status_is_lost_is_told_as_that)
{
    signal(SIGCHLD, SIG_IGN);
    neap_team *team = start_team(2, exit_with_id);
    uint32_t id, seen = 0;
    neap_exit ended;
    for (int i = 0; i < 2; i++) {
        CHECK_FAILS(neap_team_next(team, NEAP_FOREVER, &id, &ended), -ECHILD,
                    "SIGCHLD");
        seen |= 1u << id;
    }
    CHECK_INT(seen, 3);
    CHECK_STATUS(neap_team_next(team, NEAP_FOREVER, &id, &ended), 0);
    neap_team_close(team);
    signal(SIGCHLD, SIG_DFL);
}


/* -- stopping -------------------------------------------------------------- */

static _Atomic uint32_t *ready; /* workers that have set themselves up */

static void share_ready(void)
{
    ready = mmap(NULL, sizeof *ready, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(ready != MAP_FAILED);
}


static void end_well(int number)
{
    (void)number;
    _exit(33);
}


/* 0 obeys, 1 is stopped, 2 dies of SIGTERM as most do, 3 is deaf. */
static void behave(neap_team *team, uint32_t id)
{
    (void)team;
    if (id == 0)
        signal(SIGTERM, end_well);
    if (id == 3)
        signal(SIGTERM, SIG_IGN);
    ++*ready;
    if (id == 1)
        raise(SIGSTOP);
    sleep_for_ever();
}


static neap_team *start_behaving(uint32_t workers)
{
    share_ready();
    neap_team *team = start_team(workers, behave);
    WAIT_UNTIL(*ready == workers);
    siginfo_t info;
    int32_t stopped = neap_process_pid(neap_team_process(team, 1));
    CHECK_INT(waitid(P_PID, (id_t)stopped, &info, WSTOPPED | WNOWAIT), 0);
    return team;
}


#define HOUR (INT64_C(3600) * 1000000000)

TEST(stop_asks_and_does_not_use_up_the_grace_of_those_that_obey)
{
    neap_team *team = start_behaving(3);
    CHECK_STATUS(neap_team_stop(team, HOUR), 0);
    neap_exit ended[3], one;
    uint32_t id;
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(neap_team_next(team, NEAP_NOW, &id, &one), NEAP_MORE);
        ended[id] = one;
    }
    CHECK_INT(ended[0].code, 33);
    CHECK_INT(ended[1].signal, SIGTERM);
    CHECK_INT(ended[2].signal, SIGTERM);
    CHECK_STATUS(neap_team_stop(team, HOUR), 0);
    neap_team_close(team);
}


TEST(stop_makes_those_that_do_not_obey)
{
    neap_team *team = start_behaving(4);
    CHECK_STATUS(neap_team_stop(team, 20000000), 0);
    neap_exit ended;
    CHECK_STATUS(neap_process_wait(neap_team_process(team, 3), NEAP_NOW,
                                   &ended), 0);
    CHECK_INT(ended.signal, SIGKILL);
    neap_team_close(team);
}


TEST(close_ends_all_at_once)
{
    neap_team *team = start_behaving(4);
    neap_team_close(team);
    CHECK_INT(waitpid(-1, NULL, 0), -1);
    CHECK_INT(errno, ECHILD);
    neap_team_close(NULL);
}


/* -- who may do what ------------------------------------------------------- */

TEST(team_has_one_to_1024_workers)
{
    neap_team *team = NULL;
    CHECK_FAILS(neap_team_create(0, &team), -EINVAL, "1 to 1024");
    CHECK_FAILS(neap_team_create(NEAP_TEAM_MAX + 1, &team), -EINVAL, "1025");
    CHECK(team == NULL);
    CHECK_STATUS(neap_team_create(NEAP_TEAM_MAX, &team), 0);
    neap_team_close(team);
}


TEST(worker_is_started_once_and_by_its_number)
{
    neap_team *team = start_team(2, sleep_in);
    CHECK_FAILS(neap_team_fork(team, 2), -EINVAL, "has 2");
    CHECK_FAILS(neap_team_fork(team, 1), -EEXIST, "started before");
    CHECK(neap_team_process(team, 2) == NULL);
    neap_team_close(team);
}


TEST(team_that_was_not_started_has_nothing_to_tell)
{
    neap_team *team = new_team(3);
    uint32_t id;
    neap_exit ended;
    CHECK(neap_team_process(team, 0) == NULL);
    CHECK_STATUS(neap_team_next(team, NEAP_FOREVER, &id, &ended), 0);
    CHECK_STATUS(neap_team_stop(team, 0), 0);
    neap_team_close(team);
}


static void meddle(neap_team *team, uint32_t id)
{
    if (id == 0)
        sleep_for_ever();
    uint32_t index;
    neap_exit ended;
    CHECK_FAILS(neap_team_next(team, NEAP_FOREVER, &index, &ended), -EPERM,
                "another process");
    CHECK_STATUS(neap_team_fork(team, 0), -EPERM);
    CHECK_STATUS(neap_team_stop(team, 0), -EPERM);
    CHECK(neap_team_process(team, 0) == NULL);
    CHECK_INT(neap_team_workers(team), 2);
    neap_team_close(team);
}


TEST(worker_leaves_its_siblings_alone)
{
    neap_team *team = start_team(2, meddle);
    uint32_t id;
    neap_exit ended;
    CHECK_STATUS(neap_team_next(team, NEAP_FOREVER, &id, &ended), NEAP_MORE);
    CHECK_INT(id, 1);
    CHECK_INT(ended.signal, 0);
    CHECK_INT(ended.code, 0);
    CHECK_INT(neap_process_alive(neap_team_process(team, 0)), 1);
    neap_team_close(team);
}


static void lead_a_team(neap_team *team, uint32_t id)
{
    (void)team;
    neap_team *inner = start_team(3, exit_with_id);
    int sum = (int)id;
    uint32_t index;
    neap_exit ended;
    while (neap_team_next(inner, NEAP_FOREVER, &index, &ended) == NEAP_MORE)
        sum += ended.code;
    neap_team_close(inner);
    neap_process_exit(sum);
}


TEST(worker_leads_a_team_of_its_own)
{
    neap_team *team = start_team(2, lead_a_team);
    uint32_t id;
    neap_exit ended;
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(neap_team_next(team, NEAP_FOREVER, &id, &ended),
                     NEAP_MORE);
        CHECK_INT(ended.code, 33 + (int)id);
    }
    neap_team_close(team);
}


TEST(large_team_comes_and_goes)
{
    neap_team *team = start_team(100, exit_with_id);
    uint32_t id, told = 0;
    neap_exit ended;
    while (neap_team_next(team, NEAP_FOREVER, &id, &ended) == NEAP_MORE) {
        CHECK_INT(ended.code, id + 10);
        told++;
    }
    CHECK_INT(told, 100);
    neap_team_close(team);
}
