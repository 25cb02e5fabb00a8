/* Link format: RFC 6690, sections 2 and 4.1. */
#include "net/coap_links.h"

struct link {
    struct iso_str whole;
    struct iso_str target;
    struct iso_str params; /* from the first ';' on */
};

struct param {
    struct iso_str name;
    struct iso_str value; /* without quotes; backslashes remain */
};

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '*' || c == '!' || c == '#' || c == '$' || c == '&' ||
           c == '+' || c == '^' || c == '`' || c == '|' || c == '~';
}

/* Reads `;name`, `;name=token` or `;name="quoted"` at *at. */
static bool next_param(struct iso_str text, size_t *at, struct param *out)
{
    size_t i = *at;
    if (i >= text.len || text.ptr[i] != ';') {
        return false;
    }
    size_t from = ++i;
    while (i < text.len && is_name_char(text.ptr[i])) {
        i++;
    }
    if (i == from) {
        return false;
    }
    out->name = iso_str_from(text.ptr + from, i - from);
    out->value = iso_str_from(NULL, 0);
    if (i < text.len && text.ptr[i] == '=') {
        i++;
        if (i < text.len && text.ptr[i] == '"') {
            from = ++i;
            while (i < text.len && text.ptr[i] != '"') {
                i += text.ptr[i] == '\\' ? 2 : 1;
            }
            if (i >= text.len) {
                return false;
            }
            out->value = iso_str_from(text.ptr + from, i - from);
            i++;
        } else {
            from = i;
            while (i < text.len && text.ptr[i] != ';' && text.ptr[i] != ',' && text.ptr[i] != '"') {
                i++;
            }
            out->value = iso_str_from(text.ptr + from, i - from);
        }
    }
    *at = i;
    return true;
}

/* Reads a link at *at, which then stands behind it. */
static bool next_link(struct iso_str text, size_t *at, struct link *out)
{
    size_t from = *at;
    if (from >= text.len || text.ptr[from] != '<') {
        return false;
    }
    size_t i = from + 1;
    while (i < text.len && text.ptr[i] != '>') {
        if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == '<' || text.ptr[i] == '"') {
            return false;
        }
        i++;
    }
    if (i >= text.len) {
        return false;
    }
    out->target = iso_str_from(text.ptr + from + 1, i - from - 1);
    i++;
    size_t params = i;
    struct param param;
    while (next_param(text, &i, &param)) {
    }
    if (i < text.len && text.ptr[i] != ',') {
        *at = i;
        return false;
    }
    out->params = iso_str_from(text.ptr + params, i - params);
    out->whole = iso_str_from(text.ptr + from, i - from);
    *at = i;
    return true;
}

enum iso_err iso_coap_links_check(struct iso_str text, struct iso_report *report)
{
    size_t at = 0;
    struct link link;
    while (at < text.len) {
        if (!next_link(text, &at, &link)) {
            return iso_fail_at(report, ISO_E_MALFORMED, at,
                               "this is not link format: expected <target>;name=\"value\"");
        }
        if (at < text.len && ++at == text.len) {
            return iso_fail_at(report, ISO_E_MALFORMED, at, "a comma ends the link format");
        }
    }
    return ISO_OK;
}

/* Whether `wanted`, which may end with *, matches. */
static bool value_matches(struct iso_str value, struct iso_str wanted)
{
    if (wanted.len > 0 && wanted.ptr[wanted.len - 1] == '*') {
        return value.len >= wanted.len - 1 &&
               iso_memory_equal(value.ptr, wanted.ptr, wanted.len - 1);
    }
    return iso_str_equal(value, wanted);
}

/* The same for each of the words of a relation type: rt, if, rel and ct are lists. */
static bool word_matches(struct iso_str value, struct iso_str wanted)
{
    size_t i = 0;
    while (i < value.len) {
        size_t from = i;
        while (i < value.len && value.ptr[i] != ' ') {
            i++;
        }
        if (value_matches(iso_str_from(value.ptr + from, i - from), wanted)) {
            return true;
        }
        i++;
    }
    return value.len == 0 && value_matches(value, wanted);
}

static bool link_matches(const struct link *link, struct iso_str query)
{
    const char *equals = query.len > 0 ? memchr(query.ptr, '=', query.len) : NULL;
    struct iso_str name = query;
    struct iso_str wanted = iso_str_from_z("*");
    if (equals != NULL) {
        name.len = (size_t)(equals - query.ptr);
        wanted = iso_str_from(equals + 1, query.len - name.len - 1);
    }
    if (iso_str_equal_z(name, "href")) {
        return value_matches(link->target, wanted);
    }
    bool list = iso_str_equal_z(name, "rt") || iso_str_equal_z(name, "if") ||
                iso_str_equal_z(name, "rel") || iso_str_equal_z(name, "ct");
    size_t at = 0;
    struct param param;
    while (next_param(link->params, &at, &param)) {
        if (iso_str_equal(param.name, name) &&
            (list ? word_matches(param.value, wanted) : value_matches(param.value, wanted))) {
            return true;
        }
    }
    return false;
}

enum iso_err iso_coap_links_filter(struct iso_str text, const struct iso_str *queries,
                                   size_t query_count, struct iso_buf *out)
{
    size_t at = 0;
    bool first = true;
    struct link link;
    while (next_link(text, &at, &link)) {
        bool matches = true;
        for (size_t i = 0; i < query_count && matches; i++) {
            matches = link_matches(&link, queries[i]);
        }
        if (matches) {
            enum iso_err err = first ? ISO_OK : iso_buf_append_u8(out, ',');
            if (err == ISO_OK) {
                err = iso_buf_append(out, link.whole.ptr, link.whole.len);
            }
            if (err != ISO_OK) {
                return err;
            }
            first = false;
        }
        at++; /* the comma */
    }
    return ISO_OK;
}
