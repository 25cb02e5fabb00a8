/* See the header. */
#include "interface/abi_test_support.h"

#include <stdarg.h>

const struct iso_vtype abi_end_mark = {.kind = ISO_V_BOOL};

static struct iso_arena arena;
static const char names[] = "abcdefghijklmnopqrstuvwxyz";

struct iso_arena *abi_arena(void)
{
    if (arena.alloc == NULL) {
        iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
    }
    return &arena;
}

void abi_arena_fini(void)
{
    iso_arena_fini(abi_arena());
}

static void *make(size_t count, size_t size)
{
    void *object = iso_arena_array(abi_arena(), count, size);
    CHECK(object != NULL);
    return object;
}

/* ---- Types ----------------------------------------------------------------------------------- */

const struct iso_vtype *abi_p(enum iso_vkind kind)
{
    return iso_vtype_primitive(kind);
}

static struct iso_vtype *type_new(enum iso_vkind kind)
{
    struct iso_vtype *type = make(1, sizeof *type);
    type->kind = kind;
    return type;
}

static const struct iso_vtype *finish(struct iso_vtype *type)
{
    CHECK_OK(iso_vtype_finish(type, NULL));
    return type;
}

const struct iso_vtype *abi_list(const struct iso_vtype *element)
{
    struct iso_vtype *type = type_new(ISO_V_LIST);
    type->element = element;
    return finish(type);
}

const struct iso_vtype *abi_option(const struct iso_vtype *element)
{
    struct iso_vtype *type = type_new(ISO_V_OPTION);
    type->element = element;
    return finish(type);
}

static struct iso_vmember *members_new(struct iso_vtype *type, uint32_t count)
{
    struct iso_vmember *members = make(count, sizeof *members);
    for (uint32_t i = 0; i < count && type->kind != ISO_V_TUPLE && type->kind != ISO_V_RESULT;
         i++) {
        members[i].name = iso_str_from(&names[i % 26], 1);
    }
    type->members = members;
    type->member_count = count;
    return members;
}

const struct iso_vtype *abi_members(enum iso_vkind kind, ...)
{
    const struct iso_vtype *parts[64];
    uint32_t count = 0;
    va_list args;
    va_start(args, kind);
    for (;;) {
        const struct iso_vtype *part = va_arg(args, const struct iso_vtype *);
        if (part == &abi_end_mark) {
            break;
        }
        CHECK(count < ISO_COUNT_OF(parts));
        parts[count++] = part;
    }
    va_end(args);
    struct iso_vtype *type = type_new(kind);
    struct iso_vmember *members = members_new(type, count);
    for (uint32_t i = 0; i < count; i++) {
        members[i].type = parts[i];
    }
    return finish(type);
}

const struct iso_vtype *abi_labels(enum iso_vkind kind, uint32_t count)
{
    struct iso_vtype *type = type_new(kind);
    (void)members_new(type, count);
    return finish(type);
}

const struct iso_wit_func *abi_func(const struct iso_vtype *result,
                                    const struct iso_vtype *const *params, uint32_t count)
{
    struct iso_wit_func *func = make(1, sizeof *func);
    struct iso_wit_param *list = make(count, sizeof *list);
    for (uint32_t i = 0; i < count; i++) {
        list[i] =
            (struct iso_wit_param){.name = iso_str_from(&names[i % 26], 1), .type = params[i]};
    }
    *func = (struct iso_wit_func){
        .name = iso_str_from_z("f"), .params = list, .param_count = count, .result = result};
    return func;
}

/* ---- Guests -----------------------------------------------------------------------------------
 */

void abi_guest_init(struct abi_guest *guest, struct iso_buf bytes)
{
    struct iso_report report;
    iso_report_init(&report);
    *guest = (struct abi_guest){.bytes = bytes};
    CHECK_OK(iso_engine_create(NULL, &guest->engine));
    enum iso_err err =
        iso_module_create(guest->engine, bytes.ptr, bytes.len, &guest->module, &report);
    if (err != ISO_OK) {
        TEST_FAIL("the test's module: %s", iso_report_text(&report, err));
    }
    CHECK_OK(iso_store_create(guest->engine, NULL, &guest->store));
}

void abi_guest_start(struct abi_guest *guest)
{
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_instance_create(guest->store, guest->module, &guest->instance, &report);
    if (err != ISO_OK) {
        TEST_FAIL("the test's instance: %s", iso_report_text(&report, err));
    }
}

void abi_guest_fini(struct abi_guest *guest)
{
    iso_store_destroy(guest->store);
    iso_module_destroy(guest->module);
    iso_engine_destroy(guest->engine);
    iso_buf_fini(&guest->bytes);
}

/* ---- Modules ----------------------------------------------------------------------------------
 */

void abi_writer_init(struct abi_writer *writer)
{
    *writer = (struct abi_writer){.types = wasm_buf(),
                                  .imports = wasm_buf(),
                                  .functions = wasm_buf(),
                                  .exports = wasm_buf(),
                                  .code = wasm_buf()};
}

uint32_t abi_writer_type(struct abi_writer *writer, const uint8_t *params, uint32_t param_count,
                         const uint8_t *results, uint32_t result_count)
{
    wasm_u8(&writer->types, 0x60);
    wasm_u32(&writer->types, param_count);
    wasm_bytes(&writer->types, params, param_count);
    wasm_u32(&writer->types, result_count);
    wasm_bytes(&writer->types, results, result_count);
    return writer->type_count++;
}

static uint32_t from_letters(const char *text, uint8_t *types)
{
    uint32_t count = 0;
    for (; text[count] != '\0'; count++) {
        types[count] = text[count] == 'i'   ? ISO_TYPE_I32
                       : text[count] == 'I' ? ISO_TYPE_I64
                       : text[count] == 'f' ? ISO_TYPE_F32
                                            : ISO_TYPE_F64;
    }
    return count;
}

uint32_t abi_writer_letters(struct abi_writer *writer, const char *params, const char *results)
{
    uint8_t param_types[64], result_types[64];
    uint32_t param_count = from_letters(params, param_types);
    uint32_t result_count = from_letters(results, result_types);
    return abi_writer_type(writer, param_types, param_count, result_types, result_count);
}

void abi_writer_import(struct abi_writer *writer, const char *module, const char *name,
                       uint32_t type)
{
    wasm_name(&writer->imports, module);
    wasm_name(&writer->imports, name);
    wasm_u8(&writer->imports, 0);
    wasm_u32(&writer->imports, type);
    writer->import_count++;
}

uint32_t abi_writer_func(struct abi_writer *writer, uint32_t type, const char *name,
                         const void *code, size_t len)
{
    uint32_t index = writer->import_count + writer->function_count++;
    struct iso_buf body = wasm_buf();
    wasm_u32(&writer->functions, type);
    wasm_u8(&body, 0);
    wasm_bytes(&body, code, len);
    wasm_u8(&body, 0x0b);
    wasm_body(&writer->code, &body);
    if (name != NULL) {
        wasm_name(&writer->exports, name);
        wasm_u8(&writer->exports, ISO_EXTERN_FUNC);
        wasm_u32(&writer->exports, index);
        writer->export_count++;
    }
    return index;
}

uint32_t abi_writer_bump(struct abi_writer *writer, const char *name, const char *params,
                         uint8_t align, uint8_t size)
{
    uint8_t code[] = {0x23, 0,    0x20, align, 0x6a, 0x41, 1,    0x6b,  /* heap + align - 1 */
                      0x41, 0,    0x20, align, 0x6b, 0x71, 0x22, align, /* & -align: the address */
                      0x20, size, 0x6a, 0x24,  0,                       /* heap = address + size */
                      0x03, 0x40,                                       /* loop */
                      0x23, 0,    0x3f, 0,     0x41, 16,   0x74, 0x4b,
                      0x04, 0x40, /* if heap > memory.size << 16 */
                      0x41, 1,    0x40, 0,     0x41, 0x7f, 0x46, 0x04,
                      0x40, 0x00, 0x0b,       /* grow, else unreachable */
                      0x0c, 1,    0x0b, 0x0b, /* again */
                      0x20, align};
    return abi_writer_func(writer, abi_writer_letters(writer, params, "i"), name, code,
                           sizeof code);
}

#define CODE(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

void abi_writer_bindgen(struct abi_writer *writer, bool aligned)
{
    if (aligned) {
        (void)abi_writer_bump(writer, "__wbindgen_malloc", "ii", 1, 0);
        (void)abi_writer_func(writer, abi_writer_letters(writer, "iii", ""), "__wbindgen_free",
                              CODE(0x23, 1, 0x20, 0, 0x6a, 0x20, 1, 0x6a, 0x20, 2, 0x6a, 0x24, 1));
    } else {
        (void)abi_writer_func(
            writer, abi_writer_letters(writer, "i", "i"), "__wbindgen_malloc",
            CODE(0x23, 0, 0x23, 0, 0x20, 0, 0x6a, 0x41, 7, 0x6a, 0x41, 0x78, 0x71, 0x24, 0));
        (void)abi_writer_func(writer, abi_writer_letters(writer, "ii", ""), "__wbindgen_free",
                              CODE(0x23, 1, 0x20, 0, 0x6a, 0x20, 1, 0x6a, 0x24, 1));
    }
    (void)abi_writer_func(writer, abi_writer_letters(writer, "i", "i"),
                          "__wbindgen_add_to_stack_pointer",
                          CODE(0x23, 2, 0x20, 0, 0x6a, 0x24, 2, 0x23, 2));
}

static void section(struct iso_buf *module, enum wasm_section_id id, uint32_t count,
                    struct iso_buf *items)
{
    struct iso_buf content = wasm_buf();
    wasm_u32(&content, count);
    wasm_bytes(&content, items->ptr, items->len);
    wasm_section(module, id, &content);
    iso_buf_fini(items);
}

struct iso_buf abi_writer_finish(struct abi_writer *writer, const void *data, uint32_t data_len)
{
    struct iso_buf module = wasm_buf(), memory = wasm_buf(), globals = wasm_buf(),
                   segment = wasm_buf();
    static const int32_t initial[3] = {1024, 0, 1024};
    wasm_literal(&memory, "\x00\x01");
    for (size_t i = 0; i < 3; i++) {
        wasm_literal(&globals, "\x7f\x01\x41");
        wasm_s32(&globals, initial[i]);
        wasm_u8(&globals, 0x0b);
    }
    wasm_name(&writer->exports, "memory");
    wasm_literal(&writer->exports, "\x02\x00");
    wasm_name(&writer->exports, "posts");
    wasm_literal(&writer->exports, "\x03\x01");
    wasm_name(&writer->exports, "stack");
    wasm_literal(&writer->exports, "\x03\x02");
    wasm_header(&module);
    section(&module, WASM_TYPE, writer->type_count, &writer->types);
    section(&module, WASM_IMPORT, writer->import_count, &writer->imports);
    section(&module, WASM_FUNCTION, writer->function_count, &writer->functions);
    section(&module, WASM_MEMORY, 1, &memory);
    section(&module, WASM_GLOBAL, 3, &globals);
    section(&module, WASM_EXPORT, writer->export_count + 3, &writer->exports);
    section(&module, WASM_CODE, writer->function_count, &writer->code);
    if (data_len != 0) {
        wasm_literal(&segment, "\x00\x41\x10\x0b");
        wasm_u32(&segment, data_len);
        wasm_bytes(&segment, data, data_len);
        section(&module, WASM_DATA, 1, &segment);
    }
    return module;
}

struct iso_buf abi_echo_module(const struct iso_wit_func *func)
{
    const struct iso_abi_func *in = NULL, *out = NULL;
    struct abi_writer writer;
    CHECK_OK(iso_abi_func_prepare(func, 16, 1, false, abi_arena(), &in, NULL));
    CHECK_OK(iso_abi_func_prepare(func, 16, 1, true, abi_arena(), &out, NULL));
    abi_writer_init(&writer);
    uint32_t import = abi_writer_type(&writer, out->core_params, out->core_param_count,
                                      out->core_results, out->core_result_count);
    uint32_t type = abi_writer_type(&writer, in->core_params, in->core_param_count,
                                    in->core_results, in->core_result_count);
    abi_writer_import(&writer, "$root", "f", import);
    uint32_t bump = abi_writer_bump(&writer, "cabi_realloc", "iiii", 2, 3);
    /* The result's place is made before and kept in the stack pointer's global. */
    struct iso_buf code = wasm_buf();
    if (in->result_indirect) {
        wasm_literal(&code, "\x41\x00\x41\x00\x41");
        wasm_s32(&code, (int32_t)in->result->align);
        wasm_u8(&code, 0x41);
        wasm_s32(&code, (int32_t)in->result->size);
        wasm_u8(&code, 0x10);
        wasm_u32(&code, bump);
        wasm_literal(&code, "\x24\x02");
    }
    for (uint32_t i = 0; i < in->core_param_count; i++) {
        wasm_u8(&code, 0x20);
        wasm_u32(&code, i);
    }
    wasm_bytes(&code, "\x23\x02", in->result_indirect ? 2 : 0);
    wasm_literal(&code, "\x10\x00");
    wasm_bytes(&code, "\x23\x02", in->result_indirect ? 2 : 0);
    (void)abi_writer_func(&writer, type, "f", code.ptr, code.len);
    iso_buf_fini(&code);
    static const uint8_t post[] = {0x23, 1, 0x41, 1, 0x6a, 0x24, 1, 0x41, 0x80, 8, 0x24, 0};
    uint32_t post_type = abi_writer_type(&writer, in->core_results, in->core_result_count, NULL, 0);
    (void)abi_writer_func(&writer, post_type, "cabi_post_f", post, sizeof post);
    return abi_writer_finish(&writer, NULL, 0);
}
