/* abi_trap.c - the words of traps that the convention, not the module's code, causes (Canonical ABI
 * Explainer: "trap_if"). */
#include <stdarg.h>

#include "interface/abi.h"

void iso_abi_trap_init(struct iso_abi_trap *trap)
{
    trap->set = false;
    trap->path_start = sizeof trap->path;
}

enum iso_err iso_abi_trap_set(struct iso_abi_trap *trap, const char *format, ...)
{
    if (!trap->set) {
        va_list args;
        va_start(args, format);
        (void)iso_format_v(trap->what, sizeof trap->what, format, args);
        va_end(args);
        trap->set = true;
    }
    return ISO_E_TRAP;
}

/* What does not fit is left out: the inner end says more about the place. */
static void prepend(struct iso_abi_trap *trap, const char *text, size_t len)
{
    if (len <= trap->path_start) {
        trap->path_start -= (uint32_t)len;
        memcpy(&trap->path[trap->path_start], text, len);
    }
}

void iso_abi_trap_name(struct iso_abi_trap *trap, struct iso_str name)
{
    if (name.len != 0) {
        prepend(trap, name.ptr, name.len);
        prepend(trap, ".", 1);
    }
}

void iso_abi_trap_index(struct iso_abi_trap *trap, uint32_t index)
{
    char text[16];
    prepend(trap, text, iso_format(text, sizeof text, "[%u]", (unsigned)index));
}

void iso_abi_trap_text(const struct iso_abi_trap *trap, struct iso_str root, char *out, size_t cap)
{
    (void)iso_format(out, cap, "%.*s%.*s's %s", (int)root.len, root.ptr != NULL ? root.ptr : "",
                     (int)(sizeof trap->path - trap->path_start), &trap->path[trap->path_start],
                     trap->what);
}
