/* Storage: what was set is there, whole, whatever ends the program; and what is damaged is noticed.
 */
#include "supervisor/device_storage.h"
#include "supervisor/device_test_support.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    struct dev_test test;
    struct iso_sv_guest guest;
    char top[256];
    char path[300];
};

static void begin(struct place *place)
{
    struct iso_sv_devices_config config = {0};
    memset(place, 0, sizeof *place);
    dev_test_dir(place->top);
    (void)iso_format(place->path, sizeof place->path, "%s/app/store", place->top);
    place->guest.storage_path = place->path;
    place->guest.storage_max = 4096;
    dev_test_begin(&place->test, &config);
}

static void end(struct place *place)
{
    dev_test_end(&place->test);
    dev_test_dir_remove(place->top);
}

static const char *call(struct place *place, const char *func, const char *args)
{
    return dev_test_call(&place->test, &place->guest, "storage", func, args);
}

static struct iso_bytes z(const char *text)
{
    return iso_bytes_from(text, strlen(text));
}

/* The only entry's file. */
static void only_file(const struct place *place, char out[600])
{
    DIR *dir = opendir(place->path);
    unsigned count = 0;
    CHECK(dir != NULL);
    for (struct dirent *at = readdir(dir); at != NULL; at = readdir(dir)) {
        if (at->d_name[0] != '.') {
            (void)iso_format(out, 600, "%s/%s", place->path, at->d_name);
            count++;
        }
    }
    (void)closedir(dir);
    CHECK_EQ_U64(count, 1);
}

TEST(values_are_kept_by_key)
{
    struct place place;
    begin(&place);
    CHECK_STR(call(&place, "get", "[\"a\"]"), "{\"ok\":null}");
    CHECK_STR(call(&place, "list-keys", ""), "{\"ok\":[]}");
    CHECK_STR(call(&place, "delete", "[\"a\"]"), "{\"ok\":null}");
    CHECK(access(place.path, F_OK) != 0); /* made when it is needed */
    CHECK_STR(call(&place, "set", "[\"b\", \"AQID\"]"), "{\"ok\":null}");
    CHECK_STR(call(&place, "set", "[\"\", \"\"]"), "{\"ok\":null}");
    CHECK_STR(call(&place, "set", "[\"../../etc/passwd\", \"AA==\"]"), "{\"ok\":null}");
    CHECK_STR(call(&place, "set", "[\"b\\u0000c\", \"BA==\"]"), "{\"ok\":null}");
    CHECK_STR(call(&place, "set", "[\"\\u00fc\", \"BQ==\"]"), "{\"ok\":null}");
    CHECK_STR(call(&place, "list-keys", ""),
              "{\"ok\":[\"\",\"../../etc/passwd\",\"b\",\"b\\u0000c\",\"ü\"]}");
    CHECK_STR(call(&place, "get", "[\"b\"]"), "{\"ok\":\"AQID\"}");
    CHECK_STR(call(&place, "get", "[\"\"]"), "{\"ok\":\"\"}");
    CHECK_STR(call(&place, "get", "[\"b\\u0000c\"]"), "{\"ok\":\"BA==\"}");
    CHECK_STR(call(&place, "set", "[\"b\", \"BgY=\"]"), "{\"ok\":null}");
    CHECK_STR(call(&place, "get", "[\"b\"]"), "{\"ok\":\"BgY=\"}");
    CHECK_STR(call(&place, "delete", "[\"b\"]"), "{\"ok\":null}");
    CHECK_STR(call(&place, "get", "[\"b\"]"), "{\"ok\":null}");
    end(&place);
}

TEST(keys_have_a_largest_length)
{
    struct place place;
    char args[400];
    begin(&place);
    for (size_t len = 255; len <= 256; len++) {
        memcpy(args, "[\"", 2);
        memset(args + 2, 'k', len);
        memcpy(args + 2 + len, "\", \"AQ==\"]", 11);
        CHECK_CONTAINS(call(&place, "set", args),
                       len == 255 ? "{\"ok\":null}" : "at most 255 bytes, not 256");
    }
    end(&place);
}

TEST(the_quota_counts_keys_values_and_what_they_cost)
{
    struct place place;
    struct iso_report report;
    static const uint8_t bytes[2000];
    begin(&place);
    uint64_t max = ISO_SV_STORE_HEAD + 1 + 1000;
    CHECK_OK(iso_sv_store_set(place.path, z("a"), iso_bytes_from(bytes, 1000), max, NULL));
    CHECK_EQ_U64(iso_sv_storage_used(place.path), max);
    CHECK_OK(iso_sv_store_set(place.path, z("a"), iso_bytes_from(bytes, 1000), max, NULL));
    iso_report_init(&report);
    CHECK_ERR(iso_sv_store_set(place.path, z("a"), iso_bytes_from(bytes, 1001), max, &report),
              ISO_E_LIMIT);
    CHECK_ERR(iso_sv_store_set(place.path, z("b"), iso_bytes_from(bytes, 0), max, NULL),
              ISO_E_LIMIT);
    CHECK_OK(iso_sv_store_set(place.path, z("a"), iso_bytes_from(bytes, 900), max, NULL));
    CHECK_OK(iso_sv_store_set(place.path, z("b"), iso_bytes_from(bytes, 51), max, NULL));
    CHECK_ERR(iso_sv_store_set(place.path, z("b"), iso_bytes_from(bytes, 52), max, NULL),
              ISO_E_LIMIT);
    /* What was there stays. */
    struct iso_buf value;
    bool found = false;
    iso_buf_init(&value, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_sv_store_get(place.path, z("b"), &value, &found, NULL));
    CHECK(found && value.len == 51);
    iso_buf_fini(&value);
    place.guest.storage_max = max;
    CHECK_CONTAINS(call(&place, "set", "[\"c\", \"AAAA\"]"), "{\"error\":{\"limit\":\"1049 bytes");
    end(&place);
}

TEST(there_is_a_largest_number_of_keys)
{
    struct place place;
    char file[128];
    begin(&place);
    CHECK_OK(iso_sv_store_make(place.path, NULL));
    for (unsigned i = 0; i < ISO_SV_STORAGE_KEYS_MAX; i++) {
        (void)iso_format(file, sizeof file, "%064x", i);
        dev_test_write(place.path, file, "", 0);
    }
    CHECK_CONTAINS(call(&place, "set", "[\"c\", \"AAAA\"]"), "4096 keys");
    end(&place);
}

TEST(without_storage_there_is_none)
{
    struct place place;
    begin(&place);
    place.guest.storage_path = NULL;
    CHECK_STR(call(&place, "list-keys", ""), "{\"error\":{\"not-granted\":\"storage\"}}");
    place.guest.storage_path = "/proc/isomer/nothing";
    CHECK_CONTAINS(call(&place, "set", "[\"c\", \"AAAA\"]"), "{\"error\":{\"failed\":\"storage: ");
    end(&place);
}

/* Every byte of a file, changed, and every length that it might be cut to. */
TEST(damage_is_noticed)
{
    struct place place;
    char file[600];
    uint8_t good[128];
    begin(&place);
    CHECK_STR(call(&place, "set", "[\"key\", \"AQIDBAUGBwg=\"]"), "{\"ok\":null}");
    only_file(&place, file);
    FILE *stream = fopen(file, "rb");
    CHECK(stream != NULL);
    size_t len = fread(good, 1, sizeof good, stream);
    CHECK(fclose(stream) == 0);
    CHECK_EQ_U64(len, ISO_SV_STORE_HEAD + 3 + 8);
    const char *name = file + strlen(place.path) + 1;
    for (size_t i = 0; i < 2 * len; i++) {
        uint8_t bad[128];
        memcpy(bad, good, len);
        bad[i % len] ^= 0x10;
        size_t bad_len = i < len ? len : i - len;
        dev_test_write(place.path, name, i < len ? bad : good, bad_len);
        CHECK_STR(call(&place, "get", "[\"key\"]"),
                  "{\"error\":{\"failed\":\"the stored value is damaged\"}}");
        const char *keys = call(&place, "list-keys", "");
        CHECK(strcmp(keys, "{\"ok\":[]}") == 0 || strcmp(keys, "{\"ok\":[\"key\"]}") == 0);
        place.guest.log[0] = '\0';
    }
    dev_test_write(place.path, name, good, 10);
    CHECK_STR(call(&place, "list-keys", ""), "{\"ok\":[]}");
    CHECK_STR(place.guest.log, "3 storage has 1 damaged files\n");
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    CHECK_ERR(iso_sv_storage_export(place.path, &out, NULL), ISO_E_MALFORMED);
    CHECK_EQ_U64(out.len, 0);
    /* Set and delete mend it. */
    CHECK_STR(call(&place, "set", "[\"key\", \"CQ==\"]"), "{\"ok\":null}");
    CHECK_STR(call(&place, "get", "[\"key\"]"), "{\"ok\":\"CQ==\"}");
    iso_buf_fini(&out);
    end(&place);
}

TEST(links_are_not_followed)
{
    struct place place;
    char file[600];
    char other[300];
    begin(&place);
    CHECK_STR(call(&place, "set", "[\"key\", \"AQ==\"]"), "{\"ok\":null}");
    only_file(&place, file);
    (void)iso_format(other, sizeof other, "%s/other", place.top);
    CHECK(rename(file, other) == 0);
    CHECK(symlink(other, file) == 0);
    CHECK_CONTAINS(call(&place, "get", "[\"key\"]"), "failed");
    (void)iso_format(file, sizeof file, "%s/new", place.path);
    CHECK(symlink(other, file) == 0);
    CHECK_CONTAINS(call(&place, "set", "[\"key2\", \"AQ==\"]"), "failed");
    end(&place);
}

/* ---- Moving -----------------------------------------------------------------------------------
 */

TEST(all_of_it_moves)
{
    struct place from;
    struct place to;
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    begin(&from);
    begin(&to);
    CHECK_OK(iso_sv_storage_export(from.path, &out, NULL)); /* nothing is there */
    CHECK_EQ_U64(out.len, 12);
    CHECK_OK(iso_sv_storage_import(to.path, iso_buf_view(&out), 0, NULL));
    out.len = 0;
    CHECK_OK(iso_buf_append(&out, "before", 6));
    (void)call(&from, "set", "[\"b\", \"AQID\"]");
    (void)call(&from, "set", "[\"a\", \"\"]");
    (void)call(&to, "set", "[\"old\", \"AQID\"]");
    CHECK_OK(iso_sv_storage_export(from.path, &out, NULL));
    CHECK_MEM(out.ptr, "before", 6);
    struct iso_bytes bytes = iso_bytes_from(out.ptr + 6, out.len - 6);
    CHECK_OK(iso_sv_storage_import(to.path, bytes, 4096, NULL));
    CHECK_STR(call(&to, "list-keys", ""), "{\"ok\":[\"a\",\"b\"]}");
    CHECK_STR(call(&to, "get", "[\"b\"]"), "{\"ok\":\"AQID\"}");
    CHECK_EQ_U64(iso_sv_storage_used(to.path), iso_sv_storage_used(from.path));
    /* Into a quota that is too small: refused, and what is there stays. */
    CHECK_ERR(iso_sv_storage_import(to.path, bytes, iso_sv_storage_used(to.path) - 1, NULL),
              ISO_E_LIMIT);
    CHECK_STR(call(&to, "list-keys", ""), "{\"ok\":[\"a\",\"b\"]}");
    iso_buf_fini(&out);
    end(&from);
    end(&to);
}

TEST(bad_bytes_are_not_moved_in)
{
    struct place place;
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    begin(&place);
    (void)call(&place, "set", "[\"a\", \"AQID\"]");
    (void)call(&place, "set", "[\"b\", \"BAUG\"]");
    CHECK_OK(iso_sv_storage_export(place.path, &out, NULL));
    for (size_t len = 0; len < out.len; len++) {
        CHECK_ERR(iso_sv_storage_import(place.path, iso_bytes_from(out.ptr, len), 4096, NULL),
                  ISO_E_MALFORMED);
    }
    CHECK_OK(iso_buf_append_u8(&out, 0));
    CHECK_ERR(iso_sv_storage_import(place.path, iso_buf_view(&out), 4096, NULL), ISO_E_MALFORMED);
    out.len--;
    static const struct {
        size_t at;
        uint8_t byte;
    } changes[] = {{0, 'X'},   {8, 3},    {9, 0xff}, {12, 0xff}, {13, 1},   {16, 4},
                   {19, 0xff}, {20, 'b'}, {20, 'c'}, {20, 0xff}, {32, 'a'}, {32, 0x80}};
    for (size_t i = 0; i < ISO_COUNT_OF(changes); i++) {
        uint8_t old = out.ptr[changes[i].at];
        out.ptr[changes[i].at] = changes[i].byte;
        CHECK(iso_sv_storage_import(place.path, iso_buf_view(&out), 4096, NULL) != ISO_OK);
        out.ptr[changes[i].at] = old;
    }
    CHECK_STR(call(&place, "list-keys", ""), "{\"ok\":[\"a\",\"b\"]}");
    iso_buf_fini(&out);
    end(&place);
}

/* ---- The end of the program ---------------------------------------------------------------------
 */

/* Sets "n" to 1, 2, 3, ... and tells each after it was set. */
static ISO_NORETURN void write_for_ever(const char *path, int tell)
{
    static uint8_t value[3000];
    for (uint32_t i = 1;; i++) {
        memset(value, (int)(i & 0xff), sizeof value);
        iso_store_u32le(value, i);
        if (iso_sv_store_set(path, z("n"), iso_bytes_from(value, sizeof value), 1 << 20, NULL) !=
                ISO_OK ||
            write(tell, &i, sizeof i) != (ssize_t)sizeof i) {
            _exit(1);
        }
    }
}

static void check_value(const char *path, uint32_t told)
{
    struct iso_buf value;
    bool found = false;
    iso_buf_init(&value, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_sv_store_get(path, z("n"), &value, &found, NULL));
    CHECK(found || told == 0);
    if (found) {
        CHECK_EQ_U64(value.len, 3000);
        uint32_t is = iso_load_u32le(value.ptr);
        CHECK(is == told || is == told + 1);
        CHECK_EQ_U64(value.ptr[2999], is & 0xff);
    }
    iso_buf_fini(&value);
}

TEST(a_killed_program_leaves_the_old_value_or_the_new_one)
{
    struct place place;
    begin(&place);
    for (unsigned round = 0; round < 40; round++) {
        int ends[2];
        uint32_t told = 0;
        CHECK(iso_sv_store_delete(place.path, z("n"), NULL) == ISO_OK);
        CHECK(pipe(ends) == 0);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            (void)close(ends[0]);
            write_for_ever(place.path, ends[1]);
        }
        (void)close(ends[1]);
        for (unsigned i = 0; i < 1 + round * 7 % 13; i++) {
            CHECK(read(ends[0], &told, sizeof told) == (ssize_t)sizeof told);
        }
        for (volatile unsigned spin = 0; spin < round * 20000; spin++) {
        }
        CHECK(kill(child, SIGKILL) == 0);
        CHECK(waitpid(child, NULL, 0) == child);
        while (read(ends[0], &told, sizeof told) == (ssize_t)sizeof told) {
        }
        (void)close(ends[0]);
        check_value(place.path, told);
        struct iso_arena arena;
        struct iso_bytes *keys = NULL;
        size_t count = 0;
        size_t damaged = 0;
        iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
        CHECK_OK(iso_sv_store_list(place.path, &arena, &keys, &count, &damaged, NULL));
        CHECK_EQ_U64(damaged, 0);
        CHECK_EQ_U64(count, 1);
        iso_arena_fini(&arena);
    }
    end(&place);
}

TEST(calls_of_many_instances_wait_for_each_other)
{
    struct place place;
    struct iso_sv_guest guests[12];
    struct dev_call calls[12];
    begin(&place);
    for (size_t i = 0; i < ISO_COUNT_OF(guests); i++) {
        char args[64];
        guests[i] = place.guest;
        (void)iso_format(args, sizeof args, "[\"k%zu\", \"AQID\"]", i);
        dev_call_begin(&calls[i], &place.test, &guests[i], "storage", "set", args);
    }
    for (size_t i = 0; i < ISO_COUNT_OF(guests); i++) {
        CHECK_STR(dev_call_end(&calls[i]), "{\"ok\":null}");
    }
    CHECK_CONTAINS(call(&place, "list-keys", ""), "\"k0\",\"k1\",\"k10\",\"k11\",\"k2\"");
    end(&place);
}
