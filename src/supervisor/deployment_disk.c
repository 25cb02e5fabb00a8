/* Durable steps on libuv's pool, in order. Files: docs/internals/supervisor-deploy.md. */
#include "supervisor/deployment_internal.h"

#include <unistd.h>

#include "platform/platform.h"

void iso_sv_disk_name(char out[2 * ISO_NAME_MAX + 16], const struct iso_sv_app *app,
                      const char *component, const char *suffix)
{
    (void)iso_format(out, 2 * ISO_NAME_MAX + 16, "%s%s%s.%s", app->name,
                     component != NULL ? "." : "", component != NULL ? component : "", suffix);
}

struct iso_sv_disk *iso_sv_disk_create(struct iso_sv_deployments *deployments)
{
    struct iso_sv_disk *disk = iso_alloc_new(deployments->alloc, sizeof *disk);
    if (disk != NULL) {
        disk->deployments = deployments;
        disk->work.data = disk;
    }
    return disk;
}

void iso_sv_disk_discard(struct iso_sv_disk *disk)
{
    if (disk == NULL) {
        return;
    }
    for (size_t i = 0; i < disk->count; i++) {
        if (disk->steps[i].own.alloc != NULL) {
            iso_buf_fini(&disk->steps[i].own);
        }
    }
    iso_alloc_free(disk->deployments->alloc, disk->read, disk->read_len);
    iso_alloc_free(disk->deployments->alloc, disk, sizeof *disk);
}

static void add_name(struct iso_sv_disk *disk, const char *name)
{
    ISO_ASSERT(disk->count < ISO_SV_DISK_STEPS && strlen(name) < sizeof disk->steps[0].name);
    memcpy(disk->steps[disk->count].name, name, strlen(name) + 1);
    disk->count++;
}

void iso_sv_disk_write(struct iso_sv_disk *disk, const char *step, enum iso_sv_area area,
                       const char *name, struct iso_bytes bytes)
{
    add_name(disk, name);
    disk->steps[disk->count - 1].step = step;
    disk->steps[disk->count - 1].kind = ISO_SV_DISK_WRITE;
    disk->steps[disk->count - 1].area = area;
    disk->steps[disk->count - 1].bytes = bytes;
}

static void add_removal(struct iso_sv_disk *disk, const char *step, enum iso_sv_area area,
                        const char *name, bool durable)
{
    add_name(disk, name);
    disk->steps[disk->count - 1].step = step;
    disk->steps[disk->count - 1].kind = durable ? ISO_SV_DISK_REMOVE : ISO_SV_DISK_SWEEP;
    disk->steps[disk->count - 1].area = area;
}

void iso_sv_disk_remove(struct iso_sv_disk *disk, const char *step, enum iso_sv_area area,
                        const char *name)
{
    add_removal(disk, step, area, name, true);
}

void iso_sv_disk_sweep(struct iso_sv_disk *disk, const char *step, enum iso_sv_area area,
                       const char *name)
{
    add_removal(disk, step, area, name, false);
}

void iso_sv_disk_tree(struct iso_sv_disk *disk, const char *name)
{
    add_name(disk, name);
    disk->steps[disk->count - 1].step = "storage-remove";
    disk->steps[disk->count - 1].kind = ISO_SV_DISK_TREE;
    disk->steps[disk->count - 1].area = ISO_SV_AREA_STORAGE;
}

void iso_sv_disk_read(struct iso_sv_disk *disk, enum iso_sv_area area, const char *name)
{
    add_name(disk, name);
    disk->steps[disk->count - 1].step = "read";
    disk->steps[disk->count - 1].kind = ISO_SV_DISK_READ;
    disk->steps[disk->count - 1].area = area;
}

enum iso_err iso_sv_disk_record(struct iso_sv_disk *disk, const struct iso_sv_app *app,
                                const struct iso_sv_record *record)
{
    char name[2 * ISO_NAME_MAX + 16];
    struct iso_buf text;
    iso_buf_init(&text, disk->deployments->alloc, SIZE_MAX);
    if (iso_sv_record_write(record, &text) != ISO_OK) {
        iso_buf_fini(&text);
        return ISO_E_NOMEM;
    }
    iso_sv_disk_name(name, app, NULL, "state");
    iso_sv_disk_write(disk, "state", ISO_SV_AREA_DEPLOYMENTS, name, iso_buf_view(&text));
    disk->steps[disk->count - 1].own = text;
    return ISO_OK;
}

/* ---- On the pool --------------------------------------------------------------------------------
 */

static enum iso_err read_step(struct iso_sv_disk *disk, const char *path)
{
    struct iso_file file;
    enum iso_err err = iso_file_read(path, ISO_SV_SNAPSHOT_BYTES_MAX, &file, &disk->report);
    if (err != ISO_OK) {
        return err == ISO_E_NOT_FOUND ? ISO_E_IO : err;
    }
    disk->read = iso_alloc_resize(disk->deployments->alloc, NULL, 0, file.bytes.len);
    if (disk->read != NULL) {
        disk->read_len = file.bytes.len;
        iso_memory_copy(disk->read, file.bytes.ptr, file.bytes.len);
    }
    iso_file_fini(&file);
    return disk->read != NULL ? ISO_OK
                              : iso_fail(&disk->report, ISO_E_NOMEM, "not enough memory to read");
}

static enum iso_err carry_out(struct iso_sv_disk *disk, size_t i)
{
    struct iso_sv_deployments *deployments = disk->deployments;
    const char *dir = deployments->areas[disk->steps[i].area];
    char path[ISO_PATH_MAX];
    ISO_ASSERT(iso_path_join(path, dir, disk->steps[i].name));
    int fault = deployments->fault != NULL
                    ? deployments->fault(deployments->fault_ctx, disk->steps[i].step)
                    : 0;
    if (fault != 0) {
        return iso_fail(&disk->report, iso_errno_err(fault), "cannot write '%s': %s", path,
                        iso_errno_text(fault));
    }
    switch (disk->steps[i].kind) {
    case ISO_SV_DISK_WRITE:
        return iso_file_write_atomic(path, disk->steps[i].bytes, &disk->report);
    case ISO_SV_DISK_REMOVE:
        return iso_file_remove(dir, disk->steps[i].name, &disk->report);
    case ISO_SV_DISK_SWEEP:
        (void)unlink(path); /* if it cannot be, the next start tries again */
        return ISO_OK;
    case ISO_SV_DISK_READ:
        return read_step(disk, path);
    default:
        iso_tree_remove(path);
        return ISO_OK;
    }
}

static void disk_work(uv_work_t *work)
{
    struct iso_sv_disk *disk = work->data;
    for (size_t i = 0; i < disk->count && disk->err == ISO_OK; i++) {
        disk->err = carry_out(disk, i);
    }
    if (disk->digest) {
        uint8_t digest[ISO_SHA256_SIZE];
        struct iso_bytes bytes =
            disk->read != NULL ? iso_bytes_from(disk->read, disk->read_len) : disk->digest_of;
        iso_sha256(bytes.ptr, bytes.len, digest);
        iso_hex_encode(digest, sizeof digest, disk->hex);
    }
    /* The states in which a caller may be wrong are STATE and NOT_FOUND; a disk is just broken. */
    if (disk->err == ISO_E_NOT_FOUND || disk->err == ISO_E_ARGUMENT || disk->err == ISO_E_EXISTS ||
        disk->err == ISO_E_LIMIT) {
        disk->err = ISO_E_IO;
    }
}

static void disk_after(uv_work_t *work, int status)
{
    struct iso_sv_disk *disk = work->data;
    struct iso_sv_deployments *deployments = disk->deployments;
    (void)status; /* never cancelled */
    deployments->jobs--;
    if (disk->after != NULL) {
        disk->after(disk);
    }
    iso_sv_disk_discard(disk);
    iso_sv_deployments_check_stop(deployments);
}

void iso_sv_disk_run(struct iso_sv_disk *disk, void (*after)(struct iso_sv_disk *disk), void *ctx)
{
    disk->after = after;
    disk->ctx = ctx;
    disk->deployments->jobs++;
    int failed = uv_queue_work(disk->deployments->loop, &disk->work, disk_work, disk_after);
    ISO_ASSERT(failed == 0);
}
