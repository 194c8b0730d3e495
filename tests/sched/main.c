/*
 * All schedules of all scenarios, see sched.h.
 *
 *     sched [--filter WORDS] [--preemptions N] [--deaths N] [--without WHAT]
 *
 * With --without a line of the core is taken out, and the program fails unless
 * it finds out: the negative control.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched.h"

#define SHOWN_MOST 3 /* of a scenario */

int neap__sabotage;

static const struct {
    const char *name;
    int what;
} known[] = {{"look", NEAP__WITHOUT_LOOK},     {"order", NEAP__WITHOUT_ORDER},
             {"mark", NEAP__WITHOUT_MARK},     {"phase", NEAP__WITHOUT_PHASE},
             {"claim", NEAP__WITHOUT_CLAIM},
             {"redo", NEAP__WITHOUT_REDO},     {"intent", NEAP__WITHOUT_INTENT},
             {"shares", NEAP__WITHOUT_SHARES}, {"reap", NEAP__WITHOUT_REAP}};


static int sabotage_named(const char *name)
{
    for (size_t i = 0; i < NEAP__COUNT(known); i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].what;
    fprintf(stderr, "sched: --without %s: there is no such line\n", name);
    exit(2);
}


static void row(const char *name, const struct counts *counts)
{
    printf("%-32s %9ld %11ld %10ld %8ld %8ld %8ld\n", name, counts->schedules,
           counts->points, counts->switches, counts->deaths, counts->expired,
           counts->failures);
    fflush(stdout);
}


/* All its schedules; or, with a line taken out, until that is found. */
static void explore(const struct scenario *scenario, struct limits limits,
                    bool until_found, struct counts *total)
{
    struct counts counts = {0};
    if (scenario->long_one && limits.preemptions > 0)
        limits.preemptions--;
    sched_begin(scenario, limits);
    do {
        const char *wrong = sched_play(&counts);
        if (!wrong)
            continue;
        if (counts.failures++ < SHOWN_MOST && !until_found) {
            printf("  %s: %s\n", scenario->name, wrong);
            history_print();
            sched_print();
        }
    } while (!(until_found && counts.failures) && sched_next());
    sched_end();
    row(scenario->name, &counts);
    total->schedules += counts.schedules;
    total->points += counts.points;
    total->switches += counts.switches;
    total->deaths += counts.deaths;
    total->expired += counts.expired;
    total->failures += counts.failures;
}


int main(int argc, char **argv)
{
    const char *filter = "", *without = NULL;
    struct limits limits = {.preemptions = 2};
    for (int i = 1; i + 1 < argc; i += 2)
        if (strcmp(argv[i], "--filter") == 0)
            filter = argv[i + 1];
        else if (strcmp(argv[i], "--preemptions") == 0)
            limits.preemptions = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--deaths") == 0)
            limits.deaths = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--without") == 0)
            neap__sabotage = sabotage_named(without = argv[i + 1]);

    printf("at most %d preemptions, %d deaths\n"
           "%-32s %9s %11s %10s %8s %8s %8s\n",
           limits.preemptions, limits.deaths, "scenario", "schedules", "points",
           "switches", "deaths", "expired", "failures");
    struct counts total = {0};
    for (size_t i = 0; i < scenarios_count; i++)
        if (strstr(scenarios[i].name, filter) && !(without && total.failures))
            explore(&scenarios[i], limits, without, &total);
    row("all", &total);
    bool good = without ? total.failures > 0 : total.failures == 0;
    if (without)
        printf("without %s: %s\n", without,
               good ? "found, as it must be" : "NOT FOUND");
    printf("%d passed, %d failed\n", good, !good);
    return !good;
}
