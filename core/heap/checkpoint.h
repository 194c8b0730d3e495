/* A checkpoint on its way, in the helper. See checkpoint.c. */
#ifndef NEAP_HEAP_CHECKPOINT_H
#define NEAP_HEAP_CHECKPOINT_H

#include "heap/image.h"
#include "memory/memory.h"
#include "os/still.h"

/* What the helper tells the caller; shared memory. */
struct neap__told {
    neap_checkpoint_report report;
    _Atomic uint64_t done;
    _Atomic bool finished;
    int status;
    char text[1024];
};

struct neap__taking {
    struct neap_heap *heap;
    struct neap__address target; /* in memory: for sentences alone */
    bool in_memory;            /* the file is `fd`, and has no name */
    uint32_t mode;
    bool nobody_writes;
    struct neap__told *told;
    struct neap__still still;
    int fd;
    uint64_t pages;            /* of the heap, now */
    uint64_t most;             /* that it can ever have */
    uint64_t *hashes;          /* of each page as it is in the file */
    uint64_t *places;          /* of each block: 1 + which one of the file */
    struct neap__image_block *index;
    uint64_t blocks;           /* in the file */
    uint64_t end;              /* of them there, */
    uint64_t synced;           /* on their way to the disk so far */
    int32_t level;             /* of compression, 0 none */
    _Atomic uint64_t kept;     /* pages that had changed, in the pause */
    uint64_t room;             /* for how many */
    uint64_t *kept_pages;
    char *kept_bytes;
};

typedef int neap__look(struct neap__taking *t, uint64_t from, uint64_t to);
typedef int neap__look_at_page(struct neap__taking *t, uint64_t page);

/* -- checkpoint.c ---------------------------------------------------------- */

/* The same as neap_heap_checkpoint, to an empty file of nobody else's. */
int neap__checkpoint_to(neap_heap *heap, int fd, const char *label,
                        const neap_checkpoint_options *options);

/* -- storing.c: the file --------------------------------------------------- */

/* A block of the heap to the file, once more too. @return 0; -errno. */
int neap__taking_store(struct neap__taking *t, uint64_t block,
                       const void *bytes);

/* The pages that were kept in the pause. @return 0; -ENOMEM; -errno. */
int neap__taking_store_kept(struct neap__taking *t);

/* The index after all blocks, and what the header says of it. */
int neap__taking_store_index(struct neap__taking *t, struct neap__image *image);

/* -- taking.c: its memory and its threads ---------------------------------- */

/* Tables for as large as the heap can grow. @return 0; -ENOMEM. */
int neap__taking_begin(struct neap__taking *t);

/* Room for pages that change, there before the pause begins; `room` says for
 * how many, 0 for an eighth of all. @return 0; -ENOMEM. */
int neap__taking_make_room(struct neap__taking *t);

/* Look at all those pages, with a thread for each processor: in the pause
 * nobody else needs them. @return 0; the first failure. */
int neap__taking_share(struct neap__taking *t, uint64_t from, uint64_t to,
                       neap__look_at_page *look);

#endif
