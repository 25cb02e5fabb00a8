/* For systems without memfd_create: no images, fresh instances copy their initial memory. */
#include "platform/image.h"

void iso_image_posix_add(struct iso_platform *platform)
{
    (void)platform;
}
