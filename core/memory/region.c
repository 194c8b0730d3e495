/*
 * Parts of mappings: protection by range, advice, residency, and what the
 * options of a new one ask of its pages.
 *
 * R1  mapping->pages is NULL, or has one byte of protection for each page from
 *     the base on; mapping->protection is then what all of them allow, so that
 *     who looks at that alone is never too bold (mapping.c, M2).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "memory/access.h"


static int beyond(const struct neap_mapping *mapping, uint64_t offset,
                  uint64_t length)
{
    return neap__fail(-ERANGE, "cannot reach %llu bytes from byte %llu on in a "
                      "mapping of %s: it has %llu bytes",
                      (unsigned long long)length, (unsigned long long)offset,
                      mapping->address, (unsigned long long)mapping->length);
}


/* The pages of that part, counted from the base. */
struct pages {
    size_t first, count;
    char *base;
    size_t length; /* bytes */
};


static struct pages pages_of(const struct neap_mapping *mapping,
                             uint64_t offset, uint64_t length)
{
    size_t page = mapping->page;
    size_t from = (size_t)(mapping->data - (uint8_t *)mapping->base) +
                  (size_t)offset;
    size_t first = from / page, end = (from + length + page - 1) / page;
    return (struct pages){first, end - first,
                          (char *)mapping->base + first * page,
                          (end - first) * page};
}


static int find_pages(const struct neap_mapping *mapping, uint64_t offset,
                      uint64_t length, struct pages *ret_pages)
{
    if (!mapping)
        return neap__mapping_closed();
    if (offset >= mapping->length || length > mapping->length - offset)
        return beyond(mapping, offset, length);
    *ret_pages = pages_of(mapping, offset,
                          length ? length : mapping->length - offset);
    return 0;
}


int neap__mapping_find(const struct neap_mapping *mapping, uint64_t offset,
                       uint64_t length, void **ret_base, size_t *ret_bytes)
{
    struct pages part = {0};
    int status = find_pages(mapping, offset, length, &part);
    if (status < 0)
        return status;
    *ret_base = part.base;
    *ret_bytes = part.length;
    return 0;
}


bool neap__mapping_part_allows(const struct neap_mapping *mapping,
                               uint64_t offset, uint64_t length, int needed)
{
    _Atomic uint8_t *each = atomic_load(&mapping->pages);
    if (!each)
        return false;
    struct pages part = pages_of(mapping, offset, length);
    for (size_t i = 0; i < part.count; i++)
        if (!(each[part.first + i] & needed))
            return false;
    return true;
}


/* Of two threads that need it first, one makes it. */
static _Atomic uint8_t *each_page(struct neap_mapping *mapping)
{
    _Atomic uint8_t *each = atomic_load(&mapping->pages), *none = NULL;
    if (each)
        return each;
    struct pages all = {.count = (mapping->base_length + mapping->page - 1) /
                                 mapping->page};
    each = malloc(all.count);
    if (!each)
        return NULL;
    for (size_t i = 0; i < all.count; i++)
        atomic_init(&each[i], (uint8_t)atomic_load(&mapping->protection));
    if (atomic_compare_exchange_strong(&mapping->pages, &none, each))
        return each;
    free(each);
    return none;
}


static int common_protection(const struct neap_mapping *mapping)
{
    _Atomic uint8_t *each = mapping->pages;
    struct pages all = pages_of(mapping, 0, mapping->length);
    int common = NEAP_PROT_READ | NEAP_PROT_WRITE | NEAP_PROT_EXEC;
    for (size_t i = 0; i < all.count; i++)
        common &= each[all.first + i];
    return common;
}


/* After a failure each of the pages may have either: they are given what they
 * had, and a run that refuses even that keeps the narrower (M2). */
static void take_back(struct neap_mapping *mapping, struct pages part,
                      const uint8_t *before)
{
    for (size_t i = 0, end; i < part.count; i = end) {
        for (end = i + 1; end < part.count && before[end] == before[i]; end++)
            ;
        if (neap__map_protect(part.base + i * mapping->page,
                              (end - i) * mapping->page, before[i]) == 0)
            memset((void *)(mapping->pages + part.first + i), before[i],
                   end - i);
    }
}


static int apply_to_each(struct neap_mapping *mapping, struct pages part,
                         int protection)
{
    _Atomic uint8_t *each = mapping->pages + part.first;
    uint8_t *before = malloc(part.count);
    if (!before)
        return -ENOMEM;
    for (size_t i = 0; i < part.count; i++) {
        before[i] = each[i];
        each[i] &= (uint8_t)protection;
    }
    int status = neap__map_protect(part.base, part.length, protection);
    if (status < 0)
        take_back(mapping, part, before);
    for (size_t i = 0; status == 0 && i < part.count; i++)
        each[i] = (uint8_t)protection;
    free(before);
    return status;
}


static int apply(struct neap_mapping *mapping, struct pages part,
                 int protection)
{
    int before = atomic_load(&mapping->protection);
    bool parts = mapping->pages;

    atomic_store(&mapping->protection, before & protection); /* M2 */
    int status = parts ? apply_to_each(mapping, part, protection)
                       : neap__map_protect(part.base, part.length, protection);
    int now = parts ? common_protection(mapping)
                    : status < 0 ? before : protection;
    atomic_store(&mapping->protection, now);
    return status;
}


/* Its pages are the overlay's, and other parts' too. */
static int is_part(const struct neap_mapping *mapping, const char *what)
{
    return neap__fail(-ENOTSUP, "cannot %s a part of an overlay of %s: its "
                      "pages are other parts' too; load it to be read, or to be "
                      "written", what, mapping->address);
}


static int protect(struct neap_mapping *mapping, uint64_t offset,
                   uint64_t length, int protection, bool all)
{
    struct pages part;
    int status = find_pages(mapping, offset, length, &part);
    if (status == 0 && mapping->overlay)
        return is_part(mapping, "protect");
    if (status == 0)
        status = neap__mapping_normalize(protection, &protection);
    if (status == 0)
        status = neap__mapping_writable(mapping, protection);
    if (status == 0)
        status = neap__mapping_unviewed(mapping, protection);
    if (status < 0)
        return status;
    if (!all && !each_page(mapping))
        return neap__fail_why(-ENOMEM, "cannot protect a part of a mapping of "
                              "%s", mapping->address);
    status = apply(mapping, part, protection);
    return status < 0 ? neap__fail_why(status, "cannot change the protection "
                                       "of a mapping of %s", mapping->address)
                      : 0;
}


int neap_mapping_protect(neap_mapping *mapping, int protection)
{
    return protect(mapping, 0, 0, protection, true);
}


int neap_mapping_protect_part(neap_mapping *mapping, uint64_t offset,
                              uint64_t length, int protection)
{
    return protect(mapping, offset, length, protection, false);
}


int neap_mapping_advise(neap_mapping *mapping, uint64_t offset, uint64_t length,
                        int advice)
{
    struct pages part;
    int status = find_pages(mapping, offset, length, &part);
    if (status < 0)
        return status;
    if (advice < NEAP_ADVICE_NORMAL || advice > NEAP_ADVICE_DONTNEED)
        return neap__fail(-EINVAL, "cannot advise the kernel with %d: there "
                          "are NEAP_ADVICE_NORMAL (0) to NEAP_ADVICE_DONTNEED (%d)",
                          advice, NEAP_ADVICE_DONTNEED);
    if (mapping->overlay && advice == NEAP_ADVICE_DONTNEED)
        return is_part(mapping, "forget");
    if (mapping->copied && advice == NEAP_ADVICE_DONTNEED)
        return neap__fail(-ENOTSUP, "cannot forget pages of a private mapping "
                          "of %s: it is the only copy of them; close it and "
                          "map it again", mapping->address);
    status = neap__map_advise(part.base, part.length, advice);
    return status < 0 ? neap__fail_why(status, "cannot advise the kernel of a "
                                       "mapping of %s", mapping->address) : 0;
}


int neap_mapping_resident(neap_mapping *mapping, uint64_t offset,
                          uint64_t length, uint64_t *ret_bytes)
{
    struct pages part;
    uint64_t count = 0;
    int status = find_pages(mapping, offset, length, &part);
    if (status < 0)
        return status;
    status = neap__map_resident(part.base, part.length, &count);
    if (status < 0)
        return neap__fail_why(status, "cannot ask what is in memory of a "
                              "mapping of %s", mapping->address);
    *ret_bytes = count * neap__page_size();
    return 0;
}

/* -- what options ask ------------------------------------------------------ */

static int lock_pages(struct neap_mapping *mapping, struct pages part)
{
    char most[32], asked[32];
    int status = neap__map_lock(part.base, part.length);
    if (status == 0)
        return 0;
    uint64_t limit = neap__lock_limit();
    if (limit == UINT64_MAX)
        return neap__fail_why(status, "cannot lock %s of %s in memory",
                              neap__bytes_text(part.length, asked),
                              mapping->address);
    return neap__fail(status, "cannot lock %s of %s in memory: a process may "
                      "lock %s in all (RLIMIT_MEMLOCK); ulimit -l, or memlock "
                      "in /etc/security/limits.conf, raises it",
                      neap__bytes_text(part.length, asked), mapping->address,
                      neap__bytes_text(limit, most));
}


int neap__mapping_equip(struct neap_mapping *mapping,
                        const neap_mapping_options *options)
{
    struct pages part = pages_of(mapping, 0, mapping->length);
    bool writable = mapping->protection & NEAP_PROT_WRITE;
    uint32_t flags = options->flags;
    int status = 0;

    bool is_huge = mapping->page > neap__page_size();
    if (flags & (NEAP_MAPPING_HUGE | NEAP_MAPPING_HUGE_TRY) && !is_huge)
        status = neap__map_huge(part.base, part.length,
                                flags & NEAP_MAPPING_HUGE);
    if (status < 0 && flags & NEAP_MAPPING_HUGE)
        return neap__fail_why(status, "cannot have %s in huge pages: it must "
                              "hold a whole one (2 MiB, at a multiple of that) "
                              "and the kernel must have some free; ask for "
                              "them if possible instead", mapping->address);
    status = 0;
    if (flags & NEAP_MAPPING_PREFAULT && mapping->protection)
        status = neap__map_prefault(part.base, part.length, writable);
    if (status < 0)
        return neap__fail_why(status, "cannot bring the pages of %s into "
                              "memory", mapping->address);
    return flags & NEAP_MAPPING_LOCKED ? lock_pages(mapping, part) : 0;
}
