/*
 * The door to the operating system, continued: faults in memory of ours.
 */
#ifndef NEAP_OS_FAULT_H
#define NEAP_OS_FAULT_H

#include "base/base.h"
#include "neap/guard.h"

/*
 * Guard these addresses from now on. `name` stays as long as that; `spoiled` is
 * set when a page of it was replaced. With `once` that is told only the first
 * time. `unit`: how many bytes are mapped of one piece, and lost with it.
 * @return its number, for neap__fault_forget; -ENOMEM.
 */
int neap__fault_watch(const void *base, size_t length, size_t unit,
                      const char *name, _Atomic bool *spoiled, bool once);

/* Before they are unmapped. Fine with a number below 0. */
void neap__fault_forget(int number);

/* Called in the handler too, for the layers above. */
extern neap_fault_hook *_Atomic neap__fault_inside;

/* The first number that stands for an address, or -1: for tests. */
int neap__fault_find(const void *address);

#endif
