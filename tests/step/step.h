/*
 * Every instruction, for real. The parent single-steps a forked child through
 * one operation of the library as it is released, kills it by SIGKILL before
 * its k-th instruction, and looks at what it left in a heap in POSIX shared
 * memory. What the enumerations of tests/crash take for one point, between two
 * accesses, is many here; and nothing is simulated.
 */
#ifndef NEAP_STEP_H
#define NEAP_STEP_H

#include <stdbool.h>
#include <stddef.h>

#include "neap.h"

struct operation {
    const char *name;
    void (*ready)(void);       /* in the child, before it; or NULL */
    void (*run)(void);         /* in the child, dying */
    /* In the parent, when the dead are reaped: what is wrong, or NULL; and back
     * to where the next child begins. */
    const char *(*left)(void);
};

extern const struct operation operations[];
extern const size_t operations_count;
extern neap_heap *heap;

void operations_begin(void);

#endif
