/* Short texts for people: paths to values, what was expected. See the header. */
#include "codec/text.h"

#include <inttypes.h>

void iso_text_init(struct iso_text *text, char *out, size_t cap)
{
    ISO_ASSERT(cap >= 4);
    out[0] = '\0';
    *text = (struct iso_text){.out = out, .cap = cap};
}

/* Goes back to the start of a character, and three bytes further for the dots. */
static void cut(struct iso_text *text)
{
    size_t len = text->cap - 4;
    if (len > text->len) {
        len = text->len;
    }
    while (len > 0 && ((uint8_t)text->out[len] & 0xc0) == 0x80) {
        len--;
    }
    memcpy(text->out + len, "...", 4);
    text->len = len + 3;
    text->cut = true;
}

void iso_text_str(struct iso_text *text, struct iso_str part)
{
    if (text->cut) {
        return;
    }
    size_t room = text->cap - 1 - text->len;
    bool fits = part.len <= room;
    size_t len = fits ? part.len : room;
    iso_memory_copy(text->out + text->len, part.ptr, len);
    text->len += len;
    text->out[text->len] = '\0';
    if (!fits) {
        cut(text);
    }
}

void iso_text_z(struct iso_text *text, const char *part)
{
    iso_text_str(text, iso_str_from_z(part));
}

void iso_text_u64(struct iso_text *text, uint64_t value)
{
    char digits[24];
    (void)iso_format(digits, sizeof digits, "%" PRIu64, value);
    iso_text_z(text, digits);
}

void iso_text_foreign(struct iso_text *text, struct iso_str part, size_t max)
{
    size_t at = 0;
    while (at < part.len && !text->cut) {
        size_t size = iso_utf8_char_size(part.ptr + at, part.len - at);
        if (at + (size == 0 ? 1 : size) > max) {
            iso_text_z(text, "...");
            return;
        }
        uint8_t byte = (uint8_t)part.ptr[at];
        if (size == 0 || byte < 0x20 || byte == 0x7f) {
            iso_text_z(text, "?");
            at++;
        } else {
            iso_text_str(text, iso_str_from(part.ptr + at, size));
            at += size;
        }
    }
}

size_t iso_character_encode(uint32_t character, char out[4])
{
    if (character < 0x80) {
        out[0] = (char)character;
        return 1;
    }
    size_t size = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    out[0] = (char)(leads[size] | character);
    return size;
}

bool iso_character_decode(struct iso_str text, uint32_t *out)
{
    static const uint8_t lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t size = iso_utf8_char_size(text.ptr, text.len);
    if (size == 0 || size != text.len) {
        return false;
    }
    uint32_t character = (uint8_t)text.ptr[0] & lead_bits[size];
    for (size_t i = 1; i < size; i++) {
        character = character << 6 | ((uint8_t)text.ptr[i] & 0x3f);
    }
    *out = character;
    return true;
}

enum { NAME_SHOWN = 60 };

static void put_path(struct iso_text *text, const struct iso_vpath *path)
{
    if (path->up != NULL) {
        put_path(text, path->up);
    }
    if (path->name.ptr == NULL) {
        if (path->up == NULL) {
            return;
        }
        iso_text_z(text, text->len == 0 ? "value[" : "[");
        iso_text_u64(text, path->index);
        iso_text_z(text, "]");
        return;
    }
    if (text->len != 0) {
        iso_text_z(text, ".");
    }
    iso_text_foreign(text, path->name, NAME_SHOWN);
}

void iso_vpath_text(const struct iso_vpath *path, char *out, size_t cap)
{
    struct iso_text text;
    iso_text_init(&text, out, cap);
    put_path(&text, path);
    if (text.len == 0) {
        iso_text_z(&text, "value");
    }
}

enum iso_err iso_place_fail(const struct iso_place *place, enum iso_err err, const char *format,
                            ...)
{
    if (place->report == NULL || place->report->set) {
        return err;
    }
    char path[160];
    char message[340];
    va_list args;
    iso_vpath_text(place->path, path, sizeof path);
    va_start(args, format);
    (void)iso_format_v(message, sizeof message, format, args);
    va_end(args);
    if (place->has_offset) {
        return iso_fail_at(place->report, err, place->offset, "%s: %s", path, message);
    }
    return iso_fail(place->report, err, "%s: %s", path, message);
}

bool iso_vkind_is_signed(enum iso_vkind kind)
{
    return kind == ISO_V_S8 || kind == ISO_V_S16 || kind == ISO_V_S32 || kind == ISO_V_S64;
}

struct iso_vrange iso_vkind_range(enum iso_vkind kind)
{
    switch (kind) {
    case ISO_V_S8:
        return (struct iso_vrange){INT8_MIN, INT8_MAX};
    case ISO_V_U8:
        return (struct iso_vrange){0, UINT8_MAX};
    case ISO_V_S16:
        return (struct iso_vrange){INT16_MIN, INT16_MAX};
    case ISO_V_U16:
        return (struct iso_vrange){0, UINT16_MAX};
    case ISO_V_S32:
        return (struct iso_vrange){INT32_MIN, INT32_MAX};
    case ISO_V_U32:
        return (struct iso_vrange){0, UINT32_MAX};
    case ISO_V_S64:
        return (struct iso_vrange){INT64_MIN, INT64_MAX};
    default:
        ISO_ASSERT(kind == ISO_V_U64);
        return (struct iso_vrange){0, UINT64_MAX};
    }
}

void iso_member_names(struct iso_text *text, const struct iso_vtype *type)
{
    for (uint32_t i = 0; i < type->member_count && !text->cut; i++) {
        iso_text_z(text, i == 0 ? "\"" : ", \"");
        iso_text_foreign(text, type->members[i].name, NAME_SHOWN);
        iso_text_z(text, "\"");
    }
}

static void put_integer_range(struct iso_text *text, enum iso_vkind kind)
{
    struct iso_vrange range = iso_vkind_range(kind);
    char numbers[64];
    (void)iso_format(numbers, sizeof numbers, " (%" PRId64 " to %" PRIu64 ")", range.min,
                     range.max);
    iso_text_z(text, numbers);
}

static void put_members(struct iso_text *text, const char *before, const struct iso_vtype *type)
{
    iso_text_z(text, before);
    iso_member_names(text, type);
    iso_text_z(text, ")");
}

/* What containers look like; a value in memory has no look of its own. */
static void put_shape(struct iso_text *text, const struct iso_vtype *type, enum iso_form form)
{
    bool json = form == ISO_FORM_JSON;
    switch (type->kind) {
    case ISO_V_LIST:
        iso_text_z(text, type->element->kind != ISO_V_U8 ? " (an array)"
                         : json                          ? " (a base64 string)"
                                                         : " (a byte string)");
        break;
    case ISO_V_TUPLE:
        iso_text_z(text, " (an array of ");
        iso_text_u64(text, type->member_count);
        iso_text_z(text, ")");
        break;
    case ISO_V_RECORD:
        iso_text_z(text, json ? " (an object)" : " (a map)");
        break;
    case ISO_V_OPTION:
        iso_text_z(text,
                   json ? " (null or an object with \"some\")" : " (null or a map with \"some\")");
        break;
    case ISO_V_RESULT:
        iso_text_z(text, json ? " (an object with \"ok\" or \"error\")"
                              : " (a map with \"ok\" or \"error\")");
        break;
    case ISO_V_VARIANT:
        put_members(text, json ? " (an object with one of " : " (a map with one of ", type);
        break;
    case ISO_V_FLAGS:
        put_members(text, " (an array of ", type);
        break;
    default:
        break;
    }
}

void iso_expected_text(const struct iso_vtype *type, enum iso_form form, char *out, size_t cap)
{
    struct iso_text text;
    char name[80];

    iso_text_init(&text, out, cap);
    iso_vtype_text(type, name, sizeof name);
    iso_text_z(&text, name);
    switch (type->kind) {
    case ISO_V_BOOL:
        iso_text_z(&text, " (true or false)");
        break;
    case ISO_V_F32:
    case ISO_V_F64:
        iso_text_z(&text, form == ISO_FORM_JSON ? " (a number, \"nan\", \"inf\" or \"-inf\")"
                                                : " (a number)");
        break;
    case ISO_V_CHAR:
        iso_text_z(&text, form == ISO_FORM_VALUE ? " (a Unicode scalar value)"
                                                 : " (a string of one character)");
        break;
    case ISO_V_STRING:
        break;
    case ISO_V_ENUM:
        put_members(&text, " (one of ", type);
        break;
    default:
        if (type->kind < ISO_V_CHAR) {
            put_integer_range(&text, type->kind);
        } else if (form != ISO_FORM_VALUE) {
            put_shape(&text, type, form);
        }
        break;
    }
}

uint32_t iso_member_find(const struct iso_vtype *type, struct iso_str name, uint32_t hint)
{
    uint32_t count = type->member_count;
    for (uint32_t i = 0, at = hint; i < count; i++, at++) {
        if (at >= count) {
            at = 0;
        }
        if (iso_str_equal(type->members[at].name, name)) {
            return at;
        }
    }
    return count;
}
