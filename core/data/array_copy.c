/*
 * From one array to another, whose type may differ.
 *
 * Elements travel in blocks through the widest type of their family (whole:
 * int64_t, large: uint64_t, real: double, complex): widened from the source's
 * type, turned into the target's family, narrowed to its type. Each step that
 * may meet a value that does not fit says where. All blocks are checked first,
 * then written: nothing is, if one value does not fit.
 *
 * Real to whole truncates; complex to anything else must have no imaginary
 * part; into f32 and c64 rounds.
 */
#include <string.h>

#include "data/array.h"

#define BLOCK 256

enum family { WHOLE, LARGE, REAL, COMPLEX };

union wide {
    int64_t whole[BLOCK];
    uint64_t large[BLOCK];
    double real[BLOCK];
    neap_c128 complex[BLOCK];
};


static enum family family_of(neap_type type)
{
    return type >= NEAP_TYPE_C64   ? COMPLEX
           : type >= NEAP_TYPE_F32 ? REAL
           : type == NEAP_TYPE_U64 ? LARGE : WHOLE;
}


/* X(type, C type, least, most) of those that int64_t holds */
#define WHOLES(X)                                                              \
    X(BOOL, uint8_t, 0, 1)                                                     \
    X(I8, int8_t, INT8_MIN, INT8_MAX)                                          \
    X(I16, int16_t, INT16_MIN, INT16_MAX)                                      \
    X(I32, int32_t, INT32_MIN, INT32_MAX)                                      \
    X(I64, int64_t, INT64_MIN, INT64_MAX)                                      \
    X(U8, uint8_t, 0, UINT8_MAX)                                               \
    X(U16, uint16_t, 0, UINT16_MAX)                                            \
    X(U32, uint32_t, 0, UINT32_MAX)

#define EACH(n, statement)                                                     \
    do {                                                                       \
        for (unsigned i = 0; i < (n); i++)                                     \
            statement;                                                         \
    } while (0)


/* -- widen: never fails ------------------------------------------------------- */

static neap_c128 complex_of(neap_c64 c)
{
    return (neap_c128){(double)c.re, (double)c.im};
}


static void widen(neap_type type, const void *from, unsigned n, union wide *to)
{
    switch (type) {
    case NEAP_TYPE_BOOL:
        EACH(n, to->whole[i] = ((const uint8_t *)from)[i] != 0);
        break;
#define CASE(TYPE, c)                                                          \
    case NEAP_TYPE_##TYPE:                                                     \
        EACH(n, to->whole[i] = ((const c *)from)[i]);                          \
        break;
    CASE(I8, int8_t)
    CASE(I16, int16_t)
    CASE(I32, int32_t)
    CASE(U8, uint8_t)
    CASE(U16, uint16_t)
    CASE(U32, uint32_t)
#undef CASE
    case NEAP_TYPE_F32:
        EACH(n, to->real[i] = (double)((const float *)from)[i]);
        break;
    case NEAP_TYPE_C64:
        EACH(n, to->complex[i] = complex_of(((const neap_c64 *)from)[i]));
        break;
    default:
        memcpy(to, from, n * neap_type_size(type)); /* as wide as can be */
    }
}


/* -- turn into another family: the first that does not fit, or n -------------- */

static unsigned whole_to(enum family family, union wide *x, unsigned n)
{
    if (family == LARGE)
        EACH(n, if (x->whole[i] < 0) return i);
    if (family == REAL)
        EACH(n, x->real[i] = (double)x->whole[i]);
    /* Backwards, for these are larger than what they replace. */
    if (family == COMPLEX)
        for (unsigned i = n; i-- > 0;)
            x->complex[i] = (neap_c128){(double)x->whole[i], 0};
    return n;
}


static unsigned large_to(enum family family, union wide *x, unsigned n)
{
    if (family == WHOLE)
        EACH(n, if (x->large[i] > INT64_MAX) return i);
    if (family == REAL)
        EACH(n, x->real[i] = (double)x->large[i]);
    if (family == COMPLEX)
        for (unsigned i = n; i-- > 0;)
            x->complex[i] = (neap_c128){(double)x->large[i], 0};
    return n;
}


static unsigned real_to_whole(union wide *x, unsigned n)
{
    const double edge = 0x1p63;
    for (unsigned i = 0; i < n; i++) {
        double f = x->real[i];
        if (!(f >= -edge && f < edge))
            return i;
        x->whole[i] = (int64_t)f;
    }
    return n;
}


static unsigned real_to_large(union wide *x, unsigned n)
{
    const double edge = 0x1p64;
    for (unsigned i = 0; i < n; i++) {
        double f = x->real[i];
        if (!(f > -1 && f < edge))
            return i;
        x->large[i] = (uint64_t)f;
    }
    return n;
}


static unsigned real_to(enum family family, union wide *x, unsigned n)
{
    if (family == WHOLE)
        return real_to_whole(x, n);
    if (family == LARGE)
        return real_to_large(x, n);
    for (unsigned i = n; family == COMPLEX && i-- > 0;)
        x->complex[i] = (neap_c128){x->real[i], 0};
    return n;
}


static unsigned complex_to(enum family family, union wide *x, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        neap_c128 c = x->complex[i];
        if (!(c.im == 0))
            return real_to(family, x, i); /* an earlier one may not fit */
        x->real[i] = c.re;
    }
    return real_to(family, x, n);
}


static unsigned turn(enum family from, enum family to, union wide *x,
                     unsigned n)
{
    if (from == to)
        return n;
    switch (from) {
    case WHOLE: return whole_to(to, x, n);
    case LARGE: return large_to(to, x, n);
    case REAL: return real_to(to, x, n);
    default: return complex_to(to, x, n);
    }
}


/* -- narrow: the first that does not fit, or n -------------------------------- */

static unsigned check_range(neap_type type, const union wide *x, unsigned n)
{
    int64_t least, most;
    switch (type) {
#define CASE(TYPE, c, min, max)                                                \
    case NEAP_TYPE_##TYPE: least = min; most = max; break;
    WHOLES(CASE)
#undef CASE
    default: return n;
    }
    EACH(n, if (x->whole[i] < least || x->whole[i] > most) return i);
    return n;
}


static neap_c64 rounded(neap_c128 c)
{
    return (neap_c64){(float)c.re, (float)c.im};
}


static void narrow(neap_type type, const union wide *x, unsigned n, void *to)
{
    switch (type) {
#define CASE(TYPE, c, min, max)                                                \
    case NEAP_TYPE_##TYPE: EACH(n, ((c *)to)[i] = (c)x->whole[i]); break;
    WHOLES(CASE)
#undef CASE
    case NEAP_TYPE_F32:
        EACH(n, ((float *)to)[i] = (float)x->real[i]);
        break;
    case NEAP_TYPE_C64:
        EACH(n, ((neap_c64 *)to)[i] = rounded(x->complex[i]));
        break;
    default:
        memcpy(to, x, n * neap_type_size(type)); /* as wide as can be */
    }
}


/* -- all of it ---------------------------------------------------------------- */

/* @return how many elements went well: all, or up to one that does not fit. */
static uint64_t convert(neap_array *array, const neap_array *from, bool write)
{
    size_t size = neap_type_size(array->type);
    size_t from_size = neap_type_size(from->type);
    enum family source = family_of(from->type), target = family_of(array->type);
    union wide x;
    for (uint64_t at = 0; at < array->size; at += BLOCK) {
        uint64_t left = array->size - at;
        unsigned n = left < BLOCK ? (unsigned)left : BLOCK;
        widen(from->type, from->data + at * from_size, n, &x);
        unsigned turned = turn(source, target, &x, n);
        unsigned good = check_range(array->type, &x, turned);
        if (good < n)
            return at + good;
        if (write)
            narrow(array->type, &x, n, array->data + at * size);
    }
    return array->size;
}


/* Reals take every whole number, complex numbers take all. */
static bool always_fits(neap_type type, neap_type from)
{
    enum family to = family_of(type), source = family_of(from);
    return to == COMPLEX || (to == REAL && source != COMPLEX);
}


static int misfit(const neap_array *array, const neap_array *from, uint64_t at)
{
    char text[NEAP__ARRAY_TEXT], from_text[NEAP__ARRAY_TEXT];
    return neap__fail(-EINVAL, "cannot copy %s to %s: element %llu (from 0), of "
                      "type %s, does not fit %s; choose a wider type",
                      neap__array_text(from, from_text),
                      neap__array_text(array, text), (unsigned long long)at,
                      neap_type_name(from->type), neap_type_name(array->type));
}


static int check_copy(const neap_array *array, const neap_array *from)
{
    char text[NEAP__ARRAY_TEXT], from_text[NEAP__ARRAY_TEXT];
    neap__array_text(array, text);
    neap__array_text(from, from_text);
    if (array->size != from->size)
        return neap__fail(-EINVAL, "cannot copy %s, which has %llu elements, to "
                          "%s, which has %llu: they must have as many",
                          from_text, (unsigned long long)from->size, text,
                          (unsigned long long)array->size);
    bool shares = array->data == from->data || neap__array_overlap(array, from);
    if (array->type != from->type && shares)
        return neap__fail(-EINVAL, "cannot copy %s to %s: they share memory and "
                          "differ in type; copy to a third array first",
                          from_text, text);
    return 0;
}


int neap_array_copy(neap_array *array, neap_array *from)
{
    int status = neap__array_changeable(array, "copy to");
    if (status == 0)
        status = neap__array_readable(from);
    if (status == 0)
        status = check_copy(array, from);
    if (status < 0)
        return status;
    if (array->type == from->type) {
        memmove(array->data, from->data, neap__array_bytes(array));
        return 0;
    }
    uint64_t good = array->size;
    if (!always_fits(array->type, from->type))
        good = convert(array, from, false);
    /* Again with its checks: somebody may be storing to `from` meanwhile. */
    if (good == array->size)
        good = convert(array, from, true);
    return good == array->size ? 0 : misfit(array, from, good);
}
