/* struct iso_platform over POSIX: reservations that grow in place, images that are shared. */
#include "base/test.h"
#include "platform/platform.h"

static bool all_zero(const uint8_t *ptr, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (ptr[i] != 0) {
            return false;
        }
    }
    return true;
}

TEST(a_reservation_grows_in_place)
{
    const struct iso_platform *platform = iso_platform_posix();
    size_t page = platform->page_size;
    size_t reserved = (size_t)256 << 20;
    uint8_t *base = platform->reserve(platform->ctx, reserved);
    CHECK(base != NULL);
    CHECK(platform->commit(platform->ctx, base, page));
    CHECK(all_zero(base, page));
    memset(base, 0x55, page);
    CHECK(platform->commit(platform->ctx, base + page, 3 * page));
    CHECK(all_zero(base + page, 3 * page));
    CHECK_EQ_U64(base[page - 1], 0x55);
    CHECK(platform->commit(platform->ctx, base + 4 * page, 0));
    platform->release(platform->ctx, base, reserved);
}

TEST(committing_again_zeroes)
{
    const struct iso_platform *platform = iso_platform_posix();
    size_t page = platform->page_size;
    uint8_t *base = platform->reserve(platform->ctx, 2 * page);
    CHECK(base != NULL);
    CHECK(platform->commit(platform->ctx, base, 2 * page));
    memset(base, 0x55, 2 * page);
    CHECK(platform->commit(platform->ctx, base, page));
    CHECK(all_zero(base, page));
    CHECK_EQ_U64(base[page], 0x55);
    platform->release(platform->ctx, base, 2 * page);
}

TEST(an_impossible_reservation_fails)
{
    const struct iso_platform *platform = iso_platform_posix();
    /* Half of the addresses may be free where they have 32 bits; not all of them. */
    CHECK(platform->reserve(platform->ctx, SIZE_MAX - 0xfffff) == NULL);
}

/* Maps the image into a fresh reservation of `len` bytes, rounded up to pages. */
static uint8_t *map_image(void *image, size_t size, size_t len)
{
    const struct iso_platform *platform = iso_platform_posix();
    uint8_t *base = platform->reserve(platform->ctx, len);
    CHECK(base != NULL);
    CHECK(platform->image_map(platform->ctx, image, base, size));
    return base;
}

TEST(images_are_copied_on_write)
{
    const struct iso_platform *platform = iso_platform_posix();
    if (platform->image_create == NULL) {
        TEST_SKIP("this system has no memfd_create");
    }
    static uint8_t data[100000];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7);
    }
    size_t len =
        (sizeof data + platform->page_size - 1) / platform->page_size * platform->page_size;
    void *image = platform->image_create(platform->ctx, data, sizeof data);
    if (image == NULL) {
        TEST_SKIP("this kernel has no memfd_create");
    }
    uint8_t *a = map_image(image, sizeof data, len);
    uint8_t *b = map_image(image, sizeof data, len);
    CHECK_MEM(a, data, sizeof data);
    CHECK(all_zero(a + sizeof data, len - sizeof data));
    a[0] = 0xff;
    CHECK_MEM(b, data, sizeof data);
    platform->image_destroy(platform->ctx, image, sizeof data);
    CHECK_MEM(b, data, sizeof data); /* mappings outlive the image */
    platform->release(platform->ctx, a, len);
    platform->release(platform->ctx, b, len);
}

TEST(an_empty_image_maps_to_nothing)
{
    const struct iso_platform *platform = iso_platform_posix();
    if (platform->image_create == NULL) {
        TEST_SKIP("this system has no memfd_create");
    }
    void *image = platform->image_create(platform->ctx, NULL, 0);
    if (image == NULL) {
        TEST_SKIP("this kernel has no memfd_create");
    }
    CHECK(platform->image_map(platform->ctx, image, NULL, 0));
    platform->image_destroy(platform->ctx, image, 0);
}

TEST(the_mutex_opens_again)
{
    const struct iso_platform *platform = iso_platform_posix();
    CHECK(platform == iso_platform_posix());
    platform->lock(platform->ctx);
    platform->unlock(platform->ctx);
    platform->lock(platform->ctx);
    platform->unlock(platform->ctx);
}
