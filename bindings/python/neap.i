/*
 * The Python binding: check, call, push. One small file a noun; the manners
 * (numpy, keyword arguments, pickling, workers) are Python, in neap/.
 *
 * Every handle is a struct whose first member, `core`, is the C handle: NULL
 * once it was closed. The typemaps of status.i look at it before each call.
 */
%module _neap

%begin %{
/* A table of types of our own: SWIG would share it with every other extension
 * in the process, and a second `Counter` somewhere would become ours. */
#define SWIG_TYPE_TABLE neap
/* Newer SWIGs would make heap types, which are slower to call. */
#define SWIG_NO_HEAPTYPES
%}

%{
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "neap.h"
%}

%include "status.i"
%include "wait.i"
%include "value.i"
%include "fast.i"
%include "segment.i"
%include "array.i"
%include "maps.i"
%include "overlay.i"
%include "mapping.i"
%include "handle.i"
%include "counter.i"
%include "mutex.i"
%include "semaphore.i"
%include "event.i"
%include "condition.i"
%include "rwlock.i"
%include "barrier.i"
%include "once.i"
%include "any.i"
%include "watch.i"
%include "kernel_semaphore.i"
%include "locks.i"
%include "snapshot.i"
%include "heap.i"
%include "fault.i"
%include "process.i"
%include "team.i"
%include "module.i"
%include "hot.i"
