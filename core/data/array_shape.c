/*
 * What shapes an array may have, and how arrays are called in sentences.
 */
#include <stdio.h>

#include "data/array.h"
#include "memory/access.h"

/* Where 48-bit addresses leave room for it, and sizes fit every arithmetic. */
#define BYTES_MAX (UINT64_C(1) << 42)


/* -- what to say ----------------------------------------------------------- */

const char *neap__array_text(const neap_array *array, char *buffer)
{
    const struct neap__array_origin *origin = array->origin;
    const char *part = array->shape == origin->shape ? "" : "a row of ";
    if (origin->heap)
        snprintf(buffer, NEAP__ARRAY_TEXT, "%sarray '%s'", part, origin->name);
    else
        snprintf(buffer, NEAP__ARRAY_TEXT, "%sa view of %s", part,
                 origin->mapping->address);
    return buffer;
}


int neap__array_gone(const neap_array *array)
{
    char text[NEAP__ARRAY_TEXT];
    if (!array)
        return neap__fail(NEAP_ECLOSED, "cannot use an array that is closed: "
                          "open it again");
    neap__array_text(array, text);
    if (array->id_there)
        return neap__fail(-EIDRM, "cannot use %s: it was dropped from heap %s; "
                          "open it again to make a new one", text,
                          array->origin->heap->address.text);
    return neap__fail(-EACCES, "cannot read %s: its mapping is protected "
                      "against reading; allow it with protect", text);
}


int neap__array_read_only(const neap_array *array, const char *tried)
{
    char text[NEAP__ARRAY_TEXT];
    return neap__fail(-EACCES, "cannot %s %s: it is for reading only; open %s "
                      "for writing", tried, neap__array_text(array, text),
                      array->origin->heap ? "its heap" : "the view");
}


/* -- shapes ---------------------------------------------------------------- */

static int refuse_shape(const char *what, const char *name, neap_type type,
                        uint32_t dimensions, const uint64_t *shape,
                        const char *why)
{
    char text[240];
    uint64_t of = neap_sh_what(NEAP_OBJECT_ARRAY, 0, type, dimensions);
    return neap__fail(-EINVAL, "cannot %s '%s' as %s: %s", what, name,
                      neap__what_text(of, shape, text), why);
}


int neap__array_measure(const char *what, const char *name, neap_type type,
                        uint32_t dimensions, const uint64_t *shape,
                        uint64_t *ret_size)
{
    uint64_t element = type ? neap_type_size(type) : 1, size = 1, bytes = 0;
    if (dimensions > NEAP_DIMENSIONS_MAX)
        return neap__fail(-EINVAL, "cannot %s '%s' with %u dimensions: an "
                          "array has at most %d", what, name, dimensions,
                          NEAP_DIMENSIONS_MAX);
    if (!shape)
        return neap__fail(-EINVAL, "cannot %s '%s': its shape is missing", what,
                          name);
    bool fits = true;
    for (uint32_t i = 0; i < dimensions; i++) {
        if (shape[i] == 0)
            return refuse_shape(what, name, type, dimensions, shape,
                                "each dimension must be 1 or more");
        fits = fits && !__builtin_mul_overflow(size, shape[i], &size);
    }
    if (!fits || __builtin_mul_overflow(size, element, &bytes) ||
        bytes >= BYTES_MAX)
        return refuse_shape(what, name, type, dimensions, shape,
                            "an array must have less than 4 TiB");
    *ret_size = size;
    return 0;
}


int neap__array_type_check(const char *what, const char *name, neap_type type)
{
    if (neap_type_size(type))
        return 0;
    return neap__fail(-EINVAL, "cannot %s '%s' with element type %d: there is "
                      "none of that number", what, name, (int)type);
}
