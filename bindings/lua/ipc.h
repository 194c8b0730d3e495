/* The ways from one process to another, for ipc.c, which measures them. */
#ifndef LNEAP_IPC_H
#define LNEAP_IPC_H

#include <semaphore.h>

#include "lneap.h"

enum { SLOTS = 4, PATIENCE = 20 }; /* messages under way; seconds */

struct channel {
    size_t size;
    char *buffer;             /* of a copy, or of a message with its type */
    int from, to;             /* descriptors, queues */
    char *slots;              /* shared memory: SLOTS messages */
    unsigned turn;
    sem_t *full, *empty;      /* over a mapped file */
    neap_semaphore *our_full, *our_empty;
};

/* `room` is where a message is to be put, `receive` where it is. */
struct way {
    const char *name;
    int (*open)(struct channel *channel, int which);
    void *(*room)(struct channel *channel);
    int (*send)(struct channel *channel);
    void *(*receive)(struct channel *channel);
    void (*done)(struct channel *channel); /* NULL: nothing to be given back */
    long (*limit)(void);                   /* NULL: none */
};

extern const struct way lneap_ways[];
extern const size_t lneap_way_count;

/* Make both channels' heap, and take it apart. */
int lneap_ways_begin(void);
void lneap_ways_end(void);

void lneap_channel_close(const struct way *way, struct channel *channel);

static inline int lneap_failed(void)
{
    return errno ? -errno : -EIO;
}

#endif
