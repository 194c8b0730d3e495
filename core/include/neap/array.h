/**
 * Arrays: up to 8 dimensions of one element type, row-major, 64-byte aligned,
 * zero-filled at birth, remembered with type and shape.
 *
 * Elements are plain memory: a store of up to 8 aligned bytes is whole, but
 * nothing orders one after another; use a mutex, or neap_array_fetch_add,
 * where that matters. Bulk functions are as fast as memory and not atomic.
 *
 * Crash: an array's existence is all or nothing; its elements are stores of
 * the caller, and those done stay done.
 */
#ifndef NEAP_ARRAY_H
#define NEAP_ARRAY_H

#include "neap/heap.h"
#include "neap/mapping.h"

typedef struct neap_array neap_array;

/**
 * Open the array of that name, or make it. With NEAP_TYPE_ANY or `dimensions`
 * 0 it must be there, and what the caller left open may be anything.
 *
 * Blocks: for the heap's lock (making gigabytes takes the time that the kernel
 * needs to set them aside). Crash: all or nothing. Signals: none. Fork: both.
 *
 * @return 0; NEAP_CREATED; NEAP_ETYPE; -ENOENT; -EINVAL a bad name, type or
 * shape (a dimension of 0, more than 8, too many bytes); -ENOSPC; -EACCES.
 */
NEAP_API NEAP_MUST_CHECK
int neap_array_open(neap_heap *heap, const char *name, neap_type type,
                    uint32_t dimensions, const uint64_t *shape,
                    neap_array **ret_array);

/**
 * See a mapping as an array, from a byte offset on (a multiple of the
 * element's size). `writable` false makes a view for reading. The view keeps
 * the memory mapped, and a writable one keeps it writable.
 *
 * @return 0; -ERANGE past the end; -EINVAL a bad type or shape, or elements
 * that would not be aligned; -EACCES the mapping's protection forbids it.
 */
NEAP_API NEAP_MUST_CHECK
int neap_array_view(neap_mapping *mapping, uint64_t offset, neap_type type,
                    uint32_t dimensions, const uint64_t *shape, bool writable,
                    neap_array **ret_array);

/** Row `index` (from 0) of an array of two dimensions or more, without
 * copying. A handle of its own, which may outlive the array's. @return 0;
 * -ERANGE; -EINVAL one dimension. */
NEAP_API NEAP_MUST_CHECK
int neap_array_row(neap_array *array, uint64_t index, neap_array **ret_row);

/** NULL is fine. */
NEAP_API void neap_array_close(neap_array *array);

/** Another count of the same handle, given back with neap_array_close. */
NEAP_API neap_array *neap_array_retain(neap_array *array);

NEAP_API void *neap_array_data(neap_array *array);
NEAP_API neap_type neap_array_type(neap_array *array);
NEAP_API uint32_t neap_array_dimensions(neap_array *array);
/** The length of dimension `axis`, from 0; 0 for an axis that is not there. */
NEAP_API uint64_t neap_array_length(neap_array *array, uint32_t axis);
/** Elements in all. */
NEAP_API uint64_t neap_array_size(neap_array *array);
NEAP_API bool neap_array_writable(neap_array *array);
/** Its name; "" for views of a mapping. */
NEAP_API const char *neap_array_name(neap_array *array);

/** -EIDRM once the array was dropped from its heap, else 0. */
NEAP_API NEAP_MUST_CHECK
int neap_array_alive(neap_array *array);

/** One element by its row-major index from 0. @return 0; -ERANGE; -EINVAL a
 * value that the type cannot hold; -EACCES; -EIDRM. */
NEAP_API NEAP_MUST_CHECK
int neap_array_get(neap_array *array, uint64_t index, neap_value *ret_value);
NEAP_API NEAP_MUST_CHECK
int neap_array_set(neap_array *array, uint64_t index, neap_value value);

/** Add atomically to an integer or real element, tell what was there before.
 * Integers wrap around; n must be in the type's range, and may be as far below
 * zero for unsigned ones. @return 0; -ERANGE; -ENOTSUP bool and complex;
 * -EINVAL; -EACCES; -EIDRM. */
NEAP_API NEAP_MUST_CHECK
int neap_array_fetch_add(neap_array *array, uint64_t index, neap_value n,
                         neap_value *ret_old);

/*
 * In bulk. All or nothing: what is refused has changed no element. Common to
 * all: -EIDRM; -EACCES an array for reading only; NEAP_ECLOSED.
 *
 * Sums and dots of integers are i64 (u64 for u64) and wrap around; of reals
 * and complex numbers they are added pairwise in double precision, in an order
 * that depends on the length alone. Means are doubles (complex of complex) and
 * do not wrap. Adding and scaling wrap integers like their type.
 */

NEAP_API NEAP_MUST_CHECK
int neap_array_fill(neap_array *array, neap_value value);
/** Element by element from an array of as many elements; the types may
 * differ. Real to integer truncates; complex to another must have no imaginary
 * part; into f32 and c64 rounds; what does not fit is -EINVAL, and so are
 * arrays of two types that share memory. */
NEAP_API NEAP_MUST_CHECK
int neap_array_copy(neap_array *array, neap_array *from);
NEAP_API NEAP_MUST_CHECK
int neap_array_sum(neap_array *array, neap_value *ret_value);
NEAP_API NEAP_MUST_CHECK
int neap_array_mean(neap_array *array, neap_value *ret_value);
/** -ENOTSUP for complex; NaNs are passed over unless there is nothing else. */
NEAP_API NEAP_MUST_CHECK
int neap_array_min(neap_array *array, neap_value *ret_value);
NEAP_API NEAP_MUST_CHECK
int neap_array_max(neap_array *array, neap_value *ret_value);
/** The sum of products with an array of the same type and size; complex
 * numbers are taken as they are, not conjugated.
 * @return 0; NEAP_ETYPE another type; -EINVAL another size. */
NEAP_API NEAP_MUST_CHECK
int neap_array_dot(neap_array *array, neap_array *other, neap_value *ret_value);
/** array += other, of the same type and size.
 * @return 0; NEAP_ETYPE; -EINVAL another size, or memory that overlaps in part;
 * -ENOTSUP bool. */
NEAP_API NEAP_MUST_CHECK
int neap_array_add(neap_array *array, neap_array *other);
/** array += value, and array *= value. Integers take whole numbers in the range
 * of their type, unsigned ones as far below zero too (adding -1 subtracts).
 * @return 0; -EINVAL; -ENOTSUP bool. */
NEAP_API NEAP_MUST_CHECK
int neap_array_add_value(neap_array *array, neap_value value);
NEAP_API NEAP_MUST_CHECK
int neap_array_scale(neap_array *array, neap_value factor);

#endif
