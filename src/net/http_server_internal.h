/*
 * http_server_internal.h - what the files of the HTTP server share.
 *
 * One libmicrohttpd daemon per listener, without threads: its epoll descriptor is watched by the
 * loop. We accept connections ourselves, so that every limit is ours. A connection has at most one
 * request at a time (libmicrohttpd reads the next when the answer is out), so the request is a
 * member of it, and an id is the connection's index with the count of its slot.
 *
 * libmicrohttpd calls us, in this order: on_connection (started), then per request on_target (the
 * request line is there), on_access (once for the header, then for pieces of the body, then once
 * for the whole), on_completed; last on_connection (closed), after which it closes the socket.
 *
 * A suspended connection is in none of its lists: no time-out, no notice of a closed socket. Both
 * are ours: deadlines by a sweep over all connections, closed sockets by a watch (uv_poll_t) that
 * the sweep arms, so that answers that take less than a tick cost nothing more.
 */
#ifndef ISO_NET_HTTP_SERVER_INTERNAL_H
#define ISO_NET_HTTP_SERVER_INTERNAL_H

#include "net/http_server.h"
#include "net/http_server_text.h"

#include <microhttpd.h>
#include <netinet/in.h>

/* Sockets accepted in one turn of the loop, per listener. */
#define HTTP_ACCEPT_BATCH 32u
/* The sweep over all connections. */
#define HTTP_TICK_MS 500u
/* What is read of a body that was refused, so that the client gets to read the answer. */
#define HTTP_DRAIN_BYTES 65536u
/* Room that Content-Length gets before a byte came. */
#define HTTP_BODY_RESERVE 65536u
/* Silent peers are probed after so long, so often, so many times; sent bytes are acknowledged
 * within the last. */
#define HTTP_PROBE_AFTER_S 60
#define HTTP_PROBE_EVERY_S 15
#define HTTP_PROBES 4
#define HTTP_UNACKNOWLEDGED_MS 120000
/* The largest part of a multipart stream. */
#define HTTP_PART_BYTES ((size_t)16 << 20)
/* Bytes that the kernel may still hold of a picture when the next is taken. */
#define HTTP_PART_UNSENT 16384

enum http_stage {
    HTTP_IDLE,     /* between requests */
    HTTP_TARGET,   /* the request line is there, the header not */
    HTTP_HEADERS,  /* in on_headers */
    HTTP_BODY,     /* the body comes */
    HTTP_READY,    /* in on_request */
    HTTP_DEFERRED, /* suspended without an answer */
    HTTP_HELD,     /* has an answer, which waits for the end of the body */
    HTTP_ANSWERED, /* libmicrohttpd has the answer */
    HTTP_STREAM,   /* the answer is a stream */
    HTTP_OVER,     /* on_closed is running */
};

/* The fields that we look at in every request; views into libmicrohttpd's memory. */
enum http_field {
    HTTP_FIELD_HOST,
    HTTP_FIELD_ORIGIN,
    HTTP_FIELD_CONTENT_LENGTH,
    HTTP_FIELD_TRANSFER_ENCODING,
    HTTP_FIELD_CONTENT_TYPE,
    HTTP_FIELD_AUTHORIZATION,
    HTTP_FIELD_EXPECT,
    HTTP_FIELD_IF_NONE_MATCH,
    HTTP_FIELD_FETCH_SITE,
    HTTP_FIELD_FETCH_MODE,
    HTTP_FIELD_COUNT
};

struct http_stream {
    enum iso_http_stream_kind kind;
    struct iso_buf buf;
    size_t sent;  /* of buf */
    bool begun;   /* the first boundary is out */
    bool waiting; /* suspended: nothing to send */
    bool ended;
    bool failed; /* close without an end */
    uint64_t progress_ms;
    uint64_t written_ms;
};

struct iso_http_request {
    struct http_connection *conn;
    enum http_stage stage;
    uint64_t serial; /* of the slot; part of the id */
    bool begun;      /* on_headers was called */
    bool abort;
    bool chunked;
    bool unsure; /* of where its body ends: the connection goes after the answer */
    enum iso_http_method method;
    bool is_head;
    bool bad_escape;
    bool long_target;
    const char *method_text;
    struct iso_str path;
    const char *target; /* where libmicrohttpd has it */
    char *path_storage;
    size_t path_storage_size;
    struct iso_str segments[ISO_HTTP_MAX_SEGMENTS];
    size_t segment_count;
    struct iso_str fields[HTTP_FIELD_COUNT];
    uint64_t content_length;
    uint64_t body_max; /* 0: no body is allowed */
    uint64_t body_seen;
    uint64_t body_started_ms;
    struct iso_buf body;
    uint64_t body_charged; /* to server.body_bytes */
    unsigned (*on_data)(void *ctx, struct iso_http_request *req, struct iso_bytes piece);
    struct MHD_Response *answer;
    unsigned answer_status;
    uint64_t answer_bytes;
    uint64_t deferred_ms;
    struct http_stream *stream;
    void *user;
};

struct http_listener {
    struct iso_http_server *server;
    int fd;
    uint16_t port;
    bool is_tls;
    bool paused; /* no descriptors left; the sweep tries again */
    bool kick;   /* the daemon has something to do */
    struct MHD_Daemon *daemon;
    char start_text[256]; /* what libmicrohttpd said before there was a daemon */
    uv_poll_t accept_poll;
    uv_poll_t daemon_poll;
    bool accept_open, daemon_open;
};

struct http_connection {
    struct iso_http_server *server;
    struct http_listener *listener;
    struct MHD_Connection *mhd;
    int fd;
    uint32_t index;
    bool handshaking;
    bool closed; /* libmicrohttpd has given it up; only the watch is still closing */
    bool killed;
    bool watch_open; /* the handle is initialised */
    bool watching;
    uint64_t deadline_ms; /* 0: none */
    uint64_t taken_ms;    /* when we last looked how much of the answer was taken; 0: not yet */
    uint64_t taken_bytes; /* by the client, in the life of the connection */
    uv_poll_t watch;
    struct sockaddr_storage peer;
    char peer_text[INET6_ADDRSTRLEN];
    char known_host[64]; /* the Host that was found to be ours, to be quick the next time */
    size_t known_host_len;
    struct iso_http_request req;
};

struct iso_http_server {
    uv_loop_t *loop;
    struct iso_http_callbacks callbacks;
    void *ctx;
    struct iso_http_limits limits;
    bool loopback_exempt; /* from the limit per address */
    struct http_listener listeners[ISO_HTTP_MAX_LISTENERS];
    size_t listener_count;
    struct http_connection **slots; /* limits.connections; NULL: free */
    uint64_t *serials;              /* requests that each slot has had */
    uint32_t *free_slots;
    uint32_t free_count;
    struct http_connection *accepting;
    uint32_t handshakes;
    uint64_t body_bytes;
    struct iso_http_stats stats;
    uv_timer_t sweep;
    uv_prepare_t prepare;
    uv_idle_t idle;
    uint32_t tick_ms;
    unsigned open_handles;
    bool running; /* inside libmicrohttpd */
    bool closing;
    bool stopped;
    uint64_t close_deadline_ms;
    void (*on_done)(void *ctx);
    void *on_done_ctx;
};

/* ---- http_server.c ---- */

void http_log(struct iso_http_server *server, const char *text);
/* Lets the daemon of a listener run at the next turn, without waiting for a descriptor. */
void http_kick(struct http_listener *listener);
/* Starts the sweep, if it is not under way. */
void http_sweep_start(struct iso_http_server *server);
/* One handle of ours has been closed. */
void http_handle_closed(struct iso_http_server *server);

/* ---- http_server_conn.c ---- */

void http_accept(uv_poll_t *handle, int status, int events);
void http_on_connection(void *listener, struct MHD_Connection *mhd, void **socket_context,
                        enum MHD_ConnectionNotificationCode code);
/* Closes the connection soon, whatever it is at. */
void http_connection_kill(struct http_connection *conn);
/* A tick: deadlines, watches, comments on silent streams. */
void http_connection_tick(struct http_connection *conn, uint64_t now_ms);
void http_connection_unwatch(struct http_connection *conn);
/* Within `ms` from now, or never (0). */
void http_connection_deadline(struct http_connection *conn, uint64_t ms);
/* How long a body or an answer of so many bytes may take, in milliseconds. */
uint64_t http_time_allowed(const struct iso_http_server *server, uint64_t bytes);
void http_connection_resume(struct http_connection *conn);

/* ---- http_server_request.c ---- */

void *http_on_target(void *listener, const char *target, struct MHD_Connection *mhd);
size_t http_on_unescape(void *listener, struct MHD_Connection *mhd, char *text);
enum MHD_Result http_on_access(void *listener, struct MHD_Connection *mhd, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *data_size, void **request_context);
void http_on_completed(void *listener, struct MHD_Connection *mhd, void **request_context,
                       enum MHD_RequestTerminationCode code);

/* ---- http_server_check.c ---- */

/* Looks at path and header; false when the request was answered. */
bool http_check_request(struct iso_http_request *req, const char *url, const char *method);

/* ---- http_server_answer.c ---- */

/* Gives an answer to a request; `answer` is taken. */
void http_answer(struct iso_http_request *req, unsigned status, struct MHD_Response *answer);
/* Hands the answer to libmicrohttpd; from on_access, or while suspended. */
enum MHD_Result http_answer_queue(struct iso_http_request *req);
bool http_answer_add(struct MHD_Response *answer, const char *name, const char *value);
/* A problem document of the server's own. */
void http_refuse(struct iso_http_request *req, unsigned status, const char *detail);
/* The phrase of a status (RFC 9110, section 15). */
const char *http_phrase(unsigned status);
/* Whether an answer may be given now. */
bool http_is_answerable(const struct iso_http_request *req);

/* ---- http_server_stream.c ---- */

void http_stream_release(struct iso_http_request *req);
void http_stream_tick(struct iso_http_request *req, uint64_t now_ms);

#endif
