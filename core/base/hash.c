/* See hash.h. Eight lanes with one multiplication each, so that they overlap:
 * it runs at the speed of memory. */
#include <string.h>

#include "base/hash.h"

#define LANES 8
#define PRIME1 UINT64_C(0x9e3779b185ebca87)
#define PRIME2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define PRIME3 UINT64_C(0x165667b19e3779f9)


static inline uint64_t rotated(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}


/* For a given lane a bijection of the word, and the other way round: a change
 * of one word always shows. */
static inline uint64_t mixed(uint64_t lane, uint64_t word)
{
    return rotated((lane ^ word) * PRIME1, 29);
}


static uint64_t finished(uint64_t hash)
{
    hash = (hash ^ hash >> 33) * PRIME2;
    hash = (hash ^ hash >> 29) * PRIME3;
    return hash ^ hash >> 32;
}


/* One step of all lanes; written out, for compilers leave the short loop as it
 * is and the lanes in memory. */
static inline void mix_all(uint64_t lanes[LANES], const char *at)
{
    uint64_t words[LANES];
    memcpy(words, at, sizeof words);
    lanes[0] = mixed(lanes[0], words[0]);
    lanes[1] = mixed(lanes[1], words[1]);
    lanes[2] = mixed(lanes[2], words[2]);
    lanes[3] = mixed(lanes[3], words[3]);
    lanes[4] = mixed(lanes[4], words[4]);
    lanes[5] = mixed(lanes[5], words[5]);
    lanes[6] = mixed(lanes[6], words[6]);
    lanes[7] = mixed(lanes[7], words[7]);
}


uint64_t neap__hash(const void *bytes, size_t length)
{
    uint64_t lanes[LANES];
    char last[LANES * sizeof *lanes] = {0};
    const char *at = bytes, *end = at + length;
    for (uint64_t lane = 0; lane < LANES; lane++)
        lanes[lane] = PRIME2 * (lane + 1);
    for (; (size_t)(end - at) >= sizeof last; at += sizeof last)
        mix_all(lanes, at);
    memcpy(last, at, (size_t)(end - at));
    mix_all(lanes, last);
    uint64_t hash = length;
    for (int lane = 0; lane < LANES; lane++)
        hash = mixed(hash, finished(lanes[lane]));
    return finished(hash);
}
