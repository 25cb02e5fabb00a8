/*
 * module_pack.c - writes the custom sections "isomer:wit" and "isomer:package" (Wasm core
 * specification, 5.5.3 for custom sections). Everything else of the module is copied byte by byte.
 */
#include "interface/interface.h"
#include "interface/module_sections.h"

static size_t leb_size(size_t value)
{
    size_t size = 1;
    while (value >= 0x80) {
        value >>= 7;
        size++;
    }
    return size;
}

static enum iso_err append_leb(struct iso_buf *out, size_t value)
{
    enum iso_err err = ISO_OK;
    while (value >= 0x80 && err == ISO_OK) {
        err = iso_buf_append_u8(out, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    return err != ISO_OK ? err : iso_buf_append_u8(out, (uint8_t)value);
}

static enum iso_err append_custom(struct iso_buf *out, const char *name, struct iso_bytes contents)
{
    size_t name_len = strlen(name);
    enum iso_err err = iso_buf_append_u8(out, 0);
    if (err == ISO_OK) {
        err = append_leb(out, leb_size(name_len) + name_len + contents.len);
    }
    if (err == ISO_OK) {
        err = append_leb(out, name_len);
    }
    if (err == ISO_OK) {
        err = iso_buf_append(out, name, name_len);
    }
    return err != ISO_OK ? err : iso_buf_append(out, contents.ptr, contents.len);
}

static bool read_leb(struct iso_bytes bytes, size_t *pos, uint32_t *out)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 35 && *pos < bytes.len; shift += 7) {
        uint8_t byte = bytes.ptr[(*pos)++];
        value |= (uint32_t)(byte & 0x7f) << (shift < 32 ? shift : 0);
        if ((byte & 0x80) == 0) {
            *out = value;
            return shift < 28 || byte <= 0x0f;
        }
    }
    return false;
}

/* Whether the section whose contents are from pos to end is a custom one of that name. */
static bool is_custom(struct iso_bytes module, uint8_t id, size_t pos, size_t end, const char *name)
{
    uint32_t len;
    struct iso_bytes contents = iso_bytes_from(module.ptr, end);
    return id == 0 && read_leb(contents, &pos, &len) && len == strlen(name) && len <= end - pos &&
           memcmp(module.ptr + pos, name, len) == 0;
}

/* All sections but those that are to be replaced. */
static enum iso_err copy_sections(struct iso_bytes module, bool drop_wit, bool drop_info,
                                  struct iso_buf *out, struct iso_report *report)
{
    size_t pos = 8;
    enum iso_err err = iso_buf_append(out, module.ptr, 8);
    while (pos < module.len && err == ISO_OK) {
        size_t start = pos;
        uint32_t size;
        uint8_t id = module.ptr[pos++];
        if (!read_leb(module, &pos, &size) || size > module.len - pos) {
            return iso_fail_at(report, ISO_E_MALFORMED, start,
                               "the section at byte %zu goes beyond the end of the module", start);
        }
        size_t end = pos + size;
        if (!(drop_wit && is_custom(module, id, pos, end, ISO_SECTION_WIT)) &&
            !(drop_info && is_custom(module, id, pos, end, ISO_SECTION_PACKAGE))) {
            err = iso_buf_append(out, module.ptr + start, end - start);
        }
        pos = end;
    }
    return err;
}

enum iso_err iso_module_pack(struct iso_bytes module, struct iso_bytes wit,
                             const struct iso_package_info *info, struct iso_buf *out,
                             struct iso_report *report)
{
    static const uint8_t header[8] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    if (module.len < sizeof header || memcmp(module.ptr, header, sizeof header) != 0) {
        return iso_fail(report, ISO_E_MALFORMED, "not a WebAssembly module");
    }
    size_t before = out->len;
    struct iso_buf json;
    iso_buf_init(&json, out->alloc, SIZE_MAX);
    enum iso_err err = copy_sections(module, wit.ptr != NULL, info != NULL, out, report);
    if (err == ISO_OK && wit.ptr != NULL) {
        err = append_custom(out, ISO_SECTION_WIT, wit);
    }
    if (err == ISO_OK && info != NULL) {
        err = iso_package_info_write(info, &json);
        if (err == ISO_OK) {
            err = append_custom(out, ISO_SECTION_PACKAGE, iso_buf_view(&json));
        }
    }
    iso_buf_fini(&json);
    if (err != ISO_OK) {
        out->len = before;
    }
    return err;
}
