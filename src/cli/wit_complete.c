/* WIT text that refers to packages which it does not have: they are taken from the folder deps
 * beside it, else from those that come with isomer (isomer:device), as tools for components do it.
 */
#define _GNU_SOURCE /* memmem */
#include "cli/interface.h"
#include "cli/sibling.h"

#include <stdlib.h>

enum { DEPENDENCIES_MAX = 64, DEPENDENCY_MAX_BYTES = 1 << 20 };

struct dependency {
    char path[ISO_PATH_MAX];
    struct iso_file text;
    struct iso_str package; /* "isomer:device@0.1.0" */
    bool ours;              /* it came with isomer */
    bool wanted;
};

/* The first one is the text itself. */
struct texts {
    struct dependency list[1 + DEPENDENCIES_MAX];
    size_t count;
    bool ours; /* the folder that is being read */
};

static struct iso_str text_of(const struct iso_file *file)
{
    return iso_str_from((const char *)file->bytes.ptr, file->bytes.len);
}

/* Behind the spaces and comments at its beginning. */
static size_t skip_comments(struct iso_str text)
{
    size_t at = 0;
    while (at < text.len) {
        const char *end = NULL;
        if (strchr(" \t\r\n", text.ptr[at]) != NULL) {
            at++;
            continue;
        }
        if (text.len - at >= 2 && memcmp(text.ptr + at, "//", 2) == 0) {
            end = memchr(text.ptr + at, '\n', text.len - at);
        } else if (text.len - at >= 2 && memcmp(text.ptr + at, "/*", 2) == 0) {
            end = memmem(text.ptr + at, text.len - at, "*/", 2);
            end = end != NULL ? end + 1 : NULL;
        } else {
            break;
        }
        at = end != NULL ? (size_t)(end + 1 - text.ptr) : text.len;
    }
    return at;
}

/* The name in `package NAME;`, which a text begins with; empty when it does not. */
static struct iso_str package_of(struct iso_str text)
{
    static const char word[] = "package ";
    size_t at = skip_comments(text), len = 0;
    if (text.len - at < sizeof word || memcmp(text.ptr + at, word, sizeof word - 1) != 0) {
        return iso_str_from("", 0);
    }
    for (at += sizeof word - 1; at < text.len && text.ptr[at] == ' '; at++) {
    }
    while (at + len < text.len && strchr(" ;{\r\n", text.ptr[at + len]) == NULL) {
        len++;
    }
    const bool whole = at + len < text.len && text.ptr[at + len] == ';';
    return iso_str_from(text.ptr + at, whole ? len : 0);
}

/* An entry of a folder. What is no WIT text, or of no package, is not used. */
static void add(void *ctx, const char *path, const char *name)
{
    struct texts *texts = ctx;
    struct dependency *one = &texts->list[texts->count];
    const size_t len = strlen(name);
    if (texts->count > DEPENDENCIES_MAX || len < 5 || strcmp(name + len - 4, ".wit") != 0 ||
        iso_format(one->path, sizeof one->path, "%s", path) >= sizeof one->path ||
        iso_file_read(path, DEPENDENCY_MAX_BYTES, &one->text, NULL) != ISO_OK) {
        return;
    }
    one->package = package_of(text_of(&one->text));
    one->ours = texts->ours;
    if (one->package.len != 0) {
        texts->count++;
    } else {
        iso_file_fini(&one->text);
    }
}

/* By package: then the same files give the same text, in whatever order the folder has them. */
static int compare(const void *a, const void *b)
{
    const struct dependency *x = a, *y = b;
    const size_t len = x->package.len < y->package.len ? x->package.len : y->package.len;
    int order = memcmp(x->package.ptr, y->package.ptr, len);
    order = order != 0 ? order : (x->package.len > len) - (y->package.len > len);
    order = order != 0 ? order : x->ours - y->ours;
    return order != 0 ? order : strcmp(x->path, y->path);
}

static void add_folders(struct texts *texts, const char *path)
{
    char folder[ISO_PATH_MAX], deps[ISO_PATH_MAX];
    const char *slash = strrchr(path, '/');
    const int len = slash != NULL ? (int)(slash + 1 - path) : 0;
    (void)iso_format(folder, sizeof folder, "%.*s", len, path);
    if (iso_path_join(deps, len != 0 ? folder : ".", "deps")) {
        iso_dir_each(deps, add, texts);
    }
    if (iso_cli_wit_folder(folder, sizeof folder)) {
        texts->ours = true;
        iso_dir_each(folder, add, texts);
    }
    qsort(texts->list + 1, texts->count - 1, sizeof texts->list[0], compare);
}

/* Whether it stands there, with that before and after it. */
static bool has(struct iso_str text, const char *before, struct iso_str name, char after)
{
    char what[256];
    const size_t len = iso_format(what, sizeof what, "%s%.*s%.*s", before, (int)name.len, name.ptr,
                                  after != '\0' ? 1 : 0, &after);
    return len < sizeof what && memmem(text.ptr, text.len, what, len) != NULL;
}

/* "isomer:device" in "isomer:device/log@0.1.0", and no such package in the text itself. */
static bool refers(struct iso_str text, struct iso_str package)
{
    const char *at = memchr(package.ptr, '@', package.len);
    const size_t len = at != NULL ? (size_t)(at - package.ptr) : package.len;
    const struct iso_str name = iso_str_from(package.ptr, len);
    return has(text, "", name, '/') && !has(text, "package ", package, '\0');
}

/* Marks what the text refers to, and what that refers to: of each package the first. */
static bool choose(struct texts *texts)
{
    bool any = false;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 1; i < texts->count; i++) {
            struct dependency *one = &texts->list[i];
            const bool again = i > 1 && iso_str_equal(one[-1].package, one->package);
            for (size_t k = 0; k < texts->count && !one->wanted && !again; k++) {
                one->wanted =
                    texts->list[k].wanted && refers(text_of(&texts->list[k].text), one->package);
                more = more || one->wanted;
            }
        }
        any = any || more;
    }
    return any;
}

/* `package NAME;` and what follows, as `package NAME { what follows }`. */
static enum iso_err append_nested(struct iso_buf *out, const struct dependency *one)
{
    const struct iso_str text = text_of(&one->text);
    const size_t end = (size_t)(one->package.ptr + one->package.len - text.ptr);
    enum iso_err err = iso_buf_append(out, "\n", 1);
    err = err == ISO_OK ? iso_buf_append(out, text.ptr, end) : err;
    err = err == ISO_OK ? iso_buf_append(out, " {", 2) : err;
    err = err == ISO_OK ? iso_buf_append(out, text.ptr + end + 1, text.len - end - 1) : err;
    return err == ISO_OK ? iso_buf_append(out, "\n}\n", 3) : err;
}

/* The text becomes that of all which are wanted. They are read one by one before, so that a mistake
 * is told with its file. */
static enum iso_err join(struct texts *texts, const char *path, struct iso_report *report)
{
    struct iso_wit_source sources[1 + DEPENDENCIES_MAX];
    struct iso_buf out;
    struct iso_wit wit;
    size_t count = 0;
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    enum iso_err err = ISO_OK;
    for (size_t i = 0; i < texts->count && err == ISO_OK; i++) {
        const struct dependency *one = &texts->list[i];
        if (one->wanted) {
            sources[count++] =
                (struct iso_wit_source){.name = i == 0 ? path : one->path, .text = one->text.bytes};
            err = i == 0 ? iso_buf_append(&out, one->text.bytes.ptr, one->text.bytes.len)
                         : append_nested(&out, one);
        }
    }
    if (err == ISO_OK) {
        err = iso_wit_parse(iso_alloc_libc(), sources, count, &wit, report);
        iso_wit_fini(&wit);
    }
    void *copy = err == ISO_OK ? malloc(out.len) : NULL;
    if (copy != NULL) {
        memcpy(copy, out.ptr, out.len);
        iso_file_fini(&texts->list[0].text);
        texts->list[0].text = (struct iso_file){iso_bytes_from(copy, out.len), out.len};
    }
    iso_buf_fini(&out);
    return err != ISO_OK || copy != NULL ? err : ISO_E_NOMEM;
}

enum iso_err iso_cli_wit_complete(const char *path, struct iso_file *text,
                                  struct iso_report *report)
{
    struct texts *texts = calloc(1, sizeof *texts);
    if (texts == NULL) {
        return iso_fail(report, ISO_E_NOMEM, "out of memory");
    }
    texts->count = 1;
    texts->list[0] =
        (struct dependency){.text = *text, .package = package_of(text_of(text)), .wanted = true};
    add_folders(texts, path);
    const enum iso_err err = choose(texts) ? join(texts, path, report) : ISO_OK;
    *text = texts->list[0].text;
    for (size_t i = 1; i < texts->count; i++) {
        iso_file_fini(&texts->list[i].text);
    }
    free(texts);
    return err;
}
