/*
 * wasi_listing.c - directory listings for fd_readdir.
 *
 * The names of a directory are read at once and sorted, when a guest asks from the start. A cookie
 * is the number of the entry after. So the order is the same on every machine and file system,
 * removing files between two calls skips nothing, and a listing goes on where it was after a
 * restore as long as the directory is the same. The price is memory for the names while a
 * directory is being read, limited by ISO_WASI_LISTING_MAX.
 */
#include <stdlib.h>

#include "wasi/wasi_internal.h"

struct item {
    size_t name; /* offset in names */
    uint64_t ino;
    enum iso_wasi_filetype filetype;
    const char *text; /* names.ptr + name, once names is complete */
};

struct iso_wasi_listing {
    struct iso_buf names; /* NUL-terminated each */
    struct iso_buf items; /* struct item each */
    size_t count;
    uint64_t dot_ino;
    uint64_t dotdot_ino;
};

enum { DOTS = 2 };

static enum iso_wasi_errno errno_from(enum iso_err err)
{
    return err == ISO_OK ? WASI_OK : WASI_ENOMEM;
}

static enum iso_wasi_errno take_entry(void *ctx, const struct iso_vfs_entry *entry)
{
    struct iso_wasi_listing *listing = ctx;
    struct item item = {.name = listing->names.len, .ino = entry->ino, .filetype = entry->filetype};
    enum iso_err err = iso_buf_append(&listing->names, entry->name, strlen(entry->name) + 1);
    if (err == ISO_OK) {
        err = iso_buf_append(&listing->items, &item, sizeof item);
    }
    return errno_from(err);
}

static int compare_items(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;
    return strcmp(x->text, y->text);
}

static struct item *items_of(const struct iso_wasi_listing *listing)
{
    return (struct item *)(void *)listing->items.ptr;
}

/* Inode numbers of "." and "..". The root of a grant is its own parent. */
static void find_dots(struct iso_wasi *wasi, const struct iso_wasi_desc *dir,
                      struct iso_wasi_listing *listing)
{
    struct iso_vfs *fs = iso_wasi_desc_fs(wasi, dir);
    struct iso_vfs_stat st;
    if (fs->ops->node_stat(fs, dir->node, &st) == WASI_OK) {
        listing->dot_ino = st.ino;
    }
    /* A name in the parent is not known for certain, and nobody may look up through it. */
    bool is_root = dir->path != NULL && strcmp(dir->path, ".") == 0;
    listing->dotdot_ino = is_root ? listing->dot_ino : 0;
}

enum iso_wasi_errno iso_wasi_listing_create(struct iso_wasi *wasi, const struct iso_wasi_desc *dir,
                                            struct iso_wasi_listing **out)
{
    struct iso_vfs *fs = iso_wasi_desc_fs(wasi, dir);
    struct iso_wasi_listing *listing = iso_alloc_new(wasi->alloc, sizeof *listing);
    if (listing == NULL) {
        return WASI_ENOMEM;
    }
    iso_buf_init(&listing->names, wasi->alloc, ISO_WASI_LISTING_MAX);
    iso_buf_init(&listing->items, wasi->alloc, SIZE_MAX);
    enum iso_wasi_errno err = fs->ops->list(fs, dir->node, take_entry, listing);
    if (err != WASI_OK) {
        iso_wasi_listing_destroy(wasi, listing);
        return err;
    }
    listing->count = listing->items.len / sizeof(struct item);
    struct item *items = items_of(listing);
    for (size_t i = 0; i < listing->count; i++) {
        items[i].text = (const char *)listing->names.ptr + items[i].name;
    }
    if (listing->count > 1) {
        qsort(items, listing->count, sizeof *items, compare_items);
    }
    find_dots(wasi, dir, listing);
    *out = listing;
    return WASI_OK;
}

void iso_wasi_listing_destroy(struct iso_wasi *wasi, struct iso_wasi_listing *listing)
{
    if (listing == NULL) {
        return;
    }
    iso_buf_fini(&listing->names);
    iso_buf_fini(&listing->items);
    iso_alloc_free(wasi->alloc, listing, sizeof *listing);
}

uint64_t iso_wasi_listing_count(const struct iso_wasi_listing *listing)
{
    return (uint64_t)listing->count + DOTS;
}

struct iso_wasi_dirent iso_wasi_listing_at(const struct iso_wasi_listing *listing, uint64_t index)
{
    if (index < DOTS) {
        return (struct iso_wasi_dirent){.name = iso_str_from_z(index == 0 ? "." : ".."),
                                        .ino = index == 0 ? listing->dot_ino : listing->dotdot_ino,
                                        .filetype = WASI_FILETYPE_DIRECTORY};
    }
    const struct item *item = &items_of(listing)[index - DOTS];
    return (struct iso_wasi_dirent){
        .name = iso_str_from_z(item->text), .ino = item->ino, .filetype = item->filetype};
}
