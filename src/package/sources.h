/*
 * What the sources share: a job is one fetch or push from beginning to end. It does one thing at a
 * time: a request (iso_job_request), or work on the pool (iso_job_work); each is followed by the
 * step that was named, or by the end of the job. Loop thread, unless it says otherwise.
 */
#ifndef ISO_PACKAGE_SOURCES_H
#define ISO_PACKAGE_SOURCES_H

#include "net/http_client.h"
#include "package/package.h"

enum {
    JOB_TOTAL_MS = 60000,
    JSON_BYTES_MAX = 32 << 20, /* of a packument; manifests are smaller */
    URL_SIZE = 2048
};

struct iso_job;

typedef void (*iso_job_step)(struct iso_job *job, const struct iso_http_client_answer *answer);

/* A registry of OCI images as it was when the job began. */
struct iso_job_registry {
    char url[256]; /* without a slash at its end */
    char username[128];
    char password[512];
    bool has_password;
};

struct iso_job {
    struct iso_package_sources *sources;
    struct iso_job *next;
    uint64_t id;
    char *reference_text;
    struct iso_reference reference;
    char place[300]; /* what it waits for together with others: "oci registry.example:5000" */
    char *base_dir;
    uv_timer_t timer; /* first: begin; then: the deadline */
    bool begun, ending, closed;
    bool late;        /* the deadline has passed while the pool worked */
    enum iso_err err; /* also set on the pool */
    struct iso_report report;

    uint64_t request; /* 0: none under way */
    iso_job_step step;
    bool any_status;
    uv_work_t work;
    bool working;
    void (*work_fn)(struct iso_job *job);
    void (*after)(struct iso_job *job);

    /* Of a fetch. */
    iso_package_fetched_fn fetched;
    void *ctx;
    struct iso_package *package;
    uint8_t *bytes; /* of the latest answer that was kept */
    size_t len;

    /* Of a push. */
    iso_package_pushed_fn pushed;
    struct iso_bytes module;
    struct iso_buf pushed_reference;

    struct iso_npm *npm; /* npm.h */
    struct iso_oci *oci; /* oci.h */
};

/* The end of a job, with what is in the report; the first error counts. */
void iso_job_fail(struct iso_job *job, enum iso_err err, const char *format, ...) ISO_PRINTF(3, 4);
/* The same with job->err and job->report as they are; ISO_OK is success. */
void iso_job_end(struct iso_job *job);

/*
 * A request whose callbacks are filled in. Statuses other than 2xx end the job (404: NOT_FOUND,
 * 401 and 403: ACCESS, else IO), unless any_status. A request that fails ends it too.
 */
void iso_job_request(struct iso_job *job, struct iso_http_client_request *request, bool any_status,
                     iso_job_step step);
/* Ends the job because of the answer's status. `what`: "the package". */
void iso_job_refused(struct iso_job *job, const struct iso_http_client_answer *answer);
/* Takes the answer's body over to job->bytes. False: no memory, and the job has ended. */
bool iso_job_keep(struct iso_job *job, const struct iso_http_client_answer *answer);
/* work: on the pool; it may set job->err and job->report. after: on the loop, if there is no error.
 */
void iso_job_work(struct iso_job *job, void (*work)(struct iso_job *job),
                  void (*after)(struct iso_job *job));
uint64_t iso_job_max_bytes(const struct iso_job *job);
const char *iso_job_project_dir(const struct iso_job *job);
/* NULL: the system's authorities. */
const char *iso_job_ca_file(const struct iso_job *job);
/* Copies the registry of that alias; false when there is none, and the job has ended. */
bool iso_job_registry(struct iso_job *job, struct iso_job_registry *out);

/* package.c */
struct iso_package *iso_package_new(void);
/* Any thread. Gives the package its module (taken, also on failure), checks that it is one and,
 * when wanted is not NULL, its digest. Errors: INVALID, UNSUPPORTED (a component). */
ISO_MUST_CHECK enum iso_err iso_package_set_module(struct iso_package *package, uint8_t *bytes,
                                                   size_t len,
                                                   const uint8_t wanted[ISO_SHA256_SIZE],
                                                   struct iso_report *report);
/* Prints the exact reference into the package. Errors: NOMEM. */
ISO_MUST_CHECK enum iso_err iso_package_set_reference(struct iso_package *package,
                                                      const struct iso_reference *reference);
/* A copy in the package's arena; NOMEM. */
ISO_MUST_CHECK enum iso_err iso_package_copy(struct iso_package *package, struct iso_bytes bytes,
                                             struct iso_bytes *out);
/* Licence, description, name and version out of a package.json; what cannot be read is left out. */
void iso_package_read_json(struct iso_package *package, struct iso_bytes json);

/* How each kind begins. */
void iso_job_begin_file(struct iso_job *job);
void iso_job_begin_https(struct iso_job *job);
void iso_job_begin_npm(struct iso_job *job);
void iso_job_begin_oci(struct iso_job *job);
void iso_job_begin_push(struct iso_job *job);
/* What a job has of them; NULL is fine. */
void iso_npm_destroy(struct iso_npm *npm);
void iso_oci_destroy(struct iso_oci *oci);

#endif
