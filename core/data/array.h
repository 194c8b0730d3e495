/*
 * An array from inside.
 *
 *   neap_array          what a caller holds: where, of what type, which shape
 *       |
 *   neap__array_origin  what an array and its rows share: the memory's keeper
 *       |               (an attachment or a mapping), the whole shape, the name
 *       v
 *   heap or mapping     counted once for each origin, so the memory stays
 *                       mapped as long as any handle or row of it is open
 *
 * A1 data is aligned to the element's size, at most 8: elements of up to 8
 *    bytes are loaded and stored whole, and atomics work on them.
 * A2 A writable view is counted in its mapping, which therefore stays writable
 *    while the view lives.
 * A3 An array of a heap is dropped when the id in its entry is no longer its
 *    own. Every call looks at that first; a drop at the same time as the call
 *    is the caller's race, as with any two stores to the elements.
 */
#ifndef NEAP_ARRAY_INSIDE_H
#define NEAP_ARRAY_INSIDE_H

#include "heap/heap.h"
#include "neap/array.h"

struct neap__array_origin {
    _Atomic uint32_t references; /* handles and rows */
    struct neap_heap *heap;      /* one of the two is NULL */
    neap_mapping *mapping;
    bool counted;                /* as a writable view (A2) */
    uint64_t shape[NEAP_DIMENSIONS_MAX];
    char name[];                 /* "" for a view */
};

struct neap_array {
    char *data;
    uint64_t size;               /* elements in all */
    const neap_sh_word *id_there; /* in the entry; NULL for a view */
    uint64_t id;                 /* of the object that was opened */
    neap_type type;
    uint32_t element;            /* bytes of one */
    uint32_t dimensions;
    bool writable;
    _Atomic uint32_t references;
    const uint64_t *shape;       /* the origin's, or the rest of it for a row */
    struct neap__array_origin *origin;
};

/* Why it cannot be read: closed, dropped, or a mapping that forbids it.
 * @return the status, with its sentence. */
int neap__array_gone(const neap_array *array);

/* The sentence for an array that is for reading only. @return -EACCES. */
int neap__array_read_only(const neap_array *array, const char *tried);

/* "array 'grid' of heap posix:sky", "a row of array ...", "a view of ...". */
#define NEAP__ARRAY_TEXT 320
const char *neap__array_text(const neap_array *array, char *buffer);

/*
 * Whether there is such a type, and such a shape of it (of any type for
 * NEAP_TYPE_ANY), and how many elements it has. `what` was tried with `name`.
 * @return 0; -EINVAL.
 */
int neap__array_type_check(const char *what, const char *name, neap_type type);
int neap__array_measure(const char *what, const char *name, neap_type type,
                        uint32_t dimensions, const uint64_t *shape,
                        uint64_t *ret_size);

/* Convert a value to the array's type. @return 0; -EINVAL naming the array. */
int neap__array_value(const neap_array *array, const char *tried,
                      neap_value value, void *ret_element);

/*
 * What to add to, or multiply with, elements of an integer type, as 64 bits of
 * which the low ones count. Unsigned types take negative numbers as well, as
 * far as their positive ones are theirs: that is how one subtracts.
 * @return 0; -EINVAL naming the array.
 */
int neap__array_operand(const neap_array *array, const char *tried,
                        neap_value value, uint64_t *ret_bits);

/* The sentence for an operation that the type does not have; `which` is what it
 * is for. @return -ENOTSUP. */
int neap__array_unsupported(const neap_array *array, const char *tried,
                            const char *which);

/* Whether two arrays have the same type and as many elements, and both may be
 * read. @return 0; NEAP_ETYPE; -EINVAL; what neap__array_readable says. */
int neap__array_match(const neap_array *array, const neap_array *other,
                      const char *tried);

/* Whether they share bytes but do not begin at the same. */
bool neap__array_overlap(const neap_array *array, const neap_array *other);

/*
 * A statement for each i below n, in blocks of a constant number so that gcc
 * -O2 vectorizes them (its cost model there takes no loop of unknown length).
 * `lane` is i's place in its block.
 */
#define NEAP__LANES 64
#define NEAP__EACH(n, ...)                                                     \
    do {                                                                       \
        const uint64_t whole_ = (n) - (n) % NEAP__LANES;                       \
        for (uint64_t block_ = 0; block_ < whole_; block_ += NEAP__LANES)      \
            for (unsigned lane = 0; lane < NEAP__LANES; lane++) {              \
                const uint64_t i = block_ + lane;                              \
                __VA_ARGS__;                                                   \
            }                                                                  \
        for (uint64_t i = whole_; i < (n); i++) {                              \
            const unsigned lane = (unsigned)(i - whole_);                      \
            (void)lane;                                                        \
            __VA_ARGS__;                                                       \
        }                                                                      \
    } while (0)

NEAP__INLINE bool neap__array_usable(const neap_array *array)
{
    if (NEAP__UNLIKELY(!array))
        return false;
    if (NEAP__LIKELY(array->id_there))
        return atomic_load_explicit(array->id_there, memory_order_acquire) ==
               array->id;
    return neap_mapping_protection(array->origin->mapping) & NEAP_PROT_READ;
}

/* @return 0; NEAP_ECLOSED; -EIDRM; -EACCES. */
NEAP__INLINE int neap__array_readable(const neap_array *array)
{
    return NEAP__LIKELY(neap__array_usable(array)) ? 0
                                                   : neap__array_gone(array);
}

NEAP__INLINE int neap__array_changeable(const neap_array *array,
                                        const char *tried)
{
    if (NEAP__UNLIKELY(!neap__array_usable(array)))
        return neap__array_gone(array);
    return NEAP__LIKELY(array->writable) ? 0
                                         : neap__array_read_only(array, tried);
}

NEAP__INLINE bool neap__array_is_integer(const neap_array *array)
{
    return array->type >= NEAP_TYPE_I8 && array->type <= NEAP_TYPE_U64;
}

NEAP__INLINE bool neap__array_is_complex(const neap_array *array)
{
    return array->type >= NEAP_TYPE_C64;
}

NEAP__INLINE uint64_t neap__array_bytes(const neap_array *array)
{
    return array->size * array->element;
}

#endif
