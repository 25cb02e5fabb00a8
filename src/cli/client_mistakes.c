/* Mistakes of a manifest, with the lines that they are on: what the orchestrator found, shown as
 * its own programs do (orchestrator/manifest.h). */
#include "cli/client_mistakes.h"

#include "cli/client.h"
#include "cli/message.h"
#include "orchestrator/manifest.h"

#include <stdlib.h>

/* Lines harmless to the terminal; their tabs stay, for carets stand below them. */
static void print_lines(struct iso_str text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n' || text.ptr[i] == '\t') {
            iso_cli_print_str(stderr, iso_str_from(text.ptr + from, i - from));
            fputc(text.ptr[i], stderr);
            from = i + 1;
        }
    }
}

static void show(struct iso_or_mistake *items, size_t count, const char *name, struct iso_str text)
{
    struct iso_buf out;
    const struct iso_or_mistakes mistakes = {.items = items, .count = count};
    iso_buf_init(&out, iso_alloc_libc(), 16u << 20);
    if (iso_or_mistakes_text(&mistakes, name, text, &out) != ISO_OK) {
        iso_cli_error("out of memory");
    }
    print_lines(iso_str_from((const char *)out.ptr, out.len));
    iso_buf_fini(&out);
}

/* A place that no text has is shown at the beginning. */
static uint32_t place_of(const json_t *mistake, const char *key)
{
    const uint64_t value = iso_cli_json_number(mistake, key);
    return value == 0 || value > INT32_MAX ? 1 : (uint32_t)value;
}

size_t iso_cli_mistakes_print(const json_t *mistakes, const char *name, struct iso_str text)
{
    const size_t count = json_array_size(mistakes);
    struct iso_or_mistake *items = calloc(count != 0 ? count : 1, sizeof *items);
    size_t i, errors = 0;
    json_t *mistake;
    if (items == NULL) {
        iso_cli_error("out of memory");
        return count;
    }
    json_array_foreach((json_t *)(uintptr_t)mistakes, i, mistake)
    {
        items[i] = (struct iso_or_mistake){
            .line = place_of(mistake, "line"),
            .column = place_of(mistake, "column"),
            .length = place_of(mistake, "length"),
            .warning = strcmp(iso_cli_json_text(mistake, "severity"), "warning") == 0,
            .text = iso_str_from_z(iso_cli_json_text(mistake, "text"))};
        errors += !items[i].warning;
    }
    show(items, count, name, text);
    free(items);
    return errors;
}

/* What a mistake points to; nothing when its place is not in the text. */
static struct iso_str words_of(struct iso_str text, const json_t *mistake)
{
    uint32_t line = place_of(mistake, "line"), column = place_of(mistake, "column");
    uint32_t length = place_of(mistake, "length");
    size_t from = 0;
    for (; from < text.len && line > 1; from++) {
        line -= text.ptr[from] == '\n';
    }
    for (; from < text.len && column > 1; from++) {
        column -= from + 1 < text.len && iso_utf8_begins(text.ptr[from + 1]);
    }
    size_t end = from;
    while (end < text.len && (length > 0 || !iso_utf8_begins(text.ptr[end]))) {
        length -= iso_utf8_begins(text.ptr[end]);
        end++;
    }
    return iso_str_from(text.ptr + from, end - from);
}

bool iso_cli_mistakes_match(struct iso_str text, const json_t *one, const json_t *other)
{
    const struct iso_str words = words_of(text, one);
    return words.len != 0 && iso_str_equal(words, words_of(text, other));
}

json_t *iso_cli_mistake_new(struct iso_str text, const char *found, const char *message)
{
    const size_t len = strlen(found);
    json_int_t line = 1, column = 1, length = 0;
    size_t at = 0;
    while (at + len <= text.len && memcmp(text.ptr + at, found, len) != 0) {
        const bool end = text.ptr[at] == '\n';
        line += end;
        column = end ? 1 : column + iso_utf8_begins(text.ptr[at]);
        at++;
    }
    for (size_t i = 0; i < len; i++) {
        length += iso_utf8_begins(found[i]);
    }
    const bool there = at + len <= text.len; /* not when it is written with escapes */
    return json_pack("{s:I, s:I, s:I, s:s, s:s}", "line", there ? line : 1, "column",
                     there ? column : 1, "length", there ? length : 1, "severity", "error", "text",
                     message);
}
