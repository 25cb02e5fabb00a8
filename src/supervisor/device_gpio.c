/*
 * device_gpio.c - the interface isomer:device/gpio: lines of chips, and simulated ones.
 *
 * An output belongs to the component that drove it first, until that goes; it keeps its level then.
 * Reading is open to all that were granted the line.
 */
#include "supervisor/device_gpio.h"

#include "base/json_member.h"

struct line {
    struct iso_sv_gpio_def def;
    atomic_bool level;             /* of a simulated one; true is active */
    struct iso_sv_chip_line *open; /* belongs to the jobs of the gate */
    uint64_t holder;               /* component that drives it; 0: none; under lock */
};

struct iso_sv_gpio {
    uv_mutex_t lock; /* guards the holders */
    struct line *items;
    size_t count;
};

static struct line *find(const struct iso_sv_gpio *gpio, struct iso_str name)
{
    for (size_t i = 0; i < gpio->count; i++) {
        if (iso_str_equal_z(name, gpio->items[i].def.name)) {
            return &gpio->items[i];
        }
    }
    return NULL;
}

/* ---- Jobs -------------------------------------------------------------------------------------
 */

struct gpio_job {
    struct iso_sv_job job;
    const struct iso_alloc *alloc;
    struct line *line;
    bool drive;
    bool active; /* to be driven, or read */
    struct iso_sv_trouble trouble;
};

static void job_run(struct iso_sv_job *job)
{
    struct gpio_job *work = (struct gpio_job *)job;
    struct line *line = work->line;
    if (line->open == NULL) {
        line->open = iso_sv_chip_line_open(work->alloc, &line->def, &work->trouble);
    }
    if (line->open == NULL) {
        return;
    }
    bool done = work->drive ? iso_sv_chip_line_set(line->open, work->active, &work->trouble)
                            : iso_sv_chip_line_get(line->open, &work->active, &work->trouble);
    if (!done) { /* the chip may come back: begin anew with the next call */
        iso_sv_chip_line_close(line->open);
        line->open = NULL;
    }
}

static void job_destroy(struct iso_sv_job *job)
{
    struct gpio_job *work = (struct gpio_job *)job;
    iso_alloc_free(work->alloc, work, sizeof *work);
}

static enum iso_host_result issue(struct iso_sv_devices *devices, struct iso_sv_guest *guest,
                                  const struct iso_sv_answer *answer, struct line *line,
                                  const bool *drive)
{
    struct gpio_job *work = iso_alloc_new(devices->alloc, sizeof *work);
    if (work == NULL) {
        return iso_sv_answer_nomem(answer);
    }
    work->job.run = job_run;
    work->job.destroy = job_destroy;
    work->alloc = devices->alloc;
    work->line = line;
    work->drive = drive != NULL;
    work->active = drive != NULL && *drive;
    struct iso_sv_op *op = iso_sv_job_op_create(devices->alloc, &devices->gpio_gate, &work->job);
    return op != NULL ? iso_sv_guest_wait(guest, op) : iso_sv_answer_nomem(answer);
}

/* ---- Host functions ---------------------------------------------------------------------------
 */

/* The line that is called so, if the guest may use it; else *answered. */
static struct line *granted_line(struct iso_sv_devices *devices, struct iso_sv_guest *guest,
                                 const struct iso_sv_answer *answer, struct iso_str name,
                                 enum iso_host_result *answered)
{
    struct line *line = find(devices->gpio, name);
    return iso_sv_answer_granted(answer, guest, "gpio", name, line != NULL ? line->def.name : NULL,
                                 answered)
               ? line
               : NULL;
}

static enum iso_host_result host_get(void *ctx, struct iso_sv_guest *guest,
                                     struct iso_host_call *call, const struct iso_value *args,
                                     struct iso_arena *arena, struct iso_value *result)
{
    struct iso_sv_answer answer = {.call = call, .arena = arena, .result = result};
    struct iso_sv_op *op = iso_sv_guest_op(guest);
    enum iso_host_result answered;
    if (op == NULL) {
        struct line *line = granted_line(ctx, guest, &answer, args[0].string, &answered);
        if (line == NULL) {
            return answered;
        }
        if (line->def.chip != NULL) {
            return issue(ctx, guest, &answer, line, NULL);
        }
        struct iso_value level = {.boolean = atomic_load(&line->level)};
        return iso_sv_answer_ok(&answer, &level);
    }
    const struct gpio_job *work = (const struct gpio_job *)iso_sv_op_job(op);
    struct iso_value level = {.boolean = work->active};
    answered = work->trouble.set ? iso_sv_answer_trouble(&answer, &work->trouble)
                                 : iso_sv_answer_ok(&answer, &level);
    iso_sv_guest_op_done(guest);
    return answered;
}

/* Whether the component drives the line, now if not before. */
static bool hold(struct iso_sv_gpio *gpio, struct line *line, uint64_t component)
{
    uv_mutex_lock(&gpio->lock);
    if (line->holder == 0) {
        line->holder = component;
    }
    bool held = line->holder == component;
    uv_mutex_unlock(&gpio->lock);
    return held;
}

static enum iso_host_result drive(struct iso_sv_devices *devices, struct iso_sv_guest *guest,
                                  const struct iso_sv_answer *answer, const struct iso_value *args)
{
    enum iso_host_result answered;
    struct line *line = granted_line(devices, guest, answer, args[0].string, &answered);
    if (line == NULL) {
        return answered;
    }
    if (!line->def.output) {
        return iso_sv_answer_problem(answer, ISO_SV_INVALID, "line %s is an input", line->def.name);
    }
    if (!hold(devices->gpio, line, iso_sv_component_id(iso_sv_guest_component(guest)))) {
        return iso_sv_answer_problem(answer, ISO_SV_IN_USE, "%s", "");
    }
    if (line->def.chip != NULL) {
        return issue(devices, guest, answer, line, &args[1].boolean);
    }
    atomic_store(&line->level, args[1].boolean);
    return iso_sv_answer_ok(answer, NULL);
}

static enum iso_host_result host_set(void *ctx, struct iso_sv_guest *guest,
                                     struct iso_host_call *call, const struct iso_value *args,
                                     struct iso_arena *arena, struct iso_value *result)
{
    struct iso_sv_answer answer = {.call = call, .arena = arena, .result = result};
    struct iso_sv_op *op = iso_sv_guest_op(guest);
    if (op == NULL) {
        return drive(ctx, guest, &answer, args);
    }
    const struct gpio_job *work = (const struct gpio_job *)iso_sv_op_job(op);
    enum iso_host_result answered = work->trouble.set
                                        ? iso_sv_answer_trouble(&answer, &work->trouble)
                                        : iso_sv_answer_ok(&answer, NULL);
    iso_sv_guest_op_done(guest);
    return answered;
}

static enum iso_host_result host_list(void *ctx, struct iso_sv_guest *guest,
                                      struct iso_host_call *call, const struct iso_value *args,
                                      struct iso_arena *arena, struct iso_value *result)
{
    (void)args;
    const struct iso_sv_gpio *gpio = ((const struct iso_sv_devices *)ctx)->gpio;
    struct iso_sv_answer answer = {.call = call, .arena = arena, .result = result};
    struct iso_value *items = iso_arena_array(arena, gpio->count, sizeof *items);
    struct iso_value *fields = iso_arena_array(arena, gpio->count, 2 * sizeof *fields);
    uint32_t count = 0;
    if (items == NULL || fields == NULL) {
        return iso_sv_answer_nomem(&answer);
    }
    for (size_t i = 0; i < gpio->count; i++) {
        const struct iso_sv_gpio_def *def = &gpio->items[i].def;
        if (!iso_sv_guest_may(guest, "gpio", iso_str_from_z(def->name))) {
            continue;
        }
        struct iso_value *pair = &fields[2 * (size_t)count];
        pair[0] = iso_sv_value_string(def->name);
        pair[1].u = def->output ? 1 : 0;
        items[count].list.items = pair;
        items[count++].list.count = 2;
    }
    result->list.items = items;
    result->list.count = count;
    return ISO_HOST_DONE;
}

/* ---- The interface ----------------------------------------------------------------------------
 */

static void component_gone(void *ctx, struct iso_sv_component *component)
{
    struct iso_sv_gpio *gpio = ((struct iso_sv_devices *)ctx)->gpio;
    uint64_t id = iso_sv_component_id(component);
    uv_mutex_lock(&gpio->lock);
    for (size_t i = 0; i < gpio->count; i++) {
        if (gpio->items[i].holder == id) {
            gpio->items[i].holder = 0;
        }
    }
    uv_mutex_unlock(&gpio->lock);
}

static bool available(void *ctx)
{
    return ((const struct iso_sv_devices *)ctx)->gpio->count > 0;
}

static const struct iso_sv_host_func funcs[] = {{.name = "list-lines", .fn = host_list},
                                                {.name = "get", .fn = host_get},
                                                {.name = "set", .fn = host_set}};

const struct iso_sv_host_interface iso_sv_gpio_interface = {.name = "gpio",
                                                            .funcs = funcs,
                                                            .func_count = ISO_COUNT_OF(funcs),
                                                            .component_gone = component_gone,
                                                            .available = available};

static enum iso_err copy_def(struct iso_sv_devices *devices, const struct iso_sv_gpio_def *from,
                             struct iso_sv_gpio_def *to, struct iso_report *report)
{
    *to = *from;
    if (from->chip != NULL && (from->line == NULL || from->line[0] == '\0')) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "line '%s': it needs the name or number of the line on its chip",
                        from->name);
    }
    to->name = iso_sv_devices_text(devices, from->name);
    to->line = iso_sv_devices_text(devices, from->line != NULL ? from->line : "");
    to->chip = from->chip != NULL ? iso_sv_devices_text(devices, from->chip) : NULL;
    bool short_of_memory =
        to->name == NULL || to->line == NULL || (from->chip != NULL && to->chip == NULL);
    return short_of_memory ? ISO_E_NOMEM : ISO_OK;
}

enum iso_err iso_sv_gpio_init(struct iso_sv_devices *devices,
                              const struct iso_sv_devices_config *config, struct iso_report *report)
{
    struct iso_sv_gpio *gpio = iso_arena_alloc(&devices->arena, sizeof *gpio);
    struct line *items = iso_arena_array(&devices->arena, config->line_count, sizeof *items);
    if (gpio == NULL || items == NULL) {
        return ISO_E_NOMEM;
    }
    for (size_t i = 0; i < config->line_count; i++) {
        enum iso_err err = copy_def(devices, &config->lines[i], &items[i].def, report);
        if (err != ISO_OK) {
            return err;
        }
        atomic_init(&items[i].level, config->lines[i].initial);
    }
    gpio->items = items;
    gpio->count = config->line_count;
    if (uv_mutex_init(&gpio->lock) != 0) {
        return ISO_E_NOMEM;
    }
    devices->gpio = gpio;
    return ISO_OK;
}

void iso_sv_gpio_fini(struct iso_sv_devices *devices)
{
    if (devices->gpio == NULL) {
        return;
    }
    for (size_t i = 0; i < devices->gpio->count; i++) {
        iso_sv_chip_line_close(devices->gpio->items[i].open);
    }
    uv_mutex_destroy(&devices->gpio->lock);
}

void iso_sv_gpio_describe(const struct iso_sv_devices *devices, struct iso_json *json)
{
    const struct iso_sv_gpio *gpio = devices->gpio;
    iso_json_array_begin(json);
    for (size_t i = 0; i < gpio->count; i++) {
        const struct line *line = &gpio->items[i];
        iso_json_object_begin(json);
        iso_json_put_z(json, "name", line->def.name);
        iso_json_put_z(json, "direction", line->def.output ? "output" : "input");
        if (line->def.chip == NULL) {
            iso_json_put_bool(json, "simulated", true);
            iso_json_put_bool(json, "active", atomic_load(&line->level));
        }
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}

/* ---- Simulated lines for the supervisor --------------------------------------------------------
 */

static enum iso_err simulated(const struct iso_sv_devices *devices, struct iso_str name,
                              struct line **out, struct iso_report *report)
{
    struct line *line = find(devices->gpio, name);
    int shown = name.len < 64 ? (int)name.len : 64;
    if (line == NULL) {
        return iso_fail(report, ISO_E_NOT_FOUND, "there is no line '%.*s'", shown, name.ptr);
    }
    if (line->def.chip != NULL) {
        return iso_fail(report, ISO_E_ARGUMENT, "line '%.*s' is not simulated", shown, name.ptr);
    }
    *out = line;
    return ISO_OK;
}

enum iso_err iso_sv_gpio_simulated_get(const struct iso_sv_devices *devices, struct iso_str name,
                                       bool *active, struct iso_report *report)
{
    struct line *line = NULL;
    enum iso_err err = simulated(devices, name, &line, report);
    if (err == ISO_OK) {
        *active = atomic_load(&line->level);
    }
    return err;
}

enum iso_err iso_sv_gpio_simulated_set(struct iso_sv_devices *devices, struct iso_str name,
                                       const bool *active, struct iso_report *report)
{
    struct line *line = NULL;
    enum iso_err err = simulated(devices, name, &line, report);
    if (err != ISO_OK) {
        return err;
    }
    if (line->def.output) {
        return iso_fail(report, ISO_E_ARGUMENT, "line '%s' is an output: components drive it",
                        line->def.name);
    }
    if (active != NULL) {
        atomic_store(&line->level, *active);
    }
    return ISO_OK;
}

void iso_sv_gpio_simulated_write(const struct iso_sv_devices *devices, struct iso_json *json)
{
    const struct iso_sv_gpio *gpio = devices->gpio;
    iso_json_object_begin(json);
    for (size_t i = 0; i < gpio->count; i++) {
        if (gpio->items[i].def.chip == NULL) {
            iso_json_put_bool(json, gpio->items[i].def.name, atomic_load(&gpio->items[i].level));
        }
    }
    iso_json_object_end(json);
}
