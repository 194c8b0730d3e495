/*
 * Ranges: indices that the workers of a team share out among themselves.
 *
 * How the k-th range begins. Every worker brings bounds of its own, but one
 * worker's must count, and that worker may be killed while it says so. So each
 * writes its bounds at a place of its own and then offers itself with one
 * compare-exchange of `chosen`; whoever loses reads the winner's, which are
 * complete (keeps T1 of layout/team.h). Nobody waits for anybody.
 *
 * How indices are taken. The cursor moves by a chunk in one compare-exchange
 * and never beyond the span, so that it cannot overflow. What is left of
 * its chunk a worker hands out to itself without touching shared memory.
 */
#include <stdlib.h>

#include "work/work.h"

/* Chunks that the range chooses: large at first, since each costs a contended
 * store; small at the end, so that all workers finish together. */
#define CHUNKS_A_WORKER 8
#define CHUNK_MAX 1024

struct neap_range {
    struct neap_sh_range *shared; /* NULL: there is nothing to hand out */
    uint32_t workers;
    uint32_t self;
    uint64_t chunk;       /* 0: we choose */
    uint64_t span;        /* positions less one */
    uint64_t limit;       /* of the cursor: all positions but the tail's */
    uint64_t first, step; /* int64_t, for sums that wrap */
    uint64_t next, end;   /* positions of ours: from next up to before end */
    uint32_t generation;  /* of the process whose they are */
};


/*
 * Positions less one, so that all 2^64 indices fit.
 * @return false if the range is empty.
 */
static bool span_of(const struct neap_sh_bounds *bounds, uint64_t *ret_span)
{
    uint64_t first = (uint64_t)bounds->first, last = (uint64_t)bounds->last;
    if (bounds->step > 0) {
        if (bounds->first > bounds->last)
            return false;
        *ret_span = (last - first) / (uint64_t)bounds->step;
    } else {
        if (bounds->first < bounds->last)
            return false;
        *ret_span = (first - last) / (0 - (uint64_t)bounds->step);
    }
    return true;
}


static struct neap_sh_bounds *bounds_of(const neap_team *team, uint32_t number,
                                        uint32_t worker)
{
    return &team->shared->bounds[(size_t)number * team->workers + worker];
}


/* @return the bounds that count, ours or another's. */
static const struct neap_sh_bounds *agree(neap_team *team, uint32_t number,
                                          struct neap_sh_bounds ours)
{
    _Atomic uint32_t *chosen = &team->shared->ranges[number].chosen;
    uint32_t self = (uint32_t)team->self;
    uint32_t winner = atomic_load_explicit(chosen, memory_order_acquire);
    if (winner == 0) {
        *bounds_of(team, number, self) = ours;

        /* Release: who learns that we are chosen must see our bounds. Acquire
         * on failure: we must see those of whom we lost to. */
        if (atomic_compare_exchange_strong_explicit(
                chosen, &winner, self + 1, memory_order_release,
                memory_order_acquire))
            winner = self + 1;
    }
    return bounds_of(team, number, winner - 1);
}


static int check_caller(const neap_team *team)
{
    if (team->self >= 0 && team->generation == neap__fork_generation())
        return 0;
    return neap__fail(-EPERM, "cannot open a range here: ranges are shared out "
                      "among the workers of a team; open it in a worker "
                      "itself, not in its parent nor in what it forked");
}


static int fail_bounds(uint32_t number, const struct neap_sh_bounds *ours,
                       const struct neap_sh_bounds *theirs)
{
    return neap__fail(-EPROTO, "this worker opens range number %u of the team "
                      "as %lld, %lld by %lld; another opened it as %lld, %lld "
                      "by %lld; let all workers open the same ranges in the "
                      "same order", number + 1, (long long)ours->first,
                      (long long)ours->last, (long long)ours->step,
                      (long long)theirs->first, (long long)theirs->last,
                      (long long)theirs->step);
}


static bool same_bounds(const struct neap_sh_bounds *a,
                        const struct neap_sh_bounds *b)
{
    return a->first == b->first && a->last == b->last && a->step == b->step;
}


/* The number of the range that we open now. @return false: too many. */
static bool take_number(neap_team *team, uint32_t *ret_number)
{
    uint32_t number = atomic_load(&team->opened);
    while (number < NEAP_SH_RANGES)
        if (atomic_compare_exchange_weak(&team->opened, &number, number + 1)) {
            *ret_number = number;
            return true;
        }
    return false;
}


static neap_range *new_range(neap_team *team, uint32_t number,
                             const struct neap_sh_bounds *bounds,
                             uint64_t chunk)
{
    neap_range *range = calloc(1, sizeof *range);
    if (!range)
        return NULL;
    range->workers = team->workers;
    range->self = (uint32_t)team->self;
    range->chunk = chunk;
    range->first = (uint64_t)bounds->first;
    range->step = (uint64_t)bounds->step;
    range->generation = team->generation;
    if (span_of(bounds, &range->span)) {
        range->shared = &team->shared->ranges[number];
        range->limit = range->span == UINT64_MAX ? UINT64_MAX : range->span + 1;
    }
    return range;
}


int neap_range_open(neap_team *team, int64_t first, int64_t last, int64_t step,
                    uint64_t chunk, neap_range **ret_range)
{
    int status = check_caller(team);
    if (status < 0)
        return status;
    if (step == 0)
        return neap__fail(-EINVAL, "cannot open a range from %lld to %lld with "
                          "step 0: it would never end", (long long)first,
                          (long long)last);
    uint32_t number;
    if (!take_number(team, &number))
        return neap__fail(-ENOSPC, "a team may open %d ranges in its life; "
                          "share out longer ones, or make a new team",
                          NEAP_SH_RANGES);

    struct neap_sh_bounds ours = {first, last, step};
    const struct neap_sh_bounds *agreed = agree(team, number, ours);
    if (!same_bounds(&ours, agreed))
        return fail_bounds(number, &ours, agreed);
    neap_range *range = new_range(team, number, &ours, chunk);
    if (!range)
        return neap__fail_why(-ENOMEM, "cannot open a range");
    *ret_range = range;
    return 0;
}


/* How many of `left` positions to take, 1 to left. */
static uint64_t choose_chunk(const neap_range *range, uint64_t left)
{
    uint64_t chunk = range->chunk;
    if (chunk == 0) {
        chunk = left / ((uint64_t)CHUNKS_A_WORKER * range->workers);
        if (chunk > CHUNK_MAX)
            chunk = CHUNK_MAX;
        if (chunk == 0)
            chunk = 1;
    }
    return chunk < left ? chunk : left;
}


/* The last of 2^64 positions is claimed by name (keeps T3). */
static bool take_tail(neap_range *range)
{
    if (range->span != UINT64_MAX)
        return false;
    _Atomic uint32_t *tail = &range->shared->tail;
    uint32_t nobody = 0;
    if (atomic_load_explicit(tail, memory_order_relaxed) != 0 ||
        !atomic_compare_exchange_strong_explicit(
            tail, &nobody, range->self + 1, memory_order_relaxed,
            memory_order_relaxed))
        return false;
    range->next = range->span;
    range->end = 0; /* what follows 2^64 - 1 */
    return true;
}


/* Relaxed: an index is a number and points to nothing. */
static bool take_chunk(neap_range *range)
{
    _Atomic uint64_t *cursor = &range->shared->cursor;
    uint64_t at = atomic_load_explicit(cursor, memory_order_relaxed);
    while (at < range->limit) {
        uint64_t end = at + choose_chunk(range, range->limit - at);
        if (atomic_compare_exchange_weak_explicit(cursor, &at, end,
                                                  memory_order_relaxed,
                                                  memory_order_relaxed)) {
            range->next = at;
            range->end = end;
            return true;
        }
    }
    return take_tail(range);
}


/* A process that the worker forked must not repeat what the worker took. */
static void forget_chunk(neap_range *range, uint32_t generation)
{
    range->next = range->end;
    range->generation = generation;
}


int neap_range_next(neap_range *range, int64_t *ret_index)
{
    uint32_t generation = neap__fork_generation();
    if (NEAP__UNLIKELY(range->generation != generation))
        forget_chunk(range, generation);

    /* Equal rather than not below: the end of 2^64 positions is 0. */
    if (range->next == range->end && (!range->shared || !take_chunk(range)))
        return 0;
    *ret_index = (int64_t)(range->first + range->next * range->step);
    range->next++;
    return NEAP_MORE;
}


void neap_range_close(neap_range *range)
{
    free(range);
}


static void add_up(uint64_t *sum, uint64_t more)
{
    if (__builtin_add_overflow(*sum, more, sum))
        *sum = UINT64_MAX;
}


void neap_team_progress(neap_team *team, uint64_t *ret_done,
                        uint64_t *ret_total)
{
    uint64_t done = 0, total = 0;
    for (uint32_t i = 0; i < NEAP_SH_RANGES; i++) {
        struct neap_sh_range *range = &team->shared->ranges[i];
        uint32_t chosen = atomic_load_explicit(&range->chosen,
                                               memory_order_acquire);
        uint64_t span;
        if (chosen == 0 || !span_of(bounds_of(team, i, chosen - 1), &span))
            continue;
        add_up(&total, span);
        add_up(&total, 1);
        add_up(&done, atomic_load_explicit(&range->cursor,
                                           memory_order_relaxed));
        add_up(&done, atomic_load_explicit(&range->tail,
                                           memory_order_relaxed) != 0);
    }
    *ret_done = done;
    *ret_total = total;
}
