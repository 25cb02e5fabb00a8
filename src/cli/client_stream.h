/* Event streams (server-sent events with JSON data, docs/api.md), as logs and events are. */
#ifndef ISO_CLI_CLIENT_STREAM_H
#define ISO_CLI_CLIENT_STREAM_H

#include "cli/client.h"

enum { ISO_CLI_STREAM_SEEN = 1024 };

struct iso_cli_stream {
    void (*entry)(void *ctx, const json_t *entry); /* each one, once */
    void *ctx;
    struct iso_buf line; /* until it is whole */
    bool overlong;       /* a line did not fit: the stream was ended */
    /* Hashes of the latest entries: when a stream is opened again, perhaps at another device, what
     * comes twice is passed over. */
    uint64_t seen[ISO_CLI_STREAM_SEEN];
    size_t seen_count;
};

void iso_cli_stream_init(struct iso_cli_stream *stream,
                         void (*entry)(void *ctx, const json_t *entry), void *ctx);
void iso_cli_stream_fini(struct iso_cli_stream *stream);

/* What is there now: an array. Returns ISO_CLI_OK or a status after a message. */
int iso_cli_stream_once(struct iso_cli_server *server, const char *path,
                        struct iso_cli_stream *stream);

/*
 * What is there and what comes. From a device until it ends the stream, which is an error; from an
 * orchestrator it is opened again whenever it breaks, until that does not answer either for half a
 * minute. Returns a status after a message.
 */
int iso_cli_stream_follow(struct iso_cli_server *server, const char *path,
                          struct iso_cli_stream *stream);

#endif
