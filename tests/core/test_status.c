/* Tests of status codes, error text, element types and deadlines. */
#include <pthread.h>

#include "base/base.h"
#include "lib/harness.h"


TEST(error_text_is_empty_before_the_first_failure)
{
    CHECK_STR(neap_error_text(), "");
}


TEST(error_text_keeps_the_last_failure)
{
    CHECK_INT(neap__fail(-ENOSPC, "cannot %s %d", "do", 1), -ENOSPC);
    CHECK_STR(neap_error_text(), "cannot do 1");
    CHECK_INT(neap__fail_why(-ENOENT, "cannot open %s", "it"), -ENOENT);
    CHECK_STR(neap_error_text(), "cannot open it: No such file or directory");
}


TEST(error_text_may_be_part_of_the_next)
{
    (void)neap__fail(-EINVAL, "the cause");
    (void)neap__fail(-EINVAL, "the effect: %s", neap_error_text());
    CHECK_STR(neap_error_text(), "the effect: the cause");
}


TEST(a_sentence_that_is_too_long_is_cut)
{
    (void)neap__fail_why(-ENOENT, "%5000d", 1);
    CHECK(strlen(neap_error_text()) < 5000);
    CHECK(strlen(neap_error_text()) > 500);
}


static void *fail_in_a_thread(void *ret_before)
{
    *(bool *)ret_before = *neap_error_text() == '\0';
    (void)neap__fail(-EINVAL, "of the other thread");
    return NULL;
}


TEST(each_thread_has_its_own_error_text)
{
    pthread_t thread;
    bool was_empty = false;
    (void)neap__fail(-EINVAL, "of this thread");
    CHECK_INT(pthread_create(&thread, NULL, fail_in_a_thread, &was_empty), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK(was_empty);
    CHECK_STR(neap_error_text(), "of this thread");
}


TEST(every_status_of_ours_has_a_name_and_words)
{
#define CHECK_ROW(name, value, text, python, base)                             \
    CHECK_STR(neap_status_name(value), #name);                                 \
    CHECK_STR(neap_status_text(value), text);
    NEAP_STATUS_MAP(CHECK_ROW)
#undef CHECK_ROW
    CHECK_STR(neap_status_name(NEAP_OK), "OK");
    CHECK_STR(neap_status_name(NEAP_CREATED), "CREATED");
    CHECK_STR(neap_status_name(NEAP_ABANDONED), "ABANDONED");
    CHECK_STR(neap_status_name(NEAP_CHILD), "CHILD");
    CHECK_STR(neap_status_name(NEAP_MORE), "MORE");
}


TEST(every_errno_has_its_name)
{
    CHECK_STR(neap_status_name(-EEXIST), "EEXIST");
    CHECK_STR(neap_status_name(-ETIMEDOUT), "ETIMEDOUT");
    CHECK_STR(neap_status_text(-ENOENT), "No such file or directory");
}


TEST(what_is_no_status_has_a_name_all_the_same)
{
    static const int none[] = {99, -4999, -6000, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < NEAP__COUNT(none); i++) {
        CHECK(neap_status_name(none[i]) && *neap_status_name(none[i]));
        CHECK(neap_status_text(none[i]) && *neap_status_text(none[i]));
    }
}


TEST(types_have_sizes_and_names_both_ways)
{
#define CHECK_ROW(upper, script, numpy, size, c)                               \
    CHECK_INT(neap_type_size(NEAP_TYPE_##upper), size);                        \
    CHECK_STR(neap_type_name(NEAP_TYPE_##upper), script);                      \
    CHECK_INT(neap_type_from_name(script), NEAP_TYPE_##upper);
    NEAP_TYPE_MAP(CHECK_ROW)
#undef CHECK_ROW
    CHECK_INT(neap_type_from_name("f8"), NEAP_TYPE_F64);
    CHECK_INT(neap_type_from_name("c16"), NEAP_TYPE_C128);
    CHECK_INT(neap_type_from_name("i8"), NEAP_TYPE_I8);
}


TEST(what_is_no_type_has_no_size)
{
    CHECK_INT(neap_type_size(NEAP_TYPE_ANY), 0);
    CHECK_INT(neap_type_size((neap_type)99), 0);
    CHECK_INT(neap_type_size((neap_type)-1), 0);
    CHECK_STR(neap_type_name((neap_type)99), "?");
    CHECK_INT(neap_type_from_name("f128"), NEAP_TYPE_ANY);
    CHECK_INT(neap_type_from_name(""), NEAP_TYPE_ANY);
    CHECK_INT(neap_type_from_name(NULL), NEAP_TYPE_ANY);
}


TEST(deadlines_saturate)
{
    int64_t before = neap_now();
    CHECK(neap_deadline_after(1000) >= before + 1000);
    CHECK_INT(neap_deadline_after(0), NEAP_NOW);
    CHECK_INT(neap_deadline_after(-5), NEAP_NOW);
    CHECK_INT(neap_deadline_after(INT64_MAX), NEAP_FOREVER);
    CHECK_INT(neap_deadline_after(INT64_MAX - 1), NEAP_FOREVER);
    CHECK(neap_now() >= before);
}
