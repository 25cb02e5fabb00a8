/* Streams: server-sent events (HTML standard, section 9.2) and multipart/x-mixed-replace.
 *
 * libmicrohttpd asks for bytes when the socket takes some; without any the connection is suspended
 * until the next write. What waits is in one buffer per stream, bounded: an event stream that is
 * full is closed, a picture is not taken before the one before it is out. */
#include "net/http_server_internal.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#define BOUNDARY "isomer-frame"

enum { PART_TYPE_MAX = 100 }; /* characters of a part's media type */

/* ---- Reading and filling the buffer ------------------------------------------------------- */

static ssize_t on_read(void *ctx, uint64_t position, char *to, size_t room)
{
    (void)position;
    struct http_connection *conn = ctx;
    struct iso_http_request *req = &conn->req;
    struct http_stream *stream = req->stream;
    if (req->abort || stream->failed) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t left = stream->buf.len - stream->sent;
    if (left == 0) {
        stream->buf.len = 0;
        stream->sent = 0;
        if (stream->ended) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        stream->waiting = true;
        req->deferred_ms = uv_now(conn->server->loop);
        MHD_suspend_connection(conn->mhd);
        return 0;
    }
    size_t taken = left < room ? left : room;
    memcpy(to, stream->buf.ptr + stream->sent, taken);
    stream->sent += taken;
    stream->progress_ms = uv_now(conn->server->loop);
    conn->server->stats.bytes_out += taken;
    return (ssize_t)taken;
}

static void stream_wake(struct iso_http_request *req)
{
    struct http_stream *stream = req->stream;
    uint64_t now_ms = uv_now(req->conn->server->loop);
    stream->written_ms = now_ms;
    if (stream->waiting) {
        stream->progress_ms = now_ms;
        stream->waiting = false;
        http_connection_resume(req->conn);
    }
}

/* What was sent makes room. */
static void stream_compact(struct http_stream *stream)
{
    if (stream->sent != 0) {
        stream->buf.len -= stream->sent;
        memmove(stream->buf.ptr, stream->buf.ptr + stream->sent, stream->buf.len);
        stream->sent = 0;
    }
}

/* Too slow, or no memory: the client comes again. */
static enum iso_err stream_fail(struct iso_http_request *req, enum iso_err err)
{
    req->stream->failed = true;
    http_connection_kill(req->conn);
    return err;
}

static struct iso_http_request *stream_find(struct iso_http_server *server, iso_http_id id)
{
    struct iso_http_request *req = iso_http_request_find(server, id);
    bool live = req != NULL && req->stream != NULL && req->stage != HTTP_OVER && !req->abort &&
                !req->stream->ended && !req->stream->failed;
    return live ? req : NULL;
}

/* ---- Beginning and end -------------------------------------------------------------------- */

static const char *type_of(const struct iso_http_stream_config *config)
{
    switch (config->kind) {
    case ISO_HTTP_STREAM_EVENTS:
        return "text/event-stream";
    case ISO_HTTP_STREAM_MULTIPART:
        return "multipart/x-mixed-replace; boundary=" BOUNDARY;
    case ISO_HTTP_STREAM_RAW:
    default:
        return config->content_type != NULL ? config->content_type : "application/octet-stream";
    }
}

static struct MHD_Response *answer_make(struct http_connection *conn,
                                        const struct iso_http_stream_config *config)
{
    struct MHD_Response *answer =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, on_read, conn, NULL);
    bool fine = answer != NULL && http_answer_add(answer, "X-Content-Type-Options", "nosniff") &&
                http_answer_add(answer, "Cache-Control", "no-store") &&
                http_answer_add(answer, "Content-Type", type_of(config));
    for (size_t i = 0; i < config->field_count && fine; i++) {
        fine = http_answer_add(answer, config->fields[i].name, config->fields[i].value);
    }
    if (!fine && answer != NULL) {
        MHD_destroy_response(answer);
    }
    return fine ? answer : NULL;
}

static struct http_stream *stream_make(const struct iso_http_server *server,
                                       const struct iso_http_stream_config *config)
{
    struct http_stream *stream = iso_alloc_new(iso_alloc_libc(), sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    size_t max = config->buffer_bytes != 0 ? config->buffer_bytes : server->limits.stream_bytes;
    stream->kind = config->kind;
    iso_buf_init(&stream->buf, iso_alloc_libc(),
                 config->kind == ISO_HTTP_STREAM_MULTIPART ? HTTP_PART_BYTES + 256 : max);
    stream->written_ms = uv_now(server->loop);
    stream->progress_ms = stream->written_ms;
    return stream;
}

enum iso_err iso_http_stream_begin(struct iso_http_server *server, iso_http_id id,
                                   const struct iso_http_stream_config *config)
{
    struct iso_http_request *req = iso_http_request_find(server, id);
    if (req == NULL || !http_is_answerable(req)) {
        return ISO_E_NOT_FOUND;
    }
    if (server->stats.streams >= server->limits.streams || server->closing) {
        http_refuse(req, 503, "too many streams; try again later");
        return ISO_E_LIMIT;
    }
    struct MHD_Response *answer = answer_make(req->conn, config);
    struct http_stream *stream = answer != NULL ? stream_make(server, config) : NULL;
    if (stream == NULL) {
        if (answer != NULL) {
            MHD_destroy_response(answer);
        }
        iso_http_abort(server, id);
        return ISO_E_NOMEM;
    }
    req->stream = stream;
    server->stats.streams++;
    if (config->kind == ISO_HTTP_STREAM_MULTIPART) {
        /* Pictures that wait in the kernel are old when they arrive. */
        int unsent = HTTP_PART_UNSENT;
        (void)setsockopt(req->conn->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    }
    if (config->kind == ISO_HTTP_STREAM_EVENTS && config->retry_ms != 0) {
        char text[40];
        size_t len = iso_format(text, sizeof text, "retry: %u\n\n", (unsigned)config->retry_ms);
        (void)!iso_buf_append(&stream->buf, text, len);
    }
    http_answer(req, 200, answer);
    return ISO_OK;
}

void http_stream_release(struct iso_http_request *req)
{
    if (req->stream != NULL) {
        req->conn->server->stats.streams--;
        iso_buf_fini(&req->stream->buf);
        iso_alloc_free(iso_alloc_libc(), req->stream, sizeof *req->stream);
        req->stream = NULL;
    }
}

void iso_http_stream_end(struct iso_http_server *server, iso_http_id id)
{
    struct iso_http_request *req = stream_find(server, id);
    if (req != NULL) {
        req->stream->ended = true;
        stream_wake(req);
    }
}

size_t iso_http_stream_pending(struct iso_http_server *server, iso_http_id id)
{
    struct iso_http_request *req = stream_find(server, id);
    return req != NULL ? req->stream->buf.len - req->stream->sent : 0;
}

void http_stream_tick(struct iso_http_request *req, uint64_t now_ms)
{
    struct http_stream *stream = req->stream;
    struct iso_http_server *server = req->conn->server;
    if (!stream->waiting) {
        if (now_ms - stream->progress_ms >= server->limits.stall_ms) {
            server->stats.timed_out++;
            http_connection_kill(req->conn);
        }
        return;
    }
    if (stream->kind == ISO_HTTP_STREAM_EVENTS && !stream->ended &&
        now_ms - stream->written_ms >= server->limits.keepalive_ms) {
        (void)!iso_buf_append(&stream->buf, ":\n\n", 3);
        stream_wake(req);
    }
}

/* ---- Writing ------------------------------------------------------------------------------ */

/* The text as "data:" lines. */
static enum iso_err event_data(struct iso_buf *buf, struct iso_str data)
{
    size_t start = 0;
    enum iso_err err = ISO_OK;
    while (err == ISO_OK && start <= data.len) {
        size_t end = start;
        while (end < data.len && data.ptr[end] != '\n' && data.ptr[end] != '\r') {
            end++;
        }
        err = iso_buf_append(buf, "data: ", 6);
        if (err == ISO_OK && end != start) {
            err = iso_buf_append(buf, data.ptr + start, end - start);
        }
        if (err == ISO_OK) {
            err = iso_buf_append_u8(buf, '\n');
        }
        bool pair = end + 1 < data.len && data.ptr[end] == '\r' && data.ptr[end + 1] == '\n';
        start = end + (pair ? 2 : 1);
    }
    return err;
}

static enum iso_err event_write(struct iso_buf *buf, const char *event_id, struct iso_str data)
{
    enum iso_err err = ISO_OK;
    if (event_id != NULL) {
        err = iso_buf_append(buf, "id: ", 4);
        if (err == ISO_OK) {
            err = iso_buf_append(buf, event_id, strlen(event_id));
        }
        if (err == ISO_OK) {
            err = iso_buf_append_u8(buf, '\n');
        }
    }
    if (err == ISO_OK) {
        err = event_data(buf, data);
    }
    return err == ISO_OK ? iso_buf_append_u8(buf, '\n') : err;
}

enum iso_err iso_http_stream_event(struct iso_http_server *server, iso_http_id id,
                                   const char *event_id, struct iso_str data)
{
    struct iso_http_request *req = stream_find(server, id);
    if (req == NULL) {
        return ISO_E_NOT_FOUND;
    }
    ISO_ASSERT(req->stream->kind == ISO_HTTP_STREAM_EVENTS);
    if (event_id != NULL && strpbrk(event_id, "\r\n") != NULL) {
        return ISO_E_ARGUMENT;
    }
    stream_compact(req->stream);
    enum iso_err err = event_write(&req->stream->buf, event_id, data);
    if (err != ISO_OK) {
        return stream_fail(req, err);
    }
    stream_wake(req);
    return ISO_OK;
}

enum iso_err iso_http_stream_write(struct iso_http_server *server, iso_http_id id,
                                   struct iso_bytes bytes)
{
    struct iso_http_request *req = stream_find(server, id);
    if (req == NULL) {
        return ISO_E_NOT_FOUND;
    }
    ISO_ASSERT(req->stream->kind == ISO_HTTP_STREAM_RAW);
    stream_compact(req->stream);
    enum iso_err err = iso_buf_append(&req->stream->buf, bytes.ptr, bytes.len);
    if (err != ISO_OK) {
        return stream_fail(req, err);
    }
    stream_wake(req);
    return ISO_OK;
}

/* Whether the picture before has left, as far as we can see. */
static bool has_room_for_part(const struct iso_http_request *req)
{
    int unacknowledged = 0;
    return req->stream->buf.len == req->stream->sent &&
           (ioctl(req->conn->fd, SIOCOUTQ, &unacknowledged) != 0 ||
            unacknowledged <= HTTP_PART_UNSENT);
}

/* A part between boundaries. The boundary after it follows at once: a browser shows a picture when
 * it sees where it ends. */
static enum iso_err part_write(struct http_stream *stream, const char *content_type,
                               struct iso_bytes part)
{
    static const char boundary[] = "--" BOUNDARY "\r\n";
    static const char end[] = "\r\n--" BOUNDARY "\r\n";
    struct iso_buf *buf = &stream->buf;
    char head[PART_TYPE_MAX + 80];
    size_t head_len =
        iso_format(head, sizeof head, "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                   content_type, part.len);
    enum iso_err err = stream->begun ? ISO_OK : iso_buf_append(buf, boundary, sizeof boundary - 1);
    stream->begun = true;
    err = err != ISO_OK ? err : iso_buf_append(buf, head, head_len);
    err = err != ISO_OK ? err : iso_buf_append(buf, part.ptr, part.len);
    return err != ISO_OK ? err : iso_buf_append(buf, end, sizeof end - 1);
}

enum iso_err iso_http_stream_part(struct iso_http_server *server, iso_http_id id,
                                  const char *content_type, struct iso_bytes part)
{
    struct iso_http_request *req = stream_find(server, id);
    if (req == NULL) {
        return ISO_E_NOT_FOUND;
    }
    ISO_ASSERT(req->stream->kind == ISO_HTTP_STREAM_MULTIPART);
    if (strlen(content_type) > PART_TYPE_MAX || strpbrk(content_type, "\r\n") != NULL) {
        return ISO_E_ARGUMENT;
    }
    if (part.len > HTTP_PART_BYTES) {
        return ISO_E_LIMIT;
    }
    if (!has_room_for_part(req)) {
        server->stats.events_skipped++;
        return ISO_E_REFUSED;
    }
    req->stream->buf.len = 0;
    req->stream->sent = 0;
    enum iso_err err = part_write(req->stream, content_type, part);
    if (err != ISO_OK) {
        return stream_fail(req, err);
    }
    stream_wake(req);
    return ISO_OK;
}
