/* Pushing a module to a registry of OCI images (distribution-spec 1.1, "Push"): the blobs that it
 * has not yet, then the manifest under its tag. */
#include "package/oci.h"

#include <stdlib.h>

/* Which blob is at hand: first the module, then the configuration. */
static struct iso_bytes blob_of(const struct iso_job *job, char digest[ISO_DIGEST_TEXT_SIZE])
{
    const struct iso_oci *oci = job->oci;
    iso_digest_text(oci->config_is_there ? oci->config_digest : oci->layer, digest);
    return oci->config_is_there ? iso_buf_view(&oci->config) : job->module;
}

/* ---- The manifest ------------------------------------------------------------------------------
 */

static void on_manifest(struct iso_job *job, const struct iso_http_client_answer *answer)
{
    struct iso_reference exact = job->reference;
    if (answer->status != 201 && answer->status != 200) {
        iso_job_fail(job, ISO_E_IO, "%s: the registry answers %u to the manifest: %.*s",
                     job->reference_text, answer->status,
                     (int)(answer->body->len < 200 ? answer->body->len : 200),
                     answer->body->ptr != NULL ? (const char *)answer->body->ptr : "");
        return;
    }
    exact.version = iso_str_from(NULL, 0);
    exact.has_digest = true;
    iso_sha256(job->oci->document.ptr, job->oci->document.len, exact.digest);
    job->err = iso_reference_print(&exact, &job->pushed_reference);
    iso_job_end(job);
}

static void put_manifest(struct iso_job *job)
{
    char path[256];
    struct iso_http_client_request request = {.method = "PUT",
                                              .content_type = ISO_OCI_MANIFEST,
                                              .body = iso_buf_view(&job->oci->document),
                                              .body_kept = true};
    (void)iso_format(path, sizeof path, "manifests/%.*s", (int)job->reference.version.len,
                     job->reference.version.ptr);
    iso_oci_request(job, path, &request, put_manifest, on_manifest);
}

/* ---- Blobs -------------------------------------------------------------------------------------
 */

static void ask_for_blob(struct iso_job *job);

static void next(struct iso_job *job)
{
    if (job->oci->config_is_there) {
        put_manifest(job);
    } else {
        job->oci->config_is_there = true;
        ask_for_blob(job);
    }
}

static void on_uploaded(struct iso_job *job, const struct iso_http_client_answer *answer)
{
    if (answer->status == 201 || answer->status == 204) {
        next(job);
    } else {
        iso_job_refused(job, answer);
    }
}

static void put_blob(struct iso_job *job)
{
    char digest[ISO_DIGEST_TEXT_SIZE];
    struct iso_http_client_request request = {.method = "PUT",
                                              .content_type = "application/octet-stream",
                                              .body = blob_of(job, digest),
                                              .body_kept = true};
    iso_oci_request(job, job->oci->upload_url, &request, put_blob, on_uploaded);
}

/* Location is an address or a path of the registry. */
static void on_begun(struct iso_job *job, const struct iso_http_client_answer *answer)
{
    struct iso_oci *oci = job->oci;
    struct iso_str location;
    char digest[ISO_DIGEST_TEXT_SIZE];
    if (answer->status == 201) { /* it was there after all */
        next(job);
        return;
    }
    if (answer->status != 202 || !iso_http_client_header(answer, "Location", 0, &location) ||
        location.len == 0 || location.len > URL_SIZE) {
        iso_job_refused(job, answer);
        return;
    }
    const char *host = strstr(oci->registry.url, "//") + 2;
    const size_t origin = (size_t)(host - oci->registry.url) + strcspn(host, "/");
    const bool path = location.ptr[0] == '/';
    const bool query = memchr(location.ptr, '?', location.len) != NULL;
    (void)blob_of(job, digest);
    (void)iso_format(oci->upload_url, sizeof oci->upload_url, "%.*s%.*s%cdigest=sha256%%3A%s",
                     path ? (int)origin : 0, oci->registry.url, (int)location.len, location.ptr,
                     query ? '&' : '?', digest + strlen("sha256:"));
    put_blob(job);
}

static void begin_upload(struct iso_job *job)
{
    struct iso_http_client_request request = {.method = "POST"};
    iso_oci_request(job, "blobs/uploads/", &request, begin_upload, on_begun);
}

static void on_asked(struct iso_job *job, const struct iso_http_client_answer *answer)
{
    if (answer->status == 200) {
        next(job);
    } else if (answer->status == 404) {
        begin_upload(job);
    } else {
        iso_job_refused(job, answer);
    }
}

static void ask_for_blob(struct iso_job *job)
{
    char path[128], digest[ISO_DIGEST_TEXT_SIZE];
    struct iso_http_client_request request = {.method = "HEAD"};
    (void)blob_of(job, digest);
    (void)iso_format(path, sizeof path, "blobs/%s", digest);
    iso_oci_request(job, path, &request, ask_for_blob, on_asked);
}

/* ---- The beginning -----------------------------------------------------------------------------
 */

static void prepare_work(struct iso_job *job)
{
    struct iso_oci *oci = job->oci;
    static const uint8_t magic[4] = {0, 'a', 's', 'm'};
    if (job->module.len < 8 || memcmp(job->module.ptr, magic, sizeof magic) != 0) {
        job->err = iso_fail(&job->report, ISO_E_INVALID, "%s: this is not a WebAssembly module",
                            job->reference_text);
        return;
    }
    iso_sha256(job->module.ptr, job->module.len, oci->layer);
    memcpy(job->package->digest, oci->layer, sizeof oci->layer);
    job->err = iso_oci_config_write(oci->layer, &oci->config);
    iso_sha256(oci->config.ptr, oci->config.len, oci->config_digest);
    if (job->err == ISO_OK) {
        job->err = iso_oci_manifest_write(iso_buf_view(&oci->config), job->module.len, job->package,
                                          &oci->document);
    }
}

void iso_job_begin_push(struct iso_job *job)
{
    if (iso_oci_begin(job, "pull,push")) {
        iso_job_work(job, prepare_work, ask_for_blob);
    }
}
