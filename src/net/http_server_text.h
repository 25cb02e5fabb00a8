/* http_server_text.h - the texts of a request, without a socket: escapes and segments of a path
 * (RFC 3986, sections 2.1 and 3.3), Host, Origin, media types, lists of tags. All views borrow. */
#ifndef ISO_NET_HTTP_SERVER_TEXT_H
#define ISO_NET_HTTP_SERVER_TEXT_H

#include "base/base.h"

/* Decodes escapes in place. False when one is malformed or stands for a zero byte; the text is then
 * partly decoded. *len: the length, before and after. */
bool iso_http_text_unescape(char *text, size_t *len);

/*
 * Splits a path ("/a/b%20c") into segments, which are views of `path`, or of *storage (room for
 * path.len bytes) where there are escapes. *count: room in segments, then how many there are.
 * Errors: MALFORMED (no leading slash, a bad escape, a segment that is "." or ".." once decoded),
 * LIMIT (more segments than there is room for).
 */
ISO_MUST_CHECK enum iso_err iso_http_text_segments(struct iso_str path, char *storage,
                                                   struct iso_str *segments, size_t *count);

/* Equal in any case (ASCII). */
bool iso_http_text_equal(struct iso_str a, struct iso_str b);
bool iso_http_text_equal_z(struct iso_str a, const char *b);

/* Characters of a token (RFC 9110, section 5.6.2), at least one. */
bool iso_http_text_is_token(struct iso_str text);

/* The longest host name, with room for the zero byte. */
#define ISO_HTTP_TEXT_HOST_SIZE 256u

/* What a Host field names. */
struct iso_http_text_host {
    char name[ISO_HTTP_TEXT_HOST_SIZE]; /* lower case, without brackets, port and last dot */
    size_t len;
    bool is_address; /* an IPv4 or IPv6 address in digits */
};
/* False when it is no host with an optional port. */
bool iso_http_text_host(struct iso_str field, struct iso_http_text_host *out);

/* Whether an Origin field is that of our own pages: the scheme and what the Host field says. */
bool iso_http_text_is_own_origin(struct iso_str origin, struct iso_str host, bool is_tls);

/* Whether the media type of a Content-Type field is `type`, whatever its parameters. */
bool iso_http_text_has_type(struct iso_str field, const char *type);
/* Whether an Accept field names `type` with a weight other than 0. */
bool iso_http_text_accepts(struct iso_str field, const char *type);
/* Whether an If-None-Match field has the entity tag (weak comparison), or "*". */
bool iso_http_text_has_tag(struct iso_str field, struct iso_str tag);
/* The token of "Bearer TOKEN". */
bool iso_http_text_bearer(struct iso_str field, struct iso_str *out);
/* Decimal digits only, no overflow. */
bool iso_http_text_number(struct iso_str field, uint64_t *out);

#endif
