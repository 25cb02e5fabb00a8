/* Event streams, read to their end and opened again (HTML Living Standard, 9.2). */
#include "cli/client_stream.h"

#include "cli/message.h"
#include "cli/status.h"

#include <stdlib.h>
#include <time.h>

enum { LINE_MAX_BYTES = 1 << 20, TRIES = 30, PAUSE_MS = 1000 };

void iso_cli_stream_init(struct iso_cli_stream *stream,
                         void (*entry)(void *ctx, const json_t *entry), void *ctx)
{
    *stream = (struct iso_cli_stream){.entry = entry, .ctx = ctx};
    iso_buf_init(&stream->line, iso_alloc_libc(), LINE_MAX_BYTES);
}

void iso_cli_stream_fini(struct iso_cli_stream *stream)
{
    iso_buf_fini(&stream->line);
}

/* FNV-1a: only to tell an entry from the ones before. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static bool was_seen(struct iso_cli_stream *stream, const json_t *entry)
{
    char *text = json_dumps(entry, JSON_COMPACT | JSON_SORT_KEYS);
    const uint64_t hash = hash_of(text != NULL ? text : "");
    free(text);
    const size_t kept =
        stream->seen_count < ISO_CLI_STREAM_SEEN ? stream->seen_count : ISO_CLI_STREAM_SEEN;
    for (size_t i = 0; i < kept; i++) {
        if (stream->seen[i] == hash) {
            return true;
        }
    }
    stream->seen[stream->seen_count++ % ISO_CLI_STREAM_SEEN] = hash;
    return false;
}

/* A line of the stream: "data: JSON"; others do not matter here. */
static void take_line(struct iso_cli_stream *stream, bool again)
{
    const struct iso_str line = iso_str_from((const char *)stream->line.ptr, stream->line.len);
    if (line.len > 6 && memcmp(line.ptr, "data: ", 6) == 0) {
        json_t *entry = json_loadb(line.ptr + 6, line.len - 6, JSON_ALLOW_NUL, NULL);
        if (entry != NULL && (!was_seen(stream, entry) || !again)) {
            stream->entry(stream->ctx, entry);
            (void)fflush(stdout);
        }
        json_decref(entry);
    }
    stream->line.len = 0;
}

struct opening {
    struct iso_cli_stream *stream;
    bool again; /* not the first one: entries may come twice */
    bool came;  /* something did */
};

static bool on_piece(void *ctx, struct iso_bytes bytes)
{
    struct opening *opening = ctx;
    struct iso_cli_stream *stream = opening->stream;
    opening->came = true;
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] == '\n') {
            take_line(stream, opening->again);
        } else if (iso_buf_append_u8(&stream->line, bytes.ptr[i]) != ISO_OK) {
            stream->overlong = true;
            return false;
        }
    }
    return ferror(stdout) == 0; /* nobody reads any more */
}

int iso_cli_stream_once(struct iso_cli_server *server, const char *path,
                        struct iso_cli_stream *stream)
{
    json_t *entries = NULL, *entry;
    size_t i;
    const int status = iso_cli_get_json(server, path, &entries);
    json_array_foreach(entries, i, entry)
    {
        stream->entry(stream->ctx, entry);
    }
    json_decref(entries);
    return status == ISO_CLI_OK ? iso_cli_finish_output(ISO_CLI_OK) : status;
}

static int ended(const struct iso_cli_server *server, const struct iso_cli_stream *stream)
{
    iso_cli_error("%s: %s", server->name,
                  stream->overlong ? "a line of the stream is too long"
                                   : "the stream was ended there");
    return ISO_CLI_REFUSED;
}

int iso_cli_stream_follow(struct iso_cli_server *server, const char *path,
                          struct iso_cli_stream *stream)
{
    struct opening opening = {.stream = stream};
    const struct timespec pause = {PAUSE_MS / 1000, 0};
    const struct iso_cli_request request = {.method = "GET",
                                            .path = path,
                                            .accept = "text/event-stream",
                                            .piece = on_piece,
                                            .ctx = &opening};
    for (unsigned tries = 0;; tries = opening.came ? 0 : tries + 1) {
        struct iso_cli_reply reply;
        opening.came = false;
        stream->line.len = 0;
        int status = iso_cli_request(server, &request, &reply);
        const bool temporary = status != ISO_CLI_OK || reply.status == 502 || reply.status == 503 ||
                               reply.status == 504 || reply.status == 409;
        if (status == ISO_CLI_OK && (reply.status < 200 || reply.status > 299)) {
            /* Between two devices a component may be nowhere for a moment. */
            status = opening.again && temporary && tries < TRIES
                         ? ISO_CLI_OK
                         : iso_cli_problem(server, &request, &reply);
            if (status != ISO_CLI_OK) {
                iso_buf_fini(&reply.body);
                return status;
            }
        }
        iso_buf_fini(&reply.body);
        if (ferror(stdout) != 0) {
            return iso_cli_finish_output(ISO_CLI_OK);
        }
        if (stream->overlong || server->is_device) {
            return status != ISO_CLI_OK ? status : ended(server, stream);
        }
        if (status != ISO_CLI_OK && (!opening.again || tries >= TRIES)) {
            return status;
        }
        opening.again = true;
        (void)nanosleep(&pause, NULL);
    }
}
