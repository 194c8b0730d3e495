/*
 * News that nobody can change: a memory file, sealed, given to a process over a
 * Unix socket.
 *
 *     cc 11_memfd.c $(pkg-config --cflags --libs neap)
 */
#include "example.h"

#include <sys/wait.h>


static void read_news(const char *path)
{
    neap_segment *news;
    neap_mapping *map;
    char word[6] = "";

    must(neap_segment_take(path, neap_deadline_after(10000000000), &news));
    must(neap_mapping_open(news, 0, 0, NEAP_PROT_READ, &map));
    must(neap_mapping_read_bytes(map, 0, 5, word));
    neap_mapping_close(map);
    printf("read %s, write %s\n", word, neap_status_name(
               neap_mapping_open(news, 0, 0, NEAP_PROT_WRITE, &map)));
    neap_segment_close(news);
    fflush(stdout);
}


int main(void)
{
    neap_segment *news;
    neap_mapping *map;

    pid_t reader = fork();              /* any other process will do */
    if (reader == 0) {
        read_news("11.sock");
        _exit(0);
    }
    must(neap_segment_create("memfd:news", 4096, 0, &news)); /* memfd_create */
    must(neap_mapping_open(news, 0, 0, NEAP_PROT_WRITE, &map));
    must(neap_mapping_write_bytes(map, 0, 5, "hello"));
    neap_mapping_close(map);
    must(neap_segment_seal(news, NEAP_SEAL_WRITE | NEAP_SEAL_GROW |
                                     NEAP_SEAL_SHRINK));      /* F_ADD_SEALS */
    must(neap_segment_give(news, "11.sock",
                           neap_deadline_after(10000000000))); /* SCM_RIGHTS */
    waitpid(reader, NULL, 0);
    printf("resize %s\n", neap_segment_resize(news, 8192) < 0 ? "refused"
                                                              : "done");
    neap_segment_close(news);
}
