/* sealing.c - the functions of seal.wit over chacha20_poly1305.h. */
#include <stdlib.h>
#include <string.h>

#include "chacha20_poly1305.h"
#include "seal.h"

static struct seal_result_list_u8_sealing_refusal refuse(sealing_refusal reason)
{
    struct seal_result_list_u8_sealing_refusal result = {.is_err = true};
    result.val.err = reason;
    return result;
}

/* The tag goes behind the text: *text grows by its size, or memory is short and this traps. */
static void make_room_for_tag(struct seal_list_u8 *text)
{
    void *grown = realloc(text->len != 0 ? text->ptr : NULL, text->len + SEAL_TAG_SIZE);
    if (grown == NULL) {
        abort();
    }
    text->ptr = grown;
}

struct seal_result_list_u8_sealing_refusal sealing_seal(struct seal_list_u8 key,
                                                        struct seal_list_u8 nonce,
                                                        struct seal_list_u8 context,
                                                        struct seal_list_u8 message)
{
    const struct seal_secret secret = {key.ptr, nonce.ptr, context.ptr, context.len};
    struct seal_result_list_u8_sealing_refusal result = {.is_err = false};
    if (key.len != SEAL_KEY_SIZE) {
        result = refuse(SEALING_REFUSAL_BAD_KEY);
    } else if (nonce.len != SEAL_NONCE_SIZE) {
        result = refuse(SEALING_REFUSAL_BAD_NONCE);
    } else {
        make_room_for_tag(&message);
        seal_encrypt(&secret, message.ptr, message.len, message.ptr + message.len);
        message.len += SEAL_TAG_SIZE;
        result.val.ok = message;
        message = (struct seal_list_u8){.len = 0}; /* went into the result */
    }
    seal_list_u8_free(&key);
    seal_list_u8_free(&nonce);
    seal_list_u8_free(&context);
    seal_list_u8_free(&message);
    return result;
}

struct seal_result_list_u8_sealing_refusal sealing_open(struct seal_list_u8 key,
                                                        struct seal_list_u8 nonce,
                                                        struct seal_list_u8 context,
                                                        struct seal_list_u8 sealed)
{
    const struct seal_secret secret = {key.ptr, nonce.ptr, context.ptr, context.len};
    struct seal_result_list_u8_sealing_refusal result = {.is_err = false};
    size_t len = sealed.len >= SEAL_TAG_SIZE ? sealed.len - SEAL_TAG_SIZE : 0;
    if (key.len != SEAL_KEY_SIZE) {
        result = refuse(SEALING_REFUSAL_BAD_KEY);
    } else if (nonce.len != SEAL_NONCE_SIZE) {
        result = refuse(SEALING_REFUSAL_BAD_NONCE);
    } else if (sealed.len < SEAL_TAG_SIZE) {
        result = refuse(SEALING_REFUSAL_TOO_SHORT);
    } else if (!seal_decrypt(&secret, sealed.ptr, len, sealed.ptr + len)) {
        result = refuse(SEALING_REFUSAL_NOT_AUTHENTIC);
    } else if (len != 0) {
        sealed.len = len;
        result.val.ok = sealed;
        sealed = (struct seal_list_u8){.len = 0}; /* went into the result */
    } else {
        result.val.ok = (struct seal_list_u8){.len = 0};
    }
    seal_list_u8_free(&key);
    seal_list_u8_free(&nonce);
    seal_list_u8_free(&context);
    seal_list_u8_free(&sealed);
    return result;
}
