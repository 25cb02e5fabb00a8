/*
 * tls.h - who a device or an orchestrator is: a key of its own (ECDSA P-256, which TLS 1.2 and 1.3,
 * browsers and the small libraries of devices all have) and a certificate that it signed itself.
 *
 * Nobody vouches for such a certificate; whoever talks to us knows its pin, exchanged at pairing
 * (pairing.h). So it does not expire, and the names in it are for browsers only. Blocking only
 * where it says so; any thread.
 */
#ifndef ISO_NET_TLS_H
#define ISO_NET_TLS_H

#include "base/base.h"

#define ISO_TLS_PIN_SIZE 32u
/* "sha256:" and 64 hexadecimal digits, with the zero byte. */
#define ISO_TLS_PIN_TEXT_SIZE 72u
#define ISO_TLS_MAX_NAMES 32u

struct iso_tls_identity {
    char *certificate_pem; /* zero-terminated */
    char *key_pem;
    /* SHA-256 of the certificate (DER), as browsers and openssl show it. */
    uint8_t fingerprint[ISO_TLS_PIN_SIZE];
    /* SHA-256 of the public key (SubjectPublicKeyInfo, DER; RFC 7469, section 2.4): the pin. It
     * outlives a new certificate for the same key, and curl and GnuTLS can check it. */
    uint8_t pin[ISO_TLS_PIN_SIZE];
};

/*
 * Makes a key and a certificate. names: host names and addresses in digits, at least one; the first
 * is the subject. Borrowed. Errors: ARGUMENT (none, too many, not a name), NOMEM, IO (GnuTLS
 * failed).
 */
ISO_MUST_CHECK enum iso_err iso_tls_identity_make(const char *const *names, size_t count,
                                                  struct iso_tls_identity *out,
                                                  struct iso_report *report);

/*
 * The identity that a file holds (key and certificate, PEM). Blocks. Errors: NOT_FOUND, ACCESS
 * (also when others may read the file), MALFORMED (no key or no certificate in it, or they do not
 * belong together), LIMIT, NOMEM, IO.
 */
ISO_MUST_CHECK enum iso_err iso_tls_identity_load(const char *path, struct iso_tls_identity *out,
                                                  struct iso_report *report);

/* Writes both into one file, mode 0600, as a whole or not at all. Blocks. Errors: those of
 * iso_file_write_atomic. */
ISO_MUST_CHECK enum iso_err iso_tls_identity_store(const struct iso_tls_identity *identity,
                                                   const char *path, struct iso_report *report);

/* Loads, or makes and stores when there is no such file. Blocks. A damaged file is an error: a new
 * identity would lock out everybody who knows the pin. */
ISO_MUST_CHECK enum iso_err iso_tls_identity_load_or_make(const char *path,
                                                          const char *const *names, size_t count,
                                                          struct iso_tls_identity *out,
                                                          struct iso_report *report);

/* Wipes the key and releases. A zeroed struct is fine. */
void iso_tls_identity_fini(struct iso_tls_identity *identity);

/* Fingerprint and pin of a certificate in DER. Errors: MALFORMED, NOMEM. */
ISO_MUST_CHECK enum iso_err iso_tls_certificate_pins(struct iso_bytes der,
                                                     uint8_t fingerprint[ISO_TLS_PIN_SIZE],
                                                     uint8_t pin[ISO_TLS_PIN_SIZE]);

/* The same of a certificate in PEM (zero-terminated). */
ISO_MUST_CHECK enum iso_err iso_tls_pem_pins(const char *pem, uint8_t fingerprint[ISO_TLS_PIN_SIZE],
                                             uint8_t pin[ISO_TLS_PIN_SIZE]);

/* "sha256:0123...": how pins are written in texts and documents of ours. */
void iso_tls_pin_text(const uint8_t pin[ISO_TLS_PIN_SIZE], char out[ISO_TLS_PIN_TEXT_SIZE]);
/* "sha256//BASE64": what curl's --pinnedpubkey and CURLOPT_PINNEDPUBLICKEY take (53 characters and
 * the zero byte). */
void iso_tls_pin_curl(const uint8_t pin[ISO_TLS_PIN_SIZE], char out[56]);
/* Reads the first form: any case, "sha256:" may be missing, colons between bytes are allowed. False
 * for anything else. */
bool iso_tls_pin_parse(struct iso_str text, uint8_t pin[ISO_TLS_PIN_SIZE]);

#endif
