/**
 * Status codes, error text and deadlines.
 *
 * A failure of the system is -errno (-ENOENT, -EEXIST, -ETIMEDOUT ...). What
 * errno has no word for stands in NEAP_STATUS_MAP, the one list from which the
 * enum, the names, the texts, the Lua codes and the Python classes are made.
 */
#ifndef NEAP_STATUS_H
#define NEAP_STATUS_H

#include "neap/api.h"

/* X(name, value, what it means, Python class, its base) */
#define NEAP_STATUS_MAP(X)                                                     \
    X(ETYPE, -5001, "another type, element type or shape", TypeMismatch,       \
      TypeError)                                                               \
    X(EFOREIGN, -5002, "not a neap heap", NotAHeap, OSError)                   \
    X(ELAYOUT, -5003, "a heap of another layout", LayoutMismatch, OSError)     \
    X(ECORRUPT, -5004, "corrupted or truncated", Corrupted, OSError)           \
    X(ESLOTS, -5005, "no free slot", SlotsExhausted, OSError)                  \
    X(ECLOSED, -5006, "handle is closed", Closed, ValueError)                  \
    X(EWORKER, -5007, "a worker failed", WorkerError, RuntimeError)            \
    X(EKILLED, -5008, "a worker was killed", WorkerKilled, RuntimeError)       \
    X(EBROKEN, -5009, "the barrier is broken", BrokenBarrier, RuntimeError)

enum neap_status {
    NEAP_OK = 0,
    NEAP_CREATED = 1,   /* done, and the thing was made by this call */
    NEAP_ABANDONED = 2, /* locked; the last owner died in its critical section */
    NEAP_CHILD = 3,     /* of a fork: this is the child */
    NEAP_MORE = 4,      /* an item was returned; there may be others */
#ifndef SWIG
#define NEAP_STATUS_ENUM(name, value, text, python, base) NEAP_##name = value,
    NEAP_STATUS_MAP(NEAP_STATUS_ENUM)
#undef NEAP_STATUS_ENUM
#else
    NEAP_ETYPE = -5001, NEAP_EFOREIGN = -5002, NEAP_ELAYOUT = -5003,
    NEAP_ECORRUPT = -5004, NEAP_ESLOTS = -5005, NEAP_ECLOSED = -5006,
    NEAP_EWORKER = -5007, NEAP_EKILLED = -5008, NEAP_EBROKEN = -5009
#endif
};

/** Wait without end. */
#define NEAP_FOREVER INT64_MAX
/** Do not wait: try once. */
#define NEAP_NOW INT64_C(0)

/**
 * What the last failed call of this thread says to a person: what was tried,
 * on what object, why it failed, what to do. Valid until the next failure in
 * this thread; "" before the first. Never NULL.
 */
NEAP_API const char *neap_error_text(void);

/** The name of a status: "EEXIST", "ETYPE", "CREATED", "OK". Never NULL. */
NEAP_API const char *neap_status_name(int status);

/** A few words on a status: "another type, element type or shape". Never
 * NULL. */
NEAP_API const char *neap_status_text(int status);

/** CLOCK_MONOTONIC now, in nanoseconds. Never fails. */
NEAP_API int64_t neap_now(void);

/**
 * The deadline that lies `nanoseconds` ahead. Zero or less gives NEAP_NOW;
 * what would overflow gives NEAP_FOREVER.
 */
NEAP_API int64_t neap_deadline_after(int64_t nanoseconds);

#endif
