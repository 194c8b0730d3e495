/*
 * On which nodes of memory the pages of mappings are.
 *
 * For shared memory the kernel keeps what is asked for with the pages' file: it
 * is true for all who map that part, and outlives the mapping.
 */
#include <stdio.h>

#include "memory/access.h"
#include "neap/system.h"
#include "os/node.h"


int neap_node_at(uint32_t n, neap_node *ret_node)
{
    uint64_t nodes = neap__nodes();
    for (int node = 0; node < NEAP__NODES_MAX; node++) {
        if (!(nodes >> node & 1) || n-- > 0)
            continue;
        *ret_node = (neap_node){.node = node};
        int status = neap__node_memory(node, &ret_node->total,
                                       &ret_node->free);
        (void)status; /* zeros */
        return NEAP_MORE;
    }
    return 0;
}


static const char *nodes_text(uint64_t nodes, char *buffer, size_t size)
{
    size_t used = 0;
    for (int node = 0; node < NEAP__NODES_MAX && used < size; node++)
        if (nodes >> node & 1)
            used += (size_t)snprintf(buffer + used, size - used, "%s%d",
                                     used ? ", " : "", node);
    return buffer;
}


static int check(const struct neap_mapping *mapping, int placement,
                 uint64_t nodes)
{
    char asked[256], there[256];
    uint64_t known = neap__nodes();
    if (placement < NEAP_PLACE_DEFAULT || placement > NEAP_PLACE_INTERLEAVE)
        return neap__fail(-EINVAL, "cannot place a mapping with %d: there are "
                          "NEAP_PLACE_DEFAULT (0) to NEAP_PLACE_INTERLEAVE (%d)",
                          placement, NEAP_PLACE_INTERLEAVE);
    if ((placement == NEAP_PLACE_DEFAULT) != (nodes == 0))
        return neap__fail(-EINVAL, "cannot place a mapping of %s: %s",
                          mapping->address, nodes
                              ? "the default is without nodes"
                              : "on which nodes is not said");
    if (nodes & ~known)
        return neap__fail(-EINVAL, "cannot place a mapping of %s on node %s: "
                          "there is memory on node %s", mapping->address,
                          nodes_text(nodes & ~known, asked, sizeof asked),
                          nodes_text(known, there, sizeof there));
    if (placement == NEAP_PLACE_PREFER && (nodes & (nodes - 1)))
        return neap__fail(-EINVAL, "cannot place a mapping of %s: one node is "
                          "preferred, not several (%s)", mapping->address,
                          nodes_text(nodes, asked, sizeof asked));
    return 0;
}


int neap_mapping_place(neap_mapping *mapping, uint64_t offset, uint64_t length,
                       int placement, uint64_t nodes)
{
    void *base;
    size_t bytes;
    int status = neap__mapping_find(mapping, offset, length, &base, &bytes);
    if (status == 0)
        status = check(mapping, placement, nodes);
    if (status < 0)
        return status;
    status = neap__map_place(base, bytes, placement, nodes);
    if (status == -EIO)
        return neap__fail(status, "cannot move all pages of a mapping of %s: "
                          "some are mapped by other processes too, or locked; "
                          "those to come are placed", mapping->address);
    if (status == -EPERM)
        return neap__fail(status, "cannot place a mapping of %s: this process "
                          "may not (in containers mbind needs CAP_SYS_NICE)",
                          mapping->address);
    return status < 0 ? neap__fail_why(status, "cannot place a mapping of %s",
                                       mapping->address) : 0;
}
