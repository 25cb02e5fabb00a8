/* Writes binary modules for tests (spec 5): bytes, LEB128 numbers, sections. Running out of memory
 * ends the process: a test has nothing better to do. */
#ifndef TESTS_SUPPORT_WASM_WRITER_H
#define TESTS_SUPPORT_WASM_WRITER_H

#include "base/base.h"

#include <stdint.h>

enum wasm_section_id {
    WASM_CUSTOM,
    WASM_TYPE,
    WASM_IMPORT,
    WASM_FUNCTION,
    WASM_TABLE,
    WASM_MEMORY,
    WASM_GLOBAL,
    WASM_EXPORT,
    WASM_START,
    WASM_ELEMENT,
    WASM_CODE,
    WASM_DATA,
    WASM_DATA_COUNT
};

/* An empty buffer of the C library's memory; release with iso_buf_fini. */
struct iso_buf wasm_buf(void);

void wasm_u8(struct iso_buf *buf, uint8_t value);
void wasm_bytes(struct iso_buf *buf, const void *data, size_t len);
/* The bytes of a string literal, without its closing zero. */
#define wasm_literal(buf, text) wasm_bytes((buf), (text), sizeof(text) - 1)
void wasm_u32(struct iso_buf *buf, uint32_t value); /* LEB128 */
void wasm_s32(struct iso_buf *buf, int32_t value);
void wasm_s64(struct iso_buf *buf, int64_t value);
void wasm_name(struct iso_buf *buf, const char *name);
/* `count` times the same byte. */
void wasm_fill(struct iso_buf *buf, uint8_t value, size_t count);

/* "\0asm" and version 1. */
void wasm_header(struct iso_buf *module);
/* A section with the contents, which are released. */
void wasm_section(struct iso_buf *module, enum wasm_section_id id, struct iso_buf *content);
/* A vector's element in the code section: size, then the bytes of `body` (locals, instructions and
 * the final end), which are released. */
void wasm_body(struct iso_buf *code, struct iso_buf *body);

/*
 * A whole module with one function, exported as "f", of the type [params] -> [results] (strings of
 * value type bytes), from its body (released) as in wasm_body. `memory_pages` below 0: no memory,
 * else a memory of that minimum, exported as "memory". The caller releases the module.
 */
struct iso_buf wasm_module_of(const char *params, const char *results, int64_t memory_pages,
                              struct iso_buf *body);

#endif
