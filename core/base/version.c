#include "base/base.h"


const char *neap_version(void)
{
    return NEAP_VERSION;
}
