/* The clock of all deadlines. */
#include <time.h>

#include "base/base.h"
#include "os/os.h"


int64_t neap_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}


int64_t neap_deadline_after(int64_t nanoseconds)
{
    if (nanoseconds <= 0)
        return NEAP_NOW;
    int64_t deadline;
    if (__builtin_add_overflow(neap_now(), nanoseconds, &deadline))
        return NEAP_FOREVER;
    return deadline;
}
