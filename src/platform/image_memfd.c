/* Memory images as anonymous files (memfd_create, Linux): instances map them privately, so that
 * they share the pages that they do not write. */
#define _GNU_SOURCE /* memfd_create */
#include "platform/image.h"
#include "platform/platform.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct image {
    int fd;
};

static void *image_create(void *ctx, const void *data, size_t size)
{
    (void)ctx;
    struct image *image = malloc(sizeof *image);
    if (image == NULL) {
        return NULL;
    }
    image->fd = memfd_create("isomer-image", MFD_CLOEXEC);
    if (image->fd < 0) {
        free(image);
        return NULL;
    }
    /* The size is set first so that the last page, if it is not full, ends in zeros. */
    if (ftruncate(image->fd, (off_t)size) != 0 ||
        iso_fd_write(image->fd, iso_bytes_from(data, size)) != 0) {
        (void)close(image->fd);
        free(image);
        return NULL;
    }
    return image;
}

static bool image_map(void *ctx, void *handle, void *addr, size_t size)
{
    (void)ctx;
    const struct image *image = handle;
    if (size == 0) {
        return true;
    }
    void *got = mmap(addr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, image->fd, 0);
    return got != MAP_FAILED;
}

static void image_destroy(void *ctx, void *handle, size_t size)
{
    (void)ctx;
    (void)size;
    struct image *image = handle;
    if (image != NULL) {
        (void)close(image->fd);
        free(image);
    }
}

void iso_image_posix_add(struct iso_platform *platform)
{
    /* Old kernels and some sandboxes have the C function but not the system call. That shows when
     * an image is made, not here: most programs make none. */
    platform->image_create = image_create;
    platform->image_map = image_map;
    platform->image_destroy = image_destroy;
}
