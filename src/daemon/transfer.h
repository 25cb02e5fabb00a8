/*
 * transfer.h - modules that are received and sent: bodies that come from and go to the files of a
 * store of blobs, in pieces. What both daemons' routes of modules have in common; loop thread.
 */
#ifndef ISO_DAEMON_TRANSFER_H
#define ISO_DAEMON_TRANSFER_H

#include "net/http_server.h"
#include "package/package.h"

/* A daemon's; filled in by it, and kept as long as its server. */
struct iso_transfers {
    const struct iso_alloc *alloc;
    struct iso_blobs *blobs;
    unsigned receiving_max; /* at a time; what is there already does not count */
    unsigned receiving;     /* internal: 0 at first */
};

/* The digest in the path of a request; false: 400 has been answered. */
ISO_MUST_CHECK bool iso_transfer_digest(struct iso_http_request *req, struct iso_str text,
                                        uint8_t digest[ISO_SHA256_SIZE]);

/* For `begin` of a route whose body is a module. digest: that it must have; NULL: whatever it has.
 * Whatever has not been taken when the request is over is forgotten. False: an error has been
 * answered, 503 when too many are being received. */
ISO_MUST_CHECK bool iso_transfer_begin(struct iso_transfers *transfers,
                                       struct iso_http_request *req,
                                       const uint8_t digest[ISO_SHA256_SIZE]);
/* `data` of the same route. */
unsigned iso_transfer_piece(void *ctx, struct iso_http_request *req, struct iso_bytes piece);
/* For `handle` of the same route, first. False: what came could not be written; answered. */
ISO_MUST_CHECK bool iso_transfer_check(const struct iso_http_request *req);
/* What has been received, for its size; still the request's. NULL: the module was there before. */
const struct iso_blob_upload *iso_transfer_received(const struct iso_http_request *req);
/* The same, to be finished or aborted by the caller. */
struct iso_blob_upload *iso_transfer_take(struct iso_http_request *req);

/* Answers with a module once its bytes have been compared with its name; a HEAD at once, with its
 * size. 404 when it is not there, 500 when its bytes have changed. */
void iso_transfer_send(struct iso_transfers *transfers, struct iso_http_request *req,
                       const uint8_t digest[ISO_SHA256_SIZE]);

#endif
