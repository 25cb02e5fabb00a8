/*
 * A snapshot: its modules, how to continue it, and - when its modules are found - its state. For
 * the state it is restored into a store whose imports do nothing; nothing of the program runs.
 */
#include "cli/inspect.h"

#include "base/json_member.h"
#include "cli/message.h"
#include "cli/record.h"
#include "cli/status.h"

#include <inttypes.h>
#include <stdlib.h>

enum { MODULES_MAX = 64 };

struct module_entry {
    uint8_t digest[ISO_SHA256_SIZE];
    char hex[2 * ISO_SHA256_SIZE + 1];
    char *path; /* owned; NULL: not found */
    struct iso_cli_module loaded;
};

struct facts {
    const char *path;
    struct iso_bytes bytes;
    struct iso_engine *engine;
    struct module_entry modules[MODULES_MAX];
    uint32_t module_count;
    bool has_record;
    struct iso_cli_record record;
    bool has_wasi;
    uint64_t wasi_bytes;
    /* Of the restored store. */
    struct iso_store *store;
    struct iso_report why_not; /* set when store is NULL */
    enum iso_run_state state;
    struct iso_trap trap; /* its frames: the stack, where it can be known */
};

/* ---- Finding out ------------------------------------------------------------------------- */

/* Load a file if it is one of the modules. */
static void try_module(struct facts *facts, const char *path)
{
    struct iso_file file;
    uint8_t digest[ISO_SHA256_SIZE];
    if (!iso_path_is_file(path) || iso_file_read(path, UINT64_C(1) << 30, &file, NULL) != ISO_OK) {
        return;
    }
    iso_sha256(file.bytes.ptr, file.bytes.len, digest);
    for (uint32_t i = 0; i < facts->module_count; i++) {
        struct module_entry *entry = &facts->modules[i];
        if (entry->loaded.module != NULL || memcmp(entry->digest, digest, sizeof digest) != 0) {
            continue;
        }
        enum iso_err err = iso_module_create(facts->engine, file.bytes.ptr, file.bytes.len,
                                             &entry->loaded.module, &facts->why_not);
        if (err == ISO_OK) {
            entry->loaded.file = file;
            entry->path = iso_path_absolute(path);
            return;
        }
    }
    iso_file_fini(&file);
}

static enum iso_err read_facts(struct facts *facts, struct iso_report *report)
{
    static uint8_t digests[MODULES_MAX][ISO_SHA256_SIZE];
    struct iso_bytes section;
    enum iso_err err =
        iso_snapshot_modules(facts->bytes, digests, MODULES_MAX, &facts->module_count, report);
    if (err != ISO_OK) {
        return err;
    }
    if (facts->module_count > MODULES_MAX) {
        return iso_fail(report, ISO_E_LIMIT, "it has more than %d modules", MODULES_MAX);
    }
    for (uint32_t i = 0; i < facts->module_count; i++) {
        memcpy(facts->modules[i].digest, digests[i], ISO_SHA256_SIZE);
        iso_hex_encode(digests[i], ISO_SHA256_SIZE, facts->modules[i].hex);
    }
    iso_cli_record_init(&facts->record);
    if (iso_snapshot_section_bytes(facts->bytes, "cli", &section, NULL) == ISO_OK) {
        facts->has_record = true;
        err = iso_cli_record_load(&facts->record, section, report);
    }
    if (iso_snapshot_section_bytes(facts->bytes, "wasi", &section, NULL) == ISO_OK) {
        facts->has_wasi = true;
        facts->wasi_bytes = section.len;
    }
    return err;
}

static enum iso_host_result do_nothing(struct iso_host_call *call)
{
    (void)call;
    return ISO_HOST_PENDING;
}

/* An import as a function that does nothing. Other kinds come from other modules of the snapshot.
 */
static enum iso_err define_stub(struct iso_store *store, const struct iso_import_desc *desc)
{
    char module[512], name[512], params[1024], results[1024];
    if (desc->type.kind != ISO_EXTERN_FUNC) {
        return ISO_OK;
    }
    const struct iso_func_type *type = desc->type.func;
    if (desc->module.len >= sizeof module || desc->name.len >= sizeof name ||
        type->param_count >= sizeof params || type->result_count >= sizeof results) {
        return ISO_OK;
    }
    iso_type_letters(type->params, type->param_count, params);
    iso_type_letters(type->results, type->result_count, results);
    (void)iso_format(module, sizeof module, "%.*s", (int)desc->module.len, desc->module.ptr);
    (void)iso_format(name, sizeof name, "%.*s", (int)desc->name.len, desc->name.ptr);
    struct iso_host_func def = {
        .module = module, .name = name, .params = params, .results = results, .fn = do_nothing};
    return iso_store_define_func(store, &def);
}

static enum iso_err load_nothing(void *ctx, struct iso_bytes bytes, struct iso_report *report)
{
    (void)ctx;
    (void)bytes;
    (void)report;
    return ISO_OK;
}

static enum iso_err restore(struct facts *facts, struct iso_store *store)
{
    struct iso_snapshot_section sections[] = {
        {.name = "cli", .optional = true, .load = load_nothing},
        {.name = "wasi", .optional = true, .load = load_nothing},
    };
    struct iso_module *modules[MODULES_MAX];
    enum iso_err err = ISO_OK;
    for (uint32_t i = 0; i < facts->module_count; i++) {
        modules[i] = facts->modules[i].loaded.module;
        uint32_t imports = iso_module_import_count(modules[i]);
        for (uint32_t k = 0; k < imports && err == ISO_OK; k++) {
            struct iso_import_desc desc;
            iso_module_import(modules[i], k, &desc);
            err = define_stub(store, &desc);
        }
    }
    return err != ISO_OK
               ? err
               : iso_snapshot_restore(store, facts->bytes, modules, facts->module_count, sections,
                                      ISO_COUNT_OF(sections), NULL, 0, &facts->why_not);
}

/* Where the program waits for the host, ending that call as a trap shows the stack. */
static void read_frames(struct facts *facts)
{
    if (facts->state == ISO_RUN_PENDING && iso_complete_trap(facts->store, "inspected") == ISO_OK &&
        iso_run(facts->store) == ISO_RUN_TRAPPED) {
        facts->trap = *iso_store_trap(facts->store);
    }
}

static void read_state(struct facts *facts)
{
    for (uint32_t i = 0; i < facts->module_count; i++) {
        if (facts->modules[i].loaded.module == NULL) {
            iso_report_set(&facts->why_not, "module %s was not found; give it with --module FILE",
                           facts->modules[i].hex);
            return;
        }
    }
    struct iso_store *store;
    enum iso_err err = iso_store_create(facts->engine, NULL, &store);
    if (err == ISO_OK) {
        err = restore(facts, store);
        if (err == ISO_OK) {
            facts->store = store;
            facts->state = iso_store_state(store);
            return;
        }
        iso_store_destroy(store);
    }
    iso_report_set(&facts->why_not, "%s", iso_err_text(err));
}

/* ---- Showing ----------------------------------------------------------------------------- */

static const char *state_name(enum iso_run_state state)
{
    switch (state) {
    case ISO_RUN_IDLE:
        return "idle";
    case ISO_RUN_READY:
    case ISO_RUN_INTERRUPTED:
        return "interrupted";
    case ISO_RUN_DONE:
        return "done";
    case ISO_RUN_TRAPPED:
        return "trapped";
    case ISO_RUN_PENDING:
        return "waiting";
    case ISO_RUN_OUT_OF_FUEL:
        return "out of fuel";
    }
    return "?";
}

static const char *phase_name(enum iso_cli_phase phase)
{
    switch (phase) {
    case ISO_CLI_PHASE_START:
        return "start function";
    case ISO_CLI_PHASE_INITIALIZE:
        return "_initialize";
    case ISO_CLI_PHASE_MAIN:
        return "main";
    }
    return "?";
}

static void print_line(const char *label, struct iso_str text)
{
    fputs(label, stdout);
    iso_cli_print_str(stdout, text);
    putchar('\n');
}

static void print_modules(const struct facts *facts)
{
    for (uint32_t i = 0; i < facts->module_count; i++) {
        const struct module_entry *entry = &facts->modules[i];
        printf("module     sha256:%s\n", entry->hex);
        if (entry->path != NULL) {
            print_line("           found: ", iso_str_from_z(entry->path));
        } else if (i == 0 && facts->record.module_path.len != 0) {
            print_line("           not found; it was run from ", facts->record.module_path);
        }
    }
}

static void print_record(const struct facts *facts)
{
    const struct iso_cli_record *record = &facts->record;
    if (facts->has_record) {
        printf("phase      %s\n", phase_name(record->phase));
    }
    if (record->invoke.len != 0) {
        print_line("function   ", record->invoke);
    }
    for (size_t i = 0; i < record->arg_count; i++) {
        print_line("argument   ", record->args[i]);
    }
    for (size_t i = 0; i < record->grant_count; i++) {
        print_line("granted    ", record->grants[i]);
    }
    if (facts->has_wasi) {
        printf("wasi       %" PRIu64 " bytes of state\n", facts->wasi_bytes);
    }
}

static void print_frames(const struct facts *facts)
{
    for (uint32_t i = 0; i < facts->trap.frame_count; i++) {
        const struct iso_trap_frame *frame = &facts->trap.frames[i];
        printf("           at 0x%" PRIx64 " in ", frame->offset);
        struct iso_str name = iso_module_func_name(frame->module, frame->func_index);
        iso_cli_print_str(stdout, name.len != 0 ? name : iso_str_from_z("(no name)"));
        printf(" (func %" PRIu32 ")\n", frame->func_index);
    }
    if (facts->trap.frame_total > facts->trap.frame_count) {
        printf("           %" PRIu32 " more in the middle\n",
               facts->trap.frame_total - facts->trap.frame_count);
    }
}

static void print_state(struct facts *facts)
{
    char size[32];
    struct iso_str module, name;
    if (facts->store == NULL) {
        print_line("state      unknown: ", iso_str_from_z(facts->why_not.text));
        return;
    }
    (void)iso_format_size(size, iso_store_memory_bytes(facts->store));
    printf("state      %s", state_name(facts->state));
    if (iso_store_pending(facts->store, &module, &name)) {
        fputs(" for ", stdout);
        iso_cli_print_str(stdout, module);
        putchar('.');
        iso_cli_print_str(stdout, name);
    }
    printf("\nfuel       %" PRIu64 " used so far\nmemory     %s\n",
           iso_store_fuel_used(facts->store), size);
    read_frames(facts);
    print_frames(facts);
}

static int show_text(struct facts *facts)
{
    iso_cli_print_str(stdout, iso_str_from_z(facts->path));
    printf(": snapshot, %zu bytes\n\n", facts->bytes.len);
    print_modules(facts);
    print_record(facts);
    print_state(facts);
    return ISO_CLI_OK;
}

static void write_strings(struct iso_json *json, const char *key, const struct iso_str *list,
                          size_t count)
{
    iso_json_put_array_begin(json, key);
    for (size_t i = 0; i < count; i++) {
        iso_json_string(json, list[i]);
    }
    iso_json_array_end(json);
}

static void write_modules(struct iso_json *json, const struct facts *facts)
{
    iso_json_put_array_begin(json, "modules");
    for (uint32_t i = 0; i < facts->module_count; i++) {
        iso_json_object_begin(json);
        iso_json_put_z(json, "sha256", facts->modules[i].hex);
        iso_json_put_z(json, "path", facts->modules[i].path);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}

static void write_record(struct iso_json *json, const struct facts *facts)
{
    const struct iso_cli_record *record = &facts->record;
    iso_json_key(json, "run");
    if (!facts->has_record) {
        iso_json_null(json);
        return;
    }
    iso_json_object_begin(json);
    iso_json_put_z(json, "phase", phase_name(record->phase));
    iso_json_put_string(json, "module_path", record->module_path);
    iso_json_key(json, "invoke");
    if (record->invoke.len != 0) {
        iso_json_string(json, record->invoke);
    } else {
        iso_json_null(json);
    }
    write_strings(json, "arguments", record->args, record->arg_count);
    write_strings(json, "grants", record->grants, record->grant_count);
    iso_json_object_end(json);
}

static void write_frames(struct iso_json *json, const struct facts *facts)
{
    iso_json_key(json, "frames");
    if (facts->state != ISO_RUN_PENDING) {
        iso_json_null(json);
        return;
    }
    iso_json_array_begin(json);
    for (uint32_t i = 0; i < facts->trap.frame_count; i++) {
        const struct iso_trap_frame *frame = &facts->trap.frames[i];
        iso_json_object_begin(json);
        iso_json_put_u64(json, "function", frame->func_index);
        iso_json_put_string(json, "name", iso_module_func_name(frame->module, frame->func_index));
        iso_json_put_u64(json, "offset", frame->offset);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}

static void write_state(struct iso_json *json, struct facts *facts)
{
    struct iso_str module, name;
    iso_json_key(json, "state");
    if (facts->store == NULL) {
        iso_json_null(json);
        iso_json_put_z(json, "state_unknown_because", facts->why_not.text);
        return;
    }
    iso_json_z(json, state_name(facts->state));
    iso_json_key(json, "waiting_for");
    if (iso_store_pending(facts->store, &module, &name)) {
        iso_json_object_begin(json);
        iso_json_put_string(json, "module", module);
        iso_json_put_string(json, "name", name);
        iso_json_object_end(json);
    } else {
        iso_json_null(json);
    }
    iso_json_put_u64(json, "fuel_used", iso_store_fuel_used(facts->store));
    iso_json_put_u64(json, "memory_bytes", iso_store_memory_bytes(facts->store));
    read_frames(facts);
    write_frames(json, facts);
}

static int show_json(struct facts *facts)
{
    struct iso_buf out;
    struct iso_json json;
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    iso_json_init_buf(&json, &out, 2);
    iso_json_object_begin(&json);
    iso_json_put_z(&json, "file", facts->path);
    iso_json_put_z(&json, "format", "snapshot");
    iso_json_put_u64(&json, "size", facts->bytes.len);
    write_modules(&json, facts);
    write_record(&json, facts);
    iso_json_put_u64(&json, "wasi_state_bytes", facts->wasi_bytes);
    write_state(&json, facts);
    iso_json_object_end(&json);
    int status = iso_cli_print_json(&out, iso_json_finish(&json));
    iso_buf_fini(&out);
    return status;
}

static void facts_fini(struct facts *facts)
{
    iso_store_destroy(facts->store);
    for (uint32_t i = 0; i < facts->module_count && i < MODULES_MAX; i++) {
        iso_cli_module_fini(&facts->modules[i].loaded);
        free(facts->modules[i].path);
    }
}

int iso_cli_inspect_snapshot(struct iso_engine *engine, const char *path, struct iso_bytes bytes,
                             const char *const *module_paths, size_t module_path_count,
                             bool as_json)
{
    static struct facts facts; /* large */
    struct iso_report report;
    facts.engine = engine;
    facts.path = path;
    facts.bytes = bytes;
    iso_report_init(&report);
    iso_report_init(&facts.why_not);
    /* Nothing that a damaged one says can be relied on. */
    enum iso_err err = iso_snapshot_check(bytes, &report);
    if (err == ISO_OK) {
        err = read_facts(&facts, &report);
    }
    int status;
    if (err != ISO_OK) {
        iso_cli_error_report(path, &report, err);
        status = ISO_CLI_SNAPSHOT_REFUSED;
    } else {
        char recorded[4096];
        for (size_t i = 0; i < module_path_count; i++) {
            try_module(&facts, module_paths[i]);
        }
        if (facts.record.module_path.len < sizeof recorded) {
            (void)iso_format(recorded, sizeof recorded, "%.*s", (int)facts.record.module_path.len,
                             facts.record.module_path.ptr);
            try_module(&facts, recorded);
        }
        read_state(&facts);
        status = as_json ? show_json(&facts) : show_text(&facts);
    }
    facts_fini(&facts);
    return status;
}
