/*
 * An overlay: a file of 8 MiB through a zone of one, part by part; what is
 * looked at is loaded, and replaces what was used longest ago.
 *
 *     cc 13_overlay.c $(pkg-config --cflags --libs neap)
 */
#include "example.h"

enum { COUNT = 1 << 20 }; /* numbers of 8 bytes */


/* One frame after the other. */
static int64_t go_through(neap_overlay *overlay, bool write)
{
    uint64_t frame = neap_overlay_frame_size(overlay);
    int64_t sum = 0;

    for (uint64_t at = 0; at < COUNT * 8; at += frame) {
        void *part;
        must(neap_overlay_at(overlay, at, frame, write, &part)); /* MAP_FIXED */
        int64_t *numbers = part;
        for (uint64_t i = 0; i < frame / 8; i++) {
            if (write)
                numbers[i] = (int64_t)(at / 8 + i + 1);
            sum += numbers[i];
        }
    }
    return sum;
}


static int64_t *number(neap_overlay *overlay, uint64_t n)
{
    void *number;
    must(neap_overlay_at(overlay, (n - 1) * 8, 8, true, &number));
    return number;
}


int main(void)
{
    neap_segment *file;
    neap_overlay *overlay;
    neap_overlay_options options = {.zone = 1 << 20, .frames = 4};
    neap_overlay_stats stats;

    must(neap_segment_create("file:13.bin", COUNT * 8, 0600, &file));
    must(neap_overlay_open(file, &options, &overlay));

    go_through(overlay, true);
    printf("%d numbers, sum %lld\n", COUNT,
           (long long)go_through(overlay, false));

    *number(overlay, COUNT / 2) = 0;
    long long middle = *number(overlay, COUNT / 2);
    printf("number %d is %lld, number %d is %lld\n", COUNT / 2, middle, COUNT,
           (long long)*number(overlay, COUNT));

    neap_overlay_look(overlay, &stats);
    printf("%llu parts were loaded into %u frames\n",
           (unsigned long long)stats.loads, stats.frames);

    neap_overlay_close(overlay);
    must(neap_segment_unlink(file));
    neap_segment_close(file);
}
