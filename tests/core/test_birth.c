/* Tests of the birth and the end of names, and of memory that is not there. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "lib/harness.h"
#include "memory/memory.h"

enum { SIZE = 10000 };

/* The roads of a birth, for which the same holds. */
static const char *const roads[] = {"unnamed", "named", "renamed", NULL};


static struct neap__address file_address(const char *file)
{
    char text[600];
    struct neap__address a;
    snprintf(text, sizeof text, "file:%s", test_path(file));
    CHECK_STATUS(neap__address_parse(text, &a), 0);
    return a;
}


static void take_road(const char *road)
{
    neap__birth_force_named = strcmp(road, "named") == 0     ? 1
                              : strcmp(road, "renamed") == 0 ? 2 : 0;
}


static int entries_in(const char *directory)
{
    int n = 0;
    DIR *dir = opendir(directory);
    CHECK(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2;
}


TEST_EACH(a_file_has_its_name_after_publish_and_not_before, roads)
{
    take_road(parameter);
    struct neap__address a = file_address("x");
    struct neap__birth birth;
    struct stat st;
    umask(0777);
    CHECK_STATUS(neap__birth_begin(&a, 0464, &birth), 0);
    CHECK(stat(a.path, &st) < 0);
    CHECK_INT(entries_in(test_tmpdir()), neap__birth_force_named > 0);
    CHECK_INT(write(birth.fd, "whole", 5), 5);
    CHECK_STATUS(neap__birth_publish(&birth), 0);
    neap__birth_abort(&birth); /* does nothing now */

    CHECK_INT(stat(a.path, &st), 0);
    CHECK_INT(st.st_size, 5);
    CHECK_INT(st.st_mode & 07777, 0464);
    CHECK_INT(st.st_nlink, 1);
    CHECK_INT(entries_in(test_tmpdir()), 1);
    CHECK_INT(fcntl(birth.fd, F_GETFD), FD_CLOEXEC);
    CHECK_INT(flock(birth.fd, LOCK_EX | LOCK_NB), 0);
    close(birth.fd);
    CHECK_STATUS(neap__name_unlink(&a), 0);
}


TEST_EACH(of_two_births_the_second_to_publish_is_told, roads)
{
    take_road(parameter);
    struct neap__address a = file_address("x");
    struct neap__birth first, second;
    CHECK_STATUS(neap__birth_begin(&a, 0, &first), 0);
    CHECK_STATUS(neap__birth_begin(&a, 0, &second), 0);
    CHECK_STATUS(neap__birth_publish(&second), 0);
    CHECK_FAILS(neap__birth_publish(&first), -EEXIST, "it exists");
    neap__birth_abort(&first);
    neap__birth_abort(&first);
    CHECK_INT(entries_in(test_tmpdir()), 1);
    close(second.fd);
    CHECK_STATUS(neap__name_unlink(&a), 0);
}


TEST_EACH(an_aborted_birth_leaves_nothing, roads)
{
    take_road(parameter);
    struct neap__address a = file_address("x");
    struct neap__birth birth;
    CHECK_STATUS(neap__birth_begin(&a, 0, &birth), 0);
    neap__birth_abort(&birth);
    CHECK_INT(birth.fd, -1);
    CHECK_INT(entries_in(test_tmpdir()), 0);
}


TEST_EACH(a_birth_where_no_directory_is_says_so, roads)
{
    take_road(parameter);
    struct neap__address a = file_address("missing/x");
    struct neap__birth birth;
    CHECK_FAILS(neap__birth_begin(&a, 0, &birth), -ENOENT,
                "there is no directory");
    CHECK_INT(birth.fd, -1);
}


static int be_born_where_forbidden(void *address)
{
    struct neap__birth birth;
    CHECK_INT(setuid(65534), 0);
    CHECK_FAILS(neap__birth_begin(address, 0, &birth), -EACCES,
                "you may not write in");
    return 0;
}


TEST_EACH(a_birth_in_a_directory_of_others_says_so, roads)
{
    if (geteuid() != 0)
        test_skip("only root can become nobody");
    take_road(parameter);
    struct neap__address a = file_address("x");
    CHECK_INT(test_wait(test_fork(be_born_where_forbidden, &a)), 0);
}


TEST_EACH(segments_are_born_on_either_road, roads)
{
    take_road(parameter);
    neap_segment *segment;
    CHECK_STATUS(neap_segment_create(test_name("x"), SIZE, 0, &segment), 0);
    CHECK_STATUS(neap_segment_unlink(segment), 0);
    neap_segment_close(segment);
}

/* -- makers that die ------------------------------------------------------- */

static int die_between_begin_and_publish(void *address)
{
    struct neap__birth birth;
    CHECK_STATUS(neap__birth_begin(address, 0, &birth), 0);
    CHECK_INT(write(birth.fd, "half", 4), 4);
    raise(SIGKILL);
    return 0;
}


TEST(a_maker_killed_before_publish_leaves_nothing)
{
    struct neap__address a = file_address("x");
    pid_t maker = test_fork(die_between_begin_and_publish, &a);
    CHECK_INT(test_wait(maker), -SIGKILL);
    CHECK_INT(entries_in(test_tmpdir()), 0);
}


TEST(a_maker_killed_on_the_named_road_leaves_only_what_sweep_removes)
{
    take_road("named");
    struct neap__address a = file_address("x");
    pid_t maker = test_fork(die_between_begin_and_publish, &a);
    CHECK_INT(test_wait(maker), -SIGKILL);
    CHECK_INT(entries_in(test_tmpdir()), 1);
    CHECK_INT(access(a.path, F_OK), -1);
    CHECK_INT(neap__birth_sweep(test_tmpdir()), 1);
    CHECK_INT(entries_in(test_tmpdir()), 0);
}


TEST(the_next_named_birth_sweeps_what_the_dead_left)
{
    take_road("named");
    struct neap__address a = file_address("x");
    struct neap__birth birth;
    pid_t maker = test_fork(die_between_begin_and_publish, &a);
    CHECK_INT(test_wait(maker), -SIGKILL);
    CHECK_STATUS(neap__birth_begin(&a, 0, &birth), 0);
    CHECK_INT(entries_in(test_tmpdir()), 1);
    neap__birth_abort(&birth);
}


TEST(sweep_leaves_the_births_of_the_living_and_other_files)
{
    take_road("named");
    struct neap__address a = file_address("x");
    struct neap__birth birth;
    CHECK_STATUS(neap__birth_begin(&a, 0, &birth), 0);
    int other = open(test_path("other"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CHECK_INT(mkdir(test_path(".neap-birth-directory"), 0700), 0);
    CHECK_INT(mkfifo(test_path(".neap-birth-pipe"), 0600), 0);
    CHECK_INT(neap__birth_sweep(test_tmpdir()), 0);
    CHECK_INT(entries_in(test_tmpdir()), 4);
    CHECK_STATUS(neap__birth_publish(&birth), 0);
    close(birth.fd);
    close(other);
    unlink(a.path);
    unlink(test_path("other"));
    unlink(test_path(".neap-birth-pipe"));
    rmdir(test_path(".neap-birth-directory"));
}


TEST(a_birth_between_its_two_names_loses_only_the_first)
{
    take_road("named");
    struct neap__address a = file_address("x");
    struct neap__birth birth;
    CHECK_STATUS(neap__birth_begin(&a, 0, &birth), 0);
    CHECK_INT(link(birth.named, a.path), 0);
    close(birth.fd); /* as if killed here */
    CHECK_INT(neap__birth_sweep(test_tmpdir()), 1);
    CHECK_INT(access(a.path, F_OK), 0);
    CHECK_STATUS(neap__name_unlink(&a), 0);
}


TEST(sweeping_where_no_directory_is_fails)
{
    CHECK_INT(neap__birth_sweep("/nowhere/at/all"), -ENOENT);
}

/* -- the end of names ------------------------------------------------------ */

static int hold_directory(void *pipe_end)
{
    int lock = neap__directory_lock(test_tmpdir(), 0);
    CHECK(lock >= 0);
    CHECK_INT(write(*(int *)pipe_end, "", 1), 1);
    for (;;)
        pause();
}


TEST(unlinkers_wait_for_one_another_and_not_for_the_dead)
{
    struct neap__address a = file_address("x");
    int ends[2], fd = neap__file_create(a.path);
    char byte;
    CHECK(fd >= 0);
    close(fd);
    CHECK_INT(pipe(ends), 0);
    pid_t holder = test_fork(hold_directory, &ends[1]);
    CHECK_INT(read(ends[0], &byte, 1), 1);
    CHECK_INT(neap__directory_lock(test_tmpdir(), 1000000), -EBUSY);
    test_kill(holder);
    CHECK_STATUS(neap__name_unlink(&a), 0);
    close(ends[0]);
    close(ends[1]);
}


TEST(unlink_if_looks_at_the_inode)
{
    struct neap__address a = file_address("x");
    struct stat st;
    int fd = neap__file_create(a.path);
    CHECK_INT(fstat(fd, &st), 0);
    close(fd);
    CHECK_FAILS(neap__name_unlink_if(&a, st.st_dev, st.st_ino + 1), -ENOENT,
                "gone already");
    CHECK_STATUS(neap__name_unlink_if(&a, st.st_dev + 1, st.st_ino), -ENOENT);
    CHECK_STATUS(neap__name_unlink_if(&a, st.st_dev, st.st_ino), 0);
    CHECK_STATUS(neap__name_unlink_if(&a, st.st_dev, st.st_ino), -ENOENT);
}


TEST(what_is_no_regular_file_is_neither_opened_nor_unlinked)
{
    struct neap__address pipe = file_address("pipe"), dir = file_address("dir");
    struct neap__address null;
    CHECK_INT(mkfifo(pipe.path, 0600), 0);
    CHECK_INT(mkdir(dir.path, 0700), 0);
    CHECK_STATUS(neap__address_parse("file:/dev/null", &null), 0);
    CHECK_FAILS(neap__name_open(&pipe, true), -EINVAL, "not a regular file");
    CHECK_FAILS(neap__name_open(&dir, true), -EINVAL, "not a regular file");
    CHECK_FAILS(neap__name_open(&null, false), -EINVAL, "not a regular file");
    CHECK_FAILS(neap__name_unlink(&pipe), -EINVAL, "not a regular file");
    CHECK_FAILS(neap__name_unlink(&dir), -EINVAL, "not a regular file");
    unlink(pipe.path);
    rmdir(dir.path);
}


TEST(a_link_that_leads_nowhere_ends_open_or_create)
{
    neap_segment *segment;
    struct neap__address a = file_address("link");
    CHECK_INT(symlink("/nowhere/at/all", a.path), 0);
    CHECK_FAILS(neap_segment_open_or_create(a.text, SIZE, 0, &segment), -ELOOP,
                "leads nowhere");
    unlink(a.path);
}


static int hold_sysv_lock(void *pipe_end)
{
    CHECK(neap__sysv_lock() >= 0);
    CHECK_INT(write(*(int *)pipe_end, "", 1), 1);
    for (;;)
        pause();
}


TEST(the_lock_of_system_v_births_dies_with_its_holder)
{
    /* A directory of our own: others make heaps meanwhile. */
    neap__shm_directory = test_tmpdir();
    int ends[2];
    char byte;
    CHECK_INT(pipe(ends), 0);
    pid_t holder = test_fork(hold_sysv_lock, &ends[1]);
    CHECK_INT(read(ends[0], &byte, 1), 1);
    CHECK_INT(neap__directory_lock(test_tmpdir(), NEAP_NOW), -EBUSY);
    test_kill(holder);
    int lock = neap__sysv_lock();
    CHECK(lock >= 0);
    neap__sysv_unlock(lock);
    close(ends[0]);
    close(ends[1]);
}


static int outlive(void *argument)
{
    (void)argument;
    for (;;)
        pause();
    return 0;
}


TEST(unlock_is_complete_though_a_child_was_forked_meanwhile)
{
    neap__shm_directory = test_tmpdir();
    int lock = neap__sysv_lock();
    pid_t child = test_fork(outlive, NULL);
    neap__sysv_unlock(lock);
    lock = neap__directory_lock(test_tmpdir(), NEAP_NOW);
    CHECK(lock >= 0);
    neap__directory_unlock(lock);
    test_kill(child);
}

/* -- memory that is not there ---------------------------------------------- */

/* A /dev/shm of one MiB for this process and its children alone. */
static void make_small_shm(void)
{
    if (unshare(CLONE_NEWNS) < 0)
        test_skip("only root can make a small /dev/shm");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("small", "/dev/shm", "tmpfs", 0, "size=1m") < 0)
        test_skip("cannot mount: %s", strerror(errno));
}


TEST(a_full_dev_shm_is_enospc_with_the_figures_and_what_to_do)
{
    neap_segment *segment;
    make_small_shm();
    CHECK_FAILS(neap_segment_create(test_name("x"), 3 << 20, 0, &segment),
                -ENOSPC, "3.0 MiB asked for");
    CHECK(strstr(neap_error_text(), "1.0 MiB free"));
    CHECK(strstr(neap_error_text(), "neap rm"));
    CHECK(strstr(neap_error_text(), "/dev/shm"));
    CHECK_INT(entries_in("/dev/shm"), 0);
}


TEST_EACH(growth_beyond_a_full_dev_shm_changes_nothing, roads)
{
    neap_segment *segment;
    neap_segment_stat stat;
    take_road(parameter);
    make_small_shm();
    CHECK_STATUS(neap_segment_create(test_name("x"), 500000, 0, &segment), 0);
    CHECK_STATUS(neap_segment_resize(segment, 3 << 20), -ENOSPC);
    CHECK_STATUS(neap_segment_status(segment, &stat), 0);
    CHECK_INT(stat.size, 500000);
    CHECK(stat.allocated < 600000);
    CHECK_STATUS(neap_segment_resize(segment, 1000000), 0);
    CHECK_STATUS(neap_segment_unlink(segment), 0);
    neap_segment_close(segment);
}


TEST(a_small_dev_shm_counts_what_others_took)
{
    neap_segment *one, *two;
    make_small_shm();
    CHECK_STATUS(neap_segment_create(test_name("a"), 900000, 0, &one), 0);
    CHECK_FAILS(neap_segment_create(test_name("b"), 900000, 0, &two), -ENOSPC,
                "no room for");
    CHECK_STATUS(neap_segment_unlink(one), 0);
    neap_segment_close(one);
    CHECK_STATUS(neap_segment_create(test_name("b"), 900000, 0, &two), 0);
    CHECK_STATUS(neap_segment_unlink(two), 0);
    neap_segment_close(two);
}


TEST(set_aside_keeps_what_is_there_and_extends_what_is_not)
{
    struct stat st;
    char byte = 0;
    int fd = neap__memfd_create("x");
    CHECK_INT(pwrite(fd, "z", 1, 5000), 1);
    CHECK_INT(neap__set_aside(fd, 0, 100), 0);
    CHECK_INT(fstat(fd, &st), 0);
    CHECK_INT(st.st_size, 5001);
    CHECK_INT(neap__set_aside(fd, 5000, 3 << 20), 0);
    CHECK_INT(fstat(fd, &st), 0);
    CHECK_INT(st.st_size, 5000 + (3 << 20));
    CHECK(st.st_blocks * 512 >= 3 << 20);
    CHECK_INT(pread(fd, &byte, 1, 5000), 1);
    CHECK_INT(byte, 'z');
    CHECK_INT(neap__set_aside(fd, 7, 0), 0);
    CHECK_INT(neap__set_aside(fd, INT64_MAX, 1), -EFBIG);
    CHECK_INT(neap__set_aside(fd, UINT64_MAX, 1), -EFBIG);
    CHECK_INT(neap__set_aside(-1, 0, 1), -EBADF);
    close(fd);
}


static volatile int ticks;

static void tick(int signal_number)
{
    (void)signal_number;
    ticks++;
}


TEST(set_aside_gets_done_under_a_storm_of_signals)
{
    enum { BIG = 64 << 20 };
    struct stat st;
    struct sigaction action = {.sa_handler = tick};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval fast = {{0, 300}, {0, 300}};
    int fd = neap__memfd_create("x");
    CHECK_INT(setitimer(ITIMER_REAL, &fast, NULL), 0);
    CHECK_INT(neap__set_aside(fd, 0, BIG), 0);
    CHECK_INT(setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL), 0);
    CHECK(ticks > 0);
    CHECK_INT(fstat(fd, &st), 0);
    CHECK_INT(st.st_size, BIG);
    CHECK(st.st_blocks * 512 >= BIG);
    close(fd);
}
