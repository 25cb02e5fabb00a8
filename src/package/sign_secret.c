/*
 * Secret keys in the format of minisign (https://jedisct1.github.io/minisign/#secret-key-format):
 * a comment line, and base64 of
 *
 *     "Ed", "Sc" (scrypt) or two zeros (not encrypted), "B2"
 *     salt, 32 bytes; opslimit, 8; memlimit, 8 (little-endian)
 *     key id, 8; secret key, 64; checksum, 32: XORed with scrypt's output when encrypted
 *
 * The checksum is BLAKE2b-256 of "Ed", the id and the key; zeros when not encrypted.
 */
#include "package/sign.h"

#include <sodium.h>

#define COMMENT "untrusted comment: minisign encrypted secret key\n"

enum {
    SALT_AT = 6,
    OPS_AT = 38,
    MEMORY_AT = 46,
    KEY_AT = 54,
    KEY_SIZE = 104, /* with id and checksum */
    SECRET_SIZE = KEY_AT + KEY_SIZE,
    CHECK_AT = KEY_AT + 72,
    CHECK_SIZE = 32
};

static void checksum(const uint8_t raw[SECRET_SIZE], uint8_t out[CHECK_SIZE])
{
    uint8_t message[2 + 72];
    memcpy(message, raw, 2);
    memcpy(message + 2, raw + KEY_AT, 72);
    (void)crypto_generichash(out, CHECK_SIZE, message, sizeof message, NULL, 0);
    sodium_memzero(message, sizeof message);
}

/* XORs key and checksum with what follows from the password. Errors: NOMEM. */
static enum iso_err apply(uint8_t raw[SECRET_SIZE], const char *password, uint64_t ops,
                          uint64_t memory)
{
    uint8_t stream[KEY_SIZE];
    if (memory > SIZE_MAX ||
        crypto_pwhash_scryptsalsa208sha256(stream, sizeof stream, password, strlen(password),
                                           raw + SALT_AT, ops, (size_t)memory) != 0) {
        return ISO_E_NOMEM;
    }
    for (size_t i = 0; i < KEY_SIZE; i++) {
        raw[KEY_AT + i] ^= stream[i];
    }
    sodium_memzero(stream, sizeof stream);
    return ISO_OK;
}

/* The bytes of a file's text. */
static enum iso_err read_key(struct iso_str text, uint8_t raw[SECRET_SIZE],
                             struct iso_report *report)
{
    struct iso_str line = iso_sign_line(&text);
    struct iso_sign_public public_key;
    if (iso_sign_public_parse(line, &public_key, NULL) == ISO_OK ||
        iso_sign_public_parse(text, &public_key, NULL) == ISO_OK) {
        return iso_fail(report, ISO_E_MALFORMED, "this is a public key; the secret one is needed");
    }
    if (!iso_sign_decode(iso_sign_line(&text), raw, SECRET_SIZE)) {
        return iso_fail(report, ISO_E_MALFORMED,
                        "not a secret key of minisign: a comment line and a line of 212 "
                        "characters");
    }
    const bool locked = memcmp(raw + 2, "Sc", 2) == 0;
    if (memcmp(raw, "Ed", 2) != 0 || memcmp(raw + 4, "B2", 2) != 0 ||
        (!locked && memcmp(raw + 2, "\0\0", 2) != 0)) {
        return iso_fail(report, ISO_E_UNSUPPORTED, "the secret key is of an unknown kind");
    }
    return ISO_OK;
}

bool iso_sign_secret_is_locked(struct iso_str text)
{
    uint8_t raw[SECRET_SIZE];
    const bool locked = read_key(text, raw, NULL) == ISO_OK && memcmp(raw + 2, "Sc", 2) == 0;
    sodium_memzero(raw, sizeof raw);
    return locked;
}

static enum iso_err unlock(uint8_t raw[SECRET_SIZE], const char *password,
                           struct iso_report *report)
{
    uint8_t check[CHECK_SIZE];
    const uint64_t ops = iso_load_u64le(raw + OPS_AT), memory = iso_load_u64le(raw + MEMORY_AT);
    if (password == NULL || password[0] == '\0') {
        return iso_fail(report, ISO_E_ARGUMENT, "the secret key is locked with a password");
    }
    if (ops > crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE ||
        memory > crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE) {
        return iso_fail(report, ISO_E_UNSUPPORTED,
                        "unlocking the secret key takes more than 1 GiB of memory");
    }
    enum iso_err err = apply(raw, password, ops, memory);
    if (err != ISO_OK) {
        return iso_fail(report, err,
                        "not enough memory to unlock the secret key: it takes %llu "
                        "MiB",
                        (unsigned long long)(memory >> 20));
    }
    checksum(raw, check);
    return sodium_memcmp(check, raw + CHECK_AT, CHECK_SIZE) == 0
               ? ISO_OK
               : iso_fail(report, ISO_E_ACCESS, "wrong password for the secret key");
}

enum iso_err iso_sign_secret_parse(struct iso_str text, const char *password,
                                   struct iso_sign_secret *out, struct iso_report *report)
{
    uint8_t raw[SECRET_SIZE];
    enum iso_err err = sodium_init() >= 0 ? read_key(text, raw, report) : ISO_E_IO;
    if (err == ISO_OK && memcmp(raw + 2, "Sc", 2) == 0) {
        err = unlock(raw, password, report);
    }
    if (err == ISO_OK) {
        memcpy(out->id, raw + KEY_AT, sizeof out->id);
        memcpy(out->key, raw + KEY_AT + sizeof out->id, sizeof out->key);
    }
    sodium_memzero(raw, sizeof raw);
    return err;
}

/* Encrypts, with less memory where there is not so much. */
static enum iso_err lock(uint8_t raw[SECRET_SIZE], const char *password, struct iso_report *report)
{
    uint64_t ops = crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE;
    uint64_t memory = crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE;
    memcpy(raw + 2, "Sc", 2);
    checksum(raw, raw + CHECK_AT);
    randombytes_buf(raw + SALT_AT, OPS_AT - SALT_AT);
    while (apply(raw, password, ops, memory) != ISO_OK) {
        ops /= 2;
        memory /= 2;
        if (ops < crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_MIN ||
            memory < crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_MIN) {
            return iso_fail(report, ISO_E_NOMEM, "not enough memory to lock the secret key");
        }
    }
    iso_store_u64le(raw + OPS_AT, ops);
    iso_store_u64le(raw + MEMORY_AT, memory);
    return ISO_OK;
}

enum iso_err iso_sign_secret_print(const struct iso_sign_secret *secret, const char *password,
                                   struct iso_buf *out, struct iso_report *report)
{
    uint8_t raw[SECRET_SIZE] = {'E', 'd', 0, 0, 'B', '2'};
    memcpy(raw + KEY_AT, secret->id, sizeof secret->id);
    memcpy(raw + KEY_AT + sizeof secret->id, secret->key, sizeof secret->key);
    enum iso_err err = sodium_init() >= 0 ? ISO_OK : ISO_E_IO;
    if (err == ISO_OK && password != NULL && password[0] != '\0') {
        err = lock(raw, password, report);
    }
    err = err != ISO_OK ? err : iso_buf_append(out, COMMENT, strlen(COMMENT));
    err = err != ISO_OK ? err : iso_sign_encode(out, raw, sizeof raw);
    sodium_memzero(raw, sizeof raw);
    return err;
}
