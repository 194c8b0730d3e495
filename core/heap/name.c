/* Names of objects, and what is said of an object in a text. */
#include <stdio.h>
#include <string.h>

#include "heap/heap.h"


/* How many bytes the UTF-8 character at `s` has; 0 if it is none. */
static int utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    int n = s[0] >= 0xc2 && s[0] < 0xe0   ? 2
            : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
            : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) ||
                    (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] >= 0xa0;
    bool too_high = s[0] == 0xf4 && s[1] >= 0x90;
    return overlong || surrogate || too_high ? 0 : n;
}


int neap__name_check(const struct neap_heap *heap, const char *name)
{
    if (!name || !*name)
        return neap__fail(-EINVAL, "heap %s: an object needs a name of 1 to %d "
                          "bytes", heap->address.text, NEAP_NAME_MAX);
    size_t length = strnlen(name, NEAP_NAME_MAX + 1);
    if (length > NEAP_NAME_MAX)
        return neap__fail(-EINVAL, "heap %s: the name '%.40s...' is longer "
                          "than %d bytes; choose a shorter one",
                          heap->address.text, name, NEAP_NAME_MAX);
    const unsigned char *s = (const unsigned char *)name;
    while (*s) {
        int n = utf8_length(s);
        if (n == 0)
            return neap__fail(-EINVAL, "heap %s: a name must be UTF-8, and "
                              "byte %d of the one given is not",
                              heap->address.text,
                              (int)(s - (const unsigned char *)name) + 1);
        s += n;
    }
    return 0;
}


/* FNV-1a, 64 bits. */
uint64_t neap__name_hash(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const unsigned char *s = (const unsigned char *)name; *s; s++)
        hash = (hash ^ *s) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 32;
}


const char *neap_object_kind_name(neap_object_kind kind)
{
    static const char *const names[] = {
        "?",     "counter", "array",     "mutex",  "semaphore", "event",
        "latch", "condition", "rwlock", "barrier", "once"};
    return (unsigned)kind < NEAP__COUNT(names) ? names[kind] : "?";
}


static const char *variant_name(uint64_t what)
{
    static const char *const names[][7] = {
        [NEAP_OBJECT_COUNTER] = {"", "plain ", "striped ", "double "},
        [NEAP_OBJECT_SEMAPHORE] = {"", "classic ", "undo ", ""},
        [NEAP_OBJECT_MUTEX] = {"", "plain ", "recursive ", ""},
        [NEAP_OBJECT_BARRIER] = {"", "breaking ", "shrinking ", "", "",
                                 "counted breaking ", "counted shrinking "},
    };
    uint32_t kind = neap_sh_what_kind(what);
    uint32_t variant = neap_sh_what_variant(what);
    const char *name = kind < NEAP__COUNT(names) && variant < 7
                           ? names[kind][variant] : NULL;
    return name ? name : "";
}


#define TEXT_SIZE 240

const char *neap__what_text(uint64_t what, const uint64_t *shape, char *buffer)
{
    neap_object_kind kind = (neap_object_kind)neap_sh_what_kind(what);
    if (kind != NEAP_OBJECT_ARRAY) {
        const char *variant = variant_name(what);
        const char *noun = neap_object_kind_name(kind);
        const char *first = *variant ? variant : noun;
        snprintf(buffer, TEXT_SIZE, "%s %s%s",
                 strchr("aeiu", *first) ? "an" : "a", variant, noun);
        return buffer;
    }
    neap_type type = (neap_type)neap_sh_what_type(what);
    uint32_t dimensions = neap_sh_what_dimensions(what);
    int n = snprintf(buffer, TEXT_SIZE, "an array of %s%s",
                     type ? neap_type_name(type) : "any type",
                     dimensions ? ", " : "");
    for (uint32_t i = 0; i < dimensions && i < NEAP_DIMENSIONS_MAX; i++)
        if (n > 0 && n < TEXT_SIZE)
            n += snprintf(buffer + n, (size_t)(TEXT_SIZE - n), "%s%llu",
                          i ? " x " : "", (unsigned long long)shape[i]);
    return buffer;
}
