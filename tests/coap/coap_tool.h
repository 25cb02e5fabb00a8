/* Our CoAP server and client as a program, for tests with others and for measuring. */
#ifndef TESTS_COAP_TOOL_H
#define TESTS_COAP_TOOL_H

#include "net/coap.h"

struct tool_options {
    const char *identity;
    const char *key;
    const char *payload_file; /* NULL: none */
    const char *out_file;     /* NULL: standard output */
    unsigned count;           /* calls in all */
    unsigned parallel;        /* of them at once */
    uint32_t timeout_ms;
    const char *bind; /* IPv4 address of the server */
    bool quiet;
};

/* Ends the process with a message. */
ISO_NORETURN void tool_fail(const char *format, ...) ISO_PRINTF(1, 2);

/* The transport of a scheme ("coap+tcp"); ends the process when there is none. */
enum iso_coap_transport tool_transport(const char *scheme);

/* Both return the exit status. */
int tool_serve(const struct tool_options *options);
int tool_call(const char *method, const char *scheme, const char *host, const char *port,
              const char *path, const struct tool_options *options);

#endif
