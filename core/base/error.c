/* The sentence that neap_error_text() gives, one for each thread. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

static _Thread_local char text[1024];


const char *neap_error_text(void)
{
    return text;
}


void neap__error_forget(void)
{
    text[0] = '\0';
}


static size_t format_text(const char *format, va_list arguments)
{
    /* A caller may pass the last text as an argument of the next. */
    char fresh[sizeof text];
    int n = vsnprintf(fresh, sizeof fresh, format, arguments);
    memcpy(text, fresh, sizeof text);
    if (n < 0)
        text[0] = '\0';
    return strlen(text);
}


int neap__fail(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    format_text(format, arguments);
    va_end(arguments);
    return status;
}


int neap__fail_why(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t n = format_text(format, arguments);
    va_end(arguments);
    const char *advice = neap__status_advice(status);
    snprintf(text + n, sizeof text - n, ": %s%s%s", neap_status_text(status),
             advice ? "; " : "", advice ? advice : "");
    return status;
}


#ifdef NEAP_DEBUG
void neap__assert_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "neap: %s:%d: broken invariant: %s\n", file, line, what);
    abort();
}
#endif
