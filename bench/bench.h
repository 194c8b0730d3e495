/*
 * The harness of the C benchmarks: neap and its peers, in turns.
 *
 *     static const struct bench_subject subjects[] = {
 *         {"neap", open_ours, lock_ours, close_ours},
 *         {"glibc", make_theirs, lock_theirs, NULL},
 *     };
 *     bench_row("lock and unlock", "ns", subjects, 2);
 *
 * Of a row's subjects the first is neap's, and each of the others makes one
 * line. All are made, warmed up, and then measured again and again, one
 * repetition each in turn, so that what disturbs one disturbs all. What is
 * printed is the cost of one operation, loop included for everybody.
 *
 * A noun's file has no main: it defines bench_noun and bench_rows.
 */
#ifndef NEAP_BENCH_H
#define NEAP_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

/* boost.so looks for some of it in the program that loads it. */
#pragma GCC visibility push(default)

struct bench_subject {
    const char *name;
    void (*begin)(void);  /* before all; may be NULL */
    void (*run)(long n);  /* n operations; NULL: not installed here */
    void (*end)(void);    /* after all; may be NULL */
};

/* What a noun's file defines. */
extern const char bench_noun[];
void bench_rows(void);

/* Alone, on one processor: the best of the repetitions counts, for whatever
 * disturbs only ever adds. */
void bench_row(const char *what, const char *unit,
               const struct bench_subject *subjects, size_t count);

/* Two processes at once, each on a processor of its own: the median counts,
 * for the best is the one in which they missed each other. */
void bench_row_both(const char *what, const char *unit,
                    const struct bench_subject *subjects, size_t count);

/* The same, but they answer each other: neither can run alone. */
void bench_row_turns(const char *what, const char *unit,
                     const struct bench_subject *subjects, size_t count);

/* Wherever the system puts it, and whatever it forks: the median counts. */
void bench_row_free(const char *what, const char *unit,
                    const struct bench_subject *subjects, size_t count);

/* True if the rows of that name are asked for; for rows measured by hand, which
 * are then told. */
bool bench_wanted(const char *what);
void bench_told(const char *what, const char *unit, double neap,
                const char *peer, double theirs);

/* A subject of that name in boost.cpp, or one that is not installed. */
struct bench_subject bench_boost(const char *symbol, const char *name);

/* Say what failed, and end. */
#if defined __GNUC__
__attribute__((noreturn))
#endif
void bench_failed(const char *what, const char *why);

/* A system call that must succeed. */
#define BENCH_MUST(call)                                                       \
    ((call) < 0 ? bench_failed(#call, NULL) : (void)0)

/* A name in /dev/shm that nobody else has; children have their parent's if it
 * asked for it before. */
const char *bench_name(void);

/* Zeroed memory that children share. */
void *bench_shared(size_t size);

/* Of the compiler's view: `p` may have been read and written. */
#define BENCH_USED(p) __asm__ volatile("" : : "g"(p) : "memory")

/* In a loop that spins. */
#if defined __x86_64__ || defined __i386__
#define BENCH_PAUSE() __builtin_ia32_pause()
#else
#define BENCH_PAUSE() ((void)0)
#endif

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
