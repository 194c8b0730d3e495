/*
 * Memory without a name, shared with children alone; a part of it is locked
 * away by the processor's memory protection.
 *
 *     cc 09_anonymous_over_fork.c $(pkg-config --cflags --libs neap)
 */
#include "example.h"

#include <sys/wait.h>

enum { PAGE = 4096 };


int main(void)
{
    neap_segment *segment;
    neap_mapping *map;

    must(neap_segment_create("anonymous:", 2 * PAGE, 0, &segment)); /* mmap */
    must(neap_mapping_open(segment, 0, 0, NEAP_PROT_WRITE, &map));
    neap_segment_close(segment);
    int *numbers = neap_mapping_data(map);

    numbers[0] = 20;
    if (fork() == 0) {                              /* the same memory */
        numbers[0] += 22;
        _exit(0);
    }
    wait(NULL);
    printf("the child made it %d\n", numbers[0]);

    must(neap_mapping_protect_part(map, PAGE, PAGE, NEAP_PROT_READ));
    int status = neap_mapping_write_bytes(map, PAGE, 1, "x");   /* mprotect */
    printf("first page: %s, second page: %s\n",
           neap_status_name(neap_mapping_write_bytes(map, 0, 1, "x")),
           neap_status_name(status));
    neap_mapping_close(map);                        /* munmap: it is gone */
}
