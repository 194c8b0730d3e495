/* POSIX shared memory: files of /dev/shm, what shm_open opens. */
#include "memory/ops.h"

const struct neap__segment_ops neap__posix_ops = {
    .kind = NEAP_KIND_POSIX,
    .create = neap__descriptor_create,
    .open = neap__descriptor_open,
    .close = neap__descriptor_close,
    .status = neap__descriptor_status,
    .resize = neap__descriptor_resize,
    .punch = neap__descriptor_punch,
    .set_mode = neap__descriptor_set_mode,
    .set_owner = neap__descriptor_set_owner,
    .unlink = neap__descriptor_unlink,
    .unlink_address = neap__name_unlink,
    .map = neap__descriptor_map,
    .unmap = neap__map_remove,
};
