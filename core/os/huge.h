/*
 * Huge pages that root has set aside (hugetlbfs): a pool for each size. Other
 * than transparent ones they are there or not, and never swapped.
 * Functions return 0 or more, or -errno, and write no text.
 */
#ifndef NEAP_OS_HUGE_H
#define NEAP_OS_HUGE_H

#include "base/base.h"

/* Bytes of a huge page when nobody says which; 0 the kernel has none. */
uint64_t neap__huge_default(void);

/* The sizes that there are pools of, small ones first. @return how many. */
int neap__huge_pools(uint64_t *ret_pages, int most);

/* Of a pool: its pages, and those that are neither used nor promised. */
void neap__huge_count(uint64_t page, uint64_t *ret_total, uint64_t *ret_free);

/* As neap__memfd_create, without any page yet. -ENODEV no such size. */
int neap__huge_memfd(const char *label, uint64_t page);

/* As neap__shm_create, all pages set aside. -ENOMEM too few; -EPERM; -EINVAL no
 * such size. */
int neap__huge_shm(int32_t key, uint64_t size, uint32_t mode, uint64_t page);

/* Of what size the pages of a file are. */
uint64_t neap__file_page(int fd);

/* Of what size those of a shared mapping are, which has just been made. */
uint64_t neap__map_page(void *base, uint64_t length);

#endif
