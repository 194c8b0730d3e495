/* What the files of the harness share. */
#ifndef NEAP_TEST_INTERNAL_H
#define NEAP_TEST_INTERNAL_H

#include "harness.h"

enum { TEST_FAILED = 1, TEST_SKIPPED = 77 };

/* The process that runs the test; its forks keep the number. */
extern pid_t test_pid;

/* -- leftovers.c ----------------------------------------------------------- */

/* In the test's process: remember its descriptors; after the test, print what
 * it left. @return how many. */
void test_remember_descriptors(void);
int test_left_in_process(void);

/* In the runner, after the test of that process ended: print what is left of
 * it on the machine, if `out` is one, and remove it. @return how much. */
int test_left_on_machine(pid_t pid, FILE *out);

/* Wait a little for descendants of the test, then kill those that live.
 * @return how many were killed. */
int test_end_descendants(pid_t pid);

#endif
