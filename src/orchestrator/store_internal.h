/* store_internal.h - what the files store*.c share: the connection, and queries by number, each
 * prepared once. */
#ifndef ISO_ORCHESTRATOR_STORE_INTERNAL_H
#define ISO_ORCHESTRATOR_STORE_INTERNAL_H

#include <sqlite3.h>

#include "orchestrator/store.h"

/* Every statement; its text is in store_schema.c. */
enum iso_or_sql {
    ISO_OR_SQL_SETTING_PUT,
    ISO_OR_SQL_SETTING_GET,
    ISO_OR_SQL_DEVICE_PUT,
    ISO_OR_SQL_DEVICE_REMOVE,
    ISO_OR_SQL_DEVICES,
    ISO_OR_SQL_NUMBER_USE,
    ISO_OR_SQL_NUMBER_LAST,
    ISO_OR_SQL_GENERATION_PUT,
    ISO_OR_SQL_PROGRESS_PUT,
    ISO_OR_SQL_PROGRESS_UPDATE,
    ISO_OR_SQL_GENERATION,
    ISO_OR_SQL_GENERATIONS,
    ISO_OR_SQL_GENERATIONS_HEADS,
    ISO_OR_SQL_GENERATIONS_USE,
    ISO_OR_SQL_GENERATIONS_ALL,
    ISO_OR_SQL_GENERATIONS_TRIM,
    ISO_OR_SQL_PROGRESS_TRIM,
    ISO_OR_SQL_GENERATIONS_FORGET,
    ISO_OR_SQL_PROGRESS_FORGET,
    ISO_OR_SQL_EPOCH_NEXT,
    ISO_OR_SQL_PAIR_PUT,
    ISO_OR_SQL_PAIR,
    ISO_OR_SQL_PAIRS,
    ISO_OR_SQL_PAIR_REMOVE,
    ISO_OR_SQL_PACKAGE_PUT,
    ISO_OR_SQL_PACKAGE_REMOVE,
    ISO_OR_SQL_PACKAGES,
    ISO_OR_SQL_ITEM_PUT,
    ISO_OR_SQL_ITEM_REMOVE,
    ISO_OR_SQL_ITEMS,
    ISO_OR_SQL_EVENT_ADD,
    ISO_OR_SQL_EVENTS_TRIM,
    ISO_OR_SQL_EVENTS,
    ISO_OR_SQL_COUNT
};

struct iso_or_store {
    sqlite3 *db;
    sqlite3_stmt *statements[ISO_OR_SQL_COUNT]; /* prepared and not in use; NULL: not yet, or in use
                                                 */
    bool open;                                  /* between begin and commit */
    bool broken; /* something failed since begin: commit must not succeed */
};

extern const char *const iso_or_sql_texts[ISO_OR_SQL_COUNT];

/* Makes the tables, or finds them as they should be. */
ISO_MUST_CHECK enum iso_err iso_or_store_schema(struct iso_or_store *store,
                                                struct iso_report *report);

/* Runs SQL without results. */
ISO_MUST_CHECK enum iso_err iso_or_store_exec(struct iso_or_store *store, const char *sql,
                                              struct iso_report *report);
/* The error and the words for a result code of SQLite. */
ISO_MUST_CHECK enum iso_err iso_or_store_fail(struct iso_or_store *store, int code,
                                              struct iso_report *report);
/* begin and commit around several statements, unless the caller has begun already. */
ISO_MUST_CHECK enum iso_err iso_or_store_begin_inner(struct iso_or_store *store, bool *own,
                                                     struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_or_store_end_inner(struct iso_or_store *store, bool own,
                                                   enum iso_err err, struct iso_report *report);

/* One use of a statement. The first failure is kept until its end. */
struct iso_or_query {
    struct iso_or_store *store;
    enum iso_or_sql which;
    sqlite3_stmt *statement;
    int parameter; /* bound last */
    int code;      /* SQLITE_OK, or the first failure */
};
void iso_or_query_begin(struct iso_or_query *query, struct iso_or_store *store,
                        enum iso_or_sql which);
/* Parameters in their order; borrowed until the end. */
void iso_or_query_text(struct iso_or_query *query, struct iso_str text);
void iso_or_query_blob(struct iso_or_query *query, struct iso_bytes bytes);
void iso_or_query_u64(struct iso_or_query *query, uint64_t number);
/* The next row; false at the end, or after a failure. */
bool iso_or_query_next(struct iso_or_query *query);
/* Columns of the row, valid until the next one. */
struct iso_str iso_or_query_column(const struct iso_or_query *query, int column);
uint64_t iso_or_query_column_u64(const struct iso_or_query *query, int column);
ISO_MUST_CHECK enum iso_err iso_or_query_end(struct iso_or_query *query, struct iso_report *report);
/* All rows that are left, and the end. */
ISO_MUST_CHECK enum iso_err iso_or_query_run(struct iso_or_query *query, struct iso_report *report);

#endif
