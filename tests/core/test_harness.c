/* Tests of the harness: what it must let pass, and what it must not. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include "lib/harness.h"

static const char *const letters[] = {"a", "b", NULL};


TEST(a_test_with_nothing_in_it_passes)
{
}


TEST_EACH(a_test_runs_once_for_each_parameter, letters)
{
    CHECK(strcmp(parameter, "a") == 0 || strcmp(parameter, "b") == 0);
}


TEST(names_keys_and_paths_are_the_tests_own)
{
    char pid[32];
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    CHECK(strstr(test_name("x"), pid));
    CHECK(strstr(test_path("x"), pid));
    CHECK(test_key(0) != test_key(1));
    CHECK(test_key(127) > 0);
}


static int return_seven(void *argument)
{
    (void)argument;
    return 7;
}


static int raise_abort(void *argument)
{
    (void)argument;
    signal(SIGABRT, SIG_DFL);
    abort();
}


TEST(wait_tells_an_exit_status_from_a_signal)
{
    CHECK_INT(test_wait(test_fork(return_seven, NULL)), 7);
    CHECK_INT(test_wait(test_fork(raise_abort, NULL)), -SIGABRT);
}


static int store_a_pid(void *page)
{
    *(volatile pid_t *)page = getpid();
    return 0;
}


TEST(wait_until_returns_when_the_condition_holds)
{
    void *page = mmap(NULL, sizeof(pid_t), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    pid_t child = test_fork(store_a_pid, page);
    WAIT_UNTIL(*(volatile pid_t *)page == child);
    CHECK_INT(test_wait(child), 0);
}


TEST(skip_ends_the_test_without_failing_it)
{
    pid_t child = fork();
    if (child == 0)
        test_skip("nothing to test");
    CHECK_INT(test_wait(child), 77);
}

/* -- what must fail -------------------------------------------------------- */

EXPECT_FAIL(a_false_check_fails, 30, "not so: 1 + 1 == 3")
{
    CHECK(1 + 1 == 3);
}


EXPECT_FAIL(unequal_integers_fail_and_both_are_shown, 30, "is 2 (0x2)")
{
    CHECK_INT(1 + 1, 3);
}


EXPECT_FAIL(unequal_strings_fail_and_both_are_shown, 30,
            "\"grey\", not \"blue\"")
{
    CHECK_STR("grey", "blue");
}


EXPECT_FAIL(a_wrong_status_fails_with_its_name_and_sentence, 30,
            "an empty address")
{
    neap_segment *segment;
    CHECK_STATUS(neap_segment_open("", false, &segment), 0);
}


EXPECT_FAIL(a_sentence_without_the_words_fails, 30, "does not say")
{
    neap_segment *segment;
    CHECK_FAILS(neap_segment_open("", false, &segment), -EINVAL,
                "the moon is full");
}


EXPECT_FAIL(a_check_that_fails_in_a_child_is_seen, 30, "forked by the test")
{
    pid_t child = fork();
    if (child == 0)
        CHECK_INT(1, 2);
    CHECK_INT(test_wait(child), 0);
}


EXPECT_FAIL(a_test_that_hangs_is_killed, 1, "did not end within its deadline")
{
    for (;;)
        pause();
}


EXPECT_FAIL(a_test_that_dies_of_a_signal_fails, 30, "killed by signal")
{
    raise(SIGKILL);
}


EXPECT_FAIL(a_test_that_ends_itself_fails, 30, "before the end of the test")
{
    _exit(0);
}


EXPECT_FAIL(a_child_that_comes_back_from_the_test_fails, 30, "came back")
{
    pid_t child = fork();
    if (child)
        CHECK_STATUS(test_wait(child), 0);
}


EXPECT_FAIL(a_zombie_left_behind_fails, 30, "was not waited for")
{
    siginfo_t info;
    pid_t child = test_fork(return_seven, NULL);
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
}


static int sleep_for_ever(void *argument)
{
    (void)argument;
    for (;;)
        pause();
    return 0;
}


EXPECT_FAIL(a_child_left_running_fails, 30, "still running")
{
    test_fork(sleep_for_ever, NULL);
}


static int leave_an_orphan(void *argument)
{
    (void)argument;
    if (fork() == 0) {
        setsid(); /* no process group hides it */
        sleep_for_ever(NULL);
    }
    return 0;
}


EXPECT_FAIL(an_orphan_in_another_session_fails, 30,
            "1 processes, still running")
{
    CHECK_INT(test_wait(test_fork(leave_an_orphan, NULL)), 0);
}


EXPECT_FAIL(a_descriptor_left_open_fails, 30, "open descriptor")
{
    CHECK(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);
}


EXPECT_FAIL(a_name_left_in_shm_fails, 30, "left behind: /dev/shm/neap-test-")
{
    char name[256];
    snprintf(name, sizeof name, "/%s", test_name("left"));
    int fd = shm_open(name, O_CREAT | O_RDWR, 0600);
    CHECK(fd >= 0);
    close(fd);
}


EXPECT_FAIL(a_system_v_segment_left_fails, 30, "left behind: System V segment")
{
    CHECK(shmget(test_key(0), 100, IPC_CREAT | IPC_EXCL | 0600) >= 0);
}


EXPECT_FAIL(a_private_system_v_segment_left_fails, 30, "key 0x0")
{
    CHECK(shmget(IPC_PRIVATE, 100, IPC_CREAT | 0600) >= 0);
}


EXPECT_FAIL(a_file_left_in_the_temporary_directory_fails, 30, "/left.txt")
{
    int fd = open(test_path("left.txt"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    close(fd);
}
