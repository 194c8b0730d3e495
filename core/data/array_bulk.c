/*
 * Whole arrays at once, changing them: fill, add, scale. Integers wrap around
 * like their type; what is added or multiplied with must fit it. Nothing is
 * written unless everything that can be checked was.
 *
 * The loops work on words: signed and unsigned integers of one size wrap alike,
 * and a complex array is one of twice as many reals where it is only added to.
 */
#include <string.h>

#include "data/array.h"


/* -- what two arrays must have in common ----------------------------------- */

int neap__array_unsupported(const neap_array *array, const char *tried,
                            const char *which)
{
    char text[NEAP__ARRAY_TEXT];
    return neap__fail(-ENOTSUP, "cannot %s %s: that is for %s, and these are "
                      "%s", tried, neap__array_text(array, text), which,
                      neap_type_name(array->type));
}


int neap__array_match(const neap_array *array, const neap_array *other,
                      const char *tried)
{
    char text[NEAP__ARRAY_TEXT], other_text[NEAP__ARRAY_TEXT];
    int status = neap__array_readable(array);
    if (status == 0)
        status = neap__array_readable(other);
    if (status < 0)
        return status;
    neap__array_text(array, text);
    neap__array_text(other, other_text);
    if (array->type != other->type)
        return neap__fail(NEAP_ETYPE, "cannot %s %s, of %s, and %s, of %s: "
                          "copy one to an array of the other's type first", tried,
                          text, neap_type_name(array->type), other_text,
                          neap_type_name(other->type));
    if (array->size != other->size)
        return neap__fail(-EINVAL, "cannot %s %s, which has %llu elements, and "
                          "%s, which has %llu: they must have as many", tried,
                          text, (unsigned long long)array->size, other_text,
                          (unsigned long long)other->size);
    return 0;
}


bool neap__array_overlap(const neap_array *array, const neap_array *other)
{
    uintptr_t a = (uintptr_t)array->data, b = (uintptr_t)other->data;
    return a != b && a < b + neap__array_bytes(other) &&
           b < a + neap__array_bytes(array);
}


/* -- fill ------------------------------------------------------------------ */

/* X(bits, word, a type that multiplies without overflow) */
#define WORDS(X)                                                               \
    X(8, uint8_t, uint32_t)                                                    \
    X(16, uint16_t, uint32_t)                                                  \
    X(32, uint32_t, uint32_t)                                                  \
    X(64, uint64_t, uint64_t)

#define FILL(bits, word, wide)                                                 \
    static void fill_##bits(word *to, uint64_t n, word value)                  \
    {                                                                          \
        NEAP__EACH(n, to[i] = value);                                          \
    }
WORDS(FILL)


static void fill_pairs(neap_c128 *to, uint64_t n, neap_c128 value)
{
    NEAP__EACH(n, to[i] = value);
}


static bool is_zero(const void *element, size_t size)
{
    static const uint8_t zero[16];
    return memcmp(element, zero, size) == 0;
}


int neap_array_fill(neap_array *array, neap_value value)
{
    union {
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
        neap_c128 pair;
    } element;
    int status = neap__array_changeable(array, "fill");
    if (status == 0)
        status = neap__array_value(array, "fill", value, &element);
    if (status < 0)
        return status;
    size_t size = neap_type_size(array->type);
    void *to = array->data;
    uint64_t n = array->size;
    if (is_zero(&element, size)) {
        memset(to, 0, n * size);
        return 0;
    }
    switch (size) {
    case 1: fill_8(to, n, element.u8); break;
    case 2: fill_16(to, n, element.u16); break;
    case 4: fill_32(to, n, element.u32); break;
    case 8: fill_64(to, n, element.u64); break;
    default: fill_pairs(to, n, element.pair);
    }
    return 0;
}


/* -- the loops ------------------------------------------------------------- */

#define INTEGER_LOOPS(bits, word, wide)                                        \
    static void add_##bits(word *restrict to, const word *restrict from,       \
                           uint64_t n)                                         \
    {                                                                          \
        NEAP__EACH(n, to[i] = (word)(to[i] + from[i]));                        \
    }                                                                          \
                                                                               \
    static void add_value_##bits(word *to, uint64_t n, word value)             \
    {                                                                          \
        NEAP__EACH(n, to[i] = (word)(to[i] + value));                          \
    }                                                                          \
                                                                               \
    static void scale_##bits(word *to, uint64_t n, word factor)                \
    {                                                                          \
        NEAP__EACH(n, to[i] = (word)((wide)to[i] * factor));                   \
    }
WORDS(INTEGER_LOOPS)

#define REAL_LOOPS(name, real, complex)                                        \
    static void add_##name(real *restrict to, const real *restrict from,       \
                           uint64_t n)                                         \
    {                                                                          \
        NEAP__EACH(n, to[i] += from[i]);                                       \
    }                                                                          \
                                                                               \
    static void add_value_##name(real *to, uint64_t n, real value)             \
    {                                                                          \
        NEAP__EACH(n, to[i] += value);                                         \
    }                                                                          \
                                                                               \
    static void scale_##name(real *to, uint64_t n, real factor)                \
    {                                                                          \
        NEAP__EACH(n, to[i] *= factor);                                        \
    }                                                                          \
                                                                               \
    static void add_value_c##name(complex *to, uint64_t n, complex value)      \
    {                                                                          \
        NEAP__EACH(n, to[i].re += value.re; to[i].im += value.im);             \
    }                                                                          \
                                                                               \
    static void scale_c##name(complex *to, uint64_t n, complex by)             \
    {                                                                          \
        NEAP__EACH(n, const complex was = to[i];                               \
                   to[i].re = was.re * by.re - was.im * by.im;                 \
                   to[i].im = was.re * by.im + was.im * by.re);                \
    }
REAL_LOOPS(f32, float, neap_c64)
REAL_LOOPS(f64, double, neap_c128)


/* -- array += array -------------------------------------------------------- */

static void add_elements(neap_type type, void *to, const void *from, uint64_t n)
{
    switch (type) {
    case NEAP_TYPE_F32: add_f32(to, from, n); return;
    case NEAP_TYPE_F64: add_f64(to, from, n); return;
    case NEAP_TYPE_C64: add_f32(to, from, 2 * n); return;
    case NEAP_TYPE_C128: add_f64(to, from, 2 * n); return;
    default: break;
    }
    switch (neap_type_size(type)) {
    case 1: add_8(to, from, n); break;
    case 2: add_16(to, from, n); break;
    case 4: add_32(to, from, n); break;
    default: add_64(to, from, n);
    }
}


static int check_numbers(const neap_array *array, const char *tried)
{
    return array->type == NEAP_TYPE_BOOL
               ? neap__array_unsupported(array, tried, "numbers") : 0;
}


int neap_array_add(neap_array *array, neap_array *other)
{
    char text[NEAP__ARRAY_TEXT];
    int status = neap__array_changeable(array, "add to");
    if (status == 0)
        status = neap__array_match(array, other, "add");
    if (status == 0)
        status = check_numbers(array, "add to");
    if (status < 0)
        return status;
    if (neap__array_overlap(array, other))
        return neap__fail(-EINVAL, "cannot add to %s an array that shares a "
                          "part of its memory: copy that one first",
                          neap__array_text(array, text));
    /* Twice itself: `restrict` forbids the loops to meet the same memory. */
    if (array->data == other->data)
        return neap_array_scale(array, (neap_value){.kind = 'i', .as.i = 2});
    add_elements(array->type, array->data, other->data, array->size);
    return 0;
}


/* -- with a value ---------------------------------------------------------- */

static int add_integer(neap_array *array, neap_value value)
{
    uint64_t bits, n = array->size;
    void *to = array->data;
    int status = neap__array_operand(array, "add to", value, &bits);
    if (status < 0)
        return status;
    switch (neap_type_size(array->type)) {
    case 1: add_value_8(to, n, (uint8_t)bits); break;
    case 2: add_value_16(to, n, (uint16_t)bits); break;
    case 4: add_value_32(to, n, (uint32_t)bits); break;
    default: add_value_64(to, n, bits);
    }
    return 0;
}


union real_or_complex {
    float f32;
    double f64;
    neap_c64 c64;
    neap_c128 c128;
};


int neap_array_add_value(neap_array *array, neap_value value)
{
    union real_or_complex e;
    int status = neap__array_changeable(array, "add to");
    if (status == 0)
        status = check_numbers(array, "add to");
    if (status < 0)
        return status;
    if (neap__array_is_integer(array))
        return add_integer(array, value);
    status = neap__array_value(array, "add to", value, &e);
    if (status < 0)
        return status;
    void *to = array->data;
    uint64_t n = array->size;
    switch (array->type) {
    case NEAP_TYPE_F32: add_value_f32(to, n, e.f32); break;
    case NEAP_TYPE_F64: add_value_f64(to, n, e.f64); break;
    case NEAP_TYPE_C64: add_value_cf32(to, n, e.c64); break;
    default: add_value_cf64(to, n, e.c128);
    }
    return 0;
}


static int scale_integer(neap_array *array, neap_value factor)
{
    char text[NEAP__ARRAY_TEXT];
    uint64_t bits, n = array->size;
    void *to = array->data;
    int status = neap__array_operand(array, "scale", factor, &bits);
    if (status < 0 && (factor.kind == 'f' || factor.kind == 'c'))
        return neap__fail(status, "cannot scale %s, of %s, by a factor that is "
                          "not a whole number in its range: copy it to an "
                          "array of f64 or c128 and scale that",
                          neap__array_text(array, text),
                          neap_type_name(array->type));
    if (status < 0)
        return status;
    switch (neap_type_size(array->type)) {
    case 1: scale_8(to, n, (uint8_t)bits); break;
    case 2: scale_16(to, n, (uint16_t)bits); break;
    case 4: scale_32(to, n, (uint32_t)bits); break;
    default: scale_64(to, n, bits);
    }
    return 0;
}


/* A factor without imaginary part is real: faster, and infinities stay. */
static void scale_complex(neap_array *array, const union real_or_complex *by)
{
    void *to = array->data;
    uint64_t n = array->size;
    if (array->type == NEAP_TYPE_C64) {
        if (by->c64.im == 0)
            scale_f32(to, 2 * n, by->c64.re);
        else
            scale_cf32(to, n, by->c64);
    } else if (by->c128.im == 0) {
        scale_f64(to, 2 * n, by->c128.re);
    } else {
        scale_cf64(to, n, by->c128);
    }
}


int neap_array_scale(neap_array *array, neap_value factor)
{
    union real_or_complex by;
    int status = neap__array_changeable(array, "scale");
    if (status == 0)
        status = check_numbers(array, "scale");
    if (status < 0)
        return status;
    if (neap__array_is_integer(array))
        return scale_integer(array, factor);
    status = neap__array_value(array, "scale", factor, &by);
    if (status < 0)
        return status;
    void *to = array->data;
    if (array->type == NEAP_TYPE_F32)
        scale_f32(to, array->size, by.f32);
    else if (array->type == NEAP_TYPE_F64)
        scale_f64(to, array->size, by.f64);
    else
        scale_complex(array, &by);
    return 0;
}
