/* What is not a sound heap is refused, and stays as it was. */
#include <fcntl.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include "core/heaps.h"
#include "layout/layout.h"

#define HALF_BORN 0611


/* -- files ----------------------------------------------------------------- */

struct content {
    char *bytes;
    size_t size;
};

static struct content read_all(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && fstat(fd, &st) == 0);
    struct content content = {malloc((size_t)st.st_size + 1),
                              (size_t)st.st_size};
    CHECK_INT(read(fd, content.bytes, content.size), content.size);
    close(fd);
    return content;
}


static void write_all(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    CHECK(fd >= 0);
    CHECK_INT(write(fd, bytes, size), size);
    close(fd);
}


/* Every way of opening it gives that answer, and none changes a byte. */
static void refuse_file(const char *path, int status, const char *words)
{
    static const uint32_t ways[] = {0, NEAP_OPEN_EXISTING, NEAP_OPEN_READ_ONLY,
                                    NEAP_OPEN_EPHEMERAL};
    struct content before = read_all(path);
    char address[512];
    neap_heap *heap = NULL;
    snprintf(address, sizeof address, "file:%.480s", path);
    for (int i = 0; i < 4; i++) {
        neap_heap_options options = {.flags = ways[i]};
        CHECK_FAILS(neap_heap_open(address, &options, &heap), status, words);
        CHECK(heap == NULL);
    }
    struct content after = read_all(path);
    CHECK_INT(after.size, before.size);
    CHECK_INT(memcmp(after.bytes, before.bytes, before.size), 0);
    free(before.bytes);
    free(after.bytes);
}


TEST(files_of_other_programs_are_not_heaps)
{
    char page[8192] = {0};
    const char *path = test_path("file");
    write_all(path, "", 0);
    refuse_file(path, NEAP_EFOREIGN, "not a neap heap");
    write_all(path, "#!/bin/sh\n", 10);
    refuse_file(path, NEAP_EFOREIGN, "not a neap heap");
    write_all(path, page, sizeof page);
    refuse_file(path, NEAP_EFOREIGN, "not a neap heap");
    memcpy(page, "NEAPHEAP", 8);
    write_all(path, page, 100);
    refuse_file(path, NEAP_EFOREIGN, "not a neap heap");
    write_all(path, page, sizeof page);
    refuse_file(path, NEAP_ELAYOUT, "byte order");
    unlink(path);
}


TEST(what_is_no_file_is_not_a_heap)
{
    neap_heap *heap = NULL;
    char address[512];
    snprintf(address, sizeof address, "file:%.400s", test_tmpdir());
    CHECK(neap_heap_open(address, NULL, &heap) < 0);
    CHECK(neap_heap_open("file:/dev/null", NULL, &heap) < 0);
    CHECK(neap_heap_open("file:/dev/zero", NULL, &heap) < 0);
    CHECK(neap_heap_open("file:/no/such/directory/x", NULL, &heap) < 0);
    CHECK(heap == NULL);
}


/* A good heap's file, for spoiling. */
static const char *make_file(void)
{
    const char *path = test_path("heap");
    char address[512];
    snprintf(address, sizeof address, "file:%.480s", path);
    neap_heap *heap = make_heap(address);
    neap_array_close(open_bytes(heap, "bytes", 100000));
    neap_heap_close(heap);
    return path;
}


static void change(const char *path, size_t offset, uint32_t value)
{
    int fd = open(path, O_WRONLY);
    CHECK(fd >= 0);
    CHECK_INT(pwrite(fd, &value, sizeof value, (off_t)offset), sizeof value);
    close(fd);
}


TEST(heaps_of_another_layout_are_refused_with_what_differs)
{
    const char *path = make_file();
    struct content good = read_all(path);
    change(path, offsetof(struct neap_sh_header, byte_order), 0x04030201);
    refuse_file(path, NEAP_ELAYOUT, "the byte order");
    write_all(path, good.bytes, good.size);
    change(path, offsetof(struct neap_sh_header, layout_version), 77);
    refuse_file(path, NEAP_ELAYOUT, "the layout's version is 77 there");
    write_all(path, good.bytes, good.size);
    change(path, offsetof(struct neap_sh_header, sizes[1]), 256);
    refuse_file(path, NEAP_ELAYOUT, "size of an entry is 256 there");
    write_all(path, good.bytes, good.size);
    change(path, offsetof(struct neap_sh_header, sizes[7]), 100);
    refuse_file(path, NEAP_ELAYOUT, "length of names is 100 there");
    free(good.bytes);
    unlink(path);
}


TEST(corrupted_headers_are_refused_with_what_is_wrong)
{
    const char *path = make_file();
    struct content good = read_all(path);
    change(path, offsetof(struct neap_sh_header, created), 1);
    refuse_file(path, NEAP_ECORRUPT, "checksum");
    write_all(path, good.bytes, good.size);
    change(path, offsetof(struct neap_sh_header, slots_ready), 5000);
    refuse_file(path, NEAP_ECORRUPT, "slots");
    write_all(path, good.bytes, good.size);
    change(path, offsetof(struct neap_sh_header, slots_high), 5000);
    refuse_file(path, NEAP_ECORRUPT, "slots");
    write_all(path, good.bytes, good.size);
    change(path, offsetof(struct neap_sh_header, size), 4096);
    refuse_file(path, NEAP_ECORRUPT, "size is impossible");
    write_all(path, good.bytes, good.size);
    change(path, offsetof(struct neap_sh_header, size) + 4, 1 << 20);
    refuse_file(path, NEAP_ECORRUPT, "size is impossible");
    free(good.bytes);
    unlink(path);
}


TEST(truncated_heaps_are_refused)
{
    const char *path = make_file();
    struct content good = read_all(path);
    size_t sizes[] = {good.size - 1, good.size / 2, 8192, 4096};
    for (int i = 0; i < 4; i++) {
        write_all(path, good.bytes, sizes[i]);
        refuse_file(path, NEAP_ECORRUPT, "truncated");
    }
    write_all(path, good.bytes, 4095);
    refuse_file(path, NEAP_EFOREIGN, "not a neap heap");
    write_all(path, good.bytes, good.size);
    char address[512];
    snprintf(address, sizeof address, "file:%.480s", path);
    end_heap(join_heap(address));
    free(good.bytes);
}


/* -- posix ----------------------------------------------------------------- */

TEST(a_raw_posix_segment_is_not_a_heap_and_stays_as_it_was)
{
    const char *name = test_name("raw");
    neap_segment *segment;
    neap_mapping *mapping;
    neap_heap *heap = NULL;
    CHECK_STATUS(neap_segment_create(name, 65536, 0, &segment), 0);
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_READ, &mapping),
                 0);
    CHECK_FAILS(neap_heap_open(name, NULL, &heap), NEAP_EFOREIGN,
                "open it as a segment");
    const char *bytes = neap_mapping_data(mapping);
    for (int i = 0; i < 65536; i++)
        CHECK_INT(bytes[i], 0);
    neap_mapping_close(mapping);
    CHECK_STATUS(neap_segment_unlink(segment), 0);
    neap_segment_close(segment);
}


/* -- System V -------------------------------------------------------------- */

static void check_blank(int id)
{
    char *bytes = shmat(id, NULL, SHM_RDONLY);
    CHECK(bytes != (void *)-1);
    for (int i = 0; i < 65536; i++)
        CHECK_INT(bytes[i], 0);
    shmdt(bytes);
}


TEST(a_blank_system_v_segment_of_another_program_is_left_alone)
{
    int modes[] = {0600, 0666, 0644, 0777};
    for (int i = 0; i < 4; i++) {
        int id = shmget(test_key(0), 65536, IPC_CREAT | IPC_EXCL | modes[i]);
        struct shmid_ds st;
        neap_heap *heap = NULL;
        neap_heap_options options = {.slots = 4};
        CHECK(id >= 0);
        CHECK_FAILS(neap_heap_open(test_sysv(0), &options, &heap),
                    NEAP_EFOREIGN, "not a neap heap");
        CHECK_FAILS(neap_heap_open(test_sysv(0), NULL, &heap), NEAP_EFOREIGN,
                    "not a neap heap");
        check_blank(id);
        CHECK_INT(shmctl(id, IPC_STAT, &st), 0);
        CHECK_INT(st.shm_perm.mode & 0777, modes[i]);
        CHECK_INT(st.shm_nattch, 0);
        CHECK_INT(shmctl(id, IPC_RMID, NULL), 0);
    }
}


/* Its maker was killed between shmget and the end of formatting. */
TEST(the_next_opener_finishes_a_half_made_system_v_heap)
{
    for (int spoiled = 0; spoiled < 2; spoiled++) {
        int id = shmget(test_key(0), 1 << 20,
                        IPC_CREAT | IPC_EXCL | HALF_BORN);
        neap_heap_options options = {.slots = 4, .mode = 0640};
        neap_heap *heap;
        CHECK(id >= 0);
        if (spoiled) {
            char *bytes = shmat(id, NULL, 0);
            memset(bytes + 8, 0xee, 5000);
            shmdt(bytes);
        }
        CHECK_STATUS(neap_heap_open(test_sysv(0), &options, &heap),
                     NEAP_CREATED);
        CHECK_INT(status_of(heap).mode, 0640);
        CHECK_INT(status_of(heap).size, 1 << 20);
        neap_array_close(open_bytes(heap, "bytes", 100000));
        neap_heap_close(join_heap(test_sysv(0)));
        end_heap(heap);
    }
}


TEST(a_system_v_segment_that_is_too_small_is_not_a_heap)
{
    int id = shmget(test_key(0), 100, IPC_CREAT | IPC_EXCL | 0600);
    neap_heap *heap = NULL;
    CHECK(id >= 0);
    CHECK_FAILS(neap_heap_open(test_sysv(0), NULL, &heap), NEAP_EFOREIGN,
                "not a neap heap");
    CHECK(heap == NULL);
    CHECK_INT(shmctl(id, IPC_RMID, NULL), 0);
}
