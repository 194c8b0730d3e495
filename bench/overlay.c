/*
 * A file through a zone much smaller than itself, against read() and against a
 * mapping of all of it.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sums.h"

const char bench_noun[] = "overlay";

enum { FILE_SIZE = 256 << 20, ZONE = 64 << 20, FRAMES = 8 };

static char address[128], path[128];
static neap_segment *segment;
static neap_overlay *overlay;
static uint64_t *whole;
static int fd;


static void begin_with(bool copy, uint64_t zone)
{
    neap_overlay_options options = {.zone = zone, .frames = FRAMES,
                                    .copy = copy, .read_only = true};
    snprintf(path, sizeof path, "/tmp/%.90s", bench_name());
    snprintf(address, sizeof address, "file:%.110s", path);
    BENCH_OURS(neap_segment_create(address, FILE_SIZE, 0600, &segment));
    fill_words(segment, FILE_SIZE);
    fd = neap_segment_descriptor(segment);
    BENCH_OURS(neap_overlay_open(segment, &options, &overlay));
}


static void begin_shared(void)
{
    begin_with(false, ZONE);
}


static void begin_copy(void)
{
    begin_with(true, FRAMES * (128 << 10));
}


static void end(void)
{
    neap_overlay_close(overlay);
    BENCH_OURS(neap_segment_unlink(segment));
    neap_segment_close(segment);
}


static void sum_ours(long n)
{
    uint64_t frame = neap_overlay_frame_size(overlay);
    for (long i = 0; i < n; i++) {
        uint64_t sum = 0;
        for (uint64_t at = 0; at < FILE_SIZE; at += frame) {
            void *part;
            BENCH_OURS(neap_overlay_at(overlay, at, frame, false, &part));
            sum += sum_words(part, frame);
        }
        BENCH_USED(sum);
    }
}


static void all_mapped(long n)
{
    sum_mapped(fd, FILE_SIZE, n);
}


static void all_read(long n)
{
    sum_read(fd, FILE_SIZE, n);
}

/* -- words here and there -------------------------------------------------- */

static uint64_t somewhere(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (*seed >> 33) % (FILE_SIZE / 8) * 8;
}


/* In a part of the file that the zone holds. */
static void look_ours(long n)
{
    uint64_t seed = 1, sum = 0;
    for (long i = 0; i < n; i++) {
        void *word;
        BENCH_OURS(neap_overlay_at(overlay, somewhere(&seed) % ZONE, 8, false,
                                   &word));
        sum += *(uint64_t *)word;
    }
    BENCH_USED(sum);
}


static void begin_whole(void)
{
    whole = mmap(NULL, FILE_SIZE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    BENCH_MUST(whole == MAP_FAILED ? -1 : 0);
}


static void look_read(long n)
{
    uint64_t seed = 1, sum = 0;
    for (long i = 0; i < n; i++) {
        uint64_t word;
        BENCH_MUST(pread(fd, &word, 8, (off_t)(somewhere(&seed) % ZONE)));
        sum += word;
    }
    BENCH_USED(sum);
}


static void look_mapped(long n)
{
    uint64_t seed = 1, sum = 0;
    for (long i = 0; i < n; i++)
        sum += whole[somewhere(&seed) % ZONE / 8];
    BENCH_USED(sum);
}


static void end_whole(void)
{
    munmap(whole, FILE_SIZE);
}


void bench_rows(void)
{
    const struct bench_subject shared[] = {
        {"neap", begin_shared, sum_ours, end},
        {"bare mmap of all", NULL, all_mapped, NULL},
        {"read() in 128 KiB", NULL, all_read, NULL},
    };
    const struct bench_subject copy[] = {
        {"neap", begin_copy, sum_ours, end},
        {"bare mmap of all", NULL, all_mapped, NULL},
        {"read() in 128 KiB", NULL, all_read, NULL},
    };
    const struct bench_subject looks[] = {
        {"neap", begin_shared, look_ours, end},
        {"bare mmap of all", begin_whole, look_mapped, end_whole},
        {"read() of each", NULL, look_read, NULL},
    };

    bench_row("sum 256 MiB in parts, shared", "ns", shared, 3);
    bench_row("sum 256 MiB in parts, copied", "ns", copy, 3);
    bench_row("a word in the zone", "ns", looks, 3);
}
