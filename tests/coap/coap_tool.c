/* coap_tool: our CoAP server and client for tests/coap/run.sh and bench/coap.
 *
 *     coap_tool serve [--bind ADDRESS] [--identity I --key K]
 *     coap_tool METHOD SCHEME ADDRESS PORT PATH [--identity I --key K] [--payload FILE]
 *               [--out FILE] [--timeout MS] [--count N --parallel N] */
#include "coap_tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void tool_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("coap_tool: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

enum iso_coap_transport tool_transport(const char *scheme)
{
    for (int transport = ISO_COAP_UDP; transport <= ISO_COAP_TLS; transport++) {
        if (strcmp(scheme, iso_coap_transport_scheme((enum iso_coap_transport)transport)) == 0) {
            return (enum iso_coap_transport)transport;
        }
    }
    tool_fail("no scheme is called '%s'", scheme);
}

static unsigned number_of(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end != '\0' || value == 0 || value > 10000000) {
        tool_fail("'%s' is no number from 1 to 10,000,000", text);
    }
    return (unsigned)value;
}

int main(int argc, char **argv)
{
    struct tool_options options = {
        .count = 1, .parallel = 1, .timeout_ms = 10000, .bind = "127.0.0.1"};
    const char *words[6] = {NULL};
    size_t word_count = 0;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--quiet") == 0) {
            options.quiet = true;
            continue;
        }
        if (strncmp(argv[i], "--", 2) != 0) {
            if (word_count == ISO_COUNT_OF(words)) {
                tool_fail("too many words");
            }
            words[word_count++] = argv[i];
            continue;
        }
        if (value == NULL) {
            tool_fail("%s needs a value", argv[i]);
        }
        if (strcmp(argv[i], "--identity") == 0) {
            options.identity = value;
        } else if (strcmp(argv[i], "--key") == 0) {
            options.key = value;
        } else if (strcmp(argv[i], "--payload") == 0) {
            options.payload_file = value;
        } else if (strcmp(argv[i], "--out") == 0) {
            options.out_file = value;
        } else if (strcmp(argv[i], "--count") == 0) {
            options.count = number_of(value);
        } else if (strcmp(argv[i], "--bind") == 0) {
            options.bind = value;
        } else if (strcmp(argv[i], "--timeout") == 0) {
            options.timeout_ms = number_of(value);
        } else if (strcmp(argv[i], "--parallel") == 0) {
            options.parallel = number_of(value);
        } else {
            tool_fail("no option is called %s", argv[i]);
        }
        i++;
    }
    if (word_count == 1 && strcmp(words[0], "serve") == 0) {
        return tool_serve(&options);
    }
    if (word_count != 5) {
        tool_fail("serve, or METHOD SCHEME ADDRESS PORT PATH");
    }
    return tool_call(words[0], words[1], words[2], words[3], words[4], &options);
}
