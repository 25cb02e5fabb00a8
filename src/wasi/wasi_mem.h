/*
 * wasi_mem.h - the in-memory file system, from the inside.
 *
 *   memfs --- root inode (directory) --- entries, sorted by name --- inodes
 *                                                                      |- directory: entries,
 * parent
 *                                                                      |- file: pages of 4 KiB or
 * holes
 *                                                                      '- symlink: its text
 *
 * An inode lives while a name or an open node refers to it. All inodes stand in one list, so that
 * files without a name but still open can be saved too. Cost: what an inode is charged with
 * against max_bytes is kept in the inode.
 */
#ifndef ISO_WASI_MEM_H
#define ISO_WASI_MEM_H

#include "wasi/wasi.h"
#include "wasi/wasi_vfs.h"

enum {
    ISO_WASI_MEM_PAGE = 4096,
    ISO_WASI_MEM_INODE_COST = 200, /* charged per inode, and per name besides its bytes */
    ISO_WASI_MEM_ENTRY_COST = 40,
    ISO_WASI_MEM_LINKS_MAX = 65000,
    ISO_WASI_MEM_DEPTH_MAX = 1000 /* directories in directories */
};
/* Pages of one file: the page table itself stays small enough to allocate (8 GiB of file). */
#define ISO_WASI_MEM_PAGES_MAX (UINT64_C(1) << 21)

struct iso_wasi_mem_inode;

struct iso_wasi_mem_entry {
    char *name; /* NUL-terminated, owned */
    struct iso_wasi_mem_inode *inode;
};

struct iso_wasi_mem_inode {
    struct iso_wasi_mem_inode *next; /* of all inodes */
    struct iso_wasi_mem_inode *prev;
    uint64_t ino;
    enum iso_wasi_filetype type;
    uint32_t links; /* names; a directory: 1 when it is in the tree */
    uint32_t opens; /* open nodes */
    uint64_t atim;
    uint64_t mtim;
    uint64_t ctim;
    uint64_t size; /* file: bytes; symlink: length of the text */
    /* file */
    uint8_t **pages; /* NULL is a hole */
    size_t page_cap;
    /* directory */
    struct iso_wasi_mem_entry *entries;
    size_t entry_count;
    size_t entry_cap;
    struct iso_wasi_mem_inode *parent; /* NULL: the root, or removed */
    /* symlink */
    char *target; /* NUL-terminated, size + 1 bytes */
};

struct iso_wasi_memfs {
    struct iso_vfs vfs;
    const struct iso_alloc *alloc;
    uint64_t max_bytes;
    uint64_t used_bytes;
    uint64_t next_ino;
    uint64_t dev;
    struct iso_wasi_mem_inode *inodes; /* list head */
    struct iso_wasi_mem_inode *root;
    /* Nanoseconds since 1970; set by the iso_wasi that uses the file system, else NULL: the
     * system's clock. */
    uint64_t (*now)(void *ctx);
    void *now_ctx;
};

uint64_t iso_wasi_mem_now(const struct iso_wasi_memfs *fs);
/* Account for bytes; false when max_bytes would be passed. */
bool iso_wasi_mem_charge(struct iso_wasi_memfs *fs, uint64_t bytes);
void iso_wasi_mem_refund(struct iso_wasi_memfs *fs, uint64_t bytes);

/* A new inode without names; freed by the first mem_unref that leaves it unused. */
enum iso_wasi_errno iso_wasi_mem_inode_new(struct iso_wasi_memfs *fs, enum iso_wasi_filetype type,
                                           struct iso_wasi_mem_inode **out);
/* Free it if neither a name nor an open node refers to it. */
void iso_wasi_mem_inode_settle(struct iso_wasi_memfs *fs, struct iso_wasi_mem_inode *inode);
/* The same for all inodes. */
void iso_wasi_mem_sweep(struct iso_wasi_memfs *fs);
/* Free it with everything that it owns, whatever refers to it. */
void iso_wasi_mem_inode_free(struct iso_wasi_memfs *fs, struct iso_wasi_mem_inode *inode);

/* Entries of a directory: found by name; *at is where it is or would be. */
struct iso_wasi_mem_inode *iso_wasi_mem_find(const struct iso_wasi_mem_inode *dir, const char *name,
                                             size_t *at);
/* Put a name in (EEXIST is the caller's business) and take one out; neither counts links. */
enum iso_wasi_errno iso_wasi_mem_insert(struct iso_wasi_memfs *fs, struct iso_wasi_mem_inode *dir,
                                        const char *name, struct iso_wasi_mem_inode *inode);
void iso_wasi_mem_remove(struct iso_wasi_memfs *fs, struct iso_wasi_mem_inode *dir, size_t at);

/* Contents of a file (wasi_mem_data.c). */
size_t iso_wasi_mem_data_read(const struct iso_wasi_mem_inode *inode, uint64_t offset, void *out,
                              size_t len);
enum iso_wasi_errno iso_wasi_mem_data_write(struct iso_wasi_memfs *fs,
                                            struct iso_wasi_mem_inode *inode, uint64_t offset,
                                            const void *from, size_t len, size_t *done);
enum iso_wasi_errno iso_wasi_mem_data_resize(struct iso_wasi_memfs *fs,
                                             struct iso_wasi_mem_inode *inode, uint64_t size);
enum iso_wasi_errno iso_wasi_mem_data_allocate(struct iso_wasi_memfs *fs,
                                               struct iso_wasi_mem_inode *inode, uint64_t offset,
                                               uint64_t len);

/* wasi_mem_node.c: the operations on open nodes. */
extern const struct iso_vfs_ops iso_wasi_mem_ops;
enum iso_wasi_errno iso_wasi_mem_node_stat(struct iso_vfs *vfs, union iso_vfs_node node,
                                           struct iso_vfs_stat *out);
void iso_wasi_mem_inode_stat(const struct iso_wasi_memfs *fs,
                             const struct iso_wasi_mem_inode *inode, struct iso_vfs_stat *out);
void iso_wasi_mem_inode_times(const struct iso_wasi_memfs *fs, struct iso_wasi_mem_inode *inode,
                              const struct iso_vfs_times *times);
enum iso_wasi_errno iso_wasi_mem_node_set_times(struct iso_vfs *vfs, union iso_vfs_node node,
                                                const struct iso_vfs_times *times);
enum iso_wasi_errno iso_wasi_mem_node_set_size(struct iso_vfs *vfs, union iso_vfs_node node,
                                               uint64_t size);
enum iso_wasi_errno iso_wasi_mem_node_allocate(struct iso_vfs *vfs, union iso_vfs_node node,
                                               uint64_t offset, uint64_t len);
enum iso_wasi_errno iso_wasi_mem_node_advise(struct iso_vfs *vfs, union iso_vfs_node node,
                                             uint64_t offset, uint64_t len, uint32_t advice);
enum iso_wasi_errno iso_wasi_mem_node_sync(struct iso_vfs *vfs, union iso_vfs_node node,
                                           bool data_only);
enum iso_wasi_errno iso_wasi_mem_node_set_append(struct iso_vfs *vfs, union iso_vfs_node node,
                                                 bool append);
enum iso_wasi_errno iso_wasi_mem_node_read(struct iso_vfs *vfs, union iso_vfs_node node,
                                           const struct iso_vfs_iovec *iov, size_t count,
                                           uint64_t offset, size_t *done);
enum iso_wasi_errno iso_wasi_mem_node_write(struct iso_vfs *vfs, union iso_vfs_node node,
                                            const struct iso_vfs_iovec *iov, size_t count,
                                            uint64_t offset, bool append, size_t *done,
                                            uint64_t *end);

/* wasi_mem_save.c: everything as bytes (docs/wasi.md) and back; load replaces the contents, and no
 * node may be open then (ISO_E_STATE). On failure of load the file system is as before. */
ISO_MUST_CHECK enum iso_err iso_wasi_mem_save(const struct iso_wasi_memfs *fs, struct iso_buf *out);
ISO_MUST_CHECK enum iso_err iso_wasi_mem_load(struct iso_wasi_memfs *fs, struct iso_bytes bytes,
                                              struct iso_report *report);

#endif
