/* Names and words of status codes. */
#include <stdio.h>
#include <string.h>

#include "base/base.h"

static const struct {
    int value;
    const char *name, *text;
} own[] = {
    {NEAP_OK, "OK", "done"},
    {NEAP_CREATED, "CREATED", "done, and made by this call"},
    {NEAP_ABANDONED, "ABANDONED", "locked; its last owner died holding it"},
    {NEAP_CHILD, "CHILD", "this is the child"},
    {NEAP_MORE, "MORE", "there may be more"},
#define OWN_ROW(name, value, text, python, base) {value, #name, text},
    NEAP_STATUS_MAP(OWN_ROW)
#undef OWN_ROW
};


const char *neap_status_name(int status)
{
    static _Thread_local char number[16];
    for (size_t i = 0; i < NEAP__COUNT(own); i++)
        if (own[i].value == status)
            return own[i].name;
    if (status == -ENOTSUP)
        return "ENOTSUP"; /* on Linux the same number as EOPNOTSUPP */
    const char *name = status < 0 && status > -4096
                           ? strerrorname_np(-status) : NULL;
    if (name)
        return name;
    snprintf(number, sizeof number, "%d", status);
    return number;
}


const char *neap_status_text(int status)
{
    for (size_t i = 0; i < NEAP__COUNT(own); i++)
        if (own[i].value == status)
            return own[i].text;
    const char *text = status < 0 && status > -4096
                           ? strerrordesc_np(-status) : NULL;
    return text ? text : "unknown status";
}


static const struct {
    int status;
    const char *text;
} advices[] = {
    {-EMFILE, "this process has as many descriptors as `ulimit -n` allows: "
              "close some, or raise it"},
    {-ENFILE, "the machine has as many open files as `sysctl fs.file-max` "
              "allows"},
    {-ENOMEM, "`free -h` tells whether memory is short, `ulimit -v` and "
              "`sysctl vm.max_map_count` what this process may have"},
    {-EACCES, "`ls -l` or `neap ls` tells who may"},
    {-EPERM, "only its owner may, or root, or nobody here: a container or a "
             "seal may forbid it"},
    {-EROFS, "choose a place that can be written to"},
    {-ENOSPC, "`df -h` tells what is full, `neap ls` what takes room in memory"},
    {-EDQUOT, "remove files, or ask for a larger quota"},
    {-EINVAL, "this kernel or file system does not take such a request"},
    {-EFBIG, "the file system or `ulimit -f` does not allow such a size"},
    {-EIO, "the device fails; `dmesg` tells more"},
    {-ENOLCK, "the file system's locks are used up or do not work"},
    {-ENODEV, "this file system cannot do it: choose another place"},
    {-EOPNOTSUPP, "this kind of file or memory cannot do it: choose another"},
    {-ENOSYS, "this kernel cannot do it; `neap doctor` lists what is missing"},
    {-ENOBUFS, "the network's memory is used up for now: try again"},
    {-EMLINK, "it has as many names as the file system allows"},
    {-ENAMETOOLONG, "choose a shorter one"},
    {-ENOTDIR, "a part of its path is no directory"},
    {-EISDIR, "it is a directory"},
    {-ELOOP, "links there lead round in a circle"},
    {-EPIPE, "whoever was at the other end is gone"},
    {-ECONNREFUSED, "nobody listens there"},
    {-EAGAIN, "a limit is reached for now: try again, or raise it (`ulimit "
              "-a`)"},
    {-EBUSY, "it is in use: try again when it is not"},
    {-EIDRM, "somebody removed it: make it anew"},
};


const char *neap__status_advice(int status)
{
    for (size_t i = 0; i < NEAP__COUNT(advices); i++)
        if (advices[i].status == status)
            return advices[i].text;
    return NULL;
}
