/* The commands of a test script (the reference interpreter's README, "Scripts"), each a check. */
#define _POSIX_C_SOURCE 200809L
#include "session.h"

#include "modules.h"
#include "stepper.h"

#include "platform/platform.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 256, SLOTS_MAX = 2 * SPEC_VALUES_MAX, MESSAGES_MAX = 10 };

/* Something that the script can name: an instance under its $name, or under a registered name. */
struct binding {
    char *name;
    uint32_t instance;
    bool is_register;
};

struct spec_session {
    struct iso_engine *engine;
    struct spec_modules *modules;
    const struct spec_options *options;
    const char *name;
    struct spec_tally *tally;
    struct stepper stepper;
    struct binding bindings[NAMES_MAX];
    uint32_t binding_count;
    int64_t current; /* the last instance; -1: the last module command failed */
    uint32_t messages;
    const struct spec_command *command; /* under way, for messages */
};

struct spec_session *spec_session_create(struct iso_engine *engine, struct spec_modules *modules,
                                         const struct spec_options *options, const char *name,
                                         struct spec_tally *tally)
{
    struct spec_session *session = calloc(1, sizeof *session);

    if (session == NULL) {
        return NULL;
    }
    session->engine = engine;
    session->modules = modules;
    session->options = options;
    session->name = name;
    session->tally = tally;
    session->current = -1;
    session->stepper.engine = engine;
    session->stepper.modules = modules;
    session->stepper.options = options;
    session->stepper.tally = tally;
    if (stepper_init(&session->stepper) != ISO_OK) {
        free(session);
        return NULL;
    }
    return session;
}

void spec_session_destroy(struct spec_session *session)
{
    if (session == NULL) {
        return;
    }
    stepper_fini(&session->stepper);
    for (uint32_t i = 0; i < session->binding_count; i++) {
        free(session->bindings[i].name);
    }
    free(session);
}

/* Prints why the present command failed; the tenth message of a script is the last unless verbose.
 */
static bool fail(struct spec_session *session, const char *format, ...) ISO_PRINTF(2, 3);
static bool fail(struct spec_session *session, const char *format, ...)
{
    va_list args;

    session->messages++;
    if (session->messages > MESSAGES_MAX && !session->options->verbose) {
        return false;
    }
    flockfile(stderr);
    (void)fprintf(stderr, "%s:%u: %s: ", session->name, session->command->line,
                  spec_kind_name(session->command->kind));
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fprintf(stderr, "%s\n",
                  session->messages == MESSAGES_MAX && !session->options->verbose
                      ? " (further failures of this script are only counted)"
                      : "");
    funlockfile(stderr);
    return false;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* As the reference does: our message must begin with the expected text. It also numbers the element
 * in one message ("uninitialized element 2"), which we need not. */
static bool text_agrees(const char *ours, const char *expected)
{
    size_t len = strlen(ours);

    if (starts_with(ours, expected)) {
        return true;
    }
    return len > 0 && starts_with(expected, ours) && expected[len] == ' ' &&
           isdigit((unsigned char)expected[len + 1]);
}

/* The trap must have the expected text, in its kind's words or the host's. */
static bool trap_agrees(struct spec_session *session, const char *expected)
{
    const struct iso_trap *trap = iso_store_trap(session->stepper.store);

    if (text_agrees(iso_trap_text(trap->kind), expected) || text_agrees(trap->message, expected)) {
        return true;
    }
    return fail(session, "trapped with \"%s\" (%s), expected \"%s\"", iso_trap_text(trap->kind),
                trap->message, expected);
}

/* The number of the instance that `name` ($name; absent: the last one) means. */
static bool instance_find(struct spec_session *session, struct spec_text name, uint32_t *out)
{
    if (name.ptr == NULL) {
        if (session->current < 0) {
            return fail(session, "there is no module to use");
        }
        *out = (uint32_t)session->current;
        return true;
    }
    for (uint32_t i = session->binding_count; i-- > 0;) {
        if (!session->bindings[i].is_register && strcmp(session->bindings[i].name, name.ptr) == 0) {
            *out = session->bindings[i].instance;
            return true;
        }
    }
    return fail(session, "no module is called %s", name.ptr);
}

static bool binding_add(struct spec_session *session, const char *name, uint32_t instance,
                        bool is_register)
{
    char *copy = session->binding_count < NAMES_MAX ? strdup(name) : NULL;

    if (copy == NULL) {
        return fail(session, "no room for the name %s", name);
    }
    session->bindings[session->binding_count++] =
        (struct binding){.name = copy, .instance = instance, .is_register = is_register};
    return true;
}

/* After a restore the new store does not know what was registered: definitions are the embedder's.
 */
static bool define_registered(struct spec_session *session)
{
    struct stepper *stepper = &session->stepper;

    for (uint32_t i = 0; i < session->binding_count; i++) {
        const struct binding *binding = &session->bindings[i];
        if (!binding->is_register) {
            continue;
        }
        enum iso_err err = iso_store_define_instance(stepper->store, binding->name,
                                                     stepper->instances[binding->instance]);
        if (err != ISO_OK) {
            return fail(session, "cannot register %s: %s", binding->name, iso_err_name(err));
        }
    }
    return true;
}

static bool carry_over(struct spec_session *session)
{
    if (!session->options->step) {
        return true;
    }
    if (!stepper_carry_over(&session->stepper)) {
        return fail(session, "%s", session->stepper.why);
    }
    return true;
}

/* Instantiates a module file with what is registered. */
static enum iso_err instantiate(struct spec_session *session, const char *file, uint32_t *index,
                                struct iso_report *report)
{
    struct iso_module *module = NULL;
    enum iso_err err = spec_modules_get(session->modules, file, &module, report);

    if (err != ISO_OK) {
        return err;
    }
    if (session->options->step && !define_registered(session)) {
        return ISO_E_STATE;
    }
    return stepper_instantiate(&session->stepper, module, index, report);
}

static bool run_module(struct spec_session *session)
{
    const struct spec_command *command = session->command;
    struct iso_report report;
    uint32_t index = 0;

    iso_report_init(&report);
    session->current = -1;
    enum iso_err err = instantiate(session, command->file.ptr, &index, &report);
    if (err == ISO_E_TRAP) {
        return fail(session, "%s trapped: %s", command->file.ptr,
                    iso_store_trap(session->stepper.store)->message);
    }
    if (err != ISO_OK) {
        return fail(session, "%s: %s: %s", command->file.ptr, iso_err_name(err),
                    iso_report_text(&report, err));
    }
    session->current = (int64_t)index;
    if (command->name.ptr != NULL && !binding_add(session, command->name.ptr, index, false)) {
        return false;
    }
    return carry_over(session);
}

static bool run_module_definition(struct spec_session *session)
{
    const char *file = session->command->file.ptr;
    struct iso_module *module = NULL;
    struct iso_report report;

    iso_report_init(&report);
    enum iso_err err = spec_modules_get(session->modules, file, &module, &report);
    return err == ISO_OK ||
           fail(session, "%s: %s: %s", file, iso_err_name(err), iso_report_text(&report, err));
}

static bool run_register(struct spec_session *session)
{
    const char *name = session->command->text.ptr;
    uint32_t index = 0;

    if (!instance_find(session, session->command->name, &index) ||
        !binding_add(session, name, index, true)) {
        return false;
    }
    enum iso_err err =
        iso_store_define_instance(session->stepper.store, name, session->stepper.instances[index]);
    return err == ISO_OK || fail(session, "cannot register %s: %s", name, iso_err_name(err));
}

/* What an action gave: its error, or its values. */
struct outcome {
    enum iso_err err;
    uint32_t count;
    struct spec_value values[SPEC_VALUES_MAX];
};

static bool get_global(struct spec_session *session, struct iso_instance *instance,
                       struct outcome *outcome)
{
    union iso_slot value[2] = {{.u64 = 0}, {.u64 = 0}};
    enum iso_type type = ISO_TYPE_I32;
    const char *name = session->command->action.field.ptr;
    enum iso_err err = iso_instance_global_get(instance, name, &type, value);

    if (err != ISO_OK) {
        return fail(session, "global \"%s\": %s", name, iso_err_name(err));
    }
    outcome->err = ISO_OK;
    outcome->count = 1;
    (void)spec_value_from_slots(type, value, &outcome->values[0]);
    return true;
}

static bool check_arguments(struct spec_session *session, const struct iso_func_type *type)
{
    const struct spec_action *action = &session->command->action;

    if (type->param_count != action->arg_count || type->result_count > SPEC_VALUES_MAX) {
        return fail(session, "\"%s\" takes %u arguments, not %u", action->field.ptr,
                    type->param_count, action->arg_count);
    }
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (type->params[i] != action->args[i].type) {
            return fail(session, "argument %u of \"%s\" has another type", i, action->field.ptr);
        }
    }
    return true;
}

static bool call_function(struct spec_session *session, struct iso_func *func,
                          struct outcome *outcome)
{
    const struct spec_action *action = &session->command->action;
    const struct iso_func_type *type = iso_func_type(func);
    union iso_slot slots[SLOTS_MAX];
    uint32_t used = 0;

    if (!check_arguments(session, type)) {
        return false;
    }
    for (uint32_t i = 0; i < action->arg_count; i++) {
        used += spec_value_to_slots(&action->args[i], slots + used);
    }
    outcome->err = stepper_call(&session->stepper, func, slots, slots);
    if (outcome->err == ISO_E_TRAP) {
        return true;
    }
    if (outcome->err != ISO_OK) {
        return fail(session, "\"%s\": %s %s", action->field.ptr, iso_err_name(outcome->err),
                    session->stepper.why);
    }
    outcome->count = type->result_count;
    used = 0;
    for (uint32_t i = 0; i < type->result_count; i++) {
        used += spec_value_from_slots((enum iso_type)type->results[i], slots + used,
                                      &outcome->values[i]);
    }
    return true;
}

/* By name. A name with a zero byte in it cannot be looked up as a C string. */
static struct iso_func *func_find(struct iso_instance *instance, struct spec_text name)
{
    const struct iso_module *module = iso_instance_module(instance);

    if (strlen(name.ptr) == name.len) {
        return iso_instance_export_func(instance, name.ptr);
    }
    for (uint32_t i = 0; i < iso_module_export_count(module); i++) {
        struct iso_export_desc export;
        iso_module_export(module, i, &export);
        if (iso_str_equal(export.name, iso_str_from(name.ptr, name.len))) {
            return iso_instance_export_func_at(instance, i);
        }
    }
    return NULL;
}

/* False when the action could not be done at all (the failure is reported). */
static bool run_action(struct spec_session *session, struct outcome *outcome)
{
    const struct spec_action *action = &session->command->action;
    uint32_t index = 0;

    if (!instance_find(session, action->module, &index)) {
        return false;
    }
    struct iso_instance *instance = session->stepper.instances[index];
    if (session->stepper.broken || instance == NULL) {
        return fail(session, "the instance is lost: %s", session->stepper.why);
    }
    if (action->is_get) {
        return get_global(session, instance, outcome);
    }
    struct iso_func *func = func_find(instance, action->field);
    if (func == NULL) {
        return fail(session, "no function \"%s\" is exported", action->field.ptr);
    }
    return call_function(session, func, outcome);
}

static bool run_returning(struct spec_session *session, bool check)
{
    const struct spec_command *command = session->command;
    const char *field = command->action.field.ptr;
    struct outcome outcome = {.err = ISO_OK};

    if (!run_action(session, &outcome)) {
        return false;
    }
    if (outcome.err == ISO_E_TRAP) {
        return fail(session, "\"%s\" trapped: %s", field,
                    iso_store_trap(session->stepper.store)->message);
    }
    if (!check) {
        return true;
    }
    if (outcome.count != command->expected_count) {
        return fail(session, "\"%s\" returned %u values, expected %u", field, outcome.count,
                    command->expected_count);
    }
    for (uint32_t i = 0; i < outcome.count; i++) {
        if (!spec_value_matches(&command->expected[i], &outcome.values[i])) {
            char actual[256];
            char expected[256];
            spec_value_format(&outcome.values[i], actual, sizeof actual);
            spec_value_format(&command->expected[i], expected, sizeof expected);
            return fail(session, "\"%s\" returned %s, expected %s", field, actual, expected);
        }
    }
    return true;
}

static bool run_trapping(struct spec_session *session)
{
    const struct spec_command *command = session->command;
    struct outcome outcome = {.err = ISO_OK};

    if (!run_action(session, &outcome)) {
        return false;
    }
    if (outcome.err != ISO_E_TRAP) {
        return fail(session, "\"%s\" returned, expected the trap \"%s\"", command->action.field.ptr,
                    command->text.ptr);
    }
    if (command->kind == SPEC_ASSERT_EXHAUSTION &&
        iso_store_trap(session->stepper.store)->kind != ISO_TRAP_STACK) {
        return fail(session, "trapped with \"%s\", expected exhaustion",
                    iso_store_trap(session->stepper.store)->message);
    }
    return trap_agrees(session, command->text.ptr);
}

/* With --texts: rejections in other words than the reference's. That is no failure. */
static void compare_texts(struct spec_session *session, const struct iso_report *report,
                          enum iso_err err)
{
    const char *ours = iso_report_text(report, err);

    if (strstr(ours, session->command->text.ptr) != NULL) {
        return;
    }
    session->tally->other_texts++;
    if (session->options->texts) {
        (void)printf("%s:%u: \"%s\" is reported as \"%s\"\n", session->name, session->command->line,
                     session->command->text.ptr, ours);
    }
}

/* assert_invalid and assert_malformed: refused, and for the right kind of reason. */
static bool run_refused(struct spec_session *session, enum iso_err expected)
{
    const char *file = session->command->file.ptr;
    struct iso_module *module = NULL;
    struct iso_report report;

    iso_report_init(&report);
    enum iso_err err = spec_modules_get(session->modules, file, &module, &report);
    if (err == ISO_OK) {
        return fail(session, "%s is accepted, expected \"%s\"", file, session->command->text.ptr);
    }
    if (err != expected) {
        return fail(session, "%s is refused as %s (%s), expected %s (%s)", file, iso_err_name(err),
                    iso_report_text(&report, err), iso_err_name(expected),
                    session->command->text.ptr);
    }
    compare_texts(session, &report, err);
    return true;
}

/* assert_unlinkable and assert_uninstantiable: valid, but no instance comes out of it. */
static bool run_not_instantiated(struct spec_session *session, enum iso_err expected)
{
    const char *file = session->command->file.ptr;
    struct iso_report report;
    uint32_t index = 0;

    iso_report_init(&report);
    enum iso_err err = instantiate(session, file, &index, &report);
    if (err != expected) {
        return fail(session, "%s: %s (%s), expected %s (%s)", file, iso_err_name(err),
                    iso_report_text(&report, err), iso_err_name(expected),
                    session->command->text.ptr);
    }
    if (err == ISO_E_TRAP) {
        return trap_agrees(session, session->command->text.ptr) && carry_over(session);
    }
    compare_texts(session, &report, err);
    return true;
}

static bool dispatch(struct spec_session *session)
{
    switch (session->command->kind) {
    case SPEC_MODULE:
        return run_module(session);
    case SPEC_MODULE_DEFINITION:
        return run_module_definition(session);
    case SPEC_REGISTER:
        return run_register(session);
    case SPEC_ACTION:
        return run_returning(session, false);
    case SPEC_ASSERT_RETURN:
        return run_returning(session, true);
    case SPEC_ASSERT_TRAP:
    case SPEC_ASSERT_EXHAUSTION:
        return run_trapping(session);
    case SPEC_ASSERT_INVALID:
        return run_refused(session, ISO_E_INVALID);
    case SPEC_ASSERT_MALFORMED:
        return run_refused(session, ISO_E_MALFORMED);
    case SPEC_ASSERT_UNLINKABLE:
        return run_not_instantiated(session, ISO_E_LINK);
    default:
        return run_not_instantiated(session, ISO_E_TRAP);
    }
}

void spec_session_run(struct spec_session *session, const struct spec_command *command)
{
    session->command = command;
    if (dispatch(session)) {
        session->tally->passed[command->kind]++;
    } else {
        session->tally->failed[command->kind]++;
    }
}
