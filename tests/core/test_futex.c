/* Sleeping on a word that processes share. */
#include <sys/mman.h>
#include <sys/time.h>

#include "lib/harness.h"
#include "os/os.h"

struct words {
    _Atomic uint32_t one, other;
    _Atomic uint32_t woken;
};


static struct words *share_words(void)
{
    struct words *words = mmap(NULL, sizeof *words, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(words != MAP_FAILED);
    return words;
}


static void ignore(int number)
{
    (void)number;
}


/* A signal every two milliseconds, with a handler that asks for restarts. */
static void start_signals(void)
{
    struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 2000}, {0, 2000}};
    CHECK_INT(sigaction(SIGALRM, &action, NULL), 0);
    CHECK_INT(setitimer(ITIMER_REAL, &often, NULL), 0);
}


TEST(wait_returns_at_once_when_the_word_is_another)
{
    _Atomic uint32_t word = 7;
    CHECK_STATUS(neap__futex_wait(&word, 8, NEAP_FOREVER), 0);
    CHECK_STATUS(neap__futex_wait(&word, 8, NEAP_NOW), 0);
}


static int wait_for_third(const struct neap__futex *futexes, int64_t deadline)
{
    int status = neap__futex_wait_any(futexes, 3, deadline);
    int polled = neap__futex_poll(futexes, 3, deadline);
    CHECK_INT(status, polled);
    return status;
}


TEST(wait_on_many_ends_when_one_is_another_or_at_the_deadline)
{
    _Atomic uint32_t words[3] = {7, 8, 9};
    struct neap__futex futexes[] = {{&words[0], 7}, {&words[1], 8},
                                    {&words[2], 9}};
    CHECK_STATUS(wait_for_third(futexes, NEAP_NOW), -ETIMEDOUT);
    int64_t deadline = neap_deadline_after(20000000);
    CHECK_STATUS(wait_for_third(futexes, deadline), -ETIMEDOUT);
    CHECK(neap_now() >= deadline);
    words[2] = 10;
    CHECK_STATUS(wait_for_third(futexes, NEAP_FOREVER), 0);
}


static int change_third(void *argument)
{
    struct words *words = argument;
    usleep(20000);
    atomic_store(&words->woken, 1);
    neap__futex_wake(&words->woken, 1);
    return 0;
}


TEST(polling_many_notices_what_no_wake_told)
{
    struct words *words = share_words();
    struct neap__futex futexes[] = {{&words->one, 0}, {&words->other, 0},
                                    {&words->woken, 0}};
    pid_t child = test_fork(change_third, words);
    CHECK_STATUS(neap__futex_poll(futexes, 3, NEAP_FOREVER), 0);
    CHECK_INT(words->woken, 1);
    CHECK_INT(test_wait(child), 0);
    munmap(words, sizeof *words);
}


TEST(wait_ends_at_its_deadline)
{
    _Atomic uint32_t word = 7;
    int64_t deadline = neap_deadline_after(20000000);
    CHECK_STATUS(neap__futex_wait(&word, 7, deadline), -ETIMEDOUT);
    CHECK(neap_now() >= deadline);
}


TEST(wait_that_may_not_wait_tries_once)
{
    _Atomic uint32_t word = 7, other = 9;
    CHECK_STATUS(neap__futex_wait(&word, 7, NEAP_NOW), -ETIMEDOUT);
    CHECK_STATUS(neap__futex_wait(&word, 7, INT64_MIN), -ETIMEDOUT);
    CHECK_STATUS(neap__futex_wait_either(&word, 7, &other, 9, NEAP_NOW),
                 -ETIMEDOUT);
}


TEST(endless_wait_is_interrupted_in_spite_of_sa_restart)
{
    _Atomic uint32_t word = 7;
    start_signals();
    CHECK_STATUS(neap__futex_wait(&word, 7, NEAP_FOREVER), -EINTR);
}


TEST(wait_for_either_returns_at_once_when_one_is_another)
{
    _Atomic uint32_t word = 7, other = 9;
    CHECK_STATUS(neap__futex_wait_either(&word, 8, &other, 9, NEAP_FOREVER), 0);
    CHECK_STATUS(neap__futex_wait_either(&word, 7, &other, 8,
                                         neap_deadline_after(20000000)), 0);
}


TEST(wait_for_either_ends_at_its_deadline)
{
    _Atomic uint32_t word = 7, other = 9;
    int64_t deadline = neap_deadline_after(20000000);
    CHECK_STATUS(neap__futex_wait_either(&word, 7, &other, 9, deadline),
                 -ETIMEDOUT);
    CHECK(neap_now() >= deadline);
}


static int sleep_on_one(void *argument)
{
    struct words *words = argument;

    /* Seen through a mapping of its own, at another address. */
    struct words *mine = mremap(words, 0, sizeof *words, MREMAP_MAYMOVE);
    CHECK(mine != MAP_FAILED && mine != words);
    CHECK_STATUS(neap__futex_wait(&mine->one, 0, NEAP_FOREVER), 0);
    mine->woken = 1;
    return 0;
}


TEST(wake_reaches_a_sleeper_in_another_process)
{
    struct words *words = share_words();
    pid_t pid = test_fork(sleep_on_one, words);

    /* The word does not change: nothing but the wake ends the sleep. */
    WAIT_UNTIL((neap__futex_wake(&words->one, 1), words->woken));
    CHECK_INT(test_wait(pid), 0);
}


static int sleep_on_both(void *argument)
{
    struct words *words = argument;
    int64_t deadline = neap_deadline_after(INT64_C(60000000000));
    CHECK_STATUS(neap__futex_wait_either(&words->one, 0, &words->other, 0,
                                         deadline), 0);
    words->woken = 1;
    return 0;
}


static const char *const which[] = {"one", "other", NULL};

TEST_EACH(wake_of_either_word_ends_the_wait_for_both, which)
{
    struct words *words = share_words();
    pid_t pid = test_fork(sleep_on_both, words);
    _Atomic uint32_t *word = strcmp(parameter, "one") ? &words->other
                                                      : &words->one;
    WAIT_UNTIL((neap__futex_wake(word, 1), words->woken));
    CHECK_INT(test_wait(pid), 0);
}


TEST(wake_without_a_sleeper_keeps_errno)
{
    _Atomic uint32_t word = 7;
    errno = ENOENT;
    neap__futex_wake(&word, INT32_MAX);
    CHECK_INT(errno, ENOENT);
}
