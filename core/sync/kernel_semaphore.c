/* Semaphores of the kernel and the C library: their making and end. */
#include "sync/kernel_semaphore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"

/* How long one who finds a set that nobody has used yet waits for its
 * values. */
#define BIRTH_TIME INT64_C(1000000000)
#define BIRTH_LOOK INT64_C(1000000)

/* The largest value of one of a set. */
#define SYSV_VALUE_MAX 32767


const char *neap__sem_name(const struct neap__address *address)
{
    return strrchr(address->path, '/') + 1;
}


void neap__sem_path(const char *name, char ret_path[PATH_MAX])
{
    snprintf(ret_path, PATH_MAX, "%s/" NEAP__SEM_PREFIX "%s",
             neap__shm_directory, name);
}


/* -- posix ----------------------------------------------------------------- */

/* The C library maps whatever file has that name, however short it is. */
static int check_file(const struct neap_kernel_semaphore *semaphore)
{
    struct neap__file_facts facts;
    char path[PATH_MAX];
    neap__sem_path(neap__sem_name(&semaphore->address), path);
    int status = neap__file_facts_of(path, true, &facts);
    if (status < 0)
        return status;
    if (!facts.regular || facts.size < neap__sem_named_size())
        return neap__fail(NEAP_ECORRUPT, "cannot open semaphore %s: %s is no "
                          "semaphore, for it has %llu bytes, and %llu make one",
                          semaphore->address.text, path,
                          (unsigned long long)facts.size,
                          (unsigned long long)neap__sem_named_size());
    return 0;
}


/* What the umask took away. */
static int set_mode(const struct neap_kernel_semaphore *semaphore,
                    uint32_t mode)
{
    char path[PATH_MAX];
    neap__sem_path(neap__sem_name(&semaphore->address), path);
    int fd = neap__file_open(path, true, false);
    if (fd < 0)
        return fd;
    int status = neap__file_chmod(fd, mode);
    neap__file_close(fd);
    return status;
}


static int create_named(struct neap_kernel_semaphore *semaphore,
                        const char *name,
                        const neap_kernel_semaphore_options *options)
{
    uint32_t mode = options->mode ? options->mode : 0600;
    /* Readable by its owner until it has its mode, or it could not get it. */
    int status = neap__sem_named_create(name, mode | 0400,
                                        (uint32_t)options->initial,
                                        &semaphore->named);
    if (status == -ENOENT) /* it was not looked for */
        return neap__fail(status, "cannot create semaphore %s: the C library "
                          "finds no %s that it can use; is a tmpfs mounted "
                          "there?", semaphore->address.text,
                          neap__shm_directory);
    if (status < 0)
        return status;
    status = set_mode(semaphore, mode);
    if (status == 0 || status == -ENOENT) /* somebody removed it */
        return NEAP_CREATED;
    neap__sem_named_unlink(name);
    neap__sem_named_close(semaphore->named);
    return status;
}


static int open_named(struct neap_kernel_semaphore *semaphore,
                      const neap_kernel_semaphore_options *options)
{
    char name[NAME_MAX + 2];
    snprintf(name, sizeof name, "/%s", neap__sem_name(&semaphore->address));
    for (;;) {
        int status = options->create ? create_named(semaphore, name, options)
                                     : -EEXIST;
        if (status != -EEXIST || options->exclusive)
            return status;
        status = check_file(semaphore);
        if (status == 0)
            status = neap__sem_named_open(name, &semaphore->named);
        if (status != -ENOENT || !options->create)
            return status;
    }
}


/* -- System V -------------------------------------------------------------- */

/* The sentence for what a limit of the kernel forbids. */
static int beyond_limit(int status, const struct neap__address *address,
                        uint32_t count)
{
    struct neap__sem_limits most;
    if (neap__sem_limits(&most) < 0)
        return neap__fail_why(status, "cannot create semaphore set %s: a limit "
                              "on System V semaphores (sysctl kernel.sem)",
                              address->text);
    const char *what = count > most.semmsl ? "first number, SEMMSL, of one set"
                     : most.sets >= most.semmni ? "fourth number, SEMMNI, of "
                                                  "sets"
                     : "second number, SEMMNS, of all";
    unsigned long long limit = count > most.semmsl ? most.semmsl
                             : most.sets >= most.semmni ? most.semmni
                             : most.semmns;
    return neap__fail(status, "cannot create semaphore set %s of %u: the %s, "
                      "allows %llu, and there are %llu sets with %llu "
                      "semaphores; remove what is no longer used (neap ls "
                      "--semaphores, neap rm --semaphores), or root raises it "
                      "in sysctl kernel.sem", address->text, count, what, limit,
                      (unsigned long long)most.sets,
                      (unsigned long long)most.semaphores);
}


/* One operation that changes nothing marks the set as made: sem_otime. */
static int mark_made(int id)
{
    const struct neap__sem_change up_and_down[] = {{0, 1, false},
                                                   {0, -1, false}};
    const struct neap__sem_change down_and_up[] = {{0, -1, false},
                                                   {0, 1, false}};
    int status = neap__sem_apply(id, up_and_down, 2, NEAP_NOW);
    return status == -ERANGE ? neap__sem_apply(id, down_and_up, 2, NEAP_NOW)
                             : status;
}


static int create_set(struct neap_kernel_semaphore *semaphore,
                      const neap_kernel_semaphore_options *options)
{
    uint32_t count = options->count ? options->count : 1;
    int id = neap__sem_create(semaphore->address.key, count,
                              options->mode ? options->mode : 0600);
    if (id == -ENOSPC || (id == -EINVAL && count > 1))
        return beyond_limit(id, &semaphore->address, count);
    if (id < 0)
        return id;
    int status = 0;
    if (options->initial)
        status = neap__sem_set_all(id, count, (uint16_t)options->initial);
    if (status == 0)
        status = mark_made(id);
    if (status < 0) {
        neap__sem_remove(id);
        return status;
    }
    semaphore->id = id;
    return NEAP_CREATED;
}


/* Wait until a set that may just be being made has its values. A program that
 * marks nothing is waited for in vain, once. */
static int await_birth(int id)
{
    _Atomic uint32_t never = 0;
    struct neap__sem_facts facts;
    int64_t until = neap_now() + BIRTH_TIME;
    for (;;) {
        int status = neap__sem_facts(id, &facts);
        if (status < 0 || facts.operated || neap_now() >= until)
            return status == -EACCES ? 0 : status;
        neap__futex_wait(&never, 0, neap_now() + BIRTH_LOOK);
    }
}


static int find_set(struct neap_kernel_semaphore *semaphore,
                    const neap_kernel_semaphore_options *options)
{
    int id = neap__sem_find(semaphore->address.key, options->count);
    if (id == -EINVAL)
        return neap__fail(id, "cannot open semaphore set %s with %u semaphores: "
                          "it has fewer", semaphore->address.text,
                          options->count);
    int status = id < 0 ? id : options->create ? await_birth(id) : 0;
    if (status == -EINVAL || status == -EIDRM)
        return -ENOENT; /* removed since */
    if (status == 0)
        semaphore->id = id;
    return status;
}


static int open_set(struct neap_kernel_semaphore *semaphore,
                    const neap_kernel_semaphore_options *options)
{
    int status;
    do {
        status = options->create ? create_set(semaphore, options) : -EEXIST;
        if (status == -EEXIST && !options->exclusive)
            status = find_set(semaphore, options);
    } while (status == -ENOENT && options->create);

    struct neap__sem_facts facts;
    if (status >= 0)
        semaphore->count = neap__sem_facts(semaphore->id, &facts) == 0
                               ? facts.count
                               : options->count ? options->count : 1;
    return status;
}


/* -- both ------------------------------------------------------------------ */

static int check_options(const struct neap__address *address,
                         const neap_kernel_semaphore_options *options)
{
    bool posix = address->kind == NEAP_KIND_POSIX;
    int64_t most = posix ? INT32_MAX : SYSV_VALUE_MAX;
    if (!posix && address->kind != NEAP_KIND_SYSV)
        return neap__fail(-ENOTSUP, "cannot open %s as a semaphore: the kernel "
                          "has posix and sysv ones only", address->text);
    if (options->initial < 0 || options->initial > most)
        return neap__fail(-EINVAL, "cannot open semaphore %s with the value "
                          "%lld: it holds 0 to %lld", address->text,
                          (long long)options->initial, (long long)most);
    if (posix && options->undo)
        return neap__fail(-ENOTSUP, "cannot open semaphore %s with undo: posix "
                          "ones have none; a set has (sysv:KEY), and so do a "
                          "heap's own", address->text);
    if (posix && options->count > 1)
        return neap__fail(-EINVAL, "cannot open semaphore %s as %u: a posix one "
                          "is alone; a set has many (sysv:KEY)", address->text,
                          options->count);
    if (options->count > UINT16_MAX)
        return neap__fail(-EINVAL, "cannot open a semaphore set of %u: no set "
                          "has more than 65535", options->count);
    return neap__mode_check(address, options->mode);
}


/* The sentence, where none is written yet. */
static int open_failed(int status, const struct neap__address *address)
{
    if (status == NEAP_ECORRUPT || *neap_error_text())
        return status;
    switch (status) {
    case -ENOENT:
        return neap__fail(status, "cannot open semaphore %s: there is none; to "
                          "make it, create it", address->text);
    case -EEXIST:
        return neap__fail(status, "cannot create semaphore %s: it exists",
                          address->text);
    case -EACCES:
        return neap__fail(status, "cannot open semaphore %s: its mode does not "
                          "let you", address->text);
    default:
        return neap__fail_why(status, "cannot open semaphore %s",
                              address->text);
    }
}


int neap_kernel_semaphore_open(const char *address,
                               const neap_kernel_semaphore_options *options,
                               neap_kernel_semaphore **ret_semaphore)
{
    static const neap_kernel_semaphore_options none;
    struct neap_kernel_semaphore *semaphore = malloc(sizeof *semaphore);
    if (!semaphore)
        return neap__fail_why(-ENOMEM, "cannot open semaphore %.200s",
                              address ? address : "");
    *semaphore = (struct neap_kernel_semaphore){.id = -1, .count = 1};
    options = options ? options : &none;

    int status = neap__address_parse(address, &semaphore->address);
    if (status == 0)
        status = check_options(&semaphore->address, options);
    if (status == 0) {
        neap__error_forget();
        status = semaphore->address.kind == NEAP_KIND_POSIX
                     ? open_named(semaphore, options)
                     : open_set(semaphore, options);
        if (status < 0)
            status = open_failed(status, &semaphore->address);
    }
    if (status < 0) {
        free(semaphore);
        return status;
    }
    semaphore->undo = options->undo;
    *ret_semaphore = semaphore;
    return status;
}


void neap_kernel_semaphore_close(neap_kernel_semaphore *semaphore)
{
    if (!semaphore)
        return;
    if (semaphore->named)
        neap__sem_named_close(semaphore->named);
    free(semaphore);
}


static int unlink_it(const struct neap__address *address)
{
    char name[NAME_MAX + 2];
    if (address->kind == NEAP_KIND_POSIX) {
        snprintf(name, sizeof name, "/%s", neap__sem_name(address));
        return neap__sem_named_unlink(name);
    }
    int id = neap__sem_find(address->key, 0);
    int status = id < 0 ? id : neap__sem_remove(id);
    return status == -EINVAL || status == -EIDRM ? -ENOENT : status;
}


int neap_kernel_semaphore_unlink(const char *address)
{
    static const neap_kernel_semaphore_options none;
    struct neap__address a;
    int status = neap__address_parse(address, &a);
    if (status == 0)
        status = check_options(&a, &none);
    if (status < 0)
        return status;
    status = unlink_it(&a);
    if (status == -ENOENT)
        return neap__fail(status, "cannot unlink semaphore %s: it is gone "
                          "already", a.text);
    if (status == -EPERM || status == -EACCES)
        return neap__fail(-EACCES, "cannot unlink semaphore %s: you may not; "
                          "its owner or root may", a.text);
    return status < 0 ? neap__fail_why(status, "cannot unlink semaphore %s",
                                       a.text) : 0;
}
