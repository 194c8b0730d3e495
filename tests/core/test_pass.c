/* Tests of seals, and of segments that pass over Unix sockets. */
#include <sys/socket.h>

#include "lib/harness.h"

enum { SIZE = 10000, SECOND = 1000000000 };

static const char *const passing[] = {"posix", "file", "memfd", NULL};
static const char *const staying[] = {"sysv", "anonymous", NULL};


static neap_segment *create(const char *kind)
{
    neap_segment *segment;
    CHECK_STATUS(neap_segment_create(test_address(kind, 0), SIZE, 0, &segment),
                 0);
    return segment;
}


static void end(neap_segment *segment)
{
    int status = neap_segment_unlink(segment);
    if (status != -ENOTSUP)
        CHECK_STATUS(status, 0);
    neap_segment_close(segment);
}


static neap_mapping *map(neap_segment *segment, int protection)
{
    neap_mapping *mapping;
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, protection, &mapping), 0);
    return mapping;
}


static int first_byte(neap_segment *segment)
{
    neap_mapping *mapping = map(segment, NEAP_PROT_READ);
    int byte = *(uint8_t *)neap_mapping_data(mapping);
    neap_mapping_close(mapping);
    return byte;
}

/* -- seals ----------------------------------------------------------------- */

TEST(what_is_sealed_is_read_and_never_written)
{
    neap_segment *segment = create("memfd"), *other;
    neap_mapping *mapping = map(segment, NEAP_PROT_WRITE), *none;
    int seals = -1;
    *(uint8_t *)neap_mapping_data(mapping) = 5;
    CHECK_STATUS(neap_segment_seals(segment, &seals), 0);
    CHECK_INT(seals, 0);
    CHECK_FAILS(neap_segment_seal(segment, NEAP_SEAL_WRITE), -EBUSY,
                "close such mappings first");
    neap_mapping_close(mapping);
    CHECK_STATUS(neap_segment_seal(segment, NEAP_SEAL_WRITE | NEAP_SEAL_GROW |
                                   NEAP_SEAL_SHRINK | NEAP_SEAL_SEAL), 0);
    CHECK_STATUS(neap_segment_seals(segment, &seals), 0);
    CHECK_INT(seals, 15);

    CHECK_INT(first_byte(segment), 5);
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_WRITE, &none),
                 -EACCES);
    CHECK(neap_segment_resize(segment, SIZE + 1) < 0);
    CHECK_FAILS(neap_segment_seal(segment, NEAP_SEAL_WRITE), -EPERM,
                "sealed against more seals");
    /* Whoever has it by another way cannot either. */
    CHECK_STATUS(neap_segment_open(neap_segment_address(segment), false,
                                   &other), 0);
    CHECK(neap_mapping_open(other, 0, 0, NEAP_PROT_WRITE, &none) < 0);
    CHECK(neap_segment_punch(other, 0, 1) < 0);
    CHECK_INT(first_byte(other), 5);
    neap_segment_close(other);
    end(segment);
}


TEST(who_writes_already_may_go_on_after_a_seal_of_the_future)
{
    neap_segment *segment = create("memfd");
    neap_mapping *mapping = map(segment, NEAP_PROT_WRITE), *none;
    CHECK_STATUS(neap_segment_seal(segment, NEAP_SEAL_FUTURE_WRITE), 0);
    *(uint8_t *)neap_mapping_data(mapping) = 6;
    CHECK_INT(first_byte(segment), 6);
    CHECK_STATUS(neap_mapping_open(segment, 0, 0, NEAP_PROT_WRITE, &none),
                 -EACCES);
    neap_mapping_close(mapping);
    end(segment);
}


TEST(what_cannot_be_sealed_says_so)
{
    neap_segment *memfd = create("memfd");
    int seals;
    CHECK_FAILS(neap_segment_seal(memfd, 0), -EINVAL, "NEAP_SEAL_SEAL");
    CHECK_STATUS(neap_segment_seal(memfd, 32), -EINVAL);
    CHECK_STATUS(neap_segment_seal(NULL, 1), NEAP_ECLOSED);
    CHECK_STATUS(neap_segment_seals(NULL, &seals), NEAP_ECLOSED);
    end(memfd);
    for (int i = 0; staying[i]; i++) {
        neap_segment *segment = create(staying[i]);
        CHECK_FAILS(neap_segment_seal(segment, 1), -ENOTSUP, "no descriptor");
        CHECK_STATUS(neap_segment_seals(segment, &seals), -ENOTSUP);
        end(segment);
    }
    neap_segment *file = create("file");
    CHECK(neap_segment_seal(file, NEAP_SEAL_WRITE) < 0);
    end(file);
}

/* -- passing --------------------------------------------------------------- */

static int take_and_write(void *path)
{
    neap_segment *segment;
    CHECK_STATUS(neap_segment_take(path, neap_deadline_after(20 *
                 (int64_t)SECOND), &segment), 0);
    neap_mapping *mapping = map(segment, NEAP_PROT_WRITE);
    *(uint8_t *)neap_mapping_data(mapping) += 1;
    neap_mapping_close(mapping);
    neap_segment_close(segment);
    return 0;
}


TEST_EACH(a_segment_is_given_to_who_takes_it, passing)
{
    char path[108];
    snprintf(path, sizeof path, "%s/here", test_tmpdir());
    /* Before the segment is there: it is not inherited. */
    pid_t taker = test_fork(take_and_write, path);
    neap_segment *segment = create(parameter);
    CHECK_STATUS(neap_segment_give(segment, path, neap_deadline_after(20 *
                 (int64_t)SECOND)), 0);
    CHECK_INT(test_wait(taker), 0);
    CHECK_INT(first_byte(segment), 1);
    CHECK_INT(access(path, F_OK), -1);
    end(segment);
}


TEST(a_sealed_segment_arrives_read_only)
{
    int pair[2];
    neap_segment *segment = create("memfd"), *received;
    neap_mapping *none;
    CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    CHECK_STATUS(neap_segment_seal(segment, NEAP_SEAL_WRITE), 0);
    CHECK_STATUS(neap_segment_send(segment, pair[0]), 0);
    CHECK_STATUS(neap_segment_receive(pair[1], NEAP_FOREVER, &received), 0);
    CHECK_INT(neap_segment_kind(received), NEAP_KIND_MEMFD);
    CHECK_FAILS(neap_mapping_open(received, 0, 0, NEAP_PROT_WRITE, &none),
                -EACCES, "read-only");
    CHECK_INT(first_byte(received), 0);
    neap_segment_close(received);
    end(segment);
    close(pair[0]);
    close(pair[1]);
}


TEST(what_is_no_segment_is_not_received)
{
    int pair[2];
    neap_segment *segment = NULL;
    CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    CHECK_STATUS(neap_segment_receive(pair[1], NEAP_NOW, &segment), -ETIMEDOUT);
    CHECK_INT(send(pair[0], "hello", 5, 0), 5);
    CHECK_FAILS(neap_segment_receive(pair[1], NEAP_FOREVER, &segment), -EPROTO,
                "a message without one");
    close(pair[0]);
    CHECK_FAILS(neap_segment_receive(pair[1], NEAP_FOREVER, &segment), -EPIPE,
                "sender is gone");
    CHECK_STATUS(neap_segment_receive(-1, NEAP_NOW, &segment), -ETIMEDOUT);
    CHECK(!segment);
    close(pair[1]);
}


static int give_here(void *argument)
{
    return neap_segment_give(argument, test_path("here"), NEAP_FOREVER);
}


/* Whoever finds the place taken takes no turn of it. */
TEST(two_do_not_give_at_one_path)
{
    neap_segment *segment = create("memfd"), *taken;
    const char *path = test_path("here");
    pid_t giver = test_fork(give_here, segment);
    WAIT_UNTIL(access(path, F_OK) == 0);
    for (int i = 0; i < 3; i++)
        CHECK_FAILS(neap_segment_give(segment, path, NEAP_NOW), -EADDRINUSE,
                    "another process listens");
    CHECK_STATUS(neap_segment_take(path, NEAP_FOREVER, &taken), 0);
    CHECK_INT(test_wait(giver), 0);
    neap_segment_close(taken);
    end(segment);
}


TEST(who_cannot_pass_says_so)
{
    char path[300], other[108];
    neap_segment *segment = create("memfd"), *taken;
    snprintf(other, sizeof other, "%s/here", test_tmpdir());
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    CHECK_FAILS(neap_segment_give(segment, path, NEAP_NOW), -ENAMETOOLONG,
                "107 bytes");
    CHECK_FAILS(neap_segment_take(path, NEAP_NOW, &taken), -ENAMETOOLONG,
                "107 bytes");
    CHECK_STATUS(neap_segment_give(segment, other, NEAP_NOW), -ETIMEDOUT);
    CHECK_STATUS(neap_segment_take(other, NEAP_NOW, &taken), -ETIMEDOUT);
    fclose(fopen(other, "w"));
    CHECK_FAILS(neap_segment_give(segment, other, NEAP_NOW), -EEXIST,
                "no socket");
    CHECK_INT(unlink(other), 0);
    CHECK(neap_segment_send(segment, -1) < 0);
    CHECK_STATUS(neap_segment_send(NULL, 0), NEAP_ECLOSED);
    CHECK_STATUS(neap_segment_give(NULL, other, NEAP_NOW), NEAP_ECLOSED);
    end(segment);
    for (int i = 0; staying[i]; i++) {
        segment = create(staying[i]);
        CHECK_FAILS(neap_segment_give(segment, other, NEAP_NOW), -ENOTSUP,
                    "no descriptor");
        end(segment);
    }
}
