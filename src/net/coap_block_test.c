/* Block options: the vectors of RFC 7959, sizes that do not fit, and cutting a body. */
#include "base/test.h"
#include "net/coap_block.h"

static void round_trip(uint32_t number, bool more, uint8_t szx, const char *bytes, size_t len)
{
    struct iso_coap_block block = {.number = number, .more = more, .szx = szx};
    uint8_t out[3] = {0};
    CHECK_EQ_U64(iso_coap_block_encode(&block, out), len);
    CHECK_MEM(out, bytes, len);
    struct iso_coap_block back;
    CHECK_OK(iso_coap_block_decode(iso_bytes_from(out, len), &back));
    CHECK_EQ_U64(back.number, number);
    CHECK(back.more == more);
    CHECK_EQ_U64(back.szx, szx);
}

TEST(options_have_the_bytes_of_the_specification)
{
    round_trip(0, false, 0, "", 0);
    round_trip(0, true, 6, "\x0e", 1);
    round_trip(2, true, 1, "\x29", 1);
    round_trip(16, false, 6, "\x01\x06", 2);
    round_trip((1u << 20) - 1, true, 7, "\xff\xff\xff", 3);
    struct iso_coap_block block;
    CHECK_ERR(iso_coap_block_decode(iso_bytes_from("\0\0\0\0", 4), &block), ISO_E_MALFORMED);
}

TEST(a_block_that_is_not_the_last_must_be_full)
{
    struct iso_coap_block block = {.more = true, .szx = 2};
    CHECK(iso_coap_block_payload_fits(&block, 64));
    CHECK(!iso_coap_block_payload_fits(&block, 63));
    CHECK(!iso_coap_block_payload_fits(&block, 128));
    CHECK(!iso_coap_block_payload_fits(&block, 0));
    block.more = false;
    CHECK(iso_coap_block_payload_fits(&block, 63));
    CHECK(iso_coap_block_payload_fits(&block, 0));
    CHECK(!iso_coap_block_payload_fits(&block, 65));
    block.szx = 7;
    CHECK(iso_coap_block_payload_fits(&block, 5000));
    block.more = true;
    CHECK(iso_coap_block_payload_fits(&block, 4096));
    CHECK(!iso_coap_block_payload_fits(&block, 4097));
}

TEST(a_body_is_cut_as_asked_for)
{
    struct iso_coap_block wanted = {.number = 1, .szx = 6};
    struct iso_coap_block block;
    size_t offset;
    size_t size;
    CHECK_OK(iso_coap_block_cut(&wanted, 2500, 12288, &block, &offset, &size));
    CHECK_EQ_U64(offset, 1024);
    CHECK_EQ_U64(size, 1024);
    CHECK(block.more);
    wanted.number = 2;
    CHECK_OK(iso_coap_block_cut(&wanted, 2500, 12288, &block, &offset, &size));
    CHECK_EQ_U64(size, 452);
    CHECK(!block.more);
    wanted.number = 3;
    CHECK_ERR(iso_coap_block_cut(&wanted, 2500, 12288, &block, &offset, &size), ISO_E_INVALID);
    /* Less room than the size asked for: smaller blocks, the same place. */
    wanted = (struct iso_coap_block){.number = 1, .szx = 6};
    CHECK_OK(iso_coap_block_cut(&wanted, 2500, 600, &block, &offset, &size));
    CHECK_EQ_U64(offset, 1024);
    CHECK_EQ_U64(size, 512);
    CHECK_EQ_U64(block.number, 2);
    CHECK_EQ_U64(block.szx, 5);
    /* BERT: as many blocks of 1,024 as there is room for. */
    wanted = (struct iso_coap_block){.number = 1, .szx = 7};
    CHECK_OK(iso_coap_block_cut(&wanted, 100000, 12288, &block, &offset, &size));
    CHECK_EQ_U64(offset, 1024);
    CHECK_EQ_U64(size, 12288);
    /* An empty body has its block 0. */
    wanted = (struct iso_coap_block){.szx = 6};
    CHECK_OK(iso_coap_block_cut(&wanted, 0, 12288, &block, &offset, &size));
    CHECK_EQ_U64(size, 0);
    CHECK(!block.more);
}
