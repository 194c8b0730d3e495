/*
 * What the workers of a team share: the ranges that they hand out.
 *
 *   0         neap_sh_team: its head and the ranges
 *   16448     bounds of range 0 as worker 0, 1, ... saw them; then of range 1
 *   ...       NEAP_SH_RANGES * workers of them
 *
 * It lies in an anonymous mapping that the parent makes before it forks the
 * workers, zero-filled, and goes with the last of them; it is in no heap and
 * has no name, so there is no lock, no redo log and no layout version.
 *
 *  T1 A range exists once `chosen` names a worker: its bounds are what that
 *     worker had written at its own place before. They never change again.
 *  T2 Every change is one store or one compare-exchange of one word. A worker
 *     that is killed between two of them has opened the range or has not,
 *     has taken the indices or has not; nobody waits for it.
 *  T3 Positions count from 0, in the order of the steps, and `cursor` hands
 *     them out. Of a range of all 2^64 indices it stops before the last one,
 *     for it could not count that far: this one `tail` hands out.
 */
#ifndef NEAP_LAYOUT_TEAM_H
#define NEAP_LAYOUT_TEAM_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define NEAP_SH_RANGES 256 /* ranges that a team may open in its life */

/* How far a range is. A line of its own: all workers write to it. */
struct neap_sh_range {
    _Atomic uint64_t cursor; /* positions below it are handed out; any worker,
                                by compare-exchange, relaxed: it guards no
                                other word */
    _Atomic uint32_t chosen; /* 0, or 1 + the worker whose bounds count; any
                                worker, once, release; acquire to read them */
    _Atomic uint32_t tail;   /* 0, or 1 + the worker that took position
                                2^64 - 1; any worker, once, relaxed */
    uint64_t unused[6];
};

/* The bounds of one range as one worker was told them. */
struct neap_sh_bounds {
    int64_t first; /* all three: written by that worker, before it offers */
    int64_t last;  /* itself for `chosen`; read by others only once it is */
    int64_t step;  /* chosen */
};

struct neap_sh_team {
    uint32_t workers; /* parent, before the fork; constant */
    uint32_t unused[15];
    struct neap_sh_range ranges[NEAP_SH_RANGES];
    struct neap_sh_bounds bounds[]; /* [range * workers + worker] */
};

_Static_assert(sizeof(struct neap_sh_range) == 64, "a range is one line");
_Static_assert(offsetof(struct neap_sh_range, chosen) == 8, "range.chosen");
_Static_assert(offsetof(struct neap_sh_range, tail) == 12, "range.tail");
_Static_assert(sizeof(struct neap_sh_bounds) == 24, "bounds");
_Static_assert(offsetof(struct neap_sh_team, ranges) == 64, "team.ranges");
_Static_assert(offsetof(struct neap_sh_team, bounds) == 16448, "team.bounds");

#endif
