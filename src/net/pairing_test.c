/* Pairing: both sides against each other over messages in memory and a clock in a variable, and
 * everything that must fail. */
#include "net/pairing.h"

#include "base/test.h"

#include <stdio.h>

struct pair {
    struct iso_pairing_device device;
    struct iso_pairing_client client;
    char code[ISO_PAIRING_CODE_TEXT_SIZE];
    uint64_t now_ms;
    struct iso_buf start, answer, finish, last;
};

static const uint8_t device_pin[32] = {1, 2, 3};
static const uint8_t client_pin[32] = {9, 8, 7};

static void pair_init(struct pair *p)
{
    *p = (struct pair){.now_ms = 5000};
    struct iso_buf *bufs[] = {&p->start, &p->answer, &p->finish, &p->last};
    for (size_t i = 0; i < 4; i++) {
        iso_buf_init(bufs[i], iso_alloc_libc(), SIZE_MAX);
    }
    CHECK_OK(iso_pairing_device_open(&p->device, device_pin, p->now_ms, p->code));
}

static void pair_fini(struct pair *p)
{
    iso_pairing_device_fini(&p->device);
    iso_pairing_client_fini(&p->client);
    iso_buf_fini(&p->start);
    iso_buf_fini(&p->answer);
    iso_buf_fini(&p->finish);
    iso_buf_fini(&p->last);
}

static enum iso_err device_start(struct pair *p)
{
    p->answer.len = 0;
    return iso_pairing_device_start(&p->device, p->now_ms, iso_buf_view(&p->start), &p->answer,
                                    NULL);
}

static enum iso_err device_finish(struct pair *p)
{
    uint8_t peer[32];
    return iso_pairing_device_finish(&p->device, p->now_ms, iso_buf_view(&p->finish), peer, NULL);
}

/* Up to the device's first answer. */
static void begin(struct pair *p, const char *code)
{
    p->start.len = 0;
    CHECK_OK(iso_pairing_client_init(&p->client, iso_str_from_z(code), client_pin, NULL));
    CHECK_OK(iso_pairing_client_start(&p->client, &p->start));
    CHECK_OK(device_start(p));
}

static enum iso_err client_check(struct pair *p)
{
    p->finish.len = 0;
    return iso_pairing_client_check(&p->client, device_pin, iso_buf_view(&p->answer), &p->finish,
                                    NULL);
}

/* Changes one hexadecimal digit of the value of a member. */
static void spoil(struct iso_buf *message, const char *member)
{
    char needle[32];
    (void)snprintf(needle, sizeof needle, "\"%s\":\"", member);
    CHECK_OK(iso_buf_append_u8(message, 0));
    char *at = strstr((char *)message->ptr, needle);
    message->len--;
    CHECK(at != NULL);
    at += strlen(needle);
    *at = *at == '0' ? '1' : '0';
}

TEST(both_sides_that_know_the_code_agree)
{
    struct pair p;
    pair_init(&p);
    begin(&p, p.code);
    CHECK_OK(client_check(&p));
    uint8_t peer[32];
    CHECK_OK(iso_pairing_device_finish(&p.device, p.now_ms, iso_buf_view(&p.finish), peer, NULL));
    CHECK_MEM(peer, client_pin, 32);
    CHECK(!iso_pairing_device_is_open(&p.device, p.now_ms));
    char token[ISO_PAIRING_MAX_TOKEN + 1];
    CHECK_OK(iso_pairing_device_grant("id.secret", &p.last));
    CHECK_OK(iso_pairing_client_finish(&p.client, iso_buf_view(&p.last), token, NULL));
    CHECK_STR(token, "id.secret");
    pair_fini(&p);
}

TEST(the_first_messages_carry_nothing_secret)
{
    struct pair p;
    pair_init(&p);
    begin(&p, p.code);
    uint8_t code[ISO_PAIRING_CODE_SIZE];
    char hex[2 * ISO_PAIRING_CODE_SIZE + 1];
    CHECK_OK(iso_pairing_code_parse(iso_str_from_z(p.code), code, NULL));
    iso_hex_encode(code, sizeof code, hex);
    CHECK_OK(iso_buf_append_u8(&p.start, 0));
    CHECK(strstr((char *)p.start.ptr, p.code) == NULL);
    CHECK(strstr((char *)p.start.ptr, hex) == NULL);
    CHECK(strstr((char *)p.start.ptr, "proof") == NULL);
    pair_fini(&p);
}

TEST(a_wrong_code_is_noticed_by_the_orchestrator)
{
    struct pair p;
    pair_init(&p);
    begin(&p, strcmp(p.code, "0000-0000-0000-0001") == 0 ? "2222-2222-2222-2222"
                                                         : "0000-0000-0000-0001");
    CHECK_ERR(client_check(&p), ISO_E_ACCESS);
    CHECK_EQ_U64(p.finish.len, 0); /* and it sends nothing */
    CHECK_ERR(client_check(&p), ISO_E_STATE);
    pair_fini(&p);
}

TEST(a_wrong_proof_is_refused_by_the_device)
{
    struct pair p;
    pair_init(&p);
    begin(&p, p.code);
    CHECK_OK(client_check(&p));
    spoil(&p.finish, "proof");
    CHECK_ERR(device_finish(&p), ISO_E_ACCESS);
    spoil(&p.finish, "proof"); /* as it was, or not: the session is over in any case */
    CHECK_ERR(device_finish(&p), ISO_E_ACCESS);
    CHECK(iso_pairing_device_is_open(&p.device, p.now_ms));
    pair_fini(&p);
}

TEST(somebody_in_the_middle_with_his_own_key_gets_nothing)
{
    struct pair p;
    pair_init(&p);
    begin(&p, p.code);
    uint8_t other_pin[32] = {66};
    /* He relays the device's answer as it is: the connection's key is not the one in it. */
    CHECK_ERR(
        iso_pairing_client_check(&p.client, other_pin, iso_buf_view(&p.answer), &p.finish, NULL),
        ISO_E_ACCESS);
    CHECK_EQ_U64(p.finish.len, 0);
    /* He writes his own key into it: the proof is about another. */
    begin(&p, p.code);
    char hex[65];
    iso_hex_encode(other_pin, 32, hex);
    CHECK_OK(iso_buf_append_u8(&p.answer, 0));
    char *at = strstr((char *)p.answer.ptr, "\"pin\":\"");
    CHECK(at != NULL);
    memcpy(at + 7, hex, 64);
    p.answer.len--;
    CHECK_ERR(
        iso_pairing_client_check(&p.client, other_pin, iso_buf_view(&p.answer), &p.finish, NULL),
        ISO_E_ACCESS);
    CHECK_EQ_U64(p.finish.len, 0);
    pair_fini(&p);
}

TEST(a_changed_key_of_the_orchestrator_is_noticed)
{
    struct pair p;
    pair_init(&p);
    CHECK_OK(iso_pairing_client_init(&p.client, iso_str_from_z(p.code), client_pin, NULL));
    CHECK_OK(iso_pairing_client_start(&p.client, &p.start));
    spoil(&p.start, "pin");
    CHECK_OK(device_start(&p));
    CHECK_ERR(client_check(&p), ISO_E_ACCESS);
    pair_fini(&p);
}

TEST(every_changed_member_of_the_answer_is_noticed)
{
    static const char *const members[] = {"session", "pin", "nonce", "proof"};
    for (size_t i = 0; i < ISO_COUNT_OF(members); i++) {
        struct pair p;
        pair_init(&p);
        begin(&p, p.code);
        spoil(&p.answer, members[i]);
        CHECK_ERR(client_check(&p), ISO_E_ACCESS);
        pair_fini(&p);
    }
}

TEST(proofs_are_not_reflected)
{
    struct pair p;
    pair_init(&p);
    begin(&p, p.code);
    /* The device's own proof, sent back to it. */
    CHECK_OK(iso_buf_append(&p.finish, p.answer.ptr, p.answer.len));
    CHECK_ERR(device_finish(&p), ISO_E_ACCESS);
    pair_fini(&p);
}

TEST(a_code_is_used_once)
{
    struct pair p;
    pair_init(&p);
    begin(&p, p.code);
    CHECK_OK(client_check(&p));
    CHECK_OK(device_finish(&p));
    CHECK_ERR(device_finish(&p), ISO_E_STATE); /* the same message again */
    CHECK_ERR(device_start(&p), ISO_E_STATE);  /* and a new attempt */
    pair_fini(&p);
}

TEST(old_messages_do_not_fit_a_new_code)
{
    struct pair p;
    pair_init(&p);
    begin(&p, p.code);
    CHECK_OK(client_check(&p));
    CHECK_OK(iso_pairing_device_open(&p.device, device_pin, p.now_ms, p.code));
    CHECK_ERR(device_finish(&p), ISO_E_ACCESS);
    pair_fini(&p);
}

TEST(after_five_tries_the_code_is_dead)
{
    struct pair p;
    pair_init(&p);
    for (unsigned i = 0; i < ISO_PAIRING_TRIES; i++) {
        begin(&p, p.code);
        CHECK(iso_pairing_device_is_open(&p.device, p.now_ms));
    }
    CHECK_ERR(iso_pairing_device_start(&p.device, p.now_ms, iso_buf_view(&p.start), &p.last, NULL),
              ISO_E_LIMIT);
    /* The fifth may still finish. */
    CHECK_OK(client_check(&p));
    CHECK_OK(device_finish(&p));
    pair_fini(&p);
}

TEST(five_wrong_proofs_close_the_door)
{
    struct pair p;
    pair_init(&p);
    for (unsigned i = 0; i < ISO_PAIRING_TRIES; i++) {
        begin(&p, p.code);
        CHECK_OK(client_check(&p));
        spoil(&p.finish, "proof");
        CHECK_ERR(device_finish(&p), ISO_E_ACCESS);
    }
    CHECK(!iso_pairing_device_is_open(&p.device, p.now_ms));
    CHECK_ERR(device_start(&p), ISO_E_LIMIT);
    pair_fini(&p);
}

TEST(a_code_lasts_ten_minutes)
{
    struct pair p;
    pair_init(&p);
    p.now_ms += 599999;
    begin(&p, p.code);
    CHECK_OK(client_check(&p));
    p.now_ms += 1;
    CHECK(!iso_pairing_device_is_open(&p.device, p.now_ms));
    CHECK_ERR(device_finish(&p), ISO_E_STATE);
    CHECK_ERR(device_start(&p), ISO_E_STATE);
    pair_fini(&p);
}

TEST(nothing_happens_before_a_code_is_made)
{
    struct pair p;
    pair_init(&p);
    begin(&p, p.code);
    iso_pairing_device_fini(&p.device);
    CHECK_ERR(device_start(&p), ISO_E_STATE);
    pair_fini(&p);
}

TEST(malformed_messages_are_refused_and_cost_no_try)
{
    static const char *const messages[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"version\":1}",
        "{\"version\":2,\"pin\":\"\",\"nonce\":\"\"}",
        "{\"version\":\"1\"}",
        "{\"version\":1,\"pin\":\"00\",\"nonce\":\"00\"}",
        "{\"version\":1,\"version\":1}",
        "{\"version\":1,\"pin\":7,\"nonce\":{}}",
        "{\"version\":1,\"session\":\"0011223344556677\",\"proof\":\"xx\"}",
    };
    struct pair p;
    pair_init(&p);
    for (size_t i = 0; i < ISO_COUNT_OF(messages); i++) {
        p.start.len = 0;
        p.finish.len = 0;
        CHECK_OK(iso_buf_append(&p.start, messages[i], strlen(messages[i])));
        CHECK_OK(iso_buf_append(&p.finish, messages[i], strlen(messages[i])));
        CHECK_ERR(device_start(&p), ISO_E_MALFORMED);
        CHECK_ERR(device_finish(&p), ISO_E_MALFORMED);
    }
    CHECK_EQ_U64(p.device.tries, 0);
    for (size_t i = 0; i < ISO_COUNT_OF(messages); i++) {
        begin(&p, p.code);
        p.device.tries = 0;
        p.answer.len = 0;
        CHECK_OK(iso_buf_append(&p.answer, messages[i], strlen(messages[i])));
        CHECK_ERR(client_check(&p), ISO_E_MALFORMED);
    }
    pair_fini(&p);
}

TEST(a_message_that_is_too_long_is_refused)
{
    struct pair p;
    pair_init(&p);
    for (unsigned i = 0; i <= ISO_PAIRING_MAX_MESSAGE; i++) {
        CHECK_OK(iso_buf_append_u8(&p.start, ' '));
    }
    CHECK_ERR(device_start(&p), ISO_E_MALFORMED);
    pair_fini(&p);
}

TEST(only_a_usable_token_is_taken)
{
    static const char *const answers[] = {
        "{\"version\":1}", "{\"version\":1,\"token\":\"\"}", "{\"version\":1,\"token\":\"a b\"}",
        "{\"version\":1,\"token\":\"a\\r\\nX: y\"}", "{\"version\":1,\"token\":[]}"};
    struct pair p;
    char token[ISO_PAIRING_MAX_TOKEN + 1];
    pair_init(&p);
    begin(&p, p.code);
    CHECK_ERR(iso_pairing_client_finish(&p.client, iso_bytes_from("{}", 2), token, NULL),
              ISO_E_STATE);
    CHECK_OK(client_check(&p));
    for (size_t i = 0; i < ISO_COUNT_OF(answers); i++) {
        CHECK_ERR(iso_pairing_client_finish(
                      &p.client, iso_bytes_from(answers[i], strlen(answers[i])), token, NULL),
                  ISO_E_MALFORMED);
    }
    pair_fini(&p);
}

TEST(codes_are_read_as_people_write_them)
{
    uint8_t code[ISO_PAIRING_CODE_SIZE] = {0x00, 0x44, 0x32, 0x14, 0xc7,
                                           0x42, 0x54, 0xb6, 0x35, 0xcf};
    uint8_t back[ISO_PAIRING_CODE_SIZE];
    char text[ISO_PAIRING_CODE_TEXT_SIZE];
    iso_pairing_code_text(code, text);
    CHECK_STR(text, "0123-4567-89AB-CDEF"); /* the values in order are the digits in order */
    static const char *const forms[] = {"0123-4567-89AB-CDEF", "0123456789abcdef",
                                        " o1 23-4567 89ab-cdef ", "OL23-4567-89AB-CDEF",
                                        "oi23456789abcdef"};
    for (size_t i = 0; i < ISO_COUNT_OF(forms); i++) {
        CHECK_OK(iso_pairing_code_parse(iso_str_from_z(forms[i]), back, NULL));
        CHECK_MEM(back, code, sizeof code);
    }
    static const char *const bad[] = {"",
                                      "0123-4567-89AB-CDE",
                                      "0123-4567-89AB-CDEFG",
                                      "0123-4567-89AB-CDEU",
                                      "0123_4567_89AB_CDEF",
                                      "----"};
    for (size_t i = 0; i < ISO_COUNT_OF(bad); i++) {
        CHECK_ERR(iso_pairing_code_parse(iso_str_from_z(bad[i]), back, NULL), ISO_E_ARGUMENT);
    }
    memset(code, 0xff, sizeof code);
    iso_pairing_code_text(code, text);
    CHECK_STR(text, "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
}
