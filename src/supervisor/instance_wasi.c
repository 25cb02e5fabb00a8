/* instance_wasi.c - the world of a module that imports WASI, and commands: programs that are called
 * with arguments, environment and standard input. */
#include "supervisor/core_state.h"

/* ---- Standard output, line by line ----------------------------------------------------------- */

static void flush(struct iso_sv_line *line)
{
    if (line->len != 0) {
        iso_sv_component_log(line->instance->component, line->level, false,
                             iso_str_from(line->text, line->len));
        line->len = 0;
    }
}

static enum iso_wasi_io write_lines(void *ctx, const void *bytes, size_t len, size_t *done)
{
    struct iso_sv_line *line = ctx;
    const char *text = bytes;
    const struct iso_alloc *alloc = &line->instance->component->core->alloc;
    *done = len;
    if (line->text == NULL) {
        line->text = iso_alloc_resize(alloc, NULL, 0, ISO_SV_LOG_LINE_BYTES);
        if (line->text == NULL) {
            return ISO_WASI_IO_OK; /* output of a program is not worth its end */
        }
    }
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        size_t part = end != NULL ? (size_t)(end - text) : len;
        size_t room = ISO_SV_LOG_LINE_BYTES - line->len;
        size_t fits = part < room ? part : room;
        memcpy(line->text + line->len, text, fits);
        line->len += (uint32_t)fits;
        if (end != NULL && fits == part) {
            flush(line);
            part++;
        } else {
            part = fits;
            if (line->len == ISO_SV_LOG_LINE_BYTES) {
                flush(line);
            }
        }
        text += part;
        len -= part;
    }
    return ISO_WASI_IO_OK;
}

/* ---- Strings --------------------------------------------------------------------------------- */

/* Programs get zero-terminated texts: what is behind a zero byte would be lost. */
static enum iso_err add_text(struct iso_arena *arena, struct iso_str text, const char **out,
                             const char *what, uint32_t index, struct iso_report *report)
{
    if (text.len != 0 && memchr(text.ptr, 0, text.len) != NULL) {
        return iso_fail(report, ISO_E_ARGUMENT, "%s[%u]: expected a string without zero bytes",
                        what, (unsigned)index);
    }
    *out = iso_arena_copy_str(arena, text);
    return *out != NULL ? ISO_OK : ISO_E_NOMEM;
}

static enum iso_err add_pair(struct iso_arena *arena, struct iso_str key, struct iso_str value,
                             const char **out, uint32_t index, struct iso_report *report)
{
    if (key.len == 0 || memchr(key.ptr, '=', key.len) != NULL ||
        memchr(key.ptr, 0, key.len) != NULL ||
        (value.len != 0 && memchr(value.ptr, 0, value.len) != NULL)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "env[%u]: expected a name without '=', and a value, without zero bytes",
                        (unsigned)index);
    }
    char *text = iso_arena_alloc(arena, key.len + value.len + 2);
    if (text == NULL) {
        return ISO_E_NOMEM;
    }
    memcpy(text, key.ptr, key.len);
    text[key.len] = '=';
    iso_memory_copy(text + key.len + 1, value.ptr, value.len);
    *out = text;
    return ISO_OK;
}

struct strings {
    const char **items;
    size_t count;
};

static enum iso_err make_args(const struct iso_sv_component *component,
                              const struct iso_value *given, struct iso_arena *arena,
                              struct strings *out, struct iso_report *report)
{
    uint32_t extra = given != NULL ? given->list.count : 0;
    size_t own = component->def.arg_count;
    enum iso_err err = ISO_OK;
    out->items = iso_arena_array(arena, 1 + own + extra, sizeof *out->items);
    if (out->items == NULL) {
        return ISO_E_NOMEM;
    }
    out->items[out->count++] = component->name.ptr;
    for (size_t i = 0; i < own && err == ISO_OK; i++) {
        err = add_text(arena, component->def.args[i], &out->items[out->count++], "args",
                       (uint32_t)i, report);
    }
    for (uint32_t i = 0; i < extra && err == ISO_OK; i++) {
        err = add_text(arena, given->list.items[i].string, &out->items[out->count++], "args", i,
                       report);
    }
    return err;
}

static enum iso_err make_env(const struct iso_sv_component *component,
                             const struct iso_value *given, struct iso_arena *arena,
                             struct strings *out, struct iso_report *report)
{
    uint32_t extra = given != NULL ? given->list.count : 0;
    size_t own = component->def.env_count;
    enum iso_err err = ISO_OK;
    out->items = iso_arena_array(arena, own + extra, sizeof *out->items);
    if (out->items == NULL) {
        return ISO_E_NOMEM;
    }
    for (size_t i = 0; i < own && err == ISO_OK; i++) {
        const struct iso_sv_pair *pair = &component->def.env[i];
        err =
            add_pair(arena, pair->key, pair->value, &out->items[out->count++], (uint32_t)i, report);
    }
    for (uint32_t i = 0; i < extra && err == ISO_OK; i++) {
        const struct iso_value *pair = given->list.items[i].list.items;
        err = add_pair(arena, pair[0].string, pair[1].string, &out->items[out->count++], i, report);
    }
    return err;
}

static struct iso_wasi_preopen *make_dirs(const struct iso_sv_component *component,
                                          struct iso_arena *arena)
{
    size_t count = component->def.dir_count;
    struct iso_wasi_preopen *dirs = iso_arena_array(arena, count, sizeof *dirs);
    for (size_t i = 0; i < count && dirs != NULL; i++) {
        dirs[i] = (struct iso_wasi_preopen){.guest_path = component->def.dirs[i].guest_path.ptr,
                                            .host_path = component->def.dirs[i].host_path.ptr,
                                            .read_only = !component->def.dirs[i].writable};
    }
    return dirs;
}

/* ---- Making ---------------------------------------------------------------------------------- */

enum { PARAM_ARGS, PARAM_ENV, PARAM_STDIN };

static enum iso_err make_streams(struct iso_sv_instance *instance, struct iso_wasi_config *config)
{
    struct iso_sv_component *component = instance->component;
    const struct iso_alloc *alloc = &component->core->alloc;
    if (!component->program->is_command) {
        for (int i = 0; i < 2; i++) {
            instance->lines[i].instance = instance;
            instance->lines[i].level = i == 0 ? ISO_LOG_INFO : ISO_LOG_WARNING;
            config->stdio[i + 1] = (struct iso_wasi_stream){
                .kind = ISO_WASI_STREAM_CALLBACK, .write = write_lines, .ctx = &instance->lines[i]};
        }
        return ISO_OK;
    }
    instance->io = iso_alloc_new(alloc, sizeof *instance->io);
    if (instance->io == NULL) {
        return ISO_E_NOMEM;
    }
    for (int i = 0; i < 2; i++) {
        iso_buf_init(&instance->io->outputs[i], alloc, (size_t)component->limits.result_bytes);
        config->stdio[i + 1] = (struct iso_wasi_stream){.kind = ISO_WASI_STREAM_BUFFER,
                                                        .output = &instance->io->outputs[i]};
    }
    config->stdio[0] = (struct iso_wasi_stream){
        .kind = ISO_WASI_STREAM_BUFFER, .input = instance->call->state->args[PARAM_STDIN].bytes};
    return ISO_OK;
}

enum iso_err iso_sv_wasi_make(struct iso_sv_instance *instance, struct iso_report *report)
{
    struct iso_sv_component *component = instance->component;
    const struct iso_alloc *alloc = &component->core->alloc;
    const struct iso_value *given =
        component->program->is_command ? instance->call->state->args : NULL;
    struct strings args = {.count = 0}, env = {.count = 0};
    struct iso_arena arena;
    iso_arena_init(&arena, alloc, 1024, SIZE_MAX);
    struct iso_wasi_preopen *dirs = make_dirs(component, &arena);
    enum iso_err err = dirs != NULL ? ISO_OK : ISO_E_NOMEM;
    if (err == ISO_OK) {
        err =
            make_args(component, given != NULL ? &given[PARAM_ARGS] : NULL, &arena, &args, report);
    }
    if (err == ISO_OK) {
        err = make_env(component, given != NULL ? &given[PARAM_ENV] : NULL, &arena, &env, report);
    }
    struct iso_wasi_config config = {.args = args.items,
                                     .arg_count = args.count,
                                     .env = env.items,
                                     .env_count = env.count,
                                     .preopens = dirs,
                                     .preopen_count = component->def.dir_count,
                                     .max_open = 3 + (uint32_t)component->def.dir_count +
                                                 component->limits.files};
    if (err == ISO_OK) {
        err = make_streams(instance, &config);
    }
    if (err == ISO_OK) {
        err = iso_wasi_create(alloc, &config, &instance->wasi, report);
    }
    iso_arena_fini(&arena);
    return err;
}

void iso_sv_wasi_free(struct iso_sv_instance *instance)
{
    const struct iso_alloc *alloc = &instance->component->core->alloc;
    iso_wasi_destroy(instance->wasi);
    instance->wasi = NULL;
    for (int i = 0; i < 2; i++) {
        if (instance->lines[i].text != NULL) {
            flush(&instance->lines[i]);
            iso_alloc_free(alloc, instance->lines[i].text, ISO_SV_LOG_LINE_BYTES);
            instance->lines[i].text = NULL;
        }
    }
    if (instance->io != NULL) {
        iso_buf_fini(&instance->io->outputs[0]);
        iso_buf_fini(&instance->io->outputs[1]);
        iso_alloc_free(alloc, instance->io, sizeof *instance->io);
        instance->io = NULL;
    }
}

/* record { stdout, stderr: list<u8>, status: u32 } */
enum iso_err iso_sv_command_result(struct iso_sv_instance *instance, uint32_t status)
{
    struct iso_sv_call_state *state = instance->call->state;
    struct iso_value *fields = iso_arena_array(&state->arena, 3, sizeof *fields);
    if (fields == NULL) {
        return ISO_E_NOMEM;
    }
    if (instance->io != NULL) {
        fields[0].bytes = iso_buf_view(&instance->io->outputs[0]);
        fields[1].bytes = iso_buf_view(&instance->io->outputs[1]);
    }
    fields[2].u = status;
    state->result.list.items = fields;
    state->result.list.count = 3;
    return ISO_OK;
}
