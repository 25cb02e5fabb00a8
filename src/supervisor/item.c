/* CBOR items as bytes (RFC 8949, sections 3 and 4.2.1). */
#include "supervisor/item.h"

enum { BREAK = 0xff, INDEFINITE = 31 };

struct head {
    enum iso_sv_item_major major;
    bool indefinite;
    uint64_t argument;
    size_t size; /* bytes of the head */
};

static bool read_head(struct iso_bytes bytes, struct head *out)
{
    if (bytes.len == 0) {
        return false;
    }
    uint8_t first = bytes.ptr[0];
    unsigned info = first & 31u;
    *out = (struct head){.major = (enum iso_sv_item_major)(first >> 5), .size = 1};
    if (info < 24) {
        out->argument = info;
        return true;
    }
    if (info == INDEFINITE) {
        out->indefinite = true;
        return out->major >= ISO_SV_ITEM_BYTES && out->major <= ISO_SV_ITEM_MAP;
    }
    if (info > 27) {
        return false;
    }
    size_t width = (size_t)1 << (info - 24);
    if (bytes.len < 1 + width) {
        return false;
    }
    for (size_t i = 0; i < width; i++) {
        out->argument = out->argument << 8 | bytes.ptr[1 + i];
    }
    out->size = 1 + width;
    /* Section 3.3: a simple value below 32 has no second byte. */
    return out->major != ISO_SV_ITEM_SIMPLE || info != 24 || out->argument >= 32;
}

static struct iso_bytes after(struct iso_bytes bytes, size_t len)
{
    return iso_bytes_from(bytes.ptr + len, bytes.len - len);
}

/* ---- Skipping ----------------------------------------------------------------------------------
 */

static enum iso_err skip_string(struct iso_bytes *rest, enum iso_sv_item_major major, uint64_t len)
{
    if (len > rest->len || (major == ISO_SV_ITEM_TEXT && !iso_utf8_valid(rest->ptr, (size_t)len))) {
        return ISO_E_MALFORMED;
    }
    *rest = after(*rest, (size_t)len);
    return ISO_OK;
}

/* Pieces of one string, up to the break. */
static enum iso_err skip_pieces(struct iso_bytes *rest, enum iso_sv_item_major major)
{
    struct head head;
    while (rest->len > 0 && rest->ptr[0] != BREAK) {
        if (!read_head(*rest, &head) || head.major != major || head.indefinite) {
            return ISO_E_MALFORMED;
        }
        *rest = after(*rest, head.size);
        enum iso_err err = skip_string(rest, major, head.argument);
        if (err != ISO_OK) {
            return err;
        }
    }
    if (rest->len == 0) {
        return ISO_E_MALFORMED;
    }
    *rest = after(*rest, 1);
    return ISO_OK;
}

/* What is left of the arrays, maps and tags around. */
struct level {
    uint64_t left;
    bool indefinite;
    bool pairs; /* of an indefinite map: the break may come after a whole pair only */
    bool odd;
};

/* Begin an array, map or tag whose head was read: a count that the input cannot hold is refused. */
static enum iso_err open_level(struct level *level, const struct head *head, size_t rest)
{
    *level = (struct level){.left = head->argument, .indefinite = head->indefinite};
    if (head->major == ISO_SV_ITEM_TAG) {
        level->left = 1;
    } else if (head->major == ISO_SV_ITEM_MAP) {
        level->pairs = true;
        if (head->argument > rest / 2) {
            return ISO_E_MALFORMED;
        }
        level->left = head->argument * 2;
    }
    return level->left > rest ? ISO_E_MALFORMED : ISO_OK;
}

/* Whether the level has another item; takes the break of one of indefinite length. */
static enum iso_err next_in_level(struct level *level, struct iso_bytes *rest, bool *more)
{
    if (!level->indefinite) {
        *more = level->left > 0;
        level->left -= *more ? 1 : 0;
        return ISO_OK;
    }
    if (rest->len == 0) {
        return ISO_E_MALFORMED;
    }
    *more = rest->ptr[0] != BREAK;
    if (!*more) {
        *rest = after(*rest, 1);
        return level->pairs && level->odd ? ISO_E_MALFORMED : ISO_OK;
    }
    level->odd = !level->odd;
    return ISO_OK;
}

enum iso_err iso_sv_item_skip(struct iso_bytes bytes, size_t *len)
{
    struct level levels[ISO_SV_ITEM_DEPTH];
    size_t depth = 0;
    struct iso_bytes rest = bytes;
    do {
        struct head head;
        enum iso_err err = ISO_OK;
        if (!read_head(rest, &head)) {
            return ISO_E_MALFORMED;
        }
        rest = after(rest, head.size);
        if (head.major == ISO_SV_ITEM_BYTES || head.major == ISO_SV_ITEM_TEXT) {
            err = head.indefinite ? skip_pieces(&rest, head.major)
                                  : skip_string(&rest, head.major, head.argument);
        } else if (head.major >= ISO_SV_ITEM_ARRAY && head.major <= ISO_SV_ITEM_TAG) {
            if (depth == ISO_SV_ITEM_DEPTH) {
                return ISO_E_LIMIT;
            }
            err = open_level(&levels[depth++], &head, rest.len);
        }
        for (bool more = false; err == ISO_OK && depth > 0 && !more;) {
            err = next_in_level(&levels[depth - 1], &rest, &more);
            depth -= more ? 0 : 1;
        }
        if (err != ISO_OK) {
            return err;
        }
    } while (depth > 0);
    *len = bytes.len - rest.len;
    return ISO_OK;
}

enum iso_err iso_sv_item_check(struct iso_bytes bytes)
{
    size_t len = 0;
    enum iso_err err = iso_sv_item_skip(bytes, &len);
    return err == ISO_OK && len != bytes.len ? ISO_E_MALFORMED : err;
}

/* ---- Walking -----------------------------------------------------------------------------------
 */

/* Takes the first item; empty when there is none. */
static struct iso_bytes take(struct iso_bytes *rest)
{
    size_t len = 0;
    if (iso_sv_item_skip(*rest, &len) != ISO_OK) {
        *rest = iso_bytes_from(NULL, 0);
        return *rest;
    }
    struct iso_bytes item = iso_bytes_from(rest->ptr, len);
    *rest = after(*rest, len);
    return item;
}

static bool is_text(struct iso_bytes item, struct iso_str name)
{
    struct head head;
    return read_head(item, &head) && head.major == ISO_SV_ITEM_TEXT && !head.indefinite &&
           head.argument == name.len && head.argument <= item.len - head.size &&
           iso_memory_equal(item.ptr + head.size, name.ptr, name.len);
}

bool iso_sv_item_member(struct iso_bytes item, struct iso_str name, struct iso_bytes *out)
{
    struct head head;
    struct iso_bytes rest = item;
    /* Tags say more about an item; none changes what its members are. */
    while (read_head(rest, &head) && head.major == ISO_SV_ITEM_TAG) {
        rest = after(rest, head.size);
    }
    if (!read_head(rest, &head) || head.major != ISO_SV_ITEM_MAP) {
        return false;
    }
    rest = after(rest, head.size);
    for (uint64_t i = 0; head.indefinite || i < head.argument; i++) {
        if (rest.len == 0 || rest.ptr[0] == BREAK) {
            return false;
        }
        struct iso_bytes key = take(&rest);
        struct iso_bytes value = take(&rest);
        if (value.len == 0) {
            return false;
        }
        if (is_text(key, name)) {
            *out = value;
            return true;
        }
    }
    return false;
}

/* ---- Sequences ---------------------------------------------------------------------------------
 */

static bool take_head(struct iso_sv_items *items, enum iso_sv_item_major major, uint64_t max,
                      uint64_t *argument)
{
    struct head head;
    *argument = 0;
    if (items->bad || !read_head(items->rest, &head) || head.major != major || head.indefinite ||
        head.argument > max) {
        items->bad = true;
        return false;
    }
    items->rest = after(items->rest, head.size);
    *argument = head.argument;
    return true;
}

uint64_t iso_sv_items_u64(struct iso_sv_items *items)
{
    uint64_t number;
    (void)take_head(items, ISO_SV_ITEM_UNSIGNED, UINT64_MAX, &number);
    return number;
}

static struct iso_bytes take_string(struct iso_sv_items *items, enum iso_sv_item_major major,
                                    size_t max)
{
    uint64_t len;
    if (!take_head(items, major, max, &len) || len > items->rest.len) {
        items->bad = true;
        return iso_bytes_from(NULL, 0);
    }
    struct iso_bytes out = iso_bytes_from(items->rest.ptr, (size_t)len);
    items->rest = after(items->rest, (size_t)len);
    return out;
}

struct iso_bytes iso_sv_items_bytes(struct iso_sv_items *items, size_t max)
{
    return take_string(items, ISO_SV_ITEM_BYTES, max);
}

struct iso_str iso_sv_items_text(struct iso_sv_items *items, size_t max)
{
    struct iso_bytes bytes = take_string(items, ISO_SV_ITEM_TEXT, max);
    if (!iso_utf8_valid(bytes.ptr, bytes.len)) {
        items->bad = true;
        bytes = iso_bytes_from(NULL, 0);
    }
    return iso_str_from((const char *)bytes.ptr, bytes.len);
}

size_t iso_sv_items_array(struct iso_sv_items *items, size_t max)
{
    uint64_t count;
    (void)take_head(items, ISO_SV_ITEM_ARRAY, max, &count);
    return (size_t)count;
}

uint64_t iso_sv_items_count(struct iso_sv_items *items)
{
    struct head head;
    if (items->bad || !read_head(items->rest, &head) || head.indefinite ||
        head.major < ISO_SV_ITEM_ARRAY || head.major > ISO_SV_ITEM_TAG) {
        items->bad = true;
        return 0;
    }
    items->rest = after(items->rest, head.size);
    return head.argument;
}

bool iso_sv_items_bool(struct iso_sv_items *items)
{
    uint64_t value;
    if (take_head(items, ISO_SV_ITEM_SIMPLE, 21, &value) && value < 20) {
        items->bad = true;
    }
    return !items->bad && value == 21;
}

struct iso_bytes iso_sv_items_any(struct iso_sv_items *items)
{
    size_t len = 0;
    if (items->bad || iso_sv_item_skip(items->rest, &len) != ISO_OK) {
        items->bad = true;
        return iso_bytes_from(NULL, 0);
    }
    struct iso_bytes out = iso_bytes_from(items->rest.ptr, len);
    items->rest = after(items->rest, len);
    return out;
}

/* ---- Writing -----------------------------------------------------------------------------------
 */

size_t iso_sv_item_head_size(uint64_t argument)
{
    if (argument < 24) {
        return 1;
    }
    if (argument <= UINT8_MAX) {
        return 2;
    }
    if (argument <= UINT16_MAX) {
        return 3;
    }
    return argument <= UINT32_MAX ? 5 : 9;
}

enum iso_err iso_sv_item_head(struct iso_buf *out, enum iso_sv_item_major major, uint64_t argument)
{
    uint8_t bytes[9];
    size_t size = iso_sv_item_head_size(argument);
    /* 24, 25, 26 and 27 announce 1, 2, 4 and 8 bytes. */
    unsigned info = size == 1   ? (unsigned)argument
                    : size == 2 ? 24u
                    : size == 3 ? 25u
                    : size == 5 ? 26u
                                : 27u;
    bytes[0] = (uint8_t)((unsigned)major << 5 | info);
    for (size_t i = size - 1; i > 0; i--) {
        bytes[i] = (uint8_t)argument;
        argument >>= 8;
    }
    return iso_buf_append(out, bytes, size);
}

enum iso_err iso_sv_item_u64(struct iso_buf *out, uint64_t number)
{
    return iso_sv_item_head(out, ISO_SV_ITEM_UNSIGNED, number);
}

static enum iso_err write_string(struct iso_buf *out, enum iso_sv_item_major major,
                                 const void *data, size_t len)
{
    enum iso_err err = iso_buf_reserve(out, 9 + len);
    if (err == ISO_OK) {
        err = iso_sv_item_head(out, major, len);
    }
    return err != ISO_OK ? err : iso_buf_append(out, data, len);
}

enum iso_err iso_sv_item_text(struct iso_buf *out, struct iso_str text)
{
    return write_string(out, ISO_SV_ITEM_TEXT, text.ptr, text.len);
}

enum iso_err iso_sv_item_bytes(struct iso_buf *out, struct iso_bytes bytes)
{
    return write_string(out, ISO_SV_ITEM_BYTES, bytes.ptr, bytes.len);
}

enum iso_err iso_sv_item_bool(struct iso_buf *out, bool value)
{
    return iso_sv_item_head(out, ISO_SV_ITEM_SIMPLE, value ? 21 : 20);
}

enum iso_err iso_sv_item_null(struct iso_buf *out)
{
    return iso_sv_item_head(out, ISO_SV_ITEM_SIMPLE, 22);
}
