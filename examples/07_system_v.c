/*
 * System V shared memory, step by step: a key that stands for a file, a
 * segment of that key, and what becomes of it when it is removed in use.
 *
 *     cc 07_system_v.c $(pkg-config --cflags --libs neap)
 */
#include "example.h"

#include <string.h>


int main(int argc, char **argv)
{
    const char *file = argc > 1 ? argv[1] : "/etc/passwd";
    char address[32];
    int32_t key;
    neap_segment *segment, *other;
    neap_mapping *map, *theirs;
    neap_segment_stat stat;

    must(neap_ftok(file, 42, &key));                        /* ftok */
    snprintf(address, sizeof address, "sysv:%d", key);
    must(neap_segment_create(address, 4096, 0600, &segment)); /* shmget */
    must(neap_mapping_open(segment, 0, 0, NEAP_PROT_WRITE, &map)); /* shmat */
    must(neap_mapping_write_bytes(map, 0, 5, "hello"));

    /* Whoever knows the file finds the segment; this one may only look. */
    char word[6] = "";
    must(neap_segment_open(address, true, &other));
    must(neap_mapping_open(other, 0, 0, NEAP_PROT_READ, &theirs));
    must(neap_mapping_read_bytes(theirs, 0, 5, word));
    printf("read %s, write %s\n", word,
           neap_status_name(neap_mapping_write_bytes(theirs, 0, 1, "J")));

    must(neap_segment_unlink(segment));             /* shmctl(IPC_RMID) */
    must(neap_segment_status(segment, &stat));      /* shmctl(IPC_STAT) */
    printf("removed: %s, attached: %d\n", stat.removed ? "yes" : "no",
           (int)stat.attached);

    neap_mapping_close(theirs);                     /* shmdt */
    neap_mapping_close(map);                        /* the last: it is gone */
    printf("%s\n", neap_status_name(neap_segment_status(segment, &stat)));
    neap_segment_close(other);
    neap_segment_close(segment);
}
