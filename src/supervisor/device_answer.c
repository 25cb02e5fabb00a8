/*
 * device_answer.c - results of host functions: values of result<T, problem> as in device.wit.
 */
#include "supervisor/device_internal.h"

void iso_sv_trouble_set(struct iso_sv_trouble *trouble, enum iso_sv_problem kind,
                        const char *format, ...)
{
    if (trouble->set) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)iso_format_v(trouble->text, sizeof trouble->text, format, args);
    va_end(args);
    trouble->kind = kind;
    trouble->set = true;
}

enum iso_host_result iso_sv_answer_nomem(const struct iso_sv_answer *answer)
{
    iso_host_trap(answer->call, "the result of a device function needs more memory than there is");
    return ISO_HOST_TRAP;
}

enum iso_host_result iso_sv_answer_trouble(const struct iso_sv_answer *answer,
                                           const struct iso_sv_trouble *trouble)
{
    struct iso_value *problem = iso_arena_array(answer->arena, 2, sizeof *problem);
    char *text = iso_arena_copy_str(answer->arena, iso_str_from_z(trouble->text));
    if (problem == NULL || text == NULL) {
        return iso_sv_answer_nomem(answer);
    }
    problem[1].string = iso_str_from_z(text);
    problem[0].choice.index = (uint32_t)trouble->kind;
    problem[0].choice.payload = trouble->kind == ISO_SV_IN_USE ? NULL : &problem[1];
    answer->result->choice.index = 1;
    answer->result->choice.payload = problem;
    return ISO_HOST_DONE;
}

enum iso_host_result iso_sv_answer_problem(const struct iso_sv_answer *answer,
                                           enum iso_sv_problem kind, const char *format, ...)
{
    struct iso_sv_trouble trouble = {.set = true, .kind = kind};
    va_list args;
    va_start(args, format);
    /* Names come from guests, which may make them as long as they like. */
    (void)iso_format_v(trouble.text, sizeof trouble.text, format, args);
    va_end(args);
    return iso_sv_answer_trouble(answer, &trouble);
}

enum iso_host_result iso_sv_answer_ok(const struct iso_sv_answer *answer,
                                      const struct iso_value *value)
{
    struct iso_value *payload = NULL;
    if (value != NULL) {
        payload = iso_arena_alloc(answer->arena, sizeof *payload);
        if (payload == NULL) {
            return iso_sv_answer_nomem(answer);
        }
        *payload = *value;
    }
    answer->result->choice.index = 0;
    answer->result->choice.payload = payload;
    return ISO_HOST_DONE;
}

struct iso_value iso_sv_value_string(const char *text)
{
    return (struct iso_value){.string = iso_str_from_z(text)};
}

/* ---- Names and grants ----------------------------------------------------------------------- */

size_t iso_sv_name_find(struct iso_str name, const char *(*name_of)(const void *ctx, size_t i),
                        const void *ctx, size_t count)
{
    if (iso_str_equal_z(name, "default")) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (iso_str_equal_z(name, name_of(ctx, i))) {
            return i;
        }
    }
    return count;
}

bool iso_sv_answer_granted(const struct iso_sv_answer *answer, struct iso_sv_guest *guest,
                           const char *interface, struct iso_str asked, const char *name,
                           enum iso_host_result *answered)
{
    int shown = asked.len < 64 ? (int)asked.len : 64;
    if (iso_sv_guest_may(guest, interface, asked) ||
        iso_sv_guest_granted(guest, interface, name != NULL ? iso_str_from_z(name) : asked)) {
        if (name != NULL) {
            return true;
        }
        *answered = iso_sv_answer_problem(answer, ISO_SV_UNKNOWN_NAME, "%.*s", shown, asked.ptr);
        return false;
    }
    *answered = iso_sv_answer_problem(answer, ISO_SV_NOT_GRANTED, "%s \"%.*s\"", interface, shown,
                                      asked.ptr);
    return false;
}

enum iso_host_result iso_sv_answer_names(const struct iso_sv_answer *answer,
                                         struct iso_sv_guest *guest, const char *interface,
                                         const char *(*name_of)(const void *ctx, size_t i),
                                         const void *ctx, size_t count)
{
    struct iso_value *names = iso_arena_array(answer->arena, count, sizeof *names);
    uint32_t listed = 0;
    if (names == NULL) {
        return iso_sv_answer_nomem(answer);
    }
    for (size_t i = 0; i < count; i++) {
        struct iso_str name = iso_str_from_z(name_of(ctx, i));
        bool first = i == 0 && iso_sv_guest_may(guest, interface, iso_str_from_z("default"));
        if (first || iso_sv_guest_may(guest, interface, name)) {
            names[listed++].string = name;
        }
    }
    answer->result->list.items = names;
    answer->result->list.count = listed;
    return ISO_HOST_DONE;
}
