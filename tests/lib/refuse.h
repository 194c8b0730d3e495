/*
 * Refusals at every call of the kernel: a function is run once for each call
 * that it makes and for each errno that the manual gives for that call. Either
 * it does without the call and has done all that it was asked for, or it fails
 * with that errno and a sentence that names the object and says what to do, and
 * nothing is left: no descriptor, no name, no half of a change.
 */
#ifndef NEAP_TEST_REFUSE_H
#define NEAP_TEST_REFUSE_H

#include <stdbool.h>

struct refuse_work {
    void (*prepare)(void);        /* or NULL */
    int (*run)(void);             /* in a child; what it returns is judged */
    void (*check)(bool finished); /* what is there then; or NULL */
    int or_else; /* a status that it may have of any refusal; 0 none */
};

/* Each sentence has `name` in it, or the other one. Fails the test if anything
 * was wrong. Where no call can be refused it is run once, as it is. */
void test_refuse_each(const struct refuse_work *work, const char *name,
                      const char *other_name);

#endif
