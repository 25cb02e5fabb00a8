/* Fetches and pushes as jobs in the loop: beginning, waiting, requests, work on the pool, ending.
 */
#include "package/sources.h"

#include <stdarg.h>
#include <stdlib.h>

#include "platform/platform.h"

struct registry {
    char alias[65];
    struct iso_job_registry registry;
};

struct iso_package_sources {
    uv_loop_t *loop;
    struct iso_http_client *http;
    char project_dir[ISO_PATH_MAX]; /* empty: none */
    char ca_file[ISO_PATH_MAX];     /* likewise */
    uint64_t max_bytes;
    uint32_t total_ms;
    struct registry *registries;
    size_t registry_count;
    struct iso_job *jobs;
    unsigned running;
    unsigned open_handles; /* of jobs */
    uint64_t last_id;
    bool closing;
    uv_timer_t closer;
    void (*on_closed)(void *ctx);
    void *on_closed_ctx;
};

/* ---- Sources -----------------------------------------------------------------------------------
 */

enum iso_err iso_package_sources_create(const struct iso_package_sources_config *config,
                                        struct iso_package_sources **out, struct iso_report *report)
{
    struct iso_package_sources *sources = calloc(1, sizeof *sources);
    if (sources == NULL) {
        return iso_fail(report, ISO_E_NOMEM, "not enough memory for the sources of packages");
    }
    sources->loop = config->loop;
    sources->http = config->http;
    sources->max_bytes = config->max_bytes != 0 ? config->max_bytes : ISO_PACKAGE_MAX_BYTES;
    sources->total_ms = config->total_ms != 0 ? config->total_ms : (uint32_t)JOB_TOTAL_MS;
    (void)iso_format(sources->project_dir, sizeof sources->project_dir, "%s",
                     config->project_dir != NULL ? config->project_dir : "");
    (void)iso_format(sources->ca_file, sizeof sources->ca_file, "%s",
                     config->ca_file != NULL ? config->ca_file : "");
    (void)uv_timer_init(sources->loop, &sources->closer); /* cannot fail */
    sources->closer.data = sources;
    *out = sources;
    return ISO_OK;
}

static void on_closer_closed(uv_handle_t *handle)
{
    struct iso_package_sources *sources = handle->data;
    void (*on_closed)(void *ctx) = sources->on_closed;
    void *ctx = sources->on_closed_ctx;
    free(sources->registries);
    free(sources);
    if (on_closed != NULL) {
        on_closed(ctx);
    }
}

static void maybe_closed(struct iso_package_sources *sources)
{
    if (sources->closing && sources->jobs == NULL && sources->open_handles == 0) {
        sources->closing = false;
        uv_close((uv_handle_t *)&sources->closer, on_closer_closed);
    }
}

static void stop(struct iso_job *job);

void iso_package_sources_close(struct iso_package_sources *sources, void (*on_closed)(void *ctx),
                               void *ctx)
{
    if (sources == NULL) {
        return;
    }
    sources->closing = true;
    sources->on_closed = on_closed;
    sources->on_closed_ctx = ctx;
    for (struct iso_job *job = sources->jobs; job != NULL; job = job->next) {
        stop(job);
    }
    maybe_closed(sources);
}

/* "https://host:port", also with a path; "http://" where it is allowed. */
static enum iso_err check_url(const struct iso_package_registry *registry,
                              struct iso_report *report)
{
    const bool plain = strncmp(registry->url, "http://", 7) == 0;
    const char *host = registry->url + (plain ? 7 : 8);
    if ((!plain && strncmp(registry->url, "https://", 8) != 0) || host[0] == '\0' ||
        host[0] == '/' || strpbrk(host, "@?#") != NULL) {
        return iso_fail(
            report, ISO_E_ARGUMENT,
            "registry %s: '%.100s' is no address; one looks like https://registry.example",
            registry->alias, registry->url);
    }
    const bool near = iso_address_is_loopback(iso_str_from(host, strcspn(host, "/")));
    return !plain || near || registry->plain_http
               ? ISO_OK
               : iso_fail(report, ISO_E_ARGUMENT,
                          "registry %s: '%.100s' would be reached without encryption: use https, "
                          "or say that plain HTTP is meant",
                          registry->alias, registry->url);
}

static enum iso_err copy_registry(const struct iso_package_registry *from, struct registry *to,
                                  struct iso_report *report)
{
    if (!iso_reference_is_name(iso_str_from_z(from->alias))) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%.64s' is not an alias: small letters, digits, '-', '.' and '_', a "
                        "letter first",
                        from->alias);
    }
    enum iso_err err = check_url(from, report);
    if (err != ISO_OK) {
        return err;
    }
    size_t len = strlen(from->url);
    while (from->url[len - 1] == '/') {
        len--;
    }
    const char *user = from->username != NULL ? from->username : "";
    const char *password = from->password != NULL ? from->password : "";
    if (len >= sizeof to->registry.url || strlen(user) >= sizeof to->registry.username ||
        strlen(password) >= sizeof to->registry.password) {
        return iso_fail(report, ISO_E_LIMIT, "registry %s: its address or credentials are too long",
                        from->alias);
    }
    memcpy(to->alias, from->alias, strlen(from->alias) + 1);
    (void)iso_format(to->registry.url, sizeof to->registry.url, "%.*s", (int)len, from->url);
    (void)iso_format(to->registry.username, sizeof to->registry.username, "%s", user);
    (void)iso_format(to->registry.password, sizeof to->registry.password, "%s", password);
    to->registry.has_password = from->username != NULL;
    return ISO_OK;
}

enum iso_err iso_package_sources_set_registries(struct iso_package_sources *sources,
                                                const struct iso_package_registry *registries,
                                                size_t count, struct iso_report *report)
{
    if (count > ISO_PACKAGE_MAX_REGISTRIES) {
        return iso_fail(report, ISO_E_LIMIT, "at most %u registries", ISO_PACKAGE_MAX_REGISTRIES);
    }
    struct registry *list = calloc(count + 1, sizeof *list);
    enum iso_err err = list != NULL ? ISO_OK : ISO_E_NOMEM;
    for (size_t i = 0; i < count && err == ISO_OK; i++) {
        err = copy_registry(&registries[i], &list[i], report);
        for (size_t j = 0; j < i && err == ISO_OK; j++) {
            if (strcmp(list[i].alias, list[j].alias) == 0) {
                err = iso_fail(report, ISO_E_ARGUMENT, "two registries have the alias %s",
                               list[i].alias);
            }
        }
    }
    if (err != ISO_OK) {
        free(list);
        return iso_fail(report, err, "not enough memory for registries");
    }
    free(sources->registries);
    sources->registries = list;
    sources->registry_count = count;
    return ISO_OK;
}

bool iso_job_registry(struct iso_job *job, struct iso_job_registry *out)
{
    const struct iso_package_sources *sources = job->sources;
    const struct iso_str alias = job->reference.alias;
    char names[256] = "";
    for (size_t i = 0; i < sources->registry_count; i++) {
        const struct registry *registry = &sources->registries[i];
        if (iso_str_equal_z(alias, registry->alias)) {
            *out = registry->registry;
            return true;
        }
        const size_t len = strlen(names);
        (void)iso_format(names + len, sizeof names - len, "%s%s", len != 0 ? ", " : "",
                         registry->alias);
    }
    iso_job_fail(job, ISO_E_NOT_FOUND, "no registry has the alias %.*s; there are: %s",
                 (int)alias.len, alias.ptr, names[0] != '\0' ? names : "none");
    return false;
}

uint64_t iso_job_max_bytes(const struct iso_job *job)
{
    return job->sources->max_bytes;
}

const char *iso_job_project_dir(const struct iso_job *job)
{
    return job->sources->project_dir;
}

const char *iso_job_ca_file(const struct iso_job *job)
{
    return job->sources->ca_file[0] != '\0' ? job->sources->ca_file : NULL;
}

/* ---- The end of a job --------------------------------------------------------------------------
 */

static void begin_waiting(struct iso_package_sources *sources);

static void free_job(struct iso_job *job)
{
    iso_package_destroy(job->package);
    iso_alloc_free(iso_alloc_libc(), job->bytes, job->len);
    iso_buf_fini(&job->pushed_reference);
    iso_npm_destroy(job->npm);
    iso_oci_destroy(job->oci);
    free(job->reference_text);
    free(job->base_dir);
    free(job);
}

static void on_job_closed(uv_handle_t *handle)
{
    struct iso_job *job = handle->data;
    struct iso_package_sources *sources = job->sources;
    free_job(job);
    sources->open_handles--;
    maybe_closed(sources);
}

static void unlink_job(struct iso_job *job)
{
    struct iso_job **at = &job->sources->jobs;
    while (*at != job) {
        at = &(*at)->next;
    }
    *at = job->next;
}

/* Nothing of it is under way any more. */
static void deliver(struct iso_job *job)
{
    struct iso_package_sources *sources = job->sources;
    unlink_job(job);
    sources->running -= job->begun ? 1 : 0;
    if (job->pushed != NULL) {
        job->pushed(job->ctx, job->id, job->err,
                    iso_str_from((const char *)job->pushed_reference.ptr,
                                 job->err == ISO_OK ? job->pushed_reference.len : 0),
                    &job->report);
    } else {
        struct iso_package *package = job->err == ISO_OK ? job->package : NULL;
        job->package = job->err == ISO_OK ? NULL : job->package;
        job->fetched(job->ctx, job->id, job->err, package, &job->report);
    }
    uv_close((uv_handle_t *)&job->timer, on_job_closed);
    begin_waiting(sources);
}

static void settle(struct iso_job *job)
{
    if (job->ending && job->request == 0 && !job->working && !job->closed) {
        job->closed = true;
        deliver(job);
    }
}

void iso_job_end(struct iso_job *job)
{
    job->ending = true;
    if (job->err != ISO_OK && !job->report.set) {
        iso_report_set(&job->report, "%s: %s", job->reference_text,
                       job->err == ISO_E_NOMEM ? "not enough memory" : iso_err_text(job->err));
    }
    settle(job);
}

void iso_job_fail(struct iso_job *job, enum iso_err err, const char *format, ...)
{
    char text[sizeof job->report.text];
    va_list args;
    if (job->ending) {
        return;
    }
    va_start(args, format);
    (void)iso_format_v(text, sizeof text, format, args);
    va_end(args);
    job->err = err;
    iso_report_set(&job->report, "%s", text);
    iso_job_end(job);
}

/* ---- Requests ----------------------------------------------------------------------------------
 */

void iso_job_refused(struct iso_job *job, const struct iso_http_client_answer *answer)
{
    const unsigned status = answer->status;
    const enum iso_err err = status == 404                    ? ISO_E_NOT_FOUND
                             : status == 401 || status == 403 ? ISO_E_ACCESS
                                                              : ISO_E_IO;
    iso_job_fail(job, err, "%s: %.200s answers %u%s", job->reference_text, answer->url, status,
                 status == 404                    ? ": there is no such thing"
                 : status == 401 || status == 403 ? ": not allowed, or only with credentials"
                                                  : "");
}

static enum iso_err err_of(enum iso_http_client_outcome outcome)
{
    switch (outcome) {
    case ISO_HTTP_CLIENT_TOO_LARGE:
        return ISO_E_LIMIT;
    case ISO_HTTP_CLIENT_ADDRESS_REFUSED:
    case ISO_HTTP_CLIENT_REDIRECT_REFUSED:
        return ISO_E_REFUSED;
    case ISO_HTTP_CLIENT_CANCELLED:
        return ISO_E_STATE;
    default:
        return ISO_E_IO;
    }
}

static void on_answer(void *ctx, uint64_t id, const struct iso_http_client_answer *answer)
{
    struct iso_job *job = ctx;
    (void)id;
    job->request = 0;
    if (job->ending) {
        settle(job);
    } else if (answer->outcome != ISO_HTTP_CLIENT_DONE) {
        iso_job_fail(job, err_of(answer->outcome), "%s: %.200s: %s: %s", job->reference_text,
                     answer->url, iso_http_client_outcome_text(answer->outcome), answer->message);
    } else if (answer->status / 100 != 2 && !job->any_status) {
        iso_job_refused(job, answer);
    } else {
        job->step(job, answer);
    }
}

void iso_job_request(struct iso_job *job, struct iso_http_client_request *request, bool any_status,
                     iso_job_step step)
{
    struct iso_report report;
    iso_report_init(&report);
    request->ctx = job;
    request->on_done = on_answer;
    job->step = step;
    job->any_status = any_status;
    enum iso_err err = iso_http_client_start(job->sources->http, request, &job->request, &report);
    if (err != ISO_OK) {
        iso_job_fail(job, err, "%s: %s", job->reference_text, iso_report_text(&report, err));
    }
}

bool iso_job_keep(struct iso_job *job, const struct iso_http_client_answer *answer)
{
    iso_alloc_free(iso_alloc_libc(), job->bytes, job->len);
    job->bytes = NULL;
    job->len = 0;
    if (iso_buf_take(answer->body, &job->bytes, &job->len) != ISO_OK) {
        iso_job_fail(job, ISO_E_NOMEM, "%s: not enough memory", job->reference_text);
        return false;
    }
    return true;
}

static void fail_late(struct iso_job *job);

/* ---- Work --------------------------------------------------------------------------------------
 */

/* Not while the pool works: it writes to both. */
static void cancelled(struct iso_job *job)
{
    iso_report_init(&job->report);
    iso_report_set(&job->report, "%s: cancelled", job->reference_text);
    job->err = ISO_E_STATE;
}

static void run_work(uv_work_t *work)
{
    struct iso_job *job = work->data;
    job->work_fn(job);
}

static void after_work(uv_work_t *work, int status)
{
    struct iso_job *job = work->data;
    (void)status; /* never cancelled */
    job->working = false;
    if (job->ending) {
        cancelled(job);
        settle(job);
    } else if (job->late) {
        fail_late(job);
    } else if (job->err != ISO_OK) {
        iso_job_end(job);
    } else {
        job->after(job);
    }
}

void iso_job_work(struct iso_job *job, void (*work)(struct iso_job *job),
                  void (*after)(struct iso_job *job))
{
    job->work.data = job;
    job->work_fn = work;
    job->after = after;
    job->working = true;
    const int failed = uv_queue_work(job->sources->loop, &job->work, run_work, after_work);
    ISO_ASSERT(failed == 0); /* only a missing callback makes it fail */
}

/* ---- The beginning of a job --------------------------------------------------------------------
 */

static void fail_late(struct iso_job *job)
{
    iso_job_fail(job, ISO_E_IO, "%s: it takes longer than %u s", job->reference_text,
                 job->sources->total_ms / 1000);
}

static void on_deadline(uv_timer_t *timer)
{
    struct iso_job *job = timer->data;
    if (job->working) {
        job->late = true;
        return;
    }
    const uint64_t request = job->request;
    fail_late(job);
    iso_http_client_cancel(job->sources->http, request);
}

static void on_begin(uv_timer_t *timer)
{
    static void (*const begin[])(struct iso_job *) = {[ISO_REFERENCE_FILE] = iso_job_begin_file,
                                                      [ISO_REFERENCE_HTTPS] = iso_job_begin_https,
                                                      [ISO_REFERENCE_NPM] = iso_job_begin_npm,
                                                      [ISO_REFERENCE_OCI] = iso_job_begin_oci};
    struct iso_job *job = timer->data;
    (void)uv_timer_start(&job->timer, on_deadline, job->sources->total_ms, 0);
    if (job->ending) {
        settle(job);
    } else if (job->pushed != NULL) {
        iso_job_begin_push(job);
    } else {
        begin[job->reference.kind](job);
    }
}

/* Of a URL: from behind "//" to the path. */
static struct iso_str host_of(struct iso_str url)
{
    size_t start = 0, end;
    while (start < url.len && url.ptr[start] != '/') {
        start++;
    }
    start = start + 2 < url.len ? start + 2 : url.len;
    for (end = start; end < url.len && url.ptr[end] != '/'; end++) {
    }
    return iso_str_from(url.ptr + start, end - start);
}

/* The host; of npm the scope, because that decides about it. */
static void set_place(struct iso_job *job)
{
    const struct iso_package_sources *sources = job->sources;
    const struct iso_reference *reference = &job->reference;
    struct iso_str place = iso_str_from(NULL, 0);
    if (reference->kind == ISO_REFERENCE_OCI) {
        place = reference->alias;
        for (size_t i = 0; i < sources->registry_count; i++) {
            if (iso_str_equal_z(reference->alias, sources->registries[i].alias)) {
                place = host_of(iso_str_from_z(sources->registries[i].registry.url));
            }
        }
    } else if (reference->kind == ISO_REFERENCE_HTTPS) {
        place = host_of(reference->url);
    } else if (reference->kind == ISO_REFERENCE_NPM && reference->name.ptr[0] == '@') {
        const char *slash = memchr(reference->name.ptr, '/', reference->name.len);
        place = reference->name;
        place.len = slash != NULL ? (size_t)(slash - place.ptr) : place.len;
    }
    (void)iso_format(job->place, sizeof job->place, "%s %.*s",
                     iso_reference_kind_name(reference->kind), (int)place.len,
                     place.ptr != NULL ? place.ptr : "");
}

static unsigned running_at(const struct iso_package_sources *sources, const char *place)
{
    unsigned count = 0;
    for (const struct iso_job *job = sources->jobs; job != NULL; job = job->next) {
        count += job->begun && strcmp(job->place, place) == 0;
    }
    return count;
}

static void begin_waiting(struct iso_package_sources *sources)
{
    for (struct iso_job *job = sources->jobs;
         job != NULL && sources->running < ISO_PACKAGE_MAX_FETCHES; job = job->next) {
        if (!job->begun && !job->ending &&
            running_at(sources, job->place) < ISO_PACKAGE_MAX_AT_PLACE) {
            job->begun = true;
            sources->running++;
            (void)uv_timer_start(&job->timer, on_begin, 0, 0);
        }
    }
}

static void stop(struct iso_job *job)
{
    if (job->ending) {
        return;
    }
    job->ending = true;
    if (job->working) {
        return; /* until that is done */
    }
    cancelled(job);
    iso_http_client_cancel(job->sources->http, job->request);
    if (job->request == 0) {
        (void)uv_timer_start(&job->timer, on_begin, 0, 0); /* done comes from the loop */
    }
}

void iso_package_cancel(struct iso_package_sources *sources, uint64_t id)
{
    for (struct iso_job *job = sources->jobs; job != NULL; job = job->next) {
        if (job->id == id) {
            stop(job);
            return;
        }
    }
}

static enum iso_err new_job(struct iso_package_sources *sources, struct iso_str reference,
                            struct iso_job **out, struct iso_report *report)
{
    struct iso_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return ISO_E_NOMEM;
    }
    iso_report_init(&job->report);
    iso_buf_init(&job->pushed_reference, iso_alloc_libc(), 2 * (size_t)ISO_REFERENCE_MAX_BYTES);
    job->sources = sources;
    job->reference_text = strndup(reference.ptr != NULL ? reference.ptr : "", reference.len);
    job->package = iso_package_new();
    enum iso_err err = job->reference_text != NULL && job->package != NULL ? ISO_OK : ISO_E_NOMEM;
    err = err != ISO_OK
              ? err
              : iso_reference_parse(iso_str_from_z(job->reference_text), &job->reference, report);
    if (err == ISO_OK && sources->closing) {
        err = iso_fail(report, ISO_E_STATE, "the sources of packages are being closed");
    }
    if (err != ISO_OK) {
        free_job(job);
        return iso_fail(report, err, "not enough memory to fetch a package");
    }
    *out = job;
    return ISO_OK;
}

static void start(struct iso_job *job, uint64_t *id_out)
{
    struct iso_package_sources *sources = job->sources;
    struct iso_job **end = &sources->jobs;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = job;
    set_place(job);
    job->id = ++sources->last_id;
    (void)uv_timer_init(sources->loop, &job->timer);
    job->timer.data = job;
    sources->open_handles++;
    *id_out = job->id;
    begin_waiting(sources);
}

enum iso_err iso_package_fetch(struct iso_package_sources *sources, struct iso_str reference,
                               const char *base_dir, iso_package_fetched_fn done, void *ctx,
                               uint64_t *id_out, struct iso_report *report)
{
    struct iso_job *job = NULL;
    enum iso_err err = new_job(sources, reference, &job, report);
    if (err != ISO_OK) {
        return err;
    }
    if (job->reference.kind == ISO_REFERENCE_STORE) {
        err = iso_fail(report, ISO_E_ARGUMENT,
                       "%s is in the orchestrator's store, or nowhere; it cannot be fetched",
                       job->reference_text);
    } else if (base_dir != NULL && (job->base_dir = strdup(base_dir)) == NULL) {
        err = ISO_E_NOMEM;
    }
    if (err != ISO_OK) {
        free_job(job);
        return err;
    }
    job->fetched = done;
    job->ctx = ctx;
    start(job, id_out);
    return ISO_OK;
}

enum iso_err iso_package_push(struct iso_package_sources *sources, struct iso_str reference,
                              struct iso_bytes module, const struct iso_package_info *info,
                              struct iso_bytes signature, iso_package_pushed_fn done, void *ctx,
                              uint64_t *id_out, struct iso_report *report)
{
    struct iso_job *job = NULL;
    enum iso_err err = new_job(sources, reference, &job, report);
    if (err != ISO_OK) {
        return err;
    }
    if (job->reference.kind != ISO_REFERENCE_OCI || job->reference.version.len == 0 ||
        job->reference.has_digest) {
        err = iso_fail(report, ISO_E_ARGUMENT,
                       "'%s' is not where a module can be pushed to: write oci:ALIAS/NAME:TAG",
                       job->reference_text);
    } else if (module.len > ISO_PACKAGE_MAX_BYTES || signature.len > ISO_PACKAGE_MAX_BESIDE_BYTES) {
        err = iso_fail(report, ISO_E_LIMIT, "the module or its signature is too large");
    }
    if (err == ISO_OK) {
        err = iso_package_copy(job->package, signature, &job->package->signature);
    }
    if (err == ISO_OK && info != NULL) {
        const struct iso_str from[] = {info->licence, info->description, info->source,
                                       info->version, info->name};
        struct iso_package_info *own = &job->package->info;
        struct iso_str *const to[] = {&own->licence, &own->description, &own->source, &own->version,
                                      &own->name};
        for (size_t i = 0; i < ISO_COUNT_OF(from) && err == ISO_OK; i++) {
            struct iso_bytes copy = {0};
            err = iso_package_copy(job->package, iso_bytes_from(from[i].ptr, from[i].len), &copy);
            *to[i] = iso_str_from((const char *)copy.ptr, copy.len);
        }
    }
    if (err != ISO_OK) {
        free_job(job);
        return iso_fail(report, err, "not enough memory to push a module");
    }
    job->module = module;
    job->pushed = done;
    job->ctx = ctx;
    start(job, id_out);
    return ISO_OK;
}
