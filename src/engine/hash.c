/*
 * hash.c - the hash of a store's state (docs/snapshot.md, "The state hash").
 *
 * It covers what the program computed and nothing of how: no fuel, no reason for a stop, no names
 * for later instances, no packing of pages.
 */
#include "engine/snapshot.h"

static void hash_u32(struct iso_sha256 *sha, uint32_t value)
{
    uint8_t bytes[4];
    iso_store_u32le(bytes, value);
    iso_sha256_update(sha, bytes, sizeof bytes);
}

/* Runs of pages that are not all zero: first page, count, bytes; then two zeros. */
static void hash_memory(struct iso_sha256 *sha, const struct iso_memory *memory)
{
    uint32_t page_count = (uint32_t)(memory->size / ISO_SNAP_PAGE_BYTES);
    for (uint32_t page = 0; page < page_count;) {
        const uint8_t *bytes = memory->base + (size_t)page * ISO_SNAP_PAGE_BYTES;
        uint32_t first = page;
        while (page < page_count &&
               !iso_snap_page_is_zero(memory->base + (size_t)page * ISO_SNAP_PAGE_BYTES)) {
            page++;
        }
        if (page == first) {
            page++;
            continue;
        }
        hash_u32(sha, first);
        hash_u32(sha, page - first);
        iso_sha256_update(sha, bytes, (size_t)(page - first) * ISO_SNAP_PAGE_BYTES);
    }
    hash_u32(sha, 0);
    hash_u32(sha, 0);
}

static void write_state(struct iso_snap_writer *writer)
{
    iso_snap_save_mods(writer);
    iso_snap_save_inst(writer);
    iso_snap_save_glob(writer);
    iso_snap_save_drop(writer);
    iso_snap_save_tabl(writer);
    iso_snap_save_call(writer);
    iso_snap_save_host(writer);
}

enum iso_err iso_store_hash(struct iso_store *store, bool canonical_nans, uint8_t hash[32],
                            struct iso_report *report)
{
    static const char version[] = "isomer state 1";
    if (store->nesting != 0) {
        return iso_fail(report, ISO_E_REFUSED, "a host function is running");
    }
    struct iso_buf buf;
    iso_buf_init(&buf, &store->alloc, SIZE_MAX);
    struct iso_snap_writer writer;
    enum iso_err err = iso_snap_writer_init(&writer, store, &buf, report);
    if (err != ISO_OK) {
        return err;
    }
    writer.hashing = true;
    writer.canonical_nans = canonical_nans;
    write_state(&writer);
    err = writer.err;
    if (err == ISO_OK) {
        struct iso_sha256 sha;
        iso_sha256_init(&sha);
        iso_sha256_update(&sha, version, sizeof version);
        iso_sha256_update(&sha, buf.ptr, buf.len);
        for (uint32_t i = 0; i < store->memory_count; i++) {
            hash_memory(&sha, writer.objects.memories[i]);
        }
        iso_sha256_final(&sha, hash);
    }
    iso_snap_writer_fini(&writer);
    iso_buf_fini(&buf);
    return err;
}
