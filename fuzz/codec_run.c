/* See the header. */
#include "codec_run.h"
#include "harness.h"

#include "base/alloc_test_support.h"
#include "codec/random_test_support.h"

#include <string.h>

struct run {
    const struct fuzz_form *form;
    struct iso_alloc_test memory;
    struct iso_arena types;
    struct iso_random random;
    const struct iso_vtype *type;
    struct iso_buf text;
};

/* A value of the type as text, with the changes that `data` lists. */
static void make_text(struct run *run, const uint8_t *data, size_t len)
{
    struct iso_value value;
    if (iso_random_value(&run->random, run->type, &run->types, &value) != ISO_OK ||
        run->form->encode(run->type, &value, &run->text) != ISO_OK) {
        fuzz_fail("%s: a random value cannot be written", run->form->name);
    }
    for (; len >= 3 && run->text.len != 0; data += 3, len -= 3) {
        run->text.ptr[iso_load_u16le(data) % run->text.len] = data[2];
    }
    if (len == 2) {
        run->text.len = iso_load_u16le(data) % (run->text.len + 1);
    }
}

static void check_refusal(const struct run *run, enum iso_err err, const struct iso_report *report)
{
    if (err != ISO_E_MALFORMED && err != ISO_E_ARGUMENT && err != ISO_E_LIMIT) {
        fuzz_fail("%s: refused with %s", run->form->name, iso_err_name(err));
    }
    if (!report->set || (report->has_offset && report->offset > run->text.len)) {
        fuzz_fail("%s: refused without a reason or place (%s)", run->form->name, report->text);
    }
    if (!iso_utf8_valid(report->text, strlen(report->text)) || strchr(report->text, '\n') != NULL) {
        fuzz_fail("%s: a message that is no line of text", run->form->name);
    }
}

/* What was taken comes back from its own text, which has only one form. */
static void check_value(struct run *run, const struct iso_value *value, struct iso_arena *arena)
{
    struct iso_report report;
    struct iso_buf texts[2];
    struct iso_value back;

    iso_report_init(&report);
    iso_buf_init(&texts[0], &run->memory.alloc, SIZE_MAX);
    iso_buf_init(&texts[1], &run->memory.alloc, SIZE_MAX);
    if (iso_value_check(run->type, value, &report) != ISO_OK) {
        fuzz_fail("%s: not a value of the type: %s", run->form->name, report.text);
    }
    if (run->form->encode(run->type, value, &texts[0]) != ISO_OK ||
        run->form->decode(run->type, iso_buf_view(&texts[0]), "v", arena, &back, &report) !=
            ISO_OK ||
        run->form->encode(run->type, &back, &texts[1]) != ISO_OK) {
        fuzz_fail("%s: its own text is refused: %s", run->form->name, report.text);
    }
    if (!iso_value_equal(run->type, value, &back) ||
        !iso_bytes_equal(iso_buf_view(&texts[0]), iso_buf_view(&texts[1]))) {
        fuzz_fail("%s: another value comes back", run->form->name);
    }
    iso_buf_fini(&texts[0]);
    iso_buf_fini(&texts[1]);
}

/* The text as a value; as the parameters of a function that has the members of a record. */
static void read_text(struct run *run)
{
    struct iso_arena arena;
    struct iso_report report;
    struct iso_value value;
    struct iso_value values[20];
    struct iso_wit_param params[20];
    uint32_t count = run->type->kind == ISO_V_RECORD && run->type->member_count <= 20
                         ? run->type->member_count
                         : 0;

    iso_arena_init(&arena, &run->memory.alloc, 0, 64u << 20);
    iso_report_init(&report);
    enum iso_err err =
        run->form->decode(run->type, iso_buf_view(&run->text), "v", &arena, &value, &report);
    if (err == ISO_OK) {
        check_value(run, &value, &arena);
    } else {
        check_refusal(run, err, &report);
    }
    for (uint32_t i = 0; i < count; i++) {
        params[i] = (struct iso_wit_param){.name = run->type->members[i].name,
                                           .type = run->type->members[i].type};
    }
    struct iso_wit_func func = {.params = params, .param_count = count};
    iso_report_init(&report);
    enum iso_err params_err =
        run->form->decode_params(&func, iso_buf_view(&run->text), &arena, values, &report);
    if (params_err != ISO_OK) {
        check_refusal(run, params_err, &report);
    }
    if (count != 0 && err == ISO_OK && params_err != ISO_OK) {
        fuzz_fail("%s: a record that parameters are not: %s", run->form->name, report.text);
    }
    iso_arena_fini(&arena);
}

void fuzz_codec_run(const struct fuzz_form *form, const uint8_t *data, size_t len)
{
    struct run run = {.form = form};
    if (len < 3) {
        return;
    }
    iso_alloc_test_init(&run.memory);
    run.memory.max_bytes = 256u << 20;
    iso_arena_init(&run.types, &run.memory.alloc, 0, SIZE_MAX);
    iso_buf_init(&run.text, &run.memory.alloc, SIZE_MAX);
    iso_random_init(&run.random, iso_load_u16le(data));
    run.type = iso_random_type(&run.random, &run.types, 1 + data[0] % 5);
    if (run.type == NULL) {
        fuzz_fail("no memory for a type");
    }
    if ((data[2] & 1) != 0) {
        make_text(&run, data + 3, len - 3);
    } else if (iso_buf_append(&run.text, data + 3, len - 3) != ISO_OK) {
        fuzz_fail("no memory for the text");
    }
    read_text(&run);
    iso_buf_fini(&run.text);
    iso_arena_fini(&run.types);
    if (run.memory.live_bytes != 0) {
        fuzz_fail("%zu bytes leaked", run.memory.live_bytes);
    }
}
