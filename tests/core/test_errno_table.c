/*
 * What each call of the memory layer says to who asks for what cannot be: the
 * rows of tests/errno/table.tsv in C. A case makes what it needs, makes the
 * call and returns what that returned; the table has the errno and the words.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "heaps.h"
#include "lib/harness.h"

enum { SIZE = 16384, MADE_MOST = 8, ROWS_MOST = 256 };

/* -- what the cases use ---------------------------------------------------- */

static int count;
static char there[300], open_to_all[300]; /* segments of the parent */

static const char *at(const char *kind)
{
    return test_address(kind, ++count);
}


static neap_segment *sized(const char *kind, uint64_t size)
{
    neap_segment *segment;
    must_open(neap_segment_create(at(kind), size, 0600, &segment));
    return segment;
}


static neap_segment *new(const char *kind)
{
    return sized(kind, SIZE);
}


static neap_segment *open_read_only(const char *address)
{
    neap_segment *segment;
    must_open(neap_segment_open(address, true, &segment));
    return segment;
}


static neap_segment *ro(const char *kind)
{
    return open_read_only(neap_segment_address(new(kind)));
}


static neap_segment *unlinked(const char *kind)
{
    neap_segment *segment = new(kind);
    must_open(neap_segment_unlink(segment));
    return segment;
}


static neap_segment *sealed(int seals)
{
    neap_segment *segment = new("memfd");
    must_open(neap_segment_seal(segment, seals));
    return segment;
}


static neap_mapping *map_of(neap_segment *segment, int protection)
{
    neap_mapping *mapping;
    must_open(neap_mapping_open(segment, 0, 0, protection, &mapping));
    return mapping;
}


static neap_mapping *view(void)
{
    return map_of(new("posix"), NEAP_PROT_READ | NEAP_PROT_WRITE);
}


static neap_mapping *guarded(int protection)
{
    neap_mapping *mapping = view();
    must_open(neap_mapping_protect(mapping, protection));
    return mapping;
}


static neap_overlay *lap(neap_segment *segment)
{
    const neap_overlay_options options = {.zone = 8192, .frames = 2};
    neap_overlay *overlay;
    must_open(neap_overlay_open(segment, &options, &overlay));
    return overlay;
}


static neap_mapping *load(neap_overlay *overlay, uint64_t offset)
{
    neap_mapping *part;
    must_open(neap_overlay_load(overlay, offset, 16, false, &part));
    return part;
}


static neap_heap *a_heap(void)
{
    return make_heap(NULL);
}


static const char *file(const char *name, size_t bytes)
{
    const char *path = test_path(name);
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK_INT(posix_fallocate(fd, 0, (off_t)bytes), 0);
    close(fd);
    return path;
}


static const char *checkpoint(void)
{
    const char *path = test_path("x.ckpt");
    const neap_checkpoint_options options = {.nobody_writes = true};
    must_open(neap_heap_checkpoint(a_heap(), path, &options, NULL));
    return path;
}


static const char *long_path(void)
{
    static char name[201];
    memset(name, 'x', sizeof name - 1);
    return test_path(name);
}


static int socket_end(bool deaf)
{
    static const char words[] = "good morning to you all, whoever you may be";
    int ends[2];
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    if (!deaf)
        CHECK_INT(write(ends[1], words, sizeof words), sizeof words);
    close(ends[1]);
    return ends[0];
}


static int open_at(const char *address)
{
    neap_segment *segment;
    return neap_segment_open(address, false, &segment);
}


static int create_of(const char *address, uint64_t size, uint32_t mode)
{
    neap_segment *segment;
    return neap_segment_create(address, size, mode, &segment);
}


static int create_huge(const char *kind, uint64_t size)
{
    const neap_segment_options options = {.size = sizeof options,
                                          .flags = NEAP_SEGMENT_HUGE};
    neap_segment *segment;
    return neap_segment_create_with(at(kind), size, &options, &segment);
}


static int map_some(neap_segment *segment, uint64_t offset)
{
    neap_mapping *mapping;
    return neap_mapping_open(segment, offset, 0,
                             NEAP_PROT_READ | NEAP_PROT_WRITE, &mapping);
}


static int map_with(neap_segment *segment, uint32_t flags, void *address)
{
    const neap_mapping_options options = {.size = sizeof options,
                                          .flags = flags, .address = address};
    neap_mapping *mapping;
    return neap_mapping_open_with(segment, NEAP_PROT_READ | NEAP_PROT_WRITE,
                                  &options, &mapping);
}


static int overlay_with(neap_segment *segment, neap_overlay_options options)
{
    neap_overlay *overlay;
    return neap_overlay_open(segment, &options, &overlay);
}


static int load_part(neap_overlay *overlay, uint64_t offset, uint64_t length,
                     bool write)
{
    neap_mapping *part;
    return neap_overlay_load(overlay, offset, length, write, &part);
}


static int restore(const char *path, const char *address)
{
    neap_heap *heap;
    return neap_restore(path, address, NULL, &heap);
}


static int open_heap_in(neap_segment *segment)
{
    neap_heap *heap;
    return neap_heap_open_segment(segment, 0, &heap);
}


static int set_checkpoint(const char *path, int level)
{
    const neap_checkpoint_options options = {.nobody_writes = true,
                                             .compress = level};
    return neap_heap_checkpoint(a_heap(), path, &options, NULL);
}

/* -- the cases ------------------------------------------------------------- */

static struct registered {
    const char *name;
    int (*run)(void);
} cases[ROWS_MOST];
static int case_count;

#define CASE(name, ...)                                                        \
    static int name(void)                                                      \
    {                                                                          \
        __VA_ARGS__                                                            \
    }                                                                          \
    __attribute__((constructor)) static void name##_register(void)             \
    {                                                                          \
        cases[case_count++] = (struct registered){#name, name};                \
    }

static const neap_value three_hundred = {.kind = 'i', .as.i = 300};
static neap_segment *none;
static neap_mapping *no_mapping;
static neap_segment *got;
static neap_value value;
static uint64_t size;
static char bytes[16];

CASE(create_exists,
     return create_of(neap_segment_address(new("posix")), 5, 0);)
CASE(create_sysv_exists,
     return create_of(neap_segment_address(new("sysv")), 5, 0);)
CASE(create_empty, return create_of(at("posix"), 0, 0);)
CASE(create_more_than_there_is,
     return create_of(at("memfd"), UINT64_C(1) << 42, 0);)
CASE(create_nowhere, return create_of("file:/nowhere/at/all", 5, 0);)
CASE(create_under_a_file,
     char address[400];
     snprintf(address, sizeof address, "file:%s/x", file("plain", 1));
     return create_of(address, 5, 0);)
CASE(create_without_descriptors, return create_of("memfd:x", 5, 0);)
CASE(create_in_anothers_directory,
     return create_of("file:/neap-errno", 5, 0);)
CASE(create_without_addresses,
     return create_of("anonymous:", UINT64_C(1) << 40, 0);)
CASE(create_with_a_strange_mode, return create_of(at("posix"), 5, 4096);)
CASE(create_with_a_bad_key, return create_of("sysv:many", 5, 0);)
CASE(create_huge_posix, return create_huge("posix", 5);)
CASE(create_huge_without_a_pool,
     return create_huge("memfd", UINT64_C(1) << 40);)
CASE(open_missing, return open_at(at("posix"));)
CASE(open_missing_key, return open_at(at("sysv"));)
CASE(open_forbidden, return open_at(there);)
CASE(open_a_directory, return open_at("file:/tmp");)
CASE(open_nameless, return open_at("memfd:x");)
CASE(open_without_descriptors, return open_at(there);)
CASE(open_or_create_at_a_dangling_link,
     char address[400];
     const char *path = test_path("dangling");
     CHECK_INT(symlink("/nowhere/at/all", path), 0);
     snprintf(address, sizeof address, "file:%s", path);
     return neap_segment_open_or_create(address, 5, 0, &got);)
CASE(size_of_a_closed_one, return neap_segment_size(none, &size);)
CASE(status_of_a_closed_one,
     neap_segment_stat stat;
     return neap_segment_status(none, &stat);)
CASE(status_of_a_removed_one,
     neap_segment_stat stat;
     return neap_segment_status(unlinked("sysv"), &stat);)
CASE(resize_sysv, return neap_segment_resize(new("sysv"), 9999);)
CASE(resize_anonymous, return neap_segment_resize(new("anonymous"), 9999);)
CASE(resize_what_is_read_only, return neap_segment_resize(ro("posix"), 9999);)
CASE(resize_to_nothing, return neap_segment_resize(new("posix"), 0);)
CASE(resize_beyond_what_there_is,
     return neap_segment_resize(new("posix"), UINT64_C(1) << 42);)
CASE(punch_past_the_end, return neap_segment_punch(new("posix"), 0, 1 << 20);)
CASE(punch_sysv, return neap_segment_punch(new("sysv"), 0, 4096);)
CASE(punch_what_is_sealed,
     return neap_segment_punch(sealed(NEAP_SEAL_WRITE), 0, 4096);)
CASE(set_a_strange_mode, return neap_segment_set_mode(new("posix"), 4096);)
CASE(set_the_mode_of_anonymous,
     return neap_segment_set_mode(new("anonymous"), 0600);)
CASE(set_the_mode_of_anothers,
     return neap_segment_set_mode(open_read_only(open_to_all), 0600);)
CASE(set_the_owner_of_anothers,
     return neap_segment_set_owner(open_read_only(open_to_all), 65534,
                                   UINT32_MAX);)
CASE(key_of_a_missing_file, int32_t key; return neap_ftok("/nowhere", 1, &key);)
CASE(key_of_a_strange_number, int32_t key; return neap_ftok("/tmp", 0, &key);)
CASE(unlink_twice, return neap_segment_unlink(unlinked("posix"));)
CASE(unlink_sysv_twice, return neap_segment_unlink(unlinked("sysv"));)
CASE(unlink_nameless, return neap_segment_unlink(new("memfd"));)
CASE(unlink_missing_address, return neap_unlink(at("posix"));)
CASE(unlink_anothers_address, return neap_unlink(there);)
CASE(seal_what_is_mapped,
     neap_segment *segment = new("memfd");
     map_of(segment, NEAP_PROT_READ | NEAP_PROT_WRITE);
     return neap_segment_seal(segment, NEAP_SEAL_WRITE);)
CASE(seal_against_seals,
     return neap_segment_seal(sealed(NEAP_SEAL_SEAL), NEAP_SEAL_WRITE);)
CASE(seal_posix, return neap_segment_seal(new("posix"), NEAP_SEAL_WRITE);)
CASE(seals_of_sysv, int seals; return neap_segment_seals(new("sysv"), &seals);)
CASE(send_sysv, return neap_segment_send(new("sysv"), socket_end(true));)
CASE(send_to_nobody, return neap_segment_send(new("memfd"), socket_end(true));)
CASE(receive_what_is_no_segment,
     return neap_segment_receive(socket_end(false), after_ms(1000), &got);)
CASE(receive_from_nobody,
     return neap_segment_receive(socket_end(true), after_ms(1000), &got);)
CASE(adopt_a_pipe,
     int ends[2];
     CHECK_INT(pipe(ends), 0);
     return neap_segment_adopt(ends[0], &got);)
CASE(adopt_nothing, return neap_segment_adopt(999, &got);)
CASE(give_anonymous,
     return neap_segment_give(new("anonymous"), test_path("x"), after_ms(1));)
CASE(give_where_a_file_is,
     return neap_segment_give(new("memfd"), file("x", 1), after_ms(1));)
CASE(give_at_a_long_path,
     return neap_segment_give(new("memfd"), long_path(), after_ms(1));)
CASE(take_at_a_long_path,
     return neap_segment_take(long_path(), after_ms(1), &got);)
CASE(map_past_the_end, return map_some(new("posix"), 1 << 20);)
CASE(map_what_is_read_only, return map_some(ro("posix"), 0);)
CASE(map_a_closed_one, return map_some(none, 0);)
CASE(map_without_addresses, return map_some(sized("posix", 1 << 30), 0);)
CASE(map_where_something_is,
     return map_with(new("posix"), 0, neap_mapping_data(view()));)
CASE(map_between_pages, return map_with(new("posix"), 0, (void *)4097);)
CASE(map_and_lock_too_much,
     return map_with(sized("memfd", 1 << 20), NEAP_MAPPING_LOCKED, NULL);)
CASE(resize_a_mapping_past_the_end,
     neap_segment *segment = new("posix");
     return neap_mapping_resize(map_of(segment, NEAP_PROT_READ), segment,
                                1 << 20, false);)
CASE(resize_a_mapping_by_another,
     return neap_mapping_resize(view(), new("posix"), 4096, false);)
CASE(protect_what_is_read_only,
     return neap_mapping_protect(map_of(ro("posix"), NEAP_PROT_READ),
                                 NEAP_PROT_WRITE);)
CASE(protect_what_is_viewed,
     neap_mapping *mapping = view();
     neap_mapping_view(mapping, 1);
     return neap_mapping_protect(mapping, NEAP_PROT_READ);)
CASE(protect_past_the_end,
     return neap_mapping_protect_part(view(), 1 << 20, 1, NEAP_PROT_READ);)
CASE(protect_a_part_of_an_overlay,
     return neap_mapping_protect(load(lap(new("posix")), 0), NEAP_PROT_READ);)
CASE(advise_past_the_end,
     return neap_mapping_advise(view(), 1 << 20, 1, NEAP_ADVICE_WILLNEED);)
CASE(place_on_no_node,
     return neap_mapping_place(view(), 0, 4096, NEAP_PLACE_BIND,
                               UINT64_C(1) << 63);)
CASE(resident_past_the_end,
     return neap_mapping_resident(view(), 1 << 20, 1, &size);)
CASE(sync_a_closed_one, return neap_mapping_sync(no_mapping, false);)
CASE(read_past_the_end,
     return neap_mapping_read(view(), 1 << 20, NEAP_TYPE_I32, &value);)
CASE(read_what_is_protected,
     return neap_mapping_read(guarded(NEAP_PROT_NONE), 0, NEAP_TYPE_I32,
                              &value);)
CASE(write_what_is_protected,
     return neap_mapping_write(guarded(NEAP_PROT_READ), 0, NEAP_TYPE_I32,
                               three_hundred);)
CASE(write_too_large_a_value,
     return neap_mapping_write(view(), 0, NEAP_TYPE_U8, three_hundred);)
CASE(read_bytes_past_the_end,
     return neap_mapping_read_bytes(view(), 1 << 20, sizeof bytes, bytes);)
CASE(write_bytes_past_the_end,
     return neap_mapping_write_bytes(view(), 1 << 20, sizeof bytes, bytes);)
CASE(overlay_sysv,
     return overlay_with(new("sysv"), (neap_overlay_options){0});)
CASE(overlay_with_too_many_frames,
     return overlay_with(new("posix"),
                         (neap_overlay_options){.frames = 5000});)
CASE(overlay_where_something_is,
     return overlay_with(new("posix"), (neap_overlay_options){
         .zone = 16384, .frames = 2, .address = neap_mapping_data(view())});)
CASE(overlay_without_addresses,
     return overlay_with(new("posix"),
                         (neap_overlay_options){.zone = UINT64_C(1) << 40});)
CASE(load_past_the_end,
     return load_part(lap(new("posix")), 1 << 20, 5, false);)
CASE(load_more_than_a_frame,
     return load_part(lap(new("posix")), 0, 16000, false);)
CASE(load_with_all_frames_in_use,
     neap_overlay *overlay = lap(new("posix"));
     load(overlay, 0);
     load(overlay, 4096);
     return load_part(overlay, 12288, 16, false);)
CASE(load_to_write_what_is_read_only,
     return load_part(lap(ro("posix")), 0, 16, true);)
CASE(overlay_at_past_the_end,
     void *where;
     return neap_overlay_at(lap(new("posix")), 1 << 20, 5, false, &where);)
CASE(overlay_read_past_the_end,
     return neap_overlay_read(lap(new("posix")), 1 << 20, NEAP_TYPE_I32,
                              &value);)
CASE(overlay_write_too_large_a_value,
     return neap_overlay_write(lap(new("posix")), 0, NEAP_TYPE_U8,
                               three_hundred);)
CASE(list_the_maps_of_no_process,
     neap_map_list *list;
     return neap_map_list_open(2147483646, &list);)
CASE(list_the_maps_of_anothers,
     neap_map_list *list;
     return neap_map_list_open(1, &list);)
CASE(translate_where_nothing_is,
     neap_page_info page;
     return neap_translate(0, 4096, &page);)
CASE(sharers_of_no_process,
     return neap_page_sharers(2147483646, 4096, NULL, 0);)
CASE(checkpoint_over_something_else, return set_checkpoint(file("x", 1), 0);)
CASE(checkpoint_nowhere, return set_checkpoint("/nowhere/at/all", 0);)
CASE(checkpoint_without_a_path, return set_checkpoint("", 0);)
CASE(checkpoint_at_a_strange_level, return set_checkpoint(test_path("x"), 99);)
CASE(look_at_no_checkpoint,
     neap_checkpoint_info info;
     return neap_checkpoint_look(test_path("x"), &info);)
CASE(restore_what_is_missing, return restore(test_path("x"), NULL);)
CASE(restore_what_is_none, return restore(file("x", 9999), NULL);)
CASE(restore_what_was_cut,
     struct stat st;
     const char *path = checkpoint();
     CHECK_INT(stat(path, &st), 0);
     CHECK_INT(truncate(path, st.st_size - 100), 0);
     return restore(path, NULL);)
CASE(restore_where_something_is,
     return restore(checkpoint(), neap_segment_address(new("posix")));)
CASE(restore_as_sysv, return restore(checkpoint(), at("sysv"));)
CASE(segment_of_a_named_heap,
     return neap_heap_segment(make_heap(at("posix")), &got);)
CASE(heap_in_no_heap, return open_heap_in(new("memfd"));)
CASE(heap_in_sysv, return open_heap_in(new("sysv"));)
CASE(serve_where_a_file_is,
     return neap_heap_serve(a_heap(), file("x", 1), NULL, after_ms(1), &size);)

/* -- the table ------------------------------------------------------------- */

static struct row {
    char name[64], call[64], code[16], words[128], under[16];
} rows[ROWS_MOST];
static int row_count;

/* A handle that was closed is NULL in C; these have none that they could look
 * at. */
static const char *const elsewhere[] = {
    "size_of_a_closed_overlay", "flush_a_closed_overlay",
    "snapshot_of_a_closed_heap",
};


static void read_table(void)
{
    char line[1024];
    FILE *table = fopen("tests/errno/table.tsv", "re");
    CHECK(table);
    while (fgets(line, sizeof line, table)) {
        struct row *row = &rows[row_count];
        if (*line != '#' && strncmp(line, "case\t", 5) != 0 &&
            sscanf(line, "%63[^\t]\t%63[^\t]\t%15[^\t]\t%127[^\t]\t%15[^\t]",
                   row->name, row->call, row->code, row->words,
                   row->under) == 5)
            row_count++;
        CHECK(row_count < ROWS_MOST);
    }
    fclose(table);
    CHECK(row_count > 100);
}


static int (*case_of(const char *name))(void)
{
    for (int i = 0; i < case_count; i++)
        if (strcmp(cases[i].name, name) == 0)
            return cases[i].run;
    return NULL;
}


static void limit_to(int resource, rlim_t most)
{
    struct rlimit limit = {most, most};
    CHECK_INT(setrlimit((__rlimit_resource_t)resource, &limit), 0);
}


static void go_under(const char *under)
{
    if (strcmp(under, "descriptors") == 0) {
        limit_to(RLIMIT_NOFILE, 64);
        while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
            ;
    }
    if (strcmp(under, "addresses") == 0)
        limit_to(RLIMIT_AS, 400 << 20);
    if (strcmp(under, "locks") == 0)
        limit_to(RLIMIT_MEMLOCK, 16384);
    if (strcmp(under, "locks") == 0 || strcmp(under, "nobody") == 0)
        CHECK_INT(setuid(65534), 0);
}


static void claim(const struct row *row, int status)
{
    char words[128], *next = words;
    if (strcmp(neap_status_name(status), row->code) != 0)
        FAIL("%s gave %s, not %s: %s", row->name, neap_status_name(status),
             row->code, neap_error_text());
    snprintf(words, sizeof words, "%s", row->words);
    for (char *part; (part = next);) {
        next = strstr(part, " & ");
        if (next) {
            *next = '\0';
            next += 3;
        }
        if (!strstr(neap_error_text(), part))
            FAIL("%s does not say '%s': %s", row->name, part,
                 neap_error_text());
    }
}


/* In a child, which ends with all that it made. */
static int run_row(void *argument)
{
    const struct row *row = argument;
    test_path("");
    go_under(row->under);
    claim(row, case_of(row->name)());
    return 0;
}


static void remove_all(void)
{
    for (int i = 0; i <= MADE_MOST; i++)
        for (const char *const *kind = test_named_kinds; *kind; kind++) {
            int status = neap_unlink(test_address(*kind, i));
            CHECK(status == 0 || status == -ENOENT);
        }
    const char *const files[] = {"x", "plain", "dangling", "x.ckpt"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(test_path(files[i]));
}


static bool cannot_be(const struct row *row)
{
    bool nobody = strcmp(row->under, "nobody") == 0 ||
                  strcmp(row->under, "locks") == 0;
    return (nobody && geteuid() != 0) ||
           ((strcmp(row->under, "addresses") == 0 ||
             strcmp(row->under, "locks") == 0) &&
            (TEST_UNDER_ASAN || TEST_UNDER_TSAN));
}


static void prepare(void)
{
    neap_segment *segment;
    CHECK_STATUS(neap_segment_create(at("posix"), 5, 0600, &segment), 0);
    snprintf(there, sizeof there, "%s", neap_segment_address(segment));
    neap_segment_close(segment);
    CHECK_STATUS(neap_segment_create(at("posix"), 5, 0644, &segment), 0);
    snprintf(open_to_all, sizeof open_to_all, "%s",
             neap_segment_address(segment));
    neap_segment_close(segment);
}


TEST_WITHIN(each_row_of_the_table, 120)
{
    read_table();
    for (int i = 0; i < row_count; i++) {
        if (!case_of(rows[i].name) || cannot_be(&rows[i]))
            continue;
        count = 0;
        prepare();
        int status = test_wait(test_fork(run_row, &rows[i]));
        remove_all();
        CHECK_INT(status, 0);
    }
}


TEST(the_table_and_the_cases_are_of_each_other)
{
    read_table();
    int known = 0;
    for (int i = 0; i < row_count; i++) {
        bool other = false;
        for (size_t j = 0; j < sizeof elsewhere / sizeof *elsewhere; j++)
            other |= strcmp(elsewhere[j], rows[i].name) == 0;
        if (!other && !case_of(rows[i].name))
            FAIL("%s is in the table, and not here", rows[i].name);
        known += case_of(rows[i].name) != NULL;
    }
    CHECK_INT(known, case_count);
}
