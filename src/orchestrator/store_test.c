/* The store: what was written is there after reopening, whatever table it is in; refusals of files
 * that are in use, newer, foreign or damaged; a full disk changes nothing. */
#include "orchestrator/store_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "orchestrator/store_test_support.h"

#define STR(text) iso_str_from_z(text)

static struct iso_or_store *opened(void)
{
    struct iso_or_store *store = NULL;
    struct iso_report report;
    iso_report_init(&report);
    if (iso_or_store_open(store_test_path, &store, &report) != ISO_OK) {
        TEST_FAIL("%s", report.text);
    }
    return store;
}

static void refused(enum iso_err expected, const char *words)
{
    struct iso_or_store *store = NULL;
    struct iso_report report;
    iso_report_init(&report);
    CHECK_ERR(iso_or_store_open(store_test_path, &store, &report), expected);
    CHECK(store == NULL);
    CHECK_CONTAINS(report.text, words);
}

/* What a query for each row saw: its texts, one after the other. */
struct seen {
    char text[1024];
    size_t rows;
    size_t stop_after;
};

static void see(struct seen *seen, struct iso_str text)
{
    size_t used = strlen(seen->text);
    (void)snprintf(seen->text + used, sizeof seen->text - used, "%s%.*s", used != 0 ? " " : "",
                   (int)text.len, text.ptr);
}

static bool more(struct seen *seen)
{
    seen->rows++;
    return seen->rows != seen->stop_after;
}

static bool see_device(void *ctx, const struct iso_or_device_row *row)
{
    struct seen *seen = ctx;
    see(seen, row->id);
    see(seen, row->name);
    see(seen, row->token);
    see(seen, row->addresses);
    CHECK(row->named == row->drained);
    CHECK(row->seen_ms == row->added_ms + 1);
    return more(seen);
}

static bool see_generation(void *ctx, const struct iso_or_generation_row *row)
{
    struct seen *seen = ctx;
    char number[24];
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)row->number);
    see(seen, row->app);
    see(seen, STR(number));
    see(seen, STR(iso_or_generation_state_name(row->state)));
    see(seen, row->progress);
    return more(seen);
}

static bool see_package(void *ctx, const struct iso_or_package_row *row)
{
    see(ctx, row->reference);
    see(ctx, row->digest);
    return more(ctx);
}

static bool see_item(void *ctx, struct iso_str name, struct iso_str value)
{
    see(ctx, name);
    see(ctx, value);
    return more(ctx);
}

static bool see_event(void *ctx, uint64_t number, struct iso_str json)
{
    (void)number;
    see(ctx, json);
    return more(ctx);
}

static void put_generation(struct iso_or_store *store, const char *app, uint64_t number,
                           enum iso_or_generation_state state, const char *progress)
{
    struct iso_or_generation_row row = {
        .app = STR(app),
        .number = number,
        .state = state,
        .cause = STR("deploy"),
        .manifest = STR("{}"),
        .resolved = STR("{\"a\": {\"digest\": \"sha256:01\"}}"),
        .documents = STR("{\"d\": {}}"),
        .progress = STR(progress),
        .created_ms = 5,
        .changed_ms = 6,
    };
    CHECK_OK(iso_or_store_generation_put(store, &row, NULL));
}

static void put_device(struct iso_or_store *store, const char *id, const char *name)
{
    struct iso_or_device_row row = {
        .id = STR(id),
        .name = STR(name),
        .token = STR("secret"),
        .addresses = STR("[]"),
        .added_ms = 8,
        .seen_ms = 9,
    };
    CHECK_OK(iso_or_store_device_put(store, &row, NULL));
}

static struct iso_or_pair_row pair(const char *from, const char *to, uint8_t first)
{
    struct iso_or_pair_row row = {
        .app = STR("app"), .from = STR(from), .to = STR(to), .identity = STR("who")};
    memset(row.key, first, sizeof row.key);
    return row;
}

static void fill(struct iso_or_store *store)
{
    CHECK_OK(iso_or_store_set(store, "name", STR("old"), NULL));
    CHECK_OK(iso_or_store_set(store, "name", STR("site"), NULL));
    put_device(store, "b", "second");
    put_device(store, "a", "first");
    put_device(store, "b", "renamed");
    put_generation(store, "app", 1, ISO_OR_REPLACED, "");
    put_generation(store, "app", 3, ISO_OR_PREPARING, "{}");
    put_generation(store, "another", 2, ISO_OR_COMMITTED, "");
    struct iso_or_pair_row first = pair("a", "b", 1), second = pair("b", "a", 2);
    CHECK_OK(iso_or_store_pair_put(store, &first, NULL));
    CHECK_OK(iso_or_store_pair_put(store, &second, NULL));
    struct iso_or_package_row package = {.reference = STR("camera@1.0.0"),
                                         .digest = STR("sha256:00")};
    CHECK_OK(iso_or_store_package_put(store, &package, NULL));
    CHECK_OK(iso_or_store_item_put(store, "registry", STR("lab"), STR("{}"), NULL));
    CHECK_OK(iso_or_store_item_put(store, "trusted-key", STR("k"), STR("[]"), NULL));
    CHECK_OK(iso_or_store_event_add(store, 1, STR("1"), NULL));
    CHECK_OK(iso_or_store_event_add(store, 2, STR("2"), NULL));
}

static void check_filled(struct iso_or_store *store)
{
    struct iso_buf value;
    iso_buf_init(&value, iso_alloc_libc(), 100);
    CHECK_OK(iso_or_store_get(store, "name", &value, NULL));
    CHECK(value.len == 4 && memcmp(value.ptr, "site", 4) == 0);
    value.len = 0;
    uint8_t key[32];
    CHECK_OK(iso_or_store_pair(store, STR("app"), STR("b"), STR("a"), &value, key, NULL));
    CHECK(value.len == 3 && key[0] == 2 && key[31] == 2);
    iso_buf_fini(&value);

    struct seen seen = {0};
    CHECK_OK(iso_or_store_devices(store, see_device, &seen, NULL));
    CHECK_STR(seen.text, "b renamed secret [] a first secret []");
    seen = (struct seen){0};
    CHECK_OK(iso_or_store_generations(store, STR("app"), see_generation, &seen, NULL));
    CHECK_STR(seen.text, "app 3 preparing {} app 1 replaced ");
    seen = (struct seen){0};
    CHECK_OK(iso_or_store_generation_heads(store, STR("app"), see_generation, &seen, NULL));
    CHECK_STR(seen.text, "app 3 preparing  app 1 replaced "); /* without what may be large */
    bool used = false;
    CHECK_OK(iso_or_store_generations_use(store, STR("sha256:01"), &used, NULL));
    CHECK(used);
    CHECK_OK(iso_or_store_generations_use(store, STR("sha256:02"), &used, NULL));
    CHECK(!used);
    seen = (struct seen){.stop_after = 1};
    CHECK_OK(iso_or_store_generations(store, STR(""), see_generation, &seen, NULL));
    CHECK_STR(seen.text, "another 2 committed ");
    seen = (struct seen){0};
    CHECK_OK(iso_or_store_generation(store, STR("app"), 3, see_generation, &seen, NULL));
    CHECK_STR(seen.text, "app 3 preparing {}");
    seen = (struct seen){0};
    CHECK_OK(iso_or_store_packages(store, see_package, &seen, NULL));
    CHECK_STR(seen.text, "camera@1.0.0 sha256:00");
    seen = (struct seen){0};
    CHECK_OK(iso_or_store_items(store, "registry", see_item, &seen, NULL));
    CHECK_STR(seen.text, "lab {}");
    seen = (struct seen){0};
    CHECK_OK(iso_or_store_events(store, 10, see_event, &seen, NULL));
    CHECK_STR(seen.text, "1 2");
    seen = (struct seen){0};
    CHECK_OK(iso_or_store_events(store, 1, see_event, &seen, NULL));
    CHECK_STR(seen.text, "2");
    uint64_t last = 0;
    CHECK_OK(iso_or_store_generation_last(store, STR("app"), &last, NULL));
    CHECK_EQ_U64(last, 3);
}

TEST(everything_is_there_after_reopening)
{
    store_test_make_dir();
    struct iso_or_store *store = opened();
    fill(store);
    check_filled(store);
    iso_or_store_close(store);
    store = opened();
    check_filled(store);
    iso_or_store_close(store);
    store_test_drop_dir();
}

TEST(what_is_not_there_is_not_found)
{
    struct iso_or_store *store = NULL;
    CHECK_OK(iso_or_store_open(":memory:", &store, NULL));
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), 10);
    uint8_t key[32];
    uint64_t last = 7;
    struct seen seen = {0};
    struct iso_or_generation_row row = {.app = STR("app"), .number = 1};
    CHECK_ERR(iso_or_store_get(store, "x", &out, NULL), ISO_E_NOT_FOUND);
    CHECK_ERR(iso_or_store_device_remove(store, STR("x"), NULL), ISO_E_NOT_FOUND);
    CHECK_ERR(iso_or_store_package_remove(store, STR("x"), NULL), ISO_E_NOT_FOUND);
    CHECK_ERR(iso_or_store_item_remove(store, "x", STR("x"), NULL), ISO_E_NOT_FOUND);
    CHECK_ERR(iso_or_store_pair(store, STR("a"), STR("b"), STR("c"), &out, key, NULL),
              ISO_E_NOT_FOUND);
    CHECK_ERR(iso_or_store_generation(store, STR("app"), 1, see_generation, &seen, NULL),
              ISO_E_NOT_FOUND);
    CHECK_ERR(iso_or_store_generation_step(store, &row, NULL), ISO_E_NOT_FOUND);
    CHECK_OK(iso_or_store_generation_last(store, STR("app"), &last, NULL));
    CHECK_EQ_U64(last, 0);
    CHECK(out.len == 0 && seen.rows == 0);
    iso_buf_fini(&out);
    iso_or_store_close(store);
}

TEST(removed_rows_are_gone)
{
    struct iso_or_store *store = NULL;
    CHECK_OK(iso_or_store_open(":memory:", &store, NULL));
    fill(store);
    CHECK_OK(iso_or_store_device_remove(store, STR("b"), NULL));
    CHECK_OK(iso_or_store_package_remove(store, STR("camera@1.0.0"), NULL));
    CHECK_OK(iso_or_store_item_remove(store, "registry", STR("lab"), NULL));
    struct seen seen = {0};
    CHECK_OK(iso_or_store_devices(store, see_device, &seen, NULL));
    CHECK_STR(seen.text, "a first secret []");
    CHECK_OK(iso_or_store_packages(store, see_package, &seen, NULL));
    CHECK_OK(iso_or_store_items(store, "registry", see_item, &seen, NULL));
    CHECK_EQ_U64(seen.rows, 1);
    iso_or_store_close(store);
}

/* A step writes how far it is, and keeps the rest. */
static bool check_step(void *ctx, const struct iso_or_generation_row *row)
{
    (void)ctx;
    CHECK(row->state == ISO_OR_FAILED);
    CHECK(iso_str_equal_z(row->documents, "{\"d\": {}}"));
    CHECK(iso_str_equal_z(row->error, "no device fits"));
    CHECK(row->created_ms == 5 && row->changed_ms == 77);
    return true;
}

TEST(a_step_keeps_what_the_generation_is)
{
    struct iso_or_store *store = NULL;
    CHECK_OK(iso_or_store_open(":memory:", &store, NULL));
    put_generation(store, "app", 4, ISO_OR_PREPARING, "");
    struct iso_or_generation_row row = {.app = STR("app"),
                                        .number = 4,
                                        .state = ISO_OR_FAILED,
                                        .error = STR("no device fits"),
                                        .changed_ms = 77};
    CHECK_OK(iso_or_store_generation_step(store, &row, NULL));
    CHECK_OK(iso_or_store_generation(store, STR("app"), 4, check_step, NULL, NULL));
    iso_or_store_close(store);
}

/* Epochs rise, whatever is asked and whatever is rolled back before anybody saw it. */
TEST(epochs_rise)
{
    store_test_make_dir();
    struct iso_or_store *store = opened();
    uint64_t epoch = 0;
    CHECK_OK(iso_or_store_epoch_next(store, STR("app"), STR("c"), 0, &epoch, NULL));
    CHECK_EQ_U64(epoch, 1);
    CHECK_OK(iso_or_store_epoch_next(store, STR("app"), STR("c"), 10, &epoch, NULL));
    CHECK_EQ_U64(epoch, 10);
    CHECK_OK(iso_or_store_epoch_next(store, STR("app"), STR("c"), 3, &epoch, NULL));
    CHECK_EQ_U64(epoch, 11);
    CHECK_OK(iso_or_store_epoch_next(store, STR("app"), STR("d"), 7, &epoch, NULL));
    CHECK_EQ_U64(epoch, 7);
    CHECK_OK(iso_or_store_begin(store, NULL));
    CHECK_OK(iso_or_store_epoch_next(store, STR("app"), STR("c"), 0, &epoch, NULL));
    CHECK_EQ_U64(epoch, 12);
    iso_or_store_rollback(store);
    iso_or_store_close(store);
    store = opened();
    CHECK_OK(iso_or_store_epoch_next(store, STR("app"), STR("c"), 0, &epoch, NULL));
    CHECK_EQ_U64(epoch, 12);
    iso_or_store_close(store);
    store_test_drop_dir();
}

/* Forgotten are old ones that are over; what runs, or is under way, stays however old it is. */
TEST(old_generations_are_forgotten)
{
    struct iso_or_store *store = NULL;
    CHECK_OK(iso_or_store_open(":memory:", &store, NULL));
    CHECK_OK(iso_or_store_begin(store, NULL));
    for (uint64_t i = 1; i <= 60; i++) {
        enum iso_or_generation_state state = i == 2   ? ISO_OR_COMMITTED
                                             : i == 4 ? ISO_OR_ACCEPTED
                                             : i == 1 ? ISO_OR_REPLACED
                                                      : ISO_OR_FAILED;
        put_generation(store, "app", i, state, "");
    }
    put_generation(store, "other", 1, ISO_OR_FAILED, "");
    CHECK_OK(iso_or_store_commit(store, NULL));
    CHECK_OK(iso_or_store_generations_trim(store, STR("app"), NULL));
    struct seen seen = {0};
    CHECK_OK(iso_or_store_generations(store, STR("app"), see_generation, &seen, NULL));
    CHECK_EQ_U64(seen.rows, 52);
    seen = (struct seen){0};
    for (uint64_t i = 1; i <= 11; i++) {
        enum iso_err expected = i == 2 || i == 4 || i == 11 ? ISO_OK : ISO_E_NOT_FOUND;
        CHECK_ERR(iso_or_store_generation(store, STR("app"), i, see_generation, &seen, NULL),
                  expected);
    }
    CHECK_OK(iso_or_store_generation(store, STR("other"), 1, see_generation, &seen, NULL));
    uint64_t last = 0;
    CHECK_OK(iso_or_store_generation_last(store, STR("app"), &last, NULL));
    CHECK_EQ_U64(last, 60);
    iso_or_store_close(store);
}

static bool keep_b(void *ctx, struct iso_str from, struct iso_str to)
{
    (void)ctx;
    (void)to;
    return iso_str_equal_z(from, "b");
}

TEST(pairs_that_nobody_wants_are_dropped)
{
    struct iso_or_store *store = NULL;
    CHECK_OK(iso_or_store_open(":memory:", &store, NULL));
    fill(store);
    CHECK_OK(iso_or_store_pairs_drop(store, STR("app"), keep_b, NULL, NULL));
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), 10);
    uint8_t key[32];
    CHECK_ERR(iso_or_store_pair(store, STR("app"), STR("a"), STR("b"), &out, key, NULL),
              ISO_E_NOT_FOUND);
    CHECK_OK(iso_or_store_pair(store, STR("app"), STR("b"), STR("a"), &out, key, NULL));
    CHECK_OK(iso_or_store_pairs_drop(store, STR("app"), NULL, NULL, NULL));
    CHECK_ERR(iso_or_store_pair(store, STR("app"), STR("b"), STR("a"), &out, key, NULL),
              ISO_E_NOT_FOUND);
    iso_buf_fini(&out);
    iso_or_store_close(store);
}

/* Of events whose numbers have gaps, as each life of the orchestrator leaves one. */
TEST(events_have_a_maximum)
{
    struct iso_or_store *store = NULL;
    CHECK_OK(iso_or_store_open(":memory:", &store, NULL));
    CHECK_OK(iso_or_store_begin(store, NULL));
    for (uint64_t i = 0; i <= ISO_OR_EVENTS_KEPT + 64; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%u", (unsigned)i);
        CHECK_OK(
            iso_or_store_event_add(store, i < 100 ? i : i + (UINT64_C(1) << 32), STR(text), NULL));
    }
    CHECK_OK(iso_or_store_commit(store, NULL));
    struct seen seen = {.stop_after = 1};
    CHECK_OK(iso_or_store_events(store, UINT32_MAX, see_event, &seen, NULL));
    const unsigned long first = strtoul(seen.text, NULL, 10);
    CHECK(first > 0 && first <= 65); /* the latest are all there, and few of the others */
    iso_or_store_close(store);
}

static bool see_number(void *ctx, uint64_t number, struct iso_str json)
{
    (void)json;
    *(uint64_t *)ctx = number;
    return true;
}

/* Whatever of the events got lost. */
TEST(numbers_of_events_never_come_twice)
{
    struct iso_or_store *store = NULL;
    uint64_t before = 0;
    store_test_make_dir();
    for (unsigned life = 0; life < 4; life++) {
        uint64_t first = 0, last = 0;
        CHECK_OK(iso_or_store_open(store_test_path, &store, NULL));
        CHECK_OK(iso_or_store_events(store, 1, see_number, &last, NULL));
        CHECK_EQ_U64(last, life < 2 ? 0 : before); /* the events of the first life are lost */
        CHECK_OK(iso_or_store_event_numbers(store, &first, NULL));
        CHECK(first > before);
        before = first + 1000;
        if (life != 0) {
            CHECK_OK(iso_or_store_event_add(store, before, STR("{}"), NULL));
        }
        iso_or_store_close(store);
    }
    CHECK_OK(iso_or_store_open(store_test_path, &store, NULL));
    CHECK_OK(iso_or_store_set(store, "event-life", STR("many"), NULL));
    uint64_t untouched = 7;
    CHECK(iso_or_store_event_numbers(store, &untouched, NULL) != ISO_OK);
    CHECK_EQ_U64(untouched, 7);
    iso_or_store_close(store);
    store_test_drop_dir();
}

/* A query within a query of the same kind, as a caller may make it. */
static bool look_again(void *ctx, const struct iso_or_device_row *row)
{
    (void)row;
    struct seen inner = {0};
    struct iso_or_store *store = ctx;
    CHECK_OK(iso_or_store_devices(store, see_device, &inner, NULL));
    CHECK_EQ_U64(inner.rows, 2);
    CHECK_OK(iso_or_store_set(store, "looked", STR("yes"), NULL));
    return true;
}

TEST(queries_within_queries)
{
    struct iso_or_store *store = NULL;
    CHECK_OK(iso_or_store_open(":memory:", &store, NULL));
    fill(store);
    CHECK_OK(iso_or_store_devices(store, look_again, store, NULL));
    iso_or_store_close(store);
}

/* ---- Files that cannot be used -----------------------------------------------------------------
 */

TEST(the_file_is_private)
{
    store_test_make_dir();
    int fd = open(store_test_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    CHECK(fd >= 0 && close(fd) == 0);
    struct iso_or_store *store = opened();
    fill(store);
    struct stat status;
    char wal[112];
    (void)snprintf(wal, sizeof wal, "%s-wal", store_test_path);
    CHECK(stat(store_test_path, &status) == 0 && (status.st_mode & 0777) == 0600);
    CHECK(stat(wal, &status) == 0 && (status.st_mode & 0777) == 0600);
    iso_or_store_close(store);
    store_test_drop_dir();
}

TEST(a_second_process_is_refused)
{
    store_test_make_dir();
    struct iso_or_store *store = opened();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct iso_or_store *second = NULL;
        enum iso_err err = iso_or_store_open(store_test_path, &second, NULL);
        _exit(err == ISO_E_EXISTS && second == NULL ? 0 : 1);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    fill(store);
    iso_or_store_close(store);
    store_test_drop_dir();
}

static void direct(const char *sql)
{
    sqlite3 *db = NULL;
    CHECK(sqlite3_open(store_test_path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(db) == SQLITE_OK);
}

TEST(newer_and_foreign_databases_are_refused)
{
    store_test_make_dir();
    iso_or_store_close(opened());
    direct("PRAGMA user_version = 99");
    refused(ISO_E_UNSUPPORTED, "schema is 99");
    CHECK(unlink(store_test_path) == 0);
    direct("CREATE TABLE t (x)");
    refused(ISO_E_MALFORMED, "not an orchestrator's");
    store_test_drop_dir();
}

static void write_at(off_t offset, const void *bytes, size_t len)
{
    int fd = open(store_test_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && pwrite(fd, bytes, len, offset) == (ssize_t)len && close(fd) == 0);
}

TEST(damaged_files_are_refused)
{
    store_test_make_dir();
    char garbage[4096];
    memset(garbage, 0x5a, sizeof garbage);
    write_at(0, garbage, sizeof garbage);
    refused(ISO_E_MALFORMED, "damaged");
    CHECK(unlink(store_test_path) == 0);
    struct iso_or_store *store = opened();
    fill(store);
    iso_or_store_close(store);
    struct stat status;
    CHECK(stat(store_test_path, &status) == 0 && status.st_size > 8192);
    /* Each page but the first, which has the schema. */
    for (off_t at = 4096; at < status.st_size; at += 4096) {
        char page[4096];
        int fd = open(store_test_path, O_RDONLY | O_CLOEXEC);
        CHECK(fd >= 0 && pread(fd, page, sizeof page, at) == (ssize_t)sizeof page);
        CHECK(close(fd) == 0);
        write_at(at, garbage, sizeof garbage);
        refused(ISO_E_MALFORMED, "damaged");
        write_at(at, page, sizeof page);
    }
    CHECK(truncate(store_test_path, status.st_size / 2) == 0);
    refused(ISO_E_MALFORMED, "damaged");
    store_test_drop_dir();
}

TEST(what_is_no_file_is_refused)
{
    store_test_make_dir();
    CHECK(mkdir(store_test_path, 0700) == 0);
    struct iso_or_store *store = NULL;
    CHECK(iso_or_store_open(store_test_path, &store, NULL) != ISO_OK && store == NULL);
    CHECK(rmdir(store_test_path) == 0);
    CHECK(symlink("/dev/null", store_test_path) == 0);
    CHECK(iso_or_store_open(store_test_path, &store, NULL) != ISO_OK && store == NULL);
    (void)snprintf(store_test_path, sizeof store_test_path, "%s/missing/file", store_test_dir);
    CHECK_ERR(iso_or_store_open(store_test_path, &store, NULL), ISO_E_NOT_FOUND);
    (void)snprintf(store_test_path, sizeof store_test_path, "%s/orchestrator.db", store_test_dir);
    store_test_drop_dir();
}

/* ---- A full disk -------------------------------------------------------------------------------
 */

TEST(a_full_disk_changes_nothing)
{
    store_test_make_dir();
    struct iso_or_store *store = opened();
    fill(store);
    CHECK_OK(iso_or_store_exec(store, "PRAGMA max_page_count = 1", NULL)); /* no page more */
    static char large[100000];
    memset(large, 'x', sizeof large);
    struct iso_report report;
    iso_report_init(&report);
    struct iso_str text = iso_str_from(large, sizeof large);
    CHECK_ERR(iso_or_store_set(store, "large", text, &report), ISO_E_IO);
    CHECK_CONTAINS(report.text, "the disk is full");
    /* Within a transaction, the whole is not there, also when the rest would fit. */
    CHECK_OK(iso_or_store_begin(store, NULL));
    CHECK_OK(iso_or_store_set(store, "small", STR("s"), NULL));
    CHECK_ERR(iso_or_store_set(store, "large", text, NULL), ISO_E_IO);
    CHECK_ERR(iso_or_store_set(store, "after", STR("s"), NULL), ISO_E_IO);
    CHECK_ERR(iso_or_store_commit(store, NULL), ISO_E_IO);
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), 10);
    CHECK_ERR(iso_or_store_get(store, "small", &out, NULL), ISO_E_NOT_FOUND);
    CHECK_ERR(iso_or_store_get(store, "after", &out, NULL), ISO_E_NOT_FOUND);
    iso_buf_fini(&out);
    check_filled(store);
    CHECK_OK(iso_or_store_exec(store, "PRAGMA max_page_count = 100000", NULL));
    CHECK_OK(iso_or_store_set(store, "large", text, NULL));
    iso_or_store_close(store);
    store = opened();
    check_filled(store);
    iso_or_store_close(store);
    store_test_drop_dir();
}
