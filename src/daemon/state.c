/* state.c - the state directory of a daemon; see state.h. */
#include "daemon/state.h"

#include "base/format.h"
#include "base/json_member.h"
#include "daemon/clock.h"
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <uv.h>

#define LOCAL_LABEL "this machine"

static void path_in(const struct iso_state *state, const char *name, char out[ISO_PATH_MAX])
{
    (void)iso_format(out, ISO_PATH_MAX, "%s/%s", state->dir, name);
}

/* One daemon per state: a lock on a file in it, which goes with the process. */
static enum iso_err lock_state(struct iso_state *state, const char *program,
                               struct iso_report *report)
{
    char path[ISO_PATH_MAX];
    path_in(state, "lock", path);
    state->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (state->lock < 0) {
        return iso_fail(report, iso_errno_err(errno), "%s: %s", path, iso_errno_text(errno));
    }
    if (flock(state->lock, LOCK_EX | LOCK_NB) != 0) {
        return iso_fail(report, ISO_E_EXISTS,
                        "%s is in use by another %s; each needs a directory of its own (--state)",
                        state->dir, program);
    }
    return ISO_OK;
}

void iso_state_id(const uint8_t pin[ISO_TLS_PIN_SIZE], char out[ISO_STATE_ID_SIZE])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    for (unsigned i = 0; i < ISO_STATE_ID_SIZE - 1; i++) {
        const unsigned bit = i * 5, byte = bit / 8, shift = bit % 8;
        const unsigned pair = (unsigned)pin[byte] << 8 | pin[byte + 1];
        out[i] = digits[pair >> (11 - shift) & 31u];
    }
    out[ISO_STATE_ID_SIZE - 1] = '\0';
}

void iso_state_host(char out[ISO_STATE_HOST_SIZE])
{
    char host[256] = "";
    if (gethostname(host, sizeof host - 1) != 0 || host[0] == '\0') {
        (void)iso_format(host, sizeof host, "isomer");
    }
    host[strcspn(host, ".")] = '\0';
    (void)iso_format(out, ISO_STATE_HOST_SIZE, "%s", host);
    for (char *c = out; *c != '\0'; c++) {
        const char low = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        *c = (low >= 'a' && low <= 'z') || (low >= '0' && low <= '9') ? low : '-';
    }
}

static enum iso_err open_identity(struct iso_state *state, const char *host,
                                  struct iso_access *access, struct iso_report *report)
{
    char path[ISO_PATH_MAX], local[ISO_STATE_HOST_SIZE + 16];
    path_in(state, "identity.pem", path);
    (void)iso_format(local, sizeof local, "%s.local", host);
    const char *const names[] = {local, "localhost", "127.0.0.1", "::1"};
    enum iso_err err =
        iso_tls_identity_load_or_make(path, names, ISO_COUNT_OF(names), &state->identity, report);
    if (err == ISO_OK) {
        iso_state_id(state->identity.pin, state->id);
        (void)iso_format(access->cookie, sizeof access->cookie, "isomer-%.8s", state->id);
        path_in(state, "tokens.json", path);
        err = iso_token_store_open(path, &access->tokens, report);
        path_in(state, "sessions.json", access->path);
    }
    return err;
}

/* Whether the token in the file is one of the store's. */
static bool is_known(const char *path, const struct iso_token_store *tokens)
{
    struct iso_file file = {{NULL, 0}, 0};
    if (iso_file_read(path, 256, &file, NULL) != ISO_OK) {
        return false;
    }
    size_t len = file.bytes.len;
    while (len > 0 && file.bytes.ptr[len - 1] == '\n') {
        len--;
    }
    const bool known =
        iso_token_verify(tokens, iso_str_from((const char *)file.bytes.ptr, len)) != NULL;
    iso_file_fini(&file);
    return known;
}

/* The token for people on this machine, in a file that only its owner reads. Made anew when the one
 * in the file is not known, for instance after it was withdrawn. */
static enum iso_err open_local_token(const struct iso_state *state, struct iso_token_store *tokens,
                                     struct iso_report *report)
{
    char path[ISO_PATH_MAX], text[ISO_TOKEN_TEXT_SIZE];
    path_in(state, "token", path);
    if (is_known(path, tokens)) {
        return ISO_OK;
    }
    /* It takes the place of the one before. */
    for (size_t i = 0; i < iso_token_count(tokens); i++) {
        const struct iso_token *old = iso_token_at(tokens, i);
        if (strcmp(old->label, LOCAL_LABEL) == 0) {
            char id[ISO_TOKEN_ID_SIZE];
            memcpy(id, old->id, sizeof id);
            const enum iso_err revoked = iso_token_revoke(tokens, iso_str_from_z(id), report);
            if (revoked != ISO_OK) {
                return revoked;
            }
            break;
        }
    }
    enum iso_err err = iso_token_make(tokens, ISO_TOKEN_OPERATE, LOCAL_LABEL,
                                      iso_clock_now_ns() / 1000000000u, text, report);
    if (err == ISO_OK) {
        char line[ISO_TOKEN_TEXT_SIZE + 1];
        const size_t len = iso_format(line, sizeof line, "%s\n", text);
        (void)unlink(path); /* whatever permissions the old one had */
        err = iso_file_write_atomic(path, iso_bytes_from(line, len), report);
        sodium_memzero(line, sizeof line);
        sodium_memzero(text, sizeof text);
    }
    return err;
}

enum iso_err iso_state_open(struct iso_state *state, const char *dir, const char *program,
                            const char *host, struct iso_access *access, struct iso_report *report)
{
    *state = (struct iso_state){.dir = dir, .lock = -1};
    if (dir == NULL) {
        return iso_fail(report, ISO_E_ARGUMENT, "no directory for the state; give --state DIR");
    }
    if (strlen(dir) > ISO_STATE_DIR_MAX) {
        return iso_fail(report, ISO_E_ARGUMENT, "the path of the state is longer than %d bytes",
                        ISO_STATE_DIR_MAX);
    }
    if (sodium_init() < 0) {
        return iso_fail(report, ISO_E_IO, "no random numbers from the system");
    }
    enum iso_err err = iso_dir_make(dir, report);
    err = err != ISO_OK ? err : lock_state(state, program, report);
    err = err != ISO_OK ? err : open_identity(state, host, access, report);
    err = err != ISO_OK ? err : open_local_token(state, access->tokens, report);
    if (err == ISO_OK) {
        iso_access_sessions_read(access, uv_hrtime() / 1000000000u);
    }
    return err;
}

enum iso_err iso_state_tell(const struct iso_state *state, const char *name, const char *http,
                            const char *https, struct iso_report *report)
{
    char path[ISO_PATH_MAX], pin[ISO_TLS_PIN_TEXT_SIZE];
    struct iso_buf buf;
    struct iso_json json;
    path_in(state, "local.json", path);
    iso_tls_pin_text(state->identity.pin, pin);
    iso_buf_init(&buf, iso_alloc_libc(), 4096);
    iso_json_init_buf(&json, &buf, 0);
    iso_json_object_begin(&json);
    iso_json_put_z(&json, "url", http[0] != '\0' ? http : https);
    iso_json_put_z(&json, "https", https);
    iso_json_put_z(&json, "pin", pin);
    iso_json_put_z(&json, "id", state->id);
    iso_json_put_z(&json, "name", name);
    iso_json_put_u64(&json, "pid", (uint64_t)getpid());
    iso_json_object_end(&json);
    enum iso_err err = iso_json_finish(&json);
    err = err != ISO_OK ? err : iso_file_write_atomic(path, iso_buf_view(&buf), report);
    iso_buf_fini(&buf);
    return err;
}

void iso_state_untell(const struct iso_state *state)
{
    char path[ISO_PATH_MAX];
    path_in(state, "local.json", path);
    (void)unlink(path);
}

void iso_state_close(struct iso_state *state, struct iso_access *access)
{
    iso_token_store_close(access->tokens);
    sodium_memzero(access, sizeof *access);
    iso_tls_identity_fini(&state->identity);
    if (state->dir != NULL && state->lock >= 0) {
        (void)close(state->lock);
    }
    *state = (struct iso_state){.lock = -1};
}
