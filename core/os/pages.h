/*
 * Pages of files: giving them back, and mapping a range larger than the file.
 * Functions return 0 or -errno and write no text.
 */
#ifndef NEAP_OS_PAGES_H
#define NEAP_OS_PAGES_H

#include "os/os.h"

/* Give whole pages of the file back to the kernel; they then read as zero.
 * Both numbers are multiples of the page. @return 0; -EOPNOTSUPP; -errno. */
int neap__pages_punch(int fd, uint64_t offset, uint64_t length);

/*
 * Map `*length` bytes of the file shared, far beyond its end if need be; where
 * the process may not have so many addresses, half as many, again and again,
 * but no fewer than `least`. @return 0 with the address; -ENOMEM; -errno.
 */
int neap__pages_reserve(int fd, bool read_only, uint64_t least,
                        uint64_t *length, void **ret_address);

void neap__pages_unmap(void *address, uint64_t length);

/*
 * How many pages of a shared mapping are in memory and in other page tables
 * too. To learn it, those that are in memory are put in ours. @return 0;
 * -ENOSYS a kernel before 5.14; -errno of reading /proc.
 */
int neap__pages_of_others(void *base, uint64_t length, uint64_t *ret_pages);

/* Write dirty pages of a mapping to the file's disk. @return 0; -errno. */
int neap__pages_sync(void *address, uint64_t length);

/* The machine's boot, as two words; zeros where it cannot be told. */
void neap__boot_id(uint64_t ret_id[2]);

#endif
