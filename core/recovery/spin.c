/* How long to spin for an object, see spin.h. */
#include "recovery/spin.h"

#define TIME_MOST 20000 /* nanoseconds */
#define ESTIMATES 256   /* objects that share one learn together */
#define FIRST 64        /* looks */
#define MORE 200        /* than twice the estimate */
#define LEAST 4         /* an estimate below it is as good as none */
#define TRY_AGAIN 16    /* waits; twice as many after each vain try */
#define TRY_SELDOM 4    /* doublings at most */
#define TRY_TIMES 4     /* as long as TIME_MOST */
#define MEASURED 64

/* The enumeration of crashes repeats operations, to the very access. */
#ifdef NEAP_TINY
#define LEARNS false
#else
#define LEARNS true
#endif

static _Atomic uint32_t estimates[ESTIMATES]; /* 8 * looks; 0 nothing known */
static _Atomic uint32_t waits[ESTIMATES], vain[ESTIMATES];


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


static _Atomic uint32_t *estimate_of(const void *object)
{
    uint64_t line = (uint64_t)(uintptr_t)object >> 6;
    return &estimates[line * UINT64_C(0x9e3779b97f4a7c15) >> 56];
}


static uint32_t load(const _Atomic uint32_t *estimate)
{
    uint32_t known = atomic_load_explicit(estimate, memory_order_relaxed);
    return known ? known : 8 * FIRST;
}


static bool try_again(const _Atomic uint32_t *estimate)
{
    size_t i = (size_t)(estimate - estimates);
    uint32_t seldom = atomic_load_explicit(&vain[i], memory_order_relaxed);
    return atomic_fetch_add_explicit(&waits[i], 1, memory_order_relaxed) %
               ((uint32_t)TRY_AGAIN << seldom) == 0;
}


static void count_try(const struct neap__patience *patience, bool got)
{
    _Atomic uint32_t *seldom = &vain[patience->estimate - estimates];
    uint32_t known = atomic_load_explicit(seldom, memory_order_relaxed);
    if (got)
        atomic_store_explicit(seldom, 0, memory_order_relaxed);
    else if (patience->tried && known < TRY_SELDOM)
        atomic_store_explicit(seldom, known + 1, memory_order_relaxed);
}


/* Two that answer each other and both sleep would never learn that they need not:
 * each finds the other asleep, who takes longer to wake than it is worth to spin.
 * So what is tried again is tried for longer than a wake takes. */
struct neap__patience neap__patience_begin(const void *object)
{
    struct neap__patience patience = {.estimate = estimate_of(object)};
    uint32_t known = load(patience.estimate) / 8;
    uint32_t most = looks_most();
    if (!neap__spin_looks())
        return patience;
    if (known < LEAST) {
        patience.tried = try_again(patience.estimate);
        patience.most = patience.tried ? most * TRY_TIMES : 0;
        return patience;
    }
    patience.most = 2 * known + MORE;
    if (patience.most > most)
        patience.most = most;
    return patience;
}


/* Two that learn at once lose one lesson. In vain it sinks by an eighth; what
 * was short is kept above LEAST. */
void neap__patience_end(const struct neap__patience *patience, bool got)
{
    if (!LEARNS)
        return;
    count_try(patience, got);
    uint32_t known = load(patience->estimate);
    uint32_t looks = patience->looks < 2 * LEAST ? 2 * LEAST : patience->looks;
    known -= known / 8;
    if (got)
        known += looks;
    atomic_store_explicit(patience->estimate, known ? known : 1,
                          memory_order_relaxed);
}
