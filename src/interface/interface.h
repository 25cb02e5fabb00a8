/*
 * interface.h - the one public header of src/interface: where a module's interface comes from,
 * calls with typed values, and what is generated from the type model.
 */
#ifndef ISO_INTERFACE_INTERFACE_H
#define ISO_INTERFACE_INTERFACE_H

#include "codec/codec.h"
#include "engine/engine.h"

/* ---- WIT text and binary (wit_*.c) --------------------------------------------------------- */

/* One source file, or several that form a package with its dependencies. */
struct iso_wit_source {
    const char *name; /* for messages: "scaler.wit" */
    struct iso_bytes text;
};

/*
 * Parse and resolve WIT text. The texts are borrowed (everything kept is copied). out is
 * initialised by this function, to be released with iso_wit_fini also after failure. Messages are
 * "scaler.wit:3:14: ...", followed by the line and a caret on lines of their own.
 * Errors: ISO_E_MALFORMED (syntax), ISO_E_INVALID (unknown or repeated names, cycles, ...),
 * ISO_E_UNSUPPORTED (resources, streams, futures), ISO_E_LIMIT, ISO_E_NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_wit_parse(const struct iso_alloc *alloc,
                                          const struct iso_wit_source *sources, size_t count,
                                          struct iso_wit *out, struct iso_report *report);
/* The same from the contents of a `component-type*` custom section. */
ISO_MUST_CHECK enum iso_err iso_wit_decode(const struct iso_alloc *alloc, struct iso_bytes section,
                                           struct iso_wit *out, struct iso_report *report);
void iso_wit_fini(struct iso_wit *wit);
/* WIT text that parses to the same model. */
ISO_MUST_CHECK enum iso_err iso_wit_print(const struct iso_wit *wit, struct iso_buf *out);

/* ---- The interface of a module (module_interface.c) ------------------------------------------ */

/*
 * Metadata of a package: what `isomer pack` writes to the custom section "isomer:package" as JSON.
 * Strings are empty when unknown.
 */
struct iso_package_info {
    struct iso_str name;
    struct iso_str version;
    struct iso_str abi; /* "canonical" (also when empty), "wasm-bindgen", "derived" */
    struct iso_str licence;
    struct iso_str description;
    struct iso_str source;
};

enum iso_interface_origin {
    ISO_ORIGIN_BESIDE,    /* a .wit beside the module */
    ISO_ORIGIN_EMBEDDED,  /* custom section "isomer:wit" */
    ISO_ORIGIN_COMPONENT, /* custom section "component-type*" */
    ISO_ORIGIN_COMMAND,   /* a module with _start: run(args, env, stdin) */
    ISO_ORIGIN_DERIVED    /* from the exports */
};

/* The first world of wit is the module's. */
struct iso_module_interface {
    enum iso_interface_origin origin;
    struct iso_wit wit;
    const struct iso_wit_world *world;
    struct iso_package_info info;
};

/*
 * beside: WIT text that came with the module; NULL or an empty text when none did. out is to be
 * released with iso_module_interface_fini also after failure. Exports that cannot be described by a
 * derived interface are left out; the doc of its world says which, and why. ISO_ORIGIN_COMMAND: the
 * world exports one function, run, for which the module has no export: `_start` is to be called
 * with its arguments, environment and streams. Errors: those of iso_wit_parse and iso_wit_decode,
 * ISO_E_INVALID (no world), ISO_E_UNSUPPORTED (none of the exports can be described).
 */
ISO_MUST_CHECK enum iso_err iso_module_interface_find(const struct iso_alloc *alloc,
                                                      const struct iso_module *module,
                                                      const struct iso_wit_source *beside,
                                                      struct iso_module_interface *out,
                                                      struct iso_report *report);
void iso_module_interface_fini(struct iso_module_interface *interface);

/* What of the world a core import is: *interface (NULL: a plain function of the world, imported
 * from
 * "$root") and its *func. False, and nothing changed: nothing of it. */
bool iso_world_import_find(const struct iso_wit_world *world, const struct iso_import_desc *import,
                           const struct iso_wit_interface **interface,
                           const struct iso_wit_func **func);
/* Whether it is one that devices offer: of the package isomer:device. NULL is none. */
bool iso_interface_is_device(const struct iso_wit_interface *interface);
/* Whether a core import's module is WASI preview 1. */
bool iso_import_is_wasi(struct iso_str module);

/* The metadata as JSON, and read back; strings that are empty are left out, members of other names
 * are ignored. What out points to is in the arena. Errors of reading: ISO_E_MALFORMED,
 * ISO_E_INVALID (a member is not a string), ISO_E_LIMIT, ISO_E_NOMEM; of writing: those of iso_buf.
 */
ISO_MUST_CHECK enum iso_err iso_package_info_read(struct iso_bytes json, struct iso_arena *arena,
                                                  struct iso_package_info *out,
                                                  struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_package_info_write(const struct iso_package_info *info,
                                                   struct iso_buf *out);

/*
 * Append to out the module with WIT text in "isomer:wit" and metadata in "isomer:package", in place
 * of such sections that it has; those that are not given (wit.ptr NULL, info NULL) stay. wit and
 * info are written as they are: check them by iso_wit_parse. Errors: ISO_E_MALFORMED (not a
 * module's frame; that it is valid is not checked), those of iso_buf.
 */
ISO_MUST_CHECK enum iso_err iso_module_pack(struct iso_bytes module, struct iso_bytes wit,
                                            const struct iso_package_info *info,
                                            struct iso_buf *out, struct iso_report *report);

/* ---- Typed calls (abi_*.c) ------------------------------------------------------------------- */

/* An exported function of an instance with its type, ready to be called many times. */
struct iso_binding;

/* interface: NULL for a plain function of the world. abi: as in iso_package_info. The pointers are
 * kept. Errors: ISO_E_NOT_FOUND (the export that the convention wants is missing: named),
 * ISO_E_LINK (it has another core type), ISO_E_UNSUPPORTED. */
ISO_MUST_CHECK enum iso_err iso_binding_create(struct iso_instance *instance, struct iso_str abi,
                                               const struct iso_wit_interface *interface,
                                               const struct iso_wit_func *func,
                                               struct iso_binding **out, struct iso_report *report);
/*
 * Make the binding one of another instance of the same module, fresh from an image for example: in
 * nanoseconds, where iso_binding_create takes microseconds. What became of the instance before does
 * not matter; a call that was under way there is forgotten. Errors: ISO_E_ARGUMENT (an instance of
 * another module).
 */
ISO_MUST_CHECK enum iso_err iso_binding_rebind(struct iso_binding *binding,
                                               struct iso_instance *instance);
void iso_binding_destroy(struct iso_binding *binding);
const struct iso_wit_func *iso_binding_func(const struct iso_binding *binding);

/*
 * Call: lower args (param_count of them, checked against their types first; they stay borrowed
 * while the call is pending and iso_binding_needs_args says so), run, lift the result into the
 * arena (result may be NULL where there is none), run the post-return function. The arena's maximum
 * bounds what a module can make the call cost. Errors: ISO_E_ARGUMENT, ISO_E_TRAP (of the module,
 * or of the convention, as a bad pointer, bad UTF-8, an unknown case: iso_store_trap has it),
 * ISO_E_PENDING (suspended, in the function or in one of those around it: go on with
 * iso_binding_continue after the embedder has waited, or give up with iso_binding_drop),
 * ISO_E_STATE (another call is under way), ISO_E_NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_binding_call(struct iso_binding *binding,
                                             const struct iso_value *args, struct iso_arena *arena,
                                             struct iso_value *result, struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_binding_continue(struct iso_binding *binding,
                                                 struct iso_arena *arena, struct iso_value *result,
                                                 struct iso_report *report);
/* Is a call under way whose arguments are not all in the module's memory yet? */
bool iso_binding_needs_args(const struct iso_binding *binding);
/* Give up the call under way (with iso_drop) or the views; fine when there are none. */
void iso_binding_drop(struct iso_binding *binding);

/*
 * A call under way and its store's snapshot go on elsewhere: save appends what the continuation
 * needs besides the store (docs/snapshot.md, "Typed calls"). Nothing changes by it. Errors:
 * ISO_E_STATE (no call of this binding is under way, and there are no views), those of iso_buf;
 * then out is as before.
 *
 * load: after the store was restored, into a new binding of the same function of the restored
 * instance (views set as there). bytes: borrowed and hostile; everything is checked. What the call
 * goes on with is in the arena, which is kept until the call ends and whose maximum bounds what
 * bytes can cost. Then iso_binding_continue (or, when the result was delivered as views,
 * iso_binding_release). Errors: ISO_E_SNAPSHOT (damaged, of another function, or not what is under
 * way in the store), ISO_E_STATE (a call of this binding is under way), ISO_E_LIMIT, ISO_E_NOMEM;
 * then the binding is idle, and the store as it was.
 */
ISO_MUST_CHECK enum iso_err iso_binding_save(const struct iso_binding *binding, struct iso_buf *out,
                                             struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_binding_load(struct iso_binding *binding, struct iso_bytes bytes,
                                             struct iso_arena *arena, struct iso_report *report);

/*
 * With views on, every list<u8> of a result is a view of the instance's memory instead of a copy,
 * valid until anything runs in the store. The module keeps it: each successful call must be
 * followed by iso_binding_release, which runs the post-return function (errors as for a call; after
 * ISO_E_PENDING go on with iso_binding_continue, result NULL). Off at first; set between
 * calls.
 */
void iso_binding_set_views(struct iso_binding *binding, bool on);
ISO_MUST_CHECK enum iso_err iso_binding_release(struct iso_binding *binding,
                                                struct iso_report *report);

/* A typed host function for an import. args and the arena go when the call ends; result:
 * anywhere until then. A result that is not of its type, and any other trouble with memory of the
 * caller, traps. ISO_HOST_PENDING: it is called again with the same arguments. */
typedef enum iso_host_result (*iso_typed_fn)(void *ctx, struct iso_host_call *call,
                                             const struct iso_value *args, struct iso_arena *arena,
                                             struct iso_value *result);
/* Make it importable in the store under its canonical name. Pointers are kept. */
ISO_MUST_CHECK enum iso_err iso_typed_define(struct iso_store *store,
                                             const struct iso_wit_interface *interface,
                                             const struct iso_wit_func *func, iso_typed_fn fn,
                                             void *ctx, enum iso_host_policy policy);
/* The same, and every list<u8> of args is a view of the caller's memory instead of a copy: valid
 * until fn returns or calls into the store. What of it is kept, or is part of the result, must be
 * copied; a result with bytes of the caller's memory traps. */
ISO_MUST_CHECK enum iso_err iso_typed_define_views(struct iso_store *store,
                                                   const struct iso_wit_interface *interface,
                                                   const struct iso_wit_func *func, iso_typed_fn fn,
                                                   void *ctx, enum iso_host_policy policy);

/*
 * The same, prepared once for many stores: a third of the cost where instances are made per call.
 * interface, func, ctx and (borrowed) alloc live as long as the import; it is immutable, lives as
 * long as the stores, and may be defined in stores of several threads (ctx is shared then:
 * iso_store_user tells the stores apart). views: as with iso_typed_define_views.
 */
struct iso_typed_import;
ISO_MUST_CHECK enum iso_err
iso_typed_import_create(const struct iso_alloc *alloc, const struct iso_wit_interface *interface,
                        const struct iso_wit_func *func, iso_typed_fn fn, void *ctx,
                        enum iso_host_policy policy, bool views, struct iso_typed_import **out);
void iso_typed_import_destroy(struct iso_typed_import *import);
ISO_MUST_CHECK enum iso_err iso_typed_import_define(const struct iso_typed_import *import,
                                                    struct iso_store *store);

/* Core name of a function: "ns:pkg/iface@ver#func" as an export; module and name as an import. */
void iso_abi_export_name(const struct iso_wit_interface *interface, const struct iso_wit_func *func,
                         char *out, size_t cap);
void iso_abi_import_module(const struct iso_wit_interface *interface, char *out, size_t cap);

/* ---- Generated (gen_*.c) --------------------------------------------------------------------- */

/* Where the described functions are reached; strings borrowed, NULL: left out. */
struct iso_gen_place {
    const char *id; /* "urn:..." of the thing */
    const char *title;
    const char *http_base; /* "https://device:port/v1/components/app/component" */
    const char *coap_base;
    const struct iso_package_info *info;
};

/* Thing Description 1.1, OpenAPI 3.1: JSON. Text for people. */
ISO_MUST_CHECK enum iso_err iso_gen_thing(const struct iso_wit_world *world,
                                          const struct iso_gen_place *place, struct iso_buf *out);
ISO_MUST_CHECK enum iso_err iso_gen_openapi(const struct iso_wit_world *world,
                                            const struct iso_gen_place *place, struct iso_buf *out);
ISO_MUST_CHECK enum iso_err iso_gen_text(const struct iso_wit_world *world,
                                         const struct iso_gen_place *place, struct iso_buf *out);

enum iso_gen_language { ISO_GEN_C, ISO_GEN_RUST, ISO_GEN_ASSEMBLYSCRIPT };

/* Called once per generated file, with its name ("scaler.h") and contents (borrowed). */
typedef enum iso_err (*iso_gen_file_fn)(void *ctx, const char *name, struct iso_bytes contents);

/* Bindings of a guest that implements the world. alloc: for what is needed meanwhile. Errors: those
 * of file, ISO_E_ARGUMENT (no such language), ISO_E_LIMIT (a file of more than 64 MiB),
 * ISO_E_NOMEM; files before may have been given out. */
ISO_MUST_CHECK enum iso_err iso_gen_bindings(const struct iso_alloc *alloc,
                                             const struct iso_wit_world *world,
                                             enum iso_gen_language language, iso_gen_file_fn file,
                                             void *ctx, struct iso_report *report);

#endif
