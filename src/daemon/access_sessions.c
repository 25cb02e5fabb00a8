/*
 * access_sessions.c - the sessions of pages in a file; see access.h:
 *
 *     {"sessions": [{"secret-sha256": "...", "token": "...", "until": 1767225600}]}
 *
 * `until` is in seconds since 1970; what ends in more than the time that a session may last (the
 * clock was set back) ends then.
 */
#include "daemon/access.h"
#include "daemon/clock.h"

#include <jansson.h>
#include <sodium.h>

#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 64 << 10 };

static uint64_t since_1970_s(void)
{
    return iso_clock_now_ns() / 1000000000u;
}

static bool read_session(const json_t *json, uint64_t now_s, struct iso_access_session *out)
{
    const json_t *secret = json_object_get(json, "secret-sha256");
    const char *token = json_string_value(json_object_get(json, "token"));
    const json_int_t until = json_integer_value(json_object_get(json, "until"));
    const uint64_t clock_s = since_1970_s();
    size_t len = 0;
    *out = (struct iso_access_session){.until_s = 0};
    if (!json_is_string(secret) || token == NULL || strlen(token) != ISO_TOKEN_ID_SIZE - 1 ||
        until <= 0 || (uint64_t)until <= clock_s ||
        sodium_hex2bin(out->secret, sizeof out->secret, json_string_value(secret),
                       json_string_length(secret), NULL, &len, NULL) != 0 ||
        len != sizeof out->secret) {
        return false;
    }
    const uint64_t left_s = (uint64_t)until - clock_s;
    memcpy(out->token_id, token, sizeof out->token_id);
    out->until_s =
        now_s + (left_s < ISO_ACCESS_SESSION_SECONDS ? left_s : ISO_ACCESS_SESSION_SECONDS);
    return true;
}

void iso_access_sessions_read(struct iso_access *access, uint64_t now_s)
{
    struct iso_file file = {{NULL, 0}, 0};
    if (access->path[0] == '\0' || iso_file_read(access->path, FILE_MAX, &file, NULL) != ISO_OK) {
        return;
    }
    json_t *root = json_loadb((const char *)file.bytes.ptr, file.bytes.len, 0, NULL), *json;
    size_t i, count = 0;
    json_array_foreach(json_object_get(root, "sessions"), i, json)
    {
        if (count < ISO_ACCESS_SESSIONS_MAX &&
            read_session(json, now_s, &access->sessions[count])) {
            count++;
        }
    }
    json_decref(root);
    iso_file_fini(&file);
}

void iso_access_sessions_write(const struct iso_access *access, uint64_t now_s)
{
    json_t *list = json_array();
    if (access->path[0] == '\0') {
        json_decref(list);
        return;
    }
    for (size_t i = 0; i < ISO_ACCESS_SESSIONS_MAX; i++) {
        const struct iso_access_session *session = &access->sessions[i];
        char hex[2 * ISO_SHA256_SIZE + 1];
        if (session->until_s > now_s) {
            (void)sodium_bin2hex(hex, sizeof hex, session->secret, sizeof session->secret);
            (void)json_array_append_new(
                list, json_pack("{s:s, s:s, s:I}", "secret-sha256", hex, "token", session->token_id,
                                "until", (json_int_t)(since_1970_s() + session->until_s - now_s)));
        }
    }
    json_t *root = json_pack("{s:o}", "sessions", list);
    char *text = json_dumps(root, JSON_INDENT(1));
    if (text != NULL) {
        /* Without it, people sign in again after a restart. */
        const enum iso_err err =
            iso_file_write_atomic(access->path, iso_bytes_from(text, strlen(text)), NULL);
        (void)err;
    }
    free(text);
    json_decref(root);
}
