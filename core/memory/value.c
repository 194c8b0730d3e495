/*
 * Between an element in memory and a neap_value. A value goes into a type that
 * holds it exactly, and is refused by others with the range named; f32 and c64
 * alone round, for that is what who asks for them asks for.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "memory/memory.h"

union element {
    uint8_t boolean;
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    float f32;
    double f64;
    neap_c64 c64;
    neap_c128 c128;
};


static neap_value integer(int64_t i)
{
    return (neap_value){.kind = 'i', .as.i = i};
}


static neap_value real(double f)
{
    return (neap_value){.kind = 'f', .as.f = f};
}


static neap_value complex_of(double re, double im)
{
    return (neap_value){.kind = 'c', .as.c = {re, im}};
}


neap_value neap__value_of(neap_type type, const void *element)
{
    union element it, *e = &it;
    memcpy(&it, element, neap_type_size(type));
    switch (type) {
    case NEAP_TYPE_BOOL: return integer(e->boolean != 0);
    case NEAP_TYPE_I8: return integer(e->i8);
    case NEAP_TYPE_I16: return integer(e->i16);
    case NEAP_TYPE_I32: return integer(e->i32);
    case NEAP_TYPE_I64: return integer(e->i64);
    case NEAP_TYPE_U8: return integer(e->u8);
    case NEAP_TYPE_U16: return integer(e->u16);
    case NEAP_TYPE_U32: return integer(e->u32);
    case NEAP_TYPE_U64: return (neap_value){.kind = 'u', .as.u = e->u64};
    case NEAP_TYPE_F32: return real((double)e->f32);
    case NEAP_TYPE_F64: return real(e->f64);
    case NEAP_TYPE_C64: return complex_of((double)e->c64.re, (double)e->c64.im);
    default: return complex_of(e->c128.re, e->c128.im);
    }
}


/* The integer types that fit int64_t, and their ranges. */
static bool integer_range(neap_type type, int64_t *ret_min, int64_t *ret_max)
{
    if (type == NEAP_TYPE_BOOL) {
        *ret_min = 0;
        *ret_max = 1;
        return true;
    }
    if (type >= NEAP_TYPE_I8 && type <= NEAP_TYPE_I64) {
        *ret_max = INT64_MAX >> (64 - 8 * neap_type_size(type));
        *ret_min = -*ret_max - 1;
        return true;
    }
    if (type >= NEAP_TYPE_U8 && type <= NEAP_TYPE_U32) {
        *ret_max = INT64_MAX >> (63 - 8 * neap_type_size(type));
        *ret_min = 0;
        return true;
    }
    return false;
}


/* A float that is a whole number is a good integer: scripts mix them freely. */
static bool to_integer(neap_value value, int64_t *ret)
{
    const double edge = 0x1p63;
    switch (value.kind) {
    case 'i':
        *ret = value.as.i;
        return true;
    case 'u':
        *ret = (int64_t)value.as.u;
        return value.as.u <= INT64_MAX;
    case 'f':
        if (!(value.as.f >= -edge && value.as.f < edge) ||
            value.as.f != floor(value.as.f))
            return false;
        *ret = (int64_t)value.as.f;
        return true;
    default:
        return false;
    }
}


static bool to_u64(neap_value value, uint64_t *ret)
{
    const double edge = 0x1p64;
    switch (value.kind) {
    case 'i':
        *ret = (uint64_t)value.as.i;
        return value.as.i >= 0;
    case 'u':
        *ret = value.as.u;
        return true;
    case 'f':
        if (!(value.as.f >= 0 && value.as.f < edge) ||
            value.as.f != floor(value.as.f))
            return false;
        *ret = (uint64_t)value.as.f;
        return true;
    default:
        return false;
    }
}


static bool to_complex(neap_value value, neap_c128 *ret)
{
    switch (value.kind) {
    case 'i': *ret = (neap_c128){(double)value.as.i, 0}; return true;
    case 'u': *ret = (neap_c128){(double)value.as.u, 0}; return true;
    case 'f': *ret = (neap_c128){value.as.f, 0}; return true;
    case 'c': *ret = value.as.c; return true;
    default: return false;
    }
}


int neap__value_no_type(neap_type type)
{
    return neap__fail(-EINVAL, "cannot read or write type %d: there is none "
                      "of that number", (int)type);
}


/* "2.5", "300", "1+2i", for sentences. */
static const char *value_text(neap_value value, char *buffer, size_t size)
{
    switch (value.kind) {
    case 'i':
        snprintf(buffer, size, "%lld", (long long)value.as.i);
        break;
    case 'u':
        snprintf(buffer, size, "%llu", (unsigned long long)value.as.u);
        break;
    case 'f':
        snprintf(buffer, size, "%.17g", value.as.f);
        break;
    case 'c':
        snprintf(buffer, size, "%.17g%+.17gi", value.as.c.re, value.as.c.im);
        break;
    default:
        snprintf(buffer, size, "a value of unknown kind %d", value.kind);
    }
    return buffer;
}


static int refused(neap_type type, neap_value value)
{
    char text[80];
    int64_t min, max;

    value_text(value, text, sizeof text);
    if (integer_range(type, &min, &max))
        return neap__fail(-EINVAL, "cannot store %s as %s: it holds whole "
                          "numbers from %lld to %lld", text,
                          neap_type_name(type), (long long)min, (long long)max);
    if (type == NEAP_TYPE_U64)
        return neap__fail(-EINVAL, "cannot store %s as u64: it holds whole "
                          "numbers from 0 to %llu", text,
                          (unsigned long long)UINT64_MAX);
    return neap__fail(-EINVAL, "cannot store %s as %s: it holds %s numbers",
                      text, neap_type_name(type),
                      type >= NEAP_TYPE_C64 ? "complex" : "real");
}


static int store_integer(neap_type type, neap_value value, void *ret_element)
{
    int64_t min, max, n;
    if (!integer_range(type, &min, &max) || !to_integer(value, &n) || n < min ||
        n > max)
        return refused(type, value);
    /* The low bytes come first on a little-endian machine alone. */
    size_t size = neap_type_size(type);
    uint8_t bytes[8];
    memcpy(bytes, &n, sizeof n);
    bool little = *(const uint8_t *)&(uint16_t){1};
    memcpy(ret_element, little ? bytes : bytes + 8 - size, size);
    return 0;
}


static int store_u64(neap_value value, void *ret_element)
{
    uint64_t n;
    if (!to_u64(value, &n))
        return refused(NEAP_TYPE_U64, value);
    memcpy(ret_element, &n, sizeof n);
    return 0;
}


static int store_real(neap_type type, neap_value value, void *ret_element)
{
    neap_c128 c;
    if (value.kind == 'c' || !to_complex(value, &c))
        return refused(type, value);
    union element e;
    if (type == NEAP_TYPE_F32)
        e.f32 = (float)c.re;
    else
        e.f64 = c.re;
    memcpy(ret_element, &e, neap_type_size(type));
    return 0;
}


static int store_complex(neap_type type, neap_value value, void *ret_element)
{
    neap_c128 c;
    if (!to_complex(value, &c))
        return refused(type, value);
    union element e;
    if (type == NEAP_TYPE_C64)
        e.c64 = (neap_c64){(float)c.re, (float)c.im};
    else
        e.c128 = c;
    memcpy(ret_element, &e, neap_type_size(type));
    return 0;
}


int neap__value_store(neap_type type, neap_value value, void *ret_element)
{
    switch (type) {
    case NEAP_TYPE_F32:
    case NEAP_TYPE_F64:
        return store_real(type, value, ret_element);
    case NEAP_TYPE_C64:
    case NEAP_TYPE_C128:
        return store_complex(type, value, ret_element);
    case NEAP_TYPE_U64:
        return store_u64(value, ret_element);
    case NEAP_TYPE_ANY:
        return neap__value_no_type(type);
    default:
        return neap_type_size(type) ? store_integer(type, value, ret_element)
                                    : neap__value_no_type(type);
    }
}
