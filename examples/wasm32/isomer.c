/* isomer.c - see isomer.h. One heap for everything: what follows the variables in linear memory,
 * which is asked to grow when that is not enough. */
#include "isomer.h"

#include "cli_section.h"

extern uint8_t __heap_base[];

enum { WASM_PAGE = 65536, WASM_PAGES_MAX = 65536, STACK_BYTES = 256 << 10 };

struct isomer_program {
    struct iso_engine *engine;
    struct iso_module *module;
    struct iso_store *store;
    struct iso_instance *instance;
    struct iso_buf snapshot;
    char function[64]; /* that was started, for snapshots */
};

static struct iso_heap heap;
static struct iso_report report;

/* Not up to the last page: the heap's end would be address 0. */
static bool grow_memory(size_t bytes)
{
    size_t pages = bytes / WASM_PAGE + 2;
    if (pages >= WASM_PAGES_MAX - __builtin_wasm_memory_size(0) ||
        __builtin_wasm_memory_grow(0, pages) == SIZE_MAX) {
        return false;
    }
    iso_heap_extend(&heap, pages * WASM_PAGE);
    return true;
}

static void *resize(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    (void)ctx;
    void *block = heap.alloc.resize(&heap, ptr, old_size, new_size);
    if (block == NULL && new_size != 0 && grow_memory(new_size)) {
        block = heap.alloc.resize(&heap, ptr, old_size, new_size);
    }
    return block;
}

static const struct iso_alloc *allocator(void)
{
    static const struct iso_alloc alloc = {.resize = resize};
    if (heap.end == NULL) {
        size_t end = __builtin_wasm_memory_size(0) * (size_t)WASM_PAGE;
        iso_heap_init(&heap, __heap_base, end - (size_t)__heap_base);
    }
    return &alloc;
}

void *ISOMER_EXPORT(isomer_alloc)(uint32_t size)
{
    return iso_alloc_resize(allocator(), NULL, 0, size);
}

void ISOMER_EXPORT(isomer_free)(void *ptr, uint32_t size)
{
    iso_alloc_free(allocator(), ptr, size);
}

const char *ISOMER_EXPORT(isomer_error)(void)
{
    return report.text;
}

/* Puts the general text of the error where no message was set. */
static void keep_reason(enum iso_err err)
{
    iso_report_set(&report, "%s", iso_report_text(&report, err));
}

void ISOMER_EXPORT(isomer_close)(struct isomer_program *program)
{
    if (program != NULL) {
        iso_buf_fini(&program->snapshot);
        iso_store_destroy(program->store);
        iso_module_destroy(program->module);
        iso_engine_destroy(program->engine);
        iso_alloc_free(allocator(), program, sizeof *program);
    }
}

/* All but the instance. */
static enum iso_err prepare(struct isomer_program *program, const uint8_t *bytes, uint32_t len)
{
    const struct iso_engine_config config = {.alloc = allocator()};
    const struct iso_store_config limits = {.stack_max_bytes = STACK_BYTES};
    iso_buf_init(&program->snapshot, allocator(), SIZE_MAX);
    enum iso_err err = iso_engine_create(&config, &program->engine);
    if (err == ISO_OK) {
        err = iso_module_create(program->engine, bytes, len, &program->module, &report);
    }
    return err == ISO_OK ? iso_store_create(program->engine, &limits, &program->store) : err;
}

static struct isomer_program *open_program(const uint8_t *bytes, uint32_t len,
                                           struct iso_bytes snapshot)
{
    iso_report_init(&report);
    struct isomer_program *program = iso_alloc_new(allocator(), sizeof *program);
    if (program == NULL) {
        keep_reason(ISO_E_NOMEM);
        return NULL;
    }
    enum iso_err err = prepare(program, bytes, len);
    if (err == ISO_OK && snapshot.ptr == NULL) {
        err = iso_instance_create(program->store, program->module, &program->instance, &report);
    } else if (err == ISO_OK) {
        const struct iso_snapshot_section cli = cli_section(NULL);
        err = iso_snapshot_restore(program->store, snapshot, &program->module, 1, &cli, 1,
                                   &program->instance, 1, &report);
    }
    if (err != ISO_OK) {
        keep_reason(err);
        isomer_close(program);
        return NULL;
    }
    return program;
}

struct isomer_program *ISOMER_EXPORT(isomer_open)(const uint8_t *bytes, uint32_t len)
{
    return open_program(bytes, len, iso_bytes_from(NULL, 0));
}

struct isomer_program *ISOMER_EXPORT(isomer_restore)(const uint8_t *bytes, uint32_t len,
                                                     const uint8_t *snapshot, uint32_t snapshot_len)
{
    return open_program(bytes, len, iso_bytes_from(snapshot, snapshot_len));
}

uint32_t ISOMER_EXPORT(isomer_start)(struct isomer_program *program, const char *name,
                                     const union iso_slot *args)
{
    iso_report_init(&report);
    struct iso_func *func = iso_instance_export_func(program->instance, name);
    if (func == NULL) {
        iso_report_set(&report, "it exports no function '%s'", name);
        return 0;
    }
    (void)iso_format(program->function, sizeof program->function, "%s", name);
    enum iso_err err = iso_start(program->store, func, args);
    if (err != ISO_OK) {
        keep_reason(err);
    }
    return err == ISO_OK;
}

uint32_t ISOMER_EXPORT(isomer_run)(struct isomer_program *program, uint64_t fuel)
{
    iso_store_set_fuel(program->store, fuel);
    enum iso_run_state state = iso_run(program->store);
    if (state == ISO_RUN_TRAPPED) {
        iso_report_init(&report);
        iso_report_set(&report, "%s", iso_store_trap(program->store)->message);
    }
    return state;
}

const union iso_slot *ISOMER_EXPORT(isomer_results)(const struct isomer_program *program)
{
    return iso_results(program->store);
}

uint64_t ISOMER_EXPORT(isomer_fuel_used)(const struct isomer_program *program)
{
    return iso_store_fuel_used(program->store);
}

const uint8_t *ISOMER_EXPORT(isomer_save)(struct isomer_program *program)
{
    iso_report_init(&report);
    iso_buf_fini(&program->snapshot);
    struct cli_section call = {.function = program->function};
    const struct iso_snapshot_section cli = cli_section(&call);
    enum iso_err err = iso_snapshot_save(program->store, &cli, 1, &program->snapshot, &report);
    if (err != ISO_OK) {
        keep_reason(err);
        return NULL;
    }
    return program->snapshot.ptr;
}

uint32_t ISOMER_EXPORT(isomer_saved_size)(const struct isomer_program *program)
{
    return (uint32_t)program->snapshot.len;
}
