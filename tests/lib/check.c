/* Checks: what fails prints where and both values, and ends its process. */
#include <stdarg.h>

#include "internal.h"


static _Noreturn void end(int status)
{
    fflush(NULL);
    _exit(status);
}


void test_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    if (getpid() != test_pid)
        fprintf(stderr, "    (in process %ld, forked by the test)\n",
                (long)getpid());
    end(TEST_FAILED);
}


void test_skip(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    end(TEST_SKIPPED);
}


void test_check_int(const char *file, int line, const char *what, int64_t got,
                    const char *wanted_what, int64_t wanted)
{
    if (got != wanted)
        test_fail(file, line, "%s is %lld (0x%llx), and %s is %lld (0x%llx)",
                  what, (long long)got, (unsigned long long)got, wanted_what,
                  (long long)wanted, (unsigned long long)wanted);
}


void test_check_str(const char *file, int line, const char *what,
                    const char *got, const char *wanted)
{
    if (!got || strcmp(got, wanted) != 0)
        test_fail(file, line, "%s is \"%s\", not \"%s\"", what,
                  got ? got : "(NULL)", wanted);
}


void test_check_status(const char *file, int line, const char *what, int got,
                       int wanted)
{
    if (got == wanted)
        return;
    test_fail(file, line, "%s gave %d %s, not %d %s%s%s", what, got,
              neap_status_name(got), wanted, neap_status_name(wanted),
              got < 0 ? "\n    says: " : "", got < 0 ? neap_error_text() : "");
}


void test_check_says(const char *file, int line, const char *words)
{
    if (!strstr(neap_error_text(), words))
        test_fail(file, line, "the sentence\n    \"%s\"\n    does not say "
                  "\"%s\"", neap_error_text(), words);
}
