/* What the tests of arrays have in common: types, values, short forms of calls
 * that must succeed. */
#ifndef NEAP_TEST_ARRAYS_H
#define NEAP_TEST_ARRAYS_H

#include "lib/harness.h"

/* For TEST_EACH. */
static const char *const types[] = {
#define NAME(upper, name, numpy, size, c) name,
    NEAP_TYPE_MAP(NAME)
#undef NAME
    NULL
};

#define I(n) ((neap_value){.kind = 'i', .as.i = (n)})
#define U(n) ((neap_value){.kind = 'u', .as.u = (n)})
#define F(x) ((neap_value){.kind = 'f', .as.f = (x)})
#define C(x, y) ((neap_value){.kind = 'c', .as.c = {(x), (y)}})


static inline bool is_whole(neap_type type)
{
    return type < NEAP_TYPE_F32;
}


/* n, of the kind that elements of that type have. */
static inline neap_value small(neap_type type, int n)
{
    return type == NEAP_TYPE_U64  ? U((uint64_t)n)
           : is_whole(type)       ? I(n)
           : type < NEAP_TYPE_C64 ? F(n) : C(n, 0);
}


static inline neap_heap *new_heap(void)
{
    neap_heap *heap = NULL;
    CHECK_STATUS(neap_heap_open(NULL, NULL, &heap), NEAP_CREATED);
    return heap;
}


static inline neap_array *new_array(neap_heap *heap, const char *name,
                                    neap_type type, uint64_t length)
{
    neap_array *array = NULL;
    CHECK_STATUS(neap_array_open(heap, name, type, 1, &length, &array),
                 NEAP_CREATED);
    return array;
}


/* The same with a name that nothing else has. */
static inline neap_array *some_array(neap_heap *heap, neap_type type,
                                     uint64_t length)
{
    static int made;
    char name[32];
    snprintf(name, sizeof name, "some array %d", made++);
    return new_array(heap, name, type, length);
}


static inline neap_value get(neap_array *array, uint64_t index)
{
    neap_value value = {0};
    CHECK_STATUS(neap_array_get(array, index, &value), 0);
    return value;
}


static inline void set(neap_array *array, uint64_t index, neap_value value)
{
    CHECK_STATUS(neap_array_set(array, index, value), 0);
}


/* Of one kind, and bit for bit but for complex zeros. */
static inline void check_same(neap_value got, neap_value wanted)
{
    CHECK_INT(got.kind, wanted.kind);
    if (got.kind == 'c')
        CHECK(got.as.c.re == wanted.as.c.re && got.as.c.im == wanted.as.c.im);
    else
        CHECK_INT(got.as.i, wanted.as.i);
}

#endif
