/*
 * wit_lex.c - the tokens of WIT (WIT.md, "Lexical structure").
 */
#include "interface/wit_syntax.h"

static const char *const keywords[] = {
    "as",       "async",     "bool", "borrow", "char",   "constructor", "enum",    "error-context",
    "export",   "f32",       "f64",  "flags",  "from",   "func",        "future",  "import",
    "include",  "interface", "list", "map",    "option", "own",         "package", "record",
    "resource", "result",    "s16",  "s32",    "s64",    "s8",          "static",  "stream",
    "string",   "tuple",     "type", "u16",    "u32",    "u64",         "u8",      "use",
    "variant",  "with",      "world"};

bool iso_wit_is_keyword(struct iso_str word)
{
    for (size_t i = 0; i < ISO_COUNT_OF(keywords); i++) {
        if (iso_str_equal_z(word, keywords[i])) {
            return true;
        }
    }
    return false;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

/* What may stand in a name, or what people try to have there. */
static bool is_name_byte(uint8_t c)
{
    return is_digit(c) || is_lower(c) || is_upper(c) || c == '-' || c == '_';
}

bool iso_wit_is_name(struct iso_str name)
{
    bool lower = false, upper = false, any = false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = (uint8_t)name.ptr[i];
        if (c == '-') {
            if (!any) {
                return false;
            }
            lower = upper = any = false;
            continue;
        }
        lower = lower || is_lower(c);
        upper = upper || is_upper(c);
        if ((!is_digit(c) && !is_lower(c) && !is_upper(c)) || (lower && upper) ||
            (i == 0 && is_digit(c))) {
            return false;
        }
        any = true;
    }
    return any;
}

/* Words separated by dots, or one number. Returns where it ends. */
static size_t version_part(struct iso_str text, size_t pos, bool numeric, bool *valid)
{
    bool more = true;
    while (more) {
        size_t start = pos;
        while (pos < text.len &&
               (is_digit((uint8_t)text.ptr[pos]) ||
                (!numeric && is_name_byte((uint8_t)text.ptr[pos]) && text.ptr[pos] != '_'))) {
            pos++;
        }
        *valid = *valid && pos > start;
        more = pos + 1 < text.len && text.ptr[pos] == '.' && !numeric &&
               is_name_byte((uint8_t)text.ptr[pos + 1]) && text.ptr[pos + 1] != '_';
        pos += more ? 1 : 0;
    }
    return pos;
}

/* The length of the version that text begins with, or 0. */
static size_t version_size(struct iso_str text)
{
    bool valid = true;
    size_t pos = 0;
    for (int i = 0; i < 3; i++) {
        size_t start = pos;
        pos = version_part(text, pos, true, &valid);
        valid = valid && (text.len > start) && (text.ptr[start] != '0' || pos == start + 1);
        if (!valid || (i < 2 && (pos >= text.len || text.ptr[pos] != '.'))) {
            return 0;
        }
        pos += i < 2 ? 1 : 0;
    }
    if (pos < text.len && text.ptr[pos] == '-') {
        pos = version_part(text, pos + 1, false, &valid);
    }
    if (pos < text.len && text.ptr[pos] == '+') {
        pos = version_part(text, pos + 1, false, &valid);
    }
    return valid ? pos : 0;
}

bool iso_wit_is_version(struct iso_str version)
{
    return version.len != 0 && version_size(version) == version.len &&
           version.len <= ISO_WIT_MAX_NAME;
}

/* Directional overrides, control codes, and characters that Unicode has withdrawn. */
static bool is_forbidden(uint32_t c)
{
    return (c < 0x20 && c != '\n' && c != '\r' && c != '\t') || (c >= 0x7f && c < 0xa0) ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x149 ||
           c == 0x673 || c == 0xf77 || c == 0xf79 || c == 0x17a3 || c == 0x17a4 || c == 0x17b4 ||
           c == 0x17b5;
}

static uint32_t code_point(const uint8_t *text, size_t size)
{
    uint32_t c = size == 1 ? text[0] : text[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        c = c << 6 | (text[i] & 0x3fu);
    }
    return c;
}

enum iso_err iso_wit_check_text(const struct iso_wit_context *context, uint32_t source)
{
    struct iso_bytes text = context->sources[source].text;
    for (size_t i = 0; i < text.len;) {
        struct iso_wit_at at = {.source = source, .offset = (uint32_t)i};
        size_t size = iso_utf8_char_size(text.ptr + i, text.len - i);
        if (size == 0) {
            return iso_wit_fail(context, at, ISO_E_MALFORMED, "not UTF-8: the byte 0x%02x",
                                text.ptr[i]);
        }
        uint32_t c = code_point(text.ptr + i, size);
        if (is_forbidden(c)) {
            return iso_wit_fail(context, at, ISO_E_MALFORMED,
                                "the character U+%04X is not allowed in WIT", (unsigned)c);
        }
        i += size;
    }
    return ISO_OK;
}

static struct iso_str source_text(const struct iso_wit_context *context)
{
    struct iso_bytes text = context->sources[context->source].text;
    return iso_str_from((const char *)text.ptr, text.len);
}

static struct iso_wit_at place(const struct iso_wit_context *context, uint32_t offset)
{
    return (struct iso_wit_at){.source = context->source, .offset = offset};
}

/* From behind the first slash-star to behind the last star-slash. */
static enum iso_err skip_block_comment(struct iso_wit_context *context, struct iso_str text)
{
    uint32_t start = context->pos, pos = start + 2, depth = 1;
    while (depth > 0) {
        if (text.len - pos < 2) {
            return iso_wit_fail(context, place(context, start), ISO_E_MALFORMED,
                                "this comment has no end; expected '*/'");
        }
        if (text.ptr[pos] == '*' && text.ptr[pos + 1] == '/') {
            depth--;
            pos += 2;
        } else if (text.ptr[pos] == '/' && text.ptr[pos + 1] == '*') {
            depth++;
            pos += 2;
        } else {
            pos++;
        }
    }
    context->pos = pos;
    return ISO_OK;
}

static enum iso_err skip_blanks(struct iso_wit_context *context, struct iso_str text)
{
    while (context->pos < text.len) {
        char c = text.ptr[context->pos];
        char after = context->pos + 1 < text.len ? text.ptr[context->pos + 1] : '\0';
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
            context->pos++;
        } else if (c == '/' && after == '/') {
            while (context->pos < text.len && text.ptr[context->pos] != '\n') {
                context->pos++;
            }
        } else if (c == '/' && after == '*') {
            enum iso_err err = skip_block_comment(context, text);
            if (err != ISO_OK) {
                return err;
            }
        } else {
            break;
        }
    }
    return ISO_OK;
}

/* "fooBar_baz" as it should be: "foo-bar-baz". */
static void suggest_name(struct iso_str word, char *out, size_t cap)
{
    size_t len = 0;
    bool was_lower = false;
    for (size_t i = 0; i < word.len && len + 2 < cap; i++) {
        uint8_t c = (uint8_t)word.ptr[i];
        bool hyphen = c == '_' || c == '-';
        if ((hyphen || (is_upper(c) && was_lower)) && len > 0 && out[len - 1] != '-') {
            out[len++] = '-';
        }
        if (!hyphen) {
            out[len++] = is_upper(c) ? (char)(c - 'A' + 'a') : (char)c;
        }
        was_lower = is_lower(c) || is_digit(c);
    }
    while (len > 0 && out[len - 1] == '-') {
        len--;
    }
    out[len] = '\0';
}

static enum iso_err lex_name(struct iso_wit_context *context, struct iso_str text, bool escaped)
{
    struct iso_wit_token *token = &context->token;
    uint32_t start = context->pos, end = start;
    while (end < text.len && is_name_byte((uint8_t)text.ptr[end])) {
        end++;
    }
    struct iso_str word = iso_str_from(text.ptr + start, end - start);
    if (word.len > ISO_WIT_MAX_NAME) {
        return iso_wit_fail(context, token->at, ISO_E_LIMIT,
                            "a name of %zu bytes; at most %u are supported", word.len,
                            ISO_WIT_MAX_NAME);
    }
    context->pos = end;
    token->text = word;
    if (!escaped && iso_str_equal_z(word, "_")) {
        token->kind = '_';
        return ISO_OK;
    }
    if (!iso_wit_is_name(word)) {
        char better[ISO_WIT_MAX_NAME * 2 + 4];
        suggest_name(word, better, sizeof better);
        bool helps = iso_wit_is_name(iso_str_from_z(better));
        return iso_wit_fail(context, token->at, ISO_E_MALFORMED,
                            "'%.*s' is not a name: names are words of lower-case letters and "
                            "digits joined by '-'%s%.60s%s",
                            ISO_WIT_SHOW(word), helps ? ", such as '" : "", helps ? better : "",
                            helps ? "'" : "");
    }
    token->kind = !escaped && iso_wit_is_keyword(word) ? ISO_WIT_TOKEN_KEYWORD : ISO_WIT_TOKEN_ID;
    return ISO_OK;
}

static enum iso_err lex_string(struct iso_wit_context *context, struct iso_str text)
{
    uint32_t end = context->pos + 1;
    while (end < text.len && text.ptr[end] != '"' && text.ptr[end] != '\n') {
        end += text.ptr[end] == '\\' && end + 1 < text.len ? 2 : 1;
    }
    if (end >= text.len || text.ptr[end] != '"') {
        return iso_wit_fail(context, context->token.at, ISO_E_MALFORMED,
                            "this string has no end; expected '\"'");
    }
    context->token.kind = ISO_WIT_TOKEN_STRING;
    context->token.text = iso_str_from(text.ptr + context->pos, end + 1 - context->pos);
    context->pos = end + 1;
    return ISO_OK;
}

static enum iso_err lex_operator(struct iso_wit_context *context, struct iso_str text)
{
    struct iso_wit_token *token = &context->token;
    char c = text.ptr[context->pos];
    if (c == '-' && context->pos + 1 < text.len && text.ptr[context->pos + 1] == '>') {
        token->kind = ISO_WIT_TOKEN_ARROW;
        token->text = iso_str_from(text.ptr + context->pos, 2);
        context->pos += 2;
        return ISO_OK;
    }
    if (memchr("=,:;(){}<>*/.@", c, 14) == NULL) {
        size_t size = iso_utf8_char_size(text.ptr + context->pos, text.len - context->pos);
        return iso_wit_fail(context, token->at, ISO_E_MALFORMED, "'%.*s' has no meaning in WIT",
                            (int)size, text.ptr + context->pos);
    }
    token->kind = c;
    token->text = iso_str_from(text.ptr + context->pos, 1);
    context->pos++;
    return ISO_OK;
}

enum iso_err iso_wit_lex_next(struct iso_wit_context *context)
{
    struct iso_str text = source_text(context);
    struct iso_wit_token *token = &context->token;
    token->blank_from = context->pos;
    enum iso_err err = skip_blanks(context, text);
    if (err != ISO_OK) {
        return err;
    }
    token->at = place(context, context->pos);
    token->text = iso_str_from(NULL, 0);
    if (context->pos >= text.len) {
        token->kind = ISO_WIT_TOKEN_END;
        return ISO_OK;
    }
    uint8_t c = (uint8_t)text.ptr[context->pos];
    if (c == '%') {
        context->pos++;
        return lex_name(context, text, true);
    }
    if (is_lower(c) || is_upper(c) || c == '_') {
        return lex_name(context, text, false);
    }
    if (is_digit(c)) {
        uint32_t end = context->pos;
        while (end < text.len && is_digit((uint8_t)text.ptr[end])) {
            end++;
        }
        token->kind = ISO_WIT_TOKEN_INTEGER;
        token->text = iso_str_from(text.ptr + context->pos, end - context->pos);
        context->pos = end;
        return ISO_OK;
    }
    return c == '"' ? lex_string(context, text) : lex_operator(context, text);
}

enum iso_err iso_wit_lex_begin(struct iso_wit_context *context, uint32_t source)
{
    context->source = source;
    context->pos = 0;
    /* A byte order mark is no part of the text. */
    struct iso_str text = source_text(context);
    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0) {
        context->pos = 3;
    }
    return iso_wit_lex_next(context);
}

enum iso_err iso_wit_lex_version(struct iso_wit_context *context, struct iso_str *out)
{
    struct iso_str text = source_text(context);
    uint32_t start = context->token.at.offset;
    struct iso_str rest = iso_str_from(text.ptr + start, text.len - start);
    size_t size = version_size(rest);
    if (size == 0) {
        return iso_wit_fail(context, context->token.at, ISO_E_MALFORMED,
                            "expected a version of three numbers, such as 1.2.0");
    }
    if (size > ISO_WIT_MAX_NAME) {
        return iso_wit_fail(context, context->token.at, ISO_E_LIMIT,
                            "a version of %zu bytes; at most %u are supported", size,
                            ISO_WIT_MAX_NAME);
    }
    *out = iso_str_from(rest.ptr, size);
    context->pos = start + (uint32_t)size;
    return iso_wit_lex_next(context);
}
