/*
 * neap_heap_check finds what is broken. Each row of a table breaks a heap in
 * one way; the check must say so, in the right class and in words, and as a
 * reader must leave every byte as it was.
 */
#include "core/heaps.h"
#include "heap/heap.h"


/* -- a heap with something of everything, and finding its parts ------------ */

static void *come_and_go(void *heap)
{
    neap_counter_close(open_counter(heap, "hits"));
    return NULL;
}


static neap_heap *make_full_heap(const char *address)
{
    neap_heap *heap = make_heap(address);
    char name[16];
    for (int i = 0; i < 9; i++) {
        snprintf(name, sizeof name, "array-%d", i);
        neap_array_close(open_bytes(heap, name, 900 * ((uint64_t)i % 3 + 1)));
    }
    CHECK_STATUS(neap_heap_drop(heap, "array-3"), 0);
    CHECK_STATUS(neap_heap_drop(heap, "array-6"), 0);
    neap_mutex_close(open_mutex(heap, "lock"));
    neap_semaphore_close(open_semaphore(heap, "undo", 3, NEAP_SEMAPHORE_UNDO));
    in_thread(come_and_go, heap); /* leaves slot 1 free, and used before */
    check_sound(heap);
    return heap;
}


static struct neap_sh_entry *entry_of(neap_heap *heap, const char *name)
{
    struct neap__found found;
    CHECK_STATUS(neap__object_find(heap, name, &found), 0);
    return found.entry;
}


static struct neap_sh_extent *extent_of(neap_heap *heap, const char *name)
{
    return (void *)(heap->base + entry_of(heap, name)->extent);
}


static struct neap_sh_extent *extent_at(neap_heap *heap, uint64_t offset)
{
    CHECK(offset);
    return (void *)(heap->base + offset);
}


static uint32_t some_bin(neap_heap *heap)
{
    for (uint32_t bin = 0; bin < NEAP_SH_BINS; bin++)
        if (neap__header(heap)->bins[bin])
            return bin;
    FAIL("no list of free extents is in use");
}


static neap_sh_word *word_of(neap_heap *heap, const char *name)
{
    uint64_t words, offset = neap__offset(heap, entry_of(heap, name));
    neap_sh_word *table = neap__table(heap, &words);
    for (uint64_t i = 0; i < words; i++)
        if ((table[i] & NEAP_SH_TABLE_OFFSET) == offset)
            return &table[i];
    FAIL("'%s' is not in the directory", name);
}


/* A word that was never used and does not end the search for that name. */
static neap_sh_word *far_word(neap_heap *heap, const char *name)
{
    uint64_t words, at = entry_of(heap, name)->hash;
    neap_sh_word *table = neap__table(heap, &words);
    for (uint64_t i = words - 1; i > 0; i--)
        if (!table[(at + i) & (words - 1)])
            return &table[(at + i) & (words - 1)];
    FAIL("the directory is full");
}


static struct neap_sh_slot *free_slot(neap_heap *heap)
{
    CHECK(neap__header(heap)->slots_high >= 2);
    CHECK_INT(neap__life_look(&neap__slot_at(heap, 1)->life), NEAP__LIFE_FREE);
    return neap__slot_at(heap, 1);
}


/* -- ways to break it ------------------------------------------------------ */

static void leak_extent(neap_heap *heap)
{
    extent_of(heap, "array-1")->owner = 0;
}

static void own_extent_twice(neap_heap *heap)
{
    entry_of(heap, "array-1")->extent = entry_of(heap, "array-4")->extent;
}

static void overlap_extents(neap_heap *heap)
{
    extent_of(heap, "array-1")->size += 64;
}

static void close_extents_to_a_circle(neap_heap *heap)
{
    struct neap_sh_extent *extent = extent_of(heap, "array-1");
    extent->below = neap__header(heap)->extent_last;
}

static void lose_a_state(neap_heap *heap)
{
    extent_of(heap, "array-1")->state = 7;
}

static void use_wrong_bin(neap_heap *heap)
{
    struct neap_sh_header *header = neap__header(heap);
    uint32_t bin = some_bin(heap), other = bin + 1;
    while (header->bins[other])
        other++;
    header->bins[other] = (uint64_t)header->bins[bin];
    header->bin_map[other / 64] |= UINT64_C(1) << other % 64;
    header->bins[bin] = 0;
    header->bin_map[bin / 64] &= ~(UINT64_C(1) << bin % 64);
}

static void forget_a_free_extent(neap_heap *heap)
{
    uint32_t bin = some_bin(heap);
    neap__header(heap)->bins[bin] = 0;
    neap__header(heap)->bin_map[bin / 64] &= ~(UINT64_C(1) << bin % 64);
}

static void free_what_is_used(neap_heap *heap)
{
    neap__header(heap)->bins[some_bin(heap)] =
        (uint64_t)entry_of(heap, "array-1")->extent;
}

static void close_a_bin_to_a_circle(neap_heap *heap)
{
    uint64_t first = neap__header(heap)->bins[some_bin(heap)];
    extent_at(heap, first)->next = first;
}

static void mark_an_empty_bin(neap_heap *heap)
{
    neap__header(heap)->bin_map[2] ^= UINT64_C(1) << 20;
}

static void leak_an_extent_record(neap_heap *heap)
{
    struct neap_sh_header *header = neap__header(heap);
    header->extent_unused =
        (uint64_t)extent_at(heap, header->extent_unused)->next;
    header->extent_spare--;
}

static void close_unused_records_to_a_circle(neap_heap *heap)
{
    uint64_t first = neap__header(heap)->extent_unused;
    extent_at(heap, first)->next = first;
}

static void miscount_bytes(neap_heap *heap)
{
    neap__header(heap)->used += 64;
}

static void tear_a_word(neap_heap *heap)
{
    *word_of(heap, "array-1") ^= UINT64_C(1) << 60;
}

static void point_into_nowhere(neap_heap *heap)
{
    *word_of(heap, "array-1") += UINT64_C(1) << 46;
}

static void miscount_objects(neap_heap *heap)
{
    neap__header(heap)->objects++;
}

static void hide_a_name(neap_heap *heap)
{
    neap_sh_word *word = word_of(heap, "array-1");
    neap_sh_word *far = far_word(heap, "array-1");
    *far = (uint64_t)*word;
    *word = 0;
}

static void lose_the_directory(neap_heap *heap)
{
    neap__header(heap)->table_words = 77;
}

static void rename_an_entry(neap_heap *heap)
{
    entry_of(heap, "array-1")->name[0] = 'X';
}

static void free_an_entry_in_use(neap_heap *heap)
{
    neap__header(heap)->entry_head =
        neap__offset(heap, entry_of(heap, "array-1"));
}

static void leak_an_entry(neap_heap *heap)
{
    struct neap_sh_header *header = neap__header(heap);
    struct neap_sh_entry *first = (void *)(heap->base + header->entry_head);
    header->entry_head = (uint64_t)first->next;
    header->entry_count--;
}

static void outgrow_its_memory(neap_heap *heap)
{
    entry_of(heap, "array-1")->shape[0] = 1 << 20;
}

static void be_of_no_kind(neap_heap *heap)
{
    entry_of(heap, "lock")->what = 200;
}

static void make_a_permit(neap_heap *heap)
{
    entry_of(heap, "undo")->value++;
}

static void lock_for_nobody(neap_heap *heap)
{
    entry_of(heap, "lock")->lock.word = neap__tag(1, 7777);
}

static void lock_for_no_slot(neap_heap *heap)
{
    entry_of(heap, "lock")->lock.word = neap__tag(4000, 1);
}

static void hold_in_a_free_slot(neap_heap *heap)
{
    free_slot(heap)->held[3] = neap__offset(heap, entry_of(heap, "lock"));
}

static void share_in_a_free_slot(neap_heap *heap)
{
    struct neap_sh_entry *entry = entry_of(heap, "undo");
    struct neap_sh_share *share = &free_slot(heap)->shares[0];
    share->id = (uint64_t)entry->id;
    share->entry = neap__offset(heap, entry);
}

static void commit_in_a_free_slot(neap_heap *heap)
{
    free_slot(heap)->redo.committed = 1;
}

static void spoil_a_proof_of_life(neap_heap *heap)
{
    memset(free_slot(heap)->life.libc, 0x55, sizeof free_slot(heap)->life.libc);
}


/* -- the table ------------------------------------------------------------- */

enum class { LEAK, DOUBLE, TORN };

static const struct way {
    const char *name;
    void (*break_it)(neap_heap *heap);
    enum class class;
    const char *words;
} ways[] = {
    {"extent leaked", leak_extent, LEAK, "belong to no array"},
    {"extent owned twice", own_extent_twice, DOUBLE, "two extents"},
    {"extents overlap", overlap_extents, TORN, "does not meet the next"},
    {"extents go in a circle", close_extents_to_a_circle, TORN, "meet"},
    {"extent without state", lose_a_state, TORN, "no extent"},
    {"extent in the wrong bin", use_wrong_bin, TORN, "free list"},
    {"free extent forgotten", forget_a_free_extent, LEAK, "in no list"},
    {"used extent in a bin", free_what_is_used, DOUBLE, "not free"},
    {"bin is a circle", close_a_bin_to_a_circle, DOUBLE, "free list"},
    {"empty bin marked", mark_an_empty_bin, TORN, "map of free lists"},
    {"extent record leaked", leak_an_extent_record, LEAK, "extent records"},
    {"unused records are a circle", close_unused_records_to_a_circle, LEAK,
     "extent records"},
    {"bytes miscounted", miscount_bytes, TORN, "bytes are in use"},
    {"word of the directory torn", tear_a_word, TORN, "names no object"},
    {"word points into nowhere", point_into_nowhere, TORN, "names no object"},
    {"objects miscounted", miscount_objects, TORN, "are said to be"},
    {"name cannot be found", hide_a_name, LEAK, "cannot be found"},
    {"directory lost", lose_the_directory, TORN, "directory"},
    {"entry renamed", rename_an_entry, TORN, "names no object"},
    {"entry in use is free", free_an_entry_in_use, DOUBLE, "free entries"},
    {"entry leaked", leak_an_entry, LEAK, "entries"},
    {"array larger than its memory", outgrow_its_memory, TORN, "shape"},
    {"entry of no kind", be_of_no_kind, TORN, "no kind"},
    {"one permit too many", make_a_permit, LEAK, "permits"},
    {"locked by nobody", lock_for_nobody, LEAK, "nobody"},
    {"locked by no slot", lock_for_no_slot, LEAK, "nobody"},
    {"free slot holds a lock", hold_in_a_free_slot, LEAK, "holds the lock"},
    {"free slot has a share", share_in_a_free_slot, LEAK, "share"},
    {"free slot has a change", commit_in_a_free_slot, TORN, "change in hand"},
    {"no proof of life", spoil_a_proof_of_life, TORN, "proof of life"},
};

#define WAYS (sizeof ways / sizeof *ways)

static const char *names[WAYS + 1];

__attribute__((constructor(101))) static void collect_names(void)
{
    for (size_t i = 0; i < WAYS; i++)
        names[i] = ways[i].name;
}


static const struct way *way_named(const char *name)
{
    for (size_t i = 0; i < WAYS; i++)
        if (strcmp(ways[i].name, name) == 0)
            return &ways[i];
    FAIL("no way is named %s", name);
}


static void check_found(neap_heap *heap, const struct way *way)
{
    neap_check_report report;
    CHECK_STATUS(neap_heap_check(heap, &report), 0);
    uint64_t counts[] = {report.leaks, report.doubles, report.torn};
    if (!report.problems || !counts[way->class] ||
        !strstr(report.text, way->words))
        FAIL("%llu leaks, %llu doubles, %llu torn:\n%s",
             (unsigned long long)report.leaks,
             (unsigned long long)report.doubles,
             (unsigned long long)report.torn, report.text);
    CHECK(report.problems >= counts[0] + counts[1] + counts[2]);
}


TEST_EACH(check_finds, names)
{
    const struct way *way = way_named(parameter);
    const char *address = test_name("sky");
    neap_heap *heap = make_full_heap(address);
    neap_heap *reader = join_heap_as(address, NEAP_OPEN_READ_ONLY);
    way->break_it(heap);

    size_t size = neap__header(heap)->size;
    char *before = malloc(size);
    memcpy(before, heap->base, size);
    check_found(reader, way);
    CHECK_INT(memcmp(before, heap->base, size), 0);
    free(before);

    check_found(heap, way);
    CHECK_STATUS(neap_heap_unlink(heap), 0);
    neap_heap_close(reader);
    neap_heap_close(heap);
}


/* -- what is sound --------------------------------------------------------- */

TEST_EACH(check_finds_nothing_wrong_with_a_new_heap, test_named_kinds)
{
    neap_heap *heap = make_heap(test_address(parameter, 0));
    neap_check_report report;
    CHECK_STATUS(neap_heap_check(heap, &report), 0);
    CHECK_INT(report.problems, 0);
    CHECK_INT(report.objects, 0);
    CHECK_STR(report.text, "");
    CHECK(report.blocks >= 2 && report.free_blocks >= 1);
    CHECK(report.free_bytes > 0 && report.used_bytes > 0);
    end_heap(heap);
}


TEST(check_counts_what_is_there)
{
    neap_heap *heap = make_full_heap(NULL);
    neap_check_report before, after;
    CHECK_STATUS(neap_heap_check(heap, &before), 0);
    CHECK_INT(before.objects, 10);
    neap_array_close(open_bytes(heap, "one-more", 12800));
    CHECK_STATUS(neap_heap_check(heap, &after), 0);
    CHECK_INT(after.objects, 11);
    CHECK(after.used_bytes >= before.used_bytes + 12800);
    end_heap(heap);
}


static int hold(void *heap)
{
    neap_mutex *mutex = open_mutex(heap, "lock");
    neap_semaphore *undo = open_semaphore(heap, "undo", 3, NEAP_SEMAPHORE_UNDO);
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_NOW), 0);
    CHECK_STATUS(neap_semaphore_acquire(undo, NEAP_NOW), 0);
    return 0;
}


TEST(what_the_living_and_the_dead_hold_is_no_problem)
{
    neap_heap *heap = make_full_heap(NULL);
    pid_t child = fork_lingering(hold, heap);
    check_sound(heap);
    test_kill(child);
    check_sound(heap);
    CHECK_INT(status_of(heap).dead, 1);
    CHECK_INT(neap_heap_reap(heap), 1);
    end_heap(heap);
}


static int churn(void *heap)
{
    char name[16];
    neap_semaphore *undo = open_semaphore(heap, "undo", 3, NEAP_SEMAPHORE_UNDO);
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "x-%d", i % 20);
        neap_array_close(open_bytes(heap, name, 100));
        CHECK_STATUS(neap_semaphore_acquire(undo, NEAP_FOREVER), 0);
        CHECK_STATUS(neap_semaphore_release(undo), 0);
        int status = neap_heap_drop(heap, name);
        CHECK(status == 0 || status == -ENOENT);
    }
    return 0;
}


TEST(check_finds_nothing_wrong_while_others_are_busy)
{
    const char *address = test_name("sky");
    neap_heap *heap = make_full_heap(address);
    neap_heap *reader = join_heap_as(address, NEAP_OPEN_READ_ONLY);
    neap_check_report report;
    pid_t a = test_fork(churn, heap), b = test_fork(churn, heap);
    for (int i = 0; i < 200; i++) {
        check_sound(heap);
        int status = neap_heap_check(reader, &report);
        if (status != -EAGAIN) { /* it changes too fast: an answer, too */
            CHECK_STATUS(status, 0);
            CHECK_STR(report.text, "");
        }
    }
    CHECK_INT(test_wait(a), 0);
    CHECK_INT(test_wait(b), 0);
    neap_heap_close(reader);
    end_heap(heap);
}
