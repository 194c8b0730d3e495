/* Tests of semaphores of the kernel and the C library, beside programs that
 * know nothing of neap: here those are this one's own calls of sem_open and
 * semget. */
#include <fcntl.h>
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/stat.h>

#include "heaps.h"
#include "lib/harness.h"

static const char *const kinds[] = {"posix", "sysv", NULL};

static const neap_kernel_semaphore_options one = {
    .create = true, .exclusive = true, .initial = 1,
};


static const char *address_of(const char *kind)
{
    return test_address(kind, 0);
}


static neap_kernel_semaphore *
open_with(const char *address, neap_kernel_semaphore_options options)
{
    neap_kernel_semaphore *semaphore;
    int status = neap_kernel_semaphore_open(address, &options, &semaphore);
    if (status < 0)
        FAIL("%s", neap_error_text());
    return semaphore;
}


static void end(neap_kernel_semaphore *semaphore)
{
    CHECK_STATUS(neap_kernel_semaphore_unlink(
        neap_kernel_semaphore_address(semaphore)), 0);
    neap_kernel_semaphore_close(semaphore);
}


static int64_t value(neap_kernel_semaphore *semaphore, uint32_t index)
{
    int64_t value = -1;
    CHECK_STATUS(neap_kernel_semaphore_get(semaphore, index, &value), 0);
    return value;
}


static int64_t soon(void)
{
    return neap_deadline_after(20000000);
}

/* -- one semaphore, of either kind ----------------------------------------- */

TEST_EACH(takes_what_is_there_and_gives_it_back, kinds)
{
    neap_kernel_semaphore *s = open_with(address_of(parameter), one);
    CHECK_INT(neap_kernel_semaphore_count(s), 1);
    CHECK_INT(value(s, 0), 1);
    CHECK_STATUS(neap_kernel_semaphore_acquire(s, 0, 1, NEAP_FOREVER), 0);
    CHECK_INT(value(s, 0), 0);
    CHECK_STATUS(neap_kernel_semaphore_acquire(s, 0, 1, NEAP_NOW), -EBUSY);
    int64_t deadline = soon();
    CHECK_STATUS(neap_kernel_semaphore_acquire(s, 0, 1, deadline), -ETIMEDOUT);
    CHECK(neap_now() >= deadline);
    CHECK_STATUS(neap_kernel_semaphore_release(s, 0, 1), 0);
    CHECK_INT(value(s, 0), 1);
    end(s);
}


TEST_EACH(is_made_once_and_says_so, kinds)
{
    neap_kernel_semaphore *first, *second;
    neap_kernel_semaphore_options options = {.create = true, .initial = 7};
    const char *address = address_of(parameter);
    CHECK_STATUS(neap_kernel_semaphore_open(address, &options, &first),
                 NEAP_CREATED);
    options.initial = 3;
    CHECK_STATUS(neap_kernel_semaphore_open(address, &options, &second), 0);
    CHECK_INT(value(second, 0), 7);
    neap_kernel_semaphore_close(second);
    options.exclusive = true;
    CHECK_FAILS(neap_kernel_semaphore_open(address, &options, &second), -EEXIST,
                "it exists");
    CHECK_STATUS(neap_kernel_semaphore_open(address, NULL, &second), 0);
    neap_kernel_semaphore_close(second);
    end(first);
    CHECK_FAILS(neap_kernel_semaphore_open(address, NULL, &second), -ENOENT,
                "to make it, create it");
    CHECK_FAILS(neap_kernel_semaphore_unlink(address), -ENOENT, "gone already");
}


static int release_later(void *argument)
{
    WAIT_UNTIL(test_is_asleep(getppid()));
    return neap_kernel_semaphore_release(argument, 0, 1);
}


TEST_EACH(wakes_one_that_waits_in_another_process, kinds)
{
    neap_kernel_semaphore_options options = {.create = true};
    neap_kernel_semaphore *s = open_with(address_of(parameter), options);
    pid_t child = test_fork(release_later, s);
    CHECK_STATUS(neap_kernel_semaphore_acquire(s, 0, 1, NEAP_FOREVER), 0);
    CHECK_INT(test_wait(child), 0);
    end(s);
}


static void heard(int number)
{
    (void)number;
}


static int interrupt_later(void *argument)
{
    int status = 0;
    while (status == 0) { /* until it is killed */
        WAIT_UNTIL(test_is_asleep(*(pid_t *)argument));
        status = kill(*(pid_t *)argument, SIGUSR1);
    }
    return status;
}


/* Also where the handler asks for calls to be restarted. */
TEST_EACH(a_signal_ends_the_wait, kinds)
{
    neap_kernel_semaphore_options options = {.create = true};
    neap_kernel_semaphore *s = open_with(address_of(parameter), options);
    struct sigaction action = {.sa_handler = heard};
    sigaction(SIGUSR1, &action, NULL);
    pid_t self = getpid(), child = test_fork(interrupt_later, &self);
    CHECK_STATUS(neap_kernel_semaphore_acquire(s, 0, 1, NEAP_FOREVER), -EINTR);
    CHECK_INT(value(s, 0), 0);
    test_kill(child);
    end(s);
}


static int asked;

static int stop_at_the_second(void)
{
    return ++asked == 2;
}


TEST_EACH(the_binding_is_asked_every_second, kinds)
{
    neap_kernel_semaphore_options options = {.create = true};
    neap_kernel_semaphore *s = open_with(address_of(parameter), options);
    neap_set_wait_check(stop_at_the_second);
    CHECK_STATUS(neap_kernel_semaphore_acquire(s, 0, 1, NEAP_FOREVER), -EINTR);
    neap_set_wait_check(NULL);
    CHECK_INT(asked, 2);
    end(s);
}


TEST_EACH(the_mode_is_exact, kinds)
{
    neap_kernel_semaphore_options options = {.create = true, .mode = 0666};
    neap_kernel_semaphore_stat stat;
    mode_t old = umask(077);
    neap_kernel_semaphore *s = open_with(address_of(parameter), options);
    umask(old);
    CHECK_STATUS(neap_kernel_semaphore_status(s, &stat), 0);
    CHECK_INT(stat.mode, 0666);
    CHECK_INT(stat.uid, getuid());
    CHECK_INT(stat.count, 1);
    CHECK(stat.changed > 1600000000);
    end(s);
}


TEST_EACH(is_in_the_list, kinds)
{
    neap_kernel_semaphore *s = open_with(address_of(parameter), one);
    neap_kernel_semaphore_list *list;
    neap_kernel_semaphore_info info;
    int seen = 0, status;
    CHECK_STATUS(neap_kernel_semaphore_list_open(&list), 0);
    while ((status = neap_kernel_semaphore_list_next(list, &info)) > 0)
        if (strcmp(info.address, neap_kernel_semaphore_address(s)) == 0) {
            CHECK_INT(info.stat.kind, neap_kernel_semaphore_kind(s));
            CHECK_INT(info.stat.count, 1);
            CHECK_INT(info.stat.mode, 0600);
            seen++;
        }
    CHECK_STATUS(status, 0);
    neap_kernel_semaphore_list_close(list);
    CHECK_INT(seen, 1);
    end(s);
}


TEST_EACH(bad_numbers_are_refused, kinds)
{
    neap_kernel_semaphore *s = open_with(address_of(parameter), one);
    int64_t none = 42;
    CHECK_FAILS(neap_kernel_semaphore_acquire(s, 0, 0, NEAP_NOW), -EINVAL,
                "1 or more");
    CHECK_FAILS(neap_kernel_semaphore_release(s, 0, -1), -EINVAL, "1 or more");
    CHECK_FAILS(neap_kernel_semaphore_acquire(s, 1, 1, NEAP_NOW), -EFBIG,
                "none of that index");
    CHECK_FAILS(neap_kernel_semaphore_get(s, 1, &none), -EFBIG, "index");
    CHECK_FAILS(neap_kernel_semaphore_apply(s, NULL, 0, NEAP_NOW), -EINVAL,
                "no change at all");
    CHECK_INT(none, 42);
    CHECK_INT(value(s, 0), 1);
    end(s);
}


TEST(bad_addresses_and_options_are_refused)
{
    neap_kernel_semaphore *none = NULL;
    neap_kernel_semaphore_options options = {.create = true, .initial = -1};
    const char *posix = test_name("x"), *sysv = test_sysv(0);
    CHECK_FAILS(neap_kernel_semaphore_open(posix, &options, &none), -EINVAL,
                "holds 0 to 2147483647");
    options.initial = 32768;
    CHECK_FAILS(neap_kernel_semaphore_open(sysv, &options, &none), -EINVAL,
                "holds 0 to 32767");
    options = (neap_kernel_semaphore_options){.create = true, .undo = true};
    CHECK_FAILS(neap_kernel_semaphore_open(posix, &options, &none), -ENOTSUP,
                "posix ones have none");
    options = (neap_kernel_semaphore_options){.create = true, .count = 2};
    CHECK_FAILS(neap_kernel_semaphore_open(posix, &options, &none), -EINVAL,
                "is alone");
    options.count = 65536;
    CHECK_FAILS(neap_kernel_semaphore_open(sysv, &options, &none), -EINVAL,
                "no set has more");
    options.count = 65535;
    CHECK_FAILS(neap_kernel_semaphore_open(sysv, &options, &none), -EINVAL,
                "SEMMSL");
    options = (neap_kernel_semaphore_options){.create = true, .mode = 01777};
    CHECK_FAILS(neap_kernel_semaphore_open(sysv, &options, &none), -EINVAL,
                "permission bits");
    CHECK_FAILS(neap_kernel_semaphore_open("file:x", NULL, &none), -ENOTSUP,
                "posix and sysv ones only");
    CHECK_FAILS(neap_kernel_semaphore_open("", NULL, &none), -EINVAL, "empty");
    CHECK_FAILS(neap_kernel_semaphore_unlink("anonymous:"), -ENOTSUP, "posix");
    CHECK(!none);
}

/* -- posix ----------------------------------------------------------------- */

TEST(posix_is_the_same_as_sem_open_has)
{
    char name[80];
    snprintf(name, sizeof name, "/%s", test_name("c"));
    sem_t *theirs = sem_open(name, O_CREAT | O_EXCL, 0600, 2);
    CHECK(theirs != SEM_FAILED);
    neap_kernel_semaphore *s = open_with(name + 1,
                                         (neap_kernel_semaphore_options){0});
    CHECK_INT(value(s, 0), 2);
    CHECK_INT(sem_wait(theirs), 0);
    CHECK_INT(value(s, 0), 1);
    CHECK_STATUS(neap_kernel_semaphore_acquire(s, 0, 1, NEAP_NOW), 0);
    CHECK_INT(sem_trywait(theirs), -1);
    CHECK_STATUS(neap_kernel_semaphore_release(s, 0, 1), 0);
    CHECK_INT(sem_trywait(theirs), 0);
    sem_close(theirs);
    end(s);
}


TEST(posix_refuses_a_file_that_is_too_short_for_one)
{
    char path[300];
    neap_kernel_semaphore *none = NULL;
    snprintf(path, sizeof path, "/dev/shm/sem.%s", test_name("short"));
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0600);
    CHECK(fd >= 0 && write(fd, "no", 2) == 2);
    close(fd);
    CHECK_FAILS(neap_kernel_semaphore_open(strstr(path, "sem.") + 4, NULL,
                                           &none), NEAP_ECORRUPT,
                "is no semaphore");
    CHECK(!none);
    unlink(path);
}


TEST(posix_does_one_at_a_time)
{
    neap_kernel_semaphore *s = open_with(test_name("s"), one);
    const neap_kernel_semaphore_change two[] = {{0, 1}, {0, -1}}, zero = {0, 0};
    CHECK_FAILS(neap_kernel_semaphore_release(s, 0, 2), -ENOTSUP,
                "one at a time");
    CHECK_FAILS(neap_kernel_semaphore_apply(s, two, 2, NEAP_NOW), -ENOTSUP,
                "one at a time");
    CHECK_FAILS(neap_kernel_semaphore_apply(s, &zero, 1, NEAP_NOW), -ENOTSUP,
                "one at a time");
    CHECK_FAILS(neap_kernel_semaphore_set(s, 0, 5), -ENOTSUP, "only released");
    CHECK_INT(value(s, 0), 1);
    end(s);
}


TEST(posix_says_when_it_is_full)
{
    neap_kernel_semaphore_options options = {.create = true,
                                             .initial = INT32_MAX};
    neap_kernel_semaphore *s = open_with(test_name("full"), options);
    CHECK_FAILS(neap_kernel_semaphore_release(s, 0, 1), -EOVERFLOW,
                "largest value");
    end(s);
}

/* -- System V -------------------------------------------------------------- */

static neap_kernel_semaphore *three(int64_t initial, bool undo)
{
    neap_kernel_semaphore_options options = {
        .create = true, .count = 3, .initial = initial, .undo = undo,
    };
    return open_with(test_sysv(0), options);
}


TEST(sysv_is_the_same_as_semget_has)
{
    int id = semget(test_key(1), 2, IPC_CREAT | IPC_EXCL | 0600);
    CHECK(id >= 0);
    CHECK_INT(semctl(id, 1, SETVAL, 5), 0);
    neap_kernel_semaphore *s = open_with(test_sysv(1),
                                         (neap_kernel_semaphore_options){0});
    CHECK_INT(neap_kernel_semaphore_count(s), 2);
    CHECK_INT(value(s, 1), 5);
    CHECK_STATUS(neap_kernel_semaphore_acquire(s, 1, 4, NEAP_NOW), 0);
    CHECK_INT(semctl(id, 1, GETVAL), 1);
    CHECK_INT(semctl(id, 1, GETPID), getpid());
    neap_kernel_semaphore_use use;
    CHECK_STATUS(neap_kernel_semaphore_look(s, 1, &use), 0);
    CHECK_INT(use.value, 1);
    CHECK_INT(use.last_pid, getpid());
    CHECK_INT(use.waiting, 0);
    CHECK_STATUS(neap_kernel_semaphore_set(s, 0, 9), 0);
    CHECK_INT(semctl(id, 0, GETVAL), 9);
    end(s);
}


TEST(sysv_makes_all_changes_at_once_or_none)
{
    neap_kernel_semaphore *s = three(1, false);
    const neap_kernel_semaphore_change move[] = {{0, -1}, {1, 4}},
        too_much[] = {{1, -1}, {2, -2}}, all[] = {{1, -5}, {0, 0}};
    CHECK_STATUS(neap_kernel_semaphore_apply(s, move, 2, NEAP_NOW), 0);
    CHECK_INT(value(s, 0), 0);
    CHECK_INT(value(s, 1), 5);
    CHECK_STATUS(neap_kernel_semaphore_apply(s, too_much, 2, NEAP_NOW), -EBUSY);
    CHECK_STATUS(neap_kernel_semaphore_apply(s, too_much, 2, soon()),
                 -ETIMEDOUT);
    CHECK_INT(value(s, 1), 5);
    CHECK_STATUS(neap_kernel_semaphore_apply(s, all, 2, NEAP_NOW), 0);
    CHECK_INT(value(s, 1), 0);
    end(s);
}


static int take_two_and_wait(void *argument)
{
    if (neap_kernel_semaphore_acquire(argument, 0, 2, NEAP_NOW) < 0)
        return 1;
    neap_kernel_semaphore_release(argument, 1, 1);
    pause();
    return 0;
}


static void check_death(bool undo, int64_t left)
{
    neap_kernel_semaphore *s = three(3, undo), *other;
    CHECK_STATUS(neap_kernel_semaphore_open(test_sysv(0), NULL, &other), 0);
    pid_t child = test_fork(take_two_and_wait, s);
    WAIT_UNTIL(value(s, 1) == 4);
    CHECK_INT(value(s, 0), 1);
    test_kill(child);
    CHECK_INT(value(other, 0), left);
    neap_kernel_semaphore_close(other);
    end(s);
}


TEST(sysv_with_undo_gets_back_what_the_dead_took)
{
    check_death(true, 3);
}


TEST(sysv_without_undo_loses_what_the_dead_took)
{
    check_death(false, 1);
}


static int wait_for_ever(void *argument)
{
    return neap_kernel_semaphore_acquire(argument, 2, 1, NEAP_FOREVER) ==
                   -EIDRM ? 7 : 0;
}


TEST(sysv_shows_who_waits_and_wakes_them_when_it_is_removed)
{
    neap_kernel_semaphore *s = three(0, false);
    neap_kernel_semaphore_use use = {0};
    int64_t none;
    pid_t child = test_fork(wait_for_ever, s);
    WAIT_UNTIL(neap_kernel_semaphore_look(s, 2, &use) == 0 && use.waiting == 1);
    CHECK_STATUS(neap_kernel_semaphore_unlink(test_sysv(0)), 0);
    CHECK_INT(test_wait(child), 7);
    CHECK_FAILS(neap_kernel_semaphore_release(s, 0, 1), -EIDRM, "was removed");
    CHECK_FAILS(neap_kernel_semaphore_get(s, 0, &none), -EIDRM, "was removed");
    CHECK_FAILS(neap_kernel_semaphore_set(s, 0, 1), -EIDRM, "was removed");
    neap_kernel_semaphore_close(s);
}


TEST(sysv_says_when_a_value_is_too_large)
{
    neap_kernel_semaphore *s = three(32767, false);
    CHECK_FAILS(neap_kernel_semaphore_release(s, 0, 1), -ERANGE, "0 to 32767");
    CHECK_FAILS(neap_kernel_semaphore_release(s, 0, 100000), -ERANGE, "32767");
    CHECK_FAILS(neap_kernel_semaphore_set(s, 0, 32768), -ERANGE, "32767");
    CHECK_FAILS(neap_kernel_semaphore_set(s, 3, 1), -EFBIG, "none of that");
    neap_kernel_semaphore_change many[501] = {{0, 0}};
    CHECK_FAILS(neap_kernel_semaphore_apply(s, many, 501, NEAP_NOW), -E2BIG,
                "SEMOPM");
    end(s);
}


TEST(sysv_wants_as_many_as_were_asked_for)
{
    neap_kernel_semaphore *s = three(0, false), *none = NULL;
    neap_kernel_semaphore_options options = {.count = 4};
    CHECK_FAILS(neap_kernel_semaphore_open(test_sysv(0), &options, &none),
                -EINVAL, "it has fewer");
    CHECK(!none);
    end(s);
}


static struct board *board;

static int make_slowly(void *argument)
{
    int id = semget(*(int *)argument, 1, IPC_CREAT | IPC_EXCL | 0600);
    WAIT_UNTIL(board->words[0] && test_is_asleep(getppid()));
    struct sembuf up = {0, 6, 0};
    return id < 0 || semop(id, &up, 1) < 0;
}


/* Between semget and its first value a set has zeros: Stevens's race. */
TEST(sysv_waits_for_one_that_is_just_being_made)
{
    int key = test_key(0);
    neap_kernel_semaphore_options options = {.create = true, .initial = 1};
    board = share_board();
    pid_t child = test_fork(make_slowly, &key);
    WAIT_UNTIL(semget(key, 0, 0) >= 0);
    board->words[0] = 1; /* from now on it sleeps for the value alone */
    neap_kernel_semaphore *s = open_with(test_sysv(0), options);
    CHECK_INT(value(s, 0), 6);
    CHECK_INT(test_wait(child), 0);
    end(s);
}


static int as_nobody(void *argument)
{
    neap_kernel_semaphore *s;
    int64_t v;
    if (setgid(65534) < 0 || setuid(65534) < 0)
        return 1;
    if (neap_kernel_semaphore_open(argument, NULL, &s) == -EACCES)
        return neap_kernel_semaphore_unlink(argument) == -EACCES ? 0 : 2;
    return neap_kernel_semaphore_get(s, 0, &v) == -EACCES &&
           neap_kernel_semaphore_release(s, 0, 1) == -EACCES &&
           neap_kernel_semaphore_unlink(argument) == -EACCES ? 0 : 3;
}


TEST_EACH(others_may_not, kinds)
{
    if (getuid() != 0)
        test_skip("only root becomes somebody else");
    const char *address = address_of(parameter);
    neap_kernel_semaphore *s = open_with(address, one);
    CHECK_INT(test_wait(test_fork(as_nobody, (void *)(uintptr_t)address)), 0);
    CHECK_INT(value(s, 0), 1);
    end(s);
}
