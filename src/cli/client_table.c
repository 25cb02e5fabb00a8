/* Tables and documents of the client commands. */
#include "cli/client.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { GAP = 2, LEAST_WIDTH = 6, LEAST_WRAPPED = 24, LEAST_OPTIONAL = 12 };

const char *iso_cli_json_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

uint64_t iso_cli_json_number(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

void iso_cli_json_time(const json_t *object, const char *key, char out[ISO_CLI_TIME_SIZE])
{
    char of_ms[64];
    struct tm parts;
    (void)iso_format(of_ms, sizeof of_ms, "%s-ms", key);
    const time_t seconds = (time_t)(iso_cli_json_number(object, of_ms) / 1000);
    (void)iso_format(out, ISO_CLI_TIME_SIZE, "%s", iso_cli_json_text(object, key));
    if (seconds != 0 && gmtime_r(&seconds, &parts) != NULL) {
        (void)strftime(out, ISO_CLI_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
}

void iso_cli_ms_text(double ms, char out[ISO_CLI_MS_SIZE])
{
    if (ms < 10) {
        /* Three digits that say something, without zeros at the end. */
        (void)iso_format(out, ISO_CLI_MS_SIZE, ms < 0.001 ? "%.0f ms" : "%.3g ms", ms);
    } else if (ms < 1000) {
        (void)iso_format(out, ISO_CLI_MS_SIZE, "%.0f ms", ms);
    } else if (ms < 120e3) {
        (void)iso_format(out, ISO_CLI_MS_SIZE, "%.1f s", ms / 1e3);
    } else {
        (void)iso_format(out, ISO_CLI_MS_SIZE, "%.0f min", ms / 60e3);
    }
}

int iso_cli_show_json(const json_t *document)
{
    char *text = json_dumps(document, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_PRESERVE_ORDER);
    if (text == NULL) {
        iso_cli_error("out of memory");
        return ISO_CLI_SYSTEM;
    }
    puts(text);
    free(text);
    return iso_cli_finish_output(ISO_CLI_OK);
}

static void *must(void *block)
{
    if (block == NULL) {
        iso_cli_error("out of memory");
        exit(ISO_CLI_SYSTEM);
    }
    return block;
}

void iso_cli_table_init(struct iso_cli_table *table, const char *const *titles, size_t columns,
                        uint32_t right)
{
    ISO_ASSERT(columns <= ISO_CLI_COLUMNS_MAX);
    *table = (struct iso_cli_table){.columns = columns, .right = right};
    memcpy(table->titles, titles, columns * sizeof *titles);
}

void iso_cli_table_add(struct iso_cli_table *table, const char *const *cells)
{
    if (table->count == table->cap) {
        table->cap = table->cap != 0 ? 2 * table->cap : 16;
        table->rows = must(realloc(table->rows, table->cap * sizeof *table->rows));
    }
    char **row = must(calloc(table->columns, sizeof *row));
    for (size_t i = 0; i < table->columns; i++) {
        row[i] = must(strdup(cells[i]));
    }
    table->rows[table->count++] = row;
}

/* Characters, not bytes: names are mostly ASCII; others count by their first bytes. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += iso_utf8_begins(*text);
    }
    return width;
}

size_t iso_cli_terminal_width(FILE *out)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 20) {
        return size.ws_col;
    }
    const unsigned long said = columns != NULL ? strtoul(columns, NULL, 10) : 0;
    if (said > 20 && said < 10000) {
        return said;
    }
    return isatty(fileno(out)) ? 80 : SIZE_MAX;
}

/* Of the widest cells; the sum with the gaps between them. */
static size_t natural_widths(const struct iso_cli_table *table, size_t *widths)
{
    size_t sum = GAP * (table->columns - 1);
    for (size_t i = 0; i < table->columns; i++) {
        widths[i] = width_of(table->titles[i]);
        for (size_t r = 0; r < table->count; r++) {
            const size_t width = width_of(table->rows[r][i]);
            widths[i] = width > widths[i] ? width : widths[i];
        }
        sum += widths[i];
    }
    return sum;
}

static uint32_t without_bit(uint32_t bits, size_t i)
{
    const uint32_t below = (1u << i) - 1;
    return (bits & below) | (bits >> 1 & ~below);
}

static void remove_column(struct iso_cli_table *table, size_t i)
{
    const size_t after = table->columns - i - 1;
    memmove(&table->titles[i], &table->titles[i + 1], after * sizeof table->titles[0]);
    for (size_t r = 0; r < table->count; r++) {
        char **row = table->rows[r];
        free(row[i]);
        memmove(&row[i], &row[i + 1], after * sizeof row[0]);
    }
    table->columns--;
    table->right = without_bit(table->right, i);
    table->optional = without_bit(table->optional, i);
}

/* Widths of the columns. Optional ones are narrowed first, from the right, and left out where not
 * even the beginnings of their cells have room; then the widest is narrowed until all fit. */
static void measure(struct iso_cli_table *table, size_t max, size_t *widths)
{
    size_t sum = natural_widths(table, widths);
    for (size_t i = table->columns; sum > max && i-- > 0;) {
        const size_t least = widths[i] < LEAST_OPTIONAL ? widths[i] : LEAST_OPTIONAL;
        if ((table->optional >> i & 1u) == 0) {
            continue;
        }
        if (sum - (widths[i] - least) <= max) {
            widths[i] -= sum - max;
            return;
        }
        remove_column(table, i);
        sum = natural_widths(table, widths);
    }
    size_t *last = &widths[table->columns - 1];
    while (sum > max && table->wraps && *last > LEAST_WRAPPED) {
        (*last)--;
        sum--;
    }
    while (sum > max) {
        size_t widest = 0;
        for (size_t i = 1; i < table->columns; i++) {
            widest = widths[i] > widths[widest] ? i : widest;
        }
        if (widths[widest] <= LEAST_WIDTH) {
            return;
        }
        widths[widest]--;
        sum--;
    }
}

/* One byte of a cell: nothing from a device drives the terminal. */
static void put_byte(FILE *out, char byte)
{
    fputc((unsigned char)byte < 0x20 || byte == 0x7f ? '?' : byte, out);
}

/* Bytes of the first line of a text: as many words as fit, or what fits of the first. */
static size_t line_length(const char *text, size_t width)
{
    size_t shown = 0, space = 0, at = 0;
    for (; text[at] != '\0'; at++) {
        if (text[at] == ' ') {
            space = at;
        }
        if (iso_utf8_begins(text[at]) && ++shown > width) {
            return space != 0 ? space : at != 0 ? at : 1;
        }
    }
    return at;
}

/* The last cell of a row, over as many lines as it needs. */
static void put_wrapped(FILE *out, const char *text, size_t width, size_t indent)
{
    for (bool first = true; first || *text != '\0'; first = false) {
        for (size_t i = 0; !first && i < indent; i++) {
            fputc(' ', out);
        }
        const size_t len = line_length(text, width);
        for (size_t i = 0; i < len; i++) {
            put_byte(out, text[i]);
        }
        fputc('\n', out);
        text += len;
        text += strspn(text, " ");
    }
}

static void put_cell(FILE *out, const char *text, size_t width, bool right, bool last)
{
    const size_t own = width_of(text);
    const size_t pad = own < width ? width - own : 0;
    for (size_t i = 0; right && i < pad; i++) {
        fputc(' ', out);
    }
    size_t shown = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (iso_utf8_begins(*at) && ++shown > (own > width ? width - 1 : own)) {
            break;
        }
        put_byte(out, *at);
    }
    if (own > width) {
        fputs("…", out);
    }
    for (size_t i = 0; !right && !last && i < pad; i++) {
        fputc(' ', out);
    }
    fputs(last ? "\n" : "  ", out);
}

void iso_cli_table_print(struct iso_cli_table *table, FILE *out)
{
    size_t widths[ISO_CLI_COLUMNS_MAX] = {0};
    measure(table, iso_cli_terminal_width(out), widths);
    for (size_t i = 0; i < table->columns; i++) {
        put_cell(out, table->titles[i], widths[i], table->right >> i & 1u, i + 1 == table->columns);
    }
    for (size_t r = 0; r < table->count; r++) {
        size_t indent = 0;
        for (size_t i = 0; i < table->columns; i++) {
            const bool last = i + 1 == table->columns;
            if (last && table->wraps) {
                put_wrapped(out, table->rows[r][i], widths[i], indent);
            } else {
                put_cell(out, table->rows[r][i], widths[i], table->right >> i & 1u, last);
            }
            indent += widths[i] + GAP;
            free(table->rows[r][i]);
        }
        free(table->rows[r]);
    }
    free(table->rows);
    table->rows = NULL;
    table->count = table->cap = 0;
}
