/* Which files a new module has. Their text is in the folder templates. */
#include "cli/new_templates.h"

#include "interface/interface.h"

static const struct iso_cli_template c_files[] = {
    {"main.c", {"c/main.c"}},
    {"Makefile", {"Makefile.head", "c/Makefile", "Makefile.end"}},
    {"README.md", {"c/README.md", "README.end"}},
};

static const struct iso_cli_template rust_files[] = {
    {"lib.rs", {"rust/lib.rs"}},
    {"Makefile", {"Makefile.head", "rust/Makefile", "Makefile.end"}},
    {"README.md", {"rust/README.md", "README.end"}},
};

static const struct iso_cli_template as_files[] = {
    {"assembly/index.ts", {"assemblyscript/index.ts"}},
    {"package.json", {"assemblyscript/package.json"}},
    {"Makefile", {"Makefile.head", "assemblyscript/Makefile", "Makefile.end"}},
    {"README.md", {"assemblyscript/README.md", "README.end"}},
};

const struct iso_cli_language_templates iso_cli_templates[3] = {
    [ISO_GEN_C] = {"bindings", c_files, ISO_COUNT_OF(c_files)},
    [ISO_GEN_RUST] = {"bindings", rust_files, ISO_COUNT_OF(rust_files)},
    [ISO_GEN_ASSEMBLYSCRIPT] = {"assembly", as_files, ISO_COUNT_OF(as_files)},
};
