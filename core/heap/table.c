/*
 * The directory's table: open addressing, and its rebuilding. The invariants
 * stand in directory.c.
 */
#include <string.h>

#include "heap/table.h"


int neap__directory_corrupt(struct neap_heap *heap, const char *what)
{
    return neap__fail(NEAP_ECORRUPT, "heap %s: %s cannot be right; run "
                      "`neap check`", heap->address.text, what);
}


neap_sh_word *neap__table(const struct neap_heap *heap, uint64_t *ret_words)
{
    struct neap_sh_header *header = neap__header(heap);
    uint64_t words = atomic_load(&header->table_words);
    uint64_t offset = atomic_load(&header->table);
    if (words < NEAP_SH_TABLE_LEAST || words & (words - 1) ||
        words > UINT64_C(1) << 32 || offset < header->heap_offset)
        return NULL;
    *ret_words = words;
    return neap__at(heap, offset, words * 8, 8);
}


/* -- searching ------------------------------------------------------------ */

static bool is_named(const struct neap_sh_entry *entry, const char *name)
{
    return atomic_load(&entry->id) &&
           strncmp(entry->name, name, NEAP_NAME_MAX + 1) == 0;
}


int neap__table_search(struct neap_heap *heap, const char *name, uint64_t hash,
                       struct neap__place *ret)
{
    uint64_t words;
    neap_sh_word *table = neap__table(heap, &words);
    if (!table)
        return neap__directory_corrupt(heap, "its directory");
    ret->entry = NULL;
    ret->word = NULL;
    for (uint64_t i = 0; i < words; i++) {
        neap_sh_word *word = &table[(hash + i) & (words - 1)];
        uint64_t value = atomic_load(word);
        if (value <= NEAP__TABLE_DROPPED) {
            if (!ret->word)
                ret->word = word;
            if (value == 0)
                return 0;
            continue;
        }
        if ((value ^ hash) & ~NEAP_SH_TABLE_OFFSET)
            continue;
        struct neap_sh_entry *entry =
            neap__entry_at(heap, value & NEAP_SH_TABLE_OFFSET);
        if (!entry)
            return neap__directory_corrupt(heap, "a name in its directory");
        if (is_named(entry, name)) {
            ret->entry = entry;
            ret->word = word;
            return 0;
        }
    }
    return ret->word ? 0 : neap__directory_corrupt(heap, "its directory, which is full,");
}


/* -- rebuilding ----------------------------------------------------------- */

/* Put all names that there are into words that nobody refers to yet.
 * @return how many; NEAP_ECORRUPT. */
static int64_t fill_table(struct neap_heap *heap, neap_sh_word *fresh,
                          uint64_t words)
{
    uint64_t old_words, used = 0;
    neap_sh_word *old = neap__table(heap, &old_words);
    if (!old || !fresh)
        return neap__directory_corrupt(heap, "its directory");
    memset((void *)fresh, 0, words * 8);
    for (uint64_t i = 0; i < old_words; i++) {
        uint64_t value = atomic_load(&old[i]);
        if (value <= NEAP__TABLE_DROPPED)
            continue;
        struct neap_sh_entry *entry =
            neap__entry_at(heap, value & NEAP_SH_TABLE_OFFSET);
        if (!entry || ++used > words / 2)
            return neap__directory_corrupt(heap, "a name in its directory");
        uint64_t k = entry->hash & (words - 1);
        while (atomic_load_explicit(&fresh[k], memory_order_relaxed))
            k = (k + 1) & (words - 1);
        atomic_store_explicit(&fresh[k], value, memory_order_relaxed);
    }
    return (int64_t)used;
}


/* A table of the same size has the old one as its twin, for the next time; what
 * a larger one replaces is outgrown for ever. */
static void account_tables(struct neap__tx *tx, uint64_t words, bool larger,
                           bool found)
{
    struct neap_sh_header *header = neap__header(tx->seat->heap);
    uint64_t outgrown = header->table_words * 8;
    if (header->table_other)
        outgrown *= 2;
    if (found)
        neap__meta_take(tx, words * 8);
    if (larger)
        neap__tx_set(tx, &header->meta_lost, header->meta_lost + outgrown);
    neap__tx_set(tx, &header->table_other, larger ? 0 : header->table);
}


static int rehash(struct neap__seat *seat, uint64_t words, uint64_t offset,
                  bool found)
{
    struct neap_sh_header *header = neap__header(seat->heap);
    int64_t used = fill_table(seat->heap,
                              neap__at(seat->heap, offset, words * 8, 8), words);
    if (used < 0)
        return (int)used;
    struct neap__tx tx;
    neap__tx_begin(&tx, seat);
    account_tables(&tx, words, words != header->table_words, found);
    neap__tx_set(&tx, &header->table, offset);
    neap__tx_set(&tx, &header->table_words, words);
    neap__tx_set(&tx, &header->table_used, (uint64_t)used);
    neap__tx_set(&tx, &header->version, header->version + 1);
    return neap__tx_commit(&tx);
}


/* Keeps D3. A table full of dropped words is rebuilt into its twin, of the same
 * size; one full of names into a larger one. */
int neap__table_keep(struct neap__seat *seat)
{
    struct neap_sh_header *header = neap__header(seat->heap);
    uint64_t words = header->table_words;
    if ((header->table_used + 1) * 4 <= words * 3)
        return 0;
    bool larger = (header->objects + 1) * 2 > words;
    uint64_t offset = larger ? 0 : header->table_other;
    bool find = offset == 0;
    if (larger)
        words *= 2;
    int status = find ? neap__meta_find(seat, words * 8, &offset) : 0;
    return status < 0 ? status : rehash(seat, words, offset, find);
}
