/* Where the blocks of a checkpoint go in its file, see checkpoint.h. */
#include <stdlib.h>
#include <string.h>

#include "heap/checkpoint.h"
#include "os/file.h"
#include "os/zstd.h"

#define SYNC_EVERY (UINT64_C(16) << 20) /* bytes: the disk has its share */


static struct neap__image_block *entry_of(struct neap__taking *t,
                                          uint64_t block)
{
    if (!t->places[block]) {
        t->index[t->blocks].number = block;
        t->places[block] = ++t->blocks;
    }
    return &t->index[t->places[block] - 1];
}


/* A place for so many bytes: the one it has, or another at the end. */
static void take_place(struct neap__taking *t, struct neap__image_block *entry,
                       uint64_t length)
{
    if (length > entry->length) {
        entry->place = t->end;
        t->end += length;
    }
    entry->length = length;
}


static void sync_some(struct neap__taking *t)
{
    if (t->end - t->synced < SYNC_EVERY)
        return;
    neap__file_sync_soon(t->fd, t->synced, t->end - t->synced);
    t->synced = t->end;
}


int neap__taking_store(struct neap__taking *t, uint64_t block,
                       const void *bytes)
{
    char packed[NEAP__IMAGE_BLOCK];
    struct neap__image_block *entry = entry_of(t, block);
    size_t length = t->level ? neap__zstd_pack(bytes, NEAP__IMAGE_BLOCK, packed,
                                               sizeof packed, t->level) : 0;
    take_place(t, entry, length ? length : NEAP__IMAGE_BLOCK);
    int status = neap__file_write(t->fd, entry->place,
                                  length ? packed : bytes, entry->length);
    sync_some(t);
    return status;
}


/* -- what had changed in the pause ---------------------------------------- */

static uint64_t block_of_kept(const struct neap__taking *t, uint64_t kept)
{
    return t->kept_pages[kept] / NEAP__IMAGE_PAGES;
}


static const char *bytes_of_kept(const struct neap__taking *t, uint64_t kept)
{
    return t->kept_bytes + kept * NEAP__IMAGE_PAGE;
}


/* The rest of a block that was not there is zero, as a hole in the file. */
static int write_page(struct neap__taking *t, uint64_t kept)
{
    struct neap__image_block *entry = entry_of(t, block_of_kept(t, kept));
    take_place(t, entry, NEAP__IMAGE_BLOCK);
    return neap__file_write(t->fd, entry->place +
                                       t->kept_pages[kept] % NEAP__IMAGE_PAGES *
                                           NEAP__IMAGE_PAGE,
                            bytes_of_kept(t, kept), NEAP__IMAGE_PAGE);
}


static int compare_pages(const void *a, const void *b, void *taking)
{
    const uint64_t *pages = ((struct neap__taking *)taking)->kept_pages;
    uint64_t x = pages[*(const uint64_t *)a], y = pages[*(const uint64_t *)b];
    return (x > y) - (x < y);
}


/* One block, of which the pages order[0] to order[n - 1] had changed. */
static int store_again(struct neap__taking *t, const uint64_t *order,
                       uint64_t n)
{
    char bytes[NEAP__IMAGE_BLOCK] = {0};
    uint64_t block = block_of_kept(t, order[0]);
    int status = t->places[block]
                     ? neap__image_load(t->fd, t->target.text,
                                        entry_of(t, block), bytes) : 0;
    for (uint64_t i = 0; i < n; i++)
        memcpy(bytes + t->kept_pages[order[i]] % NEAP__IMAGE_PAGES *
                           NEAP__IMAGE_PAGE,
               bytes_of_kept(t, order[i]), NEAP__IMAGE_PAGE);
    return status < 0 ? status : neap__taking_store(t, block, bytes);
}


static int store_all_again(struct neap__taking *t)
{
    int status = 0;
    uint64_t *order = malloc((t->kept + 1) * sizeof *order);
    if (!order)
        return -ENOMEM;
    for (uint64_t i = 0; i < t->kept; i++)
        order[i] = i;
    qsort_r(order, t->kept, sizeof *order, compare_pages, t);
    for (uint64_t i = 0, n = 1; status == 0 && i < t->kept; i += n, n = 1) {
        while (i + n < t->kept && block_of_kept(t, order[i + n]) ==
                                      block_of_kept(t, order[i]))
            n++;
        status = store_again(t, order + i, n);
    }
    free(order);
    return status;
}


int neap__taking_store_kept(struct neap__taking *t)
{
    int status = 0;
    t->told->report.changed = t->kept * NEAP__IMAGE_PAGE;
    if (t->level)
        return store_all_again(t);
    for (uint64_t i = 0; status == 0 && i < t->kept; i++)
        status = write_page(t, i);
    return status;
}


/* -- the index ------------------------------------------------------------ */

int neap__taking_store_index(struct neap__taking *t, struct neap__image *image)
{
    image->stored = 0;
    for (uint64_t i = 0; i < t->blocks; i++) {
        t->index[i].hash = neap__image_block_hash(
            t->hashes + t->index[i].number * NEAP__IMAGE_PAGES);
        image->stored += t->index[i].length;
    }
    image->packed = t->level != 0;
    image->blocks = t->blocks;
    image->index = t->end;
    image->index_hash = neap__image_index_hash(t->index, t->blocks);
    t->told->report.stored = image->stored;
    return neap__file_write(t->fd, image->index, t->index,
                            t->blocks * sizeof *t->index);
}
