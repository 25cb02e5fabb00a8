/*
 * device_simple.c - the interfaces isomer:device/events, log, clock and config: what the core does
 * already, as host functions.
 */
#include "supervisor/device_internal.h"

/* ---- events ---------------------------------------------------------------------------------- */

/* Words of a-z and 0-9 that begin with a letter, joined by single hyphens. */
static bool is_kebab(struct iso_str name)
{
    bool begin = true;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = c >= 'a' && c <= 'z';
        bool digit = c >= '0' && c <= '9';
        if (begin ? !letter : !letter && !digit && c != '-') {
            return false;
        }
        begin = c == '-';
    }
    return !begin;
}

static enum iso_host_result host_emit(void *ctx, struct iso_sv_guest *guest,
                                      struct iso_host_call *call, const struct iso_value *args,
                                      struct iso_arena *arena, struct iso_value *result)
{
    (void)ctx;
    struct iso_sv_answer answer = {.call = call, .arena = arena, .result = result};
    struct iso_str name = args[0].string;
    struct iso_str payload = args[1].string;
    if (name.len > ISO_SV_EVENT_NAME_MAX || !is_kebab(name)) {
        return iso_sv_answer_problem(&answer, ISO_SV_INVALID,
                                     "the name of an event is kebab-case, at most %u bytes",
                                     ISO_SV_EVENT_NAME_MAX);
    }
    if (payload.len > ISO_SV_EVENT_PAYLOAD_MAX) {
        return iso_sv_answer_problem(&answer, ISO_SV_LIMIT_REACHED,
                                     "the payload of an event has at most %u bytes, not %zu",
                                     ISO_SV_EVENT_PAYLOAD_MAX, payload.len);
    }
    if (!iso_sv_guest_emit(guest, name, payload)) {
        return iso_sv_answer_problem(&answer, ISO_SV_INVALID, "the payload is not JSON");
    }
    return iso_sv_answer_ok(&answer, NULL);
}

static const struct iso_sv_host_func events_funcs[] = {{.name = "emit", .fn = host_emit}};

const struct iso_sv_host_interface iso_sv_events_interface = {
    .name = "events", .funcs = events_funcs, .func_count = ISO_COUNT_OF(events_funcs)};

/* ---- log ------------------------------------------------------------------------------------- */

static enum iso_host_result host_write(void *ctx, struct iso_sv_guest *guest,
                                       struct iso_host_call *call, const struct iso_value *args,
                                       struct iso_arena *arena, struct iso_value *result)
{
    (void)ctx;
    (void)call;
    (void)arena;
    (void)result;
    /* The order of `level` in device.wit is that of enum iso_log_level. */
    iso_sv_guest_log(guest, (enum iso_log_level)args[0].u, args[1].string);
    return ISO_HOST_DONE;
}

static const struct iso_sv_host_func log_funcs[] = {{.name = "write", .fn = host_write}};

const struct iso_sv_host_interface iso_sv_log_interface = {
    .name = "log", .funcs = log_funcs, .func_count = ISO_COUNT_OF(log_funcs)};

/* ---- clock ----------------------------------------------------------------------------------- */

static enum iso_host_result host_get_time(void *ctx, struct iso_sv_guest *guest,
                                          struct iso_host_call *call, const struct iso_value *args,
                                          struct iso_arena *arena, struct iso_value *result)
{
    (void)ctx;
    (void)guest;
    (void)call;
    (void)args;
    (void)arena;
    result->u = iso_sv_realtime_ns();
    return ISO_HOST_DONE;
}

static enum iso_host_result host_get_monotonic(void *ctx, struct iso_sv_guest *guest,
                                               struct iso_host_call *call,
                                               const struct iso_value *args,
                                               struct iso_arena *arena, struct iso_value *result)
{
    (void)ctx;
    (void)guest;
    (void)call;
    (void)args;
    (void)arena;
    result->u = uv_hrtime();
    return ISO_HOST_DONE;
}

/*
 * call->deadline is the end in nanoseconds since 1970, which means the same on the device where a
 * moved component goes on. Setting a clock back may make that end look further away than the whole
 * sleep was long: then it is over. So a sleep never lasts twice as long as asked for.
 */
static enum iso_host_result host_sleep(void *ctx, struct iso_sv_guest *guest,
                                       struct iso_host_call *call, const struct iso_value *args,
                                       struct iso_arena *arena, struct iso_value *result)
{
    (void)ctx;
    (void)arena;
    (void)result;
    const uint64_t longest = UINT64_MAX / 4; /* 146 years: sums below do not overflow */
    uint64_t duration = args[0].u < longest ? args[0].u : longest;
    uint64_t now = iso_sv_realtime_ns();
    if (call->deadline == 0) {
        if (duration == 0) {
            return ISO_HOST_DONE;
        }
        call->deadline = now + duration;
    }
    if (call->deadline <= now || call->deadline - now > duration) {
        return ISO_HOST_DONE;
    }
    return iso_sv_guest_sleep(guest, uv_hrtime() + (call->deadline - now));
}

static const struct iso_sv_host_func clock_funcs[] = {
    {.name = "get-time", .fn = host_get_time},
    {.name = "get-monotonic", .fn = host_get_monotonic},
    {.name = "sleep", .fn = host_sleep, .policy = ISO_HOST_DEADLINE}};

const struct iso_sv_host_interface iso_sv_clock_interface = {
    .name = "clock", .funcs = clock_funcs, .func_count = ISO_COUNT_OF(clock_funcs)};

/* ---- config ---------------------------------------------------------------------------------- */

static enum iso_host_result host_get(void *ctx, struct iso_sv_guest *guest,
                                     struct iso_host_call *call, const struct iso_value *args,
                                     struct iso_arena *arena, struct iso_value *result)
{
    (void)ctx;
    struct iso_sv_answer answer = {.call = call, .arena = arena, .result = result};
    struct iso_value *value = iso_arena_alloc(arena, sizeof *value);
    if (value == NULL) {
        return iso_sv_answer_nomem(&answer);
    }
    bool found = iso_sv_guest_config(guest, args[0].string, &value->string);
    result->choice.index = found ? 1 : 0;
    result->choice.payload = found ? value : NULL;
    return ISO_HOST_DONE;
}

static enum iso_host_result host_get_all(void *ctx, struct iso_sv_guest *guest,
                                         struct iso_host_call *call, const struct iso_value *args,
                                         struct iso_arena *arena, struct iso_value *result)
{
    (void)ctx;
    (void)args;
    struct iso_sv_answer answer = {.call = call, .arena = arena, .result = result};
    size_t count = iso_sv_guest_config_count(guest);
    struct iso_value *pairs = iso_arena_array(arena, count, sizeof *pairs);
    struct iso_value *texts = iso_arena_array(arena, count, 2 * sizeof *texts);
    if (pairs == NULL || texts == NULL) {
        return iso_sv_answer_nomem(&answer);
    }
    for (size_t i = 0; i < count; i++) {
        const struct iso_sv_pair *pair = iso_sv_guest_config_at(guest, i);
        texts[2 * i].string = pair->key;
        texts[2 * i + 1].string = pair->value;
        pairs[i].list.items = &texts[2 * i];
        pairs[i].list.count = 2;
    }
    result->list.items = pairs;
    result->list.count = (uint32_t)count;
    return ISO_HOST_DONE;
}

static const struct iso_sv_host_func config_funcs[] = {{.name = "get", .fn = host_get},
                                                       {.name = "get-all", .fn = host_get_all}};

const struct iso_sv_host_interface iso_sv_config_interface = {
    .name = "config", .funcs = config_funcs, .func_count = ISO_COUNT_OF(config_funcs)};
