/*
 * code.c - the code of functions: made at the first need, kept, and, where there is a limit on code
 * memory, thrown away and made again ("Code is a cache" in docs/internals/engine.md).
 *
 * Without a limit the module's table is everybody's, and what is in it stays. With one:
 *
 *   - An instance has a table of its own, which only the thread that has its store touches. The
 *     interpreter calls what it finds there. Each code counts the instances that hold it so.
 *   - Code that no instance holds stays in the module's table for the next one that needs it, and
 *     in the engine's list; when memory is short, the oldest of the list goes.
 *   - A store that is short of memory lets go of all but the functions that its frames are in.
 *
 * So nothing is ever taken from another thread, and what runs or stands still keeps its code.
 */
#include "engine/code.h"
#include "engine/run.h"
#include "engine/sort.h"
#include "engine/translate.h"

static struct iso_code *code_of(const struct iso_module *module, uint32_t func_index)
{
    return atomic_load_explicit(&module->code[func_index], memory_order_acquire);
}

static bool is_limited(const struct iso_engine *engine)
{
    return engine->code_max_bytes != 0;
}

/* ---- Making and freeing; all under the lock ------------------------------------------------- */

static void list_remove(struct iso_engine *engine, struct iso_code *code)
{
    *(code->older != NULL ? &code->older->newer : &engine->code_oldest) = code->newer;
    *(code->newer != NULL ? &code->newer->older : &engine->code_newest) = code->older;
    code->older = NULL;
    code->newer = NULL;
}

static void list_append(struct iso_engine *engine, struct iso_code *code)
{
    code->older = engine->code_newest;
    *(code->older != NULL ? &code->older->newer : &engine->code_oldest) = code;
    engine->code_newest = code;
}

/* Put what was translated into the module's table; NULL when memory is short. Nobody holds it. */
static struct iso_code *publish(const struct iso_translator *t)
{
    struct iso_module *module = t->module;
    struct iso_engine *engine = module->engine;
    size_t size = iso_tr_code_bytes(t);
    if (size > UINT32_MAX) {
        return NULL;
    }
    struct iso_code *code = iso_alloc_resize(&engine->alloc, NULL, 0, size);
    if (code == NULL) {
        return NULL;
    }
    iso_tr_code_fill(t, code);
    module->code_bytes += size;
    module->code_count++;
    module->code_changed = true;
    engine->code_bytes += size;
    list_append(engine, code);
    atomic_store_explicit(&module->code[t->func_index], code, memory_order_release);
    return code;
}

static void destroy(struct iso_code *code)
{
    struct iso_module *module = code->module;
    struct iso_engine *engine = module->engine;
    ISO_ASSERT(code->holders == 0);
    list_remove(engine, code);
    atomic_store_explicit(&module->code[code->func_index], NULL, memory_order_relaxed);
    module->code_bytes -= code->alloc_bytes;
    module->code_count--;
    module->code_changed = true;
    engine->code_bytes -= code->alloc_bytes;
    iso_alloc_free(&engine->alloc, code, code->alloc_bytes);
}

/* Free what nobody holds, the oldest first, until `size` more bytes are within the limit. */
static bool make_room(struct iso_engine *engine, uint64_t size)
{
    while (engine->code_bytes + size > engine->code_max_bytes && engine->code_oldest != NULL) {
        destroy(engine->code_oldest);
    }
    return engine->code_bytes + size <= engine->code_max_bytes;
}

void iso_code_free(struct iso_module *module)
{
    struct iso_engine *engine = module->engine;
    iso_engine_lock(engine);
    for (uint32_t i = 0; module->code != NULL && i < module->func_count; i++) {
        struct iso_code *code = code_of(module, i);
        if (code != NULL) {
            destroy(code);
        }
    }
    iso_engine_unlock(engine);
    iso_alloc_free(&engine->alloc, module->code_by_address,
                   module->code_sorted * sizeof *module->code_by_address);
}

/* ---- Holding and letting go; under the lock -------------------------------------------------- */

static void hold(struct iso_instance *instance, struct iso_code *code)
{
    if (code->holders++ == 0) {
        list_remove(instance->module->engine, code);
    }
    instance->store->code_held += code->alloc_bytes;
    atomic_store_explicit(&instance->code[code->func_index], code, memory_order_release);
}

static void let_go(struct iso_instance *instance, struct iso_code *code)
{
    atomic_store_explicit(&instance->code[code->func_index], NULL, memory_order_relaxed);
    instance->store->code_held -= code->alloc_bytes;
    if (--code->holders == 0) {
        list_append(instance->module->engine, code);
    }
}

/* Let go of everything whose bit in code_live is not set, and clear those bits. */
static void let_go_unmarked(struct iso_instance *instance)
{
    const struct iso_module *module = instance->module;
    for (uint32_t i = module->func_import_count; i < module->func_count; i++) {
        struct iso_code *code = atomic_load_explicit(&instance->code[i], memory_order_relaxed);
        if (code != NULL && (instance->code_live[i / 8] >> i % 8 & 1u) == 0) {
            let_go(instance, code);
        }
    }
    memset(instance->code_live, 0, (module->func_count + 7) / 8);
}

void iso_code_forget(struct iso_instance *instance)
{
    struct iso_engine *engine = instance->module->engine;
    if (is_limited(engine)) {
        iso_engine_lock(engine);
        let_go_unmarked(instance);
        iso_engine_unlock(engine);
    }
}

/* ---- What a store needs: the functions that its frames are in ---------------------------------
 */

static void mark_frames(struct iso_frame *frame)
{
    do {
        uint32_t i = frame->code->func_index;
        frame->instance->code_live[i / 8] |= (uint8_t)(1u << i % 8);
    } while (iso_frame_next(frame));
}

/* Let go of all but that. Without the lock. */
static void trim(struct iso_store *store)
{
    if (store->code_kept) {
        return;
    }
    struct iso_frame frame;
    if (iso_frame_top(store, &frame)) {
        mark_frames(&frame);
    }
    for (const struct iso_outer *outer = store->outer; outer != NULL; outer = outer->next) {
        if (iso_frame_outer(store, outer, &frame)) {
            mark_frames(&frame);
        }
    }
    iso_engine_lock(store->engine);
    for (uint32_t i = 0; i < store->instance_count; i++) {
        let_go_unmarked(store->instances[i]);
    }
    (void)make_room(store->engine, 0);
    iso_engine_unlock(store->engine);
}

void iso_code_rest(struct iso_store *store, bool stops)
{
    struct iso_engine *engine = store->engine;
    iso_engine_lock(engine);
    bool is_wanted = store->code_wanted != engine->code_wanted;
    /* All that stand still hold no more than half, so that one that runs has room. */
    bool is_short =
        stops && engine->store_count > 1 && engine->code_bytes > engine->code_max_bytes / 2;
    store->code_wanted = engine->code_wanted;
    iso_engine_unlock(engine);
    if (is_wanted || is_short) {
        trim(store);
    }
}

/* ---- Getting code ---------------------------------------------------------------------------- */

static enum iso_err get_unlimited(struct iso_module *module, uint32_t func_index,
                                  struct iso_code **out)
{
    iso_engine_lock(module->engine);
    struct iso_code *code = code_of(module, func_index);
    enum iso_err err = ISO_OK;
    if (code == NULL) {
        struct iso_translator t = {0};
        err = iso_tr_run(&t, module, func_index);
        if (err == ISO_OK) {
            code = publish(&t);
            err = code == NULL ? ISO_E_NOMEM : ISO_OK;
        }
        iso_tr_fini(&t);
    }
    iso_engine_unlock(module->engine);
    if (err == ISO_OK) {
        *out = code;
    }
    return err;
}

/* The module has it already: hold it. */
static struct iso_code *take_made(struct iso_instance *instance, uint32_t func_index)
{
    iso_engine_lock(instance->module->engine);
    struct iso_code *code = code_of(instance->module, func_index);
    if (code != NULL) {
        hold(instance, code);
    }
    iso_engine_unlock(instance->module->engine);
    return code;
}

/* What instances of the store hold, once where several of one module do. Under the lock. */
static uint64_t count_held(const struct iso_store *store)
{
    uint64_t bytes = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < store->instance_count; i++) {
            const struct iso_instance *instance = store->instances[i];
            const struct iso_module *module = instance->module;
            for (uint32_t k = module->func_import_count; k < module->func_count; k++) {
                struct iso_code *code =
                    atomic_load_explicit(&instance->code[k], memory_order_relaxed);
                if (code != NULL) {
                    bytes += pass == 0 && !code->is_counted ? code->alloc_bytes : 0;
                    code->is_counted = pass == 0;
                }
            }
        }
    }
    return bytes;
}

static enum iso_err fail_limit(struct iso_store *store, uint32_t func_index, uint64_t size,
                               uint64_t held)
{
    /* The frames of a trap in a run are recorded at its end. */
    struct iso_trap *trap = iso_trap_begin(store, ISO_TRAP_CODE);
    (void)iso_format(trap->message, sizeof trap->message,
                     "%s: function %lu takes %llu bytes, those that call it %llu, and the limit is "
                     "%llu",
                     iso_trap_text(ISO_TRAP_CODE), (unsigned long)func_index,
                     (unsigned long long)size, (unsigned long long)held,
                     (unsigned long long)store->engine->code_max_bytes);
    return ISO_E_LIMIT;
}

/* Under the lock; after what the store can do without has been let go. */
static enum iso_err add(struct iso_instance *instance, const struct iso_translator *t,
                        struct iso_code **out)
{
    struct iso_store *store = instance->store;
    struct iso_engine *engine = store->engine;
    struct iso_code *code = code_of(instance->module, t->func_index);
    if (code == NULL) { /* nor has another thread made it in the meantime */
        uint64_t size = iso_tr_code_bytes(t);
        if (!make_room(engine, size)) {
            uint64_t held = count_held(store);
            if (held + size > engine->code_max_bytes) {
                return fail_limit(store, t->func_index, size, held);
            }
            engine->code_wanted++; /* others hold it */
        }
        code = publish(t);
    }
    if (code == NULL) {
        return ISO_E_NOMEM;
    }
    hold(instance, code);
    *out = code;
    return ISO_OK;
}

static enum iso_err get_limited(struct iso_instance *instance, uint32_t func_index,
                                struct iso_code **out)
{
    struct iso_engine *engine = instance->module->engine;
    struct iso_code *code = take_made(instance, func_index);
    if (code != NULL) {
        *out = code;
        return ISO_OK;
    }
    struct iso_translator t = {0};
    enum iso_err err = iso_tr_run(&t, instance->module, func_index);
    if (err == ISO_OK) {
        iso_engine_lock(engine);
        bool fits = make_room(engine, iso_tr_code_bytes(&t));
        iso_engine_unlock(engine);
        if (!fits) {
            trim(instance->store);
        }
        iso_engine_lock(engine);
        err = add(instance, &t, out);
        iso_engine_unlock(engine);
    }
    iso_tr_fini(&t);
    return err;
}

enum iso_err iso_code_get(struct iso_instance *instance, uint32_t func_index, struct iso_code **out)
{
    struct iso_code *code = atomic_load_explicit(&instance->code[func_index], memory_order_acquire);
    if (code != NULL) {
        *out = code;
        return ISO_OK;
    }
    if (is_limited(instance->module->engine)) {
        return get_limited(instance, func_index, out);
    }
    return get_unlimited(instance->module, func_index, out);
}

enum iso_err iso_module_translate(struct iso_module *module, uint64_t *bytes_out,
                                  struct iso_report *report)
{
    uint32_t end = is_limited(module->engine) ? 0 : module->func_count;
    for (uint32_t i = module->func_import_count; i < end; i++) {
        struct iso_code *code;
        enum iso_err err = get_unlimited(module, i, &code);
        if (err != ISO_OK) {
            return iso_fail(report, err, "not enough memory to translate function %lu",
                            (unsigned long)i);
        }
    }
    if (bytes_out != NULL) {
        iso_engine_lock(module->engine);
        *bytes_out = module->code_bytes;
        iso_engine_unlock(module->engine);
    }
    return ISO_OK;
}

uint64_t iso_engine_code_bytes(struct iso_engine *engine)
{
    iso_engine_lock(engine);
    uint64_t bytes = engine->code_bytes;
    iso_engine_unlock(engine);
    return bytes;
}

/* ---- Which code contains a cell -------------------------------------------------------------- */

static bool contains(const struct iso_code *code, const struct iso_cell *pc)
{
    return (uintptr_t)pc >= (uintptr_t)code->cells &&
           (uintptr_t)pc < (uintptr_t)(code->cells + code->cell_count);
}

static int by_address(const void *ctx, uint32_t a, uint32_t b)
{
    uintptr_t x = (uintptr_t)code_of(ctx, a);
    uintptr_t y = (uintptr_t)code_of(ctx, b);
    return x < y ? -1 : x > y;
}

/* Bring the index up to date; false when memory is short. */
static bool sort_code(struct iso_module *module)
{
    if (!module->code_changed) {
        return true;
    }
    if (module->code_count == 0) {
        return false;
    }
    uint32_t *index =
        iso_alloc_resize(&module->engine->alloc, module->code_by_address,
                         module->code_sorted * sizeof *index, module->code_count * sizeof *index);
    if (index == NULL) {
        return false;
    }
    uint32_t n = 0;
    for (uint32_t i = module->func_import_count; i < module->func_count; i++) {
        if (code_of(module, i) != NULL) {
            index[n++] = i;
        }
    }
    module->code_by_address = index;
    module->code_sorted = module->code_count;
    module->code_changed = false;
    iso_sort_u32(index, n, by_address, module);
    return true;
}

static struct iso_code *search_index(const struct iso_module *module, const struct iso_cell *pc)
{
    uint32_t low = 0;
    uint32_t high = module->code_sorted;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct iso_code *code = code_of(module, module->code_by_address[middle]);
        if (contains(code, pc)) {
            return code;
        }
        if ((uintptr_t)pc < (uintptr_t)code) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

/* Without the index. */
static struct iso_code *search_all(const struct iso_module *module, const struct iso_cell *pc)
{
    for (uint32_t i = module->func_import_count; i < module->func_count; i++) {
        struct iso_code *code = code_of(module, i);
        if (code != NULL && contains(code, pc)) {
            return code;
        }
    }
    return NULL;
}

struct iso_code *iso_code_find(struct iso_module *module, const struct iso_cell *pc)
{
    iso_engine_lock(module->engine);
    struct iso_code *found = sort_code(module) ? search_index(module, pc) : search_all(module, pc);
    iso_engine_unlock(module->engine);
    return found;
}
