/* Names of objects: what may be one, what is behind it, and its end. */
#include "core/heaps.h"


/* -- what may be a name ---------------------------------------------------- */

static void refuse_name(neap_heap *heap, const char *name, const char *words)
{
    neap_counter *counter = NULL;
    neap_object_info info;
    CHECK_FAILS(neap_counter_open(heap, name, &counter), -EINVAL, words);
    CHECK_FAILS(neap_heap_find(heap, name, &info), -EINVAL, words);
    CHECK_FAILS(neap_heap_drop(heap, name), -EINVAL, words);
    CHECK(counter == NULL);
}


static void accept_name(neap_heap *heap, const char *name)
{
    neap_counter *counter;
    neap_object_info info;
    CHECK_STATUS(neap_counter_open(heap, name, &counter), NEAP_CREATED);
    CHECK_STR(neap_counter_name(counter), name);
    neap_counter_close(counter);
    CHECK_STATUS(neap_heap_find(heap, name, &info), 0);
    CHECK_STR(info.name, name);
    CHECK_STATUS(neap_heap_drop(heap, name), 0);
}


TEST(names_have_one_to_two_hundred_bytes)
{
    neap_heap *heap = make_heap(NULL);
    char name[202];
    memset(name, 'n', sizeof name);
    name[201] = '\0';
    refuse_name(heap, name, "200 bytes");
    name[200] = '\0';
    accept_name(heap, name);
    accept_name(heap, "n");
    refuse_name(heap, "", "needs a name");
    refuse_name(heap, NULL, "needs a name");
    end_heap(heap);
}


TEST(names_are_utf8)
{
    static const char *const good[] = {
        "/any/path", "with space", "\t", "\x7f", "h\xc3\xb6he",
        "\xe6\xb0\xb4", "\xf0\x9f\x8c\x8a", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xf4\x8f\xbf\xbf", "\xc2\x80", NULL};
    static const char *const bad[] = {
        "\x80", "a\xff", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80",
        "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe6\xb0",
        "\xf0\x80\x80\x80", "latin-\xe9", NULL};
    neap_heap *heap = make_heap(NULL);
    for (int i = 0; good[i]; i++)
        accept_name(heap, good[i]);
    for (int i = 0; bad[i]; i++)
        refuse_name(heap, bad[i], "must be UTF-8");
    refuse_name(heap, "ab\xff", "byte 3");
    end_heap(heap);
}


/* -- what is there --------------------------------------------------------- */

TEST(opening_a_name_as_something_else_says_what_is_there)
{
    neap_heap *heap = make_heap(NULL);
    neap_counter *counter = NULL;
    neap_mutex *mutex = NULL;
    neap_semaphore *semaphore = NULL;
    neap_array *array, *other = NULL;
    CHECK_STATUS(neap_array_open(heap, "grid", NEAP_TYPE_F64, 2,
                                 (uint64_t[]){512, 256}, &array), NEAP_CREATED);
    CHECK_FAILS(neap_counter_open(heap, "grid", &counter), NEAP_ETYPE,
                "'grid' is an array of f64, 512 x 256, not a counter");
    CHECK_FAILS(neap_mutex_open(heap, "grid", &mutex), NEAP_ETYPE,
                "not a mutex");
    CHECK_FAILS(neap_semaphore_open(heap, "grid", 1, NEAP_SEMAPHORE_UNDO,
                                    &semaphore), NEAP_ETYPE,
                "not an undo semaphore");
    CHECK_FAILS(neap_array_open(heap, "grid", NEAP_TYPE_F32, 2,
                                (uint64_t[]){512, 256}, &other), NEAP_ETYPE,
                "not an array of f32, 512 x 256");
    CHECK_FAILS(neap_array_open(heap, "grid", NEAP_TYPE_F64, 1,
                                (uint64_t[]){512}, &other), NEAP_ETYPE,
                "not an array of f64, 512");
    CHECK_FAILS(neap_array_open(heap, "grid", NEAP_TYPE_F64, 2,
                                (uint64_t[]){256, 512}, &other), NEAP_ETYPE,
                "256 x 512");
    CHECK(!counter && !mutex && !semaphore && !other);
    neap_array_close(array);
    end_heap(heap);
}


TEST(find_tells_what_is_behind_a_name)
{
    neap_heap *heap = make_heap(NULL);
    neap_object_info info;
    neap_counter *counter = open_counter(heap, "hits");
    CHECK_STATUS(neap_counter_add(counter, 12), 0);
    neap_semaphore_close(open_semaphore(heap, "s", 9, NEAP_SEMAPHORE_UNDO));
    neap_array_close(open_bytes(heap, "bytes", 100));
    CHECK_FAILS(neap_heap_find(heap, "nothing", &info), -ENOENT, "'nothing'");
    CHECK_STATUS(neap_heap_find(heap, "hits", &info), 0);
    CHECK_INT(info.kind, NEAP_OBJECT_COUNTER);
    CHECK_INT(info.variant, NEAP_COUNTER_PLAIN);
    CHECK_INT(info.value, 12);
    CHECK_STATUS(neap_heap_find(heap, "s", &info), 0);
    CHECK_INT(info.kind, NEAP_OBJECT_SEMAPHORE);
    CHECK_INT(info.variant, NEAP_SEMAPHORE_UNDO);
    CHECK_INT(info.value, 9);
    CHECK_STATUS(neap_heap_find(heap, "bytes", &info), 0);
    CHECK_INT(info.kind, NEAP_OBJECT_ARRAY);
    CHECK_INT(info.type, NEAP_TYPE_U8);
    CHECK_INT(info.dimensions, 1);
    CHECK_INT(info.shape[0], 100);
    CHECK_INT(info.bytes, 100);
    neap_counter_close(counter);
    end_heap(heap);
}


TEST(kinds_have_names)
{
    CHECK_STR(neap_object_kind_name(NEAP_OBJECT_COUNTER), "counter");
    CHECK_STR(neap_object_kind_name(NEAP_OBJECT_ARRAY), "array");
    CHECK_STR(neap_object_kind_name(NEAP_OBJECT_MUTEX), "mutex");
    CHECK_STR(neap_object_kind_name(NEAP_OBJECT_SEMAPHORE), "semaphore");
    CHECK_STR(neap_object_kind_name((neap_object_kind)1000), "?");
}


/* -- many ------------------------------------------------------------------ */

#define MANY 5000

static void number_name(char name[32], int i)
{
    snprintf(name, 32, "counter number %d", i);
}


TEST(a_heap_has_room_for_thousands_of_names)
{
    neap_heap *heap = make_heap(NULL);
    static bool seen[MANY];
    neap_object_info info;
    uint64_t cursor = 0;
    char name[32];
    int n = 0, i;
    for (i = 0; i < MANY; i++) {
        number_name(name, i);
        neap_counter *counter = open_counter(heap, name);
        CHECK_STATUS(neap_counter_set(counter, i), 0);
        neap_counter_close(counter);
    }
    CHECK_INT(status_of(heap).objects, MANY);
    while (neap_heap_next(heap, &cursor, &info) == NEAP_MORE) {
        CHECK_INT(sscanf(info.name, "counter number %d", &i), 1);
        CHECK_INT(info.value, i);
        CHECK(!seen[i]);
        seen[i] = true;
        n++;
    }
    CHECK_INT(n, MANY);
    for (i = 0; i < MANY; i++) {
        number_name(name, i);
        CHECK_STATUS(neap_heap_find(heap, name, &info), 0);
        CHECK_INT(info.value, i);
    }
    end_heap(heap);
}


TEST_WITHIN(names_that_come_and_go_do_not_make_the_heap_grow, 60)
{
    neap_heap *heap = make_heap(NULL);
    char name[32];
    uint64_t size = 0;
    for (int i = 0; i < 100000; i++) {
        number_name(name, i);
        neap_counter_close(open_counter(heap, name));
        CHECK_STATUS(neap_heap_drop(heap, name), 0);
        if (i == 1000)
            size = status_of(heap).size;
    }
    CHECK_INT(status_of(heap).size, size);
    CHECK_INT(status_of(heap).objects, 0);
    end_heap(heap);
}


TEST_WITHIN(arrays_that_come_and_go_do_not_make_the_heap_grow, 60)
{
    neap_heap *heap = make_heap(NULL);
    uint64_t random = 1, size = 0;
    char name[32];
    for (int i = 0; i < 40000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        number_name(name, i);
        neap_array_close(open_bytes(heap, name, (random >> 40) % 20000 + 1));
        if (i >= 50) {
            number_name(name, i - (int)(random >> 33) % 50);
            if (neap_heap_drop(heap, name) < 0) {
                number_name(name, i);
                CHECK_STATUS(neap_heap_drop(heap, name), 0);
            }
        }
        if (i == 20000)
            size = status_of(heap).size;
    }
    CHECK(status_of(heap).size < size * 2);
    CHECK_INT(status_of(heap).objects, 50);
    end_heap(heap);
}


/* -- the end of a name ----------------------------------------------------- */

TEST(dropping_what_is_not_there_is_an_error)
{
    neap_heap *heap = make_heap(NULL);
    CHECK_FAILS(neap_heap_drop(heap, "nothing"), -ENOENT, "'nothing'");
    neap_counter_close(open_counter(heap, "hits"));
    CHECK_STATUS(neap_heap_drop(heap, "hits"), 0);
    CHECK_FAILS(neap_heap_drop(heap, "hits"), -ENOENT, "'hits'");
    end_heap(heap);
}


TEST(a_dropped_name_may_become_something_else)
{
    neap_heap *heap = make_heap(NULL);
    neap_counter *counter = open_counter(heap, "thing");
    CHECK_STATUS(neap_heap_drop(heap, "thing"), 0);
    neap_mutex *mutex;
    CHECK_STATUS(neap_mutex_open(heap, "thing", &mutex), NEAP_CREATED);
    CHECK_STATUS(neap_counter_add(counter, 1), -EIDRM);
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_NOW), 0);
    CHECK_STATUS(neap_heap_drop(heap, "thing"), 0);
    neap_array *array = open_bytes(heap, "thing", 5000);
    CHECK_STATUS(neap_mutex_unlock(mutex), 0);
    CHECK_STATUS(neap_mutex_lock(mutex, NEAP_NOW), -EIDRM);
    neap_array_close(array);
    neap_mutex_close(mutex);
    neap_counter_close(counter);
    end_heap(heap);
}


TEST(an_array_made_anew_is_zero)
{
    neap_heap *heap = make_heap(NULL);
    static const uint64_t sizes[] = {1, 64, 1000, 5000, 70000, 1 << 20};
    for (int round = 0; round < 3; round++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            neap_array *array = open_bytes(heap, "bytes", sizes[k]);
            unsigned char *bytes = neap_array_data(array);
            CHECK_INT((uintptr_t)bytes % 64, 0);
            for (uint64_t i = 0; i < sizes[k]; i++)
                CHECK_INT(bytes[i], 0);
            memset(bytes, 0xee, sizes[k]);
            neap_array_close(array);
            CHECK_STATUS(neap_heap_drop(heap, "bytes"), 0);
        }
    end_heap(heap);
}


TEST(ids_are_never_used_again)
{
    neap_heap *heap = make_heap(NULL);
    neap_object_info info;
    uint64_t last = 0;
    for (int i = 0; i < 200; i++) {
        neap_counter_close(open_counter(heap, "hits"));
        CHECK_STATUS(neap_heap_find(heap, "hits", &info), 0);
        CHECK(info.id > last);
        last = info.id;
        CHECK_STATUS(neap_heap_drop(heap, "hits"), 0);
    }
    end_heap(heap);
}


/* -- at once --------------------------------------------------------------- */

static int come_and_go(void *argument)
{
    char name[32];
    neap_counter *counter;
    for (int i = 0; i < 2000; i++) {
        number_name(name, i % 10);
        int status = neap_counter_open(argument, name, &counter);
        CHECK(status == 0 || status == NEAP_CREATED);
        neap_counter_close(counter);
        status = neap_heap_drop(argument, name);
        CHECK(status == 0 || status == -ENOENT);
    }
    return 0;
}


TEST(processes_may_make_and_drop_the_same_names_at_once)
{
    neap_heap *heap = make_heap(NULL);
    pid_t pids[4];
    for (int i = 0; i < 4; i++)
        pids[i] = test_fork(come_and_go, heap);
    for (int i = 0; i < 4; i++)
        CHECK_INT(test_wait(pids[i]), 0);
    CHECK_INT(status_of(heap).objects, 0);
    end_heap(heap);
}
