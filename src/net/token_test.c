/* Tokens: what a store gives out it takes, and nothing else; what the file may look like. */
#include "net/token.h"

#include "base/test.h"
#include "platform/platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char folder[64];
    char path[96];
};

static void place_init(struct place *place)
{
    (void)snprintf(place->folder, sizeof place->folder, "/tmp/iso-token-XXXXXX");
    CHECK(mkdtemp(place->folder) != NULL);
    (void)snprintf(place->path, sizeof place->path, "%s/tokens.json", place->folder);
}

static void place_fini(struct place *place)
{
    (void)unlink(place->path);
    CHECK(rmdir(place->folder) == 0);
}

static struct iso_token_store *store_open(const struct place *place)
{
    struct iso_token_store *store;
    CHECK_OK(iso_token_store_open(place->path, &store, NULL));
    return store;
}

static void file_put(const struct place *place, const char *text)
{
    CHECK_OK(iso_file_write_atomic(place->path, iso_bytes_from(text, strlen(text)), NULL));
}

TEST(a_token_is_taken_again_after_a_restart)
{
    struct place place;
    place_init(&place);
    struct iso_token_store *store = store_open(&place);
    char text[ISO_TOKEN_TEXT_SIZE];
    CHECK_EQ_U64(iso_token_count(store), 0);
    CHECK_OK(iso_token_make(store, ISO_TOKEN_OPERATE, "orchestrator", 1700000000, text, NULL));
    CHECK_EQ_U64(strlen(text), ISO_TOKEN_TEXT_SIZE - 1);
    iso_token_store_close(store);
    store = store_open(&place);
    const struct iso_token *token = iso_token_verify(store, iso_str_from_z(text));
    CHECK(token != NULL);
    CHECK_STR(token->label, "orchestrator");
    CHECK(token->role == ISO_TOKEN_OPERATE);
    CHECK_EQ_U64(token->created_s, 1700000000);
    CHECK(strncmp(token->id, text, 16) == 0);
    CHECK(iso_token_find(store, iso_str_from(text, 16)) == token);
    iso_token_store_close(store);
    place_fini(&place);
}

TEST(both_ends_derive_the_same_key_for_coap)
{
    struct place place;
    place_init(&place);
    struct iso_token_store *store = store_open(&place);
    char text[ISO_TOKEN_TEXT_SIZE];
    CHECK_OK(iso_token_make(store, ISO_TOKEN_READ, "", 0, text, NULL));
    char id[ISO_TOKEN_ID_SIZE];
    uint8_t psk[ISO_TOKEN_PSK_SIZE];
    CHECK(iso_token_split(iso_str_from_z(text), id, psk));
    CHECK_STR(id, iso_token_at(store, 0)->id);
    CHECK_MEM(psk, iso_token_at(store, 0)->psk, sizeof psk);
    iso_token_store_close(store);
    place_fini(&place);
}

TEST(the_key_for_coap_is_hkdf_of_the_secret)
{
    /* Computed with python: hmac.new(hmac.new(bytes(32), secret, sha256).digest(),
     * b"isomer coap psk\x01", sha256), the first 24 bytes in base64url, for secret =
     * bytes(range(32)). */
    char id[ISO_TOKEN_ID_SIZE];
    uint8_t psk[ISO_TOKEN_PSK_SIZE];
    CHECK(iso_token_split(
        iso_str_from_z("0123456789abcdef.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"), id, psk));
    CHECK_MEM(psk, "8iqk93CaptR1D3YskU_s_sz2b_yAMsg-", sizeof psk);
}

TEST(anything_but_the_token_is_refused)
{
    struct place place;
    place_init(&place);
    struct iso_token_store *store = store_open(&place);
    char text[ISO_TOKEN_TEXT_SIZE];
    char other[ISO_TOKEN_TEXT_SIZE];
    CHECK_OK(iso_token_make(store, ISO_TOKEN_READ, "a", 0, text, NULL));
    CHECK_OK(iso_token_make(store, ISO_TOKEN_READ, "b", 0, other, NULL));
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        char changed[ISO_TOKEN_TEXT_SIZE];
        memcpy(changed, text, sizeof text);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        CHECK(iso_token_verify(store, iso_str_from_z(changed)) == NULL);
        CHECK(iso_token_verify(store, iso_str_from(text, i)) == NULL);
    }
    char mixed[ISO_TOKEN_TEXT_SIZE];
    memcpy(mixed, text, sizeof text);
    memcpy(mixed, other, 16); /* somebody else's id */
    CHECK(iso_token_verify(store, iso_str_from_z(mixed)) == NULL);
    CHECK(iso_token_verify(store, iso_str_from("", 0)) == NULL);
    CHECK(iso_token_verify(store, iso_str_from_z("0000000000000000."
                                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")) ==
          NULL);
    CHECK(iso_token_verify(store, iso_str_from_z(text)) != NULL);
    iso_token_store_close(store);
    place_fini(&place);
}

TEST(a_revoked_token_is_refused_also_after_a_restart)
{
    struct place place;
    place_init(&place);
    struct iso_token_store *store = store_open(&place);
    char text[3][ISO_TOKEN_TEXT_SIZE];
    for (unsigned i = 0; i < 3; i++) {
        CHECK_OK(iso_token_make(store, ISO_TOKEN_READ, "x", i, text[i], NULL));
    }
    CHECK_OK(iso_token_revoke(store, iso_str_from(text[1], 16), NULL));
    CHECK_ERR(iso_token_revoke(store, iso_str_from(text[1], 16), NULL), ISO_E_NOT_FOUND);
    for (unsigned round = 0; round < 2; round++) {
        CHECK_EQ_U64(iso_token_count(store), 2);
        CHECK(iso_token_verify(store, iso_str_from_z(text[0])) != NULL);
        CHECK(iso_token_verify(store, iso_str_from_z(text[1])) == NULL);
        CHECK(iso_token_verify(store, iso_str_from_z(text[2])) != NULL);
        iso_token_store_close(store);
        store = store_open(&place);
    }
    iso_token_store_close(store);
    place_fini(&place);
}

TEST(the_file_is_private_and_has_no_secret)
{
    struct place place;
    place_init(&place);
    struct iso_token_store *store = store_open(&place);
    char text[ISO_TOKEN_TEXT_SIZE];
    CHECK_OK(iso_token_make(store, ISO_TOKEN_READ, "x", 0, text, NULL));
    struct stat status;
    CHECK(stat(place.path, &status) == 0);
    CHECK_EQ_U64(status.st_mode & 0777, 0600);
    struct iso_file file;
    CHECK_OK(iso_file_read(place.path, 65536, &file, NULL));
    char *copy = malloc(file.bytes.len + 1);
    CHECK(copy != NULL);
    memcpy(copy, file.bytes.ptr, file.bytes.len);
    copy[file.bytes.len] = '\0';
    CHECK(strstr(copy, text + 17) == NULL);
    free(copy);
    iso_file_fini(&file);
    iso_token_store_close(store);
    place_fini(&place);
}

TEST(a_file_that_others_may_read_is_refused)
{
    struct place place;
    place_init(&place);
    file_put(&place, "{\"version\":1,\"tokens\":[]}");
    CHECK(chmod(place.path, 0640) == 0);
    struct iso_token_store *store;
    struct iso_report report;
    iso_report_init(&report);
    CHECK_ERR(iso_token_store_open(place.path, &store, &report), ISO_E_ACCESS);
    CHECK_CONTAINS(report.text, "0600");
    place_fini(&place);
}

#define GOOD_ID "0123456789abcdef"
#define GOOD_HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

TEST(a_damaged_file_is_refused_and_left_alone)
{
    static const char *const files[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"version\":2,\"tokens\":[]}",
        "{\"version\":1}",
        "{\"version\":1,\"tokens\":{}}",
        "{\"version\":1,\"tokens\":[1]}",
        "{\"version\":1,\"tokens\":[{}]}",
        "{\"version\":1,\"version\":1,\"tokens\":[]}",
        /* an id in capitals, a role that is none, a label with a line end, a short hash, no psk, a
         * negative time */
        "{\"version\":1,\"tokens\":[{\"id\":\"0123456789ABCDEF\",\"role\":\"read\",\"label\":\"\","
        "\"created\":0,\"hash\":\"" GOOD_HEX "\",\"psk\":\"" GOOD_HEX "\"}]}",
        "{\"version\":1,\"tokens\":[{\"id\":\"" GOOD_ID "\",\"role\":\"root\",\"label\":\"\","
        "\"created\":0,\"hash\":\"" GOOD_HEX "\",\"psk\":\"" GOOD_HEX "\"}]}",
        "{\"version\":1,\"tokens\":[{\"id\":\"" GOOD_ID "\",\"role\":\"read\",\"label\":\"\\n\","
        "\"created\":0,\"hash\":\"" GOOD_HEX "\",\"psk\":\"" GOOD_HEX "\"}]}",
        "{\"version\":1,\"tokens\":[{\"id\":\"" GOOD_ID "\",\"role\":\"read\",\"label\":\"\","
        "\"created\":0,\"hash\":\"00\",\"psk\":\"" GOOD_HEX "\"}]}",
        "{\"version\":1,\"tokens\":[{\"id\":\"" GOOD_ID "\",\"role\":\"read\",\"label\":\"\","
        "\"created\":0,\"hash\":\"" GOOD_HEX "\"}]}",
        "{\"version\":1,\"tokens\":[{\"id\":\"" GOOD_ID "\",\"role\":\"read\",\"label\":\"\","
        "\"created\":-1,\"hash\":\"" GOOD_HEX "\",\"psk\":\"" GOOD_HEX "\"}]}",
    };
    struct place place;
    place_init(&place);
    for (size_t i = 0; i < ISO_COUNT_OF(files); i++) {
        file_put(&place, files[i]);
        struct iso_token_store *store;
        struct iso_report report;
        iso_report_init(&report);
        CHECK_ERR(iso_token_store_open(place.path, &store, &report), ISO_E_MALFORMED);
        CHECK_CONTAINS(report.text, place.path);
        struct iso_file file;
        CHECK_OK(iso_file_read(place.path, 65536, &file, NULL));
        CHECK_EQ_U64(file.bytes.len, strlen(files[i]));
        iso_file_fini(&file);
    }
    place_fini(&place);
}

TEST(a_file_cut_anywhere_is_refused)
{
    struct place place;
    place_init(&place);
    struct iso_token_store *store = store_open(&place);
    char text[ISO_TOKEN_TEXT_SIZE];
    CHECK_OK(iso_token_make(store, ISO_TOKEN_READ, "x", 0, text, NULL));
    iso_token_store_close(store);
    struct iso_file file;
    CHECK_OK(iso_file_read(place.path, 65536, &file, NULL));
    /* The last two bytes are a brace and a line end. */
    for (size_t len = 0; len + 2 < file.bytes.len; len += 7) {
        CHECK_OK(iso_file_write_atomic(place.path, iso_bytes_from(file.bytes.ptr, len), NULL));
        CHECK_ERR(iso_token_store_open(place.path, &store, NULL), ISO_E_MALFORMED);
    }
    iso_file_fini(&file);
    place_fini(&place);
}

TEST(what_cannot_be_written_does_not_happen)
{
    struct place place;
    place_init(&place);
    struct iso_token_store *store;
    char path[160];
    (void)snprintf(path, sizeof path, "%s/missing/tokens.json", place.folder);
    CHECK_OK(iso_token_store_open(path, &store, NULL));
    char text[ISO_TOKEN_TEXT_SIZE] = "untouched";
    CHECK(iso_token_make(store, ISO_TOKEN_READ, "x", 0, text, NULL) != ISO_OK);
    CHECK_STR(text, "untouched");
    CHECK_EQ_U64(iso_token_count(store), 0);
    iso_token_store_close(store);
    place_fini(&place);
}

TEST(labels_and_numbers_have_limits)
{
    struct place place;
    place_init(&place);
    struct iso_token_store *store = store_open(&place);
    char text[ISO_TOKEN_TEXT_SIZE];
    char label[70];
    memset(label, 'x', sizeof label);
    label[65] = '\0';
    CHECK_ERR(iso_token_make(store, ISO_TOKEN_READ, label, 0, text, NULL), ISO_E_ARGUMENT);
    label[64] = '\0';
    CHECK_OK(iso_token_make(store, ISO_TOKEN_READ, label, 0, text, NULL));
    CHECK_ERR(iso_token_make(store, ISO_TOKEN_READ, "a\nb", 0, text, NULL), ISO_E_ARGUMENT);
    CHECK_ERR(iso_token_make(store, ISO_TOKEN_READ, "\xff", 0, text, NULL), ISO_E_ARGUMENT);
    while (iso_token_count(store) < ISO_TOKEN_MAX_COUNT) {
        CHECK_OK(iso_token_make(store, ISO_TOKEN_READ, label, 0, text, NULL));
    }
    CHECK_ERR(iso_token_make(store, ISO_TOKEN_READ, "one more", 0, text, NULL), ISO_E_LIMIT);
    iso_token_store_close(store);
    store = store_open(&place); /* the largest file is read again */
    CHECK(iso_token_verify(store, iso_str_from_z(text)) != NULL);
    iso_token_store_close(store);
    place_fini(&place);
}

TEST(operate_covers_read_and_not_the_reverse)
{
    CHECK(iso_token_role_covers(ISO_TOKEN_OPERATE, ISO_TOKEN_READ));
    CHECK(iso_token_role_covers(ISO_TOKEN_OPERATE, ISO_TOKEN_OPERATE));
    CHECK(iso_token_role_covers(ISO_TOKEN_READ, ISO_TOKEN_READ));
    CHECK(!iso_token_role_covers(ISO_TOKEN_READ, ISO_TOKEN_OPERATE));
    enum iso_token_role role;
    CHECK(iso_token_role_parse(iso_str_from_z("operate"), &role) && role == ISO_TOKEN_OPERATE);
    CHECK(iso_token_role_parse(iso_str_from_z("read"), &role) && role == ISO_TOKEN_READ);
    CHECK(!iso_token_role_parse(iso_str_from_z("Read"), &role));
}
