/*
 * wit_doc.c - doc comments: lines after three slashes, and comments that begin with two stars.
 *
 * Everything else among the blanks before an item is ignored, as are comments that begin with more
 * slashes or stars (people draw lines with them). One blank after the slashes, leading stars of
 * lines in blocks, blanks at line ends and empty lines at both ends go.
 */
#include "interface/wit_syntax.h"

struct doc {
    struct iso_buf text;
    uint32_t blank_lines; /* not yet written */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct iso_str trim_end(struct iso_str line)
{
    while (line.len > 0 && is_blank(line.ptr[line.len - 1])) {
        line.len--;
    }
    return line;
}

static enum iso_err add_line(struct doc *doc, struct iso_str line)
{
    line = trim_end(line);
    if (line.len == 0) {
        doc->blank_lines++;
        return ISO_OK;
    }
    enum iso_err err = ISO_OK;
    uint32_t breaks = doc->text.len == 0 ? 0 : doc->blank_lines + 1;
    for (uint32_t i = 0; i < breaks && err == ISO_OK; i++) {
        err = iso_buf_append_u8(&doc->text, '\n');
    }
    doc->blank_lines = 0;
    return err != ISO_OK ? err : iso_buf_append(&doc->text, line.ptr, line.len);
}

static struct iso_str skip(struct iso_str text, size_t count)
{
    return iso_str_from(text.ptr + count, text.len - count);
}

/* The lines between the opening and the closing of a block. */
static enum iso_err add_block(struct doc *doc, struct iso_str block)
{
    enum iso_err err = ISO_OK;
    bool first = true;
    while (err == ISO_OK) {
        const char *end = block.len != 0 ? memchr(block.ptr, '\n', block.len) : NULL;
        size_t len = end != NULL ? (size_t)(end - block.ptr) : block.len;
        struct iso_str line = iso_str_from(block.ptr, len);
        struct iso_str inner = line;
        while (inner.len > 0 && is_blank(inner.ptr[0])) {
            inner = skip(inner, 1);
        }
        if (!first && inner.len > 0 && inner.ptr[0] == '*') {
            inner = skip(inner, 1);
            if (inner.len > 0 && inner.ptr[0] == ' ') {
                inner = skip(inner, 1);
            }
        }
        err = add_line(doc, inner);
        first = false;
        if (end == NULL) {
            break;
        }
        block = skip(block, len + 1);
    }
    return err;
}

static bool starts(struct iso_str text, const char *with)
{
    size_t len = strlen(with);
    return text.len >= len && memcmp(text.ptr, with, len) == 0;
}

/* The length of a block comment, which the lexer has found to be closed. */
static size_t block_size(struct iso_str text)
{
    size_t pos = 2;
    for (unsigned depth = 1; depth > 0 && text.len - pos >= 2;) {
        if (starts(skip(text, pos), "*/")) {
            depth--;
            pos += 2;
        } else if (starts(skip(text, pos), "/*")) {
            depth++;
            pos += 2;
        } else {
            pos++;
        }
    }
    return pos;
}

static enum iso_err collect(struct doc *doc, struct iso_str blanks)
{
    enum iso_err err = ISO_OK;
    while (blanks.len > 0 && err == ISO_OK) {
        size_t size = 1;
        if (starts(blanks, "//")) {
            const char *end = memchr(blanks.ptr, '\n', blanks.len);
            size = end != NULL ? (size_t)(end - blanks.ptr) : blanks.len;
            struct iso_str line = iso_str_from(blanks.ptr, size);
            if (starts(line, "///") && !starts(line, "////")) {
                line = skip(line, 3);
                err = add_line(doc, starts(line, " ") ? skip(line, 1) : line);
            }
        } else if (starts(blanks, "/*")) {
            size = block_size(blanks);
            if (starts(blanks, "/**") && size > 5 && blanks.ptr[3] != '*') {
                err = add_block(doc, iso_str_from(blanks.ptr + 3, size - 5));
            }
        }
        blanks = skip(blanks, size);
    }
    return err;
}

enum iso_err iso_wit_take_doc(struct iso_wit_context *context, struct iso_str *out)
{
    const struct iso_wit_token *token = &context->token;
    const char *text = (const char *)context->sources[context->source].text.ptr;
    struct iso_str blanks = iso_str_from(text != NULL ? text + token->blank_from : NULL,
                                         token->at.offset - token->blank_from);
    struct doc doc = {.blank_lines = 0};
    iso_buf_init(&doc.text, context->scratch.alloc, ISO_WIT_MAX_BYTES);
    enum iso_err err = collect(&doc, blanks);
    if (err == ISO_OK && doc.text.len != 0) {
        err = iso_wit_keep(context, iso_str_from((const char *)doc.text.ptr, doc.text.len), out);
    }
    iso_buf_fini(&doc.text);
    return err;
}
