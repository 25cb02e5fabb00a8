/*
 * module_test_support.h - binary modules for tests, put together section by section.
 *
 *     struct wasm w;
 *     wasm_init(&w);
 *     WASM_SECTION(&w, 1, 1, 0x60, 0, 0);          // a type section
 *     WASM_CODE(&w, 0, 0x0b);                     // one body: no locals, `end`
 *     CHECK_OK(wasm_load(&w));
 *     ...
 *     wasm_fini(&w);                               // with the module, if there is one
 */
#ifndef ISO_ENGINE_MODULE_TEST_SUPPORT_H
#define ISO_ENGINE_MODULE_TEST_SUPPORT_H

#include "base/test.h"
#include "engine/module.h"

struct wasm {
    struct iso_buf bytes;
    struct iso_engine *engine;
    struct iso_module *module;
    struct iso_report report; /* of the last wasm_load */
};

/* Begins with the magic number and the version. */
void wasm_init(struct wasm *w);
/* Destroys the module and the engine. */
void wasm_fini(struct wasm *w);
/* Forgets the module and its bytes, to begin anew. */
void wasm_clear(struct wasm *w);

void wasm_put(struct wasm *w, const void *bytes, size_t len);
void wasm_put_u32(struct wasm *w, uint32_t value);
void wasm_section(struct wasm *w, uint8_t id, const void *contents, size_t len);

#define WASM_BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define WASM_PUT(w, ...) wasm_put(w, WASM_BYTES(__VA_ARGS__))
#define WASM_SECTION(w, id, ...) wasm_section(w, id, WASM_BYTES(__VA_ARGS__))

/* The code section with one body, which begins at the local declarations. */
void wasm_code(struct wasm *w, const void *body, size_t len);
#define WASM_CODE(w, ...) wasm_code(w, WASM_BYTES(__VA_ARGS__))

/* iso_module_create; the module and the report are in w. */
enum iso_err wasm_load(struct wasm *w);

/* Checks that loading fails with `err`, a message that begins with `text`, and this offset. */
void wasm_check_fails(struct wasm *w, enum iso_err err, const char *text, uint64_t offset);
/* The same without the offset; the module is cleared for the next. */
void wasm_check_error(struct wasm *w, enum iso_err err, const char *text);

/* A module of one function with this type, for its body. */
#define WASM_FUNC(w, type, ...)                                                                    \
    do {                                                                                           \
        wasm_func(w, type);                                                                        \
        WASM_CODE(w, __VA_ARGS__);                                                                 \
    } while (0)
/* type as in a host function's definition: "ii:I"; letters i I f F v r e. */
void wasm_func(struct wasm *w, const char *type);

#endif
