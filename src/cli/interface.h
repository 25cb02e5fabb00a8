/* The interface of a module file, its functions by name, and files that commands write. */
#ifndef ISO_CLI_INTERFACE_H
#define ISO_CLI_INTERFACE_H

#include "interface/interface.h"
#include "platform/platform.h"

/* A module's interface and the WIT text beside it. */
struct iso_cli_interface {
    struct iso_file text; /* empty when the module has its own */
    struct iso_module_interface found;
};

/*
 * Find the interface of a module: in the file wit_path, else (NULL) in MODULE.wit beside
 * MODULE.wasm, else in the module itself. Returns ISO_CLI_OK, or the exit status after a message.
 * Release with iso_cli_interface_fini, also after failure.
 */
int iso_cli_interface_find(const struct iso_module *module, const char *module_path,
                           const char *wit_path, struct iso_cli_interface *out);
/* The same in MODULE.wit or the module, without messages. Errors: those of
 * iso_module_interface_find. */
ISO_MUST_CHECK enum iso_err iso_cli_interface_look(const struct iso_module *module,
                                                   const char *module_path,
                                                   struct iso_cli_interface *out,
                                                   struct iso_report *report);
void iso_cli_interface_fini(struct iso_cli_interface *interface);

/*
 * Text that was read from a file of WIT, with the packages that it refers to and does not have:
 * from the folder `deps` beside path, else from those that come with isomer. text is replaced when
 * it lacks any, so that it is whole by itself. Errors: those of iso_wit_parse.
 */
ISO_MUST_CHECK enum iso_err iso_cli_wit_complete(const char *path, struct iso_file *text,
                                                 struct iso_report *report);

/* Read, complete and resolve a file of WIT text. Returns as above; release with iso_file_fini and
 * iso_wit_fini, also after failure. */
int iso_cli_wit_load(const char *path, struct iso_file *text, struct iso_wit *wit);

/* An exported function. */
struct iso_cli_function {
    const struct iso_wit_interface *interface; /* NULL: of the world itself */
    const struct iso_wit_func *func;
};

/* The function of that name: "add", or with its interface "math#add", "demo:calc/math@1.0.0#add".
 * Returns as above: a message says what there is (also when name is NULL), or that the name fits
 * several. */
int iso_cli_function_find(const struct iso_wit_world *world, const char *name,
                          struct iso_cli_function *out);

/* Number i of the exported functions, in the order of the world; false beyond the last. */
bool iso_cli_function_at(const struct iso_wit_world *world, uint32_t i,
                         struct iso_cli_function *out);

/* Write a file as a whole, readable by whom the umask lets; path "-": standard output. Returns as
 * above. */
int iso_cli_file_save(const char *path, struct iso_bytes bytes);

/* Make a folder and those above it; one that is there is fine. Returns as above. */
int iso_cli_folder_make(const char *path);

#endif
