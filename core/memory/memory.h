/*
 * What the core knows of segments below neap_segment: addresses, the birth and
 * the end of names, System V's calls. The heap layer stands on this, without a
 * segment handle.
 *
 * Functions return 0 or more, or -errno with its sentence written
 * (neap_error_text), unless their comment says that they write none.
 *
 * How a named file is born, for posix and file kinds:
 *
 *     neap__birth_begin     a file without a name, of the exact mode
 *     neap__set_aside       its memory; the caller fills it
 *     neap__birth_publish   the name appears, on a finished file, or -EEXIST
 *
 * A process killed on the way leaves nothing at all: the file had no name.
 * Where the file system cannot do that, the file has a name of the form
 * .neap-birth-PID-RANDOM and its maker holds a flock on it; the next birth in
 * that directory sweeps those whose maker died.
 */
#ifndef NEAP_MEMORY_H
#define NEAP_MEMORY_H

#include <limits.h>
#include <sys/types.h>

#include "base/base.h"
#include "neap/segment.h"
#include "os/file.h" /* neap__set_aside, struct neap__sysv_stat */

/* -- address.c ------------------------------------------------------------- */

struct neap__address {
    neap_kind kind;
    int32_t key;         /* sysv; never 0 */
    char path[PATH_MAX]; /* posix and file: absolute; memfd: its label */
    char text[PATH_MAX + 8]; /* canonical: fit for neap__address_parse in any
                                process, shortest spelling */
};

/* Where posix names live. Tests point it elsewhere; no slash at its end. */
extern const char *neap__shm_directory;

/*
 * Read an address. `ret` is untouched on failure.
 * @return 0; -EINVAL; -ENAMETOOLONG; -errno of getcwd for a relative path.
 */
int neap__address_parse(const char *text, struct neap__address *ret);

/* The same for what is known to be a posix name, as from a listing. */
int neap__address_of_posix_name(const char *name, struct neap__address *ret);

/* "sysv:5678", and "sysv:0" for a segment without a key. */
void neap__address_of_key(int32_t key, char *ret_text, size_t size);

/* @return 0; -EINVAL for what has more than permission bits. */
int neap__mode_check(const struct neap__address *address, uint32_t mode);

/* "1.5 MiB", for sentences. `buffer` takes 32 bytes and is returned. */
const char *neap__bytes_text(uint64_t bytes, char *buffer);

/* -- value.c --------------------------------------------------------------- */

/* The element at that address, aligned or not; `type` must be a type. */
neap_value neap__value_of(neap_type type, const void *element);

/* Store a value as an element, aligned or not. @return 0; -EINVAL the type
 * cannot hold it, with its range in the sentence; nothing is stored then. */
int neap__value_store(neap_type type, neap_value value, void *ret_element);

/* The sentence for what is no type. @return -EINVAL. */
int neap__value_no_type(neap_type type);

/* -- birth.c --------------------------------------------------------------- */

struct neap__birth {
    int fd; /* O_RDWR|O_CLOEXEC; the caller's after publish; -1 when aborted */
    const struct neap__address *address;
    char named[PATH_MAX]; /* "" for a file that has no name yet */
};

/* Tests: 1 makes every birth take the road of the named file; 2 does so as on a
 * file system without hard links. */
extern int neap__birth_force_named;

/*
 * `address` must outlive the birth. Mode is exact, whatever the umask; 0 means
 * 0600. @return 0; -ENOENT no such directory; -EACCES; -errno.
 */
int neap__birth_begin(const struct neap__address *address, uint32_t mode,
                      struct neap__birth *birth);

/*
 * Give the file its name. On success b->fd is the caller's to keep and close;
 * on any failure (-EEXIST the name is taken) the birth is still to be aborted.
 */
int neap__birth_publish(struct neap__birth *birth);

/* The same, in place of what has that name, in one step. Killed before, a
 * finished file of the form above may stay, for the next sweep. */
int neap__birth_replace(struct neap__birth *birth);

/* Drop the file. Fine after a failed begin or after publish (then no-op), and
 * twice. */
void neap__birth_abort(struct neap__birth *birth);

/* Remove the named births in `directory` whose makers died.
 * @return how many; -errno of reading it, no sentence. */
int neap__birth_sweep(const char *directory);

/*
 * The sentence for a status of neap__set_aside: for whom it was ("segment
 * sky"), how much was asked, how much is free and what to do about it.
 * @return `status`.
 */
int neap__no_room(int status, int fd, const char *whom, uint64_t asked);

/* -- listing.c ------------------------------------------------------------- */

/* What this machine has of something: the names in /dev/shm, then the lines of
 * a table of System V's, which may be missing. */
struct neap__listing {
    void *names; /* DIR */
    void *table; /* FILE, NULL where the kernel has none */
};

/* @return 0; -errno, with its text: cannot list `what`. */
int neap__listing_open(struct neap__listing *listing, const char *what,
                       const char *table);
void neap__listing_close(struct neap__listing *listing);

/* Does that name, or that line, stand for one of them, and is it still there?
 * Then it is described. */
typedef bool neap__describe(const char *text, void *ret_info);

/* @return NEAP_MORE and the next one; 0 at the end. */
int neap__listing_next(struct neap__listing *listing,
                       neap__describe *describe_name,
                       neap__describe *describe_line, void *ret_info);

/* -- name.c ---------------------------------------------------------------- */

/*
 * Open the file that an address of kind posix or file names: regular files
 * only, O_CLOEXEC, no blocking on what is none.
 * @return a descriptor; -ENOENT; -EACCES; -EINVAL not a regular file; -errno.
 */
int neap__name_open(const struct neap__address *address, bool read_only);

/*
 * Take the name away if it still means that file. No other neap process can
 * give the name another meaning between the look and the unlink: unlinkers
 * hold a flock on the directory, and creators never replace.
 * @return 0; -ENOENT gone, or the name of another file by now; -EACCES; -EBUSY
 * somebody has held the directory's lock for five seconds.
 */
int neap__name_unlink_if(const struct neap__address *address, dev_t dev,
                         ino_t ino);

/* The same whatever file it is. */
int neap__name_unlink(const struct neap__address *address);

/* -- sysv.c ---------------------------------------------------------------- */

/*
 * One lock for the births of System V heaps: a flock on /dev/shm itself, which
 * the kernel drops at its holder's death (a child that was forked meanwhile
 * shares it: should the holder die, the child has it until it execs or ends).
 * @return a descriptor for unlock; -EBUSY after five seconds; -errno.
 */
int neap__sysv_lock(void);
void neap__sysv_unlock(int lock);

/* shmget(IPC_CREAT|IPC_EXCL). @return 0; -EEXIST; -ENOSPC; -EINVAL; -ENOMEM. */
int neap__sysv_create(const struct neap__address *address, uint64_t size,
                      uint32_t mode, int *ret_id);

/* shmget of what is there, whatever its size. @return 0; -ENOENT; -EACCES. */
int neap__sysv_open(const struct neap__address *address, bool read_only,
                    int *ret_id);

/* Map the whole of it; at `where`, which must be free or reserved by the
 * caller's own mapping (it is replaced), or anywhere for NULL.
 * @return 0; -EACCES; -EIDRM; -ENOMEM. */
int neap__sysv_attach(int id, bool read_only, void *where, void **ret_base);
void neap__sysv_detach(void *base);

/* @return 0; -EIDRM it is gone; -EACCES. */
int neap__sysv_status(int id, struct neap__sysv_stat *ret_stat);

/* Change its permission bits, and nothing else. @return 0; -EIDRM; -EACCES. */
int neap__sysv_set_mode(int id, uint32_t mode);

/* IPC_RMID. @return 0; -ENOENT it is gone; -EACCES. */
int neap__sysv_remove(int id);

#endif
