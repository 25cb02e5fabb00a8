/* oci: a module out of a registry of OCI images: its manifest, then its layer. */
#include "package/oci.h"

enum {
    MANIFEST_MAX_BYTES = 4 << 20,
    ERROR_MAX_BYTES = 64 << 10 /* what comes instead of a layer */
};

/* ---- The layer ---------------------------------------------------------------------------------
 */

static void finish(struct iso_job *job)
{
    struct iso_reference exact = job->reference;
    exact.version = iso_str_from(NULL, 0);
    exact.has_digest = true;
    memcpy(exact.digest, job->oci->top, sizeof exact.digest);
    job->err = iso_package_set_reference(job->package, &exact);
    iso_job_end(job);
}

static void check_work(struct iso_job *job)
{
    struct iso_report why;
    uint8_t *bytes = job->bytes;
    const size_t len = job->len;
    job->bytes = NULL;
    job->len = 0;
    iso_report_init(&why);
    job->err = iso_package_set_module(job->package, bytes, len, job->oci->manifest.digest, &why);
    if (job->err != ISO_OK) {
        iso_report_set(&job->report, "%s: %s", job->reference_text,
                       iso_report_text(&why, job->err));
    }
}

static void on_layer(struct iso_job *job, const struct iso_http_client_answer *answer)
{
    if (answer->status != 200) {
        iso_job_refused(job, answer);
    } else if (answer->body->len != job->oci->manifest.size_bytes) {
        iso_job_fail(job, ISO_E_INVALID, "%s: the layer has %zu bytes, its manifest says %llu",
                     job->reference_text, answer->body->len,
                     (unsigned long long)job->oci->manifest.size_bytes);
    } else if (iso_job_keep(job, answer)) {
        iso_job_work(job, check_work, finish);
    }
}

static void fetch_layer(struct iso_job *job)
{
    char path[128], digest[ISO_DIGEST_TEXT_SIZE];
    struct iso_http_client_request request = {.max_bytes =
                                                  job->oci->manifest.size_bytes + ERROR_MAX_BYTES};
    iso_digest_text(job->oci->manifest.digest, digest);
    (void)iso_format(path, sizeof path, "blobs/%s", digest);
    iso_oci_request(job, path, &request, fetch_layer, on_layer);
}

/* ---- The manifest ------------------------------------------------------------------------------
 */

static void fetch_manifest(struct iso_job *job);

/* Which manifest is wanted; false: whatever the tag names. */
static bool wanted_digest(const struct iso_job *job, uint8_t digest[ISO_SHA256_SIZE])
{
    const struct iso_oci *oci = job->oci;
    if (oci->has_top) { /* an index was there; this is the manifest in it */
        memcpy(digest, oci->manifest.digest, ISO_SHA256_SIZE);
        return true;
    }
    memcpy(digest, job->reference.digest, ISO_SHA256_SIZE);
    return job->reference.has_digest;
}

static void on_manifest(struct iso_job *job, const struct iso_http_client_answer *answer)
{
    struct iso_oci *oci = job->oci;
    struct iso_report why;
    uint8_t found[ISO_SHA256_SIZE], wanted[ISO_SHA256_SIZE];
    const struct iso_bytes bytes = iso_buf_view(answer->body);
    if (answer->status != 200) {
        iso_job_refused(job, answer);
        return;
    }
    iso_sha256(bytes.ptr, bytes.len, found);
    if (wanted_digest(job, wanted) && memcmp(found, wanted, sizeof found) != 0) {
        iso_job_fail(job, ISO_E_INVALID,
                     "%s: the manifest that the registry gives has another digest",
                     job->reference_text);
        return;
    }
    const bool inner = oci->has_top;
    if (!inner) {
        memcpy(oci->top, found, sizeof found);
        oci->has_top = true;
    }
    iso_report_init(&why);
    enum iso_err err =
        iso_oci_manifest_read(bytes, iso_job_max_bytes(job), job->package, &oci->manifest, &why);
    if (err == ISO_OK && oci->manifest.is_index && inner) {
        err = iso_fail(&why, ISO_E_INVALID, "it is an index of an index");
    }
    if (err != ISO_OK) {
        iso_job_fail(job, err, "%s: %s", job->reference_text, iso_report_text(&why, err));
    } else if (oci->manifest.is_index) {
        fetch_manifest(job);
    } else {
        fetch_layer(job);
    }
}

static void fetch_manifest(struct iso_job *job)
{
    char path[256], digest[ISO_DIGEST_TEXT_SIZE];
    uint8_t wanted[ISO_SHA256_SIZE];
    struct iso_http_client_request request = {.accept = ISO_OCI_MANIFEST
                                              ", " ISO_OCI_INDEX ", " ISO_OCI_DOCKER_MANIFEST
                                              ", " ISO_OCI_DOCKER_LIST,
                                              .max_bytes = MANIFEST_MAX_BYTES};
    if (wanted_digest(job, wanted)) {
        iso_digest_text(wanted, digest);
        (void)iso_format(path, sizeof path, "manifests/%s", digest);
    } else {
        (void)iso_format(path, sizeof path, "manifests/%.*s", (int)job->reference.version.len,
                         job->reference.version.ptr);
    }
    iso_oci_request(job, path, &request, fetch_manifest, on_manifest);
}

void iso_job_begin_oci(struct iso_job *job)
{
    if (iso_oci_begin(job, "pull")) {
        fetch_manifest(job);
    }
}
