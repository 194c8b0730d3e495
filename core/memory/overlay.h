/* What mappings know of overlays: a part that was closed leaves its frame. */
#ifndef NEAP_MEMORY_OVERLAY_H
#define NEAP_MEMORY_OVERLAY_H

#include "neap/overlay.h"

void neap__overlay_leave(struct neap_overlay *overlay, uint32_t frame);

#endif
