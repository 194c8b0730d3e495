/**
 * Element types of arrays and of typed reads and writes on a mapping.
 */
#ifndef NEAP_TYPE_H
#define NEAP_TYPE_H

#include "neap/api.h"

/* X(enum name, script name, numpy name, bytes, C type) */
#define NEAP_TYPE_MAP(X)                                                       \
    X(BOOL, "bool", "?", 1, uint8_t)                                           \
    X(I8, "i8", "i1", 1, int8_t)                                               \
    X(I16, "i16", "i2", 2, int16_t)                                            \
    X(I32, "i32", "i4", 4, int32_t)                                            \
    X(I64, "i64", "i8", 8, int64_t)                                            \
    X(U8, "u8", "u1", 1, uint8_t)                                              \
    X(U16, "u16", "u2", 2, uint16_t)                                           \
    X(U32, "u32", "u4", 4, uint32_t)                                           \
    X(U64, "u64", "u8", 8, uint64_t)                                           \
    X(F32, "f32", "f4", 4, float)                                              \
    X(F64, "f64", "f8", 8, double)                                             \
    X(C64, "c64", "c8", 8, neap_c64)                                           \
    X(C128, "c128", "c16", 16, neap_c128)

typedef struct neap_c64 {
    float re, im;
} neap_c64;

typedef struct neap_c128 {
    double re, im;
} neap_c128;

typedef enum neap_type {
    NEAP_TYPE_ANY = 0, /* when opening: whatever is there */
    NEAP_TYPE_BOOL = 1,
    NEAP_TYPE_I8,
    NEAP_TYPE_I16,
    NEAP_TYPE_I32,
    NEAP_TYPE_I64,
    NEAP_TYPE_U8,
    NEAP_TYPE_U16,
    NEAP_TYPE_U32,
    NEAP_TYPE_U64,
    NEAP_TYPE_F32,
    NEAP_TYPE_F64,
    NEAP_TYPE_C64,
    NEAP_TYPE_C128
} neap_type;

#define NEAP_DIMENSIONS_MAX 8

/**
 * One element of any type. `kind` says which member holds it: 'i' for signed
 * integers and bool, 'u' for u64 (others fit `i`), 'f' for f32 and f64, 'c' for
 * complex.
 */
typedef struct neap_value {
    char kind;
    union {
        int64_t i;
        uint64_t u;
        double f;
        neap_c128 c;
    } as;
} neap_value;

/** Bytes of one element, 0 for what is not a type. */
NEAP_API size_t neap_type_size(neap_type type);

/** The name in scripts: "i32", "f64". "?" for what is not a type. */
NEAP_API const char *neap_type_name(neap_type type);

/** The type of that name, script's or numpy's ("f64"; "<f8" is not taken),
 * script names first: "i8" is eight bits, never numpy's eight bytes.
 * NEAP_TYPE_ANY when there is none. */
NEAP_API neap_type neap_type_from_name(const char *name);

#endif
