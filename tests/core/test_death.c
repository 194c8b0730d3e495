/*
 * Ways to die, and who notices: SIGKILL, exec, the end of a thread, PID
 * namespaces in which all have the same ids; and what a fork does not inherit.
 */
#include <sched.h>
#include <sys/prctl.h>

#include "core/heaps.h"

struct holding {
    neap_heap *heap;
    neap_mutex *mutex;
    neap_semaphore *undo;
    neap_counter *striped;
};


static struct holding open_holding(neap_heap *heap)
{
    struct holding h = {.heap = heap};
    h.mutex = open_mutex(heap, "lock");
    h.undo = open_semaphore(heap, "undo", 3, NEAP_SEMAPHORE_UNDO);
    must_open(neap_counter_open_as(heap, "striped", NEAP_COUNTER_STRIPED,
                                   &h.striped));
    return h;
}


static void close_holding(struct holding *h)
{
    neap_mutex_close(h->mutex);
    neap_semaphore_close(h->undo);
    neap_counter_close(h->striped);
}


static int hold(void *argument)
{
    struct holding *h = argument;
    CHECK_STATUS(neap_mutex_lock(h->mutex, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_semaphore_acquire(h->undo, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_counter_add(h->striped, 5), 0);
    return 0;
}


static void check_held(struct holding *h)
{
    CHECK_STATUS(neap_mutex_lock(h->mutex, NEAP_NOW), -EBUSY);
    CHECK_STATUS(neap_mutex_unlock(h->mutex), -EPERM);
    CHECK_INT(permits_in(h->undo), 2);
    CHECK_INT(count_in(h->striped), 5);
}


/* Whoever comes next finds the mutex abandoned, the rest as it should be. */
static void check_given_back(struct holding *h, uint64_t deaths)
{
    CHECK_STATUS(neap_mutex_lock(h->mutex, NEAP_FOREVER), NEAP_ABANDONED);
    CHECK_STATUS(neap_mutex_repaired(h->mutex), 0);
    CHECK_STATUS(neap_mutex_unlock(h->mutex), 0);
    CHECK(neap_heap_reap(h->heap) >= 0);
    CHECK_INT(permits_in(h->undo), 3);
    CHECK_INT(count_in(h->striped), 5);
    CHECK_INT(status_of(h->heap).dead, 0);
    CHECK_INT(status_of(h->heap).deaths, deaths);
}


/* -- ways to die ----------------------------------------------------------- */

TEST_EACH(the_killed_give_back_what_they_held, test_named_kinds)
{
    neap_heap *heap = make_heap(test_address(parameter, 0));
    struct holding h = open_holding(heap);
    pid_t child = fork_lingering(hold, &h);
    check_held(&h);
    test_kill(child);
    CHECK_INT(status_of(heap).dead, 1);
    check_given_back(&h, 1);
    close_holding(&h);
    end_heap(heap);
}


static int hold_and_exit(void *argument)
{
    hold(argument);
    exit(0);
}


TEST(exit_gives_back_what_was_held)
{
    neap_heap *heap = make_heap(NULL);
    struct holding h = open_holding(heap);
    pid_t pid = fork();
    if (pid == 0)
        hold_and_exit(&h);
    CHECK_INT(test_wait(pid), 0);
    check_given_back(&h, 0); /* a death that it saw coming */
    close_holding(&h);
    end_heap(heap);
}


static int hold_and_exec(void *argument)
{
    hold(argument);
    execlp("sleep", "sleep", "60", (char *)NULL);
    return 1;
}


TEST(exec_counts_as_death)
{
    neap_heap *heap = make_heap(NULL);
    struct holding h = open_holding(heap);
    pid_t child = test_fork(hold_and_exec, &h);
    WAIT_UNTIL(status_of(heap).dead == 1);
    check_given_back(&h, 1);
    test_kill(child);
    close_holding(&h);
    end_heap(heap);
}


static void *hold_in_thread(void *argument)
{
    hold(argument);
    return NULL;
}


static void *hold_and_leave(void *argument)
{
    hold(argument);
    pthread_exit(NULL);
}


TEST(the_end_of_a_thread_gives_back_what_it_held)
{
    neap_heap *heap = make_heap(NULL);
    struct holding h = open_holding(heap);
    in_thread(hold_in_thread, &h);
    check_given_back(&h, 0);
    CHECK_STATUS(neap_counter_set(h.striped, 0), 0);
    in_thread(hold_and_leave, &h);
    check_given_back(&h, 0);
    CHECK_INT(status_of(heap).attached, 1);
    close_holding(&h);
    end_heap(heap);
}


static void *hold_and_be_cancelled(void *argument)
{
    struct holding *h = ((void **)argument)[0];
    _Atomic uint64_t *held = ((void **)argument)[1];
    hold(h);
    *held = 1;
    while (pause() < 0)
        ;
    return NULL;
}


TEST(a_cancelled_thread_gives_back_what_it_held)
{
    neap_heap *heap = make_heap(NULL);
    struct holding h = open_holding(heap);
    struct board *board = share_board();
    void *argument[] = {&h, &board->words[0]};
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, hold_and_be_cancelled, argument),
              0);
    WAIT_UNTIL(board->words[0]);
    check_held(&h);
    CHECK_INT(pthread_cancel(thread), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    check_given_back(&h, 0);
    close_holding(&h);
    end_heap(heap);
}


struct party {
    struct holding h;
    struct board *board;
};

static void *be_one_of_many(void *argument)
{
    struct party *party = argument;
    CHECK_STATUS(neap_semaphore_acquire(party->h.undo, NEAP_FOREVER), 0);
    CHECK_STATUS(neap_counter_add(party->h.striped, 1), 0);
    party->board->words[0]++;
    while (pause() < 0)
        ;
    return NULL;
}


static int be_many(void *argument)
{
    struct party *party = argument;
    pthread_t thread;
    hold(&party->h);
    for (int i = 0; i < 2; i++)
        CHECK_INT(pthread_create(&thread, NULL, be_one_of_many, party), 0);
    WAIT_UNTIL(party->board->words[0] == 2);
    return 0;
}


TEST(all_threads_of_the_killed_are_dead)
{
    neap_heap *heap = make_heap(NULL);
    struct party party = {open_holding(heap), share_board()};
    pid_t child = fork_lingering(be_many, &party);
    CHECK_INT(permits_in(party.h.undo), 0);
    test_kill(child);
    CHECK_INT(status_of(heap).dead, 3);
    CHECK_INT(neap_heap_reap(heap), 3);
    CHECK_INT(permits_in(party.h.undo), 3);
    CHECK_INT(count_in(party.h.striped), 7);
    CHECK_STATUS(neap_mutex_lock(party.h.mutex, NEAP_NOW), NEAP_ABANDONED);
    CHECK_STATUS(neap_mutex_unlock(party.h.mutex), 0);
    close_holding(&party.h);
    end_heap(heap);
}


/* -- forks ----------------------------------------------------------------- */

static int do_without(void *argument)
{
    struct holding *h = argument;
    CHECK_INT(neap_mutex_mine(h->mutex), 0);
    check_held(h);
    CHECK_FAILS(neap_semaphore_release(h->undo), -EPERM, "holds no permit");
    CHECK_STATUS(neap_semaphore_acquire(h->undo, NEAP_NOW), 0);
    CHECK_STATUS(neap_semaphore_release(h->undo), 0);
    return 0;
}


TEST(a_child_has_nothing_of_what_its_parent_holds)
{
    neap_heap *heap = make_heap(NULL);
    struct holding h = open_holding(heap);
    hold(&h);
    CHECK_INT(test_wait(test_fork(do_without, &h)), 0);
    CHECK_INT(neap_mutex_mine(h.mutex), 1);
    CHECK_STATUS(neap_mutex_unlock(h.mutex), 0);
    CHECK_STATUS(neap_semaphore_release(h.undo), 0);
    close_holding(&h);
    end_heap(heap);
}


static int fork_again(void *argument)
{
    struct holding *h = argument;
    hold(h);
    CHECK_INT(test_wait(test_fork(do_without, h)), 0);
    CHECK_STATUS(neap_mutex_unlock(h->mutex), 0);
    CHECK_STATUS(neap_semaphore_release(h->undo), 0);
    return 0;
}


TEST(children_of_children_take_places_of_their_own)
{
    neap_heap *heap = make_heap(NULL);
    struct holding h = open_holding(heap);
    CHECK_INT(test_wait(test_fork(fork_again, &h)), 0);
    CHECK(neap_heap_reap(heap) >= 0);
    CHECK_INT(permits_in(h.undo), 3);
    CHECK_INT(count_in(h.striped), 5);
    close_holding(&h);
    end_heap(heap);
}


/* -- slots ----------------------------------------------------------------- */

static int take_a_slot(void *argument)
{
    neap_counter_close(open_counter(argument, "hits"));
    return 0;
}


TEST(when_all_slots_are_taken_the_next_is_told_and_a_death_makes_room)
{
    neap_heap_options options = {.slots = 3};
    neap_heap *heap;
    neap_counter *counter = NULL;
    pid_t pids[3];
    CHECK_STATUS(neap_heap_open(test_name("sky"), &options, &heap),
                 NEAP_CREATED);
    for (int i = 0; i < 3; i++)
        pids[i] = fork_lingering(take_a_slot, heap);
    CHECK_FAILS(neap_counter_open(heap, "hits", &counter), NEAP_ESLOTS,
                "all 3 slots");
    CHECK(counter == NULL);
    CHECK_INT(status_of(heap).attached, 3);
    test_kill(pids[1]);
    counter = open_counter(heap, "hits");
    CHECK_INT(status_of(heap).attached, 3);
    neap_counter_close(counter);
    test_kill(pids[0]);
    test_kill(pids[2]);
    end_heap(heap);
}


static void *take_in_thread(void *argument)
{
    take_a_slot(argument);
    return NULL;
}


TEST(a_thousand_threads_one_after_another_need_no_thousand_slots)
{
    neap_heap_options options = {.slots = 2};
    neap_heap *heap;
    CHECK_STATUS(neap_heap_open(test_name("sky"), &options, &heap),
                 NEAP_CREATED);
    for (int i = 0; i < 1000; i++)
        in_thread(take_in_thread, heap);
    CHECK_INT(status_of(heap).attached, 0);
    CHECK_INT(status_of(heap).deaths, 0);
    end_heap(heap);
}


/* -- PID namespaces -------------------------------------------------------- */

struct apart {
    const char *address;
    struct board *board;
    int (*fn)(struct holding *h);
};

/* In a namespace of its own, where it is process 1 like its twin. */
static int live_apart(void *argument)
{
    struct apart *apart = argument;
    CHECK_INT(getpid(), 1);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct holding h = open_holding(join_heap(apart->address));
    CHECK_INT(apart->fn(&h), 0);
    apart->board->words[0]++;
    WAIT_UNTIL(apart->board->words[1]);
    return 0;
}


static int go_apart(void *argument)
{
    struct apart *apart = argument;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWPID) < 0)
        return 77;
    pid_t pid = test_fork(live_apart, apart);
    apart->board->words[2] = (uint64_t)pid;
    return test_wait(pid);
}


static pid_t fork_apart(struct apart *apart, int (*fn)(struct holding *h))
{
    uint64_t before = apart->board->words[0];
    apart->fn = fn;
    apart->board->words[2] = 0;
    pid_t pid = test_fork(go_apart, apart);
    WAIT_UNTIL(apart->board->words[0] > before && apart->board->words[2]);
    return pid;
}


static int hold_apart(struct holding *h)
{
    return hold(h);
}


static int find_held(struct holding *h)
{
    neap_slot_info slot;
    uint64_t cursor = 0;
    int ones = 0;
    check_held(h);
    CHECK_INT(neap_mutex_mine(h->mutex), 0);
    CHECK_STATUS(neap_semaphore_release(h->undo), -EPERM);
    while (neap_heap_next_slot(h->heap, &cursor, &slot) == NEAP_MORE)
        ones += slot.pid == 1 && slot.tid == 1 && !slot.dead;
    CHECK_INT(ones, 2);
    return 0;
}


static int wait_for_lock(struct holding *h)
{
    CHECK_STATUS(neap_mutex_lock(h->mutex, NEAP_FOREVER), NEAP_ABANDONED);
    CHECK_STATUS(neap_mutex_unlock(h->mutex), 0);
    CHECK(neap_heap_reap(h->heap) >= 0);
    CHECK_INT(permits_in(h->undo), 3);
    return 0;
}


TEST(those_with_equal_ids_in_other_pid_namespaces_are_told_apart)
{
    if (geteuid() != 0)
        test_skip("needs to make PID namespaces");
    struct apart apart = {test_name("sky"), share_board(), NULL};
    neap_heap *heap = make_heap(apart.address);
    struct holding h = open_holding(heap);
    pid_t holder = fork_apart(&apart, hold_apart);
    pid_t killed = (pid_t)apart.board->words[2];
    pid_t other = fork_apart(&apart, find_held);
    check_held(&h);
    CHECK_INT(kill(killed, SIGKILL), 0);
    CHECK(test_wait(holder) != 0);
    pid_t third = fork_apart(&apart, wait_for_lock);
    apart.board->words[1] = 1;
    CHECK_INT(test_wait(other), 0);
    CHECK_INT(test_wait(third), 0);
    CHECK(neap_heap_reap(heap) >= 0);
    CHECK_INT(permits_in(h.undo), 3);
    CHECK_INT(count_in(h.striped), 5);
    close_holding(&h);
    end_heap(heap);
}
