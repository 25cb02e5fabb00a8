/* The host module `spectest`, as the reference interpreter defines it
 * (interpreter/host/spectest.ml). Its print functions are silent: nothing checks what they print.
 */
#include "spectest.h"

static enum iso_host_result print(struct iso_host_call *call)
{
    (void)call;
    return ISO_HOST_DONE;
}

static enum iso_err define_functions(struct iso_store *store)
{
    static const struct {
        const char *name;
        const char *params;
    } functions[] = {{"print", ""},          {"print_i32", "i"}, {"print_i64", "I"},
                     {"print_f32", "f"},     {"print_f64", "F"}, {"print_i32_f32", "if"},
                     {"print_f64_f64", "FF"}};

    for (size_t i = 0; i < ISO_COUNT_OF(functions); i++) {
        struct iso_host_func def = {.module = "spectest",
                                    .name = functions[i].name,
                                    .params = functions[i].params,
                                    .results = "",
                                    .fn = print,
                                    .policy = ISO_HOST_REISSUE};
        enum iso_err err = iso_store_define_func(store, &def);
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

static enum iso_err define_globals(struct iso_store *store)
{
    const struct {
        const char *name;
        enum iso_type type;
        union iso_slot value;
    } globals[] = {{"global_i32", ISO_TYPE_I32, {.i32 = 666}},
                   {"global_i64", ISO_TYPE_I64, {.i64 = 666}},
                   {"global_f32", ISO_TYPE_F32, {.f32 = 666.6f}},
                   {"global_f64", ISO_TYPE_F64, {.f64 = 666.6}}};

    for (size_t i = 0; i < ISO_COUNT_OF(globals); i++) {
        enum iso_err err = iso_store_define_global(store, "spectest", globals[i].name,
                                                   globals[i].type, false, &globals[i].value);
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

enum iso_err spectest_define(struct iso_store *store)
{
    static const struct iso_limits memory = {.min = 1, .max = 2, .has_max = true};
    static const struct iso_limits table = {.min = 10, .max = 20, .has_max = true};
    enum iso_err err = define_functions(store);

    if (err == ISO_OK) {
        err = define_globals(store);
    }
    if (err == ISO_OK) {
        err = iso_store_define_memory(store, "spectest", "memory", &memory);
    }
    if (err == ISO_OK) {
        err = iso_store_define_table(store, "spectest", "table", ISO_TYPE_FUNCREF, &table);
    }
    return err;
}
