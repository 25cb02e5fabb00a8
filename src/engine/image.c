/*
 * image.c - images: the state of an instance kept as the initial state of fresh ones.
 *
 * Making one may take its time: the memory is searched for its last byte that is not zero, and
 * references are turned into numbers. Making an instance from it then costs a look-up per import,
 * a copy of globals and tables, and two or three calls of the platform: nothing that grows with
 * the memory or the number of functions. The block of the last instance that went is used again.
 */
#include "engine/image.h"
#include "engine/block.h"

/* ---- Life ---------------------------------------------------------------------------------- */

void iso_image_retain(struct iso_image *image)
{
    (void)atomic_fetch_add_explicit(&image->references, 1, memory_order_relaxed);
}

void iso_image_release(struct iso_image *image)
{
    if (atomic_fetch_sub_explicit(&image->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    struct iso_engine *engine = image->engine;
    struct iso_instance *spare = atomic_load_explicit(&image->spare, memory_order_acquire);
    if (spare != NULL) {
        iso_instance_free_block(engine, spare);
    }
    if (image->mapping != NULL) {
        engine->platform.image_destroy(engine->platform.ctx, image->mapping, image->content_bytes);
    }
    iso_arena_fini(&image->arena);
    iso_alloc_free(&engine->alloc, image, sizeof *image);
}

bool iso_image_keep(struct iso_image *image, struct iso_instance *instance)
{
    struct iso_instance *none = NULL;
    return atomic_compare_exchange_strong_explicit(&image->spare, &none, instance,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

void iso_image_destroy(struct iso_image *image)
{
    if (image != NULL) {
        iso_image_release(image);
    }
}

/* ---- Capture ------------------------------------------------------------------------------- */

static enum iso_err check_instance(const struct iso_instance *instance, struct iso_report *report)
{
    const struct iso_store *store = instance->store;
    const struct iso_module *module = instance->module;
    if (store->instance_count != 1) {
        return iso_fail(report, ISO_E_REFUSED,
                        "an image needs a store with one instance, this one has %lu",
                        (unsigned long)store->instance_count);
    }
    if (store->nesting != 0 || (store->state != ISO_RUN_IDLE && store->state != ISO_RUN_DONE &&
                                store->state != ISO_RUN_TRAPPED)) {
        return iso_fail(report, ISO_E_REFUSED,
                        "a call is under way: finish or drop it before taking an image");
    }
    if (module->table_import_count != 0 || module->memory_import_count != 0 ||
        module->global_import_count != 0) {
        return iso_fail(report, ISO_E_REFUSED,
                        "the module imports a table, memory or global: an image can only be taken "
                        "of modules that import functions alone");
    }
    if (module->memory_count > 1) {
        return iso_fail(report, ISO_E_REFUSED, "the module has more than one memory");
    }
    return ISO_OK;
}

/* The number of a reference to a function; false when it belongs to neither the instance nor its
 * imports. */
static bool ref_to_number(const struct iso_instance *instance, uint64_t ref, uint32_t *out)
{
    const struct iso_func *func = (const struct iso_func *)(uintptr_t)ref;
    const struct iso_module *module = instance->module;
    if (func == NULL) {
        *out = 0;
        return true;
    }
    if (func->instance == instance) {
        *out = func->func_index + 1;
        return true;
    }
    for (uint32_t i = 0; i < module->func_import_count; i++) {
        if (instance->imported_funcs[i] == func) {
            *out = i + 1;
            return true;
        }
    }
    return false;
}

static uint64_t number_to_ref(struct iso_instance *instance, uint32_t number)
{
    return number != 0 ? (uintptr_t)iso_instance_func(instance, number - 1) : 0;
}

static enum iso_err capture_table(struct iso_image *image, const struct iso_instance *instance,
                                  uint32_t index, struct iso_report *report)
{
    const struct iso_table *table = instance->tables[index];
    struct iso_image_table *copy = &image->tables[index];
    copy->size = table->size;
    copy->refs = iso_arena_array(&image->arena, table->size, sizeof *copy->refs);
    if (copy->refs == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < table->size; i++) {
        if (table->type == ISO_TYPE_EXTERNREF && table->elems[i] != 0) {
            return iso_fail(report, ISO_E_REFUSED,
                            "table %lu holds an external reference at %lu: it means nothing "
                            "outside this instance",
                            (unsigned long)index, (unsigned long)i);
        }
        if (!ref_to_number(instance, table->elems[i], &copy->refs[i])) {
            return iso_fail(report, ISO_E_REFUSED,
                            "table %lu holds a function at %lu that is neither the module's nor "
                            "imported by it",
                            (unsigned long)index, (unsigned long)i);
        }
    }
    return ISO_OK;
}

static enum iso_err capture_globals(struct iso_image *image, const struct iso_instance *instance,
                                    struct iso_report *report)
{
    uint32_t count = instance->module->global_count;
    image->globals = iso_arena_array(&image->arena, count, sizeof *image->globals);
    image->refs = iso_arena_array(&image->arena, count, sizeof *image->refs);
    if (image->globals == NULL || image->refs == NULL) {
        return ISO_E_NOMEM;
    }
    iso_memory_copy(image->globals, instance->own_globals, count * sizeof *image->globals);
    for (uint32_t i = 0; i < count; i++) {
        struct iso_global *global = &image->globals[i];
        uint32_t number = 0;
        if (global->type == ISO_TYPE_EXTERNREF && global->value[0].ref != 0) {
            return iso_fail(report, ISO_E_REFUSED,
                            "global %lu holds an external reference: it means nothing outside "
                            "this instance",
                            (unsigned long)i);
        }
        if (global->type != ISO_TYPE_FUNCREF || global->value[0].ref == 0) {
            continue;
        }
        if (!ref_to_number(instance, global->value[0].ref, &number)) {
            return iso_fail(report, ISO_E_REFUSED,
                            "global %lu holds a function that is neither the module's nor "
                            "imported by it",
                            (unsigned long)i);
        }
        global->value[0].ref = 0;
        image->refs[image->ref_count++] = (struct iso_image_ref){.global = i, .ref = number};
    }
    return ISO_OK;
}

/* Bytes up to the last that is not zero. */
static size_t used_bytes(const uint8_t *bytes, size_t len)
{
    enum { CHUNK = 4096 };
    while (len >= CHUNK) {
        const uint8_t *chunk = bytes + len - CHUNK;
        /* Each byte equals the one before it. */
        if (chunk[0] != 0 || memcmp(chunk, chunk + 1, CHUNK - 1) != 0) {
            break;
        }
        len -= CHUNK;
    }
    while (len > 0 && bytes[len - 1] == 0) {
        len--;
    }
    return len;
}

static enum iso_err capture_memory(struct iso_image *image, const struct iso_memory *memory)
{
    const struct iso_platform *platform = &image->engine->platform;
    image->has_memory = true;
    image->memory_limits = memory->limits;
    image->memory_bytes = memory->size;
    size_t used = used_bytes(memory->base, (size_t)memory->size);
    if (used == 0) {
        return ISO_OK;
    }
    if (iso_vm_images_usable(image->engine)) {
        size_t page = iso_vm_page(image->engine);
        size_t rounded = (used + page - 1) / page * page;
        image->mapping = platform->image_create(platform->ctx, memory->base, rounded);
        if (image->mapping != NULL) {
            image->content_bytes = rounded;
            return ISO_OK;
        }
    }
    image->content = iso_arena_alloc(&image->arena, used);
    if (image->content == NULL) {
        return ISO_E_NOMEM;
    }
    memcpy(image->content, memory->base, used);
    image->content_bytes = used;
    return ISO_OK;
}

static enum iso_err capture(struct iso_image *image, const struct iso_instance *instance,
                            struct iso_report *report)
{
    const struct iso_module *module = instance->module;
    size_t data_bytes = (module->data_count + 7) / 8, elem_bytes = (module->elem_count + 7) / 8;
    image->tables = iso_arena_array(&image->arena, module->table_count, sizeof *image->tables);
    image->dropped_data = iso_arena_alloc(&image->arena, data_bytes);
    image->dropped_elem = iso_arena_alloc(&image->arena, elem_bytes);
    if (image->tables == NULL || image->dropped_data == NULL || image->dropped_elem == NULL) {
        return ISO_E_NOMEM;
    }
    iso_memory_copy(image->dropped_data, instance->dropped_data, data_bytes);
    iso_memory_copy(image->dropped_elem, instance->dropped_elem, elem_bytes);
    enum iso_err err = capture_globals(image, instance, report);
    for (uint32_t i = 0; err == ISO_OK && i < module->table_count; i++) {
        err = capture_table(image, instance, i, report);
    }
    if (err == ISO_OK && module->memory_count != 0) {
        err = capture_memory(image, instance->memories[0]);
    }
    return err;
}

enum iso_err iso_image_create(struct iso_instance *instance, struct iso_image **out,
                              struct iso_report *report)
{
    enum iso_err err = check_instance(instance, report);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_engine *engine = instance->store->engine;
    struct iso_image *image = iso_alloc_new(&engine->alloc, sizeof *image);
    if (image == NULL) {
        return ISO_E_NOMEM;
    }
    image->engine = engine;
    image->module = instance->module;
    atomic_init(&image->references, 1);
    iso_arena_init(&image->arena, &engine->alloc, 0, SIZE_MAX);
    err = capture(image, instance, report);
    if (err != ISO_OK) {
        iso_image_release(image);
        return err;
    }
    *out = image;
    return ISO_OK;
}

/* ---- Fresh instances ----------------------------------------------------------------------- */

static enum iso_err create_objects(struct iso_image *image, struct iso_instance *instance,
                                   struct iso_report *report)
{
    struct iso_store *store = instance->store;
    const struct iso_module *module = instance->module;
    for (uint32_t i = 0; i < module->table_count; i++) {
        /* The table may have grown: it starts with the size of then, under its own maximum. */
        struct iso_limits limits = module->tables[i].limits;
        limits.min = image->tables[i].size;
        enum iso_err err =
            iso_table_create(store, module->tables[i].type, &limits, &instance->tables[i], report);
        if (err != ISO_OK) {
            return err;
        }
        instance->tables[i]->limits = module->tables[i].limits;
    }
    if (image->has_memory) {
        return iso_memory_create_from_image(store, image, &instance->memories[0], report);
    }
    return ISO_OK;
}

static void fill(const struct iso_image *image, struct iso_instance *instance)
{
    const struct iso_module *module = instance->module;
    iso_memory_copy(instance->own_globals, image->globals,
                    module->global_count * sizeof *image->globals);
    for (uint32_t i = 0; i < module->global_count; i++) {
        instance->globals[i] = &instance->own_globals[i];
    }
    for (uint32_t i = 0; i < image->ref_count; i++) {
        instance->own_globals[image->refs[i].global].value[0].ref =
            number_to_ref(instance, image->refs[i].ref);
    }
    for (uint32_t i = 0; i < module->table_count; i++) {
        uint64_t *elems = instance->tables[i]->elems;
        for (uint32_t k = 0; k < image->tables[i].size; k++) {
            elems[k] = number_to_ref(instance, image->tables[i].refs[k]);
        }
    }
    iso_memory_copy(instance->dropped_data, image->dropped_data, (module->data_count + 7) / 8);
    iso_memory_copy(instance->dropped_elem, image->dropped_elem, (module->elem_count + 7) / 8);
}

/* The spare instance or a new one. What the spare holds of its former life is either still right
 * (its functions) or overwritten by linking and fill. */
static struct iso_instance *take_instance(struct iso_image *image, struct iso_store *store)
{
    struct iso_instance *instance =
        atomic_exchange_explicit(&image->spare, NULL, memory_order_acq_rel);
    if (instance != NULL) {
        instance->store = store;
    } else {
        instance = iso_instance_new(store, image->module);
    }
    if (instance != NULL) {
        instance->image = image;
        iso_image_retain(image);
    }
    return instance;
}

enum iso_err iso_image_instantiate(struct iso_image *image, struct iso_store *store,
                                   struct iso_instance **out, struct iso_report *report)
{
    if (store->engine != image->engine) {
        return iso_fail(report, ISO_E_ARGUMENT, "the image belongs to another engine");
    }
    enum iso_err err = iso_instance_reserve(store);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_instance *instance = take_instance(image, store);
    if (instance == NULL) {
        return ISO_E_NOMEM;
    }
    uint32_t table_count = store->table_count, memory_count = store->memory_count;
    err = iso_instance_link(instance, report);
    if (err == ISO_OK) {
        err = create_objects(image, instance, report);
    }
    if (err != ISO_OK) {
        iso_store_tables_trim(store, table_count);
        iso_store_memories_trim(store, memory_count);
        iso_instance_free(instance);
        return err;
    }
    fill(image, instance);
    iso_instance_publish(instance);
    *out = instance;
    return ISO_OK;
}

/* ---- Again --------------------------------------------------------------------------------- */

static bool is_as_large_as_then(const struct iso_image *image, const struct iso_instance *instance)
{
    const struct iso_module *module = instance->module;
    for (uint32_t i = 0; i < module->table_count; i++) {
        if (instance->tables[i]->size != image->tables[i].size) {
            return false;
        }
    }
    return !image->has_memory || instance->memories[0]->size == image->memory_bytes;
}

enum iso_err iso_image_reset(struct iso_image *image, struct iso_instance *instance)
{
    struct iso_store *store = instance->store;
    if (instance->image != image || check_instance(instance, NULL) != ISO_OK ||
        !is_as_large_as_then(image, instance)) {
        return ISO_E_REFUSED;
    }
    if (image->has_memory && image->memory_bytes != 0 &&
        !iso_memory_reset(instance->memories[0], image)) {
        return ISO_E_NOMEM;
    }
    fill(image, instance);
    store->state = ISO_RUN_IDLE;
    store->last_trap.kind = ISO_TRAP_NONE;
    return ISO_OK;
}
