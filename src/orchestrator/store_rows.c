/* The store: devices, packages, small lists, events. */
#include "orchestrator/store_internal.h"

#include "base/format.h"
#include "platform/platform.h"

/* ---- Devices -----------------------------------------------------------------------------------
 */

enum iso_err iso_or_store_device_put(struct iso_or_store *store,
                                     const struct iso_or_device_row *row, struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_DEVICE_PUT);
    iso_or_query_text(&query, row->id);
    iso_or_query_text(&query, row->name);
    iso_or_query_u64(&query, row->named ? 1 : 0);
    iso_or_query_text(&query, row->pin);
    iso_or_query_text(&query, row->token);
    iso_or_query_text(&query, row->addresses);
    iso_or_query_text(&query, row->labels);
    iso_or_query_text(&query, row->description);
    iso_or_query_u64(&query, row->drained ? 1 : 0);
    iso_or_query_u64(&query, row->added_ms);
    iso_or_query_u64(&query, row->seen_ms);
    return iso_or_query_run(&query, report);
}

/* Removes one row by its key; NOT_FOUND when there is none. */
static enum iso_err remove_row(struct iso_or_query *query, const char *what,
                               struct iso_report *report)
{
    enum iso_err err = iso_or_query_run(query, report);
    if (err == ISO_OK && sqlite3_changes(query->store->db) == 0) {
        err = iso_fail(report, ISO_E_NOT_FOUND, "there is no such %s", what);
    }
    return err;
}

enum iso_err iso_or_store_device_remove(struct iso_or_store *store, struct iso_str id,
                                        struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_DEVICE_REMOVE);
    iso_or_query_text(&query, id);
    return remove_row(&query, "device", report);
}

enum iso_err iso_or_store_devices(struct iso_or_store *store,
                                  bool (*each)(void *ctx, const struct iso_or_device_row *row),
                                  void *ctx, struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_DEVICES);
    bool more = true;
    while (more && iso_or_query_next(&query)) {
        struct iso_or_device_row row = {
            .id = iso_or_query_column(&query, 0),
            .name = iso_or_query_column(&query, 1),
            .named = iso_or_query_column_u64(&query, 2) != 0,
            .pin = iso_or_query_column(&query, 3),
            .token = iso_or_query_column(&query, 4),
            .addresses = iso_or_query_column(&query, 5),
            .labels = iso_or_query_column(&query, 6),
            .description = iso_or_query_column(&query, 7),
            .drained = iso_or_query_column_u64(&query, 8) != 0,
            .added_ms = iso_or_query_column_u64(&query, 9),
            .seen_ms = iso_or_query_column_u64(&query, 10),
        };
        more = each(ctx, &row);
    }
    return iso_or_query_end(&query, report);
}

/* ---- Packages ----------------------------------------------------------------------------------
 */

enum iso_err iso_or_store_package_put(struct iso_or_store *store,
                                      const struct iso_or_package_row *row,
                                      struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_PACKAGE_PUT);
    iso_or_query_text(&query, row->reference);
    iso_or_query_text(&query, row->exact);
    iso_or_query_text(&query, row->digest);
    iso_or_query_u64(&query, row->size_bytes);
    iso_or_query_text(&query, row->wit);
    iso_or_query_text(&query, row->info);
    iso_or_query_text(&query, row->signer);
    iso_or_query_u64(&query, row->added_ms);
    return iso_or_query_run(&query, report);
}

enum iso_err iso_or_store_package_remove(struct iso_or_store *store, struct iso_str reference,
                                         struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_PACKAGE_REMOVE);
    iso_or_query_text(&query, reference);
    return remove_row(&query, "package", report);
}

enum iso_err iso_or_store_packages(struct iso_or_store *store,
                                   bool (*each)(void *ctx, const struct iso_or_package_row *row),
                                   void *ctx, struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_PACKAGES);
    bool more = true;
    while (more && iso_or_query_next(&query)) {
        struct iso_or_package_row row = {
            .reference = iso_or_query_column(&query, 0),
            .exact = iso_or_query_column(&query, 1),
            .digest = iso_or_query_column(&query, 2),
            .size_bytes = iso_or_query_column_u64(&query, 3),
            .wit = iso_or_query_column(&query, 4),
            .info = iso_or_query_column(&query, 5),
            .signer = iso_or_query_column(&query, 6),
            .added_ms = iso_or_query_column_u64(&query, 7),
        };
        more = each(ctx, &row);
    }
    return iso_or_query_end(&query, report);
}

/* ---- Small lists -------------------------------------------------------------------------------
 */

enum iso_err iso_or_store_item_put(struct iso_or_store *store, const char *kind,
                                   struct iso_str name, struct iso_str value,
                                   struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_ITEM_PUT);
    iso_or_query_text(&query, iso_str_from_z(kind));
    iso_or_query_text(&query, name);
    iso_or_query_text(&query, value);
    return iso_or_query_run(&query, report);
}

enum iso_err iso_or_store_item_remove(struct iso_or_store *store, const char *kind,
                                      struct iso_str name, struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_ITEM_REMOVE);
    iso_or_query_text(&query, iso_str_from_z(kind));
    iso_or_query_text(&query, name);
    return remove_row(&query, kind, report);
}

enum iso_err iso_or_store_items(struct iso_or_store *store, const char *kind,
                                bool (*each)(void *ctx, struct iso_str name, struct iso_str value),
                                void *ctx, struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_ITEMS);
    iso_or_query_text(&query, iso_str_from_z(kind));
    bool more = true;
    while (more && iso_or_query_next(&query)) {
        more = each(ctx, iso_or_query_column(&query, 0), iso_or_query_column(&query, 1));
    }
    return iso_or_query_end(&query, report);
}

/* ---- Events ------------------------------------------------------------------------------------
 */

/* What is beyond the kept ones goes after so many more: looking for them takes a while. */
enum { TRIM_EACH = 64, EVENT_NUMBER_BITS = 32 };

#define EVENT_LIFE "event-life"

enum iso_err iso_or_store_event_numbers(struct iso_or_store *store, uint64_t *first,
                                        struct iso_report *report)
{
    char text[24] = "";
    uint64_t life = 0;
    struct iso_buf value;
    iso_buf_init(&value, iso_alloc_libc(), sizeof text);
    enum iso_err err = iso_or_store_get(store, EVENT_LIFE, &value, report);
    (void)iso_format(text, sizeof text, "%.*s", (int)value.len, (const char *)value.ptr);
    iso_buf_fini(&value);
    if (err == ISO_OK) {
        err = iso_parse_count(text, INT32_MAX - 1, &life, report);
    } else if (err == ISO_E_NOT_FOUND) {
        err = ISO_OK;
    }
    if (err == ISO_OK) {
        (void)iso_format(text, sizeof text, "%llu", (unsigned long long)++life);
        err = iso_or_store_set(store, EVENT_LIFE, iso_str_from_z(text), report);
    }
    if (err == ISO_OK) {
        *first = life << EVENT_NUMBER_BITS;
    }
    return err;
}

static enum iso_err add_event(struct iso_or_store *store, uint64_t number, struct iso_str json,
                              struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_EVENT_ADD);
    iso_or_query_u64(&query, number);
    iso_or_query_text(&query, json);
    enum iso_err err = iso_or_query_run(&query, report);
    if (err != ISO_OK || number % TRIM_EACH != 0) {
        return err;
    }
    iso_or_query_begin(&query, store, ISO_OR_SQL_EVENTS_TRIM);
    iso_or_query_u64(&query, ISO_OR_EVENTS_KEPT);
    return iso_or_query_run(&query, report);
}

enum iso_err iso_or_store_event_add(struct iso_or_store *store, uint64_t number,
                                    struct iso_str json, struct iso_report *report)
{
    if (store->open) {
        return add_event(store, number, json, report);
    }
    /* No fsync of its own; whatever is recorded next takes it along. */
    enum iso_err err = iso_or_store_exec(store, "PRAGMA synchronous = NORMAL", report);
    if (err == ISO_OK) {
        err = add_event(store, number, json, report);
    }
    enum iso_err back = iso_or_store_exec(store, "PRAGMA synchronous = FULL", report);
    return err != ISO_OK ? err : back;
}

enum iso_err iso_or_store_events(struct iso_or_store *store, uint32_t count,
                                 bool (*each)(void *ctx, uint64_t number, struct iso_str json),
                                 void *ctx, struct iso_report *report)
{
    struct iso_or_query query;
    iso_or_query_begin(&query, store, ISO_OR_SQL_EVENTS);
    iso_or_query_u64(&query, count);
    bool more = true;
    while (more && iso_or_query_next(&query)) {
        more = each(ctx, iso_or_query_column_u64(&query, 0), iso_or_query_column(&query, 1));
    }
    return iso_or_query_end(&query, report);
}
