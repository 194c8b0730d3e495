/**
 * Watches: a file descriptor that tells an event loop (poll, epoll, asyncio,
 * libuv) that an object can be had.
 *
 *  event      it is set
 *  latch      nothing is left
 *  semaphore  there is a permit
 *  mutex      it is free
 *
 * The descriptor becomes readable then, and when the object is dropped. It
 * takes nothing: try the object's own call with NEAP_NOW, and be prepared that
 * somebody else was faster; then neap_watch_rearm, which makes the descriptor
 * unreadable unless the object can still be had. Do not read from it.
 *
 * One thread a process looks after all watches. It runs while there are any,
 * with all signals blocked.
 */
#ifndef NEAP_WATCH_H
#define NEAP_WATCH_H

#include "neap/heap.h"

#define NEAP_WATCHES_MAX 512 /* in one process */

typedef struct neap_watch neap_watch;

/**
 * Watch an object: a neap_event, neap_latch, neap_semaphore or neap_mutex,
 * whose handle may be closed meanwhile.
 *
 * Blocks: no. Crash: changes nothing; a wake that was another's is passed on.
 * Signals: none. Fork: in a child the watch becomes one of its own with the
 * first call of neap_watch_fd or neap_watch_rearm; until then its descriptor is
 * still the parent's.
 *
 * @return 0; -EMFILE, -ENFILE, -ENOMEM, -EAGAIN no more descriptors, memory or
 * threads; -ENOSPC NEAP_WATCHES_MAX; -EINVAL an object of another kind; -EIDRM.
 */
NEAP_API NEAP_MUST_CHECK
int neap_watch_open(void *object, neap_watch **ret_watch);
/** Closes the descriptor too; NULL is fine. */
NEAP_API void neap_watch_close(neap_watch *watch);
/** The descriptor, as long as the watch is open. */
NEAP_API int neap_watch_fd(neap_watch *watch);
/** Look again. @return 1 it can be had, or was dropped, and the descriptor is
 * readable; 0 it is not until that is so. */
NEAP_API int neap_watch_rearm(neap_watch *watch);
/** The name of the object. */
NEAP_API const char *neap_watch_name(neap_watch *watch);

#endif
