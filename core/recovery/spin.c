/* How long to spin for an object, see spin.h. */
#include "recovery/spin.h"

_Thread_local int32_t neap__spin_wish;

#define TIME_MOST 20000 /* nanoseconds */
#define ESTIMATES 256   /* objects that share one learn together */
#define FIRST 64        /* looks */
#define MORE 200        /* than twice the estimate */
#define LEAST 4         /* an estimate below it is as good as none */
#define TRY_TIMES 4     /* as long as TIME_MOST: longer than a wake takes */
#define TRIES 2         /* in each window */
#define WINDOWS 24      /* bits of the clock, 17 ms, of which the first 1/16 */
#define MEASURED 64

/* The enumeration of crashes repeats operations, to the very access. */
#ifdef NEAP_TINY
#define LEARNS false
#else
#define LEARNS true
#endif

static struct lesson {
    _Atomic uint32_t estimate; /* 8 * looks; 0 nothing known */
    _Atomic uint32_t tries;    /* the window * (TRIES + 1), plus those used */
    _Atomic uint32_t in_row;   /* 1 the last one was not in vain */
    _Atomic uint32_t broken;   /* 1 it was, but the one before was not */
} lessons[ESTIMATES];


/* In TIME_MOST; measured once, for a pause takes 10 to 200 cycles. */
static uint32_t looks_most(void)
{
    static _Atomic uint32_t known;
    uint32_t most = atomic_load_explicit(&known, memory_order_relaxed);
    if (most)
        return most;
    int64_t before = neap_now();
    for (int i = 0; i < MEASURED; i++)
        neap__pause_processor();
    int64_t took = neap_now() - before;
    most = TIME_MOST * MEASURED / (uint32_t)(took < MEASURED ? MEASURED
                                             : took > TIME_MOST ? TIME_MOST
                                                                : took);
    if (!LEARNS)
        most = LEAST;
    atomic_store_explicit(&known, most, memory_order_relaxed);
    return most;
}


static struct lesson *lesson_of(const void *object)
{
    uint64_t line = (uint64_t)(uintptr_t)object >> 6;
    return &lessons[line * UINT64_C(0x9e3779b97f4a7c15) >> 56];
}


static uint32_t load(const _Atomic uint32_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}


static void store(_Atomic uint32_t *word, uint32_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}


static uint32_t known_of(const struct lesson *lesson)
{
    uint32_t known = load(&lesson->estimate);
    return known ? known : 8 * FIRST;
}


static bool try_again(struct lesson *lesson)
{
    uint64_t now = (uint64_t)neap_now();
    if (now >> (WINDOWS - 4) & 15)
        return false;
    uint32_t window = (uint32_t)(now >> WINDOWS) * (TRIES + 1);
    uint32_t used = load(&lesson->tries) - window;
    if (used > TRIES)
        used = 0; /* that was another window */
    if (used == TRIES)
        return false;
    store(&lesson->tries, window + used + 1);
    return true;
}


/* None for 1, which is a wish of 0 microseconds. */
static uint32_t pauses_for(int32_t wish)
{
    uint64_t pauses = (uint64_t)(wish - 1) * 1000 * looks_most() / TIME_MOST;
    return pauses < UINT32_MAX ? (uint32_t)pauses : UINT32_MAX;
}


int neap__spin_looks_for(int32_t wish)
{
    uint32_t looks = (pauses_for(wish) + NEAP__SPIN_PAUSES - 1) /
                     NEAP__SPIN_PAUSES;
    return looks < INT32_MAX ? (int)looks : INT32_MAX;
}


/*
 * Two that answer each other and both sleep find each other asleep, who takes
 * longer to wake than it is worth to spin: neither would learn that both need
 * not. So both must try, at once, and for longer than a wake takes:
 *
 *  - in the same millisecond, by the clock that all processes share, whoever
 *    has found that it is in vain tries again;
 *  - who has slept in a row of successes tries so at the next wait, as the one
 *    who woke it may have slept too.
 */
struct neap__patience neap__patience_begin(const void *object, int32_t wish)
{
    if (wish)
        return (struct neap__patience){.most = pauses_for(wish)};
    struct lesson *lesson = lesson_of(object);
    struct neap__patience patience = {.lesson = lesson};
    uint32_t known = known_of(lesson) / 8, most = looks_most();
    if (!neap__spin_looks())
        return patience;
    if (known < LEAST ? try_again(lesson) : load(&lesson->broken)) {
        patience.most = most * TRY_TIMES;
        return patience;
    }
    if (known >= LEAST)
        patience.most = 2 * known + MORE;
    if (patience.most > most)
        patience.most = most;
    return patience;
}


static void learn_rows(struct lesson *lesson, uint32_t known, bool got)
{
    bool in_row = load(&lesson->in_row);
    store(&lesson->in_row, got);
    store(&lesson->broken, in_row && !got && known >= 8 * LEAST);
}


/* Two that learn at once lose one lesson. In vain it sinks by an eighth; what
 * was short is kept above LEAST, and a long try counts as a short one. */
void neap__patience_end(const struct neap__patience *patience, bool got)
{
    if (!LEARNS || !patience->most || !patience->lesson)
        return;
    struct lesson *lesson = patience->lesson;
    uint32_t known = known_of(lesson);
    uint32_t looks = patience->looks, most = looks_most();
    looks = looks < 2 * LEAST ? 2 * LEAST : looks > most ? most : looks;
    learn_rows(lesson, known, got);
    known -= known / 8;
    if (got)
        known += looks;
    store(&lesson->estimate, known ? known : 1);
}
