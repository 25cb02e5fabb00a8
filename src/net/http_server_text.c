/* The texts of a request: RFC 3986 (paths), RFC 9110 (fields), RFC 6454 (origins), RFC 6750 (bearer
 * tokens). */
#include "net/http_server_text.h"

#include <arpa/inet.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static char lower_of(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Decodes into `to` (may be the text itself); the length, or -1. */
static ptrdiff_t unescape(const char *text, size_t len, char *to)
{
    size_t out = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < len ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0)) {
                return -1;
            }
            c = (char)(high << 4 | low);
            i += 2;
        }
        to[out++] = c;
    }
    return (ptrdiff_t)out;
}

bool iso_http_text_unescape(char *text, size_t *len)
{
    ptrdiff_t decoded = unescape(text, *len, text);
    if (decoded < 0) {
        return false;
    }
    *len = (size_t)decoded;
    return true;
}

static bool is_dots(struct iso_str segment)
{
    return iso_str_equal_z(segment, ".") || iso_str_equal_z(segment, "..");
}

enum iso_err iso_http_text_segments(struct iso_str path, char *storage, struct iso_str *segments,
                                    size_t *count)
{
    /* A target has no fragment (RFC 9112, section 3.2): who passes the path on would cut it there.
     */
    if (path.len == 0 || path.ptr[0] != '/' || memchr(path.ptr, '#', path.len) != NULL) {
        return ISO_E_MALFORMED;
    }
    size_t found = 0;
    size_t stored = 0;
    size_t start = 1;
    while (start <= path.len) {
        const char *slash = memchr(path.ptr + start, '/', path.len - start);
        size_t end = slash != NULL ? (size_t)(slash - path.ptr) : path.len;
        struct iso_str segment = iso_str_from(path.ptr + start, end - start);
        if (segment.len != 0 && memchr(segment.ptr, '%', segment.len) != NULL) {
            ptrdiff_t decoded = unescape(segment.ptr, segment.len, storage + stored);
            if (decoded < 0) {
                return ISO_E_MALFORMED;
            }
            segment = iso_str_from(storage + stored, (size_t)decoded);
            stored += (size_t)decoded;
        }
        if (is_dots(segment)) {
            return ISO_E_MALFORMED;
        }
        if (found == *count) {
            return ISO_E_LIMIT;
        }
        segments[found++] = segment;
        start = end + 1;
    }
    *count = found;
    return ISO_OK;
}

bool iso_http_text_equal(struct iso_str a, struct iso_str b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower_of(a.ptr[i]) != lower_of(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

bool iso_http_text_equal_z(struct iso_str a, const char *b)
{
    return iso_http_text_equal(a, iso_str_from_z(b));
}

bool iso_http_text_is_token(struct iso_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || (lower_of(c) >= 'a' && lower_of(c) <= 'z');
        if (!alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return text.len != 0;
}

/* The text without blanks at its ends. */
static struct iso_str trim(struct iso_str text)
{
    while (text.len != 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text = iso_str_from(text.ptr + 1, text.len - 1);
    }
    while (text.len != 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

/* Takes the part before `mark` (or all) off the front of *rest. False when nothing is left. */
static bool next_part(struct iso_str *rest, char mark, struct iso_str *part)
{
    if (rest->ptr == NULL) {
        return false;
    }
    const char *at = rest->len != 0 ? memchr(rest->ptr, mark, rest->len) : NULL;
    if (at == NULL) {
        *part = trim(*rest);
        *rest = iso_str_from(NULL, 0);
        return true;
    }
    size_t len = (size_t)(at - rest->ptr);
    *part = trim(iso_str_from(rest->ptr, len));
    *rest = iso_str_from(at + 1, rest->len - len - 1);
    return true;
}

static bool is_port(struct iso_str text)
{
    uint64_t port;
    return text.len == 0 || (text.len <= 5 && iso_http_text_number(text, &port) && port <= 65535);
}

/* An IPv6 address in brackets, and a port. */
static bool host_in_brackets(struct iso_str field, struct iso_http_text_host *out)
{
    const char *end = memchr(field.ptr, ']', field.len);
    size_t len = end != NULL ? (size_t)(end - field.ptr) - 1 : 0;
    if (len == 0 || len >= sizeof out->name || memchr(field.ptr + 1, '\0', len) != NULL) {
        return false;
    }
    memcpy(out->name, field.ptr + 1, len);
    out->name[len] = '\0';
    out->len = len;
    out->is_address = true;
    struct iso_str rest = iso_str_from(end + 1, field.len - len - 2);
    bool rest_fine =
        rest.len == 0 || (rest.ptr[0] == ':' && is_port(iso_str_from(rest.ptr + 1, rest.len - 1)));
    struct in6_addr address;
    return rest_fine && inet_pton(AF_INET6, out->name, &address) == 1;
}

bool iso_http_text_host(struct iso_str field, struct iso_http_text_host *out)
{
    field = trim(field);
    if (field.len == 0) {
        return false;
    }
    if (field.ptr[0] == '[') {
        return host_in_brackets(field, out);
    }
    const char *colon = memchr(field.ptr, ':', field.len);
    size_t len = colon != NULL ? (size_t)(colon - field.ptr) : field.len;
    if (colon != NULL && !is_port(iso_str_from(colon + 1, field.len - len - 1))) {
        return false;
    }
    if (len != 0 && field.ptr[len - 1] == '.') {
        len--;
    }
    if (len == 0 || len >= sizeof out->name) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        char c = lower_of(field.ptr[i]);
        bool empty_label = c == '.' && (i == 0 || i + 1 == len || field.ptr[i - 1] == '.');
        if (empty_label || !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                             c == '.' || c == '_')) {
            return false;
        }
        out->name[i] = c;
    }
    out->name[len] = '\0';
    out->len = len;
    struct in_addr address;
    out->is_address = inet_pton(AF_INET, out->name, &address) == 1;
    return true;
}

bool iso_http_text_is_own_origin(struct iso_str origin, struct iso_str host, bool is_tls)
{
    struct iso_str scheme = iso_str_from_z(is_tls ? "https://" : "http://");
    return origin.len > scheme.len &&
           iso_http_text_equal(iso_str_from(origin.ptr, scheme.len), scheme) &&
           iso_http_text_equal(iso_str_from(origin.ptr + scheme.len, origin.len - scheme.len),
                               trim(host));
}

bool iso_http_text_has_type(struct iso_str field, const char *type)
{
    struct iso_str part;
    return next_part(&field, ';', &part) && iso_http_text_equal_z(part, type);
}

/* "q=0", "q=0.0", "q=0.000". */
static bool is_weight_zero(struct iso_str parameter)
{
    if (parameter.len < 3 || lower_of(parameter.ptr[0]) != 'q' || parameter.ptr[1] != '=') {
        return false;
    }
    for (size_t i = 2; i < parameter.len; i++) {
        if (parameter.ptr[i] != '0' && parameter.ptr[i] != '.') {
            return false;
        }
    }
    return true;
}

bool iso_http_text_accepts(struct iso_str field, const char *type)
{
    struct iso_str range;
    while (next_part(&field, ',', &range)) {
        struct iso_str part;
        if (!next_part(&range, ';', &part) || !iso_http_text_equal_z(part, type)) {
            continue;
        }
        bool refused = false;
        while (next_part(&range, ';', &part)) {
            refused = refused || is_weight_zero(part);
        }
        return !refused;
    }
    return false;
}

static struct iso_str without_weak(struct iso_str tag)
{
    bool weak = tag.len >= 2 && tag.ptr[0] == 'W' && tag.ptr[1] == '/';
    return weak ? iso_str_from(tag.ptr + 2, tag.len - 2) : tag;
}

bool iso_http_text_has_tag(struct iso_str field, struct iso_str tag)
{
    struct iso_str part;
    while (next_part(&field, ',', &part)) {
        if (iso_str_equal_z(part, "*") ||
            (part.len != 0 && iso_str_equal(without_weak(part), without_weak(tag)))) {
            return true;
        }
    }
    return false;
}

bool iso_http_text_bearer(struct iso_str field, struct iso_str *out)
{
    struct iso_str text = trim(field);
    struct iso_str scheme;
    if (!next_part(&text, ' ', &scheme) || !iso_http_text_equal_z(scheme, "bearer")) {
        return false;
    }
    text = trim(text);
    if (text.len == 0 || memchr(text.ptr, ' ', text.len) != NULL) {
        return false;
    }
    *out = text;
    return true;
}

bool iso_http_text_number(struct iso_str field, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < field.len; i++) {
        unsigned digit = (unsigned)(field.ptr[i] - '0');
        if (field.ptr[i] < '0' || field.ptr[i] > '9' || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (field.len == 0) {
        return false;
    }
    *out = value;
    return true;
}
