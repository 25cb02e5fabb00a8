/* How registries ask for credentials: challenges (RFC 9110, section 11.6.1) and the servers of
 * tokens that they name (https://distribution.github.io/distribution/spec/auth/token/). */
#include "package/oci.h"

#include <jansson.h>
#include <strings.h>

/* ---- Challenges --------------------------------------------------------------------------------
 */

struct reader {
    const char *at, *end;
};

static void skip(struct reader *reader, const char *set)
{
    while (reader->at != reader->end && *reader->at != '\0' && strchr(set, *reader->at) != NULL) {
        reader->at++;
    }
}

static struct iso_str take_token(struct reader *reader)
{
    const char *start = reader->at;
    while (reader->at != reader->end && strchr(" \t,=\"", *reader->at) == NULL) {
        reader->at++;
    }
    return iso_str_from(start, (size_t)(reader->at - start));
}

/* A token or a quoted string; false when it does not fit. */
static bool take_value(struct reader *reader, char *out, size_t size)
{
    size_t len = 0;
    bool fits = true;
    if (reader->at == reader->end || *reader->at != '"') {
        const struct iso_str token = take_token(reader);
        return iso_format(out, size, "%.*s", (int)token.len, token.ptr) == token.len;
    }
    for (reader->at++; reader->at != reader->end && *reader->at != '"'; reader->at++) {
        if (*reader->at == '\\' && reader->end - reader->at > 1) {
            reader->at++;
        }
        fits = fits && len + 1 < size && (unsigned char)*reader->at >= 0x20;
        if (fits) {
            out[len++] = *reader->at;
        }
    }
    out[len] = '\0';
    reader->at += reader->at != reader->end ? 1 : 0;
    return fits;
}

static void take_parameter(struct reader *reader, struct iso_str name,
                           struct iso_oci_challenge *out)
{
    char value[URL_SIZE];
    const bool good = take_value(reader, value, sizeof value);
    const struct {
        const char *name;
        char *to;
        size_t size;
    } known[] = {{"realm", out->realm, sizeof out->realm},
                 {"service", out->service, sizeof out->service},
                 {"scope", out->scope, sizeof out->scope}};
    for (size_t i = 0; good && i < ISO_COUNT_OF(known); i++) {
        if (name.len == strlen(known[i].name) &&
            strncasecmp(name.ptr, known[i].name, name.len) == 0 && strlen(value) < known[i].size) {
            (void)iso_format(known[i].to, known[i].size, "%s", value);
        }
    }
}

static void keep_better(const struct iso_oci_challenge *found, struct iso_oci_challenge *out)
{
    const bool usable = found->scheme == ISO_OCI_BASIC || found->realm[0] != '\0';
    if (usable && found->scheme > out->scheme) {
        *out = *found;
    }
}

void iso_oci_challenge_read(struct iso_str field, struct iso_oci_challenge *out)
{
    struct reader reader = {.at = field.ptr, .end = field.ptr + field.len};
    struct iso_oci_challenge found = {.scheme = ISO_OCI_NONE};
    while (reader.at != reader.end) {
        skip(&reader, " \t,");
        const char *before = reader.at;
        const struct iso_str word = take_token(&reader);
        const bool parameter = reader.at != reader.end && *reader.at == '=';
        if (parameter) {
            reader.at++;
            take_parameter(&reader, word, &found);
        } else if (word.len != 0) { /* the next scheme */
            keep_better(&found, out);
            found = (struct iso_oci_challenge){.scheme = ISO_OCI_NONE};
            found.scheme = word.len == 6 && strncasecmp(word.ptr, "bearer", 6) == 0 ? ISO_OCI_BEARER
                           : word.len == 5 && strncasecmp(word.ptr, "basic", 5) == 0 ? ISO_OCI_BASIC
                                                                                     : ISO_OCI_NONE;
        }
        reader.at += reader.at == before && reader.at != reader.end ? 1 : 0; /* a stray quote */
    }
    keep_better(&found, out);
}

/* ---- Tokens ------------------------------------------------------------------------------------
 */

static bool append(char *out, size_t size, size_t *len, const char *text, bool escaped)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (; *text != '\0'; text++) {
        const bool as_is = !escaped || strchr(plain, *text) != NULL;
        if (*len + 4 > size) {
            return false;
        }
        *len += iso_format(out + *len, size - *len, as_is ? "%c" : "%%%02X",
                           as_is ? *text : (unsigned char)*text);
    }
    return true;
}

enum iso_err iso_oci_token_url(const struct iso_oci_challenge *challenge, const char *scope,
                               char out[2 * URL_SIZE])
{
    const size_t size = 2 * URL_SIZE;
    size_t len = 0;
    const char *wanted = challenge->scope[0] != '\0' ? challenge->scope : scope;
    const bool good =
        append(out, size, &len, challenge->realm, false) &&
        append(out, size, &len, strchr(challenge->realm, '?') != NULL ? "&" : "?", false) &&
        append(out, size, &len, "service=", false) &&
        append(out, size, &len, challenge->service, true) &&
        append(out, size, &len, "&scope=", false) && append(out, size, &len, wanted, true);
    return good ? ISO_OK : ISO_E_LIMIT;
}

void iso_oci_basic(const struct iso_job_registry *registry, char out[ISO_OCI_AUTH_SIZE])
{
    static const char prefix[] = "Authorization: Basic ";
    char text[sizeof registry->username + sizeof registry->password + 1];
    const size_t len =
        iso_format(text, sizeof text, "%s:%s", registry->username, registry->password);
    memcpy(out, prefix, sizeof prefix);
    iso_base64_encode(text, len, out + sizeof prefix - 1);
    out[sizeof prefix - 1 + iso_base64_encoded_size(len)] = '\0';
}

enum iso_err iso_oci_token_read(struct iso_bytes json, char out[ISO_OCI_AUTH_SIZE])
{
    json_t *root = json_loadb((const char *)json.ptr, json.len, 0, NULL);
    const char *token = json_string_value(json_object_get(root, "token"));
    token = token != NULL ? token : json_string_value(json_object_get(root, "access_token"));
    bool good = token != NULL && token[0] != '\0' && strlen(token) < ISO_OCI_AUTH_SIZE - 32;
    for (const char *at = token; good && *at != '\0'; at++) {
        good = (unsigned char)*at > 0x20 && *at != 0x7f;
    }
    if (good) {
        (void)iso_format(out, ISO_OCI_AUTH_SIZE, "Authorization: Bearer %s", token);
    }
    json_decref(root);
    return good ? ISO_OK : ISO_E_MALFORMED;
}
