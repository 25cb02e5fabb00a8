/* The items of CBOR (RFC 8949, section 3): heads, strings in one or several pieces, counts. */
#include "codec/cbor_read.h"

#include "codec/number.h"

static enum iso_err ends_early(const struct iso_decoder *decoder, const struct iso_vpath *path)
{
    return iso_decoder_fail(decoder, ISO_E_MALFORMED, path, decoder->end,
                            "the input ends in the middle");
}

static size_t left(const struct iso_decoder *decoder)
{
    return (size_t)(decoder->end - decoder->at);
}

enum iso_err iso_cbor_read_head(struct iso_decoder *decoder, const struct iso_vpath *path,
                                struct iso_cbor_head *out)
{
    if (left(decoder) == 0) {
        return ends_early(decoder, path);
    }
    const uint8_t *at = decoder->at;
    struct iso_cbor_head head = {
        .major = (enum iso_cbor_major)(*at >> 5), .first = *at, .start = at};
    unsigned info = *at++ & 31;
    if (info < 24) {
        head.argument = info;
    } else if (info < 28) {
        size_t size = (size_t)1 << (info - 24);
        if (left(decoder) - 1 < size) {
            return ends_early(decoder, path);
        }
        for (size_t i = 0; i < size; i++) {
            head.argument = head.argument << 8 | *at++;
        }
    } else if (info == 31 && head.major >= ISO_CBOR_BYTES && head.major <= ISO_CBOR_MAP) {
        head.indefinite = true;
    } else {
        return iso_decoder_fail(decoder, ISO_E_MALFORMED, path, decoder->at,
                                head.first == ISO_CBOR_BREAK
                                    ? "expected a value, found the break that ends a sequence"
                                    : "the byte 0x%02x does not begin a CBOR item",
                                (unsigned)head.first);
    }
    if (head.first == 0xf8 && head.argument < 32) {
        return iso_decoder_fail(decoder, ISO_E_MALFORMED, path, decoder->at,
                                "a simple value below 32 must not take two bytes");
    }
    decoder->at = at;
    *out = head;
    return ISO_OK;
}

/* One definite piece. */
static enum iso_err read_piece(struct iso_decoder *decoder, const struct iso_vpath *path,
                               const struct iso_cbor_head *head, struct iso_bytes *out)
{
    if (head->argument > left(decoder)) {
        return ends_early(decoder, path);
    }
    size_t len = (size_t)head->argument;
    if (head->major == ISO_CBOR_TEXT && !iso_utf8_valid(decoder->at, len)) {
        return iso_decoder_fail(decoder, ISO_E_MALFORMED, path, head->start,
                                "a text string with bytes that are not UTF-8");
    }
    *out = iso_bytes_from(decoder->at, len);
    decoder->at += len;
    return ISO_OK;
}

enum iso_err iso_cbor_read_bytes(struct iso_decoder *decoder, const struct iso_vpath *path,
                                 const struct iso_cbor_head *head, struct iso_bytes *out)
{
    if (!head->indefinite) {
        return read_piece(decoder, path, head, out);
    }
    size_t mark = decoder->scratch.len;
    struct iso_cbor_items pieces = {.indefinite = true};
    while (iso_cbor_next(decoder, &pieces)) {
        struct iso_cbor_head piece;
        struct iso_bytes bytes = {.len = 0};
        enum iso_err err = iso_cbor_read_head(decoder, path, &piece);
        if (err != ISO_OK) {
            return err;
        }
        if (piece.major != head->major || piece.indefinite) {
            return iso_decoder_fail(decoder, ISO_E_MALFORMED, path, piece.start,
                                    "a string in pieces must have pieces of its own kind, each of "
                                    "definite length");
        }
        err = read_piece(decoder, path, &piece, &bytes);
        if (err == ISO_OK) {
            err = iso_decoder_push(decoder, bytes.ptr, bytes.len);
        }
        if (err != ISO_OK) {
            return err;
        }
    }
    return iso_decoder_pop(decoder, mark, out);
}

enum iso_err iso_cbor_begin(struct iso_decoder *decoder, const struct iso_vpath *path,
                            const struct iso_cbor_head *head, struct iso_cbor_items *out)
{
    size_t possible = head->major == ISO_CBOR_MAP ? left(decoder) / 2 : left(decoder);
    if (!head->indefinite && head->argument > possible) {
        return ends_early(decoder, path);
    }
    *out = (struct iso_cbor_items){.left = head->argument, .indefinite = head->indefinite};
    return ISO_OK;
}

bool iso_cbor_next(struct iso_decoder *decoder, struct iso_cbor_items *items)
{
    if (!items->indefinite) {
        return items->left != 0 && items->left-- != 0;
    }
    if (left(decoder) != 0 && *decoder->at == ISO_CBOR_BREAK) {
        decoder->at++;
        return false;
    }
    return true; /* at the end of the input: then reading the next one fails */
}

bool iso_cbor_float(const struct iso_cbor_head *head, double *out)
{
    uint32_t single_bits = (uint32_t)head->argument;
    float single;
    switch (head->first) {
    case ISO_CBOR_HALF:
        *out = iso_cbor_from_half((uint16_t)head->argument);
        return true;
    case ISO_CBOR_SINGLE:
        memcpy(&single, &single_bits, sizeof single);
        *out = (double)single;
        return true;
    case ISO_CBOR_DOUBLE:
        memcpy(out, &head->argument, sizeof *out);
        return true;
    default:
        return false;
    }
}

static void describe_simple(struct iso_text *text, const struct iso_cbor_head *head)
{
    double number = 0;
    char digits[ISO_FLOAT_TEXT];
    if (iso_cbor_float(head, &number)) {
        (void)iso_format_f64(digits, number);
        iso_text_z(text, digits);
    } else if (head->argument >= 20 && head->argument <= 23) {
        static const char *const words[] = {"false", "true", "null", "undefined"};
        iso_text_z(text, words[head->argument - 20]);
    } else {
        iso_text_z(text, "simple value ");
        iso_text_u64(text, head->argument);
    }
}

enum { SHOWN = 32 };

/* The decoder stands behind the head. */
static void describe(const struct iso_decoder *decoder, struct iso_text *text,
                     const struct iso_cbor_head *head)
{
    size_t room = left(decoder);
    switch (head->major) {
    case ISO_CBOR_UNSIGNED:
        iso_text_u64(text, head->argument);
        break;
    case ISO_CBOR_NEGATIVE:
        if (head->argument == UINT64_MAX) {
            iso_text_z(text, "-18446744073709551616");
            break;
        }
        iso_text_z(text, "-");
        iso_text_u64(text, head->argument + 1);
        break;
    case ISO_CBOR_BYTES:
        iso_text_z(text, "a byte string");
        break;
    case ISO_CBOR_TEXT:
        if (head->indefinite) {
            iso_text_z(text, "a text string");
            break;
        }
        room = head->argument < room ? (size_t)head->argument : room;
        iso_text_z(text, "\"");
        iso_text_foreign(text, iso_str_from((const char *)decoder->at, room), SHOWN);
        iso_text_z(text, "\"");
        break;
    case ISO_CBOR_ARRAY:
        iso_text_z(text, "an array");
        break;
    case ISO_CBOR_MAP:
        iso_text_z(text, "a map");
        break;
    case ISO_CBOR_TAG:
        iso_text_z(text, "tag ");
        iso_text_u64(text, head->argument);
        break;
    default:
        describe_simple(text, head);
        break;
    }
}

enum iso_err iso_cbor_expected(const struct iso_decoder *decoder, const struct iso_vpath *path,
                               const char *expected, const struct iso_cbor_head *head)
{
    char found[64];
    struct iso_text text;
    iso_text_init(&text, found, sizeof found);
    describe(decoder, &text, head);
    return iso_decoder_fail(decoder, ISO_E_ARGUMENT, path, head->start, "expected %s, found %s",
                            expected, found);
}

enum iso_err iso_cbor_mismatch(const struct iso_decoder *decoder, const struct iso_vpath *path,
                               const struct iso_vtype *type, const struct iso_cbor_head *head)
{
    char expected[220];
    iso_expected_text(type, ISO_FORM_CBOR, expected, sizeof expected);
    return iso_cbor_expected(decoder, path, expected, head);
}
