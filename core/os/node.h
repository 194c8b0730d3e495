/*
 * Nodes of memory (NUMA). Where the kernel knows none there is node 0.
 * Functions return 0 or more, or -errno, and write no text.
 */
#ifndef NEAP_OS_NODE_H
#define NEAP_OS_NODE_H

#include "base/base.h"

enum { NEAP__NODES_MAX = 64 }; /* that we count: a bit each */

/* Those that have memory. */
uint64_t neap__nodes(void);

/* Bytes of a node. -ENOENT the kernel does not tell. */
int neap__node_memory(int node, uint64_t *ret_total, uint64_t *ret_free);

/* mbind(2): `placement` is enum neap_placement; pages that are there already
 * move, too. -EIO not all of them could; -EPERM; -ENOSYS. */
int neap__map_place(void *base, size_t length, int placement, uint64_t nodes);

/* On which node a page of a process is, 0 for this one; -ENOENT it is not in
 * memory; -EPERM; -ENOSYS. */
int neap__page_node(int32_t pid, uint64_t address);

#endif
