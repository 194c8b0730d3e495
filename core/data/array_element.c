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


/* -- get and set -------------------------------------------------------------- */

#define LOAD(word, from) __atomic_load_n((const word *)(from), __ATOMIC_RELAXED)
#define STORE(word, to, value)                                                 \
    __atomic_store_n((word *)(to), value, __ATOMIC_RELAXED)

/* Sixteen bytes at most, of which the element's are whole. */
static void load_element(const char *from, size_t size, uint64_t ret[2])
{
    switch (size) {
    case 1: memcpy(ret, &(uint8_t){LOAD(uint8_t, from)}, 1); break;
    case 2: memcpy(ret, &(uint16_t){LOAD(uint16_t, from)}, 2); break;
    case 4: memcpy(ret, &(uint32_t){LOAD(uint32_t, from)}, 4); break;
    case 16: ret[1] = LOAD(uint64_t, from + 8); /* fall through */
    default: ret[0] = LOAD(uint64_t, from);
    }
}


static void store_element(char *to, size_t size, const uint64_t element[2])
{
    uint8_t byte;
    uint16_t half;
    uint32_t word;
    switch (size) {
    case 1: memcpy(&byte, element, 1); STORE(uint8_t, to, byte); break;
    case 2: memcpy(&half, element, 2); STORE(uint16_t, to, half); break;
    case 4: memcpy(&word, element, 4); STORE(uint32_t, to, word); break;
    case 16: STORE(uint64_t, to + 8, element[1]); /* fall through */
    default: STORE(uint64_t, to, element[0]);
    }
}


int neap_array_get(neap_array *array, uint64_t index, neap_value *ret_value)
{
    int status = neap__array_readable(array);
    if (NEAP__UNLIKELY(status < 0))
        return status;
    if (NEAP__UNLIKELY(index >= array->size))
        return beyond(array, "read", index);
    uint64_t element[2];
    size_t size = neap_type_size(array->type);
    load_element(array->data + index * size, size, element);
    *ret_value = neap__value_of(array->type, element);
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
    uint64_t element[2];
    if (NEAP__UNLIKELY(neap__value_store(array->type, value, element) < 0))
        return refused_at(array, "write", index);
    size_t size = neap_type_size(array->type);
    store_element(array->data + index * size, size, element);
    return 0;
}


/* -- atomic addition ---------------------------------------------------------- */

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
    *ret_old = neap__value_of(array->type, &old);
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
    char *to = array->data + index * neap_type_size(array->type);
    if (neap__array_is_integer(array))
        return fetch_add_integer(array, to, n, ret_old);
    if (array->type == NEAP_TYPE_F32 || array->type == NEAP_TYPE_F64)
        return fetch_add_real(array, to, n, ret_old);
    return neap__array_unsupported(array, "add atomically to",
                                   "integer and real elements");
}
