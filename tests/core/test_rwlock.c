/* Read-write locks: readers together, writers alone, nobody for ever. */
#include "core/heaps.h"

static neap_rwlock *open_rwlock(neap_heap *heap)
{
    neap_rwlock *lock;
    must_open(neap_rwlock_open(heap, "table", &lock));
    return lock;
}


static void end_rwlock(neap_heap *heap, neap_rwlock *lock)
{
    neap_rwlock_close(lock);
    end_heap(heap);
}


static int read_it(void *lock)
{
    CHECK_STATUS(neap_rwlock_read(lock, NEAP_FOREVER), 0);
    return 0;
}


static int write_it(void *lock)
{
    CHECK_STATUS(neap_rwlock_write(lock, NEAP_FOREVER), 0);
    return 0;
}


static int read_and_unlock(void *lock)
{
    CHECK_STATUS(neap_rwlock_read(lock, NEAP_NOW), 0);
    CHECK_STATUS(neap_rwlock_unlock(lock), 0);
    return 0;
}


static int find_it_locked(void *lock)
{
    CHECK_FAILS(neap_rwlock_read(lock, NEAP_NOW), -EBUSY, "'table'");
    CHECK_FAILS(neap_rwlock_write(lock, NEAP_NOW), -EBUSY, "'table'");
    CHECK_FAILS(neap_rwlock_unlock(lock), -EPERM, "'table'");
    return 0;
}


static void in_child(int (*fn)(void *), neap_rwlock *lock)
{
    CHECK_INT(test_wait(test_fork(fn, lock)), 0);
}


TEST(readers_are_in_together_and_writers_alone)
{
    neap_heap *heap = make_heap(NULL);
    neap_rwlock *lock = open_rwlock(heap);
    CHECK_STR(neap_rwlock_name(lock), "table");
    CHECK_STATUS(neap_rwlock_read(lock, NEAP_NOW), 0);
    CHECK_INT(neap_rwlock_mine(lock), 1);
    in_child(read_and_unlock, lock);
    CHECK_STATUS(neap_rwlock_unlock(lock), 0);
    CHECK_STATUS(neap_rwlock_write(lock, NEAP_NOW), 0);
    CHECK_INT(neap_rwlock_mine(lock), 2);
    in_child(find_it_locked, lock);
    CHECK_STATUS(neap_rwlock_unlock(lock), 0);
    CHECK_INT(neap_rwlock_mine(lock), 0);
    CHECK(neap_heap_reap(heap) >= 0);
    end_rwlock(heap, lock);
}


TEST(what_is_read_cannot_be_upgraded_nor_had_twice)
{
    neap_heap *heap = make_heap(NULL);
    neap_rwlock *lock = open_rwlock(heap);
    CHECK_STATUS(neap_rwlock_read(lock, NEAP_NOW), 0);
    CHECK_FAILS(neap_rwlock_write(lock, NEAP_FOREVER), -EDEADLK,
                "'table' already; a lock for reading cannot become one for "
                "writing");
    CHECK_FAILS(neap_rwlock_read(lock, NEAP_FOREVER), -EDEADLK,
                "unlock it first");
    CHECK_INT(neap_rwlock_mine(lock), 1);
    CHECK_STATUS(neap_rwlock_unlock(lock), 0);
    CHECK_STATUS(neap_rwlock_write(lock, NEAP_NOW), 0);
    CHECK_FAILS(neap_rwlock_write(lock, NEAP_FOREVER), -EDEADLK, "'table'");
    CHECK_FAILS(neap_rwlock_read(lock, NEAP_FOREVER), -EDEADLK, "'table'");
    CHECK_STATUS(neap_rwlock_unlock(lock), 0);
    CHECK_FAILS(neap_rwlock_unlock(lock), -EPERM, "only a holder unlocks it");
    end_rwlock(heap, lock);
}


TEST(a_writer_waits_for_its_deadline_and_leaves_readers_alone)
{
    neap_heap *heap = make_heap(NULL);
    neap_rwlock *lock = open_rwlock(heap);
    pid_t reader = fork_lingering(read_it, lock);
    int64_t deadline = after_ms(20);
    CHECK_FAILS(neap_rwlock_write(lock, deadline), -ETIMEDOUT, "'table'");
    CHECK(neap_now() >= deadline);
    CHECK_STATUS(neap_rwlock_read(lock, NEAP_NOW), 0);
    CHECK_STATUS(neap_rwlock_unlock(lock), 0);
    test_kill(reader);
    CHECK(neap_heap_reap(heap) >= 0);
    end_rwlock(heap, lock);
}


TEST(a_reader_that_is_killed_holds_no_writer_up)
{
    neap_heap *heap = make_heap(NULL);
    neap_rwlock *lock = open_rwlock(heap);
    test_kill(fork_lingering(read_it, lock));
    CHECK_STATUS(neap_rwlock_write(lock, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_rwlock_unlock(lock), 0);
    end_rwlock(heap, lock);
}


TEST(a_writer_that_is_killed_is_told_of_until_it_is_repaired)
{
    neap_heap *heap = make_heap(NULL);
    neap_rwlock *lock = open_rwlock(heap);
    pid_t writer = fork_lingering(write_it, lock);
    int32_t pid = 0;
    test_kill(writer);
    CHECK_STATUS(neap_rwlock_write(lock, NEAP_FOREVER), NEAP_ABANDONED);
    CHECK_STATUS(neap_rwlock_unlock(lock), 0);
    CHECK_STATUS(neap_rwlock_abandoned(lock, &pid), 0);
    CHECK_INT(pid, writer);
    CHECK_FAILS(neap_rwlock_repaired(lock), -EPERM, "for writing");
    CHECK_STATUS(neap_rwlock_write(lock, NEAP_NOW), NEAP_ABANDONED);
    CHECK_STATUS(neap_rwlock_repaired(lock), 0);
    CHECK_STATUS(neap_rwlock_unlock(lock), 0);
    CHECK_STATUS(neap_rwlock_write(lock, NEAP_NOW), 0);
    CHECK_STATUS(neap_rwlock_unlock(lock), 0);
    end_rwlock(heap, lock);
}


/* -- neither side starves -------------------------------------------------- */

struct crowd {
    neap_rwlock *lock;
    bool writes;
    _Atomic uint64_t *stop;
};

static int be_in_all_the_time(void *argument)
{
    struct crowd *crowd = argument;
    while (!*crowd->stop) {
        int status = crowd->writes
                         ? neap_rwlock_write(crowd->lock, NEAP_FOREVER)
                         : neap_rwlock_read(crowd->lock, NEAP_FOREVER);
        CHECK_STATUS(status, 0);
        CHECK_STATUS(neap_rwlock_unlock(crowd->lock), 0);
    }
    return 0;
}


static void get_in_among(bool writers)
{
    neap_heap *heap = make_heap(NULL);
    neap_rwlock *lock = open_rwlock(heap);
    struct board *board = share_board();
    struct crowd crowd = {lock, writers, &board->words[0]};
    pid_t pids[3];
    for (int i = 0; i < 3; i++)
        pids[i] = test_fork(be_in_all_the_time, &crowd);
    WAIT_UNTIL(status_of(heap).attached >= 3);
    for (int i = 0; i < 20; i++) {
        CHECK_STATUS(writers ? neap_rwlock_read(lock, NEAP_FOREVER)
                             : neap_rwlock_write(lock, NEAP_FOREVER), 0);
        CHECK_STATUS(neap_rwlock_unlock(lock), 0);
    }
    *crowd.stop = 1;
    for (int i = 0; i < 3; i++)
        CHECK_INT(test_wait(pids[i]), 0);
    munmap(board, sizeof *board);
    CHECK(neap_heap_reap(heap) >= 0);
    end_rwlock(heap, lock);
}


TEST(a_writer_gets_in_among_readers_that_never_rest)
{
    get_in_among(false);
}


TEST(a_reader_gets_in_among_writers_that_never_rest)
{
    get_in_among(true);
}


/* -- drops and signals ----------------------------------------------------- */

struct waiter {
    neap_rwlock *lock;
    bool writes;
    int status;
    _Atomic bool ended;
    pthread_t thread;
};

static void *wait_for_it(void *argument)
{
    struct waiter *waiter = argument;
    waiter->status = waiter->writes
                         ? neap_rwlock_write(waiter->lock, NEAP_FOREVER)
                         : neap_rwlock_read(waiter->lock, NEAP_FOREVER);
    waiter->ended = true;
    return NULL;
}


static const char *const ways[] = {"read", "write", NULL};

static void begin_wait(neap_heap *heap, neap_rwlock *lock, const char *way,
                       struct waiter *waiter)
{
    *waiter = (struct waiter){.lock = lock,
                              .writes = strcmp(way, "write") == 0};
    CHECK_STATUS(neap_rwlock_write(lock, NEAP_NOW), 0);
    pthread_create(&waiter->thread, NULL, wait_for_it, waiter);
    WAIT_UNTIL(status_of(heap).attached == 2);
}


TEST_EACH(whoever_waits_learns_of_a_drop, ways)
{
    neap_heap *heap = make_heap(NULL);
    neap_rwlock *lock = open_rwlock(heap);
    struct waiter waiter;
    begin_wait(heap, lock, parameter, &waiter);
    CHECK_STATUS(neap_heap_drop(heap, "table"), 0);
    pthread_join(waiter.thread, NULL);
    CHECK_STATUS(waiter.status, -EIDRM);
    CHECK_STATUS(neap_rwlock_unlock(lock), 0);
    CHECK_FAILS(neap_rwlock_read(lock, NEAP_NOW), -EIDRM, "'table' was");
    CHECK_FAILS(neap_rwlock_write(lock, NEAP_NOW), -EIDRM, "'table' was");
    end_rwlock(heap, lock);
}


static void note_signal(int number)
{
    (void)number;
}


TEST_EACH(a_signal_interrupts_the_wait, ways)
{
    neap_heap *heap = make_heap(NULL);
    neap_rwlock *lock = open_rwlock(heap);
    struct sigaction action = {.sa_handler = note_signal};
    struct waiter waiter;
    sigaction(SIGUSR1, &action, NULL);
    begin_wait(heap, lock, parameter, &waiter);
    WAIT_UNTIL((pthread_kill(waiter.thread, SIGUSR1), waiter.ended));
    pthread_join(waiter.thread, NULL);
    CHECK_STATUS(waiter.status, -EINTR);
    CHECK_STATUS(neap_rwlock_unlock(lock), 0);
    CHECK_STATUS(neap_rwlock_read(lock, NEAP_NOW), 0);
    CHECK_STATUS(neap_rwlock_unlock(lock), 0);
    end_rwlock(heap, lock);
}
