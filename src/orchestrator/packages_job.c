/* packages_job.c - from a reference to a module that was looked into: found here or fetched, its
 * signature verified, kept, described. Each job is on its own; reading and looking is done on
 * libuv's pool. */
#include "orchestrator/packages_internal.h"

#include "base/format.h"
#include "base/sha256.h"

#include <string.h>

struct iso_or_job {
    struct iso_or_shelf *shelf;
    struct iso_or_job *next;
    uint64_t id;
    uint64_t fetch; /* under way; 0: none */
    struct iso_arena arena;
    struct iso_str reference, exact, signature, signer;
    struct iso_bytes wit;
    const char *wit_name;
    struct iso_package_info info; /* what came beside the module */
    bool has_digest;
    uint8_t digest[ISO_SHA256_SIZE]; /* that it must have; of the module, once it is there */
    uint8_t *bytes;                  /* of the allocator; or those of the package */
    size_t len;
    struct iso_package *package;
    bool keep;  /* bytes go into the store, and a row is written */
    bool sent;  /* they are there, since they were received */
    bool added; /* ... and were not before */
    bool waits; /* to be looked into */
    bool check; /* the signature, when there are trusted keys */
    struct iso_sign_public *keys;
    size_t key_count;
    struct iso_description *description;
    enum iso_err err;
    struct iso_report report;
    uv_work_t work;
    void (*resolved)(void *arg, enum iso_err err, const struct iso_report *report,
                     const struct iso_or_resolved *resolved);
    iso_or_shelf_done kept;
    void *arg;
    bool held; /* the end has been told; what was told is kept until it is forgotten */
    char digest_text[ISO_DIGEST_TEXT_SIZE];
    char path[ISO_BLOB_PATH_SIZE];
};

static void look_next(struct iso_or_shelf *shelf);

/* ---- The end ----------------------------------------------------------------------------------
 */

static void destroy(struct iso_or_job *job)
{
    struct iso_or_shelf *shelf = job->shelf;
    for (struct iso_or_job **at = &shelf->jobs; *at != NULL; at = &(*at)->next) {
        if (*at == job) {
            *at = job->next;
            break;
        }
    }
    shelf->job_count--;
    shelf->looking = shelf->looking == job ? NULL : shelf->looking;
    iso_description_destroy(job->description);
    if (job->package == NULL) {
        iso_alloc_free(shelf->config.alloc, job->bytes, job->len);
    }
    iso_package_destroy(job->package);
    iso_arena_fini(&job->arena);
    iso_alloc_free(shelf->config.alloc, job, sizeof *job);
    look_next(shelf);
    iso_or_shelf_close_if_idle(shelf);
}

/* What was received is not kept: nothing of it stays, unless others have the same bytes. */
static void discard(struct iso_or_job *job)
{
    struct iso_or_shelf *shelf = job->shelf;
    struct iso_or_package_row row;
    char digest[ISO_DIGEST_TEXT_SIZE];
    bool others = false;
    for (const struct iso_or_job *at = shelf->jobs; at != NULL; at = at->next) {
        others = others || (at != job && at->has_digest &&
                            memcmp(at->digest, job->digest, sizeof job->digest) == 0);
    }
    iso_digest_text(job->digest, digest);
    if (!others && iso_or_shelf_row_of(shelf, iso_str_from_z(digest), job->reference, &job->arena,
                                       &row, NULL) == ISO_E_NOT_FOUND) {
        enum iso_err ignored = iso_blobs_delete(shelf->blobs, job->digest, NULL);
        (void)ignored; /* it goes when its room is needed */
    }
}

static void finish(struct iso_or_job *job)
{
    if (job->added && job->err != ISO_OK) {
        discard(job);
    }
    if (job->kept != NULL) {
        char reference[ISO_REFERENCE_MAX_BYTES + 1];
        (void)iso_format(reference, sizeof reference, "%.*s", (int)job->reference.len,
                         job->reference.ptr);
        job->kept(job->arg, job->err, &job->report, reference);
    } else if (job->resolved != NULL && job->err != ISO_OK) {
        job->resolved(job->arg, job->err, &job->report, NULL);
    } else if (job->resolved != NULL) {
        iso_digest_text(job->digest, job->digest_text);
        iso_blobs_path(job->shelf->blobs, job->digest, job->path);
        const struct iso_or_resolved resolved = {
            .exact = job->exact,
            .digest = iso_str_from_z(job->digest_text),
            .size_bytes = job->len,
            .wit = iso_str_from((const char *)job->wit.ptr, job->wit.len),
            .abi = job->description->interface.info.abi,
            .file = job->path,
            .description = job->description};
        void (*done)(void *, enum iso_err, const struct iso_report *,
                     const struct iso_or_resolved *) = job->resolved;
        job->resolved = NULL;
        job->held = true; /* until it is forgotten */
        done(job->arg, ISO_OK, &job->report, &resolved);
        return;
    }
    destroy(job);
}

/* ---- Keeping ----------------------------------------------------------------------------------
 */

static uint64_t wall_ms(void)
{
    uv_timeval64_t now = {0, 0};
    (void)uv_gettimeofday(&now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_usec / 1000u;
}

/* Whether a reference led to these bytes before, and since when. */
static bool is_known(struct iso_or_job *job, struct iso_str reference, const char *digest,
                     uint64_t *added_ms)
{
    struct iso_or_package_row row;
    if (iso_or_shelf_row(job->shelf, reference, &job->arena, &row, NULL) != ISO_OK ||
        !iso_str_equal(row.reference, reference) || !iso_str_equal_z(row.digest, digest)) {
        return false;
    }
    *added_ms = row.added_ms;
    return true;
}

static void put_row(struct iso_or_job *job)
{
    char digest[ISO_DIGEST_TEXT_SIZE];
    struct iso_buf info;
    uint64_t added_ms = wall_ms();
    iso_digest_text(job->digest, digest);
    const bool known = is_known(job, job->exact, digest, &added_ms);
    iso_buf_init(&info, job->shelf->config.alloc, 8u << 20);
    job->err = iso_or_package_info_json(job->description, &job->info, &info);
    if (job->err == ISO_OK) {
        const struct iso_or_package_row row = {
            .reference = job->reference,
            .exact = job->exact,
            .digest = iso_str_from_z(digest),
            .size_bytes = job->len,
            .wit = iso_str_from((const char *)job->wit.ptr, job->wit.len),
            .info = iso_str_from((const char *)info.ptr, info.len),
            .signer = job->signer,
            .added_ms = added_ms};
        job->err = iso_or_store_package_put(job->shelf->config.store, &row, &job->report);
        /* What the reference leads to may be another one tomorrow; this one is then known by its
         * exact name. */
        if (job->err == ISO_OK && !iso_str_equal(row.reference, row.exact)) {
            struct iso_or_package_row exact = row;
            exact.reference = row.exact;
            job->err = iso_or_store_package_put(job->shelf->config.store, &exact, &job->report);
        }
    }
    iso_buf_fini(&info);
    if (job->err == ISO_OK && !known && job->shelf->config.event != NULL) {
        char reference[ISO_REFERENCE_MAX_BYTES + 1];
        (void)iso_format(reference, sizeof reference, "%.*s", (int)job->reference.len,
                         job->reference.ptr);
        job->shelf->config.event(job->shelf->config.ctx, "package-added", reference);
    }
    finish(job);
}

static void on_stored(void *ctx, enum iso_err err, const struct iso_report *report)
{
    struct iso_or_job *job = ctx;
    if (err != ISO_OK) {
        job->err = err;
        job->report = *report;
        finish(job);
        return;
    }
    put_row(job);
}

static void store(struct iso_or_job *job)
{
    struct iso_blob_upload *upload = NULL;
    job->err = iso_blobs_begin(job->shelf->blobs, job->digest, job->len, &upload, &job->report);
    if (job->err == ISO_OK && upload == NULL) {
        put_row(job);
        return;
    }
    if (job->err == ISO_OK) {
        job->err =
            iso_blob_upload_write(upload, iso_bytes_from(job->bytes, job->len), &job->report);
    }
    if (job->err != ISO_OK) {
        iso_blob_upload_abort(upload);
        finish(job);
        return;
    }
    iso_blob_upload_finish(upload, on_stored, job);
}

/* ---- Looking into it; on the pool -------------------------------------------------------------
 */

static void verify(struct iso_or_job *job)
{
    struct iso_sign_found found;
    if (job->signature.len == 0) {
        job->err = iso_fail(&job->report, ISO_E_ACCESS,
                            "%.*s is not signed, and packages must be signed by a trusted key "
                            "here: sign it (isomer sign) and push it with its signature",
                            (int)job->reference.len, job->reference.ptr);
        return;
    }
    job->err = iso_sign_verify(job->keys, job->key_count, iso_bytes_from(job->bytes, job->len),
                               job->signature, &found, &job->report);
    if (job->err == ISO_OK) {
        char *id = iso_arena_alloc(&job->arena, ISO_SIGN_ID_TEXT_SIZE);
        if (id == NULL) {
            job->err = ISO_E_NOMEM;
            return;
        }
        iso_sign_id_text(job->keys[found.key].id, id);
        job->signer = iso_str_from_z(id);
    }
}

static void look_work(uv_work_t *work)
{
    struct iso_or_job *job = work->data;
    uint8_t digest[ISO_SHA256_SIZE];
    if (job->err != ISO_OK) {
        return;
    }
    iso_sha256(job->bytes, job->len, digest);
    if (job->has_digest && memcmp(digest, job->digest, sizeof digest) != 0) {
        char found[ISO_DIGEST_TEXT_SIZE], wanted[ISO_DIGEST_TEXT_SIZE];
        iso_digest_text(digest, found);
        iso_digest_text(job->digest, wanted);
        job->err = iso_fail(&job->report, ISO_E_INVALID, "%.*s is now %s, and not %s as it was",
                            (int)job->reference.len, job->reference.ptr, found, wanted);
        return;
    }
    memcpy(job->digest, digest, sizeof digest);
    if (job->check && job->key_count != 0) {
        verify(job);
    }
    if (job->err == ISO_OK) {
        job->err = iso_describe(iso_bytes_from(job->bytes, job->len), job->wit,
                                job->wit_name != NULL ? job->wit_name : "interface.wit",
                                &job->description, &job->report);
    }
}

static void look_done(uv_work_t *work, int status)
{
    struct iso_or_job *job = work->data;
    if (status != 0 && job->err == ISO_OK) {
        job->err = iso_fail(&job->report, ISO_E_STATE, "the orchestrator is stopping");
    }
    if (job->err == ISO_OK && job->sent) {
        put_row(job);
    } else if (job->err == ISO_OK && job->keep) {
        store(job);
    } else {
        finish(job);
    }
}

/* Also with an error that is there already: it is told from the loop, like all else. */
static void look(struct iso_or_job *job)
{
    struct iso_or_shelf *shelf = job->shelf;
    job->work.data = job;
    if (job->err == ISO_OK && job->check && shelf->trusted_count != 0) {
        job->keys = iso_arena_array(&job->arena, shelf->trusted_count, sizeof *job->keys);
        job->err = job->keys == NULL ? ISO_E_NOMEM : ISO_OK;
        for (size_t i = 0; i < shelf->trusted_count && job->err == ISO_OK; i++) {
            job->keys[i] = shelf->trusted[i].key;
        }
        job->key_count = job->err == ISO_OK ? shelf->trusted_count : 0;
    }
    if (uv_queue_work(shelf->config.loop, &job->work, look_work, look_done) != 0) {
        ISO_ASSERT(false); /* uv_queue_work fails for bad arguments only */
    }
}

/* ---- Where the bytes come from ----------------------------------------------------------------
 */

static void on_loaded(void *ctx, enum iso_err err, uint8_t *bytes, size_t len,
                      const struct iso_report *report)
{
    struct iso_or_job *job = ctx;
    job->err = err;
    if (err == ISO_OK) {
        job->bytes = bytes;
        job->len = len;
    } else {
        job->report = *report;
    }
    look(job);
}

static void on_fetched(void *ctx, uint64_t id, enum iso_err err, struct iso_package *package,
                       const struct iso_report *report)
{
    struct iso_or_job *job = ctx;
    (void)id;
    job->fetch = 0;
    job->err = err;
    if (err != ISO_OK) {
        job->report = *report;
    } else {
        job->package = package;
        job->bytes = (uint8_t *)(uintptr_t)package->module.ptr; /* read only from here on */
        job->len = package->module.len;
        job->exact = package->reference;
        job->wit = package->wit;
        job->wit_name =
            package->wit_name.len != 0 ? iso_arena_copy_str(&job->arena, package->wit_name) : NULL;
        job->signature = iso_str_from((const char *)package->signature.ptr, package->signature.len);
        job->info = package->info;
    }
    look(job);
}

static void fail(struct iso_or_job *job, enum iso_err err)
{
    job->err = err;
    look(job);
}

static void load(struct iso_or_job *job)
{
    uint64_t size;
    if (!iso_blobs_find(job->shelf->blobs, job->digest, &size)) {
        char digest[ISO_DIGEST_TEXT_SIZE];
        iso_digest_text(job->digest, digest);
        fail(job, iso_fail(&job->report, ISO_E_NOT_FOUND,
                           "the module %s of %.*s is not here any more: deploy or push it again",
                           digest, (int)job->reference.len, job->reference.ptr));
        return;
    }
    iso_blobs_load(job->shelf->blobs, job->digest, on_loaded, job);
}

/* A row that is here says what the bytes are and what came beside them. */
static enum iso_err use_row(struct iso_or_job *job, const struct iso_or_package_row *row)
{
    uint8_t digest[ISO_SHA256_SIZE];
    enum iso_err err = iso_digest_parse(row->digest, digest, &job->report);
    if (err != ISO_OK) {
        return err;
    }
    if (!iso_or_shelf_trusts(job->shelf, row->signer)) {
        return iso_fail(&job->report, ISO_E_ACCESS,
                        "%.*s is here without the signature of a key that is trusted: sign it "
                        "(isomer sign) and push it with its signature",
                        (int)row->reference.len, row->reference.ptr);
    }
    memcpy(job->digest, digest, sizeof digest);
    job->has_digest = true;
    job->exact = row->exact;
    job->wit = iso_bytes_from(row->wit.ptr, row->wit.len);
    return ISO_OK;
}

/* What is known of the digest that it must have, whatever it is called by; else of the reference.
 */
static enum iso_err find_row(struct iso_or_job *job, struct iso_or_package_row *row,
                             struct iso_report *report)
{
    char digest[ISO_DIGEST_TEXT_SIZE];
    if (!job->has_digest) {
        return iso_or_shelf_row(job->shelf, job->reference, &job->arena, row, report);
    }
    iso_digest_text(job->digest, digest);
    return iso_or_shelf_row_of(job->shelf, iso_str_from_z(digest), job->reference, &job->arena, row,
                               report);
}

/* file: the manifest came with what it means. */
static enum iso_err use_file(struct iso_or_job *job, const json_t *files)
{
    struct iso_or_package_row row;
    char key[ISO_REFERENCE_MAX_BYTES + 1];
    (void)iso_format(key, sizeof key, "%.*s", (int)job->reference.len, job->reference.ptr);
    const json_t *file = json_object_get(files, key);
    const char *digest = json_string_value(json_object_get(file, "digest"));
    const char *wit = json_string_value(json_object_get(file, "wit"));
    if (digest == NULL) {
        return iso_fail(&job->report, ISO_E_NOT_FOUND,
                        "the module of %s did not come with the manifest: deploy with "
                        "'isomer deploy', which uploads it",
                        key);
    }
    enum iso_err err = ISO_OK;
    if (!job->has_digest) {
        err = iso_digest_parse(iso_str_from_z(digest), job->digest, &job->report);
        job->has_digest = true;
    }
    err = err != ISO_OK ? err : find_row(job, &row, NULL);
    err = err != ISO_OK ? err : use_row(job, &row);
    if (err == ISO_E_NOT_FOUND) {
        return iso_fail(&job->report, err, "the module %s of %s has not been uploaded", digest,
                        key);
    }
    if (err == ISO_OK && wit != NULL) {
        const struct iso_str text = iso_str_from_z(wit);
        const char *copy = iso_arena_copy_str(&job->arena, text);
        job->wit = iso_bytes_from(copy, copy != NULL ? text.len : 0);
        err = copy != NULL ? ISO_OK : ISO_E_NOMEM;
    }
    job->exact = job->reference;
    return err;
}

/* What names the same bytes for ever, and what was resolved before, is not fetched when it is here.
 */
static bool is_here(struct iso_or_job *job, const struct iso_reference *reference)
{
    struct iso_or_package_row row;
    uint64_t size;
    return (job->has_digest || iso_reference_is_exact(reference)) &&
           find_row(job, &row, NULL) == ISO_OK && use_row(job, &row) == ISO_OK &&
           iso_blobs_find(job->shelf->blobs, job->digest, &size);
}

static void begin(struct iso_or_job *job, const json_t *files)
{
    struct iso_reference reference;
    struct iso_or_package_row row;
    enum iso_err err = iso_reference_parse(job->reference, &reference, &job->report);
    if (err == ISO_OK && reference.kind == ISO_REFERENCE_FILE) {
        err = use_file(job, files);
    } else if (err == ISO_OK && reference.kind == ISO_REFERENCE_STORE) {
        err = find_row(job, &row, &job->report);
        err = err != ISO_OK ? err : use_row(job, &row);
    } else if (err == ISO_OK && !is_here(job, &reference)) {
        iso_report_init(&job->report); /* why it is not used does not matter: it is fetched */
        job->keep = job->check = true;
        err = iso_package_fetch(job->shelf->sources, job->reference, NULL, on_fetched, job,
                                &job->fetch, &job->report);
        if (err == ISO_OK) {
            return;
        }
    }
    if (err != ISO_OK) {
        fail(job, err);
    } else {
        load(job);
    }
}

static struct iso_str copy(struct iso_or_job *job, struct iso_str text)
{
    const char *copied = iso_arena_copy_str(&job->arena, text);
    job->err = copied == NULL ? ISO_E_NOMEM : job->err;
    return iso_str_from(copied, copied != NULL ? text.len : 0);
}

/* ---- What somebody sends ----------------------------------------------------------------------
 */

/* The longest waiting one, when no other is looked into: so one module at a time is in memory. */
static void look_next(struct iso_or_shelf *shelf)
{
    struct iso_or_job *next = NULL;
    for (struct iso_or_job *job = shelf->jobs; job != NULL; job = job->next) {
        next = job->waits ? job : next; /* the newest stand first */
    }
    if (next != NULL && shelf->looking == NULL) {
        shelf->looking = next;
        next->waits = false;
        load(next);
    }
}

static enum iso_err check_version(struct iso_or_job *job)
{
    struct iso_or_package_row row;
    uint8_t digest[ISO_SHA256_SIZE];
    if (iso_or_shelf_row(job->shelf, job->reference, &job->arena, &row, NULL) == ISO_OK &&
        iso_digest_parse(row.digest, digest, NULL) == ISO_OK &&
        memcmp(digest, job->digest, sizeof digest) != 0) {
        return iso_fail(&job->report, ISO_E_EXISTS,
                        "%.*s is here with other bytes, and a version never changes: give this one "
                        "another version",
                        (int)job->reference.len, job->reference.ptr);
    }
    return ISO_OK;
}

static void on_received(void *ctx, enum iso_err err, const struct iso_report *report)
{
    struct iso_or_job *job = ctx;
    char digest[ISO_DIGEST_TEXT_SIZE];
    if (err != ISO_OK) {
        job->added = false;
        job->err = err;
        job->report = *report;
    } else if (job->err == ISO_OK && job->reference.len == 0) {
        iso_digest_text(job->digest, digest);
        job->reference = copy(job, iso_str_from_z(digest));
    } else if (job->err == ISO_OK) {
        job->err = check_version(job);
    }
    job->exact = job->reference;
    if (job->err != ISO_OK) {
        finish(job);
        return;
    }
    job->waits = true;
    look_next(job->shelf);
}

/* Under their digest, or under a name. */
static void begin_upload(struct iso_or_job *job, struct iso_blob_upload *upload)
{
    uint64_t size;
    job->keep = job->check = job->sent = true;
    iso_blob_upload_finish(upload, on_received, job);
    iso_blob_upload_digest(upload, job->digest);
    job->has_digest = true;
    job->added = !iso_blobs_find(job->shelf->blobs, job->digest, &size);
}

uint64_t iso_or_job_start(struct iso_or_shelf *shelf, const struct iso_or_job_def *def)
{
    struct iso_or_job *job = shelf->job_count < ISO_OR_PACKAGE_JOBS_MAX && !shelf->closing
                                 ? iso_alloc_new(shelf->config.alloc, sizeof *job)
                                 : NULL;
    if (job == NULL) {
        iso_blob_upload_abort(def->upload);
        return 0;
    }
    job->shelf = shelf;
    job->id = ++shelf->next_job;
    job->next = shelf->jobs;
    shelf->jobs = job;
    shelf->job_count++;
    iso_arena_init(&job->arena, shelf->config.alloc, 1024, 16u << 20);
    iso_report_init(&job->report);
    job->reference = copy(job, def->reference);
    job->signature = copy(job, def->signature);
    job->resolved = def->resolved;
    job->kept = def->kept;
    job->arg = def->arg;
    if (def->digest.len != 0 && job->err == ISO_OK) {
        job->err = iso_digest_parse(def->digest, job->digest, &job->report);
        job->has_digest = true;
    }
    const uint64_t id = job->id;
    if (def->upload != NULL) {
        begin_upload(job, def->upload);
    } else if (job->err != ISO_OK) {
        look(job);
    } else {
        begin(job, def->files);
    }
    return id;
}

void iso_or_job_forget(struct iso_or_shelf *shelf, uint64_t id)
{
    for (struct iso_or_job *job = shelf->jobs; job != NULL; job = job->next) {
        if (job->id == id && job->held) {
            destroy(job);
            return;
        }
        if (job->id == id) {
            job->resolved = NULL;
            job->kept = NULL;
            if (job->fetch != 0) { /* nobody waits for it any more */
                iso_package_cancel(shelf->sources, job->fetch);
            }
        }
    }
}
