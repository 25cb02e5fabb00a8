/* The function of --invoke. */
#include "cli/invoke.h"

#include "cli/message.h"
#include "cli/status.h"
#include "cli/values.h"

#include <inttypes.h>
#include <stdlib.h>

/* Exports listed when there is nothing to run. */
enum { EXPORTS_SHOWN = 8 };

/* Number of the start section (spec 5.5.11). */
enum { SECTION_START = 8 };

static bool find_export(const struct iso_module *module, struct iso_str name,
                        struct iso_export_desc *out)
{
    uint32_t count = iso_module_export_count(module);
    for (uint32_t i = 0; i < count; i++) {
        iso_module_export(module, i, out);
        if (iso_str_equal(out->name, name)) {
            return true;
        }
    }
    return false;
}

static bool has_start_section(const struct iso_module *module)
{
    uint32_t count = iso_module_section_count(module);
    for (uint32_t i = 0; i < count; i++) {
        struct iso_section_desc desc;
        iso_module_section(module, i, &desc);
        if (desc.id == SECTION_START) {
            return true;
        }
    }
    return false;
}

/* "add, sub (and 3 more)"; false when no function is exported. */
static bool list_functions(const struct iso_module *module, char *out, size_t cap)
{
    uint32_t count = iso_module_export_count(module), functions = 0;
    size_t len = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct iso_export_desc desc;
        iso_module_export(module, i, &desc);
        if (desc.type.kind != ISO_EXTERN_FUNC) {
            continue;
        }
        functions++;
        if (functions <= EXPORTS_SHOWN) {
            len += iso_format(out + len, cap - len, "%s%.*s", functions > 1 ? ", " : "",
                              (int)(desc.name.len < 100 ? desc.name.len : 100), desc.name.ptr);
        }
    }
    if (functions > EXPORTS_SHOWN) {
        (void)iso_format(out + len, cap - len, " and %" PRIu32 " more", functions - EXPORTS_SHOWN);
    }
    return functions != 0;
}

static int nothing_to_run(const struct iso_cli_command *command, const struct iso_module *module,
                          const char *path)
{
    char names[1024];
    if (!list_functions(module, names, sizeof names)) {
        return iso_cli_usage_error(command,
                                   "nothing to run: '%s' exports no function, neither _start nor "
                                   "another",
                                   path);
    }
    iso_cli_error("nothing to run: '%s' has no function _start; it exports %s", path, names);
    iso_cli_hint("call one with: isomer run --invoke NAME '%s' ARGUMENTS...", path);
    return ISO_CLI_USAGE;
}

static int no_such_function(const struct iso_cli_command *command, const struct iso_module *module,
                            const char *name, const char *path)
{
    struct iso_nearest nearest = {.word = iso_str_from_z(name)};
    char names[1024];
    uint32_t count = iso_module_export_count(module);
    for (uint32_t i = 0; i < count; i++) {
        struct iso_export_desc desc;
        iso_module_export(module, i, &desc);
        if (desc.type.kind == ISO_EXTERN_FUNC) {
            iso_nearest_try(&nearest, desc.name);
        }
    }
    if (nearest.best.len != 0) {
        return iso_cli_usage_error(command, "'%s' exports no function '%s'; did you mean %.*s?",
                                   path, name, (int)nearest.best.len, nearest.best.ptr);
    }
    if (list_functions(module, names, sizeof names)) {
        return iso_cli_usage_error(command, "'%s' exports no function '%s'; there are %s", path,
                                   name, names);
    }
    return iso_cli_usage_error(command, "'%s' exports no function '%s', and no other", path, name);
}

int iso_cli_invoke_parse(const struct iso_cli_command *command, const struct iso_cli_record *record,
                         const char *name, const struct iso_func_type *type, union iso_slot *slots)
{
    char text[256];
    iso_cli_func_type_format(type, text, sizeof text);
    if (record->arg_count != type->param_count) {
        return iso_cli_usage_error(
            command, "%s takes %" PRIu32 " argument%s, not %zu; its type is %s", name,
            type->param_count, type->param_count == 1 ? "" : "s", record->arg_count, text);
    }
    for (uint32_t i = 0, slot = 0; i < type->param_count; i++) {
        struct iso_report report;
        struct iso_str arg = record->args[i];
        enum iso_type param = (enum iso_type)type->params[i];
        iso_report_init(&report);
        if (arg.len >= sizeof text) {
            return iso_cli_usage_error(command, "argument %" PRIu32 " of %s is too long", i + 1,
                                       name);
        }
        (void)iso_format(text, sizeof text, "%.*s", (int)arg.len, arg.ptr);
        enum iso_err err = iso_cli_value_parse(param, text, &slots[slot], &report);
        if (err != ISO_OK) {
            return iso_cli_usage_error(command, "argument %" PRIu32 " of %s: %s", i + 1, name,
                                       iso_report_text(&report, err));
        }
        slot += param == ISO_TYPE_V128 ? 2 : 1;
    }
    return ISO_CLI_OK;
}

static int check_args(const struct iso_cli_command *command, const struct iso_cli_record *record,
                      const char *name, const struct iso_func_type *type)
{
    union iso_slot *slots = calloc(type->param_slots + 1u, sizeof *slots);
    if (slots == NULL) {
        iso_cli_error("out of memory");
        return ISO_CLI_SYSTEM;
    }
    int status = iso_cli_invoke_parse(command, record, name, type, slots);
    free(slots);
    return status;
}

int iso_cli_invoke_check(const struct iso_cli_command *command, const struct iso_module *module,
                         const struct iso_cli_record *record, const char *path)
{
    struct iso_export_desc desc;
    char name[1024];
    if (record->invoke.len == 0) {
        if (!find_export(module, iso_str_from_z("_start"), &desc)) {
            return has_start_section(module) ? ISO_CLI_OK : nothing_to_run(command, module, path);
        }
        (void)iso_format(name, sizeof name, "_start");
    } else {
        (void)iso_format(name, sizeof name, "%.*s", (int)record->invoke.len, record->invoke.ptr);
        if (!find_export(module, record->invoke, &desc)) {
            return no_such_function(command, module, name, path);
        }
    }
    if (desc.type.kind != ISO_EXTERN_FUNC) {
        return iso_cli_usage_error(command, "cannot call '%s' of '%s': it is a %s", name, path,
                                   iso_extern_kind_name(desc.type.kind));
    }
    return check_args(command, record, name, desc.type.func);
}

int iso_cli_invoke_print(const struct iso_func_type *type, const union iso_slot *results)
{
    char text[ISO_CLI_VALUE_TEXT_MAX];
    for (uint32_t i = 0, slot = 0; i < type->result_count; i++) {
        enum iso_type result = (enum iso_type)type->results[i];
        (void)iso_cli_value_format(result, &results[slot], text);
        puts(text);
        slot += result == ISO_TYPE_V128 ? 2 : 1;
    }
    return iso_cli_finish_output(ISO_CLI_OK);
}
