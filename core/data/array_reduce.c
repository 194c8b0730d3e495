/*
 * Whole arrays at once, made into one number: sum, mean, min, max, dot.
 *
 * Integers are summed exactly, modulo 2^64. Reals and complex numbers are
 * summed in double precision, in blocks of BLOCK elements with a partial sum a
 * lane, and the blocks pairwise: the error grows with log(n) and the length of
 * a block, not with n (Higham, The accuracy of floating point summation, SIAM
 * J. Sci. Comput. 14, 1993). The order is a function of the length alone, so
 * the same elements give the same sum in every process and language.
 */
#include <math.h>
#include <string.h>

#include "data/array.h"

#define BLOCK 2048 /* elements, a multiple of NEAP__LANES */

/* X(type, C type, a type that holds the sum of NEAP__LANES of them) */
#define SMALL_INTEGERS(X)                                                      \
    X(I8, int8_t, int32_t)                                                     \
    X(I16, int16_t, int32_t)                                                   \
    X(I32, int32_t, int64_t)                                                   \
    X(U8, uint8_t, uint32_t)                                                   \
    X(U16, uint16_t, uint32_t)                                                 \
    X(U32, uint32_t, uint64_t)

#define INTEGERS(X)                                                            \
    SMALL_INTEGERS(X)                                                          \
    X(I64, int64_t, uint64_t)                                                  \
    X(U64, uint64_t, uint64_t)

#define REALS(X)                                                               \
    X(F32, float)                                                              \
    X(F64, double)


static neap_value integer_value(neap_type type, uint64_t bits)
{
    if (type == NEAP_TYPE_U64)
        return (neap_value){.kind = 'u', .as.u = bits};
    return (neap_value){.kind = 'i', .as.i = (int64_t)bits};
}


static neap_value real_value(double f)
{
    return (neap_value){.kind = 'f', .as.f = f};
}


/* -- pairwise -------------------------------------------------------------- */

/* The sum over part of two arrays, or of one: re, and im of complex ones. */
typedef neap_c128 (*block_sum)(const void *a, const void *b, uint64_t first,
                               uint64_t n);

static neap_c128 add_pairwise(block_sum sum, const void *a, const void *b,
                              uint64_t first, uint64_t n)
{
    if (n <= BLOCK)
        return sum(a, b, first, n);
    uint64_t blocks = (n + BLOCK - 1) / BLOCK, half = blocks / 2 * BLOCK;
    neap_c128 low = add_pairwise(sum, a, b, first, half);
    neap_c128 high = add_pairwise(sum, a, b, first + half, n - half);
    return (neap_c128){low.re + high.re, low.im + high.im};
}


/* Even lanes and odd lanes, for complex numbers are pairs of reals. */
static neap_c128 add_lanes(double *lanes)
{
    for (unsigned width = NEAP__LANES / 2; width > 1; width /= 2)
        for (unsigned k = 0; k < width; k++)
            lanes[k] += lanes[k + width];
    return (neap_c128){lanes[0], lanes[1]};
}


static neap_c128 as_real(neap_c128 even_and_odd)
{
    return (neap_c128){even_and_odd.re + even_and_odd.im, 0};
}


#define SUM_REALS(TYPE, real)                                                  \
    static neap_c128 lanes_##TYPE(const real *x, uint64_t n)                   \
    {                                                                          \
        double lanes[NEAP__LANES] = {0};                                       \
        NEAP__EACH(n, lanes[lane] += (double)x[i]);                            \
        return add_lanes(lanes);                                               \
    }                                                                          \
                                                                               \
    static neap_c128 sum_##TYPE(const void *a, const void *b, uint64_t first,  \
                                uint64_t n)                                    \
    {                                                                          \
        (void)b;                                                               \
        return as_real(lanes_##TYPE((const real *)a + first, n));              \
    }                                                                          \
                                                                               \
    static neap_c128 sum_complex_##TYPE(const void *a, const void *b,          \
                                        uint64_t first, uint64_t n)            \
    {                                                                          \
        (void)b;                                                               \
        return lanes_##TYPE((const real *)a + 2 * first, 2 * n);               \
    }
REALS(SUM_REALS)


/* -- sum ------------------------------------------------------------------- */

#define SUM_INTEGERS(TYPE, integer, wide)                                      \
    static uint64_t sum_##TYPE(const integer *x, uint64_t n)                   \
    {                                                                          \
        uint64_t total = 0, i = 0;                                             \
        for (; i + NEAP__LANES <= n; i += NEAP__LANES) {                       \
            wide some = 0;                                                     \
            for (unsigned k = 0; k < NEAP__LANES; k++)                         \
                some += (wide)x[i + k];                                        \
            total += (uint64_t)some;                                           \
        }                                                                      \
        for (; i < n; i++)                                                     \
            total += (uint64_t)x[i];                                           \
        return total;                                                          \
    }
INTEGERS(SUM_INTEGERS)


static uint64_t count_true(const uint8_t *x, uint64_t n)
{
    uint64_t total = 0, i = 0;
    for (; i + NEAP__LANES <= n; i += NEAP__LANES) {
        uint32_t some = 0;
        for (unsigned k = 0; k < NEAP__LANES; k++)
            some += x[i + k] != 0;
        total += some;
    }
    for (; i < n; i++)
        total += x[i] != 0;
    return total;
}


static uint64_t integer_sum(const neap_array *array)
{
    const void *x = array->data;
    switch (array->type) {
#define CASE(TYPE, integer, wide)                                              \
    case NEAP_TYPE_##TYPE: return sum_##TYPE(x, array->size);
    INTEGERS(CASE)
#undef CASE
    default: return count_true(x, array->size);
    }
}


static neap_value floating_sum(const neap_array *array)
{
    static const block_sum sums[] = {
        [NEAP_TYPE_F32] = sum_F32,
        [NEAP_TYPE_F64] = sum_F64,
        [NEAP_TYPE_C64] = sum_complex_F32,
        [NEAP_TYPE_C128] = sum_complex_F64,
    };
    neap_c128 sum = add_pairwise(sums[array->type], array->data, NULL, 0,
                                 array->size);
    return neap__array_is_complex(array)
               ? (neap_value){.kind = 'c', .as.c = sum} : real_value(sum.re);
}


int neap_array_sum(neap_array *array, neap_value *ret_value)
{
    int status = neap__array_readable(array);
    if (status < 0)
        return status;
    *ret_value = array->type >= NEAP_TYPE_F32
                     ? floating_sum(array)
                     : integer_value(array->type, integer_sum(array));
    return 0;
}


/* -- mean ------------------------------------------------------------------ */

/* A block of up to 32 bits an element has an exact sum, which fits a double. */
#define SUM_AS_DOUBLE(TYPE, integer, wide)                                     \
    static neap_c128 mean_sum_##TYPE(const void *a, const void *b,             \
                                     uint64_t first, uint64_t n)               \
    {                                                                          \
        (void)b;                                                               \
        uint64_t sum = sum_##TYPE((const integer *)a + first, n);              \
        return (neap_c128){(double)(int64_t)sum, 0};                           \
    }
SMALL_INTEGERS(SUM_AS_DOUBLE)

#define SUM_WORDS_AS_DOUBLE(TYPE, integer)                                     \
    static neap_c128 mean_sum_##TYPE(const void *a, const void *b,             \
                                     uint64_t first, uint64_t n)               \
    {                                                                          \
        (void)b;                                                               \
        const integer *x = (const integer *)a + first;                         \
        double lanes[NEAP__LANES] = {0};                                       \
        NEAP__EACH(n, lanes[lane] += (double)x[i]);                            \
        return as_real(add_lanes(lanes));                                      \
    }
SUM_WORDS_AS_DOUBLE(I64, int64_t)
SUM_WORDS_AS_DOUBLE(U64, uint64_t)


static neap_value sum_for_mean(const neap_array *array)
{
    static const block_sum sums[] = {
#define ROW(TYPE, integer, wide) [NEAP_TYPE_##TYPE] = mean_sum_##TYPE,
        INTEGERS(ROW)
#undef ROW
    };
    if (array->type >= NEAP_TYPE_F32)
        return floating_sum(array);
    if (array->type == NEAP_TYPE_BOOL)
        return real_value((double)integer_sum(array));
    return real_value(add_pairwise(sums[array->type], array->data, NULL, 0,
                                   array->size).re);
}


int neap_array_mean(neap_array *array, neap_value *ret_value)
{
    int status = neap__array_readable(array);
    if (status < 0)
        return status;
    neap_value mean = sum_for_mean(array);
    double n = (double)array->size;
    if (mean.kind == 'c') {
        mean.as.c.re /= n;
        mean.as.c.im /= n;
    } else {
        mean.as.f /= n;
    }
    *ret_value = mean;
    return 0;
}


/* -- dot ------------------------------------------------------------------- */

#define DOT_INTEGERS(TYPE, integer, wide)                                      \
    static uint64_t dot_##TYPE(const integer *a, const integer *b, uint64_t n) \
    {                                                                          \
        uint64_t total = 0;                                                    \
        NEAP__EACH(n, total += (uint64_t)a[i] * (uint64_t)b[i]);               \
        return total;                                                          \
    }
INTEGERS(DOT_INTEGERS)


static uint64_t dot_bool(const uint8_t *a, const uint8_t *b, uint64_t n)
{
    uint64_t total = 0;
    NEAP__EACH(n, total += (a[i] != 0) & (b[i] != 0));
    return total;
}


static uint64_t integer_dot(neap_type type, const void *a, const void *b,
                            uint64_t n)
{
    switch (type) {
#define CASE(TYPE, integer, wide)                                              \
    case NEAP_TYPE_##TYPE: return dot_##TYPE(a, b, n);
    INTEGERS(CASE)
#undef CASE
    default: return dot_bool(a, b, n);
    }
}


#define DOT_REALS(TYPE, real)                                                  \
    static neap_c128 dot_##TYPE(const void *a, const void *b, uint64_t first,  \
                                uint64_t n)                                    \
    {                                                                          \
        const real *x = (const real *)a + first, *y = (const real *)b + first; \
        double lanes[NEAP__LANES] = {0};                                       \
        NEAP__EACH(n, lanes[lane] += (double)x[i] * (double)y[i]);             \
        return as_real(add_lanes(lanes));                                      \
    }
REALS(DOT_REALS)

/* Of complex numbers as they are: neither is conjugated. */
#define DOT_COMPLEX(TYPE, complex)                                             \
    static neap_c128 dot_##TYPE(const void *a, const void *b, uint64_t first,  \
                                uint64_t n)                                    \
    {                                                                          \
        const complex *x = (const complex *)a + first;                         \
        const complex *y = (const complex *)b + first;                         \
        double re = 0, im = 0;                                                 \
        for (uint64_t i = 0; i < n; i++) {                                     \
            double xr = (double)x[i].re, xi = (double)x[i].im;                 \
            double yr = (double)y[i].re, yi = (double)y[i].im;                 \
            re += xr * yr - xi * yi;                                           \
            im += xr * yi + xi * yr;                                           \
        }                                                                      \
        return (neap_c128){re, im};                                            \
    }
DOT_COMPLEX(C64, neap_c64)
DOT_COMPLEX(C128, neap_c128)


int neap_array_dot(neap_array *array, neap_array *other, neap_value *ret_value)
{
    static const block_sum dots[] = {
        [NEAP_TYPE_F32] = dot_F32,
        [NEAP_TYPE_F64] = dot_F64,
        [NEAP_TYPE_C64] = dot_C64,
        [NEAP_TYPE_C128] = dot_C128,
    };
    int status = neap__array_match(array, other, "multiply");
    if (status < 0)
        return status;
    const void *a = array->data, *b = other->data;
    uint64_t n = array->size;
    if (array->type < NEAP_TYPE_F32) {
        *ret_value = integer_value(array->type,
                                   integer_dot(array->type, a, b, n));
        return 0;
    }
    neap_c128 dot = add_pairwise(dots[array->type], a, b, 0, n);
    *ret_value = neap__array_is_complex(array)
                     ? (neap_value){.kind = 'c', .as.c = dot}
                     : real_value(dot.re);
    return 0;
}
