/*
 * device_internal.h - what the files of the device interfaces share: the object itself, answers to
 * guests, and jobs that block.
 *
 * Invariants: what the configuration made (names, sources, sensors' and lines' definitions) does
 * not change after creation and may be read on any thread; all else belongs to the loop thread, or
 * to one job of a gate at a time.
 */
#ifndef ISO_SUPERVISOR_DEVICE_INTERNAL_H
#define ISO_SUPERVISOR_DEVICE_INTERNAL_H

#include <stdatomic.h>

#include "platform/platform.h"
#include "supervisor/devices.h"

/* ---- Frames (device_frame.c) ---------------------------------------------------------------- */

/* A frame like `from`; its pixels are copied, or taken (from the same allocator). NULL when memory
 * is short; then the pixels are still the caller's. */
struct iso_sv_frame *iso_sv_frame_copy(const struct iso_alloc *alloc,
                                       const struct iso_sv_frame *from);
struct iso_sv_frame *iso_sv_frame_take(const struct iso_alloc *alloc,
                                       const struct iso_sv_frame *from, uint8_t *pixels);

/* ---- Answers (device_answer.c) -------------------------------------------------------------- */

/* Cases of `problem` in device.wit. */
enum iso_sv_problem {
    ISO_SV_UNKNOWN_NAME,
    ISO_SV_NOT_GRANTED,
    ISO_SV_LIMIT_REACHED,
    ISO_SV_IN_USE,
    ISO_SV_INVALID,
    ISO_SV_FAILED_DEVICE
};

/* A problem with its text, outside of an arena: how operations bring one to the guest. */
struct iso_sv_trouble {
    bool set;
    enum iso_sv_problem kind;
    char text[240];
};
void iso_sv_trouble_set(struct iso_sv_trouble *trouble, enum iso_sv_problem kind,
                        const char *format, ...) ISO_PRINTF(3, 4);

/* What a host function has at hand when it answers. */
struct iso_sv_answer {
    struct iso_host_call *call;
    struct iso_arena *arena;
    struct iso_value *result;
};
/* Each fills the result of type result<T, problem> and returns what the host function returns.
 * Memory that runs out traps. */
enum iso_host_result iso_sv_answer_problem(const struct iso_sv_answer *answer,
                                           enum iso_sv_problem kind, const char *format, ...)
    ISO_PRINTF(3, 4);
enum iso_host_result iso_sv_answer_trouble(const struct iso_sv_answer *answer,
                                           const struct iso_sv_trouble *trouble);
/* value: copied; NULL: there is none. */
enum iso_host_result iso_sv_answer_ok(const struct iso_sv_answer *answer,
                                      const struct iso_value *value);
/* Memory ran out. */
enum iso_host_result iso_sv_answer_nomem(const struct iso_sv_answer *answer);

struct iso_value iso_sv_value_string(const char *text);

/* Index of the name among count of them, "default" being 0; count when there is none. name_of(ctx,
 * i) gives names. */
size_t iso_sv_name_find(struct iso_str name, const char *(*name_of)(const void *ctx, size_t i),
                        const void *ctx, size_t count);
/* Whether the guest may use what it calls `asked` and what is really called `name` (NULL: there is
 * none); else the answer has been given, and *answered is to be returned. */
bool iso_sv_answer_granted(const struct iso_sv_answer *answer, struct iso_sv_guest *guest,
                           const char *interface, struct iso_str asked, const char *name,
                           enum iso_host_result *answered);
/* The list<string> of those names that the guest may use. */
enum iso_host_result iso_sv_answer_names(const struct iso_sv_answer *answer,
                                         struct iso_sv_guest *guest, const char *interface,
                                         const char *(*name_of)(const void *ctx, size_t i),
                                         const void *ctx, size_t count);

/* ---- Jobs: what blocks, on libuv's threads (device_job.c) ------------------------------------ */

/*
 * An operation whose work runs on a thread of libuv's pool, at most one of a gate at a time, in
 * order. So device interfaces hold a few threads of the pool at most, and the work of a gate needs
 * no locks of its own. A job that was given up runs to its end all the same when it has begun.
 */
struct iso_sv_gate {
    uv_loop_t *loop;
    struct iso_sv_job *head; /* waiting; the first may be running */
    struct iso_sv_job *tail;
    bool running;
    bool closing;
    void (*closed)(void *ctx); /* asked for by iso_sv_gate_close */
    void *closed_ctx;
};

struct iso_sv_job {
    void (*run)(struct iso_sv_job *job);     /* pool thread */
    void (*destroy)(struct iso_sv_job *job); /* any thread */
    /* Private. */
    uv_work_t work;
    struct iso_sv_gate *gate;
    struct iso_sv_job *next;
    struct iso_sv_job_op *op; /* NULL: given up */
    atomic_uint refs;
};

struct iso_sv_job_op {
    struct iso_sv_op op;
    const struct iso_alloc *alloc;
    struct iso_sv_job *job;
};

void iso_sv_gate_init(struct iso_sv_gate *gate, uv_loop_t *loop);
/* No more jobs come. True: none runs; else closed(ctx) comes when the last one has ended. */
bool iso_sv_gate_close(struct iso_sv_gate *gate, void (*closed)(void *ctx), void *ctx);
/* The operation that runs the job. job: taken, in any case. NULL when memory is short. */
struct iso_sv_op *iso_sv_job_op_create(const struct iso_alloc *alloc, struct iso_sv_gate *gate,
                                       struct iso_sv_job *job);
/* The job of an operation that iso_sv_job_op_create made. */
struct iso_sv_job *iso_sv_op_job(struct iso_sv_op *op);

/* ---- The object (devices.c) ------------------------------------------------------------------ */

struct iso_sv_cameras;
struct iso_sv_displays;
struct iso_sv_sensors;
struct iso_sv_gpio;

struct iso_sv_devices {
    uv_loop_t *loop;
    const struct iso_alloc *alloc;
    struct iso_arena arena; /* what the configuration made */
    void (*log)(void *ctx, enum iso_log_level level, struct iso_str line);
    void *log_ctx;
    const char *ffmpeg;
    const char *sysfs;
    uint32_t frame_timeout_ms;
    uint32_t backoff_ms;
    uint32_t backoff_max_ms;

    struct iso_sv_cameras *cameras; /* in the arena, as the following */
    struct iso_sv_displays *displays;
    struct iso_sv_sensors *sensors;
    struct iso_sv_gpio *gpio;
    struct iso_sv_gate storage_gate;
    struct iso_sv_gate sensor_gate;
    struct iso_sv_gate gpio_gate;
    unsigned closing; /* gates that have not closed yet, and one while destroy runs */

    struct iso_wit wit;
    struct iso_sv_host_interface interfaces[9];
    struct iso_sv_host_set set;
};

void iso_sv_devices_log(const struct iso_sv_devices *devices, enum iso_log_level level,
                        const char *format, ...) ISO_PRINTF(3, 4);
/* Nanoseconds since 1970; any thread. */
uint64_t iso_sv_realtime_ns(void);
/* A copy in the devices' arena; NULL when memory is short. */
const char *iso_sv_devices_text(struct iso_sv_devices *devices, const char *text);
/* Whether a name may stand in a configuration: 1 to 64 bytes of a-z A-Z 0-9 . _ - / : and no other,
 * and not "default". Errors: ARGUMENT. */
ISO_MUST_CHECK enum iso_err iso_sv_device_name_check(const char *what, const char *name,
                                                     struct iso_report *report);

/*
 * Each interface: init makes its part from the configuration (errors: ARGUMENT, LIMIT, NOMEM), fini
 * releases what is not in the arena, interface describes it to the core, describe to people. The
 * order of init: that of devices.c.
 */
ISO_MUST_CHECK enum iso_err iso_sv_cameras_init(struct iso_sv_devices *devices,
                                                const struct iso_sv_devices_config *config,
                                                struct iso_report *report);
void iso_sv_cameras_fini(struct iso_sv_devices *devices);
void iso_sv_cameras_describe(const struct iso_sv_devices *devices, struct iso_json *json);
extern const struct iso_sv_host_interface iso_sv_camera_interface;

ISO_MUST_CHECK enum iso_err iso_sv_displays_init(struct iso_sv_devices *devices,
                                                 const struct iso_sv_devices_config *config,
                                                 struct iso_report *report);
void iso_sv_displays_fini(struct iso_sv_devices *devices);
void iso_sv_displays_describe(const struct iso_sv_devices *devices, struct iso_json *json);
extern const struct iso_sv_host_interface iso_sv_display_interface;

ISO_MUST_CHECK enum iso_err iso_sv_sensors_init(struct iso_sv_devices *devices,
                                                const struct iso_sv_devices_config *config,
                                                struct iso_report *report);
void iso_sv_sensors_fini(struct iso_sv_devices *devices);
void iso_sv_sensors_describe(const struct iso_sv_devices *devices, struct iso_json *json);
void iso_sv_sensors_simulated_write(const struct iso_sv_devices *devices, struct iso_json *json);
extern const struct iso_sv_host_interface iso_sv_sensor_interface;

ISO_MUST_CHECK enum iso_err iso_sv_gpio_init(struct iso_sv_devices *devices,
                                             const struct iso_sv_devices_config *config,
                                             struct iso_report *report);
void iso_sv_gpio_fini(struct iso_sv_devices *devices);
void iso_sv_gpio_describe(const struct iso_sv_devices *devices, struct iso_json *json);
void iso_sv_gpio_simulated_write(const struct iso_sv_devices *devices, struct iso_json *json);
extern const struct iso_sv_host_interface iso_sv_gpio_interface;

/* device_simple.c, device_storage.c. */
extern const struct iso_sv_host_interface iso_sv_events_interface;
extern const struct iso_sv_host_interface iso_sv_log_interface;
extern const struct iso_sv_host_interface iso_sv_clock_interface;
extern const struct iso_sv_host_interface iso_sv_config_interface;
extern const struct iso_sv_host_interface iso_sv_storage_interface;

#endif
