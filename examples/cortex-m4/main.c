/*
 * main.c - the engine on a microcontroller: no operating system, no C library.
 *
 *     run MODULE N              calls the export `run` (i32 -> i64) with N
 *     save MODULE N FUEL FILE   the same, stops after FUEL, and writes a snapshot to FILE
 *     resume MODULE FILE        continues a snapshot, whoever wrote it
 *
 * MODULE is one that is in flash (fib, crc32, sha256, nbody, page), or a file on the side of the
 * debugger (ends in .wasm). Options before the command: --heap BYTES, how much RAM the engine gets
 * at most; --stack BYTES, the value stack. Without a command it runs what is in flash.
 */
#include "board.h"
#include "cli_section.h"
#include "engine/engine.h"

/* Made by iso_embed of CMakeLists.txt. */
#define MODULE(name)                                                                               \
    extern const unsigned char flash_##name[];                                                     \
    extern const size_t flash_##name##_len;
MODULE(fib)
MODULE(crc32)
MODULE(sha256)
MODULE(nbody)
MODULE(page)
#undef MODULE

static const struct {
    const char *name;
    const unsigned char *bytes;
    const size_t *len;
    uint32_t n; /* without a command */
} in_flash[] = {
    {"fib", flash_fib, &flash_fib_len, 22},         {"crc32", flash_crc32, &flash_crc32_len, 4},
    {"sha256", flash_sha256, &flash_sha256_len, 8}, {"nbody", flash_nbody, &flash_nbody_len, 500},
    {"page", flash_page, &flash_page_len, 22}, /* fib, with a memory of one page */
};

enum { WORDS_MAX = 16, DEFAULT_STACK_BYTES = 16 << 10 };

struct machine {
    struct iso_heap heap;
    struct iso_engine *engine;
    struct iso_module *module;
    struct iso_store *store;
    struct iso_instance *instance;
    uint8_t *file; /* a module that is not in flash */
    size_t file_len;
    uint32_t stack_bytes;
    struct iso_report report;
};

static int fail(struct machine *m, const char *what, enum iso_err err)
{
    board_print("%s: %s\n", what, iso_report_text(&m->report, err));
    return 1;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

static bool parse_number(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || value > (UINT64_MAX - 9) / 10) {
            return false;
        }
        value = value * 10 + (uint64_t)(*p - '0');
    }
    *out = value;
    return *text != '\0';
}

/* ---- Beginning and ending ------------------------------------------------------------------- */

static enum iso_err load(struct machine *m, const char *name)
{
    for (size_t i = 0; i < ISO_COUNT_OF(in_flash); i++) {
        if (iso_str_equal_z(iso_str_from_z(name), in_flash[i].name)) {
            return iso_module_create(m->engine, in_flash[i].bytes, *in_flash[i].len, &m->module,
                                     &m->report);
        }
    }
    if (!ends_with(name, ".wasm")) {
        return iso_fail(&m->report, ISO_E_NOT_FOUND,
                        "'%s' is not in flash, nor the name of a file that ends in .wasm", name);
    }
    enum iso_err err = board_file_read(name, &m->heap.alloc, &m->file, &m->file_len);
    return err == ISO_OK
               ? iso_module_create(m->engine, m->file, m->file_len, &m->module, &m->report)
               : err;
}

static enum iso_err open_machine(struct machine *m, const char *name)
{
    struct iso_engine_config config = {.alloc = &m->heap.alloc};
    struct iso_store_config limits = {.stack_max_bytes = m->stack_bytes};
    iso_report_init(&m->report);
    m->heap.peak_bytes = m->heap.used_bytes;
    enum iso_err err = iso_engine_create(&config, &m->engine);
    if (err == ISO_OK) {
        err = load(m, name);
    }
    return err == ISO_OK ? iso_store_create(m->engine, &limits, &m->store) : err;
}

/* Everything goes, and the heap must be as it was. */
static int close_machine(struct machine *m, int status)
{
    iso_store_destroy(m->store);
    iso_module_destroy(m->module);
    iso_engine_destroy(m->engine);
    iso_alloc_free(&m->heap.alloc, m->file, m->file_len);
    m->store = NULL;
    m->module = NULL;
    m->engine = NULL;
    m->file = NULL;
    if (m->heap.used_bytes != 0 || iso_heap_largest(&m->heap) != m->heap.size_bytes) {
        board_print("%zu bytes of the heap were not given back\n", m->heap.used_bytes);
        return 1;
    }
    return status;
}

/* ---- Running -------------------------------------------------------------------------------- */

static int begin(struct machine *m, const char *name, uint32_t n)
{
    enum iso_err err = open_machine(m, name);
    if (err == ISO_OK) {
        err = iso_instance_create(m->store, m->module, &m->instance, &m->report);
    }
    struct iso_func *func = err == ISO_OK ? iso_instance_export_func(m->instance, "run") : NULL;
    if (err == ISO_OK && func == NULL) {
        err = iso_fail(&m->report, ISO_E_NOT_FOUND, "it exports no function 'run'");
    }
    if (err == ISO_OK &&
        (iso_func_type(func)->param_slots != 1 || iso_func_type(func)->result_slots != 1)) {
        err = iso_fail(&m->report, ISO_E_UNSUPPORTED, "'run' is not of type i32 -> i64");
    }
    if (err == ISO_OK) {
        union iso_slot args[1] = {{.u32 = n}};
        err = iso_start(m->store, func, args);
    }
    return err == ISO_OK ? 0 : fail(m, name, err);
}

static int finish(struct machine *m, const char *name)
{
    enum iso_run_state state = iso_run(m->store);
    if (state != ISO_RUN_DONE) {
        board_print("%s: %s\n", name,
                    state == ISO_RUN_TRAPPED ? iso_store_trap(m->store)->message
                                             : "stopped before its end");
        return 1;
    }
    board_print("%s %016llx fuel %llu heap %zu stack %zu\n", name,
                (unsigned long long)iso_results(m->store)[0].u64,
                (unsigned long long)iso_store_fuel_used(m->store), m->heap.peak_bytes,
                board_stack_peak());
    return 0;
}

static int run(struct machine *m, const char *name, uint32_t n)
{
    int status = begin(m, name, n);
    return close_machine(m, status == 0 ? finish(m, name) : status);
}

static int save(struct machine *m, const char *name, uint32_t n, uint64_t fuel, const char *path)
{
    char argument[16];
    (void)iso_format(argument, sizeof argument, "%lu", (unsigned long)n);
    struct cli_section call = {.function = "run", .argument = argument};
    const struct iso_snapshot_section cli = cli_section(&call);
    struct iso_buf snapshot;
    iso_buf_init(&snapshot, &m->heap.alloc, SIZE_MAX);
    int status = begin(m, name, n);
    if (status == 0) {
        iso_store_set_fuel(m->store, fuel);
        enum iso_err err = ISO_E_STATE;
        if (iso_run(m->store) == ISO_RUN_OUT_OF_FUEL) {
            err = iso_snapshot_save(m->store, &cli, 1, &snapshot, &m->report);
        }
        if (err == ISO_OK) {
            err = board_file_write(path, iso_buf_view(&snapshot));
        }
        status = err == ISO_OK ? 0 : fail(m, "no snapshot", err);
        if (status == 0) {
            board_print("%s stopped at fuel %llu, snapshot of %zu bytes, heap %zu stack %zu\n",
                        name, (unsigned long long)iso_store_fuel_used(m->store), snapshot.len,
                        m->heap.peak_bytes, board_stack_peak());
        }
    }
    iso_buf_fini(&snapshot);
    return close_machine(m, status);
}

static int resume(struct machine *m, const char *name, const char *path)
{
    const struct iso_snapshot_section cli = cli_section(NULL);
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum iso_err err = open_machine(m, name);
    if (err == ISO_OK) {
        err = board_file_read(path, &m->heap.alloc, &bytes, &len);
    }
    if (err == ISO_OK) {
        err = iso_snapshot_restore(m->store, iso_bytes_from(bytes, len), &m->module, 1, &cli, 1,
                                   &m->instance, 1, &m->report);
    }
    iso_alloc_free(&m->heap.alloc, bytes, len);
    int status = err == ISO_OK ? 0 : fail(m, path, err);
    if (status == 0) {
        iso_store_set_fuel(m->store, ISO_FUEL_UNLIMITED);
        status = finish(m, name);
    }
    return close_machine(m, status);
}

/* ---- The command line ----------------------------------------------------------------------- */

static int usage(void)
{
    board_print("what to do: run MODULE N | save MODULE N FUEL FILE | resume MODULE FILE\n");
    return 64;
}

static int run_all(struct machine *m)
{
    int status = 0;
    for (size_t i = 0; i < ISO_COUNT_OF(in_flash) && status == 0; i++) {
        status = run(m, in_flash[i].name, in_flash[i].n);
    }
    return status;
}

static int obey(struct machine *m, char **words, size_t count)
{
    struct iso_str command = iso_str_from_z(count != 0 ? words[0] : "");
    uint64_t n = 0, fuel = 0;
    if (count == 0) {
        return run_all(m);
    }
    if (iso_str_equal_z(command, "resume") && count == 3) {
        return resume(m, words[1], words[2]);
    }
    if (count < 3 || !parse_number(words[2], &n) || n > UINT32_MAX) {
        return usage();
    }
    if (iso_str_equal_z(command, "run") && count == 3) {
        return run(m, words[1], (uint32_t)n);
    }
    if (iso_str_equal_z(command, "save") && count == 5 && parse_number(words[3], &fuel)) {
        return save(m, words[1], (uint32_t)n, fuel, words[4]);
    }
    return usage();
}

int main(void)
{
    static struct machine machine = {.stack_bytes = DEFAULT_STACK_BYTES};
    static char text[1024];
    char *words[WORDS_MAX];
    size_t size = 0, count = board_arguments(text, sizeof text, words, WORDS_MAX), at = 1;
    uint8_t *memory = board_heap(&size);
    for (uint64_t value; at + 1 < count && parse_number(words[at + 1], &value); at += 2) {
        if (iso_str_equal_z(iso_str_from_z(words[at]), "--heap")) {
            size = value < size ? (size_t)value : size;
        } else if (iso_str_equal_z(iso_str_from_z(words[at]), "--stack") && value <= UINT32_MAX) {
            machine.stack_bytes = (uint32_t)value;
        } else {
            break;
        }
    }
    iso_heap_init(&machine.heap, memory, size);
    return obey(&machine, words + at, count > at ? count - at : 0);
}
