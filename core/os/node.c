/* Nodes of memory, see node.h. The calls have no wrapper in the C library. */
#include "os/node.h"

#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "neap/mapping.h"

#define NODES "/sys/devices/system/node/"


/* "0-1,4" */
static uint64_t read_list(const char *text)
{
    uint64_t nodes = 0;
    while (*text >= '0' && *text <= '9') {
        char *end;
        unsigned long first = strtoul(text, &end, 10), last = first;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (unsigned long n = first; n <= last && n < NEAP__NODES_MAX; n++)
            nodes |= UINT64_C(1) << n;
        text = *end == ',' ? end + 1 : end;
    }
    return nodes;
}


uint64_t neap__nodes(void)
{
    char text[256] = "";
    FILE *file = fopen(NODES "has_memory", "re");
    uint64_t nodes = file && fgets(text, sizeof text, file) ? read_list(text)
                                                            : 0;
    if (file)
        fclose(file);
    return nodes ? nodes : 1;
}


int neap__node_memory(int node, uint64_t *ret_total, uint64_t *ret_free)
{
    char path[64], line[256];
    unsigned long long kib;
    bool found = false;
    snprintf(path, sizeof path, NODES "node%d/meminfo", node);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "Node %*d MemTotal: %llu", &kib) == 1) {
            *ret_total = kib << 10;
            found = true;
        } else if (sscanf(line, "Node %*d MemFree: %llu", &kib) == 1) {
            *ret_free = kib << 10;
        }
    }
    if (file)
        fclose(file);
    return found ? 0 : -ENOENT;
}


int neap__map_place(void *base, size_t length, int placement, uint64_t nodes)
{
    static const int mode_of[] = {
        [NEAP_PLACE_DEFAULT] = MPOL_DEFAULT,
        [NEAP_PLACE_BIND] = MPOL_BIND,
        [NEAP_PLACE_PREFER] = MPOL_PREFERRED,
        [NEAP_PLACE_INTERLEAVE] = MPOL_INTERLEAVE,
    };
    unsigned flags = placement == NEAP_PLACE_DEFAULT ? 0 : MPOL_MF_MOVE;
    if (placement == NEAP_PLACE_BIND)
        flags |= MPOL_MF_STRICT;
    /* The kernel looks at one bit less than it is told of. */
    return syscall(SYS_mbind, base, length, mode_of[placement], &nodes,
                   NEAP__NODES_MAX + 1UL, flags) < 0 ? -errno : 0;
}


int neap__page_node(int32_t pid, uint64_t address)
{
    void *page = (void *)(uintptr_t)address;
    int node = -ENOENT;
    if (syscall(SYS_move_pages, pid, 1UL, &page, NULL, &node, 0) < 0)
        return -errno;
    return node;
}
