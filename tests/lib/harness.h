/*
 * The harness of the C tests.
 *
 *     TEST(counter_adds_what_it_is_told)
 *     {
 *         neap_heap *heap;
 *         CHECK_STATUS(neap_heap_open(test_name("sky"), NULL, &heap),
 *                      NEAP_CREATED);
 *         ...
 *         CHECK_STATUS(neap_heap_unlink(heap), 0);
 *         neap_heap_close(heap);
 *     }
 *
 * There is no main to write: the harness has it. Each test runs in a process
 * group of its own with a deadline (30 s, more under sanitizers), then the
 * group is killed. A test fails too if it leaves something behind: a child, an
 * open descriptor, a name in /dev/shm, a System V segment, a file in its
 * temporary directory. So that others may use the machine meanwhile, only what
 * the test named itself is looked at: take names from test_name(), keys from
 * test_key(), files from test_path().
 *
 *     build/tests/test_x [--list] [--filter WORDS] [--verbose]
 *
 * A line a test, then "N passed, N failed"; exit status 1 if any failed.
 * What a test prints is shown when it fails, or with --verbose.
 */
#ifndef NEAP_TEST_HARNESS_H
#define NEAP_TEST_HARNESS_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "neap.h"

/* -- registering ----------------------------------------------------------- */

struct test {
    const char *name;
    void (*run)(void);
    void (*run_with)(const char *parameter);
    const char *const *parameters; /* ends with NULL */
    int seconds;                   /* its deadline; 0 the default */
    const char *must_fail_saying;  /* it tests the harness */
    struct test *next;
};

void test_register(struct test *test);

#define TEST_REGISTER(id, ...)                                                 \
    __attribute__((constructor)) static void id##_register(void)               \
    {                                                                          \
        static struct test id##_test = {.name = #id, __VA_ARGS__};             \
        test_register(&id##_test);                                             \
    }

/* A test; its name is a sentence. */
#define TEST(id)                                                               \
    static void id(void);                                                      \
    TEST_REGISTER(id, .run = id)                                               \
    static void id(void)

/* A test that may take longer than the default. */
#define TEST_WITHIN(id, deadline_in_seconds)                                   \
    static void id(void);                                                      \
    TEST_REGISTER(id, .run = id, .seconds = deadline_in_seconds)               \
    static void id(void)

/* One test for each string of an array that ends with NULL; the body has it as
 * `parameter`, the report says id[parameter]. */
#define TEST_EACH(id, array)                                                   \
    static void id(const char *parameter);                                     \
    TEST_REGISTER(id, .run_with = id, .parameters = array)                     \
    static void id(const char *parameter)

/* It passes if it fails, and its report contains `words`. */
#define EXPECT_FAIL(id, deadline_in_seconds, words)                            \
    static void id(void);                                                      \
    TEST_REGISTER(id, .run = id, .seconds = deadline_in_seconds,               \
                  .must_fail_saying = words)                                   \
    static void id(void)

/* -- checking: a failed check ends the process that met it ----------------- */

_Noreturn __attribute__((format(printf, 3, 4)))
void test_fail(const char *file, int line, const char *format, ...);
void test_check_int(const char *file, int line, const char *what, int64_t got,
                    const char *wanted_what, int64_t wanted);
void test_check_str(const char *file, int line, const char *what,
                    const char *got, const char *wanted);
void test_check_status(const char *file, int line, const char *what, int got,
                       int wanted);
void test_check_says(const char *file, int line, const char *words);

#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)

/* `x` holds. */
#define CHECK(x) ((x) ? (void)0 : FAIL("not so: %s", #x))

/* Integers are equal; the report has both. */
#define CHECK_INT(got, wanted)                                                 \
    test_check_int(__FILE__, __LINE__, #got, (int64_t)(got), #wanted,          \
                   (int64_t)(wanted))

/* Strings are equal. */
#define CHECK_STR(got, wanted)                                                 \
    test_check_str(__FILE__, __LINE__, #got, got, wanted)

/* A call gave this status; the report has both by name, and the sentence. */
#define CHECK_STATUS(call, wanted)                                             \
    test_check_status(__FILE__, __LINE__, #call, call, wanted)

/* It gave this status, and its sentence contains these words. */
#define CHECK_FAILS(call, wanted, words)                                       \
    (test_check_status(__FILE__, __LINE__, #call, call, wanted),               \
     test_check_says(__FILE__, __LINE__, words))

/* End the test here as not possible on this machine; it counts as skipped. */
_Noreturn __attribute__((format(printf, 1, 2)))
void test_skip(const char *format, ...);

/* -- names that are this test's own ---------------------------------------- */

/* "neap-test-PID-x", good until sixteen more were asked for. */
const char *test_name(const char *x);

/* "sysv:KEY" of test_key(), for the n-th segment of the test, 0 to 127. */
int32_t test_key(int n);
const char *test_sysv(int n);

/* Parameters for TEST_EACH: all kinds of segment, and those with names. */
extern const char *const test_kinds[], *const test_named_kinds[];

/* The address of the n-th segment of the test, of a kind: "file:/tmp/...". */
const char *test_address(const char *kind, int n);

/* The test's own directory, made at the first call, and a path in it. */
const char *test_tmpdir(void);
const char *test_path(const char *file);

/* -- processes and waiting ------------------------------------------------- */

/* Fork a child that runs fn(argument) and ends with what it returned. */
pid_t test_fork(int (*fn)(void *argument), void *argument);

/* Wait for it. @return its exit status, or minus the signal that killed it. */
int test_wait(pid_t pid);

/* kill -9 and wait. */
void test_kill(pid_t pid);

/* Wait, a little at a time, until the condition holds; fail after 10 s (more
 * under sanitizers). */
#define WAIT_UNTIL(condition)                                                  \
    do {                                                                       \
        int64_t until_ = test_patience();                                      \
        while (!(condition))                                                   \
            if (!test_pause(until_))                                           \
                FAIL("waited in vain for: %s", #condition);                    \
    } while (0)

/* True while that process is asleep in the kernel: what it waits for may
 * come. */
bool test_is_asleep(pid_t pid);

int64_t test_patience(void);
bool test_pause(int64_t until);

/* True under the address sanitizer, which has calls and an end of its own. */
#if defined(__SANITIZE_ADDRESS__)
#define TEST_UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TEST_UNDER_ASAN 1
#endif
#endif
#ifndef TEST_UNDER_ASAN
#define TEST_UNDER_ASAN 0
#endif

/* True under the thread sanitizer, which starts no threads in a child of a
 * process that had some. */
#if defined(__SANITIZE_THREAD__)
#define TEST_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TEST_UNDER_TSAN 1
#endif
#endif
#ifndef TEST_UNDER_TSAN
#define TEST_UNDER_TSAN 0
#endif

/* How many times slower this build is: 1, or more under a sanitizer. */
int test_slowness(void);

#endif
