/*
 * package.h - the one public header of src/package: references to modules, where modules are
 * fetched from and pushed to, signatures, a store of blobs by digest, and what a module needs.
 *
 * Libraries, so that a program links what it uses: iso_package_blobs (the store; the supervisor),
 * iso_package_sign (signatures; the commands), iso_package (everything; the orchestrator).
 *
 * Functions block only where it says so. Those with a `done` work on a libuv loop: they are called
 * on its thread, done is called on it, exactly once, never before the call that started it has
 * returned.
 */
#ifndef ISO_PACKAGE_PACKAGE_H
#define ISO_PACKAGE_PACKAGE_H

#include "base/base.h"
#include "interface/interface.h"

#include <uv.h>

struct iso_http_client;

/* A module of any kind, of any source, in any store. */
#define ISO_PACKAGE_MAX_BYTES (UINT64_C(256) << 20)
/* Of a WIT file, a package.json, a signature beside a module. */
#define ISO_PACKAGE_MAX_BESIDE_BYTES (UINT64_C(1) << 20)
#define ISO_REFERENCE_MAX_BYTES 2048u
/* "sha256:", 64 hexadecimal digits, a zero byte. */
#define ISO_DIGEST_TEXT_SIZE 72u

/* "sha256:" and 64 small hexadecimal digits. Errors: ARGUMENT. */
ISO_MUST_CHECK enum iso_err iso_digest_parse(struct iso_str text, uint8_t digest[ISO_SHA256_SIZE],
                                             struct iso_report *report);
void iso_digest_text(const uint8_t digest[ISO_SHA256_SIZE], char out[ISO_DIGEST_TEXT_SIZE]);

/* ---- References (reference.c) -------------------------------------------------------------- */

enum iso_reference_kind {
    ISO_REFERENCE_FILE,  /* file:PATH                            path */
    ISO_REFERENCE_HTTPS, /* https://HOST/PATH#sha256:HEX         url, digest */
    ISO_REFERENCE_NPM,   /* npm:NAME[@VERSION]/PATH              name, version, path */
    ISO_REFERENCE_OCI,   /* oci:ALIAS/NAME:TAG, ...@sha256:HEX   alias, name, version or digest */
    ISO_REFERENCE_STORE, /* NAME, NAME@VERSION                   name, version */
};

/* Texts are views of what was parsed; empty where there is none. */
struct iso_reference {
    enum iso_reference_kind kind;
    struct iso_str alias;
    struct iso_str name;    /* npm: with its scope; oci: the repository in its registry */
    struct iso_str version; /* npm: as written, may be a range or a tag; oci: the tag */
    struct iso_str path;
    struct iso_str url; /* without the fragment */
    bool has_digest;
    uint8_t digest[ISO_SHA256_SIZE];
};

/* Read a reference. Borrowed: the text must outlive *out. Whether what it names exists is not
 * looked at. Errors: ARGUMENT; the report says what would be right. */
ISO_MUST_CHECK enum iso_err iso_reference_parse(struct iso_str text, struct iso_reference *out,
                                                struct iso_report *report);
/* Append it as text that parses to the same. Errors: those of iso_buf. */
ISO_MUST_CHECK enum iso_err iso_reference_print(const struct iso_reference *reference,
                                                struct iso_buf *out);
/* "file", "https", "npm", "oci", "store" */
const char *iso_reference_kind_name(enum iso_reference_kind kind);
/* Whether it names the same bytes for ever: https, oci with a digest, npm with an exact version,
 * the store's with a version. */
bool iso_reference_is_exact(const struct iso_reference *reference);
/* A name of the orchestrator's own store: small letters, digits, '-', '.', '_'; the first a letter;
 * at most 64. */
bool iso_reference_is_name(struct iso_str name);

/* ---- Packages (package.c, source_*.c) ------------------------------------------------------ */

/* What a reference led to. Everything in it is its own. */
struct iso_package {
    struct iso_str
        reference; /* exact: "npm:a@1.2.3/a.wasm", "oci:lab/a@sha256:..."; file: absolute */
    uint8_t digest[ISO_SHA256_SIZE]; /* of the module */
    struct iso_bytes module; /* the bytes begin with those of a module; no more is checked */
    /* What was beside the module; empty (ptr NULL) when nothing was. */
    struct iso_bytes wit;       /* NAME.wit beside NAME.wasm; not parsed yet */
    struct iso_str wit_name;    /* for messages: "scaler.wit" */
    struct iso_bytes signature; /* NAME.wasm.minisig; not verified yet */
    /* name, version, licence, description, source: from package.json (npm, file), annotations of
     * the manifest (oci). The module's own metadata (iso_describe) counts more. */
    struct iso_package_info info;
    struct iso_arena arena; /* of the above, module aside */
};
/* NULL is fine. */
void iso_package_destroy(struct iso_package *package);

/*
 * What file:PATH means; blocks. base_dir: what a relative PATH starts from; NULL: the working
 * directory. PATH is a .wasm file, or without the ".wasm", or a directory with DIR/DIR.wasm or with
 * a single .wasm file. Errors: ARGUMENT (another kind of reference), NOT_FOUND, ACCESS, INVALID (no
 * module), LIMIT, NOMEM, IO.
 */
ISO_MUST_CHECK enum iso_err iso_package_read_file(const struct iso_reference *reference,
                                                  const char *base_dir, struct iso_package **out,
                                                  struct iso_report *report);

/* A registry of OCI images (https://github.com/opencontainers/distribution-spec, 1.1), under the
 * name that references use. Texts are borrowed (copied). */
struct iso_package_registry {
    const char *alias;    /* as a name of the store */
    const char *url;      /* "https://HOST[:PORT]"; "http://" for loopback, or with plain_http */
    const char *username; /* NULL: anonymous */
    const char *password;
    bool plain_http;
};

#define ISO_PACKAGE_MAX_REGISTRIES 64u
#define ISO_PACKAGE_MAX_FETCHES 64u /* at a time; more wait */
#define ISO_PACKAGE_MAX_AT_PLACE 8u /* of them, from one host */

struct iso_package_sources_config {
    uv_loop_t *loop;              /* kept */
    struct iso_http_client *http; /* kept; must outlive the sources */
    /* Where npm's configuration is looked for besides the user's and the system's: DIR/.npmrc.
     * NULL: nowhere. Borrowed (copied). */
    const char *project_dir;
    /* Authorities of https and of OCI registries, PEM; NULL: the system's. npm has its own, cafile.
     * Borrowed (copied). */
    const char *ca_file;
    uint64_t max_bytes; /* of a module; 0: ISO_PACKAGE_MAX_BYTES */
    uint32_t total_ms;  /* for a fetch or push as a whole; 0: 60000 */
};

struct iso_package_sources;

/* Errors: NOMEM. */
ISO_MUST_CHECK enum iso_err
iso_package_sources_create(const struct iso_package_sources_config *config,
                           struct iso_package_sources **out, struct iso_report *report);
/* Ends what is under way (done comes with STATE) and releases; on_closed (optional) comes from the
 * loop as the last. NULL is fine, then it is not called. */
void iso_package_sources_close(struct iso_package_sources *sources, void (*on_closed)(void *ctx),
                               void *ctx);
/* In place of those before; what is under way goes on with the old ones. Errors: ARGUMENT (an alias
 * twice, not a name, not a URL, plain HTTP to another host without plain_http), LIMIT, NOMEM. */
ISO_MUST_CHECK enum iso_err
iso_package_sources_set_registries(struct iso_package_sources *sources,
                                   const struct iso_package_registry *registries, size_t count,
                                   struct iso_report *report);

/*
 * Fetch what a reference names. file: is read on the pool (base_dir as above); https: only from
 * public addresses, its digest checked; npm: from the registry that npm's configuration names, read
 * anew each time, its integrity checked before anything is unpacked; oci: from a registry of the
 * list, digests checked. Those of the store are for the orchestrator: ARGUMENT.
 *
 * done: on success (ISO_OK) package is the callee's. Else NULL, and the report says what was wrong.
 * Errors: NOT_FOUND (no such package, version, file, alias), ACCESS (401, 403), INVALID (the digest
 * or integrity is another one, not a module), MALFORMED (an answer that is none), LIMIT (too
 * large), REFUSED (addresses, redirects), IO (network, time), STATE (closed, cancelled), NOMEM.
 */
typedef void (*iso_package_fetched_fn)(void *ctx, uint64_t id, enum iso_err err,
                                       struct iso_package *package,
                                       const struct iso_report *report);
/* Errors at once, without done: ARGUMENT (no reference, of the store), NOMEM. */
ISO_MUST_CHECK enum iso_err iso_package_fetch(struct iso_package_sources *sources,
                                              struct iso_str reference, const char *base_dir,
                                              iso_package_fetched_fn done, void *ctx,
                                              uint64_t *id_out, struct iso_report *report);

/*
 * Push a module to a registry: reference is oci:ALIAS/NAME:TAG. WIT and metadata travel in the
 * module's own sections (iso_module_pack); info besides becomes annotations of the manifest (NULL:
 * none), and so does signature (minisign text; empty: none). module is borrowed until done. done
 * has the exact reference (oci:ALIAS/NAME@sha256:...; borrowed) on success. Errors as above.
 */
typedef void (*iso_package_pushed_fn)(void *ctx, uint64_t id, enum iso_err err,
                                      struct iso_str reference, const struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_package_push(struct iso_package_sources *sources,
                                             struct iso_str reference, struct iso_bytes module,
                                             const struct iso_package_info *info,
                                             struct iso_bytes signature, iso_package_pushed_fn done,
                                             void *ctx, uint64_t *id_out,
                                             struct iso_report *report);

/* done follows with STATE, unless it was called already: then nothing happens. */
void iso_package_cancel(struct iso_package_sources *sources, uint64_t id);

/* ---- Signatures (sign*.c) ------------------------------------------------------------------ */
/*
 * In the format of minisign (https://jedisct1.github.io/minisign/): Ed25519 over the BLAKE2b hash
 * of the file ("ED"), or, older, over the file itself ("Ed", which is verified and not made). Keys
 * and signatures are exchanged with that program as they are.
 */
#define ISO_SIGN_ID_TEXT_SIZE 17u /* 16 large hexadecimal digits, as minisign shows them */
#define ISO_SIGN_MAX_COMMENT 1024u
#define ISO_SIGN_MAX_TRUSTED 256u

struct iso_sign_public {
    uint8_t id[8]; /* in the order of the file */
    uint8_t key[32];
};
struct iso_sign_secret {
    uint8_t id[8];
    uint8_t key[64]; /* seed and public key, as libsodium has it; to be wiped: iso_sign_wipe */
};
void iso_sign_wipe(struct iso_sign_secret *secret);

/* A new key pair. Errors: IO (no random numbers). */
ISO_MUST_CHECK enum iso_err iso_sign_generate(struct iso_sign_public *public_out,
                                              struct iso_sign_secret *secret_out,
                                              struct iso_report *report);
/* A public key: the line of base64 ("RWQ..."), or a file with its comment line before it. Errors:
 * MALFORMED, UNSUPPORTED (another algorithm; a secret key or a signature by mistake). */
ISO_MUST_CHECK enum iso_err iso_sign_public_parse(struct iso_str text, struct iso_sign_public *out,
                                                  struct iso_report *report);
/* Append the file: a comment line and the key. */
ISO_MUST_CHECK enum iso_err iso_sign_public_print(const struct iso_sign_public *key,
                                                  struct iso_buf *out);
/* The key alone, "RWQ..." (56 characters), zero-terminated. */
void iso_sign_public_text(const struct iso_sign_public *key, char out[57]);
void iso_sign_id_text(const uint8_t id[8], char out[ISO_SIGN_ID_TEXT_SIZE]);

/* Whether the text of a secret key file wants a password. False also for what is no key. */
bool iso_sign_secret_is_locked(struct iso_str text);
/* Blocks: about a second with a password (scrypt, up to 1 GiB of memory). password: NULL when there
 * is none. Errors: MALFORMED, UNSUPPORTED, ARGUMENT (a password is needed), ACCESS (it is wrong),
 * NOMEM. */
ISO_MUST_CHECK enum iso_err iso_sign_secret_parse(struct iso_str text, const char *password,
                                                  struct iso_sign_secret *out,
                                                  struct iso_report *report);
/* Append the file; with password NULL or empty it is not encrypted. Blocks likewise. */
ISO_MUST_CHECK enum iso_err iso_sign_secret_print(const struct iso_sign_secret *secret,
                                                  const char *password, struct iso_buf *out,
                                                  struct iso_report *report);

/* Append a signature file for bytes. Comments: one line each, at most MAX_COMMENT bytes; NULL: as
 * minisign has them. The trusted one is signed too. Errors: ARGUMENT (a line end in a comment),
 * LIMIT, those of iso_buf. */
ISO_MUST_CHECK enum iso_err iso_sign_make(const struct iso_sign_secret *secret,
                                          struct iso_bytes bytes, const char *untrusted_comment,
                                          const char *trusted_comment, struct iso_buf *out,
                                          struct iso_report *report);

struct iso_sign_found {
    size_t key;                     /* index of the key that made it */
    struct iso_str trusted_comment; /* a view of the signature */
};
/*
 * Whether one of the keys signed these bytes. Errors: MALFORMED (not a signature), NOT_FOUND (made
 * with another key: the report has its id), INVALID (the bytes or the comment were changed),
 * UNSUPPORTED.
 */
ISO_MUST_CHECK enum iso_err iso_sign_verify(const struct iso_sign_public *keys, size_t count,
                                            struct iso_bytes bytes, struct iso_str signature,
                                            struct iso_sign_found *out, struct iso_report *report);

/*
 * The same on files, for the commands; all block. Signature files are PATH.minisig where their path
 * is NULL, secret keys must not be readable by others.
 *
 *   isomer sign   iso_sign_file_is_locked, iso_sign_file (with the password that was asked for)
 *   isomer verify iso_sign_file_public (each --key), iso_sign_file_verify
 *   isomer trust  iso_sign_public_parse of a key or of a file's text
 */
/* Makes a key pair and both files (EXISTS when one of them is there). */
ISO_MUST_CHECK enum iso_err iso_sign_file_generate(const char *public_path, const char *secret_path,
                                                   const char *password,
                                                   struct iso_sign_public *out,
                                                   struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_sign_file_is_locked(const char *secret_path, bool *out,
                                                    struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_sign_file_public(const char *public_path,
                                                 struct iso_sign_public *out,
                                                 struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_sign_file(const char *path, const char *secret_path,
                                          const char *password, const char *trusted_comment,
                                          const char *signature_path, struct iso_report *report);
/* trusted_comment: gets the text, zero-terminated. */
ISO_MUST_CHECK enum iso_err iso_sign_file_verify(const char *path, const char *signature_path,
                                                 const struct iso_sign_public *keys, size_t count,
                                                 size_t *key_out,
                                                 char trusted_comment[ISO_SIGN_MAX_COMMENT + 1],
                                                 struct iso_report *report);

/* ---- What a module is and needs (describe.c) ------------------------------------------------ */

enum iso_need_kind {
    ISO_NEED_INTERFACE, /* a WIT interface: to be linked, or offered by the device (isomer:device)
                         */
    ISO_NEED_WASI,      /* functions of WASI preview 1 */
    ISO_NEED_OTHER,     /* of a module that nobody here offers ("env", ...) */
};

/* One module name of its imports. */
struct iso_need {
    enum iso_need_kind kind;
    struct iso_str module; /* as the module writes it: "isomer:device/camera@0.1.0" */
    uint32_t count;        /* of imports from it */
    /* The interface of that name in the module's world, with the types of its functions; NULL when
     * the world does not declare it. */
    const struct iso_wit_interface *interface;
};

/* Everything that the texts and types point to lives as long as the description. */
struct iso_description {
    uint8_t digest[ISO_SHA256_SIZE];
    uint64_t size_bytes;
    struct iso_module_interface interface; /* world: imports and exports with types */
    struct iso_buf wit;                    /* the world as text */
    struct iso_need *needs;
    uint32_t need_count;
    /* Engine features that it uses, by the names that devices list in GET /v1/device. */
    const char *const *features;
    uint32_t feature_count;
    uint64_t memory_min_bytes; /* of its memories at the start */
    uint64_t memory_max_bytes; /* what it declares; UINT64_MAX: nothing */
    bool is_command;           /* has _start: exports run(args, env, stdin) */
    struct iso_module *module; /* for more: exports and imports as they are */
    struct iso_engine *engine;
    struct iso_bytes bytes;
    struct iso_arena arena;
    const char *feature_list[16];
};

/*
 * Look at a module: decode and validate it whole, find its interface. Blocks (some 10 ms per MiB);
 * any thread, so that it can be done on the pool. bytes: kept until the description is destroyed.
 * wit: text that comes beside it, name for messages; empty: none. Errors: those of
 * iso_module_create and iso_module_interface_find, LIMIT, NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_describe(struct iso_bytes bytes, struct iso_bytes wit,
                                         const char *wit_name, struct iso_description **out,
                                         struct iso_report *report);
/* NULL is fine. */
void iso_description_destroy(struct iso_description *description);

/* ---- Blobs by digest (blobs*.c) ------------------------------------------------------------- */
/*
 * Files named by the SHA-256 of their bytes, in DIR/sha256. A blob arrives in pieces: begin,
 * write..., finish. What is written goes to a temporary file of DIR/incoming; finish checks the
 * digest (if there is one to check), syncs, and renames, so that a file in sha256/ is whole. It is
 * checked again whenever it is read, since disks and people damage files.
 *
 * The store has a cap. When a new blob needs room, those that are not in use go, the least recently
 * used first. Loop thread; reading, syncing and checking run on libuv's pool.
 */
struct iso_blobs;
struct iso_blob_upload;

enum {
    ISO_BLOBS_UPLOADS_MAX = 4,  /* at a time, when the configuration does not say */
    ISO_BLOBS_COUNT_MAX = 4096, /* blobs in a store */
    ISO_BLOBS_DIR_MAX = 710     /* characters of the directory */
};
#define ISO_BLOB_BYTES_MAX ISO_PACKAGE_MAX_BYTES
#define ISO_BLOBS_CAP (UINT64_C(1) << 30)

struct iso_blobs_config {
    uv_loop_t *loop;               /* kept */
    const struct iso_alloc *alloc; /* kept */
    const char *dir;               /* made if need be; borrowed */
    uint64_t max_bytes;            /* of all blobs; 0: ISO_BLOBS_CAP */
    uint32_t uploads_max;          /* at a time; 0: ISO_BLOBS_UPLOADS_MAX */
    /* Whether a blob is in use, and so neither evicted nor deleted. NULL: none. */
    bool (*used)(void *ctx, const uint8_t digest[ISO_SHA256_SIZE]);
    void *ctx;
};

/* Makes the directories, removes what unfinished uploads left, lists what is there. Blocks; for the
 * start. Errors: ACCESS, IO, NOMEM, ARGUMENT (the directory's path is too long). */
ISO_MUST_CHECK enum iso_err iso_blobs_create(const struct iso_blobs_config *config,
                                             struct iso_blobs **out, struct iso_report *report);
/* Whether something is on the pool: a load, or an upload that is being finished. */
bool iso_blobs_busy(const struct iso_blobs *blobs);
/* Without uploads that are neither finished nor aborted. What is on the pool is told of all the
 * same, and the memory goes after that; the loop must run until then. NULL is fine. */
void iso_blobs_destroy(struct iso_blobs *blobs);
/* Set once, when who knows is made after the store. */
void iso_blobs_set_used(struct iso_blobs *blobs,
                        bool (*used)(void *ctx, const uint8_t digest[ISO_SHA256_SIZE]), void *ctx);

struct iso_blobs_stats {
    uint64_t bytes; /* of the blobs */
    uint32_t count;
    uint32_t uploads; /* under way */
    uint64_t evicted_total;
    uint64_t damaged_total; /* files whose bytes were not what their name says */
};
void iso_blobs_stats_get(const struct iso_blobs *blobs, struct iso_blobs_stats *out);
uint64_t iso_blobs_cap(const struct iso_blobs *blobs);

/* Whether a blob is there, and its size. */
bool iso_blobs_find(const struct iso_blobs *blobs, const uint8_t digest[ISO_SHA256_SIZE],
                    uint64_t *size_bytes);
/* All blobs, in no order. */
void iso_blobs_each(const struct iso_blobs *blobs,
                    void (*visit)(void *ctx, const uint8_t digest[ISO_SHA256_SIZE],
                                  uint64_t size_bytes, bool used),
                    void *ctx);
/* The file of a blob that is there, for a request that sends it: zero-terminated. */
#define ISO_BLOB_PATH_SIZE 1024u
void iso_blobs_path(const struct iso_blobs *blobs, const uint8_t digest[ISO_SHA256_SIZE],
                    char out[ISO_BLOB_PATH_SIZE]);

/*
 * Begin an upload. digest: that the bytes must have; NULL: whatever they have. size_bytes: as
 * announced, UINT64_MAX when it is not known. When the blob of that digest is there already, *out
 * becomes NULL: nothing needs to be sent. Errors: LIMIT (larger than a blob may
 * be; no room under the cap for what is in use), REFUSED (too many uploads at a time), ACCESS, IO,
 * NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_blobs_begin(struct iso_blobs *blobs,
                                            const uint8_t digest[ISO_SHA256_SIZE],
                                            uint64_t size_bytes, struct iso_blob_upload **out,
                                            struct iso_report *report);
/* The next piece (borrowed). After an error abort it. Errors: LIMIT (as above), IO (a full disk).
 */
ISO_MUST_CHECK enum iso_err iso_blob_upload_write(struct iso_blob_upload *upload,
                                                  struct iso_bytes piece,
                                                  struct iso_report *report);
typedef void (*iso_blob_done_fn)(void *ctx, enum iso_err err, const struct iso_report *report);
/* upload: taken. done comes once, later. Errors: INVALID (the bytes have another digest), IO. */
void iso_blob_upload_finish(struct iso_blob_upload *upload, iso_blob_done_fn done, void *ctx);
/* How many bytes have been written; the digest of all of them, from finish on until done returns.
 */
uint64_t iso_blob_upload_size(const struct iso_blob_upload *upload);
void iso_blob_upload_digest(const struct iso_blob_upload *upload, uint8_t out[ISO_SHA256_SIZE]);
/* upload: taken; NULL is fine. */
void iso_blob_upload_abort(struct iso_blob_upload *upload);

/*
 * Read a blob. done comes once, later; bytes are the caller's then, to be released with
 * iso_alloc_free of the store's allocator; len is their size. Errors: NOT_FOUND, INVALID (the file
 * is damaged: it has been set aside as incoming/DIGEST.damaged and is not in the store any more),
 * IO, NOMEM.
 */
typedef void (*iso_blob_loaded_fn)(void *ctx, enum iso_err err, uint8_t *bytes, size_t len,
                                   const struct iso_report *report);
void iso_blobs_load(struct iso_blobs *blobs, const uint8_t digest[ISO_SHA256_SIZE],
                    iso_blob_loaded_fn done, void *ctx);

/*
 * Open a blob, to send it: read through once in pieces, and found to be what its name says. done
 * comes once, later; fd is the caller's then, for reading, at the beginning of size_bytes; -1 with
 * an error. Errors as above.
 */
typedef void (*iso_blob_opened_fn)(void *ctx, enum iso_err err, int fd, uint64_t size_bytes,
                                   const struct iso_report *report);
void iso_blobs_open(struct iso_blobs *blobs, const uint8_t digest[ISO_SHA256_SIZE],
                    iso_blob_opened_fn done, void *ctx);

/* Remove a blob. Errors: STATE (it is in use), NOT_FOUND, IO. */
ISO_MUST_CHECK enum iso_err iso_blobs_delete(struct iso_blobs *blobs,
                                             const uint8_t digest[ISO_SHA256_SIZE],
                                             struct iso_report *report);

#endif
