/* isomer version: which isomer this is and what it can do. */
#include "base/json_member.h"
#include "cli/commands.h"
#include "cli/inspect.h"
#include "cli/message.h"
#include "cli/status.h"
#include "engine/engine.h"

#include <stdlib.h>

#ifndef ISO_VERSION
#error "the build defines ISO_VERSION"
#endif

enum { OPTION_JSON };

static const struct iso_cli_option options[] = {
    {OPTION_JSON, "json", NULL, false, "as JSON"},
};
static const struct iso_cli_option_group group = {"Options", options, ISO_COUNT_OF(options)};
static const struct iso_cli_option_group *const groups[] = {&group};

/* Names of the proposals that became WebAssembly 2.0, as other engines call them. */
static const char *const features[] = {
    "mutable-globals", "sign-extension", "nontrapping-float-to-int", "multi-value", "bulk-memory",
    "reference-types", "simd",
};

static bool is_big_endian(void)
{
    const uint16_t one = 1;
    return *(const uint8_t *)&one == 0;
}

static unsigned pointer_bits(void)
{
    return (unsigned)(8 * sizeof(void *));
}

static void print_text(void)
{
    printf("isomer %s\n"
           "WebAssembly  2.0:",
           ISO_VERSION);
    for (size_t i = 0; i < ISO_COUNT_OF(features); i++) {
        printf("%s %s", i == 0 ? "" : ",", features[i]);
    }
    printf("\nWASI         preview 1\n"
           "engine       interpreter, dispatch by %s; snapshots, fuel\n"
           "machine      %u-bit, %s-endian\n",
           iso_engine_dispatch(), pointer_bits(), is_big_endian() ? "big" : "little");
}

static enum iso_err write_json(struct iso_buf *out)
{
    struct iso_json json;
    iso_json_init_buf(&json, out, 2);
    iso_json_object_begin(&json);
    iso_json_put_z(&json, "version", ISO_VERSION);
    iso_json_put_z(&json, "webassembly", "2.0");
    iso_json_put_array_begin(&json, "features");
    for (size_t i = 0; i < ISO_COUNT_OF(features); i++) {
        iso_json_z(&json, features[i]);
    }
    iso_json_array_end(&json);
    iso_json_put_array_begin(&json, "wasi");
    iso_json_z(&json, "wasi_snapshot_preview1");
    iso_json_z(&json, "wasi_unstable");
    iso_json_array_end(&json);
    iso_json_put_object_begin(&json, "engine");
    iso_json_put_z(&json, "kind", "interpreter");
    iso_json_put_z(&json, "dispatch", iso_engine_dispatch());
    iso_json_put_bool(&json, "snapshots", true);
    iso_json_put_bool(&json, "fuel", true);
    iso_json_object_end(&json);
    iso_json_put_object_begin(&json, "machine");
    iso_json_put_u64(&json, "pointer_bits", pointer_bits());
    iso_json_put_z(&json, "byte_order", is_big_endian() ? "big" : "little");
    iso_json_object_end(&json);
    iso_json_object_end(&json);
    return iso_json_finish(&json);
}

static int print_json(void)
{
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    enum iso_err err = write_json(&out);
    int status = iso_cli_print_json(&out, err);
    iso_buf_fini(&out);
    return status;
}

static int run(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_args args;
    bool as_json = false;
    iso_cli_args_init(&args, command, argc, argv);
    for (;;) {
        int id = iso_cli_args_next(&args);
        if (id == ISO_CLI_ARGS_END) {
            break;
        }
        if (id == ISO_CLI_ARGS_OPERAND) {
            return iso_cli_usage_error(command, "'%s': there is nothing to give here", args.value);
        }
        if (id < 0) {
            return iso_cli_args_status(id);
        }
        as_json = true;
    }
    int status = ISO_CLI_OK;
    if (as_json) {
        status = print_json();
    } else {
        print_text();
    }
    return iso_cli_finish_output(status);
}

const struct iso_cli_command iso_cli_command_version = {
    .name = "version",
    .summary = "tell the version, features and form of this isomer",
    .synopsis = "[--json]",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer version\n"
                "  isomer version --json\n",
    .run = run,
};
