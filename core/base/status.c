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
