/*
 * device_storage.c - the interface isomer:device/storage: jobs on the component's directory, one at
 * a time for the whole device.
 */
#include "supervisor/device_storage.h"

enum storage_kind { GET, SET, DELETE, LIST };

struct storage_job {
    struct iso_sv_job job;
    const struct iso_alloc *alloc;
    size_t size; /* of this block */
    enum storage_kind kind;
    uint64_t max;
    const char *path; /* behind the struct, as key and value */
    struct iso_bytes key;
    struct iso_bytes value;
    /* The result. */
    enum iso_err err;
    struct iso_report report;
    bool found;
    struct iso_buf got;
    struct iso_arena arena;
    struct iso_bytes *keys;
    size_t count;
    size_t damaged;
};

static void job_run(struct iso_sv_job *job)
{
    struct storage_job *work = (struct storage_job *)job;
    switch (work->kind) {
    case GET:
        work->err =
            iso_sv_store_get(work->path, work->key, &work->got, &work->found, &work->report);
        break;
    case SET:
        work->err = iso_sv_store_set(work->path, work->key, work->value, work->max, &work->report);
        break;
    case DELETE:
        work->err = iso_sv_store_delete(work->path, work->key, &work->report);
        break;
    case LIST:
        work->err = iso_sv_store_list(work->path, &work->arena, &work->keys, &work->count,
                                      &work->damaged, &work->report);
        break;
    }
}

static void job_destroy(struct iso_sv_job *job)
{
    struct storage_job *work = (struct storage_job *)job;
    iso_buf_fini(&work->got);
    iso_arena_fini(&work->arena);
    iso_alloc_free(work->alloc, work, work->size);
}

static uint8_t *put(uint8_t *at, struct iso_bytes *view)
{
    iso_memory_copy(at, view->ptr, view->len);
    view->ptr = at;
    return at + view->len;
}

static struct storage_job *job_new(const struct iso_alloc *alloc, const char *path,
                                   struct iso_bytes key, struct iso_bytes value)
{
    size_t path_size = strlen(path) + 1;
    size_t size = sizeof(struct storage_job) + path_size + key.len + value.len;
    struct storage_job *work = iso_alloc_resize(alloc, NULL, 0, size);
    if (work == NULL) {
        return NULL;
    }
    memset(work, 0, sizeof *work);
    struct iso_bytes text = iso_bytes_from(path, path_size);
    uint8_t *at = put((uint8_t *)(work + 1), &text);
    at = put(at, &key);
    (void)put(at, &value);
    work->job.run = job_run;
    work->job.destroy = job_destroy;
    work->alloc = alloc;
    work->size = size;
    work->path = (const char *)text.ptr;
    work->key = key;
    work->value = value;
    iso_report_init(&work->report);
    iso_buf_init(&work->got, alloc, SIZE_MAX);
    iso_arena_init(&work->arena, alloc, 0, SIZE_MAX);
    return work;
}

/* ---- Calls ------------------------------------------------------------------------------------
 */

static struct iso_bytes bytes_of(struct iso_str text)
{
    return iso_bytes_from(text.ptr, text.len);
}

static enum iso_host_result issue(struct iso_sv_devices *devices, struct iso_sv_guest *guest,
                                  const struct iso_sv_answer *answer, enum storage_kind kind,
                                  const struct iso_value *args)
{
    const char *path = iso_sv_guest_storage_path(guest);
    struct iso_bytes key = kind != LIST ? bytes_of(args[0].string) : iso_bytes_from(NULL, 0);
    struct iso_bytes value = kind == SET ? args[1].bytes : iso_bytes_from(NULL, 0);
    if (path == NULL) {
        return iso_sv_answer_problem(answer, ISO_SV_NOT_GRANTED, "storage");
    }
    if (key.len > ISO_SV_STORAGE_KEY_MAX) {
        return iso_sv_answer_problem(answer, ISO_SV_INVALID, "a key has at most %u bytes, not %zu",
                                     ISO_SV_STORAGE_KEY_MAX, key.len);
    }
    uint64_t max = iso_sv_guest_storage_max(guest);
    if (value.len > max) { /* before it is copied */
        return iso_sv_answer_problem(answer, ISO_SV_LIMIT_REACHED,
                                     "%llu bytes of storage: %zu are wanted",
                                     (unsigned long long)max, value.len);
    }
    struct storage_job *work = job_new(devices->alloc, path, key, value);
    if (work == NULL) {
        return iso_sv_answer_nomem(answer);
    }
    work->kind = kind;
    work->max = max;
    struct iso_sv_op *op = iso_sv_job_op_create(devices->alloc, &devices->storage_gate, &work->job);
    return op != NULL ? iso_sv_guest_wait(guest, op) : iso_sv_answer_nomem(answer);
}

static enum iso_host_result answer_error(const struct iso_sv_answer *answer,
                                         struct iso_sv_guest *guest, const struct storage_job *work)
{
    const char *text = iso_report_text(&work->report, work->err);
    if (work->err == ISO_E_MALFORMED) {
        iso_sv_guest_log(guest, ISO_LOG_ERROR, iso_str_from_z(text));
    }
    return iso_sv_answer_problem(
        answer, work->err == ISO_E_LIMIT ? ISO_SV_LIMIT_REACHED : ISO_SV_FAILED_DEVICE, "%s", text);
}

static enum iso_host_result answer_get(const struct iso_sv_answer *answer,
                                       const struct storage_job *work)
{
    struct iso_value *value = iso_arena_alloc(answer->arena, sizeof *value);
    uint8_t *bytes = iso_arena_alloc(answer->arena, work->got.len);
    if (value == NULL || bytes == NULL) {
        return iso_sv_answer_nomem(answer);
    }
    iso_memory_copy(bytes, work->got.ptr, work->got.len);
    value->bytes = iso_bytes_from(bytes, work->got.len);
    struct iso_value option = {
        .choice = {.index = work->found ? 1 : 0, .payload = work->found ? value : NULL}};
    return iso_sv_answer_ok(answer, &option);
}

static enum iso_host_result answer_list(const struct iso_sv_answer *answer,
                                        struct iso_sv_guest *guest, const struct storage_job *work)
{
    struct iso_value *items = iso_arena_array(answer->arena, work->count, sizeof *items);
    if (items == NULL) {
        return iso_sv_answer_nomem(answer);
    }
    uint32_t count = 0;
    for (size_t i = 0; i < work->count; i++) {
        struct iso_bytes key = work->keys[i];
        char *copy =
            iso_arena_copy_str(answer->arena, iso_str_from((const char *)key.ptr, key.len));
        if (copy == NULL) {
            return iso_sv_answer_nomem(answer);
        }
        if (iso_utf8_valid(copy, key.len)) { /* what else cannot have come from here */
            items[count++].string = iso_str_from(copy, key.len);
        }
    }
    if (work->damaged != 0) {
        char text[96];
        size_t len = iso_format(text, sizeof text, "storage has %zu damaged files", work->damaged);
        iso_sv_guest_log(guest, ISO_LOG_ERROR, iso_str_from(text, len));
    }
    struct iso_value list = {.list = {.items = items, .count = count}};
    return iso_sv_answer_ok(answer, &list);
}

static enum iso_host_result answer_job(const struct iso_sv_answer *answer,
                                       struct iso_sv_guest *guest, const struct storage_job *work)
{
    if (work->err != ISO_OK) {
        return answer_error(answer, guest, work);
    }
    switch (work->kind) {
    case GET:
        return answer_get(answer, work);
    case LIST:
        return answer_list(answer, guest, work);
    case SET:
    case DELETE:
        break;
    }
    return iso_sv_answer_ok(answer, NULL);
}

static enum iso_host_result call_job(void *ctx, struct iso_sv_guest *guest,
                                     const struct iso_sv_answer *answer, enum storage_kind kind,
                                     const struct iso_value *args)
{
    struct iso_sv_op *op = iso_sv_guest_op(guest);
    if (op == NULL) {
        return issue(ctx, guest, answer, kind, args);
    }
    enum iso_host_result answered =
        answer_job(answer, guest, (const struct storage_job *)iso_sv_op_job(op));
    iso_sv_guest_op_done(guest);
    return answered;
}

/* ---- The interface ----------------------------------------------------------------------------
 */

#define HOST_FUNCTION(name, kind)                                                                  \
    static enum iso_host_result name(void *ctx, struct iso_sv_guest *guest,                        \
                                     struct iso_host_call *call, const struct iso_value *args,     \
                                     struct iso_arena *arena, struct iso_value *result)            \
    {                                                                                              \
        struct iso_sv_answer answer = {.call = call, .arena = arena, .result = result};            \
        return call_job(ctx, guest, &answer, kind, args);                                          \
    }

HOST_FUNCTION(host_get, GET)
HOST_FUNCTION(host_set, SET)
HOST_FUNCTION(host_delete, DELETE)
HOST_FUNCTION(host_list, LIST)

static const struct iso_sv_host_func funcs[] = {{.name = "get", .fn = host_get},
                                                {.name = "set", .fn = host_set},
                                                {.name = "delete", .fn = host_delete},
                                                {.name = "list-keys", .fn = host_list}};

const struct iso_sv_host_interface iso_sv_storage_interface = {
    .name = "storage", .funcs = funcs, .func_count = ISO_COUNT_OF(funcs)};
