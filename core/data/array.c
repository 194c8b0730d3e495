/*
 * Handles of arrays: opening, views, rows. What is done with the elements is in
 * array_element.c (one), and in array_bulk.c, array_copy.c, array_reduce.c and
 * array_extreme.c (all of them).
 */
#include <stdlib.h>
#include <string.h>

#include "data/array.h"
#include "memory/access.h"

/* -- handles --------------------------------------------------------------- */

static neap_array *make_handle(struct neap__array_origin *origin)
{
    neap_array *array = calloc(1, sizeof *array);
    if (!array)
        return NULL;
    atomic_init(&array->references, 1);
    array->origin = origin;
    array->shape = origin->shape;
    return array;
}


/* A handle with its origin, which keeps no memory mapped yet. */
static int make_first(const char *name, neap_array **ret_array)
{
    size_t length = strlen(name);
    struct neap__array_origin *origin = calloc(1, sizeof *origin + length + 1);
    neap_array *array = origin ? make_handle(origin) : NULL;
    if (!array) {
        free(origin);
        return neap__fail_why(-ENOMEM, "cannot open array '%s'", name);
    }
    atomic_init(&origin->references, 1);
    memcpy(origin->name, name, length + 1);
    *ret_array = array;
    return 0;
}


static void free_first(neap_array *array)
{
    free(array->origin);
    free(array);
}


static void keep_shape(neap_array *array, neap_type type, uint32_t dimensions,
                       const uint64_t *shape)
{
    array->type = type;
    array->element = (uint32_t)neap_type_size(type);
    array->dimensions = dimensions;
    array->size = 1;
    for (uint32_t i = 0; i < dimensions; i++) {
        array->origin->shape[i] = shape[i];
        array->size *= shape[i];
    }
}


static void fill_found(neap_array *array, neap_heap *heap,
                       const struct neap__found *found)
{
    keep_shape(array, (neap_type)neap_sh_what_type(found->what),
               neap_sh_what_dimensions(found->what), found->shape);
    array->data = heap->base + found->data;
    array->id_there = &found->entry->id;
    array->id = found->id;
    array->writable = !heap->read_only;
    neap__attachment_retain(heap);
    array->origin->heap = heap;
}


/* What must be known to make one, else it must be there. */
static int check_wanted(const char *name, struct neap__wanted *wanted)
{
    uint64_t size = 0;
    int status = 0;
    if (wanted->type)
        status = neap__array_type_check("open array", name, wanted->type);
    if (status == 0 && wanted->dimensions)
        status = neap__array_measure("open array", name, wanted->type,
                                     wanted->dimensions, wanted->shape, &size);
    wanted->bytes = size * neap_type_size(wanted->type);
    wanted->must_exist = wanted->bytes == 0;
    return status;
}


int neap_array_open(neap_heap *heap, const char *name, neap_type type,
                    uint32_t dimensions, const uint64_t *shape,
                    neap_array **ret_array)
{
    struct neap__wanted wanted = {.kind = NEAP_OBJECT_ARRAY, .type = type,
                                  .dimensions = dimensions, .shape = shape};
    struct neap__found found;
    neap_array *array;

    if (!heap)
        return neap__fail(NEAP_ECLOSED, "cannot open an array of a heap that "
                          "is closed: open the heap again");
    int status = neap__name_check(heap, name);
    if (status == 0)
        status = check_wanted(name, &wanted);
    if (status == 0)
        status = make_first(name, &array); /* what may fail comes first */
    if (status < 0)
        return status;
    status = neap__object_open(heap, name, &wanted, &found);
    if (status < 0) {
        free_first(array);
        return status;
    }
    fill_found(array, heap, &found);
    *ret_array = array;
    return status;
}


/* -- views ----------------------------------------------------------------- */

static int check_place(neap_mapping *mapping, uint64_t offset, neap_type type,
                       uint64_t size)
{
    uint64_t element = neap_type_size(type);
    uint64_t length = neap_mapping_length(mapping);
    if (offset > length || size * element > length - offset)
        return neap__fail(-ERANGE, "cannot view %llu bytes of %s from byte "
                          "%llu on: the mapping has %llu",
                          (unsigned long long)(size * element),
                          mapping->address, (unsigned long long)offset,
                          (unsigned long long)length);
    uintptr_t first = (uintptr_t)neap_mapping_data(mapping) + offset;
    uint64_t alignment = element > 8 ? 8 : element; /* A1 */
    if (offset % element == 0 && first % alignment == 0)
        return 0;
    return neap__fail(-EINVAL, "cannot view %s as %s from byte %llu on: an "
                      "element would not be aligned; take an offset, and a "
                      "mapping that starts, at a multiple of %llu",
                      mapping->address, neap_type_name(type),
                      (unsigned long long)offset, (unsigned long long)element);
}


/* Counted first, so that a protect at the same time refuses, or was before. */
static int count_view(neap_mapping *mapping, bool writable)
{
    if (writable)
        neap_mapping_view(mapping, 1);
    int needed = writable ? NEAP_PROT_WRITE : NEAP_PROT_READ;
    if (neap_mapping_protection(mapping) & needed)
        return 0;
    if (writable)
        neap_mapping_view(mapping, -1);
    return neap__fail(-EACCES, "cannot view %s for %s: its mapping forbids it; "
                      "%s", mapping->address, writable ? "writing" : "reading",
                      writable ? "map it for writing, or view it for reading"
                               : "allow reading with protect");
}


static int check_view(neap_mapping *mapping, uint64_t offset, neap_type type,
                      uint32_t dimensions, const uint64_t *shape)
{
    const char *address = mapping->address;
    uint64_t size;
    int status = neap__array_type_check("view", address, type);
    if (status == 0 && dimensions == 0)
        return neap__fail(-EINVAL, "cannot view '%s' with no dimensions: an "
                          "array has 1 to %d", address, NEAP_DIMENSIONS_MAX);
    if (status == 0)
        status = neap__array_measure("view", address, type, dimensions, shape,
                                     &size);
    if (status == 0)
        status = check_place(mapping, offset, type, size);
    return status;
}


int neap_array_view(neap_mapping *mapping, uint64_t offset, neap_type type,
                    uint32_t dimensions, const uint64_t *shape, bool writable,
                    neap_array **ret_array)
{
    neap_array *array;
    if (!mapping)
        return neap__fail(NEAP_ECLOSED, "cannot view a mapping that is closed: "
                          "map the segment again");
    int status = check_view(mapping, offset, type, dimensions, shape);
    if (status == 0)
        status = make_first("", &array);
    if (status < 0)
        return status;
    status = count_view(mapping, writable);
    if (status < 0) {
        free_first(array);
        return status;
    }
    keep_shape(array, type, dimensions, shape);
    array->data = (char *)neap_mapping_data(mapping) + offset;
    array->writable = writable;
    array->origin->counted = writable;
    array->origin->mapping = neap_mapping_retain(mapping);
    *ret_array = array;
    return 0;
}


/* -- rows ------------------------------------------------------------------ */

static int check_row(const neap_array *array, uint64_t index)
{
    char text[NEAP__ARRAY_TEXT];
    if (!array)
        return neap__array_gone(array);
    if (array->dimensions < 2)
        return neap__fail(-EINVAL, "cannot take a row of %s: it has one "
                          "dimension; take elements instead",
                          neap__array_text(array, text));
    if (index >= array->shape[0])
        return neap__fail(-ERANGE, "cannot take row %llu of %s: it has %llu "
                          "rows, numbered from 0", (unsigned long long)index,
                          neap__array_text(array, text),
                          (unsigned long long)array->shape[0]);
    return 0;
}


int neap_array_row(neap_array *array, uint64_t index, neap_array **ret_row)
{
    int status = check_row(array, index);
    if (status < 0)
        return status;
    neap_array *row = malloc(sizeof *row);
    if (!row)
        return neap__fail_why(-ENOMEM, "cannot take a row of array '%s'",
                              array->origin->name);
    *row = (struct neap_array){
        .size = array->size / array->shape[0],
        .id_there = array->id_there,
        .id = array->id,
        .type = array->type,
        .element = array->element,
        .dimensions = array->dimensions - 1,
        .writable = array->writable,
        .references = 1,
        .shape = array->shape + 1,
        .origin = array->origin,
    };
    row->data = array->data + index * row->size * row->element;
    atomic_fetch_add_explicit(&array->origin->references, 1,
                              memory_order_relaxed);
    *ret_row = row;
    return 0;
}


/* -- the end of a handle --------------------------------------------------- */

/* The last one must see all that the others did: acquire and release. */
static bool was_last(_Atomic uint32_t *references)
{
    return atomic_fetch_sub_explicit(references, 1, memory_order_acq_rel) == 1;
}


static void close_origin(struct neap__array_origin *origin)
{
    if (!was_last(&origin->references))
        return;
    if (origin->counted)
        neap_mapping_view(origin->mapping, -1);
    neap_mapping_close(origin->mapping);
    if (origin->heap)
        neap__attachment_release(origin->heap);
    free(origin);
}


void neap_array_close(neap_array *array)
{
    if (!array || !was_last(&array->references))
        return;
    close_origin(array->origin);
    free(array);
}


neap_array *neap_array_retain(neap_array *array)
{
    if (array)
        atomic_fetch_add_explicit(&array->references, 1, memory_order_relaxed);
    return array;
}


/* -- what it is ------------------------------------------------------------ */

void *neap_array_data(neap_array *array)
{
    return array ? array->data : NULL;
}


neap_type neap_array_type(neap_array *array)
{
    return array ? array->type : NEAP_TYPE_ANY;
}


uint32_t neap_array_dimensions(neap_array *array)
{
    return array ? array->dimensions : 0;
}


uint64_t neap_array_length(neap_array *array, uint32_t axis)
{
    return array && axis < array->dimensions ? array->shape[axis] : 0;
}


uint64_t neap_array_size(neap_array *array)
{
    return array ? array->size : 0;
}


bool neap_array_writable(neap_array *array)
{
    return array && array->writable;
}


const char *neap_array_name(neap_array *array)
{
    return array ? array->origin->name : "";
}


int neap_array_alive(neap_array *array)
{
    if (array && !array->id_there)
        return 0;
    return neap__array_readable(array);
}
