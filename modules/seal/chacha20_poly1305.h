/* chacha20_poly1305.h - authenticated encryption of RFC 8439, section 2.8. */
#ifndef SEAL_CHACHA20_POLY1305_H
#define SEAL_CHACHA20_POLY1305_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEAL_KEY_SIZE = 32, SEAL_NONCE_SIZE = 12, SEAL_TAG_SIZE = 16 };

/* All pointers are borrowed. `context` is authenticated but not encrypted. */
struct seal_secret {
    const uint8_t *key;   /* SEAL_KEY_SIZE bytes */
    const uint8_t *nonce; /* SEAL_NONCE_SIZE bytes */
    const uint8_t *context;
    size_t context_len;
};

/* Encrypt len bytes in place and write the tag (SEAL_TAG_SIZE bytes). */
void seal_encrypt(const struct seal_secret *secret, uint8_t *text, size_t len, uint8_t *tag);
/* Decrypt len bytes in place; false, and nothing is changed, when the tag does not fit. The time it
 * takes does not depend on where a tag differs. */
bool seal_decrypt(const struct seal_secret *secret, uint8_t *text, size_t len, const uint8_t *tag);

#endif
