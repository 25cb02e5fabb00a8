/*
 * statistics_table.c - describes the columns of a table in CSV (RFC 4180).
 *
 * The text is read once. Fields without quotes are views of it; those with quotes are unquoted in
 * place, for the text is ours. Memory that runs out traps: the caller learns of it as a failed
 * call.
 */
#include <math.h>
#include <stdlib.h>

#include "statistics.h"
#include "statistics_number.h"

struct reader {
    char *at;
    char *end;
    char separator[4]; /* UTF-8 */
    size_t separator_len;
    uint32_t line; /* of `at`, from 1 */
    const char *mistake;
};

struct field {
    char *ptr;
    size_t len;
    bool last; /* of its line */
};

/* What is gathered of one column. */
struct gathered {
    struct statistics_string name;
    double *numbers;
    size_t count;
    size_t room;
    uint32_t texts;
};

struct table {
    struct gathered *columns;
    size_t count;
    size_t room;
};

static void *grown(void *old, size_t *room, size_t element)
{
    *room = *room == 0 ? 16 : *room * 2;
    void *block = realloc(old, *room * element);
    if (block == NULL) {
        abort();
    }
    return block;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static bool set_separator(struct reader *reader, uint32_t c)
{
    char *out = reader->separator;
    if (c < 0x80) {
        out[0] = (char)c;
        reader->separator_len = 1;
    } else if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        reader->separator_len = 2;
    } else if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        reader->separator_len = 3;
    } else {
        out[0] = (char)(0xf0 | c >> 18);
        out[1] = (char)(0x80 | (c >> 12 & 0x3f));
        out[2] = (char)(0x80 | (c >> 6 & 0x3f));
        out[3] = (char)(0x80 | (c & 0x3f));
        reader->separator_len = 4;
    }
    return c != '"' && c != '\n' && c != '\r';
}

static bool at_separator(const struct reader *reader)
{
    return (size_t)(reader->end - reader->at) >= reader->separator_len &&
           __builtin_memcmp(reader->at, reader->separator, reader->separator_len) == 0;
}

/* 0, or the length of the line's end here; the text's end counts as one of no length. */
static bool at_line_end(const struct reader *reader, size_t *len)
{
    size_t left = (size_t)(reader->end - reader->at);
    if (left == 0) {
        *len = 0;
        return true;
    }
    *len = reader->at[0] == '\n' ? 1 : 2;
    return reader->at[0] == '\n' || (left > 1 && reader->at[0] == '\r' && reader->at[1] == '\n');
}

/* Behind the opening quote: unquote up to the closing one. */
static bool read_quoted(struct reader *reader, struct field *out)
{
    out->ptr = reader->at;
    out->len = 0;
    while (reader->at < reader->end) {
        char c = *reader->at++;
        if (c == '"') {
            if (reader->at == reader->end || *reader->at != '"') {
                return true;
            }
            reader->at++;
        }
        reader->line += c == '\n';
        out->ptr[out->len++] = c;
    }
    reader->mistake = "the quote is never closed";
    return false;
}

static bool read_field(struct reader *reader, struct field *out)
{
    size_t end_len;
    if (reader->at < reader->end && *reader->at == '"') {
        reader->at++;
        if (!read_quoted(reader, out)) {
            return false;
        }
    } else {
        out->ptr = reader->at;
        while (!at_separator(reader) && !at_line_end(reader, &end_len)) {
            reader->at++;
        }
        out->len = (size_t)(reader->at - out->ptr);
    }
    if (at_separator(reader)) {
        reader->at += reader->separator_len;
        out->last = false;
        return true;
    }
    if (!at_line_end(reader, &end_len)) {
        reader->mistake = "text follows a closing quote";
        return false;
    }
    reader->at += end_len;
    reader->line += end_len != 0;
    out->last = true;
    return true;
}

static void skip_empty_lines(struct reader *reader)
{
    size_t len;
    while (reader->at < reader->end && at_line_end(reader, &len)) {
        reader->at += len;
        reader->line++;
    }
}

/* ---- Gathering ----------------------------------------------------------------------------- */

static void add_column(struct table *table, const struct field *field)
{
    if (table->count == table->room) {
        table->columns = grown(table->columns, &table->room, sizeof *table->columns);
    }
    table->columns[table->count++] =
        (struct gathered){.name = statistics_string_copy(field->ptr, field->len)};
}

static void add_value(struct gathered *column, const struct field *field)
{
    double number;
    if (field->len == 0) {
        return;
    }
    if (!statistics_number_read(field->ptr, field->len, &number)) {
        column->texts++;
        return;
    }
    if (column->count == column->room) {
        column->numbers = grown(column->numbers, &column->room, sizeof *column->numbers);
    }
    column->numbers[column->count++] = number;
}

static bool read_table(struct reader *reader, struct table *table)
{
    struct field field = {.last = false};
    skip_empty_lines(reader);
    if (reader->at == reader->end) {
        reader->mistake = "the table has no line with the names of its columns";
        return false;
    }
    while (!field.last) {
        if (!read_field(reader, &field)) {
            return false;
        }
        add_column(table, &field);
    }
    for (skip_empty_lines(reader); reader->at < reader->end; skip_empty_lines(reader)) {
        uint32_t line = reader->line;
        size_t index = 0;
        for (field.last = false; !field.last; index++) {
            if (!read_field(reader, &field)) {
                return false;
            }
            if (index < table->count) {
                add_value(&table->columns[index], &field);
            }
        }
        if (index != table->count) {
            reader->line = line;
            reader->mistake = index < table->count
                                  ? "the line has fewer fields than the table has columns"
                                  : "the line has more fields than the table has columns";
            return false;
        }
    }
    return true;
}

/* ---- Summaries ----------------------------------------------------------------------------- */

static void sift_down(double *numbers, size_t root, size_t count)
{
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        child += child + 1 < count && numbers[child] < numbers[child + 1];
        if (numbers[root] >= numbers[child]) {
            return;
        }
        double number = numbers[root];
        numbers[root] = numbers[child];
        numbers[child] = number;
        root = child;
    }
}

static void heap_sort(double *numbers, size_t count)
{
    for (size_t i = count / 2; i > 0; i--) {
        sift_down(numbers, i - 1, count);
    }
    for (size_t i = count; i > 1; i--) {
        double largest = numbers[0];
        numbers[0] = numbers[i - 1];
        numbers[i - 1] = largest;
        sift_down(numbers, 0, i - 1);
    }
}

static struct tables_summary summarise(double *numbers, size_t count)
{
    /* Welford's method, of the distances to one of the numbers: exact enough also where the mean is
     * large beside the deviation. */
    double mean = 0, squares = 0, origin = numbers[0];
    for (size_t i = 0; i < count; i++) {
        double distance = numbers[i] - origin - mean;
        mean += distance / (double)(i + 1);
        squares += distance * (numbers[i] - origin - mean);
    }
    heap_sort(numbers, count);
    double upper = numbers[count / 2];
    double lower = numbers[(count - 1) / 2];
    return (struct tables_summary){
        .minimum = numbers[0],
        .maximum = numbers[count - 1],
        .mean = origin + mean,
        .median = lower + (upper - lower) / 2,
        .deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : 0,
    };
}

static struct statistics_list_tables_column columns_of(struct table *table)
{
    struct statistics_list_tables_column list = {.ptr = malloc(table->count * sizeof *list.ptr),
                                                 .len = table->count};
    if (list.ptr == NULL) {
        abort();
    }
    for (size_t i = 0; i < table->count; i++) {
        struct gathered *column = &table->columns[i];
        list.ptr[i] = (struct tables_column){
            .name = column->name, .numbers = (uint32_t)column->count, .texts = column->texts};
        if (column->count != 0) {
            list.ptr[i].summary.is_some = true;
            list.ptr[i].summary.val = summarise(column->numbers, column->count);
        }
        free(column->numbers);
    }
    return list;
}

static void drop_columns(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        statistics_string_free(&table->columns[i].name);
        free(table->columns[i].numbers);
    }
}

struct statistics_result_list_tables_column_tables_mistake
tables_describe(struct statistics_string csv, struct statistics_option_char separator)
{
    struct statistics_result_list_tables_column_tables_mistake result = {.is_err = true};
    struct reader reader = {.at = csv.ptr, .end = csv.ptr + csv.len, .line = 1};
    struct table table = {.columns = NULL};
    if (!set_separator(&reader, separator.is_some ? separator.val : ',')) {
        reader.mistake = "a separator is neither a quote nor the end of a line";
    } else if (read_table(&reader, &table)) {
        result.is_err = false;
    }
    if (result.is_err) {
        result.val.err.line = reader.line;
        result.val.err.message =
            statistics_string_copy(reader.mistake, __builtin_strlen(reader.mistake));
        drop_columns(&table);
    } else {
        result.val.ok = columns_of(&table);
    }
    free(table.columns);
    statistics_string_free(&csv);
    return result;
}
