/* Operations that make, drop and look at things, and those that fork. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress/storm.h"

#define MILLISECOND INT64_C(1000000)
#define NAMES 24
#define PATTERN UINT64_C(0x6e65617000000000)


/* -- names that come and go ------------------------------------------------ */

static void make_name(struct actor *actor, const char *name)
{
    neap_counter *counter = NULL;
    neap_semaphore *semaphore = NULL;
    int64_t value;
    if (actor_random(actor, 2)) {
        if (!MAY(actor, neap_counter_open(actor->heap, name, &counter),
                  NEAP_ETYPE))
            return;
        MAY(actor, neap_counter_add_get(counter, 1, &value), -EIDRM,
             NEAP_ETYPE);
        neap_counter_close(counter);
        return;
    }
    if (!MAY(actor, neap_semaphore_open(actor->heap, name, 2,
                                         NEAP_SEMAPHORE_UNDO, &semaphore),
              NEAP_ETYPE))
        return;
    MAY(actor, neap_semaphore_acquire(semaphore, NEAP_NOW), -EIDRM, -EBUSY,
         -EAGAIN);
    if (actor_random(actor, 2))
        MAY(actor, neap_semaphore_release(semaphore), -EIDRM, -EPERM);
    neap_semaphore_close(semaphore);
}


void do_names(struct actor *actor)
{
    char name[32];
    snprintf(name, sizeof name, "name-%d", (int)actor_random(actor, NAMES));
    if (actor_random(actor, 3))
        make_name(actor, name);
    else
        MAY(actor, neap_heap_drop(actor->heap, name), -ENOENT);
}


/* -- arrays that come and go, each under a mutex of its own ---------------- */

/* Whatever the last user left: nothing, or what belongs to this very array. */
static void look_at_temp(struct actor *actor, neap_array *array, uint64_t k,
                         bool is_new)
{
    const volatile uint64_t *cells = neap_array_data(array);
    uint64_t n = neap_array_size(array);
    for (uint64_t i = 0; i < n; i++)
        if (cells[i] && (is_new || cells[i] != (PATTERN | k))) {
            violation(actor->board, "cell %llu of temp-%llu, %s, is %#llx",
                      (unsigned long long)i, (unsigned long long)k,
                      is_new ? "which is new" : "which is ours",
                      (unsigned long long)cells[i]);
            return;
        }
}


static void use_temp(struct actor *actor, const char *name, uint64_t k)
{
    static const uint64_t sizes[] = {1, 100, 512, 2000, 9000, 40000};
    uint64_t size = sizes[actor_random(actor, 6)];
    neap_array *array;
    int status = neap_array_open(actor->heap, name, NEAP_TYPE_U64, 1, &size,
                                 &array);
    if (status == NEAP_ETYPE)
        status = neap_array_open(actor->heap, name, NEAP_TYPE_ANY, 0, NULL,
                                 &array);
    if (!MUST(actor, status))
        return;
    look_at_temp(actor, array, k, status == NEAP_CREATED);
    volatile uint64_t *cells = neap_array_data(array);
    for (uint64_t i = 0; i < neap_array_size(array); i++)
        cells[i] = PATTERN | k;
    if (actor_random(actor, 2)) {
        MUST(actor, neap_heap_drop(actor->heap, name));
        if (neap_array_alive(array) != -EIDRM)
            violation(actor->board, "%s lives after its drop", name);
    }
    neap_array_close(array);
}


void do_temps(struct actor *actor)
{
    char name[32], lock[32];
    uint64_t k = actor_random(actor, TEMPS);
    snprintf(name, sizeof name, "temp-%d", (int)k);
    snprintf(lock, sizeof lock, "temp-lock-%d", (int)k);
    neap_mutex *mutex;
    if (!MUST(actor, neap_mutex_open(actor->heap, lock, &mutex)))
        return;
    if (MAY(actor, neap_mutex_lock(mutex, NEAP_FOREVER), -EINTR)) {
        use_temp(actor, name, k);
        MUST(actor, neap_mutex_unlock(mutex));
    }
    neap_mutex_close(mutex);
}


/* A mutex that may be dropped under those who wait for it. */
void do_fleeting(struct actor *actor)
{
    char name[32];
    snprintf(name, sizeof name, "fleeting-%d", (int)actor_random(actor, 3));
    neap_mutex *mutex;
    if (!MUST(actor, neap_mutex_open(actor->heap, name, &mutex)))
        return;
    if (MAY(actor, neap_mutex_lock(mutex, neap_deadline_after(MILLISECOND)),
             -EIDRM, -ETIMEDOUT, -EINTR, -EAGAIN)) {
        if (actor_random(actor, 4) == 0)
            MAY(actor, neap_heap_drop(actor->heap, name), -ENOENT);
        MUST(actor, neap_mutex_unlock(mutex));
    }
    neap_mutex_close(mutex);
}


/* -- looking --------------------------------------------------------------- */

void do_look(struct actor *actor)
{
    neap_object_info object;
    neap_slot_info slot;
    neap_heap_info info;
    uint64_t cursor = 0;
    while (MUST(actor, neap_heap_next(actor->heap, &cursor, &object)) &&
           object.name[0] && actor_random(actor, 100))
        object.name[0] = '\0';
    cursor = 0;
    while (MUST(actor, neap_heap_next_slot(actor->heap, &cursor, &slot)) &&
           actor_random(actor, 20))
        ;
    MUST(actor, neap_heap_status(actor->heap, &info));
    MAY(actor, neap_heap_find(actor->heap, "bank-0", &object), -EAGAIN);
}


void do_reopen(struct actor *actor)
{
    bool reads = actor_random(actor, 2);
    neap_heap_options options = {
        .flags = reads ? NEAP_OPEN_READ_ONLY : NEAP_OPEN_EXISTING};
    neap_heap *heap;
    neap_counter *counter;
    if (!MUST(actor, neap_heap_open(actor->board->address, &options, &heap)))
        return;
    if (MAY(actor, neap_counter_open(heap, "plain-0", &counter), -EAGAIN)) {
        if (reads && neap_counter_add(counter, 1) != -EACCES)
            violation(actor->board, "a reader could add");
        neap_counter_close(counter);
    }
    neap_heap_close(heap);
}


void do_reap(struct actor *actor)
{
    MUST(actor, neap_heap_reap(actor->heap));
}


/* -- forks ----------------------------------------------------------------- */

/* The child has none of its parent's locks, and may do anything else. */
static _Noreturn void be_the_child(struct actor *parent, uint32_t b,
                                   pid_t parents_pid)
{
    struct actor child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parents_pid)
        _exit(0); /* it died before we asked */
    actor_begin(&child, parent->board, parent->heap, parent->worker,
                LINE_CHILDREN);
    if (neap_mutex_unlock(parent->mutexes[b]) != -EPERM)
        violation(parent->board, "a child unlocked its parent's mutex");
    if (neap_mutex_mine(parent->mutexes[b]))
        violation(parent->board, "a child has its parent's mutex");
    for (uint64_t n = actor_random(&child, 20); n > 0; n--) {
        do_count(&child);
        do_cell(&child);
    }
    _exit(0);
}


static void fork_here(struct actor *actor, uint32_t b)
{
    int status;
    pid_t self = getpid(), pid = fork();
    if (pid == 0)
        be_the_child(actor, b, self);
    actor->board->forks++;
    if (pid > 0)
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
}


void do_fork(struct actor *actor)
{
    with_bank(actor, (uint32_t)actor_random(actor, BANKS), fork_here);
}
