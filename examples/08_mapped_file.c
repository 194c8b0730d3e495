/*
 * A mapped file: what is written to memory is in the file, it grows while it
 * is mapped, a private view keeps its changes to itself, a hole costs nothing.
 *
 *     cc 08_mapped_file.c $(pkg-config --cflags --libs neap)
 */
#include "example.h"

enum { PAGE = 4096 };


int main(void)
{
    neap_segment *file;
    neap_mapping *map, *more, *mine;
    neap_mapping_options private = {.size = sizeof private,
                                    .flags = NEAP_MAPPING_PRIVATE};
    char word[6] = "";
    FILE *plain;

    must(neap_segment_create("file:08.bin", 2 * PAGE, 0600, &file)); /* open */
    must(neap_mapping_open(file, 0, 0, NEAP_PROT_WRITE, &map));      /* mmap */
    must(neap_mapping_write_bytes(map, 0, 5, "hello"));
    must(neap_mapping_sync(map, false));                             /* msync */
    plain = fopen("08.bin", "r");
    if (!plain || fread(word, 1, 5, plain) != 5)
        return 1;
    fclose(plain);
    printf("the file says %s\n", word);

    must(neap_segment_resize(file, 4 * PAGE));                    /* ftruncate */
    must(neap_mapping_open(file, 3 * PAGE, 5, NEAP_PROT_WRITE, &more));
    must(neap_mapping_write_bytes(more, 0, 5, "grown"));

    must(neap_mapping_open_with(file, NEAP_PROT_WRITE, &private, &mine));
    must(neap_mapping_write_bytes(mine, 0, 5, "mine!"));       /* MAP_PRIVATE */
    must(neap_mapping_read_bytes(map, 0, 5, word));
    printf("others still see %s\n", word);

    must(neap_segment_punch(file, 0, PAGE));        /* FALLOC_FL_PUNCH_HOLE */
    printf("first byte %d, last word %.5s\n",
           *(char *)neap_mapping_data(map), (char *)neap_mapping_data(more));

    neap_mapping_close(mine);                                       /* munmap */
    neap_mapping_close(more);
    neap_mapping_close(map);
    must(neap_segment_unlink(file));                                /* unlink */
    neap_segment_close(file);
}
