/* What CoAP clients observe, properties and events (RFC 7641), and what they discover (RFC 6690).
 */
#include "supervisor/coap_api.h"

#include "supervisor/api_call.h"

enum { WATCHES_MAX = 256 };

/* A property that somebody observes, with its latest value in both forms. */
struct iso_sv_coap_watch {
    struct iso_sv_coap_watch *next;
    struct iso_supervisor *sv;
    struct iso_sv_observer observer;
    char *path; /* path_text */
    struct iso_buf json, cbor;
    enum iso_sv_outcome outcome;
};

static void free_watch(struct iso_sv_coap_watch *watch)
{
    const struct iso_alloc *alloc = watch->sv->alloc;
    iso_sv_unobserve(&watch->observer);
    iso_buf_fini(&watch->json);
    iso_buf_fini(&watch->cbor);
    iso_alloc_free(alloc, watch->path, strlen(watch->path) + 1);
    iso_alloc_free(alloc, watch, sizeof *watch);
}

static struct iso_sv_coap_watch **find_watch(struct iso_supervisor *sv, struct iso_str path_text)
{
    struct iso_sv_coap_watch **link = &sv->coap_watches;
    while (*link != NULL && !iso_str_equal_z(path_text, (*link)->path)) {
        link = &(*link)->next;
    }
    return link;
}

static void on_value(void *ctx, enum iso_sv_outcome outcome, struct iso_bytes json,
                     struct iso_bytes cbor, bool gone)
{
    struct iso_sv_coap_watch *watch = ctx;
    struct iso_supervisor *sv = watch->sv;
    struct iso_str path = iso_str_from_z(watch->path);
    if (gone) {
        struct iso_sv_coap_watch **link = find_watch(sv, path);
        iso_coap_observers_end(sv->coap, path, ISO_COAP_CODE(4, 4));
        *link = watch->next;
        free_watch(watch);
        return;
    }
    bool same = watch->outcome == outcome && iso_bytes_equal(iso_buf_view(&watch->json), json);
    watch->outcome = outcome;
    watch->json.len = 0;
    watch->cbor.len = 0;
    if (iso_buf_append(&watch->json, json.ptr, json.len) != ISO_OK ||
        iso_buf_append(&watch->cbor, cbor.ptr, cbor.len) != ISO_OK) {
        watch->outcome = ISO_SV_LIMIT;
    }
    if (!same) {
        (void)iso_coap_notify(sv->coap, path);
    }
}

bool iso_sv_coap_may_watch(const struct iso_supervisor *sv, struct iso_str path_text)
{
    unsigned count = 0;
    for (const struct iso_sv_coap_watch *it = sv->coap_watches; it != NULL; it = it->next) {
        if (iso_str_equal_z(path_text, it->path)) {
            return true;
        }
        count++;
    }
    return count < WATCHES_MAX;
}

enum { PARTS = 6 }; /* of "/c/APP/COMPONENT/properties/NAME"; the first is empty */

/* False: it is another path. Names have no characters that path_text would have escaped. */
static bool split_path(struct iso_str path_text, struct iso_str parts[PARTS])
{
    size_t count = 0, from = 0;
    for (size_t i = 0; i <= path_text.len; i++) {
        if (i == path_text.len || path_text.ptr[i] == '/') {
            if (count == PARTS) {
                return false;
            }
            parts[count++] = iso_str_from(path_text.ptr + from, i - from);
            from = i + 1;
        }
    }
    return count == PARTS && iso_str_equal_z(parts[1], "c") &&
           iso_str_equal_z(parts[4], "properties");
}

/* The function of a property, NULL when it or its component is gone. */
static const char *find_func(struct iso_supervisor *sv, const struct iso_str parts[PARTS])
{
    struct iso_sv_component *component = iso_sv_find(sv, parts[2], parts[3]);
    uint32_t index;
    if (component == NULL ||
        !iso_sv_property_find(iso_sv_component_program(component), parts[5], &index)) {
        return NULL;
    }
    return iso_sv_program_func(iso_sv_component_program(component), index)->path;
}

static bool make_watch(struct iso_supervisor *sv, struct iso_str path_text,
                       const struct iso_str parts[PARTS])
{
    const char *func = find_func(sv, parts);
    struct iso_sv_coap_watch *watch = func != NULL && iso_sv_coap_may_watch(sv, path_text)
                                          ? iso_alloc_new(sv->alloc, sizeof *watch)
                                          : NULL;
    if (watch == NULL) {
        return false;
    }
    watch->sv = sv;
    watch->path = iso_alloc_new(sv->alloc, path_text.len + 1);
    iso_buf_init(&watch->json, sv->alloc, SIZE_MAX);
    iso_buf_init(&watch->cbor, sv->alloc, SIZE_MAX);
    watch->observer.value = on_value;
    watch->observer.ctx = watch;
    if (watch->path == NULL || iso_sv_observe(sv->observers, parts[2], parts[3],
                                              iso_str_from_z(func), &watch->observer) != ISO_OK) {
        iso_alloc_free(sv->alloc, watch->path, path_text.len + 1);
        iso_alloc_free(sv->alloc, watch, sizeof *watch);
        return false;
    }
    memcpy(watch->path, path_text.ptr, path_text.len);
    watch->next = sv->coap_watches;
    sv->coap_watches = watch;
    return true;
}

void iso_sv_coap_notify(struct iso_supervisor *sv, const struct iso_coap_request *request)
{
    const struct iso_sv_coap_watch *watch = *find_watch(sv, request->path_text);
    bool cbor = request->accept == ISO_COAP_FORMAT_CBOR;
    if (watch == NULL) {
        (void)iso_coap_respond_text(sv->coap, request->id, ISO_COAP_CODE(4, 4),
                                    "not-found: not observed any more");
    } else if (watch->outcome != ISO_SV_DONE) {
        (void)iso_coap_respond_text(sv->coap, request->id, iso_sv_outcome_to_code(watch->outcome),
                                    "%s: reading the property failed",
                                    iso_sv_outcome_name(watch->outcome));
    } else {
        const struct iso_coap_answer answer = {
            .code = ISO_COAP_CODE(2, 5),
            .content_format = cbor ? ISO_COAP_FORMAT_CBOR : ISO_COAP_FORMAT_JSON,
            .payload = iso_buf_view(cbor ? &watch->cbor : &watch->json),
            .observe = true};
        (void)iso_coap_respond(sv->coap, request->id, &answer);
    }
}

/* Whether somebody observes a property. Its watch begins here and not with the request, whose
 * answer may never come, or fail, or find its session gone: nobody would end it then. */
void iso_sv_coap_observed(void *ctx, struct iso_str path_text, uint32_t count)
{
    struct iso_supervisor *sv = ctx;
    struct iso_str parts[PARTS];
    struct iso_sv_coap_watch **link = find_watch(sv, path_text);
    struct iso_sv_coap_watch *watch = *link;
    if (count == 0 && watch != NULL) {
        *link = watch->next;
        free_watch(watch);
    } else if (count != 0 && watch == NULL && split_path(path_text, parts) &&
               !make_watch(sv, path_text, parts)) {
        iso_coap_observers_end(sv->coap, path_text, ISO_COAP_CODE(4, 4));
    }
}

/* ---- Events ------------------------------------------------------------------------------------
 */

void iso_sv_coap_event(struct iso_supervisor *sv, struct iso_sv_component *component,
                       struct iso_str json)
{
    char path[160];
    struct iso_str app = iso_sv_component_app(component);
    struct iso_str name = iso_sv_component_name(component);
    if (sv->coap == NULL) {
        return;
    }
    size_t len = iso_format(path, sizeof path, "/c/%.*s/%.*s/events", (int)app.len, app.ptr,
                            (int)name.len, name.ptr);
    const struct iso_coap_answer answer = {.code = ISO_COAP_CODE(2, 5),
                                           .content_format = ISO_COAP_FORMAT_JSON,
                                           .payload = iso_bytes_from(json.ptr, json.len)};
    (void)iso_coap_publish(sv->coap, iso_str_from(path, len), &answer);
}

/* ---- Discovery ---------------------------------------------------------------------------------
 */

struct links {
    struct iso_buf out;
    enum iso_err err;
};

static void add(struct links *links, const char *format, ...) ISO_PRINTF(2, 3);

static void add(struct links *links, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    size_t len = iso_format_v(text, sizeof text, format, args);
    va_end(args);
    if (links->err == ISO_OK) {
        links->err = iso_buf_append(&links->out, text, len);
    }
}

/* "get-level" is the property "level", "meter.get-level" is "meter.level"; empty: none. */
static void property_of(const struct iso_sv_func *func, char out[128])
{
    const char *dot = strchr(func->path, '.');
    const char *name = dot != NULL ? dot + 1 : func->path;
    out[0] = '\0';
    if (strncmp(name, "get-", 4) == 0 && func->func->param_count == 0 &&
        func->func->result != NULL) {
        (void)iso_format(out, 128, "%.*s%s", (int)(name - func->path), func->path, name + 4);
    }
}

static void add_component(void *ctx, struct iso_sv_component *component)
{
    struct links *links = ctx;
    const struct iso_sv_program *program = iso_sv_component_program(component);
    struct iso_str app = iso_sv_component_app(component);
    struct iso_str name = iso_sv_component_name(component);
    char base[128], property[128];
    (void)iso_format(base, sizeof base, "/c/%.*s/%.*s", (int)app.len, app.ptr, (int)name.len,
                     name.ptr);
    for (uint32_t i = 0; i < iso_sv_program_func_count(program); i++) {
        const struct iso_sv_func *func = iso_sv_program_func(program, i);
        property_of(func, property);
        add(links, ",<%s/%s>;rt=\"isomer.function\";ct=\"50 60 42\"", base, func->path);
        if (property[0] != '\0') {
            add(links, ",<%s/properties/%s>;rt=\"isomer.property\";ct=\"50 60\";obs", base,
                property);
        }
    }
    add(links, ",<%s/events>;rt=\"isomer.events\";ct=50;obs", base);
}

void iso_sv_coap_links(struct iso_supervisor *sv)
{
    struct links links = {.err = ISO_OK};
    if (sv->coap == NULL) {
        return;
    }
    iso_buf_init(&links.out, sv->alloc, (size_t)1 << 20);
    add(&links, "%s", ISO_SV_DEVICE_LINK);
    if (sv->deployments != NULL) {
        iso_sv_deployments_each_component(sv->deployments, add_component, &links);
    }
    if (links.err == ISO_OK) {
        links.err = iso_coap_server_set_links(
            sv->coap, iso_str_from((const char *)links.out.ptr, links.out.len));
    }
    if (links.err != ISO_OK) {
        iso_log_write(&sv->log, ISO_LOG_WARNING, "coap",
                      "the list of resources is not complete: %s", iso_err_text(links.err));
    }
    iso_buf_fini(&links.out);
}
