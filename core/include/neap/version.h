/**
 * Three numbers that are never mixed: the version of the interface (semantic),
 * the version of the binary interface (the soname), and the version of the
 * layout in shared memory (in every heap's header).
 */
#ifndef NEAP_VERSION_H
#define NEAP_VERSION_H

#include "neap/api.h"

#define NEAP_VERSION_MAJOR 0
#define NEAP_VERSION_MINOR 1
#define NEAP_VERSION_PATCH 0
#define NEAP_VERSION "0.1.0"
#define NEAP_ABI_VERSION 0
#define NEAP_LAYOUT_VERSION 1

/** The version of the library in use, such as "0.1.0". Never fails. */
NEAP_API const char *neap_version(void);

#endif
