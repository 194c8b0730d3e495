/* Barriers: phases, parties fixed and counted, what breaks and what shrinks. */
#include "core/heaps.h"

static neap_barrier *open_barrier(neap_heap *heap, int64_t parties,
                                  neap_barrier_kind kind)
{
    neap_barrier *barrier;
    must_open(neap_barrier_open_kind(heap, "gate", parties, kind, &barrier));
    return barrier;
}


static int64_t parties_of(neap_barrier *barrier)
{
    int64_t parties;
    CHECK_STATUS(neap_barrier_status(barrier, &parties, NULL, NULL), 0);
    return parties;
}


static int64_t waiting_at(neap_barrier *barrier)
{
    int64_t waiting;
    CHECK_STATUS(neap_barrier_status(barrier, NULL, &waiting, NULL), 0);
    return waiting;
}


static bool is_broken(neap_barrier *barrier)
{
    bool broken;
    CHECK_STATUS(neap_barrier_status(barrier, NULL, NULL, &broken), 0);
    return broken;
}


static void end_barrier(neap_heap *heap, neap_barrier *barrier)
{
    neap_barrier_close(barrier);
    end_heap(heap);
}


/* -- parties that wait, in processes of their own ------------------------- */

static int wait_well(void *barrier)
{
    CHECK_STATUS(neap_barrier_wait(barrier, NEAP_FOREVER, NULL), 0);
    return 0;
}


static int wait_in_vain(void *barrier)
{
    CHECK_FAILS(neap_barrier_wait(barrier, NEAP_FOREVER, NULL), NEAP_EBROKEN,
                "reset it");
    return 0;
}


static int join_and_wait(void *barrier)
{
    CHECK_STATUS(neap_barrier_join(barrier), 0);
    return wait_well(barrier);
}


static int join_and_wait_in_vain(void *barrier)
{
    CHECK_STATUS(neap_barrier_join(barrier), 0);
    return wait_in_vain(barrier);
}


static int only_join(void *barrier)
{
    CHECK_STATUS(neap_barrier_join(barrier), 0);
    return 0;
}


static pid_t party(neap_barrier *barrier, int (*fn)(void *))
{
    int64_t before = waiting_at(barrier);
    pid_t pid = test_fork(fn, barrier);
    WAIT_UNTIL(waiting_at(barrier) == before + 1);
    return pid;
}


/* -- phases ---------------------------------------------------------------- */

TEST(the_last_to_come_has_place_0_and_all_go_on)
{
    neap_heap *heap = make_heap(NULL);
    neap_barrier *barrier = open_barrier(heap, 3, NEAP_BARRIER_ANY);
    int64_t place = -1;
    CHECK_STR(neap_barrier_name(barrier), "gate");
    CHECK_INT(neap_barrier_kind_of(barrier), NEAP_BARRIER_BREAKS);
    for (int round = 0; round < 3; round++) {
        pid_t a = party(barrier, wait_well), b = party(barrier, wait_well);
        CHECK_STATUS(neap_barrier_wait(barrier, NEAP_FOREVER, &place), 0);
        CHECK_INT(place, 0);
        CHECK_INT(test_wait(a), 0);
        CHECK_INT(test_wait(b), 0);
        CHECK_INT(waiting_at(barrier), 0);
    }
    end_barrier(heap, barrier);
}


TEST(a_time_out_breaks_it_until_it_is_reset)
{
    neap_heap *heap = make_heap(NULL);
    neap_barrier *barrier = open_barrier(heap, 3, NEAP_BARRIER_SHRINKS);
    pid_t other = party(barrier, wait_in_vain);
    CHECK_FAILS(neap_barrier_wait(barrier, after_ms(20), NULL), -ETIMEDOUT,
                "not all parties came");
    CHECK_INT(test_wait(other), 0);
    CHECK(is_broken(barrier));
    CHECK_STATUS(neap_barrier_reset(barrier), 0);
    CHECK(!is_broken(barrier));
    CHECK_INT(parties_of(barrier), 3);
    end_barrier(heap, barrier);
}


TEST(reset_and_abort_send_those_who_wait_away)
{
    neap_heap *heap = make_heap(NULL);
    neap_barrier *barrier = open_barrier(heap, 2, NEAP_BARRIER_ANY);
    pid_t other = party(barrier, wait_in_vain);
    CHECK_STATUS(neap_barrier_reset(barrier), 0);
    CHECK_INT(test_wait(other), 0);
    CHECK(!is_broken(barrier));
    other = party(barrier, wait_in_vain);
    CHECK_STATUS(neap_barrier_abort(barrier), 0);
    CHECK_INT(test_wait(other), 0);
    CHECK(is_broken(barrier));
    CHECK_STATUS(neap_barrier_wait(barrier, NEAP_NOW, NULL), NEAP_EBROKEN);
    end_barrier(heap, barrier);
}


/* -- signals --------------------------------------------------------------- */

struct listener {
    neap_barrier *barrier;
    bool goes_on;
    _Atomic int asked;
    int64_t counted; /* while it was asked */
    int status;
    _Atomic bool ended;
};

static bool ask(void *argument)
{
    struct listener *listener = argument;
    listener->counted = waiting_at(listener->barrier);
    listener->asked++;
    return listener->goes_on;
}


static void *listen(void *argument)
{
    struct listener *listener = argument;
    listener->status = neap_barrier_wait_through(
        listener->barrier, NEAP_FOREVER, ask, listener, NULL);
    listener->ended = true;
    return NULL;
}


static void note_signal(int number)
{
    (void)number;
}


static pthread_t interrupt(struct listener *listener)
{
    struct sigaction action = {.sa_handler = note_signal};
    pthread_t thread;
    sigaction(SIGUSR1, &action, NULL);
    CHECK_INT(pthread_create(&thread, NULL, listen, listener), 0);
    WAIT_UNTIL(waiting_at(listener->barrier) == 1);
    WAIT_UNTIL((pthread_kill(thread, SIGUSR1), listener->asked > 0));
    CHECK_INT(listener->counted, 1);
    return thread;
}


TEST(a_signal_does_not_break_it_for_one_who_goes_on)
{
    neap_heap *heap = make_heap(NULL);
    struct listener listener = {open_barrier(heap, 2, NEAP_BARRIER_ANY), true,
                                0, 0, 1, false};
    pthread_t thread = interrupt(&listener);
    CHECK(!is_broken(listener.barrier));
    CHECK_STATUS(neap_barrier_wait(listener.barrier, NEAP_FOREVER, NULL), 0);
    pthread_join(thread, NULL);
    CHECK_STATUS(listener.status, 0);
    end_barrier(heap, listener.barrier);
}


TEST(a_signal_breaks_it_for_one_who_does_not)
{
    neap_heap *heap = make_heap(NULL);
    struct listener listener = {open_barrier(heap, 2, NEAP_BARRIER_ANY), false,
                                0, 0, 1, false};
    pthread_t thread = interrupt(&listener);
    pthread_join(thread, NULL);
    CHECK_STATUS(listener.status, -EINTR);
    CHECK(is_broken(listener.barrier));
    CHECK_INT(waiting_at(listener.barrier), 0);
    end_barrier(heap, listener.barrier);
}


/* -- death ----------------------------------------------------------------- */

TEST(a_party_that_is_killed_breaks_it)
{
    neap_heap *heap = make_heap(NULL);
    neap_barrier *barrier = open_barrier(heap, 3, NEAP_BARRIER_BREAKS);
    pid_t victim = party(barrier, wait_well);
    pid_t other = party(barrier, wait_in_vain);
    test_kill(victim);
    CHECK_INT(test_wait(other), 0);
    CHECK(is_broken(barrier));
    CHECK_INT(parties_of(barrier), 3);
    end_barrier(heap, barrier);
}


TEST(one_that_shrinks_goes_on_without_the_killed)
{
    neap_heap *heap = make_heap(NULL);
    neap_barrier *barrier = open_barrier(heap, 3, NEAP_BARRIER_SHRINKS);
    pid_t victim = party(barrier, wait_well);
    test_kill(victim);
    CHECK_INT(neap_heap_reap(heap), 1);
    CHECK_INT(parties_of(barrier), 2);
    CHECK_INT(waiting_at(barrier), 0);
    pid_t other = party(barrier, wait_well);
    CHECK_STATUS(neap_barrier_wait(barrier, NEAP_FOREVER, NULL), 0);
    CHECK_INT(test_wait(other), 0);
    CHECK(!is_broken(barrier));
    end_barrier(heap, barrier);
}


TEST(a_member_that_is_killed_anywhere_is_not_waited_for)
{
    neap_heap *heap = make_heap(NULL);
    neap_barrier *barrier = open_barrier(
        heap, 0, NEAP_BARRIER_COUNTED | NEAP_BARRIER_SHRINKS);
    pid_t victim = fork_lingering(only_join, barrier);
    pid_t a = party(barrier, join_and_wait), b = party(barrier, join_and_wait);
    CHECK_INT(parties_of(barrier), 3);
    test_kill(victim);
    CHECK_INT(test_wait(a), 0);
    CHECK_INT(test_wait(b), 0);
    CHECK(neap_heap_reap(heap) >= 0);
    CHECK_INT(parties_of(barrier), 0);
    CHECK(!is_broken(barrier));
    end_barrier(heap, barrier);
}


TEST(a_member_that_is_killed_anywhere_breaks_one_that_breaks)
{
    neap_heap *heap = make_heap(NULL);
    neap_barrier *barrier = open_barrier(
        heap, 0, NEAP_BARRIER_COUNTED | NEAP_BARRIER_BREAKS);
    pid_t victim = fork_lingering(only_join, barrier);
    pid_t other = party(barrier, join_and_wait_in_vain);
    test_kill(victim);
    CHECK_INT(test_wait(other), 0);
    CHECK(is_broken(barrier));
    CHECK(neap_heap_reap(heap) >= 0); /* it ended without having left */
    CHECK_INT(parties_of(barrier), 0);
    CHECK_STATUS(neap_barrier_reset(barrier), 0);
    CHECK_STATUS(neap_barrier_join(barrier), 0);
    CHECK_STATUS(neap_barrier_wait(barrier, NEAP_NOW, NULL), 0);
    CHECK_STATUS(neap_barrier_leave(barrier), 0);
    end_barrier(heap, barrier);
}


/* -- members --------------------------------------------------------------- */

TEST(who_leaves_lets_the_others_go_on)
{
    neap_heap *heap = make_heap(NULL);
    neap_barrier *barrier = open_barrier(
        heap, 0, NEAP_BARRIER_COUNTED | NEAP_BARRIER_SHRINKS);
    CHECK_STATUS(neap_barrier_join(barrier), 0);
    CHECK_FAILS(neap_barrier_join(barrier), -EALREADY, "'gate' already");
    pid_t other = party(barrier, join_and_wait);
    CHECK_INT(parties_of(barrier), 2);
    CHECK_STATUS(neap_barrier_leave(barrier), 0);
    CHECK_INT(test_wait(other), 0);
    CHECK_FAILS(neap_barrier_leave(barrier), -EPERM, "join it first");
    CHECK_FAILS(neap_barrier_wait(barrier, NEAP_NOW, NULL), -EPERM,
                "no party of barrier 'gate'");
    end_barrier(heap, barrier);
}


TEST(members_stay_members_phase_after_phase)
{
    neap_heap *heap = make_heap(NULL);
    neap_barrier *barrier = open_barrier(
        heap, 0, NEAP_BARRIER_COUNTED | NEAP_BARRIER_BREAKS);
    CHECK_STATUS(neap_barrier_join(barrier), 0);
    for (int i = 0; i < 5; i++)
        CHECK_STATUS(neap_barrier_wait(barrier, NEAP_NOW, NULL), 0);
    pid_t other = fork_lingering(only_join, barrier);
    CHECK_STATUS(neap_barrier_wait(barrier, after_ms(10), NULL), -ETIMEDOUT);
    CHECK_STATUS(neap_barrier_reset(barrier), 0);
    CHECK_INT(parties_of(barrier), 2);
    test_kill(other);
    CHECK_INT(neap_heap_reap(heap), 1);
    CHECK_INT(parties_of(barrier), 1);
    CHECK_STATUS(neap_barrier_leave(barrier), 0);
    end_barrier(heap, barrier);
}


TEST(fixed_parties_neither_join_nor_leave)
{
    neap_heap *heap = make_heap(NULL);
    neap_barrier *barrier = open_barrier(heap, 2, NEAP_BARRIER_ANY);
    CHECK_FAILS(neap_barrier_join(barrier), -EINVAL, "'gate' has a fixed");
    CHECK_FAILS(neap_barrier_leave(barrier), -EINVAL, "make it a counted one");
    end_barrier(heap, barrier);
}


/* -- the action ------------------------------------------------------------ */

struct actor {
    neap_barrier *barrier;
    neap_counter *times;
    int returns;
    bool dies;
    int64_t saw; /* of those who waited then, or 0 */
    int nested;
};

static int act(void *argument)
{
    struct actor *actor = argument;
    actor->saw = waiting_at(actor->barrier);
    actor->nested = neap_barrier_wait(actor->barrier, NEAP_NOW, NULL);
    CHECK_STATUS(neap_counter_add(actor->times, 1), 0);
    if (actor->dies)
        raise(SIGKILL);
    return actor->returns;
}


static void make_actor(neap_heap *heap, int64_t parties, neap_barrier_kind kind,
                       struct actor *ret_actor)
{
    *ret_actor = (struct actor){.barrier = open_barrier(heap, parties, kind)};
    must_open(neap_counter_open(heap, "times", &ret_actor->times));
    neap_barrier_set_action(ret_actor->barrier, act, ret_actor);
}


static int64_t end_actor(neap_heap *heap, struct actor *actor)
{
    int64_t times;
    CHECK_STATUS(neap_counter_get(actor->times, &times), 0);
    neap_counter_close(actor->times);
    end_barrier(heap, actor->barrier);
    return times;
}


TEST(one_party_acts_in_each_phase_before_the_others_go_on)
{
    neap_heap *heap = make_heap(NULL);
    struct actor actor;
    int64_t place;
    make_actor(heap, 3, NEAP_BARRIER_ANY, &actor);
    for (int round = 1; round < 4; round++) {
        pid_t a = party(actor.barrier, wait_well);
        pid_t b = party(actor.barrier, wait_well);
        CHECK_STATUS(neap_barrier_wait(actor.barrier, NEAP_FOREVER, &place), 0);
        CHECK_INT(place, 0);
        CHECK_INT(actor.saw, 3);
        CHECK_STATUS(actor.nested, -EDEADLK);
        CHECK_INT(test_wait(a), 0);
        CHECK_INT(test_wait(b), 0);
        CHECK_INT(waiting_at(actor.barrier), 0);
    }
    CHECK_INT(end_actor(heap, &actor), 3);
}


TEST(who_waits_acts_if_the_last_to_come_has_no_action)
{
    neap_heap *heap = make_heap(NULL);
    struct actor actor;
    make_actor(heap, 2, NEAP_BARRIER_ANY, &actor);
    pid_t other = party(actor.barrier, wait_well);
    neap_barrier_set_action(actor.barrier, NULL, NULL);
    CHECK_STATUS(neap_barrier_wait(actor.barrier, NEAP_FOREVER, NULL), 0);
    CHECK_INT(test_wait(other), 0);
    CHECK_INT(end_actor(heap, &actor), 1);
}


TEST(an_action_that_fails_breaks_it)
{
    neap_heap *heap = make_heap(NULL);
    struct actor actor;
    make_actor(heap, 2, NEAP_BARRIER_SHRINKS, &actor);
    actor.returns = -EDOM;
    pid_t other = party(actor.barrier, wait_in_vain);
    CHECK_FAILS(neap_barrier_wait(actor.barrier, NEAP_FOREVER, NULL), -EDOM,
                "its action failed");
    CHECK_INT(test_wait(other), 0);
    CHECK(is_broken(actor.barrier));
    CHECK_INT(waiting_at(actor.barrier), 0);
    CHECK_STATUS(neap_barrier_reset(actor.barrier), 0);
    actor.returns = 0;
    other = party(actor.barrier, wait_well);
    CHECK_STATUS(neap_barrier_wait(actor.barrier, NEAP_FOREVER, NULL), 0);
    CHECK_INT(test_wait(other), 0);
    CHECK_INT(end_actor(heap, &actor), 2);
}


static int act_until_told(void *board)
{
    struct board *words = board;
    words->words[0] = 1;
    WAIT_UNTIL(words->words[1]);
    return 0;
}


/* The time of the late one has run out, and it sleeps all the same. */
static void await_lateness(struct board *board)
{
    WAIT_UNTIL(board->words[2] &&
               neap_now() > (int64_t)board->words[2] + 5000000 &&
               test_is_asleep((pid_t)board->words[3]));
}


static int tell_late(void *board)
{
    await_lateness(board);
    ((struct board *)board)->words[1] = 1;
    return 0;
}


/* Come last, so that the time does not run out before all are there. */
static void wait_late(neap_barrier *barrier, struct board *board, int wanted)
{
    int64_t deadline = after_ms(20);
    neap_barrier_set_action(barrier, NULL, NULL);
    board->words[3] = (uint64_t)getpid();
    board->words[2] = (uint64_t)deadline;
    CHECK_STATUS(neap_barrier_wait(barrier, deadline, NULL), wanted);
    CHECK(neap_now() > deadline);
}


TEST(who_is_late_while_the_action_runs_waits_it_out)
{
    neap_heap *heap = make_heap(NULL);
    struct board *board = share_board();
    neap_barrier *barrier = open_barrier(heap, 2, NEAP_BARRIER_BREAKS);
    neap_barrier_set_action(barrier, act_until_told, board);
    pid_t acts = party(barrier, wait_well);
    pid_t tells = test_fork(tell_late, board);
    wait_late(barrier, board, 0);
    CHECK_INT(test_wait(acts), 0);
    CHECK_INT(test_wait(tells), 0);
    CHECK(!is_broken(barrier));
    munmap(board, sizeof *board);
    end_barrier(heap, barrier);
}


static int act_and_die(void *board)
{
    await_lateness(board);
    raise(SIGKILL);
    return 0;
}


TEST(who_waits_an_action_out_learns_of_the_death_of_who_ran_it)
{
    neap_heap *heap = make_heap(NULL);
    struct board *board = share_board();
    neap_barrier *barrier = open_barrier(heap, 2, NEAP_BARRIER_BREAKS);
    neap_barrier_set_action(barrier, act_and_die, board);
    pid_t acts = party(barrier, wait_well);
    wait_late(barrier, board, NEAP_EBROKEN);
    CHECK_INT(test_wait(acts), -SIGKILL);
    CHECK_INT(waiting_at(barrier), 0);
    munmap(board, sizeof *board);
    end_barrier(heap, barrier);
}


static int reset_it(void *barrier)
{
    return neap_barrier_reset(barrier);
}


static int abort_it(void *barrier)
{
    return neap_barrier_abort(barrier);
}


TEST(an_action_during_which_it_was_reset_is_in_vain)
{
    neap_heap *heap = make_heap(NULL);
    struct actor actor;
    make_actor(heap, 1, NEAP_BARRIER_ANY, &actor);
    neap_barrier_set_action(actor.barrier, reset_it, actor.barrier);
    CHECK_STATUS(neap_barrier_wait(actor.barrier, NEAP_NOW, NULL), NEAP_EBROKEN);
    CHECK(!is_broken(actor.barrier));
    neap_barrier_set_action(actor.barrier, abort_it, actor.barrier);
    CHECK_STATUS(neap_barrier_wait(actor.barrier, NEAP_NOW, NULL), NEAP_EBROKEN);
    CHECK(is_broken(actor.barrier));
    end_actor(heap, &actor);
}


static int die_acting(void *argument)
{
    struct actor *actor = argument;
    actor->dies = true;
    return wait_well(actor->barrier);
}


TEST(who_dies_acting_breaks_it)
{
    neap_heap *heap = make_heap(NULL);
    struct actor actor;
    make_actor(heap, 2, NEAP_BARRIER_BREAKS, &actor);
    pid_t other = party(actor.barrier, wait_in_vain);
    CHECK_INT(test_wait(test_fork(die_acting, &actor)), -SIGKILL);
    CHECK_INT(test_wait(other), 0);
    CHECK(is_broken(actor.barrier));
    CHECK_INT(waiting_at(actor.barrier), 0);
    CHECK_INT(end_actor(heap, &actor), 1);
}


TEST(of_one_that_shrinks_another_acts_when_the_first_dies_at_it)
{
    neap_heap *heap = make_heap(NULL);
    struct actor actor;
    make_actor(heap, 2, NEAP_BARRIER_SHRINKS, &actor);
    pid_t other = party(actor.barrier, wait_well);
    CHECK_INT(test_wait(test_fork(die_acting, &actor)), -SIGKILL);
    CHECK_INT(test_wait(other), 0);
    CHECK(!is_broken(actor.barrier));
    CHECK_INT(parties_of(actor.barrier), 1);
    CHECK_INT(end_actor(heap, &actor), 2);
}


TEST(who_leaves_lets_one_of_the_others_act)
{
    neap_heap *heap = make_heap(NULL);
    struct actor actor;
    make_actor(heap, 0, NEAP_BARRIER_COUNTED | NEAP_BARRIER_BREAKS, &actor);
    CHECK_STATUS(neap_barrier_join(actor.barrier), 0);
    pid_t other = party(actor.barrier, join_and_wait);
    CHECK_STATUS(neap_barrier_leave(actor.barrier), 0);
    CHECK_INT(test_wait(other), 0);
    CHECK_INT(end_actor(heap, &actor), 1);
}


static int fork_acting(void *argument)
{
    struct actor *actor = argument;
    pid_t pid = fork();
    if (pid == 0)
        return 0;
    CHECK_INT(test_wait(pid), 7);
    return neap_counter_add(actor->times, 1);
}


TEST(a_child_that_comes_back_from_the_action_is_no_party)
{
    neap_heap *heap = make_heap(NULL);
    struct actor actor;
    make_actor(heap, 1, NEAP_BARRIER_ANY, &actor);
    neap_barrier_set_action(actor.barrier, fork_acting, &actor);
    pid_t here = getpid();
    int status = neap_barrier_wait(actor.barrier, NEAP_NOW, NULL);
    if (getpid() != here)
        _exit(status == -EPERM ? 7 : 8);
    CHECK_STATUS(status, 0);
    CHECK(!is_broken(actor.barrier));
    CHECK_INT(end_actor(heap, &actor), 1);
}


/* -- what is refused ------------------------------------------------------- */

TEST(what_cannot_be_a_barrier_is_refused)
{
    neap_heap *heap = make_heap(NULL);
    neap_barrier *b = NULL;
    CHECK_FAILS(neap_barrier_open(heap, "b", 0, &b), -ENOENT, "'b'");
    CHECK_FAILS(neap_barrier_open(heap, "b", -1, &b), -EINVAL, "-1 parties");
    CHECK_FAILS(neap_barrier_open(heap, "b", 65536, &b), -EINVAL, "65535");
    CHECK_FAILS(neap_barrier_open_kind(heap, "b", 2, (neap_barrier_kind)3, &b),
                -EINVAL, "kind 3");
    CHECK_FAILS(neap_barrier_open_kind(heap, "b", 0, NEAP_BARRIER_COUNTED, &b),
                -EINVAL, "kind 4");
    CHECK_FAILS(neap_barrier_open_kind(
                    heap, "b", 2, NEAP_BARRIER_COUNTED | NEAP_BARRIER_BREAKS,
                    &b),
                -EINVAL, "those that join are counted");
    CHECK(b == NULL);
    b = open_barrier(heap, 2, NEAP_BARRIER_SHRINKS);
    neap_barrier *other;
    CHECK_FAILS(neap_barrier_open_kind(heap, "gate", 2, NEAP_BARRIER_BREAKS,
                                       &other),
                NEAP_ETYPE, "shrinking barrier");
    end_barrier(heap, b);
}


TEST(a_dropped_barrier_says_so_to_who_waits_too)
{
    neap_heap *heap = make_heap(NULL);
    struct listener listener = {open_barrier(heap, 2, NEAP_BARRIER_ANY), false,
                                0, 0, 1, false};
    neap_barrier *barrier = listener.barrier;
    pthread_t thread;
    pthread_create(&thread, NULL, listen, &listener);
    WAIT_UNTIL(waiting_at(barrier) == 1);
    CHECK_STATUS(neap_heap_drop(heap, "gate"), 0);
    pthread_join(thread, NULL);
    CHECK_STATUS(listener.status, -EIDRM);
    CHECK_FAILS(neap_barrier_wait(barrier, NEAP_NOW, NULL), -EIDRM, "dropped");
    CHECK_FAILS(neap_barrier_abort(barrier), -EIDRM, "dropped");
    CHECK_FAILS(neap_barrier_reset(barrier), -EIDRM, "dropped");
    end_barrier(heap, barrier);
}
