/* Element types: sizes and names, all from NEAP_TYPE_MAP. */
#include <string.h>

#include "base/base.h"

static const struct {
    const char *name, *numpy;
    size_t size;
} types[] = {
    {"?", "", 0},
#define TYPE_ROW(upper, name, numpy, size, c) {name, numpy, size},
    NEAP_TYPE_MAP(TYPE_ROW)
#undef TYPE_ROW
};

#define TYPE_SIZE(upper, name, numpy, size, c) \
    _Static_assert(sizeof(c) == size, name);
NEAP_TYPE_MAP(TYPE_SIZE)
#undef TYPE_SIZE


static bool is_type(neap_type type)
{
    return (size_t)type > 0 && (size_t)type < NEAP__COUNT(types);
}


size_t neap_type_size(neap_type type)
{
    return is_type(type) ? types[type].size : 0;
}


const char *neap_type_name(neap_type type)
{
    return is_type(type) ? types[type].name : "?";
}


neap_type neap_type_from_name(const char *name)
{
    for (size_t i = 1; name && i < NEAP__COUNT(types); i++)
        if (strcmp(types[i].name, name) == 0)
            return (neap_type)i;
    for (size_t i = 1; name && i < NEAP__COUNT(types); i++)
        if (strcmp(types[i].numpy, name) == 0)
            return (neap_type)i;
    return NEAP_TYPE_ANY;
}
