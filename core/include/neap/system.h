/**
 * What the machine offers: features of the kernel that neap uses, each with a
 * fallback or an error where it is missing.
 */
#ifndef NEAP_SYSTEM_H
#define NEAP_SYSTEM_H

#include "neap/api.h"

typedef struct neap_feature {
    const char *name;    /* "futex_waitv" */
    const char *use;     /* what neap does with it, for people */
    const char *without; /* what happens where it is missing */
} neap_feature;

/**
 * For bindings of languages whose signal handlers run some time after the
 * signal: one that comes just before a wait begins does not end that wait. So a
 * thread that has waited for a tenth of a second, and then at least once a
 * second, calls `check`; if that returns other than 0 the wait ends with -EINTR
 * like any other. NULL, the default, asks nobody. One for the process.
 */
typedef int neap_wait_check(void);
NEAP_API void neap_set_wait_check(neap_wait_check *check);

/** The n-th feature from 0, NULL after the last. */
NEAP_API const neap_feature *neap_feature_at(uint32_t n);

/** Try it now, in this process. @return 1 it is there; 0 not; -EINVAL no such
 * name. */
NEAP_API NEAP_MUST_CHECK
int neap_feature_present(const char *name);

/** Huge pages that root has set aside, of one size. */
typedef struct neap_huge_pool {
    uint64_t page;        /* bytes */
    uint64_t total, free; /* pages; free are neither used nor promised */
} neap_huge_pool;

/** The n-th pool from 0. @return NEAP_MORE; 0 after the last. */
NEAP_API NEAP_MUST_CHECK
int neap_huge_pool_at(uint32_t n, neap_huge_pool *ret_pool);

/** A node of memory (NUMA). */
typedef struct neap_node {
    int32_t node;
    uint64_t total, free; /* bytes; 0 where the kernel does not tell */
} neap_node;

/** The n-th node from 0 that has memory. @return NEAP_MORE; 0 after the
 * last. */
NEAP_API NEAP_MUST_CHECK
int neap_node_at(uint32_t n, neap_node *ret_node);

#endif
