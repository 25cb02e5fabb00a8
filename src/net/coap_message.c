/* Options of CoAP messages: RFC 7252, section 5.10; RFC 7641; RFC 7959. */
#include "net/coap_message.h"

static bool read_uint(struct iso_bytes value, size_t max_bytes, uint64_t *out)
{
    if (value.len > max_bytes) {
        return false;
    }
    uint64_t number = 0;
    for (size_t i = 0; i < value.len; i++) {
        number = number << 8 | value.ptr[i];
    }
    *out = number;
    return true;
}

static enum iso_err refuse(uint8_t *code, uint8_t with, struct iso_report *report, const char *text)
{
    *code = with;
    return iso_fail(report, ISO_E_INVALID, "%s", text);
}

/* An option of text goes into an array. */
static enum iso_err take_text(struct iso_str *array, size_t *count, size_t max,
                              struct iso_bytes value, uint8_t *code, struct iso_report *report)
{
    if (*count == max) {
        return refuse(code, ISO_COAP_CODE(4, 0), report, "too many path segments or queries");
    }
    if (value.len > ISO_COAP_OPTION_TEXT_MAX) {
        return refuse(code, ISO_COAP_CODE(4, 2), report, "a path segment or query is too long");
    }
    array[(*count)++] = iso_str_from((const char *)value.ptr, value.len);
    return ISO_OK;
}

/* Options whose value is a number, or has a form of its own. */
static enum iso_err take_value(struct iso_coap_parsed *out, uint16_t option, struct iso_bytes value)
{
    uint64_t number = 0;
    bool good = true;
    switch (option) {
    case COAP_OPTION_CONTENT_FORMAT:
        good = read_uint(value, 2, &number);
        out->head.format = (int32_t)number;
        break;
    case COAP_OPTION_ACCEPT:
        good = read_uint(value, 2, &number);
        out->head.accept = (int32_t)number;
        break;
    case COAP_OPTION_OBSERVE:
        good = read_uint(value, 3, &number);
        out->observe = (int64_t)number;
        break;
    case COAP_OPTION_SIZE1:
        good = read_uint(value, 4, &out->size1);
        break;
    case COAP_OPTION_BLOCK1:
        out->has_block1 = true;
        good = iso_coap_block_decode(value, &out->block1) == ISO_OK;
        break;
    case COAP_OPTION_BLOCK2:
        out->has_block2 = true;
        good = iso_coap_block_decode(value, &out->block2) == ISO_OK;
        break;
    case ISO_COAP_OPTION_ISO_CHUNK:
    case ISO_COAP_OPTION_ISO_FETCH:
        good =
            !out->has_chunk && !out->has_fetch && iso_coap_part_decode(value, &out->part) == ISO_OK;
        out->has_chunk = option == ISO_COAP_OPTION_ISO_CHUNK;
        out->has_fetch = option == ISO_COAP_OPTION_ISO_FETCH;
        break;
    case ISO_COAP_OPTION_ISO_LARGE:
        good = !out->has_large && iso_coap_large_decode(value, &out->large) == ISO_OK;
        out->has_large = true;
        break;
    default:
        break; /* Those that matter and are not known are refused by libcoap. */
    }
    return good ? ISO_OK : ISO_E_MALFORMED;
}

enum iso_err iso_coap_parse(const coap_pdu_t *pdu, struct iso_coap_parsed *out, uint8_t *code,
                            struct iso_report *report)
{
    out->head = (struct iso_coap_head){.method = (uint8_t)coap_pdu_get_code(pdu),
                                       .format = ISO_COAP_FORMAT_NONE,
                                       .accept = ISO_COAP_FORMAT_NONE,
                                       .path = out->path,
                                       .queries = out->queries};
    out->observe = -1;
    out->has_block1 = out->has_block2 = out->has_chunk = out->has_fetch = out->has_large = false;
    out->size1 = 0;
    coap_opt_iterator_t iterator;
    coap_opt_t *option;
    coap_option_iterator_init(pdu, &iterator, COAP_OPT_ALL);
    while ((option = coap_option_next(&iterator)) != NULL) {
        struct iso_bytes value =
            iso_bytes_from(coap_opt_value(option), (size_t)coap_opt_length(option));
        enum iso_err err = ISO_OK;
        if (iterator.number == COAP_OPTION_URI_PATH) {
            err = take_text(out->path, &out->head.path_count, ISO_COAP_SEGMENTS_MAX, value, code,
                            report);
        } else if (iterator.number == COAP_OPTION_URI_QUERY) {
            err = take_text(out->queries, &out->head.query_count, ISO_COAP_QUERIES_MAX, value, code,
                            report);
        } else if (take_value(out, iterator.number, value) != ISO_OK) {
            *code = ISO_COAP_CODE(4, 2);
            err = iso_fail(report, ISO_E_INVALID, "option %u has a value that it cannot have",
                           (unsigned)iterator.number);
        }
        if (err != ISO_OK) {
            return err;
        }
    }
    size_t len =
        iso_coap_path_text(out->path, out->head.path_count, out->path_text, sizeof(out->path_text));
    if (len == 0) {
        return refuse(code, ISO_COAP_CODE(4, 0), report, "the path is too long");
    }
    out->head.path_text = iso_str_from(out->path_text, len);
    const uint8_t *data = NULL;
    size_t size = 0;
    if (!coap_get_data(pdu, &size, &data)) {
        size = 0;
    }
    out->payload = iso_bytes_from(data, size);
    return ISO_OK;
}

struct iso_coap_head *iso_coap_head_copy(const struct iso_alloc *alloc,
                                         const struct iso_coap_head *head)
{
    size_t strings = head->path_count + head->query_count;
    size_t size = sizeof(*head) + strings * sizeof(struct iso_str) + head->path_text.len;
    for (size_t i = 0; i < head->path_count; i++) {
        size += head->path[i].len;
    }
    for (size_t i = 0; i < head->query_count; i++) {
        size += head->queries[i].len;
    }
    struct iso_coap_head *copy = iso_alloc_new(alloc, size);
    if (copy == NULL) {
        return NULL;
    }
    struct iso_str *array = (struct iso_str *)(copy + 1);
    char *text = (char *)(array + strings);
    *copy = *head;
    copy->path = array;
    copy->queries = array + head->path_count;
    copy->block_size = size;
    for (size_t i = 0; i < strings; i++) {
        struct iso_str from =
            i < head->path_count ? head->path[i] : head->queries[i - head->path_count];
        iso_memory_copy(text, from.ptr, from.len);
        array[i] = iso_str_from(text, from.len);
        text += from.len;
    }
    iso_memory_copy(text, head->path_text.ptr, head->path_text.len);
    copy->path_text = iso_str_from(text, head->path_text.len);
    return copy;
}

void iso_coap_head_free(const struct iso_alloc *alloc, struct iso_coap_head *head)
{
    if (head != NULL) {
        iso_alloc_free(alloc, head, head->block_size);
    }
}

static bool stays_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~!$&'()*+,;=:@", c) != NULL);
}

size_t iso_coap_path_text(const struct iso_str *path, size_t count, char *out, size_t cap)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    for (size_t i = 0; i < count || i == 0; i++) {
        if (len == cap) {
            return 0;
        }
        out[len++] = '/';
        for (size_t j = 0; i < count && j < path[i].len; j++) {
            char c = path[i].ptr[j];
            if (cap - len < 3) {
                return 0;
            }
            if (stays_plain(c)) {
                out[len++] = c;
            } else {
                out[len++] = '%';
                out[len++] = digits[(unsigned char)c >> 4];
                out[len++] = digits[(unsigned char)c & 15];
            }
        }
    }
    return len;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum iso_err iso_coap_path_split(struct iso_str text, char *buffer,
                                 struct iso_str out[ISO_COAP_SEGMENTS_MAX], size_t *out_count)
{
    size_t at = text.len > 0 && text.ptr[0] == '/' ? 1 : 0;
    size_t count = 0;
    size_t used = 0;
    bool more = at < text.len;
    while (more) {
        if (count == ISO_COAP_SEGMENTS_MAX) {
            return ISO_E_ARGUMENT;
        }
        size_t from = used;
        while (at < text.len && text.ptr[at] != '/') {
            char c = text.ptr[at++];
            if (c == '%') {
                int high = at + 1 < text.len ? hex_digit(text.ptr[at]) : -1;
                int low = at + 1 < text.len ? hex_digit(text.ptr[at + 1]) : -1;
                if (high < 0 || low < 0) {
                    return ISO_E_ARGUMENT;
                }
                c = (char)(high * 16 + low);
                at += 2;
            }
            buffer[used++] = c;
        }
        if (used - from > ISO_COAP_OPTION_TEXT_MAX) {
            return ISO_E_ARGUMENT;
        }
        out[count++] = iso_str_from(buffer + from, used - from);
        more = at < text.len;
        at++;
    }
    *out_count = count;
    return ISO_OK;
}

struct iso_coap_reply iso_coap_reply_of(uint8_t code)
{
    return (struct iso_coap_reply){.code = code, .format = ISO_COAP_FORMAT_NONE, .observe = -1};
}

bool iso_coap_add_uint(coap_pdu_t *pdu, uint16_t number, uint64_t value)
{
    uint8_t bytes[8];
    size_t len = 0;
    while (len < 8 && value >> (8 * len) != 0) {
        len++;
    }
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
    }
    return coap_add_option(pdu, number, len, bytes) != 0;
}

bool iso_coap_reply_write(coap_pdu_t *pdu, const struct iso_coap_reply *reply)
{
    uint8_t bytes[ISO_COAP_LARGE_MAX];
    coap_pdu_set_code(pdu, (coap_pdu_code_t)reply->code);
    bool good = true;
    if (reply->has_etag) {
        good = good && coap_add_option(pdu, COAP_OPTION_ETAG, 8, reply->etag) != 0;
    }
    if (reply->observe >= 0) {
        good = good && iso_coap_add_uint(pdu, COAP_OPTION_OBSERVE, (uint64_t)reply->observe);
    }
    if (reply->format >= 0) {
        good = good && iso_coap_add_uint(pdu, COAP_OPTION_CONTENT_FORMAT, (uint64_t)reply->format);
    }
    if (reply->max_age_s != 0) {
        good = good && iso_coap_add_uint(pdu, COAP_OPTION_MAXAGE, reply->max_age_s);
    }
    if (reply->has_block2) {
        size_t len = iso_coap_block_encode(&reply->block2, bytes);
        good = good && coap_add_option(pdu, COAP_OPTION_BLOCK2, len, bytes) != 0;
    }
    if (reply->has_block1) {
        size_t len = iso_coap_block_encode(&reply->block1, bytes);
        good = good && coap_add_option(pdu, COAP_OPTION_BLOCK1, len, bytes) != 0;
    }
    if (reply->size2 != 0) {
        good = good && iso_coap_add_uint(pdu, COAP_OPTION_SIZE2, reply->size2);
    }
    if (reply->size1 != 0) {
        good = good && iso_coap_add_uint(pdu, COAP_OPTION_SIZE1, reply->size1);
    }
    if (reply->has_large) {
        size_t len = iso_coap_large_encode(&reply->large, bytes);
        good = good && coap_add_option(pdu, ISO_COAP_OPTION_ISO_LARGE, len, bytes) != 0;
    }
    return good && coap_add_data(pdu, reply->payload.len, reply->payload.ptr) != 0;
}
