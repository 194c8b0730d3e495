/* Making others stand still, by ptrace and by signal. */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"
#include "lib/refuse.h"
#include "os/still.h"

static const char *const ways[] = {"ptrace", "signal", NULL};


static _Atomic uint64_t *share_word(void)
{
    void *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(word != MAP_FAILED);
    return word;
}


static pid_t start_counting(_Atomic uint64_t *word)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            atomic_fetch_add(word, 1);
    WAIT_UNTIL(atomic_load(word) > 0);
    return pid;
}


/* What a helper does: stop them, see that nothing moves, and end or be killed.
 * @return 0 for all as it should be. */
static int stop_and_look(_Atomic uint64_t *word, bool by_signal, bool dies,
                         pid_t parent)
{
    struct neap__still still;
    if (neap__still_find(&still, (void *)word, by_signal) < 0)
        return 2;
    int stopped = neap__still_stop(&still, neap_deadline_after(test_patience()));
    if (stopped < 2 || !neap__still_has(&still, parent))
        return 3;
    uint64_t seen = atomic_load(word);
    usleep(20000);
    if (atomic_load(word) != seen)
        return 4;
    if (dies)
        kill(getpid(), SIGKILL);
    neap__still_end(&still);
    return 0;
}


static void run_helper(bool by_signal, bool dies)
{
    _Atomic uint64_t *word = share_word();
    pid_t counter = start_counting(word), parent = getpid();
    pid_t helper = fork();
    if (helper == 0)
        _exit(stop_and_look(word, by_signal, dies, parent));
    int status;
    CHECK_INT(waitpid(helper, &status, 0), helper);
    if (dies)
        CHECK(WIFSIGNALED(status));
    else
        CHECK_INT(WEXITSTATUS(status), 0);
    uint64_t seen = atomic_load(word);
    WAIT_UNTIL(atomic_load(word) != seen); /* it goes on */
    test_kill(counter);
}


TEST_EACH(all_who_have_the_memory_stand_still_and_go_on, ways)
{
    run_helper(strcmp(parameter, "signal") == 0, false);
}


TEST_EACH(all_go_on_when_who_stopped_them_is_killed, ways)
{
    run_helper(strcmp(parameter, "signal") == 0, true);
}


TEST(who_is_let_go_by_another_is_noticed)
{
    _Atomic uint64_t *word = share_word();
    pid_t counter = start_counting(word);
    struct neap__still still;
    /* Read-only, we are none of those that have it. */
    CHECK_INT(mprotect((void *)word, 4096, PROT_READ), 0);
    CHECK_INT(neap__still_find(&still, (void *)word, true), 0);
    CHECK_INT(neap__still_stop(&still, neap_deadline_after(test_patience())), 1);
    CHECK_INT(neap__still_holds(&still), 1);
    kill(counter, SIGCONT);
    WAIT_UNTIL(neap__still_holds(&still) == 0);
    CHECK_INT(still.culprit, counter);
    neap__still_end(&still);
    test_kill(counter);
}

/* -- refusals -------------------------------------------------------------- */

static _Atomic uint64_t *counted;
static bool by_signal;

/* Whatever is refused: who is said to stand still does. */
static int stop_the_counter(void)
{
    struct neap__still still;
    int status = neap__still_find(&still, (void *)counted, by_signal);
    if (status == 0)
        status = neap__still_stop(&still, neap_deadline_after(200000000));
    if (status == 0) {
        neap__still_end(&still);
        return neap__fail(-EACCES, "the counter may not be looked at; it is "
                          "left out, as a stranger's would be");
    }
    if (status > 0) {
        CHECK_INT(status, 1);
        uint64_t seen = atomic_load(counted);
        usleep(1000);
        /* A guardian that cannot wait lets go at once, and that is noticed. */
        if (by_signal && neap__still_holds(&still) == 0)
            status = -EIO;
        else
            CHECK_INT(atomic_load(counted), seen);
    }
    neap__still_end(&still);
    if (status == -ETIMEDOUT)
        return neap__fail(status, "the counter goes on: it has not stopped in "
                          "time; take longer");
    return status < 0 ? neap__fail_why(status, "the counter goes on") : 0;
}


static void check_it_goes_on(bool finished)
{
    (void)finished;
    uint64_t seen = atomic_load(counted);
    WAIT_UNTIL(atomic_load(counted) != seen);
}


static void refuse_each(bool signals)
{
    static const struct refuse_work work = {NULL, stop_the_counter,
                                            check_it_goes_on, -ETIMEDOUT};
    by_signal = signals;
    counted = share_word();
    pid_t counter = start_counting(counted);
    CHECK_INT(mprotect((void *)counted, 4096, PROT_READ), 0);
    test_refuse_each(&work, "the counter", "the counter");
    test_kill(counter);
}


TEST_WITHIN(who_is_said_to_stand_still_does_whatever_is_refused, 240)
{
    refuse_each(false);
}


TEST_WITHIN(who_is_said_to_be_stopped_by_signal_is_whatever_is_refused, 240)
{
    refuse_each(true);
}
