/*
 * npm's configuration (https://docs.npmjs.com/cli/configuring-npm/npmrc): the environment, then
 * files in the ini form, of which the first that sets a key counts. Of it we use registries, their
 * credentials and cafile.
 */
#include "package/npm.h"

#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "platform/platform.h"

enum { FILE_MAX_BYTES = 1 << 20, ARENA_MAX_BYTES = 4 << 20, VALUE_MAX = 8192 };

#define DEFAULT_REGISTRY "https://registry.npmjs.org/"

extern char **environ;

void iso_npm_config_init(struct iso_npm_config *config)
{
    config->count = 0;
    iso_arena_init(&config->arena, iso_alloc_libc(), 0, ARENA_MAX_BYTES);
}

void iso_npm_config_fini(struct iso_npm_config *config)
{
    iso_arena_fini(&config->arena);
    config->count = 0;
}

static enum iso_err add(struct iso_npm_config *config, const char *key, const char *value)
{
    if (config->count == ISO_NPM_SETTINGS_MAX) {
        return ISO_E_LIMIT;
    }
    struct iso_npm_setting *setting = &config->settings[config->count];
    setting->key = iso_arena_copy_str(&config->arena, iso_str_from_z(key));
    setting->value = iso_arena_copy_str(&config->arena, iso_str_from_z(value));
    if (setting->key == NULL || setting->value == NULL) {
        return ISO_E_NOMEM;
    }
    config->count++;
    return ISO_OK;
}

const char *iso_npm_config_get(const struct iso_npm_config *config, const char *key)
{
    for (size_t i = 0; i < config->count; i++) {
        if (strcmp(config->settings[i].key, key) == 0) {
            return config->settings[i].value;
        }
    }
    return NULL;
}

/* ---- Files -------------------------------------------------------------------------------------
 */

static struct iso_str trim(struct iso_str text)
{
    while (text.len != 0 && strchr(" \t\r", text.ptr[0]) != NULL) {
        text = iso_str_from(text.ptr + 1, text.len - 1);
    }
    while (text.len != 0 && strchr(" \t\r", text.ptr[text.len - 1]) != NULL) {
        text.len--;
    }
    return text;
}

/* Quotes taken off; without them a comment behind it cut off. */
static struct iso_str unquote(struct iso_str text)
{
    text = trim(text);
    if (text.len >= 2 && (text.ptr[0] == '"' || text.ptr[0] == '\'') &&
        text.ptr[text.len - 1] == text.ptr[0]) {
        return iso_str_from(text.ptr + 1, text.len - 2);
    }
    for (size_t i = 0; i < text.len; i++) {
        if ((text.ptr[i] == ';' || text.ptr[i] == '#') && (i == 0 || text.ptr[i - 1] != '\\')) {
            return trim(iso_str_from(text.ptr, i));
        }
    }
    return text;
}

/* ${NAME} becomes the variable of the environment; one that is not set stays as it is, ${NAME?}
 * becomes nothing. False: too long. */
static bool expand(struct iso_str text, char out[VALUE_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < text.len;) {
        const char *close = NULL;
        if (text.len - i > 3 && memcmp(text.ptr + i, "${", 2) == 0) {
            close = memchr(text.ptr + i, '}', text.len - i);
        }
        const char *value = NULL;
        const size_t span = close != NULL ? (size_t)(close - (text.ptr + i)) + 1 : 1;
        if (close != NULL && span - 3 < 128) {
            char name[128];
            const size_t name_len = span - 3;
            const bool optional = name_len != 0 && text.ptr[i + 2 + name_len - 1] == '?';
            memcpy(name, text.ptr + i + 2, name_len);
            name[optional ? name_len - 1 : name_len] = '\0';
            value = getenv(name);
            value = value == NULL && optional ? "" : value;
        }
        const struct iso_str part =
            value != NULL ? iso_str_from_z(value) : iso_str_from(text.ptr + i, span);
        if (len + part.len >= VALUE_MAX) {
            return false;
        }
        iso_memory_copy(out + len, part.ptr, part.len);
        len += part.len;
        i += span;
    }
    out[len] = '\0';
    return true;
}

static enum iso_err read_line(struct iso_npm_config *config, struct iso_str line)
{
    char key[VALUE_MAX], value[VALUE_MAX];
    const char *equals = memchr(line.ptr, '=', line.len);
    if (equals == NULL) {
        return ISO_OK; /* a switch that is on; none of ours */
    }
    const struct iso_str left = iso_str_from(line.ptr, (size_t)(equals - line.ptr));
    const struct iso_str right = iso_str_from(equals + 1, line.len - left.len - 1);
    if (!expand(unquote(left), key) || !expand(unquote(right), value)) {
        return ISO_E_LIMIT;
    }
    return add(config, key, value);
}

enum iso_err iso_npm_config_read(struct iso_npm_config *config, struct iso_str text)
{
    bool in_section = false; /* [...]: none of ours */
    enum iso_err err = ISO_OK;
    while (text.len != 0 && err == ISO_OK) {
        const char *end = memchr(text.ptr, '\n', text.len);
        const size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;
        const struct iso_str line = trim(iso_str_from(text.ptr, len));
        const size_t used = end != NULL ? len + 1 : len;
        text = iso_str_from(text.ptr + used, text.len - used);
        if (line.len == 0 || line.ptr[0] == ';' || line.ptr[0] == '#' ||
            memchr(line.ptr, '\0', line.len) != NULL) {
            continue;
        }
        in_section = in_section || line.ptr[0] == '[';
        if (!in_section) {
            err = read_line(config, line);
        }
    }
    return err;
}

static enum iso_err read_file(struct iso_npm_config *config, const char *path,
                              struct iso_report *report)
{
    struct iso_file file = {.cap = 0};
    if (path[0] == '\0' || access(path, F_OK) != 0) {
        return ISO_OK;
    }
    enum iso_err err = iso_file_read(path, FILE_MAX_BYTES, &file, report);
    if (err == ISO_OK) {
        err =
            iso_npm_config_read(config, iso_str_from((const char *)file.bytes.ptr, file.bytes.len));
        if (err != ISO_OK) {
            iso_report_set(report, "npm's configuration '%s' is too large", path);
        }
    }
    iso_file_fini(&file);
    return err;
}

/* ---- Where -------------------------------------------------------------------------------------
 */

/* npm_config_KEY=VALUE, in any case; '_' in keys stands for '-'. */
static enum iso_err read_environment(struct iso_npm_config *config)
{
    static const char prefix[] = "npm_config_";
    enum iso_err err = ISO_OK;
    for (char **at = environ; at != NULL && *at != NULL && err == ISO_OK; at++) {
        char key[512];
        const char *name = *at + sizeof prefix - 1;
        const char *equals = strchr(*at, '=');
        if (strncasecmp(*at, prefix, sizeof prefix - 1) != 0 || equals == NULL || equals <= name ||
            equals[1] == '\0') {
            continue;
        }
        const size_t len = (size_t)(equals - name);
        const bool plain = name[0] != '/' && name[0] != '@';
        if (len >= sizeof key) {
            continue;
        }
        for (size_t i = 0; i < len; i++) {
            char c = name[i];
            c = plain && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
            key[i] = plain && c == '_' && i != 0 ? '-' : c;
        }
        key[len] = '\0';
        err = add(config, key, equals + 1);
    }
    return err;
}

/* PREFIX of PREFIX/bin/node, the first in PATH; "" when there is none. */
static void find_prefix(char out[ISO_PATH_MAX])
{
    const char *path = getenv("PATH");
    out[0] = '\0';
    while (path != NULL && *path != '\0' && out[0] == '\0') {
        char node[ISO_PATH_MAX];
        const size_t len = strcspn(path, ":");
        if (len != 0 &&
            iso_format(node, sizeof node, "%.*s/node", (int)len, path) + 1 < sizeof node &&
            access(node, X_OK) == 0) {
            char *real = iso_path_absolute(node);
            for (unsigned i = 0; real != NULL && i < 2; i++) {
                char *slash = strrchr(real, '/');
                if (slash != NULL) {
                    *slash = '\0';
                }
            }
            (void)iso_format(out, ISO_PATH_MAX, "%s", real != NULL ? real : "");
            free(real);
        }
        path += len + (path[len] == ':' ? 1 : 0);
    }
}

/* DIR/NAME, or what the key of the environment says. */
static void path_of(const struct iso_npm_config *config, const char *key, const char *dir,
                    const char *name, char out[ISO_PATH_MAX])
{
    const char *given = key != NULL ? iso_npm_config_get(config, key) : NULL;
    size_t len = 0;
    if (given != NULL) {
        len = iso_format(out, ISO_PATH_MAX, "%s", given);
    } else if (dir != NULL && dir[0] != '\0') {
        len = iso_format(out, ISO_PATH_MAX, "%s/%s", dir, name);
    }
    if (len == 0 || len + 1 >= ISO_PATH_MAX) {
        out[0] = '\0';
    }
}

enum iso_err iso_npm_config_load(struct iso_npm_config *config, const char *project_dir,
                                 struct iso_report *report)
{
    char prefix[ISO_PATH_MAX], user[ISO_PATH_MAX], global[ISO_PATH_MAX], project[ISO_PATH_MAX];
    enum iso_err err = read_environment(config);
    const char *own_prefix = iso_npm_config_get(config, "prefix");
    find_prefix(prefix);
    path_of(config, NULL, project_dir, ".npmrc", project);
    path_of(config, "userconfig", getenv("HOME"), ".npmrc", user);
    path_of(config, "globalconfig",
            own_prefix != NULL         ? own_prefix
            : getenv("PREFIX") != NULL ? getenv("PREFIX")
                                       : prefix,
            "etc/npmrc", global);
    const char *const paths[] = {project, user, global, "/etc/npmrc"};
    for (size_t i = 0; i < ISO_COUNT_OF(paths) && err == ISO_OK; i++) {
        err = read_file(config, paths[i], report);
    }
    return err;
}

/* ---- What we use -------------------------------------------------------------------------------
 */

enum iso_err iso_npm_config_registry(const struct iso_npm_config *config, struct iso_str name,
                                     char out[URL_SIZE], struct iso_report *report)
{
    char key[300];
    const char *url = NULL;
    const char *slash = name.len != 0 ? memchr(name.ptr, '/', name.len) : NULL;
    if (slash != NULL) {
        (void)iso_format(key, sizeof key, "%.*s:registry", (int)(slash - name.ptr), name.ptr);
        url = iso_npm_config_get(config, key);
    }
    url = url != NULL ? url : iso_npm_config_get(config, "registry");
    url = url != NULL ? url : DEFAULT_REGISTRY;
    const size_t len = strlen(url);
    if ((strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0) ||
        len + 2 > URL_SIZE / 2) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "npm's configuration names '%.100s' as registry, which is no address", url);
    }
    (void)iso_format(out, URL_SIZE, "%s%s", url, url[len - 1] == '/' ? "" : "/");
    return ISO_OK;
}

/* Base64 of "user:password", where the password stands in base64 itself. */
static bool basic_of(const char *user, const char *encoded, char *out, size_t size)
{
    char text[1024];
    size_t bad = 0;
    const struct iso_str base64 = iso_str_from_z(encoded);
    const size_t user_len = strlen(user), password_len = iso_base64_decoded_size(base64);
    const size_t len = user_len + 1 + password_len;
    if (len > sizeof text || iso_base64_encoded_size(len) + 1 > size) {
        return false;
    }
    memcpy(text, user, user_len);
    text[user_len] = ':';
    if (!iso_base64_decode(base64, (uint8_t *)text + user_len + 1, &bad)) {
        return false;
    }
    iso_base64_encode(text, len, out);
    out[iso_base64_encoded_size(len)] = '\0';
    return true;
}

static const char *get_at(const struct iso_npm_config *config, const char *place, const char *name)
{
    char key[URL_SIZE + 32];
    (void)iso_format(key, sizeof key, "%s:%s", place, name);
    return iso_npm_config_get(config, key);
}

/* place: "//host/path/". False: nothing is set there. */
static bool auth_at(const struct iso_npm_config *config, const char *place,
                    char out[ISO_NPM_AUTH_SIZE])
{
    char basic[1500];
    const char *token = get_at(config, place, "_authToken");
    const char *auth = get_at(config, place, "_auth");
    const char *user = get_at(config, place, "username");
    const char *password = get_at(config, place, "_password");
    if (token != NULL) {
        (void)iso_format(out, ISO_NPM_AUTH_SIZE, "Authorization: Bearer %s", token);
    } else if (auth != NULL) {
        (void)iso_format(out, ISO_NPM_AUTH_SIZE, "Authorization: Basic %s", auth);
    } else if (user != NULL && password != NULL && basic_of(user, password, basic, sizeof basic)) {
        (void)iso_format(out, ISO_NPM_AUTH_SIZE, "Authorization: Basic %s", basic);
    } else {
        return false;
    }
    return true;
}

enum iso_err iso_npm_config_auth(const struct iso_npm_config *config, const char *url,
                                 char out[ISO_NPM_AUTH_SIZE], struct iso_report *report)
{
    char place[URL_SIZE];
    const char *rest = strstr(url, "//");
    out[0] = '\0';
    if (rest == NULL || strlen(rest) >= sizeof place) {
        return ISO_OK;
    }
    (void)iso_format(place, sizeof place, "%.*s", (int)strcspn(rest, "?#"), rest);
    /* The nearest place above: "//host/a/b/", "//host/a/", "//host/". */
    for (char *slash = strrchr(place + 2, '/'); slash != NULL; slash = strrchr(place + 2, '/')) {
        slash[1] = '\0';
        if (auth_at(config, place, out)) {
            break;
        }
        slash[0] = '\0';
    }
    const char *open = strstr(out, "${");
    if (open != NULL) {
        char name[64];
        (void)iso_format(name, sizeof name, "%.*s", (int)strcspn(open, "}") + 1, open);
        out[0] = '\0';
        return iso_fail(report, ISO_E_ARGUMENT,
                        "npm's configuration for %s takes its credentials from %s, which is not "
                        "set in the environment",
                        place, name);
    }
    return ISO_OK;
}
