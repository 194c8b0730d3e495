/*
 * Negative controls: the build that enumerates crashes and schedules can take
 * one mechanism out, and must then find states that are not repaired, sleepers
 * that nobody wakes, or two where one may be. In every other build these are
 * constants and cost nothing.
 */
#ifndef NEAP_SABOTAGE_H
#define NEAP_SABOTAGE_H

enum neap__sabotage {
    NEAP__WITHOUT_REDO = 1,   /* changes are not recorded before they are made */
    NEAP__WITHOUT_INTENT = 2, /* claims are not announced */
    NEAP__WITHOUT_REAP = 4,   /* the dead are forgotten, not reaped */
    NEAP__WITHOUT_SHARES = 8, /* what the dead had of others is not returned */
    NEAP__WITHOUT_LOOK = 16,  /* no look again between announcing and sleeping */
    NEAP__WITHOUT_ORDER = 32, /* a lock is given back after the wake, not before */
    NEAP__WITHOUT_MARK = 64,  /* the woken do not say that others may sleep */
    NEAP__WITHOUT_PHASE = 128, /* a barrier opens, but not its next phase */
    NEAP__WITHOUT_CLAIM = 256 /* to look and to take are two steps */
};

#ifdef NEAP_SABOTAGE
extern int neap__sabotage;
#define NEAP__SABOTAGED(what) (neap__sabotage & (what))
#elif defined(NEAP_SABOTAGE_ALWAYS) /* the release, but for that line */
#define NEAP__SABOTAGED(what) (NEAP_SABOTAGE_ALWAYS & (what))
#else
#define NEAP__SABOTAGED(what) 0
#endif

#endif
