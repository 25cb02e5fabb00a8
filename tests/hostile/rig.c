/* See the header. */
#include "rig.h"

void rig_init(struct rig *rig)
{
    struct iso_engine_config config = {.alloc = &rig->memory.alloc};

    *rig = (struct rig){.engine = NULL};
    iso_alloc_test_init(&rig->memory);
    rig->memory.max_bytes = RIG_MEMORY_MAX;
    iso_report_init(&rig->report);
    CHECK_OK(iso_engine_create(&config, &rig->engine));
}

void rig_fini(struct rig *rig)
{
    iso_store_destroy(rig->store);
    iso_module_destroy(rig->module);
    iso_engine_destroy(rig->engine);
    iso_buf_fini(&rig->bytes);
    CHECK_EQ_U64(rig->memory.live_bytes, 0);
}

enum iso_err rig_module(struct rig *rig, struct iso_buf bytes)
{
    rig->bytes = bytes;
    return iso_module_create(rig->engine, bytes.ptr, bytes.len, &rig->module, &rig->report);
}

void rig_check_refused(struct iso_buf bytes, enum iso_err expected, const char *part)
{
    struct rig rig;

    rig_init(&rig);
    CHECK_ERR(rig_module(&rig, bytes), expected);
    CHECK(rig.module == NULL);
    CHECK_CONTAINS(rig.report.text, part);
    rig_fini(&rig);
}

void rig_instance(struct rig *rig, struct iso_buf bytes, const struct iso_store_config *config)
{
    enum iso_err err = rig_module(rig, bytes);

    if (err != ISO_OK) {
        TEST_FAIL("module: %s: %s", iso_err_name(err), iso_report_text(&rig->report, err));
    }
    CHECK_OK(iso_store_create(rig->engine, config, &rig->store));
    err = iso_instance_create(rig->store, rig->module, &rig->instance, &rig->report);
    if (err != ISO_OK) {
        TEST_FAIL("instance: %s: %s", iso_err_name(err), iso_report_text(&rig->report, err));
    }
}

enum iso_err rig_call(struct rig *rig, uint32_t arg, uint32_t *result)
{
    union iso_slot args[1] = {{.u32 = arg}};
    union iso_slot results[1] = {{.u64 = 0}};
    enum iso_err err =
        iso_call(rig->store, iso_instance_export_func(rig->instance, "f"), args, results);

    if (err == ISO_OK) {
        *result = results[0].u32;
    }
    return err;
}

struct iso_buf rig_one_section(enum wasm_section_id id, struct iso_buf content)
{
    struct iso_buf module = wasm_buf();

    wasm_header(&module);
    wasm_section(&module, id, &content);
    return module;
}

struct iso_buf rig_body_begin(void)
{
    struct iso_buf body = wasm_buf();

    wasm_u8(&body, 0);
    return body;
}
