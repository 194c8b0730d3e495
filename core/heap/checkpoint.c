/*
 * Taking a checkpoint, see neap/checkpoint.h and image.h.
 *
 *     caller              forked helper
 *     fork, wait          copy every block that is not zero; remember the hash
 *                           of each page
 *                         pass the gate: nobody takes a slot or gives one up
 *     (stands still)      all who have the heap mapped for writing stand still
 *                         hash all pages again; keep those that differ
 *     (goes on)           they go on; the gate is free
 *                         write what was kept, the index, the header; fsync
 *                         the new file takes the name of the old one
 *
 * I1 What is in the file is the memory as it was at one instant during the
 *    pause: pages that changed before it differ in their hash, and nothing
 *    changes during it.
 * I2 Whoever holds a slot stands still, or there is no checkpoint: one who is
 *    not seen in /proc, as from within a container, would go on writing. Who
 *    opens the heap maps it and then passes the gate, so it was seen, or waits.
 * I3 If the helper dies, everybody goes on (os/still.h), and the file, which
 *    had no name yet, is gone.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "heap/checkpoint.h"
#include "heap/image.h"
#include "os/file.h"
#include "os/process.h"
#include "os/zstd.h"
#include "recovery/gate.h"

#define PATIENCE INT64_C(5000000000) /* nanoseconds for all to stop */
#define TELL_EVERY 100               /* milliseconds */


/* -- blocks --------------------------------------------------------------- */

static uint64_t block_of(uint64_t page)
{
    return page / NEAP__IMAGE_PAGES;
}


/* A copy first: the memory may change between the hash and the write. */
static int copy_block(struct neap__taking *t, uint64_t block)
{
    char bytes[NEAP__IMAGE_BLOCK];
    uint64_t first = block * NEAP__IMAGE_PAGES, any = 0;
    uint64_t end = first + NEAP__IMAGE_PAGES < t->pages
                       ? first + NEAP__IMAGE_PAGES : t->pages;
    memcpy(bytes, t->heap->base + first * NEAP__IMAGE_PAGE,
           (end - first) * NEAP__IMAGE_PAGE);
    memset(bytes + (end - first) * NEAP__IMAGE_PAGE, 0,
           sizeof bytes - (end - first) * NEAP__IMAGE_PAGE);
    for (uint64_t page = first; page < end; page++)
        any |= t->hashes[page] = neap__image_page_hash(
            bytes + (page - first) * NEAP__IMAGE_PAGE);
    if (!any && !t->places[block])
        return 0;
    return neap__taking_store(t, block, bytes);
}


/* -- runs of data --------------------------------------------------------- */

/* Call `look` for each run of pages that may not be zero; holes are not to be
 * touched, for that would fill them. */
static int each_run(struct neap__taking *t, neap__look *look)
{
    uint64_t end = t->pages * NEAP__IMAGE_PAGE;
    int status = 0;
    if (t->heap->fd < 0)
        return look(t, 0, t->pages);
    for (uint64_t at = 0; status == 0 && at < end;) {
        int64_t data = neap__file_next_data(t->heap->fd, at);
        if (data < 0 || (uint64_t)data >= end)
            return data == -ENXIO || data >= 0 ? 0 : (int)data;
        int64_t hole = neap__file_next_hole(t->heap->fd, (uint64_t)data);
        at = hole < 0 || (uint64_t)hole > end ? end : (uint64_t)hole;
        status = look(t, (uint64_t)data / NEAP__IMAGE_PAGE,
                      (at + NEAP__IMAGE_PAGE - 1) / NEAP__IMAGE_PAGE);
    }
    return status;
}


static int copy_run(struct neap__taking *t, uint64_t from, uint64_t to)
{
    int status = 0;
    for (uint64_t block = block_of(from); status == 0 && block <= block_of(to - 1);
         block++) {
        status = copy_block(t, block);
        atomic_store(&t->told->done,
                     (block + 1) * (uint64_t)NEAP__IMAGE_BLOCK);
    }
    return status;
}


/* -- the pause ------------------------------------------------------------ */

/* One page that may have changed meanwhile. */
static int keep_if_changed(struct neap__taking *t, uint64_t page)
{
    const char *bytes = t->heap->base + page * NEAP__IMAGE_PAGE;
    uint64_t hash = neap__image_page_hash(bytes);
    if (hash == t->hashes[page])
        return 0;
    t->hashes[page] = hash;
    uint64_t kept = atomic_fetch_add(&t->kept, 1);
    if (kept >= t->room)
        return -ENOMEM;
    t->kept_pages[kept] = page;
    memcpy(t->kept_bytes + kept * NEAP__IMAGE_PAGE, bytes, NEAP__IMAGE_PAGE);
    return 0;
}


static int compare_run(struct neap__taking *t, uint64_t from, uint64_t to)
{
    return neap__taking_share(t, from, to, keep_if_changed);
}


/* Slots whose owner was not made to stand still. */
static int check_all_stand(struct neap__taking *t)
{
    struct neap_sh_header *header = neap__header(t->heap);
    uint32_t high = atomic_load(&header->slots_high);
    for (uint32_t i = 0; i < high; i++) {
        struct neap_sh_slot *slot = neap__slot_at(t->heap, i);
        if (neap__life_look(&slot->life) != NEAP__LIFE_ALIVE)
            continue;
        pid_t pid = (pid_t)atomic_load(&slot->pid);
        bool seen = slot->pid_namespace == neap__pid_namespace()
                        ? neap__still_has(&t->still, pid)
                        : neap__still_sees(&t->still, slot->pid_namespace);
        if (!seen)
            return neap__fail(-EPERM, "heap %s: process %d of another container "
                              "uses it and cannot be made to stand still; take "
                              "the checkpoint where all its users are seen",
                              t->heap->address.text, (int)pid);
    }
    return 0;
}


static int stop_all(struct neap__taking *t)
{
    int stopped = neap__still_stop(&t->still, neap_deadline_after(PATIENCE));
    if (stopped < 0)
        return neap__fail_why(stopped, "heap %s: process %d cannot be made to "
                              "stand still for a checkpoint",
                              t->heap->address.text, (int)t->still.culprit);
    t->told->report.stopped = (uint32_t)stopped;
    return check_all_stand(t);
}


static int check_all_stood(struct neap__taking *t)
{
    int held = neap__still_holds(&t->still);
    if (held < 0)
        return neap__fail_why(held, "heap %s: cannot see whether process %d "
                              "stands still", t->heap->address.text,
                              (int)t->still.culprit);
    return held ? 0 : neap__fail(-EAGAIN, "heap %s: process %d was let go while "
                                 "it was to stand still for a checkpoint; take "
                                 "it again", t->heap->address.text,
                                 (int)t->still.culprit);
}


/* The heap may have grown. */
static int compare_all(struct neap__taking *t)
{
    uint64_t size = atomic_load(&neap__header(t->heap)->size);
    t->pages = size / NEAP__IMAGE_PAGE;
    t->told->report.size = size;
    return each_run(t, compare_run);
}


/* @return 0; -ENOMEM too much has changed, and hashes tell of what is kept; a
 * status with its text. */
static int pause_and_compare(struct neap__taking *t)
{
    int gate = neap__gate_enter(t->heap);
    if (gate < 0)
        return gate;
    int status = t->nobody_writes ? 0 : stop_all(t);
    int64_t began = t->still.began ? t->still.began : neap_now();
    if (status == 0)
        status = compare_all(t);
    if (status == 0)
        status = check_all_stood(t);
    neap__still_end(&t->still);
    t->told->report.pause = neap_now() - began;
    neap__gate_leave(t->heap, gate);
    return status;
}


/* -- the file ------------------------------------------------------------- */

static void describe(struct neap__taking *t, struct neap__image *image)
{
    const struct neap_sh_header *header = neap__header(t->heap);
    memset(image, 0, sizeof *image);
    memcpy(image->magic, NEAP__IMAGE_MAGIC, sizeof image->magic);
    image->byte_order = NEAP_SH_BYTE_ORDER;
    image->version = NEAP__IMAGE_VERSION;
    image->layout_version = NEAP_LAYOUT_VERSION;
    image->kind = (uint32_t)t->heap->address.kind;
    image->size = t->told->report.size;
    image->taken = (int64_t)time(NULL);
    memcpy(image->uuid, header->uuid, sizeof image->uuid);
    gethostname(image->host, sizeof image->host - 1);
    snprintf(image->address, sizeof image->address, "%.*s",
             (int)sizeof image->address - 1, t->heap->address.text);
}


static int sync_file(const struct neap__taking *t)
{
    return t->in_memory ? 0 : neap__file_sync(t->fd);
}


static int finish_file(struct neap__taking *t)
{
    struct neap__image image;
    describe(t, &image);
    int status = neap__taking_store_kept(t);
    if (status == 0)
        status = neap__taking_store_index(t, &image);
    if (status == 0)
        status = sync_file(t);
    image.hash = neap__image_hash(&image);
    if (status == 0)
        status = neap__file_write(t->fd, 0, &image, sizeof image);
    return status < 0 ? status : sync_file(t);
}


static int publish(struct neap__taking *t, struct neap__birth *birth)
{
    int there = neap__image_replaceable(t->target.path);
    int status = there == -ENOENT ? neap__birth_publish(birth)
                 : there == 0     ? neap__birth_replace(birth) : there;
    if (status == 0) {
        char *slash = strrchr(t->target.path, '/');
        slash[slash == t->target.path] = '\0';
        (void)neap__directory_sync(t->target.path);
    }
    return status;
}


/* -- the helper ----------------------------------------------------------- */

/* Too much has changed for what was set aside: once more, with more room. */
static int copy_and_compare(struct neap__taking *t)
{
    int status = each_run(t, copy_run);
    for (int i = 0; status == 0 && i < 3; i++) {
        status = neap__taking_make_room(t);
        if (status == 0 && !t->nobody_writes)
            status = neap__still_find(&t->still, t->heap->base, false);
        if (status == 0)
            status = pause_and_compare(t);
        if (status != -ENOMEM)
            break;
        t->room = t->pages;
        status = each_run(t, copy_run);
    }
    return status;
}


static int fill_file(struct neap__taking *t)
{
    t->pages = atomic_load(&neap__header(t->heap)->size) / NEAP__IMAGE_PAGE;
    int status = neap__taking_begin(t);
    if (status == 0)
        status = copy_and_compare(t);
    if (status == 0)
        status = finish_file(t);
    if (status == -ENOSPC || status == -EDQUOT)
        status = neap__no_room(status, t->fd, t->target.text,
                               t->pages * NEAP__IMAGE_PAGE);
    else if (status < 0 && !*neap_error_text())
        status = neap__fail_why(status, "cannot write checkpoint %s",
                                t->target.text);
    return status;
}


static int take(struct neap__taking *t)
{
    struct neap__birth birth;
    if (t->in_memory)
        return fill_file(t);
    int status = neap__birth_begin(&t->target, t->mode, &birth);
    if (status < 0)
        return status;
    t->fd = birth.fd;
    status = fill_file(t);
    if (status == 0)
        status = publish(t, &birth);
    if (status < 0)
        neap__birth_abort(&birth);
    return status;
}


_Noreturn static void help(struct neap__taking *t, pid_t parent)
{
    signal(SIGINT, SIG_IGN); /* the caller decides */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    neap__error_forget();
    t->told->status = take(t);
    snprintf(t->told->text, sizeof t->told->text, "%s", neap_error_text());
    atomic_store(&t->told->finished, true);
    _exit(0);
}


/* -- the caller ----------------------------------------------------------- */

/* Until the helper ends: its end of the pipe closes then. */
static int await(const struct neap__taking *t, int pipe_end,
                 const neap_checkpoint_options *options)
{
    struct pollfd end = {.fd = pipe_end, .events = POLLIN};
    for (;;) {
        int n = poll(&end, 1, TELL_EVERY);
        if (n > 0)
            return 0;
        if (n < 0)
            return -errno;
        if (options->progress &&
            options->progress(options->context, atomic_load(&t->told->done),
                              neap__header(t->heap)->size))
            return -ECANCELED;
    }
}


/* It may have been done just before it was told to end. */
static int result_of(const struct neap__taking *t, int status)
{
    bool finished = atomic_load(&t->told->finished);
    if (status < 0 && !finished)
        return neap__fail_why(status, "no checkpoint %s was written",
                              t->target.text);
    if (!finished)
        return neap__fail(-EIO, "no checkpoint %s was written: the process that "
                          "did it was killed", t->target.text);
    return t->told->status < 0 ? neap__fail(t->told->status, "%s",
                                            t->told->text) : 0;
}


static int run_helper(struct neap__taking *t,
                      const neap_checkpoint_options *options)
{
    int ends[2];
    pid_t parent = getpid();
    if (pipe(ends) < 0)
        return result_of(t, -errno);
    pid_t helper = fork();
    if (helper == 0) {
        close(ends[0]);
        help(t, parent);
    }
    close(ends[1]);
    int status = helper < 0 ? -errno : 0;
    if (status == 0) {
        neap__still_allow(helper);
        status = await(t, ends[0], options);
        if (status < 0)
            kill(helper, SIGKILL);
        while (waitpid(helper, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    return result_of(t, status);
}


static int read_target(struct neap__taking *t, const char *path)
{
    char text[PATH_MAX + 8];
    if (!path || !*path)
        return neap__fail(-EINVAL, "a checkpoint needs the path of a file");
    if (snprintf(text, sizeof text, "file:%s", path) >= (int)sizeof text)
        return neap__fail(-ENAMETOOLONG, "cannot write a checkpoint: the path "
                          "is longer than %d bytes", PATH_MAX);
    int status = neap__address_parse(text, &t->target);
    if (status == 0)
        status = neap__image_replaceable(t->target.path);
    return status == -ENOENT ? 0 : status;
}


static int64_t begin(struct neap__taking *t, neap_heap *heap,
                     const neap_checkpoint_options *options)
{
    t->heap = heap;
    t->mode = options->mode ? options->mode : 0600;
    t->level = options->compress;
    t->nobody_writes = options->nobody_writes;
    t->still.lifeline = -1;
    t->told = mmap(NULL, sizeof *t->told, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return t->told == MAP_FAILED ? -errno : neap_now();
}


/* Loaded here, not in the helper: a fork of many threads may not load. */
static int check_compress(const struct neap__taking *t, int32_t level)
{
    if (level < 0 || level > NEAP__ZSTD_LEVEL_MOST)
        return neap__fail(-EINVAL, "a checkpoint cannot be compressed at level "
                          "%d; 1, the fastest, to %d can, 0 is not at all",
                          level, NEAP__ZSTD_LEVEL_MOST);
    if (level && neap__zstd_load() < 0)
        return neap__fail(-ENOSYS, "cannot compress checkpoint %s: there is no "
                          "libzstd.so.1 here; install it (libzstd1), or take "
                          "the checkpoint uncompressed", t->target.text);
    return 0;
}


static int run(struct neap__taking *t, neap_heap *heap,
               const neap_checkpoint_options *options,
               neap_checkpoint_report *ret_report)
{
    static const neap_checkpoint_options defaults;
    options = options ? options : &defaults;
    int status = check_compress(t, options->compress);
    if (status < 0)
        return status;
    int64_t began = begin(t, heap, options);
    if (began < 0)
        return neap__fail_why((int)began, "cannot take a checkpoint of heap %s",
                              heap->address.text);
    status = run_helper(t, options);
    if (status == 0 && ret_report) {
        *ret_report = t->told->report;
        ret_report->took = neap_now() - began;
    }
    munmap(t->told, sizeof *t->told);
    return status;
}


int neap_heap_checkpoint(neap_heap *heap, const char *path,
                         const neap_checkpoint_options *options,
                         neap_checkpoint_report *ret_report)
{
    struct neap__taking *t = calloc(1, sizeof *t);
    int status = t ? read_target(t, path)
                   : neap__fail_why(-ENOMEM, "cannot take a checkpoint of heap "
                                    "%s", heap->address.text);
    if (status == 0)
        status = run(t, heap, options, ret_report);
    free(t);
    return status;
}


int neap__checkpoint_to(neap_heap *heap, int fd, const char *label,
                        const neap_checkpoint_options *options)
{
    struct neap__taking *t = calloc(1, sizeof *t);
    if (!t)
        return neap__fail_why(-ENOMEM, "cannot take a %s of heap %s", label,
                              heap->address.text);
    t->in_memory = true;
    t->fd = fd;
    snprintf(t->target.text, sizeof t->target.text, "(%s of %.300s)", label,
             heap->address.text);
    int status = run(t, heap, options, NULL);
    free(t);
    return status;
}
