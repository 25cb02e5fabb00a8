/* The section "cli" of a snapshot: what is saved comes back; hostile bytes are refused. */
#include "cli/record.h"

#include "base/test.h"

static struct iso_cli_record saved, loaded;
static struct iso_buf out;
static struct iso_report report;

static void save_sample(void)
{
    iso_cli_record_init(&saved);
    saved.phase = ISO_CLI_PHASE_INITIALIZE;
    saved.module_path = iso_str_from_z("/srv/long.wasm");
    saved.invoke = iso_str_from_z("compute");
    saved.args[saved.arg_count++] = iso_str_from_z("7");
    saved.args[saved.arg_count++] = iso_str_from_z("");
    saved.grants[saved.grant_count++] = iso_str_from_z("--dir data::/data");
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_cli_record_save(&saved, &out));
}

static void refuse(const void *bytes, size_t len, const char *part)
{
    iso_report_init(&report);
    CHECK_ERR(iso_cli_record_load(&loaded, iso_bytes_from(bytes, len), &report), ISO_E_SNAPSHOT);
    CHECK_CONTAINS(report.text, part);
    CHECK_EQ_U64(loaded.arg_count, 0);
    CHECK_EQ_U64(loaded.invoke.len, 0);
}

TEST(comes_back_as_saved)
{
    save_sample();
    CHECK_OK(iso_cli_record_load(&loaded, iso_buf_view(&out), NULL));
    CHECK_EQ_I64(loaded.phase, ISO_CLI_PHASE_INITIALIZE);
    CHECK(iso_str_equal_z(loaded.module_path, "/srv/long.wasm"));
    CHECK(iso_str_equal_z(loaded.invoke, "compute"));
    CHECK_EQ_U64(loaded.arg_count, 2);
    CHECK(iso_str_equal_z(loaded.args[0], "7"));
    CHECK_EQ_U64(loaded.args[1].len, 0);
    CHECK_EQ_U64(loaded.grant_count, 1);
    CHECK(iso_str_equal_z(loaded.grants[0], "--dir data::/data"));
    iso_buf_fini(&out);
}

TEST(every_cut_is_seen_or_harmless)
{
    save_sample();
    for (size_t len = 0; len < out.len; len++) {
        enum iso_err err = iso_cli_record_load(&loaded, iso_bytes_from(out.ptr, len), NULL);
        CHECK(err == ISO_OK || err == ISO_E_SNAPSHOT);
        CHECK(len >= 4 || err == ISO_E_SNAPSHOT);
    }
    refuse(out.ptr, out.len - 1, "damaged");
    iso_buf_fini(&out);
}

TEST(every_changed_byte_is_seen_or_harmless)
{
    save_sample();
    for (size_t i = 0; i < out.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            out.ptr[i] ^= (uint8_t)(1u << bit);
            enum iso_err err = iso_cli_record_load(&loaded, iso_buf_view(&out), NULL);
            CHECK(err == ISO_OK || err == ISO_E_SNAPSHOT);
            out.ptr[i] ^= (uint8_t)(1u << bit);
        }
    }
    iso_buf_fini(&out);
}

TEST(what_is_refused)
{
    refuse("", 0, "damaged");
    refuse("\1\0\0", 3, "damaged");
    refuse("\2\0\0\0", 4, "version 2");
    refuse("\1\0\0\0\1\1\0\0\0\0", 10, "damaged");      /* phase 0 */
    refuse("\1\0\0\0\1\1\0\0\0\4", 10, "damaged");      /* phase 4 */
    refuse("\1\0\0\0\1\2\0\0\0\1\1", 11, "damaged");    /* phase of two bytes */
    refuse("\1\0\0\0\3\377\377\377\377", 9, "damaged"); /* longer than the section */
    refuse("\1\0\0\0\3\2\0\0\0a\0", 11, "damaged");     /* a zero byte in a name */
}

TEST(too_many_arguments)
{
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_buf_append_u32le(&out, 1));
    for (unsigned i = 0; i <= ISO_CLI_RECORD_ARGS_MAX; i++) {
        CHECK_OK(iso_buf_append(&out, "\4\0\0\0", 5));
    }
    refuse(out.ptr, out.len, "damaged");
    iso_buf_fini(&out);
}

TEST(fields_of_later_versions_are_passed_over)
{
    CHECK_OK(iso_cli_record_load(&loaded, iso_bytes_from("\1\0\0\0\143\2\0\0\0\0\0", 11), NULL));
    CHECK_EQ_I64(loaded.phase, ISO_CLI_PHASE_MAIN);
}
