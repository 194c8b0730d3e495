/*
 * What was called and what came back, and whether an object of its kind may do
 * so. An effect lies somewhere between a call and its return; of a process that
 * died in a call nobody knows whether it came to that. So each judge counts
 * what has surely happened, and what may have.
 */
#include <stdio.h>
#include <string.h>

#include "sched.h"

#define EVENTS_MOST 400

static struct event events[EVENTS_MOST];
static int count;


/* -- writing it ------------------------------------------------------------ */

void history_clear(void)
{
    count = 0;
}


static void add(struct event event)
{
    if (count < EVENTS_MOST)
        events[count++] = event;
}


void history_call(enum what what, int64_t number)
{
    add((struct event){present, what, false, 0, number});
}


int history_back(enum what what, int status, int64_t number)
{
    add((struct event){present, what, true, status, number});
    return status;
}


void history_death(int who)
{
    add((struct event){who, DEATH, false, 0, 0});
}


void history_print(void)
{
    static const char *const names[] = {"lock", "read", "unlock", "take",
                                        "give", "meet", "await", "notify",
                                        "set", "dies"};
    printf("    history:");
    for (int i = 0; i < count; i++) {
        const struct event *e = &events[i];
        printf(" %c.%s", "PQR"[e->who], names[e->what]);
        if (e->back)
            printf("=%s", e->status ? neap_status_name(e->status) : "0");
    }
    printf("\n");
}


/* -- locks ----------------------------------------------------------------- */

enum grip { NO_GRIP, READS, WRITES };

struct holders {
    enum grip grip[PROCESSES];
    int depth[PROCESSES];
    bool calls[PROCESSES];    /* something that takes or gives for writing */
    bool waits[PROCESSES];    /* on a condition, and gave the mutex up for it */
    bool surely, perhaps;     /* a writer died inside */
};


static bool others_may(const struct holders *h, int who)
{
    for (int i = 0; i < PROCESSES; i++)
        if (i != who && (h->grip[i] == WRITES ||
                         (h->grip[i] == READS && h->grip[who] == WRITES)))
            return false;
    return true;
}


static const char *got(struct holders *h, const struct event *e)
{
    h->grip[e->who] = e->what == READ ? READS : WRITES;
    h->depth[e->who]++;
    if (!others_may(h, e->who))
        return "two are inside at once";
    if (e->what != READ && h->surely && e->status != NEAP_ABANDONED)
        return "it is not told that the last owner died";
    if (e->status == NEAP_ABANDONED && !h->perhaps)
        return "it is told of a death that was none";
    return NULL;
}


static void let_go(struct holders *h, int who)
{
    if (h->depth[who] > 0 && --h->depth[who] == 0)
        h->grip[who] = NO_GRIP;
}


static void die(struct holders *h, int who)
{
    h->surely |= h->grip[who] == WRITES;
    h->perhaps |= h->surely || h->calls[who];
    h->grip[who] = NO_GRIP;
    h->depth[who] = 0;
}


static const char *lock_call(struct holders *h, const struct event *e)
{
    h->calls[e->who] = e->what != READ;
    h->waits[e->who] = e->what == AWAIT && h->depth[e->who] > 0;
    if (e->what == DEATH)
        die(h, e->who);
    else if (e->what == UNLOCK || h->waits[e->who])
        let_go(h, e->who);
    return NULL;
}


static const char *lock_back(struct holders *h, const struct event *e)
{
    h->calls[e->who] = false;
    if (e->what == UNLOCK)
        return e->status ? "an owner cannot unlock" : NULL;
    if (e->what != LOCK && e->what != READ && !h->waits[e->who])
        return NULL;
    if (e->status < 0 && e->status != -ETIMEDOUT && e->status != -EBUSY)
        return "it cannot be locked";
    return e->status < 0 ? NULL : got(h, e);
}


const char *history_of_lock(void)
{
    struct holders h = {0};
    const char *wrong = NULL;
    for (int i = 0; i < count && !wrong; i++) {
        /* A turn may begin while a dead one's call is open; it is closed. */
        wrong = events[i].back ? lock_back(&h, &events[i])
                               : lock_call(&h, &events[i]);
    }
    return wrong;
}


/* -- semaphores ------------------------------------------------------------ */

struct permits {
    int64_t first, bound;
    int64_t given, may_be_given;  /* came back; were called */
    int64_t taken, may_be_taken;
    int64_t holds[PROCESSES];
    int64_t taken_then[PROCESSES]; /* when its last call began */
    int64_t unsure;                /* what a dead one's last call changes */
    struct event open[PROCESSES];
};


static void semaphore_call(struct permits *p, const struct event *e, bool undo)
{
    struct event *open = &p->open[e->who];
    if (e->what == DEATH) {
        if (open->what == GIVE || open->what == TAKE)
            p->unsure = open->what == GIVE ? open->number : -open->number;
        if (undo)
            p->taken -= p->holds[e->who];
        p->holds[e->who] = 0;
        return;
    }
    *open = *e;
    p->taken_then[e->who] = p->taken;
    if (e->what == GIVE) {
        p->may_be_given += e->number;
        p->holds[e->who] -= e->number;
    } else if (e->what == TAKE) {
        p->may_be_taken += e->number;
    }
}


static const char *taken(struct permits *p, const struct event *e)
{
    if (e->status < 0) {
        p->may_be_taken -= e->number;
        return e->status == -EBUSY || e->status == -ETIMEDOUT
                   ? NULL : "it cannot be taken from";
    }
    p->taken += e->number;
    p->holds[e->who] += e->number;
    return p->taken > p->first + p->may_be_given
               ? "more permits are taken than there are" : NULL;
}


static const char *given(struct permits *p, const struct event *e)
{
    if (e->status == -EOVERFLOW && p->bound) {
        int64_t most = p->first + p->may_be_given - p->taken_then[e->who];
        p->may_be_given -= e->number;
        p->holds[e->who] += e->number;
        return most <= p->bound ? "it says that it is full, and is not" : NULL;
    }
    if (e->status < 0)
        return "it cannot be given to";
    p->given += e->number;
    return p->bound && p->first + p->given - p->may_be_taken > p->bound
               ? "it has more permits than its bound" : NULL;
}


const char *history_of_semaphore(int64_t permits, int64_t bound, bool undo,
                                 int64_t left)
{
    struct permits p = {.first = permits, .bound = bound};
    const char *wrong = NULL;
    for (int i = 0; i < count && !wrong; i++) {
        const struct event *e = &events[i];
        if (!e->back) {
            semaphore_call(&p, e, undo);
            continue;
        }
        p.open[e->who].what = DEATH; /* none */
        wrong = e->what == TAKE   ? taken(&p, e)
                : e->what == GIVE ? given(&p, e) : NULL;
    }
    int64_t there = permits + p.given - p.taken;
    if (undo) {
        there = permits;
        for (int who = 0; who < PROCESSES; who++)
            there -= p.holds[who];
    }
    if (!wrong && left != there && (undo || left != there + p.unsure))
        wrong = "permits are lost, or came from nowhere";
    return wrong;
}


/* -- barriers -------------------------------------------------------------- */

#define PHASES 8

struct meetings {
    int parties;
    int came[PROCESSES], went[PROCESSES];
    int last[PHASES];        /* when the last call of each phase began */
    int died[PROCESSES];     /* when; 0 it lives */
    unsigned places[PHASES]; /* that were given, a bit each */
    bool death;
};


static bool all_came(const struct meetings *m, int phase)
{
    int here = 0;
    for (int who = 0; who < PROCESSES; who++)
        here += m->came[who] >= phase;
    return here >= m->parties;
}


/* One that waited was dead before the last one came. */
static bool opened_for_the_dead(const struct meetings *m, int phase)
{
    for (int who = 0; who < PROCESSES; who++)
        if (m->died[who] && m->died[who] < m->last[phase % PHASES] &&
            m->came[who] == phase && m->went[who] < phase)
            return true;
    return false;
}


static const char *meeting_over(struct meetings *m, const struct event *e)
{
    if (e->status == NEAP_EBROKEN && m->death)
        return NULL;
    if (e->status < 0)
        return "it broke, and nobody died";
    int phase = ++m->went[e->who];
    if (!all_came(m, phase))
        return "it let one through before all were there";
    if (opened_for_the_dead(m, phase))
        return "it opened, and one that it counted was dead";
    unsigned place = 1u << e->number;
    bool twice = m->places[phase % PHASES] & place;
    m->places[phase % PHASES] |= place;
    return twice ? "two have the same place" : NULL;
}


const char *history_of_barrier(int parties)
{
    struct meetings m = {.parties = parties};
    const char *wrong = NULL;
    for (int i = 0; i < count && !wrong; i++) {
        const struct event *e = &events[i];
        if (e->what == DEATH) {
            m.death = true;
            m.died[e->who] = i;
        } else if (e->what == MEET && !e->back) {
            m.last[++m.came[e->who] % PHASES] = i;
        } else if (e->what == MEET) {
            wrong = meeting_over(&m, e);
        }
    }
    return wrong;
}


/* -- conditions and events ------------------------------------------------- */

/* No more waits end than were notified; once it is set, any do. */
const char *history_of_waits(void)
{
    int64_t notified = 0, ended = 0;
    bool set = false;
    for (int i = 0; i < count; i++) {
        const struct event *e = &events[i];
        if (e->back && e->status < 0)
            return "it cannot be waited for, or told";
        set |= e->what == SET;
        if (e->what == NOTIFY && !e->back)
            notified += e->number;
        if (e->what == AWAIT && e->back && e->status == 0)
            ended++;
        if (ended > notified && !set)
            return "a wait ended that nobody ended";
    }
    return NULL;
}
