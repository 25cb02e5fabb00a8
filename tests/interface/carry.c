/*
 * carry.c - a typed call that is stopped after some safepoints, written to a file together with its
 * store, and continued by another process, of another processor perhaps.
 *
 * The file is a snapshot with the saved call in a section of its own, "call". Which function is
 * called, and with what, follows from the seed, so that whoever ends the call knows what is right.
 */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>

struct carry {
    struct iso_wit wit;
    struct host host;
    struct iso_arena arena;
    struct iso_binding *binding;
    const struct iso_wit_interface *interface;
    const struct iso_wit_func *func;
    struct iso_value args[HOST_ARGS_MAX];
    struct iso_bytes saved; /* what was loaded */
    struct iso_report report;
};

static enum iso_err save_section(void *ctx, struct iso_buf *out, struct iso_report *report)
{
    const struct carry *carry = ctx;
    return iso_binding_save(carry->binding, out, report);
}

/* The binding can only be made when the instances are there. */
static enum iso_err load_section(void *ctx, struct iso_bytes bytes, struct iso_report *report)
{
    struct carry *carry = ctx;
    (void)report;
    carry->saved = bytes;
    return ISO_OK;
}

static void sections(struct carry *carry, struct iso_snapshot_section out[2])
{
    out[0] = (struct iso_snapshot_section){
        .name = "call", .ctx = carry, .save = save_section, .load = load_section};
    out[1] = iso_wasi_section(carry->host.wasi);
}

/* The world, the function and the arguments of a seed; a host without an instance. */
static void carry_init(struct carry *carry, const char *wit, const char *guest, const char *seed)
{
    struct iso_random random;
    uint32_t count = 0;
    iso_report_init(&carry->report);
    carry->host.world = read_world(wit, &carry->wit);
    iso_random_init(&random, strtoull(seed, NULL, 10));
    iso_arena_init(&carry->arena, iso_alloc_libc(), 0, (size_t)1 << 28);
    for (uint32_t i = 0; i < carry->host.world->export_count; i++) {
        carry->interface = carry->host.world->exports[i].interface;
        count = carry->interface != NULL ? carry->interface->func_count : 0;
        if (count != 0) {
            carry->func = &carry->interface->funcs[iso_random_below(&random, count)];
            break;
        }
    }
    if (count == 0) {
        die("a world without functions", NULL, ISO_E_NOT_FOUND);
    }
    host_args(&random, carry->func, &carry->arena, carry->args);
    host_init(&carry->host, guest);
}

static void bind(struct carry *carry)
{
    check("binding", &carry->report,
          iso_binding_create(carry->host.instance, (struct iso_str){NULL, 0}, carry->interface,
                             carry->func, &carry->binding, &carry->report));
}

static void write_snapshot(struct carry *carry, const char *path)
{
    struct iso_snapshot_section all[2];
    struct iso_buf out;
    sections(carry, all);
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    check("snapshot", &carry->report,
          iso_snapshot_save(carry->host.store, all, 2, &out, &carry->report));
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(out.ptr, 1, out.len, file) != out.len || fclose(file) != 0) {
        die(path, NULL, ISO_E_IO);
    }
    iso_buf_fini(&out);
}

/* On for some safepoints: the call ends, or is written. */
static int proceed(struct carry *carry, enum iso_err err, struct iso_value *result,
                   const char *steps, const char *to)
{
    for (unsigned long left = strtoul(steps, NULL, 10); err == ISO_E_PENDING && left != 0; left--) {
        err = iso_binding_continue(carry->binding, &carry->arena, result, &carry->report);
    }
    int status = 0;
    if (err == ISO_E_PENDING) {
        write_snapshot(carry, to);
        (void)printf("saved\n");
    } else {
        check("call", &carry->report, err);
        struct iso_value right = host_expected(carry->func, carry->args);
        bool equal = iso_value_equal(carry->func->result, &right, result);
        (void)printf("%s\n", equal ? "equal" : "not equal");
        status = equal ? 0 : 1;
    }
    iso_binding_destroy(carry->binding);
    host_fini(&carry->host);
    iso_arena_fini(&carry->arena);
    iso_wit_fini(&carry->wit);
    return status;
}

int carry_begin(const char *wit, const char *guest, const char *seed, const char *steps,
                const char *to)
{
    struct carry carry = {.binding = NULL};
    struct iso_value result = {.u = 0};
    carry_init(&carry, wit, guest, seed);
    host_start(&carry.host);
    bind(&carry);
    iso_store_step(carry.host.store, true);
    enum iso_err err =
        iso_binding_call(carry.binding, carry.args, &carry.arena, &result, &carry.report);
    return proceed(&carry, err, &result, steps, to);
}

int carry_on(const char *wit, const char *guest, const char *seed, const char *from,
             const char *steps, const char *to)
{
    struct carry carry = {.binding = NULL};
    struct iso_value result = {.u = 0};
    struct iso_snapshot_section all[2];
    carry_init(&carry, wit, guest, seed);
    sections(&carry, all);
    check("restore", &carry.report,
          iso_snapshot_restore(carry.host.store, read_file(from), &carry.host.module, 1, all, 2,
                               &carry.host.instance, 1, &carry.report));
    bind(&carry);
    check("load", &carry.report,
          iso_binding_load(carry.binding, carry.saved, &carry.arena, &carry.report));
    iso_store_step(carry.host.store, true);
    return proceed(&carry, ISO_E_PENDING, &result, steps, to);
}
