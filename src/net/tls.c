/* Keys and self-signed certificates (RFC 5280) with GnuTLS; pins as in RFC 7469, section 2.4. */
#include "net/tls.h"

#include "codec/codec.h"
#include "platform/platform.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { MAX_FILE = 65536, SERIAL_SIZE = 16 };

static enum iso_err fail_gnutls(struct iso_report *report, int code, const char *what)
{
    return iso_fail(report, code == GNUTLS_E_MEMORY_ERROR ? ISO_E_NOMEM : ISO_E_IO, "%s: %s", what,
                    gnutls_strerror(code));
}

/* ---- Pins --------------------------------------------------------------------------------- */

static enum iso_err pins_of(gnutls_x509_crt_t certificate, uint8_t fingerprint[ISO_TLS_PIN_SIZE],
                            uint8_t pin[ISO_TLS_PIN_SIZE])
{
    uint8_t first[ISO_TLS_PIN_SIZE];
    uint8_t second[ISO_TLS_PIN_SIZE];
    size_t first_size = sizeof first;
    size_t second_size = sizeof second;
    if (gnutls_x509_crt_get_fingerprint(certificate, GNUTLS_DIG_SHA256, first, &first_size) != 0 ||
        gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, second, &second_size) !=
            0 ||
        first_size != sizeof first || second_size != sizeof second) {
        return ISO_E_MALFORMED;
    }
    memcpy(fingerprint, first, sizeof first);
    memcpy(pin, second, sizeof second);
    return ISO_OK;
}

static enum iso_err certificate_pins(struct iso_bytes bytes, gnutls_x509_crt_fmt_t format,
                                     uint8_t fingerprint[ISO_TLS_PIN_SIZE],
                                     uint8_t pin[ISO_TLS_PIN_SIZE])
{
    gnutls_x509_crt_t certificate;
    if (bytes.len > MAX_FILE) {
        return ISO_E_MALFORMED;
    }
    if (gnutls_x509_crt_init(&certificate) != 0) {
        return ISO_E_NOMEM;
    }
    gnutls_datum_t datum = {(unsigned char *)(uintptr_t)bytes.ptr, (unsigned)bytes.len};
    int code = gnutls_x509_crt_import(certificate, &datum, format);
    enum iso_err err = code != 0 ? ISO_E_MALFORMED : pins_of(certificate, fingerprint, pin);
    gnutls_x509_crt_deinit(certificate);
    return err;
}

enum iso_err iso_tls_certificate_pins(struct iso_bytes der, uint8_t fingerprint[ISO_TLS_PIN_SIZE],
                                      uint8_t pin[ISO_TLS_PIN_SIZE])
{
    return certificate_pins(der, GNUTLS_X509_FMT_DER, fingerprint, pin);
}

enum iso_err iso_tls_pem_pins(const char *pem, uint8_t fingerprint[ISO_TLS_PIN_SIZE],
                              uint8_t pin[ISO_TLS_PIN_SIZE])
{
    return certificate_pins(iso_bytes_from(pem, strlen(pem)), GNUTLS_X509_FMT_PEM, fingerprint,
                            pin);
}

void iso_tls_pin_text(const uint8_t pin[ISO_TLS_PIN_SIZE], char out[ISO_TLS_PIN_TEXT_SIZE])
{
    memcpy(out, "sha256:", 7);
    iso_hex_encode(pin, ISO_TLS_PIN_SIZE, out + 7);
}

void iso_tls_pin_curl(const uint8_t pin[ISO_TLS_PIN_SIZE], char out[56])
{
    memcpy(out, "sha256//", 8);
    iso_base64_encode(pin, ISO_TLS_PIN_SIZE, out + 8);
    out[8 + iso_base64_encoded_size(ISO_TLS_PIN_SIZE)] = '\0';
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool iso_tls_pin_parse(struct iso_str text, uint8_t pin[ISO_TLS_PIN_SIZE])
{
    uint8_t bytes[ISO_TLS_PIN_SIZE];
    size_t at = text.len >= 7 && memcmp(text.ptr, "sha256:", 7) == 0 ? 7 : 0;
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i != 0 && at < text.len && text.ptr[at] == ':') {
            at++;
        }
        int high = at + 1 < text.len ? digit_of(text.ptr[at]) : -1;
        int low = at + 1 < text.len ? digit_of(text.ptr[at + 1]) : -1;
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    if (at != text.len) {
        return false;
    }
    memcpy(pin, bytes, sizeof bytes);
    return true;
}

/* ---- From PEM ----------------------------------------------------------------------------- */

static char *text_copy(const void *text, size_t len)
{
    char *copy = iso_alloc_new(iso_alloc_libc(), len + 1);
    if (copy != NULL) {
        iso_memory_copy(copy, text, len);
    }
    return copy;
}

static void text_wipe(char *text)
{
    if (text != NULL) {
        size_t len = strlen(text);
        gnutls_memset(text, 0, len);
        iso_alloc_free(iso_alloc_libc(), text, len + 1);
    }
}

void iso_tls_identity_fini(struct iso_tls_identity *identity)
{
    text_wipe(identity->certificate_pem);
    text_wipe(identity->key_pem);
    *identity = (struct iso_tls_identity){.certificate_pem = NULL};
}

/* Whether the key is that of the certificate. */
static bool belong_together(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key)
{
    uint8_t of_certificate[ISO_TLS_PIN_SIZE];
    uint8_t of_key[ISO_TLS_PIN_SIZE];
    size_t certificate_size = sizeof of_certificate;
    size_t key_size = sizeof of_key;
    return gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, of_certificate,
                                      &certificate_size) == 0 &&
           gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, of_key, &key_size) == 0 &&
           certificate_size == key_size && memcmp(of_certificate, of_key, key_size) == 0;
}

/* Writes both as PEM texts of ours. */
static enum iso_err identity_export(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key,
                                    struct iso_tls_identity *out, struct iso_report *report)
{
    struct iso_tls_identity identity = {.certificate_pem = NULL};
    gnutls_datum_t certificate_text = {NULL, 0};
    gnutls_datum_t key_text = {NULL, 0};
    int code = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &certificate_text);
    if (code == 0) {
        code = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                                 &key_text);
    }
    enum iso_err err = ISO_OK;
    if (code != 0) {
        err = fail_gnutls(report, code, "the certificate cannot be written");
    } else {
        identity.certificate_pem = text_copy(certificate_text.data, certificate_text.size);
        identity.key_pem = text_copy(key_text.data, key_text.size);
        err = identity.certificate_pem == NULL || identity.key_pem == NULL
                  ? ISO_E_NOMEM
                  : pins_of(certificate, identity.fingerprint, identity.pin);
    }
    if (key_text.data != NULL) {
        gnutls_memset(key_text.data, 0, key_text.size);
    }
    gnutls_free(key_text.data);
    gnutls_free(certificate_text.data);
    if (err != ISO_OK) {
        iso_tls_identity_fini(&identity);
        return err;
    }
    *out = identity;
    return ISO_OK;
}

static enum iso_err identity_import(struct iso_bytes text, const char *path,
                                    struct iso_tls_identity *out, struct iso_report *report)
{
    gnutls_x509_crt_t certificate = NULL;
    gnutls_x509_privkey_t key = NULL;
    if (gnutls_x509_crt_init(&certificate) != 0) {
        return ISO_E_NOMEM;
    }
    if (gnutls_x509_privkey_init(&key) != 0) {
        gnutls_x509_crt_deinit(certificate);
        return ISO_E_NOMEM;
    }
    gnutls_datum_t datum = {(unsigned char *)(uintptr_t)text.ptr, (unsigned)text.len};
    enum iso_err err;
    if (gnutls_x509_crt_import(certificate, &datum, GNUTLS_X509_FMT_PEM) != 0) {
        err = iso_fail(report, ISO_E_MALFORMED, "'%s' has no certificate (PEM)", path);
    } else if (gnutls_x509_privkey_import2(key, &datum, GNUTLS_X509_FMT_PEM, NULL,
                                           GNUTLS_PKCS_PLAIN) != 0) {
        err =
            iso_fail(report, ISO_E_MALFORMED, "'%s' has no private key (PEM, not encrypted)", path);
    } else if (!belong_together(certificate, key)) {
        err = iso_fail(report, ISO_E_MALFORMED,
                       "the key and the certificate in '%s' do not belong together", path);
    } else {
        err = identity_export(certificate, key, out, report);
    }
    gnutls_x509_privkey_deinit(key);
    gnutls_x509_crt_deinit(certificate);
    return err;
}

enum iso_err iso_tls_identity_load(const char *path, struct iso_tls_identity *out,
                                   struct iso_report *report)
{
    struct iso_file file;
    struct stat status;
    enum iso_err err = iso_file_read(path, MAX_FILE, &file, report);
    if (err != ISO_OK) {
        return err;
    }
    if (stat(path, &status) != 0 || (status.st_mode & 077) != 0) {
        err = iso_fail(report, ISO_E_ACCESS,
                       "'%s' holds a private key and others may read it; it should have mode 0600",
                       path);
    } else {
        err = identity_import(file.bytes, path, out, report);
    }
    gnutls_memset((void *)(uintptr_t)file.bytes.ptr, 0, file.bytes.len);
    iso_file_fini(&file);
    return err;
}

enum iso_err iso_tls_identity_store(const struct iso_tls_identity *identity, const char *path,
                                    struct iso_report *report)
{
    struct iso_buf text;
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    enum iso_err err =
        iso_buf_append(&text, identity->certificate_pem, strlen(identity->certificate_pem));
    if (err == ISO_OK) {
        err = iso_buf_append(&text, identity->key_pem, strlen(identity->key_pem));
    }
    if (err == ISO_OK) {
        err = iso_file_write_atomic(path, iso_buf_view(&text), report);
    }
    if (text.ptr != NULL) {
        gnutls_memset(text.ptr, 0, text.cap);
    }
    iso_buf_fini(&text);
    return err;
}

enum iso_err iso_tls_identity_load_or_make(const char *path, const char *const *names, size_t count,
                                           struct iso_tls_identity *out, struct iso_report *report)
{
    struct iso_report load_report;
    iso_report_init(&load_report);
    enum iso_err err = iso_tls_identity_load(path, out, &load_report);
    if (err != ISO_E_NOT_FOUND) {
        return err == ISO_OK ? ISO_OK
                             : iso_fail(report, err, "%s", iso_report_text(&load_report, err));
    }
    struct iso_tls_identity made;
    err = iso_tls_identity_make(names, count, &made, report);
    if (err != ISO_OK) {
        return err;
    }
    err = iso_tls_identity_store(&made, path, report);
    if (err != ISO_OK) {
        iso_tls_identity_fini(&made);
        return err;
    }
    *out = made;
    return ISO_OK;
}

/* ---- Making one --------------------------------------------------------------------------- */

static int add_name(gnutls_x509_crt_t certificate, const char *name)
{
    uint8_t address[16];
    if (inet_pton(AF_INET, name, address) == 1) {
        return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, address, 4,
                                                    GNUTLS_FSAN_APPEND);
    }
    if (inet_pton(AF_INET6, name, address) == 1) {
        return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, address, 16,
                                                    GNUTLS_FSAN_APPEND);
    }
    return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, name,
                                                (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
}

static enum iso_err names_check(const char *const *names, size_t count, struct iso_report *report)
{
    if (count == 0 || count > ISO_TLS_MAX_NAMES) {
        return iso_fail(report, ISO_E_ARGUMENT, "a certificate has 1 to %u names",
                        ISO_TLS_MAX_NAMES);
    }
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(names[i]);
        size_t fine = strspn(names[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-._:");
        if (len == 0 || len > 253 || fine != len) {
            return iso_fail(report, ISO_E_ARGUMENT,
                            "'%s' is not a host name or an address for a certificate", names[i]);
        }
    }
    return ISO_OK;
}

/* From before the first device to the end of time: a device may have no clock when it starts. */
static int set_times(gnutls_x509_crt_t certificate)
{
    const time_t year_2020 = 1577836800;
    int code = gnutls_x509_crt_set_activation_time(certificate, year_2020);
    return code != 0 ? code
                     : gnutls_x509_crt_set_expiration_time(certificate,
                                                           GNUTLS_X509_NO_WELL_DEFINED_EXPIRATION);
}

/* The common name: at most 64 characters (RFC 5280, appendix A.1). */
static int set_subject(gnutls_x509_crt_t certificate, const char *name)
{
    size_t len = strlen(name) < 64 ? strlen(name) : 64;
    return gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                         (unsigned)len);
}

static int fill(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key, const char *const *names,
                size_t count)
{
    uint8_t serial[SERIAL_SIZE];
    uint8_t key_id[20];
    size_t key_id_size = sizeof key_id;
    int code = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);
    serial[0] &= 0x7f; /* positive */
    serial[0] |= 0x40;
    code = code != 0 ? code : gnutls_x509_crt_set_version(certificate, 3);
    code = code != 0 ? code : gnutls_x509_crt_set_serial(certificate, serial, sizeof serial);
    code = code != 0 ? code : set_subject(certificate, names[0]);
    code = code != 0 ? code : set_times(certificate);
    code = code != 0 ? code : gnutls_x509_crt_set_key(certificate, key);
    code = code != 0 ? code : gnutls_x509_crt_set_basic_constraints(certificate, 0, -1);
    code =
        code != 0 ? code : gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_DIGITAL_SIGNATURE);
    code = code != 0
               ? code
               : gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_TLS_WWW_SERVER, 0);
    code = code != 0
               ? code
               : gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_TLS_WWW_CLIENT, 0);
    code = code != 0 ? code : gnutls_x509_crt_get_key_id(certificate, 0, key_id, &key_id_size);
    code = code != 0 ? code : gnutls_x509_crt_set_subject_key_id(certificate, key_id, key_id_size);
    for (size_t i = 0; i < count && code == 0; i++) {
        code = add_name(certificate, names[i]);
    }
    return code != 0 ? code
                     : gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0);
}

enum iso_err iso_tls_identity_make(const char *const *names, size_t count,
                                   struct iso_tls_identity *out, struct iso_report *report)
{
    enum iso_err err = names_check(names, count, report);
    if (err != ISO_OK) {
        return err;
    }
    gnutls_x509_crt_t certificate = NULL;
    gnutls_x509_privkey_t key = NULL;
    int code = gnutls_x509_crt_init(&certificate);
    code = code != 0 ? code : gnutls_x509_privkey_init(&key);
    code = code != 0
               ? code
               : gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                              GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    code = code != 0 ? code : fill(certificate, key, names, count);
    err = code != 0 ? fail_gnutls(report, code, "a certificate cannot be made")
                    : identity_export(certificate, key, out, report);
    if (key != NULL) {
        gnutls_x509_privkey_deinit(key);
    }
    if (certificate != NULL) {
        gnutls_x509_crt_deinit(certificate);
    }
    return err;
}
