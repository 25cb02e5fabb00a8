/* The limits of the CoAP layer that no configuration changes; those of a server that do stand in
 * coap.h (struct iso_coap_limits). */
#ifndef ISO_NET_COAP_LIMITS_H
#define ISO_NET_COAP_LIMITS_H

#include <stdint.h>

enum {
    /* Max-Message-Size that every context announces, and the most that is ever sent: libcoap 4.3.1
     * never finishes writing a TLS message above a record (16 KiB). */
    ISO_COAP_MESSAGE_MAX = 16000,
    /* Payload of one message: over TCP and TLS, and over UDP and DTLS, where it has to fit one
     * datagram (1,152 bytes; a block of 1,024 as RFC 7959 has it). */
    ISO_COAP_PART_STREAM = 12 * 1024,
    ISO_COAP_PART_DATAGRAM = 1024,
    /* Segments of a path, queries, and the text of both. */
    ISO_COAP_SEGMENTS_MAX = 32,
    ISO_COAP_QUERIES_MAX = 16,
    ISO_COAP_OPTION_TEXT_MAX = 255, /* RFC 7252, section 5.10 */
    ISO_COAP_PATH_TEXT_MAX = 2048,
    /* Ranges of a message that has gaps (datagrams out of order). */
    ISO_COAP_RANGES_MAX = 32,
    /* Datagram requests that a session remembers in order to know a repeated one. */
    ISO_COAP_RECENT_MAX = 8,
    /* Unconfirmed bytes after which a ping asks for confirmation. */
    ISO_COAP_PING_BYTES = 64 * 1024,
    /* A session with a key may leave this many times unread_bytes unread, for so long. */
    ISO_COAP_UNREAD_FACTOR = 16,
    ISO_COAP_UNREAD_MS = 5000,
    /* In flight in chunks before the receiver has granted anything, and over datagrams at most. */
    ISO_COAP_WINDOW_FIRST = 256 * 1024,
    ISO_COAP_WINDOW_DATAGRAM = 8 * 1024,
    /* Confirmable datagrams in flight at once (NSTART, RFC 7252, section 4.7). */
    ISO_COAP_NSTART_OURS = 8,
    /* Calls not done, and messages without answer, over all peers of a client. */
    ISO_COAP_JOBS_MAX = 1 << 20,
    ISO_COAP_EXCHANGES_MAX = 1 << 21,
    /* Beginnings of DTLS handshakes that libcoap keeps for half a minute, 8 KiB each. */
    ISO_COAP_HELLOS_MAX = 1024,
    ISO_COAP_BACKLOG = 128, /* connections that wait to be accepted, per listener */
    ISO_COAP_LINKS_MAX = 1024 * 1024,
    ISO_COAP_DIAGNOSTIC_MAX = 512
};

#endif
