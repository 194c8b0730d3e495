/*
 * A hash of 64 bits, for noticing changes and damage; words in the machine's
 * order. Not for names (heap/name.c has its own), and not against anybody who
 * means harm.
 */
#ifndef NEAP_HASH_H
#define NEAP_HASH_H

#include "base/base.h"

uint64_t neap__hash(const void *bytes, size_t length);

#endif
