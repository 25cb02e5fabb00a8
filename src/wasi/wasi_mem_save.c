/*
 * wasi_mem_save.c - the in-memory file system as bytes. The layout is described in docs/wasi.md,
 * "In-memory file systems".
 */
#include "wasi/wasi_mem.h"
#include "wasi/wasi_put.h"
#include "wasi/wasi_reader.h"

#include <stdlib.h>

/* ---- Saving ------------------------------------------------------------------------------ */

/* Bytes of page `index` that lie within the file. */
static size_t page_len(uint64_t size, uint64_t index)
{
    uint64_t start = index * ISO_WASI_MEM_PAGE;
    if (start >= size) {
        return 0;
    }
    return size - start < ISO_WASI_MEM_PAGE ? (size_t)(size - start) : ISO_WASI_MEM_PAGE;
}

static bool page_is_zero(const uint8_t *page)
{
    /* Every byte is that before it, and the first is zero. */
    return page[0] == 0 && memcmp(page, page + 1, ISO_WASI_MEM_PAGE - 1) == 0;
}

/* Whether page i has to be written. */
static bool page_counts(const struct iso_wasi_mem_inode *inode, size_t i)
{
    return inode->pages[i] != NULL && page_len(inode->size, i) > 0 &&
           !page_is_zero(inode->pages[i]);
}

static void save_file(struct iso_wasi_put *w, const struct iso_wasi_mem_inode *inode)
{
    uint32_t count = 0;
    for (size_t i = 0; i < inode->page_cap; i++) {
        count += page_counts(inode, i) ? 1 : 0;
    }
    iso_wasi_put_u64(w, inode->size);
    iso_wasi_put_u32(w, count);
    for (size_t i = 0; i < inode->page_cap; i++) {
        if (page_counts(inode, i)) {
            iso_wasi_put_u32(w, (uint32_t)i);
            iso_wasi_put(w, inode->pages[i], page_len(inode->size, i));
        }
    }
}

static void save_dir(struct iso_wasi_put *w, const struct iso_wasi_mem_inode *inode)
{
    iso_wasi_put_u32(w, (uint32_t)inode->entry_count);
    for (size_t i = 0; i < inode->entry_count; i++) {
        size_t len = strlen(inode->entries[i].name);
        iso_wasi_put_u16(w, (uint16_t)len);
        iso_wasi_put(w, inode->entries[i].name, len);
        iso_wasi_put_u64(w, inode->entries[i].inode->ino);
    }
}

enum iso_err iso_wasi_mem_save(const struct iso_wasi_memfs *fs, struct iso_buf *out)
{
    struct iso_wasi_put w = {.out = out, .err = ISO_OK};
    uint32_t count = 0;
    for (const struct iso_wasi_mem_inode *i = fs->inodes; i != NULL; i = i->next) {
        count++;
    }
    iso_wasi_put_u64(&w, fs->next_ino);
    iso_wasi_put_u64(&w, fs->root->ino);
    iso_wasi_put_u32(&w, count);
    for (const struct iso_wasi_mem_inode *i = fs->inodes; i != NULL; i = i->next) {
        iso_wasi_put_u64(&w, i->ino);
        iso_wasi_put_u8(&w, (uint8_t)i->type);
        iso_wasi_put_u64(&w, i->atim);
        iso_wasi_put_u64(&w, i->mtim);
        iso_wasi_put_u64(&w, i->ctim);
        if (i->type == WASI_FILETYPE_REGULAR_FILE) {
            save_file(&w, i);
        } else if (i->type == WASI_FILETYPE_DIRECTORY) {
            save_dir(&w, i);
        } else {
            iso_wasi_put_u32(&w, (uint32_t)i->size);
            iso_wasi_put(&w, i->target, (size_t)i->size);
        }
    }
    return w.err;
}

/* ---- Loading ----------------------------------------------------------------------------- */

enum { INODE_BYTES_MIN = 8 + 1 + 24 + 4 };

/* One load: the new contents grow in `fs`, a file system of its own. */
struct loader {
    struct iso_wasi_memfs fs;
    struct iso_wasi_mem_inode **by_ino; /* sorted */
    uint32_t count;
    struct iso_report *report;
};

static enum iso_err damaged(struct loader *l, const char *what)
{
    return iso_fail(l->report, ISO_E_SNAPSHOT, "in-memory file system of the snapshot: %s", what);
}

static enum iso_err no_room(struct loader *l)
{
    return iso_fail(l->report, ISO_E_LIMIT,
                    "the in-memory file system of the snapshot needs more than the %llu bytes that "
                    "are granted",
                    (unsigned long long)l->fs.max_bytes);
}

static enum iso_err load_file(struct loader *l, struct iso_wasi_reader *r,
                              struct iso_wasi_mem_inode *inode)
{
    uint64_t size = iso_wasi_take_u64(r);
    uint32_t pages = iso_wasi_take_u32(r);
    if (r->bad || iso_wasi_mem_data_resize(&l->fs, inode, size) != WASI_OK) {
        return damaged(l, "a file's size is not possible");
    }
    uint64_t next = 0;
    for (uint32_t i = 0; i < pages; i++) {
        uint32_t index = iso_wasi_take_u32(r);
        size_t len = page_len(size, index);
        const uint8_t *bytes = iso_wasi_take(r, len);
        if (bytes == NULL || len == 0 || index < next) {
            return damaged(l, "a page is not within its file");
        }
        next = (uint64_t)index + 1;
        size_t done;
        if (iso_wasi_mem_data_write(&l->fs, inode, (uint64_t)index * ISO_WASI_MEM_PAGE, bytes, len,
                                    &done) != WASI_OK ||
            done < len) {
            return no_room(l);
        }
    }
    return ISO_OK;
}

static enum iso_err load_symlink(struct loader *l, struct iso_wasi_reader *r,
                                 struct iso_wasi_mem_inode *inode)
{
    struct iso_str text = iso_wasi_take_str(r);
    if (r->bad || text.len == 0 || text.len >= ISO_VFS_PATH_MAX ||
        memchr(text.ptr, 0, text.len) != NULL) {
        return damaged(l, "a symbolic link is not one");
    }
    if (!iso_wasi_mem_charge(&l->fs, text.len + 1)) {
        return no_room(l);
    }
    inode->target = iso_alloc_new(l->fs.alloc, text.len + 1);
    if (inode->target == NULL) {
        iso_wasi_mem_refund(&l->fs, text.len + 1);
        return ISO_E_NOMEM;
    }
    memcpy(inode->target, text.ptr, text.len);
    inode->size = text.len;
    return ISO_OK;
}

/* Pass over the entries of a directory; they are inserted when all inodes are known. */
static enum iso_err skip_dir(struct loader *l, struct iso_wasi_reader *r)
{
    uint32_t count = iso_wasi_take_u32(r);
    for (uint32_t i = 0; i < count && !r->bad; i++) {
        (void)iso_wasi_take(r, iso_wasi_take_u16(r));
        (void)iso_wasi_take_u64(r);
    }
    return r->bad ? damaged(l, "a directory is cut short") : ISO_OK;
}

static enum iso_err load_inode(struct loader *l, struct iso_wasi_reader *r,
                               struct iso_wasi_mem_inode **out)
{
    uint64_t ino = iso_wasi_take_u64(r);
    uint8_t type = iso_wasi_take_u8(r);
    uint64_t atim = iso_wasi_take_u64(r);
    uint64_t mtim = iso_wasi_take_u64(r);
    uint64_t ctim = iso_wasi_take_u64(r);
    if (r->bad || (type != WASI_FILETYPE_REGULAR_FILE && type != WASI_FILETYPE_DIRECTORY &&
                   type != WASI_FILETYPE_SYMBOLIC_LINK)) {
        return damaged(l, "something is no file, directory or symbolic link");
    }
    struct iso_wasi_mem_inode *inode;
    if (iso_wasi_mem_inode_new(&l->fs, (enum iso_wasi_filetype)type, &inode) != WASI_OK) {
        return no_room(l);
    }
    inode->ino = ino;
    enum iso_err err = type == WASI_FILETYPE_REGULAR_FILE ? load_file(l, r, inode)
                       : type == WASI_FILETYPE_DIRECTORY  ? skip_dir(l, r)
                                                          : load_symlink(l, r, inode);
    inode->atim = atim;
    inode->mtim = mtim;
    inode->ctim = ctim;
    *out = inode;
    return err;
}

static int compare_ino(const void *a, const void *b)
{
    const struct iso_wasi_mem_inode *const *x = a;
    const struct iso_wasi_mem_inode *const *y = b;
    return (*x)->ino < (*y)->ino ? -1 : (*x)->ino > (*y)->ino;
}

static struct iso_wasi_mem_inode *find_ino(const struct loader *l, uint64_t ino)
{
    struct iso_wasi_mem_inode key = {.ino = ino};
    const struct iso_wasi_mem_inode *key_ptr = &key;
    struct iso_wasi_mem_inode **found =
        bsearch(&key_ptr, l->by_ino, l->count, sizeof(struct iso_wasi_mem_inode *), compare_ino);
    return found == NULL ? NULL : *found;
}

static bool name_allowed(struct iso_str name)
{
    return name.len > 0 && name.len <= ISO_VFS_NAME_MAX && !iso_str_equal_z(name, ".") &&
           !iso_str_equal_z(name, "..") && memchr(name.ptr, '/', name.len) == NULL &&
           memchr(name.ptr, 0, name.len) == NULL;
}

static enum iso_err load_entry(struct loader *l, struct iso_wasi_reader *r,
                               struct iso_wasi_mem_inode *dir)
{
    uint16_t len = iso_wasi_take_u16(r);
    struct iso_str text = iso_str_from((const char *)iso_wasi_take(r, len), len);
    struct iso_wasi_mem_inode *child = find_ino(l, iso_wasi_take_u64(r));
    if (r->bad || !name_allowed(text) || child == NULL || child == l->fs.root) {
        return damaged(l, "a directory entry is not possible");
    }
    char name[ISO_VFS_NAME_MAX + 1];
    memcpy(name, text.ptr, len);
    name[len] = '\0';
    /* Ascending order keeps this linear, and makes the names distinct. */
    if (dir->entry_count > 0 && strcmp(dir->entries[dir->entry_count - 1].name, name) >= 0) {
        return damaged(l, "a directory is not in order");
    }
    if (child->type == WASI_FILETYPE_DIRECTORY) {
        if (child->links > 0) {
            return damaged(l, "a directory has two names");
        }
        child->parent = dir;
    }
    if (child->links >= ISO_WASI_MEM_LINKS_MAX) {
        return damaged(l, "a file has too many names");
    }
    if (iso_wasi_mem_insert(&l->fs, dir, name, child) != WASI_OK) {
        return no_room(l);
    }
    child->links++;
    return ISO_OK;
}

/* Second pass over the bytes: only directories matter. */
static enum iso_err load_entries(struct loader *l, struct iso_wasi_reader *r)
{
    for (uint32_t i = 0; i < l->count; i++) {
        struct iso_wasi_mem_inode *inode = find_ino(l, iso_wasi_take_u64(r));
        (void)iso_wasi_take(r, 1 + 24);
        ISO_ASSERT(inode != NULL); /* the first pass made it of the same bytes */
        if (inode->type == WASI_FILETYPE_DIRECTORY) {
            uint32_t count = iso_wasi_take_u32(r);
            for (uint32_t k = 0; k < count; k++) {
                enum iso_err err = load_entry(l, r, inode);
                if (err != ISO_OK) {
                    return err;
                }
            }
        } else if (inode->type == WASI_FILETYPE_REGULAR_FILE) {
            uint64_t size = iso_wasi_take_u64(r);
            uint32_t pages = iso_wasi_take_u32(r);
            for (uint32_t k = 0; k < pages; k++) {
                uint32_t index = iso_wasi_take_u32(r);
                (void)iso_wasi_take(r, page_len(size, index));
            }
        } else {
            (void)iso_wasi_take_str(r);
        }
    }
    return ISO_OK;
}

/* Directories form one tree: each is the root, beneath it, or (removed but open) empty. */
static enum iso_err check_tree(struct loader *l)
{
    for (uint32_t i = 0; i < l->count; i++) {
        const struct iso_wasi_mem_inode *dir = l->by_ino[i];
        if (dir->type != WASI_FILETYPE_DIRECTORY || dir == l->fs.root) {
            continue;
        }
        if (dir->links == 0 && dir->entry_count > 0) {
            return damaged(l, "a directory without a name is not empty");
        }
        int depth = 0;
        while (dir->parent != NULL && depth <= ISO_WASI_MEM_DEPTH_MAX) {
            dir = dir->parent;
            depth++;
        }
        if (depth > ISO_WASI_MEM_DEPTH_MAX) {
            return damaged(l, "directories contain each other or are too deep");
        }
    }
    return ISO_OK;
}

static enum iso_err load_all(struct loader *l, struct iso_bytes bytes)
{
    struct iso_wasi_reader r = {.ptr = bytes.ptr, .left = bytes.len};
    l->fs.next_ino = iso_wasi_take_u64(&r);
    uint64_t next_ino = l->fs.next_ino;
    uint64_t root_ino = iso_wasi_take_u64(&r);
    l->count = iso_wasi_take_u32(&r);
    if (r.bad || l->count == 0 || l->count > r.left / INODE_BYTES_MIN) {
        return damaged(l, "it is cut short");
    }
    struct iso_wasi_reader again = r;
    l->by_ino = iso_alloc_array(l->fs.alloc, l->count, sizeof *l->by_ino);
    if (l->by_ino == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < l->count; i++) {
        enum iso_err err = load_inode(l, &r, &l->by_ino[i]);
        if (err != ISO_OK) {
            return err;
        }
    }
    if (r.left != 0) {
        return damaged(l, "bytes are left over");
    }
    qsort(l->by_ino, l->count, sizeof *l->by_ino, compare_ino);
    for (uint32_t i = 1; i < l->count; i++) {
        if (l->by_ino[i]->ino == l->by_ino[i - 1]->ino) {
            return damaged(l, "an inode number occurs twice");
        }
    }
    l->fs.next_ino = next_ino;
    l->fs.root = find_ino(l, root_ino);
    if (l->fs.root == NULL || l->fs.root->type != WASI_FILETYPE_DIRECTORY ||
        l->by_ino[l->count - 1]->ino >= next_ino) {
        return damaged(l, "it has no root directory");
    }
    l->fs.root->links = 1;
    enum iso_err err = load_entries(l, &again);
    return err == ISO_OK ? check_tree(l) : err;
}

static void free_inodes(struct iso_wasi_memfs *fs)
{
    while (fs->inodes != NULL) {
        iso_wasi_mem_inode_free(fs, fs->inodes);
    }
}

enum iso_err iso_wasi_mem_load(struct iso_wasi_memfs *fs, struct iso_bytes bytes,
                               struct iso_report *report)
{
    for (const struct iso_wasi_mem_inode *i = fs->inodes; i != NULL; i = i->next) {
        if (i->opens > 0) {
            return iso_fail(report, ISO_E_STATE, "the in-memory file system is in use");
        }
    }
    struct loader l = {.report = report, .fs = *fs};
    l.fs.inodes = NULL;
    l.fs.root = NULL;
    l.fs.used_bytes = 0;
    enum iso_err err = load_all(&l, bytes);
    if (l.by_ino != NULL) {
        iso_alloc_free(fs->alloc, l.by_ino, l.count * sizeof *l.by_ino);
    }
    if (err != ISO_OK) {
        free_inodes(&l.fs);
        return err;
    }
    free_inodes(fs);
    *fs = l.fs;
    return ISO_OK;
}
