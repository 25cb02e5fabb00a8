/* The tokens of JSON (RFC 8259, sections 2, 3, 6 and 7). Nothing beyond the grammar is taken. */
#include "codec/json_read.h"

void iso_json_skip_space(struct iso_decoder *decoder)
{
    while (decoder->at < decoder->end && (*decoder->at == ' ' || *decoder->at == '\n' ||
                                          *decoder->at == '\r' || *decoder->at == '\t')) {
        decoder->at++;
    }
}

bool iso_json_take(struct iso_decoder *decoder, char byte)
{
    iso_json_skip_space(decoder);
    if (iso_json_peek(decoder) != (uint8_t)byte) {
        return false;
    }
    decoder->at++;
    return true;
}

static bool is_word_at(const struct iso_decoder *decoder, const char *word)
{
    size_t len = strlen(word);
    return (size_t)(decoder->end - decoder->at) >= len && memcmp(decoder->at, word, len) == 0;
}

bool iso_json_take_word(struct iso_decoder *decoder, const char *word)
{
    if (!is_word_at(decoder, word)) {
        return false;
    }
    decoder->at += strlen(word);
    return true;
}

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Four hexadecimal digits. */
static bool read_hex4(const uint8_t *at, const uint8_t *end, uint32_t *out)
{
    uint32_t value = 0;
    if (end - at < 4) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) {
            return false;
        }
        value = value << 4 | (uint32_t)digit;
    }
    *out = value;
    return true;
}

/* What follows "\u": one code unit, or two that are a surrogate pair. Returns the bytes it takes, 0
 * when it is no character. */
static size_t read_unicode_escape(const uint8_t *at, const uint8_t *end, uint32_t *out)
{
    uint32_t first = 0, second = 0;
    if (!read_hex4(at, end, &first) || (first >= 0xdc00 && first <= 0xdfff)) {
        return 0;
    }
    if (first < 0xd800 || first > 0xdbff) {
        *out = first;
        return 4;
    }
    if (end - at < 10 || at[4] != '\\' || at[5] != 'u' || !read_hex4(at + 6, end, &second) ||
        second < 0xdc00 || second > 0xdfff) {
        return 0;
    }
    *out = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    return 10;
}

/* The character that "\x" stands for, 0 when it is none of those (no short escape gives 0). */
static char short_escape(uint8_t byte)
{
    static const char escapes[] = "\"\\/bfnrt";
    static const char characters[] = "\"\\/\b\f\n\r\t";
    const char *found = byte != 0 ? strchr(escapes, byte) : NULL;
    return found != NULL ? characters[found - escapes] : '\0';
}

/* Resolves the escapes of a string, which is never longer without them. */
static enum iso_err unescape(struct iso_decoder *decoder, const struct iso_vpath *path,
                             const uint8_t *at, const uint8_t *end, struct iso_str *out)
{
    void *memory = NULL;
    enum iso_err err = iso_decoder_alloc(decoder, (size_t)(end - at), 1, &memory);
    if (err != ISO_OK) {
        return err;
    }
    char *text = memory;
    size_t len = 0;
    while (at < end) {
        uint32_t character = 0;
        if (*at != '\\') {
            text[len++] = (char)*at++;
            continue;
        }
        char simple = short_escape(at[1]); /* a backslash is never the last byte of a string */
        size_t used = 0;
        if (simple != '\0') {
            text[len++] = simple;
            at += 2;
            continue;
        }
        if (at[1] != 'u') {
            return iso_decoder_fail(decoder, ISO_E_MALFORMED, path, at,
                                    "an escape in a string must be one of \\\" \\\\ \\/ \\b \\f "
                                    "\\n \\r \\t \\uXXXX");
        }
        used = read_unicode_escape(at + 2, end, &character);
        if (used == 0) {
            return iso_decoder_fail(decoder, ISO_E_MALFORMED, path, at,
                                    "\\u must be followed by four hexadecimal digits of a "
                                    "character or of a pair of surrogates");
        }
        len += iso_character_encode(character, text + len);
        at += 2 + used;
    }
    *out = iso_str_from(text, len);
    return ISO_OK;
}

/* The closing quote, or the byte that cannot stand in a string, or the end. */
static const uint8_t *string_end(const uint8_t *at, const uint8_t *end, bool *has_escape)
{
    for (; at < end && *at != '"' && *at >= 0x20; at++) {
        if (*at == '\\') {
            *has_escape = true;
            if (++at == end) {
                break;
            }
        }
    }
    return at;
}

enum iso_err iso_json_read_string(struct iso_decoder *decoder, const struct iso_vpath *path,
                                  struct iso_str *out)
{
    const uint8_t *start = decoder->at + 1;
    bool has_escape = false;
    const uint8_t *end = string_end(start, decoder->end, &has_escape);
    if (end == decoder->end) {
        return iso_decoder_fail(decoder, ISO_E_MALFORMED, path, decoder->at,
                                "a string without a closing quote");
    }
    if (*end != '"') {
        return iso_decoder_fail(decoder, ISO_E_MALFORMED, path, end,
                                "a control character in a string must be written \\u%04x",
                                (unsigned)*end);
    }
    if (!iso_utf8_valid(start, (size_t)(end - start))) {
        return iso_decoder_fail(decoder, ISO_E_MALFORMED, path, decoder->at,
                                "a string with bytes that are not UTF-8");
    }
    struct iso_str text = iso_str_from((const char *)start, (size_t)(end - start));
    if (has_escape) {
        enum iso_err err = unescape(decoder, path, start, end, &text);
        if (err != ISO_OK) {
            return err;
        }
    }
    decoder->at = end + 1;
    *out = text;
    return ISO_OK;
}

enum { SHOWN = 32 };

/* "the end", "the character 'x'": where no value begins. */
static void describe_byte(const struct iso_decoder *decoder, struct iso_text *text)
{
    if (decoder->at == decoder->end) {
        iso_text_z(text, "the end");
        return;
    }
    size_t left = (size_t)(decoder->end - decoder->at);
    size_t size = iso_utf8_char_size(decoder->at, left);
    iso_text_z(text, "the character '");
    iso_text_foreign(text, iso_str_from((const char *)decoder->at, size != 0 ? size : 1), 4);
    iso_text_z(text, "'");
}

/* Describes the token at the decoder; false when it is none that begins a value. */
static bool describe(const struct iso_decoder *decoder, struct iso_text *text)
{
    static const char *const words[] = {"true", "false", "null"};
    const char *at = (const char *)decoder->at;
    size_t left = (size_t)(decoder->end - decoder->at);
    struct iso_decimal decimal;
    bool ignored = false;

    switch (iso_json_peek(decoder)) {
    case '{':
        iso_text_z(text, "an object");
        return true;
    case '[':
        iso_text_z(text, "an array");
        return true;
    case '"': {
        const uint8_t *end = string_end(decoder->at + 1, decoder->end, &ignored);
        iso_text_z(text, "\"");
        iso_text_foreign(text, iso_str_from(at + 1, (size_t)(end - decoder->at) - 1), SHOWN);
        iso_text_z(text, "\"");
        return true;
    }
    default:
        break;
    }
    for (size_t i = 0; i < ISO_COUNT_OF(words); i++) {
        if (is_word_at(decoder, words[i])) {
            iso_text_z(text, words[i]);
            return true;
        }
    }
    size_t used = iso_decimal_scan(iso_str_from(at, left), &decimal);
    if (used != 0) {
        iso_text_foreign(text, iso_str_from(at, used), SHOWN);
        return true;
    }
    describe_byte(decoder, text);
    return false;
}

enum iso_err iso_json_expected(const struct iso_decoder *decoder, const struct iso_vpath *path,
                               const char *expected)
{
    char found[64];
    struct iso_text text;
    iso_text_init(&text, found, sizeof found);
    enum iso_err err = describe(decoder, &text) ? ISO_E_ARGUMENT : ISO_E_MALFORMED;
    return iso_decoder_fail(decoder, err, path, decoder->at, "expected %s, found %s", expected,
                            found);
}

enum iso_err iso_json_mismatch(const struct iso_decoder *decoder, const struct iso_vpath *path,
                               const struct iso_vtype *type)
{
    char expected[220];
    iso_expected_text(type, ISO_FORM_JSON, expected, sizeof expected);
    return iso_json_expected(decoder, path, expected);
}

/* Anything else than punctuation that must stand there. */
static enum iso_err expected_punctuation(const struct iso_decoder *decoder,
                                         const struct iso_vpath *path, const char *expected)
{
    char found[64];
    struct iso_text text;
    iso_text_init(&text, found, sizeof found);
    describe_byte(decoder, &text);
    return iso_decoder_fail(decoder, ISO_E_MALFORMED, path, decoder->at, "expected %s, found %s",
                            expected, found);
}

enum iso_err iso_json_read_separator(struct iso_decoder *decoder, const struct iso_vpath *path,
                                     char closing, bool *more)
{
    if (iso_json_take(decoder, ',')) {
        *more = true;
        return ISO_OK;
    }
    if (iso_json_take(decoder, closing)) {
        *more = false;
        return ISO_OK;
    }
    return expected_punctuation(decoder, path, closing == ']' ? "',' or ']'" : "',' or '}'");
}

enum iso_err iso_json_read_key(struct iso_decoder *decoder, const struct iso_vpath *path,
                               struct iso_str *out)
{
    iso_json_skip_space(decoder);
    if (iso_json_peek(decoder) != '"') {
        return expected_punctuation(decoder, path, "a name in double quotes");
    }
    enum iso_err err = iso_json_read_string(decoder, path, out);
    if (err == ISO_OK && !iso_json_take(decoder, ':')) {
        err = expected_punctuation(decoder, path, "':'");
    }
    return err;
}
