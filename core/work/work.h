/*
 * What the files of core/work share: the handle of a process and of a team.
 */
#ifndef NEAP_WORK_H
#define NEAP_WORK_H

#include <pthread.h>

#include "layout/team.h"
#include "neap/team.h"
#include "os/os.h"
#include "os/process.h"

/* What came through a channel. */
struct neap__answer {
    char *bytes;
    size_t length, room;
    bool cut; /* there was no memory for all of it */
};

struct neap_process {
    /* Constant from the fork to the close. */
    uint32_t generation; /* of the parent: another process only forgets us */
    int32_t pid;
    int pidfd;           /* before the fork: names the parent itself; -1: it
                            was reaped by the kernel before we had one */
    int channel;         /* our end of the socket the answer comes through */
    struct neap__lifeline lifeline;

    int child_channel;   /* the child's end; ours to close after the fork */

    pthread_mutex_t lock; /* over what follows */
    bool silent;          /* nothing more comes through the channel */
    int ended;            /* 0 runs; 1 with `exit`; -ECHILD status lost */
    neap_exit exit;
    struct neap__answer answer;

    neap_process *next, **link; /* in kin.c's list */
};

struct neap_team {
    uint32_t workers;
    uint32_t generation; /* of the process this copy serves: parent or worker */
    int64_t self;        /* the worker that we are, -1 in the parent */
    _Atomic uint32_t opened; /* ranges that this worker has opened */
    struct neap_sh_team *shared;
    size_t size;         /* of shared, in bytes */
    struct pollfd *polled; /* parent: room for two for each worker */
    struct neap__member {
        neap_process *process; /* NULL if not started */
        bool told;
    } members[];
};

/* -- kin.c: who is related to whom ----------------------------------------- */

/* Open the handle's descriptors and enter it in the list of our children, so
 * that no child of another thread's fork keeps them. @return 0; -errno. */
int neap__kin_enter(neap_process *process);

/* fork(), for the child that this handle was made for. */
pid_t neap__kin_fork(neap_process *process);

/* In the parent, after the fork: keep what is ours. @return 0; -errno. */
int neap__kin_keep(neap_process *process, pid_t pid);

/* In the child: become one, with the ends that are ours. The handle is freed.
 * @return 0; -errno. */
int neap__kin_become_child(neap_process *process);

/* Close the descriptors and leave the list. */
void neap__kin_leave(neap_process *process);

/* The channel to our parent; -1 in what is not a child of neap. */
int neap__kin_channel(void);

/* -- answer.c -------------------------------------------------------------- */

/* Take what is in the channel, at most `limit` bytes. Never waits.
 * @return true if there will be no more. */
bool neap__answer_take(struct neap__answer *answer, int channel, size_t limit);

/* Take all that is in the channel now, and no more than that. */
void neap__answer_take_rest(struct neap__answer *answer, int channel);

/* -- process.c ------------------------------------------------------------- */

/* True in a process that did not fork it: nothing may be done to it there. */
NEAP__INLINE bool neap__process_foreign(const neap_process *process)
{
    return process->generation != neap__fork_generation();
}

/* Take what it sent, and its end. Never waits.
 * @return neap_process.ended: 0 runs; 1; -ECHILD. */
int neap__process_look(neap_process *process);

/* The same without looking anew. */
int neap__process_ended(neap_process *process);

/* What to poll to learn that a look is worth it. */
void neap__process_watch(neap_process *process, struct pollfd fds[2]);

#endif
