/* pictures.c - the function of screen.wit over isomer:device/display. */
#include <stdlib.h>
#include <string.h>

#include "screen.h"

/* "invalid: 2 x 1 pixels ..." */
static struct screen_result_void_string failure(struct types_problem problem)
{
    static const char *const kinds[] = {"unknown", "not granted", "limit",
                                        "busy",    "invalid",     "failed"};
    struct screen_result_void_string result = {.is_err = true};
    struct screen_string detail = {.len = 0};
    switch (problem.tag) {
    case TYPES_PROBLEM_UNKNOWN:
        detail = problem.val.unknown;
        break;
    case TYPES_PROBLEM_NOT_GRANTED:
        detail = problem.val.not_granted;
        break;
    case TYPES_PROBLEM_LIMIT:
        detail = problem.val.limit;
        break;
    case TYPES_PROBLEM_INVALID:
        detail = problem.val.invalid;
        break;
    case TYPES_PROBLEM_FAILED:
        detail = problem.val.failed;
        break;
    default:
        break;
    }
    const char *kind = kinds[problem.tag];
    size_t kind_len = strlen(kind);
    char *text = malloc(kind_len + 2 + detail.len);
    if (text == NULL) {
        abort();
    }
    memcpy(text, kind, kind_len);
    memcpy(text + kind_len, ": ", 2);
    if (detail.len != 0) {
        memcpy(text + kind_len + 2, detail.ptr, detail.len);
    }
    result.val.err.ptr = text;
    result.val.err.len = kind_len + (detail.len != 0 ? 2 + detail.len : 0);
    types_problem_free(&problem);
    return result;
}

struct screen_result_void_string pictures_show(struct types_frame frame)
{
    struct screen_result_void_string result = {.is_err = false};
    struct screen_option_string name = config_get(screen_string_view("display"));
    struct screen_result_void_types_problem shown =
        display_show(name.is_some ? name.val : screen_string_view("default"), frame);
    if (shown.is_err) {
        result = failure(shown.val.err);
    }
    screen_option_string_free(&name);
    types_frame_free(&frame);
    return result;
}
