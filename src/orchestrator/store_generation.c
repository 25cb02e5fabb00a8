/* The store: generations of applications, their numbers, epochs of components, keys of pairs. */
#include "orchestrator/store_internal.h"

#include <inttypes.h>

static const char *const state_names[] = {
    [ISO_OR_ACCEPTED] = "accepted",     [ISO_OR_RESOLVING] = "resolving",
    [ISO_OR_PLANNING] = "planning",     [ISO_OR_PREPARING] = "preparing",
    [ISO_OR_MOVING] = "moving",         [ISO_OR_COMMITTING] = "committing",
    [ISO_OR_COMMITTED] = "committed",   [ISO_OR_FAILED] = "failed",
    [ISO_OR_SUPERSEDED] = "superseded", [ISO_OR_REPLACED] = "replaced",
};

const char *iso_or_generation_state_name(enum iso_or_generation_state state)
{
    return (size_t)state < ISO_COUNT_OF(state_names) ? state_names[state] : "unknown";
}

/* ---- Generations -------------------------------------------------------------------------------
 */

/* How far it is: what changes with each step. */
static enum iso_err put_progress(struct iso_or_store *store, enum iso_or_sql statement,
                                 const struct iso_or_generation_row *row, struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, statement);
    iso_or_query_text(&query, row->app);
    iso_or_query_u64(&query, row->number);
    iso_or_query_u64(&query, (uint64_t)row->state);
    iso_or_query_text(&query, row->progress);
    iso_or_query_text(&query, row->error);
    iso_or_query_u64(&query, row->changed_ms);
    return iso_or_query_run(&query, report);
}

static enum iso_err put_parts(struct iso_or_store *store, const struct iso_or_generation_row *row,
                              struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_GENERATION_PUT);
    iso_or_query_text(&query, row->app);
    iso_or_query_u64(&query, row->number);
    const struct iso_str texts[] = {row->cause,    row->detail, row->manifest,  row->files,
                                    row->resolved, row->pins,   row->placement, row->documents};
    for (size_t i = 0; i < ISO_COUNT_OF(texts); i++) {
        iso_or_query_text(&query, texts[i]);
    }
    iso_or_query_u64(&query, row->created_ms);
    enum iso_err err = iso_or_query_run(&query, report);
    if (err != ISO_OK) {
        return err;
    }
    err = put_progress(store, ISO_OR_SQL_PROGRESS_PUT, row, report);
    if (err != ISO_OK) {
        return err;
    }
    iso_or_query_begin(&query, store, ISO_OR_SQL_NUMBER_USE);
    iso_or_query_text(&query, row->app);
    iso_or_query_u64(&query, row->number);
    return iso_or_query_run(&query, report);
}

enum iso_err iso_or_store_generation_put(struct iso_or_store *store,
                                         const struct iso_or_generation_row *row,
                                         struct iso_report *report)
{
    bool own = false;
    enum iso_err err = iso_or_store_begin_inner(store, &own, report);
    if (err != ISO_OK) {
        return err;
    }
    return iso_or_store_end_inner(store, own, put_parts(store, row, report), report);
}

enum iso_err iso_or_store_generation_step(struct iso_or_store *store,
                                          const struct iso_or_generation_row *row,
                                          struct iso_report *report)
{
    enum iso_err err = put_progress(store, ISO_OR_SQL_PROGRESS_UPDATE, row, report);
    if (err == ISO_OK && sqlite3_changes(store->db) == 0) {
        err = iso_fail(report, ISO_E_NOT_FOUND, "'%.*s' has no generation %" PRIu64,
                       (int)row->app.len, row->app.ptr, row->number);
    }
    return err;
}

static struct iso_or_generation_row read_head(const struct iso_or_query *query)
{
    return (struct iso_or_generation_row){
        .app = iso_or_query_column(query, 0),
        .number = iso_or_query_column_u64(query, 1),
        .state = (enum iso_or_generation_state)iso_or_query_column_u64(query, 2),
        .cause = iso_or_query_column(query, 3),
        .detail = iso_or_query_column(query, 4),
        .error = iso_or_query_column(query, 5),
        .created_ms = iso_or_query_column_u64(query, 6),
        .changed_ms = iso_or_query_column_u64(query, 7),
    };
}

static struct iso_or_generation_row read_row(const struct iso_or_query *query)
{
    struct iso_or_generation_row row = read_head(query);
    row.manifest = iso_or_query_column(query, 8);
    row.files = iso_or_query_column(query, 9);
    row.resolved = iso_or_query_column(query, 10);
    row.pins = iso_or_query_column(query, 11);
    row.placement = iso_or_query_column(query, 12);
    row.documents = iso_or_query_column(query, 13);
    row.progress = iso_or_query_column(query, 14);
    return row;
}

static enum iso_err each_row(struct iso_or_query *query,
                             struct iso_or_generation_row (*read)(const struct iso_or_query *query),
                             bool (*each)(void *ctx, const struct iso_or_generation_row *row),
                             void *ctx, size_t *count, struct iso_report *report)
{
    *count = 0;
    bool more = true;
    while (more && iso_or_query_next(query)) {
        struct iso_or_generation_row row = read(query);
        *count += 1;
        more = each(ctx, &row);
    }
    return iso_or_query_end(query, report);
}

enum iso_err
iso_or_store_generation(struct iso_or_store *store, struct iso_str app, uint64_t number,
                        bool (*each)(void *ctx, const struct iso_or_generation_row *row), void *ctx,
                        struct iso_report *report)
{
    struct iso_or_query query;
    size_t count = 0;
    iso_or_query_begin(&query, store, ISO_OR_SQL_GENERATION);
    iso_or_query_text(&query, app);
    iso_or_query_u64(&query, number);
    enum iso_err err = each_row(&query, read_row, each, ctx, &count, report);
    if (err == ISO_OK && count == 0) {
        err = iso_fail(report, ISO_E_NOT_FOUND, "'%.*s' has no generation %" PRIu64, (int)app.len,
                       app.ptr, number);
    }
    return err;
}

enum iso_err iso_or_store_generations(struct iso_or_store *store, struct iso_str app,
                                      bool (*each)(void *ctx,
                                                   const struct iso_or_generation_row *row),
                                      void *ctx, struct iso_report *report)
{
    struct iso_or_query query;
    size_t count = 0;
    iso_or_query_begin(&query, store,
                       app.len != 0 ? ISO_OR_SQL_GENERATIONS : ISO_OR_SQL_GENERATIONS_ALL);
    if (app.len != 0) {
        iso_or_query_text(&query, app);
    }
    return each_row(&query, read_row, each, ctx, &count, report);
}

enum iso_err iso_or_store_generation_heads(struct iso_or_store *store, struct iso_str app,
                                           bool (*each)(void *ctx,
                                                        const struct iso_or_generation_row *row),
                                           void *ctx, struct iso_report *report)
{
    struct iso_or_query query;
    size_t count = 0;
    iso_or_query_begin(&query, store, ISO_OR_SQL_GENERATIONS_HEADS);
    iso_or_query_text(&query, app);
    return each_row(&query, read_head, each, ctx, &count, report);
}

enum iso_err iso_or_store_generations_use(struct iso_or_store *store, struct iso_str digest,
                                          bool *out, struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_GENERATIONS_USE);
    iso_or_query_text(&query, digest);
    const bool found = iso_or_query_next(&query);
    const enum iso_err err = iso_or_query_end(&query, report);
    if (err == ISO_OK) {
        *out = found;
    }
    return err;
}

enum iso_err iso_or_store_generation_last(struct iso_or_store *store, struct iso_str app,
                                          uint64_t *out, struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_NUMBER_LAST);
    iso_or_query_text(&query, app);
    uint64_t last = iso_or_query_next(&query) ? iso_or_query_column_u64(&query, 0) : 0;
    enum iso_err err = iso_or_query_end(&query, report);
    if (err == ISO_OK) {
        *out = last;
    }
    return err;
}

/* Carries out two statements about one application, or neither. `bind` gives each its parameters.
 */
static enum iso_err run_both(struct iso_or_store *store, enum iso_or_sql first,
                             enum iso_or_sql second, struct iso_str app,
                             void (*bind)(struct iso_or_query *query), struct iso_report *report)
{
    const enum iso_or_sql both[] = {first, second};
    bool own = false;
    enum iso_err err = iso_or_store_begin_inner(store, &own, report);
    if (err != ISO_OK) {
        return err;
    }
    for (size_t i = 0; i < ISO_COUNT_OF(both) && err == ISO_OK; i++) {
        struct iso_or_query query;
        iso_or_query_begin(&query, store, both[i]);
        iso_or_query_text(&query, app);
        if (bind != NULL) {
            bind(&query);
        }
        err = iso_or_query_run(&query, report);
    }
    return iso_or_store_end_inner(store, own, err, report);
}

static void bind_trim(struct iso_or_query *query)
{
    iso_or_query_u64(query, ISO_OR_GENERATIONS_KEPT);
    iso_or_query_u64(query, ISO_OR_COMMITTED);
    iso_or_query_u64(query, ISO_OR_COMMITTING);
    iso_or_query_u64(query, ISO_OR_COMMITTED);
}

enum iso_err iso_or_store_generations_trim(struct iso_or_store *store, struct iso_str app,
                                           struct iso_report *report)
{
    /* Both by what the second one has. */
    return run_both(store, ISO_OR_SQL_GENERATIONS_TRIM, ISO_OR_SQL_PROGRESS_TRIM, app, bind_trim,
                    report);
}

enum iso_err iso_or_store_generations_forget(struct iso_or_store *store, struct iso_str app,
                                             struct iso_report *report)
{
    return run_both(store, ISO_OR_SQL_GENERATIONS_FORGET, ISO_OR_SQL_PROGRESS_FORGET, app, NULL,
                    report);
}

/* ---- Epochs ------------------------------------------------------------------------------------
 */

enum iso_err iso_or_store_epoch_next(struct iso_or_store *store, struct iso_str app,
                                     struct iso_str component, uint64_t at_least, uint64_t *out,
                                     struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_EPOCH_NEXT);
    iso_or_query_text(&query, app);
    iso_or_query_text(&query, component);
    iso_or_query_u64(&query, at_least);
    uint64_t epoch = iso_or_query_next(&query) ? iso_or_query_column_u64(&query, 0) : 0;
    /* The row comes before the commit: only when the statement has run to its end it is recorded.
     */
    enum iso_err err = iso_or_query_run(&query, report);
    if (err == ISO_OK) {
        *out = epoch;
    }
    return err;
}

/* ---- Pairs -------------------------------------------------------------------------------------
 */

enum iso_err iso_or_store_pair_put(struct iso_or_store *store, const struct iso_or_pair_row *row,
                                   struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_PAIR_PUT);
    iso_or_query_text(&query, row->app);
    iso_or_query_text(&query, row->from);
    iso_or_query_text(&query, row->to);
    iso_or_query_text(&query, row->identity);
    iso_or_query_blob(&query, iso_bytes_from(row->key, sizeof row->key));
    return iso_or_query_run(&query, report);
}

enum iso_err iso_or_store_pair(struct iso_or_store *store, struct iso_str app, struct iso_str from,
                               struct iso_str to, struct iso_buf *identity, uint8_t key[32],
                               struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_PAIR);
    iso_or_query_text(&query, app);
    iso_or_query_text(&query, from);
    iso_or_query_text(&query, to);
    enum iso_err inner = ISO_OK;
    bool found = iso_or_query_next(&query);
    if (found) {
        struct iso_str name = iso_or_query_column(&query, 0);
        struct iso_str bytes = iso_or_query_column(&query, 1);
        if (bytes.len != 32) {
            inner = iso_fail(report, ISO_E_MALFORMED, "the store is damaged: a key has %zu bytes",
                             bytes.len);
        } else {
            inner = iso_buf_append(identity, name.ptr, name.len);
        }
        if (inner == ISO_OK) {
            memcpy(key, bytes.ptr, 32);
        }
    }
    enum iso_err err = iso_or_query_end(&query, report);
    if (err != ISO_OK || found) {
        return err != ISO_OK ? err : inner;
    }
    return iso_fail(report, ISO_E_NOT_FOUND, "there is no such pair");
}

static enum iso_err drop_pair(struct iso_or_store *store, struct iso_str app, struct iso_str from,
                              struct iso_str to, struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_PAIR_REMOVE);
    iso_or_query_text(&query, app);
    iso_or_query_text(&query, from);
    iso_or_query_text(&query, to);
    return iso_or_query_run(&query, report);
}

static enum iso_err drop_pairs(struct iso_or_store *store, struct iso_str app,
                               bool (*keep)(void *ctx, struct iso_str from, struct iso_str to),
                               void *ctx, struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_PAIRS);
    iso_or_query_text(&query, app);
    enum iso_err dropped = ISO_OK;
    /* SQLite allows to delete the row that a query is at. */
    while (dropped == ISO_OK && iso_or_query_next(&query)) {
        struct iso_str from = iso_or_query_column(&query, 0);
        struct iso_str to = iso_or_query_column(&query, 1);
        if (keep == NULL || !keep(ctx, from, to)) {
            dropped = drop_pair(store, app, from, to, report);
        }
    }
    enum iso_err err = iso_or_query_end(&query, report);
    return dropped != ISO_OK ? dropped : err;
}

enum iso_err iso_or_store_pairs_drop(struct iso_or_store *store, struct iso_str app,
                                     bool (*keep)(void *ctx, struct iso_str from,
                                                  struct iso_str to),
                                     void *ctx, struct iso_report *report)
{
    bool own = false;
    enum iso_err err = iso_or_store_begin_inner(store, &own, report);
    if (err != ISO_OK) {
        return err;
    }
    return iso_or_store_end_inner(store, own, drop_pairs(store, app, keep, ctx, report), report);
}
