/* transfer.c - as transfer.h says. The file of a module is read through on the pool before it is
 * sent; the server then sends it from the descriptor, so that none of it is kept in memory. */
#include "daemon/transfer.h"

#include "daemon/reply.h"
#include "daemon/route.h"

#include <fcntl.h>
#include <unistd.h>

bool iso_transfer_digest(struct iso_http_request *req, struct iso_str text,
                         uint8_t digest[ISO_SHA256_SIZE])
{
    struct iso_report report;
    iso_report_init(&report);
    const enum iso_err err = iso_digest_parse(text, digest, &report);
    if (err != ISO_OK) {
        iso_reply_error(iso_http_request_server(req), iso_http_request_id(req), err, &report);
    }
    return err == ISO_OK;
}

/* ---- Received ----------------------------------------------------------------------------------
 */

/* A module that is being received. */
struct receiving {
    struct iso_transfers *transfers;
    struct iso_blob_upload *upload; /* NULL: it was there before, has been taken, or failed */
    bool counted;
    enum iso_err err; /* of writing it */
    struct iso_report report;
};

static void on_received_closed(void *ctx, void *user)
{
    struct receiving *receiving = user;
    struct iso_transfers *transfers = receiving->transfers;
    (void)ctx;
    transfers->receiving -= receiving->counted ? 1 : 0;
    iso_blob_upload_abort(receiving->upload);
    iso_alloc_free(transfers->alloc, receiving, sizeof *receiving);
}

bool iso_transfer_begin(struct iso_transfers *transfers, struct iso_http_request *req,
                        const uint8_t digest[ISO_SHA256_SIZE])
{
    struct iso_http_server *http = iso_http_request_server(req);
    const iso_http_id id = iso_http_request_id(req);
    struct iso_report report;
    uint64_t size;
    const bool is_there = digest != NULL && iso_blobs_find(transfers->blobs, digest, &size);
    struct receiving *receiving = is_there || transfers->receiving < transfers->receiving_max
                                      ? iso_alloc_new(transfers->alloc, sizeof *receiving)
                                      : NULL;
    if (receiving == NULL) {
        iso_http_problem(http, id, 503, NULL, NULL,
                         "too many modules are being received; try again");
        return false;
    }
    receiving->transfers = transfers;
    receiving->counted = !is_there;
    transfers->receiving += receiving->counted ? 1 : 0;
    iso_route_closer(req, on_received_closed, receiving);
    iso_report_init(&report);
    const enum iso_err err =
        iso_blobs_begin(transfers->blobs, digest, iso_http_request_content_length(req),
                        &receiving->upload, &report);
    if (err == ISO_E_REFUSED) { /* those whose clients have gone, and which the disk still has */
        iso_http_problem(http, id, 503, NULL, NULL, iso_report_text(&report, err));
    } else if (err != ISO_OK) {
        iso_reply_error(http, id, err, &report);
    }
    return err == ISO_OK;
}

unsigned iso_transfer_piece(void *ctx, struct iso_http_request *req, struct iso_bytes piece)
{
    struct receiving *receiving = iso_route_user(req);
    (void)ctx;
    if (receiving->upload == NULL) {
        return 0; /* what comes is not needed */
    }
    iso_report_init(&receiving->report);
    const enum iso_err err = iso_blob_upload_write(receiving->upload, piece, &receiving->report);
    if (err == ISO_OK) {
        return 0;
    }
    if (err == ISO_E_IO) { /* told when all has come: who is still sending would not read it */
        receiving->err = err;
        iso_blob_upload_abort(iso_transfer_take(req));
        return 0;
    }
    iso_reply_error(iso_http_request_server(req), iso_http_request_id(req), err,
                    &receiving->report);
    return iso_reply_status(err);
}

bool iso_transfer_check(const struct iso_http_request *req)
{
    const struct receiving *receiving = iso_route_user(req);
    if (receiving->err != ISO_OK) {
        iso_reply_error(iso_http_request_server(req), iso_http_request_id(req), receiving->err,
                        &receiving->report);
    }
    return receiving->err == ISO_OK;
}

const struct iso_blob_upload *iso_transfer_received(const struct iso_http_request *req)
{
    const struct receiving *receiving = iso_route_user(req);
    return receiving->upload;
}

struct iso_blob_upload *iso_transfer_take(struct iso_http_request *req)
{
    struct receiving *receiving = iso_route_user(req);
    struct iso_blob_upload *upload = receiving->upload;
    receiving->upload = NULL;
    return upload;
}

/* ---- Sent --------------------------------------------------------------------------------------
 */

/* A module that is being read through. */
struct sending {
    const struct iso_alloc *alloc;
    struct iso_http_server *http; /* NULL: the request is over */
    iso_http_id id;
};

static void on_sent_closed(void *ctx, void *user)
{
    struct sending *sending = user;
    (void)ctx;
    if (sending->http != NULL) {
        sending->http = NULL; /* released when it comes back from the pool */
    } else {
        iso_alloc_free(sending->alloc, sending, sizeof *sending);
    }
}

static void answer_file(struct iso_http_server *http, iso_http_id id, int fd, uint64_t size_bytes)
{
    const struct iso_http_file file = {fd, size_bytes};
    const struct iso_http_response response = {
        .status = 200, .content_type = "application/wasm", .file = &file};
    iso_http_respond(http, id, &response);
}

static void on_opened(void *ctx, enum iso_err err, int fd, uint64_t size_bytes,
                      const struct iso_report *report)
{
    struct sending *sending = ctx;
    struct iso_http_server *http = sending->http;
    if (http == NULL) {
        if (fd >= 0) {
            (void)close(fd);
        }
        iso_alloc_free(sending->alloc, sending, sizeof *sending);
        return;
    }
    sending->http = NULL;       /* released when the request is over */
    if (err == ISO_E_INVALID) { /* damaged: no fault of who asks */
        iso_http_problem(http, sending->id, 500, NULL, NULL, iso_report_text(report, err));
    } else if (err != ISO_OK) {
        iso_reply_error(http, sending->id, err, report);
    } else {
        answer_file(http, sending->id, fd, size_bytes);
    }
}

/* Whether it is there, and how large: not worth reading it through. False: it cannot be opened. */
static bool answer_head(struct iso_transfers *transfers, struct iso_http_request *req,
                        const uint8_t digest[ISO_SHA256_SIZE], uint64_t size_bytes)
{
    char path[ISO_BLOB_PATH_SIZE];
    iso_blobs_path(transfers->blobs, digest, path);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        answer_file(iso_http_request_server(req), iso_http_request_id(req), fd, size_bytes);
    }
    return fd >= 0;
}

void iso_transfer_send(struct iso_transfers *transfers, struct iso_http_request *req,
                       const uint8_t digest[ISO_SHA256_SIZE])
{
    struct iso_http_server *http = iso_http_request_server(req);
    const iso_http_id id = iso_http_request_id(req);
    uint64_t size_bytes;
    if (!iso_blobs_find(transfers->blobs, digest, &size_bytes)) {
        iso_http_problem(http, id, 404, NULL, NULL, "this module is not in the store");
        return;
    }
    if (iso_http_request_is_head(req) && answer_head(transfers, req, digest, size_bytes)) {
        return;
    }
    struct sending *sending = iso_alloc_new(transfers->alloc, sizeof *sending);
    if (sending == NULL) {
        iso_http_problem(http, id, 503, NULL, NULL, "out of memory");
        return;
    }
    *sending = (struct sending){transfers->alloc, http, id};
    iso_route_closer(req, on_sent_closed, sending);
    iso_blobs_open(transfers->blobs, digest, on_opened, sending);
}
