/*
 * Segments and mappings against the bare system calls that they are made of,
 * and a file's bytes through a mapping against read().
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sums.h"

const char bench_noun[] = "memory";

enum { SIZE = 65536, KEY = 0x6e656170, FILE_SIZE = 64 << 20 };

static char address[128], path[128];
static neap_segment *segment;
static int fd, id;


static void name_posix(void)
{
    snprintf(address, sizeof address, "%s", bench_name());
    snprintf(path, sizeof path, "/dev/shm/%.90s", bench_name());
}


static void name_file(void)
{
    snprintf(path, sizeof path, "/tmp/%.90s", bench_name());
    snprintf(address, sizeof address, "file:%.110s", path);
}


static void name_sysv(void)
{
    snprintf(address, sizeof address, "sysv:%d", KEY);
}


static void name_memfd(void)
{
    snprintf(address, sizeof address, "memfd:bench");
}


static void name_anonymous(void)
{
    snprintf(address, sizeof address, "anonymous:");
}

/* -- made and taken away --------------------------------------------------- */

static void make_ours(long n)
{
    for (long i = 0; i < n; i++) {
        BENCH_OURS(neap_segment_create(address, SIZE, 0600, &segment));
        if (neap_segment_unlink(segment) == -ENOTSUP)
            BENCH_USED(segment);
        neap_segment_close(segment);
    }
}


/* What a careful program does: nobody else's, and the memory set aside. */
static void make_file(long n)
{
    for (long i = 0; i < n; i++) {
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        BENCH_MUST(fd);
        BENCH_MUST(-posix_fallocate(fd, 0, SIZE));
        BENCH_MUST(unlink(path));
        BENCH_MUST(close(fd));
    }
}


static void make_sysv(long n)
{
    for (long i = 0; i < n; i++) {
        id = shmget(KEY, SIZE, IPC_CREAT | IPC_EXCL | 0600);
        BENCH_MUST(id);
        BENCH_MUST(shmctl(id, IPC_RMID, NULL));
    }
}


static void make_memfd(long n)
{
    for (long i = 0; i < n; i++) {
        fd = memfd_create("bench", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        BENCH_MUST(fd);
        BENCH_MUST(-posix_fallocate(fd, 0, SIZE));
        BENCH_MUST(close(fd));
    }
}


static void make_anonymous(long n)
{
    for (long i = 0; i < n; i++) {
        void *base = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        BENCH_MUST(base == MAP_FAILED ? -1 : 0);
        BENCH_MUST(munmap(base, SIZE));
    }
}

/* -- mapped and unmapped --------------------------------------------------- */

static void create_ours(void)
{
    BENCH_OURS(neap_segment_create(address, SIZE, 0600, &segment));
    fd = neap_segment_descriptor(segment);
}


static void begin_posix(void)
{
    name_posix();
    create_ours();
}


static void begin_sysv(void)
{
    name_sysv();
    create_ours();
    id = shmget(KEY, 0, 0600);
    BENCH_MUST(id);
}


static void map_ours(long n)
{
    neap_mapping *mapping;
    for (long i = 0; i < n; i++) {
        BENCH_OURS(neap_mapping_open(segment, 0, 0, NEAP_PROT_WRITE, &mapping));
        *(volatile char *)neap_mapping_data(mapping) = 1;
        neap_mapping_close(mapping);
    }
}


static void map_bare(long n)
{
    for (long i = 0; i < n; i++) {
        struct stat facts; /* so that what is mapped is there */
        BENCH_MUST(fstat(fd, &facts));
        char *base = mmap(NULL, (size_t)facts.st_size, PROT_READ | PROT_WRITE,
                          MAP_SHARED, fd, 0);
        BENCH_MUST(base == MAP_FAILED ? -1 : 0);
        *(volatile char *)base = 1;
        BENCH_MUST(munmap(base, (size_t)facts.st_size));
    }
}


static void map_sysv(long n)
{
    for (long i = 0; i < n; i++) {
        struct shmid_ds facts;
        BENCH_MUST(shmctl(id, IPC_STAT, &facts));
        char *base = shmat(id, NULL, 0);
        BENCH_MUST(base == (char *)-1 ? -1 : 0);
        *(volatile char *)base = 1;
        BENCH_MUST(shmdt(base));
    }
}


static void remove_ours(void)
{
    BENCH_OURS(neap_segment_unlink(segment));
    neap_segment_close(segment);
}

/* -- a file's bytes -------------------------------------------------------- */

static void begin_file(void)
{
    name_file();
    BENCH_OURS(neap_segment_create(address, FILE_SIZE, 0600, &segment));
    fd = neap_segment_descriptor(segment);
    fill_words(segment, FILE_SIZE);
}


static void read_ours(long n)
{
    neap_mapping_options options = {.size = sizeof options,
                                    .flags = NEAP_MAPPING_PREFAULT};
    for (long i = 0; i < n; i++) {
        neap_mapping *mapping;
        BENCH_OURS(neap_mapping_open_with(segment, NEAP_PROT_READ, &options,
                                          &mapping));
        uint64_t sum = sum_words(neap_mapping_data(mapping), FILE_SIZE);
        BENCH_USED(sum);
        neap_mapping_close(mapping);
    }
}


static void read_bare(long n)
{
    sum_mapped(fd, FILE_SIZE, n);
}


static void read_read(long n)
{
    sum_read(fd, FILE_SIZE, n);
}


static void make_row(const char *what, void (*name)(void),
                     void (*theirs)(long n))
{
    const struct bench_subject subjects[] = {
        {"neap", name, make_ours, NULL},
        {"system calls", NULL, theirs, NULL},
    };
    bench_row(what, "ns", subjects, 2);
}


void bench_rows(void)
{
    const struct bench_subject posix[] = {
        {"neap", begin_posix, map_ours, remove_ours},
        {"system calls", NULL, map_bare, NULL},
    };
    const struct bench_subject sysv[] = {
        {"neap", begin_sysv, map_ours, remove_ours},
        {"system calls", NULL, map_sysv, NULL},
    };
    const struct bench_subject file[] = {
        {"neap", begin_file, read_ours, remove_ours},
        {"bare mmap", NULL, read_bare, NULL},
        {"read() in 128 KiB", NULL, read_read, NULL},
    };

    make_row("create and unlink, posix", name_posix, make_file);
    make_row("create and unlink, file", name_file, make_file);
    make_row("create and unlink, sysv", name_sysv, make_sysv);
    make_row("create and close, memfd", name_memfd, make_memfd);
    make_row("create and close, anonymous", name_anonymous, make_anonymous);
    bench_row("map and unmap, posix", "ns", posix, 2);
    bench_row("map and unmap, sysv", "ns", sysv, 2);
    bench_row("sum a file of 64 MiB", "ns", file, 3);
}
