/* LZ4 blocks: known blocks, round trips over many shapes of data, and hostile blocks. */
#include "base/test.h"

#define MAX_LEN 70000u

static uint8_t data[MAX_LEN];
static uint8_t block[MAX_LEN + MAX_LEN / 255 + 16];
static uint8_t back[MAX_LEN];

static uint32_t random_state = 1;

/* xorshift32: the same numbers on every host. */
static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

/* Fills `data`: 0 zeros, 1 random, 2 few letters, 3 text-like, 4 period of 3 bytes, 5 sparse. */
static void fill(unsigned shape, size_t len)
{
    static const char words[] = "the sensor reads a value and the device sends the value on ";
    for (size_t i = 0; i < len; i++) {
        uint32_t r = next_random();
        switch (shape) {
        case 0:
            data[i] = 0;
            break;
        case 1:
            data[i] = (uint8_t)(r >> 11);
            break;
        case 2:
            data[i] = (uint8_t)((r >> 11) & 3);
            break;
        case 3:
            data[i] = (uint8_t)words[(i + (i / 97) * 13) % (sizeof words - 1)];
            break;
        case 4:
            data[i] = (uint8_t)(i % 3);
            break;
        default:
            data[i] = (r & 63) == 0 ? (uint8_t)(r >> 20) : 0;
            break;
        }
    }
}

static size_t check_round_trip(size_t len)
{
    size_t size = iso_lz4_compress(data, len, block, iso_lz4_bound(len));
    CHECK(size > 0 && size <= iso_lz4_bound(len));
    /* Exact areas on the heap, so that an address sanitizer sees a byte too much. */
    const struct iso_alloc *alloc = iso_alloc_libc();
    uint8_t *exact_block = iso_alloc_new(alloc, size);
    uint8_t *exact_back = iso_alloc_new(alloc, len);
    CHECK(exact_block != NULL && exact_back != NULL);
    memcpy(exact_block, block, size);
    CHECK_OK(iso_lz4_decompress(exact_block, size, exact_back, len));
    CHECK_MEM(exact_back, data, len);
    iso_alloc_free(alloc, exact_block, size);
    iso_alloc_free(alloc, exact_back, len);
    return size;
}

TEST(lz4_round_trips_of_every_shape_and_size)
{
    for (unsigned shape = 0; shape < 6; shape++) {
        for (size_t len = 0; len < 300; len++) {
            fill(shape, len);
            check_round_trip(len);
        }
        static const size_t sizes[] = {4095, 4096, 65535, 65536, 65551, MAX_LEN};
        for (size_t i = 0; i < ISO_COUNT_OF(sizes); i++) {
            fill(shape, sizes[i]);
            check_round_trip(sizes[i]);
        }
    }
}

TEST(lz4_makes_compressible_data_small)
{
    fill(0, 4096);
    CHECK(check_round_trip(4096) <= 32);
    fill(3, 4096);
    CHECK(check_round_trip(4096) <= 1024);
    fill(5, 4096);
    CHECK(check_round_trip(4096) <= 1024);
}

TEST(lz4_finds_matches_up_to_64_kib_back_and_no_further)
{
    fill(1, MAX_LEN);
    memcpy(data + 65535, data, 64);
    size_t within = check_round_trip(65535 + 64 + 20);
    fill(1, MAX_LEN);
    memcpy(data + 65536, data, 64);
    size_t beyond = check_round_trip(65536 + 64 + 20);
    CHECK(within < beyond);
}

TEST(lz4_gives_up_when_the_block_does_not_fit)
{
    static const size_t lengths[] = {1, 13, 100, 4096};
    for (unsigned shape = 0; shape < 6; shape++) {
        for (size_t i = 0; i < ISO_COUNT_OF(lengths); i++) {
            fill(shape, lengths[i]);
            size_t size = iso_lz4_compress(data, lengths[i], block, sizeof block);
            CHECK_EQ_U64(iso_lz4_compress(data, lengths[i], block, size), size);
            for (size_t cap = 0; cap < size; cap += 1 + size / 50) {
                block[cap] = 0x77;
                CHECK_EQ_U64(iso_lz4_compress(data, lengths[i], block, cap), 0);
                CHECK_EQ_U64(block[cap], 0x77);
            }
        }
    }
    CHECK_EQ_U64(iso_lz4_bound(ISO_LZ4_MAX_INPUT + 1), 0);
    CHECK_EQ_U64(iso_lz4_compress(data, ISO_LZ4_MAX_INPUT + 1, block, sizeof block), 0);
}

static enum iso_err decompress(const char *bytes, size_t len, size_t dst_len)
{
    return iso_lz4_decompress((const uint8_t *)bytes, len, back, dst_len);
}

TEST(lz4_reads_blocks_made_by_hand)
{
    CHECK_OK(decompress("\x00", 1, 0));
    CHECK_OK(decompress("\x30"
                        "abc",
                        4, 3));
    CHECK_MEM(back, "abc", 3);
    /* "ab", then 10 bytes from 2 back, then "xyzuv". */
    CHECK_OK(decompress("\x26"
                        "ab\x02\x00\x50xyzuv",
                        11, 17));
    CHECK_MEM(back, "ababababababxyzuv", 17);
    /* One letter, then a match of 4 + 15 + 255 + 3, then five letters. */
    CHECK_OK(decompress("\x1f"
                        "a\x01\x00\xff\x03\x50vwxyz",
                        12, 1 + 277 + 5));
    CHECK_EQ_U64(back[277], 'a');
    CHECK_MEM(back + 278, "vwxyz", 5);
}

TEST(lz4_refuses_broken_blocks)
{
    CHECK_ERR(decompress("", 0, 0), ISO_E_MALFORMED);
    CHECK_ERR(decompress("", 0, 1), ISO_E_MALFORMED);
    /* Too little and too much for the destination. */
    CHECK_ERR(decompress("\x30"
                         "abc",
                         4, 4),
              ISO_E_MALFORMED);
    CHECK_ERR(decompress("\x30"
                         "abc",
                         4, 2),
              ISO_E_MALFORMED);
    /* Literals, length and offset cut off. */
    CHECK_ERR(decompress("\x30"
                         "ab",
                         3, 3),
              ISO_E_MALFORMED);
    CHECK_ERR(decompress("\xf0", 1, 15), ISO_E_MALFORMED);
    CHECK_ERR(decompress("\xf0\xff", 2, 1000), ISO_E_MALFORMED);
    CHECK_ERR(decompress("\x10"
                         "a\x01",
                         3, 5),
              ISO_E_MALFORMED);
    /* Offset 0; offset before the start; match past the end; block that ends with a match. */
    CHECK_ERR(decompress("\x10"
                         "a\x00\x00\x00",
                         5, 5),
              ISO_E_MALFORMED);
    CHECK_ERR(decompress("\x10"
                         "a\x02\x00\x00",
                         5, 5),
              ISO_E_MALFORMED);
    CHECK_ERR(decompress("\x10"
                         "a\x01\x00\x00",
                         5, 4),
              ISO_E_MALFORMED);
    CHECK_ERR(decompress("\x10"
                         "a\x01\x00",
                         4, 5),
              ISO_E_MALFORMED);
    /* A first sequence without literals has nothing to point back to. */
    CHECK_ERR(decompress("\x00\x01\x00\x00", 4, 4), ISO_E_MALFORMED);
}

TEST(lz4_endless_length_ends_at_the_limit)
{
    memset(block, 0xff, sizeof block);
    CHECK_ERR(iso_lz4_decompress(block, sizeof block, back, 100), ISO_E_MALFORMED);
    CHECK_ERR(iso_lz4_decompress(block, sizeof block, back, sizeof back), ISO_E_MALFORMED);
}

TEST(lz4_survives_damaged_blocks)
{
    const struct iso_alloc *alloc = iso_alloc_libc();
    unsigned accepted = 0, refused = 0;
    for (unsigned round = 0; round < 4000; round++) {
        size_t len = next_random() % 600;
        fill(round % 6, len);
        size_t size = iso_lz4_compress(data, len, block, sizeof block);
        size_t cut = next_random() % 4 == 0 ? next_random() % (size + 1) : size;
        uint8_t *exact_block = iso_alloc_new(alloc, cut);
        uint8_t *exact_back = iso_alloc_new(alloc, len);
        CHECK(exact_block != NULL && exact_back != NULL);
        memcpy(exact_block, block, cut);
        for (unsigned flips = next_random() % 4; flips != 0 && cut != 0; flips--) {
            exact_block[next_random() % cut] ^= (uint8_t)(1u << next_random() % 8);
        }
        enum iso_err err = iso_lz4_decompress(exact_block, cut, exact_back, len);
        CHECK(err == ISO_OK || err == ISO_E_MALFORMED);
        accepted += err == ISO_OK ? 1 : 0;
        refused += err == ISO_OK ? 0 : 1;
        iso_alloc_free(alloc, exact_block, cut);
        iso_alloc_free(alloc, exact_back, len);
    }
    CHECK(accepted > 100 && refused > 100);
}

TEST(lz4_blocks_are_the_same_on_every_host)
{
    uint8_t digest[ISO_SHA256_SIZE];
    char text[2 * ISO_SHA256_SIZE + 1];
    struct iso_sha256 sha;
    random_state = 12345;
    iso_sha256_init(&sha);
    for (unsigned shape = 0; shape < 6; shape++) {
        fill(shape, 20000);
        size_t size = iso_lz4_compress(data, 20000, block, sizeof block);
        iso_sha256_update(&sha, block, size);
    }
    iso_sha256_final(&sha, digest);
    iso_hex_encode(digest, sizeof digest, text);
    CHECK_STR(text, "9af035f00fef63dd3ac32acacbd2451cd3086b9d9fd03e94c221b9bcc135810a");
}
