/* http_server_taken.h - how much a peer has taken of what it was sent. Apart, since the kernel's
 * header and the C library's, which libuv brings, do not go together. */
#ifndef ISO_NET_HTTP_SERVER_TAKEN_H
#define ISO_NET_HTTP_SERVER_TAKEN_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes that the peer of a TCP socket has acknowledged in all. False when the kernel cannot say. */
bool http_bytes_taken(int fd, uint64_t *out);

#endif
