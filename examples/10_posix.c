/*
 * POSIX shared memory, step by step: made once, opened by name, resized, and
 * unlinked while in use.
 *
 *     cc 10_posix.c $(pkg-config --cflags --libs neap)
 */
#include "example.h"


int main(void)
{
    char name[40], word[6] = "";
    neap_segment *segment, *other;
    neap_mapping *map, *theirs;
    neap_segment_stat stat;

    snprintf(name, sizeof name, "example-10-%ld", (long)getpid());
    must(neap_segment_create(name, 4096, 0640, &segment));    /* shm_open */
    printf("a second time: %s\n",                             /* O_EXCL */
           neap_status_name(neap_segment_create(name, 1, 0, &other)));
    must(neap_segment_resize(segment, 8192));                 /* ftruncate */
    must(neap_segment_status(segment, &stat));                /* fstat */
    printf("%d bytes, mode %04o\n", (int)stat.size, stat.mode);

    must(neap_mapping_open(segment, 0, 0, NEAP_PROT_WRITE, &map)); /* mmap */
    must(neap_segment_open(name, true, &other));
    must(neap_mapping_open(other, 0, 0, NEAP_PROT_READ, &theirs));
    must(neap_segment_unlink(segment));                       /* shm_unlink */
    must(neap_mapping_write_bytes(map, 8000, 5, "still"));
    must(neap_mapping_read_bytes(theirs, 8000, 5, word));
    printf("%s shared, by name %s\n", word,
           neap_status_name(neap_unlink(name)));

    neap_mapping_close(theirs);                               /* munmap */
    neap_mapping_close(map);
    neap_segment_close(other);                                /* close */
    neap_segment_close(segment);
}
