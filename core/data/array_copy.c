/*
 * From one array to another, whose type may differ.
 *
 * Elements travel in blocks through the widest type of their family (whole:
 * int64_t, large: uint64_t, real: double, complex): widened from the source's
 * type, checked, turned into the target's family, narrowed to its type. All
 * blocks are checked first, then written: nothing is, if one does not fit.
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


/* X(type, C type, least, most) of those narrower than int64_t */
#define WHOLES(X)                                                              \
    X(BOOL, uint8_t, 0, 1)                                                     \
    X(I8, int8_t, INT8_MIN, INT8_MAX)                                          \
    X(I16, int16_t, INT16_MIN, INT16_MAX)                                      \
    X(I32, int32_t, INT32_MIN, INT32_MAX)                                      \
    X(U8, uint8_t, 0, UINT8_MAX)                                               \
    X(U16, uint16_t, 0, UINT16_MAX)                                            \
    X(U32, uint32_t, 0, UINT32_MAX)

#define EACH(n, statement)                                                     \
    do {                                                                       \
        for (unsigned i = 0; i < (n); i++)                                     \
            statement;                                                         \
    } while (0)


/* -- widen: never fails ---------------------------------------------------- */

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


/* -- check: the first that does not fit the target, or n ------------------- */

struct range {
    int64_t least;
    uint64_t most;
    double above, below; /* a real truncates into it if it lies between */
};


static struct range range_of(neap_type type)
{
    switch (type) {
#define CASE(TYPE, c, min, max)                                                \
    case NEAP_TYPE_##TYPE:                                                     \
        return (struct range){min, max, (double)(min) - 1, (double)(max) + 1};
    WHOLES(CASE)
#undef CASE
    case NEAP_TYPE_I64: /* the doubles next to its ends */
        return (struct range){INT64_MIN, INT64_MAX, -0x1.0000000000001p63,
                              0x1p63};
    default:
        return (struct range){0, UINT64_MAX, -1, 0x1p64};
    }
}


/* All at once without a branch; only if there is one, look where. */
#define FIRST(n, misfit)                                                       \
    do {                                                                       \
        uint64_t any = 0;                                                      \
        NEAP__EACH(n, any |= (uint64_t)(misfit));                              \
        if (!any)                                                              \
            return n;                                                          \
        unsigned i = 0;                                                        \
        while (!(misfit))                                                      \
            i++;                                                               \
        return i;                                                              \
    } while (0)


static unsigned check_whole(const struct range *range, const int64_t *x,
                            unsigned n)
{
    int64_t least = range->least;
    int64_t most = range->most > INT64_MAX ? INT64_MAX : (int64_t)range->most;
    FIRST(n, (x[i] < least) | (x[i] > most));
}


static unsigned check_large(const struct range *range, const uint64_t *x,
                            unsigned n)
{
    FIRST(n, x[i] > range->most);
}


/* In the one form that gcc vectorizes. NaN lies between nothing. */
static bool all_between(const double *x, unsigned n, double above, double below)
{
    double bad[NEAP__LANES] = {0}, sum = 0;
    NEAP__EACH(n, const double low = x[i] > above ? x[i] : below;
               bad[lane] = low < below ? bad[lane] : 1);
    for (unsigned k = 0; k < NEAP__LANES; k++)
        sum += bad[k];
    return sum == 0;
}


static unsigned check_real(const struct range *range, const double *x,
                           unsigned n)
{
    unsigned i = 0;
    if (all_between(x, n, range->above, range->below))
        return n;
    while (x[i] > range->above && x[i] < range->below)
        i++;
    return i;
}


static unsigned check_complex(const struct range *range, const neap_c128 *x,
                              unsigned n)
{
    FIRST(n, !((x[i].re > range->above) & (x[i].re < range->below) &
               (x[i].im == 0)));
}


static unsigned check_imaginary(const neap_c128 *x, unsigned n)
{
    FIRST(n, !(x[i].im == 0));
}


/* Reals take every whole number, complex numbers take all. */
static bool always_fits(neap_type type, neap_type from)
{
    enum family to = family_of(type), source = family_of(from);
    return to == COMPLEX || (to == REAL && source != COMPLEX);
}


static unsigned check(neap_type type, neap_type from, const union wide *x,
                      unsigned n)
{
    if (always_fits(type, from))
        return n;
    if (family_of(type) == REAL)
        return check_imaginary(x->complex, n);
    struct range range = range_of(type);
    switch (family_of(from)) {
    case WHOLE: return check_whole(&range, x->whole, n);
    case LARGE: return check_large(&range, x->large, n);
    case REAL: return check_real(&range, x->real, n);
    default: return check_complex(&range, x->complex, n);
    }
}


/* -- turn what fits into another family ------------------------------------ */

/* To complex backwards, for these are larger than what they replace. */
#define TURN(member)                                                           \
    static void turn_##member(enum family to, union wide *x, unsigned n)       \
    {                                                                          \
        switch (to) {                                                          \
        case WHOLE: EACH(n, x->whole[i] = (int64_t)x->member[i]); break;       \
        case LARGE: EACH(n, x->large[i] = (uint64_t)x->member[i]); break;      \
        case REAL: EACH(n, x->real[i] = (double)x->member[i]); break;          \
        case COMPLEX:                                                          \
            for (unsigned i = n; i-- > 0;)                                     \
                x->complex[i] = (neap_c128){(double)x->member[i], 0};          \
        }                                                                      \
    }
TURN(whole)
TURN(large)
TURN(real)


static void turn(enum family from, enum family to, union wide *x, unsigned n)
{
    if (from == to)
        return;
    switch (from) {
    case WHOLE: turn_whole(to, x, n); break;
    case LARGE: turn_large(to, x, n); break;
    case REAL: turn_real(to, x, n); break;
    case COMPLEX:
        EACH(n, x->real[i] = x->complex[i].re);
        turn(REAL, to, x, n);
    }
}


/* -- narrow what fits ------------------------------------------------------ */

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


/* -- all of it ------------------------------------------------------------- */

/* @return how many elements went well: all, or up to one that does not fit. */
static uint64_t convert(neap_array *array, const neap_array *from, bool write)
{
    union wide x;
    for (uint64_t at = 0; at < array->size; at += BLOCK) {
        uint64_t left = array->size - at;
        unsigned n = left < BLOCK ? (unsigned)left : BLOCK;
        widen(from->type, from->data + at * from->element, n, &x);
        unsigned good = check(array->type, from->type, &x, n);
        if (good < n)
            return at + good;
        if (!write)
            continue;
        turn(family_of(from->type), family_of(array->type), &x, n);
        narrow(array->type, &x, n, array->data + at * array->element);
    }
    return array->size;
}


static int misfit(const neap_array *array, const neap_array *from, uint64_t at)
{
    char text[NEAP__ARRAY_TEXT], from_text[NEAP__ARRAY_TEXT];
    return neap__fail(-EINVAL, "cannot copy %s to %s: element %llu (from 0), "
                      "of type %s, does not fit %s; choose a wider type",
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
        return neap__fail(-EINVAL, "cannot copy %s, which has %llu elements, "
                          "to %s, which has %llu: they must have as many",
                          from_text, (unsigned long long)from->size, text,
                          (unsigned long long)array->size);
    bool shares = array->data == from->data || neap__array_overlap(array, from);
    if (array->type != from->type && shares)
        return neap__fail(-EINVAL, "cannot copy %s to %s: they share memory "
                          "and differ in type; copy to a third array first",
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
