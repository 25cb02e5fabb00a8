/* What the decoders of JSON and CBOR share: errors with paths, memory, records. See the header. */
#include "codec/decode.h"

static const struct iso_vmember result_members[] = {{.name = {.ptr = "ok", .len = 2}},
                                                    {.name = {.ptr = "error", .len = 5}}};
static const struct iso_vmember some_members[] = {{.name = {.ptr = "some", .len = 4}}};
const struct iso_vtype iso_result_names = {
    .kind = ISO_V_ENUM, .members = result_members, .member_count = 2};
const struct iso_vtype iso_some_names = {
    .kind = ISO_V_ENUM, .members = some_members, .member_count = 1};

void iso_decoder_init(struct iso_decoder *decoder, enum iso_form form, struct iso_bytes input,
                      struct iso_arena *arena, struct iso_report *report)
{
    static const uint8_t nothing[1] = {0};
    const uint8_t *start = input.ptr != NULL ? input.ptr : nothing;
    *decoder = (struct iso_decoder){.start = start,
                                    .at = start,
                                    .end = start + input.len,
                                    .arena = arena,
                                    .report = report,
                                    .form = form};
    /* What is on the stack goes to the arena: it need not hold more than that may. */
    iso_buf_init(&decoder->scratch, arena->alloc, arena->max_bytes);
}

void iso_decoder_fini(struct iso_decoder *decoder)
{
    iso_buf_fini(&decoder->scratch);
}

static struct iso_place place_of(const struct iso_decoder *decoder, const struct iso_vpath *path,
                                 const uint8_t *at)
{
    return (struct iso_place){.report = decoder->report,
                              .path = path,
                              .has_offset = true,
                              .offset = (uint64_t)(at - decoder->start)};
}

enum iso_err iso_decoder_fail(const struct iso_decoder *decoder, enum iso_err err,
                              const struct iso_vpath *path, const uint8_t *at, const char *format,
                              ...)
{
    struct iso_place place = place_of(decoder, path, at);
    char message[340];
    va_list args;
    va_start(args, format);
    (void)iso_format_v(message, sizeof message, format, args);
    va_end(args);
    return iso_place_fail(&place, err, "%s", message);
}

enum iso_err iso_decoder_mismatch(const struct iso_decoder *decoder, const struct iso_vpath *path,
                                  const uint8_t *at, const struct iso_vtype *type,
                                  const char *found)
{
    struct iso_place place = place_of(decoder, path, at);
    char expected[220];
    iso_expected_text(type, decoder->form, expected, sizeof expected);
    return iso_place_fail(&place, ISO_E_ARGUMENT, "expected %s, found %s", expected, found);
}

enum iso_err iso_decoder_missing(const struct iso_decoder *decoder, const struct iso_vpath *path,
                                 const uint8_t *at, const struct iso_vtype *type)
{
    struct iso_place place = place_of(decoder, path, at);
    char expected[220];
    iso_expected_text(type, decoder->form, expected, sizeof expected);
    return iso_place_fail(&place, ISO_E_ARGUMENT, "missing; expected %s", expected);
}

enum iso_err iso_decoder_unknown(const struct iso_decoder *decoder, const struct iso_vpath *path,
                                 const uint8_t *at, const struct iso_vtype *type, const char *kind,
                                 struct iso_str name)
{
    struct iso_place place = place_of(decoder, path, at);
    char names[220], unknown[60];
    struct iso_text text;
    iso_text_init(&text, unknown, sizeof unknown);
    iso_text_foreign(&text, name, sizeof unknown - 4);
    iso_text_init(&text, names, sizeof names);
    iso_member_names(&text, type);
    return iso_place_fail(&place, ISO_E_ARGUMENT, "unknown %s \"%s\"; expected %s%s", kind, unknown,
                          type->member_count > 1 ? "one of " : "", names);
}

enum iso_err iso_decoder_unknown_member(const struct iso_decoder *decoder,
                                        const struct iso_vpath *path, const uint8_t *at,
                                        const struct iso_vtype *type, const char *kind,
                                        struct iso_str name)
{
    static const char empty[] = "\"\"";
    struct iso_vpath step = {.up = path, .name = name.len != 0 ? name : iso_str_from_z(empty)};
    struct iso_place place = place_of(decoder, &step, at);
    char names[220];
    struct iso_text text;
    iso_text_init(&text, names, sizeof names);
    iso_member_names(&text, type);
    return iso_place_fail(&place, ISO_E_ARGUMENT, "unknown %s; expected %s%s", kind,
                          type->member_count > 1 ? "one of " : "",
                          type->member_count != 0 ? names : "none");
}

enum iso_err iso_decoder_enter(struct iso_decoder *decoder, const struct iso_vpath *path)
{
    if (decoder->depth == ISO_CODEC_MAX_DEPTH) {
        return iso_decoder_fail(decoder, ISO_E_LIMIT, path, decoder->at,
                                "nested deeper than %u levels", ISO_CODEC_MAX_DEPTH);
    }
    decoder->depth++;
    return ISO_OK;
}

static enum iso_err out_of_memory(const struct iso_decoder *decoder, bool at_limit)
{
    if (!at_limit) {
        return ISO_E_NOMEM;
    }
    return iso_fail(decoder->report, ISO_E_LIMIT, "the value needs more than the %zu bytes allowed",
                    decoder->arena->max_bytes);
}

enum iso_err iso_decoder_alloc(const struct iso_decoder *decoder, size_t count, size_t size,
                               void **out)
{
    struct iso_arena *arena = decoder->arena;
    void *ptr = iso_arena_array(arena, count, size);
    if (ptr == NULL) {
        /* The arena rounds sizes up to its alignment. */
        size_t left = arena->max_bytes - arena->used_bytes;
        size_t usable = left / _Alignof(max_align_t) * _Alignof(max_align_t);
        return out_of_memory(decoder, count > usable / size);
    }
    *out = ptr;
    return ISO_OK;
}

enum iso_err iso_decoder_push(struct iso_decoder *decoder, const void *data, size_t len)
{
    enum iso_err err = iso_buf_append(&decoder->scratch, data, len);
    return err == ISO_OK ? ISO_OK : out_of_memory(decoder, err == ISO_E_LIMIT);
}

enum iso_err iso_decoder_pop(struct iso_decoder *decoder, size_t mark, struct iso_bytes *out)
{
    size_t len = decoder->scratch.len - mark;
    void *bytes = NULL;
    enum iso_err err = iso_decoder_alloc(decoder, len, 1, &bytes);
    if (err == ISO_OK) {
        if (len != 0) { /* nothing was pushed yet: there is no stack to point into */
            memcpy(bytes, decoder->scratch.ptr + mark, len);
        }
        decoder->scratch.len = mark;
        *out = iso_bytes_from(bytes, len);
    }
    return err;
}

enum iso_err iso_decoder_pop_items(struct iso_decoder *decoder, size_t mark, struct iso_value *out)
{
    size_t count = (decoder->scratch.len - mark) / sizeof(struct iso_value);
    struct iso_bytes bytes = {.len = 0};
    if (count > UINT32_MAX) {
        return iso_fail(decoder->report, ISO_E_LIMIT, "a list has more than %lu items",
                        (unsigned long)UINT32_MAX);
    }
    enum iso_err err = iso_decoder_pop(decoder, mark, &bytes);
    if (err == ISO_OK) {
        /* The arena aligns for any object. */
        const void *items = bytes.ptr;
        *out = (struct iso_value){.list = {.items = items, .count = (uint32_t)count}};
    }
    return err;
}

bool iso_seen_mark(struct iso_seen *seen, uint32_t index)
{
    uint32_t bit = UINT32_C(1) << index % 32;
    bool is_new = (seen->words[index / 32] & bit) == 0;
    seen->words[index / 32] |= bit;
    return is_new;
}

enum iso_err iso_decoder_fill(struct iso_decoder *decoder, const struct iso_vtype *record,
                              const struct iso_vpath *path, const uint8_t *at,
                              const struct iso_seen *seen, struct iso_value *items)
{
    for (uint32_t i = 0; i < record->member_count; i++) {
        const struct iso_vmember *member = &record->members[i];
        if ((seen->words[i / 32] >> i % 32 & 1) != 0) {
            continue;
        }
        if (member->type->kind != ISO_V_OPTION) {
            struct iso_vpath step = {.up = path, .name = member->name};
            return iso_decoder_missing(decoder, &step, at, member->type);
        }
        items[i] = (struct iso_value){.choice = {.payload = NULL, .index = 0}};
    }
    return ISO_OK;
}

/* The parameters as a record. */
static enum iso_err record_of(const struct iso_decoder *decoder, const struct iso_wit_func *func,
                              struct iso_vtype *out)
{
    struct iso_vmember *members = NULL;
    void *memory = NULL;
    if (func->param_count > ISO_V_MAX_MEMBERS) {
        return iso_fail(decoder->report, ISO_E_LIMIT,
                        "a function has %u parameters, the limit is %u",
                        (unsigned)func->param_count, ISO_V_MAX_MEMBERS);
    }
    enum iso_err err = iso_decoder_alloc(decoder, func->param_count, sizeof *members, &memory);
    if (err != ISO_OK) {
        return err;
    }
    members = memory;
    for (uint32_t i = 0; i < func->param_count; i++) {
        members[i] =
            (struct iso_vmember){.name = func->params[i].name, .type = func->params[i].type};
    }
    *out = (struct iso_vtype){
        .kind = ISO_V_RECORD, .members = members, .member_count = func->param_count};
    return ISO_OK;
}

enum iso_err iso_decoder_params(enum iso_form form, iso_decoder_read *read,
                                const struct iso_wit_func *func, struct iso_bytes input,
                                struct iso_arena *arena, struct iso_value *values,
                                struct iso_report *report)
{
    struct iso_decoder decoder;
    struct iso_vtype params;
    void *memory = NULL;

    iso_decoder_init(&decoder, form, input, arena, report);
    enum iso_err err = record_of(&decoder, func, &params);
    if (err == ISO_OK) {
        err = iso_decoder_alloc(&decoder, func->param_count, sizeof *values, &memory);
    }
    if (err == ISO_OK) {
        err = read(&decoder, &params, memory);
    }
    iso_decoder_fini(&decoder);
    if (err == ISO_OK) {
        iso_memory_copy(values, memory, func->param_count * sizeof *values);
    }
    return err;
}
