/*
 * neap_run: fork n workers, run a function in each, wait for all.
 *
 * A worker sends home what its function returned: an exit code has eight bits,
 * and 256 would come out as success.
 */
#include <stdlib.h>
#include <string.h>

#include "work/work.h"

#define REPORT 0x6e72756f65725f65u

/* How a worker's function ended, as it travels. The function may have answered
 * on its own account, and then not have returned: the mark tells. */
struct report {
    uint64_t mark;
    int32_t value;
    char text[512]; /* of its last failure, if the value is a failure */
};


static _Noreturn void work(neap_team *team, uint32_t id,
                           int (*function)(neap_worker *worker, void *argument),
                           void *argument)
{
    neap_worker worker = {.id = id, .workers = team->workers, .team = team};
    struct report report = {.mark = REPORT};
    report.value = function(&worker, argument);
    if (report.value < 0)
        strncpy(report.text, neap_error_text(), sizeof report.text - 1);
    int status = neap_process_answer(&report, sizeof report);
    neap_process_exit(report.value == 0 && status == 0 ? EXIT_SUCCESS
                                                       : EXIT_FAILURE);
}


static int fail_value(const neap_team *team, uint32_t id,
                      const struct report *report)
{
    if (report->value < 0 && report->text[0])
        return neap__fail(NEAP_EWORKER, "worker %u of %u returned %d (%s): %s",
                          id, team->workers, report->value,
                          neap_status_name(report->value), report->text);
    return neap__fail(NEAP_EWORKER, "worker %u of %u returned %d", id,
                      team->workers, report->value);
}


/* @return 0 it did well; what neap_run fails with. */
static int judge(neap_team *team, uint32_t id, const neap_exit *ended)
{
    if (ended->signal)
        return neap__fail(NEAP_EKILLED, "worker %u of %u (pid %d) was killed "
                          "by %s%s", id, team->workers, ended->pid,
                          neap_signal_name(ended->signal),
                          ended->core ? " and left a core dump" : "");
    size_t length;
    struct report report;
    const void *answer = neap_process_answered(neap_team_process(team, id),
                                               &length);
    if (length >= sizeof report) {
        memcpy(&report, (const char *)answer + length - sizeof report,
               sizeof report);
        if (report.mark == REPORT && report.value != 0)
            return fail_value(team, id, &report);
    }
    if (ended->code != 0)
        return neap__fail(NEAP_EWORKER, "worker %u of %u (pid %d) ended with "
                          "exit code %d before its function returned", id,
                          team->workers, ended->pid, ended->code);
    return 0;
}


static int start_all(neap_team *team,
                     int (*function)(neap_worker *worker, void *argument),
                     void *argument)
{
    for (uint32_t id = 0; id < team->workers; id++) {
        int status = neap_team_fork(team, id);
        if (status == NEAP_CHILD)
            work(team, id, function, argument);
        if (status < 0)
            return status;
    }
    return 0;
}


static int await_all(neap_team *team)
{
    uint32_t id;
    neap_exit ended;
    int status;
    while ((status = neap_team_next(team, NEAP_FOREVER, &id, &ended)) ==
           NEAP_MORE) {
        status = judge(team, id, &ended);
        if (status < 0)
            return status;
    }
    return status;
}


int neap_run(uint32_t workers,
             int (*function)(neap_worker *worker, void *argument),
             void *argument)
{
    neap_team *team;
    int status = neap_team_create(workers, &team);
    if (status < 0)
        return status;
    status = start_all(team, function, argument);
    if (status == 0)
        status = await_all(team);
    neap_team_close(team);
    return status;
}
