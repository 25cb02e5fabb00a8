/* See the header. Numbers are LEB128 (spec 5.2.2). */
#include "support/wasm_writer.h"

#include <stdlib.h>
#include <string.h>

static void must(enum iso_err err)
{
    if (err != ISO_OK) {
        abort();
    }
}

struct iso_buf wasm_buf(void)
{
    struct iso_buf buf;

    iso_buf_init(&buf, iso_alloc_libc(), SIZE_MAX);
    return buf;
}

void wasm_u8(struct iso_buf *buf, uint8_t value)
{
    must(iso_buf_append_u8(buf, value));
}

void wasm_bytes(struct iso_buf *buf, const void *data, size_t len)
{
    must(iso_buf_append(buf, data, len));
}

void wasm_u32(struct iso_buf *buf, uint32_t value)
{
    while (value >= 0x80) {
        wasm_u8(buf, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    wasm_u8(buf, (uint8_t)value);
}

void wasm_s32(struct iso_buf *buf, int32_t value)
{
    wasm_s64(buf, value);
}

void wasm_s64(struct iso_buf *buf, int64_t value)
{
    for (;;) {
        uint8_t low = (uint8_t)((uint64_t)value & 0x7f);
        /* Towards minus infinity, whatever >> does with negative numbers. */
        value = value < 0 ? -((-(value + 1)) / 128) - 1 : value / 128;
        if ((value == 0 && (low & 0x40) == 0) || (value == -1 && (low & 0x40) != 0)) {
            wasm_u8(buf, low);
            return;
        }
        wasm_u8(buf, (uint8_t)(low | 0x80));
    }
}

void wasm_name(struct iso_buf *buf, const char *name)
{
    wasm_u32(buf, (uint32_t)strlen(name));
    wasm_bytes(buf, name, strlen(name));
}

void wasm_fill(struct iso_buf *buf, uint8_t value, size_t count)
{
    must(iso_buf_reserve(buf, count));
    for (size_t i = 0; i < count; i++) {
        wasm_u8(buf, value);
    }
}

void wasm_header(struct iso_buf *module)
{
    wasm_literal(module, "\0asm\1\0\0\0");
}

void wasm_section(struct iso_buf *module, enum wasm_section_id id, struct iso_buf *content)
{
    wasm_u8(module, (uint8_t)id);
    wasm_body(module, content);
}

void wasm_body(struct iso_buf *code, struct iso_buf *body)
{
    wasm_u32(code, (uint32_t)body->len);
    wasm_bytes(code, body->ptr, body->len);
    iso_buf_fini(body);
}

static void type_vector(struct iso_buf *buf, const char *types)
{
    wasm_name(buf, types); /* a length and bytes, like a name */
}

static void exports(struct iso_buf *module, bool has_memory)
{
    struct iso_buf content = wasm_buf();

    wasm_u32(&content, has_memory ? 2 : 1);
    wasm_name(&content, "f");
    wasm_literal(&content, "\0\0");
    if (has_memory) {
        wasm_name(&content, "memory");
        wasm_literal(&content, "\2\0");
    }
    wasm_section(module, WASM_EXPORT, &content);
}

struct iso_buf wasm_module_of(const char *params, const char *results, int64_t memory_pages,
                              struct iso_buf *body)
{
    struct iso_buf module = wasm_buf();
    struct iso_buf content = wasm_buf();

    wasm_header(&module);
    wasm_literal(&content, "\1\x60");
    type_vector(&content, params);
    type_vector(&content, results);
    wasm_section(&module, WASM_TYPE, &content);
    wasm_literal(&content, "\1\0");
    wasm_section(&module, WASM_FUNCTION, &content);
    if (memory_pages >= 0) {
        wasm_literal(&content, "\1\0");
        wasm_u32(&content, (uint32_t)memory_pages);
        wasm_section(&module, WASM_MEMORY, &content);
    }
    exports(&module, memory_pages >= 0);
    wasm_u32(&content, 1);
    wasm_body(&content, body);
    wasm_section(&module, WASM_CODE, &content);
    return module;
}
