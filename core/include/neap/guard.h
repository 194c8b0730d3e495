/**
 * The guard: an access to mapped memory that is not there, or not allowed, as
 * an error instead of a death by SIGBUS or SIGSEGV.
 *
 * A file that another program makes shorter takes the pages away under those
 * who have it mapped, and the next access is a SIGBUS. With the guard on, the
 * process gets pages of zeros of its own in their place, the access goes
 * through, and what happened is told: the file, the byte, the address. The
 * mapping is spoiled then: what is written to it reaches nobody, so its checked
 * functions and the heap's refuse with -ESTALE. Close it and map the file
 * again. An access that the protection forbids (a store to what is read-only,
 * through a bare pointer) gets a copy of the page in the same way, and the
 * segment is not changed.
 *
 * Only neap's own mappings, heaps and overlays are guarded. All other faults,
 * and signals that somebody sends, go to the handler that was there before.
 *
 * In C it is off until it is asked for; the bindings of Lua and Python turn it
 * on when they are loaded, unless NEAP_GUARD=0 is in the environment, and make
 * an error of it in the language.
 */
#ifndef NEAP_GUARD_H
#define NEAP_GUARD_H

#include "neap/status.h"

/**
 * Turn it on or off, for the whole process. Whoever installs handlers of these
 * signals afterwards and does not call the older ones takes it out; turn it on
 * again then.
 *
 * Blocks: no. Fork: a child has it too. exec: gone.
 *
 * @return 1 it was on before; 0 it was not; -errno of sigaction.
 */
NEAP_API int neap_guard(bool on);

/** @return 1 on; 0 off. */
NEAP_API int neap_guard_is_on(void);

typedef struct neap_fault {
    uint64_t address; /* that was touched */
    uint64_t offset;  /* of it, in the mapping (of the zone, in an overlay) */
    bool gone;        /* the page was no longer there; else it was forbidden */
    char name[256];   /* of the segment or heap, perhaps cut short */
} neap_fault;

/**
 * What this thread's last access came upon, once: look after accesses through
 * bare pointers. A text for it is written as of a failed call.
 *
 * @return 0 nothing; -ESTALE the page was gone; -EFAULT it was forbidden.
 */
NEAP_API int neap_fault_take(neap_fault *ret_fault);

/** Called in the handler, in the thread that touched it, with what is allowed
 * there; NULL for none. For bindings. */
typedef void neap_fault_hook(void);
NEAP_API void neap_set_fault_hook(neap_fault_hook *hook);

#endif
