/* Fuzz target `http_text`: any bytes as the texts of a request: what is taken apart stays within
 * the input, is free of what must not be in it, and says the same twice. */
#include "harness.h"
#include "target.h"

#include "net/http_server_text.h"

#include <stdlib.h>

static void check_segments(struct iso_str text)
{
    struct iso_str segments[32];
    size_t count = 32;
    char *storage = malloc(text.len + 1);
    if (storage == NULL) {
        return;
    }
    if (iso_http_text_segments(text, storage, segments, &count) == ISO_OK) {
        size_t total = 0;
        for (size_t i = 0; i < count; i++) {
            total += segments[i].len;
            if (segments[i].len != 0 && memchr(segments[i].ptr, '\0', segments[i].len) != NULL &&
                memchr(text.ptr, '\0', text.len) == NULL) {
                fuzz_fail("a zero byte came from an escape");
            }
            if (iso_str_equal_z(segments[i], "..") || iso_str_equal_z(segments[i], ".")) {
                fuzz_fail("a segment of dots");
            }
        }
        if (count == 0 || count > 32 || total + count > text.len) {
            fuzz_fail("%zu segments of %zu bytes in %zu", count, total, text.len);
        }
    }
    free(storage);
}

static void check_unescape(struct iso_str text)
{
    char *copy = malloc(text.len + 1);
    if (copy == NULL) {
        return;
    }
    iso_memory_copy(copy, text.ptr, text.len);
    size_t len = text.len;
    if (iso_http_text_unescape(copy, &len) && len > text.len) {
        fuzz_fail("decoded text is longer");
    }
    free(copy);
}

static void check_host(struct iso_str text)
{
    struct iso_http_text_host host;
    struct iso_http_text_host again;
    if (!iso_http_text_host(text, &host)) {
        return;
    }
    if (host.len == 0 || host.len >= sizeof host.name || strlen(host.name) != host.len) {
        fuzz_fail("a host of %zu characters", host.len);
    }
    /* A name without port is itself; an IPv6 address has lost its brackets. */
    if (strchr(host.name, ':') == NULL &&
        (!iso_http_text_host(iso_str_from(host.name, host.len), &again) ||
         strcmp(again.name, host.name) != 0)) {
        fuzz_fail("host '%s' is not the same again", host.name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct iso_str text = iso_str_from((const char *)data, len);
    size_t half = len / 2;
    struct iso_str first = iso_str_from(text.ptr, half);
    struct iso_str second = iso_str_from(text.ptr + half, len - half);
    struct iso_str token;
    uint64_t number;
    check_segments(text);
    check_unescape(text);
    check_host(text);
    (void)iso_http_text_is_token(text);
    (void)iso_http_text_is_own_origin(first, second, (len & 1) != 0);
    (void)iso_http_text_has_type(text, "application/json");
    (void)iso_http_text_accepts(text, "application/cbor");
    (void)iso_http_text_has_tag(first, second);
    if (iso_http_text_bearer(text, &token) &&
        (token.len == 0 || token.ptr < text.ptr || token.ptr + token.len > text.ptr + text.len)) {
        fuzz_fail("a token outside of its field");
    }
    if (iso_http_text_number(text, &number) && len > 1 && data[0] != '0' && number == 0) {
        fuzz_fail("a number became 0");
    }
    return 0;
}
