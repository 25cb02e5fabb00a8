/* https: bytes from anywhere on the Internet, whose digest is known beforehand. A signature beside
 * them (ADDRESS.minisig) comes with them; other files beside have no digest and do not count. */
#include "package/sources.h"

static void on_signature(struct iso_job *job, const struct iso_http_client_answer *answer)
{
    if (answer->status == 200 && answer->body->len != 0 &&
        answer->body->len <= ISO_PACKAGE_MAX_BESIDE_BYTES) {
        job->err =
            iso_package_copy(job->package, iso_buf_view(answer->body), &job->package->signature);
    }
    iso_job_end(job);
}

static struct iso_http_client_request request_of(const struct iso_job *job, const char *url)
{
    return (struct iso_http_client_request){.url = url,
                                            .total_ms = UINT32_MAX, /* the job has a deadline */
                                            .follow = true,
                                            .ca_file = iso_job_ca_file(job),
                                            .addresses = ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ONLY};
}

static void fetch_signature(struct iso_job *job)
{
    char url[ISO_REFERENCE_MAX_BYTES + 16];
    const struct iso_str plain = job->reference.url;
    const char *query = memchr(plain.ptr, '?', plain.len);
    if (query != NULL) { /* what that would have beside it, nobody knows */
        iso_job_end(job);
        return;
    }
    (void)iso_format(url, sizeof url, "%.*s.minisig", (int)plain.len, plain.ptr);
    struct iso_http_client_request request = request_of(job, url);
    request.max_bytes = ISO_PACKAGE_MAX_BESIDE_BYTES;
    iso_job_request(job, &request, true, on_signature);
}

static void check_work(struct iso_job *job)
{
    uint8_t *bytes = job->bytes;
    const size_t len = job->len;
    job->bytes = NULL;
    job->len = 0;
    job->err =
        iso_package_set_module(job->package, bytes, len, job->reference.digest, &job->report);
    job->err =
        job->err != ISO_OK ? job->err : iso_package_set_reference(job->package, &job->reference);
}

static void on_module(struct iso_job *job, const struct iso_http_client_answer *answer)
{
    if (iso_job_keep(job, answer)) {
        iso_job_work(job, check_work, fetch_signature);
    }
}

void iso_job_begin_https(struct iso_job *job)
{
    char url[ISO_REFERENCE_MAX_BYTES + 1];
    (void)iso_format(url, sizeof url, "%.*s", (int)job->reference.url.len, job->reference.url.ptr);
    struct iso_http_client_request request = request_of(job, url);
    request.max_bytes = iso_job_max_bytes(job);
    iso_job_request(job, &request, false, on_module);
}
