/*
 * snapshot_memory.c - the contents of linear memories (docs/snapshot.md, section "mems").
 *
 * A memory is a row of pages of 4 KiB, each zero, or as in a base that reader and writer compute
 * alike, or given. The base is zero, then every active data segment of every instance that has the
 * memory, as far as it fits into the size that the memory has now; it need not be what the memory
 * ever was. Pages are compared byte by byte, so that nothing has to be recorded while code runs.
 *
 * Of the base only the pages that segments touch are built: a bitmap says which, and the number of
 * set bits before a page is its place.
 */
#include "engine/snapshot.h"

enum page_kind { PAGE_ZERO, PAGE_BASE, PAGE_GIVEN };

enum { WORD_PAGES = 64 };

struct base {
    const struct iso_alloc *alloc;
    uint32_t page_count; /* of the memory */
    uint32_t word_count;
    uint64_t *touched; /* a bit per page */
    uint32_t *before;  /* bits set before each word */
    uint8_t *pages;    /* the touched pages; NULL when only touched is wanted */
    size_t pages_bytes;
};

/* What visits a data segment that is part of the base. */
typedef void (*segment_visitor)(struct base *base, struct iso_memory *memory, uint32_t offset,
                                struct iso_bytes bytes);

static void visit_segments(struct base *base, struct iso_memory *memory, segment_visitor visit)
{
    const struct iso_store *store = memory->store;
    for (uint32_t i = 0; i < store->instance_count; i++) {
        struct iso_instance *instance = store->instances[i];
        const struct iso_module *module = instance->module;
        for (uint32_t k = 0; k < module->data_count; k++) {
            const struct iso_data_segment *segment = &module->datas[k];
            if (segment->mode != ISO_SEGMENT_ACTIVE || segment->bytes.len == 0 ||
                instance->memories[segment->memory] != memory) {
                continue;
            }
            union iso_slot offset[2];
            iso_const_eval(instance, &segment->offset, offset);
            if (offset[0].u32 <= memory->size &&
                segment->bytes.len <= memory->size - offset[0].u32) {
                visit(base, memory, offset[0].u32, segment->bytes);
            }
        }
    }
}

static void mark_touched(struct base *base, struct iso_memory *memory, uint32_t offset,
                         struct iso_bytes bytes)
{
    (void)memory;
    uint32_t last = (uint32_t)((offset + (uint64_t)bytes.len - 1) / ISO_SNAP_PAGE_BYTES);
    for (uint32_t page = offset / ISO_SNAP_PAGE_BYTES; page <= last; page++) {
        base->touched[page / WORD_PAGES] |= UINT64_C(1) << page % WORD_PAGES;
    }
}

static bool is_touched(const struct base *base, uint32_t page)
{
    return (base->touched[page / WORD_PAGES] >> page % WORD_PAGES & 1) != 0;
}

static uint32_t count_bits(uint64_t word)
{
    uint32_t count = 0;
    for (; word != 0; word &= word - 1) {
        count++;
    }
    return count;
}

static uint8_t *base_page(const struct base *base, uint32_t page)
{
    uint64_t lower = base->touched[page / WORD_PAGES] & ((UINT64_C(1) << page % WORD_PAGES) - 1);
    size_t place = base->before[page / WORD_PAGES] + count_bits(lower);
    return base->pages + place * ISO_SNAP_PAGE_BYTES;
}

static void copy_to_pages(struct base *base, struct iso_memory *memory, uint32_t offset,
                          struct iso_bytes bytes)
{
    (void)memory;
    for (size_t done = 0; done < bytes.len;) {
        uint64_t at = offset + (uint64_t)done;
        size_t within = (size_t)(at % ISO_SNAP_PAGE_BYTES);
        size_t room = ISO_SNAP_PAGE_BYTES - within;
        size_t len = bytes.len - done < room ? bytes.len - done : room;
        memcpy(base_page(base, (uint32_t)(at / ISO_SNAP_PAGE_BYTES)) + within, bytes.ptr + done,
               len);
        done += len;
    }
}

static void copy_to_memory(struct base *base, struct iso_memory *memory, uint32_t offset,
                           struct iso_bytes bytes)
{
    (void)base;
    memcpy(memory->base + offset, bytes.ptr, bytes.len);
}

static void base_fini(struct base *base)
{
    iso_alloc_free(base->alloc, base->touched, base->word_count * sizeof *base->touched);
    iso_alloc_free(base->alloc, base->before, base->word_count * sizeof *base->before);
    iso_alloc_free(base->alloc, base->pages, base->pages_bytes);
}

static enum iso_err base_init(struct base *base, struct iso_memory *memory)
{
    *base = (struct base){.alloc = &memory->store->alloc};
    base->page_count = (uint32_t)(memory->size / ISO_SNAP_PAGE_BYTES);
    base->word_count = (base->page_count + WORD_PAGES - 1) / WORD_PAGES;
    base->touched = iso_alloc_array(base->alloc, base->word_count, sizeof *base->touched);
    if (base->touched == NULL) {
        return ISO_E_NOMEM;
    }
    visit_segments(base, memory, mark_touched);
    return ISO_OK;
}

static enum iso_err base_build(struct base *base, struct iso_memory *memory)
{
    base->before = iso_alloc_array(base->alloc, base->word_count, sizeof *base->before);
    if (base->before == NULL) {
        return ISO_E_NOMEM;
    }
    uint32_t touched = 0;
    for (uint32_t i = 0; i < base->word_count; i++) {
        base->before[i] = touched;
        touched += count_bits(base->touched[i]);
    }
    base->pages_bytes = (size_t)touched * ISO_SNAP_PAGE_BYTES;
    base->pages = iso_alloc_new(base->alloc, base->pages_bytes);
    if (base->pages == NULL) {
        return ISO_E_NOMEM;
    }
    visit_segments(base, memory, copy_to_pages);
    return ISO_OK;
}

/* ---- Saving --------------------------------------------------------------------------------- */

bool iso_snap_page_is_zero(const uint8_t *page)
{
    enum { STEP = 8 * sizeof(uint64_t) };
    for (size_t i = 0; i < ISO_SNAP_PAGE_BYTES; i += STEP) {
        uint64_t words[8];
        memcpy(words, page + i, sizeof words);
        if ((words[0] | words[1] | words[2] | words[3] | words[4] | words[5] | words[6] |
             words[7]) != 0) {
            return false;
        }
    }
    return true;
}

static enum page_kind kind_of(const struct base *base, const struct iso_memory *memory,
                              uint32_t page)
{
    const uint8_t *bytes = memory->base + (size_t)page * ISO_SNAP_PAGE_BYTES;
    if (iso_snap_page_is_zero(bytes)) {
        return PAGE_ZERO;
    }
    if (is_touched(base, page) && memcmp(bytes, base_page(base, page), ISO_SNAP_PAGE_BYTES) == 0) {
        return PAGE_BASE;
    }
    return PAGE_GIVEN;
}

/* The length of the block, then the block: compressed straight into the buffer. */
static void save_block(struct iso_snap_writer *writer, const uint8_t *bytes, size_t len)
{
    if (writer->err != ISO_OK) {
        return;
    }
    struct iso_buf *out = writer->out;
    size_t room = iso_lz4_bound(len);
    enum iso_err err = iso_buf_reserve(out, 4 + room);
    if (err != ISO_OK) {
        writer->err = err;
        return;
    }
    size_t block = iso_lz4_compress(bytes, len, out->ptr + out->len + 4, room);
    iso_store_u32le(out->ptr + out->len, (uint32_t)block);
    out->len += 4 + block;
}

static void save_run(struct iso_snap_writer *writer, const struct iso_memory *memory,
                     enum page_kind kind, uint32_t first, uint32_t end)
{
    uint32_t step = kind == PAGE_GIVEN ? ISO_SNAP_BLOCK_PAGES : UINT32_MAX;
    while (first < end && writer->err == ISO_OK) {
        uint32_t count = end - first < step ? end - first : step;
        iso_snap_put_number(writer, (uint64_t)count << 2 | (unsigned)kind);
        if (kind == PAGE_GIVEN) {
            save_block(writer, memory->base + (size_t)first * ISO_SNAP_PAGE_BYTES,
                       (size_t)count * ISO_SNAP_PAGE_BYTES);
        }
        first += count;
    }
}

static void save_memory(struct iso_snap_writer *writer, struct iso_memory *memory)
{
    struct base base;
    enum iso_err err = base_init(&base, memory);
    if (err == ISO_OK) {
        err = base_build(&base, memory);
    }
    if (err != ISO_OK) {
        writer->err = err;
    }
    for (uint32_t page = 0; writer->err == ISO_OK && page < base.page_count;) {
        uint32_t first = page;
        enum page_kind kind = kind_of(&base, memory, page++);
        while (page < base.page_count && kind_of(&base, memory, page) == kind) {
            page++;
        }
        save_run(writer, memory, kind, first, page);
    }
    base_fini(&base);
}

void iso_snap_save_mems(struct iso_snap_writer *writer)
{
    size_t begin = iso_snap_put_begin(writer, ISO_SNAP_MEMS);
    for (uint32_t i = 0; i < writer->store->memory_count && writer->err == ISO_OK; i++) {
        save_memory(writer, writer->objects.memories[i]);
    }
    iso_snap_put_end(writer, begin);
}

/* ---- Loading -------------------------------------------------------------------------------- */

/* Pages that segments filled and that are to be zero. Others are zero and stay untouched. */
static void load_zeros(const struct base *base, struct iso_memory *memory, uint32_t first,
                       uint32_t count)
{
    for (uint32_t page = first; page < first + count; page++) {
        if (is_touched(base, page)) {
            memset(memory->base + (size_t)page * ISO_SNAP_PAGE_BYTES, 0, ISO_SNAP_PAGE_BYTES);
        }
    }
}

static void load_block(struct iso_snap_reader *reader, struct iso_memory *memory, uint32_t first,
                       uint32_t count)
{
    if (count > ISO_SNAP_BLOCK_PAGES) {
        (void)iso_snap_fail(reader, "a block has %lu pages, at most %u are possible",
                            (unsigned long)count, ISO_SNAP_BLOCK_PAGES);
        return;
    }
    uint32_t len = iso_snap_get_fixed32(reader, "the length of a block");
    const uint8_t *block = iso_snap_get_raw(reader, len, "a block");
    if (block != NULL &&
        iso_lz4_decompress(block, len, memory->base + (size_t)first * ISO_SNAP_PAGE_BYTES,
                           (size_t)count * ISO_SNAP_PAGE_BYTES) != ISO_OK) {
        (void)iso_snap_fail(reader, "a block is not LZ4 of %lu pages", (unsigned long)count);
    }
}

static enum iso_err load_pages(struct iso_snap_reader *reader, const struct base *base,
                               struct iso_memory *memory)
{
    for (uint32_t page = 0; page < base->page_count;) {
        uint32_t run = iso_snap_get_u32(reader, UINT32_MAX, "a run of pages");
        uint32_t count = run >> 2, kind = run & 3;
        if (reader->err != ISO_OK) {
            return reader->err;
        }
        if (count == 0 || count > base->page_count - page || kind > PAGE_GIVEN) {
            return iso_snap_fail(reader,
                                 "a run has %lu pages of kind %lu, where %lu pages are left",
                                 (unsigned long)count, (unsigned long)kind,
                                 (unsigned long)(base->page_count - page));
        }
        if (kind == PAGE_ZERO) {
            load_zeros(base, memory, page, count);
        } else if (kind == PAGE_GIVEN) {
            load_block(reader, memory, page, count);
        }
        page += count;
    }
    return reader->err;
}

static enum iso_err load_memory(struct iso_snap_reader *reader, struct iso_memory *memory)
{
    struct base base;
    enum iso_err err = base_init(&base, memory);
    if (err == ISO_OK) {
        visit_segments(&base, memory, copy_to_memory);
        err = load_pages(reader, &base, memory);
    }
    base_fini(&base);
    return err;
}

enum iso_err iso_snap_load_mems(struct iso_snap_reader *reader,
                                const struct iso_snap_objects *objects)
{
    iso_snap_enter(reader, ISO_SNAP_MEMS);
    for (uint32_t i = 0; i < reader->store->memory_count; i++) {
        /* The host may have defined more than it had. */
        bool is_spare = i >= reader->host_counts.memories && i < objects->host_memory_count;
        enum iso_err err = is_spare ? ISO_OK : load_memory(reader, objects->memories[i]);
        if (err != ISO_OK) {
            return err;
        }
    }
    return iso_snap_leave(reader);
}
