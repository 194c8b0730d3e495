/* Whose turn it is, see sched.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "recovery/gate.h"
#include "recovery/wait.h"
#include "sched.h"

#define OBSERVES PROCESSES
#define STACK (256 << 10)
#define CHOICES_MOST 100000
#define POINTS_MOST 20000  /* of one schedule; more is a loop without end */
#define EXPIRED_MOST 6     /* sleeps, after a death, until there is help */
#define BEGINNING INT64_C(1000000000)

struct process {
    enum { ABSENT, READY, ASLEEP, ENDED, DEAD } state;
    ucontext_t context;
    char *stack;
    /* What the core knows of its thread, while another one runs. */
    struct neap__thread *self;
    struct neap__here here;
    /* Asleep: on what, until when, since when; awake: how it ended. */
    struct neap__futex futexes[2];
    int futexes_count;
    int64_t until;
    bool brief; /* sleeps for a moment only: time may end it */
    long since;
    int ended;
};

struct choice {
    int taken, options;
};

int present = OBSERVES;

static struct process processes[PROCESSES + 1];
static ucontext_t home;
static const struct scenario *scenario;
static struct limits limits;
static struct choice choices[CHOICES_MOST];
static int known, made;
/* Of this schedule. */
static long points, sleeps;
static int preemptions, deaths, expired, next;
static const char *trouble;
static jmp_buf stuck; /* the observer never sleeps */
/* What each schedule begins with. */
static void *before;
static uint64_t before_size;
static uint32_t seats, handles;


/* -- choices --------------------------------------------------------------- */

/* One of so many; the same as before, as far as the schedule is known. */
static int choose(int options)
{
    if (options < 2)
        return 0;
    if (made == CHOICES_MOST)
        abort();
    if (made == known)
        choices[known++] = (struct choice){0, options};
    if (choices[made].options != options) {
        fprintf(stderr, "sched: %s: the same schedule went another way\n",
                scenario->name);
        abort();
    }
    return choices[made++].taken;
}


bool sched_next(void)
{
    while (known > 0 && choices[known - 1].taken + 1 ==
                            choices[known - 1].options)
        known--;
    if (known > 0)
        choices[known - 1].taken++;
    return known > 0;
}


void sched_print(void)
{
    printf("    schedule:");
    for (int i = 0; i < known; i++)
        if (choices[i].taken)
            printf(" %d:%d", i, choices[i].taken);
    printf("\n");
}


bool sched_died(void)
{
    return deaths > 0;
}


/* -- who is on the stage --------------------------------------------------- */

static void stage(int who)
{
    processes[present].self = neap__self;
    processes[present].here = neap__here;
    present = who;
    sim_actor = (uint32_t)who;
    neap__self = processes[who].self;
    neap__here = processes[who].here;
}


static void give_way(void)
{
    swapcontext(&processes[present].context, &home);
}


/* May go on: is ready, or only rests for a moment. */
static bool can_go_on(int who)
{
    const struct process *process = &processes[who];
    return process->state == READY ||
           (process->state == ASLEEP && process->brief);
}


/* The n-th of those who can go on, without the present one. */
static int another(int n)
{
    for (int who = 0; who < PROCESSES; who++)
        if (who != present && can_go_on(who) && n-- == 0)
            return who;
    return -1;
}


static int others(void)
{
    int count = 0;
    while (another(count) >= 0)
        count++;
    return count;
}


void sched_point(void)
{
    if (present == OBSERVES || neap__gate_kept != NEAP__GATE_FREE)
        return;
    if (++points > POINTS_MOST && !trouble) {
        trouble = "it goes on without end";
        give_way();
    }
    int stops = preemptions < limits.preemptions ? others() : 0;
    int choice = choose(1 + stops + (deaths < limits.deaths));
    if (choice == 0)
        return;
    if (choice <= stops) {
        preemptions++;
        next = another(choice - 1);
    } else {
        processes[present].state = DEAD;
    }
    give_way();
}


/* -- sleeping -------------------------------------------------------------- */

int sched_sleep(const struct neap__futex *futexes, int count, int64_t until)
{
    struct process *process = &processes[present];
    if (present == OBSERVES)
        longjmp(stuck, 1);
    memcpy(process->futexes, futexes, (size_t)count * sizeof *futexes);
    process->futexes_count = count;
    process->until = until;
    process->brief = until - sim_now < NEAP__WAIT_CAP_FIRST;
    process->since = ++sleeps;
    process->state = ASLEEP;
    give_way();
    return process->ended;
}


static void awake(struct process *process, int ended)
{
    process->state = READY;
    process->ended = ended;
}


static bool sleeps_on(const struct process *process,
                      const _Atomic uint32_t *word)
{
    if (process->state == ASLEEP)
        for (int i = 0; i < process->futexes_count; i++)
            if (process->futexes[i].word == word)
                return true;
    return false;
}


int sched_wake(_Atomic uint32_t *word, int count)
{
    int woken = 0;
    while (woken < count) {
        struct process *first = NULL;
        for (int who = 0; who < PROCESSES; who++)
            if (sleeps_on(&processes[who], word) &&
                (!first || processes[who].since < first->since))
                first = &processes[who];
        if (!first)
            break;
        awake(first, 0);
        woken++;
    }
    return woken;
}


static void time_passes(struct process *process)
{
    if (process->until > sim_now)
        sim_now = process->until;
    awake(process, -ETIMEDOUT);
}


static void help(void)
{
    stage(OBSERVES);
    if (setjmp(stuck))
        trouble = "whoever helps would have to wait";
    else
        scenario->help();
}


/* Nobody is ready: whoever would awake first does. @return false nobody may. */
static bool wait_for_time(struct counts *counts)
{
    struct process *first = NULL;
    for (int who = 0; who < PROCESSES; who++)
        if (processes[who].state == ASLEEP &&
            (!first || processes[who].until < first->until))
            first = &processes[who];
    if (!first)
        return false;
    if (!first->brief && !deaths) {
        trouble = "it sleeps for ever: a wake is lost";
        return false;
    }
    if (!first->brief && ++expired > EXPIRED_MOST) {
        if (expired > 2 * EXPIRED_MOST || !scenario->help) {
            trouble = "it sleeps for ever after a death";
            return false;
        }
        help();
    }
    if (first->state == ASLEEP) {
        counts->expired += !first->brief;
        time_passes(first);
    }
    return true;
}


/* -- one schedule ---------------------------------------------------------- */

static void run_program(void)
{
    scenario->programs[present]();
    processes[present].state = ENDED;
}


static void set_out(int who)
{
    struct process *process = &processes[who];
    getcontext(&process->context);
    process->context.uc_stack.ss_sp = process->stack;
    process->context.uc_stack.ss_size = STACK;
    process->context.uc_link = &home;
    makecontext(&process->context, run_program, 0);
    process->state = READY;
}


static void set_all_back(void)
{
    world_put(before, before_size);
    world.heap->seats = seats;
    world.heap->handles = handles;
    points = sleeps = preemptions = deaths = expired = made = 0;
    next = -1;
    trouble = NULL;
    sim_now = BEGINNING;
    history_clear();
    if (scenario->reset)
        scenario->reset();
    for (int who = 0; who < PROCESSES; who++)
        if (scenario->programs[who])
            set_out(who);
        else
            processes[who].state = ABSENT;
}


/* The kernel's part at a death. */
static void bury(int who)
{
    struct neap_sh_header *header = neap__header(world.heap);
    deaths++;
    history_death(who);
    for (uint32_t i = 0; i < header->slots_ready; i++) {
        struct neap_sh_life *life = &neap__slot_at(world.heap, i)->life;
        if (life->word == (uint32_t)who + 1) {
            neap__life_declare_dead(life);
            sched_wake(&life->word, 1);
        }
    }
}


/* Whom the last one has given way to, or anybody who is ready. */
static int whose_turn(void)
{
    int who = next;
    next = -1;
    if (who >= 0)
        return who;
    int ready[PROCESSES], count = 0;
    for (int i = 0; i < PROCESSES; i++)
        if (processes[i].state == READY)
            ready[count++] = i;
    return count ? ready[choose(count)] : -1;
}


static void take_turn(int who)
{
    if (processes[who].state == ASLEEP)
        time_passes(&processes[who]);
    stage(who);
    hooks_each(sched_point);
    swapcontext(&home, &processes[who].context);
    hooks_each(NULL);
    if (processes[who].state == DEAD)
        bury(who);
}


static const char *judge(void)
{
    stage(OBSERVES);
    if (setjmp(stuck))
        return "whoever looks at it would have to wait";
    if (deaths && neap_heap_reap(world.heap) < 0)
        return neap_error_text();
    const char *wrong = scenario->wrong();
    if (!wrong)
        wrong = world_wrong();
    if (!wrong && deaths)
        wrong = world_exercise();
    return wrong ? wrong : trouble;
}


const char *sched_play(struct counts *counts)
{
    set_all_back();
    for (bool going = true; going && !trouble;) {
        int who = whose_turn();
        if (who >= 0) {
            take_turn(who);
            counts->switches++;
        } else {
            going = wait_for_time(counts);
        }
    }
    counts->schedules++;
    counts->points += points;
    counts->deaths += deaths;
    return trouble ? trouble : judge();
}


/* -- a scenario ------------------------------------------------------------ */

void sched_begin(const struct scenario *chosen, struct limits chosen_limits)
{
    scenario = chosen;
    limits = chosen_limits;
    known = made = 0;
    memset(processes, 0, sizeof processes);
    present = OBSERVES;
    sim_actor = OBSERVES;
    sim_now = BEGINNING;
    world_make();
    scenario->prepare();
    for (int who = 0; who < PROCESSES; who++) {
        struct neap__seat *seat;
        processes[who].stack = malloc(STACK);
        stage(who);
        if (!processes[who].stack || neap__seat(world.heap, &seat) < 0)
            abort();
    }
    stage(OBSERVES);
    before = world_copy(&before_size);
    seats = world.heap->seats;
    handles = world.heap->handles;
}


/* The heap goes with the program. */
void sched_end(void)
{
    set_all_back();
    stage(OBSERVES);
    for (int who = 0; who < PROCESSES; who++)
        free(processes[who].stack);
    free(before);
    world_forget();
}
