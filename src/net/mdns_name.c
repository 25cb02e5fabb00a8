/* Domain names (RFC 1035, section 3.1), and the names that follow a conflict (RFC 6762, section 9).
 */
#include "net/mdns_name.h"

bool iso_mdns_name_parse(const char *text, struct iso_mdns_name *out)
{
    struct iso_mdns_name name = {.len = 0};
    size_t at = 0;

    for (;;) {
        size_t len = strcspn(text, ".");
        if (len == 0 || len > ISO_MDNS_LABEL_MAX || at + 1 + len + 1 > ISO_MDNS_NAME_MAX) {
            return false;
        }
        name.bytes[at] = (uint8_t)len;
        memcpy(name.bytes + at + 1, text, len);
        at += 1 + len;
        if (text[len] == '\0') {
            break;
        }
        text += len + 1;
    }
    name.bytes[at] = 0;
    name.len = (uint8_t)(at + 1);
    *out = name;
    return true;
}

bool iso_mdns_name_prepend(struct iso_str label, const struct iso_mdns_name *rest,
                           struct iso_mdns_name *out)
{
    if (label.len == 0 || label.len > ISO_MDNS_LABEL_MAX ||
        1 + label.len + rest->len > ISO_MDNS_NAME_MAX) {
        return false;
    }
    uint8_t rest_len = rest->len;
    memmove(out->bytes + 1 + label.len, rest->bytes, rest_len);
    out->bytes[0] = (uint8_t)label.len;
    memcpy(out->bytes + 1, label.ptr, label.len);
    out->len = (uint8_t)(1 + label.len + rest_len);
    return true;
}

/* Length bytes are below 64 and thus no letters. */
static uint8_t fold(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

static bool equal_bytes(const uint8_t *a, const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (fold(a[i]) != fold(b[i])) {
            return false;
        }
    }
    return true;
}

bool iso_mdns_name_equal(const struct iso_mdns_name *a, const struct iso_mdns_name *b)
{
    return a->len == b->len && equal_bytes(a->bytes, b->bytes, a->len);
}

uint32_t iso_mdns_name_hash(const struct iso_mdns_name *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < name->len; i++) {
        hash = (hash ^ fold(name->bytes[i])) * 16777619u;
    }
    return hash;
}

struct iso_str iso_mdns_name_label(const struct iso_mdns_name *name)
{
    return iso_str_from((const char *)name->bytes + 1, name->len == 0 ? 0 : name->bytes[0]);
}

bool iso_mdns_name_is_child(const struct iso_mdns_name *name, const struct iso_mdns_name *parent)
{
    size_t skip = 1u + name->bytes[0];

    return name->len > 1 && parent->len > 0 && name->len == skip + parent->len &&
           equal_bytes(name->bytes + skip, parent->bytes, parent->len);
}

bool iso_mdns_name_is_local(const struct iso_mdns_name *name)
{
    static const uint8_t local[] = {5, 'l', 'o', 'c', 'a', 'l', 0};

    size_t at = 0;
    while (at < name->len && name->len - at > sizeof local) {
        at += 1u + name->bytes[at];
    }
    return name->len - at == sizeof local && equal_bytes(name->bytes + at, local, sizeof local);
}

void iso_mdns_name_text(const struct iso_mdns_name *name, char out[ISO_MDNS_NAME_TEXT_MAX])
{
    size_t to = 0;

    for (size_t at = 0; at < name->len && name->bytes[at] != 0;) {
        size_t end = at + 1 + name->bytes[at];
        if (at != 0) {
            out[to++] = '.';
        }
        for (at++; at < end; at++) {
            uint8_t byte = name->bytes[at];
            if (byte < 0x20 || byte == 0x7f) {
                /* At most 255 bytes, each of at most four: there is room. */
                out[to++] = '\\';
                out[to++] = (char)('0' + byte / 100);
                out[to++] = (char)('0' + byte / 10 % 10);
                out[to++] = (char)('0' + byte % 10);
                continue;
            }
            if (byte == '.' || byte == '\\') {
                out[to++] = '\\';
            }
            out[to++] = (char)byte;
        }
    }
    out[to] = '\0';
}

/* The number at the end of `text` in the given style, and where it begins; 0 when there is none.
 * At most five digits: longer ones are part of the name. */
static uint32_t trailing_number(struct iso_str text, enum iso_mdns_label_style style, size_t *begin)
{
    size_t end = text.len;

    if (style == ISO_MDNS_LABEL_INSTANCE) {
        if (end == 0 || text.ptr[end - 1] != ')') {
            return 0;
        }
        end--;
    }
    size_t at = end;
    while (at > 0 && text.ptr[at - 1] >= '0' && text.ptr[at - 1] <= '9') {
        at--;
    }
    size_t mark = style == ISO_MDNS_LABEL_INSTANCE ? 2 : 1;
    if (at == end || end - at > 5 || text.ptr[at] == '0' || at <= mark ||
        memcmp(text.ptr + at - mark, style == ISO_MDNS_LABEL_INSTANCE ? " (" : "-", mark) != 0) {
        return 0;
    }
    uint32_t number = 0;
    for (size_t i = at; i < end; i++) {
        number = number * 10 + (uint32_t)(text.ptr[i] - '0');
    }
    *begin = at - mark;
    return number;
}

void iso_mdns_label_init(struct iso_mdns_label *label, struct iso_str text,
                         enum iso_mdns_label_style style)
{
    size_t len = text.len;
    uint32_t number = trailing_number(text, style, &len);

    if (number < 2) {
        number = 1;
        len = text.len;
    }
    *label = (struct iso_mdns_label){.len = (uint8_t)len, .number = number};
    memcpy(label->base, text.ptr, len);
}

size_t iso_mdns_label_text(const struct iso_mdns_label *label, enum iso_mdns_label_style style,
                           char out[ISO_MDNS_LABEL_MAX + 1])
{
    char suffix[16] = "";
    size_t suffix_len = 0;

    if (label->number > 1) {
        suffix_len =
            iso_format(suffix, sizeof suffix, style == ISO_MDNS_LABEL_INSTANCE ? " (%u)" : "-%u",
                       (unsigned)label->number);
    }
    size_t len = label->len;
    while (len + suffix_len > ISO_MDNS_LABEL_MAX ||
           (len < label->len && ((uint8_t)label->base[len] & 0xc0u) == 0x80u)) {
        len--;
    }
    memcpy(out, label->base, len);
    memcpy(out + len, suffix, suffix_len);
    out[len + suffix_len] = '\0';
    return len + suffix_len;
}
