/** How public functions are marked. Hidden by default, NEAP_API to show. */
#ifndef NEAP_API_H
#define NEAP_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef SWIG
#define NEAP_API
#define NEAP_MUST_CHECK
#else
#define NEAP_API __attribute__((visibility("default")))
#define NEAP_MUST_CHECK __attribute__((warn_unused_result))
#endif

#endif
