/*
 * Fences that one side pays for, see os.h.
 *
 * Registration belongs to the memory of a process: exec undoes it, a child of
 * fork inherits it. Asking again costs little, so each process does.
 */
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/os.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NEAP__CLANG_TSAN
#endif
#endif

static _Atomic bool lacking;


static bool membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0) == 0;
}


bool neap__fence_register(void)
{
    return membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
}


bool neap__fence_heavy(void)
{
    int before = errno;
    bool done = neap__fence_works() &&
                membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
    if (!done) {
        errno = before;
        atomic_store_explicit(&lacking, true, memory_order_relaxed);
        neap__fence_full();
    }
    return done;
}


bool neap__fence_works(void)
{
    return !atomic_load_explicit(&lacking, memory_order_relaxed);
}


void neap__fence_full(void)
{
#if defined(__SANITIZE_THREAD__) || defined(NEAP__CLANG_TSAN) /* no fences */
    static _Atomic int anything;
    atomic_exchange(&anything, 0);
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}
