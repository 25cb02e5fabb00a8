/* Reading and writing the options of libcoap's messages. */
#ifndef ISO_NET_COAP_MESSAGE_H
#define ISO_NET_COAP_MESSAGE_H

#include "net/coap_block.h"
#include "net/coap_chunk.h"
#include "net/coap_io.h"
#include "net/coap_limits.h"

/* What a request asks for: where, and in which form. Borrowed from the message, or a block of its
 * own made by iso_coap_head_copy. */
struct iso_coap_head {
    uint8_t method;
    int32_t format;
    int32_t accept;
    struct iso_str path_text;
    const struct iso_str *path;
    size_t path_count;
    const struct iso_str *queries;
    size_t query_count;
    size_t block_size; /* of a copy */
};

/* A message taken apart. Views into the message; the arrays are its own, so it must not move. */
struct iso_coap_parsed {
    struct iso_coap_head head;
    struct iso_str path[ISO_COAP_SEGMENTS_MAX];
    struct iso_str queries[ISO_COAP_QUERIES_MAX];
    char path_text[ISO_COAP_PATH_TEXT_MAX];
    int64_t observe; /* -1: absent */
    bool has_block1;
    bool has_block2;
    struct iso_coap_block block1;
    struct iso_coap_block block2;
    uint64_t size1; /* 0: absent */
    bool has_chunk;
    bool has_fetch;
    struct iso_coap_part part; /* of either */
    bool has_large;
    struct iso_coap_large large;
    struct iso_bytes payload;
};

/* Takes a request or an answer apart. On refusal the report has the text for the peer, and *code
 * what to answer. */
ISO_MUST_CHECK enum iso_err iso_coap_parse(const coap_pdu_t *pdu, struct iso_coap_parsed *out,
                                           uint8_t *code, struct iso_report *report);

/* A copy in one block, or NULL when memory is short. */
ISO_MUST_CHECK struct iso_coap_head *iso_coap_head_copy(const struct iso_alloc *alloc,
                                                        const struct iso_coap_head *head);
void iso_coap_head_free(const struct iso_alloc *alloc, struct iso_coap_head *head);

/* Writes a path as text ("/a/b", percent-encoded); returns its length, or 0 when it does not fit.
 */
size_t iso_coap_path_text(const struct iso_str *path, size_t count, char *out, size_t cap);

/* The other way: segments of a text, decoded into `buffer` (at least text.len bytes).
 * ISO_E_ARGUMENT: a percent sign without two digits, too many segments or one too long. */
ISO_MUST_CHECK enum iso_err iso_coap_path_split(struct iso_str text, char *buffer,
                                                struct iso_str out[ISO_COAP_SEGMENTS_MAX],
                                                size_t *out_count);

/* An answer as it goes out. */
struct iso_coap_reply {
    uint8_t code;
    int32_t format;
    int64_t observe; /* -1: absent */
    bool has_block1;
    bool has_block2;
    bool has_large;
    bool has_etag;
    uint8_t etag[8];
    uint32_t max_age_s; /* 0: absent */
    uint64_t size1;     /* 0: absent */
    uint64_t size2;
    struct iso_coap_block block1;
    struct iso_coap_block block2;
    struct iso_coap_large large;
    struct iso_bytes payload;
};

/* An answer without options. */
struct iso_coap_reply iso_coap_reply_of(uint8_t code);

/* Sets code, options and payload of an answer that has its token. False when it does not fit. */
bool iso_coap_reply_write(coap_pdu_t *pdu, const struct iso_coap_reply *reply);

/* Adds an option that holds a number (RFC 7252, section 3.2). */
bool iso_coap_add_uint(coap_pdu_t *pdu, uint16_t number, uint64_t value);

#endif
