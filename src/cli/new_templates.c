/* The text of a new module's files. */
#include "cli/new_templates.h"

#include "base/base.h"
#include "interface/interface.h"

const char iso_cli_template_wit[] =
    "package example:@NAME@@0.1.0;\n"
    "\n"
    "/// What this module does, for those who use it.\n"
    "world @NAME@ {\n"
    "    /// A greeting.\n"
    "    export hello: func(name: string) -> string;\n"
    "    /// The sum of two numbers; an error when it is too large for its type.\n"
    "    export add: func(a: s32, b: s32) -> result<s32, string>;\n"
    "}\n";

/* The end of each README. */
#define README_USE                                                                                 \
    "\n"                                                                                           \
    "    make\n"                                                                                   \
    "    isomer call @NAME@.wasm hello name=you\n"                                                 \
    "    isomer call @NAME@.wasm add a=2 b=40\n"                                                   \
    "    isomer inspect --wit @NAME@.wasm\n"                                                       \
    "\n"                                                                                           \
    "Where isomer is not in the PATH: `make ISOMER=/where/it/is/isomer`.\n"                        \
    "\n"                                                                                           \
    "The interface is in `@NAME@.wit`. After a change to it, `make` makes the bindings anew, "     \
    "and\n"                                                                                        \
    "the compiler says what the source does not fulfil yet. It may import what devices offer, "    \
    "as\n"                                                                                         \
    "`import isomer:device/log@0.1.0;`, and packages whose text is in the folder `deps`.\n"

#define MAKEFILE_HEAD                                                                              \
    "# make: builds @NAME@.wasm, with its interface in it.\n"                                      \
    "ISOMER ?= isomer\n"

/* Lines that each Makefile ends with. */
#define MAKEFILE_CLEAN                                                                             \
    "\n"                                                                                           \
    ".PHONY: clean\n"                                                                              \
    "clean:\n"                                                                                     \
    "\trm -rf @NAME@.wasm build\n"

/* ---- C ------------------------------------------------------------------------------------- */

static const struct iso_cli_template c_files[] = {
    {"main.c", "/* What @NAME@.wit promises. The comments in bindings/@NAME@.h say whose memory is "
               "whose. */\n"
               "#include \"@NAME@.h\"\n"
               "\n"
               "#include <stdlib.h>\n"
               "#include <string.h>\n"
               "\n"
               "struct @SNAKE@_string @SNAKE@_hello(struct @SNAKE@_string name)\n"
               "{\n"
               "    static const char hello[] = \"hello, \";\n"
               "    size_t len = sizeof hello - 1;\n"
               "    char *text = malloc(len + name.len);\n"
               "    if (text == NULL) {\n"
               "        abort();\n"
               "    }\n"
               "    memcpy(text, hello, len);\n"
               "    if (name.len != 0) {\n"
               "        memcpy(text + len, name.ptr, name.len);\n"
               "    }\n"
               "    struct @SNAKE@_string result = {.ptr = text, .len = len + name.len};\n"
               "    @SNAKE@_string_free(&name);\n"
               "    return result;\n"
               "}\n"
               "\n"
               "struct @SNAKE@_result_s32_string @SNAKE@_add(int32_t a, int32_t b)\n"
               "{\n"
               "    static const char reason[] = \"the sum is too large\";\n"
               "    struct @SNAKE@_result_s32_string result = {.is_err = false};\n"
               "    if (__builtin_add_overflow(a, b, &result.val.ok)) {\n"
               "        result.is_err = true;\n"
               "        result.val.err = @SNAKE@_string_copy(reason, sizeof reason - 1);\n"
               "    }\n"
               "    return result;\n"
               "}\n"},
    {"Makefile", MAKEFILE_HEAD
     "CLANG ?= clang\n"
     "CFLAGS ?= -O2 -Wall -Wextra\n"
     "LDFLAGS ?= -Wl,--strip-debug\n"
     "\n"
     "@NAME@.wasm: main.c bindings/@NAME@.h @NAME@.wit\n"
     "\t@mkdir -p build\n"
     "\t$(CLANG) --target=wasm32-wasi -mexec-model=reactor $(CFLAGS) $(LDFLAGS) -Ibindings \\\n"
     "\t\t-o build/@NAME@.wasm main.c bindings/@NAME@.c\n"
     "\t$(ISOMER) pack build/@NAME@.wasm --wit @NAME@.wit -o @NAME@.wasm\n"
     "\n"
     "bindings/@NAME@.h: @NAME@.wit\n"
     "\t$(ISOMER) bindgen c @NAME@.wit -o bindings\n" MAKEFILE_CLEAN},
    {"README.md", "# @NAME@\n"
                  "\n"
                  "A WebAssembly module in C. It needs clang, lld and wasi-libc; on Debian\n"
                  "`apt install clang lld make wasi-libc libclang-rt-dev-wasm32`.\n" README_USE},
};

/* ---- Rust ---------------------------------------------------------------------------------- */

static const struct iso_cli_template rust_files[] = {
    {"lib.rs", "//! What @NAME@.wit promises; the trait is in bindings/@MODULE@.rs.\n"
               "#[path = \"bindings/@MODULE@.rs\"]\n"
               "mod @MODULE@;\n"
               "\n"
               "struct Module;\n"
               "\n"
               "impl @MODULE@::@PASCAL@Exports for Module {\n"
               "    fn hello(name: String) -> String {\n"
               "        format!(\"hello, {name}\")\n"
               "    }\n"
               "\n"
               "    fn add(a: i32, b: i32) -> Result<i32, String> {\n"
               "        a.checked_add(b).ok_or_else(|| \"the sum is too large\".to_string())\n"
               "    }\n"
               "}\n"
               "\n"
               "@MODULE@::export!(Module);\n"},
    {"Makefile",
     MAKEFILE_HEAD "RUSTC ?= rustc\n"
                   "RUSTFLAGS ?= -O -C strip=debuginfo\n"
                   "\n"
                   "@NAME@.wasm: lib.rs bindings/@MODULE@.rs @NAME@.wit\n"
                   "\t@mkdir -p build\n"
                   "\t$(RUSTC) --target wasm32-unknown-unknown --edition 2021 --crate-type cdylib "
                   "$(RUSTFLAGS) \\\n"
                   "\t\t--crate-name @SNAKE@ -o build/@NAME@.wasm lib.rs\n"
                   "\t$(ISOMER) pack build/@NAME@.wasm --wit @NAME@.wit -o @NAME@.wasm\n"
                   "\n"
                   "bindings/@MODULE@.rs: @NAME@.wit\n"
                   "\t$(ISOMER) bindgen rust @NAME@.wit -o bindings\n" MAKEFILE_CLEAN},
    {"README.md", "# @NAME@\n"
                  "\n"
                  "A WebAssembly module in Rust. It needs rustc with the target\n"
                  "wasm32-unknown-unknown; on Debian `apt install rustc libstd-rust-dev-wasm32 lld "
                  "make`,\n"
                  "with rustup `rustup target add wasm32-unknown-unknown`. Which of several:\n"
                  "`make RUSTC=/usr/bin/rustc`.\n" README_USE},
};

/* ---- AssemblyScript ------------------------------------------------------------------------ */

static const struct iso_cli_template as_files[] = {
    {"assembly/index.ts", "// What @NAME@.wit promises; assembly/@NAME@.ts is generated.\n"
                          "import { ResultS32String } from \"./@NAME@\";\n"
                          "\n"
                          "export function hello(name: string): string {\n"
                          "    return \"hello, \" + name;\n"
                          "}\n"
                          "\n"
                          "export function add(a: i32, b: i32): ResultS32String {\n"
                          "    const sum = <i64>a + <i64>b;\n"
                          "    if (sum != <i64>(<i32>sum)) return "
                          "ResultS32String.err(\"the sum is too large\");\n"
                          "    return ResultS32String.ok(<i32>sum);\n"
                          "}\n"},
    {"package.json", "{\n"
                     "    \"name\": \"@NAME@\",\n"
                     "    \"version\": \"0.1.0\",\n"
                     "    \"private\": true,\n"
                     "    \"scripts\": { \"build\": \"make\" },\n"
                     "    \"devDependencies\": { \"assemblyscript\": \"^0.28.0\" }\n"
                     "}\n"},
    {"Makefile",
     MAKEFILE_HEAD "ASC ?= node_modules/.bin/asc\n"
                   "ASCFLAGS ?= -O --runtime incremental\n"
                   "\n"
                   "@NAME@.wasm: assembly/index.ts assembly/@NAME@.ts @NAME@.wit | $(ASC)\n"
                   "\t@mkdir -p build\n"
                   "\t$(ASC) assembly/@NAME@.ts --transform ./assembly/@NAME@.mjs $(ASCFLAGS) -o "
                   "build/@NAME@.wasm\n"
                   "\t$(ISOMER) pack build/@NAME@.wasm --wit @NAME@.wit -o @NAME@.wasm\n"
                   "\n"
                   "node_modules/.bin/asc:\n"
                   "\tnpm install\n"
                   "\n"
                   "assembly/@NAME@.ts: @NAME@.wit\n"
                   "\t$(ISOMER) bindgen assemblyscript @NAME@.wit -o assembly\n" MAKEFILE_CLEAN},
    {"README.md", "# @NAME@\n"
                  "\n"
                  "A WebAssembly module in AssemblyScript. It needs node and npm; `make` installs\n"
                  "the compiler from npm into this folder when it is not there.\n" README_USE},
};

const struct iso_cli_language_templates iso_cli_templates[3] = {
    [ISO_GEN_C] = {"bindings", c_files, ISO_COUNT_OF(c_files)},
    [ISO_GEN_RUST] = {"bindings", rust_files, ISO_COUNT_OF(rust_files)},
    [ISO_GEN_ASSEMBLYSCRIPT] = {"assembly", as_files, ISO_COUNT_OF(as_files)},
};
