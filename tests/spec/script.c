/* Parsing of test scripts (grammar: spec2script.py) and comparison of values, with the NaN patterns
 * of the reference interpreter's script language (its README, "Scripts"). */
#define _POSIX_C_SOURCE 200809L
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[SPEC_KIND_COUNT] = {
    [SPEC_MODULE] = "module",
    [SPEC_MODULE_DEFINITION] = "module_definition",
    [SPEC_REGISTER] = "register",
    [SPEC_ACTION] = "action",
    [SPEC_ASSERT_RETURN] = "assert_return",
    [SPEC_ASSERT_TRAP] = "assert_trap",
    [SPEC_ASSERT_EXHAUSTION] = "assert_exhaustion",
    [SPEC_ASSERT_INVALID] = "assert_invalid",
    [SPEC_ASSERT_MALFORMED] = "assert_malformed",
    [SPEC_ASSERT_UNLINKABLE] = "assert_unlinkable",
    [SPEC_ASSERT_UNINSTANTIABLE] = "assert_uninstantiable",
};

const char *spec_kind_name(enum spec_kind kind)
{
    return kind_names[kind];
}

/* The words of a line, taken one after the other. A word that is missing sets `failed`. */
struct words {
    char *list[SPEC_WORDS_MAX];
    size_t count;
    size_t next;
    const char *failed; /* static text; NULL while all is well */
};

static void words_split(char *line, struct words *words)
{
    char *save = NULL;

    *words = (struct words){.count = 0};
    for (char *word = strtok_r(line, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        if (words->count == SPEC_WORDS_MAX) {
            words->failed = "too many words";
            return;
        }
        words->list[words->count++] = word;
    }
}

static char *word_take(struct words *words)
{
    static char absent[] = "-";

    if (words->next == words->count) {
        words->failed = "a word is missing";
        return absent;
    }
    return words->list[words->next++];
}

static uint32_t count_take(struct words *words)
{
    unsigned long count = strtoul(word_take(words), NULL, 10);

    if (count > SPEC_VALUES_MAX) {
        words->failed = "too many values";
        return 0;
    }
    return (uint32_t)count;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "=text with %20" is decoded in place, "-" is absent. */
static struct spec_text text_take(struct words *words)
{
    char *from = word_take(words);
    char *start = from + 1;
    char *to = start;

    if (strcmp(from, "-") == 0) {
        return (struct spec_text){.ptr = NULL};
    }
    if (*from++ != '=') {
        words->failed = "a string does not begin with '='";
        return (struct spec_text){.ptr = NULL};
    }
    while (*from != '\0') {
        if (*from != '%') {
            *to++ = *from++;
            continue;
        }
        int high = hex_digit(from[1]);
        int low = high < 0 ? -1 : hex_digit(from[2]);
        if (low < 0) {
            words->failed = "a string has a bad escape";
            return (struct spec_text){.ptr = NULL};
        }
        *to++ = (char)(high << 4 | low);
        from += 3;
    }
    *to = '\0';
    return (struct spec_text){.ptr = start, .len = (size_t)(to - start)};
}

static void lane_store(struct spec_value *value, size_t lane, uint64_t bits)
{
    for (size_t i = 0; i < value->lane_bytes; i++) {
        value->bytes[lane * value->lane_bytes + i] = (uint8_t)(bits >> (8 * i));
    }
}

static uint64_t lane_load(const struct spec_value *value, size_t lane)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < value->lane_bytes; i++) {
        bits |= (uint64_t)value->bytes[lane * value->lane_bytes + i] << (8 * i);
    }
    return bits;
}

/* One lane's text: decimal bits or a NaN pattern. */
static bool lane_parse(const char *text, struct spec_value *value, size_t lane)
{
    char *end = NULL;

    if (strcmp(text, "nan:canonical") == 0) {
        value->pattern[lane] = SPEC_NAN_CANONICAL;
        return true;
    }
    if (strcmp(text, "nan:arithmetic") == 0) {
        value->pattern[lane] = SPEC_NAN_ARITHMETIC;
        return true;
    }
    uint64_t bits =
        *text == '-' ? (uint64_t)strtoll(text, &end, 10) : (uint64_t)strtoull(text, &end, 10);
    lane_store(value, lane, bits);
    return end != text && *end == '\0';
}

static uint8_t lane_bytes_of(const char *lane_type)
{
    static const struct {
        const char *name;
        uint8_t bytes;
    } types[] = {{"i8", 1}, {"i16", 2}, {"i32", 4}, {"i64", 8}, {"f32", 4}, {"f64", 8}};

    for (size_t i = 0; i < ISO_COUNT_OF(types); i++) {
        if (strcmp(types[i].name, lane_type) == 0) {
            return types[i].bytes;
        }
    }
    return 0;
}

/* "i32:0,1,2,3" after "v128:". */
static bool vector_parse(char *text, struct spec_value *value)
{
    char *lanes = strchr(text, ':');
    char *save = NULL;

    if (lanes == NULL) {
        return false;
    }
    *lanes++ = '\0';
    value->type = ISO_TYPE_V128;
    value->lane_bytes = lane_bytes_of(text);
    if (value->lane_bytes == 0) {
        return false;
    }
    for (char *lane = strtok_r(lanes, ",", &save); lane != NULL;
         lane = strtok_r(NULL, ",", &save)) {
        if (value->lanes * value->lane_bytes >= 16 || !lane_parse(lane, value, value->lanes)) {
            return false;
        }
        value->lanes++;
    }
    return value->lanes * value->lane_bytes == 16;
}

/* "null", "any", or the embedder's number n, which becomes n + 1 because 0 is null. */
static bool reference_parse(const char *text, enum iso_type type, struct spec_value *value)
{
    value->type = type;
    value->lanes = 1;
    value->lane_bytes = 8;
    if (strcmp(text, "null") == 0) {
        return true;
    }
    if (strcmp(text, "any") == 0) {
        value->pattern[0] = SPEC_NOT_NULL;
        return true;
    }
    lane_store(value, 0, strtoull(text, NULL, 10) + 1);
    return type == ISO_TYPE_EXTERNREF;
}

static bool value_parse(char *text, struct spec_value *value)
{
    static const struct {
        const char *name;
        enum iso_type type;
        uint8_t bytes;
    } numbers[] = {{"i32", ISO_TYPE_I32, 4},
                   {"i64", ISO_TYPE_I64, 8},
                   {"f32", ISO_TYPE_F32, 4},
                   {"f64", ISO_TYPE_F64, 8}};
    char *rest = strchr(text, ':');

    memset(value, 0, sizeof *value);
    if (rest == NULL) {
        return false;
    }
    *rest++ = '\0';
    if (strcmp(text, "v128") == 0) {
        return vector_parse(rest, value);
    }
    if (strcmp(text, "externref") == 0) {
        return reference_parse(rest, ISO_TYPE_EXTERNREF, value);
    }
    if (strcmp(text, "funcref") == 0) {
        return reference_parse(rest, ISO_TYPE_FUNCREF, value);
    }
    for (size_t i = 0; i < ISO_COUNT_OF(numbers); i++) {
        if (strcmp(numbers[i].name, text) == 0) {
            value->type = numbers[i].type;
            value->lanes = 1;
            value->lane_bytes = numbers[i].bytes;
            return lane_parse(rest, value, 0);
        }
    }
    return false;
}

static void values_take(struct words *words, struct spec_value *values, uint32_t *count)
{
    *count = count_take(words);
    for (uint32_t i = 0; i < *count; i++) {
        if (!value_parse(word_take(words), &values[i])) {
            words->failed = "a value is not understood";
            return;
        }
    }
}

static void action_take(struct words *words, struct spec_action *action)
{
    const char *verb = word_take(words);

    action->is_get = strcmp(verb, "get") == 0;
    if (!action->is_get && strcmp(verb, "invoke") != 0) {
        words->failed = "an action is neither invoke nor get";
        return;
    }
    action->module = text_take(words);
    action->field = text_take(words);
    action->arg_count = 0;
    if (!action->is_get) {
        values_take(words, action->args, &action->arg_count);
    }
}

static void operands_take(struct words *words, struct spec_command *out)
{
    switch (out->kind) {
    case SPEC_MODULE:
    case SPEC_MODULE_DEFINITION:
        out->file = text_take(words);
        out->name = text_take(words);
        break;
    case SPEC_REGISTER:
        out->text = text_take(words);
        out->name = text_take(words);
        break;
    case SPEC_ACTION:
        action_take(words, &out->action);
        break;
    case SPEC_ASSERT_RETURN:
        action_take(words, &out->action);
        values_take(words, out->expected, &out->expected_count);
        break;
    case SPEC_ASSERT_TRAP:
    case SPEC_ASSERT_EXHAUSTION:
        out->text = text_take(words);
        action_take(words, &out->action);
        break;
    default:
        out->text = text_take(words);
        out->file = text_take(words);
        break;
    }
}

bool spec_command_parse(char *line, struct spec_command *out, const char **why)
{
    struct words words;
    const char *verb;
    int kind = 0;

    words_split(line, &words);
    verb = word_take(&words);
    while (kind < SPEC_KIND_COUNT && strcmp(kind_names[kind], verb) != 0) {
        kind++;
    }
    if (kind == SPEC_KIND_COUNT) {
        *why = "unknown command";
        return false;
    }
    out->kind = (enum spec_kind)kind;
    out->line = (unsigned)strtoul(word_take(&words), NULL, 10);
    operands_take(&words, out);
    if (words.failed == NULL && words.next != words.count) {
        words.failed = "words are left over";
    }
    *why = words.failed;
    return words.failed == NULL;
}

uint32_t spec_value_to_slots(const struct spec_value *value, union iso_slot *slots)
{
    memset(slots, 0, sizeof *slots);
    switch (value->type) {
    case ISO_TYPE_V128:
        memcpy(slots[0].bytes, value->bytes, 8);
        memcpy(slots[1].bytes, value->bytes + 8, 8);
        return 2;
    case ISO_TYPE_I32:
    case ISO_TYPE_F32:
        slots->u32 = (uint32_t)lane_load(value, 0);
        return 1;
    default:
        slots->u64 = lane_load(value, 0);
        return 1;
    }
}

uint32_t spec_value_from_slots(enum iso_type type, const union iso_slot *slots,
                               struct spec_value *out)
{
    memset(out, 0, sizeof *out);
    out->type = type;
    out->lanes = 1;
    out->lane_bytes = 8;
    switch (type) {
    case ISO_TYPE_V128:
        out->lanes = 16;
        out->lane_bytes = 1;
        memcpy(out->bytes, slots[0].bytes, 8);
        memcpy(out->bytes + 8, slots[1].bytes, 8);
        return 2;
    case ISO_TYPE_I32:
    case ISO_TYPE_F32:
        out->lane_bytes = 4;
        lane_store(out, 0, slots->u32);
        return 1;
    default:
        lane_store(out, 0, slots->u64);
        return 1;
    }
}

/* Canonical: only the top bit of the payload; arithmetic: the top bit at least (spec 4.3.3). */
static bool nan_matches(uint64_t bits, uint8_t lane_bytes, bool canonical)
{
    uint64_t quiet = lane_bytes == 4 ? UINT64_C(0x7fc00000) : UINT64_C(0x7ff8000000000000);
    uint64_t sign = lane_bytes == 4 ? UINT64_C(0x80000000) : UINT64_C(0x8000000000000000);

    return canonical ? (bits & ~sign) == quiet : (bits & quiet) == quiet;
}

bool spec_value_matches(const struct spec_value *expected, const struct spec_value *actual)
{
    struct spec_value view = *actual; /* the same bytes, seen as the lanes that are expected */

    if (expected->type != actual->type) {
        return false;
    }
    view.lanes = expected->lanes;
    view.lane_bytes = expected->lane_bytes;
    for (size_t lane = 0; lane < expected->lanes; lane++) {
        uint64_t bits = lane_load(&view, lane);
        bool matches = false;
        switch (expected->pattern[lane]) {
        case SPEC_EXACT:
            matches = bits == lane_load(expected, lane);
            break;
        case SPEC_NOT_NULL:
            matches = bits != 0;
            break;
        default:
            matches =
                nan_matches(bits, view.lane_bytes, expected->pattern[lane] == SPEC_NAN_CANONICAL);
            break;
        }
        if (!matches) {
            return false;
        }
    }
    return true;
}

void spec_value_format(const struct spec_value *value, char *out, size_t cap)
{
    size_t len = iso_format(out, cap, "%s", iso_type_name(value->type));

    for (size_t lane = 0; lane < value->lanes && len < cap; lane++) {
        static const char *const patterns[] = {"", "nan:canonical", "nan:arithmetic", "not null"};
        uint8_t pattern = value->pattern[lane];
        len += pattern != SPEC_EXACT
                   ? iso_format(out + len, cap - len, " %s", patterns[pattern])
                   : iso_format(out + len, cap - len, " %0*llx", 2 * value->lane_bytes,
                                (unsigned long long)lane_load(value, lane));
    }
}
