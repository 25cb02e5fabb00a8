/* history.c - the latest lines and events of each component. Lines are also kept on the disk, in
 * logs/APP/COMPONENT of the state directory, for whoever asks after a restart what went before it:
 * all of them when the supervisor stops in order, and otherwise at most every five minutes, an
 * error soon. So a component that logs without end wears flash down by 10 MB a day. */
#include "supervisor/daemon.h"

#include "base/format.h"
#include "base/json_member.h"
#include "base/name.h"
#include "daemon/clock.h"
#include "daemon/member.h"
#include "platform/platform.h"

#include <jansson.h>

#include <string.h>
#include <unistd.h>

/* Of an entry of a feed: microseconds since 1970 and a few. */
#define NUMBER_MAX (UINT64_C(1) << 62)

enum {
    LOG_BYTES = 32 << 10,
    EVENT_BYTES = 16 << 10,
    FILE_MAX = 2 * LOG_BYTES,
    SAVE_EVERY_MS = 5 * 60 * 1000,
    SAVE_SOON_MS = 2000,
    SAVE_AT_ONCE = 64 /* components */
};

/* ---- Files -------------------------------------------------------------------------------------
 */

/* The folder of an application; false: the path is too long. */
static bool folder_of(const struct iso_supervisor *sv, const char *app, char out[ISO_PATH_MAX])
{
    char logs[ISO_PATH_MAX];
    return iso_path_join(logs, sv->config->state, "logs") && iso_path_join(out, logs, app);
}

static bool path_of(const struct iso_supervisor *sv, const struct iso_sv_history *history,
                    char out[ISO_PATH_MAX])
{
    char folder[ISO_PATH_MAX];
    return folder_of(sv, history->app, folder) && iso_path_join(out, folder, history->component);
}

/* Says where the lines of an earlier process end. */
static void mark(struct iso_supervisor *sv, struct iso_feed *logs)
{
    struct iso_buf buf;
    struct iso_json json;
    iso_buf_init(&buf, sv->alloc, 1024);
    iso_json_init_buf(&json, &buf, 0);
    iso_json_object_begin(&json);
    iso_member_time(&json, "time", sv->started_ns);
    iso_json_put_z(&json, "level", iso_log_level_name(ISO_LOG_INFO));
    iso_json_put_z(&json, "source", "supervisor");
    iso_json_put_z(&json, "message", "the supervisor of the device has started anew");
    iso_json_object_end(&json);
    if (iso_json_finish(&json) == ISO_OK) {
        (void)iso_feed_add(logs, iso_str_from((const char *)buf.ptr, buf.len));
    }
    iso_buf_fini(&buf);
}

/* A line of the file, if it is one: its number, by which those who follow know it, and itself. */
static bool take_line(struct iso_feed *logs, struct iso_str line)
{
    const char *blank = memchr(line.ptr, ' ', line.len);
    char digits[24];
    uint64_t number = 0;
    if (blank == NULL || (size_t)(blank - line.ptr) >= sizeof digits) {
        return false;
    }
    (void)iso_format(digits, sizeof digits, "%.*s", (int)(blank - line.ptr), line.ptr);
    const struct iso_str text = iso_str_from(blank + 1, line.len - (size_t)(blank + 1 - line.ptr));
    json_t *entry = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const bool fine =
        json_is_object(entry) && iso_parse_count(digits, NUMBER_MAX, &number, NULL) == ISO_OK;
    json_decref(entry);
    if (fine) {
        iso_feed_continue(logs, number);
        (void)iso_feed_add(logs, text);
    }
    return fine;
}

static void load(struct iso_supervisor *sv, struct iso_sv_history *history)
{
    struct iso_file file;
    char path[ISO_PATH_MAX];
    bool any = false;
    if (!path_of(sv, history, path) || iso_file_read(path, FILE_MAX, &file, NULL) != ISO_OK) {
        return; /* it has logged nothing yet */
    }
    const char *at = (const char *)file.bytes.ptr, *end = at + file.bytes.len, *stop;
    for (; at < end && (stop = memchr(at, '\n', (size_t)(end - at))) != NULL; at = stop + 1) {
        any = take_line(&history->logs, iso_str_from(at, (size_t)(stop - at))) || any;
    }
    iso_file_fini(&file);
    if (any) {
        iso_feed_continue(&history->logs, sv->started_ns / 1000u);
        mark(sv, &history->logs);
    }
}

/* ---- Cleaning up -------------------------------------------------------------------------------
 */

/* A write that a crash cut short. */
static void clean_file(void *ctx, const char *path, const char *name)
{
    (void)ctx;
    if (!iso_name_check(iso_str_from_z(name))) {
        (void)unlink(path);
    }
}

static void clean_folder(void *ctx, const char *path, const char *name)
{
    const struct iso_supervisor *sv = ctx;
    if (iso_sv_deployments_has(sv->deployments, iso_str_from_z(name))) {
        iso_dir_each(path, clean_file, NULL);
    } else {
        iso_tree_remove(path);
    }
}

void iso_sv_history_clean(struct iso_supervisor *sv)
{
    char logs[ISO_PATH_MAX];
    if (sv->deployments != NULL && iso_path_join(logs, sv->config->state, "logs")) {
        iso_dir_each(logs, clean_folder, sv);
    }
}

/* ---- Saving ------------------------------------------------------------------------------------
 */

/* What is being written on the pool. */
struct saving {
    struct iso_supervisor *sv;
    uv_work_t work;
    size_t count;
    struct {
        char path[ISO_PATH_MAX];
        struct iso_buf bytes;
    } items[SAVE_AT_ONCE];
    enum iso_err err;
    struct iso_report report;
};

static enum iso_err write_lines(const struct iso_feed *logs, struct iso_buf *out)
{
    uint64_t number = 0;
    struct iso_str entry;
    enum iso_err err = ISO_OK;
    while (err == ISO_OK && iso_feed_after(logs, number, &number, &entry)) {
        char digits[24];
        const size_t len = iso_format(digits, sizeof digits, "%llu ", (unsigned long long)number);
        err = iso_buf_append(out, digits, len);
        err = err != ISO_OK ? err : iso_buf_append(out, entry.ptr, entry.len);
        err = err != ISO_OK ? err : iso_buf_append(out, "\n", 1);
    }
    return err;
}

static void add_item(struct saving *saving, struct iso_sv_history *history)
{
    char folder[ISO_PATH_MAX];
    struct iso_buf *bytes = &saving->items[saving->count].bytes;
    enum iso_err err = ISO_E_ARGUMENT;
    iso_buf_init(bytes, saving->sv->alloc, FILE_MAX);
    history->unsaved = false;
    if (folder_of(saving->sv, history->app, folder) &&
        path_of(saving->sv, history, saving->items[saving->count].path)) {
        err = iso_dir_make(folder, &saving->report);
        err = err != ISO_OK ? err : write_lines(&history->logs, bytes);
    }
    if (err == ISO_OK) {
        saving->count++;
    } else {
        iso_buf_fini(bytes);
        saving->err = saving->err != ISO_OK ? saving->err : err;
    }
}

static void release_saving(struct saving *saving)
{
    struct iso_supervisor *sv = saving->sv;
    if (saving->err != ISO_OK) {
        iso_log_write(&sv->log, ISO_LOG_WARNING, "supervisor",
                      "what components log would be lost in a restart: %s",
                      iso_report_text(&saving->report, saving->err));
        sv->history_save.failed = true;
    }
    for (size_t i = 0; i < saving->count; i++) {
        iso_buf_fini(&saving->items[i].bytes);
    }
    iso_alloc_free(sv->alloc, saving, sizeof *saving);
}

/* Those that have something to write, as many as go at once; NULL: none, or no memory. */
static struct saving *collect(struct iso_supervisor *sv)
{
    struct saving *saving = iso_alloc_new(sv->alloc, sizeof *saving);
    if (saving == NULL) {
        return NULL;
    }
    saving->sv = sv;
    saving->work.data = saving;
    iso_report_init(&saving->report);
    for (struct iso_sv_history *at = sv->histories; at != NULL; at = at->next) {
        if (at->unsaved && saving->count < SAVE_AT_ONCE) {
            add_item(saving, at);
        }
    }
    if (saving->count == 0) {
        release_saving(saving);
        return NULL;
    }
    return saving;
}

/* Pool. */
static void write_files(uv_work_t *work)
{
    struct saving *saving = work->data;
    for (size_t i = 0; i < saving->count; i++) {
        const enum iso_err err = iso_file_write_atomic(
            saving->items[i].path, iso_buf_view(&saving->items[i].bytes), &saving->report);
        if (saving->err == ISO_OK && err != ISO_E_NOT_FOUND) { /* removed meanwhile */
            saving->err = err;
        }
    }
}

static bool any_unsaved(const struct iso_supervisor *sv)
{
    const struct iso_sv_history *at = sv->histories;
    while (at != NULL && !at->unsaved) {
        at = at->next;
    }
    return at != NULL;
}

static void on_timer(uv_timer_t *timer);

static void save_in(struct iso_supervisor *sv, uint64_t delay_ms)
{
    struct iso_sv_history_save *save = &sv->history_save;
    const uint64_t now_ms = uv_now(sv->loop);
    uint64_t due_ms = now_ms + delay_ms;
    if (save->saved_ms != 0 && due_ms < save->saved_ms + SAVE_EVERY_MS) {
        due_ms = save->saved_ms + SAVE_EVERY_MS;
    }
    if (save->ending || save->running ||
        (uv_is_active((uv_handle_t *)&save->timer) && save->due_ms <= due_ms)) {
        return;
    }
    save->due_ms = due_ms;
    (void)uv_timer_start(&save->timer, on_timer, due_ms - now_ms, 0);
}

/* After an attempt. What could not be written is tried again: there may be room by then. */
static void save_rest(struct iso_supervisor *sv)
{
    struct iso_sv_history_save *save = &sv->history_save;
    uint64_t number;
    struct iso_str entry;
    for (struct iso_sv_history *at = sv->histories; save->failed && at != NULL; at = at->next) {
        at->unsaved = iso_feed_after(&at->logs, 0, &number, &entry);
    }
    save->failed = false;
    save->saved_ms = uv_now(sv->loop);
    if (any_unsaved(sv)) {
        save_in(sv, SAVE_EVERY_MS);
    }
}

static void on_saved(uv_work_t *work, int status)
{
    struct saving *saving = work->data;
    struct iso_supervisor *sv = saving->sv;
    (void)status; /* never cancelled */
    release_saving(saving);
    sv->history_save.running = false;
    if (sv->history_save.forgot) { /* while its files were being written, perhaps */
        sv->history_save.forgot = false;
        iso_sv_history_clean(sv);
    }
    save_rest(sv);
}

static void on_timer(uv_timer_t *timer)
{
    struct iso_supervisor *sv = timer->data;
    struct saving *saving = collect(sv);
    if (saving == NULL) {
        save_rest(sv);
        return;
    }
    sv->history_save.running = true;
    const int failed = uv_queue_work(sv->loop, &saving->work, write_files, on_saved);
    ISO_ASSERT(failed == 0); /* only a missing callback makes it fail */
}

/* ---- Histories ---------------------------------------------------------------------------------
 */

static struct iso_sv_history *find(const struct iso_supervisor *sv, struct iso_str app,
                                   struct iso_str component)
{
    struct iso_sv_history *at = sv->histories;
    while (at != NULL &&
           (!iso_str_equal_z(app, at->app) || !iso_str_equal_z(component, at->component))) {
        at = at->next;
    }
    return at;
}

struct iso_sv_history *iso_sv_history_get(struct iso_supervisor *sv, struct iso_str app,
                                          struct iso_str component)
{
    struct iso_sv_history *history = find(sv, app, component);
    if (history != NULL) {
        return history;
    }
    history = iso_alloc_new(sv->alloc, sizeof *history);
    char *names = iso_alloc_new(sv->alloc, app.len + component.len + 2);
    if (history == NULL || names == NULL) {
        iso_alloc_free(sv->alloc, history, sizeof *history);
        iso_alloc_free(sv->alloc, names, app.len + component.len + 2);
        return NULL;
    }
    iso_memory_copy(names, app.ptr, app.len);
    iso_memory_copy(names + app.len + 1, component.ptr, component.len);
    history->app = names;
    history->component = names + app.len + 1;
    iso_feed_init(&history->logs, sv->alloc, LOG_BYTES);
    iso_feed_init(&history->events, sv->alloc, EVENT_BYTES);
    load(sv, history);
    /* Above the numbers of an earlier life, and of another device that the component was on. */
    iso_feed_continue(&history->logs, iso_clock_now_ns() / 1000u);
    iso_feed_continue(&history->events, iso_clock_now_ns() / 1000u);
    history->next = sv->histories;
    sv->histories = history;
    return history;
}

void iso_sv_history_log(struct iso_supervisor *sv, struct iso_sv_history *history, bool is_error,
                        struct iso_str entry)
{
    (void)iso_feed_add(&history->logs, entry);
    history->unsaved = true;
    save_in(sv, is_error ? SAVE_SOON_MS : SAVE_EVERY_MS);
}

static void destroy(struct iso_supervisor *sv, struct iso_sv_history *history)
{
    iso_feed_fini(&history->logs);
    iso_feed_fini(&history->events);
    iso_alloc_free(sv->alloc, history->app, strlen(history->app) + strlen(history->component) + 2);
    iso_alloc_free(sv->alloc, history, sizeof *history);
}

void iso_sv_history_forget(struct iso_supervisor *sv, struct iso_str app)
{
    char name[ISO_NAME_MAX + 1], folder[ISO_PATH_MAX];
    for (struct iso_sv_history **at = &sv->histories; *at != NULL;) {
        struct iso_sv_history *history = *at;
        if (iso_str_equal_z(app, history->app)) {
            *at = history->next;
            destroy(sv, history);
        } else {
            at = &history->next;
        }
    }
    (void)iso_format(name, sizeof name, "%.*s", (int)app.len, app.ptr);
    if (iso_name_check(app) && folder_of(sv, name, folder)) {
        iso_tree_remove(folder);
        sv->history_save.forgot = sv->history_save.running;
    }
}

void iso_sv_history_begin(struct iso_supervisor *sv)
{
    (void)uv_timer_init(sv->loop, &sv->history_save.timer);
    sv->history_save.timer.data = sv;
}

bool iso_sv_history_rests(struct iso_supervisor *sv)
{
    sv->history_save.ending = true;
    (void)uv_timer_stop(&sv->history_save.timer);
    return !sv->history_save.running;
}

void iso_sv_history_end(struct iso_supervisor *sv, uv_close_cb closed)
{
    struct saving *saving;
    while ((saving = collect(sv)) != NULL) {
        write_files(&saving->work);
        release_saving(saving);
    }
    while (sv->histories != NULL) {
        struct iso_sv_history *history = sv->histories;
        sv->histories = history->next;
        destroy(sv, history);
    }
    uv_close((uv_handle_t *)&sv->history_save.timer, closed);
}
