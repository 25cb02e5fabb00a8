/* What CoAP parses by itself, without sockets: options of large messages and blocks, reassembly,
 * link format. The first byte chooses; reassembly is compared with a map of bytes. */
#include "base/alloc_test_support.h"
#include "harness.h"
#include "net/coap_block.h"
#include "net/coap_chunk.h"
#include "net/coap_links.h"
#include "target.h"

#include <string.h>

enum { TOTAL_MAX = 600 };

/* Steps of four bytes: offset (16 bits), length, a byte to fill with. */
static void run_assembly(const uint8_t *data, size_t len)
{
    if (len < 2) {
        return;
    }
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    uint32_t total = 1 + (uint32_t)(data[0] | data[1] << 8) % TOTAL_MAX;
    struct iso_coap_assembly assembly;
    if (iso_coap_assembly_init(&assembly, &memory.alloc, total) != ISO_OK) {
        fuzz_fail("no assembly of %u bytes", (unsigned)total);
    }
    uint8_t map[TOTAL_MAX] = {0};
    uint8_t bytes[TOTAL_MAX] = {0};
    uint32_t received = 0;
    for (size_t at = 2; at + 4 <= len; at += 4) {
        /* Half of the offsets near the total, the others anywhere. */
        uint32_t offset = (uint32_t)(data[at] | data[at + 1] << 8);
        offset = (offset & 1) != 0 ? offset % (total + 3) : offset;
        offset = offset == 65534 ? UINT32_MAX - data[at + 2] : offset;
        uint8_t part[255];
        size_t size = data[at + 2];
        memset(part, data[at + 3], sizeof(part));
        enum iso_err err = iso_coap_assembly_add(&assembly, offset, iso_bytes_from(part, size));
        bool fits = size > 0 && offset <= total && size <= total - offset;
        uint32_t there = 0;
        for (size_t i = 0; fits && i < size; i++) {
            there += map[offset + i];
        }
        enum iso_err expected = !fits           ? ISO_E_MALFORMED
                                : there == size ? ISO_E_EXISTS
                                : there != 0    ? ISO_E_INVALID
                                                : ISO_OK;
        if (err == ISO_E_LIMIT && expected == ISO_OK &&
            assembly.range_count == ISO_COAP_RANGES_MAX) {
            continue;
        }
        if (err != expected) {
            fuzz_fail("part at %u of %u bytes: %s, not %s", (unsigned)offset, (unsigned)size,
                      iso_err_name(err), iso_err_name(expected));
        }
        if (err == ISO_OK) {
            memset(map + offset, 1, size);
            memset(bytes + offset, data[at + 3], size);
            received += (uint32_t)size;
        }
    }
    if (assembly.received != received ||
        iso_coap_assembly_complete(&assembly) != (received == total)) {
        fuzz_fail("%u bytes received, not %u", (unsigned)assembly.received, (unsigned)received);
    }
    for (uint32_t i = 0; i < total; i++) {
        if (map[i] != 0 && assembly.bytes[i] != bytes[i]) {
            fuzz_fail("byte %u is not what came", (unsigned)i);
        }
    }
    iso_coap_assembly_fini(&assembly);
    if (memory.live_bytes != 0) {
        fuzz_fail("%u bytes leaked", (unsigned)memory.live_bytes);
    }
}

static void run_options(const uint8_t *data, size_t len)
{
    struct iso_coap_part part;
    uint8_t bytes[ISO_COAP_PART_SIZE];
    if (iso_coap_part_decode(iso_bytes_from(data, len), &part) == ISO_OK) {
        iso_coap_part_encode(&part, bytes);
        if (memcmp(bytes, data, sizeof(bytes)) != 0) {
            fuzz_fail("a part does not come back");
        }
    }
    struct iso_coap_large large;
    uint8_t value[ISO_COAP_LARGE_MAX];
    if (iso_coap_large_decode(iso_bytes_from(data, len), &large) == ISO_OK &&
        (iso_coap_large_encode(&large, value) != len || memcmp(value, data, len) != 0)) {
        fuzz_fail("a large option does not come back");
    }
    struct iso_coap_block block;
    if (iso_coap_block_decode(iso_bytes_from(data, len), &block) != ISO_OK) {
        return;
    }
    uint8_t out[3];
    size_t size = iso_coap_block_encode(&block, out);
    struct iso_coap_block again;
    if (size > len || iso_coap_block_decode(iso_bytes_from(out, size), &again) != ISO_OK ||
        again.number != block.number || again.more != block.more || again.szx != block.szx) {
        fuzz_fail("a block does not come back");
    }
}

static void run_cut(const uint8_t *data, size_t len)
{
    struct iso_coap_block wanted;
    struct iso_coap_block block;
    if (len < 8 || iso_coap_block_decode(iso_bytes_from(data, 3), &wanted) != ISO_OK) {
        return;
    }
    size_t total = (size_t)data[3] | (size_t)data[4] << 8 | (size_t)data[5] << 16;
    size_t room = 1024 + ((size_t)data[6] | (size_t)data[7] << 8) % 12000;
    size_t offset = 0;
    size_t size = 0;
    if (iso_coap_block_cut(&wanted, total, room, &block, &offset, &size) == ISO_OK) {
        if (offset > total || size > total - offset || size > room ||
            iso_coap_block_offset(&block) != offset || block.more != (offset + size < total) ||
            !iso_coap_block_payload_fits(&block, size)) {
            fuzz_fail("block %u of %u bytes is cut wrongly", (unsigned)wanted.number,
                      (unsigned)total);
        }
    }
}

static void run_links(const uint8_t *data, size_t len)
{
    size_t query_len = len > 0 ? data[0] % 16u : 0;
    if (len < 1 + query_len) {
        return;
    }
    struct iso_str query = iso_str_from((const char *)data + 1, query_len);
    struct iso_str text = iso_str_from((const char *)data + 1 + query_len, len - 1 - query_len);
    struct iso_report report;
    iso_report_init(&report);
    if (iso_coap_links_check(text, &report) != ISO_OK) {
        if (!report.set) {
            fuzz_fail("link format was refused without a reason");
        }
        return;
    }
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), len);
    if (iso_coap_links_filter(text, NULL, 0, &out) != ISO_OK || out.len != text.len ||
        !iso_memory_equal(out.ptr, text.ptr, text.len)) {
        fuzz_fail("all links are not what was given");
    }
    out.len = 0;
    if (iso_coap_links_filter(text, &query, 1, &out) != ISO_OK ||
        iso_coap_links_check(iso_str_from((const char *)out.ptr, out.len), NULL) != ISO_OK) {
        fuzz_fail("filtered links are no link format");
    }
    iso_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0) {
        return 0;
    }
    switch (data[0] % 4) {
    case 0:
        run_assembly(data + 1, len - 1);
        break;
    case 1:
        run_options(data + 1, len - 1);
        break;
    case 2:
        run_cut(data + 1, len - 1);
        break;
    default:
        run_links(data + 1, len - 1);
        break;
    }
    return 0;
}
