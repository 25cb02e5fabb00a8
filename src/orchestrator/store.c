/*
 * The store: opening, transactions, queries; settings. SQLite (https://sqlite.org/c3ref/intro.html)
 * in WAL mode with synchronous=FULL: a commit is on the disk when it returns, and a process that is
 * killed at any moment leaves either all of it or nothing.
 */
#include "orchestrator/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/platform.h"

/* ---- Errors ------------------------------------------------------------------------------------
 */

enum iso_err iso_or_store_fail(struct iso_or_store *store, int code, struct iso_report *report)
{
    const char *text = store->db != NULL ? sqlite3_errmsg(store->db) : sqlite3_errstr(code);
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return iso_fail(report, ISO_E_NOMEM, "the store: not enough memory");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return iso_fail(report, ISO_E_MALFORMED, "the store is damaged: %s", text);
    case SQLITE_FULL:
        return iso_fail(report, ISO_E_IO,
                        "the store cannot be written: the disk is full; make room on it");
    case SQLITE_ABORT:
        return iso_fail(report, ISO_E_IO, "the store: a part of the change could not be written");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return iso_fail(report, ISO_E_EXISTS, "the store is in use by another process");
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return iso_fail(report, ISO_E_IO, "the store cannot be written: %s", text);
    default:
        return iso_fail(report, ISO_E_IO, "the store: %s", text);
    }
}

enum iso_err iso_or_store_exec(struct iso_or_store *store, const char *sql,
                               struct iso_report *report)
{
    int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? ISO_OK : iso_or_store_fail(store, code, report);
}

/* ---- Queries -----------------------------------------------------------------------------------
 */

void iso_or_query_begin(struct iso_or_query *query, struct iso_or_store *store,
                        enum iso_or_sql which)
{
    *query = (struct iso_or_query){.store = store, .which = which};
    if (store->open && store->broken) {
        /* SQLite may have rolled back by itself; what came now would be a transaction of its own.
         */
        query->code = SQLITE_ABORT;
        return;
    }
    query->statement = store->statements[which];
    store->statements[which] = NULL; /* a query within a query of the same kind makes its own */
    if (query->statement == NULL) {
        query->code = sqlite3_prepare_v3(store->db, iso_or_sql_texts[which], -1,
                                         SQLITE_PREPARE_PERSISTENT, &query->statement, NULL);
    }
}

static void bound(struct iso_or_query *query, int code)
{
    if (query->code == SQLITE_OK) {
        query->code = code;
    }
}

void iso_or_query_text(struct iso_or_query *query, struct iso_str text)
{
    query->parameter++;
    if (query->code == SQLITE_OK) {
        bound(query,
              sqlite3_bind_text64(query->statement, query->parameter, text.len != 0 ? text.ptr : "",
                                  text.len, SQLITE_STATIC, SQLITE_UTF8));
    }
}

void iso_or_query_blob(struct iso_or_query *query, struct iso_bytes bytes)
{
    query->parameter++;
    if (query->code == SQLITE_OK) {
        bound(query, sqlite3_bind_blob64(query->statement, query->parameter, bytes.ptr, bytes.len,
                                         SQLITE_STATIC));
    }
}

void iso_or_query_u64(struct iso_or_query *query, uint64_t number)
{
    query->parameter++;
    if (query->code == SQLITE_OK) {
        bound(query, sqlite3_bind_int64(query->statement, query->parameter, (sqlite3_int64)number));
    }
}

bool iso_or_query_next(struct iso_or_query *query)
{
    if (query->code != SQLITE_OK) {
        return false;
    }
    int code = sqlite3_step(query->statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        query->code = code;
    }
    return code == SQLITE_ROW;
}

struct iso_str iso_or_query_column(const struct iso_or_query *query, int column)
{
    const void *text = sqlite3_column_blob(query->statement, column);
    int len = sqlite3_column_bytes(query->statement, column);
    return iso_str_from(text != NULL ? text : "", text != NULL ? (size_t)len : 0);
}

uint64_t iso_or_query_column_u64(const struct iso_or_query *query, int column)
{
    return (uint64_t)sqlite3_column_int64(query->statement, column);
}

enum iso_err iso_or_query_end(struct iso_or_query *query, struct iso_report *report)
{
    struct iso_or_store *store = query->store;
    enum iso_err err = ISO_OK;
    if (query->code != SQLITE_OK) {
        err = iso_or_store_fail(store, query->code, report);
        store->broken = store->broken || store->open;
    }
    if (query->statement != NULL) {
        (void)sqlite3_reset(query->statement);
        (void)sqlite3_clear_bindings(query->statement);
    }
    if (store->statements[query->which] == NULL) {
        store->statements[query->which] = query->statement;
    } else {
        (void)sqlite3_finalize(query->statement);
    }
    query->statement = NULL;
    return err;
}

enum iso_err iso_or_query_run(struct iso_or_query *query, struct iso_report *report)
{
    while (iso_or_query_next(query)) {
    }
    return iso_or_query_end(query, report);
}

/* ---- Opening -----------------------------------------------------------------------------------
 */

/* SQLite would make the file with the process's umask; it holds keys and tokens. */
static enum iso_err make_private(const char *path, struct iso_report *report)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        int failed = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return iso_fail(report, iso_errno_err(failed), "'%s': %s", path, iso_errno_text(failed));
    }
    enum iso_err err = ISO_OK;
    if (!S_ISREG(status.st_mode)) {
        err = iso_fail(report, ISO_E_ARGUMENT, "'%s' is not a file", path);
    } else if ((status.st_mode & 0777) != 0600 && fchmod(fd, 0600) != 0) {
        err = iso_fail(report, ISO_E_ACCESS, "'%s' belongs to somebody else", path);
    }
    (void)close(fd);
    return err;
}

static enum iso_err open_file(struct iso_or_store *store, const char *path,
                              struct iso_report *report)
{
    int code = sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (code != SQLITE_OK) {
        return iso_or_store_fail(store, code, report);
    }
    (void)sqlite3_extended_result_codes(store->db, 1);
    /* Exclusive before WAL: then there is no shared memory, and the lock is held until the end. */
    enum iso_err err = iso_or_store_exec(store,
                                         "PRAGMA locking_mode = EXCLUSIVE;"
                                         "PRAGMA journal_mode = WAL;"
                                         "PRAGMA synchronous = FULL;"
                                         "PRAGMA trusted_schema = OFF;"
                                         "PRAGMA cell_size_check = ON;"
                                         "BEGIN IMMEDIATE; COMMIT;",
                                         report);
    return err == ISO_OK ? iso_or_store_schema(store, report) : err;
}

enum iso_err iso_or_store_open(const char *path, struct iso_or_store **out,
                               struct iso_report *report)
{
    enum iso_err err = ISO_OK;
    if (strcmp(path, ":memory:") != 0) {
        err = make_private(path, report);
    }
    if (err != ISO_OK) {
        return err;
    }
    struct iso_or_store *store = iso_alloc_new(iso_alloc_libc(), sizeof *store);
    if (store == NULL) {
        return iso_fail(report, ISO_E_NOMEM, "not enough memory");
    }
    struct iso_report inner;
    iso_report_init(&inner);
    err = open_file(store, path, &inner);
    if (err != ISO_OK) {
        iso_report_set(report, "'%s': %s", path, iso_report_text(&inner, err));
        iso_or_store_close(store);
        return err;
    }
    *out = store;
    return ISO_OK;
}

void iso_or_store_close(struct iso_or_store *store)
{
    if (store == NULL) {
        return;
    }
    for (size_t i = 0; i < ISO_OR_SQL_COUNT; i++) {
        (void)sqlite3_finalize(store->statements[i]);
    }
    (void)sqlite3_close_v2(store->db);
    iso_alloc_free(iso_alloc_libc(), store, sizeof *store);
}

/* ---- Transactions ------------------------------------------------------------------------------
 */

enum iso_err iso_or_store_begin(struct iso_or_store *store, struct iso_report *report)
{
    ISO_ASSERT(!store->open);
    enum iso_err err = iso_or_store_exec(store, "BEGIN IMMEDIATE", report);
    store->open = err == ISO_OK;
    store->broken = false;
    return err;
}

enum iso_err iso_or_store_commit(struct iso_or_store *store, struct iso_report *report)
{
    ISO_ASSERT(store->open);
    enum iso_err err = ISO_OK;
    if (store->broken) {
        err = iso_fail(report, ISO_E_IO, "the store: a part of the change could not be written");
    } else {
        err = iso_or_store_exec(store, "COMMIT", report);
    }
    if (err != ISO_OK) {
        iso_or_store_rollback(store);
    }
    store->open = false;
    return err;
}

void iso_or_store_rollback(struct iso_or_store *store)
{
    /* After some failures SQLite has done so by itself. */
    if (store->open && sqlite3_get_autocommit(store->db) == 0) {
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    store->open = false;
    store->broken = false;
}

enum iso_err iso_or_store_begin_inner(struct iso_or_store *store, bool *own,
                                      struct iso_report *report)
{
    *own = !store->open;
    return *own ? iso_or_store_begin(store, report) : ISO_OK;
}

enum iso_err iso_or_store_end_inner(struct iso_or_store *store, bool own, enum iso_err err,
                                    struct iso_report *report)
{
    if (own && err == ISO_OK) {
        return iso_or_store_commit(store, report);
    }
    if (own) {
        iso_or_store_rollback(store);
    } else if (err != ISO_OK) {
        store->broken = true;
    }
    return err;
}

/* ---- Settings ----------------------------------------------------------------------------------
 */

enum iso_err iso_or_store_set(struct iso_or_store *store, const char *name, struct iso_str value,
                              struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_SETTING_PUT);
    iso_or_query_text(&query, iso_str_from_z(name));
    iso_or_query_text(&query, value);
    return iso_or_query_run(&query, report);
}

enum iso_err iso_or_store_get(struct iso_or_store *store, const char *name, struct iso_buf *out,
                              struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_SETTING_GET);
    iso_or_query_text(&query, iso_str_from_z(name));
    bool found = iso_or_query_next(&query);
    enum iso_err copied = ISO_OK;
    if (found) {
        struct iso_str value = iso_or_query_column(&query, 0);
        copied = iso_buf_append(out, value.ptr, value.len);
    }
    enum iso_err err = iso_or_query_end(&query, report);
    if (err != ISO_OK || found) {
        return err != ISO_OK ? err : copied;
    }
    return iso_fail(report, ISO_E_NOT_FOUND, "there is no setting '%s'", name);
}
