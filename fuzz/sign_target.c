/* Fuzz target `sign`: any bytes as a public key, a secret key and a signature of minisign. No bytes
 * are a signature of a key that nobody used. */
#include "harness.h"
#include "target.h"

#include "package/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct iso_str text = iso_str_from((const char *)data, len);
    const struct iso_sign_public stranger = {.id = {1}, .key = {2}};
    struct iso_sign_public key;
    struct iso_sign_secret secret;
    struct iso_sign_found found;
    if (iso_sign_public_parse(text, &key, NULL) == ISO_OK) {
        char line[57];
        struct iso_sign_public again;
        iso_sign_public_text(&key, line);
        if (iso_sign_public_parse(iso_str_from_z(line), &again, NULL) != ISO_OK ||
            memcmp(&key, &again, sizeof key) != 0) {
            fuzz_fail("a key is printed as another one");
        }
    }
    if (iso_sign_verify(&stranger, 1, iso_bytes_from("x", 1), text, &found, NULL) == ISO_OK) {
        fuzz_fail("a signature of a key that signed nothing");
    }
    if (!iso_sign_secret_is_locked(text)) { /* unlocking takes a second */
        (void)!iso_sign_secret_parse(text, NULL, &secret, NULL);
    }
    return 0;
}
