/* isomer pack: a module with its interface and what it is. */
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/inspect.h"
#include "cli/message.h"
#include "cli/status.h"

enum {
    OPTION_WIT,
    OPTION_OUT,
    OPTION_NAME,
    OPTION_VERSION,
    OPTION_ABI,
    OPTION_LICENCE,
    OPTION_DESCRIPTION,
    OPTION_SOURCE
};

static const struct iso_cli_option options[] = {
    {OPTION_WIT, "wit", "FILE", false,
     "the interface: WIT text with a world (default: the one\n"
     "that the module brings stays)"},
    {OPTION_OUT, "o", "OUT", false, "where to write the module; - is standard output"},
};
static const struct iso_cli_option info_options[] = {
    {OPTION_NAME, "name", "NAME", false, "its name (default: that of the WIT package)"},
    {OPTION_VERSION, "version", "VERSION", false, "such as 1.2.0 (default: likewise)"},
    {OPTION_ABI, "abi", "ABI", false,
     "its calling convention: canonical (the default),\n"
     "wasm-bindgen or derived"},
    {OPTION_LICENCE, "licence", "TEXT", false, "such as Apache-2.0"},
    {OPTION_DESCRIPTION, "description", "TEXT", false, "a sentence"},
    {OPTION_SOURCE, "source", "URL", false, "where its source is"},
};
static const struct iso_cli_option_group group = {"Options", options, ISO_COUNT_OF(options)};
static const struct iso_cli_option_group info_group = {"What is known about the module",
                                                       info_options, ISO_COUNT_OF(info_options)};
static const struct iso_cli_option_group *const groups[] = {&group, &info_group};

struct request {
    const struct iso_cli_command *command;
    const char *path, *wit_path, *out_path;
    struct iso_package_info info; /* what the command line says; ptr NULL: nothing */
};

static struct iso_str *info_of(struct iso_package_info *info, int id)
{
    switch (id) {
    case OPTION_NAME:
        return &info->name;
    case OPTION_VERSION:
        return &info->version;
    case OPTION_ABI:
        return &info->abi;
    case OPTION_LICENCE:
        return &info->licence;
    case OPTION_DESCRIPTION:
        return &info->description;
    default:
        return &info->source;
    }
}

static int check_args(const struct request *request)
{
    const struct iso_package_info *info = &request->info;
    struct iso_semver version;
    if (request->path == NULL) {
        return iso_cli_usage_error(request->command, "there is no MODULE to pack");
    }
    if (request->out_path == NULL) {
        return iso_cli_usage_error(request->command, "-o OUT is missing: where to write it");
    }
    if (info->abi.ptr != NULL && !iso_cli_abi_known(info->abi.ptr)) {
        return iso_cli_usage_error(request->command,
                                   "--abi: '%s' is not known; there are canonical, wasm-bindgen "
                                   "and derived",
                                   info->abi.ptr);
    }
    if (info->version.ptr != NULL && iso_semver_parse(info->version, &version, NULL) != ISO_OK) {
        return iso_cli_usage_error(request->command,
                                   "--version: '%s' is no version; write three numbers, such as "
                                   "1.2.0",
                                   info->version.ptr);
    }
    for (int id = OPTION_NAME; id <= OPTION_SOURCE; id++) {
        struct request copy = *request;
        struct iso_str text = *info_of(&copy.info, id);
        if (text.ptr != NULL && !iso_utf8_valid(text.ptr, text.len)) {
            return iso_cli_usage_error(request->command, "--%s: the text is not UTF-8",
                                       info_options[id - OPTION_NAME].name);
        }
    }
    return ISO_CLI_OK;
}

static int read_args(struct iso_cli_args *args, struct request *request)
{
    for (;;) {
        int id = iso_cli_args_next(args);
        if (id == ISO_CLI_ARGS_END) {
            return check_args(request);
        }
        if (id == ISO_CLI_ARGS_OPERAND) {
            if (request->path != NULL) {
                return iso_cli_usage_error(request->command, "one module at a time: '%s' or '%s'?",
                                           request->path, args->value);
            }
            request->path = args->value;
        } else if (id == OPTION_WIT) {
            request->wit_path = args->value;
        } else if (id == OPTION_OUT) {
            request->out_path = args->value;
        } else if (id < 0) {
            return id;
        } else {
            *info_of(&request->info, id) = iso_str_from_z(args->value);
        }
    }
}

/* ---- Metadata ------------------------------------------------------------------------------ */

/* What the command line says, else what the module says, else what the package's name says. */
static void merge_info(struct request *request, struct iso_module_interface *found, char *name,
                       size_t cap)
{
    const struct iso_wit_package *package = found->wit.package;
    bool has_package = found->origin != ISO_ORIGIN_DERIVED && found->origin != ISO_ORIGIN_COMMAND;
    if (found->origin == ISO_ORIGIN_DERIVED && iso_str_equal_z(found->info.abi, "derived")) {
        found->info.abi = iso_str_from(NULL, 0);
    }
    for (int id = OPTION_NAME; id <= OPTION_SOURCE; id++) {
        struct iso_str *own = info_of(&request->info, id);
        if (own->ptr == NULL) {
            *own = *info_of(&found->info, id);
        }
    }
    if (request->info.name.len == 0 && has_package && package != NULL) {
        size_t len = iso_format(name, cap, "%.*s:%.*s", (int)package->ns.len, package->ns.ptr,
                                (int)package->name.len, package->name.ptr);
        request->info.name = iso_str_from(name, len);
    }
    if (request->info.version.len == 0 && has_package && package != NULL) {
        request->info.version = package->version;
    }
}

/* Whether the module has what the interface promises, where the names say so. */
static int check_exports(const struct request *request, const struct iso_module *module,
                         const struct iso_wit_world *world)
{
    struct iso_cli_function function;
    struct iso_str abi = request->info.abi;
    if (abi.len != 0 && !iso_str_equal_z(abi, "canonical")) {
        return ISO_CLI_OK;
    }
    for (uint32_t i = 0; iso_cli_function_at(world, i, &function); i++) {
        char name[1024];
        iso_abi_export_name(function.interface, function.func, name, sizeof name);
        if (!iso_cli_module_exports_func(module, name)) {
            iso_cli_error("'%s' does not fit '%s': it exports no function '%s'", request->path,
                          request->wit_path, name);
            iso_cli_hint("'isomer inspect %s' lists its exports; --abi is for modules that are "
                         "called in another way",
                         request->path);
            return ISO_CLI_INVALID;
        }
    }
    return ISO_CLI_OK;
}

/* ---- Packing ------------------------------------------------------------------------------- */

static int write_module(const struct request *request, struct iso_bytes module,
                        struct iso_bytes wit)
{
    struct iso_report report;
    struct iso_buf out;
    iso_report_init(&report);
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    enum iso_err err = iso_module_pack(module, wit, &request->info, &out, &report);
    int status = iso_cli_status_from(err);
    if (err == ISO_OK) {
        status = iso_cli_file_save(request->out_path, iso_buf_view(&out));
    } else {
        iso_cli_error("cannot pack '%s': %s", request->path, iso_report_text(&report, err));
    }
    iso_buf_fini(&out);
    return status;
}

/* beside: without --wit the interface of the module itself counts, not what lies beside it. */
static int find_interface(const struct request *request, const struct iso_module *module,
                          struct iso_cli_interface *out)
{
    struct iso_report report;
    if (request->wit_path != NULL) {
        return iso_cli_interface_find(module, request->path, request->wit_path, out);
    }
    memset(out, 0, sizeof *out);
    iso_report_init(&report);
    enum iso_err err =
        iso_module_interface_find(iso_alloc_libc(), module, NULL, &out->found, &report);
    if (err != ISO_OK) {
        iso_cli_error_lines(&report, err);
        iso_cli_hint("--wit FILE gives the module an interface");
    }
    return err == ISO_E_NOMEM ? ISO_CLI_SYSTEM : err != ISO_OK ? ISO_CLI_INVALID : ISO_CLI_OK;
}

static int pack_module(struct request *request, const struct iso_module *module)
{
    struct iso_cli_interface interface;
    struct iso_bytes wit = {.ptr = NULL};
    char name[512];
    int status = find_interface(request, module, &interface);
    if (status == ISO_CLI_OK) {
        merge_info(request, &interface.found, name, sizeof name);
        if (request->wit_path != NULL) {
            status = check_exports(request, module, interface.found.world);
            wit = interface.text.bytes;
        }
    }
    if (status == ISO_CLI_OK) {
        status = write_module(request, iso_module_bytes(module), wit);
    }
    iso_cli_interface_fini(&interface);
    return status;
}

static int pack(struct request *request)
{
    struct iso_engine_config config = {.platform = iso_platform_posix()};
    struct iso_cli_module module = {.module = NULL};
    struct iso_engine *engine;
    enum iso_err err = iso_engine_create(&config, &engine);
    if (err != ISO_OK) {
        iso_cli_error("cannot make an engine: %s", iso_err_text(err));
        return iso_cli_status_from(err);
    }
    int status = iso_cli_module_load(engine, request->path, &module);
    if (status == ISO_CLI_OK) {
        status = pack_module(request, module.module);
    }
    iso_cli_module_fini(&module);
    iso_engine_destroy(engine);
    return status;
}

static int run(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_args args;
    struct request request = {.command = command};
    iso_cli_args_init(&args, command, argc, argv);
    int status = read_args(&args, &request);
    if (status < 0) {
        return iso_cli_args_status(status);
    }
    return status == ISO_CLI_OK ? pack(&request) : status;
}

const struct iso_cli_command iso_cli_command_pack = {
    .name = "pack",
    .summary = "put a module's interface and description into it",
    .synopsis = "MODULE --wit FILE -o OUT [OPTIONS...]",
    .description =
        "Writes a copy of MODULE that has its interface in it, in the custom section isomer:wit,\n"
        "and what is known about it, in isomer:package; in place of those that it had. What is "
        "not\n"
        "given stays as it was. OUT may be MODULE itself.",
    .examples =
        "  isomer pack scaler.wasm --wit scaler.wit -o scaler.wasm\n"
        "  isomer pack squoosh_resize_bg.wasm --wit resize.wit --abi wasm-bindgen -o resize.wasm\n"
        "  isomer pack sum.wasm --wit sum.wit --version 1.0.1 --licence Apache-2.0 -o out.wasm\n",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .run = run,
};
