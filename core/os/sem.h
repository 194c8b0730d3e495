/*
 * The door to the operating system, continued: semaphores of System V and of
 * the C library. The same precondition as os.h: 0 or more, or -errno, no text.
 */
#ifndef NEAP_OS_SEM_H
#define NEAP_OS_SEM_H

#include "base/base.h"

/* -- sem.c: System V ------------------------------------------------------- */

struct neap__sem_facts {
    uint32_t count, mode, uid, gid;
    int64_t operated, changed; /* seconds since 1970 */
};

struct neap__sem_limits {
    uint64_t semmsl, semmns, semopm, semmni; /* of the kernel */
    uint64_t sets, semaphores;               /* in use */
};

struct neap__sem_change {
    uint16_t index;
    int16_t by;
    bool undo;
};

/* @return an id; -EEXIST; -EINVAL; -ENOSPC. */
int neap__sem_create(int32_t key, uint32_t count, uint32_t mode);
/* @return an id, of a set of at least so many; -ENOENT; -EINVAL. */
int neap__sem_find(int32_t key, uint32_t count);
int neap__sem_facts(int id, struct neap__sem_facts *ret);
int neap__sem_limits(struct neap__sem_limits *ret);
int neap__sem_remove(int id);

#define NEAP__SEM_CHANGES 500 /* SEMOPM where nobody raised it */

/* All at once. `deadline` is absolute; a signal ends it whatever its handler's
 * flags. @return 0; -EAGAIN it would wait, with NEAP_NOW, or did until the
 * deadline; -EINTR; -EIDRM; -EINVAL no such id. */
int neap__sem_apply(int id, const struct neap__sem_change *changes,
                    size_t count, int64_t deadline);

/* One value of it, and who is concerned; of semctl's commands. */
enum neap__sem_ask {
    NEAP__SEM_VALUE, NEAP__SEM_PID, NEAP__SEM_WAITING, NEAP__SEM_ZERO
};
int neap__sem_ask(int id, uint32_t index, enum neap__sem_ask what);

int neap__sem_set(int id, uint32_t index, int32_t value);
/* Of all of a set; `count` as many as it has. */
int neap__sem_set_all(int id, uint32_t count, uint16_t value);

/* -- sem_named.c: the C library's ------------------------------------------ */

/* `name` starts with a slash. @return 0; -EEXIST; -EINVAL; -ENAMETOOLONG. */
int neap__sem_named_create(const char *name, uint32_t mode, uint32_t initial,
                           void **ret_semaphore);
int neap__sem_named_open(const char *name, void **ret_semaphore);
void neap__sem_named_close(void *semaphore);
int neap__sem_named_unlink(const char *name);

/* @return 0; -EAGAIN; -ETIMEDOUT; -EINTR. */
int neap__sem_named_take(void *semaphore, int64_t deadline);
/* @return 0; -EOVERFLOW. */
int neap__sem_named_give(void *semaphore);
int neap__sem_named_value(void *semaphore);
/* Bytes of the file that is one. */
uint64_t neap__sem_named_size(void);

#endif
