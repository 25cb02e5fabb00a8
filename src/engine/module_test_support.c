/* module_test_support.c - see the header. */
#include "engine/module_test_support.h"

void wasm_put(struct wasm *w, const void *bytes, size_t len)
{
    CHECK_OK(iso_buf_append(&w->bytes, bytes, len));
}

void wasm_put_u32(struct wasm *w, uint32_t value)
{
    do {
        uint8_t byte = value & 0x7f;
        value >>= 7;
        CHECK_OK(iso_buf_append_u8(&w->bytes, (uint8_t)(byte | (value != 0 ? 0x80 : 0))));
    } while (value != 0);
}

void wasm_init(struct wasm *w)
{
    *w = (struct wasm){.module = NULL};
    iso_buf_init(&w->bytes, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_engine_create(NULL, &w->engine));
    wasm_clear(w);
}

void wasm_clear(struct wasm *w)
{
    iso_module_destroy(w->module);
    w->module = NULL;
    iso_buf_fini(&w->bytes);
    WASM_PUT(w, 0x00, 'a', 's', 'm', 1, 0, 0, 0);
}

void wasm_fini(struct wasm *w)
{
    iso_module_destroy(w->module);
    iso_engine_destroy(w->engine);
    iso_buf_fini(&w->bytes);
}

void wasm_section(struct wasm *w, uint8_t id, const void *contents, size_t len)
{
    WASM_PUT(w, id);
    wasm_put_u32(w, (uint32_t)len);
    wasm_put(w, contents, len);
}

static size_t leb_size(size_t value)
{
    return value < 1u << 7 ? 1 : value < 1u << 14 ? 2 : value < 1u << 21 ? 3 : 4;
}

void wasm_code(struct wasm *w, const void *body, size_t len)
{
    WASM_PUT(w, 10);
    wasm_put_u32(w, (uint32_t)(1 + leb_size(len) + len));
    WASM_PUT(w, 1);
    wasm_put_u32(w, (uint32_t)len);
    wasm_put(w, body, len);
}

static size_t put_types(uint8_t *out, const char *letters, size_t count)
{
    static const char known[] = "iIfFvre";
    static const uint8_t types[] = {0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f};
    CHECK(count < 100);
    out[0] = (uint8_t)count;
    for (size_t i = 0; i < count; i++) {
        const char *at = strchr(known, letters[i]);
        CHECK(at != NULL);
        out[1 + i] = types[at - known];
    }
    return 1 + count;
}

void wasm_func(struct wasm *w, const char *type)
{
    uint8_t contents[256] = {1, 0x60};
    const char *colon = strchr(type, ':');
    CHECK(colon != NULL);
    size_t len = 2;
    len += put_types(contents + len, type, (size_t)(colon - type));
    len += put_types(contents + len, colon + 1, strlen(colon + 1));
    wasm_section(w, 1, contents, len);
    WASM_SECTION(w, 3, 1, 0);
}

enum iso_err wasm_load(struct wasm *w)
{
    iso_report_init(&w->report);
    return iso_module_create(w->engine, w->bytes.ptr, w->bytes.len, &w->module, &w->report);
}

static void check_text(const struct wasm *w, const char *text)
{
    if (strncmp(w->report.text, text, strlen(text)) != 0) {
        TEST_FAIL("the message is \"%s\", expected it to begin with \"%s\"", w->report.text, text);
    }
}

void wasm_check_fails(struct wasm *w, enum iso_err err, const char *text, uint64_t offset)
{
    CHECK_ERR(wasm_load(w), err);
    check_text(w, text);
    CHECK(w->report.has_offset);
    CHECK_EQ_U64(w->report.offset, offset);
    wasm_clear(w);
}

void wasm_check_error(struct wasm *w, enum iso_err err, const char *text)
{
    CHECK_ERR(wasm_load(w), err);
    check_text(w, text);
    CHECK(w->report.has_offset);
    wasm_clear(w);
}
