/* The tables of the store and every statement that it uses. SQLite 3.40; no extension of it. */
#include "orchestrator/store_internal.h"

#include <inttypes.h>
#include <stdlib.h>

/* In the file's header: that it is ours, and which schema it has. */
#define APPLICATION_ID 0x49736f4f /* "IsoO" */
#define SCHEMA_VERSION 1

#define TEXT(x) TEXT_OF(x)
#define TEXT_OF(x) #x

/* What a generation is (large, written once or twice) is apart from how far it is (small, written
 * at each step), so that a step does not write documents again. */
static const char tables[] =
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE devices (added INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    "  name TEXT NOT NULL, named INTEGER NOT NULL, pin TEXT NOT NULL, token TEXT NOT NULL,"
    "  addresses TEXT NOT NULL, labels TEXT NOT NULL, description TEXT NOT NULL,"
    "  drained INTEGER NOT NULL, added_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL);"
    "CREATE TABLE numbers (app TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE generations (app TEXT NOT NULL, number INTEGER NOT NULL, cause TEXT NOT NULL,"
    "  detail TEXT NOT NULL, manifest TEXT NOT NULL, files TEXT NOT NULL, resolved TEXT NOT NULL,"
    "  pins TEXT NOT NULL, placement TEXT NOT NULL, documents TEXT NOT NULL,"
    "  created_ms INTEGER NOT NULL, UNIQUE (app, number));"
    "CREATE TABLE progress (app TEXT NOT NULL, number INTEGER NOT NULL, state INTEGER NOT NULL,"
    "  progress TEXT NOT NULL, error TEXT NOT NULL, changed_ms INTEGER NOT NULL,"
    "  UNIQUE (app, number));"
    "CREATE TABLE epochs (app TEXT NOT NULL, component TEXT NOT NULL, last INTEGER NOT NULL,"
    "  PRIMARY KEY (app, component)) WITHOUT ROWID;"
    "CREATE TABLE pairs (app TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,"
    "  identity TEXT NOT NULL, key BLOB NOT NULL, PRIMARY KEY (app, source, target))"
    "  WITHOUT ROWID;"
    "CREATE TABLE packages (reference TEXT PRIMARY KEY, exact TEXT NOT NULL, digest TEXT NOT NULL,"
    "  size INTEGER NOT NULL, wit TEXT NOT NULL, info TEXT NOT NULL, signer TEXT NOT NULL,"
    "  added_ms INTEGER NOT NULL);"
    "CREATE TABLE items (kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,"
    "  PRIMARY KEY (kind, name)) WITHOUT ROWID;"
    "CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, json TEXT NOT NULL);"
    "PRAGMA application_id = " TEXT(APPLICATION_ID) ";"
                                                    "PRAGMA user_version = " TEXT(
                                                        SCHEMA_VERSION) ";";

/* A store that has none of them is none the worse: they are made when it is opened. */
static const char indexes[] = "CREATE INDEX IF NOT EXISTS generation_heads"
                              " ON generations (app, number, cause, detail, created_ms)";

/* The parts of a generation that lists show, in the order in which store_generation.c reads them;
 * all of it has the other columns after those. */
#define HEAD_COLUMNS                                                                               \
    "g.app, g.number, p.state, g.cause, g.detail, p.error, g.created_ms, p.changed_ms"
#define JOINED " FROM generations g JOIN progress p USING (app, number)"
#define REST_COLUMNS "g.manifest, g.files, g.resolved, g.pins, g.placement, g.documents, p.progress"
#define GENERATION_COLUMNS HEAD_COLUMNS ", " REST_COLUMNS JOINED

/* The generations of an application that may be forgotten: ?1 the application, ?2 how many are
 * kept, ?3 the first state in which one is over, ?4 and ?5 those in which it is current. */
#define FORGOTTEN                                                                                  \
    " WHERE app = ?1 AND number IN (SELECT number FROM progress WHERE app = ?1 AND state >= ?3"    \
    " AND number < (SELECT coalesce(max(number), 0) FROM (SELECT number FROM progress"             \
    "   WHERE app = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2 - 1))"                               \
    " AND number IS NOT (SELECT max(number) FROM progress WHERE app = ?1 AND state IN (?4, ?5)))"

const char *const iso_or_sql_texts[ISO_OR_SQL_COUNT] = {
    [ISO_OR_SQL_SETTING_PUT] = "INSERT OR REPLACE INTO settings VALUES (?, ?)",
    [ISO_OR_SQL_SETTING_GET] = "SELECT value FROM settings WHERE name = ?",
    [ISO_OR_SQL_DEVICE_PUT] =
        "INSERT INTO devices (id, name, named, pin, token, addresses, labels, description, drained,"
        " added_ms, seen_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
        " SET name = excluded.name, named = excluded.named, pin = excluded.pin,"
        " token = excluded.token, addresses = excluded.addresses, labels = excluded.labels,"
        " description = excluded.description, drained = excluded.drained,"
        " added_ms = excluded.added_ms, seen_ms = excluded.seen_ms",
    [ISO_OR_SQL_DEVICE_REMOVE] = "DELETE FROM devices WHERE id = ?",
    [ISO_OR_SQL_DEVICES] = "SELECT id, name, named, pin, token, addresses, labels, description,"
                           " drained, added_ms, seen_ms FROM devices ORDER BY added",
    [ISO_OR_SQL_NUMBER_USE] = "INSERT INTO numbers VALUES (?, ?) ON CONFLICT (app) DO UPDATE SET"
                              " last = max(last, excluded.last)",
    [ISO_OR_SQL_NUMBER_LAST] = "SELECT last FROM numbers WHERE app = ?",
    [ISO_OR_SQL_GENERATION_PUT] =
        "INSERT OR REPLACE INTO generations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [ISO_OR_SQL_PROGRESS_PUT] = "INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?, ?, ?)",
    [ISO_OR_SQL_PROGRESS_UPDATE] = "UPDATE progress SET state = ?3, progress = ?4, error = ?5,"
                                   " changed_ms = ?6 WHERE app = ?1 AND number = ?2",
    [ISO_OR_SQL_GENERATION] =
        "SELECT " GENERATION_COLUMNS " WHERE g.app = ? AND g.number = ? LIMIT 1",
    [ISO_OR_SQL_GENERATIONS] =
        "SELECT " GENERATION_COLUMNS " WHERE g.app = ? ORDER BY g.number DESC",
    /* From the index alone: rows have documents and manifests. */
    [ISO_OR_SQL_GENERATIONS_HEADS] =
        "SELECT " HEAD_COLUMNS JOINED " WHERE g.app = ? ORDER BY g.number DESC",
    /* Of a row only what comes before its documents is read. */
    [ISO_OR_SQL_GENERATIONS_USE] = "SELECT 1 FROM generations WHERE instr(resolved, ?) > 0 LIMIT 1",
    [ISO_OR_SQL_GENERATIONS_ALL] = "SELECT " GENERATION_COLUMNS " ORDER BY g.app, g.number DESC",
    [ISO_OR_SQL_GENERATIONS_TRIM] = "DELETE FROM generations" FORGOTTEN,
    [ISO_OR_SQL_PROGRESS_TRIM] = "DELETE FROM progress" FORGOTTEN,
    [ISO_OR_SQL_GENERATIONS_FORGET] = "DELETE FROM generations WHERE app = ?",
    [ISO_OR_SQL_PROGRESS_FORGET] = "DELETE FROM progress WHERE app = ?",
    [ISO_OR_SQL_EPOCH_NEXT] =
        "INSERT INTO epochs VALUES (?1, ?2, max(1, ?3)) ON CONFLICT (app, component) DO UPDATE"
        " SET last = max(last + 1, ?3) RETURNING last",
    [ISO_OR_SQL_PAIR_PUT] = "INSERT OR REPLACE INTO pairs VALUES (?, ?, ?, ?, ?)",
    [ISO_OR_SQL_PAIR] =
        "SELECT identity, key FROM pairs WHERE app = ? AND source = ? AND target = ?",
    [ISO_OR_SQL_PAIRS] = "SELECT source, target FROM pairs WHERE app = ?",
    [ISO_OR_SQL_PAIR_REMOVE] = "DELETE FROM pairs WHERE app = ? AND source = ? AND target = ?",
    [ISO_OR_SQL_PACKAGE_PUT] = "INSERT OR REPLACE INTO packages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    [ISO_OR_SQL_PACKAGE_REMOVE] = "DELETE FROM packages WHERE reference = ?",
    [ISO_OR_SQL_PACKAGES] = "SELECT reference, exact, digest, size, wit, info, signer, added_ms"
                            " FROM packages ORDER BY reference",
    [ISO_OR_SQL_ITEM_PUT] = "INSERT OR REPLACE INTO items VALUES (?, ?, ?)",
    [ISO_OR_SQL_ITEM_REMOVE] = "DELETE FROM items WHERE kind = ? AND name = ?",
    [ISO_OR_SQL_ITEMS] = "SELECT name, value FROM items WHERE kind = ? ORDER BY name",
    [ISO_OR_SQL_EVENT_ADD] = "INSERT INTO events (seq, json) VALUES (?, ?)",
    [ISO_OR_SQL_EVENTS_TRIM] = "DELETE FROM events WHERE seq <="
                               " (SELECT seq FROM events ORDER BY seq DESC LIMIT 1 OFFSET ?)",
    [ISO_OR_SQL_EVENTS] =
        "SELECT seq, json FROM (SELECT seq, json FROM events ORDER BY seq DESC LIMIT ?)"
        " ORDER BY seq",
};

static int first_number(void *ctx, int columns, char **values, char **names)
{
    (void)columns;
    (void)names;
    uint64_t *out = ctx;
    *out = values[0] != NULL ? strtoull(values[0], NULL, 10) : 0;
    return 0;
}

static enum iso_err ask(struct iso_or_store *store, const char *sql, uint64_t *out,
                        struct iso_report *report)
{
    int code = sqlite3_exec(store->db, sql, first_number, out, NULL);
    return code == SQLITE_OK ? ISO_OK : iso_or_store_fail(store, code, report);
}

/* SQLite finds damage only where it reads, so all of it is read once. */
static enum iso_err inspect(struct iso_or_store *store, struct iso_report *report)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(store->db, "PRAGMA quick_check(1)", -1, &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
    }
    const char *said = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    bool fine = said != NULL && strcmp(said, "ok") == 0;
    enum iso_err err = ISO_OK;
    if (!fine && code == SQLITE_ROW) {
        err = iso_fail(report, ISO_E_MALFORMED, "the store is damaged: %s",
                       said != NULL ? said : "it cannot be read");
    } else if (!fine) {
        err = iso_or_store_fail(store, code, report);
    }
    (void)sqlite3_finalize(statement);
    return err;
}

/* Without them, as on a full disk, questions take longer. */
static void make_indexes(struct iso_or_store *store)
{
    const enum iso_err err = iso_or_store_exec(store, indexes, NULL);
    (void)err;
}

enum iso_err iso_or_store_schema(struct iso_or_store *store, struct iso_report *report)
{
    uint64_t application = 0, version = 0, count = 0;
    enum iso_err err = ask(store, "PRAGMA application_id", &application, report);
    if (err == ISO_OK) {
        err = ask(store, "PRAGMA user_version", &version, report);
    }
    if (err == ISO_OK) {
        err = ask(store, "SELECT count(*) FROM sqlite_master", &count, report);
    }
    if (err != ISO_OK) {
        return err;
    }
    if (version == 0 && count == 0 && application == 0) {
        bool own = false;
        err = iso_or_store_begin_inner(store, &own, report);
        if (err == ISO_OK) {
            err = iso_or_store_end_inner(store, own, iso_or_store_exec(store, tables, report),
                                         report);
        }
        if (err == ISO_OK) {
            make_indexes(store);
        }
        return err;
    }
    if (application != APPLICATION_ID) {
        return iso_fail(report, ISO_E_MALFORMED, "it is a database, but not an orchestrator's");
    }
    if (version > SCHEMA_VERSION) {
        return iso_fail(report, ISO_E_UNSUPPORTED,
                        "its schema is %" PRIu64 " and this program knows up to %d: a newer one "
                        "has used it",
                        version, SCHEMA_VERSION);
    }
    err = inspect(store, report);
    if (err == ISO_OK) {
        make_indexes(store);
    }
    return err;
}
