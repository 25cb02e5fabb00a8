/* Identities: made, stored, loaded, damaged; pins in their texts. That curl and browsers accept the
 * certificate in a handshake is shown by tests/http. */
#include "net/tls.h"

#include "base/test.h"
#include "platform/platform.h"

#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char folder[64];
    char path[96];
};

static void place_init(struct place *place)
{
    (void)snprintf(place->folder, sizeof place->folder, "/tmp/iso-tls-XXXXXX");
    CHECK(mkdtemp(place->folder) != NULL);
    (void)snprintf(place->path, sizeof place->path, "%s/identity.pem", place->folder);
}

static void place_fini(struct place *place)
{
    (void)unlink(place->path);
    CHECK(rmdir(place->folder) == 0);
}

static const char *const names[] = {"device.local", "192.0.2.7", "2001:db8::7"};

TEST(an_identity_is_the_same_after_a_restart)
{
    struct place place;
    place_init(&place);
    struct iso_tls_identity first;
    struct iso_tls_identity second;
    CHECK_OK(iso_tls_identity_load_or_make(place.path, names, 3, &first, NULL));
    CHECK_OK(iso_tls_identity_load_or_make(place.path, names, 3, &second, NULL));
    CHECK_MEM(first.pin, second.pin, ISO_TLS_PIN_SIZE);
    CHECK_MEM(first.fingerprint, second.fingerprint, ISO_TLS_PIN_SIZE);
    CHECK_STR(first.certificate_pem, second.certificate_pem);
    CHECK_STR(first.key_pem, second.key_pem);
    struct stat status;
    CHECK(stat(place.path, &status) == 0);
    CHECK_EQ_U64(status.st_mode & 0777, 0600);
    iso_tls_identity_fini(&first);
    iso_tls_identity_fini(&second);
    place_fini(&place);
}

TEST(two_identities_differ)
{
    struct iso_tls_identity first;
    struct iso_tls_identity second;
    CHECK_OK(iso_tls_identity_make(names, 1, &first, NULL));
    CHECK_OK(iso_tls_identity_make(names, 1, &second, NULL));
    CHECK(memcmp(first.pin, second.pin, ISO_TLS_PIN_SIZE) != 0);
    CHECK(memcmp(first.pin, first.fingerprint, ISO_TLS_PIN_SIZE) != 0);
    iso_tls_identity_fini(&first);
    iso_tls_identity_fini(&second);
}

TEST(a_certificate_has_its_names_and_does_not_expire)
{
    struct iso_tls_identity identity;
    CHECK_OK(iso_tls_identity_make(names, 3, &identity, NULL));
    gnutls_x509_crt_t certificate;
    gnutls_datum_t text = {(unsigned char *)identity.certificate_pem,
                           (unsigned)strlen(identity.certificate_pem)};
    CHECK(gnutls_x509_crt_init(&certificate) == 0);
    CHECK(gnutls_x509_crt_import(certificate, &text, GNUTLS_X509_FMT_PEM) == 0);
    CHECK(gnutls_x509_crt_check_hostname(certificate, "device.local") != 0);
    CHECK(gnutls_x509_crt_check_hostname(certificate, "192.0.2.7") != 0);
    CHECK(gnutls_x509_crt_check_hostname(certificate, "2001:db8::7") != 0);
    CHECK(gnutls_x509_crt_check_hostname(certificate, "other.local") == 0);
    CHECK(gnutls_x509_crt_get_expiration_time(certificate) > 4000000000); /* beyond 2096 */
    CHECK(gnutls_x509_crt_get_pk_algorithm(certificate, NULL) == GNUTLS_PK_ECDSA);
    gnutls_datum_t der;
    uint8_t fingerprint[ISO_TLS_PIN_SIZE];
    uint8_t pin[ISO_TLS_PIN_SIZE];
    CHECK(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_DER, &der) == 0);
    CHECK_OK(iso_tls_certificate_pins(iso_bytes_from(der.data, der.size), fingerprint, pin));
    CHECK_MEM(fingerprint, identity.fingerprint, ISO_TLS_PIN_SIZE);
    CHECK_MEM(pin, identity.pin, ISO_TLS_PIN_SIZE);
    CHECK_ERR(iso_tls_certificate_pins(iso_bytes_from(der.data, der.size - 1), fingerprint, pin),
              ISO_E_MALFORMED);
    gnutls_free(der.data);
    gnutls_x509_crt_deinit(certificate);
    iso_tls_identity_fini(&identity);
}

TEST(bad_names_are_refused)
{
    struct iso_tls_identity identity;
    static const char *const bad[] = {"", "a b", "a/b", "x\n", "\xc3\xa4"};
    for (size_t i = 0; i < ISO_COUNT_OF(bad); i++) {
        CHECK_ERR(iso_tls_identity_make(&bad[i], 1, &identity, NULL), ISO_E_ARGUMENT);
    }
    CHECK_ERR(iso_tls_identity_make(names, 0, &identity, NULL), ISO_E_ARGUMENT);
    const char *many[ISO_TLS_MAX_NAMES + 1];
    for (size_t i = 0; i < ISO_COUNT_OF(many); i++) {
        many[i] = "x";
    }
    CHECK_ERR(iso_tls_identity_make(many, ISO_COUNT_OF(many), &identity, NULL), ISO_E_ARGUMENT);
    CHECK_OK(iso_tls_identity_make(many, ISO_TLS_MAX_NAMES, &identity, NULL));
    iso_tls_identity_fini(&identity);
}

static void put(const struct place *place, const char *first, const char *second)
{
    struct iso_buf text;
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_buf_append(&text, first, strlen(first)));
    CHECK_OK(iso_buf_append(&text, second, strlen(second)));
    CHECK_OK(iso_file_write_atomic(place->path, iso_buf_view(&text), NULL));
    iso_buf_fini(&text);
}

TEST(damaged_files_are_refused_and_not_replaced)
{
    struct place place;
    place_init(&place);
    struct iso_tls_identity one;
    struct iso_tls_identity two;
    struct iso_tls_identity loaded;
    CHECK_OK(iso_tls_identity_make(names, 1, &one, NULL));
    CHECK_OK(iso_tls_identity_make(names, 1, &two, NULL));
    const struct {
        const char *first, *second;
    } files[] = {{"", ""},
                 {one.certificate_pem, ""},
                 {one.key_pem, ""},
                 {one.certificate_pem, two.key_pem},
                 {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", one.key_pem}};
    for (size_t i = 0; i < ISO_COUNT_OF(files); i++) {
        put(&place, files[i].first, files[i].second);
        CHECK_ERR(iso_tls_identity_load_or_make(place.path, names, 1, &loaded, NULL),
                  ISO_E_MALFORMED);
    }
    put(&place, one.certificate_pem, one.key_pem);
    CHECK_OK(iso_tls_identity_load(place.path, &loaded, NULL));
    iso_tls_identity_fini(&loaded);
    CHECK(chmod(place.path, 0604) == 0);
    CHECK_ERR(iso_tls_identity_load(place.path, &loaded, NULL), ISO_E_ACCESS);
    (void)unlink(place.path);
    CHECK_ERR(iso_tls_identity_load(place.path, &loaded, NULL), ISO_E_NOT_FOUND);
    iso_tls_identity_fini(&one);
    iso_tls_identity_fini(&two);
    place_fini(&place);
}

TEST(pins_have_texts)
{
    uint8_t pin[ISO_TLS_PIN_SIZE];
    uint8_t back[ISO_TLS_PIN_SIZE];
    for (size_t i = 0; i < sizeof pin; i++) {
        pin[i] = (uint8_t)(i * 7);
    }
    char text[ISO_TLS_PIN_TEXT_SIZE];
    iso_tls_pin_text(pin, text);
    CHECK(strlen(text) == ISO_TLS_PIN_TEXT_SIZE - 1);
    CHECK(iso_tls_pin_parse(iso_str_from_z(text), back));
    CHECK_MEM(back, pin, sizeof pin);
    CHECK(iso_tls_pin_parse(iso_str_from_z(text + 7), back));
    char colons[128];
    size_t len = 0;
    for (size_t i = 0; i < sizeof pin; i++) {
        len +=
            (size_t)snprintf(colons + len, sizeof colons - len, i == 0 ? "%02X" : ":%02X", pin[i]);
    }
    memset(back, 0, sizeof back);
    CHECK(iso_tls_pin_parse(iso_str_from_z(colons), back));
    CHECK_MEM(back, pin, sizeof pin);
    CHECK(!iso_tls_pin_parse(iso_str_from(text, strlen(text) - 1), back));
    CHECK(!iso_tls_pin_parse(iso_str_from_z("sha256:"), back));
    CHECK(!iso_tls_pin_parse(iso_str_from_z(""), back));
    text[9] = 'g';
    CHECK(!iso_tls_pin_parse(iso_str_from_z(text), back));
    char curl[56];
    iso_tls_pin_curl(pin, curl);
    CHECK_EQ_U64(strlen(curl), 52);
}
