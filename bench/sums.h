/* A file's bytes, summed: through a mapping of all of it, and with read(). */
#ifndef NEAP_BENCH_SUMS_H
#define NEAP_BENCH_SUMS_H

#include <sys/mman.h>
#include <unistd.h>

#include "ours.h"

static inline uint64_t sum_words(const uint64_t *words, size_t bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes / sizeof *words; i++)
        sum += words[i];
    return sum;
}


static inline void sum_mapped(int fd, size_t bytes, long n)
{
    for (long i = 0; i < n; i++) {
        void *base = mmap(NULL, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE,
                          fd, 0);
        BENCH_MUST(base == MAP_FAILED ? -1 : 0);
        uint64_t sum = sum_words(base, bytes);
        BENCH_USED(sum);
        munmap(base, bytes);
    }
}


static inline void sum_read(int fd, size_t bytes, long n)
{
    static uint64_t buffer[16384];
    for (long i = 0; i < n; i++) {
        uint64_t sum = 0;
        for (size_t at = 0; at < bytes; at += sizeof buffer) {
            BENCH_MUST(pread(fd, buffer, sizeof buffer, (off_t)at));
            sum += sum_words(buffer, sizeof buffer);
        }
        BENCH_USED(sum);
    }
}


/* Each word is its number. */
static inline void fill_words(neap_segment *segment, size_t bytes)
{
    neap_mapping *mapping;
    BENCH_OURS(neap_mapping_open(segment, 0, 0, NEAP_PROT_WRITE, &mapping));
    uint64_t *words = neap_mapping_data(mapping);
    for (size_t i = 0; i < bytes / sizeof *words; i++)
        words[i] = i;
    neap_mapping_close(mapping);
}

#endif
