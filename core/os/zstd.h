/*
 * Compression by libzstd (RFC 8878), which is looked for when it is asked for:
 * neap needs it for nothing else, and runs without it. What is called is among
 * what libzstd promises not to change.
 */
#ifndef NEAP_OS_ZSTD_H
#define NEAP_OS_ZSTD_H

#include "base/base.h"

#define NEAP__ZSTD_LEVEL_MOST 22

/* Before all others, and before a fork whose child is to use it. @return 0;
 * -ENOSYS it is not installed. */
int neap__zstd_load(void);

/* @return how many bytes of `to` it takes; 0 it does not become smaller. */
size_t neap__zstd_pack(const void *from, size_t length, void *to, size_t room,
                       int level);

/* @return whether `from` holds exactly `length` bytes, which `to` then has. */
bool neap__zstd_unpack(const void *from, size_t packed, void *to,
                       size_t length);

#endif
