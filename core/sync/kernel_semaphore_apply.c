/*
 * Semaphores of the kernel and the C library: taking and giving, and looking.
 *
 * No sleep is longer than a second, as everywhere: a signal that came just
 * before it is noticed then. A set's waiters are served in the order in which
 * they came, and one that looks up for that goes to the end.
 */
#include "recovery/wait.h"
#include "sync/kernel_semaphore.h"


static const char *word_for(const struct neap_kernel_semaphore *semaphore)
{
    return semaphore->id < 0 ? "semaphore" : "semaphore set";
}


static int failed(int status, const struct neap_kernel_semaphore *semaphore,
                  const char *what)
{
    const char *word = word_for(semaphore), *text = semaphore->address.text;
    switch (status) {
    case -EINVAL: /* the kernel's, for an id that is no more */
    case -EIDRM:
        return neap__fail(-EIDRM, "cannot %s %s %s: it was removed", what, word,
                          text);
    case -EFBIG:
        return neap__fail(status, "cannot %s %s %s: it has %u semaphores, and "
                          "none of that index", what, word, text,
                          semaphore->count);
    case -ERANGE:
        return neap__fail(status, "cannot %s %s %s: a value would leave what "
                          "one of a set can have, 0 to 32767 (and so would "
                          "what is kept for undo)", what, word, text);
    case -EOVERFLOW:
        return neap__fail(status, "cannot %s %s %s: it has the largest value "
                          "already", what, word, text);
    case -E2BIG:
        return neap__fail(status, "cannot %s %s %s: too many changes at once "
                          "(the third number of sysctl kernel.sem, SEMOPM)",
                          what, word, text);
    case -EACCES:
        return neap__fail(status, "cannot %s %s %s: its mode does not let you",
                          what, word, text);
    case -ENOSPC:
        return neap__fail(status, "cannot %s %s %s: the kernel keeps no more "
                          "undo values", what, word, text);
    default:
        return neap__fail_why(status, "cannot %s %s %s", what, word, text);
    }
}


typedef int attempt_function(const struct neap_kernel_semaphore *semaphore,
                    const void *argument, size_t count, int64_t deadline);


static int try_named(const struct neap_kernel_semaphore *semaphore,
                     const void *argument, size_t count, int64_t deadline)
{
    const neap_kernel_semaphore_change *change = argument;
    (void)count;
    return change->by > 0 ? neap__sem_named_give(semaphore->named)
                          : neap__sem_named_take(semaphore->named, deadline);
}


static int try_set(const struct neap_kernel_semaphore *semaphore,
                   const void *argument, size_t count, int64_t deadline)
{
    return neap__sem_apply(semaphore->id, argument, count, deadline);
}


/* @return 0; -EBUSY; -ETIMEDOUT; -EINTR; what failed. */
static int wait_for(const struct neap_kernel_semaphore *semaphore,
                    attempt_function *attempt, const void *argument,
                    size_t count, int64_t deadline)
{
    int status = attempt(semaphore, argument, count, NEAP_NOW);
    if (status == -EAGAIN && deadline == NEAP_NOW)
        return -EBUSY;
    while (status == -EAGAIN || status == -ETIMEDOUT) {
        int64_t now = neap_now();
        if (now >= deadline)
            return -ETIMEDOUT;
        int64_t end = deadline - now > NEAP__WAIT_CAP_LAST
                          ? now + NEAP__WAIT_CAP_LAST : deadline;
        status = attempt(semaphore, argument, count, end);
        if ((status == -EAGAIN || status == -ETIMEDOUT) &&
            neap__wait_is_over())
            return -EINTR;
    }
    return status;
}


static int apply_named(struct neap_kernel_semaphore *semaphore,
                       const neap_kernel_semaphore_change *changes,
                       size_t count, int64_t deadline)
{
    if (count != 1 || (changes->by != 1 && changes->by != -1))
        return neap__fail(-ENOTSUP, "cannot change semaphore %s so: a posix one "
                          "is taken and given back one at a time; a set "
                          "(sysv:KEY), or a heap's own, can do more",
                          semaphore->address.text);
    if (changes->index)
        return failed(-EFBIG, semaphore, "change");
    return wait_for(semaphore, try_named, changes, 1, deadline);
}


static int apply_set(struct neap_kernel_semaphore *semaphore,
                     const neap_kernel_semaphore_change *changes,
                     size_t count, int64_t deadline)
{
    struct neap__sem_change all[NEAP__SEM_CHANGES] = {{0, 0, false}};
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        const neap_kernel_semaphore_change *c = changes + i;
        if (c->index >= semaphore->count)
            status = -EFBIG;
        else if (c->by > INT16_MAX || c->by < -INT16_MAX)
            status = -ERANGE;
        all[i] = (struct neap__sem_change){(uint16_t)c->index, (int16_t)c->by,
                                           semaphore->undo};
    }
    return status < 0 ? status
                      : wait_for(semaphore, try_set, all, count, deadline);
}


int neap_kernel_semaphore_apply(neap_kernel_semaphore *semaphore,
                                const neap_kernel_semaphore_change *changes,
                                size_t count, int64_t deadline)
{
    if (count == 0)
        return neap__fail(-EINVAL, "cannot change %s %s by no change at all",
                          word_for(semaphore), semaphore->address.text);
    if (count > NEAP__SEM_CHANGES)
        return failed(-E2BIG, semaphore, "change");
    int status = semaphore->id < 0
                     ? apply_named(semaphore, changes, count, deadline)
                     : apply_set(semaphore, changes, count, deadline);
    if (status == -EBUSY || status == -ETIMEDOUT || status == -EINTR ||
        status == -ENOTSUP)
        return status;
    return status < 0 ? failed(status, semaphore, "change") : 0;
}


static int check_number(const struct neap_kernel_semaphore *semaphore,
                        int32_t n)
{
    if (n >= 1)
        return 0;
    return neap__fail(-EINVAL, "cannot change %s %s by %d: 1 or more are "
                      "acquired and released", word_for(semaphore),
                      semaphore->address.text, n);
}


int neap_kernel_semaphore_acquire(neap_kernel_semaphore *semaphore,
                                  uint32_t index, int32_t n, int64_t deadline)
{
    const neap_kernel_semaphore_change change = {index, -n};
    int status = check_number(semaphore, n);
    return status < 0 ? status : neap_kernel_semaphore_apply(semaphore, &change,
                                                             1, deadline);
}


int neap_kernel_semaphore_release(neap_kernel_semaphore *semaphore,
                                  uint32_t index, int32_t n)
{
    const neap_kernel_semaphore_change change = {index, n};
    int status = check_number(semaphore, n);
    return status < 0 ? status : neap_kernel_semaphore_apply(semaphore, &change,
                                                             1, NEAP_NOW);
}


int neap_kernel_semaphore_get(neap_kernel_semaphore *semaphore, uint32_t index,
                              int64_t *ret_value)
{
    int value = index >= semaphore->count ? -EFBIG
              : semaphore->id < 0 ? neap__sem_named_value(semaphore->named)
              : neap__sem_ask(semaphore->id, index, NEAP__SEM_VALUE);
    if (value < 0)
        return failed(value, semaphore, "read the value of");
    *ret_value = value;
    return 0;
}


int neap_kernel_semaphore_set(neap_kernel_semaphore *semaphore, uint32_t index,
                              int64_t value)
{
    if (semaphore->id < 0)
        return neap__fail(-ENOTSUP, "cannot set the value of semaphore %s: a "
                          "posix one is only released and acquired",
                          semaphore->address.text);
    int status = index >= semaphore->count ? -EFBIG
               : value < 0 || value > INT16_MAX ? -ERANGE
               : neap__sem_set(semaphore->id, index, (int32_t)value);
    return status < 0 ? failed(status, semaphore, "set a value of") : 0;
}


int neap_kernel_semaphore_look(neap_kernel_semaphore *semaphore, uint32_t index,
                               neap_kernel_semaphore_use *ret_use)
{
    neap_kernel_semaphore_use use = {0};
    int status = neap_kernel_semaphore_get(semaphore, index, &use.value);
    if (status < 0)
        return status;
    if (semaphore->id >= 0) {
        int pid = neap__sem_ask(semaphore->id, index, NEAP__SEM_PID);
        int grow = neap__sem_ask(semaphore->id, index, NEAP__SEM_WAITING);
        int zero = neap__sem_ask(semaphore->id, index, NEAP__SEM_ZERO);
        if (pid < 0 || grow < 0 || zero < 0)
            return failed(-EIDRM, semaphore, "look at");
        use.last_pid = pid;
        use.waiting = (uint32_t)grow;
        use.waiting_for_zero = (uint32_t)zero;
    }
    *ret_use = use;
    return 0;
}


int neap_kernel_semaphore_status(neap_kernel_semaphore *semaphore,
                                 neap_kernel_semaphore_stat *ret_stat)
{
    int status = semaphore->id < 0
        ? neap__sem_named_status(neap__sem_name(&semaphore->address), ret_stat)
        : neap__sem_status(semaphore->id, ret_stat);
    return status < 0 ? failed(status, semaphore, "look at") : 0;
}


uint32_t neap_kernel_semaphore_count(neap_kernel_semaphore *semaphore)
{
    return semaphore->count;
}


const char *neap_kernel_semaphore_address(neap_kernel_semaphore *semaphore)
{
    return semaphore->address.text;
}


neap_kind neap_kernel_semaphore_kind(neap_kernel_semaphore *semaphore)
{
    return semaphore->address.kind;
}
