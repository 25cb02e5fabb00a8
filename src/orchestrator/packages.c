/* packages.c - the shelf: opening and closing it, its rows, and what is asked of it. */
#include "orchestrator/packages_internal.h"

#include "base/format.h"
#include "codec/codec.h"

#include <string.h>

enum { TEXT_MAX = ISO_REFERENCE_MAX_BYTES };
#define DEFAULT_BYTES (UINT64_C(4) << 30)

/* ---- Rows --------------------------------------------------------------------------------------
 */

struct search {
    struct iso_str reference, digest;
    struct iso_arena *arena;
    struct iso_or_package_row *out;
    struct iso_semver best;
    bool found, exact, failed;
};

static struct iso_str keep(struct search *search, struct iso_str text)
{
    const char *copy = iso_arena_copy_str(search->arena, text);
    search->failed = search->failed || copy == NULL;
    return iso_str_from(copy, copy != NULL ? text.len : 0);
}

static void take(struct search *search, const struct iso_or_package_row *row)
{
    *search->out = *row;
    search->out->reference = keep(search, row->reference);
    search->out->exact = keep(search, row->exact);
    search->out->digest = keep(search, row->digest);
    search->out->wit = keep(search, row->wit);
    search->out->info = keep(search, row->info);
    search->out->signer = keep(search, row->signer);
    search->found = true;
}

/* "NAME" finds "NAME@1.2.3"; the highest version. */
static bool is_version_of(struct search *search, struct iso_str reference,
                          struct iso_semver *version)
{
    const size_t len = search->reference.len;
    return reference.len > len + 1 && reference.ptr[len] == '@' &&
           memcmp(reference.ptr, search->reference.ptr, len) == 0 &&
           iso_semver_parse(iso_str_from(reference.ptr + len + 1, reference.len - len - 1), version,
                            NULL) == ISO_OK;
}

static bool by_reference(void *ctx, const struct iso_or_package_row *row)
{
    struct search *search = ctx;
    struct iso_semver version;
    if (iso_str_equal(row->reference, search->reference)) {
        take(search, row);
        return false;
    }
    if (iso_reference_is_name(search->reference) &&
        is_version_of(search, row->reference, &version) &&
        (!search->found || iso_semver_compare(&version, &search->best) > 0)) {
        take(search, row);
        /* Its texts are views of the row. */
        if (!search->failed) {
            (void)is_version_of(search, search->out->reference, &search->best);
        }
    }
    return true;
}

static bool by_digest(void *ctx, const struct iso_or_package_row *row)
{
    struct search *search = ctx;
    if (!iso_str_equal(row->digest, search->digest)) {
        return true;
    }
    const bool same = iso_str_equal(row->reference, search->reference);
    if (same || !search->found) {
        take(search, row);
    }
    return !same;
}

static enum iso_err look_up(struct iso_or_shelf *shelf, struct search *search,
                            bool (*each)(void *ctx, const struct iso_or_package_row *row),
                            struct iso_report *report)
{
    const enum iso_err err = iso_or_store_packages(shelf->config.store, each, search, report);
    if (err != ISO_OK || search->failed) {
        return err != ISO_OK ? err : ISO_E_NOMEM;
    }
    if (!search->found) {
        return iso_fail(report, ISO_E_NOT_FOUND,
                        "no package is called %.*s here; 'isomer package ls' shows what there is",
                        (int)search->reference.len, search->reference.ptr);
    }
    return ISO_OK;
}

enum iso_err iso_or_shelf_row(struct iso_or_shelf *shelf, struct iso_str reference,
                              struct iso_arena *arena, struct iso_or_package_row *out,
                              struct iso_report *report)
{
    struct search search = {.reference = reference, .arena = arena, .out = out};
    return look_up(shelf, &search, by_reference, report);
}

enum iso_err iso_or_shelf_row_of(struct iso_or_shelf *shelf, struct iso_str digest,
                                 struct iso_str reference, struct iso_arena *arena,
                                 struct iso_or_package_row *out, struct iso_report *report)
{
    struct search search = {.reference = reference, .digest = digest, .arena = arena, .out = out};
    return look_up(shelf, &search, by_digest, report);
}

bool iso_or_shelf_trusts(const struct iso_or_shelf *shelf, struct iso_str signer)
{
    for (size_t i = 0; i < shelf->trusted_count; i++) {
        if (iso_str_equal_z(signer, shelf->trusted[i].id)) {
            return true;
        }
    }
    return shelf->trusted_count == 0;
}

/* ---- What is in use ----------------------------------------------------------------------------
 */

struct use {
    struct iso_str digest;
    bool named;
};

/* What somebody pushed is nowhere else: it stays. What was fetched can be fetched again. */
static bool find_use(void *ctx, const struct iso_or_package_row *row)
{
    struct use *use = ctx;
    struct iso_reference reference;
    use->named = iso_str_equal(row->digest, use->digest) &&
                 iso_reference_parse(row->reference, &reference, NULL) == ISO_OK &&
                 reference.kind == ISO_REFERENCE_STORE;
    return !use->named;
}

static bool is_used(void *ctx, const uint8_t digest[ISO_SHA256_SIZE])
{
    const struct iso_or_shelf *shelf = ctx;
    char text[ISO_DIGEST_TEXT_SIZE];
    iso_digest_text(digest, text);
    struct use use = {.digest = iso_str_from_z(text)};
    if (shelf->config.uses != NULL && shelf->config.uses(shelf->config.ctx, text)) {
        return true;
    }
    /* When the store cannot be asked, it stays. */
    return iso_or_store_packages(shelf->config.store, find_use, &use, NULL) != ISO_OK || use.named;
}

/* ---- Life --------------------------------------------------------------------------------------
 */

enum iso_err iso_or_shelf_create(const struct iso_or_shelf_config *config,
                                 struct iso_or_shelf **out, struct iso_report *report)
{
    struct iso_or_shelf *shelf = iso_alloc_new(config->alloc, sizeof *shelf);
    if (shelf == NULL) {
        return ISO_E_NOMEM;
    }
    shelf->config = *config;
    const struct iso_blobs_config blobs = {
        .loop = config->loop,
        .alloc = config->alloc,
        .dir = config->dir,
        .max_bytes = config->max_bytes != 0 ? config->max_bytes : DEFAULT_BYTES,
        .uploads_max = ISO_OR_PACKAGE_UPLOADS_MAX + ISO_OR_PACKAGE_JOBS_MAX,
        .used = is_used,
        .ctx = shelf};
    const struct iso_package_sources_config sources = {.loop = config->loop, .http = config->http};
    enum iso_err err = iso_blobs_create(&blobs, &shelf->blobs, report);
    err = err != ISO_OK ? err : iso_package_sources_create(&sources, &shelf->sources, report);
    err = err != ISO_OK ? err : iso_or_shelf_load_lists(shelf, report);
    if (err != ISO_OK) {
        iso_or_shelf_close(shelf, NULL, NULL);
        return err;
    }
    *out = shelf;
    return ISO_OK;
}

void iso_or_shelf_close_if_idle(struct iso_or_shelf *shelf)
{
    if (!shelf->closing || !shelf->sources_closed || shelf->job_count != 0) {
        return;
    }
    void (*closed)(void *ctx) = shelf->closed;
    void *ctx = shelf->closed_ctx;
    iso_blobs_destroy(shelf->blobs);
    iso_alloc_free(shelf->config.alloc, shelf, sizeof *shelf);
    if (closed != NULL) {
        closed(ctx);
    }
}

static void on_sources_closed(void *ctx)
{
    struct iso_or_shelf *shelf = ctx;
    shelf->sources_closed = true;
    iso_or_shelf_close_if_idle(shelf);
}

void iso_or_shelf_close(struct iso_or_shelf *shelf, void (*done)(void *ctx), void *ctx)
{
    if (shelf == NULL) {
        return;
    }
    shelf->closing = true;
    shelf->closed = done;
    shelf->closed_ctx = ctx;
    if (shelf->sources != NULL) {
        iso_package_sources_close(shelf->sources, on_sources_closed, shelf);
    } else {
        on_sources_closed(shelf);
    }
}

/* ---- For the deployer --------------------------------------------------------------------------
 */

static uint64_t resolve(void *ctx, struct iso_str reference, struct iso_str digest,
                        const json_t *files,
                        void (*done)(void *arg, enum iso_err err, const struct iso_report *report,
                                     const struct iso_or_resolved *resolved),
                        void *arg)
{
    const struct iso_or_job_def def = {
        .reference = reference, .digest = digest, .files = files, .resolved = done, .arg = arg};
    return iso_or_job_start(ctx, &def);
}

static void stop(void *ctx, uint64_t id)
{
    iso_or_job_forget(ctx, id);
}

static size_t room(void *ctx)
{
    const struct iso_or_shelf *shelf = ctx;
    const size_t most = ISO_OR_PACKAGE_JOBS_MAX - ISO_OR_PACKAGE_JOBS_SPARE;
    return shelf->job_count < most ? most - shelf->job_count : 0;
}

struct iso_or_packages iso_or_shelf_packages(struct iso_or_shelf *shelf)
{
    return (struct iso_or_packages){.ctx = shelf, .resolve = resolve, .stop = stop, .room = room};
}

/* ---- For the API -------------------------------------------------------------------------------
 */

/* A callback that must come later, from the loop. */
struct late {
    struct iso_or_shelf *shelf;
    uv_work_t work;
    enum iso_err err;
    struct iso_report report;
    struct iso_str to; /* of a push */
    struct iso_arena arena;
    struct iso_bytes module, signature;
    struct iso_str from;
    iso_or_shelf_done done;
    void *ctx;
};

static void late_end(struct late *late, const char *reference)
{
    struct iso_or_shelf *shelf = late->shelf;
    late->done(late->ctx, late->err, &late->report, reference);
    iso_alloc_free(shelf->config.alloc, (void *)(uintptr_t)late->module.ptr, late->module.len);
    iso_arena_fini(&late->arena);
    iso_alloc_free(shelf->config.alloc, late, sizeof *late);
    shelf->job_count--;
    iso_or_shelf_close_if_idle(shelf);
}

static void late_work(uv_work_t *work)
{
    (void)work;
}

static void late_done(uv_work_t *work, int status)
{
    (void)status;
    late_end(work->data, "");
}

static void tell_late(struct late *late)
{
    late->work.data = late;
    if (uv_queue_work(late->shelf->config.loop, &late->work, late_work, late_done) != 0) {
        ISO_ASSERT(false); /* uv_queue_work fails for bad arguments only */
    }
}

/* NULL: no memory. */
static struct late *late_new(struct iso_or_shelf *shelf, iso_or_shelf_done done, void *ctx)
{
    struct late *late = iso_alloc_new(shelf->config.alloc, sizeof *late);
    if (late == NULL) {
        return NULL;
    }
    late->shelf = shelf;
    late->done = done;
    late->ctx = ctx;
    shelf->job_count++;
    iso_report_init(&late->report);
    iso_arena_init(&late->arena, shelf->config.alloc, 512, 8u << 20);
    return late;
}

/* done is told of the error from the loop. NOMEM: it is not. */
static enum iso_err refuse(struct iso_or_shelf *shelf, enum iso_err err,
                           const struct iso_report *report, iso_or_shelf_done done, void *ctx)
{
    struct late *late = late_new(shelf, done, ctx);
    if (late == NULL) {
        return ISO_E_NOMEM;
    }
    late->err = err;
    late->report = *report;
    tell_late(late);
    return ISO_OK;
}

static enum iso_err name_of(const struct iso_or_shelf_add *add, char out[TEXT_MAX],
                            struct iso_report *report)
{
    struct iso_semver version;
    out[0] = '\0';
    if (add->name.len == 0) {
        return ISO_OK;
    }
    if (!iso_reference_is_name(add->name)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%.*s' is no name of a package: small letters, digits, '-', '.' and '_', "
                        "a letter first, at most 64",
                        (int)(add->name.len > 80 ? 80 : add->name.len), add->name.ptr);
    }
    if (iso_semver_parse(add->version, &version, report) != ISO_OK) {
        return iso_fail(report, ISO_E_ARGUMENT, "a package with a name needs a version as 1.0.0");
    }
    (void)iso_format(out, TEXT_MAX, "%.*s@%.*s", (int)add->name.len, add->name.ptr,
                     (int)add->version.len, add->version.ptr);
    return ISO_OK;
}

static enum iso_err start(struct iso_or_shelf *shelf, const struct iso_or_job_def *def)
{
    struct iso_report report;
    if (iso_or_job_start(shelf, def) != 0) {
        return ISO_OK;
    }
    iso_report_init(&report);
    const enum iso_err err =
        iso_fail(&report, ISO_E_LIMIT, "too many packages are being fetched; try again");
    return refuse(shelf, err, &report, def->kept, def->arg);
}

struct iso_blobs *iso_or_shelf_blobs(struct iso_or_shelf *shelf)
{
    return shelf->blobs;
}

enum iso_err iso_or_shelf_add(struct iso_or_shelf *shelf, const struct iso_or_shelf_add *add,
                              iso_or_shelf_done done, void *ctx)
{
    char reference[TEXT_MAX];
    struct iso_report report;
    iso_report_init(&report);
    const enum iso_err err = name_of(add, reference, &report);
    if (err != ISO_OK) {
        iso_blob_upload_abort(add->upload);
        return refuse(shelf, err, &report, done, ctx);
    }
    const struct iso_or_job_def def = {.reference = iso_str_from_z(reference),
                                       .upload = add->upload,
                                       .signature = add->signature,
                                       .kept = done,
                                       .arg = ctx};
    return start(shelf, &def);
}

enum iso_err iso_or_shelf_fetch(struct iso_or_shelf *shelf, struct iso_str reference,
                                iso_or_shelf_done done, void *ctx)
{
    const struct iso_or_job_def def = {.reference = reference, .kept = done, .arg = ctx};
    return start(shelf, &def);
}

static void on_pushed(void *ctx, uint64_t id, enum iso_err err, struct iso_str reference,
                      const struct iso_report *report)
{
    struct late *late = ctx;
    char exact[TEXT_MAX];
    (void)id;
    late->err = err;
    exact[0] = '\0';
    if (err == ISO_OK) {
        (void)iso_format(exact, sizeof exact, "%.*s", (int)reference.len, reference.ptr);
    } else {
        late->report = *report;
    }
    late_end(late, exact);
}

static void on_to_push(void *ctx, enum iso_err err, uint8_t *bytes, size_t len,
                       const struct iso_report *report)
{
    struct late *late = ctx;
    uint64_t id;
    late->err = err;
    if (err == ISO_OK) {
        late->module = iso_bytes_from(bytes, len);
        late->err =
            iso_package_push(late->shelf->sources, late->to, late->module, NULL,
                             (struct iso_bytes){NULL, 0}, on_pushed, late, &id, &late->report);
    } else {
        late->report = *report;
    }
    if (late->err != ISO_OK) {
        late_end(late, "");
    }
}

enum iso_err iso_or_shelf_push(struct iso_or_shelf *shelf, struct iso_str package,
                               struct iso_str to, iso_or_shelf_done done, void *ctx)
{
    struct iso_or_package_row row;
    uint8_t digest[ISO_SHA256_SIZE];
    struct late *late = late_new(shelf, done, ctx);
    if (late == NULL) {
        return ISO_E_NOMEM;
    }
    late->to.ptr = iso_arena_copy_str(&late->arena, to);
    late->to.len = to.len;
    late->err = late->to.ptr == NULL ? ISO_E_NOMEM : ISO_OK;
    if (late->err == ISO_OK) {
        late->err = iso_or_shelf_row(shelf, package, &late->arena, &row, &late->report);
    }
    if (late->err == ISO_OK) {
        late->err = iso_digest_parse(row.digest, digest, &late->report);
    }
    if (late->err != ISO_OK) {
        tell_late(late);
        return ISO_OK;
    }
    iso_blobs_load(shelf->blobs, digest, on_to_push, late);
    return ISO_OK;
}

enum iso_err iso_or_shelf_remove(struct iso_or_shelf *shelf, struct iso_str reference,
                                 struct iso_report *report)
{
    struct iso_or_package_row row;
    struct iso_arena arena;
    iso_arena_init(&arena, shelf->config.alloc, 1024, 16u << 20);
    enum iso_err err = iso_or_shelf_row(shelf, reference, &arena, &row, report);
    if (err == ISO_OK) {
        char digest[ISO_DIGEST_TEXT_SIZE], key[TEXT_MAX];
        (void)iso_format(digest, sizeof digest, "%.*s", (int)row.digest.len, row.digest.ptr);
        (void)iso_format(key, sizeof key, "%.*s", (int)row.reference.len, row.reference.ptr);
        if (shelf->config.uses != NULL && shelf->config.uses(shelf->config.ctx, digest)) {
            err = iso_fail(report, ISO_E_STATE,
                           "%s is used by an application, or by a generation to go back to", key);
        } else {
            err = iso_or_store_package_remove(shelf->config.store, row.reference, report);
        }
        if (err == ISO_OK) {
            uint8_t bytes[ISO_SHA256_SIZE];
            /* Its bytes stay while another reference has them: deleting refuses then. */
            enum iso_err ignored = iso_digest_parse(row.digest, bytes, NULL);
            ignored = ignored == ISO_OK ? iso_blobs_delete(shelf->blobs, bytes, NULL) : ignored;
            (void)ignored;
            if (shelf->config.event != NULL) {
                shelf->config.event(shelf->config.ctx, "package-removed", key);
            }
        }
    }
    iso_arena_fini(&arena);
    return err;
}
