/* Signing and verifying files, for the commands. Everything blocks. */
#include "package/sign.h"

#include <errno.h>
#include <sodium.h>
#include <sys/stat.h>
#include <time.h>

#include "platform/platform.h"

enum { KEY_FILE_MAX = 4096, SIGNATURE_FILE_MAX = 8192 };

static struct iso_str text_of(const struct iso_file *file)
{
    return iso_str_from((const char *)file->bytes.ptr, file->bytes.len);
}

/* PATH.minisig unless another one was given. False when the path is too long. */
static bool signature_path_of(const char *path, const char *given, char out[ISO_PATH_MAX])
{
    const size_t len = given != NULL ? iso_format(out, ISO_PATH_MAX, "%s", given)
                                     : iso_format(out, ISO_PATH_MAX, "%s.minisig", path);
    return len + 1 < ISO_PATH_MAX;
}

static enum iso_err read_secret(const char *path, struct iso_file *out, struct iso_report *report)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return iso_fail(report, iso_errno_err(errno), "cannot read the secret key '%s': %s", path,
                        iso_errno_text(errno));
    }
    if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0) {
        return iso_fail(report, ISO_E_ACCESS,
                        "others may read the secret key '%s': chmod 600 '%s', if nobody has", path,
                        path);
    }
    return iso_file_read(path, KEY_FILE_MAX, out, report);
}

static void wipe(struct iso_file *file)
{
    if (file->bytes.ptr != NULL) {
        sodium_memzero((void *)(uintptr_t)file->bytes.ptr, file->bytes.len);
    }
    iso_file_fini(file);
}

static enum iso_err refuse_existing(const char *path, struct iso_report *report)
{
    struct stat st;
    return lstat(path, &st) != 0 && errno == ENOENT
               ? ISO_OK
               : iso_fail(report, ISO_E_EXISTS,
                          "'%s' is there already; a key is never written over", path);
}

static enum iso_err write_pair(const struct iso_sign_public *public_key,
                               const struct iso_sign_secret *secret, const char *public_path,
                               const char *secret_path, const char *password,
                               struct iso_report *report)
{
    struct iso_buf text;
    iso_buf_init(&text, iso_alloc_libc(), KEY_FILE_MAX);
    enum iso_err err = iso_sign_secret_print(secret, password, &text, report);
    err = err != ISO_OK ? err : iso_file_write_atomic(secret_path, iso_buf_view(&text), report);
    if (text.ptr != NULL) {
        sodium_memzero(text.ptr, text.cap);
    }
    text.len = 0;
    err = err != ISO_OK ? err : iso_sign_public_print(public_key, &text);
    err = err != ISO_OK ? err : iso_file_write_atomic(public_path, iso_buf_view(&text), report);
    iso_buf_fini(&text);
    return err;
}

enum iso_err iso_sign_file_generate(const char *public_path, const char *secret_path,
                                    const char *password, struct iso_sign_public *out,
                                    struct iso_report *report)
{
    struct iso_sign_public public_key;
    struct iso_sign_secret secret;
    enum iso_err err = refuse_existing(public_path, report);
    err = err != ISO_OK ? err : refuse_existing(secret_path, report);
    err = err != ISO_OK ? err : iso_sign_generate(&public_key, &secret, report);
    if (err != ISO_OK) {
        return err;
    }
    err = write_pair(&public_key, &secret, public_path, secret_path, password, report);
    iso_sign_wipe(&secret);
    if (err == ISO_OK) {
        *out = public_key;
    }
    return err;
}

enum iso_err iso_sign_file_is_locked(const char *secret_path, bool *out, struct iso_report *report)
{
    struct iso_file file = {.cap = 0};
    enum iso_err err = read_secret(secret_path, &file, report);
    if (err == ISO_OK) {
        *out = iso_sign_secret_is_locked(text_of(&file));
    }
    wipe(&file);
    return err;
}

enum iso_err iso_sign_file_public(const char *public_path, struct iso_sign_public *out,
                                  struct iso_report *report)
{
    struct iso_file file = {.cap = 0};
    struct iso_report why;
    iso_report_init(&why);
    enum iso_err err = iso_file_read(public_path, KEY_FILE_MAX, &file, report);
    if (err == ISO_OK) {
        err = iso_sign_public_parse(text_of(&file), out, &why);
        if (err != ISO_OK) {
            iso_report_set(report, "'%s' is %s", public_path, iso_report_text(&why, err));
        }
    }
    iso_file_fini(&file);
    return err;
}

static enum iso_err sign(const char *path, const struct iso_sign_secret *secret,
                         const char *trusted_comment, const char *signature_path,
                         struct iso_report *report)
{
    char comment[ISO_SIGN_MAX_COMMENT];
    struct iso_file file = {.cap = 0};
    struct iso_buf text;
    if (trusted_comment == NULL) {
        const char *slash = strrchr(path, '/');
        (void)iso_format(comment, sizeof comment, "timestamp:%lld\tfile:%.255s\thashed",
                         (long long)time(NULL), slash != NULL ? slash + 1 : path);
        trusted_comment = comment;
    }
    iso_buf_init(&text, iso_alloc_libc(), SIGNATURE_FILE_MAX);
    enum iso_err err = iso_file_read(path, ISO_PACKAGE_MAX_BYTES, &file, report);
    err = err != ISO_OK ? err
                        : iso_sign_make(secret, file.bytes, NULL, trusted_comment, &text, report);
    err = err != ISO_OK ? err : iso_file_write_atomic(signature_path, iso_buf_view(&text), report);
    iso_buf_fini(&text);
    iso_file_fini(&file);
    return err;
}

enum iso_err iso_sign_file(const char *path, const char *secret_path, const char *password,
                           const char *trusted_comment, const char *signature_path,
                           struct iso_report *report)
{
    char out[ISO_PATH_MAX];
    struct iso_file key = {.cap = 0};
    struct iso_sign_secret secret;
    if (!signature_path_of(path, signature_path, out)) {
        return iso_fail(report, ISO_E_ARGUMENT, "the path '%.100s...' is too long", path);
    }
    enum iso_err err = read_secret(secret_path, &key, report);
    err = err != ISO_OK ? err : iso_sign_secret_parse(text_of(&key), password, &secret, report);
    wipe(&key);
    if (err == ISO_OK) {
        err = sign(path, &secret, trusted_comment, out, report);
        iso_sign_wipe(&secret);
    }
    return err;
}

enum iso_err iso_sign_file_verify(const char *path, const char *signature_path,
                                  const struct iso_sign_public *keys, size_t count, size_t *key_out,
                                  char trusted_comment[ISO_SIGN_MAX_COMMENT + 1],
                                  struct iso_report *report)
{
    char at[ISO_PATH_MAX];
    struct iso_file file = {.cap = 0}, signature = {.cap = 0};
    struct iso_sign_found found;
    if (!signature_path_of(path, signature_path, at)) {
        return iso_fail(report, ISO_E_ARGUMENT, "the path '%.100s...' is too long", path);
    }
    enum iso_err err = iso_file_read(path, ISO_PACKAGE_MAX_BYTES, &file, report);
    err = err != ISO_OK ? err : iso_file_read(at, SIGNATURE_FILE_MAX, &signature, report);
    err = err != ISO_OK
              ? err
              : iso_sign_verify(keys, count, file.bytes, text_of(&signature), &found, report);
    if (err == ISO_OK) {
        *key_out = found.key;
        (void)iso_format(trusted_comment, ISO_SIGN_MAX_COMMENT + 1, "%.*s",
                         (int)found.trusted_comment.len, found.trusted_comment.ptr);
    }
    iso_file_fini(&signature);
    iso_file_fini(&file);
    return err;
}
