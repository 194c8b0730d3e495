/* Tests of addresses: what is read, what is refused, and what is said then. */
#include <sys/stat.h>

#include "lib/harness.h"
#include "memory/memory.h"


static struct neap__address parse(const char *text)
{
    struct neap__address a;
    CHECK_STATUS(neap__address_parse(text, &a), 0);
    return a;
}


static void refuses(const char *text, int status, const char *words)
{
    struct neap__address a = {.kind = (neap_kind)77};
    CHECK_FAILS(neap__address_parse(text, &a), status, words);
    CHECK_INT(a.kind, 77);
}


/* `length` times the same letter. */
static char *repeat(char letter, size_t length)
{
    char *text = malloc(length + 1);
    memset(text, letter, length);
    text[length] = '\0';
    return text;
}


TEST(a_plain_name_is_posix_shared_memory)
{
    struct neap__address a = parse("sky");
    CHECK_INT(a.kind, NEAP_KIND_POSIX);
    CHECK_STR(a.path, "/dev/shm/sky");
    CHECK_STR(a.text, "sky");
}


TEST(every_spelling_of_a_posix_name_is_the_same_address)
{
    static const char *const spellings[] = {"sky", "/sky", "posix:sky",
                                            "posix:/sky"};
    for (size_t i = 0; i < NEAP__COUNT(spellings); i++) {
        CHECK_STR(parse(spellings[i]).path, "/dev/shm/sky");
        CHECK_STR(parse(spellings[i]).text, "sky");
    }
}


TEST(a_posix_name_may_contain_a_colon_after_its_kind)
{
    struct neap__address a = parse("posix:a:b");
    CHECK_STR(a.path, "/dev/shm/a:b");
    CHECK_STR(a.text, "posix:a:b");
    CHECK_STR(parse(a.text).path, a.path);
}


TEST(a_posix_name_of_255_bytes_is_the_longest)
{
    char *longest = repeat('x', 255), *longer = repeat('x', 256);
    CHECK_INT(strlen(parse(longest).text), 255);
    refuses(longer, -ENAMETOOLONG, "256 bytes, and 255 are the most");
    free(longest);
    free(longer);
}


TEST(bad_posix_names_are_refused)
{
    refuses(NULL, -EINVAL, "an empty address");
    refuses("", -EINVAL, "an empty address");
    refuses("posix:", -EINVAL, "give it a name");
    refuses("/", -EINVAL, "give it a name");
    refuses(".", -EINVAL, "give it a name");
    refuses("..", -EINVAL, "give it a name");
    refuses("a/b", -EINVAL, "it contains a slash");
    refuses("a/b", -EINVAL, "write \"file:a/b\"");
    refuses(".neap-birth-1-2", -EINVAL, "are being made");
}


TEST(a_kind_that_is_none_is_refused_with_a_list_of_those_that_are)
{
    refuses("foo:bar", -EINVAL, "\"foo\" is no kind");
    refuses("foo:bar", -EINVAL, "posix, sysv, file, anonymous and memfd");
    refuses(":bar", -EINVAL, "is no kind");
    refuses("POSIX:bar", -EINVAL, "is no kind");
}


TEST(system_v_keys_are_decimal_or_hexadecimal)
{
    CHECK_INT(parse("sysv:5678").kind, NEAP_KIND_SYSV);
    CHECK_INT(parse("sysv:5678").key, 5678);
    CHECK_INT(parse("sysv:0x162e").key, 5678);
    CHECK_STR(parse("sysv:0X162E").text, "sysv:5678");
    CHECK_INT(parse("sysv:0xffffffff").key, -1);
    CHECK_INT(parse("sysv:-1").key, -1);
    CHECK_INT(parse(parse("sysv:-2").text).key, -2);
    CHECK_INT(parse("sysv:0010").key, 10);
}


TEST(what_is_no_key_is_refused)
{
    static const char *const wrong[] = {
        "sysv:", "sysv:x", "sysv:12x", "sysv:0x", "sysv: 5", "sysv:+5",
        "sysv:--5", "sysv:4294967296", "sysv:-2147483649", "sysv:1.5",
        "sysv:99999999999999999999999",
    };
    for (size_t i = 0; i < NEAP__COUNT(wrong); i++)
        refuses(wrong[i], -EINVAL, "as a System V key");
    refuses("sysv:0", -EINVAL, "IPC_PRIVATE");
    refuses("sysv:0x0", -EINVAL, "IPC_PRIVATE");
}


TEST(a_relative_path_becomes_absolute_at_once)
{
    CHECK_INT(chdir(test_tmpdir()), 0);
    struct neap__address a = parse("file:x.neap");
    CHECK_INT(a.kind, NEAP_KIND_FILE);
    CHECK_STR(a.path, test_path("x.neap"));
    CHECK_INT(chdir("/"), 0);
    CHECK_STR(parse("file:x").path, "/x");
    CHECK_STR(parse("file:x:y").path, "/x:y");
    CHECK_STR(parse("file:/x").text, "file:/x");
}


TEST(bad_paths_are_refused)
{
    char *path = repeat('x', 5000);
    memcpy(path, "file:/", 6);
    refuses("file:", -EINVAL, "write the path of a file");
    refuses("file:/tmp/", -EINVAL, "write the path of a file");
    refuses(path, -ENAMETOOLONG, "4095 are the most");
    free(path);
}


TEST(a_relative_path_in_a_directory_that_is_gone_is_refused)
{
    char path[512];
    snprintf(path, sizeof path, "%s", test_path("gone"));
    CHECK_INT(mkdir(path, 0700), 0);
    CHECK_INT(chdir(path), 0);
    CHECK_INT(rmdir(path), 0);
    refuses("file:x", -ENOENT, "current directory");
}


TEST(anonymous_has_no_name_and_memfd_has_a_label)
{
    CHECK_INT(parse("anonymous:").kind, NEAP_KIND_ANONYMOUS);
    CHECK_INT(parse("memfd:").kind, NEAP_KIND_MEMFD);
    CHECK_STR(parse("memfd:sky").path, "sky");
    refuses("anonymous:sky", -EINVAL, "has no name");

    char *label = repeat('x', 256);
    memcpy(label, "memfd:", 6);
    refuses(label, -ENAMETOOLONG, "249 are the most");
    free(label);
}


TEST(kinds_have_names)
{
    CHECK_STR(neap_kind_name(NEAP_KIND_POSIX), "posix");
    CHECK_STR(neap_kind_name(NEAP_KIND_SYSV), "sysv");
    CHECK_STR(neap_kind_name(NEAP_KIND_FILE), "file");
    CHECK_STR(neap_kind_name(NEAP_KIND_ANONYMOUS), "anonymous");
    CHECK_STR(neap_kind_name(NEAP_KIND_MEMFD), "memfd");
    CHECK_STR(neap_kind_name((neap_kind)0), "?");
    CHECK_STR(neap_kind_name((neap_kind)6), "?");
}


TEST(bytes_are_told_in_the_unit_that_fits)
{
    char text[32];
    CHECK_STR(neap__bytes_text(0, text), "0 bytes");
    CHECK_STR(neap__bytes_text(4096, text), "4096 bytes");
    CHECK_STR(neap__bytes_text(1 << 20, text), "1.0 MiB");
    CHECK_STR(neap__bytes_text(UINT64_C(3) << 29, text), "1.5 GiB");
    CHECK_STR(neap__bytes_text(UINT64_MAX, text), "16.0 EiB");
}
