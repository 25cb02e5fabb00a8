/*
 * Signatures in the format of minisign (https://jedisct1.github.io/minisign/#signature-format):
 *
 *     untrusted comment: TEXT
 *     base64(algorithm, 2 bytes; key id, 8; Ed25519 signature, 64)
 *     trusted comment: TEXT
 *     base64(Ed25519 signature of the 64 bytes above and the trusted comment)
 *
 * The signature is of the BLAKE2b hash (64 bytes) of the file ("ED"), or of the file ("Ed").
 */
#include "package/sign.h"

#include <sodium.h>

#define UNTRUSTED "untrusted comment: "
#define TRUSTED "trusted comment: "

enum { SIGNATURE_SIZE = crypto_sign_BYTES, RAW_SIZE = 10 + SIGNATURE_SIZE, HASH_SIZE = 64 };

struct signature {
    bool hashed;
    uint8_t id[8];
    uint8_t bytes[SIGNATURE_SIZE];
    uint8_t global[SIGNATURE_SIZE];
    struct iso_str trusted_comment;
};

/* ---- Lines -------------------------------------------------------------------------------------
 */

struct iso_str iso_sign_line(struct iso_str *text)
{
    const char *end = text->len != 0 ? memchr(text->ptr, '\n', text->len) : NULL;
    struct iso_str line =
        iso_str_from(text->ptr, end != NULL ? (size_t)(end - text->ptr) : text->len);
    const size_t used = end != NULL ? line.len + 1 : line.len;
    *text = iso_str_from(text->ptr + used, text->len - used);
    if (line.len != 0 && line.ptr[line.len - 1] == '\r') {
        line.len--;
    }
    return line;
}

bool iso_sign_decode(struct iso_str line, uint8_t *out, size_t size)
{
    size_t bad = 0;
    return line.len == iso_base64_encoded_size(size) && iso_base64_decoded_size(line) == size &&
           iso_base64_decode(line, out, &bad);
}

enum iso_err iso_sign_encode(struct iso_buf *out, const uint8_t *bytes, size_t size)
{
    char text[256];
    const size_t len = iso_base64_encoded_size(size);
    ISO_ASSERT(len < sizeof text);
    iso_base64_encode(bytes, size, text);
    text[len] = '\n';
    const enum iso_err err = iso_buf_append(out, text, len + 1);
    sodium_memzero(text, sizeof text);
    return err;
}

static bool strip(struct iso_str *line, const char *prefix)
{
    const size_t len = strlen(prefix);
    if (line->len < len || memcmp(line->ptr, prefix, len) != 0) {
        return false;
    }
    *line = iso_str_from(line->ptr + len, line->len - len);
    return true;
}

void iso_sign_id_text(const uint8_t id[8], char out[ISO_SIGN_ID_TEXT_SIZE])
{
    /* A number, the lowest byte first, as minisign has it. */
    for (size_t i = 0; i < 8; i++) {
        (void)iso_format(out + 2 * i, 3, "%02X", id[7 - i]);
    }
}

/* ---- Public keys -------------------------------------------------------------------------------
 */

enum { PUBLIC_SIZE = 42 };

enum iso_err iso_sign_public_parse(struct iso_str text, struct iso_sign_public *out,
                                   struct iso_report *report)
{
    uint8_t raw[PUBLIC_SIZE];
    struct iso_str line = iso_sign_line(&text);
    if (line.len >= strlen(UNTRUSTED) - 1 &&
        memcmp(line.ptr, UNTRUSTED, strlen(UNTRUSTED) - 1) == 0) {
        line = iso_sign_line(&text);
    }
    if (!iso_sign_decode(line, raw, sizeof raw)) {
        return iso_fail(report, ISO_E_MALFORMED,
                        "not a public key of minisign: a line of 56 characters, as \"RWQ...\", "
                        "perhaps with a comment line before it");
    }
    if (memcmp(raw, "Ed", 2) != 0) {
        return iso_fail(report, ISO_E_UNSUPPORTED,
                        "the key is of an unknown kind; those of minisign begin with \"RW\"");
    }
    memcpy(out->id, raw + 2, sizeof out->id);
    memcpy(out->key, raw + 10, sizeof out->key);
    return ISO_OK;
}

void iso_sign_public_text(const struct iso_sign_public *key, char out[57])
{
    uint8_t raw[PUBLIC_SIZE] = {'E', 'd'};
    memcpy(raw + 2, key->id, sizeof key->id);
    memcpy(raw + 10, key->key, sizeof key->key);
    iso_base64_encode(raw, sizeof raw, out);
    out[56] = '\0';
}

enum iso_err iso_sign_public_print(const struct iso_sign_public *key, struct iso_buf *out)
{
    char id[ISO_SIGN_ID_TEXT_SIZE], base64[57], text[160];
    iso_sign_id_text(key->id, id);
    iso_sign_public_text(key, base64);
    const size_t len =
        iso_format(text, sizeof text, UNTRUSTED "minisign public key %s\n%s\n", id, base64);
    return iso_buf_append(out, text, len);
}

/* ---- Making ------------------------------------------------------------------------------------
 */

enum iso_err iso_sign_generate(struct iso_sign_public *public_out,
                               struct iso_sign_secret *secret_out, struct iso_report *report)
{
    if (sodium_init() < 0) {
        return iso_fail(report, ISO_E_IO, "the system gives no random numbers");
    }
    randombytes_buf(public_out->id, sizeof public_out->id);
    memcpy(secret_out->id, public_out->id, sizeof secret_out->id);
    (void)crypto_sign_keypair(public_out->key, secret_out->key);
    return ISO_OK;
}

void iso_sign_wipe(struct iso_sign_secret *secret)
{
    sodium_memzero(secret, sizeof *secret);
}

static enum iso_err check_comment(const char *comment, struct iso_report *report)
{
    if (strlen(comment) > ISO_SIGN_MAX_COMMENT) {
        return iso_fail(report, ISO_E_LIMIT, "a comment has at most %u bytes",
                        ISO_SIGN_MAX_COMMENT);
    }
    return strpbrk(comment, "\r\n") == NULL
               ? ISO_OK
               : iso_fail(report, ISO_E_ARGUMENT, "a comment is one line");
}

static enum iso_err put_line(struct iso_buf *out, const char *prefix, const char *text)
{
    enum iso_err err = iso_buf_append(out, prefix, strlen(prefix));
    err = err != ISO_OK ? err : iso_buf_append(out, text, strlen(text));
    return err != ISO_OK ? err : iso_buf_append_u8(out, '\n');
}

/* The signature of the 64 bytes and the trusted comment. */
static void sign_global(const struct iso_sign_secret *secret, const uint8_t *signature,
                        const char *comment, uint8_t out[SIGNATURE_SIZE])
{
    uint8_t message[SIGNATURE_SIZE + ISO_SIGN_MAX_COMMENT];
    const size_t len = strlen(comment);
    memcpy(message, signature, SIGNATURE_SIZE);
    memcpy(message + SIGNATURE_SIZE, comment, len);
    (void)crypto_sign_detached(out, NULL, message, SIGNATURE_SIZE + len, secret->key);
}

enum iso_err iso_sign_make(const struct iso_sign_secret *secret, struct iso_bytes bytes,
                           const char *untrusted_comment, const char *trusted_comment,
                           struct iso_buf *out, struct iso_report *report)
{
    uint8_t hash[HASH_SIZE], raw[RAW_SIZE] = {'E', 'D'}, global[SIGNATURE_SIZE];
    const size_t start = out->len;
    untrusted_comment =
        untrusted_comment != NULL ? untrusted_comment : "signature from minisign secret key";
    trusted_comment = trusted_comment != NULL ? trusted_comment : "hashed";
    enum iso_err err = sodium_init() >= 0 ? ISO_OK : ISO_E_IO;
    err = err != ISO_OK ? err : check_comment(untrusted_comment, report);
    err = err != ISO_OK ? err : check_comment(trusted_comment, report);
    if (err != ISO_OK) {
        return err;
    }
    (void)crypto_generichash(hash, sizeof hash, bytes.ptr, bytes.len, NULL, 0);
    memcpy(raw + 2, secret->id, sizeof secret->id);
    (void)crypto_sign_detached(raw + 10, NULL, hash, sizeof hash, secret->key);
    sign_global(secret, raw + 10, trusted_comment, global);
    err = put_line(out, UNTRUSTED, untrusted_comment);
    err = err != ISO_OK ? err : iso_sign_encode(out, raw, sizeof raw);
    err = err != ISO_OK ? err : put_line(out, TRUSTED, trusted_comment);
    err = err != ISO_OK ? err : iso_sign_encode(out, global, sizeof global);
    if (err != ISO_OK) {
        out->len = start;
    }
    return err;
}

/* ---- Verifying ---------------------------------------------------------------------------------
 */

static enum iso_err parse(struct iso_str text, struct signature *out, struct iso_report *report)
{
    uint8_t raw[RAW_SIZE];
    struct iso_str first = iso_sign_line(&text);
    const struct iso_str second = iso_sign_line(&text);
    out->trusted_comment = iso_sign_line(&text);
    const struct iso_str fourth = iso_sign_line(&text);
    if (!strip(&first, UNTRUSTED) || !iso_sign_decode(second, raw, sizeof raw) ||
        !strip(&out->trusted_comment, TRUSTED) ||
        !iso_sign_decode(fourth, out->global, sizeof out->global)) {
        return iso_fail(report, ISO_E_MALFORMED,
                        "not a signature of minisign: four lines, the first and third of which "
                        "are comments");
    }
    out->hashed = memcmp(raw, "ED", 2) == 0;
    if (!out->hashed && memcmp(raw, "Ed", 2) != 0) {
        return iso_fail(report, ISO_E_UNSUPPORTED, "the signature is of an unknown kind");
    }
    if (out->trusted_comment.len > ISO_SIGN_MAX_COMMENT) {
        return iso_fail(report, ISO_E_MALFORMED, "the comment of the signature is too long");
    }
    memcpy(out->id, raw + 2, sizeof out->id);
    memcpy(out->bytes, raw + 10, sizeof out->bytes);
    return ISO_OK;
}

static bool is_right(const struct signature *signature, const struct iso_sign_public *key,
                     struct iso_bytes bytes)
{
    uint8_t hash[HASH_SIZE];
    if (signature->hashed) {
        (void)crypto_generichash(hash, sizeof hash, bytes.ptr, bytes.len, NULL, 0);
        bytes = iso_bytes_from(hash, sizeof hash);
    }
    return crypto_sign_verify_detached(signature->bytes, bytes.ptr, bytes.len, key->key) == 0;
}

static bool is_comment_right(const struct signature *signature, const struct iso_sign_public *key)
{
    uint8_t message[SIGNATURE_SIZE + ISO_SIGN_MAX_COMMENT];
    const struct iso_str comment = signature->trusted_comment;
    memcpy(message, signature->bytes, SIGNATURE_SIZE);
    iso_memory_copy(message + SIGNATURE_SIZE, comment.ptr, comment.len);
    return crypto_sign_verify_detached(signature->global, message, SIGNATURE_SIZE + comment.len,
                                       key->key) == 0;
}

enum iso_err iso_sign_verify(const struct iso_sign_public *keys, size_t count,
                             struct iso_bytes bytes, struct iso_str text,
                             struct iso_sign_found *out, struct iso_report *report)
{
    struct signature signature;
    char id[ISO_SIGN_ID_TEXT_SIZE];
    size_t key = 0;
    enum iso_err err = sodium_init() >= 0 ? parse(text, &signature, report) : ISO_E_IO;
    if (err != ISO_OK) {
        return err;
    }
    iso_sign_id_text(signature.id, id);
    bool known = false;
    for (size_t i = 0; i < count; i++) {
        if (memcmp(keys[i].id, signature.id, sizeof signature.id) != 0) {
            continue;
        }
        known = true;
        if (is_right(&signature, &keys[i], bytes)) {
            key = i;
            if (!is_comment_right(&signature, &keys[i])) {
                return iso_fail(report, ISO_E_INVALID,
                                "the comment of the signature was changed after key %s signed it",
                                id);
            }
            *out =
                (struct iso_sign_found){.key = key, .trusted_comment = signature.trusted_comment};
            return ISO_OK;
        }
    }
    if (known) {
        return iso_fail(report, ISO_E_INVALID,
                        "these are not the bytes that key %s signed: one of both was changed", id);
    }
    return iso_fail(report, ISO_E_NOT_FOUND,
                    "the signature was made with key %s, which is not among the %zu given", id,
                    count);
}
