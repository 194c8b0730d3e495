/* Reading the file of a checkpoint, see image.h. */
#include "heap/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "os/file.h"
#include "os/zstd.h"


uint64_t neap__image_page_hash(const void *page)
{
    static const char zeros[NEAP__IMAGE_PAGE];
    static _Atomic uint64_t of_zeros;
    uint64_t zero = atomic_load_explicit(&of_zeros, memory_order_relaxed);
    if (!zero) {
        zero = neap__hash(zeros, sizeof zeros);
        atomic_store_explicit(&of_zeros, zero, memory_order_relaxed);
    }
    return neap__hash(page, NEAP__IMAGE_PAGE) - zero;
}


uint64_t neap__image_block_hash(const uint64_t pages[NEAP__IMAGE_PAGES])
{
    return neap__hash(pages, NEAP__IMAGE_PAGES * sizeof *pages);
}


uint64_t neap__image_index_hash(const struct neap__image_block *index,
                                uint64_t count)
{
    return neap__hash(index, count * sizeof *index);
}


uint64_t neap__image_hash(const struct neap__image *image)
{
    struct neap__image copy = *image;
    copy.hash = 0;
    return neap__hash(&copy, sizeof copy);
}


/* -- what is there -------------------------------------------------------- */

static int read_at(int fd, const char *path, uint64_t offset, void *bytes,
                   size_t length)
{
    ssize_t n = neap__file_read(fd, offset, bytes, length);
    if (n < 0)
        return neap__fail_why((int)n, "cannot read checkpoint %s", path);
    if ((size_t)n < length)
        return neap__fail(NEAP_ECORRUPT, "checkpoint %s is cut short: %llu "
                          "bytes are missing; take another copy of it", path,
                          (unsigned long long)(length - (size_t)n));
    return 0;
}


static bool is_magic(const char *magic)
{
    return memcmp(magic, NEAP__IMAGE_MAGIC, 8) == 0;
}


int neap__image_replaceable(const char *path)
{
    char magic[8] = {0};
    int fd = neap__file_open(path, true, true);
    if (fd == -ENOENT)
        return fd;
    ssize_t n = fd < 0 ? fd : neap__file_read(fd, 0, magic, sizeof magic);
    if (fd >= 0)
        neap__file_close(fd);
    if (n < 0 && n != -EISDIR && n != -EINVAL && n != -ENXIO)
        return neap__fail_why((int)n, "cannot look at %s, which is to be "
                              "replaced by a checkpoint", path);
    if (n == 8 && is_magic(magic))
        return 0;
    return neap__fail(-EEXIST, "cannot write a checkpoint to %s: something else "
                      "is there, which stays; remove it, or choose another "
                      "name", path);
}


static int damaged(const char *path, const char *what)
{
    return neap__fail(NEAP_ECORRUPT, "checkpoint %s is damaged: %s; take "
                      "another copy of it", path, what);
}


static int check_version(const char *path, const struct neap__image *image)
{
    if (image->byte_order != NEAP_SH_BYTE_ORDER)
        return neap__fail(NEAP_ELAYOUT, "checkpoint %s comes from a machine of "
                          "the other byte order; restore it on one like that",
                          path);
    if (image->version != NEAP__IMAGE_VERSION ||
        image->layout_version != NEAP_LAYOUT_VERSION)
        return neap__fail(NEAP_ELAYOUT, "checkpoint %s was taken by a neap of "
                          "another layout (format %u, layout %u; here %u, %u); "
                          "restore it with that neap", path, image->version,
                          image->layout_version, NEAP__IMAGE_VERSION,
                          NEAP_LAYOUT_VERSION);
    return 0;
}


static int check_header(const char *path, const struct neap__image *image)
{
    if (!is_magic(image->magic))
        return neap__fail(NEAP_EFOREIGN, "%s is not a checkpoint of a heap",
                          path);
    int status = check_version(path, image);
    if (status < 0)
        return status;
    if (neap__image_hash(image) != image->hash)
        return damaged(path, "its header does not match its checksum");
    uint64_t most = image->size / NEAP__IMAGE_BLOCK + 1;
    if (image->size % NEAP__IMAGE_PAGE || image->size < NEAP_SH_HEADER_SIZE ||
        image->blocks > most ||
        image->index < NEAP__IMAGE_PAGE)
        return damaged(path, "its sizes contradict each other");
    if (image->packed && neap__zstd_load() < 0)
        return neap__fail(-ENOSYS, "checkpoint %s is compressed, and there is "
                          "no libzstd.so.1 here; install it (libzstd1)", path);
    return 0;
}


static bool lies_within(const struct neap__image *image,
                        const struct neap__image_block *block)
{
    return block->number < neap__round_up(image->size, NEAP__IMAGE_BLOCK) /
                               NEAP__IMAGE_BLOCK &&
           block->length >= 1 && block->length <= NEAP__IMAGE_BLOCK &&
           (block->length == NEAP__IMAGE_BLOCK || image->packed) &&
           block->place >= NEAP__IMAGE_PAGE && block->place < image->index &&
           block->length <= image->index - block->place;
}


static int read_index(int fd, const char *path, const struct neap__image *image,
                      struct neap__image_block **ret_index)
{
    size_t bytes = (size_t)image->blocks * sizeof **ret_index;
    struct neap__image_block *index = malloc(bytes + 1);
    if (!index)
        return neap__fail_why(-ENOMEM, "cannot read checkpoint %s", path);
    int status = read_at(fd, path, image->index, index, bytes);
    if (status == 0 &&
        neap__image_index_hash(index, image->blocks) != image->index_hash)
        status = damaged(path, "its index does not match its checksum");
    for (uint64_t i = 0; status == 0 && i < image->blocks; i++)
        if (!lies_within(image, &index[i]))
            status = damaged(path, "a block lies past the end");
    if (status < 0)
        free(index);
    else
        *ret_index = index;
    return status;
}


int neap__image_load(int fd, const char *path,
                     const struct neap__image_block *block, void *bytes)
{
    char packed[NEAP__IMAGE_BLOCK];
    bool whole = block->length == NEAP__IMAGE_BLOCK;
    int status = read_at(fd, path, block->place, whole ? bytes : packed,
                         block->length);
    if (status == 0 && !whole &&
        !neap__zstd_unpack(packed, block->length, bytes, NEAP__IMAGE_BLOCK))
        status = damaged(path, "a block cannot be unpacked");
    return status;
}


int neap__image_read(int fd, const char *path,
                     const struct neap__image_block *block, void *bytes)
{
    uint64_t pages[NEAP__IMAGE_PAGES];
    int status = neap__image_load(fd, path, block, bytes);
    if (status < 0)
        return status;
    for (uint64_t page = 0; page < NEAP__IMAGE_PAGES; page++)
        pages[page] = neap__image_page_hash((char *)bytes +
                                            page * NEAP__IMAGE_PAGE);
    return neap__image_block_hash(pages) == block->hash
               ? 0 : damaged(path, "a block does not match its checksum");
}


static int check_blocks(int fd, const char *path,
                        const struct neap__image *image,
                        const struct neap__image_block *index)
{
    char *bytes = malloc(NEAP__IMAGE_BLOCK);
    int status = bytes ? 0 : neap__fail_why(-ENOMEM, "cannot read checkpoint "
                                            "%s", path);
    for (uint64_t i = 0; status == 0 && i < image->blocks; i++)
        status = neap__image_read(fd, path, &index[i], bytes);
    free(bytes);
    return status;
}


int neap__image_open(const char *path, struct neap__image *image,
                     struct neap__image_block **ret_index)
{
    int fd = neap__file_open(path, true, true);
    if (fd < 0)
        return neap__fail_why(fd, "cannot open checkpoint %s", path);
    memset(image, 0, sizeof *image);
    ssize_t n = neap__file_read(fd, 0, image, sizeof *image);
    int status = n < 0 ? neap__fail_why((int)n, "cannot read checkpoint %s",
                                        path)
                       : check_header(path, image);
    if (status == 0)
        status = read_index(fd, path, image, ret_index);
    if (status == 0) {
        status = check_blocks(fd, path, image, *ret_index);
        if (status < 0)
            free(*ret_index);
    }
    if (status < 0)
        neap__file_close(fd);
    return status < 0 ? status : fd;
}


int neap_checkpoint_look(const char *path, neap_checkpoint_info *ret_info)
{
    struct neap__image image;
    struct neap__image_block *index;
    int fd = neap__image_open(path, &image, &index);
    if (fd < 0)
        return fd;
    free(index);
    neap__file_close(fd);
    *ret_info = (neap_checkpoint_info){
        .kind = (neap_kind)image.kind,
        .size = image.size,
        .stored = image.stored,
        .taken = image.taken,
    };
    neap__uuid_text(image.uuid, ret_info->uuid);
    memcpy(ret_info->host, image.host, sizeof image.host);
    memcpy(ret_info->address, image.address, sizeof image.address);
    return 0;
}
