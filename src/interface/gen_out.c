/* Text, identifiers and comments of generated files. */
#include "interface/gen_out.h"

#include <stdarg.h>

/* Embedded from the folder support. */
extern const struct iso_texts gen_support_texts;

void gen_out_init(struct gen_out *out, struct iso_buf *buf)
{
    *out = (struct gen_out){.buf = buf};
}

static void put(struct gen_out *out, const char *text, size_t len)
{
    if (out->err == ISO_OK) {
        out->err = iso_buf_append(out->buf, text, len);
    }
}

void gen_put_str(struct gen_out *out, struct iso_str text)
{
    put(out, text.ptr, text.len);
}

void gen_put_support(struct gen_out *out, const char *name)
{
    const struct iso_alloc *alloc = out->buf->alloc;
    char *all = NULL;
    if (out->err == ISO_OK) {
        out->err = iso_texts_unpack(&gen_support_texts, alloc, &all);
    }
    if (out->err == ISO_OK) {
        const char *text = iso_texts_find(all, name);
        ISO_ASSERT(text != NULL);
        put(out, text, strlen(text));
        iso_alloc_free(alloc, all, gen_support_texts.len);
    }
}

static void put_u32(struct gen_out *out, uint32_t value)
{
    char text[12];
    put(out, text, iso_format(text, sizeof text, "%lu", (unsigned long)value));
}

static void put_i32(struct gen_out *out, int value)
{
    char text[13];
    put(out, text, iso_format(text, sizeof text, "%d", value));
}

/* Formats are the generators' own: an unknown conversion is a mistake of the programmer. */
static void put_v(struct gen_out *out, const char *format, va_list args) ISO_PRINTF(2, 0);
static void put_v(struct gen_out *out, const char *format, va_list args)
{
    const char *at = format;
    while (*at != '\0') {
        size_t plain = strcspn(at, "%");
        put(out, at, plain);
        at += plain;
        if (*at == '\0') {
            break;
        }
        at++;
        if (*at == '%') {
            put(out, "%", 1);
        } else if (*at == 's') {
            const char *text = va_arg(args, const char *);
            if (text == NULL) {
                out->err = out->err != ISO_OK ? out->err : ISO_E_NOMEM;
            } else {
                put(out, text, strlen(text));
            }
        } else if (*at == 'u') {
            put_u32(out, va_arg(args, unsigned));
        } else if (*at == 'd') {
            put_i32(out, va_arg(args, int));
        } else {
            ISO_ASSERT(at[0] == '.' && at[1] == '*' && at[2] == 's');
            int len = va_arg(args, int);
            put(out, va_arg(args, const char *), (size_t)len);
            at += 2;
        }
        at++;
    }
}

void gen_put(struct gen_out *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_v(out, format, args);
    va_end(args);
}

void gen_begin(struct gen_out *out)
{
    for (unsigned i = 0; i < out->indent; i++) {
        put(out, "    ", 4);
    }
}

static void line_v(struct gen_out *out, const char *format, va_list args) ISO_PRINTF(2, 0);
static void line_v(struct gen_out *out, const char *format, va_list args)
{
    gen_begin(out);
    put_v(out, format, args);
    put(out, "\n", 1);
}

void gen_line(struct gen_out *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    line_v(out, format, args);
    va_end(args);
}

void gen_blank(struct gen_out *out)
{
    put(out, "\n", 1);
}

void gen_open(struct gen_out *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    line_v(out, format, args);
    va_end(args);
    out->indent++;
}

void gen_close(struct gen_out *out, const char *text)
{
    ISO_ASSERT(out->indent > 0);
    out->indent--;
    gen_line(out, "%s", text);
}

/* ---- Comments ------------------------------------------------------------------------------ */

void gen_doc(struct gen_out *out, struct iso_str doc, const char *prefix, bool c_comment)
{
    size_t at = 0;
    while (at < doc.len) {
        size_t end = at;
        while (end < doc.len && doc.ptr[end] != '\n') {
            end++;
        }
        size_t stop = end;
        while (stop > at && (unsigned char)doc.ptr[stop - 1] <= ' ') {
            stop--;
        }
        size_t mark = strlen(prefix);
        gen_begin(out);
        put(out, prefix, stop == at && mark > 0 ? mark - 1 : mark);
        for (size_t i = at; i < stop; i++) {
            char c = doc.ptr[i];
            if ((unsigned char)c < ' ') {
                c = ' ';
            }
            put(out, &c, 1);
            bool closes = c == '*' && i + 1 < stop && doc.ptr[i + 1] == '/';
            bool opens = c == '/' && i + 1 < stop && doc.ptr[i + 1] == '*';
            if (c_comment && (closes || opens)) {
                put(out, " ", 1);
            }
        }
        put(out, "\n", 1);
        at = end + 1;
    }
}

static size_t count_columns(const char *text, size_t len)
{
    size_t columns = 0;
    for (size_t i = 0; i < len; i++) {
        columns += iso_utf8_begins(text[i]);
    }
    return columns;
}

struct wrap {
    struct gen_out *out;
    size_t column; /* of the present line; 0: not begun */
    unsigned indent;
    unsigned width;
};

static void wrap_break(struct wrap *wrap)
{
    if (wrap->column != 0) {
        put(wrap->out, "\n", 1);
        wrap->column = 0;
    }
}

static void wrap_word(struct wrap *wrap, const char *word, size_t len)
{
    size_t columns = count_columns(word, len);
    if (wrap->column != 0 && wrap->column + 1 + columns > wrap->width) {
        wrap_break(wrap);
    }
    if (wrap->column == 0) {
        for (unsigned i = 0; i < wrap->indent; i++) {
            put(wrap->out, " ", 1);
        }
        wrap->column = wrap->indent;
    } else {
        put(wrap->out, " ", 1);
        wrap->column++;
    }
    put(wrap->out, word, len);
    wrap->column += columns;
    if (wrap->column == 0) {
        wrap->column = 1;
    }
}

static void wrap_line(struct wrap *wrap, const char *line, size_t len)
{
    size_t at = 0;
    while (at < len) {
        while (at < len && (unsigned char)line[at] <= ' ') {
            at++;
        }
        size_t begin = at;
        while (at < len && (unsigned char)line[at] > ' ') {
            at++;
        }
        if (at > begin) {
            wrap_word(wrap, line + begin, at - begin);
        }
    }
}

void gen_wrap(struct gen_out *out, struct iso_str text, unsigned indent, unsigned width)
{
    struct wrap wrap = {.out = out, .indent = indent, .width = width};
    size_t at = 0;
    while (at < text.len) {
        size_t end = at;
        while (end < text.len && text.ptr[end] != '\n') {
            end++;
        }
        const char *line = text.ptr + at;
        size_t len = end - at;
        size_t skip = 0;
        while (skip < len && (unsigned char)line[skip] <= ' ') {
            skip++;
        }
        if (skip == len) {
            wrap_break(&wrap);
            put(out, "\n", 1);
        } else {
            if (strchr(" \t-*|`#", line[0]) != NULL) {
                wrap_break(&wrap);
            }
            wrap_line(&wrap, line, len);
        }
        at = end + 1;
    }
    wrap_break(&wrap);
}

/* ---- Identifiers --------------------------------------------------------------------------- */

static char to_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

char *gen_ident(struct iso_arena *arena, struct iso_str name, enum gen_case style)
{
    char *text = iso_arena_alloc(arena, name.len + 2);
    if (text == NULL) {
        return NULL;
    }
    size_t len = 0;
    bool first = true; /* of a word */
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!is_word(c)) {
            first = true;
            if (style <= GEN_UPPER) {
                text[len++] = '_';
            }
            continue;
        }
        if (len == 0 && c >= '0' && c <= '9') {
            text[len++] = '_';
        }
        bool upper = style == GEN_UPPER || (style == GEN_PASCAL && first) ||
                     (style == GEN_CAMEL && first && len != 0);
        text[len++] = upper ? to_upper(c) : to_lower(c);
        first = false;
    }
    if (len == 0) {
        text[len++] = '_';
    }
    text[len] = '\0';
    return text;
}

char *gen_join(struct iso_arena *arena, const char *first, ...)
{
    va_list args;
    size_t len = 0;
    va_start(args, first);
    for (const char *part = first; part != NULL; part = va_arg(args, const char *)) {
        len += strlen(part);
    }
    va_end(args);
    char *text = iso_arena_alloc(arena, len + 1);
    if (text == NULL) {
        return NULL;
    }
    size_t at = 0;
    va_start(args, first);
    for (const char *part = first; part != NULL; part = va_arg(args, const char *)) {
        size_t size = strlen(part);
        memcpy(text + at, part, size);
        at += size;
    }
    va_end(args);
    text[at] = '\0';
    return text;
}

char *gen_ident_unreserved(struct iso_arena *arena, struct iso_str name, enum gen_case style,
                           const char *reserved)
{
    char *text = gen_ident(arena, name, style);
    size_t len = text != NULL ? strlen(text) : 0;
    for (const char *word = reserved; text != NULL && *word != '\0';) {
        size_t word_len = strcspn(word, " ");
        if (word_len == len && memcmp(word, text, len) == 0) {
            return gen_join(arena, text, "_", NULL);
        }
        word += word_len + (word[word_len] == ' ');
    }
    return text;
}

char *gen_number(struct iso_arena *arena, uint32_t value)
{
    char text[12];
    size_t len = iso_format(text, sizeof text, "%lu", (unsigned long)value);
    return iso_arena_copy_str(arena, iso_str_from(text, len));
}

/* ---- Names that are taken ------------------------------------------------------------------ */

void gen_names_init(struct gen_names *names, struct iso_arena *arena)
{
    *names = (struct gen_names){.arena = arena};
}

static size_t hash(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name != '\0'; name++) {
        h = (h ^ (unsigned char)*name) * 16777619u;
    }
    return h;
}

static size_t find_slot(const struct gen_names *names, const char *name)
{
    size_t at = hash(name) & (names->cap - 1);
    while (names->slots[at] != NULL && strcmp(names->slots[at], name) != 0) {
        at = (at + 1) & (names->cap - 1);
    }
    return at;
}

uint32_t gen_names_get(const struct gen_names *names, const char *name)
{
    if (names->cap == 0) {
        return GEN_NONE;
    }
    size_t at = find_slot(names, name);
    return names->slots[at] != NULL ? names->values[at] : GEN_NONE;
}

static bool grow(struct gen_names *names)
{
    if ((names->count + 1) * 2 <= names->cap) {
        return true;
    }
    struct gen_names larger = {.cap = names->cap == 0 ? 64 : names->cap * 2};
    larger.slots = iso_arena_array(names->arena, larger.cap, sizeof *larger.slots);
    larger.values = iso_arena_array(names->arena, larger.cap, sizeof *larger.values);
    if (larger.slots == NULL || larger.values == NULL) {
        return false;
    }
    for (size_t i = 0; i < names->cap; i++) {
        if (names->slots[i] != NULL) {
            size_t at = find_slot(&larger, names->slots[i]);
            larger.slots[at] = names->slots[i];
            larger.values[at] = names->values[i];
        }
    }
    names->slots = larger.slots;
    names->values = larger.values;
    names->cap = larger.cap;
    return true;
}

bool gen_names_take(struct gen_names *names, const char *name)
{
    return gen_names_put(names, name, 0);
}

bool gen_names_put(struct gen_names *names, const char *name, uint32_t value)
{
    if (!grow(names)) {
        return false;
    }
    size_t at = find_slot(names, name);
    if (names->slots[at] != NULL) {
        return false;
    }
    names->slots[at] = name;
    names->values[at] = value;
    names->count++;
    return true;
}

char *gen_names_claim(struct gen_names *names, char *name, char *other)
{
    if (name == NULL || !grow(names)) {
        return NULL;
    }
    if (gen_names_take(names, name)) {
        return name;
    }
    if (other != NULL && gen_names_take(names, other)) {
        return other;
    }
    for (uint32_t i = 2;; i++) {
        char *number = gen_number(names->arena, i);
        char *text = number != NULL ? gen_join(names->arena, name, "_", number, NULL) : NULL;
        if (text == NULL || gen_names_take(names, text)) {
            return text;
        }
    }
}
