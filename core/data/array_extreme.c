/* The least and the greatest element of an array. */
#include <math.h>

#include "data/array.h"

#define INTEGERS(X)                                                            \
    X(I8, int8_t)                                                              \
    X(I16, int16_t)                                                            \
    X(I32, int32_t)                                                            \
    X(I64, int64_t)                                                            \
    X(U8, uint8_t)                                                             \
    X(U16, uint16_t)                                                           \
    X(U32, uint32_t)                                                           \
    X(U64, uint64_t)

#define REALS(X)                                                               \
    X(F32, float)                                                              \
    X(F64, double)


#define EXTREME_INTEGERS(TYPE, integer)                                        \
    static void min_##TYPE(const integer *x, uint64_t n, integer *ret)         \
    {                                                                          \
        integer least = x[0];                                                  \
        NEAP__EACH(n, least = x[i] < least ? x[i] : least);                    \
        *ret = least;                                                          \
    }                                                                          \
                                                                               \
    static void max_##TYPE(const integer *x, uint64_t n, integer *ret)         \
    {                                                                          \
        integer most = x[0];                                                   \
        NEAP__EACH(n, most = x[i] > most ? x[i] : most);                       \
        *ret = most;                                                           \
    }
INTEGERS(EXTREME_INTEGERS)


/*
 * Comparing with a NaN is false, so none gets into a lane. What the lanes begin
 * with may be an element too: only if it comes out one must look whether there
 * was anything but NaNs.
 */
#define EXTREME_REALS(TYPE, real)                                              \
    static bool only_nans_##TYPE(const real *x, uint64_t n)                    \
    {                                                                          \
        for (uint64_t i = 0; i < n; i++)                                       \
            if (!isnan(x[i]))                                                  \
                return false;                                                  \
        return true;                                                           \
    }                                                                          \
                                                                               \
    static void begin_##TYPE(real *lanes, real with)                           \
    {                                                                          \
        for (unsigned k = 0; k < NEAP__LANES; k++)                             \
            lanes[k] = with;                                                   \
    }                                                                          \
                                                                               \
    static void min_##TYPE(const real *x, uint64_t n, real *ret)               \
    {                                                                          \
        real lanes[NEAP__LANES];                                               \
        begin_##TYPE(lanes, (real)INFINITY);                                   \
        NEAP__EACH(n, lanes[lane] = x[i] < lanes[lane] ? x[i] : lanes[lane]);  \
        real least = lanes[0];                                                 \
        for (unsigned k = 1; k < NEAP__LANES; k++)                             \
            least = lanes[k] < least ? lanes[k] : least;                       \
        *ret = least == (real)INFINITY && only_nans_##TYPE(x, n) ? (real)NAN   \
                                                                 : least;      \
    }                                                                          \
                                                                               \
    static void max_##TYPE(const real *x, uint64_t n, real *ret)               \
    {                                                                          \
        real lanes[NEAP__LANES];                                               \
        begin_##TYPE(lanes, -(real)INFINITY);                                  \
        NEAP__EACH(n, lanes[lane] = x[i] > lanes[lane] ? x[i] : lanes[lane]);  \
        real most = lanes[0];                                                  \
        for (unsigned k = 1; k < NEAP__LANES; k++)                             \
            most = lanes[k] > most ? lanes[k] : most;                          \
        *ret = most == -(real)INFINITY && only_nans_##TYPE(x, n) ? (real)NAN   \
                                                                 : most;       \
    }
REALS(EXTREME_REALS)


/* Whether any element of a bool array is `wanted`. */
static bool any_is(const uint8_t *x, uint64_t n, bool wanted)
{
    for (uint64_t i = 0; i < n; i++)
        if ((x[i] != 0) == wanted)
            return true;
    return false;
}


static int check_ordered(const neap_array *array, const char *tried)
{
    int status = neap__array_readable(array);
    if (status == 0 && neap__array_is_complex(array))
        status = neap__array_unsupported(array, tried, "numbers with an order");
    return status;
}


int neap_array_min(neap_array *array, neap_value *ret_value)
{
    uint64_t least = 0;
    int status = check_ordered(array, "take the minimum of");
    if (status < 0)
        return status;
    void *x = array->data, *ret = &least;
    switch (array->type) {
#define CASE(TYPE, c)                                                          \
    case NEAP_TYPE_##TYPE: min_##TYPE(x, array->size, ret); break;
    INTEGERS(CASE)
    REALS(CASE)
#undef CASE
    default: *(bool *)ret = !any_is(x, array->size, false);
    }
    *ret_value = neap__value_of(array->type, &least);
    return 0;
}


int neap_array_max(neap_array *array, neap_value *ret_value)
{
    uint64_t most = 0;
    int status = check_ordered(array, "take the maximum of");
    if (status < 0)
        return status;
    void *x = array->data, *ret = &most;
    switch (array->type) {
#define CASE(TYPE, c)                                                          \
    case NEAP_TYPE_##TYPE: max_##TYPE(x, array->size, ret); break;
    INTEGERS(CASE)
    REALS(CASE)
#undef CASE
    default: *(bool *)ret = any_is(x, array->size, true);
    }
    *ret_value = neap__value_of(array->type, &most);
    return 0;
}
