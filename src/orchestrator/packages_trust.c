/* packages_trust.c - whom packages are fetched from, and whose signatures count: rows of the store
 * ("registry", "trusted-key") that are read at the start and after each change. */
#include "orchestrator/packages_internal.h"

#include "base/format.h"
#include "base/json_member.h"

#include <stdlib.h>
#include <string.h>

static const char registry_kind[] = "registry";
static const char trusted_kind[] = "trusted-key";

/* ---- Registries --------------------------------------------------------------------------------
 */

struct registries {
    struct iso_package_registry items[ISO_PACKAGE_MAX_REGISTRIES];
    json_t *values[ISO_PACKAGE_MAX_REGISTRIES];
    char names[ISO_PACKAGE_MAX_REGISTRIES][80];
    size_t count;
    struct iso_str without; /* this alias is left out */
};

static void add_registry(struct registries *list, struct iso_str alias, json_t *value)
{
    if (list->count == ISO_PACKAGE_MAX_REGISTRIES || value == NULL) {
        json_decref(value);
        return;
    }
    (void)iso_format(list->names[list->count], sizeof list->names[0], "%.*s", (int)alias.len,
                     alias.ptr);
    list->values[list->count] = value;
    list->items[list->count] = (struct iso_package_registry){
        .alias = list->names[list->count],
        .url = json_string_value(json_object_get(value, "url")),
        .username = json_string_value(json_object_get(value, "username")),
        .password = json_string_value(json_object_get(value, "password")),
        .plain_http = json_is_true(json_object_get(value, "plain-http"))};
    list->count++;
}

static bool each_registry(void *ctx, struct iso_str name, struct iso_str value)
{
    struct registries *list = ctx;
    if (!iso_str_equal(name, list->without)) {
        add_registry(list, name, json_loadb(value.ptr, value.len, 0, NULL));
    }
    return true;
}

/* Those of the store, but for `alias`, which becomes `value` (NULL: is left out). */
static enum iso_err set_registries(struct iso_or_shelf *shelf, struct iso_str alias,
                                   const json_t *value, struct iso_report *report)
{
    struct registries *list = iso_alloc_new(shelf->config.alloc, sizeof *list);
    if (list == NULL) {
        return ISO_E_NOMEM;
    }
    list->without = alias;
    enum iso_err err =
        iso_or_store_items(shelf->config.store, registry_kind, each_registry, list, report);
    if (err == ISO_OK && value != NULL && list->count == ISO_PACKAGE_MAX_REGISTRIES) {
        err =
            iso_fail(report, ISO_E_LIMIT, "%u registries are the most", ISO_PACKAGE_MAX_REGISTRIES);
    }
    if (err == ISO_OK && value != NULL) {
        add_registry(list, alias, json_incref((json_t *)(uintptr_t)value));
    }
    if (err == ISO_OK) {
        err = iso_package_sources_set_registries(shelf->sources, list->items, list->count, report);
    }
    for (size_t i = 0; i < list->count; i++) {
        json_decref(list->values[i]);
    }
    iso_alloc_free(shelf->config.alloc, list, sizeof *list);
    return err;
}

static bool is_text_or_absent(const json_t *value)
{
    return value == NULL || json_is_string(value);
}

static enum iso_err check_registry(const json_t *value, struct iso_report *report)
{
    const char *key;
    json_t *item;
    if (!json_is_string(json_object_get(value, "url")) ||
        !is_text_or_absent(json_object_get(value, "username")) ||
        !is_text_or_absent(json_object_get(value, "password"))) {
        return iso_fail(report, ISO_E_INVALID,
                        "a registry is {\"url\": \"https://...\", \"username\", \"password\", "
                        "\"plain-http\": false}");
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        if (strcmp(key, "url") != 0 && strcmp(key, "username") != 0 &&
            strcmp(key, "password") != 0 && strcmp(key, "plain-http") != 0) {
            return iso_fail(report, ISO_E_INVALID, "a registry has no member \"%.40s\"", key);
        }
    }
    return ISO_OK;
}

static enum iso_err put_item(struct iso_or_shelf *shelf, const char *kind, struct iso_str name,
                             const json_t *value, struct iso_report *report)
{
    char *text = json_dumps(value, JSON_COMPACT);
    if (text == NULL) {
        return ISO_E_NOMEM;
    }
    const enum iso_err err =
        iso_or_store_item_put(shelf->config.store, kind, name, iso_str_from_z(text), report);
    free(text);
    return err;
}

enum iso_err iso_or_shelf_registry_put(struct iso_or_shelf *shelf, struct iso_str alias,
                                       const json_t *value, struct iso_report *report)
{
    enum iso_err err = check_registry(value, report);
    err = err != ISO_OK ? err : set_registries(shelf, alias, value, report);
    return err != ISO_OK ? err : put_item(shelf, registry_kind, alias, value, report);
}

enum iso_err iso_or_shelf_registry_remove(struct iso_or_shelf *shelf, struct iso_str alias,
                                          struct iso_report *report)
{
    const enum iso_err err =
        iso_or_store_item_remove(shelf->config.store, registry_kind, alias, report);
    return err != ISO_OK ? err : set_registries(shelf, alias, NULL, report);
}

static bool write_registry(void *ctx, struct iso_str name, struct iso_str value)
{
    struct iso_json *json = ctx;
    json_t *item = json_loadb(value.ptr, value.len, 0, NULL);
    const char *url = json_string_value(json_object_get(item, "url"));
    const char *user = json_string_value(json_object_get(item, "username"));
    iso_json_object_begin(json);
    iso_json_put_string(json, "alias", name);
    iso_json_put_z(json, "url", url);
    iso_json_put_z(json, "username", user);
    iso_json_put_bool(json, "plain-http", json_is_true(json_object_get(item, "plain-http")));
    iso_json_object_end(json);
    json_decref(item);
    return true;
}

enum iso_err iso_or_shelf_registries_write(struct iso_or_shelf *shelf, struct iso_json *json,
                                           struct iso_report *report)
{
    iso_json_array_begin(json);
    const enum iso_err err =
        iso_or_store_items(shelf->config.store, registry_kind, write_registry, json, report);
    iso_json_array_end(json);
    return err;
}

/* ---- Trusted keys ------------------------------------------------------------------------------
 */

static bool load_key(void *ctx, struct iso_str name, struct iso_str value)
{
    struct iso_or_shelf *shelf = ctx;
    json_t *item = json_loadb(value.ptr, value.len, 0, NULL);
    const char *key = json_string_value(json_object_get(item, "key"));
    struct iso_or_trusted *trusted = &shelf->trusted[shelf->trusted_count];
    (void)name;
    if (shelf->trusted_count < ISO_SIGN_MAX_TRUSTED && key != NULL &&
        iso_sign_public_parse(iso_str_from_z(key), &trusted->key, NULL) == ISO_OK) {
        iso_sign_id_text(trusted->key.id, trusted->id);
        shelf->trusted_count++;
    }
    json_decref(item);
    return true;
}

static enum iso_err load_keys(struct iso_or_shelf *shelf, struct iso_report *report)
{
    shelf->trusted_count = 0;
    return iso_or_store_items(shelf->config.store, trusted_kind, load_key, shelf, report);
}

enum iso_err iso_or_shelf_load_lists(struct iso_or_shelf *shelf, struct iso_report *report)
{
    const enum iso_err err = load_keys(shelf, report);
    return err != ISO_OK ? err : set_registries(shelf, (struct iso_str){NULL, 0}, NULL, report);
}

enum iso_err iso_or_shelf_trust_put(struct iso_or_shelf *shelf, struct iso_str id,
                                    const json_t *value, struct iso_report *report)
{
    const json_t *text = json_object_get(value, "key");
    struct iso_sign_public key;
    char own[ISO_SIGN_ID_TEXT_SIZE];
    if (!json_is_string(text) || !is_text_or_absent(json_object_get(value, "comment"))) {
        return iso_fail(report, ISO_E_INVALID,
                        "a trusted key is {\"key\": \"RW...\", \"comment\": \"whose it is\"}");
    }
    enum iso_err err = iso_sign_public_parse(iso_str_from_z(json_string_value(text)), &key, report);
    if (err != ISO_OK) {
        return err;
    }
    iso_sign_id_text(key.id, own);
    if (!iso_str_equal_z(id, own)) {
        return iso_fail(report, ISO_E_INVALID, "the key's id is %s, and not %.*s", own,
                        (int)(id.len > 40 ? 40 : id.len), id.ptr);
    }
    if (shelf->trusted_count == ISO_SIGN_MAX_TRUSTED) {
        return iso_fail(report, ISO_E_LIMIT, "%u trusted keys are the most", ISO_SIGN_MAX_TRUSTED);
    }
    err = put_item(shelf, trusted_kind, id, value, report);
    return err != ISO_OK ? err : load_keys(shelf, report);
}

enum iso_err iso_or_shelf_trust_remove(struct iso_or_shelf *shelf, struct iso_str id,
                                       struct iso_report *report)
{
    const enum iso_err err =
        iso_or_store_item_remove(shelf->config.store, trusted_kind, id, report);
    return err != ISO_OK ? err : load_keys(shelf, report);
}

static bool write_key(void *ctx, struct iso_str name, struct iso_str value)
{
    struct iso_json *json = ctx;
    json_t *item = json_loadb(value.ptr, value.len, 0, NULL);
    iso_json_object_begin(json);
    iso_json_put_string(json, "id", name);
    iso_json_put_z(json, "key", json_string_value(json_object_get(item, "key")));
    iso_json_put_z(json, "comment", json_string_value(json_object_get(item, "comment")));
    iso_json_object_end(json);
    json_decref(item);
    return true;
}

enum iso_err iso_or_shelf_trust_write(struct iso_or_shelf *shelf, struct iso_json *json,
                                      struct iso_report *report)
{
    iso_json_array_begin(json);
    const enum iso_err err =
        iso_or_store_items(shelf->config.store, trusted_kind, write_key, json, report);
    iso_json_array_end(json);
    return err;
}
