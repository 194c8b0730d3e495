/* libzstd, found at run time, see zstd.h. */
#include "os/zstd.h"

#include <dlfcn.h>

typedef size_t compress_function(void *to, size_t room, const void *from,
                                 size_t length, int level);
typedef size_t decompress_function(void *to, size_t room, const void *from,
                                   size_t length);
typedef unsigned is_error_function(size_t code);

static struct {
    compress_function *compress;
    decompress_function *decompress;
    is_error_function *is_error;
} zstd;


static bool find(void *library, const char *name, void *ret_function)
{
    void *found = dlsym(library, name);
    *(void **)ret_function = found;
    return found;
}


/* Found twice it is the same; it is never closed. */
int neap__zstd_load(void)
{
    void *library = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
    return library && find(library, "ZSTD_compress", &zstd.compress) &&
                   find(library, "ZSTD_decompress", &zstd.decompress) &&
                   find(library, "ZSTD_isError", &zstd.is_error)
               ? 0 : -ENOSYS;
}


size_t neap__zstd_pack(const void *from, size_t length, void *to, size_t room,
                       int level)
{
    size_t packed = zstd.compress(to, room, from, length, level);
    return zstd.is_error(packed) || packed >= length ? 0 : packed;
}


bool neap__zstd_unpack(const void *from, size_t packed, void *to,
                       size_t length)
{
    return zstd.decompress(to, length, from, packed) == length;
}
