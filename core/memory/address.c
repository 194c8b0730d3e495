/* Addresses: what a text such as "sky" or "sysv:5678" names. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory/memory.h"

const char *neap__shm_directory = "/dev/shm";

/* Texts are quoted in sentences up to here; nobody reads 4000 bytes of "x". */
#define QUOTED "\"%.80s\""


static int parse_posix(const char *rest, struct neap__address *a)
{
    const char *name = rest + strspn(rest, "/"); /* as shm_open takes it */
    size_t length = strlen(name);

    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return neap__fail(-EINVAL, "cannot use " QUOTED " as the name of posix "
                          "shared memory: give it a name, as in \"sky\"", rest);
    if (strchr(name, '/'))
        return neap__fail(-EINVAL, "cannot use " QUOTED " as the name of posix "
                          "shared memory: it contains a slash; for a file "
                          "write \"file:%.80s\"", rest, rest);
    if (length > NAME_MAX)
        return neap__fail(-ENAMETOOLONG, "cannot use " QUOTED "... as the name "
                          "of posix shared memory: it has %zu bytes, and %d "
                          "are the most", rest, length, NAME_MAX);
    if (strncmp(name, ".neap-birth-", 12) == 0)
        return neap__fail(-EINVAL, "cannot use " QUOTED " as the name of posix "
                          "shared memory: names that start with .neap-birth- "
                          "belong to segments that are being made", rest);

    int n = snprintf(a->path, sizeof a->path - NAME_MAX - 1, "%s/",
                     neap__shm_directory);
    memcpy(a->path + n, name, length + 1);
    n = snprintf(a->text, sizeof a->text, "%s",
                 strchr(name, ':') ? "posix:" : "");
    memcpy(a->text + n, name, length + 1);
    return 0;
}


/* Decimal, or hexadecimal after 0x, as ipcs prints it; the whole range of a
 * key, whose negative half is usually written unsigned. */
static bool parse_key(const char *text, int32_t *ret_key)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = hex ? text + 2 : text + (*text == '-');
    if (!isxdigit((unsigned char)*digits))
        return false;

    char *end;
    errno = 0;
    long long n = strtoll(text, &end, hex ? 16 : 10);
    if (errno || *end || n < INT32_MIN || n > UINT32_MAX)
        return false;
    *ret_key = (int32_t)(uint32_t)n;
    return true;
}


void neap__address_of_key(int32_t key, char *ret_text, size_t size)
{
    snprintf(ret_text, size, key >= 0 ? "sysv:%d" : "sysv:0x%x", key);
}


static int parse_sysv(const char *rest, struct neap__address *a)
{
    if (!parse_key(rest, &a->key))
        return neap__fail(-EINVAL, "cannot read " QUOTED " as a System V key: "
                          "write a number of 32 bits, as in \"sysv:5678\" or "
                          "\"sysv:0x162e\"", rest);
    if (a->key == 0)
        return neap__fail(-EINVAL, "cannot use the System V key 0: it is "
                          "IPC_PRIVATE, which names nothing; choose another "
                          "number");
    neap__address_of_key(a->key, a->text, sizeof a->text);
    return 0;
}


static int parse_file(const char *rest, struct neap__address *a)
{
    size_t used = 0, length = strlen(rest);

    if (length == 0 || rest[length - 1] == '/')
        return neap__fail(-EINVAL, "cannot use \"file:%.80s\": write the path "
                          "of a file after it, as in \"file:results.neap\"",
                          rest);
    if (*rest != '/') {
        /* Absolute at once: the address must go on meaning the same file. */
        if (!getcwd(a->path, sizeof a->path - 1))
            return neap__fail_why(-errno, "cannot find the current directory, "
                                  "from where \"file:%.80s\" counts", rest);
        used = strlen(a->path);
        if (used > 1)
            a->path[used++] = '/';
    }
    if (used + length >= sizeof a->path)
        return neap__fail(-ENAMETOOLONG, "cannot use \"file:%.80s...\": the "
                          "path has %zu bytes, and %zu are the most", rest,
                          used + length, sizeof a->path - 1);
    memcpy(a->path + used, rest, length + 1);
    snprintf(a->text, sizeof a->text, "file:%s", a->path);
    return 0;
}


static int parse_anonymous(const char *rest, struct neap__address *a)
{
    if (*rest)
        return neap__fail(-EINVAL, "cannot use \"anonymous:%.80s\": anonymous "
                          "memory has no name; write \"anonymous:\"", rest);
    strcpy(a->text, "anonymous:");
    return 0;
}


static int parse_memfd(const char *rest, struct neap__address *a)
{
    enum { LABEL_MAX = 249 }; /* memfd_create(2) */
    if (strlen(rest) > LABEL_MAX)
        return neap__fail(-ENAMETOOLONG, "cannot use \"memfd:%.80s...\": the "
                          "label has %zu bytes, and %d are the most", rest,
                          strlen(rest), LABEL_MAX);
    strcpy(a->path, rest);
    snprintf(a->text, sizeof a->text, "memfd:%.*s", LABEL_MAX, rest);
    return 0;
}


static const struct {
    neap_kind kind;
    const char *name;
    int (*parse)(const char *rest, struct neap__address *a);
} kinds[] = {
    {NEAP_KIND_POSIX, "posix", parse_posix},
    {NEAP_KIND_SYSV, "sysv", parse_sysv},
    {NEAP_KIND_FILE, "file", parse_file},
    {NEAP_KIND_ANONYMOUS, "anonymous", parse_anonymous},
    {NEAP_KIND_MEMFD, "memfd", parse_memfd},
};


const char *neap_kind_name(neap_kind kind)
{
    for (size_t i = 0; i < NEAP__COUNT(kinds); i++)
        if (kinds[i].kind == kind)
            return kinds[i].name;
    return "?";
}


static int parse_as(size_t which, const char *rest, struct neap__address *ret)
{
    struct neap__address a = {.kind = kinds[which].kind};
    int status = kinds[which].parse(rest, &a);
    if (status == 0)
        *ret = a;
    return status;
}


int neap__address_parse(const char *text, struct neap__address *ret)
{
    if (!text || !*text)
        return neap__fail(-EINVAL, "cannot use an empty address: write a name, "
                          "as in \"sky\", or kind:name, as in \"file:sky\"");

    const char *colon = strchr(text, ':');
    if (!colon)
        return parse_as(0, text, ret);
    for (size_t i = 0; i < NEAP__COUNT(kinds); i++)
        if (strlen(kinds[i].name) == (size_t)(colon - text) &&
            strncmp(kinds[i].name, text, (size_t)(colon - text)) == 0)
            return parse_as(i, colon + 1, ret);
    return neap__fail(-EINVAL, "cannot use the address " QUOTED ": \"%.*s\" is "
                      "no kind; the kinds are posix, sysv, file, anonymous and "
                      "memfd (a posix name with a colon in it is written "
                      "posix:NAME)", text,
                      colon - text > 40 ? 40 : (int)(colon - text), text);
}


int neap__address_of_posix_name(const char *name, struct neap__address *ret)
{
    return parse_as(0, name, ret);
}


int neap__mode_check(const struct neap__address *address, uint32_t mode)
{
    if (mode & ~0777u)
        return neap__fail(-EINVAL, "cannot create %s with mode %o: a mode has "
                          "permission bits only, 0 to 0777 in octal",
                          address->text, mode);
    return 0;
}


const char *neap__bytes_text(uint64_t bytes, char *buffer)
{
    static const char *const units[] = {"KiB", "MiB", "GiB",
                                        "TiB", "PiB", "EiB"};
    enum { SIZE = 32 };

    if (bytes < 10240) {
        snprintf(buffer, SIZE, "%llu bytes", (unsigned long long)bytes);
        return buffer;
    }
    double n = (double)bytes / 1024;
    size_t unit = 0;
    for (; n >= 1024 && unit + 1 < NEAP__COUNT(units); unit++)
        n /= 1024;
    snprintf(buffer, SIZE, "%.1f %s", n, units[unit]);
    return buffer;
}
