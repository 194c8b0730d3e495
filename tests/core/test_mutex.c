/* Mutexes: exclusion, owners, deadlines, and the death of owners. */
#include <time.h>

#include "core/heaps.h"

#define ROUNDS 2000


/* -- exclusion ------------------------------------------------------------- */

struct section {
    neap_heap *heap;
    neap_array *words; /* two that are always equal, inside the section */
};

static int increment_both(void *argument)
{
    struct section *section = argument;
    neap_mutex *mutex = open_mutex(section->heap, "lock");
    volatile uint64_t *words = neap_array_data(section->words);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK_STATUS(neap_mutex_lock(mutex, NEAP_FOREVER), 0);
        uint64_t seen = words[0];
        CHECK_INT(words[1], seen);
        words[0] = seen + 1;
        words[1] = seen + 1;
        CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    }
    neap_mutex_close(mutex);
    return 0;
}


static struct section make_section(void)
{
    struct section section = {.heap = make_heap(NULL)};
    CHECK_STATUS(neap_array_open(section.heap, "words", NEAP_TYPE_U64, 1,
                                 &(uint64_t){2}, &section.words),
                 NEAP_CREATED);
    return section;
}


static void end_section(struct section *section, uint64_t total)
{
    volatile uint64_t *words = neap_array_data(section->words);
    CHECK_INT(words[0], total);
    CHECK_INT(words[1], total);
    neap_array_close(section->words);
    end_heap(section->heap);
}


TEST(mutex_excludes_processes)
{
    struct section section = make_section();
    pid_t pids[4];
    for (int i = 0; i < 4; i++)
        pids[i] = test_fork(increment_both, &section);
    for (int i = 0; i < 4; i++)
        CHECK_INT(test_wait(pids[i]), 0);
    end_section(&section, 4 * ROUNDS);
}


static void *increment_in_thread(void *argument)
{
    increment_both(argument);
    return NULL;
}


TEST(mutex_excludes_threads)
{
    struct section section = make_section();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, increment_in_thread,
                                 &section), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    end_section(&section, 4 * ROUNDS);
}


/* -- whose it is ----------------------------------------------------------- */

static void *try_as_another_thread(void *argument)
{
    neap_mutex *mutex = argument;
    CHECK_INT(neap_mutex_mine(mutex), 0);
    CHECK_FAILS(neap_mutex_unlock(mutex), -EPERM, "does not hold");
    CHECK_FAILS(neap_mutex_lock(mutex, NEAP_NOW), -EBUSY, "was not locked");
    return NULL;
}


TEST(only_its_owner_unlocks_a_mutex)
{
    neap_heap *heap = make_heap(NULL);
    neap_mutex *mutex = open_mutex(heap, "lock");
    CHECK_STR(neap_mutex_name(mutex), "lock");
    CHECK_FAILS(neap_mutex_unlock(mutex), -EPERM, "does not hold");
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_FOREVER), 0);
    CHECK_INT(neap_mutex_mine(mutex), 1);
    in_thread(try_as_another_thread, mutex);
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    CHECK_FAILS(neap_mutex_unlock(mutex), -EPERM, "does not hold");
    neap_mutex_close(mutex);
    end_heap(heap);
}


TEST(locking_twice_is_a_deadlock_and_said_so)
{
    neap_heap *heap = make_heap(NULL);
    neap_mutex *mutex = open_mutex(heap, "lock");
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_FOREVER), 0);
    CHECK_FAILS(neap_mutex_lock(mutex, NEAP_FOREVER), -EDEADLK, "already");
    CHECK_FAILS(neap_mutex_lock(mutex, NEAP_NOW), -EDEADLK, "already");
    CHECK_INT(neap_mutex_mine(mutex), 1);
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    neap_mutex_close(mutex);
    end_heap(heap);
}


TEST(holder_is_the_pid_of_who_has_it)
{
    neap_heap *heap = make_heap(NULL);
    neap_mutex *mutex = open_mutex(heap, "lock");
    neap_object_info info;
    int32_t pid;
    CHECK_STATUS(neap_mutex_holder(mutex, &pid), 0);
    CHECK_INT(pid, 0);
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_mutex_holder(mutex, &pid), 0);
    CHECK_INT(pid, getpid());
    CHECK_STATUS(neap_heap_find(heap, "lock", &info), 0);
    CHECK_INT(info.holder, getpid());
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    neap_mutex_close(mutex);
    end_heap(heap);
}


/* -- deadlines ------------------------------------------------------------- */

static void *wait_for_a_while(void *argument)
{
    int64_t deadline = after_ms(20);
    CHECK_FAILS(neap_mutex_lock(argument, deadline), -ETIMEDOUT,
                "was not locked");
    CHECK(neap_now() >= deadline);
    CHECK_STATUS(neap_mutex_lock(argument, neap_now() - 1), -ETIMEDOUT);
    return NULL;
}


TEST(a_deadline_ends_the_wait_and_not_before)
{
    neap_heap *heap = make_heap(NULL);
    neap_mutex *mutex = open_mutex(heap, "lock");
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_FOREVER), 0);
    in_thread(wait_for_a_while, mutex);
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    CHECK_STATUS(neap_mutex_lock(mutex, neap_now() - 1), 0);
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    neap_mutex_close(mutex);
    end_heap(heap);
}


static void note_signal(int number)
{
    (void)number;
}


struct waiter {
    neap_mutex *mutex;
    _Atomic int ended;
    int status;
};

static void *wait_forever(void *argument)
{
    struct waiter *waiter = argument;
    waiter->status = neap_mutex_lock(waiter->mutex, NEAP_FOREVER);
    waiter->ended = 1;
    return NULL;
}


TEST(a_signal_interrupts_the_wait)
{
    neap_heap *heap = make_heap(NULL);
    struct waiter waiter = {.mutex = open_mutex(heap, "lock")};
    struct sigaction action = {.sa_handler = note_signal};
    pthread_t thread;
    sigaction(SIGUSR1, &action, NULL);
    CHECK_STATUS(neap_mutex_lock(waiter.mutex, NEAP_FOREVER), 0);
    pthread_create(&thread, NULL, wait_forever, &waiter);
    /* It may come before the sleep: then it interrupts nothing. */
    WAIT_UNTIL((pthread_kill(thread, SIGUSR1), waiter.ended));
    pthread_join(thread, NULL);
    CHECK_STATUS(waiter.status, -EINTR);
    CHECK_INT(neap_mutex_mine(waiter.mutex), 1);
    CHECK_STATUS(neap_mutex_unlock(waiter.mutex), 0);
    neap_mutex_close(waiter.mutex);
    end_heap(heap);
}


/* -- many at once ---------------------------------------------------------- */

#define MOST 30

static void open_many(neap_heap *heap, neap_mutex **mutexes, int n)
{
    char name[16];
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "lock-%d", i);
        mutexes[i] = open_mutex(heap, name);
    }
}


TEST(a_thread_holds_thirty_mutexes_and_no_more)
{
    neap_heap *heap = make_heap(NULL);
    neap_mutex *mutexes[MOST + 1];
    neap_semaphore *undo = open_semaphore(heap, "undo", 1, NEAP_SEMAPHORE_UNDO);
    open_many(heap, mutexes, MOST + 1);
    for (int i = 0; i < MOST; i++)
        CHECK_STATUS(neap_mutex_lock(mutexes[i], NEAP_FOREVER), 0);
    CHECK_FAILS(neap_mutex_lock(mutexes[MOST], NEAP_FOREVER), -EAGAIN,
                "30 mutexes");

    /* What neap itself locks can still be locked. */
    neap_counter_close(open_counter(heap, "new"));
    neap_array_close(open_bytes(heap, "bytes", 100));
    CHECK_STATUS(neap_heap_drop(heap, "new"), 0);
    CHECK_STATUS(neap_semaphore_acquire(undo, NEAP_NOW), 0);
    CHECK_STATUS(neap_semaphore_release(undo), 0);
    check_sound(heap);

    CHECK_STATUS(neap_mutex_unlock(mutexes[17]), 0);
    CHECK_STATUS(neap_mutex_lock(mutexes[MOST], NEAP_FOREVER), 0);
    CHECK_FAILS(neap_mutex_lock(mutexes[17], NEAP_FOREVER), -EAGAIN,
                "30 mutexes");
    for (int i = 0; i <= MOST; i++) {
        if (i != 17)
            CHECK_STATUS(neap_mutex_unlock(mutexes[i]), 0);
        neap_mutex_close(mutexes[i]);
    }
    neap_semaphore_close(undo);
    end_heap(heap);
}


TEST(mutexes_may_be_unlocked_in_any_order)
{
    enum { N = 8 };
    neap_heap *heap = make_heap(NULL);
    neap_mutex *mutexes[N];
    open_many(heap, mutexes, N);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < N; i++)
            CHECK_STATUS(neap_mutex_lock(mutexes[i], NEAP_FOREVER), 0);
        for (int i = 0; i < N; i++)
            CHECK_STATUS(neap_mutex_unlock(mutexes[(i * 3 + round) % N]), 0);
    }
    for (int i = 0; i < N; i++)
        neap_mutex_close(mutexes[i]);
    end_heap(heap);
}


/* -- the death of the owner ------------------------------------------------ */

static int lock_it(void *argument)
{
    neap_mutex *mutex = argument;
    CHECK(neap_mutex_lock(mutex, NEAP_FOREVER) >= 0);
    return 0;
}


TEST(mutex_tells_the_next_owner_that_the_last_one_died)
{
    int32_t pid = -1;
    neap_heap *heap = make_heap(NULL);
    neap_mutex *mutex = open_mutex(heap, "lock");
    pid_t child = fork_lingering(lock_it, mutex);
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_NOW), -EBUSY);
    test_kill(child);
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_FOREVER), NEAP_ABANDONED);
    CHECK_INT(neap_mutex_mine(mutex), 1);
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    CHECK_STATUS(neap_mutex_abandoned(mutex, &pid), 0);
    CHECK_INT(pid, child);
    CHECK_FAILS(neap_mutex_repaired(mutex), -EPERM, "only its owner");
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_FOREVER), NEAP_ABANDONED);
    CHECK_STATUS(neap_mutex_repaired(mutex), 0);
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_FOREVER), 0); /* told until then */
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    CHECK_STATUS(neap_mutex_abandoned(mutex, &pid), 0);
    CHECK_INT(pid, 0);
    CHECK_INT(status_of(heap).deaths, 1);
    neap_mutex_close(mutex);
    end_heap(heap);
}


TEST(an_owner_that_was_told_and_dies_too_is_another_death)
{
    neap_heap *heap = make_heap(NULL);
    neap_mutex *mutex = open_mutex(heap, "lock");
    for (int i = 0; i < 3; i++)
        test_kill(fork_lingering(lock_it, mutex));
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_NOW), NEAP_ABANDONED);
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    neap_mutex_close(mutex);
    end_heap(heap);
}


struct line_up {
    neap_mutex *mutex;
    struct board *board;
};

static int wait_in_line(void *argument)
{
    struct line_up *line = argument;
    line->board->words[0]++;
    int status = neap_mutex_lock(line->mutex, NEAP_FOREVER);
    CHECK(status >= 0);
    line->board->words[1] += status == NEAP_ABANDONED;
    CHECK_STATUS(neap_mutex_repaired(line->mutex), 0);
    CHECK_STATUS(neap_mutex_unlock(line->mutex), 0);
    return 0;
}


TEST(those_who_wait_get_the_mutex_when_its_owner_is_killed)
{
    neap_heap *heap = make_heap(NULL);
    struct line_up line = {open_mutex(heap, "lock"), share_board()};
    pid_t owner = fork_lingering(lock_it, line.mutex), pids[4];
    for (int i = 0; i < 4; i++)
        pids[i] = test_fork(wait_in_line, &line);
    WAIT_UNTIL(line.board->words[0] == 4);
    test_kill(owner);
    for (int i = 0; i < 4; i++)
        CHECK_INT(test_wait(pids[i]), 0);
    CHECK_INT(line.board->words[1], 1);
    neap_mutex_close(line.mutex);
    end_heap(heap);
}


/* -- dropped --------------------------------------------------------------- */

TEST(whoever_waits_for_a_mutex_that_is_dropped_learns_of_it)
{
    neap_heap *heap = make_heap(NULL);
    struct waiter waiter = {.mutex = open_mutex(heap, "lock")};
    neap_mutex *fresh;
    pthread_t thread;
    CHECK_STATUS(neap_mutex_lock(waiter.mutex, NEAP_FOREVER), 0);
    pthread_create(&thread, NULL, wait_forever, &waiter);
    CHECK_STATUS(neap_heap_drop(heap, "lock"), 0);
    pthread_join(thread, NULL);
    CHECK_STATUS(waiter.status, -EIDRM);

    CHECK_STATUS(neap_mutex_open(heap, "lock", &fresh), NEAP_CREATED);
    CHECK_STATUS(neap_mutex_lock(fresh, NEAP_NOW), 0);
    CHECK_STATUS(neap_mutex_unlock(fresh), 0);
    CHECK_STATUS(neap_mutex_unlock(waiter.mutex), 0); /* it was ours */
    CHECK_FAILS(neap_mutex_lock(waiter.mutex, NEAP_NOW), -EIDRM, "dropped");
    int32_t pid;
    CHECK_FAILS(neap_mutex_holder(waiter.mutex, &pid), -EIDRM, "dropped");
    neap_mutex_close(waiter.mutex);
    neap_mutex_close(fresh);
    end_heap(heap);
}


TEST(a_closed_handle_does_not_unlock)
{
    neap_heap *heap = make_heap(NULL);
    neap_mutex *mutex = open_mutex(heap, "lock");
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_FOREVER), 0);
    neap_mutex_close(mutex);
    mutex = open_mutex(heap, "lock");
    CHECK_INT(neap_mutex_mine(mutex), 1);
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    neap_mutex_close(mutex);
    end_heap(heap);
}


/* -- recursive mutexes ----------------------------------------------------- */

static neap_mutex *open_recursive(neap_heap *heap, const char *name)
{
    neap_mutex *mutex = NULL;
    CHECK(neap_mutex_open_kind(heap, name, NEAP_MUTEX_RECURSIVE, &mutex) >= 0);
    return mutex;
}


static int lock_thrice(void *mutex)
{
    for (int i = 0; i < 3; i++)
        CHECK(neap_mutex_lock(mutex, NEAP_FOREVER) >= 0);
    return 0;
}


static int try_lock(void *mutex)
{
    return neap_mutex_lock(mutex, NEAP_NOW) == -EBUSY ? 7 : 8;
}


TEST(the_owner_of_a_recursive_mutex_unlocks_it_as_often_as_it_locked_it)
{
    neap_heap *heap = make_heap(NULL);
    neap_mutex *mutex = open_recursive(heap, "lock");
    CHECK_INT(neap_mutex_kind_of(mutex), NEAP_MUTEX_RECURSIVE);
    lock_thrice(mutex);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(neap_mutex_mine(mutex), 1);
        CHECK_INT(test_wait(test_fork(try_lock, mutex)), 7);
        CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    }
    CHECK_INT(neap_mutex_mine(mutex), 0);
    CHECK_FAILS(neap_mutex_unlock(mutex), -EPERM, "only its owner");
    CHECK_INT(test_wait(test_fork(try_lock, mutex)), 8);
    neap_mutex_close(mutex);
    end_heap(heap);
}


TEST(the_count_of_a_dead_owner_is_not_the_next_ones)
{
    neap_heap *heap = make_heap(NULL);
    neap_mutex *mutex = open_recursive(heap, "lock");
    test_kill(fork_lingering(lock_thrice, mutex));
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_NOW), NEAP_ABANDONED);
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    CHECK_INT(neap_mutex_mine(mutex), 0);
    neap_mutex_close(mutex);
    end_heap(heap);
}


TEST(a_mutex_is_of_one_kind)
{
    neap_heap *heap = make_heap(NULL);
    neap_mutex *plain = open_mutex(heap, "plain"), *other = NULL;
    neap_mutex *recursive = open_recursive(heap, "recursive");
    CHECK_FAILS(neap_mutex_open_kind(heap, "plain", NEAP_MUTEX_RECURSIVE,
                                     &other), NEAP_ETYPE, "plain mutex");
    CHECK_FAILS(neap_mutex_open_kind(heap, "recursive", NEAP_MUTEX_PLAIN,
                                     &other), NEAP_ETYPE, "recursive mutex");
    CHECK_FAILS(neap_mutex_open_kind(heap, "x", 3, &other), -EINVAL, "kind 3");
    CHECK_STATUS(neap_mutex_open(heap, "recursive", &other), 0);
    CHECK_INT(neap_mutex_kind_of(other), NEAP_MUTEX_RECURSIVE);
    CHECK_STATUS(neap_mutex_lock(plain, NEAP_NOW), 0);
    CHECK_FAILS(neap_mutex_lock(plain, NEAP_NOW), -EDEADLK, "make it recursive");
    CHECK_STATUS(neap_mutex_unlock(plain), 0);
    neap_mutex_close(other);
    neap_mutex_close(recursive);
    neap_mutex_close(plain);
    end_heap(heap);
}


static int notify_in_turn(void *argument)
{
    void **both = argument;
    CHECK_STATUS(neap_mutex_lock(both[0], NEAP_FOREVER), 0);
    CHECK_STATUS(neap_condition_notify(both[1], 1), 0);
    CHECK_STATUS(neap_mutex_unlock(both[0]), 0);
    return 0;
}


TEST(a_condition_gives_up_all_of_a_recursive_mutex_and_takes_it_back)
{
    neap_heap *heap = make_heap(NULL);
    neap_mutex *mutex = open_recursive(heap, "lock");
    neap_condition *condition;
    CHECK_STATUS(neap_condition_open(heap, "changed", &condition),
                 NEAP_CREATED);
    lock_thrice(mutex);
    pid_t child = test_fork(notify_in_turn, (void *[]){mutex, condition});
    CHECK_STATUS(neap_condition_wait(condition, mutex, NEAP_FOREVER), 0);
    CHECK_INT(test_wait(child), 0);
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    CHECK_INT(neap_mutex_mine(mutex), 0);
    neap_condition_close(condition);
    neap_mutex_close(mutex);
    end_heap(heap);
}
