/* OCI registries: documents and challenges. Pure; any thread. */
#ifndef ISO_PACKAGE_OCI_H
#define ISO_PACKAGE_OCI_H

#include "package/sources.h"

/* ---- Manifests (oci_manifest.c; image-spec 1.1, and the Wasm OCI artifact layout of the CNCF) ---
 */

#define ISO_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define ISO_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define ISO_OCI_WASM_CONFIG "application/vnd.wasm.config.v0+json"
#define ISO_OCI_WASM_LAYER "application/wasm"
/* What registries answer for old clients; the same form. */
#define ISO_OCI_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define ISO_OCI_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"

struct iso_oci_manifest {
    bool is_index;                   /* then digest is that of its only manifest */
    uint8_t digest[ISO_SHA256_SIZE]; /* of the layer with the module */
    uint64_t size_bytes;
};

/* Reads a manifest or an index. Annotations go to the package. Errors: MALFORMED, INVALID (no layer
 * with a module, not exactly one manifest), LIMIT (the layer is larger than max_bytes). */
ISO_MUST_CHECK enum iso_err iso_oci_manifest_read(struct iso_bytes json, uint64_t max_bytes,
                                                  struct iso_package *package,
                                                  struct iso_oci_manifest *out,
                                                  struct iso_report *report);
/* The configuration of a module's image, and its manifest with what the package knows as
 * annotations. Errors: those of iso_buf. */
ISO_MUST_CHECK enum iso_err iso_oci_config_write(const uint8_t layer[ISO_SHA256_SIZE],
                                                 struct iso_buf *out);
ISO_MUST_CHECK enum iso_err iso_oci_manifest_write(struct iso_bytes config, uint64_t layer_bytes,
                                                   const struct iso_package *package,
                                                   struct iso_buf *out);

/* ---- Challenges (oci_auth.c; RFC 9110, section 11; distribution's "token" specification) --------
 */

enum iso_oci_scheme { ISO_OCI_NONE, ISO_OCI_BASIC, ISO_OCI_BEARER };

struct iso_oci_challenge {
    enum iso_oci_scheme scheme;
    char realm[URL_SIZE];
    char service[256];
    char scope[1024];
};
/* The best of the challenges in a WWW-Authenticate field: Bearer with a realm, then Basic; joined
 * with what an earlier field gave. */
void iso_oci_challenge_read(struct iso_str field, struct iso_oci_challenge *out);
/* Where a token is to be had. scope: when the challenge has none. Errors: LIMIT. */
ISO_MUST_CHECK enum iso_err iso_oci_token_url(const struct iso_oci_challenge *challenge,
                                              const char *scope, char out[2 * URL_SIZE]);
enum { ISO_OCI_AUTH_SIZE = 12288 };
/* "Authorization: Basic ..." */
void iso_oci_basic(const struct iso_job_registry *registry, char out[ISO_OCI_AUTH_SIZE]);
/* "Authorization: Bearer ..." out of a token server's answer. Errors: MALFORMED. */
ISO_MUST_CHECK enum iso_err iso_oci_token_read(struct iso_bytes json, char out[ISO_OCI_AUTH_SIZE]);

/* ---- Exchanges with a registry (oci_exchange.c)
 * -------------------------------------------------- */

struct iso_oci {
    struct iso_job_registry registry;
    char auth[ISO_OCI_AUTH_SIZE]; /* a header field; empty: none yet */
    unsigned refusals;            /* 401 since the last answer that was none */
    const char *scope;            /* "pull", "pull,push" */
    void (*again)(struct iso_job *job);
    iso_job_step step;
    struct iso_oci_challenge challenge;

    /* Of a pull. */
    uint8_t top[ISO_SHA256_SIZE]; /* of the manifest that the tag names */
    bool has_top;
    struct iso_oci_manifest manifest;

    /* Of a push. */
    uint8_t layer[ISO_SHA256_SIZE];
    uint8_t config_digest[ISO_SHA256_SIZE];
    struct iso_buf config, document;
    bool config_is_there;
    char upload_url[2 * URL_SIZE];
};

/* job->oci with the registry of the reference; false: the job has ended. */
bool iso_oci_begin(struct iso_job *job, const char *scope);
/* A request to the registry: path behind "/v2/NAME/", or (with a slash at its beginning) a whole
 * address. Asks for credentials when it has to: `again` makes the same request anew. */
void iso_oci_request(struct iso_job *job, const char *path, struct iso_http_client_request *request,
                     void (*again)(struct iso_job *job), iso_job_step step);

#endif
