/*
 * The runtime that code compiled with -fsanitize=thread calls, but not the
 * thread sanitizer's: it only numbers the accesses to the watched memory. The
 * names and arguments are those of the compiler's interface (gcc's
 * sanitizer.def, clang's tsan_interface.h and tsan_interface_atomic.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crash.h"

static const char *low, *high;
static long count, stop;
static bool armed;
static void (*at_stop)(void), (*at_each)(void);


void hooks_watch(const void *from, size_t size)
{
    low = from;
    high = low + size;
}


void hooks_arm(long at, void (*die)(void))
{
    count = 0;
    stop = at;
    at_stop = die;
    armed = true;
}


long hooks_disarm(void)
{
    armed = false;
    return count;
}


void hooks_pause(bool on)
{
    armed = !on;
}


void hooks_each(void (*look)(void))
{
    at_each = look;
}


static void point(const volatile void *address)
{
    const char *a = (const char *)address;
    if (a < low || a >= high)
        return;
    if (at_each)
        at_each();
    if (armed && ++count == stop)
        at_stop();
}

void __tsan_init(void);
void __tsan_init(void) {}
void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc) { (void)pc; }
void __tsan_func_exit(void);
void __tsan_func_exit(void) {}

#define PLAIN(name)                                                            \
    void __tsan_##name(void *address);                                         \
    void __tsan_##name(void *address) { point(address); }
#define PLAIN_SIZES(name)                                                      \
    PLAIN(name##1) PLAIN(name##2) PLAIN(name##4) PLAIN(name##8) PLAIN(name##16)

PLAIN_SIZES(read)
PLAIN_SIZES(write)
PLAIN_SIZES(volatile_read)
PLAIN_SIZES(volatile_write)
PLAIN_SIZES(unaligned_read)
PLAIN_SIZES(unaligned_write)

#define RANGE(name)                                                            \
    void __tsan_##name(void *address, size_t size);                            \
    void __tsan_##name(void *address, size_t size)                             \
    {                                                                          \
        (void)size;                                                            \
        point(address);                                                        \
    }
RANGE(read_range)
RANGE(write_range)

#define BUILTIN_OP(bits, op)                                                   \
    uint##bits##_t __tsan_atomic##bits##_fetch_##op(                           \
        volatile uint##bits##_t *a, uint##bits##_t v, int order);              \
    uint##bits##_t __tsan_atomic##bits##_fetch_##op(                           \
        volatile uint##bits##_t *a, uint##bits##_t v, int order)               \
    {                                                                          \
        (void)order;                                                           \
        point(a);                                                              \
        return __atomic_fetch_##op(a, v, __ATOMIC_SEQ_CST);                    \
    }

#define COMPARE(bits, name)                                                    \
    int __tsan_atomic##bits##_compare_exchange_##name(                         \
        volatile uint##bits##_t *a, uint##bits##_t *c, uint##bits##_t v,       \
        int order, int failure);                                               \
    int __tsan_atomic##bits##_compare_exchange_##name(                         \
        volatile uint##bits##_t *a, uint##bits##_t *c, uint##bits##_t v,       \
        int order, int failure)                                                \
    {                                                                          \
        (void)order;                                                           \
        (void)failure;                                                         \
        point(a);                                                              \
        return __atomic_compare_exchange_n(a, c, v, false, __ATOMIC_SEQ_CST,   \
                                           __ATOMIC_SEQ_CST);                  \
    }

#define ATOMIC(bits)                                                           \
    uint##bits##_t __tsan_atomic##bits##_load(                                 \
        const volatile uint##bits##_t *a, int order);                          \
    uint##bits##_t __tsan_atomic##bits##_load(                                 \
        const volatile uint##bits##_t *a, int order)                           \
    {                                                                          \
        (void)order;                                                           \
        point(a);                                                              \
        return __atomic_load_n(a, __ATOMIC_SEQ_CST);                           \
    }                                                                          \
    void __tsan_atomic##bits##_store(volatile uint##bits##_t *a,               \
                                     uint##bits##_t v, int order);             \
    void __tsan_atomic##bits##_store(volatile uint##bits##_t *a,               \
                                     uint##bits##_t v, int order)              \
    {                                                                          \
        (void)order;                                                           \
        point(a);                                                              \
        __atomic_store_n(a, v, __ATOMIC_SEQ_CST);                              \
    }                                                                          \
    uint##bits##_t __tsan_atomic##bits##_exchange(                             \
        volatile uint##bits##_t *a, uint##bits##_t v, int order);              \
    uint##bits##_t __tsan_atomic##bits##_exchange(                             \
        volatile uint##bits##_t *a, uint##bits##_t v, int order)               \
    {                                                                          \
        (void)order;                                                           \
        point(a);                                                              \
        return __atomic_exchange_n(a, v, __ATOMIC_SEQ_CST);                    \
    }                                                                          \
    uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                 \
        volatile uint##bits##_t *a, uint##bits##_t c, uint##bits##_t v,        \
        int order, int failure);                                               \
    uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                 \
        volatile uint##bits##_t *a, uint##bits##_t c, uint##bits##_t v,        \
        int order, int failure)                                                \
    {                                                                          \
        (void)order;                                                           \
        (void)failure;                                                         \
        point(a);                                                              \
        __atomic_compare_exchange_n(a, &c, v, false, __ATOMIC_SEQ_CST,         \
                                    __ATOMIC_SEQ_CST);                         \
        return c;                                                              \
    }                                                                          \
    COMPARE(bits, strong) COMPARE(bits, weak)                                  \
    BUILTIN_OP(bits, add) BUILTIN_OP(bits, sub) BUILTIN_OP(bits, and)          \
    BUILTIN_OP(bits, or) BUILTIN_OP(bits, xor) BUILTIN_OP(bits, nand)

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
    (void)order;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order) { (void)order; }
