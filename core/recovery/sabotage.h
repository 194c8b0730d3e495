/*
 * Negative controls: the build that enumerates crashes can take one mechanism
 * of the crash model out, and must then find states that are not repaired. In
 * every other build these are constants and cost nothing.
 */
#ifndef NEAP_SABOTAGE_H
#define NEAP_SABOTAGE_H

enum neap__sabotage {
    NEAP__WITHOUT_REDO = 1,   /* changes are not recorded before they are made */
    NEAP__WITHOUT_INTENT = 2, /* claims are not announced */
    NEAP__WITHOUT_REAP = 4,   /* the dead are forgotten, not reaped */
    NEAP__WITHOUT_SHARES = 8  /* what the dead had of others is not returned */
};

#ifdef NEAP_SABOTAGE
extern int neap__sabotage;
#define NEAP__SABOTAGED(what) (neap__sabotage & (what))
#else
#define NEAP__SABOTAGED(what) 0
#endif

#endif
