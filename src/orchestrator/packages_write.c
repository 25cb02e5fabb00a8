/* packages_write.c - packages as JSON: what the store remembers of a module, and the API's answers
 * (docs/orchestrator-api.md). */
#include "orchestrator/packages_internal.h"

#include "base/format.h"
#include "base/json_member.h"

static void put_if(struct iso_json *json, const char *key, struct iso_str first,
                   struct iso_str second)
{
    const struct iso_str value = first.len != 0 ? first : second;
    if (value.len != 0) {
        iso_json_put_string(json, key, value);
    }
}

static void put_needs(struct iso_json *json, const struct iso_description *description)
{
    static const char *const kinds[] = {"interface", "wasi", "other"};
    iso_json_put_array_begin(json, "imports");
    for (uint32_t i = 0; i < description->need_count; i++) {
        iso_json_object_begin(json);
        iso_json_put_string(json, "module", description->needs[i].module);
        iso_json_put_z(json, "kind", kinds[description->needs[i].kind]);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}

static void put_exports(struct iso_json *json, const struct iso_wit_world *world)
{
    iso_json_put_array_begin(json, "exports");
    for (uint32_t i = 0; i < world->export_count; i++) {
        const struct iso_wit_item *item = &world->exports[i];
        const uint32_t count = item->interface != NULL ? item->interface->func_count : 1;
        for (uint32_t k = 0; k < count; k++) {
            const struct iso_wit_func *func =
                item->interface != NULL ? &item->interface->funcs[k] : item->func;
            iso_json_object_begin(json);
            iso_json_put_string(json, "function", func->name);
            if (item->interface != NULL) {
                char name[512];
                iso_abi_import_module(item->interface, name, sizeof name);
                iso_json_put_string(json, "interface", iso_str_from_z(name));
            }
            iso_json_object_end(json);
        }
    }
    iso_json_array_end(json);
}

enum iso_err iso_or_package_info_json(const struct iso_description *description,
                                      const struct iso_package_info *beside, struct iso_buf *out)
{
    const struct iso_package_info *own = &description->interface.info;
    struct iso_json json;
    iso_json_init_buf(&json, out, 0);
    iso_json_object_begin(&json);
    put_if(&json, "name", own->name, beside->name);
    put_if(&json, "version", own->version, beside->version);
    put_if(&json, "abi", own->abi, beside->abi);
    put_if(&json, "licence", own->licence, beside->licence);
    put_if(&json, "description", own->description, beside->description);
    put_if(&json, "source", own->source, beside->source);
    iso_json_put_bool(&json, "command", description->is_command);
    iso_json_put_u64(&json, "memory-bytes", description->memory_min_bytes);
    iso_json_put_array_begin(&json, "features");
    for (uint32_t i = 0; i < description->feature_count; i++) {
        iso_json_z(&json, description->features[i]);
    }
    iso_json_array_end(&json);
    put_needs(&json, description);
    put_exports(&json, description->interface.world);
    iso_json_put_string(&json, "wit",
                        iso_str_from((const char *)description->wit.ptr, description->wit.len));
    iso_json_object_end(&json);
    return iso_json_finish(&json);
}

/* ---- Answers -----------------------------------------------------------------------------------
 */

static void put_row(struct iso_json *json, const struct iso_or_package_row *row, bool whole)
{
    static const char *const brief[] = {"name", "version", "licence", "description", "command"};
    json_t *info = json_loadb(row->info.ptr, row->info.len, 0, NULL);
    iso_json_object_begin(json);
    iso_json_put_string(json, "reference", row->reference);
    iso_json_put_string(json, "exact", row->exact);
    iso_json_put_string(json, "digest", row->digest);
    iso_json_put_u64(json, "size-bytes", row->size_bytes);
    put_if(json, "signer", row->signer, row->signer);
    iso_json_put_u64(json, "added-ms", row->added_ms);
    if (whole) {
        iso_json_put_raw(json, "info", row->info);
    }
    for (size_t i = 0; i < ISO_COUNT_OF(brief) && !whole; i++) {
        const json_t *value = json_object_get(info, brief[i]);
        if (json_is_string(value)) {
            iso_json_put_string(json, brief[i], iso_str_from_z(json_string_value(value)));
        } else if (json_is_true(value)) {
            iso_json_put_bool(json, brief[i], true);
        }
    }
    iso_json_object_end(json);
    json_decref(info);
}

static bool write_row(void *ctx, const struct iso_or_package_row *row)
{
    put_row(ctx, row, false);
    return true;
}

enum iso_err iso_or_shelf_write(struct iso_or_shelf *shelf, struct iso_json *json,
                                struct iso_report *report)
{
    iso_json_array_begin(json);
    const enum iso_err err = iso_or_store_packages(shelf->config.store, write_row, json, report);
    iso_json_array_end(json);
    return err;
}

enum iso_err iso_or_shelf_write_one(struct iso_or_shelf *shelf, struct iso_str reference,
                                    struct iso_json *json, struct iso_report *report)
{
    struct iso_or_package_row row;
    struct iso_arena arena;
    iso_arena_init(&arena, shelf->config.alloc, 1024, 16u << 20);
    const enum iso_err err = iso_or_shelf_row(shelf, reference, &arena, &row, report);
    if (err == ISO_OK) {
        put_row(json, &row, true);
    }
    iso_arena_fini(&arena);
    return err;
}
