/* A client straight over libcoap, for tests: what a link of ours would never send. */
#ifndef ISO_NET_COAP_RAW_TEST_SUPPORT_H
#define ISO_NET_COAP_RAW_TEST_SUPPORT_H

#include "net/coap_io.h"
#include "net/coap_test_support.h"

struct coap_raw {
    struct iso_coap_io io;
    coap_session_t *cs;
    bool up;
    bool closed;
    bool reject; /* answers what comes with a reset */
    unsigned answers;
    unsigned notifications; /* answers with the option Observe */
    uint8_t code;
    uint32_t number; /* of the last notification */
    char text[128];  /* the beginning of the last payload */
    size_t len;
};

/* Opens a session over UDP or TCP; without `wait` TCP is not connected yet when it returns. */
void coap_raw_open(struct coap_test *test, struct coap_raw *raw, enum iso_coap_transport transport,
                   bool wait);
void coap_raw_close(struct coap_raw *raw);

/* Sends a request with one option, which comes after the path. */
void coap_raw_send(struct coap_raw *raw, uint8_t method, const char *path, const char *token,
                   uint16_t option, const void *value, size_t value_len, size_t payload_len);
/* A GET, observing or not: 0 registers, 1 deregisters, -1 neither. */
void coap_raw_get(struct coap_raw *raw, const char *path, const char *token, int observe);

/* Runs the loop until so many answers have come in all, and no more. */
void coap_raw_until(struct coap_test *test, const struct coap_raw *raw, unsigned answers);

#endif
