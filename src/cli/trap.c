/* How a trap looks, with the WebAssembly backtrace. */
#include "cli/message.h"
#include "cli/session.h"
#include "cli/status.h"

#include <inttypes.h>

static void print_frame(const struct iso_trap_frame *frame)
{
    struct iso_str name = iso_module_func_name(frame->module, frame->func_index);
    if (name.len == 0) {
        iso_cli_detail("at 0x%" PRIx64 " in func %" PRIu32, frame->offset, frame->func_index);
        return;
    }
    iso_cli_detail("at 0x%" PRIx64 " in %.*s (func %" PRIu32 ")", frame->offset,
                   (int)(name.len < 1000 ? name.len : 1000), name.ptr, frame->func_index);
}

static void print_backtrace(const struct iso_trap *trap)
{
    uint32_t gap_at = trap->frame_total > trap->frame_count ? trap->frame_count / 2 : UINT32_MAX;
    for (uint32_t i = 0; i < trap->frame_count; i++) {
        if (i == gap_at) {
            iso_cli_detail("... %" PRIu32 " more ...", trap->frame_total - trap->frame_count);
        }
        print_frame(&trap->frames[i]);
    }
}

static void print_trap_hint(enum iso_trap_kind kind)
{
    if (kind == ISO_TRAP_STACK) {
        iso_cli_hint("--stack SIZE gives the program more, unless its recursion has no end");
    } else if (kind == ISO_TRAP_CODE) {
        iso_cli_hint("--code-memory SIZE gives it more; without it there is no limit");
    } else if (kind == ISO_TRAP_UNREACHABLE) {
        iso_cli_hint("programs stop themselves like this: a failed assertion, a panic, abort()");
    }
}

int iso_cli_start_status(const struct iso_store *store, enum iso_err err)
{
    if (err == ISO_E_LIMIT) {
        print_trap_hint(iso_store_trap(store)->kind);
    }
    return iso_cli_status_from(err);
}

int iso_cli_trap_status(const struct iso_store *store)
{
    const struct iso_trap *trap = iso_store_trap(store);
    if (trap->kind == ISO_TRAP_EXIT) {
        if (trap->exit_status > 255) {
            iso_cli_note("the program ended with status %" PRIu32
                         "; the system carries at most 255, so this is 255",
                         trap->exit_status);
        }
        return iso_cli_status_of_program(trap->exit_status);
    }
    iso_cli_error_as("trap", "%s", trap->message);
    print_backtrace(trap);
    print_trap_hint(trap->kind);
    return trap->kind == ISO_TRAP_NOMEM ? ISO_CLI_SYSTEM : ISO_CLI_TRAP;
}
