/* Fuzz target `pairing`: any bytes as each message of a pairing, and as a code or a token. Nobody
 * who does not know the code gets through. */
#include "harness.h"
#include "target.h"

#include "net/pairing.h"
#include "net/token.h"

static const uint8_t pin[ISO_PAIRING_PIN_SIZE] = {1};

static void check_device(struct iso_bytes message)
{
    struct iso_pairing_device device;
    char code[ISO_PAIRING_CODE_TEXT_SIZE];
    uint8_t peer[ISO_PAIRING_PIN_SIZE];
    struct iso_buf answer;
    iso_buf_init(&answer, iso_alloc_libc(), SIZE_MAX);
    if (iso_pairing_device_open(&device, pin, 0, code) != ISO_OK) {
        fuzz_fail("no random numbers");
    }
    (void)!iso_pairing_device_start(&device, 0, message, &answer, NULL);
    if (iso_pairing_device_finish(&device, 0, message, peer, NULL) == ISO_OK) {
        fuzz_fail("a stranger was let in");
    }
    if (answer.len > ISO_PAIRING_MAX_MESSAGE) {
        fuzz_fail("an answer of %zu bytes", answer.len);
    }
    iso_pairing_device_fini(&device);
    iso_buf_fini(&answer);
}

static void check_client(struct iso_bytes message)
{
    struct iso_pairing_client client;
    struct iso_buf out;
    char token[ISO_PAIRING_MAX_TOKEN + 1];
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    struct iso_str code = iso_str_from_z("0123-4567-89AB-CDEF");
    if (iso_pairing_client_init(&client, code, pin, NULL) != ISO_OK ||
        iso_pairing_client_start(&client, &out) != ISO_OK) {
        fuzz_fail("a pairing did not start");
    }
    out.len = 0;
    if (iso_pairing_client_check(&client, pin, message, &out, NULL) == ISO_OK || out.len != 0) {
        fuzz_fail("an impostor was believed");
    }
    client.stage = ISO_PAIRING_CHECKED;
    if (iso_pairing_client_finish(&client, message, token, NULL) == ISO_OK &&
        (token[0] == '\0' || strlen(token) > ISO_PAIRING_MAX_TOKEN)) {
        fuzz_fail("a token of %zu characters", strlen(token));
    }
    iso_pairing_client_fini(&client);
    iso_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct iso_bytes message = iso_bytes_from(data, len);
    struct iso_str text = iso_str_from((const char *)data, len);
    uint8_t code[ISO_PAIRING_CODE_SIZE];
    char id[ISO_TOKEN_ID_SIZE];
    uint8_t psk[ISO_TOKEN_PSK_SIZE];
    check_device(message);
    check_client(message);
    (void)!iso_pairing_code_parse(text, code, NULL);
    if (iso_token_split(text, id, psk) && len != ISO_TOKEN_TEXT_SIZE - 1) {
        fuzz_fail("a token of %zu characters", len);
    }
    return 0;
}
