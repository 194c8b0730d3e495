/* Who holds and waits for what, and deadlocks. */
#include "core/heaps.h"

struct three {
    neap_heap *heap;
    neap_mutex *locks[3];
    struct board *board;
    int first, second;
};


static struct three open_three(const char *address, bool error)
{
    struct three t = {.board = share_board()};
    neap_heap_options options = {
        .flags = error ? NEAP_OPEN_DEADLOCK_ERROR : 0};
    CHECK_STATUS(neap_heap_open(address, &options, &t.heap), NEAP_CREATED);
    for (int i = 0; i < 3; i++) {
        char name[] = "a";
        name[0] = (char)('a' + i);
        t.locks[i] = open_mutex(t.heap, name);
    }
    return t;
}


static void close_three(struct three *t)
{
    for (int i = 0; i < 3; i++)
        neap_mutex_close(t->locks[i]);
    end_heap(t->heap);
}


static bool find(neap_heap *heap, const char *name, neap_use_role role,
                 pid_t pid, neap_lock_use *ret_use)
{
    uint64_t cursor = 0;
    while (neap_heap_next_use(heap, &cursor, ret_use) == NEAP_MORE)
        if (strcmp(ret_use->name, name) == 0 && ret_use->role == role &&
            ret_use->pid == pid)
            return true;
    return false;
}


/* Holds the first, and wants the second when all have theirs. */
static int hold_and_want(void *argument)
{
    struct three *t = argument;
    CHECK(neap_mutex_lock(t->locks[t->first], NEAP_FOREVER) >= 0);
    t->board->words[0]++;
    WAIT_UNTIL(t->board->words[0] >= t->board->words[1]);
    int status = neap_mutex_lock(t->locks[t->second],
                                 neap_deadline_after(test_patience()));
    if (status == -EDEADLK) {
        CHECK(strstr(neap_error_text(), "close a cycle"));
        t->board->words[2]++;
        neap_mutex_unlock(t->locks[t->first]);
        return 3;
    }
    t->board->words[3]++;
    return status >= 0 ? 0 : 4;
}


static pid_t start(struct three *t, int first, int second)
{
    struct three own = *t;
    own.first = first;
    own.second = second;
    return test_fork(hold_and_want, &own);
}


TEST(who_holds_and_who_waits_is_told)
{
    struct three t = open_three(NULL, false);
    neap_lock_use use;
    t.board->words[1] = 1;
    CHECK_STATUS(neap_mutex_lock(t.locks[1], NEAP_NOW), 0);
    pid_t child = start(&t, 0, 1);
    WAIT_UNTIL(find(t.heap, "b", NEAP_USE_WAITS, child, &use));
    CHECK_INT(use.kind, NEAP_OBJECT_MUTEX);
    CHECK(use.waited >= 0 && !use.dead);
    int64_t before = use.waited;
    WAIT_UNTIL(find(t.heap, "b", NEAP_USE_WAITS, child, &use) &&
               use.waited > before + 150000000); /* longer than one sleep */
    CHECK(find(t.heap, "a", NEAP_USE_HOLDS, child, &use));
    CHECK(find(t.heap, "b", NEAP_USE_HOLDS, getpid(), &use));
    CHECK(!find(t.heap, "b", NEAP_USE_HOLDS, child, &use));
    CHECK_STATUS(neap_mutex_unlock(t.locks[1]), 0);
    CHECK_INT(test_wait(child), 0);
    CHECK(!find(t.heap, "b", NEAP_USE_WAITS, child, &use));
    CHECK(neap_heap_reap(t.heap) >= 0);
    close_three(&t);
}


static void check_permits(neap_heap *heap, neap_semaphore *semaphore)
{
    const char *name = neap_semaphore_name(semaphore);
    neap_lock_use use;
    CHECK(!find(heap, name, NEAP_USE_HOLDS, getpid(), &use));
    CHECK_STATUS(neap_semaphore_acquire(semaphore, NEAP_NOW), 0);
    CHECK_STATUS(neap_semaphore_acquire_many(semaphore, 2, NEAP_NOW), 0);
    CHECK(find(heap, name, NEAP_USE_HOLDS, getpid(), &use));
    CHECK_INT(use.kind, NEAP_OBJECT_SEMAPHORE);
    CHECK_INT(use.permits, 3);
    CHECK_STATUS(neap_semaphore_release_many(semaphore, 3), 0);
    CHECK(!find(heap, name, NEAP_USE_HOLDS, getpid(), &use));
}


TEST(permits_and_readers_are_told)
{
    neap_heap *heap = make_heap(NULL);
    neap_semaphore *slots = open_semaphore(heap, "slots", 9,
                                           NEAP_SEMAPHORE_UNDO);
    neap_rwlock *shelf;
    neap_lock_use use;
    neap_semaphore *many = open_semaphore(heap, "many", 99,
                                          NEAP_SEMAPHORE_UNDO);
    check_permits(heap, slots); /* in cells, and not */
    check_permits(heap, many);
    neap_semaphore_close(many);
    CHECK_STATUS(neap_rwlock_open(heap, "shelf", &shelf), NEAP_CREATED);
    CHECK_STATUS(neap_rwlock_read(shelf, NEAP_NOW), 0);
    CHECK(find(heap, "shelf", NEAP_USE_READS, getpid(), &use));
    CHECK_STATUS(neap_rwlock_unlock(shelf), 0);
    CHECK_STATUS(neap_rwlock_write(shelf, NEAP_NOW), 0);
    CHECK(find(heap, "shelf", NEAP_USE_HOLDS, getpid(), &use));
    CHECK_STATUS(neap_rwlock_unlock(shelf), 0);
    CHECK(!find(heap, "shelf", NEAP_USE_HOLDS, getpid(), &use));
    neap_rwlock_close(shelf);
    neap_semaphore_close(slots);
    end_heap(heap);
}


/* -- deadlocks ------------------------------------------------------------- */

static int deadlocks_of(neap_heap *heap, neap_deadlock *ret)
{
    uint64_t cursor = 0;
    int n = 0;
    neap_deadlock one;
    while (neap_heap_next_deadlock(heap, &cursor, &one) == NEAP_MORE) {
        *ret = one;
        n++;
    }
    return n;
}


static const char *const sizes[] = {"two", "three", NULL};

TEST_EACH(a_deadlock_is_seen, sizes)
{
    int n = strcmp(parameter, "two") ? 3 : 2;
    struct three t = open_three(NULL, false);
    neap_deadlock deadlock;
    pid_t children[3];
    t.board->words[1] = (uint64_t)n;
    CHECK_INT(deadlocks_of(t.heap, &deadlock), 0);
    for (int i = 0; i < n; i++)
        children[i] = start(&t, i, (i + 1) % n);
    WAIT_UNTIL(deadlocks_of(t.heap, &deadlock) == 1);
    CHECK_INT(deadlock.count, n);
    for (int i = 0; i < n; i++) {
        char words[80];
        snprintf(words, sizeof words, "process %d (", (int)children[i]);
        CHECK(strstr(deadlock.text, words));
    }
    for (int i = 0; i < n; i++)
        test_kill(children[i]);
    CHECK_INT(deadlocks_of(t.heap, &deadlock), 0);
    CHECK(neap_heap_reap(t.heap) >= 0);
    close_three(&t);
}


TEST_EACH(who_asks_for_it_gets_an_error_instead, sizes)
{
    int n = strcmp(parameter, "two") ? 3 : 2, failed = 0;
    struct three t = open_three(NULL, true);
    pid_t children[3];
    t.board->words[1] = (uint64_t)n;
    for (int i = 0; i < n; i++)
        children[i] = start(&t, i, (i + 1) % n);
    for (int i = 0; i < n; i++) {
        int how = test_wait(children[i]);
        CHECK(how == 0 || how == 3);
        failed += how == 3;
    }
    CHECK_INT(failed, 1); /* the others go on */
    CHECK(neap_heap_reap(t.heap) >= 0);
    close_three(&t);
}


/* -- who waits for any of several ------------------------------------------ */

/* Holds the first, and wants any of the others, or an event. */
static int hold_and_want_any(void *argument)
{
    struct three *t = argument;
    void *wanted[3] = {t->locks[1], t->locks[2]};
    size_t count = 2, index;
    CHECK(neap_mutex_lock(t->locks[0], NEAP_FOREVER) >= 0);
    if (t->second) {
        neap_event *event;
        must_open(neap_event_open(t->heap, "event", &event));
        wanted[count++] = event;
    }
    t->board->words[0]++;
    WAIT_UNTIL(t->board->words[0] >= t->board->words[1]);
    int status = neap_wait_any(wanted, count, NEAP_FOREVER, &index);
    if (status == -EDEADLK)
        CHECK(strstr(neap_error_text(), "close a cycle"));
    CHECK_STATUS(neap_mutex_unlock(t->locks[0]), 0);
    return status == -EDEADLK ? 3 : 0;
}


static pid_t start_any(struct three *t, bool event)
{
    struct three own = *t;
    own.second = event;
    return test_fork(hold_and_want_any, &own);
}


static int hold_until_told(void *argument)
{
    struct three *t = argument;
    CHECK(neap_mutex_lock(t->locks[2], NEAP_FOREVER) >= 0);
    t->board->words[0]++;
    WAIT_UNTIL(t->board->words[5]);
    return neap_mutex_unlock(t->locks[2]);
}


TEST(who_waits_for_any_is_in_a_deadlock_if_all_owners_are)
{
    struct three t = open_three(NULL, false);
    neap_deadlock deadlock;
    neap_lock_use use;
    pid_t children[3];
    t.board->words[1] = 3;
    /* It has the first slot: both cycles begin with it, and one is told of. */
    children[0] = start_any(&t, false);
    WAIT_UNTIL(t.board->words[0] == 1);
    for (int i = 1; i < 3; i++)
        children[i] = start(&t, i, 0);
    WAIT_UNTIL(deadlocks_of(t.heap, &deadlock) == 1);
    CHECK_INT(deadlock.count, 2);
    CHECK(strstr(deadlock.text, "any of several, among them "));
    CHECK(find(t.heap, "b", NEAP_USE_WAITS, children[0], &use));
    CHECK(find(t.heap, "c", NEAP_USE_WAITS, children[0], &use));
    CHECK(use.waited >= 0);
    for (int i = 0; i < 3; i++)
        test_kill(children[i]);
    CHECK(neap_heap_reap(t.heap) >= 0);
    close_three(&t);
}


static const char *const ways[] = {"an owner goes on", "an event", NULL};

TEST_EACH(who_waits_for_any_is_in_none_if_one_may_come, ways)
{
    bool event = strcmp(parameter, "an event") == 0;
    struct three t = open_three(NULL, true); /* an error would tell */
    neap_deadlock deadlock;
    neap_lock_use use;
    t.board->words[1] = 3;
    pid_t any = start_any(&t, event), other = start(&t, 1, 0);
    pid_t third = event ? start(&t, 2, 0) : test_fork(hold_until_told, &t);
    WAIT_UNTIL(find(t.heap, event ? "event" : "c", NEAP_USE_WAITS, any, &use));
    WAIT_UNTIL(find(t.heap, "a", NEAP_USE_WAITS, other, &use));
    CHECK_INT(deadlocks_of(t.heap, &deadlock), 0);
    t.board->words[5] = 1;
    if (event) {
        neap_event *there;
        must_open(neap_event_open(t.heap, "event", &there));
        WAIT_UNTIL(find(t.heap, "a", NEAP_USE_WAITS, third, &use));
        CHECK_INT(deadlocks_of(t.heap, &deadlock), 0);
        CHECK_STATUS(neap_event_set(there), 0);
        neap_event_close(there);
    }
    CHECK_INT(test_wait(any), 0);
    CHECK_INT(test_wait(other), 0);
    CHECK_INT(test_wait(third), 0);
    CHECK(neap_heap_reap(t.heap) >= 0);
    close_three(&t);
}


TEST(who_waits_for_any_gets_an_error_if_it_asks)
{
    struct three t = open_three(NULL, true);
    int failed = 0;
    pid_t children[3];
    t.board->words[1] = 3;
    children[0] = start_any(&t, false);
    for (int i = 1; i < 3; i++)
        children[i] = start(&t, i, 0);
    for (int i = 0; i < 3; i++) {
        int how = test_wait(children[i]);
        CHECK(how == 0 || how == 3);
        failed += how == 3;
    }
    CHECK(failed >= 1);
    CHECK(neap_heap_reap(t.heap) >= 0);
    close_three(&t);
}


static int read_and_want(void *argument)
{
    void **both = argument;
    CHECK_STATUS(neap_rwlock_read(both[0], NEAP_NOW), 0);
    int status = neap_mutex_lock(both[1], NEAP_FOREVER);
    CHECK_STATUS(neap_rwlock_unlock(both[0]), 0);
    return status == -EDEADLK ? 3 : 0;
}


/* The writer has the word, and waits for a reader who waits for the writer. */
TEST(a_cycle_through_readers_is_one)
{
    struct three t = open_three(NULL, true);
    neap_rwlock *shelf;
    neap_lock_use use;
    CHECK_STATUS(neap_rwlock_open(t.heap, "shelf", &shelf), NEAP_CREATED);
    CHECK_STATUS(neap_mutex_lock(t.locks[0], NEAP_NOW), 0);
    pid_t child = test_fork(read_and_want, (void *[]){shelf, t.locks[0]});
    WAIT_UNTIL(find(t.heap, "a", NEAP_USE_WAITS, child, &use));
    CHECK_FAILS(neap_rwlock_write(shelf, NEAP_FOREVER), -EDEADLK,
                "close a cycle");
    CHECK_STATUS(neap_mutex_unlock(t.locks[0]), 0);
    CHECK_INT(test_wait(child), 0);
    neap_rwlock_close(shelf);
    CHECK(neap_heap_reap(t.heap) >= 0);
    close_three(&t);
}
