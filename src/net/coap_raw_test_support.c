/* A client straight over libcoap, for tests. */
#include "net/coap_raw_test_support.h"

#include "net/coap_limits.h"

static void nothing(void *owner)
{
    (void)owner;
}

static int on_event(coap_session_t *cs, const coap_event_t event)
{
    struct coap_raw *raw = coap_get_app_data(coap_session_get_context(cs));
    raw->up = raw->up || event == COAP_EVENT_SESSION_CONNECTED;
    raw->closed = raw->closed || event == COAP_EVENT_TCP_CLOSED || event == COAP_EVENT_TCP_FAILED;
    return 0;
}

static coap_response_t on_response(coap_session_t *cs, const coap_pdu_t *sent,
                                   const coap_pdu_t *received, const coap_mid_t mid)
{
    (void)sent;
    (void)mid;
    struct coap_raw *raw = coap_get_app_data(coap_session_get_context(cs));
    raw->answers++;
    raw->code = (uint8_t)coap_pdu_get_code(received);
    coap_opt_iterator_t iterator;
    coap_opt_t *option = coap_check_option(received, COAP_OPTION_OBSERVE, &iterator);
    if (option != NULL) {
        raw->notifications++;
        raw->number = coap_decode_var_bytes(coap_opt_value(option), coap_opt_length(option));
    }
    const uint8_t *data = NULL;
    raw->len = 0;
    raw->text[0] = '\0';
    if (coap_get_data(received, &raw->len, &data)) {
        iso_format(raw->text, sizeof(raw->text), "%.*s", raw->len < 100 ? (int)raw->len : 100,
                   (const char *)data);
    }
    return raw->reject ? COAP_RESPONSE_FAIL : COAP_RESPONSE_OK;
}

void coap_raw_open(struct coap_test *test, struct coap_raw *raw, enum iso_coap_transport transport,
                   bool wait)
{
    memset(raw, 0, sizeof(*raw));
    raw->io.owner = raw;
    raw->io.pump = raw->io.on_tick = raw->io.closed = nothing;
    CHECK_OK(iso_coap_io_open(&raw->io, &test->loop, NULL));
    coap_register_event_handler(raw->io.context, on_event);
    coap_register_response_handler(raw->io.context, on_response);
    coap_address_t address;
    CHECK(iso_coap_address_set(&address, &test->addresses[transport]));
    raw->cs = coap_new_client_session(raw->io.context, NULL, &address, iso_coap_proto(transport));
    CHECK(raw->cs != NULL);
    raw->up = transport == ISO_COAP_UDP;
    while (wait && !raw->up) {
        uv_run(&test->loop, UV_RUN_ONCE);
    }
}

void coap_raw_close(struct coap_raw *raw)
{
    coap_session_release(raw->cs);
    iso_coap_io_close(&raw->io);
}

void coap_raw_send(struct coap_raw *raw, uint8_t method, const char *path, const char *token,
                   uint16_t option, const void *value, size_t value_len, size_t payload_len)
{
    static uint8_t payload[15000];
    CHECK(payload_len <= sizeof(payload));
    coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_CON, (coap_pdu_code_t)method,
                                    coap_new_message_id(raw->cs), ISO_COAP_MESSAGE_MAX);
    CHECK(pdu != NULL);
    CHECK(coap_add_token(pdu, strlen(token), (const uint8_t *)token));
    CHECK(coap_add_option(pdu, COAP_OPTION_URI_PATH, strlen(path), (const uint8_t *)path) != 0);
    /* libcoap puts an option with a smaller number before. */
    CHECK(option == 0 || coap_add_option(pdu, option, value_len, value) != 0);
    CHECK(coap_add_data(pdu, payload_len, payload));
    CHECK(coap_send(raw->cs, pdu) != COAP_INVALID_MID);
    iso_coap_io_want(&raw->io);
}

void coap_raw_get(struct coap_raw *raw, const char *path, const char *token, int observe)
{
    uint8_t value = 1;
    coap_raw_send(raw, COAP_REQUEST_GET, path, token, observe < 0 ? 0 : COAP_OPTION_OBSERVE, &value,
                  observe == 1 ? 1 : 0, 0);
}

void coap_raw_until(struct coap_test *test, const struct coap_raw *raw, unsigned answers)
{
    while (raw->answers < answers) {
        uv_run(&test->loop, UV_RUN_ONCE);
    }
    CHECK_EQ_U64(raw->answers, answers);
}
