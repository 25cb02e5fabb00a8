/* Signatures and keys in minisign's format: made by that program, and by us; every change to the
 * bytes, the comments or the keys is noticed. */
#include "package/package.h"

#include "base/test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/platform.h"

/* minisign 0.11: -G -W; -S of "hello\n" hashed and (-l) not. */
static const char their_public[] = "untrusted comment: minisign public key F3D0EE065405C43A\n"
                                   "RWQ6xAVUBu7Q8xUocw+Ptvyn6smr9/589sc2Ly0Fd8ZQozPgcrTS0Eh1\n";
static const char their_secret[] =
    "untrusted comment: minisign encrypted secret key\n"
    "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAOsQFVAbu0PNWVM5cKUUwSK"
    "85UUJbyRWWLUyGkpJgdFLWRq/86dRnqhUocw+Ptvyn6smr9/"
    "589sc2Ly0Fd8ZQozPgcrTS0Eh1AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
static const char their_signature[] =
    "untrusted comment: signature from minisign secret key\n"
    "RUQ6xAVUBu7Q8/"
    "IJwrLFDoTrLH7Syb80bob3hC50ecuTejvwV7xzpHKd6mDXugJMRVc4wnVTYidDiXcj6IcRGTp012hgwL93Vg8=\n"
    "trusted comment: timestamp:1795357617\tfile:f\thashed\n"
    "1PDgiXwiqbReip3SF1/xFSYXtVjI/z4HpaAdUsA7qKQ66DvS4KS/EOWNPgsUkrbQYsWB/+IhCP1Nqo7rgXhDAw==\n";
static const char their_legacy[] =
    "untrusted comment: signature from minisign secret key\n"
    "RWQ6xAVUBu7Q83HyICY1+qtnufImieo9se5JIhdD/"
    "GyWjbX1tqd0lK+qzGgU6ToGSBGJUfHhnwyMVPbWVcIG7ZEgM0kTQ74QPQs=\n"
    "trusted comment: timestamp:1795357617\tfile:f\n"
    "uER/rHXAIfiAcYGnVtGfPhd+dlR8/W7IJt3ob9nxnbhOl8KhF0WjaTlNn23m0AEQEl5PzdlvMnX+lkJbFy12AQ==\n";

static const struct iso_bytes hello = {(const uint8_t *)"hello\n", 6};

static struct iso_sign_public parse_public(const char *text)
{
    struct iso_sign_public key;
    CHECK_OK(iso_sign_public_parse(iso_str_from_z(text), &key, NULL));
    return key;
}

TEST(what_minisign_signed_is_verified)
{
    const struct iso_sign_public keys[] = {{.id = {1}}, parse_public(their_public)};
    struct iso_sign_found found = {.key = 7};
    char id[ISO_SIGN_ID_TEXT_SIZE];
    CHECK_OK(iso_sign_verify(keys, 2, hello, iso_str_from_z(their_signature), &found, NULL));
    CHECK_EQ_U64(found.key, 1);
    CHECK(found.trusted_comment.len > 10);
    CHECK_MEM(found.trusted_comment.ptr, "timestamp:", 10);
    CHECK_OK(iso_sign_verify(keys, 2, hello, iso_str_from_z(their_legacy), &found, NULL));
    iso_sign_id_text(keys[1].id, id);
    CHECK_CONTAINS(their_public, id);
}

TEST(any_changed_byte_is_noticed)
{
    const struct iso_sign_public key = parse_public(their_public);
    const size_t len = strlen(their_signature);
    const size_t first_end = strcspn(their_signature, "\n");
    struct iso_sign_found found;
    char text[1024];
    CHECK(len < sizeof text);
    for (size_t i = 0; i < len; i++) {
        memcpy(text, their_signature, len);
        text[i] ^= 1;
        const enum iso_err err =
            iso_sign_verify(&key, 1, hello, iso_str_from(text, len), &found, NULL);
        /* The first comment is nobody's concern. */
        const bool matters = i < 19 || i >= first_end;
        if ((err == ISO_OK) == matters) {
            TEST_FAIL("byte %zu: %s", i, iso_err_text(err));
        }
    }
    for (size_t i = 0; i + 2 < len; i++) { /* cut */
        CHECK(iso_sign_verify(&key, 1, hello, iso_str_from(their_signature, i), &found, NULL) !=
              ISO_OK);
    }
    const struct iso_bytes other = iso_bytes_from("hello", 5);
    struct iso_report report;
    iso_report_init(&report);
    CHECK_ERR(iso_sign_verify(&key, 1, other, iso_str_from_z(their_signature), &found, &report),
              ISO_E_INVALID);
    CHECK_CONTAINS(report.text, "not the bytes");
    struct iso_sign_public stranger = key;
    stranger.id[0] ^= 1;
    iso_report_init(&report);
    CHECK_ERR(
        iso_sign_verify(&stranger, 1, hello, iso_str_from_z(their_signature), &found, &report),
        ISO_E_NOT_FOUND);
    CHECK_CONTAINS(report.text, "which is not among");
    CHECK_ERR(iso_sign_verify(NULL, 0, hello, iso_str_from_z(their_signature), &found, NULL),
              ISO_E_NOT_FOUND);
    stranger = key;
    stranger.key[0] ^= 1;
    CHECK_ERR(iso_sign_verify(&stranger, 1, hello, iso_str_from_z(their_signature), &found, NULL),
              ISO_E_INVALID);
}

TEST(a_secret_key_of_minisign_signs)
{
    const struct iso_sign_public key = parse_public(their_public);
    struct iso_sign_secret secret;
    struct iso_sign_found found;
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), 4096);
    CHECK(!iso_sign_secret_is_locked(iso_str_from_z(their_secret)));
    CHECK_OK(iso_sign_secret_parse(iso_str_from_z(their_secret), NULL, &secret, NULL));
    CHECK_OK(iso_sign_make(&secret, hello, NULL, "mine", &out, NULL));
    CHECK_OK(iso_sign_verify(&key, 1, hello, iso_str_from((char *)out.ptr, out.len), &found, NULL));
    CHECK(iso_str_equal_z(found.trusted_comment, "mine"));
    out.len = 0; /* written again it is the same file */
    CHECK_OK(iso_sign_secret_print(&secret, NULL, &out, NULL));
    CHECK_EQ_U64(out.len, strlen(their_secret));
    CHECK_MEM(out.ptr, their_secret, out.len);
    out.len = 0;
    CHECK_OK(iso_sign_public_print(&key, &out));
    CHECK_EQ_U64(out.len, strlen(their_public));
    CHECK_MEM(out.ptr, their_public, out.len);
    CHECK_ERR(iso_sign_make(&secret, hello, "two\nlines", NULL, &out, NULL), ISO_E_ARGUMENT);
    char large[ISO_SIGN_MAX_COMMENT + 2];
    memset(large, 'a', sizeof large);
    large[sizeof large - 1] = '\0';
    CHECK_ERR(iso_sign_make(&secret, hello, NULL, large, &out, NULL), ISO_E_LIMIT);
    iso_buf_fini(&out);
    iso_sign_wipe(&secret);
}

TEST(keys_that_are_none_are_refused)
{
    struct iso_sign_public key;
    struct iso_sign_secret secret;
    struct iso_report report;
    iso_report_init(&report);
    CHECK_ERR(iso_sign_public_parse(iso_str_from_z(""), &key, &report), ISO_E_MALFORMED);
    CHECK_CONTAINS(report.text, "RWQ");
    CHECK_ERR(iso_sign_public_parse(iso_str_from_z(their_secret), &key, NULL), ISO_E_MALFORMED);
    CHECK_ERR(iso_sign_public_parse(iso_str_from_z(their_signature), &key, NULL), ISO_E_MALFORMED);
    CHECK_ERR(
        iso_sign_public_parse(iso_str_from_z("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                             "AAAAAAAA"),
                              &key, NULL),
        ISO_E_UNSUPPORTED);
    iso_report_init(&report);
    CHECK_ERR(iso_sign_secret_parse(iso_str_from_z(their_public), NULL, &secret, &report),
              ISO_E_MALFORMED);
    CHECK_CONTAINS(report.text, "public key");
    CHECK_ERR(iso_sign_secret_parse(iso_str_from_z("x\ny\n"), NULL, &secret, NULL),
              ISO_E_MALFORMED);
}

TEST(files_are_signed_and_verified)
{
    char dir[] = "/tmp/iso-sign-XXXXXX";
    char pub[64], sec[64], file[64], sig[64], comment[ISO_SIGN_MAX_COMMENT + 1];
    struct iso_sign_public made, read;
    struct iso_report report;
    struct stat st;
    size_t key = 9;
    bool locked = true;
    CHECK(mkdtemp(dir) != NULL);
    (void)iso_format(pub, sizeof pub, "%s/key.pub", dir);
    (void)iso_format(sec, sizeof sec, "%s/key.sec", dir);
    (void)iso_format(file, sizeof file, "%s/a.wasm", dir);
    (void)iso_format(sig, sizeof sig, "%s/a.wasm.minisig", dir);
    CHECK_OK(iso_file_write_atomic(file, hello, NULL));
    CHECK_OK(iso_sign_file_generate(pub, sec, NULL, &made, NULL));
    CHECK(stat(sec, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK_ERR(iso_sign_file_generate(pub, sec, NULL, &read, NULL), ISO_E_EXISTS);
    CHECK_OK(iso_sign_file_public(pub, &read, NULL));
    CHECK_MEM(&read, &made, sizeof made);
    CHECK_OK(iso_sign_file_is_locked(sec, &locked, NULL));
    CHECK(!locked);
    CHECK_OK(iso_sign_file(file, sec, NULL, NULL, NULL, NULL));
    CHECK_OK(iso_sign_file_verify(file, sig, &made, 1, &key, comment, NULL));
    CHECK_OK(iso_sign_file_verify(file, NULL, &made, 1, &key, comment, NULL));
    CHECK_EQ_U64(key, 0);
    CHECK_CONTAINS(comment, "file:a.wasm");

    iso_report_init(&report);
    CHECK(chmod(sec, 0644) == 0);
    CHECK_ERR(iso_sign_file(file, sec, NULL, NULL, NULL, &report), ISO_E_ACCESS);
    CHECK_CONTAINS(report.text, "chmod 600");
    iso_report_init(&report);
    CHECK_ERR(iso_sign_file_public(sec, &read, &report), ISO_E_MALFORMED);
    CHECK_CONTAINS(report.text, sec);
    CHECK_ERR(iso_sign_file_verify(file, "/nonexistent", &made, 1, &key, comment, NULL),
              ISO_E_NOT_FOUND);
    iso_tree_remove(dir);
}

/* The same key with the password "correct horse", at a strength that does not take a second and
 * 1 GiB; tests/package does that with minisign itself. */
static const char their_locked[] = "untrusted comment: minisign encrypted secret key\n"
                                   "RWRTY0Iy0kfOAJRbdGtNNRJq5GhhCDcBmxSj5dz975N5/"
                                   "3DAijAAgAAAAAAAAAAAAAEAAAAAptvCWV0ukmHURfykJnuRfjBFydw77c2OfHoG"
                                   "RfZ1TqWxKLf+7hcwqeMIHxwbMqlOmvmVOnMWqA4cigmT1HMjw/"
                                   "rUKll8alHd2OE23PDcdb7WseM5RzZn5VI0U7C7PpfM8QsdM470VUw=\n";

TEST(a_locked_key_opens_with_its_password_only)
{
    const struct iso_str text = iso_str_from_z(their_locked);
    struct iso_sign_secret secret, open;
    struct iso_report report;
    iso_report_init(&report);
    CHECK(iso_sign_secret_is_locked(text));
    CHECK_ERR(iso_sign_secret_parse(text, NULL, &secret, &report), ISO_E_ARGUMENT);
    CHECK_CONTAINS(report.text, "locked");
    CHECK_ERR(iso_sign_secret_parse(text, "wrong", &secret, NULL), ISO_E_ACCESS);
    CHECK_OK(iso_sign_secret_parse(text, "correct horse", &secret, NULL));
    CHECK_OK(iso_sign_secret_parse(iso_str_from_z(their_secret), NULL, &open, NULL));
    CHECK_MEM(&secret, &open, sizeof secret);
}
