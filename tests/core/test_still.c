/* Making others stand still, by ptrace and by signal. */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"
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
