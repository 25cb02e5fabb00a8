/*
 * device_sensor.c - the interface isomer:device/sensor: hwmon, IIO and simulated sensors.
 *
 * The system is looked at when the devices are made and whenever a list is asked for. Reading a
 * file of sysfs may take as long as the conversion that it starts; it runs as a job.
 */
#include "supervisor/device_sensor.h"

#include "base/json_member.h"

#include <math.h>

struct iso_sv_sensors {
    uv_mutex_t lock; /* guards list, and values and amplitudes of the simulated ones */
    struct iso_sv_sensor_list *list;
    bool linux_sensors;
    struct iso_sv_sensor_def *simulated;
    size_t simulated_count;
};

static void list_unref(struct iso_sv_sensor_list *list)
{
    if (list == NULL || atomic_fetch_sub_explicit(&list->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    const struct iso_alloc *alloc = list->alloc;
    iso_arena_fini(&list->arena);
    iso_alloc_free(alloc, list->items, ISO_SV_SENSORS_MAX * sizeof *list->items);
    iso_alloc_free(alloc, list, sizeof *list);
}

static struct iso_sv_sensor_list *list_get(struct iso_sv_sensors *sensors)
{
    uv_mutex_lock(&sensors->lock);
    struct iso_sv_sensor_list *list = sensors->list;
    atomic_fetch_add_explicit(&list->refs, 1, memory_order_relaxed);
    uv_mutex_unlock(&sensors->lock);
    return list;
}

/* Look at the system. NULL when memory is short. */
static struct iso_sv_sensor_list *scan(const struct iso_sv_devices *devices)
{
    const struct iso_sv_sensors *sensors = devices->sensors;
    struct iso_sv_sensor_list *list = iso_alloc_new(devices->alloc, sizeof *list);
    if (list == NULL) {
        return NULL;
    }
    atomic_init(&list->refs, 1);
    list->alloc = devices->alloc;
    iso_arena_init(&list->arena, devices->alloc, 16384, 16u << 20);
    list->items = iso_alloc_array(devices->alloc, ISO_SV_SENSORS_MAX, sizeof *list->items);
    if (list->items == NULL) {
        list_unref(list);
        return NULL;
    }
    for (size_t i = 0; i < sensors->simulated_count; i++) {
        struct iso_sv_sensor *sensor = &list->items[list->count++];
        const struct iso_sv_sensor_def *def = &sensors->simulated[i];
        *sensor = (struct iso_sv_sensor){.unit = def->unit, .simulated = def};
        (void)iso_format(sensor->name, sizeof sensor->name, "%s", def->name);
    }
    if (sensors->linux_sensors) {
        iso_arena_init(&list->scratch, devices->alloc, 65536, 64u << 20);
        iso_sv_hwmon_scan(devices->sysfs, list);
        iso_sv_iio_scan(devices->sysfs, list);
        iso_arena_fini(&list->scratch);
    }
    return list;
}

/* ---- Values -----------------------------------------------------------------------------------
 */

static const struct iso_sv_sensor *find(const struct iso_sv_sensor_list *list, struct iso_str name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (iso_str_equal_z(name, list->items[i].name)) {
            return &list->items[i];
        }
    }
    return NULL;
}

/* What needs no file. */
static double computed(struct iso_sv_sensors *sensors, const struct iso_sv_sensor_def *def,
                       uint64_t time_ns)
{
    uv_mutex_lock(&sensors->lock);
    const double value = def->value;
    const double amplitude = def->amplitude;
    uv_mutex_unlock(&sensors->lock);
    if (def->kind != ISO_SV_SENSOR_SINE) {
        return value;
    }
    double turns = (double)time_ns / 1e9 / def->period_s;
    return value + amplitude * sin(6.283185307179586 * (turns - floor(turns)));
}

static bool needs_file(const struct iso_sv_sensor *sensor)
{
    return sensor->simulated == NULL || sensor->simulated->kind == ISO_SV_SENSOR_FILE;
}

static double measured(const struct iso_sv_sensor *sensor, struct iso_sv_trouble *trouble)
{
    double value = 0;
    double offset = 0;
    double scale = 1;
    if (sensor->simulated != NULL) {
        (void)iso_sv_sysfs_number(sensor->simulated->path, &value, trouble);
        return value;
    }
    if (!iso_sv_sysfs_number(sensor->path, &value, trouble) ||
        (sensor->offset_path != NULL &&
         !iso_sv_sysfs_number(sensor->offset_path, &offset, trouble)) ||
        (sensor->scale_path != NULL && !iso_sv_sysfs_number(sensor->scale_path, &scale, trouble))) {
        return 0;
    }
    return (value + offset) * scale * sensor->factor;
}

/* ---- Jobs -------------------------------------------------------------------------------------
 */

struct sensor_job {
    struct iso_sv_job job;
    struct iso_sv_devices *devices;
    struct iso_sv_sensor_list *list;    /* a reference; of a scan: the result */
    const struct iso_sv_sensor *sensor; /* in list; NULL: scan */
    double value;
    uint64_t time_ns;
    struct iso_sv_trouble trouble;
};

static void job_run(struct iso_sv_job *job)
{
    struct sensor_job *work = (struct sensor_job *)job;
    if (work->sensor != NULL) {
        work->value = measured(work->sensor, &work->trouble);
        work->time_ns = iso_sv_realtime_ns();
        return;
    }
    struct iso_sv_sensors *sensors = work->devices->sensors;
    work->list = scan(work->devices);
    if (work->list == NULL) {
        return;
    }
    atomic_fetch_add_explicit(&work->list->refs, 1, memory_order_relaxed);
    uv_mutex_lock(&sensors->lock);
    struct iso_sv_sensor_list *old = sensors->list;
    sensors->list = work->list;
    uv_mutex_unlock(&sensors->lock);
    list_unref(old);
}

static void job_destroy(struct iso_sv_job *job)
{
    struct sensor_job *work = (struct sensor_job *)job;
    list_unref(work->list);
    iso_alloc_free(work->devices->alloc, work, sizeof *work);
}

/* list: a reference, taken. */
static enum iso_host_result issue(struct iso_sv_devices *devices, struct iso_sv_guest *guest,
                                  const struct iso_sv_answer *answer,
                                  struct iso_sv_sensor_list *list,
                                  const struct iso_sv_sensor *sensor)
{
    struct sensor_job *work = iso_alloc_new(devices->alloc, sizeof *work);
    if (work == NULL) {
        list_unref(list);
        return iso_sv_answer_nomem(answer);
    }
    work->job.run = job_run;
    work->job.destroy = job_destroy;
    work->devices = devices;
    work->list = list;
    work->sensor = sensor;
    struct iso_sv_op *op = iso_sv_job_op_create(devices->alloc, &devices->sensor_gate, &work->job);
    return op != NULL ? iso_sv_guest_wait(guest, op) : iso_sv_answer_nomem(answer);
}

/* ---- Host functions ---------------------------------------------------------------------------
 */

/* Text of the list, which may go: into the arena. */
static struct iso_str keep(struct iso_arena *arena, const char *text)
{
    struct iso_str view = iso_str_from_z(text);
    view.ptr = iso_arena_copy_str(arena, view);
    return view;
}

static enum iso_host_result answer_reading(const struct iso_sv_answer *answer,
                                           const struct iso_sv_sensor *sensor, double value,
                                           uint64_t time_ns)
{
    struct iso_value *fields = iso_arena_array(answer->arena, 4, sizeof *fields);
    if (fields == NULL) {
        return iso_sv_answer_nomem(answer);
    }
    fields[0].string = keep(answer->arena, sensor->name);
    fields[1].string = keep(answer->arena, sensor->unit);
    fields[2].f64 = value;
    fields[3].u = time_ns;
    if (fields[0].string.ptr == NULL || fields[1].string.ptr == NULL) {
        return iso_sv_answer_nomem(answer);
    }
    struct iso_value reading = {.list = {.items = fields, .count = 4}};
    return iso_sv_answer_ok(answer, &reading);
}

static enum iso_host_result read_now(struct iso_sv_devices *devices, struct iso_sv_guest *guest,
                                     const struct iso_sv_answer *answer, struct iso_str name)
{
    struct iso_sv_sensor_list *list = list_get(devices->sensors);
    const struct iso_sv_sensor *sensor = find(list, name);
    enum iso_host_result answered;
    if (!iso_sv_answer_granted(answer, guest, "sensor", name, sensor != NULL ? sensor->name : NULL,
                               &answered)) {
        list_unref(list);
        return answered;
    }
    if (needs_file(sensor)) {
        return issue(devices, guest, answer, list, sensor);
    }
    uint64_t now = iso_sv_realtime_ns();
    answered =
        answer_reading(answer, sensor, computed(devices->sensors, sensor->simulated, now), now);
    list_unref(list);
    return answered;
}

static enum iso_host_result host_read(void *ctx, struct iso_sv_guest *guest,
                                      struct iso_host_call *call, const struct iso_value *args,
                                      struct iso_arena *arena, struct iso_value *result)
{
    struct iso_sv_answer answer = {.call = call, .arena = arena, .result = result};
    struct iso_sv_op *op = iso_sv_guest_op(guest);
    if (op == NULL) {
        return read_now(ctx, guest, &answer, args[0].string);
    }
    const struct sensor_job *work = (const struct sensor_job *)iso_sv_op_job(op);
    enum iso_host_result answered =
        work->trouble.set ? iso_sv_answer_trouble(&answer, &work->trouble)
                          : answer_reading(&answer, work->sensor, work->value, work->time_ns);
    iso_sv_guest_op_done(guest);
    return answered;
}

static enum iso_host_result answer_list(const struct iso_sv_answer *answer,
                                        const struct iso_sv_guest *guest,
                                        const struct iso_sv_sensor_list *list)
{
    struct iso_value *items = iso_arena_array(answer->arena, list->count, sizeof *items);
    struct iso_value *fields = iso_arena_array(answer->arena, list->count, 2 * sizeof *fields);
    uint32_t count = 0;
    if (items == NULL || fields == NULL) {
        return iso_sv_answer_nomem(answer);
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct iso_sv_sensor *sensor = &list->items[i];
        if (!iso_sv_guest_may(guest, "sensor", iso_str_from_z(sensor->name))) {
            continue;
        }
        struct iso_value *pair = &fields[2 * (size_t)count];
        pair[0].string = keep(answer->arena, sensor->name);
        pair[1].string = keep(answer->arena, sensor->unit);
        if (pair[0].string.ptr == NULL || pair[1].string.ptr == NULL) {
            return iso_sv_answer_nomem(answer);
        }
        items[count].list.items = pair;
        items[count++].list.count = 2;
    }
    answer->result->list.items = items;
    answer->result->list.count = count;
    return ISO_HOST_DONE;
}

static enum iso_host_result host_list(void *ctx, struct iso_sv_guest *guest,
                                      struct iso_host_call *call, const struct iso_value *args,
                                      struct iso_arena *arena, struct iso_value *result)
{
    (void)args;
    struct iso_sv_answer answer = {.call = call, .arena = arena, .result = result};
    struct iso_sv_op *op = iso_sv_guest_op(guest);
    if (op == NULL) {
        return issue(ctx, guest, &answer, NULL, NULL);
    }
    const struct sensor_job *work = (const struct sensor_job *)iso_sv_op_job(op);
    enum iso_host_result answered =
        work->list != NULL ? answer_list(&answer, guest, work->list) : iso_sv_answer_nomem(&answer);
    iso_sv_guest_op_done(guest);
    return answered;
}

/* ---- The interface ----------------------------------------------------------------------------
 */

static bool available(void *ctx)
{
    const struct iso_sv_devices *devices = ctx;
    struct iso_sv_sensor_list *list = list_get(devices->sensors);
    bool some = list->count > 0;
    list_unref(list);
    return some;
}

static const struct iso_sv_host_func funcs[] = {{.name = "list-sensors", .fn = host_list},
                                                {.name = "read", .fn = host_read}};

const struct iso_sv_host_interface iso_sv_sensor_interface = {
    .name = "sensor", .funcs = funcs, .func_count = ISO_COUNT_OF(funcs), .available = available};

static enum iso_err copy_def(struct iso_sv_devices *devices, const struct iso_sv_sensor_def *from,
                             struct iso_sv_sensor_def *to, struct iso_report *report)
{
    *to = *from;
    to->name = iso_sv_devices_text(devices, from->name);
    to->unit = iso_sv_devices_text(devices, from->unit != NULL ? from->unit : "");
    to->path = from->path != NULL ? iso_sv_devices_text(devices, from->path) : "";
    if (to->name == NULL || to->unit == NULL || to->path == NULL) {
        return ISO_E_NOMEM;
    }
    if (!iso_utf8_valid(to->unit, strlen(to->unit))) {
        return iso_fail(report, ISO_E_ARGUMENT, "sensor '%s': its unit is not UTF-8", to->name);
    }
    if (from->kind == ISO_SV_SENSOR_FILE && to->path[0] != '/') {
        return iso_fail(report, ISO_E_ARGUMENT, "sensor '%s': it needs the absolute path of a file",
                        to->name);
    }
    if (from->kind == ISO_SV_SENSOR_SINE && !(from->period_s > 0)) {
        return iso_fail(report, ISO_E_ARGUMENT, "sensor '%s': its period must be above 0",
                        to->name);
    }
    return ISO_OK;
}

enum iso_err iso_sv_sensors_init(struct iso_sv_devices *devices,
                                 const struct iso_sv_devices_config *config,
                                 struct iso_report *report)
{
    struct iso_sv_sensors *sensors = iso_arena_alloc(&devices->arena, sizeof *sensors);
    if (sensors == NULL) {
        return ISO_E_NOMEM;
    }
    size_t count = config->simulated_sensor_count;
    sensors->linux_sensors = config->sensors;
    sensors->simulated = iso_arena_array(&devices->arena, count, sizeof *sensors->simulated);
    if (sensors->simulated == NULL) {
        return ISO_E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        enum iso_err err =
            copy_def(devices, &config->simulated_sensors[i], &sensors->simulated[i], report);
        if (err != ISO_OK) {
            return err;
        }
    }
    sensors->simulated_count = count;
    if (uv_mutex_init(&sensors->lock) != 0) {
        return ISO_E_NOMEM;
    }
    devices->sensors = sensors;
    sensors->list = scan(devices);
    return sensors->list != NULL ? ISO_OK : ISO_E_NOMEM;
}

void iso_sv_sensors_fini(struct iso_sv_devices *devices)
{
    if (devices->sensors != NULL) {
        list_unref(devices->sensors->list);
        uv_mutex_destroy(&devices->sensors->lock);
    }
}

void iso_sv_sensors_describe(const struct iso_sv_devices *devices, struct iso_json *json)
{
    struct iso_sv_sensor_list *list = list_get(devices->sensors);
    iso_json_array_begin(json);
    for (size_t i = 0; i < list->count; i++) {
        const struct iso_sv_sensor *sensor = &list->items[i];
        iso_json_object_begin(json);
        iso_json_put_z(json, "name", sensor->name);
        iso_json_put_z(json, "unit", sensor->unit);
        if (sensor->label != NULL) {
            iso_json_put_z(json, "label", sensor->label);
        }
        if (sensor->simulated != NULL) {
            iso_json_put_bool(json, "simulated", true);
        }
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
    list_unref(list);
}

/* ---- Simulated sensors for the supervisor ------------------------------------------------------
 */

static struct iso_sv_sensor_def *find_simulated(const struct iso_sv_sensors *sensors,
                                                struct iso_str name)
{
    for (size_t i = 0; i < sensors->simulated_count; i++) {
        if (iso_str_equal_z(name, sensors->simulated[i].name)) {
            return &sensors->simulated[i];
        }
    }
    return NULL;
}

enum iso_err iso_sv_sensor_simulated_set(struct iso_sv_devices *devices, struct iso_str name,
                                         const double *value, struct iso_report *report)
{
    struct iso_sv_sensors *sensors = devices->sensors;
    struct iso_sv_sensor_def *def = find_simulated(sensors, name);
    const int shown = name.len < 64 ? (int)name.len : 64;
    if (def == NULL) {
        struct iso_sv_sensor_list *list = list_get(sensors);
        const bool real = find(list, name) != NULL;
        list_unref(list);
        return real ? iso_fail(report, ISO_E_ARGUMENT, "sensor '%.*s' is not simulated", shown,
                               name.ptr)
                    : iso_fail(report, ISO_E_NOT_FOUND, "there is no sensor '%.*s'", shown,
                               name.ptr);
    }
    if (def->kind == ISO_SV_SENSOR_FILE) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "sensor '%s' has the number in the file %s: write that", def->name,
                        def->path);
    }
    if (value != NULL) {
        uv_mutex_lock(&sensors->lock);
        def->value = *value;
        def->amplitude = 0;
        uv_mutex_unlock(&sensors->lock);
    }
    return ISO_OK;
}

void iso_sv_sensors_simulated_write(const struct iso_sv_devices *devices, struct iso_json *json)
{
    struct iso_sv_sensors *sensors = devices->sensors;
    const uint64_t now = iso_sv_realtime_ns();
    iso_json_object_begin(json);
    for (size_t i = 0; i < sensors->simulated_count; i++) {
        const struct iso_sv_sensor_def *def = &sensors->simulated[i];
        iso_json_key(json, def->name);
        if (def->kind == ISO_SV_SENSOR_FILE) {
            iso_json_null(json);
        } else {
            iso_json_f64(json, computed(sensors, def, now));
        }
    }
    iso_json_object_end(json);
}
