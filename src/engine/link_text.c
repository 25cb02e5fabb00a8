/* link_text.c - external types and names as text for people; see link_text.h. */
#include "engine/link_text.h"

/* Text in a fixed buffer, of which `end` bytes stay free for what must still follow. */
struct text {
    char *out;
    size_t cap;
    size_t len;
};

static bool has_room(const struct text *text, size_t len, size_t keep)
{
    return text->len + len + keep < text->cap;
}

static void put(struct text *text, const char *part)
{
    size_t len = strlen(part);
    if (has_room(text, len, 0)) {
        memcpy(text->out + text->len, part, len + 1);
        text->len += len;
    }
}

/* ---- Names --------------------------------------------------------------------------------- */

/* Length of the UTF-8 sequence that begins with this byte. Names are valid UTF-8. */
static size_t sequence_len(uint8_t first)
{
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* A name in quotes. It is cut with "..." so that `keep` bytes stay free behind it. */
static void put_name(struct text *text, struct iso_str name, size_t keep)
{
    static const char digits[] = "0123456789abcdef";
    const size_t ending = sizeof "...\"" - 1;
    put(text, "\"");
    for (size_t i = 0; i < name.len;) {
        uint8_t byte = (uint8_t)name.ptr[i];
        size_t len = sequence_len(byte);
        if (len > name.len - i || !has_room(text, 4, ending + keep)) {
            put(text, "...");
            break;
        }
        char piece[5] = {0};
        if (byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\') {
            piece[0] = '\\';
            piece[1] = digits[byte >> 4];
            piece[2] = digits[byte & 15];
        } else {
            memcpy(piece, name.ptr + i, len);
        }
        put(text, piece);
        i += len;
    }
    put(text, "\"");
}

void iso_link_path_text(struct iso_str module, struct iso_str name, char out[ISO_LINK_PATH_BYTES])
{
    struct text text = {.out = out, .cap = ISO_LINK_PATH_BYTES};
    put_name(&text, module, ISO_LINK_PATH_BYTES / 2);
    put(&text, ".");
    put_name(&text, name, 0);
}

/* ---- Types --------------------------------------------------------------------------------- */

static void put_types(struct text *text, const uint8_t *types, uint32_t count, size_t keep)
{
    const size_t ending = sizeof ", ...)" - 1;
    put(text, "(");
    for (uint32_t i = 0; i < count; i++) {
        if (!has_room(text, sizeof ", externref" - 1, ending + keep)) {
            put(text, i > 0 ? ", ..." : "...");
            break;
        }
        put(text, i > 0 ? ", " : "");
        put(text, iso_type_name((enum iso_type)types[i]));
    }
    put(text, ")");
}

static void put_limits(struct text *text, const struct iso_limits *limits, const char *unit)
{
    char part[48];
    (void)iso_format(part, sizeof part, "{min %lu", (unsigned long)limits->min);
    put(text, part);
    if (limits->has_max) {
        (void)iso_format(part, sizeof part, ", max %lu", (unsigned long)limits->max);
        put(text, part);
    }
    put(text, unit);
    put(text, "}");
}

void iso_link_type_text(const struct iso_extern_type *type, char out[ISO_LINK_TYPE_BYTES])
{
    struct text text = {.out = out, .cap = ISO_LINK_TYPE_BYTES};
    put(&text, type->is_mutable ? "mutable " : "");
    put(&text, iso_extern_kind_name(type->kind));
    put(&text, " ");
    switch (type->kind) {
    case ISO_EXTERN_FUNC:
        put_types(&text, type->func->params, type->func->param_count, ISO_LINK_TYPE_BYTES / 3);
        put(&text, " -> ");
        put_types(&text, type->func->results, type->func->result_count, 0);
        break;
    case ISO_EXTERN_TABLE:
        put_limits(&text, &type->limits, " elements");
        put(&text, " of ");
        put(&text, iso_type_name(type->value));
        break;
    case ISO_EXTERN_MEMORY:
        put_limits(&text, &type->limits, " pages");
        break;
    case ISO_EXTERN_GLOBAL:
        put(&text, iso_type_name(type->value));
        break;
    }
}
