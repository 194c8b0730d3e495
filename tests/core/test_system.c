/* What the machine offers. */
#include "lib/harness.h"


TEST(every_feature_can_be_tried)
{
    uint32_t n = 0;
    for (const neap_feature *f; (f = neap_feature_at(n)); n++) {
        int present = neap_feature_present(f->name);
        CHECK(present == 0 || present == 1);
        CHECK_INT(neap_feature_present(f->name), present);
        CHECK(*f->use && *f->without);
    }
    CHECK(n >= 8);
    CHECK_INT(neap_feature_present("proc"), 1); /* the tests need it */
    CHECK_FAILS(neap_feature_present("magic"), -EINVAL, "no feature 'magic'");
    CHECK_FAILS(neap_feature_present(NULL), -EINVAL, "no feature");
}
