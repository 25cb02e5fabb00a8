/* Requests to a registry (https://github.com/opencontainers/distribution-spec, 1.1), with
 * credentials when it asks for them. */
#include "package/oci.h"

#include <stdlib.h>
#include <strings.h>

#define SCHEME_HTTPS "https://"

enum { REFUSALS_MAX = 2 };

void iso_oci_destroy(struct iso_oci *oci)
{
    if (oci != NULL) {
        iso_buf_fini(&oci->config);
        iso_buf_fini(&oci->document);
        free(oci);
    }
}

bool iso_oci_begin(struct iso_job *job, const char *scope)
{
    job->oci = calloc(1, sizeof *job->oci);
    if (job->oci == NULL) {
        iso_job_fail(job, ISO_E_NOMEM, "%s: not enough memory", job->reference_text);
        return false;
    }
    iso_buf_init(&job->oci->config, iso_alloc_libc(), JSON_BYTES_MAX);
    iso_buf_init(&job->oci->document, iso_alloc_libc(), JSON_BYTES_MAX);
    job->oci->scope = scope;
    return iso_job_registry(job, &job->oci->registry);
}

/* Both begin with the same "https://host:port". */
static bool same_origin(const char *a, const char *b)
{
    const char *host = strstr(a, "//");
    if (host == NULL) {
        return false;
    }
    const size_t len = (size_t)(host + 2 - a) + strcspn(host + 2, "/?#");
    return strncasecmp(a, b, len) == 0 && (b[len] == '\0' || strchr("/?#", b[len]) != NULL);
}

/* ---- Credentials -------------------------------------------------------------------------------
 */

static void on_token(struct iso_job *job, const struct iso_http_client_answer *answer)
{
    if (iso_oci_token_read(iso_buf_view(answer->body), job->oci->auth) != ISO_OK) {
        iso_job_fail(job, ISO_E_MALFORMED, "%s: %.200s gives no token", job->reference_text,
                     answer->url);
        return;
    }
    job->oci->again(job);
}

static void fetch_token(struct iso_job *job)
{
    struct iso_oci *oci = job->oci;
    char url[2 * URL_SIZE], scope[512], basic[ISO_OCI_AUTH_SIZE];
    const char *const headers[] = {basic};
    const bool own = same_origin(oci->registry.url, oci->challenge.realm);
    (void)iso_format(scope, sizeof scope, "repository:%.*s:%s", (int)job->reference.name.len,
                     job->reference.name.ptr, oci->scope);
    if ((!own && strncmp(oci->challenge.realm, SCHEME_HTTPS, strlen(SCHEME_HTTPS)) != 0) ||
        iso_oci_token_url(&oci->challenge, scope, url) != ISO_OK) {
        iso_job_fail(job, ISO_E_REFUSED,
                     "%s: the registry wants a token from '%.200s', which is neither itself nor "
                     "reached over https",
                     job->reference_text, oci->challenge.realm);
        return;
    }
    iso_oci_basic(&oci->registry, basic);
    struct iso_http_client_request request = {.url = url,
                                              .headers = headers,
                                              .header_count = oci->registry.has_password ? 1 : 0,
                                              .total_ms = UINT32_MAX,
                                              .addresses =
                                                  own ? ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ELSEWHERE
                                                      : ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ONLY};
    iso_job_request(job, &request, false, on_token);
}

static void authenticate(struct iso_job *job, const struct iso_http_client_answer *answer)
{
    struct iso_oci *oci = job->oci;
    struct iso_str field;
    oci->challenge = (struct iso_oci_challenge){.scheme = ISO_OCI_NONE};
    for (size_t i = 0; i < 8 && iso_http_client_header(answer, "WWW-Authenticate", i, &field);
         i++) {
        iso_oci_challenge_read(field, &oci->challenge);
    }
    if (oci->challenge.scheme == ISO_OCI_BEARER) {
        fetch_token(job);
    } else if (oci->challenge.scheme == ISO_OCI_BASIC && oci->registry.has_password) {
        iso_oci_basic(&oci->registry, oci->auth);
        oci->again(job);
    } else {
        iso_job_fail(job, ISO_E_ACCESS,
                     "%s: the registry %.*s wants credentials, and there are none for it",
                     job->reference_text, (int)job->reference.alias.len, job->reference.alias.ptr);
    }
}

/* ---- Requests ----------------------------------------------------------------------------------
 */

static void on_answer(struct iso_job *job, const struct iso_http_client_answer *answer)
{
    struct iso_oci *oci = job->oci;
    if (answer->status == 401 && oci->refusals++ < REFUSALS_MAX - 1) {
        authenticate(job, answer);
        return;
    }
    if (answer->status == 401 || answer->status == 403) {
        iso_job_fail(job, ISO_E_ACCESS, "%s: the registry %.*s refuses %s", job->reference_text,
                     (int)job->reference.alias.len, job->reference.alias.ptr,
                     oci->registry.has_password ? "the credentials that are set for it"
                                                : "who has no credentials");
        return;
    }
    oci->refusals = 0;
    oci->step(job, answer);
}

void iso_oci_request(struct iso_job *job, const char *path, struct iso_http_client_request *request,
                     void (*again)(struct iso_job *job), iso_job_step step)
{
    struct iso_oci *oci = job->oci;
    char url[2 * URL_SIZE];
    const char *const headers[] = {oci->auth};
    if (strncmp(path, "http", 4) == 0) {
        (void)iso_format(url, sizeof url, "%s", path);
    } else {
        (void)iso_format(url, sizeof url, "%s/v2/%.*s/%s", oci->registry.url,
                         (int)job->reference.name.len, job->reference.name.ptr, path);
    }
    if (!same_origin(oci->registry.url, url)) {
        iso_job_fail(job, ISO_E_REFUSED,
                     "%s: the registry leads to another host (%.200s), which gets no credentials",
                     job->reference_text, url);
        return;
    }
    oci->again = again;
    oci->step = step;
    request->url = url;
    request->headers = headers;
    request->header_count = oci->auth[0] != '\0' ? 1 : 0;
    request->total_ms = UINT32_MAX; /* the job has a deadline */
    request->repeat_safe = true;    /* what is begun twice is forgotten by the registry */
    request->follow = true;
    request->ca_file = iso_job_ca_file(job);
    request->addresses = ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ELSEWHERE;
    iso_job_request(job, request, true, on_answer);
}
