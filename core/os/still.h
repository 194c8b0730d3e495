/*
 * Making others stand still: every thread of every process that has some
 * memory mapped for writing, from outside and without their help.
 *
 *     neap__still_find    who has it mapped; nobody is stopped
 *     neap__still_stop    all of them, and whoever came meanwhile
 *     neap__still_end     all go on
 *
 * By ptrace, where the kernel allows it: should the caller die, the kernel lets
 * everybody go. Where it does not (Yama, seccomp, a debugger that was there
 * first), by SIGSTOP; then a guardian, a process made for that, sends SIGCONT
 * when the caller has gone, in whatever way.
 *
 * For a process of one thread that nobody else waits for: it waits for whatever
 * stops or ends, and forks. Functions write no sentence.
 */
#ifndef NEAP_OS_STILL_H
#define NEAP_OS_STILL_H

#include <sys/types.h>

#include "base/base.h"

#define NEAP__STILL_BY_SIGNAL_MAX 1024

struct neap__still_thread {
    pid_t pid, tid;
    int signal; /* that was on its way to it; delivered when it goes on */
};

struct neap__still_process {
    pid_t pid;
    uint64_t pid_namespace;
    bool mapped;    /* it has the memory, for writing */
    bool stopped;
};

/* What the guardian must let go; shared with it. */
struct neap__still_held {
    _Atomic uint32_t count;
    _Atomic pid_t pids[NEAP__STILL_BY_SIGNAL_MAX];
};

struct neap__still {
    char place[64];  /* the memory, as lines of /proc/PID/maps name it */
    bool by_signal;  /* never by ptrace */
    int64_t began;   /* when the first one was stopped; 0 nobody is */
    struct neap__still_process *processes; /* in the order of their pids */
    size_t process_count, process_room;
    struct neap__still_thread *threads;    /* stopped by ptrace */
    size_t thread_count, thread_room;
    struct neap__still_held *held;
    pid_t guardian;
    int lifeline;    /* the guardian sees it close */
    pid_t culprit;   /* on failure: who would not stop; 0 nobody in particular */
};

/*
 * Look for all processes that have the mapping at `base` mapped for writing as
 * well. @return 0; -ENOENT without /proc; -ENOMEM; -errno.
 */
int neap__still_find(struct neap__still *still, const void *base,
                     bool by_signal);

/*
 * Stop them. @return how many processes stand still; -EPERM one may not be
 * stopped; -ETIMEDOUT one has not by `deadline`; -errno. After a failure, end.
 */
int neap__still_stop(struct neap__still *still, int64_t deadline);

/* Whether all still stand still, which is not sure of those that were stopped
 * by signal. @return 1; 0 the culprit goes on; -errno. */
int neap__still_holds(struct neap__still *still);

/* True if a process of that namespace was found: then all of them were. */
bool neap__still_sees(const struct neap__still *still, uint64_t pid_namespace);

/* True if that process, of our namespace, stands still. */
bool neap__still_has(const struct neap__still *still, pid_t pid);

/* Let all go on, and free what there is. Fine after a failure, and twice. */
void neap__still_end(struct neap__still *still);

/* Let that child of ours trace us, where this must be allowed. */
void neap__still_allow(pid_t child);

#endif
