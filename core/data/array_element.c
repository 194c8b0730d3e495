/*
 * One element. Those of up to eight bytes are loaded and stored whole (A1 in
 * array.h), complex ones of sixteen as two such halves.
 */
#include <string.h>

#include "data/array.h"


static int beyond(const neap_array *array, const char *tried, uint64_t index)
{
    char text[NEAP__ARRAY_TEXT];
    return neap__fail(-ERANGE, "cannot %s element %llu of %s: it has %llu, "
                      "numbered from 0", tried, (unsigned long long)index,
                      neap__array_text(array, text),
                      (unsigned long long)array->size);
}


static int refused(const neap_array *array, const char *tried)
{
    char text[NEAP__ARRAY_TEXT];
    return neap__fail(-EINVAL, "cannot %s %s: %s", tried,
                      neap__array_text(array, text), neap_error_text());
}


int neap__array_value(const neap_array *array, const char *tried,
                      neap_value value, void *ret_element)
{
    int status = neap__value_store(array->type, value, ret_element);
    return NEAP__LIKELY(status == 0) ? 0 : refused(array, tried);
}


/* -- get and set ----------------------------------------------------------- */

#define LOAD(word, from)                                                       \
    __atomic_load_n((const word *)(from), __ATOMIC_RELAXED)
#define STORE(word, to, value)                                                 \
    __atomic_store_n((word *)(to), value, __ATOMIC_RELAXED)

#define STORE_BITS(word, to, value)                                            \
    do {                                                                       \
        word bits_;                                                            \
        memcpy(&bits_, &(value), sizeof bits_);                                \
        STORE(word, to, bits_);                                                \
    } while (0)

/* X(type, C type) of the integers that int64_t holds */
#define INTEGERS(X)                                                            \
    X(I8, int8_t)                                                              \
    X(I16, int16_t)                                                            \
    X(I32, int32_t)                                                            \
    X(I64, int64_t)                                                            \
    X(U8, uint8_t)                                                             \
    X(U16, uint16_t)                                                           \
    X(U32, uint32_t)


static double load_f32(const char *from)
{
    float f;
    memcpy(&f, &(uint32_t){LOAD(uint32_t, from)}, sizeof f);
    return (double)f;
}


static double load_f64(const char *from)
{
    double f;
    memcpy(&f, &(uint64_t){LOAD(uint64_t, from)}, sizeof f);
    return f;
}


/* Like neap__value_of, from memory that others change meanwhile. Written member
 * by member: copying a whole value waits for its parts to arrive. */
static void load_element(neap_type type, const char *from, neap_value *ret)
{
    switch (type) {
#define CASE(TYPE, c)                                                          \
    case NEAP_TYPE_##TYPE:                                                     \
        ret->kind = 'i';                                                       \
        ret->as.i = LOAD(c, from);                                             \
        break;
    INTEGERS(CASE)
#undef CASE
    case NEAP_TYPE_U64:
        ret->kind = 'u';
        ret->as.u = LOAD(uint64_t, from);
        break;
    case NEAP_TYPE_F32: ret->kind = 'f'; ret->as.f = load_f32(from); break;
    case NEAP_TYPE_F64: ret->kind = 'f'; ret->as.f = load_f64(from); break;
    case NEAP_TYPE_C128:
        ret->kind = 'c';
        ret->as.c = (neap_c128){load_f64(from), load_f64(from + 8)};
        break;
    case NEAP_TYPE_BOOL:
        *ret = neap__value_of(type, &(uint8_t){LOAD(uint8_t, from)});
        break;
    default: /* C64 */
        *ret = neap__value_of(type, &(uint64_t){LOAD(uint64_t, from)});
    }
}


static void store_bytes(char *to, size_t size, const uint64_t element[2])
{
    switch (size) {
    case 1: STORE_BITS(uint8_t, to, *element); break;
    case 2: STORE_BITS(uint16_t, to, *element); break;
    case 4: STORE_BITS(uint32_t, to, *element); break;
    case 16: STORE(uint64_t, to + 8, element[1]); /* fall through */
    default: STORE(uint64_t, to, element[0]);
    }
}


static bool to_f64(neap_value value, double *ret)
{
    if (value.kind == 'f')
        *ret = value.as.f;
    else if (value.kind == 'i')
        *ret = (double)value.as.i;
    else
        return false;
    return true;
}


/* Store what loops mostly store; false for the rest, which may fit too. */
static bool store_common(neap_type type, char *to, neap_value value)
{
    double f;
    switch (type) {
#define CASE(TYPE, c)                                                          \
    case NEAP_TYPE_##TYPE:                                                     \
        if (value.kind != 'i' || (int64_t)(c)value.as.i != value.as.i)         \
            return false;                                                      \
        STORE(c, to, (c)value.as.i);                                           \
        return true;
    INTEGERS(CASE)
#undef CASE
    case NEAP_TYPE_F64:
        if (!to_f64(value, &f))
            return false;
        STORE_BITS(uint64_t, to, f);
        return true;
    case NEAP_TYPE_F32:
        if (!to_f64(value, &f))
            return false;
        STORE_BITS(uint32_t, to, (float){(float)f});
        return true;
    default:
        return false;
    }
}


int neap_array_get(neap_array *array, uint64_t index, neap_value *ret_value)
{
    int status = neap__array_readable(array);
    if (NEAP__UNLIKELY(status < 0))
        return status;
    if (NEAP__UNLIKELY(index >= array->size))
        return beyond(array, "read", index);
    load_element(array->type, array->data + index * array->element, ret_value);
    return 0;
}


static int refused_at(const neap_array *array, const char *tried,
                      uint64_t index)
{
    char text[NEAP__ARRAY_TEXT];
    return neap__fail(-EINVAL, "cannot %s element %llu (from 0) of %s: %s",
                      tried, (unsigned long long)index,
                      neap__array_text(array, text), neap_error_text());
}


int neap_array_set(neap_array *array, uint64_t index, neap_value value)
{
    int status = neap__array_changeable(array, "write to");
    if (NEAP__UNLIKELY(status < 0))
        return status;
    if (NEAP__UNLIKELY(index >= array->size))
        return beyond(array, "write", index);
    char *to = array->data + index * array->element;
    if (NEAP__LIKELY(store_common(array->type, to, value)))
        return 0;
    uint64_t element[2];
    if (NEAP__UNLIKELY(neap__value_store(array->type, value, element) < 0))
        return refused_at(array, "write", index);
    store_bytes(to, array->element, element);
    return 0;
}


/* -- atomic addition ------------------------------------------------------- */

static bool negated(neap_value value, neap_value *ret)
{
    if (value.kind == 'i' && value.as.i < 0)
        *ret = (neap_value){.kind = 'u', .as.u = -(uint64_t)value.as.i};
    else if (value.kind == 'f' && value.as.f < 0)
        *ret = (neap_value){.kind = 'f', .as.f = -value.as.f};
    else
        return false;
    return true;
}


/* Whether n is in the range that neap__array_operand allows. */
static bool is_operand(const neap_array *array, int64_t n)
{
    unsigned bits = 8 * array->element;
    if (bits == 64)
        return true;
    if (array->type >= NEAP_TYPE_U8)
        return (n < 0 ? -(uint64_t)n : (uint64_t)n) >> bits == 0;
    int64_t half = INT64_C(1) << (bits - 1);
    return n >= -half && n < half;
}


static uint64_t widened(neap_type type, const void *element)
{
    neap_value value = neap__value_of(type, element);
    return value.kind == 'u' ? value.as.u : (uint64_t)value.as.i;
}


int neap__array_operand(const neap_array *array, const char *tried,
                        neap_value value, uint64_t *ret_bits)
{
    uint64_t element[2];
    neap_value positive;
    bool is_unsigned = array->type >= NEAP_TYPE_U8;
    if (value.kind == 'i' && is_operand(array, value.as.i)) {
        *ret_bits = (uint64_t)value.as.i;
        return 0;
    }
    if (neap__value_store(array->type, value, element) == 0) {
        *ret_bits = widened(array->type, element);
        return 0;
    }
    if (is_unsigned && negated(value, &positive) &&
        neap__value_store(array->type, positive, element) == 0) {
        *ret_bits = -widened(array->type, element);
        return 0;
    }
    return neap__array_value(array, tried, value, element);
}


static void add_integer(neap_type type, char *to, uint64_t n, void *ret_old)
{
#define ADD(upper, word)                                                       \
    case NEAP_TYPE_##upper:                                                    \
        *(word *)ret_old = __atomic_fetch_add((word *)to, (word)n,             \
                                              __ATOMIC_SEQ_CST);               \
        break;
    switch (type) {
    ADD(I8, uint8_t)
    ADD(I16, uint16_t)
    ADD(I32, uint32_t)
    ADD(I64, uint64_t)
    ADD(U8, uint8_t)
    ADD(U16, uint16_t)
    ADD(U32, uint32_t)
    default:
    ADD(U64, uint64_t)
    }
#undef ADD
}


#define ADD_REAL(name, real, word)                                             \
    static real name(char *to, real n)                                         \
    {                                                                          \
        word before = LOAD(word, to), after;                                   \
        real old, sum;                                                         \
        do {                                                                   \
            memcpy(&old, &before, sizeof old);                                 \
            sum = old + n;                                                     \
            memcpy(&after, &sum, sizeof after);                                \
        } while (!__atomic_compare_exchange_n((word *)to, &before, after,      \
                                              true, __ATOMIC_SEQ_CST,          \
                                              __ATOMIC_RELAXED));              \
        return old;                                                            \
    }

ADD_REAL(add_f32, float, uint32_t)
ADD_REAL(add_f64, double, uint64_t)


static int fetch_add_real(neap_array *array, char *to, neap_value n,
                          neap_value *ret_old)
{
    union {
        float f32;
        double f64;
    } addend;
    int status = neap__array_value(array, "add to an element of", n, &addend);
    if (status < 0)
        return status;
    ret_old->kind = 'f';
    ret_old->as.f = array->type == NEAP_TYPE_F32
                        ? (double)add_f32(to, addend.f32)
                        : add_f64(to, addend.f64);
    return 0;
}


static int fetch_add_integer(neap_array *array, char *to, neap_value n,
                             neap_value *ret_old)
{
    uint64_t bits, old;
    int status = neap__array_operand(array, "add to an element of", n, &bits);
    if (status < 0)
        return status;
    add_integer(array->type, to, bits, &old);
    load_element(array->type, (char *)&old, ret_old);
    return 0;
}


int neap_array_fetch_add(neap_array *array, uint64_t index, neap_value n,
                         neap_value *ret_old)
{
    int status = neap__array_changeable(array, "add to");
    if (NEAP__UNLIKELY(status < 0))
        return status;
    if (NEAP__UNLIKELY(index >= array->size))
        return beyond(array, "add to", index);
    char *to = array->data + index * array->element;
    if (neap__array_is_integer(array))
        return fetch_add_integer(array, to, n, ret_old);
    if (array->type == NEAP_TYPE_F32 || array->type == NEAP_TYPE_F64)
        return fetch_add_real(array, to, n, ret_old);
    return neap__array_unsupported(array, "add atomically to",
                                   "integer and real elements");
}
