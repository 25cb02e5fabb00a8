/* The seam inside src/platform for memory images: image_memfd.c, or image_none.c where the C
 * library has no memfd_create. The build chooses. */
#ifndef ISO_PLATFORM_IMAGE_H
#define ISO_PLATFORM_IMAGE_H

#include "engine/engine.h"

/* Sets the image members of the platform, or leaves them NULL. */
void iso_image_posix_add(struct iso_platform *platform);

#endif
