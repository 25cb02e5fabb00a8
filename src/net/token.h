/*
 * token.h - who may use a device: tokens, kept in one file.
 *
 * A token is the text "ID.SECRET": 64 random bits in hexadecimal, a point, 256 random bits in
 * base64url (RFC 4648, section 5). It is shown once, when it is made. The file (JSON, mode 0600)
 * holds for each token its id, role, label, time, the SHA-256 of the secret, by which bearers are
 * checked, and the pre-shared key for CoAP, HKDF-SHA256(secret, "isomer coap
 * psk"), 24 bytes of it as 32 characters of base64url: a server has to
 * have that key as such. So somebody who reads the file can speak CoAP, but not HTTP, in its name;
 * what the file protects is as much as a private key.
 *
 * Secrets are random, so a plain hash is enough: there is nothing to guess. One thread at a time.
 */
#ifndef ISO_NET_TOKEN_H
#define ISO_NET_TOKEN_H

#include "base/base.h"

#define ISO_TOKEN_ID_SIZE 17u   /* 16 digits and the zero byte */
#define ISO_TOKEN_TEXT_SIZE 61u /* a whole token and the zero byte */
#define ISO_TOKEN_PSK_SIZE 32u
#define ISO_TOKEN_LABEL_SIZE 65u /* a label of at most 64 bytes (UTF-8), and the zero byte */
#define ISO_TOKEN_MAX_COUNT 256u

enum iso_token_role {
    ISO_TOKEN_READ,    /* logs, events, properties, displays, metrics */
    ISO_TOKEN_OPERATE, /* all that, and calls and changes */
};

/* "read", "operate". Static. */
const char *iso_token_role_text(enum iso_token_role role);
bool iso_token_role_parse(struct iso_str text, enum iso_token_role *out);

struct iso_token {
    char id[ISO_TOKEN_ID_SIZE];
    enum iso_token_role role;
    char label[ISO_TOKEN_LABEL_SIZE];
    uint64_t created_s; /* since 1970, as the maker said */
    uint8_t psk[ISO_TOKEN_PSK_SIZE];
};

struct iso_token_store;

/*
 * The store in a file; without the file an empty one (the file appears with the first token).
 * Blocks. path: copied. Errors: ACCESS (also when others may read the file), MALFORMED (damaged:
 * the report says where; nothing is thrown away), LIMIT (too many), NOMEM, IO.
 */
ISO_MUST_CHECK enum iso_err iso_token_store_open(const char *path, struct iso_token_store **out,
                                                 struct iso_report *report);
/* Wipes and releases. NULL is allowed. */
void iso_token_store_close(struct iso_token_store *store);

/*
 * Makes a token and writes the file before it returns. `text` is the only copy of the secret; wipe
 * it when it is delivered. Blocks. label: borrowed. Errors: ARGUMENT (the label is too long or not
 * UTF-8, or has control characters), LIMIT (too many tokens), NOMEM, IO, ACCESS; then nothing has
 * changed.
 */
ISO_MUST_CHECK enum iso_err iso_token_make(struct iso_token_store *store, enum iso_token_role role,
                                           const char *label, uint64_t now_s,
                                           char text[ISO_TOKEN_TEXT_SIZE],
                                           struct iso_report *report);

/* Removes a token and writes the file before it returns. Blocks. Errors: NOT_FOUND, and those of
 * writing; then it is still there. */
ISO_MUST_CHECK enum iso_err iso_token_revoke(struct iso_token_store *store, struct iso_str id,
                                             struct iso_report *report);

/* The tokens, in the order of their making. Valid until the store changes. */
size_t iso_token_count(const struct iso_token_store *store);
const struct iso_token *iso_token_at(const struct iso_token_store *store, size_t index);
/* By id; NULL when there is none. Its psk is the key for the CoAP identity of that name. */
const struct iso_token *iso_token_find(const struct iso_token_store *store, struct iso_str id);

/* The token that a bearer text is; NULL when it is none. Takes the same time for any wrong secret.
 * Valid until the store changes. */
const struct iso_token *iso_token_verify(const struct iso_token_store *store,
                                         struct iso_str bearer);

/* Whether a token of role `has` may do what needs `needs`. */
bool iso_token_role_covers(enum iso_token_role has, enum iso_token_role needs);

/* For the holder of a token: its id and its key for CoAP. False when the text is no token. */
bool iso_token_split(struct iso_str text, char id[ISO_TOKEN_ID_SIZE],
                     uint8_t psk[ISO_TOKEN_PSK_SIZE]);

#endif
