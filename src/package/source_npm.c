/* npm: a module out of a package of a registry of npm. Configuration, packument, tarball. */
#include "package/npm.h"

#include <stdlib.h>
#include <strings.h>

struct iso_npm {
    struct iso_npm_config config;
    char registry[URL_SIZE];
    char auth[ISO_NPM_AUTH_SIZE];
    struct iso_npm_choice choice;
};

void iso_npm_destroy(struct iso_npm *npm)
{
    if (npm != NULL) {
        iso_npm_config_fini(&npm->config);
        free(npm);
    }
}

/* "https://host:port" of an address. */
static size_t origin_len(const char *url)
{
    const char *host = strstr(url, "//");
    return host != NULL ? (size_t)(host + 2 - url) + strcspn(host + 2, "/?#") : strlen(url);
}

static bool same_origin(const char *a, const char *b)
{
    const size_t len = origin_len(a);
    return len == origin_len(b) && strncasecmp(a, b, len) == 0;
}

static void get(struct iso_job *job, const char *url, const char *accept, uint64_t max_bytes,
                iso_job_step step)
{
    const struct iso_npm *npm = job->npm;
    const char *const headers[] = {npm->auth};
    struct iso_http_client_request request = {
        .url = url,
        .accept = accept,
        .headers = headers,
        .header_count = npm->auth[0] != '\0' ? 1 : 0,
        .max_bytes = max_bytes,
        .total_ms = UINT32_MAX, /* the job has a deadline */
        .follow = true,
        .environment_proxy = true, /* as npm does */
        .ca_file = iso_npm_config_get(&npm->config, "cafile"),
        /* Who configured a registry may have it anywhere; what it names may not be. */
        .addresses = same_origin(url, npm->registry) ? ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ELSEWHERE
                                                     : ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ONLY};
    iso_job_request(job, &request, false, step);
}

/* ---- The tarball -------------------------------------------------------------------------------
 */

static void finish(struct iso_job *job)
{
    struct iso_reference exact = job->reference;
    exact.version = iso_str_from_z(job->npm->choice.version);
    job->err = iso_package_set_reference(job->package, &exact);
    iso_job_end(job);
}

static void unpack_work(struct iso_job *job)
{
    const struct iso_bytes tarball = iso_bytes_from(job->bytes, job->len);
    struct iso_report why;
    iso_report_init(&why);
    job->err = iso_npm_check(tarball, &job->npm->choice, &why);
    if (job->err == ISO_OK) {
        job->err = iso_npm_unpack(tarball, job->reference.path, iso_job_max_bytes(job),
                                  job->package, &why);
    }
    if (job->err != ISO_OK) {
        iso_report_set(&job->report, "npm:%.*s@%s: %s", (int)job->reference.name.len,
                       job->reference.name.ptr, job->npm->choice.version,
                       iso_report_text(&why, job->err));
    }
}

static void on_tarball(struct iso_job *job, const struct iso_http_client_answer *answer)
{
    if (iso_job_keep(job, answer)) {
        iso_job_work(job, unpack_work, finish);
    }
}

/* Registries that mirror npm's own hand its documents out as they are: npm then takes tarballs from
 * the mirror too ("replace-registry-host"). */
static void tarball_url(const struct iso_npm *npm, char out[2 * URL_SIZE])
{
    const char *url = npm->choice.tarball;
    const char *host = strstr(url, "//");
    if (host != NULL && strncasecmp(host, "//registry.npmjs.org/", 21) == 0) {
        (void)iso_format(out, 2 * URL_SIZE, "%.*s%s", (int)origin_len(npm->registry), npm->registry,
                         url + origin_len(url));
    } else {
        (void)iso_format(out, 2 * URL_SIZE, "%s", url);
    }
}

static void fetch_tarball(struct iso_job *job)
{
    struct iso_npm *npm = job->npm;
    struct iso_report report;
    char url[2 * URL_SIZE];
    iso_report_init(&report);
    tarball_url(npm, url);
    if (strncmp(npm->registry, "https://", 8) == 0 && strncmp(url, "https://", 8) != 0) {
        iso_job_fail(job, ISO_E_REFUSED,
                     "%s: the registry is reached over https, but its tarball is at %.200s",
                     job->reference_text, url);
        return;
    }
    enum iso_err err = iso_npm_config_auth(&npm->config, url, npm->auth, &report);
    if (err != ISO_OK) {
        iso_job_fail(job, err, "%s: %s", job->reference_text, iso_report_text(&report, err));
        return;
    }
    get(job, url, NULL, iso_job_max_bytes(job), on_tarball);
}

/* ---- The packument -----------------------------------------------------------------------------
 */

static void choose_work(struct iso_job *job)
{
    job->err = iso_npm_choose(iso_bytes_from(job->bytes, job->len), job->reference.name,
                              job->reference.version, &job->npm->choice, &job->report);
}

static void on_packument(struct iso_job *job, const struct iso_http_client_answer *answer)
{
    if (iso_job_keep(job, answer)) {
        iso_job_work(job, choose_work, fetch_tarball);
    }
}

static void fetch_packument(struct iso_job *job)
{
    const struct iso_str name = job->reference.name;
    const char *slash = memchr(name.ptr, '/', name.len);
    const size_t first = slash != NULL ? (size_t)(slash - name.ptr) : name.len;
    const size_t skip = slash != NULL ? first + 1 : first;
    char url[2 * URL_SIZE];
    (void)iso_format(url, sizeof url, "%s%.*s%s%.*s", job->npm->registry, (int)first, name.ptr,
                     slash != NULL ? "%2f" : "", (int)(name.len - skip), name.ptr + skip);
    get(job, url, "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8",
        JSON_BYTES_MAX, on_packument);
}

static void configure_work(struct iso_job *job)
{
    struct iso_npm *npm = job->npm;
    job->err = iso_npm_config_load(&npm->config, iso_job_project_dir(job), &job->report);
    if (job->err == ISO_OK) {
        job->err =
            iso_npm_config_registry(&npm->config, job->reference.name, npm->registry, &job->report);
    }
    if (job->err == ISO_OK) {
        job->err = iso_npm_config_auth(&npm->config, npm->registry, npm->auth, &job->report);
    }
}

void iso_job_begin_npm(struct iso_job *job)
{
    job->npm = calloc(1, sizeof *job->npm);
    if (job->npm == NULL) {
        iso_job_fail(job, ISO_E_NOMEM, "%s: not enough memory", job->reference_text);
        return;
    }
    iso_npm_config_init(&job->npm->config);
    iso_job_work(job, configure_work, fetch_packument);
}
