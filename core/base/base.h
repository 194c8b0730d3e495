/*
 * What every file of the core may use: error text, assertions, arithmetic.
 *
 * How a function fails: it undoes what it did and returns
 *
 *     return neap__fail(-ENOSPC, "cannot grow heap %s by %zu bytes: ...");
 *
 * so that the status and the sentence for people are written in one place.
 * The sentence says what was tried, on what, why it failed, what to do.
 */
#ifndef NEAP_BASE_H
#define NEAP_BASE_H

#include <errno.h>
#include <stdatomic.h>

#include "neap/status.h"
#include "neap/type.h"
#include "neap/version.h"

/* There is no sentence. */
void neap__error_forget(void);

/* Keep the sentence for neap_error_text() and return `status`. */
__attribute__((format(printf, 2, 3)))
int neap__fail(int status, const char *format, ...);

/* The same, with ": " and the words for `status` (strerror or ours) added, and
 * what to do about it. */
__attribute__((format(printf, 2, 3)))
int neap__fail_why(int status, const char *format, ...);

/* What to do about it, whatever was tried; NULL nothing is known. */
const char *neap__status_advice(int status);

/* Debug builds stop at a broken invariant; release builds carry on. */
#ifdef NEAP_DEBUG
_Noreturn void neap__assert_failed(const char *what, const char *file, int line);
#define neap_assert(x) \
    ((x) ? (void)0 : neap__assert_failed(#x, __FILE__, __LINE__))
#else
#define neap_assert(x) ((void)sizeof(x))
#endif

#define NEAP__LIKELY(x) __builtin_expect(!!(x), 1)
#define NEAP__UNLIKELY(x) __builtin_expect(!!(x), 0)
#define NEAP__INLINE static inline __attribute__((always_inline))

#define NEAP__COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Order for our own death only (crash-model.md, R1): what is above is stored
 * before what is below, as seen by whoever learns of our death. Costs nothing
 * but the compiler's freedom.
 */
#define neap__crash_order() atomic_signal_fence(memory_order_seq_cst)

NEAP__INLINE uint64_t neap__round_up(uint64_t n, uint64_t to)
{
    return (n + to - 1) / to * to;
}

#endif
